//! Link types: new, gone, between other types, kept elsewhere; their cardinality and their properties.

use std::sync::Arc;

use super::subject::Subject;
use super::{Differ, Paired};
use crate::ontology::plan::finding::Draft;
use crate::ontology::plan::rule::Rule;
use crate::ontology::{
    Backing, Cardinality, DataCheck, ElementKind, ElementPath, End, LinkType, NewLinkSide, NewLinkType, ObjectType,
};
use crate::{Error, Result};

/// A link type in both versions.
struct Pair<'a> {
    old: (&'a NewLinkType, Arc<LinkType>),
    new: (&'a NewLinkType, Arc<LinkType>),
    path: ElementPath,
    old_path: ElementPath,
}

/// The foreign key of a link type: the type that holds it, which property, and the type it names.
struct ForeignKey {
    holder: Arc<ObjectType>,
    property: usize,
    far: Arc<ObjectType>,
    end: End,
}

impl<'a> Differ<'a> {
    pub(super) fn link_types(&mut self, old: &'a [NewLinkType], new: &'a [NewLinkType]) -> Result<()> {
        let kind = ElementKind::LinkType;
        let Paired { kept, added, removed } = self.pair(kind, (old, new), |of| &of.name);
        for stated in added {
            let path = ElementPath::of(kind, stated.name.clone());
            self.push(Draft::new(Rule::LinkAdded, path.to_string()));
            let link_type = Arc::clone(self.target.link_type(stated.name.as_str())?);
            if let Some(foreign_key) = foreign_key(self.target, &link_type)? {
                self.over_property(Rule::LinkAddedOverProperty, &path, &link_type, &foreign_key)?;
            }
        }
        for stated in removed {
            let path = ElementPath::of(kind, stated.name.clone());
            let link_type = Arc::clone(self.base.link_type(stated.name.as_str())?);
            match link_type.backing {
                Backing::Join => self.emptied(Rule::LinkRemoved, DataCheck::NoLinks(link_type), &path, &path),
                Backing::ForeignKey { .. } => {
                    self.push_of(Draft::new(Rule::LinkRemovedFromProperty, path.to_string()), &path);
                }
            }
        }
        for (old, new) in kept {
            let pair = Pair {
                old: (old, Arc::clone(self.base.link_type(old.name.as_str())?)),
                new: (new, Arc::clone(self.target.link_type(new.name.as_str())?)),
                path: ElementPath::of(kind, new.name.clone()),
                old_path: ElementPath::of(kind, old.name.clone()),
            };
            self.link_type(&pair)?;
        }
        Ok(())
    }

    fn link_type(&mut self, pair: &Pair<'a>) -> Result<()> {
        let NewLinkType {
            name,
            description,
            source,
            target,
            // Compared resolved, below.
            foreign_key: _,
            properties,
            on_delete,
            status,
        } = pair.new.0;
        let old = pair.old.0;
        self.renamed(Rule::LinkRenamed, ElementKind::LinkType, &old.name, name);
        self.documentation(&pair.path, old.description != *description);
        self.status(&pair.path, (&old.status, status), &pair.old_path);
        if old.on_delete != *on_delete {
            self.push_of(Draft::new(Rule::LinkOnDeleteChanged, pair.path.to_string()), &pair.old_path);
        }
        for (side, old, new) in [("source", &old.source, source), ("target", &old.target, target)] {
            let NewLinkSide { object_type: _, name, cardinality: _ } = new;
            if old.name != *name {
                let draft = Draft::new(Rule::LinkSideRenamed, format!("{}.{side}", pair.path));
                self.push_of(draft.because(&format!("it was {}", old.name)), &pair.old_path);
            }
        }
        let (before, after) = (&pair.old.1, &pair.new.1);
        if before.id != after.id {
            return self.replaced(pair);
        }
        let keys = foreign_key(self.base, before)?.zip(foreign_key(self.target, after)?);
        if let Some((old, new)) = keys {
            return self.foreign_key(pair, &old, &new);
        }
        self.cardinality(pair, End::Source);
        self.cardinality(pair, End::Target);
        let subject = Subject::Links(Arc::clone(before), Arc::clone(after));
        self.properties(&subject, (&pair.old_path, &pair.path), (&old.properties, properties))
    }

    /// A link type that is another one now: its links are those of the new one, and there are none yet.
    fn replaced(&mut self, pair: &Pair<'_>) -> Result<()> {
        let (before, after) = (&pair.old.1, &pair.new.1);
        let moved = matches!(before.backing, Backing::Join) != matches!(after.backing, Backing::Join);
        let rule = if moved { Rule::LinkBackingChanged } else { Rule::LinkEndChanged };
        let check = match foreign_key(self.base, before)? {
            None => DataCheck::NoLinks(Arc::clone(before)),
            Some(old) => DataCheck::NoValues(old.holder, old.property),
        };
        self.emptied(rule, check, &pair.path, &pair.old_path);
        if let Some(new) = foreign_key(self.target, after)? {
            self.over_property(Rule::LinkAddedOverProperty, &pair.path, after, &new)?;
        }
        Ok(())
    }

    /// A property that holds links now and did not before.
    fn over_property(
        &mut self,
        rule: Rule,
        path: &ElementPath,
        link_type: &Arc<LinkType>,
        new: &ForeignKey,
    ) -> Result<()> {
        let guard = DataCheck::References(Arc::clone(&new.holder), new.property, Arc::clone(&new.far));
        let Some((holder, property)) = self.ancestor(&new.holder, new.property)? else {
            // A new property, or one of a type without objects, holds nothing; what a migration puts there is checked.
            self.guards.push(guard);
            return Ok(());
        };
        let far = self.base.object_type_by_id(new.far.id).cloned();
        let evidence = match far {
            Some(far) => DataCheck::References(Arc::clone(&holder), property, far),
            None => DataCheck::NoValues(Arc::clone(&holder), property),
        };
        let draft = Draft::new(rule, path.to_string()).evidence(evidence).guard(guard);
        self.push(draft);
        if link_type.side(new.end.far()).cardinality == Cardinality::One {
            let draft = Draft::new(Rule::LinkCardinalityNarrowed, path.to_string())
                .evidence(DataCheck::Unique(holder, property))
                .guard(DataCheck::Unique(Arc::clone(&new.holder), new.property));
            self.push(draft);
        }
        Ok(())
    }

    /// The type and property in the version before that a property descends from, when both are still the same.
    fn ancestor(&self, of: &ObjectType, property: usize) -> Result<Option<(Arc<ObjectType>, usize)>> {
        let Some(before) = self.base.object_type_by_id(of.id) else { return Ok(None) };
        let id = of.properties.get(property).map(|property| property.id).ok_or_else(inconsistent)?;
        let index = before.properties.iter().position(|candidate| candidate.id == id);
        Ok(index.map(|index| (Arc::clone(before), index)))
    }

    fn foreign_key(&mut self, pair: &Pair<'_>, old: &ForeignKey, new: &ForeignKey) -> Result<()> {
        let guard = DataCheck::References(Arc::clone(&new.holder), new.property, Arc::clone(&new.far));
        let id = |of: &ForeignKey| of.holder.properties.get(of.property).map(|property| property.id);
        if old.end != new.end || id(old) != id(new) {
            return self.over_property(Rule::LinkForeignKeyChanged, &pair.path, &pair.new.1, new);
        }
        // Both ends are what they were, or the link type would be another.
        if self.rewritten.contains(&(new.holder.id, new.property)) {
            self.guards.push(guard);
        }
        let (before, after) = (&pair.old.1, &pair.new.1);
        let far = new.end.far();
        let one = |of: &LinkType| of.side(far).cardinality == Cardinality::One;
        if one(after) && self.rewritten.contains(&(new.holder.id, new.property)) {
            self.guards.push(DataCheck::Unique(Arc::clone(&new.holder), new.property));
        }
        match (one(before), one(after)) {
            (false, true) => {
                let draft = Draft::new(Rule::LinkCardinalityNarrowed, side_path(&pair.path, far))
                    .evidence(DataCheck::Unique(Arc::clone(&old.holder), old.property))
                    .guard(DataCheck::Unique(Arc::clone(&new.holder), new.property));
                self.push_of(draft, &pair.old_path);
            }
            (true, false) => self.widened(pair, far),
            _ => {}
        }
        Ok(())
    }

    fn cardinality(&mut self, pair: &Pair<'_>, end: End) {
        let (before, after) = (&pair.old.1, &pair.new.1);
        let check = |of: &Arc<LinkType>| DataCheck::AtMostOneLink(Arc::clone(of), end);
        match (before.side(end).cardinality, after.side(end).cardinality) {
            (Cardinality::Many, Cardinality::One) => {
                let draft = Draft::new(Rule::LinkCardinalityNarrowed, side_path(&pair.path, end))
                    .evidence(check(before))
                    .guard(check(after));
                self.push_of(draft, &pair.old_path);
            }
            (Cardinality::One, Cardinality::Many) => self.widened(pair, end),
            (Cardinality::One, Cardinality::One) | (Cardinality::Many, Cardinality::Many) => {}
        }
    }

    fn widened(&mut self, pair: &Pair<'_>, end: End) {
        self.push_of(Draft::new(Rule::LinkCardinalityWidened, side_path(&pair.path, end)), &pair.old_path);
    }
}

fn side_path(path: &ElementPath, end: End) -> String {
    format!("{path}.{}", if end == End::Source { "source" } else { "target" })
}

fn inconsistent() -> Error {
    Error::internal("schema.inconsistent", "a link type without the types at its ends")
}

fn foreign_key(schema: &crate::ontology::Schema, link_type: &LinkType) -> Result<Option<ForeignKey>> {
    let Backing::ForeignKey { holder: end, property } = link_type.backing else { return Ok(None) };
    let at = |end: End| schema.object_type_by_id(link_type.side(end).object_type).cloned().ok_or_else(inconsistent);
    Ok(Some(ForeignKey { holder: at(end)?, property, far: at(end.far())?, end }))
}
