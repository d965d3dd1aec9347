//! The cache: what the server gave and can give again, and which doors have been asked.

use std::collections::{BTreeMap, BTreeSet};

use dorbank_shared::sync::{base::Base, wire::Bundle};
use uuid::Uuid;

use super::handle::{Change, Durability, Handle, StoreError, all, put};

const BUNDLE: &str = "bundle";
const TURF: &str = "turf";
const ASKED: &str = "asked";

thread_local! {
    static CACHE: &'static Handle = Box::leak(Box::new(Handle::new("dorbank-cache", &[BUNDLE, TURF, ASKED], Durability::Relaxed)));
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
    let found = cache().read(&[all(BUNDLE), all(TURF), all(ASKED)]).await?;
    let ids = |at| found.texts(at).iter().filter_map(|(key, _)| Uuid::parse_str(key).ok());
    Ok(Contents {
        bundle: found.all(0).unwrap_or_default().pop(),
        bases: ids(1).zip(found.all(1).unwrap_or_default()).collect(),
        asked: ids(2).collect(),
    })
}

/// Replaces the bundle and the turfs, in one transaction: rows and their cursor belong together.
pub async fn write(bundle: Option<&Bundle>, bases: &BTreeMap<Uuid, Base>) -> Result<(), StoreError> {
    let mut changes = vec![Change::Clear(BUNDLE), Change::Clear(TURF)];
    if let Some(bundle) = bundle {
        changes.push(put(BUNDLE, "bundle", bundle)?);
    }
    for (turf, base) in bases {
        changes.push(put(TURF, turf.to_string(), base)?);
    }
    cache().change(&[], &mut |_| Ok(changes.clone())).await
}

/// Remembers that a door was asked.
pub async fn mark_asked(door: Uuid) -> Result<(), StoreError> {
    cache().change(&[], &mut |_| Ok(vec![put(ASKED, door.to_string(), &1u8)?])).await
}
