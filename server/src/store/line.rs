//! Lines of the map, by who drew them.
//!
//! An import writes its lines in several short transactions under a number of its own, and shows them in one last row:
//! readers see all of the old edition or all of the new, and phones never wait for a whole city to be written.

use dorbank_shared::line::{Extent, Geometry, Kind, Line};

use super::{Row, StoreError, Tx, parts::around_values};
use crate::{args, statements};

statements! {
    BEGIN = "INSERT INTO line_origin (origin, credit, begun) VALUES ($1, $2, 1) \
        ON CONFLICT (origin) DO UPDATE SET begun = line_origin.begun + 1 RETURNING begun";
    PUT = "INSERT INTO line (origin, edition, id, kind, name, south, west, north, east, geometry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    SHOW = "UPDATE line_origin SET edition = $2, credit = $3, lines = $4, imported_at = $5 WHERE origin = $1 AND edition < $2";
    LAST_BEFORE = "SELECT edition, MAX(id) FROM line WHERE origin = $1 AND edition < $2 GROUP BY edition ORDER BY edition";
    SWEEP = "DELETE FROM line WHERE origin = $1 AND edition = $2 AND id >= $3";
    ORIGINS = "SELECT origin, credit, lines, imported_at FROM line_origin WHERE edition > 0 ORDER BY origin";
    WITHIN = "SELECT l.kind, l.name, l.geometry FROM line_origin o JOIN line l ON l.origin = o.origin AND l.edition = o.edition \
        WHERE l.south <= $1 AND l.north >= $2 AND l.west <= $3 AND l.east >= $4 ORDER BY l.origin, l.id";
}

/// Who drew lines that are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Their name ("osm").
    pub name: String,
    /// What must stand wherever the lines are drawn.
    pub credit: String,
    /// How many lines there are.
    pub lines: i64,
    /// When they were imported, in milliseconds since 1970, UTC.
    pub imported_at: i64,
}

/// Begins another edition of an origin's lines, and gives its number. Nothing is shown of it yet.
pub async fn begin(tx: &mut Tx, origin: &str, credit: &str) -> Result<i64, StoreError> {
    let row = tx.one(BEGIN, args![origin, credit]).await?;
    row.ok_or(StoreError::Inconsistent { table: "line_origin", column: "begun" })?.get(0)
}

/// Writes lines of an edition that is not shown yet; their ids count up from `first`. A line without a point is left out.
pub async fn put(tx: &mut Tx, origin: &str, edition: i64, first: i64, lines: &[Line]) -> Result<(), StoreError> {
    let (head, tail) = around_values(PUT);
    let row = |(line, id): (&Line, i64)| {
        let Extent { south, west, north, east } = line.geometry.extent()?;
        Some(args![origin, edition, id, line.kind.name(), line.name.as_str(), south, west, north, east, line.geometry.encode()])
    };
    tx.many(head, lines.iter().zip(first..).filter_map(row).collect(), tail).await?;
    Ok(())
}

/// Shows an edition in the place of the one before. Says no where a later one is shown already.
pub async fn show(tx: &mut Tx, origin: &str, edition: i64, credit: &str, lines: i64, now_ms: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(SHOW, args![origin, edition, credit, lines, now_ms]).await? == 1)
}

/// Removes some lines of editions before this one, at most about so many. Says whether more are left.
pub async fn sweep(tx: &mut Tx, origin: &str, edition: i64, at_most: i64) -> Result<bool, StoreError> {
    let old = tx.all(LAST_BEFORE, args![origin, edition]).await?;
    let Some(row) = old.first() else { return Ok(false) };
    let (before, last): (i64, i64) = (row.get(0)?, row.get(1)?);
    tx.execute(SWEEP, args![origin, before, last + 1 - at_most]).await?;
    Ok(old.len() > 1 || last >= at_most)
}

/// Whose lines are shown.
pub async fn origins(tx: &mut Tx) -> Result<Vec<Origin>, StoreError> {
    let origin = |row: &Row| Ok(Origin { name: row.get(0)?, credit: row.get(1)?, lines: row.get(2)?, imported_at: row.get(3)? });
    tx.all(ORIGINS, args![]).await?.iter().map(origin).collect()
}

/// The lines whose box meets another, of all origins, in the order of their files. Whoever draws them also draws the
/// credits of [`origins`].
pub async fn within(tx: &mut Tx, extent: &Extent) -> Result<Vec<Line>, StoreError> {
    let wrong = |column| StoreError::Inconsistent { table: "line", column };
    let line = |row: &Row| {
        let (kind, name, bytes): (String, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let kind = Kind::parse(&kind).ok_or(wrong("kind"))?;
        Ok(Line { kind, name, geometry: Geometry::decode(&bytes).map_err(|_| wrong("geometry"))? })
    };
    tx.all(WITHIN, args![extent.north, extent.south, extent.east, extent.west]).await?.iter().map(line).collect()
}
