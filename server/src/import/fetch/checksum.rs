//! Sums that a server or a feed promises of a file, and whether the file keeps them.

use std::{fs::File, io, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use md5::Md5;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};

/// How a sum is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// Against accidents only.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    fn parse(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "md5" => Self::Md5,
            "sha-256" => Self::Sha256,
            "sha-512" => Self::Sha512,
            _ => return None,
        })
    }

    /// How many bytes the sum has.
    fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// A promised sum of a whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// How it is made.
    pub algorithm: Algorithm,
    /// What it is.
    pub bytes: Vec<u8>,
}

impl Sum {
    fn new(algorithm: Algorithm, bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() == algorithm.length()).then_some(Self { algorithm, bytes })
    }

    fn base64(algorithm: Algorithm, text: &str) -> Option<Self> {
        Self::new(algorithm, BASE64_STANDARD.decode(text.trim()).ok()?)
    }

    /// From the link of a feed: `md5:0123…`, `sha-256:…`, in hexadecimal.
    pub fn in_feed(text: &str) -> Vec<Self> {
        let one = |part: &str| {
            let (name, hex) = part.split_once(':')?;
            let digits = hex.as_bytes().chunks(2);
            let bytes: Option<Vec<u8>> = digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
            Self::new(Algorithm::parse(name)?, bytes?)
        };
        text.split_whitespace().filter_map(one).collect()
    }
}

/// The sums that an answer promises. `Digest` and `Repr-Digest` are of the whole file also where only a part of it comes;
/// `Content-Digest` and `Content-MD5` are of what comes. What is of another kind, or no sum at all, promises nothing.
pub fn promised(headers: &HeaderMap, is_whole: bool) -> Vec<Sum> {
    let mut found = Vec::new();
    let mut list = |name: &str, is_structured: bool| {
        for value in headers.get_all(name).iter().filter_map(|value| value.to_str().ok()) {
            for part in value.split(',') {
                let Some((algorithm, sum)) = part.split_once('=') else { continue };
                let sum = if is_structured { sum.trim().strip_prefix(':').and_then(|sum| sum.split(':').next()) } else { Some(sum) };
                found.extend(Algorithm::parse(algorithm).zip(sum).and_then(|(algorithm, sum)| Sum::base64(algorithm, sum)));
            }
        }
    };
    list("digest", false);
    list("repr-digest", true);
    if is_whole {
        list("content-digest", true);
        found.extend(headers.get("content-md5").and_then(|sum| Sum::base64(Algorithm::Md5, sum.to_str().ok()?)));
    }
    found
}

/// Whether a file keeps all that was promised of it.
pub fn keeps(path: &Path, sums: &[Sum]) -> io::Result<bool> {
    for sum in sums {
        let actual = match sum.algorithm {
            Algorithm::Md5 => of::<Md5>(path)?,
            Algorithm::Sha256 => of::<Sha256>(path)?,
            Algorithm::Sha512 => of::<Sha512>(path)?,
        };
        if actual != sum.bytes {
            return Ok(false);
        }
    }
    Ok(true)
}

fn of<D: Digest>(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut digest = D::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(digest.finalize().to_vec()),
            count => digest.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    // Of "a", as `printf a | openssl dgst -binary | base64` says.
    const MD5: &str = "DMF1ucDxtqgxw5niaXcmYQ==";
    const SHA256: &str = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";

    #[test]
    fn each_header_promises_in_its_own_form() {
        let of = |all: &[(&'static str, &str)], is_whole| -> Vec<Algorithm> {
            promised(&headers(all), is_whole).into_iter().map(|sum| sum.algorithm).collect()
        };
        let plain = format!("SHA-256={SHA256},md5={MD5}, unixsum=30637");
        assert_eq!(of(&[("digest", &plain)], false), [Algorithm::Sha256, Algorithm::Md5]);
        let structured = format!("sha-256=:{SHA256}:, sha-512=:{SHA256}:");
        assert_eq!(of(&[("repr-digest", &structured)], false), [Algorithm::Sha256], "a sum of another length is none");
        // Of a part of the file these two say nothing about the whole.
        for (is_whole, expected) in [(true, vec![Algorithm::Sha256, Algorithm::Md5]), (false, vec![])] {
            assert_eq!(of(&[("content-digest", &format!("sha-256=:{SHA256}:")), ("content-md5", MD5)], is_whole), expected);
        }
        assert!(of(&[("digest", "sha-256"), ("content-md5", "%%%"), ("repr-digest", "sha-256=ypeB")], true).is_empty());
    }

    #[test]
    fn a_feed_writes_sums_in_hexadecimal() {
        let sums = Sum::in_feed("md5:0cc175b9c0f1b6a831c399e269772661 sha-1:00 x sha-256:zz");
        assert_eq!(sums, promised(&headers(&[("content-md5", MD5)]), true));
    }

    #[test]
    fn a_file_keeps_its_sums_or_not() {
        let folder = std::env::temp_dir().join(format!("dorbank-sum-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("a");
        std::fs::write(&path, "a").unwrap();
        let sums = promised(&headers(&[("digest", &format!("sha-256={SHA256},md5={MD5}"))]), false);
        assert!(keeps(&path, &sums).unwrap() && keeps(&path, &[]).unwrap());
        std::fs::write(&path, "b").unwrap();
        assert!(!keeps(&path, &sums).unwrap() && !keeps(&path, &sums[1..]).unwrap());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
