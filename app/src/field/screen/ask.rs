//! In the middle of a conversation: words to read aloud, and a person's own yes before anything can be noted.

use dorbank_shared::words::key;
use leptos::prelude::*;
use uuid::Uuid;

use crate::field::{
    actions,
    phone::{NoteDraft, phone, tr},
    route,
};

/// The question. Neither yes nor no is kept; that it was asked is.
#[component]
pub fn Ask(
    /// The door that is asked.
    door: Uuid,
    /// The area under which an input counts.
    area: String,
    /// Closes the sheet.
    on_close: Callback<()>,
) -> impl IntoView {
    let close = move |_| {
        actions::mark_asked(door);
        on_close.run(());
    };
    let yes = move |_| {
        actions::mark_asked(door);
        on_close.run(());
        let Some(round) = phone().bundle.with_untracked(|bundle| bundle.as_ref().map(|bundle| bundle.round.clone())) else { return };
        // From here on nothing remembers which door it was.
        phone().note.set(Some(NoteDraft { id: Uuid::new_v4(), key: Uuid::new_v4(), area: area.clone(), round }));
        route::go("/field/note", false);
    };
    view! {
        <p class="section-title">{tr(key::ASK_READ)}</p>
        <p class="script">{tr(key::ASK_SCRIPT)}</p>
        <button class="button primary" on:click=yes>{tr(key::ASK_YES)}</button>
        <div class="pair">
            <button class="button" on:click=close>{tr(key::ASK_NO)}</button>
            <button class="button" on:click=close>{tr(key::ASK_UNDER_AGE)}</button>
        </div>
    }
}
