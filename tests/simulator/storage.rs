//! What is durable on a phone: the outbox, which is written strictly, and the cache, which may fall back when it crashes.
//! Its operations do what `app/src/field/store/outbox.rs` does, each wholly or not at all, one after the other.

use std::{collections::BTreeMap, sync::Arc};

use dorbank_shared::sync::{
    base::Base,
    engine::{Meta, Receipt},
    outbox::{self as rules, Answer, Identity, Page, Pool, PutBack, Sealed, Shelved, Stored, Ticket},
    replay::Kept,
    taps::Tap,
    wire::{Admission, Bundle, Envelope},
};
use uuid::Uuid;

use super::{phone::Tab, server::What};

/// What can be fetched again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cache {
    /// Who was given it: see [`Identity::joined_as`].
    pub of: Uuid,
    pub bundle: Option<Arc<Bundle>>,
    pub bases: Arc<BTreeMap<Uuid, Base>>,
}

/// Entries, by counter.
pub type Entries = BTreeMap<u64, Kept>;

#[derive(Debug, Clone, Default)]
pub struct Storage {
    /// Who this phone is.
    pub device: Uuid,
    /// Who it was when it gave a code.
    pub joined_as: Uuid,
    pub shelf: Vec<Shelved>,
    pub entries: Entries,
    pub next_seq: u64,
    pub epoch: Option<String>,
    /// When the shift ends, where that is known.
    pub ends_at: Option<i64>,
    /// What was let go, and under which identity it was noted.
    pub gone: Vec<(Uuid, Kept)>,
    pub pool: Pool,
    pub sealed: BTreeMap<Uuid, Sealed>,
    pub tickets: Vec<Ticket>,
    pub cache: Cache,
    /// The cache before its last write.
    pub older: Cache,
    /// It was emptied, and no page has put back yet what it has.
    pub emptied: bool,
    /// Another number each time that somebody is written into it while it knows nobody.
    pub mark: u64,
}

/// Why a phone takes another identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// It is a copy, or was copied, as this identity.
    Copied(Uuid),
    /// Its volunteer gave a code once more.
    Anew,
}

/// A write that was asked for.
#[derive(Debug, Clone)]
pub enum Op {
    /// What was tapped; and the next counter, where the page knows that. Then nothing is read first.
    Append(Arc<Tap>, Option<u64>),
    /// Receipts that the server gave in this epoch.
    Settle(Vec<Receipt>, Option<String>),
    /// Receipts for what was noted under an earlier identity, given in this epoch.
    SettleShelved(Uuid, Vec<Receipt>, Option<String>),
    /// Another identity, with counters of its own.
    Join(Uuid, Joined),
    /// The server was restored, and has this epoch now.
    Reopen(String),
    /// The same, as what an earlier identity or an input was answered says; the page reads storage anew.
    Meet(String),
    /// The server's time, and the epoch in which it said so: what is older than any backup may go.
    LetGo(i64, String),
    KeepCache(Cache),
    KeepSealed(Uuid, Arc<str>, Uuid),
    /// Tickets of a round. Who drew them as an earlier identity waits for them.
    KeepTickets(Vec<String>, Uuid, What),
    /// Gives each waiting input a ticket.
    Assign,
    AnswerInputs(Answer<Uuid>),
    /// An input is taken back that was said to be unsaved.
    Strike(Uuid, Arc<str>),
}

impl Storage {
    pub fn new(device: Uuid) -> Self {
        Self { device, joined_as: device, next_seq: 1, ..Self::default() }
    }

    /// Everything is deleted. What it is known under stays here, for whoever counts.
    pub fn empty(&mut self) {
        let gone = std::mem::take(&mut self.gone);
        *self = Self { joined_as: self.joined_as, mark: self.mark, gone, emptied: true, ..Self::new(self.device) };
    }

    /// In what was emptied somebody joins who knows of no page that has what was here.
    pub fn begin_afresh(&mut self, device: Uuid) {
        (self.device, self.joined_as, self.next_seq, self.emptied) = (device, device, 1, false);
        self.mark += 1;
    }

    /// A page puts back what is not here.
    pub fn put_back(&mut self, page: &Tab) {
        let is_empty = std::mem::take(&mut self.emptied);
        let was_emptied = is_empty || self.mark != page.mark;
        self.mark += u64::from(is_empty);
        let there = Stored {
            now: (!is_empty).then(|| identity(self.device, self.joined_as)),
            entries: self.entries.values().cloned().collect(),
            next: self.next_seq,
            shelf: self.shelf.clone(),
        };
        let ours = Page {
            ours: Shelved { entries: page.entries.values().cloned().collect(), ..page.speaker() },
            shelf: Arc::new(page.shelf.clone()),
            max_issued: page.engine.max_issued(),
            epoch: page.engine.epoch().map(str::to_owned),
        };
        let (ends_at, epoch) = (ours.ours.ended_at, ours.epoch.clone());
        let PutBack { takes, added, next, shelf } = rules::put_back(ours, there, was_emptied);
        if takes {
            (self.device, self.joined_as) = (page.device, page.cache.of);
            self.entries.clear();
            self.ends_at = ends_at;
            self.cache = page.cache.clone();
        }
        if is_empty {
            self.epoch = epoch.or(self.epoch.take());
        }
        if takes || !added.is_empty() {
            self.next_seq = next;
        }
        self.put(added);
        self.shelf = shelf.unwrap_or_else(|| std::mem::take(&mut self.shelf));
        // What has another counter now may have been sent under the one that it had; and of what was sent not all goes back.
        let gone: Vec<(Uuid, Kept)> =
            page.knows().filter(|(device, kept)| !self.has_counted(*device, kept)).map(|(device, kept)| (device, kept.clone())).collect();
        self.gone.extend(gone);
    }

    /// Whether an entry of that identity is here under its counter.
    fn has_counted(&self, device: Uuid, kept: &Kept) -> bool {
        self.all().any(|(of, there)| of == device && there.envelope == kept.envelope)
    }

    /// Does it. Says which entries it changed, where receipts were to be settled; and where it could not be done, 0.
    pub fn write(&mut self, op: &Op) -> Vec<u64> {
        match op {
            Op::Append(tap, known) => self.append(tap, *known),
            Op::Settle(receipts, epoch) => {
                let here = receipts.iter().filter_map(|receipt| self.entries.get(&receipt.device_seq)).cloned();
                let settled = rules::settle(receipts, epoch.as_deref(), self.epoch.as_deref(), here.collect::<Vec<_>>());
                return self.put(settled);
            }
            Op::SettleShelved(device, receipts, epoch) => {
                if !rules::settle_shelved(*device, receipts, epoch.as_deref(), self.epoch.as_deref(), &mut self.shelf) {
                    return vec![0];
                }
            }
            Op::Join(device, why) => {
                let holds_inputs = !self.sealed.is_empty();
                let only = if let Joined::Copied(only) = why { Some(*only) } else { None };
                let entries = self.entries.values().cloned().collect();
                if rules::join(
                    (!self.emptied).then(|| identity(self.device, self.joined_as)),
                    only,
                    self.ends_at,
                    entries,
                    holds_inputs,
                    &mut self.shelf,
                    &mut self.pool,
                ) {
                    self.mark += u64::from(std::mem::take(&mut self.emptied));
                    self.entries.clear();
                    self.ends_at = None;
                    (self.device, self.next_seq) = (*device, 1);
                    if *why == Joined::Anew {
                        self.joined_as = *device;
                    }
                }
            }
            Op::Reopen(epoch) | Op::Meet(epoch) => {
                let stored = self.epoch.replace(epoch.clone());
                let (all, sealed) = (self.entries.values().cloned().collect(), self.sealed.clone().into_iter().collect());
                let (again, sealed) = rules::reopen(all, sealed, &mut self.shelf, &mut self.pool, epoch, stored.as_deref(), 0);
                self.sealed.extend(sealed);
                self.put(again);
            }
            Op::LetGo(server_time, epoch) => {
                let here: Vec<Kept> = self.entries.values().cloned().collect();
                let before = self.shelf.clone();
                let past = rules::let_go(&here, self.ends_at, &mut self.shelf, !self.sealed.is_empty(), *server_time, epoch, self.epoch.as_deref());
                for shelved in before.iter().filter(|shelved| !self.shelf.contains(shelved)) {
                    self.gone.extend(shelved.entries.iter().cloned().map(|kept| (shelved.identity.device, kept)));
                }
                if past.is_empty() && self.shelf == before {
                    return vec![0];
                }
                self.gone.extend(past.iter().filter_map(|seq| Some((self.device, self.entries.remove(seq)?))));
            }
            Op::KeepCache(cache) => {
                if cache.of == self.joined_as {
                    self.ends_at = cache.bundle.as_ref().map(|bundle| bundle.ends_at).or(self.ends_at);
                }
                self.older = std::mem::replace(&mut self.cache, cache.clone());
            }
            Op::KeepSealed(key, sealed, round) => {
                let record = Sealed { sealed: sealed.to_string(), round: Some(*round), ticket: None, held_on: None };
                if let Some(record) = rules::keep_sealed(self.sealed.get(key), record, 0, &mut self.pool) {
                    self.sealed.insert(*key, record);
                }
            }
            Op::KeepTickets(tickets, round, _) => self.tickets.extend(tickets.iter().map(|ticket| (ticket.clone(), Some(*round)))),
            Op::Assign => {
                let mut sealed: Vec<(Uuid, Sealed)> = std::mem::take(&mut self.sealed).into_iter().collect();
                self.tickets.sort();
                rules::assign(&mut sealed, &mut self.tickets, &mut self.pool);
                self.sealed = sealed.into_iter().collect();
            }
            Op::Strike(key, _) => {
                if !rules::strike(self.sealed.get(key), &mut self.pool) {
                    return vec![0];
                }
                self.sealed.remove(key);
            }
            Op::AnswerInputs(said) => {
                let sealed = std::mem::take(&mut self.sealed).into_iter().collect();
                let kept = rules::answer(sealed, said, self.epoch.as_deref(), &mut self.pool, 0);
                self.sealed = kept.into_iter().filter_map(|(key, record)| Some((key, record?))).collect();
            }
        }
        Vec::new()
    }

    /// What is cached for who joined as `of`.
    pub fn cache_of(&self, of: Uuid) -> Cache {
        if self.cache.of == of { self.cache.clone() } else { Cache { of, ..Cache::default() } }
    }

    fn put(&mut self, changed: Vec<Kept>) -> Vec<u64> {
        let seqs = changed.iter().map(|kept| kept.envelope.device_seq).collect();
        self.entries.extend(changed.into_iter().map(|kept| (kept.envelope.device_seq, kept)));
        seqs
    }

    /// Everything that is here, with the identity under which it was noted.
    pub fn present(&self) -> impl Iterator<Item = (Uuid, &Kept)> {
        let shelf = self.shelf.iter().flat_map(|shelved| shelved.entries.iter().map(|kept| (shelved.identity.device, kept)));
        self.entries.values().map(|kept| (self.device, kept)).chain(shelf)
    }

    /// Everything that was noted here, with the identity under which it was.
    pub fn all(&self) -> impl Iterator<Item = (Uuid, &Kept)> {
        self.present().chain(self.gone.iter().map(|(device, kept)| (*device, kept)))
    }

    /// Everything that was noted here, under whatever identity.
    pub fn all_entries(&self) -> impl Iterator<Item = &Kept> {
        self.all().map(|(_, kept)| kept)
    }

    /// As the app does: without reading first, where the page knows who it is and the counter is free.
    fn append(&mut self, Tap { drafts, by, .. }: &Tap, known: Option<u64>) {
        let is_present = by.as_ref().is_some_and(|by| by.identity.device == self.device);
        let free = known.filter(|next| is_present && !self.entries.contains_key(next));
        let done = if let Some(next) = free {
            rules::append(drafts, None, next, &[], &mut Vec::new())
        } else {
            let here: Vec<Kept> = self.entries.values().cloned().collect();
            let earlier = by.as_ref().filter(|by| !by.identity.joined_with(&identity(self.device, self.joined_as)));
            rules::append(drafts, earlier, self.next_seq, &here, &mut self.shelf)
        };
        self.next_seq = done.next;
        self.put(done.added);
    }
}

pub fn identity(device: Uuid, joined_as: Uuid) -> Identity {
    Identity { device, credential: String::new(), sign: String::new(), admission: Admission::Admitted, joined_as: Some(joined_as) }
}

/// What the engine knows of entries with, or without, a receipt.
pub fn metas<'a>(entries: impl IntoIterator<Item = &'a Kept>, sent: bool) -> Vec<Meta> {
    entries.into_iter().filter(|kept| kept.status.is_some() == sent).map(|kept| meta(&kept.envelope)).collect()
}

pub fn meta(entry: &Envelope) -> Meta {
    Meta { device_seq: entry.device_seq, id: entry.id, digest: entry.digest() }
}
