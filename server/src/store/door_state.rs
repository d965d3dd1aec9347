//! The projection that pull serves: one row per door and campaign.

use std::collections::{HashMap, HashSet};

use dorbank_shared::{sync::wire::DoorRow, visit::Outcome};
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    AMONG = "SELECT door, state, seq, turf FROM door_state WHERE campaign = $1 AND door IN ($2)";
    PUT = "INSERT INTO door_state (campaign, door, turf, entrance, state, seq) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (campaign, door) DO UPDATE SET turf = excluded.turf, state = excluded.state, seq = excluded.seq";
    AFTER = "SELECT door, state, seq FROM door_state WHERE turf = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    OF_TURF = "SELECT door, state FROM door_state WHERE turf = $1";
}

/// A door's row as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewState {
    /// The unit, or the entrance itself.
    pub door: Uuid,
    /// The turf in which it was noted.
    pub turf: Uuid,
    /// The entrance.
    pub entrance: Uuid,
    /// The state; absent when every visit was withdrawn.
    pub state: Option<Outcome>,
    /// The campaign's number of this change.
    pub seq: i64,
}

/// An empty text is a door whose visits were all withdrawn: it keeps its row, since phones have it.
fn state(row: &Row, index: usize) -> Result<Option<Outcome>, StoreError> {
    let name: String = row.get(index)?;
    if name.is_empty() {
        return Ok(None);
    }
    Outcome::parse(&name).map(Some).ok_or(StoreError::Inconsistent { table: "door_state", column: "state" })
}

/// The rows of some doors, each with its turf.
pub async fn among(tx: &mut Tx, campaign: Uuid, doors: &HashSet<Uuid>) -> Result<HashMap<Uuid, (DoorRow, Uuid)>, StoreError> {
    let (head, tail) = around_list(AMONG);
    let keys: Vec<Value> = doors.iter().map(|door| (*door).into()).collect();
    tx.all_in(head, &args![campaign], &keys, tail)
        .await?
        .iter()
        .map(|row| {
            let door = row.get(0)?;
            Ok((door, (DoorRow { door, state: state(row, 1)?, seq: row.get(2)? }, row.get(3)?)))
        })
        .collect()
}

/// Writes rows, whether or not the doors have one.
pub async fn put(tx: &mut Tx, campaign: Uuid, rows: &[NewState]) -> Result<(), StoreError> {
    let (head, tail) = around_values(PUT);
    let rows = rows.iter().map(|r| args![campaign, r.door, r.turf, r.entrance, r.state.map_or("", Outcome::name), r.seq]).collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// The first rows of a turf that changed after a number, by number.
pub async fn after(tx: &mut Tx, turf: Uuid, seq: i64, limit: i64) -> Result<Vec<DoorRow>, StoreError> {
    tx.all(AFTER, args![turf, seq, limit])
        .await?
        .iter()
        .map(|row| Ok(DoorRow { door: row.get(0)?, state: state(row, 1)?, seq: row.get(2)? }))
        .collect()
}

/// Every door of a turf that has a row, with its state.
pub async fn of_turf(tx: &mut Tx, turf: Uuid) -> Result<Vec<(Uuid, Option<Outcome>)>, StoreError> {
    tx.all(OF_TURF, args![turf]).await?.iter().map(|row| Ok((row.get(0)?, state(row, 1)?))).collect()
}
