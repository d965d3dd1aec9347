//! The register: address points and the doors inside them. It outlives campaigns and nothing in it is ever deleted.

use std::collections::HashMap;

use dorbank_shared::{
    geo::LatLon,
    place::{Entrance, Unit},
};
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    FIND = "SELECT id, street, number, letter, district, lat, lon, do_not_knock FROM entrance_in_force WHERE id = $1";
    OF_DISTRICT = "SELECT id, street, number, letter, district, lat, lon, do_not_knock FROM entrance_in_force \
        WHERE district = $1 AND vanished = $2 AND id IN (SELECT id FROM entrance WHERE district = $1 \
        UNION SELECT entrance FROM entrance_change WHERE district = $1) ORDER BY street, number, letter, id";
    OF_TURF = "SELECT e.id, e.street, e.number, e.letter, e.district, e.lat, e.lon, e.do_not_knock FROM entrance_in_force e \
        JOIN turf_entrance t ON t.entrance = e.id WHERE t.turf = $1 ORDER BY t.position";
    UNITS = "SELECT entrance, id, label, floor, position, do_not_knock FROM unit_in_force WHERE entrance IN ($1) \
        ORDER BY vanished, floor, position, label";
    STANDING_UNITS = "SELECT entrance, id, label, floor, position, do_not_knock FROM unit_in_force WHERE vanished = $1 AND entrance IN ($2) \
        ORDER BY floor, position, label";
    REGISTERED = "SELECT id, origin, source_id, municipality, street, number, letter, postcode, post_town, grunnkrets, district, lat, lon, vanished \
        FROM entrance_in_force WHERE origin = $1 AND municipality IN ($2)";
    AMONG_SOURCES = "SELECT id, origin, source_id, municipality, street, number, letter, postcode, post_town, grunnkrets, district, lat, lon, vanished \
        FROM entrance_in_force WHERE origin = $1 AND source_id IN ($2)";
    PUT = "INSERT INTO entrance (id, origin, source_id, municipality, street, number, letter, postcode, post_town, grunnkrets, district, lat, lon, \
        vanished, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
        ON CONFLICT (origin, source_id) DO UPDATE SET municipality = excluded.municipality, street = excluded.street, number = excluded.number, \
        letter = excluded.letter, postcode = excluded.postcode, post_town = excluded.post_town, grunnkrets = excluded.grunnkrets, \
        district = excluded.district, lat = excluded.lat, lon = excluded.lon, vanished = excluded.vanished, updated_at = excluded.updated_at";
    PUT_UNITS = "INSERT INTO unit (id, entrance, label, floor, position) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (entrance, label) DO NOTHING";
    PLACES = "SELECT id, grunnkrets, district, lat, lon FROM entrance_in_force ORDER BY id";
    ASSIGN = "UPDATE entrance SET district = $1, updated_at = $2 WHERE id IN ($3)";
    COUNT = "SELECT COUNT(*) FROM entrance WHERE vanished = $1";
}

/// An entrance as its publisher describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// Ours.
    pub id: Uuid,
    /// Who publishes it ("kartverket").
    pub origin: String,
    /// The publisher's id.
    pub source_id: String,
    /// The municipality's number, four digits.
    pub municipality: String,
    /// The street's name.
    pub street: String,
    /// The house number; 0 where there is none.
    pub number: i64,
    /// The letter after the number, or nothing.
    pub letter: String,
    /// Four digits.
    pub postcode: String,
    /// The name that goes with the postcode.
    pub post_town: String,
    /// The basic statistical unit's number, where the publisher says one.
    pub grunnkrets: Option<String>,
    /// The district, where it lies in one.
    pub district: Option<String>,
    /// Where it stands.
    pub at: LatLon,
    /// It was missing from the publisher's last file.
    pub vanished: bool,
}

/// Where an entrance lies, for giving it a district.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The entrance.
    pub id: Uuid,
    /// Its basic statistical unit, where known.
    pub grunnkrets: Option<String>,
    /// The district it has now.
    pub district: Option<String>,
    /// Where it stands.
    pub at: LatLon,
}

fn entrance(row: &Row) -> Result<Entrance, StoreError> {
    Ok(Entrance {
        id: row.get(0)?,
        street: row.get(1)?,
        number: row.get(2)?,
        letter: row.get(3)?,
        district: row.get(4)?,
        at: LatLon { lat: row.get(5)?, lon: row.get(6)? },
        do_not_knock: row.get(7)?,
        units: Vec::new(),
    })
}

fn registered(row: &Row) -> Result<Registered, StoreError> {
    Ok(Registered {
        id: row.get(0)?,
        origin: row.get(1)?,
        source_id: row.get(2)?,
        municipality: row.get(3)?,
        street: row.get(4)?,
        number: row.get(5)?,
        letter: row.get(6)?,
        postcode: row.get(7)?,
        post_town: row.get(8)?,
        grunnkrets: row.get(9)?,
        district: row.get(10)?,
        at: LatLon { lat: row.get(11)?, lon: row.get(12)? },
        vanished: row.get(13)?,
    })
}

/// Gives entrances their doors, by floor and position.
async fn with_units(tx: &mut Tx, mut entrances: Vec<Entrance>, (sql, first): (&'static str, &[Value])) -> Result<Vec<Entrance>, StoreError> {
    let index: HashMap<Uuid, usize> = entrances.iter().enumerate().map(|(i, e)| (e.id, i)).collect();
    let keys: Vec<Value> = entrances.iter().map(|e| e.id.into()).collect();
    let (head, tail) = around_list(sql);
    for row in tx.all_in(head, first, &keys, tail).await? {
        let of: Uuid = row.get(0)?;
        let unit = Unit { id: row.get(1)?, label: row.get(2)?, floor: row.get(3)?, position: row.get(4)?, do_not_knock: row.get(5)? };
        if let Some(i) = index.get(&of) {
            entrances[*i].units.push(unit);
        }
    }
    Ok(entrances)
}

/// Gives entrances the doors that are walked to, and leaves out an entrance without any: nobody lives there.
async fn to_walk(tx: &mut Tx, entrances: Vec<Entrance>) -> Result<Vec<Entrance>, StoreError> {
    let mut entrances = with_units(tx, entrances, (STANDING_UNITS, &args![false])).await?;
    entrances.retain(|entrance| !entrance.units.is_empty());
    Ok(entrances)
}

/// One entrance with all its doors, last those that vanished: what happened there is still told of.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Entrance>, StoreError> {
    let found = tx.one(FIND, args![id]).await?.as_ref().map(entrance).transpose()?;
    Ok(with_units(tx, found.into_iter().collect(), (UNITS, &[])).await?.pop())
}

/// The entrances of a district that still exist, with the doors that are walked to, by street and number.
pub async fn of_district(tx: &mut Tx, number: &str) -> Result<Vec<Entrance>, StoreError> {
    let found = tx.all(OF_DISTRICT, args![number, false]).await?.iter().map(entrance).collect::<Result<_, _>>()?;
    to_walk(tx, found).await
}

/// The entrances of a turf with the doors that are walked to, in walk order. One that has vanished since the turf was cut is
/// still among them: whoever stands before it can note what happens there.
pub async fn of_turf(tx: &mut Tx, turf: Uuid) -> Result<Vec<Entrance>, StoreError> {
    let found = tx.all(OF_TURF, args![turf]).await?.iter().map(entrance).collect::<Result<_, _>>()?;
    to_walk(tx, found).await
}

/// What a publisher said of some municipalities, vanished ones too.
pub async fn registered_in(tx: &mut Tx, origin: &str, municipalities: &[String]) -> Result<Vec<Registered>, StoreError> {
    let keys: Vec<Value> = municipalities.iter().map(|m| m.as_str().into()).collect();
    let (head, tail) = around_list(REGISTERED);
    tx.all_in(head, &[origin.into()], &keys, tail).await?.iter().map(registered).collect()
}

/// What a publisher said of some of its own ids, wherever they lay.
pub async fn registered_as(tx: &mut Tx, origin: &str, source_ids: &[&str]) -> Result<Vec<Registered>, StoreError> {
    let keys: Vec<Value> = source_ids.iter().map(|id| (*id).into()).collect();
    let (head, tail) = around_list(AMONG_SOURCES);
    tx.all_in(head, &[origin.into()], &keys, tail).await?.iter().map(registered).collect()
}

/// Writes entrances at once, as a demo does; an import writes beside the register in force instead. One that its publisher
/// already had keeps its id and its wish for quiet, whatever id is given here.
pub async fn put(tx: &mut Tx, entrances: &[Registered], now_ms: i64) -> Result<(), StoreError> {
    let (head, tail) = around_values(PUT);
    // In parts, so that a whole city's arguments are never in memory at once.
    for part in entrances.chunks(5_000) {
        let rows = part
            .iter()
            .map(|e| {
                args![
                    e.id,
                    e.origin.as_str(),
                    e.source_id.as_str(),
                    e.municipality.as_str(),
                    e.street.as_str(),
                    e.number,
                    e.letter.as_str(),
                    e.postcode.as_str(),
                    e.post_town.as_str(),
                    e.grunnkrets.clone(),
                    e.district.clone(),
                    e.at.lat,
                    e.at.lon,
                    e.vanished,
                    now_ms
                ]
            })
            .collect();
        tx.many(head, rows, tail).await?;
    }
    Ok(())
}

/// Writes doors: `(entrance, door)`. One that its entrance already has is left as it is.
pub async fn put_units(tx: &mut Tx, units: &[(Uuid, Unit)]) -> Result<(), StoreError> {
    let (head, tail) = around_values(PUT_UNITS);
    for part in units.chunks(10_000) {
        let rows = part.iter().map(|(entrance, u)| args![u.id, *entrance, u.label.as_str(), u.floor, u.position]).collect();
        tx.many(head, rows, tail).await?;
    }
    Ok(())
}

/// Where every entrance in force lies.
pub async fn places(tx: &mut Tx) -> Result<Vec<Place>, StoreError> {
    tx.all(PLACES, args![])
        .await?
        .iter()
        .map(|row| Ok(Place { id: row.get(0)?, grunnkrets: row.get(1)?, district: row.get(2)?, at: LatLon { lat: row.get(3)?, lon: row.get(4)? } }))
        .collect()
}

/// Gives entrances a district, or takes it from them.
pub async fn assign(tx: &mut Tx, ids: &[Uuid], district: Option<&str>, now_ms: i64) -> Result<(), StoreError> {
    let keys: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let (head, tail) = around_list(ASSIGN);
    tx.all_in(head, &[district.into(), now_ms.into()], &keys, tail).await?;
    Ok(())
}

/// How many entrances there are that did not vanish, those too that an import is writing or left.
pub async fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.one(COUNT, args![false]).await?.map_or(Ok(0), |row| row.get(0))
}
