//! A demo: a city that is made up from a seed, in the middle of its autumn round.
//!
//! The districts have their real names, numbers and sizes; streets, people and what they say are made up. The same
//! seed at the same moment makes the same city. What was said is sealed, handed in, mixed and released by the same
//! code as in earnest.

mod calendar;
mod city;
mod codebook;
mod doors;
mod maker;
mod names;
mod plan;
mod report;
mod said;
mod shape;
mod voices;

use std::path::PathBuf;

use dorbank_shared::{code, input::Arena, officer::Officer, principal::Role, seal::SealError, sync::wire::Admission};
use uuid::Uuid;

pub use report::DemoReport;

use self::{
    calendar::Calendar,
    city::{City, DISTRICTS},
    doors::Pair,
    maker::Maker,
    plan::{Past, Plan, Tour, When},
    said::Collection,
};
use crate::{
    coarsen,
    job::Actor,
    mix::{self, MixError},
    release::{self, ReleaseError},
    round::{self as rounds, NewRound, RoundError, default_codebook},
    store::{
        Db, StoreError, Tx, branch, campaign, device, district, entrance, officer,
        round::{self, Round},
        shift, stamp, turf,
    },
};

/// How big a demo is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Size {
    /// For tests: fewer doors, three weeks; three areas pass the mix's gate.
    Small,
    /// Some thousand entrances, eight weeks; most areas pass the gate and some do not.
    #[default]
    Default,
}

impl Size {
    /// How many real households one made-up dwelling stands for.
    const fn scale(self) -> i64 {
        match self {
            Self::Small => 30,
            Self::Default => 12,
        }
    }

    const fn past(self) -> Past {
        match self {
            Self::Small => Past { weeks: 3, shifts: [3, 3, 2, 0, 3, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0], pairs: (4, 4) },
            Self::Default => Past { weeks: 8, shifts: [9, 8, 7, 6, 6, 2, 3, 5, 2, 1, 0, 5, 6, 4, 3], pairs: (4, 5) },
        }
    }
}

/// How the demo is made.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// How big.
    pub size: Size,
    /// The folder of the keys; the round's private key goes there, and the mix reads it from there.
    pub keys_dir: PathBuf,
}

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
}

/// Makes a demo in an empty database and stamps it as one.
///
/// # Errors
/// See [`DemoError`].
pub async fn build(db: &Db, seed: u64, now_ms: i64, options: &DemoOptions) -> Result<DemoReport, DemoError> {
    let mut maker = Maker::new(seed, now_ms);
    let calendar = Calendar::around(now_ms);
    let past = options.size.past();
    let city = City::build(&mut maker, options.size.scale());
    write_city(db, &city, now_ms).await?;
    let round = open_round(db, &mut maker, &calendar, options, past.weeks).await?;
    let plan = Plan::build(&mut maker, &city, &calendar, round.id, &past);
    let mut report = DemoReport::new(&city, &plan);
    let mut tx = db.begin().await?;
    write_plan(&mut tx, &city, &plan).await?;
    report.officers = write_officers(&mut tx, &mut maker, &plan).await?;
    let topics = topics(&mut tx, round.id).await?;
    tx.commit().await?;

    let collection = Collection { round: round.id, topics: &topics, public_key: &round.public_key };
    for weeks_ago in (1..=past.weeks).rev() {
        let mut tx = db.begin().await?;
        for tour in plan.tours.iter().filter(|tour| tour.when == When::WeeksAgo(weeks_ago)) {
            hold(&mut tx, &mut maker, &city, &plan, tour, collection, &mut report).await?;
        }
        tx.commit().await?;
        report.releases += monday(db, &mut maker, &calendar, options, round.id, 7 - 7 * weeks_ago).await?;
    }
    coarsen::run(db, &Actor::schedule(), now_ms, &mut maker.rng).await?;
    let mut tx = db.begin().await?;
    if let Some(tour) = plan.running() {
        run(&mut tx, &mut maker, &city, &plan, tour, collection, &mut report).await?;
    }
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

async fn write_city(db: &Db, city: &City, now_ms: i64) -> Result<(), DemoError> {
    let mut tx = db.begin().await?;
    let empty = district::all(&mut tx).await?.is_empty() && entrance::count(&mut tx).await? == 0 && officer::all(&mut tx).await?.is_empty();
    if !empty || !round::all(&mut tx).await?.is_empty() {
        return Err(DemoError::NotEmpty);
    }
    stamp::set_demo(&mut tx).await?;
    district::put(&mut tx, &city.districts).await?;
    entrance::put(&mut tx, &city.registered(), now_ms).await?;
    entrance::put_units(&mut tx, &city.units()).await?;
    tx.commit().await?;
    Ok(())
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

/// A shift that was held: a phone for each turf, its visits, and what was said.
async fn hold(
    tx: &mut Tx,
    maker: &mut Maker,
    city: &City,
    plan: &Plan,
    tour: &Tour,
    of: Collection<'_>,
    report: &mut DemoReport,
) -> Result<(), DemoError> {
    let mut sealed = Vec::new();
    for (number, walk) in tour.walks.iter().enumerate() {
        let walk = &plan.walks[*walk];
        let phone = admit(tx, maker, tour, number, Some(walk.turf.id)).await?;
        let pair = Pair { campaign: tour.shift.campaign, turf: walk.turf.id, device: phone, starts_at: tour.shift.starts_at };
        let entrances = walk.entrances.iter().map(|(district, entrance)| &city.entrances[*district][*entrance]);
        let done = doors::walk(maker, pair, entrances, usize::MAX);
        doors::store(tx, tour.shift.campaign, &done.visits).await?;
        sealed.extend(said::inputs(maker, of, area(&walk.turf.district), Arena::Door, done.conversations)?);
        report.visits += done.visits.len();
    }
    report.inputs += sealed.len();
    said::hand_in(tx, maker, of.round, sealed).await?;
    Ok(())
}

/// The shift that runs now: three pairs are half an hour in, a phone waits to be let in, and two turfs are free.
async fn run(
    tx: &mut Tx,
    maker: &mut Maker,
    city: &City,
    plan: &Plan,
    tour: &Tour,
    of: Collection<'_>,
    report: &mut DemoReport,
) -> Result<(), DemoError> {
    let mut sealed = Vec::new();
    for (number, walk) in tour.walks.iter().take(3).enumerate() {
        let walk = &plan.walks[*walk];
        let phone = admit(tx, maker, tour, number, Some(walk.turf.id)).await?;
        let pair = Pair { campaign: tour.shift.campaign, turf: walk.turf.id, device: phone, starts_at: tour.shift.starts_at };
        let entrances = walk.entrances.iter().map(|(district, entrance)| &city.entrances[*district][*entrance]);
        let mut done = doors::walk(maker, pair, entrances, 16);
        done.visits.retain(|visit| visit.body.occurred_at < maker.now_ms);
        let talked = done.visits.iter().filter(|visit| visit.body.outcome.is_conversation()).count();
        doors::store(tx, tour.shift.campaign, &done.visits).await?;
        sealed.extend(said::inputs(maker, of, area(&walk.turf.district), Arena::Door, talked)?);
        report.visits += done.visits.len();
    }
    admit(tx, maker, tour, 3, None).await?;
    report.inputs += sealed.len();
    said::hand_in(tx, maker, of.round, sealed).await?;
    Ok(())
}

/// A phone that joined: let in with a turf, or waiting without one.
async fn admit(tx: &mut Tx, maker: &mut Maker, tour: &Tour, number: usize, turf: Option<Uuid>) -> Result<Uuid, DemoError> {
    let joined_at = (tour.shift.starts_at + 60_000).min(maker.now_ms);
    let id = maker.id_at(joined_at);
    device::insert(tx, id, tour.shift.id, &code::sign(number * 11 + 5), maker.bytes(), joined_at).await?;
    if turf.is_some() {
        device::set_admission(tx, id, 1, Admission::Admitted, turf).await?;
    }
    Ok(id)
}

/// The area of a district.
fn area(number: &str) -> &'static str {
    DISTRICTS.iter().find(|district| district.number == number).map_or("01", city::Known::area)
}
