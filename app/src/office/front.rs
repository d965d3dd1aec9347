//! Read by anybody, often on a phone after a knock: what is this, is it anonymous, where do I go.

use dorbank_shared::words::key;
use leptos::prelude::*;

use super::text::t;

/// The public front page.
pub fn front() -> impl IntoView {
    view! {
        <div class="front">
            <h1>{t(key::FRONT_TITLE)}</h1>
            <p class="lead">{t(key::FRONT_LEAD)}</p>
            <div class="pair">
                <section class="card">
                    <h2>{t(key::FRONT_VOLUNTEER)}</h2>
                    <p>{t(key::FRONT_VOLUNTEER_TEXT)}</p>
                    <a class="button" href="/field/">{t(key::FRONT_VOLUNTEER_GO)}</a>
                </section>
                <section class="card">
                    <h2>{t(key::FRONT_OFFICER)}</h2>
                    <p>{t(key::FRONT_OFFICER_TEXT)}</p>
                    <a class="button second" href="/sign-in">{t(key::OFFICE_SIGN_IN)}</a>
                </section>
            </div>
            <section>
                <h2>{t(key::FRONT_ANONYMOUS)}</h2>
                <ol class="points">
                    <li>{t(key::FRONT_ANONYMOUS_1)}</li>
                    <li>{t(key::FRONT_ANONYMOUS_2)}</li>
                    <li>{t(key::FRONT_ANONYMOUS_3)}</li>
                    <li>{t(key::FRONT_ANONYMOUS_4)}</li>
                    <li>{t(key::FRONT_ANONYMOUS_5)}</li>
                </ol>
                <p><a href="/privacy">{t(key::FRONT_MORE)}</a></p>
            </section>
        </div>
    }
}
