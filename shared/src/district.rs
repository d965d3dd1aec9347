//! City districts, and the branches that work in them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A city district (bydel).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct District {
    /// Its number as published ("01"). The key: official spellings of names differ.
    pub number: String,
    /// What it is called.
    pub name: String,
    /// The number under which its inputs are counted: its own, or a neighbour's where too few people live.
    pub area: String,
    /// About how many households live there; 0 where nobody said.
    pub households: i64,
    /// Counted up with each change.
    pub version: i64,
}

/// What a district is called where it is: a setting of the database. The languages have the words for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Noun {
    /// A part of a city, often with a council of its own.
    #[default]
    Bydel,
    /// A part of a municipality, as schools or polling stations have it.
    Krets,
    /// A place where houses stand close.
    Tettsted,
    /// A neighbourhood in the country.
    Grend,
}

impl Noun {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bydel, Self::Krets, Self::Tettsted, Self::Grend];

    /// Its name in settings and in the keys of words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bydel => "bydel",
            Self::Krets => "krets",
            Self::Tettsted => "tettsted",
            Self::Grend => "grend",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|noun| noun.name() == name)
    }
}

/// How many households live in a district, who says so, and of which year it is true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Households {
    /// The district's number.
    pub district: String,
    /// How many households live there.
    pub households: i64,
    /// The year, where it was said.
    pub year: Option<i64>,
    /// Who counted them, where it was said; else empty.
    pub source: String,
}

/// Districts that are read together: "Groruddalen". Groups may overlap, and what a group shows is the sum of what its
/// areas show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What it is called. The key.
    pub name: String,
    /// Who groups them so.
    pub source: String,
    /// The numbers of its districts, in order.
    pub districts: Vec<String>,
}

/// A local branch (lokallag). It covers districts, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// The numbers of its districts, in order.
    pub districts: Vec<String>,
    /// Counted up with each change.
    pub version: i64,
}

/// The longest district number that is taken.
pub const MAX_NUMBER: usize = 12;

/// A district's number as everybody writes it: trimmed, and a single digit with a zero before it, since one source
/// says `1` and the next "01". Nothing where it is no number of a district.
pub fn district_number(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.len() <= MAX_NUMBER && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match text.as_bytes() {
        [digit] if digit.is_ascii_digit() => Some(format!("0{text}")),
        _ => fits.then(|| text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_have_names() {
        for noun in Noun::ALL {
            assert_eq!(Noun::parse(noun.name()), Some(noun));
            assert_eq!(serde_json::to_value(noun).unwrap(), noun.name());
        }
        assert_eq!(Noun::parse("kommune"), None);
    }

    #[test]
    fn numbers_are_written_one_way() {
        assert_eq!(district_number("1").as_deref(), Some("01"));
        assert_eq!(district_number(" 01 ").as_deref(), Some("01"));
        assert_eq!(district_number("030101").as_deref(), Some("030101"));
        assert_eq!(district_number("Nord-2").as_deref(), Some("Nord-2"));
        assert_eq!(district_number(""), None);
        assert_eq!(district_number("Gamle Oslo"), None);
        assert_eq!(district_number("1234567890123"), None);
    }
}
