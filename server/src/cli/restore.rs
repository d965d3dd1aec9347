//! `dorbank restore` and `dorbank verify`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;

use super::out::say;
use crate::{
    clock::{Clock as _, SystemClock},
    config::Config,
    restore::{self, Refused},
    state::system_seed,
    store::{Db, backup},
    verify::{self, Check},
};

/// What is restored.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup, as `dorbank backup` made it.
    #[arg(required_unless_present = "noted")]
    file: Option<PathBuf>,
    /// Take it although a later backup was made.
    #[arg(long)]
    older: bool,
    /// Restore none, but do what must follow when another program (`pg_restore`) has just restored the database.
    #[arg(long, conflicts_with_all = ["file", "older"])]
    noted: bool,
}

const AFTER: &str = "\
What follows:
  Phones notice by themselves and offer again what they sent since the backup, visits and sealed inputs. What the
  backup has is recognised; nothing is counted twice. It may take until each phone is next online.
  A phone that joined its shift after the backup waits to be let in again, under Plan. What it noted stays on it.
  Officers sign in again (dorbank officer link).
  What officers did since the backup is not in it: shifts and turfs that were planned, officers and phones that were
  stopped, codes that were changed, doors whose wish was cleared. Do it again.
  If counts were frozen since the backup (dorbank release list), do not publish both: their difference tells too much.";

fn print(checks: &[Check]) {
    for check in checks {
        say!("{check}");
    }
}

/// Restores.
pub async fn run(config: &Config, verb: Restore) -> anyhow::Result<()> {
    let now = SystemClock.now_ms();
    let mut rng = ChaCha20Rng::from_seed(system_seed());
    let Some(file) = verb.file else {
        super::need_folder(config)?;
        // Under a server that runs it would begin anew what nobody has put in place.
        if let Some(path) = config.database.strip_prefix("sqlite:").map(Path::new)
            && path.exists()
            && !backup::settle(path).await
        {
            return Err(Refused::InUse(path.display().to_string()).into());
        }
        let db = Db::open(&config.database).await?;
        let checks = verify::run(&db, now).await?;
        print(&checks);
        anyhow::ensure!(verify::is_whole(&checks), "the restored database is not whole; nothing was changed. Restore another backup");
        restore::begin_again(&db, now, &mut rng).await?;
        db.close().await;
        say!("\nNoted: the database has a new epoch, and what had to be deleted since the backup is deleted. Start the servers.\n\n{AFTER}");
        return Ok(());
    };
    super::make_data_folder(config)?;
    super::need_folder(config)?;
    match restore::run(&config.database, &file, verb.older, now, &mut rng).await {
        Ok(restored) => {
            print(&restored.checks);
            let of = restored.begun_at.and_then(|at| Timestamp::from_millisecond(at).ok()).map(|at| format!(", begun {at:.0}")).unwrap_or_default();
            say!("\nRestored from {}{of}. What had to be deleted since then is deleted, and the server can be started.", file.display());
            if let Some(aside) = restored.aside {
                say!(
                    "The database that was there is now {}.\nDelete it (and {}-wal, if there is one) when all is well: it holds what has since been deleted.",
                    aside.display(),
                    aside.display()
                );
            }
            say!("\n{AFTER}");
            Ok(())
        }
        Err(Refused::NotWhole(checks)) => {
            print(&checks);
            Err(Refused::NotWhole(checks).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Looks at a backup, or at the database, and says what is right and wrong with it.
pub async fn look(config: &Config, file: Option<&Path>) -> anyhow::Result<()> {
    let address = match file {
        Some(file) => format!("sqlite:{}", file.display()),
        None => config.database.clone(),
    };
    if let Some(path) = address.strip_prefix("sqlite:") {
        anyhow::ensure!(Path::new(path).is_file(), "there is no file {path}; name a backup, or the database with --database sqlite:PATH");
    }
    let db = Db::inspect(&address).await.context("it cannot be opened")?;
    let checks = verify::run(&db, SystemClock.now_ms()).await.context("it cannot be read")?;
    db.close().await;
    print(&checks);
    let wrong = checks.iter().filter(|check| !check.wrong.is_empty()).count();
    anyhow::ensure!(
        wrong == 0,
        "{wrong} of {} are wrong. Nothing was changed. If this is the database: stop the server and restore the newest backup that verifies (dorbank restore FILE); phones offer again what they sent since. If it is a backup: keep it, and verify an older one",
        checks.len()
    );
    say!("\nAll is well.");
    Ok(())
}
