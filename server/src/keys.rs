//! The server's own key: a file outside the database, from which shift codes are derived.

use std::{fmt, fs, io, path::Path};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The server's key.
pub struct Keys {
    server: [u8; 32],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

/// Why the key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's own words.
        source: io::Error,
    },
    /// The file is not a key.
    #[error("{0} is not a key of 32 bytes; put the right file back, since a new key makes all codes on paper worthless")]
    Length(String),
}

impl Keys {
    /// Reads `server.key` in `dir`; makes it from `fresh` where there is none.
    ///
    /// # Errors
    /// When the file cannot be read, written, or is no key.
    pub fn open(dir: &Path, fresh: [u8; 32]) -> Result<Self, KeysError> {
        let path = dir.join("server.key");
        let fault = |source| KeysError::File { path: path.display().to_string(), source };
        match fs::read(&path) {
            Ok(bytes) => bytes.try_into().map(|server| Self { server }).map_err(|_| KeysError::Length(path.display().to_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                write_secret(&path, &fresh).map_err(fault)?;
                Ok(Self { server: fresh })
            }
            Err(error) => Err(fault(error)),
        }
    }

    /// HMAC-SHA-256 under the server's key over length-prefixed parts, so that no two lists of parts read alike.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.server).expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// Writes a file that only its owner may read, and makes its folder.
///
/// # Errors
/// When the file is there already, or cannot be written.
pub fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
