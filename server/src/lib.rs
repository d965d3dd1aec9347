//! The server of Dørbank.

pub mod access;
pub mod assets;
pub mod auth;
pub mod clock;
pub mod config;
pub mod error;
pub mod extract;
pub mod headers;
pub mod import;
pub mod keys;
pub mod router;
pub mod routes;
pub mod state;
pub mod store;
pub mod telemetry;
