//! In the stairwell, one hand, gloves on: which doors are left, and one tap for a door that nobody opens.

use dorbank_shared::{
    place::{Level, UnitLabel},
    sync::wire::{EntranceBundle, TurfBundle, UnitBundle},
    visit::Outcome,
    walk,
    words::key,
};
use leptos::prelude::*;
use uuid::Uuid;
use wasm_bindgen_futures::spawn_local;

use super::sheet::{Choices, Open, Sheet};
use crate::field::{
    actions::{self, Place, outcome_word},
    phone::{count, fill, phone, tr, word},
    ui::{Bar, draw, icon, mark, note},
};

/// "3. etg", "Loft", "Kjeller 2": by the letter of the dwelling number, and without one by the floor alone.
fn floor_name(unit: &UnitBundle) -> String {
    let Some(label) = UnitLabel::parse(&unit.label) else {
        return fill(key::FLOOR_MAIN, &[("n", &unit.floor.to_string())]);
    };
    let name = match label.level {
        Level::Main => return fill(key::FLOOR_MAIN, &[("n", &label.floor.to_string())]),
        Level::Loft => word(key::FLOOR_LOFT),
        Level::Lower => word(key::FLOOR_LOWER),
        Level::Cellar => word(key::FLOOR_CELLAR),
    };
    // Most houses have one loft and one cellar, and they go without a number.
    if label.floor > 1 { fill(key::FLOOR_MORE, &[("floor", &name), ("n", &label.floor.to_string())]) } else { name }
}

/// "3. etg · dør 2".
fn door_name(unit: &UnitBundle) -> String {
    let door = fill(key::DOOR_NAME, &[("n", &unit.position.to_string())]);
    fill(key::DOOR_FULL_NAME, &[("floor", &floor_name(unit)), ("door", &door)])
}

/// An entrance by its address.
#[component]
pub fn Entrance(
    /// Its id.
    id: Uuid,
) -> impl IntoView {
    let found = Memo::new(move |_| phone().entrance(id));
    move || {
        match found.get() {
        Some((turf, entrance)) => view! { <Doors turf=turf entrance=entrance/> }.into_any(),
        None => view! {
            <Bar title=Signal::derive(tr(key::APP_NAME)) back="/field/"/>
            <div class="page">
                {move || phone().loaded.get().then(|| view! { {note("calm", draw::INFO, tr(key::ENTRANCE_GONE))}<a class="button" href="/field/">{tr(key::PAGE_HOME)}</a> })}
            </div>
        }
        .into_any(),
    }
    }
}

#[component]
fn Doors(turf: TurfBundle, entrance: EntranceBundle) -> impl IntoView {
    let open = RwSignal::new(None::<Open>);
    let whole = Place { turf: turf.id, entrance: entrance.id, unit: None };
    let several = entrance.units.len() > 1;
    let back = if phone().bundle.with_untracked(|bundle| bundle.as_ref().is_some_and(|bundle| bundle.turfs.len() > 1)) {
        format!("/field/turf/{}", turf.id)
    } else {
        "/field/".to_owned()
    };
    let address = walk::address(&entrance);
    let doors = entrance.units.len();
    let below = Signal::derive(move || if several { count(key::ENTRANCE_DOORS, doors) } else { word(key::TURF_HOUSE) });
    let next = {
        let (turf, id) = (turf.clone(), entrance.id);
        move || {
            let states = phone().states.get();
            let here = turf.entrances.iter().find(|entrance| entrance.id == id)?;
            if !walk::progress(here, &states).is_finished() && !walk::is_shut(here, &states) {
                return None;
            }
            let next = walk::next(&turf, &states, Some(id)).map(|next| (next.id, walk::address(next)));
            Some(match next {
                Some((id, address)) => view! { <a class="button primary" href=format!("/field/entrance/{id}")>{fill(key::ENTRANCE_NEXT, &[("address", &address)])}{icon(draw::GO)}</a> }.into_any(),
                None => note("good", draw::CHECK, tr(key::TURF_FINISHED_ALL)),
            })
        }
    };
    let body = if entrance.do_not_knock {
        note("stop", draw::STOP, tr(key::DOOR_DNK_FIXED))
    } else if several {
        view! { <Several entrance=entrance.clone() whole=whole open=open/> }.into_any()
    } else {
        let unit = entrance.units.first();
        let place = Place { unit: unit.map(|unit| unit.id), ..whole };
        if unit.is_some_and(|unit| unit.do_not_knock) {
            note("stop", draw::STOP, tr(key::DOOR_DNK_FIXED))
        } else {
            let name = address.clone();
            view! {
                <section class="stack" aria-labelledby="happened">
                    <h2 id="happened">{tr(key::DOOR_WHAT_HAPPENED)}</h2>
                    <Choices place=place name=name.clone() on_done=Callback::new(move |ask: bool| open.set(ask.then(|| Open::asking(place, name.clone()))))/>
                </section>
            }
            .into_any()
        }
    };
    let title = address.clone();
    view! {
        <Bar title=Signal::derive(move || title.clone()) below=below back=back/>
        <div class="page">
            {body}
            {next}
        </div>
        <Sheet open=open area=turf.area/>
    }
}

/// A stairwell with several doors.
#[component]
fn Several(entrance: EntranceBundle, whole: Place, open: RwSignal<Option<Open>>) -> impl IntoView {
    let floors: Vec<(i32, Vec<UnitBundle>)> =
        walk::floors(&entrance).into_iter().map(|(floor, units)| (floor, units.into_iter().cloned().collect())).collect();
    let units = entrance.units.clone();
    let untouched = Memo::new(move |_| {
        let states = phone().states.get();
        units
            .iter()
            .filter(|unit| !unit.do_not_knock && !states.contains_key(&unit.id))
            .map(|unit| Place { unit: Some(unit.id), ..whole })
            .collect::<Vec<_>>()
    });
    let any = Memo::new(move |_| untouched.with(|untouched| !untouched.is_empty()));
    let rest = move |_| spawn_local(actions::note_rest(untouched.get_untracked()));
    let shut = move |outcome: Outcome| {
        let name = word(key::ENTRANCE_AT_THE_DOOR);
        spawn_local(async move {
            actions::note_visit(whole, name, outcome, false).await;
        });
    };
    let state = move || phone().states.with(|states| states.get(&whole.entrance).copied());
    view! {
        <section class="stack" aria-labelledby="front">
            <h2 id="front" class="section-title">{tr(key::ENTRANCE_AT_THE_DOOR)}{move || state().map(|state| format!(" · {}", outcome_word(state)))}</h2>
            <div class="pair">
                <button class="button" on:click=move |_| shut(Outcome::NoAccess)>{icon(draw::LOCK)}{tr(key::OUTCOME_NO_ACCESS)}</button>
                <button class="button" aria-haspopup="dialog" on:click=move |_| open.set(Some(Open::intercom(whole)))>{icon(draw::BELL)}{tr(key::ENTRANCE_INTERCOM)}</button>
            </div>
        </section>
        {floors.into_iter().map(|(floor, units)| {
            let id = format!("floor{floor}");
            let labelled = id.clone();
            let first = units.first().cloned();
            view! {
                <section class="floor" aria-labelledby=labelled>
                    <h2 class="floor-title" id=id>{move || first.as_ref().map(floor_name)}</h2>
                    {units.into_iter().map(|unit| view! { <Door unit=unit whole=whole open=open/> }).collect_view()}
                </section>
            }
        }).collect_view()}
        {move || any.get().then(|| view! {
            <button class="button" on:click=rest>{icon(draw::DASH)}{move || count(key::ENTRANCE_REST, untouched.with(Vec::len))}</button>
        })}
    }
}

/// One door: the large part opens the sheet, the button beside it says that nobody opened.
#[component]
fn Door(unit: UnitBundle, whole: Place, open: RwSignal<Option<Open>>) -> impl IntoView {
    let place = Place { unit: Some(unit.id), ..whole };
    let fixed = unit.do_not_knock;
    let state = Memo::new(move |_| if fixed { Some(Outcome::DoNotKnock) } else { phone().states.with(|states| states.get(&unit.id).copied()) });
    let says = move || state.get().map_or_else(|| word(key::DOOR_UNTOUCHED), outcome_word);
    let full = StoredValue::new(unit.clone());
    let name = move || full.with_value(door_name);
    // "H0302 · Samtale": what is seen is also what is read aloud, after the floor.
    let told = move |unit: &UnitBundle| format!("{} · {}", unit.label, says());
    let quick = move |_| {
        let name = name();
        spawn_local(async move {
            actions::note_visit(place, name, Outcome::NotHome, false).await;
        });
    };
    let position = unit.position;
    view! {
        <div class="door" class:no-knock=move || state.get() == Some(Outcome::DoNotKnock)>
            <button class="door-open" aria-haspopup="dialog" aria-label=move || full.with_value(|unit| format!("{} {}", door_name(unit), told(unit))) on:click=move |_| open.set(Some(Open::door(place, name(), fixed)))>
                {move || mark(state.get())}
                <span class="door-name">
                    <b>{move || fill(key::DOOR_NAME, &[("n", &position.to_string())])}</b>" "
                    <span class="soft small">{unit.label.clone()}{move || state.get().map(|_| format!(" · {}", says()))}</span>
                </span>
            </button>
            {move || state.get().is_none().then(|| view! {
                <button class="door-quick" aria-label=move || fill(key::DOOR_NOT_HOME_AT, &[("door", &name())]) on:click=quick>{tr(key::OUTCOME_NOT_HOME)}</button>
            })}
        </div>
    }
}
