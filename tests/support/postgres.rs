//! A throwaway PostgreSQL cluster: one for the whole test binary, a fresh database for each test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::Mutex;
use uuid::Uuid;

/// A running cluster.
#[derive(Debug)]
struct Cluster {
    dir: PathBuf,
    /// Creating a database copies a template, which two at a time cannot.
    creating: Mutex<()>,
    /// Stops the cluster when this process ends: its standard input closes then, however the process ends.
    _watchdog: Child,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// The address of a fresh, empty database.
///
/// # Panics
/// When there is no PostgreSQL on this machine, or it does not start: the tests of the store are not to be skipped.
pub async fn fresh_database() -> String {
    let cluster = CLUSTER.get_or_init(start);
    let _turn = cluster.creating.lock().await;
    let name = format!("t{}", Uuid::new_v4().simple());
    let mut admin = PgConnection::connect(&address(&cluster.dir, "postgres")).await.expect("the cluster answers");
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).await.expect("a database can be made");
    admin.close().await.expect("the connection closes");
    address(&cluster.dir, &name)
}

fn address(dir: &Path, database: &str) -> String {
    format!("postgres://dorbank@localhost/{database}?host={}", dir.display())
}

/// Where `initdb` and `pg_ctl` are: on the path, or where Debian keeps them.
fn tools() -> PathBuf {
    let on_path = std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let packaged = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    on_path
        .chain(packaged)
        .find(|dir| dir.join("initdb").is_file() && dir.join("pg_ctl").is_file())
        .expect("PostgreSQL is missing (initdb and pg_ctl): the store is tested on it too. Run scripts/setup test")
}

/// PostgreSQL refuses to run as root; then it runs as the user that its package made.
fn command(root: bool, program: &Path) -> Command {
    if root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn run(mut command: Command) {
    let output = command.current_dir("/").stdin(Stdio::null()).output().expect("PostgreSQL's tools run");
    assert!(output.status.success(), "{command:?}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

fn start() -> Cluster {
    let tools = tools();
    let root = fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    let dir = std::env::temp_dir().join(format!("dorbank-postgres-{}", Uuid::new_v4().simple()));
    fs::create_dir(&dir).expect("a temporary folder can be made");
    if root {
        run({
            let mut chown = Command::new("chown");
            chown.arg("postgres").arg(&dir);
            chown
        });
    }
    let data = dir.join("data");
    let mut initdb = command(root, &tools.join("initdb"));
    initdb.args(["--no-sync", "-A", "trust", "-U", "dorbank", "-E", "UTF8", "--locale", "C", "-D"]).arg(&data);
    run(initdb);
    // Nobody reaches it but by the socket in its own folder; and it need not outlive a power cut.
    let options =
        format!("-k {} -c listen_addresses='' -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=300", dir.display());
    let mut start = command(root, &tools.join("pg_ctl"));
    start.args(["-w", "-s", "start", "-D"]).arg(&data).arg("-l").arg(dir.join("log")).args(["-o", &options]);
    // Its output is not captured: the server would hold the pipe open.
    let started = start.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("pg_ctl runs");
    assert!(started.success(), "PostgreSQL does not start: {}", fs::read_to_string(dir.join("log")).unwrap_or_default());
    let stop = command(root, &tools.join("pg_ctl"));
    let words: Vec<String> = std::iter::once(stop.get_program()).chain(stop.get_args()).map(|word| word.to_string_lossy().into_owned()).collect();
    let script = format!(
        "trap '' INT TERM HUP; cd /; cat >/dev/null; {} -s -m immediate stop -D {}; rm -rf {}",
        words.join(" "),
        data.display(),
        dir.display()
    );
    let watchdog =
        Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sh runs");
    Cluster { dir, creating: Mutex::new(()), _watchdog: watchdog }
}
