//! What was found, before it is written down for anybody.

use std::collections::BTreeMap;

use dorbank_shared::words::key;

use super::{City, House, rules};
use crate::import::Credit;

/// What kind of thing was found. In the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An entrance that lies in no district.
    WithoutDistrict,
    /// Entrances with one address.
    SameAddress,
    /// Entrances at one point.
    SamePlace,
    /// A door on a floor that no house has.
    ImpossibleDoor,
    /// An entrance far from the others of its street.
    FarFromStreet,
    /// An entrance without a door.
    WithoutDoors,
    /// A district without entrances.
    EmptyDistrict,
    /// A district with far fewer or far more doors than households.
    Households,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::WithoutDistrict,
        Self::SameAddress,
        Self::SamePlace,
        Self::ImpossibleDoor,
        Self::FarFromStreet,
        Self::WithoutDoors,
        Self::EmptyDistrict,
        Self::Households,
    ];

    /// The words for it: what it is, and the rule by which it is told.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::WithoutDistrict => (key::CHECK_WITHOUT_DISTRICT, key::CHECK_WITHOUT_DISTRICT_RULE),
            Self::SameAddress => (key::CHECK_SAME_ADDRESS, key::CHECK_SAME_ADDRESS_RULE),
            Self::SamePlace => (key::CHECK_SAME_PLACE, key::CHECK_SAME_PLACE_RULE),
            Self::ImpossibleDoor => (key::CHECK_IMPOSSIBLE_DOOR, key::CHECK_IMPOSSIBLE_DOOR_RULE),
            Self::FarFromStreet => (key::CHECK_FAR_FROM_STREET, key::CHECK_FAR_FROM_STREET_RULE),
            Self::WithoutDoors => (key::CHECK_WITHOUT_DOORS, key::CHECK_WITHOUT_DOORS_RULE),
            Self::EmptyDistrict => (key::CHECK_EMPTY_DISTRICT, key::CHECK_EMPTY_DISTRICT_RULE),
            Self::Households => (key::CHECK_HOUSEHOLDS, key::CHECK_HOUSEHOLDS_RULE),
        }
    }

    /// The class by which the map and its legend colour it.
    pub fn class(self) -> &'static str {
        match self {
            Self::WithoutDistrict => "k1",
            Self::SameAddress => "k2",
            Self::SamePlace => "k3",
            Self::ImpossibleDoor => "k4",
            Self::FarFromStreet => "k5",
            Self::WithoutDoors => "k6",
            Self::EmptyDistrict | Self::Households => "k7",
        }
    }
}

/// What there is to say of a finding, beside where it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    /// Nothing.
    None,
    /// The others, as places among the houses.
    Others(Vec<usize>),
    /// The door's official number.
    Label(String),
    /// How far it is, and how far is not yet far, in metres.
    Far(f64, f64),
    /// Doors and households.
    Doors(u64, i64),
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What kind.
    pub kind: Kind,
    /// The entrance, as a place among the houses; none where it is about a district.
    pub house: Option<usize>,
    /// The district's number, where there is one.
    pub district: Option<String>,
    /// What else there is to say.
    pub detail: Detail,
}

/// A district, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DistrictRow {
    /// Its number; empty for what lies in none.
    pub number: String,
    /// What it is called.
    pub name: String,
    /// Entrances in it.
    pub entrances: u64,
    /// Doors in it.
    pub doors: u64,
    /// About how many households live there; 0 where nobody said.
    pub households: i64,
}

/// A basic statistical unit (grunnkrets), counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitRow {
    /// Its number; empty for entrances of which nobody says one.
    pub number: String,
    /// The district of its entrances; several where the border runs through it.
    pub districts: Vec<String>,
    /// Entrances in it.
    pub entrances: u64,
    /// Doors in it.
    pub doors: u64,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Report {
    /// What was looked at.
    pub city: City,
    /// Whom to credit.
    pub credit: Option<Credit>,
    /// The districts, by number; last, what lies in none.
    pub districts: Vec<DistrictRow>,
    /// The basic statistical units, by number.
    pub units: Vec<UnitRow>,
    /// What was found, by kind and then by address.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Looks at a city.
    pub fn of(city: City, credit: Option<Credit>) -> Self {
        let (districts, units) = count(&city);
        let mut findings = found_at_houses(&city);
        findings.extend(found_in_districts(&districts));
        findings.sort_by_cached_key(|finding| {
            let address = finding.house.map(|house| {
                let house = &city.houses[house];
                (city.texts.get(house.street).to_owned(), house.number, city.texts.get(house.letter).to_owned(), house.id)
            });
            (finding.kind, address, finding.district.clone())
        });
        Self { city, credit, districts, units, findings }
    }

    /// How many doors there are.
    pub fn doors(&self) -> u64 {
        self.districts.iter().map(|district| district.doors).sum()
    }

    /// What was found of a kind.
    pub fn of_kind(&self, kind: Kind) -> impl ExactSizeIterator<Item = &Finding> {
        let from = self.findings.partition_point(|finding| finding.kind < kind);
        let to = self.findings.partition_point(|finding| finding.kind <= kind);
        self.findings[from..to].iter()
    }

    /// Where a finding is, in words: the address, or the district.
    pub fn place(&self, finding: &Finding) -> String {
        match finding.house {
            Some(house) => self.city.address(&self.city.houses[house]),
            None => finding.district.as_deref().map(|number| self.city.district_name(number)).unwrap_or_default(),
        }
    }

    /// The addresses of a finding's others.
    pub fn others(&self, finding: &Finding) -> Vec<String> {
        match &finding.detail {
            Detail::Others(others) => others.iter().map(|other| self.city.address(&self.city.houses[*other])).collect(),
            _ => Vec::new(),
        }
    }
}

fn count(city: &City) -> (Vec<DistrictRow>, Vec<UnitRow>) {
    let mut districts: BTreeMap<String, DistrictRow> = BTreeMap::new();
    for district in &city.districts {
        let row =
            DistrictRow { number: district.number.clone(), name: district.name.clone(), households: district.households, ..DistrictRow::default() };
        districts.insert(district.number.clone(), row);
    }
    let mut units: BTreeMap<String, UnitRow> = BTreeMap::new();
    let mut without = DistrictRow::default();
    // Counted by number first: a text is compared once a house at most.
    let mut by_district: BTreeMap<Option<u32>, (u64, u64)> = BTreeMap::new();
    let mut by_unit: BTreeMap<(Option<u32>, Option<u32>), (u64, u64)> = BTreeMap::new();
    for House { district, grunnkrets, doors, .. } in &city.houses {
        for (entrances, all) in [by_district.entry(*district).or_default(), by_unit.entry((*grunnkrets, *district)).or_default()] {
            *entrances += 1;
            *all += u64::from(*doors);
        }
    }
    let text = |number: Option<u32>| number.map(|number| city.texts.get(number).to_owned());
    for (district, (entrances, doors)) in by_district {
        let row = match text(district) {
            Some(number) => districts.entry(number.clone()).or_insert_with(|| DistrictRow { number, ..DistrictRow::default() }),
            None => &mut without,
        };
        row.entrances += entrances;
        row.doors += doors;
    }
    for ((unit, district), (entrances, doors)) in by_unit {
        let number = text(unit).unwrap_or_default();
        let row = units.entry(number.clone()).or_insert_with(|| UnitRow { number, ..UnitRow::default() });
        row.entrances += entrances;
        row.doors += doors;
        row.districts.extend(text(district));
    }
    let mut districts: Vec<DistrictRow> = districts.into_values().collect();
    if without.entrances > 0 {
        districts.push(without);
    }
    for unit in units.values_mut() {
        unit.districts.sort();
    }
    (districts, units.into_values().collect())
}

fn found_at_houses(city: &City) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |kind, house: usize, detail| {
        let district = city.houses[house].district.map(|number| city.texts.get(number).to_owned());
        found.push(Finding { kind, house: Some(house), district, detail });
    };
    for (index, house) in city.houses.iter().enumerate() {
        // Where no district is known at all, that is one thing to say and not a hundred thousand.
        if house.district.is_none() && !city.districts.is_empty() {
            add(Kind::WithoutDistrict, index, Detail::None);
        }
        if house.doors == 0 {
            add(Kind::WithoutDoors, index, Detail::None);
        }
    }
    for (kind, groups) in [(Kind::SameAddress, rules::same_address(&city.houses)), (Kind::SamePlace, rules::same_place(&city.houses))] {
        for group in groups {
            add(kind, group[0], Detail::Others(group[1..].to_vec()));
        }
    }
    for (house, label) in &city.impossible {
        add(Kind::ImpossibleDoor, *house, Detail::Label(label.clone()));
    }
    for far in rules::far_from_street(&city.houses) {
        add(Kind::FarFromStreet, far.house, Detail::Far(far.metres, far.limit));
    }
    if city.districts.is_empty() && !city.houses.is_empty() {
        found.push(Finding { kind: Kind::WithoutDistrict, house: None, district: None, detail: Detail::None });
    }
    found
}

fn found_in_districts(districts: &[DistrictRow]) -> Vec<Finding> {
    let mut found = Vec::new();
    for row in districts.iter().filter(|row| !row.number.is_empty()) {
        let mut add = |kind, detail| found.push(Finding { kind, house: None, district: Some(row.number.clone()), detail });
        if row.entrances == 0 {
            add(Kind::EmptyDistrict, Detail::None);
        } else if rules::doors_misfit(row.doors, row.households) {
            add(Kind::Households, Detail::Doors(row.doors, row.households));
        }
    }
    found
}
