//! `dorbank round`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use dorbank_server::{
    job::Actor,
    round::{self, NewRound},
    state::AppState,
    store,
};

use super::out::say;

/// What can be done with rounds.
#[derive(Debug, Subcommand)]
pub enum Round {
    /// Make a round with its codebook and its key pair, and print the private key once, for paper.
    ///
    /// Write or print the key and lock it away: without the file and the paper nobody can ever read what phones sealed.
    /// The file lies in --data under keys/, and does not belong in the database's backups.
    Make {
        /// What it is called ("høst 2026").
        #[arg(long)]
        name: String,
        /// Its first day, YYYY-MM-DD.
        #[arg(long)]
        opens: String,
        /// Its last day, YYYY-MM-DD.
        #[arg(long)]
        closes: String,
        /// Its topics: a JSON list or CSV with the fields nb, nn, en, chapter and parent. By default fifteen topics.
        #[arg(long)]
        codebook: Option<PathBuf>,
    },
    /// Open a round for inputs. Only one is open at a time.
    Open {
        /// The round: its name, or its id from `dorbank round list`.
        round: String,
    },
    /// Close the open round, after its last freeze.
    Close {
        /// The round: its name, or its id from `dorbank round list`.
        round: String,
    },
    /// List the rounds.
    List,
    /// The private key of a round.
    Key {
        /// The round: its name, or its id from `dorbank round list`.
        round: String,
        /// Check that the file is there and belongs to the round.
        #[arg(long, required_unless_present = "restore")]
        check: bool,
        /// Write the file from a paper copy, typed into this text file.
        #[arg(long, conflicts_with = "check")]
        restore: Option<PathBuf>,
    },
}

/// The round of this name or id.
async fn find(state: &AppState, called: &str) -> anyhow::Result<store::round::Round> {
    let mut rounds = store::round::all(&mut state.db.read().await?).await?;
    rounds.retain(|round| round.name == called || round.id.to_string() == called);
    match rounds.len() {
        1 => Ok(rounds.remove(0)),
        0 => anyhow::bail!("there is no round {called}; `dorbank round list` lists them"),
        _ => anyhow::bail!("there are several rounds called {called}; please name the id that `dorbank round list` gives"),
    }
}

/// Does it.
pub async fn run(state: &AppState, verb: Round) -> anyhow::Result<()> {
    let (db, keys, now) = (&state.db, state.config.keys_dir(), state.now_ms());
    let (actor, rng) = (Actor::operator(), &mut state.fork_rng());
    match verb {
        Round::Make { name, opens, closes, codebook } => {
            let codebook = match codebook {
                Some(path) => {
                    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                    round::read_codebook(&text).with_context(|| path.display().to_string())?
                }
                None => round::default_codebook()?,
            };
            let (id, private) = round::make(db, &keys, &NewRound { name, opens_on: opens, closes_on: closes, codebook }, &actor, now, rng).await?;
            say!("Round {id}. It is a draft until `dorbank round open {id}`.\n");
            say!("Its private key is in {} and below, once. Keep this on paper, away from the server:\n", round::key_path(&keys, id).display());
            say!("{}", round::paper_copy(&private));
            Ok(())
        }
        Round::Open { round } => {
            let round = find(state, &round).await?.id;
            round::open(db, &keys, round, &actor, now, rng).await?;
            say!("Open. Phones of its campaigns seal to its key from now on.");
            Ok(())
        }
        Round::Close { round } => {
            let round = find(state, &round).await?.id;
            round::close(db, round, &actor, now, rng).await?;
            say!("Closed, after its last freeze. What still waits in the spool stays sealed.");
            Ok(())
        }
        Round::List => {
            let rounds = store::round::all(&mut db.read().await?).await?;
            if rounds.is_empty() {
                say!("There is no round yet. Make one: dorbank round make --name NAME --opens YYYY-MM-DD --closes YYYY-MM-DD");
            }
            for round in rounds {
                say!("{}\t{}\t{} to {}\t{}", round.id, round.state.name(), round.opens_on, round.closes_on, round.name);
            }
            Ok(())
        }
        Round::Key { round, check: _, restore } => {
            let found = find(state, &round).await?;
            if let Some(path) = restore {
                let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                round::restore_key(&keys, &found, &text)?;
            }
            round::private_key(&keys, &found)?;
            say!("The file and the round belong together.");
            Ok(())
        }
    }
}
