//! Which entrances and doors appeared where others vanished, and the wishes for quiet that they inherit.
//!
//! Where a door has no number on one of the two sides nobody can tell which it was, so the wish holds at each: never ring
//! where it was asked not to. A house that appeared inherits by the numbers of its doors; what came to a house that stood
//! already is noted door by door.

use std::collections::HashSet;

use uuid::Uuid;

use super::{
    StoreError, Tx, Value,
    parts::{around_list, around_values},
};
use crate::{args, statements};

statements! {
    PUT = "INSERT INTO succession (since, part, entrance, old) VALUES ($1, $2, $3, $4)";
    PUT_DOORS = "INSERT INTO door_succession (since, part, unit, old) VALUES ($1, $2, $3, $4)";
    FOLLOWED = "SELECT DISTINCT unit FROM door_succession WHERE old = $1 AND unit IN ($2)";
    CARRY_ENTRANCES = "UPDATE entrance SET do_not_knock = $1 WHERE id IN (SELECT n.entrance FROM succession o \
        JOIN entrance_in_force e ON e.id = o.entrance \
        JOIN succession n ON n.since = o.since AND n.part = o.part \
        WHERE o.since = $2 AND o.old = $1 AND n.old = $3 AND e.do_not_knock = $1)";
    CARRY_UNITS = "UPDATE unit SET do_not_knock = $1 WHERE id IN (SELECT w.id FROM succession o JOIN unit_in_force u ON u.entrance = o.entrance \
        JOIN succession n ON n.since = o.since AND n.part = o.part \
        JOIN unit_in_force w ON w.entrance = n.entrance AND (w.label = u.label OR w.label = '' OR u.label = '') \
        WHERE o.since = $2 AND o.old = $1 AND n.old = $3 AND u.do_not_knock = $1)";
    CARRY_DOORS = "UPDATE unit SET do_not_knock = $1 WHERE id IN (SELECT n.unit FROM door_succession o JOIN unit_in_force u ON u.id = o.unit \
        JOIN entrance_in_force e ON e.id = u.entrance JOIN door_succession n ON n.since = o.since AND n.part = o.part \
        WHERE o.since = $2 AND o.old = $1 AND n.old = $3 AND (u.do_not_knock = $1 OR (e.vanished = $1 AND e.do_not_knock = $1)))";
    HEIRS_OF_ENTRANCES = "SELECT n.entrance FROM entrance_in_force e JOIN succession o ON o.entrance = e.id \
        JOIN succession n ON n.since = o.since AND n.part = o.part WHERE e.vanished = $1 AND o.old = $2 AND n.old = $3 AND e.id IN ($4)";
    HEIRS_OF_UNITS = "SELECT w.id FROM unit_in_force u JOIN entrance_in_force e ON e.id = u.entrance JOIN succession o ON o.entrance = e.id \
        JOIN succession n ON n.since = o.since AND n.part = o.part \
        JOIN unit_in_force w ON w.entrance = n.entrance AND (w.label = u.label OR w.label = '' OR u.label = '') \
        WHERE e.vanished = $1 AND o.old = $2 AND n.old = $3 AND u.id IN ($4)";
    HEIRS_OF_DOORS = "SELECT w.id FROM unit_in_force u JOIN entrance_in_force e ON e.id = u.entrance JOIN door_succession o ON o.unit = u.id \
        JOIN door_succession n ON n.since = o.since AND n.part = o.part JOIN unit_in_force w ON w.id = n.unit \
        WHERE (u.vanished = $1 OR e.vanished = $2) AND o.old = $3 AND n.old = $4 AND o.since <= (SELECT in_force FROM register) AND u.id IN ($5)";
    HEIRS_OF_HOUSES = "SELECT w.id FROM entrance_in_force e JOIN unit_in_force u ON u.entrance = e.id JOIN door_succession o ON o.unit = u.id \
        JOIN door_succession n ON n.since = o.since AND n.part = o.part JOIN unit_in_force w ON w.id = n.unit \
        WHERE e.vanished = $1 AND o.old = $2 AND n.old = $3 AND o.since <= (SELECT in_force FROM register) AND e.id IN ($4)";
    HEIRS_WITHIN = "SELECT w.id FROM unit_in_force u JOIN unit_in_force w ON w.entrance = u.entrance \
        WHERE u.label = '' AND u.vanished = $1 AND w.vanished = $2 AND u.id IN ($3)";
}

/// Entrances, or doors, that vanished together, and those that appeared in their place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Those that vanished.
    pub old: Vec<Uuid>,
    /// Those that appeared.
    pub new: Vec<Uuid>,
}

/// What follows what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// An entrance another.
    Entrances,
    /// A door another.
    Doors,
}

/// Notes what came after what, of the import `number`; parts are counted from `first`.
pub async fn put(tx: &mut Tx, of: Of, number: i64, first: i64, parts: &[Part]) -> Result<(), StoreError> {
    let (head, tail) = around_values(match of {
        Of::Entrances => PUT,
        Of::Doors => PUT_DOORS,
    });
    let mut rows = Vec::new();
    for (part, group) in (first..).zip(parts) {
        rows.extend(group.old.iter().map(|id| args![number, part, *id, true]));
        rows.extend(group.new.iter().map(|id| args![number, part, *id, false]));
    }
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// Which of these doors others came after already.
pub async fn followed(tx: &mut Tx, doors: &[Uuid]) -> Result<HashSet<Uuid>, StoreError> {
    let (head, tail) = around_list(FOLLOWED);
    let keys: Vec<Value> = doors.iter().map(|id| (*id).into()).collect();
    tx.all_in(head, &args![true], &keys, tail).await?.iter().map(|row| row.get(0)).collect()
}

/// Carries the wishes for quiet that stand now to what comes after, of the import `number`, which is in force already: what
/// is called how is read as it is from now on.
pub async fn carry(tx: &mut Tx, number: i64) -> Result<(), StoreError> {
    // A house that is back may hand on to its new doors what it inherits, so single doors come last.
    for sql in [CARRY_ENTRANCES, CARRY_UNITS, CARRY_DOORS] {
        tx.execute(sql, args![true, number, false]).await?;
    }
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
        for (sql, ids, first, is_door) in [
            (HEIRS_OF_ENTRANCES, &fresh.1, args![true, true, false], false),
            (HEIRS_OF_UNITS, &fresh.0, args![true, true, false], true),
            (HEIRS_OF_DOORS, &fresh.0, args![true, true, true, false], true),
            (HEIRS_OF_HOUSES, &fresh.1, args![true, true, false], true),
            (HEIRS_WITHIN, &fresh.0, args![true, false], true),
        ] {
            let (head, tail) = around_list(sql);
            let keys: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
            let into = if is_door { &mut found.0 } else { &mut found.1 };
            for row in tx.all_in(head, &first, &keys, tail).await? {
                into.insert(row.get(0)?);
            }
        }
        found.0.retain(|id| all.0.insert(*id));
        found.1.retain(|id| all.1.insert(*id));
        fresh = found;
    }
    Ok(all)
}
