//! Fills the office's pages: reads the store and writes what [`dorbank_app::office::page`] wants to show.

mod admin;
mod calendar;
mod door;
mod households;
pub mod intake;
mod plan;
mod programme;
pub mod quarantine;
mod shift;
pub mod status;

use dorbank_app::office::{
    page::{DemoPerson, Frame, Notice, Person, SignIn, Trouble},
    text,
};
use dorbank_shared::principal::{OfficerPrincipal, Principal};

use crate::{
    auth,
    error::ApiError,
    import::Credit,
    state::AppState,
    store::{self, StoreError},
};

pub use admin::admin;
pub use plan::plan;
pub use programme::{Choice, programme};
pub use shift::{Boards, shift};

/// What is the same on every page.
///
/// # Errors
/// When the database fails.
pub async fn frame(state: &AppState, principal: &Principal, language: &str, here: String) -> Result<Frame, StoreError> {
    let mut tx = state.db.read().await?;
    let demo = store::stamp::is_demo(&mut tx).await?;
    let district = store::district::noun(&mut tx).await?;
    let person = match principal {
        Principal::Officer(officer) => {
            store::officer::find(&mut tx, officer.id).await?.map(|officer| Person { name: officer.name, role: officer.role })
        }
        Principal::Anyone | Principal::Device(_) => None,
    };
    let credit = Credit::read(&mut tx).await?.map(|credit| credit.said(&text::words(language)));
    Ok(Frame { language: language.to_owned(), district, demo, person, here, credit })
}

/// How to sign in, and on a demo as whom.
///
/// # Errors
/// When the database fails.
pub async fn sign_in(state: &AppState, notice: Option<Notice>) -> Result<SignIn, ApiError> {
    let officers = auth::demo::officers(state).await?.unwrap_or_default();
    let branches = store::branch::all(&mut state.db.read().await?).await?;
    let name = |id| branches.iter().find(|branch| branch.id == id).map(|branch| branch.name.clone());
    let mut people: Vec<_> = officers
        .into_iter()
        .map(|officer| DemoPerson { id: officer.id, branch: officer.branch.and_then(name), name: officer.name, role: officer.role })
        .collect();
    people.sort_by(|a, b| (a.role, &a.branch, &a.name).cmp(&(b.role, &b.branch, &b.name)));
    Ok(SignIn { notice, people })
}

/// What a page says first, from the code that it was led back with.
pub fn notice(code: &str) -> Option<Notice> {
    Some(match code {
        "link_refused" => Notice::LinkRefused,
        "unknown" => Notice::Trouble(Trouble::SignIn),
        "forbidden" => Notice::Trouble(Trouble::Forbidden),
        "stale" => Notice::Trouble(Trouble::Stale),
        "busy" => Notice::Trouble(Trouble::Busy),
        "not_found" => Notice::Trouble(Trouble::NotFound),
        "malformed" | "cross_site" | "too_large" => Notice::Trouble(Trouble::Refused),
        "internal" => Notice::Trouble(Trouble::Failed),
        _ => return None,
    })
}

/// Whose shifts an officer sees: a branch's, or all.
fn own_branch(officer: &OfficerPrincipal) -> Option<uuid::Uuid> {
    if officer.covers(&[]) { None } else { officer.branch }
}
