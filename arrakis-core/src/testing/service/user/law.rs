//! The law of the directory: whatever was done to it, and wherever, what a user holds is what follows of what is there now.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use super::{Deployment, GroupMember, NewAssignment, group, name, service};
use crate::credential::Secret;
use crate::user::{NewApiKey, UserPatch, UserServices, UserStatus, Users};

/// The random histories every store is held to, and how long each is.
const HISTORIES: u64 = 2;
const STEPS: usize = 40;
const ROLES: [&str; 4] = ["reader", "writer", "auditor", "helper"];

/// What is there, as the test knows it.
#[derive(Default)]
struct Model {
    /// Users, with a key each, and whether they are active.
    users: BTreeMap<String, (Secret, bool)>,
    groups: BTreeSet<String>,
    /// Who is in which group: `u:` or `g:` and the name, and the group.
    members: BTreeSet<(String, String)>,
    /// Assignments by id: the holder, as a member, and the role.
    held: BTreeMap<String, (String, &'static str)>,
}

impl Model {
    /// Every group a member is in, by asking again and again.
    fn closure(&self, member: &str) -> BTreeSet<String> {
        let mut groups = BTreeSet::new();
        loop {
            let is_in = |of: &str| of == member || of.strip_prefix("g:").is_some_and(|of| groups.contains(of));
            let more: BTreeSet<_> =
                self.members.iter().filter(|(of, _)| is_in(of)).map(|(_, group)| group.clone()).collect();
            if more.is_subset(&groups) {
                return groups;
            }
            groups.extend(more);
        }
    }

    /// The roles a user holds, each with the group it comes through.
    fn roles(&self, user: &str) -> BTreeSet<(&'static str, Option<String>)> {
        let (own, groups) = (format!("u:{user}"), self.closure(&format!("u:{user}")));
        let through = |holder: &str| match holder.strip_prefix("g:") {
            Some(group) => groups.contains(group).then(|| Some(group.to_owned())),
            None => (*holder == *own).then_some(None),
        };
        self.held.values().filter_map(|(holder, role)| Some((*role, through(holder)?))).collect()
    }

    fn forget(&mut self, member: &str) {
        self.held.retain(|_, (holder, _)| holder != member);
        self.members.retain(|(of, group)| of != member && format!("g:{group}") != member);
    }
}

fn member(of: &str) -> GroupMember {
    let (kind, name) = of.split_at(2);
    if kind == "u:" { GroupMember::User(name.into()) } else { GroupMember::Group(name.into()) }
}

/// Whatever is done to users, groups and assignments, in two processes, what each user holds is what follows of what is there.
pub async fn what_is_held_follows_of_what_is_there(on: Deployment) {
    let other = on.another_users().await;
    for seed in 0..HISTORIES {
        let (mut rng, mut model) = (Rng::with_seed(seed), Model::default());
        for step in 0..STEPS {
            let writer: &dyn UserServices = if rng.bool() { &*on.users } else { &other };
            act(&on, writer, &mut model, (&mut rng, seed, step)).await;
            // The next one who acts has seen it.
            let [own, others] = [&on.engine, &other].map(|users| users.directory(&on.own));
            let (own, others) = (own.await.unwrap(), others.await.unwrap());
            own.caught_up(own.seq().max(others.seq())).await.unwrap();
            hold(&on, &other, &model, seed, step).await;
        }
        for user in model.users.keys() {
            on.users.delete_user(&on.own, user).await.unwrap();
        }
    }
}

async fn act(on: &Deployment, users: &dyn UserServices, model: &mut Model, (rng, seed, step): (&mut Rng, u64, usize)) {
    let pick = |rng: &mut Rng, from: Vec<String>| {
        if from.is_empty() { None } else { Some(from[rng.usize(..from.len())].clone()) }
    };
    let some_user = pick(rng, model.users.keys().cloned().collect());
    let some_group = pick(rng, model.groups.iter().cloned().collect());
    let some_member = if rng.bool() {
        some_user.clone().map(|user| format!("u:{user}"))
    } else {
        pick(rng, model.groups.iter().map(|group| format!("g:{group}")).collect())
    };
    match (rng.u8(..12), some_user, some_group, some_member) {
        (0 | 1, ..) => {
            let user = service(on, &format!("u{seed}x{step}")).await.name;
            let key = NewApiKey { user: Some(user.clone()), name: "k".into(), roles: None, days: 1 };
            let key = on.users.create_api_key(&on.own, key).await.unwrap().key;
            model.users.insert(user, (key, true));
        }
        (2 | 3, ..) => {
            model.groups.insert(group(on, &format!("g{seed}x{step}")).await.name);
        }
        (4..=6, _, Some(group), Some(of)) => {
            let is_circle = of
                .strip_prefix("g:")
                .is_some_and(|inner| inner == group || model.closure(&format!("g:{group}")).contains(inner));
            match users.add_member(&on.own, &group, member(&of)).await {
                Ok(()) => {
                    assert!(!is_circle, "seed {seed}, step {step}");
                    model.members.insert((of, group));
                }
                Err(error) => {
                    assert!(is_circle && error.code() == "user.group.cycle", "seed {seed}, step {step}: {error:?}");
                }
            }
        }
        (7, ..) if !model.members.is_empty() => {
            let (of, group) = model.members.iter().nth(rng.usize(..model.members.len())).unwrap().clone();
            users.remove_member(&on.own, &group, member(&of)).await.unwrap();
            model.members.remove(&(of, group));
        }
        (8 | 9, _, _, Some(of)) => {
            let role = ROLES[rng.usize(..ROLES.len())];
            let assigned = users.assign(&on.own, NewAssignment::of(member(&of), name(role))).await.unwrap();
            model.held.insert(assigned.id, (of, role));
        }
        (10, Some(user), _, _) => {
            let active = !model.users[&user].1;
            let status = if active { UserStatus::Active } else { UserStatus::Suspended };
            users
                .update_user(&on.own, UserPatch { user: user.clone(), status: Some(status), ..UserPatch::default() })
                .await
                .unwrap();
            model.users.get_mut(&user).unwrap().1 = active;
        }
        (11, user, group, _) => lose(on, users, model, (rng, user, group)).await,
        _ => {}
    }
}

/// A user, a group or an assignment goes.
async fn lose(
    on: &Deployment,
    users: &dyn UserServices,
    model: &mut Model,
    (rng, user, group): (&mut Rng, Option<String>, Option<String>),
) {
    match (rng.u8(..3), user, group) {
        (0, Some(user), _) => {
            users.delete_user(&on.own, &user).await.unwrap();
            model.users.remove(&user);
            model.forget(&format!("u:{user}"));
        }
        (1, _, Some(group)) => {
            users.delete_group(&on.own, &group).await.unwrap();
            model.groups.remove(&group);
            model.forget(&format!("g:{group}"));
        }
        _ if !model.held.is_empty() => {
            let id = model.held.keys().nth(rng.usize(..model.held.len())).unwrap().clone();
            users.unassign(&on.own, &id).await.unwrap();
            model.held.remove(&id);
        }
        _ => {}
    }
}

async fn hold(on: &Deployment, other: &Users, model: &Model, seed: u64, step: usize) {
    let newest = on.engine.directory(&on.own).await.unwrap().seq();
    other.directory(&on.own).await.unwrap().caught_up(newest).await.unwrap();
    for (user, (key, is_active)) in &model.users {
        for users in [&*on.users, other as &dyn UserServices] {
            let identity = users.authenticate(&on.own, key).await;
            let held = identity.ok().map(|identity| {
                let subject = identity.access.subject();
                let groups: BTreeSet<_> = subject.groups.iter().map(ToString::to_string).collect();
                assert_eq!(groups, model.closure(&format!("u:{user}")), "seed {seed}, step {step}: {user}");
                let held = subject.held.iter();
                held.map(|held| (held.role.to_string(), held.via.as_deref().map(str::to_owned)))
                    .collect::<BTreeSet<_>>()
            });
            let expected =
                is_active.then(|| model.roles(user).into_iter().map(|(role, via)| (role.to_owned(), via)).collect());
            assert_eq!(held, expected, "seed {seed}, step {step}: {user}");
        }
    }
}
