//! A shift: a time, a meeting place, some branches, some turfs, and the phones that joined.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sync::wire::Admission;

/// Codes are valid so long before the shift begins, in milliseconds.
pub const CODE_BEFORE_MS: i64 = 2 * 60 * 60 * 1000;
/// Codes are valid so long after the shift ends, in milliseconds.
pub const CODE_AFTER_MS: i64 = 2 * 60 * 60 * 1000;
/// So many phones more than the shift has places.
pub const SPARE_DEVICES: i64 = 2;
/// A phone that waits holds its place for so long, in milliseconds; then another may have it. The lead can still admit it.
pub const WAITING_MS: i64 = 30 * 60 * 1000;
/// So many wrong codes lock typing.
pub const MAX_MISSES: i64 = 20;
/// Typing is locked for so long, in milliseconds.
pub const LOCK_MS: i64 = 15 * 60 * 1000;

/// What kind of shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShiftKind {
    /// At doors.
    Door,
    /// At a stand.
    Stand,
    /// In the morning, at a station.
    Morning,
    /// Leaflets in letterboxes.
    Leaflets,
    /// A meeting.
    Meeting,
}

impl ShiftKind {
    const ALL: [Self; 5] = [Self::Door, Self::Stand, Self::Morning, Self::Leaflets, Self::Meeting];

    /// The name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Stand => "stand",
            Self::Morning => "morning",
            Self::Leaflets => "leaflets",
            Self::Meeting => "meeting",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A shift. Times are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Its id.
    pub id: Uuid,
    /// Its campaign.
    pub campaign: Uuid,
    /// What kind.
    pub kind: ShiftKind,
    /// When it begins.
    pub starts_at: i64,
    /// When it ends.
    pub ends_at: i64,
    /// Where it meets.
    pub meeting_place: String,
    /// How many phones are expected.
    pub capacity: i64,
    /// The event in Zetkin, where sign-up happens.
    pub zetkin_url: Option<String>,
    /// Four characters that name it in codes ([`crate::code`]).
    pub selector: String,
    /// Counted up when the codes are changed; old ones are worthless then.
    pub code_version: i64,
    /// Wrong codes since the last lock.
    pub misses: i64,
    /// Typing is locked until then.
    pub locked_until: i64,
    /// Counted up with each change.
    pub version: i64,
}

impl Shift {
    /// Whether its codes are valid.
    pub fn is_open(&self, now_ms: i64) -> bool {
        (self.starts_at - CODE_BEFORE_MS..self.ends_at + CODE_AFTER_MS).contains(&now_ms)
    }

    /// Whether typing is locked.
    pub fn is_locked(&self, now_ms: i64) -> bool {
        now_ms < self.locked_until
    }

    /// How many phones may wait or be admitted at a time.
    pub fn places(&self) -> i64 {
        self.capacity + SPARE_DEVICES
    }

    /// The misses and the lock after one more wrong code.
    pub fn after_miss(&self, now_ms: i64) -> (i64, i64) {
        if self.misses + 1 >= MAX_MISSES { (0, now_ms + LOCK_MS) } else { (self.misses + 1, self.locked_until) }
    }
}

/// A phone that joined a shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: Uuid,
    /// The shift.
    pub shift: Uuid,
    /// The turf that the lead gave it.
    pub turf: Option<Uuid>,
    /// The two characters by which the lead knows it.
    pub sign: String,
    /// Where it stands.
    pub admission: Admission,
    /// How many tickets it drew, never which.
    pub tickets: i64,
    /// How many entries it says it has not sent.
    pub unsent: i64,
    /// Counted up with each change that the lead makes.
    pub version: i64,
}

/// A phone, as the lead sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceView {
    /// Its id.
    pub id: Uuid,
    /// Its two characters.
    pub sign: String,
    /// Where it stands.
    pub admission: Admission,
    /// Its turf.
    pub turf: Option<Uuid>,
    /// How many entries it says it has not sent.
    pub unsent: i64,
    /// To be sent back with a change.
    pub version: i64,
}

/// A turf of the shift, as the lead sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurfView {
    /// Its id.
    pub id: Uuid,
    /// "Rode 4".
    pub number: i64,
    /// "Tøyengata øst".
    pub name: String,
}

/// A shift, as its lead sees it. Times are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ShiftView {
    /// Its id.
    pub id: Uuid,
    /// When it begins.
    pub starts_at: i64,
    /// When it ends.
    pub ends_at: i64,
    /// Where it meets.
    pub meeting_place: String,
    /// How many phones are expected.
    pub capacity: i64,
    /// To be sent back with a change.
    pub version: i64,
    /// The code to type, as printed.
    pub typed: String,
    /// The address to scan.
    pub link: String,
    /// Codes are valid from then.
    pub valid_from: i64,
    /// Codes are valid until then.
    pub valid_until: i64,
    /// Typing is locked until then; absent when it is not.
    pub locked_until: Option<i64>,
    /// Its turfs, by number.
    pub turfs: Vec<TurfView>,
    /// Its phones, in the order in which they joined.
    pub devices: Vec<DeviceView>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift() -> Shift {
        Shift {
            id: Uuid::nil(),
            campaign: Uuid::nil(),
            kind: ShiftKind::Door,
            starts_at: 10 * 60 * 60 * 1000,
            ends_at: 12 * 60 * 60 * 1000,
            meeting_place: String::new(),
            capacity: 8,
            zetkin_url: None,
            selector: "K7QF".into(),
            code_version: 1,
            misses: 0,
            locked_until: 0,
            version: 1,
        }
    }

    #[test]
    fn codes_are_valid_from_two_hours_before_until_two_hours_after() {
        let hour = 60 * 60 * 1000;
        let open: Vec<i64> = (0..24).filter(|at| shift().is_open(at * hour)).collect();
        assert_eq!(open, [8, 9, 10, 11, 12, 13]);
        assert_eq!(shift().places(), 10);
    }

    #[test]
    fn the_twentieth_miss_locks_for_a_quarter_of_an_hour() {
        let mut shift = shift();
        for n in 1..MAX_MISSES {
            (shift.misses, shift.locked_until) = shift.after_miss(5);
            assert_eq!((shift.misses, shift.is_locked(5)), (n, false));
        }
        (shift.misses, shift.locked_until) = shift.after_miss(5);
        assert!(shift.is_locked(5) && shift.is_locked(4 + LOCK_MS) && !shift.is_locked(5 + LOCK_MS));
        assert_eq!(shift.misses, 0);
    }
}
