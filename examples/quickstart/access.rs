//! Two actors who ask the same and see different things, and why.

use std::path::Path;
use std::sync::Arc;

use arrakis::access::{Access, Check, Policy, Subject, Verb};
use arrakis::{Actor, ApiName, Arrakis, Context, Env, Key, ObjectSet, Query, Result};
use serde_json::json;

use crate::load;
use crate::table::{print, texts};

/// Ann is an analyst, Ben works for Alaska: three airports as each of them sees them, and what each may do with one.
pub(crate) async fn two_actors(arrakis: &Arrakis, ctx: &Context, data: &Path, env: &Env) -> Result<()> {
    let start = env.monotonic();
    let policy = Policy::from_yaml(&load::text(&data.join("policy.yaml"))?)?;
    arrakis.check_policy(ctx, &policy).await?;
    let policy = Arc::new(policy);
    let ann = Subject::new(Actor::parse("user:ann")?, "ann").with_role(ApiName::parse("analyst")?);
    let ben = Subject::new(Actor::parse("user:ben")?, "ben").with_attribute(ApiName::parse("state")?, "AK");
    let airports = || Query::of(ObjectSet::ids("Airport", ["ANC", "JFK", "SFO"].map(Key::from)));
    let (mut seen, mut reasons) = (Vec::new(), Vec::new());
    for subject in [ann, ben] {
        let who = subject.id.to_string();
        let acting = arrakis.acting(Arc::new(Access::new(Arc::clone(&policy), subject)));
        for airport in arrakis.kernel().query(&acting, airports()).await?.objects {
            let columns = texts(&airport.properties, &["iata", "name", "location"]);
            seen.push([vec![who.clone()], columns].concat());
        }
        for verb in [Verb::Read, Verb::Modify] {
            let why = arrakis.access().explain(&acting, Check::of(verb, "Airport", "ANC")).await?;
            let verdict = if why.allowed { "yes" } else { "no" };
            let because: Vec<_> = why.reasons.iter().map(|reason| json!(reason).to_string()).collect();
            reasons.push([who.clone(), format!("{} ANC", verb.name()), verdict.to_owned(), because.join("\n")]);
        }
    }
    let took = env.monotonic().saturating_sub(start);
    print("The same three airports, as two actors see them", &["who", "iata", "name", "location"], seen, took);
    print("What each of them may do, and what has a say in it", &["who", "what", "may", "why"], reasons, took);
    Ok(())
}
