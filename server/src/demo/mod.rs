//! A demo: a city that is made up from a seed, in the middle of its autumn round.
//!
//! The districts have their real names, numbers and sizes; shapes, streets, people and what they say are made up. The
//! same seed at the same moment makes the same city. What happened at doors is noted by phones and pushed, what was said
//! is sealed, handed in, mixed and released, all by the same code as in earnest.

mod calendar;
mod city;
mod codebook;
mod doors;
mod houses;
mod layout;
mod maker;
mod map;
mod names;
mod phone;
mod plan;
mod play;
mod report;
mod said;
mod size;
mod voices;
mod ways;

use std::{collections::HashSet, path::PathBuf};

use dorbank_shared::{officer::Officer, principal::Role, seal::SealError, sync::wire::Reason};
use uuid::Uuid;

pub use report::DemoReport;
pub use size::Size;

use self::{calendar::Calendar, city::City, maker::Maker, plan::Plan, play::Play, said::Collection};
use crate::{
    coarsen,
    job::Actor,
    mix::{self, MixError},
    release::{self, ReleaseError},
    round::{self as rounds, NewRound, RoundError, default_codebook},
    store::{
        Db, StoreError, Tx, branch, campaign, district, entrance, line, meta, officer, register,
        round::{self, Round},
        shift, stamp, turf,
    },
    sync::SyncError,
};

/// How the demo is made.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// How big.
    pub size: Size,
    /// The folder of the keys; the round's private key goes there, and the mix reads it from there.
    pub keys_dir: PathBuf,
}

/// Who drew the lines of the map.
const CREDIT: &str = "Dørbank, made up";

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database holds something already, and a demo is never mixed with anything.
    #[error("the database is not empty; a demo is made in a fresh one")]
    NotEmpty,
    /// The database said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing could be sealed to the round's key.
    #[error("the round's key: {0}")]
    Seal(#[from] SealError),
    /// The round could not be made or opened.
    #[error("the round: {0}")]
    Round(#[from] RoundError),
    /// What was said could not be mixed.
    #[error("the mix: {0}")]
    Mix(#[from] MixError),
    /// Nothing could be released.
    #[error("the release: {0}")]
    Release(#[from] ReleaseError),
    /// What a phone sent met a fault.
    #[error("a phone: {0}")]
    Sync(#[from] SyncError),
    /// What a phone sent was not answered as it should be.
    #[error("what a phone sent was not taken as it should be ({0:?})")]
    NotTaken(Option<Reason>),
}

/// Makes a demo in an empty database and stamps it as one.
///
/// # Errors
/// See [`DemoError`].
pub async fn build(db: &Db, seed: u64, now_ms: i64, options: &DemoOptions) -> Result<DemoReport, DemoError> {
    let mut tx = db.begin().await?;
    // An import that begins at this moment waits, and sees then that this is a demo.
    register::hold(&mut tx).await?;
    refuse_unless_empty(&mut tx).await?;
    stamp::set_demo(&mut tx).await?;
    let mut maker = Maker::new(seed, now_ms);
    // Where a server has opened the database it has one already.
    meta::set_once(&mut tx, meta::EPOCH, &maker.random_id().simple().to_string()).await?;
    tx.commit().await?;

    let calendar = Calendar::around(now_ms);
    let past = options.size.past();
    let city = City::build(&mut maker, options.size.scale());
    let round = open_round(db, &mut maker, &calendar, options, past.weeks).await?;
    let plan = Plan::build(&mut maker, &city, &calendar, round.id, &past);
    let mut report = DemoReport::new(&city, &plan);
    // Each mix writes the whole file anew, so what nobody walks comes last.
    let walked: HashSet<Uuid> = plan.entrances(&city).map(|entrance| entrance.id).collect();
    let mut tx = db.begin().await?;
    district::put(&mut tx, &city.districts).await?;
    write_register(&mut tx, &city, &walked, true, now_ms).await?;
    write_plan(&mut tx, &city, &plan).await?;
    report.officers = write_officers(&mut tx, &mut maker, &plan).await?;
    let topics = topics(&mut tx, round.id).await?;
    tx.commit().await?;

    let collection = Collection { round: round.id, topics: &topics, public_key: &round.public_key };
    let mut play =
        Play { db, city: &city, plan: &plan, past, collection, maker: &mut maker, report: &mut report, answered: HashSet::new(), late: None };
    for weeks_ago in (1..=past.weeks).rev() {
        play.week(weeks_ago).await?;
        play.report.releases += monday(db, play.maker, &calendar, options, round.id, 7 - 7 * weeks_ago).await?;
    }
    coarsen::run(db, &Actor::schedule(), now_ms, &mut play.maker.rng).await?;
    play.yesterday().await?;
    play.running().await?;
    let mut tx = db.begin().await?;
    write_register(&mut tx, &city, &walked, false, now_ms).await?;
    let edition = line::begin(&mut tx, city::ORIGIN, CREDIT).await?;
    line::put(&mut tx, city::ORIGIN, edition, 1, &city.lines).await?;
    line::show(&mut tx, city::ORIGIN, edition, CREDIT, i64::try_from(city.lines.len()).unwrap_or(i64::MAX), now_ms).await?;
    let size = register::count(&mut tx, 0).await?;
    register::set_size(&mut tx, size).await?;
    stamp::set_whole(&mut tx).await?;
    tx.commit().await?;
    Ok(report)
}

/// What the server does by itself in the night before a Monday and on its morning, if that was before now. Gives how
/// many releases came of it.
async fn monday(db: &Db, maker: &mut Maker, calendar: &Calendar, options: &DemoOptions, round: Uuid, day: i64) -> Result<usize, DemoError> {
    let freeze_at = calendar.at(day, 4, 0);
    if freeze_at > calendar.now_ms {
        return Ok(0);
    }
    let actor = Actor::schedule();
    coarsen::run(db, &actor, calendar.at(day, 2, 0), &mut maker.rng).await?;
    mix::run(db, &options.keys_dir, round, &actor, calendar.at(day, 3, 0), &mut maker.rng).await?;
    release::freeze(db, round, &actor, freeze_at, &mut maker.rng).await?;
    Ok(1)
}

/// Makes the round with its key and the built-in codebook, and opens it.
async fn open_round(db: &Db, maker: &mut Maker, calendar: &Calendar, options: &DemoOptions, weeks: i64) -> Result<Round, DemoError> {
    let (keys, actor, made_at) = (&options.keys_dir, Actor::operator(), calendar.at(-7 * weeks, 8, 0));
    let new = NewRound { name: calendar.season(), opens_on: calendar.date(-7 * weeks), closes_on: calendar.date(60), codebook: default_codebook()? };
    let (id, _) = rounds::make(db, keys, &new, &actor, made_at, &mut maker.rng).await?;
    rounds::open(db, keys, id, &actor, made_at, &mut maker.rng).await?;
    Ok(round::find(&mut db.read().await?, id).await?.ok_or(RoundError::Missing)?)
}

/// The ids of the topics that people speak of, in the order of [`codebook::TOPICS`].
async fn topics(tx: &mut Tx, round: Uuid) -> Result<Vec<Uuid>, DemoError> {
    let known = round::topics(tx, round).await?;
    let find = |name: &str| known.iter().find(|topic| topic.name.nb == name).map(|topic| topic.id);
    let ids = codebook::TOPICS.iter().map(|topic| find(topic.nb).ok_or_else(|| RoundError::Codebook(format!("it has no topic {}", topic.nb))));
    Ok(ids.collect::<Result<_, _>>()?)
}

/// A demo is never mixed with anything.
async fn refuse_unless_empty(tx: &mut Tx) -> Result<(), DemoError> {
    let empty = district::all(tx).await?.is_empty() && entrance::count(tx).await? == 0 && officer::all(tx).await?.is_empty();
    let is_being_imported = register::in_force(tx).await?.staging != 0;
    if empty && !is_being_imported && round::all(tx).await?.is_empty() { Ok(()) } else { Err(DemoError::NotEmpty) }
}

/// Writes the entrances that are among some, or all others.
async fn write_register(tx: &mut Tx, city: &City, among: &HashSet<Uuid>, given: bool, now_ms: i64) -> Result<(), StoreError> {
    entrance::put(tx, &city.registered(among, given), now_ms).await?;
    entrance::put_units(tx, &city.units(among, given)).await
}

async fn write_plan(tx: &mut Tx, city: &City, plan: &Plan) -> Result<(), DemoError> {
    branch::insert(tx, &plan.branches).await?;
    for campaign in &plan.campaigns {
        campaign::insert(tx, campaign).await?;
    }
    let turfs: Vec<turf::Turf> = plan.walks.iter().map(|walk| walk.turf.clone()).collect();
    turf::insert(tx, &turfs).await?;
    for walk in &plan.walks {
        let entrances: Vec<Uuid> = walk.entrances.iter().map(|(district, entrance)| city.entrances[*district][*entrance].id).collect();
        turf::place(tx, walk.turf.id, &entrances).await?;
    }
    for tour in &plan.tours {
        let turfs: Vec<Uuid> = tour.walks.iter().map(|walk| plan.walks[*walk].turf.id).collect();
        shift::insert(tx, &tour.shift, &tour.branches, &turfs).await?;
    }
    Ok(())
}

async fn write_officers(tx: &mut Tx, maker: &mut Maker, plan: &Plan) -> Result<Vec<Officer>, DemoError> {
    let mut officers = Vec::new();
    for (name, email, role, first_branch) in names::OFFICERS {
        let Some(role) = Role::parse(role) else { continue };
        let branch = plan.branches.first().filter(|_| first_branch).map(|branch| branch.id);
        let new = Officer { id: maker.id(), name: name.to_owned(), email: email.to_owned(), role, branch, district: None, active: true, version: 1 };
        officer::insert(tx, &new).await?;
        officers.push(new);
    }
    Ok(officers)
}
