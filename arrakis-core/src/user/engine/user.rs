//! Users.

use async_trait::async_trait;

use super::group::contended;
use super::once::Method;
use super::{RETRIES_MAX, Users, directory_of, has_moved, later};
use crate::credential::Secret;
use crate::kernel::{Edit, Expect, KernelService as _, ObjectSet, PAGE_SIZE_MAX, PageRequest, Query};
use crate::user::row::{CredentialRow, IdentityRow, InvitationRow, Kept, RevocationRow, Row, SessionRow, delete};
use crate::user::{
    Directory, Invitation, ListUsers, NewUser, USERS_PAGE_DEFAULT, USERS_PAGE_MAX, User, UserExport, UserKind,
    UserPage, UserPatch, UserService, UserStatus, absent, checked_email, checked_name,
};
use crate::{Context, Error, ErrorKind, Permission, Result};

/// How long an invitation may be accepted.
const INVITATION: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);
/// The longest what people call a user, bytes.
const DISPLAY_NAME_LEN_MAX: usize = 400;
/// The most that policies may know of a user, bytes of its JSON form.
const ATTRIBUTES_LEN_MAX: usize = 65_536;

impl Users {
    /// A user to be, as it would be kept.
    pub(super) fn drafted(&self, directory: &Directory, new: NewUser) -> Result<User> {
        let NewUser { name, kind, display_name, email, attributes } = new;
        let user = User {
            id: self.id(),
            name: checked_name(&name)?,
            kind,
            status: UserStatus::Active,
            display_name,
            email: email.as_deref().map(checked_email).transpose()?,
            email_verified: false,
            attributes,
            created_at: self.now(),
        };
        check(&user)?;
        let state = directory.state();
        if state.user_names.contains_key(&user.name) {
            return Err(taken("user.name.taken", "there is a user of this name", "name"));
        }
        if user.email.as_deref().is_some_and(|email| state.user_of_email(email).is_some()) {
            return Err(taken("user.email.taken", "there is a user with this address", "email"));
        }
        Ok(user)
    }

    /// Edits that end every session of a user, and void what was issued to it: sessions that other processes have just begun are among them.
    pub(super) async fn ending(&self, directory: &Directory, user: &str) -> Result<Vec<Edit>> {
        self.caught_up(directory).await?;
        let revoked = RevocationRow::new(format!("user:{user}"), &self.inner.env);
        let state = directory.state();
        let sessions = state.sessions(user).map(|session| delete::<SessionRow>(&session.id, None));
        Ok(sessions.chain([revoked.put(None)?]).collect())
    }

    async fn try_update(&self, method: Method<'_>, patch: UserPatch) -> Result<User> {
        let Method { ctx, directory, .. } = method;
        let now = directory.state().user(&patch.user)?.clone();
        let mut user = now.clone();
        let cleared = |text: String| if text.is_empty() { None } else { Some(text) };
        if let Some(name) = patch.display_name {
            user.display_name = cleared(name);
        }
        if let Some(email) = patch.email {
            let email = cleared(email).as_deref().map(checked_email).transpose()?;
            if email != user.email {
                (user.email, user.email_verified) = (email, false);
            }
        }
        user.attributes = patch.attributes.unwrap_or(user.attributes);
        user.status = patch.status.unwrap_or(user.status);
        check(&user)?;
        let reaches = (&user.email, &user.attributes) != (&now.email, &now.attributes)
            || (now.status, user.status) == (UserStatus::Suspended, UserStatus::Active);
        if reaches {
            self.check_holds_what(ctx, &directory.state(), &user.id)?;
        }
        for _ in 0..RETRIES_MAX {
            let object: Option<Kept<User>> = self.kept(directory, &user.id).await?;
            let object = object.ok_or_else(|| absent("user", &user.name))?;
            if object.row != now {
                return Err(Error::conflict("user.moved", "the user was changed meanwhile").retryable_is(true));
            }
            let mut edits = vec![object.replace(&user)?];
            // Reinstated, it logs in anew, too: nothing that was begun meanwhile comes to life.
            if now.status != user.status {
                edits.extend(self.ending(directory, &user.id).await?);
            }
            match method.commit(edits, &user).await {
                // The user was changed, or one of its sessions has ended by itself.
                Err(error) if has_moved(&error) => {}
                other => return other.map(|_| user).map_err(told),
            }
        }
        Err(contended())
    }
}

fn check(user: &User) -> Result<()> {
    let display_name = user.display_name.as_deref().unwrap_or_default();
    if display_name.len() > DISPLAY_NAME_LEN_MAX || display_name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "user.display_name",
            "what people call a user is at most 400 bytes, without control characters",
        )
        .with("length_max", DISPLAY_NAME_LEN_MAX)
        .at("display_name"));
    }
    let attributes = serde_json::to_string(&user.attributes).map_or(usize::MAX, |json| json.len());
    if attributes > ATTRIBUTES_LEN_MAX {
        return Err(Error::invalid("user.attributes", "the attributes of a user are too long")
            .with("length_max", ATTRIBUTES_LEN_MAX)
            .at("attributes"));
    }
    Ok(())
}

fn taken(code: &'static str, message: &'static str, at: &'static str) -> Error {
    Error::new(ErrorKind::AlreadyExists, code, message).at(at)
}

/// What the store refused, as what it means of a user.
pub(super) fn told(error: Error) -> Error {
    let is_of = |property: &str| {
        error.path().is_some_and(|path| path.ends_with(property)) || error.param("property") == Some(property)
    };
    match error.code() {
        "kernel.object.not_unique" if is_of("email") => {
            taken("user.email.taken", "there is a user with this address", "email")
        }
        "kernel.object.not_unique" => taken("user.name.taken", "there is a user or group of this name", "name"),
        _ => error,
    }
}

#[async_trait]
impl UserService for Users {
    async fn create_user(&self, ctx: &Context, user: NewUser) -> Result<User> {
        let directory = self.admitted(ctx, Permission::UserManage).await?;
        let method = self.method(ctx, &directory, "user.create");
        let created = async {
            let user = self.drafted(&directory, user)?;
            let edits = vec![user.create()?];
            method.commit(edits, &user).await.map_err(told)?;
            Ok(user)
        };
        method.once(created).await
    }

    async fn invite(&self, ctx: &Context, user: NewUser) -> Result<Invitation> {
        let directory = self.admitted(ctx, Permission::UserManage).await?;
        let method = self.method(ctx, &directory, "user.invite");
        let invited = async {
            let user = self.drafted(&directory, user)?;
            if user.kind == UserKind::Service {
                let service = "a service account has API keys and is not invited";
                return Err(Error::invalid("user.invitation.service", service).at("kind"));
            }
            let id = self.id();
            let secret = Secret::from(format!("{id}.{}", self.inner.vault.random::<32>().expose()));
            let digest = self.inner.vault.digest("invitation", secret.expose())?;
            let expires_at = later(self.now(), INVITATION);
            let row = InvitationRow { id, user: user.id.clone(), digest, expires_at };
            let edits = vec![user.create()?, row.create()?];
            let invitation = Invitation { user, secret, expires_at };
            method.commit(edits, &invitation).await.map_err(told)?;
            Ok(invitation)
        };
        method.once(invited).await
    }

    async fn user(&self, ctx: &Context, user: &str) -> Result<User> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        let found = directory.state().user(user).cloned();
        let own = ctx.access().map(|access| &*access.subject().id);
        match found {
            Ok(found) if Some(&*found.id) == own => Ok(found),
            found => {
                ctx.require(Permission::UserRead)?;
                found
            }
        }
    }

    async fn users(&self, ctx: &Context, request: ListUsers) -> Result<UserPage> {
        let directory = self.admitted(ctx, Permission::UserRead).await?;
        let limit = limit(request.limit, USERS_PAGE_DEFAULT, USERS_PAGE_MAX)?;
        let state = directory.state();
        let after = (std::ops::Bound::Excluded(request.after), std::ops::Bound::Unbounded);
        let mut names = state.user_names.range(after);
        let users: Vec<User> = names.by_ref().take(limit).filter_map(|(_, id)| state.users.get(id)).cloned().collect();
        let next = names.next().and(users.last()).map(|last| last.name.clone());
        Ok(UserPage { users, next })
    }

    async fn update_user(&self, ctx: &Context, patch: UserPatch) -> Result<User> {
        let directory = self.admitted(ctx, Permission::UserManage).await?;
        let method = self.method(ctx, &directory, "user.update");
        method.once(self.try_update(method, patch)).await
    }

    async fn delete_user(&self, ctx: &Context, user: &str) -> Result<()> {
        let directory = self.admitted(ctx, Permission::UserManage).await?;
        let method = self.method(ctx, &directory, "user.delete");
        let deleted = async {
            let id = directory.state().user(user)?.id.clone();
            let revoked = RevocationRow::new(format!("user:{id}"), &self.inner.env).put(None)?;
            let edits = vec![delete::<User>(&id, None), revoked];
            method.commit(edits, &()).await.map(drop)
        };
        method.once(deleted).await
    }

    async fn export_user(&self, ctx: &Context, user: &str) -> Result<UserExport> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        let user = self.whose(ctx, &directory, Some(user), false)?;
        let own = directory_of(ctx, &directory);
        let mut identities = Vec::new();
        let mut cursor = None;
        loop {
            let mut query = Query::of(ObjectSet::ids(User::TYPE, [user.id.as_str()]).traverse("identities"));
            query.page = PageRequest { size: Some(PAGE_SIZE_MAX), cursor };
            let page = self.inner.kernel.query(&own, query).await?;
            for object in &page.objects {
                let IdentityRow { issuer, subject, .. } = IdentityRow::read(object)?;
                identities.push((issuer, subject));
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let state = directory.state();
        Ok(UserExport {
            groups: state.closure(&user.id).iter().map(|group| group.name.clone()).collect(),
            assignments: state.held(&user.id).cloned().collect(),
            sessions: state.sessions(&user.id).map(SessionRow::info).collect(),
            api_keys: state.api_keys(&user.id).map(crate::user::row::ApiKeyRow::info).collect(),
            identities,
            seq: directory.seq(),
            user,
        })
    }
}

/// How many of a page are asked for.
pub(super) fn limit(asked: Option<u32>, default: u32, max: u32) -> Result<usize> {
    let limit = asked.unwrap_or(default);
    if (1..=max).contains(&limit) {
        return Ok(limit as usize);
    }
    Err(Error::invalid("user.limit", "the page is of another size than pages have").with("limit_max", max).at("limit"))
}

/// What a user proves with, in place of what is kept.
pub(super) fn credential(kept: Option<&Kept<CredentialRow>>, row: &CredentialRow) -> Result<Edit> {
    kept.map_or_else(|| row.put(Some(Expect::Absent)), |kept| kept.replace(row))
}
