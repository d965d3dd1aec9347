//! Which entrances appeared where others vanished, and the wishes for quiet that they inherit.
//!
//! Where a door has no number on one of the two sides nobody can tell which it was, so the wish holds at each: never ring
//! where it was asked not to.

use std::collections::HashSet;

use uuid::Uuid;

use super::{
    StoreError, Tx, Value,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    PUT = "INSERT INTO succession (since, part, entrance, old) VALUES ($1, $2, $3, $4)";
    CARRY_ENTRANCES = "UPDATE entrance SET do_not_knock = $1 WHERE id IN (SELECT n.entrance FROM succession o JOIN entrance e ON e.id = o.entrance \
        JOIN succession n ON n.since = o.since AND n.part = o.part \
        WHERE o.since = $2 AND o.old = $1 AND n.old = $3 AND e.do_not_knock = $1)";
    CARRY_UNITS = "UPDATE unit SET do_not_knock = $1 WHERE id IN (SELECT w.id FROM succession o JOIN unit u ON u.entrance = o.entrance \
        JOIN succession n ON n.since = o.since AND n.part = o.part \
        JOIN unit w ON w.entrance = n.entrance AND (w.label = u.label OR w.label = '' OR u.label = '') \
        WHERE o.since = $2 AND o.old = $1 AND n.old = $3 AND u.do_not_knock = $1)";
    CARRY_WITHIN = "UPDATE unit SET do_not_knock = $1 FROM unit u WHERE u.entrance = unit.entrance AND unit.label <> '' AND u.do_not_knock = $2 \
        AND u.id IN ($3)";
    HEIRS_OF_ENTRANCES = "SELECT n.entrance FROM entrance_in_force e JOIN succession o ON o.entrance = e.id \
        JOIN succession n ON n.since = o.since AND n.part = o.part WHERE e.vanished = $1 AND o.old = $2 AND n.old = $3 AND e.id IN ($4)";
    HEIRS_OF_UNITS = "SELECT w.id FROM unit_in_force u JOIN entrance_in_force e ON e.id = u.entrance JOIN succession o ON o.entrance = e.id \
        JOIN succession n ON n.since = o.since AND n.part = o.part \
        JOIN unit_in_force w ON w.entrance = n.entrance AND (w.label = u.label OR w.label = '' OR u.label = '') \
        WHERE e.vanished = $1 AND o.old = $2 AND n.old = $3 AND u.id IN ($4)";
    HEIRS_WITHIN = "SELECT w.id FROM unit_in_force u JOIN unit_in_force w ON w.entrance = u.entrance \
        WHERE u.label = '' AND u.vanished = $1 AND w.vanished = $2 AND u.id IN ($3)";
}

/// Entrances that vanished together, and those that appeared in their place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Those that vanished.
    pub old: Vec<Uuid>,
    /// Those that appeared.
    pub new: Vec<Uuid>,
}

/// Notes what came after what, of the import `number`; parts are counted from `first`.
pub async fn put(tx: &mut Tx, number: i64, first: i64, parts: &[Part]) -> Result<(), StoreError> {
    let (head, tail) = around_values(PUT);
    let mut rows = Vec::new();
    for (part, group) in (first..).zip(parts) {
        rows.extend(group.old.iter().map(|id| args![number, part, *id, true]));
        rows.extend(group.new.iter().map(|id| args![number, part, *id, false]));
    }
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// Carries the wishes for quiet that stand now to what comes after, of the import `number`.
pub async fn carry(tx: &mut Tx, number: i64) -> Result<(), StoreError> {
    for sql in [CARRY_ENTRANCES, CARRY_UNITS] {
        tx.execute(sql, args![true, number, false]).await?;
    }
    Ok(())
}

/// Carries the wishes at doors without a number that vanish to the numbered doors of their entrance.
pub async fn carry_within(tx: &mut Tx, unnumbered: &[Uuid]) -> Result<(), StoreError> {
    let (head, tail) = around_list(CARRY_WITHIN);
    let keys: Vec<Value> = unnumbered.iter().map(|id| (*id).into()).collect();
    tx.all_in(head, &args![true, true], &keys, tail).await?;
    Ok(())
}

/// To these units and entrances, of which some may have vanished, adds those that came after them: a phone that was out of
/// reach notes a wish where it still saw the old door.
pub async fn with_heirs(tx: &mut Tx, units: &HashSet<Uuid>, entrances: &HashSet<Uuid>) -> Result<(HashSet<Uuid>, HashSet<Uuid>), StoreError> {
    let mut all = (units.clone(), entrances.clone());
    let mut fresh = all.clone();
    // What came after may have vanished since. Each turn finds new ones or ends.
    while !(fresh.0.is_empty() && fresh.1.is_empty()) {
        let mut found = (HashSet::new(), HashSet::new());
        for (sql, ids, first, into) in [
            (HEIRS_OF_ENTRANCES, &fresh.1, args![true, true, false], &mut found.1),
            (HEIRS_OF_UNITS, &fresh.0, args![true, true, false], &mut found.0),
        ] {
            let (head, tail) = around_list(sql);
            let keys: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
            for row in tx.all_in(head, &first, &keys, tail).await? {
                into.insert(row.get(0)?);
            }
        }
        let (head, tail) = around_list(HEIRS_WITHIN);
        let keys: Vec<Value> = fresh.0.iter().map(|id| (*id).into()).collect();
        for row in tx.all_in(head, &args![true, false], &keys, tail).await? {
            found.0.insert(row.get(0)?);
        }
        found.0.retain(|id| all.0.insert(*id));
        found.1.retain(|id| all.1.insert(*id));
        fresh = found;
    }
    Ok(all)
}
