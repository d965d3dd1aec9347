//! What is logged: method, template, status and time of a request; never a path's values, a query, an address or a browser.

use std::{io::IsTerminal as _, time::Duration};

use axum::{http::Method, response::Response};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::error::Fault;

/// sqlx logs slow statements by itself, also those of the route that must leave no trace; so it is silent.
const DEFAULT_FILTER: &str = "info,sqlx=off";

/// Begins to log to standard error, filtered by `RUST_LOG`; as JSON when asked.
pub fn start(json: bool) {
    // What a panic says may hold values; where it was is enough to find it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked");
    }));
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        registry.with(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)).init();
    } else {
        registry
            .with(tracing_subscriber::fmt::layer().with_target(false).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr))
            .init();
    }
}

/// Notes a request that was answered, and why where the server failed.
pub fn note(method: &Method, route: &str, response: &Response, time: Duration) {
    let status = response.status().as_u16();
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    if let Some(Fault(kind)) = response.extensions().get() {
        tracing::error!(%method, route, status, ms, kind, "failed");
    } else {
        tracing::info!(%method, route, status, ms, "answered");
    }
}
