//! The demo's city: districts, streets, entrances and doors, from a seed.

use std::collections::HashSet;

use dorbank_shared::{
    geo::{LatLon, Metres},
    line::{Form, Geometry, Kind, Line, Micro},
    place::{Entrance, Unit},
};
use geo::MultiPolygon;
use rand::RngExt as _;
use uuid::Uuid;

use super::{
    houses::{self, Build},
    layout::{Frame, Room, Stretch},
    maker::Maker,
    map::{Claim, Near, Tiling, plane},
    names::Streets,
    ways::ways,
};
use crate::store::{district::NewDistrict, entrance::Registered};

/// Who publishes the demo's addresses.
pub const ORIGIN: &str = "demo";

/// A district as the demo knows it: number, name, households, square kilometres, centre, and the share of its dwellings
/// that lie in blocks. Names, numbers, households (2018), sizes and centres are the real ones (Oslo kommune's statistics;
/// sizes and centres without the fjord). The shares are guessed.
#[derive(Debug)]
pub struct Known {
    /// Its number.
    pub number: &'static str,
    name: &'static str,
    area: &'static str,
    households: i64,
    square_km: Option<f64>,
    centre: LatLon,
    blocks: f64,
}

impl Known {
    /// Its size without the fjord; absent for the forest, which has what the others leave.
    pub const fn square_km(&self) -> Option<f64> {
        self.square_km
    }

    /// Its centre.
    pub const fn centre(&self) -> LatLon {
        self.centre
    }

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
    let square_km = if square_km > 0.0 { Some(square_km) } else { None };
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
    known("17", "Marka", 715, 0.0, (60.0350, 10.7200), 0.0, "08"),
];

/// What each district claims of the land.
pub fn claims() -> Vec<Claim> {
    DISTRICTS.iter().map(|known| Claim { at: plane().project(known.centre()), square_m: known.square_km().map(|size| size * 1e6) }).collect()
}

/// A city.
#[derive(Debug)]
pub struct City {
    /// Its districts, as they are written.
    pub districts: Vec<NewDistrict>,
    /// The entrances of each district, in the districts' order, street by street.
    pub entrances: Vec<Vec<Entrance>>,
    /// What a map draws: the shore, rivers, roads, railways, streets with their names, ways on foot.
    pub lines: Vec<Line>,
}

impl City {
    /// Makes a city with one dwelling for every `scale` households.
    pub fn build(maker: &mut Maker, scale: i64) -> Self {
        let seed = maker.rng.random_range(0..u64::MAX);
        let tiling = Tiling::build(seed, &claims());
        let mut lines = vec![];
        let mut near = Near::default();
        for (kind, name, points) in ways(seed) {
            near.add(&points);
            lines.push(line(kind, name, &points));
        }
        lines.push(shore(&tiling.fjord));
        let mut names = Streets::new(&mut maker.rng);
        let mut districts = Vec::new();
        let mut entrances = Vec::new();
        for (index, known) in DISTRICTS.iter().enumerate() {
            districts.push(NewDistrict {
                number: known.number.to_owned(),
                name: known.name.to_owned(),
                area: known.area.to_owned(),
                households: known.households,
                boundary: Some(crate::import::write_outline(&tiling.districts[index])),
            });
            let room = Room::new(&tiling, index, &near);
            let wanted = usize::try_from(known.households / scale).unwrap_or_default();
            entrances.push(settle(maker, known, &room, wanted, &mut names, &mut lines));
        }
        Self { districts, entrances, lines }
    }

    /// Entrances as the register keeps them: of those that are given, or all others.
    pub fn registered(&self, among: &HashSet<Uuid>, given: bool) -> Vec<Registered> {
        let all = self.entrances.iter().flatten().zip(1..);
        all.filter(|(entrance, _)| among.contains(&entrance.id) == given)
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

    /// The doors of the same entrances, each with its entrance's id.
    pub fn units(&self, among: &HashSet<Uuid>, given: bool) -> Vec<(Uuid, Unit)> {
        let entrances = self.entrances.iter().flatten().filter(|entrance| among.contains(&entrance.id) == given);
        entrances.flat_map(|entrance| entrance.units.iter().map(|unit| (entrance.id, unit.clone()))).collect()
    }
}

/// How far a house stands from the middle of its street, in metres.
const SETBACK: f64 = 13.0;

fn on_ground(at: Metres) -> LatLon {
    crate::import::round(plane().unproject(at))
}

/// A line of the map.
fn line(kind: Kind, name: &str, points: &[Metres]) -> Line {
    let points = points.iter().filter_map(|at| Micro::near(plane().unproject(*at))).collect();
    Line { kind, name: name.to_owned(), geometry: Geometry { form: Form::Lines, parts: vec![points] } }
}

/// The fjord, as an area.
fn shore(fjord: &MultiPolygon) -> Line {
    let rings = fjord.0.iter().flat_map(|part| std::iter::once(part.exterior()).chain(part.interiors()));
    let parts = rings.map(|ring| ring.coords().filter_map(|at| Micro::near(LatLon { lat: at.y, lon: at.x })).collect()).collect();
    Line { kind: Kind::Water, name: "Fjorden".to_owned(), geometry: Geometry { form: Form::Area, parts } }
}

/// The streets of a district, nearest to its centre first, until there are doors enough.
fn settle(maker: &mut Maker, known: &Known, room: &Room<'_>, wanted: usize, names: &mut Streets, lines: &mut Vec<Line>) -> Vec<Entrance> {
    let frame = Frame::new(maker, plane().project(known.centre));
    let in_blocks = wanted as f64 * known.blocks;
    let square_m = in_blocks / Build::Blocks.density() + (wanted as f64 - in_blocks) / Build::Houses.density();
    // Twice the room that is needed, since borders and water take theirs; and more where that was not enough.
    let mut reach = (2.0 * square_m / std::f64::consts::PI).sqrt() + 300.0;
    let mut free = frame.stretches(room, reach);
    let mut entrances = Vec::new();
    let mut used = Vec::new();
    let (mut doors, mut block_doors) = (0, 0);
    let mut next = 0;
    while doors < wanted {
        let Some(stretch) = free.get(next).copied() else {
            if reach > FARTHEST {
                break;
            }
            reach *= 1.5;
            free = frame.stretches(room, reach);
            free.retain(|stretch| !used.iter().any(|other| overlap(stretch, other)));
            next = 0;
            continue;
        };
        next += 1;
        // The share of dwellings in blocks holds at every distance from the centre, as far as streets are whole.
        let left = (in_blocks - block_doors as f64).max(0.0);
        let blocks = known.blocks >= 1.0 || left >= 8.0 && block_doors as f64 <= known.blocks * doors as f64;
        let (kind, most) = if blocks { (Build::Blocks, (wanted - doors).min(whole(left).max(1))) } else { (Build::Houses, wanted - doors) };
        let name = names.next(blocks);
        for door in houses::build(maker, kind, stretch.length(), most) {
            doors += door.units.len();
            block_doors += if blocks { door.units.len() } else { 0 };
            let left = if door.number % 2 == 1 { SETBACK } else { -SETBACK };
            entrances.push(Entrance {
                id: maker.id(),
                street: name.clone(),
                number: door.number,
                letter: door.letter.to_owned(),
                district: Some(known.number.to_owned()),
                at: on_ground(frame.place(stretch.row, stretch.along.0 + door.along, left)),
                do_not_knock: false,
                units: door.units,
            });
        }
        lines.push(line(Kind::Street, &name, &frame.line(&stretch)));
        used.push(stretch);
    }
    lines.extend(frame.paths(room, &used).iter().map(|path| line(Kind::Path, "", path)));
    entrances
}

/// No district reaches farther than this from its centre, in metres.
const FARTHEST: f64 = 12_000.0;

/// Whether two stretches are, in part, the same.
fn overlap(a: &Stretch, b: &Stretch) -> bool {
    a.row == b.row && a.along.0 < b.along.1 && b.along.0 < a.along.1
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of doors")]
fn whole(doors: f64) -> usize {
    doors.ceil() as usize
}

#[cfg(test)]
mod tests;
