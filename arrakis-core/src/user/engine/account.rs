//! What a user proves with who they are.

use async_trait::async_trait;

use super::auth::totp_purpose;
use super::once::Method;
use super::user::credential;
use super::{RETRIES_MAX, Users, has_moved};
use crate::credential::hasher::Verdict;
use crate::credential::password::Password;
use crate::credential::totp::TotpSecret;
use crate::credential::{Secret, recovery};
use crate::kernel::Edit;
use crate::user::directory::refused;
use crate::user::row::{CredentialRow, Kept, SessionRow, delete};
use crate::user::{
    AccountService, Directory, RecoveryCodes, SecondFactor, SessionInfo, SetPassword, TotpEnrolment, User, UserKind,
    absent,
};
use crate::{Context, Error, Result};

impl Users {
    /// What is kept of what a user proves with.
    async fn credential_of(
        &self,
        directory: &Directory,
        user: &User,
    ) -> Result<(Option<Kept<CredentialRow>>, CredentialRow)> {
        let kept: Option<Kept<CredentialRow>> = self.kept(directory, &user.id).await?;
        let row = kept.as_ref().map(|kept| kept.row.clone());
        let row = row.unwrap_or_else(|| CredentialRow { id: user.id.clone(), ..CredentialRow::default() });
        Ok((kept, row))
    }

    /// The hash of a password that a user may have, which keeps the rules.
    pub(super) async fn hashed(&self, ctx: &Context, user: &User, password: &Secret) -> Result<String> {
        if user.kind == UserKind::Service {
            return Err(Error::invalid("user.service", "a service account has API keys and no password"));
        }
        let names = [Some(user.name.as_str()), user.email.as_deref(), user.display_name.as_deref()];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        let password = self.inner.rules.check(password, &names)?;
        self.inner.hasher.hash(ctx.scope().tenant, password).await
    }

    /// The edit that gives a user a password, by its hash.
    pub(super) async fn with_password(&self, directory: &Directory, user: &User, hash: &str) -> Result<Edit> {
        let (kept, row) = self.credential_of(directory, user).await?;
        let row = CredentialRow { password: Some(hash.into()), password_at: Some(self.now()), ..row };
        credential(kept.as_ref(), &row)
    }

    async fn knows_password(
        &self,
        ctx: &Context,
        directory: &Directory,
        user: &User,
        current: Option<&Secret>,
    ) -> Result<()> {
        let key = (ctx.scope().tenant, user.name.clone());
        self.inner.accounts.attempt(&key, self.inner.env.monotonic())?;
        let (_, row) = self.credential_of(directory, user).await?;
        let password = Password::given(current.ok_or_else(refused)?).map_err(|_| refused())?;
        match self.inner.hasher.verify(ctx.scope().tenant, password, row.password).await? {
            Verdict::Wrong => Err(refused()),
            Verdict::Right | Verdict::RightAndOutdated(_) => {
                self.inner.accounts.succeeded(&key);
                Ok(())
            }
        }
    }

    async fn try_confirm(&self, method: Method<'_>, code: &Secret) -> Result<RecoveryCodes> {
        let Method { ctx, directory, .. } = method;
        let user = self.whose(ctx, directory, None, true)?;
        let (kept, row) = self.credential_of(directory, &user).await?;
        let pending = row.totp_pending.clone();
        let pending = pending.ok_or_else(|| Error::conflict("user.totp.pending", "no secret waits to be confirmed"))?;
        let key = (ctx.scope().tenant, user.name.clone());
        self.inner.accounts.attempt(&key, self.inner.env.monotonic())?;
        let secret = self.totp_secret(&user.id, &pending)?;
        let step = secret.step_of(code.expose(), self.now(), None).ok_or_else(refused)?;
        self.inner.accounts.succeeded(&key);
        let (codes, digests) = recovery::new_codes(&self.inner.vault, &user.id)?;
        let row =
            CredentialRow { totp: Some(pending), totp_pending: None, totp_step: Some(step), recovery: digests, ..row };
        let edits = vec![credential(kept.as_ref(), &row)?];
        let codes = RecoveryCodes { codes };
        method.commit(edits, &codes).await.map_err(moved)?;
        Ok(codes)
    }
}

fn is_own(ctx: &Context, user: &User) -> bool {
    ctx.access().is_some_and(|access| *access.subject().id == *user.id)
}

fn moved(error: Error) -> Error {
    if has_moved(&error) { super::group::contended().caused_by(error) } else { error }
}

#[async_trait]
impl AccountService for Users {
    async fn set_password(&self, ctx: &Context, request: SetPassword) -> Result<()> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        let method = self.method(ctx, &directory, "user.set_password");
        let set = async {
            let user = self.whose(ctx, &directory, request.user.as_deref(), true)?;
            if is_own(ctx, &user) {
                let current = request.current.as_ref();
                self.knows_password(ctx, &directory, &user, current).await.map_err(|e| e.at("current"))?;
            }
            let password = self.hashed(ctx, &user, &request.password).await?;
            for _ in 0..RETRIES_MAX {
                let mut edits = vec![self.with_password(&directory, &user, &password).await?];
                edits.extend(self.ending(&directory, &user.id).await?);
                match method.commit(edits, &()).await {
                    // A session ended by itself, or another password was set.
                    Err(error) if has_moved(&error) => {}
                    other => return other.map(drop),
                }
            }
            Err(super::group::contended())
        };
        method.once(set).await
    }

    async fn enrol_totp(&self, ctx: &Context) -> Result<TotpEnrolment> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        let method = self.method(ctx, &directory, "user.enrol_totp");
        let enrolled = async {
            let user = self.whose(ctx, &directory, None, true)?;
            let (kept, row) = self.credential_of(&directory, &user).await?;
            if row.totp.is_some() {
                return Err(Error::conflict("user.totp.enrolled", "one-time codes are asked for already"));
            }
            let secret = TotpSecret::new(&self.inner.env);
            let sealed = self.inner.vault.seal(&totp_purpose(&user.id), secret.text().expose().as_bytes())?;
            let edits = vec![credential(kept.as_ref(), &CredentialRow { totp_pending: Some(sealed), ..row })?];
            let uri = secret.uri(&self.inner.issuer, &user.name);
            let enrolment = TotpEnrolment { uri, secret: secret.text().clone() };
            method.commit(edits, &enrolment).await.map_err(moved)?;
            Ok(enrolment)
        };
        method.once(enrolled).await
    }

    async fn confirm_totp(&self, ctx: &Context, code: &Secret) -> Result<RecoveryCodes> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        let method = self.method(ctx, &directory, "user.confirm_totp");
        method.once(self.try_confirm(method, code)).await
    }

    async fn disable_totp(&self, ctx: &Context, user: Option<&str>, second: Option<&SecondFactor>) -> Result<()> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        let method = self.method(ctx, &directory, "user.disable_totp");
        let disabled = async {
            let user = self.whose(ctx, &directory, user, true)?;
            let (kept, row) = self.credential_of(&directory, &user).await?;
            let Some(kept) = kept else { return Ok(()) };
            if is_own(ctx, &user) && row.totp.is_some() {
                let key = (ctx.scope().tenant, user.name.clone());
                self.inner.accounts.attempt(&key, self.inner.env.monotonic())?;
                self.second(&row, second)?;
                self.inner.accounts.succeeded(&key);
            }
            let row = CredentialRow { totp: None, totp_pending: None, totp_step: None, recovery: Vec::new(), ..row };
            let edits = vec![kept.replace(&row)?];
            method.commit(edits, &()).await.map(drop).map_err(moved)
        };
        method.once(disabled).await
    }

    async fn sessions(&self, ctx: &Context, user: Option<&str>) -> Result<Vec<SessionInfo>> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        let user = self.whose(ctx, &directory, user, false)?;
        let mut sessions: Vec<_> = directory.state().sessions(&user.id).map(SessionRow::info).collect();
        sessions.sort_by_key(|session| std::cmp::Reverse(session.used_at));
        Ok(sessions)
    }

    async fn end_sessions(&self, ctx: &Context, user: Option<&str>, session: Option<&str>) -> Result<()> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        let method = self.method(ctx, &directory, "auth.end");
        let ended = async {
            let user = self.whose(ctx, &directory, user, false)?;
            for _ in 0..RETRIES_MAX {
                let edits = match session {
                    None => self.ending(&directory, &user.id).await?,
                    Some(id) if directory.state().sessions(&user.id).any(|session| session.id == id) => {
                        vec![delete::<SessionRow>(id, None)]
                    }
                    Some(id) => return Err(absent("session", id)),
                };
                match method.commit(edits, &()).await {
                    // One ended by itself, which is seen in a moment.
                    Err(error) if has_moved(&error) => self.caught_up(&directory).await?,
                    other => return other.map(drop),
                }
            }
            Err(super::group::contended())
        };
        method.once(ended).await
    }
}
