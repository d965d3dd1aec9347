//! At the meeting place, the phone just out of the pocket, the lead beside: get in, without an account.

use std::cell::{Cell, RefCell};

use dorbank_shared::words::key;
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::field::{
    browser,
    phone::{phone, tr},
    route,
    sync::{self, JoinFault},
    ui::{Bar, draw, icon, note},
};

thread_local! {
    static LINK: RefCell<Option<String>> = const { RefCell::new(None) };
    static DONE: Cell<bool> = const { Cell::new(false) };
}

/// Whether the address holds a code. It is taken out of the address at once, so that no history keeps it.
pub fn has_code() -> bool {
    let location = window().location();
    if let Some(code) = location.hash().ok().and_then(|hash| hash.strip_prefix("#j=").map(str::to_owned)) {
        LINK.set(Some(code));
        DONE.set(false);
        if let (Ok(history), Ok(path)) = (window().history(), location.pathname()) {
            let state = history.state().unwrap_or_default();
            let _ = history.replace_state_with_url(&state, "", Some(&path));
        }
    }
    LINK.with_borrow(Option::is_some)
}

/// Whether the link's code was used.
pub fn is_done() -> bool {
    DONE.get()
}

const fn words_of(fault: JoinFault) -> &'static str {
    match fault {
        JoinFault::Refused => key::JOIN_REFUSED,
        JoinFault::Locked => key::JOIN_LOCKED,
        JoinFault::Full => key::JOIN_FULL,
        JoinFault::Closed => key::JOIN_CLOSED,
        JoinFault::Network => key::JOIN_NO_NETWORK,
        JoinFault::Portal => key::JOIN_PORTAL,
        JoinFault::Server => key::JOIN_SERVER,
        JoinFault::Storage => key::JOIN_STORAGE,
        JoinFault::Newer => key::STORAGE_NEWER,
    }
}

/// Join by a link or a typed code.
#[component]
pub fn Join() -> impl IntoView {
    has_code();
    let code = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<&'static str>);
    let busy = RwSignal::new(false);
    let ios = RwSignal::new(browser::is_ios_tab());
    let go = move |typed: String| {
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            match sync::exchange(typed).await {
                Ok(()) => {
                    LINK.set(None);
                    DONE.set(true);
                    route::go("/field/", true);
                }
                Err(why) => fault.set(Some(words_of(why))),
            }
            busy.set(false);
        });
    };
    // A link joins by itself, unless this phone is in a shift: then a person decides.
    let first = go;
    let tried = StoredValue::new(false);
    Effect::new(move || {
        let free = phone().loaded.get() && phone().identity.with(Option::is_none) && !ios.get();
        let link = LINK.with_borrow(Clone::clone);
        if let Some(link) = link.filter(|_| free && !tried.get_value()) {
            tried.set_value(true);
            first(link);
        }
    });
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let typed = code.get_untracked();
        let typed = if typed.trim().is_empty() { LINK.with_borrow(Clone::clone).unwrap_or_default() } else { typed };
        if typed.trim().is_empty() {
            fault.set(Some(key::JOIN_EMPTY));
        } else if !busy.get_untracked() {
            go(typed);
        }
    };
    let unsent = move || phone().figures.with(|figures| figures.waiting > 0);
    let member = move || phone().identity.with(Option::is_some);
    let form = move || {
        view! {
            <form class="stack" on:submit=submit>
                <label class="field-label" for="code">{tr(key::JOIN_CODE)}</label>
                <input id="code" class="code-input" autocomplete="off" autocapitalize="characters" spellcheck="false" inputmode="text" enterkeyhint="go" maxlength="80"
                    aria-describedby="code-hint" aria-invalid=move || fault.get().is_some().to_string() prop:value=move || code.get() on:input=move |event| code.set(event_target_value(&event))/>
                <p id="code-hint" class="soft small">{tr(key::JOIN_CODE_HINT)}</p>
                <div role="alert">{move || fault.get().map(|fault| note("", draw::WARN, tr(fault)))}</div>
                <button class="button primary" type="submit" disabled=move || busy.get()>{move || tr(if busy.get() { key::JOIN_GOING } else { key::JOIN_GO })()}</button>
            </form>
        }
    };
    view! {
        <Bar title=Signal::derive(tr(key::JOIN_TITLE))/>
        <div class="page">
            {move || if ios.get() {
                view! { <Ios again=ios/> }.into_any()
            } else {
                view! {
                    <p class="lead">{tr(key::JOIN_INTRO)}</p>
                    {member().then(|| note("calm", draw::INFO, tr(key::JOIN_ALREADY)))}
                    {move || unsent().then(|| note("calm", draw::INFO, tr(key::JOIN_UNSENT)))}
                    {form()}
                }.into_any()
            }}
        </div>
    }
}

/// On an iPhone the app on the home screen has its own storage, so it is put there before anything is saved.
#[component]
fn Ios(again: RwSignal<bool>) -> impl IntoView {
    view! {
        <h2>{tr(key::JOIN_IOS_TITLE)}</h2>
        <p>{tr(key::JOIN_IOS_WHY)}</p>
        <ol class="steps card">
            <li><span>{tr(key::JOIN_IOS_1)}</span></li>
            <li><span>{tr(key::JOIN_IOS_2)}</span></li>
            <li><span>{tr(key::JOIN_IOS_3)}</span></li>
        </ol>
        <button class="button quiet" on:click=move |_| again.set(false)>{tr(key::JOIN_IOS_ANYWAY)}{icon(draw::GO)}</button>
    }
}
