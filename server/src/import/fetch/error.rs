//! Why a file was not fetched, in words: what, where, and what to do.

use std::{fmt, io, path::Path};

use reqwest::Url;

use super::super::WrongFile;

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The server cannot be reached, or falls silent, or breaks off, again and again.
    Unreachable,
    /// The server is there and cannot now: overloaded or broken.
    Unwell,
    /// The server wants to know who asks.
    Denied,
    /// There is no such file.
    NotThere,
    /// The server answers what it is not expected to.
    Unexpected,
    /// What came is not what was asked for.
    WrongFile,
    /// What came is not what the server says that it sent.
    Checksum,
    /// No municipality has this number or name.
    UnknownMunicipality,
    /// The municipality is offered, but not so.
    NotOffered,
    /// The cache cannot be read or written.
    Cache,
    /// There is no more room.
    Full,
    /// Another program fetches into the same cache.
    Busy,
}

impl Trouble {
    /// Whether it lies with the server or the network, so that what is known from before may help.
    pub fn is_elsewhere(self) -> bool {
        matches!(self, Self::Unreachable | Self::Unwell | Self::Denied | Self::NotThere | Self::Unexpected | Self::WrongFile | Self::Checksum)
    }
}

/// Why a file was not fetched. The register is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchError {
    /// The kind of trouble.
    pub trouble: Trouble,
    /// What happened.
    pub what: String,
    /// Where: an address, or a file.
    pub place: String,
    /// What the person can do.
    pub to_do: String,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, place, to_do, .. } = self;
        write!(f, "The addresses were not fetched, and nothing was changed.\n  What:  {what}\n  Where: {place}\n  To do: {to_do}")
    }
}

impl std::error::Error for FetchError {}

impl FetchError {
    pub(super) fn new(trouble: Trouble, what: impl Into<String>, place: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { trouble, what: what.into(), place: place.into(), to_do: to_do.into() }
    }

    /// A file that is not what was asked for.
    pub(super) fn wrong_file(wrong: WrongFile, url: &Url) -> Self {
        let what = format!("{} came instead of {}", wrong.found, wrong.expected);
        Self::new(Trouble::WrongFile, what, url.as_str(), wrong.to_do)
    }

    /// What the system says of a file or folder in the cache.
    pub(super) fn cache(path: &Path, error: &io::Error) -> Self {
        let place = path.display().to_string();
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge) {
            let to_do = "make room on the disk, or name another folder with --data; what had come was removed, so that the server has room";
            return Self::new(Trouble::Full, format!("there is no more room for what is downloaded ({error})"), place, to_do);
        }
        Self::new(
            Trouble::Cache,
            format!("a file of the cache cannot be read or written ({error})"),
            place,
            "give this user the right to write there, or name another folder with --data",
        )
    }
}
