//! What keeps a database from working, told from its own codes, and whether it still does.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use super::StoreError;

/// What keeps a database from working until somebody does something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// There is no room on the disk.
    Full,
    /// The file, its folder or the whole database may only be read, or the file was moved away.
    ReadOnly,
    /// The file is damaged: its pages contradict each other, or it is no database.
    Damaged,
    /// A file or a connection cannot be opened: too many are open.
    Handles,
    /// The disk does not take or give what it should.
    Disk,
    /// The database does not answer.
    Unreachable,
}

impl Trouble {
    /// The trouble behind an error, if it is one that stays until its cause is gone.
    pub fn of(error: &StoreError) -> Option<Self> {
        let error = match error {
            StoreError::Damaged => return Some(Self::Damaged),
            StoreError::Sql(error) => error,
            _ => return None,
        };
        match error {
            sqlx::Error::Io(error) if error.raw_os_error() == Some(TOO_MANY_OPEN) => Some(Self::Handles),
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => Some(Self::Unreachable),
            sqlx::Error::Database(database) => {
                let code = database.code()?;
                // SQLite's extended codes carry the plain one in their lowest byte; PostgreSQL's have five characters.
                match code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|code| code & 0xff) {
                    Some(13) => Some(Self::Full),
                    Some(8) => Some(Self::ReadOnly),
                    Some(11 | 26) => Some(Self::Damaged),
                    Some(14) => Some(Self::Handles),
                    Some(10) => Some(Self::Disk),
                    Some(_) => None,
                    None => Self::of_postgres(code.as_ref()),
                }
            }
            _ => None,
        }
    }

    fn of_postgres(code: &str) -> Option<Self> {
        match code {
            "53100" => Some(Self::Full),
            "25006" => Some(Self::ReadOnly),
            "XX001" | "XX002" => Some(Self::Damaged),
            "53000" | "53200" | "53300" => Some(Self::Handles),
            "58030" => Some(Self::Disk),
            code if code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03") => Some(Self::Unreachable),
            _ => None,
        }
    }

    /// Its name, as /readyz and the log say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "disk_full",
            Self::ReadOnly => "read_only",
            Self::Damaged => "damaged",
            Self::Handles => "no_handles",
            Self::Disk => "disk_fault",
            Self::Unreachable => "unreachable",
        }
    }

    /// What is the matter and what to do, for who runs the server.
    pub const fn to_do(self) -> &'static str {
        match self {
            Self::Full => "the disk is full. Nothing more is taken; phones keep what they have and send it later. Make room; no restart is needed",
            Self::ReadOnly => {
                "the database cannot be written: it is read-only, or its file was moved. Phones keep what they have. Give the server its file and its folder back; no restart is needed"
            }
            Self::Damaged => {
                "the database file is damaged, and nothing more is written to it. Phones keep what they have. Stop the server, run `dorbank verify`, and `dorbank restore` the newest backup"
            }
            Self::Handles => {
                "a file or a connection cannot be opened, most likely since too many are open. Phones keep what they have. Raise the limit of open files (ulimit -n, LimitNOFILE)"
            }
            Self::Disk => {
                "the disk does not take or give what it should (or a quota is reached). Phones keep what they have. Look at the disk and at the system's log"
            }
            Self::Unreachable => "the database does not answer. Phones keep what they have. Look whether it runs and can be reached",
        }
    }
}

/// `EMFILE`: this process has as many files open as it may have.
const TOO_MANY_OPEN: i32 = 24;

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_do())
    }
}

/// How a SQLite file last answered.
#[derive(Debug, Default)]
pub struct Health {
    known: Mutex<Option<Trouble>>,
    /// Who only looks says himself what he finds: it may be another file than the one that serves.
    is_quiet: bool,
}

impl Health {
    /// Of a database that is only looked at: its troubles are not logged.
    pub(super) fn quiet() -> Self {
        Self { is_quiet: true, ..Self::default() }
    }

    /// What keeps it from working, as far as is known.
    pub fn trouble(&self) -> Option<Trouble> {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what an error says, and logs it where it is news. What is damaged stays so: another page may well be sound.
    pub(super) fn note(&self, error: &StoreError) {
        let Some(trouble) = Trouble::of(error) else { return };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != Some(trouble) && *known != Some(Trouble::Damaged) {
            *known = Some(trouble);
            if !self.is_quiet {
                tracing::error!(reason = trouble.name(), "{trouble}");
            }
        }
    }

    /// Notes that a write became durable.
    pub(super) fn works(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(trouble) = known.take_if(|trouble| *trouble != Trouble::Damaged) {
            tracing::info!(reason = trouble.name(), "the database takes writes again");
        }
    }
}
