//! Which district each hexagon of land belongs to.
//!
//! The districts share the town in proportion to their real sizes; the forest is one district more. A place goes to the
//! centre that it has least far to, where each centre is given a head start, in metres; the head starts are changed until
//! each district has its share. This is a transport problem, which always has an answer, and in it every district holds
//! its own centre: else it would have nothing at all. (With squares of distances, as in a power diagram, it need not.)
//! Afterwards strays, cut off by the fjord, are given to their neighbours, so that every district is in one part.

use std::collections::VecDeque;

use dorbank_shared::geo::Metres;

use super::{land::Ground, lattice::Lattice, noise::Field};

/// Whose a hexagon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The district at this index.
    District(usize),
    /// The fjord.
    Sea,
    /// Nobody's: outside the city.
    Beyond,
}

/// A district's claim.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Its centre.
    pub at: Metres,
    /// Its size; absent for the forest.
    pub square_m: Option<f64>,
}

/// How far a border wanders from the straight line, in metres.
const WANDER: f64 = 260.0;
/// So often the head starts are changed.
const ROUNDS: usize = 150;
/// At first every so manieth hexagon is looked at.
const COARSE: usize = 5;
/// So often the land is handed out at most, each time with what was learnt from the strays of the time before.
const TRIES: usize = 12;
/// So much of its share a district may have too much or too little.
const NEAR_ENOUGH: f64 = 0.02;
/// Another part of the forest is kept from this size on, in square metres; smaller ones go to their neighbours.
const SECOND_PART: f64 = 4e6;

/// Gives every hexagon its owner.
pub fn share(lattice: &Lattice, ground: &[Ground], claims: &[Claim], seed: u64) -> Vec<Owner> {
    let wander = [Field::new(seed ^ 0x21, 1_500.0), Field::new(seed ^ 0x22, 1_500.0)];
    let moved = |at: Metres| Metres { x: at.x + wander[0].at(at) * WANDER, y: at.y + wander[1].at(at) * WANDER };
    let in_town = |cell: &usize| ground[*cell] == Ground::Town;
    let town: Vec<(usize, Metres)> = (0..lattice.len()).filter(in_town).map(|cell| (cell, moved(lattice.middle(cell)))).collect();
    let sites: Vec<Metres> = claims.iter().map(|claim| moved(claim.at)).collect();
    let claimed: f64 = claims.iter().filter_map(|claim| claim.square_m).sum();
    let all = town.len() as f64 * lattice.square_m();
    let share: Vec<Option<f64>> = claims.iter().map(|claim| claim.square_m.map(|square_m| square_m / claimed * all)).collect();
    let mut wanted = share.clone();
    let mut head_start: Vec<f64> = share.iter().map(|square_m| square_m.unwrap_or(0.0).sqrt() / 2.0).collect();
    // At first a part of the hexagons tells as much.
    settle(lattice, town.iter().step_by(COARSE), COARSE, &sites, &wanted, &mut head_start, ROUNDS);
    let mut best: (f64, Vec<Owner>) = (f64::INFINITY, Vec::new());
    for _ in 0..TRIES {
        settle(lattice, town.iter(), 1, &sites, &wanted, &mut head_start, ROUNDS / 5);
        let owners = hand_out(lattice, ground, &town, claims, &sites, &head_start);
        let mut worst: f64 = 0.0;
        // What strays brought or took is asked for less or more next time.
        for (district, wanted) in wanted.iter_mut().enumerate() {
            let Some((asked, share)) = wanted.zip(share[district]) else { continue };
            let has = owners.iter().filter(|owner| **owner == Owner::District(district)).count() as f64 * lattice.square_m();
            worst = worst.max((has / share - 1.0).abs());
            *wanted = Some((asked + 0.7 * (share - has)).max(share * 0.3));
        }
        if worst < best.0 {
            best = (worst, owners);
        }
        if worst < NEAR_ENOUGH {
            break;
        }
    }
    best.1
}

/// Gives every hexagon of the town to the centre that it has least far to, and strays to their neighbours.
fn hand_out(lattice: &Lattice, ground: &[Ground], town: &[(usize, Metres)], claims: &[Claim], sites: &[Metres], head_start: &[f64]) -> Vec<Owner> {
    let rest = claims.iter().position(|claim| claim.square_m.is_none()).unwrap_or_default();
    let mut owners: Vec<Owner> = ground
        .iter()
        .map(|ground| match ground {
            Ground::Town | Ground::Forest => Owner::District(rest),
            Ground::Sea => Owner::Sea,
            Ground::Beyond => Owner::Beyond,
        })
        .collect();
    let all: Vec<Option<f64>> = claims.iter().map(|claim| claim.square_m).collect();
    for (cell, at) in town {
        owners[*cell] = Owner::District(nearest(*at, sites, &all, head_start).unwrap_or(rest));
    }
    let centres: Vec<Option<usize>> = claims.iter().map(|claim| lattice.holding(claim.at)).collect();
    for (district, cell) in centres.iter().enumerate() {
        let Some(cell) = cell else { continue };
        for own in lattice.beside(*cell).into_iter().flatten().chain([*cell]) {
            owners[own] = Owner::District(district);
        }
    }
    gather(lattice, &mut owners, &centres, rest);
    owners
}

/// The district that a place has least far to, less its head start. Who wants nothing has none.
fn nearest(at: Metres, sites: &[Metres], wanted: &[Option<f64>], head_start: &[f64]) -> Option<usize> {
    let far = |site: usize| at.distance(sites[site]) - head_start[site];
    let sites = (0..sites.len()).filter(|site| wanted[*site].is_some());
    sites.map(|site| (site, far(site))).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(site, _)| site)
}

/// Changes the head starts until each district has about what it wants of the town; of that, every so manieth hexagon is
/// given.
fn settle<'a>(
    lattice: &Lattice,
    town: impl Iterator<Item = &'a (usize, Metres)>,
    coarse: usize,
    sites: &[Metres],
    wanted: &[Option<f64>],
    head_start: &mut [f64],
    rounds: usize,
) {
    let part: Vec<Metres> = town.map(|(_, at)| *at).collect();
    let each = lattice.square_m() * coarse as f64;
    for round in 0..rounds {
        let mut has = vec![0.0; sites.len()];
        for at in &part {
            if let Some(site) = nearest(*at, sites, wanted, head_start) {
                has[site] += each;
            }
        }
        let step = if round * 2 < rounds { 0.4 } else { 0.2 };
        for (site, wanted) in wanted.iter().enumerate() {
            // A district of so many square metres has about 3.7 times the root of that as border; each metre moves by half.
            head_start[site] += wanted.map_or(0.0, |wanted| step * (wanted - has[site]) / wanted.sqrt());
        }
    }
}

/// Keeps of every district the part that holds its centre (of the forest another large part too), of the sea the
/// largest; what is cut off goes to a neighbour.
fn gather(lattice: &Lattice, owners: &mut [Owner], centres: &[Option<usize>], rest: usize) {
    let mut kept = vec![false; owners.len()];
    let mut seen = vec![false; owners.len()];
    let mut seas: Vec<Vec<usize>> = Vec::new();
    let mut forests: Vec<Vec<usize>> = Vec::new();
    for start in 0..owners.len() {
        if seen[start] {
            continue;
        }
        let part = part(lattice, owners, start, &mut seen);
        let holds_centre = |district: usize| centres[district].is_some_and(|centre| part.contains(&centre));
        match owners[start] {
            Owner::Beyond => part.iter().for_each(|cell| kept[*cell] = true),
            Owner::Sea => seas.push(part),
            Owner::District(district) if holds_centre(district) => part.iter().for_each(|cell| kept[*cell] = true),
            Owner::District(district) if district == rest => forests.push(part),
            Owner::District(_) => {}
        }
    }
    let largest = |parts: Vec<Vec<usize>>| parts.into_iter().max_by_key(Vec::len).unwrap_or_default();
    let second = Some(largest(forests)).filter(|part| part.len() as f64 * lattice.square_m() >= SECOND_PART);
    for cell in largest(seas).into_iter().chain(second.unwrap_or_default()) {
        kept[cell] = true;
    }
    // Outwards from what is kept, so that whatever is added hangs together with it. A pond becomes land.
    let mut queue: VecDeque<usize> = (0..owners.len()).filter(|cell| kept[*cell] && matches!(owners[*cell], Owner::District(_))).collect();
    while let Some(cell) = queue.pop_front() {
        for next in lattice.beside(cell).into_iter().flatten() {
            if !kept[next] && owners[next] != Owner::Beyond {
                kept[next] = true;
                owners[next] = owners[cell];
                queue.push_back(next);
            }
        }
    }
    // What is left is a rock in the sea or outside the city.
    for cell in 0..owners.len() {
        if !kept[cell] {
            let by_the_sea = lattice.beside(cell).into_iter().flatten().any(|next| kept[next] && owners[next] == Owner::Sea);
            owners[cell] = if by_the_sea { Owner::Sea } else { Owner::Beyond };
        }
    }
}

/// The hexagons of one owner that hang together with one of them.
fn part(lattice: &Lattice, owners: &[Owner], start: usize, seen: &mut [bool]) -> Vec<usize> {
    let mut part = vec![start];
    seen[start] = true;
    let mut next = 0;
    while let Some(cell) = part.get(next).copied() {
        next += 1;
        for beside in lattice.beside(cell).into_iter().flatten() {
            if !seen[beside] && owners[beside] == owners[start] {
                seen[beside] = true;
                part.push(beside);
            }
        }
    }
    part
}
