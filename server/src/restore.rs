//! A backup in the place of a database: checked before, with the deletions that have come due since, under a new epoch.
//!
//! Everything is done beside the database; what is left is one rename, which happens or does not. The old file is put
//! aside, never deleted.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, civil::Date};
use rand::Rng as _;
use rand_chacha::ChaCha20Rng;

use crate::{
    backup, coarsen,
    job::Actor,
    store::{
        Db, StoreError,
        backup::{self as copies, BackupError, beside},
        meta, mix_mark, session, ticket,
    },
    verify::{self, Check},
};

/// The key in `meta` of when this database was last put in place of another, milliseconds since 1970, UTC.
pub const RESTORED_AT: &str = "restored.at";

/// Why nothing was restored. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// PostgreSQL has a tool of its own.
    #[error(
        "this database is PostgreSQL: stop every server, restore with pg_restore (pg_restore --clean --if-exists --dbname=\"$DATABASE_URL\" FILE), then type: dorbank restore --noted"
    )]
    Postgres,
    /// There is no such file.
    #[error("there is no file {0}")]
    Missing(String),
    /// It is the database itself.
    #[error("{0} is the database itself, not a backup of it")]
    Itself(String),
    /// Somebody has the database open.
    #[error("{0} is in use: a server or another command has it open. Stop it first (nothing was changed)")]
    InUse(String),
    /// The backup is not whole.
    #[error(
        "the backup is not whole, so nothing was restored, and the database is as it was. Take an older backup, or ask somebody who knows SQLite to save what is in it"
    )]
    NotWhole(Vec<Check>),
    /// There is a later backup than this.
    #[error(
        "a later backup than this was made. Phones have deleted their sealed copies of inputs through {through}, and this one is sure to hold them through {holds} only: the others would be lost. Restore the newest backup; if it is gone, type the same with --older"
    )]
    Older {
        /// The last day that is wholly in this backup.
        holds: Date,
        /// The last day that is wholly in the later one.
        through: Date,
    },
    /// A file could not be made or moved.
    #[error("{0}: {1}")]
    File(String, io::Error),
    /// The copy failed.
    #[error(transparent)]
    Copy(#[from] BackupError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Where the old database lies now; absent where there was none.
    pub aside: Option<PathBuf>,
    /// When the backup was begun, if it says.
    pub begun_at: Option<i64>,
    /// What was looked at.
    pub checks: Vec<Check>,
}

fn named(path: &Path) -> impl FnOnce(io::Error) -> Refused + use<> {
    let path = path.display().to_string();
    |error| Refused::File(path, error)
}

/// Puts the backup `from` in the place of the SQLite database at `address`. Where a later backup was made it is refused,
/// unless `older` says so.
///
/// # Errors
/// See [`Refused`].
pub async fn run(address: &str, from: &Path, older: bool, now_ms: i64, rng: &mut ChaCha20Rng) -> Result<Restored, Refused> {
    let Some(path) = address.strip_prefix("sqlite:").map(PathBuf::from) else { return Err(Refused::Postgres) };
    if !from.is_file() {
        return Err(Refused::Missing(from.display().to_string()));
    }
    if path.exists() && fs::canonicalize(&path).ok() == fs::canonicalize(from).ok() {
        return Err(Refused::Itself(from.display().to_string()));
    }
    let lock = copies::lock_file(&path).map_err(named(&path))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Refused::InUse(path.display().to_string()),
        TryLockError::Error(error) => Refused::File(path.display().to_string(), error),
    })?;
    // Also whoever opened it with another program; and what waits in its log goes into the file, if it still can.
    if path.exists() && !copies::settle(&path).await {
        return Err(Refused::InUse(path.display().to_string()));
    }
    let new = beside(&path, ".restoring");
    let done = in_place(&path, from, &new, older, now_ms, rng).await;
    for ending in ["", "-wal", "-shm", ".lock"] {
        let _ = fs::remove_file(beside(&new, ending));
    }
    // Not only dropped: a process that is being started elsewhere holds all open files for a moment, and their locks.
    lock.unlock().map_err(named(&path))?;
    done
}

async fn in_place(path: &Path, from: &Path, new: &Path, older: bool, now_ms: i64, rng: &mut ChaCha20Rng) -> Result<Restored, Refused> {
    let looked = Db::inspect(&format!("sqlite:{}", from.display())).await?;
    let checks = verify::run(&looked, now_ms).await?;
    looked.close().await;
    if !verify::is_whole(&checks) {
        return Err(Refused::NotWhole(checks));
    }
    for ending in ["", "-wal", "-shm"] {
        let left = beside(new, ending);
        if left.exists() {
            fs::remove_file(&left).map_err(named(&left))?;
        }
    }
    copies::copy(from, new).await?;
    let db = Db::open(&format!("sqlite:{}", new.display())).await?;
    let prepared = async {
        let begun_at = begun_at(&db).await?;
        if !older {
            refuse_older(path, begun_at).await?;
        }
        // Again, since an older version may have written it.
        let checks = verify::run(&db, now_ms).await?;
        if !verify::is_whole(&checks) {
            return Err(Refused::NotWhole(checks));
        }
        begin_again(&db, now_ms, rng).await?;
        Ok((begun_at, checks))
    };
    let prepared = prepared.await;
    db.close().await;
    let (begun_at, checks) = prepared?;
    File::open(new).and_then(|file| file.sync_all()).map_err(named(new))?;
    let aside = swap(path, new, now_ms)?;
    Ok(Restored { aside, begun_at, checks })
}

/// What a database that was put in another's place needs before anybody is served from it: a new epoch, so that phones
/// offer again what they sent; nobody signed in; no ticket that a phone may have drawn since; and the deletions that came
/// due since it was copied.
///
/// # Errors
/// When the database fails.
pub async fn begin_again(db: &Db, now_ms: i64, rng: &mut ChaCha20Rng) -> Result<(), StoreError> {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    let epoch = uuid::Builder::from_random_bytes(bytes).into_uuid();
    let mut tx = db.begin().await?;
    meta::set(&mut tx, meta::EPOCH, &epoch.simple().to_string()).await?;
    meta::set(&mut tx, RESTORED_AT, &now_ms.to_string()).await?;
    session::forget_all(&mut tx).await?;
    // Phones have drawn some of these since the copy. Their inputs are refused once and get other tickets; but if such a
    // ticket were drawn again, the first request, late on its way, would be taken too.
    ticket::empty_pool(&mut tx).await?;
    mix_mark::rewrite_is_due(&mut tx).await?;
    Actor::operator().note(&mut tx, now_ms, rng, "restore", "database", epoch).await?;
    tx.commit().await?;
    coarsen::run(db, &Actor::operator(), now_ms, rng).await?;
    Ok(())
}

/// When the backup was begun, if it says.
async fn begun_at(db: &Db) -> Result<Option<i64>, StoreError> {
    Ok(meta::find(&mut db.read().await?, backup::BEGUN_AT).await?.and_then(|at| at.parse().ok()))
}

/// Compares with what the old database says of its backups, where it can still be read.
async fn refuse_older(path: &Path, begun_at: Option<i64>) -> Result<(), Refused> {
    let (true, Some(holds)) = (path.exists(), begun_at.map(backup::last_whole_day)) else { return Ok(()) };
    let read = async {
        let db = Db::inspect(&format!("sqlite:{}", path.display())).await?;
        let through = backup::told_through(&mut db.read().await?).await;
        db.close().await;
        through
    };
    // A damaged file is why one restores; then nobody can tell.
    let through: Option<Date> = read.await.ok().flatten();
    match through {
        Some(through) if through > holds => Err(Refused::Older { holds, through }),
        _ => Ok(()),
    }
}

/// Puts the old file aside under a dated name and the new one in its place. The last step is one rename.
fn swap(path: &Path, new: &Path, now_ms: i64) -> Result<Option<PathBuf>, Refused> {
    let stamp = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y-%m-%dT%H%M%SZ").to_string();
    let mut aside = None;
    if path.exists() {
        let free = |n: u32| if n == 0 { beside(path, &format!(".before-{stamp}")) } else { beside(path, &format!(".before-{stamp}-{n}")) };
        let to = (0..10_000).map(free).find(|to| !to.exists()).unwrap_or_else(|| free(0));
        // A second name, so that there is a database at every moment; where that cannot be, another name.
        fs::hard_link(path, &to).or_else(|_| fs::rename(path, &to)).map_err(named(&to))?;
        // A log that is left belongs to the old file alone: beside the new one it would be played into it.
        let log = beside(path, "-wal");
        if fs::metadata(&log).is_ok_and(|log| log.len() == 0) {
            fs::remove_file(&log).map_err(named(&log))?;
        } else if log.exists() {
            fs::rename(&log, beside(&to, "-wal")).map_err(named(&log))?;
        }
        aside = Some(to);
    }
    let index = beside(path, "-shm");
    if index.exists() {
        fs::remove_file(&index).map_err(named(&index))?;
    }
    fs::rename(new, path).map_err(named(path))?;
    copies::sync_folder(path).map_err(named(path))?;
    Ok(aside)
}
