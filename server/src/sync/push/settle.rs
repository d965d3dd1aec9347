//! What was kept in quarantine and somebody looked at: applied by the code that takes a push, or discarded.

use std::collections::{HashMap, HashSet};

use dorbank_shared::{
    sync::wire::{Envelope, Reason, Status},
    visit::{Outcome, VisitV1},
};
use rand_chacha::ChaCha20Rng;
use uuid::Uuid;

use super::{
    super::{
        SyncError,
        entry::{Batch, Entry},
        passing::{TRIES, is_passing},
        plain,
    },
    apply,
    body::{self, Body},
    judge::{self, Answer, By},
    known::{self, MOST_BENEATH},
};
use crate::{
    job::{Actor, id_v7},
    store::{
        Db, StoreError, Tx, campaign as campaigns,
        quarantine::{self, Quarantined},
        receipt, scope, turf,
        visit::{Visit, among as visits},
    },
};

/// What an entry is called in quarantine: its id, and what tells it from another with that id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pick {
    /// The entry.
    pub id: Uuid,
    /// Its keyed or plain digest, as it is stored.
    pub mac: Vec<u8>,
}

/// Where it was and what happened, as somebody says who looked at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// A turf of the campaign.
    pub turf: Uuid,
    /// An entrance in it.
    pub entrance: Uuid,
    /// A door in that, or nothing for the whole entrance.
    pub unit: Option<Uuid>,
    /// What happened.
    pub outcome: Outcome,
}

/// Why an entry is not to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    /// Somebody tried the app.
    Trial,
    /// The same is noted otherwise.
    Twice,
    /// It did not happen so.
    Mistake,
    /// It does not come from one of us.
    Foreign,
    /// Nobody can tell what it was.
    Unreadable,
}

impl Discard {
    /// All, in the order of the screen.
    pub const ALL: [Self; 5] = [Self::Trial, Self::Twice, Self::Mistake, Self::Foreign, Self::Unreadable];

    /// The name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Twice => "twice",
            Self::Mistake => "mistake",
            Self::Foreign => "foreign",
            Self::Unreadable => "unreadable",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|discard| discard.name() == name)
    }
}

/// What became of some picks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// So many were counted, or discarded.
    pub done: usize,
    /// These cannot be counted so, and still wait.
    pub refused: Vec<Reason>,
    /// So many were settled before, by somebody else or by their own phone.
    pub gone: usize,
}

/// Counts entries of one phone, in their order. A correction is for a pick alone.
///
/// # Errors
/// The store's own. Then nothing was written.
pub async fn count(
    db: &Db,
    now_ms: i64,
    device: Uuid,
    picks: &[(Pick, Option<Correction>)],
    actor: &Actor,
    rng: &mut ChaCha20Rng,
) -> Result<Settled, SyncError> {
    for _ in 1..TRIES {
        match count_once(db, now_ms, device, picks, actor, rng).await {
            Err(error) if is_passing(&error) => {}
            answer => return Ok(answer?),
        }
    }
    Ok(count_once(db, now_ms, device, picks, actor, rng).await?)
}

async fn count_once(
    db: &Db,
    now_ms: i64,
    device: Uuid,
    picks: &[(Pick, Option<Correction>)],
    actor: &Actor,
    rng: &mut ChaCha20Rng,
) -> Result<Settled, StoreError> {
    let mut tx = db.begin().await?;
    // First of all: two officers, or an officer and the phone, then come one after the other.
    scope::hold(&mut tx, device).await?;
    let Some(scope) = scope::find(&mut tx, device).await? else { return Ok(Settled { gone: picks.len(), ..Settled::default() }) };
    let mut kept = still_kept(&mut tx, device, picks).await?;
    let mut settled = Settled { gone: picks.len() - kept.len(), ..Settled::default() };
    kept.sort_by_key(|(entry, _)| (entry.device_seq, entry.id));
    // What came in a file before storage gave it a counter has none, and may correct one that has.
    let kept = bases_first(kept);

    let places = where_they_lie(&mut tx, scope.campaign, &kept).await?;
    let forgotten = forgotten(&mut tx, scope.campaign, &kept).await?;
    let (mut batch, mut bodies) = (Batch::default(), Vec::new());
    for (row, correction) in &kept {
        let mut entry = read(row);
        bodies.push(corrected(&entry, row, *correction, (scope.campaign, &forgotten), &places));
        // Another entry has its id, and the receipt for it.
        if row.reason == Reason::IdReuse {
            entry.id = id_v7(row.received_at, rng);
        }
        batch.entries.push(entry);
    }
    // The answer "kept" is what is to be changed here; it is no repeat.
    let anew = kept.iter().filter(|(row, _)| row.reason != Reason::IdReuse).map(|(row, _)| row.id).collect();
    let mut known = known::read(&mut tx, By::Officer, now_ms, device, &scope, (&batch, &bodies), &anew).await?;
    known.turfs = turf::of_campaign(&mut tx, scope.campaign).await?.into_iter().map(|turf| turf.id).collect();
    let mut plan = judge::judge(By::Officer, now_ms, device, &scope, known, &batch, bodies);
    plan.kept.clear();
    let mut own = HashSet::new();
    for ((row, _), answer) in kept.iter().zip(&plan.answers) {
        match answer {
            Answer::Applied { .. } => {
                if !quarantine::settle_one(&mut tx, row.id, &row.mac, now_ms, "applied").await? {
                    return Err(StoreError::Stale);
                }
                actor.note(&mut tx, now_ms, rng, "quarantine_apply", "entry", row.id).await?;
                settled.done += 1;
                if row.reason != Reason::IdReuse {
                    own.insert(row.id);
                }
            }
            Answer::Kept { reason, .. } => settled.refused.push(*reason),
            Answer::NotYet(_) | Answer::Repeat(_) | Answer::Same(_) => settled.refused.push(Reason::IdReuse),
        }
    }
    if settled.done == 0 {
        return Ok(settled);
    }
    let (_, receipts) = apply::apply(&mut tx, now_ms, device, &scope, &batch, plan).await?;
    let receipts: Vec<_> = receipts.into_iter().filter(|receipt| own.contains(&receipt.id)).collect();
    receipt::answer_anew(&mut tx, &receipts).await?;
    tx.commit().await?;
    Ok(settled)
}

/// Discards entries of any phones.
///
/// # Errors
/// The store's own. Then nothing was written.
pub async fn discard(db: &Db, now_ms: i64, picks: &[Pick], why: Discard, actor: &Actor, rng: &mut ChaCha20Rng) -> Result<Settled, SyncError> {
    for _ in 1..TRIES {
        match discard_once(db, now_ms, picks, why, actor, rng).await {
            Err(error) if is_passing(&error) => {}
            answer => return Ok(answer?),
        }
    }
    Ok(discard_once(db, now_ms, picks, why, actor, rng).await?)
}

async fn discard_once(db: &Db, now_ms: i64, picks: &[Pick], why: Discard, actor: &Actor, rng: &mut ChaCha20Rng) -> Result<Settled, StoreError> {
    let mut tx = db.begin().await?;
    let mut settled = Settled::default();
    // In one order for all, so that two officers who discard the same never wait for each other.
    let mut picks: Vec<&Pick> = picks.iter().collect();
    picks.sort_by(|a, b| (a.id, &a.mac).cmp(&(b.id, &b.mac)));
    for pick in picks {
        if quarantine::settle_one(&mut tx, pick.id, &pick.mac, now_ms, why.name()).await? {
            actor.note(&mut tx, now_ms, rng, "quarantine_discard", "entry", pick.id).await?;
            settled.done += 1;
        } else {
            settled.gone += 1;
        }
    }
    tx.commit().await?;
    Ok(settled)
}

async fn still_kept(tx: &mut Tx, device: Uuid, picks: &[(Pick, Option<Correction>)]) -> Result<Vec<(Quarantined, Option<Correction>)>, StoreError> {
    let ids = picks.iter().map(|(pick, _)| pick.id).collect();
    let mut kept = Vec::new();
    for row in quarantine::among(tx, &ids).await?.into_iter().filter(|row| row.device == device) {
        if let Some((_, correction)) = picks.iter().find(|(pick, _)| pick.id == row.id && pick.mac == row.mac) {
            kept.push((row, *correction));
        }
    }
    Ok(kept)
}

/// The same entries, each after what it supersedes.
fn bases_first(mut kept: Vec<(Quarantined, Option<Correction>)>) -> Vec<(Quarantined, Option<Correction>)> {
    let mut ordered = Vec::with_capacity(kept.len());
    let superseded: HashMap<Uuid, Uuid> = kept.iter().filter_map(|(row, _)| Some((row.id, read(row).content.ok()?.supersedes?))).collect();
    let mut left: HashSet<Uuid> = kept.iter().map(|(row, _)| row.id).collect();
    while !kept.is_empty() {
        let is_ready = |(row, _): &(Quarantined, _)| superseded.get(&row.id).is_none_or(|base| *base == row.id || !left.contains(base));
        // Those that go round in a ring are taken as they are.
        let next = kept.remove(kept.iter().position(is_ready).unwrap_or_default());
        left.remove(&next.0.id);
        ordered.push(next);
    }
    ordered
}

/// The entry as it came.
pub fn read(row: &Quarantined) -> Entry {
    match serde_json::from_str::<Envelope>(&row.body) {
        Ok(envelope) => envelope.into(),
        Err(_) => super::super::entry::read_one(serde_json::from_str(&row.body).unwrap_or_default()),
    }
}

/// The visit that an entry tells of, where it can be read.
pub fn visit(row: &Quarantined) -> Option<VisitV1> {
    match body::read_uncounted(&read(row)) {
        Ok(Body::Visit(visit)) => Some(visit),
        _ => None,
    }
}

/// Whether an entry takes another one back.
pub fn is_withdrawal(row: &Quarantined) -> bool {
    matches!(body::read_uncounted(&read(row)), Ok(Body::Withdrawal(_)))
}

/// What an entry in quarantine rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Nothing, or something that never came, or what waits and rests on nothing else.
    Open,
    /// A visit that is counted and that it replaces or takes back.
    Counted(Box<Visit>),
    /// A visit that is counted and cannot be told from others any more, or is another campaign's: it stays as it is. Or one
    /// so deep that nobody looks.
    Settled,
}

/// What an entry rests on; beneath others that wait, if it rests on such.
///
/// # Errors
/// The store's own.
pub async fn base(tx: &mut Tx, row: &Quarantined) -> Result<Base, StoreError> {
    let Some(mut next) = read(row).content.ok().and_then(|envelope| envelope.supersedes) else { return Ok(Base::Open) };
    let bases = known::bases(tx, &HashSet::new(), &HashSet::from([next]), &HashSet::new()).await?;
    for _ in 0..=MOST_BENEATH {
        let Some(receipt) = bases.receipts.get(&next) else { return Ok(Base::Open) };
        if receipt.status != Status::Quarantined {
            let visit = visits(tx, &HashSet::from([next])).await?.pop().filter(|visit| Some(visit.body.campaign) == row.campaign);
            return Ok(visit.map_or(Base::Settled, |visit| Base::Counted(Box::new(visit))));
        }
        match bases.kept.get(&next) {
            Some(Some(beneath)) => next = *beneath,
            Some(None) => return Ok(Base::Open),
            None => break,
        }
    }
    Ok(Base::Settled)
}

/// The turf of the campaign in which the entrance of each visit lies that named none of its turfs.
async fn where_they_lie(tx: &mut Tx, campaign: Uuid, kept: &[(Quarantined, Option<Correction>)]) -> Result<HashMap<Uuid, Uuid>, StoreError> {
    let outside = kept.iter().filter(|(row, correction)| row.reason == Reason::OutsideScope && correction.is_none());
    let entrances: HashSet<Uuid> = outside.filter_map(|(row, _)| Some(visit(row)?.entrance)).collect();
    turf::holding(tx, campaign, &entrances).await
}

/// The campaigns that entries name and that there are not, since a restore forgot them. What was noted in one is counted
/// in the campaign of the shift that an officer said the phone belongs to.
async fn forgotten(tx: &mut Tx, campaign: Uuid, kept: &[(Quarantined, Option<Correction>)]) -> Result<HashSet<Uuid>, StoreError> {
    let named: HashSet<Uuid> = kept.iter().filter_map(|(row, _)| named(row)).filter(|named| *named != campaign).collect();
    let mut missing = HashSet::new();
    for id in named {
        if campaigns::find(tx, id).await?.is_none() {
            missing.insert(id);
        }
    }
    Ok(missing)
}

/// The campaign that an entry names, where it can be read.
fn named(row: &Quarantined) -> Option<Uuid> {
    match body::read_uncounted(&read(row)).ok()? {
        Body::Visit(visit) => Some(visit.campaign),
        Body::Withdrawal(campaign) => Some(campaign),
    }
}

/// Whether an entry belongs to the campaign of its phone's shift, or to one that a restore forgot.
///
/// # Errors
/// The store's own.
pub async fn belongs(tx: &mut Tx, row: &Quarantined) -> Result<bool, StoreError> {
    match (named(row), row.campaign) {
        (Some(named), Some(own)) => Ok(named == own || campaigns::find(tx, named).await?.is_none()),
        _ => Ok(false),
    }
}

/// The body as it is to be counted.
fn corrected(
    entry: &Entry,
    row: &Quarantined,
    correction: Option<Correction>,
    (campaign, forgotten): (Uuid, &HashSet<Uuid>),
    places: &HashMap<Uuid, Uuid>,
) -> Result<Body, Reason> {
    // Without a readable envelope there is no id of its own, so nothing could be told apart from it later.
    let Ok(envelope) = &entry.content else { return Err(Reason::UnreadableBody) };
    let read = body::read_uncounted(entry);
    let visit = read.as_ref().ok().and_then(Body::visit);
    if let Ok(Body::Withdrawal(of)) = read {
        return Ok(Body::Withdrawal(if forgotten.contains(&of) { campaign } else { of }));
    }
    if let Some(Correction { turf, entrance, unit, outcome }) = correction {
        let leaflet = visit.is_some_and(|visit| visit.leaflet);
        let occurred_at = visit.map_or_else(|| plain::nearest_time(envelope.captured_at), |visit| visit.occurred_at);
        return Ok(Body::Visit(VisitV1 { campaign, turf, entrance, unit, outcome, leaflet, occurred_at }));
    }
    match visit {
        Some(visit) if row.reason == Reason::OutsideScope && (visit.campaign == campaign || forgotten.contains(&visit.campaign)) => {
            let turf = places.get(&visit.entrance).copied().unwrap_or(visit.turf);
            Ok(Body::Visit(VisitV1 { campaign, turf, ..visit.clone() }))
        }
        _ => read,
    }
}
