//! Checks: by roles, by a rule, by a relation.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::hint::black_box;
use std::str::FromStr;
use std::sync::Arc;

use arrakis::access::{Access, Policy, Subject, Verb};
use arrakis::{Actor, ApiName, Arrakis, Context, Schema, Value};
use arrakis_core::kernel::Linked;
use arrakis_core::kernel::plan::HasLink;
use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};
use cedar_policy::{
    Authorizer, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use serde::Serialize;

use crate::{Bound, Measured, alternate};

pub(crate) const ONTOLOGY: &str = "
object_types:
  - name: Item
    primary_key: id
    properties:
      - {name: id, type: integer}
      - {name: owner, type: string, required: true, indexed: true}
      - {name: level, type: integer, required: true}
      - {name: parent, type: integer}
link_types:
  - name: ItemInItem
    source: {object_type: Item, name: container, cardinality: one}
    target: {object_type: Item, name: contents, cardinality: many}
    foreign_key: {holder: source, property: parent}
    on_delete: unlink
";

const CASBIN_ROLES: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
";

const CASBIN_RULE: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && r.obj.owner == r.sub.name && r.obj.level <= r.sub.clearance
";

/// Who acts and what they act on, as Casbin's matcher sees them.
#[derive(Clone, Hash, Serialize)]
struct Principal {
    name: &'static str,
    clearance: i64,
}

#[derive(Clone, Hash, Serialize)]
struct Item {
    owner: &'static str,
    level: i64,
}

fn name(text: &str) -> ApiName {
    ApiName::parse(text).expect("a name")
}

fn subject(roles: &[usize]) -> Subject {
    let subject = Subject::new(Actor::parse("user:ann").expect("an actor"), "ann").with_attribute(name("clearance"), 3);
    roles.iter().fold(subject, |subject, role| subject.with_role(name(&format!("r{role}"))))
}

fn uid(of: &str, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(EntityTypeName::from_str(of).expect("a type"), EntityId::new(id))
}

fn request() -> Request {
    let (user, action, item) = (uid("User", "ann"), uid("Action", "read"), uid("Item", "1"));
    Request::new(user, action, item, cedar_policy::Context::empty(), None).expect("a request")
}

/// The entities of a request, made once.
fn entities(roles: &[usize], chain: bool) -> Entities {
    let string = |text: &str| RestrictedExpression::new_string(text.into());
    let ann = HashMap::from([("name".into(), string("ann")), ("clearance".into(), RestrictedExpression::new_long(3))]);
    let held = roles.iter().map(|role| uid("Role", &format!("r{role}"))).collect();
    let mut all = vec![Entity::new(uid("User", "ann"), ann, held).expect("an entity")];
    all.extend(roles.iter().map(|role| Entity::new_no_attrs(uid("Role", &format!("r{role}")), HashSet::new())));
    let parents = |id: &str| if chain { HashSet::from([uid("Item", id)]) } else { HashSet::new() };
    let item = HashMap::from([("owner".into(), string("ann")), ("level".into(), RestrictedExpression::new_long(2))]);
    all.push(Entity::new(uid("Item", "1"), item, parents("2")).expect("an entity"));
    if chain {
        all.push(Entity::new_no_attrs(uid("Item", "2"), parents("3")));
        all.push(Entity::new_no_attrs(uid("Item", "3"), parents("4")));
        all.push(Entity::new_no_attrs(uid("Item", "4"), HashSet::new()));
    }
    Entities::from_entities(all, None).expect("entities")
}

/// One item in another in another, in memory.
struct Chain {
    rows: Vec<[Value; 4]>,
    /// Where the walk is.
    at: usize,
}

impl Linked for Chain {
    fn has(&mut self, has: &HasLink) -> arrakis::Result<bool> {
        let Some(Value::Integer(parent)) = self.rows.get(self.at).map(|row| row[3].clone()) else { return Ok(false) };
        let before = std::mem::replace(&mut self.at, usize::try_from(parent).unwrap_or(usize::MAX));
        let row = self.rows.get(self.at).cloned();
        let holds = match row {
            Some(row) => has.far.as_ref().map_or(Ok(true), |far| far.holds(&row, self)),
            None => Ok(false),
        };
        self.at = before;
        holds
    }
}

fn row(id: i64, owner: &str, parent: Option<i64>) -> [Value; 4] {
    [Value::Integer(id), Value::string(owner), Value::Integer(2), parent.map_or(Value::Null, Value::Integer)]
}

struct Ours {
    access: Access,
    schema: Arc<Schema>,
    ctx: Context,
}

impl Ours {
    fn new(policy: &str, roles: &[usize], (ctx, schema): (&Context, &Arc<Schema>)) -> Self {
        let policy = Policy::from_yaml(policy).expect("a policy");
        policy.check(schema).expect("a sound policy");
        Self { access: Access::new(Arc::new(policy), subject(roles)), schema: Arc::clone(schema), ctx: ctx.clone() }
    }

    fn check(&self, row: &[Value], linked: &mut dyn Linked) -> bool {
        let compiled = self.access.under(self.ctx.scope().space, &self.schema);
        let object_type = self.schema.object_type("Item").expect("a type");
        compiled.allows(object_type, Verb::Read, row, linked).expect("an answer")
    }
}

async fn of_roles(count: usize, under: (&Context, &Arc<Schema>), measured: &mut Vec<Measured>) {
    let held = [count / 3, count / 2, count - 1];
    let (mut ours, mut cedar, mut casbin) = (String::from("roles:\n"), String::new(), Vec::new());
    for role in 0..count {
        // Only the last of those held reads items.
        let of = if role == count - 1 { "Item" } else { "*" };
        let verb = if role == count - 1 { "read" } else { "delete" };
        writeln!(ours, "- {{ name: r{role}, objects: [{{ types: ['{of}'], verbs: [{verb}] }}] }}").expect("a text");
        writeln!(cedar, "permit(principal in Role::\"r{role}\", action == Action::\"{verb}\", resource);")
            .expect("a text");
        casbin.push(vec![format!("r{role}"), "item".to_owned(), verb.to_owned()]);
    }
    let ours = Ours::new(&ours, &held, under);
    let row = row(1, "ann", None);
    assert!(ours.check(&row, &mut arrakis_core::kernel::Unlinked));
    let mut check = || {
        black_box(ours.check(black_box(&row), &mut arrakis_core::kernel::Unlinked));
    };
    // The others take milliseconds from a thousand roles on.
    if count > 1_000 {
        let [ours_ns] = alternate([&mut check]);
        let what = format!("by roles, of {count}");
        measured.push(Measured { what, ours_ns, others: Vec::new(), bound: Bound::Time(200.0) });
        return;
    }
    let (policies, entities, request) =
        (PolicySet::from_str(&cedar).expect("policies"), entities(&held, false), request());
    let authorizer = Authorizer::new();
    let mut by_cedar = || {
        assert_eq!(authorizer.is_authorized(black_box(&request), &policies, &entities).decision(), Decision::Allow);
    };
    let model = DefaultModel::from_str(CASBIN_ROLES).await.expect("a model");
    let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.expect("an enforcer");
    enforcer.add_policies(casbin).await.expect("policies");
    let groups = held.iter().map(|role| vec!["ann".to_owned(), format!("r{role}")]).collect();
    enforcer.add_grouping_policies(groups).await.expect("groups");
    let mut by_casbin = || assert!(enforcer.enforce(black_box(("ann", "item", "read"))).expect("an answer"));
    let [ours_ns, cedar_ns, casbin_ns] = alternate([&mut check, &mut by_cedar, &mut by_casbin]);
    let others = vec![("Cedar", cedar_ns), ("Casbin", casbin_ns)];
    measured.push(Measured { what: format!("by roles, of {count}"), ours_ns, others, bound: Bound::Time(200.0) });
}

async fn of_a_rule(under: (&Context, &Arc<Schema>), measured: &mut Vec<Measured>) {
    let ours = "
attributes: [{ name: clearance, type: integer }]
rules: [{ name: own, effect: permit, type: Item, verbs: [read], where: owner = $actor.id AND level <= $actor.clearance }]";
    let ours = Ours::new(ours, &[], under);
    let row = row(1, "ann", None);
    let mut check = || assert!(ours.check(black_box(&row), &mut arrakis_core::kernel::Unlinked));
    let cedar = "permit(principal, action == Action::\"read\", resource) when { resource.owner == principal.name && resource.level <= principal.clearance };";
    let (policies, entities, request) =
        (PolicySet::from_str(cedar).expect("policies"), entities(&[], false), request());
    let authorizer = Authorizer::new();
    let mut by_cedar = || {
        assert_eq!(authorizer.is_authorized(black_box(&request), &policies, &entities).decision(), Decision::Allow);
    };
    let model = DefaultModel::from_str(CASBIN_RULE).await.expect("a model");
    let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.expect("an enforcer");
    enforcer.add_policy(vec!["item".into(), "read".into()]).await.expect("a policy");
    let (ann, item) = (Principal { name: "ann", clearance: 3 }, Item { owner: "ann", level: 2 });
    let mut by_casbin =
        || assert!(enforcer.enforce(black_box((ann.clone(), item.clone(), "read"))).expect("an answer"));
    let [ours_ns, cedar_ns, casbin_ns] = alternate([&mut check, &mut by_cedar, &mut by_casbin]);
    let others = vec![("Cedar", cedar_ns), ("Casbin", casbin_ns)];
    measured.push(Measured { what: "by a rule".into(), ours_ns, others, bound: Bound::Time(3_000.0) });
}

fn of_a_relation(under: (&Context, &Arc<Schema>), measured: &mut Vec<Measured>) {
    let ours = "
rules: [{ name: within, effect: permit, type: Item, verbs: [read],
          where: 'has(container, *, has(container, *, has(container, *, owner = $actor.id)))' }]";
    let ours = Ours::new(ours, &[], under);
    let rows = vec![row(0, "bob", Some(1)), row(1, "bob", Some(2)), row(2, "bob", Some(3)), row(3, "ann", None)];
    let mut chain = Chain { rows: rows.clone(), at: 0 };
    let mut check = || assert!(ours.check(black_box(&rows[0]), &mut chain));
    let cedar = "permit(principal, action == Action::\"read\", resource in Item::\"4\");";
    let (policies, entities, request) = (PolicySet::from_str(cedar).expect("policies"), entities(&[], true), request());
    let authorizer = Authorizer::new();
    let mut by_cedar = || {
        assert_eq!(authorizer.is_authorized(black_box(&request), &policies, &entities).decision(), Decision::Allow);
    };
    let [ours_ns, cedar_ns] = alternate([&mut check, &mut by_cedar]);
    let others = vec![("Cedar", cedar_ns)];
    measured.push(Measured {
        what: "by a relation three links away".into(),
        ours_ns,
        others,
        bound: Bound::Time(2_000.0),
    });
}

pub(crate) async fn measure(measured: &mut Vec<Measured>) {
    let arrakis = Arrakis::in_memory().await.expect("a store");
    let ctx = arrakis.context();
    arrakis.publish(&ctx, ONTOLOGY).await.expect("an ontology");
    let schema = arrakis.ontology().schema(&ctx).await.expect("a schema");
    for count in [100, 1_000, 100_000] {
        of_roles(count, (&ctx, &schema), measured).await;
    }
    of_a_rule((&ctx, &schema), measured).await;
    of_a_relation((&ctx, &schema), measured);
}
