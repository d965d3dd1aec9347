//! What the check of a city reads: all entrances and all doors, page by page, so that no city is in memory as rows.

use dorbank_shared::geo::LatLon;
use uuid::Uuid;

use super::{StoreError, Tx};
use crate::{args, statements};

statements! {
    ENTRANCES = "SELECT id, municipality, street, number, letter, postcode, grunnkrets, district, lat, lon FROM entrance_in_force \
        WHERE vanished = $1 AND id > $2 ORDER BY id LIMIT $3";
    DOORS = "SELECT entrance, label FROM unit_in_force WHERE vanished = $1 AND entrance > $2 AND entrance <= $3 ORDER BY entrance, label";
    VANISHED = "SELECT COUNT(*) FROM entrance_in_force WHERE vanished = $1";
}

/// How many entrances a page has.
const PAGE: i64 = 5_000;

/// An entrance, as far as it is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct EntranceRow {
    /// Its id.
    pub id: Uuid,
    /// The municipality's number.
    pub municipality: String,
    /// The street's name.
    pub street: String,
    /// The house number; 0 where there is none.
    pub number: i64,
    /// The letter after it, or nothing.
    pub letter: String,
    /// Four digits, or nothing.
    pub postcode: String,
    /// The basic statistical unit.
    pub grunnkrets: Option<String>,
    /// The district.
    pub district: Option<String>,
    /// Where it stands.
    pub at: LatLon,
}

/// The next page of entrances that exist, after the id `after`, by id. An empty one is the end.
pub async fn entrances(tx: &mut Tx, after: Uuid) -> Result<Vec<EntranceRow>, StoreError> {
    tx.all(ENTRANCES, args![false, after, PAGE])
        .await?
        .iter()
        .map(|row| {
            Ok(EntranceRow {
                id: row.get(0)?,
                municipality: row.get(1)?,
                street: row.get(2)?,
                number: row.get(3)?,
                letter: row.get(4)?,
                postcode: row.get(5)?,
                grunnkrets: row.get(6)?,
                district: row.get(7)?,
                at: LatLon { lat: row.get(8)?, lon: row.get(9)? },
            })
        })
        .collect()
}

/// The doors that exist of the entrances after the id `after` up to `last`: entrance and label, by both.
pub async fn doors(tx: &mut Tx, after: Uuid, last: Uuid) -> Result<Vec<(Uuid, String)>, StoreError> {
    tx.all(DOORS, args![false, after, last]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// How many entrances are gone from their publisher's file.
pub async fn vanished(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.one(VANISHED, args![true]).await?.map_or(Ok(0), |row| row.get(0))
}
