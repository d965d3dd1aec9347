//! A shift's codes, derived from the server's key, so that no copy of the database holds one.

use dorbank_shared::{
    code::{self, LINK_BYTES, SECRET_LENGTH, SELECTOR_LENGTH, ShiftCode},
    shift::Shift,
};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::{config::Config, keys::Keys, state::AppState};

fn secret(keys: &Keys, shift: Uuid, code_version: i64, form: &str) -> [u8; 32] {
    keys.mac(&[b"shift code", shift.as_bytes(), &code_version.to_be_bytes(), form.as_bytes()])
}

fn typed_secret(keys: &Keys, shift: Uuid, code_version: i64) -> String {
    code::characters(&secret(keys, shift, code_version, "typed")[..SECRET_LENGTH])
}

fn link_secret(keys: &Keys, shift: Uuid, code_version: i64) -> [u8; LINK_BYTES] {
    let mut out = [0; LINK_BYTES];
    out.copy_from_slice(&secret(keys, shift, code_version, "link")[..LINK_BYTES]);
    out
}

/// Four new characters to name a shift by.
pub fn new_selector(state: &AppState) -> String {
    code::characters(&state.random_bytes::<SELECTOR_LENGTH>())
}

/// The code to type, as printed.
pub fn typed(keys: &Keys, shift: &Shift) -> String {
    code::typed(&shift.selector, &typed_secret(keys, shift.id, shift.code_version))
}

/// The address to scan. What is secret stands in the fragment, which no server and no log ever gets.
pub fn link(config: &Config, keys: &Keys, shift: &Shift) -> String {
    let value = code::link(&shift.selector, &link_secret(keys, shift.id, shift.code_version));
    format!("{}/field/#j={value}", config.public_url)
}

/// Whether a code is the shift's. Takes the same time for right and wrong, and for no shift at all.
pub fn fits(keys: &Keys, shift: Option<&Shift>, code: &ShiftCode) -> bool {
    let (id, version) = shift.map_or((Uuid::nil(), 0), |shift| (shift.id, shift.code_version));
    let same = match code {
        ShiftCode::Typed { secret, .. } => typed_secret(keys, id, version).as_bytes().ct_eq(secret.as_bytes()),
        ShiftCode::Link { secret, .. } => link_secret(keys, id, version).ct_eq(secret),
    };
    bool::from(same) && shift.is_some()
}

/// A QR code as a picture, with the quiet border that cameras want.
pub fn qr_svg(text: &str) -> Option<String> {
    use std::fmt::Write as _;
    let qr = qrcodegen::QrCode::encode_text(text, qrcodegen::QrCodeEcc::Medium).ok()?;
    let size = qr.size();
    let mut path = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| qr.get_module(*x, y)) {
            write!(path, "M{},{}h1v1h-1z", x + 4, y + 4).ok()?;
        }
    }
    let side = size + 8;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
    ))
}
