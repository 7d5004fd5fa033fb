//! `arrakis policy`.

use std::path::PathBuf;

use arrakis::Seq;
use arrakis::access::{Check, Explanation, Origin, Policy, Verb};
use arrakis::user::{RoleService as _, Simulation, WhoCan};
use clap::{Args, Subcommand};
use serde_json::json;

use super::Global;
use super::directory::Directory;
use super::failure::{Failure, Result, Verdict};
use super::format::{Format, List, print, print_text};
use super::{argument, input};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the policy in force
    Show {
        #[command(flatten)]
        directory: Directory,
    },
    /// Put the policy of a file in force, YAML or JSON
    Apply {
        /// The file, or - for standard input
        file: PathBuf,
        /// Only in place of the policy of this revision
        #[arg(long, value_name = "REVISION")]
        expect: Option<u64>,
        #[command(flatten)]
        directory: Directory,
    },
    /// Tell what the policy of a file would change, for whom, and change nothing
    Simulate {
        /// The file, or - for standard input
        file: PathBuf,
        #[command(flatten)]
        directory: Directory,
    },
    /// Tell why a user may, or may not, do something to an object
    Explain {
        /// Who
        #[arg(long = "as", value_name = "USER")]
        user: String,
        #[command(flatten)]
        what: What,
    },
    /// List the users who may do something to an object
    WhoCan {
        #[command(flatten)]
        what: What,
    },
}

#[derive(Debug, Args)]
pub(crate) struct What {
    /// read, modify or delete
    #[arg(value_parser = argument::verb)]
    verb: Verb,
    /// The object, as in Airport:SFO
    #[arg(value_name = "TYPE:KEY", value_parser = argument::extent)]
    object: argument::Extent,
    #[command(flatten)]
    directory: Directory,
}

impl What {
    fn check(&self) -> Result<Check> {
        let key = self
            .object
            .key
            .clone()
            .ok_or_else(|| Failure::Usage("an object is named TYPE:KEY, as in Airport:SFO".into()))?;
        Ok(Check::of(self.verb, self.object.object_type.as_str(), key))
    }
}

impl What {
    async fn who_can(self, global: &Global) -> Result<()> {
        let check = self.check()?;
        let (_arrakis, users, ctx) = self.directory.open(global).await?;
        let mut list = List::begin(global.format, "users")?;
        list.columns(["name"])?;
        let mut request = WhoCan { check, after: String::new(), limit: None };
        loop {
            let page = users.who_can(&ctx, request.clone()).await?;
            for name in &page.users {
                list.push(name, || vec![json!(name)])?;
            }
            let Some(next) = page.next else { return list.end(&[]) };
            request.after = next;
        }
    }
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let format = global.format;
        match self {
            Self::Show { directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let now = users.policy(&ctx).await?;
                if format == Format::Table {
                    print_text(&now.policy.to_yaml()?)?;
                } else {
                    let record = json!({ "policy": *now.policy, "revision": now.revision });
                    print(format, &record, vec![("revision", json!(now.revision)), ("policy", json!(*now.policy))])?;
                }
            }
            Self::Apply { file, expect, directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let policy = Policy::from_yaml(&input::text(&file)?)?;
                let mut row = vec![("roles", json!(policy.roles.len())), ("rules", json!(policy.rules.len()))];
                let now = users.apply_policy(&ctx, policy, expect.map(Seq)).await?;
                row.insert(0, ("revision", json!(now.revision)));
                let record: serde_json::Map<_, _> =
                    row.iter().map(|(name, cell)| ((*name).into(), cell.clone())).collect();
                print(format, &record, row)?;
            }
            Self::Simulate { file, directory } => {
                let (_arrakis, users, ctx) = directory.open(global).await?;
                let policy = Some(Policy::from_yaml(&input::text(&file)?)?);
                let simulated = users.simulate(&ctx, Simulation { policy, ..Simulation::default() }).await?;
                let mut list = List::begin(format, "differences")?;
                list.columns(["user", "type", "verb", "before", "after"])?;
                for of in &simulated.differences {
                    let cells = || {
                        vec![
                            json!(of.user),
                            json!(of.object_type),
                            json!(of.verb),
                            json!(of.before.objects),
                            json!(of.after.objects),
                        ]
                    };
                    list.push(of, cells)?;
                }
                list.end(&[("count", json!(simulated.count))])?;
            }
            Self::Explain { user, what } => {
                let check = what.check()?;
                let (_arrakis, users, ctx) = what.directory.open(global).await?;
                let explanation = users.explain_as(&ctx, &user, check).await?;
                match format {
                    Format::Table => print_text(&told(&explanation))?,
                    _ => print(format, &explanation, vec![("allowed", json!(explanation.allowed))])?,
                }
                return Ok(if explanation.allowed { Verdict::Done } else { Verdict::Refused });
            }
            Self::WhoCan { what } => {
                what.who_can(global).await?;
            }
        }
        Ok(Verdict::Done)
    }
}

/// An explanation a line a reason.
fn told(explanation: &Explanation) -> String {
    let mut lines = vec![(if explanation.allowed { "allowed" } else { "denied" }).to_owned()];
    for reason in &explanation.reasons {
        let applies = match reason.applies {
            Some(true) => "applies",
            Some(false) => "does not apply",
            None => "knows too little of the actor to apply",
        };
        let what = match &reason.origin {
            Origin::Role { role, via: Some(group) } => format!("role {role} through group {group}"),
            Origin::Role { role, via: None } => format!("role {role}"),
            Origin::Permit { rule } => format!("permitting rule {rule}"),
            Origin::Forbid { rule } => format!("forbidding rule {rule}"),
            Origin::Marking { marking } => format!("marking {marking}, for which there is no clearance,"),
        };
        lines.push(format!("  {what} {applies}"));
    }
    if explanation.reasons.is_empty() {
        lines.push("  nothing gives it".into());
    }
    if explanation.allowed {
        let names: Vec<_> = explanation.properties.iter().map(ToString::to_string).collect();
        lines.push(format!("  with {}", names.join(", ")));
    }
    lines.join("\n")
}
