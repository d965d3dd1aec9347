//! Visits whose time has come to say less.

use std::collections::HashMap;

use dorbank_shared::visit::Outcome;
use uuid::Uuid;

use super::{
    StoreError, Tx, Value,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    DUE = "SELECT v.id, v.campaign, v.turf, v.entrance, v.unit, v.outcome, v.leaflet, v.occurred_at, v.superseded_by, v.silenced, e.shift \
        FROM visit v LEFT JOIN device e ON e.id = v.device LEFT JOIN shift s ON s.id = e.shift \
        WHERE v.coarse = $1 AND COALESCE(s.ends_at, v.occurred_at) <= $2";
    PHONES = "SELECT p.id, p.shift FROM device p WHERE p.shift IN (SELECT e.shift FROM visit v JOIN device e ON e.id = v.device JOIN shift s ON s.id = e.shift \
        WHERE v.coarse = $1 AND s.ends_at <= $2) ORDER BY p.id";
    REMOVE = "DELETE FROM visit WHERE id IN ($1) RETURNING id, superseded_by";
    INSERT = "INSERT INTO visit (id, campaign, turf, entrance, unit, outcome, leaflet, occurred_at, device, device_seq, superseded_by, silenced, coarse) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    KEYED = "SELECT id, ends_on FROM campaign WHERE LENGTH(receipt_key) > 0";
    STILL_OPEN = "SELECT COUNT(*) FROM visit WHERE campaign = $1 AND coarse = $2";
    LAST_SHIFT = "SELECT CAST(COALESCE(MAX(ends_at), 0) AS BIGINT) FROM shift WHERE campaign = $1";
}

/// A visit that is to be coarsened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The entry's id, which tells the millisecond in which it was made.
    pub id: Uuid,
    /// The campaign.
    pub campaign: Uuid,
    /// The turf.
    pub turf: Uuid,
    /// The entrance.
    pub entrance: Uuid,
    /// The door.
    pub unit: Option<Uuid>,
    /// What happened.
    pub outcome: Outcome,
    /// Whether a leaflet was left.
    pub leaflet: bool,
    /// When, milliseconds since 1970, UTC.
    pub occurred_at: i64,
    /// Whether another entry replaced or withdrew it.
    pub superseded: bool,
    /// Whether it turned the register's wish for quiet on.
    pub silenced: bool,
    /// The shift of the phone that noted it.
    pub shift: Option<Uuid>,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coarse {
    /// A new id, which tells the day.
    pub id: Uuid,
    /// What it was made from.
    pub from: Due,
    /// What still is said.
    pub outcome: Outcome,
    /// The beginning of its day, UTC.
    pub day_ms: i64,
}

/// The phones, with their shifts, of the shifts that ended at `before` or earlier and have visits that still say all, in the
/// order of their ids.
pub async fn phones(tx: &mut Tx, before: i64) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    tx.all(PHONES, args![false, before]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Visits that still say all, and whose shift ended at `before` or earlier.
pub async fn due(tx: &mut Tx, before: i64) -> Result<Vec<Due>, StoreError> {
    tx.all(DUE, args![false, before])
        .await?
        .iter()
        .map(|row| {
            let outcome: String = row.get(5)?;
            Ok(Due {
                id: row.get(0)?,
                campaign: row.get(1)?,
                turf: row.get(2)?,
                entrance: row.get(3)?,
                unit: row.get(4)?,
                outcome: Outcome::parse(&outcome).ok_or(StoreError::Inconsistent { table: "visit", column: "outcome" })?,
                leaflet: row.get(6)?,
                occurred_at: row.get(7)?,
                superseded: row.get::<Option<Uuid>>(8)?.is_some(),
                silenced: row.get(9)?,
                shift: row.get(10)?,
            })
        })
        .collect()
}

/// Puts coarse visits, in the order given, in the place of those that they were made from.
///
/// # Errors
/// [`StoreError::Overtaken`] where one was replaced by another entry since it was read: both would stand.
pub async fn replace(tx: &mut Tx, coarse: &[Coarse]) -> Result<(), StoreError> {
    let (head, tail) = around_list(REMOVE);
    let keys: Vec<Value> = coarse.iter().map(|visit| visit.from.id.into()).collect();
    let mut removed = HashMap::new();
    for row in tx.all_in(head, &[], &keys, tail).await? {
        removed.insert(row.get::<Uuid>(0)?, row.get::<Option<Uuid>>(1)?.is_some());
    }
    if coarse.iter().any(|visit| removed.get(&visit.from.id) != Some(&visit.from.superseded)) {
        return Err(StoreError::Overtaken);
    }
    let (head, tail) = around_values(INSERT);
    let rows = coarse
        .iter()
        .map(|v| {
            // Which entry replaced it would tell that entry's time.
            let superseded = v.from.superseded.then(Uuid::nil);
            let f = &v.from;
            args![
                v.id,
                f.campaign,
                f.turf,
                f.entrance,
                f.unit,
                v.outcome.name(),
                f.leaflet,
                v.day_ms,
                None::<Uuid>,
                0i64,
                superseded,
                f.silenced,
                true
            ]
        })
        .collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// The campaigns whose receipts still have a key, with their last day (`YYYY-MM-DD`).
pub async fn keyed(tx: &mut Tx) -> Result<Vec<(Uuid, String)>, StoreError> {
    tx.all(KEYED, args![]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Whether a visit of a campaign still says all, and when its last shift ended (0 where there is none).
pub async fn state_of(tx: &mut Tx, campaign: Uuid) -> Result<(bool, i64), StoreError> {
    let fine: i64 = tx.one(STILL_OPEN, args![campaign, false]).await?.map_or(Ok(0), |row| row.get(0))?;
    let last: i64 = tx.one(LAST_SHIFT, args![campaign]).await?.map_or(Ok(0), |row| row.get(0))?;
    Ok((fine > 0, last))
}
