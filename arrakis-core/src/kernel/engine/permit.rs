//! Whether the actor may make changes: by the state each change finds and by the one it leaves.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::Kernel;
use crate::access::{Compiled, Rows, Verb};
use crate::commit::{LinkChange, LinkOp, ObjectChange, ObjectOp, ObjectRef, absent, dangling};
use crate::kernel::plan::{HasLink, Predicate};
use crate::kernel::resolve::{ForeignKey, foreign_keys, masked, object_type_at};
use crate::kernel::{Load, LoadTarget, Unlinked};
use crate::ontology::{Backing, End, ObjectType, Schema};
use crate::{Change, Context, Error, Key, ObjectTypeId, Permission, Precondition, Result, Seq, Value};

/// How many keys one read asks for.
const BATCH_LEN: usize = 1_000;

/// An object as the changes so far leave it.
#[derive(Clone, Debug)]
struct Standing {
    /// The revision it was read at; `None` for one that was not there.
    stored: Option<Seq>,
    /// Its row; `None` for one that is not there.
    row: Option<Vec<Value>>,
}

/// Changes judged one after the other.
struct Permit<'a> {
    kernel: &'a Kernel,
    ctx: &'a Context,
    schema: &'a Schema,
    access: &'a Compiled,
    standing: HashMap<(ObjectTypeId, Key), Standing>,
    /// Of the objects that foreign keys come to name, those that may be read; `None` where all of a type may.
    seen: HashMap<ObjectTypeId, Option<HashSet<Key>>>,
    /// The objects whose state something was judged by.
    guarded: HashSet<(ObjectTypeId, Key)>,
    guards: Vec<Precondition>,
}

type Judged<'f> = Pin<Box<dyn Future<Output = Result<bool>> + Send + 'f>>;

impl Kernel {
    /// Passes for changes the actor may make. Answers that what they were judged by is unchanged, to be preconditions of the commit.
    ///
    /// A condition on links is judged by the links there are before the commit, and by the keys its objects hold after it.
    ///
    /// # Errors
    /// `kernel.object.absent` for an object the actor may not read; `permission.denied`, `permission.property`; `kernel.link.dangling` for a
    /// link to an object it may not read. The path leads into the changes.
    pub(super) async fn permit(
        &self,
        ctx: &Context,
        schema: &Arc<Schema>,
        changes: &[Change],
    ) -> Result<Vec<Precondition>> {
        let Some(access) = self.access_under(ctx, schema).await? else { return Ok(Vec::new()) };
        let (standing, seen) = (HashMap::new(), HashMap::new());
        let (guarded, guards) = (HashSet::new(), Vec::new());
        let mut permit = Permit { kernel: self, ctx, schema, access: &access, standing, seen, guarded, guards };
        permit.read(changes).await?;
        permit.look_up(changes).await?;
        for (index, change) in changes.iter().enumerate() {
            permit.change(change).await.map_err(|e| e.at(format!("changes[{index}]")))?;
        }
        Ok(permit.guards)
    }

    /// Passes for a load the actor may make: of types it may create and modify every object of, with every property.
    ///
    /// # Errors
    /// `permission.denied`, naming the type; `permission.property`.
    pub(super) async fn permit_load(&self, ctx: &Context, schema: &Arc<Schema>, load: &Load) -> Result<()> {
        let Some(access) = self.access_under(ctx, schema).await? else { return Ok(()) };
        let types = match &load.into {
            LoadTarget::Objects(object_type) => vec![schema.object_type(object_type)?],
            LoadTarget::Links(link_type) => {
                let link_type = schema.link_type(link_type)?;
                let ends = [End::Source, End::Target].map(|end| object_type_at(schema, link_type, end));
                ends.into_iter().collect::<Result<_>>()?
            }
        };
        for object_type in types {
            for verb in [Verb::Read, Verb::Create, Verb::Modify] {
                let rights = access.of(object_type, verb);
                if !matches!(rights.rows, Rows::All) {
                    return Err(refused(object_type, verb, None).at("into"));
                }
                if let Some(property) = (0..object_type.properties.len()).find(|of| !rights.properties.contains(*of)) {
                    return Err(masked(object_type, property).at("into"));
                }
            }
        }
        Ok(())
    }
}

impl Permit<'_> {
    /// Reads the objects changes are about, and those that they link.
    async fn read(&mut self, changes: &[Change]) -> Result<()> {
        let mut wanted: HashMap<ObjectTypeId, (Arc<ObjectType>, HashSet<Key>)> = HashMap::new();
        let mut want = |object_type: &Arc<ObjectType>, key: &Key| {
            let entry = wanted.entry(object_type.id).or_insert_with(|| (Arc::clone(object_type), HashSet::new()));
            entry.1.insert(key.clone());
        };
        for change in changes {
            match change {
                Change::Object(change) => want(&change.object.object_type, &change.object.key),
                Change::Link(change) => {
                    let link_type = &change.link.link_type;
                    want(object_type_at(self.schema, link_type, End::Source)?, &change.link.source);
                    want(object_type_at(self.schema, link_type, End::Target)?, &change.link.target);
                }
                Change::Tenancy(_) | Change::Publish(_) => {}
            }
        }
        for (id, (object_type, keys)) in wanted {
            let keys: Vec<_> = keys.into_iter().collect();
            for batch in keys.chunks(BATCH_LEN) {
                let found = self.kernel.store.objects(self.ctx.scope(), &object_type, batch, None).await?.value;
                for (key, object) in batch.iter().zip(found) {
                    let standing = match object {
                        None => Standing { stored: None, row: None },
                        Some(object) => {
                            Standing { stored: Some(object.revision), row: Some(object.properties.values().to_vec()) }
                        }
                    };
                    self.standing.insert((id, key.clone()), standing);
                }
            }
        }
        Ok(())
    }

    /// Finds which of the objects that foreign keys come to name may be read, all of a type at once.
    async fn look_up(&mut self, changes: &[Change]) -> Result<()> {
        let mut named: HashMap<ObjectTypeId, (&Arc<ObjectType>, Vec<Key>)> = HashMap::new();
        for change in changes {
            let Change::Object(ObjectChange { object, op }) = change else { continue };
            for ForeignKey { property, far_type: far, .. } in foreign_keys(self.schema, &object.object_type)? {
                let values: [Option<&Value>; 2] = match op {
                    ObjectOp::Create { row } => [row.get(property), None],
                    ObjectOp::Modify { set } => [value_of(set, property), None],
                    ObjectOp::Upsert { row, set } => [row.get(property), value_of(set, property)],
                    ObjectOp::Delete => [None, None],
                };
                let keys = values.into_iter().flatten().filter_map(Key::from_value);
                named.entry(far.id).or_insert_with(|| (far, Vec::new())).1.extend(keys);
            }
        }
        for (id, (far, keys)) in named {
            let rows = &self.access.of(far, Verb::Read).rows;
            self.seen.insert(id, self.kernel.seen(self.ctx, rows, far, (&keys, None)).await?);
        }
        Ok(())
    }

    async fn change(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Object(change) => self.object(change).await,
            Change::Link(change) => self.link(change).await,
            Change::Tenancy(_) | Change::Publish(_) => Ok(()),
        }
    }

    async fn object(&mut self, ObjectChange { object, op }: &ObjectChange) -> Result<()> {
        let at = (object.object_type.id, object.key.clone());
        let before = self.standing.get(&at).and_then(|standing| standing.row.clone());
        let after = match (op, before) {
            // That it is there already is the store's to say, to one who might create it.
            (ObjectOp::Create { row }, _) | (ObjectOp::Upsert { row, .. }, None) => {
                Some(self.create(object, row).await?)
            }
            (ObjectOp::Modify { .. } | ObjectOp::Delete, None) => None,
            (ObjectOp::Modify { set } | ObjectOp::Upsert { set, .. }, Some(row)) => {
                Some(self.modify(object, row, set).await?)
            }
            (ObjectOp::Delete, Some(row)) => {
                self.require(object, Verb::Delete, &row).await?;
                None
            }
        };
        if let Some(standing) = self.standing.get_mut(&at) {
            standing.row = after;
        }
        Ok(())
    }

    async fn create(&mut self, object: &ObjectRef, row: &[Value]) -> Result<Vec<Value>> {
        let object_type = &object.object_type;
        let mut row = row.to_vec();
        if object_type.is_derived() {
            object_type.derive(&mut row);
        }
        let given = object_type.properties.iter().zip(&row).enumerate().filter(|(_, (property, value))| {
            !value.is_null() && property.derived.is_none() && property.default.as_ref() != Some(*value)
        });
        let given: Vec<_> = given.map(|(index, (_, value))| (index, value.clone())).collect();
        self.check_given(object_type, Verb::Create, &given)?;
        self.guard(object);
        self.check_rows(object, Verb::Create, &row).await?;
        self.check_referred(object_type, &given)?;
        Ok(row)
    }

    async fn modify(&mut self, object: &ObjectRef, before: Vec<Value>, set: &[(usize, Value)]) -> Result<Vec<Value>> {
        let object_type = &object.object_type;
        self.require(object, Verb::Modify, &before).await?;
        self.check_given(object_type, Verb::Modify, set)?;
        self.check_referred(object_type, set)?;
        let mut after = before;
        for (index, value) in set {
            if let Some(slot) = after.get_mut(*index) {
                value.clone_into(slot);
            }
        }
        if object_type.is_derived() {
            object_type.derive(&mut after);
        }
        self.check_rows(object, Verb::Modify, &after).await?;
        Ok(after)
    }

    async fn link(&mut self, LinkChange { link, op }: &LinkChange) -> Result<()> {
        for (end, key) in [(End::Source, &link.source), (End::Target, &link.target)] {
            let object_type = Arc::clone(object_type_at(self.schema, &link.link_type, end)?);
            let at = (object_type.id, key.clone());
            let row = self.standing.get(&at).and_then(|standing| standing.row.clone());
            let object = ObjectRef { object_type, key: key.clone() };
            match row {
                Some(row) => match self.require(&object, Verb::Modify, &row).await {
                    Err(error) if error.code() == "kernel.object.absent" => return Err(unlinkable(op, &error)),
                    judged => judged?,
                },
                // The store says that it is not there.
                None => self.guard(&object),
            }
        }
        Ok(())
    }

    /// Passes for an object the actor may read and do this to, as it stands.
    async fn require(&mut self, object: &ObjectRef, verb: Verb, row: &[Value]) -> Result<()> {
        self.guard(object);
        if !self.holds(object, Verb::Read, row).await? {
            return Err(absent(&object.object_type, &object.key));
        }
        self.check_rows(object, verb, row).await
    }

    async fn check_rows(&self, object: &ObjectRef, verb: Verb, row: &[Value]) -> Result<()> {
        if self.holds(object, verb, row).await? {
            return Ok(());
        }
        Err(refused(&object.object_type, verb, Some(&object.key)))
    }

    fn check_given(&self, object_type: &ObjectType, verb: Verb, given: &[(usize, Value)]) -> Result<()> {
        let properties = &self.access.of(object_type, verb).properties;
        let hidden = given.iter().map(|(index, _)| *index).find(|index| !properties.contains(*index));
        match hidden {
            None => Ok(()),
            Some(index) => {
                let name = object_type.names.get(index).map(ToString::to_string).unwrap_or_default();
                Err(masked(object_type, index).with("verb", verb.name()).at(name))
            }
        }
    }

    /// Passes where the objects that foreign keys come to name may be read.
    fn check_referred(&self, object_type: &ObjectType, given: &[(usize, Value)]) -> Result<()> {
        for ForeignKey { property, far_type: far, .. } in foreign_keys(self.schema, object_type)? {
            let Some(key) = value_of(given, property).and_then(Key::from_value) else { continue };
            // One that this write makes is the actor's own.
            let made = self.standing.get(&(far.id, key.clone()));
            if made.is_some_and(|standing| standing.stored.is_none() && standing.row.is_some()) {
                continue;
            }
            if self.seen.get(&far.id).and_then(Option::as_ref).is_some_and(|seen| !seen.contains(&key)) {
                let name = object_type.names.get(property).map(ToString::to_string).unwrap_or_default();
                return Err(dangling(far, &key).at(name));
            }
        }
        Ok(())
    }

    async fn holds(&self, object: &ObjectRef, verb: Verb, row: &[Value]) -> Result<bool> {
        match &self.access.of(&object.object_type, verb).rows {
            Rows::All => Ok(true),
            Rows::Nothing => Ok(false),
            Rows::Only(predicate) => self.judge(predicate, object, row).await,
        }
    }

    fn judge<'f>(&'f self, predicate: &'f Predicate, object: &'f ObjectRef, row: &'f [Value]) -> Judged<'f> {
        Box::pin(async move {
            match predicate {
                plain if !plain.is_linked() => plain.holds(row, &mut Unlinked),
                Predicate::And(all) => {
                    for each in all {
                        if !self.judge(each, object, row).await? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                Predicate::Or(any) => {
                    for each in any {
                        if self.judge(each, object, row).await? {
                            return Ok(true);
                        }
                    }
                    Ok(false)
                }
                Predicate::Not(inner) => Ok(!self.judge(inner, object, row).await?),
                Predicate::Has(has) => self.has(has, object, row).await,
                plain => plain.holds(row, &mut Unlinked),
            }
        })
    }

    async fn has(&self, has: &HasLink, object: &ObjectRef, row: &[Value]) -> Result<bool> {
        let everything = Predicate::And(Vec::new());
        let (object_type, predicate, key) = match has.link_type.backing {
            Backing::ForeignKey { holder, property } if holder == has.end => {
                let Some(far) = row.get(property).and_then(Key::from_value) else { return Ok(false) };
                (&has.far_type, has.far.as_ref().unwrap_or(&everything).clone(), far)
            }
            Backing::ForeignKey { .. } | Backing::Join => {
                (&object.object_type, Predicate::Has(Box::new(has.clone())), object.key.clone())
            }
        };
        let keys = std::slice::from_ref(&key);
        let (found, _) = self.kernel.matching(self.ctx, object_type, &predicate, (keys, None)).await?;
        Ok(found.contains(&key))
    }

    /// That an object is as it was read.
    fn guard(&mut self, object: &ObjectRef) {
        let at = (object.object_type.id, object.key.clone());
        let Some(standing) = self.standing.get(&at) else { return };
        let guard = match standing.stored {
            Some(revision) => Precondition::At(object.clone(), revision),
            None => Precondition::Absent(object.clone()),
        };
        if self.guarded.insert(at) {
            self.guards.push(guard);
        }
    }
}

/// What one may not do to an object that one may read.
fn refused(object_type: &ObjectType, verb: Verb, key: Option<&Key>) -> Error {
    let permission = if verb == Verb::Read { Permission::ObjectRead } else { Permission::ObjectWrite };
    let error = permission.denied().with("verb", verb.name()).with("object_type", &object_type.api_name);
    match key {
        Some(key) => error.with("key", key),
        None => error,
    }
}

/// The value given for a property.
fn value_of(given: &[(usize, Value)], property: usize) -> Option<&Value> {
    given.iter().find(|(index, _)| *index == property).map(|(_, value)| value)
}

/// What is told of a link to an object that one may not read.
fn unlinkable(op: &LinkOp, absent: &Error) -> Error {
    match op {
        LinkOp::Delete => Error::not_found("kernel.link.absent", "there is no such link"),
        LinkOp::Create { .. } | LinkOp::Upsert { .. } => crate::kernel::edit::dangling(absent),
    }
}
