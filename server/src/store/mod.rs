//! All SQL. One noun a file; a function is one statement or a few that belong together, and its caller owns the transaction.

pub mod audit;
pub mod backup;
pub mod branch;
pub mod campaign;
pub mod check;
pub mod coarsen;
pub mod correction;
pub mod db;
pub mod device;
pub mod district;
pub mod door_state;
pub mod entrance;
pub mod input;
pub mod line;
pub mod meta;
pub mod mix_mark;
pub mod officer;
pub mod overview;
mod parts;
pub mod quarantine;
pub mod receipt;
pub mod register;
pub mod release;
pub mod round;
pub mod scope;
pub mod session;
pub mod shift;
pub mod spool;
pub mod staged;
pub mod stamp;
pub mod status;
pub mod succession;
pub mod tally;
pub mod ticket;
pub mod trouble;
pub mod turf;
pub mod verify;
pub mod visit;

pub use db::{Db, Row, Tx, Value};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `DATABASE_URL` names neither SQLite nor PostgreSQL.
    #[error("a database address starts with sqlite: or postgres:, this one with {0}:")]
    Address(String),
    /// The database's own words.
    #[error("{}", plain(.0))]
    Sql(sqlx::Error),
    /// A migration failed.
    #[error("{}", plain_migration(.0))]
    Migrate(sqlx::migrate::MigrateError),
    /// A row holds what the program cannot have written.
    #[error("{table}.{column} holds a value that is not one of its kinds")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The file is damaged, and nothing is written to it any more.
    #[error("the database file is damaged")]
    Damaged,
    /// A restore is putting another database in the place of this one.
    #[error("a restore is putting another database in its place; try again when it is done")]
    Restoring,
    /// A planned thing was changed by somebody else since it was read.
    #[error("changed by somebody else since it was read")]
    Stale,
    /// Another transaction took away what this one had read. Done again, it sees so.
    #[error("overtaken by another transaction")]
    Overtaken,
}

/// The database's words about an error, once: sqlx repeats them at each level, and calls the person at the keyboard names.
fn plain(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(database) => match database.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
            Some(14) => {
                "the file cannot be opened or made; look whether its folder is there and may be written, and whether the disk is full".to_owned()
            }
            Some(26) => "the file is not a database".to_owned(),
            _ => database.message().to_owned(),
        },
        sqlx::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

fn plain_migration(error: &sqlx::migrate::MigrateError) -> String {
    use sqlx::migrate::MigrateError;
    match error {
        MigrateError::Execute(error) => plain(error),
        MigrateError::VersionMissing(version) => {
            format!("it was written by a newer version of this program (its migration {version} is not known here); use that version")
        }
        MigrateError::VersionMismatch(version) => {
            format!("its migration {version} is another one than this program's; it belongs to another build")
        }
        MigrateError::Dirty(version) => format!("its migration {version} was begun and not finished; restore a backup"),
        other => other.to_string(),
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => Self::Sql(error),
            other => Self::Migrate(other),
        }
    }
}

impl StoreError {
    /// Whether a unique constraint said no.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

/// Every statement of the store, as (file, name, text). A test prepares each on both databases.
pub fn all_statements() -> Vec<(&'static str, &'static str, &'static str)> {
    [
        ("audit", audit::STATEMENTS),
        ("branch", branch::STATEMENTS),
        ("campaign", campaign::STATEMENTS),
        ("check", check::STATEMENTS),
        ("coarsen", coarsen::STATEMENTS),
        ("correction", correction::STATEMENTS),
        ("device", device::STATEMENTS),
        ("district", district::STATEMENTS),
        ("door_state", door_state::STATEMENTS),
        ("entrance", entrance::STATEMENTS),
        ("input", input::STATEMENTS),
        ("line", line::STATEMENTS),
        ("meta", meta::STATEMENTS),
        ("mix_mark", mix_mark::STATEMENTS),
        ("officer", officer::STATEMENTS),
        ("overview", overview::STATEMENTS),
        ("quarantine", quarantine::STATEMENTS),
        ("receipt", receipt::STATEMENTS),
        ("register", register::STATEMENTS),
        ("release", release::STATEMENTS),
        ("round", round::STATEMENTS),
        ("scope", scope::STATEMENTS),
        ("session", session::STATEMENTS),
        ("shift", shift::STATEMENTS),
        ("spool", spool::STATEMENTS),
        ("staged", staged::STATEMENTS),
        ("stamp", stamp::STATEMENTS),
        ("status", status::STATEMENTS),
        ("succession", succession::STATEMENTS),
        ("tally", tally::STATEMENTS),
        ("ticket", ticket::STATEMENTS),
        ("turf", turf::STATEMENTS),
        ("verify", verify::STATEMENTS),
        ("visit", visit::STATEMENTS),
    ]
    .into_iter()
    .flat_map(|(file, statements)| statements.iter().map(move |(name, sql)| (file, *name, *sql)))
    .collect()
}
