//! Storage on the phone: two databases. The outbox holds what must not be lost, and its schema is frozen; the cache can
//! be thrown away and fetched again.

pub(super) mod cache;
mod handle;
pub(super) mod live;
pub(super) mod outbox;

pub(super) use handle::{StoreError, when_taken};
