//! A share with its interval.
//!
//! The interval is the score interval of E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
//! Inference", Journal of the American Statistical Association 22 (1927), pages 209 to 212. Unlike the plain one it
//! stays within 0 and 100 per cent and holds for small shares.

use serde::{Deserialize, Serialize};

/// Shares are shown from a base of this many.
pub const SHARES_FROM: u64 = 30;

/// The two-sided 95 per cent point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A share in whole per cent, and between which the true one lies with 95 per cent confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The share.
    pub percent: u8,
    /// The lower end, rounded down.
    pub low: u8,
    /// The upper end, rounded up.
    pub high: u8,
}

/// The share that `part` has in `base`; nothing where the base is below [`SHARES_FROM`] or smaller than the part.
pub fn share(part: u64, base: u64) -> Option<Share> {
    if base < SHARES_FROM || part > base {
        return None;
    }
    let (low, high) = wilson(part as f64 / base as f64, base as f64);
    Some(Share {
        percent: percent((part as f64 / base as f64 * 100.0).round()),
        low: percent((low * 100.0).floor()),
        high: percent((high * 100.0).ceil()),
    })
}

/// The ends of the interval for a share `p` of `n`.
fn wilson(p: f64, n: f64) -> (f64, f64) {
    let square = Z * Z;
    let middle = p + square / (2.0 * n);
    let reach = Z * (p * (1.0 - p) / n + square / (4.0 * n * n)).sqrt();
    let whole = 1.0 + square / n;
    ((middle - reach) / whole, (middle + reach) / whole)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is cut to 0..=100 first")]
fn percent(value: f64) -> u8 {
    value.clamp(0.0, 100.0) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_agrees_with_published_values() {
        // 81 of 263 is the example of R. G. Newcombe (1998), Statistics in Medicine 17, table I: 0.2553 to 0.3662.
        let (low, high) = wilson(81.0 / 263.0, 263.0);
        assert!((low - 0.2553).abs() < 0.0001 && (high - 0.3662).abs() < 0.0001, "{low} {high}");
        assert_eq!(share(81, 263), Some(Share { percent: 31, low: 25, high: 37 }));
    }

    #[test]
    fn a_small_base_has_no_share() {
        assert_eq!(share(10, 29), None);
        assert_eq!(share(40, 30), None);
        assert_eq!(share(30, 30).map(|share| (share.percent, share.high)), Some((100, 100)));
        assert_eq!(share(0, 30).map(|share| (share.percent, share.low)), Some((0, 0)));
    }

    proptest! {
        #[test]
        fn the_share_lies_within_its_interval(base in 30u64..100_000, part in 0u64..100_000) {
            if let Some(share) = share(part, base) {
                prop_assert!(share.low <= share.percent && share.percent <= share.high && share.high <= 100);
            } else {
                prop_assert!(part > base);
            }
        }
    }
}
