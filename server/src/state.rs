//! What every handler and job is given: the store, the clock, randomness, settings and keys.

use std::{
    fmt,
    os::unix::fs::DirBuilderExt as _,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use uuid::{ContextV7, Timestamp, Uuid};

use crate::{
    assets::{self, Site, SiteError},
    clock::Clock,
    config::Config,
    keys::{Keys, KeysError},
    limits::Pace,
    office::Boards,
    store::{self, Db, StoreError},
};

/// A phone that comes back after days sends some dozens of batches at once. One that waits for its lead asks every four seconds.
const PHONE_AT_ONCE: u32 = 300;
const PHONE_PER_SECOND: u32 = 5;
/// Writing down a wrong code of no shift makes it take as long as one of a shift; a flood of them shall not take the disk.
const MISSES_AT_ONCE: u32 = 50;
const MISSES_PER_SECOND: u32 = 2;

/// The state of a running server. Cloning it gives another handle to the same.
#[derive(Clone)]
pub struct AppState {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the operator set.
    pub config: Arc<Config>,
    /// The server's key.
    pub keys: Arc<Keys>,
    /// The built static files.
    pub site: Arc<Site>,
    /// What each live board shows until its next step.
    pub boards: Boards,
    /// How often each phone asks.
    pub phones: Arc<Pace<Uuid>>,
    /// How often wrong codes of no shift at all are written down.
    pub misses: Arc<Pace<()>>,
    rng: Arc<Mutex<ChaCha20Rng>>,
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Why the server could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The database.
    #[error("the database cannot be opened: {0}")]
    Store(#[from] StoreError),
    /// The key.
    #[error("the server's key: {0}")]
    Keys(#[from] KeysError),
    /// The built files.
    #[error("the built files: {0}")]
    Site(#[from] SiteError),
    /// A folder could not be made.
    #[error("{0}: {1}")]
    Folder(String, std::io::Error),
}

/// A seed from the operating system.
pub fn system_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    rand::rng().fill_bytes(&mut seed);
    seed
}

impl AppState {
    /// Opens the database, the key and the built files; makes the folder of the key.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn open(config: Config, clock: Arc<dyn Clock>, seed: [u8; 32]) -> Result<Self, StateError> {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let only_ours = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&config.data);
        only_ours.map_err(|error| StateError::Folder(config.data.display().to_string(), error))?;
        let mut fresh = [0; 32];
        rng.fill_bytes(&mut fresh);
        let site = Site::open(&config.site)?;
        let kept = config.data.join("assets");
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(clock.now_ms()).unwrap_or_default());
        assets::keep(&site, &kept, now).map_err(|error| StateError::Folder(kept.display().to_string(), error))?;
        let db = Db::open(&config.database).await?;
        let mut tx = db.begin().await?;
        let epoch = uuid::Builder::from_random_bytes(rng.random()).into_uuid().simple().to_string();
        if store::meta::set_once(&mut tx, store::meta::EPOCH, &epoch).await? {
            tx.commit().await?;
        }
        Ok(Self {
            db,
            clock,
            keys: Arc::new(Keys::open(&config.keys_dir(), fresh)?),
            site: Arc::new(site),
            config: Arc::new(config),
            boards: Boards::default(),
            phones: Arc::new(Pace::new(PHONE_AT_ONCE, PHONE_PER_SECOND)),
            misses: Arc::new(Pace::new(MISSES_AT_ONCE, MISSES_PER_SECOND)),
            rng: Arc::new(Mutex::new(rng)),
        })
    }

    /// Milliseconds since 1970, UTC.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// So many random bytes.
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes);
        bytes
    }

    /// A generator of its own for a job that shuffles or draws much, seeded from this one.
    pub fn fork_rng(&self) -> ChaCha20Rng {
        ChaCha20Rng::from_seed(self.random_bytes())
    }

    /// A new id that sorts by time. For all but the input side.
    pub fn id_v7(&self) -> Uuid {
        let ms = u64::try_from(self.now_ms()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(ms, &self.random_bytes()).into_uuid()
    }

    /// New ids that sort in the order in which they are made, also within a millisecond: what an import brings in together
    /// lies together in every index, and what happens at the doors of one house touches few pages.
    pub fn ids_in_order(&self) -> impl FnMut() -> Uuid + use<'_> {
        let context = ContextV7::new();
        move || {
            let ms = u64::try_from(self.now_ms()).unwrap_or_default();
            Uuid::new_v7(Timestamp::from_unix(&context, ms / 1_000, u32::try_from(ms % 1_000).unwrap_or_default() * 1_000_000))
        }
    }

    /// A new random id, which tells nothing. For the input side.
    pub fn id_v4(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random_bytes()).into_uuid()
    }
}
