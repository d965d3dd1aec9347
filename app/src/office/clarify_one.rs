//! Read by a branch organiser on the phone with whoever walked: which door was it, and what happened there.

use dorbank_shared::words::key;
use leptos::prelude::*;
use uuid::Uuid;

use super::{
    clarify::{discard, facts, named, reason_words},
    page::clarify::{Choice, ClarifyOne},
    text::t,
    trouble::notice,
};

/// One entry. Each step is an ordinary form, so that it works without scripting.
pub fn clarify_one(page: ClarifyOne) -> impl IntoView {
    let (title, why) = reason_words(&page.reason);
    view! {
        <div class="prose">
            <p class="back"><a href="/plan/quarantine">{t(key::CLARIFY_BACK)}</a></p>
            <h1>{t(key::CLARIFY_FIND)}</h1>
            {page.notice.map(notice)}
            <section class="card">
                {facts(&page.row)}
                <p class="soft"><strong>{t(title)}</strong>". "{t(why)}</p>
            </section>
            {if page.settled { view! { <p class="notice">{t(key::CLARIFY_SETTLED)}</p> }.into_any() } else { steps(page).into_any() }}
        </div>
    }
}

fn steps(page: ClarifyOne) -> impl IntoView {
    let ClarifyOne { row, turfs, entrances, doors, outcomes, chosen, .. } = page;
    let door = row.door.clone().unwrap_or_else(|| t(key::CLARIFY_DOOR_UNKNOWN));
    let (turf, entrance) = (chosen.turf, chosen.entrance);
    let kept = move |id: Option<Uuid>, name: &'static str| id.map(|id| view! { <input type="hidden" name=name value=id.to_string()/> });
    let outcomes: Vec<_> = outcomes
        .into_iter()
        .map(|(name, word)| {
            let selected = chosen.outcome.as_deref() == Some(&name);
            view! { <option value=name selected=selected>{t(&word)}</option> }
        })
        .collect();
    view! {
        <form class="step" method="get" action="/plan/quarantine/entry">
            {named(&row)}
            <label for="turf">{t(key::CLARIFY_TURF)}</label>
            <div class="acts">
                <select id="turf" name="turf" required>{options(turfs, turf)}</select>
                <button class="second" type="submit">{t(key::CLARIFY_SHOW_ENTRANCES)}</button>
            </div>
        </form>
        {turf.map(|_| view! {
            <form class="step" method="get" action="/plan/quarantine/entry">
                {named(&row)}
                {kept(turf, "turf")}
                <label for="entrance">{t(key::CLARIFY_ENTRANCE)}</label>
                <div class="acts">
                    <select id="entrance" name="entrance" required>{options(entrances, entrance)}</select>
                    <button class="second" type="submit">{t(key::CLARIFY_SHOW_DOORS)}</button>
                </div>
            </form>
        })}
        {entrance.map(|_| view! {
            <form class="step" method="post" action="/plan/v1/quarantine/count">
                {named(&row)}
                {kept(turf, "turf")}
                {kept(entrance, "entrance")}
                <label for="unit">{t(key::CLARIFY_DOOR)}</label>
                <select id="unit" name="unit">
                    <option value="">{t(key::CLARIFY_WHOLE_ENTRANCE)}</option>
                    {options(doors, chosen.door)}
                </select>
                <label for="outcome">{t(key::CLARIFY_OUTCOME)}</label>
                <select id="outcome" name="outcome" required>{outcomes}</select>
                <button type="submit">{t(key::CLARIFY_COUNT)}</button>
            </form>
        })}
        {discard(&row, &door)}
    }
}

fn options(choices: Vec<Choice>, chosen: Option<Uuid>) -> Vec<impl IntoView> {
    choices
        .into_iter()
        .map(|choice| view! { <option value=choice.id.to_string() selected=chosen == Some(choice.id)>{choice.name}</option> })
        .collect()
}
