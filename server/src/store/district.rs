//! Districts and the basic statistical units that lie in them.

use dorbank_shared::district::District;

use super::{
    Row, StoreError, Tx,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    ALL = "SELECT number, name, area, households, version FROM district ORDER BY number";
    FIND = "SELECT number, name, area, households, version FROM district WHERE number = $1";
    BOUNDARIES = "SELECT number, boundary FROM district WHERE boundary IS NOT NULL ORDER BY number";
    PUT = "INSERT INTO district (number, name, area, households, boundary) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (number) DO UPDATE SET name = excluded.name, area = excluded.area, households = excluded.households, \
        boundary = excluded.boundary, version = district.version + 1";
    GRUNNKRETSER = "SELECT number, district FROM grunnkrets ORDER BY number";
    PUT_GRUNNKRETS = "INSERT INTO grunnkrets (number, district) VALUES ($1, $2) \
        ON CONFLICT (number) DO UPDATE SET district = excluded.district";
    IN_USE = "SELECT number FROM district WHERE (EXISTS (SELECT 1 FROM turf WHERE turf.district = district.number) \
        OR EXISTS (SELECT 1 FROM branch_district WHERE branch_district.district = district.number) \
        OR EXISTS (SELECT 1 FROM officer WHERE officer.district = district.number) \
        OR EXISTS (SELECT 1 FROM mix_mark WHERE mix_mark.area = district.number)) AND number IN ($1) ORDER BY number";
    REMOVE_UNITS = "DELETE FROM grunnkrets WHERE district IN ($1)";
    REMOVE = "DELETE FROM district WHERE number IN ($1)";
    DROP_GRUNNKRETSER = "DELETE FROM grunnkrets WHERE number IN ($1)";
}

/// A district with its outline, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDistrict {
    /// Its number ("01").
    pub number: String,
    /// What it is called.
    pub name: String,
    /// The number under which its inputs are counted.
    pub area: String,
    /// About how many households live there.
    pub households: i64,
    /// A GeoJSON geometry (Polygon or MultiPolygon, WGS84), where there is one.
    pub boundary: Option<String>,
}

fn district(row: &Row) -> Result<District, StoreError> {
    Ok(District { number: row.get(0)?, name: row.get(1)?, area: row.get(2)?, households: row.get(3)?, version: row.get(4)? })
}

/// All districts, by number.
pub async fn all(tx: &mut Tx) -> Result<Vec<District>, StoreError> {
    tx.all(ALL, args![]).await?.iter().map(district).collect()
}

/// One district.
pub async fn find(tx: &mut Tx, number: &str) -> Result<Option<District>, StoreError> {
    tx.one(FIND, args![number]).await?.as_ref().map(district).transpose()
}

/// The outlines, by number: GeoJSON geometries of the districts that have one.
pub async fn boundaries(tx: &mut Tx) -> Result<Vec<(String, String)>, StoreError> {
    tx.all(BOUNDARIES, args![]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Writes districts: new ones as they are, known ones changed and their version counted up.
pub async fn put(tx: &mut Tx, districts: &[NewDistrict]) -> Result<(), StoreError> {
    let (head, tail) = around_values(PUT);
    let rows = districts.iter().map(|d| args![d.number.as_str(), d.name.as_str(), d.area.as_str(), d.households, d.boundary.clone()]).collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// Which district each basic statistical unit lies in, by the unit's number.
pub async fn grunnkretser(tx: &mut Tx) -> Result<Vec<(String, String)>, StoreError> {
    tx.all(GRUNNKRETSER, args![]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Writes units: `(number, district)`.
pub async fn put_grunnkretser(tx: &mut Tx, units: &[(String, String)]) -> Result<(), StoreError> {
    let (head, tail) = around_values(PUT_GRUNNKRETS);
    let rows = units.iter().map(|(number, district)| args![number.as_str(), district.as_str()]).collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// Removes units that a newer table no longer has.
pub async fn drop_grunnkretser(tx: &mut Tx, numbers: &[String]) -> Result<(), StoreError> {
    let (head, tail) = around_list(DROP_GRUNNKRETSER);
    let keys: Vec<_> = numbers.iter().map(|number| number.as_str().into()).collect();
    tx.all_in(head, &[], &keys, tail).await?;
    Ok(())
}

/// Which of these districts a turf, a branch, an officer or what was heard there holds on to.
pub async fn in_use(tx: &mut Tx, numbers: &[String]) -> Result<Vec<String>, StoreError> {
    let (head, tail) = around_list(IN_USE);
    let keys: Vec<_> = numbers.iter().map(|number| number.as_str().into()).collect();
    tx.all_in(head, &[], &keys, tail).await?.iter().map(|row| row.get(0)).collect()
}

/// Removes districts with their basic statistical units. No entrance may lie in them any more.
pub async fn remove(tx: &mut Tx, numbers: &[String]) -> Result<(), StoreError> {
    let keys: Vec<_> = numbers.iter().map(|number| number.as_str().into()).collect();
    for statement in [REMOVE_UNITS, REMOVE] {
        let (head, tail) = around_list(statement);
        tx.all_in(head, &[], &keys, tail).await?;
    }
    Ok(())
}
