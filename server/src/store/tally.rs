//! Who was reached: from visits while they say what happened, from tallies once they no longer do.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dorbank_shared::visit::{Outcome, Seen, fold};
use uuid::Uuid;

use super::{Row, StoreError, Tx, parts::around_values};
use crate::{args, statements};

statements! {
    TURFS = "SELECT t.id, d.area FROM turf t JOIN district d ON d.number = t.district JOIN campaign c ON c.id = t.campaign WHERE c.round = $1";
    TALLIES = "SELECT y.turf, y.outcome, y.visits FROM turf_tally y JOIN campaign c ON c.id = y.campaign WHERE c.round = $1";
    VISITS = "SELECT v.id, v.turf, v.entrance, v.unit, v.outcome, v.occurred_at, v.coarse FROM visit v JOIN campaign c ON c.id = v.campaign \
        WHERE c.round = $1 AND v.superseded_by IS NULL AND v.turf IN (SELECT turf FROM visit WHERE coarse = $2)";
    OF_TURF = "SELECT id, turf, entrance, unit, outcome, occurred_at, coarse FROM visit WHERE turf = $1 AND superseded_by IS NULL";
    SHIFTS = "SELECT DISTINCT d.area, x.shift FROM (SELECT v.turf AS turf, e.shift AS shift FROM visit v JOIN device e ON e.id = v.device \
        WHERE v.superseded_by IS NULL UNION SELECT turf, shift FROM turf_shift) AS x JOIN turf t ON t.id = x.turf \
        JOIN district d ON d.number = t.district JOIN campaign c ON c.id = t.campaign WHERE c.round = $1";
    ADD = "INSERT INTO turf_tally (campaign, turf, outcome, visits) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (campaign, turf, outcome) DO UPDATE SET visits = turf_tally.visits + excluded.visits";
    ADD_SHIFT = "INSERT INTO turf_shift (turf, shift) VALUES ($1, $2) ON CONFLICT (turf, shift) DO NOTHING";
}

/// One day, in milliseconds.
pub const DAY_MS: i64 = 86_400_000;

/// What the visits of a round show of one area.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Doors knocked: one for each door and day.
    pub doors: i64,
    /// Of these, doors that were opened.
    pub opened: i64,
    /// Of these, doors with a conversation, over the intercom too.
    pub conversations: i64,
    /// Turfs in which there was a conversation, and how many there were.
    pub turfs: BTreeMap<Uuid, i64>,
    /// Shifts from which something was noted.
    pub shifts: i64,
}

/// A visit that stands, as far as counting looks at it.
#[derive(Debug, Clone, Copy)]
struct Noted {
    turf: Uuid,
    door: Uuid,
    day: i64,
    seen: Seen,
    coarse: bool,
}

fn noted(row: &Row) -> Result<Noted, StoreError> {
    let (entrance, unit, name): (Uuid, Option<Uuid>, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
    let outcome = Outcome::parse(&name).ok_or(StoreError::Inconsistent { table: "visit", column: "outcome" })?;
    Ok(Noted {
        turf: row.get(1)?,
        door: unit.unwrap_or(entrance),
        day: row.get::<i64>(5)?.div_euclid(DAY_MS),
        seen: Seen { id: row.get(0)?, outcome },
        coarse: row.get(6)?,
    })
}

/// What was noted of one door on one day.
#[derive(Debug, Default)]
struct Knock {
    counted: Vec<Seen>,
    fresh: Vec<Seen>,
}

/// What the tally of each turf changes by when `fresh` visits are counted. Several phones may note one door in a day;
/// that is one knock, and what it was is folded as the door's state is. Visits that were coarsened are in the tally
/// already, as far as can still be said.
fn changes(visits: &[Noted], fresh: impl Fn(&Noted) -> bool) -> BTreeMap<(Uuid, Outcome), i64> {
    let mut knocks: HashMap<(Uuid, Uuid, i64), Knock> = HashMap::new();
    for visit in visits.iter().filter(|visit| visit.seen.outcome.is_knock()) {
        let knock = knocks.entry((visit.turf, visit.door, visit.day)).or_default();
        if visit.coarse {
            knock.counted.push(visit.seen);
        } else if fresh(visit) {
            knock.fresh.push(visit.seen);
        }
    }
    let mut out = BTreeMap::new();
    for ((turf, ..), Knock { counted, fresh }) in knocks {
        let before = fold(counted.iter().copied());
        let Some(new) = fold(fresh.iter().copied()) else { continue };
        match before {
            // Somebody answered there that day, and it was counted as what it was.
            Some(Outcome::Done) => {}
            None => *out.entry((turf, new)).or_default() += 1,
            Some(before) => {
                let after = fold(counted.into_iter().chain(fresh)).unwrap_or(new);
                if after != before {
                    *out.entry((turf, before)).or_default() -= 1;
                    *out.entry((turf, after)).or_default() += 1;
                }
            }
        }
    }
    out
}

/// What the visits of a round show, by area. Every area with a turf of the round is there.
pub async fn reach(tx: &mut Tx, round: Uuid) -> Result<BTreeMap<String, Reach>, StoreError> {
    let mut areas: HashMap<Uuid, String> = HashMap::new();
    for row in tx.all(TURFS, args![round]).await? {
        areas.insert(row.get(0)?, row.get(1)?);
    }
    let visits: Vec<Noted> = tx.all(VISITS, args![round, false]).await?.iter().map(noted).collect::<Result<_, _>>()?;
    let mut counts = changes(&visits, |_| true);
    for row in tx.all(TALLIES, args![round]).await? {
        let outcome = Outcome::parse(&row.get::<String>(1)?).ok_or(StoreError::Inconsistent { table: "turf_tally", column: "outcome" })?;
        *counts.entry((row.get(0)?, outcome)).or_default() += row.get::<i64>(2)?;
    }
    let mut out: BTreeMap<String, Reach> = areas.values().map(|area| (area.clone(), Reach::default())).collect();
    for ((turf, outcome), visits) in counts {
        let Some(reach) = areas.get(&turf).and_then(|area| out.get_mut(area)) else { continue };
        reach.doors += if outcome.is_knock() { visits } else { 0 };
        reach.opened += if outcome.is_opened() { visits } else { 0 };
        if outcome.is_conversation() && visits > 0 {
            reach.conversations += visits;
            *reach.turfs.entry(turf).or_default() += visits;
        }
    }
    for row in tx.all(SHIFTS, args![round]).await? {
        if let Some(reach) = out.get_mut(&row.get::<String>(0)?) {
            reach.shifts += 1;
        }
    }
    Ok(out)
}

/// Adds some visits of one turf to its tally. To be called before they are coarsened.
pub async fn add(tx: &mut Tx, campaign: Uuid, turf: Uuid, due: &BTreeSet<Uuid>) -> Result<(), StoreError> {
    let visits: Vec<Noted> = tx.all(OF_TURF, args![turf]).await?.iter().map(noted).collect::<Result<_, _>>()?;
    let changes = changes(&visits, |visit| due.contains(&visit.seen.id));
    let (head, tail) = around_values(ADD);
    let rows = changes.into_iter().filter(|change| change.1 != 0).map(|((turf, outcome), visits)| args![campaign, turf, outcome.name(), visits]);
    tx.many(head, rows.collect(), tail).await?;
    Ok(())
}

/// Notes which shifts worked in which turfs: `(turf, shift)`.
pub async fn add_shifts(tx: &mut Tx, worked: &BTreeSet<(Uuid, Uuid)>) -> Result<(), StoreError> {
    let (head, tail) = around_values(ADD_SHIFT);
    tx.many(head, worked.iter().map(|(turf, shift)| args![*turf, *shift]).collect(), tail).await?;
    Ok(())
}
