//! One shift, live.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use dorbank_app::office::page::{Board, Code, Figure, Notice, PhoneRow, ShiftPage, TurfRow};
use dorbank_shared::{
    shift::{CODE_AFTER_MS, CODE_BEFORE_MS, Device},
    sync::wire::Admission,
    visit::{Outcome, fold},
};
use uuid::Uuid;

use super::calendar::Calendar;
use crate::{
    auth::codes,
    coarsen::FINE_MS,
    error::ApiError,
    state::AppState,
    store::{self, StoreError, Tx},
};

/// The board moves in steps of so many milliseconds, so that a figure that moves tells of no one door.
const STEP_MS: i64 = 5 * 60 * 1000;
const MINUTE_MS: i64 = 60 * 1000;

/// Doors knocked, opened, conversations.
type Tally = (i64, u64, u64);

/// What each board showed in its present step: what phones send in between waits for the next.
#[derive(Debug, Clone, Default)]
pub struct Boards(Arc<Mutex<HashMap<Uuid, (i64, Tally)>>>);

impl Boards {
    fn at(&self, shift: Uuid, step: i64) -> Option<Tally> {
        let boards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        boards.get(&shift).filter(|(at, _)| *at == step).map(|(_, tally)| *tally)
    }

    /// Keeps the first tally of a step, and gives it. Boards of earlier steps are forgotten.
    fn keep(&self, shift: Uuid, step: i64, tally: Tally) -> Tally {
        let mut boards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        boards.retain(|_, (at, _)| *at == step);
        boards.entry(shift).or_insert((step, tally)).1
    }
}

/// A shift as its lead sees it.
///
/// # Errors
/// `not_found`; or when the database fails.
pub async fn shift(state: &AppState, id: Uuid, language: &str, notice: Option<Notice>) -> Result<ShiftPage, ApiError> {
    let (calendar, now) = (Calendar::new(language), state.now_ms());
    let mut tx = state.db.read().await?;
    let shift = store::shift::find(&mut tx, id).await?.ok_or(dorbank_shared::error::Code::NotFound)?;
    let campaign = store::campaign::find(&mut tx, shift.campaign).await?.map(|campaign| campaign.name).unwrap_or_default();
    let phones = store::overview::phones(&mut tx, id).await?;
    let progress = store::overview::progress(&mut tx, id).await?;
    let live = now < shift.ends_at + FINE_MS;
    let signs = if live { phones.as_slice() } else { &[] };
    let turfs = progress
        .into_iter()
        .map(|turf| TurfRow {
            signs: signs.iter().filter(|(phone, _)| is_in(phone) && phone.turf == Some(turf.id)).map(|(phone, _)| phone.sign.clone()).collect(),
            id: turf.id,
            number: turf.number,
            name: turf.name,
            doors: turf.doors,
            done: turf.done,
        })
        .collect();
    let code = shift.is_open(now).then(|| Code {
        typed: codes::typed(&state.keys, &shift),
        address: format!("{}/field/", state.config.public_url.split_once("://").map_or("", |(_, host)| host)),
        from: calendar.time(shift.starts_at - CODE_BEFORE_MS),
        to: calendar.time(shift.ends_at + CODE_AFTER_MS),
        locked_until: shift.is_locked(now).then(|| calendar.time(shift.locked_until)),
    });
    let board = if live { Some(board(&mut tx, &state.boards, id, now, &calendar).await?) } else { None };
    // Once it is deleted which phone noted what, no phone is named here either.
    let phones = if board.is_some() { phones } else { Vec::new() };
    let (admitted, waiting): (Vec<_>, Vec<_>) = phones.into_iter().partition(|(phone, _)| is_in(phone));
    let row = |(phone, seen_at): (Device, i64)| PhoneRow {
        id: phone.id,
        sign: phone.sign,
        version: phone.version,
        turf: phone.turf,
        unsent: phone.unsent,
        seen_minutes: (now - seen_at).max(0) / STEP_MS * (STEP_MS / MINUTE_MS),
    };
    Ok(ShiftPage {
        id,
        version: shift.version,
        notice,
        kind: format!("shift_kind.{}", shift.kind.name()),
        date: calendar.date(shift.starts_at),
        from: calendar.time(shift.starts_at),
        to: calendar.time(shift.ends_at),
        place: shift.meeting_place,
        campaign,
        zetkin: shift.zetkin_url,
        code,
        turfs,
        waiting: waiting.into_iter().map(row).collect(),
        admitted: admitted.into_iter().map(row).collect(),
        board,
    })
}

fn is_in(phone: &Device) -> bool {
    phone.admission == Admission::Admitted
}

async fn board(tx: &mut Tx, boards: &Boards, shift: Uuid, now: i64, calendar: &Calendar) -> Result<Board, StoreError> {
    let step = now - now.rem_euclid(STEP_MS);
    let (doors, opened, talked) = match boards.at(shift, step) {
        Some(tally) => tally,
        None => boards.keep(shift, step, tally(tx, shift, step).await?),
    };
    Ok(Board { at: calendar.time(step), doors, opened: Figure::of(opened), talked: Figure::of(talked) })
}

async fn tally(tx: &mut Tx, shift: Uuid, before_ms: i64) -> Result<Tally, StoreError> {
    let doors = store::overview::seen(tx, shift, before_ms).await?;
    let mut tally = (0, 0, 0);
    for outcome in doors.into_values().filter_map(fold).filter(|outcome| outcome.is_knock()) {
        tally.0 += 1;
        tally.1 += u64::from(outcome.is_opened());
        tally.2 += u64::from(matches!(outcome, Outcome::Talked | Outcome::IntercomTalked));
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_stands_still_until_its_next_step() {
        let (boards, shift) = (Boards::default(), Uuid::from_u128(1));
        assert_eq!(boards.keep(shift, 0, (12, 4, 1)), (12, 4, 1));
        assert_eq!(boards.keep(shift, 0, (13, 5, 2)), (12, 4, 1));
        assert_eq!(boards.at(shift, 0), Some((12, 4, 1)));
        assert_eq!(boards.at(shift, STEP_MS), None);
        assert_eq!(boards.keep(shift, STEP_MS, (13, 5, 2)), (13, 5, 2));
        assert_eq!(boards.at(shift, 0), None);
    }
}
