//! The screens. `field` is the volunteer's app, `office` everything that is read at a desk.

#[cfg(feature = "field")]
pub mod field;
#[cfg(any(feature = "office", feature = "ssr"))]
pub mod office;
