//! That this is our server, and what it is.

use dorbank_shared::sync::wire::{Admission, HelloResponse, PROTO};

use crate::store::{Db, StoreError, meta};

/// Answers a hello. `build` is the server's; `client_min` the oldest app that may pull; `admission` is where the phone that asks stands.
pub async fn hello(db: &Db, now_ms: i64, build: &str, client_min: u32, admission: Option<Admission>) -> Result<HelloResponse, StoreError> {
    let mut tx = db.read().await?;
    let epoch = meta::epoch(&mut tx).await?;
    Ok(HelloResponse { server_time: now_ms, epoch, proto: (PROTO, PROTO), client_min, build: build.to_owned(), admission })
}
