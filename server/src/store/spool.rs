//! Sealed envelopes that wait for the mix. The key is random; nothing tells when or from whom.

use uuid::Uuid;

use super::{StoreError, Tx, parts::around_values};
use crate::{args, statements};

statements! {
    WRONG_SIZE = "SELECT COUNT(*) FROM spool WHERE LENGTH(sealed) <> $1";
    UNPAID = "SELECT COUNT(*) FROM round WHERE (SELECT COUNT(*) FROM ticket WHERE ticket.round = round.id AND ticket.envelope_hash IS NOT NULL) \
        < (SELECT COUNT(*) FROM spool WHERE spool.round = round.id) \
        + (SELECT COALESCE(SUM(mix_mark.inputs), 0) FROM mix_mark WHERE mix_mark.round = round.id)";
    INSERT = "INSERT INTO spool (id, round, sealed) VALUES ($1, $2, $3)";
    COUNT = "SELECT COUNT(*) FROM spool WHERE round = $1";
    OF_ROUND = "SELECT id, sealed FROM spool WHERE round = $1 ORDER BY id";
    CLEAR = "DELETE FROM spool WHERE round = $1";
}

/// An envelope on its way into the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Random (version 4).
    pub id: Uuid,
    /// The round of its ticket.
    pub round: Uuid,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
}

/// Keeps envelopes.
pub async fn insert(tx: &mut Tx, envelopes: &[Envelope]) -> Result<(), StoreError> {
    let (head, tail) = around_values(INSERT);
    tx.many(head, envelopes.iter().map(|e| args![e.id, e.round, e.sealed.as_slice()]).collect(), tail).await?;
    Ok(())
}

/// How many envelopes of a round wait.
pub async fn count(tx: &mut Tx, round: Uuid) -> Result<i64, StoreError> {
    tx.one(COUNT, args![round]).await?.map_or(Ok(0), |row| row.get(0))
}

/// The envelopes of a round, in random order: their ids are random.
pub async fn of_round(tx: &mut Tx, round: Uuid) -> Result<Vec<(Uuid, Vec<u8>)>, StoreError> {
    tx.all(OF_ROUND, args![round]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Removes all envelopes of a round.
pub async fn clear(tx: &mut Tx, round: Uuid) -> Result<(), StoreError> {
    tx.execute(CLEAR, args![round]).await?;
    Ok(())
}

/// How many envelopes are not of the one size that all have.
pub async fn wrong_size(tx: &mut Tx, size: i64) -> Result<i64, StoreError> {
    tx.one(WRONG_SIZE, args![size]).await?.map_or(Ok(0), |row| row.get(0))
}

/// In how many rounds more envelopes wait and were mixed than tickets were spent.
pub async fn unpaid(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.one(UNPAID, args![]).await?.map_or(Ok(0), |row| row.get(0))
}
