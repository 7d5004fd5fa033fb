//! Edits to one commit.

use super::Kernel;
use crate::commit::AuditRecord;
use crate::kernel::action::ACTION_RETRIES_MAX;
use crate::kernel::edit::{Decision, dangling, decide};
use crate::kernel::{Edit, REASON_LEN_MAX, Write, Written};
use crate::{Commit, CommitId, Context, Error, Key, Result};

impl Kernel {
    pub(super) async fn try_write(
        &self,
        ctx: &Context,
        request: &Write,
        (id, audit): (CommitId, &AuditRecord),
    ) -> Result<Written> {
        let attempt = self.decide_and_commit(ctx, request, (id, audit)).await;
        match attempt {
            // What was written once may be refused by a later schema: the answer is still the first one.
            Err(error) if request.id.is_some() && error.code() != "kernel.schema.moved" => {
                self.committer.before(ctx, id).await?.map_or(Err(error), |receipt| Ok(Written { receipt }))
            }
            other => other,
        }
    }

    async fn decide_and_commit(
        &self,
        ctx: &Context,
        request: &Write,
        (id, audit): (CommitId, &AuditRecord),
    ) -> Result<Written> {
        check_reason(request.reason.as_deref())?;
        let schema = self.schemas.current(ctx.scope().space).await?;
        for _ in 0..=ACTION_RETRIES_MAX {
            let Decision { changes, mut preconditions, expected_by } = decide(&schema, &request.edits)?;
            let permitted = self.permit(ctx, &schema, &changes).await;
            preconditions.extend(permitted.map_err(|error| blame(error, &request.edits, &expected_by))?);
            let draft = self.draft(ctx, (id, schema.version), audit.clone(), request.reason.as_deref());
            let commit = Commit { preconditions, changes, ..draft };
            let commit = self.hooks.admit(ctx, commit, self.hook_timeout).await?;
            match self.committer.commit(commit).await {
                Ok(receipt) => return Ok(Written { receipt }),
                Err(error) if is_judged_anew(&error, &expected_by) => {
                    tracing::debug!("judged anew: an object was changed meanwhile");
                }
                Err(error) => return Err(blame(error, &request.edits, &expected_by)),
            }
        }
        Err(Error::conflict("kernel.write.contended", "the objects of the write are changed all the time")
            .with("retries_max", ACTION_RETRIES_MAX)
            .retryable_is(true))
    }

    /// A commit without content.
    pub(super) fn draft(
        &self,
        ctx: &Context,
        (id, version): (CommitId, u32),
        audit: AuditRecord,
        reason: Option<&str>,
    ) -> Commit {
        Commit {
            id,
            scope: ctx.scope(),
            schema_version: Some(version),
            actor: ctx.actor().clone(),
            at: self.env.now(),
            reason: reason.map(Into::into),
            preconditions: Vec::new(),
            changes: Vec::new(),
            audit,
            events: Vec::new(),
        }
    }
}

/// Whether what failed is that the state the actor's rights were judged by is no more.
pub(super) fn is_judged_anew(error: &Error, expected_by: &[usize]) -> bool {
    let position = error.path().and_then(split_path);
    matches!(position, Some(("preconditions", position, _)) if position >= expected_by.len())
}

pub(super) fn check_reason(reason: Option<&str>) -> Result<()> {
    match reason {
        Some(reason) if reason.len() > REASON_LEN_MAX => {
            Err(Error::invalid("kernel.reason.too_long", "the reason is too long")
                .with("length", reason.len())
                .with("length_max", REASON_LEN_MAX)
                .at("reason"))
        }
        _ => Ok(()),
    }
}

/// Leads the path of a refusal, which names a change or precondition of the commit, back to the edit it came from.
pub(super) fn blame(error: Error, edits: &[Edit], expected_by: &[usize]) -> Error {
    let Some((list, position, rest)) = error.path().and_then(split_path) else { return error };
    let index = match list {
        "changes" => Some(position),
        "preconditions" => expected_by.get(position).copied(),
        _ => None,
    };
    let Some((index, edit)) = index.and_then(|index| Some((index, edits.get(index)?))) else { return error };
    let expectation = list == "preconditions";
    let path = match (edit, rest) {
        (Edit::Create { .. } | Edit::Modify { .. } | Edit::Upsert { .. }, Some(property)) => {
            format!("edits[{index}].{}.properties.{property}", edit.name())
        }
        _ if expectation => format!("edits[{index}].{}.expect", edit.name()),
        _ => format!("edits[{index}].{}", edit.name()),
    };
    match (edit, error.code()) {
        // That the property holds the key is what it means for the link to be there.
        (Edit::Unlink { link_type, source, target, .. }, "commit.precondition.holds") => {
            Error::not_found("kernel.link.absent", "there is no such link")
                .with("link_type", link_type)
                .with("source", source)
                .with("target", target)
                .at(format!("edits[{index}].{}", edit.name()))
        }
        (Edit::Link { .. }, "commit.precondition.holds") => {
            Error::new(crate::ErrorKind::Precondition, "commit.precondition.absent", "the object is linked already")
                .at(path)
        }
        // Whichever way the link is kept, an end that does not exist is told alike.
        (
            Edit::Link { source, target, .. },
            code @ ("kernel.object.absent" | "kernel.link.dangling" | "kernel.link.cardinality"),
        ) => {
            let end = end_named(&error, (source, target), rest).map_or(String::new(), |end| format!(".{end}"));
            let error = if code == "kernel.object.absent" { dangling(&error) } else { error.without_path() };
            error.at(format!("{path}{end}"))
        }
        _ => error.without_path().at(path),
    }
}

/// The end of a link a refusal names by its key.
fn end_named<'e>(error: &Error, (source, target): (&Key, &Key), rest: Option<&'e str>) -> Option<&'e str> {
    let key = error.param("key")?;
    match (key == source.to_string(), key == target.to_string()) {
        (true, false) => Some("source"),
        (false, true) => Some("target"),
        _ => rest.filter(|rest| matches!(*rest, "source" | "target")),
    }
}

/// `changes[3].iata` as its list, position and rest.
pub(super) fn split_path(path: &str) -> Option<(&str, usize, Option<&str>)> {
    let (list, rest) = path.split_once('[')?;
    let (position, rest) = rest.split_once(']')?;
    Some((list, position.parse().ok()?, rest.strip_prefix('.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::kernel::NewProperties;

    #[test]
    fn refusals_of_the_store_name_the_edit_they_are_about() {
        let link = |unlink: bool| {
            let (link_type, source, target) = ("Route".to_owned(), "SFO".into(), "JFK".into());
            if unlink {
                Edit::Unlink { link_type, source, target, expect: None }
            } else {
                Edit::Link { link_type, source, target, properties: NewProperties::default(), expect: None }
            }
        };
        let create = Edit::Create { object_type: "Airport".into(), properties: NewProperties::default() };
        let edits = [create, link(false), link(true)];
        for (path, code, expected_code, expected_path) in [
            ("changes[0].state", "a.b", "a.b", "edits[0].create.properties.state"),
            ("changes[0]", "a.b", "a.b", "edits[0].create"),
            ("changes[1].state", "a.b", "a.b", "edits[1].link"),
            ("preconditions[0]", "a.b", "a.b", "edits[2].unlink.expect"),
            ("preconditions[0]", "commit.precondition.holds", "kernel.link.absent", "edits[2].unlink"),
            ("preconditions[1]", "commit.precondition.holds", "commit.precondition.absent", "edits[1].link.expect"),
            ("changes[9]", "a.b", "a.b", "changes[9]"),
            ("elsewhere", "a.b", "a.b", "elsewhere"),
        ] {
            let error = blame(Error::new(ErrorKind::Conflict, code, "refused").at(path), &edits, &[2, 1]);
            assert_eq!((error.code(), error.path()), (expected_code, Some(expected_path)), "{path}");
        }
        assert_eq!(blame(Error::conflict("a.b", "refused"), &edits, &[]).path(), None);
    }
}
