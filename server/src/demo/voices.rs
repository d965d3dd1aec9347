//! What people say at a door in the demo: sentences made from parts, naming nobody.

use rand::{Rng, RngExt as _, seq::IndexedRandom as _};

use super::codebook::{self, Voices};

/// How a resident speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// Bokmål.
    Bokmal,
    /// Nynorsk.
    Nynorsk,
    /// As people write who speak dialect.
    Dialect,
    /// English.
    English,
}

/// What may come before the matter itself.
const fn openings(tongue: Tongue) -> &'static [&'static str] {
    match tongue {
        Tongue::Bokmal => &[
            "Det viktigste for meg:",
            "Ærlig talt:",
            "Vi snakker mye om det hjemme:",
            "Jeg har bodd her i mange år, og",
            "Hvis jeg får velge én ting:",
            "Bra at noen spør.",
            "Jeg er litt lei.",
            "Har tenkt på dette lenge:",
        ],
        Tongue::Nynorsk => {
            &["Det viktigaste for meg:", "Ærleg tala:", "Om eg får velje éin ting:", "Eg har budd her lenge, og", "Fint at nokon spør."]
        }
        Tongue::Dialect => &["Altså,", "Nei, veit du hva,", "Sånn som je ser det:", "Æ ska si det sånn:", "Joda, men"],
        Tongue::English => &["Honestly,", "For our family:", "I have lived here a few years, and", "Most important for me:", "Thanks for asking."],
    }
}

/// What may come after it.
const fn endings(tongue: Tongue) -> &'static [&'static str] {
    match tongue {
        Tongue::Bokmal => &[
            "Det må dere gjøre noe med.",
            "Sånn kan det ikke fortsette.",
            "Det er mange i gata som mener det samme.",
            "Jeg tror ikke politikerne vet hvordan det er.",
            "Det burde ikke være så vanskelig.",
            "Det avgjør hva jeg stemmer.",
            "Har sagt fra før, men det skjer ingenting.",
            "Det er vel et spørsmål om penger, da.",
        ],
        Tongue::Nynorsk => {
            &["Det må de gjere noko med.", "Slik kan det ikkje halde fram.", "Det er fleire her som meiner det same.", "Det burde gå an å få til."]
        }
        Tongue::Dialect => &["Det går'kke an.", "Det må'n få gjort noe med.", "Sånn har'e vært i årevis.", "Det e ikkje godt nok."],
        Tongue::English => &["Someone should fix it.", "It matters a lot to us.", "I hope you can do something.", "Nobody seems to listen."],
    }
}

/// A sentence about the topic at `index` of the codebook, in one of the tongues that are heard in a city.
pub fn sentence(rng: &mut impl Rng, index: usize) -> String {
    let tongue = match rng.random_range(0..100) {
        0..74 => Tongue::Bokmal,
        74..83 => Tongue::Nynorsk,
        83..92 => Tongue::Dialect,
        _ => Tongue::English,
    };
    speak(rng, &codebook::TOPICS[index % codebook::TOPICS.len()].voices, tongue)
}

fn speak(rng: &mut impl Rng, voices: &Voices, tongue: Tongue) -> String {
    let cores = match tongue {
        Tongue::Bokmal => voices.nb,
        Tongue::Nynorsk => voices.nn,
        Tongue::Dialect => voices.dialect,
        Tongue::English => voices.en,
    };
    let core = cores.choose(rng).copied().unwrap_or_default();
    let opening = if rng.random_bool(0.4) { openings(tongue).choose(rng).copied() } else { None };
    let mut out = match opening {
        // After a full stop a sentence begins; after anything else it goes on.
        Some(opening) if opening.ends_with('.') => format!("{opening} {}", capital(core)),
        Some(opening) => format!("{opening} {core}"),
        None => capital(core),
    };
    out.push('.');
    if rng.random_bool(0.35)
        && let Some(ending) = endings(tongue).choose(rng)
    {
        out.push(' ');
        out.push_str(ending);
    }
    out
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng as _;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    #[test]
    fn some_hundred_different_things_are_said() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let said: HashSet<String> = (0..3_000).map(|i| sentence(&mut rng, i)).collect();
        assert!(said.len() > 1_000, "{}", said.len());
        for sentence in &said {
            assert!(sentence.chars().count() <= dorbank_shared::input::MAX_WORDS);
            assert!(sentence.ends_with('.') && sentence.chars().next().is_some_and(char::is_uppercase), "{sentence}");
            assert!(!sentence.chars().any(|c| c.is_ascii_digit()), "no number that could be an address or a telephone: {sentence}");
        }
    }

    #[test]
    fn every_topic_is_spoken_of_in_every_tongue() {
        for topic in &codebook::TOPICS {
            let v = &topic.voices;
            assert!(v.nb.len() >= 6 && v.nn.len() >= 2 && v.dialect.len() >= 2 && v.en.len() >= 2, "{}", topic.nb);
            let first = |text: &str| {
                text.chars().next().is_some_and(char::is_lowercase) || ["I ", "AKS ", "T-banen "].iter().any(|name| text.starts_with(name))
            };
            assert!([v.nb, v.nn, v.dialect, v.en].concat().iter().all(|text| first(text) && !text.ends_with('.')), "{}", topic.nb);
        }
    }
}
