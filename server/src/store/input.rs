//! Mixed inputs. Only the mix writes them and only the freeze counts them; nothing reads one beside anything else.

use std::collections::BTreeMap;

use dorbank_shared::input::Arena;
use uuid::Uuid;

use super::{StoreError, Tx, parts::around_values};
use crate::{args, statements};

statements! {
    INSERT = "INSERT INTO input (id, round, area, arena, words) VALUES ($1, $2, $3, $4, $5)";
    INSERT_TOPICS = "INSERT INTO input_topic (input, topic) VALUES ($1, $2)";
    BASES = "SELECT area, COUNT(*) FROM input WHERE round = $1 GROUP BY area";
    COUNTS = "SELECT i.area, COALESCE(t.parent, t.id), COUNT(DISTINCT i.id) FROM input i JOIN input_topic x ON x.input = i.id \
        JOIN topic t ON t.id = x.topic WHERE i.round = $1 GROUP BY i.area, COALESCE(t.parent, t.id)";
}

/// An input as it is written: with an id that is not the one it was sealed under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mixed {
    /// Random (version 4).
    pub id: Uuid,
    /// The round.
    pub round: Uuid,
    /// The area.
    pub area: String,
    /// How it was heard.
    pub arena: Arena,
    /// Topics of the round's codebook, each once.
    pub topics: Vec<Uuid>,
    /// One sentence, or none.
    pub words: Option<String>,
}

/// What is true of one area's inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AreaCounts {
    /// All of them.
    pub base: i64,
    /// How many name each topic, or one of its parts.
    pub topics: BTreeMap<Uuid, i64>,
}

/// Writes inputs in the order given, which is to be a random one.
pub async fn insert(tx: &mut Tx, inputs: &[Mixed]) -> Result<(), StoreError> {
    let (head, tail) = around_values(INSERT);
    let rows = inputs.iter().map(|i| args![i.id, i.round, i.area.as_str(), i.arena.name(), i.words.clone()]).collect();
    tx.many(head, rows, tail).await?;
    let (head, tail) = around_values(INSERT_TOPICS);
    let rows = inputs.iter().flat_map(|i| i.topics.iter().map(|topic| args![i.id, *topic])).collect();
    tx.many(head, rows, tail).await?;
    Ok(())
}

/// The true counts of a round, by area. A struck input stays counted, so that striking changes no frozen count.
pub async fn counts(tx: &mut Tx, round: Uuid) -> Result<BTreeMap<String, AreaCounts>, StoreError> {
    let mut out: BTreeMap<String, AreaCounts> = BTreeMap::new();
    for row in tx.all(BASES, args![round]).await? {
        out.entry(row.get(0)?).or_default().base = row.get(1)?;
    }
    for row in tx.all(COUNTS, args![round]).await? {
        out.entry(row.get(0)?).or_default().topics.insert(row.get(1)?, row.get(2)?);
    }
    Ok(out)
}
