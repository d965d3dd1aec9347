//! The world of a run: virtual time, a network and storage that fail, people who change their plans.

mod answers;
mod network;
mod people;
mod storing;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    path::PathBuf,
    sync::Arc,
};

use dorbank_server::store::{device, meta};
use dorbank_shared::{
    input::InputsRequest,
    sync::{
        engine::Event,
        wire::{Admission, Envelope},
    },
};
use dorbank_tests::START_MS;
use rand::{RngExt as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha20Rng;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    fault::{Faults, Kind, seeded},
    phone::Phone,
    server::{Server, What, Wire},
    storage::{Op, Storage, metas},
};

/// How many entries a phone notes, and how many inputs.
const NOTES: usize = 22;
const SAYINGS: usize = 5;
/// How long phones sleep when there is a night.
const NIGHT_MS: u64 = 3 * 3_600_000;
/// How many days they sleep when there are weeks.
const DAYS: [u64; 4] = [4, 20, 40, 100];
const DAY_MS: u64 = 24 * 3_600_000;
/// When the schedule has run once more, and an organiser has looked, after phones came back from weeks.
const LAST_LOOK_MS: u64 = 60_000;
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
    /// Whose credential it carries.
    device: Uuid,
    body: Arc<[u8]>,
}

/// A file with what waits on a phone, by identity, as somebody carries it to an organiser.
pub(super) type File = Vec<(Uuid, Vec<Envelope>)>;

#[derive(Debug, Clone)]
enum Happening {
    Note(usize),
    Say(usize),
    /// A tap at a door of which storage has not taken yet what was said.
    TapAgain(At, Uuid),
    Crash(usize),
    Open(At),
    SecondTab(usize, bool),
    Timer(At, u64),
    Arrive(Message),
    Answer {
        at: At,
        request: u64,
        what: What,
        answer: Option<Wire>,
    },
    Write(At, Op),
    /// What storage did not take is tried again.
    WriteAgain(At),
    /// The app waits for it no longer.
    GivenUp(At, Op, Vec<u64>),
    OtherTab(At, bool),
    /// Storage failed when all was to be read, and is tried again.
    ReadAgain(At),
    Shut(usize, Admission),
    LetIn(Uuid, usize),
    Rejoin(usize),
    AskForTickets(usize),
    Reassign(usize),
    Organise,
    SaveFile(usize),
    TakeFile(File),
    Replan,
    Quieten,
    BackUp,
    Restore(Kind),
    Break,
    Full(usize),
    JumpClock(usize),
    Clone(usize),
    /// A copy of the device is made, and put back.
    Copy(usize),
    PutBack(usize),
    Empty(usize),
    /// Somebody joins anew in what was emptied.
    JoinAfresh(usize),
    NewVersion,
    /// For so long.
    Night(u64),
    Coarsen,
    NextRound,
    Calm,
}

/// One run.
pub struct World {
    pub(super) plan: Plan,
    pub(super) faults: Faults,
    pub(super) server: Server,
    pub(super) phones: Vec<Phone>,
    /// Devices that were shut out at some time.
    pub(super) shut: BTreeSet<Uuid>,
    /// Entries that were in a file which an organiser took, with whose they are.
    pub(super) filed: Vec<(Uuid, Envelope)>,
    /// How many visits stood at each door before anybody walked.
    pub(super) stood: BTreeMap<Uuid, u64>,
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
    /// How long something may be under way that is delayed by hours.
    night_ms: u64,
    /// The last answer to a push and to inputs, by whether it is of a push.
    last_answers: BTreeMap<bool, Wire>,
    /// Copies of what was durable on a phone.
    copies: Vec<(usize, Storage)>,
    broken: bool,
    /// What happens is printed, too.
    shown: bool,
    trace: Sha256,
}

impl World {
    /// Phones that are admitted to the shift, two to a turf.
    pub async fn new(path: PathBuf, (running, next): (Uuid, Uuid), plan: Plan) -> Self {
        let seed = plan.seed;
        let mut rng = seeded(seed, 0);
        let faults = Faults::new(seed, &plan.off);
        let server = Server::open(path, (running, next), seed).await;
        let (turfs, stood) = (server.turfs(running).await, server.standing().await);
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
            shut: BTreeSet::new(),
            filed: Vec::new(),
            stood,
            wrong: Vec::new(),
            turfs,
            rng,
            now: 0,
            calm: None,
            ties: 0,
            queue: BTreeMap::new(),
            frozen: BTreeSet::new(),
            wakes_at: 0,
            night_ms: NIGHT_MS,
            last_answers: BTreeMap::new(),
            copies: Vec::new(),
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
        // What both a phone and the server lost nobody has.
        if self.faults.has(Kind::SetBack) && !self.faults.has(Kind::Restored) {
            let (phone, first, second) = (some(self), self.moment(), self.moment());
            self.after(first.min(second), Happening::Copy(phone));
            self.after(first.max(second) + 1, Happening::PutBack(phone));
        }
        if self.faults.has(Kind::Emptied) {
            let (phone, times) = (some(self), self.faults.dice(Kind::Emptied).random_range(1..=3));
            for _ in 0..times {
                let at = self.moment();
                self.after(at, Happening::Empty(phone));
            }
        }
        self.plan(Kind::Revoked, 2, |world| Happening::Shut(some(world), Admission::Revoked));
        self.plan(Kind::Rejoined, 2, |world| Happening::Rejoin(some(world)));
        self.plan(Kind::Reassigned, 2, |world| Happening::Reassign(some(world)));
        self.plan(Kind::Organised, 4, |_| Happening::Organise);
        self.plan(Kind::Filed, 3, |world| Happening::SaveFile(some(world)));
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
        // Late, and not always: who joins after it notes nothing more.
        let half = walk / 2;
        let at = half + self.faults.dice(Kind::NextRound).random_range(0..half);
        if self.faults.has(Kind::NextRound) && self.faults.dice(Kind::NextRound).random_bool(0.5) {
            self.after(at, Happening::NextRound);
        }
        let days = *DAYS.choose(self.faults.dice(Kind::Weeks)).unwrap();
        if self.faults.has(Kind::Weeks) {
            self.night_ms = days * DAY_MS;
            self.after(walk + 3 + self.night_ms / 2, Happening::Coarsen);
            self.after(walk + 2 + self.night_ms, Happening::Coarsen);
            if self.faults.has(Kind::Organised) {
                self.after(walk + 3 + self.night_ms + LAST_LOOK_MS / 3, Happening::Organise);
            }
            self.after(walk + 3 + self.night_ms + LAST_LOOK_MS / 2, Happening::Coarsen);
            self.after(walk + 3, Happening::Night(self.night_ms));
            self.plan_late_restores(walk);
        } else if self.faults.has(Kind::Hours) {
            self.after(walk + 3, Happening::Night(NIGHT_MS));
        } else {
            self.after(walk + 3, Happening::Calm);
        }
    }

    /// A restore while the phones lie in their drawers, and one after they have sent what was late. No backup is older than
    /// those that an operator keeps.
    fn plan_late_restores(&mut self, walk: u64) {
        if !self.faults.has(Kind::Restored) {
            return;
        }
        if self.faults.dice(Kind::Weeks).random_bool(0.5) {
            self.after(walk + 3 + DAY_MS, Happening::Restore(Kind::Restored));
        }
        if self.faults.dice(Kind::Weeks).random_bool(0.3) {
            let morning = walk + 3 + self.night_ms;
            self.after(morning - DAY_MS, Happening::BackUp);
            self.after(morning + LAST_LOOK_MS / 2, Happening::Restore(Kind::RestoredAgain));
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
                let how: Vec<String> = waiting.iter().map(|phone| self.phones[*phone].figures()).collect();
                self.wrong.push(format!("phones {waiting:?} are not through two hours after all trouble ended: {how:?}"));
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
        if self.faults.has(Kind::Weeks) && self.now < calm + LAST_LOOK_MS {
            return false;
        }
        let here = &self.phones[phone];
        here.tabs.iter().any(|tab| tab.open)
            && here.tabs.iter().filter(|tab| tab.open).all(|tab| {
                let fresh = tab.pulled_at.is_some_and(|asked| asked >= calm && asked > self.server.changed_at);
                // What waits for a ticket waits for good only where nobody that this phone ever was may draw one.
                let bundle = tab.cache.bundle.as_ref().filter(|_| tab.admission == Some(Admission::Admitted));
                let stays = tab.in_vain && !bundle.is_some_and(|bundle| here.wants(bundle.round.id));
                // The base has all that the server answered for, so that the screen shows nothing but it.
                let shown = tab.admission != Some(Admission::Admitted)
                    || tab.entries.iter().all(|(seq, kept)| kept.status.is_none() || tab.shown.contains(seq));
                fresh
                    // A restore that it heard of is not written down yet.
                    && here.storage.epoch.as_deref() == tab.engine.latest_epoch()
                    && !tab.copied
                    && shown
                    && here.shelved(&[]).is_none()
                    && tab.engine.waiting() == 0
                    // Also what a page wrote that did not live to say so.
                    && here.storage.entries.values().all(|kept| kept.status.is_some())
                    && tab.unsaved == 0
                    && tab.taps.is_empty()
                    && tab.verdicts.values().all(|verdict| *verdict == dorbank_shared::sync::base::Verdict::Equal)
                    && (here.pool() == 0 || (stays && tab.inputs.is_none() && tab.drawing.is_none()))
            })
    }

    fn note_trace(&mut self, happening: &Happening) {
        if self.shown {
            match happening {
                Happening::Arrive(Message { at, what: What::Push | What::Shelf, body, .. }) => {
                    eprintln!("{} {at:?} push {}", self.now, String::from_utf8_lossy(body));
                }
                Happening::Answer { at, what: What::Push | What::Shelf, answer: Some(wire), .. } => {
                    eprintln!("{} {at:?} answer {} {}", self.now, wire.status, String::from_utf8_lossy(&wire.body));
                }
                Happening::Arrive(Message { at, request, what: What::Inputs, body, .. }) => {
                    let inputs = serde_json::from_slice::<InputsRequest>(body).map_or_else(|_| Vec::new(), |request| request.slots);
                    let tickets: Vec<_> = inputs.iter().map(|slot| &slot.ticket).collect();
                    eprintln!("{} {at:?} inputs {request} {tickets:?}", self.now);
                }
                Happening::Answer { at, request, what: What::Inputs, answer: Some(wire) } => {
                    eprintln!("{} {at:?} answer {} to inputs {request} {}", self.now, wire.status, String::from_utf8_lossy(&wire.body));
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
            Happening::Timer(at, _)
            | Happening::Answer { at, .. }
            | Happening::Write(at, _)
            | Happening::OtherTab(at, _)
            | Happening::ReadAgain(at)
            | Happening::WriteAgain(at)
            | Happening::GivenUp(at, ..)
            | Happening::TapAgain(at, _)
                if self.frozen.contains(&at.phone) =>
            {
                let wait = self.wakes_at.saturating_sub(self.now);
                self.after(wait, happening);
            }
            Happening::Note(phone) => self.note(phone),
            Happening::TapAgain(at, door) => self.tap_again(at, door),
            Happening::WriteAgain(at) => self.write_next(at),
            Happening::Say(phone) => self.say(phone),
            Happening::Crash(phone) => {
                let tab = self.any_tab(phone);
                self.faults.count(Kind::Crash);
                self.crash(phone, tab);
            }
            Happening::Open(at) if self.is_emptied(at.phone) => self.after(1_000, happening),
            Happening::Open(at) => {
                if self.phones[at.phone].tabs[at.tab].life == at.life && !self.phones[at.phone].tabs[at.tab].open {
                    self.open(at.phone, at.tab);
                }
            }
            Happening::SecondTab(phone, _) if self.is_emptied(phone) => {}
            Happening::SecondTab(phone, opens) => {
                if opens && self.phones[phone].tabs.len() == 1 {
                    self.phones[phone].tabs.push(super::phone::Tab::default());
                    self.open(phone, 1);
                } else if !opens && self.phones[phone].tabs.len() > 1 && !self.phones[phone].only_knows(1) {
                    let tab = &mut self.phones[phone].tabs[1];
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
            Happening::Answer { at, request, what, answer } => {
                if self.alive(at) {
                    self.answered(at, request, what, answer);
                }
            }
            Happening::Write(at, op) => self.write(at, &op),
            Happening::GivenUp(at, op, settled) => {
                if self.alive(at) {
                    self.written(at, &op, false, &settled);
                }
            }
            Happening::OtherTab(at, base) => {
                if self.alive(at) {
                    let phone = &mut self.phones[at.phone];
                    if base {
                        let cache = phone.storage.cache_of(phone.tabs[at.tab].cache.of);
                        // A phone that is shut out writes at each pull that it has nothing.
                        if cache != phone.tabs[at.tab].cache {
                            phone.tabs[at.tab].cache = cache;
                            phone.tabs[at.tab].pulled_at = None;
                        }
                    } else {
                        self.look(at);
                    }
                }
            }
            Happening::ReadAgain(at) => {
                if self.alive(at) {
                    self.read_again(at);
                }
            }
            Happening::Shut(phone, admission) => {
                self.faults.count(Kind::Revoked);
                let device = self.phones[phone].storage.device;
                self.shut.insert(device);
                self.server.admit(device, admission, None, self.now).await;
                if admission == Admission::Revoked && self.faults.dice(Kind::Revoked).random_bool(0.6) {
                    let wait = self.faults.dice(Kind::Revoked).random_range(1_000..300_000);
                    self.after(wait, Happening::Shut(phone, Admission::Admitted));
                }
            }
            Happening::LetIn(device, phone) => {
                let turf = self.turfs[phone / 2 % self.turfs.len()];
                self.server.admit(device, Admission::Admitted, Some(turf), self.now).await;
            }
            Happening::Rejoin(phone) => {
                if self.rejoin(phone).await {
                    self.faults.count(Kind::Rejoined);
                }
            }
            Happening::AskForTickets(phone) => {
                self.rejoin(phone).await;
            }
            Happening::Reassign(phone) => {
                self.faults.count(Kind::Reassigned);
                let turf = self.turfs.choose(self.faults.dice(Kind::Reassigned)).copied();
                let device = self.phones[phone].storage.device;
                self.server.admit(device, Admission::Admitted, turf, self.now).await;
            }
            Happening::Organise => {
                let mut dice = self.faults.dice(Kind::Organised).clone();
                for _ in 0..self.server.organise(self.now_ms(), self.now, &mut dice).await {
                    self.faults.count(Kind::Organised);
                }
                *self.faults.dice(Kind::Organised) = dice;
            }
            Happening::SaveFile(phone) => self.save_file(phone),
            Happening::TakeFile(file) => {
                self.filed.extend(file.iter().flat_map(|(device, entries)| entries.iter().map(|entry| (*device, entry.clone()))));
                if self.server.take_file(self.now_ms(), self.now, &file).await {
                    self.faults.count(Kind::Filed);
                } else {
                    self.after(60_000, Happening::TakeFile(file));
                }
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
                // Weeks later only the newest is still kept.
                let which = if self.calm.is_some() { usize::MAX } else { self.faults.dice(kind).random_range(0..2) };
                if self.server.restore(which, self.now_ms(), self.now).await {
                    self.faults.count(kind);
                    self.broken = false;
                    // The operator looks which round is open.
                    if self.calm.is_some() && self.server.is_next_round() {
                        self.server.begin_next_round().await;
                    }
                }
            }
            Happening::Break => {
                let unsent = self.phones.iter().flat_map(|phone| metas(phone.storage.entries.values(), false)).map(|meta| meta.id).next();
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
            Happening::Clone(phone) if self.is_emptied(phone) => {}
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
            Happening::Copy(phone) if self.is_emptied(phone) => {}
            Happening::Copy(phone) => self.copies.push((phone, self.phones[phone].storage.clone())),
            Happening::PutBack(phone) => self.put_back(phone),
            Happening::Empty(phone) => self.empty(phone),
            Happening::JoinAfresh(phone) => self.join_afresh(phone).await,
            Happening::NewVersion => self.server.client_min = 1,
            Happening::Night(length) => self.night(length),
            Happening::Coarsen => self.server.coarsen(self.now_ms(), self.now).await,
            Happening::NextRound => {
                self.faults.count(Kind::NextRound);
                self.server.begin_next_round().await;
            }
            Happening::Calm => self.calm_down().await,
        }
    }

    pub async fn close(self) {
        self.server.close().await;
    }
}
