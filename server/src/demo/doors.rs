//! What happened at the demo's doors, in the shares that a real campaign had: a third of the doors open.

use std::collections::{BTreeMap, HashSet};

use dorbank_shared::{
    place::Entrance,
    visit::{Outcome, Seen, VisitV1, fold},
};
use rand::RngExt as _;
use uuid::Uuid;

use super::maker::Maker;
use crate::store::{StoreError, Tx, campaign, door_state, visit};

/// The visits of one pair on one turf.
#[derive(Debug, Default)]
pub struct Round {
    /// As they are stored.
    pub visits: Vec<visit::Visit>,
    /// How many were conversations.
    pub conversations: usize,
}

/// Who walks what, and when.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// The campaign.
    pub campaign: Uuid,
    /// The turf.
    pub turf: Uuid,
    /// The phone that notes.
    pub device: Uuid,
    /// When they begin, in milliseconds since 1970, UTC.
    pub starts_at: i64,
}

/// Walks some entrances, at most `most` doors of them.
pub fn walk<'a>(maker: &mut Maker, pair: Pair, entrances: impl Iterator<Item = &'a Entrance>, most: usize) -> Round {
    let mut round = Round::default();
    let mut at = pair.starts_at + 5 * 60_000;
    let mut left = most;
    let note = |maker: &mut Maker, round: &mut Round, at: i64, entrance: Uuid, unit: Option<Uuid>, outcome: Outcome| {
        let leaflet = match outcome {
            Outcome::NotHome | Outcome::LeafletOnly => maker.rng.random_bool(0.7),
            Outcome::Talked => maker.rng.random_bool(0.5),
            _ => false,
        };
        round.conversations += usize::from(outcome.is_conversation());
        let body = VisitV1 { campaign: pair.campaign, turf: pair.turf, entrance, unit, outcome, leaflet, occurred_at: at };
        let device_seq = i64::try_from(round.visits.len() + 1).unwrap_or(i64::MAX);
        let silenced = outcome == Outcome::DoNotKnock;
        round.visits.push(visit::Visit { id: maker.id_at(at), body, device: Some(pair.device), device_seq, superseded_by: None, silenced });
    };
    for entrance in entrances {
        if left == 0 {
            break;
        }
        let block = entrance.units.len() > 1;
        if block && maker.rng.random_bool(0.13) {
            note(maker, &mut round, at, entrance.id, None, Outcome::NoAccess);
            at += 60_000;
            continue;
        }
        if block && maker.rng.random_bool(0.3) {
            note(maker, &mut round, at, entrance.id, None, Outcome::IntercomLetIn);
        }
        for unit in entrance.units.iter().take(left) {
            let outcome = outcome(maker);
            note(maker, &mut round, at, entrance.id, Some(unit.id), outcome);
            at += if outcome.is_conversation() { 330_000 } else { 70_000 };
        }
        left = left.saturating_sub(entrance.units.len());
    }
    round
}

/// What happens at one door.
fn outcome(maker: &mut Maker) -> Outcome {
    match maker.rng.random_range(0..1000) {
        0..200 => Outcome::Talked,
        200..300 => Outcome::Declined,
        300..330 => Outcome::ComeBack,
        330..345 => Outcome::IntercomDeclined,
        345..357 => Outcome::IntercomTalked,
        357..365 => Outcome::DoNotKnock,
        _ => Outcome::NotHome,
    }
}

/// Writes visits and the states of their doors, as a push does.
pub async fn store(tx: &mut Tx, of: Uuid, visits: &[visit::Visit]) -> Result<(), StoreError> {
    visit::insert(tx, visits).await?;
    let mut doors: BTreeMap<Uuid, (Uuid, Uuid, Vec<Seen>)> = BTreeMap::new();
    let mut quiet = HashSet::new();
    for visit in visits {
        let seen = Seen { id: visit.id, outcome: visit.body.outcome };
        doors.entry(visit.body.door()).or_insert_with(|| (visit.body.turf, visit.body.entrance, Vec::new())).2.push(seen);
        if visit.silenced {
            quiet.extend(visit.body.unit);
        }
    }
    visit::set_quiet(tx, &quiet, &HashSet::new(), true).await?;
    let count = i64::try_from(doors.len()).unwrap_or(i64::MAX);
    let first = campaign::take_seq(tx, of, count).await? - count;
    let states: Vec<door_state::NewState> = doors
        .into_iter()
        .zip(first + 1..)
        .map(|((door, (turf, entrance, seen)), seq)| door_state::NewState { door, turf, entrance, state: fold(seen), seq })
        .collect();
    door_state::put(tx, of, &states).await
}
