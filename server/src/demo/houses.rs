//! What stands along a street: blocks with stairs, floors and dwelling numbers; houses with a door or two; row houses.

use dorbank_shared::place::{Unit, UnitLabel};
use rand::{RngExt as _, seq::IndexedRandom as _};

use super::maker::Maker;

/// What a street is built up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// Blocks of flats.
    Blocks,
    /// Houses.
    Houses,
}

impl Build {
    /// About how many doors there are for each square metre of such streets with their gardens and yards.
    pub const fn density(self) -> f64 {
        match self {
            Self::Blocks => 0.0147,
            Self::Houses => 0.0023,
        }
    }
}

/// An entrance before it has a place on the ground.
#[derive(Debug, Clone, PartialEq)]
pub struct Door {
    /// How far along the street it is, in metres.
    pub along: f64,
    /// Its house number: odd ones stand on the left.
    pub number: i64,
    /// The letter after it, where the house has several entrances.
    pub letter: &'static str,
    /// The doors inside.
    pub units: Vec<Unit>,
}

/// One building: how far its entrances lie apart, how much of the street it takes beyond that, and their doors.
struct Building {
    step: f64,
    yard: f64,
    entrances: Vec<Vec<String>>,
}

const LETTERS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
/// What a street leaves free at its ends, in metres.
const ENDS: f64 = 10.0;

/// Builds a street up on both sides, until it is full or has about so many doors.
pub fn build(maker: &mut Maker, build: Build, length: f64, most: usize) -> Vec<Door> {
    let mut reach = [ENDS, ENDS + 4.0];
    let mut number = [1, 2];
    let mut doors: Vec<Door> = Vec::new();
    let mut count = 0;
    while count < most {
        let side = usize::from(reach[1] < reach[0]);
        let building = match build {
            Build::Blocks => block(maker),
            Build::Houses => house(maker),
        };
        let width = building.step * (building.entrances.len() as f64 - 1.0);
        if reach[side] + width > length - ENDS {
            break;
        }
        let one = building.entrances.len() == 1;
        for (labels, letter) in building.entrances.into_iter().zip(LETTERS) {
            count += labels.len();
            let units = labels.iter().map(|label| Unit::new(maker.id(), label)).collect();
            doors.push(Door { along: reach[side], number: number[side], letter: if one { "" } else { letter }, units });
            reach[side] += building.step;
        }
        reach[side] += building.yard;
        number[side] += 2;
    }
    doors.sort_by_key(|door| (door.number, door.letter));
    doors
}

/// A block: one stair or several, with the same floors.
fn block(maker: &mut Maker) -> Building {
    let stairs: usize = *[1, 1, 1, 2, 2, 3, 4].choose(&mut maker.rng).unwrap_or(&1);
    let floors: u8 = *[3, 4, 4, 4, 5, 5, 8].choose(&mut maker.rng).unwrap_or(&4);
    let doors: u8 = *[2, 2, 2, 3].choose(&mut maker.rng).unwrap_or(&2);
    let stair = |maker: &mut Maker| {
        let mut labels = Vec::new();
        if maker.rng.random_bool(0.07) {
            labels.push("U0101".to_owned());
        }
        for floor in 1..=floors {
            // A shop or the bicycles take a part of some ground floors.
            let doors = if floor == 1 && maker.rng.random_bool(0.3) { doors - 1 } else { doors };
            labels.extend((1..=doors).map(|door| format!("H{floor:02}{door:02}")));
        }
        if maker.rng.random_bool(0.05) {
            labels.push("L0101".to_owned());
        }
        debug_assert!(labels.iter().all(|label| UnitLabel::parse(label).is_some()));
        labels
    };
    Building { step: 17.0, yard: 9.0, entrances: (0..stairs).map(|_| stair(maker)).collect() }
}

/// A house of one, two or four dwellings, or a row of houses.
fn house(maker: &mut Maker) -> Building {
    let alone = |labels: &[&str]| Building { step: 21.0, yard: 0.0, entrances: vec![labels.iter().map(|label| (*label).to_owned()).collect()] };
    match maker.rng.random_range(0..100) {
        0..62 => alone(&[""]),
        62..77 => alone(&["H0101", "H0201"]),
        77..80 => alone(&["H0101", "U0101"]),
        80..84 => alone(&["H0101", "H0102", "H0201", "H0202"]),
        _ => {
            let houses = maker.rng.random_range(3..=6);
            Building { step: 7.0, yard: 10.0, entrances: vec![vec![String::new()]; houses] }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_ascend_on_both_sides_and_letters_within_a_house(seed in any::<u64>(), length in 90.0f64..700.0, most in 1usize..400, blocks in any::<bool>()) {
            let kind = if blocks { Build::Blocks } else { Build::Houses };
            let doors = build(&mut Maker::new(seed, 0), kind, length, most);
            prop_assert!(!doors.is_empty());
            prop_assert!(doors.iter().all(|door| door.along >= ENDS && door.along <= length - ENDS && !door.units.is_empty()));
            for side in [1, 0] {
                let own: Vec<&Door> = doors.iter().filter(|door| door.number % 2 == side).collect();
                prop_assert!(own.first().is_none_or(|door| door.number <= 2));
                for pair in own.windows(2) {
                    prop_assert!(pair[0].along < pair[1].along);
                    if pair[0].number == pair[1].number {
                        prop_assert!(pair[0].letter < pair[1].letter && !pair[0].letter.is_empty());
                    } else {
                        prop_assert_eq!(pair[0].number + 2, pair[1].number);
                        prop_assert!(["", "A"].contains(&pair[1].letter));
                    }
                }
            }
            for door in &doors {
                let labels: std::collections::BTreeSet<&str> = door.units.iter().map(|unit| unit.label.as_str()).collect();
                prop_assert_eq!(labels.len(), door.units.len());
                let alone = door.units.len() == 1;
                let known = |label: &&str| if label.is_empty() { alone } else { UnitLabel::parse(label).is_some() };
                prop_assert!(labels.iter().all(known), "{labels:?}");
            }
        }
    }
}
