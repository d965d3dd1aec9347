//! What leaves a phone as a file when it cannot send: door work, never what was said, and never the credential.
//!
//! The shape is a promise like the wire: a phone that nobody has opened for weeks still writes this.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::wire::Envelope;

/// The version of this shape.
pub const FILE: u32 = 1;
/// The largest file that is taken, in bytes. An entry has some 450.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The entries of a phone that have no receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxFile {
    /// [`FILE`]. Tells that it is ours.
    pub dorbank: u32,
    /// The phone, where it could still be read.
    pub device: Option<Uuid>,
    /// Entries that have a counter.
    #[serde(default)]
    pub unsent: Vec<Envelope>,
    /// What storage had not taken yet, and therefore not counted.
    #[serde(default)]
    pub unwritten: Vec<Unwritten>,
    /// What the phone noted in earlier shifts, under the identity that it had there.
    #[serde(default)]
    pub earlier: Vec<Earlier>,
}

/// The entries of an earlier shift that have no receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// The phone, as that shift knew it.
    pub device: Uuid,
    /// Its entries.
    pub unsent: Vec<Envelope>,
}

/// An entry that has no counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwritten {
    /// Made by the phone, version 7.
    pub id: Uuid,
    /// As in an [`Envelope`].
    pub kind: String,
    /// The version of the body.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub version: u32,
    /// The entry that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Uuid>,
    /// By the phone's clock, milliseconds since 1970, UTC.
    pub captured_at: i64,
    /// The body's exact bytes, as text (JSON).
    pub bytes: String,
}

fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_first(version: &u32) -> bool {
    *version == 1
}

impl From<Unwritten> for Envelope {
    /// With the counter 0, which no phone gives.
    fn from(Unwritten { id, kind, version, supersedes, captured_at, bytes }: Unwritten) -> Self {
        Self { id, kind, version, device_seq: 0, supersedes, captured_at, bytes }
    }
}
