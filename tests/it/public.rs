//! What is public may be shared between threads.

use arrakis::{
    Aggregate, Arrakis, ArrakisBuilder, Changes, Context, Env, Error, FeedService, Filter, Groups, KernelService, Load,
    LoadReport, NewOntology, Object, ObjectSet, OntologyService, Page, Plan, PropertyOf, Query, Schema, SetEvent,
    Shape, ShapeFaults, Store, Subscription, TypedKernel, TypedPage, TypedQuery, Value, Versions, Write,
};

fn shared<T: Send + Sync + 'static + ?Sized>() {}

#[test]
fn public_types_are_send_and_sync() {
    shared::<Arrakis>();
    shared::<ArrakisBuilder>();
    shared::<Context>();
    shared::<Env>();
    shared::<Error>();
    shared::<dyn FeedService>();
    shared::<dyn KernelService>();
    shared::<dyn OntologyService>();
    shared::<dyn Store>();
    shared::<(NewOntology, Plan, Schema)>();
    shared::<(Aggregate, Filter, Load, ObjectSet, Query, Write)>();
    shared::<(Groups, LoadReport, Object, Page, Value, Versions)>();
    shared::<(Changes, SetEvent, Subscription)>();
    shared::<(PropertyOf<(), String>, Shape, ShapeFaults, TypedKernel<'static>, TypedPage<()>, TypedQuery<()>)>();
}

#[tokio::test]
async fn futures_of_the_facade_may_move_between_threads() {
    fn movable<T>(future: impl Future<Output = T> + Send) -> impl Future<Output = T> + Send {
        future
    }
    let arrakis = movable(Arrakis::in_memory()).await.unwrap();
    let ctx = arrakis.context();
    movable(
        arrakis.publish(&ctx, "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}]}]"),
    )
    .await
    .unwrap();
    movable(arrakis.kernel().query(&ctx, Query::of(ObjectSet::of("A")))).await.unwrap();
    movable(arrakis.close()).await;
}
