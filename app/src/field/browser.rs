//! What the browser offers and Rust does not: time, randomness, memory of small choices, the shell's own functions.

use dorbank_shared::sync::wire::APP_NUMBER;
use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Milliseconds since 1970, UTC, by the phone's clock.
#[expect(clippy::cast_possible_truncation, reason = "a clock's milliseconds are whole and far below 2^53")]
pub(super) fn now() -> i64 {
    js_sys::Date::now() as i64
}

/// The hour that has begun, in milliseconds since 1970, UTC.
pub(super) fn this_hour() -> i64 {
    now() / 3_600_000 * 3_600_000
}

/// Today in UTC, `YYYY-MM-DD`.
pub(super) fn today() -> String {
    String::from(js_sys::Date::new_0().to_iso_string()).chars().take(10).collect()
}

/// Random bytes of the browser.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    // At most 65,536 bytes at a time are allowed, and nothing here asks for more; without randomness nothing may be sealed.
    leptos::prelude::window().crypto().and_then(|crypto| crypto.get_random_values_with_u8_array(&mut out)).expect("a secure page has randomness");
    out
}

/// A number that spreads retries and shuffles slots.
pub(super) fn dice() -> u64 {
    u64::from_be_bytes(random())
}

/// A small choice (language, theme) that lives beside the app. Never anything that was recorded.
pub(super) fn remember(name: &str, value: Option<&str>) {
    if let Some(storage) = leptos::prelude::window().local_storage().ok().flatten() {
        let _ = match value {
            Some(value) => storage.set_item(name, value),
            None => storage.remove_item(name),
        };
    }
}

/// A small choice, if one was made.
pub(super) fn remembered(name: &str) -> Option<String> {
    leptos::prelude::window().local_storage().ok().flatten()?.get_item(name).ok().flatten()
}

fn shell() -> Option<JsValue> {
    Reflect::get(&leptos::prelude::window(), &"dorbank".into()).ok().filter(JsValue::is_object)
}

fn call(name: &str, arguments: &[JsValue]) -> Option<JsValue> {
    let shell = shell()?;
    let function: Function = Reflect::get(&shell, &name.into()).ok()?.dyn_into().ok()?;
    function.apply(&shell, &arguments.iter().collect::<Array>()).ok()
}

async fn ask(name: &str, arguments: &[JsValue]) -> Option<JsValue> {
    JsFuture::from(call(name, arguments)?.dyn_into::<Promise>().ok()?).await.ok()
}

/// Shows the shell's own words for the case that the app cannot go on.
pub(super) fn show_failure() {
    call("fail", &[]);
}

/// The app's number and the build that the shell belongs to.
pub(super) fn build() -> String {
    let shell = shell().and_then(|shell| Reflect::get(&shell, &"build".into()).ok()).and_then(|build| build.as_string());
    format!("{APP_NUMBER}-{}", shell.unwrap_or_default())
}

/// The words of a language, from the shell's cache.
pub(super) async fn words(language: &str) -> Option<String> {
    ask("words", &[language.into()]).await?.as_string()
}

/// Whether a newer shell waits.
pub(super) fn update_waits() -> bool {
    call("updateWaiting", &[]).is_some_and(|waits| waits.is_truthy())
}

/// Lets the newer shell take over; the page loads again. Only when no form is open.
pub(super) fn take_over() {
    call("takeOver", &[]);
}

/// Whether every file of the shell is held, byte for byte.
pub(super) async fn shell_is_held() -> bool {
    ask("shellHeld", &[]).await.is_some_and(|held| held.is_truthy())
}

/// Runs `work` while no other tab does. False when another tab is at it.
pub(super) async fn alone(name: &str, work: impl Future<Output = ()> + 'static) -> bool {
    let mut work = Some(work);
    let run = wasm_bindgen::closure::Closure::<dyn FnMut() -> Promise>::new(move || {
        let work = work.take();
        wasm_bindgen_futures::future_to_promise(async move {
            if let Some(work) = work {
                work.await;
            }
            Ok(JsValue::UNDEFINED)
        })
    });
    ask("alone", &[name.into(), run.as_ref().clone()]).await.is_some_and(|ran| ran.is_truthy())
}

/// Whether the browser has promised to keep the storage.
pub(super) async fn is_persisted() -> bool {
    let Ok(promise) = leptos::prelude::window().navigator().storage().persisted() else { return false };
    JsFuture::from(promise).await.is_ok_and(|kept| kept.is_truthy())
}

/// Asks the browser to promise it. Call from a tap: some browsers ask the person.
pub(super) async fn persist() -> bool {
    let Ok(promise) = leptos::prelude::window().navigator().storage().persist() else { return false };
    JsFuture::from(promise).await.is_ok_and(|kept| kept.is_truthy())
}

/// An iPhone or iPad whose app on the home screen has a storage apart from this tab's.
pub(super) fn is_ios_tab() -> bool {
    let navigator = leptos::prelude::window().navigator();
    let agent = navigator.user_agent().unwrap_or_default();
    let ios = ["iPhone", "iPad", "iPod"].iter().any(|name| agent.contains(name));
    let standalone = Reflect::get(&navigator, &"standalone".into()).is_ok_and(|value| value.is_truthy());
    ios && !standalone
}

/// Whether the page can be seen.
pub(super) fn is_visible() -> bool {
    leptos::prelude::document().visibility_state() == web_sys::VisibilityState::Visible
}

/// Hands the person a file.
pub(super) fn download(name: &str, text: &str) {
    call("download", &[name.into(), text.into()]);
}

/// Bytes of an array buffer.
pub(super) fn bytes_of(buffer: &JsValue) -> Vec<u8> {
    Uint8Array::new(buffer).to_vec()
}
