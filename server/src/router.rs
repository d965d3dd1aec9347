//! All routes, put together, and the loop that serves them.

use std::{future::Future, time::Duration};

use axum::{
    Router,
    http::StatusCode,
    middleware,
    response::{IntoResponse as _, Response},
};
use dorbank_shared::error::Code;
use tokio::net::TcpListener;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

use crate::{
    access::{Declared, Routes},
    connections,
    error::ApiError,
    headers, routes,
    state::AppState,
};

/// No request takes longer; a phone tries again.
const TIMEOUT: Duration = Duration::from_mins(1);
/// What has begun gets so long to finish when the server is told to stop.
const GRACE: Duration = Duration::from_secs(30);

fn all_routes() -> Routes {
    routes::routes()
}

/// Every route with its access.
pub fn declared() -> Vec<Declared> {
    all_routes().declared()
}

/// A fault in the program costs one answer, not the connection; `telemetry` logs where it was.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    ApiError::from(Code::Internal).into_response()
}

/// The whole application over a state.
pub fn router(state: AppState) -> Router {
    // Pages are rendered on the runtime that serves; a second call in one process is the same.
    let _ = any_spawner::Executor::init_tokio();
    all_routes()
        .into_router(&state)
        .fallback(routes::pages::not_found)
        .method_not_allowed_fallback(routes::pages::wrong_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, TIMEOUT))
        .layer(middleware::from_fn_with_state(state.clone(), headers::secure))
        .with_state(state)
}

/// Serves until `stop` comes, then finishes what has begun and closes the database.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, state: AppState, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    let (db, limits) = (state.db.clone(), state.config.limits);
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let server = connections::serve(listener, router(state), limits, async move {
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
