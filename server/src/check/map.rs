//! The city drawn as SVG, from our own data alone: outlines, entrances as dots, and what was found in colour.
//!
//! All is on a grid, and a dot is a line of no length with round ends, thousands of them in one path: a city of a hundred
//! thousand entrances is some hundred kilobytes. A line's width does not grow when a part is drawn larger, so the same
//! drawing, named once, serves for the whole and for each district.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
};

use dorbank_shared::geo::{Bounds, LatLon, Metres, Plane};
use geo::{InteriorPoint as _, MultiPolygon};

use super::{Finding, Report, report::Kind};
use crate::import::read_outline;

/// How many steps the longer side of the map has.
const STEPS: f64 = 4_000.0;
/// So many entrances at either end, of a thousand, do not stretch the map: one wrong coordinate would make all others a dot.
const STRAY_PER_1000: usize = 5;
/// How many dots of a kind say what they are when one points at them.
const TOLD: usize = 300;

/// A part of the map: its corner, width and height, in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
}

impl View {
    /// As `viewBox` has it.
    pub fn text(self) -> String {
        format!("{} {} {} {}", self.x, self.y, self.width, self.height)
    }
}

/// The map, ready to be put into a page.
#[derive(Debug)]
pub struct Map {
    /// All of it.
    pub whole: View,
    /// The groups inside the drawing, with all dots.
    pub drawing: String,
    /// The numbers of the districts, where they stand.
    pub labels: String,
    /// Where each district lies, by its number.
    pub districts: BTreeMap<String, View>,
    /// How many findings lie beyond its edge.
    pub beyond: usize,
}

/// A grid over the ground, with north above.
struct Grid {
    plane: Plane,
    top: Metres,
    step: f64,
}

impl Grid {
    #[expect(clippy::cast_possible_truncation, reason = "steps are few; what is nowhere lands at an edge of i64 and outside the map")]
    fn at(&self, at: LatLon) -> (i64, i64) {
        let place = self.plane.project(at);
        (((place.x - self.top.x) / self.step).round() as i64, ((self.top.y - place.y) / self.step).round() as i64)
    }

    fn view(&self, bounds: Bounds, margin: i64) -> View {
        let (left, bottom) = self.at(bounds.min);
        let (right, top) = self.at(bounds.max);
        View { x: left - margin, y: top - margin, width: right - left + 2 * margin, height: bottom - top + 2 * margin }
    }
}

/// Draws a city; nothing where there is neither an outline nor an entrance. `name` says what a finding is.
pub fn draw(report: &Report, name: impl Fn(&Finding) -> String) -> Option<Map> {
    let outlines: Vec<(&str, MultiPolygon)> =
        report.city.outlines.iter().filter_map(|(number, text)| Some((number.as_str(), read_outline(text)?))).collect();
    let corners = outlines.iter().flat_map(|(_, shape)| points(shape));
    let bounds = Bounds::of(corners.chain(usual(report)))?;
    let plane = Plane::at(bounds.centre());
    let (low, high) = (plane.project(bounds.min), plane.project(bounds.max));
    let grid = Grid { plane, top: Metres { x: low.x, y: high.y }, step: ((high.x - low.x).max(high.y - low.y) / STEPS).max(0.1) };
    let whole = grid.view(bounds, 60);
    let mut districts: BTreeMap<String, View> = BTreeMap::new();
    let (mut areas, mut labels) = (String::new(), String::new());
    for (number, shape) in &outlines {
        let _ = write!(areas, "<path class=\"area\" d=\"{}\"/>", outline(&grid, shape));
        if let Some(bounds) = Bounds::of(points(shape)) {
            let view = grid.view(bounds, 20);
            // The middle of a district that bends may lie in another.
            let middle = shape.interior_point().map_or_else(|| bounds.centre(), |at| LatLon { lat: at.y(), lon: at.x() });
            let (x, y) = grid.at(middle);
            let _ = write!(labels, "<text x=\"{x}\" y=\"{y}\">{}</text>", super::html::escape(number));
            districts.insert((*number).to_owned(), view);
        }
    }
    let (dots, beyond) = dots(report, &grid, whole, name);
    Some(Map { whole, drawing: areas + &dots, labels, districts, beyond })
}

fn points(shape: &MultiPolygon) -> impl Iterator<Item = LatLon> + '_ {
    shape.iter().flat_map(|polygon| polygon.exterior().0.iter()).map(|corner| LatLon { lat: corner.y, lon: corner.x })
}

/// The corners of the box that holds nearly all entrances.
fn usual(report: &Report) -> Vec<LatLon> {
    let inner = |part: fn(LatLon) -> f64| {
        let mut all: Vec<f64> = report.city.houses.iter().map(|house| part(house.at)).filter(|value| value.is_finite()).collect();
        all.sort_unstable_by(f64::total_cmp);
        let stray = all.len() * STRAY_PER_1000 / 1000;
        Some((*all.get(stray)?, *all.get(all.len().checked_sub(stray + 1)?)?))
    };
    let Some(((south, north), (west, east))) = inner(|at| at.lat).zip(inner(|at| at.lon)) else { return Vec::new() };
    vec![LatLon { lat: south, lon: west }, LatLon { lat: north, lon: east }]
}

fn outline(grid: &Grid, shape: &MultiPolygon) -> String {
    let mut out = String::new();
    for ring in shape.iter().flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors())) {
        let mut last = None;
        for corner in &ring.0 {
            let (x, y) = grid.at(LatLon { lat: corner.y, lon: corner.x });
            match last {
                None => _ = write!(out, "M{x} {y}"),
                Some(last) if last == (x, y) => {}
                Some((before_x, before_y)) => _ = write!(out, "l{} {}", x - before_x, y - before_y),
            }
            last = Some((x, y));
        }
        out.push('z');
    }
    out
}

/// So many dots as one path. Each stands once, from above to below and left to right, so that steps between them are small.
fn path(dots: HashSet<(i64, i64)>) -> String {
    let mut dots: Vec<(i64, i64)> = dots.into_iter().map(|(x, y)| (y, x)).collect();
    dots.sort_unstable();
    let mut out = String::new();
    let mut last = (0, 0);
    for (y, x) in dots {
        let _ = write!(out, "m{} {}h0", x - last.0, y - last.1);
        last = (x, y);
    }
    out
}

fn dots(report: &Report, grid: &Grid, whole: View, name: impl Fn(&Finding) -> String) -> (String, usize) {
    let inside = |(x, y): (i64, i64)| (whole.x..=whole.x + whole.width).contains(&x) && (whole.y..=whole.y + whole.height).contains(&y);
    let at = |house: usize| grid.at(report.city.houses[house].at);
    let mut out = String::new();
    let all: HashSet<(i64, i64)> = report.city.houses.iter().map(|house| grid.at(house.at)).filter(|at| inside(*at)).collect();
    let _ = write!(out, "<path class=\"dots\" d=\"{}\"/>", path(all));
    let mut beyond = 0;
    for kind in Kind::ALL {
        let found: Vec<&Finding> = report.of_kind(kind).filter(|finding| finding.house.is_some()).collect();
        if found.is_empty() {
            continue;
        }
        let _ = write!(out, "<g class=\"found {}\">", kind.class());
        let mut rest = HashSet::new();
        for (index, finding) in found.iter().enumerate() {
            let Some(place) = finding.house.map(at) else { continue };
            if !inside(place) {
                beyond += 1;
            } else if index < TOLD {
                let (x, y) = place;
                let _ = write!(out, "<path d=\"M{x} {y}h0\"><title>{}</title></path>", super::html::escape(&name(finding)));
            } else {
                rest.insert(place);
            }
        }
        if !rest.is_empty() {
            let _ = write!(out, "<path d=\"{}\"/>", path(rest));
        }
        out.push_str("</g>");
    }
    (out, beyond)
}
