//! All routes, put together, and the loop that serves them.

use std::future::Future;

use axum::{Router, routing::get};
use tokio::net::TcpListener;

use crate::state::AppState;

/// The whole application over a state.
pub fn router(state: AppState) -> Router {
    Router::new().route("/healthz", get(async || "ok")).with_state(state)
}

/// Serves until `stop` comes, then finishes what has begun and closes the database.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, state: AppState, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    let db = state.db.clone();
    axum::serve(listener, router(state)).with_graceful_shutdown(stop).await?;
    db.close().await;
    Ok(())
}
