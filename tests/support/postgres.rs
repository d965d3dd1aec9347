//! Throwaway PostgreSQL clusters: one for the whole test binary, a fresh database for each test; and clusters of their own
//! for tests that stop and start them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use dorbank_server::{args, store::Db};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::Mutex;
use uuid::Uuid;

/// What the shared cluster is started with: it need not outlive anything.
const FAST: &str = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off";
/// What a cluster is started with whose server is killed: what it said was committed must be there afterwards. Power does
/// not fail here, so nothing waits for the disk.
const KEEPING: &str = "-c fsync=off -c synchronous_commit=on";

/// A running cluster. It stops, and is removed, when this process ends.
#[derive(Debug)]
pub struct Cluster {
    dir: PathBuf,
    /// Creating a database copies a template, which two at a time cannot.
    creating: Mutex<()>,
    /// Stops the cluster when this process ends: its standard input closes then, however the process ends.
    _watchdog: Child,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// How many transactions wait for a lock in a database, as it says itself.
///
/// # Panics
/// When the database does not answer.
pub async fn waiting(db: &Db) -> i64 {
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    db.read().await.expect("it answers").one(sql, args![]).await.expect("it answers").expect("a row").get(0).expect("a number")
}

/// The address of a fresh, empty database.
///
/// # Panics
/// When there is no PostgreSQL on this machine, or it does not start: the tests of the store are not to be skipped.
pub async fn fresh_database() -> String {
    CLUSTER.get_or_init(|| start(FAST)).fresh_database().await
}

impl Cluster {
    /// A cluster of one's own, which may be killed and loses nothing that it committed.
    ///
    /// # Panics
    /// As [`fresh_database`].
    pub fn start() -> Self {
        start(KEEPING)
    }

    /// The address of a fresh, empty database.
    ///
    /// # Panics
    /// When the cluster does not answer.
    pub async fn fresh_database(&self) -> String {
        let _turn = self.creating.lock().await;
        let name = format!("t{}", Uuid::new_v4().simple());
        self.execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await;
        address(&self.dir, &name)
    }

    /// Runs a statement as the owner of everything.
    ///
    /// # Panics
    /// When it fails.
    pub async fn execute(&self, sql: &str) {
        let mut admin = PgConnection::connect(&address(&self.dir, "postgres")).await.expect("the cluster answers");
        admin.execute(AssertSqlSafe(sql.to_owned())).await.expect("the statement runs");
        admin.close().await.expect("the connection closes");
    }

    /// How often the server's log has said this.
    pub fn has_said(&self, words: &str) -> u64 {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default().matches(words).count() as u64
    }

    /// Copies a database into a file, as an operator does every night.
    ///
    /// # Panics
    /// When `pg_dump` fails.
    pub fn dump(&self, address: &str, file: &Path) {
        let mut dump = Command::new(tools().join("pg_dump"));
        dump.args(["--format=custom", "--file"]).arg(file).arg(address);
        run(dump);
    }

    /// Puts such a copy in the place of what the database holds.
    ///
    /// # Panics
    /// When `pg_restore` fails.
    pub fn restore(&self, address: &str, file: &Path) {
        let mut restore = Command::new(tools().join("pg_restore"));
        restore.args(["--clean", "--if-exists", "--exit-on-error", "--single-transaction", "--dbname", address]).arg(file);
        run(restore);
    }

    /// Kills every process of the server in the middle of what it does and starts it again; it recovers from its log.
    ///
    /// # Panics
    /// When it does not start again.
    pub fn kill_and_start(&self) {
        let root = is_root();
        let mut restart = command(root, &tools().join("pg_ctl"));
        restart.args(["-w", "-s", "-m", "immediate", "restart", "-D"]).arg(self.dir.join("data")).arg("-l").arg(self.dir.join("log"));
        let done = restart.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("pg_ctl runs");
        assert!(done.success(), "PostgreSQL does not start again: {}", fs::read_to_string(self.dir.join("log")).unwrap_or_default());
    }
}

/// Whether this runs as root.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

fn address(dir: &Path, database: &str) -> String {
    format!("postgres://dorbank@localhost/{database}?host={}", dir.display())
}

/// Where `initdb`, `pg_ctl`, `pg_dump` and `pg_restore` are: on the path, or where Debian keeps them.
fn tools() -> PathBuf {
    let on_path = std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let packaged = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    on_path
        .chain(packaged)
        .find(|dir| ["initdb", "pg_ctl", "pg_dump", "pg_restore"].iter().all(|tool| dir.join(tool).is_file()))
        .expect("PostgreSQL is missing (initdb, pg_ctl, pg_dump and pg_restore): the store is tested on it too. Run scripts/setup test")
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

fn start(settings: &str) -> Cluster {
    let tools = tools();
    let root = is_root();
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
    // Nobody reaches it but by the socket in its own folder.
    let options = format!("-k {} -c listen_addresses='' -c max_connections=300 {settings}", dir.display());
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
