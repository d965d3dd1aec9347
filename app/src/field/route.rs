//! The addresses of the screens, and the ways between them: links, the browser's own back, and steps that the app takes.

use std::cell::RefCell;

use leptos::prelude::*;
use uuid::Uuid;
use wasm_bindgen::{JsCast as _, JsValue};

use super::phone::phone;

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// What comes next for this phone.
    Home,
    /// Joining a shift.
    Join,
    /// A turf's entrances.
    Turf(Uuid),
    /// An entrance's doors.
    Entrance(Uuid),
    /// Writing an input.
    Note,
    /// The proof at the shift's end.
    End,
    /// Language, theme, what is on this phone.
    Settings,
    /// The check for no network.
    Ready,
    /// No such screen.
    Unknown,
}

impl Route {
    fn parse(path: &str) -> Self {
        let id = |text: &str, route: fn(Uuid) -> Self| Uuid::parse_str(text).map_or(Self::Unknown, route);
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match parts[..] {
            ["field"] => Self::Home,
            ["field", "join"] => Self::Join,
            ["field", "turf", turf] => id(turf, Self::Turf),
            ["field", "entrance", entrance] => id(entrance, Self::Entrance),
            ["field", "note"] => Self::Note,
            ["field", "end"] => Self::End,
            ["field", "settings"] => Self::Settings,
            ["field", "ready"] => Self::Ready,
            _ => Self::Unknown,
        }
    }

    /// The screen of the page's address.
    pub fn here() -> Self {
        Self::parse(&window().location().pathname().unwrap_or_default())
    }

    /// A list that one returns to where one left it, not at its top.
    fn is_list(self) -> bool {
        matches!(self, Self::Home | Self::Turf(_))
    }
}

thread_local! {
    /// The last list, and how far down it was read.
    static LIST: RefCell<Option<(Route, f64)>> = const { RefCell::new(None) };
}

/// How far down the screen that is shown now begins.
pub fn scroll() -> f64 {
    let route = phone().route.get_untracked();
    LIST.with_borrow(|list| list.filter(|(of, _)| *of == route).map_or(0.0, |(_, down)| down))
}

/// Goes to another screen. `replace` leaves no way back to this one.
pub fn go(address: &str, replace: bool) {
    let Ok(history) = window().history() else { return };
    let moved = if replace {
        history.replace_state_with_url(&JsValue::NULL, "", Some(address))
    } else {
        history.push_state_with_url(&JsValue::NULL, "", Some(address))
    };
    if moved.is_ok() {
        arrive();
    }
}

fn arrive() {
    let phone = phone();
    let before = phone.route.get_untracked();
    let after = Route::here();
    if before == after {
        return;
    }
    // The browser's back has gone already. What is being written is struck by its own button only, so back it goes.
    if before == Route::Note && phone.form_open.get_untracked() {
        if let Ok(history) = window().history() {
            let _ = history.push_state_with_url(&JsValue::NULL, "", Some("/field/note"));
        }
        phone.held_back.update(|times| *times += 1);
        return;
    }
    if before.is_list() {
        LIST.set(Some((before, window().scroll_y().unwrap_or_default())));
    }
    // What a tap on one screen did is not undone from another.
    phone.snack.set(None);
    phone.route.set(after);
}

/// Follows the browser's back and the taps on links of the app. Everything else about a link stays the browser's.
pub fn listen() {
    if let Ok(history) = window().history() {
        let _ = history.set_scroll_restoration(web_sys::ScrollRestoration::Manual);
    }
    std::mem::forget(window_event_listener_untyped("popstate", |_| arrive()));
    std::mem::forget(window_event_listener_untyped("click", |event| {
        if let Some(address) = address_of(&event) {
            event.prevent_default();
            go(&address, false);
        }
    }));
}

/// Where a plain tap on a link of the app leads.
fn address_of(event: &web_sys::Event) -> Option<String> {
    let click = event.dyn_ref::<web_sys::MouseEvent>()?;
    if event.default_prevented() || click.button() != 0 || click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key() {
        return None;
    }
    let link = event.target()?.dyn_into::<web_sys::Element>().ok()?.closest("a[href^='/field/']").ok()??;
    if link.has_attribute("download") || link.has_attribute("target") {
        return None;
    }
    link.get_attribute("href")
}
