//! The domain of Dørbank: types, rules, sync decisions, geometry.
//!
//! No I/O, no clock, no randomness: each comes in as an argument, so the same code runs on the phone, on the server and
//! in the simulator.

pub mod error;
pub mod input;
pub mod round;
pub mod seal;
pub mod sync;
pub mod visit;
