//! Whether the server is there, and whether it can work.

use axum::extract::State;

use crate::{
    access::{Access, Routes},
    error::ApiError,
    state::AppState,
    store,
};

pub(super) fn routes() -> Routes {
    // Probes come every few seconds and tell nothing.
    let quiet = Access::Anyone.no_cookies().silent().no_store();
    Routes::new().get("/healthz", quiet, alive).get("/readyz", quiet, ready)
}

async fn alive() -> &'static str {
    "alive"
}

/// Ready is who can read its database.
async fn ready(State(state): State<AppState>) -> Result<&'static str, ApiError> {
    store::meta::epoch(&mut state.db.read().await?).await?;
    Ok("ready")
}
