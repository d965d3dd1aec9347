//! One request, and what its answer is worth. Only an answer of our own media type is one.

use dorbank_shared::{
    error::{Code, Refusal},
    sync::{engine::Fault, wire::MEDIA_TYPE},
};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, RequestCache, RequestCredentials, RequestInit, Response};

use crate::field::phone::phone;
use leptos::prelude::*;

/// No answer takes longer. Shorter than the engine's own patience, so that the engine hears of it.
const TIMEOUT_MS: u32 = 20_000;

/// An answer, read.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media_type: String,
    /// For how long the server is busy, in milliseconds, where it says so.
    busy_ms: Option<u64>,
    pub(super) body: String,
}

/// Posts JSON. Cookies never travel with it.
pub(super) async fn post<T: Serialize>(address: &str, body: &T, bearer: Option<&str>) -> Result<Answer, Fault> {
    post_text(address, serde_json::to_string(body).map_err(|_| Fault::Server)?, bearer).await
}

/// The same, once for all types: each would bring all of this into the app again.
async fn post_text(address: &str, body: String, bearer: Option<&str>) -> Result<Answer, Fault> {
    let headers = Headers::new().map_err(|_| Fault::Network)?;
    let media = if address.starts_with("/sync/") { MEDIA_TYPE } else { "application/json" };
    let _ = headers.set("content-type", media);
    if let Some(bearer) = bearer {
        let _ = headers.set("authorization", &format!("Bearer {bearer}"));
    }
    let abort = AbortController::new().map_err(|_| Fault::Network)?;
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_headers(&headers);
    request.set_body(&body.into());
    request.set_credentials(RequestCredentials::Omit);
    request.set_cache(RequestCache::NoStore);
    request.set_signal(Some(&abort.signal()));
    let timeout = gloo_timers::callback::Timeout::new(TIMEOUT_MS, move || abort.abort());
    let response: Response = JsFuture::from(window().fetch_with_str_and_init(address, &request)).await.map_err(|_| Fault::Network)?.unchecked_into();
    if response.redirected() {
        return Err(Fault::NotOurs);
    }
    let text = JsFuture::from(response.text().map_err(|_| Fault::Network)?).await.map_err(|_| Fault::Network)?;
    drop(timeout);
    let header = |name| response.headers().get(name).ok().flatten();
    let busy_ms = header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok()).map(|seconds| u64::from(seconds) * 1_000);
    let media_type = header("content-type").unwrap_or_default();
    Ok(Answer { status: response.status(), media_type, busy_ms, body: text.as_string().unwrap_or_default() })
}

/// The reason that our server gave, if it was our server.
pub(super) fn refusal(answer: &Answer) -> Option<Code> {
    serde_json::from_str::<Refusal>(&answer.body).ok().map(|refusal| refusal.error)
}

/// A request of the sync wire, with this phone's credential.
pub(super) async fn sync<T: Serialize, U: DeserializeOwned>(address: &str, body: &T) -> Result<U, Fault> {
    let credential = phone().identity.with_untracked(|identity| identity.as_ref().map(|identity| identity.credential.clone()));
    sync_as(&credential.unwrap_or_default(), address, body).await
}

/// A request of the sync wire, with the credential of an earlier identity.
pub(super) async fn sync_as<T: Serialize, U: DeserializeOwned>(credential: &str, address: &str, body: &T) -> Result<U, Fault> {
    let text = sync_text(credential, address, serde_json::to_string(body).map_err(|_| Fault::Server)?).await?;
    serde_json::from_str(&text).map_err(|_| Fault::NotOurs)
}

async fn sync_text(credential: &str, address: &str, body: String) -> Result<String, Fault> {
    let answer = post_text(address, body, Some(credential)).await?;
    if (200..300).contains(&answer.status) {
        if !answer.media_type.starts_with(MEDIA_TYPE) {
            return Err(Fault::NotOurs);
        }
        return Ok(answer.body);
    }
    Err(match (answer.status, refusal(&answer)) {
        (_, Some(Code::Unknown)) => Fault::Unknown,
        (_, Some(Code::UpdateNeeded)) => Fault::UpdateNeeded,
        (413, _) => Fault::TooLarge,
        (429 | 503, _) if answer.busy_ms.is_some() => Fault::Busy(answer.busy_ms.unwrap_or_default()),
        (_, Some(_)) | (408 | 429 | 500.., _) => Fault::Server,
        _ => Fault::NotOurs,
    })
}
