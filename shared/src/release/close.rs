//! What is shown once, when a round closes.

/// "Other districts": the sum over areas in which a part never had a figure, or nothing.
///
/// Each of `counts` is known to be below `k`. The sum is shown only where it is at least `k` and leaves open for every
/// single area whether it is nought or `k - 1`: the others could hold all of it.
pub fn others(counts: &[u64], k: u64) -> Option<u64> {
    if counts.iter().any(|count| *count >= k) {
        return None;
    }
    let sum: u64 = counts.iter().sum();
    let most = u64::try_from(counts.len()).unwrap_or(u64::MAX).saturating_sub(1).saturating_mul(k - 1);
    (k <= sum && sum <= most).then_some(sum)
}

/// Whether a sub-topic's count may stand in an area when the round closes, beside the count of its topic: the part is
/// at least `k`, and the rest none or at least `k`.
pub const fn part_in_area(part: u64, whole: u64, k: u64) -> bool {
    part >= k && part <= whole && (part == whole || whole - part >= k)
}

/// The answers to a closed question: which options are shown together, and how many chose each group; nothing where
/// even two groups are not possible.
///
/// Every option and its complement have to be at least `k`. While one is not, the two least chosen are merged. Groups
/// are lists of positions in `options`, in order.
pub fn settle_options(options: &[u64], k: u64) -> Option<Vec<(Vec<usize>, u64)>> {
    let all: u64 = options.iter().sum();
    let mut groups: Vec<(Vec<usize>, u64)> = options.iter().enumerate().map(|(at, count)| (vec![at], *count)).collect();
    let shows = |count: u64| count >= k && all - count >= k;
    while groups.len() > 1 && !groups.iter().all(|(_, count)| shows(*count)) {
        groups.sort_by_key(|(at, count)| (std::cmp::Reverse(*count), at[0]));
        let (at, count) = groups.pop()?;
        let least = groups.last_mut()?;
        least.0.extend(at);
        least.0.sort_unstable();
        least.1 += count;
    }
    groups.sort();
    (groups.len() > 1).then_some(groups)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn others_are_shown_only_where_every_area_stays_open() {
        assert_eq!(others(&[4, 3, 2], 10), None, "under ten");
        assert_eq!(others(&[9, 9], 10), None, "each would be at least nine");
        assert_eq!(others(&[5, 5, 5], 10), Some(15));
        assert_eq!(others(&[9, 9, 1], 10), None, "19 of at most 27: no area could be none");
        assert_eq!(others(&[5, 5, 12], 10), None, "an area that could have had a figure");
        assert_eq!(others(&[], 10), None);
    }

    #[test]
    fn a_part_stands_beside_its_whole_only_if_the_rest_is_none_or_ten() {
        assert!(part_in_area(10, 20, 10) && part_in_area(12, 12, 10));
        assert!(!part_in_area(9, 30, 10) && !part_in_area(12, 13, 10) && !part_in_area(12, 11, 10));
    }

    #[test]
    fn options_are_merged_until_each_is_ten() {
        assert_eq!(settle_options(&[20, 14, 30], 10), Some(vec![(vec![0], 20), (vec![1], 14), (vec![2], 30)]));
        assert_eq!(settle_options(&[20, 4, 30, 7], 10), Some(vec![(vec![0], 20), (vec![1, 3], 11), (vec![2], 30)]));
        assert_eq!(settle_options(&[40, 3], 10), None);
        assert_eq!(settle_options(&[5, 4], 10), None);
    }

    proptest! {
        #[test]
        fn every_sum_over_others_fits_none_and_nine_in_every_area(counts in prop::collection::vec(0u64..12, 0..9)) {
            if let Some(sum) = others(&counts, 10) {
                prop_assert!(sum >= 10);
                let rest = 9 * (counts.len() as u64 - 1);
                for own in 0..10 {
                    prop_assert!(own <= sum && sum - own <= rest, "an area could not be {own}");
                }
            }
        }

        #[test]
        fn every_group_of_options_and_what_is_outside_it_is_ten(options in prop::collection::vec(0u64..40, 0..8)) {
            if let Some(groups) = settle_options(&options, 10) {
                let all: u64 = options.iter().sum();
                prop_assert_eq!(groups.iter().map(|g| g.1).sum::<u64>(), all);
                for (at, count) in groups {
                    prop_assert_eq!(at.iter().map(|i| options[*i]).sum::<u64>(), count);
                    prop_assert!(count >= 10 && all - count >= 10);
                }
            }
        }
    }
}
