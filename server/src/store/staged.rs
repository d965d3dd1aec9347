//! What an import reads of the register in force, and what it writes beside it.

use std::collections::{HashMap, HashSet};

use dorbank_shared::{geo::LatLon, place::Unit};
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    KNOWN = "SELECT id, source_id, municipality, street, number, letter, postcode, post_town, grunnkrets, district, lat, lon, property, \
        do_not_knock, vanished FROM entrance_in_force WHERE origin = $1 AND source_id IN ($2)";
    OWN = "SELECT source_id, id FROM entrance WHERE since = $1 AND origin = $2 AND source_id IN ($3)";
    LISTED = "SELECT id, source_id, municipality, vanished FROM entrance_in_force WHERE origin = $1 AND source_id > $2 ORDER BY source_id LIMIT $3";
    DOORS = "SELECT entrance, id, label, do_not_knock, vanished FROM unit_in_force WHERE entrance IN ($1)";
    VISITED = "SELECT DISTINCT unit FROM visit WHERE unit IN ($1)";
    IN_TURFS = "SELECT DISTINCT entrance FROM turf_entrance WHERE entrance IN ($1)";
    ADD_ENTRANCES = "INSERT INTO entrance (id, origin, source_id, municipality, street, number, letter, postcode, post_town, grunnkrets, district, \
        lat, lon, property, since, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    ADD_UNITS = "INSERT INTO unit (id, entrance, label, floor, position, vanished, since) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    CHANGE_ENTRANCES = "INSERT INTO entrance_change (entrance, since, municipality, street, number, letter, postcode, post_town, grunnkrets, district, \
        lat, lon, property, vanished, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    CHANGE_UNITS = "INSERT INTO unit_change (unit, since, label, floor, position, vanished) VALUES ($1, $2, $3, $4, $5, $6)";
}

/// What a publisher says of an entrance, and which district that puts it in.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
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
    /// The basic statistical unit's number.
    pub grunnkrets: Option<String>,
    /// The district, where it lies in one.
    pub district: Option<String>,
    /// Where it stands.
    pub at: LatLon,
    /// Its cadastral property within the municipality, or nothing.
    pub property: String,
}

/// An entrance of the register in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Ours.
    pub id: Uuid,
    /// The publisher's id.
    pub source_id: String,
    /// What is said of it.
    pub listing: Listing,
    /// Nobody rings anywhere here.
    pub do_not_knock: bool,
    /// It was missing from the publisher's last file.
    pub vanished: bool,
}

/// A door of the register in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Ours.
    pub id: Uuid,
    /// The official number, or nothing.
    pub label: String,
    /// Nobody rings here.
    pub do_not_knock: bool,
    /// It is kept, and not walked to.
    pub vanished: bool,
}

/// That an entrance is listed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Ours.
    pub id: Uuid,
    /// The publisher's id.
    pub source_id: String,
    /// The municipality's number.
    pub municipality: String,
    /// It was missing from the publisher's last file.
    pub vanished: bool,
}

fn known(row: &Row) -> Result<Known, StoreError> {
    Ok(Known {
        id: row.get(0)?,
        source_id: row.get(1)?,
        listing: Listing {
            municipality: row.get(2)?,
            street: row.get(3)?,
            number: row.get(4)?,
            letter: row.get(5)?,
            postcode: row.get(6)?,
            post_town: row.get(7)?,
            grunnkrets: row.get(8)?,
            district: row.get(9)?,
            at: LatLon { lat: row.get(10)?, lon: row.get(11)? },
            property: row.get(12)?,
        },
        do_not_knock: row.get(13)?,
        vanished: row.get(14)?,
    })
}

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| (*text).into()).collect()
}

fn keys<'a>(ids: impl IntoIterator<Item = &'a Uuid>) -> Vec<Value> {
    ids.into_iter().map(|id| (*id).into()).collect()
}

/// What is in force under some of a publisher's ids, by id.
pub async fn known_as(tx: &mut Tx, origin: &str, source_ids: &[&str]) -> Result<HashMap<String, Known>, StoreError> {
    let (head, tail) = around_list(KNOWN);
    let rows = tx.all_in(head, &args![origin], &texts(source_ids), tail).await?;
    rows.iter().map(|row| known(row).map(|known| (known.source_id.clone(), known))).collect()
}

/// What the import `number` itself has already written under some of a publisher's ids.
pub async fn own(tx: &mut Tx, number: i64, origin: &str, source_ids: &[&str]) -> Result<HashMap<String, Uuid>, StoreError> {
    let (head, tail) = around_list(OWN);
    let rows = tx.all_in(head, &args![number, origin], &texts(source_ids), tail).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// The next entrances in force of a publisher, by its ids, beyond `after`; vanished ones too.
pub async fn listed(tx: &mut Tx, origin: &str, after: &str, most: i64) -> Result<Vec<Listed>, StoreError> {
    tx.all(LISTED, args![origin, after, most])
        .await?
        .iter()
        .map(|row| Ok(Listed { id: row.get(0)?, source_id: row.get(1)?, municipality: row.get(2)?, vanished: row.get(3)? }))
        .collect()
}

/// The doors in force of some entrances, vanished ones too.
pub async fn doors(tx: &mut Tx, entrances: &[Uuid]) -> Result<HashMap<Uuid, Vec<Door>>, StoreError> {
    let (head, tail) = around_list(DOORS);
    let mut doors: HashMap<Uuid, Vec<Door>> = HashMap::new();
    for row in tx.all_in(head, &[], &keys(entrances), tail).await? {
        let door = Door { id: row.get(1)?, label: row.get(2)?, do_not_knock: row.get(3)?, vanished: row.get(4)? };
        doors.entry(row.get(0)?).or_default().push(door);
    }
    Ok(doors)
}

/// At which of these doors somebody has been.
pub async fn visited(tx: &mut Tx, doors: &[Uuid]) -> Result<HashSet<Uuid>, StoreError> {
    let (head, tail) = around_list(VISITED);
    tx.all_in(head, &[], &keys(doors), tail).await?.iter().map(|row| row.get(0)).collect()
}

/// Which of these entrances lie in a turf.
pub async fn in_turfs(tx: &mut Tx, entrances: &[Uuid]) -> Result<HashSet<Uuid>, StoreError> {
    let (head, tail) = around_list(IN_TURFS);
    tx.all_in(head, &[], &keys(entrances), tail).await?.iter().map(|row| row.get(0)).collect()
}

/// What one step of an import writes.
#[derive(Debug, Default)]
pub struct Writes {
    /// New entrances: ours, the publisher's id, what is said.
    pub entrances: Vec<(Uuid, String, Listing)>,
    /// New doors: their entrance, the door, whether it is one that is not walked to.
    pub units: Vec<(Uuid, Unit, bool)>,
    /// What known entrances become, and whether they vanish.
    pub entrance_changes: Vec<(Uuid, Listing, bool)>,
    /// What known doors become, and whether they vanish.
    pub unit_changes: Vec<(Unit, bool)>,
}

impl Writes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.entrances.is_empty() && self.units.is_empty() && self.entrance_changes.is_empty() && self.unit_changes.is_empty()
    }
}

/// Writes a step of the import `number` beside the register in force.
pub async fn write(tx: &mut Tx, number: i64, origin: &str, writes: Writes, now_ms: i64) -> Result<(), StoreError> {
    let entrances = writes.entrances.into_iter().map(|(id, source_id, l)| {
        args![
            id,
            origin,
            source_id,
            l.municipality,
            l.street,
            l.number,
            l.letter,
            l.postcode,
            l.post_town,
            l.grunnkrets,
            l.district,
            l.at.lat,
            l.at.lon,
            l.property,
            number,
            now_ms
        ]
    });
    let units = writes.units.into_iter().map(|(entrance, u, vanished)| args![u.id, entrance, u.label, u.floor, u.position, vanished, number]);
    let entrance_changes = writes.entrance_changes.into_iter().map(|(id, l, vanished)| {
        args![
            id,
            number,
            l.municipality,
            l.street,
            l.number,
            l.letter,
            l.postcode,
            l.post_town,
            l.grunnkrets,
            l.district,
            l.at.lat,
            l.at.lon,
            l.property,
            vanished,
            now_ms
        ]
    });
    let unit_changes = writes.unit_changes.into_iter().map(|(u, vanished)| args![u.id, number, u.label, u.floor, u.position, vanished]);
    many(tx, ADD_ENTRANCES, entrances.collect()).await?;
    many(tx, ADD_UNITS, units.collect()).await?;
    many(tx, CHANGE_ENTRANCES, entrance_changes.collect()).await?;
    many(tx, CHANGE_UNITS, unit_changes.collect()).await
}

async fn many(tx: &mut Tx, sql: &'static str, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
    let (head, tail) = around_values(sql);
    tx.many(head, rows, tail).await?;
    Ok(())
}
