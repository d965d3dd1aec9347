//! `dorbank-bench-raw DATABASE ROWS BATCH one|many`: writes visits with their receipts into a copy of a server's database,
//! one transaction a batch, under the server's own settings, and prints rows a second. `one` inserts row by row, `many`
//! a whole batch by one statement, as the server does. Either way the statements are prepared once.
//!
//! It is the ceiling: no HTTP, no JSON, no rights, no merge, no projection. The bench gives the server's push as a
//! share of it.

use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use rusqlite::{Connection, Statement, ToSql, Transaction, TransactionBehavior};
use uuid::Uuid;

const VISIT: &str = "INSERT INTO visit (id, campaign, turf, entrance, unit, outcome, leaflet, occurred_at, device, device_seq) VALUES ";
const RECEIPT: &str = "INSERT INTO receipt (id, campaign, device, device_seq, mac, status, reason, seq) VALUES ";
const DOORS: &str = "SELECT t.campaign, te.turf, te.entrance, u.id FROM unit u JOIN turf_entrance te ON te.entrance = u.entrance JOIN turf t ON t.id = te.turf \
    WHERE t.number >= 9000 ORDER BY te.turf, te.position, u.floor, u.position LIMIT ?1";
const OUTCOMES: [&str; 4] = ["not_home", "talked", "declined", "come_back"];

type Door = (Uuid, Uuid, Uuid, Uuid);

fn open(path: &str) -> Result<Connection> {
    let connection = Connection::open(path)?;
    // The same as the server's: a receipt must outlive a power cut, and what is deleted must be gone.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

fn doors(connection: &Connection, rows: usize) -> Result<Vec<Door>> {
    let mut query = connection.prepare(DOORS)?;
    let found = query.query_map([i64::try_from(rows)?], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    found.collect::<Result<_, _>>().context("the doors of the bench's turfs")
}

/// `INTO VALUES (?, ?), (?, ?)`. A bare `?` has no name that SQLite would look for.
fn statement(into: &str, rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    into.to_owned() + &vec![row; rows].join(", ")
}

/// Gives a statement its next argument.
fn bind(statement: &mut Statement<'_>, at: &mut usize, value: impl ToSql) -> rusqlite::Result<()> {
    *at += 1;
    statement.raw_bind_parameter(*at, value)
}

/// Writes a batch, so many rows a statement.
fn write(tx: &Transaction<'_>, doors: &[Door], device: Uuid, seq: &mut i64, rows: usize) -> Result<()> {
    for part in doors.chunks(rows) {
        let (mut visit, mut receipt) =
            (tx.prepare_cached(&statement(VISIT, part.len(), 10))?, tx.prepare_cached(&statement(RECEIPT, part.len(), 8))?);
        let (mut v, mut r) = (0, 0);
        for (campaign, turf, entrance, unit) in part {
            *seq += 1;
            let (id, outcome) = (Uuid::now_v7(), OUTCOMES[usize::try_from(*seq)? % OUTCOMES.len()]);
            bind(&mut visit, &mut v, id)?;
            bind(&mut visit, &mut v, campaign)?;
            bind(&mut visit, &mut v, turf)?;
            bind(&mut visit, &mut v, entrance)?;
            bind(&mut visit, &mut v, unit)?;
            bind(&mut visit, &mut v, outcome)?;
            bind(&mut visit, &mut v, false)?;
            bind(&mut visit, &mut v, 1_800_000_000_000i64)?;
            bind(&mut visit, &mut v, device)?;
            bind(&mut visit, &mut v, *seq)?;
            bind(&mut receipt, &mut r, id)?;
            bind(&mut receipt, &mut r, campaign)?;
            bind(&mut receipt, &mut r, device)?;
            bind(&mut receipt, &mut r, *seq)?;
            bind(&mut receipt, &mut r, [7u8; 32])?;
            bind(&mut receipt, &mut r, "applied")?;
            bind(&mut receipt, &mut r, None::<String>)?;
            bind(&mut receipt, &mut r, *seq)?;
        }
        visit.raw_execute()?;
        receipt.raw_execute()?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    ensure!(arguments.len() == 4, "usage: dorbank-bench-raw DATABASE ROWS BATCH one|many");
    let (rows, batch): (usize, usize) = (arguments[1].parse()?, arguments[2].parse()?);
    let of_statement = match arguments[3].as_str() {
        "one" => 1,
        "many" => batch,
        other => bail!("one or many, not {other}"),
    };
    let mut connection = open(&arguments[0])?;
    let doors = doors(&connection, rows)?;
    ensure!(doors.len() == rows, "the database has {} of the {rows} doors", doors.len());
    let device = Uuid::new_v4();

    let begun = Instant::now();
    let mut seq = 0i64;
    for chunk in doors.chunks(batch) {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write(&tx, chunk, device, &mut seq, of_statement)?;
        tx.commit()?;
    }
    println!("{:.1}", rows as f64 / begun.elapsed().as_secs_f64());
    Ok(())
}
