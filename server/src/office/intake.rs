//! Takes a file from a phone that could not send: looks what is in it, and takes it as if the phone had sent it.

use std::collections::HashMap;

use dorbank_app::office::page::{
    clarify::Choice,
    intake::{Counts, Fault, From, Intake, Part, Step},
};
use dorbank_shared::{
    principal::OfficerPrincipal,
    shift::Shift,
    sync::{
        file::{FILE, MAX_FILE_BYTES, Unwritten},
        wire::{Envelope, Have, PushResponse, Status},
    },
};
use serde_json::Value;
use uuid::Uuid;

use super::{calendar::Calendar, own_branch};
use crate::{
    auth::{credential, lead},
    coarsen::FINE_MS,
    error::ApiError,
    job::Actor,
    state::AppState,
    store,
    sync::{
        entry::{Batch, Entry, read_one},
        push::file::{self, Take, Whose},
    },
};

/// So many shifts are offered where a phone is not known.
const SHIFTS: usize = 60;

/// The page, at a step.
///
/// # Errors
/// When the database fails.
pub async fn page(state: &AppState, officer: &OfficerPrincipal, language: &str, step: Step) -> Result<Intake, ApiError> {
    let branch = match own_branch(officer) {
        Some(id) => store::branch::find(&mut state.db.read().await?, id).await?.map(|branch| branch.name),
        None => None,
    };
    let asks = matches!(&step, Step::Look(parts, ..) if parts.iter().any(|part| matches!(part, Part::Unknown(..))));
    let shifts = if asks { shifts(state, officer, language).await? } else { Vec::new() };
    Ok(Intake { branch, step, shifts })
}

/// The shifts of an officer that began, the last first.
async fn shifts(state: &AppState, officer: &OfficerPrincipal, language: &str) -> Result<Vec<Choice>, ApiError> {
    let (calendar, now) = (Calendar::new(language), state.now_ms());
    let mut shifts = lead::shifts(state, officer).await?;
    shifts.retain(|shift| shift.starts_at <= now);
    shifts.sort_by_key(|shift| (std::cmp::Reverse(shift.starts_at), shift.id));
    let name = |shift: &Shift| format!("{} {} · {}", calendar.date(shift.starts_at), calendar.time(shift.starts_at), shift.meeting_place);
    Ok(shifts.iter().take(SHIFTS).map(|shift| Choice { id: shift.id, name: name(shift) }).collect())
}

/// Looks at a file, or takes it. `shifts` says of phones that this server does not know to which shift each belongs.
///
/// # Errors
/// When the database fails. Then what was taken before stays taken, and the file can be taken again.
pub async fn intake(
    state: &AppState,
    officer: &OfficerPrincipal,
    language: &str,
    (bytes, shifts): (&[u8], &HashMap<Uuid, Uuid>),
    take: Take,
) -> Result<Step, ApiError> {
    let (read, text) = match read(bytes) {
        Ok(read) => read,
        Err(fault) => return Ok(Step::Fault(fault)),
    };
    let mut parts = Vec::with_capacity(read.len());
    for (device, batch) in &read {
        parts.push(one(state, officer, language, (*device, shifts.get(device).copied(), batch), take).await?);
    }
    Ok(match (parts.as_slice(), take) {
        ([Part::Closed(fault)], _) => Step::Fault(*fault),
        // With a yes, but to nothing that could be taken: it is asked first.
        (all, Take::Take) if all.iter().any(|part| matches!(part, Part::Open(..))) => Step::Taken(parts),
        _ => Step::Look(parts, text, shifts.iter().map(|(device, shift)| (*device, *shift)).collect()),
    })
}

/// What a phone noted in one shift.
async fn one(
    state: &AppState,
    officer: &OfficerPrincipal,
    language: &str,
    (device, chosen, batch): (Uuid, Option<Uuid>, &Batch),
    take: Take,
) -> Result<Part, ApiError> {
    let mut tx = state.db.read().await?;
    let known = store::device::find(&mut tx, device).await?.map(|phone| phone.shift);
    let Some(shift) = known.or(chosen) else {
        return Ok(Part::Unknown(device, i64::try_from(batch.entries.len()).unwrap_or(i64::MAX)));
    };
    if !officer.covers(&store::shift::branches(&mut tx, shift).await?) {
        return Ok(Part::Closed(Fault::NotYours));
    }
    let Some(shift) = store::shift::find(&mut tx, shift).await? else { return Ok(Part::Closed(Fault::UnknownPhone)) };
    drop(tx);
    let (now, actor) = (state.now_ms(), Actor { officer: Some(officer.id), role: officer.role.name().into() });
    let whose = Whose { device, mark: credential::placed(&state.keys, device), shift: Some(shift.id) };
    let taken = file::take(&state.db, now, whose, batch, (take, &actor), &mut state.fork_rng()).await?;
    let from = From {
        sign: (now < shift.ends_at + FINE_MS).then_some(taken.sign),
        date: Calendar::new(language).date(shift.starts_at),
        place: shift.meeting_place,
    };
    Ok(Part::Open(from, counts(&taken.response)))
}

fn counts(answer: &PushResponse) -> Counts {
    let mut counts = Counts::default();
    for result in &answer.results {
        match result.status {
            Status::Applied | Status::Merged | Status::ConflictRecorded => counts.counted += 1,
            Status::Duplicate => counts.known += 1,
            Status::Quarantined => counts.kept += 1,
            Status::Retry => counts.failed += 1,
        }
    }
    counts
}

/// What some programs write before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a file: its phones, each with its entries, and the same file again on one line.
fn read(bytes: &[u8]) -> Result<(Vec<(Uuid, Batch)>, String), Fault> {
    if bytes.is_empty() {
        return Err(Fault::Nothing);
    }
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Fault::TooLarge);
    }
    let mut file: Value = serde_json::from_slice(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)).map_err(|_| Fault::NotOurs)?;
    let text = file.to_string();
    match file.get("dorbank").and_then(Value::as_u64) {
        None | Some(0) => return Err(Fault::NotOurs),
        Some(version) if version > u64::from(FILE) => return Err(Fault::Newer),
        Some(_) => {}
    }
    let mut parts = Vec::new();
    let mut entries: Vec<Entry> = list(&mut file, "unsent").into_iter().map(read_one).collect();
    entries.extend(list(&mut file, "unwritten").into_iter().map(|value| match serde_json::from_value::<Unwritten>(value.clone()) {
        Ok(unwritten) => Envelope::from(unwritten).into(),
        Err(_) => read_one(value),
    }));
    parts.extend(part(&file, entries)?);
    for mut earlier in list(&mut file, "earlier") {
        let entries = list(&mut earlier, "unsent").into_iter().map(read_one).collect();
        parts.extend(part(&earlier, entries)?);
    }
    if parts.is_empty() { Err(Fault::Empty) } else { Ok((parts, text)) }
}

fn list(file: &mut Value, name: &str) -> Vec<Value> {
    match file.get_mut(name).map(Value::take) {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    }
}

/// A phone's entries, if it has any.
fn part(of: &Value, entries: Vec<Entry>) -> Result<Option<(Uuid, Batch)>, Fault> {
    if entries.is_empty() {
        return Ok(None);
    }
    let device = of.get("device").and_then(Value::as_str).and_then(|id| id.parse().ok()).ok_or(Fault::NoPhone)?;
    let max_issued = entries.iter().filter_map(|entry| u64::try_from(entry.device_seq()).ok()).max().unwrap_or(0);
    Ok(Some((device, Batch { have: Have { max_issued, ..Have::default() }, entries, ..Batch::default() })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_ours_is_told_apart() {
        let id = Uuid::from_u128(7);
        for (text, fault) in [
            (String::new(), Fault::Nothing),
            ("\u{0}\u{1}".into(), Fault::NotOurs),
            ("{\"dorbank\":1,\"dev".into(), Fault::NotOurs),
            ("[]".into(), Fault::NotOurs),
            ("{\"device\":\"x\"}".into(), Fault::NotOurs),
            ("{\"dorbank\":2}".into(), Fault::Newer),
            ("{\"dorbank\":1,\"device\":null,\"unwritten\":[{}]}".into(), Fault::NoPhone),
            (format!("{{\"dorbank\":1,\"device\":\"{id}\"}}"), Fault::Empty),
            (" ".repeat(MAX_FILE_BYTES + 1), Fault::TooLarge),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap_err(), fault, "{}", &text[..text.len().min(40)]);
        }
    }
}
