//! Sends what was noted under earlier identities of this phone: an earlier shift's, or a copied phone's. The engine decides
//! what goes when, as it does for the present one.

use std::cell::Cell;

use dorbank_shared::sync::{
    engine::{Effect, Event, State},
    wire::{MAX_ENTRIES, PROTO, PushRequest},
};
use leptos::prelude::*;

use super::{http, meta};
use crate::field::{
    browser,
    phone::phone,
    store::outbox::{self, Shelved},
};

thread_local! {
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// After a pull was answered: there is a network, and what is of now has had its turn.
pub(super) async fn send(epoch: Option<String>) {
    // Mostly there is nothing, and storage that is not asked does not keep a tap waiting.
    if phone().shelf.with_untracked(|shelf| shelf.is_empty()) || BUSY.replace(true) {
        return;
    }
    if let Ok(shelf) = outbox::shelf().await
        && !shelf.is_empty()
    {
        for shelved in shelf.iter().filter(|shelved| shelved.unsent().count() > 0) {
            if send_one(shelved, epoch.clone()).await.is_none() {
                break;
            }
        }
        super::look().await;
    }
    BUSY.set(false);
}

/// Pushes until the engine would pull or wait; what is left has its turn after the next pull.
async fn send_one(shelved: &Shelved, epoch: Option<String>) -> Option<()> {
    let max_issued = shelved.entries.iter().map(|kept| kept.envelope.device_seq).max().unwrap_or_default();
    let unsent = shelved.unsent().map(|kept| meta(&kept.envelope)).collect();
    let mut engine = State::default();
    let mut effects = engine.step(Event::Opened { unsent, sent: Vec::new(), max_issued, epoch: epoch.clone() }, browser::dice());
    while let Some((request, seqs)) = effects.iter().find_map(|effect| match effect {
        Effect::Push { request, entries } => Some((*request, entries.clone())),
        _ => None,
    }) {
        let entries: Vec<_> =
            shelved.unsent().map(|kept| &kept.envelope).filter(|entry| seqs.contains(&entry.device_seq)).take(MAX_ENTRIES).cloned().collect();
        let body = PushRequest { proto: PROTO, build: browser::build(), epoch: epoch.clone(), have: engine.have(), entries };
        let answer = http::sync_as(&shelved.identity.credential, "/sync/v1/push", &body).await;
        effects = engine.step(Event::Pushed(request, answer), browser::dice());
        for effect in &effects {
            if let Effect::Reopen(epoch) = effect {
                super::meet(epoch).await;
                return None;
            }
            if let Effect::Settle(receipts) = effect {
                // Where another server than the one that answered is the present one, its receipts are for nothing.
                let holds = outbox::settle_shelved(shelved.identity.device, receipts, engine.latest_epoch()).await.ok()?;
                if !holds {
                    return None;
                }
                engine.step(Event::Settled(receipts.iter().map(|receipt| receipt.device_seq).collect()), 0);
            }
        }
    }
    Some(())
}
