//! Before a door that opens: the sheet with what can happen, within the thumb's reach.

use dorbank_shared::{visit::Outcome, words::key};
use leptos::{html, prelude::*};
use wasm_bindgen_futures::spawn_local;

use super::ask::Ask;
use crate::field::{
    actions::{self, Place, outcome_word},
    phone::{phone, tr, word},
    ui::{draw, icon, mark, note},
};

/// What a sheet shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// What happened at a door.
    Choose,
    /// What the intercom said.
    Intercom,
    /// May I note what you say?
    Ask,
    /// Nobody knocks here, and the phone cannot change it.
    Fixed,
}

/// An open sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    place: Place,
    name: String,
    stage: Stage,
}

impl Open {
    /// The sheet of one door.
    pub fn door(place: Place, name: String, fixed: bool) -> Self {
        Self { place, name, stage: if fixed { Stage::Fixed } else { Stage::Choose } }
    }

    /// The sheet of the intercom.
    pub fn intercom(place: Place) -> Self {
        Self { place, name: word(key::ENTRANCE_INTERCOM), stage: Stage::Intercom }
    }

    /// The question before anything is noted.
    pub fn asking(place: Place, name: String) -> Self {
        Self { place, name, stage: Stage::Ask }
    }
}

/// Whether a conversation at this door may lead to an input: the campaign listens, and the door was not asked before.
fn may_ask(place: Place) -> bool {
    let listens = phone()
        .bundle
        .with_untracked(|bundle| bundle.as_ref().is_some_and(|bundle| bundle.purpose == "listen" && !bundle.round.public_key.is_empty()));
    listens && phone().asked.with_untracked(|asked| !asked.contains(&place.door()))
}

const AT_A_DOOR: [Outcome; 5] = [Outcome::Talked, Outcome::NotHome, Outcome::Declined, Outcome::ComeBack, Outcome::DoNotKnock];
const AT_THE_INTERCOM: [Outcome; 3] = [Outcome::IntercomLetIn, Outcome::IntercomDeclined, Outcome::IntercomTalked];

/// What the intercom said, under a heading that says it was the intercom.
const fn answer_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::IntercomLetIn => key::ENTRANCE_LET_IN,
        Outcome::IntercomDeclined => key::OUTCOME_DECLINED,
        _ => key::OUTCOME_TALKED,
    }
}

/// The list of what can happen. One tap saves.
#[component]
pub fn Choices(
    /// The door.
    place: Place,
    /// What it is called.
    name: String,
    /// The intercom's answers instead.
    #[prop(optional)]
    intercom: bool,
    /// Called when it is saved; true when the question comes next.
    on_done: Callback<bool>,
) -> impl IntoView {
    let current = Memo::new(move |_| {
        phone().standing.with(|standing| standing.get(&place.door()).map(|standing| (standing.visit.outcome, standing.visit.leaflet)))
    });
    let leaflet = RwSignal::new(current.get_untracked().is_some_and(|(_, leaflet)| leaflet));
    let busy = RwSignal::new(false);
    let name = StoredValue::new(name);
    let choose = move |outcome: Outcome| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            let saved = actions::note_visit(place, name.get_value(), outcome, leaflet.get_untracked()).await;
            busy.set(false);
            // What is not saved is said above the screen, not above the sheet. Which may be closed by now.
            let _ = on_done.try_run(saved && outcome.is_conversation() && may_ask(place));
        });
    };
    // A leaflet at a door where nothing else happened is a note of its own; beside another outcome it goes with it.
    let turn = move |_| {
        leaflet.update(|on| *on = !*on);
        match actions::said(place.door()) {
            Some((Outcome::LeafletOnly, _)) if !leaflet.get_untracked() => take_back(place, on_done),
            Some((outcome, _)) => {
                spawn_local(async move {
                    actions::note_visit(place, name.get_value(), outcome, leaflet.get_untracked()).await;
                });
            }
            None => {}
        }
    };
    let outcomes: &[Outcome] = if intercom { &AT_THE_INTERCOM } else { &AT_A_DOOR };
    view! {
        <div class="choices">
            {outcomes.iter().map(|outcome| {
                let outcome = *outcome;
                view! {
                    <button class="choice" aria-pressed=move || current.with(|current| current.is_some_and(|(now, _)| now == outcome)).to_string() disabled=move || busy.get() on:click=move |_| choose(outcome)>
                        {mark(Some(outcome))}<span>{move || if intercom { word(answer_word(outcome)) } else { outcome_word(outcome) }}</span>
                    </button>
                }
            }).collect_view()}
        </div>
        {(!intercom).then(|| view! {
            <label class="switch"><input type="checkbox" prop:checked=move || leaflet.get() on:change=turn/><span>{tr(key::DOOR_LEAFLET)}</span></label>
            <Show when=move || leaflet.get() && current.with(Option::is_none)>
                <button class="button" on:click=move |_| choose(Outcome::LeafletOnly)>{icon(draw::PAPER)}{tr(key::DOOR_LEAFLET_ONLY)}</button>
            </Show>
        })}
        <Show when=move || current.with(Option::is_some)>
            <button class="button quiet" on:click=move |_| take_back(place, on_done)>{tr(key::DOOR_WITHDRAW)}</button>
        </Show>
    }
}

fn take_back(place: Place, on_done: Callback<bool>) {
    spawn_local(async move {
        actions::take_back(place.door()).await;
        let _ = on_done.try_run(false);
    });
}

/// The sheet itself: a dialog of the browser's own, which keeps the focus and closes on Escape.
#[component]
pub fn Sheet(
    /// What is open.
    open: RwSignal<Option<Open>>,
    /// The area of this turf.
    area: String,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        match (open.with(Option::is_some), dialog.open()) {
            (true, false) => {
                let _ = dialog.show_modal();
            }
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    let area = StoredValue::new(area);
    let body = move || {
        let now = open.get()?;
        let place = now.place;
        let name = now.name.clone();
        let next = Callback::new(move |ask: bool| open.set(ask.then(|| Open { stage: Stage::Ask, ..now.clone() })));
        let title = if matches!(open.with_untracked(|open| open.as_ref().map(|open| open.stage)), Some(Stage::Ask)) {
            word(key::ASK_TITLE)
        } else {
            name.clone()
        };
        let stage = open.with_untracked(|open| open.as_ref().map(|open| open.stage))?;
        Some(view! {
            <div class="sheet-head">
                <div><h2 id="sheet-title">{title}</h2>{(stage == Stage::Choose).then(|| view! { <p class="soft">{tr(key::DOOR_WHAT_HAPPENED)}</p> })}</div>
                <button class="icon-button" aria-label=tr(key::NAV_CLOSE) on:click=move |_| open.set(None)>{icon(draw::CLOSE)}</button>
            </div>
            {match stage {
                Stage::Choose => view! { <Choices place=place name=name on_done=next/> }.into_any(),
                Stage::Intercom => view! { <Choices place=place name=name intercom=true on_done=next/> }.into_any(),
                Stage::Ask => view! { <Ask door=place.door() area=area.get_value() on_close=Callback::new(move |()| open.set(None))/> }.into_any(),
                Stage::Fixed => note("stop", draw::STOP, tr(key::DOOR_DNK_FIXED)),
            }}
        })
    };
    view! { <dialog node_ref=dialog aria-labelledby="sheet-title" on:close=move |_| open.set(None)>{body}</dialog> }
}
