//! Read by a branch organiser at a desk, the morning after: what was noted and not counted, why, and one press for each
//! way to put it right.

use dorbank_shared::words::key;
use leptos::prelude::*;

use super::{
    page::clarify::{Clarify, Done, Group, Row, Says},
    plan::places,
    text::{count, t, with},
    trouble::notice,
};

/// Why an entry can be discarded: the name, and the key of its word.
const WHY: [(&str, &str); 5] = [
    ("trial", key::CLARIFY_WHY_TRIAL),
    ("twice", key::CLARIFY_WHY_TWICE),
    ("mistake", key::CLARIFY_WHY_MISTAKE),
    ("foreign", key::CLARIFY_WHY_FOREIGN),
    ("unreadable", key::CLARIFY_WHY_UNREADABLE),
];

/// All that waits.
pub fn clarify(page: Clarify) -> impl IntoView {
    let until = page.until;
    let empty = page.groups.is_empty();
    let groups: Vec<_> = page.groups.into_iter().map(|part| group(part, until)).collect();
    view! {
        <div class="wide">
            <h1>{t(key::CLARIFY_TITLE)}</h1>
            <p class="lead">{page.branch.unwrap_or_else(|| t(key::PLAN_ALL))}</p>
            {places("/plan/quarantine")}
            {page.notice.map(notice)}
            {page.done.map(done)}
            {if empty {
                view! { <p class="notice good">{t(key::CLARIFY_NONE)}</p> }.into_any()
            } else {
                view! { <p>{t(key::CLARIFY_INTRO)}</p> {groups} }.into_any()
            }}
        </div>
    }
}

/// What came of the last press.
fn done(done: Done) -> impl IntoView {
    let said = if done.counted { key::CLARIFY_DONE_COUNTED } else { key::CLARIFY_DONE_DISCARDED };
    let class = if done.left > 0 || done.done == 0 { "notice warn" } else { "notice good" };
    view! {
        <div class=class role="status">
            {(done.done > 0).then(|| view! { <p>{count(said, done.done)}</p> })}
            {(done.left > 0).then(|| view! { <p>{count(key::CLARIFY_DONE_LEFT, done.left)}</p> })}
            {(done.gone > 0).then(|| view! { <p>{count(key::CLARIFY_DONE_GONE, done.gone)}</p> })}
        </div>
    }
}

/// The keys of a reason's title and explanation.
pub(super) fn reason_words(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "not_admitted" => (key::CLARIFY_NOT_ADMITTED, key::CLARIFY_NOT_ADMITTED_WHY),
        "too_late" => (key::CLARIFY_TOO_LATE, key::CLARIFY_TOO_LATE_WHY),
        "outside_scope" => (key::CLARIFY_OUTSIDE_SCOPE, key::CLARIFY_OUTSIDE_SCOPE_WHY),
        "many_do_not_knock" => (key::CLARIFY_MANY_DO_NOT_KNOCK, key::CLARIFY_MANY_DO_NOT_KNOCK_WHY),
        "unknown_superseded" => (key::CLARIFY_UNKNOWN_SUPERSEDED, key::CLARIFY_UNKNOWN_SUPERSEDED_WHY),
        "id_reuse" => (key::CLARIFY_ID_REUSE, key::CLARIFY_ID_REUSE_WHY),
        "unknown_kind" => (key::CLARIFY_UNKNOWN_KIND, key::CLARIFY_UNKNOWN_KIND_WHY),
        _ => (key::CLARIFY_UNREADABLE_BODY, key::CLARIFY_UNREADABLE_BODY_WHY),
    }
}

fn group(group: Group, until: i64) -> impl IntoView {
    let (title, why) = reason_words(&group.reason);
    let confirms = group.reason == "many_do_not_knock";
    let shown = i64::try_from(group.rows.len()).unwrap_or(i64::MAX);
    let more = group.count - shown;
    let countable = shown > 1 && group.rows.iter().any(|row| row.countable);
    let reason = group.reason.clone();
    let rest = group.reason;
    let all = count(if confirms { key::CLARIFY_CONFIRM_ALL } else { key::CLARIFY_COUNT_ALL }, group.count);
    let rows: Vec<_> = group.rows.iter().map(|entry| row(entry, confirms)).collect();
    view! {
        <section class="card waits">
            <h2>{t(title)}" "<span class="chip warn">{count(key::CLARIFY_WAITING, group.count)}</span></h2>
            <p>{t(why)}</p>
            <ul class="rows">{rows}</ul>
            {(more > 0).then(|| view! { <p class="soft">{count(key::CLARIFY_MORE, more)}</p> })}
            {(shown > 1).then(|| view! {
                <div class="acts">
                    {countable.then(|| view! {
                        <form method="post" action="/plan/v1/quarantine/count-all">
                            <input type="hidden" name="reason" value=reason/>
                            <input type="hidden" name="until" value=until.to_string()/>
                            <button type="submit">{all}</button>
                        </form>
                    })}
                    <details>
                        <summary>{count(key::CLARIFY_DISCARD_ALL, group.count)}</summary>
                        <form method="post" action="/plan/v1/quarantine/discard-all">
                            <input type="hidden" name="reason" value=rest.clone()/>
                            <input type="hidden" name="until" value=until.to_string()/>
                            {why_choice(format!("why-{rest}"))}
                            <button class="second" type="submit">{count(key::CLARIFY_DISCARD_ALL, group.count)}</button>
                        </form>
                    </details>
                </div>
            })}
        </section>
    }
}

fn why_choice(id: String) -> impl IntoView {
    let options: Vec<_> = WHY.into_iter().map(|(name, word)| view! { <option value=name>{t(word)}</option> }).collect();
    view! {
        <label for=id.clone()>{t(key::CLARIFY_WHY)}</label>
        <select id=id name="why" required>
            <option value="">{t(key::CLARIFY_CHOOSE)}</option>
            {options}
        </select>
    }
}

/// The form's fields that name an entry.
pub(super) fn named(row: &Row) -> impl IntoView + use<> {
    view! {
        <input type="hidden" name="id" value=row.id.to_string()/>
        <input type="hidden" name="mac" value=row.mac.clone()/>
    }
}

/// What an entry says, in words.
fn says(says: &Says) -> String {
    match says {
        Says::Outcome(word) => t(word),
        Says::Withdrawal => t(key::CLARIFY_WITHDRAWAL),
        Says::Unknown => t(key::CLARIFY_UNKNOWN),
    }
}

/// Door, what happened, and where it comes from.
pub(super) fn facts(row: &Row) -> impl IntoView + use<> {
    let door = row.door.clone().unwrap_or_else(|| t(key::CLARIFY_DOOR_UNKNOWN));
    let sign = row.sign.clone().map_or_else(|| t(key::CLARIFY_SIGN_GONE), |sign| with(key::CLARIFY_SIGN, &[("sign", &sign)]));
    view! {
        <p><strong>{door}</strong><br/>{says(&row.says)}</p>
        <p class="soft">{sign}" · "{row.place.clone()}" · "<span class="whole">{row.date.clone()}</span><br/>
            {row.campaign.clone()}" · "{with(key::CLARIFY_RECEIVED, &[("date", &row.received)])}</p>
    }
}

fn row(row: &Row, confirms: bool) -> impl IntoView + use<> {
    let door = row.door.clone().unwrap_or_else(|| t(key::CLARIFY_DOOR_UNKNOWN));
    let about = format!("{door}: {}", says(&row.says));
    let word = match &row.turf {
        Some(turf) => with(key::CLARIFY_COUNT_IN, &[("turf", turf)]),
        None => t(if confirms { key::CLARIFY_CONFIRM } else { key::CLARIFY_COUNT }),
    };
    let find = format!("/plan/quarantine/entry?id={}&mac={}", row.id, row.mac);
    view! {
        <li class="entry">
            <div class="grow">{facts(row)}</div>
            <div class="acts">
                {row.countable.then(|| view! {
                    <form method="post" action="/plan/v1/quarantine/count">
                        {named(row)}
                        <button type="submit" aria-label=format!("{word}: {about}")>{word.clone()}</button>
                    </form>
                })}
                {row.placeable.then(|| view! { <a class="button second" href=find aria-label=format!("{}: {about}", t(key::CLARIFY_FIND))>{t(key::CLARIFY_FIND)}</a> })}
                {discard(row, &about)}
            </div>
        </li>
    }
}

/// Why it is not to be counted, and the press that says so.
pub(super) fn discard(row: &Row, about: &str) -> impl IntoView + use<> {
    let id = format!("why-{}-{}", row.id, row.mac.get(..8).unwrap_or_default());
    let name = format!("{}: {about}", t(key::CLARIFY_DISCARD));
    view! {
        <details>
            <summary aria-label=name.clone()>{t(key::CLARIFY_DISCARD)}</summary>
            <form method="post" action="/plan/v1/quarantine/discard">
                {named(row)}
                {why_choice(id)}
                <button class="second" type="submit" aria-label=name>{t(key::CLARIFY_DISCARD)}</button>
            </form>
        </details>
    }
}
