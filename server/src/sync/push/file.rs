//! What left a phone as a file: taken as if the phone had sent it, in one transaction and with an audit row.

use std::collections::HashSet;

use dorbank_shared::{
    error::Code,
    sync::wire::{Admission, PushResponse},
};
use rand::RngExt as _;
use rand_chacha::ChaCha20Rng;
use uuid::Uuid;

use super::{
    super::passing::{TRIES, is_passing},
    Batch, By, SyncError, apply, body, judge, known, respond, stored, waits,
};
use crate::{
    auth::join,
    job::Actor,
    store::{Db, Tx, device as devices, receipt, scope, scope::Scope, shift as shifts, trouble::Trouble},
};

/// Whether a file is only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// What would become of each entry; nothing is written.
    Look,
    /// It is taken.
    Take,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy)]
pub struct Whose {
    /// The phone.
    pub device: Uuid,
    /// What stands in the place of its credential as long as this server does not know that.
    pub mark: [u8; 32],
    /// The shift that it belongs to, as an officer says; only looked at where this server does not know the phone.
    pub shift: Option<Uuid>,
}

/// What became of a file.
#[derive(Debug, Clone)]
pub struct Taken {
    /// As the phone would be answered.
    pub response: PushResponse,
    /// The two characters of the phone.
    pub sign: String,
}

/// Takes a phone's entries, also those without a counter, which its storage had not taken. Where one breaks the transaction
/// for all, each is taken alone, and the answer for that one is that it waits.
///
/// # Errors
/// `unknown` when there is no such phone, nor a shift for it; the store's own. Then nothing was written.
pub async fn take(
    db: &Db,
    now_ms: i64,
    whose: Whose,
    batch: &Batch,
    (take, actor): (Take, &Actor),
    rng: &mut ChaCha20Rng,
) -> Result<Taken, SyncError> {
    let first = match tried(db, now_ms, whose, batch, (take, actor), rng).await {
        Err(SyncError::Store(error)) if batch.entries.len() > 1 && !is_passing(&error) && Trouble::of(&error).is_none() => error,
        answer => return answer,
    };
    tracing::error!(kind = crate::error::kind(&first), "a file failed and is taken entry by entry");
    let (mut results, mut last, mut failed) = (Vec::with_capacity(batch.entries.len()), None, HashSet::new());
    for entry in &batch.entries {
        // What rests on one that failed waits with it.
        let rests_on = entry.content.as_ref().ok().and_then(|envelope| envelope.supersedes);
        if rests_on.is_some_and(|base| failed.contains(&base)) {
            failed.insert(entry.id);
            results.push(waits(entry));
            continue;
        }
        let alone = Batch { have: batch.have, epoch: batch.epoch.clone(), entries: vec![entry.clone()] };
        match tried(db, now_ms, whose, &alone, (take, actor), rng).await {
            Ok(taken) => {
                results.extend(taken.response.results.iter().cloned());
                last = Some(taken);
            }
            Err(SyncError::Store(_)) => {
                failed.insert(entry.id);
                results.push(waits(entry));
            }
            Err(refused) => return Err(refused),
        }
    }
    let taken = last.ok_or(first)?;
    Ok(Taken { response: PushResponse { results, ..taken.response }, ..taken })
}

async fn tried(db: &Db, now_ms: i64, whose: Whose, batch: &Batch, (take, actor): (Take, &Actor), rng: &mut ChaCha20Rng) -> Result<Taken, SyncError> {
    for _ in 1..TRIES {
        match once(db, now_ms, whose, batch, (take, actor), rng).await {
            Err(SyncError::Store(error)) if is_passing(&error) => {}
            answer => return answer,
        }
    }
    once(db, now_ms, whose, batch, (take, actor), rng).await
}

async fn once(db: &Db, now_ms: i64, whose: Whose, batch: &Batch, (take, actor): (Take, &Actor), rng: &mut ChaCha20Rng) -> Result<Taken, SyncError> {
    let bodies: Vec<_> = batch.entries.iter().map(body::read_uncounted).collect();
    let device = whose.device;
    let mut tx = db.begin().await?;
    scope::hold(&mut tx, device).await?;
    let mut found = scope::find(&mut tx, device).await?;
    let is_new = found.is_none();
    if let (None, Some(shift)) = (&found, whose.shift) {
        found = place(&mut tx, now_ms, whose, shift, rng).await?;
    }
    let Some(mut scope) = found else { return Err(Code::Unknown.into()) };
    // As long as it has shown no credential, all that is known of it comes from officers, who vouch for what they bring.
    if scope.admission == Admission::Waiting && devices::has_credential(&mut tx, device, whose.mark).await? {
        scope.admission = Admission::Admitted;
    }
    let known = known::read(&mut tx, By::File, now_ms, device, &scope, (batch, &bodies), &HashSet::new()).await?;
    let plan = judge::judge(By::File, now_ms, device, &scope, known, batch, bodies);
    let (results, receipts) = apply::apply(&mut tx, now_ms, device, &scope, batch, plan).await?;
    receipt::insert(&mut tx, scope.campaign, &receipts).await?;
    let fresh = stored(receipts.len() as u64);
    scope::taken(&mut tx, device, fresh, stored(batch.have.max_issued)).await?;
    let response = respond(&mut tx, now_ms, device, batch, results).await?;
    if take == Take::Take {
        if is_new {
            actor.note(&mut tx, now_ms, rng, "place_phone", "shift", scope.shift).await?;
        }
        actor.note(&mut tx, now_ms, rng, "take_file", "device", device).await?;
        tx.commit().await?;
    }
    Ok(Taken { response, sign: scope.sign })
}

/// Writes down a phone that this server does not know, to wait in a shift. Nothing where there is no such shift, or none
/// of its signs is left.
async fn place(tx: &mut Tx, now_ms: i64, whose: Whose, shift: Uuid, rng: &mut ChaCha20Rng) -> Result<Option<Scope>, SyncError> {
    if shifts::find(tx, shift).await?.is_none() {
        return Ok(None);
    }
    shifts::lock(tx, shift).await?;
    let others = devices::of_shift(tx, shift).await?;
    let Some(sign) = join::unused_sign(usize::from(rng.random::<u16>()), &others) else { return Ok(None) };
    devices::insert_again(tx, whose.device, shift, &sign, whose.mark, now_ms).await?;
    Ok(scope::find(tx, whose.device).await?)
}
