//! `dorbank` as a process of its own, so that it can be killed, starved and started again: this very binary, started
//! again to do nothing but what the command line does.

use std::{
    env,
    ffi::OsString,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Output, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use dorbank_server::{cli, config::Config};
use dorbank_tests::postgres::is_root;

/// Under which the arguments come.
const ARGUMENTS: &str = "DORBANK_TEST_ARGUMENTS";

/// Where a process works.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
    /// The database's address, where it is not the folder's file.
    address: Option<String>,
}

impl Place {
    /// A folder with a SQLite file in it.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), address: None }
    }

    /// A folder, and a database elsewhere.
    pub fn with_database(folder: impl Into<PathBuf>, address: impl Into<String>) -> Self {
        Self { folder: folder.into(), address: Some(address.into()) }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder's database.
    pub fn database(&self) -> PathBuf {
        self.folder.join("dorbank.db")
    }

    /// As the server is told where it works.
    pub fn config(&self) -> Config {
        Config {
            database: self.address.clone().unwrap_or_else(|| format!("sqlite:{}", self.database().display())),
            data: self.folder.join("data"),
            site: self.folder.join("site"),
            listen: "127.0.0.1:0".parse().unwrap(),
            public_url: "http://127.0.0.1".into(),
            client_min: 0,
            limits: dorbank_server::limits::Limits::default(),
        }
    }

    /// The command `dorbank ARGS` here.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env::current_exe().unwrap());
        self.dress(&mut command, args);
        command.args(["process::dorbank", "--exact", "--nocapture"]);
        command
    }

    /// As [`Place::command`], in a shell that ignores the signal of files that grow too large: then the write fails, as
    /// it does on a full disk.
    pub fn command_that_may_be_starved(&self, args: &[&str]) -> Command {
        self.command_in_shell("exec", args)
    }

    fn command_in_shell(&self, exec: &str, args: &[&str]) -> Command {
        let mut command = Command::new("sh");
        let script = format!("trap '' XFSZ; {exec} \"$0\" process::dorbank --exact --nocapture");
        command.args(["-c", &script]).arg(env::current_exe().unwrap());
        self.dress(&mut command, args);
        command
    }

    fn dress(&self, command: &mut Command, args: &[&str]) {
        let config = self.config();
        let paths = [config.database, config.data.display().to_string(), config.site.display().to_string()];
        let all: Vec<String> = ["dorbank"]
            .into_iter()
            .chain(args.iter().copied())
            .map(str::to_owned)
            .chain(["--database", "--data", "--site"].into_iter().zip(paths).flat_map(|(flag, value)| [flag.to_owned(), value]))
            .collect();
        command.env(ARGUMENTS, serde_json::to_string(&all).unwrap()).env_remove("RUST_LOG").env_remove("DATABASE_URL").current_dir(&self.folder);
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a command that succeeds, and gives what it says.
    pub fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?}: {out}{err}");
        out.into_owned()
    }

    /// Runs a command that fails, and gives what it says of that.
    pub fn refused(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && !err.contains("panicked"), "{args:?}: {err}");
        err
    }

    /// Serves.
    pub fn serve(&self) -> Server {
        Server::start(self.command(&["serve", "--listen", "127.0.0.1:0"]))
    }

    /// Serves where another process did that is gone.
    pub fn serve_at(&self, address: SocketAddr) -> Server {
        Server::start(self.command(&["serve", "--listen", &address.to_string()]))
    }

    /// Serves where [`Server::limit`] may take something away.
    pub fn serve_starved(&self) -> Server {
        Server::start(self.command_that_may_be_starved(&["serve", "--listen", "127.0.0.1:0"]))
    }

    /// As [`Place::serve_starved`], where the rights of a file bind the server too. Nothing where this is root and may not
    /// give up what it may.
    pub fn serve_bound(&self) -> Option<Server> {
        let exec = if is_root() {
            let may = Command::new(BOUND[0]).args([BOUND[1], "true"]).output().is_ok_and(|output| output.status.success());
            may.then(|| format!("exec {} {}", BOUND[0], BOUND[1]))?
        } else {
            "exec".to_owned()
        };
        Some(Server::start(self.command_in_shell(&exec, &["serve", "--listen", "127.0.0.1:0"])))
    }
}

/// Root may write every file, unless it gives that up.
const BOUND: [&str; 2] = ["setpriv", "--bounding-set=-dac_override"];

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let address = loop {
            let Some(Ok(line)) = lines.next() else {
                let _ = child.wait();
                panic!("the server did not start: {said}");
            };
            said.push_str(&line);
            said.push('\n');
            if let Some(at) = line.split("listen=").nth(1) {
                break at.split_whitespace().next().unwrap().parse().unwrap();
            }
        };
        let log = Arc::new(Mutex::new(said));
        let to = log.clone();
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = to.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self { child, address, log, reader: Some(reader) }
    }

    /// Kills it as a power cut would, but for what the system has not written yet.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }

    /// Stops it as an operator does.
    pub fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success(), "{}", self.log());
    }

    /// All that it logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sets a limit of the running process (`--fsize=BYTES:`), as `prlimit` writes it.
    pub fn limit(&self, limit: &str) {
        assert!(Command::new("prlimit").args(["--pid", &self.child.id().to_string(), limit]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Not a test: what [`Place::command`] starts.
#[test]
fn dorbank() {
    let Some(arguments) = env::var_os(ARGUMENTS) else { return };
    let arguments: Vec<String> = serde_json::from_str(arguments.to_str().unwrap()).unwrap();
    let code = cli::main(arguments.into_iter().map(OsString::from));
    std::process::exit(i32::from(code != ExitCode::SUCCESS));
}
