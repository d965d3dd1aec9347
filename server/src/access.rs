//! Who may call what, declared where the route is made.
//!
//! [`Routes`] is the only way to a router: a route cannot be added without an access, and the list of all of them is
//! what the test that walks every route with every principal reads.

use std::{convert::Infallible, sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts, RawPathParams, Request, State},
    handler::Handler,
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get, post},
};
use dorbank_shared::{
    error::Code,
    principal::{DevicePrincipal, OfficerPrincipal, Principal, Role},
    sync::wire::Admission,
};
use uuid::Uuid;

use crate::{auth, error::ApiError, extract::BodyTime, routes, state::AppState, store, telemetry};

/// A phone that the lead let in.
pub const ADMITTED: &[Admission] = &[Admission::Admitted];
/// A phone that ever joined, whatever became of it. For push, which takes what a phone has however late.
pub const JOINED: &[Admission] = &[Admission::Waiting, Admission::Admitted, Admission::Refused, Admission::Revoked];
/// Those who plan.
pub const PLANNERS: &[Role] = &[Role::Lead, Role::Organiser, Role::County];
/// Those who answer for what was noted: a branch's organiser, and the county.
pub const ORGANISERS: &[Role] = &[Role::Organiser, Role::County];
/// Those who read the programme pages.
pub const READERS: &[Role] = &[Role::Committee, Role::Reviewer, Role::County, Role::Privacy];
/// Those who see the administration.
pub const ADMINISTRATORS: &[Role] = &[Role::County, Role::Privacy];
/// The county alone.
pub const COUNTY: &[Role] = &[Role::County];
/// Every officer.
pub const OFFICERS: &[Role] = &Role::ALL;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody; who it is is still told where it can be.
    Anyone,
    /// A phone that stands so.
    Device(&'static [Admission]),
    /// An officer with one of these roles.
    Officer(&'static [Role]),
    /// An officer with one of these roles whose branch holds the shift in the path (`{shift}`), or the county.
    Shift(&'static [Role]),
}

/// An access, and what else holds for a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word that a route says, and none excludes another")]
pub struct Rule {
    /// Who may call it.
    pub access: Access,
    limit: usize,
    cookies: bool,
    silent: bool,
    no_store: bool,
    json: bool,
}

/// The largest body of a route that does not say otherwise, in bytes.
const BODY_LIMIT: usize = 16 * 1024;

impl From<Access> for Rule {
    fn from(access: Access) -> Self {
        let officer = matches!(access, Access::Officer(_) | Access::Shift(_));
        Self { access, limit: BODY_LIMIT, cookies: !matches!(access, Access::Device(_)), silent: false, no_store: officer, json: false }
    }
}

impl Access {
    /// With another limit for the body, in bytes.
    pub fn limit(self, bytes: usize) -> Rule {
        Rule::from(self).limit(bytes)
    }

    /// Without ever looking at a cookie; see [`Rule::no_cookies`].
    pub fn no_cookies(self) -> Rule {
        Rule::from(self).no_cookies()
    }
}

impl Rule {
    /// With another limit for the body, in bytes.
    #[must_use]
    pub fn limit(self, bytes: usize) -> Self {
        Self { limit: bytes, ..self }
    }

    /// No cookie is read, so a foreign page that makes a browser call it gains nothing, and its origin does not matter.
    #[must_use]
    pub fn no_cookies(self) -> Self {
        Self { cookies: false, ..self }
    }

    /// Nothing about it is logged, not even that it was called or failed.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// The body says that it is JSON. A foreign page cannot say so without being asked back first (a preflight), which
    /// nothing here answers; so it cannot make its visitors' browsers ask.
    #[must_use]
    pub fn json(self) -> Self {
        Self { json: true, ..self }
    }

    /// No copy of the answer is kept anywhere.
    #[must_use]
    pub fn no_store(self) -> Self {
        Self { no_store: true, ..self }
    }

    /// The largest body that is read, in bytes.
    pub const fn largest_body(&self) -> usize {
        self.limit
    }

    /// Whether a request that changes something must come from our own pages.
    pub const fn checks_origin(&self) -> bool {
        self.cookies
    }
}

/// A route, as it was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The method.
    pub method: Method,
    /// The template of the path.
    pub path: String,
    /// What holds for it.
    pub rule: Rule,
}

/// Routes, each with its access.
#[derive(Debug, Default)]
pub struct Routes(Vec<(Declared, MethodRouter<AppState>)>);

impl Routes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a GET.
    #[must_use]
    pub fn get<H: Handler<T, AppState>, T: 'static>(self, path: &str, rule: impl Into<Rule>, handler: H) -> Self {
        self.add(Method::GET, path, rule.into(), get(handler))
    }

    /// Adds a POST.
    #[must_use]
    pub fn post<H: Handler<T, AppState>, T: 'static>(self, path: &str, rule: impl Into<Rule>, handler: H) -> Self {
        self.add(Method::POST, path, rule.into(), post(handler))
    }

    /// Adds the routes of another list.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    fn add(mut self, method: Method, path: &str, rule: Rule, route: MethodRouter<AppState>) -> Self {
        self.0.push((Declared { method, path: path.to_owned(), rule }, route));
        self
    }

    /// What was declared, route by route.
    pub fn declared(&self) -> Vec<Declared> {
        self.0.iter().map(|(declared, _)| declared.clone()).collect()
    }

    /// The router, with every route behind its guard.
    pub fn into_router(self, state: &AppState) -> Router<AppState> {
        self.0.into_iter().fold(Router::new(), |router, (declared, route)| {
            let path = declared.path.clone();
            let limit = DefaultBodyLimit::max(declared.rule.limit);
            let guard = middleware::from_fn_with_state((state.clone(), Arc::new(declared)), guard);
            router.route(&path, route.route_layer(limit).route_layer(guard))
        })
    }
}

/// Stands before each route: finds out who asks, lets in or refuses, and notes what was answered.
async fn guard(State((state, declared)): State<(AppState, Arc<Declared>)>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    let mut response = match admit(&state, &declared.rule, &mut parts).await {
        Ok(principal) => {
            parts.extensions.insert(principal);
            parts.extensions.insert(BodyTime(state.config.limits.body));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => refuse(&state, error, &declared.rule, &mut parts).await,
    };
    if declared.rule.no_store {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if !declared.rule.silent {
        telemetry::note(&declared.method, &declared.path, &response, started.elapsed());
    }
    response
}

/// Whether a browser asks for a page, rather than a program for data.
pub fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// A person is led to sign in, a program is told why.
async fn refuse(state: &AppState, error: ApiError, rule: &Rule, parts: &mut Parts) -> Response {
    let code = error.code();
    let person = rule.cookies && wants_page(&parts.headers);
    match code {
        Code::Unknown if person && parts.method.is_safe() => Redirect::to("/sign-in").into_response(),
        // Whoever pressed something hears that it was not done.
        Code::Unknown | Code::Forbidden | Code::CrossSite if person => Redirect::to(&format!("/sign-in?error={}", code.name())).into_response(),
        _ if person => routes::pages::refused(state, parts, error).await,
        _ => error.answer(),
    }
}

async fn admit(state: &AppState, rule: &Rule, parts: &mut Parts) -> Result<Principal, ApiError> {
    // Nothing is unpacked here, so nothing small becomes large. Our own apps send bodies as they are.
    if parts.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") || (rule.json && !says_json(&parts.headers)) {
        return Err(Code::Malformed.into());
    }
    if rule.cookies && !parts.method.is_safe() && !is_same_origin(&parts.headers, &state.config.public_url) {
        return Err(Code::CrossSite.into());
    }
    match rule.access {
        Access::Anyone => whoever(state, rule, &parts.headers).await,
        Access::Device(standings) => {
            let device = auth::device(state, &parts.headers).await?.ok_or(Code::Unknown)?;
            if !state.phones.may(device.id, state.now_ms()) {
                return Err(Code::TooMany.into());
            }
            if standings.contains(&device.admission) { Ok(Principal::Device(device)) } else { Err(Code::Forbidden.into()) }
        }
        Access::Officer(roles) => Ok(Principal::Officer(officer(state, roles, &parts.headers).await?)),
        Access::Shift(roles) => {
            let officer = officer(state, roles, &parts.headers).await?;
            let shift = shift_in_path(parts).await.ok_or(Code::NotFound)?;
            let branches = store::shift::branches(&mut state.db.read().await?, shift).await?;
            if officer.covers(&branches) { Ok(Principal::Officer(officer)) } else { Err(Code::Forbidden.into()) }
        }
    }
}

fn says_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

async fn whoever(state: &AppState, rule: &Rule, headers: &HeaderMap) -> Result<Principal, ApiError> {
    if rule.silent {
        return Ok(Principal::Anyone);
    }
    if let Some(device) = auth::device(state, headers).await? {
        return Ok(Principal::Device(device));
    }
    if rule.cookies
        && let Some(officer) = auth::officer(state, headers).await?
    {
        return Ok(Principal::Officer(officer));
    }
    Ok(Principal::Anyone)
}

async fn officer(state: &AppState, roles: &[Role], headers: &HeaderMap) -> Result<OfficerPrincipal, ApiError> {
    let officer = auth::officer(state, headers).await?.ok_or(Code::Unknown)?;
    if roles.contains(&officer.role) { Ok(officer) } else { Err(Code::Forbidden.into()) }
}

async fn shift_in_path(parts: &mut Parts) -> Option<Uuid> {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    params.iter().find(|(name, _)| *name == "shift").and_then(|(_, value)| value.parse().ok())
}

/// Whether a request comes from our own pages: by `Sec-Fetch-Site`, else by `Origin`; with neither it does not.
fn is_same_origin(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = text(header::ORIGIN) else { return false };
    let host = origin.split_once("://").map(|(_, host)| host);
    origin == public_url || (host.is_some() && host == text(header::HOST))
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller(pub Principal);
/// The phone that asks, on a route for phones.
#[derive(Debug, Clone)]
pub struct ByDevice(pub DevicePrincipal);
/// The officer who asks, on a route for officers.
#[derive(Debug, Clone)]
pub struct ByOfficer(pub OfficerPrincipal);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().cloned().unwrap_or(Principal::Anyone)))
    }
}

impl<S: Sync> FromRequestParts<S> for ByDevice {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.extensions.get() {
            Some(Principal::Device(device)) => Ok(Self(device.clone())),
            _ => Err(Code::Unknown.into()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for ByOfficer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.extensions.get() {
            Some(Principal::Officer(officer)) => Ok(Self(officer.clone())),
            _ => Err(Code::Unknown.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_our_own_pages_may_change_anything() {
        let ours = |pairs: &[(&'static str, &'static str)]| is_same_origin(&headers(pairs), "https://dorbank.example");
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
        assert!(ours(&[("origin", "https://dorbank.example")]));
        assert!(ours(&[("origin", "http://10.0.0.2:8080"), ("host", "10.0.0.2:8080")]));
        assert!(!ours(&[]));
        assert!(!ours(&[("origin", "null")]));
        assert!(!ours(&[("origin", "null"), ("host", "null")]));
        assert!(!ours(&[("origin", "https://evil.example"), ("host", "dorbank.example")]));
        for site in ["cross-site", "same-site", "none"] {
            assert!(!ours(&[("sec-fetch-site", site), ("origin", "https://dorbank.example")]), "{site}");
        }
    }
}
