//! What a phone may read and send: its shift, its campaign, and where it stands.

use dorbank_shared::sync::wire::Admission;
use uuid::Uuid;

use super::{StoreError, Tx, campaign::Purpose};
use crate::{args, statements};

statements! {
    FIND = "SELECT d.state, d.sign, d.turf, s.id, s.starts_at, s.ends_at, s.meeting_place, c.id, c.name, c.purpose, c.round, c.receipt_key \
        FROM device d JOIN shift s ON s.id = d.shift JOIN campaign c ON c.id = s.campaign WHERE d.id = $1";
    SEEN = "UPDATE device SET last_seen_at = $2, unsent = $3, unsent_since = CASE WHEN unsent = 0 THEN $2 ELSE COALESCE(unsent_since, $2) END, \
        max_issued = CASE WHEN max_issued > $4 THEN max_issued ELSE $4 END WHERE id = $1";
    LEFT = "UPDATE device SET unsent = $2 WHERE id = $1";
    HOLD = "UPDATE device SET unsent = unsent WHERE id = $1";
    TAKEN = "UPDATE device SET unsent = CASE WHEN unsent > $2 THEN unsent - $2 ELSE 0 END, \
        max_issued = CASE WHEN max_issued > $3 THEN max_issued ELSE $3 END WHERE id = $1";
}

/// A phone with its shift and campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Where it stands with the shift.
    pub admission: Admission,
    /// The two characters by which the lead knows it.
    pub sign: String,
    /// The one turf that it walks; absent where it walks all of the shift's.
    pub turf: Option<Uuid>,
    /// The shift.
    pub shift: Uuid,
    /// Milliseconds since 1970, UTC.
    pub starts_at: i64,
    /// Milliseconds since 1970, UTC.
    pub ends_at: i64,
    /// Where the shift meets.
    pub meeting_place: String,
    /// The campaign.
    pub campaign: Uuid,
    /// Its name.
    pub campaign_name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The round.
    pub round: Uuid,
    /// Keys the receipts; empty once destroyed.
    pub receipt_key: Vec<u8>,
}

/// Reads where a phone stands from its name in the store.
fn admission(name: &str) -> Result<Admission, StoreError> {
    match name {
        "waiting" => Ok(Admission::Waiting),
        "admitted" => Ok(Admission::Admitted),
        "refused" => Ok(Admission::Refused),
        "revoked" => Ok(Admission::Revoked),
        _ => Err(StoreError::Inconsistent { table: "device", column: "state" }),
    }
}

/// What a phone may read and send; nothing where there is no such phone.
pub async fn find(tx: &mut Tx, device: Uuid) -> Result<Option<Scope>, StoreError> {
    let Some(row) = tx.one(FIND, args![device]).await? else { return Ok(None) };
    let (state, purpose): (String, String) = (row.get(0)?, row.get(9)?);
    Ok(Some(Scope {
        admission: admission(&state)?,
        sign: row.get(1)?,
        turf: row.get(2)?,
        shift: row.get(3)?,
        starts_at: row.get(4)?,
        ends_at: row.get(5)?,
        meeting_place: row.get(6)?,
        campaign: row.get(7)?,
        campaign_name: row.get(8)?,
        purpose: Purpose::parse(&purpose).ok_or(StoreError::Inconsistent { table: "campaign", column: "purpose" })?,
        round: row.get(10)?,
        receipt_key: row.get(11)?,
    }))
}

/// Notes what a phone said of itself, and holds its row: two pushes of one phone are taken one after the other.
pub async fn seen(tx: &mut Tx, device: Uuid, now_ms: i64, unsent: i64, max_issued: i64) -> Result<(), StoreError> {
    tx.execute(SEEN, args![device, now_ms, unsent, max_issued]).await?;
    Ok(())
}

/// After all a phone has so many entries left that it has not sent.
pub async fn left(tx: &mut Tx, device: Uuid, unsent: i64) -> Result<(), StoreError> {
    tx.execute(LEFT, args![device, unsent]).await?;
    Ok(())
}

/// Holds a phone's row, so that what it sends waits for what is done with what it sent before.
pub async fn hold(tx: &mut Tx, device: Uuid) -> Result<(), StoreError> {
    tx.execute(HOLD, args![device]).await?;
    Ok(())
}

/// Notes that so many of a phone's entries came another way than from the phone, which was not heard of.
pub async fn taken(tx: &mut Tx, device: Uuid, entries: i64, max_issued: i64) -> Result<(), StoreError> {
    tx.execute(TAKEN, args![device, entries, max_issued]).await?;
    Ok(())
}
