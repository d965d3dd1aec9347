//! Walking a turf: which doors there are, how far one has come, where to go next.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{
    sync::wire::{EntranceBundle, TurfBundle, UnitBundle},
    visit::Outcome,
};

/// The state of doors by id (units, or entrances themselves).
pub type States = BTreeMap<Uuid, Outcome>;

/// Doors that have a state, of those that may be knocked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Doors with a state.
    pub done: usize,
    /// Doors to knock at.
    pub all: usize,
}

impl Progress {
    /// Nothing is left to do.
    pub fn is_finished(self) -> bool {
        self.done >= self.all
    }
}

/// "14 B".
pub fn house_number(entrance: &EntranceBundle) -> String {
    if entrance.letter.is_empty() { entrance.number.to_string() } else { format!("{} {}", entrance.number, entrance.letter) }
}

/// "Tøyengata 14 B".
pub fn address(entrance: &EntranceBundle) -> String {
    format!("{} {}", entrance.street, house_number(entrance))
}

/// The doors that may be knocked at: its units, or the entrance itself where none is known. A wish for quiet that was
/// noted just now holds like one of the register, so that no figure jumps when it has got there.
pub fn doors(entrance: &EntranceBundle, states: &States) -> Vec<Uuid> {
    let wished = |door: Uuid| states.get(&door) == Some(&Outcome::DoNotKnock);
    if entrance.do_not_knock || wished(entrance.id) {
        Vec::new()
    } else if entrance.units.is_empty() {
        vec![entrance.id]
    } else {
        entrance.units.iter().filter(|unit| !unit.do_not_knock && !wished(unit.id)).map(|unit| unit.id).collect()
    }
}

/// How far an entrance is done.
pub fn progress(entrance: &EntranceBundle, states: &States) -> Progress {
    let doors = doors(entrance, states);
    Progress { done: doors.iter().filter(|door| states.contains_key(door)).count(), all: doors.len() }
}

/// How far a whole turf is done.
pub fn turf_progress(turf: &TurfBundle, states: &States) -> Progress {
    turf.entrances
        .iter()
        .map(|entrance| progress(entrance, states))
        .fold(Progress::default(), |a, b| Progress { done: a.done + b.done, all: a.all + b.all })
}

/// Whether the way in is shut for now: nobody let the pair in, or the intercom said no.
pub fn is_shut(entrance: &EntranceBundle, states: &States) -> bool {
    !entrance.units.is_empty() && matches!(states.get(&entrance.id), Some(Outcome::NoAccess | Outcome::IntercomDeclined | Outcome::DoNotKnock))
}

/// The entrance to go to: the first in walk order, after `here` where given (and then around), that has a door left
/// and is not shut.
pub fn next<'a>(turf: &'a TurfBundle, states: &States, here: Option<Uuid>) -> Option<&'a EntranceBundle> {
    let after = here.and_then(|id| turf.entrances.iter().position(|entrance| entrance.id == id)).map_or(0, |at| at + 1);
    let (before, rest) = turf.entrances.split_at(after);
    rest.iter().chain(before).find(|entrance| Some(entrance.id) != here && !is_shut(entrance, states) && !progress(entrance, states).is_finished())
}

/// The doors of an entrance, floor by floor from the top, each floor in the order of its doors.
pub fn floors(entrance: &EntranceBundle) -> Vec<(i32, Vec<&UnitBundle>)> {
    let mut floors: BTreeMap<i32, Vec<&UnitBundle>> = BTreeMap::new();
    for unit in &entrance.units {
        floors.entry(unit.floor).or_default().push(unit);
    }
    for units in floors.values_mut() {
        units.sort_by(|a, b| (a.position, &a.label).cmp(&(b.position, &b.label)));
    }
    floors.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(id: u128, floor: i32, position: i32) -> UnitBundle {
        UnitBundle { id: Uuid::from_u128(id), label: format!("H{floor:02}{position:02}"), floor, position, do_not_knock: false }
    }

    fn entrance(id: u128, units: Vec<UnitBundle>) -> EntranceBundle {
        EntranceBundle {
            id: Uuid::from_u128(id),
            street: "Tøyengata".into(),
            number: 14,
            letter: "B".into(),
            lat: 59.9,
            lon: 10.7,
            do_not_knock: false,
            units,
        }
    }

    fn turf() -> TurfBundle {
        let entrances =
            vec![entrance(1, vec![unit(11, 1, 1), unit(12, 2, 2), unit(13, 2, 1)]), entrance(2, Vec::new()), entrance(3, vec![unit(31, 1, 1)])];
        TurfBundle { id: Uuid::from_u128(9), number: 4, name: "øst".into(), area: "01".into(), district: "Gamle Oslo".into(), entrances }
    }

    fn states(of: &[(u128, Outcome)]) -> States {
        of.iter().map(|(id, outcome)| (Uuid::from_u128(*id), *outcome)).collect()
    }

    #[test]
    fn floors_come_from_the_top_and_doors_in_their_order() {
        let turf = turf();
        let floors: Vec<(i32, Vec<u128>)> =
            floors(&turf.entrances[0]).into_iter().map(|(floor, units)| (floor, units.iter().map(|unit| unit.id.as_u128()).collect())).collect();
        assert_eq!(floors, [(2, vec![13, 12]), (1, vec![11])]);
    }

    #[test]
    fn doors_where_nobody_knocks_are_not_work() {
        let mut turf = turf();
        turf.entrances[0].units[0].do_not_knock = true;
        turf.entrances[2].do_not_knock = true;
        assert_eq!(turf_progress(&turf, &states(&[(12, Outcome::NotHome)])), Progress { done: 1, all: 3 });
        assert!(progress(&turf.entrances[2], &States::new()).is_finished());
    }

    #[test]
    fn a_wish_for_quiet_counts_the_same_before_and_after_it_is_in_the_register() {
        let mut turf = turf();
        let wishes = states(&[(11, Outcome::DoNotKnock), (3, Outcome::DoNotKnock), (12, Outcome::NotHome)]);
        let before = turf_progress(&turf, &wishes);
        assert_eq!(before, Progress { done: 1, all: 3 });
        turf.entrances[0].units[0].do_not_knock = true;
        turf.entrances[2].do_not_knock = true;
        assert_eq!(turf_progress(&turf, &wishes), before);
    }

    #[test]
    fn the_next_entrance_has_work_and_is_not_shut() {
        let turf = turf();
        let id = |entrance: Option<&EntranceBundle>| entrance.map(|entrance| entrance.id.as_u128());
        assert_eq!(id(next(&turf, &States::new(), None)), Some(1));
        assert_eq!(id(next(&turf, &states(&[(1, Outcome::NoAccess)]), None)), Some(2));
        assert_eq!(id(next(&turf, &states(&[(2, Outcome::Talked)]), Some(Uuid::from_u128(1)))), Some(3));
        assert_eq!(id(next(&turf, &states(&[(31, Outcome::NotHome)]), Some(Uuid::from_u128(3)))), Some(1));
        assert_eq!(id(next(&turf, &states(&[(1, Outcome::NoAccess), (2, Outcome::NotHome), (31, Outcome::NotHome)]), None)), None);
    }
}
