//! Whether everything that was noted has come in.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How the phones of the last thirty days stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whose it is; absent for the county, which sees all.
    pub branch: Option<String>,
    /// "18.05", when it was looked.
    pub at: String,
    /// How many entries wait to be clarified.
    pub clarify: i64,
    /// Shifts from which something has not come in, the oldest first.
    pub open: Vec<ShiftStatus>,
    /// From so many shifts everything has come in.
    pub whole: i64,
    /// How the server stands, for the county.
    pub system: Option<System>,
}

/// A shift from which something has not come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShiftStatus {
    /// The shift.
    pub id: Uuid,
    /// "tirsdag 24. november 2026".
    pub date: String,
    /// Where it met.
    pub place: String,
    /// The branch.
    pub branch: String,
    /// Whether it is over.
    pub over: bool,
    /// Its phones that still have something. Empty once it is deleted which phone noted what.
    pub phones: Vec<PhoneStatus>,
    /// Then only: how many phones, and how many entries.
    pub rest: Option<(i64, i64)>,
}

/// A phone that still has something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneStatus {
    /// Its two characters.
    pub sign: String,
    /// How many entries it says it has not sent.
    pub unsent: i64,
    /// How many it counted that never came and that it no longer says it has.
    pub lacking: i64,
    /// Whether these are missing for more than 48 hours.
    pub long: bool,
    /// How many minutes ago it last sent, in whole fives.
    pub seen_minutes: i64,
    /// For how many minutes it has said at each push that it has some, in whole fives.
    pub waits_minutes: Option<i64>,
}

/// How the server stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// The database's epoch.
    pub epoch: String,
    /// The last day of which everything is in a backup.
    pub backed_up: Option<String>,
    /// Whether that is more than two days ago.
    pub backup_is_old: bool,
    /// When the mix last looked.
    pub mix: Option<String>,
    /// When numbers were last frozen.
    pub release: Option<String>,
}
