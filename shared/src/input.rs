//! What was said, sealed on the phone: never where, when or by whom.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::sync::wire::hexadecimal;

/// The longest text, in characters. One sentence.
pub const MAX_WORDS: usize = 600;
/// The most topics that one input may name.
pub const MAX_TOPICS: usize = 5;

/// How it was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arena {
    /// At a door.
    Door,
    /// At a stand.
    Stand,
    /// At a meeting.
    Meeting,
}

impl Arena {
    /// The name on the wire and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Stand => "stand",
            Self::Meeting => "meeting",
        }
    }
}

/// One input: what one conversation at one door gave. This is what is sealed.
///
/// There is no field for a week, a campaign, a turf, a shift, an author, a device, a version or a time, and unknown
/// fields are refused when it is opened, so that none can be added unseen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Random (version 4).
    pub id: Uuid,
    /// The round.
    pub round: Uuid,
    /// The number of the area ("01").
    pub area: String,
    /// How it was heard.
    pub arena: Arena,
    /// Topics of the round's codebook.
    pub topics: Vec<Uuid>,
    /// One sentence, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// Whether a character is one that a sentence does not have. Line breaks and tabs are none of them.
pub fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

/// Why an input is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Neither a topic nor a text.
    #[error("an input names a topic or says a sentence")]
    Empty,
    /// More topics than one conversation gives.
    #[error("an input names at most {MAX_TOPICS} topics")]
    TooManyTopics,
    /// Characters that nobody writes, such as U+0000: not every database takes them.
    #[error("an input has no control characters")]
    Control,
    /// Longer than a sentence.
    #[error("an input says at most {MAX_WORDS} characters")]
    TooLong,
}

impl Input {
    /// Checks what the type cannot.
    ///
    /// # Errors
    /// See [`InputError`].
    pub fn check(&self) -> Result<(), InputError> {
        let words = self.words.as_deref().map_or(0, |words| words.trim().chars().count());
        if self.topics.is_empty() && words == 0 {
            return Err(InputError::Empty);
        }
        if self.topics.len() > MAX_TOPICS {
            return Err(InputError::TooManyTopics);
        }
        if self.words.iter().flat_map(|words| words.chars()).any(is_control) {
            return Err(InputError::Control);
        }
        if words > MAX_WORDS {
            return Err(InputError::TooLong);
        }
        Ok(())
    }
}

/// How many slots a request to `/inputs/v1` has, always.
pub const SLOTS: usize = 8;
/// The length of a ticket, in bytes.
pub const TICKET_BYTES: usize = 32;

/// One slot: a ticket and an envelope, or random bytes in the shape of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// 32 bytes, base64url without padding.
    pub ticket: String,
    /// [`crate::seal::SEALED_BYTES`] bytes, base64url without padding.
    pub sealed: String,
}

/// The body of `POST /inputs/v1`: eight slots, so that its size tells nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InputsRequest {
    /// Always 1.
    pub proto: u32,
    /// Exactly [`SLOTS`].
    pub slots: Vec<Slot>,
}

impl InputsRequest {
    /// SHA-256 over the tickets and envelopes as they stand there, as lower-case hexadecimal. The answer repeats it: statuses
    /// have nothing but their order, and those of another request would say that something is held which is not.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for slot in &self.slots {
            hash.update(slot.ticket.as_bytes());
            hash.update(slot.sealed.as_bytes());
        }
        hexadecimal(&hash.finalize())
    }
}

/// What became of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SlotStatus {
    /// Held by the server (now, or from an earlier try with the same ticket and bytes).
    Held,
    /// The ticket is not known, or was spent on other bytes. What a filler slot answers.
    Refused,
}

/// The answer, one status a slot, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InputsResponse {
    /// One for each slot.
    pub slots: Vec<SlotStatus>,
    /// Days up to this one (`YYYY-MM-DD`) are in a backup; sealed copies of them may leave the phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backed_up_through: Option<String>,
    /// The server's day (`YYYY-MM-DD`): what is held since then. A phone's own clock may be years off, and would let go of
    /// what no backup has. Absent from older servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// The server's epoch. A phone that has not heard of a restore yet must not let go of what only the server before it
    /// had. Absent from older servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// [`InputsRequest::digest`] of what this answers. Absent from older servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

impl InputsResponse {
    /// Whether it answers that request, as far as it says.
    pub fn answers(&self, request: &InputsRequest) -> bool {
        self.slots.len() == request.slots.len() && self.of.as_ref().is_none_or(|of| *of == request.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sentence_with_a_nul_stopped_the_mix_of_a_round() {
        let input = |words: &str| Input {
            id: Uuid::nil(),
            round: Uuid::nil(),
            area: "01".into(),
            arena: Arena::Door,
            topics: Vec::new(),
            words: Some(words.into()),
        };
        for words in ["a\u{0}", "\u{1b}[2J", "\u{7f}b", "\u{85}c"] {
            assert_eq!(input(words).check(), Err(InputError::Control), "{words:?}");
        }
        assert_eq!(input("Bussen går for\tsjelden.\nSkolen òg.").check(), Ok(()));
    }
}
