//! Joining a shift with a code.

use std::cell::Cell;

use dorbank_shared::{
    error::Code,
    sync::{
        engine::Fault,
        wire::{JoinRequest, JoinResponse},
    },
};
use leptos::prelude::*;
use uuid::Uuid;

use super::{ENDS_AT, http, keep_doors, open, show, tell_other_tabs};
use crate::field::{
    phone::phone,
    store::{
        cache,
        outbox::{self, Identity},
    },
};

thread_local! {
    static RENEWING: Cell<bool> = const { Cell::new(false) };
}

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
    /// No answer.
    Network,
    /// An answer, but not of our server.
    Portal,
    /// The server fails or is busy.
    Server,
    /// The phone does not save.
    Storage,
    /// There is something in storage that only a newer app can read, and that joining would clear away.
    Newer,
}

/// Exchanges a code for a credential, keeps it, and starts.
pub async fn exchange(code: String) -> Result<(), JoinFault> {
    if super::UNREADABLE.get() > 0 {
        return Err(JoinFault::Newer);
    }
    // What storage has not taken belongs to the identity under which it was noted. And each code that is exchanged for nothing
    // leaves one more phone that the lead is asked to let in.
    if phone().storage.with_untracked(Option::is_some) || !outbox::probe().await.unwrap_or(false) {
        return Err(JoinFault::Storage);
    }
    let answer = http::post("/join/v1/exchange", &JoinRequest { code }, None).await.map_err(|fault| match fault {
        Fault::NotOurs => JoinFault::Portal,
        _ => JoinFault::Network,
    })?;
    let joined: Option<JoinResponse> = if answer.status == 200 { serde_json::from_str(&answer.body).ok() } else { None };
    let Some(joined) = joined else {
        return Err(match http::refusal(&answer) {
            Some(Code::CodeLocked) => JoinFault::Locked,
            Some(Code::ShiftFull) => JoinFault::Full,
            Some(Code::ShiftClosed) => JoinFault::Closed,
            Some(Code::CodeRefused | Code::Malformed | Code::NotFound) => JoinFault::Refused,
            None if answer.status < 429 => JoinFault::Portal,
            _ => JoinFault::Server,
        });
    };
    let adopted = adopt(joined, None).await;
    if adopted {
        show(cache::Contents::default());
        keep_doors().await;
    }
    open().await;
    if adopted { Ok(()) } else { Err(JoinFault::Storage) }
}

/// Takes another identity in the same shift: this phone's storage is a copy of another's, or the other way round.
pub(super) async fn renew() {
    // It would be asked for in vain, again and again.
    if super::UNREADABLE.get() > 0 || RENEWING.replace(true) {
        return;
    }
    let copied = super::device();
    // A phone may count on so often; what it is given for nothing is used up.
    if outbox::probe().await.unwrap_or(false)
        && let Ok(joined) = http::sync("/sync/v1/renew", &()).await
    {
        adopt(joined, copied).await;
        open().await;
    }
    RENEWING.set(false);
}

/// Writes it; who calls reads storage again in any case, since a write that is said to have failed may have been done.
async fn adopt(joined: JoinResponse, only: Option<Uuid>) -> bool {
    // Where storage was emptied, what the page has of it must not be left behind.
    super::look().await;
    let joined_as = match only {
        Some(_) => phone().identity.with_untracked(|identity| identity.as_ref().and_then(|identity| identity.joined_as)),
        None => Some(joined.device),
    };
    let identity = Identity { device: joined.device, credential: joined.credential, sign: joined.sign, admission: joined.admission, joined_as };
    let adopted = outbox::join(&identity, ENDS_AT.get(), only).await;
    if let Err(error) = &adopted {
        error.log();
    }
    tell_other_tabs("entries");
    adopted.is_ok()
}
