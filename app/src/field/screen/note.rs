//! On the landing, the door just closed: what was it about, in one sentence, before the next bell.

use dorbank_shared::{
    input::{MAX_TOPICS, MAX_WORDS},
    round::Topic,
    screening::{Hint, look},
    words::key,
};
use leptos::prelude::*;
use uuid::Uuid;
use wasm_bindgen_futures::spawn_local;

use crate::field::{
    actions::{self, InputFate},
    phone::{Snack, fill, phone, tr, word},
    ui::{Bar, draw, icon, note},
};

const fn words_of(hint: Hint) -> &'static str {
    match hint {
        Hint::Phone => key::NOTE_WARN_PHONE,
        Hint::Email => key::NOTE_WARN_EMAIL,
        Hint::NationalId => key::NOTE_WARN_NATIONAL_ID,
        Hint::Dwelling => key::NOTE_WARN_DWELLING,
        Hint::Address => key::NOTE_WARN_ADDRESS,
    }
}

/// Back to the stairwell. The address of the note holds no door, so only the browser's own history knows the way. Nothing where
/// another note was begun meanwhile.
fn leave(own: Option<Uuid>) {
    if phone().note.with_untracked(|draft| draft.as_ref().map(|draft| draft.key)) != own {
        return;
    }
    phone().note.set(None);
    phone().form_open.set(false);
    let _ = window().history().and_then(|history| history.back());
}

/// The note. It is in memory until it is sealed, and struck by leaving.
#[component]
pub fn Note() -> impl IntoView {
    if phone().note.with_untracked(Option::is_none) {
        return view! {
            <Bar title=Signal::derive(tr(key::NOTE_TITLE)) back="/field/"/>
            <div class="page">{note("calm", draw::INFO, tr(key::NOTE_NONE))}<a class="button" href="/field/">{tr(key::PAGE_HOME)}</a></div>
        }
        .into_any();
    }
    phone().form_open.set(true);
    on_cleanup(|| {
        phone().form_open.set(false);
        phone().note.set(None);
    });
    let chosen = RwSignal::new(Vec::<Uuid>::new());
    let words = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<&'static str>);
    let busy = RwSignal::new(false);
    // Storage did not say that it was saved, and may have it all the same; and whether something was changed since.
    let (tried, changed) = (RwSignal::new(false), RwSignal::new(false));
    let alert = NodeRef::<leptos::html::Div>::new();
    Effect::new(move |before: Option<u32>| {
        let times = phone().held_back.get();
        if before.is_some_and(|before| before != times) {
            fault.set(Some(key::NOTE_LEAVE));
            if let Some(alert) = alert.get_untracked() {
                alert.scroll_into_view();
            }
        }
        times
    });
    let topics = move || {
        let language = phone().words.with(|words| words.language().to_owned());
        let name = |topic: &Topic| (topic.id, topic.name.in_language(&language).to_owned());
        phone()
            .note
            .with(|draft| draft.iter().flat_map(|draft| &draft.round.topics).filter(|topic| topic.parent.is_none()).map(name).collect::<Vec<_>>())
    };
    let turn = move |id: Uuid| {
        fault.set(None);
        changed.set(true);
        chosen.update(|chosen| match chosen.iter().position(|known| *known == id) {
            Some(at) => {
                chosen.remove(at);
            }
            None if chosen.len() < MAX_TOPICS => chosen.push(id),
            None => {}
        });
    };
    let left = move || MAX_WORDS.saturating_sub(words.with(|words| words.chars().count()));
    let hints = Memo::new(move |_| words.with(|words| look(words)));
    let save = move |_| {
        let (topics, sentence) = (chosen.get_untracked(), words.get_untracked());
        if topics.is_empty() && sentence.trim().is_empty() {
            return fault.set(Some(key::NOTE_EMPTY));
        }
        if hints.get_untracked().into_iter().any(Hint::refuses) {
            return fault.set(Some(key::NOTE_REFUSED));
        }
        if busy.get_untracked() {
            return;
        }
        let Some(draft) = phone().note.get_untracked() else { return };
        let own = Some(draft.key);
        busy.set(true);
        if !tried.get_untracked() {
            changed.set(false);
        }
        spawn_local(async move {
            let fate = actions::keep_input(draft, topics, sentence).await;
            // What was tried before and is on its way is this one, if nothing was changed.
            if fate == InputFate::Done || fate == InputFate::OnItsWay && tried.get_untracked() && !changed.get_untracked() {
                words.set(String::new());
                leave(own);
                gloo_timers::future::TimeoutFuture::new(60).await;
                phone().snack.set(Some(Snack { text: word(key::NOTE_SAVED), undo: Vec::new() }));
                return;
            }
            fault.set(Some(if fate == InputFate::OnItsWay { key::NOTE_ON_ITS_WAY } else { key::NOTE_FAULT }));
            tried.set(fate == InputFate::Unknown);
            busy.set(false);
        });
    };
    let strike = move |_| {
        // What is being saved is struck once storage has said what came of it.
        if busy.get_untracked() {
            return;
        }
        let draft = phone().note.get_untracked();
        let own = draft.as_ref().map(|draft| draft.key);
        let Some(draft) = draft.filter(|_| tried.get_untracked()) else { return leave(own) };
        busy.set(true);
        spawn_local(async move {
            let fate = actions::strike_input(&draft).await;
            if fate == InputFate::Done {
                return leave(own);
            }
            fault.set(Some(if fate == InputFate::OnItsWay { key::NOTE_ON_ITS_WAY } else { key::NOTE_STRIKE_FAULT }));
            tried.set(fate == InputFate::Unknown);
            busy.set(false);
        });
    };
    view! {
        <Bar title=Signal::derive(tr(key::NOTE_TITLE)) form=true/>
        <div class="page settles">
            <section class="stack" aria-labelledby="topics">
                <h2 id="topics">{tr(key::NOTE_TOPICS)}</h2>
                <p class="soft small">{move || fill(key::NOTE_TOPICS_HINT, &[("n", &MAX_TOPICS.to_string())])}</p>
                <div class="chips" role="group" aria-labelledby="topics">
                    {move || topics().into_iter().map(|(id, name)| {
                        let full = move || chosen.with(Vec::len) >= MAX_TOPICS;
                        let on = move || chosen.with(|chosen| chosen.contains(&id));
                        view! { <button class="chip" type="button" aria-pressed=move || on().to_string() disabled=move || busy.get() || full() && !on() on:click=move |_| turn(id)>{name}</button> }
                    }).collect_view()}
                </div>
            </section>
            <section class="stack">
                <label class="field-label" for="words">{tr(key::NOTE_WORDS)}</label>
                <p id="words-hint" class="soft small">{tr(key::NOTE_WORDS_HINT)}</p>
                <textarea id="words" rows="3" maxlength=MAX_WORDS.to_string() autocomplete="off" aria-describedby="words-hint" readonly=move || busy.get() prop:value=move || words.get()
                    on:input=move |event| { fault.set(None); changed.set(true); words.set(event_target_value(&event)); }></textarea>
                {move || (left() < 100).then(|| view! { <p class="soft small">{fill(key::NOTE_LEFT, &[("n", &left().to_string())])}</p> })}
                <div role="status">
                    {move || (!hints.with(Vec::is_empty)).then(|| note("", draw::WARN, view! {
                        {hints.get().into_iter().map(|hint| view! { <p><b>{tr(words_of(hint))}</b></p> }).collect_view()}
                        <p>{tr(key::NOTE_WARN_REST)}</p>
                    }))}
                </div>
            </section>
            <div role="alert" node_ref=alert>{move || fault.get().map(|fault| note("", draw::WARN, tr(fault)))}</div>
            <div class="stack">
                <button class="button primary" disabled=move || busy.get() on:click=save>{icon(draw::CHECK)}{tr(key::NOTE_SAVE)}</button>
                <button class="button" disabled=move || busy.get() on:click=strike>{tr(key::NOTE_STRIKE)}</button>
                <p class="soft small">{tr(key::NOTE_SEALED_WHY)}</p>
            </div>
        </div>
    }
    .into_any()
}
