//! `dorbank backup`: a copy of the database while the server runs.

use std::path::{Path, PathBuf};

use crate::store::backup::{self, BackupError};

/// Why a backup cannot be made here.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// PostgreSQL has a tool of its own that does it right.
    #[error("this database is PostgreSQL: make its backups with pg_dump (pg_dump --format=custom --file=FILE \"$DATABASE_URL\")")]
    Postgres,
    /// The address names no database that is there.
    #[error("there is no database at {0}")]
    Missing(String),
    /// The copy failed.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

/// Copies the SQLite database at `address` into the new file `to`.
///
/// # Errors
/// See [`Refused`].
pub async fn run(address: &str, to: &Path) -> Result<(), Refused> {
    let Some(path) = address.strip_prefix("sqlite:").map(PathBuf::from) else { return Err(Refused::Postgres) };
    if !path.is_file() {
        return Err(Refused::Missing(path.display().to_string()));
    }
    Ok(backup::copy(&path, to).await?)
}
