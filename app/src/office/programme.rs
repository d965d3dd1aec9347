//! Read by the programme committee at a desk, often printed or shared on a screen: what was heard where, from how many,
//! and how far it may be trusted.

use dorbank_shared::{share::SHARES_FROM, words::key};
use leptos::prelude::*;

use super::{
    page::{AreaRow, AreaView, Figure, HouseholdsView, Programme, Reach, ReleaseRow, TopicRow},
    text::{figure, number, t, with},
};

/// What was heard, at one release.
pub fn programme(page: Programme) -> impl IntoView {
    let Some(release) = page.release else {
        return view! {
            <div class="wide">
                <h1>{t(key::PROGRAMME_TITLE)}</h1>
                <p class="lead">{t(key::PROGRAMME_NONE)}</p>
                {meaning()}
            </div>
        }
        .into_any();
    };
    let stamp = with(key::PROGRAMME_RELEASE, &[("number", &release.number.to_string()), ("date", &release.date)]);
    let current = page.chosen.as_ref().and_then(|area| area.number.clone());
    let city = page.city.map(|city| if page.chosen.is_some() { summary(&city).into_any() } else { area(&city, release.number).into_any() });
    let chosen = page.chosen.map(|chosen| area(&chosen, release.number));
    view! {
        <div class="wide programme">
            <h1>{t(key::PROGRAMME_TITLE)}</h1>
            <p class="lead">{stamp}</p>
            {page.missing.map(|number| view! { <p class="notice warn" role="status">{with(key::PROGRAMME_MISSING, &[("number", &number)])}</p> })}
            {page.round.map(|name| view! { <p class="soft">{with(key::PROGRAMME_ROUND, &[("name", &name)])}</p> })}
            {releases(page.releases, release.number, current.as_deref())}
            {city}
            {chosen}
            {areas(page.areas, release.number, current.as_deref())}
            {meaning()}
        </div>
    }
    .into_any()
}

fn address(release: i64, area: Option<&str>) -> String {
    match area {
        Some(area) => format!("/programme?release={release}&area={area}"),
        None => format!("/programme?release={release}"),
    }
}

fn releases(releases: Vec<ReleaseRow>, shown: i64, area: Option<&str>) -> Option<impl IntoView + use<>> {
    let links: Vec<_> = releases
        .into_iter()
        .map(|release| {
            let name = with(key::PROGRAMME_RELEASES_EACH, &[("number", &release.number.to_string()), ("date", &release.date)]);
            let current = (release.number == shown).then_some("page");
            view! { <li><a href=address(release.number, area) aria-current=current>{name}</a></li> }
        })
        .collect();
    (links.len() > 1).then(|| {
        view! {
            <details class="choice">
                <summary>{t(key::PROGRAMME_RELEASES)}</summary>
                <nav aria-label=t(key::PROGRAMME_RELEASES)>
                    <ul>{links}</ul>
                </nav>
            </details>
        }
    })
}

fn name(area: &AreaView) -> String {
    area.name.clone().unwrap_or_else(|| t(key::PROGRAMME_CITY))
}

fn reach(reach: Reach) -> impl IntoView {
    let part = |word, value| view! { <div><dt>{t(word)}</dt><dd class="count">{figure(value)}</dd></div> };
    view! {
        <dl class="figures">
            {part(key::PROGRAMME_REACH_DOORS, reach.doors)}
            {part(key::PROGRAMME_REACH_OPENED, reach.opened)}
            {part(key::PROGRAMME_REACH_TALKED, reach.talked)}
        </dl>
    }
}

/// How many live there, and who says so.
fn households(there: &HouseholdsView) -> String {
    let n = number(there.households);
    let word = if there.of.is_empty() { key::PROGRAMME_REACH_HOUSEHOLDS } else { key::PROGRAMME_REACH_HOUSEHOLDS_OF };
    with(word, &[("n", &n), ("of", &there.of)])
}

/// The city in a few lines, beside an area that was chosen.
fn summary(city: &AreaView) -> impl IntoView + use<> {
    view! {
        <section class="card summary">
            <h2>{t(key::PROGRAMME_CITY)}</h2>
            <p>{with(key::PROGRAMME_BASE_TEXT, &[("n", &figure(city.base))])}</p>
            {reach(city.reach)}
        </section>
    }
}

fn area(area: &AreaView, release: i64) -> impl IntoView + use<> {
    let title = name(area);
    let base = area.base.number();
    let caption = with(key::PROGRAMME_TOPICS_CAPTION, &[("area", &title), ("number", &release.to_string())]);
    let inside = if area.base == Figure::Closed {
        view! {
            <p class="soft">{t(key::PROGRAMME_CLOSED_WHY)}</p>
        }
        .into_any()
    } else {
        let rows: Vec<_> = area.topics.iter().map(|row| topic(row, base)).collect();
        view! {
            <h3>{t(key::PROGRAMME_TOPICS)}</h3>
            <table class="topics">
                <caption class="unseen">{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t(key::PROGRAMME_COL_TOPIC)}</th>
                        <th scope="col" class="number">{t(key::PROGRAMME_COL_HEARD)}</th>
                        <th scope="col" class="number">{t(key::PROGRAMME_COL_SHARE)}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="area">
            <h2>{title}</h2>
            <div class="area-parts">
                <div class="heard">
                    <p class="base">{with(key::PROGRAMME_BASE_TEXT, &[("n", &figure(area.base))])}</p>
                    {inside}
                </div>
                <div class="card reach">
                    <h3>{t(key::PROGRAMME_REACH)}</h3>
                    {reach(area.reach)}
                    {area.households.as_ref().map(|there| view! { <p>{households(there)}</p> })}
                    <p class="soft">{t(key::PROGRAMME_REACH_AT)}</p>
                </div>
            </div>
        </section>
    }
}

fn topic(row: &TopicRow, base: Option<u64>) -> impl IntoView + use<> {
    let share = row.share.map_or_else(
        || {
            view! { <span aria-hidden="true">{t(key::PROGRAMME_SHARE_NONE)}</span><span class="unseen">{t(key::PROGRAMME_SHARE_SPOKEN)}</span> }
                .into_any()
        },
        |share| {
            let [percent, low, high] = [share.percent, share.low, share.high].map(|part| part.to_string());
            with(key::PROGRAMME_SHARE, &[("percent", &percent), ("low", &low), ("high", &high)]).into_any()
        },
    );
    let elsewhere = row.elsewhere.map(|n| view! { <span class="soft elsewhere">{with(key::PROGRAMME_ELSEWHERE, &[("n", &number(n))])}</span> });
    view! {
        <tr>
            <th scope="row">
                {row.name.clone()}
                {elsewhere}
                {bar(row, base)}
            </th>
            <td class="number count" data-label=t(key::PROGRAMME_COL_HEARD)>{figure(row.figure)}</td>
            <td class="number share" data-label=t(key::PROGRAMME_COL_SHARE)>{share}</td>
        </tr>
    }
}

/// A bar as long as the share of the base, with its interval where there is one. The words beside it say the same.
fn bar(row: &TopicRow, base: Option<u64>) -> impl IntoView + use<> {
    let full = base.unwrap_or(SHARES_FROM).max(1) as f64;
    let length = match row.figure {
        Figure::Exact(n) | Figure::AtLeast(n) => (n as f64 / full * 100.0).min(100.0),
        Figure::NearlyAll => 100.0,
        Figure::Closed | Figure::Under | Figure::Hidden => 0.0,
    };
    let range = row.share.map(|share| {
        let width = share.high.saturating_sub(share.low);
        view! { <rect class="bar-range" x=share.low.to_string() y="2" width=width.to_string() height="2"></rect> }
    });
    view! {
        <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
            <rect class="bar-ground" width="100" height="6"></rect>
            <rect class="bar-fill" width=format!("{length:.1}") height="6"></rect>
            {range}
        </svg>
    }
}

fn areas(areas: Vec<AreaRow>, release: i64, current: Option<&str>) -> impl IntoView + use<> {
    let rows: Vec<_> = areas
        .into_iter()
        .map(|area| {
            let here = (current == Some(area.number.as_str())).then_some("page");
            view! {
                <tr>
                    <th scope="row"><a href=address(release, Some(&area.number)) aria-current=here>{area.name}</a></th>
                    <td class="number count" data-label=t(key::PROGRAMME_BASE)>{figure(area.base)}</td>
                    <td class="number count" data-label=t(key::PROGRAMME_REACH_DOORS)>{figure(area.reach.doors)}</td>
                    <td class="number count" data-label=t(key::PROGRAMME_REACH_TALKED)>{figure(area.reach.talked)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="areas">
            <h2>{t(key::PROGRAMME_AREAS)}</h2>
            {current.is_some().then(|| view! { <p><a href=address(release, None)>{t(key::PROGRAMME_CITY)}</a></p> })}
            <table>
                <caption class="unseen">{t(key::PROGRAMME_AREAS)}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t(key::PROGRAMME_COL_AREA)}</th>
                        <th scope="col" class="number">{t(key::PROGRAMME_BASE)}</th>
                        <th scope="col" class="number">{t(key::PROGRAMME_REACH_DOORS)}</th>
                        <th scope="col" class="number">{t(key::PROGRAMME_REACH_TALKED)}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

fn meaning() -> impl IntoView {
    view! {
        <section class="meaning">
            <h2>{t(key::PROGRAMME_MEANS)}</h2>
            <ul class="dots">
                <li>{t(key::PROGRAMME_MEANS_1)}</li>
                <li>{t(key::PROGRAMME_MEANS_2)}</li>
                <li>{t(key::PROGRAMME_MEANS_3)}</li>
                <li>{t(key::PROGRAMME_MEANS_7)}</li>
                <li>{t(key::PROGRAMME_MEANS_4)}</li>
                <li>{t(key::PROGRAMME_MEANS_5)}</li>
                <li>{t(key::PROGRAMME_MEANS_6)}</li>
            </ul>
        </section>
    }
}
