//! The command line: what can be asked for, and who does it.

mod backup;
mod check;
mod correct;
mod demo;
mod fetch;
mod import;
mod mix;
mod officer;
pub(crate) mod out;
mod release;
mod restore;
mod round;
mod serve;
mod setting;

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, pin::pin, process::ExitCode, sync::Arc, time::Duration};

use clap::{ArgAction, Args, Command, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use dorbank_server::{
    clock::SystemClock,
    config::Config,
    limits::Limits,
    openapi,
    state::{AppState, system_seed},
    telemetry,
};
use jiff::Timestamp;
use tokio::time::timeout;

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
    /// Correct what is published of an entrance: its place, its address, its doors.
    ///
    /// It is so at once for everybody. Later imports keep it, say where the publisher differs, and forget it when the
    /// publisher has it too.
    Correct(correct::Correct),
    /// Look at the register: how many entrances and doors each district has, and what in it cannot be right.
    ///
    /// Nothing is changed, and a server may run meanwhile. --html writes a page with a map.
    Check(check::Check),
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
    /// Set what is to be called how on the screens.
    #[command(subcommand)]
    Setting(setting::Setting),
    /// Print the description of the API (OpenAPI 3.1, as in docs/openapi.json).
    Openapi,
    /// Copy the SQLite database into a new file, while the server runs, and check the copy.
    ///
    /// The keys in --data are not part of it, and are not to be kept beside it. For PostgreSQL use `pg_dump`, and say
    /// `dorbank backup --noted TIME` after it: phones keep their sealed copies of inputs until a backup has them. It
    /// says which day is now the last that is wholly in a backup.
    Backup {
        /// The file to make.
        #[arg(required_unless_present = "noted")]
        file: Option<PathBuf>,
        /// Make none, but note that another program has made one, and when that program began, as `2026-11-27T18:00Z`.
        ///
        /// Without a time it is taken to have begun a day ago, and phones let go of their copies a day later. One that
        /// began earlier than that is to be noted with its time: else phones let go of what is not in it.
        #[arg(long, value_name = "TIME", num_args = 0..=1, action = ArgAction::Set, conflicts_with = "file")]
        noted: Option<Vec<Timestamp>>,
    },
    /// Put a backup in the place of the SQLite database, while no server runs.
    ///
    /// The backup is verified first, and the old database is put aside, not deleted. What had to be deleted since the
    /// backup is deleted before anybody is served. Phones then offer again what they sent. For PostgreSQL use
    /// `pg_restore`, and say `dorbank restore --noted` after it.
    Restore(restore::Restore),
    /// Look whether the database, or a backup, is whole: the file itself, and whether all in it agrees.
    ///
    /// Nothing is changed, and a server may run meanwhile. Ends with 1 when something is wrong.
    Verify {
        /// The backup. Without it the database.
        file: Option<PathBuf>,
    },
}

/// The command line. What every command takes is told once, by `dorbank --help`.
fn command() -> Command {
    const ELSEWHERE: &str = "Every command also takes --database, --data and what else `dorbank --help` names under Options.";
    fn quiet(command: Command) -> Command {
        let name = command.get_name().to_owned();
        let shown: &[&str] = match name.as_str() {
            "serve" | "demo" => &["listen", "public_url"],
            "officer" | "add" | "link" => &["public_url"],
            _ => &[],
        };
        let told = |id: &str| shown.contains(&id);
        let command = command.mut_args(|arg| {
            let hide = arg.is_global_set() && !told(arg.get_id().as_str()) && !matches!(arg.get_action(), ArgAction::Help | ArgAction::Version);
            if hide { arg.hide(true) } else { arg }
        });
        command.after_help(ELSEWHERE).mut_subcommands(quiet)
    }
    let mut command = Cli::command();
    // Hands what is global down to each command, where it can then be hidden.
    command.build();
    command.mut_subcommands(quiet)
}

/// Makes the folder in --data. It is the server's own, and by default where the database is too.
fn make_data_folder(config: &Config) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&config.data);
    made.map_err(|error| anyhow::anyhow!("{}: {error}", config.data.display()))
}

/// Refuses a database in a folder that is not there: it is most likely misspelt, and an empty one is never what is meant.
fn need_folder(config: &Config) -> anyhow::Result<()> {
    let folder = config.database.strip_prefix("sqlite:").and_then(|path| std::path::Path::new(path).parent());
    let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    anyhow::ensure!(
        folder.is_dir(),
        "there is no folder {0} for the database. If that is where it shall be, make it (mkdir -p {0}); else name the right one with --database sqlite:PATH",
        folder.display()
    );
    Ok(())
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
            limits: Limits::default(),
        })
    }
}

fn default_site() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("site")));
    beside.filter(|site| site.is_dir()).unwrap_or_else(|| PathBuf::from("target/site"))
}

/// The SQLite file of a database, where there is none yet.
fn new_file(config: &Config) -> Option<&str> {
    config.database.strip_prefix("sqlite:").filter(|path| !std::path::Path::new(path).is_file())
}

/// Opens the database, and says so where that made it: the name may be misspelt.
async fn open(config: Config) -> anyhow::Result<AppState> {
    make_data_folder(&config)?;
    need_folder(&config)?;
    let new = new_file(&config).map(str::to_owned);
    let mut opening = pin!(AppState::open(config, Arc::new(SystemClock), system_seed()));
    let state = if let Ok(state) = timeout(Duration::from_secs(2), &mut opening).await {
        state?
    } else {
        // It may start at the same time as we do.
        eprintln!("Waiting for the database, for half a minute at most …");
        opening.await?
    };
    if let Some(path) = new {
        eprintln!("Made a new database: {path}");
    }
    Ok(state)
}

/// As [`open`], for what has nothing to do in an empty database.
async fn open_filled(config: Config) -> anyhow::Result<AppState> {
    if let Some(path) = new_file(&config) {
        anyhow::bail!("there is no file {path}; name the database with --database sqlite:PATH");
    }
    open(config).await
}

/// Does what a command line says; `args` begins with the program's name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(args))) {
        Ok(()) => ExitCode::SUCCESS,
        // For the person at the keyboard: what happened, without where in the program.
        Err(error) => {
            eprintln!("dorbank: {}", out::causes(&error));
            ExitCode::FAILURE
        }
    }
}

/// Reads the command line and does what it says.
async fn run(args: impl IntoIterator<Item = OsString>) -> anyhow::Result<()> {
    let Cli { common, verb } = Cli::from_arg_matches(&command().get_matches_from(args)).unwrap_or_else(|error| error.exit());
    if matches!(verb, Verb::Openapi) {
        print!("{}", openapi::text());
        return Ok(());
    }
    telemetry::start(common.log_json);
    let config = common.config()?;
    match verb {
        Verb::Serve => {
            let listener = serve::listen(&config).await?;
            serve::run(open(config).await?, listener).await
        }
        Verb::Demo(demo) => demo::run(open(config).await?, demo).await,
        Verb::Import(import) => import::run(&open(config).await?, import).await,
        Verb::Correct(correct) => correct::run(&open_filled(config).await?, correct).await,
        Verb::Check(check) => check::run(&config, check).await,
        Verb::Round(round) => round::run(&open(config).await?, round).await,
        Verb::Mix(mix) => mix::run(&open_filled(config).await?, mix).await,
        Verb::Release(release) => release::run(&open_filled(config).await?, release).await,
        Verb::Officer(officer) => officer::run(&open(config).await?, officer).await,
        Verb::Setting(verb) => setting::run(&open(config).await?, verb).await,
        Verb::Openapi => Ok(()),
        Verb::Backup { file, noted } => backup::run(&config, file.as_deref(), noted.unwrap_or_default().first().copied()).await,
        Verb::Restore(verb) => restore::run(&config, verb).await,
        Verb::Verify { file } => restore::look(&config, file.as_deref()).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn a_commands_help_tells_its_own_options_alone() {
        let help = |args: &[&str]| command().try_get_matches_from(args).unwrap_err().to_string();
        assert!(help(&["dorbank", "--help"]).contains("--log-json"));
        let officer = help(&["dorbank", "officer", "link", "--help"]);
        assert!(officer.contains("--public-url") && !officer.contains("--log-json") && officer.contains("dorbank --help"), "{officer}");
        assert!(help(&["dorbank", "serve", "--help"]).contains("--listen"));
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
