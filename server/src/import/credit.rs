//! Whose data the addresses are, and of which day: the licence (CC BY 4.0) asks that it stands where they are shown.

use std::{io::BufReader, path::Path};

use dorbank_shared::words::{Words, key};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{ImportError, Source, sniff::HEAD_BYTES};
use crate::store::{Db, StoreError, Tx, meta};

/// Whom to credit. It stands in the database beside the data, so that every list and map can show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// Who gives the data.
    pub holder: String,
    /// Under which licence.
    pub licence: String,
    /// On which day they were taken out of the register, `2026-07-01`, where the file says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extracted: Option<String>,
}

impl Credit {
    /// Kartverket's, for the data of a day.
    pub fn kartverket(extracted: Option<Date>) -> Self {
        Self { holder: "Kartverket".into(), licence: "CC BY 4.0".into(), extracted: extracted.map(|day| day.to_string()) }
    }

    /// What the database says; nothing where nothing was imported.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(tx: &mut Tx) -> Result<Option<Self>, StoreError> {
        let Some(text) = meta::find(tx, meta::CREDIT).await? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|_| StoreError::Inconsistent { table: "meta", column: meta::CREDIT })
    }

    /// Without words: licence, holder and day.
    pub fn mark(&self) -> String {
        let day = self.extracted.as_ref().map(|day| format!(" ({day})")).unwrap_or_default();
        format!("{} / © {}{day}", self.licence, self.holder)
    }

    /// In the words of a language, with the day as people write it.
    pub fn said(&self, words: &Words) -> String {
        let (licence, holder) = (("licence", self.licence.as_str()), ("holder", self.holder.as_str()));
        let Some(date) = self.extracted.as_ref().and_then(|day| day.parse::<Date>().ok()) else {
            return words.with(key::CREDIT, &[licence, holder]);
        };
        let (day, year, month) = (date.day().to_string(), date.year().to_string(), format!("date.month.{}", date.month()));
        let day = words.with(key::DATE_SHORT, &[("weekday", ""), ("day", &day), ("month", words.get(&month)), ("year", &year)]);
        words.with(key::CREDIT_OF, &[licence, holder, ("day", &day)])
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write(&self, db: &Db) -> Result<(), StoreError> {
        let text = serde_json::to_string(self).map_err(|_| StoreError::Inconsistent { table: "meta", column: meta::CREDIT })?;
        let mut tx = db.begin().await?;
        meta::set(&mut tx, meta::CREDIT, &text).await?;
        tx.commit().await
    }
}

/// As the licence wants it said.
impl std::fmt::Display for Credit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Inneholder data under {}", self.mark())
    }
}

/// The day on which a file of addresses was taken out of the register: each row carries it, and one is enough.
///
/// # Errors
/// When the file cannot be read.
pub fn extracted_on(path: &Path) -> Result<Option<Date>, ImportError> {
    let file = BufReader::with_capacity(HEAD_BYTES, Source::open(path)?);
    let mut rows = csv::ReaderBuilder::new().delimiter(b';').flexible(true).from_reader(file);
    let Some(column) = rows.byte_headers().ok().and_then(|header| header.iter().position(|name| name.eq_ignore_ascii_case(b"datauttaksdato"))) else {
        return Ok(None);
    };
    Ok(rows.byte_records().next().and_then(Result::ok).and_then(|row| day(std::str::from_utf8(row.get(column)?).ok()?)))
}

/// `01.07.2026 09:03:43`, of which the day is enough.
fn day(text: &str) -> Option<Date> {
    let mut parts = text.split_whitespace().next()?.splitn(3, '.');
    let (day, month, year) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Date::new(year, month, day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_published() {
        assert_eq!(day("01.07.2026 09:03:43").unwrap().to_string(), "2026-07-01");
        assert_eq!(day("29.02.2028").unwrap().to_string(), "2028-02-29");
        for other in ["", "2026-07-01", "31.02.2026", "1.7", "i går"] {
            assert_eq!(day(other), None, "{other}");
        }
    }

    #[test]
    fn the_credit_is_said_as_the_licence_asks() {
        assert_eq!(Credit::kartverket(day("01.07.2026")).to_string(), "Inneholder data under CC BY 4.0 / © Kartverket (2026-07-01)");
        assert_eq!(Credit::kartverket(None).to_string(), "Inneholder data under CC BY 4.0 / © Kartverket");
        let said = |language| Credit::kartverket(day("01.07.2026")).said(&Words::embedded(language));
        assert_eq!(said("nb"), "Inneholder data under CC BY 4.0 / © Kartverket, uttrekk 1. juli 2026.");
        assert_eq!(said("nn"), "Inneheld data under CC BY 4.0 / © Kartverket, uttrekk 1. juli 2026.");
        assert_eq!(said("en"), "Contains data under CC BY 4.0 / © Kartverket, extracted 1 July 2026.");
        assert_eq!(Credit::kartverket(None).said(&Words::embedded("nb")), "Inneholder data under CC BY 4.0 / © Kartverket.");
    }
}
