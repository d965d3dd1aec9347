//! What a volunteer taps at the doors.

use dorbank_shared::{
    sync::{
        file::Unwritten,
        replay::Standing,
        wire::{KIND_VISIT, KIND_WITHDRAWAL},
    },
    visit::{Outcome, VisitV1, WithdrawalV1},
};
use rand::RngExt as _;
use rand_chacha::ChaCha20Rng;
use serde_json::json;
use uuid::Uuid;

use super::Phone;
use crate::simulator::fault::{Faults, Kind};

impl Phone {
    /// What the volunteer notes, and at which door: mostly a visit, at times a correction or an undo of an earlier one, at
    /// times what no honest app would send.
    pub fn note(&mut self, tab: usize, now_ms: i64, faults: &mut Faults) -> Option<(Uuid, Unwritten)> {
        let now_ms = self.now_ms(now_ms);
        let here = &self.tabs[tab];
        let bundle = here.cache.bundle.clone().filter(|bundle| !bundle.turfs.is_empty())?;
        let earlier = here.entries.values().next_back().map(|kept| kept.envelope.clone()).filter(|entry| entry.kind == KIND_VISIT);
        let rng = &mut self.rng;
        let turf = &bundle.turfs[rng.random_range(0..bundle.turfs.len())];
        if turf.entrances.is_empty() {
            return None;
        }
        let (undo, correct) = (rng.random_bool(0.1), rng.random_bool(0.1));
        let id = fresh_id(now_ms, rng);
        let entrance = &turf.entrances[rng.random_range(0..turf.entrances.len())];
        let unit = (!entrance.units.is_empty()).then(|| entrance.units[rng.random_range(0..entrance.units.len())].id);
        let outcome = match rng.random_range(0..100) {
            0..2 => Outcome::DoNotKnock,
            2..50 => Outcome::NotHome,
            50..80 => Outcome::Talked,
            80..90 => Outcome::Declined,
            _ => Outcome::ComeBack,
        };
        let mut visit = VisitV1 {
            campaign: bundle.campaign,
            turf: turf.id,
            entrance: entrance.id,
            unit,
            outcome,
            leaflet: rng.random_bool(0.2),
            occurred_at: now_ms,
        };
        let mut draft = Unwritten { id, kind: KIND_VISIT.into(), version: 1, supersedes: None, captured_at: now_ms, bytes: String::new() };
        if faults.strikes(Kind::Unknown, 0.04) {
            let (kind, version) = if faults.dice(Kind::Unknown).random_bool(0.5) { ("poll", 1) } else { (KIND_VISIT, 9) };
            return Some((id, Unwritten { kind: kind.into(), version, bytes: r#"{"shade":"red"}"#.into(), ..draft }));
        }
        if faults.strikes(Kind::Unreadable, 0.04) {
            let bytes = match faults.dice(Kind::Unreadable).random_range(0..5) {
                0 => serde_json::to_value(&visit).map(|mut visit| {
                    visit["words"] = json!("she said she votes");
                    visit.to_string()
                }),
                1 => Ok("\u{0}\u{1}\u{feff}{".into()),
                2 => Ok("[".repeat(3_000)),
                3 => Ok("x".repeat(5_000)),
                _ => Ok(String::new()),
            };
            return Some((id, Unwritten { bytes: bytes.unwrap(), ..draft }));
        }
        let mut door = visit.door();
        match earlier {
            Some(entry) if faults.strikes(Kind::IdReuse, 0.04) => (door, draft.id) = (id, entry.id),
            Some(entry) if undo || correct => {
                let old: Option<VisitV1> = serde_json::from_str(&entry.bytes).ok();
                door = old.as_ref().map_or(id, VisitV1::door);
                // Where the body cannot be read it can still be taken back.
                let of = self.tabs[tab].taps.last(door, old.clone().map(|visit| Standing { id: entry.id, visit }).as_ref());
                let of = of.map(|standing| standing.id).or(old.is_none().then_some(entry.id));
                if undo {
                    return Some((door, withdrawal(&draft, of?, bundle.campaign)));
                }
                if let Some(old) = old {
                    draft.supersedes = of;
                    (visit.turf, visit.entrance, visit.unit) = (old.turf, old.entrance, old.unit);
                }
            }
            _ => draft.supersedes = self.tabs[tab].taps.last(door, None).map(|standing| standing.id),
        }
        draft.bytes = serde_json::to_string(&visit).unwrap();
        Some((door, draft))
    }

    /// What is tapped at a door of which storage has not taken what was said before: the same, something else, or that it is
    /// taken back. At times nobody opens at others either.
    pub fn note_again(&self, tab: usize, door: Uuid, now_ms: i64, dice: &mut ChaCha20Rng) -> Vec<(Uuid, Unwritten)> {
        let Some(draft) = self.something_else(tab, door, now_ms, dice) else { return Vec::new() };
        let visit: Option<VisitV1> = serde_json::from_str(&draft.bytes).ok();
        let mut drafts = vec![(door, draft.clone())];
        if let (Some(visit), Some(bundle), true) = (visit, &self.tabs[tab].cache.bundle, dice.random_bool(0.3)) {
            let entrances = bundle.turfs.iter().filter(|turf| turf.id == visit.turf).flat_map(|turf| &turf.entrances);
            let units = entrances.flat_map(|entrance| entrance.units.iter().map(|unit| (entrance.id, unit.id)));
            for (entrance, unit) in units.filter(|(_, unit)| *unit != door).take(dice.random_range(1..4)) {
                let visit = VisitV1 { entrance, unit: Some(unit), outcome: Outcome::NotHome, leaflet: false, ..visit.clone() };
                let supersedes = self.tabs[tab].taps.last(unit, None).map(|last| last.id);
                let bytes = serde_json::to_string(&visit).unwrap();
                drafts.push((unit, Unwritten { id: fresh_id(visit.occurred_at, dice), supersedes, bytes, ..draft.clone() }));
            }
        }
        drafts
    }

    fn something_else(&self, tab: usize, door: Uuid, now_ms: i64, dice: &mut ChaCha20Rng) -> Option<Unwritten> {
        let now_ms = self.now_ms(now_ms);
        let taps = &self.tabs[tab].taps;
        let bundle = self.tabs[tab].cache.bundle.as_ref()?;
        let before = taps.pending(door)?.clone();
        let last = taps.last(door, None);
        // What took the id of another is no visit that anybody corrects.
        if last.as_ref().is_some_and(|last| last.visit.door() != door) {
            return None;
        }
        let draft = Unwritten { id: fresh_id(now_ms, dice), supersedes: last.as_ref().map(|standing| standing.id), captured_at: now_ms, ..before };
        match (last, dice.random_range(0..4)) {
            (_, 0) => Some(draft),
            (Some(last), 1) => Some(withdrawal(&draft, last.id, bundle.campaign)),
            (Some(last), _) => {
                let outcome = if last.visit.outcome == Outcome::ComeBack { Outcome::Talked } else { Outcome::ComeBack };
                let bytes = serde_json::to_string(&VisitV1 { outcome, occurred_at: now_ms, ..last.visit }).unwrap();
                Some(Unwritten { bytes, ..draft })
            }
            // It is taken back already: somebody rings once more.
            (None, _) => {
                let noted = self.tabs[tab].entries.values().map(|kept| &kept.envelope.bytes).chain(taps.drafts().map(|draft| &draft.bytes));
                let first = noted.filter_map(|bytes| serde_json::from_str::<VisitV1>(bytes).ok()).find(|visit| visit.door() == door)?;
                let bytes = serde_json::to_string(&VisitV1 { occurred_at: now_ms, ..first }).unwrap();
                Some(Unwritten { kind: KIND_VISIT.into(), bytes, ..draft })
            }
        }
    }
}

fn fresh_id(now_ms: i64, dice: &mut ChaCha20Rng) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now_ms).unwrap_or_default(), &dice.random()).into_uuid()
}

fn withdrawal(draft: &Unwritten, of: Uuid, campaign: Uuid) -> Unwritten {
    let bytes = serde_json::to_string(&WithdrawalV1 { campaign }).unwrap();
    Unwritten { kind: KIND_WITHDRAWAL.into(), supersedes: Some(of), bytes, ..draft.clone() }
}
