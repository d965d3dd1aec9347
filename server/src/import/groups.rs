//! Which districts are read together, from the program's own files or an operator's.

use std::collections::BTreeMap;

use dorbank_shared::district::{Group, district_number};

use super::{
    WrongFile, known,
    table::{About, Table},
};

const ABOUT: About = About {
    expected: "a CSV table of groups: a header and the columns group and district (a row for each district of a group; and, if it has \
        them, name, which must then agree, and source)",
    help: "save the table as CSV in UTF-8, with commas or semicolons; name only districts that are imported",
};

/// A group of a table, with what its rows say of its districts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    group: Group,
    /// Line, number and name of each district, in the order of the table.
    rows: Vec<(u64, String, Option<String>)>,
}

fn parse(bytes: &[u8]) -> Result<Vec<Listed>, WrongFile> {
    let table = Table::read(bytes, ABOUT)?;
    let (group, district) = (table.need(&["group", "gruppe"])?, table.need(&["district", "number", "bydelnr", "bydelsnr", "nr"])?);
    let (name, source) = (table.column(&["name", "navn"]), table.column(&["source", "kilde"]));
    let mut out: Vec<Listed> = Vec::new();
    for row in table.rows() {
        let line = row.line;
        let number = district_number(row.get(district));
        let number = number.ok_or_else(|| table.wrong(format!("line {line}, where {:?} is no number of a district", row.get(district))))?;
        let called = row.find(Some(group)).ok_or_else(|| table.wrong(format!("line {line}, where the group has no name")))?;
        let index = out.iter().position(|listed| listed.group.name == called).unwrap_or_else(|| {
            let group = Group { name: called.to_owned(), source: row.find(source).unwrap_or_default().to_owned(), districts: Vec::new() };
            out.push(Listed { group, rows: Vec::new() });
            out.len() - 1
        });
        let listed = &mut out[index];
        if listed.group.districts.contains(&number) {
            return Err(table.wrong(format!("line {line}, which names a district of its group a second time")));
        }
        listed.group.districts.push(number.clone());
        listed.rows.push((line, number, row.find(name).map(str::to_owned)));
    }
    for listed in &mut out {
        listed.group.districts.sort();
    }
    Ok(out)
}

/// What is wrong with a district of a group: it is not there, is called otherwise, or is counted with one that is outside.
fn fault(listed: &Listed, names: &BTreeMap<String, String>, areas: &BTreeMap<String, String>) -> Option<String> {
    listed.rows.iter().find_map(|(line, number, name)| {
        let Some(area) = areas.get(number) else { return Some(format!("line {line}, where there is no district {number}")) };
        let here = names.get(number).map_or("", String::as_str);
        if let Some(name) = name.as_ref().filter(|name| !known::is_called(names, number, name)) {
            return Some(format!("line {line}, where district {number} is called {name}, but here it is called {here}"));
        }
        // What a group shows is the sum of its areas.
        (!listed.group.districts.contains(area)).then(|| {
            format!("line {line}, where district {number} is in the group {} and {area} is not, though both are counted together", listed.group.name)
        })
    })
}

/// An operator's groups.
///
/// # Errors
/// When a row names a district that is not there, is called otherwise, or cannot be read apart from one outside the group.
pub(super) fn told(bytes: &[u8], names: &BTreeMap<String, String>, areas: &BTreeMap<String, String>) -> Result<Vec<Group>, WrongFile> {
    let all = parse(bytes)?;
    match all.iter().find_map(|listed| fault(listed, names, areas)) {
        Some(found) => Err(ABOUT.wrong(found)),
        None => Ok(all.into_iter().map(|listed| listed.group).collect()),
    }
}

/// The groups that the program knows, all of whose districts are there and called so.
pub(super) fn usual(names: &BTreeMap<String, String>, areas: &BTreeMap<String, String>) -> Vec<Group> {
    let all = known::MUNICIPALITIES.iter().flat_map(|municipality| parse(municipality.groups.as_bytes()).unwrap_or_default());
    all.filter(|listed| listed.rows.iter().all(|(.., name)| name.is_some()) && fault(listed, names, areas).is_none())
        .map(|listed| listed.group)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn the_groups_that_are_built_in_can_be_read_and_say_who_groups_so() {
        for municipality in known::MUNICIPALITIES {
            for listed in parse(municipality.groups.as_bytes()).unwrap() {
                assert!(!listed.group.source.is_empty() && listed.group.districts.len() > 1, "{listed:?}");
            }
        }
    }

    #[test]
    fn a_group_is_known_where_all_of_it_is_there() {
        let all = [("01", "Gamle Oslo"), ("02", "Grünerløkka"), ("03", "Sagene"), ("04", "St. Hanshaugen")];
        let (names, areas) = (map(&all), map(&[("01", "01"), ("02", "02"), ("03", "03"), ("04", "04")]));
        let found = usual(&names, &areas);
        assert_eq!(found.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["Indre øst"]);
        assert_eq!(found[0].districts, ["01", "02", "03"]);
        assert!(usual(&map(&[("01", "Øst"), ("02", "Vest"), ("03", "Nord")]), &areas).is_empty(), "another city's");
    }

    #[test]
    fn groups_may_overlap_and_keep_the_order_of_the_table() {
        let (names, areas) = (map(&[("01", "A"), ("02", "B"), ("03", "C")]), map(&[("01", "01"), ("02", "02"), ("03", "03")]));
        let table = "gruppe;nr;kilde\nVest;2;oss\nVest;1;\nAlle;03;\nAlle;1;\n";
        let groups = told(table.as_bytes(), &names, &areas).unwrap();
        let found: Vec<(&str, &str, String)> = groups.iter().map(|g| (g.name.as_str(), g.source.as_str(), g.districts.join(" "))).collect();
        assert_eq!(found, [("Vest", "oss", "01 02".to_owned()), ("Alle", "", "01 03".to_owned())]);
    }

    #[test]
    fn what_cannot_be_read_together_is_refused_by_line() {
        let (names, areas) = (map(&[("01", "A"), ("02", "B")]), map(&[("01", "01"), ("02", "01")]));
        for (table, found) in [
            ("group,district\nVest,9\n", "line 2, where there is no district 09"),
            ("group,district,name\nVest,01,B\n", "line 2, where district 01 is called B, but here it is called A"),
            ("group,district\nVest,02\n", "line 2, where district 02 is in the group Vest and 01 is not, though both are counted together"),
            ("group,district\nVest,01\nVest,1\n", "line 3, which names a district of its group a second time"),
            ("group,district\n,01\n", "line 2, where the group has no name"),
            ("group,district\nVest,her og der\n", "line 2, where \"her og der\" is no number of a district"),
        ] {
            assert_eq!(told(table.as_bytes(), &names, &areas).unwrap_err().found, found);
        }
        assert!(told(b"group,district\nVest,01\nVest,02\n", &names, &areas).is_ok());
    }
}
