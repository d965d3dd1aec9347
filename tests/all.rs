//! All integration tests, in one binary.

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
