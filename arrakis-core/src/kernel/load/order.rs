//! The order of rows that refer to each other: what is referred to comes first.

use std::collections::HashMap;

use crate::Key;

/// Orders rows, given as their key and the keys they refer to, so that each follows those of the load it refers to; rows that refer
/// to each other in a circle are next to each other. Other rows keep their order.
pub(super) fn referred_first(rows: &[(Key, Vec<Key>)]) -> Vec<usize> {
    let by_key: HashMap<&Key, usize> = rows.iter().enumerate().map(|(index, (key, _))| (key, index)).collect();
    let mut seen = vec![false; rows.len()];
    let mut order = Vec::with_capacity(rows.len());
    let mut walk: Vec<(usize, usize)> = Vec::new();
    let enter = |index: usize, seen: &mut Vec<bool>| {
        seen.get_mut(index).is_some_and(|seen| !std::mem::replace(seen, true)).then_some((index, 0))
    };
    for start in 0..rows.len() {
        walk.extend(enter(start, &mut seen));
        while let Some((index, reference)) = walk.last_mut() {
            if let Some(key) = rows.get(*index).and_then(|(_, references)| references.get(*reference)) {
                *reference += 1;
                walk.extend(by_key.get(key).and_then(|next| enter(*next, &mut seen)));
            } else {
                order.push(*index);
                walk.pop();
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_follows_what_it_refers_to() {
        let row = |key: i64, to: &[i64]| (Key::from(key), to.iter().map(|to| Key::from(*to)).collect());
        let rows = [row(0, &[]), row(1, &[3]), row(2, &[9]), row(3, &[4, 0]), row(4, &[]), row(5, &[6]), row(6, &[5])];
        assert_eq!(referred_first(&rows), [0, 4, 3, 1, 2, 6, 5]);
        assert_eq!(referred_first(&[]), Vec::<usize>::new());
    }

    #[test]
    fn a_long_chain_takes_no_stack() {
        let rows: Vec<_> = (0..100_000).map(|i: i64| (Key::from(i), vec![Key::from(i + 1)])).collect();
        let order = referred_first(&rows);
        assert_eq!(order.first(), Some(&99_999));
        assert_eq!(order.len(), rows.len());
    }
}
