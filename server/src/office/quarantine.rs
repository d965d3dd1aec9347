//! What was kept and not applied: shown to whoever answers for it, and counted or discarded on their word.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map::Entry};

use dorbank_app::office::{
    page::{
        Notice,
        clarify::{Choice, Chosen, Clarify, ClarifyOne, Done, Group, Row, Says},
    },
    text,
};
use dorbank_shared::{
    error::Code,
    place::Entrance,
    principal::OfficerPrincipal,
    sync::wire::{Reason, hexadecimal},
    visit::{Outcome, VisitV1},
    words::{Words, key},
};
use uuid::Uuid;

use super::{calendar::Calendar, door, own_branch};
use crate::{
    coarsen::FINE_MS,
    error::ApiError,
    job::Actor,
    state::AppState,
    store::{
        self, StoreError, Tx,
        quarantine::{Quarantined, Waiting},
        turf::Turf,
    },
    sync::push::settle::{self, Base, Correction, Discard, Pick, Settled},
};

/// Reasons in the order of the page: first what is settled in one press.
const REASONS: [Reason; 8] = [
    Reason::NotAdmitted,
    Reason::TooLate,
    Reason::ManyDoNotKnock,
    Reason::OutsideScope,
    Reason::UnknownSuperseded,
    Reason::UnreadableBody,
    Reason::UnknownKind,
    Reason::IdReuse,
];
/// So many of a reason are shown; the others follow when these are settled.
const SHOWN: i64 = 50;
/// So many are settled with one press.
const AT_ONCE: i64 = 1_000;
/// So many of a phone are settled in one transaction.
const PART: usize = 200;

/// How many entries wait that are an officer's to look at.
///
/// # Errors
/// When the database fails.
pub async fn waiting(tx: &mut Tx, officer: &OfficerPrincipal) -> Result<i64, StoreError> {
    let all = store::quarantine::by_reason(tx).await?;
    Ok(all.into_iter().filter(|(_, branch, _)| officer.covers(&[*branch])).map(|(.., count)| count).sum())
}

/// All that waits for an officer.
///
/// # Errors
/// When the database fails.
pub async fn clarify(
    state: &AppState,
    officer: &OfficerPrincipal,
    language: &str,
    notice: Option<Notice>,
    done: Option<Done>,
) -> Result<Clarify, ApiError> {
    let mut tx = state.db.read().await?;
    let own = own_branch(officer);
    let branch = match own {
        Some(id) => store::branch::find(&mut tx, id).await?.map(|branch| branch.name),
        None => None,
    };
    let mut counts: HashMap<&'static str, i64> = HashMap::new();
    for (reason, branch, count) in store::quarantine::by_reason(&mut tx).await? {
        if officer.covers(&[branch]) {
            *counts.entry(reason.name()).or_default() += count;
        }
    }
    let until = state.now_ms();
    let mut teller = Teller::new(language, until);
    let mut groups = Vec::new();
    for reason in REASONS {
        let Some(count) = counts.get(reason.name()).copied() else { continue };
        let found = store::quarantine::waiting(&mut tx, reason, own, SHOWN).await?;
        let mut rows = Vec::with_capacity(found.len());
        for waiting in &found {
            rows.push(teller.row(&mut tx, waiting).await?);
        }
        groups.push(Group { reason: reason.name().to_owned(), count, rows });
    }
    Ok(Clarify { branch, notice, done, until, groups })
}

/// Writes entries in a language, and remembers the places that it has read.
struct Teller {
    words: std::sync::Arc<Words>,
    calendar: Calendar,
    now: i64,
    entrances: HashMap<Uuid, Option<Entrance>>,
    turfs: HashMap<Uuid, Vec<Turf>>,
}

impl Teller {
    fn new(language: &str, now: i64) -> Self {
        Self { words: text::words(language), calendar: Calendar::new(language), now, entrances: HashMap::new(), turfs: HashMap::new() }
    }

    async fn entrance(&mut self, tx: &mut Tx, id: Uuid) -> Result<Option<&Entrance>, StoreError> {
        let found = match self.entrances.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(store::entrance::find(tx, id).await?),
        };
        Ok(found.as_ref())
    }

    async fn turfs(&mut self, tx: &mut Tx, campaign: Uuid) -> Result<&[Turf], StoreError> {
        Ok(match self.turfs.entry(campaign) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(store::turf::of_campaign(tx, campaign).await?),
        })
    }

    /// The number and name of the turf in which a visit outside its shift's would be counted.
    async fn turf_of(&mut self, tx: &mut Tx, entry: &Quarantined, visit: &VisitV1) -> Result<Option<String>, StoreError> {
        let Some(campaign) = entry.campaign else { return Ok(None) };
        if !settle::belongs(tx, entry).await? {
            return Ok(None);
        }
        let Some(entrance) = self.entrance(tx, visit.entrance).await? else { return Ok(None) };
        if visit.unit.is_some_and(|unit| entrance.units.iter().all(|known| known.id != unit)) {
            return Ok(None);
        }
        let holding = store::turf::holding(tx, campaign, &HashSet::from([visit.entrance])).await?;
        let turf = holding.get(&visit.entrance).copied();
        Ok(self.turfs(tx, campaign).await?.iter().find(|known| Some(known.id) == turf).map(|turf| format!("{} · {}", turf.number, turf.name)))
    }

    async fn row(&mut self, tx: &mut Tx, waiting: &Waiting) -> Result<Row, StoreError> {
        let entry = &waiting.entry;
        let visit = settle::visit(entry);
        let withdrawal = settle::is_withdrawal(entry);
        // What the register of visits forgets 72 hours after the shift is not kept alive here.
        let coarse = self.now >= waiting.ends_at + FINE_MS;
        let words = self.words.clone();
        let base = settle::base(tx, entry).await?;
        // A withdrawal names no door. What it takes back does.
        let about = match (&visit, &base) {
            (None, Base::Counted(counted)) if withdrawal => Some(counted.body.clone()),
            _ => visit.clone(),
        };
        let door = match &about {
            Some(visit) => {
                let (entrance, unit) = (visit.entrance, visit.unit);
                self.entrance(tx, entrance).await?.map(|entrance| {
                    let unit = entrance.units.iter().find(|known| Some(known.id) == unit);
                    door::name(entrance, unit, &words)
                })
            }
            None => None,
        };
        let turf = match &visit {
            Some(visit) if entry.reason == Reason::OutsideScope => self.turf_of(tx, entry, visit).await?,
            _ => None,
        };
        let own_id = settle::read(entry).content.is_ok();
        let countable = match entry.reason {
            // Counted beside it, the door would count twice.
            _ if base == Base::Settled => false,
            Reason::NotAdmitted | Reason::TooLate => visit.is_some() || withdrawal,
            // Of an unreadable body only what it had no room for may be missing by now: the rest is a visit.
            Reason::UnknownSuperseded if withdrawal => matches!(base, Base::Counted(_)),
            Reason::ManyDoNotKnock | Reason::UnknownSuperseded | Reason::IdReuse | Reason::UnreadableBody => visit.is_some(),
            Reason::OutsideScope => turf.is_some() || withdrawal && matches!(base, Base::Counted(_)),
            Reason::UnknownKind | Reason::Busy => false,
        };
        let says = match &visit {
            _ if base == Base::Settled => Says::Outcome(key::CLARIFY_COUNTED_BEFORE.to_owned()),
            Some(visit) => {
                let outcome = if coarse { visit.outcome.coarse(visit.unit.is_some()) } else { visit.outcome };
                Says::Outcome(format!("outcome.{}", outcome.name()))
            }
            None if withdrawal => Says::Withdrawal,
            None => Says::Unknown,
        };
        Ok(Row {
            id: entry.id,
            mac: hexadecimal(&entry.mac),
            sign: (!coarse).then(|| waiting.sign.clone()),
            date: self.calendar.date(waiting.starts_at),
            place: waiting.meeting_place.clone(),
            campaign: waiting.campaign_name.clone(),
            received: self.calendar.short(entry.received_at),
            door,
            says,
            turf,
            countable,
            placeable: own_id && !withdrawal && !countable && base != Base::Settled,
        })
    }
}

/// What is chosen in the address of the page that looks for a door. An id of nothing asks again, also where the entry says it.
#[derive(Debug, Clone, Default)]
pub struct Looking {
    /// A turf.
    pub turf: Option<Uuid>,
    /// An entrance in it.
    pub entrance: Option<Uuid>,
}

/// One entry, and the doors that it may have been about.
///
/// # Errors
/// `not_found`, or `forbidden` where it is another branch's; or when the database fails.
pub async fn clarify_one(
    state: &AppState,
    officer: &OfficerPrincipal,
    language: &str,
    notice: Option<Notice>,
    (pick, looking): (&Pick, Looking),
) -> Result<ClarifyOne, ApiError> {
    let mut tx = state.db.read().await?;
    let (waiting, settled) = theirs(&mut tx, officer, pick).await?;
    let mut teller = Teller::new(language, state.now_ms());
    let row = teller.row(&mut tx, &waiting).await?;
    let visit = settle::visit(&waiting.entry);
    let campaign = waiting.entry.campaign.unwrap_or_default();
    let turfs = teller.turfs(&mut tx, campaign).await?.to_vec();
    let said = visit.as_ref().map(|visit| visit.turf);
    let turf = looking.turf.or(said).filter(|id| turfs.iter().any(|turf| turf.id == *id));
    let entrances = match turf {
        Some(turf) => store::entrance::of_turf(&mut tx, turf).await?,
        None => Vec::new(),
    };
    let said = visit.as_ref().map(|visit| visit.entrance);
    let entrance = looking.entrance.or(said).and_then(|id| entrances.iter().find(|entrance| entrance.id == id));
    let words = text::words(language);
    let doors: Vec<Choice> =
        entrance.into_iter().flat_map(|found| &found.units).map(|unit| Choice { id: unit.id, name: door::unit_name(unit, &words) }).collect();
    let said = visit.as_ref().filter(|visit| entrance.is_some_and(|found| found.id == visit.entrance));
    let door = said.map(|visit| visit.unit.unwrap_or(visit.entrance));
    Ok(ClarifyOne {
        notice,
        reason: waiting.entry.reason.name().to_owned(),
        settled: settled.is_some(),
        chosen: Chosen { turf, entrance: entrance.map(|entrance| entrance.id), door, outcome: visit.map(|visit| visit.outcome.name().to_owned()) },
        turfs: turfs.iter().map(|turf| Choice { id: turf.id, name: format!("{} · {}", turf.number, turf.name) }).collect(),
        entrances: entrances.iter().map(|entrance| Choice { id: entrance.id, name: entrance.address() }).collect(),
        doors,
        outcomes: Outcome::CHOICES.into_iter().map(|outcome| (outcome.name().to_owned(), format!("outcome.{}", outcome.name()))).collect(),
        row,
    })
}

/// An entry that an officer may settle.
async fn theirs(tx: &mut Tx, officer: &OfficerPrincipal, pick: &Pick) -> Result<(Waiting, Option<String>), ApiError> {
    let (waiting, settled) = store::quarantine::find(tx, pick.id, &pick.mac).await?.ok_or(Code::NotFound)?;
    if officer.covers(&[waiting.branch]) { Ok((waiting, settled)) } else { Err(Code::Forbidden.into()) }
}

fn actor(officer: &OfficerPrincipal) -> Actor {
    Actor { officer: Some(officer.id), role: officer.role.name().into() }
}

fn done(counted: bool, settled: &[Settled]) -> Done {
    let sum = |part: fn(&Settled) -> usize| i64::try_from(settled.iter().map(part).sum::<usize>()).unwrap_or(i64::MAX);
    Done { counted, done: sum(|s| s.done), left: sum(|s| s.refused.len()), gone: sum(|s| s.gone) }
}

/// Counts one entry, as it is or as somebody says it was.
///
/// # Errors
/// `not_found`, or `forbidden` where it is another branch's; or when the database fails.
pub async fn count(state: &AppState, officer: &OfficerPrincipal, pick: Pick, correction: Option<Correction>) -> Result<Done, ApiError> {
    let (waiting, _) = theirs(&mut state.db.read().await?, officer, &pick).await?;
    let (now, rng) = (state.now_ms(), &mut state.fork_rng());
    let settled = settle::count(&state.db, now, waiting.entry.device, &[(pick, correction)], &actor(officer), rng).await?;
    Ok(done(true, &[settled]))
}

/// Discards one entry.
///
/// # Errors
/// `not_found`, or `forbidden` where it is another branch's; or when the database fails.
pub async fn discard(state: &AppState, officer: &OfficerPrincipal, pick: Pick, why: Discard) -> Result<Done, ApiError> {
    theirs(&mut state.db.read().await?, officer, &pick).await?;
    let settled = settle::discard(&state.db, state.now_ms(), &[pick], why, &actor(officer), &mut state.fork_rng()).await?;
    Ok(done(false, &[settled]))
}

/// The oldest of an officer's entries that wait for a reason and came before the page was read.
async fn of_reason(state: &AppState, officer: &OfficerPrincipal, reason: Reason, until: i64) -> Result<Vec<Quarantined>, ApiError> {
    let found = store::quarantine::waiting(&mut state.db.read().await?, reason, own_branch(officer), AT_ONCE).await?;
    Ok(found.into_iter().map(|waiting| waiting.entry).filter(|entry| entry.received_at <= until).collect())
}

fn pick(entry: Quarantined) -> Pick {
    Pick { id: entry.id, mac: entry.mac }
}

/// Counts all that can be counted as it is, of those that wait for one reason.
///
/// # Errors
/// When the database fails. What was counted before that stays counted.
pub async fn count_all(state: &AppState, officer: &OfficerPrincipal, reason: Reason, until: i64) -> Result<Done, ApiError> {
    let mut phones: BTreeMap<Uuid, Vec<(Pick, Option<Correction>)>> = BTreeMap::new();
    let mut entries = of_reason(state, officer, reason, until).await?;
    entries.sort_by_key(|entry| (entry.device_seq, entry.id));
    for entry in entries {
        phones.entry(entry.device).or_default().push((pick(entry), None));
    }
    let (actor, rng) = (actor(officer), &mut state.fork_rng());
    let mut settled = Vec::new();
    for (device, picks) in &phones {
        for part in picks.chunks(PART) {
            settled.push(settle::count(&state.db, state.now_ms(), *device, part, &actor, rng).await?);
        }
    }
    Ok(done(true, &settled))
}

/// Discards all that wait for one reason.
///
/// # Errors
/// When the database fails. What was discarded before that stays so.
pub async fn discard_all(state: &AppState, officer: &OfficerPrincipal, reason: Reason, until: i64, why: Discard) -> Result<Done, ApiError> {
    let picks: Vec<Pick> = of_reason(state, officer, reason, until).await?.into_iter().map(pick).collect();
    let (actor, rng) = (actor(officer), &mut state.fork_rng());
    let mut settled = Vec::new();
    for part in picks.chunks(PART) {
        settled.push(settle::discard(&state.db, state.now_ms(), part, why, &actor, rng).await?);
    }
    Ok(done(false, &settled))
}

/// Reads what [`Row::mac`] says.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 128 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
