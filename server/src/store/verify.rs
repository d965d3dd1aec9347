//! What must be true of the whole database, asked of it. Every question is answered by how often it is not.

use std::collections::HashMap;

use dorbank_shared::visit::{Outcome, Seen};
use uuid::Uuid;

use super::{StoreError, Tx};
use crate::{args, statements};

statements! {
    MIGRATIONS = "SELECT version, success, checksum FROM _sqlx_migrations ORDER BY version";
    MISSING_VISITS = "SELECT COUNT(*) FROM receipt r JOIN device d ON d.id = r.device JOIN shift s ON s.id = d.shift LEFT JOIN visit v ON v.id = r.id \
        LEFT JOIN (SELECT DISTINCT superseded_by AS id FROM visit WHERE superseded_by IS NOT NULL) AS w ON w.id = r.id \
        WHERE r.status IN ('applied', 'merged') AND r.seq IS NOT NULL AND s.ends_at > $1 AND v.id IS NULL AND w.id IS NULL \
        AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.id = r.id AND q.kind = 'withdrawal' AND q.settled_as = 'applied' AND q.reason <> 'id_reuse')";
    UNANSWERED_VISITS = "SELECT CAST(COALESCE(SUM(visits - counted), 0) AS BIGINT) FROM (SELECT COUNT(*) AS visits, (SELECT COUNT(*) FROM quarantine q \
        WHERE q.device = v.device AND q.reason = 'id_reuse' AND q.settled_as = 'applied' AND q.kind <> 'withdrawal') AS counted \
        FROM visit v LEFT JOIN receipt r ON r.id = v.id WHERE v.coarse = $1 AND r.id IS NULL GROUP BY v.device) AS phones WHERE visits > counted";
    MISSING_KEPT = "SELECT COUNT(*) FROM receipt r LEFT JOIN quarantine q ON q.id = r.id WHERE r.status = 'quarantined' AND q.id IS NULL";
    STANDING = "SELECT campaign, entrance, unit, id, outcome, coarse FROM visit WHERE superseded_by IS NULL";
    STATES = "SELECT campaign, door, state FROM door_state";
    DOORS_BEYOND_CLOCK = "SELECT COUNT(*) FROM door_state s LEFT JOIN campaign_clock c ON c.campaign = s.campaign WHERE c.seq IS NULL OR s.seq > c.seq";
    RECEIPTS_BEYOND_CLOCK = "SELECT COUNT(*) FROM receipt r LEFT JOIN campaign_clock c ON c.campaign = r.campaign \
        WHERE r.seq IS NOT NULL AND (c.seq IS NULL OR r.seq > c.seq)";
    NUMBERS_TWICE = "SELECT COUNT(*) FROM (SELECT campaign, seq FROM door_state GROUP BY campaign, seq HAVING COUNT(*) > 1) AS twice";
    WRONG_MARKS = "SELECT COUNT(*) FROM mix_mark WHERE inputs < 0 OR shifts < 0 OR conversations < 0 OR inputs > conversations";
    WRONG_TALLIES = "SELECT COUNT(*) FROM turf_tally WHERE visits < 0";
}

/// Exceptions to the one dialect (ADR 0002): PostgreSQL looks after its own files, and enforces what refers to what.
pub const EXCEPTIONS: &[(&str, &str)] = &[("sqlite: the file's pages agree", INTEGRITY), ("sqlite: what is referred to is there", FOREIGN_KEYS)];
const INTEGRITY: &str = "PRAGMA integrity_check";
const FOREIGN_KEYS: &str = "PRAGMA foreign_key_check";

/// A door and its campaign.
pub type Door = (Uuid, Uuid);

/// What SQLite finds wrong in the file itself, line by line.
pub async fn integrity(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let lines: Result<Vec<String>, StoreError> = tx.all(INTEGRITY, args![]).await?.iter().map(|row| row.get(0)).collect();
    Ok(lines?.into_iter().filter(|line| line != "ok").collect())
}

/// The tables from which something refers to what is not there, with how often.
pub async fn dangling(tx: &mut Tx) -> Result<HashMap<String, i64>, StoreError> {
    let mut tables = HashMap::new();
    for row in tx.all(FOREIGN_KEYS, args![]).await? {
        *tables.entry(row.get(0)?).or_default() += 1;
    }
    Ok(tables)
}

/// The migrations that were run: number, whether it came to its end, checksum.
pub async fn migrations(tx: &mut Tx) -> Result<Vec<(i64, bool, Vec<u8>)>, StoreError> {
    tx.all(MIGRATIONS, args![]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
}

async fn count(tx: &mut Tx, sql: &str, args: Vec<super::Value>) -> Result<i64, StoreError> {
    tx.one(sql, args).await?.map_or(Ok(0), |row| row.get(0))
}

/// Receipts that say that a visit was stored, where there is none. Shifts that ended at `coarsened` or before may have
/// been coarsened: their visits have other ids now. A withdrawal has no visit of its own; what it took back says so, until
/// that is coarsened. Only an organiser lets one take back what was noted in an earlier shift, and then quarantine says so.
pub async fn missing_visits(tx: &mut Tx, coarsened: i64) -> Result<i64, StoreError> {
    count(tx, MISSING_VISITS, args![coarsened]).await
}

/// Visits for which no receipt was ever written. What came under the id of another entry and was counted has an id that no
/// phone knows: what its phone sends again is known by what was kept of it, which is settled.
pub async fn unanswered_visits(tx: &mut Tx) -> Result<i64, StoreError> {
    count(tx, UNANSWERED_VISITS, args![false]).await
}

/// Receipts that say that an entry was kept to be looked at, where it was not.
pub async fn missing_kept(tx: &mut Tx) -> Result<i64, StoreError> {
    count(tx, MISSING_KEPT, args![]).await
}

/// The visits that stand, by door; and whether one of them was coarsened.
pub async fn standing(tx: &mut Tx) -> Result<HashMap<Door, (Vec<Seen>, bool)>, StoreError> {
    let mut doors: HashMap<Door, (Vec<Seen>, bool)> = HashMap::new();
    for row in tx.all(STANDING, args![]).await? {
        let (entrance, unit, name): (Uuid, Option<Uuid>, String) = (row.get(1)?, row.get(2)?, row.get(4)?);
        let outcome = Outcome::parse(&name).ok_or(StoreError::Inconsistent { table: "visit", column: "outcome" })?;
        let door = doors.entry((row.get(0)?, unit.unwrap_or(entrance))).or_default();
        door.0.push(Seen { id: row.get(3)?, outcome });
        door.1 |= row.get::<bool>(5)?;
    }
    Ok(doors)
}

/// What phones are told of each door; absent where every visit was withdrawn.
pub async fn states(tx: &mut Tx) -> Result<HashMap<Door, Option<Outcome>>, StoreError> {
    tx.all(STATES, args![])
        .await?
        .iter()
        .map(|row| {
            let name: String = row.get(2)?;
            let state = match name.as_str() {
                "" => None,
                name => Some(Outcome::parse(name).ok_or(StoreError::Inconsistent { table: "door_state", column: "state" })?),
            };
            Ok(((row.get(0)?, row.get(1)?), state))
        })
        .collect()
}

/// Doors and receipts with a number that their campaign has not given yet, or that two doors have.
pub async fn wrong_numbers(tx: &mut Tx) -> Result<i64, StoreError> {
    let mut wrong = 0;
    for sql in [DOORS_BEYOND_CLOCK, RECEIPTS_BEYOND_CLOCK, NUMBERS_TWICE] {
        wrong += count(tx, sql, args![]).await?;
    }
    Ok(wrong)
}

/// Marks of the mix and tallies that cannot be.
pub async fn wrong_marks(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(count(tx, WRONG_MARKS, args![]).await? + count(tx, WRONG_TALLIES, args![]).await?)
}
