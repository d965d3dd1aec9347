//! The server of Dørbank.

// The command line names the server as any other program would.
extern crate self as dorbank_server;

pub mod access;
pub mod assets;
pub mod auth;
pub mod backup;
pub mod check;
pub mod cli;
pub mod clock;
pub mod coarsen;
pub mod config;
pub mod connections;
pub mod demo;
pub mod error;
pub mod extract;
pub mod headers;
pub mod import;
pub mod job;
pub mod keys;
pub mod limits;
pub mod mix;
pub mod office;
pub mod openapi;
pub mod release;
pub mod restore;
pub mod round;
pub mod router;
pub mod routes;
pub mod schedule;
pub mod state;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod verify;
