//! `dorbank backup`.

use std::path::Path;

use dorbank_server::{backup, config::Config};

/// Copies the database.
pub async fn run(config: &Config, file: &Path) -> anyhow::Result<()> {
    backup::run(&config.database, file).await?;
    println!("{}", file.display());
    Ok(())
}
