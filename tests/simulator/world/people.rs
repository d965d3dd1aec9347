//! What volunteers, leads and pockets do, and what the engine then asks for.

use dorbank_shared::{
    sync::{
        engine::{Effect, Event},
        file::Unwritten,
        wire::Envelope,
    },
    visit::{Outcome, VisitV1},
};
use rand::{RngExt as _, seq::IndexedRandom as _};
use uuid::Uuid;

use super::{At, File, Happening, World, storing::AGAIN_MS};
use crate::simulator::{
    fault::Kind,
    phone::Tab,
    server::What,
    storage::{Joined, Op},
};

impl World {
    /// Phones are put away: closed, or left open and stopped by the system. They come back all at one moment.
    pub(super) fn night(&mut self, length: u64) {
        let why = if self.faults.has(Kind::Weeks) { Kind::Weeks } else { Kind::Hours };
        for phone in 0..self.phones.len() {
            self.faults.count(why);
            let only = (0..self.phones[phone].tabs.len()).any(|tab| self.phones[phone].knows_more(tab));
            if self.faults.dice(Kind::Hours).random_bool(0.5) || only {
                self.frozen.insert(phone);
                continue;
            }
            for tab in &mut self.phones[phone].tabs {
                tab.open = false;
                tab.life += 1;
            }
        }
        self.wakes_at = self.now + length;
        self.after(length, Happening::Calm);
    }

    /// All trouble ends at one moment, and everybody is back.
    pub(super) async fn calm_down(&mut self) {
        self.calm = Some(self.now);
        self.frozen.clear();
        self.server.break_on(None).await;
        if self.server.is_next_round() {
            self.server.begin_next_round().await;
        }
        for phone in 0..self.phones.len() {
            self.phones[phone].full_until = 0;
            // Who has to open the app anew first lets it write what only it knows.
            for tab in 0..self.phones[phone].tabs.len() {
                if self.phones[phone].knows_more(tab) {
                    self.read_again(self.at(phone, tab));
                }
            }
            let devices: Vec<Uuid> = self.phones[phone].devices().collect();
            let lets_in = self.faults.has(Kind::Revoked) && self.faults.dice(Kind::Revoked).random_bool(0.7);
            let turf = self.turfs[phone / 2 % self.turfs.len()];
            for device in devices {
                self.server.settle_admission(device, lets_in, turf, self.now_ms(), self.now).await;
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

    pub(super) fn open(&mut self, phone: usize, tab: usize) {
        let effects = self.phones[phone].open(tab);
        let at = self.at(phone, tab);
        self.do_all(at, effects);
        self.send_inputs_if_due(at);
    }

    /// The volunteer gives the shift's code once more. The app refuses while something is not saved. Says whether it was done.
    pub(super) async fn rejoin(&mut self, phone: usize) -> bool {
        let tab = self.any_tab(phone);
        let here = &self.phones[phone].tabs[tab];
        if self.frozen.contains(&phone) || !here.open || here.unsaved > 0 || !here.taps.is_empty() || here.renewing.is_some() {
            return false;
        }
        let device = uuid::Builder::from_random_bytes(self.rng.random()).into_uuid();
        if self.is_emptied(phone) {
            self.read_again(self.at(phone, tab));
        }
        self.server.join(device, self.now_ms()).await;
        let wait = self.rng.random_range(2_000..120_000);
        self.after(wait, Happening::LetIn(device, phone));
        self.phones[phone].tabs[tab].renewing = Some(0);
        self.ask(self.at(phone, tab), Op::Join(device, Joined::Anew), 0);
        true
    }

    /// The volunteer saves what waits as a file, with what storage has not taken yet. Somebody takes it to an organiser.
    pub(super) fn save_file(&mut self, phone: usize) {
        let storage = &self.phones[phone].storage;
        let mut now: Vec<Envelope> = storage.entries.values().filter(|kept| kept.status.is_none()).map(|kept| kept.envelope.clone()).collect();
        let open = self.phones[phone].tabs.iter().filter(|tab| tab.open);
        now.extend(open.flat_map(|tab| tab.taps.drafts()).map(|draft| draft.clone().into()));
        let earlier = storage.shelf.iter().map(|shelved| (shelved.identity.device, shelved.unsent().map(|kept| kept.envelope.clone()).collect()));
        let mut file: File = std::iter::once((storage.device, now)).chain(earlier).collect();
        file.retain(|(_, entries)| !entries.is_empty());
        if file.is_empty() {
            return;
        }
        let dice = self.faults.dice(Kind::Filed);
        for _ in 0..dice.random_range(1..=2) {
            let wait = dice.random_range(1_000..self.plan.minutes * 60_000);
            self.ties += 1;
            self.queue.insert((self.now + wait, self.ties), Happening::TakeFile(file.clone()));
        }
    }

    /// The page puts back what storage has not and reads it anew: as `open` in `app/src/field/sync/mod.rs`. Where storage fails
    /// it tries again; false then.
    pub(super) fn read_again(&mut self, at: At) -> bool {
        if self.strikes(Kind::FailedWrite, 0.06) {
            self.after(AGAIN_MS, Happening::ReadAgain(at));
            return false;
        }
        let was_emptied = self.is_emptied(at.phone);
        let effects = self.phones[at.phone].read_again(at.tab);
        if was_emptied {
            self.tell_other_tabs(at, false);
        }
        self.do_all(at, effects);
        true
    }

    /// Whether storage was emptied, and no page has put back yet what it has.
    pub(super) fn is_emptied(&self, phone: usize) -> bool {
        self.phones[phone].storage.emptied
    }

    /// Whoever opens the app anew where storage was emptied finds nothing, and gives the code once more, while another page sleeps.
    pub(super) async fn join_afresh(&mut self, phone: usize) {
        if !self.is_emptied(phone) || self.frozen.contains(&phone) {
            return;
        }
        let device = uuid::Builder::from_random_bytes(self.rng.random()).into_uuid();
        self.server.join(device, self.now_ms()).await;
        let wait = self.faults.dice(Kind::Emptied).random_range(2_000..120_000);
        self.after(wait, Happening::LetIn(device, phone));
        let here = &mut self.phones[phone];
        here.storage.begin_afresh(device);
        let tab = here.tabs.iter().position(|tab| !tab.open).unwrap_or(here.tabs.len());
        if tab == here.tabs.len() {
            here.tabs.push(Tab::default());
        }
        self.open(phone, tab);
        self.tell_other_tabs(self.at(phone, tab), false);
    }

    /// The browser empties storage under the pages that are open. What none of them has in memory is gone, and nobody says
    /// otherwise.
    pub(super) fn empty(&mut self, phone: usize) {
        let here = &self.phones[phone];
        let open: Vec<usize> = (0..here.tabs.len()).filter(|tab| here.tabs[*tab].open).collect();
        // An input that is being written, and an identity that is being taken, have rules of their own.
        let busy = |happening: &Happening| match happening {
            Happening::Write(at, Op::KeepSealed(..) | Op::Join(..)) | Happening::GivenUp(at, Op::KeepSealed(..) | Op::Join(..), _) => {
                at.phone == phone
            }
            _ => false,
        };
        if open.is_empty() || self.calm.is_some() || self.frozen.contains(&phone) || self.is_emptied(phone) || self.queue.values().any(busy) {
            return;
        }
        self.faults.count(Kind::Emptied);
        let is_restored = self.faults.has(Kind::Restored);
        let here = &mut self.phones[phone];
        let before = here.storage.clone();
        here.storage.empty();
        for (device, kept) in before.all() {
            let is_it = |other: &Envelope| other.is_same_entry(&kept.envelope);
            if here.storage.all_entries().any(|there| is_it(&there.envelope)) {
                continue;
            }
            let is_known = open.iter().any(|tab| here.tabs[*tab].knows().any(|(_, known)| is_it(&known.envelope)));
            // What the server has of it a restore may take away.
            if !is_known && (kept.status.is_none() || is_restored) {
                here.saved.retain(|entry| !(entry.device_seq == kept.envelope.device_seq && is_it(entry)));
            }
            here.storage.gone.push((device, kept.clone()));
        }
        let is_gone = |sealed: &str| before.sealed.values().any(|record| record.sealed == sealed && (record.held_on.is_none() || is_restored));
        here.said.retain(|sealed| !is_gone(sealed));
        for tab in open {
            let wait = self.faults.dice(Kind::Emptied).random_range(1..60_000);
            self.after(wait, Happening::OtherTab(self.at(phone, tab), false));
        }
        if self.faults.dice(Kind::Emptied).random_bool(0.3) {
            let wait = self.faults.dice(Kind::Emptied).random_range(1..30_000);
            self.after(wait, Happening::JoinAfresh(phone));
        }
    }

    /// The page is gone, and what it had asked of storage is done or not. The volunteer opens it again.
    pub(super) fn crash(&mut self, phone: usize, tab: usize) {
        // The last page that has what storage had goes on: without one nobody promises anything.
        if self.phones[phone].only_knows(tab) {
            return;
        }
        let roll_back = self.strikes(Kind::RolledBack, 0.5);
        let here = &mut self.phones[phone];
        here.tabs[tab].open = false;
        here.tabs[tab].life += 1;
        if roll_back {
            here.storage.cache = here.storage.older.clone();
        }
        let at = self.at(phone, tab);
        // What is being written is written or not before the next page reads: storage does one thing after the other.
        let wait = self.rng.random_range(1..20_000).max(self.phones[phone].written_at.saturating_sub(self.now) + 1);
        self.after(wait, Happening::Open(at));
    }

    /// A copy of the device is put back, and the app opened anew. What had been sent since is on the server, under counters that
    /// this phone gives once more; what had not is nowhere.
    pub(super) fn put_back(&mut self, phone: usize) {
        let Some(index) = self.copies.iter().position(|(of, _)| *of == phone) else { return };
        let only = (0..self.phones[phone].tabs.len()).any(|tab| self.phones[phone].knows_more(tab));
        if self.frozen.contains(&phone) || only {
            return;
        }
        self.faults.count(Kind::SetBack);
        let (_, copy) = self.copies.remove(index);
        let here = &mut self.phones[phone];
        for tab in &mut here.tabs {
            tab.open = false;
            tab.life += 1;
        }
        // What these pages had asked of storage was asked of another one.
        self.queue.retain(|_, happening| !matches!(happening, Happening::Write(at, _) | Happening::GivenUp(at, ..) if at.phone == phone));
        let now = std::mem::replace(&mut here.storage, copy);
        for (device, kept) in now.all() {
            let is_there = here
                .storage
                .all()
                .any(|(of, before)| (of, before.envelope.id, before.envelope.device_seq) == (device, kept.envelope.id, kept.envelope.device_seq));
            if is_there {
                continue;
            }
            here.storage.gone.push((device, kept.clone()));
            if kept.status.is_none() {
                here.saved.retain(|entry| (entry.id, entry.device_seq) != (kept.envelope.id, kept.envelope.device_seq));
            }
        }
        let is_gone = |sealed: &str| now.sealed.values().any(|record| record.sealed == sealed && record.held_on.is_none());
        let is_back = |sealed: &str| here.storage.sealed.values().any(|record| record.sealed == sealed);
        here.said.retain(|sealed| is_back(sealed) || !is_gone(sealed));
        self.open(phone, 0);
    }

    pub(super) fn any_tab(&mut self, phone: usize) -> usize {
        let open: Vec<usize> = (0..self.phones[phone].tabs.len()).filter(|tab| self.phones[phone].tabs[*tab].open).collect();
        open.choose(&mut self.rng).copied().unwrap_or(0)
    }

    pub(super) fn note(&mut self, phone: usize) {
        let tab = self.any_tab(phone);
        if self.frozen.contains(&phone) || !self.phones[phone].tabs[tab].open {
            return;
        }
        let now_ms = self.now_ms();
        let Some((door, draft)) = self.phones[phone].note(tab, now_ms, &mut self.faults) else { return };
        let at = self.at(phone, tab);
        self.tap(at, vec![(door, draft)]);
        if self.is_tapped_again(0.05) {
            let wait = self.faults.dice(Kind::Again).random_range(1..40);
            self.after(wait, Happening::TapAgain(at, door));
        }
    }

    pub(super) fn is_tapped_again(&mut self, chance: f64) -> bool {
        self.calm.is_none() && self.faults.has(Kind::Again) && self.faults.dice(Kind::Again).random_bool(chance)
    }

    /// A tap: what waits for nothing is written at once.
    fn tap(&mut self, at: At, drafts: Vec<(Uuid, Unwritten)>) {
        let phone = &mut self.phones[at.phone];
        for (door, draft) in &drafts {
            let before = phone.unwritten.get(&(at.tab, *door)).cloned();
            if before.as_ref().is_some_and(|before| says(before) == says(draft)) {
                continue;
            }
            phone.tapped.push((at.tab, at.life, draft.clone()));
            phone.corrected.extend(before.map(|before| (before, draft.clone())));
            phone.unwritten.insert((at.tab, *door), draft.clone());
        }
        let page = &mut phone.tabs[at.tab];
        let by = page.speaker();
        if let Some(tap) = page.taps.note(drafts, Some(&by)) {
            let known = page.next.take();
            self.ask(at, Op::Append(tap, known), 0);
        }
    }

    /// At a door of which storage has not taken yet what was said.
    pub(super) fn tap_again(&mut self, at: At, door: Uuid) {
        if !self.alive(at) {
            return;
        }
        let now_ms = self.now_ms();
        let drafts = self.phones[at.phone].note_again(at.tab, door, now_ms, self.faults.dice(Kind::Again));
        if !drafts.is_empty() {
            self.faults.count(Kind::Again);
            self.tap(at, drafts);
        }
    }

    /// What waits for other taps, or for storage, has its turn.
    pub(super) fn write_next(&mut self, at: At) {
        if !self.alive(at) {
            return;
        }
        if let Some(tap) = self.phones[at.phone].tabs[at.tab].taps.take() {
            self.ask(at, Op::Append(tap, None), 0);
        }
    }

    pub(super) fn say(&mut self, phone: usize) {
        let tab = self.any_tab(phone);
        let here = &self.phones[phone].tabs[tab];
        if self.frozen.contains(&phone) || !here.open {
            return;
        }
        let Some(round) = here.cache.bundle.as_ref().map(|bundle| bundle.round.id) else { return };
        let (key, sealed) = self.phones[phone].seal();
        self.phones[phone].tabs[tab].unsaved += 1;
        self.ask(self.at(phone, tab), Op::KeepSealed(key, sealed, round), 0);
    }

    pub(in crate::simulator) fn step(&mut self, at: At, event: Event) {
        let effects = self.phones[at.phone].step(at.tab, event);
        self.do_all(at, effects);
    }

    pub(super) fn do_all(&mut self, at: At, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Push { request, entries } => {
                    if entries.iter().any(|seq| !self.phones[at.phone].tabs[at.tab].entries.contains_key(seq)) {
                        self.read_again(at);
                        return;
                    }
                    let body = self.phones[at.phone].push_body(at.tab, &entries);
                    self.send(at, request, What::Push, body);
                }
                Effect::Pull { request } => {
                    // Another tab may have ended between writing and saying so.
                    if !self.look(at) {
                        return;
                    }
                    self.phones[at.phone].tabs[at.tab].asked = (request, self.now);
                    let body = self.phones[at.phone].pull_body(at.tab, request);
                    self.send(at, request, What::Pull, body);
                }
                Effect::Settle(receipts) => {
                    let dies = self.strikes(Kind::CrashBeforeMark, 0.06) && !self.phones[at.phone].only_knows(at.tab);
                    let epoch = self.phones[at.phone].tabs[at.tab].engine.latest_epoch().map(str::to_owned);
                    self.ask(at, Op::Settle(receipts, epoch), 0);
                    if dies {
                        self.crash(at.phone, at.tab);
                        return;
                    }
                }
                Effect::Reopen(epoch) => self.ask(at, Op::Reopen(epoch), 0),
                Effect::Renew => {
                    // The app looks whether storage takes anything before it asks.
                    let is_full = self.is_full(at.phone);
                    let tab = &mut self.phones[at.phone].tabs[at.tab];
                    if tab.renewing.is_none() && !is_full {
                        tab.requests += 1;
                        let request = tab.requests;
                        tab.renewing = Some(request);
                        self.send(at, request, What::Renew, b"null".to_vec());
                    }
                }
                Effect::Timer { number, after_ms } => self.after(after_ms, Happening::Timer(at, number)),
            }
        }
    }
}

/// What a draft says happened at its door. Nothing where it takes something back.
fn says(draft: &Unwritten) -> Option<(Outcome, bool)> {
    serde_json::from_str::<VisitV1>(&draft.bytes).ok().map(|visit| (visit.outcome, visit.leaflet))
}
