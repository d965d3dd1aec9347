//! What was said at the demo's doors, sealed as a phone seals it and handed in with tickets as a phone does.

use dorbank_shared::{
    input::{Arena, Input},
    seal::{self, SealError},
};
use rand::{RngExt as _, seq::SliceRandom as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{codebook::TOPICS, maker::Maker, voices};
use crate::store::{StoreError, Tx, spool, ticket};

/// Of a hundred conversations so many are noted: not everybody says yes when asked.
const NOTED: f64 = 0.72;
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

/// The sealed inputs of so many conversations in an area.
pub fn inputs(maker: &mut Maker, of: Collection, area: &str, arena: Arena, conversations: usize) -> Result<Vec<Vec<u8>>, SealError> {
    let mut sealed = Vec::new();
    for _ in 0..conversations {
        if !maker.rng.random_bool(NOTED) {
            continue;
        }
        let plain = serde_json::to_vec(&input(maker, of, area, arena)).unwrap_or_default();
        sealed.push(seal(maker, of.public_key, &plain)?);
    }
    Ok(sealed)
}

fn seal(maker: &mut Maker, public_key: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    // One in 2^32 draws is no key of the curve; then the next one is.
    for _ in 0..3 {
        match seal::seal(public_key, plain, &maker.bytes()) {
            Err(SealError::Key) => {}
            other => return other,
        }
    }
    Err(SealError::Key)
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

/// A topic, drawn by its weight; what moves people differs from district to district.
fn topic(maker: &mut Maker, area: &str) -> usize {
    let place = area.bytes().fold(0usize, |sum, byte| sum * 31 + usize::from(byte));
    let weight = |index: usize| TOPICS[index].weight * [0.6, 1.0, 1.0, 1.8][(place * 7 + index * 5) % 4];
    let mut left = maker.rng.random_range(0.0..(0..TOPICS.len()).map(weight).sum::<f64>());
    for index in 0..TOPICS.len() {
        left -= weight(index);
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
