//! The demo's plan: branches, turfs, and shifts that were, are and will be.

use std::collections::HashSet;

use dorbank_shared::{
    code,
    district::Branch,
    geo::{Stop, walk_order},
    place::Entrance,
    shift::{Shift, ShiftKind},
};
use rand::{RngExt as _, seq::IndexedRandom as _};
use uuid::Uuid;

use super::{
    calendar::Calendar,
    city::{City, DISTRICTS},
    maker::Maker,
    size::Past,
};
use crate::store::{
    campaign::{Campaign, Purpose},
    turf::Turf,
};

/// The branch that works at stands and covers no district.
pub const STUDENTS: &str = "Studentlaget";
/// A turf is closed when it has so many doors.
const DOORS: usize = 44;
/// It never has more than this, unless one entrance alone has.
const MOST_DOORS: usize = 60;

/// A turf with its entrances in walk order.
#[derive(Debug, Clone)]
pub struct Walk {
    /// As it is stored.
    pub turf: Turf,
    /// The entrances: index of the district, index in it.
    pub entrances: Vec<(usize, usize)>,
}

/// When a shift is, against now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In the week that began so many weeks before this week's Monday; 1 is last week.
    WeeksAgo(i64),
    /// Yesterday evening.
    Yesterday,
    /// Now.
    Running,
    /// Later.
    Planned,
}

/// A shift with what it walks.
#[derive(Debug, Clone)]
pub struct Tour {
    /// As it is stored.
    pub shift: Shift,
    /// Who holds it.
    pub branches: Vec<Uuid>,
    /// When it is.
    pub when: When,
    /// Indexes into [`Plan::walks`].
    pub walks: Vec<usize>,
}

/// How many pairs walk in the shift that runs now.
const RUNNING: usize = 5;
/// How many walked yesterday.
const YESTERDAY: usize = 3;
/// How many walk in a shift that is planned.
const PLANNED: usize = 4;

/// All of it.
#[derive(Debug)]
pub struct Plan {
    /// The sixteen branches.
    pub branches: Vec<Branch>,
    /// A campaign for each, in their order.
    pub campaigns: Vec<Campaign>,
    /// All turfs.
    pub walks: Vec<Walk>,
    /// All shifts, by when they begin.
    pub tours: Vec<Tour>,
}

impl Plan {
    /// Plans a city for a round.
    pub fn build(maker: &mut Maker, city: &City, calendar: &Calendar, round: Uuid, past: &Past) -> Self {
        let mut plan = Self { branches: branches(maker), campaigns: Vec::new(), walks: Vec::new(), tours: Vec::new() };
        let mut selectors = HashSet::new();
        for index in 0..plan.branches.len() {
            let branch = plan.branches[index].clone();
            let campaign = campaign(maker, calendar, &branch, round, past.weeks);
            let held = past.shifts.get(index).copied().unwrap_or(0);
            let pairs: Vec<usize> = (0..held).map(|_| maker.rng.random_range(past.pairs.0..=past.pairs.1)).collect();
            let now = if index == 0 { RUNNING + YESTERDAY } else { 0 };
            let most = past.spare.map_or(usize::MAX, |spare| pairs.iter().sum::<usize>() + now + 2 * PLANNED + spare);
            let mut free = plan.cut(maker, city, &branch, campaign.id, most);
            let mut add = |maker: &mut Maker, when, starts_at: i64, ends_at: i64, walks: Vec<usize>| {
                let place = walks.first().map_or_else(|| "Frederikkeplassen".to_owned(), |walk| meeting_place(city, &plan.walks[*walk]));
                let kind = if walks.is_empty() { ShiftKind::Stand } else { ShiftKind::Door };
                let shift = Shift {
                    id: maker.id_at(starts_at.min(maker.now_ms)),
                    campaign: campaign.id,
                    kind,
                    starts_at,
                    ends_at,
                    meeting_place: place,
                    capacity: i64::try_from(walks.len().max(4) * 2).unwrap_or(8),
                    zetkin_url: None,
                    selector: selector(maker, &mut selectors),
                    code_version: 1,
                    misses: 0,
                    locked_until: 0,
                    version: 1,
                };
                plan.tours.push(Tour { shift, branches: vec![branch.id], when, walks });
            };
            let evening = |day: i64| (calendar.at(day, 17, 30), calendar.at(day, 19, 30));
            for (number, pairs) in (0..).zip(pairs) {
                let weeks_ago = past.weeks - number * past.weeks / held;
                if free.len() <= past.pairs.1 {
                    break;
                }
                let walks = take(&mut free, pairs);
                // Two in one week are on two days.
                let day = i64::try_from(index % 3).unwrap_or(0) + number % 2;
                let (starts_at, ends_at) = evening(day - 7 * weeks_ago);
                add(maker, When::WeeksAgo(weeks_ago), starts_at, ends_at, walks.clone());
                if weeks_ago >= 3 && maker.rng.random_ratio(past.again, 100) {
                    // Two weeks later, on another day, where nobody had opened.
                    let (starts_at, ends_at) = evening(day + 3 - 7 * (weeks_ago - 2));
                    add(maker, When::WeeksAgo(weeks_ago - 2), starts_at, ends_at, walks);
                }
            }
            if index == 0 {
                let (starts_at, ends_at) = evening(calendar.today() - 1);
                add(maker, When::Yesterday, starts_at, ends_at, take(&mut free, YESTERDAY));
                add(maker, When::Running, calendar.now_ms - 30 * 60_000, calendar.now_ms + 2 * 3_600_000, take(&mut free, RUNNING));
            }
            // The next two weeks, on two evenings that no other shift of the branch has.
            for week in 1..=2 {
                let (starts_at, ends_at) = evening(7 * week + i64::try_from(index % 4).unwrap_or(0));
                add(maker, When::Planned, starts_at, ends_at, take(&mut free, PLANNED));
            }
            plan.campaigns.push(campaign);
        }
        plan.tours.sort_by_key(|tour| (tour.shift.starts_at, tour.shift.id));
        plan
    }

    /// The shifts at a time.
    pub fn at(&self, when: When) -> impl Iterator<Item = &Tour> {
        self.tours.iter().filter(move |tour| tour.when == when)
    }

    /// The shift that runs now.
    pub fn running(&self) -> Option<&Tour> {
        self.at(When::Running).next()
    }

    /// The entrances that lie in a turf.
    pub fn entrances<'a>(&'a self, city: &'a City) -> impl Iterator<Item = &'a Entrance> {
        self.walks.iter().flat_map(|walk| walk.entrances.iter().map(|(district, entrance)| &city.entrances[*district][*entrance]))
    }

    /// Cuts a branch's districts into turfs, at most so many, and gives their indexes in the order in which they will be
    /// walked.
    fn cut(&mut self, maker: &mut Maker, city: &City, branch: &Branch, campaign: Uuid, most: usize) -> Vec<usize> {
        let first = self.walks.len();
        let mut number = 0;
        for (index, known) in DISTRICTS.iter().enumerate().filter(|(_, d)| branch.districts.iter().any(|own| own == d.number)) {
            let entrances = &city.entrances[index];
            let stops: Vec<Stop> = entrances.iter().map(Entrance::stop).collect();
            let mut open: Vec<(usize, usize)> = Vec::new();
            let mut doors = 0;
            let mut parts = Vec::new();
            for stop in walk_order(&stops) {
                let more = entrances[stop].units.len();
                if !open.is_empty() && (doors >= DOORS || doors + more > MOST_DOORS) {
                    parts.push(std::mem::take(&mut open));
                    doors = 0;
                }
                doors += more;
                open.push((index, stop));
            }
            parts.extend(Some(open).filter(|open| !open.is_empty()));
            for entrances in parts {
                if self.walks.len() - first >= most {
                    break;
                }
                number += 1;
                let turf =
                    Turf { id: maker.id(), campaign, district: known.number.to_owned(), number, name: turf_name(city, &entrances), version: 1 };
                self.walks.push(Walk { turf, entrances });
            }
        }
        (first..self.walks.len()).collect()
    }
}

/// The next turfs, as many as there are of so many.
fn take(free: &mut Vec<usize>, pairs: usize) -> Vec<usize> {
    free.drain(..pairs.min(free.len())).collect()
}

fn branches(maker: &mut Maker) -> Vec<Branch> {
    let of = |maker: &mut Maker, name: &str, districts: Vec<String>| Branch { id: maker.id(), name: name.to_owned(), districts, version: 1 };
    let mut branches: Vec<Branch> = DISTRICTS
        .iter()
        .filter(|d| d.is_area())
        .map(|d| {
            // A district that is counted with another is walked by the other's branch.
            let own = DISTRICTS.iter().filter(|other| other.area() == d.number).map(|other| other.number.to_owned());
            of(maker, d.name(), own.collect())
        })
        .collect();
    branches.push(of(maker, STUDENTS, Vec::new()));
    branches
}

fn campaign(maker: &mut Maker, calendar: &Calendar, branch: &Branch, round: Uuid, weeks: i64) -> Campaign {
    Campaign {
        id: maker.id(),
        round,
        branch: branch.id,
        purpose: Purpose::Listen,
        name: format!("Lytteuker, {}", branch.name),
        starts_on: calendar.date(-7 * weeks),
        ends_on: calendar.date(27),
        receipt_key: maker.bytes::<32>().to_vec(),
        version: 1,
    }
}

/// A turf is called after its street, or after its first and last.
fn turf_name(city: &City, entrances: &[(usize, usize)]) -> String {
    let street = |at: Option<&(usize, usize)>| at.map_or("", |(district, entrance)| &city.entrances[*district][*entrance].street);
    let (first, last) = (street(entrances.first()), street(entrances.last()));
    if first == last { first.to_owned() } else { format!("{first} og {last}") }
}

fn meeting_place(city: &City, walk: &Walk) -> String {
    walk.entrances.first().map_or_else(String::new, |(district, entrance)| format!("Hjørnet ved {}", city.entrances[*district][*entrance].street))
}

fn selector(maker: &mut Maker, taken: &mut HashSet<String>) -> String {
    loop {
        let selector: String =
            (0..code::SELECTOR_LENGTH).filter_map(|_| code::ALPHABET.choose(&mut maker.rng).map(|byte| char::from(*byte))).collect();
        if taken.insert(selector.clone()) {
            return selector;
        }
    }
}
