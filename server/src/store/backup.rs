//! A copy of a SQLite database that is consistent while the server runs.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};

pub use super::db::lock_file;
use super::{StoreError, trouble::Trouble};

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file of that name.
    #[error("there is a file {0} already, and no backup is written over another: name a new one, for instance with the date")]
    Exists(String),
    /// There is no such folder.
    #[error("there is no folder {0} to put the backup in: make it (mkdir -p {0}), or mount the disk that it lies on")]
    NoFolder(String),
    /// It cannot be written or read.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// The copy is damaged; it was removed.
    #[error("the copy did not pass SQLite's integrity check and was removed")]
    Damaged,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A name that begins as the path's and ends so.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Copies the database at `from` into the new file `to`, which only its owner may read, and checks the copy.
///
/// # Errors
/// See [`BackupError`].
pub async fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let named = |error| BackupError::File(to.display().to_string(), error);
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(BackupError::NoFolder(folder.display().to_string()));
    }
    // SQLite fills an empty file that is there; so its rights are ours to set.
    crate::keys::write_secret(to, &[]).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => BackupError::Exists(to.display().to_string()),
        _ => named(error),
    })?;
    match fill(from, to).await {
        // Not whole until it is on the disk: what phones may delete rests on it.
        Ok(true) => std::fs::File::open(to).and_then(|file| file.sync_all()).and_then(|()| sync_folder(to)).map_err(named),
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

/// Has the name of a file that is new or was moved written to the disk. Some network disks know no such thing; that is no
/// fault of the file.
///
/// # Errors
/// When the disk fails.
pub fn sync_folder(of: &Path) -> std::io::Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match std::fs::File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        done => done,
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

/// Whether nobody else has the database at `path` open, with any program. If so, what waits in its log goes into the
/// file; one that is too damaged for that stays as it is.
pub async fn settle(path: &Path) -> bool {
    let alone = async {
        let mut db = SqliteConnectOptions::new().filename(path).busy_timeout(std::time::Duration::ZERO).connect().await?;
        // Asked for before anything is read: then nobody else may have it open.
        let result = db.execute(AssertSqlSafe("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")).await;
        db.close().await?;
        result
    };
    match alone.await {
        Ok(_) => true,
        Err(error) => {
            let error = StoreError::from(error);
            matches!(Trouble::of(&error), Some(Trouble::Damaged | Trouble::Disk | Trouble::Full | Trouble::ReadOnly))
        }
    }
}

async fn open(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new().filename(path).busy_timeout(std::time::Duration::from_secs(20)).connect().await
}
