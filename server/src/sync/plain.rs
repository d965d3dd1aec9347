//! What may be kept of an entry that cannot be applied: no words beside a door, whoever put them there.
//!
//! An organiser reads what is kept. A fault in an app, or a hand-made request, may put a sentence, a name or a number to
//! call into a visit; kept whole, it would be an opinion with an address. So of the kinds that are known only their own
//! fields are kept, and of any other kind what looks like an id, a number, a day or a name in code. How much was left out
//! is said, and nothing else about it.

use dorbank_shared::{
    sync::wire::{Envelope, KIND_VISIT, KIND_WITHDRAWAL},
    visit::Outcome,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Names in code are not longer.
const LONGEST_NAME: usize = 40;
/// Nothing that we ever wrote is nested deeper.
const DEEPEST: usize = 8;

/// An envelope that could be read: all of it but the words in its body.
pub(super) fn envelope(envelope: &Envelope) -> Value {
    let mut left_out = 0;
    let body = match serde_json::from_str(&envelope.bytes) {
        Ok(body) if matches!(envelope.kind.as_str(), KIND_VISIT | KIND_WITHDRAWAL) => known(body, &mut left_out),
        Ok(body) => any(body, 0, &mut left_out),
        Err(_) => nothing(&mut left_out),
    };
    // The very bytes, where there was nothing to leave out.
    let bytes = if left_out == 0 { envelope.bytes.clone() } else { body.to_string() };
    let kind = name(&envelope.kind).unwrap_or_else(|| {
        left_out += 1;
        ""
    });
    let mut kept = json!({
        "id": envelope.id,
        "kind": kind,
        "version": envelope.version,
        "device_seq": envelope.device_seq,
        "captured_at": envelope.captured_at,
        "bytes": bytes,
    });
    if let Some(supersedes) = envelope.supersedes {
        kept["supersedes"] = json!(supersedes);
    }
    if left_out > 0 {
        kept["left_out"] = json!(left_out);
    }
    kept
}

/// An entry that is no envelope.
pub(super) fn unreadable(entry: &Value) -> Value {
    let mut left_out = 0;
    let entry = any(entry.clone(), 0, &mut left_out);
    json!({ "entry": entry, "left_out": left_out })
}

/// A name as code writes them: lower-case words and low lines. A sentence is none, nor is a number to call.
pub(super) fn name(text: &str) -> Option<&str> {
    let starts = text.starts_with(|first: char| first.is_ascii_lowercase());
    (starts && text.len() <= LONGEST_NAME && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')).then_some(text)
}

/// A day, `2026-11-23`.
fn is_day(text: &str) -> bool {
    text.len() == 10 && text.bytes().enumerate().all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

fn nothing(left_out: &mut u64) -> Value {
    *left_out += 1;
    Value::Null
}

/// The body of a kind that we know: its own fields, each of its own type.
fn known(body: Value, left_out: &mut u64) -> Value {
    let Value::Object(fields) = body else { return nothing(left_out) };
    let mut kept = Map::new();
    for (field, value) in fields {
        let fits = match (field.as_str(), &value) {
            ("campaign" | "turf" | "entrance" | "unit", Value::String(id)) => Uuid::parse_str(id).is_ok(),
            ("unit", Value::Null) | ("leaflet", Value::Bool(_)) => true,
            ("outcome", Value::String(outcome)) => Outcome::parse(outcome).is_some(),
            ("occurred_at", Value::Number(_)) => true,
            _ => false,
        };
        if fits {
            kept.insert(field, value);
        } else {
            *left_out += 1;
        }
    }
    Value::Object(kept)
}

/// A body of a kind that a later version knows: it may be applied once this server is that version.
fn any(value: Value, depth: usize, left_out: &mut u64) -> Value {
    if depth > DEEPEST {
        return nothing(left_out);
    }
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
        Value::String(text) if Uuid::parse_str(&text).is_ok() || name(&text).is_some() || is_day(&text) => Value::String(text),
        // The body of an envelope is JSON within JSON.
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => Value::String(any(inner, depth + 1, left_out).to_string()),
            _ => nothing(left_out),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(|item| any(item, depth + 1, left_out)).collect()),
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (field, value) in fields {
                if name(&field).is_some() {
                    kept.insert(field, any(value, depth + 1, left_out));
                } else {
                    *left_out += 1;
                }
            }
            Value::Object(kept)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(kind: &str, version: u32, body: &Value) -> Value {
        envelope(&Envelope {
            id: Uuid::from_u128(1),
            kind: kind.into(),
            version,
            device_seq: 3,
            supersedes: None,
            captured_at: 5,
            bytes: body.to_string(),
        })
    }

    fn body(kept: &Value) -> Value {
        serde_json::from_str(kept["bytes"].as_str().unwrap()).unwrap()
    }

    #[test]
    fn a_visit_keeps_its_own_fields_and_no_words() {
        let id = Uuid::from_u128(2);
        let sound = json!({"campaign": id, "turf": id, "entrance": id, "unit": null, "outcome": "talked", "leaflet": false, "occurred_at": 7});
        let plain = kept("visit", 1, &sound);
        assert_eq!((body(&plain), plain.get("left_out")), (sound.clone(), None));
        let mut noted = sound.clone();
        noted["note"] = json!("Kari i tredje vil ha buss");
        noted["called"] = json!("nato");
        noted["leaflet"] = json!("91234567");
        noted["outcome"] = json!("said_yes");
        let kept = kept("visit", 2, &noted);
        assert_eq!(kept["left_out"], 4);
        for word in ["Kari", "nato", "91234567", "said_yes", "note", "called"] {
            assert!(!kept.to_string().contains(word), "{word}");
        }
    }

    #[test]
    fn a_kind_of_a_later_version_keeps_what_is_no_words() {
        let id = Uuid::from_u128(2);
        let later = json!({"property": id, "agreed_with": "chair", "best_hours": [17, 20], "until": "2027-01-31", "phones": {"Ola Nordmann": 1, "number": "91234567"}});
        let kept = kept("property_access", 1, &later);
        assert_eq!(
            body(&kept),
            json!({"property": id, "agreed_with": "chair", "best_hours": [17, 20], "until": "2027-01-31", "phones": {"number": null}})
        );
        assert_eq!((kept["left_out"].as_u64(), kept["kind"].as_str()), (Some(2), Some("property_access")));
    }

    #[test]
    fn what_is_no_envelope_keeps_its_bones() {
        let id = Uuid::from_u128(2);
        let inner = json!({"outcome": "talked", "note": "ring meg på 91234567"}).to_string();
        let entry = json!({"id": id, "kind": 7, "bytes": inner, "name": "Kari Nordmann"});
        assert_eq!(
            unreadable(&entry),
            json!({"entry": {"id": id, "kind": 7, "bytes": "{\"note\":null,\"outcome\":\"talked\"}", "name": null}, "left_out": 2})
        );
        assert_eq!(unreadable(&json!("a sentence")), json!({"entry": null, "left_out": 1}));
        let deep = (0..40).fold(json!("in"), |inner, _| json!([inner]));
        assert_eq!(unreadable(&deep)["left_out"], 1);
    }

    #[test]
    fn words_as_bytes_are_left_out() {
        let envelope_of_words = Envelope {
            id: Uuid::from_u128(1),
            kind: "He said".into(),
            version: 1,
            device_seq: 1,
            supersedes: None,
            captured_at: 0,
            bytes: "Kari i tredje".into(),
        };
        let kept = envelope(&envelope_of_words);
        assert_eq!((kept["kind"].as_str(), kept["bytes"].as_str(), kept["left_out"].as_u64()), (Some(""), Some("null"), Some(2)));
    }
}
