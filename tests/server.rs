//! The server itself: is it there, does it stop, what does it send with every answer.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_server::{
    backup, round,
    schedule::{Job, Rule, tick},
    state::AppState,
    store,
};
use dorbank_tests::{Engine, TestServer, field::Field};
use jiff::Timestamp;
use reqwest::{Response, StatusCode};
use serde_json::json;

use crate::process::Place;

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn it_answers_that_it_is_alive_and_ready_on_both_databases_and_stops() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        assert_eq!(server.get("/healthz").send().await.unwrap().status(), 200);
        assert_eq!(server.get("/readyz").send().await.unwrap().status(), 200);
        let address = server.url("/healthz");
        server.stop().await;
        assert!(reqwest::get(address).await.is_err(), "it listens no more");
    }
}

#[tokio::test]
async fn it_is_not_ready_without_its_database() {
    let server = TestServer::start().await;
    server.state.db.close().await;
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), 200);
    assert!(server.get("/readyz").send().await.unwrap().status().is_server_error());
}

#[tokio::test]
async fn a_stop_finishes_what_has_begun() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = TestServer::start().await;
    let mut phone = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let body = r#"{"code":"hello"}"#;
    let head = format!(
        "POST /join/v1/exchange HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    phone.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body when its handler waits for it: the request has begun.
    let mut asked = [0; 25];
    phone.read_exact(&mut asked).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100 Continue"));
    let stopping = tokio::spawn(server.stop());
    tokio::task::yield_now().await;
    phone.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    phone.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("code_refused"), "{answer}");
    stopping.await.unwrap();
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_guard_it() {
    let server = TestServer::start().await;
    for path in ["/healthz", "/field/", "/field/sw.js", "/assets/field.0a1b2c3d.js", "/nowhere", "/admin/v1/me"] {
        let response = server.get(path).send().await.unwrap();
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header(&response, "cross-origin-resource-policy"), "same-origin", "{path}");
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{path}: {policy}");
        assert_eq!(header(&response, "strict-transport-security"), "", "{path}: not over plain HTTP");
    }
    // A form of a page with `no-referrer` would come from the origin "null", and be refused.
    let page = server.get("/sign-in").header("accept", "text/html").send().await.unwrap();
    assert_eq!((header(&page, "referrer-policy"), header(&page, "cache-control")), ("same-origin", "no-store"));
    assert!(header(&page, "permissions-policy").starts_with("geolocation=(self)"));
    assert_eq!(header(&page, "cross-origin-opener-policy"), "same-origin");
    let policy = header(&page, "content-security-policy");
    assert!(policy.contains("script-src 'self' 'nonce-") && !policy.contains("unsafe-inline"), "{policy}");
    let policy = server.get("/field/turf").send().await.unwrap();
    assert!(header(&policy, "content-security-policy").contains("script-src 'self' 'wasm-unsafe-eval'; style-src 'self'"));
}

#[tokio::test]
async fn hashed_files_are_kept_for_ever_and_come_compressed() {
    let server = TestServer::start().await;
    let get = async |path: &str, accept: &str| server.get(path).header("accept-encoding", accept).send().await.unwrap();
    let path = "/assets/field.0a1b2c3d.js";
    for (accept, encoding, body) in [("br, gzip", "br", "as brotli"), ("gzip", "gzip", "as gzip"), ("identity", "", "export const plain = 1;")] {
        let response = get(path, accept).await;
        assert_eq!(header(&response, "content-encoding"), encoding);
        assert_eq!(header(&response, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(header(&response, "vary"), "accept-encoding");
        assert!(header(&response, "content-type").starts_with("text/javascript"));
        assert_eq!(header(&response, "last-modified"), "", "it never changes");
        let rest = server.get(path).header("accept-encoding", accept).header("range", "bytes=2-").header("if-match", header(&response, "etag"));
        assert_eq!(rest.send().await.unwrap().text().await.unwrap(), body[2..], "taken up again where it was cut");
        assert_eq!(response.text().await.unwrap(), body);
    }
    assert_eq!(get("/assets/gone.js", "br").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(get("/assets/..%2f..%2fkeys%2fserver.key", "br").await.status(), StatusCode::NOT_FOUND);
    std::fs::remove_file(server.folder.path().join("site").join(&path[1..])).unwrap();
    assert_eq!(get(path, "identity").await.status(), StatusCode::OK, "also when a later build has emptied the site");
}

#[tokio::test]
async fn any_address_of_the_field_app_answers_its_shell() {
    let server = TestServer::start().await;
    for path in ["/field/", "/field/turf/3", "/field/note"] {
        let response = server.get(path).send().await.unwrap();
        assert_eq!(header(&response, "cache-control"), "no-cache", "{path}");
        assert!(header(&response, "content-type").starts_with("text/html"), "{path}");
        assert!(response.text().await.unwrap().contains("<title>field</title>"), "{path}");
    }
    let worker = server.get("/field/sw.js").send().await.unwrap();
    assert_eq!((header(&worker, "cache-control"), header(&worker, "service-worker-allowed")), ("no-store", "/field/"));
    assert!(header(&worker, "content-security-policy").contains("script-src 'self'"), "it starts wherever it is");
    let shell = server.get("/field/").send().await.unwrap();
    let same = server.get("/field/").header("if-none-match", header(&shell, "etag")).send().await.unwrap();
    assert_eq!((same.status(), header(&same, "content-security-policy")), (StatusCode::NOT_MODIFIED, header(&shell, "content-security-policy")));
    let manifest = server.get("/field/manifest.webmanifest").send().await.unwrap();
    assert_eq!(header(&manifest, "content-type"), "application/manifest+json");
    assert_eq!(header(&server.get("/field").send().await.unwrap(), "location"), "/field/");
    assert_eq!(server.get("/icons/icon.svg").send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(server.post("/field/").send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_body_too_large_or_unreadable_is_refused_with_a_code() {
    let server = TestServer::start().await;
    let large = server.post("/join/v1/exchange").json(&json!({ "code": "0".repeat(5000) })).send().await.unwrap();
    assert_eq!((large.status(), large.text().await.unwrap()), (StatusCode::PAYLOAD_TOO_LARGE, r#"{"error":"too_large"}"#.to_owned()));
    let wrong = server.post("/join/v1/exchange").header("content-type", "application/json").body("{").send().await.unwrap();
    assert_eq!((wrong.status(), wrong.text().await.unwrap()), (StatusCode::BAD_REQUEST, r#"{"error":"malformed"}"#.to_owned()));
    let nowhere = server.get("/nowhere").send().await.unwrap();
    assert_eq!((nowhere.status(), nowhere.text().await.unwrap()), (StatusCode::NOT_FOUND, r#"{"error":"not_found"}"#.to_owned()));
}

#[tokio::test]
async fn the_key_is_made_once_and_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = TestServer::start().await;
    let path = server.folder.path().join("data/keys/server.key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = AppState::open((*server.state.config).clone(), server.clock.clone(), [8; 32]).await.unwrap();
    assert_eq!(again.keys.mac(&[b"x"]), server.state.keys.mac(&[b"x"]));
    std::fs::write(&path, b"short").unwrap();
    let refused = AppState::open((*server.state.config).clone(), server.clock.clone(), [9; 32]).await.unwrap_err();
    assert!(refused.to_string().contains("is not a key of 32 bytes"), "{refused}");
}

#[tokio::test]
async fn a_backup_says_which_day_is_wholly_in_it_and_replaces_no_file() {
    let server = TestServer::start().await;
    let database = server.state.config.database.clone();
    let file = server.folder.path().join("backup.db");
    // 2026-10-14, noon UTC.
    let now = 1_791_979_200_000;
    backup::run(&database, &file, now).await.unwrap();
    let whole = std::fs::read(&file).unwrap();
    assert!(backup::run(&database, &file, now).await.is_err(), "no file is written over");
    assert!(std::fs::read(&file).unwrap() == whole);
    let mut tx = server.state.db.read().await.unwrap();
    let through = store::meta::find(&mut tx, dorbank_server::sync::inputs::BACKED_UP_THROUGH).await.unwrap();
    assert_eq!(through.as_deref(), Some("2026-10-13"), "what was acknowledged today may not be in it");
    let refused = backup::run("postgres://somewhere/dorbank", &file, now).await.unwrap_err();
    assert!(refused.to_string().contains("pg_dump"), "{refused}");
    assert!(backup::run("sqlite:/nowhere/dorbank.db", &file, now).await.is_err(), "no empty database is made and copied");
}

#[tokio::test]
async fn a_backup_holds_no_key_of_a_round_nor_the_servers_own() {
    let server = TestServer::start().await;
    let field = Field::make(&server.state, 1, 1, 4).await;
    let file = server.folder.path().join("backup.db");
    backup::run(&server.state.config.database, &file, server.state.now_ms()).await.unwrap();
    let (copy, keys) = (std::fs::read(&file).unwrap(), server.state.config.keys_dir());
    let holds = |bytes: &[u8]| copy.windows(bytes.len()).any(|window| window == bytes);
    let (round, own) = (round::private_key(&keys, &field.round).unwrap(), std::fs::read(keys.join("server.key")).unwrap());
    assert!(round.len() == 32 && own.len() == 32 && holds(&field.round.public_key), "what is sought is there, and is found where it is");
    for key in [&round, &own] {
        let hex = key.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        for form in [key.clone(), hex.clone().into_bytes(), hex.to_uppercase().into_bytes(), BASE64_URL_SAFE_NO_PAD.encode(key).into_bytes()] {
            assert!(!holds(&form));
        }
    }
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[tokio::test]
async fn a_job_runs_once_when_it_is_due_also_when_the_server_was_down() {
    let server = TestServer::start().await;
    let job = Job {
        name: "count",
        rule: Rule::Daily(3),
        run: |_| {
            RUNS.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(()) })
        },
    };
    let other = AppState::open((*server.state.config).clone(), server.clock.clone(), [8; 32]).await.unwrap();
    let state = Arc::new(server.state.clone());
    assert!(tick(&state, &[job]).await.unwrap().is_empty(), "a new database has missed nothing");
    server.clock.advance(3 * 24 * 60 * 60 * 1000);
    assert_eq!(tick(&state, &[job]).await.unwrap(), ["count"], "three missed nights are one run");
    assert!(tick(&other, &[job]).await.unwrap().is_empty(), "a second server leaves it");
    server.clock.advance(24 * 60 * 60 * 1000);
    assert_eq!(tick(&other, &[job]).await.unwrap(), ["count"]);
    assert_eq!(RUNS.load(Ordering::SeqCst), 2);
    let failing = Job { name: "fail", run: |_| Box::pin(async { Err("it failed".into()) }), ..job };
    tick(&state, &[failing]).await.unwrap();
    server.clock.advance(24 * 60 * 60 * 1000);
    assert!(tick(&state, &[failing]).await.unwrap().is_empty());
    let mended = Job { run: job.run, ..failing };
    assert_eq!(tick(&state, &[mended]).await.unwrap(), ["fail"], "what failed is tried again");
}

#[tokio::test]
async fn a_night_was_lost_where_a_server_ended_in_the_middle_of_its_job() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let endless = Job { name: "night", rule: Rule::Daily(3), run: |_| Box::pin(std::future::pending()) };
        let job = Job { run: |_| Box::pin(async { Ok(()) }), ..endless };
        assert!(tick(state, &[job]).await.unwrap().is_empty(), "a new database has missed nothing");
        server.clock.advance(24 * 60 * 60 * 1000);
        // It is stopped while the job is under way: nothing of it is ever said.
        let endless = [endless];
        let mut stopped = Box::pin(tick(state, &endless));
        let begun = async || store::meta::find(&mut state.db.read().await.unwrap(), "lease.night").await.unwrap().is_some();
        loop {
            tokio::select! {
                _ = &mut stopped => unreachable!("it never ends"),
                begun = begun() => if begun { break },
            }
        }
        drop(stopped);
        assert!(tick(state, &[job]).await.unwrap().is_empty(), "another server may be at it");
        server.clock.advance(2 * 60 * 60 * 1000);
        assert_eq!(tick(state, &[job]).await.unwrap(), ["night"]);
        assert!(tick(state, &[job]).await.unwrap().is_empty(), "once");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_job_that_panicked_stopped_the_schedule() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let sound = Job { name: "sound", rule: Rule::Hourly, run: |_| Box::pin(async { Ok(()) }) };
        let broken = Job {
            name: "broken",
            run: |state| {
                Box::pin(async move {
                    let mut tx = state.db.begin().await?;
                    store::meta::set(&mut tx, "half", "done").await?;
                    assert!(state.now_ms() < 0, "a fault of ours");
                    tx.commit().await?;
                    Ok(())
                })
            },
            ..sound
        };
        assert!(tick(state, &[broken, sound]).await.unwrap().is_empty());
        server.clock.advance(2 * 60 * 60 * 1000);
        assert_eq!(tick(state, &[broken, sound]).await.unwrap(), ["sound"], "{engine:?}");
        assert_eq!(store::meta::find(&mut state.db.read().await.unwrap(), "half").await.unwrap(), None, "what it began is taken back");
        let mended = Job { run: sound.run, ..broken };
        assert_eq!(tick(state, &[mended, sound]).await.unwrap(), ["broken"], "and it is tried again");
        server.stop().await;
    }
}

/// The last day that is said to be wholly in a backup.
async fn backed_up_through(db: &store::Db) -> Option<String> {
    store::meta::find(&mut db.read().await.unwrap(), dorbank_server::sync::inputs::BACKED_UP_THROUGH).await.unwrap()
}

#[tokio::test]
async fn a_dump_that_was_noted_the_day_after_was_said_to_hold_all_of_its_day() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let folder = tempfile::tempdir().unwrap();
        let place = Place::with_database(folder.path(), &server.state.config.database);
        let db = &server.state.db;
        // A Friday evening; what is heard later that evening is not in it.
        let said = place.done(&["backup", "--noted", "2025-11-28T18:00Z"]);
        assert!(said.contains("2025-11-27 (UTC)"), "{said}");
        assert_eq!(backed_up_through(db).await.as_deref(), Some("2025-11-27"), "{engine:?}");
        let said = place.done(&["backup", "--noted", "2025-11-29T00:30:00+01:00"]);
        assert!(said.contains("2025-11-27 (UTC)"), "{said}");
        // Without its time one may have begun a day before.
        let day_before = |now: Timestamp| backup::last_whole_day(now.as_millisecond() - 86_400_000).to_string();
        let before = day_before(Timestamp::now());
        let said = place.done(&["backup", "--noted"]);
        let through = backed_up_through(db).await.unwrap();
        assert!([before, day_before(Timestamp::now())].contains(&through), "{through}");
        assert!(said.contains(&format!("{through} (UTC)")) && said.contains("a day ago"), "{said}");
        for wrong in ["2999-11-28T18:00Z", "2025-11-28", "backup.db"] {
            place.refused(&["backup", "--noted", wrong]);
        }
        assert_eq!(backed_up_through(db).await, Some(through));
        server.stop().await;
    }
}
