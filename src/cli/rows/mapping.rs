//! Which column of a file goes into which property.

use std::fmt;

/// Where a column goes: a property, or a member of one, as in `location.lat`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    /// The property; for links also `source` and `target`.
    pub(crate) property: String,
    /// The members that lead into it.
    pub(crate) members: Vec<String>,
}

impl Target {
    /// Reads `location.lat`.
    pub(crate) fn parse(text: &str) -> Self {
        let mut names = text.split('.').map(str::to_owned);
        Self { property: names.next().unwrap_or_default(), members: names.collect() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.property)?;
        self.members.iter().try_for_each(|member| write!(f, ".{member}"))
    }
}

/// Which column goes where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mapping {
    /// Columns that have another name than their target.
    pub(crate) renamed: Vec<(String, Target)>,
    /// Columns that are not loaded.
    pub(crate) skipped: Vec<String>,
    /// Text that stands for an absent value, besides the empty text of CSV.
    pub(crate) null: Option<String>,
}

impl Mapping {
    /// Where a column goes; `None` when it is skipped.
    pub(super) fn target(&self, column: &str) -> Option<Target> {
        if self.skipped.iter().any(|skipped| skipped == column) {
            return None;
        }
        let renamed = self.renamed.iter().find(|(from, _)| from == column);
        Some(renamed.map_or_else(|| Target { property: column.to_owned(), members: Vec::new() }, |(_, to)| to.clone()))
    }

    /// Whether a text stands for an absent value.
    pub(super) fn is_null(&self, text: &str) -> bool {
        text.is_empty() || self.null.as_deref() == Some(text)
    }

    /// A column that is renamed or skipped and is none of the file's.
    pub(super) fn unknown(&self, is_column: impl Fn(&str) -> bool) -> Option<&str> {
        let named = self.renamed.iter().map(|(column, _)| column).chain(&self.skipped);
        named.map(String::as_str).find(|column| !is_column(column))
    }
}
