use uuid::Uuid;

use super::{
    engine::Receipt,
    file::Unwritten,
    outbox::*,
    replay::Kept,
    wire::{Admission, KIND_VISIT, Status},
};
use crate::input::SlotStatus;

const DAY_MS: i64 = 24 * 3_600_000;

fn id(n: u64) -> Uuid {
    Uuid::from_u128(u128::from(n))
}

fn draft(n: u64, supersedes: Option<u64>) -> Unwritten {
    Unwritten { id: id(n), kind: KIND_VISIT.into(), version: 1, supersedes: supersedes.map(id), captured_at: 0, bytes: format!("{{\"n\":{n}}}") }
}

fn noted(drafts: &[Unwritten]) -> Vec<Kept> {
    append(drafts, 1, &[], &mut []).added
}

fn sent(entries: Vec<Kept>) -> Vec<Kept> {
    entries.into_iter().map(|kept| Kept { status: Some(Status::Applied), ..kept }).collect()
}

fn identity(n: u64) -> Identity {
    Identity { device: id(n), credential: format!("c{n}"), sign: "A1".into(), admission: Admission::Admitted }
}

fn shelved(n: u64, entries: Vec<Kept>) -> Shelved {
    Shelved { identity: identity(n), ended_at: Some(0), entries }
}

fn seqs(entries: &[Kept]) -> Vec<u64> {
    entries.iter().map(|kept| kept.envelope.device_seq).collect()
}

fn receipt(n: u64, device_seq: u64) -> Receipt {
    Receipt { id: id(n), device_seq, status: Status::Applied, reason: None, given_at: 0 }
}

#[test]
fn an_entry_that_was_written_though_storage_said_no_is_not_written_again() {
    let known = noted(&[draft(1, None)]);
    let done = append(&[draft(1, None), draft(2, None)], 2, &known, &mut []);
    assert_eq!((seqs(&done.written), seqs(&done.added), done.next), (vec![1, 2], vec![2], 3));
    let mut shelf = [shelved(8, known)];
    let done = append(&[draft(1, None)], 1, &[], &mut shelf);
    assert!(done.written.is_empty() && !done.shelf_grew, "nor under another identity");
}

#[test]
fn a_counter_that_another_tab_put_back_stops_nobody_from_saving() {
    // One tab took another identity and began at 1, another one that had not heard of it had written 5.
    let mut known = noted(&[draft(1, None)]);
    known[0].envelope.device_seq = 5;
    let done = append(&[draft(2, None)], 5, &known, &mut []);
    assert_eq!((seqs(&done.added), done.next), (vec![6], 7));
}

#[test]
fn what_corrects_an_entry_on_the_shelf_is_sent_by_who_noted_that() {
    let mut shelf = [shelved(8, noted(&[draft(1, None), draft(2, None)])), shelved(9, noted(&[draft(3, None)]))];
    let done = append(&[draft(4, Some(3)), draft(5, None), draft(6, Some(5))], 1, &[], &mut shelf);
    assert!(done.shelf_grew);
    assert_eq!((seqs(&shelf[1].entries), shelf[1].entries[1].envelope.id, seqs(&shelf[0].entries)), (vec![1, 2], id(4), vec![1, 2]));
    assert_eq!(seqs(&done.added), [1, 2], "what corrects a new entry stays beside it");
}

#[test]
fn another_identity_is_not_taken_twice_and_keeps_what_waits() {
    let (mut shelf, mut pool) = (Vec::new(), Pool { sealed: 5, acknowledged: 3, since: Some(1) });
    assert!(!join(Some(identity(2)), Some(id(1)), None, noted(&[draft(1, None)]), &mut shelf, &mut pool), "another tab was faster");
    assert!(shelf.is_empty() && pool.sealed == 5);
    assert!(join(Some(identity(1)), Some(id(1)), Some(7), noted(&[draft(1, None)]), &mut shelf, &mut pool));
    assert_eq!((shelf[0].identity.device, shelf[0].ended_at, shelf[0].unsent().count()), (id(1), Some(7), 1));
    assert_eq!(pool, Pool { sealed: 2, acknowledged: 0, since: Some(1) });
    assert!(
        join(Some(identity(2)), None, None, Vec::new(), &mut shelf, &mut pool) && shelf.len() == 1,
        "an identity that noted nothing needs no shelf"
    );
}

#[test]
fn a_receipt_of_a_server_that_was_restored_since_is_for_nothing() {
    let entries = noted(&[draft(1, None)]);
    let mut shelf = [shelved(8, entries.clone())];
    assert!(settle(&[receipt(1, 1)], Some("old"), Some("new"), entries.clone()).is_empty());
    assert!(!settle_shelved(id(8), &[receipt(1, 1)], Some("old"), Some("new"), &mut shelf), "nor for the shelf");
    assert_eq!(shelf[0].unsent().count(), 1);
    assert_eq!(settle(&[receipt(1, 1), receipt(2, 1)], Some("new"), Some("new"), entries)[0].status, Some(Status::Applied));
    assert!(settle_shelved(id(8), &[receipt(1, 1)], Some("new"), Some("new"), &mut shelf));
    assert_eq!(shelf[0].unsent().count(), 0);
    assert!(settle(&[receipt(2, 1)], None, None, noted(&[draft(1, None)])).is_empty(), "another identity's entry has that counter too");
}

#[test]
fn after_a_restore_all_is_offered_again() {
    let mut all = sent(noted(&[draft(1, None), draft(2, None)]));
    all[0].status = None;
    let held = Sealed { sealed: "x".into(), round: None, ticket: Some("t".into()), held_on: Some("2026-09-01".into()) };
    let waits = Sealed { held_on: None, ..held.clone() };
    let (mut shelf, mut pool) = ([shelved(8, sent(noted(&[draft(3, None)])))], Pool { sealed: 2, acknowledged: 1, since: None });
    let (entries, inputs) = reopen(all, vec![("a", held), ("b", waits.clone())], &mut shelf, &mut pool, "after", Some("before"));
    assert_eq!((seqs(&entries), entries[0].status), (vec![2], None));
    assert_eq!(inputs, [("a", waits)], "with the ticket that it was offered with");
    assert_eq!((shelf[0].unsent().count(), pool.acknowledged), (1, 0));
}

#[test]
fn what_is_sent_leaves_the_phone_when_no_backup_is_that_old() {
    let mut half = sent(noted(&[draft(1, None), draft(2, None)]));
    half[1].status = None;
    assert_eq!(past(&half, Some(0), 15 * DAY_MS), [1], "what waits stays");
    assert!(past(&half, Some(0), 15 * DAY_MS - 1).is_empty() && past(&half, None, 99 * DAY_MS).is_empty());
    let (waits, done) = (shelved(8, half.clone()), shelved(9, sent(half)));
    assert!(!waits.is_past(99 * DAY_MS) && !done.is_past(15 * DAY_MS - 1) && done.is_past(15 * DAY_MS));
}

#[test]
fn what_was_sent_weeks_late_was_let_go_before_any_backup_had_it() {
    let entries = settle(&[Receipt { given_at: 16 * DAY_MS, ..receipt(1, 1) }], None, None, noted(&[draft(1, None)]));
    assert!(past(&entries, Some(0), 17 * DAY_MS).is_empty() && past(&entries, Some(0), 31 * DAY_MS - 1).is_empty());
    assert_eq!(past(&entries, Some(0), 31 * DAY_MS), [1]);
}

#[test]
fn what_only_the_server_before_a_restore_had_was_let_go() {
    let entries = sent(noted(&[draft(1, None)]));
    let mut shelf = vec![Shelved { ended_at: Some(0), ..shelved(8, entries.clone()) }];
    for stored in [Some("before"), None] {
        assert!(let_go(&entries, Some(0), &mut shelf, 99 * DAY_MS, "after", stored).is_empty() && shelf.len() == 1, "{stored:?}");
    }
    assert_eq!((let_go(&entries, Some(0), &mut shelf, 99 * DAY_MS, "after", Some("after")), shelf.len()), (vec![1], 0));
}

#[test]
fn inputs_of_an_earlier_shift_wait_again_after_a_restore_and_are_counted() {
    let held = Sealed { sealed: "x".into(), round: None, ticket: Some("t".into()), held_on: Some("2026-09-01".into()) };
    let (mut shelf, mut pool) = (Vec::new(), Pool { sealed: 3, acknowledged: 3, since: None });
    join(Some(identity(1)), None, None, Vec::new(), &mut shelf, &mut pool);
    reopen(Vec::new(), vec![("a", held.clone()), ("b", held.clone()), ("c", held)], &mut shelf, &mut pool, "after", Some("before"));
    assert_eq!((pool.sealed - pool.acknowledged, pool.since), (3, Some(0)), "they would never be sent");
}

#[test]
fn an_input_is_never_offered_with_a_ticket_of_another_round() {
    let (autumn, spring) = (id(1), id(2));
    let sealed = |round| Sealed { sealed: "x".into(), round, ticket: None, held_on: None };
    let ticket = |name: &str, round| (name.to_owned(), round_of(&format!("\"{round}\"")));
    let mut inputs = vec![("new", sealed(Some(spring))), ("left", sealed(Some(autumn))), ("second", sealed(Some(spring)))];
    let mut tickets = vec![ticket("a", autumn), ("o".to_owned(), round_of("1")), ticket("s", spring)];
    assert_eq!((tickets_of(&tickets, Some(spring)), tickets_of(&tickets, None)), (1, 1));
    assert_eq!(assign(&mut inputs, &mut tickets), ["new", "left"]);
    let given = |at: usize| inputs[at].1.ticket.as_deref();
    assert_eq!((given(0), given(1), given(2)), (Some("s"), Some("a"), None));
    // An app that knew no rounds kept neither beside an input nor beside a ticket.
    let mut old = vec![("old", sealed(None)), ("older", sealed(None))];
    let mut tickets = vec![ticket("s", spring), ("o".to_owned(), round_of("1"))];
    assign(&mut old, &mut tickets);
    assert_eq!((old[0].1.ticket.as_deref(), old[1].1.ticket.as_deref()), (Some("o"), Some("s")));
}

#[test]
fn an_input_stays_until_a_backup_has_its_day() {
    let sealed = |held_on: Option<&str>| Sealed { sealed: "x".into(), round: None, ticket: Some("t".into()), held_on: held_on.map(str::to_owned) };
    let mut pool = Pool { sealed: 4, acknowledged: 1, since: Some(5) };
    let all = vec![("held", sealed(None)), ("refused", sealed(None)), ("old", sealed(Some("2026-09-01"))), ("new", sealed(Some("2026-09-03")))];
    let said = |key, status| Offered { key, ticket: "t".into(), status };
    let offered = [said("held", SlotStatus::Held), said("refused", SlotStatus::Refused)];
    let kept = answer(all, &offered, Some("e"), Some("e"), "2026-09-03", Some("2026-09-02"), &mut pool);
    assert_eq!(kept[0].1.as_ref().unwrap().held_on.as_deref(), Some("2026-09-03"));
    assert_eq!(kept[1].1.as_ref().unwrap().ticket, None, "it gets another ticket");
    assert!(kept[2].1.is_none() && kept[3].1.is_some());
    assert_eq!(pool, Pool { sealed: 4, acknowledged: 2, since: Some(5) });
    answer(vec![("held", sealed(Some("2026-09-03")))], &[], Some("e"), Some("e"), "2026-09-03", None, &mut pool);
    assert_eq!(pool.since, None);
}

#[test]
fn another_tabs_ticket_outlives_the_refusal_of_the_one_before() {
    let record = Sealed { sealed: "x".into(), round: None, ticket: Some("second".into()), held_on: None };
    let refused = Offered { key: "a", ticket: "first".to_owned(), status: SlotStatus::Refused };
    let kept = answer(vec![("a", record.clone())], &[refused], None, None, "2026-09-03", None, &mut Pool::default());
    assert_eq!(kept, [("a", Some(record))], "a third would be taken beside the second");
}

#[test]
fn what_a_server_said_of_inputs_before_it_was_restored_says_nothing() {
    let record = Sealed { sealed: "x".into(), round: None, ticket: Some("t".into()), held_on: None };
    let held = Offered { key: "a", ticket: "t".to_owned(), status: SlotStatus::Held };
    let mut pool = Pool { sealed: 1, acknowledged: 0, since: Some(5) };
    let kept = answer(vec![("a", record.clone())], &[held], Some("before"), Some("after"), "2026-09-03", Some("2026-09-03"), &mut pool);
    assert_eq!((kept, pool), (vec![("a", Some(record))], Pool { sealed: 1, acknowledged: 0, since: Some(5) }));
}
