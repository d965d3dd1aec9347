//! What cannot be, or is seldom right, in a register. Pure: what is looked at comes in, what is found goes out.

use std::collections::HashMap;

use dorbank_shared::{
    geo::{LatLon, Metres, Plane},
    place::{Level, UnitLabel},
};

use super::city::House;

/// No main floor lies higher: the highest house in the country has fewer.
const HIGHEST_FLOOR: u8 = 40;
/// No cellar lies deeper.
const DEEPEST_FLOOR: u8 = 5;
/// No floor of one stairwell has more doors.
const MOST_DOORS: u8 = 60;
/// So near to its street's middle an address is never far from it, in metres.
pub const NEAR_METRES: f64 = 500.0;
/// Beyond so many times the usual distance from its street's middle an address is far from it.
pub const FAR_TIMES: f64 = 6.0;
/// With fewer doors for a hundred households there are doors missing; most likely the flats were not imported.
pub const FEWEST_DOORS: u64 = 75;
/// With more doors for a hundred households there are doors that are no homes, or all of it is there twice.
pub const MOST_DOORS_PER_100: u64 = 150;

/// Whether no house can have a door with this official number. What is no official number is none of this rule's.
pub fn is_impossible(label: &str) -> bool {
    let Some(label) = UnitLabel::parse(label) else { return false };
    let floor = match label.level {
        Level::Main => label.floor == 0 || label.floor > HIGHEST_FLOOR,
        Level::Cellar | Level::Lower => label.floor > DEEPEST_FLOOR,
        Level::Loft => false,
    };
    floor || label.position > MOST_DOORS
}

/// Groups of two or more that are equal in `key`, as places in `houses`, in their order.
fn groups<K: std::hash::Hash + Eq>(houses: &[House], key: impl Fn(&House) -> K) -> Vec<Vec<usize>> {
    let mut first: HashMap<K, usize> = HashMap::with_capacity(houses.len());
    let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, house) in houses.iter().enumerate() {
        let leader = *first.entry(key(house)).or_insert(index);
        if leader != index {
            groups.entry(leader).or_insert_with(|| vec![leader]).push(index);
        }
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    groups.sort_unstable();
    groups
}

/// Entrances with the same street, number, letter and postcode in one municipality.
pub fn same_address(houses: &[House]) -> Vec<Vec<usize>> {
    groups(houses, |house| (house.municipality, house.street, house.number, house.letter, house.postcode))
}

/// Entrances at the same point, to the centimetre that is stored.
pub fn same_place(houses: &[House]) -> Vec<Vec<usize>> {
    groups(houses, |house| (fixed(house.at.lat), fixed(house.at.lon)))
}

/// Degrees in units of the seventh decimal.
#[expect(clippy::cast_possible_truncation, reason = "degrees have three digits before the point")]
fn fixed(degrees: f64) -> i64 {
    (degrees * 1e7).round() as i64
}

/// An entrance far from the others of its street.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Far {
    /// Its place among the houses.
    pub house: usize,
    /// How far it is from the street's middle, in metres.
    pub metres: f64,
    /// How far is not yet far, in metres.
    pub limit: f64,
}

/// Entrances far from their street: farther from its middle (the median of its entrances, north and east apart) than
/// 500 m and than six times the distance that half of them keep. Of a street of one or two none is far.
pub fn far_from_street(houses: &[House]) -> Vec<Far> {
    let mut streets: HashMap<(u32, u32), Vec<usize>> = HashMap::new();
    for (index, house) in houses.iter().enumerate() {
        streets.entry((house.municipality, house.street)).or_default().push(index);
    }
    let mut found: Vec<Far> = streets.into_values().filter(|street| street.len() > 2).flat_map(|street| far_in(houses, &street)).collect();
    found.sort_by_key(|far| far.house);
    found
}

fn far_in(houses: &[House], street: &[usize]) -> Vec<Far> {
    let median_of = |part: fn(LatLon) -> f64| median(street.iter().map(|index| part(houses[*index].at)).collect());
    let plane = Plane::at(LatLon { lat: median_of(|at| at.lat), lon: median_of(|at| at.lon) });
    let distance = |index: usize| plane.project(houses[index].at).distance(Metres { x: 0.0, y: 0.0 });
    let limit = NEAR_METRES.max(FAR_TIMES * median(street.iter().map(|index| distance(*index)).collect()));
    street
        .iter()
        .map(|index| Far { house: *index, metres: distance(*index), limit })
        // What is nowhere at all is far too.
        .filter(|far| !far.metres.is_finite() || far.metres > limit)
        .collect()
}

/// The middle one, or the mean of the two in the middle; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if !even {
        return upper;
    }
    below.iter().copied().max_by(f64::total_cmp).map_or(upper, |lower| f64::midpoint(lower, upper))
}

/// How many doors there are for a hundred households, where somebody said how many live there.
pub fn doors_per_100(doors: u64, households: i64) -> Option<u64> {
    let households = u64::try_from(households).ok().filter(|households| *households > 0)?;
    Some(doors.saturating_mul(100) / households)
}

/// Whether there are far fewer or far more doors than households.
pub fn doors_misfit(doors: u64, households: i64) -> bool {
    doors_per_100(doors, households).is_some_and(|share| !(FEWEST_DOORS..=MOST_DOORS_PER_100).contains(&share))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const OSLO: LatLon = LatLon { lat: 59.91, lon: 10.77 };

    fn house(street: u32, number: i64, at: LatLon) -> House {
        House { id: Uuid::nil(), municipality: 0, street, number, letter: 0, postcode: 0, grunnkrets: None, district: None, at, doors: 1 }
    }

    fn east(metres: f64) -> LatLon {
        Plane::at(OSLO).unproject(Metres { x: metres, y: 0.0 })
    }

    #[test]
    fn a_floor_that_no_house_has_is_impossible() {
        for label in ["H0001", "H4101", "K0601", "U0601", "H0161", "L0161", "H9999"] {
            assert!(is_impossible(label), "{label}");
        }
        for label in ["H0101", "H4060", "K0501", "U0560", "L9901", "", "H302", "2. etasje"] {
            assert!(!is_impossible(label), "{label}");
        }
    }

    #[test]
    fn one_house_far_from_its_street_is_found_and_a_long_road_is_not() {
        let street: Vec<House> = (0..20).map(|n| house(0, n, east(n as f64 * 10.0))).chain([house(0, 99, east(900.0))]).collect();
        let found = far_from_street(&street);
        assert_eq!(found.iter().map(|far| far.house).collect::<Vec<_>>(), [20]);
        assert!((found[0].metres - 800.0).abs() < 1.0 && (found[0].limit - 500.0).abs() < 1e-9, "{found:?}");
        let road: Vec<House> = (0..20).map(|n| house(0, n, east(n as f64 * 1_000.0))).collect();
        assert!(far_from_street(&road).is_empty());
        // Of two nobody knows which one is wrong.
        assert!(far_from_street(&[house(0, 1, OSLO), house(0, 3, east(90_000.0))]).is_empty());
    }

    #[test]
    fn doors_are_held_against_households_where_they_are_known() {
        assert!(!doors_misfit(0, 0) && !doors_misfit(75, 100) && !doors_misfit(150, 100));
        assert!(doors_misfit(74, 100) && doors_misfit(151, 100) && doors_misfit(0, 1));
        assert_eq!((doors_per_100(31, 100), doors_per_100(5, 0), doors_per_100(5, -1)), (Some(31), None, None));
    }

    fn any_houses() -> impl Strategy<Value = Vec<House>> {
        prop::collection::vec((0u32..4, 0i64..6, 0u32..2, 0usize..8), 0..60).prop_map(|all| {
            all.into_iter().map(|(street, number, letter, at)| House { letter, ..house(street, number, east(at as f64 * 400.0)) }).collect()
        })
    }

    proptest! {
        #[test]
        fn any_label_is_judged(label in ".*") {
            let _ = is_impossible(&label);
        }

        #[test]
        fn two_are_in_one_group_exactly_when_they_are_alike(houses in any_houses()) {
            for (groups, alike) in [
                (same_address(&houses), (|a: &House, b: &House| (a.street, a.number, a.letter) == (b.street, b.number, b.letter)) as fn(&House, &House) -> bool),
                (same_place(&houses), |a, b| a.at == b.at),
            ] {
                let group_of = |index: usize| groups.iter().position(|group| group.contains(&index));
                for a in 0..houses.len() {
                    for b in a + 1..houses.len() {
                        let together = group_of(a).is_some() && group_of(a) == group_of(b);
                        prop_assert_eq!(together, alike(&houses[a], &houses[b]));
                    }
                }
                prop_assert!(groups.iter().all(|group| group.len() > 1 && group.is_sorted()) && groups.is_sorted());
            }
        }

        #[test]
        fn who_is_far_does_not_depend_on_the_order_and_is_never_half_the_street(houses in any_houses(), turn in 0usize..60) {
            let far = far_from_street(&houses);
            for street in 0..4 {
                let all = houses.iter().filter(|house| house.street == street).count();
                prop_assert!(2 * far.iter().filter(|far| houses[far.house].street == street).count() <= all);
            }
            prop_assert!(far.iter().all(|far| far.metres > NEAR_METRES && far.metres > far.limit));
            if !houses.is_empty() {
                let turn = turn % houses.len();
                let mut turned = houses.clone();
                turned.rotate_left(turn);
                let mut back: Vec<usize> = far_from_street(&turned).iter().map(|far| (far.house + turn) % houses.len()).collect();
                back.sort_unstable();
                prop_assert_eq!(back, far.iter().map(|far| far.house).collect::<Vec<_>>());
            }
        }

        #[test]
        fn the_median_has_as_many_below_as_above(values in prop::collection::vec(-1e6f64..1e6, 1..40)) {
            let middle = median(values.clone());
            prop_assert!(2 * values.iter().filter(|value| **value < middle).count() <= values.len());
            prop_assert!(2 * values.iter().filter(|value| **value > middle).count() <= values.len());
        }
    }
}
