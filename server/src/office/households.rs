//! How many households live where, as others counted them.

use std::collections::{BTreeMap, BTreeSet};

use dorbank_app::office::page::HouseholdsView;
use dorbank_shared::district::{District, Households};

use crate::store::{StoreError, Tx, district};

/// The districts and what is known of how many live there.
#[derive(Debug)]
pub struct Living {
    districts: Vec<District>,
    known: BTreeMap<String, Households>,
}

impl Living {
    /// Reads it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(tx: &mut Tx) -> Result<Self, StoreError> {
        Ok(Self { districts: district::all(tx).await?, known: district::households(tx).await? })
    }

    /// All districts.
    pub fn districts(&self) -> &[District] {
        &self.districts
    }

    /// In one district.
    pub fn in_district(&self, number: &str) -> Option<HouseholdsView> {
        self.among(|district| district.number == number)
    }

    /// In all districts that are counted as one area.
    pub fn in_area(&self, area: &str) -> Option<HouseholdsView> {
        self.among(|district| district.area == area)
    }

    /// In all districts.
    pub fn everywhere(&self) -> Option<HouseholdsView> {
        self.among(|_| true)
    }

    /// The sum, where each of them has a figure.
    fn among(&self, belongs: impl Fn(&District) -> bool) -> Option<HouseholdsView> {
        let among: Vec<&District> = self.districts.iter().filter(|district| belongs(district)).collect();
        if among.is_empty() || among.iter().any(|district| district.households <= 0) {
            return None;
        }
        let households = among.iter().filter_map(|district| u64::try_from(district.households).ok()).sum();
        let said: Vec<&Households> = among.iter().filter_map(|district| self.known.get(&district.number)).collect();
        let years: BTreeSet<i64> = said.iter().filter_map(|known| known.year).collect();
        let sources: BTreeSet<&str> = said.iter().map(|known| known.source.as_str()).filter(|source| !source.is_empty()).collect();
        let year = match (years.first(), years.last()) {
            (Some(first), Some(last)) if first != last => Some(format!("{first}–{last}")),
            (Some(year), _) => Some(year.to_string()),
            _ => None,
        };
        let of: Vec<String> = year.into_iter().chain(sources.into_iter().map(str::to_owned)).collect();
        Some(HouseholdsView { households, of: of.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn living(list: &[(&str, &str, i64, Option<i64>, &str)]) -> Living {
        let district = |(number, area, households, ..): &(&str, &str, i64, Option<i64>, &str)| District {
            number: (*number).into(),
            name: (*number).into(),
            area: (*area).into(),
            households: *households,
            version: 1,
        };
        let known = list.iter().filter(|(.., year, source)| year.is_some() || !source.is_empty()).map(|(number, _, households, year, source)| {
            let one = Households { district: (*number).into(), households: *households, year: *year, source: (*source).into() };
            ((*number).to_owned(), one)
        });
        Living { districts: list.iter().map(district).collect(), known: known.collect() }
    }

    fn told(view: Option<HouseholdsView>) -> Option<(u64, String)> {
        view.map(|view| (view.households, view.of))
    }

    #[test]
    fn an_area_is_the_sum_of_its_districts_with_year_and_source() {
        let all = living(&[
            ("04", "04", 23_441, Some(2018), "Oslo kommune"),
            ("16", "04", 817, Some(2018), "Oslo kommune"),
            ("05", "05", 35_080, Some(2020), "SSB"),
        ]);
        assert_eq!(told(all.in_area("04")), Some((24_258, "2018, Oslo kommune".to_owned())));
        assert_eq!(told(all.in_district("16")), Some((817, "2018, Oslo kommune".to_owned())));
        assert_eq!(told(all.everywhere()), Some((59_338, "2018–2020, Oslo kommune, SSB".to_owned())));
    }

    #[test]
    fn where_one_figure_is_missing_there_is_none() {
        let all = living(&[("04", "04", 23_441, None, ""), ("16", "04", 0, None, "")]);
        assert_eq!((told(all.in_area("04")), told(all.in_district("04"))), (None, Some((23_441, String::new()))));
        assert_eq!(told(living(&[]).everywhere()), None);
    }
}
