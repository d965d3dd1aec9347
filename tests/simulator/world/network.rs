//! The way between phones and server, and all that happens on it.

use std::sync::Arc;

use dorbank_shared::sync::engine::Fault;
use rand::{RngExt as _, seq::IndexedRandom as _};
use uuid::Uuid;

use super::{At, Happening, Message, World};
use crate::simulator::{
    fault::Kind,
    server::{Trouble, What, Wire},
};

impl World {
    pub(super) fn send(&mut self, at: At, request: u64, what: What, body: Vec<u8>) {
        let device = self.phones[at.phone].tabs[at.tab].device;
        self.send_as(device, at, request, what, body);
    }

    pub(super) fn send_as(&mut self, device: Uuid, at: At, request: u64, what: What, body: Vec<u8>) {
        let fails = |answer| Happening::Answer { at, request, what, answer };
        if !matches!(what, What::Push | What::Pull) {
            // Nobody waits for an answer longer than that (`http.rs`).
            self.after(20_000, fails(None));
        }
        if self.strikes(Kind::Lost, 0.12) {
            let wait = self.rng.random_range(1..2_000);
            // A lost request is noticed at once, or not before the engine's own timer.
            if self.rng.random_bool(0.6) {
                self.after(wait, fails(None));
            }
            return;
        }
        for (kind, status) in [(Kind::TooLarge, 413), (Kind::TooMany, 429), (Kind::BadGateway, 502)] {
            if self.strikes(kind, 0.04) {
                let dice = self.faults.dice(kind);
                let busy_ms = (kind == Kind::TooMany && dice.random_bool(0.5)).then(|| dice.random_range(0..60_000));
                self.after(200, fails(Some(Wire { busy_ms, ..Wire::new(status, "text/html", b"<h1>no</h1>") })));
                return;
            }
        }
        let mut body: Arc<[u8]> = body.into();
        if self.strikes(Kind::CutRequest, 0.04) {
            let end = self.faults.dice(Kind::CutRequest).random_range(0..body.len());
            body = body[..end].into();
        }
        let wait = self.delay();
        let message = Message { at, request, what, device, body };
        if self.strikes(Kind::Twice, 0.08) {
            let again = wait + self.rng.random_range(1..120_000);
            self.after(again, Happening::Arrive(message.clone()));
        }
        self.after(wait, Happening::Arrive(message));
    }

    /// How long something is under way.
    pub(super) fn delay(&mut self) -> u64 {
        if self.strikes(Kind::Hours, 0.02) {
            return self.rng.random_range(3_600_000..self.night_ms);
        }
        if self.strikes(Kind::Late, 0.08) { self.rng.random_range(5_000..600_000) } else { self.rng.random_range(20..400) }
    }

    pub(super) async fn serve(&mut self, message: Message) {
        let Message { at, request, what, device, body } = message;
        if self.calm.is_some() {
            // The lead sees who waits.
            let turf = self.turfs[at.phone / 2 % self.turfs.len()];
            self.server.settle_admission(device, false, turf, self.now_ms(), self.now).await;
        }
        let mut trouble = Trouble::None;
        if self.strikes(Kind::Busy, 0.04) {
            trouble = Trouble::Busy;
        } else if (what.is_push() || what == What::Inputs) && self.strikes(Kind::Aborted, 0.05) {
            let tables: &[&'static str] = if what.is_push() { &["visit", "receipt", "door_state", "quarantine"] } else { &["ticket", "spool"] };
            trouble = Trouble::Dies(tables.choose(self.faults.dice(Kind::Aborted)).copied().unwrap_or("receipt"));
        }
        let mut wire = match self.server.answer(self.now_ms(), what, device, &body, trouble).await {
            Ok(wire) => wire,
            Err(error) => {
                self.wrong.push(format!("I7: the server failed: {error}"));
                return;
            }
        };
        if what.is_push() {
            self.server.changed_at = self.now;
        }
        if what == What::Pull && wire.status == 426 {
            self.faults.count(Kind::OldClient);
        }
        // A server that dies says nothing.
        if matches!(trouble, Trouble::Dies(_)) && self.rng.random_bool(0.5) || self.strikes(Kind::LostAck, 0.12) {
            return;
        }
        if self.strikes(Kind::BadGateway, 0.03) {
            wire = Wire::new(504, "text/html", b"<h1>504</h1>");
        }
        if self.strikes(Kind::CutAnswer, 0.06) {
            let end = self.faults.dice(Kind::CutAnswer).random_range(0..wire.body.len());
            wire.body = wire.body[..end].into();
        }
        if self.strikes(Kind::Portal, 0.04) {
            wire = Wire::new(200, "text/html; charset=utf-8", b"<!doctype html><title>Sign in to the network</title>");
        }
        if self.strikes(Kind::Empty, 0.03) {
            let ours = self.faults.dice(Kind::Empty).random_bool(0.5);
            wire = Wire::new(200, if ours { dorbank_shared::sync::wire::MEDIA_TYPE } else { "" }, b"");
        }
        if wire.status == 200 && (what.is_push() || what == What::Inputs) {
            wire = self.confuse(what, wire);
        }
        let wait = self.delay();
        let answer = Happening::Answer { at, request, what, answer: Some(wire) };
        if self.strikes(Kind::AnsweredTwice, 0.05) {
            self.after(wait + 3_000, answer.clone());
        }
        self.after(wait, answer);
    }

    /// Something on the way mixes up answers.
    pub(super) fn confuse(&mut self, what: What, wire: Wire) -> Wire {
        if what.is_push()
            && self.strikes(Kind::WrongDigest, 0.04)
            && let Ok(mut answer) = serde_json::from_slice::<serde_json::Value>(&wire.body)
        {
            for result in answer["results"].as_array_mut().into_iter().flatten() {
                result["digest"] = "0".repeat(64).into();
            }
            return Wire { body: serde_json::to_vec(&answer).unwrap().into(), ..wire };
        }
        if self.faults.has(Kind::OthersReceipt)
            && let Some(other) = self.last_answers.insert(what.is_push(), wire.clone())
            && other != wire
            && self.strikes(Kind::OthersReceipt, 0.05)
        {
            return other;
        }
        wire
    }
}

/// What an answer is worth, as `app/src/field/sync/http.rs` judges it.
pub(super) fn read<T: serde::de::DeserializeOwned>(answer: Option<Wire>) -> Result<T, Fault> {
    use dorbank_shared::{
        error::{Code, Refusal},
        sync::wire::MEDIA_TYPE,
    };
    let Some(Wire { status, media_type, body, busy_ms }) = answer else { return Err(Fault::Network) };
    if (200..300).contains(&status) {
        if !media_type.starts_with(MEDIA_TYPE) {
            return Err(Fault::NotOurs);
        }
        return serde_json::from_slice(&body).map_err(|_| Fault::NotOurs);
    }
    Err(match (status, serde_json::from_slice::<Refusal>(&body).ok().map(|refusal| refusal.error)) {
        (_, Some(Code::Unknown)) => Fault::Unknown,
        (_, Some(Code::UpdateNeeded)) => Fault::UpdateNeeded,
        (413, _) => Fault::TooLarge,
        (429 | 503, _) if busy_ms.is_some() => Fault::Busy(busy_ms.unwrap_or_default()),
        (_, Some(_)) | (408 | 429 | 500.., _) => Fault::Server,
        _ => Fault::NotOurs,
    })
}
