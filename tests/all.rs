//! All integration tests, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that unwraps fails, which is what it is for")]

mod access;
mod demo;
mod import;
mod join;
mod real_data;
mod server;
mod sign_in;
mod simulator;
mod golden;
mod inputs;
mod pages;
mod phone;
mod store;
mod sync;
mod mix;
mod coarsen;
mod release;
mod attack;
