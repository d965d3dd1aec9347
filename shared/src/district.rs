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
