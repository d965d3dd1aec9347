//! The server is killed in the middle of its work, and put back to a backup older than what phones were answered: nothing
//! is lost, nothing is there twice, and every repeat is answered.

mod killed;
mod phone;
mod restored;
mod verified;
mod world;
