//! Runs what the engine decides: requests, timers, writes. It decides nothing about visits itself.

mod http;
mod inputs;
mod join;
mod shelf;

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use dorbank_shared::sync::{
    base::{Base, Verdict},
    engine::{Effect, Event, Fault, Meta, Receipt, State},
    outbox as rules,
    replay::Kept,
    wire::{Admission, Envelope, PROTO, PullRequest, PullResponse, PushRequest, Status},
};
use leptos::prelude::*;
use uuid::Uuid;
use wasm_bindgen::{JsCast as _, closure::Closure};
use wasm_bindgen_futures::spawn_local;

use super::{
    actions, browser,
    phone::{Figures, StorageFault, phone},
    store::{
        StoreError, cache,
        outbox::{self, Contents, Page, Shelved},
        when_taken,
    },
};
pub use inputs::{grew as pool_grew, send as send_inputs};
pub use join::{JoinFault, exchange};

thread_local! {
    static ENGINE: RefCell<State> = RefCell::default();
    static HEARD: Cell<bool> = const { Cell::new(false) };
    /// Entries in storage that this app cannot read. A newer one will.
    static UNREADABLE: Cell<usize> = const { Cell::new(0) };
    /// When the shift ends, as last heard. The bundle may be gone.
    static ENDS_AT: Cell<Option<i64>> = const { Cell::new(None) };
    static CHANNEL: RefCell<Option<web_sys::BroadcastChannel>> = const { RefCell::new(None) };
}

/// Who this page speaks for.
pub fn device() -> Option<Uuid> {
    phone().identity.with_untracked(|identity| identity.as_ref().map(|identity| identity.device))
}

/// The same as it would lie on the shelf, with nothing noted.
pub fn speaker() -> Option<Shelved> {
    let identity = phone().identity.get_untracked()?;
    Some(Shelved { identity, ended_at: ENDS_AT.get(), entries: Vec::new() })
}

fn meta(envelope: &Envelope) -> Meta {
    Meta { device_seq: envelope.device_seq, id: envelope.id, digest: envelope.digest() }
}

/// What the page has of what was noted.
fn page() -> Option<Page> {
    let phone = phone();
    let ours = Shelved { entries: phone.entries.get_untracked().to_vec(), ..speaker()? };
    ENGINE.with_borrow(|engine| {
        let (max_issued, epoch) = (engine.max_issued(), engine.epoch().map(str::to_owned));
        Some(Page { ours, shelf: phone.shelf.get_untracked(), max_issued, epoch })
    })
}

/// Reads storage, as of after what the page has of it is there: somebody may empty it while the app is open.
async fn read() -> Result<(cache::Contents, Contents), StoreError> {
    loop {
        // At the beginning the page knows nobody.
        let knows = device().is_some();
        if knows && outbox::put_back(page).await? {
            phone().emptied.set(true);
            // What they know and this page does not they add.
            tell_other_tabs("entries");
        }
        // The outbox last: what is noted while the rest is read must not be missing from what is shown.
        let cached = cache::read().await.unwrap_or_default();
        let contents = outbox::read().await?;
        if !(knows && contents.is_after_emptying()) {
            return Ok((cached, contents));
        }
    }
}

/// Reads storage and starts. Called at the beginning and after joining, and where storage is not what the page takes it for.
pub async fn open() {
    match read().await {
        Ok((cached, contents)) => {
            let phone = phone();
            let cached = cached.of(contents.identity.as_ref());
            // The doors may be lost where what was noted is not, and the page has them still.
            let admitted = contents.identity.as_ref().filter(|now| now.admission == Admission::Admitted);
            let lost = cached.bundle.is_none() && admitted.is_some_and(|now| Some(now.device) == device());
            outbox::begin(&contents);
            let (unsent, sent): (Vec<_>, Vec<_>) = contents.entries.iter().partition(|kept| kept.status.is_none());
            let metas = |kept: Vec<&Kept>| kept.into_iter().map(|kept| meta(&kept.envelope)).collect();
            let event = Event::Opened { unsent: metas(unsent), sent: metas(sent), max_issued: contents.max_issued, epoch: contents.epoch };
            phone.identity.set(contents.identity);
            // Whether the base has what was received is known only after the next pull; until then it is laid over.
            phone.shown.set(Arc::default());
            phone.entries.set(Arc::new(contents.entries));
            UNREADABLE.set(contents.unreadable);
            if !lost {
                show(cached);
            }
            phone.pool.set(contents.pool);
            inputs::know(contents.tickets);
            ENDS_AT.set(contents.ends_at);
            phone.shelf.set(Arc::new(contents.shelf));
            phone.loaded.set(true);
            if phone.storage.get_untracked() == Some(StorageFault::Unread) {
                phone.storage.set(None);
            }
            HEARD.set(false);
            feed(event);
            inputs::send_if_due();
            if lost {
                keep_doors().await;
            }
        }
        Err(error) => {
            error.log();
            actions::cannot_read(error.fault());
        }
    }
}

/// Shows the doors that are cached.
fn show(cached: cache::Contents) {
    let phone = phone();
    phone.bundle.set(cached.bundle.map(Arc::new));
    phone.bases.set(Arc::new(cached.bases));
    phone.asked.set(Arc::new(cached.asked));
}

/// Caches the doors that the page shows.
async fn keep_doors() {
    let phone = phone();
    let (identity, bundle, bases) = (phone.identity.get_untracked(), phone.bundle.get_untracked(), phone.bases.get_untracked());
    if let Err(error) = cache::write(identity.as_ref(), bundle.as_deref(), &bases).await {
        error.log();
    }
}

fn feed(event: Event) {
    // Without an identity there is nobody to speak for; the engine starts when the phone has joined.
    if phone().identity.with_untracked(Option::is_none) {
        return;
    }
    let effects = ENGINE.with_borrow_mut(|engine| engine.step(event, browser::dice()));
    publish();
    for effect in effects {
        run(effect);
    }
}

/// How much waits that was noted under an earlier identity.
fn on_shelf() -> usize {
    phone().shelf.with_untracked(|shelf| outbox::unsent_on(shelf))
}

fn publish() {
    let figures = ENGINE.with_borrow(|engine| Figures {
        waiting: engine.waiting() + on_shelf() + UNREADABLE.get(),
        noted: engine.max_issued(),
        held: HEARD.get().then(|| engine.held()),
        // Counted where it is kept: the engine forgets with the page.
        quarantined: phone().entries.with_untracked(|entries| entries.iter().filter(|kept| kept.status == Some(Status::Quarantined)).count()) as u64,
        problem: engine.problem(),
    });
    if phone().figures.get_untracked() != figures {
        phone().figures.set(figures);
    }
}

fn run(effect: Effect) {
    match effect {
        Effect::Push { request, entries } => spawn_local(one_tab_at_a_time(async move {
            // What another tab let go of, or a moment's disagreement: an answer would be for nothing, again and again.
            let missing = phone().entries.with_untracked(|all| entries.iter().any(|seq| all.iter().all(|kept| kept.envelope.device_seq != *seq)));
            if missing {
                return open().await;
            }
            let answer = push(&entries).await;
            if answer.is_ok() {
                HEARD.set(true);
            }
            feed(Event::Pushed(request, answer));
        })),
        Effect::Pull { request } => spawn_local(one_tab_at_a_time(pull(request))),
        Effect::Settle(receipts) => spawn_local(settle(receipts)),
        Effect::Reopen(epoch) => spawn_local(reopen(epoch)),
        Effect::Renew => spawn_local(join::renew()),
        Effect::Timer { number, after_ms } => {
            let after = u32::try_from(after_ms).unwrap_or(u32::MAX);
            gloo_timers::callback::Timeout::new(after, move || feed(Event::Timer(number))).forget();
        }
    }
}

/// A tab that sleeps may hold the lock for ever, so nobody waits for it long: the server takes every entry once, the lock
/// only saves traffic.
async fn one_tab_at_a_time(work: impl Future<Output = ()> + 'static) {
    let work = std::rc::Rc::new(RefCell::new(Some(Box::pin(work))));
    for _ in 0..4 {
        let slot = work.clone();
        let attempt = async move {
            let work = slot.borrow_mut().take();
            if let Some(work) = work {
                work.await;
            }
        };
        if browser::alone("dorbank-sync", attempt).await || work.borrow().is_none() {
            return;
        }
        gloo_timers::future::TimeoutFuture::new(400).await;
    }
    let work = work.borrow_mut().take();
    if let Some(work) = work {
        work.await;
    }
}

async fn push(seqs: &[u64]) -> Result<dorbank_shared::sync::wire::PushResponse, Fault> {
    let entries = phone()
        .entries
        .with_untracked(|entries| entries.iter().filter(|kept| seqs.contains(&kept.envelope.device_seq)).map(|kept| kept.envelope.clone()).collect());
    let (mut have, epoch) = ENGINE.with_borrow(|engine| (engine.have(), engine.epoch().map(str::to_owned)));
    // What corrects an entry on the shelf must be waited for like what corrects one that was stepped over.
    have.unsent += on_shelf() as u64;
    http::sync("/sync/v1/push", &PushRequest { proto: PROTO, build: browser::build(), epoch, have, entries }).await
}

async fn pull(request: u64) {
    let phone = phone();
    let asks = device();
    look().await;
    if device() != asks {
        return;
    }
    // Receipts that are durable now are covered by an answer that is asked for now.
    let covered: Vec<u64> =
        phone.entries.with_untracked(|entries| entries.iter().filter(|kept| kept.status.is_some()).map(|kept| kept.envelope.device_seq).collect());
    let bundle = phone.bundle.get_untracked();
    let bases = phone.bases.get_untracked();
    let turfs =
        bundle.iter().flat_map(|bundle| &bundle.turfs).map(|turf| (turf.id, bases.get(&turf.id).and_then(|base| base.cursor.clone()))).collect();
    let body = PullRequest { proto: PROTO, build: browser::build(), bundle: bundle.as_ref().map(|bundle| bundle.tag.clone()), turfs };
    let answer: Result<PullResponse, Fault> = http::sync("/sync/v1/pull", &body).await;
    if device() != asks {
        return;
    }
    if let Ok(answer) = &answer {
        HEARD.set(true);
        apply(answer, covered).await;
    }
    let said = answer.as_ref().ok().map(|answer| (answer.server_time, answer.epoch.clone()));
    // Whoever refuses the present identity may still take what an earlier one noted.
    let heard = !matches!(answer, Err(Fault::Network | Fault::NotOurs | Fault::TooLarge));
    feed(Event::Pulled(request, answer));
    inputs::after_pull(said.as_ref().map(|(server_time, _)| *server_time));
    if heard {
        let epoch = ENGINE.with_borrow(|engine| engine.epoch().map(str::to_owned));
        spawn_local(shelf::send(epoch));
    }
    if let Some((server_time, epoch)) = said {
        spawn_local(let_go(server_time, epoch));
    }
}

/// What is sent and older than any backup leaves the phone.
async fn let_go(server_time: i64, epoch: String) {
    let phone = phone();
    // Mostly nothing is, and storage that is not asked does not keep a tap waiting.
    let past = phone.entries.with_untracked(|entries| rules::past(entries, ENDS_AT.get(), server_time));
    let shelved = phone.shelf.with_untracked(|shelf| shelf.iter().any(|shelved| shelved.is_past(server_time)));
    if (shelved || !past.is_empty()) && outbox::let_go(server_time, &epoch).await.is_ok_and(|went| went) {
        tell_other_tabs("entries");
        open().await;
    }
}

/// All in one turn, and only then what waits for storage: another identity may be taken meanwhile, and nothing of an earlier
/// one may come back to the page.
async fn apply(answer: &PullResponse, covered: Vec<u64>) {
    let phone = phone();
    let mut kept = true;
    if let Some(mut identity) = phone.identity.get_untracked()
        && (identity.admission != answer.admission || identity.sign != answer.sign)
    {
        identity.admission = answer.admission;
        identity.sign.clone_from(&answer.sign);
        phone.identity.set(Some(identity));
        kept = false;
    }
    let mut bundle = answer.bundle.clone().map(Arc::new).or_else(|| phone.bundle.get_untracked());
    let mut bases = (*phone.bases.get_untracked()).clone();
    if answer.admission == Admission::Admitted {
        for turf in &answer.removed {
            bases.remove(turf);
        }
        if let Some(bundle) = bundle.as_mut().filter(|bundle| bundle.turfs.iter().any(|turf| answer.removed.contains(&turf.id))) {
            Arc::make_mut(bundle).turfs.retain(|turf| !answer.removed.contains(&turf.id));
        }
    } else {
        // Whoever is not in the shift keeps nothing of it. The outbox stays.
        bundle = None;
        bases.clear();
    }
    let mut whole = true;
    for turf in &answer.turfs {
        let base: &mut Base = bases.entry(turf.turf).or_default();
        whole &= base.apply(turf) == Verdict::Equal;
    }
    // An answer from before another tab heard of a new plan brings back a turf that nobody would ever take away again.
    if let Some(bundle) = &bundle {
        bases.retain(|turf, _| bundle.turfs.iter().any(|ours| ours.id == *turf));
    }
    let changed = bases != *phone.bases.get_untracked() || answer.bundle.is_some() || bundle.is_none();
    let identity = phone.identity.get_untracked();
    let ends_at = bundle.as_ref().map(|bundle| bundle.ends_at).filter(|ends_at| ENDS_AT.replace(Some(*ends_at)) != Some(*ends_at));
    phone.bundle.set(bundle);
    phone.bases.set(Arc::new(bases));
    if whole {
        phone.shown.update(|shown| Arc::make_mut(shown).extend(covered));
    }
    if let Some(identity) = identity.as_ref().filter(|_| !kept)
        && let Err(error) = outbox::keep_identity(identity).await
    {
        error.log();
    }
    if changed {
        keep_doors().await;
    }
    if let Some(ends_at) = ends_at
        && let Err(error) = outbox::keep_end(identity.map(|identity| identity.device), ends_at).await
    {
        error.log();
    }
    if changed {
        tell_other_tabs("base");
    }
}

async fn settle(receipts: Vec<Receipt>) {
    let epoch = ENGINE.with_borrow(|engine| engine.latest_epoch().map(str::to_owned));
    match outbox::settle(&receipts, epoch.as_deref()).await {
        Ok(seqs) => {
            let left = receipts.iter().map(|receipt| receipt.device_seq).filter(|seq| !seqs.contains(seq)).collect::<Vec<_>>();
            phone().entries.update(|entries| {
                for kept in Arc::make_mut(entries) {
                    if let Some(receipt) = receipts.iter().find(|receipt| receipt.id == kept.envelope.id && seqs.contains(&receipt.device_seq)) {
                        kept.take(receipt);
                    }
                }
            });
            feed(Event::Settled(seqs));
            if !left.is_empty() {
                feed(Event::Unsettled(left));
                // Storage has not what the page takes it to have.
                spawn_local(look());
            }
            tell_other_tabs("entries");
        }
        // What was noted is saved, and the server has it: the engine says that storage fails, and tries again.
        Err(error) => {
            error.log();
            feed(Event::StorageFailed);
        }
    }
}

async fn reopen(epoch: String) {
    match outbox::reopen(&epoch).await {
        Ok(()) => {
            phone().shown.update(|shown| Arc::make_mut(shown).clear());
            phone().entries.update(|entries| Arc::make_mut(entries).iter_mut().for_each(|kept| *kept = kept.clone().unsent()));
            feed(Event::Reopened);
            look().await;
        }
        Err(error) => {
            error.log();
            feed(Event::StorageFailed);
        }
    }
}

/// An answer to what an earlier identity sent, or to inputs, tells of a restore. The present identity may never hear of it: a
/// restored server need not know it.
async fn meet(epoch: &str) {
    if outbox::reopen(epoch).await.is_ok() {
        tell_other_tabs("entries");
        open().await;
    }
}

/// Entries are durable: the engine takes them from here, once the screen has said so.
pub fn saved(written: &[Kept]) {
    let saved: Vec<Envelope> = written.iter().map(|kept| kept.envelope.clone()).collect();
    let by = device();
    gloo_timers::callback::Timeout::new(0, move || {
        // Another identity was taken in this moment, and has counters of its own.
        if device() == by {
            for envelope in &saved {
                feed(Event::Saved(meta(envelope)));
            }
        }
        tell_other_tabs("entries");
        // A counter was left out: another tab gave it.
        if ENGINE.with_borrow(|engine| engine.whole() < engine.max_issued()) {
            spawn_local(look());
        }
    })
    .forget();
}

/// Somebody tapped, the network is said to be back, or the app came to the front.
pub fn nudge() {
    feed(Event::Nudge);
    inputs::send_if_due();
}

/// The page came to the front, where it may have slept while another one wrote.
fn woke() {
    nudge();
    spawn_local(look());
}

fn tell_other_tabs(what: &str) {
    CHANNEL.with_borrow(|channel| channel.as_ref().map(|channel| channel.post_message(&what.into())));
}

/// Another tab wrote. Read what it wrote; say nothing back, or two tabs would never stop.
async fn other_tab_wrote(what: String) {
    if what != "base" {
        return look().await;
    }
    if let Ok(cached) = cache::read().await.map(|cached| cached.of(phone().identity.get_untracked().as_ref())) {
        show(cached);
    }
}

/// Reads what storage has and this page does not know. Another tab may have ended between writing and saying so, or this one
/// may have slept: nobody would hear of what was written until the app is opened again, and the screen would say that all is
/// sent.
pub async fn look() {
    let phone = phone();
    let Ok(contents) = outbox::read().await else { return };
    let known = phone.entries.get_untracked();
    // It took another identity, or met a restore, or put back what it had into storage that was emptied.
    let is_met = |epoch: &str| ENGINE.with_borrow(|engine| [engine.epoch(), engine.latest_epoch()].contains(&Some(epoch)));
    if contents.identity.as_ref().map(|identity| identity.device) != device()
        || !contents.epoch.as_deref().is_none_or(is_met)
        || contents.is_after_emptying()
        || rules::disagree(&known, &contents.entries)
        || phone.shelf.with_untracked(|shelf| rules::shelve(shelf, false, &mut contents.shelf.clone()))
    {
        return open().await;
    }
    let find = |seq: u64| known.iter().find(|kept| kept.envelope.device_seq == seq);
    let fresh: Vec<Meta> = contents.entries.iter().filter(|kept| find(kept.envelope.device_seq).is_none()).map(|kept| meta(&kept.envelope)).collect();
    let settled: Vec<u64> = contents
        .entries
        .iter()
        .filter(|kept| kept.status.is_some() && find(kept.envelope.device_seq).is_none_or(|old| old.status.is_none()))
        .map(|kept| kept.envelope.device_seq)
        .collect();
    outbox::begin(&contents);
    UNREADABLE.set(contents.unreadable);
    phone.entries.set(Arc::new(contents.entries));
    phone.pool.set(contents.pool);
    phone.shelf.set(Arc::new(contents.shelf));
    publish();
    for meta in fresh {
        feed(Event::Saved(meta));
    }
    if !settled.is_empty() {
        feed(Event::Settled(settled));
    }
}

/// Listens for reasons to sync. None of them is trusted beyond a hint.
pub fn listen() {
    when_taken(|| spawn_local(look()));
    // "offline" too: then the try that fails at once is what the screen speaks from.
    for name in ["online", "offline"] {
        window_event_listener_untyped(name, |_| nudge()).remove_never();
    }
    for name in ["pageshow", "focus"] {
        window_event_listener_untyped(name, |_| woke()).remove_never();
    }
    let seen = Closure::<dyn FnMut()>::new(|| {
        if browser::is_visible() {
            woke();
        }
    });
    let _ = document().add_event_listener_with_callback("visibilitychange", seen.as_ref().unchecked_ref());
    seen.forget();
    if let Ok(channel) = web_sys::BroadcastChannel::new("dorbank") {
        let heard = Closure::<dyn FnMut(web_sys::MessageEvent)>::new(|event: web_sys::MessageEvent| {
            if let Some(what) = event.data().as_string() {
                spawn_local(other_tab_wrote(what));
            }
        });
        channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        heard.forget();
        CHANNEL.set(Some(channel));
    }
}

/// A listener that lives as long as the page.
trait Forever {
    fn remove_never(self);
}

impl Forever for WindowListenerHandle {
    fn remove_never(self) {
        std::mem::forget(self);
    }
}
