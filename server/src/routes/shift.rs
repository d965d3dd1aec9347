//! What a lead does with a shift: see its phones, admit, refuse and revoke them, change its codes, show the QR code.

use axum::{
    Json,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use dorbank_shared::shift::ShiftView;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    access::{Access, ByOfficer, PLANNERS, Routes},
    auth::lead,
    error::ApiError,
    extract::{Body, ForPage},
    state::AppState,
};

pub(super) fn routes() -> Routes {
    let lead = Access::Shift(PLANNERS).limit(4 * 1024);
    Routes::new()
        .get("/plan/v1/shifts/{shift}", lead, view)
        .get("/plan/v1/shifts/{shift}/qr.svg", lead, qr)
        .post("/plan/v1/shifts/{shift}/rotate", lead, rotate)
        .post("/plan/v1/shifts/{shift}/refuse-waiting", lead, refuse_waiting)
        .post("/plan/v1/shifts/{shift}/devices/{device}/admit", lead, admit)
        .post("/plan/v1/shifts/{shift}/devices/{device}/refuse", lead, refuse)
        .post("/plan/v1/shifts/{shift}/devices/{device}/revoke", lead, revoke)
}

/// The version that was seen.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(crate) struct Seen {
    pub(crate) version: i64,
}

/// The turf that a phone is to walk, and the version that the lead saw.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(crate) struct Admit {
    turf: Uuid,
    version: i64,
}

fn page(shift: Uuid) -> String {
    format!("/plan/shifts/{shift}")
}

async fn view(State(state): State<AppState>, Path(shift): Path<Uuid>) -> Result<Json<ShiftView>, ApiError> {
    Ok(Json(lead::view(&state, shift).await?))
}

async fn qr(State(state): State<AppState>, Path(shift): Path<Uuid>) -> Result<Response, ApiError> {
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], lead::qr(&state, shift).await?).into_response())
}

async fn rotate(
    State(state): State<AppState>,
    ByOfficer(by): ByOfficer,
    Path(shift): Path<Uuid>,
    for_page: ForPage,
    Body(seen): Body<Seen>,
) -> Response {
    for_page.answer(&page(shift), lead::rotate(&state, &by, shift, seen.version).await)
}

async fn refuse_waiting(
    State(state): State<AppState>,
    ByOfficer(by): ByOfficer,
    Path(shift): Path<Uuid>,
    for_page: ForPage,
    Body(seen): Body<Seen>,
) -> Response {
    for_page.answer(&page(shift), lead::refuse_waiting(&state, &by, shift, seen.version).await)
}

async fn admit(
    State(state): State<AppState>,
    ByOfficer(by): ByOfficer,
    Path((shift, device)): Path<(Uuid, Uuid)>,
    for_page: ForPage,
    Body(admit): Body<Admit>,
) -> Response {
    for_page.answer(&page(shift), lead::admit(&state, &by, shift, device, admit.turf, admit.version).await)
}

async fn refuse(
    State(state): State<AppState>,
    ByOfficer(by): ByOfficer,
    Path((shift, device)): Path<(Uuid, Uuid)>,
    for_page: ForPage,
    Body(seen): Body<Seen>,
) -> Response {
    for_page.answer(&page(shift), lead::refuse(&state, &by, shift, device, seen.version).await)
}

async fn revoke(
    State(state): State<AppState>,
    ByOfficer(by): ByOfficer,
    Path((shift, device)): Path<(Uuid, Uuid)>,
    for_page: ForPage,
    Body(seen): Body<Seen>,
) -> Response {
    for_page.answer(&page(shift), lead::revoke(&state, &by, shift, device, seen.version).await)
}
