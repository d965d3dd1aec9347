//! How many households live in each district, from a table or from what the program knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
};

use dorbank_shared::district::{Households, district_number};

use super::{
    ImportError, WrongFile, known, refuse_demo,
    table::{About, Row, Table},
    tell,
};
use crate::store::{Db, district};

const ABOUT: About = About {
    expected: "a CSV table of households: a header and the columns number and households (and, if it has them, year and source)",
    help: "save the table as CSV in UTF-8, with commas or semicolons",
};
/// More live in no district.
const MOST: i64 = 5_000_000;
/// How many refused rows are written out.
const SHOWN: usize = 20;

/// How households are imported.
#[derive(Debug, Clone, Default)]
pub struct HouseholdOptions {
    /// The table. Without one, what the program knows of the municipality.
    pub file: Option<PathBuf>,
    /// Take Oslo's, whatever the districts are called.
    pub default_oslo: bool,
    /// The year, where the table has none.
    pub year: Option<i64>,
    /// Who counted them, where the table does not say.
    pub source: Option<String>,
    /// Report the same and write nothing.
    pub dry_run: bool,
}

/// What an import of households did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HouseholdReport {
    /// Whether it only looked.
    pub dry_run: bool,
    /// Districts that had no figure.
    pub added: usize,
    /// Whose figure, year or source changed.
    pub changed: usize,
    /// That are as they were.
    pub unchanged: usize,
    /// The sum of what the table said of districts that there are.
    pub sum: i64,
    /// The years that are said.
    pub years: BTreeSet<i64>,
    /// Rows that were not taken: the line, and why.
    pub refused: Vec<(u64, String)>,
    /// Rows of an earlier year than another of the same district.
    pub earlier: usize,
    /// Districts that still have none.
    pub without: Vec<String>,
}

impl fmt::Display for HouseholdReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tell::heading(f, "Households", self.dry_run)?;
        tell::line(f, self.added, "districts that had no figure")?;
        tell::line(f, self.changed, "changed")?;
        tell::line(f, self.unchanged, "unchanged")?;
        let years: Vec<String> = self.years.iter().map(ToString::to_string).collect();
        let year = if years.is_empty() { "of a year that is not said (--year)".to_owned() } else { format!("in {}", years.join(", ")) };
        writeln!(f, "{:>9}  households in all, {year}; compare it with the sum that the source gives", self.sum)?;
        tell::line(f, self.refused.len(), "rows refused")?;
        if self.earlier > 0 {
            tell::line(f, self.earlier, "rows of an earlier year left out")?;
        }
        if !self.without.is_empty() {
            writeln!(f, "Districts without a figure: {}", self.without.join(", "))?;
        }
        for (line, why) in self.refused.iter().take(SHOWN) {
            writeln!(f, "  line {line}: {why}")?;
        }
        if self.refused.len() > SHOWN {
            writeln!(f, "  and {} more", self.refused.len() - SHOWN)?;
        }
        Ok(())
    }
}

/// Imports how many households live where. A row that cannot be taken is refused alone, with its line; of several rows of a
/// district the latest year is taken.
///
/// # Errors
/// See [`ImportError`]; after each everything is as it was.
pub async fn households(db: &Db, options: &HouseholdOptions) -> Result<HouseholdReport, ImportError> {
    let mut tx = if options.dry_run { db.read().await? } else { db.begin().await? };
    refuse_demo(&mut tx).await?;
    let names: BTreeMap<String, String> = district::all(&mut tx).await?.into_iter().map(|d| (d.number, d.name)).collect();
    if names.is_empty() {
        let to_do = "import districts first: dorbank import districts FILE";
        return Err(WrongFile::new("districts that the figures belong to", "a database without a district", to_do).into());
    }
    let mut report = HouseholdReport { dry_run: options.dry_run, ..HouseholdReport::default() };
    let found = match &options.file {
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|source| ImportError::Read { path: path.clone(), source })?;
            parse(&bytes, options, &names, &mut report)?
        }
        None => parse(built_in(&names, options.default_oslo)?.as_bytes(), options, &names, &mut report)?,
    };
    let before = district::households(&mut tx).await?;
    let mut put = Vec::new();
    for (number, now) in found {
        report.sum += now.households;
        report.years.extend(now.year);
        match before.get(&number) {
            None => report.added += 1,
            Some(old) if *old == now => {
                report.unchanged += 1;
                continue;
            }
            Some(_) => report.changed += 1,
        }
        put.push(now);
    }
    let has_one = |number: &String| before.contains_key(number) || put.iter().any(|now| now.district == *number);
    report.without = names.keys().filter(|number| !has_one(number)).cloned().collect();
    if !options.dry_run {
        district::put_households(&mut tx, &put).await?;
        tx.commit().await?;
    }
    Ok(report)
}

/// The table that is built in for these districts: all that it names of them are called so, and it names all.
fn built_in(names: &BTreeMap<String, String>, oslo: bool) -> Result<&'static str, WrongFile> {
    if oslo {
        return Ok(known::OSLO.households);
    }
    let fits = |text: &str| {
        let listed = listed(text).unwrap_or_default();
        names.keys().all(|number| listed.get(number).is_some_and(|name| known::is_called(names, number, name)))
    };
    known::MUNICIPALITIES.iter().map(|municipality| municipality.households).find(|text| fits(text)).ok_or_else(|| {
        WrongFile::new(ABOUT.expected, "no file, and districts of which the program knows no figures", "name a table: dorbank import households FILE")
    })
}

fn listed(text: &str) -> Result<BTreeMap<String, String>, WrongFile> {
    let table = Table::read(text.as_bytes(), ABOUT)?;
    let (number, name) = (table.need(&["district"])?, table.need(&["name"])?);
    Ok(table.rows().map(|row| (row.get(number).to_owned(), row.get(name).to_owned())).collect())
}

fn parse(
    bytes: &[u8],
    options: &HouseholdOptions,
    names: &BTreeMap<String, String>,
    report: &mut HouseholdReport,
) -> Result<BTreeMap<String, Households>, WrongFile> {
    let table = Table::read(bytes, ABOUT)?;
    let number = table.need(&["number", "district", "nummer", "nr", "bydelnr", "bydelsnr", "bydelsnummer", "kretsnummer", "tettstednummer"])?;
    let households = table.need(&["households", "husholdninger", "husholdningar", "hushald", "antall husholdninger", "antall", "antal"])?;
    let (year, source) = (table.column(&["year", "år", "årgang"]), table.column(&["source", "kilde", "kjelde"]));
    let mut out: BTreeMap<String, Households> = BTreeMap::new();
    let one = |row: Row| -> Result<Households, String> {
        let text = row.get(number);
        let number = district_number(text).filter(|number| names.contains_key(number)).ok_or_else(|| format!("there is no district {text}"))?;
        let count = whole(row.get(households)).filter(|count| (0..=MOST).contains(count));
        let count = count.ok_or_else(|| format!("{:?} is no number of households", row.get(households)))?;
        let year = match row.find(year) {
            Some(text) => Some(whole(text).filter(|year| (1900..=2200).contains(year)).ok_or_else(|| format!("{text:?} is no year"))?),
            None => options.year,
        };
        let source = row.find(source).or(options.source.as_deref()).unwrap_or_default().to_owned();
        Ok(Households { district: number, households: count, year, source })
    };
    for row in table.rows() {
        match one(row) {
            Err(why) => report.refused.push((row.line, why)),
            Ok(now) => match out.get(&now.district) {
                Some(before) if before.year == now.year => report.refused.push((row.line, format!("district {} a second time", now.district))),
                Some(before) if before.year > now.year => report.earlier += 1,
                before => {
                    report.earlier += usize::from(before.is_some());
                    out.insert(now.district.clone(), now);
                }
            },
        }
    }
    if out.is_empty() {
        let first = report.refused.first().map_or_else(String::new, |(line, why)| format!("; the first, line {line}: {why}"));
        return Err(table.wrong(format!("no row that can be used{first}")));
    }
    Ok(out)
}

/// A whole number, its thousands apart or not: "30 332".
fn whole(text: &str) -> Option<i64> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    // Longer than any that is meant, and it might not fit.
    let fits = !digits.is_empty() && digits.len() < 12 && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter().map(|(number, name)| ((*number).to_owned(), (*name).to_owned())).collect()
    }

    #[test]
    fn oslos_figures_are_those_that_were_published() {
        let listed = listed(known::OSLO.households).unwrap();
        let mut report = HouseholdReport::default();
        let found = parse(known::OSLO.households.as_bytes(), &HouseholdOptions::default(), &listed, &mut report).unwrap();
        // The city's own sum is 340,444: some households are registered in no district.
        assert_eq!((found.len(), found.values().map(|one| one.households).sum::<i64>()), (17, 335_032));
        assert!(found.values().all(|one| one.year == Some(2018) && one.source.contains("Oslo kommune")));
        assert_eq!(found["16"].households, 817);
    }

    #[test]
    fn what_is_built_in_is_used_where_the_districts_are_called_so() {
        assert!(built_in(&names(&[("01", "Gamle Oslo"), ("04", "St.Hanshaugen")]), false).is_ok());
        assert!(built_in(&names(&[("01", "Gamle Oslo"), ("04", "Midtbyen")]), false).is_err());
        assert!(built_in(&names(&[("01", "Gamle Oslo"), ("99", "Nytt")]), false).is_err());
        assert!(built_in(&names(&[("01", "Midtbyen")]), true).is_ok());
    }

    #[test]
    fn of_several_years_the_latest_is_taken() {
        let table = "nr;husholdninger;år\n1;100;2023\n1;120;2025\n1;110;2024\n2;50;\n";
        let mut report = HouseholdReport::default();
        let options = HouseholdOptions { year: Some(2020), source: Some("SSB".into()), ..HouseholdOptions::default() };
        let found = parse(table.as_bytes(), &options, &names(&[("01", "A"), ("02", "B")]), &mut report).unwrap();
        assert_eq!((found["01"].households, found["01"].year, found["02"].year, report.earlier), (120, Some(2025), Some(2020), 2));
        assert!(report.refused.is_empty() && found.values().all(|one| one.source == "SSB"));
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        assert_eq!(["30332", "30 332", "30\u{a0}332", "0"].map(whole), [Some(30_332), Some(30_332), Some(30_332), Some(0)]);
        assert_eq!(["", "-5", "30.332", "30,5", "mange", "999999999999"].map(whole), [None; 6]);
    }
}
