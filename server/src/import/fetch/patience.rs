//! Time and chance, as arguments: nothing in a test waits.

use std::{fmt, future::Future, pin::Pin, sync::Mutex, time::Duration};

use rand::RngExt as _;
use rand_chacha::ChaCha20Rng;

use crate::clock::{Clock as _, SystemClock};

/// A moment that is waited for.
pub type Moment<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Waits, says what time it is, and throws the dice.
pub trait Patience: fmt::Debug + Send + Sync {
    /// The pause before another try.
    fn pause(&self, length: Duration) -> Moment<'_>;
    /// The moment when somebody who was waited for has said nothing for so long.
    fn silence(&self, limit: Duration) -> Moment<'_>;
    /// Milliseconds since 1970, UTC.
    fn now_ms(&self) -> i64;
    /// A number from 0 to 1, by chance.
    fn chance(&self) -> f64;
}

/// The machine's.
#[derive(Debug)]
pub struct SystemPatience(Mutex<ChaCha20Rng>);

impl SystemPatience {
    /// With this randomness.
    pub fn new(rng: ChaCha20Rng) -> Self {
        Self(Mutex::new(rng))
    }
}

impl Patience for SystemPatience {
    fn pause(&self, length: Duration) -> Moment<'_> {
        Box::pin(tokio::time::sleep(length))
    }

    fn silence(&self, limit: Duration) -> Moment<'_> {
        Box::pin(tokio::time::sleep(limit))
    }

    fn now_ms(&self) -> i64 {
        SystemClock.now_ms()
    }

    fn chance(&self) -> f64 {
        // Without dice the whole pause is waited.
        self.0.lock().map_or(1.0, |mut rng| rng.random_range(0.0..=1.0))
    }
}
