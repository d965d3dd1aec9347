//! The document around a page. Only the server writes it.

use dorbank_shared::words::{Words, key};
use leptos::{nonce::use_nonce, prelude::*};

use super::{
    Office,
    page::{Body, Page},
    text::words,
    trouble,
};

/// The addresses of the built files that a page needs. Absent ones are left out: the page reads without them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assets {
    /// The style sheet.
    pub css: Option<String>,
    /// The script that wasm-bindgen wrote.
    pub js: Option<String>,
    /// The program.
    pub wasm: Option<String>,
}

/// What the tab is called.
fn title(body: &Body, words: &Words) -> String {
    let name = words.get(key::OFFICE_NAME);
    let about = match body {
        Body::Front => return name.to_owned(),
        Body::Privacy => words.get(key::PRIVACY_PAGE_TITLE),
        Body::SignIn(_) | Body::SignInLink(_) => words.get(key::SIGN_IN_TITLE),
        Body::Plan(_) => words.get(key::PLAN_TITLE),
        Body::Shift(shift) => &shift.place,
        Body::Clarify(_) | Body::ClarifyOne(_) => words.get(key::CLARIFY_TITLE),
        Body::Status(_) => words.get(key::STATUS_TITLE),
        Body::Intake(_) => words.get(key::INTAKE_TITLE),
        Body::Programme(programme) => {
            programme.chosen.as_ref().and_then(|area| area.name.as_deref()).unwrap_or_else(|| words.get(key::PROGRAMME_TITLE))
        }
        Body::Admin(_) => words.get(key::ADMIN_TITLE),
        Body::Trouble(trouble) => words.get(trouble::words(*trouble).0),
    };
    format!("{about} · {name}")
}

/// The whole document.
pub fn document(page: &Page, assets: Assets) -> impl IntoView + use<> {
    let title = title(&page.body, &words(&page.frame.language));
    // Without scripting a live page loads itself again; with it, it asks for its data.
    let live = matches!(page.body, Body::Shift(_)).then(|| view! { <noscript><meta http-equiv="refresh" content="30"/></noscript> });
    let script = assets.js.zip(assets.wasm).map(|(js, wasm)| {
        let start = format!("import init, {{ hydrate }} from {js:?};\nawait init({{ module_or_path: {wasm:?} }});\nhydrate();");
        view! {
            <link rel="modulepreload" href=js/>
            <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
            <script r#type="module" nonce=use_nonce()>{start}</script>
        }
    });
    view! {
        <!DOCTYPE html>
        <html lang=page.frame.language.clone()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{title}</title>
                <link rel="icon" href="/icons/icon.svg" r#type="image/svg+xml"/>
                {assets.css.map(|css| view! { <link rel="stylesheet" href=css/> })}
                {live}
                {script}
            </head>
            <body>
                <Office/>
            </body>
        </html>
    }
}
