//! Elements made of other elements, those they are made of first.

use std::collections::HashMap;

use crate::ApiName;

/// The indexes of `names` so that the parents of each come before it, and the indexes of those on or behind a cycle. Parents that are
/// not among the names do not count.
pub(super) fn parents_first<'a>(
    names: &[&'a ApiName],
    parents: impl Fn(usize) -> Vec<&'a ApiName>,
) -> (Vec<usize>, Vec<usize>) {
    let by_name: HashMap<&ApiName, usize> = names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); names.len()];
    let mut missing: Vec<usize> = vec![0; names.len()];
    for (child, missing) in missing.iter_mut().enumerate() {
        for parent in parents(child).into_iter().filter_map(|name| by_name.get(name)) {
            if let Some(children) = children.get_mut(*parent) {
                children.push(child);
                *missing += 1;
            }
        }
    }
    let mut ready: std::collections::BTreeSet<usize> =
        missing.iter().enumerate().filter(|(_, missing)| **missing == 0).map(|(index, _)| index).collect();
    let mut order = Vec::with_capacity(names.len());
    while let Some(index) = ready.pop_first() {
        order.push(index);
        for child in children.get(index).into_iter().flatten() {
            if let Some(missing) = missing.get_mut(*child) {
                *missing -= 1;
                if *missing == 0 {
                    ready.insert(*child);
                }
            }
        }
    }
    let cyclic = missing.iter().enumerate().filter(|(_, missing)| **missing > 0).map(|(index, _)| index).collect();
    (order, cyclic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_cycles_are_told() {
        let names: Vec<ApiName> = ["a", "b", "c", "d", "e"].iter().map(|name| ApiName::parse(name).unwrap()).collect();
        let by_ref: Vec<&ApiName> = names.iter().collect();
        let parents = |index: usize| match index {
            0 => vec![&names[1], &names[2]],
            1 => vec![&names[2]],
            3 => vec![&names[4]],
            4 => vec![&names[3]],
            _ => vec![],
        };
        assert_eq!(parents_first(&by_ref, parents), (vec![2, 1, 0], vec![3, 4]));
    }
}
