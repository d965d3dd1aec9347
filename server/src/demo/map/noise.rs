//! Numbers that wander smoothly over the ground: what keeps a made-up border or shore from being a ruled line.

use dorbank_shared::geo::Metres;

/// A field of numbers between -1 and 1, the same from the same seed.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    seed: u64,
    /// So many metres lie between two numbers that know nothing of each other.
    wave: f64,
}

impl Field {
    /// A field from a seed.
    pub const fn new(seed: u64, wave: f64) -> Self {
        Self { seed, wave }
    }

    /// The number at a place.
    #[expect(clippy::cast_possible_truncation, reason = "a city is some hundred waves wide")]
    pub fn at(&self, at: Metres) -> f64 {
        let (x, y) = (at.x / self.wave, at.y / self.wave);
        let (left, below) = (x.floor(), y.floor());
        let smooth = |t: f64| t * t * (3.0 - 2.0 * t);
        let (right, up) = (smooth(x - left), smooth(y - below));
        let knot = |dx: i64, dy: i64| chance(self.seed, left as i64 + dx, below as i64 + dy);
        let row = |dy: i64| knot(0, dy) * (1.0 - right) + knot(1, dy) * right;
        row(0) * (1.0 - up) + row(1) * up
    }
}

/// A number between -1 and 1 that belongs to a seed and two whole numbers (the mixing of `SplitMix64`).
#[expect(clippy::cast_sign_loss, reason = "the bits are mixed, not counted")]
pub fn chance(seed: u64, x: i64, y: i64) -> f64 {
    let mut bits = seed ^ (x as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (y as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        bits = (bits ^ (bits >> 30)).wrapping_mul(factor);
    }
    let share = ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64;
    share * 2.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_wanders_without_a_leap_and_is_its_seeds_own() {
        let (field, other) = (Field::new(1, 100.0), Field::new(2, 100.0));
        let along = |field: Field| (0..10_000).map(|step| field.at(Metres { x: f64::from(step) - 5_000.0, y: 40.0 })).collect::<Vec<_>>();
        let values = along(field);
        assert!(values.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.04));
        assert!(values.iter().all(|value| (-1.0..=1.0).contains(value)) && values.iter().any(|value| value.abs() > 0.7));
        assert!(values == along(field) && values != along(other));
    }
}
