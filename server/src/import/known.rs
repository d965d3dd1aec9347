//! What the program knows of single municipalities: files of `server/data/`, built in.

use std::collections::BTreeMap;

/// A municipality's files, as text.
#[derive(Debug)]
pub(super) struct Municipality {
    /// Which districts are counted together.
    pub joins: &'static str,
    /// Which are read together.
    pub groups: &'static str,
    /// How many households live in each.
    pub households: &'static str,
}

/// Oslo, the first of them.
pub(super) const OSLO: Municipality = Municipality {
    joins: include_str!("../../data/0301/joins.csv"),
    groups: include_str!("../../data/0301/groups.csv"),
    households: include_str!("../../data/0301/households.csv"),
};

/// All of them.
pub(super) const MUNICIPALITIES: [Municipality; 1] = [OSLO];

/// Whether a district has a name, however it is spelt: "Bydel St.Hanshaugen" is "St. Hanshaugen".
pub(super) fn is_called(districts: &BTreeMap<String, String>, number: &str, name: &str) -> bool {
    districts.get(number).is_some_and(|known| plain(known) == plain(name))
}

fn plain(name: &str) -> String {
    let lower = name.trim().to_lowercase();
    lower.strip_prefix("bydel ").unwrap_or(&lower).chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_however_it_is_spelt() {
        let districts = BTreeMap::from([("04".to_owned(), "Bydel St.Hanshaugen".to_owned()), ("16".to_owned(), "Havna".to_owned())]);
        for name in ["St. Hanshaugen", "St Hanshaugen", "ST.HANSHAUGEN", "bydel st. hanshaugen"] {
            assert!(is_called(&districts, "04", name), "{name}");
        }
        assert!(!is_called(&districts, "16", "Sentrum") && !is_called(&districts, "05", "Frogner"));
    }
}
