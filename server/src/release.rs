//! The freeze: once a week true counts become what may be shown, by the rule in `dorbank_shared::release`.
//!
//! What was shown before is read from the releases themselves, so the rule knows nothing that a reader does not know.

mod view;

use std::collections::{BTreeMap, BTreeSet};

use dorbank_shared::release::{self as rule, Counts, Figures, K, Past, Rule, Shown};
use jiff::{Timestamp, ToSpan as _, civil::Weekday, tz::TimeZone};
use rand_chacha::ChaCha20Rng;
use uuid::Uuid;

use crate::{
    job::{Actor, id_v7},
    store::{
        Db, StoreError, Tx, district, input, mix_mark,
        release::{self, CITY, Cell, OTHERS, ReachCell, Release},
        round::{self, RoundState},
        tally,
    },
};

pub use view::{AreaView, CellView, CityView, ReachView, ReleaseView, latest, list, view};

/// Which freeze it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freeze {
    /// One of many, while the round is open.
    Weekly,
    /// The last.
    Closing,
}

/// Why nothing was frozen.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// There is no such round, or it is not open.
    #[error("there is no such round, or it is not open")]
    NotOpen,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The hour of the weekly freeze, by Oslo's clock, on Mondays.
pub const HOUR: i8 = 4;

/// The last Monday 04:00 in Oslo that is not after `now_ms`; both in milliseconds since 1970, UTC.
pub fn last_due(now_ms: i64) -> Option<i64> {
    let zone = TimeZone::get("Europe/Oslo").ok()?;
    let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(zone);
    let days = now.weekday().since(Weekday::Monday);
    let monday = now.date().checked_sub(i64::from(days).days()).ok()?;
    let at = monday.at(HOUR, 0, 0, 0).to_zoned(now.time_zone().clone()).ok()?;
    let at = if at.timestamp() <= now.timestamp() { at } else { at.checked_sub(1.week()).ok()? };
    Some(at.timestamp().as_millisecond())
}

/// Freezes every open round that was not frozen since the last Monday 04:00. Gives those that were.
///
/// # Errors
/// See [`ReleaseError`].
pub async fn freeze_due(db: &Db, actor: &Actor, now_ms: i64, rng: &mut ChaCha20Rng) -> Result<Vec<Release>, ReleaseError> {
    let Some(due) = last_due(now_ms) else { return Ok(vec![]) };
    let mut tx = db.begin().await?;
    let mut out = vec![];
    for round in round::in_state(&mut tx, RoundState::Open).await? {
        let last = release::of_round(&mut tx, round.id).await?.last().map(|release| release.frozen_at);
        // A freeze that lies ahead was made by a clock that was wrong.
        if last.is_none_or(|last| last < due || last > now_ms) {
            out.push(freeze_in(&mut tx, round.id, Freeze::Weekly, actor, now_ms, rng).await?);
        }
    }
    tx.commit().await?;
    Ok(out)
}

/// Freezes an open round now.
///
/// # Errors
/// See [`ReleaseError`].
pub async fn freeze(db: &Db, id: Uuid, actor: &Actor, now_ms: i64, rng: &mut ChaCha20Rng) -> Result<Release, ReleaseError> {
    let mut tx = db.begin().await?;
    let release = freeze_in(&mut tx, id, Freeze::Weekly, actor, now_ms, rng).await?;
    tx.commit().await?;
    Ok(release)
}

/// What of the doors knocked is shown beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Opened,
    Conversations,
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn figure(shown: Shown) -> Option<i64> {
    shown.figure().map(|n| i64::try_from(n).unwrap_or(i64::MAX))
}

/// Freezes an open round, in a transaction of the caller's.
///
/// # Errors
/// See [`ReleaseError`].
pub async fn freeze_in(tx: &mut Tx, id: Uuid, kind: Freeze, actor: &Actor, now_ms: i64, rng: &mut ChaCha20Rng) -> Result<Release, ReleaseError> {
    round::find(tx, id).await?.filter(|round| round.state == RoundState::Open).ok_or(ReleaseError::NotOpen)?;
    let before = release::of_round(tx, id).await?;
    let number = before.last().map_or(1, |last| last.number + 1);
    let topics: Vec<Uuid> = round::topics(tx, id).await?.into_iter().filter(|topic| topic.parent.is_none()).map(|topic| topic.id).collect();
    let areas: BTreeSet<String> = district::all(tx).await?.into_iter().map(|district| district.area).collect();
    let mut pasts = pasts(tx, id, &areas).await?;
    let truth = input::counts(tx, id).await?;
    let marks = mix_mark::of_round(tx, id).await?;

    let mut cells: Vec<Cell> = vec![];
    let put = |cells: &mut Vec<Cell>, area: &str, figures: &Figures<Uuid>| {
        cells.push(Cell { release: number, area: area.to_owned(), topic: None, shown: figures.base });
        cells.extend(figures.parts.iter().map(|(topic, shown)| Cell { release: number, area: area.to_owned(), topic: Some(*topic), shown: *shown }));
    };
    let mut low: BTreeMap<Uuid, Vec<u64>> = BTreeMap::new();
    for (area, past) in &mut pasts {
        let true_counts = truth.get(area).cloned().unwrap_or_default();
        let parts: BTreeMap<Uuid, u64> = topics.iter().map(|topic| (*topic, count(true_counts.topics.get(topic).copied().unwrap_or(0)))).collect();
        let now = Counts { open: marks.contains_key(area), base: count(true_counts.base), parts };
        let figures = past.next(&now);
        past.follow(&figures);
        put(&mut cells, area, &figures);
        // Only where what is shown is of this moment is "under ten" known to be true of the count now.
        if figures.base == Shown::Exact(now.base) {
            for (topic, _) in figures.parts.iter().filter(|(_, shown)| **shown == Shown::Under) {
                low.entry(*topic).or_default().push(now.parts[topic]);
            }
        }
    }
    let mut city = rule::city(pasts.values());
    for topic in &topics {
        city.parts.entry(*topic).or_insert(Shown::Closed);
    }
    put(&mut cells, CITY, &city);
    if kind == Freeze::Closing {
        for (topic, counts) in low {
            if let Some(sum) = rule::others(&counts, K) {
                cells.push(Cell { release: number, area: OTHERS.to_owned(), topic: Some(topic), shown: Shown::Exact(sum) });
            }
        }
    }
    let reach = reach(tx, id, number, &areas).await?;
    let release = Release { id: id_v7(now_ms, rng), round: id, number, frozen_at: now_ms };
    release::insert(tx, &release, &cells, &reach).await?;
    actor.note(tx, now_ms, rng, "freeze", "round", id).await?;
    Ok(release)
}

/// What all releases so far showed, by area.
async fn pasts(tx: &mut Tx, round: Uuid, areas: &BTreeSet<String>) -> Result<BTreeMap<String, Past<Uuid>>, StoreError> {
    let mut shown: BTreeMap<(i64, String), Figures<Uuid>> = BTreeMap::new();
    for cell in release::cells(tx, round).await? {
        let empty = || Figures { base: Shown::Closed, parts: BTreeMap::new() };
        let figures = shown.entry((cell.release, cell.area)).or_insert_with(empty);
        match cell.topic {
            Some(topic) => {
                figures.parts.insert(topic, cell.shown);
            }
            None => figures.base = cell.shown,
        }
    }
    let mut out: BTreeMap<String, Past<Uuid>> = areas.iter().map(|area| (area.clone(), Past::new(Rule::INPUTS))).collect();
    // By release, then by area: each area follows its releases in their order.
    for ((_, area), figures) in &shown {
        if let Some(past) = out.get_mut(area) {
            past.follow(figures);
        }
    }
    Ok(out)
}

/// Who was reached, by the same rule: doors knocked are the base, doors opened and conversations are parts of it.
async fn reach(tx: &mut Tx, round: Uuid, number: i64, areas: &BTreeSet<String>) -> Result<Vec<ReachCell>, StoreError> {
    let figures = |doors: Option<u64>, opened: Option<u64>, conversations: Option<u64>| {
        let shown = |n: Option<u64>| n.map_or(Shown::Closed, Shown::Exact);
        Figures { base: shown(doors), parts: BTreeMap::from([(Reached::Opened, shown(opened)), (Reached::Conversations, shown(conversations))]) }
    };
    let mut pasts: BTreeMap<&str, Past<Reached>> = areas.iter().map(|area| (area.as_str(), Past::new(Rule::REACH))).collect();
    for cell in release::reach(tx, round).await? {
        if let Some(past) = pasts.get_mut(cell.area.as_str()) {
            past.follow(&figures(cell.doors.map(count), cell.opened.map(count), cell.conversations.map(count)));
        }
    }
    let truth = tally::reach(tx, round).await?;
    let row = |(area, past): (&str, Past<Reached>)| {
        let now = truth.get(area).cloned().unwrap_or_default();
        let parts = BTreeMap::from([(Reached::Opened, count(now.opened)), (Reached::Conversations, count(now.conversations))]);
        let shown = past.next(&Counts { open: true, base: count(now.doors), parts });
        let part = |part| shown.parts.get(&part).copied().and_then(figure);
        let (opened, conversations) = (part(Reached::Opened), part(Reached::Conversations));
        ReachCell { release: number, area: area.to_owned(), doors: figure(shown.base), opened, conversations }
    };
    Ok(pasts.into_iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("a time").as_millisecond()
    }

    #[test]
    fn the_freeze_is_due_on_mondays_at_four_in_oslo_in_summer_and_winter() {
        assert_eq!(last_due(ms("2026-10-14T16:00:00Z")), Some(ms("2026-10-12T02:00:00Z")));
        assert_eq!(last_due(ms("2026-10-12T01:59:59Z")), Some(ms("2026-10-05T02:00:00Z")));
        assert_eq!(last_due(ms("2026-10-12T02:00:00Z")), Some(ms("2026-10-12T02:00:00Z")));
        assert_eq!(last_due(ms("2026-11-23T03:00:00Z")), Some(ms("2026-11-23T03:00:00Z")));
        assert_eq!(last_due(ms("2026-11-22T22:00:00Z")), Some(ms("2026-11-16T03:00:00Z")));
    }
}
