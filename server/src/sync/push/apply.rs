//! Writes a judged batch. The campaign's counter is taken after what waits for other pushes; behind it only a wish for quiet
//! may still wait, for the register, and a receipt, for the same id from another phone.

use std::collections::{HashMap, HashSet};

use dorbank_shared::{
    sync::wire::{EntryResult, Status},
    visit::{Seen, fold},
};
use uuid::Uuid;

use super::{
    super::entry::Batch,
    judge::{Answer, Plan},
};
use crate::store::{
    StoreError, Tx, campaign, door_state,
    door_state::NewState,
    quarantine,
    receipt::{self, Receipt},
    register,
    scope::Scope,
    shift,
    visit::{self, Standing},
};

/// The doors that a batch touched, as they are after it.
struct Doors {
    seq: HashMap<Uuid, i64>,
    standing: HashMap<Uuid, Vec<Standing>>,
}

/// Writes what the plan says. Gives the answers, and the receipts of what was answered for the first time.
pub(super) async fn apply(
    tx: &mut Tx,
    now_ms: i64,
    device: Uuid,
    scope: &Scope,
    batch: &Batch,
    plan: Plan,
) -> Result<(Vec<EntryResult>, Vec<Receipt>), StoreError> {
    quarantine::insert(tx, &plan.kept).await?;
    // Of one phone nearly always; of two where it took another identity meanwhile.
    let mut settled: HashMap<Uuid, HashSet<Uuid>> = HashMap::new();
    for (whose, id) in &plan.settled {
        settled.entry(*whose).or_default().insert(*id);
    }
    for (whose, ids) in &settled {
        quarantine::settle(tx, *whose, scope.campaign, ids, now_ms).await?;
    }
    for (id, device_seq, mac) in &plan.counted {
        receipt::counted(tx, *id, *device_seq, mac).await?;
    }
    visit::insert(tx, &plan.visits).await?;
    visit::supersede(tx, &plan.superseded).await?;
    visit::replace_early(tx, device, scope.campaign, &plan.early).await?;
    if plan.late_wishes > 0 {
        shift::count_late_wishes(tx, scope.shift, plan.late_wishes).await?;
    }
    let doors = refold(tx, scope.campaign, &plan).await?;

    let mut results: Vec<EntryResult> = Vec::with_capacity(batch.entries.len());
    let mut receipts = Vec::new();
    for (entry, answer) in batch.entries.iter().zip(plan.answers) {
        let mut result = EntryResult { id: entry.id, digest: entry.digest.clone(), status: Status::Applied, seq: None, reason: None, after_ms: None };
        let keep = match answer {
            Answer::Repeat(receipt) => {
                (result.status, result.reason, result.seq) = (repeated(receipt.status), receipt.reason, receipt.seq);
                None
            }
            Answer::Same(index) => {
                (result.status, result.reason, result.seq) = (repeated(results[index].status), results[index].reason, results[index].seq);
                None
            }
            Answer::NotYet(reason) => {
                (result.status, result.reason) = (Status::Retry, Some(reason));
                None
            }
            Answer::Kept { reason, mac } => {
                (result.status, result.reason) = (Status::Quarantined, Some(reason));
                mac
            }
            Answer::Applied { door, conflict, mac } => {
                result.seq = door.and_then(|door| doors.seq.get(&door).copied());
                result.status =
                    if conflict { Status::ConflictRecorded } else { door.map_or(Status::Applied, |door| doors.status(device, entry.id, door)) };
                Some(mac)
            }
        };
        if let Some(mac) = keep {
            let (status, reason, seq) = (result.status, result.reason, result.seq);
            receipts.push(Receipt { id: entry.id, device, device_seq: entry.device_seq(), mac, status, reason, seq });
        }
        results.push(result);
    }
    Ok((results, receipts))
}

/// The answer to a repeat. What was kept is said again to be kept: the first answer may never have arrived.
const fn repeated(status: Status) -> Status {
    match status {
        Status::Quarantined | Status::Retry => status,
        _ => Status::Duplicate,
    }
}

/// Folds the touched doors anew and writes those that changed.
async fn refold(tx: &mut Tx, campaign: Uuid, plan: &Plan) -> Result<Doors, StoreError> {
    let mut doors = Doors { seq: HashMap::new(), standing: HashMap::new() };
    if plan.doors.is_empty() {
        return Ok(doors);
    }
    // From here to the commit no other push of the campaign goes on, so what is read now holds, and numbers become
    // visible in their order. As many are taken as doors may change; a number that is not used is nobody's loss.
    let count = i64::try_from(plan.doors.len()).unwrap_or(i64::MAX);
    let mut next = campaign::take_seq(tx, campaign, count).await? - count;
    let entrances: HashSet<Uuid> = plan.doors.iter().map(|(_, place)| place.entrance).collect();
    for standing in visit::standing(tx, campaign, &entrances).await? {
        doors.standing.entry(standing.door).or_default().push(standing);
    }
    let touched: HashSet<Uuid> = plan.doors.iter().map(|(door, _)| *door).collect();
    let before = door_state::among(tx, campaign, &touched).await?;
    let mut changed = Vec::new();
    for (door, place) in &plan.doors {
        let standing = doors.standing.get(door).map(Vec::as_slice).unwrap_or_default();
        let state = fold(standing.iter().map(|s| Seen { id: s.id, outcome: s.outcome }));
        let old = before.get(door);
        let turf = old.filter(|_| !place.visited).map_or(place.turf, |(_, turf)| *turf);
        let same = old.map_or(state.is_none(), |(row, old_turf)| row.state == state && *old_turf == turf);
        if same {
            doors.seq.extend(old.map(|(row, _)| (*door, row.seq)));
            continue;
        }
        next += 1;
        doors.seq.insert(*door, next);
        changed.push(NewState { door: *door, turf, entrance: place.entrance, state, seq: next });
    }
    door_state::put(tx, campaign, &changed).await?;
    quieten(tx, plan, &entrances).await?;
    Ok(doors)
}

/// Carries wishes for quiet into the register, and takes back those that were undone and that nobody else has.
async fn quieten(tx: &mut Tx, plan: &Plan, entrances: &HashSet<Uuid>) -> Result<(), StoreError> {
    if plan.silence.is_empty() && plan.undone.is_empty() {
        return Ok(());
    }
    // Another campaign's push may note a wish at the same door at this moment, and has a clock of its own.
    register::hold(tx).await?;
    let wished = visit::wished(tx, entrances).await?;
    let (units, whole) = split(plan.silence.iter().filter(|(door, _)| wished.contains(door)));
    visit::set_quiet(tx, &units, &whole, true).await?;
    let (units, whole) = split(plan.undone.iter().filter(|(door, _)| !wished.contains(door)));
    visit::set_quiet(tx, &units, &whole, false).await
}

/// Units and whole entrances, apart.
fn split<'a>(doors: impl Iterator<Item = &'a (Uuid, bool)>) -> (HashSet<Uuid>, HashSet<Uuid>) {
    let (units, whole): (Vec<_>, Vec<_>) = doors.partition(|(_, is_unit)| *is_unit);
    let ids = |doors: Vec<&(Uuid, bool)>| doors.into_iter().map(|(id, _)| *id).collect();
    (ids(units), ids(whole))
}

impl Doors {
    /// Merged, where another phone's visit stands beside this one.
    fn status(&self, device: Uuid, entry: Uuid, door: Uuid) -> Status {
        let standing = self.standing.get(&door).map(Vec::as_slice).unwrap_or_default();
        let own = standing.iter().any(|s| s.id == entry);
        let other = standing.iter().any(|s| s.device.is_some_and(|other| other != device));
        if own && other { Status::Merged } else { Status::Applied }
    }
}
