//! Whether the server is there, and whether it can work.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use dorbank_shared::error::Code;
use serde::Serialize;

use crate::{
    access::{Access, Routes},
    state::AppState,
    store::{self, Db, StoreError, trouble::Trouble},
};

pub(super) fn routes() -> Routes {
    // Probes come every few seconds and tell nothing.
    let quiet = Access::Anyone.no_cookies().silent().no_store();
    Routes::new().get("/healthz", quiet, alive).get("/readyz", quiet, ready)
}

async fn alive() -> &'static str {
    "alive"
}

/// Why a server is not ready.
#[derive(Debug, Serialize)]
struct NotReady {
    error: Code,
    reason: &'static str,
}

/// Ready is who can read its database and, where it has failed at writing, writes again.
async fn ready(State(state): State<AppState>) -> Response {
    let reason = match works(&state.db).await {
        Ok(()) => return "ready".into_response(),
        Err(error) => Trouble::of(&error).or(state.db.trouble()).map_or("database", Trouble::name),
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(NotReady { error: Code::Busy, reason })).into_response()
}

async fn works(db: &Db) -> Result<(), StoreError> {
    store::meta::epoch(&mut db.read().await?).await?;
    if db.trouble().is_some() {
        // A look tells nothing about writing.
        store::meta::probe(db).await?;
    }
    Ok(())
}
