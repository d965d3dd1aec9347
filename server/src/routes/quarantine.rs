//! What was kept and not applied ("Til avklaring"): counted or discarded by whoever answers for the branch.

use std::collections::HashMap;

use axum::{extract::State, response::Response};
use dorbank_app::office::page::clarify::Done;
use dorbank_shared::{error::Code, sync::wire::Reason, visit::Outcome};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    access::{Access, ByOfficer, ORGANISERS, Routes},
    error::ApiError,
    extract::{Body, ForPage},
    office::quarantine::{self, unhex},
    state::AppState,
    sync::push::settle::{Correction, Discard, Pick},
};

pub(super) fn routes() -> Routes {
    let organiser = Access::Officer(ORGANISERS).limit(4 * 1024);
    Routes::new()
        .post("/plan/v1/quarantine/count", organiser, count)
        .post("/plan/v1/quarantine/discard", organiser, discard)
        .post("/plan/v1/quarantine/count-all", organiser, count_all)
        .post("/plan/v1/quarantine/discard-all", organiser, discard_all)
}

const PAGE: &str = "/plan/quarantine";

/// One entry, and where it was and what happened, if somebody says so.
#[derive(Debug, Deserialize)]
struct One {
    id: Uuid,
    mac: String,
    #[serde(default)]
    turf: String,
    #[serde(default)]
    entrance: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    why: String,
}

/// All of a reason that came before the page was read.
#[derive(Debug, Deserialize)]
struct All {
    reason: String,
    until: i64,
    #[serde(default)]
    why: String,
}

impl One {
    fn pick(&self) -> Result<Pick, Code> {
        Ok(Pick { id: self.id, mac: unhex(&self.mac).ok_or(Code::Malformed)? })
    }

    /// A form without scripting sends a field that is not filled as an empty one.
    fn correction(&self) -> Result<Option<Correction>, Code> {
        if self.turf.is_empty() {
            return Ok(None);
        }
        let id = |text: &str| text.parse::<Uuid>().map_err(|_| Code::Malformed);
        let (entrance, unit) = (id(&self.entrance)?, id(&self.unit)?);
        Ok(Some(Correction {
            turf: id(&self.turf)?,
            entrance,
            // The entrance as a whole bears its own id, so that nobody chooses it by choosing nothing.
            unit: (unit != entrance).then_some(unit),
            outcome: Outcome::parse(&self.outcome).filter(|outcome| *outcome != Outcome::Done).ok_or(Code::Malformed)?,
        }))
    }
}

/// Reads what the page was led back with: "counted.12.2.1".
pub fn done(query: &HashMap<String, String>) -> Option<Done> {
    let mut parts = query.get("done")?.split('.');
    let counted = match parts.next()? {
        "counted" => true,
        "discarded" => false,
        _ => return None,
    };
    let mut number = || parts.next().and_then(|n| n.parse().ok());
    Some(Done { counted, done: number()?, left: number()?, gone: number()? })
}

fn answer(for_page: ForPage, result: Result<Done, ApiError>) -> Response {
    match result {
        Ok(done) => {
            let what = if done.counted { "counted" } else { "discarded" };
            for_page.answer(&format!("{PAGE}?done={what}.{}.{}.{}", done.done, done.left, done.gone), Ok(done))
        }
        Err(error) => for_page.answer::<Done>(PAGE, Err(error)),
    }
}

async fn count(State(state): State<AppState>, ByOfficer(by): ByOfficer, for_page: ForPage, Body(one): Body<One>) -> Response {
    let result = async { quarantine::count(&state, &by, one.pick()?, one.correction()?).await };
    answer(for_page, result.await)
}

async fn discard(State(state): State<AppState>, ByOfficer(by): ByOfficer, for_page: ForPage, Body(one): Body<One>) -> Response {
    let result = async { quarantine::discard(&state, &by, one.pick()?, Discard::parse(&one.why).ok_or(Code::Malformed)?).await };
    answer(for_page, result.await)
}

async fn count_all(State(state): State<AppState>, ByOfficer(by): ByOfficer, for_page: ForPage, Body(all): Body<All>) -> Response {
    let result = async { quarantine::count_all(&state, &by, Reason::parse(&all.reason).ok_or(Code::Malformed)?, all.until).await };
    answer(for_page, result.await)
}

async fn discard_all(State(state): State<AppState>, ByOfficer(by): ByOfficer, for_page: ForPage, Body(all): Body<All>) -> Response {
    let result = async {
        let why = Discard::parse(&all.why).ok_or(Code::Malformed)?;
        quarantine::discard_all(&state, &by, Reason::parse(&all.reason).ok_or(Code::Malformed)?, all.until, why).await
    };
    answer(for_page, result.await)
}
