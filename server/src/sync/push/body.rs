//! Reads the body of an entry, by kind and version. Every version that a phone ever sent is read here for good.

use dorbank_shared::{
    sync::wire::{KIND_VISIT, KIND_WITHDRAWAL, MAX_BODY_BYTES, Reason},
    visit::{Outcome, VisitV1, WithdrawalV1},
};
use uuid::Uuid;

use super::{super::plain, Entry};

/// A body that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    /// Something happened at a door.
    Visit(VisitV1),
    /// The entry that it supersedes never happened. Holds the campaign.
    Withdrawal(Uuid),
}

impl Body {
    /// The visit, where it is one.
    pub(super) fn visit(&self) -> Option<&VisitV1> {
        match self {
            Self::Visit(visit) => Some(visit),
            Self::Withdrawal(_) => None,
        }
    }
}

/// Reads an entry's body, as a phone sends it: counted.
///
/// # Errors
/// Why it can only be kept.
pub(super) fn read(entry: &Entry) -> Result<Body, Reason> {
    if entry.device_seq() == 0 { Err(Reason::UnreadableBody) } else { read_uncounted(entry) }
}

/// Reads an entry's body, also of one that its phone could not count since its storage failed.
///
/// # Errors
/// Why it can only be kept.
pub(super) fn read_uncounted(entry: &Entry) -> Result<Body, Reason> {
    let Ok(envelope) = &entry.content else { return Err(Reason::UnreadableBody) };
    if envelope.bytes.len() > MAX_BODY_BYTES || i64::try_from(envelope.device_seq).is_err() {
        return Err(Reason::UnreadableBody);
    }
    match (envelope.kind.as_str(), envelope.version) {
        (KIND_VISIT, 1) => match serde_json::from_str::<VisitV1>(&envelope.bytes) {
            // What a visit becomes when it is coarsened is nothing that a volunteer can note. It counts whatever the phone's
            // clock said, under a time that can be reckoned with.
            Ok(visit) if visit.outcome != Outcome::Done => Ok(Body::Visit(VisitV1 { occurred_at: plain::nearest_time(visit.occurred_at), ..visit })),
            _ => Err(Reason::UnreadableBody),
        },
        (KIND_WITHDRAWAL, 1) => {
            serde_json::from_str::<WithdrawalV1>(&envelope.bytes).map(|w| Body::Withdrawal(w.campaign)).map_err(|_| Reason::UnreadableBody)
        }
        _ => Err(Reason::UnknownKind),
    }
}

#[cfg(test)]
mod tests {
    use dorbank_shared::sync::wire::Envelope;

    use super::*;

    fn entry(kind: &str, version: u32, bytes: &str) -> Entry {
        let envelope =
            Envelope { id: Uuid::from_u128(1), kind: kind.into(), version, device_seq: 1, supersedes: None, captured_at: 0, bytes: bytes.into() };
        envelope.into()
    }

    #[test]
    fn a_visit_has_no_room_for_text() {
        let id = Uuid::from_u128(2);
        let plain = format!(r#"{{"campaign":"{id}","turf":"{id}","entrance":"{id}","outcome":"talked","occurred_at":1}}"#);
        assert!(read(&entry("visit", 1, &plain)).is_ok());
        let noted = plain.replace("\"occurred_at\"", "\"note\":\"a name\",\"occurred_at\"");
        assert_eq!(read(&entry("visit", 1, &noted)), Err(Reason::UnreadableBody));
        assert_eq!(read(&entry("visit", 1, &plain.replace("talked", "done"))), Err(Reason::UnreadableBody));
        assert_eq!(read(&entry("visit", 2, &plain)), Err(Reason::UnknownKind));
        assert_eq!(read(&entry("survey", 1, &plain)), Err(Reason::UnknownKind));
        assert_eq!(read(&entry("visit", 1, &format!("{plain}{}", " ".repeat(MAX_BODY_BYTES)))), Err(Reason::UnreadableBody));
    }

    #[test]
    fn a_visit_with_an_absurd_time_was_taken_with_it() {
        let id = Uuid::from_u128(2);
        let at = |ms: i64| {
            let bytes = format!(r#"{{"campaign":"{id}","turf":"{id}","entrance":"{id}","outcome":"talked","occurred_at":{ms}}}"#);
            read(&entry("visit", 1, &bytes)).unwrap().visit().unwrap().occurred_at
        };
        // The clock of a phone may be years off.
        assert_eq!([1_634_227_200_000, 1_949_760_000_000].map(at), [1_634_227_200_000, 1_949_760_000_000]);
        assert_eq!([i64::MIN, 0, i64::MAX].map(at), [1_577_836_800_000, 1_577_836_800_000, 4_102_444_799_999]);
    }
}
