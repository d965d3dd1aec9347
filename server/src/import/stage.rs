//! Who imports, alone; what a stopped import left; and the short transactions of which an import is made.

use std::time::Instant;

use uuid::Uuid;

use super::ImportError;
use crate::store::{
    Db, StoreError, Tx,
    register::{self, Alone, Left},
};

/// So many rows are removed or carried in one transaction.
const ROWS_TIDIED: i64 = 2_000;

/// How an import goes about its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// So many rows of the file are written in one transaction.
    pub rows: usize,
    /// After so many transactions it stops as if it had been killed. For tests of just that.
    pub stop_after: Option<usize>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { rows: 4_000, stop_after: None }
    }
}

/// The transactions of an import. Each is short, so that phones are answered in between.
#[derive(Debug)]
pub struct Steps<'a> {
    db: &'a Db,
    left: Option<usize>,
}

impl<'a> Steps<'a> {
    /// Begins.
    pub fn new(db: &'a Db, pace: Pace) -> Self {
        Self { db, left: pace.stop_after }
    }

    /// One transaction, which is committed when `work` is done.
    ///
    /// # Errors
    /// Those of the work, and of the database. Then nothing of it is written.
    pub async fn one<T>(&mut self, what: &'static str, work: impl AsyncFnOnce(&mut Tx) -> Result<T, StoreError>) -> Result<T, ImportError> {
        if self.left == Some(0) {
            return Err(ImportError::Stopped);
        }
        let mut tx = self.db.begin().await?;
        let begun = Instant::now();
        let done = work(&mut tx).await?;
        tx.commit().await?;
        // While it lasts no phone is answered; `make bench` looks at the longest.
        tracing::debug!(what, held_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX), "import step");
        self.left = self.left.map(|left| left - 1);
        Ok(done)
    }

    /// Whether it stops here as if it had been killed.
    pub fn is_killed(&self) -> bool {
        self.left == Some(0)
    }
}

/// Takes the register for oneself.
///
/// # Errors
/// [`ImportError::Running`] while somebody else has it; or the store's own.
pub async fn alone(db: &Db) -> Result<Alone, ImportError> {
    Alone::take(db).await?.ok_or(ImportError::Running)
}

/// As [`alone`], with nothing left of an import that was stopped.
///
/// # Errors
/// As [`alone`].
pub async fn alone_and_tidy(db: &Db) -> Result<Alone, ImportError> {
    let alone = alone(db).await?;
    if let Err(error) = tidy(&mut Steps::new(db, Pace::default()), db).await {
        give_back(alone).await;
        return Err(error);
    }
    Ok(alone)
}

/// Gives the register back. Where that fails it is free when this process ends, and what was done is done all the same.
pub async fn give_back(alone: Alone) {
    if let Err(error) = alone.end().await {
        tracing::warn!(%error, "the lock of the import was not given up; it ends with this process");
    }
}

/// Removes what an import left that was stopped before it was put in force, or carries into the register what one left
/// to be carried that was stopped after. Gives the number of the import in force.
///
/// # Errors
/// The store's own. What is left then is left for the next.
pub async fn tidy(steps: &mut Steps<'_>, db: &Db) -> Result<i64, ImportError> {
    let register = register::in_force(&mut db.read().await?).await?;
    if register.staging == 0 {
        return Ok(register.number);
    }
    if register.staging > register.number {
        for left in Left::OF_A_STOPPED {
            let mut last = Some(Uuid::nil());
            while let Some(after) = last {
                last = steps.one("remove", async |tx| register::remove_some(tx, left, register.number, after, ROWS_TIDIED).await).await?;
            }
        }
        steps.one("removed", async |tx| register::end(tx, register.staging).await).await?;
    } else {
        carry(steps, register.staging).await?;
    }
    Ok(register.number)
}

/// Carries what the import in force changes into the rows that it changes. Nobody who reads sees a difference.
///
/// # Errors
/// The store's own. What is left then is left for the next.
pub async fn carry(steps: &mut Steps<'_>, number: i64) -> Result<(), ImportError> {
    for left in Left::OF_ONE_IN_FORCE {
        while steps.one("carry", async |tx| register::carry_some(tx, left, ROWS_TIDIED).await).await? {}
    }
    steps.one("carried", async |tx| register::end(tx, number).await).await
}
