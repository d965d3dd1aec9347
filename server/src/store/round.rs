//! The county's rounds and their codebooks.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_shared::round::{Name, RoundBundle, Topic};
use uuid::Uuid;

use super::{Row, StoreError, Tx, parts::around_values};
use crate::{args, statements};

statements! {
    INSERT = "INSERT INTO round (id, name, state, opens_on, closes_on, public_key) VALUES ($1, $2, $3, $4, $5, $6)";
    FIND = "SELECT id, name, state, opens_on, closes_on, public_key, version FROM round WHERE id = $1";
    ALL = "SELECT id, name, state, opens_on, closes_on, public_key, version FROM round ORDER BY opens_on, name, id";
    IN_STATE = "SELECT id, name, state, opens_on, closes_on, public_key, version FROM round WHERE state = $1 ORDER BY opens_on, name, id";
    SET_STATE = "UPDATE round SET state = $3, version = version + 1 WHERE id = $1 AND version = $2";
    TOPICS = "SELECT id, parent, name_nb, name_nn, name_en FROM topic WHERE round = $1 ORDER BY position, id";
    INSERT_TOPICS = "INSERT INTO topic (id, round, parent, position, name_nb, name_nn, name_en, chapter) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
}

/// Where a round stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundState {
    /// Being prepared.
    Draft,
    /// Taking inputs.
    Open,
    /// Over.
    Closed,
}

impl RoundState {
    /// The name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Draft, Self::Open, Self::Closed].into_iter().find(|state| state.name() == name)
    }
}

/// A round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Its id.
    pub id: Uuid,
    /// "høst 2026".
    pub name: String,
    /// Where it stands.
    pub state: RoundState,
    /// Its first day, `YYYY-MM-DD`.
    pub opens_on: String,
    /// Its last day, `YYYY-MM-DD`.
    pub closes_on: String,
    /// P-256, uncompressed SEC1 (65 bytes).
    pub public_key: Vec<u8>,
    /// Counted up with each change; ignored when it is inserted.
    pub version: i64,
}

/// A topic as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its id.
    pub id: Uuid,
    /// The topic that it is part of.
    pub parent: Option<Uuid>,
    /// What it is called.
    pub name: Name,
    /// The programme's chapter that it is tied to, or nothing.
    pub chapter: String,
}

fn round(row: &Row) -> Result<Round, StoreError> {
    let state: String = row.get(2)?;
    Ok(Round {
        id: row.get(0)?,
        name: row.get(1)?,
        state: RoundState::parse(&state).ok_or(StoreError::Inconsistent { table: "round", column: "state" })?,
        opens_on: row.get(3)?,
        closes_on: row.get(4)?,
        public_key: row.get(5)?,
        version: row.get(6)?,
    })
}

/// Writes a new round.
pub async fn insert(tx: &mut Tx, new: &Round) -> Result<(), StoreError> {
    let (opens_on, closes_on) = (new.opens_on.as_str(), new.closes_on.as_str());
    tx.execute(INSERT, args![new.id, new.name.as_str(), new.state.name(), opens_on, closes_on, new.public_key.as_slice()]).await?;
    Ok(())
}

/// One round.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Round>, StoreError> {
    tx.one(FIND, args![id]).await?.as_ref().map(round).transpose()
}

/// All rounds, by their first day.
pub async fn all(tx: &mut Tx) -> Result<Vec<Round>, StoreError> {
    tx.all(ALL, args![]).await?.iter().map(round).collect()
}

/// The rounds in one state, by their first day.
pub async fn in_state(tx: &mut Tx, state: RoundState) -> Result<Vec<Round>, StoreError> {
    tx.all(IN_STATE, args![state.name()]).await?.iter().map(round).collect()
}

/// Moves a round to another state, if it is still at `version`; else [`StoreError::Stale`].
pub async fn set_state(tx: &mut Tx, id: Uuid, version: i64, state: RoundState) -> Result<(), StoreError> {
    if tx.execute(SET_STATE, args![id, version, state.name()]).await? == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

/// Writes a round's codebook, in its order; a parent comes before its parts.
pub async fn insert_topics(tx: &mut Tx, round: Uuid, topics: &[NewTopic]) -> Result<(), StoreError> {
    let (head, tail) = around_values(INSERT_TOPICS);
    let rows = (1i64..)
        .zip(topics)
        .map(|(position, t)| {
            let (nb, nn, en) = (t.name.nb.as_str(), t.name.nn.as_str(), t.name.en.as_str());
            args![t.id, round, t.parent, position, nb, nn, en, t.chapter.as_str()]
        })
        .collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// A round's codebook, in its order.
pub async fn topics(tx: &mut Tx, round: Uuid) -> Result<Vec<Topic>, StoreError> {
    tx.all(TOPICS, args![round])
        .await?
        .iter()
        .map(|row| Ok(Topic { id: row.get(0)?, parent: row.get(1)?, name: Name { nb: row.get(2)?, nn: row.get(3)?, en: row.get(4)? } }))
        .collect()
}

/// A round as far as a phone needs it.
pub async fn bundle(tx: &mut Tx, id: Uuid) -> Result<Option<RoundBundle>, StoreError> {
    let Some(round) = find(tx, id).await? else { return Ok(None) };
    let public_key = BASE64_URL_SAFE_NO_PAD.encode(&round.public_key);
    Ok(Some(RoundBundle { id, name: round.name, public_key, topics: topics(tx, id).await? }))
}
