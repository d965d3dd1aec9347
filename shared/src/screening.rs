//! A gentle look at a sentence while it is written: does it hold something that tells who said it?
//!
//! What may be a slip it warns of; a number or an address by which somebody can be reached or looked up is refused. Its
//! result is never stored or sent.

/// What a sentence seems to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl Hint {
    const ALL: [Self; 5] = [Self::Phone, Self::Email, Self::NationalId, Self::Dwelling, Self::Address];

    /// Whether a sentence that holds it cannot be saved. Nobody's opinion needs any of these.
    pub const fn refuses(self) -> bool {
        matches!(self, Self::Phone | Self::Email | Self::NationalId)
    }
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
    hints.extend(digit_runs(text).iter().filter_map(|groups| of_digits(groups)));
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
        let lower: String = bare.chars().map(small).collect();
        // "denne veien 3" names no street, but "veien" alone is no name either: a name has something before its ending.
        if number
            && STREET_ENDINGS
                .iter()
                .any(|ending| lower.len() > ending.len() && lower.ends_with(ending) || (lower == *ending && at > 0 && starts_upper(words[at - 1])))
        {
            hints.push(Hint::Address);
        }
    }
    Hint::ALL.into_iter().filter(|hint| hints.contains(hint)).collect()
}

/// A letter of Norwegian, small. The tables of all the world's letters would be a hundredth of what a phone fetches.
const fn small(c: char) -> char {
    match c {
        'Æ' => 'æ',
        'Ø' => 'ø',
        'Å' => 'å',
        'É' => 'é',
        _ => c.to_ascii_lowercase(),
    }
}

fn starts_upper(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}

/// H, L, U or K and four digits.
fn is_dwelling(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(|c| "HLUKhluk".contains(c)) && word.len() == 5 && letters.all(|c| c.is_ascii_digit())
}

/// What a run of digits is, by its groups. Years ("2024-2025") and amounts ("20 000 000") are neither.
fn of_digits(groups: &[String]) -> Option<Hint> {
    let all = groups.concat();
    let year = |group: &String| group.len() == 4 && (group.starts_with("19") || group.starts_with("20"));
    let is_amount = groups.len() > 1 && groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3);
    if is_amount || groups.iter().all(year) {
        return None;
    }
    // Numbers of eight digits begin with 2 to 9.
    let is_phone = |number: &str| number.len() == 8 && !number.starts_with(['0', '1']);
    let bare = all.strip_prefix("0047").or_else(|| all.strip_prefix("47").filter(|rest| rest.len() == 8)).unwrap_or(&all);
    if is_phone(bare) {
        Some(Hint::Phone)
    } else if all.len() == 11 {
        Some(Hint::NationalId)
    } else {
        None
    }
}

/// Runs of digits, each as its groups; single spaces, dots, dashes do not end a run ("22 33 44 55", "+47 …").
fn digit_runs(text: &str) -> Vec<Vec<String>> {
    let mut runs: Vec<Vec<String>> = vec![Vec::new()];
    let mut gap = true;
    for c in text.chars() {
        let groups = runs.last_mut();
        if c.is_ascii_digit() {
            match groups {
                Some(groups) if gap || groups.is_empty() => groups.push(c.to_string()),
                Some(groups) => groups.last_mut().into_iter().for_each(|group| group.push(c)),
                None => {}
            }
            gap = false;
        } else if !gap && matches!(c, ' ' | '.' | '-' | '\u{a0}') {
            gap = true;
        } else {
            runs.push(Vec::new());
            gap = true;
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_who_it_was_is_seen() {
        assert_eq!(look("ring 22 33 44 55"), [Hint::Phone]);
        assert_eq!(look("hun er på +47 912 34 567."), [Hint::Phone]);
        assert_eq!(look("004791234567"), [Hint::Phone]);
        assert_eq!(look("912 34 567 klokka 18"), [Hint::Phone]);
        assert_eq!(look("01019012345 sa han"), [Hint::NationalId]);
        assert_eq!(look("010190 12345"), [Hint::NationalId]);
        assert_eq!(look("skriv til kari@example.org, da"), [Hint::Email]);
        assert_eq!(look("i (h0302) bor det noen"), [Hint::Dwelling]);
        assert_eq!(look("Tøyengata 14 er fuktig"), [Hint::Address]);
        assert_eq!(look("bor i Karl Johans gate 5"), [Hint::Address]);
    }

    #[test]
    fn what_people_say_about_their_city_passes() {
        for text in [
            "",
            "Bussen går for sjelden",
            "37-bussen er full klokka 8",
            "Leia økte med 2500 i 2025",
            "Gata er mørk om kvelden",
            "fra 2024-2025 til 2026",
            "20 000 000 kroner",
            "1 500 000 000 til vei",
        ] {
            assert_eq!(look(text), [], "{text}");
        }
    }

    #[test]
    fn what_reaches_somebody_is_refused_and_the_rest_is_a_warning() {
        let refused = [Hint::Phone, Hint::Email, Hint::NationalId, Hint::Dwelling, Hint::Address].map(Hint::refuses);
        assert_eq!(refused, [true, true, true, false, false]);
    }

    #[test]
    fn each_hint_comes_once() {
        assert_eq!(look("22334455 eller 99887766 a@b.no"), [Hint::Phone, Hint::Email]);
    }
}
