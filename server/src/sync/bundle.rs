//! What a phone downloads for its shift: the register of its turfs and the round's codebook.

use dorbank_shared::{
    place::Entrance,
    sync::wire::{Bundle, EntranceBundle, TurfBundle, UnitBundle, hexadecimal},
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    import::Credit,
    store::{StoreError, Tx, entrance, round, scope::Scope, turf},
};

/// The turfs that a phone walks: the one that the lead gave it, or all of its shift's.
pub async fn turfs(tx: &mut Tx, scope: &Scope) -> Result<Vec<Uuid>, StoreError> {
    if let Some(own) = scope.turf {
        return Ok(vec![own]);
    }
    Ok(turf::of_shift(tx, scope.shift).await?.into_iter().map(|turf| turf.id).collect())
}

/// All that a phone needs for its shift.
pub async fn read(tx: &mut Tx, scope: &Scope, turfs: &[Uuid]) -> Result<Bundle, StoreError> {
    let mut out = Vec::with_capacity(turfs.len());
    for named in turf::among(tx, turfs).await? {
        let entrances = entrance::of_turf(tx, named.id).await?.into_iter().map(entrance_bundle).collect();
        out.push(TurfBundle { id: named.id, number: small(named.number), name: named.name, area: named.area, district: named.district, entrances });
    }
    let round = round::bundle(tx, scope.round).await?.ok_or(StoreError::Inconsistent { table: "campaign", column: "round" })?;
    let mut bundle = Bundle {
        tag: String::new(),
        shift: scope.shift,
        starts_at: scope.starts_at,
        ends_at: scope.ends_at,
        meeting_place: scope.meeting_place.clone(),
        campaign: scope.campaign,
        campaign_name: scope.campaign_name.clone(),
        purpose: scope.purpose.name().to_owned(),
        round,
        turfs: out,
        credit: Credit::read(tx).await?.map(|credit| credit.mark()),
    };
    bundle.tag = tag(&bundle);
    Ok(bundle)
}

/// Changes when anything in the bundle does.
fn tag(bundle: &Bundle) -> String {
    let json = serde_json::to_vec(bundle).unwrap_or_default();
    let hash = Sha256::digest(&json);
    hexadecimal(&hash[..8])
}

/// House numbers, floors and doors are small; a number out of range is a fault of the publisher's and shows as 0.
fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or_default()
}

fn entrance_bundle(entrance: Entrance) -> EntranceBundle {
    let units = entrance
        .units
        .into_iter()
        .map(|u| UnitBundle { id: u.id, label: u.label, floor: small(u.floor), position: small(u.position), do_not_knock: u.do_not_knock })
        .collect();
    EntranceBundle {
        id: entrance.id,
        street: entrance.street,
        number: small(entrance.number),
        letter: entrance.letter,
        lat: entrance.at.lat,
        lon: entrance.at.lon,
        do_not_knock: entrance.do_not_knock,
        units,
    }
}
