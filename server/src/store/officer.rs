//! Officers, and the links that they sign in with.

use dorbank_shared::{officer::Officer, principal::Role};
use uuid::Uuid;

use super::{Row, StoreError, Tx};
use crate::{args, statements};

statements! {
    FIND = "SELECT id, name, email, role, branch, district, active, version FROM officer WHERE id = $1";
    BY_EMAIL = "SELECT id, name, email, role, branch, district, active, version FROM officer WHERE email = $1";
    ALL = "SELECT id, name, email, role, branch, district, active, version FROM officer ORDER BY role, name";
    INSERT = "INSERT INTO officer (id, name, email, role, branch, district) VALUES ($1, $2, $3, $4, $5, $6)";
    SET_ACTIVE = "UPDATE officer SET active = $3, version = version + 1 WHERE id = $1 AND version = $2";
    INSERT_LINK = "INSERT INTO sign_in_link (token_hash, officer, browser_hash, expires_at) VALUES ($1, $2, $3, $4)";
    BIND_LINK = "UPDATE sign_in_link SET browser_hash = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $3 AND browser_hash IS NULL";
    IS_LINK_BOUND = "SELECT 1 FROM sign_in_link WHERE token_hash = $1 AND browser_hash = $2 AND used_at IS NULL AND expires_at > $3";
    USE_LINK = "UPDATE sign_in_link SET used_at = $2 WHERE browser_hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING officer";
    DROP_LINKS = "DELETE FROM sign_in_link WHERE expires_at <= $1";
}

pub(super) fn officer(row: &Row) -> Result<Officer, StoreError> {
    Ok(Officer {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        role: Role::parse(&row.get::<String>(3)?).ok_or(StoreError::Inconsistent { table: "officer", column: "role" })?,
        branch: row.get(4)?,
        district: row.get(5)?,
        active: row.get(6)?,
        version: row.get(7)?,
    })
}

/// One officer.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Officer>, StoreError> {
    tx.one(FIND, args![id]).await?.as_ref().map(officer).transpose()
}

/// The officer with an address (as [`dorbank_shared::officer::email`] gives it).
pub async fn by_email(tx: &mut Tx, email: &str) -> Result<Option<Officer>, StoreError> {
    tx.one(BY_EMAIL, args![email]).await?.as_ref().map(officer).transpose()
}

/// All officers, by role and name.
pub async fn all(tx: &mut Tx) -> Result<Vec<Officer>, StoreError> {
    tx.all(ALL, args![]).await?.iter().map(officer).collect()
}

/// Writes a new officer, who may sign in.
pub async fn insert(tx: &mut Tx, new: &Officer) -> Result<(), StoreError> {
    tx.execute(INSERT, args![new.id, new.name.as_str(), new.email.as_str(), new.role.name(), new.branch, new.district.clone()]).await?;
    Ok(())
}

/// Says whether an officer may sign in, if they are still at `version`; else [`StoreError::Stale`].
pub async fn set_active(tx: &mut Tx, id: Uuid, version: i64, active: bool) -> Result<(), StoreError> {
    if tx.execute(SET_ACTIVE, args![id, version, active]).await? == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

/// Writes a link, and drops those that have run out. `browser_hash` is absent when the first browser that opens it is to be bound.
pub async fn insert_link(
    tx: &mut Tx,
    token_hash: [u8; 32],
    officer: Uuid,
    browser_hash: Option<[u8; 32]>,
    now_ms: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    tx.execute(DROP_LINKS, args![now_ms]).await?;
    tx.execute(INSERT_LINK, args![token_hash, officer, browser_hash.map(|hash| hash.to_vec()), expires_at]).await?;
    Ok(())
}

/// Whether a link that can still be used is bound to this browser.
pub async fn is_link_bound(tx: &mut Tx, token_hash: [u8; 32], browser_hash: [u8; 32], now_ms: i64) -> Result<bool, StoreError> {
    Ok(tx.one(IS_LINK_BOUND, args![token_hash, browser_hash, now_ms]).await?.is_some())
}

/// Binds a link to a browser; says no when it is unknown, used, run out, or bound already.
pub async fn bind_link(tx: &mut Tx, token_hash: [u8; 32], browser_hash: [u8; 32], now_ms: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(BIND_LINK, args![token_hash, browser_hash, now_ms]).await? == 1)
}

/// Uses up the link that is bound to a browser, and gives the officer whom it is for.
pub async fn use_link(tx: &mut Tx, browser_hash: [u8; 32], now_ms: i64) -> Result<Option<Uuid>, StoreError> {
    tx.one(USE_LINK, args![browser_hash, now_ms]).await?.map(|row| row.get(0)).transpose()
}
