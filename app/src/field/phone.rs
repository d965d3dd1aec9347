//! What the app knows right now: signals that screens read. Storage and the server are elsewhere; this is their image.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use dorbank_shared::{
    round::RoundBundle,
    sync::{
        base::Base,
        engine::Problem,
        replay::{Kept, Standing, Visits, replay, standing, visits},
        wire::{Admission, Bundle, EntranceBundle, TurfBundle},
    },
    walk::States,
    words::Words,
};
use leptos::prelude::*;
use uuid::Uuid;

use super::{
    route::Route,
    store::outbox::{Identity, Pool, Shelved},
};

/// What is wrong with storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageFault {
    /// A write failed, also on a fresh connection.
    Failed,
    /// Nothing was answered at all.
    Silent,
    /// What is there cannot be read: nothing is known of it.
    Unread,
    /// Another tab holds the database.
    Blocked,
    /// A newer app has changed it.
    Newer,
}

/// The engine's figures, as the screen shows them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Entries without a receipt.
    pub waiting: usize,
    /// Entries ever noted in this shift.
    pub noted: u64,
    /// Entries that the server said it holds; absent until it has said so.
    pub held: Option<u64>,
    /// Entries that an organiser looks at.
    pub quarantined: u64,
    /// What is wrong, if anything.
    pub problem: Option<Problem>,
}

/// An input while it is written. It holds no door, turf or time, and it is never stored before it is sealed.
#[derive(Debug, Clone)]
pub struct NoteDraft {
    /// The input's id, and the key under which it will be kept: two, so that neither tells the other. Made once, so that a
    /// second tap after a fault of storage does not make a second input.
    pub id: Uuid,
    /// See [`NoteDraft::id`].
    pub key: Uuid,
    /// The area's number.
    pub area: String,
    /// The round, as it was when the person said yes. Another tab may join a shift of another one meanwhile.
    pub round: RoundBundle,
}

/// What the last tap did, and how to undo it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snack {
    /// What it says.
    pub text: String,
    /// What can be taken back.
    pub undo: Vec<Noted>,
}

/// What a tap noted of a door.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    /// The door.
    pub door: Uuid,
    /// The entry.
    pub id: Uuid,
    /// What stood before.
    pub before: Option<Standing>,
}

/// All signals. Copied freely.
#[derive(Debug, Clone, Copy)]
pub struct Phone {
    /// The screen.
    pub route: RwSignal<Route>,
    /// The words of the chosen language.
    pub words: RwSignal<Arc<Words>>,
    /// Whether storage has been read.
    pub loaded: RwSignal<bool>,
    /// Who we are.
    pub identity: RwSignal<Option<Identity>>,
    /// The shift.
    pub bundle: RwSignal<Option<Arc<Bundle>>>,
    /// The state of doors as the server gave it.
    pub bases: RwSignal<Arc<BTreeMap<Uuid, Base>>>,
    /// Our own entries, by counter.
    pub entries: RwSignal<Arc<Vec<Kept>>>,
    /// Counters of entries that the base already contains.
    pub shown: RwSignal<Arc<BTreeSet<u64>>>,
    /// Doors that were asked.
    pub asked: RwSignal<Arc<BTreeSet<Uuid>>>,
    /// The engine's figures.
    pub figures: RwSignal<Figures>,
    /// Inputs, counted.
    pub pool: RwSignal<Pool>,
    /// Earlier identities with what was noted under them.
    pub shelf: RwSignal<Arc<Vec<Shelved>>>,
    /// What is wrong with storage.
    pub storage: RwSignal<Option<StorageFault>>,
    /// Whether storage was emptied while the app was open, and nobody has read so yet.
    pub emptied: RwSignal<bool>,
    /// Whether something is being sent because somebody tapped.
    pub sending: RwSignal<bool>,
    /// A newer app has waited since before this one was opened.
    pub update: RwSignal<()>,
    /// Whether a form is open that must not be lost.
    pub form_open: RwSignal<bool>,
    /// How often somebody went back out of an open form.
    pub held_back: RwSignal<u32>,
    /// The input that is being written.
    pub note: RwSignal<Option<NoteDraft>>,
    /// What the last tap did.
    pub snack: RwSignal<Option<Snack>>,
    /// Whether the phone is known to be ready for no network.
    pub ready: RwSignal<Option<bool>>,
    /// The state of every door: the base with our own work laid over it.
    pub states: Memo<Arc<States>>,
    /// Our own notes that stand, by door.
    pub standing: Memo<Arc<BTreeMap<Uuid, Standing>>>,
}

thread_local! {
    static PHONE: Cell<Option<Phone>> = const { Cell::new(None) };
}

/// The one phone of this page.
pub fn phone() -> Phone {
    PHONE.get().expect("the phone is made before anything is mounted")
}

impl Phone {
    /// Makes it, in the reactive owner of the whole app.
    pub fn start(words: Words) -> Self {
        let bases: RwSignal<Arc<BTreeMap<Uuid, Base>>> = RwSignal::default();
        let entries: RwSignal<Arc<Vec<Kept>>> = RwSignal::default();
        let shown: RwSignal<Arc<BTreeSet<u64>>> = RwSignal::default();
        // A tap adds one entry; the others are not read again for it.
        let read = Memo::new(move |before: Option<&Arc<Visits>>| {
            Arc::new(visits(&entries.get(), before.map(|before| (**before).clone()).unwrap_or_default()))
        });
        let phone = Self {
            route: RwSignal::new(Route::here()),
            words: RwSignal::new(Arc::new(words)),
            loaded: RwSignal::new(false),
            identity: RwSignal::new(None),
            bundle: RwSignal::new(None),
            bases,
            entries,
            shown,
            asked: RwSignal::default(),
            figures: RwSignal::default(),
            pool: RwSignal::default(),
            shelf: RwSignal::default(),
            storage: RwSignal::new(None),
            emptied: RwSignal::new(false),
            sending: RwSignal::new(false),
            update: RwSignal::new(()),
            form_open: RwSignal::new(false),
            held_back: RwSignal::new(0),
            note: RwSignal::new(None),
            snack: RwSignal::new(None),
            ready: RwSignal::new(None),
            states: Memo::new(move |_| Arc::new(replay(bases.get().values(), &entries.get(), &read.get(), &shown.get()))),
            standing: Memo::new(move |_| Arc::new(standing(&entries.get(), &read.get()))),
        };
        PHONE.set(Some(phone));
        phone
    }

    /// Where this phone stands with its shift.
    pub fn admission(self) -> Option<Admission> {
        self.identity.with(|identity| identity.as_ref().map(|identity| identity.admission))
    }

    /// A turf of this phone.
    pub fn turf(self, id: Uuid) -> Option<TurfBundle> {
        self.bundle.with(|bundle| bundle.as_ref()?.turfs.iter().find(|turf| turf.id == id).cloned())
    }

    /// An entrance of this phone, with its turf.
    pub fn entrance(self, id: Uuid) -> Option<(TurfBundle, EntranceBundle)> {
        self.bundle.with(|bundle| {
            bundle.as_ref()?.turfs.iter().find_map(|turf| Some((turf.clone(), turf.entrances.iter().find(|entrance| entrance.id == id)?.clone())))
        })
    }
}

/// The word, kept up with the language.
pub fn tr(key: &'static str) -> impl Fn() -> String + Copy + Send + Sync + 'static {
    move || word(key)
}

/// The word, now.
pub fn word(key: &'static str) -> String {
    phone().words.with(|words| words.get(key).to_owned())
}

/// The word with its placeholders filled.
pub fn fill(key: &str, values: &[(&str, &str)]) -> String {
    phone().words.with(|words| words.with(key, values))
}

/// One or many.
pub fn count(key: &str, n: usize) -> String {
    phone().words.with(|words| words.count(key, n as u64, &[]))
}
