//! The embedded build stays lean: what a dependant with default features compiles is counted, bounded and published.

use std::collections::BTreeSet;

use crate::workspace::{Outcome, Workspace, output};

/// The most crates a dependant of `arrakis` with default features may compile, `arrakis` itself included.
const CRATES_MAX: usize = 220;

/// Counts those crates, and checks that the README says the same number.
///
/// # Errors
/// When they are more than [`CRATES_MAX`], or the README is silent or wrong.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let count = crates(workspace)?;
    println!("a dependant with default features compiles {count} crates (at most {CRATES_MAX})");
    if count > CRATES_MAX {
        return Err(format!("{count} crates are more than {CRATES_MAX}").into());
    }
    let readme = std::fs::read_to_string(workspace.root().join("README.md"))?;
    check_readme(&readme, count)
}

fn crates(workspace: &Workspace) -> Outcome<usize> {
    let arguments = ["tree", "--locked", "-p", "arrakis", "-e", "normal,build", "--prefix", "none", "--no-dedupe"];
    let tree = output(&mut workspace.cargo(arguments))?;
    Ok(tree.lines().collect::<BTreeSet<_>>().len())
}

fn check_readme(readme: &str, count: usize) -> Outcome {
    let said = numbers_before_crates(readme);
    if said.is_empty() {
        return Err(format!("README.md must say `{count} crates`").into());
    }
    match said.iter().find(|number| **number != count) {
        Some(wrong) => Err(format!("README.md says `{wrong} crates`, but there are {count}").into()),
        None => Ok(()),
    }
}

/// The numbers a text puts before the word "crates".
fn numbers_before_crates(text: &str) -> Vec<usize> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let pairs = words.windows(2).filter_map(|pair| match pair {
        [number, "crates"] => number.parse().ok(),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_must_say_the_number() {
        assert!(check_readme("A dependant compiles **97 crates**.", 97).is_ok());
        assert!(check_readme("A dependant compiles 97\ncrates.", 98).is_err());
        assert!(check_readme("Six crates, of which 97 crates", 97).is_ok());
        assert!(check_readme("Few crates.", 97).is_err());
    }
}
