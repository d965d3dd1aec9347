//! Parts that several screens share.

use dorbank_shared::{sync::engine::Problem, visit::Outcome, words::key};
use leptos::{html, prelude::*};
use wasm_bindgen_futures::spawn_local;

use super::{
    actions, browser,
    phone::{StorageFault, count, fill, phone, tr, word},
    route, sync,
};

/// A line drawing of 24 by 24.
pub fn icon(path: &'static str) -> AnyView {
    view! { <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=path/></svg> }.into_any()
}

/// The drawings.
pub mod draw {
    pub const BACK: &str = "M15 5l-7 7 7 7";
    pub const GO: &str = "M9 5l7 7-7 7";
    pub const CHECK: &str = "M5 12.5l4.5 4.5L19 7.5";
    pub const CLOSE: &str = "M6 6l12 12M18 6L6 18";
    pub const DASH: &str = "M6 12h12";
    pub const CLOCK: &str = "M12 7v5l3.5 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0";
    pub const STOP: &str = "M6.5 17.5l11-11";
    pub const HAND: &str = "M8 8l8 8M16 8l-8 8";
    pub const PAPER: &str = "M7 4h7l4 4v12H7zM13 4v5h5";
    pub const LOCK: &str = "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z";
    pub const BELL: &str = "M7 3h10v18H7zM10 7h4M10 10.5h4M12 16.5v.01";
    pub const GEAR: &str = "M4 7h9M19 7h1M4 17h3M13 17h7M16 4.5v5M10 14.5v5";
    pub const WARN: &str = "M12 4l9 16H3zM12 10v4M12 17v.01";
    pub const INFO: &str = "M12 11v6M12 7.5v.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0";
}

/// The mark of a state: shape and colour, so that neither is needed alone.
pub fn mark(state: Option<Outcome>) -> AnyView {
    let path = match state {
        None => return view! { <span class="mark" aria-hidden="true"></span> }.into_any(),
        Some(Outcome::NotHome) => draw::DASH,
        Some(Outcome::Talked | Outcome::IntercomTalked | Outcome::IntercomLetIn | Outcome::Done) => draw::CHECK,
        Some(Outcome::Declined | Outcome::IntercomDeclined) => draw::HAND,
        Some(Outcome::NoAccess) => draw::LOCK,
        Some(Outcome::ComeBack) => draw::CLOCK,
        Some(Outcome::DoNotKnock) => draw::STOP,
        Some(Outcome::LeafletOnly) => draw::PAPER,
    };
    let class = format!("mark {}", state.map_or("", Outcome::name));
    view! { <span class=class aria-hidden="true">{icon(path)}</span> }.into_any()
}

/// The bar above each screen: where one is, and the way back.
#[component]
pub fn Bar(
    /// What the screen is about.
    #[prop(into)]
    title: Signal<String>,
    /// A second line.
    #[prop(into, optional)]
    below: Option<Signal<String>>,
    /// Where back leads; nothing on the first screen.
    #[prop(into, optional)]
    back: Option<String>,
    /// A form: no way out but its own buttons.
    #[prop(optional)]
    form: bool,
) -> impl IntoView {
    let heading = NodeRef::<html::H1>::new();
    Effect::new(move || {
        document().set_title(&title.get());
    });
    // A screen reader starts at the new screen's heading.
    Effect::new(move || {
        if let Some(heading) = heading.get() {
            let _ = heading.focus();
            window().scroll_to_with_x_and_y(0.0, route::scroll());
        }
    });
    let first = back.is_none() && !form;
    view! {
        <header class="bar">
            {back.map(|back| view! { <a class="icon-button" href=back aria-label=tr(key::NAV_BACK)>{icon(draw::BACK)}</a> })}
            <div class="bar-title">
                <h1 tabindex="-1" node_ref=heading>{move || title.get()}</h1>
                {below.map(|below| view! { <p>{move || below.get()}</p> })}
            </div>
            {first.then(|| view! { <a class="icon-button" href="/field/settings" aria-label=tr(key::NAV_SETTINGS)>{icon(draw::GEAR)}</a> })}
        </header>
    }
}

/// Why `waiting` visits still wait, where it is not for a network alone.
pub fn hindrance(problem: Option<Problem>, waiting: usize) -> Option<String> {
    let key = match (problem?, waiting) {
        (Problem::Portal, _) => key::SAVED_PORTAL,
        (Problem::Unknown, _) => key::SAVED_UNKNOWN_DEVICE,
        (Problem::Server, 1..) => key::SAVED_SERVER,
        (Problem::Storage, _) => key::SAVED_NO_RECEIPTS,
        _ => return None,
    };
    Some(fill(key, &[("n", &waiting.to_string())]))
}

/// The line that is always there: what is safe, and what waits.
#[component]
pub fn SavedLine() -> impl IntoView {
    let line = Memo::new(move |_| {
        let phone = phone();
        let figures = phone.figures.get();
        if phone.storage.get().is_some() {
            return ("saved problem", word(key::SAVED_STORED_FAULT));
        }
        if let Some(hindrance) = hindrance(figures.problem, figures.waiting) {
            // A server that is busy is nothing that anybody here can do something about.
            return (if figures.problem == Some(Problem::Server) { "saved waiting" } else { "saved problem" }, hindrance);
        }
        match (figures.problem, figures.waiting) {
            (Some(Problem::Offline), 0) => ("saved waiting", word(key::SAVED_OFFLINE)),
            (_, 0) if figures.noted == 0 => ("saved", word(key::SAVED_NOTHING_YET)),
            (_, 0) if phone.pool.get().waiting() > 0 => ("saved", word(key::SAVED_INPUTS_WAIT)),
            (_, 0) => ("saved", word(key::SAVED_ALL_SENT)),
            (_, waiting) => ("saved waiting", count(key::SAVED_WAITING, waiting)),
        }
    });
    view! {
        <div class=move || line.get().0 role="status" aria-live="polite">
            <a href="/field/end">{move || icon(if line.get().0 == "saved problem" { draw::WARN } else { draw::CHECK })}<span>{move || line.get().1}</span></a>
        </div>
    }
}

/// What storage that fails is called.
pub fn storage_title(fault: StorageFault) -> &'static str {
    if fault == StorageFault::Unread { key::STORAGE_UNREAD_TITLE } else { key::STORAGE_TITLE }
}

/// What is said across all screens: storage that fails, a new version.
#[component]
pub fn Banners() -> impl IntoView {
    // A new version begins with a reload, and what storage has not taken is nowhere but in this page. Looked for only where a
    // screen begins: what comes later moves the doors under a finger.
    let update_free = move || {
        phone().update.track();
        phone().route.track();
        !phone().form_open.get() && phone().storage.get().is_none() && browser::update_waits()
    };
    let old = move || phone().figures.with(|figures| figures.problem == Some(Problem::UpdateNeeded));
    view! {
        {move || phone().storage.get().map(|fault| view! {
            <div class="note stop banner" role="alert">
                {icon(draw::WARN)}
                <p><b>{tr(storage_title(fault))}</b><br/>{tr(match fault {
                    StorageFault::Failed => key::STORAGE_TEXT,
                    StorageFault::Silent => key::STORAGE_SILENT,
                    StorageFault::Unread => key::STORAGE_UNREAD,
                    StorageFault::Blocked => key::STORAGE_BLOCKED,
                    StorageFault::Newer => key::STORAGE_NEWER,
                })}</p>
                <button class="button primary" on:click=move |_| spawn_local(actions::write_again())>{tr(key::STORAGE_AGAIN)}</button>
                {actions::has_unsent().then(|| view! { <button class="button" on:click=move |_| spawn_local(actions::save_file())>{tr(key::STORAGE_EXPORT)}</button> })}
            </div>
        })}
        {move || phone().emptied.get().then(|| banner("", "alert", draw::WARN, key::STORAGE_EMPTIED, Some((key::NAV_CLOSE, || phone().emptied.set(false)))))}
        {move || old().then(|| banner("", "alert", draw::WARN, key::UPDATE_NEEDED, None))}
        {move || update_free().then(|| banner("calm", "status", draw::INFO, key::UPDATE_READY, Some((key::UPDATE_TAKE, || actions::when_written(browser::take_over)))))}
    }
}

/// One thing that is said across all screens, with a button where there is something to do about it.
fn banner(class: &'static str, role: &'static str, path: &'static str, text: &'static str, button: Option<(&'static str, fn())>) -> AnyView {
    view! {
        <div class=format!("note banner {class}") role=role>
            {icon(path)}
            <p>{tr(text)}</p>
            {button.map(|(word, press)| view! { <button class="button" on:click=move |_| press()>{tr(word)}</button> })}
        </div>
    }
    .into_any()
}

/// What the last tap did, with a way to take it back. It stays until the next tap or until it is closed.
#[component]
pub fn SnackBar() -> impl IntoView {
    let close = move |_| phone().snack.set(None);
    view! {
        <div class="snack-place" role="status" aria-live="polite">
            {move || phone().snack.get().map(|snack| {
                let undo = snack.undo.clone();
                view! {
                    <div class="snack">
                        <span>{snack.text}</span>
                        {(!undo.is_empty()).then(|| view! { <button on:click=move |_| spawn_local(actions::undo(undo.clone()))>{tr(key::DOOR_UNDO)}</button> })}
                        <button class="close" aria-label=tr(key::NAV_CLOSE) on:click=close>{icon(draw::CLOSE)}</button>
                    </div>
                }
            })}
        </div>
    }
}

/// A note with a drawing before it.
pub fn note(class: &'static str, path: &'static str, text: impl IntoView + 'static) -> AnyView {
    view! { <div class=format!("note {class}")>{icon(path)}<div>{text.into_any()}</div></div> }.into_any()
}

/// How far something is done.
pub fn bar_of(done: usize, all: usize, label: String) -> AnyView {
    view! { <progress max=all.max(1).to_string() value=done.to_string() aria-label=label></progress> }.into_any()
}

/// Asks the server now, because somebody tapped.
pub fn send_now() {
    let phone = phone();
    phone.sending.set(true);
    sync::nudge();
    gloo_timers::callback::Timeout::new(1500, move || phone.sending.set(false)).forget();
}
