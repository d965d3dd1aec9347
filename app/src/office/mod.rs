//! The office: sign-in, plan, programme, admin.

/// Takes over the page that the server rendered.
#[cfg(feature = "office")]
pub fn hydrate() {
    console_error_panic_hook::set_once();
}
