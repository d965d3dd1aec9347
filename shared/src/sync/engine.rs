//! What to send, and when: `step(state, event, dice) -> effects`, with no I/O, clock or randomness of its own.
//!
//! The phone and the simulator run this same code. Timers, answers, faults of the network and of storage are events;
//! requests, timers and writes are effects. Rules that hold whatever happens:
//!
//! - an entry leaves `unsent` only by [`Event::Settled`], which storage reports after the receipt is durable;
//! - a receipt counts only when its digest is that of our own bytes;
//! - push comes before pull, and a fault of one never stops the other for good;
//! - every fault ends in a timer, so the engine can never fall asleep with entries unsent.

mod event;

use std::collections::{BTreeMap, BTreeSet};

pub use event::{Effect, Event, Fault, Meta, Problem, Receipt};

use super::wire::{Admission, MAX_ENTRIES, PullResponse, PushResponse};

/// The first back-off, in milliseconds.
pub const FIRST_BACK_OFF_MS: u64 = 1_000;
/// The longest back-off, in milliseconds.
pub const LONGEST_BACK_OFF_MS: u64 = 300_000;
/// How often a quiet phone asks, in milliseconds.
pub const POLL_MS: u64 = 60_000;
/// How often a phone asks that waits for its lead, in milliseconds.
pub const WAITING_POLL_MS: u64 = 4_000;
/// An answer that has not come by then will not come, in milliseconds.
pub const ANSWER_MS: u64 = 30_000;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Flight {
    Push(u64),
    Pull(u64),
}

/// All that the engine remembers. The screen reads its counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    unsent: BTreeMap<u64, Meta>,
    sent: BTreeMap<u64, Meta>,
    /// Entries whose receipt is on its way into storage.
    settling: BTreeSet<u64>,
    /// Entries that failed alone; they wait until the others have had their turn.
    stepped_over: BTreeSet<u64>,
    max_issued: u64,
    whole: u64,
    held: u64,
    epoch: Option<String>,
    /// The epoch that storage is being told of.
    reopening: Option<String>,
    cloned: bool,
    /// What the server no longer holds was offered once more since the page began.
    offered_again: bool,
    admission: Option<Admission>,
    flight: Option<Flight>,
    requests: u64,
    timers: u64,
    failures: u32,
    /// How often in a row storage failed at receipts or at an epoch.
    storage_failures: u32,
    batch: usize,
    /// The server said "not now" to all that was sent, and for how long: first it is asked how this phone stands.
    resting: Option<u64>,
    again: bool,
    problem: Option<Problem>,
}

impl State {
    /// Entries that wait for a receipt: "3 venter på nett".
    pub fn waiting(&self) -> usize {
        self.unsent.len()
    }

    /// The highest counter ever given: how many visits and corrections were noted here.
    pub fn max_issued(&self) -> u64 {
        self.max_issued
    }

    /// The counter up to which nothing is missing here of what this phone noted. What storage has above it another tab
    /// wrote, which ended perhaps before it could say so.
    pub fn whole(&self) -> u64 {
        self.whole
    }

    /// How many entries of this phone the server said it holds.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Where this phone stands, as last heard.
    pub fn admission(&self) -> Option<Admission> {
        self.admission
    }

    /// What the screen must say, if anything.
    pub fn problem(&self) -> Option<Problem> {
        self.problem
    }

    /// The server's epoch, as last seen.
    pub fn epoch(&self) -> Option<&str> {
        self.epoch.as_deref()
    }

    /// What a push says the phone has.
    pub fn have(&self) -> super::wire::Have {
        super::wire::Have {
            min_unacked: self.unsent.keys().next().copied().unwrap_or(self.max_issued + 1),
            max_issued: self.max_issued,
            unsent: self.unsent.len() as u64,
        }
    }

    fn batch_limit(&self) -> usize {
        if self.batch == 0 { MAX_ENTRIES } else { self.batch }
    }

    fn to_push(&self) -> Vec<u64> {
        let ready = |skip: bool| {
            self.unsent
                .keys()
                .filter(|seq| !self.settling.contains(seq) && (skip == self.stepped_over.contains(seq)))
                .take(self.batch_limit())
                .copied()
                .collect::<Vec<_>>()
        };
        let first = ready(false);
        if first.is_empty() { ready(true) } else { first }
    }

    fn timer(&mut self, after_ms: u64) -> Effect {
        self.timers += 1;
        Effect::Timer { number: self.timers, after_ms }
    }

    /// Sends what waits, else pulls; with a timer in case no answer ever comes.
    fn start(&mut self) -> Vec<Effect> {
        let entries = self.to_push();
        if entries.is_empty() {
            return self.pull();
        }
        self.requests += 1;
        self.flight = Some(Flight::Push(self.requests));
        self.again = false;
        vec![Effect::Push { request: self.requests, entries }, self.timer(ANSWER_MS)]
    }

    fn pull(&mut self) -> Vec<Effect> {
        self.requests += 1;
        self.flight = Some(Flight::Pull(self.requests));
        self.again = false;
        vec![Effect::Pull { request: self.requests }, self.timer(ANSWER_MS)]
    }

    fn start_unless_busy(&mut self) -> Vec<Effect> {
        if self.flight.is_some() {
            self.again = true;
            return Vec::new();
        }
        self.start()
    }

    fn failed(&mut self, fault: Fault, dice: u64) -> Vec<Effect> {
        self.flight = None;
        self.resting = None;
        self.problem = Some(fault.into());
        self.failures = self.failures.saturating_add(1);
        // A wait that is asked for is kept, with the jitter on top; but nobody puts a phone to sleep for a day.
        let asked = if let Fault::Busy(asked) = fault { asked.min(LONGEST_BACK_OFF_MS) } else { 0 };
        let after_ms = asked + back_off(self.failures, dice);
        vec![self.timer(after_ms)]
    }

    /// An answer came. What storage does not take is still a problem then.
    fn heard(&mut self) {
        self.problem = (self.storage_failures > 0).then_some(Problem::Storage);
    }

    /// Storage did what was asked of it.
    fn stored(&mut self) {
        if std::mem::take(&mut self.storage_failures) > 0 && self.problem == Some(Problem::Storage) {
            self.problem = None;
        }
    }

    /// The server holds so many entries of this phone. Where it has given receipts for more, it lost some without a word, as
    /// where somebody copies a database into its place by hand. What is still here is offered once more: once, since a
    /// count can be old when it comes, and what the server holds after all is nothing new to it.
    fn hear_of_held(&mut self, held: u64) {
        self.held = held;
        let sent = self.max_issued.saturating_sub(self.unsent.len() as u64);
        if held < sent && !std::mem::replace(&mut self.offered_again, true) {
            self.unsent.append(&mut self.sent);
        }
    }

    /// Another epoch than ours: the server was restored. It counts as met when storage has put back all that was sent, so
    /// that a storage which fails now is asked again with the next answer. Asked before an answer's own receipts are
    /// taken: those that are still on their way into storage come from the server as it was.
    fn meet_epoch(&mut self, epoch: &str) -> Vec<Effect> {
        if self.latest_epoch() == Some(epoch) {
            return Vec::new();
        }
        // Also without a single entry, and where no epoch is known: sealed inputs and earlier shifts are offered again as
        // well, and storage may have failed to keep the epoch in which those were sent.
        self.reopening = Some(epoch.to_owned());
        vec![Effect::Reopen(epoch.to_owned())]
    }

    /// The epoch of the server as last met, or as storage is being told of.
    pub fn latest_epoch(&self) -> Option<&str> {
        self.reopening.as_deref().or(self.epoch.as_deref())
    }

    /// Takes the receipts out of an answer; and how long the server asks to wait, where it does.
    fn take_receipts(&mut self, answer: &PushResponse) -> (Vec<Receipt>, Option<u64>) {
        let mut receipts = Vec::new();
        let mut wait = None;
        for result in &answer.results {
            let Some(meta) = self.unsent.values().find(|meta| meta.id == result.id && meta.digest == result.digest) else { continue };
            if result.status.is_receipt() {
                self.stepped_over.remove(&meta.device_seq);
                // A receipt that storage is already writing is not news.
                if self.settling.insert(meta.device_seq) {
                    let (id, device_seq) = (meta.id, meta.device_seq);
                    receipts.push(Receipt { id, device_seq, status: result.status, reason: result.reason, given_at: answer.server_time });
                }
            } else {
                // It may rest on one that was stepped over: then both go together, after the others.
                self.stepped_over.insert(meta.device_seq);
                wait = wait.max(Some(result.after_ms.unwrap_or(FIRST_BACK_OFF_MS).min(LONGEST_BACK_OFF_MS)));
            }
        }
        (receipts, wait)
    }

    fn pushed(&mut self, answer: &PushResponse, dice: u64) -> Vec<Effect> {
        self.flight = None;
        let mut effects = self.meet_epoch(&answer.epoch);
        let (receipts, wait) = self.take_receipts(answer);
        // An answer that answers for nothing of ours may be another phone's.
        if wait.is_some() || !receipts.is_empty() {
            self.cloned |= answer.cloned;
            self.hear_of_held(answer.held);
        }
        if receipts.is_empty() && wait.is_some() {
            // It may be the lead who is waited for, and only a pull tells when that is over. The server took what was sent,
            // so it was not too much; what is waited for may lie in what was left out.
            self.batch = 0;
            self.heard();
            self.resting = wait;
            effects.extend(self.pull());
            return effects;
        }
        if receipts.is_empty() {
            // An answer that answers for nothing is treated like none, else it would be asked for without end.
            effects.extend(self.failed(Fault::Server, dice));
            return effects;
        }
        self.failures = 0;
        self.batch = 0;
        self.heard();
        effects.push(Effect::Settle(receipts));
        // Storage that takes no receipts is not offered more of them: the pull's answer says when it is tried again.
        effects.extend(if self.storage_failures > 0 { self.pull() } else { self.start() });
        effects
    }

    fn push_failed(&mut self, fault: Fault, dice: u64) -> Vec<Effect> {
        let pushed = self.to_push();
        let size = pushed.len();
        let stepped_over = pushed.iter().any(|seq| self.stepped_over.contains(seq));
        if fault == Fault::TooLarge || (fault == Fault::Server && self.failures >= 1) {
            if size > 1 {
                self.batch = (size / 2).max(1);
            } else if let Some(seq) = pushed.first() {
                // One entry that breaks the server alone must not hold up the rest. It stays, and is tried again.
                self.stepped_over.insert(*seq);
                self.batch = 0;
            }
        }
        // Nothing but what failed alone is left, or nothing will be taken: a pull still tells of a restore, of doors, of where
        // this phone stands, and what an earlier identity noted goes after it.
        if fault == Fault::Unknown || stepped_over && !matches!(fault, Fault::Network | Fault::Busy(_)) {
            self.flight = None;
            self.problem = Some(fault.into());
            self.resting = Some(0);
            return self.pull();
        }
        self.failed(fault, dice)
    }

    fn pulled(&mut self, answer: &PullResponse, dice: u64) -> Vec<Effect> {
        self.flight = None;
        if self.resting.is_some() {
            // What hinders the push still does.
            self.failures = self.failures.saturating_add(1);
        } else {
            self.failures = 0;
            self.heard();
        }
        self.admission = Some(answer.admission);
        self.cloned |= answer.cloned;
        self.hear_of_held(answer.held);
        let mut effects = self.meet_epoch(&answer.epoch);
        if self.cloned && self.unsent.is_empty() {
            effects.push(Effect::Renew);
        }
        let more = answer.turfs.iter().any(|turf| !turf.complete);
        let after = match self.resting {
            Some(_) if more => None,
            // It waits for its lead alone.
            Some(_) if answer.admission == Admission::Waiting && self.problem.is_none() => Some(WAITING_POLL_MS),
            Some(wait) => Some(back_off(self.failures, dice).max(wait)),
            None if self.storage_failures > 0 => Some(back_off(self.storage_failures, dice)),
            None if self.again || more || !self.to_push().is_empty() => None,
            None if answer.admission == Admission::Waiting => Some(WAITING_POLL_MS),
            None => Some(POLL_MS),
        };
        match after {
            Some(after) => {
                self.resting = None;
                effects.push(self.timer(after));
            }
            None if self.resting.is_some() => effects.extend(self.pull()),
            None => effects.extend(self.start()),
        }
        effects
    }

    /// What to do about `event`. `dice` is any number; it spreads retries.
    pub fn step(&mut self, event: Event, dice: u64) -> Vec<Effect> {
        match event {
            Event::Opened { unsent, sent, max_issued, epoch } => {
                *self = Self {
                    max_issued,
                    whole: max_issued,
                    epoch,
                    admission: self.admission,
                    requests: self.requests,
                    timers: self.timers,
                    ..Self::default()
                };
                self.unsent = unsent.into_iter().map(|meta| (meta.device_seq, meta)).collect();
                self.sent = sent.into_iter().map(|meta| (meta.device_seq, meta)).collect();
                self.start()
            }
            Event::Saved(meta) => {
                self.max_issued = self.max_issued.max(meta.device_seq);
                self.unsent.insert(meta.device_seq, meta);
                while self.unsent.contains_key(&(self.whole + 1)) || self.sent.contains_key(&(self.whole + 1)) {
                    self.whole += 1;
                }
                // While the network is away a new entry does not hasten the next try: batteries are small.
                if self.failures > 0 { Vec::new() } else { self.start_unless_busy() }
            }
            Event::Nudge => self.start_unless_busy(),
            Event::Timer(number) if number == self.timers => match self.flight {
                Some(Flight::Push(_)) => self.push_failed(Fault::Network, dice),
                Some(Flight::Pull(_)) => self.failed(Fault::Network, dice),
                None => self.start(),
            },
            Event::Timer(_) => Vec::new(),
            Event::Pushed(request, Ok(answer)) => {
                if self.flight == Some(Flight::Push(request)) {
                    return self.pushed(&answer, dice);
                }
                // A late answer is still a receipt, unless the server has been restored since. It starts nothing, and its
                // count is old.
                if self.latest_epoch().is_some_and(|epoch| epoch != answer.epoch) {
                    return Vec::new();
                }
                let (receipts, _) = self.take_receipts(&answer);
                if receipts.is_empty() { Vec::new() } else { vec![Effect::Settle(receipts)] }
            }
            Event::Pushed(request, Err(fault)) if self.flight == Some(Flight::Push(request)) => self.push_failed(fault, dice),
            Event::Pulled(request, Ok(answer)) if self.flight == Some(Flight::Pull(request)) => self.pulled(&answer, dice),
            Event::Pulled(request, Err(fault)) if self.flight == Some(Flight::Pull(request)) => self.failed(fault, dice),
            Event::Pushed(..) | Event::Pulled(..) => Vec::new(),
            Event::Settled(seqs) => {
                self.stored();
                for seq in seqs {
                    self.settling.remove(&seq);
                    self.stepped_over.remove(&seq);
                    if let Some(meta) = self.unsent.remove(&seq) {
                        self.sent.insert(seq, meta);
                    }
                }
                Vec::new()
            }
            Event::Unsettled(seqs) => {
                for seq in seqs {
                    self.settling.remove(&seq);
                }
                self.start_unless_busy()
            }
            Event::Reopened => {
                self.stored();
                self.epoch = self.reopening.take().or_else(|| self.epoch.take());
                self.unsent.append(&mut self.sent);
                self.start_unless_busy()
            }
            Event::StorageFailed => {
                self.settling.clear();
                self.reopening = None;
                self.problem = Some(Problem::Storage);
                self.storage_failures = self.storage_failures.saturating_add(1);
                // Where a request is under way, its answer decides when the next one goes.
                if self.flight.is_some() { Vec::new() } else { vec![self.timer(back_off(self.storage_failures, dice))] }
            }
        }
    }
}

/// How long to wait after so many failures. Full jitter: a hundred phones that come back at once do not knock at once.
fn back_off(failures: u32, dice: u64) -> u64 {
    let ceiling = FIRST_BACK_OFF_MS.saturating_mul(1 << failures.min(16)).min(LONGEST_BACK_OFF_MS);
    FIRST_BACK_OFF_MS / 4 + dice % ceiling
}
