//! All SQL. One noun a file; a function is one statement or a few that belong together, and its caller owns the transaction.

pub mod db;

pub use db::{Db, Row, Tx, Value};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `DATABASE_URL` names neither SQLite nor PostgreSQL.
    #[error("a database address starts with sqlite: or postgres:, this one with {0}:")]
    Address(String),
    /// The database's own words.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// A migration failed.
    #[error(transparent)]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row holds what the program cannot have written.
    #[error("{table}.{column} holds a value that is not one of its kinds")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A planned thing was changed by somebody else since it was read.
    #[error("changed by somebody else since it was read")]
    Stale,
}

impl StoreError {
    /// Whether a unique constraint said no.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}
