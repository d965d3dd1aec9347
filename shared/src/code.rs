//! The shift's code, as it is typed, printed and scanned.
//!
//! Typed: four characters that name the shift, six that are secret, one that catches a slip of the thumb. Scanned: the
//! same four characters and 128 bits. Crockford's alphabet: no I, L, O or U, so nothing is misread aloud.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The alphabet, by value.
pub const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// How many characters name the shift.
pub const SELECTOR_LENGTH: usize = 4;
/// How many characters are secret.
pub const SECRET_LENGTH: usize = 6;
/// How many bytes a scanned code keeps secret.
pub const LINK_BYTES: usize = 16;
const TYPED_LENGTH: usize = SELECTOR_LENGTH + SECRET_LENGTH + 1;

/// A code, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShiftCode {
    /// As typed.
    Typed {
        /// Names the shift.
        selector: String,
        /// Six characters.
        secret: String,
    },
    /// As scanned.
    Link {
        /// Names the shift.
        selector: String,
        /// 128 bits.
        secret: [u8; LINK_BYTES],
    },
}

/// Why a text is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Too short, too long, or a character that no code has.
    #[error("a code has {TYPED_LENGTH} letters and digits")]
    Shape,
    /// The last character does not fit the others: something was mistyped.
    #[error("the code is mistyped")]
    Check,
}

impl ShiftCode {
    /// The part that names the shift.
    pub fn selector(&self) -> &str {
        match self {
            Self::Typed { selector, .. } | Self::Link { selector, .. } => selector,
        }
    }

    /// Reads a code: typed in any case, with spaces and hyphens anywhere, I and L for 1 and O for 0; or the value from
    /// a scanned address, or that whole address.
    ///
    /// # Errors
    /// See [`CodeError`].
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let text = text.trim();
        let text = text.rsplit_once("#j=").map_or(text, |(_, value)| value);
        if let Some((selector, secret)) = text.split_once('.') {
            let secret = URL_SAFE_NO_PAD.decode(secret).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(CodeError::Shape)?;
            let selector = plain(selector)?;
            return if selector.len() == SELECTOR_LENGTH { Ok(Self::Link { selector, secret }) } else { Err(CodeError::Shape) };
        }
        let typed = plain(text)?;
        if typed.len() != TYPED_LENGTH {
            return Err(CodeError::Shape);
        }
        let (body, check) = typed.split_at(TYPED_LENGTH - 1);
        if check_character(body).to_string() != check {
            return Err(CodeError::Check);
        }
        let (selector, secret) = body.split_at(SELECTOR_LENGTH);
        Ok(Self::Typed { selector: selector.to_owned(), secret: secret.to_owned() })
    }
}

/// A typed code as it is printed: `K7QF-3M29-XTA`.
pub fn typed(selector: &str, secret: &str) -> String {
    let mut out = format!("{selector}{secret}");
    out.push(check_character(&out));
    for at in [8, 4] {
        if out.is_char_boundary(at) && out.len() > at {
            out.insert(at, '-');
        }
    }
    out
}

/// A scanned code's value: what stands after `#j=` in the address.
pub fn link(selector: &str, secret: &[u8; LINK_BYTES]) -> String {
    format!("{selector}.{}", URL_SAFE_NO_PAD.encode(secret))
}

/// One character for each byte, from its lowest five bits.
pub fn characters(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}

/// The first letter of a sign: none that sounds or looks like another.
const SIGN_LETTERS: &[u8] = b"ABDEFGHJKMNPRTXY";
const SIGN_DIGITS: &[u8] = b"23456789";
/// How many signs there are.
pub const SIGNS: usize = SIGN_LETTERS.len() * SIGN_DIGITS.len();

/// The two characters by which a lead knows a phone ("K7"), by number; the number wraps.
pub fn sign(number: usize) -> String {
    let letter = SIGN_LETTERS[number / SIGN_DIGITS.len() % SIGN_LETTERS.len()];
    let digit = SIGN_DIGITS[number % SIGN_DIGITS.len()];
    format!("{}{}", char::from(letter), char::from(digit))
}

/// The alphabet's own spelling of what was typed.
fn plain(text: &str) -> Result<String, CodeError> {
    let mut out = String::with_capacity(TYPED_LENGTH);
    for character in text.chars() {
        let character = match character.to_ascii_uppercase() {
            'I' | 'L' => '1',
            'O' => '0',
            // Phones turn hyphens into dashes, and keyboards add spaces of many kinds.
            '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}' => continue,
            space if space.is_whitespace() => continue,
            other => other,
        };
        if value(character).is_none() || out.len() == TYPED_LENGTH {
            return Err(CodeError::Shape);
        }
        out.push(character);
    }
    Ok(out)
}

fn value(character: char) -> Option<u8> {
    let at = ALPHABET.iter().position(|known| char::from(*known) == character)?;
    u8::try_from(at).ok()
}

/// Characters as elements of the field with 32 elements, each weighted by its place: every single slip and every swap
/// of two characters gives another check character.
fn check_character(body: &str) -> char {
    let double = |x: u8| if x & 16 == 0 { x << 1 } else { (x << 1) ^ 0b10_0101 };
    let sum = body.chars().filter_map(value).fold(0, |sum, next| double(sum) ^ next);
    char::from(ALPHABET[usize::from(double(sum) & 31)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<ShiftCode, CodeError> {
        ShiftCode::parse(text)
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let printed = typed("K0QF", "3M1940");
        let same = ShiftCode::Typed { selector: "K0QF".into(), secret: "3M1940".into() };
        assert_eq!(read(&printed), Ok(same.clone()));
        assert_eq!(read(&printed.to_lowercase()), Ok(same.clone()));
        assert_eq!(read(&printed.replace('-', " ")), Ok(same.clone()));
        assert_eq!(read(&printed.replace('-', "")), Ok(same.clone()));
        assert_eq!(read(&printed.replace('-', "–").replace('0', "o").replace('1', "l")), Ok(same));
        assert_eq!(read("K7QF"), Err(CodeError::Shape));
        assert_eq!(read("K7QF-3M29-XU?"), Err(CodeError::Shape));
        assert_eq!(read(""), Err(CodeError::Shape));
    }

    #[test]
    fn a_scanned_code_is_read_with_and_without_its_address() {
        let value = link("K7QF", &[9; 16]);
        let same = Ok(ShiftCode::Link { selector: "K7QF".into(), secret: [9; 16] });
        assert_eq!(read(&value), same);
        assert_eq!(read(&format!("https://dorbank.example/field/#j={value}")), same);
        assert_eq!(read("K7QF.short"), Err(CodeError::Shape));
    }

    #[test]
    fn no_two_signs_are_alike() {
        let signs: std::collections::BTreeSet<String> = (0..SIGNS).map(sign).collect();
        assert_eq!(signs.len(), SIGNS);
        assert_eq!(sign(SIGNS), sign(0));
    }

    proptest! {
        #[test]
        fn every_slip_and_every_swap_is_caught(bytes in prop::array::uniform10(0u8..32), at in 0usize..11, to in 0u8..32, other in 0usize..11) {
            let text = characters(&bytes);
            let printed = typed(&text[..4], &text[4..]).replace('-', "");
            let whole = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
            let mut slip = printed.clone().into_bytes();
            slip[at] = ALPHABET[usize::from(to)];
            prop_assert_eq!(read(&whole(&slip)).is_ok(), whole(&slip) == printed);
            let mut swap = printed.clone().into_bytes();
            swap.swap(at, other);
            prop_assert_eq!(read(&whole(&swap)).is_ok(), whole(&swap) == printed);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = read(&text);
        }
    }
}
