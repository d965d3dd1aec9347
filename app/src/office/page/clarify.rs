//! What was noted at doors and not counted, and waits for somebody ("Til avklaring").

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Notice;

/// All that waits, reason by reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clarify {
    /// Whose it is; absent for the county, which sees all.
    pub branch: Option<String>,
    /// Why the last thing that the reader did was refused.
    pub notice: Option<Notice>,
    /// What the last thing that the reader did came to.
    pub done: Option<Done>,
    /// Until when it was looked, milliseconds since 1970, UTC. What comes later is not meant by "all".
    pub until: i64,
    /// Reasons for which something waits.
    pub groups: Vec<Group>,
}

/// What came of counting or discarding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Whether they were counted, or else discarded.
    pub counted: bool,
    /// So many were.
    pub done: i64,
    /// So many cannot be counted so, and still wait.
    pub left: i64,
    /// So many were settled before.
    pub gone: i64,
}

/// What waits for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The reason's name on the wire.
    pub reason: String,
    /// How many there are.
    pub count: i64,
    /// The oldest.
    pub rows: Vec<Row>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The entry.
    pub id: Uuid,
    /// What tells it from another with that id, in hexadecimal.
    pub mac: String,
    /// The phone's two characters, until 72 hours after the shift.
    pub sign: Option<String>,
    /// "tirsdag 24. november 2026".
    pub date: String,
    /// Where the shift met.
    pub place: String,
    /// What its campaign is called.
    pub campaign: String,
    /// When it came, "24. november 2026".
    pub received: String,
    /// "Tøyengata 14 B · 3. etg · dør 1 (H0301)", as far as it can be read.
    pub door: Option<String>,
    /// What it says.
    pub says: Says,
    /// The turf in which its door lies, where that is what was missing.
    pub turf: Option<String>,
    /// Whether it can be counted as it is.
    pub countable: bool,
    /// Whether a person can say which door it was.
    pub placeable: bool,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Says {
    /// What happened: the key of the outcome's word.
    Outcome(String),
    /// That another entry never happened.
    Withdrawal,
    /// Nobody can read it.
    Unknown,
}

/// One entry whose door is looked for, step by step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClarifyOne {
    /// Why the last try was refused.
    pub notice: Option<Notice>,
    /// The reason's name on the wire.
    pub reason: String,
    /// The entry.
    pub row: Row,
    /// Whether it was settled meanwhile.
    pub settled: bool,
    /// The campaign's turfs.
    pub turfs: Vec<Choice>,
    /// The chosen turf's entrances.
    pub entrances: Vec<Choice>,
    /// The chosen entrance's doors.
    pub doors: Vec<Choice>,
    /// What a volunteer can choose: the name, and the key of its word.
    pub outcomes: Vec<(String, String)>,
    /// What is chosen so far.
    pub chosen: Chosen,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What it is.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
}

/// What is chosen so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// A turf.
    pub turf: Option<Uuid>,
    /// An entrance in it.
    pub entrance: Option<Uuid>,
    /// A door in that, or the entrance itself.
    pub door: Option<Uuid>,
    /// An outcome's name.
    pub outcome: Option<String>,
}
