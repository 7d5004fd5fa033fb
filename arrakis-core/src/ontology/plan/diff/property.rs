//! Properties of object and link types: what a change of one asks of the values it holds.

use serde_json::Value as Json;

use super::Differ;
use super::subject::{Subject, Version};
use crate::ontology::plan::constraint::compare;
use crate::ontology::plan::finding::Draft;
use crate::ontology::plan::migration::Step;
use crate::ontology::plan::rule::{Class, Rule};
use crate::ontology::{
    ElementPath, MigrationStep, NewDataType, NewProperty, OnCastFailure, Property, Rewrite, Transform,
};
use crate::{ApiName, BaseType, DataType, Error, Result, Value};

/// A property in both versions.
struct Pair<'p> {
    old: (usize, &'p NewProperty, &'p Property),
    new: (usize, &'p NewProperty, &'p Property),
    path: ElementPath,
    old_path: ElementPath,
}

impl Differ<'_> {
    /// Compares the properties of a type of both versions, and notes how its rows are rewritten.
    pub(super) fn properties(
        &mut self,
        subject: &Subject,
        (old_path, path): (&ElementPath, &ElementPath),
        (old, new): (&[NewProperty], &[NewProperty]),
    ) -> Result<()> {
        let mut transforms = Vec::with_capacity(new.len());
        let mut rewrite = false;
        let mut kept = std::collections::HashSet::new();
        for (index, stated) in new.iter().enumerate() {
            let Some(property) = subject.properties(Version::After).get(index) else { continue };
            let ancestor = self.lineage.property(path.kind, (&path.name, &old_path.name), &stated.name).cloned();
            let before = ancestor.and_then(|name| {
                let index = subject.index_of(Version::Before, &name)?;
                Some((index, old.get(index)?, subject.properties(Version::Before).get(index)?))
            });
            let transform = match before {
                None => self.added(subject, &path.property(stated.name.clone()), index, (stated, property))?,
                Some(before) => {
                    kept.insert(before.0);
                    let pair = Pair {
                        old: before,
                        new: (index, stated, property),
                        path: path.property(stated.name.clone()),
                        old_path: old_path.property(before.1.name.clone()),
                    };
                    let differs = is_derived_otherwise(subject, pair.old.2, property);
                    rewrite |= differs && property.derived.is_some();
                    self.kept(subject, &pair, differs)?
                }
            };
            rewrite |= property.derived.is_some() && before.is_none();
            if !matches!(transform, Transform::Keep(_)) {
                rewrite = true;
                self.rewritten(subject, index, property);
            }
            transforms.push(transform);
        }
        for (index, stated) in old.iter().enumerate().filter(|(index, _)| !kept.contains(index)) {
            self.removed(subject, index, &old_path.property(stated.name.clone()), stated);
        }
        if rewrite {
            self.rewrites.push(Rewrite { of: subject.rewritten(), transforms });
        }
        Ok(())
    }

    fn rewritten(&mut self, subject: &Subject, index: usize, property: &Property) {
        if let Subject::Objects(_, after) = subject {
            self.rewritten.insert((after.id, index));
        }
        if property.unique {
            self.guards.extend(subject.unique(Version::After, index));
        }
    }

    fn added(
        &mut self,
        subject: &Subject,
        path: &ElementPath,
        index: usize,
        (stated, property): (&NewProperty, &Property),
    ) -> Result<Transform> {
        if stated.derived.is_some() {
            self.push(Draft::new(Rule::PropAddedDerived, path.to_string()));
            return Ok(Transform::Keep(None));
        }
        let migration = self.migrations.take(path, &[Step::Default]);
        let filled = match &migration {
            Some(MigrationStep::Default(json)) => Some(self.migration_value(path, property, json)?),
            _ => property.default.clone().filter(|_| property.required),
        };
        let draft = match (property.required, &migration, &filled) {
            (false, ..) => Draft::new(Rule::PropAdded, path.to_string()),
            (true, None, Some(_)) => Draft::new(Rule::PropAddedDefault, path.to_string()),
            (true, ..) => Draft::new(Rule::PropAddedRequired, path.to_string())
                .evidence(subject.no_rows())
                .guard(subject.required(Version::After, index)),
        };
        self.push(draft.migration(migration));
        Ok(filled.map_or(Transform::Keep(None), |value| Transform::Or(None, property.data_type.clone(), value)))
    }

    fn removed(&mut self, subject: &Subject, index: usize, path: &ElementPath, stated: &NewProperty) {
        if stated.derived.is_some() {
            self.push_of(Draft::new(Rule::PropRemovedDerived, path.to_string()), path);
            return;
        }
        let migration = self.migrations.take(path, &[Step::Drop]);
        let mut draft = Draft::new(Rule::PropRemoved, path.to_string()).evidence(subject.no_values(index));
        if migration.is_none() {
            draft = draft.guard(subject.no_values(index));
        }
        self.push_of(draft.migration(migration), path);
    }

    fn kept(&mut self, subject: &Subject, pair: &Pair<'_>, derived_otherwise: bool) -> Result<Transform> {
        let (_, old_stated, old) = pair.old;
        let NewProperty {
            name,
            description,
            data_type,
            shared,
            constraints,
            required: _,
            unique,
            indexed,
            searchable,
            default,
            derived,
            merge,
            marking,
            status,
        } = pair.new.1;
        let new = pair.new.2;
        if old_stated.name != *name {
            let renamed = Draft::new(Rule::PropRenamed, pair.path.to_string());
            self.push_of(renamed.because(&format!("it was {}", old_stated.name)), &pair.old_path);
        }
        self.documentation(&pair.path, old_stated.description != *description);
        self.status(&pair.path, (&old_stated.status, status), &pair.old_path);
        let transform = if old.derived.is_some() && derived.is_some() {
            self.derived_kept(pair, derived_otherwise)
        } else {
            if old.derived.is_some() != derived.is_some() {
                self.derived_toggled(subject, pair);
            }
            if derived.is_some() { Transform::Keep(Some(pair.old.0)) } else { self.values(subject, pair)? }
        };
        let restated = old_stated.shared != *shared
            || old_stated.data_type != *data_type
            || old_stated.constraints != *constraints;
        if restated && old.data_type == new.data_type {
            let same = self.is_same_type(old_stated.data_type.as_ref(), data_type.as_ref());
            if !same || old_stated.shared != *shared || old_stated.constraints != *constraints {
                self.push_of(Draft::new(Rule::PropTypeRestated, pair.path.to_string()), &pair.old_path);
            }
        }
        self.unique(subject, pair, (old_stated.unique, *unique));
        let told: [(bool, Rule); 6] = [
            (*indexed && !old_stated.indexed, Rule::PropIndexAdded),
            (!*indexed && old_stated.indexed, Rule::PropIndexRemoved),
            (*searchable && !old_stated.searchable, Rule::PropSearchAdded),
            (!*searchable && old_stated.searchable, Rule::PropSearchRemoved),
            (old_stated.merge != *merge, Rule::PropMergeChanged),
            (old_stated.marking != *marking, Rule::PropMarkingChanged),
        ];
        for (_, rule) in told.into_iter().filter(|(applies, _)| *applies) {
            self.push_of(Draft::new(rule, pair.path.to_string()), &pair.old_path);
        }
        let rule = match (&old_stated.default, default) {
            (None, Some(_)) => Some(Rule::PropDefaultAdded),
            (Some(_), None) => Some(Rule::PropDefaultRemoved),
            (old, new) if old != new => Some(Rule::PropDefaultChanged),
            _ => None,
        };
        if let Some(rule) = rule {
            self.push_of(Draft::new(rule, pair.path.to_string()), &pair.old_path);
        }
        Ok(transform)
    }

    fn unique(&mut self, subject: &Subject, pair: &Pair<'_>, (old, new): (bool, bool)) {
        let draft = match (old, new) {
            (true, false) => Draft::new(Rule::PropUniqueRemoved, pair.path.to_string()),
            (false, true) => {
                let mut draft = Draft::new(Rule::PropUniqueAdded, pair.path.to_string());
                draft.evidence = subject.unique(Version::Before, pair.old.0);
                draft.guard = subject.unique(Version::After, pair.new.0);
                draft
            }
            _ => return,
        };
        self.push_of(draft, &pair.old_path);
    }

    fn derived_kept(&mut self, pair: &Pair<'_>, derived_otherwise: bool) -> Transform {
        let (old, new) = (pair.old.2, pair.new.2);
        if derived_otherwise || old.data_type != new.data_type {
            self.push_of(Draft::new(Rule::PropDerivedChanged, pair.path.to_string()), &pair.old_path);
        }
        // What it was is of no use to what it will be.
        if old.data_type == new.data_type {
            Transform::Keep(Some(pair.old.0))
        } else {
            Transform::Or(None, new.data_type.clone(), Value::Null)
        }
    }

    fn derived_toggled(&mut self, subject: &Subject, pair: &Pair<'_>) {
        let draft = if pair.new.2.derived.is_none() {
            Draft::new(Rule::PropDerivedRemoved, pair.path.to_string())
        } else {
            let migration = self.migrations.take(&pair.path, &[Step::Drop]);
            let mut draft =
                Draft::new(Rule::PropDerivedAdded, pair.path.to_string()).evidence(subject.no_values(pair.old.0));
            if migration.is_none() {
                draft = draft.guard(subject.no_values(pair.old.0));
            }
            draft.migration(migration)
        };
        self.push_of(draft, &pair.old_path);
    }

    /// Compares type, constraints and presence, and decides what becomes of the values.
    fn values(&mut self, subject: &Subject, pair: &Pair<'_>) -> Result<Transform> {
        let (old, new) = (pair.old.2, pair.new.2);
        let converted = !new.data_type.base.is_stored_as(&old.data_type.base);
        // The numbers of a vector may stay and mean something else.
        let remeant = !converted && meaning(&old.data_type.base) != meaning(&new.data_type.base);
        let rule = if remeant {
            Some(Rule::PropTypeChanged)
        } else {
            converted.then(|| conversion(&old.data_type, &new.data_type))
        };
        let mut migration = None;
        let mut narrowed = false;
        if let Some(rule) = rule {
            migration = self.converted(subject, pair, rule);
            narrowed = true;
        } else {
            for rule in compare(&old.data_type, &new.data_type) {
                let used = self.constrained(subject, pair, rule);
                migration = migration.or(used);
                narrowed |= rule.class() != Class::Compatible;
            }
        }
        let mut filled = None;
        if new.required && !old.required {
            (migration, filled) = self.required(subject, pair, narrowed, migration);
        } else if old.required && !new.required {
            self.push_of(Draft::new(Rule::PropRequiredRemoved, pair.path.to_string()), &pair.old_path);
        }
        match self.transform(pair, converted, migration, filled)? {
            Transform::Or(_, to, value) if remeant => Ok(Transform::Or(None, to, value)),
            transform => Ok(transform),
        }
    }

    fn converted(&mut self, subject: &Subject, pair: &Pair<'_>, rule: Rule) -> Option<MigrationStep> {
        let to = &pair.new.2.data_type;
        let steps: &[Step] = if rule == Rule::PropTypeWidened { &[] } else { &[Step::Default, Step::Cast, Step::Drop] };
        let migration = self.migrations.take(&pair.path, usable(subject, pair, steps));
        let mut draft = Draft::new(rule, pair.path.to_string()).because(&format!(
            "{} was {}",
            to.base.name(),
            pair.old.2.data_type.base.name()
        ));
        let castable = subject.castable(Version::Before, pair.old.0, to);
        // A number read out of a text is another thing than the text: that it can be read does not say it should be.
        let is_stated = matches!(migration, Some(MigrationStep::Cast(_)));
        if rule == Rule::PropTypeChanged && !is_stated {
            draft = draft.evidence(subject.no_values(pair.old.0));
            if migration.is_none() {
                draft = draft.guard(subject.no_values(pair.old.0));
            }
        } else if rule != Rule::PropTypeWidened {
            draft = draft.evidence(castable);
        }
        self.push_of(draft.migration(migration.clone()), &pair.old_path);
        migration
    }

    fn constrained(&mut self, subject: &Subject, pair: &Pair<'_>, rule: Rule) -> Option<MigrationStep> {
        let to = &pair.new.2.data_type;
        let draft = Draft::new(rule, pair.path.to_string());
        if rule.class() == Class::Compatible {
            self.push_of(draft, &pair.old_path);
            return None;
        }
        let migration = self.migrations.take(&pair.path, usable(subject, pair, &[Step::Default, Step::Drop]));
        let draft = draft
            .evidence(subject.castable(Version::Before, pair.old.0, to))
            .guard(subject.castable(Version::After, pair.new.0, to))
            .migration(migration.clone());
        self.push_of(draft, &pair.old_path);
        migration
    }

    fn required(
        &mut self,
        subject: &Subject,
        pair: &Pair<'_>,
        narrowed: bool,
        migration: Option<MigrationStep>,
    ) -> (Option<MigrationStep>, Option<Value>) {
        let stated = self.migrations.take(&pair.path, usable(subject, pair, &[Step::Default]));
        let default = pair.new.2.default.clone().filter(|_| !narrowed && stated.is_none());
        let draft = if default.is_some() {
            Draft::new(Rule::PropRequiredFilled, pair.path.to_string())
        } else {
            Draft::new(Rule::PropRequiredAdded, pair.path.to_string())
                .evidence(subject.required(Version::Before, pair.old.0))
                .migration(stated.clone())
        };
        self.push_of(draft.guard(subject.required(Version::After, pair.new.0)), &pair.old_path);
        (migration.or(stated), default)
    }

    fn transform(
        &self,
        pair: &Pair<'_>,
        converted: bool,
        migration: Option<MigrationStep>,
        filled: Option<Value>,
    ) -> Result<Transform> {
        let (index, new) = (pair.old.0, pair.new.2);
        let to = new.data_type.clone();
        let nulls = matches!(&migration, Some(MigrationStep::Drop(_) | MigrationStep::Cast(OnCastFailure::Absent)));
        if nulls && new.required {
            return Err(Error::invalid(
                "ontology.migration.null_required",
                "a required property's values cannot become absent: state a default",
            )
            .at(self.migrations.place(&pair.path)));
        }
        Ok(match migration {
            Some(MigrationStep::Default(json)) => {
                Transform::Or(Some(index), to, self.migration_value(&pair.path, new, &json)?)
            }
            Some(MigrationStep::Drop(_)) => Transform::Or(Some(index), to, Value::Null),
            Some(MigrationStep::Cast(OnCastFailure::Absent)) => Transform::Cast(index, to, Some(Value::Null)),
            Some(MigrationStep::Cast(OnCastFailure::Default(json))) => {
                Transform::Cast(index, to, Some(self.migration_value(&pair.path, new, &json)?))
            }
            Some(MigrationStep::Cast(OnCastFailure::Refuse)) => Transform::Cast(index, to, None),
            None if converted => Transform::Cast(index, to, None),
            None => filled.map_or(Transform::Keep(Some(index)), |value| Transform::Or(Some(index), to, value)),
        })
    }

    fn migration_value(&self, path: &ElementPath, property: &Property, json: &Json) -> Result<Value> {
        let at = |e: Error| e.at(self.migrations.place(path));
        match property.data_type.read(json).map_err(at)? {
            Value::Null => Err(at(Error::invalid("ontology.migration.null", "a default is a value, not null"))),
            value => Ok(value),
        }
    }

    /// Whether two stated types are one, renames of value types aside.
    pub(super) fn is_same_type(&self, old: Option<&NewDataType>, new: Option<&NewDataType>) -> bool {
        match (old, new) {
            (Some(NewDataType::ValueType(old)), Some(NewDataType::ValueType(new))) => self.is_same_value_type(old, new),
            (Some(NewDataType::Array(old)), Some(NewDataType::Array(new))) => self.is_same_type(Some(old), Some(new)),
            (Some(NewDataType::Struct(old)), Some(NewDataType::Struct(new))) => {
                old.len() == new.len()
                    && old.iter().zip(new).all(|(old, new)| {
                        old.name == new.name
                            && old.required == new.required
                            && self.is_same_type(Some(&old.data_type), Some(&new.data_type))
                    })
            }
            (old, new) => old == new,
        }
    }

    fn is_same_value_type(&self, old: &ApiName, new: &ApiName) -> bool {
        self.lineage.element(crate::ontology::ElementKind::ValueType, new) == Some(old)
    }
}

/// Whether a property is computed from other properties than before, by whatever names, or otherwise.
fn is_derived_otherwise(subject: &Subject, old: &Property, new: &Property) -> bool {
    let read = |version: Version, property: &Property| -> Vec<Option<crate::PropertyId>> {
        let names = property.derived.iter().flat_map(|expression| expression.properties());
        let all = subject.properties(version);
        names.map(|name| Some(all.get(subject.index_of(version, name)?)?.id)).collect()
    };
    old.derived != new.derived || read(Version::Before, old) != read(Version::After, new)
}

/// The migrations that may change the values of a property: none those of a key, by which objects are known.
fn usable<'s>(subject: &Subject, pair: &Pair<'_>, steps: &'s [Step]) -> &'s [Step] {
    if subject.is_key(pair.new.0) { &[] } else { steps }
}

/// The rule a conversion from one stored form to another falls under.
fn conversion(old: &DataType, new: &DataType) -> Rule {
    let constrained = !new.constraints.is_empty();
    match (&old.base, &new.base) {
        (BaseType::Decimal { precision: p, scale: s }, BaseType::Decimal { precision, scale }) => {
            if scale < s {
                Rule::PropTypeNarrowed
            } else if precision - scale >= p - s && !constrained {
                Rule::PropTypeWidened
            } else {
                Rule::PropTypeWidenedInexact
            }
        }
        (BaseType::Date, BaseType::Timestamp) if !constrained => Rule::PropTypeWidened,
        (BaseType::Integer, BaseType::Double | BaseType::Decimal { .. })
        | (BaseType::Decimal { .. }, BaseType::Double)
        | (BaseType::Date, BaseType::Timestamp) => Rule::PropTypeWidenedInexact,
        (BaseType::Double | BaseType::Decimal { .. }, BaseType::Integer)
        | (BaseType::Double, BaseType::Decimal { .. })
        | (BaseType::Timestamp, BaseType::Date) => Rule::PropTypeNarrowed,
        (BaseType::Array(old), BaseType::Array(new)) => conversion(old, new),
        (BaseType::Struct(old), BaseType::Struct(new)) => {
            let grown = new.len() > old.len()
                && old.iter().all(|field| {
                    new.iter().any(|now| {
                        now.api_name == field.api_name && now.data_type.base.is_stored_as(&field.data_type.base)
                    })
                });
            if grown { Rule::PropTypeWidenedInexact } else { Rule::PropTypeNarrowed }
        }
        _ => Rule::PropTypeChanged,
    }
}

/// What equal numbers mean: those of another embedding space are others.
fn meaning(base: &BaseType) -> Option<(crate::VectorMetric, Option<&ApiName>)> {
    match base {
        BaseType::Vector { metric, space, .. } => Some((*metric, space.as_ref())),
        _ => None,
    }
}
