//! `/inputs/v1` over a real socket: no credential, eight slots, and a repeat is answered as before.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_server::{
    store::{self, round::RoundState},
    sync::inputs::BACKED_UP_THROUGH,
};
use dorbank_shared::{
    error::{Code, Refusal},
    input::{Arena, Input, InputsRequest, InputsResponse, SLOTS, Slot, SlotStatus, TICKET_BYTES},
    seal::{SEALED_BYTES, open, seal},
    sync::wire::{Admission, TicketsRequest, TicketsResponse},
};
use dorbank_tests::{Engine, TestServer, World};
use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
};
use uuid::Uuid;

use crate::phone::{Phone, read};

/// Draws tickets as a phone does.
pub async fn draw(server: &TestServer, phone: &Phone, count: u32) -> Vec<String> {
    let body = serde_json::to_vec(&TicketsRequest { count }).unwrap();
    read::<TicketsResponse>(phone.send(server, "/sync/v1/tickets", body).await).await.tickets
}

/// A sealed sentence under a ticket.
pub fn slot(server: &TestServer, world: &World, ticket: &str, words: &str) -> Slot {
    let input = Input {
        id: server.state.id_v4(),
        round: world.round.id,
        area: "01".into(),
        arena: Arena::Door,
        topics: Vec::new(),
        words: Some(words.into()),
    };
    let sealed = seal(&world.round.public_key, &serde_json::to_vec(&input).unwrap(), &server.state.random_bytes()).unwrap();
    Slot { ticket: ticket.to_owned(), sealed: BASE64_URL_SAFE_NO_PAD.encode(sealed) }
}

/// Random bytes in the shape of a slot.
fn filler(server: &TestServer) -> Slot {
    let ticket = BASE64_URL_SAFE_NO_PAD.encode(server.state.random_bytes::<TICKET_BYTES>());
    Slot { ticket, sealed: BASE64_URL_SAFE_NO_PAD.encode(server.state.random_bytes::<SEALED_BYTES>()) }
}

/// Fills a request up to its eight slots.
pub fn request(server: &TestServer, mut slots: Vec<Slot>) -> InputsRequest {
    while slots.len() < SLOTS {
        slots.push(filler(server));
    }
    InputsRequest { proto: 1, slots }
}

/// Sends a request.
pub async fn send(server: &TestServer, request: &InputsRequest) -> InputsResponse {
    let response = server.post("/inputs/v1").json(request).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

async fn spooled(server: &TestServer, round: Uuid) -> Vec<(Uuid, Vec<u8>)> {
    store::spool::of_round(&mut server.state.db.read().await.unwrap(), round).await.unwrap()
}

/// Statuses have nothing but their order: those of another request would say that an input is held which is nowhere.
#[tokio::test]
async fn an_answer_says_which_request_it_is_of() {
    let server = TestServer::on(Engine::Sqlite).await;
    let [one, mut other] = [(); 2].map(|()| request(&server, Vec::new()));
    let answer = send(&server, &one).await;
    assert!(answer.answers(&one) && !answer.answers(&other));
    // Neither is it of the same tickets in another order, or with another envelope.
    other = one.clone();
    other.slots.swap(0, 1);
    assert!(!answer.answers(&other));
    other = one.clone();
    other.slots[3].sealed = other.slots[4].sealed.clone();
    assert!(!answer.answers(&other));
    // An older server does not say.
    assert!(InputsResponse { of: None, ..answer }.answers(&one));
}

#[tokio::test]
async fn a_ticket_takes_one_envelope_however_often_it_is_sent() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let phone = Phone::join(&server.state, &world, Admission::Admitted, None).await;
        let tickets = draw(&server, &phone, 3).await;
        assert_eq!(tickets.len(), 3);
        let first =
            request(&server, vec![slot(&server, &world, &tickets[0], "Bussen"), filler(&server), slot(&server, &world, &tickets[1], "Skolen")]);
        let answer = send(&server, &first).await;
        let want: Vec<SlotStatus> = [0, 2].iter().fold(vec![SlotStatus::Refused; 8], |mut want, held| {
            want[*held] = SlotStatus::Held;
            want
        });
        assert_eq!(answer.slots, want);
        assert_eq!(answer.backed_up_through, None);
        assert_eq!(send(&server, &first).await.slots, want, "a repeat is answered as before");
        // The same ticket on other bytes is refused, also beside the first bytes in one request.
        let other = slot(&server, &world, &tickets[0], "Trikken");
        let both = request(&server, vec![other, first.slots[0].clone()]);
        assert_eq!(send(&server, &both).await.slots[..2], [SlotStatus::Refused, SlotStatus::Held]);
        // Twice in one request: one is taken; equal bytes are held both times.
        let (one, two) = (slot(&server, &world, &tickets[2], "Parken"), slot(&server, &world, &tickets[2], "Torget"));
        let answer = send(&server, &request(&server, vec![one.clone(), two, one])).await;
        assert_eq!(
            answer.slots.iter().filter(|status| **status == SlotStatus::Held).count() % 3,
            if answer.slots[0] == SlotStatus::Held { 2 } else { 1 }
        );
        assert_ne!(answer.slots[0], answer.slots[1]);

        let spool = spooled(&server, world.round.id).await;
        assert_eq!(spool.len(), 3);
        for (id, sealed) in spool {
            assert_eq!(id.get_version_num(), 4);
            assert!(serde_json::from_slice::<Input>(&open(&World::ROUND_KEY, &sealed).unwrap()).is_ok());
        }
    }
}

#[tokio::test]
async fn an_envelope_that_came_again_under_another_ticket_after_a_mix_was_counted_twice() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let phone = Phone::join(&server.state, &world, Admission::Admitted, None).await;
        let tickets = draw(&server, &phone, 4).await;
        let first = slot(&server, &world, &tickets[0], "Bussen");
        let again = |ticket: &String| Slot { ticket: ticket.clone(), ..first.clone() };
        // Beside each other, as a copied phone and this one might be.
        let both = send(&server, &request(&server, vec![first.clone(), again(&tickets[1])])).await;
        assert_eq!(both.slots[..2], [SlotStatus::Held, SlotStatus::Held]);
        assert_eq!(spooled(&server, world.round.id).await.len(), 1);
        // The mix has taken it.
        let mut tx = server.state.db.begin().await.unwrap();
        store::mix_mark::lock_spool(&mut tx).await.unwrap();
        store::mix_mark::replace_spool(&mut tx, &[]).await.unwrap();
        tx.commit().await.unwrap();
        let answer = send(&server, &request(&server, vec![again(&tickets[2]), slot(&server, &world, &tickets[3], "Parken")])).await;
        assert_eq!(answer.slots[..2], [SlotStatus::Held, SlotStatus::Held]);
        assert_eq!(spooled(&server, world.round.id).await.len(), 1, "the other one");
        // Without a ticket nobody is told what is there.
        assert_eq!(send(&server, &request(&server, vec![again(&filler(&server).ticket)])).await.slots[0], SlotStatus::Refused);
    }
}

#[tokio::test]
async fn what_a_phone_drew_lay_side_by_side_in_yesterdays_copy() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let phone = Phone::join(&server.state, &world, Admission::Admitted, None).await;
        draw(&server, &phone, 1).await;
        let pool = async || {
            let mut pool = store::ticket::not_drawn(&mut server.state.db.read().await.unwrap()).await.unwrap();
            pool.sort();
            pool
        };
        let (before, drawn) = (pool().await, draw(&server, &phone, 20).await);
        let after = pool().await;
        assert_eq!((drawn.len(), before.len() - after.len()), (20, 20));
        let gaps = before.windows(2).filter(|pair| pair.iter().all(|ticket| after.binary_search(ticket).is_err())).count();
        assert!(gaps < 10, "{gaps} of 19 neighbours are gone together");
    }
}

#[tokio::test]
async fn the_length_of_an_answer_said_how_many_inputs_there_were() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let phone = Phone::join(&server.state, &world, Admission::Admitted, None).await;
    let mut lengths = BTreeSet::new();
    for backed_up in [None, Some("2026-10-13")] {
        if let Some(day) = backed_up {
            let mut tx = server.state.db.begin().await.unwrap();
            store::meta::set(&mut tx, BACKED_UP_THROUGH, day).await.unwrap();
            tx.commit().await.unwrap();
        }
        for inputs in [0, 1, 8] {
            let slots = draw(&server, &phone, inputs).await.iter().map(|ticket| slot(&server, &world, ticket, "Bussen")).collect();
            let response = server.post("/inputs/v1").json(&request(&server, slots)).send().await.unwrap();
            let body = response.bytes().await.unwrap();
            let answer: InputsResponse = serde_json::from_slice(&body).unwrap();
            assert_eq!(answer.slots.iter().filter(|status| **status == SlotStatus::Held).count(), inputs as usize);
            lengths.insert(body.len());
        }
    }
    assert_eq!(lengths.len(), 1, "{lengths:?}");
}

#[tokio::test]
async fn an_input_of_a_round_that_was_closed_since_got_no_ticket() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let phone = Phone::join(&server.state, &world, Admission::Admitted, None).await;
    let state = async |state| {
        let mut tx = server.state.db.begin().await.unwrap();
        let version = store::round::find(&mut tx, world.round.id).await.unwrap().unwrap().version;
        store::round::set_state(&mut tx, world.round.id, version, state).await.unwrap();
        tx.commit().await.unwrap();
    };
    state(RoundState::Closed).await;
    let tickets = draw(&server, &phone, 1).await;
    assert_eq!(send(&server, &request(&server, vec![slot(&server, &world, &tickets[0], "Bussen")])).await.slots[0], SlotStatus::Held);
    state(RoundState::Draft).await;
    assert!(draw(&server, &phone, 1).await.is_empty(), "one that has not begun has nothing to take");
}

#[tokio::test]
async fn equal_requests_at_once_hold_one_envelope() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let phone = Phone::join(&server.state, &world, Admission::Admitted, None).await;
        let tickets = draw(&server, &phone, 2).await;
        let body = request(&server, tickets.iter().map(|ticket| slot(&server, &world, ticket, "Bussen")).collect());
        let (a, b, c) = tokio::join!(send(&server, &body), send(&server, &body), send(&server, &body));
        for answer in [a, b, c] {
            assert_eq!(answer.slots[..3], [SlotStatus::Held, SlotStatus::Held, SlotStatus::Refused]);
        }
        assert_eq!(spooled(&server, world.round.id).await.len(), 2);
    }
}

#[tokio::test]
async fn another_shape_is_refused() {
    let server = TestServer::start().await;
    let good = request(&server, Vec::new());
    let mut long = good.clone();
    long.slots.push(filler(&server));
    let mut short = good.clone();
    short.slots.pop();
    let mut small = good.clone();
    small.slots[3].sealed.pop();
    let mut ticket = good.clone();
    ticket.slots[3].ticket.push('A');
    let bodies = [long, short, small, ticket, InputsRequest { proto: 2, ..good.clone() }].map(|body| serde_json::to_vec(&body).unwrap());
    let mut named = serde_json::to_value(&good).unwrap();
    named["device"] = serde_json::json!("x");
    for body in bodies.into_iter().chain([serde_json::to_vec(&named).unwrap(), b"<html>".to_vec(), Vec::new()]) {
        let response = server.post("/inputs/v1").body(body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.json::<Refusal>().await.unwrap().error, Code::Malformed);
    }
    assert_eq!(send(&server, &good).await.slots, [SlotStatus::Refused; 8]);
}

#[tokio::test]
async fn tickets_are_counted_and_end() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let phone = Phone::join(&server.state, &world, Admission::Admitted, None).await;
        let mut all = draw(&server, &phone, 30).await;
        all.extend(draw(&server, &phone, u32::MAX).await);
        assert!(draw(&server, &phone, 1).await.is_empty());
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 40);
        let mut tx = server.state.db.read().await.unwrap();
        assert_eq!(store::device::find(&mut tx, phone.id).await.unwrap().unwrap().tickets, 40);
        assert_eq!(store::ticket::pool(&mut tx, world.round.id).await.unwrap(), 960);
        drop(tx);
        // Another phone draws from what is left; a waiting one draws nothing.
        let other = Phone::join(&server.state, &world, Admission::Admitted, None).await;
        assert!(draw(&server, &other, 40).await.iter().all(|ticket| !all.contains(ticket)));
        let waiting = Phone::join(&server.state, &world, Admission::Waiting, None).await;
        let refused = waiting.send(&server, "/sync/v1/tickets", r#"{"count":1}"#).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn it_says_what_is_in_a_backup() {
    let server = TestServer::start().await;
    let mut tx = server.state.db.begin().await.unwrap();
    store::meta::set(&mut tx, BACKED_UP_THROUGH, "2026-10-13").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(send(&server, &request(&server, Vec::new())).await.backed_up_through.as_deref(), Some("2026-10-13"));
}

/// A way to PostgreSQL that, once told so, loses the answer to the next commit: the commit is done, nobody hears of it.
fn losing_a_commit(address: &str, folder: &Path) -> (String, Arc<AtomicBool>) {
    const SOCKET: &str = ".s.PGSQL.5432";
    let (database, real) = address.split_once("?host=").unwrap();
    let (real, armed) = (Path::new(real).join(SOCKET), Arc::new(AtomicBool::new(false)));
    let listener = UnixListener::bind(folder.join(SOCKET)).unwrap();
    tokio::spawn({
        let armed = armed.clone();
        async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (real, armed) = (real.clone(), armed.clone());
                tokio::spawn(async move {
                    let mut server = UnixStream::connect(real).await.unwrap();
                    let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
                    loop {
                        tokio::select! {
                            read = client.read(&mut asked) => {
                                let Some(count) = read.ok().filter(|count| *count > 0) else { return };
                                let is_commit = asked[..count].windows(6).any(|bytes| bytes == b"COMMIT");
                                if server.write_all(&asked[..count]).await.is_err() {
                                    return;
                                }
                                if is_commit && armed.swap(false, Ordering::SeqCst) {
                                    // It is done once the database has answered; the answer goes no further.
                                    let _ = server.read(&mut answered).await;
                                    return;
                                }
                            }
                            read = server.read(&mut answered) => {
                                let Some(count) = read.ok().filter(|count| *count > 0) else { return };
                                if client.write_all(&answered[..count]).await.is_err() {
                                    return;
                                }
                            }
                        }
                    }
                });
            }
        }
    });
    (format!("{database}?host={}", folder.display()), armed)
}

#[tokio::test]
async fn a_draw_whose_commit_was_not_heard_of_was_drawn_again() {
    let folder = tempfile::tempdir().unwrap();
    let (address, armed) = losing_a_commit(&dorbank_tests::postgres::fresh_database().await, folder.path());
    let server = TestServer::with(Engine::Sqlite, |config| config.database.clone_from(&address)).await;
    let state = &server.state;
    let world = World::make(state).await;
    let phone = Phone::join(state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    let drawn = async || store::device::find(&mut state.db.read().await.unwrap(), phone.id).await.unwrap().unwrap().tickets;
    // The first fills the pool.
    assert_eq!(draw(&server, &phone, 5).await.len(), 5);
    armed.store(true, Ordering::SeqCst);
    let lost = phone.send(&server, "/sync/v1/tickets", r#"{"count": 20}"#).await;
    assert!(!armed.load(Ordering::SeqCst), "the commit was met");
    assert_eq!(lost.status(), StatusCode::SERVICE_UNAVAILABLE, "the phone is told to come again");
    assert_eq!(drawn().await, 25, "and has lost what was drawn, once");
    assert_eq!(draw(&server, &phone, 20).await.len(), 15);
    assert_eq!(drawn().await, 40);
    server.stop().await;
}
