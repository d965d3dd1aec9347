//! The real server on port 0, with a clock that the test holds and randomness from a seed.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use dorbank_server::{clock::TestClock, config::Config, import::fetch::provide_tls, limits::Limits, router, state::AppState};
use reqwest::{Client, RequestBuilder};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// When tests begin: Wednesday 14 October 2026, 18:00 in Oslo. Milliseconds since 1970, UTC.
pub const START_MS: i64 = 1_791_993_600_000;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file.
    Sqlite,
    /// The throwaway cluster.
    Postgres,
}

impl Engine {
    /// Both kinds, for a test that must hold on each.
    pub const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

/// The address of a fresh database; a file lies in `folder`.
pub async fn database(engine: Engine, folder: &Path) -> String {
    match engine {
        Engine::Sqlite => format!("sqlite:{}", folder.join("dorbank.db").display()),
        Engine::Postgres => crate::postgres::fresh_database().await,
    }
}

/// A running server.
#[derive(Debug)]
pub struct TestServer {
    /// The state, shared with the server.
    pub state: AppState,
    /// The clock, shared with the server.
    pub clock: Arc<TestClock>,
    /// Where it listens.
    pub address: SocketAddr,
    /// A client without cookies that follows no redirect.
    pub client: Client,
    /// The folder of the database (`dorbank.db` on SQLite), `data/` and `site/`.
    pub folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl TestServer {
    /// A server over a fresh SQLite file.
    pub async fn start() -> Self {
        Self::on(Engine::Sqlite).await
    }

    /// A server over a fresh database.
    pub async fn on(engine: Engine) -> Self {
        Self::with(engine, |_| {}).await
    }

    /// A server whose settings the test changes first.
    pub async fn with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        write_site(&folder.path().join("site"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let mut config = Config {
            client_min: 0,
            limits: Limits::default(),
            database: database(engine, folder.path()).await,
            data: folder.path().join("data"),
            site: folder.path().join("site"),
            listen: address,
            public_url: format!("http://{address}"),
        };
        change(&mut config);
        Self::listening(listener, config, Arc::new(TestClock::new(START_MS)), folder).await
    }

    /// A server over a database that is there, on another socket. Its own folder is empty.
    pub async fn over(mut config: Config, clock: Arc<TestClock>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        config.listen = listener.local_addr().expect("a bound socket has an address");
        Self::listening(listener, config, clock, folder).await
    }

    async fn listening(listener: TcpListener, config: Config, clock: Arc<TestClock>, folder: TempDir) -> Self {
        let address = config.listen;
        let state = AppState::open(config, clock.clone(), [7; 32]).await.expect("the state opens");
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(router::serve(listener, state.clone(), async {
            let _ = stopped.await;
        }));
        provide_tls();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client can be made");
        Self { state, clock, address, client, folder, stop: Some(stop), task }
    }

    /// The whole address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A GET without credentials.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    /// A POST without credentials.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    /// Stops the server as an operator does, and waits for it.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        (&mut self.task).await.expect("the server does not panic").expect("the server stops cleanly");
    }
}

/// A site as the build writes it, with files of a few bytes.
///
/// # Panics
/// When it cannot be written.
pub fn write_site(dir: &Path) {
    let write = |path: &str, text: &[u8]| {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    };
    write("assets/field.0a1b2c3d.js", b"export const plain = 1;");
    write("assets/field.0a1b2c3d.js.br", b"as brotli");
    write("assets/field.0a1b2c3d.js.gz", b"as gzip");
    write("field/index.html", b"<!doctype html><title>field</title>");
    write("field/sw.js", b"self.build = 'test';");
    write("field/manifest.webmanifest", b"{}");
    write("icons/icon.svg", b"<svg/>");
    write("manifest.json", br#"{"build": "test", "assets": {"field.js": "assets/field.0a1b2c3d.js"}}"#);
}
