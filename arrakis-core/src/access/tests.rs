use super::*;
use crate::kernel::Unlinked;
use crate::kernel::fixture::schema;
use crate::{Actor, ApiName, Value};

fn name(text: &str) -> ApiName {
    ApiName::parse(text).unwrap()
}

fn subject() -> Subject {
    Subject::new(Actor::parse("user:ann").unwrap(), "ann")
}

#[test]
fn faults_of_a_policy_name_code_and_path() {
    let schema = schema();
    for (text, code, path) in [
        (
            "roles: [{ name: a, objects: [{ types: [Plane], verbs: [read] }] }]",
            "kernel.object_type.unknown",
            "roles[0].objects[0].types[0]",
        ),
        (
            "roles: [{ name: a, objects: [{ types: [Airport], verbs: [read], properties: { only: [x] } }] }]",
            "kernel.property.unknown",
            "roles[0].objects[0].properties[0]",
        ),
        ("roles: [{ name: a, actions: [fly] }]", "kernel.action.unknown", "roles[0].actions[0]"),
        ("roles: [{ name: a }, { name: a }]", "access.policy.duplicate", "roles[1].name"),
        ("attributes: [{ name: groups, type: string }]", "access.attribute.reserved", "attributes[0].name"),
        (
            "rules: [{ name: a, effect: permit, type: Airport, verbs: [], where: 'name = x' }]",
            "access.rule.verbs",
            "rules[0].verbs",
        ),
        (
            "rules: [{ name: a, effect: permit, type: Airport, verbs: [read], roles: [b], where: 'name = x' }]",
            "access.role.unknown",
            "rules[0].roles[0]",
        ),
        (
            "rules: [{ name: a, effect: permit, type: Airport, verbs: [read], where: 'nam = x' }]",
            "kernel.property.unknown",
            "rules[0].where",
        ),
        (
            "rules: [{ name: a, effect: permit, type: Airport, verbs: [read], where: 'name = $actor.rank' }]",
            "access.attribute.unknown",
            "rules[0].where",
        ),
        (
            "rules: [{ name: a, effect: permit, type: Airport, verbs: [read], where: 'elevation = $actor.id' }]",
            "access.attribute.type",
            "rules[0].where",
        ),
        (
            "rules: [{ name: a, effect: permit, type: Airport, verbs: [read], where: 'name = $actor.groups' }]",
            "access.attribute.list",
            "rules[0].where",
        ),
        (
            "markings: [{ marking: m, type: Plane, where: 'name = x' }]",
            "kernel.object_type.unknown",
            "markings[0].type",
        ),
    ] {
        let faults = Policy::from_yaml(text).unwrap().faults(&schema);
        let told: Vec<_> = faults.iter().map(|fault| (fault.code(), fault.path().unwrap_or_default())).collect();
        assert_eq!(told, [(code, path)], "{text}");
    }
}

#[test]
fn a_sound_policy_has_no_faults() {
    let schema = schema();
    let sound = "
attributes: [{ name: regions, type: string, list: true }]
roles: [{ name: a, objects: [{ types: ['*'], verbs: [read] }], actions: ['*'], permissions: [ontology.plan] }]
rules:
  - { name: a, effect: permit, type: Airport, verbs: [read], where: 'in(state, $actor.regions) OR has(state_of, *, code = $actor.id)' }
";
    assert!(Policy::from_yaml(sound).unwrap().faults(&schema).is_empty());
}

#[test]
fn what_is_no_policy_is_not_read() {
    for malformed in [
        "rolls: []",
        "roles: [{ name: a, verbs: [read] }]",
        "rules: [{ name: 1a }]",
        "roles: [{ name: a, permissions: [all] }]",
    ] {
        assert_eq!(Policy::from_yaml(malformed).unwrap_err().code(), "access.policy.malformed", "{malformed}");
    }
}

#[test]
fn a_policy_is_written_as_it_is_read() {
    let text = "
roles: [{ name: a, objects: [{ types: [Airport], verbs: [read], properties: { except: [name] } }], markings: [m] }]
rules: [{ name: r, effect: forbid, type: Airport, verbs: [delete], where: 'active = true' }]
markings: [{ marking: m, type: Airport, where: 'elevation > 1' }]
";
    let policy = Policy::from_yaml(text).unwrap();
    let json = serde_json::to_string(&policy).unwrap();
    assert_eq!(Policy::from_yaml(&json).unwrap(), policy);
}

#[test]
fn permissions_follow_from_what_is_granted() {
    let text = "
roles:
  - { name: reader, objects: [{ types: [Airport], verbs: [read] }] }
  - { name: actor, actions: [rename] }
  - { name: planner, permissions: [ontology.plan] }
rules: [{ name: r, effect: permit, type: Airport, verbs: [modify], roles: [actor], where: 'active = true' }]
";
    let policy = Arc::new(Policy::from_yaml(text).unwrap());
    let grants = |roles: &[&str]| {
        let subject = roles.iter().fold(subject(), |subject, role| subject.with_role(name(role)));
        let access = Access::new(Arc::clone(&policy), subject);
        Permission::ALL.into_iter().filter(|of| access.grants().contains(*of)).map(Permission::name).collect::<Vec<_>>()
    };
    assert_eq!(grants(&[]), [""; 0]);
    assert_eq!(grants(&["reader"]), ["ontology.read", "object.read"]);
    assert_eq!(grants(&["actor"]), ["ontology.read", "object.write", "action.execute"]);
    assert_eq!(grants(&["planner"]), ["ontology.read", "ontology.plan"]);
    let over_one = Held { role: name("actor"), scope: Scope::ObjectType(name("Airport")), via: None };
    let access = Access::new(Arc::clone(&policy), subject().with(over_one));
    assert_eq!(access.check_action("rename").unwrap_err().code(), "permission.denied", "an action is of the tenant");
    assert!(Access::new(policy, subject().with_role(name("actor"))).check_action("rename").is_ok());
}

#[test]
fn what_a_marked_property_needs_is_its_marking() {
    let text = "
object_types:
  - name: Person
    primary_key: id
    properties: [{ name: id, type: integer }, { name: salary, type: integer, marking: hr }]
";
    let schema = Arc::new(Schema::first(crate::ontology::NewOntology::from_yaml(text).unwrap()).unwrap());
    let roles = "roles: [{ name: all, objects: [{ types: ['*'], verbs: [read] }] }, { name: hr, markings: [hr] }]";
    let policy = Arc::new(Policy::from_yaml(roles).unwrap());
    let properties = |subject: Subject| {
        let access = Access::new(Arc::clone(&policy), subject);
        access.under(SpaceId::DEFAULT, &schema).properties("Person", Verb::Read).unwrap().clone()
    };
    assert_eq!(properties(subject().with_role(name("all"))), PropertySet::Only(vec![true, false]));
    assert_eq!(properties(subject().with_role(name("all")).with_role(name("hr"))), PropertySet::All);
}

/// Ten thousand rules on one type and a hundred thousand roles are a policy like any other; who holds one role is asked nothing of the rest.
#[test]
fn large_policies_are_judged() {
    let schema = Arc::new(schema());
    let mut policy = Policy::default();
    for role in 0..POLICY_ROLES_MAX {
        let objects =
            vec![ObjectGrant { types: vec!["Airport".into()], verbs: vec![Verb::Read], properties: PropertyList::All }];
        let (actions, permissions, markings) = (Vec::new(), Vec::new(), Vec::new());
        policy.roles.push(Role {
            name: name(&format!("r{role}")),
            description: None,
            objects,
            actions,
            permissions,
            markings,
        });
    }
    for rule in 0..POLICY_RULES_MAX {
        policy.rules.push(Rule {
            name: name(&format!("r{rule}")),
            description: None,
            effect: Effect::Permit,
            object_type: name("Airport"),
            verbs: vec![Verb::Modify],
            roles: Vec::new(),
            condition: crate::kernel::Filter::eq("iata", format!("k{rule}")),
            properties: PropertyList::All,
        });
    }
    assert!(policy.faults(&schema).is_empty());
    let access = Access::new(Arc::new(policy.clone()), subject().with_role(name("r99999")));
    let compiled = access.under(SpaceId::DEFAULT, &schema);
    let airport = schema.object_type("Airport").unwrap();
    assert!(matches!(compiled.rows("Airport", Verb::Read).unwrap(), Rows::All));
    let mut row = vec![Value::Null; airport.properties.len()];
    for (key, expected) in [("k9999", true), ("k10000", false)] {
        row[airport.primary_key] = Value::string(key);
        assert_eq!(compiled.allows(airport, Verb::Modify, &row, &mut Unlinked).unwrap(), expected);
    }
    policy.rules.push(policy.rules[0].clone());
    let codes: Vec<_> = policy.faults(&schema).iter().map(|fault| fault.code().to_owned()).collect();
    assert!(codes.contains(&"access.policy.too_large".to_owned()), "{codes:?}");
}

#[test]
fn a_long_policy_is_read() {
    let role =
        |index: usize| format!("- {{ name: r{index}, objects: [{{ types: ['*'], verbs: [read] }}], actions: [a] }}\n");
    let roles: String = (0..25_000).map(role).collect();
    let policy = Policy::from_yaml(&format!("roles:\n{roles}")).unwrap();
    assert_eq!(policy.roles.len(), 25_000);
    let json = serde_json::to_string(&policy).unwrap();
    assert_eq!(Policy::from_yaml(&json).unwrap(), policy);
    assert_eq!(Policy::from_yaml("{ roles: 1 }").unwrap_err().code(), "access.policy.malformed");
}
