//! Pull: one snapshot of what a phone may see.

use dorbank_shared::{
    error::Code,
    sync::wire::{Admission, PullRequest, PullResponse, TurfPull, door_sum},
};
use uuid::Uuid;

use super::{SyncError, bundle};
use crate::store::{Db, StoreError, Tx, campaign, door_state, meta, receipt, scope};

/// The most rows of one turf in one answer.
pub const MOST_ROWS: usize = 1_000;

/// Answers a pull. A build older than `client_min` gets `update_needed`, unless its phone is not in the shift: that it is told.
///
/// # Errors
/// See [`Code`]; the store's own.
pub async fn pull(db: &Db, now_ms: i64, device: Uuid, client_min: u32, request: &PullRequest) -> Result<PullResponse, SyncError> {
    pull_at_most(db, now_ms, device, client_min, request, MOST_ROWS).await
}

/// As [`pull`], with another limit of rows for each turf.
pub async fn pull_at_most(
    db: &Db,
    now_ms: i64,
    device: Uuid,
    client_min: u32,
    request: &PullRequest,
    most_rows: usize,
) -> Result<PullResponse, SyncError> {
    let mut tx = db.read().await?;
    let Some(scope) = scope::find(&mut tx, device).await? else { return Err(Code::Unknown.into()) };
    // An app that is too old still drops what its phone may see no more.
    if scope.admission == Admission::Admitted && build_number(&request.build) < client_min {
        return Err(Code::UpdateNeeded.into());
    }
    let epoch = meta::epoch(&mut tx).await?;
    // Also whoever is shut out may know that nothing of theirs is lost.
    let held = receipt::held(&mut tx, device).await?;
    let mut response = PullResponse {
        admission: scope.admission,
        sign: scope.sign.clone(),
        epoch,
        server_time: now_ms,
        bundle: None,
        turfs: Vec::new(),
        removed: Vec::new(),
        held: u64::try_from(held.entries).unwrap_or_default(),
        cloned: held.reused > 0,
    };
    if scope.admission != Admission::Admitted {
        // It is told nothing; what it names itself it shall drop.
        response.removed = request.turfs.keys().copied().collect();
        return Ok(response);
    }
    let turfs = bundle::turfs(&mut tx, &scope).await?;
    let bundle = bundle::read(&mut tx, &scope, &turfs).await?;
    if request.bundle.as_deref() != Some(bundle.tag.as_str()) {
        response.bundle = Some(bundle);
    }
    let head = campaign::seq(&mut tx, scope.campaign).await?;
    for turf in &turfs {
        let cursor = request.turfs.get(turf).and_then(Option::as_deref);
        response.turfs.push(pull_turf(&mut tx, *turf, after(cursor, &response.epoch, head), &response.epoch, most_rows).await?);
    }
    response.removed = request.turfs.keys().filter(|turf| !turfs.contains(turf)).copied().collect();
    Ok(response)
}

async fn pull_turf(tx: &mut Tx, turf: Uuid, after: Option<i64>, epoch: &str, most_rows: usize) -> Result<TurfPull, StoreError> {
    let from = after.unwrap_or_default();
    let limit = i64::try_from(most_rows).unwrap_or(i64::MAX);
    // One more than is sent tells whether these are all.
    let mut rows = door_state::after(tx, turf, from, limit.saturating_add(1)).await?;
    let complete = rows.len() <= most_rows;
    rows.truncate(most_rows);
    let next = format!("{epoch}.{}", rows.last().map_or(from, |row| row.seq));
    let (mut count, mut sum) = (0, 0u64);
    if complete {
        for (door, state) in door_state::of_turf(tx, turf).await? {
            count += 1;
            sum = sum.wrapping_add(door_sum(door, state));
        }
    }
    Ok(TurfPull { turf, reset: after.is_none(), rows, next, complete, count, sum: sum.to_string() })
}

/// The number in a cursor of this epoch; nothing where the phone has to start afresh.
fn after(cursor: Option<&str>, epoch: &str, head: i64) -> Option<i64> {
    let (of, seq) = cursor?.rsplit_once('.')?;
    let seq: i64 = seq.parse().ok()?;
    (of == epoch && (0..=head).contains(&seq)).then_some(seq)
}

/// The number that a build's name begins with ("12-0a1b2c"); 0 where it has none.
fn build_number(build: &str) -> u32 {
    build.split(['-', '.', '+']).next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_counts_in_its_own_epoch_only() {
        assert_eq!(after(Some("e1.7"), "e1", 9), Some(7));
        assert_eq!(after(Some("e1.0"), "e1", 9), Some(0));
        for unusable in [None, Some("e2.7"), Some("e1.10"), Some("e1.-1"), Some("e1.x"), Some("7"), Some("")] {
            assert_eq!(after(unusable, "e1", 9), None, "{unusable:?}");
        }
    }

    #[test]
    fn a_build_is_as_old_as_its_number() {
        assert_eq!((build_number("12-0a1b"), build_number("12"), build_number("test"), build_number("")), (12, 12, 0, 0));
    }
}
