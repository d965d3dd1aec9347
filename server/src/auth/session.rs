//! An officer's session: a random id in a cookie, its hash in the database, twelve hours from the last use.

use axum::http::{HeaderMap, HeaderValue, header};
use dorbank_shared::{
    officer::Officer,
    principal::{OfficerPrincipal, Principal},
};

use super::{credential::Token, officer::note};
use crate::{
    config::Config,
    error::ApiError,
    state::AppState,
    store::{self, StoreError, Tx},
};

/// How long a session lasts after its last use, in milliseconds.
pub const SESSION_MS: i64 = 12 * 60 * 60 * 1000;
/// It is made longer at most once in so many milliseconds, so that reading does not write each time.
const EXTEND_AFTER_MS: i64 = 60 * 60 * 1000;

/// What a cookie of ours holds.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<Token> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).and_then(|(_, value)| Token::parse(value))
}

/// The header that sets a cookie until the browser closes. Scripts cannot read it, and other sites' forms do not send it.
pub fn set_cookie(config: &Config, name: &str, token: &Token) -> HeaderValue {
    cookie_header(config, name, &token.text(), "")
}

/// The header that takes a cookie away.
pub fn clear_cookie(config: &Config, name: &str) -> HeaderValue {
    cookie_header(config, name, "", "; Max-Age=0")
}

fn cookie_header(config: &Config, name: &str, value: &str, more: &str) -> HeaderValue {
    let secure = if config.is_https() { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    HeaderValue::try_from(text).expect("names and base64url are visible ASCII")
}

/// The officer whose session came with a request; a session in use runs longer.
///
/// # Errors
/// When the database fails.
pub async fn officer(state: &AppState, headers: &HeaderMap) -> Result<Option<OfficerPrincipal>, StoreError> {
    let Some(token) = cookie(headers, state.config.cookie_name()) else { return Ok(None) };
    let now = state.now_ms();
    let Some((officer, expires_at)) = store::session::find(&mut state.db.read().await?, token.hash(), now).await? else {
        return Ok(None);
    };
    if expires_at < now + SESSION_MS - EXTEND_AFTER_MS {
        let mut tx = state.db.begin().await?;
        store::session::extend(&mut tx, token.hash(), now + SESSION_MS).await?;
        tx.commit().await?;
    }
    Ok(Some(officer.principal()))
}

/// Opens a session under a new id, and ends the one that the browser had.
///
/// # Errors
/// When the database fails.
pub async fn open(tx: &mut Tx, state: &AppState, officer: &Officer, before: Option<Token>) -> Result<Token, StoreError> {
    if let Some(before) = before {
        store::session::delete(tx, before.hash()).await?;
    }
    let (token, now) = (Token::new(state), state.now_ms());
    store::session::insert(tx, token.hash(), officer.id, now, now + SESSION_MS).await?;
    note(tx, state, &officer.principal(), "sign_in", "officer", &officer.id.to_string()).await?;
    Ok(token)
}

/// Ends the session that came with a request.
///
/// # Errors
/// When the database fails.
pub async fn close(state: &AppState, headers: &HeaderMap, principal: &Principal) -> Result<(), ApiError> {
    let Some(token) = cookie(headers, state.config.cookie_name()) else { return Ok(()) };
    let mut tx = state.db.begin().await?;
    store::session::delete(&mut tx, token.hash()).await?;
    if let Principal::Officer(officer) = principal {
        note(&mut tx, state, officer, "sign_out", "officer", &officer.id.to_string()).await?;
    }
    tx.commit().await?;
    Ok(())
}
