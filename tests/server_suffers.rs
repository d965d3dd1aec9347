//! No room, no permission, a damaged page, no more open files, a clock that jumps: the server says what is the matter,
//! phones keep what they have, and when the cause is gone it goes on as if nothing had been.

use std::{
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_server::{
    restore, schedule,
    state::AppState,
    store::{self, Db},
    verify,
};
use dorbank_shared::{
    input::{InputsRequest, SlotStatus},
    sync::wire::{Admission, Envelope, PushResponse, Reason, Status},
    visit::Outcome,
};
use dorbank_tests::{
    Engine, START_MS, TestServer, World,
    held::{Holds, lost_and_twice},
    reliability::{self, Row},
};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::{
    inputs,
    phone::{House, Phone, houses, read},
    server_dies as dies,
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

/// An input and a push that meet a fault, then the same when the fault is gone: all is taken, once.
async fn suffers(fault: &str, cause: &str, relief: &str, name: &str) -> Row {
    let Set { server, world, houses, mut phone } = set().await;
    let state = &server.state;
    let first = phone.visit(state, &houses[0], Some(0), Outcome::NotHome);
    assert_eq!(phone.push(&server, std::slice::from_ref(&first)).await.results[0].status, Status::Applied);
    let said = heard(&server, &world, &phone).await;
    let entries: Vec<Envelope> = (0..200).map(|i| phone.visit(state, &houses[i % 3], Some(i % 4), Outcome::CHOICES[i % 3])).collect();
    let body = serde_json::to_vec(&phone.request(&entries)).unwrap();
    // A connection that met a full disk, or a file that can only be read, is given up, and the limit of this test with it.
    pragma(&state.db, cause).await;
    assert_eq!(server.post("/inputs/v1").json(&said).send().await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE, "{fault}");
    pragma(&state.db, relief).await;
    assert_eq!(reason(&server).await.0, StatusCode::OK, "{fault}");
    pragma(&state.db, cause).await;
    takes_nothing(phone.send(&server, "/sync/v1/push", body).await, 200).await;
    assert_eq!(state.db.trouble().map(store::trouble::Trouble::name), Some(name));
    whole(&state.db, state.now_ms()).await;

    pragma(&state.db, relief).await;
    assert_eq!(reason(&server).await, (StatusCode::OK, "ready".to_owned()), "{fault}: it mends itself");
    let answer = phone.push(&server, &entries).await;
    assert!(answer.results.iter().all(|result| matches!(result.status, Status::Applied | Status::Merged)), "{:?}", answer.results);
    let again = phone.push(&server, &entries).await;
    assert!(again.results.iter().all(|result| result.status == Status::Duplicate));
    assert_eq!((again.held, again.missing.len()), (201, 0));
    let inputs = held_once(&server, &said).await;
    whole(&state.db, state.now_ms()).await;
    let kept = store::quarantine::open(&mut state.db.read().await.unwrap(), world.campaign.id).await.unwrap();
    assert!(kept.is_empty(), "nobody has to look at anything");
    let (lost, duplicated) = sum(lost_and_twice(&state.db, entries.iter().chain([&first])).await, inputs);
    server.stop().await;
    let tried = format!("a request of inputs and a push of 200 meet it; the reason given is {name}");
    Row { fault: fault.into(), tried, runs: 1, times: Some(2), lost, duplicated }
}

/// A request with one input in it, under a ticket that the phone has drawn.
async fn heard(server: &TestServer, world: &World, phone: &Phone) -> InputsRequest {
    let tickets = inputs::draw(server, phone, 1).await;
    inputs::request(server, vec![inputs::slot(server, world, &tickets[0], "Det mangler benker.")])
}

/// Sends it until the server holds it, and once more. How many of its one input are nowhere, and how many are there twice.
async fn held_once(server: &TestServer, said: &InputsRequest) -> (u64, u64) {
    for _ in 0..2 {
        assert_eq!(inputs::send(server, said).await.slots[0], SlotStatus::Held);
    }
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(&said.slots[0].sealed).unwrap();
    Holds::read(&server.state.db).await.inputs_lost_and_twice([(sealed.as_slice(), true)])
}

fn sum(one: (u64, u64), other: (u64, u64)) -> (u64, u64) {
    (one.0 + other.0, one.1 + other.1)
}

#[tokio::test]
async fn a_fault_takes_nothing_from_a_phone_and_passes() {
    let mut rows = vec![
        suffers("The disk is full (SQLite may have no more pages)", "PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000", "disk_full")
            .await,
        suffers("SQLite is told to write nothing (PRAGMA query_only)", "PRAGMA query_only = ON", "PRAGMA query_only = OFF", "read_only").await,
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
    let (said, later) = (heard(&server, &world, &phone).await, heard(&server, &world, &phone).await);
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.db");
    dorbank_server::backup::run(&server.state.config.database, &backup, server.state.now_ms()).await.unwrap();
    phone.push(&server, &entries[..6]).await;
    // The backup has it not; the later one meets the damage.
    assert_eq!(held_once(&server, &said).await, (0, 0));
    damage(&server.state, "sqlite_autoindex_receipt_1").await;

    // The same folder, served anew.
    let TestServer { state, folder: kept, clock, .. } = &server;
    let again = TestServer::over(state.config.as_ref().clone(), clock.clone()).await;
    takes_nothing(phone.send(&again, "/sync/v1/push", serde_json::to_vec(&phone.request(&entries)).unwrap()).await, 8).await;
    assert_eq!(again.post("/inputs/v1").json(&later).send().await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
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
    let mut inputs = (0, 0);
    for said in [said, later] {
        inputs = sum(inputs, held_once(&mended, &said).await);
    }
    let (lost, duplicated) = sum(lost_and_twice(&mended.state.db, &entries).await, inputs);
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

/// A place on disk, and a phone that is out there.
async fn on_disk() -> (dies::World, AppState, dies::Phone) {
    let (world, state) = dies::World::make().await;
    let phone = world.shift(&state).await.remove(0);
    (world, state, phone)
}

/// It notes a hundred visits, and hears something. It has a ticket for that.
async fn evening(world: &dies::World, state: &AppState, phone: &mut dies::Phone, at: SocketAddr) {
    (0..100).for_each(|i| phone.visit(i % phone.doors.len(), Outcome::CHOICES[i % 4], None));
    phone.draw(at).await.unwrap();
    world.hear(state, phone, "Det mangler benker.");
}

/// It sends both to a server that can write nothing.
async fn in_vain(phone: &mut dies::Phone, at: SocketAddr) {
    match phone.push(at, 100).await {
        Ok(results) => assert!(results.iter().all(|result| *result == (Status::Retry, Some(Reason::Busy))), "{results:?}"),
        Err(fault) => assert_eq!(fault, dies::Fault::Status(503)),
    }
    assert_eq!(phone.send_inputs(at).await, Err(dies::Fault::Status(503)));
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
    let (world, state, mut phone) = on_disk().await;
    let server = world.place.serve_starved();
    let at = server.address;
    let ready = async || reqwest::get(format!("http://{at}/readyz")).await.unwrap().status();
    for _ in 0..5 {
        evening(&world, &state, &mut phone, at).await;
        starve(&state, &server).await;
        in_vain(&mut phone, at).await;
        assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE);
        server.limit("--fsize=unlimited:");
        phone.finish(at).await;
        assert_eq!(ready().await, StatusCode::OK);
    }
    phone.send_all_again(at).await;
    assert!(server.log().contains("disk_fault") && server.log().contains("takes writes again"), "{}", server.log());
    server.stop();
    let (lost, duplicated) = dies::lost_and_twice(&[phone], &dies::look(&world).await);
    Row {
        fault: "Nothing more can be written to the disk".into(),
        tried: "no file of the server's process may grow (RLIMIT_FSIZE), in the middle of pushes of 100 and an input".into(),
        runs: 1,
        times: Some(5),
        lost,
        duplicated,
    }
}

/// The disk fails, and may only be read from then on. The server gives up what it had open, and what it opens anew it may only
/// read. Nothing where no file can be kept from the server.
async fn read_only() -> Option<Row> {
    let (world, state, mut phone) = on_disk().await;
    let Some(server) = world.place.serve_bound() else {
        eprintln!("skipped: a file that may only be read, since root may write it all the same here");
        return None;
    };
    let at = server.address;
    let ready = async || reason_in(reqwest::get(format!("http://{at}/readyz")).await.unwrap()).await;
    let allow = |mode: u32| {
        for ending in ["", "-wal", "-shm"] {
            fs::set_permissions(world.folder.path().join(format!("dorbank.db{ending}")), fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    for _ in 0..3 {
        evening(&world, &state, &mut phone, at).await;
        starve(&state, &server).await;
        in_vain(&mut phone, at).await;
        allow(0o444);
        server.limit("--fsize=unlimited:");
        for _ in 0..2 {
            in_vain(&mut phone, at).await;
            assert_eq!(ready().await, (StatusCode::SERVICE_UNAVAILABLE, "read_only".to_owned()));
        }
        allow(0o644);
        assert_eq!(ready().await, (StatusCode::OK, "ready".to_owned()), "no restart is needed");
        phone.finish(at).await;
    }
    phone.send_all_again(at).await;
    server.stop();
    let (lost, duplicated) = dies::lost_and_twice(&[phone], &dies::look(&world).await);
    Some(Row {
        fault: "The file may only be read".into(),
        tried: "its rights are taken as a write fails, so that the server opens it anew to read alone; pushes of 100 and an input, and again with its rights back"
            .into(),
        runs: 1,
        times: Some(3),
        lost,
        duplicated,
    })
}

/// No file and no connection can be opened any more; who is connected goes on.
async fn without_handles() -> Row {
    let (world, state, mut phone) = on_disk().await;
    let server = world.place.serve();
    let at = server.address;
    evening(&world, &state, &mut phone, at).await;
    phone.push(at, 5).await.unwrap();
    server.limit("--nofile=1:");
    for _ in 0..5 {
        phone.push(at, 1).await.unwrap();
    }
    phone.send_inputs(at).await.unwrap();
    assert_eq!(phone.answered.len(), 10, "its files are open already");
    let mut fresh = phone.clone();
    fresh.client = reqwest::Client::new();
    let waiting = tokio::spawn(async move {
        fresh.finish(at).await;
        fresh
    });
    phone.push(at, 2).await.unwrap();
    assert_eq!(phone.answered.len(), 12);
    while !server.log().contains("a connection could not be taken") {
        tokio::task::yield_now().await;
    }
    server.limit("--nofile=1024:");
    let phone = waiting.await.unwrap();
    assert!(phone.unsent().is_empty(), "who could not connect is served when it can");
    server.stop();
    let (lost, duplicated) = dies::lost_and_twice(&[phone], &dies::look(&world).await);
    Row {
        fault: "No more files can be opened".into(),
        tried: "the limit of the server's process is set to 1 (RLIMIT_NOFILE), in the middle of pushes and an input".into(),
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
