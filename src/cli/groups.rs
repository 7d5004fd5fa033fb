//! `arrakis groups`.

use arrakis::user::{GroupMember, GroupService as _, NewGroup};
use clap::{Args, Subcommand};
use serde_json::json;

use super::Global;
use super::argument;
use super::directory::Directory;
use super::failure::{Result, Verdict};
use super::format::{List, print};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List every group
    List {
        #[command(flatten)]
        directory: Directory,
    },
    /// Create a group
    Create {
        /// Its name
        name: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        #[command(flatten)]
        directory: Directory,
    },
    /// Delete a group, and what is held through it
    Delete(One),
    /// List who is in a group itself
    Members(One),
    /// Put a user or group in a group
    Add(Membership),
    /// Take a user or group out of a group
    Remove(Membership),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The group, by name or id
    group: String,
    #[command(flatten)]
    directory: Directory,
}

#[derive(Debug, Args)]
pub(crate) struct Membership {
    /// The group, by name or id
    group: String,
    /// Who: a user, or a group as in group:staff
    #[arg(value_parser = argument::member)]
    member: GroupMember,
    #[command(flatten)]
    directory: Directory,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        match self {
            Self::List { directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let mut list = List::begin(global.format, "groups")?;
                list.columns(["name", "description", "id"])?;
                for group in users.groups(&ctx).await? {
                    list.push(&group, || vec![json!(group.name), json!(group.description), json!(group.id)])?;
                }
                list.end(&[])?;
            }
            Self::Create { name, description, directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let group = users.create_group(&ctx, NewGroup { name, description }).await?;
                print(global.format, &group, vec![("name", json!(group.name)), ("id", json!(group.id))])?;
            }
            Self::Delete(one) => {
                let (_arrakis, users, ctx) = one.directory.open(global).await?;
                users.delete_group(&ctx, &one.group).await?;
            }
            Self::Members(one) => {
                let (_arrakis, users, ctx) = one.directory.open(global).await?;
                let mut list = List::begin(global.format, "members")?;
                list.columns(["kind", "name"])?;
                for member in users.members(&ctx, &one.group).await? {
                    let kind = if matches!(member, GroupMember::User(_)) { "user" } else { "group" };
                    list.push(&member, || vec![json!(kind), json!(member.id())])?;
                }
                list.end(&[])?;
            }
            Self::Add(Membership { group, member, directory }) => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                users.add_member(&ctx, &group, member).await?;
            }
            Self::Remove(Membership { group, member, directory }) => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                users.remove_member(&ctx, &group, member).await?;
            }
        }
        Ok(Verdict::Done)
    }
}
