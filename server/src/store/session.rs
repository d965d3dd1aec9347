//! Sessions of officers, by the hash of what the cookie holds.

use dorbank_shared::officer::Officer;
use uuid::Uuid;

use super::{StoreError, Tx, officer};
use crate::{args, statements};

statements! {
    FIND = "SELECT o.id, o.name, o.email, o.role, o.branch, o.district, o.active, o.version, s.expires_at FROM session s \
        JOIN officer o ON o.id = s.officer WHERE s.token_hash = $1 AND s.expires_at > $2 AND o.active = $3";
    INSERT = "INSERT INTO session (token_hash, officer, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    EXTEND = "UPDATE session SET expires_at = $2 WHERE token_hash = $1";
    DELETE = "DELETE FROM session WHERE token_hash = $1";
    DELETE_OF_OFFICER = "DELETE FROM session WHERE officer = $1";
    DELETE_ALL = "DELETE FROM session";
    DELETE_LINKS = "DELETE FROM sign_in_link";
    DELETE_EXPIRED = "DELETE FROM session WHERE expires_at <= $1";
}

/// The active officer of a session that has not run out, and when it does.
pub async fn find(tx: &mut Tx, token_hash: [u8; 32], now_ms: i64) -> Result<Option<(Officer, i64)>, StoreError> {
    let Some(row) = tx.one(FIND, args![token_hash, now_ms, true]).await? else { return Ok(None) };
    Ok(Some((officer::officer(&row)?, row.get(8)?)))
}

/// Writes a new session, and drops those that have run out.
pub async fn insert(tx: &mut Tx, token_hash: [u8; 32], officer: Uuid, now_ms: i64, expires_at: i64) -> Result<(), StoreError> {
    tx.execute(DELETE_EXPIRED, args![now_ms]).await?;
    tx.execute(INSERT, args![token_hash, officer, now_ms, expires_at]).await?;
    Ok(())
}

/// Lets a session run longer.
pub async fn extend(tx: &mut Tx, token_hash: [u8; 32], expires_at: i64) -> Result<(), StoreError> {
    tx.execute(EXTEND, args![token_hash, expires_at]).await?;
    Ok(())
}

/// Ends a session.
pub async fn delete(tx: &mut Tx, token_hash: [u8; 32]) -> Result<(), StoreError> {
    tx.execute(DELETE, args![token_hash]).await?;
    Ok(())
}

/// Ends all sessions of an officer.
pub async fn delete_of_officer(tx: &mut Tx, officer: Uuid) -> Result<(), StoreError> {
    tx.execute(DELETE_OF_OFFICER, args![officer]).await?;
    Ok(())
}

/// Signs everybody out, and makes every link to sign in with worthless.
pub async fn forget_all(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(DELETE_ALL, args![]).await?;
    tx.execute(DELETE_LINKS, args![]).await?;
    Ok(())
}
