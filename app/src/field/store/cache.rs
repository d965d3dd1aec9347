//! The cache: what the server gave and can give again, and which doors have been asked.

use std::collections::{BTreeMap, BTreeSet};

use dorbank_shared::sync::{
    base::Base,
    outbox::{Identity, KEPT_MS},
    wire::Bundle,
};
use uuid::Uuid;

use super::handle::{Change, Durability, Found, Handle, StoreError, all, put};
use crate::field::browser;

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
    /// Under which key the bundle lies: see [`Identity::joined_as`].
    key: String,
    /// The shift, its round and its turfs.
    pub bundle: Option<Bundle>,
    /// The state of each turf's doors, with its cursor.
    pub bases: BTreeMap<Uuid, Base>,
    /// Doors that were asked; a bare flag that says neither yes nor no.
    pub asked: BTreeSet<Uuid>,
}

impl Contents {
    /// The same, without what an earlier identity was given. The cache is relaxed, and may come back from before a join.
    #[must_use]
    pub fn of(self, identity: Option<&Identity>) -> Self {
        if self.key == key(identity) { self } else { Self { asked: self.asked, ..Self::default() } }
    }
}

fn key(identity: Option<&Identity>) -> String {
    identity.and_then(|identity| identity.joined_as).map_or_else(|| "bundle".to_owned(), |id| id.to_string())
}

/// Reads everything. A record of an older form is passed over: the next pull brings it again.
pub async fn read() -> Result<Contents, StoreError> {
    let found = cache().read(&[all(BUNDLE), all(TURF), all(ASKED)]).await?;
    let id = |key: &str| Uuid::parse_str(key).ok();
    let (key, bundle) = found.keyed(0).pop().unzip();
    let mut bases = BTreeMap::new();
    for (key, base) in found.keyed(1) {
        bases.extend(id(&key).map(|turf| (turf, base)));
    }
    Ok(Contents { key: key.unwrap_or_default(), bundle, bases, asked: found.texts(2).iter().filter_map(|(key, _)| id(key)).collect() })
}

/// Whether the mark of a door that was asked still holds: one of `round`, where that is known, and no older than what was noted
/// there. It says that there was a conversation. It is the JSON of the round and the hour.
fn holds(mark: &str, round: Option<Uuid>) -> bool {
    let Some((of, hour)) = mark.trim_matches('"').split_once(' ') else { return false };
    let is_of = |round: Uuid| Uuid::parse_str(of).is_ok_and(|of| of == round);
    round.is_none_or(is_of) && hour.parse::<i64>().is_ok_and(|hour| (hour - KEPT_MS..hour + KEPT_MS).contains(&browser::now()))
}

/// Replaces the bundle and the turfs with what `identity` was given, in one transaction: rows and their cursor belong together.
/// Doors that were asked in another round, or long ago, are forgotten.
pub async fn write(identity: Option<&Identity>, bundle: Option<&Bundle>, bases: &BTreeMap<Uuid, Base>) -> Result<(), StoreError> {
    let mut changes = vec![Change::Clear(BUNDLE), Change::Clear(TURF)];
    if let Some(bundle) = bundle {
        changes.push(put(BUNDLE, key(identity), bundle)?);
    }
    for (turf, base) in bases {
        changes.push(put(TURF, turf.to_string(), base)?);
    }
    let round = bundle.map(|bundle| bundle.round.id);
    let mut decide = |found: &mut Found| {
        let over = found.texts(0).iter().filter(|(_, mark)| !holds(mark, round)).map(|(door, _)| Change::Delete(ASKED, door.as_str().into()));
        Ok(changes.iter().cloned().chain(over).collect())
    };
    cache().change(&[all(ASKED)], &mut decide).await
}

/// Remembers that a door was asked in this round.
pub async fn mark_asked(door: Uuid, round: Uuid) -> Result<(), StoreError> {
    let mark = format!("{round} {}", browser::this_hour());
    cache().change(&[], &mut |_| Ok(vec![put(ASKED, door.to_string(), &mark)?])).await
}
