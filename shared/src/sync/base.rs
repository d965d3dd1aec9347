//! The downloaded base of a turf, and what a pull does to it. Never edited in place: screens lay the outbox over it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::wire::{TurfPull, door_sum};
use crate::visit::Outcome;

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

    /// The state of each door that has one.
    pub fn states(&self) -> BTreeMap<Uuid, Outcome> {
        self.rows.iter().filter_map(|(door, (state, _))| Some((*door, (*state)?))).collect()
    }
}
