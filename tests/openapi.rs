//! `docs/openapi.json` is what the code declares, and what the running server does.

use std::{collections::BTreeSet, fs, path::Path};

use boon::{Compiler, Draft, Schemas};
use dorbank_server::{auth::codes, openapi, router};
use dorbank_shared::{
    principal::Role,
    sync::wire::{Admission, MEDIA_TYPE},
};
use dorbank_tests::{TestServer, World};
use reqwest::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    attack::Log,
    inputs,
    phone::{Phone, houses},
};

fn file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json")
}

/// The committed description, and its schemas, ready to hold answers to.
struct Description {
    whole: Value,
    schemas: Schemas,
    compiler: Compiler,
    /// Routes of which an answer that succeeded was held to it, with their methods.
    held: BTreeSet<(String, String)>,
}

impl Description {
    fn read() -> Self {
        let whole: Value = serde_json::from_slice(&fs::read(file()).unwrap()).unwrap();
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2019_09);
        compiler.add_resource("https://dorbank.example/openapi.json", whole.clone()).unwrap();
        Self { whole, schemas: Schemas::new(), compiler, held: BTreeSet::new() }
    }

    /// Holds a value to what stands at a place of the description.
    fn hold(&mut self, pointer: &str, value: &Value) {
        let place = self.whole.pointer(pointer).unwrap_or_else(|| panic!("nothing is described at {pointer}"));
        let at = place["$ref"].as_str().map_or_else(|| format!("#{pointer}"), str::to_owned);
        let schema = self.compiler.compile(&format!("https://dorbank.example/openapi.json{at}"), &mut self.schemas).unwrap();
        if let Err(error) = self.schemas.validate(value, schema) {
            panic!("{at}: {error}\n{value:#}");
        }
    }

    fn pointer(method: &str, path: &str, rest: &str) -> String {
        format!("/paths/{}/{method}/{rest}", path.replace('~', "~0").replace('/', "~1"))
    }

    /// Holds a request's body to its route.
    fn request(&mut self, path: &str, value: &Value) {
        self.hold(&Self::pointer("post", path, "requestBody/content/application~1json/schema"), value);
    }

    /// Routes whose answer has a shape.
    fn shaped(&self) -> BTreeSet<(String, String)> {
        let paths = self.whole["paths"].as_object().unwrap();
        let all =
            paths.iter().flat_map(|(path, methods)| methods.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation)));
        let has_schema = |operation: &Value| {
            let content = operation["responses"]["200"]["content"].as_object();
            content.is_some_and(|content| content.values().any(|media| !media["schema"].is_null()))
        };
        all.filter(|(_, _, operation)| has_schema(operation)).map(|(path, method, _)| (path.clone(), method.clone())).collect()
    }

    /// Holds an answer to its route: status, media type and shape.
    async fn answer(&mut self, method: &str, path: &str, response: Response) -> Value {
        let media = response.headers()["content-type"].to_str().unwrap().to_owned();
        let status = response.status();
        let value: Value = response.json().await.unwrap();
        let place = if status.is_success() { status.as_u16().to_string() } else { "default".to_owned() };
        if status.is_success() {
            self.held.insert((path.to_owned(), method.to_owned()));
        }
        let rest = format!("responses/{place}/content/{}/schema", media.replace('/', "~1"));
        self.hold(&Self::pointer(method, path, &rest), &value);
        value
    }
}

#[test]
fn the_committed_description_is_current() {
    let committed = fs::read_to_string(file()).unwrap_or_default();
    assert!(committed == openapi::text(), "docs/openapi.json is not current: cargo run -p dorbank-server -- openapi > docs/openapi.json");
}

#[test]
fn every_route_is_described_with_who_may_call_it() {
    let described = Description::read().whole;
    let mut declared = BTreeSet::new();
    for route in router::declared() {
        let (path, method) = (route.path.replace("{*", "{"), route.method.as_str().to_lowercase());
        let operation = &described["paths"][&path][&method];
        assert_eq!(operation["x-who"], json!(openapi::who(route.rule.access)), "{method} {path}");
        let described = !operation["responses"]["200"]["content"].is_null();
        let of_phones = ["/sync/", "/join/", "/inputs/"].iter().any(|start| path.starts_with(start));
        assert!(described || !of_phones, "{method} {path}: what phones call has a shape");
        declared.insert((path, method));
    }
    let paths = described["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |method| (path.clone(), method.clone())));
    assert_eq!(all.collect::<BTreeSet<_>>(), declared, "nothing else is described");
}

#[tokio::test]
async fn every_described_route_answers() {
    let server = TestServer::start().await;
    let mut description = Description::read();
    let paths = description.whole["paths"].as_object().unwrap().clone();
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let id = Uuid::nil().to_string();
            let place: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { id.as_str() } else { part }).collect();
            let request = server.client.request(method.to_uppercase().parse().unwrap(), server.url(&place.join("/")));
            let response = request.header("sec-fetch-site", "same-origin").send().await.unwrap();
            let (status, media) = (response.status(), response.headers().get("content-type").map(|media| media.to_str().unwrap().to_owned()));
            assert_ne!(status, 405, "{method} {path}");
            assert!(!status.is_server_error(), "{method} {path}: {status}");
            if status.is_client_error() {
                assert_eq!(media.as_deref(), Some("application/json"), "{method} {path}: {status}");
                description.answer(method, &path, response).await;
            }
        }
    }
}

#[tokio::test]
async fn what_the_running_server_answers_is_what_is_described_and_the_log_is_silent_of_it() {
    let log = Log::listen();
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let houses = houses(&server.state, &world).await;
    let mut description = Description::read();
    let golden = |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)).unwrap();
    for (path, name) in [
        ("/sync/v1/push", "push-request-v1.json"),
        ("/sync/v1/pull", "pull-request-v1.json"),
        ("/sync/v1/tickets", "tickets-request-v1.json"),
        ("/inputs/v1", "inputs-request-v1.json"),
        ("/join/v1/exchange", "join-request-v1.json"),
    ] {
        description.request(path, &serde_json::from_str(&golden(name)).unwrap());
    }

    description.answer("get", "/sync/v1/hello", server.get("/sync/v1/hello").send().await.unwrap()).await;
    for code in [codes::typed(&server.state.keys, &world.shift), "hello".to_owned()] {
        let response = server.post("/join/v1/exchange").json(&json!({ "code": code })).send().await.unwrap();
        description.answer("post", "/join/v1/exchange", response).await;
    }
    let mut phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    let waiting = Phone::join(&server.state, &world, Admission::Waiting, None).await;
    let hello = server.get("/sync/v1/hello").bearer_auth(&phone.credential).send().await.unwrap();
    assert_eq!(description.answer("get", "/sync/v1/hello", hello).await["admission"], "admitted");

    let first = phone.visit(&server.state, &houses[0], Some(0), dorbank_shared::visit::Outcome::Talked);
    let mut reused = phone.visit(&server.state, &houses[0], Some(1), dorbank_shared::visit::Outcome::NotHome);
    reused.id = first.id;
    // As from a copy of the phone, which counts on from the same number.
    let mut copied = phone.visit(&server.state, &houses[0], Some(2), dorbank_shared::visit::Outcome::NotHome);
    copied.device_seq = first.device_seq;
    let bytes = &serde_json::from_str(&first.bytes).unwrap();
    description.hold("/components/schemas/VisitV1", bytes);
    let body = serde_json::to_vec(&phone.request(&[first.clone(), reused, copied])).unwrap();
    for phone in [&phone, &waiting] {
        for body in [body.clone(), golden("push-request-v1.json").into_bytes(), b"{}".to_vec()] {
            let response = phone.send(&server, "/sync/v1/push", body).await;
            description.answer("post", "/sync/v1/push", response).await;
        }
        for body in [golden("pull-request-v1.json"), json!({ "proto": 1, "build": "test", "turfs": {} }).to_string(), "[]".to_owned()] {
            let response = phone.send(&server, "/sync/v1/pull", body).await;
            assert!(!response.status().is_success() || response.headers()["content-type"] == MEDIA_TYPE);
            description.answer("post", "/sync/v1/pull", response).await;
        }
        let response = phone.send(&server, "/sync/v1/tickets", golden("tickets-request-v1.json")).await;
        description.answer("post", "/sync/v1/tickets", response).await;
    }
    // A phone that was copied, and one that was not.
    for phone in [&phone, &waiting] {
        let response = phone.send(&server, "/sync/v1/renew", "null").await;
        assert_eq!(response.status().is_success(), phone.id != waiting.id);
        description.answer("post", "/sync/v1/renew", response).await;
    }
    let ticket = inputs::draw(&server, &phone, 1).await.remove(0);
    let said = inputs::request(&server, vec![inputs::slot(&server, &world, &ticket, "Det mangler benker.")]);
    for body in [serde_json::to_value(&said).unwrap(), json!({ "proto": 1, "slots": [] })] {
        let response = server.post("/inputs/v1").json(&body).send().await.unwrap();
        description.answer("post", "/inputs/v1", response).await;
    }
    let (mut never, cookies) = officers(&server, &world, &mut description, &[phone.id, waiting.id]).await;
    let left: Vec<_> = description.shaped().difference(&description.held).cloned().collect();
    assert!(left.is_empty(), "nobody has looked at what is answered when it succeeds: {left:?}");

    // All of this was asked as it is asked every evening.
    never.extend([phone.id, waiting.id, first.id, world.turfs[0].id, world.shift.id, houses[0].entrance].iter().map(Uuid::to_string));
    never.extend([phone.credential, waiting.credential, ticket, said.slots[0].sealed.clone(), codes::typed(&server.state.keys, &world.shift)]);
    never.extend(cookies.iter().map(|cookie| cookie.split_once('=').unwrap().1.to_owned()));
    let log = log.text();
    assert!(log.contains("/sync/v1/push") && log.contains("/admin/v1/officers"), "the log is heard");
    for secret in never {
        assert!(!log.contains(&secret), "{secret}: {}", log.lines().find(|line| line.contains(&secret)).unwrap_or_default());
    }
}

/// What officers do with phones, codes and each other. Gives what must not be in the log, and their cookies.
async fn officers(server: &TestServer, world: &World, description: &mut Description, phones: &[Uuid; 2]) -> (Vec<String>, Vec<String>) {
    let (_, lead) = World::officer(&server.state, Role::Lead, Some(world.branch.id)).await;
    let (county_officer, county) = World::officer(&server.state, Role::County, None).await;
    let ask = async |description: &mut Description, cookie: &str, path: &str, body: Option<Value>| {
        let place = path.replace("{shift}", &world.shift.id.to_string());
        let (method, request) = match &body {
            Some(body) => ("post", server.post(&place).json(body)),
            None => ("get", server.get(&place)),
        };
        let response = request.header("cookie", cookie).header("sec-fetch-site", "same-origin").send().await.unwrap();
        assert!(response.status().is_success(), "{method} {path}: {}", response.status());
        let described: Vec<&str> = path.split('/').collect();
        let described = match described.as_slice() {
            [.., "devices", _, what] => format!("/plan/v1/shifts/{{shift}}/devices/{{device}}/{what}"),
            [.., "officers", _, "stop"] => "/admin/v1/officers/{officer}/stop".to_owned(),
            _ => path.to_owned(),
        };
        description.answer(method, &described, response).await
    };
    let shift = "/plan/v1/shifts/{shift}";
    let view = ask(description, &lead, shift, None).await;
    let version = |view: &Value, id: Uuid| {
        let devices = view["devices"].as_array().unwrap();
        devices.iter().find(|device| device["id"] == json!(id)).unwrap()["version"].clone()
    };
    let [admitted, waits] = *phones;
    let admit = json!({ "turf": world.turfs[0].id, "version": version(&view, waits) });
    ask(description, &lead, &format!("{shift}/devices/{waits}/admit"), Some(admit)).await;
    ask(description, &lead, &format!("{shift}/devices/{admitted}/revoke"), Some(json!({ "version": version(&view, admitted) }))).await;
    let view = ask(description, &lead, &format!("{shift}/refuse-waiting"), Some(json!({ "version": view["version"] }))).await;
    let newcomer = Phone::join(&server.state, world, Admission::Waiting, None).await;
    let now = ask(description, &lead, shift, None).await;
    ask(description, &lead, &format!("{shift}/devices/{}/refuse", newcomer.id), Some(json!({ "version": version(&now, newcomer.id) }))).await;
    ask(description, &lead, &format!("{shift}/rotate"), Some(json!({ "version": view["version"] }))).await;

    ask(description, &county, "/admin/v1/me", None).await;
    let new = json!({ "name": "Kari Sesam", "email": "kari.sesam@example.no", "role": "lead", "branch": world.branch.id });
    let made = ask(description, &county, "/admin/v1/officers", Some(new)).await;
    ask(description, &county, "/admin/v1/officers", None).await;
    let stop = format!("/admin/v1/officers/{}/stop", made["id"].as_str().unwrap());
    ask(description, &county, &stop, Some(json!({ "version": made["version"] }))).await;
    let never = ["Kari Sesam", "kari.sesam", county_officer.email.as_str(), made["id"].as_str().unwrap()].map(str::to_owned);
    (never.to_vec(), vec![lead, county])
}
