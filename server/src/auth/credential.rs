//! Secrets that somebody carries: 256 random bits, of which we keep a hash.

use std::fmt;

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dorbank_shared::{code, principal::DevicePrincipal};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::{
    keys::Keys,
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

/// What a phone is given: who it is and a proof that this server said so.
///
/// What the database knows of it is a hash. A database that was restored from a backup older than the phone does not
/// even know that; then the proof lets it in again, to wait for the lead, so that what it has noted can still be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The phone.
    pub device: Uuid,
    /// Its shift.
    pub shift: Uuid,
    /// The two characters by which the lead knows it.
    pub sign: String,
    proof: [u8; 32],
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

impl Credential {
    /// Device and shift, then the proof, then the sign.
    const FIXED: usize = 16 + 16 + 32;

    /// Makes one. Two of the same phone are the same.
    pub fn new(keys: &Keys, device: Uuid, shift: Uuid, sign: &str) -> Self {
        let proof = keys.mac(&[b"device", device.as_bytes(), shift.as_bytes(), sign.as_bytes()]);
        Self { device, shift, sign: sign.to_owned(), proof }
    }

    fn bytes(&self) -> Vec<u8> {
        [&self.device.as_bytes()[..], self.shift.as_bytes(), &self.proof, self.sign.as_bytes()].concat()
    }

    /// As it travels: base64url without padding.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes())
    }

    /// What is stored.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.bytes()).into()
    }

    /// Reads one that this server gave out.
    fn proven(keys: &Keys, bytes: &[u8]) -> Option<Self> {
        let (fixed, sign) = bytes.split_at_checked(Self::FIXED)?;
        let (device, shift) = (Uuid::from_slice(&fixed[..16]).ok()?, Uuid::from_slice(&fixed[16..32]).ok()?);
        let made = Self::new(keys, device, shift, std::str::from_utf8(sign).ok()?);
        bool::from(made.proof[..].ct_eq(&fixed[32..])).then_some(made)
    }
}

/// What stands in the place of a credential's hash while only an officer has said of a phone which shift it belongs to:
/// no credential has this hash.
pub fn placed(keys: &Keys, device: Uuid) -> [u8; 32] {
    keys.mac(&[b"placed", device.as_bytes()])
}

/// The phone whose credential came with a request.
///
/// # Errors
/// When the database fails.
pub async fn device(state: &AppState, headers: &HeaderMap) -> Result<Option<DevicePrincipal>, StoreError> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    let Some(bytes) = bearer.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()) else { return Ok(None) };
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    let found = store::device::by_credential(&mut state.db.read().await?, &hash).await?;
    match (found, Credential::proven(&state.keys, &bytes)) {
        (None, Some(credential)) => forgotten(state, &credential).await,
        (found, _) => Ok(found),
    }
}

/// Lets a phone in again that a restore forgot, to wait for the lead; where its shift was forgotten too, only once an
/// officer has taken in its file and said to which shift it belongs.
async fn forgotten(state: &AppState, credential: &Credential) -> Result<Option<DevicePrincipal>, StoreError> {
    let mut tx = state.db.begin().await?;
    if store::device::claim(&mut tx, credential.device, placed(&state.keys, credential.device), credential.hash()).await? {
        let found = store::device::by_credential(&mut tx, &credential.hash()).await?;
        tx.commit().await?;
        return Ok(found);
    }
    if store::shift::find(&mut tx, credential.shift).await?.is_none() {
        return Ok(None);
    }
    let others = store::device::of_shift(&mut tx, credential.shift).await?;
    let free = |sign: &String| others.iter().all(|other| other.sign != *sign);
    let first = usize::from(u16::from_be_bytes(state.random_bytes()));
    let again = (0..code::SIGNS).map(|step| code::sign(first + step));
    let sign = std::iter::once(credential.sign.clone()).chain(again).find(free).unwrap_or_else(|| credential.sign.clone());
    store::device::insert_again(&mut tx, credential.device, credential.shift, &sign, credential.hash(), state.now_ms()).await?;
    let found = store::device::by_credential(&mut tx, &credential.hash()).await?;
    tx.commit().await?;
    tracing::info!("a phone that a restore forgot waits for its lead again");
    Ok(found)
}
