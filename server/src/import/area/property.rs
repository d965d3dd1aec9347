//! Which property of a file holds a district's number, and which its name.
//!
//! Publishers agree on nothing: `id` and `name`; `BYDEL` for the number beside `BYDELSNAVN` and `Kombinert`; `bydelnr` and
//! `bydelnavn`; `BYDEL` for the name. So both the name of a property and what stands in it are looked at, and what was
//! taken is said. A guess that is not the only one is not made.

use std::collections::{BTreeMap, BTreeSet};

use dorbank_shared::district::district_number;
use serde_json::{Map, Value};

use super::feature::{FEATURE_ID, Feature};

/// Where a number stands, the surest first: names that mean nothing else; such that may count anything.
const NUMBERS: [&[&str]; 3] = [
    &[
        "bydelsnr",
        "bydelnr",
        "bydelsnummer",
        "bydelnummer",
        "bydelskode",
        "bydelkode",
        "bydel",
        "delbydelsnr",
        "delbydelnr",
        "delbydelsnummer",
        "kretsnummer",
        "kretsnr",
        "valgkretsnummer",
        "valgkretsnr",
        "grunnkretsnummer",
        "grunnkretsnr",
        "tettstednummer",
        "tettstedsnummer",
        "tettstednr",
        "grendnummer",
        "grendnr",
        "kombinert",
    ],
    &["number", "nummer", "nr", "id"],
    &[FEATURE_ID],
];

/// Where a name stands, the surest first.
const NAMES: [&[&str]; 3] = [
    &[
        "bydelsnavn",
        "bydelnavn",
        "delbydelsnavn",
        "delbydelnavn",
        "kretsnavn",
        "valgkretsnavn",
        "grunnkretsnavn",
        "tettstednavn",
        "tettstedsnavn",
        "grendenavn",
        "grendnavn",
    ],
    &["name", "navn", "namn"],
    &["bydel", "krets", "tettsted", "grend"],
];

/// How many values are shown of a property.
const SHOWN: usize = 3;
/// How many properties are listed.
const LISTED: usize = 12;

/// A property that was taken, with what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its name as the file has it.
    pub property: String,
    /// The first three different values.
    pub examples: Vec<String>,
}

/// What was taken for the number and for the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Properties {
    /// For the number.
    pub number: Taken,
    /// For the name; absent where no property is one, and the name has to come from elsewhere.
    pub name: Option<Taken>,
}

/// The text of a value, if it is one or a whole number.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        // Some programs write every number with a decimal.
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
        Value::Number(number) => match number.as_f64() {
            Some(n) if n.fract() == 0.0 && n.abs() < 1e15 => Some((n as i64).to_string()),
            _ => Some(number.to_string()),
        },
        _ => None,
    }
}

/// The value of a property of a feature, its name read without regard to case.
pub fn value(properties: &Map<String, Value>, property: &str) -> Option<String> {
    properties.iter().find(|(name, _)| name.eq_ignore_ascii_case(property)).and_then(|(_, value)| text(value))
}

/// Finds the properties, those that were told and else the ones that can be no other.
///
/// # Errors
/// What was found instead, with the properties that there are.
pub fn find(features: &[Feature], number: Option<&str>, name: Option<&str>) -> Result<Properties, String> {
    let all: BTreeSet<&str> = features.iter().flat_map(|feature| feature.properties.keys().map(String::as_str)).collect();
    let listed = || list(features, &all);
    let told = |property: &str, what: &str| {
        let found = all.iter().find(|known| known.eq_ignore_ascii_case(property));
        found.copied().ok_or_else(|| format!("no property {property} for the {what}; there are: {}", listed()))
    };
    let number = match number {
        Some(property) => told(property, "number")?,
        None => guess_number(features, &all).map_err(|why| format!("{why}; say which it is: --number NAME. There are: {}", listed()))?,
    };
    let name = match name {
        Some(property) => Some(told(property, "name")?),
        None => guess_name(features, &all, number).map_err(|why| format!("{why}; say which it is: --name NAME. There are: {}", listed()))?,
    };
    let taken = |property: &str| Taken { property: property.to_owned(), examples: examples(features, property) };
    Ok(Properties { number: taken(number), name: name.map(taken) })
}

/// The properties of a file, each with what stands in it.
fn list(features: &[Feature], all: &BTreeSet<&str>) -> String {
    let one = |property: &&str| {
        let examples = examples(features, property);
        if examples.is_empty() { (*property).to_owned() } else { format!("{property} ({})", examples.join(", ")) }
    };
    let names: Vec<String> = all.iter().take(LISTED).map(one).collect();
    let more = if all.len() > LISTED { format!(" and {} more", all.len() - LISTED) } else { String::new() };
    if names.is_empty() { "none".to_owned() } else { names.join("; ") + &more }
}

fn examples(features: &[Feature], property: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for found in features.iter().filter_map(|feature| value(&feature.properties, property)) {
        let short: String = found.chars().take(40).collect();
        if !out.contains(&short) {
            out.push(short);
        }
        if out.len() == SHOWN {
            break;
        }
    }
    out
}

/// The properties of the file that have one of these names.
fn called<'a>(all: &BTreeSet<&'a str>, names: &[&str]) -> Vec<&'a str> {
    names.iter().flat_map(|name| all.iter().filter(move |known| known.eq_ignore_ascii_case(name)).copied()).collect()
}

fn guess_number<'a>(features: &[Feature], all: &BTreeSet<&'a str>) -> Result<&'a str, String> {
    let numbers = |property: &str| -> Vec<Option<String>> {
        features.iter().map(|feature| value(&feature.properties, property).and_then(|text| district_number(&text))).collect()
    };
    for names in NUMBERS {
        let mut candidates: Vec<(&str, Vec<Option<String>>)> = called(all, names).into_iter().map(|name| (name, numbers(name))).collect();
        // A number has a digit, where a name has none.
        candidates.retain(|(_, values)| values.iter().flatten().any(|value| value.bytes().any(|b| b.is_ascii_digit())));
        // What says the same of all is the number of something larger, unless nothing else is there.
        let varies = |values: &[Option<String>]| values.iter().any(|value| *value != values[0]);
        if candidates.iter().any(|(_, values)| varies(values)) {
            candidates.retain(|(_, values)| varies(values));
        }
        // `0301` before the same number is the municipality's: the shorter one says as much.
        candidates.sort_by_key(|(_, values)| values.iter().flatten().map(String::len).sum::<usize>());
        let Some(((first, values), others)) = candidates.split_first() else { continue };
        let same =
            |other: &[Option<String>]| values.iter().zip(other).all(|(a, b)| a.as_ref().zip(b.as_ref()).is_none_or(|(a, b)| b.ends_with(a.as_str())));
        return match others.iter().find(|(_, other)| !same(other)) {
            None => Ok(*first),
            Some((other, _)) => Err(format!("two properties that can be the number, {first} and {other}")),
        };
    }
    Err("no property for the number".to_owned())
}

fn guess_name<'a>(features: &[Feature], all: &BTreeSet<&'a str>, number: &str) -> Result<Option<&'a str>, String> {
    let values = |property: &str| -> Vec<Option<String>> { features.iter().map(|feature| value(&feature.properties, property)).collect() };
    let numbers = values(number);
    // Two districts have two names, or it is the name of something larger.
    let tells_apart = |names: &[Option<String>]| {
        let mut of: BTreeMap<&String, &String> = BTreeMap::new();
        names
            .iter()
            .zip(&numbers)
            .filter_map(|(name, number)| name.as_ref().zip(number.as_ref()))
            .all(|(name, number)| *of.entry(name).or_insert(number) == number)
    };
    let mut vague = None;
    for names in NAMES {
        let mut candidates: Vec<(&str, Vec<Option<String>>)> = called(all, names).into_iter().map(|name| (name, values(name))).collect();
        candidates.retain(|(name, values)| *name != number && values.iter().flatten().any(|value| value.chars().any(char::is_alphabetic)));
        vague = vague.or_else(|| candidates.first().map(|(name, _)| *name));
        candidates.retain(|(_, values)| tells_apart(values));
        let Some(((first, values), others)) = candidates.split_first() else { continue };
        return match others.iter().find(|(_, other)| other != values) {
            None => Ok(Some(*first)),
            Some((other, _)) => Err(format!("two properties that can be the name, {first} and {other}")),
        };
    }
    Ok(vague)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn features(properties: &[Value]) -> Vec<Feature> {
        let feature = |(properties, place): (&Value, usize)| {
            let properties = properties.as_object().unwrap().clone();
            Feature { place, properties, polygons: Ok(Vec::new()) }
        };
        properties.iter().zip(1..).map(feature).collect()
    }

    fn guessed(properties: &[Value]) -> Result<(String, Option<String>), String> {
        find(&features(properties), None, None).map(|found| (found.number.property, found.name.map(|name| name.property)))
    }

    #[expect(clippy::unnecessary_wraps, reason = "as it is compared")]
    fn pair(number: &str, name: &str) -> Result<(String, Option<String>), String> {
        Ok((number.to_owned(), Some(name.to_owned())))
    }

    #[test]
    fn what_publishers_call_them_is_found() {
        assert_eq!(guessed(&[json!({"name": "Øst", "id": "01"}), json!({"name": "Vest", "id": "02"})]), pair("id", "name"));
        // The number under BYDEL, once more with the municipality before it, and a row's number as the feature's id.
        let oslo = |number: &str, name: &str, row: u8| json!({"kommunenum": "0301", "BYDEL": number, "BYDELSNAVN": name, "Kombinert": format!("0301{number}"), FEATURE_ID: row});
        assert_eq!(guessed(&[oslo("17", "Marka Nord", 0), oslo("17", "Marka Øst", 1), oslo("03", "Sagene", 2)]), pair("BYDEL", "BYDELSNAVN"));
        assert_eq!(
            guessed(&[json!({"bydelnavn": "Arna", "bydelnr": "460101"}), json!({"bydelnavn": "Fana", "bydelnr": "460103"})]),
            pair("bydelnr", "bydelnavn")
        );
        // The name under BYDEL.
        assert_eq!(guessed(&[json!({"BYDEL": "Arna", "NR": 1}), json!({"BYDEL": "Fana", "NR": 2.0})]), pair("NR", "BYDEL"));
        assert_eq!(guessed(&[json!({"bydelsnr": 1, "navn": "Øst", "id": 77})]), pair("bydelsnr", "navn"));
        assert_eq!(guessed(&[json!({"navn": "Øst", FEATURE_ID: 1}), json!({"navn": "Vest", FEATURE_ID: 2})]), pair(FEATURE_ID, "navn"));
    }

    #[test]
    fn a_name_that_many_share_is_passed_over_for_one_that_tells_apart() {
        let part = |number: &str, name: &str| json!({"delbydelsnr": number, "navn": name, "bydelsnavn": "Gamle Oslo"});
        assert_eq!(guessed(&[part("0101", "Lodalen"), part("0102", "Grønland")]), pair("delbydelsnr", "navn"));
    }

    #[test]
    fn what_was_taken_is_shown_with_three_values() {
        let all: Vec<Value> = ["01", "01", "02", "03", "04"].iter().map(|number| json!({"id": number, "name": format!("N{number}")})).collect();
        let found = find(&features(&all), None, None).unwrap();
        assert_eq!(found.number.examples, ["01", "02", "03"]);
        assert_eq!(found.name.unwrap().examples, ["N01", "N02", "N03"]);
    }

    #[test]
    fn a_guess_that_is_not_the_only_one_is_not_made() {
        let units = [
            json!({"grunnkretsnummer": "03010101", "bydelsnr": "16", "navn": "A"}),
            json!({"grunnkretsnummer": "03010201", "bydelsnr": "01", "navn": "B"}),
        ];
        let refused = guessed(&units).unwrap_err();
        assert!(
            refused.contains("bydelsnr and grunnkretsnummer") && refused.contains("--number NAME") && refused.contains("navn (A, B)"),
            "{refused}"
        );
        let refused = guessed(&[json!({"id": 1, "name": "Øst", "namn": "Aust"})]).unwrap_err();
        assert!(refused.contains("two properties that can be the name, name and namn") && refused.contains("--name NAME"), "{refused}");
        let refused = guessed(&[json!({"kode": "x", "name": "Øst"})]).unwrap_err();
        assert!(refused.starts_with("no property for the number") && refused.contains("kode (x); name (Øst)"), "{refused}");
        assert_eq!(guessed(&[json!({"id": 1, "tittel": "Øst"})]), Ok(("id".to_owned(), None)));
        assert!(guessed(&[json!({})]).unwrap_err().ends_with("There are: none"));
    }

    #[test]
    fn what_was_told_is_taken_or_missed() {
        let all = features(&[json!({"kode": "x1", "Tittel": "Øst"})]);
        let found = find(&all, Some("KODE"), Some("tittel")).unwrap();
        assert_eq!((found.number.property.as_str(), found.name.unwrap().property.as_str()), ("kode", "Tittel"));
        assert!(find(&all, Some("nr"), None).unwrap_err().starts_with("no property nr for the number; there are: Tittel (Øst); kode (x1)"));
    }
}
