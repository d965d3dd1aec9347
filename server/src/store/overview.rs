//! What the office's pages read over several nouns at once.

use std::collections::HashMap;

use dorbank_shared::{
    shift::Device,
    sync::wire::Admission,
    visit::{Outcome, Seen},
};
use uuid::Uuid;

use super::{StoreError, Tx, Value, meta, parts::around_list};
use crate::{args, statements};

statements! {
    PARTS = "SELECT s.id, (SELECT COUNT(*) FROM shift_turf t WHERE t.shift = s.id), \
        (SELECT COUNT(*) FROM device d WHERE d.shift = s.id AND d.state = 'admitted'), \
        (SELECT COUNT(*) FROM device d WHERE d.shift = s.id AND d.state = 'waiting') FROM shift s WHERE s.id IN ($1)";
    PHONES = "SELECT id, shift, turf, sign, state, tickets, unsent, version, last_seen_at FROM device \
        WHERE shift = $1 AND state IN ('waiting', 'admitted') ORDER BY joined_at, id";
    // In this order of tables, which SQLite keeps for CROSS JOIN: it would go through all doors of the campaign instead.
    PROGRESS = "SELECT t.id, t.number, t.name, \
        (SELECT COUNT(*) FROM turf_entrance e JOIN unit_in_force u ON u.entrance = e.entrance JOIN entrance a ON a.id = e.entrance \
        WHERE e.turf = t.id AND u.vanished = $2 AND u.do_not_knock = $2 AND a.do_not_knock = $2), \
        (SELECT COUNT(*) FROM turf_entrance e CROSS JOIN unit_in_force u CROSS JOIN door_state d CROSS JOIN entrance a \
        WHERE e.turf = t.id AND u.entrance = e.entrance AND d.campaign = t.campaign AND d.door = u.id AND a.id = e.entrance \
        AND u.vanished = $2 AND u.do_not_knock = $2 AND a.do_not_knock = $2 AND d.state <> '') \
        FROM turf t JOIN shift_turf s ON s.turf = t.id WHERE s.shift = $1 ORDER BY t.number";
    SEEN = "SELECT v.id, v.entrance, v.unit, v.outcome FROM visit v JOIN device d ON d.id = v.device \
        WHERE d.shift = $1 AND v.device IS NOT NULL AND v.superseded_by IS NULL AND v.occurred_at < $2";
    REGISTER = "SELECT (SELECT COUNT(*) FROM district), (SELECT COUNT(*) FROM branch), entrances, doors FROM register";
    LAST = "SELECT action, MAX(at) FROM audit WHERE action IN ('mix', 'freeze', 'coarsen') GROUP BY action";
    LOOKED = "SELECT key, value FROM meta WHERE key IN ('looked.mix', 'looked.coarsen')";
    UNSETTLED = "SELECT COUNT(*) FROM quarantine WHERE settled_at IS NULL";
}

/// How many turfs a shift has, and how many phones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// Turfs.
    pub turfs: i64,
    /// Phones that were let in.
    pub admitted: i64,
    /// Phones that wait.
    pub waiting: i64,
}

/// A turf of a shift, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The turf.
    pub id: Uuid,
    /// Its number in the campaign.
    pub number: i64,
    /// What it is called.
    pub name: String,
    /// How many doors it has.
    pub doors: i64,
    /// How many of them somebody has been at.
    pub done: i64,
}

/// How much was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    /// Districts.
    pub districts: i64,
    /// Branches.
    pub branches: i64,
    /// Entrances that are still in their publisher's file.
    pub entrances: i64,
    /// Their doors.
    pub doors: i64,
}

/// Of some shifts: their turfs and phones.
pub async fn parts(tx: &mut Tx, shifts: &[Uuid]) -> Result<HashMap<Uuid, Parts>, StoreError> {
    let keys: Vec<Value> = shifts.iter().map(|id| (*id).into()).collect();
    let (head, tail) = around_list(PARTS);
    let rows = tx.all_in(head, &[], &keys, tail).await?;
    rows.iter().map(|row| Ok((row.get(0)?, Parts { turfs: row.get(1)?, admitted: row.get(2)?, waiting: row.get(3)? }))).collect()
}

/// The phones of a shift that wait or take part, in the order in which they joined, each with when it was last seen.
pub async fn phones(tx: &mut Tx, shift: Uuid) -> Result<Vec<(Device, i64)>, StoreError> {
    let rows = tx.all(PHONES, args![shift]).await?;
    rows.iter()
        .map(|row| {
            let state: String = row.get(4)?;
            let device = Device {
                id: row.get(0)?,
                shift: row.get(1)?,
                turf: row.get(2)?,
                sign: row.get(3)?,
                admission: if state == "waiting" { Admission::Waiting } else { Admission::Admitted },
                tickets: row.get(5)?,
                unsent: row.get(6)?,
                version: row.get(7)?,
            };
            Ok((device, row.get(8)?))
        })
        .collect()
}

/// The turfs of a shift, by number, and how far each is. Doors where nobody rings are no work, as on the phone.
pub async fn progress(tx: &mut Tx, shift: Uuid) -> Result<Vec<Progress>, StoreError> {
    let rows = tx.all(PROGRESS, args![shift, false]).await?;
    rows.iter().map(|row| Ok(Progress { id: row.get(0)?, number: row.get(1)?, name: row.get(2)?, doors: row.get(3)?, done: row.get(4)? })).collect()
}

/// What the phones of a shift noted before a moment, door by door. Empty once it is deleted which phone noted what.
pub async fn seen(tx: &mut Tx, shift: Uuid, before_ms: i64) -> Result<HashMap<Uuid, Vec<Seen>>, StoreError> {
    let mut doors: HashMap<Uuid, Vec<Seen>> = HashMap::new();
    for row in tx.all(SEEN, args![shift, before_ms]).await? {
        let outcome: String = row.get(3)?;
        let outcome = Outcome::parse(&outcome).ok_or(StoreError::Inconsistent { table: "visit", column: "outcome" })?;
        let door = row.get::<Option<Uuid>>(2)?.map_or_else(|| row.get(1), Ok)?;
        doors.entry(door).or_default().push(Seen { id: row.get(0)?, outcome });
    }
    Ok(doors)
}

/// How much was imported.
pub async fn register(tx: &mut Tx) -> Result<Register, StoreError> {
    let row = tx.one(REGISTER, args![]).await?.ok_or(StoreError::Inconsistent { table: "register", column: "entrances" })?;
    Ok(Register { districts: row.get(0)?, branches: row.get(1)?, entrances: row.get(2)?, doors: row.get(3)? })
}

/// When the mix, the freeze and the coarsening last ran, also where they found nothing to do, by the name in the audit.
pub async fn last_runs(tx: &mut Tx) -> Result<HashMap<String, i64>, StoreError> {
    let mut last: HashMap<String, i64> =
        tx.all(LAST, args![]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect::<Result<_, StoreError>>()?;
    for row in tx.all(LOOKED, args![]).await? {
        let (key, at): (String, String) = (row.get(0)?, row.get(1)?);
        if let Some((job, at)) = key.strip_prefix("looked.").zip(at.parse().ok()) {
            let known = last.entry(job.to_owned()).or_insert(at);
            *known = at.max(*known);
        }
    }
    Ok(last)
}

/// Notes that a job (`mix`, `coarsen`) looked, whether or not there was anything to do.
pub async fn note_look(tx: &mut Tx, job: &str, now_ms: i64) -> Result<(), StoreError> {
    meta::set(tx, &format!("looked.{job}"), &now_ms.to_string()).await
}

/// How many entries could not be applied and wait for somebody.
pub async fn unsettled(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.one(UNSETTLED, args![]).await?.map_or(Ok(0), |row| row.get(0))
}
