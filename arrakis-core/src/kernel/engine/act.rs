//! Calls of actions: read, judged, decided, committed.

use std::collections::HashMap;
use std::sync::Arc;

use super::Kernel;
use super::write::{blame, check_reason};
use crate::access::Compiled;
use crate::commit::{ActionRecord, AuditRecord, Event, ObjectRef};
use crate::kernel::action::{
    ACTION_BATCH_MAX, ACTION_RETRIES_MAX, Act, ActBatch, ActResult, Acted, ActedBatch, ActionCall, Arguments,
    BatchAtomicity, CriterionVerdict, Fault, PARAMETER_OBJECTS_MAX, ParameterVerdict, Run, Validation, check_size,
    check_types, fits, read_arguments, too_many,
};
use crate::kernel::edit::{Decision, decide_any};
use crate::kernel::resolve::Sight;
use crate::kernel::{Edit, Object, PAGE_SIZE_MAX, Properties, Query, resolve};
use crate::ontology::{ActionType, Criterion, ParameterObject, ParameterType, Schema};
use crate::{
    ApiName, Commit, CommitId, Context, Error, ErrorKind, ObjectTypeId, Precondition, Receipt, Result, Timestamp, Value,
};

/// Where the parts of the commit a call comes to are from.
struct Origins {
    edits: Vec<Edit>,
    /// The edit each of the first preconditions comes from.
    expected_by: Vec<usize>,
    /// The parameter each of the next preconditions comes from. Those after them say that what was read is unchanged.
    expecting: Vec<ApiName>,
}

/// What a call comes to before its edits are decided.
struct Judged {
    /// Whether each criterion holds.
    criteria: Vec<Result<bool>>,
    /// The instant it was judged at: that of the whole action.
    at: Timestamp,
    ruled: Result<Ruled>,
}

/// What the rules and effects of a call come to; nothing while a criterion does not hold.
#[derive(Default)]
struct Ruled {
    edits: Vec<Edit>,
    events: Vec<Event>,
    /// That what was read is unchanged.
    unchanged: Vec<Precondition>,
}

impl Origins {
    /// Leads a refusal of the store back to the request. `None` when what was read was changed meanwhile.
    fn blame(&self, error: Error) -> Option<Error> {
        let position = error.path().and_then(super::write::split_path);
        if let Some(("preconditions", position, _)) = position
            && let Some(position) = position.checked_sub(self.expected_by.len())
        {
            let name = self.expecting.get(position)?;
            return Some(error.without_path().at(name).at("expect"));
        }
        Some(blame(error, &self.edits, &self.expected_by))
    }
}

impl Kernel {
    pub(super) async fn try_execute(&self, ctx: &Context, act: &Act, id: CommitId) -> Result<Acted> {
        let attempt = self.decide_and_act(ctx, act, id).await;
        match attempt {
            // What was done once may be refused by the state it led to: the answer is still the first one.
            Err(error) if act.id.is_some() && error.code() != "kernel.schema.moved" => {
                self.committer.before(ctx, id).await?.map_or(Err(error), |receipt| Ok(Acted { receipt }))
            }
            other => other,
        }
    }

    async fn decide_and_act(&self, ctx: &Context, act: &Act, id: CommitId) -> Result<Acted> {
        for _ in 0..=ACTION_RETRIES_MAX {
            let (commit, origins) = self.decide_act(ctx, act, id).await?;
            match self.committer.commit(commit).await {
                Ok(receipt) => return Ok(Acted { receipt }),
                Err(error) => {
                    if let Some(error) = origins.blame(error) {
                        return Err(error);
                    }
                    tracing::debug!(action = act.action, "decided anew: an object it read was changed");
                }
            }
        }
        Err(Error::conflict("kernel.action.contended", "the objects of the action are changed all the time")
            .with("retries_max", ACTION_RETRIES_MAX)
            .retryable_is(true))
    }

    /// Decides a call as far as the store is not needed to judge it.
    async fn decide_act(&self, ctx: &Context, act: &Act, id: CommitId) -> Result<(Commit, Origins)> {
        check_reason(act.reason.as_deref())?;
        let schema = self.schemas.current(ctx.scope().space).await?;
        let action_type = schema.action_type(&act.action).map_err(|e| e.at("action"))?;
        let mut arguments = read_arguments(&schema, action_type, act);
        self.find(ctx, (&schema, action_type), &mut arguments).await?;
        if let Some(fault) = arguments.fault(action_type) {
            return Err(fault);
        }
        let Judged { criteria, at, ruled } = self.judge(ctx, &schema, action_type, &arguments);
        for (index, (criterion, holds)) in action_type.criteria.iter().zip(criteria).enumerate() {
            if !holds.map_err(|e| e.at(format!("criteria[{index}]")))? {
                return Err(Error::new(ErrorKind::Precondition, "kernel.action.criterion", criterion.message.clone())
                    .with("action", &action_type.api_name)
                    .at(format!("criteria[{index}]")));
            }
        }
        let call = (action_type.as_ref(), &arguments);
        let ruled = self.with_handler(ctx, call, ruled?, false).await?;
        let (commit, origins) = self.assemble(ctx, act, (&schema, (id, at)), (call, ruled))?;
        Ok((self.hooks.admit(ctx, commit, self.hook_timeout).await?, origins))
    }

    fn judge(&self, ctx: &Context, schema: &Schema, action_type: &ActionType, arguments: &Arguments) -> Judged {
        let at = self.env.now();
        let run = Run::new((schema, action_type), arguments, (ctx.actor(), at));
        let criteria = run.criteria();
        let hold = criteria.iter().all(|holds| matches!(holds, Ok(true)));
        let rule = || Ok(Ruled { edits: run.edits(self.limits)?, events: run.events()?, unchanged: run.unchanged() });
        let ruled = if hold { rule() } else { Ok(Ruled::default()) };
        Judged { criteria, at, ruled }
    }

    /// What the rules come to with the edits the host's handler adds.
    async fn with_handler(
        &self,
        ctx: &Context,
        (action_type, arguments): (&ActionType, &Arguments),
        mut ruled: Ruled,
        is_validation: bool,
    ) -> Result<Ruled> {
        let call = || call(action_type, arguments, &ruled.edits, is_validation);
        let added = self.hooks.decide(ctx, action_type.api_name.as_str(), self.hook_timeout, call).await?;
        check_size(ruled.edits.len().saturating_add(added.len()), self.limits)?;
        ruled.edits.extend(added);
        check_types(&ruled.edits, self.limits)?;
        Ok(ruled)
    }

    fn assemble(
        &self,
        ctx: &Context,
        act: &Act,
        (schema, (id, at)): (&Schema, (CommitId, Timestamp)),
        ((action_type, arguments), ruled): ((&ActionType, &Arguments), Ruled),
    ) -> Result<(Commit, Origins)> {
        let Ruled { edits, events, unchanged } = ruled;
        let Decision { changes, mut preconditions, expected_by } = decide_any(schema, &edits)?;
        let mut expecting = Vec::new();
        for (parameter, revision) in &arguments.expected {
            let named = arguments.given.get(*parameter).and_then(|given| given.objects.first());
            let name = action_type.parameters.get(*parameter).map(|parameter| parameter.api_name.clone());
            if let (Some(named), Some(name)) = (named, name) {
                let object = ObjectRef { object_type: Arc::clone(&named.object_type), key: named.key.clone() };
                preconditions.push(Precondition::At(object, *revision));
                expecting.push(name);
            }
        }
        preconditions.extend(unchanged);
        let parameters = act.parameters.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let action = ActionRecord { name: action_type.api_name.as_str().into(), parameters };
        let audit = AuditRecord { action: Some(action), ..AuditRecord::of(ctx, "kernel.execute") };
        let draft = self.draft(ctx, (id, schema.version), audit, act.reason.as_deref());
        let commit = Commit { at, preconditions, changes, events, ..draft };
        Ok((commit, Origins { edits, expected_by, expecting }))
    }

    /// Reads the objects the parameters name. One that is absent is a fault of its parameter.
    async fn find(
        &self,
        ctx: &Context,
        (schema, action_type): (&Arc<Schema>, &ActionType),
        arguments: &mut Arguments,
    ) -> Result<()> {
        for (given, parameter) in arguments.given.iter_mut().zip(&action_type.parameters) {
            let Some(set) = given.set.take() else { continue };
            let ParameterType::ObjectSet(of) = &parameter.parameter_type else { continue };
            let request = Query::of(set).page_size(PAGE_SIZE_MAX);
            let page = match check_set(schema, of, &request) {
                Ok(()) => self.whole_page(ctx, &request).await.map(|(page, ..)| page),
                Err(error) => Err(error),
            };
            match page {
                Ok(page) if page.next.is_some() => given.fault = Some(too_many(PARAMETER_OBJECTS_MAX + 1)),
                Ok(page) => given.take_set(schema, page.objects)?,
                Err(error) if error.kind() == ErrorKind::Invalid => given.fault = Some(error),
                Err(error) => return Err(error),
            }
        }
        let mut wanted: HashMap<ObjectTypeId, Vec<(usize, usize)>> = HashMap::new();
        for (parameter, given) in arguments.given.iter().enumerate() {
            for (position, named) in given.objects.iter().enumerate().filter(|(_, named)| named.object.is_none()) {
                wanted.entry(named.object_type.id).or_default().push((parameter, position));
            }
        }
        let access = self.access_under(ctx, schema).await?;
        for places in wanted.into_values() {
            self.read_named(ctx, access.as_deref(), arguments, &places).await?;
        }
        Ok(())
    }

    /// Reads objects of one type, by where they are named.
    async fn read_named(
        &self,
        ctx: &Context,
        access: Option<&Compiled>,
        arguments: &mut Arguments,
        places: &[(usize, usize)],
    ) -> Result<()> {
        let named = |arguments: &Arguments, (parameter, position): (usize, usize)| {
            arguments.given.get(parameter).and_then(|given| given.objects.get(position)).cloned()
        };
        let found: Vec<_> = places.iter().filter_map(|place| named(arguments, *place)).collect();
        let Some(first) = found.first() else { return Ok(()) };
        let keys: Vec<_> = found.iter().map(|named| named.key.clone()).collect();
        let mut objects = self.store.objects(ctx.scope(), &first.object_type, &keys, None).await?.value;
        if let Some(access) = access {
            self.hide(ctx, access, &first.object_type, &mut objects).await?;
        }
        for ((parameter, position), object) in places.iter().zip(objects) {
            let Some(given) = arguments.given.get_mut(*parameter) else { continue };
            let Some(named) = given.objects.get_mut(*position) else { continue };
            if object.is_none() && given.fault.is_none() {
                let fault = Error::not_found("kernel.object.absent", "there is no such object")
                    .with("object_type", &named.object_type.api_name)
                    .with("key", &named.key);
                let in_list = given.value.is_null();
                given.fault = Some(if in_list { fault.at(format!("[{position}]")) } else { fault });
            }
            named.object = object;
        }
        Ok(())
    }

    pub(super) async fn try_validate(&self, ctx: &Context, act: &Act) -> Result<Validation> {
        check_reason(act.reason.as_deref())?;
        let schema = self.schemas.current(ctx.scope().space).await?;
        let action_type = schema.action_type(&act.action).map_err(|e| e.at("action"))?;
        let mut arguments = read_arguments(&schema, action_type, act);
        self.find(ctx, (&schema, action_type), &mut arguments).await?;
        let mut validation = Validation {
            valid: false,
            parameters: verdicts(action_type, &arguments),
            criteria: Vec::new(),
            fault: None,
            edits: Vec::new(),
            effects: Vec::new(),
            events: Vec::new(),
        };
        if arguments.fault(action_type).is_some() {
            let unknown = |criterion: &Criterion| CriterionVerdict {
                message: criterion.message.clone(),
                holds: None,
                fault: None,
            };
            validation.criteria = action_type.criteria.iter().map(unknown).collect();
            return Ok(validation);
        }
        let Judged { criteria, at, ruled } = self.judge(ctx, &schema, action_type, &arguments);
        validation.criteria = action_type.criteria.iter().zip(criteria).map(verdict).collect();
        if validation.criteria.iter().any(|verdict| verdict.holds != Some(true)) {
            return Ok(validation);
        }
        let call = (action_type.as_ref(), &arguments);
        let foreseen = self.foresee(ctx, act, (&schema, at, call), ruled, &mut validation).await;
        match foreseen {
            Ok(()) => validation.valid = true,
            // A store that does not answer is no verdict.
            Err(error) if error.is_retryable() || error.kind() == ErrorKind::Internal => return Err(error),
            Err(error) => validation.fault = Some(Fault::from(&error)),
        }
        if ctx.access().is_some() {
            // What an action does to objects and tells of them is not what its actor may read of them: the verdicts are.
            (validation.edits, validation.effects, validation.events) = Default::default();
        }
        Ok(validation)
    }

    /// What the rules, the handler, the validators and the store make of a call whose parameters and criteria pass.
    async fn foresee(
        &self,
        ctx: &Context,
        act: &Act,
        (schema, at, call): (&Schema, Timestamp, (&ActionType, &Arguments)),
        ruled: Result<Ruled>,
        validation: &mut Validation,
    ) -> Result<()> {
        let ruled = self.with_handler(ctx, call, ruled?, true).await?;
        validation.edits.clone_from(&ruled.edits);
        let (commit, origins) = self.assemble(ctx, act, (schema, (self.env.commit_id(), at)), (call, ruled))?;
        let commit = self.hooks.admit(ctx, commit, self.hook_timeout).await?;
        validation.events.clone_from(&commit.events);
        let rehearsed = self.committer.log().rehearse(commit).await;
        let effects = rehearsed.map_err(|error| {
            let moved = || Error::conflict("kernel.action.moved", "an object was changed meanwhile").retryable_is(true);
            origins.blame(error).unwrap_or_else(moved)
        })?;
        validation.effects = super::undo::named(schema, &effects);
        Ok(())
    }

    pub(super) async fn try_batch(&self, ctx: &Context, batch: &ActBatch, ids: &[CommitId]) -> Result<ActedBatch> {
        if batch.acts.len() > ACTION_BATCH_MAX {
            return Err(Error::invalid("kernel.action.batch.too_large", "the batch has too many calls")
                .with("acts", batch.acts.len())
                .with("acts_max", ACTION_BATCH_MAX)
                .at("acts"));
        }
        match batch.atomicity {
            BatchAtomicity::Each => self.each(ctx, batch, ids).await,
            BatchAtomicity::All => self.all(ctx, batch, ids).await,
        }
    }

    /// Calls by themselves. Handed over in one go, they share transactions; those that got into each other's way go one by one.
    async fn each(&self, ctx: &Context, batch: &ActBatch, ids: &[CommitId]) -> Result<ActedBatch> {
        let (mut commits, mut places) = (Vec::new(), Vec::new());
        for (place, (act, id)) in batch.acts.iter().zip(ids).enumerate() {
            if let Ok((commit, _)) = self.decide_act(ctx, act, *id).await {
                commits.push(commit);
                places.push(place);
            }
        }
        let answers = self.committer.commit_each(commits).await;
        let mut receipts: HashMap<usize, Result<Receipt>> = places.into_iter().zip(answers).collect();
        let mut results = Vec::with_capacity(batch.acts.len());
        for (place, (act, id)) in batch.acts.iter().zip(ids).enumerate() {
            results.push(match receipts.remove(&place) {
                Some(Ok(receipt)) => ActResult::Executed(receipt),
                // Refused by itself, or by what the others of the batch did: alone it tells which.
                Some(Err(_)) | None => match self.execute_one(ctx, act, *id).await {
                    Ok(Acted { receipt }) => ActResult::Executed(receipt),
                    Err(error) => ActResult::Refused(Fault::from(&error)),
                },
            });
        }
        Ok(ActedBatch { results })
    }

    /// What the batch was answered before, when all of it has ids and is in the log.
    async fn done_before(&self, ctx: &Context, batch: &ActBatch, ids: &[CommitId]) -> Result<Option<ActedBatch>> {
        if !batch.acts.iter().all(|act| act.id.is_some()) {
            return Ok(None);
        }
        let mut results = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(receipt) = self.committer.before(ctx, *id).await? else { return Ok(None) };
            results.push(ActResult::Executed(receipt));
        }
        Ok(Some(ActedBatch { results }))
    }

    async fn all(&self, ctx: &Context, batch: &ActBatch, ids: &[CommitId]) -> Result<ActedBatch> {
        if let Some(done) = self.done_before(ctx, batch, ids).await? {
            return Ok(done);
        }
        let (mut commits, mut origins) = (Vec::with_capacity(ids.len()), Vec::with_capacity(ids.len()));
        for (index, (act, id)) in batch.acts.iter().zip(ids).enumerate() {
            let (commit, of) = self.decide_act(ctx, act, *id).await.map_err(|e| e.at(format!("acts[{index}]")))?;
            commits.push(commit);
            origins.push(of);
        }
        match self.committer.commit_all(commits).await {
            Ok(receipts) => Ok(ActedBatch { results: receipts.into_iter().map(ActResult::Executed).collect() }),
            Err((index, error)) => {
                let error = match origins.get(index) {
                    Some(origins) => origins.blame(error).unwrap_or_else(overlap),
                    None => error,
                };
                Err(error.at(format!("acts[{index}]")))
            }
        }
    }
}

/// Passes when the set is of the objects the parameter asks for.
fn check_set(schema: &Schema, of: &ParameterObject, request: &Query) -> Result<()> {
    let resolved = resolve::query(Sight::from(schema), request)?;
    match resolved.plan.branches.iter().find(|branch| !fits(&branch.object_type, of)) {
        None => Ok(()),
        Some(branch) => Err(Error::invalid("kernel.action.parameter.type", "the set is of other objects")
            .with("object_type", &branch.object_type.api_name)),
    }
}

fn overlap() -> Error {
    Error::conflict("kernel.action.overlap", "it reads an object that was changed meanwhile, or earlier in the batch")
        .retryable_is(true)
}

fn verdicts(action_type: &ActionType, arguments: &Arguments) -> Vec<ParameterVerdict> {
    let known = action_type.parameters.iter().zip(&arguments.given).map(|(parameter, given)| ParameterVerdict {
        name: parameter.api_name.to_string(),
        fault: given.fault.as_ref().map(Fault::from),
    });
    let unknown = arguments.unknown.iter();
    let unknown = unknown.map(|(name, fault)| ParameterVerdict { name: name.clone(), fault: Some(Fault::from(fault)) });
    known.chain(unknown).collect()
}

fn verdict((criterion, holds): (&Criterion, Result<bool>)) -> CriterionVerdict {
    let message = criterion.message.clone();
    match holds {
        Ok(holds) => CriterionVerdict { message, holds: Some(holds), fault: None },
        Err(error) => CriterionVerdict { message, holds: None, fault: Some(Fault::from(&error)) },
    }
}

/// The call as the host's handler sees it.
fn call(action_type: &ActionType, arguments: &Arguments, edits: &[Edit], is_validation: bool) -> ActionCall {
    let names: Vec<ApiName> = action_type.parameters.iter().map(|parameter| parameter.api_name.clone()).collect();
    let values: Vec<Value> = arguments.given.iter().map(|given| given.value.clone()).collect();
    let objects = action_type.parameters.iter().zip(&arguments.given).map(|(parameter, given)| {
        let objects: Vec<Object> = given.objects.iter().filter_map(|named| named.object.clone()).collect();
        (Arc::from(parameter.api_name.as_str()), objects)
    });
    ActionCall {
        action: action_type.api_name.as_str().into(),
        parameters: Properties::new(names.into(), values),
        objects: objects.filter(|(_, objects): &(Arc<str>, Vec<Object>)| !objects.is_empty()).collect(),
        edits: edits.to_vec(),
        is_validation,
    }
}
