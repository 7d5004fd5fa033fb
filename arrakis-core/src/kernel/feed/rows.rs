//! The objects a stretch of commits changed, before and after each, in few reads.

use std::collections::HashMap;
use std::sync::Arc;

use super::Feed;
use super::window::Net;
use crate::kernel::object::{Object, Properties};
use crate::kernel::plan::{HistoryPlan, HistorySubject};
use crate::kernel::resolve;
use crate::ontology::{ObjectType, Schema};
use crate::{EffectKind, Error, Key, ObjectTypeId, Result, Scope, Seq};

/// An object a commit changed.
#[derive(Clone, Debug)]
pub(super) struct RowChange {
    pub(super) object_type: Arc<ObjectType>,
    pub(super) key: Key,
    pub(super) kind: EffectKind,
    /// Whole, `None` when the commit created it.
    pub(super) before: Option<Arc<Object>>,
    /// Whole, `None` when the commit deleted it.
    pub(super) after: Option<Arc<Object>>,
}

/// The most objects whose last state is kept in mind for the next window.
const RECENT_MAX: usize = 4_096;

/// The last states of objects changed lately, as of one commit. What is changed again soon need not be read again.
#[derive(Debug, Default)]
pub(super) struct Recent(HashMap<(ObjectTypeId, Key), Arc<Object>>);

impl Recent {
    fn get(&self, of: ObjectTypeId, key: &Key) -> Option<Arc<Object>> {
        self.0.get(&(of, key.clone())).cloned()
    }

    fn note(&mut self, of: ObjectTypeId, key: &Key, state: Option<&Arc<Object>>) {
        let Some(state) = state else {
            self.0.remove(&(of, key.clone()));
            return;
        };
        if self.0.len() >= RECENT_MAX {
            self.0.clear();
        }
        self.0.insert((of, key.clone()), Arc::clone(state));
    }
}

/// What is read of one type: for each key the commits that changed it, in order.
type Touched = HashMap<Key, Vec<(Seq, EffectKind)>>;

/// The states of one object: before the stretch, and after each commit that changed it.
type States = HashMap<(ObjectTypeId, Key), Vec<Option<Arc<Object>>>>;

/// Commits under one version of the ontology, with what each did to its rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commits<'a> {
    pub(super) schema: &'a Schema,
    /// The state they start from.
    pub(super) base: Seq,
    pub(super) nets: &'a [(Seq, Net)],
}

impl Feed {
    /// The objects of the wanted types that commits changed, for each commit.
    ///
    /// An object changed once is read as of the start and as of the end, together with all others of its type; only for one changed
    /// more often its history is. `recent` holds states as of the start, and then as of the end; who follows the log closely gives it.
    pub(super) async fn rows(
        &self,
        scope: Scope,
        commits: Commits<'_>,
        wanted: impl Fn(ObjectTypeId) -> bool + Send,
        mut recent: Option<&mut Recent>,
    ) -> Result<Vec<Vec<RowChange>>> {
        let mut by_type: HashMap<ObjectTypeId, Touched> = HashMap::new();
        for (seq, net) in commits.nets {
            for (of, key, kind) in net.objects.iter().filter(|(of, ..)| wanted(*of)) {
                by_type.entry(*of).or_default().entry(key.clone()).or_default().push((*seq, *kind));
            }
        }
        let mut states = States::new();
        for (of, touched) in by_type {
            let object_type = commits.schema.object_type_by_id(of).ok_or_else(|| unknown(of))?;
            self.read_states(scope, (object_type, commits), touched, (&mut states, recent.as_deref_mut())).await?;
        }
        // Each state is taken from the end, so that they are in order.
        for states in states.values_mut() {
            states.reverse();
        }
        let mut rows = Vec::with_capacity(commits.nets.len());
        for (_, net) in commits.nets {
            let mut changes = Vec::new();
            for (of, key, kind) in net.objects.iter().filter(|(of, ..)| wanted(*of)) {
                let object_type = commits.schema.object_type_by_id(*of).ok_or_else(|| unknown(*of))?;
                let states = states.get_mut(&(*of, key.clone())).ok_or_else(|| unread(key))?;
                let before = states.pop().ok_or_else(|| unread(key))?;
                let after = states.last().cloned().ok_or_else(|| unread(key))?;
                if before.is_none() != (*kind == EffectKind::Created)
                    || after.is_none() != (*kind == EffectKind::Deleted)
                {
                    return Err(unread(key));
                }
                changes.push(RowChange {
                    object_type: Arc::clone(object_type),
                    key: key.clone(),
                    kind: *kind,
                    before,
                    after,
                });
            }
            rows.push(changes);
        }
        Ok(rows)
    }

    async fn read_states(
        &self,
        scope: Scope,
        (object_type, commits): (&Arc<ObjectType>, Commits<'_>),
        touched: Touched,
        (states, mut recent): (&mut States, Option<&mut Recent>),
    ) -> Result<()> {
        let (of, end) = (object_type.id, commits.nets.last().map_or(commits.base, |(seq, _)| *seq));
        let existed = touched.iter().filter(|(_, kinds)| kinds.first().is_some_and(|(_, k)| *k != EffectKind::Created));
        let (mut before, mut unknown) = (HashMap::new(), Vec::new());
        for (key, _) in existed {
            match recent.as_ref().and_then(|recent| recent.get(of, key)) {
                Some(object) => drop(before.insert(key.clone(), object)),
                None => unknown.push(key.clone()),
            }
        }
        before.extend(self.read_objects(scope, object_type, unknown, Some(commits.base)).await?);
        let once =
            touched.iter().filter(|(_, kinds)| matches!(kinds.as_slice(), [(_, k)] if *k != EffectKind::Deleted));
        let mut once: Vec<Key> = once.map(|(key, _)| key.clone()).collect();
        let mut after = HashMap::new();
        if recent.is_some() {
            // Most objects are still what the commit left: reading what they are now is less work.
            after = self.read_objects(scope, object_type, once.clone(), None).await?;
            let written = |key: &Key| touched.get(key).and_then(|kinds| kinds.last()).map(|(seq, _)| *seq);
            after.retain(|key, object| written(key) == Some(object.revision));
            once.retain(|key| !after.contains_key(key));
        }
        after.extend(self.read_objects(scope, object_type, once, Some(end)).await?);
        for (key, kinds) in touched {
            let mut of_key = vec![before.remove(&key)];
            if kinds.len() == 1 {
                of_key.push(after.remove(&key));
            } else {
                of_key.extend(self.read_history(scope, object_type, &key, &kinds).await?);
            }
            if let Some(recent) = recent.as_deref_mut() {
                recent.note(of, &key, of_key.last().and_then(Option::as_ref));
            }
            states.insert((of, key), of_key);
        }
        Ok(())
    }

    async fn read_objects(
        &self,
        scope: Scope,
        object_type: &Arc<ObjectType>,
        keys: Vec<Key>,
        at: Option<Seq>,
    ) -> Result<HashMap<Key, Arc<Object>>> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let objects = self.store.objects(scope, object_type, &keys, at).await?.value;
        let types = resolve::struct_types(object_type.properties.iter().map(|property| &property.data_type.base));
        let found = keys.into_iter().zip(objects).filter_map(|(key, object)| {
            let object = object?;
            let properties = object.properties.typed(types.clone());
            Some((key, Arc::new(Object { properties, ..object })))
        });
        Ok(found.collect())
    }

    /// The states an object was left in by each of some commits.
    async fn read_history(
        &self,
        scope: Scope,
        object_type: &Arc<ObjectType>,
        key: &Key,
        kinds: &[(Seq, EffectKind)],
    ) -> Result<Vec<Option<Arc<Object>>>> {
        let after = kinds.first().map_or(Seq(0), |(seq, _)| Seq(seq.0.saturating_sub(1)));
        let plan = HistoryPlan {
            subject: HistorySubject::Object(Arc::clone(object_type), key.clone()),
            after,
            limit: u32::try_from(kinds.len()).unwrap_or(u32::MAX),
        };
        let types = resolve::struct_types(object_type.properties.iter().map(|property| &property.data_type.base));
        let object = |revision: Seq, properties: Properties| {
            Arc::new(Object {
                object_type: object_type.api_name.clone(),
                key: key.clone(),
                revision,
                properties: properties.typed(types.clone()),
            })
        };
        let versions = self.store.history(scope, &plan).await?.value;
        if !versions.iter().map(|version| version.revision).eq(kinds.iter().map(|(seq, _)| *seq)) {
            return Err(unread(key));
        }
        Ok(versions
            .into_iter()
            .map(|version| version.properties.map(|properties| object(version.revision, properties)))
            .collect())
    }
}

fn unknown(of: ObjectTypeId) -> Error {
    Error::internal("schema.inconsistent", "a commit changed objects of a type its version does not have")
        .with("object_type", of)
}

fn unread(key: &Key) -> Error {
    Error::corrupt("feed.row.missing", "the versions of an object are not what the log says").with("key", key)
}
