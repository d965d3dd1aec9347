//! Shifts, the branches that hold them and the turfs that they walk.

use dorbank_shared::shift::{Shift, ShiftKind, TurfView};
use uuid::Uuid;

use super::{Row, StoreError, Tx, parts::around_values};
use crate::{args, statements};

statements! {
    FIND = "SELECT id, campaign, kind, starts_at, ends_at, meeting_place, capacity, zetkin_url, selector, code_version, misses, locked_until, version \
        FROM shift WHERE id = $1";
    BY_SELECTOR = "SELECT id, campaign, kind, starts_at, ends_at, meeting_place, capacity, zetkin_url, selector, code_version, misses, locked_until, version \
        FROM shift WHERE selector = $1";
    ALL = "SELECT id, campaign, kind, starts_at, ends_at, meeting_place, capacity, zetkin_url, selector, code_version, misses, locked_until, version \
        FROM shift ORDER BY starts_at, id";
    OF_BRANCH = "SELECT s.id, s.campaign, s.kind, s.starts_at, s.ends_at, s.meeting_place, s.capacity, s.zetkin_url, s.selector, s.code_version, \
        s.misses, s.locked_until, s.version FROM shift s JOIN shift_branch b ON b.shift = s.id WHERE b.branch = $1 ORDER BY s.starts_at, s.id";
    INSERT = "INSERT INTO shift (id, campaign, kind, starts_at, ends_at, meeting_place, capacity, zetkin_url, selector, code_version, misses, \
        locked_until, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    BRANCHES = "SELECT branch FROM shift_branch WHERE shift = $1";
    ADD_BRANCH = "INSERT INTO shift_branch (shift, branch) VALUES ($1, $2)";
    TURFS = "SELECT t.id, t.number, t.name FROM turf t JOIN shift_turf s ON s.turf = t.id WHERE s.shift = $1 ORDER BY t.number";
    ADD_TURF = "INSERT INTO shift_turf (shift, turf) VALUES ($1, $2)";
    HAS_TURF = "SELECT 1 FROM shift_turf WHERE shift = $1 AND turf = $2";
    MISS = "UPDATE shift SET misses = $2, locked_until = $3 WHERE id = $1";
    ROTATE = "UPDATE shift SET code_version = code_version + 1, misses = 0, locked_until = 0, version = version + 1 WHERE id = $1 AND version = $2";
    LOCK = "UPDATE shift SET misses = misses WHERE id = $1";
    LATE_WISHES = "UPDATE shift SET late_wishes = late_wishes + $2 WHERE id = $1 RETURNING late_wishes";
}

fn shift(row: &Row) -> Result<Shift, StoreError> {
    Ok(Shift {
        id: row.get(0)?,
        campaign: row.get(1)?,
        kind: ShiftKind::parse(&row.get::<String>(2)?).ok_or(StoreError::Inconsistent { table: "shift", column: "kind" })?,
        starts_at: row.get(3)?,
        ends_at: row.get(4)?,
        meeting_place: row.get(5)?,
        capacity: row.get(6)?,
        zetkin_url: row.get(7)?,
        selector: row.get(8)?,
        code_version: row.get(9)?,
        misses: row.get(10)?,
        locked_until: row.get(11)?,
        version: row.get(12)?,
    })
}

/// One shift.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Shift>, StoreError> {
    tx.one(FIND, args![id]).await?.as_ref().map(shift).transpose()
}

/// The shift that a code names.
pub async fn by_selector(tx: &mut Tx, selector: &str) -> Result<Option<Shift>, StoreError> {
    tx.one(BY_SELECTOR, args![selector]).await?.as_ref().map(shift).transpose()
}

/// All shifts, or those that a branch holds, by when they begin.
pub async fn of_branch(tx: &mut Tx, branch: Option<Uuid>) -> Result<Vec<Shift>, StoreError> {
    let rows = match branch {
        Some(branch) => tx.all(OF_BRANCH, args![branch]).await?,
        None => tx.all(ALL, args![]).await?,
    };
    rows.iter().map(shift).collect()
}

/// Writes a new shift with its branches and turfs.
pub async fn insert(tx: &mut Tx, shift: &Shift, branches: &[Uuid], turfs: &[Uuid]) -> Result<(), StoreError> {
    tx.execute(
        INSERT,
        args![
            shift.id,
            shift.campaign,
            shift.kind.name(),
            shift.starts_at,
            shift.ends_at,
            shift.meeting_place.as_str(),
            shift.capacity,
            shift.zetkin_url.clone(),
            shift.selector.as_str(),
            shift.code_version,
            shift.misses,
            shift.locked_until,
            shift.version
        ],
    )
    .await?;
    let (head, tail) = around_values(ADD_BRANCH);
    tx.many(head, branches.iter().map(|branch| args![shift.id, *branch]).collect(), tail).await?;
    let (head, tail) = around_values(ADD_TURF);
    tx.many(head, turfs.iter().map(|turf| args![shift.id, *turf]).collect(), tail).await?;
    Ok(())
}

/// The branches that hold it.
pub async fn branches(tx: &mut Tx, id: Uuid) -> Result<Vec<Uuid>, StoreError> {
    tx.all(BRANCHES, args![id]).await?.iter().map(|row| row.get(0)).collect()
}

/// The turfs that it walks, by number.
pub async fn turfs(tx: &mut Tx, id: Uuid) -> Result<Vec<TurfView>, StoreError> {
    tx.all(TURFS, args![id]).await?.iter().map(|row| Ok(TurfView { id: row.get(0)?, number: row.get(1)?, name: row.get(2)? })).collect()
}

/// Whether it walks this turf.
pub async fn has_turf(tx: &mut Tx, id: Uuid, turf: Uuid) -> Result<bool, StoreError> {
    Ok(tx.one(HAS_TURF, args![id, turf]).await?.is_some())
}

/// Takes the shift's row, so that two phones that join at once are counted one after the other.
pub async fn lock(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    tx.execute(LOCK, args![id]).await?;
    Ok(())
}

/// Adds to how many wishes for quiet came when the phones of a shift are no longer told apart (never whose), and gives the
/// sum. With 0 it only reads, and holds the shift's row.
pub async fn count_late_wishes(tx: &mut Tx, id: Uuid, more: i64) -> Result<i64, StoreError> {
    tx.one(LATE_WISHES, args![id, more]).await?.map_or(Ok(0), |row| row.get(0))
}

/// Notes a wrong code: the misses and the lock that follow from it.
pub async fn note_miss(tx: &mut Tx, id: Uuid, (misses, locked_until): (i64, i64)) -> Result<(), StoreError> {
    tx.execute(MISS, args![id, misses, locked_until]).await?;
    Ok(())
}

/// Makes its codes worthless and gives it new ones, if it is still at `version`; else [`StoreError::Stale`].
pub async fn rotate(tx: &mut Tx, id: Uuid, version: i64) -> Result<(), StoreError> {
    if tx.execute(ROTATE, args![id, version]).await? == 0 { Err(StoreError::Stale) } else { Ok(()) }
}
