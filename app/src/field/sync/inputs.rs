//! Sends sealed inputs: apart from visits, without cookies or credential, in requests that all look the same.

use std::cell::{Cell, RefCell};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dorbank_shared::{
    input::{InputsRequest, InputsResponse, SLOTS, Slot, TICKET_BYTES},
    sync::{
        outbox::tickets_of,
        wire::{Admission, TicketsRequest, TicketsResponse},
    },
};
use leptos::prelude::*;
use uuid::Uuid;
use wasm_bindgen_futures::spawn_local;

use super::http;
use crate::field::{
    browser,
    phone::phone,
    seal,
    store::outbox::{self, Offered, Sealed, Ticket},
};

/// How many tickets a phone draws at a time. Those of a draw whose answer is lost are gone, and a shift has 40.
const DRAW: u32 = 10;
/// With fewer left, it draws again.
const LOW: usize = 6;
/// So long may an input wait for others, in milliseconds.
const LONGEST_WAIT_MS: i64 = 12 * 3_600_000;

thread_local! {
    /// The tickets that are left, as far as this page knows.
    static TICKETS: RefCell<Vec<Ticket>> = const { RefCell::new(Vec::new()) };
    static BUSY: Cell<bool> = const { Cell::new(false) };
    static DRAWING: Cell<bool> = const { Cell::new(false) };
}

/// An input was sealed.
pub fn grew() {
    send_if_due();
}

/// After a pull: tickets where they run low, and the pool where it is due.
pub(super) fn after_pull() {
    let phone = phone();
    let round = phone.bundle.with_untracked(|bundle| bundle.as_ref().map(|bundle| bundle.round.id));
    if let Some(round) = round.filter(|_| phone.admission() == Some(Admission::Admitted) && left(round) < LOW && !DRAWING.replace(true)) {
        spawn_local(async move {
            draw(round).await;
            DRAWING.set(false);
        });
    }
    send_if_due();
}

/// Draws tickets. They are of the round of this phone's shift, which its bundle names: both come with one identity.
async fn draw(round: Uuid) {
    let Ok(drawn) = http::sync::<_, TicketsResponse>("/sync/v1/tickets", &TicketsRequest { count: DRAW }).await else { return };
    let of = Some(drawn.round.unwrap_or(round));
    let fresh: Vec<Ticket> = drawn.tickets.into_iter().map(|ticket| (ticket, of)).collect();
    if outbox::keep_tickets(&fresh).await.is_ok() {
        TICKETS.with_borrow_mut(|tickets| tickets.extend(fresh));
    }
}

/// These tickets are left.
pub(super) fn know(tickets: Vec<Ticket>) {
    TICKETS.set(tickets);
}

fn left(round: Option<Uuid>) -> usize {
    TICKETS.with_borrow(|tickets| tickets_of(tickets, round))
}

/// Whether there is none for what is sealed now.
pub fn lacks_tickets() -> bool {
    left(phone().bundle.with_untracked(|bundle| bundle.as_ref().map(|bundle| bundle.round.id))) == 0
}

/// Sends the pool when the shift has ended, when eight wait, or when the first has waited twelve hours. Not sooner: a
/// lone input that follows a visit would tell whose it is.
pub(super) fn send_if_due() {
    let phone = phone();
    let pool = phone.pool.get_untracked();
    let waiting = pool.sealed.saturating_sub(pool.acknowledged);
    let now = browser::now();
    let ended = phone.bundle.with_untracked(|bundle| bundle.as_ref().is_some_and(|bundle| bundle.ends_at <= now));
    let old = pool.since.is_some_and(|since| now - since >= LONGEST_WAIT_MS);
    if waiting > 0 && (ended || old || waiting >= SLOTS as u64) {
        spawn_local(async { send().await });
    }
}

/// Sends all that has a ticket.
pub async fn send() {
    if BUSY.replace(true) {
        return;
    }
    if let Ok(ready) = outbox::assign_tickets().await {
        know(ready.tickets);
        for part in ready.inputs.chunks(SLOTS) {
            if send_eight(part, ready.epoch.as_deref()).await.is_none() {
                break;
            }
        }
    }
    BUSY.set(false);
}

async fn send_eight(part: &[(String, Sealed)], epoch: Option<&str>) -> Option<()> {
    let mut slots: Vec<(Option<String>, Slot)> = part
        .iter()
        .map(|(key, record)| (Some(key.clone()), Slot { ticket: record.ticket.clone().unwrap_or_default(), sealed: record.sealed.clone() }))
        .collect();
    while slots.len() < SLOTS {
        let sealed = URL_SAFE_NO_PAD.encode(seal::filler().await.ok()?);
        slots.push((None, Slot { ticket: URL_SAFE_NO_PAD.encode(browser::random::<TICKET_BYTES>()), sealed }));
    }
    for last in (1..slots.len()).rev() {
        let pick = usize::try_from(browser::dice() % (last as u64 + 1)).unwrap_or_default();
        slots.swap(last, pick);
    }
    let (keys, slots): (Vec<_>, Vec<_>) = slots.into_iter().unzip();
    let request = InputsRequest { proto: 1, slots };
    let answer = http::post("/inputs/v1", &request, None).await.ok().filter(|answer| answer.status == 200)?;
    let answer: InputsResponse = serde_json::from_str(&answer.body).ok().filter(|answer: &InputsResponse| answer.slots.len() == SLOTS)?;
    let said = keys.into_iter().zip(request.slots).zip(answer.slots);
    let offered: Vec<_> = said.filter_map(|((key, slot), status)| Some(Offered { key: key?, ticket: slot.ticket, status })).collect();
    let day = answer.day.unwrap_or_else(browser::today);
    let epoch = answer.epoch.as_deref().or(epoch);
    let pool = outbox::answer_inputs(&offered, epoch, &day, answer.backed_up_through.as_deref()).await.ok()?;
    phone().pool.set(pool);
    Some(())
}
