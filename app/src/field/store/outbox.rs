//! The outbox: entries, the device's credential, sealed inputs and tickets. Its schema is frozen at version 1.
//!
//! Each record is a JSON text. `entry` is keyed by the device's counter, `sealed` by a random id (an ascending key would
//! tell in which order inputs were noted), `ticket` by the ticket, `meta` by name.

use dorbank_shared::sync::{
    engine::Receipt,
    replay::Kept,
    wire::{Admission, Envelope},
};
use indexed_db_futures::{prelude::*, transaction::Transaction};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::handle::{Handle, StoreError, all, all_with_keys, strict};
use crate::field::browser;

const ENTRY: &str = "entry";
const META: &str = "meta";
const SEALED: &str = "sealed";
const TICKET: &str = "ticket";

thread_local! {
    static OUTBOX: &'static Handle = Box::leak(Box::new(Handle::new("dorbank-outbox", &[ENTRY, META, SEALED, TICKET])));
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
}

async fn meta<T: DeserializeOwned>(transaction: &Transaction<'_>, name: &str) -> Result<Option<T>, StoreError> {
    let text: Option<String> = transaction.object_store(META)?.get(name.to_owned()).await?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

async fn set_meta<T: Serialize>(transaction: &Transaction<'_>, name: &str, value: &T) -> Result<(), StoreError> {
    transaction.object_store(META)?.put(serde_json::to_string(value)?).with_key(name.to_owned()).await?;
    Ok(())
}

async fn put_entry(transaction: &Transaction<'_>, kept: &Kept) -> Result<(), StoreError> {
    transaction.object_store(ENTRY)?.put(serde_json::to_string(kept)?).with_key(number(kept.envelope.device_seq)).await?;
    Ok(())
}

async fn entry(transaction: &Transaction<'_>, seq: u64) -> Result<Option<Kept>, StoreError> {
    let text: Option<String> = transaction.object_store(ENTRY)?.get(number(seq)).await?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

fn number(seq: u64) -> f64 {
    seq as f64
}

/// Reads everything.
pub async fn read() -> Result<Contents, StoreError> {
    outbox()
        .run(async |database| {
            let transaction = database.transaction(META).build()?;
            let identity = meta(&transaction, "identity").await?;
            let next: Option<u64> = meta(&transaction, "next_seq").await?;
            let epoch = meta(&transaction, "epoch").await?;
            let pool = meta(&transaction, "pool").await?.unwrap_or_default();
            drop(transaction);
            let entries = all(database, ENTRY).await?;
            let tickets = all_with_keys::<u8>(database, TICKET).await?.len();
            Ok(Contents { identity, entries, max_issued: next.unwrap_or(1) - 1, epoch, pool, tickets })
        })
        .await
}

/// What is to be written: all of an entry but its counter.
#[derive(Debug, Clone)]
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
    outbox()
        .run(async |database| {
            let transaction = strict(database, &[ENTRY, META])?;
            let mut next: u64 = meta(&transaction, "next_seq").await?.unwrap_or(1);
            // A fault after the commit but before its report would write the same draft again, under another counter.
            let last = entry(&transaction, next.saturating_sub(1)).await?;
            if let (Some(last), Some(draft)) = (last, drafts.last())
                && last.envelope.id == draft.id
            {
                drop(transaction);
                let entries: Vec<Kept> = all(database, ENTRY).await?;
                return Ok(entries.into_iter().filter(|kept| drafts.iter().any(|draft| draft.id == kept.envelope.id)).collect());
            }
            let mut written = Vec::with_capacity(drafts.len());
            for draft in drafts {
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
                put_entry(&transaction, &kept).await?;
                written.push(kept);
                next += 1;
            }
            set_meta(&transaction, "next_seq", &next).await?;
            transaction.commit().await?;
            Ok(written)
        })
        .await
}

/// Makes receipts durable.
pub async fn settle(receipts: &[Receipt]) -> Result<(), StoreError> {
    outbox()
        .run(async |database| {
            let transaction = strict(database, &[ENTRY])?;
            for receipt in receipts {
                if let Some(mut kept) = entry(&transaction, receipt.device_seq).await? {
                    kept.status = Some(receipt.status);
                    kept.reason = receipt.reason;
                    put_entry(&transaction, &kept).await?;
                }
            }
            Ok(transaction.commit().await?)
        })
        .await
}

/// The server was restored: these entries, and every sealed input still kept, will be offered again.
pub async fn reopen(entries: &[u64], epoch: &str) -> Result<Pool, StoreError> {
    let offered = sealed().await?;
    outbox()
        .run(async |database| {
            let transaction = strict(database, &[ENTRY, META, SEALED])?;
            for seq in entries {
                if let Some(mut kept) = entry(&transaction, *seq).await? {
                    kept.status = None;
                    kept.reason = None;
                    put_entry(&transaction, &kept).await?;
                }
            }
            let mut pool: Pool = meta(&transaction, "pool").await?.unwrap_or_default();
            for (key, record) in offered.iter().filter(|(_, record)| record.held_on.is_some()) {
                let record = Sealed { held_on: None, ..record.clone() };
                transaction.object_store(SEALED)?.put(serde_json::to_string(&record)?).with_key(key.clone()).await?;
                pool.acknowledged = pool.acknowledged.saturating_sub(1);
            }
            set_meta(&transaction, "pool", &pool).await?;
            set_meta(&transaction, "epoch", &epoch).await?;
            transaction.commit().await?;
            Ok(pool)
        })
        .await
}

/// Remembers the server's epoch.
pub async fn keep_epoch(epoch: &str) -> Result<(), StoreError> {
    put_meta("epoch", &epoch).await
}

/// Remembers where this phone stands.
pub async fn keep_identity(identity: &Identity) -> Result<(), StoreError> {
    put_meta("identity", identity).await
}

async fn put_meta<T: Serialize>(name: &str, value: &T) -> Result<(), StoreError> {
    outbox()
        .run(async |database| {
            let transaction = strict(database, &[META])?;
            set_meta(&transaction, name, value).await?;
            Ok(transaction.commit().await?)
        })
        .await
}

/// Joins a shift: another device, other counters. Only called when every entry has its receipt; sealed inputs stay.
pub async fn join(identity: &Identity) -> Result<(), StoreError> {
    outbox()
        .run(async |database| {
            let transaction = strict(database, &[ENTRY, META])?;
            transaction.object_store(ENTRY)?.clear()?.await?;
            transaction.object_store(META)?.delete("epoch".to_owned()).await?;
            set_meta(&transaction, "next_seq", &1u64).await?;
            set_meta(&transaction, "identity", identity).await?;
            // The figures begin afresh with the shift; what still waits from before goes with them.
            let mut pool: Pool = meta(&transaction, "pool").await?.unwrap_or_default();
            pool.sealed = pool.sealed.saturating_sub(pool.acknowledged);
            pool.acknowledged = 0;
            set_meta(&transaction, "pool", &pool).await?;
            Ok(transaction.commit().await?)
        })
        .await
}

/// Keeps a sealed input. It is durable when this returns.
pub async fn keep_sealed(sealed: &str) -> Result<Pool, StoreError> {
    let key = Uuid::new_v4().to_string();
    let hour = browser::now() / 3_600_000 * 3_600_000;
    outbox()
        .run(async |database| {
            let transaction = strict(database, &[SEALED, META])?;
            let known: Option<String> = transaction.object_store(SEALED)?.get(key.clone()).await?;
            let mut pool: Pool = meta(&transaction, "pool").await?.unwrap_or_default();
            if known.is_none() {
                let record = Sealed { sealed: sealed.to_owned(), ticket: None, held_on: None };
                transaction.object_store(SEALED)?.put(serde_json::to_string(&record)?).with_key(key.clone()).await?;
                pool.sealed += 1;
                pool.since = pool.since.or(Some(hour));
                set_meta(&transaction, "pool", &pool).await?;
            }
            transaction.commit().await?;
            Ok(pool)
        })
        .await
}

/// All sealed inputs, in the order of their random keys.
pub async fn sealed() -> Result<Vec<(String, Sealed)>, StoreError> {
    outbox().run(async |database| all_with_keys(database, SEALED).await).await
}

/// Gives each waiting input without a ticket one, as far as they last, before anything is sent.
pub async fn assign_tickets() -> Result<Vec<(String, Sealed)>, StoreError> {
    let waiting: Vec<(String, Sealed)> = sealed().await?.into_iter().filter(|(_, record)| record.held_on.is_none()).collect();
    outbox()
        .run(async |database| {
            let tickets: Vec<(String, u8)> = all_with_keys(database, TICKET).await?;
            let mut tickets = tickets.into_iter();
            let transaction = strict(database, &[SEALED, TICKET])?;
            let mut ready = Vec::new();
            for (key, record) in &waiting {
                let mut record = record.clone();
                if record.ticket.is_none() {
                    let Some((ticket, _)) = tickets.next() else { continue };
                    transaction.object_store(TICKET)?.delete(ticket.clone()).await?;
                    record.ticket = Some(ticket);
                    transaction.object_store(SEALED)?.put(serde_json::to_string(&record)?).with_key(key.clone()).await?;
                }
                ready.push((key.clone(), record));
            }
            transaction.commit().await?;
            Ok(ready)
        })
        .await
}

/// What the server said of inputs that were offered: acknowledged ones are marked, refused ones lose their ticket and get
/// another. Acknowledged ones leave the phone once a backup holds their day.
pub async fn answer_inputs(held: &[String], refused: &[String], backed_up_through: Option<&str>) -> Result<Pool, StoreError> {
    let records = sealed().await?;
    let today = browser::today();
    outbox()
        .run(async |database| {
            let transaction = strict(database, &[SEALED, META])?;
            let mut pool: Pool = meta(&transaction, "pool").await?.unwrap_or_default();
            let mut waits = false;
            for (key, record) in &records {
                let mut record = record.clone();
                if record.held_on.is_none() && held.contains(key) {
                    record.held_on = Some(today.clone());
                    pool.acknowledged += 1;
                } else if refused.contains(key) {
                    record.ticket = None;
                }
                waits |= record.held_on.is_none();
                let safe = record.held_on.as_deref().is_some_and(|day| backed_up_through.is_some_and(|through| day <= through));
                if safe {
                    transaction.object_store(SEALED)?.delete(key.clone()).await?;
                } else {
                    transaction.object_store(SEALED)?.put(serde_json::to_string(&record)?).with_key(key.clone()).await?;
                }
            }
            if !waits {
                pool.since = None;
            }
            set_meta(&transaction, "pool", &pool).await?;
            transaction.commit().await?;
            Ok(pool)
        })
        .await
}

/// Keeps tickets.
pub async fn keep_tickets(tickets: &[String]) -> Result<(), StoreError> {
    outbox()
        .run(async |database| {
            let transaction = strict(database, &[TICKET])?;
            for ticket in tickets {
                transaction.object_store(TICKET)?.put("1").with_key(ticket.clone()).await?;
            }
            Ok(transaction.commit().await?)
        })
        .await
}

/// How many tickets are left.
pub async fn tickets() -> Result<usize, StoreError> {
    outbox().run(async |database| Ok(all_with_keys::<u8>(database, TICKET).await?.len())).await
}

/// Writes something and reads it back.
pub async fn probe() -> Result<bool, StoreError> {
    let mark = Uuid::new_v4().to_string();
    put_meta("probe", &mark).await?;
    outbox()
        .run(async |database| {
            let transaction = database.transaction(META).build()?;
            Ok(meta::<String>(&transaction, "probe").await?.as_deref() == Some(mark.as_str()))
        })
        .await
}
