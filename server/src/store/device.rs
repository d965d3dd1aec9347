//! Phones that joined a shift.

use std::collections::HashSet;

use dorbank_shared::{principal::DevicePrincipal, shift::Device, sync::wire::Admission};
use uuid::Uuid;

use super::{Row, StoreError, Tx};
use crate::{args, statements};

statements! {
    FIND = "SELECT id, shift, turf, sign, state, tickets, unsent, version FROM device WHERE id = $1";
    OF_SHIFT = "SELECT id, shift, turf, sign, state, tickets, unsent, version FROM device WHERE shift = $1 ORDER BY joined_at, id";
    BY_CREDENTIAL = "SELECT d.id, d.shift, s.campaign, d.turf, d.state FROM device d JOIN shift s ON s.id = d.shift WHERE d.credential_hash = $1";
    INSERT = "INSERT INTO device (id, shift, sign, credential_hash, state, joined_at, last_seen_at) VALUES ($1, $2, $3, $4, 'waiting', $5, $5)";
    INSERT_AGAIN = "INSERT INTO device (id, shift, sign, credential_hash, state, joined_at, last_seen_at) VALUES ($1, $2, $3, $4, 'waiting', $5, $5) \
        ON CONFLICT DO NOTHING";
    CLAIM = "UPDATE device SET credential_hash = $3 WHERE id = $1 AND credential_hash = $2";
    HAS_CREDENTIAL = "SELECT 1 FROM device WHERE id = $1 AND credential_hash = $2";
    SET_STATE = "UPDATE device SET state = $3, turf = $4, version = version + 1 WHERE id = $1 AND version = $2";
    SEEN = "UPDATE device SET last_seen_at = $2, unsent = $3, max_issued = $4 WHERE id = $1";
    RENEW = "INSERT INTO device (id, shift, turf, sign, credential_hash, state, joined_at, last_seen_at, tickets, renewed_from) \
        SELECT $2, shift, turf, $3, $4, state, $5, $5, tickets, id FROM device WHERE id = $1";
    FAMILY = "WITH RECURSIVE earlier (id, shift, renewed_from, max_issued) AS (SELECT id, shift, renewed_from, max_issued FROM device WHERE id = $1 \
        UNION SELECT d.id, d.shift, d.renewed_from, d.max_issued FROM device d JOIN earlier e ON d.id = e.renewed_from), \
        family (id, shift, renewed_from, max_issued) AS (SELECT id, shift, renewed_from, max_issued FROM earlier WHERE renewed_from IS NULL \
        UNION SELECT d.id, d.shift, d.renewed_from, d.max_issued FROM device d JOIN family f ON d.shift = f.shift AND d.renewed_from = f.id) \
        SELECT f.id, f.renewed_from, f.max_issued > 0 OR EXISTS (SELECT 1 FROM receipt r WHERE r.device = f.id) FROM family f \
        ORDER BY f.renewed_from IS NOT NULL, f.id";
    RENEWED_FROM = "WITH RECURSIVE earlier (id) AS (SELECT renewed_from FROM device WHERE id = $1 \
        UNION SELECT d.renewed_from FROM device d JOIN earlier e ON d.id = e.id) SELECT id FROM earlier WHERE id IS NOT NULL";
    HOLDING = "WITH RECURSIVE family (id, first) AS (SELECT id, id FROM device WHERE shift = $1 AND renewed_from IS NULL \
        UNION SELECT d.id, f.first FROM device d JOIN family f ON d.renewed_from = f.id WHERE d.shift = $1) \
        SELECT COUNT(DISTINCT f.first) FROM family f JOIN device d ON d.id = f.id WHERE d.state = 'admitted' OR (d.state = 'waiting' AND d.joined_at > $2)";
    REFUSE_WAITING = "UPDATE device SET state = 'refused', version = version + 1 WHERE shift = $1 AND state = 'waiting'";
    DRAW = "UPDATE device SET tickets = tickets + $2 WHERE id = $1";
}

fn admission(name: &str) -> Result<Admission, StoreError> {
    Ok(match name {
        "waiting" => Admission::Waiting,
        "admitted" => Admission::Admitted,
        "refused" => Admission::Refused,
        "revoked" => Admission::Revoked,
        _ => return Err(StoreError::Inconsistent { table: "device", column: "state" }),
    })
}

const fn name(admission: Admission) -> &'static str {
    match admission {
        Admission::Waiting => "waiting",
        Admission::Admitted => "admitted",
        Admission::Refused => "refused",
        Admission::Revoked => "revoked",
    }
}

fn device(row: &Row) -> Result<Device, StoreError> {
    Ok(Device {
        id: row.get(0)?,
        shift: row.get(1)?,
        turf: row.get(2)?,
        sign: row.get(3)?,
        admission: admission(&row.get::<String>(4)?)?,
        tickets: row.get(5)?,
        unsent: row.get(6)?,
        version: row.get(7)?,
    })
}

/// One phone.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Device>, StoreError> {
    tx.one(FIND, args![id]).await?.as_ref().map(device).transpose()
}

/// The phones of a shift, in the order in which they joined.
pub async fn of_shift(tx: &mut Tx, shift: Uuid) -> Result<Vec<Device>, StoreError> {
    tx.all(OF_SHIFT, args![shift]).await?.iter().map(device).collect()
}

/// Who holds a credential, by its hash.
pub async fn by_credential(tx: &mut Tx, hash: &[u8]) -> Result<Option<DevicePrincipal>, StoreError> {
    let Some(row) = tx.one(BY_CREDENTIAL, args![hash]).await? else { return Ok(None) };
    Ok(Some(DevicePrincipal {
        id: row.get(0)?,
        shift: row.get(1)?,
        campaign: row.get(2)?,
        turf: row.get(3)?,
        admission: admission(&row.get::<String>(4)?)?,
    }))
}

/// Writes a phone that joined and waits.
pub async fn insert(tx: &mut Tx, id: Uuid, shift: Uuid, sign: &str, credential_hash: [u8; 32], now_ms: i64) -> Result<(), StoreError> {
    tx.execute(INSERT, args![id, shift, sign, credential_hash, now_ms]).await?;
    Ok(())
}

/// Writes a phone that counts on for `old`, standing where that one stands. It has drawn as many tickets.
pub async fn renew(tx: &mut Tx, old: Uuid, id: Uuid, sign: &str, credential_hash: [u8; 32], now_ms: i64) -> Result<(), StoreError> {
    tx.execute(RENEW, args![old, id, sign, credential_hash, now_ms]).await?;
    Ok(())
}

/// A phone and its copies: every identity that counts on for the one that it was first, or for one that does. The first
/// stands first.
pub async fn family(tx: &mut Tx, id: Uuid) -> Result<Vec<Uuid>, StoreError> {
    tx.all(FAMILY, args![id]).await?.iter().map(|row| row.get(0)).collect()
}

/// How many identities were given out in a phone's family to count on with, and how many of them were ever used. What a
/// phone says of its counters is not enough: whoever uses one may say that it has given none.
pub async fn renewals(tx: &mut Tx, id: Uuid) -> Result<(i64, i64), StoreError> {
    let (mut given, mut used) = (0, 0);
    for row in tx.all(FAMILY, args![id]).await? {
        if row.get::<Option<Uuid>>(1)?.is_some() {
            given += 1;
            used += i64::from(row.get::<bool>(2)?);
        }
    }
    Ok((given, used))
}

/// All that a phone was before it took another identity.
pub async fn renewed_from(tx: &mut Tx, id: Uuid) -> Result<HashSet<Uuid>, StoreError> {
    tx.all(RENEWED_FROM, args![id]).await?.iter().map(|row| row.get(0)).collect()
}

/// As [`insert`], for a phone that a restore forgot; does nothing where it is there, perhaps since a moment ago.
pub async fn insert_again(tx: &mut Tx, id: Uuid, shift: Uuid, sign: &str, credential_hash: [u8; 32], now_ms: i64) -> Result<(), StoreError> {
    tx.execute(INSERT_AGAIN, args![id, shift, sign, credential_hash, now_ms]).await?;
    Ok(())
}

/// Gives a phone whose credential was not known the one that it shows. `mark` is what stood in its place. Says whether
/// it did.
pub async fn claim(tx: &mut Tx, id: Uuid, mark: [u8; 32], credential_hash: [u8; 32]) -> Result<bool, StoreError> {
    Ok(tx.execute(CLAIM, args![id, mark, credential_hash]).await? == 1)
}

/// Whether this, a credential's hash or what stands in its place, is the phone's.
pub async fn has_credential(tx: &mut Tx, id: Uuid, hash: [u8; 32]) -> Result<bool, StoreError> {
    Ok(tx.one(HAS_CREDENTIAL, args![id, hash]).await?.is_some())
}

/// Says where a phone stands and which turf it walks, if it is still at `version`; else [`StoreError::Stale`].
pub async fn set_admission(tx: &mut Tx, id: Uuid, version: i64, admission: Admission, turf: Option<Uuid>) -> Result<(), StoreError> {
    if tx.execute(SET_STATE, args![id, version, name(admission), turf]).await? == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

/// Notes that a phone was heard of, how many entries it says it has not sent, and its highest counter.
pub async fn note_seen(tx: &mut Tx, id: Uuid, now_ms: i64, unsent: i64, max_issued: i64) -> Result<(), StoreError> {
    tx.execute(SEEN, args![id, now_ms, unsent, max_issued]).await?;
    Ok(())
}

/// Notes that a phone drew so many tickets, never which.
pub async fn note_drawn(tx: &mut Tx, id: Uuid, tickets: i64) -> Result<(), StoreError> {
    tx.execute(DRAW, args![id, tickets]).await?;
    Ok(())
}

/// How many phones hold a place of a shift: those that are admitted, and those that wait and joined after `since_ms`. A
/// phone and its copies hold one.
pub async fn holding(tx: &mut Tx, shift: Uuid, since_ms: i64) -> Result<i64, StoreError> {
    tx.one(HOLDING, args![shift, since_ms]).await?.map_or(Ok(0), |row| row.get(0))
}

/// Refuses every phone of a shift that waits.
pub async fn refuse_waiting(tx: &mut Tx, shift: Uuid) -> Result<(), StoreError> {
    tx.execute(REFUSE_WAITING, args![shift]).await?;
    Ok(())
}
