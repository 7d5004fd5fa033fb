//! Services under test, asked in JSON: what a client sends, and what it is answered.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use crate::access::AccessService;
use crate::cache::{CacheOptions, ReadCache};
use crate::kernel::{ActionService, FeedService, Filter, Kernel, KernelService};
use crate::ontology::{NewOntology, Ontology, OntologyExt, OntologyService};
use crate::testing::{Fixture, ManualClock, TestEnv};
use crate::{Committer, Context, Error, Result, Seq, Store};

/// The services of one deployment, and contexts of three of its tenants that may do everything.
#[derive(Debug)]
pub struct Deployment {
    /// The ontology.
    pub ontology: Arc<dyn OntologyService>,
    /// The kernel.
    pub kernel: Arc<dyn KernelService>,
    /// The actions.
    pub actions: Arc<dyn ActionService>,
    /// Its feed.
    pub feed: Arc<dyn FeedService>,
    /// What its actors may do.
    pub access: Arc<dyn AccessService>,
    /// Its users.
    #[cfg(feature = "users")]
    pub users: Arc<dyn crate::user::UserServices>,
    /// What is behind its users, where that is in this process.
    #[cfg(feature = "users")]
    pub engine: crate::user::Users,
    #[cfg(feature = "users")]
    peer: Peer,
    /// Whether they are asked over a network, which hands on only what it can carry, and keeps something of what it hands on.
    pub is_remote: bool,
    /// Most tests act for this tenant.
    pub own: Context,
    /// A tenant of the same space.
    pub neighbour: Context,
    /// A tenant of another space, with the same ontology.
    pub stranger: Context,
    /// The environment the services were given.
    pub test: TestEnv,
}

/// What another process on the same store is given.
#[cfg(feature = "users")]
#[derive(Debug)]
struct Peer {
    store: Arc<dyn Store>,
    root: crate::credential::Secret,
}

#[cfg(feature = "users")]
impl Peer {
    async fn users(
        &self,
        test: &TestEnv,
        set: impl FnOnce(&mut crate::user::UserOptions),
        (committer, kernel, ontology): (Committer, Kernel, Arc<Ontology>),
    ) -> crate::user::Users {
        use crate::credential::hasher::Hasher;
        use crate::credential::password::Cost;

        let mut options = crate::user::UserOptions::new(self.root.clone());
        options.hasher = Some(Hasher::new(test.env(), Cost { memory_kib: 64, passes: 1 }, 2));
        set(&mut options);
        crate::user::Users::start(test.env(), committer, kernel, ontology, options).await.unwrap()
    }
}

/// A method of [`KernelService`] or [`ActionService`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// [`KernelService::get`].
    Get,
    /// [`KernelService::query`].
    Query,
    /// [`KernelService::aggregate`].
    Aggregate,
    /// [`KernelService::neighbours`].
    Neighbours,
    /// [`KernelService::links`].
    Links,
    /// [`KernelService::history`].
    History,
    /// [`KernelService::write`].
    Write,
    /// [`KernelService::load`].
    Load,
    /// [`ActionService::validate`].
    Validate,
    /// [`ActionService::execute`].
    Execute,
    /// [`ActionService::execute_batch`].
    ExecuteBatch,
    /// [`ActionService::undo`].
    Undo,
}

/// A request of its JSON form, which must be one.
fn read<T: DeserializeOwned>(request: Json) -> T {
    let shown = request.to_string();
    serde_json::from_value(request).unwrap_or_else(|e| panic!("{e}: {shown:.1000}"))
}

fn written<T: Serialize>(answer: T) -> Json {
    serde_json::to_value(answer).unwrap()
}

/// The member of an answer.
pub(super) fn member(json: &Json, name: &str) -> Json {
    json.get(name).cloned().unwrap_or_else(|| panic!("no {name} in {json}"))
}

/// The elements of a list.
pub(super) fn list(json: &Json) -> &[Json] {
    json.as_array().map_or_else(|| panic!("{json} is no list"), Vec::as_slice)
}

/// The keys of objects, in their order.
pub(super) fn keys_of(objects: &Json) -> Vec<Json> {
    list(objects).iter().map(|object| member(object, "key")).collect()
}

/// What a refusal says: its code and path.
pub(super) fn told(error: &Error) -> (&str, &str) {
    (error.code(), error.path().unwrap_or_default())
}

impl Deployment {
    /// The engines in this process over an empty store, which gets its spaces and tenants.
    pub async fn embedded(store: Arc<dyn Store>, test: TestEnv) -> Self {
        Self::over(store, test, None).await
    }

    /// As [`Deployment::embedded`], with reads by key answered from a cache.
    pub async fn cached(store: Arc<dyn Store>, test: TestEnv, options: CacheOptions) -> Self {
        Self::over(store, test, Some(options)).await
    }

    async fn over(store: Arc<dyn Store>, test: TestEnv, cache: Option<CacheOptions>) -> Self {
        let fixture = Fixture::unpublished(Arc::clone(&store), test.clone()).await;
        let [own, neighbour, stranger] =
            [fixture.own, fixture.neighbour, fixture.stranger].map(|scope| fixture.context(scope));
        let committer = Committer::start(Arc::clone(&store) as _);
        let ontology = Arc::new(Ontology::new(test.env(), committer.clone(), Arc::clone(&store) as _));
        let cache = cache.map(|options| ReadCache::start(test.env(), &committer, Arc::clone(&store) as _, options));
        let mut kernel =
            Kernel::new(test.env(), committer.clone(), Arc::clone(&store) as _, Arc::clone(&ontology) as _);
        if let Some(cache) = cache {
            kernel = kernel.with_cache(cache);
        }
        #[cfg(feature = "users")]
        let (users, peer) = {
            let peer = Peer { store, root: crate::credential::Vault::new_root(&test.env()) };
            let users = peer.users(&test, |_| {}, (committer, kernel.clone(), Arc::clone(&ontology))).await;
            ontology.consult(users.policies());
            (users, peer)
        };
        let kernel = Arc::new(kernel);
        let (actions, feed, access) = (Arc::clone(&kernel) as _, Arc::clone(&kernel) as _, Arc::clone(&kernel) as _);
        Self {
            ontology,
            kernel,
            actions,
            feed,
            access,
            #[cfg(feature = "users")]
            users: Arc::new(users.clone()),
            #[cfg(feature = "users")]
            engine: users,
            #[cfg(feature = "users")]
            peer,
            is_remote: false,
            own,
            neighbour,
            stranger,
            test,
        }
    }

    /// The users as another process on the same store has them.
    #[cfg(feature = "users")]
    pub async fn another_users(&self) -> crate::user::Users {
        self.users_with(|_| {}).await
    }

    /// The users as another process on the same store has them, with other options.
    #[cfg(feature = "users")]
    pub async fn users_with(&self, set: impl FnOnce(&mut crate::user::UserOptions)) -> crate::user::Users {
        let store = &self.peer.store;
        let committer = Committer::start(Arc::clone(store) as _);
        let ontology = Arc::new(Ontology::new(self.test.env(), committer.clone(), Arc::clone(store) as _));
        let kernel =
            Kernel::new(self.test.env(), committer.clone(), Arc::clone(store) as _, Arc::clone(&ontology) as _);
        self.peer.users(&self.test, set, (committer, kernel, ontology)).await
    }

    /// The root secret of the deployment.
    #[cfg(feature = "users")]
    pub const fn root(&self) -> &crate::credential::Secret {
        &self.peer.root
    }

    /// The store everything is on.
    #[cfg(feature = "users")]
    pub const fn store(&self) -> &Arc<dyn Store> {
        &self.peer.store
    }

    /// Publishes an ontology in both spaces.
    pub async fn publish(&self, definition: &NewOntology) {
        for ctx in [&self.own, &self.stranger] {
            self.ontology.publish(ctx, definition.clone()).await.unwrap();
        }
    }

    /// The clock the services look at.
    pub fn clock(&self) -> &ManualClock {
        self.test.clock()
    }

    /// Asks the kernel.
    ///
    /// # Errors
    /// What it refuses.
    pub async fn ask(&self, ctx: &Context, method: Method, request: Json) -> Result<Json> {
        let kernel = &self.kernel;
        match method {
            Method::Get => kernel.get(ctx, read(request)).await.map(written),
            Method::Query => kernel.query(ctx, read(request)).await.map(written),
            Method::Aggregate => kernel.aggregate(ctx, read(request)).await.map(written),
            Method::Neighbours => kernel.neighbours(ctx, read(request)).await.map(written),
            Method::Links => kernel.links(ctx, read(request)).await.map(written),
            Method::History => kernel.history(ctx, read(request)).await.map(written),
            Method::Write => kernel.write(ctx, read(request)).await.map(written),
            Method::Load => kernel.load(ctx, read(request)).await.map(written),
            Method::Validate => self.actions.validate(ctx, read(request)).await.map(written),
            Method::Execute => self.actions.execute(ctx, read(request)).await.map(written),
            Method::ExecuteBatch => self.actions.execute_batch(ctx, read(request)).await.map(written),
            Method::Undo => self.actions.undo(ctx, read(request)).await.map(written),
        }
    }

    /// Asks the kernel for one's own tenant what it must answer.
    pub async fn answer(&self, method: Method, request: Json) -> Json {
        let shown = request.to_string();
        self.ask(&self.own, method, request).await.unwrap_or_else(|e| panic!("{e:?}: {shown:.1000}"))
    }

    /// Asks the kernel for one's own tenant what it must refuse.
    pub async fn refusal(&self, method: Method, request: Json) -> Error {
        let shown = request.to_string();
        match self.ask(&self.own, method, request).await {
            Err(error) => error,
            Ok(answer) => panic!("{shown:.1000} was answered: {answer}"),
        }
    }

    /// Writes edits, an edit or a list of them, for a tenant.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub async fn write(&self, ctx: &Context, edits: Json) -> Result<Seq> {
        let edits = if edits.is_array() { edits } else { json!([edits]) };
        let written = self.ask(ctx, Method::Write, json!({ "edits": edits })).await?;
        Ok(read(member(&member(&written, "receipt"), "seq")))
    }

    /// Writes edits the kernel must take, and gives the revision of what they wrote.
    pub async fn wrote(&self, edits: Json) -> Seq {
        let shown = edits.to_string();
        self.write(&self.own, edits).await.unwrap_or_else(|e| panic!("{e:?}: {shown:.1000}"))
    }

    /// Writes edits the kernel must refuse.
    pub async fn refused(&self, edits: Json) -> Error {
        let edits = if edits.is_array() { edits } else { json!([edits]) };
        self.refusal(Method::Write, json!({ "edits": edits })).await
    }

    /// One of one's own objects, whole, `null` for one that is absent.
    pub async fn object(&self, object_type: &str, key: impl Into<Json>) -> Json {
        self.object_of(&self.own, object_type, key).await
    }

    /// An object of a tenant, whole, `null` for one that is absent.
    pub async fn object_of(&self, ctx: &Context, object_type: &str, key: impl Into<Json>) -> Json {
        let request = json!({ "type": object_type, "keys": [key.into()] });
        let answer = self.ask(ctx, Method::Get, request).await.unwrap();
        let objects = member(&answer, "objects");
        assert_eq!(list(&objects).len(), 1, "one answer per key: {answer}");
        objects[0].clone()
    }

    /// The properties of one of one's own objects.
    pub async fn properties(&self, object_type: &str, key: impl Into<Json>) -> Json {
        member(&self.object(object_type, key).await, "properties")
    }

    /// The keys of one's own objects in a set, in the order of their keys.
    pub async fn keys(&self, set: Json) -> Vec<Json> {
        let page = self.answer(Method::Query, json!({ "set": set, "page": { "size": 10_000 } })).await;
        assert_eq!(page.get("next"), None, "a set of tests fits on a page");
        keys_of(&member(&page, "objects"))
    }

    /// The keys of one's own objects of a type that satisfy a filter, which must say the same as JSON and as text.
    pub async fn matching(&self, object_type: &str, filter: Json) -> Vec<Json> {
        let text = read::<Filter>(filter.clone()).to_string();
        let set = |filter: Json| json!({ "filter": { "from": { "type": object_type }, "where": filter } });
        let found = self.keys(set(filter)).await;
        assert_eq!(self.keys(set(json!(text))).await, found, "{text}");
        found
    }

    /// The newest commit.
    pub async fn head(&self) -> Seq {
        let page = self.answer(Method::Query, json!({ "set": { "type": "Person" }, "page": { "size": 1 } })).await;
        read(member(&page, "seq"))
    }

    /// People numbered from 1 up, each with a name.
    pub async fn people(&self, count: i64) {
        self.people_of(&self.own, count).await;
    }

    /// People of a tenant numbered from 1 up, each with a name.
    pub async fn people_of(&self, ctx: &Context, count: i64) {
        let create =
            |id| json!({ "create": { "type": "Person", "properties": { "id": id, "name": format!("p{id}") } } });
        self.write(ctx, (1..=count).map(create).collect()).await.unwrap();
    }

    /// Knows-links between people, each with a weight.
    pub async fn acquaint(&self, links: &[(i64, i64, i64)]) {
        let link = |(source, target, weight): &(i64, i64, i64)| {
            let properties = json!({ "weight": weight });
            json!({ "link": { "type": "knows", "source": source, "target": target, "properties": properties } })
        };
        self.wrote(links.iter().map(link).collect()).await;
    }
}
