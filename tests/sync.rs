//! Sync over a real socket, on both databases.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use dorbank_server::{args, coarsen, job::Actor, store};
use dorbank_shared::{
    error::{Code, Refusal},
    sync::{
        base::{Base, Verdict},
        wire::{Admission, Envelope, HelloResponse, MAX_ENTRIES, MAX_PUSH_BYTES, PushResponse, Reason, Status},
    },
    visit::Outcome,
};
use dorbank_tests::{Engine, TestServer, World, postgres::waiting};
use reqwest::StatusCode;
use uuid::Uuid;

use crate::phone::{House, Phone, houses, read};

const DAY_MS: i64 = 24 * 3_600_000;

struct Set {
    server: TestServer,
    world: World,
    houses: Vec<House>,
    phone: Phone,
}

async fn set(engine: Engine) -> Set {
    let server = TestServer::on(engine).await;
    let world = World::make(&server.state).await;
    let houses = houses(&server.state, &world).await;
    let phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    Set { server, world, houses, phone }
}

fn statuses(answer: &PushResponse) -> Vec<Status> {
    answer.results.iter().map(|result| result.status).collect()
}

fn reasons(answer: &PushResponse) -> Vec<Option<Reason>> {
    answer.results.iter().map(|result| result.reason).collect()
}

/// The rows of a turf by a fresh pull, checked against count and checksum.
async fn pulled(server: &TestServer, phone: &Phone, turf: Uuid) -> BTreeMap<Uuid, Outcome> {
    let answer = phone.pull(server, &[(turf, None)], None).await;
    let mut base = Base::default();
    let turf = answer.turfs.iter().find(|pull| pull.turf == turf).expect("the turf is in scope");
    assert_eq!(base.apply(turf), Verdict::Equal);
    base.states()
}

#[tokio::test]
async fn an_entry_gets_a_receipt_and_a_repeat_the_same_answer() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, mut phone } = set(engine).await;
        let entries = [
            phone.visit(&server.state, &houses[0], Some(0), Outcome::Talked),
            phone.visit(&server.state, &houses[0], Some(1), Outcome::NotHome),
            phone.visit(&server.state, &houses[0], None, Outcome::NoAccess),
        ];
        let answer = phone.push(&server, &entries).await;
        assert_eq!(statuses(&answer), [Status::Applied; 3]);
        assert_eq!(answer.results.iter().map(|r| r.seq).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
        assert!(answer.results.iter().zip(&entries).all(|(result, entry)| result.id == entry.id && result.digest == entry.digest()));
        assert_eq!((answer.held, answer.missing.as_slice()), (3, [].as_slice()));

        let again = phone.push(&server, &entries).await;
        assert_eq!(statuses(&again), [Status::Duplicate; 3]);
        assert_eq!(again.results[1].seq, Some(2));
        assert_eq!(again.held, 3);

        let doors = pulled(&server, &phone, world.turfs[0].id).await;
        assert_eq!(doors[&houses[0].units[0]], Outcome::Talked);
        assert_eq!(doors[&houses[0].entrance], Outcome::NoAccess);
        assert_eq!(doors.len(), 3);
    }
}

#[tokio::test]
async fn an_entry_that_its_phone_had_to_count_again_stood_aside_as_another_one() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, mut phone } = set(engine).await;
        let good = phone.visit(&server.state, &houses[0], Some(0), Outcome::Talked);
        let recounted = Envelope { device_seq: 7, ..good.clone() };
        assert_eq!(statuses(&phone.push(&server, std::slice::from_ref(&good)).await), [Status::Applied]);
        assert_eq!(statuses(&phone.push(&server, std::slice::from_ref(&recounted)).await), [Status::Duplicate]);
        assert_eq!(statuses(&phone.push(&server, &[good.clone(), recounted.clone()]).await), [Status::Duplicate; 2]);
        let receipts = store::receipt::among(&mut server.state.db.read().await.unwrap(), &[good.id].into()).await.unwrap();
        assert_eq!(receipts[0].device_seq, 7, "by which it is known when nothing else is left");
        let mut tx = server.state.db.begin().await.unwrap();
        tx.execute("UPDATE receipt SET mac = $1", args![Vec::<u8>::new()]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(statuses(&phone.push(&server, std::slice::from_ref(&recounted)).await), [Status::Duplicate]);

        let unknown = Envelope { kind: "survey".into(), ..phone.visit(&server.state, &houses[0], Some(1), Outcome::Talked) };
        let again = Envelope { device_seq: 8, ..unknown.clone() };
        let reused = Envelope { device_seq: 9, bytes: good.bytes.replace("talked", "declined"), ..good };
        let reused_again = Envelope { device_seq: 10, ..reused.clone() };
        for entry in [unknown, again, reused, reused_again] {
            phone.push(&server, &[entry]).await;
        }
        let kept = store::quarantine::open(&mut server.state.db.read().await.unwrap(), world.campaign.id).await.unwrap();
        assert_eq!(kept.iter().map(|kept| kept.reason).collect::<Vec<_>>(), [Reason::UnknownKind, Reason::IdReuse], "each once");
    }
}

#[tokio::test]
async fn five_equal_pushes_at_once_make_one_row() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, mut phone } = set(engine).await;
        let entry = phone.visit(&server.state, &houses[0], Some(0), Outcome::Talked);
        let pushes = (0..5).map(|_| phone.push(&server, std::slice::from_ref(&entry)));
        let mut seen: Vec<Status> = join_all(pushes).await.iter().flat_map(statuses).collect();
        seen.sort_by_key(|status| status.name());
        assert_eq!(seen, [Status::Applied, Status::Duplicate, Status::Duplicate, Status::Duplicate, Status::Duplicate]);
        let mut tx = server.state.db.read().await.unwrap();
        let standing = store::visit::standing(&mut tx, world.campaign.id, &[houses[0].entrance].into()).await.unwrap();
        assert_eq!(standing.len(), 1);
    }
}

/// Awaits all at once.
async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut pinned: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        let mut ready = true;
        for (future, output) in &mut pinned {
            if output.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    pinned.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test]
async fn what_cannot_be_applied_is_kept_with_a_reason() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, mut phone } = set(engine).await;
        let state = &server.state;
        let good = phone.visit(state, &houses[0], Some(0), Outcome::Talked);
        let reused = Envelope { device_seq: 2, bytes: good.bytes.replace("talked", "declined"), ..good.clone() };
        phone.seq += 1;
        let other_turf = phone.visit(state, &houses[5], Some(0), Outcome::Talked);
        let wrong_entrance = phone.visit(state, &House { turf: world.turfs[1].id, ..houses[0].clone() }, Some(0), Outcome::Talked);
        let wrong_unit = phone.visit(state, &House { units: houses[1].units.clone(), ..houses[0].clone() }, Some(0), Outcome::Talked);
        let unknown = Envelope { kind: "survey\u{0}".into(), ..phone.visit(state, &houses[0], Some(1), Outcome::Talked) };
        let newer = Envelope { version: 2, ..phone.visit(state, &houses[0], Some(1), Outcome::Talked) };
        let noted = phone.visit(state, &houses[0], Some(1), Outcome::Talked);
        let noted = Envelope { bytes: noted.bytes.replacen('{', "{\"note\":\"x\",", 1), ..noted };
        let no_json = Envelope { bytes: "\u{0}\u{fffd}".into(), ..phone.visit(state, &houses[0], Some(1), Outcome::Talked) };
        let lost = phone.correct(state, &houses[0], Some(1), Outcome::Talked, Some(Uuid::from_u128(9)));
        let entries = [good, reused, other_turf, wrong_entrance, wrong_unit, unknown, newer, noted, no_json, lost];
        let want = [
            None,
            Some(Reason::IdReuse),
            Some(Reason::OutsideScope),
            Some(Reason::OutsideScope),
            Some(Reason::OutsideScope),
            Some(Reason::UnknownKind),
            Some(Reason::UnknownKind),
            Some(Reason::UnreadableBody),
            Some(Reason::UnreadableBody),
            Some(Reason::UnknownSuperseded),
        ];
        for _ in 0..2 {
            let answer = phone.push(&server, &entries).await;
            assert_eq!(reasons(&answer), want);
            assert!(answer.results.iter().all(|r| (r.status == Status::Quarantined) == r.reason.is_some()));
            assert_eq!(answer.held, 10, "what is kept is held");
            assert!(answer.missing.is_empty());
        }
        let kept = store::quarantine::open(&mut state.db.read().await.unwrap(), world.campaign.id).await.unwrap();
        assert_eq!(kept.len(), 9, "a repeat is kept once");
        let id_reuse = kept.iter().find(|q| q.reason == Reason::IdReuse).unwrap();
        assert_eq!(serde_json::from_str::<Envelope>(&id_reuse.body).unwrap(), entries[1], "kept whole");
    }
}

#[tokio::test]
async fn phones_that_are_not_admitted_may_still_send() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, mut phone } = set(engine).await;
        for admission in [Admission::Waiting, Admission::Refused, Admission::Revoked] {
            phone.stand(&server.state, admission, None).await;
            let entry = phone.visit(&server.state, &houses[0], Some(0), Outcome::Talked);
            let answer = phone.push(&server, &[entry]).await;
            assert_eq!(reasons(&answer), [Some(Reason::NotAdmitted)]);
            // One that waits was let in once, before a restore, or has nothing: it keeps what it has until it is let in.
            let status = if admission == Admission::Waiting { Status::Retry } else { Status::Quarantined };
            assert_eq!(statuses(&answer), [status]);
            let pull = phone.pull(&server, &[(world.turfs[0].id, None)], None).await;
            assert_eq!((pull.admission, pull.sign.as_str()), (admission, "K7"));
            assert!(pull.bundle.is_none() && pull.turfs.is_empty());
            assert_eq!(pull.removed, [world.turfs[0].id]);
            assert_eq!(pull.held, answer.held, "also a phone that is shut out learns that nothing of it is lost");
        }
    }
}

#[tokio::test]
async fn thirty_days_after_the_shift_somebody_has_to_look() {
    let Set { server, world, houses, mut phone } = set(Engine::Sqlite).await;
    server.clock.set(world.shift.ends_at + 30 * DAY_MS);
    let in_time = phone.visit(&server.state, &houses[0], Some(0), Outcome::Talked);
    assert_eq!(statuses(&phone.push(&server, std::slice::from_ref(&in_time)).await), [Status::Applied]);
    server.clock.advance(1);
    let late = phone.visit(&server.state, &houses[0], Some(1), Outcome::Talked);
    let answer = phone.push(&server, &[in_time, late]).await;
    assert_eq!(statuses(&answer), [Status::Duplicate, Status::Quarantined]);
    assert_eq!(answer.results[1].reason, Some(Reason::TooLate));
}

#[tokio::test]
async fn without_its_key_a_receipt_still_answers_its_own_phone() {
    let Set { server, world, houses, mut phone } = set(Engine::Sqlite).await;
    let before = phone.visit(&server.state, &houses[0], Some(0), Outcome::Talked);
    phone.push(&server, std::slice::from_ref(&before)).await;
    let mut tx = server.state.db.begin().await.unwrap();
    store::campaign::forget_receipt_key(&mut tx, world.campaign.id).await.unwrap();
    tx.commit().await.unwrap();
    let after = phone.visit(&server.state, &houses[0], Some(1), Outcome::Talked);
    assert_eq!(statuses(&phone.push(&server, &[before.clone(), after.clone()]).await), [Status::Duplicate, Status::Applied]);
    assert_eq!(statuses(&phone.push(&server, &[before.clone(), after]).await), [Status::Duplicate, Status::Duplicate]);
    let receipts = store::receipt::among(&mut server.state.db.read().await.unwrap(), &[before.id].into()).await.unwrap();
    assert_eq!(receipts[0].mac.len(), 32);
    let reused = Envelope { device_seq: 9, ..before };
    assert_eq!(reasons(&phone.push(&server, &[reused]).await), [Some(Reason::IdReuse)]);
}

#[tokio::test]
async fn a_correction_and_a_withdrawal_refold_the_door() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, mut phone } = set(engine).await;
        let state = &server.state;
        let turf = world.turfs[0].id;
        let first = phone.visit(state, &houses[0], Some(0), Outcome::Talked);
        let second = phone.correct(state, &houses[0], Some(0), Outcome::NotHome, Some(first.id));
        assert_eq!(statuses(&phone.push(&server, &[first.clone(), second.clone()]).await), [Status::Applied; 2]);
        assert_eq!(pulled(&server, &phone, turf).await[&houses[0].units[0]], Outcome::NotHome);
        // The wrong door was tapped: the correction stands at another one.
        let third = phone.correct(state, &houses[0], Some(1), Outcome::ComeBack, Some(second.id));
        phone.push(&server, std::slice::from_ref(&third)).await;
        let doors = pulled(&server, &phone, turf).await;
        assert_eq!((doors.get(&houses[0].units[0]), doors.get(&houses[0].units[1])), (None, Some(&Outcome::ComeBack)));
        let gone = phone.withdraw(state, &third);
        assert_eq!(statuses(&phone.push(&server, std::slice::from_ref(&gone)).await), [Status::Applied]);
        assert!(pulled(&server, &phone, turf).await.is_empty());
        assert_eq!(phone.pull(&server, &[(turf, None)], None).await.turfs[0].count, 2, "doors withdrawn to nothing keep their rows");
        // A second withdrawal of the same entry contradicts nothing that stands, and is kept as it is.
        let again = phone.withdraw(state, &third);
        assert_eq!(statuses(&phone.push(&server, &[again]).await), [Status::ConflictRecorded]);
        assert_eq!(statuses(&phone.push(&server, &[gone]).await), [Status::Duplicate]);
        // Another phone cannot take it back.
        let mut other = Phone::join(state, &world, Admission::Admitted, None).await;
        let theirs = other.withdraw(state, &third);
        assert_eq!(reasons(&other.push(&server, &[theirs]).await), [Some(Reason::UnknownSuperseded)]);
    }
}

#[tokio::test]
async fn two_phones_of_a_pair_merge_on_the_door() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, mut phone } = set(engine).await;
        let mut other = Phone::join(&server.state, &world, Admission::Admitted, None).await;
        let one = phone.visit(&server.state, &houses[0], Some(0), Outcome::Talked);
        let two = other.visit(&server.state, &houses[0], Some(0), Outcome::NotHome);
        assert_eq!(statuses(&phone.push(&server, &[one]).await), [Status::Applied]);
        let merged = other.push(&server, &[two]).await;
        assert_eq!((statuses(&merged), merged.results[0].seq), (vec![Status::Merged], Some(1)), "the state did not change, nor its number");
        assert_eq!(pulled(&server, &phone, world.turfs[0].id).await[&houses[0].units[0]], Outcome::Talked);
    }
}

#[tokio::test]
async fn a_wish_for_quiet_goes_into_the_register_and_its_undo_takes_it_back() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, mut phone } = set(engine).await;
        let state = &server.state;
        let quiet = async |house: &House, door: usize| {
            let entrance = store::entrance::find(&mut state.db.read().await.unwrap(), house.entrance).await.unwrap().unwrap();
            entrance.units.iter().find(|unit| unit.id == house.units[door]).unwrap().do_not_knock
        };
        let wish = phone.visit(state, &houses[0], Some(0), Outcome::DoNotKnock);
        let before = phone.pull(&server, &[], None).await.bundle.unwrap();
        phone.push(&server, std::slice::from_ref(&wish)).await;
        assert!(quiet(&houses[0], 0).await);
        let after = phone.pull(&server, &[], Some(&before.tag)).await.bundle.unwrap();
        assert_ne!(before.tag, after.tag);
        assert!(after.turfs[0].entrances[0].units.iter().any(|unit| unit.do_not_knock));
        assert!(phone.pull(&server, &[], Some(&after.tag)).await.bundle.is_none());

        // Another phone's wish for the same door keeps it quiet when the first is undone.
        let mut other = Phone::join(state, &world, Admission::Admitted, None).await;
        let theirs = other.visit(state, &houses[0], Some(0), Outcome::DoNotKnock);
        other.push(&server, std::slice::from_ref(&theirs)).await;
        let undo = phone.withdraw(state, &wish);
        phone.push(&server, &[undo]).await;
        assert!(quiet(&houses[0], 0).await);

        // Alone it is undone, by a withdrawal or by another outcome; an entrance too.
        let wish = phone.visit(state, &houses[0], Some(1), Outcome::DoNotKnock);
        let other_outcome = phone.correct(state, &houses[0], Some(1), Outcome::NotHome, Some(wish.id));
        let whole = phone.visit(state, &houses[1], None, Outcome::DoNotKnock);
        phone.push(&server, &[wish, whole.clone()]).await;
        assert!(quiet(&houses[0], 1).await);
        let undo = phone.withdraw(state, &whole);
        phone.push(&server, &[other_outcome, undo]).await;
        assert!(!quiet(&houses[0], 1).await);
        let entrance = store::entrance::find(&mut state.db.read().await.unwrap(), houses[1].entrance).await.unwrap().unwrap();
        assert!(!entrance.do_not_knock);

        // What the register kept quiet before is not this entry's to undo.
        let mut tx = state.db.begin().await.unwrap();
        store::visit::set_quiet(&mut tx, &[houses[0].units[2]].into(), &[].into(), true).await.unwrap();
        tx.commit().await.unwrap();
        let wish = phone.visit(state, &houses[0], Some(2), Outcome::DoNotKnock);
        let undo = phone.withdraw(state, &wish);
        phone.push(&server, &[wish, undo]).await;
        assert!(quiet(&houses[0], 2).await);

        // After the shift it is an officer's to clear.
        let wish = phone.visit(state, &houses[0], Some(3), Outcome::DoNotKnock);
        phone.push(&server, std::slice::from_ref(&wish)).await;
        server.clock.set(world.shift.ends_at + 1);
        let undo = phone.withdraw(state, &wish);
        assert_eq!(statuses(&phone.push(&server, &[undo]).await), [Status::ConflictRecorded]);
        assert!(quiet(&houses[0], 3).await);
    }
}

#[tokio::test]
async fn the_sixteenth_wish_for_quiet_waits_for_the_lead() {
    for engine in Engine::BOTH {
        let Set { server, houses, mut phone, .. } = set(engine).await;
        let state = &server.state;
        let doors: Vec<(usize, Option<usize>)> =
            (0..3).flat_map(|h| (0..4).map(move |d| (h, Some(d)))).chain((0..3).map(|h| (h, None))).chain([(3, Some(0)), (4, Some(0))]).collect();
        let wishes: Vec<Envelope> = doors.iter().map(|(h, d)| phone.visit(state, &houses[*h], *d, Outcome::DoNotKnock)).collect();
        let first = phone.push(&server, &wishes[..10]).await;
        assert_eq!(statuses(&first), [Status::Applied; 10]);
        let rest = phone.push(&server, &wishes[10..]).await;
        let want = [vec![None; 5], vec![Some(Reason::ManyDoNotKnock); 2]].concat();
        assert_eq!(reasons(&rest), want);
        // An undo makes room for another; a kept one that is taken back is settled.
        let undo = phone.withdraw(state, &wishes[0]);
        let settle = phone.withdraw(state, &wishes[15]);
        let again = phone.visit(state, &houses[4], None, Outcome::DoNotKnock);
        assert_eq!(statuses(&phone.push(&server, &[undo, settle, again]).await), [Status::Applied; 3]);
        let kept = store::quarantine::open(&mut state.db.read().await.unwrap(), phone.campaign).await.unwrap();
        assert_eq!(kept.len(), 1);
    }
}

/// Every door that the shift walks, whole entrances too: nineteen.
fn doors() -> impl Iterator<Item = (usize, Option<usize>)> {
    (0..5).flat_map(|house| (0..if house < 3 { 4 } else { 1 }).map(Some).chain([None]).map(move |door| (house, door)))
}

/// How many of them the register keeps quiet.
async fn quiet(server: &TestServer, houses: &[House]) -> usize {
    let mut tx = server.state.db.read().await.unwrap();
    let units = houses.iter().flat_map(|house| house.units.iter().copied()).collect();
    store::visit::quiet(&mut tx, &units, &houses.iter().map(|house| house.entrance).collect()).await.unwrap().len()
}

#[tokio::test]
async fn a_wish_that_was_taken_back_too_late_made_room_for_another() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, mut phone } = set(engine).await;
        let state = &server.state;
        let wishes: Vec<Envelope> = doors().map(|(h, d)| phone.visit(state, &houses[h], d, Outcome::DoNotKnock)).collect();
        assert_eq!(statuses(&phone.push(&server, &wishes[..15]).await), [Status::Applied; 15]);
        server.clock.set(world.shift.ends_at + 1);
        let undone: Vec<Envelope> = wishes[..14].iter().map(|wish| phone.withdraw(state, wish)).collect();
        assert_eq!(statuses(&phone.push(&server, &undone).await), [Status::ConflictRecorded; 14]);
        assert_eq!(reasons(&phone.push(&server, &wishes[15..16]).await), [Some(Reason::ManyDoNotKnock)]);
        // Nor in the same batch, nor by a correction that moves it to another door.
        let undo = phone.withdraw(state, &wishes[14]);
        assert_eq!(reasons(&phone.push(&server, &[undo, wishes[16].clone()]).await), [None, Some(Reason::ManyDoNotKnock)]);
        let moved = phone.correct(state, &houses[4], None, Outcome::DoNotKnock, Some(wishes[0].id));
        assert_eq!(reasons(&phone.push(&server, &[moved]).await), [Some(Reason::ManyDoNotKnock)]);
        assert_eq!(quiet(&server, &houses).await, 15);
        server.stop().await;
    }
}

/// Two campaigns have two clocks, so neither push waits for the other at the campaign.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wish_that_came_while_another_was_taken_back_left_the_door_to_be_rung() {
    let Set { server, houses, mut phone, .. } = set(Engine::Postgres).await;
    let state = &server.state;
    let wish = phone.visit(state, &houses[0], Some(0), Outcome::DoNotKnock);
    phone.push(&server, std::slice::from_ref(&wish)).await;
    let mut other = state.db.begin().await.unwrap();
    store::register::hold(&mut other).await.unwrap();
    let same = store::visit::among(&mut other, &[wish.id].into()).await.unwrap().remove(0);
    store::visit::insert(&mut other, &[store::visit::Visit { id: state.id_v7(), device: None, ..same }]).await.unwrap();
    let undo = phone.withdraw(state, &wish);
    let done = AtomicBool::new(false);
    let push = async {
        let answer = phone.push(&server, &[undo]).await;
        done.store(true, Ordering::Relaxed);
        answer
    };
    let meanwhile = async {
        while waiting(&state.db).await == 0 && !done.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        other.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(push, meanwhile);
    assert_eq!((statuses(&answer), quiet(&server, &houses).await), (vec![Status::Applied], 1));
    server.stop().await;
}

#[tokio::test]
async fn a_door_that_stayed_quiet_after_two_wishes_was_counted_no_more() {
    for engine in Engine::BOTH {
        let Set { server, houses, mut phone, .. } = set(engine).await;
        let state = &server.state;
        // The register hears of the first of two, and stays as it is for the second when the first is taken back.
        for doors in doors().collect::<Vec<_>>().chunks(7) {
            let both: Vec<[Envelope; 2]> =
                doors.iter().map(|(h, d)| [0, 1].map(|_| phone.visit(state, &houses[*h], *d, Outcome::DoNotKnock))).collect();
            phone.push(&server, &both.concat()).await;
            for which in [0, 1] {
                let undone: Vec<Envelope> = both.iter().map(|wishes| phone.withdraw(state, &wishes[which])).collect();
                phone.push(&server, &undone).await;
            }
        }
        assert!(quiet(&server, &houses).await <= 15);
        server.stop().await;
    }
}

#[tokio::test]
async fn each_coarsening_made_room_for_fifteen_more_wishes() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, mut phone } = set(engine).await;
        let mut other = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[1].id)).await;
        let state = &server.state;
        let mut doors = doors();
        let mut wish = |phone: &mut Phone, count: usize| -> Vec<Envelope> {
            doors.by_ref().take(count).map(|(h, d)| phone.visit(state, &houses[h], d, Outcome::DoNotKnock)).collect()
        };
        let coarsen = async || coarsen::run(&state.db, &Actor::schedule(), state.now_ms(), &mut state.fork_rng()).await.unwrap();
        let early = wish(&mut phone, 1);
        assert_eq!(statuses(&phone.push(&server, &early).await), [Status::Applied]);
        server.clock.set(world.shift.ends_at + coarsen::FINE_MS);
        assert!(coarsen().await);
        let late = wish(&mut phone, 8);
        assert_eq!(statuses(&phone.push(&server, &late).await), [Status::Applied; 8], "who comes late with some is let");
        assert!(coarsen().await);
        // Whose they were is not known any more: the shift's phones are counted together.
        let later = wish(&mut other, 7);
        assert_eq!(statuses(&other.push(&server, &later).await), [Status::Applied; 7]);
        assert!(coarsen().await);
        for phone in [&mut phone, &mut other] {
            let more = wish(phone, 1);
            assert_eq!(reasons(&phone.push(&server, &more).await), [Some(Reason::ManyDoNotKnock)]);
        }
        assert_eq!(quiet(&server, &houses).await, 16);
        server.stop().await;
    }
}

#[tokio::test]
async fn what_is_no_push_is_refused_as_a_whole_and_says_so_in_a_code() {
    let Set { server, phone, .. } = set(Engine::Sqlite).await;
    let refused = async |body: Vec<u8>| {
        let response = phone.send(&server, "/sync/v1/push", body).await;
        (response.status(), response.json::<Refusal>().await.unwrap().error)
    };
    for body in [&b"\x00\xff\xfe garbage"[..], b"", b"<!doctype html><title>Log in</title>", b"[]", b"{}"] {
        assert_eq!(refused(body.to_vec()).await, (StatusCode::BAD_REQUEST, Code::Malformed));
    }
    let large = format!(r#"{{"entries":["{}"]}}"#, "x".repeat(MAX_PUSH_BYTES));
    assert_eq!(refused(large.into_bytes()).await, (StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge));
    let many = format!(r#"{{"entries":[{}0]}}"#, "0,".repeat(MAX_ENTRIES));
    assert_eq!(refused(many.into_bytes()).await, (StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge));
    let stranger = server.post("/sync/v1/push").bearer_auth("x").body("{}").send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_entry_of_any_shape_is_answered_for_itself() {
    for engine in Engine::BOTH {
        let Set { server, houses, mut phone, .. } = set(engine).await;
        let good = phone.visit(&server.state, &houses[0], Some(0), Outcome::Talked);
        let mut body = serde_json::to_value(phone.request(&[good])).unwrap();
        let entries = body["entries"].as_array_mut().unwrap();
        let whole = entries[0].clone();
        for change in [
            serde_json::json!({"version": -1}),
            serde_json::json!({"device_seq": u64::MAX}),
            serde_json::json!({"device_seq": 0}),
            serde_json::json!({"captured_at": i64::MIN}),
            serde_json::json!({"bytes": 7}),
            serde_json::json!({"kind": "\u{0}".repeat(300)}),
        ] {
            let mut entry = whole.clone();
            entry["id"] = serde_json::json!(server.state.id_v7());
            for (key, value) in change.as_object().unwrap() {
                entry[key] = value.clone();
            }
            entries.push(entry);
        }
        entries.push(serde_json::json!(null));
        entries.push(serde_json::json!({"id": "no id", "\u{0}": "\u{0}"}));
        for _ in 0..2 {
            let answer: PushResponse = read(phone.send(&server, "/sync/v1/push", serde_json::to_vec(&body).unwrap()).await).await;
            assert_eq!(answer.results.len(), 9);
            assert!(answer.results.iter().all(|result| result.status.is_receipt()));
            assert_eq!(answer.results.iter().filter(|result| result.status == Status::Quarantined).count(), 7, "{:?}", answer.results);
        }
    }
}

#[tokio::test]
async fn gaps_in_the_counters_are_named() {
    for engine in Engine::BOTH {
        let Set { server, houses, mut phone, .. } = set(engine).await;
        let entries: Vec<Envelope> = (0..6).map(|i| phone.visit(&server.state, &houses[i / 4], Some(i % 4), Outcome::NotHome)).collect();
        let answer = phone.push(&server, &[entries[1].clone(), entries[4].clone()]).await;
        assert_eq!((answer.missing.as_slice(), answer.held), ([(1, 1), (3, 4), (6, 6)].as_slice(), 2));
        let answer = phone.push(&server, &entries).await;
        assert_eq!((answer.missing.as_slice(), answer.held), ([].as_slice(), 6));
    }
}

#[tokio::test]
async fn a_cursor_brings_only_what_changed_and_another_epoch_everything() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, mut phone } = set(engine).await;
        let turf = world.turfs[0].id;
        let first = phone.visit(&server.state, &houses[0], Some(0), Outcome::NotHome);
        phone.push(&server, &[first]).await;
        let mut base = Base::default();
        let pull = phone.pull(&server, &[(turf, None)], None).await;
        assert!(pull.turfs[0].reset);
        assert_eq!(base.apply(&pull.turfs[0]), Verdict::Equal);
        let second = phone.visit(&server.state, &houses[0], Some(1), Outcome::Talked);
        phone.push(&server, &[second]).await;
        let cursor = pull.turfs[0].next.clone();
        let pull = phone.pull(&server, &[(turf, Some(&cursor))], None).await;
        assert!(!pull.turfs[0].reset);
        assert_eq!(pull.turfs[0].rows.len(), 1);
        assert_eq!(base.apply(&pull.turfs[0]), Verdict::Equal);
        // Nothing new keeps the cursor.
        let same = phone.pull(&server, &[(turf, Some(&pull.turfs[0].next))], None).await;
        assert_eq!((same.turfs[0].rows.len(), &same.turfs[0].next), (0, &pull.turfs[0].next));

        let mut tx = server.state.db.begin().await.unwrap();
        store::meta::set(&mut tx, store::meta::EPOCH, "another").await.unwrap();
        tx.commit().await.unwrap();
        let pull = phone.pull(&server, &[(turf, Some(&pull.turfs[0].next))], None).await;
        assert_eq!((pull.epoch.as_str(), pull.turfs[0].reset, pull.turfs[0].rows.len()), ("another", true, 2));
        assert_eq!(base.apply(&pull.turfs[0]), Verdict::Equal);
    }
}

#[tokio::test]
async fn a_long_turf_comes_in_parts() {
    let Set { server, world, houses, mut phone } = set(Engine::Sqlite).await;
    let entries: Vec<Envelope> = (0..12).map(|i| phone.visit(&server.state, &houses[i / 4], Some(i % 4), Outcome::NotHome)).collect();
    phone.push(&server, &entries).await;
    let turf = world.turfs[0].id;
    let (mut base, mut cursor, mut parts) = (Base::default(), None, 0);
    loop {
        let request = dorbank_shared::sync::wire::PullRequest { proto: 1, build: "1".into(), bundle: None, turfs: [(turf, cursor)].into() };
        let answer = dorbank_server::sync::pull::pull_at_most(&server.state.db, server.state.now_ms(), phone.id, 0, &request, 5).await.unwrap();
        parts += 1;
        if base.apply(&answer.turfs[0]) == Verdict::Equal {
            break;
        }
        cursor = Some(answer.turfs[0].next.clone());
    }
    assert_eq!(parts, 3);
    let request = dorbank_shared::sync::wire::PullRequest { proto: 1, build: "1".into(), bundle: None, turfs: BTreeMap::new() };
    let refused = dorbank_server::sync::pull::pull(&server.state.db, 0, phone.id, 2, &request).await.unwrap_err();
    assert!(matches!(refused, dorbank_server::sync::SyncError::Refused(Code::UpdateNeeded)));
}

#[tokio::test]
async fn another_turf_is_pulled_and_the_old_one_dropped_while_its_entries_still_count() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, mut phone } = set(engine).await;
        let state = &server.state;
        let pull = phone.pull(&server, &[], None).await;
        assert_eq!(pull.bundle.unwrap().turfs.iter().map(|t| t.id).collect::<Vec<_>>(), [world.turfs[0].id]);
        let offline = phone.visit(state, &houses[0], Some(0), Outcome::Talked);
        let elsewhere = phone.visit(state, &houses[1], Some(0), Outcome::Talked);
        phone.stand(state, Admission::Admitted, Some(world.turfs[1].id)).await;
        // And the turf it had loses an entrance meanwhile.
        let mut tx = state.db.begin().await.unwrap();
        store::turf::replace(&mut tx, world.turfs[0].id, 1, &[houses[0].entrance, houses[2].entrance]).await.unwrap();
        tx.commit().await.unwrap();
        let pull = phone.pull(&server, &[(world.turfs[0].id, None)], None).await;
        assert_eq!(pull.removed, [world.turfs[0].id]);
        assert_eq!(pull.turfs.iter().map(|t| t.turf).collect::<Vec<_>>(), [world.turfs[1].id]);
        assert_eq!(statuses(&phone.push(&server, &[offline, elsewhere]).await), [Status::Applied; 2]);
        // Without a turf of its own it walks all of the shift's.
        phone.stand(state, Admission::Admitted, None).await;
        assert_eq!(phone.pull(&server, &[], None).await.turfs.len(), 2);
    }
}

#[tokio::test]
async fn a_hello_needs_no_credential() {
    let Set { server, phone, .. } = set(Engine::Sqlite).await;
    let hello: HelloResponse = read(server.get("/sync/v1/hello").send().await.unwrap()).await;
    assert_eq!((hello.admission, hello.proto), (None, (1, 1)));
    let known: HelloResponse = read(server.get("/sync/v1/hello").bearer_auth(&phone.credential).send().await.unwrap()).await;
    assert_eq!((known.admission, known.epoch), (Some(Admission::Admitted), hello.epoch));
}

/// Many phones push at once, on two servers where the database allows it, while one pulls: it misses nothing, and its
/// checksum is right after each pull.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_pull_skips_a_number_while_others_push() {
    for engine in Engine::BOTH {
        let Set { server, world, houses, phone } = set(engine).await;
        let address = server.state.config.database.clone();
        let second = if engine == Engine::Postgres { Some(TestServer::with(engine, |config| config.database = address).await) } else { None };
        let servers: Vec<Arc<TestServer>> = [Some(server), second].into_iter().flatten().map(Arc::new).collect();
        let mut pushing = Vec::new();
        for number in 0..4 {
            let mut pusher = Phone::join(&servers[0].state, &world, Admission::Admitted, None).await;
            // Both servers draw from the same seed, so all ids come from the first.
            let (state, server, houses) = (servers[0].state.clone(), servers[number % servers.len()].clone(), houses.clone());
            pushing.push(tokio::spawn(async move {
                for round in 0..8 {
                    let entries: Vec<Envelope> = (0..3)
                        .map(|house| {
                            let outcome = Outcome::CHOICES[(number + round + house) % 4];
                            pusher.visit(&state, &houses[house], Some((round + number) % 4), outcome)
                        })
                        .collect();
                    let answer = pusher.push(&server, &entries).await;
                    assert!(answer.results.iter().all(|r| matches!(r.status, Status::Applied | Status::Merged)), "{:?}", answer.results);
                }
            }));
        }
        let turf = world.turfs[0].id;
        let (mut base, mut cursor) = (Base::default(), None::<String>);
        let mut pulls = 0;
        loop {
            let last = pushing.iter().all(tokio::task::JoinHandle::is_finished);
            let pull = phone.pull(&servers[pulls % servers.len()], &[(turf, cursor.as_deref())], None).await;
            assert_eq!(pull.turfs[0].reset, cursor.is_none());
            assert_eq!(base.apply(&pull.turfs[0]), Verdict::Equal, "a row was skipped");
            cursor = Some(pull.turfs[0].next.clone());
            pulls += 1;
            // However long the others take: by the servers' clocks nobody asks too often.
            for server in &servers {
                server.clock.advance(1_000);
            }
            if last {
                break;
            }
        }
        for pusher in pushing {
            pusher.await.unwrap();
        }
        assert_eq!(base.states(), pulled(&servers[0], &phone, turf).await);
        assert_eq!(base.states().len(), 12);
    }
}

#[tokio::test]
async fn a_pull_tells_of_a_door_its_state_and_neither_when_nor_who() {
    let Set { server, world, houses, mut phone } = set(Engine::Sqlite).await;
    let other = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    let noted = phone.visit(&server.state, &houses[0], Some(0), Outcome::Talked);
    phone.push(&server, std::slice::from_ref(&noted)).await;
    server.clock.advance(DAY_MS / 24);
    let request = serde_json::json!({ "proto": 1, "build": "test", "turfs": { world.turfs[0].id.to_string(): null } });
    let text = other.send(&server, "/sync/v1/pull", request.to_string()).await.text().await.unwrap();
    let pull: serde_json::Value = serde_json::from_str(&text).unwrap();
    let row = &pull["turfs"][0]["rows"][0];
    assert_eq!((row["door"].as_str(), row["state"].as_str()), (Some(houses[0].units[0].to_string().as_str()), Some("talked")), "{row}");
    let fields: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["door", "seq", "state"], "a field more is somebody's to think about");
    for never in [noted.id.to_string(), phone.id.to_string(), noted.captured_at.to_string(), "occurred_at".to_owned(), "\"device\"".to_owned()] {
        assert!(!text.contains(&never), "{never} in {text}");
    }
}
