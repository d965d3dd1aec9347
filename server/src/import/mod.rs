//! Bringing a municipality in: its addresses and its districts, as they are published.
//!
//! A wrong file is refused as a whole, with what was expected, what was found and what to do; it changes nothing.
//! A wrong row is refused alone, with its line, its field and the reason. Districts are written in one transaction.
//! Addresses are written beside the register in force and put in force at once (ADR 0010). Either way an import that is
//! stopped in the middle leaves what was there before.

mod address;
mod area;
mod correct;
mod corrected;
mod credit;
mod decide;
mod district_report;
mod doors;
pub mod fetch;
mod groups;
mod grunnkrets;
mod heirs;
mod households;
mod joins;
mod known;
mod lines;
mod locate;
mod progress;
mod projection;
mod read;
mod report;
mod report_file;
mod row;
mod sniff;
mod source;
mod stage;
mod survey;
mod table;
mod tell;

use std::path::{Path, PathBuf};

pub use address::{AddressOptions, ListTo, addresses};
pub use area::{DistrictOptions, districts, districts_by_table, overlap::Overlap, property::Properties, repair::Repairs};
pub use correct::{Correct, CorrectError, Corrected, correct, find};
pub use credit::{Credit, extracted_on};
pub use district_report::DistrictReport;
pub use households::{HouseholdOptions, HouseholdReport, households};
pub use lines::{LineOptions, LineReport, lines};
pub use locate::Locator;
pub(crate) use locate::{read_outline, write_outline};
pub use progress::Progress;
pub use projection::Projections;
pub(crate) use projection::round;
pub use report::{Doors, Refused, Report};
pub use row::{Product, Reason};
pub use source::Source;
pub use stage::Pace;

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
    /// Districts were to be counted together, or apart, after something was heard there.
    #[error(
        "{0} What was said there can neither be put together nor taken apart afterwards: the difference could tell of a few, and what was sealed for the old area could not be read. Nothing was changed. Leave --join and --joins out, and districts are counted as before."
    )]
    Bound(String),
    /// Another import of the same lines ended first.
    #[error("Another import of the lines of {0} ended meanwhile, and its lines are shown. Import again if these are the right ones.")]
    Overtaken(String),
    /// The database said no.
    #[error("The database refused the import, and nothing was changed: {0}")]
    Store(#[from] StoreError),
    /// The reading stopped before its end.
    #[error("The import stopped while the file was read. Nothing was changed.")]
    Stopped,
    /// The file is not the same any more as when it was checked.
    #[error(
        "The file was changed while it was imported. Nothing was changed in the register. Import it again when it is whole; what comes through a pipe has to be put into a file first."
    )]
    Changed,
    /// Somebody else imports.
    #[error("Another import or correction of this database is running, and one at a time is enough. Nothing was changed. Try again when it is done.")]
    Running,
    /// Whoever imports next may have begun already.
    #[error(
        "The connection to the database broke that keeps other imports away. Nothing was changed in the register. Import again; what was written is removed then."
    )]
    NotAlone,
    /// The list of what was done cannot be written.
    #[error("The report {path} cannot be written: {source}. Nothing was changed. Name another file with --report.")]
    Report {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// It is in force, but not all of it is in its place.
    #[error(
        "The import is in force: everybody sees the new register. But the database refused to carry it all to its place, and the next import will: {0}"
    )]
    Carry(StoreError),
}

impl ImportError {
    /// What an error of reading `path` means: a [`Source`] says by it also that the file is damaged.
    pub fn read(path: &Path, error: std::io::Error) -> Self {
        match error.downcast::<WrongFile>() {
            Ok(wrong) => wrong.into(),
            Err(source) => Self::Read { path: path.to_owned(), source },
        }
    }
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
