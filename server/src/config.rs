//! What the operator sets.

use std::{net::SocketAddr, path::PathBuf};

use crate::limits::Limits;

/// The settings of a running server.
#[derive(Debug, Clone)]
pub struct Config {
    /// `sqlite:PATH` or `postgres://…`.
    pub database: String,
    /// Where keys and the assets of earlier builds are kept.
    pub data: PathBuf,
    /// Where the built static files are.
    pub site: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address by which people reach the server, without a slash at the end.
    pub public_url: String,
    /// The lowest [`dorbank_shared::sync::wire::APP_NUMBER`] that may pull. Push is always allowed.
    pub client_min: u32,
    /// How much one client may take.
    pub limits: Limits,
}

impl Config {
    /// Whether people reach the server over TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The name of the officer's cookie. The prefix makes browsers insist on TLS and on this very host.
    pub fn cookie_name(&self) -> &'static str {
        if self.is_https() { "__Host-dorbank" } else { "dorbank" }
    }

    /// The name of the cookie that binds a sign-in link to the browser that opened it.
    pub fn browser_cookie_name(&self) -> &'static str {
        if self.is_https() { "__Host-dorbank-browser" } else { "dorbank-browser" }
    }

    /// Where keys are kept.
    pub fn keys_dir(&self) -> PathBuf {
        self.data.join("keys")
    }
}
