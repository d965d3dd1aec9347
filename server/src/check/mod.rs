//! What is in the register of a city, and what in it cannot be or is seldom right: `dorbank check`.
//!
//! Nothing is changed. Most of what is found is the publisher's to mend; the person who runs the server learns here
//! whether a whole city came in, and where to look.

mod city;
mod html;
mod json;
mod map;
mod report;
pub mod rules;
mod text;

pub use city::{City, House};
pub use html::page;
pub use json::json;
pub use report::{Detail, DistrictRow, Finding, Kind, Report, UnitRow};
pub use text::text;

use crate::{
    import::Credit,
    store::{Db, StoreError},
};

/// Looks at the register.
///
/// # Errors
/// When the database fails.
pub async fn run(db: &Db) -> Result<Report, StoreError> {
    let mut tx = db.read().await?;
    let city = City::read(&mut tx).await?;
    let credit = Credit::read(&mut tx).await?;
    drop(tx);
    Ok(Report::of(city, credit))
}
