//! Headers of every answer.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::state::AppState;

/// The field app and its service worker: one static shell, no inline script, nothing from anywhere else.
const FIELD_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; \
     connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Files that the pages of a build are made of. Opened by themselves they are in a sandbox: no script, no form.
const ASSET_POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";
/// Data and pictures, which load nothing.
const DATA_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The office's policy: the scripts of this one answer, by its nonce.
pub fn office_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

const ALWAYS: [(HeaderName, &str); 2] =
    [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (HeaderName::from_static("cross-origin-resource-policy"), "same-origin")];
/// What means nothing to anything but a page.
const OF_PAGES: [(HeaderName, &str); 2] = [
    (HeaderName::from_static("permissions-policy"), "geolocation=(self), camera=(), microphone=(), payment=(), usb=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Sets them; a policy that a page has set for itself stays.
pub async fn secure(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_field = request.uri().path().starts_with("/field");
    let is_asset = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let is_page = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    for (name, value) in ALWAYS.into_iter().chain(OF_PAGES.into_iter().filter(|_| is_page)) {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A page with forms tells its origin to our own server: with no-referrer a form would come from "null", and be refused.
    let referrer = if is_page && !is_field { "same-origin" } else { "no-referrer" };
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(referrer));
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        // By the address: an answer that nothing has changed has no kind, and its policy takes the place of the one that was kept.
        let policy = match (is_field, is_asset) {
            (true, _) => FIELD_POLICY,
            (_, true) => ASSET_POLICY,
            _ => DATA_POLICY,
        };
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    if state.config.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains"));
    }
    response
}
