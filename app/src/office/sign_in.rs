//! Read by an officer at a desk or on a phone, seldom and in a hurry: how do I get in.

use dorbank_shared::words::key;
use leptos::prelude::*;

use super::{
    frame::role,
    page::{DemoPerson, SignIn, SignInLink},
    text::{t, with},
    trouble::notice,
};

/// How to sign in.
pub fn sign_in(page: SignIn) -> impl IntoView {
    view! {
        <div class="prose">
            <h1>{t(key::SIGN_IN_TITLE)}</h1>
            <p class="lead">{t(key::SIGN_IN_WHO)}</p>
            {page.notice.map(notice)}
            {(!page.people.is_empty()).then(|| people(page.people))}
            <section>
                <h2>{t(key::SIGN_IN_HOW)}</h2>
                <ol class="points">
                    <li>{t(key::SIGN_IN_HOW_1)}</li>
                    <li>{t(key::SIGN_IN_HOW_2)}</li>
                </ol>
                <p class="soft">{t(key::SIGN_IN_HOW_3)}</p>
                <pre class="command"><code>"dorbank officer link"</code></pre>
            </section>
        </div>
    }
}

fn people(people: Vec<DemoPerson>) -> impl IntoView {
    let rows: Vec<_> = people
        .into_iter()
        .map(|person| {
            let what = person.branch.map_or_else(|| role(person.role), |branch| format!("{} · {branch}", role(person.role)));
            let name = with(key::SIGN_IN_DEMO_BE, &[("name", &person.name)]);
            view! {
                <li class="row">
                    <p><strong>{person.name}</strong><br/>{what}</p>
                    <form method="post" action="/sign-in/v1/demo">
                        <input type="hidden" name="officer" value=person.id.to_string()/>
                        <button type="submit" aria-label=name>{t(key::OFFICE_SIGN_IN)}</button>
                    </form>
                </li>
            }
        })
        .collect();
    view! {
        <section>
            <h2>{t(key::SIGN_IN_DEMO)}</h2>
            <p>{t(key::SIGN_IN_DEMO_TEXT)}</p>
            <ul class="rows">{rows}</ul>
        </section>
    }
}

/// The button behind a link: mail scanners open links, but press no buttons.
pub fn link(page: &SignInLink) -> impl IntoView + use<> {
    let (title, inside) = if page.usable {
        let form = view! {
            <p class="lead">{t(key::SIGN_IN_LINK_TEXT)}</p>
            <form method="post" action="/sign-in/v1/consume">
                <button class="large" type="submit">{t(key::SIGN_IN_LINK_GO)}</button>
            </form>
        };
        (key::SIGN_IN_LINK_TITLE, form.into_any())
    } else {
        let words = view! {
            <p class="notice stop" role="alert">{t(key::SIGN_IN_REFUSED)}</p>
            <p><a class="button" href="/sign-in">{t(key::SIGN_IN_HOW)}</a></p>
        };
        (key::SIGN_IN_TITLE, words.into_any())
    };
    view! {
        <div class="prose">
            <h1>{t(title)}</h1>
            {inside}
        </div>
    }
}
