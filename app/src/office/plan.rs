//! Read by a lead on the way to the meeting place, or an organiser at a desk: which shift is now, which comes next.

use dorbank_shared::words::key;
use leptos::prelude::*;

use super::{
    page::{Plan, ShiftRow},
    text::{count, t, with},
};

/// The shifts.
pub fn plan(page: Plan) -> impl IntoView {
    view! {
        <div class="wide">
            <h1>{t(key::PLAN_TITLE)}</h1>
            <p class="lead">{page.branch.unwrap_or_else(|| t(key::PLAN_ALL))}</p>
            {page.clarify.map(|_| places("/plan"))}
            {page.clarify.filter(|n| *n > 0).map(|n| view! { <p><a class="chip warn" href="/plan/quarantine">{count(key::ADMIN_QUARANTINE_COUNT, n)}</a></p> })}
            {part(key::PLAN_TODAY, key::PLAN_TODAY_NONE, page.today)}
            {part(key::PLAN_COMING, key::PLAN_COMING_NONE, page.coming)}
            {part(key::PLAN_PAST, key::PLAN_PAST_NONE, page.past)}
        </div>
    }
}

/// What an organiser has beside the shifts.
pub(super) fn places(here: &'static str) -> impl IntoView {
    let all = [
        ("/plan", key::PLAN_TITLE),
        ("/plan/status", key::STATUS_TITLE),
        ("/plan/quarantine", key::CLARIFY_TITLE),
        ("/plan/intake", key::INTAKE_NAV),
    ];
    let links: Vec<_> = all
        .into_iter()
        .map(|(address, word)| view! { <li><a href=address aria-current=(address == here).then_some("page")>{t(word)}</a></li> })
        .collect();
    view! { <nav class="choice" aria-label=t(key::PLAN_PLACES)><ul>{links}</ul></nav> }
}

fn part(title: &'static str, none: &'static str, rows: Vec<ShiftRow>) -> impl IntoView {
    let empty = rows.is_empty();
    let rows: Vec<_> = rows.into_iter().map(row).collect();
    view! {
        <section>
            <h2>{t(title)}</h2>
            {if empty { view! { <p class="soft">{t(none)}</p> }.into_any() } else { view! { <ul class="shifts">{rows}</ul> }.into_any() }}
        </section>
    }
}

fn row(shift: ShiftRow) -> impl IntoView {
    let time = with(key::PLAN_WHEN, &[("from", &shift.from), ("to", &shift.to)]);
    let class = if shift.now { "shift now" } else { "shift" };
    view! {
        <li class=class>
            <a href=format!("/plan/shifts/{}", shift.id)>
                <span class="shift-time">{shift.date}" · "<span class="whole">{time}</span></span>
                <span class="shift-place">{shift.place}</span>
            </a>
            <p class="soft">{t(&shift.kind)}" · "{shift.campaign}" · "{count(key::PLAN_TURFS, shift.turfs)}</p>
            <p class="chips">
                {shift.now.then(|| view! { <span class="chip good">{t(key::PLAN_NOW)}</span> })}
                {(shift.waiting > 0).then(|| view! { <span class="chip warn">{count(key::PLAN_WAITING, shift.waiting)}</span> })}
                {(shift.phones > 0).then(|| view! { <span class="chip">{count(key::PLAN_PHONES, shift.phones)}</span> })}
            </p>
        </li>
    }
}
