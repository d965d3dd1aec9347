//! One-time tickets for inputs. How many a phone drew is noted, which is not.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_shared::{
    error::Code,
    input::TICKET_BYTES,
    sync::wire::{Admission, TicketsResponse},
};
use rand::{Rng, seq::SliceRandom as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    SyncError,
    passing::{TRIES, wrote_nothing},
};
use crate::store::{
    Db, StoreError,
    campaign::Purpose,
    device,
    round::{self, RoundState},
    scope, ticket,
};

/// The most tickets that one phone and its copies draw in their shift: twice what a pair hears in an evening.
pub const MOST_TICKETS: i64 = 40;
/// Below this the pool is filled up: a draw from a small pool would tell much about who drew what.
const POOL_LOW: i64 = 500;
/// How many tickets fill it up.
const POOL_FILL: usize = 1_000;

/// Draws up to `count` tickets for a phone. A round that is closed still gives them: what was sealed at a door while it was
/// open is not to stay on a phone because its tickets had run out.
///
/// # Errors
/// `forbidden` unless it is admitted; `unknown` when there is no such phone; the store's own.
pub async fn draw(db: &Db, rng: &mut (impl Rng + Send), device: Uuid, count: u32) -> Result<TicketsResponse, SyncError> {
    let mut tx = db.read().await?;
    let Some(scope) = scope::find(&mut tx, device).await? else { return Err(Code::Unknown.into()) };
    let begun = round::find(&mut tx, scope.round).await?.is_some_and(|round| round.state != RoundState::Draft);
    let pool = ticket::pool(&mut tx, scope.round).await?;
    drop(tx);
    if scope.admission != Admission::Admitted {
        return Err(Code::Forbidden.into());
    }
    if !begun || scope.purpose == Purpose::Election {
        return Ok(TicketsResponse { tickets: Vec::new(), round: None });
    }
    if pool < POOL_LOW {
        fill(db, rng, scope.round).await?;
    }
    let mut places = vec![[0; TICKET_BYTES]; usize::try_from(MOST_TICKETS.min(count.into())).unwrap_or_default()];
    for place in &mut places {
        rng.fill_bytes(place);
    }
    // Two draws that meet then wait for each other in one order.
    places.sort_unstable();
    let mut tickets = Vec::new();
    for attempt in 1..=TRIES {
        match take(db, device, scope.round, &places).await {
            Ok(taken) => {
                tickets = taken;
                break;
            }
            // A draw that may have been done is not done again: it would be taken twice from what the phone may draw.
            Err(error) if attempt < TRIES && wrote_nothing(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    tickets.shuffle(rng);
    Ok(TicketsResponse { tickets: tickets.iter().map(|ticket| BASE64_URL_SAFE_NO_PAD.encode(ticket)).collect(), round: Some(scope.round) })
}

async fn fill(db: &Db, rng: &mut (impl Rng + Send), round: Uuid) -> Result<(), StoreError> {
    let mut fresh = vec![[0; TICKET_BYTES]; POOL_FILL];
    for ticket in &mut fresh {
        rng.fill_bytes(ticket);
    }
    let mut tx = db.begin().await?;
    ticket::fill(&mut tx, round, &fresh).await?;
    tx.commit().await
}

async fn take(db: &Db, device: Uuid, round: Uuid, places: &[[u8; TICKET_BYTES]]) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut tx = db.begin().await?;
    let family = device::family(&mut tx, device).await?;
    let left = MOST_TICKETS - ticket::count_drawn(&mut tx, &family, 0).await?;
    let count = places.len().min(usize::try_from(left).unwrap_or_default());
    if count == 0 {
        return Ok(Vec::new());
    }
    let tickets = ticket::take(&mut tx, round, &places[..count]).await?;
    let hashes: Vec<[u8; 32]> = tickets.iter().map(|ticket| Sha256::digest(ticket).into()).collect();
    ticket::issue(&mut tx, round, &hashes).await?;
    ticket::count_drawn(&mut tx, &family, i64::try_from(tickets.len()).unwrap_or_default()).await?;
    tx.commit().await?;
    Ok(tickets)
}
