//! Frozen counts. Rows are added and read, never changed.

use dorbank_shared::release::Shown;
use uuid::Uuid;

use super::{Row, StoreError, Tx, parts::around_values};
use crate::{args, statements};

statements! {
    INSERT = "INSERT INTO release (id, round, number, frozen_at) VALUES ($1, $2, $3, $4)";
    INSERT_CELLS = "INSERT INTO release_cell (release, area, topic, band, shown) VALUES ($1, $2, $3, $4, $5)";
    INSERT_REACH = "INSERT INTO release_reach (release, area, doors, opened, conversations) VALUES ($1, $2, $3, $4, $5)";
    OF_ROUND = "SELECT id, round, number, frozen_at FROM release WHERE round = $1 ORDER BY number";
    CELLS = "SELECT r.number, c.area, c.topic, c.band, c.shown FROM release_cell c JOIN release r ON r.id = c.release WHERE r.round = $1 ORDER BY r.number";
    REACH = "SELECT r.number, c.area, c.doors, c.opened, c.conversations FROM release_reach c JOIN release r ON r.id = c.release \
        WHERE r.round = $1 ORDER BY r.number";
    CELLS_OF = "SELECT r.number, c.area, c.topic, c.band, c.shown FROM release_cell c JOIN release r ON r.id = c.release WHERE c.release = $1";
    SHOWN_IN = "SELECT area FROM release_cell WHERE band <> 'closed' UNION SELECT area FROM release_reach \
        WHERE doors IS NOT NULL OR opened IS NOT NULL OR conversations IS NOT NULL";
    REACH_OF = "SELECT r.number, c.area, c.doors, c.opened, c.conversations FROM release_reach c JOIN release r ON r.id = c.release WHERE c.release = $1";
}

/// In the place of an area: the city.
pub const CITY: &str = "*";
/// In the place of an area: districts in which a topic never had a figure, once at the close.
pub const OTHERS: &str = "+";

/// A freeze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// Its id.
    pub id: Uuid,
    /// The round.
    pub round: Uuid,
    /// 1, 2, 3 … within the round.
    pub number: i64,
    /// Milliseconds since 1970, UTC.
    pub frozen_at: i64,
}

/// What one release shows of one topic in one area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The number of the release.
    pub release: i64,
    /// The area, [`CITY`] or [`OTHERS`].
    pub area: String,
    /// The topic; absent for the base (all inputs).
    pub topic: Option<Uuid>,
    /// What is shown.
    pub shown: Shown,
}

/// What one release shows of who was reached in one area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachCell {
    /// The number of the release.
    pub release: i64,
    /// The area.
    pub area: String,
    /// Doors knocked, where shown.
    pub doors: Option<i64>,
    /// Doors opened, where shown.
    pub opened: Option<i64>,
    /// Conversations, where shown.
    pub conversations: Option<i64>,
}

fn release(row: &Row) -> Result<Release, StoreError> {
    Ok(Release { id: row.get(0)?, round: row.get(1)?, number: row.get(2)?, frozen_at: row.get(3)? })
}

fn cell(row: &Row) -> Result<Cell, StoreError> {
    let (band, figure): (String, Option<i64>) = (row.get(3)?, row.get(4)?);
    let figure = figure.map(u64::try_from).transpose().map_err(|_| StoreError::Inconsistent { table: "release_cell", column: "shown" })?;
    let shown = Shown::read(&band, figure).ok_or(StoreError::Inconsistent { table: "release_cell", column: "band" })?;
    Ok(Cell { release: row.get(0)?, area: row.get(1)?, topic: row.get(2)?, shown })
}

fn reach_cell(row: &Row) -> Result<ReachCell, StoreError> {
    Ok(ReachCell { release: row.get(0)?, area: row.get(1)?, doors: row.get(2)?, opened: row.get(3)?, conversations: row.get(4)? })
}

/// Writes a release with all that it shows.
pub async fn insert(tx: &mut Tx, release: &Release, cells: &[Cell], reach: &[ReachCell]) -> Result<(), StoreError> {
    tx.execute(INSERT, args![release.id, release.round, release.number, release.frozen_at]).await?;
    let (head, tail) = around_values(INSERT_CELLS);
    let rows = cells.iter().map(|c| {
        let figure = c.shown.figure().map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        args![release.id, c.area.as_str(), c.topic, c.shown.band(), figure]
    });
    tx.many(head, rows.collect(), tail).await?;
    let (head, tail) = around_values(INSERT_REACH);
    let rows = reach.iter().map(|c| args![release.id, c.area.as_str(), c.doors, c.opened, c.conversations]).collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// The releases of a round, by number.
pub async fn of_round(tx: &mut Tx, round: Uuid) -> Result<Vec<Release>, StoreError> {
    tx.all(OF_ROUND, args![round]).await?.iter().map(release).collect()
}

/// All cells of all releases of a round, by release.
pub async fn cells(tx: &mut Tx, round: Uuid) -> Result<Vec<Cell>, StoreError> {
    tx.all(CELLS, args![round]).await?.iter().map(cell).collect()
}

/// Who was reached, in all releases of a round, by release.
pub async fn reach(tx: &mut Tx, round: Uuid) -> Result<Vec<ReachCell>, StoreError> {
    tx.all(REACH, args![round]).await?.iter().map(reach_cell).collect()
}

/// The cells of one release.
pub async fn cells_of(tx: &mut Tx, release: Uuid) -> Result<Vec<Cell>, StoreError> {
    tx.all(CELLS_OF, args![release]).await?.iter().map(cell).collect()
}

/// Who was reached, in one release.
pub async fn reach_of(tx: &mut Tx, release: Uuid) -> Result<Vec<ReachCell>, StoreError> {
    tx.all(REACH_OF, args![release]).await?.iter().map(reach_cell).collect()
}

/// The areas of which any release of any round shows something.
pub async fn shown_in(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    tx.all(SHOWN_IN, args![]).await?.iter().map(|row| row.get(0)).collect()
}
