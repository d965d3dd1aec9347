//! What a tap does: write first, show after. A tick on the screen means that the write is on the disk.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use dorbank_shared::{
    input::{Arena, Input, is_control},
    screening,
    sync::{
        file::{FILE, Unwritten},
        replay::{Kept, Standing},
        taps::{Tap, Taps},
        wire::{Envelope, KIND_VISIT, KIND_WITHDRAWAL},
    },
    visit::{Outcome, VisitV1, WithdrawalV1},
    words::key,
};
use leptos::prelude::*;
use serde::Serialize;
use uuid::{NoContext, Timestamp, Uuid};
use wasm_bindgen_futures::spawn_local;

use super::{
    browser,
    phone::{NoteDraft, Noted, Snack, StorageFault, count, fill, phone},
    seal,
    store::{
        StoreError, cache,
        outbox::{self, Pool, Shelved, Written},
    },
    sync,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// A door, or an entrance as a whole, with what its note needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The turf.
    pub turf: Uuid,
    /// The entrance.
    pub entrance: Uuid,
    /// The door, or nothing for the entrance.
    pub unit: Option<Uuid>,
}

impl Place {
    /// The id under which its state is kept.
    pub fn door(self) -> Uuid {
        self.unit.unwrap_or(self.entrance)
    }
}

fn fresh_id(now: i64) -> Uuid {
    let millis = u64::try_from(now).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, millis / 1000, u32::try_from(millis % 1000).unwrap_or_default() * 1_000_000))
}

fn visit(place: Place, outcome: Outcome, leaflet: bool) -> Option<Unwritten> {
    let now = browser::now();
    let campaign = phone().bundle.with_untracked(|bundle| bundle.as_ref().map(|bundle| bundle.campaign))?;
    let body = VisitV1 { campaign, turf: place.turf, entrance: place.entrance, unit: place.unit, outcome, leaflet, occurred_at: now };
    Some(Unwritten {
        id: fresh_id(now),
        kind: KIND_VISIT.to_owned(),
        version: 1,
        supersedes: last(place.door()).map(|before| before.id),
        captured_at: now,
        bytes: serde_json::to_string(&body).ok()?,
    })
}

fn withdrawal(of: Uuid, campaign: Uuid) -> Unwritten {
    let now = browser::now();
    let bytes = serde_json::to_string(&WithdrawalV1 { campaign }).unwrap_or_default();
    Unwritten { id: fresh_id(now), kind: KIND_WITHDRAWAL.to_owned(), version: 1, supersedes: Some(of), captured_at: now, bytes }
}

thread_local! {
    /// What storage has not taken. It is tried again from here, never lost silently.
    static TAPS: RefCell<Taps> = const { RefCell::new(Taps::new()) };
    /// Whether it is about to be tried again.
    static WAITING: Cell<bool> = const { Cell::new(false) };
    /// Whether it is being tried again.
    static TRYING: Cell<bool> = const { Cell::new(false) };
    /// What is to be done once all is written.
    static THEN: Cell<Option<fn()>> = const { Cell::new(None) };
}

/// Where storage was emptied it first gets back what the page has of it.
async fn append_again(Tap { drafts, by, .. }: &Tap) -> Result<Written, StoreError> {
    let written = outbox::append_again(drafts, by.as_ref(), sync::device()).await;
    if !matches!(written, Err(StoreError::Emptied)) {
        return written;
    }
    sync::open().await;
    outbox::append_again(drafts, by.as_ref(), sync::device()).await
}

/// What was noted last of a door, also where it is not written yet.
fn last(door: Uuid) -> Option<Standing> {
    phone().standing.with_untracked(|standing| TAPS.with_borrow(|taps| taps.last(door, standing.get(&door))))
}

/// What was said last of a door.
pub fn said(door: Uuid) -> Option<(Outcome, bool)> {
    last(door).map(|standing| (standing.visit.outcome, standing.visit.leaflet))
}

fn is_pending(door: Uuid) -> bool {
    TAPS.with_borrow(|taps| taps.pending(door).is_some())
}

/// Notes drafts at their doors: writes, and only then lets the screen know. Gives what is durable now.
async fn write(drafts: Vec<(Uuid, Unwritten)>) -> Option<Arc<Tap>> {
    let by = sync::speaker();
    let tap = TAPS.with_borrow_mut(|taps| taps.note(drafts, by.as_ref()))?;
    let written = match outbox::append(&tap.drafts).await {
        Some(written) => Ok(written),
        None => append_again(&tap).await,
    };
    if !show(&tap, written).await {
        return None;
    }
    go_on();
    Some(tap)
}

/// What came of it. True when it is durable.
async fn show(tap: &Arc<Tap>, written: Result<Written, StoreError>) -> bool {
    let fault = match written {
        Ok(written) => {
            if written.by == sync::device() && written.entries.len() == tap.drafts.len() {
                took(&written.entries);
            } else {
                // Another identity was taken meanwhile, maybe by another tab: storage knows under which of them it lies.
                sync::open().await;
            }
            None
        }
        Err(error) => {
            error.log();
            Some(error.fault())
        }
    };
    // Not before it is shown: what is tapped meanwhile corrects it.
    TAPS.with_borrow_mut(|taps| taps.done(tap, fault.is_none()));
    if let Some(then) = THEN.take() {
        when_written(then);
    }
    if fault.is_some() {
        phone().storage.set(fault);
        try_again_later();
    }
    fault.is_none()
}

fn took(written: &[Kept]) {
    phone().entries.update(|entries| {
        let entries = Arc::make_mut(entries);
        for kept in written {
            if !entries.iter().any(|known| known.envelope.id == kept.envelope.id) {
                entries.push(kept.clone());
            }
        }
    });
    sync::saved(written);
}

/// What waited for something else to be written has its turn.
fn go_on() {
    if has_taps() && phone().storage.with_untracked(Option::is_none) {
        spawn_local(write_again());
    }
}

/// Whether something was tapped that storage has not taken.
pub fn has_taps() -> bool {
    TAPS.with_borrow(|taps| !taps.is_empty())
}

/// Does what ends this page, once storage has all that was tapped: it is nowhere else.
pub fn when_written(then: fn()) {
    if has_taps() {
        THEN.set(Some(then));
    } else {
        then();
    }
}

/// Nobody has to stand and wait for a storage that comes back by itself.
fn try_again_later() {
    if !WAITING.replace(true) {
        gloo_timers::callback::Timeout::new(5_000, || {
            WAITING.set(false);
            spawn_local(write_again());
        })
        .forget();
    }
}

/// Tries again what storage did not take, or to read what it holds.
pub async fn write_again() {
    if TRYING.replace(true) {
        return;
    }
    let mut healed = !has_taps() && outbox::probe().await.unwrap_or(false);
    while let Some(tap) = TAPS.with_borrow_mut(Taps::take) {
        let written = append_again(&tap).await;
        healed = show(&tap, written).await;
        if !healed {
            break;
        }
    }
    TRYING.set(false);
    let storage = phone().storage;
    match storage.get_untracked() {
        fault if healed && (fault.is_some() || !phone().loaded.get_untracked()) => {
            // That what is there can be read is known when it was.
            if fault != Some(StorageFault::Unread) {
                storage.set(None);
            }
            sync::open().await;
            go_on();
        }
        // Only the newer app, or this one started anew, gets on.
        None | Some(StorageFault::Newer) => {}
        Some(_) => try_again_later(),
    }
}

/// Storage could not be read: nothing is known of what it holds, and it is tried until it can be.
pub fn cannot_read(fault: StorageFault) {
    let storage = phone().storage;
    match fault {
        StorageFault::Newer => storage.set(Some(fault)),
        // It says itself what it waits for; and what is said already is not said again.
        _ if matches!(storage.get_untracked(), Some(StorageFault::Blocked | StorageFault::Unread)) => {}
        _ => storage.set(Some(StorageFault::Unread)),
    }
    if fault != StorageFault::Newer {
        try_again_later();
    }
}

/// Whether there is anything that a file would hold.
pub fn has_unsent() -> bool {
    has_taps() || phone().figures.with_untracked(|figures| figures.waiting > 0)
}

/// What leaves the phone as a file ([`dorbank_shared::sync::file`], without copies of it), for the organiser's screen. Never
/// the credential, never an input.
#[derive(Serialize)]
struct Export<'a> {
    dorbank: u32,
    device: Option<Uuid>,
    unsent: Vec<&'a Envelope>,
    unwritten: Vec<Unwritten>,
    earlier: Vec<Earlier<'a>>,
}

/// What was noted under an earlier identity.
#[derive(Serialize)]
struct Earlier<'a> {
    device: Uuid,
    unsent: Vec<&'a Envelope>,
}

impl<'a> Earlier<'a> {
    fn of(shelved: &'a Shelved) -> Self {
        Self { device: shelved.identity.device, unsent: shelved.unsent().map(|kept| &kept.envelope).collect() }
    }
}

/// Saves the unsent entries, those of earlier identities, and what storage did not take, as a file.
pub async fn save_file() {
    // Whoever has a storage that does not answer does not wait for it here.
    if phone().storage.get_untracked().is_none() {
        sync::look().await;
    }
    browser::download("dorbank.json", &export());
}

fn export() -> String {
    let (entries, shelf) = (phone().entries.get_untracked(), phone().shelf.get_untracked());
    let export = Export {
        dorbank: FILE,
        device: sync::device(),
        unsent: entries.iter().filter(|kept| kept.status.is_none()).map(|kept| &kept.envelope).collect(),
        unwritten: TAPS.with_borrow(|taps| taps.drafts().cloned().collect()),
        earlier: shelf.iter().filter(|shelved| shelved.unsent().count() > 0).map(Earlier::of).collect(),
    };
    serde_json::to_string(&export).unwrap_or_default()
}

/// Notes what happened at a door. True when it is durable.
pub async fn note_visit(place: Place, name: String, outcome: Outcome, leaflet: bool) -> bool {
    let door = place.door();
    let before = phone().standing.with_untracked(|standing| standing.get(&door).cloned());
    let mut undo = Vec::new();
    // What is said already is not said again: the end of the shift counts entries, and so does whoever reads the proof.
    if is_pending(door) || said(door) != Some((outcome, leaflet)) {
        let Some(draft) = visit(place, outcome, leaflet) else { return false };
        undo.push(Noted { door, id: draft.id, before });
        if write(vec![(door, draft)]).await.is_none() {
            return false;
        }
    }
    // First the tick, then the words about it.
    gloo_timers::future::TimeoutFuture::new(0).await;
    // Where something else was said since, that is what could be taken back.
    if !is_pending(door) {
        let text = fill(key::DOOR_NOTED, &[("door", &name), ("outcome", &outcome_word(outcome))]);
        phone().snack.set(Some(Snack { text, undo }));
    }
    true
}

/// Nobody opened at any of these doors.
pub async fn note_rest(places: Vec<Place>) {
    let mut drafts = Vec::new();
    for place in places.iter().filter(|place| !is_pending(place.door())) {
        drafts.extend(visit(*place, Outcome::NotHome, false).map(|draft| (place.door(), draft)));
    }
    if let Some(tap) = write(drafts).await {
        let text = count(key::DOOR_NOTED_MANY, tap.doors.len());
        phone().snack.set(Some(Snack {
            text,
            undo: tap.doors.iter().zip(&tap.drafts).map(|(door, draft)| Noted { door: *door, id: draft.id, before: None }).collect(),
        }));
    }
}

/// Takes back what the last tap noted: what stood before stands again, or nothing does. Not where something else was said since.
pub async fn undo(notes: Vec<Noted>) {
    // Nobody takes it back twice. What said so stays until it says what came of it: beneath it are doors.
    phone().snack.update(|snack| snack.iter_mut().for_each(|snack| snack.undo.clear()));
    let mut drafts = Vec::new();
    for Noted { door, id, before } in notes {
        let Some(current) = last(door).filter(|current| current.id == id) else { continue };
        let draft = match before {
            Some(Standing { visit: before, .. }) => {
                let place = Place { turf: before.turf, entrance: before.entrance, unit: before.unit };
                visit(place, before.outcome, before.leaflet)
            }
            None => Some(withdrawal(id, current.visit.campaign)),
        };
        drafts.extend(draft.map(|draft| (door, draft)));
    }
    let undone = write(drafts).await.is_some();
    phone().snack.set(undone.then(|| Snack { text: super::phone::word(key::DOOR_UNDONE), undo: Vec::new() }));
}

/// Takes back what was said last of a door.
pub async fn take_back(door: Uuid) {
    if let Some(Standing { id, .. }) = last(door) {
        undo(vec![Noted { door, id, before: None }]).await;
    }
}

/// Remembers that a door was asked, whatever the answer.
pub fn mark_asked(door: Uuid) {
    phone().asked.update(|asked| {
        Arc::make_mut(asked).insert(door);
    });
    let Some(round) = phone().bundle.with_untracked(|bundle| bundle.as_ref().map(|bundle| bundle.round.id)) else { return };
    spawn_local(async move {
        if let Err(error) = cache::mark_asked(door, round).await {
            error.log();
        }
    });
}

/// What became of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputFate {
    /// It is durable, or gone, as was asked.
    Done,
    /// Storage did not say so. It may have done it.
    Unknown,
    /// It was kept before, and may be on its way as it was then.
    OnItsWay,
}

impl InputFate {
    fn of(written: Result<Option<Pool>, StoreError>) -> Self {
        match written {
            Ok(Some(pool)) => {
                phone().pool.set(pool);
                Self::Done
            }
            Ok(None) => Self::OnItsWay,
            Err(error) => {
                error.log();
                Self::Unknown
            }
        }
    }
}

/// Seals an input and keeps it.
pub async fn keep_input(draft: NoteDraft, topics: Vec<Uuid>, words: String) -> InputFate {
    let round = draft.round.id;
    if screening::look(&words).into_iter().any(screening::Hint::refuses) {
        return InputFate::Unknown;
    }
    let words = words.replace(is_control, " ");
    let words = Some(words.trim().to_owned()).filter(|words| !words.is_empty());
    let input = Input { id: draft.id, round, area: draft.area, arena: Arena::Door, topics, words };
    if input.check().is_err() {
        return InputFate::Unknown;
    }
    let Ok(plain) = serde_json::to_vec(&input) else { return InputFate::Unknown };
    let Ok(sealed) = seal::seal(&draft.round.public_key, &plain).await else { return InputFate::Unknown };
    let fate = InputFate::of(outbox::keep_sealed(draft.key, &URL_SAFE_NO_PAD.encode(sealed), round).await);
    if fate == InputFate::Done {
        sync::pool_grew();
    }
    fate
}

/// Strikes an input that was said to be unsaved: storage may have taken it all the same.
pub async fn strike_input(draft: &NoteDraft) -> InputFate {
    InputFate::of(outbox::strike(draft.key).await)
}

/// What an outcome is called.
pub fn outcome_word(outcome: Outcome) -> String {
    super::phone::word(match outcome {
        Outcome::NotHome => key::OUTCOME_NOT_HOME,
        Outcome::Talked => key::OUTCOME_TALKED,
        Outcome::Declined => key::OUTCOME_DECLINED,
        Outcome::NoAccess => key::OUTCOME_NO_ACCESS,
        Outcome::IntercomLetIn => key::OUTCOME_INTERCOM_LET_IN,
        Outcome::IntercomDeclined => key::OUTCOME_INTERCOM_DECLINED,
        Outcome::IntercomTalked => key::OUTCOME_INTERCOM_TALKED,
        Outcome::ComeBack => key::OUTCOME_COME_BACK,
        Outcome::DoNotKnock => key::OUTCOME_DO_NOT_KNOCK,
        Outcome::LeafletOnly => key::OUTCOME_LEAFLET_ONLY,
        Outcome::Done => key::OUTCOME_DONE,
    })
}
