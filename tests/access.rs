//! Every route, asked by everybody: who is let in is what was declared, and nothing else.

use dorbank_server::{
    access::{Access, Declared},
    router,
};
use dorbank_shared::{
    principal::Role,
    sync::wire::{Admission, JoinResponse},
};
use dorbank_tests::{TestServer, World};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;
use uuid::Uuid;

use crate::attack::Log;

/// Somebody who asks.
#[derive(Debug, Clone)]
enum Who {
    Anyone,
    Device(Admission, String),
    Officer(Role, Option<Uuid>, String),
}

impl Who {
    /// Whether the declaration lets them in.
    fn may(&self, access: Access, world: &World) -> bool {
        match (access, self) {
            (Access::Anyone, _) => true,
            (Access::Device(standings), Self::Device(standing, _)) => standings.contains(standing),
            (Access::Officer(roles), Self::Officer(role, ..)) => roles.contains(role),
            (Access::Shift(roles), Self::Officer(role, branch, _)) => {
                roles.contains(role) && (*role == Role::County || *branch == Some(world.branch.id))
            }
            _ => false,
        }
    }

    fn known(&self, access: Access) -> bool {
        matches!((access, self), (Access::Device(_), Self::Device(..)) | (Access::Officer(_) | Access::Shift(_), Self::Officer(..)))
    }

    fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Anyone => request,
            Self::Device(_, credential) => request.bearer_auth(credential),
            Self::Officer(_, _, cookie) => request.header("cookie", cookie),
        }
    }
}

async fn join(server: &TestServer, world: &World) -> JoinResponse {
    let code = dorbank_server::auth::codes::typed(&server.state.keys, &world.shift);
    let response = server.post("/join/v1/exchange").json(&json!({ "code": code })).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

/// One of each kind, in every state and role, and one of each planner in another branch.
async fn everybody(server: &TestServer, world: &World) -> Vec<Who> {
    let mut all = vec![Who::Anyone];
    for standing in [Admission::Waiting, Admission::Admitted, Admission::Refused, Admission::Revoked] {
        let joined = join(server, world).await;
        let mut tx = server.state.db.begin().await.unwrap();
        dorbank_server::store::device::set_admission(&mut tx, joined.device, 1, standing, Some(world.turfs[0].id)).await.unwrap();
        tx.commit().await.unwrap();
        all.push(Who::Device(standing, joined.credential));
    }
    for role in Role::ALL {
        for branch in [world.branch.id, world.other_branch.id] {
            let branch = role.needs_branch().then_some(branch);
            let (_, cookie) = World::officer(&server.state, role, branch).await;
            all.push(Who::Officer(role, branch, cookie));
        }
    }
    all
}

fn path(route: &Declared, world: &World) -> String {
    let path = route.path.replace("{shift}", &world.shift.id.to_string());
    let parts = path.split('/').map(|part| if part.starts_with('{') { Uuid::nil().to_string() } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_route_lets_in_whom_it_declares_and_nobody_else() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let everybody = everybody(&server, &world).await;
    let routes = router::declared();
    assert!(routes.len() > 15, "the list of routes is not empty");
    for route in &routes {
        let access = route.rule.access;
        for who in &everybody {
            // Signing out would end the session that the next route is asked with.
            if route.path == "/sign-in/v1/out" {
                continue;
            }
            let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
            // An empty body: whoever is let in is told that it is malformed, and nothing is changed.
            let request = server.client.request(method, server.url(&path(route, &world))).header("sec-fetch-site", "same-origin");
            let response = who.sign(request).send().await.unwrap();
            let status = response.status();
            let name = format!("{} {} by {who:?}: {status}", route.method, route.path);
            if who.may(access, &world) {
                let refusal = if status.is_client_error() { response.text().await.unwrap() } else { String::new() };
                let shut_out = status == StatusCode::UNAUTHORIZED || refusal.contains("\"forbidden\"") || refusal.contains("\"unknown\"");
                assert!(!shut_out, "{name}");
            } else if who.known(access) {
                assert_eq!(status, StatusCode::FORBIDDEN, "{name}");
            } else {
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{name}");
            }
        }
    }
}

/// Every route is asked with things that nobody else says: no line of the log repeats one, nor anybody's credential.
#[tokio::test]
async fn the_log_holds_nothing_of_what_is_asked_or_by_whom() {
    let log = Log::listen();
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let everybody = everybody(&server, &world).await;
    let code = dorbank_server::auth::codes::typed(&server.state.keys, &world.shift);
    let mut never = vec!["sesam-in-a-query".to_owned(), "sesam-in-a-body".to_owned(), "sesam-browser".to_owned(), "203.0.113.77".to_owned(), code];
    for who in &everybody {
        match who {
            Who::Anyone => {}
            Who::Device(_, secret) => never.push(secret.clone()),
            Who::Officer(_, _, cookie) => never.push(cookie.split_once('=').map_or(cookie.as_str(), |(_, value)| value).to_owned()),
        }
    }
    never.extend([world.shift.id, world.branch.id, world.turfs[0].id].iter().map(Uuid::to_string));
    log.clear();
    let mut asked = 0;
    for route in router::declared().iter().filter(|route| route.path != "/sign-in/v1/out") {
        let id = Uuid::new_v4().to_string();
        never.push(id.clone());
        let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
        let address = format!("{}?q=sesam-in-a-query", path(route, &world).replace(&Uuid::nil().to_string(), &id));
        for (at, who) in everybody.iter().enumerate() {
            let words =
                json!({ "code": "sesam-in-a-body", "name": "sesam-in-a-body", "email": "sesam-in-a-body@example.org", "proto": "sesam-in-a-body" });
            let request = server.client.request(method.clone(), server.url(&address)).header("sec-fetch-site", "same-origin");
            let request = request
                .header("user-agent", "sesam-browser")
                .header("x-forwarded-for", "203.0.113.77")
                .header("referer", "https://example.org/sesam-in-a-query");
            let form = request
                .try_clone()
                .unwrap()
                .header("content-type", "application/x-www-form-urlencoded")
                .body("code=sesam-in-a-body&name=sesam-in-a-body");
            let request = if at % 2 == 0 { request.json(&words) } else { form };
            who.sign(request).send().await.unwrap();
            asked += 1;
        }
    }
    let ours = log.text();
    assert!(ours.lines().count() > asked / 2 && ours.contains("/sync/v1/push"), "the log is heard: {} lines of {asked}", ours.lines().count());
    for secret in never {
        assert!(!ours.contains(&secret), "{secret}: {}", ours.lines().find(|line| line.contains(&secret)).unwrap_or_default());
    }
}

#[tokio::test]
async fn a_person_is_led_to_sign_in_and_a_program_is_told_why() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let (_, committee) = World::officer(&server.state, Role::Committee, None).await;
    let page = format!("/plan/v1/shifts/{}", world.shift.id);
    let person = server.get(&page).header("accept", "text/html,*/*").send().await.unwrap();
    assert_eq!((person.status(), person.headers()["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/sign-in"));
    let wrong = server.get(&page).header("accept", "text/html").header("cookie", &committee).send().await.unwrap();
    assert_eq!(wrong.headers()["location"], "/sign-in?error=forbidden");
    let program = server.get(&page).send().await.unwrap();
    assert_eq!((program.status(), program.text().await.unwrap()), (StatusCode::UNAUTHORIZED, r#"{"error":"unknown"}"#.to_owned()));
}

#[tokio::test]
async fn a_foreign_page_changes_nothing_with_an_officers_cookie() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let (_, lead) = World::officer(&server.state, Role::Lead, Some(world.branch.id)).await;
    let rotate = |headers: &[(&str, &str)]| {
        let request = server.post(&format!("/plan/v1/shifts/{}/rotate", world.shift.id)).header("cookie", &lead).json(&json!({ "version": 9 }));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send()
    };
    let own = format!("http://{}", server.address);
    for foreign in [
        &[][..],
        &[("origin", "null")],
        &[("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", own.as_str())],
        &[("sec-fetch-site", "none")],
    ] {
        let response = rotate(foreign).await.unwrap();
        assert_eq!(
            (response.status(), response.text().await.unwrap()),
            (StatusCode::FORBIDDEN, r#"{"error":"cross_site"}"#.to_owned()),
            "{foreign:?}"
        );
    }
    for ours in [&[("origin", own.as_str())][..], &[("sec-fetch-site", "same-origin")]] {
        assert_eq!(rotate(ours).await.unwrap().status(), StatusCode::CONFLICT, "{ours:?}: let in, and told that the version is old");
    }
}

#[tokio::test]
async fn every_change_that_reads_a_cookie_checks_where_it_comes_from() {
    for route in router::declared() {
        let by_cookie = matches!(route.rule.access, Access::Officer(_) | Access::Shift(_));
        assert!(!by_cookie || route.rule.checks_origin(), "{} {}", route.method, route.path);
    }
}
