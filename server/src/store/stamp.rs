//! What kind of database this is: a demo's, or a real one.

use super::{StoreError, Tx, meta};
use crate::{args, statements};

statements! {
    FIND = "SELECT value FROM meta WHERE key = 'stamp'";
    SET = "INSERT INTO meta (key, value) VALUES ('stamp', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
}

/// The stamp of a demo.
const DEMO: &str = "demo";
/// The key of whether a demo is whole.
const WHOLE: &str = "demo.whole";

/// Whether this is a demo: made-up people, open sign-in, no real imports.
pub async fn is_demo(tx: &mut Tx) -> Result<bool, StoreError> {
    let Some(row) = tx.one(FIND, args![]).await? else { return Ok(false) };
    Ok(row.get::<String>(0)? == DEMO)
}

/// Whether the making of this demo came to its end.
pub async fn is_whole(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(meta::find(tx, WHOLE).await?.is_some())
}

/// Notes that the making of this demo came to its end.
pub async fn set_whole(tx: &mut Tx) -> Result<(), StoreError> {
    meta::set(tx, WHOLE, "yes").await
}

/// Stamps the database as a demo, for good.
pub async fn set_demo(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(SET, args![DEMO]).await?;
    Ok(())
}
