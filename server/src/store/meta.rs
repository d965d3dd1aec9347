//! Settings of the whole database, by key.

use super::{Db, StoreError, Tx};
use crate::{args, statements};

statements! {
    FIND = "SELECT value FROM meta WHERE key = $1";
    SET = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    REPLACE = "UPDATE meta SET value = $3 WHERE key = $1 AND value = $2";
    REMOVE = "DELETE FROM meta WHERE key = $1";
    SET_ONCE = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
}

/// The key of the epoch.
pub const EPOCH: &str = "epoch";

/// The key of whom to credit for the addresses.
pub const CREDIT: &str = "credit";

/// What stands under a key.
pub async fn find(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    tx.one(FIND, args![key]).await?.map(|row| row.get(0)).transpose()
}

/// Sets a key.
pub async fn set(tx: &mut Tx, key: &str, value: &str) -> Result<(), StoreError> {
    tx.execute(SET, args![key, value]).await?;
    Ok(())
}

/// Sets a key unless it is set, and says whether this call did.
pub async fn set_once(tx: &mut Tx, key: &str, value: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(SET_ONCE, args![key, value]).await? == 1)
}

/// Sets a key if it still holds `before`, and says whether it did.
pub async fn replace(tx: &mut Tx, key: &str, before: &str, value: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(REPLACE, args![key, before, value]).await? == 1)
}

/// The database's epoch, given when it was made and changed by a restore.
pub async fn epoch(tx: &mut Tx) -> Result<String, StoreError> {
    find(tx, EPOCH).await?.ok_or(StoreError::Inconsistent { table: "meta", column: EPOCH })
}

/// Writes some pages, makes them durable and removes them: whether the database has room and takes what it is given.
pub async fn probe(db: &Db) -> Result<(), StoreError> {
    const KEY: &str = "probe";
    let mut tx = db.begin().await?;
    set(&mut tx, KEY, &"0".repeat(64 * 1024)).await?;
    tx.commit().await?;
    let mut tx = db.begin().await?;
    tx.execute(REMOVE, args![KEY]).await?;
    tx.commit().await
}
