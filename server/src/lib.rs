//! The server of Dørbank.

pub mod store;
