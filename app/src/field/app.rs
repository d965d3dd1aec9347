//! The frame around all screens, and their addresses.

use dorbank_shared::{
    sync::wire::Admission,
    words::{Words, key},
};
use leptos::prelude::*;
use leptos_router::{
    components::{Route, Router, Routes},
    hooks::use_location,
    path,
};
use wasm_bindgen_futures::spawn_local;

use super::{
    browser,
    phone::{Phone, phone, tr},
    screen::{end::End, entrance::Entrance, home::Home, join::Join, note::Note, ready::Ready, settings::Settings, turf::TurfPage},
    sync,
    ui::{Banners, Bar, SavedLine, SnackBar},
};

/// Makes the phone, starts storage and sync, and shows the app.
pub fn start(words: Words) -> impl IntoView {
    let phone = Phone::start(words);
    spawn_local(sync::open());
    sync::listen();
    phone.update.set(browser::update_waits());
    std::mem::forget(window_event_listener_untyped("dorbank-update", move |_| phone.update.set(true)));
    std::mem::forget(window_event_listener_untyped("dorbank-shell", |_| super::screen::ready::look_again()));
    view! { <Router><Frame/></Router> }
}

#[component]
fn Frame() -> impl IntoView {
    let location = use_location();
    // What a tap on one screen did is not undone from another.
    Effect::new(move |before: Option<String>| {
        let here = location.pathname.get();
        if before.is_some_and(|before| before != here) {
            phone().snack.set(None);
        }
        here
    });
    let member = move || phone().identity.with(Option::is_some);
    view! {
        <div class="frame">
            <Banners/>
            <Routes fallback=|| view! { <NotFound/> }>
                <Route path=path!("/field") view=Home/>
                <Route path=path!("/field/join") view=Join/>
                <Route path=path!("/field/turf/:id") view=TurfPage/>
                <Route path=path!("/field/entrance/:id") view=Entrance/>
                <Route path=path!("/field/note") view=Note/>
                <Route path=path!("/field/end") view=End/>
                <Route path=path!("/field/settings") view=Settings/>
                <Route path=path!("/field/ready") view=Ready/>
            </Routes>
            <SnackBar/>
            <Show when=move || member() && phone().admission() != Some(Admission::Waiting)><SavedLine/></Show>
        </div>
    }
}

#[component]
fn NotFound() -> impl IntoView {
    view! {
        <Bar title=Signal::derive(tr(key::PAGE_NOT_FOUND)) back="/field/"/>
        <div class="page"><a class="button" href="/field/">{tr(key::PAGE_HOME)}</a></div>
    }
}
