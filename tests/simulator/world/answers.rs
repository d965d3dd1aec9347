//! What the app makes of the server's answers, as `app/src/field/sync/` does.

use dorbank_shared::sync::{
    engine::{Effect, Event, Fault, State},
    outbox::{Answer, Offered, past, tickets_of},
    wire::{Admission, JoinResponse, PullResponse, TicketsRequest, TicketsResponse},
};
use uuid::Uuid;

use super::{At, Happening, World, network::read};
use crate::simulator::{
    fault::Kind,
    phone::{Offering, Shelving},
    server::{What, Wire},
    storage::{Joined, Op, metas},
};

/// How many tickets a phone draws at a time, and how few make it draw, as in `app/src/field/sync/inputs.rs`; and where there
/// is to be want of them.
const DRAW: (u32, usize) = (10, 6);
const DRAW_LITTLE: (u32, usize) = (2, 2);

impl World {
    pub(super) fn answered(&mut self, at: At, request: u64, what: What, answer: Option<Wire>) {
        match what {
            What::Push => {
                let event = Event::Pushed(request, read(answer));
                self.step(at, event);
            }
            What::Pull => {
                let result: Result<PullResponse, Fault> = read(answer);
                let tab = &self.phones[at.phone].tabs[at.tab];
                if tab.askers.get(&request) != Some(&tab.device) {
                    return;
                }
                if let Ok(answer) = &result {
                    let phone = &mut self.phones[at.phone];
                    if let Some(cache) = phone.take(at.tab, request, answer) {
                        self.ask(at, Op::KeepCache(cache), 0);
                    }
                    let tab = &mut self.phones[at.phone].tabs[at.tab];
                    // A late answer to an earlier request may even bring back what was; the next one that is asked for mends it.
                    tab.pulled_at = (tab.asked.0 == request).then_some(tab.asked.1);
                    if tab.pulled_at.is_none() {
                        tab.asked = (0, 0);
                    }
                    tab.copied = answer.cloned;
                    self.check_revoked(at, answer);
                }
                let said = result.as_ref().ok().map(|answer| (answer.server_time, answer.epoch.clone()));
                let heard = !matches!(result, Err(Fault::Network | Fault::NotOurs | Fault::TooLarge));
                self.step(at, Event::Pulled(request, result));
                self.after_pull(at);
                if heard && self.phones[at.phone].tabs[at.tab].shelving.is_none() {
                    self.send_from_shelf(at, Vec::new());
                }
                if let Some((server_time, epoch)) = said {
                    self.let_go(at, server_time, epoch);
                }
            }
            What::Tickets => {
                if self.phones[at.phone].tabs[at.tab].drawing != Some(request) {
                    return;
                }
                match read::<TicketsResponse>(answer) {
                    Ok(TicketsResponse { tickets, round: Some(round) }) if !tickets.is_empty() => {
                        self.ask(at, Op::KeepTickets(tickets, round, what), 0);
                    }
                    drawn => {
                        let here = &mut self.phones[at.phone];
                        here.tabs[at.tab].drawing = None;
                        let round = here.tabs[at.tab].cache.bundle.as_ref().map(|bundle| bundle.round.id);
                        // It has drawn all that one identity may. The volunteer asks for the code again, as the screen says.
                        if drawn.is_ok() && self.calm.is_some() && round.is_some_and(|round| here.wants(round)) {
                            self.after(1_000, Happening::AskForTickets(at.phone));
                        }
                    }
                }
            }
            What::TicketsAsAny => {
                if self.phones[at.phone].tabs[at.tab].drawing_as_any.0 != request {
                    return;
                }
                self.phones[at.phone].tabs[at.tab].drawing_as_any.0 = 0;
                match read::<TicketsResponse>(answer) {
                    Ok(TicketsResponse { tickets, round: Some(round) }) if !tickets.is_empty() => {
                        self.ask(at, Op::KeepTickets(tickets, round, what), 0);
                    }
                    // Nobody answered: the next pull tries again.
                    Err(Fault::Network | Fault::NotOurs) => self.phones[at.phone].tabs[at.tab].inputs = None,
                    _ => self.draw_as_any(at),
                }
            }
            What::Shelf => self.shelf_answered(at, request, answer),
            What::Renew => {
                if self.phones[at.phone].tabs[at.tab].renewing != Some(request) {
                    return;
                }
                match read::<JoinResponse>(answer) {
                    Ok(joined) => {
                        let tab = &mut self.phones[at.phone].tabs[at.tab];
                        tab.renewing = Some(0);
                        let copied = Joined::Copied(tab.device);
                        self.ask(at, Op::Join(joined.device, copied), 0);
                    }
                    Err(_) => self.phones[at.phone].tabs[at.tab].renewing = None,
                }
            }
            What::Inputs => self.inputs_answered(at, request, answer),
        }
    }

    /// What is sent and older than any backup leaves the phone.
    fn let_go(&mut self, at: At, server_time: i64, epoch: String) {
        let here = &self.phones[at.phone];
        let (entries, storage) = (here.tabs[at.tab].entries.values().cloned().collect::<Vec<_>>(), &here.storage);
        let shelved = storage.shelf.iter().any(|shelved| shelved.is_past(server_time));
        if shelved || !past(&entries, storage.ends_at, server_time).is_empty() {
            self.ask(at, Op::LetGo(server_time, epoch), 0);
        }
    }

    /// An engine for the next earlier identity that has something unsent. It pushes until it would pull or wait.
    pub(super) fn send_from_shelf(&mut self, at: At, done: Vec<Uuid>) {
        let phone = &mut self.phones[at.phone];
        phone.tabs[at.tab].shelving = None;
        // Mostly there is nothing, and storage is not asked.
        let Some(shelved) = phone.shelved(&done).filter(|_| !phone.tabs[at.tab].shelf.is_empty()) else {
            if !done.is_empty() {
                self.look(at);
            }
            return;
        };
        let (device, unsent) = (shelved.identity.device, metas(&shelved.entries, false));
        let max_issued = shelved.entries.iter().map(|kept| kept.envelope.device_seq).max().unwrap_or_default();
        let epoch = phone.tabs[at.tab].engine.epoch().map(str::to_owned);
        let (mut engine, dice) = (State::default(), phone.dice());
        let effects = engine.step(Event::Opened { unsent, sent: Vec::new(), max_issued, epoch }, dice);
        phone.tabs[at.tab].shelving = Some(Shelving { device, engine, request: (0, 0), next: first_push(&effects), done });
        self.push_from_shelf(at);
    }

    pub(super) fn push_from_shelf(&mut self, at: At) {
        let Some(shelving) = &mut self.phones[at.phone].tabs[at.tab].shelving else { return };
        let Some((number, seqs)) = shelving.next.take() else {
            let done = shelving.done.iter().copied().chain([shelving.device]).collect();
            return self.send_from_shelf(at, done);
        };
        let device = shelving.device;
        let body = self.phones[at.phone].shelf_body(at.tab, &seqs);
        let tab = &mut self.phones[at.phone].tabs[at.tab];
        tab.requests += 1;
        let request = tab.requests;
        if let Some(shelving) = &mut tab.shelving {
            shelving.request = (request, number);
        }
        self.send_as(device, at, request, What::Shelf, body);
    }

    pub(super) fn shelf_answered(&mut self, at: At, request: u64, answer: Option<Wire>) {
        let dice = self.phones[at.phone].dice();
        let Some(shelving) = self.phones[at.phone].tabs[at.tab].shelving.as_mut().filter(|shelving| shelving.request.0 == request) else { return };
        shelving.request.0 = 0;
        let effects = shelving.engine.step(Event::Pushed(shelving.request.1, read(answer)), dice);
        if let Some(epoch) = effects.iter().find_map(|effect| if let Effect::Reopen(epoch) = effect { Some(epoch.clone()) } else { None }) {
            self.phones[at.phone].tabs[at.tab].shelving = None;
            return self.ask(at, Op::Meet(epoch), 0);
        }
        shelving.next = first_push(&effects);
        let (device, epoch) = (shelving.device, shelving.engine.latest_epoch().map(str::to_owned));
        match effects.into_iter().find_map(|effect| if let Effect::Settle(receipts) = effect { Some(receipts) } else { None }) {
            Some(receipts) => self.ask(at, Op::SettleShelved(device, receipts, epoch), 0),
            None => self.push_from_shelf(at),
        }
    }

    /// The receipts are durable. The engine hears of them, and what it said before goes on.
    pub(super) fn shelf_settled(&mut self, at: At) {
        let phone = &mut self.phones[at.phone];
        let Some(shelving) = &mut phone.tabs[at.tab].shelving else { return };
        let shelved = phone.storage.shelf.iter().filter(|shelved| shelved.identity.device == shelving.device);
        let settled =
            shelved.flat_map(|shelved| &shelved.entries).filter(|kept| kept.status.is_some()).map(|kept| kept.envelope.device_seq).collect();
        shelving.engine.step(Event::Settled(settled), 0);
        self.push_from_shelf(at);
    }

    pub(super) fn after_pull(&mut self, at: At) {
        let (count, few) = self.draws();
        let phone = &mut self.phones[at.phone];
        let tab = &mut phone.tabs[at.tab];
        let round = tab.cache.bundle.as_ref().map(|bundle| bundle.round.id);
        let low = round.is_some() && tickets_of(&phone.storage.tickets, round) < few;
        if tab.admission == Some(Admission::Admitted) && low && tab.drawing.is_none() {
            tab.requests += 1;
            let request = tab.requests;
            tab.drawing = Some(request);
            self.send(at, request, What::Tickets, tickets_body(count));
        }
        self.send_inputs_if_due(at);
    }

    fn draws(&self) -> (u32, usize) {
        if self.faults.has(Kind::NextRound) { DRAW_LITTLE } else { DRAW }
    }

    /// What has a ticket is sent. For what has none those are asked who this phone is and was, one after the other.
    pub(super) fn draw_as_any(&mut self, at: At) {
        let phone = &mut self.phones[at.phone];
        let tab = &mut phone.tabs[at.tab];
        let lack = phone.storage.pool.lack_tickets;
        if lack >= tab.lacked {
            tab.drawing_as_any.1.pop();
        }
        tab.lacked = lack;
        let Some(device) = tab.drawing_as_any.1.last().copied().filter(|_| lack > 0) else {
            tab.inputs = None;
            tab.in_vain = lack > 0 && self.calm.is_some_and(|calm| tab.tries_since >= calm);
            return;
        };
        tab.requests += 1;
        tab.drawing_as_any.0 = tab.requests;
        let (request, (count, _)) = (tab.requests, self.draws());
        self.send_as(device, at, request, What::TicketsAsAny, tickets_body(count));
    }

    pub(super) fn inputs_answered(&mut self, at: At, request: u64, answer: Option<Wire>) {
        use dorbank_shared::input::InputsResponse;
        let now_ms = self.now_ms();
        let phone = &mut self.phones[at.phone];
        let today = phone.today(now_ms);
        let tab = &mut phone.tabs[at.tab];
        let Some(offering) = tab.inputs.take_if(|under_way| under_way.request == request) else { return };
        let answer = answer.filter(|wire| wire.status == 200).and_then(|wire| serde_json::from_slice::<InputsResponse>(&wire.body).ok());
        let Some(answer) = answer.filter(|answer| offering.body.as_ref().is_some_and(|body| answer.answers(body))) else { return };
        if let (Some(met), Some(now)) = (&offering.epoch, &answer.epoch)
            && met != now
        {
            return self.ask(at, Op::Meet(now.clone()), 0);
        }
        let said = offering.slots.into_iter().zip(answer.slots);
        let offered = said.filter_map(|(slot, status)| slot.map(|(key, ticket)| Offered { key, ticket, status })).collect();
        tab.inputs = Some(Offering::default());
        let day = answer.day.unwrap_or(today);
        let (epoch, backed_up_through) = (answer.epoch.or(offering.epoch), answer.backed_up_through);
        self.ask(at, Op::AnswerInputs(Answer { offered, epoch, day, backed_up_through }), 0);
    }
}

fn tickets_body(count: u32) -> Vec<u8> {
    serde_json::to_vec(&TicketsRequest { count }).unwrap()
}

fn first_push(effects: &[Effect]) -> Option<(u64, Vec<u64>)> {
    effects.iter().find_map(|effect| if let Effect::Push { request, entries } = effect { Some((*request, entries.clone())) } else { None })
}
