//! What happened at the demo's doors, in the shares that a real campaign had: a third of the doors open.

use std::collections::HashSet;

use dorbank_shared::{
    place::Entrance,
    visit::{Outcome, VisitV1},
};
use rand::RngExt as _;
use uuid::Uuid;

use super::maker::Maker;

/// Who walks what, and when.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// The campaign.
    pub campaign: Uuid,
    /// The turf.
    pub turf: Uuid,
    /// When they begin, in milliseconds since 1970, UTC.
    pub starts_at: i64,
    /// At how many of a thousand doors somebody talks.
    pub talks: u32,
}

/// Doors that need no other visit: somebody answered there, or asked for quiet.
pub type Answered = HashSet<Uuid>;

/// Walks some entrances, at most `most` doors of them that nobody has answered at before.
pub fn walk<'a>(maker: &mut Maker, pair: Pair, entrances: impl Iterator<Item = &'a Entrance>, most: usize, answered: &mut Answered) -> Vec<VisitV1> {
    let mut visits = Vec::new();
    let mut at = pair.starts_at + 5 * 60_000;
    let mut left = most;
    let note = |maker: &mut Maker, visits: &mut Vec<VisitV1>, at: i64, entrance: Uuid, unit: Option<Uuid>, outcome: Outcome| {
        let leaflet = match outcome {
            Outcome::NotHome | Outcome::LeafletOnly => maker.rng.random_bool(0.7),
            Outcome::Talked => maker.rng.random_bool(0.5),
            _ => false,
        };
        visits.push(VisitV1 { campaign: pair.campaign, turf: pair.turf, entrance, unit, outcome, leaflet, occurred_at: at });
    };
    for entrance in entrances {
        if left == 0 {
            break;
        }
        let open: Vec<Uuid> = entrance.units.iter().map(|unit| unit.id).filter(|unit| !answered.contains(unit)).take(left).collect();
        if open.is_empty() {
            continue;
        }
        let block = entrance.units.len() > 1;
        if block && maker.rng.random_bool(0.13) {
            note(maker, &mut visits, at, entrance.id, None, Outcome::NoAccess);
            at += 60_000;
            continue;
        }
        if block && maker.rng.random_bool(0.3) {
            note(maker, &mut visits, at, entrance.id, None, Outcome::IntercomLetIn);
        }
        left -= open.len();
        for unit in open {
            let outcome = outcome(maker, pair.talks);
            note(maker, &mut visits, at, entrance.id, Some(unit), outcome);
            at += if outcome.is_conversation() { 330_000 } else { 70_000 };
            if !matches!(outcome, Outcome::NotHome | Outcome::ComeBack) {
                answered.insert(unit);
            }
        }
    }
    visits
}

/// What happens at one door.
fn outcome(maker: &mut Maker, talks: u32) -> Outcome {
    let drawn = maker.rng.random_range(0..1000);
    let others =
        [(100, Outcome::Declined), (30, Outcome::ComeBack), (15, Outcome::IntercomDeclined), (12, Outcome::IntercomTalked), (8, Outcome::DoNotKnock)];
    let mut up_to = talks;
    if drawn < up_to {
        return Outcome::Talked;
    }
    for (share, outcome) in others {
        up_to += share;
        if drawn < up_to {
            return outcome;
        }
    }
    Outcome::NotHome
}
