//! Sync: what crosses the wire, and what to do next.

pub mod base;
pub mod engine;
pub mod file;
pub mod outbox;
pub mod replay;
pub mod taps;
pub mod wire;

#[cfg(test)]
mod engine_tests;
#[cfg(test)]
mod outbox_tests;
#[cfg(test)]
mod taps_tests;
