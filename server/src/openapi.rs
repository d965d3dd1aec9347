//! The description of the API: OpenAPI 3.1, from the declared routes and the very types that cross the wire.
//!
//! `docs/openapi.json` is its text; a test holds the file to it, and the running server to the file.

use std::collections::{BTreeMap, HashMap};

use axum::http::Method;
use dorbank_shared::{
    error::Refusal,
    input::{InputsRequest, InputsResponse},
    officer::Officer,
    principal::Role,
    shift::{DeviceView, ShiftView},
    sync::wire::{
        Admission, HelloResponse, JoinRequest, JoinResponse, MEDIA_TYPE, PullRequest, PullResponse, PushRequest, PushResponse, TicketsRequest,
        TicketsResponse,
    },
    visit::{VisitV1, WithdrawalV1},
};
use schemars::{
    JsonSchema,
    r#gen::{SchemaGenerator, SchemaSettings},
};
use serde_json::{Map, Value, json};

use crate::{
    access::{Access, Declared},
    auth::officer::NewOfficer,
    router,
    routes::{
        officer::Me,
        shift::{Admit, Seen},
    },
};

const JSON: &str = "application/json";
const HTML: &str = "text/html";

/// What goes in and what comes out of a route: media type and schema.
#[derive(Debug, Default)]
struct Shape {
    request: Option<(&'static str, Value)>,
    answer: Option<(&'static str, Value)>,
}

/// Shapes by method and path.
struct Shapes {
    of: HashMap<(Method, String), Shape>,
    generator: SchemaGenerator,
}

impl Shapes {
    fn schema<T: JsonSchema>(&mut self) -> Value {
        json!(self.generator.subschema_for::<T>())
    }

    fn get<A: JsonSchema>(&mut self, path: &'static str, media: &'static str) {
        let answer = self.schema::<A>();
        self.of.insert((Method::GET, path.to_owned()), Shape { request: None, answer: Some((media, answer)) });
    }

    fn post<R: JsonSchema, A: JsonSchema>(&mut self, path: &'static str, media: &'static str) {
        let (request, answer) = (self.schema::<R>(), self.schema::<A>());
        self.of.insert((Method::POST, path.to_owned()), Shape { request: Some((JSON, request)), answer: Some((media, answer)) });
    }

    /// A POST without a body.
    fn bare<A: JsonSchema>(&mut self, path: &'static str, media: &'static str) {
        let answer = self.schema::<A>();
        self.of.insert((Method::POST, path.to_owned()), Shape { request: None, answer: Some((media, answer)) });
    }

    fn all() -> Self {
        let settings = SchemaSettings::draft2019_09().with(|settings| settings.definitions_path = "#/components/schemas/".into());
        let mut shapes = Self { of: HashMap::new(), generator: settings.into_generator() };
        shapes.get::<HelloResponse>("/sync/v1/hello", MEDIA_TYPE);
        shapes.post::<PushRequest, PushResponse>("/sync/v1/push", MEDIA_TYPE);
        shapes.post::<PullRequest, PullResponse>("/sync/v1/pull", MEDIA_TYPE);
        shapes.post::<TicketsRequest, TicketsResponse>("/sync/v1/tickets", MEDIA_TYPE);
        shapes.bare::<JoinResponse>("/sync/v1/renew", MEDIA_TYPE);
        shapes.post::<InputsRequest, InputsResponse>("/inputs/v1", JSON);
        shapes.post::<JoinRequest, JoinResponse>("/join/v1/exchange", JSON);
        shapes.get::<ShiftView>("/plan/v1/shifts/{shift}", JSON);
        shapes.post::<Seen, ShiftView>("/plan/v1/shifts/{shift}/rotate", JSON);
        shapes.post::<Seen, ShiftView>("/plan/v1/shifts/{shift}/refuse-waiting", JSON);
        shapes.post::<Admit, DeviceView>("/plan/v1/shifts/{shift}/devices/{device}/admit", JSON);
        shapes.post::<Seen, DeviceView>("/plan/v1/shifts/{shift}/devices/{device}/refuse", JSON);
        shapes.post::<Seen, DeviceView>("/plan/v1/shifts/{shift}/devices/{device}/revoke", JSON);
        shapes.get::<Me>("/admin/v1/me", JSON);
        shapes.get::<Vec<Officer>>("/admin/v1/officers", JSON);
        shapes.post::<NewOfficer, Officer>("/admin/v1/officers", JSON);
        shapes.post::<Seen, Officer>("/admin/v1/officers/{officer}/stop", JSON);
        // What the `bytes` of an entry hold, by kind and version, and what any refusal is.
        shapes.schema::<VisitV1>();
        shapes.schema::<WithdrawalV1>();
        shapes.schema::<Refusal>();
        shapes
    }
}

/// The description.
pub fn describe() -> Value {
    let mut shapes = Shapes::all();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for route in router::declared() {
        let shape = shapes.of.remove(&(route.method.clone(), route.path.clone())).unwrap_or_default();
        let path = route.path.replace("{*", "{");
        paths.entry(path).or_default().insert(route.method.as_str().to_lowercase(), operation(&route, shape));
    }
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2019-09/schema",
        "info": {
            "title": "Dørbank",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later" },
            "description": "What phones send and fetch, and what officers' pages call. docs/sync.md says what it means. Everything under /sync/v1/, /join/v1/ and /inputs/v1 is a promise to phones that were offline for weeks: fields are only ever added.",
        },
        "paths": paths,
        "components": {
            "schemas": shapes.generator.take_definitions(),
            "securitySchemes": {
                "phone": { "type": "http", "scheme": "bearer", "description": "A phone's credential for its shift." },
                "officer": { "type": "apiKey", "in": "cookie", "name": "__Host-dorbank", "description": "An officer's session. Changes are taken from our own pages only (Sec-Fetch-Site, else Origin)." },
            },
        },
    })
}

/// The description as it is committed.
pub fn text() -> String {
    // Alternate formatting of a tree of JSON cannot fail.
    format!("{:#}\n", describe())
}

/// Who may call a route, in words that a test can compare.
pub fn who(access: Access) -> Vec<String> {
    let roles = |roles: &[Role], of: &str| roles.iter().map(|role| format!("officer: {}{of}", role.name())).collect();
    let standing = |admission: &Admission| match admission {
        Admission::Waiting => "phone: waiting",
        Admission::Admitted => "phone: admitted",
        Admission::Refused => "phone: refused",
        Admission::Revoked => "phone: revoked",
    };
    match access {
        Access::Anyone => vec!["anyone".to_owned()],
        Access::Device(standings) => standings.iter().map(|admission| standing(admission).to_owned()).collect(),
        Access::Officer(allowed) => roles(allowed, ""),
        Access::Shift(allowed) => roles(allowed, " of the shift's branch, or of the county"),
    }
}

fn operation(route: &Declared, shape: Shape) -> Value {
    let mut operation = Map::new();
    let security = match route.rule.access {
        Access::Anyone => json!([]),
        Access::Device(_) => json!([{ "phone": [] }]),
        Access::Officer(_) | Access::Shift(_) => json!([{ "officer": [] }]),
    };
    operation.insert("security".into(), security);
    operation.insert("x-who".into(), json!(who(route.rule.access)));
    operation.insert("x-largest-body".into(), json!(route.rule.largest_body()));
    let parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name.trim_start_matches('*'), "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    if !parameters.is_empty() {
        operation.insert("parameters".into(), json!(parameters));
    }
    let described = shape.answer.is_some();
    if let Some((media, schema)) = shape.request {
        operation.insert("requestBody".into(), json!({ "required": true, "content": { media: { "schema": schema } } }));
    }
    let answer = match shape.answer {
        Some((media, schema)) => json!({ "description": "Done.", "content": { media: { "schema": schema } } }),
        None if route.method == Method::GET => json!({ "description": "A page, a file or a picture.", "content": { HTML: {} } }),
        None => json!({ "description": "Done." }),
    };
    let refusal =
        json!({ "description": "Refused, with the reason.", "content": { JSON: { "schema": { "$ref": "#/components/schemas/Refusal" } } } });
    let mut responses = json!({ "default": refusal });
    responses[if described || route.method == Method::GET { "200" } else { "2XX" }] = answer;
    operation.insert("responses".into(), responses);
    Value::Object(operation)
}
