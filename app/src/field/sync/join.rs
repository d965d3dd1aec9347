//! Joining a shift with a code.

use std::collections::BTreeMap;

use dorbank_shared::{
    error::Code,
    sync::wire::{JoinRequest, JoinResponse},
};

use super::{http, open};
use crate::field::store::{
    cache,
    outbox::{self, Identity},
};

/// Why a code did not let this phone in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinFault {
    /// Wrong, or not valid now.
    Refused,
    /// Typing is locked for a while.
    Locked,
    /// The shift has as many phones as it may have.
    Full,
    /// The shift is not open.
    Closed,
    /// No answer of ours.
    Network,
    /// The phone does not save.
    Storage,
}

/// Exchanges a code for a credential, keeps it, and starts.
pub async fn exchange(code: String) -> Result<(), JoinFault> {
    let answer = http::post("/join/v1/exchange", &JoinRequest { code }, None).await.map_err(|_| JoinFault::Network)?;
    let joined: Option<JoinResponse> = if answer.status == 200 { serde_json::from_str(&answer.body).ok() } else { None };
    let Some(joined) = joined else {
        return Err(match http::refusal(&answer) {
            Some(Code::CodeLocked) => JoinFault::Locked,
            Some(Code::ShiftFull) => JoinFault::Full,
            Some(Code::ShiftClosed) => JoinFault::Closed,
            Some(Code::CodeRefused | Code::Malformed | Code::NotFound) => JoinFault::Refused,
            _ => JoinFault::Network,
        });
    };
    let identity = Identity { device: joined.device, credential: joined.credential, sign: joined.sign, admission: joined.admission };
    outbox::join(&identity).await.map_err(|_| JoinFault::Storage)?;
    if let Err(error) = cache::write(None, &BTreeMap::new()).await {
        leptos::logging::error!("{error}");
    }
    open().await;
    Ok(())
}
