//! `arrakis users`.

use std::collections::BTreeMap;

use arrakis::user::{
    AccountService as _, ListUsers, NewUser, SetPassword, User, UserKind, UserPatch, UserService as _, UserStatus,
};
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::Global;
use super::argument;
use super::directory::{Directory, secret_of_stdin};
use super::failure::{Result, Verdict};
use super::format::{List, print};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the first administrator, and print its password, which is told once
    Bootstrap {
        #[command(flatten)]
        directory: Directory,
    },
    /// List every user
    List {
        #[command(flatten)]
        directory: Directory,
    },
    /// Create a user
    Create(New),
    /// Create a user, and print the secret with which someone becomes that user
    Invite(New),
    /// Print everything that is known of a user
    Export(One),
    /// Set a password, read from standard input, and end the user's sessions
    Password(One),
    /// Let a user act no more, at once, until it is reinstated
    Suspend(One),
    /// Let a suspended user act again
    Reinstate(One),
    /// Delete a user and everything that is kept of it
    Delete(One),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The user, by name, address or id
    user: String,
    #[command(flatten)]
    directory: Directory,
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// What it logs in with
    name: String,
    /// What people call it
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// Its address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// It is a program
    #[arg(long)]
    service: bool,
    /// What policies may know of it, as in team=red; several are given one by one
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = argument::parameter)]
    attributes: Vec<(String, Json)>,
    #[command(flatten)]
    directory: Directory,
}

impl New {
    fn user(self) -> (NewUser, Directory) {
        let Self { name, display_name, email, service, attributes, directory } = self;
        let kind = if service { UserKind::Service } else { UserKind::Person };
        let attributes = attributes.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect();
        (NewUser { name, kind, display_name, email, attributes }, directory)
    }
}

fn row(user: &User) -> Vec<(&'static str, Json)> {
    vec![
        ("name", json!(user.name)),
        ("kind", json!(user.kind)),
        ("status", json!(user.status)),
        ("email", json!(user.email)),
        ("created_at", json!(user.created_at)),
        ("id", json!(user.id)),
    ]
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let format = global.format;
        match self {
            Self::Bootstrap { directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let Some(made) = users.bootstrap(&ctx).await? else {
                    eprintln!("there is a user already");
                    return Ok(Verdict::Refused);
                };
                let record = json!({ "name": made.name, "password": made.password });
                print(format, &record, vec![("name", json!(made.name)), ("password", json!(made.password))])?;
            }
            Self::List { directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let mut list = List::begin(format, "users")?;
                list.columns(["name", "kind", "status", "email", "created_at", "id"])?;
                let mut request = ListUsers::default();
                loop {
                    let page = users.users(&ctx, request.clone()).await?;
                    for user in &page.users {
                        list.push(user, || row(user).into_iter().map(|(_, cell)| cell).collect())?;
                    }
                    let Some(next) = page.next else { break };
                    request.after = next;
                }
                list.end(&[])?;
            }
            Self::Create(new) => {
                let (new, directory) = new.user();
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let user = users.create_user(&ctx, new).await?;
                print(format, &user, row(&user))?;
            }
            Self::Invite(new) => {
                let (new, directory) = new.user();
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let made = users.invite(&ctx, new).await?;
                let cells = vec![
                    ("name", json!(made.user.name)),
                    ("secret", json!(made.secret)),
                    ("expires_at", json!(made.expires_at)),
                ];
                print(format, &made, cells)?;
            }
            Self::Export(one) => {
                let (_arrakis, users, ctx) = one.directory.open(global).await?;
                let export = users.export_user(&ctx, &one.user).await?;
                let text = serde_json::to_string_pretty(&export).map_err(std::io::Error::from)?;
                super::format::print_text(&text)?;
            }
            Self::Password(one) => {
                let (_arrakis, users, ctx) = one.directory.open(global).await?;
                let request = SetPassword { user: Some(one.user), current: None, password: secret_of_stdin()? };
                users.set_password(&ctx, request).await?;
            }
            Self::Suspend(one) => one.update(global, UserStatus::Suspended).await?,
            Self::Reinstate(one) => one.update(global, UserStatus::Active).await?,
            Self::Delete(one) => {
                let (_arrakis, users, ctx) = one.directory.open(global).await?;
                users.delete_user(&ctx, &one.user).await?;
            }
        }
        Ok(Verdict::Done)
    }
}

impl One {
    async fn update(self, global: &Global, status: UserStatus) -> Result<()> {
        let (_arrakis, users, ctx) = self.directory.open(global).await?;
        let patch = UserPatch { user: self.user, status: Some(status), ..UserPatch::default() };
        let user = users.update_user(&ctx, patch).await?;
        print(global.format, &user, row(&user))
    }
}
