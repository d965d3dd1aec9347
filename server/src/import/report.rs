//! What an import did, for the person who typed the command.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use dorbank_shared::landing::Landing;

use super::{
    row::{Product, Reason},
    tell::{heading, line, some},
};

/// How many refused rows, and of other lists how many lines, are written out; of all others only the number.
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

/// What an import did to doors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Doors {
    /// Doors that were not known.
    pub added: usize,
    /// Doors without a number that have one now.
    pub numbered: usize,
    /// Listed doors that are as they were.
    pub unchanged: usize,
    /// Doors that had vanished and are listed again.
    pub back: usize,
    /// Doors that are no longer listed. They are marked and kept.
    pub vanished: usize,
    /// Addresses at which no dwelling is listed.
    pub none: usize,
}

/// What an import of addresses did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Whether it only looked.
    pub dry_run: bool,
    /// Which product the file was.
    pub product: Product,
    /// Rows in the file, without the header.
    pub rows: usize,
    /// Entrances that were not known.
    pub added: usize,
    /// Known ones of which something changed.
    pub changed: usize,
    /// Those of the changed that lie more than a metre from where they lay, or in another district.
    pub moved: usize,
    /// Those of the changed that had vanished and are listed again.
    pub back: usize,
    /// Known ones that are as they were.
    pub unchanged: usize,
    /// Known ones that are no longer in the file. They are marked and kept.
    pub vanished: usize,
    /// Those of the vanished that lie in a turf.
    pub vanished_in_turfs: usize,
    /// Entrances of this file that lie in no district.
    pub without_district: usize,
    /// Whether no district is known at all.
    pub no_districts: bool,
    /// What happened to doors.
    pub doors: Doors,
    /// Rows of units in which nobody lives: holiday homes, shops, offices.
    pub left_out: usize,
    /// The file does not say what kind of unit a dwelling is, so none was left out.
    pub without_kinds: bool,
    /// Rows without a number at an address that has its doors without them.
    pub unnumbered: usize,
    /// Wishes for quiet that hold now at what came after.
    pub carried: usize,
    /// Wishes for quiet at a door that nothing came after.
    pub carried_nowhere: usize,
    /// What was corrected here and is published otherwise.
    pub ours_kept: Vec<String>,
    /// What was corrected here and is published so now.
    pub caught_up: Vec<String>,
    /// Rows that were not imported, in the order of the file.
    pub refused: Vec<Refused>,
    /// How each of the file's municipalities numbers the doors of a floor.
    pub landings: Vec<(String, Landing)>,
    /// Where all of it is listed.
    pub list: Option<PathBuf>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dwellings = self.product == Product::Dwellings;
        heading(f, if dwellings { "Addresses and their dwellings" } else { "Addresses" }, self.dry_run)?;
        line(f, self.rows, "rows read")?;
        line(f, self.added, if dwellings { "new entrances" } else { "new entrances, each with one door" })?;
        line(f, self.changed, "changed")?;
        some(f, self.moved, "of these moved: by more than a metre, or into another district")?;
        some(f, self.back, "of these back: they had vanished")?;
        line(f, self.unchanged, "unchanged")?;
        line(f, self.vanished, "no longer in the file: marked, and kept with all that happened there")?;
        some(f, self.vanished_in_turfs, "of these in a turf: look whether it is to be cut anew")?;
        line(f, self.without_district, "without a district: they cannot be part of a turf yet")?;
        if self.without_district > 0 && self.without_district == self.added + self.changed + self.unchanged {
            writeln!(f, "           None lies in a district. Where districts were imported: are they of the same municipality?")?;
        }
        if dwellings {
            self.write_doors(f)?;
        }
        some(f, self.carried, "wishes for quiet carried over to what came after")?;
        some(f, self.carried_nowhere, "wishes for quiet at doors that nothing came after: please look")?;
        line(f, self.refused.len(), "rows refused")?;
        if self.no_districts {
            writeln!(f, "\nNo district is known. Import them with `dorbank import districts`; the addresses are placed then.")?;
        }
        self.write_corrections(f)?;
        if dwellings {
            self.write_landings(f)?;
        }
        self.write_refused(f)?;
        if let Some(list) = &self.list {
            writeln!(f, "\nAll of it, line by line, for a spreadsheet: {}", list.display())?;
            writeln!(f, "It names doors where nobody rings. Delete it when you have looked at it.")?;
        }
        Ok(())
    }
}

impl Report {
    fn write_doors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Doors:")?;
        line(f, self.doors.added, "new")?;
        some(f, self.doors.numbered, "without a number until now")?;
        line(f, self.doors.unchanged, "unchanged")?;
        some(f, self.doors.back, "back: they had vanished")?;
        line(f, self.doors.vanished, "no longer in the file: marked, kept, and not walked to")?;
        some(f, self.left_out, "rows left out: holiday homes, shops and offices, where nobody lives")?;
        some(f, self.unnumbered, "rows without a number at addresses whose doors are known without them")?;
        some(f, self.doors.none, "addresses without a dwelling: kept, and not walked to")?;
        if self.without_kinds {
            writeln!(f, "The file does not say which units are dwellings (it has no column bruksenhetstype): all were taken.")?;
        }
        Ok(())
    }

    fn write_corrections(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (said, what) in [
            (&self.ours_kept, "Corrected here and published otherwise; ours was kept:"),
            (&self.caught_up, "Corrected here and published so now; the correction is not needed any more:"),
        ] {
            if said.is_empty() {
                continue;
            }
            writeln!(f, "\n{what}")?;
            for one in said.iter().take(SHOWN) {
                writeln!(f, "  {one}")?;
            }
            if said.len() > SHOWN {
                writeln!(f, "  and {} more", said.len() - SHOWN)?;
            }
        }
        Ok(())
    }

    fn write_landings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rules: Vec<(Vec<&str>, &Landing)> = Vec::new();
        for (municipality, landing) in &self.landings {
            match rules.iter_mut().find(|(_, rule)| *rule == landing) {
                Some((all, _)) => all.push(municipality),
                None => rules.push((vec![municipality], landing)),
            }
        }
        for (municipalities, landing) in rules {
            let more = if municipalities.len() > SHOWN { ", …" } else { "" };
            let shown = municipalities.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
            writeln!(f, "\nDoors of a floor are counted {landing}, in {shown}{more}.\nSource: {}", landing.source)?;
        }
        Ok(())
    }

    fn write_refused(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
