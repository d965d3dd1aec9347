//! What was tapped and is not durable yet: one list, in the order in which it was noted. Storage may be slow, full or failing
//! for minutes, and somebody goes on tapping. Without I/O, like the [`outbox`](super::outbox): the app and the simulated phones
//! ask here what is to be written now, and say what came of it.

use std::sync::Arc;

use uuid::Uuid;

use super::{file::Unwritten, outbox::Shelved, replay::Standing};
use crate::visit::{Outcome, VisitV1};

/// What is noted at once, and is to be written wholly or not at all.
#[derive(Debug)]
pub struct Tap {
    /// The door of each draft.
    pub doors: Vec<Uuid>,
    /// What is noted.
    pub drafts: Vec<Unwritten>,
    /// Who the phone was then, as it would lie on the shelf. Another tab may take another identity before storage has it.
    pub by: Option<Shelved>,
}

/// All taps of a page that storage has not taken. What is said of a door twice lies there once after the other: the second
/// corrects the first, and is not written before it.
#[derive(Debug, Default)]
pub struct Taps {
    /// Each with whether storage is being asked to take it.
    taps: Vec<(Arc<Tap>, bool)>,
}

/// What a draft says of its door. Nothing where it takes something back.
fn said(draft: &Unwritten) -> Option<(Outcome, bool)> {
    visit_in(draft).map(|visit| (visit.outcome, visit.leaflet))
}

fn visit_in(draft: &Unwritten) -> Option<VisitV1> {
    serde_json::from_str(&draft.bytes).ok()
}

impl Taps {
    /// Nothing.
    pub const fn new() -> Self {
        Self { taps: Vec::new() }
    }

    /// Notes drafts, each at its door, and gives what of it is to be written now. Where the last that is not written there says
    /// the same it is a second tap on one button, the first one's echo, and is dropped; where it says something else the draft
    /// waits for it.
    pub fn note(&mut self, drafts: Vec<(Uuid, Unwritten)>, by: Option<&Shelved>) -> Option<Arc<Tap>> {
        let (mut now, mut later) = (Vec::new(), Vec::new());
        for (door, draft) in drafts {
            match self.pending(door) {
                Some(before) if said(before) == said(&draft) => {}
                Some(_) => later.push((door, draft)),
                None => now.push((door, draft)),
            }
        }
        let now = self.add(now, by, true);
        self.add(later, by, false);
        now
    }

    fn add(&mut self, drafts: Vec<(Uuid, Unwritten)>, by: Option<&Shelved>, is_under_way: bool) -> Option<Arc<Tap>> {
        if drafts.is_empty() {
            return None;
        }
        let (doors, drafts) = drafts.into_iter().unzip();
        let tap = Arc::new(Tap { doors, drafts, by: by.cloned() });
        self.taps.push((tap.clone(), is_under_way));
        Some(tap)
    }

    /// The first that waits for nothing noted before at its doors. It is under way from now on.
    pub fn take(&mut self) -> Option<Arc<Tap>> {
        let is_free = |at: &usize| {
            let (tap, is_under_way) = &self.taps[*at];
            !is_under_way && !self.taps[..*at].iter().any(|(before, _)| before.doors.iter().any(|door| tap.doors.contains(door)))
        };
        let at = (0..self.taps.len()).find(is_free)?;
        self.taps[at].1 = true;
        Some(self.taps[at].0.clone())
    }

    /// Storage has it, or has not taken it: then it waits where it was, before what was noted since.
    pub fn done(&mut self, tap: &Arc<Tap>, is_written: bool) {
        if let Some(at) = self.taps.iter().position(|(other, _)| Arc::ptr_eq(other, tap)) {
            if is_written {
                self.taps.remove(at);
            } else {
                self.taps[at].1 = false;
            }
        }
    }

    /// The last draft of a door.
    pub fn pending(&self, door: Uuid) -> Option<&Unwritten> {
        self.taps.iter().rev().find_map(|(tap, _)| tap.drafts.get(tap.doors.iter().rposition(|at| *at == door)?))
    }

    /// What was said last of a door, where `standing` is what is durable: this is what another visit there corrects. Nothing
    /// where that is taken back, or about to be.
    pub fn last(&self, door: Uuid, standing: Option<&Standing>) -> Option<Standing> {
        match self.pending(door) {
            Some(draft) => Some(Standing { id: draft.id, visit: visit_in(draft)? }),
            None => standing.cloned(),
        }
    }

    /// All of it, in its order.
    pub fn drafts(&self) -> impl Iterator<Item = &Unwritten> {
        self.taps.iter().flat_map(|(tap, _)| &tap.drafts)
    }

    /// Whether all is written.
    pub fn is_empty(&self) -> bool {
        self.taps.is_empty()
    }
}
