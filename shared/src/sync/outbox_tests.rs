use std::sync::Arc;

use uuid::Uuid;

use super::{
    engine::Receipt,
    file::Unwritten,
    outbox::*,
    replay::Kept,
    wire::{Admission, Envelope, KIND_VISIT, Status},
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
    append(drafts, None, 1, &[], &mut Vec::new()).added
}

fn sent(entries: Vec<Kept>) -> Vec<Kept> {
    entries.into_iter().map(|kept| Kept { status: Some(Status::Applied), ..kept }).collect()
}

fn identity(n: u64) -> Identity {
    Identity { device: id(n), credential: format!("c{n}"), sign: "A1".into(), admission: Admission::Admitted, joined_as: None }
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
    let done = append(&[draft(1, None), draft(2, None)], None, 2, &known, &mut Vec::new());
    assert_eq!((seqs(&done.written), seqs(&done.added), done.next), (vec![1, 2], vec![2], 3));
    let mut shelf = vec![shelved(8, known)];
    let done = append(&[draft(1, None)], None, 1, &[], &mut shelf);
    assert!(done.written.is_empty() && !done.shelf_grew, "nor under another identity");
}

#[test]
fn a_counter_that_another_tab_put_back_stops_nobody_from_saving() {
    // One tab took another identity and began at 1, another one that had not heard of it had written 5.
    let mut known = noted(&[draft(1, None)]);
    known[0].envelope.device_seq = 5;
    let done = append(&[draft(2, None)], None, 5, &known, &mut Vec::new());
    assert_eq!((seqs(&done.added), done.next), (vec![6], 7));
}

/// A page of that identity, which knows so much to be noted.
fn page(n: u64, entries: &[Kept], shelf: Vec<Shelved>) -> Page {
    Page { max_issued: seqs(entries).into_iter().max().unwrap_or(0), ours: shelved(n, entries.to_vec()), shelf: Arc::new(shelf), epoch: None }
}

/// Storage of that identity.
fn stored(n: u64, entries: &[Kept], next: u64) -> Stored {
    Stored { now: Some(identity(n)), entries: entries.to_vec(), next, shelf: Vec::new() }
}

/// What of `ours` goes back where storage has `there`, of one identity.
fn back(ours: &[Kept], there: &[Kept], was_emptied: bool, next: u64) -> (Vec<Kept>, u64) {
    let back = put_back(page(8, ours, Vec::new()), stored(8, there, next), was_emptied);
    assert!(!back.takes && back.shelf.is_none());
    (back.added, back.next)
}

#[test]
fn a_page_that_slept_since_before_another_shift_brought_the_earlier_one_back() {
    let (earlier, now) = (noted(&[draft(1, None), draft(2, None)]), noted(&[draft(3, None)]));
    let first = put_back(page(8, &earlier[..1], Vec::new()), Stored::default(), true);
    assert!(first.takes && first.shelf.is_none() && first.added == earlier[..1]);
    // Meanwhile it has noted one more.
    let there = [earlier[0].clone(), Kept { envelope: Envelope { id: id(9), ..earlier[1].envelope.clone() }, ..earlier[1].clone() }];
    let second = put_back(page(7, &sent(now.clone()), vec![shelved(8, earlier.clone())]), stored(8, &there, 3), true);
    assert_eq!((second.takes, &second.added, second.next), (true, &now, 2), "offered again, since another epoch may be there");
    let shelf = second.shelf.unwrap();
    assert_eq!((shelf.len(), shelf[0].identity.device), (1, id(8)));
    assert_eq!(shelf[0].entries.iter().map(|kept| kept.envelope.id).collect::<Vec<_>>(), [id(1), id(9), id(2)]);
    let third = put_back(page(8, &there, Vec::new()), Stored { shelf, ..stored(7, &now, 2) }, false);
    assert_eq!(third, PutBack { takes: false, added: Vec::new(), next: 2, shelf: None }, "and nobody takes it back");
    let shelf = vec![shelved(8, earlier.clone())];
    assert!(!put_back(page(7, &now, shelf), stored(8, &earlier, 3), false).takes, "where storage was not emptied, storage is right");
}

#[test]
fn what_two_pages_put_back_into_emptied_storage_is_all_there() {
    // Both know the first two, of which one is sent; each has noted a third one, which the other has not heard of.
    let mut first = noted(&[draft(1, None), draft(2, None), draft(3, None)]);
    first[0].status = Some(Status::Applied);
    let mut second = first.clone();
    second[2].envelope.id = id(4);
    let begun = put_back(page(8, &first, Vec::new()), Stored::default(), true);
    assert_eq!((begun.takes, &begun.added, begun.next), (true, &first, 4), "under the counters they had");
    let (stored, next) = (begun.added, begun.next);
    let (added, next) = back(&second, &stored, true, next);
    assert_eq!((seqs(&added), added[0].envelope.id, next), (vec![4], id(4), 5), "its counter is another's now");
    assert!(disagree(&second, &stored) && !disagree(&first, &stored));
    let taken = noted(&[draft(9, None)]);
    assert_eq!(seqs(&back(&first[..1], &taken, true, 1).0), [2], "nothing is written over");
}

#[test]
fn what_was_sent_goes_back_where_storage_was_emptied_and_nowhere_else() {
    let mut ours = noted(&[draft(1, None), draft(2, None)]);
    ours[0].status = Some(Status::Applied);
    let let_go = &ours[1..];
    assert!(back(&ours, let_go, false, 3).0.is_empty() && !disagree(&ours, let_go));
    assert_eq!(seqs(&back(&ours, let_go, true, 3).0), [1], "nobody else has it should the server be restored");
    assert_eq!(seqs(&back(&ours, &ours[..1], false, 3).0), [2], "what has no receipt is let go by nobody");
}

#[test]
fn what_a_page_had_noted_was_lost_where_another_joined_anew_in_emptied_storage() {
    let mut ours = noted(&[draft(1, None), draft(2, None), draft(3, None)]);
    ours[0].status = Some(Status::Applied);
    let mut shelf = Vec::new();
    assert!(shelve(&[shelved(8, ours.clone())], false, &mut shelf));
    assert_eq!((shelf[0].identity.device, seqs(&shelf[0].entries)), (id(8), vec![2, 3]));
    assert!(!shelve(&[shelved(8, ours.clone())], false, &mut shelf), "once");
    let mut all = Vec::new();
    assert!(shelve(&[shelved(8, ours.clone())], true, &mut all));
    assert_eq!(all[0].unsent().count(), 3, "a restored server may lack what was sent, and nobody else has it");
    ours[1].envelope.id = id(9);
    assert!(shelve(&[shelved(8, ours)], false, &mut shelf));
    assert_eq!((shelf.len(), seqs(&shelf[0].entries)), (1, vec![2, 3, 4]), "what another page had noted under its counter stays");
}

#[test]
fn a_correction_went_before_what_it_corrects_where_only_that_got_another_counter() {
    let ours = noted(&[draft(1, None), draft(2, None), draft(3, Some(2))]);
    let mut there = ours[..2].to_vec();
    there[1].envelope.id = id(9);
    let (added, next) = back(&ours, &there, false, 3);
    assert_eq!((seqs(&added), added[1].envelope.id, next), (vec![4, 5], id(3), 6));
}

#[test]
fn what_corrects_an_entry_on_the_shelf_is_sent_by_who_noted_that() {
    let mut shelf = vec![shelved(8, noted(&[draft(1, None), draft(2, None)])), shelved(9, noted(&[draft(3, None)]))];
    let done = append(&[draft(4, Some(3)), draft(5, None), draft(6, Some(5))], None, 1, &[], &mut shelf);
    assert!(done.shelf_grew);
    assert_eq!((seqs(&shelf[1].entries), shelf[1].entries[1].envelope.id, seqs(&shelf[0].entries)), (vec![1, 2], id(4), vec![1, 2]));
    assert_eq!(seqs(&done.added), [1, 2], "what corrects a new entry stays beside it");
}

#[test]
fn a_page_that_had_not_heard_of_another_shift_noted_in_its_doors_what_the_other_may_not() {
    let (mut shelf, by) = (Vec::new(), shelved(8, Vec::new()));
    let done = append(&[draft(1, None), draft(2, Some(1))], Some(&by), 4, &[], &mut shelf);
    assert!(done.shelf_grew && done.written.is_empty() && done.next == 4);
    let done = append(&[draft(2, Some(1)), draft(3, None)], Some(&by), 4, &[], &mut shelf);
    assert!(done.shelf_grew);
    assert_eq!((shelf.len(), shelf[0].identity.device, seqs(&shelf[0].entries)), (1, id(8), vec![1, 2, 3]), "once each, as who noted it");
}

#[test]
fn another_identity_is_not_taken_twice_and_keeps_what_waits() {
    let (mut shelf, mut pool) = (Vec::new(), Pool { sealed: 5, acknowledged: 3, since: Some(1), ..Pool::default() });
    assert!(!join(Some(identity(2)), Some(id(1)), None, noted(&[draft(1, None)]), false, &mut shelf, &mut pool), "another tab was faster");
    assert!(shelf.is_empty() && pool.sealed == 5);
    assert!(join(Some(identity(1)), Some(id(1)), Some(7), noted(&[draft(1, None)]), false, &mut shelf, &mut pool));
    assert_eq!((shelf[0].identity.device, shelf[0].ended_at, shelf[0].unsent().count()), (id(1), Some(7), 1));
    assert_eq!(pool, Pool { sealed: 2, acknowledged: 0, since: Some(1), ..Pool::default() });
    assert!(join(Some(identity(2)), None, None, Vec::new(), true, &mut shelf, &mut pool));
    assert_eq!(shelf[1].identity.device, id(2), "it may draw tickets for inputs that are on the phone");
    assert!(join(Some(identity(3)), None, None, Vec::new(), false, &mut shelf, &mut pool) && shelf.len() == 2, "nobody needs it");
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
    let (mut shelf, mut pool) = ([shelved(8, sent(noted(&[draft(3, None)])))], Pool { sealed: 2, acknowledged: 1, since: None, ..Pool::default() });
    let (entries, inputs) = reopen(all, vec![("a", held), ("b", waits.clone())], &mut shelf, &mut pool, "after", Some("before"), 7);
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
        assert!(let_go(&entries, Some(0), &mut shelf, false, 99 * DAY_MS, "after", stored).is_empty() && shelf.len() == 1, "{stored:?}");
    }
    assert_eq!((let_go(&entries, Some(0), &mut shelf, false, 99 * DAY_MS, "after", Some("after")), shelf.len()), (vec![1], 0));
}

#[test]
fn inputs_of_an_earlier_shift_wait_again_after_a_restore_and_are_counted() {
    let held = Sealed { sealed: "x".into(), round: None, ticket: Some("t".into()), held_on: Some("2026-09-01".into()) };
    let (mut shelf, mut pool) = (Vec::new(), Pool { sealed: 3, acknowledged: 3, since: None, ..Pool::default() });
    join(Some(identity(1)), None, None, Vec::new(), true, &mut shelf, &mut pool);
    reopen(Vec::new(), vec![("a", held.clone()), ("b", held.clone()), ("c", held)], &mut shelf, &mut pool, "after", Some("before"), 7);
    assert_eq!(pool.waiting(), 3, "they would never be sent");
    assert_eq!(pool.since, Some(7), "a lone input beside the visits that are offered again would tell whose it is");
}

#[test]
fn an_identity_was_let_go_whose_tickets_an_input_needed() {
    let (mut shelf, mut pool) = (Vec::new(), Pool::default());
    join(Some(identity(1)), None, Some(0), sent(noted(&[draft(1, None)])), true, &mut shelf, &mut pool);
    let go = |shelf: &mut Vec<Shelved>, holds_inputs| let_go(&[], None, shelf, holds_inputs, 15 * DAY_MS, "e", Some("e"));
    go(&mut shelf, true);
    assert_eq!((shelf.len(), shelf[0].entries.len()), (1, 0), "what was noted leaves all the same");
    go(&mut shelf, false);
    assert!(shelf.is_empty());
}

const HOUR_MS: i64 = 3_600_000;

#[test]
fn after_the_end_of_a_shift_each_input_went_alone_behind_its_visit() {
    let pool = |sealed, since| Pool { sealed, since: Some(since), ..Pool::default() };
    assert!(!pool(1, 10 * HOUR_MS).is_due(11 * HOUR_MS, true), "who is late at a door notes one after the other");
    assert!(pool(1, 10 * HOUR_MS).is_due(12 * HOUR_MS, true) && !pool(1, 10 * HOUR_MS).is_due(12 * HOUR_MS, false));
    assert!(pool(1, 10 * HOUR_MS).is_due(22 * HOUR_MS, false) && !pool(1, 10 * HOUR_MS).is_due(22 * HOUR_MS - 1, false));
    assert!(pool(8, 10 * HOUR_MS).is_due(10 * HOUR_MS, false) && !pool(7, 10 * HOUR_MS).is_due(10 * HOUR_MS, false), "a full request");
    assert!(pool(1, 10 * HOUR_MS).is_due(9 * HOUR_MS, false), "a clock that was set back would never let it go");
    assert!(!Pool::default().is_due(99 * HOUR_MS, true));
}

#[test]
fn one_that_got_no_ticket_dragged_each_later_one_out_behind_its_visit() {
    let sealed = |round| Sealed { sealed: "x".into(), round: Some(id(round)), ticket: None, held_on: None };
    let mut pool = Pool { sealed: 9, since: Some(0), ..Pool::default() };
    let mut inputs: Vec<_> = (0..9).map(|key| (key, sealed(1))).collect();
    assert!(assign(&mut inputs, &mut vec![("s".to_owned(), Some(id(2)))], &mut pool).is_empty());
    assert_eq!((pool.lack_tickets, pool.since), (9, Some(0)), "nobody was asked for tickets yet, or nobody was heard");
    wait_anew(&mut pool, 20 * HOUR_MS);
    assert_eq!(pool.since, Some(20 * HOUR_MS));
    pool.sealed += 1;
    assert!(!pool.is_due(20 * HOUR_MS, false), "neither old nor a full request");
    inputs.push((9, sealed(2)));
    assert_eq!(assign(&mut inputs, &mut vec![("s".to_owned(), Some(id(2)))], &mut pool), [9]);
    let said = Answer { offered: vec![Offered { key: 9, ticket: "s".to_owned(), status: SlotStatus::Held }], ..said(&[]) };
    answer(inputs, &said, Some("e"), &mut pool, 21 * HOUR_MS);
    assert_eq!((pool.waiting(), pool.since), (9, Some(21 * HOUR_MS)));
}

#[test]
fn a_try_without_a_network_made_all_inputs_wait_anew_where_one_lacked_a_ticket() {
    let sealed = Sealed { sealed: "x".into(), round: Some(id(1)), ticket: None, held_on: None };
    let mut pool = Pool { sealed: 2, since: Some(0), ..Pool::default() };
    let mut inputs = vec![(0, sealed.clone()), (1, sealed)];
    assert_eq!(assign(&mut inputs, &mut vec![("t".to_owned(), Some(id(1)))], &mut pool), [0]);
    assert!(pool.is_due(13 * HOUR_MS, false), "the one with a ticket goes when there is a network again");
    wait_anew(&mut pool, 13 * HOUR_MS);
    assert!(!pool.is_due(13 * HOUR_MS, false));
    // Nobody was heard; the network is back when the next one is noted.
    let mut unheard = Pool { sealed: 1, lack_tickets: 1, since: Some(0), ..Pool::default() };
    let fresh = Sealed { sealed: "y".into(), round: Some(id(1)), ticket: None, held_on: None };
    keep_sealed(None, fresh.clone(), 13 * HOUR_MS, &mut unheard);
    assert!(!unheard.is_due(13 * HOUR_MS, true), "it would go alone behind its visit");
    let mut pair = Pool { sealed: 2, lack_tickets: 1, since: Some(5), ..Pool::default() };
    keep_sealed(None, fresh, 13 * HOUR_MS, &mut pair);
    assert_eq!(pair.since, Some(5), "another one that may go has waited");
    let mut whole = Pool { lack_tickets: 0, since: Some(0), ..pool };
    wait_anew(&mut whole, 13 * HOUR_MS);
    assert_eq!(whole.since, Some(0));
}

#[test]
fn what_was_struck_after_a_fault_was_sent() {
    let waits = Sealed { sealed: "x".into(), round: None, ticket: None, held_on: None };
    let mut pool = Pool { sealed: 2, acknowledged: 1, since: Some(5), ..Pool::default() };
    assert!(strike(None, &mut pool) && pool.waiting() == 1, "storage had not taken it");
    let offered = Sealed { ticket: Some("t".into()), ..waits.clone() };
    assert!(!strike(Some(&offered), &mut pool) && pool.waiting() == 1, "somebody may have it");
    assert!(strike(Some(&waits), &mut pool));
    assert_eq!((pool.waiting(), pool.since), (0, None));
}

#[test]
fn an_input_is_never_offered_with_a_ticket_of_another_round() {
    let (autumn, spring) = (id(1), id(2));
    let sealed = |round| Sealed { sealed: "x".into(), round, ticket: None, held_on: None };
    let ticket = |name: &str, round| (name.to_owned(), round_of(&format!("\"{round}\"")));
    let mut inputs = vec![("new", sealed(Some(spring))), ("left", sealed(Some(autumn))), ("second", sealed(Some(spring)))];
    let mut tickets = vec![ticket("a", autumn), ("o".to_owned(), round_of("1")), ticket("s", spring)];
    assert_eq!((tickets_of(&tickets, Some(spring)), tickets_of(&tickets, None)), (1, 1));
    let mut pool = Pool::default();
    assert_eq!(assign(&mut inputs, &mut tickets, &mut pool), ["new", "left"]);
    assert_eq!(pool.lack_tickets, 1);
    let given = |at: usize| inputs[at].1.ticket.as_deref();
    assert_eq!((given(0), given(1), given(2)), (Some("s"), Some("a"), None));
    // An app that knew no rounds kept neither beside an input nor beside a ticket.
    let mut old = vec![("old", sealed(None)), ("older", sealed(None))];
    let mut tickets = vec![ticket("s", spring), ("o".to_owned(), round_of("1"))];
    assign(&mut old, &mut tickets, &mut pool);
    assert_eq!((old[0].1.ticket.as_deref(), old[1].1.ticket.as_deref()), (Some("o"), Some("s")));
}

/// What the server says in epoch "e", on the third day.
fn said<K: Clone>(offered: &[Offered<K>]) -> Answer<K> {
    Answer { offered: offered.to_vec(), epoch: Some("e".into()), day: "2026-09-03".into(), backed_up_through: None }
}

#[test]
fn an_input_stays_until_a_backup_has_its_day() {
    let sealed = |held_on: Option<&str>| Sealed { sealed: "x".into(), round: None, ticket: Some("t".into()), held_on: held_on.map(str::to_owned) };
    let mut pool = Pool { sealed: 4, acknowledged: 1, since: Some(5), ..Pool::default() };
    let all = vec![("held", sealed(None)), ("refused", sealed(None)), ("old", sealed(Some("2026-09-01"))), ("new", sealed(Some("2026-09-03")))];
    let offered = [("held", SlotStatus::Held), ("refused", SlotStatus::Refused)].map(|(key, status)| Offered { key, ticket: "t".into(), status });
    let kept = answer(all, &Answer { backed_up_through: Some("2026-09-02".into()), ..said(&offered) }, Some("e"), &mut pool, 7);
    assert_eq!(kept[0].1.as_ref().unwrap().held_on.as_deref(), Some("2026-09-03"));
    assert_eq!(kept[1].1.as_ref().unwrap().ticket, None, "it gets another ticket");
    assert!(kept[2].1.is_none() && kept[3].1.is_some());
    assert_eq!(pool, Pool { sealed: 4, acknowledged: 2, since: Some(7), ..Pool::default() });
    answer(vec![("held", sealed(Some("2026-09-03")))], &said(&[]), Some("e"), &mut pool, 8);
    assert_eq!(pool.since, None);
}

#[test]
fn another_tabs_ticket_outlives_the_refusal_of_the_one_before() {
    let record = Sealed { sealed: "x".into(), round: None, ticket: Some("second".into()), held_on: None };
    let refused = Offered { key: "a", ticket: "first".to_owned(), status: SlotStatus::Refused };
    let kept = answer(vec![("a", record.clone())], &said(&[refused]), None, &mut Pool::default(), 0);
    assert_eq!(kept, [("a", Some(record))], "a third would be taken beside the second");
}

#[test]
fn what_a_server_said_of_inputs_before_it_was_restored_says_nothing() {
    let record = Sealed { sealed: "x".into(), round: None, ticket: Some("t".into()), held_on: None };
    let held = Offered { key: "a", ticket: "t".to_owned(), status: SlotStatus::Held };
    let mut pool = Pool { sealed: 1, acknowledged: 0, since: Some(5), ..Pool::default() };
    let said = Answer { backed_up_through: Some("2026-09-03".into()), ..said(&[held]) };
    let kept = answer(vec![("a", record.clone())], &said, Some("after"), &mut pool, 7);
    assert_eq!((kept, pool), (vec![("a", Some(record))], Pool { sealed: 1, acknowledged: 0, since: Some(5), ..Pool::default() }));
}
