//! The server of Dørbank.

pub mod assets;
pub mod clock;
pub mod config;
pub mod error;
pub mod import;
pub mod keys;
pub mod router;
pub mod state;
pub mod store;
