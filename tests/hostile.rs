//! Attacks over a real socket. What each is for stands in docs/threat-model.md.

use std::{io::Write as _, time::Duration};

use dorbank_server::{
    args,
    auth::codes,
    coarsen,
    limits::Limits,
    restore,
    schedule::{JOBS, tick},
    store::{self, tally},
};
use dorbank_shared::{
    code,
    principal::Role,
    shift::{MAX_MISSES, ShiftView, WAITING_MS},
    sync::wire::{Admission, Envelope, Have, JoinResponse, MAX_ENTRIES, PushResponse, Reason, Status},
    visit::Outcome,
};
use dorbank_tests::{Engine, TestServer, World};
use flate2::{Compression, write::GzEncoder};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use uuid::Uuid;

use crate::phone::{Phone, houses, read};

async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    (status, response.json::<Value>().await.unwrap()["error"].as_str().unwrap().to_owned())
}

async fn exchange(server: &TestServer, code: &str) -> Response {
    server.post("/join/v1/exchange").json(&json!({ "code": code })).send().await.unwrap()
}

/// A server whose limits a test can reach.
async fn tight(limits: Limits) -> TestServer {
    TestServer::with(Engine::Sqlite, |config| config.limits = limits).await
}

/// Sends bytes and reads until the server closes.
async fn raw(server: &TestServer, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // A server that refuses while we still write may reset the connection; what it said is what counts.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b'['; 64 * 1024 * 1024]).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_compressed_bomb_is_never_unpacked() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    let bomb = bomb();
    assert!(bomb.len() < 128 * 1024, "64 MiB in {} bytes", bomb.len());
    for (path, encoding) in [("/sync/v1/push", "gzip"), ("/sync/v1/pull", "br"), ("/inputs/v1", "deflate"), ("/join/v1/exchange", "gzip, br")] {
        let request = server.post(path).bearer_auth(&phone.credential).header("content-type", "application/json");
        let refused = request.header("content-encoding", encoding).body(bomb[..2000].to_vec()).send().await.unwrap();
        assert_eq!(refusal(refused).await, (400, "malformed".to_owned()), "{path}");
    }
    let refused = phone.send(&server, "/sync/v1/push", bomb).await;
    assert_eq!(refusal(refused).await, (400, "malformed".to_owned()), "unnamed, it is no JSON");
}

#[tokio::test]
async fn json_as_deep_as_a_body_is_refused() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    for open in ["[", "{\"a\":", "{\"entries\":["] {
        let body = open.repeat(500 * 1024 / open.len());
        for path in ["/sync/v1/push", "/sync/v1/pull"] {
            assert_eq!(refusal(phone.send(&server, path, body.clone()).await).await, (400, "malformed".to_owned()));
        }
        let join = server.post("/join/v1/exchange").header("content-type", "application/json").body(body[..4000].to_owned()).send().await.unwrap();
        assert_eq!(refusal(join).await, (400, "malformed".to_owned()));
    }
    // As deep as it is read: kept, in one piece.
    let deep = format!("{{\"entries\":[{}0{}]}}", "[".repeat(100), "]".repeat(100));
    let answer: PushResponse = read(phone.send(&server, "/sync/v1/push", deep).await).await;
    assert_eq!(answer.results[0].status, Status::Quarantined);
}

#[tokio::test]
async fn huge_numbers_and_strange_characters_are_kept_on_both_databases() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let houses = houses(&server.state, &world).await;
        let mut phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
        let good = phone.visit(&server.state, &houses[0], Some(0), Outcome::Talked);
        let visit = serde_json::to_value(&good).unwrap();
        let with = |changes: &[(&str, Value)]| {
            let mut entry = visit.clone();
            entry["id"] = json!(server.state.id_v7());
            for (name, value) in changes {
                entry[name] = value.clone();
            }
            entry.to_string()
        };
        let entries = [
            with(&[("device_seq", json!(u64::MAX))]),
            with(&[("device_seq", json!(i64::MAX))]),
            with(&[("device_seq", json!(0)), ("captured_at", json!(i64::MIN))]),
            with(&[("device_seq", json!(-1))]),
            with(&[("captured_at", json!(u64::MAX))]),
            with(&[("version", json!(4_294_967_296_u64))]),
            with(&[("device_seq", json!(1.5))]),
            with(&[("kind", json!("\u{0}")), ("bytes", json!("\u{0}"))]),
            with(&[("bytes", json!("{\"\u{0}\":\"\u{202e}\u{feff}\u{1f3f3}\"}"))]),
            with(&[("id", json!("\u{0}"))]),
            with(&[("kind", json!("k".repeat(50_000)))]),
            with(&[("bytes", json!("b".repeat(50_000)))]),
            with(&[("supersedes", json!(Uuid::max()))]),
            with(&[("bytes", json!(occurred(&good, i64::MIN)))]),
            with(&[("bytes", json!(occurred(&good, i64::MAX)))]),
            with(&[("bytes", json!(good.bytes.replace(&good.captured_at.to_string(), &u64::MAX.to_string())))]),
        ];
        let boast = r#"{"proto":1,"build":"","have":{"min_unacked":18446744073709551615,"max_issued":18446744073709551615,"unsent":18446744073709551615},"entries":[]}"#;
        assert_eq!(phone.send(&server, "/sync/v1/push", boast).await.status(), StatusCode::OK);
        // With more unsent elsewhere, a correction of nothing would only be told to wait.
        let have = json!({ "min_unacked": u64::MAX, "max_issued": u64::MAX, "unsent": 0 });
        let body = format!(r#"{{"proto":1,"build":"\u0000","have":{have},"entries":[{}]}}"#, entries.join(","));
        let first: PushResponse = read(phone.send(&server, "/sync/v1/push", body.clone()).await).await;
        assert_eq!(first.results.len(), entries.len());
        assert!(first.results.iter().all(|result| result.status.is_receipt()), "{engine:?}: {:?}", first.results);
        let again: PushResponse = read(phone.send(&server, "/sync/v1/push", body).await).await;
        assert!(again.results.iter().all(|result| matches!(result.status, Status::Duplicate | Status::Quarantined)), "{:?}", again.results);
        // The phone is not spoilt by it: what it notes honestly is taken.
        assert!(phone.push(&server, &[good]).await.results[0].status.is_receipt());
        for number in ["1e400", "-1e400", "18446744073709551616", "1.7976931348623157e309", "0x10", "-", "00"] {
            let body = format!(r#"{{"entries":[{}]}}"#, visit.to_string().replace("\"version\":1", &format!("\"version\":{number}")));
            assert!(phone.send(&server, "/sync/v1/push", body).await.status().as_u16() < 500, "{number}");
        }
        for bytes in [&b"{\"entries\":[\"\xff\xfe\"]}"[..], b"\xef\xbb\xbf{}", b"\x00", b"{\"entries\":[\"\xed\xa0\x80\"]}"] {
            assert_eq!(refusal(phone.send(&server, "/sync/v1/push", bytes).await).await, (400, "malformed".to_owned()));
        }
        // Nor does anything stumble that reads it later.
        assert_eq!(status_page(&server).await, StatusCode::OK);
        tick(&server.state, JOBS).await.unwrap();
        server.clock.set(world.shift.ends_at + coarsen::FINE_MS + 3_600_000);
        assert!(tick(&server.state, JOBS).await.unwrap().contains(&"coarsen"), "{engine:?}");
        assert_eq!(status_page(&server).await, StatusCode::OK);
        server.stop().await;
    }
}

/// The body of a visit, at another time.
fn occurred(visit: &Envelope, ms: i64) -> String {
    visit.bytes.replace(&visit.captured_at.to_string(), &ms.to_string())
}

/// What the county is answered that asks how all phones stand.
async fn status_page(server: &TestServer) -> StatusCode {
    let (_, cookie) = World::officer(&server.state, Role::County, None).await;
    server.get("/plan/status").header("accept", "text/html").header("cookie", cookie).send().await.unwrap().status()
}

#[tokio::test]
async fn a_visit_with_an_absurd_time_stopped_all_coarsening_and_every_restore() {
    const YEAR_MS: i64 = 365 * 86_400_000;
    for engine in Engine::BOTH {
        for by_restore in [false, true] {
            let server = TestServer::on(engine).await;
            let state = &server.state;
            let world = World::make(state).await;
            let houses = houses(state, &world).await;
            let mut phone = Phone::join(state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
            let now = state.now_ms();
            // Honest clocks, of which two are years off; and what no clock says.
            let times = [now, now - 5 * YEAR_MS, now + 5 * YEAR_MS, 0, i64::MIN, i64::MAX, i64::MIN + 1];
            let visits: Vec<Envelope> = (0..times.len())
                .map(|n| {
                    let visit = phone.visit(state, &houses[n / 4], Some(n % 4), Outcome::Talked);
                    Envelope { bytes: occurred(&visit, times[n]), ..visit }
                })
                .collect();
            let answer = phone.push(&server, &visits).await;
            assert!(answer.results.iter().all(|result| result.status == Status::Applied), "{answer:?}");
            let mut taken = Vec::new();
            for visit in &visits {
                let found = store::visit::among(&mut state.db.read().await.unwrap(), &[visit.id].into()).await.unwrap();
                taken.push(found[0].body.occurred_at);
            }
            let (first, last) = (1_577_836_800_000, 4_102_444_799_999);
            assert_eq!(taken, [now, now - 5 * YEAR_MS, now + 5 * YEAR_MS, first, first, last, first], "{engine:?}");

            // As a server before this one has stored it.
            let mut tx = state.db.begin().await.unwrap();
            for n in [4, 5, 6] {
                tx.execute("UPDATE visit SET occurred_at = $2 WHERE id = $1", args![visits[n].id, times[n]]).await.unwrap();
            }
            tx.commit().await.unwrap();
            tick(state, JOBS).await.unwrap();
            server.clock.set(world.shift.ends_at + coarsen::FINE_MS + 3_600_000);
            if by_restore {
                restore::begin_again(&state.db, state.now_ms(), &mut state.fork_rng()).await.unwrap();
            } else {
                assert!(tick(state, JOBS).await.unwrap().contains(&"coarsen"), "{engine:?}");
            }
            let mut tx = state.db.read().await.unwrap();
            let fine = tx.one("SELECT COUNT(*) FROM visit WHERE coarse = $1", args![false]).await.unwrap().unwrap();
            assert_eq!(fine.get::<i64>(0).unwrap(), 0, "{engine:?}");
            assert_eq!(tally::reach(&mut tx, world.round.id).await.unwrap()["01"].conversations, 7, "none of them counts less");
            drop(tx);
            server.stop().await;
        }
    }
}

#[tokio::test]
async fn a_phone_that_boasts_of_what_it_has_not_sent_stopped_the_page_of_all_phones() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let houses = houses(&server.state, &world).await;
        for house in &houses[..2] {
            let mut phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
            let visits = [0, 1].map(|door| phone.visit(&server.state, house, Some(door), Outcome::NotHome));
            let mut request = phone.request(&visits);
            request.have = Have { min_unacked: 1, max_issued: 0, unsent: u64::MAX };
            let answer: PushResponse = read(phone.send(&server, "/sync/v1/push", serde_json::to_vec(&request).unwrap()).await).await;
            assert!(answer.results.iter().all(|result| result.status == Status::Applied), "{answer:?}");
        }
        assert_eq!(status_page(&server).await, StatusCode::OK, "{engine:?}");
        // Later all of a shift's are added up.
        server.clock.set(world.shift.ends_at + coarsen::FINE_MS);
        assert_eq!(status_page(&server).await, StatusCode::OK, "{engine:?}");
        server.stop().await;
    }
}

#[tokio::test]
async fn more_entries_than_a_batch_holds_are_refused_as_too_large() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    let many = format!(r#"{{"entries":[{}0]}}"#, "0,".repeat(MAX_ENTRIES));
    assert_eq!(refusal(phone.send(&server, "/sync/v1/push", many).await).await, (413, "too_large".to_owned()));
    let large = vec![b' '; 512 * 1024 + 1];
    assert_eq!(refusal(phone.send(&server, "/sync/v1/push", large).await).await, (413, "too_large".to_owned()));
}

#[tokio::test]
async fn a_phone_reaches_no_other_phones_turf_or_entries() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let houses = houses(&server.state, &world).await;
    let mut honest = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    let mut thief = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[1].id)).await;
    let noted = honest.visit(&server.state, &houses[0], Some(0), Outcome::DoNotKnock);
    assert_eq!(honest.push(&server, std::slice::from_ref(&noted)).await.results[0].status, Status::Applied);
    let before = honest.pull(&server, &[(world.turfs[0].id, None)], None).await.turfs;

    let withdrawn = thief.withdraw(&server.state, &noted);
    let corrected = thief.correct(&server.state, &houses[0], Some(0), Outcome::NotHome, Some(noted.id));
    let mut reused = thief.visit(&server.state, &houses[0], Some(1), Outcome::Talked);
    reused.id = noted.id;
    let foreign = thief.visit(&server.state, &houses[5], Some(0), Outcome::Talked);
    let mut elsewhere = thief.visit(&server.state, &houses[0], Some(0), Outcome::Talked);
    elsewhere.bytes = elsewhere.bytes.replace(&world.campaign.id.to_string(), &Uuid::from_u128(9).to_string());
    let answer = thief.push(&server, &[withdrawn, corrected, reused, foreign, elsewhere]).await;
    let said: Vec<_> = answer.results.iter().map(|result| (result.status, result.reason)).collect();
    let kept = |reason| (Status::Quarantined, Some(reason));
    assert_eq!(said[..4], [kept(Reason::UnknownSuperseded), kept(Reason::UnknownSuperseded), kept(Reason::IdReuse), kept(Reason::OutsideScope)]);
    assert_eq!(said[4].0, Status::Quarantined);

    let pulled = thief.pull(&server, &[(world.turfs[0].id, None), (world.other_turf.id, None)], None).await;
    assert_eq!(pulled.turfs.iter().map(|turf| turf.turf).collect::<Vec<_>>(), [world.turfs[1].id]);
    assert_eq!(pulled.removed.len(), 2);
    assert_eq!(honest.pull(&server, &[(world.turfs[0].id, None)], None).await.turfs, before, "nothing of the honest phone's changed");
    for credential in ["", "x", &honest.credential[..honest.credential.len() - 1], &"A".repeat(43)] {
        let request = server.post("/sync/v1/pull").bearer_auth(credential).json(&json!({ "proto": 1, "build": "1", "turfs": {} }));
        assert_eq!(refusal(request.send().await.unwrap()).await, (401, "unknown".to_owned()));
    }
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_given_up() {
    let server = tight(Limits { body: Duration::from_millis(50), ..Limits::default() }).await;
    let head = "POST /inputs/v1 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n{";
    let answer = raw(&server, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains(r#"{"error":"too_slow"}"#), "{answer}");
    assert!(answer.contains("retry-after"));
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let server = tight(Limits { head: Duration::from_millis(50), ..Limits::default() }).await;
    for begun in ["", "GET /hea", "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let answer = raw(&server, begun.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let server = tight(Limits { head: Duration::from_millis(500), ..Limits::default() }).await;
    let many = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-a: b\r\n".repeat(500));
    let long = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: {}\r\n\r\n", "b".repeat(1024 * 1024));
    for head in [many, long] {
        let answer = raw(&server, head.as_bytes()).await;
        // The rest of what was sent is not read, so the connection may be reset before the answer is.
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    for broken in
        ["\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "POST /sync/v1/push HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n"]
    {
        let answer = raw(&server, format!("{broken}\r\n").as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 505"), "{answer}");
    }
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
}

/// A connection that stays open after its first answer.
async fn kept_open(server: &TestServer) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.ok()?;
    assert_eq!(&start, b"HTTP/1.1 200");
    Some(stream)
}

#[tokio::test]
async fn one_client_holds_no_more_than_its_connections() {
    let server = tight(Limits { per_address: 3, private_too: true, ..Limits::default() }).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(kept_open(&server).await.expect("there is room"));
    }
    assert!(kept_open(&server).await.is_none(), "the fourth is closed at once");
    held.pop();
    // Its end is noticed a moment later.
    while kept_open(&server).await.is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_finds_no_place_waits_for_one() {
    let server = tight(Limits { connections: 2, ..Limits::default() }).await;
    let (first, second) = (kept_open(&server).await.unwrap(), kept_open(&server).await.unwrap());
    let waiting = tokio::spawn({
        let address = server.url("/healthz");
        async move { reqwest::get(address).await.unwrap().status() }
    });
    drop(first);
    assert_eq!(waiting.await.unwrap(), StatusCode::OK);
    drop(second);
}

#[tokio::test]
async fn a_phone_that_asks_too_often_is_told_to_wait_and_loses_nothing() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let houses = houses(&server.state, &world).await;
    let mut phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    let other = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    let ask = async |phone: &Phone| phone.send(&server, "/sync/v1/tickets", r#"{"count":0}"#).await;
    let mut asked = 0;
    let refused = loop {
        let answer = ask(&phone).await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
        asked += 1;
        assert!(asked < 1000, "a flood is never slowed");
    };
    assert!(asked >= 200, "a phone that comes back with much is not slowed");
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refusal(refused).await, (429, "too_many".to_owned()));
    assert_eq!(ask(&other).await.status(), StatusCode::OK, "another phone is not slowed");
    let noted = phone.visit(&server.state, &houses[0], Some(0), Outcome::Talked);
    let body = serde_json::to_vec(&phone.request(std::slice::from_ref(&noted))).unwrap();
    assert_eq!(phone.send(&server, "/sync/v1/push", body).await.status(), StatusCode::TOO_MANY_REQUESTS);
    server.clock.advance(10_000);
    assert_eq!(phone.push(&server, &[noted]).await.results[0].status, Status::Applied);
}

#[tokio::test]
async fn many_phones_that_come_back_at_once_are_all_served() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let houses = houses(&server.state, &world).await;
    let mut all = JoinSet::new();
    for number in 0..200 {
        let mut phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
        let noted = phone.visit(&server.state, &houses[0], Some(number % 4), Outcome::NotHome);
        let body = serde_json::to_vec(&phone.request(&[noted])).unwrap();
        let request = server.post("/sync/v1/push").bearer_auth(&phone.credential).body(body);
        all.spawn(async move { request.send().await.unwrap().json::<PushResponse>().await.unwrap().results[0].status });
    }
    let said = all.join_all().await;
    assert!(said.len() == 200 && said.iter().all(|status| matches!(status, Status::Applied | Status::Merged)), "{said:?}");
}

#[tokio::test]
async fn a_foreign_page_cannot_make_browsers_try_codes() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let code = codes::typed(&server.state.keys, &world.shift);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain; application/json"] {
        let request = server.post("/join/v1/exchange").header("content-type", kind).header("origin", "https://evil.example");
        let refused = request.body(json!({ "code": code }).to_string()).send().await.unwrap();
        assert_eq!(refusal(refused).await, (400, "malformed".to_owned()), "{kind}");
    }
    // JSON makes the browser ask first, and nothing here says yes.
    let preflight = server.client.request(reqwest::Method::OPTIONS, server.url("/join/v1/exchange"));
    let answer = preflight.header("origin", "https://evil.example").header("access-control-request-method", "POST").send().await.unwrap();
    assert!(!answer.status().is_success() && !answer.headers().contains_key("access-control-allow-origin"));
    assert_eq!(exchange(&server, &code).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_flood_of_wrong_codes_locks_typing_only_and_writes_little() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let wrong = code::typed(&world.shift.selector, "000000");
    for _ in 0..MAX_MISSES {
        assert_eq!(refusal(exchange(&server, &wrong).await).await.1, "code_refused");
    }
    for _ in 0..20 {
        assert_eq!(refusal(exchange(&server, &wrong).await).await, (429, "code_locked".to_owned()));
    }
    let noted = async || store::meta::find(&mut server.state.db.read().await.unwrap(), "join.unknown").await.unwrap();
    for number in 0..60 {
        server.clock.advance(1);
        let unknown = code::typed("ZZZZ", &format!("0000{number:02}"));
        assert_eq!(refusal(exchange(&server, &unknown).await).await.1, "code_refused", "answered alike, however many");
    }
    let before = noted().await;
    server.clock.advance(1);
    exchange(&server, &code::typed("ZZZZ", "000000")).await;
    assert_eq!(noted().await, before, "beyond some they are no longer written down");
    let link = codes::link(&server.state.config, &server.state.keys, &world.shift);
    assert_eq!(exchange(&server, &link).await.status(), StatusCode::OK, "who scans is let in all the while");
}

#[tokio::test]
async fn who_takes_all_places_with_a_leaked_code_is_turned_away_in_one_tap() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let (_, cookie) = World::officer(&server.state, Role::Lead, Some(world.branch.id)).await;
    let base = format!("/plan/v1/shifts/{}", world.shift.id);
    let view = async || server.get(&base).header("cookie", &cookie).send().await.unwrap().json::<ShiftView>().await.unwrap();
    let leaked = view().await.typed;
    let admitted = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    while exchange(&server, &leaked).await.status() == StatusCode::OK {}
    assert_eq!(refusal(exchange(&server, &leaked).await).await, (409, "shift_full".to_owned()));

    let seen = view().await;
    let tap = |version: i64| {
        let request = server.post(&format!("{base}/refuse-waiting")).header("cookie", &cookie).header("sec-fetch-site", "same-origin");
        request.json(&json!({ "version": version })).send()
    };
    let after: ShiftView = tap(seen.version).await.unwrap().json().await.unwrap();
    assert_eq!(refusal(tap(seen.version).await.unwrap()).await.1, "stale");
    assert!(after.devices.iter().all(|device| device.admission == if device.id == admitted.id { Admission::Admitted } else { Admission::Refused }));
    assert_eq!(refusal(exchange(&server, &leaked).await).await.1, "code_refused", "the leaked code is worthless");
    let honest: JoinResponse = exchange(&server, &after.typed).await.json().await.unwrap();
    assert!(view().await.devices.iter().all(|device| device.sign != honest.sign || device.id == honest.device));
    assert_eq!(admitted.pull(&server, &[], None).await.admission, Admission::Admitted);
    let audit = store::audit::all(&mut server.state.db.read().await.unwrap()).await.unwrap();
    assert_eq!(audit.iter().filter(|row| row.action == "refuse_waiting").count(), 1);
}

#[tokio::test]
async fn a_place_that_is_only_waited_on_is_given_to_another() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let code = codes::typed(&server.state.keys, &world.shift);
        let first: JoinResponse = exchange(&server, &code).await.json().await.unwrap();
        while exchange(&server, &code).await.status() == StatusCode::OK {}
        server.clock.advance(WAITING_MS - 1);
        assert_eq!(refusal(exchange(&server, &code).await).await.1, "shift_full");
        server.clock.advance(1);
        assert_eq!(exchange(&server, &code).await.status(), StatusCode::OK);
        let mut tx = server.state.db.begin().await.unwrap();
        store::device::set_admission(&mut tx, first.device, 1, Admission::Admitted, Some(world.turfs[0].id)).await.unwrap();
        tx.commit().await.unwrap();
        server.stop().await;
    }
}
