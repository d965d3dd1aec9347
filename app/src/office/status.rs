//! Read by a branch organiser before going to bed: is everything in, and if not, whom do I ask for what.

use dorbank_shared::words::key;
use leptos::prelude::*;

use super::{
    page::status::{PhoneStatus, ShiftStatus, Status, System},
    plan::places,
    shift::seen,
    text::{count, t, with},
};

/// How the phones stand.
pub fn status(page: Status) -> impl IntoView {
    let open: Vec<_> = page.open.into_iter().map(shift).collect();
    let nothing = open.is_empty();
    view! {
        <div class="wide">
            <h1>{t(key::STATUS_TITLE)}</h1>
            <p class="lead">{page.branch.unwrap_or_else(|| t(key::PLAN_ALL))}</p>
            {places("/plan/status")}
            {nothing.then(|| view! { <p class="notice good">{t(key::STATUS_ALL_IN)}</p> })}
            <p class="chips">
                {(page.whole > 0).then(|| view! { <span class="chip good">{count(key::STATUS_WHOLE, page.whole)}</span> })}
                {(page.clarify > 0).then(|| view! { <a class="chip warn" href="/plan/quarantine">{count(key::ADMIN_QUARANTINE_COUNT, page.clarify)}</a> })}
            </p>
            {open}
            <p class="soft">{with(key::STATUS_HOW, &[("time", &page.at)])}</p>
            {page.system.map(system)}
        </div>
    }
}

fn shift(shift: ShiftStatus) -> impl IntoView {
    let over = shift.over;
    let phones: Vec<_> = shift.phones.iter().map(|one| phone(one, over)).collect();
    let any = !phones.is_empty();
    view! {
        <section class="card waits">
            <h2><a href=format!("/plan/shifts/{}", shift.id)>{shift.place}</a></h2>
            <p class="soft">{shift.date}" · "{shift.branch}</p>
            {any.then(|| view! { <ul class="rows">{phones}</ul> })}
            {shift.rest.map(|(phones, entries)| view! {
                <p class="notice warn">{count(key::STATUS_REST, entries)}" "{count(key::STATUS_REST_PHONES, phones)}</p>
                <p>{t(key::STATUS_REST_ASK)}</p>
            })}
        </section>
    }
}

fn phone(phone: &PhoneStatus, over: bool) -> impl IntoView + use<> {
    let sign = [("sign", phone.sign.as_str())];
    let lacking = if phone.long { ("chip stop", key::STATUS_LACKING_LONG) } else { ("chip warn", key::STATUS_LACKING) };
    let ask = if phone.unsent > 0 && over {
        Some(with(key::STATUS_ASK, &sign))
    } else if phone.long && phone.lacking > 0 {
        Some(with(key::STATUS_ASK_LACKING, &sign))
    } else {
        None
    };
    view! {
        <li class="row">
            <p class="small-sign">{phone.sign.clone()}</p>
            <div class="grow">
                <p class="chips">
                    {(phone.unsent > 0).then(|| view! { <span class="chip warn">{count(key::BOARD_UNSENT_COUNT, phone.unsent)}</span> })}
                    {(phone.lacking > 0).then(|| view! { <span class=lacking.0>{count(lacking.1, phone.lacking)}</span> })}
                    {phone.waits_minutes.map(|minutes| view! { <span class="soft">{t(key::STATUS_WAITS)}": "{seen(minutes)}</span> })}
                    <span class="soft">{t(key::STATUS_SEEN)}": "{seen(phone.seen_minutes)}</span>
                </p>
                {ask.map(|words| view! { <p>{words}</p> })}
            </div>
        </li>
    }
}

fn system(system: System) -> impl IntoView {
    let never = || t(key::ADMIN_JOB_NEVER);
    let class = if system.backup_is_old { "chip stop" } else { "chip good" };
    view! {
        <section class="card waits">
            <h2>{t(key::STATUS_SYSTEM)}</h2>
            <table class="facts">
                <caption class="unseen">{t(key::STATUS_SYSTEM)}</caption>
                <tbody>
                    <tr><th scope="row">{t(key::STATUS_BACKUP)}</th><td><span class=class>{system.backed_up.unwrap_or_else(|| t(key::STATUS_BACKUP_NEVER))}</span></td></tr>
                    <tr><th scope="row">{t(key::ADMIN_JOB_MIX)}</th><td>{system.mix.unwrap_or_else(never)}</td></tr>
                    <tr><th scope="row">{t(key::ADMIN_JOB_RELEASE)}</th><td>{system.release.unwrap_or_else(never)}</td></tr>
                    <tr><th scope="row">{t(key::STATUS_EPOCH)}</th><td>{system.epoch}<br/><span class="soft">{t(key::STATUS_EPOCH_WHY)}</span></td></tr>
                </tbody>
            </table>
        </section>
    }
}
