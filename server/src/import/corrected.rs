//! What was corrected here, held against what the publisher says now. Ours is kept; where both say the same the
//! correction has done its work.

use dorbank_shared::geo::{LatLon, distance};

use super::{decide::SAME_PLACE_M, row::Address};
use crate::store::{
    correction::{Correction, Field},
    staged::Listing,
};

/// A correction, and what is published now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Against {
    /// The correction.
    pub correction: Correction,
    /// What is published.
    pub published: String,
    /// Both are the same.
    pub caught_up: bool,
}

impl Against {
    /// What we say, in words.
    pub fn ours(&self) -> String {
        let Correction { field, door, ours, .. } = &self.correction;
        match field {
            Field::DoorAdded => format!("door {door} is there"),
            Field::DoorGone => format!("door {door} is not there"),
            _ => format!("{} {ours}", noun(*field)),
        }
    }

    /// What is published, in words.
    pub fn theirs(&self) -> String {
        let door = &self.correction.door;
        let listed = matches!(self.correction.field, Field::DoorAdded) == self.caught_up;
        match self.correction.field {
            Field::DoorAdded | Field::DoorGone if listed => format!("door {door} is there"),
            Field::DoorAdded | Field::DoorGone => format!("door {door} is not there"),
            field => format!("{} {}", noun(field), self.published),
        }
    }

    /// Both, for the summary.
    pub fn words(&self) -> String {
        if self.caught_up { self.ours() } else { format!("{} (published: {})", self.ours(), self.theirs()) }
    }
}

const fn noun(field: Field) -> &'static str {
    match field {
        Field::Place => "place",
        Field::Street => "street",
        Field::Number => "number",
        Field::Letter => "letter",
        Field::DoorAdded | Field::DoorGone => "door",
    }
}

/// A place as a correction keeps it.
pub fn write_place(at: LatLon) -> String {
    format!("{:.7},{:.7}", at.lat, at.lon)
}

/// Reads such a place.
pub fn read_place(text: &str) -> Option<LatLon> {
    let (lat, lon) = text.split_once(',')?;
    Some(LatLon { lat: lat.trim().parse().ok()?, lon: lon.trim().parse().ok()? })
}

/// Puts what was corrected of an entrance in the place of what is published, and says how the two compare.
pub fn of_entrance(corrections: &[Correction], address: &Address, listing: &mut Listing) -> Vec<Against> {
    let mut all = Vec::new();
    for correction in corrections {
        let ours = correction.ours.as_str();
        let (published, caught_up) = match correction.field {
            Field::Place => {
                let Some(at) = read_place(ours) else { continue };
                listing.at = at;
                (write_place(address.at), distance(at, address.at) <= SAME_PLACE_M)
            }
            Field::Street => {
                ours.clone_into(&mut listing.street);
                (address.street.clone(), address.street == ours)
            }
            Field::Number => {
                let Ok(number) = ours.parse() else { continue };
                listing.number = number;
                (address.number.to_string(), address.number == number)
            }
            Field::Letter => {
                ours.clone_into(&mut listing.letter);
                (address.letter.clone(), address.letter == ours)
            }
            Field::DoorAdded | Field::DoorGone => continue,
        };
        all.push(Against { correction: correction.clone(), published, caught_up });
    }
    all
}

/// How what was corrected of an entrance's doors compares with the numbers that are listed there. Where a row of it
/// cannot be read, what is not found says nothing.
pub fn of_doors(corrections: &[Correction], is_listed: impl Fn(&str) -> bool, unreadable: bool) -> Vec<Against> {
    let doors = corrections.iter().filter(|one| matches!(one.field, Field::DoorAdded | Field::DoorGone) && !one.door.is_empty());
    let compared = doors.map(|one| {
        let listed = is_listed(&one.door);
        let caught_up = listed == (one.field == Field::DoorAdded);
        (Against { correction: one.clone(), published: String::new(), caught_up }, listed)
    });
    compared.filter(|(_, listed)| *listed || !unreadable).map(|(against, _)| against).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn correction(field: Field, door: &str, ours: &str) -> Correction {
        Correction { entrance: Uuid::nil(), field, door: door.to_owned(), ours: ours.to_owned(), published: String::new() }
    }

    #[test]
    fn a_door_that_both_list_or_neither_lists_needs_no_correction() {
        let all = [correction(Field::DoorAdded, "H0301", ""), correction(Field::DoorGone, "H0302", "")];
        let says = |listed: &'static [&'static str], unreadable| {
            of_doors(&all, move |label| listed.contains(&label), unreadable).iter().map(|one| (one.caught_up, one.words())).collect::<Vec<_>>()
        };
        assert_eq!(
            says(&["H0302"], false),
            [
                (false, "door H0301 is there (published: door H0301 is not there)".to_owned()),
                (false, "door H0302 is not there (published: door H0302 is there)".to_owned())
            ]
        );
        assert_eq!(says(&["H0301"], false), [(true, "door H0301 is there".to_owned()), (true, "door H0302 is not there".to_owned())]);
        assert_eq!(says(&["H0301"], true), [(true, "door H0301 is there".to_owned())], "the other may stand in the row that cannot be read");
    }

    #[test]
    fn a_place_reads_back() {
        let at = LatLon { lat: 59.91, lon: 10.77 };
        assert_eq!(read_place(&write_place(at)), Some(at));
        assert_eq!(read_place("59.91"), None);
        assert_eq!(read_place("59,91,10,77"), None);
    }
}
