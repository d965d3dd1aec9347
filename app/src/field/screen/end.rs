//! Back at the meeting place, tired: is everything in? Two figures that must be equal, and what to do if they are not.

use dorbank_shared::{sync::engine::Problem, words::key};
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::field::{
    phone::{count, fill, phone, tr},
    sync,
    ui::{Bar, draw, hindrance, note, send_now, storage_title},
};

/// The proof.
#[component]
pub fn End() -> impl IntoView {
    let figures = move || phone().figures.get();
    let pool = move || phone().pool.get();
    let finished = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let finish = move |_| {
        send_now();
        busy.set(true);
        spawn_local(async move {
            sync::send_inputs().await;
            busy.set(false);
            finished.set(true);
        });
    };
    let unsaved = move || phone().storage.get().is_some();
    let verdict = move || {
        let figures = figures();
        // Until the server has said what it holds, what waits is all that is known to be missing.
        let held = figures.held.unwrap_or(figures.noted);
        let missing = figures.waiting.max(usize::try_from(figures.noted.saturating_sub(held)).unwrap_or(usize::MAX));
        if let Some(fault) = phone().storage.get() {
            return note("", draw::WARN, tr(storage_title(fault)));
        }
        match (figures.held, hindrance(figures.problem, missing)) {
            // It may hold more: what came in a file, or what a storage that was set back no longer knows of.
            (Some(held), _) if held >= figures.noted && figures.waiting == 0 => note("good", draw::CHECK, tr(key::END_EQUAL)),
            (_, Some(hindrance)) => note("", draw::WARN, hindrance),
            (Some(_), None) => note("", draw::WARN, count(key::END_NOT_EQUAL, missing)),
            (None, None) => note("calm", draw::INFO, tr(key::END_NOT_ASKED)),
        }
    };
    let inputs_wait = move || pool().waiting() > 0;
    let done = move || {
        finished.get() && !unsaved() && !inputs_wait() && figures().waiting == 0 && figures().held.is_some_and(|held| held >= figures().noted)
    };
    view! {
        <Bar title=Signal::derive(tr(key::END_TITLE)) back="/field/"/>
        <div class="page">
            <section class="card stack" aria-labelledby="visits">
                <h2 id="visits">{tr(key::END_VISITS)}</h2>
                <dl class="figures">
                    <div><dt>{tr(key::END_HERE)}</dt><dd>{move || figures().noted}</dd></div>
                    <div><dt>{tr(key::END_HELD)}</dt><dd>{move || figures().held.map_or_else(|| "–".to_owned(), |held| held.to_string())}</dd></div>
                </dl>
                <div role="status">{verdict}</div>
                {move || phone().shelf.get().iter().filter(|shelved| shelved.unsent().next().is_some()).map(|shelved| view! { <p>{fill(key::END_EARLIER, &[("sign", &shelved.identity.sign)])}</p> }).collect_view()}
                {move || (figures().quarantined > 0).then(|| view! { <p>{count(key::END_QUARANTINED, usize::try_from(figures().quarantined).unwrap_or(usize::MAX))}</p> })}
                {move || matches!(figures().problem, Some(Problem::Offline | Problem::Storage)).then(|| view! { <p class="soft small">{tr(key::END_WAITS_NEXT)}</p> })}
            </section>
            <section class="card stack" aria-labelledby="inputs">
                <h2 id="inputs">{tr(key::END_INPUTS)}</h2>
                <dl class="figures">
                    <div><dt>{tr(key::END_SEALED)}</dt><dd>{move || pool().sealed}</dd></div>
                    <div><dt>{tr(key::END_ACKNOWLEDGED)}</dt><dd>{move || pool().acknowledged}</dd></div>
                </dl>
                {move || inputs_wait().then(|| {
                    let word = match finished.get() {
                        false => key::END_INPUTS_WAIT,
                        true if pool().lack_tickets > 0 => key::END_INPUTS_NO_TICKET,
                        true => key::END_INPUTS_AGAIN,
                    };
                    view! { <p class="soft small">{tr(word)}</p> }
                })}
            </section>
            <div role="status">{move || done().then(|| note("good", draw::CHECK, tr(key::END_THANKS)))}</div>
            {move || done().then(|| view! { <a class="button" href="/field/">{tr(key::PAGE_HOME)}</a> })}
            <div class="stack" hidden=done>
                <button class="button primary" disabled=move || busy.get() on:click=finish>{tr(key::END_FINISH)}</button>
                <button class="button" disabled=move || phone().sending.get() on:click=move |_| send_now()>{move || tr(if phone().sending.get() { key::END_SENDING } else { key::END_SEND })()}</button>
            </div>
        </div>
    }
}
