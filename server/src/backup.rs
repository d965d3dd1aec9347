//! `dorbank backup`: a copy of the database while the server runs, and the day up to which phones may let go of what is
//! in it.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use crate::{
    store::{
        Db, StoreError,
        backup::{self, BackupError},
        meta,
    },
    sync::inputs::BACKED_UP_THROUGH,
};

/// Why a backup cannot be made here.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// PostgreSQL has a tool of its own that does it right.
    #[error(
        "this database is PostgreSQL: make its backups with pg_dump (pg_dump --format=custom --file=FILE \"$DATABASE_URL\"), then type: dorbank backup --noted"
    )]
    Postgres,
    /// The address names no database that is there.
    #[error("there is no database at {0}")]
    Missing(String),
    /// The copy failed.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The copy is made, but could not be noted.
    #[error(transparent)]
    Note(#[from] StoreError),
}

/// Copies the SQLite database at `address` into the new file `to`, and notes that.
///
/// # Errors
/// See [`Refused`].
pub async fn run(address: &str, to: &Path, now_ms: i64) -> Result<(), Refused> {
    let Some(path) = address.strip_prefix("sqlite:").map(PathBuf::from) else { return Err(Refused::Postgres) };
    if !path.is_file() {
        return Err(Refused::Missing(path.display().to_string()));
    }
    backup::copy(&path, to).await?;
    Ok(note(&Db::open(address).await?, now_ms).await?)
}

/// Notes that a backup was begun at `now_ms` and is whole. What was acknowledged the day before (UTC) or earlier is in it,
/// so phones delete their sealed copies of it; what came today may have come after.
///
/// # Errors
/// When the database fails.
pub async fn note(db: &Db, now_ms: i64) -> Result<(), StoreError> {
    let today = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC).date();
    let mut tx = db.begin().await?;
    meta::set(&mut tx, BACKED_UP_THROUGH, &today.saturating_sub(1.day()).to_string()).await?;
    tx.commit().await
}
