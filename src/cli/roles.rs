//! `arrakis roles`.

use arrakis::user::{
    Assignment, GroupMember, GroupService as _, NewAssignment, RoleService as _, UserService as _, Users,
};
use arrakis::{ApiName, Context, Timestamp};
use clap::Subcommand;
use serde_json::{Value as Json, json};

use super::Global;
use super::argument;
use super::directory::Directory;
use super::failure::{Result, Verdict};
use super::format::{List, print};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the roles of the policy
    List {
        #[command(flatten)]
        directory: Directory,
    },
    /// List what is assigned, of everyone or of one
    Assigned {
        /// A user, or a group as in group:staff
        #[arg(value_parser = argument::member)]
        holder: Option<GroupMember>,
        #[command(flatten)]
        directory: Directory,
    },
    /// Let a user or group hold a role
    Assign {
        /// The role
        role: ApiName,
        /// Who: a user, or a group as in group:staff
        #[arg(value_parser = argument::member)]
        holder: GroupMember,
        /// Over what: a type, or an object as in Airport:SFO [default: everything]
        #[arg(long, value_name = "TYPE[:KEY]", value_parser = argument::extent)]
        over: Option<argument::Extent>,
        /// Until when, as in 2026-12-31T00:00:00Z
        #[arg(long, value_name = "TIMESTAMP")]
        until: Option<Timestamp>,
        #[command(flatten)]
        directory: Directory,
    },
    /// Take a role away
    Unassign {
        /// The assignment, by id
        assignment: String,
        #[command(flatten)]
        directory: Directory,
    },
}

fn row(assignment: &Assignment, holder: &str) -> Vec<(&'static str, Json)> {
    vec![
        ("role", json!(assignment.role)),
        ("holder", json!(holder)),
        ("type", json!(assignment.object_type)),
        ("key", json!(assignment.key)),
        ("expires_at", json!(assignment.expires_at)),
        ("id", json!(assignment.id)),
    ]
}

/// What people call a holder.
async fn named(users: &Users, ctx: &Context, holder: &GroupMember) -> Result<String> {
    Ok(match holder {
        GroupMember::User(id) => format!("user:{}", users.user(ctx, id).await?.name),
        GroupMember::Group(id) => {
            let groups = users.groups(ctx).await?;
            format!("group:{}", groups.iter().find(|group| group.id == *id).map_or(&**id, |group| &*group.name))
        }
    })
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        match self {
            Self::List { directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let mut list = List::begin(global.format, "roles")?;
                list.columns(["name", "description"])?;
                for role in &users.policy(&ctx).await?.policy.roles {
                    list.push(role, || vec![json!(role.name), json!(role.description)])?;
                }
                list.end(&[])?;
            }
            Self::Assigned { holder, directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let mut list = List::begin(global.format, "assignments")?;
                list.columns(["role", "holder", "type", "key", "expires_at", "id"])?;
                for assignment in users.assignments(&ctx, holder).await? {
                    let holder = named(&users, &ctx, &assignment.holder).await?;
                    list.push(&assignment, || row(&assignment, &holder).into_iter().map(|(_, cell)| cell).collect())?;
                }
                list.end(&[])?;
            }
            Self::Assign { role, holder, over, until, directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let (object_type, key) = over.map_or((None, None), |over| (Some(over.object_type), over.key));
                let new = NewAssignment { holder, role, object_type, key, expires_at: until };
                let assignment = users.assign(&ctx, new).await?;
                let holder = named(&users, &ctx, &assignment.holder).await?;
                print(global.format, &assignment, row(&assignment, &holder))?;
            }
            Self::Unassign { assignment, directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                users.unassign(&ctx, &assignment).await?;
            }
        }
        Ok(Verdict::Done)
    }
}
