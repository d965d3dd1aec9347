//! The sealed envelope of an input.
//!
//! ```text
//! sealed = version (1 byte, 0x01) ‖ E (65 bytes, fresh public key, uncompressed SEC1) ‖ AES-256-GCM(key, nonce, padded, aad)
//! shared secret Z = ECDH-P256(e, R)          x coordinate, 32 bytes
//! key (32) ‖ nonce (12) = HKDF-SHA-256(ikm = Z, salt = E ‖ R, info = "dorbank input v1", 44 bytes)
//! padded = length of the JSON (2 bytes, big endian) ‖ JSON ‖ zeros, PADDED_BYTES in all
//! aad = version ‖ E
//! ```
//!
//! The key is fresh for each envelope, so the derived nonce is never used twice. The phone does the same by WebCrypto;
//! `tests/golden/seal-v1.json` holds vectors that both meet.

/// The padded plaintext, in bytes.
pub const PADDED_BYTES: usize = 4096;
/// An uncompressed P-256 point, in bytes.
pub const POINT_BYTES: usize = 65;
/// A whole envelope, in bytes.
pub const SEALED_BYTES: usize = 1 + POINT_BYTES + PADDED_BYTES + 16;
/// The version byte.
pub const VERSION: u8 = 1;
/// What HKDF binds the keys to.
pub const INFO: &[u8] = b"dorbank input v1";

/// Why an envelope could not be made or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text does not fit.
    #[error("an input is at most {} bytes", PADDED_BYTES - 2)]
    TooLong,
    /// Not an envelope of this version.
    #[error("not an envelope of a known version")]
    Shape,
    /// Made for another key, or changed on the way.
    #[error("the envelope does not open with this key")]
    Closed,
    /// Not a point of the curve, or not a private key.
    #[error("not a P-256 key")]
    Key,
}

/// Pads to the one length that all envelopes have.
///
/// # Errors
/// When the text does not fit.
pub fn pad(plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let length = u16::try_from(plain.len()).map_err(|_| SealError::TooLong)?;
    if plain.len() > PADDED_BYTES - 2 {
        return Err(SealError::TooLong);
    }
    let mut out = Vec::with_capacity(PADDED_BYTES);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(plain);
    out.resize(PADDED_BYTES, 0);
    Ok(out)
}

/// Takes the padding off.
///
/// # Errors
/// When it was not padded by [`pad`].
pub fn unpad(padded: &[u8]) -> Result<&[u8], SealError> {
    let (length, rest) = padded.split_at_checked(2).ok_or(SealError::Shape)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let (plain, zeros) = rest.split_at_checked(length).ok_or(SealError::Shape)?;
    if padded.len() != PADDED_BYTES || zeros.iter().any(|byte| *byte != 0) {
        return Err(SealError::Shape);
    }
    Ok(plain)
}

#[cfg(feature = "native-crypto")]
pub use native::{open, public_key, seal};

#[cfg(feature = "native-crypto")]
mod native {
    use aes_gcm::{
        Aes256Gcm, KeyInit as _, Nonce,
        aead::{Aead as _, Payload},
    };
    use hkdf::Hkdf;
    use p256::{PublicKey, SecretKey, ecdh::diffie_hellman, elliptic_curve::sec1::ToSec1Point as _};
    use sha2::Sha256;

    use super::{INFO, POINT_BYTES, SEALED_BYTES, SealError, VERSION, pad, unpad};

    fn cipher(secret: &SecretKey, other: &PublicKey, ephemeral: &[u8], recipient: &[u8]) -> Result<(Aes256Gcm, [u8; 12]), SealError> {
        let shared = diffie_hellman(secret.to_nonzero_scalar(), other.as_affine());
        let salt = [ephemeral, recipient].concat();
        let mut out = [0u8; 44];
        Hkdf::<Sha256>::new(Some(&salt), shared.raw_secret_bytes()).expand(INFO, &mut out).map_err(|_| SealError::Key)?;
        let (key, nonce) = out.split_at(32);
        let cipher = Aes256Gcm::new_from_slice(key).map_err(|_| SealError::Key)?;
        Ok((cipher, nonce.try_into().map_err(|_| SealError::Key)?))
    }

    /// The public key (65 bytes) of a private one (32 bytes).
    ///
    /// # Errors
    /// When it is not a private key of the curve.
    pub fn public_key(private: &[u8]) -> Result<Vec<u8>, SealError> {
        let secret = SecretKey::from_slice(private).map_err(|_| SealError::Key)?;
        Ok(secret.public_key().to_sec1_point(false).as_bytes().to_vec())
    }

    /// Seals `plain` to `recipient` (65 bytes) with the fresh private key `ephemeral` (32 random bytes).
    ///
    /// # Errors
    /// When the text does not fit or a key is none; random bytes that are no key occur once in 2^32 tries: take others.
    pub fn seal(recipient: &[u8], plain: &[u8], ephemeral: &[u8; 32]) -> Result<Vec<u8>, SealError> {
        let other = PublicKey::from_sec1_bytes(recipient).map_err(|_| SealError::Key)?;
        let secret = SecretKey::from_slice(ephemeral).map_err(|_| SealError::Key)?;
        let point = public_key(ephemeral)?;
        let (cipher, nonce) = cipher(&secret, &other, &point, recipient)?;
        let mut out = vec![VERSION];
        out.extend_from_slice(&point);
        let payload = Payload { msg: &pad(plain)?, aad: &out };
        let body = cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::Closed)?;
        out.extend_from_slice(&body);
        Ok(out)
    }

    /// Opens an envelope with the round's private key (32 bytes).
    ///
    /// # Errors
    /// When it is not an envelope, or not for this key, or was changed.
    pub fn open(private: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        if sealed.len() != SEALED_BYTES || sealed[0] != VERSION {
            return Err(SealError::Shape);
        }
        let (head, body) = sealed.split_at(1 + POINT_BYTES);
        let secret = SecretKey::from_slice(private).map_err(|_| SealError::Key)?;
        let other = PublicKey::from_sec1_bytes(&head[1..]).map_err(|_| SealError::Shape)?;
        let (cipher, nonce) = cipher(&secret, &other, &head[1..], &public_key(private)?)?;
        let padded = cipher.decrypt(&Nonce::from(nonce), Payload { msg: body, aad: head }).map_err(|_| SealError::Closed)?;
        unpad(&padded).map(<[u8]>::to_vec)
    }
}

#[cfg(all(test, feature = "native-crypto"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_one_key() {
        let private = [7u8; 32];
        let sealed = seal(&public_key(&private).unwrap(), b"bussen", &[9u8; 32]).unwrap();
        assert_eq!(sealed.len(), SEALED_BYTES);
        assert_eq!(open(&private, &sealed).unwrap(), b"bussen");
        assert_eq!(open(&[8u8; 32], &sealed), Err(SealError::Closed));
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(open(&private, &changed), Err(SealError::Closed));
        assert_eq!(open(&private, &sealed[1..]), Err(SealError::Shape));
    }

    #[test]
    fn padding_hides_the_length_and_refuses_what_does_not_fit() {
        assert_eq!(pad(b"").unwrap().len(), pad(&[1; 4094]).unwrap().len());
        assert_eq!(pad(&[1; 4095]), Err(SealError::TooLong));
        assert_eq!(unpad(&pad(b"trikken").unwrap()).unwrap(), b"trikken");
    }
}
