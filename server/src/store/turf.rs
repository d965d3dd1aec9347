//! Turfs: what one pair walks.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    INSERT = "INSERT INTO turf (id, campaign, district, number, name) VALUES ($1, $2, $3, $4, $5)";
    FIND = "SELECT id, campaign, district, number, name, version FROM turf WHERE id = $1";
    AMONG = "SELECT t.id, t.number, t.name, d.area, d.name FROM turf t JOIN district d ON d.number = t.district WHERE t.id IN ($1) ORDER BY t.number, t.id";
    OF_CAMPAIGN = "SELECT id, campaign, district, number, name, version FROM turf WHERE campaign = $1 ORDER BY number";
    OF_SHIFT = "SELECT t.id, t.campaign, t.district, t.number, t.name, t.version FROM turf t JOIN shift_turf s ON s.turf = t.id WHERE s.shift = $1 ORDER BY t.number";
    RENAME = "UPDATE turf SET name = $3, version = version + 1 WHERE id = $1 AND version = $2";
    TOUCH = "UPDATE turf SET version = version + 1 WHERE id = $1 AND version = $2";
    CLEAR = "DELETE FROM turf_entrance WHERE turf = $1";
    PLACE = "INSERT INTO turf_entrance (turf, entrance, position) VALUES ($1, $2, $3)";
    HOLDS = "SELECT turf, entrance FROM turf_entrance WHERE entrance IN ($1)";
    HELD = "SELECT turf, entrance FROM turf_past WHERE entrance IN ($1)";
    EVER_OF_SHIFT = "SELECT turf FROM shift_turf WHERE shift = $1 UNION SELECT turf FROM shift_turf_past WHERE shift = $1 \
        UNION SELECT turf FROM device WHERE shift = $1 AND turf IS NOT NULL";
    HOLDING = "SELECT e.turf, e.entrance FROM turf t JOIN turf_entrance e ON e.turf = t.id WHERE t.campaign = $1 AND e.entrance IN ($2) ORDER BY t.number";
    UNITS = "SELECT id, entrance FROM unit_in_force WHERE id IN ($1)";
}

/// A turf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turf {
    /// Its id.
    pub id: Uuid,
    /// The campaign that it was cut for.
    pub campaign: Uuid,
    /// The number of the district that it lies in.
    pub district: String,
    /// "Rode 4".
    pub number: i64,
    /// "Tøyengata øst".
    pub name: String,
    /// Counted up with each change; ignored when it is inserted.
    pub version: i64,
}

/// A turf with the names that a phone shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTurf {
    /// Its id.
    pub id: Uuid,
    /// "Rode 4".
    pub number: i64,
    /// "Tøyengata øst".
    pub name: String,
    /// The area under which inputs from here are counted.
    pub area: String,
    /// The district's name.
    pub district: String,
}

fn turf(row: &Row) -> Result<Turf, StoreError> {
    Ok(Turf { id: row.get(0)?, campaign: row.get(1)?, district: row.get(2)?, number: row.get(3)?, name: row.get(4)?, version: row.get(5)? })
}

/// Writes new turfs.
pub async fn insert(tx: &mut Tx, turfs: &[Turf]) -> Result<(), StoreError> {
    let (head, tail) = around_values(INSERT);
    let rows = turfs.iter().map(|t| args![t.id, t.campaign, t.district.as_str(), t.number, t.name.as_str()]).collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// One turf.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Turf>, StoreError> {
    tx.one(FIND, args![id]).await?.as_ref().map(turf).transpose()
}

/// Some turfs with the names that a phone shows, by number.
pub async fn among(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<NamedTurf>, StoreError> {
    let (head, tail) = around_list(AMONG);
    let keys: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.all_in(head, &[], &keys, tail)
        .await?
        .iter()
        .map(|row| Ok(NamedTurf { id: row.get(0)?, number: row.get(1)?, name: row.get(2)?, area: row.get(3)?, district: row.get(4)? }))
        .collect()
}

/// The turfs of a campaign, by number.
pub async fn of_campaign(tx: &mut Tx, campaign: Uuid) -> Result<Vec<Turf>, StoreError> {
    tx.all(OF_CAMPAIGN, args![campaign]).await?.iter().map(turf).collect()
}

/// The turfs of a shift, by number.
pub async fn of_shift(tx: &mut Tx, shift: Uuid) -> Result<Vec<Turf>, StoreError> {
    tx.all(OF_SHIFT, args![shift]).await?.iter().map(turf).collect()
}

/// Gives a turf another name, if it is still at `version`; else [`StoreError::Stale`].
pub async fn rename(tx: &mut Tx, id: Uuid, version: i64, name: &str) -> Result<(), StoreError> {
    if tx.execute(RENAME, args![id, version, name]).await? == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

/// Sets what a new turf holds, in walk order.
pub async fn place(tx: &mut Tx, id: Uuid, entrances: &[Uuid]) -> Result<(), StoreError> {
    let (head, tail) = around_values(PLACE);
    let rows = (1i64..).zip(entrances).map(|(position, entrance)| args![id, *entrance, position]).collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// Changes what a turf holds, if it is still at `version`; else [`StoreError::Stale`]. The database remembers in
/// `turf_past` what it held, since a phone that is offline may still send what it noted there.
pub async fn replace(tx: &mut Tx, id: Uuid, version: i64, entrances: &[Uuid]) -> Result<(), StoreError> {
    if tx.execute(TOUCH, args![id, version]).await? == 0 {
        return Err(StoreError::Stale);
    }
    tx.execute(CLEAR, args![id]).await?;
    place(tx, id, entrances).await
}

/// Every turf that a shift has, or had, or that one of its phones was given.
pub async fn ever_of_shift(tx: &mut Tx, shift: Uuid) -> Result<HashSet<Uuid>, StoreError> {
    tx.all(EVER_OF_SHIFT, args![shift]).await?.iter().map(|row| row.get(0)).collect()
}

/// Which of these pairs of turf and entrance lie, or lay, together.
pub async fn ever_held(tx: &mut Tx, pairs: &HashSet<(Uuid, Uuid)>) -> Result<HashSet<(Uuid, Uuid)>, StoreError> {
    let mut held = HashSet::new();
    for statement in [HOLDS, HELD] {
        let open: HashSet<Uuid> = pairs.difference(&held).map(|(_, entrance)| *entrance).collect();
        let keys: Vec<Value> = open.into_iter().map(Value::from).collect();
        let (head, tail) = around_list(statement);
        for row in tx.all_in(head, &[], &keys, tail).await? {
            let pair = (row.get(0)?, row.get(1)?);
            if pairs.contains(&pair) {
                held.insert(pair);
            }
        }
    }
    Ok(held)
}

/// The entrance of each of these doors, as `(door, entrance)`; also of those that vanished, since a phone may still show them.
pub async fn entrances_of_units(tx: &mut Tx, units: &HashSet<Uuid>) -> Result<HashSet<(Uuid, Uuid)>, StoreError> {
    let (head, tail) = around_list(UNITS);
    let keys: Vec<Value> = units.iter().map(|id| (*id).into()).collect();
    tx.all_in(head, &[], &keys, tail).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// The turf of a campaign in which each of these entrances lies, the first by number.
pub async fn holding(tx: &mut Tx, campaign: Uuid, entrances: &HashSet<Uuid>) -> Result<HashMap<Uuid, Uuid>, StoreError> {
    let (head, tail) = around_list(HOLDING);
    let keys: Vec<Value> = entrances.iter().map(|id| (*id).into()).collect();
    let mut found = HashMap::new();
    for row in tx.all_in(head, &args![campaign], &keys, tail).await? {
        found.entry(row.get(1)?).or_insert(row.get(0)?);
    }
    Ok(found)
}
