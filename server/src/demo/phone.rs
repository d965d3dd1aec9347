//! The demo's phones: they join, count what they note, and send it to the code that takes what real ones send.

use dorbank_shared::{
    code,
    sync::wire::{Admission, Envelope, Have, KIND_VISIT, PROTO, PushRequest, PushResponse, Status},
    visit::VisitV1,
};
use uuid::Uuid;

use super::{DemoError, maker::Maker, plan::Tour};
use crate::{
    store::{Db, StoreError, Tx, device},
    sync::{entry::Batch, push::push},
};

/// A phone that joined a shift.
#[derive(Debug, Clone)]
pub struct Phone {
    /// Its id.
    pub id: Uuid,
    /// The counter of the last entry that it noted.
    pub counter: u64,
    /// How often where it stands was changed.
    version: i64,
}

impl Phone {
    /// Joins a shift: let in to a turf, or waiting without one.
    pub async fn join(tx: &mut Tx, maker: &mut Maker, tour: &Tour, number: usize, turf: Option<Uuid>) -> Result<Self, StoreError> {
        let joined_at = (tour.shift.starts_at + 60_000).min(maker.now_ms);
        let mut phone = Self { id: maker.id_at(joined_at), counter: 0, version: 1 };
        device::insert(tx, phone.id, tour.shift.id, &code::sign(number * 11 + 5), maker.bytes(), joined_at).await?;
        if turf.is_some() {
            phone.stand(tx, Admission::Admitted, turf).await?;
        }
        Ok(phone)
    }

    /// Changes where it stands.
    pub async fn stand(&mut self, tx: &mut Tx, admission: Admission, turf: Option<Uuid>) -> Result<(), StoreError> {
        device::set_admission(tx, self.id, self.version, admission, turf).await?;
        self.version += 1;
        Ok(())
    }

    /// Notes something.
    pub fn note(&mut self, maker: &mut Maker, kind: &str, version: u32, at: i64, supersedes: Option<Uuid>, bytes: String) -> Envelope {
        self.counter += 1;
        Envelope { id: maker.id_at(at), kind: kind.to_owned(), version, device_seq: self.counter, supersedes, captured_at: at, bytes }
    }

    /// Notes a visit.
    pub fn visit(&mut self, maker: &mut Maker, visit: &VisitV1) -> Envelope {
        let bytes = serde_json::to_string(visit).unwrap_or_default();
        self.note(maker, KIND_VISIT, 1, visit.occurred_at, None, bytes)
    }

    /// Sends entries, and says that it keeps so many others for now.
    pub async fn send(&self, db: &Db, now_ms: i64, entries: Vec<Envelope>, kept: u64) -> Result<PushResponse, DemoError> {
        let first = entries.first().map_or(self.counter + 1, |entry| entry.device_seq);
        let have = Have { min_unacked: first, max_issued: self.counter, unsent: entries.len() as u64 + kept };
        let request = PushRequest { proto: PROTO, build: String::new(), epoch: None, have, entries };
        Ok(push(db, now_ms, self.id, &Batch::from(request)).await?)
    }

    /// Notes the visits of a walk and sends them: none of them is to be kept aside.
    pub async fn send_walk(&mut self, db: &Db, maker: &mut Maker, now_ms: i64, visits: &[VisitV1]) -> Result<(), DemoError> {
        let entries: Vec<Envelope> = visits.iter().map(|visit| self.visit(maker, visit)).collect();
        let answer = self.send(db, now_ms, entries, 0).await?;
        let odd = answer.results.iter().find(|result| !matches!(result.status, Status::Applied | Status::Merged));
        odd.map_or(Ok(()), |result| Err(DemoError::NotTaken(result.reason)))
    }
}
