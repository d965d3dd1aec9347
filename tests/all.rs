//! All integration tests, in one binary.

mod import;
mod real_data;
mod server;
