//! The world of a run: virtual time, a network and storage that fail, people who change their plans.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    path::PathBuf,
    sync::Arc,
};

use dorbank_server::store::{device, meta};
use dorbank_shared::sync::{
    engine::{Effect, Event, Fault},
    wire::Admission,
};
use dorbank_tests::START_MS;
use rand::{RngExt as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha20Rng;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    fault::{Faults, Kind, seeded},
    phone::Phone,
    server::{Server, Trouble, What, Wire},
    storage::{Draft, Op},
};

/// How many entries a phone notes, and how many inputs.
const NOTES: usize = 22;
const SAYINGS: usize = 5;
/// How long phones sleep when there is a night.
const NIGHT_MS: u64 = 3 * 3_600_000;
/// So long after the trouble everything must have settled.
const CALM_MS: u64 = 2 * 3_600_000;

/// What a run is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    pub off: BTreeSet<Kind>,
    pub phones: usize,
    /// How long the volunteers walk.
    pub minutes: u64,
}

impl Plan {
    pub fn of(seed: u64) -> Self {
        Self { seed, off: BTreeSet::new(), phones: 4, minutes: 15 }
    }
}

/// One tab of one phone, in one of its lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub phone: usize,
    pub tab: usize,
    life: u32,
}

/// A request on its way.
#[derive(Debug, Clone)]
struct Message {
    at: At,
    request: u64,
    what: What,
    body: Arc<[u8]>,
}

#[derive(Debug, Clone)]
enum Happening {
    Note(usize),
    Say(usize),
    Crash(usize),
    Open(At),
    SecondTab(usize, bool),
    Timer(At, u64),
    Arrive(Message),
    Answer { at: At, request: u64, what: What, restores: usize, answer: Option<Wire> },
    Write(At, Op),
    OtherTab(At, bool),
    Shut(usize, Admission),
    Reassign(usize),
    Replan,
    Quieten,
    BackUp,
    Restore(Kind),
    Break,
    Full(usize),
    JumpClock(usize),
    Clone(usize),
    NewVersion,
    Night,
    Calm,
}

/// One run.
pub struct World {
    pub(super) plan: Plan,
    pub(super) faults: Faults,
    pub(super) server: Server,
    pub(super) phones: Vec<Phone>,
    /// What must never be, as it was seen.
    pub(super) wrong: Vec<String>,
    turfs: Vec<Uuid>,
    rng: ChaCha20Rng,
    now: u64,
    calm: Option<u64>,
    ties: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    frozen: BTreeSet<usize>,
    wakes_at: u64,
    last_push: Option<Wire>,
    broken: bool,
    /// What happens is printed, too.
    shown: bool,
    trace: Sha256,
}

impl World {
    /// Phones that are admitted to the shift, two to a turf.
    pub async fn new(path: PathBuf, running: Uuid, plan: Plan) -> Self {
        let seed = plan.seed;
        let mut rng = seeded(seed, 0);
        let faults = Faults::new(seed, &plan.off);
        let server = Server::open(path, seed).await;
        let turfs = server.turfs(running).await;
        let mut tx = server.db.begin().await.unwrap();
        meta::set_once(&mut tx, meta::EPOCH, "first").await.unwrap();
        let mut phones = Vec::new();
        for index in 0..plan.phones {
            let id = uuid::Builder::from_random_bytes(rng.random()).into_uuid();
            device::insert(&mut tx, id, running, &format!("~{index}"), rng.random(), START_MS).await.unwrap();
            let version = device::find(&mut tx, id).await.unwrap().unwrap().version;
            device::set_admission(&mut tx, id, version, Admission::Admitted, Some(turfs[index / 2 % turfs.len()])).await.unwrap();
            phones.push(Phone::new(id, seed, index));
        }
        tx.commit().await.unwrap();
        let mut world = Self {
            plan,
            faults,
            server,
            phones,
            wrong: Vec::new(),
            turfs,
            rng,
            now: 0,
            calm: None,
            ties: 0,
            queue: BTreeMap::new(),
            frozen: BTreeSet::new(),
            wakes_at: 0,
            last_push: None,
            broken: false,
            shown: std::env::var_os("DORBANK_TRACE").is_some(),
            trace: Sha256::new(),
        };
        world.schedule();
        world
    }

    pub(super) fn now_ms(&self) -> i64 {
        START_MS + i64::try_from(self.now).unwrap()
    }

    fn walk_ms(&self) -> u64 {
        self.plan.minutes * 60_000
    }

    fn at(&self, phone: usize, tab: usize) -> At {
        At { phone, tab, life: self.phones[phone].tabs[tab].life }
    }

    fn alive(&self, at: At) -> bool {
        let tab = &self.phones[at.phone].tabs[at.tab];
        tab.open && tab.life == at.life
    }

    fn after(&mut self, ms: u64, happening: Happening) {
        self.ties += 1;
        self.queue.insert((self.now + ms, self.ties), happening);
    }

    fn strikes(&mut self, kind: Kind, chance: f64) -> bool {
        self.calm.is_none() && self.faults.strikes(kind, chance)
    }

    /// A moment of the walk.
    fn moment(&mut self) -> u64 {
        let walk = self.walk_ms();
        self.rng.random_range(2_000..walk)
    }

    /// As many of a planned fault as its dice say, each at a moment of its own.
    fn plan(&mut self, kind: Kind, most: u32, happening: impl Fn(&mut Self) -> Happening) {
        let count = self.faults.dice(kind).random_range(1..=most);
        for _ in 0..count {
            let at = self.moment();
            let happening = happening(self);
            if self.faults.has(kind) {
                self.after(at, happening);
            }
        }
    }

    /// All that is known beforehand.
    fn schedule(&mut self) {
        let walk = self.walk_ms();
        let some = |world: &mut Self| world.rng.random_range(0..world.plan.phones);
        for phone in 0..self.plan.phones {
            for happening in std::iter::repeat_n(Happening::Note(phone), NOTES).chain(std::iter::repeat_n(Happening::Say(phone), SAYINGS)) {
                let at = self.moment();
                self.after(at, happening);
            }
            let at = self.at(phone, 0);
            self.after(0, Happening::Open(at));
            self.plan(Kind::Crash, 3, |_| Happening::Crash(phone));
            if self.faults.strikes(Kind::Clock, 0.7) {
                let mut dice = self.faults.dice(Kind::Clock).clone();
                self.phones[phone].turn_clock(&mut dice);
                *self.faults.dice(Kind::Clock) = dice;
            }
            if self.faults.strikes(Kind::TwoTabs, 0.6) {
                let at = self.moment();
                self.after(at / 2, Happening::SecondTab(phone, true));
                if self.faults.dice(Kind::TwoTabs).random_bool(0.5) {
                    self.after(at / 2 + walk / 4, Happening::SecondTab(phone, false));
                }
            }
        }
        self.plan(Kind::Quota, 2, |world| Happening::Full(some(world)));
        self.plan(Kind::ClockJump, 3, |world| Happening::JumpClock(some(world)));
        self.plan(Kind::Clone, 1, |world| Happening::Clone(some(world)));
        self.plan(Kind::Revoked, 2, |world| Happening::Shut(some(world), Admission::Revoked));
        self.plan(Kind::Reassigned, 2, |world| Happening::Reassign(some(world)));
        self.plan(Kind::Replanned, 3, |_| Happening::Replan);
        self.plan(Kind::Quietened, 3, |_| Happening::Quieten);
        self.plan(Kind::BrokenEntry, 2, |_| Happening::Break);
        if self.faults.has(Kind::OldClient) && self.plan.phones > 1 {
            self.phones[1].old = true;
            self.after(walk / 4, Happening::NewVersion);
        }
        if self.faults.has(Kind::Restored) {
            let (first, second) = (self.moment(), self.moment());
            self.after(first.min(second), Happening::BackUp);
            self.after(first.max(second) + 1, Happening::Restore(Kind::Restored));
            if self.faults.has(Kind::RestoredAgain) {
                let third = self.rng.random_range(first.max(second)..walk + 2);
                if self.faults.dice(Kind::RestoredAgain).random_bool(0.5) {
                    self.after(u64::midpoint(first.max(second), third), Happening::BackUp);
                }
                self.after(third + 2, Happening::Restore(Kind::RestoredAgain));
            }
        }
        if self.faults.has(Kind::Hours) {
            self.after(walk + 3, Happening::Night);
        } else {
            self.after(walk + 3, Happening::Calm);
        }
    }

    /// Lets everything happen until all is quiet.
    pub async fn run(&mut self) {
        while let Some(((at, _), happening)) = self.queue.pop_first() {
            self.now = at;
            self.note_trace(&happening);
            self.happen(happening).await;
            if self.calm.is_some_and(|calm| self.now > calm + CALM_MS) {
                let waiting: Vec<_> = (0..self.phones.len()).filter(|phone| !self.is_quiet(*phone)).collect();
                self.wrong.push(format!("phones {waiting:?} are not through two hours after all trouble ended"));
                break;
            }
            if self.calm.is_some() && (0..self.phones.len()).all(|phone| self.is_quiet(phone)) {
                break;
            }
        }
    }

    /// Whether nothing more will happen on a phone.
    fn is_quiet(&self, phone: usize) -> bool {
        let Some(calm) = self.calm else { return false };
        let here = &self.phones[phone];
        here.tabs.iter().any(|tab| tab.open)
            && here.tabs.iter().filter(|tab| tab.open).all(|tab| {
                let fresh = tab.pulled_at.is_some_and(|asked| asked >= calm && asked > self.server.changed_at);
                let stays = tab.admission != Some(Admission::Admitted)
                    || tab.engine.problem().is_none() && here.storage.tickets.is_empty() && tab.requests > 0;
                fresh
                    && tab.engine.waiting() == 0
                    && tab.unsaved == 0
                    && tab.verdicts.values().all(|verdict| *verdict == dorbank_shared::sync::base::Verdict::Equal)
                    && (here.pool() == 0 || (stays && tab.inputs.is_none() && tab.drawing.is_none()))
            })
    }

    fn note_trace(&mut self, happening: &Happening) {
        if self.shown {
            match happening {
                Happening::Arrive(Message { at, what: What::Push, body, .. }) => {
                    eprintln!("{} {at:?} push {}", self.now, String::from_utf8_lossy(body));
                }
                Happening::Answer { at, what: What::Push, answer: Some(wire), .. } => {
                    eprintln!("{} {at:?} answer {} {}", self.now, wire.status, String::from_utf8_lossy(&wire.body));
                }
                Happening::Answer { .. }
                | Happening::Arrive(_)
                | Happening::Timer(..)
                | Happening::Write(_, Op::KeepCache(_) | Op::KeepSealed(..)) => {}
                other => eprintln!("{} {other:?}", self.now),
            }
        }
        let mut note = |what: &dyn Debug| self.trace.update(format!("{} {what:?}\n", self.now));
        match happening {
            Happening::Arrive(Message { at, request, what, .. }) => note(&("arrive", at, request, what)),
            Happening::Answer { at, request, what, answer, .. } => note(&("answer", at, request, what, answer.as_ref().map(|wire| wire.status))),
            Happening::Write(at, Op::KeepCache(_) | Op::KeepSealed(..)) => note(&("write", at)),
            other => note(other),
        }
        match happening {
            Happening::Arrive(message) => self.trace.update(&message.body),
            Happening::Answer { answer: Some(wire), .. } => self.trace.update(&wire.body),
            _ => {}
        }
    }

    /// A hash of all that happened.
    pub fn trace(&self) -> String {
        format!("{:x?}", self.trace.clone().finalize())
    }

    async fn happen(&mut self, happening: Happening) {
        match happening {
            // What a frozen page was to hear it hears when it wakes.
            Happening::Timer(at, _) | Happening::Answer { at, .. } | Happening::Write(at, _) | Happening::OtherTab(at, _)
                if self.frozen.contains(&at.phone) =>
            {
                let wait = self.wakes_at.saturating_sub(self.now);
                self.after(wait, happening);
            }
            Happening::Note(phone) => self.note(phone),
            Happening::Say(phone) => self.say(phone),
            Happening::Crash(phone) => {
                let tab = self.any_tab(phone);
                self.faults.count(Kind::Crash);
                self.crash(phone, tab);
            }
            Happening::Open(at) => {
                if self.phones[at.phone].tabs[at.tab].life == at.life && !self.phones[at.phone].tabs[at.tab].open {
                    self.open(at.phone, at.tab);
                }
            }
            Happening::SecondTab(phone, opens) => {
                if opens && self.phones[phone].tabs.len() == 1 {
                    self.phones[phone].tabs.push(super::phone::Tab::default());
                    self.open(phone, 1);
                } else if !opens && let Some(tab) = self.phones[phone].tabs.get_mut(1) {
                    tab.open = false;
                    tab.life += 1;
                }
            }
            Happening::Timer(at, number) => {
                if self.alive(at) {
                    self.step(at, Event::Timer(number));
                }
            }
            Happening::Arrive(message) => self.serve(message).await,
            Happening::Answer { at, request, what, restores, answer } => {
                if self.alive(at) {
                    self.answered(at, request, what, restores, answer);
                }
            }
            Happening::Write(at, op) => self.write(at, &op),
            Happening::OtherTab(at, base) => {
                if self.alive(at) {
                    let phone = &mut self.phones[at.phone];
                    if base {
                        phone.tabs[at.tab].cache = phone.storage.cache.clone();
                        phone.tabs[at.tab].pulled_at = None;
                    } else {
                        for event in phone.read_entries(at.tab) {
                            self.step(at, event);
                        }
                    }
                }
            }
            Happening::Shut(phone, admission) => {
                self.faults.count(Kind::Revoked);
                let device = self.phones[phone].device;
                self.server.admit(device, admission, None, self.now).await;
                if admission == Admission::Revoked && self.faults.dice(Kind::Revoked).random_bool(0.6) {
                    let wait = self.faults.dice(Kind::Revoked).random_range(1_000..300_000);
                    self.after(wait, Happening::Shut(phone, Admission::Admitted));
                }
            }
            Happening::Reassign(phone) => {
                self.faults.count(Kind::Reassigned);
                let turf = self.turfs.choose(self.faults.dice(Kind::Reassigned)).copied();
                let device = self.phones[phone].device;
                self.server.admit(device, Admission::Admitted, turf, self.now).await;
            }
            Happening::Replan => {
                self.faults.count(Kind::Replanned);
                let dice = self.faults.dice(Kind::Replanned);
                let (from, pick) = (dice.random_range(0..self.turfs.len()), dice.random_range(0..100));
                let to = (from + 1) % self.turfs.len();
                if from != to {
                    self.server.replan(self.turfs[from], self.turfs[to], pick, self.now).await;
                }
            }
            Happening::Quieten => {
                self.faults.count(Kind::Quietened);
                let dice = self.faults.dice(Kind::Quietened);
                let (turf, pick) = (dice.random_range(0..self.turfs.len()), dice.random_range(0..20));
                self.server.quieten(self.turfs[turf], pick, self.now).await;
            }
            Happening::BackUp => self.server.back_up(self.now_ms()).await,
            Happening::Restore(kind) => {
                let which = self.faults.dice(kind).random_range(0..2);
                if self.server.restore(which, self.now).await {
                    self.faults.count(kind);
                    self.broken = false;
                }
            }
            Happening::Break => {
                let unsent = self.phones.iter().flat_map(|phone| phone.storage.metas(false)).map(|meta| meta.id).next();
                if unsent.is_some() {
                    self.faults.count(Kind::BrokenEntry);
                    self.server.break_on(unsent).await;
                    self.broken = true;
                } else if self.now + 20_000 < self.walk_ms() {
                    self.after(10_000, Happening::Break);
                }
            }
            Happening::Full(phone) => self.phones[phone].full_until = self.now + 180_000,
            Happening::JumpClock(phone) => {
                self.faults.count(Kind::ClockJump);
                let mut dice = self.faults.dice(Kind::ClockJump).clone();
                self.phones[phone].turn_clock(&mut dice);
                *self.faults.dice(Kind::ClockJump) = dice;
            }
            Happening::Clone(phone) => {
                self.faults.count(Kind::Clone);
                let index = self.phones.len();
                self.phones.push(self.phones[phone].clone_onto(self.plan.seed, index));
                self.open(index, 0);
                for _ in 0..NOTES / 2 {
                    let at = self.rng.random_range(0..self.walk_ms());
                    let wait = at.saturating_sub(self.now).max(1);
                    self.after(wait, Happening::Note(index));
                }
            }
            Happening::NewVersion => self.server.client_min = 1,
            Happening::Night => self.night(),
            Happening::Calm => self.calm_down().await,
        }
    }

    /// Phones are put away: closed, or left open and stopped by the system. They come back all at one moment.
    fn night(&mut self) {
        for phone in 0..self.phones.len() {
            self.faults.count(Kind::Hours);
            if self.faults.dice(Kind::Hours).random_bool(0.5) {
                self.frozen.insert(phone);
                continue;
            }
            for tab in &mut self.phones[phone].tabs {
                tab.open = false;
                tab.life += 1;
            }
        }
        self.wakes_at = self.now + NIGHT_MS;
        self.after(NIGHT_MS, Happening::Calm);
    }

    /// All trouble ends at one moment, and everybody is back.
    async fn calm_down(&mut self) {
        self.calm = Some(self.now);
        self.frozen.clear();
        self.server.break_on(None).await;
        for phone in 0..self.phones.len() {
            self.phones[phone].full_until = 0;
            let device = self.phones[phone].device;
            if self.faults.has(Kind::Revoked) && self.faults.dice(Kind::Revoked).random_bool(0.7) {
                self.server.admit(device, Admission::Admitted, None, self.now).await;
            }
            let updates = std::mem::take(&mut self.phones[phone].old);
            if updates || !self.phones[phone].tabs[0].open {
                self.open(phone, 0);
            }
            for tab in 0..self.phones[phone].tabs.len() {
                let at = self.at(phone, tab);
                if self.alive(at) {
                    self.step(at, Event::Nudge);
                }
            }
        }
    }

    fn open(&mut self, phone: usize, tab: usize) {
        let effects = self.phones[phone].open(tab);
        let at = self.at(phone, tab);
        self.do_all(at, effects);
        self.send_inputs_if_due(at);
    }

    /// The page is gone, and what it had asked of storage is done or not. The volunteer opens it again.
    fn crash(&mut self, phone: usize, tab: usize) {
        let roll_back = self.strikes(Kind::RolledBack, 0.5);
        let here = &mut self.phones[phone];
        here.tabs[tab].open = false;
        here.tabs[tab].life += 1;
        if roll_back {
            here.storage.cache = here.storage.older.clone();
        }
        let at = self.at(phone, tab);
        let wait = self.rng.random_range(1..20_000);
        self.after(wait, Happening::Open(at));
    }

    fn any_tab(&mut self, phone: usize) -> usize {
        let open: Vec<usize> = (0..self.phones[phone].tabs.len()).filter(|tab| self.phones[phone].tabs[*tab].open).collect();
        open.choose(&mut self.rng).copied().unwrap_or(0)
    }

    fn note(&mut self, phone: usize) {
        let tab = self.any_tab(phone);
        if self.frozen.contains(&phone) || !self.phones[phone].tabs[tab].open {
            return;
        }
        let now_ms = self.now_ms();
        let Some(draft) = self.phones[phone].note(tab, now_ms, &mut self.faults) else { return };
        self.phones[phone].tabs[tab].unsaved += 1;
        self.ask(self.at(phone, tab), Op::Append(draft), 0);
    }

    fn say(&mut self, phone: usize) {
        let tab = self.any_tab(phone);
        if self.frozen.contains(&phone) || !self.phones[phone].tabs[tab].open || self.phones[phone].tabs[tab].cache.bundle.is_none() {
            return;
        }
        let (key, sealed) = self.phones[phone].seal();
        self.phones[phone].tabs[tab].unsaved += 1;
        self.ask(self.at(phone, tab), Op::KeepSealed(key, sealed), 0);
    }

    pub(super) fn step(&mut self, at: At, event: Event) {
        let effects = self.phones[at.phone].step(at.tab, event);
        self.do_all(at, effects);
    }

    fn do_all(&mut self, at: At, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Push { request, entries } => {
                    let body = self.phones[at.phone].push_body(at.tab, &entries);
                    self.send(at, request, What::Push, body);
                }
                Effect::Pull { request } => {
                    self.phones[at.phone].tabs[at.tab].asked = (request, self.now);
                    let body = self.phones[at.phone].pull_body(at.tab);
                    self.send(at, request, What::Pull, body);
                }
                Effect::Settle(receipts) => {
                    let dies = self.strikes(Kind::CrashBeforeMark, 0.06);
                    self.ask(at, Op::Settle(receipts), 0);
                    if dies {
                        self.crash(at.phone, at.tab);
                        return;
                    }
                }
                Effect::Reopen { entries, epoch } => self.ask(at, Op::Reopen { entries, epoch }, 0),
                Effect::KeepEpoch(epoch) => self.ask(at, Op::KeepEpoch(epoch), 0),
                // A copied phone stays one here: what is tried is that its counters, which collide, lose nothing.
                Effect::Renew => {}
                Effect::Timer { number, after_ms } => self.after(after_ms, Happening::Timer(at, number)),
            }
        }
    }

    /// Asks storage to write, in so many milliseconds at the earliest. Writes are done in the order in which they were asked for.
    fn ask(&mut self, at: At, op: Op, wait: u64) {
        let takes = self.rng.random_range(1..40);
        let done = (self.now + wait + takes).max(self.phones[at.phone].written_at + 1);
        if wait == 0 {
            self.phones[at.phone].written_at = done;
        }
        self.after(done - self.now, Happening::Write(at, op));
    }

    fn write(&mut self, at: At, op: &Op) {
        let alive = self.alive(at);
        if !alive && self.phones[at.phone].dice().is_multiple_of(2) {
            return;
        }
        let full = self.calm.is_none() && self.now < self.phones[at.phone].full_until;
        if full {
            self.faults.count(Kind::Quota);
        }
        let (mut written, mut said) = (!full, !full);
        if !full {
            if self.strikes(Kind::FailedWrite, 0.06) {
                (written, said) = (false, false);
            } else if self.strikes(Kind::LostReport, 0.04) {
                said = false;
            } else if self.strikes(Kind::Silent, 0.03) {
                written = self.faults.dice(Kind::Silent).random_bool(0.5);
                said = false;
            }
        }
        if written {
            self.phones[at.phone].storage.write(op);
        }
        if alive {
            self.written(at, op, said);
        }
    }

    fn tell_other_tabs(&mut self, at: At, base: bool) {
        for tab in 0..self.phones[at.phone].tabs.len() {
            let other = self.at(at.phone, tab);
            if tab != at.tab && self.alive(other) {
                let wait = self.rng.random_range(1..20);
                self.after(wait, Happening::OtherTab(other, base));
            }
        }
    }

    /// Storage has answered.
    fn written(&mut self, at: At, op: &Op, said: bool) {
        match (op, said) {
            (Op::Append(draft), true) => self.saved(at, draft),
            (Op::KeepSealed(_, sealed), true) => {
                let phone = &mut self.phones[at.phone];
                phone.tabs[at.tab].unsaved -= 1;
                phone.said.push(sealed.clone());
                self.send_inputs_if_due(at);
            }
            // The screen says that it is not saved, and the app tries again.
            (Op::Append(_) | Op::KeepSealed(..), false) => self.ask(at, op.clone(), 5_000),
            (Op::Settle(receipts), true) => {
                for receipt in receipts {
                    if let Some((_, status)) = self.phones[at.phone].tabs[at.tab].entries.get_mut(&receipt.device_seq) {
                        *status = Some(receipt.status);
                    }
                }
                self.step(at, Event::Settled(receipts.iter().map(|receipt| receipt.device_seq).collect()));
                self.tell_other_tabs(at, false);
            }
            (Op::Reopen { entries, .. }, true) => {
                for seq in entries {
                    if let Some((_, status)) = self.phones[at.phone].tabs[at.tab].entries.get_mut(seq) {
                        *status = None;
                    }
                }
                self.step(at, Event::Reopened(entries.clone()));
            }
            (Op::Settle(_) | Op::Reopen { .. } | Op::KeepEpoch(_), false) => self.step(at, Event::StorageFailed),
            (Op::KeepCache(_), _) => self.tell_other_tabs(at, true),
            (Op::Assign, true) => match self.phones[at.phone].inputs_body(at.tab) {
                Some((request, body)) => self.send(at, request, What::Inputs, body),
                None => self.phones[at.phone].tabs[at.tab].inputs = None,
            },
            (Op::Assign, false) => self.phones[at.phone].tabs[at.tab].inputs = None,
            (Op::AnswerInputs { .. }, true) if self.phones[at.phone].pool() > 0 => self.ask(at, Op::Assign, 0),
            (Op::AnswerInputs { .. }, _) => self.phones[at.phone].tabs[at.tab].inputs = None,
            (Op::KeepTickets(_), _) => self.phones[at.phone].tabs[at.tab].drawing = None,
            (Op::KeepEpoch(_), true) => {}
        }
    }

    fn saved(&mut self, at: At, draft: &Draft) {
        let phone = &mut self.phones[at.phone];
        phone.tabs[at.tab].unsaved -= 1;
        let Some((entry, status)) = phone.storage.entries.values().rfind(|(entry, _)| entry.id == draft.id && entry.bytes == draft.bytes).cloned()
        else {
            self.wrong.push("storage said that an entry was saved, and has it not".into());
            return;
        };
        phone.saved.push(entry.clone());
        phone.tabs[at.tab].entries.insert(entry.device_seq, (entry.clone(), status));
        let dies = self.strikes(Kind::CrashAfterSave, 0.05);
        if !dies {
            self.step(at, Event::Saved(super::storage::meta(&entry)));
        }
        self.tell_other_tabs(at, false);
        if dies {
            self.crash(at.phone, at.tab);
        }
    }

    /// As in `app/src/field/sync/inputs.rs`: when eight wait, and when the shift has ended.
    pub(super) fn send_inputs_if_due(&mut self, at: At) {
        let waiting = self.phones[at.phone].pool();
        let tab = &mut self.phones[at.phone].tabs[at.tab];
        if tab.inputs.is_none() && waiting > 0 && (self.calm.is_some() || waiting >= 4) {
            tab.inputs = Some((0, Vec::new()));
            self.ask(at, Op::Assign, 0);
        }
    }

    fn send(&mut self, at: At, request: u64, what: What, body: Vec<u8>) {
        let restores = self.server.restores;
        let fails = |answer| Happening::Answer { at, request, what, restores, answer };
        if matches!(what, What::Inputs | What::Tickets) {
            // Nobody waits for an answer longer than that (`http.rs`).
            self.after(20_000, fails(None));
        }
        if self.strikes(Kind::Lost, 0.12) {
            let wait = self.rng.random_range(1..2_000);
            // A lost request is noticed at once, or not before the engine's own timer.
            if self.rng.random_bool(0.6) {
                self.after(wait, fails(None));
            }
            return;
        }
        for (kind, status) in [(Kind::TooLarge, 413), (Kind::TooMany, 429), (Kind::BadGateway, 502)] {
            if self.strikes(kind, 0.04) {
                self.after(200, fails(Some(Wire::new(status, "text/html", b"<h1>no</h1>"))));
                return;
            }
        }
        let mut body: Arc<[u8]> = body.into();
        if self.strikes(Kind::CutRequest, 0.04) {
            let end = self.faults.dice(Kind::CutRequest).random_range(0..body.len());
            body = body[..end].into();
        }
        let wait = self.delay();
        let message = Message { at, request, what, body };
        if self.strikes(Kind::Twice, 0.08) {
            let again = wait + self.rng.random_range(1..120_000);
            self.after(again, Happening::Arrive(message.clone()));
        }
        self.after(wait, Happening::Arrive(message));
    }

    /// How long something is under way.
    fn delay(&mut self) -> u64 {
        if self.strikes(Kind::Hours, 0.02) {
            return self.rng.random_range(3_600_000..NIGHT_MS);
        }
        if self.strikes(Kind::Late, 0.08) { self.rng.random_range(5_000..600_000) } else { self.rng.random_range(20..400) }
    }

    async fn serve(&mut self, message: Message) {
        let Message { at, request, what, body } = message;
        let device = self.phones[at.phone].device;
        let mut trouble = Trouble::None;
        if self.strikes(Kind::Busy, 0.04) {
            trouble = Trouble::Busy;
        } else if matches!(what, What::Push | What::Inputs) && self.strikes(Kind::Aborted, 0.05) {
            let tables: &[&'static str] = if what == What::Push { &["visit", "receipt", "door_state", "quarantine"] } else { &["ticket", "spool"] };
            trouble = Trouble::Dies(tables.choose(self.faults.dice(Kind::Aborted)).copied().unwrap_or("receipt"));
        }
        let mut wire = match self.server.answer(self.now_ms(), what, device, &body, trouble).await {
            Ok(wire) => wire,
            Err(error) => {
                self.wrong.push(format!("I7: the server failed: {error}"));
                return;
            }
        };
        if what == What::Push {
            self.server.changed_at = self.now;
        }
        if what == What::Pull && wire.status == 426 {
            self.faults.count(Kind::OldClient);
        }
        // A server that dies says nothing.
        if matches!(trouble, Trouble::Dies(_)) && self.rng.random_bool(0.5) || self.strikes(Kind::LostAck, 0.12) {
            return;
        }
        if self.strikes(Kind::BadGateway, 0.03) {
            wire = Wire::new(504, "text/html", b"<h1>504</h1>");
        }
        if self.strikes(Kind::CutAnswer, 0.06) {
            let end = self.faults.dice(Kind::CutAnswer).random_range(0..wire.body.len());
            wire.body = wire.body[..end].into();
        }
        if self.strikes(Kind::Portal, 0.04) {
            wire = Wire::new(200, "text/html; charset=utf-8", b"<!doctype html><title>Sign in to the network</title>");
        }
        if self.strikes(Kind::Empty, 0.03) {
            let ours = self.faults.dice(Kind::Empty).random_bool(0.5);
            wire = Wire::new(200, if ours { dorbank_shared::sync::wire::MEDIA_TYPE } else { "" }, b"");
        }
        if what == What::Push && wire.status == 200 {
            wire = self.confuse(wire);
        }
        let (wait, restores) = (self.delay(), self.server.restores);
        let answer = Happening::Answer { at, request, what, restores, answer: Some(wire) };
        if self.strikes(Kind::AnsweredTwice, 0.05) {
            self.after(wait + 3_000, answer.clone());
        }
        self.after(wait, answer);
    }

    /// Something on the way mixes up answers.
    fn confuse(&mut self, wire: Wire) -> Wire {
        if self.strikes(Kind::WrongDigest, 0.04)
            && let Ok(mut answer) = serde_json::from_slice::<serde_json::Value>(&wire.body)
        {
            for result in answer["results"].as_array_mut().into_iter().flatten() {
                result["digest"] = "0".repeat(64).into();
            }
            return Wire { body: serde_json::to_vec(&answer).unwrap().into(), ..wire };
        }
        if self.faults.has(Kind::OthersReceipt)
            && let Some(other) = self.last_push.replace(wire.clone())
            && other != wire
            && self.strikes(Kind::OthersReceipt, 0.05)
        {
            return other;
        }
        wire
    }

    fn answered(&mut self, at: At, request: u64, what: What, restores: usize, answer: Option<Wire>) {
        match what {
            What::Push => {
                let event = Event::Pushed(request, read(answer));
                self.step(at, event);
            }
            What::Pull => {
                let result = read(answer);
                if let Ok(answer) = &result {
                    let phone = &mut self.phones[at.phone];
                    if let Some(cache) = phone.take(at.tab, answer) {
                        self.ask(at, Op::KeepCache(cache), 0);
                    }
                    let tab = &mut self.phones[at.phone].tabs[at.tab];
                    // A late answer to an earlier request may even bring back what was; the next one mends it.
                    tab.pulled_at = (tab.asked.0 == request).then_some(tab.asked.1);
                    self.check_revoked(at, answer);
                }
                self.step(at, Event::Pulled(request, result));
                self.after_pull(at);
            }
            What::Tickets => {
                if self.phones[at.phone].tabs[at.tab].drawing != Some(request) {
                    return;
                }
                match read::<dorbank_shared::sync::wire::TicketsResponse>(answer) {
                    Ok(drawn) if !drawn.tickets.is_empty() => self.ask(at, Op::KeepTickets(drawn.tickets), 0),
                    _ => self.phones[at.phone].tabs[at.tab].drawing = None,
                }
            }
            // The connections of a server that is replaced by its backup end with it.
            What::Inputs => self.inputs_answered(at, request, answer.filter(|_| restores == self.server.restores)),
        }
    }

    fn after_pull(&mut self, at: At) {
        let phone = &mut self.phones[at.phone];
        let low = phone.storage.tickets.len() < 6;
        let tab = &mut phone.tabs[at.tab];
        if tab.admission == Some(Admission::Admitted) && low && tab.drawing.is_none() {
            tab.requests += 1;
            let request = tab.requests;
            tab.drawing = Some(request);
            self.send(at, request, What::Tickets, b"{\"count\":20}".to_vec());
        }
        self.send_inputs_if_due(at);
    }

    fn inputs_answered(&mut self, at: At, request: u64, answer: Option<Wire>) {
        use dorbank_shared::input::{InputsResponse, SLOTS, SlotStatus};
        let now_ms = self.now_ms();
        let phone = &mut self.phones[at.phone];
        let today = phone.today(now_ms);
        let tab = &mut phone.tabs[at.tab];
        let Some((_, keys)) = tab.inputs.take_if(|(under_way, _)| *under_way == request) else { return };
        let answer = answer.filter(|wire| wire.status == 200).and_then(|wire| serde_json::from_slice::<InputsResponse>(&wire.body).ok());
        let Some(answer) = answer.filter(|answer| answer.slots.len() == SLOTS) else { return };
        let with = |wanted: SlotStatus| {
            keys.iter().zip(&answer.slots).filter(|(_, status)| **status == wanted).filter_map(|(key, _)| *key).collect::<Vec<Uuid>>()
        };
        let (held, refused) = (with(SlotStatus::Held), with(SlotStatus::Refused));
        tab.inputs = Some((0, Vec::new()));
        let day = answer.day.unwrap_or(today);
        self.ask(at, Op::AnswerInputs { held, refused, day, backed_up_through: answer.backed_up_through }, 0);
    }

    pub async fn close(self) {
        self.server.close().await;
    }
}

/// What an answer is worth, as `app/src/field/sync/http.rs` judges it.
fn read<T: serde::de::DeserializeOwned>(answer: Option<Wire>) -> Result<T, Fault> {
    use dorbank_shared::{
        error::{Code, Refusal},
        sync::wire::MEDIA_TYPE,
    };
    let Some(Wire { status, media_type, body }) = answer else { return Err(Fault::Network) };
    if (200..300).contains(&status) {
        if !media_type.starts_with(MEDIA_TYPE) {
            return Err(Fault::NotOurs);
        }
        return serde_json::from_slice(&body).map_err(|_| Fault::NotOurs);
    }
    Err(match (status, serde_json::from_slice::<Refusal>(&body).ok().map(|refusal| refusal.error)) {
        (_, Some(Code::Unknown)) => Fault::Unknown,
        (_, Some(Code::UpdateNeeded)) => Fault::UpdateNeeded,
        (413, _) => Fault::TooLarge,
        (_, Some(_)) | (408 | 429 | 500.., _) => Fault::Server,
        _ => Fault::NotOurs,
    })
}
