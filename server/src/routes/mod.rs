//! Handlers: each extracts, calls and replies. One noun a file; `routes()` declares who may call what.

pub mod health;
pub mod inputs;
pub mod join;
pub mod officer;
pub mod pages;
pub mod quarantine;
pub mod shift;
pub mod sign_in;
pub mod site;
pub mod sync;

use crate::access::Routes;

/// Every route.
pub fn routes() -> Routes {
    Routes::new()
        .merge(health::routes())
        .merge(inputs::routes())
        .merge(join::routes())
        .merge(officer::routes())
        .merge(pages::routes())
        .merge(quarantine::routes())
        .merge(shift::routes())
        .merge(sign_in::routes())
        .merge(site::routes())
        .merge(sync::routes())
}
