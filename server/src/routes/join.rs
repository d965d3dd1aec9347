//! A phone joins a shift.

use axum::{Json, extract::State};
use dorbank_shared::sync::wire::{JoinRequest, JoinResponse};

use crate::{
    access::{Access, Routes},
    auth::join,
    error::ApiError,
    extract::Body,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new().post("/join/v1/exchange", Access::Anyone.no_cookies().limit(4 * 1024).no_store().json(), exchange)
}

async fn exchange(State(state): State<AppState>, Body(request): Body<JoinRequest>) -> Result<Json<JoinResponse>, ApiError> {
    Ok(Json(join::exchange(&state, &request.code).await?))
}
