//! Quarantine ("Til avklaring"): what could not be applied, kept whole, with a reason.

use std::collections::{HashMap, HashSet};

use dorbank_shared::sync::wire::{Envelope, Reason};
use rand::Rng;
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    INSERT = "INSERT INTO quarantine (id, mac, campaign, device, device_seq, kind, version, captured_at, body, reason, received_at, supersedes) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id, mac) DO NOTHING";
    SETTLE = "UPDATE quarantine SET settled_at = $1, settled_as = 'replaced' WHERE device = $2 AND campaign = $3 AND settled_at IS NULL \
        AND id IN ($4)";
    SETTLE_ONE = "UPDATE quarantine SET settled_at = $3, settled_as = $4 WHERE id = $1 AND mac = $2 AND settled_at IS NULL";
    AMONG = "SELECT id, mac, campaign, device, device_seq, kind, version, captured_at, body, reason, received_at FROM quarantine \
        WHERE settled_at IS NULL AND id IN ($1)";
    SUPERSEDED = "SELECT id, supersedes FROM quarantine WHERE reason <> 'id_reuse' AND id IN ($1)";
    WAITING = "SELECT q.id, q.mac, q.campaign, q.device, q.device_seq, q.kind, q.version, q.captured_at, q.body, q.reason, q.received_at, \
        c.branch, c.name, d.sign, s.id, s.starts_at, s.ends_at, s.meeting_place FROM quarantine q JOIN campaign c ON c.id = q.campaign \
        JOIN device d ON d.id = q.device JOIN shift s ON s.id = d.shift WHERE q.settled_at IS NULL AND q.reason = $1 AND c.branch = $2 \
        ORDER BY q.received_at, q.device, q.device_seq, q.id LIMIT $3";
    WAITING_ANYWHERE = "SELECT q.id, q.mac, q.campaign, q.device, q.device_seq, q.kind, q.version, q.captured_at, q.body, q.reason, q.received_at, \
        c.branch, c.name, d.sign, s.id, s.starts_at, s.ends_at, s.meeting_place FROM quarantine q JOIN campaign c ON c.id = q.campaign \
        JOIN device d ON d.id = q.device JOIN shift s ON s.id = d.shift WHERE q.settled_at IS NULL AND q.reason = $1 \
        ORDER BY q.received_at, q.device, q.device_seq, q.id LIMIT $2";
    ONE = "SELECT q.id, q.mac, q.campaign, q.device, q.device_seq, q.kind, q.version, q.captured_at, q.body, q.reason, q.received_at, \
        c.branch, c.name, d.sign, s.id, s.starts_at, s.ends_at, s.meeting_place, q.settled_as FROM quarantine q JOIN campaign c ON c.id = q.campaign \
        JOIN device d ON d.id = q.device JOIN shift s ON s.id = d.shift WHERE q.id = $1 AND q.mac = $2";
    BY_REASON = "SELECT q.reason, c.branch, COUNT(*) FROM quarantine q JOIN campaign c ON c.id = q.campaign WHERE q.settled_at IS NULL GROUP BY q.reason, c.branch";
    FULL = "SELECT id, mac FROM quarantine WHERE settled_at <= $1 AND body <> '' \
        AND device IN (SELECT d.id FROM device d JOIN shift s ON s.id = d.shift WHERE s.ends_at <= $1)";
    KEPT = "SELECT id, mac, device, device_seq, body FROM quarantine WHERE id IN ($1)";
    COUNT = "UPDATE quarantine SET device_seq = $3, body = $4, mac = $5 WHERE id = $1 AND mac = $2";
    EMPTY = "UPDATE quarantine SET body = '', captured_at = 0, mac = $3 WHERE id = $1 AND mac = $2";
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

/// What an entry in quarantine is known by.
struct Kept {
    id: Uuid,
    mac: Vec<u8>,
    device: Uuid,
    device_seq: i64,
    /// Of one that was settled and emptied only phone and counter are left to know it by.
    is_emptied: bool,
    /// The digest that it would have without a counter. Taken once: somebody may push many under one id.
    uncounted: Option<String>,
}

impl Kept {
    fn new(id: Uuid, mac: Vec<u8>, device: Uuid, device_seq: i64, body: &str) -> Self {
        let envelope = serde_json::from_str::<Envelope>(body).ok();
        let uncounted = envelope.map(|envelope| Envelope { device_seq: 0, ..envelope }.digest());
        Self { id, mac, device, device_seq, is_emptied: body.is_empty(), uncounted }
    }

    fn of(entry: &Quarantined) -> Self {
        Self::new(entry.id, entry.mac.clone(), entry.device, entry.device_seq, &entry.body)
    }

    /// Whether it is that entry, which may be kept already.
    fn is(&self, entry: &Self) -> bool {
        let emptied = || self.is_emptied && (self.device, self.device_seq) == (entry.device, entry.device_seq);
        self.id == entry.id && (self.mac == entry.mac || emptied())
    }

    /// Whether it is that entry under another counter: see [`Envelope::is_but_for_its_counter`]. An entry under an id that is
    /// taken has no receipt by which it would be known.
    fn is_but_for_its_counter(&self, entry: &Self) -> bool {
        (self.id, self.device) == (entry.id, entry.device)
            && self.device_seq != entry.device_seq
            && self.uncounted.is_some()
            && self.uncounted == entry.uncounted
    }
}

/// Keeps entries; one that is kept already stays as it is, but for the counter that it has now.
pub async fn insert(tx: &mut Tx, entries: &[Quarantined]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let (head, tail) = around_list(KEPT);
    let keys: Vec<Value> = entries.iter().map(|q| q.id.into()).collect();
    let mut kept = Vec::new();
    for row in tx.all_in(head, &[], &keys, tail).await? {
        let body: String = row.get(4)?;
        kept.push(Kept::new(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, &body));
    }
    let mut fresh: Vec<(Kept, &Quarantined)> = Vec::new();
    for entry in entries {
        let new = Kept::of(entry);
        if kept.iter().any(|kept| kept.is(&new)) {
            continue;
        }
        if let Some(before) = kept.iter().find(|kept| kept.is_but_for_its_counter(&new)) {
            if before.device_seq < new.device_seq {
                tx.execute(COUNT, args![entry.id, before.mac.as_slice(), entry.device_seq, entry.body.as_str(), entry.mac.as_slice()]).await?;
            }
            continue;
        }
        if let Some(here) = fresh.iter_mut().find(|(here, _)| here.is_but_for_its_counter(&new)) {
            if here.0.device_seq < new.device_seq {
                *here = (new, entry);
            }
            continue;
        }
        fresh.push((new, entry));
    }
    let (head, tail) = around_values(INSERT);
    let rows = fresh
        .iter()
        .map(|(_, q)| {
            let (mac, kind, body) = (q.mac.as_slice(), q.kind.as_str(), q.body.as_str());
            let supersedes = serde_json::from_str::<Envelope>(body).ok().and_then(|envelope| envelope.supersedes);
            args![q.id, mac, q.campaign, q.device, q.device_seq, kind, q.version, q.captured_at, body, q.reason.name(), q.received_at, supersedes]
        })
        .collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// Settles entries of a phone that were replaced or withdrawn, by itself or by what it is called now.
pub async fn settle(tx: &mut Tx, device: Uuid, campaign: Uuid, ids: &HashSet<Uuid>, now_ms: i64) -> Result<(), StoreError> {
    let (head, tail) = around_list(SETTLE);
    let keys: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.all_in(head, &args![now_ms, device, campaign], &keys, tail).await?;
    Ok(())
}

/// An entry in quarantine, with what a person needs to know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The entry.
    pub entry: Quarantined,
    /// The branch whose campaign it belongs to.
    pub branch: Uuid,
    /// What that campaign is called.
    pub campaign_name: String,
    /// The two characters of the phone.
    pub sign: String,
    /// The phone's shift.
    pub shift: Uuid,
    /// When the shift began, milliseconds since 1970, UTC.
    pub starts_at: i64,
    /// When the shift ended, milliseconds since 1970, UTC.
    pub ends_at: i64,
    /// Where the shift met.
    pub meeting_place: String,
}

fn waiting_row(row: &Row) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        entry: quarantined(row)?,
        branch: row.get(11)?,
        campaign_name: row.get(12)?,
        sign: row.get(13)?,
        shift: row.get(14)?,
        starts_at: row.get(15)?,
        ends_at: row.get(16)?,
        meeting_place: row.get(17)?,
    })
}

/// The first that wait for one reason, oldest first: of a branch's campaigns, or of all.
pub async fn waiting(tx: &mut Tx, reason: Reason, branch: Option<Uuid>, limit: i64) -> Result<Vec<Waiting>, StoreError> {
    let rows = match branch {
        Some(branch) => tx.all(WAITING, args![reason.name(), branch, limit]).await?,
        None => tx.all(WAITING_ANYWHERE, args![reason.name(), limit]).await?,
    };
    rows.iter().map(waiting_row).collect()
}

/// One entry, and how it was settled if it was.
pub async fn find(tx: &mut Tx, id: Uuid, mac: &[u8]) -> Result<Option<(Waiting, Option<String>)>, StoreError> {
    tx.one(ONE, args![id, mac]).await?.map(|row| Ok((waiting_row(&row)?, row.get(18)?))).transpose()
}

/// Those with one of these ids that still wait.
pub async fn among(tx: &mut Tx, ids: &HashSet<Uuid>) -> Result<Vec<Quarantined>, StoreError> {
    let (head, tail) = around_list(AMONG);
    let keys: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.all_in(head, &[], &keys, tail).await?.iter().map(quarantined).collect()
}

/// What entries that were ever kept supersede, by their own ids. Those that came under the id of another are left out.
pub async fn superseded(tx: &mut Tx, ids: &HashSet<Uuid>) -> Result<HashMap<Uuid, Option<Uuid>>, StoreError> {
    let (head, tail) = around_list(SUPERSEDED);
    let keys: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.all_in(head, &[], &keys, tail).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Settles one entry, and says whether this call did: somebody else may have been faster.
pub async fn settle_one(tx: &mut Tx, id: Uuid, mac: &[u8], now_ms: i64, settled_as: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(SETTLE_ONE, args![id, mac, now_ms, settled_as]).await? == 1)
}

/// How many wait, by reason and branch.
pub async fn by_reason(tx: &mut Tx) -> Result<Vec<(Reason, Uuid, i64)>, StoreError> {
    let rows = tx.all(BY_REASON, args![]).await?;
    rows.iter()
        .map(|row| {
            let reason: String = row.get(0)?;
            let reason = Reason::parse(&reason).ok_or(StoreError::Inconsistent { table: "quarantine", column: "reason" })?;
            Ok((reason, row.get(1)?, row.get(2)?))
        })
        .collect()
}

/// Empties the bodies of entries that were settled at `before` or earlier and whose shift ended so long ago too. Says
/// whether there were any.
///
/// Random bytes take the place of the digest, from which what was noted could be guessed.
pub async fn empty(tx: &mut Tx, before: i64, rng: &mut impl Rng) -> Result<bool, StoreError> {
    let full = tx.all(FULL, args![before]).await?;
    for row in &full {
        let (id, mac): (Uuid, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let mut other = [0; 32];
        rng.fill_bytes(&mut other);
        tx.execute(EMPTY, args![id, mac, other]).await?;
    }
    Ok(!full.is_empty())
}

/// What waits for somebody to look at it, oldest first.
pub async fn open(tx: &mut Tx, campaign: Uuid) -> Result<Vec<Quarantined>, StoreError> {
    tx.all(OPEN, args![campaign]).await?.iter().map(quarantined).collect()
}

/// How many entries wait for somebody to look at them.
pub async fn count_open(tx: &mut Tx, campaign: Uuid) -> Result<i64, StoreError> {
    tx.one(COUNT_OPEN, args![campaign]).await?.map_or(Ok(0), |row| row.get(0))
}
