//! The downloaded base of a turf, and what a pull does to it. Never edited in place: screens lay the outbox over it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::wire::{Envelope, KIND_VISIT, KIND_WITHDRAWAL, TurfPull, door_sum};
use crate::visit::{Outcome, Seen, VisitV1, fold};

/// The doors of one turf as the server last gave them.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Base {
    /// State and number of each door that has a row.
    pub rows: BTreeMap<Uuid, (Option<Outcome>, i64)>,
    /// Where to go on, or nothing to start afresh.
    pub cursor: Option<String>,
}

/// What came of applying a pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The same as the server's, by count and checksum.
    Equal,
    /// There is more to pull.
    More,
    /// Not the same: the cursor is gone, the next pull starts afresh.
    Differs,
}

impl Base {
    /// Applies the rows of a pull. A row that is older than ours is passed over, so a repeated answer changes nothing.
    pub fn apply(&mut self, pull: &TurfPull) -> Verdict {
        if pull.reset {
            self.rows.clear();
        }
        for row in &pull.rows {
            let newer = self.rows.get(&row.door).is_none_or(|(_, seq)| row.seq > *seq);
            if newer {
                self.rows.insert(row.door, (row.state, row.seq));
            }
        }
        self.cursor = Some(pull.next.clone());
        if !pull.complete {
            return Verdict::More;
        }
        let sum = self.rows.iter().fold(0u64, |sum, (door, (state, _))| sum.wrapping_add(door_sum(*door, *state)));
        if self.rows.len() as u64 == pull.count && sum.to_string() == pull.sum {
            Verdict::Equal
        } else {
            self.cursor = None;
            Verdict::Differs
        }
    }

    /// The state of each door with the phone's own unsent entries laid over: what the screen shows.
    pub fn with_unsent<'a>(&self, unsent: impl IntoIterator<Item = &'a Envelope>) -> BTreeMap<Uuid, Outcome> {
        let entries: Vec<&Envelope> = unsent.into_iter().collect();
        let gone: Vec<Uuid> = entries.iter().filter_map(|entry| entry.supersedes).collect();
        let mut own: BTreeMap<Uuid, Vec<Seen>> = BTreeMap::new();
        for entry in &entries {
            if entry.kind == KIND_WITHDRAWAL || gone.contains(&entry.id) || entry.kind != KIND_VISIT {
                continue;
            }
            if let Ok(visit) = serde_json::from_str::<VisitV1>(&entry.bytes) {
                own.entry(visit.door()).or_default().push(Seen { id: entry.id, outcome: visit.outcome });
            }
        }
        let mut out: BTreeMap<Uuid, Outcome> = self.rows.iter().filter_map(|(door, (state, _))| Some((*door, (*state)?))).collect();
        for (door, mut seen) in own {
            // The base has no ids; the lowest lets the phone's own latest stand among equals.
            seen.extend(out.get(&door).map(|outcome| Seen { id: Uuid::nil(), outcome: *outcome }));
            if let Some(outcome) = fold(seen) {
                out.insert(door, outcome);
            }
        }
        out
    }
}
