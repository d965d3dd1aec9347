//! What an import of lines did, for the person who typed the command.

use std::{collections::BTreeMap, fmt};

use dorbank_shared::line::{Kind, Line};

use crate::import::tell;

/// How many reasons are written out.
const SHOWN: usize = 10;

/// What was read on the way to lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines in the file that are of a kind.
    pub read: usize,
    /// Of these, such as lie elsewhere, or are shorter than a metre.
    pub outside: usize,
    /// Features that are of no kind.
    pub without_kind: usize,
    /// Features that cannot be used, by reason.
    pub refused: BTreeMap<String, usize>,
    /// Which property says what a line is, and which what it is called.
    pub properties: Option<(String, String)>,
}

/// What an import of lines did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineReport {
    /// Whether it only looked.
    pub dry_run: bool,
    /// Who drew them.
    pub origin: String,
    /// What must stand wherever they are drawn.
    pub credit: String,
    /// What was read.
    pub tally: Tally,
    /// How many lines are kept of each kind, and how many of these have a name.
    pub kinds: BTreeMap<Kind, (usize, usize)>,
    /// How many points they have.
    pub points: usize,
    /// How many bytes their geometries take.
    pub bytes: usize,
}

impl LineReport {
    /// Of these lines.
    pub fn of(lines: &[Line], tally: Tally, origin: String, credit: String) -> Self {
        let mut report = Self { origin, credit, tally, ..Self::default() };
        for line in lines {
            let (count, named) = report.kinds.entry(line.kind).or_default();
            *count += 1;
            *named += usize::from(!line.name.is_empty());
            report.points += line.geometry.parts.iter().map(Vec::len).sum::<usize>();
            report.bytes += line.geometry.encode().len();
        }
        report
    }
}

impl fmt::Display for LineReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tell::heading(f, "Lines", self.dry_run)?;
        writeln!(f, "Of {}, shown with: {}", self.origin, self.credit)?;
        if let Some((kind, name)) = &self.tally.properties {
            writeln!(f, "Kind: {kind}; name: {name}")?;
        }
        for (kind, (count, named)) in &self.kinds {
            tell::line(f, *count, &format!("{}, {named} with a name", kind.name()))?;
        }
        tell::line(f, self.tally.outside, "elsewhere, or too short to see")?;
        if self.tally.without_kind > 0 {
            tell::line(f, self.tally.without_kind, "of none of these kinds, left out")?;
        }
        for (reason, count) in self.tally.refused.iter().take(SHOWN) {
            tell::line(f, *count, &format!("left out: {reason}"))?;
        }
        writeln!(f, "{} points in {} kB.", self.points, self.bytes.div_ceil(1000))
    }
}
