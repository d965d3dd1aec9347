//! A command is killed in the middle of its work: what it was at is done or it is not, and typed again it is done.

use std::{
    collections::BTreeSet,
    env, fs,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use dorbank_shared::visit::Outcome;
use dorbank_tests::reliability::{self, Row};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

use super::{
    phone::Phone,
    world::{World, look, lost_and_twice},
};

/// How often each command is killed: a tenth of what the server is.
fn kills() -> u64 {
    env::var("DORBANK_KILLS").ok().and_then(|kills| kills.parse().ok()).map_or(8, |kills: u64| kills / 10)
}

/// A shift's end: enough was heard in the area for a mix, and there is a backup from before each phone's last three visits.
struct Evening {
    world: World,
    /// What phones have had answered, when the copy was made.
    phones: Vec<Phone>,
    /// A copy of the database as it is put in place before each try.
    whole: PathBuf,
    /// The backup.
    older: PathBuf,
    rng: ChaCha20Rng,
}

impl Evening {
    async fn make() -> Self {
        let (world, state) = World::make().await;
        let mut phones = vec![];
        for _ in 0..3 {
            phones.extend(world.shift(&state).await);
        }
        let server = world.place.serve();
        for (number, phone) in phones.iter_mut().enumerate() {
            for talk in 0..8 {
                phone.visit(number / 3 * 8 + talk, Outcome::Talked, None);
                world.hear(&state, phone, &format!("setning {number} {talk}"));
            }
            phone.finish(server.address).await;
        }
        let [whole, older] = ["whole.db", "older.db"].map(|name| world.folder.path().join(name));
        world.place.done(&["backup", older.to_str().unwrap()]);
        for phone in &mut phones {
            (30..33).for_each(|door| phone.visit(door, Outcome::NotHome, None));
            phone.finish(server.address).await;
        }
        server.stop();
        state.db.close().await;
        world.place.done(&["backup", whole.to_str().unwrap()]);
        Self { world, phones, whole, older, rng: ChaCha20Rng::seed_from_u64(1) }
    }

    /// The database as it was.
    fn put_back(&self) {
        for left in fs::read_dir(self.world.folder.path()).unwrap() {
            let left = left.unwrap();
            if left.file_name().to_str().unwrap().starts_with("dorbank.db") {
                fs::remove_file(left.path()).unwrap();
            }
        }
        fs::copy(&self.whole, self.world.place.database()).unwrap();
    }

    /// Starts a command and kills it somewhere in its work, or just after it: by the time that it takes when nobody kills it.
    fn kill(&mut self, args: &[&str], takes: Duration) {
        let after = takes.mul_f64(self.rng.random_range(0.3..1.5));
        let from = Instant::now();
        let mut child = self.world.place.command(args).stdout(Stdio::null()).spawn().unwrap();
        while from.elapsed() < after {
            std::thread::yield_now();
        }
        let _ = child.kill();
        child.wait().unwrap();
    }

    /// How long a command takes.
    fn takes(&self, args: &[&str]) -> Duration {
        self.put_back();
        let from = Instant::now();
        self.world.place.done(args);
        from.elapsed()
    }

    async fn mix(&mut self) -> Row {
        let takes = self.takes(&["mix"]);
        let inputs: usize = self.phones.iter().map(|phone| phone.sealed.len()).sum();
        let (mut done, mut sum) = (0, (0, 0));
        for _ in 0..kills() {
            self.put_back();
            self.kill(&["mix"], takes);
            let holds = look(&self.world).await;
            let mixed = usize::try_from(holds.mixed).unwrap();
            assert!([(0, inputs), (inputs, 0)].contains(&(mixed, holds.spool.len())), "{mixed} are mixed and {} wait", holds.spool.len());
            done += u64::from(mixed > 0);
            self.world.place.done(&["mix"]);
            let holds = look(&self.world).await;
            sum.0 += inputs as u64 - holds.mixed.min(inputs as u64);
            sum.1 += holds.mixed.saturating_sub(inputs as u64);
            assert!(holds.spool.is_empty());
            self.none_is_left();
        }
        row(
            "kill -9 in the middle of `dorbank mix`",
            format!("all {inputs} inputs were mixed in {done}, none in the others; then it is typed again"),
            sum,
        )
    }

    /// No sealed input is left in the database's file after it was mixed.
    fn none_is_left(&self) {
        const BYTES: usize = 24;
        let sealed: BTreeSet<&[u8]> = self.phones.iter().flat_map(|phone| &phone.sealed).map(|sealed| &sealed.bytes[..BYTES]).collect();
        for ending in ["", "-wal"] {
            let Ok(file) = fs::read(format!("{}{ending}", self.world.place.database().display())) else { continue };
            assert!(!file.windows(BYTES).any(|bytes| sealed.contains(bytes)), "a sealed input is still in the file{ending}");
        }
    }

    async fn backup(&mut self) -> Row {
        let to = self.world.folder.path().join("tonight.db");
        let name = to.to_str().unwrap();
        let takes = self.takes(&["backup", name]);
        let (mut done, mut sum) = (0, (0, 0));
        for _ in 0..kills() {
            self.put_back();
            let _ = fs::remove_file(&to);
            self.kill(&["backup", name], takes);
            // What lies under that name is whole.
            if to.exists() {
                done += 1;
            } else {
                self.world.place.done(&["backup", name]);
            }
            self.world.place.done(&["verify", name]);
            fs::copy(name, self.world.place.database()).unwrap();
            let (lost, twice) = lost_and_twice(&self.phones, &look(&self.world).await);
            sum = (sum.0 + lost, sum.1 + twice);
        }
        row("kill -9 in the middle of `dorbank backup`", format!("in {done} there was a backup; then it is typed again and looked at"), sum)
    }

    async fn restore(&mut self) -> Row {
        let older = self.older.clone();
        let args = ["restore", older.to_str().unwrap()];
        let takes = self.takes(&args);
        let (mut done, mut sum) = (0, (0, 0));
        for _ in 0..kills() {
            self.put_back();
            self.kill(&args, takes);
            let mut phones = self.phones.clone();
            let received: usize = phones.iter().map(|phone| phone.entries.len()).sum();
            let holds = look(&self.world).await;
            let is_restored = holds.receipts.len() < received;
            assert_eq!(holds.receipts.len(), received - if is_restored { 3 * phones.len() } else { 0 }, "it is the one or the other");
            done += u64::from(is_restored);
            let server = self.world.place.serve();
            for phone in &mut phones {
                phone.visit(33, Outcome::NotHome, None);
                phone.finish(server.address).await;
            }
            server.stop();
            let (lost, twice) = lost_and_twice(&phones, &look(&self.world).await);
            sum = (sum.0 + lost, sum.1 + twice);
        }
        row("kill -9 in the middle of `dorbank restore`", format!("in {done} the backup was in place; then the phones offer what they have"), sum)
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
