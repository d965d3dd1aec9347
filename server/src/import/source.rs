//! A published file, as a stream.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::ImportError;

/// A file that is read from its beginning to its end, and no other way; to read it again, open it again.
#[derive(Debug)]
pub struct Source {
    file: File,
    bytes_total: Option<u64>,
}

impl Source {
    /// Opens it.
    ///
    /// # Errors
    /// When there is no such file or it may not be read.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let file = File::open(path).map_err(|error| ImportError::read(path, error))?;
        let bytes_total = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|about| about.len());
        Ok(Self { file, bytes_total })
    }

    /// How many bytes there will be in all, where that is known.
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}
