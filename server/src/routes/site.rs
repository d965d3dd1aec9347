//! The built static files: hashed assets for ever, the field app's shell, its service worker, icons.

use axum::{
    extract::{Path, Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use dorbank_shared::error::Code;
use tower::ServiceExt as _;
use tower_http::services::{ServeDir, ServeFile};

use crate::{
    access::{Access, Routes, Rule},
    error::ApiError,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    let file: Rule = Access::Anyone.no_cookies();
    Routes::new()
        .get("/assets/{name}", file, asset)
        .get("/icons/{name}", file, icon)
        .get("/field", file, async || Redirect::permanent("/field/"))
        .get("/field/", file, shell)
        .get("/field/sw.js", file, worker)
        .get("/field/manifest.webmanifest", file, manifest)
        .get("/field/{*path}", file, shell)
}

/// Named by its content, so it never changes; taken from where the assets of earlier builds are kept as well.
async fn asset(State(state): State<AppState>, Path(name): Path<String>, request: Request) -> Result<Response, ApiError> {
    let kept = ServeDir::new(state.config.data.join("assets")).precompressed_br().precompressed_gzip();
    serve(kept, &name, request, "public, max-age=31536000, immutable").await
}

async fn icon(State(state): State<AppState>, Path(name): Path<String>, request: Request) -> Result<Response, ApiError> {
    serve(ServeDir::new(state.site.dir.join("icons")), &name, request, "public, max-age=86400").await
}

async fn serve(files: ServeDir, name: &str, mut request: Request, cache: &'static str) -> Result<Response, ApiError> {
    *request.uri_mut() = format!("/{name}").parse().map_err(|_| Code::NotFound)?;
    let Ok(mut response) = files.oneshot(request).await;
    if response.status().is_client_error() {
        return Err(Code::NotFound.into());
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    Ok(known_by_its_tag(response.into_response()))
}

/// Whether it changed is asked by its tag, and by that a download that was cut is taken up again; a phone pays for each byte of
/// a date beside it.
fn known_by_its_tag(mut response: Response) -> Response {
    response.headers_mut().remove(header::LAST_MODIFIED);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

async fn field_file(state: &AppState, name: &str, request: Request) -> Result<Response, ApiError> {
    let file = ServeFile::new(state.site.dir.join("field").join(name)).precompressed_br().precompressed_gzip();
    let Ok(response) = file.oneshot(request).await;
    if response.status().is_client_error() {
        return Err(Code::NotFound.into());
    }
    Ok(known_by_its_tag(response.into_response()))
}

/// Any address of the field app: one shell, in which the app finds its own way.
async fn shell(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let mut response = field_file(&state, "index.html", request).await?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

async fn worker(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let mut response = field_file(&state, "sw.js", request).await?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert("service-worker-allowed", HeaderValue::from_static("/field/"));
    Ok(response)
}

async fn manifest(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let mut response = field_file(&state, "manifest.webmanifest", request).await?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/manifest+json"));
    Ok(response)
}
