//! `dorbank demo`.

use clap::{Args, ValueEnum};
use dorbank_server::{
    auth::codes,
    demo::{self, DemoError, DemoOptions, Size},
    state::AppState,
    store,
};
use dorbank_shared::{principal::Role, shift::Shift};

use super::out::say;
use super::serve;

/// How the demo is made.
#[derive(Debug, Args)]
pub struct Demo {
    /// The seed: the same one makes the same city.
    #[arg(long, default_value_t = 2026)]
    seed: u64,
    /// How big: a small one is there in seconds; the default is a twelfth of the city, in the middle of its round; the
    /// large one has a door for each household, some 335,000, and takes up to a minute.
    #[arg(long, value_enum, default_value_t)]
    size: Wanted,
    /// Serve it then, and say where to click and as whom. A demo that is there already is served as it is.
    #[arg(long)]
    serve: bool,
}

/// How big a demo is, as it is typed.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Wanted {
    Small,
    #[default]
    Default,
    Large,
}

impl From<Wanted> for Size {
    fn from(wanted: Wanted) -> Self {
        match wanted {
            Wanted::Small => Self::Small,
            Wanted::Default => Self::Default,
            Wanted::Large => Self::Large,
        }
    }
}

/// Makes it, and serves it when asked.
pub async fn run(state: AppState, verb: Demo) -> anyhow::Result<()> {
    let listener = if verb.serve { Some(serve::listen(&state.config).await?) } else { None };
    let mut tx = state.db.read().await?;
    let is_demo = store::stamp::is_demo(&mut tx).await?;
    anyhow::ensure!(
        !is_demo || store::stamp::is_whole(&mut tx).await?,
        "this demo is only half made: the making of it was stopped, or is not done yet. If nobody makes it now, delete its folder and make it again"
    );
    drop(tx);
    if !(verb.serve && is_demo) {
        let options = DemoOptions { size: verb.size.into(), keys_dir: state.config.keys_dir() };
        match demo::build(&state.db, verb.seed, state.now_ms(), &options).await {
            Ok(report) => crate::cli::out::write(format_args!("{report}")),
            Err(DemoError::NotEmpty) if is_demo => {
                anyhow::bail!("there is a demo already: serve it with --serve, name another database with --database, or delete the demo's folder")
            }
            Err(DemoError::NotEmpty) => anyhow::bail!(
                "the database holds what is no demo, and a demo is never mixed with anything. Nothing was changed. Make the demo elsewhere: --database \
                 sqlite:demo/dorbank.db --data demo"
            ),
            Err(error) => return Err(error.into()),
        }
    }
    print_guide(&state).await?;
    match listener {
        Some(listener) => serve::run(state, listener).await,
        None => Ok(()),
    }
}

/// Where to click and as whom.
async fn print_guide(state: &AppState) -> anyhow::Result<()> {
    let (at, now) = (&state.config.public_url, state.now_ms());
    let mut tx = state.db.read().await?;
    let shifts = store::shift::of_branch(&mut tx, None).await?;
    let officers = store::officer::all(&mut tx).await?;
    let running: Option<&Shift> = shifts.iter().find(|shift| (shift.starts_at..shift.ends_at).contains(&now));
    say!("\nSign in at {at}/sign-in by choosing who to be:");
    for (role, what) in [
        (Role::Lead, "a lead admits phones and gives out turfs, under Plan"),
        (Role::Committee, "the programme committee reads what was heard, under Programme"),
        (Role::County, "the county sees everything"),
    ] {
        let running_branches = match running {
            Some(shift) => store::shift::branches(&mut tx, shift.id).await?,
            None => Vec::new(),
        };
        let fits = |officer: &&dorbank_shared::officer::Officer| {
            officer.role == role && (!role.needs_branch() || officer.principal().covers(&running_branches))
        };
        let officer = officers.iter().find(fits).or_else(|| officers.iter().find(|officer| officer.role == role));
        if let Some(officer) = officer {
            say!("  {:<24}  {what}", officer.name);
        }
    }
    match running {
        Some(shift) => {
            say!("Volunteer: open {at}/field/ and type {}", codes::typed(&state.keys, shift));
            say!("           (or open {})", codes::link(&state.config, &state.keys, shift));
            say!("           then admit the phone as the lead: {at}/plan/shifts/{}", shift.id);
        }
        None => say!("No shift runs at this hour. For one that does, delete the demo's database and keys and make it anew."),
    }
    say!();
    Ok(())
}
