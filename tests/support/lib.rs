//! Helpers of the integration tests: the real router on a real socket, over a fresh database of either kind.

pub mod field;
pub mod fuzz;
pub mod held;
pub mod postgres;
pub mod reliability;
mod server;
mod world;

pub use server::{Engine, START_MS, TestServer, database, write_site};
pub use world::World;
