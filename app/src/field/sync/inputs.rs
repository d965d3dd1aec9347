//! Sends sealed inputs: apart from visits, without cookies or credential, in requests that all look the same.

use std::cell::{Cell, RefCell};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dorbank_shared::{
    input::{InputsRequest, InputsResponse, SLOTS, Slot, SlotStatus, TICKET_BYTES},
    sync::{
        engine::Fault,
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
    store::outbox::{self, Answer, Offered, Ready, Sealed, Ticket},
};

/// How many tickets a phone draws at a time. Those of a draw whose answer is lost are gone, and a shift has 40.
const DRAW: u32 = 10;
/// With fewer left, it draws again.
const LOW: usize = 6;

thread_local! {
    /// The tickets that are left, as far as this page knows.
    static TICKETS: RefCell<Vec<Ticket>> = const { RefCell::new(Vec::new()) };
    static BUSY: Cell<bool> = const { Cell::new(false) };
    static DRAWING: Cell<bool> = const { Cell::new(false) };
    /// How far the server's clock is ahead of this one, in milliseconds, as of the last pull.
    static AHEAD: Cell<Option<i64>> = const { Cell::new(None) };
}

/// An input was sealed.
pub fn grew() {
    send_if_due();
}

/// After a pull, which the server answered at `server_time`: tickets where they run low, and then the pool where it is due.
pub(super) fn after_pull(server_time: Option<i64>) {
    if let Some(server_time) = server_time {
        AHEAD.set(Some(server_time - browser::now()));
    }
    let low = present().filter(|(_, round)| left(*round) < LOW && !DRAWING.replace(true));
    spawn_local(async move {
        if let Some(present) = low {
            draw(&present).await;
            DRAWING.set(false);
        }
        send_if_due();
    });
}

/// Who may draw tickets: a credential, and the round of its shift, where that is known.
type Drawer = (String, Option<Uuid>);

/// Who this phone is, with the round that its bundle names: both come with one identity.
fn present() -> Option<Drawer> {
    let phone = phone();
    let round = phone.bundle.with_untracked(|bundle| bundle.as_ref().map(|bundle| bundle.round.id))?;
    let identity = phone.identity.get_untracked().filter(|identity| identity.admission == Admission::Admitted)?;
    Some((identity.credential, Some(round)))
}

/// Who this phone was, and last who it is. What was sealed in an earlier shift may be of another round than the present
/// one's; or the present one has no inputs, or has not let this phone in.
fn all_that_may_draw() -> Vec<Drawer> {
    let earlier = phone().shelf.with_untracked(|shelf| shelf.iter().map(|shelved| (shelved.identity.credential.clone(), None)).collect::<Vec<_>>());
    earlier.into_iter().chain(present()).collect()
}

/// What came of a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drawn {
    /// There are more tickets, and storage has them.
    Some,
    /// It was answered, and there are none.
    None,
    /// Nobody answered.
    Unheard,
}

/// Draws tickets.
async fn draw((credential, round): &Drawer) -> Drawn {
    let drawn: TicketsResponse = match http::sync_as(credential, "/sync/v1/tickets", &TicketsRequest { count: DRAW }).await {
        Ok(drawn) => drawn,
        Err(Fault::Network | Fault::NotOurs) => return Drawn::Unheard,
        Err(_) => return Drawn::None,
    };
    let of = drawn.round.or(*round);
    let fresh: Vec<Ticket> = drawn.tickets.into_iter().map(|ticket| (ticket, of)).collect();
    if fresh.is_empty() || outbox::keep_tickets(&fresh).await.is_err() {
        return Drawn::None;
    }
    TICKETS.with_borrow_mut(|tickets| tickets.extend(fresh));
    Drawn::Some
}

/// Asks the last of those who may draw, until one gets tickets. Takes out who gets none.
async fn draw_as_any(drawers: &mut Vec<Drawer>) -> Drawn {
    while let Some(drawer) = drawers.last() {
        match draw(drawer).await {
            Drawn::None => drop(drawers.pop()),
            drawn => return drawn,
        }
    }
    Drawn::None
}

/// These tickets are left.
pub(super) fn know(tickets: Vec<Ticket>) {
    TICKETS.set(tickets);
}

fn left(round: Option<Uuid>) -> usize {
    TICKETS.with_borrow(|tickets| tickets_of(tickets, round))
}

/// Sends the pool where it is due: see [`Pool::is_due`].
///
/// [`Pool::is_due`]: dorbank_shared::sync::outbox::Pool::is_due
pub(super) fn send_if_due() {
    let phone = phone();
    let now = browser::now();
    // By the server's clock, which is known once there is a network: this one may be years off.
    let has_ended = |ahead: i64| phone.bundle.with_untracked(|bundle| bundle.as_ref().is_some_and(|bundle| bundle.ends_at <= now + ahead));
    if phone.pool.get_untracked().is_due(now, AHEAD.get().is_some_and(has_ended)) {
        spawn_local(async { send().await });
    }
}

/// Sends all that has a ticket, or gets one.
pub async fn send() {
    if BUSY.replace(true) {
        return;
    }
    let (mut drawers, mut lacked) = (all_that_may_draw(), u64::MAX);
    while let Ok(ready) = outbox::assign_tickets().await {
        know(ready.tickets.clone());
        phone().pool.set(ready.pool);
        let lack = ready.pool.lack_tickets;
        if lack >= lacked {
            // What was drawn last was of another round.
            drawers.pop();
        }
        lacked = lack;
        match offer(&ready).await {
            None => break,
            // A server that was restored has forgotten these tickets; those that are left may be younger.
            Some(refused) if refused => {
                lacked = u64::MAX;
                continue;
            }
            Some(_) if lack == 0 => break,
            Some(_) => {}
        }
        match draw_as_any(&mut drawers).await {
            Drawn::Some => {}
            Drawn::None => {
                if let Ok(pool) = outbox::wait_anew().await {
                    phone().pool.set(pool);
                }
                break;
            }
            Drawn::Unheard => break,
        }
    }
    BUSY.set(false);
}

/// Offers all that are ready, and says whether any was refused. Nothing where one answer did not come.
async fn offer(ready: &Ready) -> Option<bool> {
    let mut refused = false;
    for part in ready.inputs.chunks(SLOTS) {
        refused |= send_eight(part, ready.epoch.as_deref()).await?;
    }
    Some(refused)
}

async fn send_eight(part: &[(String, Sealed)], epoch: Option<&str>) -> Option<bool> {
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
    let answer: InputsResponse = serde_json::from_str(&answer.body).ok().filter(|answer: &InputsResponse| answer.answers(&request))?;
    if let (Some(met), Some(now)) = (epoch, &answer.epoch)
        && met != now
    {
        super::meet(now).await;
        return None;
    }
    let said = keys.into_iter().zip(request.slots).zip(answer.slots);
    let offered: Vec<_> = said.filter_map(|((key, slot), status)| Some(Offered { key: key?, ticket: slot.ticket, status })).collect();
    let said = Answer {
        offered,
        epoch: answer.epoch.or_else(|| epoch.map(str::to_owned)),
        day: answer.day.unwrap_or_else(browser::today),
        backed_up_through: answer.backed_up_through,
    };
    phone().pool.set(outbox::answer_inputs(&said).await.ok()?);
    Some(said.offered.iter().any(|offered| offered.status == SlotStatus::Refused))
}
