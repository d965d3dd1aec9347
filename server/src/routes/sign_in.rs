//! Signing in and out. This server sends no mail: links come from the command line (`dorbank officer link`).

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use dorbank_shared::officer::Officer;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    access::{Access, Caller, Routes},
    auth::{credential::Token, demo, link, session},
    error::ApiError,
    extract::{Body, ForPage},
    state::AppState,
};

pub(super) fn routes() -> Routes {
    let anyone = Access::Anyone.limit(4 * 1024).no_store();
    Routes::new()
        .get("/sign-in/link/{token}", anyone, open)
        .post("/sign-in/v1/consume", anyone, consume)
        .post("/sign-in/v1/demo", anyone, sign_in_to_demo)
        .post("/sign-in/v1/out", anyone, sign_out)
}

/// The officer of the demo to be.
#[derive(Debug, Deserialize)]
struct AsOfficer {
    officer: Uuid,
}

/// Where an officer begins.
#[derive(Debug, Serialize)]
struct SignedIn {
    home: &'static str,
}

/// Opening a link binds it to this browser and leads to a button; the link itself leaves the address line.
async fn open(State(state): State<AppState>, headers: HeaderMap, Path(token): Path<String>) -> Response {
    let name = state.config.browser_cookie_name();
    match link::open(&state, &token, session::cookie(&headers, name)).await {
        Ok(browser) => {
            let cookie = session::set_cookie(&state.config, name, &browser);
            ([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in/confirm")).into_response()
        }
        Err(error) => ForPage(true).answer::<()>("/sign-in", Err(error)),
    }
}

/// The button behind a link was pressed.
async fn consume(State(state): State<AppState>, headers: HeaderMap, for_page: ForPage) -> Response {
    let browser = session::cookie(&headers, state.config.browser_cookie_name());
    let result = link::consume(&state, browser, session::cookie(&headers, state.config.cookie_name())).await;
    let mut response = signed_in(&state, for_page, result);
    response.headers_mut().append(header::SET_COOKIE, session::clear_cookie(&state.config, state.config.browser_cookie_name()));
    response
}

async fn sign_in_to_demo(State(state): State<AppState>, headers: HeaderMap, for_page: ForPage, Body(chosen): Body<AsOfficer>) -> Response {
    match demo::sign_in(&state, chosen.officer, session::cookie(&headers, state.config.cookie_name())).await {
        // Where there is no demo, this address does not exist, for pages neither.
        Err(error) => error.into_response(),
        result => signed_in(&state, for_page, result),
    }
}

fn signed_in(state: &AppState, for_page: ForPage, result: Result<(Officer, Token), ApiError>) -> Response {
    match result {
        Ok((officer, token)) => {
            let home = officer.role.home();
            let mut response = for_page.answer(home, Ok(SignedIn { home }));
            response.headers_mut().append(header::SET_COOKIE, session::set_cookie(&state.config, state.config.cookie_name(), &token));
            response
        }
        Err(error) => for_page.answer::<()>("/sign-in", Err(error)),
    }
}

async fn sign_out(State(state): State<AppState>, headers: HeaderMap, Caller(principal): Caller, for_page: ForPage) -> Result<Response, ApiError> {
    session::close(&state, &headers, &principal).await?;
    let gone = [(header::SET_COOKIE, session::clear_cookie(&state.config, state.config.cookie_name()))];
    if for_page.0 {
        return Ok((gone, Redirect::to("/")).into_response());
    }
    Ok((gone, Json(serde_json::json!({}))).into_response())
}
