//! What somebody here knows better than the publisher of the addresses.

use std::collections::HashMap;

use dorbank_shared::{geo::LatLon, place::Unit};
use uuid::Uuid;

use super::{Row, StoreError, Tx, staged::Listing};
use crate::{args, statements};

statements! {
    ALL = "SELECT entrance, field, door, ours, published FROM correction ORDER BY entrance, field, door";
    OF_ENTRANCE = "SELECT entrance, field, door, ours, published FROM correction WHERE entrance = $1 ORDER BY field, door";
    PUT = "INSERT INTO correction (entrance, field, door, ours, published, made_at) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (entrance, field, door) DO UPDATE SET ours = excluded.ours, made_at = excluded.made_at";
    REMOVE = "DELETE FROM correction WHERE entrance = $1 AND field = $2 AND door = $3";
    SET_ENTRANCE = "UPDATE entrance SET street = $2, number = $3, letter = $4, lat = $5, lon = $6, district = $7, updated_at = $8 WHERE id = $1";
    SET_UNIT = "UPDATE unit SET vanished = $2 WHERE id = $1";
    ADD_UNIT = "INSERT INTO unit (id, entrance, label, floor, position) VALUES ($1, $2, $3, $4, $5)";
    BY_NUMBER = "SELECT id, street, postcode, post_town, source_id, vanished FROM entrance_in_force WHERE number = $1 AND letter = $2 ORDER BY street, id";
    BY_SOURCE = "SELECT id FROM entrance_in_force WHERE source_id = $1 ORDER BY origin";
    SOURCE = "SELECT origin, source_id FROM entrance_in_force WHERE id = $1";
}

/// What a correction is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Where the entrance stands: "59.9100000,10.7700000".
    Place,
    /// The street's name.
    Street,
    /// The house number.
    Number,
    /// The letter after it.
    Letter,
    /// A door that the publisher does not list.
    DoorAdded,
    /// A door that the publisher lists and that is not there.
    DoorGone,
}

impl Field {
    /// The name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Street => "street",
            Self::Number => "number",
            Self::Letter => "letter",
            Self::DoorAdded => "door_added",
            Self::DoorGone => "door_gone",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Place, Self::Street, Self::Number, Self::Letter, Self::DoorAdded, Self::DoorGone].into_iter().find(|field| field.name() == name)
    }
}

/// What somebody here knows better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The entrance.
    pub entrance: Uuid,
    /// What of it.
    pub field: Field,
    /// The number of the door that was added or is gone; else nothing.
    pub door: String,
    /// What we say.
    pub ours: String,
    /// What the publisher said when it was corrected.
    pub published: String,
}

fn correction(row: &Row) -> Result<Correction, StoreError> {
    let name: String = row.get(1)?;
    Ok(Correction {
        entrance: row.get(0)?,
        field: Field::parse(&name).ok_or(StoreError::Inconsistent { table: "correction", column: "field" })?,
        door: row.get(2)?,
        ours: row.get(3)?,
        published: row.get(4)?,
    })
}

/// All corrections, by entrance.
pub async fn all(tx: &mut Tx) -> Result<HashMap<Uuid, Vec<Correction>>, StoreError> {
    let mut all: HashMap<Uuid, Vec<Correction>> = HashMap::new();
    for row in tx.all(ALL, args![]).await? {
        let one = correction(&row)?;
        all.entry(one.entrance).or_default().push(one);
    }
    Ok(all)
}

/// What was corrected of an entrance.
pub async fn of_entrance(tx: &mut Tx, entrance: Uuid) -> Result<Vec<Correction>, StoreError> {
    tx.all(OF_ENTRANCE, args![entrance]).await?.iter().map(correction).collect()
}

/// Writes a correction. Where there is one already, what was published then stays.
pub async fn put(tx: &mut Tx, one: &Correction, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(PUT, args![one.entrance, one.field.name(), one.door.as_str(), one.ours.as_str(), one.published.as_str(), now_ms]).await?;
    Ok(())
}

/// Removes a correction: the publisher says the same now, or it was taken back.
pub async fn remove(tx: &mut Tx, entrance: Uuid, field: Field, door: &str) -> Result<(), StoreError> {
    tx.execute(REMOVE, args![entrance, field.name(), door]).await?;
    Ok(())
}

/// Writes what was corrected of an entrance into the register. Only while no import is written.
pub async fn set_entrance(tx: &mut Tx, entrance: Uuid, to: &Listing, now_ms: i64) -> Result<(), StoreError> {
    let LatLon { lat, lon } = to.at;
    tx.execute(SET_ENTRANCE, args![entrance, to.street.as_str(), to.number, to.letter.as_str(), lat, lon, to.district.clone(), now_ms]).await?;
    Ok(())
}

/// Says of a door that it is there, or that it is not. Only while no import is written.
pub async fn set_unit(tx: &mut Tx, unit: Uuid, vanished: bool) -> Result<(), StoreError> {
    tx.execute(SET_UNIT, args![unit, vanished]).await?;
    Ok(())
}

/// Adds a door. Only while no import is written.
pub async fn add_unit(tx: &mut Tx, entrance: Uuid, unit: &Unit) -> Result<(), StoreError> {
    tx.execute(ADD_UNIT, args![unit.id, entrance, unit.label.as_str(), unit.floor, unit.position]).await?;
    Ok(())
}

/// An entrance that somebody may mean by an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Ours.
    pub id: Uuid,
    /// The street's name.
    pub street: String,
    /// Four digits and the name that goes with them.
    pub post: String,
    /// The publisher's id.
    pub source_id: String,
    /// It was missing from the publisher's last file.
    pub vanished: bool,
}

/// The entrances with a house number and letter, in any street.
pub async fn numbered(tx: &mut Tx, number: i64, letter: &str) -> Result<Vec<Candidate>, StoreError> {
    tx.all(BY_NUMBER, args![number, letter])
        .await?
        .iter()
        .map(|row| {
            let (postcode, post_town): (String, String) = (row.get(2)?, row.get(3)?);
            let post = format!("{postcode} {post_town}").trim().to_owned();
            Ok(Candidate { id: row.get(0)?, street: row.get(1)?, post, source_id: row.get(4)?, vanished: row.get(5)? })
        })
        .collect()
}

/// The entrances with a publisher's id.
pub async fn published_as(tx: &mut Tx, source_id: &str) -> Result<Vec<Uuid>, StoreError> {
    tx.all(BY_SOURCE, args![source_id]).await?.iter().map(|row| row.get(0)).collect()
}

/// Who publishes an entrance, and under which id.
pub async fn publisher(tx: &mut Tx, entrance: Uuid) -> Result<Option<(String, String)>, StoreError> {
    tx.one(SOURCE, args![entrance]).await?.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}
