//! `dorbank backup`: a copy of the database while the server runs, and the day up to which phones may let go of what is
//! in it.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use crate::{
    restore::RESTORED_AT,
    store::{
        Db, StoreError,
        backup::{self, BackupError},
        meta,
        tally::DAY_MS,
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
    #[error("there is no database at {0}; name it with --database sqlite:PATH, or start this in the folder where the server runs")]
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
    let db = Db::open(address).await?;
    // In the copy too: a restore compares it with what the database says of later ones.
    let mut tx = db.begin().await?;
    meta::set(&mut tx, BEGUN_AT, &now_ms.to_string()).await?;
    tx.commit().await?;
    backup::copy(&path, to).await?;
    note(&db, now_ms).await?;
    db.close().await;
    Ok(())
}

/// The key in `meta` of when the last backup was begun, milliseconds since 1970, UTC.
pub const BEGUN_AT: &str = "backup.begun";

/// After a restore phones keep all their sealed copies for so long. What the server held between the backup and the
/// restore is gone, a phone that was away does not know, and the day of a later backup would have it let go of its own.
pub const HOLD_DAYS: i64 = 30;

/// Notes that a backup was begun at `now_ms` and is whole. What was acknowledged the day before (UTC) or earlier is in it,
/// so phones delete their sealed copies of it; what came today may have come after.
///
/// # Errors
/// When the database fails.
pub async fn note(db: &Db, now_ms: i64) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    let restored: Option<i64> = meta::find(&mut tx, RESTORED_AT).await?.and_then(|at| at.parse().ok());
    if restored.is_some_and(|at| now_ms < at.saturating_add(HOLD_DAYS * DAY_MS)) {
        return Ok(());
    }
    let today = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC).date();
    meta::set(&mut tx, BACKED_UP_THROUGH, &today.saturating_sub(1.day()).to_string()).await?;
    tx.commit().await
}
