//! The first administrator.

use super::policy::everything;
use super::{Users, has_moved};
use crate::access::Policy;
use crate::credential::Secret;
use crate::credential::password::Password;
use crate::user::row::{AssignmentRow, CredentialRow, GuardRow, Row};
use crate::user::{Assignment, GroupMember, NewUser};
use crate::{ApiName, Context, Permission, Result};

/// The role of the first administrator.
const ADMINISTRATOR: &str = "administrator";

/// The first administrator, told once.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// Its name.
    pub name: String,
    /// Its password: a random one, which nobody else has ever had.
    pub password: Secret,
}

impl Users {
    /// Makes the first user of a tenant without users: `admin`, with a password that is told this once, and the role `administrator`, which gives
    /// everything; where the tenant has no policy, with one that has this role. Nothing where there is or was a user. Needs every permission, as the
    /// application's own context has them.
    ///
    /// # Errors
    /// `permission.denied`; what the store answers.
    pub async fn bootstrap(&self, ctx: &Context) -> Result<Option<Bootstrap>> {
        for permission in Permission::ALL {
            self.admit(ctx, Some(permission))?;
        }
        let directory = self.directory(ctx).await?;
        // A directory that another process fills is not empty.
        self.caught_up(&directory).await?;
        if !directory.state().users.is_empty() {
            return Ok(None);
        }
        let role = ApiName::parse(ADMINISTRATOR)?;
        if directory.state().policy_parts() == 0 {
            let mut policy = Policy::default();
            policy.roles.push(everything(role.clone()));
            match self.put_policy(self.method(ctx, &directory, "policy.apply"), &policy, Some(crate::Seq(0))).await {
                Err(error) if error.code() != "user.policy.moved" => return Err(error),
                // Another process puts the same one in force.
                _ => self.caught_up(&directory).await?,
            }
        }
        directory.state().role(&role)?;
        let password = self.inner.vault.random::<18>();
        let user = match self.drafted(&directory, NewUser { name: "admin".into(), ..NewUser::default() }) {
            // Another process was first.
            Err(error) if error.code() == "user.name.taken" => return Ok(None),
            other => other?,
        };
        let hash = self.inner.hasher.hash(ctx.scope().tenant, Password::given(&password)?).await?;
        let credential = CredentialRow {
            id: user.id.clone(),
            password: Some(hash),
            password_at: Some(self.now()),
            ..CredentialRow::default()
        };
        let (id, holder) = (self.id(), GroupMember::User(user.id.clone()));
        let assignment = Assignment { id, holder, role, object_type: None, key: None, expires_at: None };
        let first = GuardRow::new("first user", &self.inner.env);
        let edits =
            vec![first.create()?, user.create()?, credential.create()?, AssignmentRow::of(&assignment).create()?];
        match self.commit(ctx, &directory, "user.bootstrap", edits).await {
            // Another process was first.
            Err(error) if has_moved(&error) || error.code() == "kernel.object.not_unique" => Ok(None),
            other => other.map(|_| Some(Bootstrap { name: user.name, password })),
        }
    }
}
