//! The frame around all screens, and their addresses.

use dorbank_shared::{
    sync::wire::Admission,
    words::{Words, key},
};
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::{
    phone::{Phone, phone, tr},
    route::{self, Route},
    screen::{end::End, entrance::Entrance, home::Home, join::Join, note::Note, ready::Ready, settings::Settings, turf::Turf},
    store, sync,
    ui::{Banners, Bar, SavedLine, SnackBar},
};

/// Makes the phone, starts storage and sync, and shows the app.
pub fn start(words: Words) -> impl IntoView {
    let phone = Phone::start(words);
    spawn_local(sync::open());
    sync::listen();
    std::mem::forget(window_event_listener_untyped("dorbank-update", move |_| phone.update.notify()));
    std::mem::forget(window_event_listener_untyped("dorbank-shell", |_| super::screen::ready::look_again()));
    route::listen();
    store::live::listen();
    view! { <Frame/> }
}

#[component]
fn Frame() -> impl IntoView {
    let member = move || phone().identity.with(Option::is_some);
    view! {
        <div class="frame">
            <Banners/>
            {move || match phone().route.get() {
                Route::Home => view! { <Home/> }.into_any(),
                Route::Join => view! { <Join/> }.into_any(),
                Route::Turf(id) => view! { <Turf id=id first=false/> }.into_any(),
                Route::Entrance(id) => view! { <Entrance id=id/> }.into_any(),
                Route::Note => view! { <Note/> }.into_any(),
                Route::End => view! { <End/> }.into_any(),
                Route::Settings => view! { <Settings/> }.into_any(),
                Route::Ready => view! { <Ready/> }.into_any(),
                Route::Unknown => view! { <NotFound/> }.into_any(),
            }}
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
