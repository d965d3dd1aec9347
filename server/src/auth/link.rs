//! Links to sign in with. Opening one binds it to the browser, and only a press of the button there uses it up: programs
//! that open links in mail sign nobody in.

use dorbank_shared::{error::Code, officer::Officer};
use uuid::Uuid;

use super::{credential::Token, officer::note_operator, session};
use crate::{error::ApiError, state::AppState, store};

/// How long a link lasts, in milliseconds.
pub const LINK_MS: i64 = 15 * 60 * 1000;

/// Makes a link for an officer, on the command line. The first browser that opens it is bound.
///
/// # Errors
/// `not_found` (no such officer, or stopped); or when the database fails.
pub async fn make(state: &AppState, officer: Uuid) -> Result<String, ApiError> {
    let (token, now) = (Token::new(state), state.now_ms());
    let mut tx = state.db.begin().await?;
    store::officer::find(&mut tx, officer).await?.filter(|found| found.active).ok_or(Code::NotFound)?;
    store::officer::insert_link(&mut tx, token.hash(), officer, None, now, now + LINK_MS).await?;
    note_operator(&mut tx, state, "link", "officer", &officer.to_string()).await?;
    tx.commit().await?;
    Ok(format!("{}/sign-in/link/{}", state.config.public_url, token.text()))
}

/// Binds a link to the browser that opens it, and gives what the browser is to keep. `browser` is what it kept from
/// opening it before.
///
/// # Errors
/// `link_refused`; or when the database fails.
pub async fn open(state: &AppState, link: &str, browser: Option<Token>) -> Result<Token, ApiError> {
    let link = Token::parse(link).ok_or(Code::LinkRefused)?;
    let now = state.now_ms();
    let mut tx = state.db.begin().await?;
    if let Some(browser) = browser
        && store::officer::is_link_bound(&mut tx, link.hash(), browser.hash(), now).await?
    {
        return Ok(browser);
    }
    // A new token for each link, so that a browser holds at most one.
    let browser = Token::new(state);
    if !store::officer::bind_link(&mut tx, link.hash(), browser.hash(), now).await? {
        return Err(Code::LinkRefused.into());
    }
    tx.commit().await?;
    Ok(browser)
}

/// Uses up the link that is bound to a browser, and opens a session.
///
/// # Errors
/// `link_refused`; or when the database fails.
pub async fn consume(state: &AppState, browser: Option<Token>, before: Option<Token>) -> Result<(Officer, Token), ApiError> {
    let browser = browser.ok_or(Code::LinkRefused)?;
    let mut tx = state.db.begin().await?;
    let officer = store::officer::use_link(&mut tx, browser.hash(), state.now_ms()).await?.ok_or(Code::LinkRefused)?;
    let officer = store::officer::find(&mut tx, officer).await?.filter(|found| found.active).ok_or(Code::LinkRefused)?;
    let token = session::open(&mut tx, state, &officer, before).await?;
    tx.commit().await?;
    Ok((officer, token))
}
