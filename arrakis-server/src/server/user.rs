//! Users, groups, roles and credentials over HTTP.

use std::sync::Arc;

use arrakis_core::user::{GroupMember, Login, UserServices};
use arrakis_core::{Context, Error, Permission, Result};

use super::answer::Answer;
use super::asked::Asked;
use super::routes::Work;
use super::{Door, Routes};
use crate::api::user as api;

impl Routes {
    /// With the endpoints of users, groups, roles and credentials.
    #[must_use]
    pub fn users(self, service: &Arc<dyn UserServices>) -> Self {
        self.directory(service).roles(service).authentication(service).accounts(service).between_processes(service)
    }

    fn directory(self, service: &Arc<dyn UserServices>) -> Self {
        self.on(&api::CREATE_USER, service, |service, ctx, user| {
            Box::pin(async move { service.create_user(&ctx, user).await })
        })
        .on(&api::INVITE, service, |service, ctx, user| Box::pin(async move { service.invite(&ctx, user).await }))
        .on(&api::USER, service, |service, ctx, of| Box::pin(async move { service.user(&ctx, &of.user).await }))
        .on(&api::USERS, service, |service, ctx, asked| Box::pin(async move { service.users(&ctx, asked).await }))
        .on(&api::UPDATE_USER, service, |service, ctx, patch| {
            Box::pin(async move { service.update_user(&ctx, patch).await })
        })
        .on(&api::DELETE_USER, service, |service, ctx, of| {
            Box::pin(async move { service.delete_user(&ctx, &of.user).await })
        })
        .on(&api::EXPORT_USER, service, |service, ctx, of| {
            Box::pin(async move { service.export_user(&ctx, &of.user).await })
        })
        .on(&api::CREATE_GROUP, service, |service, ctx, group| {
            Box::pin(async move { service.create_group(&ctx, group).await })
        })
        .on(&api::GROUPS, service, |service, ctx, _| Box::pin(async move { service.groups(&ctx).await }))
        .on(&api::DELETE_GROUP, service, |service, ctx, of| {
            Box::pin(async move { service.delete_group(&ctx, &of.group).await })
        })
        .on(&api::MEMBERS, service, |service, ctx, of| Box::pin(async move { service.members(&ctx, &of.group).await }))
        .on(&api::ADD_MEMBER, service, |service, ctx, of| {
            Box::pin(async move { service.add_member(&ctx, &of.group, of.member).await })
        })
        .on(&api::REMOVE_MEMBER, service, |service, ctx, of| {
            Box::pin(async move { service.remove_member(&ctx, &of.group, of.member).await })
        })
    }

    fn roles(self, service: &Arc<dyn UserServices>) -> Self {
        self.on(&api::ASSIGN, service, |service, ctx, asked| Box::pin(async move { service.assign(&ctx, asked).await }))
            .on(&api::UNASSIGN, service, |service, ctx, of| {
                Box::pin(async move { service.unassign(&ctx, &of.assignment).await })
            })
            .on(&api::ASSIGNMENTS, service, |service, ctx, asked| {
                Box::pin(async move {
                    let holder = holder(asked)?;
                    service.assignments(&ctx, holder).await
                })
            })
            .on(&api::POLICY, service, |service, ctx, _| Box::pin(async move { service.policy(&ctx).await }))
            .on(&api::APPLY_POLICY, service, |service, ctx, asked| {
                Box::pin(async move { service.apply_policy(&ctx, asked.policy, asked.expect).await })
            })
            .on(&api::EXPLAIN_AS, service, |service, ctx, asked| {
                Box::pin(async move { service.explain_as(&ctx, &asked.user, asked.check).await })
            })
            .on(&api::WHO_CAN, service, |service, ctx, asked| {
                Box::pin(async move { service.who_can(&ctx, asked).await })
            })
            .on(&api::SIMULATE, service, |service, ctx, asked| {
                Box::pin(async move { service.simulate(&ctx, asked).await })
            })
    }

    fn authentication(self, service: &Arc<dyn UserServices>) -> Self {
        let users = Arc::clone(service);
        let login: Work = Arc::new(move |asked: Asked, _| {
            let users = Arc::clone(&users);
            Box::pin(async move {
                let mut login: Login = asked.read(&api::LOGIN.meta)?;
                // Where it comes from is for us to say.
                if asked.network.is_some() {
                    login.network.clone_from(&asked.network);
                }
                Answer::of(&api::LOGIN, &asked, &users.login(&asked.ctx, login).await?)
            })
        });
        self.on_asked(&api::LOGIN.meta, login)
            .on(&api::REFRESH, service, |service, ctx, asked| {
                Box::pin(async move { service.refresh(&ctx, &asked.refresh).await })
            })
            .on(&api::ACCEPT_INVITATION, service, |service, ctx, asked| {
                Box::pin(async move { service.accept_invitation(&ctx, &asked.secret, asked.password).await })
            })
            .on(&api::ONESELF, service, |_, ctx, _| Box::pin(async move { Ok(oneself(&ctx)) }))
            .on(&api::JWKS, service, |service, _, _| {
                Box::pin(async move {
                    let keys = service.jwks().await?;
                    serde_json::from_str(&keys).map_err(|e| Error::internal("jwks", "no JSON").caused_by(e))
                })
            })
            .on(&api::DISCOVERY, service, |service, _, _| Box::pin(async move { service.discovery().await }))
            .on(&api::AUTHORIZATION_SERVER, service, |service, _, _| Box::pin(async move { service.discovery().await }))
            .on(&api::REVOKE_ISSUED, service, |service, ctx, to| {
                Box::pin(async move { service.revoke_issued(&ctx, to).await })
            })
    }

    fn accounts(self, service: &Arc<dyn UserServices>) -> Self {
        self.on(&api::SET_PASSWORD, service, |service, ctx, asked| {
            Box::pin(async move { service.set_password(&ctx, asked).await })
        })
        .on(&api::ENROL_TOTP, service, |service, ctx, _| Box::pin(async move { service.enrol_totp(&ctx).await }))
        .on(&api::CONFIRM_TOTP, service, |service, ctx, asked| {
            Box::pin(async move { service.confirm_totp(&ctx, &asked.code).await })
        })
        .on(&api::DISABLE_TOTP, service, |service, ctx, asked| {
            Box::pin(async move { service.disable_totp(&ctx, asked.user.as_deref(), asked.second.as_ref()).await })
        })
        .on(&api::SESSIONS, service, |service, ctx, of| {
            Box::pin(async move { service.sessions(&ctx, of.user.as_deref()).await })
        })
        .on(&api::END_SESSIONS, service, |service, ctx, asked| {
            Box::pin(async move { service.end_sessions(&ctx, asked.user.as_deref(), asked.session.as_deref()).await })
        })
        .on(&api::CREATE_API_KEY, service, |service, ctx, asked| {
            Box::pin(async move { service.create_api_key(&ctx, asked).await })
        })
        .on(&api::API_KEYS, service, |service, ctx, of| {
            Box::pin(async move { service.api_keys(&ctx, of.user.as_deref()).await })
        })
        .on(&api::REVOKE_API_KEY, service, |service, ctx, asked| {
            Box::pin(async move { service.revoke_api_key(&ctx, asked.user.as_deref(), &asked.key).await })
        })
    }

    /// What other processes of the deployment ask: whose a credential is, and what that comes to.
    fn between_processes(self, service: &Arc<dyn UserServices>) -> Self {
        let offering = Arc::new((Arc::clone(service), self.door().clone()));
        let door = Arc::new(self.door().clone());
        self.on(&api::LOGIN_FEDERATED, service, |service, ctx, asked| {
            Box::pin(async move { service.login_federated(&ctx, asked.identity, &asked.client).await })
        })
        .on(&api::IDENTIFY, &offering, |offering, ctx, asked| {
            Box::pin(async move {
                let (service, door): &(Arc<dyn UserServices>, Door) = &offering;
                let identity = service.authenticate(&ctx, &asked.credential).await?;
                Ok(api::IdentityView {
                    user: identity.user,
                    session: identity.session,
                    subject: identity.access.subject().clone(),
                    policy: door.offer(identity.access.policy())?,
                })
            })
        })
        .on(&api::POLICY_OF, &door, |door, _, of| {
            Box::pin(async move { Ok(arrakis_core::access::Policy::clone(&*door.policy(&of.hash)?)) })
        })
        .on(&api::SCOPE, &door, |door, _, of| {
            Box::pin(async move { door.scope_of(of.tenant).await.map(api::ScopeView::from) })
        })
    }

    /// With what every service lets other processes of the deployment tell it.
    #[must_use]
    pub fn peers(self) -> Self {
        let door = Arc::new(self.door().clone());
        self.on(&api::KEEP_POLICY, &door, |door, _, asked| {
            Box::pin(async move {
                door.keep(asked.hash, asked.policy);
                Ok(())
            })
        })
    }
}

fn holder(asked: api::ListAssignments) -> Result<Option<GroupMember>> {
    match (asked.user, asked.group) {
        (None, None) => Ok(None),
        (Some(user), None) => Ok(Some(GroupMember::User(user))),
        (None, Some(group)) => Ok(Some(GroupMember::Group(group))),
        (Some(_), Some(_)) => Err(Error::invalid("request.query", "a user or a group, not both").at("group")),
    }
}

fn oneself(ctx: &Context) -> api::Oneself {
    let subject = ctx.access().map(|access| access.subject());
    let mut roles: Vec<_> = subject.iter().flat_map(|of| &of.held).map(|held| held.role.to_string()).collect();
    roles.sort_unstable();
    roles.dedup();
    api::Oneself {
        id: subject.map_or_else(|| ctx.actor().to_string(), |subject| subject.id.to_string()),
        actor: ctx.actor().to_string(),
        tenant: ctx.scope().tenant,
        space: ctx.scope().space,
        permissions: Permission::ALL.into_iter().filter(|permission| ctx.require(*permission).is_ok()).collect(),
        groups: subject.iter().flat_map(|of| &of.groups).map(ToString::to_string).collect(),
        roles,
    }
}
