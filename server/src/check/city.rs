//! A city as it is looked at: one small record an entrance, each text once.

use std::collections::HashMap;

use dorbank_shared::{
    district::{District, Noun},
    geo::LatLon,
};
use uuid::Uuid;

use super::rules;
use crate::store::{StoreError, Tx, check as store, district};

/// Texts, each once, known by a number.
#[derive(Debug, Default)]
pub struct Texts {
    all: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Texts {
    fn number(&mut self, text: String) -> u32 {
        if let Some(known) = self.numbers.get(&text) {
            return *known;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(text.clone());
        self.numbers.insert(text, number);
        number
    }

    /// The text of a number.
    pub fn get(&self, number: u32) -> &str {
        usize::try_from(number).ok().and_then(|number| self.all.get(number)).map_or("", String::as_str)
    }
}

/// An entrance. What is a text is a number of [`Texts`].
#[derive(Debug, Clone, PartialEq)]
pub struct House {
    /// Its id.
    pub id: Uuid,
    /// The municipality.
    pub municipality: u32,
    /// The street.
    pub street: u32,
    /// The house number; 0 where there is none.
    pub number: i64,
    /// The letter.
    pub letter: u32,
    /// The postcode.
    pub postcode: u32,
    /// The basic statistical unit.
    pub grunnkrets: Option<u32>,
    /// The district.
    pub district: Option<u32>,
    /// Where it stands.
    pub at: LatLon,
    /// How many doors it has.
    pub doors: u32,
}

/// All that is looked at.
#[derive(Debug, Default)]
pub struct City {
    /// The texts.
    pub texts: Texts,
    /// The entrances that exist, by id.
    pub houses: Vec<House>,
    /// Doors that cannot be: the entrance's place among the houses, and the label.
    pub impossible: Vec<(usize, String)>,
    /// The districts, by number.
    pub districts: Vec<District>,
    /// What a district is called here.
    pub noun: Noun,
    /// Their outlines: number and GeoJSON geometry.
    pub outlines: Vec<(String, String)>,
    /// How many entrances have vanished. They are not looked at.
    pub vanished: u64,
}

impl City {
    /// Reads it, in one moment of the database.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(tx: &mut Tx) -> Result<Self, StoreError> {
        let mut city = Self {
            districts: district::all(tx).await?,
            noun: district::noun(tx).await?,
            outlines: district::boundaries(tx).await?,
            vanished: u64::try_from(store::vanished(tx).await?).unwrap_or_default(),
            ..Self::default()
        };
        let mut after = Uuid::nil();
        loop {
            let page = store::entrances(tx, after).await?;
            let Some(last) = page.last().map(|row| row.id) else { return Ok(city) };
            let from = city.houses.len();
            for row in page {
                let house = House {
                    id: row.id,
                    municipality: city.texts.number(row.municipality),
                    street: city.texts.number(row.street),
                    number: row.number,
                    letter: city.texts.number(row.letter),
                    postcode: city.texts.number(row.postcode),
                    grunnkrets: row.grunnkrets.map(|text| city.texts.number(text)),
                    district: row.district.map(|text| city.texts.number(text)),
                    at: row.at,
                    doors: 0,
                };
                city.houses.push(house);
            }
            city.count_doors(from, store::doors(tx, after, last).await?);
            after = last;
        }
    }

    /// Counts the doors of the houses from the place `from` on. Both come by the entrance's id, so one pass finds each door's house.
    fn count_doors(&mut self, from: usize, doors: Vec<(Uuid, String)>) {
        let mut here = from;
        for (entrance, label) in doors {
            while self.houses.get(here).is_some_and(|house| house.id < entrance) {
                here += 1;
            }
            // A door whose entrance has vanished is not looked at either.
            let Some(house) = self.houses.get_mut(here).filter(|house| house.id == entrance) else { continue };
            house.doors = house.doors.saturating_add(1);
            if rules::is_impossible(&label) {
                self.impossible.push((here, label));
            }
        }
    }

    /// "Storgata 28 B".
    pub fn address(&self, house: &House) -> String {
        let number = if house.number == 0 { String::new() } else { house.number.to_string() };
        let parts = [self.texts.get(house.street), &number, self.texts.get(house.letter)];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// A district's number and name, as far as it has one.
    pub fn district_name(&self, number: &str) -> String {
        match self.districts.iter().find(|district| district.number == number) {
            Some(district) => format!("{number} {}", district.name),
            None => number.to_owned(),
        }
    }
}
