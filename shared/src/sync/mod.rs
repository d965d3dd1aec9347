//! Sync: what crosses the wire, and what to do next.

pub mod wire;
