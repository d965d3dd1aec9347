//! Secrets that somebody carries: 256 random bits, of which we keep a hash.

use std::fmt;

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dorbank_shared::principal::DevicePrincipal;
use sha2::{Digest as _, Sha256};

use crate::{
    state::AppState,
    store::{self, StoreError},
};

/// A secret, whole: given out once and never stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// A new one.
    pub fn new(state: &AppState) -> Self {
        Self(state.random_bytes())
    }

    /// Reads what [`Token::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// As it travels: base64url without padding.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is stored. The secret is random, so one round of SHA-256 suffices.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// The phone whose credential came with a request.
///
/// # Errors
/// When the database fails.
pub async fn device(state: &AppState, headers: &HeaderMap) -> Result<Option<DevicePrincipal>, StoreError> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    let Some(token) = bearer.and_then(Token::parse) else { return Ok(None) };
    store::device::by_credential(&mut state.db.read().await?, &token.hash()).await
}
