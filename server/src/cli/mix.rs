//! `dorbank mix`.

use clap::Args;
use dorbank_server::{
    job::Actor,
    mix::{self, MixReport, Rounded, Taken},
    state::AppState,
    store::{self, round::RoundState},
};
use uuid::Uuid;

use super::out::say;

/// Which rounds are mixed.
#[derive(Debug, Args)]
pub struct Mix {
    /// The round; by default the one that is open.
    round: Option<Uuid>,
}

/// Does it.
pub async fn run(state: &AppState, verb: Mix) -> anyhow::Result<()> {
    let rounds = match verb.round {
        Some(round) => vec![round],
        None => store::round::in_state(&mut state.db.read().await?, RoundState::Open).await?.into_iter().map(|round| round.id).collect(),
    };
    anyhow::ensure!(!rounds.is_empty(), "no round is open");
    for round in rounds {
        let report = mix::run(&state.db, &state.config.keys_dir(), round, &Actor::operator(), state.now_ms(), &mut state.fork_rng()).await?;
        print(&report);
    }
    Ok(())
}

fn about(count: Rounded) -> String {
    count.tens().map_or_else(|| "under 10".into(), |tens| format!("{tens} or more"))
}

fn print(report: &MixReport) {
    for (area, (what, waited)) in &report.areas {
        let what = match what {
            Taken::Mixed => "mixed",
            Taken::Waits => "waits",
            Taken::Stopped => "stopped: more inputs than conversations",
        };
        say!("{area}\t{}\t{what}", about(*waited));
    }
    say!("unreadable\t{}", about(report.unreadable));
    if !report.rewritten {
        say!("The database's files could not be rewritten, since something reads them; the next mix tries again.");
    }
}
