//! Releases as they are shown.

use std::collections::{BTreeMap, BTreeSet};

use dorbank_shared::release::Shown;
use uuid::Uuid;

use crate::store::{
    StoreError, Tx, district,
    release::{self, CITY, OTHERS, Release},
    round,
};

/// What is shown of one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellView {
    /// The topic.
    pub topic: Uuid,
    /// What is shown.
    pub shown: Shown,
}

/// Who was reached; a figure that may not be shown is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReachView {
    /// Doors knocked.
    pub doors: Option<i64>,
    /// Doors that were opened.
    pub opened: Option<i64>,
    /// Conversations, over the intercom too.
    pub conversations: Option<i64>,
}

/// What a release shows of one area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaView {
    /// The area's number.
    pub number: String,
    /// The name of the district with that number.
    pub name: String,
    /// Names of other districts that are counted in it.
    pub joined: Vec<String>,
    /// Whether there is anything to show; if not: too few conversations yet.
    pub open: bool,
    /// How many inputs.
    pub base: Shown,
    /// One for each topic, in the codebook's order.
    pub cells: Vec<CellView>,
    /// Who was reached.
    pub reach: ReachView,
}

/// What a release shows of the city: sums over what areas show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CityView {
    /// How many inputs at least.
    pub base: Shown,
    /// One for each topic, in the codebook's order.
    pub cells: Vec<CellView>,
    /// At the close, for some topics: the sum over districts in which they never had a figure.
    pub others: Vec<CellView>,
}

/// A release as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseView {
    /// The round.
    pub round: Uuid,
    /// 1, 2, 3 … within the round. What an export or a finding cites.
    pub number: i64,
    /// Milliseconds since 1970, UTC.
    pub frozen_at: i64,
    /// By number.
    pub areas: Vec<AreaView>,
    /// The whole city.
    pub city: CityView,
}

/// All releases of a round, by number.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(tx: &mut Tx, round: Uuid) -> Result<Vec<Release>, StoreError> {
    release::of_round(tx, round).await
}

/// The newest release of a round, or none yet.
///
/// # Errors
/// When the database cannot be read.
pub async fn latest(tx: &mut Tx, round: Uuid) -> Result<Option<ReleaseView>, StoreError> {
    match release::of_round(tx, round).await?.last() {
        Some(release) => Ok(Some(view(tx, release).await?)),
        None => Ok(None),
    }
}

/// One release.
///
/// # Errors
/// When the database cannot be read.
pub async fn view(tx: &mut Tx, release: &Release) -> Result<ReleaseView, StoreError> {
    let topics: Vec<Uuid> = round::topics(tx, release.round).await?.into_iter().map(|topic| topic.id).collect();
    let mut shown: BTreeMap<(String, Option<Uuid>), Shown> = BTreeMap::new();
    for cell in release::cells_of(tx, release.id).await? {
        shown.insert((cell.area, cell.topic), cell.shown);
    }
    let mut reach: BTreeMap<String, ReachView> = BTreeMap::new();
    for cell in release::reach_of(tx, release.id).await? {
        reach.insert(cell.area, ReachView { doors: cell.doors, opened: cell.opened, conversations: cell.conversations });
    }
    let cells = |area: &str| -> Vec<CellView> {
        topics.iter().filter_map(|topic| shown.get(&(area.to_owned(), Some(*topic))).map(|shown| CellView { topic: *topic, shown: *shown })).collect()
    };
    let base = |area: &str| shown.get(&(area.to_owned(), None)).copied().unwrap_or(Shown::Closed);
    let districts = district::all(tx).await?;
    let areas: BTreeSet<&str> = districts.iter().map(|district| district.area.as_str()).collect();
    let areas = areas
        .into_iter()
        .map(|area| {
            let own = districts.iter().find(|district| district.number == area);
            let joined = districts.iter().filter(|district| district.area == area && district.number != area);
            AreaView {
                number: area.to_owned(),
                name: own.map_or_else(|| area.to_owned(), |district| district.name.clone()),
                joined: joined.map(|district| district.name.clone()).collect(),
                open: base(area) != Shown::Closed,
                base: base(area),
                cells: cells(area),
                reach: reach.get(area).copied().unwrap_or_default(),
            }
        })
        .collect();
    let city = CityView { base: base(CITY), cells: cells(CITY), others: cells(OTHERS) };
    Ok(ReleaseView { round: release.round, number: release.number, frozen_at: release.frozen_at, areas, city })
}
