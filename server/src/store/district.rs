//! Districts and the basic statistical units that lie in them.

use std::collections::BTreeMap;

use dorbank_shared::district::{District, Group, Households, Noun};
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, meta,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    ALL = "SELECT d.number, d.name, d.area, COALESCE(h.households, d.households), d.version \
        FROM district d LEFT JOIN household h ON h.district = d.number ORDER BY d.number";
    FIND = "SELECT d.number, d.name, d.area, COALESCE(h.households, d.households), d.version \
        FROM district d LEFT JOIN household h ON h.district = d.number WHERE d.number = $1";
    BOUNDARIES = "SELECT number, boundary FROM district WHERE boundary IS NOT NULL ORDER BY number";
    PUT = "INSERT INTO district (number, name, area, households, boundary) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (number) DO UPDATE SET name = excluded.name, area = excluded.area, boundary = excluded.boundary, \
        version = district.version + 1";
    GRUNNKRETSER = "SELECT number, district FROM grunnkrets ORDER BY number";
    PUT_GRUNNKRETS = "INSERT INTO grunnkrets (number, district) VALUES ($1, $2) \
        ON CONFLICT (number) DO UPDATE SET district = excluded.district";
    IN_USE = "SELECT number FROM district WHERE (EXISTS (SELECT 1 FROM turf WHERE turf.district = district.number) \
        OR EXISTS (SELECT 1 FROM branch_district WHERE branch_district.district = district.number) \
        OR EXISTS (SELECT 1 FROM officer WHERE officer.district = district.number) \
        OR EXISTS (SELECT 1 FROM mix_mark WHERE mix_mark.area = district.number)) AND number IN ($1) ORDER BY number";
    REMOVE_UNITS = "DELETE FROM grunnkrets WHERE district IN ($1)";
    REMOVE_FROM_GROUPS = "DELETE FROM district_group_member WHERE district IN ($1)";
    REMOVE_EMPTY_GROUPS = "DELETE FROM district_group WHERE NOT EXISTS \
        (SELECT 1 FROM district_group_member WHERE district_group_member.district_group = district_group.name)";
    REMOVE = "DELETE FROM district WHERE number IN ($1)";
    DROP_GRUNNKRETSER = "DELETE FROM grunnkrets WHERE number IN ($1)";
    MIXED = "SELECT DISTINCT area FROM mix_mark WHERE area IN ($1)";
    WITH_TURFS = "SELECT DISTINCT t.district FROM turf t JOIN campaign c ON c.id = t.campaign WHERE c.round = $1 AND t.district IN ($2)";
    HOUSEHOLDS = "SELECT district, households, year, source FROM household ORDER BY district";
    PUT_HOUSEHOLDS = "INSERT INTO household (district, households, year, source) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (district) DO UPDATE SET households = excluded.households, year = excluded.year, source = excluded.source";
    GROUPS = "SELECT g.name, g.source, m.district FROM district_group g JOIN district_group_member m ON m.district_group = g.name \
        ORDER BY g.position, g.name, m.district";
    DROP_MEMBERS = "DELETE FROM district_group_member";
    DROP_GROUPS = "DELETE FROM district_group";
    PUT_GROUPS = "INSERT INTO district_group (name, position, source) VALUES ($1, $2, $3)";
    PUT_MEMBERS = "INSERT INTO district_group_member (district_group, district) VALUES ($1, $2)";
}

/// The key of what a district is called.
const NOUN: &str = "district.noun";

/// A district with its outline, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDistrict {
    /// Its number ("01").
    pub number: String,
    /// What it is called.
    pub name: String,
    /// The number under which its inputs are counted.
    pub area: String,
    /// About how many households live there, where the district is new. A known one keeps what it has.
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

/// Removes districts with their basic statistical units, also from groups. No entrance may lie in them any more. How
/// many households lived there stays noted, should they come back.
pub async fn remove(tx: &mut Tx, numbers: &[String]) -> Result<(), StoreError> {
    let keys: Vec<_> = numbers.iter().map(|number| number.as_str().into()).collect();
    for statement in [REMOVE_UNITS, REMOVE_FROM_GROUPS, REMOVE] {
        let (head, tail) = around_list(statement);
        tx.all_in(head, &[], &keys, tail).await?;
    }
    tx.execute(REMOVE_EMPTY_GROUPS, args![]).await?;
    Ok(())
}

/// In which of these areas something was mixed, in any round.
pub async fn mixed(tx: &mut Tx, areas: &[&str]) -> Result<Vec<String>, StoreError> {
    let (head, tail) = around_list(MIXED);
    let keys: Vec<_> = areas.iter().map(|area| (*area).into()).collect();
    tx.all_in(head, &[], &keys, tail).await?.iter().map(|row| row.get(0)).collect()
}

/// Which of these districts have a turf in a round.
pub async fn with_turfs(tx: &mut Tx, round: Uuid, numbers: &[&str]) -> Result<Vec<String>, StoreError> {
    let (head, tail) = around_list(WITH_TURFS);
    let keys: Vec<_> = numbers.iter().map(|number| (*number).into()).collect();
    tx.all_in(head, &[round.into()], &keys, tail).await?.iter().map(|row| row.get(0)).collect()
}

/// How many households live where, by district; of districts, too, that are not there at present.
pub async fn households(tx: &mut Tx) -> Result<BTreeMap<String, Households>, StoreError> {
    let one = |row: &Row| {
        let district: String = row.get(0)?;
        Ok((district.clone(), Households { district, households: row.get(1)?, year: row.get(2)?, source: row.get(3)? }))
    };
    tx.all(HOUSEHOLDS, args![]).await?.iter().map(one).collect()
}

/// Notes how many households live where.
pub async fn put_households(tx: &mut Tx, households: &[Households]) -> Result<(), StoreError> {
    let (head, tail) = around_values(PUT_HOUSEHOLDS);
    tx.many(head, households.iter().map(|h| args![h.district.as_str(), h.households, h.year, h.source.as_str()]).collect(), tail).await?;
    Ok(())
}

/// The groups, in their order.
pub async fn groups(tx: &mut Tx) -> Result<Vec<Group>, StoreError> {
    let mut out: Vec<Group> = Vec::new();
    for row in tx.all(GROUPS, args![]).await? {
        let (name, district): (String, String) = (row.get(0)?, row.get(2)?);
        match out.last_mut().filter(|group| group.name == name) {
            Some(group) => group.districts.push(district),
            None => out.push(Group { name, source: row.get(1)?, districts: vec![district] }),
        }
    }
    Ok(out)
}

/// Writes the groups in the place of all that there were.
pub async fn replace_groups(tx: &mut Tx, groups: &[Group]) -> Result<(), StoreError> {
    tx.execute(DROP_MEMBERS, args![]).await?;
    tx.execute(DROP_GROUPS, args![]).await?;
    let (head, tail) = around_values(PUT_GROUPS);
    tx.many(head, groups.iter().zip(0i64..).map(|(group, at)| args![group.name.as_str(), at, group.source.as_str()]).collect(), tail).await?;
    let (head, tail) = around_values(PUT_MEMBERS);
    let members = groups.iter().flat_map(|group| group.districts.iter().map(|district| args![group.name.as_str(), district.as_str()]));
    tx.many(head, members.collect(), tail).await?;
    Ok(())
}

/// What a district is called.
pub async fn noun(tx: &mut Tx) -> Result<Noun, StoreError> {
    Ok(meta::find(tx, NOUN).await?.and_then(|name| Noun::parse(&name)).unwrap_or_default())
}

/// Sets what a district is called.
pub async fn set_noun(tx: &mut Tx, noun: Noun) -> Result<(), StoreError> {
    meta::set(tx, NOUN, noun.name()).await
}
