//! What an import of districts did, for the person who typed the command.

use std::{collections::BTreeMap, fmt};

use super::{
    area::{overlap::Overlap, property::Properties, repair::Repairs},
    tell,
};

/// How many features that were left out are written out.
const SHOWN: usize = 20;

/// What an import of districts did, or would do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DistrictReport {
    /// Whether it only looked.
    pub dry_run: bool,
    /// Which properties were taken for number and name, and what stands in them.
    pub properties: Option<Properties>,
    /// The coordinate system that was projected from, where it was none of degrees.
    pub projected_from: Option<u32>,
    /// Districts that were not known.
    pub added: usize,
    /// Known ones of which something changed.
    pub changed: usize,
    /// Known ones that are as they were.
    pub unchanged: usize,
    /// Districts that came as several features: number, name, how many.
    pub in_parts: Vec<(String, String, usize)>,
    /// What was repaired of their outlines, by number.
    pub repaired: BTreeMap<String, Repairs>,
    /// Features that were left out, and why.
    pub skipped: Vec<String>,
    /// Districts that cover the same ground.
    pub overlaps: Vec<Overlap>,
    /// Districts without an outline: addresses reach them by the table alone.
    pub without_outline: Vec<String>,
    /// Districts that are counted with another: `(number, the other's number)`.
    pub joined: Vec<(String, String)>,
    /// Districts that were counted with another and are now counted alone.
    pub unjoined: Vec<String>,
    /// How many groups of districts there are.
    pub groups: usize,
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
        tell::heading(f, "Districts", self.dry_run)?;
        if let Some(Properties { number, name }) = &self.properties {
            writeln!(f, "Number: property {} ({})", number.property, number.examples.join(", "))?;
            match name {
                Some(name) => writeln!(f, "Name:   property {} ({})", name.property, name.examples.join(", "))?,
                None => writeln!(f, "Name:   no property; as they are known already")?,
            }
        }
        if let Some(epsg) = self.projected_from {
            writeln!(f, "Coordinates: EPSG:{epsg}, turned into degrees")?;
        }
        tell::line(f, self.added, "new")?;
        tell::line(f, self.changed, "changed")?;
        tell::line(f, self.unchanged, "unchanged")?;
        if !self.removed.is_empty() {
            tell::line(f, self.removed.len(), &format!("removed: {}", self.removed.join(", ")))?;
        }
        tell::line(f, self.grunnkretser, "basic statistical units (grunnkretser) whose district is known")?;
        tell::line(f, self.entrances_moved, "entrances placed anew")?;
        tell::line(f, self.entrances_without, "entrances without a district")?;
        tell::line(f, self.groups, "groups of districts")?;
        for (number, name, features) in &self.in_parts {
            writeln!(f, "District {number} {name} came as {features} features and is one district.")?;
        }
        for (number, with) in &self.joined {
            writeln!(f, "District {number} is counted together with {with}: too few people live there to be counted alone.")?;
        }
        for number in &self.unjoined {
            writeln!(f, "District {number} is counted alone from now on.")?;
        }
        if !self.without_outline.is_empty() {
            writeln!(f, "Without an outline (addresses reach them by the table alone): {}", self.without_outline.join(", "))?;
        }
        if !self.repaired.is_empty() {
            writeln!(f, "\nRepaired outlines:")?;
            for (number, repairs) in &self.repaired {
                writeln!(f, "  {number}: {repairs}")?;
            }
        }
        if !self.overlaps.is_empty() {
            writeln!(f, "\nOutlines that cover the same ground; an address there gets the lower number. Look at them on a map:")?;
            for Overlap { first, second, square_metres } in &self.overlaps {
                writeln!(f, "  {first} and {second}: {}", tell::area(*square_metres))?;
            }
        }
        if !self.skipped.is_empty() {
            writeln!(f, "\nLeft out, and with each its whole district:")?;
            for skipped in self.skipped.iter().take(SHOWN) {
                writeln!(f, "  {skipped}")?;
            }
            if self.skipped.len() > SHOWN {
                writeln!(f, "  and {} more", self.skipped.len() - SHOWN)?;
            }
        }
        Ok(())
    }
}
