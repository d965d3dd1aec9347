//! The wire of `/sync/v1/`: JSON, versioned, a promise to phones that stay offline for weeks.
//!
//! Fields are only ever added, optional; a changed meaning is a new kind. `tests/golden/` holds every shape that was ever sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{round::RoundBundle, visit::Outcome};

/// The media type of every answer. An answer of another type is a login page, a captive portal, or a fault: never a receipt.
pub const MEDIA_TYPE: &str = "application/vnd.dorbank.sync.v1+json";
/// The version of this wire.
pub const PROTO: u32 = 1;
/// The number of this app. The name of its build begins with it (`1-7b2fb2baaf03`), and a server that says a higher
/// `client_min` lets it send and not fetch. Raised when an older app must be told apart from a newer one.
pub const APP_NUMBER: u32 = 1;
/// The most entries in one push.
pub const MAX_ENTRIES: usize = 200;
/// The most bytes in one push.
pub const MAX_PUSH_BYTES: usize = 512 * 1024;
/// The largest body of one entry, in bytes.
pub const MAX_BODY_BYTES: usize = 4 * 1024;

/// The kind of a visit.
pub const KIND_VISIT: &str = "visit";
/// The kind of a withdrawal.
pub const KIND_WITHDRAWAL: &str = "withdrawal";

/// An entry of the outbox. Its schema is frozen: a phone that was offline for weeks still sends this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Envelope {
    /// Made by the phone, version 7.
    pub id: Uuid,
    /// [`KIND_VISIT`], [`KIND_WITHDRAWAL`], or one that a later version knows.
    pub kind: String,
    /// The version of the body.
    pub version: u32,
    /// 1, 2, 3 … without gaps, given in the transaction that wrote the entry.
    pub device_seq: u64,
    /// The entry that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Uuid>,
    /// By the phone's clock, milliseconds since 1970, UTC. Orders nothing.
    pub captured_at: i64,
    /// The body's exact bytes, as text (JSON). What is answered for is these bytes.
    pub bytes: String,
}

impl Envelope {
    /// SHA-256 over id, kind, version, counter, superseded id and bytes, as lower-case hexadecimal. The server answers
    /// with it, so a phone knows that a receipt is for its own entry and not for another that took its id.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.id.as_bytes());
        hash.update(self.kind.as_bytes());
        hash.update([0]);
        hash.update(self.version.to_be_bytes());
        hash.update(self.device_seq.to_be_bytes());
        hash.update(self.supersedes.unwrap_or_default().as_bytes());
        hash.update(self.captured_at.to_be_bytes());
        hash.update(self.bytes.as_bytes());
        hexadecimal(&hash.finalize())
    }

    /// Whether it is the same entry, whatever counter each has.
    pub fn is_same_entry(&self, other: &Self) -> bool {
        *self == Self { device_seq: self.device_seq, ..other.clone() }
    }

    /// Whether it is the same entry under another counter: a file may have it from before storage gave it one, and a page may
    /// find its counter taken by another page's entry when it puts back what storage lost.
    pub fn is_but_for_its_counter(&self, other: &Self) -> bool {
        self.device_seq != other.device_seq && self.is_same_entry(other)
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half & 15)]);
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(digit(byte >> 4));
        out.push(digit(*byte));
    }
    out
}

/// What the phone says it has, so that the server can see gaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Have {
    /// The lowest counter without a receipt; `max_issued + 1` when all have one.
    pub min_unacked: u64,
    /// The highest counter ever given.
    pub max_issued: u64,
    /// Entries without a receipt.
    pub unsent: u64,
}

/// `POST /sync/v1/push`, with the device credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushRequest {
    /// [`PROTO`].
    pub proto: u32,
    /// The build of the app.
    pub build: String,
    /// The server's epoch, as the phone last saw it.
    #[serde(default)]
    pub epoch: Option<String>,
    /// What the phone has.
    pub have: Have,
    /// Oldest first, at most [`MAX_ENTRIES`].
    pub entries: Vec<Envelope>,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Stored and counted.
    Applied,
    /// The same entry was answered before.
    Duplicate,
    /// Stored; another phone noted the same door, and both were taken together.
    Merged,
    /// Stored; it disagrees with another entry, and both are kept.
    ConflictRecorded,
    /// Kept, visibly, with a reason; an organiser will look at it.
    Quarantined,
    /// Not now. The entry stays on the phone.
    Retry,
}

impl Status {
    /// Whether the entry may leave the phone's outbox.
    pub const fn is_receipt(self) -> bool {
        !matches!(self, Self::Retry)
    }

    /// The name on the wire and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Merged => "merged",
            Self::ConflictRecorded => "conflict_recorded",
            Self::Quarantined => "quarantined",
            Self::Retry => "retry",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Applied, Self::Duplicate, Self::Merged, Self::ConflictRecorded, Self::Quarantined, Self::Retry].into_iter().find(|s| s.name() == name)
    }
}

/// Why an entry was quarantined, or must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A kind or version that this server does not know.
    UnknownKind,
    /// The body cannot be read, or has a field that this kind does not know.
    UnreadableBody,
    /// The id was used before for other bytes.
    IdReuse,
    /// A turf, entrance or door that this phone was never given.
    OutsideScope,
    /// More than 15 wishes not to be knocked at from one phone and its copies in one shift: the lead confirms.
    ManyDoNotKnock,
    /// Later than 30 days after the shift.
    TooLate,
    /// The phone is no longer admitted.
    NotAdmitted,
    /// It replaces an entry that the server does not have.
    UnknownSuperseded,
    /// The database is busy.
    Busy,
}

impl Reason {
    /// The name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownKind => "unknown_kind",
            Self::UnreadableBody => "unreadable_body",
            Self::IdReuse => "id_reuse",
            Self::OutsideScope => "outside_scope",
            Self::ManyDoNotKnock => "many_do_not_knock",
            Self::TooLate => "too_late",
            Self::NotAdmitted => "not_admitted",
            Self::UnknownSuperseded => "unknown_superseded",
            Self::Busy => "busy",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::UnknownKind,
            Self::UnreadableBody,
            Self::IdReuse,
            Self::OutsideScope,
            Self::ManyDoNotKnock,
            Self::TooLate,
            Self::NotAdmitted,
            Self::UnknownSuperseded,
            Self::Busy,
        ]
        .into_iter()
        .find(|r| r.name() == name)
    }
}

/// A reason that a newer server gives, and this app does not know, is none: what became of the entry is said all the same.
fn known_reason<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Reason>, D::Error> {
    let name = Option::<String>::deserialize(from)?;
    Ok(name.and_then(|name| Reason::parse(&name)))
}

/// The answer to one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EntryResult {
    /// The entry.
    pub id: Uuid,
    /// [`Envelope::digest`] of what the server answers for.
    pub digest: String,
    /// What became of it.
    pub status: Status,
    /// The campaign's number for it, where it was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// Why, where it was quarantined or must wait.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_reason")]
    pub reason: Option<Reason>,
    /// When to try again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u64>,
}

/// The answer to a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushResponse {
    /// One for each entry, in their order.
    pub results: Vec<EntryResult>,
    /// Counters below the phone's highest that the server has never seen, as inclusive ranges.
    pub missing: Vec<(u64, u64)>,
    /// How many entries of this phone the server holds (applied, merged, recorded or quarantined).
    pub held: u64,
    /// The server's epoch.
    pub epoch: String,
    /// By the server's clock, milliseconds since 1970, UTC.
    pub server_time: i64,
    /// A counter of this phone came under two ids: its storage was copied to another phone, or set back. It takes
    /// another identity (`POST /sync/v1/renew`) before it counts on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cloned: bool,
}

/// Where a phone stands with its shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// The lead has not let it in yet.
    Waiting,
    /// It may read its turf and note.
    Admitted,
    /// The lead said no.
    Refused,
    /// It was let in, and is no more. It may still send.
    Revoked,
}

/// `GET /sync/v1/hello`, with or without a credential: that this is our server, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HelloResponse {
    /// By the server's clock, milliseconds since 1970, UTC.
    pub server_time: i64,
    /// Changed when the database was restored from a backup.
    pub epoch: String,
    /// The lowest and highest wire version that it takes.
    pub proto: (u32, u32),
    /// The oldest build that may pull. Push is always allowed.
    pub client_min: u32,
    /// The server's build.
    pub build: String,
    /// Where this phone stands; absent without a credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission: Option<Admission>,
}

/// `POST /sync/v1/pull`, with the device credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PullRequest {
    /// [`PROTO`].
    pub proto: u32,
    /// The build of the app.
    pub build: String,
    /// The tag of the bundle that the phone has.
    #[serde(default)]
    pub bundle: Option<String>,
    /// A cursor for each turf that the phone has (`epoch.seq`), or nothing for one that it has not.
    pub turfs: BTreeMap<Uuid, Option<String>>,
}

/// A door's state, never its time or who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DoorRow {
    /// The unit, or the entrance itself.
    pub door: Uuid,
    /// The state; absent when every visit was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Outcome>,
    /// The campaign's number of its last change.
    pub seq: i64,
}

/// What one door adds to a turf's checksum: the first eight bytes of SHA-256 over door and state. Sums wrap.
pub fn door_sum(door: Uuid, state: Option<Outcome>) -> u64 {
    let mut hash = Sha256::new();
    hash.update(door.as_bytes());
    hash.update(state.map_or("", Outcome::name).as_bytes());
    let bytes = hash.finalize();
    u64::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])
}

/// The changes of one turf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurfPull {
    /// The turf.
    pub turf: Uuid,
    /// Its cursor was not usable (another epoch, or none): drop what is there and start from these rows.
    pub reset: bool,
    /// Doors whose state changed after the cursor.
    pub rows: Vec<DoorRow>,
    /// The cursor for next time.
    pub next: String,
    /// Whether these are all rows there are.
    pub complete: bool,
    /// With `complete`: how many doors have a row.
    pub count: u64,
    /// With `complete`: the wrapping sum of [`door_sum`] over them, as decimal text (JSON numbers lose bits).
    pub sum: String,
}

/// A door of the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnitBundle {
    /// Its id.
    pub id: Uuid,
    /// The official number (H0301), or empty where the entrance has one door.
    pub label: String,
    /// The floor; 1 is the ground floor.
    pub floor: i32,
    /// The door's number on its floor.
    pub position: i32,
    /// Nobody knocks here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub do_not_knock: bool,
}

/// An entrance of the register, in walk order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EntranceBundle {
    /// Its id.
    pub id: Uuid,
    /// The street.
    pub street: String,
    /// The number.
    pub number: i32,
    /// The letter, or empty.
    pub letter: String,
    /// Degrees north (WGS 84).
    pub lat: f64,
    /// Degrees east (WGS 84).
    pub lon: f64,
    /// Nobody knocks in the whole entrance.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub do_not_knock: bool,
    /// Its doors.
    pub units: Vec<UnitBundle>,
}

/// A turf with its entrances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurfBundle {
    /// Its id.
    pub id: Uuid,
    /// "Rode 4".
    pub number: i32,
    /// "Tøyengata øst".
    pub name: String,
    /// The area under which inputs from here are counted.
    pub area: String,
    /// The district's name.
    pub district: String,
    /// In walk order.
    pub entrances: Vec<EntranceBundle>,
}

/// All that a phone needs for its shift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bundle {
    /// Changes when anything in it does.
    pub tag: String,
    /// The shift.
    pub shift: Uuid,
    /// Milliseconds since 1970, UTC.
    pub starts_at: i64,
    /// Milliseconds since 1970, UTC.
    pub ends_at: i64,
    /// Where the shift meets.
    pub meeting_place: String,
    /// The campaign.
    pub campaign: Uuid,
    /// Its name.
    pub campaign_name: String,
    /// `listen` or `election`; the latter hides input.
    pub purpose: String,
    /// The round.
    pub round: RoundBundle,
    /// The turfs that this phone walks.
    pub turfs: Vec<TurfBundle>,
    /// Under which licence, whose and of which day the addresses are ("CC BY 4.0 / © Kartverket (2026-07-01)").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<String>,
}

/// The answer to a pull.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PullResponse {
    /// Where this phone stands. Unless admitted, there is nothing else.
    pub admission: Admission,
    /// The two characters by which the lead knows this phone.
    pub sign: String,
    /// The server's epoch.
    pub epoch: String,
    /// By the server's clock, milliseconds since 1970, UTC.
    pub server_time: i64,
    /// When it differs from the one that the phone has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
    /// One for each turf in scope.
    pub turfs: Vec<TurfPull>,
    /// Turfs that the phone named and that are no longer its own: it drops them. The outbox stays.
    pub removed: Vec<Uuid>,
    /// How many entries of this phone the server holds.
    pub held: u64,
    /// As in [`PushResponse`]: a copy that has nothing more to send hears of it here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cloned: bool,
}

/// `POST /sync/v1/tickets`, with the device credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TicketsRequest {
    /// How many; the server gives at most what the shift's length allows.
    pub count: u32,
}

/// One-time tickets for inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TicketsResponse {
    /// 32 bytes each, base64url without padding.
    pub tickets: Vec<String>,
    /// The round that they are for; no older server says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<Uuid>,
}

/// `POST /join/v1/exchange`: a typed code, or the address's fragment from a QR code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JoinRequest {
    /// As typed, or `SELECTOR.BASE64URL`.
    pub code: String,
}

/// The phone's credential for its shift; also the answer to `POST /sync/v1/renew`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JoinResponse {
    /// The device's id.
    pub device: Uuid,
    /// 256 bits, base64url without padding. Sent as `Authorization: Bearer`.
    pub credential: String,
    /// The two characters by which the lead knows this phone.
    pub sign: String,
    /// Where it stands.
    pub admission: Admission,
}
