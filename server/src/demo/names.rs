//! Names that nobody has: streets and officers of the demo.

use rand::{Rng, seq::SliceRandom as _};

const STEMS: [&str; 56] = [
    "Rogne",
    "Heggebær",
    "Seljefløyte",
    "Ospelauv",
    "Grankongle",
    "Furubar",
    "Einebær",
    "Lønneløv",
    "Almekvist",
    "Lerkesang",
    "Troste",
    "Linerle",
    "Svaleskjul",
    "Spove",
    "Vipeegg",
    "Meisebolle",
    "Orrehane",
    "Rypekull",
    "Uglesett",
    "Falkefjær",
    "Haremynte",
    "Reverumpe",
    "Gaupespor",
    "Ekornsprett",
    "Pinnsvin",
    "Beverdam",
    "Oterlek",
    "Tyttebær",
    "Blåbærlyng",
    "Multetue",
    "Krekling",
    "Bringebær",
    "Markjordbær",
    "Røsslyng",
    "Firkløver",
    "Timotei",
    "Blåklokke",
    "Hvitveis",
    "Prestekrage",
    "Soleie",
    "Løvetann",
    "Konvall",
    "Tåkelur",
    "Regnbue",
    "Snøfnugg",
    "Solgangsvind",
    "Nordlys",
    "Kveldssol",
    "Morgendugg",
    "Rimfrost",
    "Måneskinn",
    "Stjerneskudd",
    "Tordensky",
    "Vårløsning",
    "Høstløv",
    "Sommerregn",
];

const ENDINGS: [&str; 9] = ["gata", "veien", "stien", "bakken", "lia", "tunet", "svingen", "kroken", "alleen"];

/// Street names in random order, none twice.
pub fn streets(rng: &mut impl Rng) -> Vec<String> {
    let mut names: Vec<String> = STEMS.iter().flat_map(|stem| ENDINGS.iter().map(move |ending| format!("{stem}{ending}"))).collect();
    names.shuffle(rng);
    names
}

/// An officer of the demo: name, address, role, and whether they belong to the first branch.
///
/// Each surname says that the person is made up.
pub const OFFICERS: [(&str, &str, &str, bool); 8] = [
    ("Lea Liksom", "aksjonsleder@demo.invalid", "lead", true),
    ("Lars Låtsom", "aksjonsleder2@demo.invalid", "lead", true),
    ("Olav Oppdiktet", "organisator@demo.invalid", "organiser", true),
    ("Kine Konstruert", "komite@demo.invalid", "committee", false),
    ("Karim Kulisse", "komite2@demo.invalid", "committee", false),
    ("Grete Gjennomdiktet", "gjennomleser@demo.invalid", "reviewer", false),
    ("Frode Fiktiv", "fylket@demo.invalid", "county", false),
    ("Petra Påfunn", "personvern@demo.invalid", "privacy", false),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn no_street_has_the_name_of_another() {
        let names = streets(&mut rand_chacha::ChaCha20Rng::seed_from_u64(1));
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        assert!(names.len() > 400);
    }
}
