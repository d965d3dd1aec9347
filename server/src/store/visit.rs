//! Visits: what happened at a door, never what was said.

use std::collections::{HashMap, HashSet};

use dorbank_shared::visit::{Outcome, VisitV1};
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    parts::{around_list, around_values},
    register, succession,
};
use crate::{args, statements};

statements! {
    INSERT = "INSERT INTO visit (id, campaign, turf, entrance, unit, outcome, leaflet, occurred_at, device, device_seq, superseded_by, silenced) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    AMONG = "SELECT id, campaign, turf, entrance, unit, outcome, leaflet, occurred_at, device, device_seq, superseded_by, silenced FROM visit WHERE id IN ($1)";
    STANDING = "SELECT id, entrance, unit, outcome, device FROM visit WHERE campaign = $1 AND superseded_by IS NULL AND entrance IN ($2)";
    SUPERSEDE = "UPDATE visit SET superseded_by = $2 WHERE id = $1 AND superseded_by IS NULL";
    REPLACED_EARLY = "INSERT INTO replaced_early (id, device, campaign, superseded_by) VALUES ($1, $2, $3, $4) ON CONFLICT (id, device) DO NOTHING";
    REPLACED_BEFORE = "SELECT r.id, r.superseded_by FROM replaced_early r JOIN device d ON d.id = r.device \
        WHERE (r.device = $1 OR d.renewed_from = $2) AND r.id IN ($3)";
    WISHES = "SELECT DISTINCT v.entrance, v.unit FROM visit v JOIN entrance e ON e.id = v.entrance LEFT JOIN unit u ON u.id = v.unit \
        WHERE v.outcome = $1 AND (v.superseded_by IS NULL OR (v.silenced = $2 AND COALESCE(u.do_not_knock, e.do_not_knock) = $3)) AND v.device IN ($4)";
    WISHED = "SELECT entrance, unit FROM visit WHERE outcome = $1 AND superseded_by IS NULL AND entrance IN ($2)";
    QUIET_UNITS = "SELECT id FROM unit WHERE do_not_knock = $1 AND id IN ($2)";
    QUIET_ENTRANCES = "SELECT id FROM entrance WHERE do_not_knock = $1 AND id IN ($2)";
    SET_UNITS = "UPDATE unit SET do_not_knock = $1 WHERE id IN ($2)";
    SET_ENTRANCES = "UPDATE entrance SET do_not_knock = $1 WHERE id IN ($2)";
}

/// A visit as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The entry's id.
    pub id: Uuid,
    /// What the phone wrote.
    pub body: VisitV1,
    /// Whose entry it is, until its outcome is coarsened.
    pub device: Option<Uuid>,
    /// The phone's counter.
    pub device_seq: i64,
    /// The entry that replaced or withdrew it.
    pub superseded_by: Option<Uuid>,
    /// It turned the register's wish for quiet on.
    pub silenced: bool,
}

/// A visit that still stands, as far as the fold and the merge look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The entry's id.
    pub id: Uuid,
    /// The entrance.
    pub entrance: Uuid,
    /// The unit, or the entrance itself.
    pub door: Uuid,
    /// What happened.
    pub outcome: Outcome,
    /// Whose entry it is, until its outcome is coarsened.
    pub device: Option<Uuid>,
}

fn outcome(row: &Row, index: usize) -> Result<Outcome, StoreError> {
    let name: String = row.get(index)?;
    Outcome::parse(&name).ok_or(StoreError::Inconsistent { table: "visit", column: "outcome" })
}

fn visit(row: &Row) -> Result<Visit, StoreError> {
    Ok(Visit {
        id: row.get(0)?,
        body: VisitV1 {
            campaign: row.get(1)?,
            turf: row.get(2)?,
            entrance: row.get(3)?,
            unit: row.get(4)?,
            outcome: outcome(row, 5)?,
            leaflet: row.get(6)?,
            occurred_at: row.get(7)?,
        },
        device: row.get(8)?,
        device_seq: row.get(9)?,
        superseded_by: row.get(10)?,
        silenced: row.get(11)?,
    })
}

fn columns(v: &Visit) -> Vec<Value> {
    let b = &v.body;
    args![
        v.id,
        b.campaign,
        b.turf,
        b.entrance,
        b.unit,
        b.outcome.name(),
        b.leaflet,
        b.occurred_at,
        v.device,
        v.device_seq,
        v.superseded_by,
        v.silenced
    ]
}

fn keys(ids: &HashSet<Uuid>) -> Vec<Value> {
    ids.iter().map(|id| (*id).into()).collect()
}

/// Writes new visits.
pub async fn insert(tx: &mut Tx, visits: &[Visit]) -> Result<(), StoreError> {
    let (head, tail) = around_values(INSERT);
    tx.many(head, visits.iter().map(columns).collect(), tail).await?;
    Ok(())
}

/// Some visits, in no order.
pub async fn among(tx: &mut Tx, ids: &HashSet<Uuid>) -> Result<Vec<Visit>, StoreError> {
    let (head, tail) = around_list(AMONG);
    tx.all_in(head, &[], &keys(ids), tail).await?.iter().map(visit).collect()
}

/// Writes what replaced these visits; nothing else of them is changed.
///
/// # Errors
/// [`StoreError::Overtaken`] where one was made coarse, or replaced by another entry, since it was read.
pub async fn supersede(tx: &mut Tx, visits: &[Visit]) -> Result<(), StoreError> {
    for visit in visits {
        if tx.execute(SUPERSEDE, args![visit.id, visit.superseded_by]).await? == 0 {
            return Err(StoreError::Overtaken);
        }
    }
    Ok(())
}

/// Remembers of visits that have not come what a phone's entries replaced them by: `(visit, what replaces it)`.
pub async fn replace_early(tx: &mut Tx, device: Uuid, campaign: Uuid, pairs: &[(Uuid, Uuid)]) -> Result<(), StoreError> {
    let (head, tail) = around_values(REPLACED_EARLY);
    tx.many(head, pairs.iter().map(|(id, by)| args![*id, device, campaign, *by]).collect(), tail).await?;
    Ok(())
}

/// Which of a phone's visits it replaced itself before they came, perhaps under the identity that it counts on with, and by
/// what.
pub async fn replaced_early(tx: &mut Tx, device: Uuid, ids: &HashSet<Uuid>) -> Result<HashMap<Uuid, Uuid>, StoreError> {
    let (head, tail) = around_list(REPLACED_BEFORE);
    tx.all_in(head, &args![device, device], &keys(ids), tail).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// The visits of a campaign that still stand at these entrances, at any of their doors.
pub async fn standing(tx: &mut Tx, campaign: Uuid, entrances: &HashSet<Uuid>) -> Result<Vec<Standing>, StoreError> {
    let (head, tail) = around_list(STANDING);
    tx.all_in(head, &args![campaign], &keys(entrances), tail)
        .await?
        .iter()
        .map(|row| {
            let (entrance, unit): (Uuid, Option<Uuid>) = (row.get(1)?, row.get(2)?);
            Ok(Standing { id: row.get(0)?, entrance, door: unit.unwrap_or(entrance), outcome: outcome(row, 3)?, device: row.get(4)? })
        })
        .collect()
}

/// At how many doors a wish for quiet stands that one of these phones noted, or is kept by the register though it was taken
/// back: too late, say. Only visits that still say which phone noted them are counted.
pub async fn wishes(tx: &mut Tx, phones: &[Uuid]) -> Result<i64, StoreError> {
    let (head, tail) = around_list(WISHES);
    let keys: Vec<Value> = phones.iter().map(|id| (*id).into()).collect();
    let doors = tx.all_in(head, &args![Outcome::DoNotKnock.name(), true, true], &keys, tail).await?;
    Ok(i64::try_from(doors.len()).unwrap_or(i64::MAX))
}

/// The doors at these entrances where somebody's wish for quiet stands, in whichever campaign it was noted.
pub async fn wished(tx: &mut Tx, entrances: &HashSet<Uuid>) -> Result<HashSet<Uuid>, StoreError> {
    let (head, tail) = around_list(WISHED);
    let rows = tx.all_in(head, &args![Outcome::DoNotKnock.name()], &keys(entrances), tail).await?;
    rows.iter().map(|row| Ok(row.get::<Option<Uuid>>(1)?.unwrap_or(row.get(0)?))).collect()
}

/// Which of these units and entrances the register already keeps quiet.
pub async fn quiet(tx: &mut Tx, units: &HashSet<Uuid>, entrances: &HashSet<Uuid>) -> Result<HashSet<Uuid>, StoreError> {
    let mut found = HashSet::new();
    for (statement, ids) in [(QUIET_UNITS, units), (QUIET_ENTRANCES, entrances)] {
        let (head, tail) = around_list(statement);
        for row in tx.all_in(head, &args![true], &keys(ids), tail).await? {
            found.insert(row.get(0)?);
        }
    }
    Ok(found)
}

/// Notes in the register that nobody rings at these units and entrances, nor at those that came after them where they
/// vanished; or that one may ring again, at these alone.
pub async fn set_quiet(tx: &mut Tx, units: &HashSet<Uuid>, entrances: &HashSet<Uuid>, quiet: bool) -> Result<(), StoreError> {
    let (units, entrances) = if quiet {
        register::hold(tx).await?;
        succession::with_heirs(tx, units, entrances).await?
    } else {
        (units.clone(), entrances.clone())
    };
    for (statement, ids) in [(SET_UNITS, &units), (SET_ENTRANCES, &entrances)] {
        let (head, tail) = around_list(statement);
        tx.all_in(head, &args![quiet], &keys(ids), tail).await?;
    }
    Ok(())
}
