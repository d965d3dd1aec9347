//! Reads the body of a push. Only what is no batch at all is refused; an entry that cannot be read is answered for itself.

use dorbank_shared::{
    error::Code,
    sync::wire::{Envelope, Have, MAX_ENTRIES, PushRequest, hexadecimal},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A push as far as it could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// What the phone says it has.
    pub have: Have,
    /// The server's epoch as the phone last saw it.
    pub epoch: Option<String>,
    /// In the order in which they came.
    pub entries: Vec<Entry>,
}

/// An entry as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id; nil where none could be read.
    pub id: Uuid,
    /// [`Envelope::digest`], or of an unreadable entry the digest of its JSON.
    pub digest: String,
    /// The envelope, or the JSON that is none.
    pub content: Result<Envelope, Value>,
}

impl Entry {
    /// The phone's counter as the store holds it; 0 where there is none.
    pub fn device_seq(&self) -> i64 {
        self.content.as_ref().map_or(0, |envelope| i64::try_from(envelope.device_seq).unwrap_or(i64::MAX))
    }

    /// The entry as it is kept when it cannot be applied: JSON, without any words that somebody may have written. Control
    /// characters are escaped, so every database takes it as text.
    pub fn kept(&self) -> String {
        match &self.content {
            Ok(envelope) => super::plain::envelope(envelope),
            Err(value) => super::plain::unreadable(value),
        }
        .to_string()
    }
}

impl From<Envelope> for Entry {
    fn from(envelope: Envelope) -> Self {
        Self { id: envelope.id, digest: envelope.digest(), content: Ok(envelope) }
    }
}

impl From<PushRequest> for Batch {
    fn from(request: PushRequest) -> Self {
        Self { have: request.have, epoch: request.epoch, entries: request.entries.into_iter().map(Entry::from).collect() }
    }
}

/// Reads a body.
///
/// # Errors
/// `malformed` when it is not JSON or has no entries; `too_large` when it has more than [`MAX_ENTRIES`].
pub fn read(body: &[u8]) -> Result<Batch, Code> {
    let batch = match serde_json::from_slice::<PushRequest>(body) {
        Ok(request) => Batch::from(request),
        Err(_) => read_each(serde_json::from_slice(body).map_err(|_| Code::Malformed)?)?,
    };
    if batch.entries.len() > MAX_ENTRIES { Err(Code::TooLarge) } else { Ok(batch) }
}

fn read_each(mut body: Value) -> Result<Batch, Code> {
    let Some(Value::Array(entries)) = body.get_mut("entries").map(Value::take) else { return Err(Code::Malformed) };
    let have = body.get_mut("have").map(Value::take).and_then(|have| serde_json::from_value(have).ok()).unwrap_or_default();
    let epoch = body.get("epoch").and_then(Value::as_str).map(str::to_owned);
    Ok(Batch { have, epoch, entries: entries.into_iter().map(read_one).collect() })
}

/// Reads one entry, whatever it is.
pub fn read_one(value: Value) -> Entry {
    if let Ok(envelope) = serde_json::from_value::<Envelope>(value.clone()) {
        return Entry::from(envelope);
    }
    let id = value.get("id").and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok()).unwrap_or_default();
    Entry { id, digest: hexadecimal(&Sha256::digest(value.to_string().as_bytes())), content: Err(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_entry_does_not_spoil_its_batch() {
        let id = Uuid::from_u128(7);
        let body = format!(
            r#"{{"proto":1,"build":"t","have":{{"min_unacked":1,"max_issued":3,"unsent":3}},"entries":[
                {{"id":"{id}","kind":"visit","version":1,"device_seq":1,"captured_at":5,"bytes":"{{}}"}},
                {{"id":"{id}","kind":7}}, "some words"]}}"#
        );
        let batch = read(body.as_bytes()).unwrap();
        assert_eq!(batch.have.max_issued, 3);
        assert!(batch.entries[0].content.is_ok());
        assert_eq!((batch.entries[1].id, batch.entries[1].content.is_err()), (id, true));
        assert_eq!((batch.entries[2].id, batch.entries[2].kept().as_str()), (Uuid::nil(), r#"{"entry":null,"left_out":1}"#));
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        for body in [&b"\xff\xfe"[..], b"", b"<!doctype html>", b"[]", b"{}", br#"{"entries":3}"#] {
            assert_eq!(read(body), Err(Code::Malformed));
        }
        let many = format!(r#"{{"entries":[{}0]}}"#, "0,".repeat(MAX_ENTRIES));
        assert_eq!(read(many.as_bytes()), Err(Code::TooLarge));
    }

    #[test]
    fn text_that_no_database_takes_is_not_kept() {
        let entry = read_one(serde_json::json!({"id": "x\u{0}", "kind": "\u{0}", "n": "\u{0}"}));
        assert!(!entry.kept().contains('\u{0}') && !entry.kept().contains("\\u0000"), "{}", entry.kept());
    }
}
