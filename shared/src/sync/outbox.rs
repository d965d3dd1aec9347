//! The outbox: what a phone keeps until the server has it for good, and the rules by which that changes. Without I/O: the
//! app reads records from the browser's storage, asks here what is to be written, and writes it in the same transaction; the
//! simulated phones do the same with memory.
//!
//! The records are a promise like the wire: a phone that nobody has opened for weeks still has the oldest of them.

mod emptied;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    engine::Receipt,
    file::Unwritten,
    replay::Kept,
    wire::{Admission, Envelope},
};
use crate::input::{SLOTS, SlotStatus};
pub use emptied::{Page, PutBack, Stored, disagree, put_back, shelve};

/// So long after a shift what has its receipts stays on the phone, in milliseconds: backups are kept for 14 days, and a
/// shift's end is not its last push.
pub const KEPT_MS: i64 = 15 * 24 * 3_600_000;

/// So long an input waits for others, in milliseconds; a lone one that follows a visit would tell whose it is.
const LONGEST_WAIT_MS: i64 = 12 * 3_600_000;
/// So long where the shift has ended: who is late at a door still notes one after the other.
const WAIT_AFTER_END_MS: i64 = 2 * 3_600_000;

/// Who this phone is in its shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The device's id.
    pub device: Uuid,
    /// Its bearer credential.
    pub credential: String,
    /// The two characters by which the lead knows it.
    pub sign: String,
    /// Where it stood when last heard.
    pub admission: Admission,
    /// The id that this phone got for a code: its own, or that of which it is the copy. Absent in records from before that
    /// was kept. What is cached is kept under it: of another shift it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_as: Option<Uuid>,
}

impl Identity {
    /// Whether this is who the phone is, or whose copy it is: both are in one shift.
    pub fn joined_with(&self, other: &Self) -> bool {
        let joined_as = |identity: &Self| identity.joined_as.unwrap_or(identity.device);
        joined_as(self) == joined_as(other)
    }
}

/// Sealed inputs, counted. Nothing here says which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Sealed on this phone in this shift.
    pub sealed: u64,
    /// Of those, acknowledged by the server.
    pub acknowledged: u64,
    /// The hour (milliseconds, cut down) since which something waits.
    pub since: Option<i64>,
    /// How many of those that wait had no ticket when they were last to be sent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lack_tickets: u64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Pool {
    /// How many the server has not acknowledged.
    pub fn waiting(&self) -> u64 {
        self.sealed.saturating_sub(self.acknowledged)
    }

    /// Whether they are to be sent without anybody asking for it: when a request is full, when the shift has ended, when they
    /// have waited long. `now` is by the phone's clock (milliseconds), like `since`; a clock that was set back ends the wait.
    pub fn is_due(&self, now: i64, shift_has_ended: bool) -> bool {
        let waited = |ms| self.since.is_none_or(|since| since > now || now - since >= ms);
        let full = self.waiting().saturating_sub(self.lack_tickets) >= SLOTS as u64;
        self.waiting() > 0 && (full || waited(LONGEST_WAIT_MS) || shift_has_ended && waited(WAIT_AFTER_END_MS))
    }
}

/// A sealed input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The envelope, base64url.
    pub sealed: String,
    /// The round to whose key it is sealed; absent in records from before that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<Uuid>,
    /// The ticket that it was offered with, and will always be.
    #[serde(default)]
    pub ticket: Option<String>,
    /// The day on which the server acknowledged it.
    #[serde(default)]
    pub held_on: Option<String>,
}

impl Sealed {
    /// Whether somebody may have it already: it has been offered, or is about to be.
    pub fn was_offered(&self) -> bool {
        self.ticket.is_some() || self.held_on.is_some()
    }
}

/// A ticket, and the round that it is for where that is known.
pub type Ticket = (String, Option<Uuid>);

/// The round in a ticket's record, which is the JSON of its id. Records from before that was kept have the number 1.
pub fn round_of(record: &str) -> Option<Uuid> {
    Uuid::parse_str(record.trim_matches('"')).ok()
}

/// An earlier identity of this phone, with what was noted under it. It sends what waits under its own credential, and
/// offers it again after a restore, until no backup is that old. As long as there are sealed inputs on the phone it draws
/// tickets for those of its round, too: the present one may have none for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelved {
    /// Who this phone was.
    pub identity: Identity,
    /// When that shift ended by the server's clock, where it was known.
    #[serde(default)]
    pub ended_at: Option<i64>,
    /// What was noted.
    pub entries: Vec<Kept>,
}

impl Shelved {
    /// What has no receipt.
    pub fn unsent(&self) -> impl Iterator<Item = &Kept> {
        self.entries.iter().filter(|kept| kept.status.is_none())
    }

    /// Whether what was noted may leave the phone: all of it is sent, and older than any backup by the server's clock.
    pub fn is_past(&self, server_time: i64) -> bool {
        past(&self.entries, self.ended_at, server_time).len() == self.entries.len()
    }
}

/// What becomes of entries that are appended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Those that lie under the present identity now, old and new.
    pub written: Vec<Kept>,
    /// Of those, the new ones: they are to be added.
    pub added: Vec<Kept>,
    /// The counter that is next.
    pub next: u64,
    /// The shelf has a new entry.
    pub shelf_grew: bool,
}

/// Whether an entry is that draft. An id alone does not say so: the server keeps another entry that took it apart.
fn is_it(kept: &Kept, draft: &Unwritten) -> bool {
    kept.envelope.id == draft.id && kept.envelope.bytes == draft.bytes
}

fn counted(draft: &Unwritten, device_seq: u64) -> Kept {
    let Unwritten { id, kind, version, supersedes, captured_at, bytes } = draft.clone();
    Kept { envelope: Envelope { id, kind, version, device_seq, supersedes, captured_at, bytes }, status: None, reason: None, held_at: None }
}

/// Gives drafts their counters. `known` are the entries of the present identity and `next` its next counter. A page may have
/// noted them as who the phone was in an `earlier` shift, in the doors of that one: another tab has joined another meanwhile.
///
/// A draft that is there already, under whatever identity, is not written again: a fault after the commit but before its
/// report must not make two of one. What corrects an entry on the shelf goes there too, since nobody but the identity that
/// noted it may correct it. A counter is never below one that was given: two tabs can disagree for a moment.
pub fn append(drafts: &[Unwritten], earlier: Option<&Shelved>, next: u64, known: &[Kept], shelf: &mut Vec<Shelved>) -> Appended {
    let highest = known.iter().map(|kept| kept.envelope.device_seq).max().unwrap_or_default();
    let mut done = Appended { next: next.max(highest + 1), ..Appended::default() };
    for draft in drafts {
        if let Some(kept) = known.iter().find(|kept| is_it(kept, draft)) {
            done.written.push(kept.clone());
            continue;
        }
        if shelf.iter().flat_map(|shelved| &shelved.entries).any(|kept| is_it(kept, draft)) {
            continue;
        }
        let corrects = |kept: &Kept| Some(kept.envelope.id) == draft.supersedes;
        let here = earlier.is_none() && known.iter().chain(&done.added).any(corrects);
        let corrected = shelf.iter().position(|shelved| shelved.entries.iter().any(corrects)).filter(|_| !here);
        if let Some(place) = corrected.or_else(|| Some(place_of(earlier?, shelf))) {
            let shelved = &mut shelf[place];
            let highest = shelved.entries.iter().map(|kept| kept.envelope.device_seq).max().unwrap_or_default();
            shelved.entries.push(counted(draft, highest + 1));
            done.shelf_grew = true;
            continue;
        }
        let kept = counted(draft, done.next);
        done.next += 1;
        done.added.push(kept.clone());
        done.written.push(kept);
    }
    done
}

/// Where on the shelf that identity is. Whoever joined puts it there only where something was noted.
fn place_of(earlier: &Shelved, shelf: &mut Vec<Shelved>) -> usize {
    shelf.iter().position(|shelved| shelved.identity.device == earlier.identity.device).unwrap_or_else(|| {
        shelf.push(earlier.clone());
        shelf.len() - 1
    })
}

/// Puts what was noted under the present identity on the shelf and empties the figures that begin afresh with a shift; what
/// still waits from before goes with them. False where `only` is another than the present one: another tab has taken one
/// meanwhile, and nothing is to be written. `ended_at` is when the shift ends, where that is known; `holds_inputs` says whether
/// there are sealed inputs on the phone.
pub fn join(
    now: Option<Identity>,
    only: Option<Uuid>,
    ended_at: Option<i64>,
    entries: Vec<Kept>,
    holds_inputs: bool,
    shelf: &mut Vec<Shelved>,
    pool: &mut Pool,
) -> bool {
    if only.is_some() && now.as_ref().map(|now| now.device) != only {
        return false;
    }
    if let Some(identity) = now.filter(|_| !entries.is_empty() || holds_inputs) {
        shelf.push(Shelved { identity, ended_at, entries });
    }
    (pool.sealed, pool.acknowledged) = (pool.waiting(), 0);
    true
}

/// Whether receipts that were given in `epoch` still hold. Another tab may have met a restore since.
fn hold(stored: Option<&str>, epoch: Option<&str>) -> bool {
    stored.is_none() || stored == epoch
}

fn answered(kept: &mut Kept, receipts: &[Receipt]) -> bool {
    let receipt = receipts.iter().find(|receipt| receipt.id == kept.envelope.id && receipt.device_seq == kept.envelope.device_seq);
    if let Some(receipt) = receipt {
        kept.take(receipt);
    }
    receipt.is_some()
}

/// Puts receipts that the server gave in `epoch` to their entries, and gives those that changed. `stored` is the epoch
/// that storage has. Another identity, taken meanwhile, may have given the same counters.
pub fn settle(receipts: &[Receipt], epoch: Option<&str>, stored: Option<&str>, entries: impl IntoIterator<Item = Kept>) -> Vec<Kept> {
    if !hold(stored, epoch) {
        return Vec::new();
    }
    entries.into_iter().filter_map(|mut kept| answered(&mut kept, receipts).then_some(kept)).collect()
}

/// The same for what was noted under the earlier identity `device`. False where the receipts no longer hold.
pub fn settle_shelved(device: Uuid, receipts: &[Receipt], epoch: Option<&str>, stored: Option<&str>, shelf: &mut [Shelved]) -> bool {
    let holds = hold(stored, epoch);
    if holds {
        for kept in shelf.iter_mut().filter(|shelved| shelved.identity.device == device).flat_map(|shelved| &mut shelved.entries) {
            answered(kept, receipts);
        }
    }
    holds
}

/// The server was restored and has this `epoch`, as the phone heard in `hour` (milliseconds, cut down): all that it
/// acknowledged is offered again. Gives the entries and inputs that changed. Where storage has that epoch already, another tab
/// was faster, and what has a receipt has one of this server.
pub fn reopen<K>(
    entries: Vec<Kept>,
    sealed: Vec<(K, Sealed)>,
    shelf: &mut [Shelved],
    pool: &mut Pool,
    epoch: &str,
    stored: Option<&str>,
    hour: i64,
) -> (Vec<Kept>, Vec<(K, Sealed)>) {
    if stored == Some(epoch) {
        return (Vec::new(), Vec::new());
    }
    let entries = entries.into_iter().filter(|kept| kept.status.is_some()).map(Kept::unsent).collect();
    let inputs: Vec<(K, Sealed)> =
        sealed.into_iter().filter(|(_, record)| record.held_on.is_some()).map(|(key, record)| (key, Sealed { held_on: None, ..record })).collect();
    // Those of an earlier shift are counted no more since the figures began afresh, and wait again.
    let again = inputs.len() as u64;
    pool.sealed += again.saturating_sub(pool.acknowledged);
    pool.acknowledged = pool.acknowledged.saturating_sub(again);
    if again > 0 {
        // They wait as at first: a lone input beside the visits that are offered again would tell whose it is.
        pool.since = pool.since.or(Some(hour));
    }
    for kept in shelf.iter_mut().flat_map(|shelved| &mut shelved.entries) {
        *kept = kept.clone().unsent();
    }
    (entries, inputs)
}

/// The counters of entries of one shift that may go: sent, and so long ago that every backup has them.
pub fn past(entries: &[Kept], ended_at: Option<i64>, server_time: i64) -> Vec<u64> {
    // What was sent weeks late is in no backup from before.
    let since = |kept: &Kept| Some(ended_at?.max(kept.held_at.unwrap_or(i64::MIN)));
    let is_past = |kept: &&Kept| kept.status.is_some() && since(kept).is_some_and(|since| server_time.saturating_sub(since) >= KEPT_MS);
    entries.iter().filter(is_past).map(|kept| kept.envelope.device_seq).collect()
}

/// Lets go of what may leave the phone: takes it from the shelf, and gives the counters of the present identity's entries.
/// The server said its time in `epoch`; where storage has another one, all is to be offered again first. Who this phone was
/// stays with nothing noted while it `holds_inputs`.
pub fn let_go(
    entries: &[Kept],
    ended_at: Option<i64>,
    shelf: &mut Vec<Shelved>,
    holds_inputs: bool,
    server_time: i64,
    epoch: &str,
    stored: Option<&str>,
) -> Vec<u64> {
    if stored != Some(epoch) {
        return Vec::new();
    }
    shelf.iter_mut().filter(|shelved| shelved.is_past(server_time)).for_each(|shelved| shelved.entries.clear());
    shelf.retain(|shelved| !shelved.entries.is_empty() || holds_inputs);
    past(entries, ended_at, server_time)
}

/// What is to be written of an input that is sealed in `hour`, where storage may have `before` under its key: a second try
/// after a fault finds what the first may have written. The words may have been changed in between; what was offered to
/// somebody stays.
pub fn keep_sealed(before: Option<&Sealed>, sealed: Sealed, hour: i64, pool: &mut Pool) -> Option<Sealed> {
    if let Some(before) = before {
        return (!before.was_offered()).then_some(sealed);
    }
    // Where all that waits lacks a ticket, this one would go alone behind its visit.
    pool.since = pool.since.filter(|_| pool.waiting() > pool.lack_tickets).or(Some(hour));
    pool.sealed += 1;
    Some(sealed)
}

/// Takes back an input of which nobody knows whether storage has it: it was said to be unsaved, and is to be struck. True
/// where it is gone or never was there, and may be removed; what was offered to somebody stays.
pub fn strike(before: Option<&Sealed>, pool: &mut Pool) -> bool {
    let Some(before) = before else { return true };
    if before.was_offered() {
        return false;
    }
    pool.sealed = pool.sealed.saturating_sub(1);
    pool.since = pool.since.filter(|_| pool.waiting() > 0);
    true
}

/// How many tickets there are for inputs of that round.
pub fn tickets_of(tickets: &[Ticket], round: Option<Uuid>) -> usize {
    tickets.iter().filter(|(_, of)| *of == round).count()
}

/// Gives each waiting input without a ticket one of its round, as far as they last, and takes those out of `tickets`. Gives
/// the keys of the inputs that got one. The server opens an input by the key of its ticket's round, and none other opens it.
pub fn assign<K: Clone>(sealed: &mut [(K, Sealed)], tickets: &mut Vec<Ticket>, pool: &mut Pool) -> Vec<K> {
    let (mut got, mut lack) = (Vec::new(), 0);
    for (key, record) in sealed.iter_mut().filter(|(_, record)| !record.was_offered()) {
        let of = |round: Option<Uuid>| tickets.iter().position(|(_, of)| *of == round);
        // An input from before rounds were kept may take any: its own round is most likely still the present one.
        let any = if record.round.is_none() && !tickets.is_empty() { Some(0) } else { None };
        if let Some(at) = of(record.round).or(any) {
            record.ticket = Some(tickets.remove(at).0);
            got.push(key.clone());
        } else {
            lack += 1;
        }
    }
    pool.lack_tickets = lack;
    got
}

/// Whoever may draw tickets was asked, and gave none for what lacks them: it waits anew from this `hour`, so that it does not
/// drag each later one out behind its visit. Where nobody was heard all waits on as before.
pub fn wait_anew(pool: &mut Pool, hour: i64) {
    if pool.lack_tickets > 0 {
        pool.since = Some(hour);
    }
}

/// An input that was offered, and what the server said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered<K> {
    /// Its key on this phone.
    pub key: K,
    /// The ticket that was beside it. Another tab may have given it another one since.
    pub ticket: String,
    /// The server's word.
    pub status: SlotStatus,
}

/// What the server said of inputs that were offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<K> {
    /// Of each.
    pub offered: Vec<Offered<K>>,
    /// In which epoch it said so.
    pub epoch: Option<String>,
    /// Its day, `YYYY-MM-DD`.
    pub day: String,
    /// The last day that is wholly in a backup.
    pub backed_up_through: Option<String>,
}

/// What becomes of inputs when the server has answered: acknowledged ones are marked with its day; refused ones lose that
/// ticket and get another. Gives each with what is to be kept of it; nothing of those that a backup holds. `stored` is the
/// epoch that storage has: what a server said before it was restored says nothing, nor what it says now to a phone that has
/// not heard of that yet. What still waits then waits anew from this `hour`.
pub fn answer<K: PartialEq>(
    sealed: Vec<(K, Sealed)>,
    said: &Answer<K>,
    stored: Option<&str>,
    pool: &mut Pool,
    hour: i64,
) -> Vec<(K, Option<Sealed>)> {
    if !hold(stored, said.epoch.as_deref()) {
        return sealed.into_iter().map(|(key, record)| (key, Some(record))).collect();
    }
    let mut waits = false;
    let mut kept = Vec::with_capacity(sealed.len());
    for (key, mut record) in sealed {
        match said.offered.iter().find(|offered| offered.key == key) {
            Some(Offered { status: SlotStatus::Held, .. }) if record.held_on.is_none() => {
                record.held_on = Some(said.day.clone());
                pool.acknowledged += 1;
            }
            Some(Offered { status: SlotStatus::Refused, ticket, .. }) => record.ticket = record.ticket.filter(|own| own != ticket),
            _ => {}
        }
        waits |= record.held_on.is_none();
        let safe = record.held_on.as_ref().is_some_and(|day| said.backed_up_through.as_ref().is_some_and(|through| day <= through));
        kept.push((key, (!safe).then_some(record)));
    }
    pool.since = waits.then_some(hour);
    kept
}
