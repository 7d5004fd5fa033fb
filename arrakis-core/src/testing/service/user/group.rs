//! Groups.

use super::{Context, Deployment, GroupMember, Result, acting, assigned, code, group, people, person};
use crate::user::{GROUP_DEPTH_MAX, UserServices};

async fn put(users: &dyn UserServices, ctx: &Context, group: &str, child: &str) -> Result<()> {
    users.add_member(ctx, group, GroupMember::Group(child.into())).await
}

/// What a group holds its members hold, through any number of groups, until a link goes.
pub async fn what_a_group_holds_its_members_hold(on: Deployment) {
    let ann = person(&on, "ann").await;
    for name in ["inner", "middle", "outer"] {
        group(&on, name).await;
    }
    assigned(&on, GroupMember::Group("outer".into()), "reader").await;
    put(&*on.users, &on.own, "outer", "middle").await.unwrap();
    put(&*on.users, &on.own, "middle", "inner").await.unwrap();
    assert!(people(&on, &acting(&on, "ann").await.granted(crate::Grants::all())).await.is_empty());
    on.users.add_member(&on.own, "inner", GroupMember::User("ann".into())).await.unwrap();
    // Again is no matter.
    on.users.add_member(&on.own, "inner", GroupMember::User(ann.id.clone())).await.unwrap();
    let ctx = acting(&on, "ann").await;
    let subject = ctx.access().unwrap().subject();
    let mut groups: Vec<_> = subject.groups.iter().map(ToString::to_string).collect();
    groups.sort();
    assert_eq!(
        (groups, subject.held[0].via.as_deref()),
        (vec!["inner".into(), "middle".into(), "outer".into()], Some("outer"))
    );
    assert_eq!(people(&on, &ctx).await.len(), 5);
    assert_eq!(on.users.members(&on.own, "outer").await.unwrap(), [GroupMember::Group("middle".into())]);
    // A link in the middle goes, and with it what came through it.
    on.users.remove_member(&on.own, "outer", GroupMember::Group("middle".into())).await.unwrap();
    assert_eq!(code(ctx.access().unwrap().check(on.test.env().now())), "access.revoked");
    assert!(acting(&on, "ann").await.access().unwrap().subject().held.is_empty());
    assert_eq!(
        code(on.users.remove_member(&on.own, "outer", GroupMember::Group("middle".into())).await),
        "user.membership.absent"
    );
}

/// No group is in itself, though two processes would make it so together.
pub async fn groups_are_in_no_circle(on: Deployment) {
    for name in ["a", "b", "c"] {
        group(&on, name).await;
    }
    put(&*on.users, &on.own, "a", "b").await.unwrap();
    put(&*on.users, &on.own, "b", "c").await.unwrap();
    for (outer, inner) in [("a", "a"), ("b", "a"), ("c", "a"), ("c", "b")] {
        assert_eq!(code(put(&*on.users, &on.own, outer, inner).await), "user.group.cycle", "{outer} {inner}");
    }
    // Two processes that would close a circle together do not.
    let other = on.another_users().await;
    for round in 0..5 {
        let [x, y] = ["x", "y"].map(|name| format!("{name}{round}"));
        group(&on, &x).await;
        group(&on, &y).await;
        let directory = other.directory(&on.own).await.unwrap();
        directory.caught_up(on.engine.directory(&on.own).await.unwrap().seq()).await.unwrap();
        let mut both = tokio::task::JoinSet::new();
        for (users, outer, inner) in [(on.engine.clone(), x.clone(), y.clone()), (other.clone(), y.clone(), x.clone())]
        {
            let ctx = on.own.clone();
            both.spawn(async move { put(&users, &ctx, &outer, &inner).await });
        }
        let results = both.join_all().await;
        let refused: Vec<_> = results.into_iter().filter_map(Result::err).collect();
        assert!(refused.len() == 1 && refused[0].code() == "user.group.cycle", "{refused:?}");
    }
}

/// Groups are in each other only so deep.
pub async fn groups_have_their_depth(on: Deployment) {
    let mut before = group(&on, "g0").await;
    let mut refused = None;
    for index in 1..1_000 {
        let next = group(&on, &format!("g{index}")).await;
        if let Err(error) = put(&*on.users, &on.own, &before.id, &next.id).await {
            refused = Some((index, error));
            break;
        }
        before = next;
    }
    let (index, error) = refused.expect("a thousand groups deep is too deep");
    assert_eq!((index, error.code(), error.param("depth_max")), (GROUP_DEPTH_MAX, "user.group.depth", Some("64")));
    // So it is where two that are half as deep would be joined.
    for index in 0..40 {
        group(&on, &format!("h{index}")).await;
        if index > 0 {
            put(&*on.users, &on.own, &format!("h{}", index - 1), &format!("h{index}")).await.unwrap();
        }
    }
    assert_eq!(code(put(&*on.users, &on.own, "g40", "h0").await), "user.group.depth");
    // At the depth that is let be, what is held at the top reaches the bottom.
    person(&on, "ann").await;
    on.users.add_member(&on.own, "g63", GroupMember::User("ann".into())).await.unwrap();
    assigned(&on, GroupMember::Group("g0".into()), "reader").await;
    assert_eq!(people(&on, &acting(&on, "ann").await).await.len(), 5);
}

/// A deleted group gives nothing, nor do those it was in.
pub async fn a_deleted_group_gives_nothing(on: Deployment) {
    person(&on, "ann").await;
    for name in ["inner", "outer"] {
        group(&on, name).await;
    }
    put(&*on.users, &on.own, "outer", "inner").await.unwrap();
    on.users.add_member(&on.own, "inner", GroupMember::User("ann".into())).await.unwrap();
    assigned(&on, GroupMember::Group("outer".into()), "reader").await;
    let ctx = acting(&on, "ann").await;
    assert_eq!(people(&on, &ctx).await.len(), 5);
    on.users.delete_group(&on.own, "inner").await.unwrap();
    assert_eq!(code(ctx.access().unwrap().check(on.test.env().now())), "access.revoked");
    assert!(acting(&on, "ann").await.access().unwrap().subject().held.is_empty());
    on.users.delete_group(&on.own, "outer").await.unwrap();
    assert!(
        on.users.groups(&on.own).await.unwrap().is_empty()
            && on.users.assignments(&on.own, None).await.unwrap().is_empty()
    );
}
