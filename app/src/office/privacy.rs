//! Read by somebody who answered the door, or will go canvassing: what is stored about me, and whom do I ask.

use dorbank_shared::words::key;
use leptos::prelude::*;

use super::text::t;

fn part(title: &str, points: &[&str]) -> impl IntoView + use<> {
    let points: Vec<_> = points.iter().map(|point| view! { <li>{t(point)}</li> }).collect();
    view! {
        <section>
            <h2>{t(title)}</h2>
            <ul class="dots">{points}</ul>
        </section>
    }
}

/// What is stored about whom.
pub fn privacy() -> impl IntoView {
    view! {
        <div class="prose">
            <h1>{t(key::PRIVACY_PAGE_TITLE)}</h1>
            <p class="lead">{t(key::PRIVACY_PAGE_LEAD)}</p>
            {part(
                key::PRIVACY_PAGE_RESIDENT,
                &[
                    key::PRIVACY_PAGE_RESIDENT_1,
                    key::PRIVACY_PAGE_RESIDENT_2,
                    key::PRIVACY_PAGE_RESIDENT_3,
                    key::PRIVACY_PAGE_RESIDENT_4,
                ],
            )}
            {part(
                key::PRIVACY_PAGE_VOLUNTEER,
                &[key::PRIVACY_PAGE_VOLUNTEER_1, key::PRIVACY_PAGE_VOLUNTEER_2, key::PRIVACY_PAGE_VOLUNTEER_3],
            )}
            {part(key::PRIVACY_PAGE_OFFICER, &[key::PRIVACY_PAGE_OFFICER_1, key::PRIVACY_PAGE_OFFICER_2])}
            {part(key::PRIVACY_PAGE_LIMITS, &[key::PRIVACY_PAGE_LIMITS_1, key::PRIVACY_PAGE_LIMITS_2])}
            <section>
                <h2>{t(key::PRIVACY_PAGE_ASK)}</h2>
                <p>{t(key::PRIVACY_PAGE_ASK_TEXT)}</p>
            </section>
        </div>
    }
}
