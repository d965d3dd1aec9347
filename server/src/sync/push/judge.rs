//! Judges a batch, entry by entry in its order, without a database: what is new, what repeats, what can only be kept.

use std::collections::{HashMap, HashSet};

use dorbank_shared::{
    sync::wire::{Admission, Envelope, Reason, Status},
    visit::{Outcome, VisitV1},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    Batch, Entry,
    body::Body,
    known::{Known, MOST_BENEATH, is_told_no_more},
    quarantined,
};
use crate::store::{quarantine::Quarantined, receipt::Receipt, scope::Scope, visit::Visit};

/// How long after its shift a phone's entries are applied without anybody looking, in milliseconds.
pub(super) const LATE_MS: i64 = 30 * 24 * 3_600_000;
/// The most wishes for quiet that one phone and its copies may note in a shift before somebody confirms them; and the most
/// that come from all phones of a shift when these are no longer told apart.
pub(super) const MOST_WISHES: i64 = 15;

/// What is answered for an entry, as far as it can be said before the doors are folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// As before.
    Repeat(Receipt),
    /// As the entry at this index of the same batch.
    Same(usize),
    /// Applied to this door, in accord or not with what was there.
    Applied { door: Option<Uuid>, conflict: bool, mac: Vec<u8> },
    /// Not now: it rests on an earlier entry that is still on the phone, or the phone waits to be let in.
    NotYet(Reason),
    /// Kept. Under an id that is taken it gets no receipt of its own, so there is no code for one.
    Kept { reason: Reason, mac: Option<Vec<u8>> },
}

/// Where a door lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub turf: Uuid,
    pub entrance: Uuid,
    /// Set by a visit, not only by the withdrawal of one: then the door belongs to this turf from now on.
    pub visited: bool,
}

/// What is to be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    /// One for each entry, in their order.
    pub answers: Vec<Answer>,
    /// New visits.
    pub visits: Vec<Visit>,
    /// Stored visits that now are superseded.
    pub superseded: Vec<Visit>,
    /// Entries that can only be kept.
    pub kept: Vec<Quarantined>,
    /// Visits that have not come, and what is counted in their place.
    pub early: Vec<(Uuid, Uuid)>,
    /// Kept entries that are replaced or withdrawn, each with the phone that sent it.
    pub settled: HashSet<(Uuid, Uuid)>,
    /// Entries that came without a counter before, or with a lower one, with the counter and the keyed hash that they have now.
    pub counted: Vec<(Uuid, i64, Vec<u8>)>,
    /// Doors whose state may have changed, in the order in which they were met.
    pub doors: Vec<(Uuid, Place)>,
    /// Doors that the register shall keep quiet: `(door, it is a unit)`.
    pub silence: HashSet<(Uuid, bool)>,
    /// Doors whose wish for quiet was undone: `(door, it is a unit)`.
    pub undone: HashSet<(Uuid, bool)>,
    /// How many wishes for quiet came when the phones of the shift are no longer told apart.
    pub late_wishes: i64,
}

/// What an entry takes the place of.
#[derive(Clone)]
struct Prior {
    /// Entries in quarantine, each with the phone that sent it: the one that it supersedes, the one that this one does …
    kept: Vec<(Uuid, Uuid)>,
    /// The visit beneath them: what waits never took its place.
    beneath: Beneath,
}

/// What lies beneath all that waits.
#[derive(Clone)]
enum Beneath {
    Nothing,
    /// A visit at this place in the plan.
    New(usize),
    Stored(Visit),
    /// One that has not come.
    Missing(Uuid),
    /// One of which this entry cannot take the place: another phone's, one that is no longer told from others, or one so deep
    /// that nobody looks.
    Closed,
}

/// Who brings a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The phone itself.
    Phone,
    /// The phone itself, which has not heard of a restore yet: it may rest on what the backup has not.
    RestoredPhone,
    /// Somebody with a file from it, who cannot be told to come again later.
    File,
    /// Somebody who looked at what was kept. What only asks for a look is no reason any more.
    Officer,
}

struct Judge<'a> {
    by: By,
    now_ms: i64,
    device: Uuid,
    scope: &'a Scope,
    known: Known,
    plan: Plan,
    new: HashMap<Uuid, usize>,
    /// Entries of this batch that are kept, with what each supersedes.
    kept: HashMap<Uuid, Option<Uuid>>,
}

/// Judges the entries of a batch. `bodies` goes with them.
pub(super) fn judge(by: By, now_ms: i64, device: Uuid, scope: &Scope, known: Known, batch: &Batch, bodies: Vec<Result<Body, Reason>>) -> Plan {
    let entries = &batch.entries;
    let mut judge = Judge { by, now_ms, device, scope, known, plan: Plan::default(), new: HashMap::new(), kept: HashMap::new() };
    // A phone steps over entries that failed alone; what replaces such an entry then comes before it.
    let first_unsent = i64::try_from(batch.have.min_unacked).unwrap_or(i64::MAX);
    let here: HashSet<i64> = entries.iter().map(Entry::device_seq).collect();
    let others_wait = batch.have.unsent > entries.len() as u64;
    let may_still_come = |entry: &Entry| others_wait || first_unsent > 0 && first_unsent < entry.device_seq() && !here.contains(&first_unsent);
    let key: Option<Hmac<Sha256>> =
        (!scope.receipt_key.is_empty()).then(|| Hmac::new_from_slice(&scope.receipt_key).expect("HMAC takes a key of any length"));
    let mut first: HashMap<Uuid, usize> = HashMap::new();
    for (index, (entry, body)) in entries.iter().zip(bodies).enumerate() {
        let mac = key.clone().map(|key| mac(key, &entry.digest)).unwrap_or_default();
        // A receipt goes before what the batch says: of two entries with one id it tells which was taken.
        let receipt = judge.known.receipts.get(&entry.id);
        let answer = if let Some(receipt) = receipt.filter(|receipt| is_repeat(receipt, device, entry, &mac)) {
            Answer::Repeat(receipt.clone())
        } else if let Some(receipt) = receipt.filter(|receipt| is_repeat_but_for_its_counter(receipt, device, entry, key.as_ref())) {
            // The highest is the last that its phone gave it: once the key is destroyed it is known by that alone.
            if receipt.device_seq < entry.device_seq() {
                // What was taken from a receipt does not come back.
                let mac = if receipt.mac.is_empty() { Vec::new() } else { mac };
                judge.plan.counted.push((entry.id, entry.device_seq(), mac));
            }
            Answer::Repeat(receipt.clone())
        } else if let Some(earlier) = first.get(&entry.id) {
            match &judge.plan.answers[*earlier] {
                // Which of the two has the id is said when the first can be judged.
                Answer::NotYet(reason) => Answer::NotYet(*reason),
                _ if entries[*earlier].digest == entry.digest || is_same_but_for_its_counter(&entries[*earlier], entry) => Answer::Same(*earlier),
                _ => judge.keep(entry, None, Reason::IdReuse),
            }
        } else if receipt.is_some() {
            judge.keep(entry, None, Reason::IdReuse)
        } else {
            match body.and_then(|body| judge.fresh(entry, &body)) {
                Ok((door, conflict)) => Answer::Applied { door, conflict, mac },
                Err(Reason::UnknownSuperseded) if by == By::RestoredPhone || by == By::Phone && may_still_come(entry) => {
                    Answer::NotYet(Reason::UnknownSuperseded)
                }
                // A phone that waits was never given a door. What it has it noted before a restore that forgot that it
                // was let in: the lead lets it in again, and until then nothing of it needs a person.
                Err(_) if matches!(by, By::Phone | By::RestoredPhone) && judge.scope.admission == Admission::Waiting => {
                    Answer::NotYet(Reason::NotAdmitted)
                }
                Err(reason) => judge.keep(entry, Some(mac), judge.standing().unwrap_or(reason)),
            }
        };
        first.entry(entry.id).or_insert(index);
        judge.plan.answers.push(answer);
    }
    judge.plan
}

/// The keyed hash of an entry's digest. Once the campaign's key is destroyed there is none.
fn mac(mut key: Hmac<Sha256>, digest: &str) -> Vec<u8> {
    key.update(digest.as_bytes());
    key.finalize().into_bytes().to_vec()
}

/// Whether a receipt is for this very entry. Without the key only its phone and counter can tell.
fn is_repeat(receipt: &Receipt, device: Uuid, entry: &Entry, mac: &[u8]) -> bool {
    if mac.is_empty() || receipt.mac.is_empty() {
        return receipt.device == device && receipt.device_seq == entry.device_seq();
    }
    receipt.mac == mac
}

/// Whether a receipt is for this entry under another counter: see [`Envelope::is_but_for_its_counter`].
fn is_repeat_but_for_its_counter(receipt: &Receipt, device: Uuid, entry: &Entry, key: Option<&Hmac<Sha256>>) -> bool {
    let Ok(envelope) = &entry.content else { return false };
    if receipt.device != device {
        return false;
    }
    // Where nothing else is left to know it by, another counter is another entry.
    let Some(key) = key.filter(|_| !receipt.mac.is_empty()) else { return (receipt.device_seq == 0) != (envelope.device_seq == 0) };
    let other = Envelope { device_seq: u64::try_from(receipt.device_seq).unwrap_or_default(), ..envelope.clone() };
    receipt.mac == mac(key.clone(), &other.digest())
}

/// The same within a batch: a file may hold an entry as storage has it and as it was still to be written, since storage may
/// have written it and said that it had not.
fn is_same_but_for_its_counter(one: &Entry, other: &Entry) -> bool {
    one.content.as_ref().ok().zip(other.content.as_ref().ok()).is_some_and(|(one, other)| one.is_but_for_its_counter(other))
}

impl Judge<'_> {
    /// Why nothing from this phone is applied now, if so.
    fn standing(&self) -> Option<Reason> {
        if self.by == By::Officer {
            None
        } else if self.scope.admission != Admission::Admitted {
            Some(Reason::NotAdmitted)
        } else if self.now_ms > self.scope.ends_at.saturating_add(LATE_MS) {
            Some(Reason::TooLate)
        } else {
            None
        }
    }

    /// Keeps an entry in quarantine. A plain digest tells it from others there: its bytes stand beside it anyway.
    fn keep(&mut self, entry: &Entry, mac: Option<Vec<u8>>, reason: Reason) -> Answer {
        let digest = Sha256::digest(entry.digest.as_bytes()).to_vec();
        self.plan.kept.push(quarantined(self.now_ms, self.device, self.scope.campaign, entry, digest, reason));
        if mac.is_some() {
            self.kept.insert(entry.id, entry.content.as_ref().ok().and_then(|envelope| envelope.supersedes));
        }
        Answer::Kept { reason, mac }
    }

    /// Plans an entry that was never seen. Gives the door that it concerns and whether it met a contradiction.
    fn fresh(&mut self, entry: &Entry, body: &Body) -> Result<(Option<Uuid>, bool), Reason> {
        if let Some(reason) = self.standing() {
            return Err(reason);
        }
        let Ok(envelope) = &entry.content else { return Err(Reason::UnreadableBody) };
        let (campaign, in_scope) = match body {
            Body::Visit(visit) => (visit.campaign, self.in_scope(visit)),
            Body::Withdrawal(campaign) => (*campaign, true),
        };
        if campaign != self.scope.campaign || !in_scope {
            return Err(Reason::OutsideScope);
        }
        let prior = self.prior(envelope.supersedes);
        let may = match (&prior.beneath, body) {
            (Beneath::New(_) | Beneath::Stored(_), _) | (Beneath::Nothing, Body::Visit(_)) => true,
            // What it replaces has not come; an officer counts it for itself.
            (Beneath::Missing(_), Body::Visit(_)) => self.by == By::Officer || !prior.kept.is_empty(),
            // Beside what stays, the same door would count a second time.
            (Beneath::Closed, Body::Visit(_)) => false,
            // What waits can be taken back, whatever lies beneath.
            (Beneath::Nothing | Beneath::Missing(_) | Beneath::Closed, Body::Withdrawal(_)) => !prior.kept.is_empty(),
        };
        if !may {
            return Err(Reason::UnknownSuperseded);
        }
        let in_time = self.now_ms <= self.scope.ends_at || envelope.captured_at <= self.scope.ends_at;
        match body {
            Body::Visit(visit) => self.visit(entry, visit, prior, in_time),
            Body::Withdrawal(_) => {
                let (replaced, conflict) = self.supersede(entry.id, prior);
                let Some(replaced) = replaced else { return Ok((None, conflict)) };
                self.known.wishes -= i64::from(self.makes_room(&replaced, None, in_time));
                let stays = replaced.silenced && !in_time;
                if replaced.silenced && in_time {
                    self.undo((replaced.body.door(), replaced.body.unit.is_some()));
                }
                // The wish for quiet outlives an undo that comes after the shift: only an officer clears it then.
                Ok((Some(replaced.body.door()), conflict || stays))
            }
        }
    }

    fn in_scope(&self, visit: &VisitV1) -> bool {
        self.known.turfs.contains(&visit.turf)
            && self.known.held.contains(&(visit.turf, visit.entrance))
            && visit.unit.is_none_or(|unit| self.known.units.contains(&(unit, visit.entrance)))
    }

    /// Finds what an entry supersedes. Only a phone's own entries can be, those of its earlier identity too. An officer
    /// vouches for one who joined anew, or whose earlier identity a restore forgot: they are the same to nobody else.
    fn prior(&self, superseded: Option<Uuid>) -> Prior {
        let (mut kept, mut next) = (Vec::new(), superseded);
        let beneath = loop {
            let Some(id) = next else { break Beneath::Nothing };
            if let Some(index) = self.new.get(&id) {
                break Beneath::New(*index);
            }
            let (device, rests_on) = match (self.kept.get(&id), self.known.receipts.get(&id)) {
                (Some(rests_on), _) => (self.device, *rests_on),
                (None, None) => break Beneath::Missing(id),
                (None, Some(receipt)) => {
                    if self.by != By::Officer && receipt.device != self.device && !self.known.earlier.contains(&receipt.device) {
                        break Beneath::Closed;
                    }
                    if receipt.status != Status::Quarantined {
                        let stored = self.known.superseded.get(&id).filter(|visit| visit.body.campaign == self.scope.campaign);
                        break stored.cloned().map_or(Beneath::Closed, Beneath::Stored);
                    }
                    let Some(rests_on) = self.known.kept.get(&id) else { break Beneath::Closed };
                    (receipt.device, *rests_on)
                }
            };
            // Whoever writes entries by hand may let two of them supersede each other.
            if kept.len() == MOST_BENEATH {
                break Beneath::Closed;
            }
            kept.push((device, id));
            next = rests_on;
        };
        Prior { kept, beneath }
    }

    fn visit(&mut self, entry: &Entry, visit: &VisitV1, prior: Prior, in_time: bool) -> Result<(Option<Uuid>, bool), Reason> {
        let replaced = match &prior.beneath {
            Beneath::New(index) => Some(&self.plan.visits[*index]),
            Beneath::Stored(stored) => Some(stored),
            Beneath::Nothing | Beneath::Missing(_) | Beneath::Closed => None,
        };
        let superseded_by = self.known.replaced.get(&entry.id).copied();
        // What was replaced before it came asks for nothing.
        let is_wish = visit.outcome == Outcome::DoNotKnock && superseded_by.is_none();
        let (door, is_unit) = (visit.door(), visit.unit.is_some());
        let room = i64::from(replaced.is_some_and(|r| self.makes_room(r, is_wish.then_some(door), in_time)));
        if is_wish && self.by != By::Officer && self.known.wishes - room >= MOST_WISHES {
            return Err(Reason::ManyDoNotKnock);
        }
        // Takes over from the entry that it replaces what that one did to the register.
        let inherits = replaced.is_some_and(|r| r.silenced && r.body.door() == door);
        let undo = replaced.filter(|r| r.silenced && !(is_wish && inherits)).map(|r| (r.body.door(), r.body.unit.is_some()));
        let stays = undo.is_some() && !in_time;
        if let (Some(undo), true) = (undo, in_time) {
            self.undo(undo);
        }
        let (_, conflict) = self.supersede(entry.id, prior);
        self.known.wishes -= room;
        let mut silenced = false;
        if is_wish {
            self.known.wishes += 1;
            self.plan.late_wishes += i64::from(self.by != By::Officer && is_told_no_more(self.scope, self.now_ms));
            silenced = inherits || !self.known.quiet.contains(&door);
            self.known.quiet.insert(door);
            self.plan.silence.insert((door, is_unit));
        }
        self.meet(door, Place { turf: visit.turf, entrance: visit.entrance, visited: true });
        self.new.insert(entry.id, self.plan.visits.len());
        self.plan.visits.push(Visit {
            id: entry.id,
            body: visit.clone(),
            device: Some(self.device),
            device_seq: entry.device_seq(),
            superseded_by,
            silenced,
        });
        Ok((Some(door), conflict || stays))
    }

    /// Whether another wish for quiet may be noted once this visit is replaced by a wish at the door `again`, or by something
    /// else. What the register keeps is counted on, and what came late is never taken from the count.
    fn makes_room(&self, replaced: &Visit, again: Option<Uuid>, in_time: bool) -> bool {
        let stands = replaced.body.outcome == Outcome::DoNotKnock && replaced.superseded_by.is_none();
        let is_undone = again == Some(replaced.body.door()) || replaced.silenced && in_time;
        stands && is_undone && !is_told_no_more(self.scope, self.now_ms)
    }

    /// Plans that the register keeps a door quiet no more.
    fn undo(&mut self, (door, is_unit): (Uuid, bool)) {
        self.plan.undone.insert((door, is_unit));
        self.known.quiet.remove(&door);
    }

    /// Marks the prior entry as superseded by `by`. Gives it as it was, and whether another entry had done so before.
    fn supersede(&mut self, by: Uuid, prior: Prior) -> (Option<Visit>, bool) {
        self.plan.settled.extend(prior.kept);
        let replaced = match prior.beneath {
            Beneath::Nothing | Beneath::Closed => return (None, false),
            Beneath::Missing(id) => {
                // Should it come yet, it is replaced already.
                self.plan.early.push((id, by));
                self.known.replaced.entry(id).or_insert(by);
                return (None, false);
            }
            Beneath::New(index) => {
                let visit = &mut self.plan.visits[index];
                let before = visit.clone();
                visit.superseded_by.get_or_insert(by);
                before
            }
            Beneath::Stored(stored) => {
                if stored.superseded_by.is_none() {
                    let marked = Visit { superseded_by: Some(by), ..stored.clone() };
                    self.known.superseded.insert(stored.id, marked.clone());
                    self.plan.superseded.push(marked);
                }
                stored
            }
        };
        let conflict = replaced.superseded_by.is_some();
        self.meet(replaced.body.door(), Place { turf: replaced.body.turf, entrance: replaced.body.entrance, visited: false });
        (Some(replaced), conflict)
    }

    fn meet(&mut self, door: Uuid, place: Place) {
        match self.plan.doors.iter_mut().find(|(met, _)| *met == door) {
            Some((_, met)) if place.visited => *met = place,
            Some(_) => {}
            None => self.plan.doors.push((door, place)),
        }
    }
}
