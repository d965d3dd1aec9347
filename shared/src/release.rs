//! The small-number rule: what may be shown of true counts, given what was shown before. Pure.
//!
//! A thing that is counted (an area's inputs, an area's doors) is a base and parts of it: each part counts some of what
//! the base counts, and the parts may overlap. The base and its parts move together or not at all, so that whatever
//! was ever shown of a part lies within whatever is shown of its base. ADR 0006 says which attack each condition answers.

use std::collections::BTreeMap;

mod close;

pub use close::{others, part_in_area, settle_options};

/// The number that everything here is about: a group smaller than this is never shown, nor derivable.
pub const K: u64 = 10;

/// From this many inputs an area is shown; the mix never takes fewer at a time.
pub const OPENS_AT: u64 = 30;

/// What is shown in the place of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shown {
    /// Nothing yet: too few conversations.
    Closed,
    /// Fewer than [`K`]: none looks like nine.
    Under,
    /// A count that was true when it last moved.
    Exact(u64),
    /// All but fewer than [`K`] of the base: none looks like nine.
    NearlyAll,
    /// A sum over counts that are shown.
    AtLeast(u64),
}

impl Shown {
    /// The name in the store.
    pub const fn band(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Under => "under",
            Self::Exact(_) => "exact",
            Self::NearlyAll => "nearly_all",
            Self::AtLeast(_) => "at_least",
        }
    }

    /// The figure, where there is one.
    pub const fn figure(self) -> Option<u64> {
        match self {
            Self::Exact(n) | Self::AtLeast(n) => Some(n),
            Self::Closed | Self::Under | Self::NearlyAll => None,
        }
    }

    /// Reads what [`Self::band`] and [`Self::figure`] wrote.
    pub fn read(band: &str, figure: Option<u64>) -> Option<Self> {
        match (band, figure) {
            ("closed", None) => Some(Self::Closed),
            ("under", None) => Some(Self::Under),
            ("exact", Some(n)) => Some(Self::Exact(n)),
            ("nearly_all", None) => Some(Self::NearlyAll),
            ("at_least", Some(n)) => Some(Self::AtLeast(n)),
            _ => None,
        }
    }
}

/// How a family of figures is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The smallest group that is shown.
    pub k: u64,
    /// The base is shown from here on.
    pub opens_at: u64,
    /// Whether a part that is not shown says which end it is at (`Under`, `NearlyAll`) or nothing at all.
    pub names_the_end: bool,
}

impl Rule {
    /// For inputs: an area opens at [`OPENS_AT`], and a topic without a figure says whether few or nearly all named it.
    pub const INPUTS: Self = Self { k: K, opens_at: OPENS_AT, names_the_end: true };
    /// For who was reached: doors from [`K`] on, and a figure that may not be shown is absent.
    pub const REACH: Self = Self { k: K, opens_at: K, names_the_end: false };
}

/// What is true of one area now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts<P: Ord> {
    /// Whether the area is past its gate.
    pub open: bool,
    /// How many there are in all.
    pub base: u64,
    /// How many of them each part counts.
    pub parts: BTreeMap<P, u64>,
}

/// What one release shows of one area.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Figures<P: Ord> {
    /// [`Shown::Closed`] or [`Shown::Exact`].
    pub base: Shown,
    /// One for each part.
    pub parts: BTreeMap<P, Shown>,
}

/// What a reader of all releases knows of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    /// As it is shown now.
    shown: Shown,
    /// The count that was last shown, 0 where none was.
    count: u64,
    /// The base at the release in which that count first stood, 0 where none did.
    base: u64,
}

impl Held {
    const NONE: Self = Self { shown: Shown::Closed, count: 0, base: 0 };
}

/// What was shown of one area so far. Made from releases alone: the rule remembers nothing that a reader does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past<P: Ord> {
    rule: Rule,
    base: u64,
    parts: BTreeMap<P, Held>,
}

/// The area waits as it is until the next freeze.
struct Wait;

impl<P: Ord + Clone> Past<P> {
    /// Nothing was shown yet.
    pub const fn new(rule: Rule) -> Self {
        Self { rule, base: 0, parts: BTreeMap::new() }
    }

    /// The figure of a part that was last shown, 0 where none was. What sums over areas are made of: unlike what is
    /// shown it never falls.
    pub fn last_figure(&self, part: &P) -> u64 {
        self.parts.get(part).map_or(0, |held| held.count)
    }

    /// The base that is shown, 0 where none is.
    pub const fn base(&self) -> u64 {
        self.base
    }

    /// Takes in what a release showed. Releases come in their order.
    pub fn follow(&mut self, figures: &Figures<P>) {
        if let Shown::Exact(base) = figures.base {
            self.base = base;
        }
        for (part, shown) in &figures.parts {
            let held = self.parts.entry(part.clone()).or_insert(Held::NONE);
            held.shown = *shown;
            if let Shown::Exact(count) = *shown
                && count != held.count
            {
                held.count = count;
                held.base = self.base;
            }
        }
    }

    /// What the next release shows, when this is true now.
    ///
    /// Counts only grow within a round: a removed text stays counted. Where one has fallen all the same, what is shown
    /// stays, since a figure that falls would give away the difference.
    pub fn next(&self, now: &Counts<P>) -> Figures<P> {
        if !now.open || now.base < self.rule.opens_at.max(self.base + self.rule.k) {
            return self.unmoved(now);
        }
        let mut parts = BTreeMap::new();
        for (part, count) in &now.parts {
            let held = self.parts.get(part).copied().unwrap_or(Held::NONE);
            match self.step(held, (*count).min(now.base), now.base) {
                Ok(shown) => parts.insert(part.clone(), shown),
                Err(Wait) => return self.unmoved(now),
            };
        }
        Figures { base: Shown::Exact(now.base), parts }
    }

    fn unmoved(&self, now: &Counts<P>) -> Figures<P> {
        let shown = |part: &P| match self.parts.get(part) {
            Some(held) => held.shown,
            // A topic that joined the codebook after the area opened.
            None if self.base > 0 => self.low(),
            None => Shown::Closed,
        };
        let base = if self.base > 0 { Shown::Exact(self.base) } else { Shown::Closed };
        Figures { base, parts: now.parts.keys().map(|part| (part.clone(), shown(part))).collect() }
    }

    const fn low(&self) -> Shown {
        if self.rule.names_the_end { Shown::Under } else { Shown::Closed }
    }

    const fn high(&self) -> Shown {
        if self.rule.names_the_end { Shown::NearlyAll } else { Shown::Closed }
    }

    /// What a part shows when the base moves to `base`.
    fn step(&self, held: Held, count: u64, base: u64) -> Result<Shown, Wait> {
        let k = self.rule.k;
        // Since the part's figure last moved: how many more are in it, and how many more are outside it. Both have to
        // be k, or the difference of two releases would be a small group, inside or outside.
        let inside = count.saturating_sub(held.count);
        let outside = (base - count).saturating_sub(held.base - held.count);
        if inside < k || outside < k {
            return Ok(if held.count > 0 {
                Shown::Exact(held.count)
            } else if inside < k && held.shown != Shown::NearlyAll {
                self.low()
            } else {
                self.high()
            });
        }
        // While the base moved and the part did not, a reader knew: fewer than k more inside, or fewer than k more
        // outside. If now nearly the whole step of the base lay on one side, he could work out which number below k
        // it was. As long as one step can hold all that was added on that side, every number below k fits. Else the
        // figure stays; but a band that says "few" or "nearly all" would no longer be true, so there the area waits,
        // which looks like a week without a mix.
        let step = base - self.base;
        let (few_inside, few_outside) = (inside <= step, outside <= step);
        let waited = held.base != self.base;
        let hidden = match held.shown {
            _ if !waited => true,
            Shown::Under => few_inside,
            Shown::NearlyAll => few_outside,
            _ => few_inside || few_outside,
        };
        match held.shown {
            _ if hidden => Ok(Shown::Exact(count)),
            Shown::Under | Shown::NearlyAll => Err(Wait),
            stays => Ok(stays),
        }
    }
}

/// The city: for each part the sum of the figures that areas show or last showed, `Closed` where none ever did.
pub fn city<'a, P: Ord + Clone + 'a>(areas: impl IntoIterator<Item = &'a Past<P>>) -> Figures<P> {
    let mut base = 0;
    let mut sums: BTreeMap<P, u64> = BTreeMap::new();
    for area in areas {
        base += area.base;
        for (part, held) in &area.parts {
            *sums.entry(part.clone()).or_default() += held.count;
        }
    }
    let at_least = |sum: u64| if sum > 0 { Shown::AtLeast(sum) } else { Shown::Closed };
    Figures { base: at_least(base), parts: sums.into_iter().map(|(part, sum)| (part, at_least(sum))).collect() }
}

#[cfg(test)]
mod tests;
