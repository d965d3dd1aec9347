//! Read by the county's own at a desk: is everything set up, did the jobs run, does anything wait for me.

use dorbank_shared::words::key;
use leptos::prelude::*;

use super::{
    frame::role,
    page::{Admin, CampaignRow, DistrictRow, GroupRow, JobRow, LinesRow, OfficerRow, Register, RoundRow},
    text::{count, number, t, with},
};

/// The county's lists.
pub fn admin(page: Admin) -> impl IntoView {
    view! {
        <div class="wide">
            <h1>{t(key::ADMIN_TITLE)}</h1>
            <div class="lists">
                {rounds(page.rounds)}
                {jobs(page.jobs)}
                {quarantine(page.quarantined)}
                {areas(page.areas)}
                {districts(page.districts)}
                {groups(page.groups)}
                {lines(page.lines)}
                {campaigns(page.campaigns)}
                {register(page.register)}
                {officers(page.officers)}
            </div>
        </div>
    }
}

fn command(text: &'static str) -> impl IntoView {
    view! { <pre class="command"><code>{text}</code></pre> }
}

fn span(from: &str, to: &str) -> String {
    with(key::ADMIN_SPAN, &[("from", from), ("to", to)])
}

fn list(title: &'static str, columns: &[&'static str], rows: Vec<AnyView>) -> impl IntoView + use<> {
    let heads: Vec<_> = columns.iter().map(|column| view! { <th scope="col">{t(column)}</th> }).collect();
    view! {
        <table>
            <caption class="unseen">{t(title)}</caption>
            <thead>
                <tr>{heads}</tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

fn rounds(rounds: Vec<RoundRow>) -> impl IntoView {
    let empty = rounds.is_empty();
    let rows = rounds
        .into_iter()
        .map(|round| {
            let state = match round.state.as_str() {
                "open" => key::ADMIN_ROUND_OPEN,
                "closed" => key::ADMIN_ROUND_CLOSED,
                _ => key::ADMIN_ROUND_DRAFT,
            };
            view! {
                <tr>
                    <th scope="row">{round.name}<br/><span class="soft">{t(state)}</span></th>
                    <td>{span(&round.from, &round.to)}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    view! {
        <section class="card">
            <h2>{t(key::ADMIN_ROUNDS)}</h2>
            {if empty {
                view! { <p>{t(key::ADMIN_ROUNDS_NONE)}</p> {command("dorbank round")} }.into_any()
            } else {
                list(key::ADMIN_ROUNDS, &[key::ADMIN_COL_NAME, key::ADMIN_COL_SPAN], rows).into_any()
            }}
        </section>
    }
}

fn campaigns(campaigns: Vec<CampaignRow>) -> impl IntoView {
    let empty = campaigns.is_empty();
    let rows = campaigns
        .into_iter()
        .map(|campaign| {
            let purpose = if campaign.purpose == "election" { key::ADMIN_PURPOSE_ELECTION } else { key::ADMIN_PURPOSE_LISTEN };
            view! {
                <tr>
                    <th scope="row">{campaign.name}<br/><span class="soft">{campaign.branch}" · "{t(purpose)}</span></th>
                    <td>{span(&campaign.from, &campaign.to)}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    view! {
        <section class="card">
            <h2>{t(key::ADMIN_CAMPAIGNS)}</h2>
            {if empty {
                view! { <p class="soft">{t(key::ADMIN_CAMPAIGNS_NONE)}</p> }.into_any()
            } else {
                list(key::ADMIN_CAMPAIGNS, &[key::ADMIN_COL_NAME, key::ADMIN_COL_SPAN], rows).into_any()
            }}
        </section>
    }
}

fn register(register: Register) -> impl IntoView {
    let part = |word, n: i64| view! { <div><dt>{t(word)}</dt><dd>{number(n.unsigned_abs())}</dd></div> };
    view! {
        <section class="card">
            <h2>{t(key::ADMIN_REGISTER)}</h2>
            <dl class="figures">
                {part(key::ADMIN_REGISTER_DISTRICTS, register.districts)}
                {part(key::ADMIN_REGISTER_BRANCHES, register.branches)}
                {part(key::ADMIN_REGISTER_ENTRANCES, register.entrances)}
                {part(key::ADMIN_REGISTER_DOORS, register.doors)}
            </dl>
            <p class="soft">{t(key::ADMIN_REGISTER_HOW)}</p>
            {command("dorbank import --help")}
        </section>
    }
}

fn officers(officers: Vec<OfficerRow>) -> impl IntoView {
    let rows = officers
        .into_iter()
        .map(|officer| {
            let inactive = (!officer.active).then(|| view! { <br/><span class="chip stop">{t(key::ADMIN_OFFICERS_INACTIVE)}</span> });
            view! {
                <tr>
                    <th scope="row">{officer.name}{inactive}</th>
                    <td>{role(officer.role)}{officer.branch.map(|branch| view! { <br/><span class="soft">{branch}</span> })}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    view! {
        <section class="card">
            <h2>{t(key::ADMIN_OFFICERS)}</h2>
            {list(key::ADMIN_OFFICERS, &[key::ADMIN_COL_NAME, key::ADMIN_COL_ROLE], rows)}
            <p class="soft">{t(key::ADMIN_OFFICERS_HOW)}</p>
            {command("dorbank officer --help")}
        </section>
    }
}

fn jobs(jobs: Vec<JobRow>) -> impl IntoView {
    let rows = jobs
        .into_iter()
        .map(|job| {
            let name = match job.name.as_str() {
                "mix" => key::ADMIN_JOB_MIX,
                "release" => key::ADMIN_JOB_RELEASE,
                _ => key::ADMIN_JOB_COARSEN,
            };
            let last = job.last.unwrap_or_else(|| t(key::ADMIN_JOB_NEVER));
            view! { <tr><th scope="row">{t(name)}</th><td>{last}</td></tr> }.into_any()
        })
        .collect();
    view! {
        <section class="card">
            <h2>{t(key::ADMIN_JOBS)}</h2>
            {list(key::ADMIN_JOBS, &[key::ADMIN_COL_JOB, key::ADMIN_COL_LAST], rows)}
        </section>
    }
}

fn quarantine(waiting: i64) -> impl IntoView {
    let (class, words) =
        if waiting > 0 { ("notice warn", count(key::ADMIN_QUARANTINE_COUNT, waiting)) } else { ("soft", t(key::ADMIN_QUARANTINE_NONE)) };
    view! {
        <section class="card">
            <h2>{t(key::ADMIN_QUARANTINE)}</h2>
            <p class=class>{words}</p>
        </section>
    }
}

fn areas(areas: Vec<(String, bool)>) -> impl IntoView {
    let empty = areas.is_empty();
    let rows = areas
        .into_iter()
        .map(|(name, open)| {
            let state = if open { key::ADMIN_AREAS_OPEN } else { key::PROGRAMME_CLOSED };
            view! { <tr><th scope="row">{name}</th><td>{t(state)}</td></tr> }.into_any()
        })
        .collect();
    view! {
        <section class="card">
            <h2>{t(key::ADMIN_AREAS)}</h2>
            {if empty {
                view! { <p class="soft">{t(key::ADMIN_AREAS_NONE)}</p> }.into_any()
            } else {
                list(key::ADMIN_AREAS, &[key::PROGRAMME_COL_AREA, key::ADMIN_COL_STATE], rows).into_any()
            }}
        </section>
    }
}

fn districts(districts: Vec<DistrictRow>) -> impl IntoView {
    let empty = districts.is_empty();
    let rows = districts
        .into_iter()
        .map(|district| {
            let with = district.with.map(|name| view! { <br/><span class="soft">{with(key::ADMIN_DISTRICTS_JOINED, &[("name", &name)])}</span> });
            let households = district.households.map_or_else(
                || view! { <span class="soft">{t(key::ADMIN_HOUSEHOLDS_NONE)}</span> }.into_any(),
                |there| {
                    let of = (!there.of.is_empty()).then(|| view! { <br/><span class="soft">{there.of}</span> });
                    view! { {number(there.households)} {of} }.into_any()
                },
            );
            view! { <tr><th scope="row">{district.number}" "{district.name}{with}</th><td>{households}</td></tr> }.into_any()
        })
        .collect();
    view! {
        <section class="card">
            <h2>{t(key::ADMIN_DISTRICTS)}</h2>
            {if empty {
                view! { <p>{t(key::ADMIN_DISTRICTS_NONE)}</p> {command("dorbank import districts")} }.into_any()
            } else {
                list(key::ADMIN_DISTRICTS, &[key::ADMIN_COL_NAME, key::ADMIN_COL_HOUSEHOLDS], rows).into_any()
            }}
        </section>
    }
}

fn groups(groups: Vec<GroupRow>) -> impl IntoView {
    let empty = groups.is_empty();
    let rows = groups
        .into_iter()
        .map(|group| {
            let source = (!group.source.is_empty()).then(|| view! { <br/><span class="soft">{group.source}</span> });
            view! { <tr><th scope="row">{group.name}{source}</th><td>{group.districts.join(", ")}</td></tr> }.into_any()
        })
        .collect();
    view! {
        <section class="card">
            <h2>{t(key::ADMIN_GROUPS)}</h2>
            {if empty {
                view! { <p class="soft">{t(key::ADMIN_GROUPS_NONE)}</p> }.into_any()
            } else {
                list(key::ADMIN_GROUPS, &[key::ADMIN_COL_NAME, key::ADMIN_DISTRICTS], rows).into_any()
            }}
            <p class="soft">{t(key::ADMIN_GROUPS_HOW)}</p>
            {command("dorbank import districts --groups")}
        </section>
    }
}

fn lines(lines: Vec<LinesRow>) -> impl IntoView {
    let empty = lines.is_empty();
    let rows = lines
        .into_iter()
        .map(|row| {
            let count = with(key::ADMIN_LINES_COUNT, &[("n", &number(row.lines)), ("date", &row.date)]);
            view! { <tr><th scope="row">{row.credit}</th><td>{count}</td></tr> }.into_any()
        })
        .collect();
    view! {
        <section class="card">
            <h2>{t(key::ADMIN_LINES)}</h2>
            {if empty {
                view! { <p class="soft">{t(key::ADMIN_LINES_NONE)}</p> {command("dorbank import lines")} }.into_any()
            } else {
                list(key::ADMIN_LINES, &[key::ADMIN_COL_ORIGIN, key::ADMIN_COL_LINES], rows).into_any()
            }}
        </section>
    }
}
