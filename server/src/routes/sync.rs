//! `/sync/v1/`: what phones send and fetch. The answers carry a media type of their own, so that a phone can tell them
//! from a login page or a captive portal that answers 200 as well.

use std::io::Write as _;

use axum::{
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use dorbank_shared::{
    principal::Principal,
    sync::wire::{MAX_PUSH_BYTES, MEDIA_TYPE, PullRequest, TicketsRequest},
};
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;

use crate::{
    access::{ADMITTED, Access, ByDevice, Caller, JOINED, Routes},
    auth,
    error::ApiError,
    extract::{Body, whole},
    state::AppState,
    sync::{self, SyncError, entry},
};

/// Answers shorter than this go as they are, in bytes: one packet.
const PACKED_FROM_BYTES: usize = 1_400;

/// The routes of sync.
pub fn routes() -> Routes {
    Routes::new()
        .get("/sync/v1/hello", Access::Anyone.no_cookies(), hello)
        .post("/sync/v1/push", Access::Device(JOINED).limit(MAX_PUSH_BYTES), push)
        .post("/sync/v1/pull", Access::Device(JOINED).limit(MAX_PUSH_BYTES), pull)
        .post("/sync/v1/renew", Access::Device(JOINED), renew)
        .post("/sync/v1/tickets", Access::Device(ADMITTED), tickets)
}

impl From<SyncError> for ApiError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Refused(code) => code.into(),
            SyncError::Store(error) => error.into(),
        }
    }
}

/// JSON under the media type of sync.
struct Answer<T>(T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                ([(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], body)
                    .into_response()
            }
            Err(error) => ApiError::internal(error).into_response(),
        }
    }
}

async fn hello(State(state): State<AppState>, Caller(caller): Caller) -> Result<impl IntoResponse, ApiError> {
    let admission = match caller {
        Principal::Device(device) => Some(device.admission),
        Principal::Anyone | Principal::Officer(_) => None,
    };
    Ok(Answer(sync::hello::hello(&state.db, state.now_ms(), &state.site.build, state.config.client_min, admission).await?))
}

async fn push(State(state): State<AppState>, ByDevice(device): ByDevice, request: Request) -> Result<impl IntoResponse, ApiError> {
    let batch = entry::read(&whole(request, &()).await?)?;
    Ok(Answer(sync::push::push(&state.db, state.now_ms(), device.id, &batch).await?))
}

async fn pull(
    State(state): State<AppState>,
    ByDevice(device): ByDevice,
    headers: HeaderMap,
    Body(request): Body<PullRequest>,
) -> Result<Response, ApiError> {
    let answer = sync::pull::pull(&state.db, state.now_ms(), device.id, state.config.client_min, &request).await?;
    packed(&headers, Answer(answer).into_response()).await
}

/// An answer that is large, packed for who takes it so. Nothing in it is secret from who asks, and only who holds the
/// phone's credential can ask, so its length betrays nothing.
async fn packed(headers: &HeaderMap, answer: Response) -> Result<Response, ApiError> {
    let takes = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("gzip"));
    let (mut parts, body) = answer.into_parts();
    let whole = to_bytes(body, usize::MAX).await.map_err(ApiError::internal)?;
    if !takes || whole.len() < PACKED_FROM_BYTES {
        return Ok(Response::from_parts(parts, whole.into()));
    }
    let small = tokio::task::spawn_blocking(move || {
        let mut encoder = GzEncoder::new(Vec::with_capacity(whole.len() / 4), Compression::default());
        encoder.write_all(&whole)?;
        encoder.finish()
    });
    let small = small.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    Ok(Response::from_parts(parts, small.into()))
}

async fn renew(State(state): State<AppState>, ByDevice(device): ByDevice) -> Result<impl IntoResponse, ApiError> {
    Ok(Answer(auth::renew(&state, &device).await?))
}

async fn tickets(
    State(state): State<AppState>,
    ByDevice(device): ByDevice,
    Body(request): Body<TicketsRequest>,
) -> Result<impl IntoResponse, ApiError> {
    Ok(Answer(sync::tickets::draw(&state.db, &mut state.fork_rng(), device.id, request.count).await?))
}
