//! What the engine hears and what it says: events in, effects out.

use uuid::Uuid;

use crate::sync::wire::{PullResponse, PushResponse, Reason, Status};

/// What the engine knows of an entry: enough to recognise its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Its counter.
    pub device_seq: u64,
    /// Its id.
    pub id: Uuid,
    /// [`crate::sync::wire::Envelope::digest`].
    pub digest: String,
}

/// Why no usable answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No connection, cut off, or timed out.
    Network,
    /// An answer, but not of our server: a login page, a captive portal, an empty 200.
    NotOurs,
    /// The credential is not known.
    Unknown,
    /// The request was too large for something on the way.
    TooLarge,
    /// The app is too old to pull.
    UpdateNeeded,
    /// The server, or something before it, failed or is busy.
    Server,
    /// It is busy and says for how long, in milliseconds.
    Busy(u64),
}

/// What the screen must say beside the count, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// No network, as far as we know. Nothing is wrong.
    Offline,
    /// Something that is not our server answers: sign in to the network, or use mobile data.
    Portal,
    /// The server does not know this phone: ask the lead. What is saved stays.
    Unknown,
    /// The app is too old to fetch. What is saved is still sent.
    UpdateNeeded,
    /// The server fails.
    Server,
    /// Storage failed.
    Storage,
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Network => Self::Offline,
            Fault::NotOurs => Self::Portal,
            Fault::Unknown => Self::Unknown,
            Fault::UpdateNeeded => Self::UpdateNeeded,
            Fault::TooLarge | Fault::Server | Fault::Busy(_) => Self::Server,
        }
    }
}

/// A receipt for storage to make durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The entry.
    pub id: Uuid,
    /// Its counter. Another identity of this phone, taken meanwhile in another tab, may have given the same one.
    pub device_seq: u64,
    /// What became of it.
    pub status: Status,
    /// Why, where it was quarantined.
    pub reason: Option<Reason>,
    /// By the server's clock, in milliseconds.
    pub given_at: i64,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The app was opened: this is in storage.
    Opened {
        /// Entries without a receipt.
        unsent: Vec<Meta>,
        /// Entries with a receipt that are still kept, for the case that the server is restored from a backup.
        sent: Vec<Meta>,
        /// The highest counter ever given.
        max_issued: u64,
        /// The server's epoch, as last seen.
        epoch: Option<String>,
    },
    /// An entry is durable on the phone.
    Saved(Meta),
    /// A reason to try now: the network is said to be back, the app came to the front, somebody tapped.
    Nudge,
    /// The timer with this number fired.
    Timer(u64),
    /// The answer to the request with this number.
    Pushed(u64, Result<PushResponse, Fault>),
    /// The answer to the request with this number. The shell applies the rows before or after; the engine reads the rest.
    Pulled(u64, Result<PullResponse, Fault>),
    /// Storage made these receipts durable.
    Settled(Vec<u64>),
    /// Storage did not take these receipts: another tab has met a restore, or taken another identity, since they were asked
    /// for. The entries are sent again.
    Unsettled(Vec<u64>),
    /// Storage put all that was sent back among the unsent.
    Reopened,
    /// Storage failed at what was asked of it last.
    StorageFailed,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send these entries; answer with [`Event::Pushed`] and this number.
    Push {
        /// The request's number.
        request: u64,
        /// The entries, oldest first.
        entries: Vec<u64>,
    },
    /// Pull; answer with [`Event::Pulled`] and this number.
    Pull {
        /// The request's number.
        request: u64,
    },
    /// Make these receipts durable; answer with [`Event::Settled`].
    Settle(Vec<Receipt>),
    /// The server was restored, or is met for the first time: put all that was sent back among the unsent and remember this
    /// epoch, in one transaction; answer with [`Event::Reopened`]. Storage knows what was sent: it may have taken receipts
    /// that the engine was told it had not.
    Reopen(String),
    /// The server saw this phone's counters twice: ask for another identity, put what is here on the shelf under the old
    /// one, and open again. Asked for with every pull until it is done.
    Renew,
    /// Fire [`Event::Timer`] with this number after so long. A later timer replaces an earlier one.
    Timer {
        /// Its number.
        number: u64,
        /// Milliseconds.
        after_ms: u64,
    },
}
