//! Push: takes entries and answers for each. One transaction for the batch, a fixed number of statements.

mod apply;
mod body;
pub mod file;
mod judge;
mod known;
pub mod settle;

use std::collections::HashSet;

use dorbank_shared::{
    error::Code,
    sync::wire::{EntryResult, Have, PushResponse, Reason, Status},
};
use uuid::Uuid;

use self::judge::By;
use super::{
    SyncError,
    entry::{Batch, Entry},
    passing::{TRIES, is_passing},
};
use crate::store::{Db, Tx, meta, quarantine, receipt, scope, trouble::Trouble};

/// When a phone whose entry met a busy database may send it again, in milliseconds.
const AFTER_BUSY_MS: u64 = 5_000;
/// The most ranges of missing counters that one answer lists.
const MOST_RANGES: usize = 100;

/// Takes a batch from a phone, whatever its standing: what it may not send is kept in quarantine.
///
/// # Errors
/// `unknown` when there is no such phone; the store's own when not even an answer "not now" could be made.
pub async fn push(db: &Db, now_ms: i64, device: Uuid, batch: &Batch) -> Result<PushResponse, SyncError> {
    match tried(db, now_ms, device, batch).await {
        Err(SyncError::Store(error)) if batch.entries.len() > 1 && !is_passing(&error) && Trouble::of(&error).is_none() => {
            // One entry broke the transaction for all. Each goes alone, so that it does not hold up the others.
            tracing::error!(kind = crate::error::kind(&error), "a batch failed and is taken entry by entry");
            one_by_one(db, now_ms, device, batch).await
        }
        Err(SyncError::Store(error)) => {
            tracing::warn!(kind = crate::error::kind(&error), "a push has to wait");
            not_now(db, now_ms, device, batch).await
        }
        answer => answer,
    }
}

async fn tried(db: &Db, now_ms: i64, device: Uuid, batch: &Batch) -> Result<PushResponse, SyncError> {
    for _ in 1..TRIES {
        match once(db, now_ms, device, batch).await {
            Err(SyncError::Store(error)) if is_passing(&error) => {}
            answer => return answer,
        }
    }
    once(db, now_ms, device, batch).await
}

async fn one_by_one(db: &Db, now_ms: i64, device: Uuid, batch: &Batch) -> Result<PushResponse, SyncError> {
    let mut results = Vec::with_capacity(batch.entries.len());
    for entry in &batch.entries {
        // What was answered for before this one is unsent no more; what has to wait still is.
        let unsent = batch.have.unsent.saturating_sub(receipts(&results));
        let alone = Batch { have: Have { unsent, ..batch.have }, epoch: batch.epoch.clone(), entries: vec![entry.clone()] };
        let answer = match tried(db, now_ms, device, &alone).await {
            Err(SyncError::Store(_)) => not_now(db, now_ms, device, &alone).await?,
            answer => answer?,
        };
        results.extend(answer.results);
    }
    let mut tx = db.read().await?;
    respond(&mut tx, now_ms, device, batch, results).await
}

/// For how many entries the phone gets a receipt. It keeps the others.
fn receipts(results: &[EntryResult]) -> u64 {
    results.iter().filter(|result| result.status.is_receipt()).count() as u64
}

/// Every entry stays on the phone. The answer is still made from the database, so that nothing in it is a guess.
async fn not_now(db: &Db, now_ms: i64, device: Uuid, batch: &Batch) -> Result<PushResponse, SyncError> {
    let results = batch.entries.iter().map(waits).collect();
    let mut tx = db.read().await?;
    respond(&mut tx, now_ms, device, batch, results).await
}

/// The answer for an entry that the database would not take now.
fn waits(entry: &Entry) -> EntryResult {
    EntryResult {
        id: entry.id,
        digest: entry.digest.clone(),
        status: Status::Retry,
        seq: None,
        reason: Some(Reason::Busy),
        after_ms: Some(AFTER_BUSY_MS),
    }
}

/// The whole push in one transaction.
async fn once(db: &Db, now_ms: i64, device: Uuid, batch: &Batch) -> Result<PushResponse, SyncError> {
    // Before the transaction, since others may wait for it.
    let bodies: Vec<_> = batch.entries.iter().map(body::read).collect();
    let mut tx = db.begin().await?;
    let after = |receipts: u64| stored(batch.have.unsent.saturating_sub(receipts));
    // Nearly always all of it is answered for. It is said first, since this holds the phone's row.
    let all = batch.entries.len() as u64;
    scope::seen(&mut tx, device, now_ms, after(all), stored(batch.have.max_issued)).await?;
    let Some(scope) = scope::find(&mut tx, device).await? else { return Err(Code::Unknown.into()) };
    // A phone that has not heard of a restore may rest on what the backup has not, and will offer that again.
    let by = match &batch.epoch {
        Some(epoch) if *epoch != meta::epoch(&mut tx).await? => By::RestoredPhone,
        _ => By::Phone,
    };
    let known = known::read(&mut tx, by, now_ms, device, &scope, (batch, &bodies), &HashSet::new()).await?;
    let plan = judge::judge(by, now_ms, device, &scope, known, batch, bodies);
    let (results, fresh) = apply::apply(&mut tx, now_ms, device, &scope, batch, plan).await?;
    receipt::insert(&mut tx, scope.campaign, &fresh).await?;
    if receipts(&results) < all {
        scope::left(&mut tx, device, after(receipts(&results))).await?;
    }
    let response = respond(&mut tx, now_ms, device, batch, results).await?;
    tx.commit().await?;
    Ok(response)
}

async fn respond(tx: &mut Tx, now_ms: i64, device: Uuid, batch: &Batch, results: Vec<EntryResult>) -> Result<PushResponse, SyncError> {
    let held = receipt::held(tx, device).await?;
    let gaps = if held.entries - held.reused == held.highest {
        Vec::new()
    } else {
        receipt::gaps(tx, device, i64::try_from(MOST_RANGES).unwrap_or(i64::MAX)).await?
    };
    Ok(PushResponse {
        results,
        missing: missing(&gaps, held.highest, batch.have.max_issued),
        held: wire(held.entries),
        epoch: meta::epoch(tx).await?,
        server_time: now_ms,
        cloned: held.reused > 0,
    })
}

/// The counters up to `max_issued` that were never seen, as inclusive ranges.
fn missing(gaps: &[(i64, i64)], highest: i64, max_issued: u64) -> Vec<(u64, u64)> {
    let between = gaps.iter().map(|(before, after)| (wire(*before) + 1, wire(*after).saturating_sub(1)));
    let after = (wire(highest).saturating_add(1), max_issued);
    between.chain([after]).map(|(from, to)| (from, to.min(max_issued))).filter(|(from, to)| from <= to).take(MOST_RANGES).collect()
}

/// A counter on its way into the store. One beyond the store's range is no counter that a phone reaches by counting.
fn stored(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

fn wire(counter: i64) -> u64 {
    u64::try_from(counter).unwrap_or_default()
}

/// What an entry is kept as when it cannot be applied.
fn quarantined(now_ms: i64, device: Uuid, campaign: Uuid, entry: &Entry, mac: Vec<u8>, reason: Reason) -> quarantine::Quarantined {
    let (kind, version, captured_at) = entry.content.as_ref().map_or((String::new(), 0, 0), |envelope| {
        let kind = super::plain::kind(&envelope.kind).unwrap_or_default().to_owned();
        (kind, i64::from(super::plain::version(envelope.version)), super::plain::time(envelope.captured_at))
    });
    quarantine::Quarantined {
        id: entry.id,
        mac,
        campaign: Some(campaign),
        device,
        device_seq: entry.device_seq(),
        kind,
        version,
        captured_at,
        body: entry.kept(),
        reason,
        received_at: now_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn missing_counters_are_ranges_below_the_highest_that_was_given() {
        assert_eq!(missing(&[], 5, 5), []);
        assert_eq!(missing(&[], 0, 3), [(1, 3)]);
        assert_eq!(missing(&[(0, 3), (3, 5)], 6, 8), [(1, 2), (4, 4), (7, 8)]);
        // Entries of the batch may lie beyond what the phone said it had given.
        assert_eq!(missing(&[(0, 3), (3, 90)], 90, 10), [(1, 2), (4, 10)]);
        let many: Vec<(i64, i64)> = (0..200).map(|i| (i * 2, i * 2 + 2)).collect();
        assert_eq!(missing(&many, 402, 500).len(), 100);
    }
}
