//! How much of the server one client may take.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// What one client, or all of them, may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The head of a request is whole by then; a connection on which none comes is closed then.
    pub head: Duration,
    /// The body of a request is whole by then.
    pub body: Duration,
    /// Connections at a time; more wait until one ends.
    pub connections: usize,
    /// Connections at a time from one address of the public network; more are closed at once.
    pub per_address: usize,
    /// Whether addresses of private networks are counted too. They are our own proxy's, behind which everybody is.
    pub private_too: bool,
}

impl Default for Limits {
    fn default() -> Self {
        // A phone gives up after 20 s, and a whole campaign office may share one address.
        Self { head: Duration::from_mins(1), body: Duration::from_secs(30), connections: 4_096, per_address: 512, private_too: false }
    }
}

/// So many may come at once, and so many a second after that: for each key a bucket of tokens that fills again.
#[derive(Debug)]
pub struct Pace<K> {
    at_once: f64,
    per_second: f64,
    buckets: Mutex<HashMap<K, (f64, i64)>>,
}

/// Beyond so many keys those that are at rest are forgotten.
const MANY_KEYS: usize = 20_000;

impl<K: Eq + Hash> Pace<K> {
    /// A pace.
    pub fn new(at_once: u32, per_second: u32) -> Self {
        Self { at_once: at_once.into(), per_second: per_second.into(), buckets: Mutex::default() }
    }

    /// Whether one more may come now, which takes its token.
    pub fn may(&self, key: K, now_ms: i64) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = |(tokens, at): (f64, i64)| (tokens + now_ms.saturating_sub(at).max(0) as f64 / 1000.0 * self.per_second).min(self.at_once);
        if buckets.len() > MANY_KEYS {
            buckets.retain(|_, bucket| filled(*bucket) < self.at_once);
        }
        let bucket = buckets.entry(key).or_insert((self.at_once, now_ms));
        // A clock that was set back starts afresh from where it is.
        let tokens = filled(*bucket);
        *bucket = (if tokens >= 1.0 { tokens - 1.0 } else { tokens }, now_ms);
        tokens >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_too_often_waits_and_others_do_not() {
        let pace = Pace::new(3, 2);
        assert_eq!([0, 0, 0, 0].map(|at| pace.may("a", at)), [true, true, true, false]);
        assert!(pace.may("b", 0), "another is not slowed");
        assert_eq!([499, 500, 501, 1000].map(|at| pace.may("a", at)), [false, true, false, true]);
        assert!(!pace.may("a", -5_000_000), "a clock set back gives nothing");
        assert!(pace.may("a", -4_999_000), "and costs nothing for good");
    }
}
