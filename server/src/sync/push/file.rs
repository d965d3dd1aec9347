//! What left a phone as a file: taken as if the phone had sent it, in one transaction and with an audit row.

use std::collections::HashSet;

use dorbank_shared::{error::Code, sync::wire::PushResponse};
use rand_chacha::ChaCha20Rng;
use uuid::Uuid;

use super::{
    super::passing::{TRIES, is_passing},
    Batch, By, SyncError, apply, body, judge, known, respond, stored,
};
use crate::{
    job::Actor,
    store::{Db, receipt, scope},
};

/// Whether a file is only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// What would become of each entry; nothing is written.
    Look,
    /// It is taken.
    Take,
}

/// Takes a phone's entries, also those without a counter, which its storage had not taken.
///
/// # Errors
/// `unknown` when there is no such phone; the store's own. Then nothing was written.
pub async fn take(
    db: &Db,
    now_ms: i64,
    device: Uuid,
    batch: &Batch,
    (take, actor): (Take, &Actor),
    rng: &mut ChaCha20Rng,
) -> Result<PushResponse, SyncError> {
    for _ in 1..TRIES {
        match once(db, now_ms, device, batch, (take, actor), rng).await {
            Err(SyncError::Store(error)) if is_passing(&error) => {}
            answer => return answer,
        }
    }
    once(db, now_ms, device, batch, (take, actor), rng).await
}

async fn once(
    db: &Db,
    now_ms: i64,
    device: Uuid,
    batch: &Batch,
    (take, actor): (Take, &Actor),
    rng: &mut ChaCha20Rng,
) -> Result<PushResponse, SyncError> {
    let bodies: Vec<_> = batch.entries.iter().map(body::read_uncounted).collect();
    let mut tx = db.begin().await?;
    scope::hold(&mut tx, device).await?;
    let Some(scope) = scope::find(&mut tx, device).await? else { return Err(Code::Unknown.into()) };
    let known = known(&mut tx, device, &scope, (batch, &bodies), &HashSet::new()).await?;
    let plan = judge::judge(By::File, now_ms, device, &scope, known, batch, bodies);
    let (results, receipts) = apply::apply(&mut tx, now_ms, device, &scope, batch, plan).await?;
    receipt::insert(&mut tx, scope.campaign, &receipts).await?;
    let fresh = stored(receipts.len() as u64);
    scope::taken(&mut tx, device, fresh, stored(batch.have.max_issued)).await?;
    let response = respond(&mut tx, now_ms, device, batch, results).await?;
    if take == Take::Take {
        actor.note(&mut tx, now_ms, rng, "take_file", "device", device).await?;
        tx.commit().await?;
    }
    Ok(response)
}
