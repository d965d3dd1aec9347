//! A phone: its storage, and its tabs, each with an engine that lives until the next crash.

mod volunteer;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_shared::{
    input::{InputsRequest, SLOTS, Slot, TICKET_BYTES},
    seal::SEALED_BYTES,
    sync::{
        base::Verdict,
        engine::{Effect, Event, State},
        file::Unwritten,
        outbox::{Shelved, disagree, shelve},
        replay::Kept,
        taps::Taps,
        wire::{Admission, Envelope, Have, PROTO, PullRequest, PullResponse, PushRequest},
    },
};
use rand::{Rng as _, RngExt as _, seq::SliceRandom as _};
use rand_chacha::ChaCha20Rng;
use serde_json::json;
use uuid::Uuid;

use super::{
    fault::seeded,
    storage::{Cache, Entries, Storage, identity, meta, metas},
};

const YEAR_MS: i64 = 31_536_000_000;

impl Tab {
    /// All that the page knows to have been noted, and under which identity.
    pub fn knows(&self) -> impl Iterator<Item = (Uuid, &Kept)> {
        let shelf = self.shelf.iter().flat_map(|shelved| shelved.entries.iter().map(|kept| (shelved.identity.device, kept)));
        self.entries.values().map(|kept| (self.device, kept)).chain(shelf)
    }

    /// Who it takes itself for, as that would lie on the shelf.
    pub fn speaker(&self) -> Shelved {
        let ended_at = self.cache.bundle.as_ref().map(|bundle| bundle.ends_at);
        Shelved { identity: identity(self.device, self.cache.of), ended_at, entries: Vec::new() }
    }

    /// Takes what is durable into memory.
    fn read(&mut self, storage: &Storage, dice: u64) -> Vec<Effect> {
        self.device = storage.device;
        self.entries = storage.entries.clone();
        self.shelf.clone_from(&storage.shelf);
        self.mark = storage.mark;
        self.next = Some(storage.next_seq);
        self.cache = storage.cache_of(storage.joined_as);
        (self.admission, self.pulled_at, self.renewing) = (None, None, None);
        // What is answered to a pull of before rests on a cache that may have been another.
        self.asked = (0, 0);
        self.shown.clear();
        self.copied = false;
        self.verdicts.clear();
        let (unsent, sent) = (metas(storage.entries.values(), false), metas(storage.entries.values(), true));
        self.engine.step(Event::Opened { unsent, sent, max_issued: storage.next_seq - 1, epoch: storage.epoch.clone() }, dice)
    }
}

/// A page with the app in it. Its memory ends with it.
#[derive(Debug, Default)]
pub struct Tab {
    /// How often it was opened. What was under way in an earlier life reaches nobody.
    pub life: u32,
    /// Who it speaks for. Another tab may have taken another identity since.
    pub device: Uuid,
    pub open: bool,
    pub engine: State,
    pub entries: Entries,
    pub shelf: Vec<Shelved>,
    /// The mark of the storage that it has read.
    pub mark: u64,
    /// The counter that is next, as far as it knows.
    pub next: Option<u64>,
    pub cache: Cache,
    /// Counters of entries that the base already contains, as in `app/src/field/sync/mod.rs`.
    pub shown: BTreeSet<u64>,
    /// Those that the answer to a pull, by its number, will cover.
    pub covers: BTreeMap<u64, Vec<u64>>,
    /// Who asked, by the number of the pull.
    pub askers: BTreeMap<u64, Uuid>,
    /// How the last pull of each turf ended.
    pub verdicts: BTreeMap<Uuid, Verdict>,
    pub admission: Option<Admission>,
    /// The last pull that was asked for, and when; and when the last one that was answered was asked for.
    pub asked: (u64, u64),
    pub pulled_at: Option<u64>,
    /// The request for inputs that is under way.
    pub inputs: Option<Offering>,
    /// The request for tickets that is under way.
    pub drawing: Option<u64>,
    /// The request for tickets for what waits that is under way, and the identities that are asked after it.
    pub drawing_as_any: (u64, Vec<Uuid>),
    /// How many lacked tickets before the last draw.
    pub lacked: u64,
    /// When what waits was last begun to be sent.
    pub tries_since: u64,
    /// Inputs lack tickets, and when asked after all trouble had ended no identity gave any since the last pull.
    pub in_vain: bool,
    /// The server said that there is another phone with its counters.
    pub copied: bool,
    /// The request for another identity that is under way; 0 while storage is told of the answer.
    pub renewing: Option<u64>,
    /// What is sent from the shelf.
    pub shelving: Option<Shelving>,
    pub requests: u64,
    /// What was tapped and storage has not taken yet.
    pub taps: Taps,
    /// How many inputs storage has not taken yet. They are said to be unsaved.
    pub unsaved: u32,
}

/// A request for inputs.
#[derive(Debug, Clone, Default)]
pub struct Offering {
    /// Its number; 0 while storage is asked.
    pub request: u64,
    /// In each slot the key and the ticket of an input, or nothing in that of a filler.
    pub slots: Vec<Option<(Uuid, String)>>,
    /// The server's epoch as storage had it.
    pub epoch: Option<String>,
    pub body: Option<InputsRequest>,
}

/// What was noted under an earlier identity is sent by an engine of its own, as in `app/src/field/sync/shelf.rs`.
#[derive(Debug)]
pub struct Shelving {
    pub device: Uuid,
    pub engine: State,
    /// The tab's number for the request that is under way, and the engine's.
    pub request: (u64, u64),
    /// What is to be sent once storage has taken the receipts.
    pub next: Option<(u64, Vec<u64>)>,
    /// Earlier identities that have had their turn.
    pub done: Vec<Uuid>,
}

#[derive(Debug)]
pub struct Phone {
    pub storage: Storage,
    pub tabs: Vec<Tab>,
    /// What was tapped, and in which life of which tab. Not the echo of another tap.
    pub tapped: Vec<(usize, u32, Unwritten)>,
    /// What was tapped last of a door, by tab, where storage has not taken it.
    pub unwritten: BTreeMap<(usize, Uuid), Unwritten>,
    /// What was tapped while storage had not taken what was said before of the door, with that.
    pub corrected: Vec<(Unwritten, Unwritten)>,
    /// The entries that were said to be saved.
    pub saved: Vec<Envelope>,
    /// The inputs that were said to be saved, by their envelopes.
    pub said: Vec<Arc<str>>,
    /// Those that were said to be struck.
    pub struck: Vec<Arc<str>>,
    /// By how much its clock is wrong, in milliseconds.
    pub clock: i64,
    /// An old app: it sends an older shape.
    pub old: bool,
    /// Nothing is written until then.
    pub full_until: u64,
    /// Writes are done one after the other: when the last one that was asked for is done.
    pub written_at: u64,
    rng: ChaCha20Rng,
}

impl Phone {
    pub fn new(device: Uuid, seed: u64, index: usize) -> Self {
        Self {
            storage: Storage::new(device),
            tabs: vec![Tab::default()],
            tapped: Vec::new(),
            unwritten: BTreeMap::new(),
            corrected: Vec::new(),
            saved: Vec::new(),
            said: Vec::new(),
            struck: Vec::new(),
            clock: 0,
            old: false,
            full_until: 0,
            written_at: 0,
            rng: seeded(seed, 1_000 + index as u64),
        }
    }

    /// The same device and storage on another phone. What was said to be saved there is counted there.
    pub fn clone_onto(&self, seed: u64, index: usize) -> Self {
        Self { storage: self.storage.clone(), clock: self.clock, old: self.old, ..Self::new(self.storage.device, seed, index) }
    }

    pub fn now_ms(&self, now_ms: i64) -> i64 {
        now_ms + self.clock
    }

    /// The day by the phone's clock (UTC).
    pub fn today(&self, now_ms: i64) -> String {
        jiff::Timestamp::from_millisecond(self.now_ms(now_ms)).unwrap().strftime("%Y-%m-%d").to_string()
    }

    pub fn dice(&mut self) -> u64 {
        self.rng.random()
    }

    /// Opens a tab from what is durable.
    pub fn open(&mut self, tab: usize) -> Vec<Effect> {
        let dice = self.dice();
        let storage = &self.storage;
        let life = self.tabs[tab].life + 1;
        self.tabs[tab] = Tab { life, open: true, ..Tab::default() };
        self.unwritten.retain(|(of, _), _| *of != tab);
        self.tabs[tab].read(storage, dice)
    }

    /// Another identity was taken, or storage is not what the page takes it for: the page reads storage again, and its engine
    /// begins anew.
    pub fn read_again(&mut self, tab: usize) -> Vec<Effect> {
        let dice = self.dice();
        self.storage.put_back(&self.tabs[tab]);
        self.tabs[tab].read(&self.storage, dice)
    }

    /// All that this phone is known under.
    pub fn devices(&self) -> impl Iterator<Item = Uuid> {
        let shelf = self.storage.shelf.iter().map(|shelved| shelved.identity.device);
        std::iter::once(self.storage.device).chain(shelf).chain(self.storage.gone.iter().map(|(device, _)| *device))
    }

    /// Whether a page has something that storage has not.
    pub fn knows_more(&self, tab: usize) -> bool {
        let page = &self.tabs[tab];
        let is_here = |kept: &Kept| self.storage.present().any(|(_, there)| there.envelope.is_same_entry(&kept.envelope));
        page.open && (self.storage.emptied || page.knows().any(|(_, kept)| !is_here(kept)))
    }

    /// Whether it has it alone: no other page does.
    pub fn only_knows(&self, tab: usize) -> bool {
        let has = |other: &Tab, kept: &Kept| other.knows().any(|(_, there)| there.envelope.is_same_entry(&kept.envelope));
        let mut others = self.tabs.iter().enumerate().filter(|(other, page)| *other != tab && page.open).map(|(_, page)| page);
        self.knows_more(tab) && !others.any(|other| self.tabs[tab].knows().all(|(_, kept)| has(other, kept)))
    }

    /// What is on the shelf and waits, of an identity that is not among `done`.
    pub fn shelved(&self, done: &[Uuid]) -> Option<&Shelved> {
        let waits = |shelved: &&Shelved| shelved.unsent().count() > 0;
        self.storage.shelf.iter().filter(waits).find(|shelved| !done.contains(&shelved.identity.device))
    }

    pub fn step(&mut self, tab: usize, event: Event) -> Vec<Effect> {
        let dice = self.dice();
        self.tabs[tab].engine.step(event, dice)
    }

    /// What is said at a door, sealed: nobody on the way can read it, so random bytes do.
    pub fn seal(&mut self) -> (Uuid, Arc<str>) {
        let key = uuid::Builder::from_random_bytes(self.rng.random()).into_uuid();
        (key, random_text(&mut self.rng, SEALED_BYTES).into())
    }

    pub fn push_body(&self, tab: usize, seqs: &[u64]) -> Vec<u8> {
        let tab = &self.tabs[tab];
        let entries = seqs.iter().filter_map(|seq| tab.entries.get(seq)).map(|kept| kept.envelope.clone()).collect();
        let waits = |shelved: &Shelved| shelved.unsent().count() as u64;
        let mut have = tab.engine.have();
        have.unsent += tab.shelf.iter().map(waits).sum::<u64>();
        self.body_of(have, tab.engine.epoch(), entries)
    }

    /// As [`Phone::push_body`], of what is on the shelf.
    pub fn shelf_body(&self, tab: usize, seqs: &[u64]) -> Vec<u8> {
        let tab = &self.tabs[tab];
        let Some(shelving) = &tab.shelving else { return Vec::new() };
        let shelved = self.storage.shelf.iter().filter(|shelved| shelved.identity.device == shelving.device);
        let entries = shelved.flat_map(|shelved| &shelved.entries).map(|kept| &kept.envelope);
        let entries = entries.filter(|entry| seqs.contains(&entry.device_seq)).cloned().collect();
        self.body_of(shelving.engine.have(), shelving.engine.epoch(), entries)
    }

    fn body_of(&self, have: Have, epoch: Option<&str>, entries: Vec<Envelope>) -> Vec<u8> {
        let epoch = epoch.map(str::to_owned);
        if self.old {
            // With fields that were dropped since.
            let body = json!({ "proto": PROTO, "build": "0-old", "epoch": epoch, "mood": "fine", "have": have, "entries": entries_of(entries) });
            return serde_json::to_vec(&body).unwrap();
        }
        serde_json::to_vec(&PushRequest { proto: PROTO, build: "1-simulated".into(), epoch, have, entries }).unwrap()
    }

    pub fn pull_body(&mut self, tab: usize, request: u64) -> Vec<u8> {
        // Receipts that are durable now are covered by an answer that is asked for now.
        let covers = self.tabs[tab].entries.iter().filter(|(_, kept)| kept.status.is_some()).map(|(seq, _)| *seq).collect();
        self.tabs[tab].covers.insert(request, covers);
        let asker = self.tabs[tab].device;
        self.tabs[tab].askers.insert(request, asker);
        let Cache { bundle, bases, .. } = &self.tabs[tab].cache;
        let turfs = bundle.iter().flat_map(|bundle| &bundle.turfs);
        let request = PullRequest {
            proto: PROTO,
            build: if self.old { "0-old".into() } else { "1-simulated".into() },
            bundle: bundle.as_ref().map(|bundle| bundle.tag.clone()),
            turfs: turfs.map(|turf| (turf.id, bases.get(&turf.id).and_then(|base| base.cursor.clone()))).collect(),
        };
        serde_json::to_vec(&request).unwrap()
    }

    /// Takes a pull into memory, as the app does. Gives what the cache is to hold, if that changed.
    pub fn take(&mut self, tab: usize, request: u64, answer: &PullResponse) -> Option<Cache> {
        let tab = &mut self.tabs[tab];
        let mut bundle = answer.bundle.clone().map(Arc::new).or_else(|| tab.cache.bundle.clone());
        let mut bases = (*tab.cache.bases).clone();
        if answer.admission == Admission::Admitted {
            bases.retain(|turf, _| !answer.removed.contains(turf));
            if let Some(bundle) = bundle.as_mut().filter(|bundle| bundle.turfs.iter().any(|turf| answer.removed.contains(&turf.id))) {
                Arc::make_mut(bundle).turfs.retain(|turf| !answer.removed.contains(&turf.id));
            }
        } else {
            bundle = None;
            bases.clear();
        }
        let mut whole = true;
        for turf in &answer.turfs {
            let verdict = bases.entry(turf.turf).or_default().apply(turf);
            whole &= verdict == Verdict::Equal;
            tab.verdicts.insert(turf.turf, verdict);
        }
        if whole {
            tab.shown.extend(tab.covers.get(&request).into_iter().flatten());
        }
        if let Some(bundle) = &bundle {
            bases.retain(|turf, _| bundle.turfs.iter().any(|ours| ours.id == *turf));
        }
        tab.verdicts.retain(|turf, _| bases.contains_key(turf));
        tab.admission = Some(answer.admission);
        tab.in_vain = false;
        let changed = bases != *tab.cache.bases || answer.bundle.is_some() || bundle.is_none();
        tab.cache = Cache { of: tab.cache.of, bundle, bases: Arc::new(bases) };
        changed.then(|| tab.cache.clone())
    }

    /// What it still has to do, for whoever looks for why it does not end.
    pub fn figures(&self) -> String {
        let storage = &self.storage;
        let unsent = storage.entries.values().filter(|kept| kept.status.is_none()).count();
        let tab = |tab: &Tab| {
            format!(
                "waits {}, unsaved {} and {}, asked {:?}, {:?}",
                tab.engine.waiting(),
                tab.taps.drafts().count(),
                tab.unsaved,
                tab.pulled_at,
                tab.admission
            )
        };
        let tabs: Vec<String> = self.tabs.iter().filter(|tab| tab.open).map(tab).collect();
        format!("unsent {unsent}, inputs {} of which known {}, tickets {}; {tabs:?}", self.pool(), self.waiting(), storage.tickets.len())
    }

    /// How many inputs wait, as the app counts them.
    pub fn waiting(&self) -> u64 {
        self.storage.pool.waiting()
    }

    /// How many inputs wait.
    pub fn pool(&self) -> usize {
        self.storage.sealed.values().filter(|record| record.held_on.is_none()).count()
    }

    /// Who may draw tickets for what waits, the last one first: who it was, and who it is where the lead has let that in.
    pub fn may_draw(&self, tab: usize) -> Vec<Uuid> {
        let tab = &self.tabs[tab];
        let present = Some(tab.device).filter(|_| tab.admission == Some(Admission::Admitted) && tab.cache.bundle.is_some());
        self.storage.shelf.iter().map(|shelved| shelved.identity.device).chain(present).collect()
    }

    /// Whether an input of that round waits for a ticket.
    pub fn wants(&self, round: Uuid) -> bool {
        self.storage.sealed.values().any(|record| record.round == Some(round) && !record.was_offered())
    }

    /// The next eight inputs that have a ticket, among fillers, in random order; nothing when none is ready.
    pub fn inputs_body(&mut self, tab: usize) -> Option<(u64, Vec<u8>)> {
        let ready = self.storage.sealed.iter().filter(|(_, record)| record.held_on.is_none());
        let mut slots: Vec<(Option<Uuid>, Slot)> = ready
            .filter_map(|(key, record)| Some((Some(*key), Slot { ticket: record.ticket.clone()?, sealed: record.sealed.clone() })))
            .take(SLOTS)
            .collect();
        if slots.is_empty() {
            return None;
        }
        while slots.len() < SLOTS {
            let slot = Slot { ticket: random_text(&mut self.rng, TICKET_BYTES), sealed: random_text(&mut self.rng, SEALED_BYTES) };
            slots.push((None, slot));
        }
        slots.shuffle(&mut self.rng);
        let offered = slots.iter().map(|(key, slot)| Some(((*key)?, slot.ticket.clone()))).collect();
        let slots = slots.into_iter().map(|(_, slot)| slot).collect();
        let body = InputsRequest { proto: 1, slots };
        let bytes = serde_json::to_vec(&body).unwrap();
        let tab = &mut self.tabs[tab];
        tab.requests += 1;
        tab.inputs = Some(Offering { request: tab.requests, slots: offered, epoch: self.storage.epoch.clone(), body: Some(body) });
        Some((tab.requests, bytes))
    }

    /// Whether storage is that of who the page takes itself for, and has all that the page knows.
    pub fn has_what_is_known(&self, tab: usize) -> bool {
        let (page, storage) = (&self.tabs[tab], &self.storage);
        let (known, there): (Vec<Kept>, Vec<Kept>) = (page.entries.values().cloned().collect(), storage.entries.values().cloned().collect());
        let is_met = |epoch: &String| [page.engine.epoch(), page.engine.latest_epoch()].contains(&Some(epoch));
        (page.device, page.mark) == (storage.device, storage.mark)
            && !storage.emptied
            && storage.epoch.as_ref().is_none_or(is_met)
            && !disagree(&known, &there)
            && !shelve(&page.shelf, false, &mut storage.shelf.clone())
    }

    /// Another tab wrote entries: what it wrote is read, as in `other_tab_wrote`.
    pub fn read_entries(&mut self, tab: usize) -> Vec<Event> {
        self.tabs[tab].shelf.clone_from(&self.storage.shelf);
        let contents = self.storage.entries.clone();
        let known = std::mem::replace(&mut self.tabs[tab].entries, contents.clone());
        let mut events: Vec<Event> =
            contents.iter().filter(|(seq, _)| !known.contains_key(seq)).map(|(_, kept)| Event::Saved(meta(&kept.envelope))).collect();
        let settled = contents.iter().filter(|(seq, kept)| kept.status.is_some() && known.get(seq).is_none_or(|old| old.status.is_none()));
        let settled: Vec<u64> = settled.map(|(seq, _)| *seq).collect();
        if !settled.is_empty() {
            events.push(Event::Settled(settled));
        }
        events
    }

    /// Sets its clock anew.
    pub fn turn_clock(&mut self, rng: &mut ChaCha20Rng) {
        self.clock = rng.random_range(-5 * YEAR_MS..=5 * YEAR_MS);
    }
}

fn entries_of(entries: Vec<Envelope>) -> serde_json::Value {
    let mut values = serde_json::to_value(entries).unwrap();
    for value in values.as_array_mut().unwrap() {
        value["left_from_before"] = json!(true);
    }
    values
}

fn random_text(rng: &mut ChaCha20Rng, bytes: usize) -> String {
    let mut out = vec![0; bytes];
    rng.fill_bytes(&mut out);
    BASE64_URL_SAFE_NO_PAD.encode(out)
}
