//! Words for the pages, from the language that the page is in.

use std::sync::{Arc, OnceLock};

use dorbank_shared::{
    district::Noun,
    words::{LANGUAGES, Words, key},
};
use leptos::prelude::*;

use super::page::Figure;

/// The words of a language, with a district called as it usually is.
pub fn words(language: &str) -> Arc<Words> {
    calling_a_district(language, Noun::default())
}

/// The words of a language that call a district so. Each is read once, when it is first spoken.
pub fn calling_a_district(language: &str, noun: Noun) -> Arc<Words> {
    const WORDS: usize = LANGUAGES.len() * Noun::ALL.len();
    static ALL: [OnceLock<Arc<Words>>; WORDS] = [const { OnceLock::new() }; WORDS];
    let language = LANGUAGES.iter().position(|known| *known == language).unwrap_or(0);
    let place = Noun::ALL.iter().position(|known| *known == noun).unwrap_or(0);
    Arc::clone(ALL[language * Noun::ALL.len() + place].get_or_init(|| Arc::new(Words::calling_a_district(LANGUAGES[language], noun))))
}

/// Makes a language the one that everything below speaks, and calls a district so.
pub fn speak(language: &str, noun: Noun) {
    provide_context(calling_a_district(language, noun));
}

fn spoken() -> Arc<Words> {
    use_context().unwrap_or_else(|| words(LANGUAGES[0]))
}

/// A word.
pub fn t(key: &str) -> String {
    spoken().get(key).to_owned()
}

/// A word with its placeholders filled.
pub fn with(key: &str, values: &[(&str, &str)]) -> String {
    spoken().with(key, values)
}

/// A word that counts.
pub fn count(key: &str, n: i64) -> String {
    spoken().count(key, n.unsigned_abs(), &[])
}

/// A number as it is read: thousands apart, by a space that does not break.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

/// A figure in words, where it has no number, or as a number.
pub fn figure(figure: Figure) -> String {
    match figure {
        Figure::Closed => t(key::PROGRAMME_CLOSED),
        Figure::Under => t(key::PROGRAMME_UNDER),
        Figure::Hidden => t(key::PROGRAMME_HIDDEN),
        Figure::NearlyAll => t(key::PROGRAMME_NEARLY_ALL),
        Figure::Exact(n) => number(n),
        Figure::AtLeast(n) => with(key::PROGRAMME_AT_LEAST, &[("n", &number(n))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([7, 70, 7000, 1_234_567].map(number), ["7", "70", "7\u{a0}000", "1\u{a0}234\u{a0}567"]);
    }
}
