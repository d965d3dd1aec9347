//! What is tapped while storage has not taken what was tapped before.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    file::Unwritten,
    replay::Standing,
    taps::{Tap, Taps},
    wire::{KIND_VISIT, KIND_WITHDRAWAL},
};
use crate::visit::{Outcome, VisitV1, WithdrawalV1};

fn id(n: u64) -> Uuid {
    Uuid::from_u64_pair(0, n)
}

fn visited(door: Uuid, outcome: Outcome) -> VisitV1 {
    VisitV1 { campaign: id(900), turf: id(901), entrance: id(902), unit: Some(door), outcome, leaflet: false, occurred_at: 5 }
}

/// A visit at a door, which corrects what was said last there.
fn visit(taps: &Taps, n: u64, door: Uuid, outcome: Outcome) -> (Uuid, Unwritten) {
    let supersedes = taps.last(door, None).map(|before| before.id);
    let bytes = serde_json::to_string(&visited(door, outcome)).unwrap();
    (door, Unwritten { id: id(n), kind: KIND_VISIT.into(), version: 1, supersedes, captured_at: 5, bytes })
}

/// Takes back what was said last of a door.
fn withdrawal(taps: &Taps, n: u64, door: Uuid) -> (Uuid, Unwritten) {
    let supersedes = Some(taps.last(door, None).unwrap().id);
    let bytes = serde_json::to_string(&WithdrawalV1 { campaign: id(900) }).unwrap();
    (door, Unwritten { id: id(n), kind: KIND_WITHDRAWAL.into(), version: 1, supersedes, captured_at: 5, bytes })
}

fn tapped(taps: &mut Taps, n: u64, door: Uuid, outcome: Outcome) -> Option<Arc<Tap>> {
    let draft = visit(taps, n, door, outcome);
    taps.note(vec![draft], None)
}

fn ids<'a>(drafts: impl IntoIterator<Item = &'a Unwritten>) -> Vec<u64> {
    drafts.into_iter().map(|draft| draft.id.as_u64_pair().1).collect()
}

#[test]
fn do_not_ring_here_again_was_dropped_while_storage_had_not_taken_what_was_said_before() {
    let (mut taps, door) = (Taps::new(), id(1));
    let first = tapped(&mut taps, 11, door, Outcome::NotHome).unwrap();
    assert!(tapped(&mut taps, 12, door, Outcome::DoNotKnock).is_none(), "it waits");
    assert_eq!(taps.pending(door).unwrap().supersedes, Some(id(11)));
    taps.done(&first, true);
    assert_eq!(ids(&taps.take().unwrap().drafts), [12]);
}

#[test]
fn a_second_tap_on_one_button_is_an_echo() {
    let (mut taps, door) = (Taps::new(), id(1));
    let first = tapped(&mut taps, 11, door, Outcome::NotHome).unwrap();
    assert!(tapped(&mut taps, 12, door, Outcome::NotHome).is_none());
    assert!(tapped(&mut taps, 13, id(2), Outcome::NotHome).is_some(), "another door is another visit");
    taps.done(&first, true);
    assert_eq!(ids(taps.drafts()), [13]);
    assert!(tapped(&mut taps, 14, door, Outcome::NotHome).is_some(), "once it is written, whoever calls knows");
}

#[test]
fn a_correction_was_written_before_what_it_corrects() {
    let (mut taps, door) = (Taps::new(), id(1));
    let first = tapped(&mut taps, 11, door, Outcome::NotHome).unwrap();
    tapped(&mut taps, 12, door, Outcome::Talked);
    assert!(taps.take().is_none(), "while the first is under way");
    taps.done(&first, false);
    let elsewhere = tapped(&mut taps, 13, id(2), Outcome::Declined).unwrap();
    assert_eq!(ids(&taps.take().unwrap().drafts), [11], "whatever is under way at another door");
    assert!(taps.take().is_none());
    taps.done(&first, false);
    taps.done(&elsewhere, false);
    for expected in [11, 12, 13] {
        let tap = taps.take().unwrap();
        assert_eq!(ids(&tap.drafts), [expected]);
        taps.done(&tap, true);
    }
    assert!(taps.is_empty() && taps.take().is_none());
}

#[test]
fn a_visit_corrected_a_withdrawal_and_waited_for_an_organiser_for_ever() {
    let (mut taps, door) = (Taps::new(), id(1));
    tapped(&mut taps, 11, door, Outcome::NotHome);
    let back = withdrawal(&taps, 12, door);
    assert!(taps.note(vec![back], None).is_none(), "it waits for what it takes back");
    assert!(taps.last(door, Some(&Standing { id: id(3), visit: visited(door, Outcome::Done) })).is_none());
    tapped(&mut taps, 13, door, Outcome::Talked);
    let supersedes: Vec<Option<Uuid>> = taps.drafts().map(|draft| draft.supersedes).collect();
    assert_eq!(supersedes, [None, Some(id(11)), None]);
}

#[test]
fn what_was_pending_could_not_be_taken_back() {
    let (mut taps, door) = (Taps::new(), id(1));
    let standing = Standing { id: id(3), visit: visited(door, Outcome::Talked) };
    assert_eq!(taps.last(door, Some(&standing)), Some(standing.clone()));
    tapped(&mut taps, 11, door, Outcome::NotHome);
    let last = taps.last(door, Some(&standing)).unwrap();
    assert_eq!((last.id, last.visit.outcome), (id(11), Outcome::NotHome));
}

#[test]
fn many_doors_at_once_are_written_at_once_but_for_those_where_something_waits() {
    let mut taps = Taps::new();
    let first = tapped(&mut taps, 11, id(1), Outcome::Talked).unwrap();
    taps.done(&first, false);
    let rest = (1..=4).map(|door| visit(&taps, 20 + door, id(door), Outcome::NotHome)).collect();
    let now = taps.note(rest, None).unwrap();
    assert_eq!((ids(&now.drafts), now.doors.clone()), (vec![22, 23, 24], vec![id(2), id(3), id(4)]));
    assert_eq!(ids(taps.drafts()), [11, 22, 23, 24, 21], "a file has all of them");
    assert_eq!(ids(&taps.take().unwrap().drafts), [11]);
    assert!(taps.take().is_none());
}
