//! A gentle look at a sentence while it is written: does it hold something that tells who said it?
//!
//! It warns, it never refuses, and its result is never stored or sent.

/// What a sentence seems to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// Eight digits, with or without a country code.
    Phone,
    /// Something with an @.
    Email,
    /// Eleven digits.
    NationalId,
    /// A dwelling's number, H0301.
    Dwelling,
    /// A street's name with a number.
    Address,
}

/// Endings of Norwegian street names. A word with one of them, followed by a number, is an address.
const STREET_ENDINGS: [&str; 17] = [
    "gata", "gate", "gaten", "veien", "vegen", "vei", "veg", "plass", "plassen", "allé", "alleen", "alléen", "bakken", "stien", "svingen", "tunet",
    "kroken",
];

/// The hints in `text`, each once, in the order of [`Hint`].
pub fn look(text: &str) -> Vec<Hint> {
    let mut hints = Vec::new();
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '!' | '?' | '(' | ')' | '"' | '«' | '»'))
        .filter(|word| !word.is_empty())
        .collect();
    for run in digit_runs(text) {
        match run {
            11 => hints.push(Hint::NationalId),
            8 | 10 | 12 => hints.push(Hint::Phone),
            _ => {}
        }
    }
    for (at, word) in words.iter().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if let Some((name, host)) = word.split_once('@')
            && !name.is_empty()
            && host.trim_end_matches('.').contains('.')
        {
            hints.push(Hint::Email);
        }
        if is_dwelling(bare) {
            hints.push(Hint::Dwelling);
        }
        let number = words
            .get(at + 1)
            .is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()) && next.chars().take_while(char::is_ascii_digit).count() <= 3);
        let lower = bare.to_lowercase();
        // "denne veien 3" names no street, but "veien" alone is no name either: a name has something before its ending.
        if number
            && STREET_ENDINGS
                .iter()
                .any(|ending| lower.len() > ending.len() && lower.ends_with(ending) || (lower == *ending && at > 0 && starts_upper(words[at - 1])))
        {
            hints.push(Hint::Address);
        }
    }
    hints.sort_unstable();
    hints.dedup();
    hints
}

fn starts_upper(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}

/// H, L, U or K and four digits.
fn is_dwelling(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(|c| "HLUKhluk".contains(c)) && word.len() == 5 && letters.all(|c| c.is_ascii_digit())
}

/// How many digits each run has; single spaces, dots, dashes and a plus do not end a run ("22 33 44 55", "+47 …").
fn digit_runs(text: &str) -> Vec<usize> {
    let mut runs = Vec::new();
    let (mut digits, mut gap) = (0, 0);
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits += 1;
            gap = 0;
        } else if digits > 0 && matches!(c, ' ' | '.' | '-' | '\u{a0}') && gap == 0 {
            gap = 1;
        } else {
            runs.push(digits);
            (digits, gap) = (0, 0);
        }
    }
    runs.push(digits);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_who_it_was_is_seen() {
        assert_eq!(look("ring 22 33 44 55"), [Hint::Phone]);
        assert_eq!(look("hun er på +47 912 34 567."), [Hint::Phone]);
        assert_eq!(look("01019012345 sa han"), [Hint::NationalId]);
        assert_eq!(look("skriv til kari@example.org, da"), [Hint::Email]);
        assert_eq!(look("i (h0302) bor det noen"), [Hint::Dwelling]);
        assert_eq!(look("Tøyengata 14 er fuktig"), [Hint::Address]);
        assert_eq!(look("bor i Karl Johans gate 5"), [Hint::Address]);
    }

    #[test]
    fn what_people_say_about_their_city_passes() {
        for text in ["", "Bussen går for sjelden", "37-bussen er full klokka 8", "Leia økte med 2500 i 2025", "Gata er mørk om kvelden"] {
            assert_eq!(look(text), [], "{text}");
        }
    }

    #[test]
    fn each_hint_comes_once() {
        assert_eq!(look("22334455 eller 99887766 a@b.no"), [Hint::Phone, Hint::Email]);
    }
}
