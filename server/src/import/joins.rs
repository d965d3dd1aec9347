//! Which districts are counted together with another, since too few people live there to be counted alone.
//!
//! An area that was heard, mixed or shown is never put together or taken apart: what its parts said could then be told
//! from the difference, and what is still on its way was sealed under the area that there was.

use std::collections::{BTreeMap, BTreeSet};

use dorbank_shared::district::{District, district_number};

use super::{
    ImportError, WrongFile, known,
    table::{About, Table},
};
use crate::store::{
    Tx, district, release,
    round::{self, RoundState},
    spool,
};

const ABOUT: About = About {
    expected: "a CSV table of districts that are counted together with another: a header and the columns district and with (numbers; \
        and, if it has them, name and with_name, which must then agree)",
    help: "save the table as CSV in UTF-8, with commas or semicolons",
};

/// One district that is counted together with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Join {
    district: String,
    name: Option<String>,
    with: String,
    with_name: Option<String>,
    line: u64,
}

/// Reads a table of joins.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Join>, WrongFile> {
    let table = Table::read(bytes, ABOUT)?;
    let (district, with) = (table.need(&["district", "number", "bydelnr", "bydelsnr", "nr"])?, table.need(&["with", "med", "sammen_med"])?);
    let (name, with_name) = (table.column(&["name", "navn"]), table.column(&["with_name", "med_navn"]));
    let mut out: Vec<Join> = Vec::new();
    for row in table.rows() {
        let line = row.line;
        let number = |text: &str| district_number(text).ok_or_else(|| table.wrong(format!("line {line}, where {text:?} is no number of a district")));
        let join = Join {
            district: number(row.get(district))?,
            name: row.find(name).map(str::to_owned),
            with: number(row.get(with))?,
            with_name: row.find(with_name).map(str::to_owned),
            line,
        };
        if out.iter().any(|before| before.district == join.district) {
            return Err(table.wrong(format!("line {line}, which joins a district a second time")));
        }
        out.push(join);
    }
    Ok(out)
}

impl Join {
    /// Whether both districts are there, and are called so where a name was given.
    fn fits(&self, names: &BTreeMap<String, String>) -> bool {
        let is_there = |number: &str, name: Option<&String>| match name {
            Some(name) => known::is_called(names, number, name),
            None => names.contains_key(number),
        };
        is_there(&self.district, self.name.as_ref()) && is_there(&self.with, self.with_name.as_ref())
    }
}

/// Under which number each district is counted.
///
/// What was told by a flag comes first (`16=04`, or `16=16` for alone). A file speaks for all districts. Without either a
/// known district stays as it is, and a new one is joined where the program knows that it usually is.
///
/// # Errors
/// When a join names a district that is not there or is called otherwise, or joins with one that is itself joined.
pub(super) fn areas(
    names: &BTreeMap<String, String>,
    before: &[District],
    told: &[(String, String)],
    file: Option<&[Join]>,
) -> Result<BTreeMap<String, String>, WrongFile> {
    let wrong = |found: String| WrongFile::new(ABOUT.expected, found, "name only districts that the file has or that were imported before");
    let mut flags: BTreeMap<String, String> = BTreeMap::new();
    for (district, with) in told {
        let there = |text: &str| {
            let number = district_number(text).filter(|number| names.contains_key(number));
            number.ok_or_else(|| wrong(format!("--join {district}={with}, where there is no district {text}")))
        };
        flags.insert(there(district)?, there(with)?);
    }
    if let Some(join) = file.unwrap_or_default().iter().find(|join| !join.fits(names)) {
        return Err(wrong(format!("line {}, where district {} or {} is not there or is called otherwise", join.line, join.district, join.with)));
    }
    let usual = usual(names);
    let of = |number: &String| -> String {
        let in_list = |joins: &[Join]| joins.iter().find(|join| join.district == *number).map(|join| join.with.clone());
        let old = before.iter().find(|district| district.number == *number);
        let found = match (flags.get(number), file, old) {
            (Some(with), ..) => Some(with.clone()),
            (None, Some(file), _) => in_list(file),
            (None, None, Some(old)) => Some(old.area.clone()).filter(|area| names.contains_key(area)),
            (None, None, None) => in_list(&usual),
        };
        found.unwrap_or_else(|| number.clone())
    };
    let areas: BTreeMap<String, String> = names.keys().map(|number| (number.clone(), of(number))).collect();
    if let Some((number, area)) = areas.iter().find(|(_, area)| areas.get(*area) != Some(area)) {
        let further = areas.get(area).map_or("", String::as_str);
        return Err(wrong(format!(
            "district {number} counted together with {area}, which is itself counted together with {further}; join {number} with {further}"
        )));
    }
    Ok(areas)
}

/// The joins that the program knows of districts that are called so.
fn usual(names: &BTreeMap<String, String>) -> Vec<Join> {
    let known = known::MUNICIPALITIES.iter().flat_map(|municipality| parse(municipality.joins.as_bytes()).unwrap_or_default());
    known.filter(|join| join.fits(names)).collect()
}

/// Refuses to count a district under another number than before where that could tell of a few, or lose what is on its way.
pub(super) async fn refuse_if_bound(tx: &mut Tx, before: &[District], areas: &BTreeMap<String, String>) -> Result<(), ImportError> {
    let moved: Vec<(&District, &String)> =
        before.iter().filter_map(|old| areas.get(&old.number).filter(|area| **area != old.area).map(|area| (old, area))).collect();
    if moved.is_empty() {
        return Ok(());
    }
    let touched: Vec<&str> = moved.iter().flat_map(|(old, area)| [old.area.as_str(), area.as_str()]).collect::<BTreeSet<_>>().into_iter().collect();
    let mixed = district::mixed(tx, &touched).await?;
    let shown = release::shown_in(tx).await?;
    let mut waiting: BTreeSet<String> = BTreeSet::new();
    let numbers: Vec<&str> = moved.iter().map(|(old, _)| old.number.as_str()).collect();
    for round in round::all(tx).await? {
        let takes = match round.state {
            RoundState::Open => true,
            RoundState::Draft => false,
            RoundState::Closed => spool::count(tx, round.id).await? > 0,
        };
        if takes {
            waiting.extend(district::with_turfs(tx, round.id, &numbers).await?);
        }
    }
    let why = |old: &District, area: &String| {
        let either = |list: &[String]| [&old.area, area].into_iter().find(|area| list.contains(area)).cloned();
        if let Some(area) = either(&shown) {
            Some(format!("a release has shown figures of area {area}"))
        } else if let Some(area) = either(&mixed) {
            Some(format!("what was heard in area {area} was mixed already"))
        } else {
            waiting.contains(&old.number).then(|| "it has turfs in a round, and what is heard there may still be on its way".to_owned())
        }
    };
    let refused: Vec<String> = moved
        .iter()
        .filter_map(|(old, area)| {
            let alone = |area: &str| if area == old.number { "alone".to_owned() } else { format!("together with {area}") };
            let why = why(old, area)?;
            Some(format!("District {} is counted {} and was to be counted {}, but {why}.", old.number, alone(&old.area), alone(area)))
        })
        .collect();
    if refused.is_empty() { Ok(()) } else { Err(ImportError::Bound(refused.join(" "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter().map(|(number, name)| ((*number).to_owned(), (*name).to_owned())).collect()
    }

    fn old(number: &str, area: &str) -> District {
        District { number: number.into(), name: "N".into(), area: area.into(), households: 0, version: 1 }
    }

    fn joined(areas: Result<BTreeMap<String, String>, WrongFile>) -> Result<Vec<(String, String)>, String> {
        areas.map(|areas| areas.into_iter().filter(|(number, area)| number != area).collect()).map_err(|wrong| wrong.found)
    }

    fn pair(a: &str, b: &str) -> (String, String) {
        (a.to_owned(), b.to_owned())
    }

    #[test]
    fn the_joins_that_are_built_in_can_be_read_and_stand_alone() {
        for municipality in known::MUNICIPALITIES {
            let joins = parse(municipality.joins.as_bytes()).unwrap();
            assert!(joins.iter().all(|join| join.name.is_some() && join.with_name.is_some()), "each names what it means");
            assert!(joins.iter().all(|join| joins.iter().all(|other| other.district != join.with)), "none joins with one that is joined");
        }
    }

    #[test]
    fn only_what_is_called_so_is_joined_unasked() {
        let oslo = names(&[("04", "St.Hanshaugen"), ("08", "Nordre Aker"), ("16", "Bydel Sentrum"), ("17", "Marka")]);
        assert_eq!(joined(areas(&oslo, &[], &[], None)), Ok(vec![pair("16", "04"), pair("17", "08")]));
        assert_eq!(joined(areas(&names(&[("04", "St. Hanshaugen"), ("16", "Havna")]), &[], &[], None)), Ok(vec![]));
        assert_eq!(joined(areas(&names(&[("04", "Vest"), ("16", "Sentrum")]), &[], &[], None)), Ok(vec![]), "another city's");
        assert_eq!(joined(areas(&names(&[("16", "Sentrum")]), &[], &[], None)), Ok(vec![]), "nothing to join it with");
    }

    #[test]
    fn what_is_known_stays_as_it_is_unless_told() {
        let all = names(&[("01", "A"), ("02", "B"), ("03", "C")]);
        let before = [old("01", "01"), old("02", "01"), old("03", "03")];
        assert_eq!(joined(areas(&all, &before, &[], None)), Ok(vec![pair("02", "01")]));
        assert_eq!(joined(areas(&all, &before, &[pair("3", "1")], None)), Ok(vec![pair("02", "01"), pair("03", "01")]));
        assert_eq!(joined(areas(&all, &before, &[pair("02", "02")], None)), Ok(vec![]));
        let file = parse(b"district;with\n3;2\n").unwrap();
        assert_eq!(joined(areas(&all, &before, &[], Some(&file))), Ok(vec![pair("03", "02")]), "a file speaks for all");
        // Oslo's Sentrum, counted alone by somebody's choice, is not joined by the next import.
        let oslo = names(&[("04", "St. Hanshaugen"), ("16", "Sentrum")]);
        assert_eq!(joined(areas(&oslo, &[old("04", "04"), old("16", "16")], &[], None)), Ok(vec![]));
        // What it was counted with is gone.
        assert_eq!(joined(areas(&names(&[("02", "B")]), &before, &[], None)), Ok(vec![]));
    }

    #[test]
    fn a_join_that_cannot_be_is_refused() {
        let all = names(&[("01", "A"), ("02", "B"), ("03", "C")]);
        let flag = |a: &str, b: &str| joined(areas(&all, &[], &[pair(a, b)], None)).unwrap_err();
        assert!(flag("09", "01").contains("no district 09") && flag("01", "x y").contains("no district x y"));
        let chain = joined(areas(&all, &[], &[pair("01", "02"), pair("02", "03")], None)).unwrap_err();
        assert!(chain.contains("01 counted together with 02, which is itself counted together with 03; join 01 with 03"), "{chain}");
        let file = |text: &str| parse(text.as_bytes()).map_err(|wrong| wrong.found).and_then(|file| joined(areas(&all, &[], &[], Some(&file))));
        assert!(file("district,with\n01,07\n").unwrap_err().contains("line 2, where district 01 or 07 is not there"));
        assert!(file("district,with,name\n01,02,Z\n").unwrap_err().contains("called otherwise"));
        assert!(file("district,with\n01,02\n1,03\n").unwrap_err().contains("line 3, which joins a district a second time"));
        assert!(file("district,with\n01,ved sida\n").unwrap_err().contains("\"ved sida\" is no number"));
        assert!(file("a,b\n01,02\n").unwrap_err().contains("none is called district"));
    }
}
