//! The report as lines, for the person at the keyboard. In English, as all that commands say.

use std::fmt::Write as _;

use dorbank_shared::words::Words;

use super::{
    Detail, Finding, Report,
    report::{Kind, UnitRow},
    rules,
};

/// How many of a kind are written out unless all are asked for.
const SHOWN: usize = 20;

/// The report as text: a summary, then the first of each kind, or all.
pub fn text(report: &Report, all: bool) -> String {
    let words = Words::embedded("en");
    let most = if all { usize::MAX } else { SHOWN };
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, report, &words, most);
    out
}

fn write(out: &mut String, report: &Report, words: &Words, most: usize) -> std::fmt::Result {
    writeln!(out, "Register: {} entrances, {} doors", report.city.houses.len(), report.doors())?;
    if report.city.vanished > 0 {
        writeln!(out, "{} more have vanished from their publisher's file; they are kept, and not looked at", report.city.vanished)?;
    }
    if report.city.houses.is_empty() {
        return writeln!(out, "Nothing is imported yet: dorbank import addresses --municipality NUMBER");
    }
    districts(out, report)?;
    units(out, report, most)?;
    writeln!(out, "\nFound:")?;
    for kind in Kind::ALL {
        writeln!(out, "{:>9}  {}", report.of_kind(kind).len(), words.get(kind.words().0).to_lowercase())?;
    }
    for kind in Kind::ALL {
        let found = report.of_kind(kind);
        let count = found.len();
        if count == 0 {
            continue;
        }
        let (title, rule) = kind.words();
        writeln!(out, "\n{} ({count}). {}", words.get(title), words.get(rule))?;
        for finding in found.take(most) {
            writeln!(out, "  {}", line(report, finding))?;
        }
        more(out, count, most)?;
    }
    if let Some(credit) = &report.credit {
        writeln!(out, "\n{credit}")?;
    }
    Ok(())
}

fn more(out: &mut String, count: usize, most: usize) -> std::fmt::Result {
    if count > most { writeln!(out, "  and {} more (--all)", count - most) } else { Ok(()) }
}

fn districts(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "\n{:<32} {:>9} {:>9} {:>10}  doors per 100 households", "District", "entrances", "doors", "households")?;
    for row in &report.districts {
        let name = if row.number.is_empty() { "without a district".to_owned() } else { format!("{} {}", row.number, row.name) };
        let households = if row.households > 0 { row.households.to_string() } else { "-".to_owned() };
        let share = rules::doors_per_100(row.doors, row.households).map_or_else(|| "-".to_owned(), |share| share.to_string());
        writeln!(out, "{name:<32} {:>9} {:>9} {households:>10}  {share}", row.entrances, row.doors)?;
    }
    Ok(())
}

fn units(out: &mut String, report: &Report, most: usize) -> std::fmt::Result {
    writeln!(out, "\n{:<32} {:>9} {:>9}  district", format!("Grunnkrets ({})", report.units.len()), "entrances", "doors")?;
    for UnitRow { number, districts, entrances, doors } in report.units.iter().take(most) {
        let number = if number.is_empty() { "not said" } else { number };
        writeln!(out, "{number:<32} {entrances:>9} {doors:>9}  {}", districts.join(", "))?;
    }
    more(out, report.units.len(), most)
}

fn line(report: &Report, finding: &Finding) -> String {
    let mut place = report.place(finding);
    if place.is_empty() {
        place.push_str("No district is known at all: dorbank import districts FILE");
    }
    let district = finding.house.and(finding.district.as_ref()).map(|number| format!(" (district {number})")).unwrap_or_default();
    let said = match &finding.detail {
        Detail::None => String::new(),
        Detail::Others(_) => match finding.kind {
            Kind::SameAddress => format!(": {} times", report.others(finding).len() + 1),
            _ => format!(", and there too: {}", report.others(finding).join(", ")),
        },
        Detail::Label(label) => format!(": {label}"),
        Detail::Far(metres, limit) => format!(": {metres:.0} m, where {limit:.0} m is not yet far"),
        Detail::Doors(doors, households) => format!(": {doors} doors, {households} households"),
    };
    format!("{place}{district}{said}")
}
