//! Quarantine ("Til avklaring"): what could not be applied, kept whole, with a reason.

use std::collections::HashSet;

use dorbank_shared::sync::wire::Reason;
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    INSERT = "INSERT INTO quarantine (id, mac, campaign, device, device_seq, kind, version, captured_at, body, reason, received_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id, mac) DO NOTHING";
    SETTLE = "UPDATE quarantine SET settled_at = $1 WHERE device = $2 AND settled_at IS NULL AND id IN ($3)";
    OPEN = "SELECT id, mac, campaign, device, device_seq, kind, version, captured_at, body, reason, received_at FROM quarantine \
        WHERE campaign = $1 AND settled_at IS NULL ORDER BY received_at, device, device_seq";
    COUNT_OPEN = "SELECT COUNT(*) FROM quarantine WHERE campaign = $1 AND settled_at IS NULL";
}

/// An entry that could not be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The entry.
    pub id: Uuid,
    /// What tells it from another entry with its id.
    pub mac: Vec<u8>,
    /// The campaign of the phone that sent it.
    pub campaign: Option<Uuid>,
    /// The phone that sent it.
    pub device: Uuid,
    /// The phone's counter.
    pub device_seq: i64,
    /// The kind, as far as it can be shown.
    pub kind: String,
    /// The body's version.
    pub version: i64,
    /// By the phone's clock, milliseconds since 1970, UTC.
    pub captured_at: i64,
    /// The whole entry as it was received, as JSON.
    pub body: String,
    /// Why.
    pub reason: Reason,
    /// By the server's clock, milliseconds since 1970, UTC.
    pub received_at: i64,
}

fn quarantined(row: &Row) -> Result<Quarantined, StoreError> {
    let reason: String = row.get(9)?;
    Ok(Quarantined {
        id: row.get(0)?,
        mac: row.get(1)?,
        campaign: row.get(2)?,
        device: row.get(3)?,
        device_seq: row.get(4)?,
        kind: row.get(5)?,
        version: row.get(6)?,
        captured_at: row.get(7)?,
        body: row.get(8)?,
        reason: Reason::parse(&reason).ok_or(StoreError::Inconsistent { table: "quarantine", column: "reason" })?,
        received_at: row.get(10)?,
    })
}

/// Keeps entries; one that is kept already stays as it is.
pub async fn insert(tx: &mut Tx, entries: &[Quarantined]) -> Result<(), StoreError> {
    let (head, tail) = around_values(INSERT);
    let rows = entries
        .iter()
        .map(|q| {
            let (mac, kind, body) = (q.mac.as_slice(), q.kind.as_str(), q.body.as_str());
            args![q.id, mac, q.campaign, q.device, q.device_seq, kind, q.version, q.captured_at, body, q.reason.name(), q.received_at]
        })
        .collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// Settles entries that their own phone replaced or withdrew.
pub async fn settle(tx: &mut Tx, device: Uuid, ids: &HashSet<Uuid>, now_ms: i64) -> Result<(), StoreError> {
    let (head, tail) = around_list(SETTLE);
    let keys: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.all_in(head, &args![now_ms, device], &keys, tail).await?;
    Ok(())
}

/// What waits for somebody to look at it, oldest first.
pub async fn open(tx: &mut Tx, campaign: Uuid) -> Result<Vec<Quarantined>, StoreError> {
    tx.all(OPEN, args![campaign]).await?.iter().map(quarantined).collect()
}

/// How many entries wait for somebody to look at them.
pub async fn count_open(tx: &mut Tx, campaign: Uuid) -> Result<i64, StoreError> {
    tx.one(COUNT_OPEN, args![campaign]).await?.map_or(Ok(0), |row| row.get(0))
}
