//! The policy of a tenant, kept as text in parts; and what another would come to.

use std::sync::Arc;

use super::once::Method;
use super::{RETRIES_MAX, Users, has_moved};
use crate::access::{Access, ObjectGrant, POLICY_TEXT_LEN_MAX, Policy, PropertyList, Role, Scope, TypeRights, Verb};
use crate::kernel::{KernelService as _, ObjectSet, PAGE_SIZE_MAX, PageRequest, Query};
use crate::ontology::{NewOntology, Schema};
use crate::user::row::{Kept, PolicyPartRow, Row, delete};
use crate::user::state::Overlay;
use crate::user::{Difference, Directory, SIMULATED_MAX, Simulated, Simulation, User, absent};
use crate::{ApiName, Context, Error, Permission, Result, Seq};

/// How long a part is, bytes: as much as a property holds, with room for what JSON escapes.
const PART_LEN: usize = 500_000;

/// A role that gives everything there is, but for markings, which are a clearance and no right.
pub(super) fn everything(name: ApiName) -> Role {
    let objects =
        vec![ObjectGrant { types: vec!["*".into()], verbs: Verb::ALL.to_vec(), properties: PropertyList::All }];
    Role {
        name,
        description: Some("Everything.".into()),
        objects,
        actions: vec!["*".into()],
        permissions: Permission::ALL.to_vec(),
        markings: Vec::new(),
    }
}

impl Users {
    /// The ontology policies of a tenant are about; an empty one where none is published.
    pub(super) async fn schema(&self, ctx: &Context) -> Result<Arc<Schema>> {
        let own = ctx.clone().granted(crate::Grants::all());
        match self.inner.ontology.schema(&own).await {
            Err(error) if error.code() == "ontology.unpublished" => {
                Schema::first(NewOntology::default()).map(Arc::new).map_err(|_| error)
            }
            other => other,
        }
    }

    async fn checked(&self, ctx: &Context, policy: &Policy) -> Result<Arc<Schema>> {
        let schema = self.schema(ctx).await?;
        policy.check(&schema)?;
        Ok(schema)
    }

    /// The parts the policy is kept in now.
    async fn parts(&self, directory: &Directory) -> Result<Vec<Kept<PolicyPartRow>>> {
        let (mut parts, mut cursor) = (Vec::new(), None);
        loop {
            let mut query = Query::of(ObjectSet::of(PolicyPartRow::TYPE));
            query.page = PageRequest { size: Some(PAGE_SIZE_MAX), cursor };
            let page = self.inner.kernel.query(directory.context(), query).await?;
            for object in &page.objects {
                parts.push(Kept::of(object)?);
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(parts);
            }
        }
    }

    /// Puts a policy in force; answers the commit that did.
    pub(super) async fn put_policy(&self, method: Method<'_>, policy: &Policy, expect: Option<Seq>) -> Result<Seq> {
        let Method { ctx, directory, .. } = method;
        self.checked(ctx, policy).await?;
        if let Some(access) = ctx.access() {
            let name = ApiName::parse("everything")?;
            access.check_covers(&everything(name), &Scope::Tenant)?;
        }
        let text = serde_json::to_string(policy)
            .map_err(|e| Error::internal("user.policy", "a policy has a JSON form").caused_by(e))?;
        if text.len() > POLICY_TEXT_LEN_MAX {
            return Err(Error::invalid("access.policy.too_large", "the policy is too long")
                .with("length_max", POLICY_TEXT_LEN_MAX));
        }
        for _ in 0..RETRIES_MAX {
            let kept = self.parts(directory).await?;
            let revision = kept.iter().map(|part| part.revision).max().unwrap_or_default();
            if expect.is_some_and(|expect| expect != revision) {
                return Err(Error::conflict("user.policy.moved", "another policy was put in force meanwhile")
                    .with("revision", revision));
            }
            if kept.iter().map(|part| &*part.row.text).collect::<String>() == text && revision > Seq(0) {
                return Ok(revision);
            }
            let edits = edits(&kept, &text)?;
            // Which commit it is, is not known before it is made.
            match method.commit(edits, &None::<Seq>).await {
                Err(error) if has_moved(&error) => {}
                other => return other,
            }
        }
        Err(super::group::contended())
    }

    /// What is different under a change, for whom.
    pub(super) async fn simulated(
        &self,
        ctx: &Context,
        directory: &Directory,
        simulation: Simulation,
    ) -> Result<Simulated> {
        let Simulation { policy, assign, unassign } = simulation;
        let schema = match &policy {
            Some(policy) => self.checked(ctx, policy).await.map_err(|e| e.at("policy"))?,
            None => self.schema(ctx).await?,
        };
        let state = directory.state();
        let mut change = Overlay { policy: policy.map(Arc::new), ..Overlay::default() };
        for (index, new) in assign.into_iter().enumerate() {
            let at = |error: Error| error.at(format!("assign[{index}]"));
            let new = Self::scoped(&schema, new).map_err(at)?;
            // A role may be one of the policy to be.
            if let Some(role) = change.policy.as_ref().and_then(|policy| policy.role(new.role.as_str())) {
                let holder = state.member(&new.holder).map_err(at)?;
                let (object_type, key, expires_at) = (new.object_type, new.key, new.expires_at);
                let role = role.name.clone();
                change.assigned.push(crate::user::Assignment {
                    id: self.id(),
                    holder,
                    role,
                    object_type,
                    key,
                    expires_at,
                });
            } else {
                change.assigned.push(self.assigned(&state, new).map_err(at)?);
            }
        }
        for (index, id) in unassign.iter().enumerate() {
            if !state.assignments.contains_key(id) {
                return Err(absent("assignment", id).at(format!("unassign[{index}]")));
            }
            change.unassigned.insert(id.clone());
        }
        let mut simulated = Simulated::default();
        for user in state.user_names.values().filter_map(|id| state.users.get(id)) {
            let [before, after] =
                [(&Overlay::default(), &state.policy), (&change, change.policy.as_ref().unwrap_or(&state.policy))].map(
                    |(overlay, policy)| {
                        let (subject, _) = state.subject(user, None, (self.now(), overlay))?;
                        Ok(rights(&Access::new(Arc::clone(policy), subject), ctx, &schema))
                    },
                );
            compare(user, before?, after?, &mut simulated);
        }
        Ok(simulated)
    }
}

/// What may be done to each type, with the form of the condition.
fn rights(access: &Access, ctx: &Context, schema: &Arc<Schema>) -> Vec<(TypeRights, String)> {
    let compiled = access.under(ctx.scope().space, schema);
    let with_form = |rights: TypeRights| {
        let form = compiled.rows(rights.object_type.as_str(), rights.verb).map(|rows| format!("{rows:?}"));
        (rights, form.unwrap_or_default())
    };
    compiled.what_can().into_iter().map(with_form).collect()
}

fn compare(
    user: &User,
    before: Vec<(TypeRights, String)>,
    after: Vec<(TypeRights, String)>,
    simulated: &mut Simulated,
) {
    for (before, after) in before.into_iter().zip(after).filter(|(before, after)| before != after) {
        simulated.count += 1;
        if simulated.differences.len() < SIMULATED_MAX {
            let ((before, _), (after, _)) = (before, after);
            let (object_type, verb) = (before.object_type.clone(), before.verb);
            simulated.differences.push(Difference { user: user.name.clone(), object_type, verb, before, after });
        }
    }
}

/// The text in parts, in place of the parts there are.
fn edits(kept: &[Kept<PolicyPartRow>], text: &str) -> Result<Vec<crate::kernel::Edit>> {
    let mut edits = Vec::new();
    let (mut rest, mut index) = (text, 0);
    while !rest.is_empty() {
        let mut len = PART_LEN.min(rest.len());
        while !rest.is_char_boundary(len) {
            len -= 1;
        }
        let (part, left) = rest.split_at(len);
        let row = PolicyPartRow { id: format!("{index:04}"), text: part.into() };
        edits.push(match kept.iter().find(|kept| kept.row.id == row.id) {
            Some(kept) => kept.replace(&row)?,
            None => row.create()?,
        });
        (rest, index) = (left, index + 1);
    }
    for old in kept.iter().filter(|old| old.row.id >= format!("{index:04}")) {
        edits.push(delete::<PolicyPartRow>(&old.row.id, Some(crate::kernel::Expect::At(old.revision))));
    }
    Ok(edits)
}
