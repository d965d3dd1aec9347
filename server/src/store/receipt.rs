//! Receipts: one row for each entry that was ever answered, so that a repeat gets the same answer.

use std::collections::HashSet;

use dorbank_shared::sync::wire::{Reason, Status};
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    AMONG = "SELECT id, device, device_seq, mac, status, reason, seq FROM receipt WHERE id IN ($1)";
    INSERT = "INSERT INTO receipt (id, campaign, device, device_seq, mac, status, reason, seq) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    ANSWER = "UPDATE receipt SET status = $2, reason = NULL, seq = CASE WHEN LENGTH(mac) > 0 THEN CAST($3 AS BIGINT) END WHERE id = $1";
    COUNTED = "UPDATE receipt SET device_seq = $2, mac = $3 WHERE id = $1 AND device_seq < $2";
    BLUNT = "UPDATE receipt SET mac = $2, seq = NULL WHERE LENGTH(mac) > 0 AND device IN (SELECT d.id FROM device d JOIN shift s ON s.id = d.shift \
        JOIN campaign c ON c.id = s.campaign WHERE s.ends_at <= $1 AND LENGTH(c.receipt_key) > 0)";
    HELD = "SELECT r.held + q.held, CASE WHEN r.highest > q.highest THEN r.highest ELSE q.highest END, r.held - r.counters \
        FROM (SELECT COUNT(*) AS held, COUNT(DISTINCT device_seq) AS counters, COALESCE(MAX(device_seq), 0) AS highest FROM receipt WHERE device = $1 AND device_seq > 0) AS r, \
        (SELECT COUNT(*) AS held, COALESCE(MAX(device_seq), 0) AS highest FROM quarantine WHERE device = $1 AND device_seq > 0 \
        AND NOT EXISTS (SELECT 1 FROM receipt WHERE receipt.device = quarantine.device AND receipt.device_seq = quarantine.device_seq)) AS q";
    GAPS = "SELECT before, device_seq FROM (SELECT COALESCE(LAG(device_seq) OVER (ORDER BY device_seq), 0) AS before, device_seq \
        FROM (SELECT device_seq FROM receipt WHERE device = $1 AND device_seq > 0 \
        UNION SELECT device_seq FROM quarantine WHERE device = $1 AND device_seq > 0) AS seen) AS steps \
        WHERE device_seq - before > 1 ORDER BY device_seq LIMIT $2";
}

/// What was answered for an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The entry.
    pub id: Uuid,
    /// Whose entry it is.
    pub device: Uuid,
    /// The phone's counter.
    pub device_seq: i64,
    /// HMAC-SHA-256 of the envelope's digest under the campaign's key; empty once that is destroyed, or the visits of the
    /// phone's shift are coarse.
    pub mac: Vec<u8>,
    /// What became of it.
    pub status: Status,
    /// Why, where it was quarantined.
    pub reason: Option<Reason>,
    /// The campaign's number for it.
    pub seq: Option<i64>,
}

fn receipt(row: &Row) -> Result<Receipt, StoreError> {
    let (status, reason): (String, Option<String>) = (row.get(4)?, row.get(5)?);
    Ok(Receipt {
        id: row.get(0)?,
        device: row.get(1)?,
        device_seq: row.get(2)?,
        mac: row.get(3)?,
        status: Status::parse(&status).ok_or(StoreError::Inconsistent { table: "receipt", column: "status" })?,
        reason: match reason {
            Some(reason) => Some(Reason::parse(&reason).ok_or(StoreError::Inconsistent { table: "receipt", column: "reason" })?),
            None => None,
        },
        seq: row.get(6)?,
    })
}

/// What was answered for some entries, in no order.
pub async fn among(tx: &mut Tx, ids: &HashSet<Uuid>) -> Result<Vec<Receipt>, StoreError> {
    let (head, tail) = around_list(AMONG);
    let keys: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.all_in(head, &[], &keys, tail).await?.iter().map(receipt).collect()
}

/// Writes receipts. An id that another transaction answered meanwhile is a unique violation; the push is then done again.
pub async fn insert(tx: &mut Tx, campaign: Uuid, receipts: &[Receipt]) -> Result<(), StoreError> {
    let (head, tail) = around_values(INSERT);
    let rows = receipts
        .iter()
        .map(|r| args![r.id, campaign, r.device, r.device_seq, r.mac.as_slice(), r.status.name(), r.reason.map(Reason::name), r.seq])
        .collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// Says what became of entries in the end that were kept in quarantine at first: phones that ask again are told so.
pub async fn answer_anew(tx: &mut Tx, receipts: &[Receipt]) -> Result<(), StoreError> {
    for receipt in receipts {
        tx.execute(ANSWER, args![receipt.id, receipt.status.name(), receipt.seq]).await?;
    }
    Ok(())
}

/// Gives the receipt of an entry the counter that it has now: it came in a file before its phone could count it, or its phone
/// had to count it anew.
pub async fn counted(tx: &mut Tx, id: Uuid, device_seq: i64, mac: &[u8]) -> Result<(), StoreError> {
    tx.execute(COUNTED, args![id, device_seq, mac]).await?;
    Ok(())
}

/// Removes what tells one entry from another from the receipts of the shifts that ended at `before` or earlier. Whoever has the
/// key and guesses would find which door and what happened: an id tells the millisecond, and doors are few. The number in the
/// campaign goes too: where nothing changed at a door the receipts of two shifts have the same one. From now on the phone and
/// its counter say what is a repeat. Says whether there was any.
pub async fn blunt(tx: &mut Tx, before: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(BLUNT, args![before, Vec::<u8>::new()]).await? > 0)
}

/// What the server holds of a phone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// How many entries, those kept without a receipt too.
    pub entries: i64,
    /// Their highest counter.
    pub highest: i64,
    /// How many of them have a counter that another one has too. A phone counts each once, so these came from a copy.
    pub reused: i64,
}

/// What the server holds of a phone.
pub async fn held(tx: &mut Tx, device: Uuid) -> Result<Held, StoreError> {
    let Some(row) = tx.one(HELD, args![device]).await? else { return Ok(Held::default()) };
    Ok(Held { entries: row.get(0)?, highest: row.get(1)?, reused: row.get(2)? })
}

/// The first gaps in a phone's counters, each as the counters before and after it.
pub async fn gaps(tx: &mut Tx, device: Uuid, limit: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    tx.all(GAPS, args![device, limit]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}
