//! The engine's rules, one by one, and under every order of events that proptest can think of.

use proptest::prelude::*;
use uuid::Uuid;

use super::{
    engine::{ANSWER_MS, Effect, Event, Fault, LONGEST_BACK_OFF_MS, Meta, Problem, State},
    wire::{Admission, EntryResult, PullResponse, PushResponse, Status},
};

fn meta(seq: u64) -> Meta {
    Meta { device_seq: seq, id: Uuid::from_u128(u128::from(seq)), digest: format!("d{seq}") }
}

/// A server that holds so many lacks nothing.
const ALL: u64 = 99;

fn answer(seqs: &[u64], status: Status, epoch: &str) -> PushResponse {
    let results = seqs
        .iter()
        .map(|seq| EntryResult { id: meta(*seq).id, digest: meta(*seq).digest, status, seq: None, reason: None, after_ms: None })
        .collect();
    PushResponse { results, missing: vec![], held: ALL, epoch: epoch.into(), server_time: 0, cloned: false }
}

fn nothing_new(epoch: &str) -> PullResponse {
    PullResponse {
        admission: Admission::Admitted,
        sign: "K7".into(),
        epoch: epoch.into(),
        server_time: 0,
        bundle: None,
        turfs: vec![],
        removed: vec![],
        held: ALL,
        cloned: false,
    }
}

#[test]
fn a_server_that_is_busy_is_left_alone_as_long_as_it_asks_and_gets_the_whole_batch_again() {
    let (mut state, _) = opened(&[1, 2, 3], &[], Some("e"));
    for turn in 1..4 {
        let effects = state.step(Event::Pushed(turn, Err(Fault::Busy(10_000))), 0);
        let (number, wait) = timer(&effects);
        assert!(wait >= 10_000, "{effects:?}");
        let effects = state.step(Event::Timer(number), 0);
        assert_eq!(effects[0], Effect::Push { request: turn + 1, entries: vec![1, 2, 3] }, "being busy says nothing of size");
    }
    let effects = state.step(Event::Pushed(4, Err(Fault::Busy(86_400_000))), 0);
    assert!(timer(&effects).1 <= 2 * LONGEST_BACK_OFF_MS, "nobody puts a phone to sleep for a day");
}

#[test]
fn what_a_server_lost_without_a_word_was_never_offered_again() {
    let (mut state, effects) = opened(&[4], &[1, 2, 3], Some("e"));
    assert_eq!(effects[0], Effect::Push { request: 1, entries: vec![4] });
    // It holds this one and one of the three before.
    let holding = |seqs: &[u64], held| PushResponse { held, ..answer(seqs, Status::Applied, "e") };
    let effects = state.step(Event::Pushed(1, Ok(holding(&[4], 2))), 0);
    assert_eq!(request(&effects), (2, vec![1, 2, 3]));
    state.step(Event::Settled(vec![4]), 0);
    let effects = state.step(Event::Pushed(2, Ok(holding(&[1, 2, 3], 2))), 0);
    state.step(Event::Settled(vec![1, 2, 3]), 0);
    // A count can be old when it comes: once is enough.
    assert_eq!(request(&effects), (3, vec![]));
    state.step(Event::Pulled(3, Ok(PullResponse { held: 2, ..nothing_new("e") })), 0);
    assert_eq!(state.waiting(), 0);
    // A phone that has nothing to send hears of it too.
    let (mut state, _) = opened(&[], &[1, 2], Some("e"));
    let effects = state.step(Event::Pulled(1, Ok(PullResponse { held: 1, ..nothing_new("e") })), 0);
    assert_eq!(request(&effects), (2, vec![1, 2]));
}

#[test]
fn what_another_tab_noted_and_did_not_live_to_tell_is_missed() {
    let (mut state, _) = opened(&[1], &[2], Some("e"));
    assert_eq!(state.whole(), 2);
    state.step(Event::Saved(meta(4)), 0);
    assert_eq!((state.whole(), state.max_issued()), (2, 4), "nobody here knows what has counter 3");
    state.step(Event::Saved(meta(3)), 0);
    assert_eq!(state.whole(), 4);
}

#[test]
fn another_phones_answer_makes_nobody_a_copy() {
    let (mut state, _) = opened(&[1], &[], Some("e"));
    let others = PushResponse { cloned: true, held: 77, ..answer(&[9], Status::Applied, "e") };
    state.step(Event::Pushed(1, Ok(others)), 0);
    assert_eq!(state.held(), 0);
    let effects = state.step(Event::Nudge, 0);
    assert_eq!(effects[0], Effect::Push { request: 2, entries: vec![1] });
    state.step(Event::Pushed(2, Ok(answer(&[1], Status::Applied, "e"))), 0);
    state.step(Event::Settled(vec![1]), 0);
    assert!(!state.step(Event::Pulled(3, Ok(nothing_new("e"))), 0).contains(&Effect::Renew));
}

fn opened(unsent: &[u64], sent: &[u64], epoch: Option<&str>) -> (State, Vec<Effect>) {
    let mut state = State::default();
    let event = Event::Opened {
        unsent: unsent.iter().copied().map(meta).collect(),
        sent: sent.iter().copied().map(meta).collect(),
        max_issued: unsent.iter().chain(sent).copied().max().unwrap_or(0),
        epoch: epoch.map(str::to_owned),
    };
    let effects = state.step(event, 0);
    (state, effects)
}

fn request(effects: &[Effect]) -> (u64, Vec<u64>) {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Push { request, entries } => Some((*request, entries.clone())),
            Effect::Pull { request } => Some((*request, vec![])),
            _ => None,
        })
        .expect("a request")
}

fn timer(effects: &[Effect]) -> (u64, u64) {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Timer { number, after_ms } => Some((*number, *after_ms)),
            _ => None,
        })
        .expect("a timer")
}

#[test]
fn an_entry_leaves_only_when_its_receipt_is_durable() {
    let (mut state, effects) = opened(&[1, 2], &[], Some("a"));
    let (number, entries) = request(&effects);
    assert_eq!(entries, [1, 2]);
    let effects = state.step(Event::Pushed(number, Ok(answer(&[1, 2], Status::Applied, "a"))), 0);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Settle(receipts) if receipts.len() == 2)));
    assert_eq!(state.waiting(), 2, "not before storage says so");
    state.step(Event::Settled(vec![1, 2]), 0);
    assert_eq!(state.waiting(), 0);
}

#[test]
fn a_receipt_for_other_bytes_is_none() {
    let (mut state, effects) = opened(&[1], &[], None);
    let mut wrong = answer(&[1], Status::Applied, "a");
    wrong.results[0].digest = "other".into();
    let effects = state.step(Event::Pushed(request(&effects).0, Ok(wrong)), 7);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Settle(_))));
    timer(&effects);
    assert_eq!(state.waiting(), 1);
}

#[test]
fn a_login_page_is_not_a_receipt_and_the_screen_says_so() {
    let (mut state, effects) = opened(&[1], &[], None);
    let effects = state.step(Event::Pushed(request(&effects).0, Err(Fault::NotOurs)), 7);
    assert_eq!((state.waiting(), state.problem()), (1, Some(Problem::Portal)));
    timer(&effects);
}

#[test]
fn an_answer_that_never_comes_is_given_up_and_still_counts_when_it_comes_late() {
    let (mut state, effects) = opened(&[1], &[], None);
    let (number, _) = request(&effects);
    assert_eq!(timer(&effects).1, ANSWER_MS);
    let effects = state.step(Event::Timer(timer(&effects).0), 3);
    timer(&effects);
    let late = state.step(Event::Pushed(number, Ok(answer(&[1], Status::Applied, "a"))), 0);
    assert!(matches!(&late[..], [Effect::Settle(receipts)] if receipts.len() == 1));
}

#[test]
fn after_a_restore_everything_sent_is_offered_again() {
    let (mut state, effects) = opened(&[], &[1, 2], Some("a"));
    let effects = state.step(Event::Pulled(request(&effects).0, Ok(nothing_new("b"))), 0);
    assert!(effects.contains(&Effect::Reopen("b".into())));
    let effects = state.step(Event::Reopened, 0);
    assert_eq!((request(&effects).1, state.waiting()), (vec![1, 2], 2));
}

#[test]
fn a_receipt_of_the_server_as_it_was_is_offered_again_too() {
    let (mut state, effects) = opened(&[1], &[], Some("a"));
    let effects = state.step(Event::Pushed(request(&effects).0, Ok(answer(&[1], Status::Applied, "a"))), 0);
    // Storage is still writing the receipt when the restored server answers.
    let effects = state.step(Event::Pulled(request(&effects).0, Ok(nothing_new("b"))), 0);
    assert!(effects.contains(&Effect::Reopen("b".into())));
    state.step(Event::Settled(vec![1]), 0);
    state.step(Event::Reopened, 0);
    assert_eq!(state.waiting(), 1);
}

#[test]
fn a_late_receipt_of_the_server_as_it_was_is_none() {
    let (mut state, effects) = opened(&[1], &[], Some("a"));
    let (number, _) = request(&effects);
    let effects = state.step(Event::Timer(timer(&effects).0), 0);
    let effects = state.step(Event::Timer(timer(&effects).0), 0);
    state.step(Event::Pushed(request(&effects).0, Ok(answer(&[], Status::Applied, "b"))), 0);
    assert_eq!(state.step(Event::Pushed(number, Ok(answer(&[1], Status::Applied, "a"))), 0), []);
    assert_eq!(state.waiting(), 1);
}

#[test]
fn a_restore_is_met_only_when_storage_has_met_it() {
    let (mut state, effects) = opened(&[], &[1], Some("a"));
    let effects = state.step(Event::Pulled(request(&effects).0, Ok(nothing_new("b"))), 0);
    assert!(effects.contains(&Effect::Reopen("b".into())));
    let effects = state.step(Event::StorageFailed, 0);
    assert_eq!(state.epoch(), Some("a"));
    let effects = state.step(Event::Timer(timer(&effects).0), 0);
    let effects = state.step(Event::Pulled(request(&effects).0, Ok(nothing_new("b"))), 0);
    assert!(effects.contains(&Effect::Reopen("b".into())), "asked again");
    state.step(Event::Reopened, 0);
    assert_eq!((state.epoch(), state.waiting()), (Some("b"), 1));
}

#[test]
fn a_restore_is_met_by_a_phone_that_has_only_inputs_to_offer() {
    let (mut state, effects) = opened(&[], &[], Some("a"));
    let effects = state.step(Event::Pulled(request(&effects).0, Ok(nothing_new("b"))), 0);
    assert!(effects.contains(&Effect::Reopen("b".into())));
}

#[test]
fn a_copied_phone_asks_for_another_identity_once_nothing_waits() {
    let (mut state, effects) = opened(&[1, 2], &[], Some("a"));
    let told = PushResponse { cloned: true, ..answer(&[1], Status::Applied, "a") };
    let effects = state.step(Event::Pushed(request(&effects).0, Ok(told)), 0);
    state.step(Event::Settled(vec![1]), 0);
    let (number, entries) = request(&effects);
    assert_eq!(entries, [2]);
    let effects = state.step(Event::Pushed(number, Ok(answer(&[2], Status::Applied, "a"))), 0);
    state.step(Event::Settled(vec![2]), 0);
    let effects = state.step(Event::Pulled(request(&effects).0, Ok(nothing_new("a"))), 0);
    assert!(effects.contains(&Effect::Renew));
    let effects = state.step(Event::Nudge, 0);
    let effects = state.step(Event::Pulled(request(&effects).0, Ok(nothing_new("a"))), 0);
    assert!(effects.contains(&Effect::Renew), "asked for with every pull until it is done");
}

#[test]
fn a_phone_that_waits_for_its_lead_asks_how_it_stands_though_it_has_entries_to_send() {
    let (mut state, effects) = opened(&[1], &[], Some("a"));
    let effects = state.step(Event::Pushed(request(&effects).0, Ok(answer(&[1], Status::Retry, "a"))), 9);
    assert_eq!(request(&effects).1, Vec::<u64>::new(), "a pull");
    let waiting = PullResponse { admission: Admission::Waiting, ..nothing_new("a") };
    let effects = state.step(Event::Pulled(request(&effects).0, Ok(waiting)), 9);
    assert_eq!(state.admission(), Some(Admission::Waiting));
    assert!(effects.iter().all(|effect| matches!(effect, Effect::Timer { .. })), "then it rests: {effects:?}");
    let effects = state.step(Event::Timer(timer(&effects).0), 9);
    assert_eq!(request(&effects).1, [1], "and tries again");
}

#[test]
fn receipts_that_storage_did_not_take_are_asked_for_again() {
    let (mut state, effects) = opened(&[1], &[], Some("a"));
    let effects = state.step(Event::Pushed(request(&effects).0, Ok(answer(&[1], Status::Applied, "a"))), 0);
    let pull = request(&effects).0;
    state.step(Event::Unsettled(vec![1]), 0);
    let effects = state.step(Event::Pulled(pull, Ok(nothing_new("a"))), 0);
    assert_eq!((request(&effects).1, state.waiting()), (vec![1], 1));
}

#[test]
fn one_entry_that_breaks_the_server_does_not_hold_up_the_rest() {
    let (mut state, mut effects) = opened(&[1, 2, 3], &[], Some("a"));
    let mut durable: Vec<u64> = vec![];
    for round in 0..60 {
        let next: Option<(u64, Vec<u64>)> = effects.iter().find_map(|effect| match effect {
            Effect::Push { request, entries } => Some((*request, entries.clone())),
            _ => None,
        });
        effects = match next {
            Some((number, entries)) if entries.contains(&2) => state.step(Event::Pushed(number, Err(Fault::Server)), round),
            Some((number, entries)) => {
                let after = state.step(Event::Pushed(number, Ok(answer(&entries, Status::Applied, "a"))), round);
                state.step(Event::Settled(entries.clone()), round);
                durable.extend(entries);
                after
            }
            None => match effects.iter().find_map(|effect| if let Effect::Timer { number, .. } = effect { Some(*number) } else { None }) {
                Some(number) => state.step(Event::Timer(number), round),
                None => break,
            },
        };
    }
    durable.sort_unstable();
    assert_eq!((durable, state.waiting()), (vec![1, 3], 1));
}

#[derive(Debug, Clone)]
enum Move {
    Save,
    Nudge,
    FireTimer,
    Answer(Status),
    AnswerPull,
    AnswerLate(Status),
    Fail(Fault),
    Settle,
    StorageFails,
}

#[test]
fn a_batch_that_was_halved_is_whole_again_when_the_server_only_says_not_now() {
    let (mut state, mut effects) = opened(&[1, 2, 3, 4], &[], Some("a"));
    // The server fails until one entry goes alone.
    for _ in 0..3 {
        let (number, _) = request(&effects);
        effects = state.step(Event::Pushed(number, Err(Fault::Server)), 0);
        let (number, _) = timer(&effects);
        effects = state.step(Event::Timer(number), 0);
    }
    let (number, entries) = request(&effects);
    assert_eq!(entries.len(), 1);
    // It rests on one that is not there, and more is to come, so it must wait: for good, were it always sent alone.
    let effects = state.step(Event::Pushed(number, Ok(answer(&entries, Status::Retry, "a"))), 0);
    let (number, _) = request(&effects);
    let effects = state.step(Event::Pulled(number, Ok(nothing_new("a"))), 0);
    let effects = state.step(Event::Timer(timer(&effects).0), 0);
    assert!(request(&effects).1.len() > 1, "{effects:?}");
}

#[test]
fn a_phone_that_a_restored_server_does_not_know_never_pulled_while_it_had_something_to_send() {
    let (mut state, _) = opened(&[1], &[2], Some("e"));
    for turn in 0..5 {
        let push = 1 + turn * 2;
        let effects = state.step(Event::Pushed(push, Err(Fault::Unknown)), 7);
        assert_eq!(effects[0], Effect::Pull { request: push + 1 }, "what is on the shelf goes after a pull that was answered");
        assert_eq!(state.problem(), Some(Problem::Unknown));
        let effects = state.step(Event::Pulled(push + 1, Err(Fault::Unknown)), 7);
        let (number, _) = timer(&effects);
        assert_eq!(effects.len(), 1);
        assert_eq!(request(&state.step(Event::Timer(number), 7)), (push + 2, vec![1]), "and it is asked again");
    }
    assert_eq!(state.waiting(), 1);
}

#[test]
fn an_entry_that_breaks_the_server_alone_kept_all_pulls_away() {
    let (mut state, _) = opened(&[1], &[], Some("e"));
    let mut push = 1;
    // First it fails as any push may, then as the one that is stepped over.
    for _ in 0..2 {
        let effects = state.step(Event::Pushed(push, Err(Fault::Server)), 0);
        let effects = state.step(Event::Timer(timer(&effects).0), 0);
        push = request(&effects).0;
    }
    let mut waits = Vec::new();
    for _ in 0..6 {
        let effects = state.step(Event::Pushed(push, Err(Fault::Server)), u64::MAX);
        assert_eq!(effects[0], Effect::Pull { request: push + 1 });
        let effects = state.step(Event::Pulled(push + 1, Ok(nothing_new("e"))), u64::MAX);
        assert_eq!(state.problem(), Some(Problem::Server), "a pull that works does not hide it");
        let (number, wait) = timer(&effects);
        waits.push(wait);
        push = request(&state.step(Event::Timer(number), 0)).0;
    }
    assert!(waits.is_sorted() && waits[0] < waits[5], "{waits:?}");
    state.step(Event::Pushed(push, Ok(answer(&[1], Status::Applied, "e"))), 0);
    assert_eq!((state.problem(), state.waiting()), (None, 1));
}

#[test]
fn storage_that_took_no_receipts_was_asked_as_fast_as_the_network_goes() {
    let (mut state, _) = opened(&[1], &[], Some("e"));
    let (mut push, mut waits) = (1, Vec::new());
    for _ in 0..6 {
        let effects = state.step(Event::Pushed(push, Ok(answer(&[1], Status::Applied, "e"))), u64::MAX);
        assert!(matches!(effects[0], Effect::Settle(_)), "{effects:?}");
        let (pull, _) = request(&effects);
        assert!(state.step(Event::StorageFailed, u64::MAX).is_empty(), "the pull's answer says when");
        let effects = state.step(Event::Pulled(pull, Ok(nothing_new("e"))), u64::MAX);
        assert_eq!(state.problem(), Some(Problem::Storage));
        let (number, wait) = timer(&effects);
        waits.push(wait);
        push = request(&state.step(Event::Timer(number), 0)).0;
    }
    assert!(waits.is_sorted() && waits[0] < waits[5], "{waits:?}");
    state.step(Event::Pushed(push, Ok(answer(&[1], Status::Applied, "e"))), 0);
    state.step(Event::Settled(vec![1]), 0);
    assert_eq!((state.problem(), state.waiting()), (None, 0));
}

#[test]
fn storage_that_took_no_receipts_was_asked_in_turn_for_one_entry_and_another() {
    let (mut state, _) = opened(&[1], &[], Some("e"));
    state.step(Event::Saved(meta(2)), 0);
    let effects = state.step(Event::Pushed(1, Ok(answer(&[1], Status::Applied, "e"))), 0);
    assert_eq!(request(&effects).1, [2], "what was noted meanwhile");
    assert!(state.step(Event::StorageFailed, 0).is_empty());
    let effects = state.step(Event::Pushed(2, Ok(answer(&[2], Status::Applied, "e"))), 0);
    assert!(effects.contains(&Effect::Pull { request: 3 }), "{effects:?}");
    state.step(Event::StorageFailed, 0);
    let effects = state.step(Event::Pulled(3, Ok(nothing_new("e"))), 0);
    assert_eq!(effects.len(), 1);
    timer(&effects);
}

#[test]
fn a_batch_of_what_was_told_to_wait_was_too_large_for_ever() {
    let all: Vec<u64> = (1..=8).collect();
    let (mut state, _) = opened(&all, &[], Some("e"));
    state.step(Event::Pushed(1, Ok(answer(&all, Status::Retry, "e"))), 0);
    let effects = state.step(Event::Pulled(2, Ok(nothing_new("e"))), 0);
    let mut push = request(&state.step(Event::Timer(timer(&effects).0), 0));
    let mut sizes = vec![push.1.len()];
    while push.1.len() > 1 {
        let effects = state.step(Event::Pushed(push.0, Err(Fault::TooLarge)), 0);
        let effects = state.step(Event::Pulled(request(&effects).0, Ok(nothing_new("e"))), 0);
        push = request(&state.step(Event::Timer(timer(&effects).0), 0));
        sizes.push(push.1.len());
    }
    assert_eq!(sizes, [8, 4, 2, 1]);
}

#[test]
fn tries_are_spread_over_the_whole_wait() {
    // Full jitter: with dice that fall evenly waits lie evenly between nothing, as good as, and the most.
    let wait = |dice| {
        let (mut state, _) = opened(&[1], &[], Some("e"));
        let mut effects = Vec::new();
        for turn in 1..=5 {
            effects = state.step(Event::Pushed(turn, Err(Fault::Network)), dice);
            if turn < 5 {
                state.step(Event::Timer(timer(&effects).0), 0);
            }
        }
        timer(&effects).1
    };
    let mut waits: Vec<u64> = (0..1_000).map(|part| wait(part * 32)).collect();
    waits.sort_unstable();
    let (first, last) = (waits[0], waits[999]);
    assert!(first < 1_000 && last > 31_000 && waits[500].abs_diff(first.midpoint(last)) < 1_000, "{first} {} {last}", waits[500]);
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => Just(Move::Save),
        1 => Just(Move::Nudge),
        2 => Just(Move::FireTimer),
        3 => prop_oneof![Just(Status::Applied), Just(Status::Duplicate), Just(Status::Merged), Just(Status::Quarantined), Just(Status::Retry)].prop_map(Move::Answer),
        2 => Just(Move::AnswerPull),
        2 => prop_oneof![Just(Status::Applied), Just(Status::Retry)].prop_map(Move::AnswerLate),
        3 => prop_oneof![Just(Fault::Network), Just(Fault::NotOurs), Just(Fault::Server), Just(Fault::TooLarge), Just(Fault::Unknown), Just(Fault::UpdateNeeded)].prop_map(Move::Fail),
        3 => Just(Move::Settle),
        1 => Just(Move::StorageFails),
    ]
}

proptest! {
    /// Whatever happens: nothing leaves without a durable receipt, and the engine always has a request or a timer ahead of it.
    #[test]
    fn the_engine_never_loses_an_entry_and_never_falls_asleep(script in prop::collection::vec(moves(), 1..80)) {
        let (mut state, first) = opened(&[], &[], Some("a"));
        let mut saved = 0u64;
        let mut durable: Vec<u64> = vec![];
        let mut flight: Option<(u64, Option<Vec<u64>>)> = None;
        let mut past: Vec<(u64, Vec<u64>)> = vec![];
        let mut pending: Option<u64> = None;
        let mut to_settle: Vec<u64> = vec![];
        let mut queue = first;
        for (turn, step) in script.into_iter().chain([Move::Nudge]).enumerate() {
            for effect in queue.drain(..) {
                match effect {
                    Effect::Push { request, entries } => { past.push((request, entries.clone())); flight = Some((request, Some(entries))); }
                    Effect::Pull { request } => flight = Some((request, None)),
                    Effect::Timer { number, .. } => pending = Some(number),
                    Effect::Settle(receipts) => to_settle.extend(receipts.iter().map(|receipt| receipt.device_seq)),
                    Effect::Reopen(_) | Effect::Renew => {}
                }
            }
            // The last timer that was asked for is the one that the engine listens to.
            let asleep = state.clone().step(Event::Timer(pending.unwrap()), 0).is_empty();
            prop_assert!(!asleep, "no timer ahead");
            prop_assert_eq!(state.waiting() as u64, saved - durable.len() as u64);
            let dice = turn as u64 * 7919;
            queue = match step {
                Move::Save => { saved += 1; state.step(Event::Saved(meta(saved)), dice) }
                Move::Nudge => state.step(Event::Nudge, dice),
                Move::FireTimer => state.step(Event::Timer(pending.unwrap()), dice),
                Move::Answer(status) => match flight.take() {
                    Some((request, Some(entries))) => state.step(Event::Pushed(request, Ok(answer(&entries, status, "a"))), dice),
                    other => { flight = other; vec![] }
                },
                Move::AnswerPull => match flight.take() {
                    Some((request, None)) => state.step(Event::Pulled(request, Ok(nothing_new("a"))), dice),
                    other => { flight = other; vec![] }
                },
                Move::AnswerLate(status) => {
                    let current = flight.as_ref().map(|(request, _)| *request);
                    match past.iter().rev().find(|(request, _)| Some(*request) != current) {
                        Some((request, entries)) => state.step(Event::Pushed(*request, Ok(answer(entries, status, "a"))), dice),
                        None => vec![],
                    }
                }
                Move::Fail(fault) => match flight.take() {
                    Some((request, Some(_))) => state.step(Event::Pushed(request, Err(fault)), dice),
                    Some((request, None)) => state.step(Event::Pulled(request, Err(fault)), dice),
                    None => vec![],
                },
                Move::Settle => {
                    let seqs: Vec<u64> = std::mem::take(&mut to_settle);
                    for seq in &seqs { if !durable.contains(seq) { durable.push(*seq); } }
                    state.step(Event::Settled(seqs), dice)
                }
                Move::StorageFails => { to_settle.clear(); state.step(Event::StorageFailed, dice) }
            };
        }
    }
}
