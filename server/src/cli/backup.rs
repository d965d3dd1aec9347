//! `dorbank backup`.

use std::path::Path;

use dorbank_server::{
    backup,
    clock::{Clock as _, SystemClock},
    config::Config,
    store::Db,
};

use super::out::say;

/// Copies the database into `file`; without one, notes that another program did.
pub async fn run(config: &Config, file: Option<&Path>) -> anyhow::Result<()> {
    let now_ms = SystemClock.now_ms();
    if let Some(file) = file {
        backup::run(&config.database, file, now_ms).await?;
        say!("{}", file.display());
    } else {
        backup::note(&Db::open(&config.database).await?, now_ms).await?;
    }
    Ok(())
}
