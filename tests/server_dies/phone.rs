//! A phone as far as a server matters to it that dies.

use std::{collections::BTreeMap, net::SocketAddr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_shared::{
    input::{InputsRequest, InputsResponse, SLOTS, Slot, SlotStatus},
    seal::SEALED_BYTES,
    sync::{
        base::{Base, Verdict},
        wire::{
            Envelope, Have, JoinRequest, JoinResponse, KIND_VISIT, KIND_WITHDRAWAL, MEDIA_TYPE, PullRequest, PullResponse, PushRequest, PushResponse,
            Reason, Status, TicketsRequest, TicketsResponse,
        },
    },
    visit::{Outcome, VisitV1, WithdrawalV1},
};
use rand::{RngExt as _, seq::SliceRandom as _};
use rand_chacha::ChaCha20Rng;
use reqwest::Client;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// A sealed input on a phone.
#[derive(Debug, Clone)]
pub struct Sealed {
    pub bytes: Vec<u8>,
    pub ticket: Option<String>,
    pub held: bool,
}

/// A phone as far as it matters here: what is durable on it, and what it does with answers.
#[derive(Debug, Clone)]
pub struct Phone {
    pub device: Uuid,
    pub credential: String,
    pub campaign: Uuid,
    pub turf: Uuid,
    pub doors: Vec<(Uuid, Uuid)>,
    pub entries: Vec<Envelope>,
    pub answered: BTreeMap<Uuid, Status>,
    pub sealed: Vec<Sealed>,
    pub tickets: Vec<String>,
    pub epoch: Option<String>,
    /// What it knows of its turf's doors.
    pub base: Base,
    pub rng: ChaCha20Rng,
    pub client: Client,
}

/// What a request came to, other than an answer of ours.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    Gone,
    Status(u16),
}

impl Phone {
    fn id(&mut self) -> Uuid {
        Uuid::from_u128(self.rng.random::<u128>() & !(0xf << 76) | (7 << 76))
    }

    fn entry(&mut self, kind: &str, supersedes: Option<Uuid>, bytes: String) {
        let device_seq = self.entries.len() as u64 + 1;
        let id = self.id();
        self.entries.push(Envelope { id, kind: kind.into(), version: 1, device_seq, supersedes, captured_at: 0, bytes });
    }

    pub fn visit(&mut self, door: usize, outcome: Outcome, supersedes: Option<Uuid>) {
        let (entrance, unit) = self.doors[door];
        let body = VisitV1 { campaign: self.campaign, turf: self.turf, entrance, unit: Some(unit), outcome, leaflet: false, occurred_at: 0 };
        self.entry(KIND_VISIT, supersedes, serde_json::to_string(&body).unwrap());
    }

    /// Mostly a visit; at times a correction of the last one, or an undo.
    pub fn note(&mut self) {
        let door = self.rng.random_range(0..self.doors.len());
        let outcome = [Outcome::NotHome, Outcome::Talked, Outcome::Declined, Outcome::ComeBack][self.rng.random_range(0..4)];
        let last = self.entries.last().filter(|entry| entry.kind == KIND_VISIT).map(|entry| entry.id);
        match (self.rng.random_range(0..10), last) {
            (0, Some(last)) => {
                let body = serde_json::to_string(&WithdrawalV1 { campaign: self.campaign }).unwrap();
                self.entry(KIND_WITHDRAWAL, Some(last), body);
            }
            (1, Some(last)) => {
                let old: VisitV1 = serde_json::from_str(&self.entries.last().unwrap().bytes).unwrap();
                let door = self.doors.iter().position(|(_, unit)| old.unit == Some(*unit)).unwrap();
                self.visit(door, outcome, Some(last));
            }
            _ => self.visit(door, outcome, None),
        }
    }

    pub fn unsent(&self) -> Vec<Envelope> {
        self.entries.iter().filter(|entry| !self.answered.contains_key(&entry.id)).cloned().collect()
    }

    async fn post<T: Serialize, A: DeserializeOwned>(&self, at: SocketAddr, path: &str, body: &T, signed: bool) -> Result<A, Fault> {
        let request = self.client.post(format!("http://{at}{path}")).json(body);
        let request = if signed { request.bearer_auth(&self.credential) } else { request };
        let response = request.send().await.map_err(|_| Fault::Gone)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(|_| Fault::Gone)?;
        if status == 200 {
            assert!(!path.starts_with("/sync/") || headers["content-type"] == MEDIA_TYPE);
            // What came whole is an answer.
            return Ok(serde_json::from_slice(&body).unwrap());
        }
        assert!(status != 503 || headers.contains_key("retry-after") && *body == *br#"{"error":"busy"}"#, "{path}: {headers:?} {body:?}");
        Err(Fault::Status(status.as_u16()))
    }

    /// Sends so many entries. Only what is answered for, under its own digest, counts.
    pub async fn push(&mut self, at: SocketAddr, most: usize) -> Result<Vec<(Status, Option<Reason>)>, Fault> {
        let entries: Vec<Envelope> = self.unsent().into_iter().take(most).collect();
        let have = Have {
            min_unacked: entries.first().map_or(0, |entry| entry.device_seq),
            max_issued: self.entries.len() as u64,
            unsent: self.unsent().len() as u64,
        };
        let request = PushRequest { proto: 1, build: "test".into(), epoch: self.epoch.clone(), have, entries: entries.clone() };
        let answer: PushResponse = self.post(at, "/sync/v1/push", &request, true).await?;
        for result in &answer.results {
            let entry = entries.iter().find(|entry| entry.id == result.id).unwrap();
            assert_eq!(entry.digest(), result.digest);
            if result.status.is_receipt() {
                self.answered.insert(entry.id, result.status);
            }
        }
        self.meet(&answer.epoch);
        if self.unsent().is_empty() {
            // What the volunteer is shown at the end.
            assert_eq!((answer.held, answer.missing.len()), (self.entries.len() as u64, 0));
        }
        Ok(answer.results.iter().map(|result| (result.status, result.reason)).collect())
    }

    /// Reads one page of what is new at its turf's doors.
    pub async fn pull(&mut self, at: SocketAddr) -> Result<Verdict, Fault> {
        let turfs = [(self.turf, self.base.cursor.clone())].into();
        let request = PullRequest { proto: 1, build: "test".into(), bundle: Some("none".into()), turfs };
        let answer: PullResponse = self.post(at, "/sync/v1/pull", &request, true).await?;
        let verdict = self.base.apply(&answer.turfs[0]);
        assert_ne!(verdict, Verdict::Differs, "what was read together agrees with its own count and sum");
        Ok(verdict)
    }

    /// Gives a code, as another phone would. Gives whom the server says to have written down.
    pub async fn join_another(&self, at: SocketAddr, code: &str) -> Result<JoinResponse, Fault> {
        let request = JoinRequest { code: code.to_owned() };
        self.post(at, "/join/v1/exchange", &request, false).await
    }

    /// Another epoch: everything is offered again.
    fn meet(&mut self, epoch: &str) {
        if self.epoch.as_deref().is_some_and(|known| known != epoch) {
            self.answered.clear();
            self.sealed.iter_mut().for_each(|sealed| sealed.held = false);
        }
        self.epoch = Some(epoch.to_owned());
    }

    /// Draws tickets, if it has few.
    pub async fn draw(&mut self, at: SocketAddr) -> Result<(), Fault> {
        if self.tickets.len() < 6 {
            let drawn: TicketsResponse = self.post(at, "/sync/v1/tickets", &TicketsRequest { count: 20 }, true).await?;
            self.tickets.extend(drawn.tickets);
        }
        Ok(())
    }

    /// Sends what waits, eight slots a request. What is refused gets another ticket the next time.
    pub async fn send_inputs(&mut self, at: SocketAddr) -> Result<(), Fault> {
        for sealed in self.sealed.iter_mut().filter(|sealed| !sealed.held && sealed.ticket.is_none()) {
            sealed.ticket = self.tickets.pop();
        }
        let mut ready: Vec<usize> = (0..self.sealed.len()).filter(|i| !self.sealed[*i].held && self.sealed[*i].ticket.is_some()).collect();
        ready.shuffle(&mut self.rng);
        for part in ready.chunks(SLOTS) {
            let mut slots: Vec<Slot> = part
                .iter()
                .map(|i| Slot { ticket: self.sealed[*i].ticket.clone().unwrap(), sealed: BASE64_URL_SAFE_NO_PAD.encode(&self.sealed[*i].bytes) })
                .collect();
            while slots.len() < SLOTS {
                let ticket: [u8; 32] = self.rng.random();
                let byte: u8 = self.rng.random();
                slots.push(Slot { ticket: BASE64_URL_SAFE_NO_PAD.encode(ticket), sealed: BASE64_URL_SAFE_NO_PAD.encode(vec![byte; SEALED_BYTES]) });
            }
            let answer: InputsResponse = self.post(at, "/inputs/v1", &InputsRequest { proto: 1, slots }, false).await?;
            for (i, status) in part.iter().zip(&answer.slots) {
                match status {
                    SlotStatus::Held => self.sealed[*i].held = true,
                    SlotStatus::Refused => self.sealed[*i].ticket = None,
                }
            }
        }
        Ok(())
    }

    /// As if no answer had ever come: each repeat is answered as before.
    pub async fn send_all_again(&mut self, at: SocketAddr) {
        self.answered.clear();
        self.sealed.iter_mut().for_each(|sealed| sealed.held = false);
        while !self.unsent().is_empty() {
            let results = self.push(at, 200).await.unwrap();
            assert!(results.iter().all(|(status, _)| *status == Status::Duplicate), "{results:?}");
        }
        self.send_inputs(at).await.unwrap();
        assert!(self.sealed.iter().all(|sealed| sealed.held));
    }

    /// Until all is answered for, as a phone does over its evening.
    pub async fn finish(&mut self, at: SocketAddr) {
        for _ in 0..50 {
            while !self.unsent().is_empty() {
                let results = self.push(at, 200).await.unwrap();
                assert!(results.iter().any(|(status, _)| status.is_receipt()), "{results:?}");
            }
            self.draw(at).await.unwrap();
            self.send_inputs(at).await.unwrap();
            if self.sealed.iter().all(|sealed| sealed.held) {
                return;
            }
        }
        panic!("an input was refused again and again");
    }
}
