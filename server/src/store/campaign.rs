//! Campaigns, and the counter under which each gives its numbers.

use uuid::Uuid;

use super::{Row, StoreError, Tx};
use crate::{args, statements};

statements! {
    INSERT = "INSERT INTO campaign (id, round, branch, purpose, name, starts_on, ends_on, receipt_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    START_CLOCK = "INSERT INTO campaign_clock (campaign, seq) VALUES ($1, 0)";
    FIND = "SELECT id, round, branch, purpose, name, starts_on, ends_on, receipt_key, version FROM campaign WHERE id = $1";
    ALL = "SELECT id, round, branch, purpose, name, starts_on, ends_on, receipt_key, version FROM campaign ORDER BY starts_on, name, id";
    OF_ROUND = "SELECT id, round, branch, purpose, name, starts_on, ends_on, receipt_key, version FROM campaign WHERE round = $1 ORDER BY starts_on, name, id";
    OF_BRANCH = "SELECT id, round, branch, purpose, name, starts_on, ends_on, receipt_key, version FROM campaign WHERE branch = $1 ORDER BY starts_on, name, id";
    TAKE = "UPDATE campaign_clock SET seq = seq + $2 WHERE campaign = $1 RETURNING seq";
    SEQ = "SELECT seq FROM campaign_clock WHERE campaign = $1";
    FORGET_KEY = "UPDATE campaign SET receipt_key = $2 WHERE id = $1";
}

/// What a campaign is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To hear what people say.
    Listen,
    /// To win votes: inputs are hidden.
    Election,
}

impl Purpose {
    /// The name on the wire and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Election => "election",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Listen, Self::Election].into_iter().find(|purpose| purpose.name() == name)
    }
}

/// A branch's dated effort within a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Its id.
    pub id: Uuid,
    /// The round that it lies in.
    pub round: Uuid,
    /// Whose it is.
    pub branch: Uuid,
    /// What it is for.
    pub purpose: Purpose,
    /// What it is called.
    pub name: String,
    /// Its first day, `YYYY-MM-DD`.
    pub starts_on: String,
    /// Its last day, `YYYY-MM-DD`.
    pub ends_on: String,
    /// 32 random bytes that key the receipts of its visits; empty once their outcomes are coarsened.
    pub receipt_key: Vec<u8>,
    /// Counted up with each change; ignored when it is inserted.
    pub version: i64,
}

fn campaign(row: &Row) -> Result<Campaign, StoreError> {
    let purpose: String = row.get(3)?;
    Ok(Campaign {
        id: row.get(0)?,
        round: row.get(1)?,
        branch: row.get(2)?,
        purpose: Purpose::parse(&purpose).ok_or(StoreError::Inconsistent { table: "campaign", column: "purpose" })?,
        name: row.get(4)?,
        starts_on: row.get(5)?,
        ends_on: row.get(6)?,
        receipt_key: row.get(7)?,
        version: row.get(8)?,
    })
}

/// Writes a new campaign and its counter.
pub async fn insert(tx: &mut Tx, new: &Campaign) -> Result<(), StoreError> {
    let (starts_on, ends_on) = (new.starts_on.as_str(), new.ends_on.as_str());
    let key = new.receipt_key.as_slice();
    tx.execute(INSERT, args![new.id, new.round, new.branch, new.purpose.name(), new.name.as_str(), starts_on, ends_on, key]).await?;
    tx.execute(START_CLOCK, args![new.id]).await?;
    Ok(())
}

/// One campaign.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Campaign>, StoreError> {
    tx.one(FIND, args![id]).await?.as_ref().map(campaign).transpose()
}

/// All campaigns, by their first day.
pub async fn all(tx: &mut Tx) -> Result<Vec<Campaign>, StoreError> {
    tx.all(ALL, args![]).await?.iter().map(campaign).collect()
}

/// The campaigns of a round, by their first day.
pub async fn of_round(tx: &mut Tx, round: Uuid) -> Result<Vec<Campaign>, StoreError> {
    tx.all(OF_ROUND, args![round]).await?.iter().map(campaign).collect()
}

/// The campaigns of a branch, by their first day.
pub async fn of_branch(tx: &mut Tx, branch: Uuid) -> Result<Vec<Campaign>, StoreError> {
    tx.all(OF_BRANCH, args![branch]).await?.iter().map(campaign).collect()
}

/// Takes `count` numbers and gives the last. Whoever calls holds the campaign's counter until the transaction ends, so
/// numbers become visible in their order: nothing that waits for anything else may follow in the transaction.
pub async fn take_seq(tx: &mut Tx, campaign: Uuid, count: i64) -> Result<i64, StoreError> {
    let row = tx.one(TAKE, args![campaign, count]).await?;
    row.ok_or(StoreError::Inconsistent { table: "campaign_clock", column: "campaign" })?.get(0)
}

/// The last number that was given.
pub async fn seq(tx: &mut Tx, campaign: Uuid) -> Result<i64, StoreError> {
    tx.one(SEQ, args![campaign]).await?.map_or(Ok(0), |row| row.get(0))
}

/// Destroys the key of a campaign's receipts: from now on none can be tried against a guess.
pub async fn forget_receipt_key(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    tx.execute(FORGET_KEY, args![id, Vec::<u8>::new()]).await?;
    Ok(())
}
