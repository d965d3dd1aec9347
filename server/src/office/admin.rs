//! The county's lists.

use std::collections::HashMap;

use dorbank_app::office::{
    page::{Admin, CampaignRow, DistrictRow, GroupRow, JobRow, LinesRow, OfficerRow, Register, RoundRow},
    text,
};
use uuid::Uuid;

use super::{calendar::Calendar, households::Living, programme::area_name};
use crate::{
    error::ApiError,
    release,
    state::AppState,
    store::{self, round::RoundState},
};

/// The jobs that the server runs by itself: the name on the page, the name in the audit.
const JOBS: [(&str, &str); 3] = [("mix", "mix"), ("release", "freeze"), ("coarsen", "coarsen")];

/// The county's lists.
///
/// # Errors
/// When the database fails.
pub async fn admin(state: &AppState, language: &str) -> Result<Admin, ApiError> {
    let (calendar, words) = (Calendar::new(language), text::words(language));
    let mut tx = state.db.read().await?;
    let branches: HashMap<Uuid, String> = store::branch::all(&mut tx).await?.into_iter().map(|branch| (branch.id, branch.name)).collect();
    let rounds = store::round::all(&mut tx).await?;
    let newest = rounds.iter().find(|round| round.state == RoundState::Open).or(rounds.last()).map(|round| round.id);
    let areas = match newest {
        // Whether an area is open is read from the release too: how near the others are would be a small number.
        Some(round) => release::latest(&mut tx, round).await?.map(|view| view.areas).unwrap_or_default(),
        None => Vec::new(),
    };
    let register = store::overview::register(&mut tx).await?;
    let last = store::overview::last_runs(&mut tx).await?;
    let living = Living::read(&mut tx).await?;
    let called: HashMap<&str, &str> = living.districts().iter().map(|district| (district.number.as_str(), district.name.as_str())).collect();
    let name = |number: &str| called.get(number).map_or_else(|| number.to_owned(), |name| (*name).to_owned());
    Ok(Admin {
        rounds: rounds
            .into_iter()
            .rev()
            .map(|round| RoundRow {
                from: calendar.of_text(&round.opens_on),
                to: calendar.of_text(&round.closes_on),
                state: round.state.name().to_owned(),
                name: round.name,
            })
            .collect(),
        campaigns: store::campaign::all(&mut tx)
            .await?
            .into_iter()
            .rev()
            .map(|campaign| CampaignRow {
                from: calendar.of_text(&campaign.starts_on),
                to: calendar.of_text(&campaign.ends_on),
                branch: branches.get(&campaign.branch).cloned().unwrap_or_default(),
                purpose: campaign.purpose.name().to_owned(),
                name: campaign.name,
            })
            .collect(),
        register: Register { districts: register.districts, branches: register.branches, entrances: register.entrances, doors: register.doors },
        officers: store::officer::all(&mut tx)
            .await?
            .into_iter()
            .map(|officer| OfficerRow {
                branch: officer.branch.and_then(|branch| branches.get(&branch).cloned()),
                name: officer.name,
                role: officer.role,
                active: officer.active,
            })
            .collect(),
        jobs: JOBS
            .into_iter()
            .map(|(name, action)| JobRow { name: name.to_owned(), last: last.get(action).map(|at| calendar.moment(*at)) })
            .collect(),
        areas: areas.iter().map(|area| (area_name(area, &words), area.open)).collect(),
        districts: living
            .districts()
            .iter()
            .map(|district| DistrictRow {
                number: district.number.clone(),
                name: district.name.clone(),
                with: (district.area != district.number).then(|| name(&district.area)),
                households: living.in_district(&district.number),
            })
            .collect(),
        groups: store::district::groups(&mut tx)
            .await?
            .into_iter()
            .map(|group| GroupRow { name: group.name, source: group.source, districts: group.districts.iter().map(|number| name(number)).collect() })
            .collect(),
        lines: store::line::origins(&mut tx)
            .await?
            .into_iter()
            .map(|origin| LinesRow { credit: origin.credit, lines: origin.lines.unsigned_abs(), date: calendar.short(origin.imported_at) })
            .collect(),
        quarantined: store::overview::unsettled(&mut tx).await?,
    })
}
