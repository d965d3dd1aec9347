//! A copy that is made while phones send: one moment of the database, with nothing cut in two.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use dorbank_server::{
    args,
    clock::{Clock as _, SystemClock},
    store::Db,
};
use dorbank_shared::{
    sync::wire::{Admission, Envelope, Status},
    visit::Outcome,
};
use dorbank_tests::{
    Engine, TestServer, World,
    held::{Holds, lost_and_twice},
    postgres::Cluster,
};
use tokio::task::{JoinHandle, spawn_blocking, yield_now};
use uuid::Uuid;

use crate::{
    phone::{Phone, houses},
    process::Place,
};

const PHONES: usize = 3;
/// So many entries are sent at once, and are taken in one transaction.
const BATCH: usize = 5;
/// So many copies are made until phones were answered in the middle of one.
const TRIES: usize = 40;

/// How many entries of each phone were answered for.
type Answered = [u64; PHONES];

/// Phones that send one push after the other.
struct Walk {
    phones: [Uuid; PHONES],
    answered: Arc<[AtomicU64; PHONES]>,
    is_over: Arc<AtomicBool>,
    walking: Vec<JoinHandle<Vec<Envelope>>>,
}

impl Walk {
    async fn begin(server: &Arc<TestServer>) -> Self {
        // The commands have the machine's clock, so what is planned is planned by it.
        server.clock.set(SystemClock.now_ms());
        let world = World::make(&server.state).await;
        let houses = Arc::new(houses(&server.state, &world).await);
        let mut walk = Self { phones: [Uuid::nil(); PHONES], answered: Arc::default(), is_over: Arc::default(), walking: vec![] };
        for index in 0..PHONES {
            let mut phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
            walk.phones[index] = phone.id;
            let (server, houses, answered, is_over) = (server.clone(), houses.clone(), walk.answered.clone(), walk.is_over.clone());
            walk.walking.push(tokio::spawn(async move {
                let mut noted: Vec<Envelope> = vec![];
                while !is_over.load(Ordering::SeqCst) {
                    let batch: Vec<Envelope> =
                        (0..BATCH).map(|i| phone.visit(&server.state, &houses[i % 3], Some(noted.len() % 4), Outcome::CHOICES[i % 4])).collect();
                    let answer = phone.push(&server, &batch).await;
                    assert!(answer.results.iter().all(|result| matches!(result.status, Status::Applied | Status::Merged)), "{answer:?}");
                    noted.extend(batch);
                    answered[index].store(noted.len() as u64, Ordering::SeqCst);
                }
                noted
            }));
        }
        walk
    }

    fn answered(&self) -> Answered {
        self.answered.each_ref().map(|count| count.load(Ordering::SeqCst))
    }

    /// Until each phone was answered for more than this.
    async fn go_on(&self, from: Answered) {
        while self.answered().iter().zip(from).any(|(now, then)| *now <= then) {
            assert!(!self.walking.iter().any(JoinHandle::is_finished), "a phone goes on");
            yield_now().await;
        }
    }

    /// Makes copies until phones were answered while one was being made, which `is_made` says. Gives the number of that copy,
    /// and what was answered for before it was begun and when it was done.
    async fn copied(&self, copy: impl Fn(usize) -> JoinHandle<()>, is_made: impl AsyncFn(usize) -> bool) -> (usize, Answered, Answered) {
        for number in 0..TRIES {
            self.go_on(self.answered()).await;
            let before = self.answered();
            let copying = copy(number);
            let mut meanwhile: Option<(Answered, Answered)> = None;
            while !copying.is_finished() {
                if is_made(number).await {
                    let now = self.answered();
                    meanwhile = Some((meanwhile.map_or(now, |(first, _)| first), now));
                }
                yield_now().await;
            }
            copying.await.unwrap();
            let after = self.answered();
            if meanwhile.is_some_and(|(first, last)| first != last) {
                self.go_on(after).await;
                return (number, before, after);
            }
        }
        panic!("no phone was ever answered while a copy was made");
    }

    /// Each phone goes home. Gives what they noted.
    async fn end(self) -> Vec<Vec<Envelope>> {
        self.is_over.store(true, Ordering::SeqCst);
        let mut noted = vec![];
        for walking in self.walking {
            noted.push(walking.await.unwrap());
        }
        noted
    }
}

/// Holds a copy to one moment between what was answered for before and after it.
async fn is_one_moment(copy: &str, phones: [Uuid; PHONES], noted: &[Vec<Envelope>], before: Answered, after: Answered) {
    let db = Db::inspect(copy).await.unwrap();
    let holds = Holds::read(&db).await;
    db.close().await;
    assert_eq!(holds.visits.keys().copied().collect::<BTreeSet<_>>(), holds.receipts, "no visit without its receipt, no receipt without its visit");
    for (index, phone) in phones.into_iter().enumerate() {
        let counters: BTreeSet<i64> = holds.visits.values().filter(|held| held.phone == Some(phone)).map(|held| held.counter).collect();
        let count = counters.len() as u64;
        assert!(counters.into_iter().eq(1..=i64::try_from(count).unwrap()), "the first ones, without a gap");
        assert_eq!(count % BATCH as u64, 0, "a push is there whole, or not at all");
        assert!((before[index]..=after[index] + BATCH as u64).contains(&count), "{count} of {before:?} to {after:?}");
    }
    let owed = noted.iter().zip(before).flat_map(|(noted, before)| noted.iter().map(move |entry| (entry, entry.device_seq <= before)));
    assert_eq!(holds.entries_lost_and_twice(owed), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_one_moment_while_phones_send() {
    let server = Arc::new(TestServer::start().await);
    let place = Place::new(server.folder.path());
    let walk = Walk::begin(&server).await;
    let name = |number: usize| format!("copy-{number}.db");
    let backup = |number| {
        let place = place.clone();
        spawn_blocking(move || {
            place.done(&["backup", &name(number)]);
        })
    };
    // Under this name from before its first page until it was looked through.
    let is_made = async |number| place.folder().join(name(number) + ".part").exists();
    let (number, before, after) = walk.copied(backup, is_made).await;
    let copy = name(number);
    assert!(place.done(&["verify", &copy]).contains("All is well"));
    let phones = walk.phones;
    let noted = walk.end().await;
    is_one_moment(&format!("sqlite:{}", place.folder().join(&copy).display()), phones, &noted, before, after).await;
    assert_eq!(lost_and_twice(&server.state.db, noted.iter().flatten()).await, (0, 0));
    Arc::into_inner(server).expect("nobody else has it").stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_of_postgresql_is_one_moment_while_phones_send() {
    let cluster = Arc::new(Cluster::start());
    let address = cluster.fresh_database().await;
    let server = Arc::new(TestServer::with(Engine::Sqlite, |config| config.database.clone_from(&address)).await);
    let walk = Walk::begin(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |folder: &Path, number: usize| folder.join(format!("copy-{number}.dump"));
    let dump = |number| {
        let (cluster, address, file) = (cluster.clone(), address.clone(), file(folder.path(), number));
        spawn_blocking(move || cluster.dump(&address, &file))
    };
    // From when it has its moment until it needs it no more.
    let is_made = async |_| {
        let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'pg_dump' AND backend_xmin IS NOT NULL";
        let mut tx = server.state.db.read().await.unwrap();
        tx.one(sql, args![]).await.unwrap().unwrap().get::<i64>(0).unwrap() > 0
    };
    let (number, before, after) = walk.copied(dump, is_made).await;
    let phones = walk.phones;
    let noted = walk.end().await;
    let copy = cluster.fresh_database().await;
    cluster.restore(&copy, &file(folder.path(), number));
    assert!(Place::with_database(folder.path(), &copy).done(&["verify"]).contains("All is well"));
    is_one_moment(&copy, phones, &noted, before, after).await;
    assert_eq!(lost_and_twice(&server.state.db, noted.iter().flatten()).await, (0, 0));
    Arc::into_inner(server).expect("nobody else has it").stop().await;
}
