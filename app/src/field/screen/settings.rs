//! Once, at the kitchen table: language, light or dark, and what this is.

use std::sync::Arc;

use dorbank_shared::words::{LANGUAGES, Words, key};
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::field::{
    actions, browser,
    phone::{fill, phone, tr},
    ui::{Bar, storage_title},
};

fn choose_language(code: &'static str) {
    spawn_local(async move {
        let Some(words) = browser::words(code).await.and_then(|json| Words::parse(code, &json).ok()) else { return };
        browser::remember("language", Some(code));
        if let Some(page) = document().document_element() {
            let _ = page.set_attribute("lang", code);
        }
        phone().words.set(Arc::new(words));
    });
}

fn choose_theme(theme: Option<&'static str>) {
    browser::remember("theme", theme);
    if let Some(page) = document().document_element() {
        let _ = match theme {
            Some(theme) => page.set_attribute("data-theme", theme),
            None => page.remove_attribute("data-theme"),
        };
    }
}

const fn language_name(code: &str) -> &'static str {
    match code.as_bytes() {
        b"nn" => key::LANGUAGE_NN,
        b"en" => key::LANGUAGE_EN,
        _ => key::LANGUAGE_NB,
    }
}

/// The settings.
#[component]
pub fn Settings() -> impl IntoView {
    let theme = RwSignal::new(browser::remembered("theme"));
    let themes = [(None, key::SETTINGS_THEME_AUTO), (Some("light"), key::SETTINGS_THEME_LIGHT), (Some("dark"), key::SETTINGS_THEME_DARK)];
    let unsent = move || phone().figures.with(|figures| figures.waiting);
    view! {
        <Bar title=Signal::derive(tr(key::SETTINGS_TITLE)) back="/field/"/>
        <div class="page">
            <fieldset>
                <legend>{tr(key::SETTINGS_LANGUAGE)}</legend>
                {LANGUAGES.into_iter().map(|code| view! {
                    <label class="radio" lang=code><input type="radio" name="language" prop:checked=move || phone().words.with(|words| words.language() == code) on:change=move |_| choose_language(code)/><span>{tr(language_name(code))}</span></label>
                }).collect_view()}
            </fieldset>
            <fieldset>
                <legend>{tr(key::SETTINGS_THEME)}</legend>
                {themes.into_iter().map(|(value, name)| view! {
                    <label class="radio"><input type="radio" name="theme" prop:checked=move || theme.with(|theme| theme.as_deref() == value) on:change=move |_| { theme.set(value.map(str::to_owned)); choose_theme(value); }/><span>{tr(name)}</span></label>
                }).collect_view()}
            </fieldset>
            <a class="button" href="/field/ready">{tr(key::SETTINGS_READY)}</a>
            <section class="stack">
                {move || if unsent() > 0 || actions::has_taps() {
                    view! { <button class="button" on:click=move |_| spawn_local(actions::save_file())>{tr(key::SETTINGS_EXPORT)}</button><p class="soft small">{tr(key::SETTINGS_EXPORT_WHY)}</p> }.into_any()
                } else {
                    let word = match phone().storage.get() {
                        Some(fault) => Some(storage_title(fault)),
                        None if phone().pool.get().waiting() > 0 => Some(key::SETTINGS_INPUTS_WAIT),
                        // Of who is in no shift nothing is known.
                        None => phone().identity.with(Option::is_some).then_some(key::SETTINGS_NOTHING_UNSENT),
                    };
                    word.map(|word| view! { <p class="soft">{tr(word)}</p> }).into_any()
                }}
            </section>
            <a class="button quiet" href="/field/join">{tr(key::JOIN_ANOTHER)}</a>
            <section class="stack">
                <h2>{tr(key::SETTINGS_ABOUT)}</h2>
                <p>{tr(key::SETTINGS_ABOUT_TEXT)}</p>
                <p class="soft small">{move || {
                    let mut text = fill(key::SETTINGS_VERSION, &[("build", &browser::build())]);
                    if let Some(credit) = phone().bundle.with(|bundle| bundle.as_ref().and_then(|bundle| bundle.credit.clone())) {
                        text += " · ";
                        text += &fill(key::SETTINGS_CREDIT, &[("credit", &credit)]);
                    }
                    text
                }}</p>
            </section>
        </div>
    }
}
