//! A phone's storage: what is asked of it, what it does, and what the app makes of its answer.

use std::sync::Arc;

use dorbank_shared::sync::{
    engine::{Event, Receipt},
    replay::Kept,
    taps::Tap,
};
use rand::RngExt as _;

use super::{At, Happening, World};
use crate::simulator::{
    fault::Kind,
    phone::Offering,
    server::What,
    storage::{Cache, Joined, Op, meta},
};

/// So long the app waits for storage (`app/src/field/store/handle.rs`).
const PATIENCE_MS: u64 = 8_000;
/// So long after storage failed it is tried again (`app/src/field/actions.rs`).
pub(super) const AGAIN_MS: u64 = 5_000;

impl World {
    /// Asks storage to write, in so many milliseconds at the earliest. Writes are done in the order in which they were asked for.
    pub(super) fn ask(&mut self, at: At, op: Op, wait: u64) {
        let takes = self.rng.random_range(1..40);
        let done = (self.now + wait + takes).max(self.phones[at.phone].written_at + 1);
        if wait == 0 {
            self.phones[at.phone].written_at = done;
        }
        self.after(done - self.now, Happening::Write(at, op));
    }

    pub(super) fn write(&mut self, at: At, op: &Op) {
        let alive = self.alive(at);
        if !alive && self.phones[at.phone].dice().is_multiple_of(2) {
            return;
        }
        let full = self.is_full(at.phone);
        if full {
            self.faults.count(Kind::Quota);
        }
        let (mut written, mut said, mut silent) = (!full, !full, false);
        if !full {
            if self.strikes(Kind::FailedWrite, 0.06) {
                (written, said) = (false, false);
            } else if self.strikes(Kind::LostReport, 0.04) {
                said = false;
            } else if self.strikes(Kind::Silent, 0.03) {
                written = self.faults.dice(Kind::Silent).random_bool(0.5);
                (said, silent) = (false, true);
            }
        }
        // Whoever finds nobody there to whom it could belong, or somebody else, first puts back what it has.
        let phone = &self.phones[at.phone];
        let tab = &phone.tabs[at.tab];
        let is_another = phone.storage.emptied || (tab.device, tab.mark) != (phone.storage.device, phone.storage.mark);
        if written && is_another && matches!(op, Op::Append(..) | Op::Join(..)) {
            if !alive {
                return;
            }
            // Whoever joins does not wait for it.
            let is_read = self.read_again(at);
            if !is_read && matches!(op, Op::Append(..)) {
                (written, said) = (false, false);
            }
        }
        let settled = if written { self.phones[at.phone].storage.write(op) } else { Vec::new() };
        if silent {
            // What is asked for meanwhile waits behind it.
            let phone = &mut self.phones[at.phone];
            phone.written_at = phone.written_at.max(self.now + PATIENCE_MS);
            self.after(PATIENCE_MS, Happening::GivenUp(at, op.clone(), settled));
        } else if alive {
            self.written(at, op, said, &settled);
        }
    }

    pub(super) fn is_full(&self, phone: usize) -> bool {
        self.calm.is_none() && self.now < self.phones[phone].full_until
    }

    pub(super) fn tell_other_tabs(&mut self, at: At, base: bool) {
        for tab in 0..self.phones[at.phone].tabs.len() {
            let other = self.at(at.phone, tab);
            if tab != at.tab && self.alive(other) {
                let mut wait = self.rng.random_range(1..20);
                // A page in the background sleeps, and knows less than the one in front when storage is emptied.
                if self.faults.has(Kind::Emptied) && self.faults.dice(Kind::Emptied).random_bool(0.2) {
                    wait = self.faults.dice(Kind::Emptied).random_range(20..120_000);
                }
                self.after(wait, Happening::OtherTab(other, base));
            }
        }
    }

    /// The page reads what another one wrote, or all where storage is not what it takes it for: as in
    /// `app/src/field/sync/mod.rs`. False where it began anew.
    pub(super) fn look(&mut self, at: At) -> bool {
        let phone = &mut self.phones[at.phone];
        if !phone.has_what_is_known(at.tab) {
            self.read_again(at);
            return false;
        }
        for event in phone.read_entries(at.tab) {
            self.step(at, event);
        }
        true
    }

    /// Storage has answered.
    pub(super) fn written(&mut self, at: At, op: &Op, said: bool, settled: &[u64]) {
        match (op, said) {
            (Op::Append(tap, _), true) => {
                self.saved(at, tap);
                self.write_next(at);
            }
            (Op::Append(tap, _), false) => {
                self.phones[at.phone].tabs[at.tab].taps.done(tap, false);
                self.after(AGAIN_MS, Happening::WriteAgain(at));
                if self.is_tapped_again(0.3) {
                    let wait = self.faults.dice(Kind::Again).random_range(1..2 * AGAIN_MS);
                    self.after(wait, Happening::TapAgain(at, tap.doors[0]));
                }
            }
            (Op::KeepSealed(_, sealed, _), true) => {
                let phone = &mut self.phones[at.phone];
                phone.tabs[at.tab].unsaved -= 1;
                phone.said.push(sealed.clone());
                self.send_inputs_if_due(at);
            }
            // The screen says that it is not saved. The app tries a visit again; of an input the volunteer decides.
            (Op::KeepSealed(key, sealed, _), false) if self.strikes(Kind::Struck, 0.4) => self.ask(at, Op::Strike(*key, sealed.clone()), AGAIN_MS),
            (Op::KeepSealed(..) | Op::Strike(..), false) => self.ask(at, op.clone(), AGAIN_MS),
            (Op::Strike(_, sealed), true) => {
                let phone = &mut self.phones[at.phone];
                phone.tabs[at.tab].unsaved -= 1;
                if settled.is_empty() {
                    phone.struck.push(sealed.clone());
                }
            }
            (Op::Settle(receipts, _), true) => {
                let (settled, left): (Vec<&Receipt>, Vec<&Receipt>) = receipts.iter().partition(|receipt| settled.contains(&receipt.device_seq));
                let entries = &mut self.phones[at.phone].tabs[at.tab].entries;
                for receipt in &settled {
                    if let Some(kept) = entries.get_mut(&receipt.device_seq).filter(|kept| kept.envelope.id == receipt.id) {
                        kept.take(receipt);
                    }
                }
                let seqs = |receipts: Vec<&Receipt>| receipts.iter().map(|receipt| receipt.device_seq).collect::<Vec<_>>();
                self.step(at, Event::Settled(seqs(settled)));
                if !left.is_empty() {
                    self.step(at, Event::Unsettled(seqs(left)));
                }
                self.tell_other_tabs(at, false);
            }
            (Op::SettleShelved(..), true) if settled.is_empty() => self.shelf_settled(at),
            // Receipts of a server that is no more: what they were for has its turn after the next pull.
            (Op::SettleShelved(..), true) => self.phones[at.phone].tabs[at.tab].shelving = None,
            (Op::SettleShelved(..), false) => self.phones[at.phone].tabs[at.tab].shelving = None,
            (Op::Join(device, why), true) => {
                if *why == Joined::Anew {
                    self.ask(at, Op::KeepCache(Cache { of: *device, ..Cache::default() }), 0);
                }
                if *why == Joined::Anew && self.faults.has(Kind::Emptied) && self.faults.dice(Kind::Emptied).random_bool(0.5) {
                    // Before a page that sleeps has heard of it.
                    let wait = self.faults.dice(Kind::Emptied).random_range(1..30_000);
                    self.after(wait, Happening::Empty(at.phone));
                } else {
                    self.tell_other_tabs(at, false);
                }
                self.read_again(at);
            }
            (Op::Join(..), false) => {
                self.tell_other_tabs(at, false);
                self.read_again(at);
            }
            (Op::Reopen(_), true) => {
                let tab = &mut self.phones[at.phone].tabs[at.tab];
                tab.entries.values_mut().for_each(|kept| *kept = kept.clone().unsent());
                tab.shown.clear();
                self.step(at, Event::Reopened);
                self.look(at);
            }
            (Op::Meet(_), true) => {
                self.tell_other_tabs(at, false);
                self.read_again(at);
            }
            (Op::Meet(_), false) => {}
            (Op::Settle(..) | Op::Reopen(_), false) => self.step(at, Event::StorageFailed),
            (Op::KeepCache(_), _) => self.tell_other_tabs(at, true),
            (Op::Assign, true) => match self.phones[at.phone].inputs_body(at.tab) {
                Some((request, body)) => self.send(at, request, What::Inputs, body),
                None => self.draw_as_any(at),
            },
            (Op::Assign, false) => self.phones[at.phone].tabs[at.tab].inputs = None,
            (Op::AnswerInputs(_), true) if self.phones[at.phone].pool() > 0 => self.ask(at, Op::Assign, 0),
            (Op::AnswerInputs(_), _) => self.phones[at.phone].tabs[at.tab].inputs = None,
            (Op::LetGo(..), true) if settled.is_empty() => {
                self.tell_other_tabs(at, false);
                self.read_again(at);
            }
            (Op::LetGo(..), _) => {}
            (Op::KeepTickets(_, _, What::TicketsAsAny), true) => self.ask(at, Op::Assign, 0),
            (Op::KeepTickets(_, _, What::TicketsAsAny), false) => self.draw_as_any(at),
            (Op::KeepTickets(..), _) => self.phones[at.phone].tabs[at.tab].drawing = None,
        }
    }

    fn saved(&mut self, at: At, tap: &Arc<Tap>) {
        let phone = &mut self.phones[at.phone];
        let mut here = Vec::new();
        for draft in &tap.drafts {
            let is_it = |kept: &&Kept| kept.envelope.id == draft.id && kept.envelope.bytes == draft.bytes;
            let present = phone.storage.entries.values().rfind(is_it);
            match present.or_else(|| phone.storage.all_entries().find(is_it)) {
                Some(kept) => phone.saved.push(kept.envelope.clone()),
                None => self.wrong.push("storage said that an entry was saved, and has it not".into()),
            }
            here.extend(present.cloned());
            phone.unwritten.retain(|(tab, _), last| *tab != at.tab || last.id != draft.id);
        }
        if here.len() < tap.drafts.len() || phone.tabs[at.tab].device != phone.storage.device {
            // Another identity was taken meanwhile, and storage knows under which of them it lies.
            self.tell_other_tabs(at, false);
            self.read_again(at);
            self.phones[at.phone].tabs[at.tab].taps.done(tap, true);
            return;
        }
        let page = &mut phone.tabs[at.tab];
        page.next = Some(phone.storage.next_seq);
        page.entries.extend(here.iter().map(|kept| (kept.envelope.device_seq, kept.clone())));
        page.taps.done(tap, true);
        // A page that dies here has told no other tab either.
        if !self.phones[at.phone].only_knows(at.tab) && self.strikes(Kind::CrashAfterSave, 0.05) {
            self.crash(at.phone, at.tab);
            return;
        }
        for kept in here {
            self.step(at, Event::Saved(meta(&kept.envelope)));
        }
        self.tell_other_tabs(at, false);
    }

    /// Somebody taps "End and send the inputs" once four wait, and when all is over; what is sent without a tap is tried in
    /// `shared/src/sync/outbox_tests.rs`.
    pub(super) fn send_inputs_if_due(&mut self, at: At) {
        let waiting = self.phones[at.phone].waiting();
        let any = self.phones[at.phone].may_draw(at.tab);
        let tab = &mut self.phones[at.phone].tabs[at.tab];
        if tab.inputs.is_none() && waiting > 0 && (self.calm.is_some() || waiting >= 4) {
            tab.inputs = Some(Offering::default());
            (tab.drawing_as_any, tab.lacked, tab.tries_since) = ((0, any), u64::MAX, self.now);
            self.ask(at, Op::Assign, 0);
        }
    }
}
