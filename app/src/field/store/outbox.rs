//! The outbox: entries, the device's credential, sealed inputs and tickets. Its schema is frozen at version 1.
//!
//! Each record is a JSON text. `entry` is keyed by the device's counter, `sealed` by a random id (an ascending key would
//! tell in which order inputs were noted), `ticket` by the ticket, `meta` by name.

use std::cell::Cell;

use dorbank_shared::sync::{
    engine::Receipt,
    replay::Kept,
    wire::{Admission, Envelope},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::handle::{Change, Durability, Found, Handle, Read, StoreError, all, one, put};
use crate::field::browser;

const ENTRY: &str = "entry";
const META: &str = "meta";
const SEALED: &str = "sealed";
const TICKET: &str = "ticket";

thread_local! {
    /// The counter that is next as far as this page knows; another tab may have given it since.
    static NEXT: Cell<Option<u64>> = const { Cell::new(None) };
    static OUTBOX: &'static Handle = Box::leak(Box::new(Handle::new("dorbank-outbox", &[ENTRY, META, SEALED, TICKET], Durability::Strict)));
}

fn outbox() -> &'static Handle {
    OUTBOX.with(|handle| *handle)
}

/// Who this phone is in its shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The device's id.
    pub device: Uuid,
    /// Its bearer credential.
    pub credential: String,
    /// The two characters by which the lead knows it.
    pub sign: String,
    /// Where it stood when last heard.
    pub admission: Admission,
}

/// Sealed inputs, counted. Nothing here says which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Sealed on this phone in this shift.
    pub sealed: u64,
    /// Of those, acknowledged by the server.
    pub acknowledged: u64,
    /// The hour (milliseconds, cut down) since which something waits.
    pub since: Option<i64>,
}

/// A sealed input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The envelope, base64url.
    pub sealed: String,
    /// The ticket that it was offered with, and will always be.
    #[serde(default)]
    pub ticket: Option<String>,
    /// The day on which the server acknowledged it.
    #[serde(default)]
    pub held_on: Option<String>,
}

/// An earlier identity of this phone, with what was noted under it. It sends what waits under its own credential, and
/// offers it again after a restore, until no backup is that old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelved {
    /// Who this phone was.
    pub identity: Identity,
    /// When that shift ended by the server's clock, where it was known.
    #[serde(default)]
    pub ended_at: Option<i64>,
    /// What was noted.
    pub entries: Vec<Kept>,
}

impl Shelved {
    /// What has no receipt.
    pub fn unsent(&self) -> impl Iterator<Item = &Kept> {
        self.entries.iter().filter(|kept| kept.status.is_none())
    }
}

/// Backups are kept for 14 days; a day more, since a shift's end is not its last push.
const SHELF_MS: i64 = 15 * 24 * 3_600_000;

/// All that the app starts from.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Who we are.
    pub identity: Option<Identity>,
    /// Entries, by counter.
    pub entries: Vec<Kept>,
    /// The highest counter ever given.
    pub max_issued: u64,
    /// The server's epoch.
    pub epoch: Option<String>,
    /// Inputs, counted.
    pub pool: Pool,
    /// Tickets left.
    pub tickets: usize,
    /// Earlier identities with what was noted under them.
    pub shelf: Vec<Shelved>,
}

/// Keys are numbers in JavaScript; a counter stays far below what they hold exactly.
fn number(seq: u64) -> f64 {
    seq as f64
}

fn add_entry(kept: &Kept) -> Result<Change, StoreError> {
    Ok(Change::Add(ENTRY, number(kept.envelope.device_seq).into(), serde_json::to_string(kept)?))
}

fn put_entry(kept: &Kept) -> Result<Change, StoreError> {
    put(ENTRY, number(kept.envelope.device_seq), kept)
}

/// Sealed inputs with their keys.
fn sealed_of(found: &Found, at: usize) -> Result<Vec<(String, Sealed)>, StoreError> {
    Ok(found.keys(at).cloned().zip(found.all(at)?).collect())
}

/// Reads everything.
pub async fn read() -> Result<Contents, StoreError> {
    let meta = |name: &str| one(META, name);
    let found = outbox().read(&[meta("identity"), meta("next_seq"), meta("epoch"), meta("pool"), all(ENTRY), all(TICKET), meta("shelf")]).await?;
    let next: u64 = found.one(1)?.unwrap_or(1);
    NEXT.set(Some(next));
    Ok(Contents {
        identity: found.one(0)?,
        max_issued: next - 1,
        epoch: found.one(2)?,
        pool: found.one(3)?.unwrap_or_default(),
        entries: found.all(4)?,
        tickets: found.keys(5).count(),
        shelf: found.one(6)?.unwrap_or_default(),
    })
}

/// What is to be written: all of an entry but its counter.
#[derive(Debug, Clone, Serialize)]
pub struct Draft {
    /// Made once, so that a second try after a fault is the same entry.
    pub id: Uuid,
    /// The kind.
    pub kind: &'static str,
    /// The entry that it replaces.
    pub supersedes: Option<Uuid>,
    /// By the phone's clock.
    pub captured_at: i64,
    /// The body.
    pub bytes: String,
}

/// Writes entries; their counters are given in the same transaction. They are durable when this returns.
pub async fn append(drafts: &[Draft]) -> Result<Vec<Kept>, StoreError> {
    // Somebody waits for the tick, so the counter is not read first: where another tab has given it, the addition fails.
    if let Some(next) = NEXT.take() {
        let mut written = Vec::new();
        if outbox().change_once(&[], &mut |_| number_them(drafts, next, &[], &mut written)).await.is_ok() {
            NEXT.set(Some(next + drafts.len() as u64));
            return Ok(written);
        }
    }
    append_again(drafts).await
}

/// As [`append`], for drafts that may have been written already: a fault after the commit but before its report must not
/// give the same entry a second counter, nor may another identity that was taken since.
pub async fn append_again(drafts: &[Draft]) -> Result<Vec<Kept>, StoreError> {
    let mut written = Vec::new();
    let mut decide = |found: &mut Found| {
        let shelf: Vec<Shelved> = found.one(2)?.unwrap_or_default();
        let shelved = |draft: &&Draft| shelf.iter().flat_map(|shelved| &shelved.entries).any(|kept| kept.envelope.id == draft.id);
        let drafts: Vec<Draft> = drafts.iter().filter(|draft| !shelved(draft)).cloned().collect();
        number_them(&drafts, found.one(0)?.unwrap_or(1), &found.all(1)?, &mut written)
    };
    outbox().change(&[one(META, "next_seq"), all(ENTRY), one(META, "shelf")], &mut decide).await?;
    NEXT.set(written.iter().map(|kept| kept.envelope.device_seq + 1).max());
    Ok(written)
}

fn number_them(drafts: &[Draft], mut next: u64, known: &[Kept], written: &mut Vec<Kept>) -> Result<Vec<Change>, StoreError> {
    let mut changes = Vec::with_capacity(drafts.len() + 1);
    written.clear();
    for draft in drafts {
        if let Some(kept) = known.iter().find(|kept| kept.envelope.id == draft.id) {
            written.push(kept.clone());
            continue;
        }
        let envelope = Envelope {
            id: draft.id,
            kind: draft.kind.to_owned(),
            version: 1,
            device_seq: next,
            supersedes: draft.supersedes,
            captured_at: draft.captured_at,
            bytes: draft.bytes.clone(),
        };
        let kept = Kept { envelope, status: None, reason: None };
        changes.push(add_entry(&kept)?);
        written.push(kept);
        next += 1;
    }
    changes.push(put(META, "next_seq", &next)?);
    Ok(changes)
}

/// Makes receipts durable that the server gave in `epoch`, and says of which entries. Another tab may have met a restore
/// since, or taken another identity whose entries have the same counters.
pub async fn settle(receipts: &[Receipt], epoch: Option<&str>) -> Result<Vec<u64>, StoreError> {
    let mut reads: Vec<Read> = receipts.iter().map(|receipt| one(ENTRY, number(receipt.device_seq))).collect();
    reads.push(one(META, "epoch"));
    let mut settled = Vec::new();
    let mut decide = |found: &mut Found| {
        settled.clear();
        let mut changes = Vec::with_capacity(receipts.len());
        let stored: Option<String> = found.one(receipts.len())?;
        if stored.is_some() && stored.as_deref() != epoch {
            return Ok(changes);
        }
        for (at, receipt) in receipts.iter().enumerate() {
            if let Some(kept) = found.one::<Kept>(at)?.filter(|kept| kept.envelope.id == receipt.id) {
                changes.push(put_entry(&Kept { status: Some(receipt.status), reason: receipt.reason, ..kept })?);
                settled.push(receipt.device_seq);
            }
        }
        Ok(changes)
    };
    outbox().change(&reads, &mut decide).await?;
    Ok(settled)
}

/// Earlier identities with what was noted under them.
pub async fn shelf() -> Result<Vec<Shelved>, StoreError> {
    Ok(outbox().read(&[one(META, "shelf")]).await?.one(0)?.unwrap_or_default())
}

/// Makes receipts durable for what was noted under an earlier identity.
pub async fn settle_shelved(device: Uuid, receipts: &[Receipt]) -> Result<(), StoreError> {
    let mut decide = |found: &mut Found| {
        let mut shelf: Vec<Shelved> = found.one(0)?.unwrap_or_default();
        for kept in shelf.iter_mut().filter(|shelved| shelved.identity.device == device).flat_map(|shelved| &mut shelved.entries) {
            if let Some(receipt) = receipts.iter().find(|receipt| receipt.id == kept.envelope.id) {
                (kept.status, kept.reason) = (Some(receipt.status), receipt.reason);
            }
        }
        Ok(vec![put(META, "shelf", &shelf)?])
    };
    outbox().change(&[one(META, "shelf")], &mut decide).await
}

/// Lets go of what has its receipts and is older than any backup, by the server's clock.
pub async fn clear_shelf(server_time: i64) -> Result<(), StoreError> {
    let mut decide = |found: &mut Found| {
        let mut shelf: Vec<Shelved> = found.one(0)?.unwrap_or_default();
        let before = shelf.len();
        shelf.retain(|shelved| shelved.unsent().count() > 0 || shelved.ended_at.is_none_or(|ended| server_time - ended < SHELF_MS));
        Ok(if shelf.len() < before { vec![put(META, "shelf", &shelf)?] } else { Vec::new() })
    };
    outbox().change(&[one(META, "shelf")], &mut decide).await
}

/// The server was restored: these entries, those of earlier identities and every sealed input still kept, will be offered
/// again.
pub async fn reopen(entries: &[u64], epoch: &str) -> Result<Pool, StoreError> {
    let mut pool = Pool::default();
    let mut decide = |found: &mut Found| {
        let mut changes = vec![put(META, "epoch", &epoch)?];
        for kept in found.all::<Kept>(0)?.into_iter().filter(|kept| entries.contains(&kept.envelope.device_seq)) {
            changes.push(put_entry(&Kept { status: None, reason: None, ..kept })?);
        }
        pool = found.one(2)?.unwrap_or_default();
        for (key, record) in sealed_of(found, 1)?.into_iter().filter(|(_, record)| record.held_on.is_some()) {
            changes.push(put(SEALED, key, &Sealed { held_on: None, ..record })?);
            pool.acknowledged = pool.acknowledged.saturating_sub(1);
        }
        changes.push(put(META, "pool", &pool)?);
        if let Some(mut shelf) = found.one::<Vec<Shelved>>(3)? {
            for kept in shelf.iter_mut().flat_map(|shelved| &mut shelved.entries) {
                (kept.status, kept.reason) = (None, None);
            }
            changes.push(put(META, "shelf", &shelf)?);
        }
        Ok(changes)
    };
    outbox().change(&[all(ENTRY), all(SEALED), one(META, "pool"), one(META, "shelf")], &mut decide).await?;
    Ok(pool)
}

/// Remembers the server's epoch.
pub async fn keep_epoch(epoch: &str) -> Result<(), StoreError> {
    outbox().change(&[], &mut |_| Ok(vec![put(META, "epoch", &epoch)?])).await
}

/// Remembers where this phone stands.
pub async fn keep_identity(identity: &Identity) -> Result<(), StoreError> {
    outbox().change(&[], &mut |_| Ok(vec![put(META, "identity", identity)?])).await
}

/// Takes another identity, with counters of its own. What was noted under the one before goes on the shelf; `ended_at` is
/// when its shift ends, where that is known. Sealed inputs belong to no identity and stay. An identity that was meant for
/// `only` is not taken where another tab has taken one meanwhile.
pub async fn join(identity: &Identity, ended_at: Option<i64>, only: Option<Uuid>) -> Result<(), StoreError> {
    let mut decide = |found: &mut Found| {
        if only.is_some() && found.one::<Identity>(2)?.map(|now| now.device) != only {
            return Ok(Vec::new());
        }
        let mut shelf: Vec<Shelved> = found.one(1)?.unwrap_or_default();
        let entries: Vec<Kept> = found.all(3)?;
        if let Some(before) = found.one::<Identity>(2)?.filter(|_| !entries.is_empty()) {
            shelf.push(Shelved { identity: before, ended_at, entries });
        }
        // The figures begin afresh with the shift; what still waits from before goes with them.
        let mut pool: Pool = found.one(0)?.unwrap_or_default();
        pool.sealed = pool.sealed.saturating_sub(pool.acknowledged);
        pool.acknowledged = 0;
        Ok(vec![
            Change::Clear(ENTRY),
            put(META, "shelf", &shelf)?,
            put(META, "next_seq", &1u64)?,
            put(META, "identity", identity)?,
            put(META, "pool", &pool)?,
        ])
    };
    outbox().change(&[one(META, "pool"), one(META, "shelf"), one(META, "identity"), all(ENTRY)], &mut decide).await
}

/// Keeps a sealed input under a random key. It is durable when this returns; a second time under its key changes nothing.
pub async fn keep_sealed(key: Uuid, sealed: &str) -> Result<Pool, StoreError> {
    let key = key.to_string();
    let hour = browser::now() / 3_600_000 * 3_600_000;
    let mut pool = Pool::default();
    let mut decide = |found: &mut Found| {
        pool = found.one(1)?.unwrap_or_default();
        // A second try after a fault finds what the first may have written.
        if found.one::<Sealed>(0)?.is_some() {
            return Ok(Vec::new());
        }
        pool.sealed += 1;
        pool.since = pool.since.or(Some(hour));
        let record = Sealed { sealed: sealed.to_owned(), ticket: None, held_on: None };
        Ok(vec![put(SEALED, key.as_str(), &record)?, put(META, "pool", &pool)?])
    };
    outbox().change(&[one(SEALED, key.as_str()), one(META, "pool")], &mut decide).await?;
    Ok(pool)
}

/// Gives each waiting input without a ticket one, as far as they last, before anything is sent. Those that have one, with
/// their keys, in the order of these random keys.
pub async fn assign_tickets() -> Result<Vec<(String, Sealed)>, StoreError> {
    let mut ready = Vec::new();
    let mut decide = |found: &mut Found| {
        ready.clear();
        let mut tickets = found.keys(1);
        let mut changes = Vec::new();
        for (key, mut record) in sealed_of(found, 0)?.into_iter().filter(|(_, record)| record.held_on.is_none()) {
            if record.ticket.is_none() {
                let Some(ticket) = tickets.next() else { continue };
                record.ticket = Some(ticket.clone());
                changes.push(Change::Delete(TICKET, ticket.into()));
                changes.push(put(SEALED, key.as_str(), &record)?);
            }
            ready.push((key, record));
        }
        Ok(changes)
    };
    outbox().change(&[all(SEALED), all(TICKET)], &mut decide).await?;
    Ok(ready)
}

/// What the server said of inputs that were offered: acknowledged ones are marked with `day`, the server's; refused ones
/// lose their ticket and get another. Acknowledged ones leave the phone once a backup holds their day.
pub async fn answer_inputs(held: &[String], refused: &[String], day: &str, backed_up_through: Option<&str>) -> Result<Pool, StoreError> {
    let mut pool = Pool::default();
    let mut decide = |found: &mut Found| {
        pool = found.one(1)?.unwrap_or_default();
        let mut waits = false;
        let mut changes = Vec::new();
        for (key, mut record) in sealed_of(found, 0)? {
            if record.held_on.is_none() && held.contains(&key) {
                record.held_on = Some(day.to_owned());
                pool.acknowledged += 1;
            } else if refused.contains(&key) {
                record.ticket = None;
            }
            waits |= record.held_on.is_none();
            let safe = record.held_on.as_deref().is_some_and(|day| backed_up_through.is_some_and(|through| day <= through));
            changes.push(if safe { Change::Delete(SEALED, key.into()) } else { put(SEALED, key, &record)? });
        }
        if !waits {
            pool.since = None;
        }
        changes.push(put(META, "pool", &pool)?);
        Ok(changes)
    };
    outbox().change(&[all(SEALED), one(META, "pool")], &mut decide).await?;
    Ok(pool)
}

/// Keeps tickets.
pub async fn keep_tickets(tickets: &[String]) -> Result<(), StoreError> {
    outbox().change(&[], &mut |_| tickets.iter().map(|ticket| put(TICKET, ticket.as_str(), &1u8)).collect()).await
}

/// How many tickets are left.
pub async fn tickets() -> Result<usize, StoreError> {
    Ok(outbox().read(&[all(TICKET)]).await?.keys(0).count())
}

/// Writes something and reads it back.
pub async fn probe() -> Result<bool, StoreError> {
    let mark = Uuid::new_v4().to_string();
    outbox().change(&[], &mut |_| Ok(vec![put(META, "probe", &mark)?])).await?;
    Ok(outbox().read(&[one(META, "probe")]).await?.one::<String>(0)?.as_deref() == Some(mark.as_str()))
}
