//! Proving who one is.

use std::sync::atomic::Ordering;

use async_trait::async_trait;

use super::{Users, has_moved};
use crate::credential::api_key::ApiKey;
use crate::credential::hasher::Verdict;
use crate::credential::password::Password;
use crate::credential::totp::TotpSecret;
use crate::credential::{Secret, recovery};
use crate::kernel::{Edit, Expect};
use crate::user::directory::refused;
use crate::user::row::{CredentialRow, IdentityRow, InvitationRow, Kept, Row, delete};
use crate::user::{
    AuthService, Directory, Discovery, FederatedIdentity, Identity, Login, SecondFactor, Tokens, User, UserKind,
    UserStatus,
};
use crate::{Context, Error, ErrorKind, Result};

/// The method of proof by a password, a one-time code, a recovery code or another provider, as tokens name them.
const PASSWORD: &str = "pwd";
const ONE_TIME: &str = "otp";
const RECOVERY: &str = "rec";
const FEDERATED: &str = "fed";

pub(super) fn totp_purpose(user: &str) -> String {
    format!("totp {user}")
}

impl Users {
    /// The secret of a user's one-time codes.
    pub(super) fn totp_secret(&self, user: &str, sealed: &str) -> Result<TotpSecret> {
        let secret = self.inner.vault.open(&totp_purpose(user), sealed)?;
        Ok(TotpSecret::read(&String::from_utf8_lossy(&secret)))
    }

    /// What a second factor comes to: how it proves, and what is kept of it from now on.
    pub(super) fn second(
        &self,
        row: &CredentialRow,
        given: Option<&SecondFactor>,
    ) -> Result<Option<(&'static str, CredentialRow)>> {
        let Some(sealed) = &row.totp else { return Ok(None) };
        let given = given.ok_or_else(|| {
            Error::new(ErrorKind::Unauthenticated, "auth.second_factor", "a one-time code or a recovery code is needed")
                .at("second")
        })?;
        let mut used = row.clone();
        match given {
            SecondFactor::Totp(code) => {
                let secret = self.totp_secret(&row.id, sealed)?;
                let step = secret.step_of(code.expose(), self.now(), row.totp_step).ok_or_else(refused)?;
                used.totp_step = Some(step);
                Ok(Some((ONE_TIME, used)))
            }
            SecondFactor::Recovery(code) => {
                let position =
                    recovery::position(&self.inner.vault, &row.id, code, &row.recovery).ok_or_else(refused)?;
                used.recovery.remove(position);
                Ok(Some((RECOVERY, used)))
            }
        }
    }

    /// Whether a password is a user's, and what else is to be kept of it. Whoever has no password is told so in the same time.
    async fn has_password(
        &self,
        ctx: &Context,
        kept: Option<&Kept<CredentialRow>>,
        password: &Secret,
    ) -> Result<Option<String>> {
        let hash = kept.and_then(|kept| kept.row.password.clone());
        // A password that is too long is not the one there is.
        let Ok(password) = Password::given(password) else { return Err(refused()) };
        match self.inner.hasher.verify(ctx.scope().tenant, password, hash).await? {
            Verdict::Wrong => Err(refused()),
            Verdict::Right => Ok(None),
            Verdict::RightAndOutdated(hash) => Ok(Some(hash)),
        }
    }

    async fn try_login(&self, ctx: &Context, directory: &Directory, login: &Login) -> Result<Tokens> {
        let named = directory.state().user(&login.name).ok().map(|user| user.id.clone());
        // As many reads for a name that is none.
        let id = named.as_deref().unwrap_or("none");
        let user: Option<Kept<User>> = self.kept(directory, id).await?;
        let user = user.filter(|user| (user.row.kind, user.row.status) == (UserKind::Person, UserStatus::Active));
        let kept: Option<Kept<CredentialRow>> = self.kept(directory, id).await?;
        let kept = kept.filter(|_| user.is_some());
        let outdated = self.has_password(ctx, kept.as_ref(), &login.password).await?;
        let (Some(user), Some(kept)) = (user, kept) else { return Err(refused()) };
        let second = self.second(&kept.row, login.second.as_ref())?;
        let mut methods = vec![PASSWORD];
        let mut row = kept.row.clone();
        if let Some((method, used)) = second {
            methods.push(method);
            row = used;
        }
        row.password = outdated.or(row.password);
        // Both are as they were read, or there is no session: a code is used once, a password that has just been changed and a user who has just been
        // suspended let nobody in. What is left as it was is not written.
        let edits = vec![user.replace(&user.row)?, kept.replace(&row)?];
        let begun =
            self.begin(ctx, directory, (&user.row, &methods), (&login.client, login.device.clone()), edits).await;
        begun.map_err(|error| if has_moved(&error) { refused() } else { error })
    }

    /// The user an identity of another provider is of.
    async fn linked(&self, directory: &Directory, identity: &FederatedIdentity) -> Result<(User, Vec<Edit>)> {
        let key = format!("{}\n{}", identity.issuer, identity.subject);
        let id = blake3::hash(key.as_bytes()).to_hex().to_string();
        let known: Option<Kept<IdentityRow>> = self.kept(directory, &id).await?;
        let state = directory.state();
        if let Some(known) = known {
            return Ok((state.users.get(&known.row.user).cloned().ok_or_else(refused)?, Vec::new()));
        }
        let email = identity.email.as_deref().filter(|_| identity.email_verified && identity.is_trusted);
        let user = email
            .and_then(|email| state.user_of_email(&email.to_lowercase()))
            .filter(|user| user.kind == UserKind::Person);
        let user = user.cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::Unauthenticated,
                "auth.unlinked",
                "no user is known by this identity of another provider",
            )
        })?;
        let FederatedIdentity { issuer, subject, .. } = identity.clone();
        let row = IdentityRow { id, user: user.id.clone(), issuer, subject };
        Ok((user, vec![row.put(Some(Expect::Absent))?]))
    }
}

#[async_trait]
impl AuthService for Users {
    async fn login(&self, ctx: &Context, login: Login) -> Result<Tokens> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        directory.fresh().await?;
        let now = self.inner.env.monotonic();
        // A name that is none is counted too: what is counted must not tell who there is.
        let account = (ctx.scope().tenant, login.name.to_lowercase().chars().take(400).collect::<String>());
        let network = login.network.clone().map(|network| (ctx.scope().tenant, network));
        if let Some(network) = &network {
            self.inner.networks.attempt(network, now)?;
        }
        self.inner.accounts.attempt(&account, now).inspect_err(|_| {
            if let Some(network) = &network {
                self.inner.networks.undone(network);
            }
        })?;
        let begun = self.try_login(ctx, &directory, &login).await;
        let is_failure = matches!(&begun, Err(error) if error.code() == "auth.refused");
        match &begun {
            Ok(_) => self.inner.accounts.succeeded(&account),
            // What is refused for want of a second factor, or of room, tells nothing more to whoever guesses.
            Err(error) if !is_failure && error.code() != "auth.second_factor" => self.inner.accounts.undone(&account),
            Err(_) => {}
        }
        if let (Some(network), false) = (&network, is_failure) {
            self.inner.networks.undone(network);
        }
        begun
    }

    async fn login_federated(&self, ctx: &Context, identity: FederatedIdentity, client: &str) -> Result<Tokens> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        directory.fresh().await?;
        let (user, mut edits) = self.linked(&directory, &identity).await?;
        let kept: Kept<User> = self.kept(&directory, &user.id).await?.ok_or_else(refused)?;
        if kept.row.status != UserStatus::Active {
            return Err(refused());
        }
        // Linked just now, a trusted provider has shown whose the address is. Else the user is as it was read, or there is no session.
        let email_verified = kept.row.email_verified || !edits.is_empty();
        edits.push(kept.replace(&User { email_verified, ..kept.row.clone() })?);
        let begun = self.begin(ctx, &directory, (&user, &[FEDERATED]), (client, None), edits).await;
        begun.map_err(|error| if has_moved(&error) { refused() } else { error })
    }

    async fn refresh(&self, ctx: &Context, refresh: &Secret) -> Result<Tokens> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        directory.fresh().await?;
        self.exchanged(ctx, &directory, refresh).await
    }

    async fn accept_invitation(&self, ctx: &Context, secret: &Secret, password: Secret) -> Result<User> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        let (id, _) = secret.expose().split_once('.').ok_or_else(refused)?;
        let kept: Kept<InvitationRow> = self.kept(&directory, id).await?.ok_or_else(refused)?;
        let is_it = self.inner.vault.recognises("invitation", secret.expose(), &kept.row.digest);
        if !is_it || kept.row.expires_at <= self.now() {
            return Err(refused());
        }
        let user: Kept<User> = self.kept(&directory, &kept.row.user).await?.ok_or_else(refused)?;
        if user.row.status != UserStatus::Active {
            return Err(refused());
        }
        let hash = self.hashed(ctx, &user.row, &password).await?;
        let credential = self.with_password(&directory, &user.row, &hash).await?;
        let mut edits = vec![delete::<InvitationRow>(id, Some(Expect::At(kept.revision))), credential];
        let verified = User { email_verified: user.row.email.is_some(), ..user.row.clone() };
        edits.push(user.replace(&verified)?);
        let done = self.commit(ctx, &directory, "auth.accept_invitation", edits).await;
        done.map_err(|error| if has_moved(&error) { refused() } else { error })?;
        Ok(verified)
    }

    async fn authenticate(&self, ctx: &Context, credential: &Secret) -> Result<Identity> {
        self.admit(ctx, None)?;
        if ApiKey::is_meant(credential.expose()) {
            let key = ApiKey::parse(credential.expose())?;
            return self.directory(ctx).await?.identify_key(&self.inner.vault, key).await;
        }
        let deployment = self.deployment(ctx).await?;
        deployment.fresh().await?;
        // They are read anew when something of them may have changed.
        let seq = deployment.seq().0;
        if self.inner.keys_of.load(Ordering::Acquire) != seq {
            self.inner.verifier.set_keys(deployment.verifying_keys());
            self.inner.keys_of.store(seq, Ordering::Release);
        }
        let claims = self.inner.verifier.verify(credential.expose()).await?;
        if claims.tid != ctx.scope().tenant {
            return Err(refused());
        }
        self.directory(ctx).await?.identify(&claims).await
    }

    async fn jwks(&self) -> Result<String> {
        let ctx = crate::user::deployment_context(self.inner.env.uuid());
        self.signing_key(&ctx).await?;
        Ok(self.deployment(&ctx).await?.verifying_keys().to_jwks())
    }

    async fn discovery(&self) -> Result<Discovery> {
        Discovery::of(&self.inner.issuer)
    }
}
