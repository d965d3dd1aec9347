//! The list of shifts.

use std::collections::HashMap;

use dorbank_app::office::page::{Plan, ShiftRow};
use dorbank_shared::{principal::OfficerPrincipal, shift::Shift};
use uuid::Uuid;

use super::{calendar::Calendar, own_branch};
use crate::{
    access::ORGANISERS,
    auth::lead,
    error::ApiError,
    state::AppState,
    store::{self, overview::Parts},
};

/// So many earlier shifts are listed.
const PAST: usize = 20;

/// The shifts that an officer may see: today's first, then the next, then the last.
///
/// # Errors
/// When the database fails.
pub async fn plan(state: &AppState, officer: &OfficerPrincipal, language: &str) -> Result<Plan, ApiError> {
    let mut shifts = lead::shifts(state, officer).await?;
    shifts.sort_by_key(|shift| (shift.starts_at, shift.id));
    let mut tx = state.db.read().await?;
    let branch = match own_branch(officer) {
        Some(id) => store::branch::find(&mut tx, id).await?.map(|branch| branch.name),
        None => None,
    };
    let campaigns: HashMap<Uuid, String> = store::campaign::all(&mut tx).await?.into_iter().map(|campaign| (campaign.id, campaign.name)).collect();
    let clarify = if ORGANISERS.contains(&officer.role) { Some(super::quarantine::waiting(&mut tx, officer).await?) } else { None };
    let (calendar, now) = (Calendar::new(language), state.now_ms());
    let today = calendar.day(now);
    let is_today = |shift: &Shift| calendar.day(shift.starts_at) == today || (shift.starts_at..shift.ends_at).contains(&now);
    let (now_or_today, others): (Vec<_>, Vec<_>) = shifts.iter().partition(|shift| is_today(shift));
    let (coming, past): (Vec<_>, Vec<_>) = others.into_iter().partition(|shift| shift.starts_at > now);
    let past: Vec<_> = past.into_iter().rev().take(PAST).collect();
    let shown: Vec<Uuid> = now_or_today.iter().chain(&coming).chain(&past).map(|shift| shift.id).collect();
    let parts = store::overview::parts(&mut tx, &shown).await?;
    let row = |shift: &Shift| row(shift, now, &calendar, &campaigns, parts.get(&shift.id).copied().unwrap_or_default());
    Ok(Plan {
        branch,
        clarify,
        today: now_or_today.into_iter().map(row).collect(),
        coming: coming.into_iter().map(row).collect(),
        past: past.into_iter().map(row).collect(),
    })
}

fn row(shift: &Shift, now: i64, calendar: &Calendar, campaigns: &HashMap<Uuid, String>, parts: Parts) -> ShiftRow {
    ShiftRow {
        id: shift.id,
        kind: format!("shift_kind.{}", shift.kind.name()),
        date: calendar.date(shift.starts_at),
        from: calendar.time(shift.starts_at),
        to: calendar.time(shift.ends_at),
        place: shift.meeting_place.clone(),
        campaign: campaigns.get(&shift.campaign).cloned().unwrap_or_default(),
        now: (shift.starts_at..shift.ends_at).contains(&now),
        turfs: parts.turfs,
        // Who took part in an earlier shift is of no use to anybody.
        phones: if shift.ends_at > now { parts.admitted } else { 0 },
        waiting: if shift.ends_at > now { parts.waiting } else { 0 },
    }
}
