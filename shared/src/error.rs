//! The closed set of reasons that cross the wire. A screen translates them; nothing else about a fault leaves the server.

use serde::{Deserialize, Serialize};

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// The server has too much to do; try again later.
    Busy,
    /// This client asks too often; try again later.
    TooMany,
    /// The body took too long to come.
    TooSlow,
    /// The server failed; it has noted why.
    Internal,
    /// A newer version of the app is needed to fetch (never to send).
    UpdateNeeded,
    /// The sign-in link is unknown, used, run out, or was opened in another browser.
    LinkRefused,
    /// A change was asked for by a page that is not ours.
    CrossSite,
    /// There is one already.
    Exists,
}

impl Code {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Stale => "stale",
            Self::CodeRefused => "code_refused",
            Self::CodeLocked => "code_locked",
            Self::ShiftFull => "shift_full",
            Self::ShiftClosed => "shift_closed",
            Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::TooMany => "too_many",
            Self::TooSlow => "too_slow",
            Self::Internal => "internal",
            Self::UpdateNeeded => "update_needed",
            Self::LinkRefused => "link_refused",
            Self::CrossSite => "cross_site",
            Self::Exists => "exists",
        }
    }
}

/// What a refused request answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refusal {
    /// The reason.
    pub error: Code,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_crosses_the_wire() {
        for code in [Code::Malformed, Code::CodeRefused, Code::UpdateNeeded, Code::LinkRefused, Code::CrossSite, Code::Exists] {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{}\"", code.name()));
        }
    }
}
