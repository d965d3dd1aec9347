//! What the judgement of a batch rests on, read once for all its entries.

use std::collections::{BTreeSet, HashMap, HashSet};

use dorbank_shared::{
    sync::wire::{Reason, Status},
    visit::Outcome,
};
use uuid::Uuid;

use super::{super::entry::Batch, body::Body, judge::By};
use crate::{
    coarsen::FINE_MS,
    store::{
        StoreError, Tx, device as devices, quarantine,
        receipt::{self, Receipt},
        scope, shift, turf,
        visit::{self, Visit},
    },
};

/// How many kept entries that supersede each other are followed. What lies deeper no app made.
pub(super) const MOST_BENEATH: usize = 16;

/// What the database says about the entries of a batch, before any of them is applied.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// What was answered for these ids, and for those that they supersede.
    pub receipts: HashMap<Uuid, Receipt>,
    /// Every turf that the shift has or had.
    pub turfs: HashSet<Uuid>,
    /// Pairs of turf and entrance that lie or lay together.
    pub held: HashSet<(Uuid, Uuid)>,
    /// Pairs of unit and entrance.
    pub units: HashSet<(Uuid, Uuid)>,
    /// Doors that the register keeps quiet already.
    pub quiet: HashSet<Uuid>,
    /// How many wishes for quiet count against what may be noted before somebody looks: see [`wishes`].
    /// Read only where there is a new one among the entries.
    pub wishes: i64,
    /// What this phone was before it took another identity; read only where an entry rests on what another phone sent.
    pub earlier: HashSet<Uuid>,
    /// Entries of the batch that their own phone replaced before they came, and by what.
    pub replaced: HashMap<Uuid, Uuid>,
    /// Entries in quarantine that entries of the batch supersede, with what each supersedes itself, as far as that is known.
    pub kept: HashMap<Uuid, Option<Uuid>>,
    /// Stored visits that entries of the batch supersede.
    pub superseded: HashMap<Uuid, Visit>,
}

/// Reads all that the judgement of a batch rests on. What was answered for `anew` is left out: it is judged once more.
pub(super) async fn read(
    tx: &mut Tx,
    by: By,
    now_ms: i64,
    device: Uuid,
    scope: &scope::Scope,
    (batch, bodies): (&Batch, &[Result<Body, Reason>]),
    anew: &HashSet<Uuid>,
) -> Result<Known, StoreError> {
    let (own, superseded) = (batch.entries.iter().map(|entry| entry.id).collect(), superseded(batch));
    let mut bases = bases(tx, &own, &superseded, anew).await?;
    // What another phone, or this one as it was called before, has in quarantine may be counted at this very moment. Its
    // row is held, as who counts holds it, and all is read again.
    let others: BTreeSet<Uuid> = bases.kept.keys().filter_map(|id| Some(bases.receipts.get(id)?.device)).filter(|other| *other != device).collect();
    for other in &others {
        scope::hold(tx, *other).await?;
    }
    if !others.is_empty() {
        bases = self::bases(tx, &own, &superseded, anew).await?;
    }
    let Bases { receipts, kept, ids } = bases;
    // A repeat needs nothing more; a whole batch of them costs one more statement.
    let fresh: Vec<_> = batch.entries.iter().zip(bodies).filter(|(entry, _)| !receipts.contains_key(&entry.id)).collect();
    let visits: Vec<_> = fresh.iter().filter_map(|(_, body)| body.as_ref().ok()?.visit()).collect();
    let pairs = visits.iter().map(|v| (v.turf, v.entrance)).collect();
    let units: HashSet<Uuid> = visits.iter().filter_map(|v| v.unit).collect();
    let (mut quiet_units, mut quiet_entrances) = (HashSet::new(), HashSet::new());
    for wish in visits.iter().filter(|v| v.outcome == Outcome::DoNotKnock) {
        match wish.unit {
            Some(unit) => quiet_units.insert(unit),
            None => quiet_entrances.insert(wish.entrance),
        };
    }
    let stored: HashSet<Uuid> = ids.iter().filter(|id| receipts.contains_key(id)).copied().collect();
    let others = ids.iter().filter_map(|id| receipts.get(id)).any(|receipt| receipt.device != device);
    let has_wish = fresh.iter().any(|(_, body)| body.as_ref().ok().and_then(Body::visit).is_some_and(|v| v.outcome == Outcome::DoNotKnock));
    Ok(Known {
        // An officer looked at them.
        wishes: if has_wish && by != By::Officer { wishes(tx, now_ms, device, scope).await? } else { 0 },
        earlier: if others { devices::renewed_from(tx, device).await? } else { HashSet::new() },
        turfs: if visits.is_empty() { HashSet::new() } else { turf::ever_of_shift(tx, scope.shift).await? },
        held: turf::ever_held(tx, &pairs).await?,
        units: turf::entrances_of_units(tx, &units).await?,
        quiet: visit::quiet(tx, &quiet_units, &quiet_entrances).await?,
        replaced: visit::replaced_early(tx, device, &fresh.iter().map(|(entry, _)| entry.id).collect()).await?,
        superseded: visit::among(tx, &stored).await?.into_iter().map(|v| (v.id, v)).collect(),
        kept,
        receipts,
    })
}

/// Reads how many wishes for quiet count against what may be noted before somebody looks: those of the phone and its copies
/// as long as visits say which phone noted them, and then those that came later than that from any phone of the shift.
async fn wishes(tx: &mut Tx, now_ms: i64, device: Uuid, scope: &scope::Scope) -> Result<i64, StoreError> {
    if is_told_no_more(scope, now_ms) {
        return shift::count_late_wishes(tx, scope.shift, 0).await;
    }
    let family = devices::family(tx, device).await?;
    // Two copies that push at once are counted one after the other: both hold the row of the first.
    if let Some(first) = family.first().filter(|first| **first != device) {
        scope::hold(tx, *first).await?;
    }
    visit::wishes(tx, &family).await
}

/// Whether a visit of a shift no longer says which phone noted it, or is about to stop.
pub(super) fn is_told_no_more(scope: &scope::Scope, now_ms: i64) -> bool {
    now_ms >= scope.ends_at.saturating_add(FINE_MS)
}

fn superseded(batch: &Batch) -> HashSet<Uuid> {
    batch.entries.iter().filter_map(|entry| entry.content.as_ref().ok()?.supersedes).collect()
}

/// What entries rest on.
pub(super) struct Bases {
    /// What was answered for the entries' own ids, and for all that they rest on.
    pub receipts: HashMap<Uuid, Receipt>,
    /// Those of which the answer was "kept", with what each supersedes itself.
    pub kept: HashMap<Uuid, Option<Uuid>>,
    /// What the entries supersede, and what lies beneath that.
    ids: HashSet<Uuid>,
}

/// Reads what was answered for `own`, and all that lies beneath them: what they supersede and, where that is kept, what it
/// supersedes. What was answered for `anew` is left out.
pub(super) async fn bases(tx: &mut Tx, own: &HashSet<Uuid>, superseded: &HashSet<Uuid>, anew: &HashSet<Uuid>) -> Result<Bases, StoreError> {
    let receipts = answered(tx, &(own | superseded), anew).await?;
    let mut bases = Bases { receipts, kept: HashMap::new(), ids: superseded.clone() };
    // Nearly never anything, and then one or two deep.
    for _ in 0..MOST_BENEATH {
        let waits = |id: &&Uuid| !bases.kept.contains_key(id) && bases.receipts.get(id).is_some_and(|r| r.status == Status::Quarantined);
        let waiting: HashSet<Uuid> = bases.ids.iter().filter(waits).copied().collect();
        if waiting.is_empty() {
            break;
        }
        let superseded = quarantine::superseded(tx, &waiting).await?;
        let beneath: HashSet<Uuid> = superseded.values().flatten().copied().filter(|id| !bases.ids.contains(id)).collect();
        bases.kept.extend(waiting.into_iter().map(|id| (id, superseded.get(&id).copied().flatten())));
        bases.receipts.extend(answered(tx, &beneath, anew).await?);
        bases.ids.extend(beneath);
    }
    Ok(bases)
}

async fn answered(tx: &mut Tx, ids: &HashSet<Uuid>, anew: &HashSet<Uuid>) -> Result<HashMap<Uuid, Receipt>, StoreError> {
    Ok(receipt::among(tx, ids).await?.into_iter().filter(|r| !anew.contains(&r.id)).map(|r| (r.id, r)).collect())
}
