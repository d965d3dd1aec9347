//! What can go wrong, each with its name, its words for `docs/reliability.md`, and dice of its own.

use std::collections::BTreeSet;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

macro_rules! kinds {
    ($($name:ident: $fault:literal, $tried:literal;)*) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($name),* }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What goes wrong, and how it is made to.
            pub const fn words(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($fault, $tried)),* }
            }
        }
    };
}

kinds! {
    Lost: "A request is lost", "noticed at once, or never";
    LostAck: "The answer is lost after the commit", "the server has done it, the phone does not hear of it";
    Twice: "A request arrives twice", "the second up to two minutes later";
    AnsweredTwice: "An answer arrives twice", "seconds later";
    Late: "Requests and answers overtake each other", "some take up to ten minutes";
    Hours: "Delayed by hours", "requests that arrive hours later, phones closed or frozen meanwhile, all back at one moment";
    CutRequest: "A request is cut", "at any byte";
    CutAnswer: "An answer is cut", "at any byte";
    Portal: "A login page answers", "status 200, HTML";
    Empty: "An empty 200", "with and without our media type";
    TooLarge: "413 on the way", "from something before the server";
    TooMany: "429 on the way", "from something before the server, or from it with a time to wait";
    BadGateway: "502 and 504 on the way", "before or after the server has done it";
    OthersReceipt: "A receipt for somebody else", "the answer to another phone's push, or to other inputs";
    WrongDigest: "A receipt with a wrong digest", "right id, other bytes";
    Crash: "The app is killed", "at any moment";
    CrashAfterSave: "Killed between save and push", "right after the entry was saved";
    CrashBeforeMark: "Killed between receipt and its mark", "the receipt came, its note did not become durable, or just did";
    FailedWrite: "Storage fails a write", "any write: entry, receipt, epoch, ticket, input; or when all is read anew";
    LostReport: "Storage writes and says it failed", "any write";
    Silent: "Storage says nothing", "for eight seconds, after which the app gives up on it; written or not";
    Quota: "Storage is full", "no write for three minutes";
    RolledBack: "A relaxed write is gone after a crash", "the cache is older than what was seen";
    TwoTabs: "Two tabs on one storage", "both note and send";
    Clock: "The clock is years off", "five years back to five years on";
    ClockJump: "The clock jumps in the shift", "by up to five years";
    Clone: "A cloned phone", "device and storage copied to a second phone; both go on, and take identities of their own";
    SetBack: "A phone's storage is set back", "to an earlier moment of the shift, as from a copy of the device; what it had not sent since is gone with it and not counted";
    Revoked: "A phone is shut out in the shift", "and let in again, or not";
    Reassigned: "A phone is given another turf", "while it notes in the old one";
    Replanned: "An entrance moves to another turf", "while phones walk both";
    Quietened: "Someone else asks for quiet at a door", "while phones are offline";
    OldClient: "An old app with an old outbox", "it sends fields that were dropped since; its pull is refused until it is updated";
    Unknown: "An entry of an unknown kind or version", "from an app that is newer than the server";
    Unreadable: "An entry that cannot be read", "free text, control characters, too long, no JSON";
    IdReuse: "An id used twice for different bytes", "by one phone";
    BrokenEntry: "An entry that breaks the server", "its transaction fails each time for minutes";
    Aborted: "The server dies in the transaction", "at the row of any table";
    Busy: "The database is locked", "by another process, for the whole request";
    Restored: "The server is restored from a backup", "what came after the backup is gone";
    RestoredAgain: "Restored a second time", "from the same backup or a later one";
    Rejoined: "A code is given again before all is sent", "what was noted under the earlier identity goes on the shelf and is sent from there";
    Organised: "An organiser settles what was kept", "counts some and discards some, while their phones correct and withdraw them";
    Filed: "What waits is brought in as a file", "minutes or hours after it was saved, once or twice, while the phone sends the same";
    Weeks: "Phones come back weeks later", "4, 20, 40 or 100 days after their walk, when visits are coarse and the receipts' key may be destroyed";
    Struck: "An input is struck that was said to be unsaved", "storage had it, or had it not";
    NextRound: "A round is closed and the next one opened", "tickets are scarce, and phones join a shift of the new round while inputs of the old one wait on them";
    Emptied: "Storage is emptied under an open page", "what the page knows it puts back, a second page adds what the first did not know, also where somebody has joined anew since; inputs on the phone are gone, as its screen says, and not counted";
    Again: "A door is tapped again before storage has taken the first tap", "the same once more, something else, or taken back; while storage is slow, silent, failing or full";
}

/// Which faults a run has, and how often each was made to happen.
#[derive(Debug, Clone)]
pub struct Faults {
    dice: Vec<ChaCha20Rng>,
    on: Vec<bool>,
    times: Vec<u64>,
}

impl Faults {
    /// About half of them, from the seed; all for every tenth seed. Each has dice of its own, so that to turn one off
    /// leaves the others as they were.
    pub fn new(seed: u64, off: &BTreeSet<Kind>) -> Self {
        let mut dice: Vec<ChaCha20Rng> = (1..).zip(Kind::ALL).map(|(stream, _)| seeded(seed, stream)).collect();
        let all = seed.is_multiple_of(10);
        let on = dice.iter_mut().zip(Kind::ALL).map(|(dice, kind)| (dice.random_bool(0.5) || all) && !off.contains(kind)).collect();
        Self { dice, on, times: vec![0; Kind::ALL.len()] }
    }

    /// Whether the run has it.
    pub fn has(&self, kind: Kind) -> bool {
        self.on[kind as usize]
    }

    /// Throws the dice.
    pub fn strikes(&mut self, kind: Kind, chance: f64) -> bool {
        let strikes = self.dice[kind as usize].random_bool(chance) && self.on[kind as usize];
        if strikes {
            self.times[kind as usize] += 1;
        }
        strikes
    }

    /// Counts one that was planned.
    pub fn count(&mut self, kind: Kind) {
        self.times[kind as usize] += 1;
    }

    /// The fault's own dice, for how it strikes.
    pub fn dice(&mut self, kind: Kind) -> &mut ChaCha20Rng {
        &mut self.dice[kind as usize]
    }

    /// How often each happened.
    pub fn times(&self, kind: Kind) -> u64 {
        self.times[kind as usize]
    }
}

/// Dice of a seed; those of different streams have nothing to do with each other.
pub fn seeded(seed: u64, stream: u64) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}
