//! Takes sealed inputs: eight slots, each a ticket and an envelope or random bytes in the shape of both.
//!
//! No credential, no receipt row, no time, and nothing is logged: what is written here must not say who wrote when.

use std::collections::{HashMap, HashSet};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_shared::{
    error::Code,
    input::{InputsRequest, InputsResponse, SLOTS, Slot, SlotStatus, TICKET_BYTES},
    seal::SEALED_BYTES,
};
use jiff::{Timestamp, tz::TimeZone};
use rand::{Rng, seq::SliceRandom as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    SyncError,
    passing::{TRIES, is_passing},
};
use crate::store::{Db, StoreError, Tx, meta, spool, ticket};

/// The most bytes of a request: eight slots in base64, with the JSON around them.
pub const MAX_INPUTS_BYTES: usize = 64 * 1024;

/// The key in `meta` of the last day (`YYYY-MM-DD`) that is wholly in a backup.
pub const BACKED_UP_THROUGH: &str = "backed_up_through";

/// A slot, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    ticket_hash: [u8; 32],
    envelope_hash: [u8; 32],
    sealed: Vec<u8>,
}

/// A request, read.
#[derive(Debug, Clone)]
pub struct Offered {
    /// Its slots.
    pub slots: Vec<Sealed>,
    /// [`InputsRequest::digest`].
    digest: String,
}

/// Reads a request.
///
/// # Errors
/// `malformed` unless it is exactly [`SLOTS`] slots of exactly the one size.
pub fn read(body: &[u8]) -> Result<Offered, Code> {
    let request: InputsRequest = serde_json::from_slice(body).map_err(|_| Code::Malformed)?;
    if request.proto != 1 || request.slots.len() != SLOTS {
        return Err(Code::Malformed);
    }
    let slots = request.slots.iter().map(read_slot).collect::<Result<_, _>>()?;
    Ok(Offered { slots, digest: request.digest() })
}

fn read_slot(slot: &Slot) -> Result<Sealed, Code> {
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Code::Malformed);
    let (ticket, sealed) = (decode(&slot.ticket)?, decode(&slot.sealed)?);
    if ticket.len() != TICKET_BYTES || sealed.len() != SEALED_BYTES {
        return Err(Code::Malformed);
    }
    Ok(Sealed { ticket_hash: Sha256::digest(&ticket).into(), envelope_hash: Sha256::digest(&sealed).into(), sealed })
}

/// Takes the slots and says what became of each; of `now_ms` only the day goes into the answer. The same request sent again is answered as before.
///
/// # Errors
/// The store's own; nothing was taken then.
pub async fn take(db: &Db, now_ms: i64, rng: &mut (impl Rng + Send), offered: &Offered) -> Result<InputsResponse, SyncError> {
    let mut order: Vec<(usize, Uuid)> = (0..offered.slots.len()).map(|index| (index, random_id(rng))).collect();
    order.shuffle(rng);
    let day = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC).date().to_string();
    for _ in 1..TRIES {
        match once(db, &day, &order, offered).await {
            Err(error) if is_passing(&error) => {}
            answer => return Ok(answer?),
        }
    }
    Ok(once(db, &day, &order, offered).await?)
}

fn random_id(rng: &mut impl Rng) -> Uuid {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

async fn once(db: &Db, day: &str, order: &[(usize, Uuid)], Offered { slots, digest }: &Offered) -> Result<InputsResponse, StoreError> {
    let mut tx = db.begin().await?;
    let mut issued = issued(&mut tx, slots).await?;
    let valid = |issued: &Issued, slot: &Sealed| issued.get(&slot.ticket_hash).is_some_and(|ticket| ticket.1.is_none());
    // The same envelope may come again under another ticket: a copy of its phone sends it too, or a restore had forgotten what
    // it was sent with. The mix may have taken it since, and would count it twice.
    let offered: Vec<[u8; 32]> = slots.iter().filter(|slot| valid(&issued, slot)).map(|slot| slot.envelope_hash).collect();
    let held = ticket::with_envelopes(&mut tx, &offered).await?;
    let is_held = |slot: &Sealed| held.iter().any(|hash| *hash == slot.envelope_hash);
    let mut here = HashSet::new();
    let mut fresh: HashMap<[u8; 32], (usize, Uuid)> = HashMap::new();
    for (index, id) in order {
        let slot = &slots[*index];
        if valid(&issued, slot) && !is_held(slot) && !fresh.contains_key(&slot.ticket_hash) && here.insert(slot.envelope_hash) {
            fresh.insert(slot.ticket_hash, (*index, *id));
        }
    }
    let mut spent: Vec<_> = fresh.iter().map(|(hash, (index, _))| (*hash, issued[hash].0, slots[*index].envelope_hash)).collect();
    // In the order of their hashes, so that two requests with the same tickets never wait for each other in a ring.
    spent.sort_unstable();
    let won = ticket::spend(&mut tx, &spent).await?;
    if won.len() < spent.len() {
        issued = self::issued(&mut tx, slots).await?;
    }
    let (mut envelopes, mut taken) = (Vec::new(), Vec::new());
    for (index, id) in order {
        let slot = &slots[*index];
        if fresh.get(&slot.ticket_hash) == Some(&(*index, *id)) && won.iter().any(|hash| *hash == slot.ticket_hash) {
            let round = issued[&slot.ticket_hash].0;
            issued.insert(slot.ticket_hash, (round, Some(slot.envelope_hash.to_vec())));
            taken.push(slot.envelope_hash);
            envelopes.push(spool::Envelope { id: *id, round, sealed: slot.sealed.clone() });
        }
    }
    spool::insert(&mut tx, &envelopes).await?;
    // A mix may have come between another request with the same envelope and this one, which waited behind it.
    if ticket::are_twice(&mut tx, &taken).await? {
        return Err(StoreError::Overtaken);
    }
    let status = |slot: &Sealed| match issued.get(&slot.ticket_hash) {
        Some((_, Some(hash))) if *hash == slot.envelope_hash => SlotStatus::Held,
        Some((_, None)) if is_held(slot) || taken.contains(&slot.envelope_hash) => SlotStatus::Held,
        _ => SlotStatus::Refused,
    };
    let backed_up_through = meta::find(&mut tx, BACKED_UP_THROUGH).await?;
    let epoch = meta::find(&mut tx, meta::EPOCH).await?;
    let slots = slots.iter().map(status).collect();
    let response = InputsResponse { slots, backed_up_through, day: Some(day.to_owned()), epoch, of: Some(digest.clone()) };
    tx.commit().await?;
    Ok(response)
}

/// The round of each ticket that was drawn, and what it was spent on.
type Issued = HashMap<[u8; 32], (Uuid, Option<Vec<u8>>)>;

async fn issued(tx: &mut Tx, slots: &[Sealed]) -> Result<Issued, StoreError> {
    let hashes: Vec<[u8; 32]> = slots.iter().map(|slot| slot.ticket_hash).collect();
    let found = ticket::among(tx, &hashes).await?;
    Ok(found.into_iter().filter_map(|ticket| Some((ticket.hash.try_into().ok()?, (ticket.round, ticket.envelope_hash)))).collect())
}
