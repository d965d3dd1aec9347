//! What the mix remembers of an area, and the two statements that differ between the databases.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use sqlx::PgPool;
use uuid::Uuid;

use super::{Db, StoreError, Tx, meta, parts::around_values, spool::Envelope};
use crate::{args, statements};

statements! {
    OF_ROUND = "SELECT area, shifts, conversations, inputs FROM mix_mark WHERE round = $1";
    PUT = "INSERT INTO mix_mark (round, area, shifts, conversations, inputs) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (round, area) DO UPDATE SET shifts = excluded.shifts, conversations = excluded.conversations, inputs = excluded.inputs";
    TURFS = "SELECT turf, conversations FROM mix_turf";
    PUT_TURF = "INSERT INTO mix_turf (turf, conversations) VALUES ($1, $2) ON CONFLICT (turf) DO UPDATE SET conversations = excluded.conversations";
    SPOOLED = "SELECT id, round, sealed FROM spool ORDER BY id";
    EMPTY_SPOOL = "DELETE FROM spool";
    PUT_SPOOL = "INSERT INTO spool (id, round, sealed) VALUES ($1, $2, $3)";
}

/// Exceptions to the one dialect (ADR 0002), for what only the database's files show. PostgreSQL keeps removed rows in
/// a table until it is rewritten, and rows in the order of their arrival; SQLite keeps pages in its log.
pub const EXCEPTIONS: &[(&str, &str)] = &[
    ("postgres: nothing is put into the spool while it is replaced", LOCK_SPOOL),
    ("postgres: an emptied table is a new file", TRUNCATE_SPOOL),
    ("postgres: rewritten in the order of random ids", REWRITE_INPUT),
    ("postgres: rewritten in the order of random ids", REWRITE_INPUT_TOPIC),
    ("postgres: rewritten without what was coarsened", REWRITE_VISIT),
    ("postgres: rewritten without earlier numbers", REWRITE_DOOR_STATE),
    ("postgres: rewritten without what told receipts apart", REWRITE_RECEIPT),
    ("postgres: rewritten without what was kept", REWRITE_QUARANTINE),
    ("postgres: rewritten without keys that were destroyed", REWRITE_CAMPAIGN),
    ("postgres: nobody waits long behind who waits for a table", BE_BRIEF),
    ("postgres: up to which transaction rows were removed", NOW),
    ("postgres: whether somebody may still see what was removed", STILL_SEEN),
    ("sqlite: the file is written anew, without free pages", VACUUM),
    ("sqlite: what that needs on its way is as large as the database", TEMPORARY_IN_FILES),
    ("sqlite: as before", TEMPORARY_IN_MEMORY),
    ("sqlite: the log is emptied", CHECKPOINT),
];
const LOCK_SPOOL: &str = "LOCK TABLE spool IN ACCESS EXCLUSIVE MODE";
const TRUNCATE_SPOOL: &str = "TRUNCATE spool";
const REWRITE_INPUT: &str = "CLUSTER input USING input_pkey";
const REWRITE_INPUT_TOPIC: &str = "CLUSTER input_topic USING input_topic_pkey";
const REWRITE_VISIT: &str = "CLUSTER visit USING visit_pkey";
const REWRITE_DOOR_STATE: &str = "CLUSTER door_state USING door_state_pkey";
const REWRITE_RECEIPT: &str = "CLUSTER receipt USING receipt_pkey";
const REWRITE_QUARANTINE: &str = "CLUSTER quarantine USING quarantine_pkey";
const REWRITE_CAMPAIGN: &str = "CLUSTER campaign USING campaign_pkey";
/// Whoever waits for a whole table has all others wait behind it; a dump may hold each of them for an hour.
const BE_BRIEF: &str = "SET LOCAL lock_timeout = '3s'";
const NOW: &str = "SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT)";
const STILL_SEEN: &str = "WITH removed AS (SELECT age(CAST(CAST(CAST($1 AS TEXT) AS xid8) AS xid)) AS age) SELECT \
    EXISTS (SELECT 1 FROM pg_stat_activity a, removed WHERE (a.datname = current_database() OR a.backend_type = 'walsender') \
    AND a.backend_type <> 'autovacuum worker' AND a.pid <> pg_backend_pid() AND GREATEST(age(a.backend_xmin), age(a.backend_xid)) > removed.age) \
    OR EXISTS (SELECT 1 FROM pg_prepared_xacts p, removed WHERE age(p.transaction) > removed.age) \
    OR EXISTS (SELECT 1 FROM pg_replication_slots r, removed WHERE age(r.xmin) > removed.age)";
const VACUUM: &str = "VACUUM";
const TEMPORARY_IN_FILES: &str = "PRAGMA temp_store = FILE";
const TEMPORARY_IN_MEMORY: &str = "PRAGMA temp_store = MEMORY";
const CHECKPOINT: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// What PostgreSQL says when a lock was waited for too long.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// How often it is asked, a tenth of a second apart, whether who may still see what was removed is gone.
const PATIENCE: usize = 50;

/// Set in the transaction that removed something, until the files no longer hold it.
const DUE: &str = "rewrite.due";

/// What an area's visits showed when it was last mixed, and how many inputs were ever mixed there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// Shifts.
    pub shifts: i64,
    /// Conversations.
    pub conversations: i64,
    /// Inputs.
    pub inputs: i64,
}

/// The marks of a round, by area. An area without one was never mixed.
pub async fn of_round(tx: &mut Tx, round: Uuid) -> Result<BTreeMap<String, Mark>, StoreError> {
    tx.all(OF_ROUND, args![round])
        .await?
        .iter()
        .map(|row| Ok((row.get(0)?, Mark { shifts: row.get(1)?, conversations: row.get(2)?, inputs: row.get(3)? })))
        .collect()
}

/// Writes marks of a round.
pub async fn put(tx: &mut Tx, round: Uuid, marks: &BTreeMap<String, Mark>) -> Result<(), StoreError> {
    let (head, tail) = around_values(PUT);
    let rows = marks.iter().map(|(area, m)| args![round, area.as_str(), m.shifts, m.conversations, m.inputs]).collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// How many conversations each turf had shown when its area was last mixed.
pub async fn turfs(tx: &mut Tx) -> Result<HashMap<Uuid, i64>, StoreError> {
    tx.all(TURFS, args![]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Notes how many conversations turfs show now.
pub async fn put_turfs(tx: &mut Tx, turfs: &BTreeMap<Uuid, i64>) -> Result<(), StoreError> {
    let (head, tail) = around_values(PUT_TURF);
    tx.many(head, turfs.iter().map(|(turf, conversations)| args![*turf, *conversations]).collect(), tail).await?;
    Ok(())
}

/// Until the transaction ends no envelope can be added. The first statement of a transaction: one that looks at the database
/// as of its first look would not see what came before the lock, and yet remove it.
pub async fn lock_spool(tx: &mut Tx) -> Result<(), StoreError> {
    if !tx.is_sqlite() {
        tx.execute(BE_BRIEF, args![]).await?;
        tx.execute(LOCK_SPOOL, args![]).await?;
    }
    Ok(())
}

/// All envelopes of all rounds. To be called after [`lock_spool`].
pub async fn take_spool(tx: &mut Tx) -> Result<Vec<Envelope>, StoreError> {
    tx.all(SPOOLED, args![]).await?.iter().map(|row| Ok(Envelope { id: row.get(0)?, round: row.get(1)?, sealed: row.get(2)? })).collect()
}

/// Replaces the whole spool by these envelopes, in the order given. To be called after [`take_spool`].
pub async fn replace_spool(tx: &mut Tx, envelopes: &[Envelope]) -> Result<(), StoreError> {
    let empty = if tx.is_sqlite() { EMPTY_SPOOL } else { TRUNCATE_SPOOL };
    tx.execute(empty, args![]).await?;
    let (head, tail) = around_values(PUT_SPOOL);
    tx.many(head, envelopes.iter().map(|e| args![e.id, e.round, e.sealed.as_slice()]).collect(), tail).await?;
    Ok(())
}

/// Notes, in the transaction that removes something, that the files have to be rewritten afterwards.
pub async fn rewrite_is_due(tx: &mut Tx) -> Result<(), StoreError> {
    meta::set(tx, DUE, "yes").await
}

/// Rewrites the files, if that is due, so that they no longer hold what was removed. Says whether none of it remains: a reader
/// that is slow keeps SQLite's log from being emptied, and PostgreSQL's tables from losing what it may still see. Then the
/// next call tries again.
pub async fn rewrite(db: &Db) -> Result<bool, StoreError> {
    let mut tx = db.read().await?;
    let due = meta::find(&mut tx, DUE).await?.is_some_and(|due| due == "yes");
    drop(tx);
    if !due {
        return Ok(true);
    }
    match db {
        Db::Sqlite { writer, turn, .. } => {
            let _turn = turn.lock().await;
            for statement in [TEMPORARY_IN_FILES, VACUUM, TEMPORARY_IN_MEMORY] {
                sqlx::query(statement).execute(writer).await?;
            }
            // Three numbers: whether it was kept from it, pages in the log, pages moved.
            let kept: i64 = sqlx::query_scalar(CHECKPOINT).fetch_one(writer).await?;
            if kept != 0 {
                return Ok(false);
            }
        }
        Db::Postgres(pool) => {
            if !rewrite_tables(pool).await? {
                return Ok(false);
            }
        }
    }
    let mut tx = db.begin().await?;
    meta::set(&mut tx, DUE, "no").await?;
    tx.commit().await?;
    Ok(true)
}

/// Rewrites the tables of PostgreSQL from which something was removed.
async fn rewrite_tables(pool: &PgPool) -> Result<bool, StoreError> {
    // What was removed is kept in the new table as long as anybody's transaction began before. They are short; a dump is not.
    let now: String = sqlx::query_scalar(NOW).fetch_one(pool).await?;
    let still_seen = async || sqlx::query_scalar::<_, bool>(STILL_SEEN).bind(&now).fetch_one(pool).await;
    for attempt in 0.. {
        match still_seen().await? {
            false => break,
            true if attempt == PATIENCE => return Ok(false),
            true => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    let tables = [REWRITE_INPUT, REWRITE_INPUT_TOPIC, REWRITE_VISIT, REWRITE_DOOR_STATE, REWRITE_RECEIPT, REWRITE_QUARANTINE, REWRITE_CAMPAIGN];
    for statement in tables {
        let mut tx = pool.begin().await?;
        sqlx::query(BE_BRIEF).execute(&mut *tx).await?;
        match sqlx::query(statement).execute(&mut *tx).await {
            Ok(_) => tx.commit().await?,
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(!still_seen().await?)
}
