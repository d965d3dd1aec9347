//! Several phones against the real server code, under everything that a network, a browser, a pocket and a lead can do to
//! them. See `fault.rs` for the list, and `check.rs` for what must hold afterwards.
//!
//! Everything comes from one seed: the same seed gives the same trace (I8). `DORBANK_SEEDS` says how many seeds (320),
//! `DORBANK_SEED` runs one (`DORBANK_TRACE` prints what happens in it), `DORBANK_FIRST_SEED` begins elsewhere. A failing
//! seed is shrunk: faults are turned off one by one, phones and minutes taken away, as long as it still fails; what remains
//! is printed with the command that runs it, and kept in `kept.txt`, so that every run from then on has it.

mod check;
pub mod fault;
mod phone;
mod server;
mod storage;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::Write as _,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use dorbank_server::{
    demo::{DemoOptions, Size, build},
    store::{Db, campaign, round, shift, ticket},
};
use dorbank_shared::shift::Shift;
use dorbank_tests::{
    START_MS,
    reliability::{self, Row},
};
use indicatif::{ProgressBar, ProgressStyle};
use rand::{Rng as _, RngExt as _};
use tempfile::TempDir;
use uuid::Uuid;

use check::Verdicts;
use fault::{Kind, seeded};
use world::{Plan, World};

/// Runs that once failed: see the file.
const KEPT: &str = include_str!("kept.txt");

/// One of them.
fn kept(line: &str) -> Plan {
    let mut parts = line.split(' ');
    let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or_else(|| panic!("kept.txt: {line}"));
    let (seed, phones, minutes) = (number(), number(), number());
    let some: Vec<&str> = parts.next().unwrap_or_default().split(',').collect();
    let off: BTreeSet<Kind> = Kind::ALL.iter().filter(|kind| !some.contains(&format!("{kind:?}").as_str())).copied().collect();
    assert_eq!(off.len() + some.len(), Kind::ALL.len(), "kept.txt names a fault that is none: {line}");
    Plan { off, phones: usize::try_from(phones).unwrap(), minutes, ..Plan::of(seed) }
}

/// Adds one, so that it is never forgotten which it was.
fn keep(plan: &Plan, why: &str) -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulator/kept.txt");
    let why = why.replace('\n', " ");
    let line = format!("{} {} {} {}\n", plan.seed, plan.phones, plan.minutes, plan.some());
    if KEPT.contains(&line) {
        return Ok(());
    }
    std::fs::OpenOptions::new().append(true).open(path)?.write_all(format!("\n# {why}\n{line}").as_bytes())
}

fn number<T: FromStr>(name: &str) -> Option<T> {
    env::var(name).ok()?.parse().ok()
}

/// A small demo, made once; each run works on a copy.
struct Template {
    folder: TempDir,
    /// The shift that is on, and one of the next round.
    shifts: (Uuid, Uuid),
}

/// One run, done.
struct Run {
    verdicts: Verdicts,
    trace: String,
    times: BTreeMap<Kind, u64>,
}

impl Template {
    async fn make() -> Self {
        // Memory where there is a folder of it: what is tried here is not the disk.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        let db = Db::open(&format!("sqlite:{}", folder.path().join("demo.db").display())).await.unwrap();
        let report = build(&db, 1, START_MS, &DemoOptions { size: Size::Small, keys_dir: folder.path().join("keys") }).await.unwrap();
        let shift = report.running.expect("a demo has a running shift");
        let mut rng = seeded(1, 0);
        let mut tx = db.begin().await.unwrap();
        let mut id = || uuid::Builder::from_random_bytes(rng.random()).into_uuid();
        let running = shift::find(&mut tx, shift).await.unwrap().unwrap();
        let effort = campaign::find(&mut tx, running.campaign).await.unwrap().unwrap();
        let now = round::find(&mut tx, effort.round).await.unwrap().unwrap();
        let later = round::Round { id: id(), name: "the next".into(), state: round::RoundState::Draft, ..now };
        let effort_later = campaign::Campaign { id: id(), round: later.id, ..effort };
        let next = Shift { id: id(), campaign: effort_later.id, selector: "next".into(), ..running };
        round::insert(&mut tx, &later).await.unwrap();
        campaign::insert(&mut tx, &effort_later).await.unwrap();
        shift::insert(&mut tx, &next, &[effort_later.branch], &[]).await.unwrap();
        // Pools of tickets that no run has to fill.
        for round in [effort.round, later.id] {
            let mut tickets = vec![[0; 32]; 1_500];
            for ticket in &mut tickets {
                rng.fill_bytes(ticket);
            }
            ticket::fill(&mut tx, round, &tickets).await.unwrap();
        }
        tx.execute("DELETE FROM spool", dorbank_server::args![]).await.unwrap();
        tx.commit().await.unwrap();
        db.close().await;
        Self { folder, shifts: (shift, next.id) }
    }

    fn copy(&self) -> PathBuf {
        let path = self.folder.path().join(format!("{}.db", Uuid::new_v4().simple()));
        std::fs::copy(self.folder.path().join("demo.db"), &path).unwrap();
        path
    }

    async fn run(&self, plan: Plan) -> Run {
        let mut world = World::new(self.copy(), self.shifts, plan).await;
        world.run().await;
        let verdicts = world.check().await;
        let (trace, times) = (world.trace(), Kind::ALL.iter().map(|kind| (*kind, world.faults.times(*kind))).collect());
        world.close().await;
        Run { verdicts, trace, times }
    }

    /// What does not hold, in words; a panic is one too.
    async fn fails(self: &Arc<Self>, plan: &Plan) -> Option<String> {
        let (template, plan) = (self.clone(), plan.clone());
        match tokio::spawn(async move { template.run(plan).await }).await {
            Ok(run) => run.verdicts.wrong.into_iter().next(),
            Err(_) => Some("it panicked".into()),
        }
    }

    /// The smallest form of a failing run: fewer faults, fewer phones, a shorter walk.
    async fn shrink(self: &Arc<Self>, mut plan: Plan) -> (Plan, String) {
        // Another fault than the one that was found may be smaller; it has its own turn.
        let kind = |wrong: &str| wrong.chars().filter(|c| !c.is_numeric()).take(25).collect::<String>();
        let Some(mut why) = self.fails(&plan).await else { return (plan, "it does not fail when it is run again".into()) };
        let first = kind(&why);
        // Half the walk first: it saves the most time in what follows.
        let smaller = |plan: &Plan| {
            let mut all: Vec<Plan> = Kind::ALL.iter().filter(|kind| !plan.off.contains(kind)).map(|kind| plan.without(*kind)).collect();
            all.extend((1..plan.phones).map(|phones| Plan { phones, ..plan.clone() }));
            all.extend(
                [plan.minutes / 2, plan.minutes - 1].into_iter().filter(|minutes| *minutes > 0).map(|minutes| Plan { minutes, ..plan.clone() }),
            );
            all
        };
        let mut again = true;
        while std::mem::take(&mut again) {
            for candidate in smaller(&plan) {
                let still_smaller = candidate.phones <= plan.phones && candidate.minutes <= plan.minutes;
                let candidate = Plan { off: &candidate.off | &plan.off, ..candidate };
                if !still_smaller || candidate == plan {
                    continue;
                }
                if let Some(wrong) = self.fails(&candidate).await.filter(|wrong| kind(wrong) == first) {
                    (plan, why, again) = (candidate, wrong, true);
                }
            }
        }
        (plan, why)
    }
}

impl Plan {
    fn without(&self, kind: Kind) -> Self {
        let mut plan = self.clone();
        plan.off.insert(kind);
        plan
    }

    /// As environment variables.
    fn from_env(seed: u64) -> Self {
        let only = env::var("DORBANK_FAULTS").ok();
        let named = |kind: &Kind| only.as_ref().is_none_or(|only| only.split(',').any(|name| name == format!("{kind:?}")));
        let off = Kind::ALL.iter().filter(|kind| !named(kind)).copied().collect();
        let plan = Self::of(seed);
        Self { off, phones: number("DORBANK_PHONES").unwrap_or(plan.phones), minutes: number("DORBANK_MINUTES").unwrap_or(plan.minutes), ..plan }
    }

    /// The faults that it has, by name.
    fn some(&self) -> String {
        Kind::ALL.iter().filter(|kind| !self.off.contains(kind)).map(|kind| format!("{kind:?}")).collect::<Vec<_>>().join(",")
    }

    /// The command that runs it.
    fn command(&self) -> String {
        let only = if self.off.is_empty() { String::new() } else { format!("DORBANK_FAULTS={} ", self.some()) };
        format!(
            "DORBANK_SEED={} DORBANK_PHONES={} DORBANK_MINUTES={} {only}cargo test -p dorbank-tests -- simulator::nothing",
            self.seed, self.phones, self.minutes
        )
    }
}

/// Sums of many runs.
#[derive(Default)]
struct Sums {
    seeds: u64,
    saved: u64,
    stranded: u64,
    /// Runs, times, lost, duplicated.
    of: BTreeMap<Kind, (u64, u64, u64, u64)>,
}

impl Sums {
    fn add(&mut self, run: &Run) {
        self.seeds += 1;
        self.saved += run.verdicts.saved;
        self.stranded += run.verdicts.stranded;
        for (kind, times) in run.times.iter().filter(|(_, times)| **times > 0) {
            let sum = self.of.entry(*kind).or_default();
            *sum = (sum.0 + 1, sum.1 + times, sum.2 + run.verdicts.lost, sum.3 + run.verdicts.duplicated);
        }
    }

    fn join(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.saved += other.saved;
        self.stranded += other.stranded;
        for (kind, (runs, times, lost, duplicated)) in &other.of {
            let sum = self.of.entry(*kind).or_default();
            *sum = (sum.0 + runs, sum.1 + times, sum.2 + lost, sum.3 + duplicated);
        }
    }

    /// Says what was tried, for `docs/reliability.md`.
    fn write(&self) {
        let row = |(kind, (runs, times, lost, duplicated)): (&Kind, &(u64, u64, u64, u64))| {
            let (fault, tried) = kind.words();
            Row { fault: fault.into(), tried: tried.into(), runs: *runs, times: Some(*times), lost: *lost, duplicated: *duplicated }
        };
        // A fault that never struck is written too: then the page is not.
        let never = Kind::ALL.iter().filter(|kind| !self.of.contains_key(kind)).map(|kind| (kind, &(0, 0, 0, 0)));
        let rows: Vec<Row> = self.of.iter().chain(never).map(row).collect();
        let about = format!(
            "The app's engine and the server's code in one process, several phones, virtual time, {} seeds: {} visits and inputs saved. About half of \
             the faults strike in each run, all of them in every tenth. {} inputs were still on their phones at the end, not lost and not sent: \
             those phones had been shut out.",
            self.seeds, self.saved, self.stranded
        );
        reliability::write("10-simulator", "Simulated phones", &about, &rows);
    }
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("simulated phones {wide_bar} {pos} of {len} seeds, {eta} left").unwrap()
}

/// Runs seeds on every core. Gives the sums, and the plans that failed.
fn run_all(template: &Arc<Template>, plans: &[Plan]) -> (Sums, Vec<(Plan, String)>) {
    let next = AtomicUsize::new(0);
    let bar = ProgressBar::new(plans.len() as u64).with_style(bar_style());
    let one = async |plan: &Plan| {
        let (template, plan) = (template.clone(), plan.clone());
        tokio::spawn(async move { template.run(plan).await }).await
    };
    let work = async || {
        let (mut sums, mut failed) = (Sums::default(), Vec::new());
        while let Some(plan) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
            bar.inc(1);
            // Where nobody watches a bar move, a line now and then.
            if bar.is_hidden() && bar.position().is_multiple_of(1_000) {
                eprintln!("simulated phones: {} of {} seeds", bar.position(), plans.len());
            }
            let wrong = match one(plan).await {
                Ok(run) => {
                    sums.add(&run);
                    run.verdicts.wrong.join("\n  ")
                }
                Err(_) => "it panicked".into(),
            };
            if !wrong.is_empty() {
                eprintln!("seed {}:\n  {wrong}\n  {}", plan.seed, plan.command());
                failed.push((plan.clone(), wrong));
            }
        }
        (sums, failed)
    };
    // A run and the threads of its databases wait for each other all the time. On one core together they take half as long
    // as when they are moved about; threads stay where the one that made them is.
    let on_core = |core| {
        core_affinity::set_for_current(core);
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work())
    };
    let (mut sums, mut failed) = (Sums::default(), Vec::new());
    std::thread::scope(|scope| {
        let cores = core_affinity::get_core_ids().expect("a machine has cores");
        let threads: Vec<_> = cores.into_iter().take(8).map(|core| scope.spawn(move || on_core(core))).collect();
        for thread in threads {
            let (part, wrong) = thread.join().unwrap();
            sums.join(&part);
            failed.extend(wrong);
        }
    });
    failed.sort_by_key(|(plan, _)| plan.seed);
    (sums, failed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_is_counted_twice_under_any_seed() {
    let template = Arc::new(Template::make().await);
    let first = number("DORBANK_FIRST_SEED").unwrap_or(0);
    let kept = KEPT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(kept);
    let plans: Vec<Plan> = match number("DORBANK_SEED") {
        Some(seed) => vec![Plan::from_env(seed)],
        None => kept.chain((first..first + number("DORBANK_SEEDS").unwrap_or(320)).map(Plan::from_env)).collect(),
    };
    let count = plans.len();
    let (sums, failed) = run_all(&template, &plans);
    // A single seed says nothing of how often.
    if count > 1 {
        sums.write();
    }
    eprintln!("{} seeds, {} saved, {} inputs on phones that were shut out, {} failed", sums.seeds, sums.saved, sums.stranded, failed.len());
    if failed.is_empty() {
        return;
    }
    let (smallest, why) = template.shrink(failed[0].0.clone()).await;
    // Whoever runs one alone knows it already.
    let kept = match (count > 1).then(|| keep(&smallest, &why)) {
        None => String::new(),
        Some(Ok(())) => "It is kept in tests/simulator/kept.txt: say there what it found.".to_owned(),
        Some(Err(error)) => format!("It could not be kept in tests/simulator/kept.txt: {error}"),
    };
    panic!("{} of {count} seeds failed. Seed {}, shrunk:\n  {why}\n  {}\n{kept}", failed.len(), smallest.seed, smallest.command());
}

#[tokio::test]
async fn the_same_seed_gives_the_same_trace() {
    let template = Template::make().await;
    for seed in [7, 10] {
        assert_eq!(template.run(Plan::of(seed)).await.trace, template.run(Plan::of(seed)).await.trace, "I8: seed {seed}");
    }
    assert_ne!(template.run(Plan::of(8)).await.trace, template.run(Plan::of(7)).await.trace);
}
