//! The mix: opens an area's envelopes once enough of them wait, and writes what was said without any order.
//!
//! All of it is one transaction: the inputs appear, the envelopes that they came from are gone and those that stay are
//! written anew, or nothing happened. So a crash neither loses nor doubles an input, and no trace of the id under which
//! an input was sealed has to be kept for that. Afterwards the files are rewritten; a note in the database, made in the
//! same transaction, has the next call do that if this one could not.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::Path,
};

use dorbank_shared::{input::Input, release::OPENS_AT, seal};
use rand::{Rng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha20Rng;
use uuid::Uuid;

use crate::{
    job::Actor,
    round::{RoundKeyError, private_key},
    store::{
        Db, StoreError, Tx, district,
        input::{self, Mixed},
        meta,
        mix_mark::{self, Mark},
        overview,
        round::{self, RoundState},
        spool::Envelope,
        tally::{self, Reach},
    },
};

/// When an area is mixed. The settings `mix.envelopes`, `mix.shifts`, `mix.turfs` and `mix.conversations` raise these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// So many envelopes wait.
    pub envelopes: i64,
    /// So many shifts since the last mix in the area.
    pub shifts: i64,
    /// So many turfs with a conversation since.
    pub turfs: i64,
    /// So many conversations since.
    pub conversations: i64,
}

impl Gate {
    /// The least that there must be. A setting below is not obeyed.
    #[expect(clippy::cast_possible_wrap, reason = "a small constant")]
    pub const LEAST: Self = Self { envelopes: OPENS_AT as i64, shifts: 3, turfs: 3, conversations: 60 };

    async fn read(tx: &mut Tx) -> Result<Self, StoreError> {
        let mut gate = Self::LEAST;
        let settings = [
            ("mix.envelopes", &mut gate.envelopes),
            ("mix.shifts", &mut gate.shifts),
            ("mix.turfs", &mut gate.turfs),
            ("mix.conversations", &mut gate.conversations),
        ];
        for (key, least) in settings {
            let raised = meta::find(tx, key).await?.and_then(|value| value.trim().parse().ok());
            *least = (*least).max(raised.unwrap_or(*least));
        }
        Ok(gate)
    }

    fn is_passed(&self, envelopes: i64, reach: &Reach, mark: &Mark, before: &HashMap<Uuid, i64>) -> bool {
        let worked = reach.turfs.iter().filter(|(turf, conversations)| before.get(turf).is_none_or(|before| *conversations > before)).count();
        envelopes >= self.envelopes
            && reach.shifts - mark.shifts >= self.shifts
            && i64::try_from(worked).unwrap_or(i64::MAX) >= self.turfs
            && reach.conversations - mark.conversations >= self.conversations
    }
}

/// A number that may be told: none looks like nine, and the rest is rounded down to tens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rounded(i64);

impl Rounded {
    /// Rounds.
    pub const fn of(count: usize) -> Self {
        #[expect(clippy::cast_possible_wrap, reason = "no spool holds 2^63 envelopes")]
        Self(count as i64 / 10 * 10)
    }

    /// Nothing where it is under ten; else tens.
    pub const fn tens(self) -> Option<i64> {
        if self.0 < 10 { None } else { Some(self.0) }
    }
}

/// What the mix did with an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Its envelopes were opened and written as inputs.
    Mixed,
    /// Too few conversations, turfs, shifts or envelopes yet.
    Waits,
    /// There are more inputs than conversations: something is wrong, and nothing was taken.
    Stopped,
}

/// What the mix did. For the county; it holds no small number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MixReport {
    /// By area: what was done, and about how many envelopes waited before.
    pub areas: BTreeMap<String, (Taken, Rounded)>,
    /// About how many envelopes cannot be read. They stay in the spool.
    pub unreadable: Rounded,
    /// Whether the files no longer hold what was removed; if not, the next call tries again.
    pub rewritten: bool,
}

/// Why nothing was mixed.
#[derive(Debug, thiserror::Error)]
pub enum MixError {
    /// There is no such round, or it was never open.
    #[error("no such round, or it was never open")]
    NoRound,
    /// The private key.
    #[error(transparent)]
    Key(#[from] RoundKeyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An envelope that was read.
struct Opened {
    envelope: Envelope,
    input: Input,
}

fn random_id(rng: &mut ChaCha20Rng) -> Uuid {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Reads an envelope, if it is an input of this round with an area and topics that there are.
fn read(private: &[u8], round: Uuid, areas: &BTreeSet<String>, topics: &HashSet<Uuid>, sealed: &[u8]) -> Option<Input> {
    let plain = seal::open(private, sealed).ok()?;
    let input: Input = serde_json::from_slice(&plain).ok()?;
    let known = input.round == round && areas.contains(&input.area) && input.topics.iter().all(|topic| topics.contains(topic));
    let distinct = input.topics.iter().collect::<HashSet<_>>().len() == input.topics.len();
    (known && distinct && input.check().is_ok()).then_some(input)
}

/// Mixes a round: every area that is past its gate.
///
/// # Errors
/// See [`MixError`]. Then nothing was changed.
pub async fn run(db: &Db, keys: &Path, id: Uuid, actor: &Actor, now_ms: i64, rng: &mut ChaCha20Rng) -> Result<MixReport, MixError> {
    let mut tx = db.begin().await?;
    mix_mark::lock_spool(&mut tx).await?;
    let round = round::find(&mut tx, id).await?.filter(|round| round.state != RoundState::Draft).ok_or(MixError::NoRound)?;
    let private = private_key(keys, &round)?;
    let gate = Gate::read(&mut tx).await?;
    let areas: BTreeSet<String> = district::all(&mut tx).await?.into_iter().map(|district| district.area).collect();
    let topics: HashSet<Uuid> = round::topics(&mut tx, id).await?.into_iter().map(|topic| topic.id).collect();
    let reach = tally::reach(&mut tx, id).await?;
    let mut marks = mix_mark::of_round(&mut tx, id).await?;
    let before = mix_mark::turfs(&mut tx).await?;

    let mut staying: Vec<Envelope> = vec![];
    let mut opened: BTreeMap<String, Vec<Opened>> = areas.iter().map(|area| (area.clone(), vec![])).collect();
    let mut unreadable = 0;
    for envelope in mix_mark::take_spool(&mut tx).await? {
        if envelope.round != id {
            staying.push(envelope);
            continue;
        }
        if let Some(input) = read(&private, id, &areas, &topics, &envelope.sealed) {
            opened.entry(input.area.clone()).or_default().push(Opened { envelope, input });
        } else {
            unreadable += 1;
            staying.push(envelope);
        }
    }

    let mut report = MixReport { areas: BTreeMap::new(), unreadable: Rounded::of(unreadable), rewritten: true };
    let mut taken: Vec<Mixed> = vec![];
    let mut moved: BTreeMap<String, Mark> = BTreeMap::new();
    let mut moved_turfs: BTreeMap<Uuid, i64> = BTreeMap::new();
    for (area, waiting) in opened {
        let rounded = Rounded::of(waiting.len());
        // A phone that sealed one input twice sent it twice; it is one conversation.
        let distinct: BTreeMap<(Uuid, String), &Input> =
            waiting.iter().map(|o| ((o.input.id, serde_json::to_string(&o.input).unwrap_or_default()), &o.input)).collect();
        let count = i64::try_from(distinct.len()).unwrap_or(i64::MAX);
        let mark = marks.remove(&area).unwrap_or_default();
        let reach = reach.get(&area).cloned().unwrap_or_default();
        let what = if count < gate.envelopes {
            Taken::Waits
        } else if mark.inputs + count > reach.conversations {
            Taken::Stopped
        } else if gate.is_passed(count, &reach, &mark, &before) {
            Taken::Mixed
        } else {
            Taken::Waits
        };
        if what == Taken::Mixed {
            for input in distinct.into_values() {
                let Input { round, area, arena, topics, words, .. } = input.clone();
                let words = words.map(|words| words.trim().to_owned()).filter(|words| !words.is_empty());
                taken.push(Mixed { id: random_id(rng), round, area, arena, topics, words });
            }
            let Reach { shifts, conversations, turfs, .. } = reach;
            moved.insert(area.clone(), Mark { shifts, conversations, inputs: mark.inputs + count });
            moved_turfs.extend(turfs);
        } else {
            staying.extend(waiting.into_iter().map(|o| o.envelope));
        }
        report.areas.insert(area, (what, rounded));
    }
    if taken.is_empty() {
        // Of inputs nothing was written; that the mix looked is noted, since somebody waits to hear that it runs.
        overview::note_look(&mut tx, "mix", now_ms).await?;
        tx.commit().await?;
    } else {
        taken.shuffle(rng);
        input::insert(&mut tx, &taken).await?;
        for envelope in &mut staying {
            envelope.id = random_id(rng);
        }
        staying.shuffle(rng);
        mix_mark::replace_spool(&mut tx, &staying).await?;
        mix_mark::put(&mut tx, id, &moved).await?;
        mix_mark::put_turfs(&mut tx, &moved_turfs).await?;
        mix_mark::rewrite_is_due(&mut tx).await?;
        actor.note(&mut tx, now_ms, rng, "mix", "round", id).await?;
        tx.commit().await?;
    }
    report.rewritten = mix_mark::rewrite(db).await?;
    Ok(report)
}
