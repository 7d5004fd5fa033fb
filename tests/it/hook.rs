//! Host logic: handlers of actions and validators of commits, over both stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arrakis::{
    Act, ActionLimits, Arrakis, ArrakisBuilder, Change, Commit, CommitValidator, Context, Edit, Error, HandlerFn,
    KernelExt, Result, Undo,
};
use async_trait::async_trait;
use serde_json::{Value as Json, json};

const ONTOLOGY: &str = "
object_types:
  - name: Item
    primary_key: id
    properties:
      - { name: id, type: integer }
      - { name: state, type: string, default: open }
action_types:
  - name: approve
    parameters: [{ name: item, object: Item, required: true }]
    rules: [{ modify_object: { object: item, properties: { state: { literal: approved } } } }]
";

async fn open(builder: ArrakisBuilder) -> (Arrakis, Context) {
    let arrakis = builder.in_memory().await.unwrap();
    let ctx = arrakis.context();
    arrakis.publish(&ctx, ONTOLOGY).await.unwrap();
    arrakis.kernel().create(&ctx, "Item", json!({ "id": 1 })).await.unwrap();
    (arrakis, ctx)
}

fn approve() -> Act {
    let Json::Object(parameters) = json!({ "item": 1 }) else { unreachable!() };
    Act::of("approve", parameters)
}

async fn state(arrakis: &Arrakis, ctx: &Context) -> Json {
    arrakis.kernel().object(ctx, "Item", 1).await.unwrap().properties.get("state").unwrap().to_json()
}

fn create(id: i64) -> Edit {
    Edit::Create { object_type: "Item".to_owned(), properties: json!({ "id": id }).try_into().unwrap() }
}

/// A handler sees the objects, parameters and edits of the call, and its own edits are of the same commit.
#[tokio::test]
async fn a_handler_adds_edits_to_the_same_commit() {
    let (arrakis, ctx) = open(Arrakis::builder()).await;
    arrakis
        .on_action(
            "approve",
            HandlerFn(|_: Context, call: arrakis::ActionCall| async move {
                assert_eq!((call.objects["item"].len(), call.edits.len()), (1, 1));
                assert_eq!(call.parameters.get("item").unwrap().to_json(), 1);
                Ok(vec![create(2)])
            }),
        )
        .unwrap();
    let validation = arrakis.actions().validate(&ctx, approve()).await.unwrap();
    assert_eq!((validation.valid, validation.edits.len(), validation.effects.len()), (true, 2, 2));
    let acted = arrakis.actions().execute(&ctx, approve()).await.unwrap();
    let made = arrakis.kernel().object(&ctx, "Item", 2).await.unwrap();
    assert_eq!((made.revision, state(&arrakis, &ctx).await), (acted.receipt.seq, json!("approved")));
    arrakis.actions().undo(&ctx, Undo::of(acted.receipt.commit)).await.unwrap();
    assert_eq!(state(&arrakis, &ctx).await, "open");
    assert_eq!(arrakis.kernel().object(&ctx, "Item", 2).await.unwrap_err().code(), "kernel.object.absent");
}

/// A handler refuses with the host's own reason, panics, hangs or asks for a million edits: nothing happens, and the kernel goes on.
#[tokio::test]
async fn a_handler_that_fails_is_contained() {
    async fn misbehave(kind: u32) -> Result<Vec<Edit>> {
        match kind {
            0 => Err(Error::conflict("shop.closed", "the shop is closed").with("until", "monday")),
            1 => panic!("a bug of the host"),
            2 => std::future::pending().await,
            _ => Ok((10..1_000_010).map(create).collect()),
        }
    }
    let (arrakis, ctx) = open(Arrakis::builder().hook_timeout(Duration::from_millis(50))).await;
    for (kind, code, param) in [
        (0, "shop.closed", ("until", "monday")),
        (1, "kernel.hook.panicked", ("action", "approve")),
        (2, "kernel.hook.timeout", ("timeout_ms", "50")),
        (3, "kernel.action.too_large", ("edits_max", "10000")),
    ] {
        let slow = kind == 3;
        let arrakis = if slow { open(Arrakis::builder()).await.0 } else { arrakis.clone() };
        let ctx = if slow { arrakis.context() } else { ctx.clone() };
        arrakis.on_action("approve", HandlerFn(move |_, _| misbehave(kind))).unwrap();
        let error = arrakis.actions().execute(&ctx, approve()).await.unwrap_err();
        assert_eq!((error.code(), error.param(param.0)), (code, Some(param.1)));
        assert_eq!(state(&arrakis, &ctx).await, "open");
    }
    arrakis.on_action("approve", HandlerFn(|_, _| async { Ok(Vec::new()) })).unwrap();
    arrakis.actions().execute(&ctx, approve()).await.unwrap();
    assert_eq!(state(&arrakis, &ctx).await, "approved");
}

/// Limits of an action are the deployment's.
#[tokio::test]
async fn an_action_has_the_limits_it_was_given() {
    let (arrakis, ctx) = open(Arrakis::builder().action_limits(ActionLimits { edits: 2, types: 1 })).await;
    arrakis.on_action("approve", HandlerFn(|_, _| async { Ok(vec![create(2), create(3)]) })).unwrap();
    let error = arrakis.actions().execute(&ctx, approve()).await.unwrap_err();
    assert_eq!((error.code(), error.param("edits_max")), ("kernel.action.too_large", Some("2")));
}

struct Counted {
    seen: Arc<AtomicU32>,
    vetoed: &'static str,
}

#[async_trait]
impl CommitValidator for Counted {
    async fn validate(&self, _: &Context, commit: &Commit) -> Result<()> {
        self.seen.fetch_add(1, Ordering::Relaxed);
        assert!(commit.changes.iter().all(|change| matches!(change, Change::Object(_) | Change::Link(_))));
        if &*commit.audit.method == self.vetoed {
            return Err(Error::conflict("shop.vetoed", "not today"));
        }
        Ok(())
    }
}

/// A validator sees every commit of objects, whichever way it comes, and its veto leaves nothing.
#[tokio::test]
async fn a_validator_vetoes_a_commit() {
    for (vetoed, saw) in [("kernel.write", 1), ("kernel.execute", 2), ("kernel.undo", 3), ("none", 3)] {
        let (arrakis, ctx) = open(Arrakis::builder()).await;
        let seen = Arc::new(AtomicU32::new(0));
        arrakis.before_commit(Counted { seen: Arc::clone(&seen), vetoed }).unwrap();
        let done = async {
            arrakis.kernel().create(&ctx, "Item", json!({ "id": 5 })).await?;
            let acted = arrakis.actions().execute(&ctx, approve()).await?;
            arrakis.actions().undo(&ctx, Undo::of(acted.receipt.commit)).await
        };
        let refused = done.await.err().map(|error| error.code().to_owned());
        assert_eq!(refused.as_deref(), (vetoed != "none").then_some("shop.vetoed"), "{vetoed}");
        assert_eq!(seen.load(Ordering::Relaxed), saw, "{vetoed}");
    }
}
