//! A command is killed in the middle of its work: what it was at is done or it is not, and typed again it is done.

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use dorbank_server::store::Db;
use dorbank_shared::visit::Outcome;
use dorbank_tests::reliability::{self, Row};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

use super::{
    phone::{Phone, Sealed},
    world::{World, look, lost_and_twice},
};

/// How often each command is killed: a tenth of what the server is.
fn kills() -> u64 {
    env::var("DORBANK_KILLS").ok().and_then(|kills| kills.parse().ok()).map_or(8, |kills: u64| (kills / 10).max(1))
}

/// How many visits each phone noted after the backup.
const LATER: usize = 3;

/// A shift's end: enough was heard in the area for a mix, and there is a backup from before each phone's last visits.
struct Evening {
    world: World,
    /// What phones have had answered, when the copy was made.
    phones: Vec<Phone>,
    /// A copy of the database as it is put in place before each try.
    whole: PathBuf,
    /// The backup.
    older: PathBuf,
    /// One that is made anew each time.
    tonight: PathBuf,
    /// What was said at the doors.
    said: Vec<String>,
    rng: ChaCha20Rng,
}

impl Evening {
    async fn make() -> Self {
        let (world, state) = World::make().await;
        let (mut phones, mut said) = (vec![], vec![]);
        for _ in 0..3 {
            phones.extend(world.shift(&state).await);
        }
        let server = world.place.serve();
        for (number, phone) in phones.iter_mut().enumerate() {
            for talk in 0..8 {
                phone.visit(number / 3 * 8 + talk, Outcome::Talked, None);
                said.push(format!("setning {number} {talk}"));
                world.hear(&state, phone, said.last().unwrap());
            }
            phone.finish(server.address).await;
        }
        let [whole, older, tonight] = ["whole.db", "older.db", "tonight.db"].map(|name| world.folder.path().join(name));
        world.place.done(&["backup", older.to_str().unwrap()]);
        for phone in &mut phones {
            (30..30 + LATER).for_each(|door| phone.visit(door, Outcome::NotHome, None));
            phone.finish(server.address).await;
        }
        server.stop();
        state.db.close().await;
        world.place.done(&["backup", whole.to_str().unwrap()]);
        // Only then it has a log like the database that it takes the place of; a restore opens what it puts in place, too.
        Db::open(&format!("sqlite:{}", whole.display())).await.unwrap().close().await;
        Self { world, phones, whole, older, tonight, said, rng: ChaCha20Rng::seed_from_u64(1) }
    }

    /// This file in the place of the database, and nothing beside it.
    fn put(&self, database: &Path) {
        for left in fs::read_dir(self.world.folder.path()).unwrap() {
            let left = left.unwrap();
            if left.file_name().to_str().unwrap().starts_with("dorbank.db") {
                fs::remove_file(left.path()).unwrap();
            }
        }
        fs::copy(database, self.world.place.database()).unwrap();
    }

    /// Starts a command where all is as it was, and kills it somewhere in its work, by the time that it takes when nobody does.
    /// One that was done before the blow does not count.
    fn strike(&mut self, args: &[&str], mut takes: Duration) {
        for _ in 0..100 {
            self.put(&self.whole);
            let _ = fs::remove_file(&self.tonight);
            let after = takes.mul_f64(self.rng.random_range(0.4..1.4));
            let from = Instant::now();
            let mut child = self.world.place.command(args).stdout(Stdio::null()).spawn().unwrap();
            while from.elapsed() < after {
                std::thread::yield_now();
            }
            let _ = child.kill();
            if child.wait().unwrap().signal() == Some(9) {
                return;
            }
            // It was timed on a machine that had other work.
            takes = takes.mul_f64(0.9);
        }
        panic!("{args:?} was done each time before the blow");
    }

    /// How long a command takes.
    fn takes(&self, args: &[&str]) -> Duration {
        self.put(&self.whole);
        let from = Instant::now();
        self.world.place.done(args);
        from.elapsed()
    }

    /// What was said in inputs that are mixed.
    async fn mixed(&self) -> Vec<String> {
        let db = Db::inspect(&self.world.place.config().database).await.unwrap();
        let rows = db.read().await.unwrap().all("SELECT words FROM input", vec![]).await.unwrap();
        db.close().await;
        rows.iter().map(|row| row.get(0).unwrap()).collect()
    }

    async fn mix(&mut self) -> Row {
        let takes = self.takes(&["mix"]);
        let said: BTreeSet<String> = self.said.iter().cloned().collect();
        let (mut done, mut sum) = (0, (0, 0));
        for _ in 0..kills() {
            self.strike(&["mix"], takes);
            let holds = look(&self.world).await;
            let (mixed, waits) = (usize::try_from(holds.mixed).unwrap(), holds.spool.len());
            assert!([(0, said.len()), (said.len(), 0)].contains(&(mixed, waits)), "{mixed} are mixed and {waits} wait");
            done += u64::from(mixed > 0);
            self.world.place.done(&["mix"]);
            assert!(look(&self.world).await.spool.is_empty());
            let mixed = self.mixed().await;
            let once: BTreeSet<String> = mixed.iter().cloned().collect();
            sum = (sum.0 + said.difference(&once).count() as u64, sum.1 + (mixed.len() - once.len()) as u64);
            self.none_is_left();
        }
        let tried = format!("all {} inputs were mixed in {done}, none in the others; then it is typed again", said.len());
        row("kill -9 in the middle of `dorbank mix`", tried, sum)
    }

    /// Nothing of a sealed input is left in the database's file after it was mixed: not its beginning, nor what lay on pages of
    /// its own.
    fn none_is_left(&self) {
        const BYTES: usize = 24;
        let parts = |sealed: &Sealed| [0, sealed.bytes.len() / 2, sealed.bytes.len() - BYTES].map(|at| sealed.bytes[at..at + BYTES].to_vec());
        let sealed: BTreeSet<Vec<u8>> = self.phones.iter().flat_map(|phone| &phone.sealed).flat_map(parts).collect();
        for ending in ["", "-wal"] {
            let Ok(file) = fs::read(format!("{}{ending}", self.world.place.database().display())) else { continue };
            assert!(!file.windows(BYTES).any(|bytes| sealed.contains(bytes)), "a sealed input is still in the file{ending}");
        }
    }

    async fn backup(&mut self) -> Row {
        let tonight = self.tonight.clone();
        let args = ["backup", tonight.to_str().unwrap()];
        let takes = self.takes(&args);
        let (mut done, mut sum) = (0, (0, 0));
        for _ in 0..kills() {
            self.strike(&args, takes);
            // What lies under that name is whole.
            if tonight.exists() {
                done += 1;
            } else {
                self.world.place.done(&args);
            }
            self.world.place.done(&["verify", args[1]]);
            self.put(&tonight);
            let (lost, twice) = lost_and_twice(&self.phones, &look(&self.world).await);
            sum = (sum.0 + lost, sum.1 + twice);
        }
        row("kill -9 in the middle of `dorbank backup`", format!("in {done} there was a backup, else it is typed again; each is looked at"), sum)
    }

    async fn restore(&mut self) -> Row {
        let older = self.older.clone();
        let args = ["restore", older.to_str().unwrap()];
        let takes = self.takes(&args);
        let all: usize = self.phones.iter().map(|phone| phone.entries.len()).sum();
        let (mut done, mut sum) = (0, (0, 0));
        for round in 0..kills() {
            self.strike(&args, takes);
            let receipts = async || look(&self.world).await.receipts.len();
            let restored = all - LATER * self.phones.len();
            let is_restored = receipts().await == restored;
            done += u64::from(is_restored);
            if !is_restored {
                assert_eq!(receipts().await, all, "it is the one or the other");
                // Whoever does not type it again goes on with what was there.
                if round % 2 == 0 {
                    self.world.place.done(&args);
                    assert_eq!(receipts().await, restored);
                }
            }
            let mut phones = self.phones.clone();
            let server = self.world.place.serve();
            for phone in &mut phones {
                phone.visit(39, Outcome::NotHome, None);
                phone.finish(server.address).await;
            }
            server.stop();
            let (lost, twice) = lost_and_twice(&phones, &look(&self.world).await);
            sum = (sum.0 + lost, sum.1 + twice);
        }
        let tried = format!("in {done} the backup was in place, of the others half are typed again; then the phones offer what they have");
        row("kill -9 in the middle of `dorbank restore`", tried, sum)
    }
}

fn row(fault: &str, tried: String, (lost, duplicated): (u64, u64)) -> Row {
    Row { fault: fault.into(), tried, runs: kills(), times: None, lost, duplicated }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_is_killed_has_done_its_work_or_not_and_does_it_when_typed_again() {
    let mut evening = Evening::make().await;
    let rows = [evening.mix().await, evening.backup().await, evening.restore().await];
    reliability::write(
        "server-commands",
        "A command is killed",
        "The tools as processes of their own, killed at a random moment of their work; then the database is verified and compared with what phones were answered.",
        &rows,
    );
    assert!(rows.iter().all(|row| (row.lost, row.duplicated) == (0, 0)), "{rows:#?}");
}
