//! Whether a database is whole: its file, its migrations, and what must be true of what it holds.

use std::{collections::HashSet, fmt};

use dorbank_shared::{seal::SEALED_BYTES, visit::fold};
use sha2::{Digest as _, Sha256};

use crate::{
    coarsen::{self, FINE_MS},
    error::kind,
    store::{Db, StoreError, Tx, meta, spool, stamp, ticket, verify},
};

/// One thing that was looked at, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What must be true.
    pub what: &'static str,
    /// What is not. Numbers only: it may be read by anybody who runs the server.
    pub wrong: Vec<String>,
    /// Why it was not looked at, where it was not.
    pub skipped: Option<&'static str>,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.wrong.first(), self.skipped) {
            (None, None) => write!(f, "ok     {}", self.what),
            (None, Some(why)) => write!(f, "-      {} ({why})", self.what),
            (Some(_), _) => {
                write!(f, "WRONG  {}", self.what)?;
                self.wrong.iter().try_for_each(|line| write!(f, "\n         {line}"))
            }
        }
    }
}

/// Whether nothing is wrong.
pub fn is_whole(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.wrong.is_empty())
}

fn check(what: &'static str, wrong: Result<Vec<String>, StoreError>) -> Check {
    let wrong = wrong.unwrap_or_else(|error| vec![format!("this cannot be read: {}", unreadable(&error))]);
    Check { what, wrong, skipped: None }
}

/// What SQLite's codes say of a file (<https://www.sqlite.org/rescode.html>).
fn unreadable(error: &StoreError) -> String {
    let StoreError::Sql(sqlx::Error::Database(of)) = error else { return kind(error) };
    match of.code().as_deref() {
        Some("26") => "it is no SQLite database".to_owned(),
        Some("11") => "it is damaged, or was cut off".to_owned(),
        Some("776") => "a change to it was interrupted, and is undone when a server opens it: start one, then look again".to_owned(),
        _ => kind(error).trim_end().to_owned(),
    }
}

/// Nothing, or how often something is not as it must be.
fn counted(count: Result<i64, StoreError>, of: &str) -> Result<Vec<String>, StoreError> {
    Ok(match count? {
        0 => vec![],
        count => vec![format!("{count} {of}")],
    })
}

/// Looks at everything, and writes nothing. One moment of the database is looked at, also while a server writes.
///
/// # Errors
/// When the database cannot even be opened. What cannot be read of it is a check that is wrong.
pub async fn run(db: &Db, now_ms: i64) -> Result<Vec<Check>, StoreError> {
    let mut tx = db.read().await?;
    let mut checks = file(&mut tx).await;
    let (migrations, behind) = migrations(db, &mut tx).await;
    let known = migrations.wrong.is_empty();
    checks.push(migrations);
    if behind || !known {
        let why = if behind { "an older version wrote it; this is looked at when a restore has brought it up to date" } else { "see above" };
        checks.push(Check { what: "visits, receipts, doors and inputs agree", wrong: vec![], skipped: Some(why) });
        return Ok(checks);
    }
    checks.extend(contents(&mut tx, now_ms).await);
    Ok(checks)
}

/// The file itself; nothing on PostgreSQL, which looks after its own.
async fn file(tx: &mut Tx) -> Vec<Check> {
    if !tx.is_sqlite() {
        return vec![];
    }
    let pages = verify::integrity(tx).await.map(|lines| {
        let more = lines.len().saturating_sub(5);
        let rest = (more > 0).then(|| format!("and {more} more"));
        lines.into_iter().take(5).chain(rest).collect()
    });
    let references = verify::dangling(tx).await.map(|tables| {
        let mut lines: Vec<String> = tables.iter().map(|(table, count)| format!("{table}: {count}")).collect();
        lines.sort();
        lines
    });
    vec![check("the file is sound (SQLite's integrity check)", pages), check("what is referred to is there", references)]
}

/// Whether this program knows all migrations that were run; and whether there are some that were not.
async fn migrations(db: &Db, tx: &mut Tx) -> (Check, bool) {
    const WHAT: &str = "this program knows how it was written (its migrations)";
    let known = db.migrations();
    let ran = match verify::migrations(tx).await {
        Ok(ran) => ran,
        Err(error) => {
            let wrong = vec![format!("there are none: this is no database of Dørbank, or it is damaged ({})", unreadable(&error))];
            return (Check { what: WHAT, wrong, skipped: None }, false);
        }
    };
    let mut wrong = vec![];
    for (version, finished, checksum) in &ran {
        match known.iter().find(|(number, _)| number == version) {
            None => wrong.push(format!("migration {version} is not known: a newer version of this program wrote it, and is needed to read it")),
            Some((_, expected)) if expected != checksum => wrong.push(format!("migration {version} is another one than this program's")),
            Some(_) if !finished => wrong.push(format!("migration {version} was begun and not finished")),
            Some(_) => {}
        }
    }
    let behind = known.iter().any(|(number, _)| ran.iter().all(|(version, ..)| version != number));
    (Check { what: WHAT, wrong, skipped: None }, behind)
}

async fn contents(tx: &mut Tx, now_ms: i64) -> Vec<Check> {
    let demo = stamp::is_demo(tx).await.unwrap_or_default();
    let coarsened = coarsen::coarsened_before(tx).await.ok().flatten().unwrap_or(now_ms - FINE_MS);
    let epoch = meta::epoch(tx).await.map(|_| vec![]);
    let missing = counted(verify::missing_visits(tx, coarsened).await, "receipts say that a visit was stored which is not there");
    let unanswered = counted(verify::unanswered_visits(tx).await, "visits have none: a phone could send them again and have them counted twice");
    let kept = counted(verify::missing_kept(tx).await, "entries were answered as kept and are not there");
    let numbers = counted(verify::wrong_numbers(tx).await, "numbers were never given, or given twice: phones could miss a change");
    let marks = counted(verify::wrong_marks(tx).await, "are below zero, or say that more was mixed than was heard");
    let sizes = counted(spool::wrong_size(tx, i64::try_from(SEALED_BYTES).unwrap_or(i64::MAX)).await, "have another size: they were cut or added");
    let paid = counted(spool::unpaid(tx).await, "rounds hold more inputs than tickets were spent on: some may be there twice");
    let mut checks = vec![
        check("it has an epoch, by which phones know a restore", epoch),
        check("every receipt of a visit has its visit (or the shift was coarsened)", missing),
        check("every visit has its receipt", unanswered),
        check("every entry that was kept to be looked at is there", kept),
        check("every door says what its visits say", doors(tx).await),
        check("no number lies beyond the campaign's counter", numbers),
        check("sealed inputs have the one size", sizes),
        check("every input was paid for with a ticket", paid),
        check("no ticket that was drawn can be drawn again", tickets(tx).await),
        check("the mix's marks and the tallies can be", marks),
    ];
    if demo {
        checks[2] = Check { what: checks[2].what, wrong: vec![], skipped: Some("a demo's visits came from no phone") };
    }
    checks
}

/// The projection that phones pull against the visits that stand. A door of which something was coarsened may show
/// either of two outcomes that were noted with equal right, so only that it shows one is looked at.
async fn doors(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let standing = verify::standing(tx).await?;
    let states = verify::states(tx).await?;
    let mut wrong = 0;
    for (door, (visits, coarse)) in &standing {
        let shown = states.get(door).copied().flatten();
        let folded = fold(visits.iter().copied());
        let differs = if *coarse { shown.is_none() } else { shown != folded };
        wrong += usize::from(differs);
    }
    wrong += states.iter().filter(|(door, state)| state.is_some() && !standing.contains_key(door)).count();
    counted(Ok(i64::try_from(wrong).unwrap_or(i64::MAX)), "doors show something else")
}

async fn tickets(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let hashes: Vec<[u8; 32]> = ticket::not_drawn(tx).await?.iter().map(|ticket| Sha256::digest(ticket).into()).collect();
    let drawn: HashSet<Vec<u8>> = ticket::among(tx, &hashes).await?.into_iter().map(|ticket| ticket.hash).collect();
    counted(Ok(i64::try_from(drawn.len()).unwrap_or(i64::MAX)), "were drawn and wait in the pool too")
}
