//! Keeps a live page fresh: the page asks its own address for its data, as JSON, while somebody looks at it.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, RequestInit, Response};

use super::page::{Body, Page, ShiftPage};

/// How often it asks.
const EVERY: Duration = Duration::from_secs(10);

/// Asks again and again for the shift that a page shows, but not in a hidden tab and not under a choice being made.
pub fn keep_fresh(page: RwSignal<ShiftPage>) {
    let ask = move || {
        if document().hidden() || is_choosing() {
            return;
        }
        spawn_local(async move {
            match fetch().await {
                Answer::Page(next) if !is_choosing() => {
                    if let Body::Shift(next) = next.body
                        && page.try_with_untracked(|now| *now != *next) == Some(true)
                    {
                        page.try_set(*next);
                    }
                }
                Answer::Page(_) | Answer::Nothing => {}
                // Signed out, or the server is newer than this page: the page itself says so best.
                Answer::Other => {
                    let _ = window().location().reload();
                }
            }
        });
    };
    if let Ok(timer) = set_interval_with_handle(ask, EVERY) {
        on_cleanup(move || timer.clear());
    }
}

/// Whether the reader has a choice open or a button under the thumb, which a fresh page must not pull away.
fn is_choosing() -> bool {
    document().active_element().is_some_and(|element| matches!(element.tag_name().as_str(), "SELECT" | "BUTTON" | "INPUT" | "SUMMARY"))
}

enum Answer {
    Page(Box<Page>),
    Other,
    Nothing,
}

async fn fetch() -> Answer {
    let Some(response) = request().await else { return Answer::Nothing };
    if response.status() >= 500 {
        return Answer::Nothing;
    }
    if !response.ok() {
        return Answer::Other;
    }
    let Ok(text) = response.text() else { return Answer::Nothing };
    let Ok(text) = JsFuture::from(text).await else { return Answer::Nothing };
    match text.as_string().and_then(|text| serde_json::from_str(&text).ok()) {
        Some(page) => Answer::Page(Box::new(page)),
        None => Answer::Other,
    }
}

async fn request() -> Option<Response> {
    let request = Request::new_with_str_and_init(&window().location().href().ok()?, &RequestInit::new()).ok()?;
    request.headers().set("Accept", "application/json").ok()?;
    JsFuture::from(window().fetch_with_request(&request)).await.ok()?.dyn_into().ok()
}
