//! `dorbank release`.

use anyhow::Context as _;
use clap::Subcommand;
use dorbank_server::{
    job::Actor,
    release,
    state::AppState,
    store::{self, round::RoundState},
};
use uuid::Uuid;

use super::out::say;

/// What can be done with releases.
#[derive(Debug, Subcommand)]
pub enum Release {
    /// Freeze the counts of the open round now, beside the freeze of every Monday at 04:00.
    Freeze,
    /// List the releases of a round.
    List {
        /// The round; by default the one that is open.
        round: Option<Uuid>,
    },
}

async fn open_round(state: &AppState) -> anyhow::Result<Uuid> {
    let open = store::round::in_state(&mut state.db.read().await?, RoundState::Open).await?;
    Ok(open.first().context("no round is open")?.id)
}

/// Does it.
pub async fn run(state: &AppState, verb: Release) -> anyhow::Result<()> {
    match verb {
        Release::Freeze => {
            let round = open_round(state).await?;
            let frozen = release::freeze(&state.db, round, &Actor::operator(), state.now_ms(), &mut state.fork_rng()).await?;
            say!("Release {}.", frozen.number);
        }
        Release::List { round } => {
            let round = match round {
                Some(round) => round,
                None => open_round(state).await?,
            };
            let releases = release::list(&mut state.db.read().await?, round).await?;
            if releases.is_empty() {
                say!("Nothing was frozen yet. It is done every Monday at 04:00, or now by: dorbank release freeze");
            }
            for release in releases {
                say!("{}\t{}", release.number, jiff::Timestamp::from_millisecond(release.frozen_at)?);
            }
        }
    }
    Ok(())
}
