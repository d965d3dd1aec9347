//! Officers: who am I, who is there, add one, stop one.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use dorbank_shared::officer::Officer;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    access::{ADMINISTRATORS, Access, ByOfficer, COUNTY, OFFICERS, Routes},
    auth::officer::{self, NewOfficer},
    error::ApiError,
    extract::{Body, ForPage},
    routes::shift::Seen,
    state::AppState,
    store,
};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/admin/v1/me", Access::Officer(OFFICERS), me)
        .get("/admin/v1/officers", Access::Officer(ADMINISTRATORS), all)
        .post("/admin/v1/officers", Access::Officer(COUNTY), add)
        .post("/admin/v1/officers/{officer}/stop", Access::Officer(COUNTY), stop)
}

/// Who is signed in.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Me {
    /// Their id.
    id: Uuid,
    /// The name of their role.
    role: &'static str,
    /// Their branch, where the role has one.
    branch: Option<Uuid>,
    /// The number of their district, where the role has one.
    district: Option<String>,
    /// The page where they begin.
    home: &'static str,
}

async fn me(ByOfficer(by): ByOfficer) -> Json<Me> {
    Json(Me { id: by.id, role: by.role.name(), branch: by.branch, home: by.role.home(), district: by.district })
}

async fn all(State(state): State<AppState>) -> Result<Json<Vec<Officer>>, ApiError> {
    Ok(Json(store::officer::all(&mut state.db.read().await?).await?))
}

async fn add(State(state): State<AppState>, ByOfficer(by): ByOfficer, for_page: ForPage, Body(new): Body<NewOfficer>) -> Response {
    for_page.answer("/admin", officer::add(&state, Some(&by), new).await)
}

async fn stop(State(state): State<AppState>, ByOfficer(by): ByOfficer, Path(id): Path<Uuid>, for_page: ForPage, Body(seen): Body<Seen>) -> Response {
    for_page.answer("/admin", officer::stop(&state, &by, id, seen.version).await)
}
