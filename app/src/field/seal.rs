//! Seals an input by the browser's own cryptography, exactly as `dorbank_shared::seal` describes it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dorbank_shared::seal::{INFO, PADDED_BYTES, POINT_BYTES, SEALED_BYTES, VERSION, pad};
use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};

use super::browser;

fn subtle() -> Result<SubtleCrypto, JsValue> {
    Ok(leptos::prelude::window().crypto()?.subtle())
}

fn object(fields: &[(&str, &JsValue)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object)
}

fn bytes(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}

async fn wait<T: wasm_bindgen::JsCast>(promise: Promise) -> Result<T, JsValue> {
    JsFuture::from(promise).await?.dyn_into()
}

fn usages(names: &[&str]) -> Array {
    names.iter().map(|name| JsValue::from_str(name)).collect()
}

fn curve() -> Result<Object, JsValue> {
    object(&[("name", &"ECDH".into()), ("namedCurve", &"P-256".into())])
}

/// A fresh key pair: the private key, which cannot leave the browser, and the public point.
async fn fresh_pair() -> Result<(CryptoKey, Vec<u8>), JsValue> {
    let subtle = subtle()?;
    let pair: JsValue = JsFuture::from(subtle.generate_key_with_object(&curve()?, false, &usages(&["deriveBits"]))?).await?;
    let private: CryptoKey = Reflect::get(&pair, &"privateKey".into())?.dyn_into()?;
    let public: CryptoKey = Reflect::get(&pair, &"publicKey".into())?.dyn_into()?;
    let point = JsFuture::from(subtle.export_key("raw", &public)?).await?;
    Ok((private, browser::bytes_of(&point)))
}

/// Seals `plain` to the round's public key (base64url).
pub(super) async fn seal(public_key: &str, plain: &[u8]) -> Result<Vec<u8>, JsValue> {
    let subtle = subtle()?;
    let recipient = URL_SAFE_NO_PAD.decode(public_key).map_err(|error| error.to_string())?;
    let padded = pad(plain).map_err(|error| error.to_string())?;
    let (private, point) = fresh_pair().await?;
    let other: CryptoKey = wait(subtle.import_key_with_object("raw", &bytes(&recipient), &curve()?, false, &Array::new())?).await?;
    let agree = object(&[("name", &"ECDH".into()), ("public", &other)])?;
    let shared = JsFuture::from(subtle.derive_bits_with_object(&agree, &private, 256)?).await?;
    let shared: Object = shared.dyn_into()?;
    let material: CryptoKey = wait(subtle.import_key_with_str("raw", &shared, "HKDF", false, &usages(&["deriveBits"]))?).await?;
    let salt = [point.as_slice(), &recipient].concat();
    let derive = object(&[("name", &"HKDF".into()), ("hash", &"SHA-256".into()), ("salt", &bytes(&salt)), ("info", &bytes(INFO))])?;
    let derived = browser::bytes_of(&JsFuture::from(subtle.derive_bits_with_object(&derive, &material, 44 * 8)?).await?);
    let (key, nonce) = derived.split_at(32);
    let key: CryptoKey = wait(subtle.import_key_with_str("raw", &bytes(key), "AES-GCM", false, &usages(&["encrypt"]))?).await?;
    let mut out = vec![VERSION];
    out.extend_from_slice(&point);
    let cipher = object(&[("name", &"AES-GCM".into()), ("iv", &bytes(nonce)), ("additionalData", &bytes(&out)), ("tagLength", &128.into())])?;
    let body = JsFuture::from(subtle.encrypt_with_object_and_buffer_source(&cipher, &key, &bytes(&padded))?).await?;
    out.extend(browser::bytes_of(&body));
    if out.len() == SEALED_BYTES { Ok(out) } else { Err("sealed length".into()) }
}

/// Something of the same shape that nobody can open: a real point of the curve and random bytes.
pub(super) async fn filler() -> Result<Vec<u8>, JsValue> {
    let (_, point) = fresh_pair().await?;
    let mut out = vec![VERSION];
    out.extend_from_slice(&point);
    out.extend_from_slice(&browser::random::<{ PADDED_BYTES + 16 }>());
    debug_assert_eq!(out.len(), 1 + POINT_BYTES + PADDED_BYTES + 16);
    Ok(out)
}
