//! Where the demo's city has land and where it has a fjord.
//!
//! A shape of its own that was drawn by eye, with some forty corners: a fjord in the south, forest in the north and the
//! east. No published outline was used, and none is to be read out of it.

use dorbank_shared::geo::{LatLon, Metres};

use super::{noise::Field, plane};

/// What is at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The city's land, built on.
    Town,
    /// The city's land, left alone.
    Forest,
    /// The fjord, as far as it is the city's.
    Sea,
    /// Neither.
    Beyond,
}

/// The city's land; from the mouth of the river in the west along the shore, and back around the forest.
const LAND: [(f64, f64); 42] = [
    (59.9110, 10.6340),
    (59.9130, 10.6540),
    (59.9090, 10.6620),
    (59.9010, 10.6740),
    (59.9020, 10.6880),
    (59.9055, 10.7000),
    (59.9065, 10.7150),
    (59.9050, 10.7280),
    (59.9030, 10.7360),
    (59.9040, 10.7480),
    (59.8990, 10.7540),
    (59.8930, 10.7580),
    (59.8830, 10.7640),
    (59.8700, 10.7680),
    (59.8550, 10.7720),
    (59.8330, 10.7720),
    (59.8150, 10.7580),
    (59.8085, 10.7900),
    (59.8080, 10.8350),
    (59.8120, 10.8800),
    (59.8230, 10.9180),
    (59.8500, 10.9380),
    (59.8750, 10.9450),
    (59.8930, 10.9330),
    (59.9060, 10.9060),
    (59.9190, 10.8960),
    (59.9300, 10.9090),
    (59.9440, 10.9390),
    (59.9610, 10.9440),
    (59.9740, 10.9300),
    (59.9840, 10.9080),
    (59.9930, 10.8800),
    (60.0100, 10.8450),
    (60.0400, 10.8200),
    (60.0800, 10.8100),
    (60.1080, 10.7650),
    (60.1150, 10.6950),
    (60.0980, 10.6150),
    (60.0700, 10.5500),
    (60.0250, 10.5200),
    (59.9800, 10.5950),
    (59.9350, 10.6270),
];

/// The part of it that is built on: what the districts share among themselves. The forest has the rest. Where it reaches
/// over the land, the land goes before.
const TOWN: [(f64, f64); 31] = [
    (59.8960, 10.6100),
    (59.9300, 10.6249),
    (59.9480, 10.6299),
    (59.9607, 10.6439),
    (59.9687, 10.6640),
    (59.9662, 10.7000),
    (59.9567, 10.7160),
    (59.9662, 10.7400),
    (59.9682, 10.7730),
    (59.9557, 10.7950),
    (59.9487, 10.8113),
    (59.9507, 10.8363),
    (59.9647, 10.8610),
    (59.9717, 10.8890),
    (59.9677, 10.9230),
    (59.9760, 10.9500),
    (59.9500, 10.9593),
    (59.9200, 10.9093),
    (59.9120, 10.8763),
    (59.9050, 10.8523),
    (59.8930, 10.8533),
    (59.8760, 10.8503),
    (59.8620, 10.8263),
    (59.8570, 10.8393),
    (59.8460, 10.8573),
    (59.8260, 10.8593),
    (59.8130, 10.8500),
    (59.8000, 10.8300),
    (59.8000, 10.7300),
    (59.8500, 10.7000),
    (59.8800, 10.6300),
];

/// The city's part of the fjord. Where it reaches over the land, the land goes before.
const SEA: [(f64, f64); 9] = [
    (59.9120, 10.6340),
    (59.8960, 10.6280),
    (59.8680, 10.6450),
    (59.8420, 10.6900),
    (59.8130, 10.7280),
    (59.8120, 10.7700),
    (59.8600, 10.7900),
    (59.9120, 10.7700),
    (59.9120, 10.7000),
];

/// How far the shore and the outer border wander from what was drawn, in metres.
const WANDER: f64 = 130.0;

/// The ground of a city from a seed.
#[derive(Debug)]
pub struct Drawn {
    land: Vec<Metres>,
    town: Vec<Metres>,
    sea: Vec<Metres>,
    wander: [Field; 2],
}

impl Drawn {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        let on_plane = |corners: &[(f64, f64)]| corners.iter().map(|(lat, lon)| plane().project(LatLon { lat: *lat, lon: *lon })).collect();
        let wander = [Field::new(seed ^ 0x11, 900.0), Field::new(seed ^ 0x12, 900.0)];
        Self { land: on_plane(&LAND), town: on_plane(&TOWN), sea: on_plane(&SEA), wander }
    }

    /// What is at a place.
    pub fn at(&self, at: Metres) -> Ground {
        let [east, north] = self.wander.map(|field| field.at(at) * WANDER);
        let at = Metres { x: at.x + east, y: at.y + north };
        if holds(&self.land, at) {
            if holds(&self.town, at) { Ground::Town } else { Ground::Forest }
        } else if holds(&self.sea, at) {
            Ground::Sea
        } else {
            Ground::Beyond
        }
    }

    /// The smallest box that holds all land and sea, with room around it.
    pub fn bounds(&self) -> (Metres, Metres) {
        const ROOM: f64 = 800.0;
        let all = || self.land.iter().chain(&self.sea);
        let least = |of: fn(&Metres) -> f64| all().map(of).fold(f64::INFINITY, f64::min) - ROOM;
        let most = |of: fn(&Metres) -> f64| all().map(of).fold(f64::NEG_INFINITY, f64::max) + ROOM;
        (Metres { x: least(|at| at.x), y: least(|at| at.y) }, Metres { x: most(|at| at.x), y: most(|at| at.y) })
    }
}

/// Whether a ring holds a place: a ray from there to the east crosses it an odd number of times.
pub fn holds(ring: &[Metres], at: Metres) -> bool {
    let mut inside = false;
    for (index, a) in ring.iter().enumerate() {
        let b = ring[(index + 1) % ring.len()];
        if (a.y > at.y) != (b.y > at.y) && at.x < a.x + (at.y - a.y) / (b.y - a.y) * (b.x - a.x) {
            inside = !inside;
        }
    }
    inside
}
