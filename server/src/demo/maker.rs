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
    made: u32,
}

impl Maker {
    /// From a seed, at a moment.
    pub fn new(seed: u64, now_ms: i64) -> Self {
        Self { rng: ChaCha20Rng::seed_from_u64(seed), now_ms, made: 0 }
    }

    /// So many random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// An id that sorts by the demo's moment, and after all that were made before it: the ids of a register that came in
    /// row by row. A million of them in one index then lie side by side.
    pub fn id(&mut self) -> Uuid {
        let mut bytes = self.bytes::<10>();
        let [a, b, c, d] = self.made.to_be_bytes();
        // Version and variant take the upper half of the first byte and two bits of the third.
        bytes[0] = a << 2 | b >> 6;
        bytes[1] = b << 2 | c >> 6;
        bytes[2] = c & 0b11_1111;
        bytes[3] = d;
        self.made += 1;
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(self.now_ms).unwrap_or_default(), &bytes).into_uuid()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_and_are_of_version_seven() {
        let mut maker = Maker::new(1, 1_791_993_600_000);
        let ids: Vec<Uuid> = (0..70_000).map(|_| maker.id()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        maker.made = (1 << 26) - 1;
        let (before, after) = (maker.id(), maker.id());
        assert!(before > ids[69_999] && after < before, "after 67 millions it begins anew, and other bytes tell them apart");
    }
}
