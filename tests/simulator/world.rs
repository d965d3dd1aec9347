//! The world of a run: virtual time, a network that fails, storage that fails, and the server's own code.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use dorbank_server::{
    args,
    store::{Db, device, door_state, meta, shift},
    sync::{self, SyncError},
};
use dorbank_shared::{
    error::Code,
    sync::{
        base::Verdict,
        engine::{Effect, Event, Fault},
        wire::{Admission, KIND_VISIT},
    },
    visit::Outcome,
};
use dorbank_tests::START_MS;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::phone::Phone;

const PHONES: usize = 4;
/// How long the volunteers walk and the network fails, in milliseconds.
const TROUBLE_MS: u64 = 20 * 60_000;
/// And how long it is quiet afterwards: longer than the longest back-off, twice.
const CALM_MS: u64 = 12 * 60_000;

/// A request on its way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    phone: usize,
    life: u32,
    request: u64,
    push: bool,
    body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Note(usize),
    Crash(usize),
    Timer { phone: usize, life: u32, number: u64 },
    Arrive(Message),
    Answer { phone: usize, life: u32, request: u64, push: bool, body: Result<Vec<u8>, u8> },
    Settle { phone: usize, life: u32, seqs: Vec<u64> },
    Reopen { phone: usize, life: u32, seqs: Vec<u64>, epoch: String },
    RestoreServer,
}

/// One run.
pub struct World {
    db: Db,
    seed: u64,
    rng: ChaCha20Rng,
    now: u64,
    ties: u64,
    queue: BinaryHeap<Reverse<(u64, u64, Happening)>>,
    phones: Vec<Phone>,
    trace: Sha256,
}

const FAULTS: [Fault; 5] = [Fault::Network, Fault::NotOurs, Fault::Server, Fault::TooLarge, Fault::Unknown];

impl World {
    /// Phones that are admitted to the shift, two to a turf.
    pub async fn new(db: Db, running: Uuid, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut tx = db.begin().await.unwrap();
        meta::set_once(&mut tx, meta::EPOCH, "first").await.unwrap();
        let turfs = shift::turfs(&mut tx, running).await.unwrap();
        let mut phones = Vec::new();
        for index in 0..PHONES {
            let id = uuid::Builder::from_random_bytes(rng.random()).into_uuid();
            device::insert(&mut tx, id, running, &format!("~{index}"), rng.random(), START_MS).await.unwrap();
            let version = device::find(&mut tx, id).await.unwrap().unwrap().version;
            device::set_admission(&mut tx, id, version, Admission::Admitted, Some(turfs[index / 2].id)).await.unwrap();
            phones.push(Phone::new(id));
        }
        tx.commit().await.unwrap();
        Self { db, seed, rng, now: 0, ties: 0, queue: BinaryHeap::new(), phones, trace: Sha256::new() }
    }

    fn now_ms(&self) -> i64 {
        START_MS + i64::try_from(self.now).unwrap()
    }

    fn after(&mut self, ms: u64, happening: Happening) {
        self.ties += 1;
        self.queue.push(Reverse((self.now + ms, self.ties, happening)));
    }

    fn trouble(&mut self, chance: f64) -> bool {
        self.now < TROUBLE_MS && self.rng.random_bool(chance)
    }

    fn do_all(&mut self, phone: usize, effects: Vec<Effect>) {
        let life = self.phones[phone].life;
        for effect in effects {
            match effect {
                Effect::Push { request, entries } => {
                    let body = self.phones[phone].push_body(&entries);
                    self.send(Message { phone, life, request, push: true, body });
                }
                Effect::Pull { request } => {
                    let body = self.phones[phone].pull_body();
                    self.send(Message { phone, life, request, push: false, body });
                }
                Effect::Settle(receipts) => {
                    let seqs = receipts.iter().map(|receipt| receipt.device_seq).collect();
                    let wait = self.rng.random_range(1..50);
                    self.after(wait, Happening::Settle { phone, life, seqs });
                }
                Effect::Reopen { entries, epoch } => {
                    let wait = self.rng.random_range(1..50);
                    self.after(wait, Happening::Reopen { phone, life, seqs: entries, epoch });
                }
                Effect::KeepEpoch(epoch) => self.phones[phone].keep_epoch(&epoch),
                // No phone is copied in these runs.
                Effect::Renew => {}
                Effect::Timer { number, after_ms } => self.after(after_ms, Happening::Timer { phone, life, number }),
            }
        }
    }

    fn send(&mut self, message: Message) {
        if self.trouble(0.12) {
            let wait = self.rng.random_range(1..2_000);
            let fault = u8::try_from(self.rng.random_range(0..FAULTS.len())).unwrap();
            let Message { phone, life, request, push, .. } = message;
            // A lost request is noticed at once, or not before the engine's own timer.
            if self.rng.random_bool(0.6) {
                self.after(wait, Happening::Answer { phone, life, request, push, body: Err(fault) });
            }
            return;
        }
        let wait = if self.trouble(0.08) { self.rng.random_range(5_000..600_000) } else { self.rng.random_range(20..400) };
        if self.trouble(0.08) {
            // Something on the way sends it twice.
            let again = wait + self.rng.random_range(1..120_000);
            self.after(again, Happening::Arrive(message.clone()));
        }
        self.after(wait, Happening::Arrive(message));
    }

    async fn serve(&mut self, message: Message) {
        let device = self.phones[message.phone].device;
        let answer = if message.push {
            match sync::entry::read(&message.body) {
                Ok(batch) => sync::push::push(&self.db, self.now_ms(), device, &batch).await.map(|answer| serde_json::to_vec(&answer).unwrap()),
                Err(code) => Err(SyncError::Refused(code)),
            }
        } else {
            let request = serde_json::from_slice(&message.body).unwrap();
            sync::pull::pull_at_most(&self.db, self.now_ms(), device, 0, &request, 25).await.map(|answer| serde_json::to_vec(&answer).unwrap())
        };
        let mut body = match answer {
            Ok(body) => body,
            Err(error) => panic!("seed {}: the server failed: {error:?} ({:?})", self.seed, Code::Internal),
        };
        if self.trouble(0.12) {
            return;
        }
        if self.trouble(0.06) {
            body.truncate(self.rng.random_range(0..body.len()));
        } else if self.trouble(0.04) {
            body = b"<!doctype html><title>Sign in to the network</title>".to_vec();
        }
        let wait = if self.trouble(0.05) { self.rng.random_range(20_000..400_000) } else { self.rng.random_range(20..400) };
        let Message { phone, life, request, push, .. } = message;
        if self.trouble(0.05) {
            self.after(wait + 3_000, Happening::Answer { phone, life, request, push, body: Ok(body.clone()) });
        }
        self.after(wait, Happening::Answer { phone, life, request, push, body: Ok(body) });
    }

    fn answered(&mut self, phone: usize, request: u64, push: bool, body: Result<Vec<u8>, u8>) {
        let dice = self.rng.random();
        let fault = |index: u8| FAULTS[usize::from(index)];
        let here = &mut self.phones[phone];
        let effects = if push {
            let result = body.map_err(fault).and_then(|body| serde_json::from_slice(&body).map_err(|_| Fault::NotOurs));
            here.engine.step(Event::Pushed(request, result), dice)
        } else {
            let result = body.map_err(fault).and_then(|body| serde_json::from_slice(&body).map_err(|_| Fault::NotOurs));
            if let Ok(answer) = &result {
                here.keep(answer);
            }
            here.engine.step(Event::Pulled(request, result), dice)
        };
        self.do_all(phone, effects);
    }

    /// Lets everything happen until long after the trouble is over.
    pub async fn run(&mut self) {
        for phone in 0..PHONES {
            let dice = self.rng.random();
            let effects = self.phones[phone].open(dice);
            self.do_all(phone, effects);
            for _ in 0..30 {
                let at = self.rng.random_range(2_000..TROUBLE_MS);
                self.after(at, Happening::Note(phone));
            }
            for _ in 0..self.rng.random_range(0..4) {
                let at = self.rng.random_range(0..TROUBLE_MS);
                self.after(at, Happening::Crash(phone));
            }
        }
        if self.rng.random_bool(0.3) {
            let at = self.rng.random_range(0..TROUBLE_MS);
            self.after(at, Happening::RestoreServer);
        }
        while let Some(Reverse((at, _, happening))) = self.queue.pop() {
            if at > TROUBLE_MS + CALM_MS {
                break;
            }
            self.now = at;
            self.trace.update(format!("{at} {happening:?}\n"));
            self.happen(happening).await;
        }
    }

    async fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Note(phone) => {
                let now_ms = self.now_ms();
                let effects = self.phones[phone].note(&mut self.rng, now_ms);
                self.do_all(phone, effects);
            }
            Happening::Crash(phone) => {
                let dice = self.rng.random();
                let effects = self.phones[phone].open(dice);
                self.do_all(phone, effects);
            }
            Happening::Timer { phone, life, number } if self.phones[phone].life == life => {
                let dice = self.rng.random();
                let effects = self.phones[phone].engine.step(Event::Timer(number), dice);
                self.do_all(phone, effects);
            }
            Happening::Arrive(message) => self.serve(message).await,
            Happening::Answer { phone, life, request, push, body } if self.phones[phone].life == life => self.answered(phone, request, push, body),
            Happening::Settle { phone, life, seqs } if self.phones[phone].life == life => {
                let failed = self.trouble(0.1);
                let dice = self.rng.random();
                let here = &mut self.phones[phone];
                let event = if failed {
                    Event::StorageFailed
                } else {
                    here.settle(&seqs);
                    Event::Settled(seqs)
                };
                let effects = here.engine.step(event, dice);
                self.do_all(phone, effects);
            }
            Happening::Reopen { phone, life, seqs, epoch } if self.phones[phone].life == life => {
                let dice = self.rng.random();
                let here = &mut self.phones[phone];
                here.reopen(&seqs, &epoch);
                let effects = here.engine.step(Event::Reopened(seqs), dice);
                self.do_all(phone, effects);
            }
            Happening::RestoreServer => self.new_epoch().await,
            // Its phone was restarted meanwhile.
            Happening::Timer { .. } | Happening::Answer { .. } | Happening::Settle { .. } | Happening::Reopen { .. } => {}
        }
    }

    /// As after a restore of a backup that held everything: the epoch is another, so phones offer again what they sent.
    async fn new_epoch(&mut self) {
        let mut tx = self.db.begin().await.unwrap();
        tx.execute("UPDATE meta SET value = value || $1 WHERE key = $2", args!["'", "epoch"]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Every entry exactly once on the server; every phone sees what the server has; the phones' own proof agrees.
    pub async fn check(&mut self) {
        let seed = self.seed;
        let mut tx = self.db.read().await.unwrap();
        for (index, phone) in self.phones.iter().enumerate() {
            let saved: BTreeSet<Uuid> = phone.saved().map(|entry| entry.id).collect();
            let receipts = tx.all("SELECT id FROM receipt WHERE device = $1", args![phone.device]).await.unwrap();
            let held: Vec<Uuid> = receipts.iter().map(|row| row.get(0).unwrap()).collect();
            assert_eq!(held.len(), saved.len(), "seed {seed}: phone {index} saved {} entries, the server answered for {}", saved.len(), held.len());
            assert_eq!(held.into_iter().collect::<BTreeSet<_>>(), saved, "seed {seed}: phone {index}");
            let visits: Vec<Uuid> = phone.saved().filter(|entry| entry.kind == KIND_VISIT).map(|entry| entry.id).collect();
            let rows = tx.all("SELECT id FROM visit WHERE device = $1", args![phone.device]).await.unwrap();
            assert_eq!(rows.len(), visits.len(), "seed {seed}: visits of phone {index}");
            let aside = tx.all("SELECT id FROM quarantine WHERE device = $1", args![phone.device]).await.unwrap();
            assert!(aside.is_empty(), "seed {seed}: phone {index} has {} entries in quarantine", aside.len());
            assert_eq!(phone.engine.waiting(), 0, "seed {seed}: phone {index} still waits");
            assert_eq!(phone.engine.held(), phone.engine.max_issued(), "seed {seed}: the proof at the end of the shift");
            assert!(phone.verdicts.values().all(|verdict| *verdict == Verdict::Equal), "seed {seed}: phone {index} sees something else");
            for (turf, base) in phone.bases() {
                let truth: BTreeMap<Uuid, Option<Outcome>> = door_state::of_turf(&mut tx, *turf).await.unwrap().into_iter().collect();
                let seen: BTreeMap<Uuid, Option<Outcome>> = base.rows.iter().map(|(door, (state, _))| (*door, *state)).collect();
                assert_eq!(seen, truth, "seed {seed}: phone {index}, turf {turf}");
            }
        }
    }

    /// A hash of all that happened.
    pub fn trace(&self) -> String {
        format!("{:x?}", self.trace.clone().finalize())
    }

    pub async fn close(self) {
        self.db.close().await;
    }
}
