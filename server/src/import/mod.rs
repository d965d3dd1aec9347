//! Bringing a municipality in: its addresses and its districts, as they are published.
//!
//! A wrong file is refused as a whole, with what was expected, what was found and what to do; it changes nothing.
//! A wrong row is refused alone, with its line, its field and the reason. Everything is written in one transaction,
//! so an import that is stopped in the middle leaves what was there before.

mod address;
mod area;
mod grunnkrets;
mod locate;
mod projection;
mod report;
mod row;
mod sniff;

use std::path::PathBuf;

pub use address::{AddressOptions, addresses};
pub use area::{DistrictOptions, districts};
pub use locate::Locator;
pub(crate) use locate::write_outline;
pub use projection::Projections;
pub(crate) use projection::round;
pub use report::{DistrictReport, Refused, Report};
pub use row::Reason;

use crate::store::{StoreError, Tx, stamp};

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be opened or read.
    #[error("{path} cannot be read: {source}. Nothing was changed.")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// It is not the file that was asked for.
    #[error(transparent)]
    WrongFile(#[from] WrongFile),
    /// A demo takes no real data.
    #[error("This database is a demo, and a demo takes no real data. Nothing was changed. Name another database with --database.")]
    Demo,
    /// Something hangs on a district that is to be removed.
    #[error(
        "These districts are not in the file and were to be removed, but turfs, branches, officers or what was heard there belong to them: {0}. Nothing was changed. Give those another district first, or import without --replace."
    )]
    InUse(String),
    /// The database said no.
    #[error("The database refused the import, and nothing was changed: {0}")]
    Store(#[from] StoreError),
    /// The reading stopped before its end.
    #[error("The import stopped while the file was read. Nothing was changed.")]
    Stopped,
}

/// A file that is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("This file was not imported, and nothing was changed.\n  Expected: {expected}\n  Found:    {found}\n  To do:    {to_do}")]
pub struct WrongFile {
    /// What the importer reads.
    pub expected: String,
    /// What the file is instead.
    pub found: String,
    /// How to come by the right one.
    pub to_do: String,
}

impl WrongFile {
    pub(crate) fn new(expected: impl Into<String>, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into(), to_do: to_do.into() }
    }
}

/// Real data never goes into a demo, whose sign-in is open to everybody.
async fn refuse_demo(tx: &mut Tx) -> Result<(), ImportError> {
    if stamp::is_demo(tx).await? { Err(ImportError::Demo) } else { Ok(()) }
}
