//! On the pavement, in the sun, between two doors: where next, and how far along.

use dorbank_shared::{
    sync::wire::EntranceBundle,
    visit::Outcome,
    walk::{self, States},
    words::key,
};
use leptos::prelude::*;
use uuid::Uuid;

use super::ready::ReadyHint;
use crate::field::{
    actions::outcome_word,
    phone::{count, fill, phone, tr, word},
    ui::{Bar, bar_of, draw, icon, note},
};

fn row(entrance: &EntranceBundle, states: &States, next: bool) -> AnyView {
    let progress = walk::progress(entrance, states);
    let knock = !entrance.do_not_knock;
    let shut = walk::is_shut(entrance, states);
    let house = entrance.units.len() <= 1;
    let own = entrance.units.first().map_or(entrance.id, |unit| unit.id);
    let figures = fill(key::TURF_PROGRESS, &[("done", &progress.done.to_string()), ("all", &progress.all.to_string())]);
    let say = if !knock {
        word(key::TURF_DO_NOT_KNOCK)
    } else if shut {
        outcome_word(*states.get(&entrance.id).unwrap_or(&Outcome::NoAccess))
    } else if house {
        states.get(&own).map_or_else(|| word(key::TURF_HOUSE), |state| outcome_word(*state))
    } else {
        figures
    };
    let finished = knock && progress.is_finished();
    let class = if next {
        "entrance next"
    } else if finished {
        "entrance finished"
    } else {
        "entrance"
    };
    let sign = if next {
        draw::GO
    } else if !knock {
        draw::STOP
    } else if finished {
        draw::CHECK
    } else {
        draw::GO
    };
    // What is read aloud has the words in the order in which they are seen; the next one says its street itself.
    let label = (!next).then(|| format!("{}: {say}", walk::address(entrance)));
    view! {
        <a class=class href=format!("/field/entrance/{}", entrance.id) aria-label=label>
            <span class="entrance-number">{walk::house_number(entrance)}</span>" "
            <span class="entrance-body">
                {next.then(|| view! { <b>{entrance.street.clone()}</b>" " })}
                <span class="soft">{say}</span>
                {(knock && !house && !shut).then(|| view! { <progress max=progress.all.max(1).to_string() value=progress.done.to_string() aria-hidden="true"></progress> })}
            </span>
            {(next || finished || !knock).then(|| icon(sign))}
        </a>
    }
    .into_any()
}

/// The turf: progress, the next entrance on top, then all in walking order.
#[component]
pub fn Turf(
    /// Which.
    id: Uuid,
    /// Whether it is the first screen.
    first: bool,
) -> impl IntoView {
    let turf = Memo::new(move |_| phone().turf(id));
    let title = Signal::derive(move || {
        turf.with(|turf| {
            turf.as_ref()
                .map_or_else(|| word(key::TURF_YOURS), |turf| fill(key::TURF_NAME, &[("number", &turf.number.to_string()), ("name", &turf.name)]))
        })
    });
    let bar = if first {
        view! { <Bar title=title below=Signal::derive(tr(key::TURF_YOURS))/> }.into_any()
    } else {
        view! { <Bar title=title below=Signal::derive(tr(key::TURF_YOURS)) back="/field/"/> }.into_any()
    };
    let body = move || {
        let Some(turf) = turf.get() else { return note("", draw::INFO, tr(key::TURF_GONE)) };
        if turf.entrances.is_empty() {
            return note("calm", draw::INFO, tr(key::TURF_EMPTY));
        }
        let states = phone().states.get();
        let all = walk::turf_progress(&turf, &states);
        let next = walk::next(&turf, &states, None);
        let mut street = String::new();
        let list = turf
            .entrances
            .iter()
            .map(|entrance| {
                let heading = (street != entrance.street).then(|| entrance.street.clone());
                street.clone_from(&entrance.street);
                view! { <li>{heading.map(|street| view! { <h3 class="street">{street}</h3> })}{row(entrance, &states, false)}</li> }
            })
            .collect_view();
        view! {
            <div class="progress">
                <p class="progress-figures"><strong>{all.done}</strong><span>{fill(key::TURF_OF_ALL, &[("all", &all.all.to_string())])}</span></p>
                {bar_of(all.done, all.all, fill(key::TURF_PROGRESS, &[("done", &all.done.to_string()), ("all", &all.all.to_string())]))}
            </div>
            {match next {
                Some(next) => view! { <section class="stack" aria-labelledby="next"><h2 id="next" class="section-title">{tr(key::TURF_NEXT)}</h2>{row(next, &states, true)}</section> }.into_any(),
                None => note("good", draw::CHECK, tr(key::TURF_FINISHED_ALL)),
            }}
            <section class="stack" aria-labelledby="walk">
                <h2 id="walk" class="section-title">{tr(key::TURF_WALK)}" · "{count(key::ENTRANCE_DOORS, all.all)}</h2>
                <ol class="entrances">{list}</ol>
            </section>
        }
        .into_any()
    };
    view! {
        {bar}
        <div class="page">
            <ReadyHint/>
            {body}
            <a class="button" href="/field/end">{tr(key::TURF_END)}</a>
        </div>
    }
}
