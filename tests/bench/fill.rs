//! `dorbank-bench-fill DATABASE CAMPAIGN OF KEPT VISITS`: a city's register and so many visits of the last months, with what goes with
//! them: turfs, shifts, phones, receipts, the doors' states. Written straight into a server's database, since 1,000,000
//! pushed visits would take a minute for each run of the bench.
//!
//! The register is the same whatever the number of visits, as a city is: 15,000 entrances with 20 doors. Pairs walk 160 or
//! so of its doors; every door is visited once in each campaign, campaign after campaign. Ids are of version 7 and grow
//! with time, as phones and imports make them. Visits that are older than three days are coarse, as the night leaves them:
//! of their day, and of no phone. In CAMPAIGN every so manieth (KEPT) run of so many (OF) entrances is left for others: a turf's
//! houses are neighbours, and neighbours lie side by side in a publisher's file and so in the register's indexes.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, Transaction, params};
use uuid::{Builder, Uuid};

/// Entrances of the register.
const ENTRANCES: usize = 15_000;
/// Doors of each.
const DOORS: usize = 20;
/// Entrances of a turf: 160 doors.
const OF_TURF: usize = 8;
/// Turfs of a shift.
const OF_SHIFT: usize = 25;
/// So many ids an import makes in a millisecond, in their order: the doors of an entrance lie side by side in an index.
const IDS_OF_MS: u64 = 500;
/// Between one visit and the next, in milliseconds: 1,000,000 of them take 100 days.
const BETWEEN_MS: u64 = 8_640;
/// After so long a visit is coarse, in milliseconds.
const FINE_MS: u64 = 72 * 3_600_000;
const DAY_MS: u64 = 86_400_000;
const OUTCOMES: [&str; 4] = ["not_home", "talked", "declined", "come_back"];

/// Makes ids that grow, from a time and a count. What is random in real ones is mixed from the count: the bench needs
/// no secrets, and the same call gives the same database.
struct Ids {
    now_ms: u64,
    count: u64,
}

impl Ids {
    fn next(&mut self) -> Uuid {
        self.at(self.now_ms)
    }

    fn at(&mut self, ms: u64) -> Uuid {
        self.count += 1;
        let mixed = u128::from(self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 16 | u128::from(self.count & 0xffff);
        let bytes = mixed.to_be_bytes();
        let mut random = [0; 10];
        random.copy_from_slice(&bytes[6..]);
        // Twelve bits of the count come first, as in an import's ids.
        random[..2].copy_from_slice(&(self.count & 0xfff).to_be_bytes()[6..]);
        Builder::from_unix_timestamp_millis(ms, &random).into_uuid()
    }
}

/// An entrance with its doors.
type Entrance = (Uuid, Vec<Uuid>);

fn register(tx: &Transaction<'_>, ids: &mut Ids, district: &str) -> Result<Vec<Entrance>> {
    let mut entrance = tx.prepare(
        "INSERT INTO entrance (id, origin, source_id, municipality, street, number, letter, postcode, post_town, district, lat, lon, updated_at) \
        VALUES (?1, 'fill', ?2, '0301', ?3, ?4, '', '0562', 'Oslo', ?5, ?6, ?7, ?8)",
    )?;
    let mut unit = tx.prepare("INSERT INTO unit (id, entrance, label, floor, position) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let begun = ids.now_ms;
    let mut all = Vec::with_capacity(ENTRANCES);
    for number in 0..ENTRANCES {
        let id = ids.next();
        ids.now_ms = begun + ids.count / IDS_OF_MS;
        let (lat, lon) = (59.9 + (number * 7919 % 100_003) as f64 / 1e6, 10.7 + (number * 104_729 % 100_003) as f64 / 1e6);
        let (street, house) = (format!("Fyllgata {}", number / 40), i64::try_from(number % 40)? + 1);
        entrance.execute(params![id, number.to_string(), street, house, district, lat, lon, i64::try_from(ids.now_ms)?])?;
        let mut doors = Vec::with_capacity(DOORS);
        for door in 0..DOORS {
            let (unit_id, floor, position) = (ids.next(), 1 + door / 4, 1 + door % 4);
            unit.execute(params![unit_id, id, format!("H{floor:02}{position:02}"), i64::try_from(floor)?, i64::try_from(position)?])?;
            doors.push(unit_id);
        }
        all.push((id, doors));
    }
    Ok(all)
}

/// Another campaign like the one given, with its counter.
fn campaign_like(tx: &Transaction<'_>, ids: &mut Ids, like: Uuid, number: usize) -> Result<Uuid> {
    let id = ids.next();
    tx.execute(
        "INSERT INTO campaign (id, round, branch, purpose, name, starts_on, ends_on, receipt_key) \
        SELECT ?1, round, branch, purpose, ?2, starts_on, ends_on, receipt_key FROM campaign WHERE id = ?3",
        params![id, format!("Måling {number}"), like],
    )?;
    tx.execute("INSERT INTO campaign_clock (campaign, seq) VALUES (?1, 0)", params![id])?;
    Ok(id)
}

struct Walk<'a> {
    tx: &'a Transaction<'a>,
    ids: &'a mut Ids,
    campaign: Uuid,
    district: &'a str,
    fine_from_ms: u64,
}

impl Walk<'_> {
    fn shift(&mut self, number: usize) -> Result<Uuid> {
        let (id, from) = (self.ids.next(), i64::try_from(self.ids.now_ms)?);
        self.tx.prepare_cached("INSERT INTO shift (id, campaign, kind, starts_at, ends_at, meeting_place, capacity, selector) VALUES (?1, ?2, 'door', ?3, ?4, 'Fyllestedet', 60, ?5)")?
            .execute(params![id, self.campaign, from, from + 3 * 3_600_000, format!("F{number:04}")])?;
        Ok(id)
    }

    /// A pair walks its turf: `(turf, phone)`.
    fn turf(&mut self, shift: Uuid, number: usize, entrances: &[Entrance]) -> Result<(Uuid, Uuid)> {
        let (turf, device, now) = (self.ids.next(), self.ids.next(), i64::try_from(self.ids.now_ms)?);
        self.tx.prepare_cached("INSERT INTO turf (id, campaign, district, number, name) VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
            turf,
            self.campaign,
            self.district,
            i64::try_from(20_000 + number)?,
            format!("Fylling {number}")
        ])?;
        self.tx.prepare_cached("INSERT INTO shift_turf (shift, turf) VALUES (?1, ?2)")?.execute(params![shift, turf])?;
        let mut place = self.tx.prepare_cached("INSERT INTO turf_entrance (turf, entrance, position) VALUES (?1, ?2, ?3)")?;
        for (position, (entrance, _)) in entrances.iter().enumerate() {
            place.execute(params![turf, entrance, i64::try_from(position)?])?;
        }
        self.tx.prepare_cached("INSERT INTO device (id, shift, turf, sign, credential_hash, state, joined_at, last_seen_at) VALUES (?1, ?2, ?3, 'F1', ?4, 'admitted', ?5, ?5)")?
            .execute(params![device, shift, turf, device, now])?;
        Ok((turf, device))
    }

    fn visit(&mut self, (turf, device): (Uuid, Uuid), (entrance, unit): (Uuid, Uuid), device_seq: i64, seq: i64) -> Result<()> {
        self.ids.now_ms += BETWEEN_MS;
        let (id, outcome) = (self.ids.next(), OUTCOMES[usize::try_from(seq)? % OUTCOMES.len()]);
        let day = self.ids.now_ms / DAY_MS * DAY_MS;
        let is_fine = self.ids.now_ms > self.fine_from_ms;
        let (visit, at, by) = if is_fine { (id, self.ids.now_ms, Some(device)) } else { (self.ids.at(day), day, None) };
        self.tx.prepare_cached("INSERT INTO visit (id, campaign, turf, entrance, unit, outcome, leaflet, occurred_at, device, device_seq, coarse) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, ?10)")?
            .execute(params![visit, self.campaign, turf, entrance, unit, outcome, i64::try_from(at)?, by, if is_fine { device_seq } else { 0 }, !is_fine])?;
        self.tx
            .prepare_cached("INSERT INTO receipt (id, campaign, device, device_seq, mac, status, seq) VALUES (?1, ?2, ?3, ?4, ?5, 'applied', ?6)")?
            .execute(params![id, self.campaign, device, device_seq, [7u8; 32], seq])?;
        self.tx
            .prepare_cached("INSERT INTO door_state (campaign, door, turf, entrance, state, seq) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![self.campaign, unit, turf, entrance, outcome, seq])?;
        Ok(())
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    ensure!(arguments.len() == 5, "usage: dorbank-bench-fill DATABASE CAMPAIGN OF KEPT VISITS");
    let (first, of): (Uuid, usize) = (arguments[1].parse()?, arguments[2].parse()?);
    let (kept, wanted): (usize, usize) = (arguments[3].parse()?, arguments[4].parse()?);
    let mut connection = Connection::open(&arguments[0])?;
    // It can be made again, so nothing waits for the disk.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "foreign_keys", "OFF")?;
    connection.pragma_update(None, "cache_size", -400_000)?;
    let tx = connection.transaction()?;
    let district: String =
        tx.query_row("SELECT district FROM turf WHERE campaign = ?1 LIMIT 1", [first], |row| row.get(0)).context("a turf of the campaign")?;
    let now_ms = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let mut ids = Ids { now_ms: now_ms.saturating_sub(101 * 86_400_000), count: 0 };
    let register = register(&tx, &mut ids, &district)?;
    let (mut left, mut turfs, mut shifts, mut campaigns) = (wanted, 0, 0, 0);
    while left > 0 {
        let campaign = if campaigns == 0 { first } else { campaign_like(&tx, &mut ids, first, campaigns)? };
        let walked: Vec<Entrance> = if campaigns == 0 {
            register.iter().enumerate().filter(|(number, _)| number / of % kept != kept - 1).map(|(_, entrance)| entrance.clone()).collect()
        } else {
            register.clone()
        };
        campaigns += 1;
        let mut seq: i64 = tx.query_row("SELECT seq FROM campaign_clock WHERE campaign = ?1", [campaign], |row| row.get(0))?;
        let mut walk = Walk { tx: &tx, ids: &mut ids, campaign, district: &district, fine_from_ms: now_ms.saturating_sub(FINE_MS) };
        let mut shift = Uuid::nil();
        for (at, entrances) in walked.chunks(OF_TURF).enumerate() {
            if left == 0 {
                break;
            }
            if at % OF_SHIFT == 0 {
                shifts += 1;
                shift = walk.shift(shifts)?;
            }
            turfs += 1;
            let pair = walk.turf(shift, turfs, entrances)?;
            let doors = entrances.iter().flat_map(|(entrance, units)| units.iter().map(|unit| (*entrance, *unit)));
            for (door, device_seq) in doors.take(left).zip(1..) {
                seq += 1;
                walk.visit(pair, door, device_seq, seq)?;
                left -= 1;
            }
        }
        tx.execute("UPDATE campaign_clock SET seq = ?2 WHERE campaign = ?1", params![campaign, seq])?;
    }
    tx.commit()?;
    println!("{wanted} visits in {turfs} turfs of {campaigns} campaigns");
    Ok(())
}
