//! What a screen shows: the downloaded base with this phone's own work laid over it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    base::Base,
    engine::Receipt,
    wire::{Envelope, KIND_VISIT, Reason, Status},
};
use crate::visit::{Outcome, Seen, VisitV1, fold};

/// An entry as the phone keeps it: the envelope and, once there is one, what the server answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What is sent.
    pub envelope: Envelope,
    /// The receipt's status; absent while the entry waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The receipt's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// When the server gave the receipt, by its clock in milliseconds; absent in records from before that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_at: Option<i64>,
}

impl Kept {
    /// Takes what the server answered.
    pub fn take(&mut self, receipt: &Receipt) {
        (self.status, self.reason, self.held_at) = (Some(receipt.status), receipt.reason, Some(receipt.given_at));
    }

    /// The same, to be offered again.
    pub fn unsent(self) -> Self {
        Self { status: None, reason: None, held_at: None, ..self }
    }
}

/// A visit of this phone that still stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The entry.
    pub id: Uuid,
    /// Its body.
    pub visit: VisitV1,
}

/// The bodies of visits, by their entries' ids.
pub type Visits = BTreeMap<Uuid, VisitV1>;

/// Reads the bodies of the visits among `entries`; those in `known` are not read again.
pub fn visits(entries: &[Kept], mut known: Visits) -> Visits {
    for Kept { envelope, .. } in entries.iter().filter(|kept| kept.envelope.kind == KIND_VISIT) {
        if !known.contains_key(&envelope.id)
            && let Ok(visit) = serde_json::from_str(&envelope.bytes)
        {
            known.insert(envelope.id, visit);
        }
    }
    known
}

fn superseded(entries: &[Kept]) -> BTreeSet<Uuid> {
    entries.iter().filter_map(|kept| kept.envelope.supersedes).collect()
}

/// This phone's visits that no later entry replaced or withdrew, the latest of each door.
pub fn standing(entries: &[Kept], visits: &Visits) -> BTreeMap<Uuid, Standing> {
    let gone = superseded(entries);
    let mut doors = BTreeMap::new();
    for Kept { envelope, .. } in entries.iter().filter(|kept| !gone.contains(&kept.envelope.id)) {
        if let Some(visit) = visits.get(&envelope.id) {
            doors.insert(visit.door(), Standing { id: envelope.id, visit: visit.clone() });
        }
    }
    doors
}

/// The state of each door. `entries` are all that the phone keeps, in the order of their counters, and `visits` their
/// bodies; `shown` are those that the base already contains (a pull was answered after their receipt).
pub fn replay<'a>(bases: impl IntoIterator<Item = &'a Base>, entries: &[Kept], visits: &Visits, shown: &BTreeSet<u64>) -> BTreeMap<Uuid, Outcome> {
    let mut states: BTreeMap<Uuid, Outcome> =
        bases.into_iter().flat_map(|base| &base.rows).filter_map(|(door, (state, _))| Some((*door, (*state)?))).collect();
    let gone = superseded(entries);
    // What of our own stands at each door; and where the base still holds a visit of ours that we have since replaced or
    // withdrawn: there our own stand alone.
    let mut own: BTreeMap<Uuid, Vec<Seen>> = BTreeMap::new();
    let mut in_base = BTreeSet::new();
    let mut replaced = BTreeMap::new();
    let mut touched = BTreeSet::new();
    for Kept { envelope, status, .. } in entries {
        let covered = shown.contains(&envelope.device_seq);
        if let Some(visit) = visits.get(&envelope.id) {
            if !gone.contains(&envelope.id) {
                own.entry(visit.door()).or_default().push(Seen { id: envelope.id, outcome: visit.outcome });
            }
            if status.is_some() || covered {
                in_base.insert(envelope.id);
            }
            if !covered {
                touched.insert(visit.door());
            }
        }
        // An entry comes after the one that it replaces.
        if let Some((id, visit)) = envelope.supersedes.and_then(|id| Some((id, visits.get(&id)?)))
            && !covered
        {
            touched.insert(visit.door());
            if in_base.contains(&id) {
                replaced.insert(visit.door(), visit.outcome);
            }
        }
    }
    for door in touched {
        let base = states.remove(&door).filter(|state| match replaced.get(&door) {
            // A wish that is not the one we took back stays.
            Some(ours) => *state == Outcome::DoNotKnock && *ours != Outcome::DoNotKnock,
            None => true,
        });
        let base = base.map(|outcome| Seen { id: Uuid::nil(), outcome });
        if let Some(state) = fold(own.remove(&door).unwrap_or_default().into_iter().chain(base)) {
            states.insert(door, state);
        }
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::wire::KIND_WITHDRAWAL;

    const DOOR: Uuid = Uuid::from_u128(7);

    fn visit(seq: u64, outcome: Outcome, supersedes: Option<u64>) -> Kept {
        let id = Uuid::nil();
        let body = VisitV1 { campaign: id, turf: id, entrance: id, unit: Some(DOOR), outcome, leaflet: false, occurred_at: 0 };
        entry(seq, KIND_VISIT, serde_json::to_string(&body).unwrap(), supersedes)
    }

    fn entry(seq: u64, kind: &str, bytes: String, supersedes: Option<u64>) -> Kept {
        let envelope = Envelope {
            id: Uuid::from_u128(u128::from(seq) + 100),
            kind: kind.into(),
            version: 1,
            device_seq: seq,
            supersedes: supersedes.map(|seq| Uuid::from_u128(u128::from(seq) + 100)),
            captured_at: 0,
            bytes,
        };
        Kept { envelope, status: None, reason: None, held_at: None }
    }

    fn base(state: Option<Outcome>) -> Base {
        Base { rows: [(DOOR, (state, 1))].into(), cursor: None }
    }

    fn state(base: &Base, entries: &[Kept], shown: &[u64]) -> Option<Outcome> {
        replay([base], entries, &visits(entries, Visits::new()), &shown.iter().copied().collect()).get(&DOOR).copied()
    }

    #[test]
    fn own_work_lies_over_the_base() {
        assert_eq!(state(&base(None), &[visit(1, Outcome::NotHome, None)], &[]), Some(Outcome::NotHome));
        assert_eq!(state(&base(Some(Outcome::Talked)), &[visit(1, Outcome::NotHome, None)], &[]), Some(Outcome::Talked));
        assert_eq!(state(&base(Some(Outcome::Talked)), &[], &[]), Some(Outcome::Talked));
    }

    #[test]
    fn a_correction_shows_at_once_also_when_the_base_has_the_old_state() {
        let entries = [visit(1, Outcome::Talked, None), visit(2, Outcome::NotHome, Some(1))];
        assert_eq!(state(&base(Some(Outcome::Talked)), &entries, &[1]), Some(Outcome::NotHome));
        let entries = [visit(1, Outcome::Talked, None), entry(2, KIND_WITHDRAWAL, "{}".into(), Some(1))];
        assert_eq!(state(&base(Some(Outcome::Talked)), &entries, &[1]), None);
        assert_eq!(state(&base(None), &entries, &[]), None);
    }

    #[test]
    fn a_correction_never_hides_a_wish_of_somebody_else() {
        let entries = [visit(1, Outcome::Talked, None), visit(2, Outcome::NotHome, Some(1))];
        assert_eq!(state(&base(Some(Outcome::DoNotKnock)), &entries, &[1]), Some(Outcome::DoNotKnock));
    }

    #[test]
    fn what_the_base_contains_is_not_laid_over_twice() {
        let entries = [visit(1, Outcome::Talked, None)];
        assert_eq!(state(&base(Some(Outcome::Done)), &entries, &[1]), Some(Outcome::Done));
    }

    #[test]
    fn the_latest_of_a_door_stands() {
        let entries = [visit(1, Outcome::Talked, None), visit(2, Outcome::NotHome, Some(1))];
        assert_eq!(standing(&entries, &visits(&entries, Visits::new()))[&DOOR].visit.outcome, Outcome::NotHome);
    }
}
