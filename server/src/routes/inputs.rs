//! `POST /inputs/v1`: sealed inputs, from nobody in particular. No credential, no cookie, no line in any log.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
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

/// Every answer is so long, in bytes, or a multiple: its length would say how many slots held an input. White space after JSON
/// is JSON.
const ANSWER_BYTES: usize = 512;

async fn take(State(state): State<AppState>, request: Request) -> Result<impl IntoResponse, ApiError> {
    let offered = inputs::read(&whole(request, &()).await?)?;
    let answer = inputs::take(&state.db, state.now_ms(), &mut state.fork_rng(), &offered).await?;
    let mut body = serde_json::to_vec(&answer).map_err(ApiError::internal)?;
    body.resize(body.len().next_multiple_of(ANSWER_BYTES), b' ');
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body))
}
