//! Officers sign in, by a link from the command line or, in a demo, by choosing who to be.

use dorbank_server::{
    auth::{link, officer, session::SESSION_MS},
    store,
};
use dorbank_shared::principal::Role;
use dorbank_tests::{Engine, TestServer, World};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// The cookies that an answer sets, as a browser would send them back.
fn cookies(response: &Response) -> String {
    let set = response.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap().split(';').next().unwrap().to_owned());
    set.filter(|pair| !pair.ends_with('=')).collect::<Vec<_>>().join("; ")
}

fn place(response: &Response) -> &str {
    response.headers()["location"].to_str().unwrap()
}

async fn post(server: &TestServer, path: &str, cookie: &str, body: Value) -> Response {
    server.post(path).header("cookie", cookie).header("sec-fetch-site", "same-origin").json(&body).send().await.unwrap()
}

async fn me(server: &TestServer, cookie: &str) -> Response {
    server.get("/admin/v1/me").header("cookie", cookie).send().await.unwrap()
}

/// The path of a new link for an officer.
async fn link_for(server: &TestServer, officer: Uuid) -> String {
    let whole = link::make(&server.state, officer).await.unwrap();
    whole.strip_prefix(&server.state.config.public_url).unwrap().to_owned()
}

#[tokio::test]
async fn a_link_signs_in_once_in_the_browser_that_opened_it() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let new = officer::NewOfficer { name: "Kari".into(), email: "Kari@Example.no".into(), role: Role::County, branch: None, district: None };
        let kari = officer::add(&server.state, None, new).await.unwrap();
        assert_eq!(kari.email, "kari@example.no");
        let link = link_for(&server, kari.id).await;

        let opened = server.get(&link).send().await.unwrap();
        assert_eq!((opened.status(), place(&opened)), (StatusCode::SEE_OTHER, "/sign-in/confirm"));
        let browser = cookies(&opened);
        assert_eq!(me(&server, &browser).await.status(), StatusCode::UNAUTHORIZED, "opening alone signs nobody in");
        let elsewhere = server.get(&link).send().await.unwrap();
        assert_eq!(place(&elsewhere), "/sign-in?error=link_refused", "another browser cannot");
        let again = server.get(&link).header("cookie", &browser).send().await.unwrap();
        assert_eq!(place(&again), "/sign-in/confirm", "the same browser may open it again");

        assert_eq!(post(&server, "/sign-in/v1/consume", "", json!({})).await.status(), StatusCode::FORBIDDEN);
        let signed_in = post(&server, "/sign-in/v1/consume", &browser, json!({})).await;
        assert_eq!(signed_in.status(), StatusCode::OK);
        let session = cookies(&signed_in);
        let known: Value = me(&server, &session).await.json().await.unwrap();
        assert_eq!((known["role"].as_str(), known["home"].as_str()), (Some("county"), Some("/programme")));
        assert_eq!(post(&server, "/sign-in/v1/consume", &browser, json!({})).await.status(), StatusCode::FORBIDDEN, "a link works once");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_link_runs_out_after_a_quarter_of_an_hour() {
    let server = TestServer::start().await;
    let (kari, _) = World::officer(&server.state, Role::Privacy, None).await;
    let (late_to_open, late_to_press) = (link_for(&server, kari.id).await, link_for(&server, kari.id).await);
    let browser = cookies(&server.get(&late_to_press).send().await.unwrap());
    server.clock.advance(link::LINK_MS);
    assert_eq!(place(&server.get(&late_to_open).send().await.unwrap()), "/sign-in?error=link_refused");
    assert_eq!(post(&server, "/sign-in/v1/consume", &browser, json!({})).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(place(&server.get("/sign-in/link/nonsense").send().await.unwrap()), "/sign-in?error=link_refused");
}

#[tokio::test]
async fn a_form_signs_in_and_leads_home() {
    let server = TestServer::start().await;
    let (lead, old) = World::officer(&server.state, Role::Committee, None).await;
    let browser = cookies(&server.get(&link_for(&server, lead.id).await).send().await.unwrap());
    let request = server.post("/sign-in/v1/consume").header("cookie", format!("{old}; {browser}")).header("sec-fetch-site", "same-origin");
    let done = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    assert_eq!((done.status(), place(&done)), (StatusCode::SEE_OTHER, "/programme"));
    let set: Vec<&str> = done.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(set.iter().all(|cookie| cookie.contains("; HttpOnly; SameSite=Lax")), "{set:?}");
    assert_ne!(cookies(&done), old, "a new session has a new id");
    assert_eq!(me(&server, &old).await.status(), StatusCode::UNAUTHORIZED, "the one before has ended");
}

#[tokio::test]
async fn over_tls_cookies_are_bound_to_the_host() {
    let server = TestServer::with(Engine::Sqlite, |config| config.public_url = "https://dorbank.example".into()).await;
    let (officer, cookie) = World::officer(&server.state, Role::County, None).await;
    assert!(cookie.starts_with("__Host-dorbank="));
    let opened = server.get(&link_for(&server, officer.id).await).send().await.unwrap();
    let set = opened.headers()["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("__Host-dorbank-browser=") && set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{set}");
    assert_eq!(opened.headers()["strict-transport-security"], "max-age=31536000; includeSubDomains");
}

#[tokio::test]
async fn a_session_lasts_twelve_hours_from_its_last_use() {
    let server = TestServer::start().await;
    let (_, cookie) = World::officer(&server.state, Role::County, None).await;
    for _ in 0..3 {
        server.clock.advance(SESSION_MS - 1);
        assert_eq!(me(&server, &cookie).await.status(), StatusCode::OK);
    }
    server.clock.advance(SESSION_MS);
    assert_eq!(me(&server, &cookie).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let server = TestServer::start().await;
    let (_, cookie) = World::officer(&server.state, Role::County, None).await;
    assert_eq!(post(&server, "/sign-in/v1/out", &cookie, json!({})).await.status(), StatusCode::OK);
    assert_eq!(me(&server, &cookie).await.status(), StatusCode::UNAUTHORIZED);
    let audit = store::audit::all(&mut server.state.db.read().await.unwrap()).await.unwrap();
    assert_eq!(audit.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["sign_in", "sign_out"]);
}

#[tokio::test]
async fn a_stopped_officer_is_out_at_once() {
    let server = TestServer::start().await;
    let (_, county) = World::officer(&server.state, Role::County, None).await;
    let (reader, cookie) = World::officer(&server.state, Role::Committee, None).await;
    let unused = link_for(&server, reader.id).await;
    let stop = format!("/admin/v1/officers/{}/stop", reader.id);
    assert_eq!(post(&server, &stop, &county, json!({ "version": 7 })).await.status(), StatusCode::CONFLICT);
    assert_eq!(post(&server, &stop, &county, json!({ "version": 1 })).await.status(), StatusCode::OK);
    assert_eq!(me(&server, &cookie).await.status(), StatusCode::UNAUTHORIZED);
    let browser = cookies(&server.get(&unused).send().await.unwrap());
    assert_eq!(post(&server, "/sign-in/v1/consume", &browser, json!({})).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_county_adds_officers_with_their_branch_and_no_address_twice() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let (_, county) = World::officer(&server.state, Role::County, None).await;
    let add = async |body: Value| {
        let response = post(&server, "/admin/v1/officers", &county, body).await;
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let lead = |branch: Value| json!({ "name": "Ola", "email": "ola@example.no", "role": "lead", "branch": branch });
    assert_eq!(add(lead(Value::Null)).await.1["error"], "malformed");
    assert_eq!(add(lead(json!(Uuid::nil()))).await.1["error"], "not_found");
    assert_eq!(add(lead(json!(world.branch.id))).await.0, StatusCode::OK);
    assert_eq!(add(lead(json!(world.branch.id))).await.1["error"], "exists");
}

#[tokio::test]
async fn choosing_who_to_be_exists_in_a_demo_only() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let (lead, _) = World::officer(&server.state, Role::Lead, Some(world.branch.id)).await;
    let choose = json!({ "officer": lead.id });
    assert_eq!(post(&server, "/sign-in/v1/demo", "", choose.clone()).await.status(), StatusCode::NOT_FOUND);
    let mut tx = server.state.db.begin().await.unwrap();
    store::stamp::set_demo(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let signed_in = post(&server, "/sign-in/v1/demo", "", choose).await;
    assert_eq!(signed_in.status(), StatusCode::OK);
    let known: Value = me(&server, &cookies(&signed_in)).await.json().await.unwrap();
    assert_eq!(known["home"], "/plan");
    assert_eq!(post(&server, "/sign-in/v1/demo", "", json!({ "officer": Uuid::nil() })).await.status(), StatusCode::NOT_FOUND);
}
