//! The conformance suite of users, groups, roles and credentials.

pub mod account;
pub mod api_key;
pub mod auth;
pub mod group;
pub mod law;
pub mod once;
pub mod revoke;
pub mod role;
#[expect(clippy::module_inception, reason = "users are one noun of several in the suite of the users")]
pub mod user;

use serde_json::json;

use super::deployment::{Deployment, list, member, told};
use crate::access::Policy;
use crate::credential::Secret;
use crate::user::{
    AccountService, Assignment, AuthService, Group, GroupMember, Login, NewAssignment, NewGroup, NewUser, RoleService,
    SetPassword, Tokens, User, UserKind,
};
use crate::{ApiName, Context, Result};

/// What [`kernel_suite!`](crate::kernel_suite) is of the kernel's service, of those of [`crate::user`].
#[macro_export]
macro_rules! user_suite {
    ($open:path) => {
        $crate::service_suite! { @modules user, $open =>
            account {
                a_password_is_set_by_its_rules
                one_time_codes_are_asked_for_once_confirmed
                sessions_have_their_number
                one_code_at_once_lets_in_once
                sessions_are_listed_and_ended
            }
            api_key {
                a_key_acts_with_its_roles
                a_key_ends
                a_key_tells_when_it_was_used
                a_narrow_key_makes_no_wider_one
            }
            auth {
                a_login_gives_tokens_that_are_known
                whoever_is_not_right_is_told_alike
                guesses_are_slowed
                a_refresh_token_is_exchanged_once
                refreshing_at_once_has_one_successor
                sessions_end_in_time
                an_invitation_is_accepted_once
                an_identity_of_another_provider_is_linked_by_a_verified_address
                keys_are_turned_without_an_outage
                the_first_administrator_is_made_once
            }
            group {
                what_a_group_holds_its_members_hold
                groups_are_in_no_circle
                groups_have_their_depth
                a_deleted_group_gives_nothing
            }
            law {
                what_is_held_follows_of_what_is_there
            }
            once {
                asked_for_at_once_it_is_done_once
                a_key_is_of_one_request
                a_secret_is_shown_again_under_its_key
            }
            revoke {
                what_is_taken_back_is_gone_elsewhere_within_a_second
                what_was_issued_is_void
                a_directory_that_is_not_followed_answers_nothing
            }
            role {
                an_assignment_gives_a_role_over_its_scope_until_it_expires
                nobody_gives_what_they_lack
                a_policy_is_applied_whole
                who_can_is_answered
                an_explanation_is_told_of_another
                a_change_is_simulated
                a_plan_tells_what_it_breaks_in_the_policy
            }
            user {
                a_user_is_kept_as_stated
                names_and_addresses_are_one_users
                a_user_is_deleted_with_what_is_kept_of_it
                methods_need_their_permissions
                tenants_keep_their_users_apart
                no_secret_is_kept_in_the_clear
                a_suspended_user_is_nobody_until_reinstated
            }
        }
    };
}

/// Roles of the suite, over the ontology of the access suite.
const POLICY: &str = "
attributes:
  - { name: team, type: string }
roles:
  - name: administrator
    objects: [{ types: ['*'], verbs: [read, create, modify, delete] }]
    actions: ['*']
    permissions: [ontology.read, ontology.plan, ontology.publish, object.read, object.write, action.execute, tenancy.manage,
                  user.read, user.manage, role.assign, policy.read, policy.manage]
  - name: reader
    objects: [{ types: [Person], verbs: [read], properties: { except: [rank] } }]
  - name: writer
    objects: [{ types: [Person], verbs: [read, modify] }]
  - name: helper
    permissions: [user.read, user.manage, role.assign]
  - name: auditor
    objects: [{ types: ['*'], verbs: [read] }]
    permissions: [policy.read]
  - name: leader
rules:
  - { name: own_team, effect: permit, type: Person, verbs: [read], where: team = $actor.team }
  - { name: leaders, effect: permit, type: Team, verbs: [read], roles: [leader], where: score >= 0 }
";

/// Publishes the ontology of the access suite, writes its people, and puts a policy in force.
pub async fn prepare(on: &Deployment) {
    super::access::prepare(on).await;
    on.users.apply_policy(&on.own, policy(), None).await.unwrap_or_else(|e| panic!("{}", e.chain()));
}

pub(super) fn policy() -> Policy {
    Policy::from_yaml(POLICY).unwrap()
}

pub(super) fn name(text: &str) -> ApiName {
    ApiName::parse(text).unwrap()
}

pub(super) fn password_of(name: &str) -> Secret {
    format!("{name} and the correct horse").into()
}

/// A person who can log in, without a role.
pub(super) async fn person(on: &Deployment, name: &str) -> User {
    let new = NewUser { name: name.into(), ..NewUser::default() };
    let user = on.users.create_user(&on.own, new).await.unwrap_or_else(|e| panic!("{}", e.chain()));
    let request = SetPassword { user: Some(user.id.clone()), current: None, password: password_of(name) };
    on.users.set_password(&on.own, request).await.unwrap_or_else(|e| panic!("{}", e.chain()));
    user
}

/// A person who holds these roles over the tenant.
pub(super) async fn holder(on: &Deployment, name: &str, roles: &[&str]) -> User {
    let user = person(on, name).await;
    for role in roles {
        assigned(on, GroupMember::User(user.id.clone()), role).await;
    }
    user
}

pub(super) async fn assigned(on: &Deployment, holder: GroupMember, role: &str) -> Assignment {
    on.users.assign(&on.own, NewAssignment::of(holder, name(role))).await.unwrap_or_else(|e| panic!("{}", e.chain()))
}

pub(super) async fn group(on: &Deployment, name: &str) -> Group {
    let new = NewGroup { name: name.into(), description: None };
    on.users.create_group(&on.own, new).await.unwrap_or_else(|e| panic!("{}", e.chain()))
}

pub(super) fn login_of(name: &str) -> Login {
    let (name, password) = (name.to_owned(), password_of(name));
    Login { name, password, second: None, client: "console".into(), device: Some("a browser".into()), network: None }
}

pub(super) async fn login(on: &Deployment, name: &str) -> Tokens {
    on.users.login(&on.own, login_of(name)).await.unwrap_or_else(|e| panic!("{}", e.chain()))
}

/// The context of whoever has a token or key.
pub(super) async fn context(on: &Deployment, credential: &Secret) -> Result<Context> {
    Ok(on.own.clone().with_access(on.users.authenticate(&on.own, credential).await?.access))
}

/// The context of someone who logs in.
pub(super) async fn acting(on: &Deployment, name: &str) -> Context {
    let tokens = login(on, name).await;
    context(on, &tokens.access).await.unwrap_or_else(|e| panic!("{}", e.chain()))
}

/// The keys of the people someone sees.
pub(super) async fn people(on: &Deployment, ctx: &Context) -> Vec<i64> {
    let page = on.ask(ctx, super::Method::Query, json!({ "set": { "type": "Person" } })).await;
    let page = page.unwrap_or_else(|e| panic!("{}", e.chain()));
    list(&member(&page, "objects")).iter().map(|object| member(object, "key").as_i64().unwrap()).collect()
}

pub(super) fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.expect_err("refused").code().to_owned()
}

/// A service account.
pub(super) async fn service(on: &Deployment, name: &str) -> User {
    let new = NewUser { name: name.into(), kind: UserKind::Service, ..NewUser::default() };
    on.users.create_user(&on.own, new).await.unwrap_or_else(|e| panic!("{}", e.chain()))
}
