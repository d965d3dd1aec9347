//! The words on the screens, in three languages. `shared/build.rs` has checked that all have the same keys.

#[cfg(feature = "all-words")]
use std::collections::HashMap;

#[cfg(feature = "all-words")]
use crate::district::Noun;

/// One constant for each key; a wrong one does not compile.
pub mod key {
    include!(concat!(env!("OUT_DIR"), "/keys.rs"));
}

/// The languages, bokmål first.
pub const LANGUAGES: [&str; 3] = ["nb", "nn", "en"];

/// The words of one language: by name where they are built in, by place on the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    language: String,
    #[cfg(feature = "all-words")]
    words: HashMap<String, String>,
    #[cfg(not(feature = "all-words"))]
    words: Vec<String>,
}

impl Words {
    /// Reads the file of one language, as `scripts/site.mjs` packs it for the phone: a list in the order of the keys.
    ///
    /// # Errors
    /// When it is not a JSON list of texts.
    #[cfg(not(feature = "all-words"))]
    pub fn parse(language: &str, json: &str) -> Result<Self, serde_json::Error> {
        Ok(Self { language: language.to_owned(), words: serde_json::from_str(json)? })
    }

    /// The words that are built into the program, with a district called as it usually is; bokmål where the language is
    /// not one of [`LANGUAGES`].
    #[cfg(feature = "all-words")]
    pub fn embedded(language: &str) -> Self {
        Self::calling_a_district(language, Noun::default())
    }

    /// The same with another word for a district: `{district.the}` in a text stands for "bydelen", and `{District.many}`,
    /// at the beginning of a sentence, for "Bydeler".
    #[cfg(feature = "all-words")]
    pub fn calling_a_district(language: &str, noun: Noun) -> Self {
        macro_rules! files {
            ($language:literal) => {
                [
                    include_str!(concat!("../../locales/", $language, "/common.json")),
                    include_str!(concat!("../../locales/", $language, "/field.json")),
                    include_str!(concat!("../../locales/", $language, "/office.json")),
                ]
            };
        }
        let (language, files) = match language {
            "nn" => ("nn", files!("nn")),
            "en" => ("en", files!("en")),
            _ => ("nb", files!("nb")),
        };
        let words: HashMap<String, String> =
            files.iter().filter_map(|file| serde_json::from_str::<HashMap<String, String>>(file).ok()).flatten().collect();
        let called = words.iter().map(|(key, text)| (key.clone(), call(text, noun, &words))).collect();
        Self { language: language.to_owned(), words: called }
    }

    /// `nb`, `nn` or `en`.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The word; the key itself where there is none.
    #[cfg(feature = "all-words")]
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.words.get(key).map_or(key, String::as_str)
    }

    /// The word; the key itself where there is none.
    #[cfg(not(feature = "all-words"))]
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        key.parse::<usize>().ok().and_then(|place| self.words.get(place)).map_or(key, String::as_str)
    }

    #[cfg(feature = "all-words")]
    fn one_or_other(key: &str, n: u64) -> String {
        format!("{key}.{}", if n == 1 { "one" } else { "other" })
    }

    #[cfg(not(feature = "all-words"))]
    fn one_or_other(key: &str, n: u64) -> String {
        key.parse::<usize>().map_or_else(|_| key.to_owned(), |one| (one + usize::from(n != 1)).to_string())
    }

    /// The word, with its `{placeholders}` filled.
    pub fn with(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut out = String::new();
        let mut rest = self.get(key);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                rest = after;
                break;
            };
            out.push_str(values.iter().find(|(known, _)| *known == name).map_or(name, |(_, value)| value));
            rest = tail;
        }
        out.push_str(rest);
        out
    }

    /// `KEY.one` for one, `KEY.other` for any other number; `{n}` is filled with the number. (All three languages count so.)
    pub fn count(&self, key: &str, n: u64, values: &[(&str, &str)]) -> String {
        let key = Self::one_or_other(key, n);
        let number = n.to_string();
        let mut all = vec![("n", number.as_str())];
        all.extend_from_slice(values);
        self.with(&key, &all)
    }
}

/// A text with a district called by its word, in the form that the text asks for.
#[cfg(feature = "all-words")]
fn call(text: &str, noun: Noun, words: &HashMap<String, String>) -> String {
    let mut out = text.to_owned();
    for (mark, capital) in [("{district.", false), ("{District.", true)] {
        while let Some((before, rest)) = out.split_once(mark) {
            let Some((form, after)) = rest.split_once('}') else { break };
            let word = words.get(&format!("noun.{}.{form}", noun.name())).map_or(form, String::as_str);
            let mut letters = word.chars();
            let first: String = letters.next().map_or_else(String::new, |c| if capital { c.to_uppercase().collect() } else { c.to_string() });
            out = format!("{before}{first}{}{after}", letters.as_str());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "all-words")]
    #[test]
    fn a_district_is_called_as_it_is_where_it_is() {
        let texts = |noun| LANGUAGES.map(|language| Words::calling_a_district(language, noun).get(key::ADMIN_GROUPS).to_owned());
        assert_eq!(texts(Noun::Bydel), ["Grupper av bydeler", "Grupper av bydelar", "Groups of districts"]);
        assert_eq!(texts(Noun::Grend), ["Grupper av grender", "Grupper av grender", "Groups of neighbourhoods"]);
        assert_eq!(Words::calling_a_district("nb", Noun::Krets).get(key::ADMIN_DISTRICTS), "Kretser");
        for language in LANGUAGES {
            for noun in Noun::ALL {
                let words = Words::calling_a_district(language, noun);
                assert!(words.words.values().all(|text| !text.to_lowercase().contains("{district")), "{language} {noun:?}");
            }
            // With any other word no sentence speaks of the usual one.
            let called = Words::calling_a_district(language, Noun::Grend);
            let usual = if language == "en" { "district" } else { "bydel" };
            let left: Vec<&String> = called
                .words
                .iter()
                .filter(|(key, text)| !key.starts_with("noun.") && text.to_lowercase().contains(usual))
                .map(|(key, _)| key)
                .collect();
            assert!(left.is_empty(), "{language}: {left:?}");
        }
    }

    /// The same three words, in either form, with their keys.
    fn words() -> (Words, [&'static str; 3]) {
        let texts = ["{n} av {all} dører", "{n} dør", "{n} dører"].map(str::to_owned);
        #[cfg(feature = "all-words")]
        return (
            Words { language: "nb".into(), words: ["a", "b.one", "b.other"].map(str::to_owned).into_iter().zip(texts).collect() },
            ["a", "b", "missing.key"],
        );
        #[cfg(not(feature = "all-words"))]
        return (Words::parse("nb", &serde_json::to_string(&texts).unwrap()).unwrap(), ["0", "1", "7"]);
    }

    #[test]
    fn placeholders_are_filled_once_and_never_read_again() {
        let (words, [a, _, missing]) = words();
        assert_eq!(words.with(a, &[("n", "{all}"), ("all", "9")]), "{all} av 9 dører");
        assert_eq!(words.get(missing), missing);
    }

    #[test]
    fn one_is_singular_and_all_else_plural() {
        let (words, [_, b, _]) = words();
        assert_eq!([0, 1, 2].map(|n| words.count(b, n, &[])), ["0 dører", "1 dør", "2 dører"]);
    }
}
