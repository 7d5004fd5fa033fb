//! All the faults of a document, found in one pass.

use crate::Error;

/// The most faults listed of one document; those beyond it are counted.
pub const FAULTS_MAX: usize = 1_000;

/// The faults found so far, in the order of the document.
#[derive(Debug, Default)]
pub(in crate::ontology) struct Faults {
    listed: Vec<Error>,
    count: usize,
}

/// A place in the list of faults, to say later where those after it were found.
#[derive(Clone, Copy, Debug)]
pub(in crate::ontology) struct Mark(usize);

impl Faults {
    pub(in crate::ontology) fn push(&mut self, fault: Error) {
        self.count += 1;
        if self.listed.len() < FAULTS_MAX {
            self.listed.push(fault);
        }
    }

    /// Keeps the error of a result.
    pub(in crate::ontology) fn take<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|fault| self.push(fault)).ok()
    }

    pub(in crate::ontology) const fn mark(&self) -> Mark {
        Mark(self.listed.len())
    }

    pub(in crate::ontology) const fn is_clean_since(&self, mark: Mark) -> bool {
        self.listed.len() == mark.0
    }

    /// States the path of the faults found since `mark`. The path is only spelled when there are any.
    pub(in crate::ontology) fn at(&mut self, mark: Mark, path: impl Fn() -> String) {
        if self.is_clean_since(mark) {
            return;
        }
        let since = self.listed.split_off(mark.0);
        self.listed.extend(since.into_iter().map(|fault| fault.at(path())));
    }

    pub(in crate::ontology) fn into_errors(self) -> Vec<Error> {
        self.listed
    }

    /// The first fault, with how many there are.
    pub(in crate::ontology) fn into_first(self) -> Option<Error> {
        let count = self.count;
        self.listed.into_iter().next().map(|fault| fault.with("faults", count))
    }
}
