//! That this is our server, and what it is.

use dorbank_shared::sync::wire::{Admission, HelloResponse, PROTO};

use super::CLIENT_MIN;
use crate::store::{Db, StoreError, meta};

/// Answers a hello. `build` is the server's; `admission` is where the phone that asks stands.
pub async fn hello(db: &Db, now_ms: i64, build: &str, admission: Option<Admission>) -> Result<HelloResponse, StoreError> {
    let mut tx = db.read().await?;
    let epoch = meta::epoch(&mut tx).await?;
    Ok(HelloResponse { server_time: now_ms, epoch, proto: (PROTO, PROTO), client_min: CLIENT_MIN, build: build.to_owned(), admission })
}
