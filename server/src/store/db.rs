//! One store on two databases: `Db` is opened by address, `Tx` runs one SQL text on either.
//!
//! Every statement is written once, in the part of SQL that both understand (`$1`, `ON CONFLICT`, `RETURNING`,
//! multi-row `VALUES`), and is listed with `statements!` so that a test can prepare it on both. See ADR 0002.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};

use sqlx::{
    Arguments as _, AssertSqlSafe, Column as _, Connection as _, Row as _,
    postgres::{PgArguments, PgConnection, PgPoolOptions, PgRow},
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use super::{
    StoreError,
    parts::Placeholders,
    trouble::{Health, Trouble},
};

/// Names statements and lists them, so that the test `every_statement_prepares_on_both` finds each.
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        /// Every statement of this file, by name.
        pub(crate) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $sql)),*];
    };
}

/// A value on its way into a statement. The option inside keeps its type when it is absent, which PostgreSQL needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `INTEGER` / `BIGINT`
    Int(Option<i64>),
    /// `REAL` / `DOUBLE PRECISION`
    Real(Option<f64>),
    /// `INTEGER` 0 or 1 / `BOOLEAN`
    Bool(Option<bool>),
    /// `TEXT`
    Text(Option<String>),
    /// `BLOB` / `BYTEA`
    Bytes(Option<Vec<u8>>),
    /// `BLOB` / `UUID`
    Id(Option<Uuid>),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident, $convert:expr;)*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self { Self::$variant(Some($convert(value))) }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self { Self::$variant(value.map($convert)) }
        }
    )*};
}
value_from! {
    i64 => Int, |v| v;
    i32 => Int, i64::from;
    u32 => Int, i64::from;
    f64 => Real, |v| v;
    bool => Bool, |v| v;
    String => Text, |v| v;
    &str => Text, str::to_owned;
    Vec<u8> => Bytes, |v| v;
    &[u8] => Bytes, |v: &[u8]| v.to_vec();
    Uuid => Id, |v| v;
}
impl<const N: usize> From<[u8; N]> for Value {
    fn from(value: [u8; N]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

/// Collects arguments: `args![turf, seq, name]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::db::Value::from($value)),*] };
}

/// A row of either database. Columns are read by position.
#[derive(Debug)]
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

/// A type that both databases can give.
pub trait Readable:
    for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>
{
}
impl<T> Readable for T where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>
{
}

impl Row {
    /// The column at `index`.
    ///
    /// # Errors
    /// When there is no such column or it holds another type.
    pub fn get<T: Readable>(&self, index: usize) -> Result<T, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(index)?,
            Self::Postgres(row) => row.try_get(index)?,
        })
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> Vec<String> {
        match self {
            Self::Sqlite(row) => row.columns().iter().map(|c| c.name().to_owned()).collect(),
            Self::Postgres(row) => row.columns().iter().map(|c| c.name().to_owned()).collect(),
        }
    }
}

/// The database, open.
#[derive(Debug, Clone)]
pub enum Db {
    /// One file. A single writer, whose queue is fair; many readers.
    Sqlite {
        /// The one connection that writes.
        writer: sqlx::SqlitePool,
        /// Connections that only read.
        readers: sqlx::SqlitePool,
        /// The queue for the writer.
        turn: Arc<Mutex<()>>,
        /// Where the file is.
        path: PathBuf,
        /// How it last answered.
        health: Arc<Health>,
        /// Held shared while it is open, so that a restore knows; absent where it is only looked at.
        lock: Option<Arc<File>>,
    },
    /// A PostgreSQL database, shared by any number of server processes.
    Postgres(sqlx::PgPool),
}

/// The file beside a SQLite database that everybody who has it open holds a lock on. The system gives the lock up with
/// the process, however that ends; SQLite's own locks do not tell a server that is idle from none.
/// # Errors
/// When the file cannot be made.
pub fn lock_file(path: &Path) -> std::io::Result<File> {
    beside(path, ".lock")
}

/// A file beside a SQLite database for a lock, made where there is none.
pub(super) fn beside(database: &Path, ending: &str) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(name)
}

/// Makes an empty database where there is none, for nobody else on the machine to read. One that is there is not opened: to
/// close it would let go of the locks that this process has on it.
fn make_ours(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    match File::options().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The migrations of SQLite and of PostgreSQL, as this program knows them.
static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/postgres");

/// Whether a connection that is given back may be used again. On a full or failing disk SQLite rolls a transaction back
/// by itself; sqlx's own rollback then fails, it counts the transaction as open for ever, and no other could be begun.
async fn has_no_transaction(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // A rollback is asked for without waiting; this waits for it.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// How many connections only read.
const READERS: u32 = 4;

/// Rows per multi-row statement: SQLite takes at most 32,766 arguments, and beyond some hundred rows nothing is gained.
pub const ROWS_PER_STATEMENT: usize = 500;

impl Db {
    /// Opens `address` (`sqlite:PATH` or `postgres://…`), creates the file where there is none, and runs the migrations.
    ///
    /// # Errors
    /// When the address is of neither kind, the database cannot be reached, or a migration fails.
    pub async fn open(address: &str) -> Result<Self, StoreError> {
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            let pool = match PgPoolOptions::new().max_connections(8).connect(address).await {
                // The pool tried for half a minute and does not say why; one connection does.
                Err(sqlx::Error::PoolTimedOut) => return Err(PgConnection::connect(address).await.err().unwrap_or(sqlx::Error::PoolTimedOut).into()),
                pool => pool?,
            };
            POSTGRES_MIGRATIONS.run(&pool).await?;
            return Ok(Self::Postgres(pool));
        }
        let Some(path) = address.strip_prefix("sqlite:") else {
            return Err(StoreError::Address(address.split(':').next().unwrap_or_default().to_owned()));
        };
        let lock = lock_file(Path::new(path)).map_err(sqlx::Error::Io)?;
        lock.try_lock_shared().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::Restoring,
            TryLockError::Error(error) => sqlx::Error::Io(error).into(),
        })?;
        make_ours(Path::new(path)).map_err(sqlx::Error::Io)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // A phone deletes its copy on our receipt, so the receipt must outlive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("secure_delete", "ON")
            // What a long statement would be taken back from is kept in memory, not in a file that is made for each.
            .pragma("temp_store", "MEMORY")
            .row_buffer_size(ROWS_PER_STATEMENT)
            .busy_timeout(std::time::Duration::from_secs(20));
        let health = Arc::<Health>::default();
        // A file does not go away as a connection over a network does, and sqlx tests each when it is given back. What was
        // opened while the file could only be read stays so; it is opened anew until it takes writes.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_release({
                let health = health.clone();
                move |conn, _| {
                    let is_fit = health.trouble() != Some(Trouble::ReadOnly);
                    Box::pin(async move { Ok(is_fit && has_no_transaction(conn).await?) })
                }
            })
            .connect_with(options.clone())
            .await?;
        SQLITE_MIGRATIONS.run(&writer).await?;
        // All at once and for good: where no more files can be opened, what is open goes on.
        let readers = SqlitePoolOptions::new()
            .min_connections(READERS)
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_release(|conn, _| Box::pin(has_no_transaction(conn)))
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self::Sqlite { writer, readers, turn: Arc::new(Mutex::new(())), path: PathBuf::from(path), health, lock: Some(Arc::new(lock)) })
    }

    /// Opens `address` only to look: nothing is made, migrated or written. The migrations may be older than the program.
    ///
    /// # Errors
    /// When the address is of neither kind, or there is no such database.
    pub async fn inspect(address: &str) -> Result<Self, StoreError> {
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            return Ok(Self::Postgres(PgPoolOptions::new().max_connections(2).connect(address).await?));
        }
        let Some(path) = address.strip_prefix("sqlite:") else {
            return Err(StoreError::Address(address.split(':').next().unwrap_or_default().to_owned()));
        };
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(std::time::Duration::from_secs(20));
        let readers = SqlitePoolOptions::new().max_connections(2).test_before_acquire(false).connect_with(options).await?;
        Ok(Self::Sqlite {
            writer: readers.clone(),
            readers,
            turn: Arc::new(Mutex::new(())),
            path: PathBuf::from(path),
            health: Arc::new(Health::quiet()),
            lock: None,
        })
    }

    /// The migrations that this program knows: their numbers and checksums, in order.
    pub fn migrations(&self) -> Vec<(i64, Vec<u8>)> {
        let known = match self {
            Self::Sqlite { .. } => &SQLITE_MIGRATIONS,
            Self::Postgres(_) => &POSTGRES_MIGRATIONS,
        };
        known.iter().map(|migration| (migration.version, migration.checksum.to_vec())).collect()
    }

    /// What keeps the database from working, as far as is known. PostgreSQL is asked anew each time.
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Sqlite { health, .. } => health.trouble(),
            Self::Postgres(_) => None,
        }
    }

    /// Begins a transaction that may write. On SQLite it waits for its turn and takes the write lock at once.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite { writer, turn, health, .. } => {
                if health.trouble() == Some(Trouble::Damaged) {
                    return Err(StoreError::Damaged);
                }
                let turn = turn.clone().lock_owned().await;
                let tx = noted(health, writer.begin_with("BEGIN IMMEDIATE").await)?;
                Ok(Tx::Sqlite { tx, health: health.clone(), turn: Some(turn) })
            }
            Self::Postgres(pool) => Ok(Tx::Postgres(pool.begin().await?)),
        }
    }

    /// Begins a transaction that only reads: one snapshot for all its statements.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite { readers, health, .. } => Ok(Tx::Sqlite { tx: noted(health, readers.begin().await)?, health: health.clone(), turn: None }),
            Self::Postgres(pool) => Ok(Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)),
        }
    }

    /// Closes the connections; on SQLite the WAL goes into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers, lock, .. } => {
                readers.close().await;
                writer.close().await;
                // Where this fails the lock ends with the process.
                let _ = lock.as_ref().map(|lock| lock.unlock());
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction on either database. Dropped without `commit`, it is rolled back.
#[derive(Debug)]
pub enum Tx {
    /// On SQLite.
    Sqlite {
        /// The transaction.
        tx: sqlx::Transaction<'static, sqlx::Sqlite>,
        /// Where it is noted how the file answers.
        health: Arc<Health>,
        /// The place in the writer's queue, given up when the transaction ends.
        turn: Option<OwnedMutexGuard<()>>,
    },
    /// On PostgreSQL.
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

/// Notes what SQLite says of its file.
fn noted<T>(health: &Health, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
    result.map_err(|error| {
        let error = StoreError::from(error);
        health.note(&error);
        error
    })
}

/// The arguments of a statement, as one of the databases takes them.
macro_rules! arguments {
    ($name:ident, $arguments:ty) => {
        fn $name(args: Vec<Value>) -> Result<$arguments, StoreError> {
            let mut out = <$arguments>::default();
            out.reserve(args.len(), 0);
            for arg in args {
                match arg {
                    Value::Int(v) => out.add(v),
                    Value::Real(v) => out.add(v),
                    Value::Bool(v) => out.add(v),
                    Value::Text(v) => out.add(v),
                    Value::Bytes(v) => out.add(v),
                    Value::Id(v) => out.add(v),
                }
                .map_err(sqlx::Error::Encode)?;
            }
            Ok(out)
        }
    };
}
arguments!(sqlite_arguments, SqliteArguments);
arguments!(postgres_arguments, PgArguments);

impl Tx {
    /// Runs a statement and says how many rows it touched.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn execute(&mut self, sql: &str, args: Vec<Value>) -> Result<u64, StoreError> {
        let text = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::Sqlite { tx, health, .. } => {
                noted(health, sqlx::query_with(text, sqlite_arguments(args)?).execute(&mut **tx).await)?.rows_affected()
            }
            Self::Postgres(tx) => sqlx::query_with(text, postgres_arguments(args)?).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// All rows that a statement gives.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn all(&mut self, sql: &str, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.rows(sql.to_owned(), args).await
    }

    async fn rows(&mut self, sql: String, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let text = AssertSqlSafe(sql);
        Ok(match self {
            Self::Sqlite { tx, health, .. } => {
                let rows = noted(health, sqlx::query_with(text, sqlite_arguments(args)?).fetch_all(&mut **tx).await)?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(tx) => {
                sqlx::query_with(text, postgres_arguments(args)?).fetch_all(&mut **tx).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The one row that a statement gives, or none.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn one(&mut self, sql: &str, args: Vec<Value>) -> Result<Option<Row>, StoreError> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// Runs `head VALUES (…), (…) tail` over all `rows`, some hundred rows a statement, and gives what `RETURNING` gave.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn many(&mut self, head: &str, rows: Vec<Vec<Value>>, tail: &str) -> Result<Vec<Row>, StoreError> {
        let mut out = Vec::new();
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let chunk: Vec<_> = rows.by_ref().take(ROWS_PER_STATEMENT).collect();
            let (count, columns) = (chunk.len(), chunk[0].len());
            let mut args = Vec::with_capacity(count * columns);
            args.extend(chunk.into_iter().flatten());
            out.extend(self.rows(self.placeholders().values(head, count, columns, tail), args).await?);
        }
        Ok(out)
    }

    /// Rows whose key is in a list: `head (…) tail`, where `head` ends in `IN` and names each of `first` once, in order;
    /// the list is `keys`.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn all_in(&mut self, head: &str, first: &[Value], keys: &[Value], tail: &str) -> Result<Vec<Row>, StoreError> {
        let mut out = Vec::new();
        for chunk in keys.chunks(ROWS_PER_STATEMENT) {
            let sql = self.placeholders().list(head, first.len(), chunk.len(), tail);
            out.extend(self.rows(sql, first.iter().chain(chunk).cloned().collect()).await?);
        }
        Ok(out)
    }

    /// Whether this runs on SQLite, for the named exceptions of ADR 0002.
    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    fn placeholders(&self) -> Placeholders {
        if self.is_sqlite() { Placeholders::Bare } else { Placeholders::Numbered }
    }

    /// Makes all of it durable.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite { tx, health, turn } => {
                noted(&health, tx.commit().await)?;
                if turn.is_some() {
                    health.works();
                }
            }
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
