//! Two steps from the lead, in a crowd: two characters that can be read across a table.

use dorbank_shared::{
    sync::{engine::Problem, wire::Admission},
    words::key,
};
use leptos::prelude::*;

use crate::field::{
    phone::{count, phone, tr, word},
    ui::{Bar, draw, hindrance, note, send_now},
};

/// Waits for the lead. The engine asks every few seconds.
#[component]
pub fn Waiting() -> impl IntoView {
    let sign = move || phone().identity.with(|identity| identity.as_ref().map(|identity| identity.sign.clone()).unwrap_or_default());
    let refused = move || phone().admission() == Some(Admission::Refused);
    let hindrance = move || {
        let figures = phone().figures.get();
        match figures.problem? {
            Problem::Offline => Some(word(key::JOIN_NO_NETWORK)),
            Problem::Portal => Some(word(key::JOIN_PORTAL)),
            Problem::Server => Some(word(key::JOIN_SERVER)),
            problem => hindrance(Some(problem), figures.waiting),
        }
    };
    // After a restore of the server, or where a code was given once more.
    let kept = move || Some(phone().figures.get().waiting).filter(|waiting| *waiting > 0).map(|waiting| count(key::WAITING_KEPT, waiting));
    view! {
        <Bar title=Signal::derive(tr(key::WAITING_TITLE))/>
        <div class="page">
            {move || if refused() {
                view! { <div class="stack">{note("stop", draw::WARN, tr(key::WAITING_REFUSED))}<a class="button" href="/field/join">{tr(key::JOIN_ANOTHER)}</a></div> }.into_any()
            } else {
                view! {
                    <p class="lead centred">{tr(key::WAITING_TEXT)}</p>
                    <p class="sign"><span class="unseen">{tr(key::WAITING_SIGN)}" "</span>{sign}</p>
                    <div role="status">{move || hindrance().map(|text| note("", draw::WARN, text))}</div>
                    {move || kept().map(|text| view! { <p class="centred">{text}</p> })}
                    <button class="button" on:click=move |_| send_now()>{tr(key::WAITING_LOOK)}</button>
                }.into_any()
            }}
        </div>
    }
}
