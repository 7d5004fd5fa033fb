//! Users beside the data: the first administrator, whose password is told once, a person with a role, and what each of them sees.
//!
//! `cargo run --example users --features users`

#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use arrakis::access::Policy;
use arrakis::credential::{Secret, Vault};
use arrakis::user::{GroupMember, Login, NewAssignment, NewUser, SetPassword, UserOptions};
use arrakis::{ApiName, Arrakis, Env, KernelExt, ObjectSet, Query, Result};
use serde_json::json;

const ONTOLOGY: &str = "
object_types:
  - name: City
    primary_key: name
    properties:
      - {name: name, type: string}
      - {name: people, type: integer}
";

fn login(name: &str, password: &Secret) -> Login {
    let client = "example".into();
    Login { name: name.into(), password: password.clone(), second: None, client, device: None, network: None }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // Kept outside of the store by whoever deploys it.
    let options = UserOptions::new(Vault::new_root(&Env::system()));
    let arrakis = Arrakis::builder().users(options).in_memory().await?;
    let (users, ctx) = (arrakis.users()?, arrakis.context());
    arrakis.publish(&ctx, ONTOLOGY).await?;
    arrakis.kernel().create(&ctx, "City", json!({ "name": "Oslo", "people": 717_710 })).await?;

    let first = arrakis.user_engine()?.bootstrap(&ctx).await?;
    let administrator = (*users.policy(&ctx).await?.policy).clone().roles;
    let mut policy = Policy::from_yaml(
        "roles: [{ name: reader, objects: [{ types: [City], verbs: [read], properties: { except: [people] } }] }]",
    )?;
    policy.roles.extend(administrator);
    users.apply_policy(&ctx, policy, None).await?;
    users.create_user(&ctx, NewUser { name: "ann".into(), ..NewUser::default() }).await?;
    let password = Secret::from("the correct horse");
    users
        .set_password(&ctx, SetPassword { user: Some("ann".into()), current: None, password: password.clone() })
        .await?;
    users.assign(&ctx, NewAssignment::of(GroupMember::User("ann".into()), ApiName::parse("reader")?)).await?;
    let first = first.map(|first| login(&first.name, &first.password));
    for login in first.into_iter().chain([login("ann", &password)]) {
        let name = login.name.clone();
        let acting = arrakis.authenticate(&users.login(&ctx, login).await?.access).await?;
        let page = arrakis.kernel().query(&acting, Query::of(ObjectSet::of("City"))).await?;
        println!("{name} sees {}", json!(page.objects));
    }
    Ok(())
}
