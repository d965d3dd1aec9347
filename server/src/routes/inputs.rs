//! `POST /inputs/v1`: sealed inputs, from nobody in particular. No credential, no cookie, no line in any log.

use axum::{
    Json,
    extract::{Request, State},
    response::IntoResponse,
};

use crate::{
    access::{Access, Routes},
    error::ApiError,
    extract::whole,
    state::AppState,
    sync::inputs,
};

/// The route of inputs.
pub fn routes() -> Routes {
    Routes::new().post("/inputs/v1", Access::Anyone.limit(inputs::MAX_INPUTS_BYTES).no_cookies().silent().no_store(), take)
}

async fn take(State(state): State<AppState>, request: Request) -> Result<impl IntoResponse, ApiError> {
    let slots = inputs::read(&whole(request, &()).await?)?;
    Ok(Json(inputs::take(&state.db, state.now_ms(), &mut state.fork_rng(), &slots).await?))
}
