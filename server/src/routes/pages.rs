//! The server-rendered pages. A handler says who may come here, has the page filled, and shows it; a page that cannot be
//! filled says why in words.

use std::collections::HashMap;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Multipart, Path, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use dorbank_app::office::{
    page::{
        Body, Notice, Page, SignInLink, Trouble,
        intake::{Fault, Step},
    },
    shell::{self, Assets},
};
use dorbank_shared::{
    district::Noun,
    error::Code,
    principal::{OfficerPrincipal, Principal},
    sync::file::MAX_FILE_BYTES,
    words::LANGUAGES,
};
use leptos::{nonce::use_nonce, prelude::*};
use uuid::Uuid;

use crate::{
    access::{ADMINISTRATORS, Access, ByOfficer, ORGANISERS, PLANNERS, READERS, Routes, wants_page},
    auth,
    error::{ApiError, status},
    extract::whole_from_page,
    headers::office_policy,
    office::{self, Choice, quarantine::Looking},
    routes::quarantine,
    state::AppState,
    sync::push::{file::Take, settle::Pick},
};

/// The cookie that remembers a language.
const LANGUAGE_COOKIE: &str = "dorbank-language";
/// For so many seconds: a year.
const LANGUAGE_SECONDS: u32 = 31_536_000;

/// So many bytes has a form with a file at most; a page whose reader has said yes sends the file as text, which may be longer.
const MOST_SENT: usize = 2 * MAX_FILE_BYTES;
/// With a phone's id after it, the name of the field that says to which shift it belongs.
const SHIFT_OF: &str = "shift-";

pub(super) fn routes() -> Routes {
    // Every page says who is signed in, so none is kept anywhere.
    let anyone = Access::Anyone.limit(1024).no_store();
    Routes::new()
        .get("/", anyone, front)
        .get("/privacy", anyone, privacy)
        .get("/sign-in", anyone, sign_in)
        .get("/sign-in/confirm", anyone, confirm)
        .get("/plan", Access::Officer(PLANNERS), plan)
        .get("/plan/shifts/{shift}", Access::Shift(PLANNERS), shift)
        .get("/plan/status", Access::Officer(ORGANISERS), status_page)
        .get("/plan/intake", Access::Officer(ORGANISERS), choose_file)
        .post("/plan/intake", Access::Officer(ORGANISERS).limit(MOST_SENT), take_file)
        .get("/plan/quarantine", Access::Officer(ORGANISERS), clarify)
        .get("/plan/quarantine/entry", Access::Officer(ORGANISERS), clarify_one)
        .get("/programme", Access::Officer(READERS), programme)
        .get("/admin", Access::Officer(ADMINISTRATORS), admin)
}

async fn front(State(state): State<AppState>, reader: Reader) -> Response {
    reader.show(&state, Ok(Body::Front)).await
}

async fn privacy(State(state): State<AppState>, reader: Reader) -> Response {
    reader.show(&state, Ok(Body::Privacy)).await
}

async fn sign_in(State(state): State<AppState>, reader: Reader) -> Response {
    let body = office::sign_in(&state, reader.notice()).await.map(Body::SignIn);
    reader.show(&state, body).await
}

/// The button behind a link. The link was bound to this browser when it was opened; that is what its cookie says.
async fn confirm(State(state): State<AppState>, reader: Reader) -> Response {
    let usable = cookie(&reader.headers, state.config.browser_cookie_name()).is_some();
    reader.show(&state, Ok(Body::SignInLink(SignInLink { usable }))).await
}

async fn plan(State(state): State<AppState>, ByOfficer(officer): ByOfficer, reader: Reader) -> Response {
    let body = office::plan(&state, &officer, reader.language).await.map(Body::Plan);
    reader.show(&state, body).await
}

async fn shift(State(state): State<AppState>, Path(shift): Path<Uuid>, reader: Reader) -> Response {
    let body = office::shift(&state, shift, reader.language, reader.notice()).await.map(|shift| Body::Shift(Box::new(shift)));
    reader.show(&state, body).await
}

async fn status_page(State(state): State<AppState>, ByOfficer(officer): ByOfficer, reader: Reader) -> Response {
    let body = office::status::status(&state, &officer, reader.language).await;
    reader.show(&state, body.map(|status| Body::Status(Box::new(status)))).await
}

async fn choose_file(State(state): State<AppState>, ByOfficer(officer): ByOfficer, reader: Reader) -> Response {
    show_intake(&state, &officer, reader, Ok(Step::Choose)).await
}

/// A file that was chosen is looked at; the same file, sent again with the yes, is taken.
async fn take_file(State(state): State<AppState>, ByOfficer(officer): ByOfficer, reader: Reader, request: Request) -> Response {
    let step = match sent(request).await {
        Ok(sent) => office::intake::intake(&state, &officer, reader.language, (&sent.file, &sent.shifts), sent.take).await,
        Err(fault) => Ok(Step::Fault(fault)),
    };
    show_intake(&state, &officer, reader, step).await
}

async fn show_intake(state: &AppState, officer: &OfficerPrincipal, reader: Reader, step: Result<Step, ApiError>) -> Response {
    let body = match step {
        Ok(step) => office::intake::page(state, officer, reader.language, step).await,
        Err(error) => Err(error),
    };
    reader.show(state, body.map(|intake| Body::Intake(Box::new(intake)))).await
}

/// What a form with a file sends.
struct Sent {
    file: Bytes,
    /// Whether it comes with the yes.
    take: Take,
    /// To which shift a phone belongs that the server does not know, as the reader says.
    shifts: HashMap<Uuid, Uuid>,
}

async fn sent(request: Request) -> Result<Sent, Fault> {
    let request = whole_from_page(request, MOST_SENT).await.map_err(|code| if code == Code::TooLarge { Fault::TooLarge } else { Fault::Nothing })?;
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| Fault::Nothing)?;
    let (mut file, mut shifts) = (None, HashMap::new());
    while let Some(field) = form.next_field().await.map_err(|_| Fault::Nothing)? {
        let name = field.name().unwrap_or_default().to_owned();
        let take = match name.as_str() {
            "file" => Some(Take::Look),
            "text" => Some(Take::Take),
            _ => None,
        };
        let whose = name.strip_prefix(SHIFT_OF).and_then(|device| device.parse().ok());
        if take.is_none() && whose.is_none() {
            continue;
        }
        // A browser sends a part without a name where no file was chosen.
        let chosen = field.file_name().is_some_and(|file| !file.is_empty());
        let bytes = field.bytes().await.map_err(|_| Fault::Nothing)?;
        if chosen && bytes.is_empty() {
            return Err(Fault::NotOurs);
        }
        if let Some(take) = take {
            file.get_or_insert((bytes, take));
        } else if let (Some(device), Some(shift)) = (whose, std::str::from_utf8(&bytes).ok().and_then(|shift| shift.parse().ok())) {
            shifts.insert(device, shift);
        }
    }
    let (file, take) = file.ok_or(Fault::Nothing)?;
    Ok(Sent { file, take, shifts })
}

async fn clarify(State(state): State<AppState>, ByOfficer(officer): ByOfficer, reader: Reader) -> Response {
    let done = quarantine::done(&reader.query);
    let body = office::quarantine::clarify(&state, &officer, reader.language, reader.notice(), done).await;
    reader.show(&state, body.map(|clarify| Body::Clarify(Box::new(clarify)))).await
}

async fn clarify_one(State(state): State<AppState>, ByOfficer(officer): ByOfficer, reader: Reader) -> Response {
    let id = |name: &str| reader.query.get(name).and_then(|id| id.parse().ok());
    let pick = id("id").zip(reader.query.get("mac").and_then(|mac| office::quarantine::unhex(mac))).map(|(id, mac)| Pick { id, mac });
    let looking = Looking { turf: id("turf"), entrance: id("entrance") };
    let body = match pick {
        Some(pick) => office::quarantine::clarify_one(&state, &officer, reader.language, reader.notice(), (&pick, looking)).await,
        None => Err(Code::NotFound.into()),
    };
    reader.show(&state, body.map(|entry| Body::ClarifyOne(Box::new(entry)))).await
}

async fn programme(State(state): State<AppState>, reader: Reader) -> Response {
    let choice = Choice { release: reader.query.get("release").cloned(), area: reader.query.get("area").cloned() };
    let body = office::programme(&state, reader.language, &choice).await.map(|programme| Body::Programme(Box::new(programme)));
    reader.show(&state, body).await
}

async fn admin(State(state): State<AppState>, reader: Reader) -> Response {
    let body = office::admin(&state, reader.language).await.map(|admin| Body::Admin(Box::new(admin)));
    reader.show(&state, body).await
}

/// What is nowhere: a page for a person, a code for a program.
pub async fn not_found(State(state): State<AppState>, reader: Reader) -> Response {
    if !wants_page(&reader.headers) {
        return ApiError::from(Code::NotFound).answer();
    }
    show_trouble(&state, reader, Code::NotFound.into()).await
}

/// What is there, but not for this method: the same words, the right status.
pub async fn wrong_method(state: State<AppState>, reader: Reader) -> Response {
    let mut answer = not_found(state, reader).await;
    *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    answer
}

/// What a guard answers a person whom it does not let in: the page that says why.
pub async fn refused(state: &AppState, parts: &mut Parts, error: ApiError) -> Response {
    let Ok(reader) = Reader::from_request_parts(parts, state).await;
    show_trouble(state, reader, error).await
}

async fn show_trouble(state: &AppState, mut reader: Reader, error: ApiError) -> Response {
    if let Ok(Some(officer)) = auth::officer(state, &reader.headers).await {
        reader.principal = Principal::Officer(officer);
    }
    reader.show(state, Err(error)).await
}

/// Who reads, in which language, and what they asked for.
#[derive(Debug)]
pub struct Reader {
    principal: Principal,
    language: &'static str,
    /// The language was chosen just now, and is to be remembered.
    chosen: bool,
    headers: HeaderMap,
    uri: Uri,
    query: HashMap<String, String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let query = Query::<HashMap<String, String>>::from_request_parts(parts, state).await.map(|Query(query)| query).unwrap_or_default();
        let chosen = query.get("lang").and_then(|name| known(name));
        let language = chosen.or_else(|| cookie(&parts.headers, LANGUAGE_COOKIE).and_then(known)).unwrap_or_else(|| accepted(&parts.headers));
        Ok(Self {
            principal: parts.extensions.get().cloned().unwrap_or(Principal::Anyone),
            language,
            chosen: chosen.is_some(),
            headers: parts.headers.clone(),
            uri: parts.uri.clone(),
            query,
        })
    }
}

impl Reader {
    fn notice(&self) -> Option<Notice> {
        self.query.get("error").and_then(|code| office::notice(code))
    }

    /// The address without its language and without what was refused the last time.
    fn here(&self) -> String {
        let kept: Vec<&str> = self
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|part| !part.is_empty() && !part.starts_with("lang=") && !part.starts_with("error=") && !part.starts_with("done="))
            .collect();
        if kept.is_empty() { self.uri.path().to_owned() } else { format!("{}?{}", self.uri.path(), kept.join("&")) }
    }

    async fn show(self, state: &AppState, body: Result<Body, ApiError>) -> Response {
        let frame = office::frame(state, &self.principal, self.language, self.here()).await;
        let filled = frame.map_err(ApiError::from).map(|frame| match body {
            Ok(body) => (Page { frame, body }, None),
            Err(error) => (Page { frame, body: Body::Trouble(trouble(error.code())) }, Some(error)),
        });
        let (page, error) = match filled {
            Ok(filled) => filled,
            // Not even the frame can be read: the words of a page, and nothing else.
            Err(error) => (Page { frame: self.bare_frame(), body: Body::Trouble(trouble(error.code())) }, Some(error)),
        };
        let mut response = if wants_data(&self.headers) { Json(page).into_response() } else { render(page, assets(state), self.uri.clone()).await };
        if let Some(error) = error {
            *response.status_mut() = status(error.code());
            error.note_on(&mut response);
        }
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("accept, accept-language, cookie"));
        if self.chosen {
            let secure = if state.config.is_https() { "; Secure" } else { "" };
            let cookie = format!("{LANGUAGE_COOKIE}={}; Path=/; Max-Age={LANGUAGE_SECONDS}; SameSite=Lax; HttpOnly{secure}", self.language);
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                headers.append(header::SET_COOKIE, cookie);
            }
        }
        response
    }

    fn bare_frame(&self) -> dorbank_app::office::page::Frame {
        dorbank_app::office::page::Frame {
            language: self.language.to_owned(),
            district: Noun::default(),
            demo: false,
            person: None,
            here: self.here(),
            credit: None,
        }
    }
}

const fn trouble(code: Code) -> Trouble {
    match code {
        Code::Unknown => Trouble::SignIn,
        Code::Forbidden => Trouble::Forbidden,
        Code::NotFound => Trouble::NotFound,
        Code::Stale => Trouble::Stale,
        Code::Busy => Trouble::Busy,
        Code::Malformed | Code::TooLarge | Code::CrossSite => Trouble::Refused,
        _ => Trouble::Failed,
    }
}

fn assets(state: &AppState) -> Assets {
    Assets { css: state.site.asset("office.css"), js: state.site.asset("office.js"), wasm: state.site.asset("office.wasm") }
}

/// Whether the page itself asks, for its data.
fn wants_data(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"))
}

/// Renders a page whole, with the policy that allows exactly its own scripts.
async fn render(page: Page, assets: Assets, uri: Uri) -> Response {
    let Ok(request) = Request::builder().uri(uri).body(axum::body::Body::empty()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let given = page.clone();
    let context = move || {
        provide_context(given.clone());
        if let Some((response, nonce)) = use_context::<leptos_axum::ResponseOptions>().zip(use_nonce())
            && let Ok(policy) = HeaderValue::from_str(&office_policy(&nonce))
        {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    };
    leptos_axum::render_app_async_with_context(context, move || shell::document(&page, assets.clone()))(request).await
}

fn known(name: &str) -> Option<&'static str> {
    LANGUAGES.into_iter().find(|language| *language == name)
}

/// A cookie of the request.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The language that the browser likes best among ours; bokmål where it likes none.
fn accepted(headers: &HeaderMap) -> &'static str {
    let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut best: Option<(f32, &'static str)> = None;
    for part in header.split(',') {
        let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok()).unwrap_or(0.0);
        let primary = tag.trim().split('-').next().unwrap_or_default().to_lowercase();
        let ours = if primary == "no" { Some("nb") } else { known(&primary) };
        if let Some(language) = ours
            && best.is_none_or(|(likes, _)| weight > likes)
        {
            best = Some((weight, language));
        }
    }
    best.map_or(LANGUAGES[0], |(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_browser_says_which_language_it_likes_best() {
        let likes = |value| accepted(&headers(header::ACCEPT_LANGUAGE, value));
        assert_eq!(likes("en-GB,en;q=0.9"), "en");
        assert_eq!(likes("nn-NO,nb;q=0.8,en;q=0.6"), "nn");
        assert_eq!(likes("en;q=0.5, no;q=0.9"), "nb");
        assert_eq!(likes("pl,en;q=0.7"), "en");
        assert_eq!(likes("sv, da;q=nonsense"), "nb");
        assert_eq!(accepted(&HeaderMap::new()), "nb");
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let headers = headers(header::COOKIE, "a=1; dorbank-language=nn; b=2");
        assert_eq!(cookie(&headers, LANGUAGE_COOKIE), Some("nn"));
        assert_eq!(cookie(&headers, "language"), None);
    }
}
