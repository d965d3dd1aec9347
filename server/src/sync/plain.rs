//! What may be kept of an entry that cannot be applied: no words beside a door, whoever put them there.
//!
//! An organiser reads what is kept. A fault in an app, or a hand-made request, may put a sentence, a name or a number to
//! call into a visit; kept whole, it would be an opinion with an address. One word is enough for that (`{"party": …}`),
//! in the place of a value, a field's name or a kind, and so is a number. So words are kept only from lists that we
//! shipped, and numbers only where they are too small and too few to be anything else. Of the kinds that are known only
//! their own fields are kept; of any other kind ids, days, yes and no, and such numbers and words, under a mark where the
//! field's name is none of ours. How much was left out is said, and nothing else about it.

use std::ops::RangeInclusive;

use dorbank_shared::{
    sync::wire::{Envelope, KIND_VISIT, KIND_WITHDRAWAL},
    visit::Outcome,
};
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use uuid::{Uuid, Variant};

/// Every kind that an app ever sent. Never shortened.
const KINDS: [&str; 2] = [KIND_VISIT, KIND_WITHDRAWAL];
/// Every field that an envelope or a body ever had. Never shortened.
const FIELDS: [&str; 14] = [
    "id",
    "kind",
    "version",
    "device_seq",
    "supersedes",
    "captured_at",
    "bytes",
    "campaign",
    "turf",
    "entrance",
    "unit",
    "outcome",
    "leaflet",
    "occurred_at",
];
/// An hour, a day of the month, a floor, how many: no letter's code, no year, nothing to call.
const SMALL: RangeInclusive<i64> = 0..=31;
/// So many numbers are kept of one entry. Fewer than the digits of a telephone number, of which each is small.
const MOST_NUMBERS: u32 = 6;
/// So many values are kept of one entry.
const MOST_VALUES: u32 = 64;
/// From 2020 to the end of 2099, milliseconds since 1970, UTC: what a phone's clock may well say. Any smaller or larger
/// number may be something else.
const TIMES: RangeInclusive<i64> = 1_577_836_800_000..=4_102_444_799_999;
/// The years of a day.
const YEARS: RangeInclusive<i16> = 2020..=2099;
/// Nothing that we ever wrote is nested deeper.
const DEEPEST: usize = 8;

/// How much of an entry was left out, and how much more of it may be kept.
struct Keep {
    left_out: u64,
    numbers: u32,
    values: u32,
}

impl Keep {
    const fn new() -> Self {
        Self { left_out: 0, numbers: MOST_NUMBERS, values: MOST_VALUES }
    }

    fn nothing(&mut self) -> Value {
        self.left_out += 1;
        Value::Null
    }
}

/// An envelope that could be read: all of it but the words in its body.
pub(super) fn envelope(envelope: &Envelope) -> Value {
    let mut keep = Keep::new();
    let body = match serde_json::from_str(&envelope.bytes) {
        Ok(body) if kind(&envelope.kind).is_some() => known(body, &mut keep),
        Ok(body) => any(body, 0, &mut keep),
        Err(_) => keep.nothing(),
    };
    // The very bytes, where there was nothing to leave out.
    let bytes = if keep.left_out == 0 { envelope.bytes.clone() } else { body.to_string() };
    let (version, captured_at) = (version(envelope.version), time(envelope.captured_at));
    keep.left_out +=
        u64::from(kind(&envelope.kind).is_none()) + u64::from(version != envelope.version) + u64::from(captured_at != envelope.captured_at);
    let mut kept = json!({
        "id": envelope.id,
        "kind": kind(&envelope.kind).unwrap_or_default(),
        "version": version,
        "device_seq": envelope.device_seq,
        "captured_at": captured_at,
        "bytes": bytes,
    });
    if let Some(supersedes) = envelope.supersedes {
        kept["supersedes"] = json!(supersedes);
    }
    if keep.left_out > 0 {
        kept["left_out"] = json!(keep.left_out);
    }
    kept
}

/// An entry that is no envelope.
pub(super) fn unreadable(entry: &Value) -> Value {
    let mut keep = Keep::new();
    let entry = any(entry.clone(), 0, &mut keep);
    json!({ "entry": entry, "left_out": keep.left_out })
}

/// A kind that an app ever sent.
pub(super) fn kind(text: &str) -> Option<&'static str> {
    KINDS.into_iter().find(|known| *known == text)
}

/// The version of a body; 0 where no body can have so high a one.
pub(super) fn version(version: u32) -> u32 {
    if SMALL.contains(&i64::from(version)) { version } else { 0 }
}

/// A time by a phone's clock; 0 where no clock would say so.
pub(super) fn time(ms: i64) -> i64 {
    if TIMES.contains(&ms) { ms } else { 0 }
}

/// A time by a phone's clock, as it is counted with: where no clock would say so, the nearest that one would.
pub(super) fn nearest_time(ms: i64) -> i64 {
    ms.clamp(*TIMES.start(), *TIMES.end())
}

/// A day, `2026-11-23`, and no eight digits that look like one.
fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<Date>().is_ok_and(|day| YEARS.contains(&day.year()) && day.to_string() == text)
}

/// An id as apps make them. Sixteen bytes of anything else may be sixteen letters.
fn is_id(text: &str) -> bool {
    let made = |id: Uuid| id.is_nil() || matches!(id.get_version_num(), 4 | 7) && id.get_variant() == Variant::RFC4122;
    Uuid::parse_str(text).is_ok_and(made)
}

/// The body of a kind that we know: its own fields, each of its own type.
fn known(body: Value, keep: &mut Keep) -> Value {
    let Value::Object(fields) = body else { return keep.nothing() };
    let mut kept = Map::new();
    for (field, value) in fields {
        let fits = match (field.as_str(), &value) {
            ("campaign" | "turf" | "entrance" | "unit", Value::String(id)) => Uuid::parse_str(id).is_ok(),
            ("unit", Value::Null) | ("leaflet", Value::Bool(_)) => true,
            ("outcome", Value::String(outcome)) => Outcome::parse(outcome).is_some(),
            ("occurred_at", Value::Number(at)) => at.as_i64().is_some_and(|at| at == time(at)),
            _ => false,
        };
        if fits {
            kept.insert(field, value);
            continue;
        }
        keep.left_out += 1;
        // A clock that was never set says 1970. The visit can still be counted.
        if field == "occurred_at" && value.is_number() {
            kept.insert(field, json!(0));
        }
    }
    Value::Object(kept)
}

/// A body of a kind that we do not know: what of it is no words, and marks in the place of what may be.
fn any(value: Value, depth: usize, keep: &mut Keep) -> Value {
    if depth > DEEPEST || keep.values == 0 {
        return keep.nothing();
    }
    keep.values -= 1;
    match value {
        Value::Null | Value::Bool(_) => value,
        Value::Number(number) if keep.numbers > 0 && number.as_i64().is_some_and(|number| SMALL.contains(&number)) => {
            keep.numbers -= 1;
            Value::Number(number)
        }
        Value::Number(_) => keep.nothing(),
        Value::String(text) if is_id(&text) || is_day(&text) || kind(&text).is_some() || Outcome::parse(&text).is_some() => Value::String(text),
        // The body of an envelope is JSON within JSON.
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => Value::String(any(inner, depth + 1, keep).to_string()),
            _ => keep.nothing(),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(|item| any(item, depth + 1, keep)).collect()),
        Value::Object(fields) => {
            let (mut kept, mut marks) = (Map::new(), 0);
            for (field, value) in fields {
                let name = if FIELDS.contains(&field.as_str()) {
                    field
                } else {
                    keep.left_out += 1;
                    marks += 1;
                    format!("field_{marks}")
                };
                kept.insert(name, any(value, depth + 1, keep));
            }
            Value::Object(kept)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_791_993_600_000;

    fn id() -> Uuid {
        uuid::Builder::from_random_bytes([7; 16]).into_uuid()
    }

    fn kept(kind: &str, version: u32, body: &Value) -> Value {
        envelope(&Envelope { id: id(), kind: kind.into(), version, device_seq: 3, supersedes: None, captured_at: AT, bytes: body.to_string() })
    }

    fn body(kept: &Value) -> Value {
        serde_json::from_str(kept["bytes"].as_str().unwrap()).unwrap()
    }

    #[test]
    fn a_visit_keeps_its_own_fields_and_no_words() {
        let id = Uuid::from_u128(2);
        let sound = json!({"campaign": id, "turf": id, "entrance": id, "unit": null, "outcome": "talked", "leaflet": false, "occurred_at": AT});
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
    fn a_word_a_name_of_a_field_a_kind_and_a_number_were_kept_beside_a_door() {
        let door = id();
        let said = json!({
            "entrance": door, "party": "frp", "nato": true, "ring": 91_234_567, "occurred_at": 91_234_567, "born": 1950, "share": 0.5, "minus": -4,
            "spelt": [75, 97, 114, 105], "digits": [9, 1, 2, 3, 4, 5, 6, 7], "day": "9123-45-67", "id": "4b617269-2069-2074-7265-646a65206574",
            "frp": {"hoyre": [{"rodt": "venstre"}]}, "bytes": "{\"sv\":\"ap\"}",
        });
        let mut all = [kept("vil_ha_buss", 91_234_567, &said), unreadable(&said)];
        for kept in &mut all {
            assert!(kept["left_out"].as_u64().unwrap() > 12, "{kept}");
            // The counter of our own envelope and its time are no part of what was said.
            for own in ["id", "captured_at"] {
                kept.as_object_mut().unwrap().remove(own);
            }
            let text = kept.to_string().replace(&door.to_string(), "");
            for word in [
                "frp", "party", "nato", "ring", "9123", "1950", "0.5", "-4", "75", "97", "born", "4b61", "hoyre", "rodt", "venstre", "sv", "ap",
                "buss", "6,7",
            ] {
                assert!(!text.contains(word), "{word} in {text}");
            }
            assert!(kept.to_string().contains(&door.to_string()));
        }
        // Of a visit too: its time is a time, and can be counted without one.
        let visit = json!({"campaign": door, "turf": door, "entrance": door, "outcome": "talked", "occurred_at": 91_234_567});
        let kept = kept("visit", 1, &visit);
        assert_eq!((body(&kept)["occurred_at"].as_i64(), kept["left_out"].as_u64()), (Some(0), Some(1)));
        assert_eq!([time(91_234_567), time(AT), time(i64::MIN), time(i64::MAX)], [0, AT, 0, 0]);
        // What is counted has a time that can be reckoned with.
        let five_years = 5 * 365 * 86_400_000;
        assert_eq!([AT - five_years, AT, AT + five_years].map(nearest_time), [AT - five_years, AT, AT + five_years]);
        assert_eq!([i64::MIN, 0, i64::MAX].map(nearest_time), [*TIMES.start(), *TIMES.start(), *TIMES.end()]);
    }

    #[test]
    fn a_kind_that_is_not_known_leaves_ids_days_and_small_numbers_under_marks() {
        let id = id();
        let later = json!({"property": id, "agreed_with": "chair", "best_hours": [17, 20], "until": "2027-01-31", "unit": id, "outcome": "no_access",
            "open": true, "phones": {"Ola Nordmann": 1, "number": "91234567"}});
        let kept = kept("property_access", 1, &later);
        assert_eq!(
            body(&kept),
            json!({"field_1": null, "field_2": [17, 20], "field_3": true, "outcome": "no_access", "field_4": {"field_1": 1, "field_2": null},
                "field_5": id, "unit": id, "field_6": "2027-01-31"})
        );
        // Eight names of fields, two values, and the kind.
        assert_eq!((kept["left_out"].as_u64(), kept["kind"].as_str()), (Some(11), Some("")));
    }

    #[test]
    fn what_is_no_envelope_keeps_its_bones() {
        let id = id();
        let inner = json!({"outcome": "talked", "note": "ring meg på 91234567"}).to_string();
        let entry = json!({"id": id, "kind": 7, "bytes": inner, "name": "Kari Nordmann"});
        assert_eq!(
            unreadable(&entry),
            json!({"entry": {"id": id, "kind": 7, "bytes": "{\"field_1\":null,\"outcome\":\"talked\"}", "field_1": null}, "left_out": 4})
        );
        assert_eq!(unreadable(&json!("a sentence")), json!({"entry": null, "left_out": 1}));
        let deep = (0..40).fold(json!("in"), |inner, _| json!([inner]));
        assert_eq!(unreadable(&deep)["left_out"], 1);
        let long = json!((0..1_000).map(|bit| bit % 3 == 0).collect::<Vec<_>>());
        assert_eq!(unreadable(&long)["left_out"], 1_000 - u64::from(MOST_VALUES) + 1);
    }

    #[test]
    fn words_as_bytes_are_left_out() {
        let envelope_of_words =
            Envelope { id: id(), kind: "He said".into(), version: 1, device_seq: 1, supersedes: None, captured_at: 0, bytes: "Kari i tredje".into() };
        let kept = envelope(&envelope_of_words);
        assert_eq!((kept["kind"].as_str(), kept["bytes"].as_str(), kept["left_out"].as_u64()), (Some(""), Some("null"), Some(2)));
    }
}
