//! The closed set of reasons that cross the wire. A screen translates them; nothing else about a fault leaves the server.

use serde::{Deserialize, Serialize};

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The body cannot be read as what this address takes.
    Malformed,
    /// Nobody is signed in, or the credential is not known.
    Unknown,
    /// Signed in, but this is not theirs.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// Somebody else changed it since it was read.
    Stale,
    /// The code is wrong, or not valid now.
    CodeRefused,
    /// Too many wrong codes; typing is locked for a while.
    CodeLocked,
    /// The shift has as many phones as it may have.
    ShiftFull,
    /// The shift's codes are not valid yet, or no more.
    ShiftClosed,
    /// Too large.
    TooLarge,
    /// Too many requests; try again later.
    Busy,
    /// The server failed; it has noted why.
    Internal,
    /// A newer version of the app is needed to fetch (never to send).
    UpdateNeeded,
}

/// What a refused request answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The reason.
    pub error: Code,
}
