//! What the schedule has done, and who has a job done: the schedule, or a person.

use rand::Rng as _;
use rand_chacha::ChaCha20Rng;
use uuid::Uuid;

use crate::{
    coarsen, mix, release,
    schedule::JobError,
    state::AppState,
    store::{StoreError, Tx, audit, round},
};

/// Who has a job done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The officer; absent for the schedule and the command line.
    pub officer: Option<Uuid>,
    /// The officer's role, `schedule` or `operator`.
    pub role: String,
}

impl Actor {
    /// The server's own schedule.
    pub fn schedule() -> Self {
        Self { officer: None, role: "schedule".into() }
    }

    /// Whoever sits at the server's command line.
    pub fn operator() -> Self {
        Self { officer: None, role: "operator".into() }
    }

    /// Writes the audit row of what is done, in its transaction. It holds no count.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn note(&self, tx: &mut Tx, now_ms: i64, rng: &mut ChaCha20Rng, action: &str, subject: &str, id: Uuid) -> Result<(), StoreError> {
        let row = audit::Audit {
            at: now_ms,
            officer: self.officer,
            role: self.role.clone(),
            action: action.into(),
            subject: subject.into(),
            subject_id: id.to_string(),
        };
        audit::write(tx, id_v7(now_ms, rng), &row).await
    }
}

/// A new id that sorts by time. For all but the input side.
pub fn id_v7(ms: i64, rng: &mut ChaCha20Rng) -> Uuid {
    let mut bytes = [0; 10];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(ms).unwrap_or_default(), &bytes).into_uuid()
}

/// Coarsens the visits of shifts that ended 72 hours ago.
///
/// # Errors
/// When the database fails.
pub async fn coarsen(state: AppState) -> Result<(), JobError> {
    coarsen::run(&state.db, &Actor::schedule(), state.now_ms(), &mut state.fork_rng()).await?;
    Ok(())
}

/// Mixes the open round. A round that is closed is mixed by command only.
///
/// # Errors
/// When the database or the round's key fails.
pub async fn mix(state: AppState) -> Result<(), JobError> {
    let open = round::in_state(&mut state.db.read().await?, round::RoundState::Open).await?;
    for round in open {
        let keys = state.config.keys_dir();
        let report = mix::run(&state.db, &keys, round.id, &Actor::schedule(), state.now_ms(), &mut state.fork_rng()).await?;
        if report.areas.values().any(|(taken, _)| *taken == mix::Taken::Stopped) {
            tracing::warn!("an area has more inputs than conversations, and was not mixed; run `dorbank mix` to see which");
        }
        if report.unreadable.tens().is_some() {
            tracing::warn!("there are envelopes that cannot be read; run `dorbank mix` to see about how many");
        }
    }
    Ok(())
}

/// Freezes the open round, unless it was since the last Monday 04:00.
///
/// # Errors
/// When the database fails.
pub async fn freeze(state: AppState) -> Result<(), JobError> {
    release::freeze_due(&state.db, &Actor::schedule(), state.now_ms(), &mut state.fork_rng()).await?;
    Ok(())
}
