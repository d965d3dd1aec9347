//! Where the streets of a district run: rows that bend together, cut into streets, with ways on foot across.

use std::collections::BTreeMap;

use dorbank_shared::geo::Metres;
use rand::RngExt as _;

use super::{
    maker::Maker,
    map::{Near, Tiling, chance, plane},
};

/// How far rows lie apart, in metres.
const ROW: f64 = 66.0;
/// A row is looked at every so many metres.
const STEP: f64 = 15.0;
/// How long a street is at least, in metres.
const SHORTEST: f64 = 90.0;
/// What a street leaves open where it is cut, in metres to each side.
const GAP: f64 = 7.0;
/// How far a street keeps from the borders of its district and from the shore, in metres.
pub const FROM_BORDERS: f64 = 32.0;
/// How far it keeps from motorways, railways and rivers.
pub const FROM_WAYS: f64 = 45.0;

/// The room that a district has for streets.
#[derive(Debug)]
pub struct Room<'a> {
    tiling: &'a Tiling,
    district: usize,
    borders: Near,
    ways: &'a Near,
}

impl<'a> Room<'a> {
    /// The room of a district beside some ways.
    pub fn new(tiling: &'a Tiling, district: usize, ways: &'a Near) -> Self {
        let mut borders = Near::default();
        let rings = tiling.districts[district].0.iter().flat_map(|part| std::iter::once(part.exterior()).chain(part.interiors()));
        for ring in rings {
            let line: Vec<Metres> = ring.coords().map(|at| plane().project(dorbank_shared::geo::LatLon { lat: at.y, lon: at.x })).collect();
            borders.add(&line);
        }
        Self { tiling, district, borders, ways }
    }

    /// Whether a street may pass a place.
    pub fn holds(&self, at: Metres) -> bool {
        self.tiling.is_in(at, self.district) && !self.borders.passes(at, FROM_BORDERS) && !self.ways.passes(at, FROM_WAYS)
    }
}

/// The rows of a district: turned against the north, and bent together, so that they never meet.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    centre: Metres,
    turn: (f64, f64),
    phase: (f64, f64),
    seed: u64,
}

/// A stretch of a row on which there may be a street.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// The row.
    pub row: i32,
    /// From here to there along the row, in metres.
    pub along: (f64, f64),
}

impl Stretch {
    /// How long it is, in metres.
    pub fn length(&self) -> f64 {
        self.along.1 - self.along.0
    }
}

impl Frame {
    /// Rows around a centre.
    pub fn new(maker: &mut Maker, centre: Metres) -> Self {
        let turn: f64 = maker.rng.random_range(0.0..std::f64::consts::PI);
        let mut phase = || maker.rng.random_range(0.0..std::f64::consts::TAU);
        Self { centre, turn: turn.sin_cos(), phase: (phase(), phase()), seed: maker.rng.random_range(0..u64::MAX) }
    }

    /// A place: so far along a row, so far to its left.
    pub fn place(&self, row: i32, along: f64, left: f64) -> Metres {
        const BEND: (f64, f64) = (55.0, 270.0);
        let across = f64::from(row) * ROW + left;
        let x = along + BEND.0 * (across / BEND.1 + self.phase.0).sin();
        let y = across + BEND.0 * (along / BEND.1 + self.phase.1).sin();
        let (sin, cos) = self.turn;
        Metres { x: self.centre.x + x * cos - y * sin, y: self.centre.y + x * sin + y * cos }
    }

    /// The line of a stretch.
    pub fn line(&self, stretch: &Stretch) -> Vec<Metres> {
        let pieces = (stretch.length() / 55.0).ceil().max(1.0);
        let mut line = Vec::new();
        let mut piece = 0.0;
        while piece <= pieces {
            line.push(self.place(stretch.row, stretch.along.0 + stretch.length() * piece / pieces, 0.0));
            piece += 1.0;
        }
        line
    }

    /// Where ways on foot cross the rows, up to so far from the centre.
    fn cuts(&self, reach: f64) -> Vec<f64> {
        let mut cuts = Vec::new();
        let mut number = 0;
        let mut next = 70.0 * chance(self.seed, 0, 0);
        // The same cuts, whatever the reach.
        while next < reach {
            cuts.push(next);
            number += 1;
            next += 210.0 + 70.0 * chance(self.seed, number, 1);
        }
        let mut next = cuts.first().copied().unwrap_or_default();
        let mut number = 0;
        loop {
            number += 1;
            next -= 210.0 + 70.0 * chance(self.seed, number, 2);
            if next < -reach {
                break;
            }
            cuts.insert(0, next);
        }
        cuts
    }

    /// All stretches up to so far from the centre where there is room, the nearest to the centre first.
    #[expect(clippy::cast_possible_truncation, reason = "a district has some hundred rows")]
    pub fn stretches(&self, room: &Room<'_>, reach: f64) -> Vec<Stretch> {
        let cuts = self.cuts(reach);
        let rows = (reach / ROW) as i32;
        let mut out = Vec::new();
        for row in -rows..=rows {
            let mut open: Option<f64> = None;
            let mut close = |open: &mut Option<f64>, at: f64| {
                if let Some(from) = open.take().filter(|from| at - from >= SHORTEST) {
                    out.push(Stretch { row, along: (from, at) });
                }
            };
            let mut cut = cuts.iter().peekable();
            let mut at = -reach;
            while at < reach {
                if cut.next_if(|cut| **cut <= at).is_some() && chance(self.seed ^ 3, i64::from(row), at as i64) > 0.0 {
                    close(&mut open, at - GAP);
                }
                if room.holds(self.place(row, at, 0.0)) {
                    open.get_or_insert(at + GAP);
                } else {
                    close(&mut open, at - STEP);
                }
                at += STEP;
            }
            close(&mut open, at - STEP);
        }
        let far = |stretch: &Stretch| (f64::midpoint(stretch.along.0, stretch.along.1)).hypot(f64::from(stretch.row) * ROW);
        out.retain(|stretch| far(stretch) <= reach);
        out.sort_by(|a, b| far(a).total_cmp(&far(b)));
        out
    }

    /// Ways on foot from row to row, between streets.
    pub fn paths(&self, room: &Room<'_>, streets: &[Stretch]) -> Vec<Vec<Metres>> {
        let mut rows: BTreeMap<i32, Vec<(f64, f64)>> = BTreeMap::new();
        let mut reach: f64 = 0.0;
        for street in streets {
            rows.entry(street.row).or_default().push(street.along);
            reach = reach.max(street.along.0.abs()).max(street.along.1.abs());
        }
        let meets = |row: i32, cut: f64| {
            rows.get(&row).is_some_and(|along| along.iter().any(|(from, to)| (from - 3.0 * GAP..=to + 3.0 * GAP).contains(&cut)))
        };
        let is_open = |row: i32, cut: f64| [0.25, 0.5, 0.75].iter().all(|share| room.holds(self.place(row, cut, share * ROW)));
        let mut out = Vec::new();
        for cut in self.cuts(reach + GAP) {
            let mut line: Vec<Metres> = Vec::new();
            for row in rows.keys().copied() {
                if meets(row, cut) && meets(row + 1, cut) && is_open(row, cut) {
                    if line.is_empty() {
                        line.push(self.place(row, cut, 0.0));
                    }
                    line.push(self.place(row + 1, cut, 0.0));
                } else if !line.is_empty() {
                    out.push(std::mem::take(&mut line));
                }
            }
            out.extend(Some(line).filter(|line| !line.is_empty()));
        }
        out
    }
}
