//! The server and its commands are killed in the middle of their work, and it is put back to a backup older than what phones were answered: nothing
//! is lost, nothing is there twice, and every repeat is answered.

mod commands;
mod killed;
mod phone;
mod restored;
mod verified;
mod world;

pub use phone::{Fault, Phone};
pub use world::{World, look, lost_and_twice};
