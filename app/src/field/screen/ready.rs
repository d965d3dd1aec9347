//! Still at the meeting place, with a network: the last moment at which anything missing can be had.

use dorbank_shared::words::key;
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::field::{
    browser,
    phone::{phone, tr},
    store::outbox,
    ui::{Bar, draw, icon, send_now},
};

/// Where it is remembered that the browser would not promise.
const REFUSED: &str = "persist-refused";

/// What was looked at, each true or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four answers that have nothing to do with each other")]
struct Found {
    shell: bool,
    persisted: bool,
    probe: bool,
    turf: bool,
}

impl Found {
    /// A browser that was asked and said no is not asked again by a line on every screen.
    fn all(self) -> bool {
        self.shell && self.probe && self.turf && (self.persisted || browser::remembered(REFUSED).is_some())
    }
}

async fn look() -> Found {
    let turf = phone().bundle.with_untracked(|bundle| {
        bundle.as_ref().is_some_and(|bundle| phone().bases.with_untracked(|bases| bundle.turfs.iter().all(|turf| bases.contains_key(&turf.id))))
    });
    Found { shell: browser::shell_is_held().await, persisted: browser::is_persisted().await, probe: outbox::probe().await.unwrap_or(false), turf }
}

/// Looks again, in the background: after the shell was stored, and when a screen wants to know.
pub fn look_again() {
    spawn_local(async {
        let found = look().await;
        phone().ready.set(Some(found.all()));
    });
}

/// A line on the turf's screen, only while something is missing.
#[component]
pub fn ReadyHint() -> impl IntoView {
    // The list comes first: reading the whole shell costs an old phone a moment.
    if phone().ready.get_untracked() != Some(true) {
        gloo_timers::callback::Timeout::new(1500, look_again).forget();
    }
    view! {
        {move || (phone().ready.get() == Some(false)).then(|| view! {
            <a class="button" href="/field/ready">{icon(draw::WARN)}{tr(key::READY_MISSING)}</a>
        })}
    }
}

/// The check: each line is looked at now, and says what to do.
#[component]
pub fn Ready() -> impl IntoView {
    let found = RwSignal::new(None::<Found>);
    let refused = RwSignal::new(false);
    let again = move || {
        found.set(None);
        spawn_local(async move {
            let now = look().await;
            phone().ready.set(Some(now.all()));
            found.set(Some(now));
        });
    };
    again();
    Effect::new(move |_| {
        phone().ready.track();
        phone().bundle.track();
        spawn_local(async move { found.set(Some(look().await)) });
    });
    let ask = move |_| {
        spawn_local(async move {
            let kept = browser::persist().await;
            refused.set(!kept);
            browser::remember(REFUSED, (!kept).then_some("1"));
            again();
        });
    };
    let line = move |ok: bool, what: &'static str, todo: &'static str, more: Option<AnyView>| {
        view! {
            <li class=if ok { "check" } else { "check missing" }>
                {icon(if ok { draw::CHECK } else { draw::WARN })}
                <div>
                    <p><b>{tr(what)}</b><span class="unseen">": "{tr(if ok { key::READY_OK } else { key::READY_NOT_OK })}</span></p>
                    {(!ok).then(|| view! { <p class="soft">{tr(todo)}</p> })}
                    {more}
                </div>
            </li>
        }
        .into_any()
    };
    view! {
        <Bar title=Signal::derive(tr(key::READY_TITLE)) back="/field/"/>
        <div class="page">
            <div role="status">
                {move || match found.get() {
                    None => view! { <p class="soft">{tr(key::READY_LOOKING)}</p> }.into_any(),
                    Some(now) => {
                        let button = (!now.persisted).then(|| view! {
                            {refused.get().then(|| view! { <p>{tr(key::READY_ASKED_NO)}</p> })}
                            <button class="button" on:click=ask>{tr(key::READY_ASK)}</button>
                        }.into_any());
                        view! {
                            {now.all().then(|| view! { <p class="lead">{tr(key::READY_ALL)}</p> })}
                            <ul class="card">
                                {line(now.turf, key::READY_TURF, key::READY_TURF_DO, None)}
                                {line(now.shell, key::READY_SHELL, key::READY_SHELL_DO, None)}
                                {line(now.probe, key::READY_PROBE, key::READY_PROBE_DO, None)}
                                {line(now.persisted, key::READY_PERSISTED, key::READY_PERSISTED_DO, button)}
                            </ul>
                        }.into_any()
                    }
                }}
            </div>
            <button class="button" on:click=move |_| { send_now(); again(); }>{tr(key::READY_AGAIN)}</button>
        </div>
    }
}
