//! The command line: what can be asked for, and who does it.

mod backup;
mod demo;
mod import;
mod mix;
mod officer;
mod release;
mod round;
mod serve;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use clap::{Args, Parser, Subcommand};
use dorbank_server::{
    clock::SystemClock,
    config::Config,
    state::{AppState, system_seed},
    telemetry,
};

/// Dørbank: door-to-door canvassing for a party organisation.
///
/// One program: the server that phones and officers reach, and the tools of who runs it. With nothing set it keeps a
/// SQLite database and its keys in ./data and listens on this machine alone.
#[derive(Debug, Parser)]
#[command(name = "dorbank", version, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// What every command may be told.
#[derive(Debug, Args)]
struct Common {
    /// The database: `sqlite:PATH`, or `postgres://USER@HOST/NAME`, which any number of servers may share.
    #[arg(long, env = "DATABASE_URL", default_value = "sqlite:data/dorbank.db", global = true, hide_env_values = true)]
    database: String,
    /// The folder of the server's keys and of the assets of earlier builds. Back up its keys apart from the database.
    #[arg(long, env = "DORBANK_DATA", default_value = "data", global = true)]
    data: PathBuf,
    /// The folder of the built screens. By default `site` beside the program, else target/site.
    #[arg(long, env = "DORBANK_SITE", global = true)]
    site: Option<PathBuf>,
    /// Where to listen. Put a proxy with TLS before it; phones install the app over HTTPS only.
    #[arg(long, env = "DORBANK_LISTEN", default_value = "127.0.0.1:8080", global = true)]
    listen: SocketAddr,
    /// The address by which people reach the server, as it stands in QR codes and sign-in links. By default that of --listen.
    #[arg(long, env = "DORBANK_PUBLIC_URL", global = true)]
    public_url: Option<String>,
    /// The lowest number of the field app that may fetch, in case an earlier one did harm; it may still send. A phone's number
    /// stands first in the version that its settings show.
    #[arg(long, env = "DORBANK_CLIENT_MIN", default_value_t = 0, global = true)]
    client_min: u32,
    /// Log as JSON, one object a line. `RUST_LOG` filters.
    #[arg(long, env = "DORBANK_LOG_JSON", global = true)]
    log_json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve phones and officers until told to stop (SIGTERM, Ctrl-C), finishing what has begun.
    ///
    /// Every night at 03:00 in Oslo it mixes what was heard, every Monday at 04:00 it freezes the counts that are shown,
    /// and 72 hours after a shift it coarsens what was noted at its doors.
    Serve,
    /// Make a demo in an empty database: a made-up city in the middle of its autumn round, stamped as a demo.
    ///
    /// On such a database anybody signs in as anybody, and no real data is taken.
    Demo(demo::Demo),
    /// Import addresses and districts as their publishers write them.
    #[command(subcommand)]
    Import(import::Import),
    /// Make, open and close rounds, and look after their keys.
    #[command(subcommand)]
    Round(round::Round),
    /// Mix what was heard now, beside the mix of every night at 03:00.
    ///
    /// Only areas are taken where enough was heard that nobody is recognised; the rest waits.
    Mix(mix::Mix),
    /// Freeze the counts that are shown, or list the freezes.
    #[command(subcommand)]
    Release(release::Release),
    /// Add officers, list them, make links to sign in with.
    #[command(subcommand)]
    Officer(officer::Officer),
    /// Copy the SQLite database into a new file, while the server runs, and check the copy.
    ///
    /// The keys in --data are not part of it, and are not to be kept beside it. For PostgreSQL use `pg_dump`, and say
    /// `dorbank backup --noted` after it: phones keep their sealed copies of inputs until a backup has them.
    Backup {
        /// The file to make.
        #[arg(required_unless_present = "noted")]
        file: Option<PathBuf>,
        /// Makes none, but notes that another program has just made one.
        #[arg(long, conflicts_with = "file")]
        noted: bool,
    },
}

impl Common {
    fn config(self) -> anyhow::Result<Config> {
        let public_url = self.public_url.unwrap_or_else(|| format!("http://{}", self.listen));
        let public_url = public_url.trim_end_matches('/').to_owned();
        let host = public_url.strip_prefix("https://").or_else(|| public_url.strip_prefix("http://"));
        anyhow::ensure!(
            host.is_some_and(|host| !host.is_empty() && !host.contains('/')),
            "--public-url is https://HOST or http://HOST[:PORT], without a path; this is {public_url}"
        );
        Ok(Config {
            database: self.database,
            data: self.data,
            site: self.site.unwrap_or_else(default_site),
            listen: self.listen,
            public_url,
            client_min: self.client_min,
        })
    }
}

fn default_site() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("site")));
    beside.filter(|site| site.is_dir()).unwrap_or_else(|| PathBuf::from("target/site"))
}

async fn open(config: Config) -> anyhow::Result<AppState> {
    Ok(AppState::open(config, Arc::new(SystemClock), system_seed()).await?)
}

/// Reads the command line and does what it says.
pub async fn run() -> anyhow::Result<()> {
    let Cli { common, verb } = Cli::parse();
    telemetry::start(common.log_json);
    let config = common.config()?;
    match verb {
        Verb::Serve => serve::run(open(config).await?).await,
        Verb::Demo(demo) => demo::run(open(config).await?, demo).await,
        Verb::Import(import) => import::run(&open(config).await?, import).await,
        Verb::Round(round) => round::run(&open(config).await?, round).await,
        Verb::Mix(mix) => mix::run(&open(config).await?, mix).await,
        Verb::Release(release) => release::run(&open(config).await?, release).await,
        Verb::Officer(officer) => officer::run(&open(config).await?, officer).await,
        Verb::Backup { file, noted: _ } => backup::run(&config, file.as_deref()).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_public_address_has_a_scheme_and_no_path() {
        let config = |url: &str| Cli::try_parse_from(["dorbank", "serve", "--public-url", url]).unwrap().common.config();
        assert_eq!(config("https://dorbank.example/").unwrap().public_url, "https://dorbank.example");
        assert_eq!(config("https://dorbank.example").unwrap().cookie_name(), "__Host-dorbank");
        assert_eq!(config("http://10.0.0.2:8080").unwrap().cookie_name(), "dorbank");
        for wrong in ["dorbank.example", "https://", "https://dorbank.example/app", "ftp://dorbank.example"] {
            assert!(config(wrong).is_err(), "{wrong}");
        }
    }
}
