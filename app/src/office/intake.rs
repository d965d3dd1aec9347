//! Read by a branch organiser with somebody else's file in the mail: is it ours, what is in it, and what became of it.

use dorbank_shared::words::key;
use leptos::prelude::*;
use uuid::Uuid;

use super::{
    page::{
        clarify::Choice,
        intake::{Counts, Fault, From, Intake, Part, Step},
    },
    plan::places,
    text::{count, number, t, with},
};

/// Takes a file, in two steps: look, then take.
pub fn intake(page: Intake) -> impl IntoView {
    view! {
        <div class="wide">
            <h1>{t(key::INTAKE_TITLE)}</h1>
            <p class="lead">{page.branch.unwrap_or_else(|| t(key::PLAN_ALL))}</p>
            {places("/plan/intake")}
            {match page.step {
                Step::Choose => view! { <p>{t(key::INTAKE_INTRO)}</p> {choose()} }.into_any(),
                Step::Fault(fault) => view! { <div class="notice stop" role="alert"><p>{t(words(fault))}</p></div> {choose()} }.into_any(),
                Step::Look(parts, file, chosen) => look(parts, file, &chosen, &page.shifts).into_any(),
                Step::Taken(parts) => taken(parts).into_any(),
            }}
        </div>
    }
}

const fn words(fault: Fault) -> &'static str {
    match fault {
        Fault::Nothing => key::INTAKE_FAULT_NOTHING,
        Fault::NotOurs => key::INTAKE_FAULT_NOT_OURS,
        Fault::TooLarge => key::INTAKE_FAULT_TOO_LARGE,
        Fault::Newer => key::INTAKE_FAULT_NEWER,
        Fault::NoPhone => key::INTAKE_FAULT_NO_PHONE,
        Fault::UnknownPhone => key::INTAKE_FAULT_UNKNOWN_PHONE,
        Fault::NotYours => key::INTAKE_FAULT_NOT_YOURS,
        Fault::Empty => key::INTAKE_FAULT_EMPTY,
    }
}

fn choose() -> impl IntoView {
    view! {
        <form class="step" method="post" action="/plan/intake" enctype="multipart/form-data">
            <label for="file">{t(key::INTAKE_FILE)}</label>
            <input id="file" type="file" name="file" accept="application/json,.json" required/>
            <button type="submit">{t(key::INTAKE_LOOK)}</button>
        </form>
    }
}

fn from_whom(from: &From) -> impl IntoView + use<> {
    let sign = from.sign.clone().map_or_else(|| t(key::CLARIFY_SIGN_GONE), |sign| with(key::CLARIFY_SIGN, &[("sign", &sign)]));
    view! { <p><strong>{sign}</strong><br/>{from.place.clone()}" · "<span class="whole">{from.date.clone()}</span></p> }
}

fn table(title: &'static str, counts: Counts, first: &'static str) -> impl IntoView {
    let rows = [(first, counts.counted), (key::INTAKE_KNOWN, counts.known), (key::INTAKE_KEPT, counts.kept)];
    let failed = Some((key::INTAKE_FAILED, counts.failed)).filter(|(_, n)| *n > 0);
    let rows: Vec<_> = rows
        .into_iter()
        .chain(failed)
        .map(|(word, n)| view! { <tr><th scope="row">{t(word)}</th><td class="number">{number(n.unsigned_abs())}</td></tr> })
        .collect();
    view! {
        <table>
            <caption class="unseen">{t(title)}</caption>
            <tbody>{rows}</tbody>
        </table>
    }
}

fn each(parts: Vec<Part>, title: &'static str, first: &'static str) -> Vec<impl IntoView> {
    let part = |part| match part {
        Part::Open(from, counts) => view! { {from_whom(&from)} {table(title, counts, first)} }.into_any(),
        Part::Unknown(_, entries) => {
            view! { <p class="notice warn">{t(key::INTAKE_WHOSE_WHY)}" "{count(key::INTAKE_WHOSE_ENTRIES, entries)}</p> }.into_any()
        }
        Part::Closed(fault) => view! { <p class="notice warn">{t(words(fault))}</p> }.into_any(),
    };
    parts.into_iter().map(part).collect()
}

fn any(parts: &[Part], wanted: fn(&Counts) -> bool) -> bool {
    parts.iter().any(|part| matches!(part, Part::Open(_, counts) if wanted(counts)))
}

/// What was said so far of phones that the server does not know, sent again.
fn said(chosen: &[(Uuid, Uuid)]) -> Vec<impl IntoView + use<>> {
    chosen.iter().map(|(device, shift)| view! { <input type="hidden" name=format!("shift-{device}") value=shift.to_string()/> }).collect()
}

/// Asks to which shift each phone belongs that the server does not know, and looks again.
fn whose(unknown: Vec<Uuid>, file: String, chosen: &[(Uuid, Uuid)], shifts: &[Choice]) -> impl IntoView + use<> {
    if shifts.is_empty() {
        return view! { <p>{t(key::INTAKE_WHOSE_NONE)}</p> }.into_any();
    }
    let select = |device: Uuid| {
        let name = format!("shift-{device}");
        let options: Vec<_> = shifts.iter().map(|shift| view! { <option value=shift.id.to_string()>{shift.name.clone()}</option> }).collect();
        view! {
            <label for=name.clone()>{t(key::INTAKE_WHOSE)}</label>
            <select id=name.clone() name=name required>
                <option value="">{t(key::CLARIFY_CHOOSE)}</option>
                {options}
            </select>
        }
    };
    let selects: Vec<_> = unknown.into_iter().map(select).collect();
    view! {
        <form class="step" method="post" action="/plan/intake" enctype="multipart/form-data">
            <input type="hidden" name="file" value=file/>
            {said(chosen)}
            {selects}
            <button type="submit">{t(key::INTAKE_LOOK)}</button>
        </form>
    }
    .into_any()
}

fn look(parts: Vec<Part>, file: String, chosen: &[(Uuid, Uuid)], shifts: &[Choice]) -> impl IntoView + use<> {
    let fresh = any(&parts, |counts| counts.counted + counts.kept + counts.failed > 0);
    let unknown: Vec<Uuid> = parts.iter().filter_map(|part| if let Part::Unknown(device, _) = part { Some(*device) } else { None }).collect();
    let asks = !unknown.is_empty();
    let whose = asks.then(|| whose(unknown, file.clone(), chosen, shifts));
    view! {
        <section class="card waits">
            <h2>{t(key::INTAKE_FOUND)}</h2>
            {each(parts, key::INTAKE_FOUND, key::INTAKE_WILL_COUNT)}
            {whose}
            {if fresh {
                view! {
                    <form class="step" method="post" action="/plan/intake" enctype="multipart/form-data">
                        <input type="hidden" name="text" value=file/>
                        {said(chosen)}
                        <button type="submit">{t(key::INTAKE_TAKE)}</button>
                    </form>
                    <p class="soft">{t(key::INTAKE_HARMLESS)}</p>
                }.into_any()
            } else if asks {
                ().into_any()
            } else {
                view! { <p class="notice good">{t(key::INTAKE_NOTHING_NEW)}</p> }.into_any()
            }}
            <p><a href="/plan/intake">{t(key::INTAKE_ANOTHER)}</a></p>
        </section>
    }
}

fn taken(parts: Vec<Part>) -> impl IntoView {
    let (kept, failed) = (any(&parts, |counts| counts.kept > 0), any(&parts, |counts| counts.failed > 0));
    let (title, how, word) = if failed {
        (key::INTAKE_PARTLY, "notice warn", key::INTAKE_FAILED_TEXT)
    } else {
        (key::INTAKE_TAKEN, "notice good", key::INTAKE_TAKEN_TEXT)
    };
    view! {
        <section class="card waits">
            <h2>{t(title)}</h2>
            <p class=how role="status">{t(word)}</p>
            {each(parts, title, key::INTAKE_COUNTED)}
            {kept.then(|| view! { <p><a class="chip warn" href="/plan/quarantine">{t(key::CLARIFY_TITLE)}</a></p> })}
            <p><a href="/plan/intake">{t(key::INTAKE_ANOTHER)}</a></p>
        </section>
    }
}
