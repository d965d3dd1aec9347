//! All routes, put together, and the loop that serves them.

use std::{future::Future, time::Duration};

use axum::{Router, http::StatusCode, middleware};
use tokio::net::TcpListener;
use tower_http::timeout::TimeoutLayer;

use crate::{
    access::{Declared, Routes},
    headers, routes,
    state::AppState,
};

/// No request takes longer; a phone tries again.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What has begun gets so long to finish when the server is told to stop.
const GRACE: Duration = Duration::from_secs(30);

fn all_routes() -> Routes {
    routes::routes()
}

/// Every route with its access.
pub fn declared() -> Vec<Declared> {
    all_routes().declared()
}

/// The whole application over a state.
pub fn router(state: AppState) -> Router {
    all_routes()
        .into_router(&state)
        .fallback(routes::pages::not_found)
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, TIMEOUT))
        .layer(middleware::from_fn_with_state(state.clone(), headers::secure))
        .with_state(state)
}

/// Serves until `stop` comes, then finishes what has begun and closes the database.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, state: AppState, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    let db = state.db.clone();
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, router(state)).with_graceful_shutdown(async move {
        stop.await;
        let _ = stopping.send(());
    });
    let too_long = async {
        if stopped.await.is_ok() {
            tokio::time::sleep(GRACE).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    let result = tokio::select! {
        result = server => result,
        () = too_long => Ok(()),
    };
    db.close().await;
    result
}
