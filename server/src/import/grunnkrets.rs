//! The table that says in which district each basic statistical unit lies.
//!
//! In Oslo a unit's number does not tell its district, but every published address carries the unit's number, so the
//! table places addresses more surely than an outline does.

use std::{collections::BTreeMap, path::Path};

use dorbank_shared::district::district_number;

use super::{
    ImportError, WrongFile,
    row::digits,
    sniff::{GRUNNKRETS_FILE, GRUNNKRETS_HELP},
    table::{About, Table},
};

const ABOUT: About = About { expected: GRUNNKRETS_FILE, help: GRUNNKRETS_HELP };

/// The table, read.
#[derive(Debug, Default)]
pub struct Units {
    /// The district's number, by the unit's.
    pub units: BTreeMap<String, String>,
    /// The district's name by its number, where the table has a column for it.
    pub names: BTreeMap<String, String>,
}

/// Reads the table. It is small and made by hand, so one wrong row refuses it whole.
pub fn read(path: &Path) -> Result<Units, ImportError> {
    let bytes = std::fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    Ok(parse(&bytes)?)
}

fn parse(bytes: &[u8]) -> Result<Units, WrongFile> {
    let table = Table::read(bytes, ABOUT)?;
    let unit = table.need(&["grunnkretsnummer", "grunnkretsnr", "grunnkrets"])?;
    let district = table.need(&["bydelnr", "bydelsnr", "bydelsnummer", "bydelnummer", "district"])?;
    let name = table.column(&["bydel", "bydelsnavn", "bydelnavn", "name"]);
    let mut out = Units::default();
    for row in table.rows() {
        let line = row.line;
        let key = digits(row.get(unit), 8).ok_or_else(|| table.wrong(format!("line {line}, whose grunnkretsnummer has not eight digits")))?;
        // A unit beyond the border that the table names all the same lies in no district.
        if row.get(district).is_empty() {
            continue;
        }
        let number =
            district_number(row.get(district)).ok_or_else(|| table.wrong(format!("line {line}, whose bydelnr is no number of a district")))?;
        if let Some(name) = row.find(name) {
            out.names.entry(number.clone()).or_insert_with(|| name.to_owned());
        }
        if out.units.insert(key, number.clone()).is_some_and(|before| before != number) {
            return Err(table.wrong(format!("line {line}, which puts a unit into a second district")));
        }
    }
    if out.units.is_empty() {
        return Err(table.wrong("a table in which no unit has a district"));
    }
    Ok(out)
}
