//! The screens. `field` is the volunteer's app, `office` everything that is read at a desk.

#[cfg(not(erase_components))]
compile_error!("RUSTFLAGS of your own replace those in .cargo/config.toml: please add `--cfg erase_components` to them");

#[cfg(feature = "field")]
pub mod field;
#[cfg(any(feature = "office", feature = "ssr"))]
pub mod office;
