//! Officers: adding them, stopping them, and noting what they did.

use dorbank_shared::{
    error::Code,
    officer::{Officer, email},
    principal::{OfficerPrincipal, Role},
};
use uuid::Uuid;

use crate::{
    error::ApiError,
    state::AppState,
    store::{self, StoreError, Tx, audit::Audit},
};

/// Who an officer is to be.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
pub struct NewOfficer {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// What they are there for.
    pub role: Role,
    /// Their branch, where the role has one.
    #[serde(default)]
    pub branch: Option<Uuid>,
    /// The number of their district, where the role has one.
    #[serde(default)]
    pub district: Option<String>,
}

/// Notes what an officer did, in the transaction of what they did.
///
/// # Errors
/// When the database fails.
pub async fn note(tx: &mut Tx, state: &AppState, by: &OfficerPrincipal, action: &str, subject: &str, subject_id: &str) -> Result<(), StoreError> {
    note_as(tx, state, (Some(by.id), by.role.name()), action, subject, subject_id).await
}

/// Notes what the operator did on the command line.
///
/// # Errors
/// When the database fails.
pub async fn note_operator(tx: &mut Tx, state: &AppState, action: &str, subject: &str, subject_id: &str) -> Result<(), StoreError> {
    note_as(tx, state, (None, "operator"), action, subject, subject_id).await
}

async fn note_as(
    tx: &mut Tx,
    state: &AppState,
    (officer, role): (Option<Uuid>, &str),
    action: &str,
    subject: &str,
    subject_id: &str,
) -> Result<(), StoreError> {
    let row = Audit {
        at: state.now_ms(),
        officer,
        role: role.to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        subject_id: subject_id.to_owned(),
    };
    store::audit::write(tx, state.id_v7(), &row).await
}

/// Adds an officer. `by` is absent on the command line.
///
/// # Errors
/// `malformed` (no name, no address, a role without its branch), `not_found` (no such branch or district) or `exists`
/// (the address is taken); or when the database fails.
pub async fn add(state: &AppState, by: Option<&OfficerPrincipal>, new: NewOfficer) -> Result<Officer, ApiError> {
    let name = new.name.trim().to_owned();
    let email = email(&new.email).ok_or(Code::Malformed)?;
    if name.is_empty() || name.chars().count() > 200 || (new.role.needs_branch() && new.branch.is_none()) {
        return Err(Code::Malformed.into());
    }
    let officer = Officer { id: state.id_v7(), name, email, role: new.role, branch: new.branch, district: new.district, active: true, version: 1 };
    let mut tx = state.db.begin().await?;
    if let Some(branch) = officer.branch {
        store::branch::find(&mut tx, branch).await?.ok_or(Code::NotFound)?;
    }
    if let Some(district) = &officer.district {
        store::district::find(&mut tx, district).await?.ok_or(Code::NotFound)?;
    }
    if store::officer::by_email(&mut tx, &officer.email).await?.is_some() {
        return Err(Code::Exists.into());
    }
    store::officer::insert(&mut tx, &officer).await?;
    match by {
        Some(by) => note(&mut tx, state, by, "add", "officer", &officer.id.to_string()).await?,
        None => note_operator(&mut tx, state, "add", "officer", &officer.id.to_string()).await?,
    }
    tx.commit().await?;
    Ok(officer)
}

/// Stops an officer: their sessions end at once.
///
/// # Errors
/// `not_found` or `stale`; or when the database fails.
pub async fn stop(state: &AppState, by: &OfficerPrincipal, officer: Uuid, version: i64) -> Result<Officer, ApiError> {
    let mut tx = state.db.begin().await?;
    store::officer::find(&mut tx, officer).await?.ok_or(Code::NotFound)?;
    store::officer::set_active(&mut tx, officer, version, false).await?;
    store::session::delete_of_officer(&mut tx, officer).await?;
    note(&mut tx, state, by, "stop", "officer", &officer.to_string()).await?;
    let after = store::officer::find(&mut tx, officer).await?.ok_or(Code::NotFound)?;
    tx.commit().await?;
    Ok(after)
}
