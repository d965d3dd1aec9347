//! What the server does by itself, by Norwegian time.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
};

use dorbank_shared::error::Code;
use jiff::{Timestamp, Zoned, civil::Weekday, tz::TimeZone};

use crate::{
    job,
    state::AppState,
    store::{self, StoreError},
};

/// When a job is due, by the clocks of Oslo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// At the beginning of each hour.
    Hourly,
    /// Every day at this hour.
    Daily(i8),
    /// Every week on this day at this hour.
    Weekly(Weekday, i8),
}

/// The first time after `now_ms` that a rule names, in milliseconds since 1970, UTC.
///
/// An hour that the clocks skip is taken as the hour after; one that they repeat counts once.
///
/// # Errors
/// When the time is so far off that no calendar has it.
pub fn next_run(now_ms: i64, rule: Rule) -> Result<i64, jiff::Error> {
    let oslo = TimeZone::get("Europe/Oslo")?;
    let now = Timestamp::from_millisecond(now_ms)?.to_zoned(oslo.clone());
    if rule == Rule::Hourly {
        let hour = 60 * 60 * 1000;
        return Ok((now_ms.div_euclid(hour) + 1) * hour);
    }
    let mut day = now.date();
    loop {
        if let Some(at) = on(day, rule, &oslo)?
            && at > now
        {
            return Ok(at.timestamp().as_millisecond());
        }
        day = day.tomorrow()?;
    }
}

/// When a rule names a time on this day, and which.
fn on(day: jiff::civil::Date, rule: Rule, zone: &TimeZone) -> Result<Option<Zoned>, jiff::Error> {
    let hour = match rule {
        Rule::Daily(hour) => hour,
        Rule::Weekly(weekday, hour) if day.weekday() == weekday => hour,
        Rule::Weekly(..) | Rule::Hourly => return Ok(None),
    };
    day.at(hour, 0, 0, 0).to_zoned(zone.clone()).map(Some)
}

/// So far may the clocks of several servers differ, in milliseconds.
const AHEAD_MS: i64 = 60 * 60 * 1000;

/// Why a job failed; its kind only.
pub type JobError = Box<dyn std::error::Error + Send + Sync>;
type Work = Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>>;

/// A job and when it is due.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// Under which the store remembers when it last ran.
    pub name: &'static str,
    /// When it is due.
    pub rule: Rule,
    /// What it does.
    pub run: fn(AppState) -> Work,
}

/// The jobs of a server. Each looks again at what is due and may run at any time.
pub const JOBS: &[Job] = &[
    Job { name: "coarsen", rule: Rule::Hourly, run: |state| Box::pin(job::coarsen(state)) },
    Job { name: "mix", rule: Rule::Daily(3), run: |state| Box::pin(job::mix(state)) },
    Job { name: "freeze", rule: Rule::Weekly(Weekday::Monday, 4), run: |state| Box::pin(job::freeze(state)) },
];

/// Runs each job whose time has come since it last ran, and says which. A server that was down at three o'clock catches
/// up; of several servers on one database one runs it.
///
/// # Errors
/// When the database fails. A job that fails, or panics, is logged, and tried again at the next tick; the others run.
pub async fn tick(state: &AppState, jobs: &[Job]) -> Result<Vec<&'static str>, StoreError> {
    let mut ran = Vec::new();
    for job in jobs {
        let Some(claim) = claim(state, job).await? else { continue };
        let outcome = unpanicked((job.run)(state.clone())).await;
        let mut tx = state.db.begin().await?;
        store::meta::replace(&mut tx, &lease_key(job), &claim.until, "0").await?;
        match outcome {
            Ok(()) => {
                store::meta::replace(&mut tx, &key(job), &claim.before, &claim.now).await?;
                tracing::info!(job = job.name, "ran");
                ran.push(job.name);
            }
            Err(error) => tracing::error!(job = job.name, %error, "failed"),
        }
        tx.commit().await?;
    }
    Ok(ran)
}

/// A job that has a fault of ours in it fails. Nobody would look after the schedule, were it to end with it; and what was
/// not committed is rolled back as it is when a job fails.
async fn unpanicked(mut work: Work) -> Result<(), JobError> {
    poll_fn(|context| {
        // What a panic says may hold values; where it was is logged by the hook.
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))).unwrap_or_else(|_| Poll::Ready(Err("it panicked".into())))
    })
    .await
}

fn key(job: &Job) -> String {
    format!("ran.{}", job.name)
}

fn lease_key(job: &Job) -> String {
    format!("lease.{}", job.name)
}

/// For so long no other server does what one has begun, in milliseconds. One that died, or can no longer say that it failed, is
/// not waited for until the job's next night or week.
const LEASE_MS: i64 = 2 * AHEAD_MS;

/// A job that this server is to do: when it ran before, now, and until when it is this server's, as they are stored.
struct Claim {
    before: String,
    now: String,
    until: String,
}

/// Takes a job that is due, so that no other server does it for a while.
async fn claim(state: &AppState, job: &Job) -> Result<Option<Claim>, StoreError> {
    let (key, now) = (key(job), state.now_ms());
    let mut tx = state.db.begin().await?;
    // A new database has missed nothing.
    if store::meta::set_once(&mut tx, &key, &now.to_string()).await? {
        tx.commit().await?;
        return Ok(None);
    }
    let before = store::meta::find(&mut tx, &key).await?.unwrap_or_default();
    let last = before.parse().unwrap_or(now);
    if last > now + AHEAD_MS {
        // The clock was ahead and was set right: it is due again from now on, not when that time comes.
        if store::meta::replace(&mut tx, &key, &before, &now.to_string()).await? {
            tx.commit().await?;
        }
        return Ok(None);
    }
    if next_run(last, job.rule).map_or(true, |due| due > now) {
        return Ok(None);
    }
    let until = (now + LEASE_MS).to_string();
    let taken = match store::meta::find(&mut tx, &lease_key(job)).await? {
        None => store::meta::set_once(&mut tx, &lease_key(job), &until).await?,
        Some(old) => {
            let ends: i64 = old.parse().unwrap_or_default();
            // One that lies far ahead was taken by a clock that was wrong.
            (ends <= now || ends > now + LEASE_MS + AHEAD_MS) && store::meta::replace(&mut tx, &lease_key(job), &old, &until).await?
        }
    };
    if !taken {
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(Claim { before, now: now.to_string(), until }))
}

/// Looks every half minute until the server stops.
pub async fn run(state: AppState, jobs: &'static [Job]) {
    let mut every = tokio::time::interval(std::time::Duration::from_secs(30));
    loop {
        every.tick().await;
        if let Err(error) = tick(&state, jobs).await {
            let code = crate::error::ApiError::from(error).code();
            if code != Code::Busy {
                tracing::error!(code = code.name(), "the schedule could not look");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(from: &str, rule: Rule) -> String {
        let now: Timestamp = from.parse().unwrap();
        Timestamp::from_millisecond(next_run(now.as_millisecond(), rule).unwrap()).unwrap().to_string()
    }

    #[test]
    fn a_night_and_a_monday_by_the_clocks_of_oslo() {
        assert_eq!(next("2026-10-14T16:00:00Z", Rule::Daily(3)), "2026-10-15T01:00:00Z");
        assert_eq!(next("2026-10-15T00:59:59Z", Rule::Daily(3)), "2026-10-15T01:00:00Z");
        assert_eq!(next("2026-10-15T01:00:00Z", Rule::Daily(3)), "2026-10-16T01:00:00Z");
        assert_eq!(next("2026-10-14T16:00:00Z", Rule::Weekly(Weekday::Monday, 4)), "2026-10-19T02:00:00Z");
        assert_eq!(next("2026-10-19T02:00:00Z", Rule::Weekly(Weekday::Monday, 4)), "2026-10-26T03:00:00Z");
        assert_eq!(next("2026-10-14T16:12:00Z", Rule::Hourly), "2026-10-14T17:00:00Z");
    }

    #[test]
    fn the_night_of_summer_time_has_its_three_o_clock_once() {
        // Clocks go from 02:00 to 03:00 on 29 March 2026, and from 03:00 back to 02:00 on 25 October.
        assert_eq!(next("2026-03-28T12:00:00Z", Rule::Daily(3)), "2026-03-29T01:00:00Z");
        assert_eq!(next("2026-03-29T01:00:00Z", Rule::Daily(3)), "2026-03-30T01:00:00Z");
        assert_eq!(next("2026-03-28T12:00:00Z", Rule::Daily(2)), "2026-03-29T01:00:00Z");
        assert_eq!(next("2026-10-24T12:00:00Z", Rule::Daily(3)), "2026-10-25T02:00:00Z");
        assert_eq!(next("2026-10-24T12:00:00Z", Rule::Daily(2)), "2026-10-25T00:00:00Z");
        assert_eq!(next("2026-10-25T00:00:00Z", Rule::Daily(2)), "2026-10-26T01:00:00Z");
    }
}
