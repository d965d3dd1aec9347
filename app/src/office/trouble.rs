//! Read by anybody whom something stopped: what happened, what is safe, what to do.

use dorbank_shared::words::key;
use leptos::prelude::*;

use super::{
    page::{Notice, Trouble},
    text::t,
};

/// The keys of a trouble's title and text.
pub const fn words(trouble: Trouble) -> (&'static str, &'static str) {
    match trouble {
        Trouble::SignIn => (key::TROUBLE_SIGN_IN_TITLE, key::TROUBLE_SIGN_IN_TEXT),
        Trouble::Forbidden => (key::TROUBLE_FORBIDDEN_TITLE, key::TROUBLE_FORBIDDEN_TEXT),
        Trouble::NotFound => (key::TROUBLE_NOT_FOUND_TITLE, key::TROUBLE_NOT_FOUND_TEXT),
        Trouble::Stale => (key::TROUBLE_STALE_TITLE, key::TROUBLE_STALE_TEXT),
        Trouble::Refused => (key::TROUBLE_REFUSED_TITLE, key::TROUBLE_REFUSED_TEXT),
        Trouble::Busy => (key::TROUBLE_BUSY_TITLE, key::TROUBLE_BUSY_TEXT),
        Trouble::Failed => (key::TROUBLE_FAILED_TITLE, key::TROUBLE_FAILED_TEXT),
    }
}

/// The same above a page that the reader was led back to.
pub fn notice(notice: Notice) -> impl IntoView {
    let words = match notice {
        Notice::LinkRefused => view! { <p>{t(key::SIGN_IN_REFUSED)}</p> }.into_any(),
        Notice::Trouble(trouble) => {
            let (title, text) = words(trouble);
            view! { <p><strong>{t(title)}</strong></p><p>{t(text)}</p> }.into_any()
        }
    };
    view! { <div class="notice stop" role="alert">{words}</div> }
}

/// What stopped somebody, in words.
pub fn trouble(trouble: Trouble, here: &str) -> impl IntoView + use<> {
    let (title, text) = words(trouble);
    let (address, word) = match trouble {
        Trouble::SignIn => ("/sign-in".to_owned(), key::OFFICE_SIGN_IN),
        Trouble::Busy | Trouble::Failed => (here.to_owned(), key::TROUBLE_RETRY),
        Trouble::Forbidden | Trouble::NotFound | Trouble::Stale | Trouble::Refused => ("/".to_owned(), key::TROUBLE_HOME),
    };
    view! {
        <div class="prose trouble">
            <h1>{t(title)}</h1>
            <p class="lead">{t(text)}</p>
            <p><a class="button" href=address>{t(word)}</a></p>
        </div>
    }
}
