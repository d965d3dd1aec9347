//! What the judgement of a batch rests on, read once for all its entries.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::store::{receipt::Receipt, visit::Visit};

/// What the database says about the entries of a batch, before any of them is applied.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// What was answered for these ids, and for those that they supersede.
    pub receipts: HashMap<Uuid, Receipt>,
    /// Every turf that the shift has or had.
    pub turfs: HashSet<Uuid>,
    /// Pairs of turf and entrance that lie or lay together.
    pub held: HashSet<(Uuid, Uuid)>,
    /// Pairs of unit and entrance.
    pub units: HashSet<(Uuid, Uuid)>,
    /// Doors that the register keeps quiet already.
    pub quiet: HashSet<Uuid>,
    /// How many wishes for quiet this phone has noted that still stand.
    pub wishes: i64,
    /// What this phone was before it took another identity; read only where an entry rests on what another phone sent.
    pub earlier: HashSet<Uuid>,
    /// Stored visits that entries of the batch supersede.
    pub superseded: HashMap<Uuid, Visit>,
}
