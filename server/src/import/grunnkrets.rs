//! The table that says in which district each basic statistical unit lies.
//!
//! In Oslo a unit's number does not tell its district, but every published address carries the unit's number, so the
//! table places addresses more surely than an outline does.

use std::{collections::BTreeMap, path::Path};

use dorbank_shared::district::district_number;

use super::{
    ImportError, WrongFile,
    row::digits,
    sniff::{self, GRUNNKRETS_FILE, GRUNNKRETS_HELP},
};

/// The table, read.
#[derive(Debug, Default)]
pub struct Table {
    /// The district's number, by the unit's.
    pub units: BTreeMap<String, String>,
    /// The district's name by its number, where the table has a column for it.
    pub names: BTreeMap<String, String>,
}

/// Reads the table. It is small and made by hand, so one wrong row refuses it whole.
pub fn read(path: &Path) -> Result<Table, ImportError> {
    let bytes = std::fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let delimiter = sniff::grunnkretser(&bytes)?;
    Ok(parse(&bytes, delimiter)?)
}

fn parse(bytes: &[u8], delimiter: u8) -> Result<Table, WrongFile> {
    let wrong = |found: String| WrongFile::new(GRUNNKRETS_FILE, found, GRUNNKRETS_HELP);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).terminator(csv::Terminator::Any(b'\n')).from_reader(bytes);
    let header: Vec<String> = reader
        .headers()
        .map_err(|_| wrong("a header that cannot be read".to_owned()))?
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').trim().to_lowercase())
        .collect();
    let column = |names: &[&str]| header.iter().position(|column| names.contains(&column.as_str()));
    let unit = column(&["grunnkretsnummer", "grunnkretsnr", "grunnkrets"]);
    let district = column(&["bydelnr", "bydelsnr", "bydelsnummer", "bydelnummer", "district"]);
    let name = column(&["bydel", "bydelsnavn", "bydelnavn", "name"]);
    let (Some(unit), Some(district)) = (unit, district) else {
        return Err(wrong(format!("the columns {}", header.join(", "))));
    };
    let mut table = Table::default();
    for row in reader.records() {
        let row = row.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            wrong(format!("line {line}, which has more or fewer fields than the header or is not UTF-8"))
        })?;
        let line = row.position().map_or(0, csv::Position::line);
        let field = |index: usize| row.get(index).unwrap_or_default().trim();
        let key = digits(field(unit), 8).ok_or_else(|| wrong(format!("line {line}, whose grunnkretsnummer has not eight digits")))?;
        // A unit beyond the border that the table names all the same lies in no district.
        if field(district).is_empty() {
            continue;
        }
        let number = district_number(field(district)).ok_or_else(|| wrong(format!("line {line}, whose bydelnr is no number of a district")))?;
        if let Some(name) = name.map(field).filter(|name| !name.is_empty()) {
            table.names.entry(number.clone()).or_insert_with(|| name.to_owned());
        }
        if table.units.insert(key, number.clone()).is_some_and(|before| before != number) {
            return Err(wrong(format!("line {line}, which puts a unit into a second district")));
        }
    }
    if table.units.is_empty() {
        return Err(wrong("a header and no row".to_owned()));
    }
    Ok(table)
}
