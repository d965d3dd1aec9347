//! A file from a phone that could not send.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clarify::Choice;

/// The page that takes a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intake {
    /// Whose phones' files it takes; absent for the county, which takes all.
    pub branch: Option<String>,
    /// What became of the file that was chosen.
    pub step: Step,
    /// The shifts that a phone may have been in that the server does not know; the last first. Empty where none is asked for.
    pub shifts: Vec<Choice>,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// No file is chosen yet.
    Choose,
    /// The file cannot be taken.
    Fault(Fault),
    /// What would become of it. Holds the file, which is sent again with the yes, and to which shift somebody said that
    /// phones belong.
    Look(Vec<Part>, String, Vec<(Uuid, Uuid)>),
    /// What became of it.
    Taken(Vec<Part>),
}

/// What a phone noted in one shift. A file may hold several, where it joined another shift before it had sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// It can be taken, or was.
    Open(From, Counts),
    /// This server does not know the phone: so many entries wait until somebody says to which shift it belongs.
    Unknown(Uuid, i64),
    /// It cannot.
    Closed(Fault),
}

/// Why a file cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// No file was chosen.
    Nothing,
    /// It is not one of ours, or cut off.
    NotOurs,
    /// It is larger than any of ours.
    TooLarge,
    /// It was written by a newer app than this server knows.
    Newer,
    /// It does not say from which phone it is.
    NoPhone,
    /// This server does not know the phone.
    UnknownPhone,
    /// The phone is from another branch's shift.
    NotYours,
    /// There is nothing in it.
    Empty,
}

/// From which phone it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct From {
    /// The phone's two characters, until 72 hours after the shift.
    pub sign: Option<String>,
    /// "tirsdag 24. november 2026".
    pub date: String,
    /// Where the shift met.
    pub place: String,
}

/// What becomes of its entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Counted.
    pub counted: i64,
    /// Here already.
    pub known: i64,
    /// Kept, to be clarified.
    pub kept: i64,
    /// Not taken: the database failed at each of these.
    pub failed: i64,
}
