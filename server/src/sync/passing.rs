//! Faults that pass: the transaction is done again from its beginning.

use crate::store::StoreError;

/// How often a transaction is tried. Each try waits in the database for what stood in its way, so none waits here.
pub(super) const TRIES: usize = 4;

/// Whether the same transaction may well succeed when it is done again: the database was busy, chose it to break a
/// deadlock, lost the connection, or another transaction wrote the same key meanwhile. What is done again so is keyed by
/// the entries' own ids, so doing it again writes nothing twice, even where the first try did commit. What is not keyed
/// so asks [`wrote_nothing`].
pub(super) fn is_passing(error: &StoreError) -> bool {
    wrote_nothing(error) || matches!(error, StoreError::Sql(sqlx::Error::Io(_)))
}

/// As [`is_passing`], where the database itself has said that the transaction did not happen. A connection that was lost
/// says nothing: the commit may have been done, and only its answer gone.
pub(super) fn wrote_nothing(error: &StoreError) -> bool {
    match error {
        StoreError::Overtaken | StoreError::Sql(sqlx::Error::PoolTimedOut) => true,
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

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_connection_that_was_lost_at_the_commit_was_taken_for_one_that_wrote_nothing() {
        let lost = StoreError::Sql(sqlx::Error::Io(io::ErrorKind::ConnectionReset.into()));
        assert!(is_passing(&lost) && !wrote_nothing(&lost));
        let full = StoreError::Sql(sqlx::Error::PoolTimedOut);
        assert!(is_passing(&full) && wrote_nothing(&full));
        assert!(!is_passing(&StoreError::Stale) && !wrote_nothing(&StoreError::Stale));
    }
}
