//! What people say at a door in the demo: sentences made from parts, naming nobody.

use rand::{Rng, RngExt as _, seq::IndexedRandom as _};

use super::codebook::{TOPICS, Voices};

/// How a resident speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// Bokmål.
    Bokmal,
    /// Nynorsk.
    Nynorsk,
    /// As people write who speak as in the east of the city.
    East,
    /// As people write who speak as in the north of the country.
    North,
    /// English.
    English,
}

impl Tongue {
    /// Of the tongues that are heard in a city, one.
    fn heard(rng: &mut impl Rng) -> Self {
        match rng.random_range(0..100) {
            0..72 => Self::Bokmal,
            72..80 => Self::Nynorsk,
            80..87 => Self::East,
            87..92 => Self::North,
            _ => Self::English,
        }
    }

    /// What may come before the matter itself. After a full stop a sentence begins; after anything else it goes on.
    const fn openings(self) -> &'static [&'static str] {
        match self {
            Self::Bokmal => &[
                "Det viktigste for meg:",
                "Ærlig talt:",
                "Vi snakker mye om det hjemme:",
                "Jeg har bodd her i mange år, og",
                "Hvis jeg får velge én ting:",
                "Bra at noen spør.",
                "Jeg er litt lei.",
                "Har tenkt på dette lenge:",
                "Jeg er ikke så opptatt av politikk, men",
                "Jeg merker det godt:",
                "Hos oss er det sånn:",
                "Jeg vet ikke hvem som bestemmer det, men",
                "Skriv gjerne dette:",
                "Det jeg sier til alle:",
            ],
            Self::Nynorsk => &[
                "Det viktigaste for meg:",
                "Ærleg tala:",
                "Om eg får velje éin ting:",
                "Eg har budd her lenge, og",
                "Fint at nokon spør.",
                "Hos oss er det slik:",
                "Eg har sagt det før:",
                "Det vi snakkar om heime:",
            ],
            Self::East => &[
                "Altså,",
                "Nei, veit du hva,",
                "Sånn som je ser det:",
                "Joda, men",
                "Je skal si det rett ut:",
                "Det er bare å se seg rundt:",
                "Skriv det opp:",
            ],
            Self::North => &[
                "Altså,",
                "Æ ska si det sånn:",
                "Ja, ka ska æ si,",
                "Sånn e det:",
                "Nei, hør her,",
                "Æ har budd her i tjue år, og",
                "Dokker kan skrive det ned:",
            ],
            Self::English => &[
                "Honestly,",
                "For our family:",
                "I have lived here a few years, and",
                "Most important for me:",
                "Thanks for asking.",
                "My Norwegian is not so good, but",
                "I am new here, and",
                "If I can say one thing:",
            ],
        }
    }

    /// What may come after it.
    const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Bokmal => &[
                "Det må dere gjøre noe med.",
                "Sånn kan det ikke fortsette.",
                "Det er mange i gata som mener det samme.",
                "Jeg tror ikke politikerne vet hvordan det er.",
                "Det burde ikke være så vanskelig.",
                "Det avgjør hva jeg stemmer.",
                "Har sagt fra før, men det skjer ingenting.",
                "Det er vel et spørsmål om penger, da.",
                "Det var bedre før.",
                "Ellers har vi det bra her.",
                "Jeg stiller gjerne opp selv også.",
                "Kom tilbake når det er ordnet!",
                "Ingen har spurt meg om det før.",
            ],
            Self::Nynorsk => &[
                "Det må de gjere noko med.",
                "Slik kan det ikkje halde fram.",
                "Det er fleire her som meiner det same.",
                "Det burde gå an å få til.",
                "Elles har vi det bra her.",
                "Ingen har spurt meg om det før.",
                "Det er viktigare enn alt anna.",
                "Eg håpar nokon høyrer etter.",
            ],
            Self::East => &[
                "Det går'kke an.",
                "Det må'n få gjort noe med.",
                "Sånn har'e vært i årevis.",
                "Men dem hører jo ikke på oss.",
                "Det er'kke verre enn som så.",
                "Je gidder snart ikke mer.",
                "Så det så.",
            ],
            Self::North => &[
                "Det e ikkje godt nok.",
                "Det må nån få gjort nåkka med.",
                "Sånn har det vært i årevis.",
                "Men dem hør jo ikkje på oss.",
                "Så nu veit dokker det.",
                "Det e heilt på trynet.",
                "Ellers e det fint å bu her.",
            ],
            Self::English => &[
                "Someone should fix it.",
                "It matters a lot to us.",
                "I hope you can do something.",
                "Nobody seems to listen.",
                "Otherwise we like it here.",
                "Many of our neighbours say the same.",
                "It was better before.",
                "Please tell the others.",
            ],
        }
    }

    const fn of(self, voices: &Voices) -> &'static [&'static str] {
        match self {
            Self::Bokmal => voices.nb,
            Self::Nynorsk => voices.nn,
            Self::East => voices.east,
            Self::North => voices.north,
            Self::English => voices.en,
        }
    }
}

/// A sentence about the topic at `index` of the codebook, in one of the tongues that are heard in a city.
pub fn sentence(rng: &mut impl Rng, index: usize) -> String {
    let tongue = Tongue::heard(rng);
    let core = tongue.of(&TOPICS[index % TOPICS.len()].voices).choose(rng).copied().unwrap_or_default();
    let opening = if rng.random_bool(0.4) { tongue.openings().choose(rng).copied() } else { None };
    let ending = if rng.random_bool(0.35) { tongue.endings().choose(rng).copied() } else { None };
    put(opening, core, ending)
}

fn put(opening: Option<&str>, core: &str, ending: Option<&str>) -> String {
    let mut out = match opening {
        Some(opening) if opening.ends_with('.') => format!("{opening} {}", capital(core)),
        Some(opening) => format!("{opening} {core}"),
        None => capital(core),
    };
    out.push('.');
    if let Some(ending) = ending {
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

    use dorbank_shared::{input::MAX_WORDS, screening};
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    const ALL: [Tongue; 5] = [Tongue::Bokmal, Tongue::Nynorsk, Tongue::East, Tongue::North, Tongue::English];
    /// Words that have a capital letter wherever they stand. None of them is anybody's name.
    const CAPITALS: [&str; 4] = ["I", "AKS", "T-banen", "Norwegian"];

    /// All that can ever be said in a tongue.
    fn everything(tongue: Tongue) -> HashSet<String> {
        let optional = |parts: &'static [&'static str]| parts.iter().map(|part| Some(*part)).chain([None]).collect::<Vec<_>>();
        let (openings, endings) = (optional(tongue.openings()), optional(tongue.endings()));
        let cores = TOPICS.iter().flat_map(|topic| tongue.of(&topic.voices));
        cores.flat_map(|core| openings.iter().flat_map(|opening| endings.iter().map(|ending| put(*opening, core, *ending)))).collect()
    }

    #[test]
    fn whatever_is_said_names_nobody_and_nothing_by_which_somebody_is_found() {
        for tongue in ALL {
            let said = everything(tongue);
            assert!(said.len() > 2_000, "{tongue:?}: {}", said.len());
            for sentence in &said {
                assert_eq!(screening::look(sentence), [], "{sentence}");
                assert!(sentence.chars().count() <= MAX_WORDS && sentence.ends_with(['.', '!']), "{sentence}");
                assert!(sentence.chars().next().is_some_and(char::is_uppercase), "{sentence}");
                assert!(!sentence.chars().any(|c| c.is_ascii_digit() || c == '@'), "no number that could be an address or a telephone: {sentence}");
                let mut begins = true;
                for word in sentence.split(' ') {
                    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
                    let capital = bare.chars().next().is_some_and(char::is_uppercase);
                    assert!(begins || !capital || CAPITALS.contains(&bare), "{bare} in: {sentence}");
                    begins = word.ends_with(['.', '!', '?']);
                }
            }
        }
    }

    #[test]
    fn a_demo_does_not_repeat_itself() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let said: HashSet<String> = (0..4_500).map(|i| sentence(&mut rng, i)).collect();
        assert!(said.len() > 2_200, "{}", said.len());
    }

    #[test]
    fn every_topic_is_spoken_of_in_every_tongue() {
        for topic in TOPICS {
            for tongue in ALL {
                let cores = tongue.of(&topic.voices);
                assert!(cores.len() >= if tongue == Tongue::Bokmal { 8 } else { 3 }, "{} {tongue:?}", topic.nb);
                assert_eq!(cores.iter().collect::<HashSet<_>>().len(), cores.len(), "{} {tongue:?}", topic.nb);
                let small = |text: &str| text.chars().next().is_some_and(char::is_lowercase) || CAPITALS.iter().any(|word| text.starts_with(word));
                assert!(cores.iter().all(|text| small(text) && !text.ends_with('.')), "{} {tongue:?}", topic.nb);
            }
        }
    }
}
