//! Which import is in force, who imports, and what an import left behind that was stopped.
//!
//! New entrances and doors are written with the number of their import (`since`) and count when the number in force
//! reaches it; what changes of known ones stands in `entrance_change` and `unit_change` and holds over them from then on.
//! So one update of one row puts any number of rows in force. See ADR 0010.

use std::fs::{File, TryLockError};

use sqlx::{Connection as _, PgConnection, Row as _};

use super::{Db, StoreError, Tx, Value, db::beside, parts::around_list};
use crate::{args, statements};

statements! {
    FIND = "SELECT in_force, staging FROM register";
    BEGIN = "UPDATE register SET staging = $1 WHERE staging = 0";
    PUT_IN_FORCE = "UPDATE register SET in_force = $1, entrances = $2, doors = $3 WHERE staging = $1";
    SIZE = "SELECT entrances, doors FROM register";
    SET_SIZE = "UPDATE register SET entrances = $1, doors = $2";
    COUNT = "SELECT (SELECT COUNT(*) FROM entrance e LEFT JOIN entrance_change c ON c.entrance = e.id AND c.since <= $1 \
        WHERE e.since <= $1 AND COALESCE(c.vanished, e.vanished) = $2), \
        (SELECT COUNT(*) FROM unit u LEFT JOIN unit_change d ON d.unit = u.id AND d.since <= $1 JOIN entrance e ON e.id = u.entrance \
        LEFT JOIN entrance_change c ON c.entrance = e.id AND c.since <= $1 \
        WHERE u.since <= $1 AND COALESCE(d.vanished, u.vanished) = $2 AND COALESCE(c.vanished, e.vanished) = $2)";
    HOLD = "UPDATE register SET in_force = in_force";
    END = "UPDATE register SET staging = 0 WHERE staging = $1";
    LATER_UNITS = "SELECT id FROM unit WHERE since > $1 AND id > $2 ORDER BY id LIMIT $3";
    LATER_ENTRANCES = "SELECT id FROM entrance WHERE since > $1 AND id > $2 ORDER BY id LIMIT $3";
    LATER_UNIT_CHANGES = "SELECT unit FROM unit_change WHERE since > $1 AND unit > $2 ORDER BY unit LIMIT $3";
    LATER_ENTRANCE_CHANGES = "SELECT entrance FROM entrance_change WHERE since > $1 AND entrance > $2 ORDER BY entrance LIMIT $3";
    REMOVE_UNITS = "DELETE FROM unit WHERE id IN ($1)";
    REMOVE_ENTRANCES = "DELETE FROM entrance WHERE id IN ($1)";
    REMOVE_UNIT_CHANGES = "DELETE FROM unit_change WHERE unit IN ($1)";
    REMOVE_ENTRANCE_CHANGES = "DELETE FROM entrance_change WHERE entrance IN ($1)";
    REMOVE_SUCCESSIONS = "DELETE FROM succession WHERE since > $1";
    REMOVE_DOOR_SUCCESSIONS = "DELETE FROM door_succession WHERE since > $1";
    CARRY_ENTRANCES = "UPDATE entrance SET municipality = c.municipality, street = c.street, number = c.number, letter = c.letter, \
        postcode = c.postcode, post_town = c.post_town, grunnkrets = c.grunnkrets, district = c.district, lat = c.lat, lon = c.lon, \
        property = c.property, vanished = c.vanished, updated_at = c.updated_at \
        FROM entrance_change c WHERE c.entrance = entrance.id AND c.entrance IN ($1)";
    CARRY_UNITS = "UPDATE unit SET label = c.label, floor = c.floor, position = c.position, vanished = c.vanished \
        FROM unit_change c WHERE c.unit = unit.id AND c.unit IN ($1)";
}

/// Exceptions to the one dialect (ADR 0002): who imports is known by a lock that ends with whoever holds it. On SQLite
/// that is a lock on a file; on PostgreSQL one of its own, held by a connection.
pub const EXCEPTIONS: &[(&str, &str)] = &[("postgres: one import at a time", LOCK), ("postgres: the next may begin", UNLOCK)];
const LOCK: &str = "SELECT pg_try_advisory_lock($1)";
const UNLOCK: &str = "SELECT pg_advisory_unlock($1)";
/// The name of the lock, within the database: "register" in ASCII.
const LOCK_NAME: i64 = 0x7265_6769_7374_6572;

/// Which import is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    /// The number of the last import that was put in force; 0 before the first.
    pub number: i64,
    /// The number of the import whose rows may be left; 0 where none are.
    pub staging: i64,
}

/// Held by whoever imports. It is given up when it is dropped, and by the system when the process ends, however it does.
#[derive(Debug)]
pub enum Alone {
    /// A lock on a file beside the database.
    Sqlite(File),
    /// A lock of a connection of its own.
    Postgres(PgConnection),
}

impl Alone {
    /// Takes the lock; none when somebody else has it.
    ///
    /// # Errors
    /// When the file cannot be made, or the database cannot be reached.
    pub async fn take(db: &Db) -> Result<Option<Self>, StoreError> {
        match db {
            Db::Sqlite { path, .. } => {
                let file = beside(path, ".import").map_err(sqlx::Error::Io)?;
                match file.try_lock() {
                    Ok(()) => Ok(Some(Self::Sqlite(file))),
                    Err(TryLockError::WouldBlock) => Ok(None),
                    Err(TryLockError::Error(error)) => Err(sqlx::Error::Io(error).into()),
                }
            }
            Db::Postgres(pool) => {
                // Out of the pool: whoever got the connection next would hold the lock without knowing.
                let mut connection = pool.acquire().await?.detach();
                let row = sqlx::query(LOCK).bind(LOCK_NAME).fetch_one(&mut connection).await?;
                Ok(row.try_get::<bool, _>(0)?.then_some(Self::Postgres(connection)))
            }
        }
    }

    /// Whether it is still held: PostgreSQL gives the lock of a connection that broke to whoever asks next.
    pub async fn is_held(&mut self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(connection) => connection.ping().await.is_ok(),
        }
    }

    /// Gives it up, so that it is free when this returns.
    ///
    /// # Errors
    /// When the system or the database does not answer. It ends with the process then.
    pub async fn end(self) -> Result<(), StoreError> {
        match self {
            // Not only dropped: a process that is being started elsewhere holds all open files for a moment, and their locks.
            Self::Sqlite(file) => file.unlock().map_err(sqlx::Error::Io)?,
            // Not only closed: the server hears of that a moment later.
            Self::Postgres(mut connection) => {
                sqlx::query(UNLOCK).bind(LOCK_NAME).execute(&mut connection).await?;
                connection.close().await?;
            }
        }
        Ok(())
    }
}

/// Which import is in force, and whose rows may be left.
pub async fn in_force(tx: &mut Tx) -> Result<InForce, StoreError> {
    let row = tx.one(FIND, args![]).await?.ok_or(StoreError::Inconsistent { table: "register", column: "in_force" })?;
    Ok(InForce { number: row.get(0)?, staging: row.get(1)? })
}

/// Notes that an import begins to write. Refused, with [`StoreError::Stale`], while rows of another are left.
pub async fn begin(tx: &mut Tx, number: i64) -> Result<(), StoreError> {
    if tx.execute(BEGIN, args![number]).await? == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

/// How big a register is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Entrances that are still in their publisher's file.
    pub entrances: i64,
    /// Their doors.
    pub doors: i64,
}

/// How big the register in force is, as it was counted when it was put in force.
pub async fn size(tx: &mut Tx) -> Result<Size, StoreError> {
    let row = tx.one(SIZE, args![]).await?.ok_or(StoreError::Inconsistent { table: "register", column: "entrances" })?;
    Ok(Size { entrances: row.get(0)?, doors: row.get(1)? })
}

/// Counts the register of an import, whether it is in force yet or not. In a large city that takes a moment.
pub async fn count(tx: &mut Tx, number: i64) -> Result<Size, StoreError> {
    let row = tx.one(COUNT, args![number, false]).await?.ok_or(StoreError::Inconsistent { table: "register", column: "entrances" })?;
    Ok(Size { entrances: row.get(0)?, doors: row.get(1)? })
}

/// Notes how big the register in force is.
pub async fn set_size(tx: &mut Tx, size: Size) -> Result<(), StoreError> {
    tx.execute(SET_SIZE, args![size.entrances, size.doors]).await?;
    Ok(())
}

/// Puts the import in force that is being written, and notes how big its register is.
pub async fn put_in_force(tx: &mut Tx, number: i64, size: Size) -> Result<(), StoreError> {
    if tx.execute(PUT_IN_FORCE, args![number, size.entrances, size.doors]).await? == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

/// Keeps the register in force to the end of the transaction: none is put in force meanwhile, and one that is being put in
/// force is waited for. So a wish for quiet is either seen by what is put in force, or sees it.
pub async fn hold(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(HOLD, args![]).await?;
    Ok(())
}

/// Notes that nothing of an import is left to be carried or removed.
pub async fn end(tx: &mut Tx, number: i64) -> Result<(), StoreError> {
    tx.execute(END, args![number]).await?;
    Ok(())
}

/// What is tidied up, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Changes of doors.
    UnitChanges,
    /// Changes of entrances.
    EntranceChanges,
    /// Which entrances and doors came after which.
    Successions,
    /// Doors.
    Units,
    /// Entrances.
    Entrances,
}

impl Left {
    /// What an import leaves that was stopped before it was put in force; doors go before their entrances.
    pub const OF_A_STOPPED: [Self; 5] = [Self::UnitChanges, Self::EntranceChanges, Self::Successions, Self::Units, Self::Entrances];
    /// What is left to be carried when it was put in force.
    pub const OF_ONE_IN_FORCE: [Self; 2] = [Self::UnitChanges, Self::EntranceChanges];
}

/// The keys of some rows of imports later than `after`, beyond the key `last`.
async fn later(tx: &mut Tx, left: Left, after: i64, last: uuid::Uuid, most: i64) -> Result<Vec<Value>, StoreError> {
    let sql = match left {
        Left::UnitChanges => LATER_UNIT_CHANGES,
        Left::EntranceChanges => LATER_ENTRANCE_CHANGES,
        Left::Units => LATER_UNITS,
        Left::Entrances => LATER_ENTRANCES,
        Left::Successions => return Ok(Vec::new()),
    };
    tx.all(sql, args![after, last, most]).await?.iter().map(|row| Ok(row.get::<uuid::Uuid>(0)?.into())).collect()
}

/// Removes at most so many rows that a stopped import left, beyond the key `last`; gives the last key, or nothing at the end.
pub async fn remove_some(tx: &mut Tx, left: Left, in_force: i64, last: uuid::Uuid, most: i64) -> Result<Option<uuid::Uuid>, StoreError> {
    let sql = match left {
        Left::Successions => {
            tx.execute(REMOVE_SUCCESSIONS, args![in_force]).await?;
            tx.execute(REMOVE_DOOR_SUCCESSIONS, args![in_force]).await?;
            return Ok(None);
        }
        Left::UnitChanges => REMOVE_UNIT_CHANGES,
        Left::EntranceChanges => REMOVE_ENTRANCE_CHANGES,
        Left::Units => REMOVE_UNITS,
        Left::Entrances => REMOVE_ENTRANCES,
    };
    let keys = later(tx, left, in_force, last, most).await?;
    let (head, tail) = around_list(sql);
    tx.all_in(head, &[], &keys, tail).await?;
    Ok(last_of(&keys))
}

/// Carries at most so many changes that are in force into the rows that they change; says whether there were any.
pub async fn carry_some(tx: &mut Tx, left: Left, most: i64) -> Result<bool, StoreError> {
    let (carry, remove) = match left {
        Left::UnitChanges => (CARRY_UNITS, REMOVE_UNIT_CHANGES),
        Left::EntranceChanges => (CARRY_ENTRANCES, REMOVE_ENTRANCE_CHANGES),
        Left::Successions | Left::Units | Left::Entrances => return Ok(false),
    };
    // All that is there is in force: an import is put in force whole, and the next one waits for this.
    let keys = later(tx, left, 0, uuid::Uuid::nil(), most).await?;
    for sql in [carry, remove] {
        let (head, tail) = around_list(sql);
        tx.all_in(head, &[], &keys, tail).await?;
    }
    Ok(!keys.is_empty())
}

fn last_of(keys: &[Value]) -> Option<uuid::Uuid> {
    match keys.last() {
        Some(Value::Id(id)) => *id,
        _ => None,
    }
}
