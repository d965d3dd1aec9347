//! Whether everything that was noted has come in: the phones of the last thirty days, and for the county the server.

use dorbank_app::office::page::status::{PhoneStatus, ShiftStatus, Status, System};
use dorbank_shared::principal::{OfficerPrincipal, Role};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{calendar::Calendar, own_branch, quarantine};
use crate::{
    backup::NEWEST_HOLDS,
    coarsen::FINE_MS,
    error::ApiError,
    state::AppState,
    store::{self, Tx, status::PhoneStatus as Phone},
    sync::inputs::BACKED_UP_THROUGH,
};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// For so long a phone's entries are applied by themselves; after that nobody is asked for them here.
const LOOKED_AT_MS: i64 = 30 * 24 * HOUR_MS;
/// What is missing for longer than this will hardly come by itself.
const LONG_MS: i64 = 48 * HOUR_MS;
/// A backup is made every day, and its last whole day may be the one before the last; one that is older than this was forgotten.
const BACKUP_DAYS: i32 = 3;

/// How the phones of an officer's shifts stand.
///
/// # Errors
/// When the database fails.
pub async fn status(state: &AppState, officer: &OfficerPrincipal, language: &str) -> Result<Status, ApiError> {
    let (calendar, now) = (Calendar::new(language), state.now_ms());
    let mut tx = state.db.read().await?;
    let own = own_branch(officer);
    let branch = match own {
        Some(id) => store::branch::find(&mut tx, id).await?.map(|branch| branch.name),
        None => None,
    };
    let phones = store::status::phones(&mut tx, own, now - LOOKED_AT_MS).await?;
    let shifts: Vec<&[Phone]> = phones.chunk_by(|a, b| a.shift == b.shift).collect();
    let mut open: Vec<ShiftStatus> = shifts.iter().filter_map(|phones| of_shift(phones, now, &calendar)).collect();
    let whole = i64::try_from(shifts.len() - open.len()).unwrap_or(i64::MAX);
    open.reverse();
    let clarify = quarantine::waiting(&mut tx, officer).await?;
    let system = if officer.role == Role::County { Some(system(&mut tx, now, &calendar).await?) } else { None };
    Ok(Status { branch, at: calendar.time(now), clarify, open, whole, system })
}

/// A shift, if any of its phones still has something.
fn of_shift(phones: &[Phone], now: i64, calendar: &Calendar) -> Option<ShiftStatus> {
    let first = phones.first()?;
    let mut open: Vec<&Phone> = phones.iter().filter(|phone| phone.open() > 0).collect();
    // Whose has waited longest is asked first.
    let waits = |phone: &Phone| phone.unsent_since.filter(|_| phone.unsent > 0);
    open.sort_by_key(|phone| waits(phone).unwrap_or(i64::MAX));
    if open.is_empty() {
        return None;
    }
    // From then on it is nobody's business which phone it was.
    let coarse = now >= first.ends_at + FINE_MS;
    let rest = coarse.then(|| {
        let entries = open.iter().map(|phone| phone.open()).fold(0, i64::saturating_add);
        (i64::try_from(open.len()).unwrap_or(i64::MAX), entries)
    });
    let row = |phone: &&Phone| PhoneStatus {
        sign: phone.sign.clone(),
        unsent: phone.unsent,
        lacking: phone.lacking(),
        long: now - phone.last_seen_at.min(phone.ends_at) > LONG_MS,
        seen_minutes: minutes(now - phone.last_seen_at),
        waits_minutes: waits(phone).map(|since| minutes(now - since)),
    };
    Some(ShiftStatus {
        id: first.shift,
        date: calendar.date(first.starts_at),
        place: first.meeting_place.clone(),
        branch: first.branch.clone(),
        over: now > first.ends_at,
        phones: if coarse { Vec::new() } else { open.iter().map(row).collect() },
        rest,
    })
}

/// In whole fives.
fn minutes(ms: i64) -> i64 {
    ms.max(0) / MINUTE_MS / 5 * 5
}

async fn system(tx: &mut Tx, now: i64, calendar: &Calendar) -> Result<System, ApiError> {
    let newest = store::meta::find(tx, NEWEST_HOLDS).await?;
    // A version before this one noted only what phones were told.
    let backed_up = if newest.is_some() { newest } else { store::meta::find(tx, BACKED_UP_THROUGH).await? };
    let today = Timestamp::from_millisecond(now).unwrap_or_default().to_zoned(TimeZone::UTC).date();
    let age = backed_up.as_ref().and_then(|day| day.parse::<Date>().ok()).and_then(|day| today.since(day).ok()).map(|age| age.get_days());
    let last = store::overview::last_runs(tx).await?;
    let ran = |action: &str| last.get(action).map(|at| calendar.moment(*at));
    Ok(System {
        epoch: store::meta::epoch(tx).await?.chars().take(8).collect(),
        backup_is_old: age.is_none_or(|days| days > BACKUP_DAYS),
        backed_up: backed_up.map(|day| calendar.of_text(&day)),
        mix: ran("mix"),
        release: ran("freeze"),
    })
}
