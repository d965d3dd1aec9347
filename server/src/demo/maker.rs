//! Where the demo's ids and chances come from: one seed.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use uuid::Uuid;

/// Randomness from a seed, and a moment for the ids that sort by time.
#[derive(Debug)]
pub struct Maker {
    /// The randomness.
    pub rng: ChaCha20Rng,
    /// Milliseconds since 1970, UTC.
    pub now_ms: i64,
}

impl Maker {
    /// From a seed, at a moment.
    pub fn new(seed: u64, now_ms: i64) -> Self {
        Self { rng: ChaCha20Rng::seed_from_u64(seed), now_ms }
    }

    /// So many random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// An id that sorts by the demo's moment.
    pub fn id(&mut self) -> Uuid {
        self.id_at(self.now_ms)
    }

    /// An id that sorts by another moment.
    pub fn id_at(&mut self, ms: i64) -> Uuid {
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(ms).unwrap_or_default(), &self.bytes()).into_uuid()
    }

    /// An id that tells nothing: for what was said.
    pub fn random_id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }
}
