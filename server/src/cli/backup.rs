//! `dorbank backup`.

use std::path::Path;

use dorbank_server::{
    backup::{self, HOLD_DAYS},
    clock::{Clock as _, SystemClock},
    config::Config,
    store::{Db, tally::DAY_MS},
};
use jiff::Timestamp;

use super::out::say;

/// So long ago a dump began of which nobody says when. There is to be one every night; one that takes longer, or is noted
/// later, has to be noted with its time.
const UNSAID_MS: i64 = DAY_MS;

/// Copies the database into `file`; without one, notes that another program did, which began at `began`.
pub async fn run(config: &Config, file: Option<&Path>, began: Option<Timestamp>) -> anyhow::Result<()> {
    let now_ms = SystemClock.now_ms();
    let through = if let Some(file) = file {
        let through = backup::run(&config.database, file, now_ms).await?;
        say!("{}", file.display());
        through
    } else {
        let begun_ms = began.map_or(now_ms - UNSAID_MS, Timestamp::as_millisecond);
        anyhow::ensure!(
            begun_ms <= now_ms,
            "{} has not come yet by this machine's clock. Name the time at which the other program began",
            began.unwrap_or_default()
        );
        backup::note(&Db::open(&config.database).await?, begun_ms, now_ms).await?
    };
    match through {
        Some(day) => say!("The last day that is wholly in a backup is {day} (UTC). Phones let go of their sealed copies of inputs through it."),
        None => say!("Phones keep all their sealed copies of inputs: no backup of the first {HOLD_DAYS} days after a restore has them let go."),
    }
    if file.is_none() && began.is_none() {
        say!("It is taken to have begun a day ago. If it began earlier, say when: dorbank backup --noted 2026-11-27T18:00Z");
    }
    Ok(())
}
