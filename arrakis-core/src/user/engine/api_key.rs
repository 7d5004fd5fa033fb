//! API keys.

use async_trait::async_trait;

use super::once::Method;
use super::{Users, later};
use crate::credential::api_key::{KeyOwner, NewKey};
use crate::kernel::{Edit, Kernel, KernelExt as _};
use crate::user::row::{ApiKeyRow, RevocationRow, Row, delete};
use crate::user::{ApiKeyInfo, ApiKeyService, Directory, Issued, NewApiKey, ShownApiKey, UserKind, absent};
use crate::{Context, Error, Permission, Result};

/// The most days an API key is in force.
const DAYS_MAX: u32 = 365;
/// The most keys of a user.
const KEYS_MAX: usize = 100;
/// The longest what a key is for, bytes.
const NAME_LEN_MAX: usize = 200;

/// Writes down when keys were used, where that is another hour than is kept.
pub(super) async fn write_used(directory: &Directory, kernel: &Kernel) -> Result<()> {
    for (id, hour) in directory.take_used() {
        let used = serde_json::json!({ "used_at": hour.to_string() });
        match kernel.modify(directory.context(), ApiKeyRow::TYPE, id.as_str(), used).await {
            // A key that was revoked meanwhile was used for the last time.
            Err(error) if error.code() == "kernel.object.absent" => {}
            other => drop(other?),
        }
    }
    Ok(())
}

impl Users {
    async fn try_create_key(&self, method: Method<'_>, request: NewApiKey) -> Result<ShownApiKey> {
        let Method { ctx, directory, .. } = method;
        let user = self.whose(ctx, directory, request.user.as_deref(), true)?;
        if !(1..=DAYS_MAX).contains(&request.days) {
            return Err(Error::invalid("user.api_key.days", "an API key is in force for 1 to 365 days").at("days"));
        }
        if request.name.is_empty() || request.name.len() > NAME_LEN_MAX || request.name.chars().any(char::is_control) {
            return Err(Error::invalid("user.api_key.name", "what a key is for is said in 1 to 200 bytes").at("name"));
        }
        if directory.state().api_keys(&user.id).count() >= KEYS_MAX {
            return Err(Error::conflict("user.api_key.too_many", "the user has as many keys as a user may")
                .with("keys_max", KEYS_MAX));
        }
        let owner = match user.kind {
            UserKind::Person => KeyOwner::User,
            UserKind::Service => KeyOwner::Service,
        };
        let key = NewKey::new(&self.inner.vault, &self.inner.environment, owner)?;
        let given = key.given()?;
        let (now, days) = (self.now(), std::time::Duration::from_secs(u64::from(request.days) * 86_400));
        let row = ApiKeyRow {
            id: given.id().into(),
            user: user.id,
            name: request.name,
            digest: given.digest(&self.inner.vault)?,
            roles: request.roles,
            created_at: now,
            expires_at: later(now, days),
            used_at: None,
        };
        let edits = vec![row.create()?];
        let shown = ShownApiKey { key: key.text().clone(), info: row.info() };
        method.commit(edits, &shown).await?;
        Ok(shown)
    }
}

#[async_trait]
impl ApiKeyService for Users {
    async fn create_api_key(&self, ctx: &Context, request: NewApiKey) -> Result<ShownApiKey> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        let method = self.method(ctx, &directory, "user.create_api_key");
        method.once(self.try_create_key(method, request)).await
    }

    async fn api_keys(&self, ctx: &Context, user: Option<&str>) -> Result<Vec<ApiKeyInfo>> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        let user = self.whose(ctx, &directory, user, false)?;
        let mut keys: Vec<_> = directory.state().api_keys(&user.id).map(ApiKeyRow::info).collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.created_at));
        Ok(keys)
    }

    async fn revoke_api_key(&self, ctx: &Context, user: Option<&str>, key: &str) -> Result<()> {
        self.admit(ctx, None)?;
        let directory = self.directory(ctx).await?;
        let method = self.method(ctx, &directory, "user.revoke_api_key");
        let revoked = async {
            let user = self.whose(ctx, &directory, user, false)?;
            if !directory.state().api_keys(&user.id).any(|row| row.id == key) {
                return Err(absent("api_key", key));
            }
            let edits: Vec<Edit> = vec![delete::<ApiKeyRow>(key, None)];
            method.commit(edits, &()).await.map(drop)
        };
        method.once(revoked).await
    }

    async fn revoke_issued(&self, ctx: &Context, to: Issued) -> Result<()> {
        let directory = self.admitted(ctx, Permission::UserManage).await?;
        let method = self.method(ctx, &directory, "user.revoke_issued");
        let revoked = async {
            let id = match to {
                Issued::Everyone => "tenant".into(),
                Issued::User(user) => format!("user:{}", directory.state().user(&user)?.id),
                Issued::Client(client) => format!("client:{client}"),
            };
            let edits = vec![RevocationRow::new(id, &self.inner.env).put(None)?];
            method.commit(edits, &()).await.map(drop)
        };
        method.once(revoked).await
    }
}
