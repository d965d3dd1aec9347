//! `dorbank backup`: a copy of the database while the server runs, and the day up to which phones may let go of what is
//! in it.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use crate::{
    restore::RESTORED_AT,
    store::{
        Db, StoreError, Tx,
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
        "this database is PostgreSQL: note the time (date -u +%FT%TZ), make its backup with pg_dump (pg_dump --format=custom --file=FILE \"$DATABASE_URL\"), then type: dorbank backup --noted TIME"
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

/// Copies the SQLite database at `address` into the new file `to`, and notes that. Gives what [`note`] gives.
///
/// # Errors
/// See [`Refused`].
pub async fn run(address: &str, to: &Path, now_ms: i64) -> Result<Option<Date>, Refused> {
    let Some(path) = address.strip_prefix("sqlite:").map(PathBuf::from) else { return Err(Refused::Postgres) };
    if !path.is_file() {
        return Err(Refused::Missing(path.display().to_string()));
    }
    let db = Db::open(address).await?;
    // In the copy too: a restore compares it with what the database says of later ones.
    let mut tx = db.begin().await?;
    meta::set(&mut tx, BEGUN_AT, &now_ms.to_string()).await?;
    tx.commit().await?;
    // Under its own name only when it is whole: one that was killed leaves nothing that looks like last night's backup.
    if to.exists() {
        return Err(BackupError::Exists(to.display().to_string()).into());
    }
    let part = backup::beside(to, ".part");
    for left in [part.clone(), backup::beside(&part, "-journal")] {
        if left.exists() {
            std::fs::remove_file(&left).map_err(|error| BackupError::File(left.display().to_string(), error))?;
        }
    }
    backup::copy(&path, &part).await?;
    let named = |error| BackupError::File(to.display().to_string(), error);
    std::fs::rename(&part, to).and_then(|()| backup::sync_folder(to)).map_err(named)?;
    let through = note(&db, now_ms, now_ms).await?;
    db.close().await;
    Ok(through)
}

/// The key in `meta` of when the last backup was begun, milliseconds since 1970, UTC.
pub const BEGUN_AT: &str = "backup.begun";

/// The key in `meta` of the last day (`YYYY-MM-DD`) that is wholly in the backup that was noted last, whether or not phones were
/// told.
pub const NEWEST_HOLDS: &str = "backup.newest";

/// The key in `meta` of the last day (`YYYY-MM-DD`) that phones were ever told to be in a backup, also where an earlier one was
/// noted since.
const TOLD_THROUGH: &str = "backup.told";

/// The last day of which phones may have let go of their sealed copies, if there is any.
///
/// # Errors
/// When the database fails.
pub async fn told_through(tx: &mut Tx) -> Result<Option<Date>, StoreError> {
    let told = meta::find(tx, TOLD_THROUGH).await?;
    // A version before this one told it under the other name alone.
    let day = if told.is_some() { told } else { meta::find(tx, BACKED_UP_THROUGH).await? };
    Ok(day.and_then(|day| day.parse().ok()))
}

/// After a restore phones keep all their sealed copies for so long. What the server held between the backup and the
/// restore is gone, a phone that was away does not know, and the day of a later backup would have it let go of its own.
pub const HOLD_DAYS: i64 = 30;

/// An input is told its day before it is written, and may be written a little after midnight. For so long a day has to be
/// over before a backup is sure to hold all of it; the clocks of several machines may differ a little too.
const SETTLED_MS: i64 = 60 * 60 * 1000;

/// The last day (UTC) that is wholly in a backup which was begun then. What came later may have come after the copy was made.
pub fn last_whole_day(begun_ms: i64) -> Date {
    let settled = Timestamp::from_millisecond(begun_ms.saturating_sub(SETTLED_MS)).unwrap_or(Timestamp::UNIX_EPOCH);
    settled.to_zoned(TimeZone::UTC).date().saturating_sub(1.day())
}

/// Notes that a backup was begun at `begun_ms` and is whole: phones delete their sealed copies of what was acknowledged on its
/// [`last_whole_day`] or earlier. Gives that day; nothing where the backup was begun so soon after a restore that phones keep all.
///
/// # Errors
/// When the database fails.
pub async fn note(db: &Db, begun_ms: i64, now_ms: i64) -> Result<Option<Date>, StoreError> {
    let mut tx = db.begin().await?;
    meta::set(&mut tx, NEWEST_HOLDS, &last_whole_day(begun_ms).to_string()).await?;
    let restored: Option<i64> = meta::find(&mut tx, RESTORED_AT).await?.and_then(|at| at.parse().ok());
    if restored.is_some_and(|at| begun_ms < at.saturating_add(HOLD_DAYS * DAY_MS)) {
        tx.commit().await?;
        return Ok(None);
    }
    let through = last_whole_day(begun_ms);
    // What phones were told before they may have let go of already. A day that is not over was told by a clock that was ahead.
    let told = told_through(&mut tx).await?.filter(|day| *day <= last_whole_day(now_ms)).map_or(through, |told| told.max(through));
    meta::set(&mut tx, TOLD_THROUGH, &told.to_string()).await?;
    meta::set(&mut tx, BACKED_UP_THROUGH, &through.to_string()).await?;
    tx.commit().await?;
    Ok(Some(through))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_was_written_a_little_after_its_day_was_taken_to_be_in_a_backup() {
        let through = |begun: &str| last_whole_day(begun.parse::<Timestamp>().unwrap().as_millisecond()).to_string();
        assert_eq!(through("2026-11-28T00:00:01Z"), "2026-11-26");
        assert_eq!(through("2026-11-28T00:59:59Z"), "2026-11-26");
        assert_eq!(through("2026-11-28T01:00:00Z"), "2026-11-27");
        assert_eq!(through("2026-11-28T23:59:59Z"), "2026-11-27");
        assert_eq!(through("2026-11-27T18:00Z"), "2026-11-26");
    }
}
