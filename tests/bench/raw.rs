//! `dorbank-bench-raw DATABASE ROWS BATCH`: writes visits with their receipts into a copy of a server's database, by
//! prepared one-row inserts, one transaction a batch, under the server's own settings, and prints rows a second.
//!
//! It is the ceiling: no HTTP, no JSON, no rights, no merge, no projection. The bench gives the server's push as a
//! share of it.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, TransactionBehavior, params};
use uuid::Uuid;

const VISIT: &str = "INSERT INTO visit (id, campaign, turf, entrance, unit, outcome, leaflet, occurred_at, device, device_seq) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const RECEIPT: &str =
    "INSERT INTO receipt (id, campaign, device, device_seq, mac, status, reason, seq) VALUES (?1, ?2, ?3, ?4, ?5, 'applied', NULL, ?6)";
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

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    ensure!(arguments.len() == 3, "usage: dorbank-bench-raw DATABASE ROWS BATCH");
    let (rows, batch): (usize, usize) = (arguments[1].parse()?, arguments[2].parse()?);
    let mut connection = open(&arguments[0])?;
    let doors = doors(&connection, rows)?;
    ensure!(doors.len() == rows, "the database has {} of the {rows} doors", doors.len());
    let device = Uuid::new_v4();

    let begun = Instant::now();
    let mut seq = 0i64;
    for chunk in doors.chunks(batch) {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let (mut visit, mut receipt) = (tx.prepare_cached(VISIT)?, tx.prepare_cached(RECEIPT)?);
            for (campaign, turf, entrance, unit) in chunk {
                seq += 1;
                let (id, outcome) = (Uuid::now_v7(), OUTCOMES[usize::try_from(seq)? % OUTCOMES.len()]);
                visit.execute(params![id, campaign, turf, entrance, unit, outcome, false, 1_800_000_000_000i64, device, seq])?;
                receipt.execute(params![id, campaign, device, seq, [7u8; 32], seq])?;
            }
        }
        tx.commit()?;
    }
    println!("{:.1}", rows as f64 / begun.elapsed().as_secs_f64());
    Ok(())
}
