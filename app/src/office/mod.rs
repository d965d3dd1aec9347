//! The office: public pages, sign-in, plan, programme, admin. Rendered by the server from a [`page::Page`], whole without
//! scripting; the browser takes over the same page with the same data, which is sent along.
//!
//! There is no router here. The server's routes decide what a page is and who may see it, and every link is an ordinary
//! one; so a page left open over an update of the server has nothing in it that could no longer be answered.

use leptos::prelude::*;

mod admin;
mod clarify;
mod clarify_one;
mod frame;
mod front;
mod intake;
pub mod page;
mod plan;
mod privacy;
mod programme;
#[cfg(feature = "office")]
mod refresh;
#[cfg(feature = "ssr")]
pub mod shell;
mod shift;
mod sign_in;
mod status;
pub mod text;
mod trouble;

use page::{Body, Page};

/// A page in the body of the document. On the server its data come from the context, in the browser from the page.
#[component]
pub fn Office() -> impl IntoView {
    let Page { frame, body } = SharedValue::new(expect_context::<Page>).into_inner();
    text::speak(&frame.language, frame.district);
    let main = match body {
        Body::Front => front::front().into_any(),
        Body::Privacy => privacy::privacy().into_any(),
        Body::SignIn(sign_in) => sign_in::sign_in(sign_in).into_any(),
        Body::SignInLink(link) => sign_in::link(&link).into_any(),
        Body::Plan(plan) => plan::plan(plan).into_any(),
        Body::Shift(shift) => shift::shift(*shift).into_any(),
        Body::Clarify(clarify) => clarify::clarify(*clarify).into_any(),
        Body::ClarifyOne(entry) => clarify_one::clarify_one(*entry).into_any(),
        Body::Status(status) => status::status(*status).into_any(),
        Body::Intake(intake) => intake::intake(*intake).into_any(),
        Body::Programme(programme) => programme::programme(*programme).into_any(),
        Body::Admin(admin) => admin::admin(*admin).into_any(),
        Body::Trouble(trouble) => trouble::trouble(trouble, &frame.here).into_any(),
    };
    view! {
        {frame::header(&frame)}
        <main id="main" tabindex="-1">{main}</main>
        {frame::footer(&frame)}
    }
}

/// Takes over the page that the server rendered.
#[cfg(feature = "office")]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    hydrate_body(Office);
}
