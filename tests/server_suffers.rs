//! No room, no permission, a damaged page, no more open files, a clock that jumps: the server says what is the matter,
//! phones keep what they have, and when the cause is gone it goes on as if nothing had been.

use std::{
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
};

use dorbank_server::{
    clock::SystemClock,
    restore, schedule,
    state::{AppState, system_seed},
    store::{self, Db},
    verify,
};
use dorbank_shared::{
    sync::wire::{Admission, Envelope, PushResponse, Reason, Status},
    visit::Outcome,
};
use dorbank_tests::{
    Engine, START_MS, TestServer, World,
    held::lost_and_twice,
    reliability::{self, Row},
    write_site,
};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::{
    phone::{House, Phone, houses, read},
    process::Place,
};

struct Set {
    server: TestServer,
    world: World,
    houses: Vec<House>,
    phone: Phone,
}

async fn set() -> Set {
    let server = TestServer::on(Engine::Sqlite).await;
    let world = World::make(&server.state).await;
    let houses = houses(&server.state, &world).await;
    let phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    Set { server, world, houses, phone }
}

async fn pragma(db: &Db, text: &str) {
    let Db::Sqlite { writer, .. } = db else { panic!("only on SQLite") };
    sqlx::query(AssertSqlSafe(text.to_owned())).fetch_all(writer).await.unwrap();
}

async fn reason(server: &TestServer) -> (StatusCode, String) {
    reason_in(server.get("/readyz").send().await.unwrap()).await
}

async fn reason_in(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let text = response.text().await.unwrap();
    let reason = serde_json::from_str::<Value>(&text).ok().and_then(|json| json["reason"].as_str().map(str::to_owned));
    (status, reason.unwrap_or(text))
}

/// Whether an answer to a push takes nothing from the phone: 503 with a time to wait, or `retry` for every entry.
async fn takes_nothing(response: Response, entries: usize) {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        assert!(response.headers().contains_key("retry-after"));
        assert_eq!(response.text().await.unwrap(), r#"{"error":"busy"}"#);
        return;
    }
    let answer: PushResponse = read(response).await;
    assert_eq!(answer.results.len(), entries);
    assert!(answer.results.iter().all(|result| (result.status, result.reason) == (Status::Retry, Some(Reason::Busy))), "{:?}", answer.results);
}

async fn whole(db: &Db, now_ms: i64) {
    let checks = verify::run(db, now_ms).await.unwrap();
    assert!(verify::is_whole(&checks), "{checks:#?}");
}

/// A push that meets a fault, then the same when the fault is gone: all is taken, once.
async fn suffers(fault: &str, cause: &str, relief: &str, name: &str, tries: u64) -> Row {
    let Set { server, world, houses, mut phone } = set().await;
    let state = &server.state;
    let first = phone.visit(state, &houses[0], Some(0), Outcome::NotHome);
    assert_eq!(phone.push(&server, std::slice::from_ref(&first)).await.results[0].status, Status::Applied);
    pragma(&state.db, cause).await;
    let entries: Vec<Envelope> = (0..200).map(|i| phone.visit(state, &houses[i % 3], Some(i % 4), Outcome::CHOICES[i % 3])).collect();
    let body = serde_json::to_vec(&phone.request(&entries)).unwrap();
    // A connection that met a full disk, or a file that can only be read, is given up, and the limit of this test with it: there the first try tells.
    for _ in 0..tries {
        takes_nothing(phone.send(&server, "/sync/v1/push", body.clone()).await, 200).await;
        if tries > 1 {
            assert_eq!(reason(&server).await, (StatusCode::SERVICE_UNAVAILABLE, name.to_owned()), "{fault}");
            // Other ways in say so too, and do not break.
            let drawn = phone.send(&server, "/sync/v1/tickets", r#"{"count": 20}"#).await;
            assert_eq!(drawn.status(), StatusCode::SERVICE_UNAVAILABLE, "{fault}");
        } else {
            assert_eq!(state.db.trouble().map(store::trouble::Trouble::name), Some(name));
        }
    }
    let inputs = server.post("/inputs/v1").json(&crate::inputs::request(&server, vec![])).send().await.unwrap();
    assert!([StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK].contains(&inputs.status()), "fillers alone write nothing");
    whole(&state.db, state.now_ms()).await;

    pragma(&state.db, relief).await;
    assert_eq!(reason(&server).await, (StatusCode::OK, "ready".to_owned()), "{fault}: it mends itself");
    let answer = phone.push(&server, &entries).await;
    assert!(answer.results.iter().all(|result| matches!(result.status, Status::Applied | Status::Merged)), "{:?}", answer.results);
    let again = phone.push(&server, &entries).await;
    assert!(again.results.iter().all(|result| result.status == Status::Duplicate));
    assert_eq!((again.held, again.missing.len()), (201, 0));
    whole(&state.db, state.now_ms()).await;
    let kept = store::quarantine::open(&mut state.db.read().await.unwrap(), world.campaign.id).await.unwrap();
    assert!(kept.is_empty(), "nobody has to look at anything");
    let (lost, duplicated) = lost_and_twice(&state.db, entries.iter().chain([&first])).await;
    server.stop().await;
    Row { fault: fault.into(), tried: format!("pushes of 200 meet it; the reason given is {name}"), runs: 1, times: Some(tries), lost, duplicated }
}

#[tokio::test]
async fn a_fault_takes_nothing_from_a_phone_and_passes() {
    let mut rows = vec![
        suffers("The disk is full (SQLite may have no more pages)", "PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000", "disk_full", 1)
            .await,
        suffers("SQLite is told to write nothing (PRAGMA query_only)", "PRAGMA query_only = ON", "PRAGMA query_only = OFF", "read_only", 1).await,
    ];
    rows.push(damaged().await);
    rows.push(starved().await);
    rows.extend(read_only().await);
    rows.push(without_handles().await);
    rows.push(clock_jumps().await);
    reliability::write(
        "server-suffers",
        "The server's machine fails",
        "Each fault while a phone sends, and the same entries again when it is gone.",
        &rows,
    );
    assert!(rows.iter().all(|row| row.lost + row.duplicated == 0), "{rows:?}");
}

/// Overwrites the page that holds the beginning of a table or an index.
async fn damage(state: &AppState, called: &str) {
    let page: i64 = state
        .db
        .read()
        .await
        .unwrap()
        .one("SELECT rootpage FROM sqlite_master WHERE name = $1", vec![called.into()])
        .await
        .unwrap()
        .unwrap()
        .get(0)
        .unwrap();
    let size: i64 = state.db.read().await.unwrap().one("PRAGMA page_size", vec![]).await.unwrap().unwrap().get(0).unwrap();
    let Db::Sqlite { path, .. } = &state.db else { panic!("only on SQLite") };
    state.db.close().await;
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(u64::try_from((page - 1) * size).unwrap())).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(size).unwrap()]).unwrap();
    file.sync_all().unwrap();
}

async fn damaged() -> Row {
    let Set { server, world, houses, mut phone } = set().await;
    let entries: Vec<Envelope> = (0..8).map(|i| phone.visit(&server.state, &houses[i % 3], Some(i % 4), Outcome::Talked)).collect();
    phone.push(&server, &entries[..4]).await;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.db");
    dorbank_server::backup::run(&server.state.config.database, &backup, server.state.now_ms()).await.unwrap();
    phone.push(&server, &entries[..6]).await;
    damage(&server.state, "sqlite_autoindex_receipt_1").await;

    // The same folder, served anew.
    let TestServer { state, folder: kept, clock, .. } = &server;
    let again = TestServer::over(state.config.as_ref().clone(), clock.clone()).await;
    takes_nothing(phone.send(&again, "/sync/v1/push", serde_json::to_vec(&phone.request(&entries)).unwrap()).await, 8).await;
    for _ in 0..2 {
        assert_eq!(reason(&again).await, (StatusCode::SERVICE_UNAVAILABLE, "damaged".to_owned()), "it stays so");
    }
    assert_eq!(again.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
    let checks = verify::run(&again.state.db, again.state.now_ms()).await.unwrap();
    assert!(!verify::is_whole(&checks) && !checks[0].wrong.is_empty(), "{checks:#?}");
    again.stop().await;

    // And the way back.
    let rng = &mut state.fork_rng();
    let restored = restore::run(&state.config.database, &backup, false, state.now_ms(), rng).await.unwrap();
    assert!(restored.aside.is_some_and(|aside| aside.starts_with(kept.path())));
    let mended = TestServer::over(state.config.as_ref().clone(), clock.clone()).await;
    assert_eq!(reason(&mended).await.0, StatusCode::OK);
    let answer = phone.push(&mended, &entries).await;
    let statuses: Vec<Status> = answer.results.iter().map(|result| result.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == Status::Duplicate).count(), 4, "{statuses:?}");
    assert_eq!((answer.held, answer.missing.len()), (8, 0));
    whole(&mended.state.db, mended.state.now_ms()).await;
    assert_eq!(world.turfs.len(), 2);
    let (lost, duplicated) = lost_and_twice(&mended.state.db, &entries).await;
    mended.stop().await;
    Row {
        fault: "A page of the file is overwritten".into(),
        tried: "the root of the receipts' index; /readyz says damaged, nothing more is written, then a restore".into(),
        runs: 1,
        times: None,
        lost,
        duplicated,
    }
}

/// A place on disk with a world in it, and a phone in that.
async fn on_disk(folder: &std::path::Path) -> (Place, AppState, Vec<House>, Phone) {
    let place = Place::new(folder);
    write_site(&folder.join("site"));
    let state = AppState::open(place.config(), Arc::new(SystemClock), system_seed()).await.unwrap();
    let world = World::make(&state).await;
    let houses = houses(&state, &world).await;
    let phone = Phone::join(&state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    (place, state, houses, phone)
}

async fn push(client: &reqwest::Client, server: &crate::process::Server, phone: &Phone, entries: &[Envelope]) -> Result<Response, reqwest::Error> {
    let body = serde_json::to_vec(&phone.request(entries)).unwrap();
    client.post(format!("http://{}/sync/v1/push", server.address)).bearer_auth(&phone.credential).body(body).send().await
}

/// Lets no file of a server's process be written beyond its first page. What waits in SQLite's log goes into the file first:
/// it is written from its beginning again, and not even the least of writes has room in it.
async fn starve(state: &AppState, server: &crate::process::Server) {
    let Db::Sqlite { writer, .. } = &state.db else { panic!("only on SQLite") };
    while sqlx::query_scalar::<_, i64>("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(writer).await.unwrap() != 0 {}
    server.limit("--fsize=4096:");
}

/// Files may not grow: every write beyond fails, whatever it is for, as when a quota is reached.
async fn starved() -> Row {
    let folder = tempfile::tempdir().unwrap();
    let (place, state, houses, mut phone) = on_disk(folder.path()).await;
    let server = place.serve_starved();
    let client = reqwest::Client::new();
    let ready = async || client.get(format!("http://{}/readyz", server.address)).send().await.unwrap().status();
    let mut all = vec![];
    for _ in 0..5 {
        let entries: Vec<Envelope> = (0..100).map(|i| phone.visit(&state, &houses[i % 3], Some(i % 4), Outcome::CHOICES[i % 4])).collect();
        starve(&state, &server).await;
        takes_nothing(push(&client, &server, &phone, &entries).await.unwrap(), 100).await;
        assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE);
        server.limit("--fsize=unlimited:");
        let answer: PushResponse = read(push(&client, &server, &phone, &entries).await.unwrap()).await;
        assert!(answer.results.iter().all(|result| matches!(result.status, Status::Applied | Status::Merged)), "{:?}", answer.results);
        assert_eq!(ready().await, StatusCode::OK);
        all.extend(entries);
    }
    for batch in all.chunks(200) {
        let answer: PushResponse = read(push(&client, &server, &phone, batch).await.unwrap()).await;
        assert!(answer.results.iter().all(|result| result.status == Status::Duplicate));
        assert_eq!(answer.held, 500);
    }
    assert!(server.log().contains("disk_fault") && server.log().contains("takes writes again"), "{}", server.log());
    server.stop();
    whole(&state.db, state.now_ms()).await;
    let (lost, duplicated) = lost_and_twice(&state.db, &all).await;
    Row {
        fault: "Nothing more can be written to the disk".into(),
        tried: "no file of the server's process may grow (RLIMIT_FSIZE), in the middle of pushes of 100".into(),
        runs: 5,
        times: Some(5),
        lost,
        duplicated,
    }
}

/// The disk fails, and may only be read from then on. The server gives up what it had open, and what it opens anew it may only
/// read. Nothing where no file can be kept from the server.
async fn read_only() -> Option<Row> {
    let folder = tempfile::tempdir().unwrap();
    let (place, state, houses, mut phone) = on_disk(folder.path()).await;
    let Some(server) = place.serve_bound() else {
        eprintln!("skipped: a file that may only be read, since root may write it all the same here");
        return None;
    };
    let client = reqwest::Client::new();
    let allow = |mode: u32| {
        for ending in ["", "-wal", "-shm"] {
            fs::set_permissions(folder.path().join(format!("dorbank.db{ending}")), fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    let mut all = vec![];
    for _ in 0..3 {
        let entries: Vec<Envelope> = (0..100).map(|i| phone.visit(&state, &houses[i % 3], Some(i % 4), Outcome::CHOICES[i % 4])).collect();
        starve(&state, &server).await;
        takes_nothing(push(&client, &server, &phone, &entries).await.unwrap(), 100).await;
        allow(0o444);
        server.limit("--fsize=unlimited:");
        for _ in 0..2 {
            takes_nothing(push(&client, &server, &phone, &entries).await.unwrap(), 100).await;
            let response = client.get(format!("http://{}/readyz", server.address)).send().await.unwrap();
            assert_eq!(reason_in(response).await, (StatusCode::SERVICE_UNAVAILABLE, "read_only".to_owned()));
        }
        allow(0o644);
        let response = client.get(format!("http://{}/readyz", server.address)).send().await.unwrap();
        assert_eq!(reason_in(response).await, (StatusCode::OK, "ready".to_owned()), "no restart is needed");
        let answer: PushResponse = read(push(&client, &server, &phone, &entries).await.unwrap()).await;
        assert!(answer.results.iter().all(|result| matches!(result.status, Status::Applied | Status::Merged)), "{:?}", answer.results);
        all.extend(entries);
    }
    server.stop();
    whole(&state.db, state.now_ms()).await;
    let (lost, duplicated) = lost_and_twice(&state.db, &all).await;
    Some(Row {
        fault: "The file may only be read".into(),
        tried: "its rights are taken as a write fails, so that the server opens it anew to read alone; pushes of 100, and again with its rights back"
            .into(),
        runs: 1,
        times: Some(3),
        lost,
        duplicated,
    })
}

/// No file and no connection can be opened any more; who is connected goes on.
async fn without_handles() -> Row {
    let folder = tempfile::tempdir().unwrap();
    let (place, state, houses, mut phone) = on_disk(folder.path()).await;
    let server = place.serve();
    let connected = reqwest::Client::new();
    let entries: Vec<Envelope> = (0..20).map(|i| phone.visit(&state, &houses[i % 3], Some(i % 4), Outcome::NotHome)).collect();
    let answer: PushResponse = read(push(&connected, &server, &phone, &entries[..5]).await.unwrap()).await;
    assert_eq!(answer.held, 5);
    server.limit("--nofile=1:");
    for end in 6..=10 {
        let answer: PushResponse = read(push(&connected, &server, &phone, &entries[..end]).await.unwrap()).await;
        assert_eq!(answer.held, end as u64, "its files are open already");
    }
    let fresh = reqwest::Client::new();
    let waiting = tokio::spawn({
        let (phone, entries, body_of) = (phone.clone(), entries.clone(), server.address);
        async move {
            let body = serde_json::to_vec(&phone.request(&entries)).unwrap();
            fresh.post(format!("http://{body_of}/sync/v1/push")).bearer_auth(&phone.credential).body(body).send().await.unwrap()
        }
    });
    let answer: PushResponse = read(push(&connected, &server, &phone, &entries[..12]).await.unwrap()).await;
    assert_eq!(answer.held, 12);
    server.limit("--nofile=1024:");
    let answer: PushResponse = read(waiting.await.unwrap()).await;
    assert_eq!((answer.held, answer.missing.len()), (20, 0), "who could not connect is served when it can");
    server.stop();
    whole(&state.db, state.now_ms()).await;
    let (lost, duplicated) = lost_and_twice(&state.db, &entries).await;
    Row {
        fault: "No more files can be opened".into(),
        tried: "the limit of the server's process is set to 1 (RLIMIT_NOFILE)".into(),
        runs: 1,
        times: None,
        lost,
        duplicated,
    }
}

/// Five years ahead, with all that the schedule then does, and back; then five years behind.
async fn clock_jumps() -> Row {
    const YEARS: i64 = 5 * 365 * 86_400_000;
    let Set { server, world, houses, mut phone } = set().await;
    let state = &server.state;
    assert!(schedule::tick(state, schedule::JOBS).await.unwrap().is_empty());
    let entries: Vec<Envelope> = (0..12).map(|i| phone.visit(state, &houses[i % 3], Some(i % 4), Outcome::NotHome)).collect();
    phone.push(&server, &entries[..4]).await;
    server.clock.advance(YEARS);
    let ran = schedule::tick(state, schedule::JOBS).await.unwrap();
    assert!(ran.contains(&"coarsen"), "{ran:?}");
    // What comes now is five years late, as far as anybody can tell: kept for somebody to look at.
    let answer = phone.push(&server, &entries[..6]).await;
    let statuses: Vec<Status> = answer.results.iter().map(|result| result.status).collect();
    assert_eq!(statuses, [[Status::Duplicate; 4].as_slice(), &[Status::Quarantined; 2]].concat());
    assert_eq!(answer.held, 6);
    server.clock.set(START_MS);
    assert!(schedule::tick(state, schedule::JOBS).await.unwrap().is_empty(), "set right, it is due again from now on");
    let answer = phone.push(&server, &entries[..8]).await;
    assert_eq!((answer.held, answer.results[7].status), (8, Status::Applied));
    server.clock.advance(26 * 3_600_000);
    let ran = schedule::tick(state, schedule::JOBS).await.unwrap();
    assert!(ran.contains(&"coarsen"), "and not in five years: {ran:?}");
    server.clock.set(START_MS - YEARS);
    let answer = phone.push(&server, &entries).await;
    assert_eq!((answer.held, answer.missing.len()), (12, 0));
    schedule::tick(state, schedule::JOBS).await.unwrap();
    server.clock.set(START_MS);
    let answer = phone.push(&server, &entries).await;
    assert!(answer.results.iter().all(|result| matches!(result.status, Status::Duplicate | Status::Quarantined)));
    let kept = store::quarantine::open(&mut state.db.read().await.unwrap(), world.campaign.id).await.unwrap();
    assert_eq!((answer.held, kept.len()), (12, 2));
    whole(&state.db, state.now_ms()).await;
    let (lost, duplicated) = lost_and_twice(&state.db, &entries).await;
    server.stop().await;
    Row {
        fault: "The server's clock jumps".into(),
        tried: "five years ahead, back, five years behind, with the schedule running".into(),
        runs: 1,
        times: Some(4),
        lost,
        duplicated,
    }
}
