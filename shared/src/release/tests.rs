//! Exhaustive over small worlds, and random over large ones. A reader here knows the rule and all releases.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;

/// One mix after another: how many inputs it added, and how many of them named the topic.
type History = Vec<(u64, u64)>;

/// All releases of one area with one topic.
fn releases(rule: Rule, history: &[(u64, u64)]) -> Vec<(Shown, Shown)> {
    let mut past = Past::new(rule);
    let (mut base, mut count) = (0, 0);
    history
        .iter()
        .map(|(added, named)| {
            base += added;
            count += named;
            let figures = past.next(&Counts { open: true, base, parts: BTreeMap::from([(0u8, count)]) });
            past.follow(&figures);
            (figures.base, figures.parts[&0])
        })
        .collect()
}

fn histories(first: &[u64], later: &[u64], steps: usize) -> Vec<History> {
    let mut out: Vec<History> = vec![vec![]];
    for step in 0..steps {
        let sizes = if step == 0 { first } else { later };
        let longer = |history: &History| {
            let history = history.clone();
            sizes.iter().flat_map(move |added| {
                let history = history.clone();
                (0..=*added).map(move |named| history.iter().copied().chain([(*added, named)]).collect())
            })
        };
        out = out.iter().flat_map(longer).collect();
    }
    out
}

/// What a reader can say of the number of inputs that came between two moments of the base and named the topic (or did
/// not): for every way in which the releases can read, the numbers that fit.
fn what_fits(rule: Rule, histories: &[History]) -> HashMap<(Vec<(Shown, Shown)>, usize, usize, bool), BTreeSet<u64>> {
    let mut fits: HashMap<_, BTreeSet<u64>> = HashMap::new();
    for history in histories {
        let read = releases(rule, history);
        // Only where the base stood still does the reader know no number to subtract from.
        let mut known = vec![0];
        for at in 0..history.len() {
            let before = if at == 0 { Shown::Closed } else { read[at - 1].0 };
            if read[at].0 != before {
                known.push(at + 1);
            }
        }
        for (i, from) in known.iter().enumerate() {
            for to in &known[i + 1..] {
                let inside = history[*from..*to].iter().map(|step| step.1).sum::<u64>();
                let all = history[*from..*to].iter().map(|step| step.0).sum::<u64>();
                fits.entry((read.clone(), *from, *to, true)).or_default().insert(inside);
                fits.entry((read.clone(), *from, *to, false)).or_default().insert(all - inside);
            }
        }
    }
    fits
}

fn nobody_is_alone(rule: Rule, histories: &[History]) {
    let enough = usize::try_from(rule.k).unwrap();
    // The worlds are finite: what moved by more than their largest mix moved after a wait, and the mixes that would
    // have done it in one step are not among them.
    let largest = histories.iter().flat_map(|history| history[1..].iter().map(|step| step.0)).max().unwrap();
    for ((read, from, to, inside), numbers) in what_fits(rule, histories) {
        let figures: Vec<u64> = read.iter().filter_map(|week| week.0.figure()).collect();
        if figures.windows(2).any(|pair| pair[1] - pair[0] > largest) {
            continue;
        }
        let least = *numbers.first().unwrap();
        assert!(least >= rule.k || numbers.len() >= enough, "k = {}: {read:?} leaves only {numbers:?} for {from}..{to}, inside: {inside}", rule.k);
    }
}

#[test]
fn no_small_group_of_any_step_can_be_worked_out_from_all_releases_together() {
    for k in 2..=3 {
        let rule = Rule { k, opens_at: 3 * k, names_the_end: true };
        // A week without a mix is one of the possible ones: an area that waits looks like it.
        let later: Vec<u64> = [0].into_iter().chain(k..=3 * k + 1).collect();
        nobody_is_alone(rule, &histories(&[3 * k, 3 * k + 1], &later, 3));
    }
    nobody_is_alone(Rule { k: 2, opens_at: 6, names_the_end: true }, &histories(&[6, 7], &[0, 2, 3, 4, 5], 4));
}

#[test]
fn the_same_holds_for_who_was_reached() {
    for k in 2..=3 {
        let rule = Rule { k, opens_at: k, names_the_end: false };
        let later: Vec<u64> = (k..=2 * k + 1).collect();
        nobody_is_alone(rule, &histories(&(k..=2 * k + 2).collect::<Vec<_>>(), &later, 3));
    }
    nobody_is_alone(Rule { k: 2, opens_at: 2, names_the_end: false }, &histories(&[2, 3], &[2, 3, 4], 4));
}

#[test]
fn without_the_last_condition_the_same_reader_finds_somebody() {
    // 40 with 20 named, then 49 more of which 9 named, then 10 more that all named: the topic moves from 20 to 39,
    // and the reader would know that the step before brought exactly nine. So the topic stays.
    let read = releases(Rule::INPUTS, &[(40, 20), (49, 9), (10, 10)]);
    assert_eq!(read, vec![(Shown::Exact(40), Shown::Exact(20)), (Shown::Exact(89), Shown::Exact(20)), (Shown::Exact(99), Shown::Exact(20))]);
    let read = releases(Rule::INPUTS, &[(40, 20), (49, 9), (10, 10), (40, 12)]);
    assert_eq!(read[3], (Shown::Exact(139), Shown::Exact(51)));
}

#[test]
fn nought_looks_like_nine_and_all_like_all_but_nine() {
    let first = |named| releases(Rule::INPUTS, &[(40, named)])[0];
    for named in 0..10 {
        assert_eq!(first(named), (Shown::Exact(40), Shown::Under));
        assert_eq!(first(40 - named), (Shown::Exact(40), Shown::NearlyAll));
    }
    assert_eq!(first(10).1, Shown::Exact(10));
    assert_eq!(first(30).1, Shown::Exact(30));
}

#[test]
fn a_closed_area_shows_nothing_and_an_open_one_stays_open() {
    let mut past = Past::new(Rule::INPUTS);
    let closed = past.next(&Counts { open: false, base: 300, parts: BTreeMap::from([(0u8, 100)]) });
    assert_eq!((closed.base, closed.parts[&0]), (Shown::Closed, Shown::Closed));
    past.follow(&closed);
    let few = past.next(&Counts { open: true, base: 29, parts: BTreeMap::from([(0, 12)]) });
    assert_eq!(few.base, Shown::Closed);
    past.follow(&few);
    past.follow(&past.next(&Counts { open: true, base: 30, parts: BTreeMap::from([(0, 12)]) }));
    let after = past.next(&Counts { open: false, base: 90, parts: BTreeMap::from([(0, 40), (1, 20)]) });
    assert_eq!((after.base, after.parts[&0], after.parts[&1]), (Shown::Exact(30), Shown::Exact(12), Shown::Under));
}

#[test]
fn a_figure_never_falls() {
    let mut past = Past::new(Rule::INPUTS);
    for (base, count) in [(60, 30), (40, 5), (80, 12), (100, 0)] {
        past.follow(&past.next(&Counts { open: true, base, parts: BTreeMap::from([(0u8, count)]) }));
        assert_eq!(past.last_figure(&0), 30);
    }
    assert_eq!(past.base(), 100);
}

#[test]
fn what_is_shown_reads_back() {
    for shown in [Shown::Closed, Shown::Under, Shown::Exact(12), Shown::NearlyAll, Shown::AtLeast(40)] {
        assert_eq!(Shown::read(shown.band(), shown.figure()), Some(shown));
    }
    assert_eq!(Shown::read("exact", None), None);
    assert_eq!(Shown::read("under", Some(3)), None);
}

/// Weeks of mixes in several areas, each with the shares of three topics.
fn worlds() -> impl Strategy<Value = Vec<Vec<(u64, [u64; 3])>>> {
    let week = (prop_oneof![2 => Just(0u64), 3 => 30u64..90, 1 => 1u64..30], prop::array::uniform3(0u64..=100));
    prop::collection::vec(prop::collection::vec(week, 6), 1..5)
}

proptest! {
    #[test]
    fn every_difference_of_nested_figures_is_none_or_ten(world in worlds()) {
        let mut pasts: Vec<Past<usize>> = world.iter().map(|_| Past::new(Rule::INPUTS)).collect();
        let mut truth = vec![(0u64, [0u64; 3]); world.len()];
        let mut weeks: Vec<Vec<Figures<usize>>> = vec![];
        for week in 0..6 {
            let mut all = vec![];
            for (area, past) in pasts.iter_mut().enumerate() {
                let (added, shares) = world[area][week];
                truth[area].0 += added;
                for topic in 0..3 {
                    truth[area].1[topic] += added * shares[topic] / 100;
                }
                let parts = truth[area].1.iter().copied().enumerate().collect();
                let figures = past.next(&Counts { open: truth[area].0 > 0, base: truth[area].0, parts });
                past.follow(&figures);
                all.push(figures);
            }
            all.push(city(&pasts));
            weeks.push(all);
        }
        let nested = |small: u64, large: u64| large == small || large >= small + K;
        for place in 0..=world.len() {
            let figure = |week: usize, topic: Option<usize>| {
                let figures = &weeks[week][place];
                topic.map_or(figures.base, |topic| figures.parts.get(&topic).copied().unwrap_or(Shown::Closed)).figure()
            };
            for early in 0..6 {
                for late in early..6 {
                    for topic in [None, Some(0), Some(1), Some(2)] {
                        if let (Some(before), Some(after)) = (figure(early, topic), figure(late, topic)) {
                            prop_assert!(nested(before, after), "one figure: {before} then {after}");
                        }
                        if let (Some(part), Some(base)) = (figure(early, topic), figure(late, None)) && topic.is_some() {
                            prop_assert!(base >= part + K, "{part} of {base}");
                        }
                    }
                }
            }
        }
        // What was added to a part, within what was added to its base, between releases in which the part moved.
        for area in 0..world.len() {
            for topic in 0..3 {
                let mut moves: Vec<(u64, u64)> = vec![(0, 0)];
                for week in &weeks {
                    if let (Shown::Exact(part), Shown::Exact(base)) = (week[area].parts[&topic], week[area].base)
                        && moves.last().is_some_and(|last| last.0 != part)
                    {
                        moves.push((part, base));
                    }
                }
                for (i, early) in moves.iter().enumerate() {
                    for late in &moves[i + 1..] {
                        prop_assert!(late.1 - early.1 >= late.0 - early.0 + K);
                    }
                }
            }
        }
    }
}
