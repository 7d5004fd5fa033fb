//! `arrakis keys`.

use arrakis::ApiName;
use arrakis::user::{ApiKeyService as _, NewApiKey};
use clap::Subcommand;
use serde_json::json;

use super::Global;
use super::directory::Directory;
use super::failure::{Result, Verdict};
use super::format::{List, print};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an API key, and print it, which is told once
    Create {
        /// Whose: a user, by name, address or id
        user: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// A role of the user's it acts with; several are given one by one [default: all of them]
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<ApiName>,
        /// For how many days, up to 365
        #[arg(long, value_name = "DAYS", default_value_t = 90)]
        days: u32,
        #[command(flatten)]
        directory: Directory,
    },
    /// List the API keys of a user
    List {
        /// Whose
        user: String,
        #[command(flatten)]
        directory: Directory,
    },
    /// End an API key, at once
    Revoke {
        /// Whose
        user: String,
        /// The key, by the id that it shows and the list tells
        key: String,
        #[command(flatten)]
        directory: Directory,
    },
    /// Let the next key sign tokens, before its time
    Turn {
        #[command(flatten)]
        directory: Directory,
    },
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        match self {
            Self::Create { user, name, roles, days, directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let roles = Some(roles).filter(|roles| !roles.is_empty());
                let made = users.create_api_key(&ctx, NewApiKey { user: Some(user), name, roles, days }).await?;
                let cells = vec![
                    ("id", json!(made.info.id)),
                    ("expires_at", json!(made.info.expires_at)),
                    ("key", json!(made.key)),
                ];
                // The whole of it, however wide.
                match global.format {
                    super::format::Format::Table => super::format::print_text(made.key.expose())?,
                    format => print(format, &made, cells)?,
                }
            }
            Self::List { user, directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let mut list = List::begin(global.format, "keys")?;
                list.columns(["id", "name", "roles", "expires_at", "used_at"])?;
                for key in users.api_keys(&ctx, Some(&user)).await? {
                    let cells = || {
                        vec![
                            json!(key.id),
                            json!(key.name),
                            json!(key.roles),
                            json!(key.expires_at),
                            json!(key.used_at),
                        ]
                    };
                    list.push(&key, cells)?;
                }
                list.end(&[])?;
            }
            Self::Revoke { user, key, directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                users.revoke_api_key(&ctx, Some(&user), &key).await?;
            }
            Self::Turn { directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                users.rotate_keys(&ctx).await?;
            }
        }
        Ok(Verdict::Done)
    }
}
