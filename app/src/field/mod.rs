//! The volunteer's app.
use leptos::prelude::*;

/// Mounts the app into the shell's element.
pub fn mount() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(|| view! { <p>"Dørbank"</p> });
}
