//! The cache: what the server gave and can give again, and which doors have been asked.

use std::collections::{BTreeMap, BTreeSet};

use dorbank_shared::sync::{base::Base, wire::Bundle};
use uuid::Uuid;

use super::handle::{Handle, StoreError, all, all_with_keys, relaxed};

const BUNDLE: &str = "bundle";
const TURF: &str = "turf";
const ASKED: &str = "asked";

thread_local! {
    static CACHE: &'static Handle = Box::leak(Box::new(Handle::new("dorbank-cache", &[BUNDLE, TURF, ASKED])));
}

fn cache() -> &'static Handle {
    CACHE.with(|handle| *handle)
}

/// What is cached.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// The shift, its round and its turfs.
    pub bundle: Option<Bundle>,
    /// The state of each turf's doors, with its cursor.
    pub bases: BTreeMap<Uuid, Base>,
    /// Doors that were asked; a bare flag that says neither yes nor no.
    pub asked: BTreeSet<Uuid>,
}

/// Reads everything. A record of an older form is passed over: the next pull brings it again.
pub async fn read() -> Result<Contents, StoreError> {
    cache()
        .run(async |database| {
            let bundle = all::<Bundle>(database, BUNDLE).await.unwrap_or_default().pop();
            let bases = all_with_keys::<Base>(database, TURF).await.unwrap_or_default();
            let asked = all_with_keys::<u8>(database, ASKED).await?;
            let id = |key: &str| Uuid::parse_str(key).ok();
            Ok(Contents {
                bundle,
                bases: bases.into_iter().filter_map(|(key, base)| Some((id(&key)?, base))).collect(),
                asked: asked.into_iter().filter_map(|(key, _)| id(&key)).collect(),
            })
        })
        .await
}

/// Replaces the bundle and the turfs, in one transaction: rows and their cursor belong together.
pub async fn write(bundle: Option<&Bundle>, bases: &BTreeMap<Uuid, Base>) -> Result<(), StoreError> {
    cache()
        .run(async |database| {
            let transaction = relaxed(database, &[BUNDLE, TURF])?;
            let bundles = transaction.object_store(BUNDLE)?;
            match bundle {
                Some(bundle) => {
                    bundles.put(serde_json::to_string(bundle)?).with_key("bundle".to_owned()).await?;
                }
                None => bundles.clear()?.await?,
            }
            let turfs = transaction.object_store(TURF)?;
            turfs.clear()?.await?;
            for (turf, base) in bases {
                turfs.put(serde_json::to_string(base)?).with_key(turf.to_string()).await?;
            }
            Ok(transaction.commit().await?)
        })
        .await
}

/// Remembers that a door was asked.
pub async fn mark_asked(door: Uuid) -> Result<(), StoreError> {
    cache()
        .run(async |database| {
            let transaction = relaxed(database, &[ASKED])?;
            transaction.object_store(ASKED)?.put("1").with_key(door.to_string()).await?;
            Ok(transaction.commit().await?)
        })
        .await
}
