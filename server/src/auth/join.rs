//! A phone joins a shift: a code for a credential. Nothing is readable until the lead admits it.

use dorbank_shared::{
    code::{self, ShiftCode},
    error::Code,
    principal::DevicePrincipal,
    shift::{Device, WAITING_MS},
    sync::wire::{Admission, JoinResponse},
};

use uuid::Uuid;

use super::{codes, credential::Credential};
use crate::{
    error::ApiError,
    keys::Keys,
    state::AppState,
    store::{self, Tx},
};

/// Under which the last code of an unknown shift is noted.
const UNKNOWN: &str = "join.unknown";

/// Exchanges a code for a credential.
///
/// A wrong code and an unknown shift are answered alike, and take as long; that a shift exists shows only in its lock,
/// and its name is no secret.
///
/// # Errors
/// `code_refused`, `code_locked`, `shift_closed` or `shift_full`; or when the database fails.
pub async fn exchange(state: &AppState, text: &str) -> Result<JoinResponse, ApiError> {
    let now = state.now_ms();
    let code = ShiftCode::parse(text).map_err(|_| Code::CodeRefused)?;
    let is_typed = matches!(code, ShiftCode::Typed { .. });
    let mut tx = state.db.begin().await?;
    let mut shift = store::shift::by_selector(&mut tx, code.selector()).await?;
    if let Some(found) = &shift {
        store::shift::lock(&mut tx, found.id).await?;
        shift = store::shift::find(&mut tx, found.id).await?;
    }
    let fits = codes::fits(&state.keys, shift.as_ref(), &code);
    let Some(shift) = shift else {
        // As long as a miss takes: a write that becomes durable.
        if is_typed && state.misses.may((), now) {
            store::meta::set(&mut tx, UNKNOWN, &now.to_string()).await?;
            tx.commit().await?;
        }
        return Err(Code::CodeRefused.into());
    };
    if is_typed && shift.is_locked(now) {
        return Err(Code::CodeLocked.into());
    }
    if !fits {
        // 128 bits need no lock, and none should be set off by an old poster.
        if is_typed {
            store::shift::note_miss(&mut tx, shift.id, shift.after_miss(now)).await?;
            tx.commit().await?;
        }
        return Err(Code::CodeRefused.into());
    }
    if !shift.is_open(now) {
        return Err(Code::ShiftClosed.into());
    }
    if store::device::holding(&mut tx, shift.id, now - WAITING_MS).await? >= shift.places() {
        return Err(Code::ShiftFull.into());
    }
    let devices = store::device::of_shift(&mut tx, shift.id).await?;
    let sign = unused_sign(anywhere(state), &devices).ok_or(Code::ShiftFull)?;
    let id = state.id_v7();
    let credential = Credential::new(&state.keys, id, shift.id, &sign);
    store::device::insert(&mut tx, id, shift.id, &sign, credential.hash(), now).await?;
    tx.commit().await?;
    Ok(JoinResponse { device: id, credential: credential.text(), sign, admission: Admission::Waiting })
}

/// The most identities that one phone may be continued under: itself, its copy, and a copy of that. Whichever of them asks,
/// all are counted: else each that is given would bring as many again.
const MOST_USED: i64 = 3;
/// The most that are given out: an answer that is lost on its way leaves one that nobody uses.
const MOST_GIVEN: i64 = 30;

/// Gives a phone whose storage was copied another identity, in the same shift and standing where it stood: each copy
/// then counts for itself. What was noted under the old identity may be sent under it for ever.
///
/// # Errors
/// `not_found` for a phone that was not copied, or was continued too often; or when the database fails.
pub async fn renew(state: &AppState, device: &DevicePrincipal) -> Result<JoinResponse, ApiError> {
    let mut tx = state.db.begin().await?;
    let joined = count_on(&mut tx, &state.keys, device.id, state.id_v7(), anywhere(state), state.now_ms()).await?;
    tx.commit().await?;
    Ok(joined)
}

/// As [`renew`], in the caller's transaction: the new identity is `id`, and the search for its sign begins at `first`.
pub async fn count_on(tx: &mut Tx, keys: &Keys, device: Uuid, id: Uuid, first: usize, now_ms: i64) -> Result<JoinResponse, ApiError> {
    let copied = store::device::find(tx, device).await?.ok_or(Code::NotFound)?;
    store::shift::lock(tx, copied.shift).await?;
    let was_copied = store::receipt::held(tx, device).await?.reused > 0;
    let (given, used) = store::device::renewals(tx, device).await?;
    if !was_copied || given >= MOST_GIVEN || used >= MOST_USED {
        return Err(Code::NotFound.into());
    }
    let devices = store::device::of_shift(tx, copied.shift).await?;
    let sign = unused_sign(first, &devices).ok_or(Code::ShiftFull)?;
    let credential = Credential::new(keys, id, copied.shift, &sign);
    store::device::renew(tx, device, id, &sign, credential.hash(), now_ms).await?;
    Ok(JoinResponse { device: id, credential: credential.text(), sign, admission: copied.admission })
}

/// Where a search for a sign begins.
fn anywhere(state: &AppState) -> usize {
    usize::from(u16::from_be_bytes(state.random_bytes()))
}

/// Two characters that no phone of the shift has, or none but phones that were refused; nothing when there are no more.
pub fn unused_sign(first: usize, devices: &[Device]) -> Option<String> {
    let free = |counts: &dyn Fn(&Device) -> bool| {
        (0..code::SIGNS).map(|step| code::sign(first + step)).find(|sign| devices.iter().all(|device| device.sign != *sign || !counts(device)))
    };
    free(&|_| true).or_else(|| free(&|device| device.admission != Admission::Refused))
}
