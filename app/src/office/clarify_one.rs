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
    let here = format!("/plan/quarantine/entry?id={}&mac={}", row.id, row.mac);
    let kept = move |id: Uuid, name: &'static str| view! { <input type="hidden" name=name value=id.to_string()/> };
    let (turf, entrance) = (chosen.turf, chosen.entrance);
    // What is chosen is words and no list: a list that is turned again would show one door and count another.
    let first = match turf.and_then(|turf| turfs.iter().find(|choice| choice.id == turf)) {
        Some(turf) => is_chosen(key::CLARIFY_TURF, turf, format!("{here}&turf={}", Uuid::nil())).into_any(),
        None => view! {
            <form class="step" method="get" action="/plan/quarantine/entry">
                {named(&row)}
                {choose("turf", key::CLARIFY_TURF, &turfs, None)}
                <button class="second" type="submit">{t(key::CLARIFY_SHOW_ENTRANCES)}</button>
            </form>
        }
        .into_any(),
    };
    let second = turf.map(|turf| match entrance.and_then(|entrance| entrances.iter().find(|choice| choice.id == entrance)) {
        Some(entrance) => is_chosen(key::CLARIFY_ENTRANCE, entrance, format!("{here}&turf={turf}&entrance={}", Uuid::nil())).into_any(),
        None => view! {
            <form class="step" method="get" action="/plan/quarantine/entry">
                {named(&row)}
                {kept(turf, "turf")}
                {choose("entrance", key::CLARIFY_ENTRANCE, &entrances, None)}
                <button class="second" type="submit">{t(key::CLARIFY_SHOW_DOORS)}</button>
            </form>
        }
        .into_any(),
    });
    let third = turf.zip(entrance).map(|(turf, entrance)| {
        let whole = Choice { id: entrance, name: t(key::CLARIFY_WHOLE_ENTRANCE) };
        let doors: Vec<Choice> = doors.into_iter().chain([whole]).collect();
        let outcomes: Vec<_> = outcomes
            .into_iter()
            .map(|(name, word)| {
                let selected = chosen.outcome.as_deref() == Some(&name);
                view! { <option value=name selected=selected>{t(&word)}</option> }
            })
            .collect();
        view! {
            <form class="step" method="post" action="/plan/v1/quarantine/count">
                {named(&row)}
                {kept(turf, "turf")}
                {kept(entrance, "entrance")}
                {choose("unit", key::CLARIFY_DOOR, &doors, chosen.door)}
                <label for="outcome">{t(key::CLARIFY_OUTCOME)}</label>
                <select id="outcome" name="outcome" required>
                    <option value="">{t(key::CLARIFY_CHOOSE)}</option>
                    {outcomes}
                </select>
                <button type="submit">{t(key::CLARIFY_COUNT)}</button>
            </form>
        }
    });
    view! { {first} {second} {third} {discard(&row, &door)} }
}

/// A step that was taken, and the way back to it.
fn is_chosen(question: &'static str, chosen: &Choice, again: String) -> impl IntoView + use<> {
    let name = chosen.name.clone();
    view! {
        <div class="step">
            <p>{t(question)}" "<strong>{name}</strong></p>
            <p><a href=again>{t(key::CLARIFY_CHOOSE_ANOTHER)}</a></p>
        </div>
    }
}

/// A question with its answers. None is given before somebody gives it, unless the entry says so.
fn choose(name: &'static str, question: &'static str, choices: &[Choice], chosen: Option<Uuid>) -> impl IntoView + use<> {
    let options: Vec<_> = choices
        .iter()
        .map(|choice| view! { <option value=choice.id.to_string() selected=chosen == Some(choice.id)>{choice.name.clone()}</option> })
        .collect();
    view! {
        <label for=name>{t(question)}</label>
        <select id=name name=name required>
            <option value="">{t(key::CLARIFY_CHOOSE)}</option>
            {options}
        </select>
    }
}
