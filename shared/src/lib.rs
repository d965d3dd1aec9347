//! The domain of Dørbank: types, rules, sync decisions, geometry.
//!
//! No I/O, no clock, no randomness: each comes in as an argument, so the same code runs on the phone, on the server and
//! in the simulator.

pub mod code;
pub mod district;
pub mod error;
pub mod geo;
pub mod input;
pub mod landing;
pub mod line;
pub mod officer;
pub mod place;
pub mod principal;
pub mod release;
pub mod round;
pub mod screening;
pub mod seal;
pub mod share;
pub mod shift;
pub mod sync;
pub mod visit;
pub mod walk;
pub mod words;
