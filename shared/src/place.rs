//! Entrances and the doors inside them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::geo::{LatLon, Stop};

/// One address point: an "oppgang" (two doors or more) or a "hus" (one).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entrance {
    /// Ours; it never changes, however often the address is imported.
    pub id: Uuid,
    /// The street's name; for an address without one (gårdsnummer) its whole text.
    pub street: String,
    /// The house number; 0 where there is none.
    pub number: i64,
    /// The letter after the number ("B"), or nothing.
    pub letter: String,
    /// The number of the district, where the address lies in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// Where it stands.
    pub at: LatLon,
    /// Nobody rings anywhere here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub do_not_knock: bool,
    /// Its doors, by floor and position. One at least.
    pub units: Vec<Unit>,
}

impl Entrance {
    /// "28 B", or nothing where there is no number.
    pub fn house(&self) -> String {
        match (self.number, self.letter.as_str()) {
            (0, letter) => letter.to_owned(),
            (number, "") => number.to_string(),
            (number, letter) => format!("{number} {letter}"),
        }
    }

    /// "Storgata 28 B".
    pub fn address(&self) -> String {
        format!("{} {}", self.street, self.house()).trim_end().to_owned()
    }

    /// What the walk needs to know of it.
    pub fn stop(&self) -> Stop<'_> {
        Stop { id: self.id, street: &self.street, number: self.number, letter: &self.letter, at: self.at }
    }
}

/// One dwelling: a door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Ours; it never changes.
    pub id: Uuid,
    /// The official number (H0301), or empty where the entrance has one door.
    pub label: String,
    /// Where its floor comes when floors are sorted; see [`UnitLabel::storey`]. 1 is the ground floor.
    pub floor: i64,
    /// Which door of its floor; from where they are counted [`crate::landing`] says.
    pub position: i64,
    /// Nobody rings here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub do_not_knock: bool,
}

impl Unit {
    /// A door by its official number; an empty or foreign one is the only door on the ground floor.
    pub fn new(id: Uuid, label: &str) -> Self {
        let read = UnitLabel::parse(label);
        Self {
            id,
            label: label.to_owned(),
            floor: read.map_or(1, UnitLabel::storey),
            position: read.map_or(1, |read| i64::from(read.position)),
            do_not_knock: false,
        }
    }
}

/// Where in the house a floor is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// K, kjeller.
    Cellar,
    /// U, underetasje: partly below the ground.
    Lower,
    /// H, hovedetasje.
    Main,
    /// L, loft.
    Loft,
}

/// An official dwelling number, read: level, floor and door ("H0301": the third main floor, the first door).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitLabel {
    /// Where its floor is counted from.
    pub level: Level,
    /// The floor within the level.
    pub floor: u8,
    /// The door on the floor.
    pub position: u8,
}

impl UnitLabel {
    /// The order in which doors are looked for: the main floors first, from the ground up, then what lies beside them.
    pub fn rank(self) -> u16 {
        let level = match self.level {
            Level::Main => 0,
            Level::Lower => 1,
            Level::Loft => 2,
            Level::Cellar => 3,
        };
        level * 10_000 + u16::from(self.floor) * 100 + u16::from(self.position)
    }

    /// Reads a number: a letter and four digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (level, digits) = match text.as_bytes() {
            [level, digits @ ..] if digits.len() == 4 && digits.iter().all(u8::is_ascii_digit) => (level, digits),
            _ => return None,
        };
        let level = match level {
            b'K' => Level::Cellar,
            b'U' => Level::Lower,
            b'H' => Level::Main,
            b'L' => Level::Loft,
            _ => return None,
        };
        let two = |pair: &[u8]| (pair[0] - b'0') * 10 + (pair[1] - b'0');
        Some(Self { level, floor: two(&digits[..2]), position: two(&digits[2..]) })
    }

    /// One number by which floors sort from the cellar to the loft. Main floors keep their own; floors below the
    /// ground are counted downwards.
    pub fn storey(self) -> i64 {
        let floor = i64::from(self.floor);
        match self.level {
            Level::Cellar => -100 - floor,
            Level::Lower => -floor,
            Level::Main => floor,
            Level::Loft => 100 + floor,
        }
    }
}

impl std::fmt::Display for UnitLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let level = match self.level {
            Level::Cellar => 'K',
            Level::Lower => 'U',
            Level::Main => 'H',
            Level::Loft => 'L',
        };
        write!(f, "{level}{:02}{:02}", self.floor, self.position)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_official_number_says_floor_and_door() {
        let label = UnitLabel::parse("H0302").unwrap();
        assert_eq!((label.level, label.floor, label.position), (Level::Main, 3, 2));
        for foreign in ["", "H302", "H03021", "X0301", "h0301", "H03O1", "Håø"] {
            assert_eq!(UnitLabel::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn floors_sort_from_the_cellar_to_the_loft() {
        let mut labels = ["L0101", "H0101", "K0101", "H0201", "U0101", "U0201"];
        labels.sort_by_key(|label| UnitLabel::parse(label).unwrap().storey());
        assert_eq!(labels, ["K0101", "U0201", "U0101", "H0101", "H0201", "L0101"]);
    }

    #[test]
    fn an_address_reads_as_on_the_wall() {
        let mut entrance = Entrance {
            id: Uuid::nil(),
            street: "Storgata".into(),
            number: 28,
            letter: "B".into(),
            district: None,
            at: LatLon { lat: 59.9, lon: 10.7 },
            do_not_knock: false,
            units: vec![Unit::new(Uuid::nil(), "")],
        };
        assert_eq!(entrance.address(), "Storgata 28 B");
        entrance.letter.clear();
        assert_eq!(entrance.address(), "Storgata 28");
        entrance.number = 0;
        assert_eq!(entrance.address(), "Storgata");
        assert_eq!((entrance.units[0].floor, entrance.units[0].position), (1, 1));
    }

    #[test]
    fn the_first_door_is_the_lowest_of_the_main_floors() {
        let mut labels = ["K0101", "H0201", "L0101", "H0102", "U0101", "H0101"];
        labels.sort_by_key(|label| UnitLabel::parse(label).unwrap().rank());
        assert_eq!(labels, ["H0101", "H0102", "H0201", "U0101", "L0101", "K0101"]);
    }

    proptest! {
        #[test]
        fn a_number_reads_back(level in 0usize..4, floor in 0u8..100, position in 0u8..100) {
            let level = [Level::Cellar, Level::Lower, Level::Main, Level::Loft][level];
            let label = UnitLabel { level, floor, position };
            prop_assert_eq!(UnitLabel::parse(&label.to_string()), Some(label));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = UnitLabel::parse(&text);
        }
    }
}
