//! 72 hours after a shift: what still is said of its visits, and that nobody is counted differently for it.

use std::collections::{BTreeMap, HashSet};

use dorbank_server::{
    coarsen,
    job::Actor,
    state::AppState,
    store::{self, StoreError, tally},
    sync::{
        entry::Batch,
        push::{
            self,
            settle::{self, Pick},
        },
    },
};
use dorbank_shared::{
    sync::wire::{Envelope, Have, KIND_VISIT, Status},
    visit::{Outcome, VisitV1},
};
use dorbank_tests::{
    Engine, TestServer,
    field::{Field, HOUR_MS},
    postgres::waiting,
};
use uuid::Uuid;

const DAY_MS: i64 = 24 * HOUR_MS;

async fn run(state: &AppState) -> bool {
    coarsen::run(&state.db, &Actor::schedule(), state.now_ms(), &mut state.fork_rng()).await.expect("it runs")
}

async fn reach(state: &AppState, field: &Field) -> BTreeMap<String, tally::Reach> {
    tally::reach(&mut state.db.read().await.unwrap(), field.round.id).await.unwrap()
}

/// A conversation at the first door whose time has come to say less.
async fn due(engine: Engine) -> (TestServer, Field) {
    let server = TestServer::on(engine).await;
    let field = Field::make(&server.state, 1, 1, 20).await;
    let mut phones = field.shift(&server.state, &[0]).await;
    field.knock(&server.state, &mut phones[0], 0, server.state.now_ms(), &[(0, Outcome::Talked)]).await;
    server.clock.advance(4 * DAY_MS);
    (server, field)
}

async fn standing(state: &AppState, field: &Field) -> Vec<store::visit::Standing> {
    let entrances: HashSet<Uuid> = field.walks.iter().flat_map(|walk| walk.doors.iter().map(|door| door.0)).collect();
    store::visit::standing(&mut state.db.read().await.unwrap(), field.campaign, &entrances).await.unwrap()
}

#[tokio::test]
async fn outcomes_times_and_phones_are_dropped_and_every_figure_stays() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 2, 20).await;
        let mut phones = field.shift(state, &[0, 1]).await;
        let now = state.now_ms();
        let all = [
            (0, Outcome::Talked),
            (1, Outcome::Declined),
            (2, Outcome::NotHome),
            (3, Outcome::ComeBack),
            (4, Outcome::DoNotKnock),
            (5, Outcome::IntercomTalked),
            (6, Outcome::IntercomDeclined),
            (7, Outcome::LeafletOnly),
        ];
        let mut ids = field.knock(state, &mut phones[0], 0, now, &all).await;
        ids.extend(field.knock(state, &mut phones[1], 1, now, &[(0, Outcome::Talked), (1, Outcome::NotHome)]).await);
        // The other phone of a pair noted a door of the first turf too: one door, one conversation.
        ids.extend(field.knock(state, &mut phones[1], 0, now + 1_000, &[(0, Outcome::NotHome)]).await);
        let before = reach(state, &field).await;
        let counts = &before["01"];
        assert_eq!((counts.doors, counts.opened, counts.conversations, counts.shifts, counts.turfs.len()), (9, 4, 3, 1, 2));

        let old: HashSet<Uuid> = ids.iter().copied().collect();
        let numbers = async || {
            let receipts = store::receipt::among(&mut state.db.read().await.unwrap(), &old).await.unwrap();
            receipts.iter().filter_map(|receipt| receipt.seq).max()
        };
        let highest = numbers().await.unwrap();
        server.clock.advance(3 * HOUR_MS + coarsen::FINE_MS - 1);
        assert!(!run(state).await, "a moment too early");
        server.clock.advance(1);
        assert!(run(state).await);
        assert_eq!(reach(state, &field).await, before);
        let visits = standing(state, &field).await;
        assert_eq!(visits.len(), 11);
        assert!(visits.iter().all(|visit| visit.device.is_none()));
        assert!(visits.iter().all(|visit| visit.outcome == visit.outcome.coarse(visit.door != visit.entrance)));
        assert!(visits.iter().all(|visit| !old.contains(&visit.id)), "an id tells the millisecond of its visit");
        let found = store::visit::among(&mut state.db.read().await.unwrap(), &visits.iter().map(|visit| visit.id).collect()).await.unwrap();
        assert!(found.iter().all(|visit| visit.body.occurred_at % DAY_MS == 0 && visit.device_seq == 0));

        // The projection says no more than the visits, under new numbers that are in no order.
        let rows = store::door_state::of_turf(&mut state.db.read().await.unwrap(), field.walks[0].turf).await.unwrap();
        let states: BTreeMap<Uuid, Option<Outcome>> = rows.into_iter().collect();
        for (door, outcome) in all {
            assert_eq!(states[&field.walks[0].doors[door].1], Some(outcome.coarse(true)), "{outcome:?}");
        }
        assert_eq!(numbers().await, None, "nor does a receipt keep one");
        let after = store::door_state::after(&mut state.db.read().await.unwrap(), field.walks[0].turf, highest, 100).await.unwrap();
        assert_eq!(after.len(), all.len(), "no door keeps a number that a receipt has");

        assert!(!run(state).await, "once");
        let audit = store::audit::all(&mut state.db.read().await.unwrap()).await.unwrap();
        assert_eq!(audit.iter().filter(|row| row.action == "coarsen").count(), 1, "a receipt of the deletion");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_later_visit_to_the_same_door_counts_and_keeps_its_state() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 1, 20).await;
        let mut phones = field.shift(state, &[0]).await;
        field.knock(state, &mut phones[0], 0, state.now_ms(), &[(0, Outcome::NotHome), (1, Outcome::Talked)]).await;
        server.clock.advance(4 * DAY_MS);
        let mut later = field.shift(state, &[0]).await;
        field.knock(state, &mut later[0], 0, state.now_ms(), &[(0, Outcome::Talked)]).await;
        assert!(run(state).await);
        let counts = reach(state, &field).await["01"].clone();
        assert_eq!((counts.doors, counts.opened, counts.conversations, counts.shifts), (3, 2, 2, 2));
        let rows = store::door_state::of_turf(&mut state.db.read().await.unwrap(), field.walks[0].turf).await.unwrap();
        let states: BTreeMap<Uuid, Option<Outcome>> = rows.into_iter().collect();
        assert_eq!(states[&field.walks[0].doors[0].1], Some(Outcome::Talked));
        assert_eq!(states[&field.walks[0].doors[1].1], Some(Outcome::Done));

        // A phone that was offline sends a note of a door whose visit was coarsened: the same knock, not another.
        field.knock(state, &mut phones[0], 0, state.now_ms() - 4 * DAY_MS, &[(0, Outcome::Declined), (1, Outcome::NotHome)]).await;
        let counts = reach(state, &field).await["01"].clone();
        assert_eq!((counts.doors, counts.opened, counts.conversations), (3, 3, 2), "nobody opened became: no, thank you");
        assert!(run(state).await);
        assert_eq!(reach(state, &field).await["01"], counts);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_door_told_of_a_conversation_as_long_as_somebody_came_by() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 1, 20).await;
        let mut phones = field.shift(state, &[0]).await;
        field.knock(state, &mut phones[0], 0, state.now_ms(), &[(0, Outcome::Talked)]).await;
        server.clock.advance(2 * DAY_MS);
        let mut later = field.shift(state, &[0]).await;
        field.knock(state, &mut later[0], 0, state.now_ms(), &[(0, Outcome::NotHome)]).await;
        server.clock.advance(2 * DAY_MS);
        assert!(run(state).await);
        let rows = store::door_state::of_turf(&mut state.db.read().await.unwrap(), field.walks[0].turf).await.unwrap();
        let states: BTreeMap<Uuid, Option<Outcome>> = rows.into_iter().collect();
        assert_eq!(states[&field.walks[0].doors[0].1], Some(Outcome::Done));
        server.stop().await;
    }
}

#[tokio::test]
async fn the_receipts_of_two_shifts_led_to_a_door_by_their_number() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 1, 20).await;
        let mut phones = field.shift(state, &[0]).await;
        let first = field.knock(state, &mut phones[0], 0, state.now_ms(), &[(0, Outcome::NotHome)]).await;
        server.clock.advance(2 * DAY_MS);
        let mut later = field.shift(state, &[0]).await;
        let second = field.knock(state, &mut later[0], 0, state.now_ms(), &[(0, Outcome::NotHome)]).await;
        let number = async |id: Uuid| store::receipt::among(&mut state.db.read().await.unwrap(), &[id].into()).await.unwrap()[0].seq;
        assert!(number(first[0]).await.is_some() && number(first[0]).await == number(second[0]).await, "nothing changed at the door");
        server.clock.advance(2 * DAY_MS);
        assert!(run(state).await);
        assert_eq!((number(first[0]).await, number(second[0]).await.is_some()), (None, true));
        server.stop().await;
    }
}

#[tokio::test]
async fn a_way_in_that_was_opened_took_away_the_conversation_of_a_later_shift() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 1, 20).await;
        let (turf, entrance) = (field.walks[0].turf, field.walks[0].doors[0].0);
        let at_the_entrance = async |outcome: Outcome| {
            let phones = field.shift(state, &[0]).await;
            let began = state.now_ms();
            let body = VisitV1 { campaign: field.campaign, turf, entrance, unit: None, outcome, leaflet: false, occurred_at: began };
            let entry = Envelope { bytes: serde_json::to_string(&body).unwrap(), ..noted(state, &field, 1, began) };
            let batch = Batch { have: Have::default(), epoch: None, entries: vec![entry.into()] };
            push::push(&state.db, began, phones[0].device, &batch).await.unwrap();
        };
        at_the_entrance(Outcome::IntercomLetIn).await;
        server.clock.advance(4 * HOUR_MS);
        at_the_entrance(Outcome::IntercomTalked).await;
        let before = reach(state, &field).await;
        assert_eq!((before["01"].doors, before["01"].conversations), (1, 1));
        server.clock.advance(coarsen::FINE_MS);
        assert!(run(state).await);
        assert_eq!(reach(state, &field).await, before, "of the first shift alone");
        server.clock.advance(4 * HOUR_MS);
        assert!(run(state).await);
        assert_eq!(reach(state, &field).await, before, "of both");
        server.stop().await;
    }
}

/// Each of two transactions judged what it does by the visit as it stood.
#[tokio::test]
async fn a_visit_was_replaced_twice_or_came_back_when_it_was_made_coarse() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 1, 20).await;
        let mut phones = field.shift(state, &[0]).await;
        let ids = field.knock(state, &mut phones[0], 0, state.now_ms(), &[(0, Outcome::NotHome)]).await;
        let mut visits = store::visit::among(&mut state.db.read().await.unwrap(), &ids.into_iter().collect()).await.unwrap();
        server.clock.advance(4 * DAY_MS);
        let due = store::coarsen::due(&mut state.db.read().await.unwrap(), state.now_ms() - coarsen::FINE_MS).await.unwrap();
        visits[0].superseded_by = Some(state.id_v7());
        let mut tx = state.db.begin().await.unwrap();
        store::visit::supersede(&mut tx, &visits).await.unwrap();
        assert!(matches!(store::visit::supersede(&mut tx, &visits).await, Err(StoreError::Overtaken)), "by another entry");
        let coarse: Vec<_> =
            due.into_iter().map(|from| store::coarsen::Coarse { id: state.id_v7(), outcome: from.outcome, day_ms: 0, from }).collect();
        assert!(matches!(store::coarsen::replace(&mut tx, &coarse).await, Err(StoreError::Overtaken)), "read as one that stands");
        drop(tx);
        server.stop().await;
    }
}

/// PostgreSQL keeps a removed row in a table that is rewritten while anybody may still see it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_removed_was_said_to_be_gone_while_an_old_reader_kept_it() {
    let (server, _) = due(Engine::Postgres).await;
    let state = &server.state;
    let mut reader = state.db.begin().await.unwrap();
    reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", vec![]).await.unwrap();
    // It looks at nothing that is rewritten, so that only what it may see stands in the way.
    reader.one("SELECT value FROM meta WHERE key = 'epoch'", vec![]).await.unwrap();
    assert!(run(state).await);
    assert!(!store::mix_mark::rewrite(&state.db).await.unwrap(), "it may still see it");
    drop(reader);
    assert!(store::mix_mark::rewrite(&state.db).await.unwrap());
    server.stop().await;
}

/// Whoever waits for a whole table has everybody else wait behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_could_push_while_a_dump_kept_the_rewriting_waiting() {
    let (server, field) = due(Engine::Postgres).await;
    let state = &server.state;
    let mut dump = state.db.begin().await.unwrap();
    dump.execute("LOCK TABLE visit IN ACCESS SHARE MODE", vec![]).await.unwrap();
    dump.execute("LOCK TABLE spool IN ACCESS SHARE MODE", vec![]).await.unwrap();
    assert!(run(state).await);
    let mut mix = state.db.begin().await.unwrap();
    assert!(store::mix_mark::lock_spool(&mut mix).await.is_err());
    drop(mix);
    let mut later = field.shift(state, &[0]).await;
    field.knock(state, &mut later[0], 0, state.now_ms(), &[(1, Outcome::Talked)]).await;
    drop(dump);
    assert!(store::mix_mark::rewrite(&state.db).await.unwrap());
    server.stop().await;
}

/// A conversation at the first door.
fn noted(state: &AppState, field: &Field, device_seq: u64, began: i64) -> Envelope {
    let (entrance, unit) = field.walks[0].doors[0];
    let turf = field.walks[0].turf;
    let body = VisitV1 { campaign: field.campaign, turf, entrance, unit: Some(unit), outcome: Outcome::Talked, leaflet: false, occurred_at: began };
    Envelope {
        id: state.id_v7(),
        kind: KIND_VISIT.into(),
        version: 1,
        device_seq,
        supersedes: None,
        captured_at: began + 1,
        bytes: serde_json::to_string(&body).unwrap(),
    }
}

/// Runs a push that waits for the campaign's number, and then a coarsening that waits behind it.
async fn behind<T>(state: &AppState, field: &Field, push: impl Future<Output = T>) -> (T, bool) {
    let mut other = state.db.begin().await.unwrap();
    store::campaign::take_seq(&mut other, field.campaign, 1).await.unwrap();
    let coarsening = async {
        while waiting(&state.db).await < 1 {}
        let meanwhile = async {
            while waiting(&state.db).await < 2 {}
            other.commit().await.unwrap();
        };
        tokio::join!(run(state), meanwhile).0
    };
    tokio::join!(push, coarsening)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_in_the_middle_of_its_visits_coarsening_takes_its_place() {
    let server = TestServer::on(Engine::Postgres).await;
    let state = &server.state;
    let field = Field::make(state, 1, 1, 20).await;
    let mut phones = field.shift(state, &[0]).await;
    let began = state.now_ms();
    let ids = field.knock(state, &mut phones[0], 0, began, &[(0, Outcome::NotHome)]).await;
    server.clock.advance(4 * DAY_MS);
    let entry = Envelope { supersedes: Some(ids[0]), ..noted(state, &field, 2, began) };
    let batch = Batch { have: Have::default(), epoch: None, entries: vec![entry.into()] };

    // The push has judged the correction by its visit, and waits for the campaign's number; the coarsening begins.
    let push = push::push(&state.db, state.now_ms(), phones[0].device, &batch);
    let (answer, coarsened) = Box::pin(behind(state, &field, push)).await;
    assert_eq!((answer.unwrap().results[0].status, coarsened), (Status::Applied, true));
    let visits = standing(state, &field).await;
    assert_eq!(visits.iter().map(|visit| visit.outcome).collect::<Vec<_>>(), [Outcome::Done], "one visit, as it was corrected");
    server.stop().await;
}

/// A visit that somebody notes in the middle of the coarsening of another one at the same door.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coarsening_wrote_over_what_a_later_shift_had_just_noted() {
    let server = TestServer::on(Engine::Postgres).await;
    let state = &server.state;
    let field = Field::make(state, 1, 1, 20).await;
    let mut phones = field.shift(state, &[0]).await;
    field.knock(state, &mut phones[0], 0, state.now_ms(), &[(0, Outcome::NotHome)]).await;
    server.clock.advance(4 * DAY_MS);
    let mut later = field.shift(state, &[0]).await;

    // The later push waits for the campaign's number, and the coarsening after it.
    let push = field.knock(state, &mut later[0], 0, state.now_ms(), &[(0, Outcome::Talked)]);
    let (_, coarsened) = Box::pin(behind(state, &field, push)).await;
    assert!(coarsened);
    let rows: BTreeMap<_, _> =
        store::door_state::of_turf(&mut state.db.read().await.unwrap(), field.walks[0].turf).await.unwrap().into_iter().collect();
    assert_eq!(rows[&field.walks[0].doors[0].1], Some(Outcome::Talked));
    server.stop().await;
}

#[tokio::test]
async fn a_visit_that_was_made_coarse_meanwhile_came_back_when_it_was_replaced() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 1, 20).await;
        let mut phones = field.shift(state, &[0]).await;
        let ids = field.knock(state, &mut phones[0], 0, state.now_ms(), &[(0, Outcome::NotHome)]).await;
        let mut visits = store::visit::among(&mut state.db.read().await.unwrap(), &ids.into_iter().collect()).await.unwrap();
        server.clock.advance(4 * DAY_MS);
        assert!(run(state).await);
        visits[0].superseded_by = Some(state.id_v7());
        let mut tx = state.db.begin().await.unwrap();
        assert!(matches!(store::visit::supersede(&mut tx, &visits).await, Err(StoreError::Overtaken)));
        tx.commit().await.unwrap();
        assert_eq!(standing(state, &field).await.len(), 1);
        server.stop().await;
    }
}

/// Whoever had the database could try doors and outcomes against a receipt: its id tells the millisecond.
#[tokio::test]
async fn a_receipt_told_door_and_outcome_until_its_key_was_destroyed() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 1, 20).await;
        let mut phones = field.shift(state, &[0]).await;
        let began = state.now_ms();
        let ids = field.knock(state, &mut phones[0], 0, began, &[(0, Outcome::Talked)]).await;
        let macs = async || {
            let receipts = store::receipt::among(&mut state.db.read().await.unwrap(), &ids.iter().copied().collect()).await.unwrap();
            receipts.into_iter().map(|receipt| receipt.mac.len()).collect::<Vec<_>>()
        };
        assert_eq!(macs().await, [32]);
        // An entry that an organiser discarded.
        let mut kept = Envelope { version: 9, bytes: "{}".into(), ..noted(state, &field, 2, began) };
        let push = async |entry: &Envelope| {
            let batch = Batch { have: Have::default(), epoch: None, entries: vec![entry.clone().into()] };
            push::push(&state.db, state.now_ms(), phones[0].device, &batch).await.unwrap().results[0].status
        };
        assert_eq!(push(&kept).await, Status::Quarantined);
        let open = store::quarantine::open(&mut state.db.read().await.unwrap(), field.campaign).await.unwrap();
        let picks: Vec<_> = open.into_iter().map(|row| Pick { id: row.id, mac: row.mac }).collect();
        settle::discard(&state.db, state.now_ms(), &picks, settle::Discard::Mistake, &Actor::operator(), &mut state.fork_rng()).await.unwrap();

        server.clock.advance(7 * DAY_MS);
        assert!(run(state).await);
        assert_eq!(macs().await, [0]);
        let mut tx = state.db.read().await.unwrap();
        assert!(store::quarantine::find(&mut tx, picks[0].id, &picks[0].mac).await.unwrap().is_none(), "its digest is gone too");
        drop(tx);
        // What was answered is answered as before, by phone and counter.
        assert_eq!(push(&kept).await, Status::Quarantined);
        // So is one that shared its id with another and was counted: after a restore it would be counted once more.
        let waits = async || store::quarantine::open(&mut state.db.read().await.unwrap(), field.campaign).await.unwrap().len();
        kept.device_seq = 3;
        assert_eq!(push(&kept).await, Status::Quarantined);
        assert_eq!(waits().await, 1, "another entry with its id");
        let open = store::quarantine::open(&mut state.db.read().await.unwrap(), field.campaign).await.unwrap();
        let picks: Vec<_> = open.into_iter().map(|row| Pick { id: row.id, mac: row.mac }).collect();
        settle::discard(&state.db, state.now_ms(), &picks, settle::Discard::Mistake, &Actor::operator(), &mut state.fork_rng()).await.unwrap();
        server.clock.advance(4 * DAY_MS);
        assert!(run(state).await);
        assert_eq!((push(&kept).await, waits().await), (Status::Quarantined, 0));
        assert!(!run(state).await, "once");
        server.stop().await;
    }
}

#[tokio::test]
async fn the_key_of_receipts_is_destroyed_when_nobody_can_send_any_more() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 1, 20).await;
        let mut phones = field.shift(state, &[0]).await;
        field.knock(state, &mut phones[0], 0, state.now_ms(), &[(0, Outcome::Talked)]).await;
        let key = async || store::campaign::find(&mut state.db.read().await.unwrap(), field.campaign).await.unwrap().unwrap().receipt_key.len();
        server.clock.advance(10 * DAY_MS);
        assert!(run(state).await);
        assert_eq!(key().await, 32);
        // The campaign ends on 18 December; it is 14 October plus ten days.
        server.clock.advance(85 * DAY_MS);
        assert!(!run(state).await);
        server.clock.advance(2 * DAY_MS);
        assert!(run(state).await);
        assert_eq!(key().await, 0);
        assert!(!run(state).await);
        server.stop().await;
    }
}
