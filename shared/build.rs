//! Checks the words: every language has the same keys and the same `{placeholders}`. Writes a constant for each key,
//! so that a screen which names a key that is not there does not compile.
//!
//! The phone is sent no names of keys, neither in its program nor three times over in its words: without the feature
//! `all-words` a constant is the word's place in the phone's file, which `scripts/site.mjs` writes in the same order.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::Path,
};

const LANGUAGES: [&str; 3] = ["nb", "nn", "en"];
const FILES: [&str; 3] = ["common", "field", "office"];

/// What a text is filled with. A district may be called by another form of its word in another language.
fn placeholders(text: &str) -> Vec<String> {
    let name = |name: &str| if name.to_lowercase().starts_with("district.") { "district".to_owned() } else { name.to_owned() };
    let mut found: Vec<String> = filled(text).map(name).collect();
    found.sort();
    found.dedup();
    found
}

fn filled(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// Every form in which a text calls a district, each noun has.
fn check_nouns(language: &str, words: &BTreeMap<String, String>) {
    let nouns: BTreeSet<&str> = words.keys().filter_map(|key| key.strip_prefix("noun.")?.split_once('.')).map(|(noun, _)| noun).collect();
    for (key, word) in words {
        for form in filled(word).filter_map(|name| name.strip_prefix("district.").or(name.strip_prefix("District."))) {
            for noun in &nouns {
                assert!(
                    words.contains_key(&format!("noun.{noun}.{form}")),
                    "locales/{language}: {key} asks for a form that there is not, noun.{noun}.{form}"
                );
            }
        }
    }
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../locales");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut phone: Vec<String> = Vec::new();
    let mut all: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    for language in LANGUAGES {
        all.entry(language).or_default();
        for file in FILES {
            let path = root.join(language).join(format!("{file}.json"));
            println!("cargo::rerun-if-changed={}", path.display());
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let words: BTreeMap<String, String> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            for (key, word) in words {
                if language == LANGUAGES[0] && file != "office" {
                    phone.push(key.clone());
                }
                let before = all.entry(language).or_default().insert(key.clone(), word);
                assert!(before.is_none(), "{}: the key {key} stands in two files", path.display());
            }
        }
    }
    for (language, words) in &all {
        check_nouns(language, words);
    }
    let first = &all[LANGUAGES[0]];
    for language in &LANGUAGES[1..] {
        let other = &all[language];
        for (key, word) in first {
            let theirs = other.get(key).unwrap_or_else(|| panic!("locales/{language} lacks the key {key}"));
            assert_eq!(placeholders(word), placeholders(theirs), "locales/{language}: {key} has other placeholders than bokmål");
        }
        for key in other.keys() {
            assert!(first.contains_key(key), "locales/{language} has the key {key}, which bokmål lacks");
        }
    }
    let packed = env::var_os("CARGO_FEATURE_ALL_WORDS").is_none();
    let mut on_phone: Vec<&str> = phone.iter().map(String::as_str).collect();
    on_phone.sort_unstable();
    // Of a pair the base stands for its first word; the second is the next in the order.
    let place = |key: &str| on_phone.iter().position(|known| *known == key || known.strip_suffix(".one") == Some(key));
    let mut out = String::new();
    // The forms of a noun are no pair: a text asks for each by its name.
    let mut bases: Vec<&str> = first.keys().filter(|key| !key.starts_with("noun.")).filter_map(|key| key.strip_suffix(".one")).collect();
    for base in &bases {
        assert!(first.contains_key(&format!("{base}.other")), "{base}.one has no {base}.other");
    }
    bases.retain(|base| !first.contains_key(*base));
    for key in first.keys().map(String::as_str).chain(bases) {
        let name = key.replace(['.', '-'], "_").to_uppercase();
        let value = if packed { place(key).map_or_else(String::new, |place| place.to_string()) } else { key.to_owned() };
        writeln!(out, "/// `{key}`\npub const {name}: &str = {value:?};").expect("a String takes any text");
    }
    let folder = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&folder).join("keys.rs"), out).expect("OUT_DIR can be written");
}
