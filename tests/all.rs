//! All integration tests, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that unwraps fails, which is what it is for")]

mod access;
mod attack;
mod backup;
mod check;
mod clarify;
mod coarsen;
mod command_line;
mod demo;
mod districts;
mod documents;
mod download;
mod fetch;
mod fuzz;
mod golden;
mod hostile;
mod import;
mod import_again;
mod import_corrections;
mod import_dwellings;
mod import_published;
mod import_quirks;
mod import_stages;
mod inputs;
mod intake;
mod join;
mod lines;
mod mix;
mod openapi;
mod pages;
mod phone;
mod postgres;
mod process;
mod protocol;
mod real_data;
mod release;
mod server;
mod server_dies;
mod server_suffers;
mod sign_in;
mod simulator;
mod store;
mod sync;
