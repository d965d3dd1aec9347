//! 72 hours after a shift its visits stop saying what happened, when, and on which phone.
//!
//! A visit's id is made of the millisecond in which it was noted, and its number in the campaign stands beside both the
//! phone (in the receipt) and the door (in the projection). So a coarse visit gets a new id, and every door that it
//! touches a new number: after this nothing ties a receipt to a door. Tallies keep how often each outcome was noted.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use dorbank_shared::visit::{Seen, fold};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha20Rng;
use uuid::Uuid;

use crate::{
    job::{Actor, id_v7},
    store::{
        Db, StoreError, Tx, campaign,
        coarsen::{self, Coarse, Due},
        door_state::{self, NewState},
        meta, mix_mark, overview, quarantine, receipt, scope,
        tally::{self, DAY_MS},
        visit,
    },
};

/// How long after its shift a visit says all.
pub const FINE_MS: i64 = 72 * 3_600_000;

/// The key in `meta` of the time up to which shifts that ended were ever coarsened, milliseconds since 1970, UTC.
pub const COARSENED_BEFORE: &str = "coarsened.before";

/// How long after a campaign the key of its receipts is kept: a phone may send for so long, and until then a repeat has
/// to be known as one.
pub const KEY_DAYS: i64 = 30;

/// Coarsens what is due. Says whether anything was.
///
/// # Errors
/// When the database refuses it. Then what was not committed is as before.
pub async fn run(db: &Db, actor: &Actor, now_ms: i64, rng: &mut ChaCha20Rng) -> Result<bool, StoreError> {
    let mut tx = db.begin().await?;
    // A late push that corrects one of these visits comes before this or after it: in the middle it would write it again.
    // One of a shift that had nothing due a moment ago waits for the next run.
    let mut held = BTreeSet::new();
    for (phone, shift) in coarsen::phones(&mut tx, now_ms - FINE_MS).await? {
        scope::hold(&mut tx, phone).await?;
        held.insert(shift);
    }
    let mut campaigns: BTreeMap<Uuid, Vec<Due>> = BTreeMap::new();
    for visit in coarsen::due(&mut tx, now_ms - FINE_MS).await?.into_iter().filter(|visit| visit.shift.is_none_or(|shift| held.contains(&shift))) {
        campaigns.entry(visit.campaign).or_default().push(visit);
    }
    let mut any = !campaigns.is_empty();
    for (campaign, due) in campaigns {
        one_campaign(&mut tx, campaign, due, rng).await?;
        actor.note(&mut tx, now_ms, rng, "coarsen", "campaign", campaign).await?;
    }
    any |= receipt::blunt(&mut tx, now_ms - FINE_MS).await?;
    any |= quarantine::empty(&mut tx, now_ms - FINE_MS, rng).await?;
    any |= forget_keys(&mut tx, actor, now_ms, rng).await?;
    if any {
        // The clock may have been ahead at an earlier run.
        let before = coarsened_before(&mut tx).await?.unwrap_or(i64::MIN).max(now_ms - FINE_MS);
        meta::set(&mut tx, COARSENED_BEFORE, &before.to_string()).await?;
        mix_mark::rewrite_is_due(&mut tx).await?;
    }
    overview::note_look(&mut tx, "coarsen", now_ms).await?;
    tx.commit().await?;
    mix_mark::rewrite(db).await?;
    Ok(any)
}

/// Up to when shifts that ended were ever coarsened, if any was.
///
/// # Errors
/// When the database refuses it.
pub async fn coarsened_before(tx: &mut Tx) -> Result<Option<i64>, StoreError> {
    Ok(meta::find(tx, COARSENED_BEFORE).await?.and_then(|value| value.parse().ok()))
}

async fn one_campaign(tx: &mut Tx, campaign: Uuid, due: Vec<Due>, rng: &mut ChaCha20Rng) -> Result<(), StoreError> {
    let mut turfs: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    let mut worked: BTreeSet<(Uuid, Uuid)> = BTreeSet::new();
    let mut doors: HashMap<Uuid, (Uuid, Uuid)> = HashMap::new();
    for visit in due.iter().filter(|visit| !visit.superseded) {
        turfs.entry(visit.turf).or_default().insert(visit.id);
        worked.extend(visit.shift.map(|shift| (visit.turf, shift)));
    }
    for visit in &due {
        doors.insert(visit.unit.unwrap_or(visit.entrance), (visit.turf, visit.entrance));
    }
    for (turf, ids) in &turfs {
        tally::add(tx, campaign, *turf, ids).await?;
    }
    tally::add_shifts(tx, &worked).await?;

    let mut coarse: Vec<Coarse> = due
        .into_iter()
        .map(|from| {
            let day_ms = from.occurred_at.div_euclid(DAY_MS).saturating_mul(DAY_MS);
            Coarse { id: id_v7(day_ms, rng), outcome: from.outcome.coarse(from.unit.is_some()), day_ms, from }
        })
        .collect();
    coarse.shuffle(rng);
    coarsen::replace(tx, &coarse).await?;

    // From here to the commit no push of the campaign goes on: what is read now holds, and is not written over what another
    // phone noted meanwhile. As many numbers are taken as doors may change.
    let ids: HashSet<Uuid> = doors.keys().copied().collect();
    let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let first = campaign::take_seq(tx, campaign, count).await? - count + 1;
    // A newer visit at a door still says what happened there; what the coarse one said goes from its state.
    let entrances: HashSet<Uuid> = doors.values().map(|at| at.1).collect();
    let mut standing: HashMap<Uuid, Vec<Seen>> = HashMap::new();
    for visit in visit::standing(tx, campaign, &entrances).await? {
        standing.entry(visit.door).or_default().push(Seen { id: visit.id, outcome: visit.outcome });
    }
    let mut rows: Vec<NewState> = door_state::among(tx, campaign, &ids)
        .await?
        .into_iter()
        .map(|(door, (row, turf))| {
            let entrance = doors.get(&door).map_or(door, |at| at.1);
            let seen = standing.remove(&door).unwrap_or_default();
            // Of two that weigh the same the one stays that stood: the ids of a day say no more which came later.
            let of_a_unit = door != entrance;
            let mut before = row.state.into_iter().flat_map(|state| [state, state.coarse(of_a_unit)]);
            let stood = before.find(|state| seen.iter().any(|seen| seen.outcome == *state)).map(|outcome| Seen { id: Uuid::max(), outcome });
            NewState { door, turf, entrance, state: fold(seen.into_iter().chain(stood)), seq: 0 }
        })
        .collect();
    // Else the order of the new numbers would be that of the old.
    rows.sort_by_key(|row| row.door);
    rows.shuffle(rng);
    for (row, seq) in rows.iter_mut().zip(first..) {
        row.seq = seq;
    }
    door_state::put(tx, campaign, &rows).await
}

/// Destroys the receipt keys of campaigns that nobody can send to any more: 30 days after the last day and the last
/// shift, and no visit says anything that a receipt could be tried against.
async fn forget_keys(tx: &mut Tx, actor: &Actor, now_ms: i64, rng: &mut ChaCha20Rng) -> Result<bool, StoreError> {
    let mut any = false;
    for (id, ends_on) in coarsen::keyed(tx).await? {
        let (fine, last_shift) = coarsen::state_of(tx, id).await?;
        let Some(ended) = end_of_day(&ends_on) else { continue };
        if !fine && now_ms >= ended.max(last_shift) + KEY_DAYS * DAY_MS {
            campaign::forget_receipt_key(tx, id).await?;
            actor.note(tx, now_ms, rng, "forget_receipt_key", "campaign", id).await?;
            any = true;
        }
    }
    Ok(any)
}

/// The end of a day (`YYYY-MM-DD`), by UTC: an hour or two after Oslo's, which is nothing against thirty days.
fn end_of_day(date: &str) -> Option<i64> {
    let next = date.parse::<Date>().ok()?.checked_add(1.day()).ok()?;
    let start: Timestamp = next.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(start.as_millisecond())
}
