//! What runs through the demo's city on its own: a motorway, a railway, rivers. Made up, as are their names.

use dorbank_shared::{
    geo::{LatLon, Metres},
    line::Kind,
};

use super::map::{Field, plane};

/// A way as it was drawn: through these places, latitude before longitude.
struct Drawn {
    kind: Kind,
    name: &'static str,
    through: &'static [(f64, f64)],
}

const WAYS: [Drawn; 7] = [
    Drawn {
        kind: Kind::Motorway,
        name: "Fjordleden",
        through: &[
            (59.9190, 10.6420),
            (59.9190, 10.6680),
            (59.9180, 10.7000),
            (59.9150, 10.7240),
            (59.9122, 10.7480),
            (59.9060, 10.7660),
            (59.8930, 10.7760),
            (59.8780, 10.7860),
            (59.8550, 10.7960),
            (59.8360, 10.8120),
            (59.8160, 10.8350),
        ],
    },
    Drawn {
        kind: Kind::Motorway,
        name: "Skogleden",
        through: &[
            (59.9270, 10.6400),
            (59.9400, 10.6900),
            (59.9450, 10.7300),
            (59.9440, 10.7750),
            (59.9310, 10.8150),
            (59.9130, 10.8150),
            (59.9000, 10.7950),
            (59.8930, 10.7760),
        ],
    },
    Drawn {
        kind: Kind::Railway,
        name: "Dalsporet",
        through: &[(59.9105, 10.7520), (59.9210, 10.8000), (59.9330, 10.8500), (59.9420, 10.8900), (59.9470, 10.9300)],
    },
    Drawn {
        kind: Kind::Railway,
        name: "Kystsporet",
        through: &[(59.9105, 10.7520), (59.9010, 10.7690), (59.8700, 10.7800), (59.8450, 10.7920), (59.8180, 10.8050)],
    },
    Drawn {
        kind: Kind::Railway,
        name: "Vestsporet",
        through: &[(59.9105, 10.7520), (59.9130, 10.7300), (59.9165, 10.7120), (59.9205, 10.6800), (59.9215, 10.6420)],
    },
    Drawn {
        kind: Kind::Water,
        name: "Kvernelva",
        through: &[
            (60.0100, 10.7900),
            (59.9750, 10.7760),
            (59.9480, 10.7610),
            (59.9260, 10.7560),
            (59.9150, 10.7570),
            (59.9070, 10.7560),
            (59.8980, 10.7500),
        ],
    },
    Drawn {
        kind: Kind::Water,
        name: "Heggelva",
        through: &[(59.9650, 10.9050), (59.9400, 10.8600), (59.9180, 10.8250), (59.9060, 10.7900), (59.9020, 10.7690), (59.8945, 10.7510)],
    },
];

/// How far a way wanders from what was drawn, in metres.
const WANDER: f64 = 70.0;
/// Into so many pieces each step is cut.
const PIECES: u32 = 8;

/// The ways of a city, from a seed.
pub fn ways(seed: u64) -> Vec<(Kind, &'static str, Vec<Metres>)> {
    let wander = [Field::new(seed ^ 0x41, 600.0), Field::new(seed ^ 0x42, 600.0)];
    let moved = |at: Metres| Metres { x: at.x + wander[0].at(at) * WANDER, y: at.y + wander[1].at(at) * WANDER };
    WAYS.iter()
        .map(|way| {
            let through: Vec<Metres> = way.through.iter().map(|(lat, lon)| plane().project(LatLon { lat: *lat, lon: *lon })).collect();
            (way.kind, way.name, curve(&through).into_iter().map(moved).collect())
        })
        .collect()
}

/// A smooth line through some places (Catmull and Rom's).
fn curve(through: &[Metres]) -> Vec<Metres> {
    let mut line = Vec::new();
    for index in 0..through.len().saturating_sub(1) {
        let (before, after) = (through[index.saturating_sub(1)], through[(index + 2).min(through.len() - 1)]);
        let (from, to) = (through[index], through[index + 1]);
        for piece in 0..PIECES {
            let t = f64::from(piece) / f64::from(PIECES);
            let of = |p0: f64, p1: f64, p2: f64, p3: f64| {
                0.5 * (2.0 * p1 + (p2 - p0) * t + (2.0 * p0 - 5.0 * p1 + 4.0 * p2 - p3) * t * t + (3.0 * p1 - p0 - 3.0 * p2 + p3) * t * t * t)
            };
            line.push(Metres { x: of(before.x, from.x, to.x, after.x), y: of(before.y, from.y, to.y, after.y) });
        }
    }
    line.extend(through.last());
    line
}

#[cfg(test)]
mod tests {
    use geo::{Contains as _, Point};

    use super::*;
    use crate::demo::{city, map::Tiling};

    #[test]
    fn roads_and_rails_stay_on_land_and_rivers_end_in_the_fjord() {
        for seed in [1, 2, 2026] {
            let land = Tiling::build(seed, &city::claims()).land();
            for (kind, name, line) in ways(seed) {
                let points = line.iter().map(|at| plane().unproject(*at)).map(|at| Point::new(at.lon, at.lat));
                let dry: Vec<bool> = points.map(|at| land.contains(&at)).collect();
                let river = kind == Kind::Water;
                assert!(dry[..dry.len() - if river { 6 } else { 0 }].iter().all(|dry| *dry), "{name} {seed}");
                assert_eq!(dry.last(), Some(&!river), "{name} {seed}");
                assert!(line.windows(2).all(|pair| pair[0].distance(pair[1]) < 700.0), "{name} {seed}");
            }
        }
    }
}
