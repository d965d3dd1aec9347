//! A phone: what is durable on it, and the engine that runs until the next crash.

use std::collections::BTreeMap;

use dorbank_shared::{
    sync::{
        base::{Base, Verdict},
        engine::{Effect, Event, Meta, State},
        wire::{Bundle, Envelope, KIND_VISIT, KIND_WITHDRAWAL, PROTO, PullRequest, PullResponse, PushRequest},
    },
    visit::{Outcome, VisitV1, WithdrawalV1},
};
use rand::RngExt as _;
use rand_chacha::ChaCha20Rng;
use uuid::Uuid;

/// What survives a crash, and the engine, which does not.
pub struct Phone {
    /// The device's id.
    pub device: Uuid,
    /// How often it was started. What was under way in an earlier life reaches nobody.
    pub life: u32,
    /// The engine of this life.
    pub engine: State,
    entries: BTreeMap<u64, (Envelope, bool)>,
    epoch: Option<String>,
    bundle: Option<Bundle>,
    bases: BTreeMap<Uuid, Base>,
    /// How the last pull of each turf ended.
    pub verdicts: BTreeMap<Uuid, Verdict>,
}

impl Phone {
    pub fn new(device: Uuid) -> Self {
        Self {
            device,
            life: 0,
            engine: State::default(),
            entries: BTreeMap::new(),
            epoch: None,
            bundle: None,
            bases: BTreeMap::new(),
            verdicts: BTreeMap::new(),
        }
    }

    /// All that was ever saved here.
    pub fn saved(&self) -> impl Iterator<Item = &Envelope> {
        self.entries.values().map(|(entry, _)| entry)
    }

    /// The base of each turf.
    pub fn bases(&self) -> &BTreeMap<Uuid, Base> {
        &self.bases
    }

    /// Starts the app from what is durable.
    pub fn open(&mut self, dice: u64) -> Vec<Effect> {
        self.life += 1;
        self.engine = State::default();
        let metas = |sent: bool| {
            let of = |(entry, was): &(Envelope, bool)| (*was == sent).then(|| meta(entry));
            self.entries.values().filter_map(of).collect::<Vec<Meta>>()
        };
        let event = Event::Opened {
            unsent: metas(false),
            sent: metas(true),
            max_issued: self.entries.keys().next_back().copied().unwrap_or(0),
            epoch: self.epoch.clone(),
        };
        self.engine.step(event, dice)
    }

    /// The volunteer notes something: mostly a visit, at times a correction or an undo of an earlier one.
    pub fn note(&mut self, rng: &mut ChaCha20Rng, now_ms: i64) -> Vec<Effect> {
        let Some(bundle) = &self.bundle else { return Vec::new() };
        let Some(turf) = bundle.turfs.first() else { return Vec::new() };
        let device_seq = self.entries.len() as u64 + 1;
        let earlier: Option<Envelope> = self.entries.values().next_back().map(|(entry, _)| entry.clone()).filter(|entry| entry.kind == KIND_VISIT);
        let undo = rng.random_bool(0.1);
        let correct = rng.random_bool(0.1);
        let (kind, supersedes, bytes) = match earlier {
            Some(entry) if undo => {
                let body = WithdrawalV1 { campaign: bundle.campaign };
                (KIND_WITHDRAWAL, Some(entry.id), serde_json::to_string(&body).unwrap())
            }
            earlier => {
                let old: Option<VisitV1> = earlier.as_ref().filter(|_| correct).and_then(|entry| serde_json::from_str(&entry.bytes).ok());
                let entrance = &turf.entrances[rng.random_range(0..turf.entrances.len())];
                let unit = (!entrance.units.is_empty()).then(|| entrance.units[rng.random_range(0..entrance.units.len())].id);
                let outcome = match rng.random_range(0..100) {
                    0 => Outcome::DoNotKnock,
                    1..50 => Outcome::NotHome,
                    50..80 => Outcome::Talked,
                    80..90 => Outcome::Declined,
                    _ => Outcome::ComeBack,
                };
                let visit = VisitV1 {
                    campaign: bundle.campaign,
                    turf: turf.id,
                    entrance: old.as_ref().map_or(entrance.id, |old| old.entrance),
                    unit: old.as_ref().map_or(unit, |old| old.unit),
                    outcome,
                    leaflet: rng.random_bool(0.2),
                    // A phone's clock may be years off; it orders nothing.
                    occurred_at: now_ms + rng.random_range(-5..=5i64) * 31_536_000_000,
                };
                (KIND_VISIT, old.and(earlier.map(|entry| entry.id)), serde_json::to_string(&visit).unwrap())
            }
        };
        let id = uuid::Builder::from_unix_timestamp_millis(u64::try_from(now_ms).unwrap(), &rng.random()).into_uuid();
        let entry = Envelope { id, kind: kind.into(), version: 1, device_seq, supersedes, captured_at: now_ms, bytes };
        let event = Event::Saved(meta(&entry));
        self.entries.insert(device_seq, (entry, false));
        self.engine.step(event, rng.random())
    }

    pub fn push_body(&self, entries: &[u64]) -> Vec<u8> {
        let request = PushRequest {
            proto: PROTO,
            build: "1-simulated".into(),
            epoch: self.epoch.clone(),
            have: self.engine.have(),
            entries: entries.iter().map(|seq| self.entries[seq].0.clone()).collect(),
        };
        serde_json::to_vec(&request).unwrap()
    }

    pub fn pull_body(&self) -> Vec<u8> {
        let turfs = self.bundle.iter().flat_map(|bundle| &bundle.turfs);
        let request = PullRequest {
            proto: PROTO,
            build: "1-simulated".into(),
            bundle: self.bundle.as_ref().map(|bundle| bundle.tag.clone()),
            turfs: turfs.map(|turf| (turf.id, self.bases.get(&turf.id).and_then(|base| base.cursor.clone()))).collect(),
        };
        serde_json::to_vec(&request).unwrap()
    }

    /// Writes what a pull brought.
    pub fn keep(&mut self, answer: &PullResponse) {
        if let Some(bundle) = &answer.bundle {
            self.bundle = Some(bundle.clone());
        }
        for removed in &answer.removed {
            self.bases.remove(removed);
        }
        for turf in &answer.turfs {
            let verdict = self.bases.entry(turf.turf).or_default().apply(turf);
            self.verdicts.insert(turf.turf, verdict);
        }
    }

    pub fn settle(&mut self, seqs: &[u64]) {
        for seq in seqs {
            if let Some((_, sent)) = self.entries.get_mut(seq) {
                *sent = true;
            }
        }
    }

    pub fn reopen(&mut self, seqs: &[u64], epoch: &str) {
        self.epoch = Some(epoch.to_owned());
        for seq in seqs {
            if let Some((_, sent)) = self.entries.get_mut(seq) {
                *sent = false;
            }
        }
    }

    pub fn keep_epoch(&mut self, epoch: &str) {
        self.epoch = Some(epoch.to_owned());
    }
}

fn meta(entry: &Envelope) -> Meta {
    Meta { device_seq: entry.device_seq, id: entry.id, digest: entry.digest() }
}
