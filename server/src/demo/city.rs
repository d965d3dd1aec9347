//! The demo's city: districts, streets, entrances and doors, from a seed.

use dorbank_shared::{
    geo::{LatLon, Metres},
    place::{Entrance, Unit, UnitLabel},
};
use rand::{RngExt as _, seq::IndexedRandom as _};

use super::{
    maker::Maker,
    names,
    shape::{self, Cell, Site},
};
use crate::store::{district::NewDistrict, entrance::Registered};

/// Who publishes the demo's addresses.
pub const ORIGIN: &str = "demo";

/// A district as the demo knows it: number, name, households, square kilometres, centre, and the share of its streets
/// that have blocks. Names, numbers, households (2018) and centres are the real ones.
#[derive(Debug)]
pub struct Known {
    /// Its number.
    pub number: &'static str,
    name: &'static str,
    area: &'static str,
    households: i64,
    square_km: f64,
    centre: LatLon,
    blocks: f64,
}

impl Known {
    /// What it is called.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The number under which its inputs are counted.
    pub const fn area(&self) -> &'static str {
        self.area
    }

    /// Whether it is counted under its own number.
    pub fn is_area(&self) -> bool {
        self.area == self.number
    }
}

const fn known(
    number: &'static str,
    name: &'static str,
    households: i64,
    square_km: f64,
    centre: (f64, f64),
    blocks: f64,
    area: &'static str,
) -> Known {
    Known { number, name, area, households, square_km, centre: LatLon { lat: centre.0, lon: centre.1 }, blocks }
}

/// Oslo's seventeen. Sentrum and Marka are counted with a neighbour.
pub const DISTRICTS: [Known; 17] = [
    known("01", "Gamle Oslo", 30_332, 7.4, (59.9057, 10.7709), 0.95, "01"),
    known("02", "Grünerløkka", 34_756, 4.7, (59.9251, 10.7776), 0.97, "02"),
    known("03", "Sagene", 26_265, 3.1, (59.9382, 10.7646), 0.97, "03"),
    known("04", "St. Hanshaugen", 23_441, 3.6, (59.9288, 10.7393), 0.95, "04"),
    known("05", "Frogner", 35_080, 8.3, (59.9140, 10.6976), 0.9, "05"),
    known("06", "Ullern", 15_449, 9.4, (59.9273, 10.6626), 0.35, "06"),
    known("07", "Vestre Aker", 21_068, 16.5, (59.9544, 10.6695), 0.3, "07"),
    known("08", "Nordre Aker", 23_745, 13.6, (59.9544, 10.7577), 0.45, "08"),
    known("09", "Bjerke", 14_570, 7.9, (59.9390, 10.8236), 0.6, "09"),
    known("10", "Grorud", 12_706, 7.0, (59.9615, 10.8832), 0.65, "10"),
    known("11", "Stovner", 13_294, 8.2, (59.9552, 10.9223), 0.6, "11"),
    known("12", "Alna", 22_241, 13.6, (59.9296, 10.8654), 0.65, "12"),
    known("13", "Østensjø", 22_871, 11.8, (59.8908, 10.8331), 0.6, "13"),
    known("14", "Nordstrand", 22_672, 16.8, (59.8740, 10.7914), 0.3, "14"),
    known("15", "Søndre Nordstrand", 15_010, 18.3, (59.8335, 10.8268), 0.4, "15"),
    known("16", "Sentrum", 817, 2.0, (59.9093, 10.7399), 1.0, "04"),
    known("17", "Marka", 715, 40.0, (60.0350, 10.7200), 0.0, "08"),
];

/// Marka's second part, south-east of the city.
const MARKA_EAST: (LatLon, f64) = (LatLon { lat: 59.855, lon: 10.935 }, 20.0);

/// A city.
#[derive(Debug)]
pub struct City {
    /// Its districts, as they are written.
    pub districts: Vec<NewDistrict>,
    /// The entrances of each district, in the districts' order, street by street.
    pub entrances: Vec<Vec<Entrance>>,
}

impl City {
    /// Makes a city with one dwelling for every `scale` households.
    pub fn build(maker: &mut Maker, scale: i64) -> Self {
        let mut sites: Vec<Site> = DISTRICTS.iter().map(|d| shape::site(d.centre, d.square_km)).collect();
        sites.push(shape::site(MARKA_EAST.0, MARKA_EAST.1));
        let cells = shape::cells(&sites);
        let mut names = names::streets(&mut maker.rng).into_iter();
        let mut districts = Vec::new();
        let mut entrances = Vec::new();
        for (index, (known, cell)) in DISTRICTS.iter().zip(&cells).enumerate() {
            let parts = if known.number == "17" { vec![cell, &cells[DISTRICTS.len()]] } else { vec![cell] };
            districts.push(NewDistrict {
                number: known.number.to_owned(),
                name: known.name.to_owned(),
                area: known.area.to_owned(),
                households: known.households,
                boundary: Some(shape::geojson(&parts)),
            });
            entrances.push(houses(maker, known, cell, sites[index].at, known.households / scale, &mut names));
        }
        Self { districts, entrances }
    }

    /// The entrances as the register keeps them.
    pub fn registered(&self) -> Vec<Registered> {
        self.entrances
            .iter()
            .flatten()
            .zip(1..)
            .map(|(entrance, place): (_, i64)| Registered {
                id: entrance.id,
                origin: ORIGIN.to_owned(),
                source_id: place.to_string(),
                municipality: "0301".to_owned(),
                street: entrance.street.clone(),
                number: entrance.number,
                letter: entrance.letter.clone(),
                postcode: "0000".to_owned(),
                post_town: "OSLO".to_owned(),
                grunnkrets: None,
                district: entrance.district.clone(),
                at: entrance.at,
                vanished: false,
            })
            .collect()
    }

    /// All doors, each with its entrance's id.
    pub fn units(&self) -> Vec<(uuid::Uuid, Unit)> {
        self.entrances.iter().flatten().flat_map(|entrance| entrance.units.iter().map(|unit| (entrance.id, unit.clone()))).collect()
    }
}

/// How long a street is, in metres, and how far the next one in its line begins from where it began.
const STREET: (f64, f64) = (320.0, 370.0);
/// How far streets lie apart.
const ROW: f64 = 90.0;
/// How far a house stands from the middle of its street.
const SETBACK: f64 = 13.0;

/// The streets of a district, nearest to its centre first, until there are doors enough.
fn houses(maker: &mut Maker, known: &Known, cell: &Cell, centre: Metres, wanted: i64, names: &mut impl Iterator<Item = String>) -> Vec<Entrance> {
    let turn: f64 = maker.rng.random_range(0.0..std::f64::consts::PI);
    let (sin, cos) = turn.sin_cos();
    let place = |along: f64, across: f64| Metres { x: centre.x + along * cos - across * sin, y: centre.y + along * sin + across * cos };
    let mut lines: Vec<(f64, f64)> = (-12..12).flat_map(|i| (-40..40).map(move |j| (f64::from(i) * STREET.1, f64::from(j) * ROW))).collect();
    lines.retain(|(along, across)| holds_street(cell, place(*along, *across), place(along + STREET.0, *across)));
    lines.sort_by(|a, b| {
        let far = |(along, across): &(f64, f64)| (along + STREET.0 / 2.0).hypot(*across);
        far(a).total_cmp(&far(b))
    });
    let mut entrances: Vec<Entrance> = Vec::new();
    let mut doors = 0;
    for ((along, across), street) in lines.into_iter().zip(names) {
        if doors >= wanted {
            break;
        }
        let blocks = maker.rng.random_bool(known.blocks);
        let step = if blocks { 26.0 } else { 22.0 };
        let mut reach = 10.0;
        let mut number = 1;
        while reach < STREET.0 && doors < wanted {
            for (side, setback) in [(0, SETBACK), (1, -SETBACK)] {
                let letters: &[&str] = if blocks && maker.rng.random_bool(0.12) { &["A", "B"] } else { &[""] };
                for (letter, shift) in letters.iter().zip([0.0, 9.0]) {
                    let units = units(maker, blocks);
                    doors += i64::try_from(units.len()).unwrap_or(0);
                    let at = shape::plane().unproject(place(along + reach + shift, across + setback));
                    entrances.push(Entrance {
                        id: maker.id(),
                        street: street.clone(),
                        number: number + side,
                        letter: (*letter).to_owned(),
                        district: Some(known.number.to_owned()),
                        at: crate::import::round(at),
                        do_not_knock: false,
                        units,
                    });
                }
            }
            number += 2;
            reach += step;
        }
    }
    entrances
}

/// Whether a street with its houses lies well inside a district.
fn holds_street(cell: &Cell, from: Metres, to: Metres) -> bool {
    shape::holds(cell, from, 2.0 * SETBACK) && shape::holds(cell, to, 2.0 * SETBACK)
}

/// The doors of an entrance: floors with doors in a block; else one, seldom two.
fn units(maker: &mut Maker, block: bool) -> Vec<Unit> {
    let mut labels = Vec::new();
    if block {
        let floors: u8 = *[3, 4, 4, 4, 5, 5, 8].choose(&mut maker.rng).unwrap_or(&4);
        let doors: u8 = *[2, 2, 2, 3].choose(&mut maker.rng).unwrap_or(&2);
        if maker.rng.random_bool(0.08) {
            labels.push("U0101".to_owned());
        }
        for floor in 1..=floors {
            // A shop or the bicycles take a part of some ground floors.
            let doors = if floor == 1 && maker.rng.random_bool(0.3) { doors - 1 } else { doors };
            labels.extend((1..=doors).map(|door| format!("H{floor:02}{door:02}")));
        }
    } else if maker.rng.random_bool(0.1) {
        labels.extend(["H0101".to_owned(), "H0201".to_owned()]);
    } else {
        labels.push(String::new());
    }
    debug_assert!(labels.iter().all(|label| label.is_empty() || UnitLabel::parse(label).is_some()));
    labels.iter().map(|label| Unit::new(maker.id(), label)).collect()
}
