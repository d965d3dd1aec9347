//! What is durable on a phone: the outbox, which is written strictly, and the cache, which may fall back when it crashes.
//! Its operations do what `app/src/field/store/outbox.rs` does, each wholly or not at all, one after the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use dorbank_shared::sync::{
    base::Base,
    engine::{Meta, Receipt},
    wire::{Bundle, Envelope, Status},
};
use uuid::Uuid;

/// All of an entry but its counter.
#[derive(Debug, Clone)]
pub struct Draft {
    pub id: Uuid,
    pub kind: String,
    pub version: u32,
    pub supersedes: Option<Uuid>,
    pub captured_at: i64,
    pub bytes: String,
}

/// A sealed input.
#[derive(Debug, Clone)]
pub struct Sealed {
    pub sealed: Arc<str>,
    pub ticket: Option<String>,
    pub held_on: Option<String>,
}

/// What can be fetched again.
#[derive(Debug, Clone, Default)]
pub struct Cache {
    pub bundle: Option<Arc<Bundle>>,
    pub bases: Arc<BTreeMap<Uuid, Base>>,
}

/// An entry and the receipt's status.
pub type Entries = BTreeMap<u64, (Envelope, Option<Status>)>;

/// An earlier identity, with what was noted under it.
#[derive(Debug, Clone)]
pub struct Shelved {
    pub device: Uuid,
    pub entries: Entries,
}

#[derive(Debug, Clone, Default)]
pub struct Storage {
    /// Who this phone is.
    pub device: Uuid,
    pub shelf: Vec<Shelved>,
    pub entries: Entries,
    pub next_seq: u64,
    pub epoch: Option<String>,
    pub sealed: BTreeMap<Uuid, Sealed>,
    pub tickets: BTreeSet<String>,
    pub cache: Cache,
    /// The cache before its last write.
    pub older: Cache,
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
    /// An entry; written already, if its id is there.
    Append(Draft),
    /// Receipts that the server gave in this epoch.
    Settle(Vec<Receipt>, Option<String>),
    /// Receipts for what was noted under an earlier identity.
    SettleShelved(Uuid, Vec<Receipt>),
    /// Another identity, with counters of its own.
    Join(Uuid, Joined),
    Reopen {
        entries: Vec<u64>,
        epoch: String,
    },
    KeepEpoch(String),
    KeepCache(Cache),
    KeepSealed(Uuid, Arc<str>),
    KeepTickets(Vec<String>),
    /// Gives each waiting input a ticket.
    Assign,
    AnswerInputs {
        held: Vec<Uuid>,
        refused: Vec<Uuid>,
        day: String,
        backed_up_through: Option<String>,
    },
}

impl Storage {
    pub fn new(device: Uuid) -> Self {
        Self { device, next_seq: 1, ..Self::default() }
    }

    /// Does it. Says which entries have their receipts now, where that is what was asked for.
    pub fn write(&mut self, op: &Op) -> Vec<u64> {
        match op {
            Op::Append(draft) => self.append(draft),
            Op::Settle(receipts, epoch) => return self.settle(receipts, epoch.as_deref()),
            Op::SettleShelved(device, receipts) => {
                for (entry, status) in
                    self.shelf.iter_mut().filter(|shelved| shelved.device == *device).flat_map(|shelved| shelved.entries.values_mut())
                {
                    if let Some(receipt) = receipts.iter().find(|receipt| receipt.id == entry.id) {
                        *status = Some(receipt.status);
                    }
                }
            }
            // Not where another tab has taken one meanwhile.
            Op::Join(_, Joined::Copied(only)) if *only != self.device => {}
            Op::Join(device, _) => {
                let entries = std::mem::take(&mut self.entries);
                if !entries.is_empty() {
                    self.shelf.push(Shelved { device: self.device, entries });
                }
                (self.device, self.next_seq) = (*device, 1);
            }
            Op::Reopen { entries, epoch } => {
                self.epoch = Some(epoch.clone());
                for seq in entries {
                    if let Some((_, status)) = self.entries.get_mut(seq) {
                        *status = None;
                    }
                }
                for (_, status) in self.shelf.iter_mut().flat_map(|shelved| shelved.entries.values_mut()) {
                    *status = None;
                }
                for record in self.sealed.values_mut() {
                    record.held_on = None;
                }
            }
            Op::KeepEpoch(epoch) => self.epoch = Some(epoch.clone()),
            Op::KeepCache(cache) => self.older = std::mem::replace(&mut self.cache, cache.clone()),
            Op::KeepSealed(key, sealed) => {
                self.sealed.entry(*key).or_insert_with(|| Sealed { sealed: sealed.clone(), ticket: None, held_on: None });
            }
            Op::KeepTickets(tickets) => self.tickets.extend(tickets.iter().cloned()),
            Op::Assign => {
                for record in self.sealed.values_mut().filter(|record| record.held_on.is_none() && record.ticket.is_none()) {
                    record.ticket = self.tickets.pop_first();
                }
            }
            Op::AnswerInputs { held, refused, day, backed_up_through } => {
                for (key, record) in &mut self.sealed {
                    if record.held_on.is_none() && held.contains(key) {
                        record.held_on = Some(day.clone());
                    } else if refused.contains(key) {
                        record.ticket = None;
                    }
                }
                let safe = |record: &Sealed| record.held_on.as_ref().is_some_and(|held| backed_up_through.as_ref().is_some_and(|to| held <= to));
                self.sealed.retain(|_, record| !safe(record));
            }
        }
        Vec::new()
    }

    /// Another tab may have met a restore since, or taken another identity whose entries have the same counters.
    fn settle(&mut self, receipts: &[Receipt], epoch: Option<&str>) -> Vec<u64> {
        if self.epoch.is_some() && self.epoch.as_deref() != epoch {
            return Vec::new();
        }
        let mut settled = Vec::new();
        for receipt in receipts {
            if let Some((_, status)) = self.entries.get_mut(&receipt.device_seq).filter(|(entry, _)| entry.id == receipt.id) {
                *status = Some(receipt.status);
                settled.push(receipt.device_seq);
            }
        }
        settled
    }

    /// Everything that was noted here, under whatever identity.
    pub fn all_entries(&self) -> impl Iterator<Item = &(Envelope, Option<Status>)> {
        self.entries.values().chain(self.shelf.iter().flat_map(|shelved| shelved.entries.values()))
    }

    fn append(&mut self, draft: &Draft) {
        let Draft { id, kind, version, supersedes, captured_at, bytes } = draft.clone();
        // An id may be used again on purpose; the same entry is not written again, under whatever identity.
        if self.all_entries().any(|(entry, _)| entry.id == id && entry.bytes == bytes) {
            return;
        }
        let device_seq = self.next_seq;
        self.next_seq += 1;
        self.entries.insert(device_seq, (Envelope { id, kind, version, device_seq, supersedes, captured_at, bytes }, None));
    }
}

/// What the engine knows of entries with, or without, a receipt.
pub fn metas(entries: &Entries, sent: bool) -> Vec<Meta> {
    entries.values().filter(|(_, status)| status.is_some() == sent).map(|(entry, _)| meta(entry)).collect()
}

pub fn meta(entry: &Envelope) -> Meta {
    Meta { device_seq: entry.device_seq, id: entry.id, digest: entry.digest() }
}
