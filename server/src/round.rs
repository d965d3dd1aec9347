//! Rounds: their making, their keys, their opening and closing.

use std::{fs, io, path::Path, path::PathBuf};

use dorbank_shared::{round::Name, seal, sync::wire::hexadecimal};
use jiff::civil::Date;
use rand::Rng as _;
use rand_chacha::ChaCha20Rng;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    job::{Actor, id_v7},
    keys::write_secret,
    release,
    store::{
        Db, StoreError,
        round::{self, NewTopic, Round, RoundState},
    },
};

/// The codebook of a round that brings none.
const CODEBOOK: &str = include_str!("round/codebook.json");

/// A private key, in bytes.
pub const KEY_BYTES: usize = 32;

/// Why a round's private key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RoundKeyError {
    /// The file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// The text is not the key of this round.
    #[error("this is not the key of this round: a digit is wrong, or it is another round's")]
    Paper,
    /// The file is not the key of this round.
    #[error("{} is not the key of this round; put the right file back, or type it in from the paper copy", .0.display())]
    Other(PathBuf),
}

/// Why something could not be done with a round.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// The codebook.
    #[error("the codebook: {0}")]
    Codebook(String),
    /// A date.
    #[error("{0} is not a date; write year, month and day, as 2026-09-01")]
    Date(String),
    /// It ends before it begins.
    #[error("the round would end on {closes}, before it begins on {opens}")]
    Backwards {
        /// Its first day.
        opens: String,
        /// Its last day.
        closes: String,
    },
    /// It has no name, or another round has it.
    #[error("{0}")]
    Name(String),
    /// No such round.
    #[error("there is no such round")]
    Missing,
    /// A round is open already.
    #[error("the round \u{201c}{0}\u{201d} is open; close it first, since phones seal to one round")]
    AnotherOpen(String),
    /// The round is not in the state that this needs.
    #[error("this round is {}", .0.name())]
    State(RoundState),
    /// The private key.
    #[error(transparent)]
    Key(#[from] RoundKeyError),
    /// The last freeze.
    #[error(transparent)]
    Release(#[from] release::ReleaseError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A topic of a codebook file. In CSV the columns have these names; `parent` is the bokmål name of an earlier topic.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodebookRow {
    /// Bokmål.
    pub nb: String,
    /// Nynorsk.
    pub nn: String,
    /// English.
    pub en: String,
    /// The programme's chapter.
    #[serde(default)]
    pub chapter: String,
    /// The topic that it is part of.
    #[serde(default)]
    pub parent: Option<String>,
}

/// The codebook of a round that brings none: fifteen topics, each with the chapter that it belongs to.
///
/// # Errors
/// Never for the file that is built in; a test reads it.
pub fn default_codebook() -> Result<Vec<CodebookRow>, RoundError> {
    read_codebook(CODEBOOK)
}

/// Reads a codebook: a JSON list, or CSV with a header.
///
/// # Errors
/// When it is neither, is empty, names a topic twice, or a parent that does not come before.
pub fn read_codebook(text: &str) -> Result<Vec<CodebookRow>, RoundError> {
    let text = text.trim_start_matches('\u{feff}');
    let rows: Vec<CodebookRow> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| RoundError::Codebook(error.to_string()))?
    } else {
        let semicolons = text.lines().next().is_some_and(|header| header.contains(';'));
        let delimiter = if semicolons { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
        reader.deserialize().collect::<Result<_, _>>().map_err(|error| RoundError::Codebook(error.to_string()))?
    };
    if rows.is_empty() {
        return Err(RoundError::Codebook("it has no topic".into()));
    }
    for (at, row) in rows.iter().enumerate() {
        let before = &rows[..at];
        let fault = |what: &str| Err(RoundError::Codebook(format!("topic {}: {what}", at + 1)));
        if row.nb.trim().is_empty() || row.nn.trim().is_empty() || row.en.trim().is_empty() {
            return fault("it needs a name in all three languages");
        }
        if before.iter().any(|other| other.nb == row.nb) {
            return fault("an earlier topic has its name");
        }
        let parent = row.parent.as_deref().filter(|parent| !parent.is_empty());
        if let Some(parent) = parent
            && !before.iter().any(|other| other.nb == parent && other.parent.as_deref().unwrap_or_default().is_empty())
        {
            return fault("its parent is not an earlier topic of the first level");
        }
    }
    Ok(rows)
}

/// Where a round's private key is.
pub fn key_path(keys: &Path, round: Uuid) -> PathBuf {
    keys.join(format!("round-{round}.key"))
}

/// The private key of a round, if the file is there and belongs to it.
///
/// # Errors
/// See [`RoundKeyError`].
pub fn private_key(keys: &Path, round: &Round) -> Result<Vec<u8>, RoundKeyError> {
    let path = key_path(keys, round.id);
    let private = fs::read(&path).map_err(|source| RoundKeyError::File { path: path.clone(), source })?;
    if private.len() != KEY_BYTES || seal::public_key(&private).ok().as_ref() != Some(&round.public_key) {
        return Err(RoundKeyError::Other(path));
    }
    Ok(private)
}

/// A private key as text for paper: groups of four hexadecimal digits, eight on a line, each line with two digits that
/// say whether it was typed right.
pub fn paper_copy(private: &[u8]) -> String {
    let mut out = String::new();
    for (number, line) in (1..).zip(private.chunks(16)) {
        let groups: Vec<String> = line.chunks(2).map(hexadecimal).collect();
        out.extend([&number.to_string(), ": ", &groups.join(" "), " / ", &hexadecimal(&[line_check(number, line)]), "\n"]);
    }
    out
}

/// Reads what [`paper_copy`] wrote, typed by a person: case and spaces do not matter.
pub fn read_paper_copy(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(KEY_BYTES);
    for (number, line) in (1u8..).zip(text.lines().map(str::trim).filter(|line| !line.is_empty())) {
        let line = line.split_once(':').map_or(line, |(_, rest)| rest);
        let (digits, check) = line.split_once('/')?;
        let digits: String = digits.chars().filter(|c| !c.is_whitespace()).collect();
        if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
            return None;
        }
        let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect::<Option<_>>()?;
        if u8::from_str_radix(check.trim(), 16).ok()? != line_check(number, &bytes) {
            return None;
        }
        out.extend(bytes);
    }
    (out.len() == KEY_BYTES).then_some(out)
}

fn line_check(number: u8, line: &[u8]) -> u8 {
    Sha256::new().chain_update([number]).chain_update(line).finalize()[0]
}

/// Writes the file of a round's private key from its paper copy.
///
/// # Errors
/// When the text is not this round's key, or there is a file already.
pub fn restore_key(keys: &Path, round: &Round, paper: &str) -> Result<(), RoundKeyError> {
    let path = key_path(keys, round.id);
    let private = read_paper_copy(paper).filter(|private| seal::public_key(private).ok().as_ref() == Some(&round.public_key));
    let private = private.ok_or(RoundKeyError::Paper)?;
    write_secret(&path, &private).map_err(|source| RoundKeyError::File { path, source })
}

/// A new round, before it is one.
#[derive(Debug, Clone)]
pub struct NewRound {
    /// "høst 2026".
    pub name: String,
    /// Its first day, `YYYY-MM-DD`.
    pub opens_on: String,
    /// Its last day, `YYYY-MM-DD`.
    pub closes_on: String,
    /// Its topics.
    pub codebook: Vec<CodebookRow>,
}

/// Makes a round with its key pair. Gives its id, and the private key for the paper copy: nobody is told again.
///
/// # Errors
/// When a date or the codebook is wrong, or the key's file cannot be written. Then there is no round.
pub async fn make(db: &Db, keys: &Path, new: &NewRound, actor: &Actor, now_ms: i64, rng: &mut ChaCha20Rng) -> Result<(Uuid, Vec<u8>), RoundError> {
    let day = |text: &str| text.parse::<Date>().map_err(|_| RoundError::Date(text.to_owned()));
    if day(&new.opens_on)? > day(&new.closes_on)? {
        return Err(RoundError::Backwards { opens: new.opens_on.clone(), closes: new.closes_on.clone() });
    }
    if new.name.trim().is_empty() {
        return Err(RoundError::Name("the round needs a name, as \u{201c}h\u{f8}st 2026\u{201d}".into()));
    }
    let id = id_v7(now_ms, rng);
    let (private, public_key) = key_pair(rng);
    let mut topics: Vec<NewTopic> = vec![];
    for row in &new.codebook {
        let parent = row.parent.as_ref().and_then(|parent| topics.iter().find(|topic| topic.name.nb == *parent)).map(|topic| topic.id);
        let name = Name { nb: row.nb.clone(), nn: row.nn.clone(), en: row.en.clone() };
        topics.push(NewTopic { id: id_v7(now_ms, rng), parent, name, chapter: row.chapter.clone() });
    }
    let (opens_on, closes_on) = (new.opens_on.clone(), new.closes_on.clone());
    let row = Round { id, name: new.name.clone(), state: RoundState::Draft, opens_on, closes_on, public_key, version: 1 };
    let mut tx = db.begin().await?;
    if round::all(&mut tx).await?.iter().any(|other| other.name == new.name) {
        return Err(RoundError::Name(format!("there is a round called \u{201c}{}\u{201d} already; give this one another name", new.name)));
    }
    round::insert(&mut tx, &row).await?;
    round::insert_topics(&mut tx, id, &topics).await?;
    actor.note(&mut tx, now_ms, rng, "make", "round", id).await?;
    // The file first: a round whose key is nowhere would take inputs that nobody can ever open.
    let path = key_path(keys, id);
    write_secret(&path, &private).map_err(|source| RoundKeyError::File { path, source })?;
    tx.commit().await?;
    Ok((id, private))
}

fn key_pair(rng: &mut ChaCha20Rng) -> (Vec<u8>, Vec<u8>) {
    loop {
        let mut private = [0; KEY_BYTES];
        rng.fill_bytes(&mut private);
        // Random bytes that are no key occur once in 2^32 tries.
        if let Ok(public) = seal::public_key(&private) {
            return (private.to_vec(), public);
        }
    }
}

/// Opens a draft. Only one round is open at a time, and only one whose private key is in its place.
///
/// # Errors
/// See [`RoundError`].
pub async fn open(db: &Db, keys: &Path, id: Uuid, actor: &Actor, now_ms: i64, rng: &mut ChaCha20Rng) -> Result<(), RoundError> {
    let mut tx = db.begin().await?;
    let found = round::find(&mut tx, id).await?.ok_or(RoundError::Missing)?;
    if found.state != RoundState::Draft {
        return Err(RoundError::State(found.state));
    }
    if let Some(open) = round::in_state(&mut tx, RoundState::Open).await?.into_iter().next() {
        return Err(RoundError::AnotherOpen(open.name));
    }
    private_key(keys, &found)?;
    round::set_state(&mut tx, id, found.version, RoundState::Open).await?;
    actor.note(&mut tx, now_ms, rng, "open", "round", id).await?;
    tx.commit().await?;
    Ok(())
}

/// Closes the open round: its last freeze, and no other after it. What still waits in the spool stays sealed.
///
/// # Errors
/// See [`RoundError`].
pub async fn close(db: &Db, id: Uuid, actor: &Actor, now_ms: i64, rng: &mut ChaCha20Rng) -> Result<(), RoundError> {
    let mut tx = db.begin().await?;
    let found = round::find(&mut tx, id).await?.ok_or(RoundError::Missing)?;
    if found.state != RoundState::Open {
        return Err(RoundError::State(found.state));
    }
    release::freeze_in(&mut tx, id, release::Freeze::Closing, actor, now_ms, rng).await?;
    round::set_state(&mut tx, id, found.version, RoundState::Closed).await?;
    actor.note(&mut tx, now_ms, rng, "close", "round", id).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_codebook_has_fifteen_topics_with_chapters() {
        let rows = default_codebook().expect("it reads");
        assert_eq!(rows.len(), 15);
        assert!(rows.iter().all(|row| !row.chapter.is_empty() && row.parent.is_none()));
    }

    #[test]
    fn a_codebook_is_json_or_csv() {
        let csv = "\u{feff}nb;nn;en;chapter;parent\nSkole;Skule;School;2;\nLekser;Lekser;Homework;2;Skole\n";
        let json = r#"[{"nb":"Skole","nn":"Skule","en":"School","chapter":"2"},{"nb":"Lekser","nn":"Lekser","en":"Homework","chapter":"2","parent":"Skole"}]"#;
        let (csv, json) = (read_codebook(csv).expect("csv"), read_codebook(json).expect("json"));
        assert_eq!(csv.iter().map(|row| &row.nn).collect::<Vec<_>>(), json.iter().map(|row| &row.nn).collect::<Vec<_>>());
        assert_eq!(csv[1].parent.as_deref(), Some("Skole"));
        for wrong in ["", "[]", "nb,nn\na,b\n", "nb,nn,en\nA,A,A\nA,B,C\n", "nb,nn,en,chapter,parent\nA,A,A,,B\n", "nb,nn,en\nA,,A\n"] {
            assert!(read_codebook(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_paper_copy_reads_back_and_shows_a_slip() {
        let key: Vec<u8> = (0..32).collect();
        let paper = paper_copy(&key);
        assert_eq!(read_paper_copy(&paper), Some(key));
        assert_eq!(read_paper_copy(&paper.to_uppercase()), Some((0..32).collect()));
        assert_eq!(read_paper_copy(&paper.replacen("0001", "0010", 1)), None);
        let swapped: Vec<&str> = paper.lines().rev().collect();
        assert_eq!(read_paper_copy(&swapped.join("\n")), None);
        assert_eq!(read_paper_copy(paper.lines().next().unwrap_or_default()), None);
    }
}
