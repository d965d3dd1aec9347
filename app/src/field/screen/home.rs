//! Opened from the home screen, on the way up the stairs: straight to what comes next.

use dorbank_shared::{sync::wire::Admission, words::key};
use leptos::prelude::*;

use super::{join::Join, ready::ReadyHint, turf::Turf, waiting::Waiting};
use crate::field::{
    phone::{fill, phone, tr},
    ui::{Bar, draw, icon, note},
};

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Opening,
    Outside,
    Waiting,
    Fetching,
    Walking(usize),
}

/// The first screen.
#[component]
pub fn Home() -> impl IntoView {
    let stage = Memo::new(|_| {
        let phone = phone();
        if !phone.loaded.get() {
            return Stage::Opening;
        }
        match phone.admission() {
            None => Stage::Outside,
            Some(Admission::Waiting | Admission::Refused) => Stage::Waiting,
            Some(Admission::Admitted | Admission::Revoked) => {
                phone.bundle.with(|bundle| bundle.as_ref().map_or(Stage::Fetching, |bundle| Stage::Walking(bundle.turfs.len())))
            }
        }
    });
    // The code of a link goes to the join screen also when this phone is in a shift already.
    let invited = super::join::has_code();
    move || match stage.get() {
        Stage::Opening => view! { <div class="page" aria-busy="true"></div> }.into_any(),
        _ if invited && !super::join::is_done() => view! { <Join/> }.into_any(),
        Stage::Outside => view! { <Join/> }.into_any(),
        Stage::Waiting => view! { <Waiting/> }.into_any(),
        Stage::Fetching => view! { <Fetching/> }.into_any(),
        Stage::Walking(1) => {
            let id = phone().bundle.with_untracked(|bundle| bundle.as_ref().and_then(|bundle| bundle.turfs.first()).map(|turf| turf.id));
            id.map(|id| view! { <Turf id=id first=true/> }).into_any()
        }
        Stage::Walking(_) => view! { <Turfs/> }.into_any(),
    }
}

#[component]
fn Fetching() -> impl IntoView {
    let revoked = move || phone().admission() == Some(Admission::Revoked);
    view! {
        <Bar title=Signal::derive(tr(key::APP_NAME))/>
        <div class="page">
            {move || if revoked() {
                view! { <div class="stack">{note("", draw::WARN, tr(key::REVOKED_TEXT))}<a class="button" href="/field/join">{tr(key::JOIN_ANOTHER)}</a></div> }.into_any()
            } else {
                view! { <p class="lead" role="status">{tr(key::WAITING_FETCHING)}</p> }.into_any()
            }}
        </div>
    }
}

#[component]
fn Turfs() -> impl IntoView {
    let turfs = move || {
        phone().bundle.with(|bundle| {
            bundle
                .as_ref()
                .map(|bundle| bundle.turfs.iter().map(|turf| (turf.id, turf.number, turf.name.clone())).collect::<Vec<_>>())
                .unwrap_or_default()
        })
    };
    view! {
        <Bar title=Signal::derive(tr(key::TURF_YOURS))/>
        <div class="page">
            <ReadyHint/>
            <ul class="stack">
                {move || turfs().into_iter().map(|(id, number, name)| view! {
                    <li><a class="entrance" href=format!("/field/turf/{id}")>
                        <span class="entrance-body"><b>{fill(key::TURF_NAME, &[("number", &number.to_string()), ("name", &name)])}</b></span>{icon(draw::GO)}
                    </a></li>
                }).collect_view()}
            </ul>
            {move || turfs().is_empty().then(|| view! { <p class="lead">{tr(key::TURF_NONE)}</p> })}
            <a class="button" href="/field/end">{tr(key::TURF_END)}</a>
        </div>
    }
}
