//! Storage that somebody emptied while pages were open: what goes back into it, and from whom. See ADR 14.

use std::sync::Arc;

use super::{Identity, Shelved};
use crate::sync::replay::Kept;

/// The entry that has a counter.
fn at(entries: &[Kept], device_seq: u64) -> Option<&Kept> {
    entries.iter().find(|kept| kept.envelope.device_seq == device_seq)
}

/// What a page has of storage.
#[derive(Debug, Clone)]
pub struct Page {
    /// Who it speaks for, and what it knows to be noted.
    pub ours: Shelved,
    /// What it knows to be on the shelf.
    pub shelf: Arc<Vec<Shelved>>,
    /// The highest counter of which it knows.
    pub max_issued: u64,
    /// The server's epoch.
    pub epoch: Option<String>,
}

/// What storage has of the same.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// Who the phone is. Nobody in storage that was emptied.
    pub now: Option<Identity>,
    /// What was noted under that.
    pub entries: Vec<Kept>,
    /// The counter that is next.
    pub next: u64,
    /// Earlier identities with what was noted under them.
    pub shelf: Vec<Shelved>,
}

/// What is to be written of what a page has.
#[derive(Debug, PartialEq, Eq)]
pub struct PutBack {
    /// The phone is who the page speaks for; its entries take the place of what is there.
    pub takes: bool,
    /// Entries to add.
    pub added: Vec<Kept>,
    /// The counter that is next.
    pub next: u64,
    /// The shelf, where it grew.
    pub shelf: Option<Vec<Shelved>>,
}

/// What goes back into storage from a page that has not read it since somebody emptied it (`was_emptied`, which is known by the
/// mark), or that may not have. What another page put back before stays; but not who the phone is, where that page slept since
/// before this one's joined.
pub fn put_back(page: Page, there: Stored, was_emptied: bool) -> PutBack {
    let (ours, mut earlier) = (page.ours, page.shelf.to_vec());
    let Stored { now, entries: mut there, next, mut shelf } = there;
    let is_ours = now.as_ref().is_none_or(|now| now.device == ours.identity.device);
    let is_empty = now.is_none();
    let (mut takes, mut grew) = (is_empty, false);
    if let Some(now) = now
        && was_emptied
        && let Some(older) = earlier.iter().find(|earlier| earlier.identity.device == now.device)
    {
        shelf.push(Shelved { identity: now, ended_at: older.ended_at, entries: std::mem::take(&mut there) });
        (takes, grew) = (true, true);
    }
    // Each identity has counters of its own.
    let (mut added, mut next) = (Vec::new(), if takes { 1 } else { next });
    if takes || is_ours {
        (added, next) = missing(&ours.entries, &there, was_emptied, is_empty, next.max(page.max_issued + 1));
    } else {
        // Whoever joins puts who it was on the shelf.
        earlier.push(ours);
    }
    grew |= shelve(&earlier, was_emptied, &mut shelf);
    PutBack { takes, added, next, shelf: grew.then_some(shelf) }
}

/// What a page has (`ours`) and storage (`there`) has not: all of it where somebody emptied storage since. Else what has no
/// receipt, since what has one may have been let go. Gives what is to be added, and the counter that is next, which is not
/// below `next`. Unless storage is empty (`is_empty`) another page may have met a restore since, and a receipt is for nothing.
///
/// An entry keeps its counter unless another one has it by now, and then all that follow it get another one too: what corrects
/// an entry stays behind it. The server knows them by their ids.
fn missing(ours: &[Kept], there: &[Kept], was_emptied: bool, is_empty: bool, mut next: u64) -> (Vec<Kept>, u64) {
    for kept in ours.iter().chain(there) {
        next = next.max(kept.envelope.device_seq + 1);
    }
    let (mut added, mut moves) = (Vec::new(), false);
    for kept in ours.iter().filter(|kept| was_emptied || kept.status.is_none()) {
        let same = |other: &Kept| other.envelope.id == kept.envelope.id && other.envelope.bytes == kept.envelope.bytes;
        if there.iter().any(same) {
            continue;
        }
        let mut kept = kept.clone();
        moves |= at(there, kept.envelope.device_seq).is_some();
        if moves {
            kept.envelope.device_seq = next;
            next += 1;
        }
        added.push(if is_empty { kept } else { kept.unsent() });
    }
    (added, next)
}

/// As [`missing`], of what was noted under identities that are not the present one: those which a page knows to be on the
/// shelf, and its own where another page has taken another one since. It is offered again. True where the shelf grew.
pub fn shelve(ours: &[Shelved], was_emptied: bool, shelf: &mut Vec<Shelved>) -> bool {
    let mut grew = false;
    for ours in ours {
        let there = shelf.iter_mut().find(|there| there.identity.device == ours.identity.device);
        let (added, _) = missing(&ours.entries, there.as_ref().map_or(&[], |there| &there.entries), was_emptied, false, 1);
        if added.is_empty() {
            continue;
        }
        grew = true;
        match there {
            Some(there) => there.entries.extend(added),
            None => shelf.push(Shelved { entries: added, ..ours.clone() }),
        }
    }
    grew
}

/// Whether a page takes `ours` for what storage holds, where it holds `there`, and one of these that waits is not there, or its
/// counter is another's: it is to read all anew.
pub fn disagree(ours: &[Kept], there: &[Kept]) -> bool {
    let is_there = |kept: &Kept| at(there, kept.envelope.device_seq).is_some_and(|stored| stored.envelope.id == kept.envelope.id);
    ours.iter().any(|kept| kept.status.is_none() && !is_there(kept))
}
