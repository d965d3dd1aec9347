//! What a database holds of what phones noted, against what they were answered: how much is nowhere, and how much is there
//! more than once.

use std::collections::{BTreeMap, BTreeSet};

use dorbank_server::store::{Db, Row, db::Readable};
use dorbank_shared::{
    sync::wire::{Envelope, KIND_VISIT},
    visit::VisitV1,
};
use uuid::Uuid;

/// A visit in a database.
#[derive(Debug, Clone)]
pub struct Held {
    /// Whose it is; nobody's once it was coarsened.
    pub phone: Option<Uuid>,
    /// The phone's counter.
    pub counter: i64,
    /// Where it was.
    pub door: Uuid,
    /// Whether nothing replaced it.
    pub stands: bool,
}

/// What a database holds of phones' entries and inputs.
#[derive(Debug, Clone)]
pub struct Holds {
    /// Every visit.
    pub visits: BTreeMap<Uuid, Held>,
    /// Every entry that was ever answered for.
    pub receipts: BTreeSet<Uuid>,
    /// What was set aside and waits for somebody to look at it.
    pub aside: BTreeSet<Uuid>,
    /// Sealed inputs that wait for the mix, and how often each is there.
    pub spool: BTreeMap<Vec<u8>, u64>,
    /// How many inputs were mixed.
    pub mixed: u64,
}

impl Holds {
    /// Reads it, as of one moment.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn read(db: &Db) -> Self {
        let mut tx = db.read().await.expect("the database answers");
        let mut rows = async |sql: &str| tx.all(sql, vec![]).await.expect("the database answers");
        let visits = rows("SELECT id, device, device_seq, COALESCE(unit, entrance), superseded_by FROM visit").await;
        let receipts = rows("SELECT id FROM receipt").await;
        let aside = rows("SELECT id FROM quarantine WHERE settled_at IS NULL").await;
        let sealed = rows("SELECT sealed FROM spool").await;
        let mixed = rows("SELECT id FROM input").await;
        let mut spool: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        for row in &sealed {
            *spool.entry(value(row, 0)).or_default() += 1;
        }
        let visit = |row: &Row| {
            let stands = value::<Option<Uuid>>(row, 4).is_none();
            (value(row, 0), Held { phone: value(row, 1), counter: value(row, 2), door: value(row, 3), stands })
        };
        let ids = |rows: &[Row]| rows.iter().map(|row| value(row, 0)).collect();
        Self { visits: visits.iter().map(visit).collect(), receipts: ids(&receipts), aside: ids(&aside), spool, mixed: mixed.len() as u64 }
    }

    /// How many entries are nowhere that a phone was answered for, and how many are there more than once. Takes all that
    /// phones noted, and whether each was answered.
    pub fn entries_lost_and_twice<'a>(&self, noted: impl IntoIterator<Item = (&'a Envelope, bool)>) -> (u64, u64) {
        let (mut lost, mut twice) = (0, 0);
        let noted: Vec<(&Envelope, bool)> = noted.into_iter().collect();
        let came = |entry: &Envelope| self.receipts.contains(&entry.id);
        let replaced: BTreeSet<Uuid> =
            noted.iter().filter(|(entry, _)| came(entry) && !self.aside.contains(&entry.id)).filter_map(|(entry, _)| entry.supersedes).collect();
        // What was coarsened has another id, and nobody's name.
        let coarse: BTreeSet<Uuid> = self.visits.values().filter(|held| held.phone.is_none()).map(|held| held.door).collect();
        // A visit that is there twice has two ids, so ids alone cannot tell. At each door stand as many as were noted there,
        // came, and were not replaced by what came; and each counter of a phone has one.
        let mut doors: BTreeMap<Uuid, (u64, u64)> = BTreeMap::new();
        for (entry, answered) in noted {
            // A receipt of which the phone has not heard will be given again: what it is for has to be there too.
            if !came(entry) {
                lost += u64::from(answered);
                continue;
            }
            let (counts, waits) = (self.visits.contains_key(&entry.id), self.aside.contains(&entry.id));
            twice += u64::from(counts && waits);
            if entry.kind != KIND_VISIT || waits {
                continue;
            }
            let door = serde_json::from_str::<VisitV1>(&entry.bytes).expect("what is not set aside can be read").door();
            if !counts && !coarse.contains(&door) {
                lost += 1;
            } else if !replaced.contains(&entry.id) {
                doors.entry(door).or_default().0 += 1;
            }
        }
        let mut counters: BTreeMap<(Uuid, i64), u64> = BTreeMap::new();
        for held in self.visits.values() {
            doors.entry(held.door).or_default().1 += u64::from(held.stands);
            if let Some(phone) = held.phone {
                *counters.entry((phone, held.counter)).or_default() += 1;
            }
        }
        for (noted, stand) in doors.into_values() {
            lost += noted.saturating_sub(stand);
            twice += stand.saturating_sub(noted);
        }
        twice += counters.into_values().map(|count| count - 1).sum::<u64>();
        (lost, twice)
    }

    /// The same of sealed inputs that were not mixed yet. Takes each, and whether a phone was told that it is held.
    pub fn inputs_lost_and_twice<'a>(&self, sealed: impl IntoIterator<Item = (&'a [u8], bool)>) -> (u64, u64) {
        let (mut lost, mut twice) = (0, 0);
        for (bytes, held) in sealed {
            let count = self.spool.get(bytes).copied().unwrap_or_default();
            lost += u64::from(held && count == 0);
            twice += count.saturating_sub(1);
        }
        (lost, twice)
    }
}

/// Of entries that phones were all answered for: how many are nowhere in a database, and how many are there more than once.
///
/// # Panics
/// When the database does not answer.
pub async fn lost_and_twice<'a>(db: &Db, answered: impl IntoIterator<Item = &'a Envelope>) -> (u64, u64) {
    Holds::read(db).await.entries_lost_and_twice(answered.into_iter().map(|entry| (entry, true)))
}

fn value<T: Readable>(row: &Row, index: usize) -> T {
    row.get(index).expect("the column is there")
}
