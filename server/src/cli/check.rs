//! `dorbank check`.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use dorbank_server::{
    check::{self, json, page, text},
    config::Config,
    store::Db,
};
use dorbank_shared::words::LANGUAGES;

use super::out::say;

/// How it is told.
#[derive(Debug, Args)]
pub struct Check {
    /// Write out all that was found, not only the first of each kind.
    #[arg(long)]
    all: bool,
    /// Write it as one web page with a map, too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The language of that page.
    #[arg(long, default_value = LANGUAGES[0], value_parser = LANGUAGES)]
    language: String,
    /// Write all of it as JSON, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// End with 1 when something was found.
    #[arg(long)]
    strict: bool,
}

/// Looks at the register. Nothing is changed, and a server may run meanwhile.
pub async fn run(config: &Config, verb: Check) -> anyhow::Result<()> {
    for file in [&verb.html, &verb.json].into_iter().flatten() {
        // It may be anything: somebody's notes, or the database itself.
        anyhow::ensure!(
            !file.exists(),
            "{} cannot be written: there is a file of that name already. Nothing was changed. Name another, or delete it",
            file.display()
        );
    }
    anyhow::ensure!(verb.html.is_none() || verb.html != verb.json, "--html and --json name the same file; give each its own");
    if let Some(path) = config.database.strip_prefix("sqlite:") {
        anyhow::ensure!(Path::new(path).is_file(), "there is no file {path}; name the database with --database sqlite:PATH");
    }
    let db = Db::inspect(&config.database).await.context("the database cannot be opened")?;
    let report = check::run(&db).await.context("the database cannot be read; if this program is newer than it, start the server once")?;
    db.close().await;
    crate::cli::out::write(format_args!("{}", text(&report, verb.all)));
    if let Some(file) = &verb.html {
        put(file, &page(&report, &verb.language, verb.all))?;
    }
    if let Some(file) = &verb.json {
        put(file, &json(&report)?)?;
    }
    let found = report.findings.len();
    anyhow::ensure!(!verb.strict || found == 0, "{found} things were found (--strict)");
    Ok(())
}

/// Writes a new file, whole or not at all. One that is there by now is left as it is.
fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    let named = || format!("{} cannot be written", path.display());
    let mut file = File::create_new(path).with_context(named)?;
    if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        let _ = std::fs::remove_file(path);
        return Err(error).with_context(named);
    }
    say!("\n{}", path.display());
    Ok(())
}
