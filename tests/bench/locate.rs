//! `dorbank-bench-locate POINTS RUNS [OUTLINES [UNITS]]`: imports districts into a fresh database as an operator does, and
//! times how long it takes to find the district of each of so many points by the outlines alone.
//!
//! Points lie evenly over the box around the districts, so that many lie in none, and many near a border. Without a file
//! the districts are made up: as many as Oslo's, with as many corners. Prints a line of JSON.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use dorbank_server::{
    import::{DistrictOptions, Locator, districts},
    store::{Db, district},
};
use dorbank_shared::geo::{Bounds, LatLon};
use serde_json::{Value, json};

/// How many districts are made up, and how many corners each of their four sides has.
const COLUMNS: usize = 5;
const ROWS: usize = 3;
const CORNERS: usize = 70;

/// A place to work in, removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A corner of a grid whose lines wave, so that a border is no straight line and both sides have the same.
fn corner(column: f64, row: f64) -> [f64; 2] {
    let wave = |a: f64, b: f64| 0.08 * (a * 9.0).sin() * (b * 5.0).cos();
    [10.5 + 0.09 * (column + wave(row, column)), 59.81 + 0.075 * (row + wave(column, row))]
}

/// As many districts as Oslo has, in a grid.
fn made_up() -> Value {
    let side = |from: (f64, f64), to: (f64, f64)| {
        (0..CORNERS).map(move |step| {
            let along = step as f64 / CORNERS as f64;
            corner(from.0 + (to.0 - from.0) * along, from.1 + (to.1 - from.1) * along)
        })
    };
    let feature = |index: usize| {
        let (west, south) = ((index % COLUMNS) as f64, (index / COLUMNS) as f64);
        let turns = [(west, south), (west + 1.0, south), (west + 1.0, south + 1.0), (west, south + 1.0), (west, south)];
        let mut ring: Vec<[f64; 2]> = turns.windows(2).flat_map(|pair| side(pair[0], pair[1])).collect();
        ring.push(ring[0]);
        json!({"type": "Feature", "properties": {"nr": index + 1, "navn": format!("N{index}")}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    };
    json!({"type": "FeatureCollection", "features": (0..COLUMNS * ROWS).map(feature).collect::<Vec<_>>()})
}

/// Evenly spread and the same each time: multiples of the golden ratio's parts (Roberts, 2018).
fn points(bounds: Bounds, count: usize) -> Vec<LatLon> {
    let part = |index: usize, step: f64| (index as f64 * step).fract();
    let at = |index: usize| LatLon {
        lat: bounds.min.lat + (bounds.max.lat - bounds.min.lat) * part(index, 0.754_877_666_246_692_8),
        lon: bounds.min.lon + (bounds.max.lon - bounds.min.lon) * part(index, 0.569_840_290_998_053_2),
    };
    (1..=count).map(at).collect()
}

/// All corners of all outlines.
fn corners(boundaries: &[(String, String)]) -> Result<Vec<LatLon>> {
    fn collect(value: &Value, out: &mut Vec<LatLon>) {
        match value.as_array().map(Vec::as_slice) {
            Some([Value::Number(lon), Value::Number(lat), ..]) => {
                out.extend(lat.as_f64().zip(lon.as_f64()).map(|(lat, lon)| LatLon { lat, lon }));
            }
            Some(inner) => inner.iter().for_each(|value| collect(value, out)),
            None => {}
        }
    }
    let mut out = Vec::new();
    for (_, text) in boundaries {
        collect(&serde_json::from_str::<Value>(text)?["coordinates"], &mut out);
    }
    Ok(out)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    ensure!((2..=4).contains(&arguments.len()), "usage: dorbank-bench-locate POINTS RUNS [OUTLINES [UNITS]]");
    let (count, runs): (usize, usize) = (arguments[0].parse()?, arguments[1].parse()?);
    let folder = Folder(std::env::temp_dir().join(format!("dorbank-bench-locate-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0)?;
    let file = if let Some(file) = arguments.get(2) {
        Path::new(file).to_owned()
    } else {
        let file = folder.0.join("districts.geojson");
        std::fs::write(&file, made_up().to_string())?;
        file
    };
    let db = Db::open(&format!("sqlite:{}", folder.0.join("bench.db").display())).await?;
    let options = DistrictOptions { grunnkretser: arguments.get(3).map(PathBuf::from), ..DistrictOptions::default() };
    let begun = Instant::now();
    districts(&db, &file, &options, 0).await?;
    let import_ms = begun.elapsed().as_millis();
    let boundaries = district::boundaries(&mut db.read().await?).await?;
    let corners = corners(&boundaries)?;
    let points = points(Bounds::of(corners.iter().copied()).context("there are outlines")?, count);
    let begun = Instant::now();
    let locator = Locator::load(&mut db.read().await?).await?;
    let build_ms = begun.elapsed().as_secs_f64() * 1e3;
    let mut found = 0;
    let mut times = Vec::new();
    for _ in 0..runs {
        let begun = Instant::now();
        found = points.iter().filter(|at| locator.district(None, **at).is_some()).count();
        times.push((begun.elapsed().as_secs_f64() * 1e5).round() / 1e2);
    }
    db.close().await;
    println!(
        "{}",
        json!({"districts": boundaries.len(), "corners": corners.len(), "points": count, "found": found, "import_ms": import_ms, "build_ms": build_ms, "ms": times})
    );
    Ok(())
}
