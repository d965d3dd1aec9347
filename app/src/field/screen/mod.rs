//! The screens, one a file. Each begins with who holds it, where, and what they need.

pub mod ask;
pub mod end;
pub mod entrance;
pub mod home;
pub mod join;
pub mod note;
pub mod ready;
pub mod settings;
pub mod sheet;
pub mod turf;
pub mod waiting;
