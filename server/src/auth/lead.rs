//! What a lead does with a shift's phones and codes. Each change checks the version that the lead saw, and is audited
//! in its own transaction.

use dorbank_shared::{
    error::Code,
    principal::OfficerPrincipal,
    shift::{CODE_AFTER_MS, CODE_BEFORE_MS, Device, DeviceView, Shift, ShiftView},
    sync::wire::Admission,
};
use uuid::Uuid;

use super::{codes, officer::note};
use crate::{
    error::ApiError,
    state::AppState,
    store::{self, StoreError, Tx},
};

fn device_view(device: Device) -> DeviceView {
    DeviceView { id: device.id, sign: device.sign, admission: device.admission, turf: device.turf, unsent: device.unsent, version: device.version }
}

/// The shift as its lead sees it.
///
/// # Errors
/// `not_found`; or when the database fails.
pub async fn view(state: &AppState, shift: Uuid) -> Result<ShiftView, ApiError> {
    let mut tx = state.db.read().await?;
    let shift = store::shift::find(&mut tx, shift).await?.ok_or(Code::NotFound)?;
    let devices = store::device::of_shift(&mut tx, shift.id).await?;
    let turfs = store::shift::turfs(&mut tx, shift.id).await?;
    Ok(ShiftView {
        id: shift.id,
        starts_at: shift.starts_at,
        ends_at: shift.ends_at,
        meeting_place: shift.meeting_place.clone(),
        capacity: shift.capacity,
        version: shift.version,
        typed: codes::typed(&state.keys, &shift),
        link: codes::link(&state.config, &state.keys, &shift),
        valid_from: shift.starts_at - CODE_BEFORE_MS,
        valid_until: shift.ends_at + CODE_AFTER_MS,
        locked_until: shift.is_locked(state.now_ms()).then_some(shift.locked_until),
        turfs,
        devices: devices.into_iter().map(device_view).collect(),
    })
}

/// The shifts that an officer may see: the county all, others their branch's.
///
/// # Errors
/// When the database fails.
pub async fn shifts(state: &AppState, officer: &OfficerPrincipal) -> Result<Vec<Shift>, StoreError> {
    let mut tx = state.db.read().await?;
    match officer.branch {
        _ if officer.covers(&[]) => store::shift::of_branch(&mut tx, None).await,
        Some(branch) => store::shift::of_branch(&mut tx, Some(branch)).await,
        None => Ok(Vec::new()),
    }
}

/// The picture of the address to scan.
///
/// # Errors
/// `not_found`; or when the database fails.
pub async fn qr(state: &AppState, shift: Uuid) -> Result<String, ApiError> {
    let shift = store::shift::find(&mut state.db.read().await?, shift).await?.ok_or(Code::NotFound)?;
    codes::qr_svg(&codes::link(&state.config, &state.keys, &shift)).ok_or_else(|| ApiError::internal("the address does not fit into a QR code"))
}

async fn device_of(tx: &mut Tx, shift: Uuid, device: Uuid) -> Result<Device, ApiError> {
    let found = store::device::find(tx, device).await?.filter(|found| found.shift == shift);
    found.ok_or_else(|| Code::NotFound.into())
}

/// Admits a phone to a turf of the shift, or gives an admitted one another turf.
///
/// # Errors
/// `not_found`, `malformed` (not the shift's turf) or `stale`; or when the database fails.
pub async fn admit(state: &AppState, by: &OfficerPrincipal, shift: Uuid, device: Uuid, turf: Uuid, version: i64) -> Result<DeviceView, ApiError> {
    let mut tx = state.db.begin().await?;
    let found = device_of(&mut tx, shift, device).await?;
    if !store::shift::has_turf(&mut tx, shift, turf).await? {
        return Err(Code::Malformed.into());
    }
    store::device::set_admission(&mut tx, found.id, version, Admission::Admitted, Some(turf)).await?;
    note(&mut tx, state, by, "admit", "device", &found.id.to_string()).await?;
    finish(tx, device).await
}

/// Refuses a phone that waits.
///
/// # Errors
/// `not_found` or `stale`; or when the database fails.
pub async fn refuse(state: &AppState, by: &OfficerPrincipal, shift: Uuid, device: Uuid, version: i64) -> Result<DeviceView, ApiError> {
    leave(state, by, shift, device, version, (Admission::Waiting, Admission::Refused, "refuse")).await
}

/// Takes an admitted phone's rights back. What it has noted it may still send.
///
/// # Errors
/// `not_found` or `stale`; or when the database fails.
pub async fn revoke(state: &AppState, by: &OfficerPrincipal, shift: Uuid, device: Uuid, version: i64) -> Result<DeviceView, ApiError> {
    leave(state, by, shift, device, version, (Admission::Admitted, Admission::Revoked, "revoke")).await
}

async fn leave(
    state: &AppState,
    by: &OfficerPrincipal,
    shift: Uuid,
    device: Uuid,
    version: i64,
    (from, to, action): (Admission, Admission, &str),
) -> Result<DeviceView, ApiError> {
    let mut tx = state.db.begin().await?;
    let found = device_of(&mut tx, shift, device).await?;
    if found.admission != from {
        return Err(Code::Stale.into());
    }
    store::device::set_admission(&mut tx, found.id, version, to, found.turf).await?;
    note(&mut tx, state, by, action, "device", &found.id.to_string()).await?;
    finish(tx, device).await
}

async fn finish(mut tx: Tx, device: Uuid) -> Result<DeviceView, ApiError> {
    let after = store::device::find(&mut tx, device).await?.ok_or(Code::NotFound)?;
    tx.commit().await?;
    Ok(device_view(after))
}

/// Gives the shift new codes; the old ones are worthless at once. Phones that joined stay.
///
/// # Errors
/// `not_found` or `stale`; or when the database fails.
pub async fn rotate(state: &AppState, by: &OfficerPrincipal, shift: Uuid, version: i64) -> Result<ShiftView, ApiError> {
    let mut tx = state.db.begin().await?;
    store::shift::find(&mut tx, shift).await?.ok_or(Code::NotFound)?;
    store::shift::rotate(&mut tx, shift, version).await?;
    note(&mut tx, state, by, "rotate", "shift", &shift.to_string()).await?;
    tx.commit().await?;
    view(state, shift).await
}

/// Refuses every phone that waits and gives the shift new codes, so that none of them comes back: the answer to a code
/// that leaked and was used to take all places. Phones that are admitted stay.
///
/// # Errors
/// `not_found` or `stale`; or when the database fails.
pub async fn refuse_waiting(state: &AppState, by: &OfficerPrincipal, shift: Uuid, version: i64) -> Result<ShiftView, ApiError> {
    let mut tx = state.db.begin().await?;
    store::shift::find(&mut tx, shift).await?.ok_or(Code::NotFound)?;
    store::shift::rotate(&mut tx, shift, version).await?;
    store::device::refuse_waiting(&mut tx, shift).await?;
    note(&mut tx, state, by, "refuse_waiting", "shift", &shift.to_string()).await?;
    tx.commit().await?;
    view(state, shift).await
}
