//! The description of everything that can be asked: OpenAPI 3.1, made of the table of endpoints and the types they ask and answer.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value as Json, json};

use super::{EVENT_STREAM, Endpoint, JSON, Meta, NDJSON, Verb, access, action, feed, kernel, ontology, user};
use crate::problem::{PROBLEM_JSON, Problem};

/// The document, as JSON with sorted members.
pub fn document() -> Json {
    let mut document = Document::new();
    document.ontology().kernel().users();
    document.finish()
}

struct Document {
    schemas: SchemaGenerator,
    paths: Map<String, Json>,
}

impl Document {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self { schemas: settings.into_generator(), paths: Map::new() }
    }

    fn ontology(&mut self) -> &mut Self {
        self.add("ontology", &ontology::SCHEMA)
            .add("ontology", &ontology::SCHEMA_VERSION)
            .add("ontology", &ontology::SCHEMA_AT)
            .add("ontology", &ontology::SCHEMA_VERSIONS)
            .add("ontology", &ontology::VALIDATE)
            .add("ontology", &ontology::PLAN)
            .add("ontology", &ontology::APPLY)
    }

    fn kernel(&mut self) -> &mut Self {
        self.add("objects", &kernel::OBJECT)
            .add("objects", &kernel::GET)
            .add("objects", &kernel::QUERY)
            .add("objects", &kernel::AGGREGATE)
            .add("objects", &kernel::NEIGHBOURS)
            .add("objects", &kernel::LINKS)
            .add("objects", &kernel::HISTORY)
            .add("objects", &kernel::WRITE)
            .add("objects", &kernel::UPSERT)
            .add("objects", &kernel::MODIFY)
            .add("objects", &kernel::DELETE)
            .add("objects", &kernel::LOAD)
            .add("actions", &action::VALIDATE)
            .add("actions", &action::EXECUTE)
            .add("actions", &action::EXECUTE_BATCH)
            .add("actions", &action::UNDO)
            .add("changes", &feed::CHANGES)
            .add("changes", &feed::FOLLOW)
            .add("changes", &feed::SUBSCRIBE)
            .add("access", &access::CHECK)
            .add("access", &access::EXPLAIN)
            .add("access", &access::WHAT_CAN)
    }

    fn users(&mut self) -> &mut Self {
        self.add("users", &user::CREATE_USER)
            .add("users", &user::INVITE)
            .add("users", &user::USER)
            .add("users", &user::USERS)
            .add("users", &user::UPDATE_USER)
            .add("users", &user::DELETE_USER)
            .add("users", &user::EXPORT_USER)
            .add("groups", &user::CREATE_GROUP)
            .add("groups", &user::GROUPS)
            .add("groups", &user::DELETE_GROUP)
            .add("groups", &user::MEMBERS)
            .add("groups", &user::ADD_MEMBER)
            .add("groups", &user::REMOVE_MEMBER)
            .add("roles", &user::ASSIGN)
            .add("roles", &user::UNASSIGN)
            .add("roles", &user::ASSIGNMENTS)
            .add("policy", &user::POLICY)
            .add("policy", &user::APPLY_POLICY)
            .add("policy", &user::EXPLAIN_AS)
            .add("policy", &user::WHO_CAN)
            .add("policy", &user::SIMULATE)
            .add("authentication", &user::LOGIN)
            .add("authentication", &user::REFRESH)
            .add("authentication", &user::ACCEPT_INVITATION)
            .add("authentication", &user::ONESELF)
            .add("authentication", &user::JWKS)
            .add("authentication", &user::DISCOVERY)
            .add("authentication", &user::AUTHORIZATION_SERVER)
            .add("authentication", &user::REVOKE_ISSUED)
            .add("account", &user::SET_PASSWORD)
            .add("account", &user::ENROL_TOTP)
            .add("account", &user::CONFIRM_TOTP)
            .add("account", &user::DISABLE_TOTP)
            .add("account", &user::SESSIONS)
            .add("account", &user::END_SESSIONS)
            .add("account", &user::CREATE_API_KEY)
            .add("account", &user::API_KEYS)
            .add("account", &user::REVOKE_API_KEY)
    }

    fn add<Q: JsonSchema, A: JsonSchema>(&mut self, tag: &str, endpoint: &Endpoint<Q, A>) -> &mut Self {
        let (meta, asked) = (&endpoint.meta, self.schemas.root_schema_for::<Q>());
        let answered = self.schemas.subschema_for::<A>().to_value();
        let body = meta.verb.has_body().then(|| self.body::<Q>(meta, &asked));
        let mut operation = json!({
            "operationId": meta.id,
            "summary": meta.summary,
            "tags": [tag],
            "parameters": parameters(meta, &asked),
            "responses": responses(meta, &answered),
        });
        if let (Some(body), Some(members)) = (body, operation.as_object_mut()) {
            let content = content(JSON, &body, meta.id == kernel::LOAD.meta.id);
            members.insert("requestBody".into(), json!({ "required": true, "content": content }));
        }
        if let (true, Some(members)) = (meta.is_open, operation.as_object_mut()) {
            members.insert("security".into(), json!([]));
        }
        let path = self.paths.entry(meta.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(meta.verb.method().as_str().to_ascii_lowercase(), operation);
        }
        self
    }

    /// What is asked, without what is in the path.
    fn body<Q: JsonSchema>(&mut self, meta: &Meta, asked: &Schema) -> Json {
        if !meta.path.contains('{') {
            return self.schemas.subschema_for::<Q>().to_value();
        }
        let mut body = asked.clone().to_value();
        if let Some(members) = body.as_object_mut() {
            members.remove("$defs");
            members.remove("components");
            if let Some(properties) = members.get_mut("properties").and_then(Json::as_object_mut) {
                properties.retain(|name, _| !is_in_path(meta, name));
            }
            if let Some(required) = members.get_mut("required").and_then(Json::as_array_mut) {
                required.retain(|name| !name.as_str().is_some_and(|name| is_in_path(meta, name)));
            }
        }
        body
    }

    fn finish(mut self) -> Json {
        let problem = self.schemas.subschema_for::<Problem>().to_value();
        let schemas = self.schemas.take_definitions(true);
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Arrakis",
                "version": "1",
                "description": "Objects, links and actions under an ontology, with the users and the policy that say who may do what.",
                "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            },
            "servers": [{ "url": "/" }],
            "security": [{ "bearer": [] }],
            "paths": self.paths,
            "components": {
                "schemas": schemas,
                "responses": {
                    "Problem": {
                        "description": "It was refused, or could not be answered.",
                        "content": { PROBLEM_JSON: { "schema": problem } },
                    },
                },
                "securitySchemes": {
                    "bearer": { "type": "http", "scheme": "bearer", "description": "An access token, or an API key." },
                },
            },
        })
    }
}

fn is_in_path(meta: &Meta, name: &str) -> bool {
    meta.path.contains(&format!("{{{name}}}"))
}

fn parameters(meta: &Meta, asked: &Schema) -> Vec<Json> {
    let properties = asked.get("properties").and_then(Json::as_object).cloned().unwrap_or_default();
    let required = asked.get("required").and_then(Json::as_array).cloned().unwrap_or_default();
    let mut parameters = Vec::new();
    for (name, schema) in properties {
        let is_in_path = is_in_path(meta, &name);
        if is_in_path || !meta.verb.has_body() {
            let is_required = is_in_path || required.iter().any(|of| *of == name);
            let place = if is_in_path { "path" } else { "query" };
            parameters.push(json!({ "name": name, "in": place, "required": is_required, "schema": schema }));
        }
    }
    let mut header = |name: &str, schema: Json, description: &str| {
        parameters.push(
            json!({ "name": name, "in": "header", "required": false, "schema": schema, "description": description }),
        );
    };
    let seq = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX });
    header(
        "Ark-At-Least",
        seq.clone(),
        "The commit the answer must have seen: what Ark-Seq of an earlier answer said.",
    );
    if meta.is_open {
        let tenant = json!({ "type": "string" });
        header("Ark-Tenant", tenant, "The tenant, by name or id; the one a deployment starts with when left out.");
    }
    if meta.is_write {
        let key = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
        header(
            "Idempotency-Key",
            key,
            "Whatever was sent under the same key before is answered again, and happens once.",
        );
    }
    parameters
}

/// A body of a media type, and perhaps of lines.
fn content(media_type: &str, schema: &Json, or_lines: bool) -> Json {
    let mut content = Map::from_iter([(media_type.to_owned(), json!({ "schema": schema }))]);
    if or_lines {
        content.insert(NDJSON.to_owned(), json!({ "schema": { "type": "string" } }));
    }
    Json::Object(content)
}

fn responses(meta: &Meta, answered: &Json) -> Json {
    let is_stream = matches!(meta.id, "subscribe" | "followChanges");
    let (media_type, schema) =
        if is_stream { (EVENT_STREAM, json!({ "type": "string" })) } else { (JSON, answered.clone()) };
    let content = content(media_type, &schema, meta.id == kernel::QUERY.meta.id);
    let seq =
        json!({ "description": "The commit the answer has seen.", "schema": { "type": "integer", "minimum": 0 } });
    let mut responses = Map::from_iter([(
        "200".to_owned(),
        json!({ "description": "The answer.", "headers": { "Ark-Seq": seq }, "content": content }),
    )]);
    if meta.verb == Verb::Get {
        responses.insert("304".into(), json!({ "description": "It is as the asker has it." }));
    }
    for statuses in ["4XX", "5XX"] {
        responses.insert(statuses.into(), json!({ "$ref": "#/components/responses/Problem" }));
    }
    Json::Object(responses)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_file_holds_what_is_served() {
        let document = serde_json::to_string_pretty(&super::document()).unwrap();
        let written = include_str!("../../../docs/openapi.json");
        assert!(
            document == written.trim_end(),
            "docs/openapi.json holds another document: arrakis openapi > docs/openapi.json"
        );
    }
}
