//! Bodies that come as JSON from scripts or as forms from pages without scripting, and answers that fit each.

use std::{future::poll_fn, pin::Pin, time::Duration};

use axum::{
    Form, Json,
    body::{Body as RawBody, Bytes, HttpBody as _},
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use dorbank_shared::error::Code;
use serde::{Serialize, de::DeserializeOwned};

use crate::{access::wants_page, error::ApiError};

/// Where no guard says how long a body may take, no request takes longer anyway.
const LONGEST: Duration = Duration::from_mins(1);

/// A body, read.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

/// By when a body has to be whole; the guard of each route says it.
#[derive(Debug, Clone, Copy)]
pub struct BodyTime(pub Duration);

fn time_for(request: &Request) -> Duration {
    request.extensions().get().map_or(LONGEST, |time: &BodyTime| time.0)
}

/// The whole body, whatever it is.
///
/// # Errors
/// `too_large`, `too_slow`, or `malformed` when it was cut off.
pub async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Code> {
    let time = time_for(&request);
    match tokio::time::timeout(time, Bytes::from_request(request, state)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(refused)) => {
            let too_large = refused.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE;
            Err(if too_large { Code::TooLarge } else { Code::Malformed })
        }
        // A client that sends a byte now and then shall not hold memory and a connection for as long as it likes.
        Err(_) => Err(Code::TooSlow),
    }
}

/// So much of a file that is too large is read all the same.
const MOST_THROWN_AWAY: usize = 64 * 1024 * 1024;

/// The whole body of what somebody sends from a page, with its request. One of more than `limit` bytes is read to its end and
/// thrown away: a browser that is refused in the middle of sending shows an error of its own, and no word of ours.
///
/// # Errors
/// `too_large`, `too_slow`, or `malformed` when it was cut off.
pub async fn whole_from_page(request: Request, limit: usize) -> Result<Request, Code> {
    let time = time_for(&request);
    let (parts, mut body) = request.into_parts();
    let read = async {
        let (mut bytes, mut size) = (Vec::new(), 0);
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let Ok(part) = frame.map_err(|_| Code::Malformed)?.into_data() else { continue };
            size += part.len();
            if size <= limit {
                bytes.extend_from_slice(&part);
            } else if size <= MOST_THROWN_AWAY {
                bytes = Vec::new();
            } else {
                break;
            }
        }
        if size <= limit { Ok(bytes) } else { Err(Code::TooLarge) }
    };
    let bytes = tokio::time::timeout(time, read).await.map_err(|_| Code::TooSlow)??;
    Ok(Request::from_parts(parts, RawBody::from(bytes)))
}

fn is_form(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let form = is_form(request.headers());
        let (headers, method, uri) = (request.headers().clone(), request.method().clone(), request.uri().clone());
        let bytes = whole(request, state).await?;
        if form {
            let mut again = Request::new(RawBody::from(bytes));
            (*again.headers_mut(), *again.method_mut(), *again.uri_mut()) = (headers, method, uri);
            let Form(value) = Form::from_request(again, state).await.map_err(|_| Code::Malformed)?;
            return Ok(Self(value));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|_| Code::Malformed.into())
    }
}

/// Whether the answer is for a page without scripting, which is led on, or for a script, which reads JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForPage(pub bool);

impl<S: Sync> FromRequestParts<S> for ForPage {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(is_form(&parts.headers) || wants_page(&parts.headers)))
    }
}

impl ForPage {
    /// Leads a page to `place` (with the code of what went wrong in its query), and gives a script the value.
    pub fn answer<T: Serialize>(self, place: &str, result: Result<T, ApiError>) -> Response {
        match (self.0, result) {
            (true, Ok(_)) => Redirect::to(place).into_response(),
            (true, Err(error)) => {
                let mut response = Redirect::to(&format!("{place}?error={}", error.code().name())).into_response();
                error.note_on(&mut response);
                response
            }
            (false, Ok(value)) => Json(value).into_response(),
            (false, Err(error)) => error.into_response(),
        }
    }
}
