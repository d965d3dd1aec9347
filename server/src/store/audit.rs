//! What officers did. Written in the transaction of what it tells about; no text, no reason, nothing that a voter said.

use uuid::Uuid;

use super::{StoreError, Tx};
use crate::{args, statements};

statements! {
    INSERT = "INSERT INTO audit (id, at, officer, role, action, subject, subject_id) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    ALL = "SELECT at, officer, role, action, subject, subject_id FROM audit ORDER BY at, id";
}

/// What is done, who did it and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Milliseconds since 1970, UTC.
    pub at: i64,
    /// The officer; absent for the command line and for jobs.
    pub officer: Option<Uuid>,
    /// The officer's role; `operator` for the command line.
    pub role: String,
    /// What was done ("admit").
    pub action: String,
    /// To what kind of thing ("device").
    pub subject: String,
    /// Which one.
    pub subject_id: String,
}

/// Writes a row; `id` is a new one that sorts by time.
pub async fn write(tx: &mut Tx, id: Uuid, row: &Audit) -> Result<(), StoreError> {
    let Audit { at, officer, role, action, subject, subject_id } = row;
    tx.execute(INSERT, args![id, *at, *officer, role.as_str(), action.as_str(), subject.as_str(), subject_id.as_str()]).await?;
    Ok(())
}

/// All rows, oldest first.
pub async fn all(tx: &mut Tx) -> Result<Vec<Audit>, StoreError> {
    tx.all(ALL, args![])
        .await?
        .iter()
        .map(|row| {
            Ok(Audit { at: row.get(0)?, officer: row.get(1)?, role: row.get(2)?, action: row.get(3)?, subject: row.get(4)?, subject_id: row.get(5)? })
        })
        .collect()
}
