//! What was said at the demo's doors, sealed as a phone seals it and handed in with tickets as a phone does.

use std::num::NonZero;

use dorbank_shared::{
    input::{Arena, Input},
    seal::{self, SealError},
};
use rand::{RngExt as _, seq::SliceRandom as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    codebook::{TOPICS, weight},
    maker::Maker,
    voices,
};
use crate::store::{StoreError, Tx, spool, ticket};

/// Of a hundred inputs so many have a sentence.
const WITH_WORDS: f64 = 0.75;

/// What of the round the phone needs.
#[derive(Debug, Clone, Copy)]
pub struct Collection<'a> {
    /// The round.
    pub round: Uuid,
    /// Its topics, in the order of [`TOPICS`].
    pub topics: &'a [Uuid],
    /// Its public key.
    pub public_key: &'a [u8],
}

/// What was noted of so many conversations in an area, as JSON, before it is sealed.
pub fn inputs(maker: &mut Maker, of: Collection, area: &str, arena: Arena, conversations: usize, noted: f64) -> Vec<Vec<u8>> {
    let mut plain = Vec::new();
    for _ in 0..conversations {
        if maker.rng.random_bool(noted) {
            plain.push(serde_json::to_vec(&input(maker, of, area, arena)).unwrap_or_default());
        }
    }
    plain
}

/// Seals, each with a key of its own, on all processors; keys and order come from the seed.
pub fn seal(maker: &mut Maker, public_key: &[u8], plain: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, SealError> {
    let with_keys: Vec<(Vec<u8>, [[u8; 32]; 2])> = plain.into_iter().map(|plain| (plain, [maker.bytes(), maker.bytes()])).collect();
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
    let part = with_keys.len().div_ceil(workers).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = with_keys
            .chunks(part)
            .map(|part| scope.spawn(move || part.iter().map(|(plain, keys)| seal_one(public_key, plain, keys)).collect::<Result<Vec<_>, _>>()))
            .collect();
        // A thread that panicked sealed nothing.
        let done: Result<Vec<Vec<Vec<u8>>>, SealError> = parts.into_iter().map(|part| part.join().unwrap_or(Err(SealError::Closed))).collect();
        Ok(done?.into_iter().flatten().collect())
    })
}

/// One in 2^32 draws is no key of the curve; then the next one is.
fn seal_one(public_key: &[u8], plain: &[u8], keys: &[[u8; 32]; 2]) -> Result<Vec<u8>, SealError> {
    match seal::seal(public_key, plain, &keys[0]) {
        Err(SealError::Key) => seal::seal(public_key, plain, &keys[1]),
        other => other,
    }
}

fn input(maker: &mut Maker, of: Collection, area: &str, arena: Arena) -> Input {
    let mut about = vec![topic(maker, area)];
    for _ in 0..2 {
        if maker.rng.random_bool(0.3) {
            let more = topic(maker, area);
            if !about.contains(&more) {
                about.push(more);
            }
        }
    }
    let words = maker.rng.random_bool(WITH_WORDS).then(|| voices::sentence(&mut maker.rng, about[0]));
    Input {
        id: maker.random_id(),
        round: of.round,
        area: area.to_owned(),
        arena,
        topics: about.iter().filter_map(|index| of.topics.get(*index).copied()).collect(),
        words,
    }
}

/// A topic, drawn by its weight in the area.
fn topic(maker: &mut Maker, area: &str) -> usize {
    let mut left = maker.rng.random_range(0.0..(0..TOPICS.len()).map(|index| weight(index, area)).sum::<f64>());
    for index in 0..TOPICS.len() {
        left -= weight(index, area);
        if left < 0.0 {
            return index;
        }
    }
    0
}

/// Hands envelopes in, each with a ticket, in random order.
pub async fn hand_in(tx: &mut Tx, maker: &mut Maker, round: Uuid, mut sealed: Vec<Vec<u8>>) -> Result<(), StoreError> {
    sealed.shuffle(&mut maker.rng);
    let tickets: Vec<[u8; 32]> = sealed.iter().map(|_| Sha256::digest(maker.bytes::<32>()).into()).collect();
    ticket::issue(tx, round, &tickets).await?;
    let spent: Vec<([u8; 32], Uuid, [u8; 32])> =
        tickets.iter().zip(&sealed).map(|(ticket, bytes)| (*ticket, round, Sha256::digest(bytes).into())).collect();
    ticket::spend(tx, &spent).await?;
    let envelopes: Vec<spool::Envelope> = sealed.into_iter().map(|sealed| spool::Envelope { id: maker.random_id(), round, sealed }).collect();
    spool::insert(tx, &envelopes).await
}
