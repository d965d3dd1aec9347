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
        } else if self.cursor.as_deref().and_then(epoch) != epoch(&pull.next) {
            // An answer of the server as it was before a restore, or to what was asked before we started afresh: its
            // numbers count otherwise than ours.
            self.cursor = None;
            return Verdict::Differs;
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

/// The epoch that a cursor counts in.
fn epoch(cursor: &str) -> Option<&str> {
    cursor.rsplit_once('.').map(|(epoch, _)| epoch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::wire::DoorRow;

    fn pull(reset: bool, next: &str, seq: i64) -> TurfPull {
        let (door, state) = (Uuid::from_u128(7), Some(Outcome::Talked));
        let rows = vec![DoorRow { door, state, seq }];
        TurfPull { turf: Uuid::nil(), reset, rows, next: next.into(), complete: true, count: 1, sum: door_sum(door, state).to_string() }
    }

    #[test]
    fn numbers_of_two_epochs_never_mix() {
        let mut base = Base::default();
        assert_eq!(base.apply(&pull(true, "b.3", 3)), Verdict::Equal);
        assert_eq!(base.apply(&pull(false, "a.9", 9)), Verdict::Differs);
        assert_eq!((base.rows[&Uuid::from_u128(7)].1, base.cursor.as_deref()), (3, None));
        assert_eq!(base.apply(&pull(false, "b.4", 4)), Verdict::Differs, "whoever starts afresh waits for a fresh start");
        assert_eq!(base.apply(&pull(true, "b.4", 4)), Verdict::Equal);
        assert_eq!(base.apply(&pull(false, "b.5", 5)), Verdict::Equal);
    }
}
