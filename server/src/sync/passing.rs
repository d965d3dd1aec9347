//! Faults that pass: the transaction is done again from its beginning.

use crate::store::StoreError;

/// How often a transaction is tried. Each try waits in the database for what stood in its way, so none waits here.
pub(super) const TRIES: usize = 4;

/// Whether the same transaction may well succeed when it is done again: the database was busy, chose it to break a
/// deadlock, lost the connection, or another transaction wrote the same key meanwhile. All that is written here is
/// keyed by the entries' own ids, so doing it again writes nothing twice, even where the first try did commit.
pub(super) fn is_passing(error: &StoreError) -> bool {
    match error {
        StoreError::Sql(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_)) => true,
        StoreError::Sql(sqlx::Error::Database(database)) => {
            error.is_unique_violation()
                || database.code().is_some_and(|code| {
                    // SQLITE_BUSY and SQLITE_LOCKED with their extended codes; serialization failure, deadlock, lock
                    // not available, the server shutting down.
                    matches!(code.as_ref(), "5" | "6" | "261" | "262" | "517" | "773" | "40001" | "40P01" | "55P03" | "57P01")
                })
        }
        _ => false,
    }
}
