//! The server's side of sync: `push`, `pull`, `hello`, tickets and inputs, over the store and without HTTP.
//!
//! Time and randomness come in as arguments, so the simulator runs this very code.

pub mod bundle;
pub mod entry;
pub mod hello;
pub mod inputs;
mod passing;
mod plain;
pub mod pull;
pub mod push;
pub mod tickets;

use dorbank_shared::error::Code;

use crate::store::StoreError;

/// Why a whole request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The caller can do something about it.
    #[error("refused: {0:?}")]
    Refused(Code),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Code> for SyncError {
    fn from(code: Code) -> Self {
        Self::Refused(code)
    }
}
