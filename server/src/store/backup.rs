//! A copy of a SQLite database that is consistent while the server runs.

use std::path::Path;

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};

use super::StoreError;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file of that name.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// The copy is damaged; it was removed.
    #[error("the copy did not pass SQLite's integrity check and was removed")]
    Damaged,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Copies the database at `from` into the new file `to`, which only its owner may read, and checks the copy.
///
/// # Errors
/// See [`BackupError`].
pub async fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let named = |error| BackupError::File(to.display().to_string(), error);
    // SQLite fills an empty file that is there; so its rights are ours to set.
    crate::keys::write_secret(to, &[]).map_err(named)?;
    match fill(from, to).await {
        Ok(true) => Ok(()),
        Ok(false) => {
            std::fs::remove_file(to).map_err(named)?;
            Err(BackupError::Damaged)
        }
        Err(error) => {
            std::fs::remove_file(to).map_err(named)?;
            Err(StoreError::from(error).into())
        }
    }
}

async fn fill(from: &Path, to: &Path) -> Result<bool, sqlx::Error> {
    let mut source = open(from).await?;
    sqlx::query("VACUUM INTO $1").bind(to.display().to_string()).execute(&mut source).await?;
    source.close().await?;
    let mut copy = open(to).await?;
    let row = copy.fetch_one(AssertSqlSafe("PRAGMA integrity_check")).await?;
    let sound = row.try_get::<String, _>(0)? == "ok";
    copy.close().await?;
    Ok(sound)
}

async fn open(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new().filename(path).busy_timeout(std::time::Duration::from_secs(20)).connect().await
}
