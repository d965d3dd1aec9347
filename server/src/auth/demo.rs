//! Signing in without a link: only on a database that is stamped as a demo, where nobody is real.

use dorbank_shared::{error::Code, officer::Officer};
use uuid::Uuid;

use super::{credential::Token, session};
use crate::{
    error::ApiError,
    state::AppState,
    store::{self, StoreError},
};

/// The officers of a demo to choose from; nothing where this is no demo.
///
/// # Errors
/// When the database fails.
pub async fn officers(state: &AppState) -> Result<Option<Vec<Officer>>, StoreError> {
    let mut tx = state.db.read().await?;
    if !store::stamp::is_demo(&mut tx).await? {
        return Ok(None);
    }
    Ok(Some(store::officer::all(&mut tx).await?.into_iter().filter(|officer| officer.active).collect()))
}

/// Opens a session as an officer of the demo.
///
/// # Errors
/// `not_found` (no demo, or no such officer); or when the database fails.
pub async fn sign_in(state: &AppState, officer: Uuid, before: Option<Token>) -> Result<(Officer, Token), ApiError> {
    let mut tx = state.db.begin().await?;
    if !store::stamp::is_demo(&mut tx).await? {
        return Err(Code::NotFound.into());
    }
    let officer = store::officer::find(&mut tx, officer).await?.filter(|found| found.active).ok_or(Code::NotFound)?;
    let token = session::open(&mut tx, state, &officer, before).await?;
    tx.commit().await?;
    Ok((officer, token))
}
