//! What an import did, for the person who typed the command.

use std::{collections::BTreeMap, fmt};

use super::row::Reason;

/// How many refused rows are written out; of all others only the number.
const SHOWN: usize = 20;

/// A refused row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Its line in the file; the header is line 1.
    pub line: u64,
    /// The column.
    pub field: &'static str,
    /// Why.
    pub reason: Reason,
}

/// What an import of addresses did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Whether it only looked.
    pub dry_run: bool,
    /// Rows in the file, without the header.
    pub rows: usize,
    /// Entrances that were not known.
    pub added: usize,
    /// Known ones of which something changed.
    pub changed: usize,
    /// Known ones that are as they were.
    pub unchanged: usize,
    /// Known ones that are no longer in the file. They are marked and kept.
    pub vanished: usize,
    /// Entrances of this file that lie in no district.
    pub without_district: usize,
    /// Whether no district is known at all.
    pub no_districts: bool,
    /// Rows that were not imported, in the order of the file.
    pub refused: Vec<Refused>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        heading(f, "Addresses", self.dry_run)?;
        line(f, self.rows, "rows read")?;
        line(f, self.added, "new entrances, each with one door")?;
        line(f, self.changed, "changed")?;
        line(f, self.unchanged, "unchanged")?;
        line(f, self.vanished, "no longer in the file: marked, and kept with all that happened there")?;
        line(f, self.without_district, "without a district: they cannot be part of a turf yet")?;
        line(f, self.refused.len(), "rows refused")?;
        if self.no_districts {
            writeln!(f, "\nNo district is known. Import them with `dorbank import districts`; the addresses are placed then.")?;
        }
        if self.refused.is_empty() {
            return Ok(());
        }
        let mut reasons: BTreeMap<(Reason, &str), usize> = BTreeMap::new();
        for refused in &self.refused {
            *reasons.entry((refused.reason, refused.field)).or_default() += 1;
        }
        writeln!(f, "\nRefused rows, by reason:")?;
        for ((reason, field), count) in reasons {
            writeln!(f, "{count:>9}  {field}: {reason}")?;
        }
        writeln!(f, "\nRefused rows:")?;
        for refused in self.refused.iter().take(SHOWN) {
            writeln!(f, "  line {}, {}: {}", refused.line, refused.field, refused.reason)?;
        }
        if self.refused.len() > SHOWN {
            writeln!(f, "  and {} more", self.refused.len() - SHOWN)?;
        }
        Ok(())
    }
}

/// What an import of districts did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DistrictReport {
    /// Whether it only looked.
    pub dry_run: bool,
    /// Districts that were not known.
    pub added: usize,
    /// Known ones of which something changed.
    pub changed: usize,
    /// Known ones that are as they were.
    pub unchanged: usize,
    /// Districts without an outline: addresses reach them by the table alone.
    pub without_outline: Vec<String>,
    /// Districts that are counted with another: `(number, the other's number)`.
    pub joined: Vec<(String, String)>,
    /// Districts whose outline crosses itself.
    pub crossing: Vec<String>,
    /// Districts that were removed, since the file no longer has them.
    pub removed: Vec<String>,
    /// Basic statistical units whose district is known now.
    pub grunnkretser: usize,
    /// Entrances that got another district, or their first.
    pub entrances_moved: usize,
    /// Entrances that lie in no district.
    pub entrances_without: usize,
}

impl fmt::Display for DistrictReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        heading(f, "Districts", self.dry_run)?;
        line(f, self.added, "new")?;
        line(f, self.changed, "changed")?;
        line(f, self.unchanged, "unchanged")?;
        if !self.removed.is_empty() {
            line(f, self.removed.len(), &format!("removed: {}", self.removed.join(", ")))?;
        }
        line(f, self.grunnkretser, "basic statistical units (grunnkretser) whose district is known")?;
        line(f, self.entrances_moved, "entrances placed anew")?;
        line(f, self.entrances_without, "entrances without a district")?;
        for (number, with) in &self.joined {
            writeln!(f, "District {number} is counted together with {with}: too few people live there to be counted alone.")?;
        }
        if !self.without_outline.is_empty() {
            writeln!(f, "Without an outline (addresses reach them by the table alone): {}", self.without_outline.join(", "))?;
        }
        if !self.crossing.is_empty() {
            writeln!(f, "The outline crosses itself; near the crossing an address may get the neighbour's district: {}", self.crossing.join(", "))?;
        }
        Ok(())
    }
}

fn heading(f: &mut fmt::Formatter<'_>, what: &str, dry_run: bool) -> fmt::Result {
    writeln!(f, "{what}: {}", if dry_run { "tried only; nothing was written" } else { "imported" })
}

fn line(f: &mut fmt::Formatter<'_>, count: usize, what: &str) -> fmt::Result {
    writeln!(f, "{count:>9}  {what}")
}
