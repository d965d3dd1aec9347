//! One-time tickets for inputs. Which tickets a phone drew is written nowhere.

use dorbank_shared::input::TICKET_BYTES;
use uuid::Uuid;

use super::{
    StoreError, Tx, Value,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    EMPTY_POOL = "DELETE FROM ticket_pool";
    NOT_DRAWN = "SELECT ticket FROM ticket_pool";
    POOL = "SELECT COUNT(*) FROM ticket_pool WHERE round = $1";
    FILL = "INSERT INTO ticket_pool (ticket, round) VALUES ($1, $2)";
    TAKE = "DELETE FROM ticket_pool WHERE ticket IN (SELECT ticket FROM ticket_pool WHERE round = $1 AND ticket >= $2 ORDER BY ticket LIMIT 1) \
        RETURNING ticket";
    BY_ENVELOPE = "SELECT DISTINCT envelope_hash FROM ticket WHERE envelope_hash IN ($1)";
    ISSUE = "INSERT INTO ticket (ticket_hash, round) VALUES ($1, $2)";
    AMONG = "SELECT ticket_hash, round, envelope_hash FROM ticket WHERE ticket_hash IN ($1)";
    SPEND = "INSERT INTO ticket (ticket_hash, round, envelope_hash) VALUES ($1, $2, $3) \
        ON CONFLICT (ticket_hash) DO UPDATE SET envelope_hash = excluded.envelope_hash WHERE ticket.envelope_hash IS NULL RETURNING ticket_hash";
    TWICE = "SELECT envelope_hash FROM ticket WHERE envelope_hash IN ($1) GROUP BY envelope_hash HAVING COUNT(*) > 1";
    DRAWN = "UPDATE device SET tickets = tickets + $1 WHERE id IN ($2) RETURNING tickets";
}

/// A ticket that was drawn, by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// SHA-256 of the ticket.
    pub hash: Vec<u8>,
    /// The round that it is for.
    pub round: Uuid,
    /// SHA-256 of the envelope that it was spent on.
    pub envelope_hash: Option<Vec<u8>>,
}

/// How many tickets wait in a round's pool.
pub async fn pool(tx: &mut Tx, round: Uuid) -> Result<i64, StoreError> {
    tx.one(POOL, args![round]).await?.map_or(Ok(0), |row| row.get(0))
}

/// Puts fresh random tickets into a round's pool.
pub async fn fill(tx: &mut Tx, round: Uuid, tickets: &[[u8; TICKET_BYTES]]) -> Result<(), StoreError> {
    let (head, tail) = around_values(FILL);
    tx.many(head, tickets.iter().map(|ticket| args![*ticket, round]).collect(), tail).await?;
    Ok(())
}

/// Takes tickets out of a round's pool, one at each of these random places: what lies side by side in one copy of the database
/// and is gone in the next would be what one phone drew.
pub async fn take(tx: &mut Tx, round: Uuid, places: &[[u8; TICKET_BYTES]]) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut tickets = Vec::with_capacity(places.len());
    for place in places {
        let mut found = tx.one(TAKE, args![round, *place]).await?;
        if found.is_none() {
            // The place was near the end of the pool, which goes on at its beginning; or somebody else drew there just now.
            found = tx.one(TAKE, args![round, [0; TICKET_BYTES]]).await?;
        }
        tickets.extend(found.map(|row| row.get(0)).transpose()?);
    }
    Ok(tickets)
}

/// Makes tickets spendable, by their hashes.
pub async fn issue(tx: &mut Tx, round: Uuid, hashes: &[[u8; 32]]) -> Result<(), StoreError> {
    let (head, tail) = around_values(ISSUE);
    tx.many(head, hashes.iter().map(|hash| args![*hash, round]).collect(), tail).await?;
    Ok(())
}

/// Adds to how many tickets a phone and its copies drew (never which, nor which of them did) and gives the sum, which each of
/// them bears. With 0 it only reads, and holds their rows.
pub async fn count_drawn(tx: &mut Tx, family: &[Uuid], more: i64) -> Result<i64, StoreError> {
    let (head, tail) = around_list(DRAWN);
    let keys: Vec<Value> = family.iter().map(|id| (*id).into()).collect();
    let mut most = 0;
    for row in tx.all_in(head, &args![more], &keys, tail).await? {
        // A copy that came at the moment of another's draw may bear too few.
        most = most.max(row.get(0)?);
    }
    Ok(most)
}

/// The tickets with these hashes, in no order.
pub async fn among(tx: &mut Tx, hashes: &[[u8; 32]]) -> Result<Vec<Issued>, StoreError> {
    let (head, tail) = around_list(AMONG);
    let keys: Vec<Value> = hashes.iter().map(|hash| (*hash).into()).collect();
    tx.all_in(head, &[], &keys, tail)
        .await?
        .iter()
        .map(|row| Ok(Issued { hash: row.get(0)?, round: row.get(1)?, envelope_hash: row.get(2)? }))
        .collect()
}

/// Which of these envelopes a ticket was ever spent on.
pub async fn with_envelopes(tx: &mut Tx, envelopes: &[[u8; 32]]) -> Result<Vec<Vec<u8>>, StoreError> {
    let (head, tail) = around_list(BY_ENVELOPE);
    let keys: Vec<Value> = envelopes.iter().map(|hash| (*hash).into()).collect();
    tx.all_in(head, &[], &keys, tail).await?.iter().map(|row| row.get(0)).collect()
}

/// Whether another ticket was spent on one of these envelopes as well.
pub async fn are_twice(tx: &mut Tx, envelopes: &[[u8; 32]]) -> Result<bool, StoreError> {
    let (head, tail) = around_list(TWICE);
    let keys: Vec<Value> = envelopes.iter().map(|hash| (*hash).into()).collect();
    Ok(!tx.all_in(head, &[], &keys, tail).await?.is_empty())
}

/// Spends issued tickets: `(ticket hash, round, envelope hash)`. Gives the hashes of those that this call spent; the
/// others were spent before, perhaps a moment ago by another process.
pub async fn spend(tx: &mut Tx, spent: &[([u8; 32], Uuid, [u8; 32])]) -> Result<Vec<Vec<u8>>, StoreError> {
    let (head, tail) = around_values(SPEND);
    let rows = spent.iter().map(|(ticket, round, envelope)| args![*ticket, *round, *envelope]).collect();
    tx.many(head, rows, tail).await?.iter().map(|row| row.get(0)).collect()
}

/// Removes every ticket that was not drawn; the next draw makes new ones.
pub async fn empty_pool(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(EMPTY_POOL, args![]).await?;
    Ok(())
}

/// All tickets that were not drawn.
pub async fn not_drawn(tx: &mut Tx) -> Result<Vec<Vec<u8>>, StoreError> {
    tx.all(NOT_DRAWN, args![]).await?.iter().map(|row| row.get(0)).collect()
}
