//! Lines of the map, from an extract of OpenStreetMap or from GeoJSON: what pairs find their way by, and what a turf should
//! not cross.
//!
//! Only what lies around the known districts is kept, simplified to a metre. It is written in small parts beside the lines
//! that are shown, and shown all at once.

mod kind;
mod osm;
mod pbf;
mod read;
mod report;
mod shape;
mod xml;

use std::path::{Path, PathBuf};

use dorbank_shared::line::{Kind, Line};
use geo::{BoundingRect as _, Rect};

pub use self::report::LineReport;
use self::shape::Clip;
use super::{ImportError, WrongFile, locate::read_outline, refuse_demo};
use crate::store::{Db, district, line};

/// What the importer reads.
const FILE: &str = "an extract of OpenStreetMap (.osm.pbf or .osm), or GeoJSON of lines (LineString, MultiLineString; polygons for water)";
/// How to come by it.
const HELP: &str = "take the region's .osm.pbf, or export the streets as GeoJSON, coordinate system EPSG:4326";
/// Who draws the lines of an extract.
const OSM: &str = "osm";
/// What must stand wherever they are drawn.
const OSM_CREDIT: &str = "© OpenStreetMap contributors, ODbL";
/// So many metres around the districts are kept too: a pair sees the next street.
const MARGIN: f64 = 1_000.0;
/// So many lines are written or removed at a time, a fraction of a second.
const PART: u16 = 2_000;

/// How lines are imported.
#[derive(Debug, Clone, Default)]
pub struct LineOptions {
    /// Who drew them. By default OpenStreetMap, where the file looks like it. Lines of one origin are replaced together.
    pub origin: Option<String>,
    /// What must stand wherever they are drawn. By default OpenStreetMap's, for its lines.
    pub credit: Option<String>,
    /// All are of this kind.
    pub kind: Option<Kind>,
    /// The property of GeoJSON that says of which kind each is.
    pub kind_property: Option<String>,
    /// The property of GeoJSON that says what each is called.
    pub name_property: Option<String>,
    /// The coordinate system of GeoJSON, where the file does not say it.
    pub epsg: Option<u32>,
    /// Report the same and write nothing.
    pub dry_run: bool,
}

/// Imports the lines of a file around the known districts, in the place of those of the same origin.
///
/// # Errors
/// See [`ImportError`]; after each the lines that were shown are shown.
pub async fn lines(db: &Db, path: &Path, options: &LineOptions, now_ms: i64) -> Result<LineReport, ImportError> {
    let mut tx = db.read().await?;
    refuse_demo(&mut tx).await?;
    let boundaries = district::boundaries(&mut tx).await?;
    drop(tx);
    let clip = Clip::around(area(&boundaries)?, MARGIN);
    let (file, told): (PathBuf, LineOptions) = (path.to_owned(), options.clone());
    let reading = tokio::task::spawn_blocking(move || read::read(&file, &told, &clip));
    // A reader that stops in the middle was given something that no writer of such files makes.
    let damaged = |_| WrongFile::new(FILE, "a file that is damaged", "download it again");
    let (lines, mut report) = reading.await.map_err(damaged)??;
    report.dry_run = options.dry_run;
    if !options.dry_run {
        write(db, &report, &lines, now_ms).await?;
    }
    Ok(report)
}

/// The box around all outlines.
fn area(boundaries: &[(String, String)]) -> Result<Rect, WrongFile> {
    let boxes = boundaries.iter().filter_map(|(_, text)| read_outline(text)?.bounding_rect());
    let wider = |a: Rect, b: Rect| {
        let (low, high) = ((a.min(), b.min()), (a.max(), b.max()));
        Rect::new((low.0.x.min(low.1.x), low.0.y.min(low.1.y)), (high.0.x.max(high.1.x), high.0.y.max(high.1.y)))
    };
    let to_do = "import districts with outlines first: dorbank import districts FILE";
    boxes.reduce(wider).ok_or_else(|| WrongFile::new("districts, around which lines are kept", "a database without a district's outline", to_do))
}

async fn write(db: &Db, report: &LineReport, lines: &[Line], now_ms: i64) -> Result<(), ImportError> {
    let mut tx = db.begin().await?;
    refuse_demo(&mut tx).await?;
    let edition = line::begin(&mut tx, &report.origin, &report.credit).await?;
    tx.commit().await?;
    for (part, first) in lines.chunks(PART.into()).zip((0i64..).step_by(PART.into())) {
        let mut tx = db.begin().await?;
        line::put(&mut tx, &report.origin, edition, first, part).await?;
        tx.commit().await?;
    }
    let mut tx = db.begin().await?;
    let count = i64::try_from(lines.len()).unwrap_or(i64::MAX);
    if !line::show(&mut tx, &report.origin, edition, &report.credit, count, now_ms).await? {
        return Err(ImportError::Overtaken(report.origin.clone()));
    }
    tx.commit().await?;
    // Also what an import left behind that was stopped.
    loop {
        let mut tx = db.begin().await?;
        let more = line::sweep(&mut tx, &report.origin, edition, PART.into()).await?;
        tx.commit().await?;
        if !more {
            return Ok(());
        }
    }
}
