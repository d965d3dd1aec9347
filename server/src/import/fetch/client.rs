//! The client: who it says it is, whom it trusts, whom it follows.

use std::time::Duration;

use reqwest::{Client, redirect};

use super::{FetchError, Trouble};

/// What is sent as `User-Agent`.
pub const USER_AGENT: &str = concat!("dorbank/", env!("CARGO_PKG_VERSION"));
/// More doors than this in a row lead nowhere.
const MOST_REDIRECTS: usize = 5;

/// Sets with what this process does TLS. Every client of this program's build wants it set before it is made.
pub fn provide_tls() {
    // Only the first call sets it, and any later one finds the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client that follows a server to another place, but never from a secure one to an open one. Certificates are checked
/// as the system does, so that what an organisation has told its machines holds here too; so do
/// `HTTPS_PROXY` and `NO_PROXY`.
pub fn make(connect: Duration) -> Result<Client, FetchError> {
    provide_tls();
    let follow = redirect::Policy::custom(|next| {
        let from_secure = next.previous().last().is_some_and(|url| url.scheme() == "https");
        if next.previous().len() > MOST_REDIRECTS {
            next.error("it leads from one place to the next without end")
        } else if from_secure && next.url().scheme() != "https" {
            next.error("it leads from a secure address to an open one")
        } else {
            next.follow()
        }
    });
    Client::builder().user_agent(USER_AGENT).connect_timeout(connect).redirect(follow).build().map_err(|error| {
        let to_do = "install this system's certificates (on Debian: apt install ca-certificates), and look at HTTPS_PROXY";
        FetchError::new(Trouble::Unexpected, format!("no secure connection can be prepared: {}", innermost(&error)), "this machine", to_do)
    })
}

/// What an error has at its bottom: the libraries say above it only that it went wrong.
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
