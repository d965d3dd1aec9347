//! Kartverket's address file into the register.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{BufReader, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use uuid::Uuid;

use super::{
    ImportError, Locator, Projections, Refused, Report, WrongFile, refuse_demo,
    row::{Address, Columns, Reason},
    sniff::{self, ADDRESS_FILE, HEAD_BYTES},
};
use crate::store::{
    Db, Tx,
    entrance::{self, Registered},
};
use dorbank_shared::place::Unit;

/// Who publishes the addresses.
pub const ORIGIN: &str = "kartverket";
/// Fewer addresses than this may always vanish.
const FEW: usize = 100;

/// How addresses are imported.
#[derive(Debug, Clone, Copy, Default)]
pub struct AddressOptions {
    /// Report the same and write nothing.
    pub dry_run: bool,
    /// Take a file in which more than a fifth of a municipality's known addresses are missing. Without it such a file
    /// is refused: it is most likely cut off.
    pub accept_many_vanished: bool,
}

/// What a file held.
#[derive(Debug, Default)]
struct Parsed {
    rows: usize,
    addresses: Vec<Address>,
    refused: Vec<Refused>,
    /// The ids of refused rows: those addresses did not vanish, they could only not be read.
    unreadable: HashSet<String>,
}

/// What an import does to the register.
#[derive(Debug, Default)]
struct Plan {
    added: Vec<Registered>,
    changed: Vec<Registered>,
    unchanged: usize,
    gone: Vec<Uuid>,
    without_district: usize,
}

/// Imports the addresses of `path`. An address that was imported before keeps its id, its doors and all that happened
/// there; one that is missing from the file is marked as vanished and kept. A new entrance gets one door.
///
/// The file is read whole before the database is touched, and everything is written in one transaction.
///
/// # Errors
/// See [`ImportError`]; after each the register is as it was.
pub async fn addresses(db: &Db, path: &Path, options: &AddressOptions, now_ms: i64, ids: &mut impl FnMut() -> Uuid) -> Result<Report, ImportError> {
    let mut tx = db.read().await?;
    refuse_demo(&mut tx).await?;
    drop(tx);
    let file = path.to_owned();
    let parsed = tokio::task::spawn_blocking(move || parse(&file)).await.map_err(|_| ImportError::Stopped)??;
    let mut tx = if options.dry_run { db.read().await? } else { db.begin().await? };
    refuse_demo(&mut tx).await?;
    let locator = Locator::load(&mut tx).await?;
    let known = known(&mut tx, &parsed.addresses).await?;
    let Parsed { rows, addresses, refused, unreadable } = parsed;
    let plan = plan(addresses, known, &unreadable, &locator, *options, ids)?;
    if !options.dry_run {
        entrance::put(&mut tx, &plan.added, now_ms).await?;
        let doors: Vec<(Uuid, Unit)> = plan.added.iter().map(|entrance| (entrance.id, Unit::new(ids(), ""))).collect();
        entrance::put_units(&mut tx, &doors).await?;
        entrance::put(&mut tx, &plan.changed, now_ms).await?;
        entrance::vanish(&mut tx, &plan.gone, now_ms).await?;
        tx.commit().await?;
    }
    Ok(Report {
        dry_run: options.dry_run,
        rows,
        added: plan.added.len(),
        changed: plan.changed.len(),
        unchanged: plan.unchanged,
        vanished: plan.gone.len(),
        without_district: plan.without_district,
        no_districts: locator.is_empty(),
        refused,
    })
}

/// Reads the whole file.
fn parse(path: &Path) -> Result<Parsed, ImportError> {
    let read = |source| ImportError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(read)?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(read)?;
    sniff::addresses(&head)?;
    refuse_cut_off(&mut file).map_err(read)??;
    file.rewind().map_err(read)?;
    // Lines end in CR LF. Told to end them at LF alone, the reader counts them as an editor does; the CR is trimmed away.
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b';')
        .flexible(true)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(BufReader::with_capacity(HEAD_BYTES, file));
    let columns = Columns::find(&reader.headers().map_err(|error| broken(path, error))?.clone())?;
    let projections = Projections::default();
    let mut parsed = Parsed::default();
    let mut seen = HashSet::new();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| broken(path, error))? {
        parsed.rows += 1;
        let line = record.position().map_or(0, csv::Position::line);
        let Ok(row) = csv::StringRecord::from_byte_record(record.clone()) else {
            parsed.refused.push(Refused { line, field: "the row", reason: Reason::NotUtf8 });
            continue;
        };
        match columns.read(&row, &projections) {
            Ok(address) if !seen.insert(address.source_id.clone()) => {
                parsed.refused.push(Refused { line, field: "lokalid", reason: Reason::RepeatedId });
            }
            Ok(address) => parsed.addresses.push(address),
            Err((field, reason)) => {
                parsed.unreadable.extend(columns.source_id(&row).map(str::to_owned));
                parsed.refused.push(Refused { line, field, reason });
            }
        }
    }
    if parsed.addresses.is_empty() {
        let found = parsed.refused.first().map_or_else(
            || "a header and no row".to_owned(),
            |first| format!("{} rows, none of which can be used; the first, line {}, {}: {}", parsed.rows, first.line, first.field, first.reason),
        );
        return Err(WrongFile::new(ADDRESS_FILE, found, "download the file again and give it as it is").into());
    }
    Ok(parsed)
}

/// As published, each line ends, the last one too. A file that does not was cut off, and nobody would miss what is not there.
fn refuse_cut_off(file: &mut File) -> std::io::Result<Result<(), WrongFile>> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok(Ok(()));
    }
    Ok(Err(WrongFile::new(
        "a whole file, whose last line ends as the others do",
        "a file that ends in the middle of a line: it was most likely cut off",
        "download the file again; if an editor took away the last line's end and nothing else, put it back",
    )))
}

fn broken(path: &Path, error: csv::Error) -> ImportError {
    match error.into_kind() {
        csv::ErrorKind::Io(source) => ImportError::Read { path: path.to_owned(), source },
        csv::ErrorKind::Utf8 { .. } => WrongFile::new(ADDRESS_FILE, "a header that is not UTF-8", "give the file as it was downloaded").into(),
        _ => WrongFile::new(ADDRESS_FILE, "a file that cannot be read as a table", "give the file as it was downloaded").into(),
    }
}

/// What the register holds of the file's municipalities, and of its ids in others: municipalities merge and split.
async fn known(tx: &mut Tx, addresses: &[Address]) -> Result<HashMap<String, Registered>, ImportError> {
    let mut municipalities: Vec<String> = addresses.iter().map(|a| a.municipality.clone()).collect::<HashSet<_>>().into_iter().collect();
    municipalities.sort();
    let here = entrance::registered_in(tx, ORIGIN, &municipalities).await?;
    let mut known: HashMap<String, Registered> = here.into_iter().map(|r| (r.source_id.clone(), r)).collect();
    let others: Vec<&str> = addresses.iter().map(|a| a.source_id.as_str()).filter(|id| !known.contains_key(*id)).collect();
    let moved = entrance::registered_as(tx, ORIGIN, &others).await?;
    known.extend(moved.into_iter().map(|r| (r.source_id.clone(), r)));
    Ok(known)
}

fn plan(
    addresses: Vec<Address>,
    mut known: HashMap<String, Registered>,
    unreadable: &HashSet<String>,
    locator: &Locator,
    options: AddressOptions,
    ids: &mut impl FnMut() -> Uuid,
) -> Result<Plan, WrongFile> {
    let standing = known.values().filter(|r| !r.vanished).count();
    let mut plan = Plan::default();
    for address in addresses {
        let district = locator.district(address.grunnkrets.as_deref(), address.at).map(str::to_owned);
        plan.without_district += usize::from(district.is_none());
        let before = known.remove(&address.source_id);
        let now = Registered {
            id: before.as_ref().map_or_else(&mut *ids, |before| before.id),
            origin: ORIGIN.to_owned(),
            source_id: address.source_id,
            municipality: address.municipality,
            street: address.street,
            number: address.number,
            letter: address.letter,
            postcode: address.postcode,
            post_town: address.post_town,
            grunnkrets: address.grunnkrets,
            district,
            at: address.at,
            vanished: false,
        };
        match before {
            None => plan.added.push(now),
            Some(before) if before == now => plan.unchanged += 1,
            Some(_) => plan.changed.push(now),
        }
    }
    plan.gone = known.into_values().filter(|r| !r.vanished && !unreadable.contains(&r.source_id)).map(|r| r.id).collect();
    plan.gone.sort();
    if !options.accept_many_vanished && plan.gone.len() > FEW && plan.gone.len() * 5 > standing {
        return Err(WrongFile::new(
            "a whole municipality's addresses",
            format!("a file in which {} of the {standing} addresses that are known there are missing", plan.gone.len()),
            "download the file again, since it may have been cut off; if they are truly gone, import with --accept-many-vanished",
        ));
    }
    Ok(plan)
}
