//! Read by everybody, at a desk or on a phone: where am I, where can I go, in which language, as whom.

use dorbank_shared::{principal::Role, words::key};
use leptos::prelude::*;

use super::{
    page::{Frame, Person},
    text::{t, with},
};

/// The languages by their own names. A language's name is written in that language, whatever the page speaks.
const LANGUAGES: [(&str, &str); 3] = [("nb", "Bokmål"), ("nn", "Nynorsk"), ("en", "English")];

/// The word for a role.
pub fn role(role: Role) -> String {
    t(match role {
        Role::Lead => key::ROLE_LEAD,
        Role::Organiser => key::ROLE_ORGANISER,
        Role::Committee => key::ROLE_COMMITTEE,
        Role::Reviewer => key::ROLE_REVIEWER,
        Role::County => key::ROLE_COUNTY,
        Role::Privacy => key::ROLE_PRIVACY,
    })
}

/// Where somebody with a role may go.
fn places(role: Role) -> Vec<(&'static str, &'static str)> {
    let plan = ("/plan", key::OFFICE_NAV_PLAN);
    let programme = ("/programme", key::OFFICE_NAV_PROGRAMME);
    let admin = ("/admin", key::OFFICE_NAV_ADMIN);
    match role {
        Role::Lead | Role::Organiser => vec![plan],
        Role::Committee | Role::Reviewer => vec![programme],
        Role::Privacy => vec![programme, admin],
        Role::County => vec![plan, programme, admin],
    }
}

/// What stands above every page.
pub fn header(frame: &Frame) -> impl IntoView + use<> {
    let person = frame.person.clone();
    let path = frame.here.split('?').next().unwrap_or_default().to_owned();
    view! {
        <a class="skip" href="#main">{t(key::OFFICE_SKIP)}</a>
        <header class="top">
            {frame.demo.then(|| view! { <p class="demo">{t(key::OFFICE_DEMO)}</p> })}
            <div class="top-row">
                <a class="brand" href="/">
                    <img src="/icons/icon.svg" alt="" width="32" height="32"/>
                    {t(key::OFFICE_NAME)}
                </a>
                {languages(frame)}
            </div>
            {match person {
                Some(person) => signed_in(&person, &path).into_any(),
                None => signed_out(&path).into_any(),
            }}
        </header>
    }
}

fn languages(frame: &Frame) -> impl IntoView + use<> {
    let sign = if frame.here.contains('?') { '&' } else { '?' };
    let links: Vec<_> = LANGUAGES
        .into_iter()
        .map(|(code, name)| {
            let current = (frame.language == code).then_some("true");
            let address = format!("{}{sign}lang={code}", frame.here);
            view! { <li><a href=address lang=code hreflang=code aria-current=current>{name}</a></li> }
        })
        .collect();
    view! {
        <nav class="languages" aria-label=t(key::OFFICE_LANGUAGE)>
            <ul>{links}</ul>
        </nav>
    }
}

fn signed_in(person: &Person, path: &str) -> impl IntoView + use<> {
    let links: Vec<_> = places(person.role)
        .into_iter()
        .map(|(address, word)| {
            let current = if path == address {
                Some("page")
            } else if path.starts_with(address) {
                Some("true")
            } else {
                None
            };
            view! { <li><a href=address aria-current=current>{t(word)}</a></li> }
        })
        .collect();
    let who = with(key::OFFICE_SIGNED_IN, &[("name", &person.name), ("role", &role(person.role))]);
    view! {
        <div class="top-row">
            <nav class="places" aria-label=t(key::OFFICE_NAV)>
                <ul>{links}</ul>
            </nav>
            <form class="person" method="post" action="/sign-in/v1/out">
                <span class="person-name">{who}</span>
                <button class="quiet" type="submit">{t(key::OFFICE_SIGN_OUT)}</button>
            </form>
        </div>
    }
}

fn signed_out(path: &str) -> impl IntoView + use<> {
    let current = (path == "/sign-in").then_some("page");
    view! {
        <nav class="top-row places" aria-label=t(key::OFFICE_NAV)>
            <ul>
                <li><a href="/field/">{t(key::OFFICE_NAV_FIELD)}</a></li>
                <li><a href="/sign-in" aria-current=current>{t(key::OFFICE_SIGN_IN)}</a></li>
            </ul>
        </nav>
    }
}

/// What stands below every page.
pub fn footer(frame: &Frame) -> impl IntoView + use<> {
    view! {
        <footer class="bottom">
            <ul>
                <li><a href="/">{t(key::OFFICE_FOOTER_ABOUT)}</a></li>
                <li><a href="/privacy">{t(key::OFFICE_FOOTER_PRIVACY)}</a></li>
                <li>{t(key::OFFICE_FOOTER_CODE)}</li>
                {frame.credit.clone().map(|credit| view! { <li>{credit}</li> })}
            </ul>
        </footer>
    }
}
