//! What kind of database this is: a demo's, or a real one.

use super::{StoreError, Tx};
use crate::{args, statements};

statements! {
    FIND = "SELECT value FROM meta WHERE key = 'stamp'";
    SET = "INSERT INTO meta (key, value) VALUES ('stamp', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
}

/// The stamp of a demo.
const DEMO: &str = "demo";

/// Whether this is a demo: made-up people, open sign-in, no real imports.
pub async fn is_demo(tx: &mut Tx) -> Result<bool, StoreError> {
    let Some(row) = tx.one(FIND, args![]).await? else { return Ok(false) };
    Ok(row.get::<String>(0)? == DEMO)
}

/// Stamps the database as a demo, for good.
pub async fn set_demo(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(SET, args![DEMO]).await?;
    Ok(())
}
