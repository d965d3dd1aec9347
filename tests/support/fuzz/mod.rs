//! Hostile input against the real server code, in one process: what a request may be, and what must hold whatever it is.
//!
//! The same targets are run in two ways: by `make test`, with changes to a kept corpus for a while from a seed; and by
//! libFuzzer, guided by coverage (`tests/fuzz`, `make soak`).

mod import;
mod mutate;
mod sync;
mod yard;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use mutatis::Session;
use yard::Yard;

pub use mutate::mutate;

/// After so many inputs the yard is made anew, so that what earlier ones left behind does not slow down later ones.
const RUNS_PER_YARD: u64 = 1_500;
/// What else an input changed is looked at every so many inputs, since that reads the whole database.
const RUNS_PER_LOOK: u64 = 100;
/// No input is longer, in bytes: a little more than the largest body that any route takes.
pub const MAX_INPUT: usize = 600 * 1024;

/// What is fuzzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The body of `POST /sync/v1/push`.
    Push,
    /// The body of `POST /sync/v1/pull`.
    Pull,
    /// The body of `POST /inputs/v1`.
    Inputs,
    /// The body of `POST /join/v1/exchange`.
    Join,
    /// A file for `dorbank import addresses`.
    Addresses,
    /// A file for `dorbank import districts`.
    Districts,
    /// A file for `dorbank import lines`.
    Lines,
    /// A table that goes with districts, tried as each of them: units, joins, groups, households.
    Tables,
    /// A feed of Geonorge's.
    Feed,
    /// A file for `dorbank import addresses` that may be packed.
    Zip,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 10] =
        [Self::Push, Self::Pull, Self::Inputs, Self::Join, Self::Addresses, Self::Districts, Self::Lines, Self::Tables, Self::Feed, Self::Zip];

    /// The name of its corpus.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Inputs => "inputs",
            Self::Join => "join",
            Self::Addresses => "addresses",
            Self::Districts => "districts",
            Self::Lines => "lines",
            Self::Tables => "tables",
            Self::Feed => "feed",
            Self::Zip => "zip",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }

    /// Of what form an input of it is.
    fn form(self, input: &[u8]) -> Form {
        match self {
            Self::Addresses | Self::Tables => Form::Table,
            Self::Feed | Self::Zip => Form::Bytes,
            Self::Lines if !input.starts_with(b"{") => Form::Bytes,
            _ => Form::Json,
        }
    }

    /// The folder of its kept inputs.
    pub fn corpus_dir(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(self.name())
    }

    /// Its kept inputs, by name of file.
    ///
    /// # Panics
    /// When the folder cannot be read.
    pub fn corpus(self) -> Vec<Vec<u8>> {
        let entries = fs::read_dir(self.corpus_dir()).expect("the target has a corpus");
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be read").path()).collect();
        paths.sort();
        paths.iter().map(|path| fs::read(path).expect("a file can be read")).collect()
    }
}

/// What an input is to whoever changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Table,
    Bytes,
}

/// A server, and what one target does to it.
#[derive(Debug)]
pub struct Fuzzer {
    target: Target,
    runtime: tokio::runtime::Runtime,
    yard: Option<Yard>,
    runs: u64,
}

impl Fuzzer {
    /// Sets up.
    ///
    /// # Panics
    /// When a server cannot be set up.
    pub fn new(target: Target) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        Self { target, runtime, yard: None, runs: 0 }
    }

    /// Gives the server one input, and checks what must hold.
    ///
    /// # Panics
    /// When something does not hold.
    pub fn run(&mut self, input: &[u8]) {
        let (target, runs) = (self.target, self.runs);
        self.runs += 1;
        if runs.is_multiple_of(RUNS_PER_YARD) {
            self.yard = None;
        }
        let yard = match &mut self.yard {
            Some(yard) => yard,
            empty => empty.insert(self.runtime.block_on(Yard::make())),
        };
        self.runtime.block_on(async {
            match target {
                Target::Push => sync::push(yard, input).await,
                Target::Pull => sync::pull(yard, input).await,
                Target::Inputs => sync::inputs(yard, input).await,
                Target::Join => sync::join(yard, input).await,
                Target::Addresses => import::addresses(yard, input).await,
                Target::Districts => import::districts(yard, input).await,
                Target::Lines => import::lines(yard, input).await,
                Target::Tables => import::tables(yard, input).await,
                Target::Feed => import::feed(input),
                Target::Zip => import::zip(yard, input).await,
            }
            if runs % RUNS_PER_LOOK == RUNS_PER_LOOK - 1 {
                yard.nothing_else_changed(target).await;
            }
        });
    }
}

/// Runs the kept corpus, and then changes to it, for so long; all from one seed. Gives the number of inputs.
///
/// An input that breaks something is written to `target/fuzz/<target>/`, where its name is its digest.
///
/// # Panics
/// When something does not hold.
pub fn campaign(target: Target, seed: u64, length: Duration) -> u64 {
    let corpus = target.corpus();
    assert!(corpus.len() >= 3, "{} has a corpus", target.name());
    let mut fuzzer = Fuzzer::new(target);
    let mut guarded = |input: &[u8]| {
        if let Err(fault) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| fuzzer.run(input))) {
            let path = keep(target, input);
            eprintln!("{}: an input broke something and was kept as {}; seed {seed}", target.name(), path.display());
            std::panic::resume_unwind(fault);
        }
    };
    let began = Instant::now();
    for input in &corpus {
        guarded(input);
    }
    let mut session = Session::new().seed(seed);
    let mut runs = corpus.len() as u64;
    while began.elapsed() < length {
        let input = mutate(target, &mut session, &corpus);
        guarded(&input);
        runs += 1;
    }
    runs
}

fn keep(target: Target, input: &[u8]) -> PathBuf {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(input);
    let name = format!("{:016x}", digest.iter().take(8).fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz").join(target.name());
    fs::create_dir_all(&folder).expect("a folder can be made");
    let path = folder.join(name);
    fs::write(&path, input).expect("a file can be written");
    path
}
