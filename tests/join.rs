//! Phones join a shift, and its lead lets them in.

use dorbank_server::{
    auth::codes,
    store::{self, audit::Audit},
};
use dorbank_shared::{
    code,
    principal::Role,
    shift::{LOCK_MS, MAX_MISSES, ShiftView},
    sync::wire::{Admission, JoinResponse},
};
use dorbank_tests::{Engine, TestServer, World};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

const HOUR_MS: i64 = 60 * 60 * 1000;

async fn exchange(server: &TestServer, code: &str) -> Response {
    server.post("/join/v1/exchange").json(&json!({ "code": code })).send().await.unwrap()
}

async fn refusal(response: Response) -> (StatusCode, String) {
    let status = response.status();
    (status, response.json::<Value>().await.unwrap()["error"].as_str().unwrap().to_owned())
}

fn wrong_code(world: &World) -> String {
    code::typed(&world.shift.selector, "000000")
}

struct Lead<'a> {
    server: &'a TestServer,
    world: &'a World,
    cookie: String,
}

impl<'a> Lead<'a> {
    async fn of(server: &'a TestServer, world: &'a World) -> Self {
        let (_, cookie) = World::officer(&server.state, Role::Lead, Some(world.branch.id)).await;
        Self { server, world, cookie }
    }

    fn base(&self) -> String {
        format!("/plan/v1/shifts/{}", self.world.shift.id)
    }

    async fn view(&self) -> ShiftView {
        let response = self.server.get(&self.base()).header("cookie", &self.cookie).send().await.unwrap();
        assert_eq!(response.headers()["cache-control"], "no-store");
        response.json().await.unwrap()
    }

    async fn post(&self, what: &str, body: Value) -> Response {
        // Rows of one millisecond have no order.
        self.server.clock.advance(1);
        let request = self.server.post(&format!("{}/{what}", self.base())).header("cookie", &self.cookie);
        request.header("sec-fetch-site", "same-origin").json(&body).send().await.unwrap()
    }

    async fn admit(&self, device: Uuid, version: i64) -> Response {
        self.post(&format!("devices/{device}/admit"), json!({ "turf": self.world.turfs[0].id, "version": version })).await
    }
}

#[tokio::test]
async fn a_phone_joins_by_typing_or_scanning_and_the_lead_admits_it() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let lead = Lead::of(&server, &world).await;
        let view = lead.view().await;
        assert_eq!(view.devices, []);
        assert!(view.link.starts_with(&format!("{}/field/#j={}.", server.state.config.public_url, world.shift.selector)));

        let typed: JoinResponse = exchange(&server, &view.typed.to_lowercase().replace('-', " ")).await.json().await.unwrap();
        server.clock.advance(1000);
        let scanned: JoinResponse = exchange(&server, view.link.split_once("#j=").unwrap().1).await.json().await.unwrap();
        assert_eq!(typed.admission, Admission::Waiting);
        assert_ne!(typed.sign, scanned.sign);
        assert_ne!(typed.credential, scanned.credential);

        let before = lead.view().await;
        assert_eq!(before.devices.iter().map(|device| device.id).collect::<Vec<_>>(), [typed.device, scanned.device]);
        assert_eq!(lead.admit(typed.device, before.devices[0].version).await.status(), StatusCode::OK);
        let stale = lead.admit(typed.device, before.devices[0].version).await;
        assert_eq!(refusal(stale).await, (StatusCode::CONFLICT, "stale".to_owned()));
        let refuse = format!("devices/{}/refuse", scanned.device);
        assert_eq!(lead.post(&refuse, json!({ "version": before.devices[1].version })).await.status(), StatusCode::OK);

        let after = lead.view().await;
        let standing: Vec<Admission> = after.devices.iter().map(|device| device.admission).collect();
        assert_eq!(standing, [Admission::Admitted, Admission::Refused]);
        assert_eq!(after.devices[0].turf, Some(world.turfs[0].id));
        let revoke = format!("devices/{}/revoke", typed.device);
        assert_eq!(lead.post(&revoke, json!({ "version": after.devices[0].version })).await.status(), StatusCode::OK);
        assert_eq!(lead.view().await.devices[0].admission, Admission::Revoked);

        let audit = store::audit::all(&mut server.state.db.read().await.unwrap()).await.unwrap();
        let of = |row: &Audit| (row.role.clone(), row.action.clone(), row.subject.clone());
        let done: Vec<_> = audit.iter().filter(|row| row.subject == "device").map(of).collect();
        let row = |action: &str| ("lead".to_owned(), action.to_owned(), "device".to_owned());
        assert_eq!(done, [row("admit"), row("refuse"), row("revoke")]);
        server.stop().await;
    }
}

#[tokio::test]
async fn neither_codes_nor_credentials_are_in_the_database() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let typed = codes::typed(&server.state.keys, &world.shift).replace('-', "");
    let link = codes::link(&server.state.config, &server.state.keys, &world.shift);
    let joined: JoinResponse = exchange(&server, &typed).await.json().await.unwrap();
    let raw =
        Vec::from_iter(["dorbank.db", "dorbank.db-wal"].iter().flat_map(|name| std::fs::read(server.folder.path().join(name)).unwrap_or_default()));
    let holds = |needle: &[u8]| raw.windows(needle.len()).any(|window| window == needle);
    assert!(holds(world.shift.selector.as_bytes()), "the shift itself is there");
    assert!(!holds(&typed.as_bytes()[4..10]));
    assert!(!holds(link.rsplit_once('.').unwrap().1.as_bytes()));
    assert!(!holds(joined.credential.as_bytes()));
}

#[tokio::test]
async fn a_wrong_code_and_an_unknown_shift_are_answered_alike() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let unknown = code::typed(if world.shift.selector == "ZZZZ" { "ZZZY" } else { "ZZZZ" }, "000000");
    let no_code = "hello".to_owned();
    let old_link = code::link(&world.shift.selector, &[0; 16]);
    let mut answers = Vec::new();
    for code in [wrong_code(&world), unknown, no_code, old_link] {
        answers.push(refusal(exchange(&server, &code).await).await);
    }
    assert!(answers.iter().all(|answer| *answer == (StatusCode::FORBIDDEN, "code_refused".to_owned())), "{answers:?}");
}

#[tokio::test]
async fn twenty_wrong_codes_lock_typing_but_not_scanning_for_a_quarter_of_an_hour() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let lead = Lead::of(&server, &world).await;
    let view = lead.view().await;
    for _ in 0..MAX_MISSES {
        assert_eq!(refusal(exchange(&server, &wrong_code(&world)).await).await.1, "code_refused");
    }
    assert_eq!(refusal(exchange(&server, &view.typed).await).await, (StatusCode::TOO_MANY_REQUESTS, "code_locked".to_owned()));
    assert!(lead.view().await.locked_until.is_some());
    assert_eq!(exchange(&server, &view.link).await.status(), StatusCode::OK);
    server.clock.advance(LOCK_MS);
    assert_eq!(exchange(&server, &view.typed).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn new_codes_make_the_old_ones_worthless_and_unlock() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let lead = Lead::of(&server, &world).await;
    let old = lead.view().await;
    for _ in 0..MAX_MISSES {
        exchange(&server, &wrong_code(&world)).await;
    }
    let new: ShiftView = lead.post("rotate", json!({ "version": old.version })).await.json().await.unwrap();
    assert_eq!(refusal(lead.post("rotate", json!({ "version": old.version })).await).await.1, "stale");
    assert_ne!((&new.typed, &new.link), (&old.typed, &old.link));
    assert_eq!(exchange(&server, &new.typed).await.status(), StatusCode::OK);
    assert_eq!(refusal(exchange(&server, &old.typed).await).await.1, "code_refused");
    assert_eq!(refusal(exchange(&server, &old.link).await).await.1, "code_refused");
    let audit = store::audit::all(&mut server.state.db.read().await.unwrap()).await.unwrap();
    assert_eq!(audit.iter().filter(|row| row.action == "rotate").count(), 1, "a stale change leaves no row");
}

#[tokio::test]
async fn codes_are_valid_from_two_hours_before_until_two_hours_after() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let code = codes::typed(&server.state.keys, &world.shift);
    for (at, open) in [
        (world.shift.starts_at - 2 * HOUR_MS - 1, false),
        (world.shift.starts_at - 2 * HOUR_MS, true),
        (world.shift.ends_at + 2 * HOUR_MS - 1, true),
        (world.shift.ends_at + 2 * HOUR_MS, false),
    ] {
        server.clock.set(at);
        let response = exchange(&server, &code).await;
        if open {
            assert_eq!(response.status(), StatusCode::OK);
        } else {
            assert_eq!(refusal(response).await.1, "shift_closed");
        }
    }
}

#[tokio::test]
async fn a_shift_takes_two_phones_more_than_it_has_places_also_when_all_join_at_once() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let lead = Lead::of(&server, &world).await;
        let code = codes::typed(&server.state.keys, &world.shift);
        let places = usize::try_from(world.shift.places()).unwrap();
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..places + 4 {
            let request = server.post("/join/v1/exchange").json(&json!({ "code": code }));
            tries.spawn(async move { request.send().await.unwrap().status() });
        }
        let answers = tries.join_all().await;
        assert_eq!(answers.iter().filter(|status| **status == StatusCode::OK).count(), places, "{engine:?}");
        assert_eq!(refusal(exchange(&server, &code).await).await.1, "shift_full");
        let devices = lead.view().await.devices;
        let signs: std::collections::BTreeSet<&str> = devices.iter().map(|device| device.sign.as_str()).collect();
        assert_eq!(signs.len(), places, "no two phones have the same sign");
        lead.post(&format!("devices/{}/refuse", devices[0].id), json!({ "version": devices[0].version })).await;
        assert_eq!(exchange(&server, &code).await.status(), StatusCode::OK, "a refused phone gives its place back");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_phone_is_admitted_to_a_turf_of_its_shift_only() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let lead = Lead::of(&server, &world).await;
    let joined: JoinResponse = exchange(&server, &lead.view().await.typed).await.json().await.unwrap();
    let admit = format!("devices/{}/admit", joined.device);
    let foreign = lead.post(&admit, json!({ "turf": world.other_turf.id, "version": 1 })).await;
    assert_eq!(refusal(foreign).await.1, "malformed");
    let nobody = lead.post(&format!("devices/{}/admit", Uuid::nil()), json!({ "turf": world.turfs[0].id, "version": 1 })).await;
    assert_eq!(refusal(nobody).await.1, "not_found");
}

#[tokio::test]
async fn a_page_without_scripting_admits_by_a_form() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let lead = Lead::of(&server, &world).await;
    let joined: JoinResponse = exchange(&server, &lead.view().await.typed).await.json().await.unwrap();
    let page = format!("/plan/shifts/{}", world.shift.id);
    let send = || {
        let request = server.post(&format!("{}/devices/{}/admit", lead.base(), joined.device)).header("cookie", &lead.cookie);
        let request = request.header("origin", format!("http://{}", server.address)).header("content-type", "application/x-www-form-urlencoded");
        request.body(format!("turf={}&version=1", world.turfs[1].id)).send()
    };
    let done = send().await.unwrap();
    assert_eq!((done.status(), done.headers()["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, page.as_str()));
    assert_eq!(lead.view().await.devices[0].turf, Some(world.turfs[1].id));
    assert_eq!(send().await.unwrap().headers()["location"], format!("{page}?error=stale"));
}

#[tokio::test]
async fn the_qr_code_is_a_picture_of_the_address() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let lead = Lead::of(&server, &world).await;
    let response = server.get(&format!("{}/qr.svg", lead.base())).header("cookie", &lead.cookie).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "image/svg+xml");
    let svg = response.text().await.unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("<path d=\"M4,4h1v1h-1z") && !svg.contains("style"));
    lead.post("rotate", json!({ "version": 1 })).await;
    let new = server.get(&format!("{}/qr.svg", lead.base())).header("cookie", &lead.cookie).send().await.unwrap().text().await.unwrap();
    assert_ne!(svg, new);
}
