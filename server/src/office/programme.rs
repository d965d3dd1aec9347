//! What was heard, from releases alone.

use std::collections::HashMap;

use dorbank_app::office::page::{AreaRow, AreaView, Figure, Programme, Reach, ReleaseRow, TopicRow};
use dorbank_shared::{
    share::share,
    words::{Words, key},
};
use uuid::Uuid;

use super::{calendar::Calendar, households::Living};
use crate::{
    error::ApiError,
    release::{self, CellView, ReachView, ReleaseView},
    state::AppState,
    store::{
        self, StoreError, Tx,
        release::Release,
        round::{Round, RoundState},
    },
};

/// What the reader chose. What does not exist is not chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The number of a release, as it stands in the address.
    pub release: Option<String>,
    /// The number of an area.
    pub area: Option<String>,
}

/// What was heard, at the newest release or the one that was chosen.
///
/// # Errors
/// When the database fails.
pub async fn programme(state: &AppState, language: &str, choice: &Choice) -> Result<Programme, ApiError> {
    let calendar = Calendar::new(language);
    let mut tx = state.db.read().await?;
    let Some((round, releases)) = current(&mut tx).await? else {
        return Ok(Programme { round: None, missing: None, release: None, releases: Vec::new(), areas: Vec::new(), city: None, chosen: None });
    };
    let row = |release: &Release| ReleaseRow { number: release.number, date: calendar.short(release.frozen_at) };
    let wanted = choice.release.as_ref().map(|number| releases.iter().find(|release| Some(release.number) == number.parse().ok()));
    // What is not a number at all is not read out again.
    let missing = choice.release.clone().filter(|number| wanted == Some(None) && number.parse::<i64>().is_ok());
    let chosen = wanted.flatten().or(releases.last());
    let Some(chosen) = chosen else {
        return Ok(Programme {
            round: Some(round.name),
            missing: None,
            release: None,
            releases: Vec::new(),
            areas: Vec::new(),
            city: None,
            chosen: None,
        });
    };
    let view = release::view(&mut tx, chosen).await?;
    let topics = store::round::topics(&mut tx, round.id).await?;
    let names: HashMap<Uuid, String> = topics.into_iter().map(|topic| (topic.id, topic.name.in_language(language).to_owned())).collect();
    let words = dorbank_app::office::text::words(language);
    let living = Living::read(&mut tx).await?;
    Ok(Programme {
        round: Some(round.name),
        missing,
        release: Some(row(chosen)),
        releases: releases.iter().rev().map(row).collect(),
        areas: view.areas.iter().map(|area| area_row(area, &words)).collect(),
        chosen: view.areas.iter().find(|area| Some(&area.number) == choice.area.as_ref()).map(|area| AreaView {
            number: Some(area.number.clone()),
            name: Some(area_name(area, &words)),
            base: area.base.into(),
            reach: reach(area.reach),
            households: living.in_area(&area.number),
            topics: if area.open { rows(&area.cells, area.base.into(), &[], &names) } else { Vec::new() },
        }),
        city: Some(AreaView { households: living.everywhere(), ..city(&view, &names) }),
    })
}

/// The round that is open, else the last that has a release.
async fn current(tx: &mut Tx) -> Result<Option<(Round, Vec<Release>)>, StoreError> {
    let mut last = None;
    for round in store::round::all(tx).await? {
        let releases = release::list(tx, round.id).await?;
        if round.state == RoundState::Open {
            return Ok(Some((round, releases)));
        }
        if !releases.is_empty() {
            last = Some((round, releases));
        }
    }
    Ok(last)
}

/// "St. Hanshaugen med Sentrum".
pub(super) fn area_name(area: &release::AreaView, words: &Words) -> String {
    if area.joined.is_empty() {
        return area.name.clone();
    }
    words.with(key::PROGRAMME_JOINED, &[("first", &area.name), ("rest", &area.joined.join(", "))])
}

fn area_row(area: &release::AreaView, words: &Words) -> AreaRow {
    AreaRow { number: area.number.clone(), name: area_name(area, words), base: area.base.into(), reach: reach(area.reach) }
}

fn reach(reach: ReachView) -> Reach {
    let figure = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok()).map_or(Figure::Hidden, Figure::Exact);
    Reach { doors: figure(reach.doors), opened: figure(reach.opened), talked: figure(reach.conversations) }
}

/// The city was reached as far as the areas show: a sum of what is shown, so "at least".
fn city(view: &ReleaseView, names: &HashMap<Uuid, String>) -> AreaView {
    let sum = |part: fn(&ReachView) -> Option<i64>| {
        let shown: Vec<u64> = view.areas.iter().filter_map(|area| part(&area.reach)).filter_map(|n| u64::try_from(n).ok()).collect();
        if shown.is_empty() { Figure::Hidden } else { Figure::AtLeast(shown.into_iter().sum()) }
    };
    let base = Figure::from(view.city.base);
    AreaView {
        number: None,
        name: None,
        base,
        reach: Reach { doors: sum(|reach| reach.doors), opened: sum(|reach| reach.opened), talked: sum(|reach| reach.conversations) },
        households: None,
        topics: if base == Figure::Closed { Vec::new() } else { rows(&view.city.cells, base, &view.city.others, names) },
    }
}

/// Topics, the most heard first; where nothing tells them apart, in the codebook's order.
fn rows(cells: &[CellView], base: Figure, others: &[CellView], names: &HashMap<Uuid, String>) -> Vec<TopicRow> {
    let mut rows: Vec<TopicRow> = cells
        .iter()
        .map(|cell| {
            let figure = Figure::from(cell.shown);
            TopicRow {
                name: names.get(&cell.topic).cloned().unwrap_or_default(),
                figure,
                share: figure.number().zip(base.number()).and_then(|(part, base)| share(part, base)),
                elsewhere: others.iter().find(|other| other.topic == cell.topic).and_then(|other| other.shown.figure()),
            }
        })
        .collect();
    rows.sort_by_key(|row| {
        std::cmp::Reverse(match row.figure {
            Figure::NearlyAll => u64::MAX,
            figure => figure.number().unwrap_or(0),
        })
    });
    rows
}
