//! The report for other programs: everything, in one object.

use serde::Serialize;

use super::{Detail, Report, report::Kind};
use crate::import::Credit;

#[derive(Debug, Serialize)]
struct Whole<'a> {
    credit: Option<&'a Credit>,
    entrances: usize,
    doors: u64,
    vanished: u64,
    districts: Vec<District<'a>>,
    grunnkretser: Vec<Unit<'a>>,
    findings: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct District<'a> {
    /// None for what lies in no district.
    number: Option<&'a str>,
    name: &'a str,
    entrances: u64,
    doors: u64,
    households: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Unit<'a> {
    number: Option<&'a str>,
    districts: &'a [String],
    entrances: u64,
    doors: u64,
}

#[derive(Debug, Serialize)]
struct Found {
    kind: Kind,
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    entrance: Option<uuid::Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    district: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lat: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lon: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<uuid::Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metres: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_metres: Option<f64>,
}

/// The report as JSON.
///
/// # Errors
/// When it cannot be written so, which does not happen.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    let some = |text: &str| !text.is_empty();
    let houses = &report.city.houses;
    let whole = Whole {
        credit: report.credit.as_ref(),
        entrances: houses.len(),
        doors: report.doors(),
        vanished: report.city.vanished,
        districts: report
            .districts
            .iter()
            .map(|row| District {
                number: some(&row.number).then_some(row.number.as_str()),
                name: &row.name,
                entrances: row.entrances,
                doors: row.doors,
                households: (row.households > 0).then_some(row.households),
            })
            .collect(),
        grunnkretser: report
            .units
            .iter()
            .map(|row| Unit {
                number: some(&row.number).then_some(row.number.as_str()),
                districts: &row.districts,
                entrances: row.entrances,
                doors: row.doors,
            })
            .collect(),
        findings: report
            .findings
            .iter()
            .map(|finding| {
                let house = finding.house.map(|house| &houses[house]);
                let (metres, limit_metres) = match finding.detail {
                    Detail::Far(metres, limit) => (Some(metres.round()), Some(limit.round())),
                    _ => (None, None),
                };
                Found {
                    kind: finding.kind,
                    place: report.place(finding),
                    entrance: house.map(|house| house.id),
                    district: finding.district.clone(),
                    lat: house.map(|house| house.at.lat),
                    lon: house.map(|house| house.at.lon),
                    others: match &finding.detail {
                        Detail::Others(others) => others.iter().map(|other| houses[*other].id).collect(),
                        _ => Vec::new(),
                    },
                    label: match &finding.detail {
                        Detail::Label(label) => Some(label.clone()),
                        _ => None,
                    },
                    metres,
                    limit_metres,
                }
            })
            .collect(),
    };
    serde_json::to_string_pretty(&whole)
}
