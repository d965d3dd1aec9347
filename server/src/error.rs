//! What a handler answers when it cannot do what was asked: a status and one closed code, nothing else.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use dorbank_shared::error::{Code, Refusal};

use crate::store::{StoreError, trouble::Trouble};

/// A request that was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The caller can do something about it.
    #[error("refused: {0:?}")]
    Refused(Code),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Anything else failed.
    #[error(transparent)]
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self::Refused(code)
    }
}

impl ApiError {
    /// A fault of the server, from any error.
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// The code that the caller gets.
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(code) => *code,
            Self::Store(StoreError::Stale) => Code::Stale,
            Self::Store(error) if is_busy(error) => Code::Busy,
            Self::Store(_) | Self::Internal(_) => Code::Internal,
        }
    }
}

/// The status that goes with a code.
pub const fn status(code: Code) -> StatusCode {
    match code {
        Code::Malformed => StatusCode::BAD_REQUEST,
        Code::Unknown => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::CodeRefused | Code::ShiftClosed | Code::LinkRefused | Code::CrossSite => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Stale | Code::ShiftFull | Code::Exists => StatusCode::CONFLICT,
        Code::CodeLocked | Code::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Code::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Code::UpdateNeeded => StatusCode::UPGRADE_REQUIRED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether it may go better later: the database only asks to try again, or has a trouble that somebody can end.
fn is_busy(error: &StoreError) -> bool {
    if Trouble::of(error).is_some() || matches!(error, StoreError::Restoring) {
        return true;
    }
    match error {
        StoreError::Sql(sqlx::Error::PoolClosed) => true,
        // SQLITE_BUSY and SQLITE_LOCKED with their extended codes; serialization failure and deadlock.
        StoreError::Sql(sqlx::Error::Database(error)) => {
            error.code().is_some_and(|code| matches!(code.as_ref(), "5" | "6" | "261" | "517" | "773" | "40001" | "40P01"))
        }
        _ => false,
    }
}

/// What may be logged of an error: its kind and the database's own code, since messages can quote values.
pub fn kind(error: &StoreError) -> String {
    match error {
        StoreError::Sql(sqlx::Error::Database(error)) => {
            format!("database {} {}", error.code().unwrap_or_default(), error.table().unwrap_or_default())
        }
        StoreError::Sql(sqlx::Error::PoolTimedOut) => "no connection was free in time".to_owned(),
        StoreError::Sql(sqlx::Error::PoolClosed) => "the server is stopping".to_owned(),
        StoreError::Sql(sqlx::Error::Io(error)) => format!("database connection: {}", error.kind()),
        StoreError::Sql(sqlx::Error::ColumnDecode { index, .. }) => format!("column {index} does not decode"),
        StoreError::Sql(_) => "database".to_owned(),
        other => other.to_string(),
    }
}

/// Travels with an answer to where it is logged, or, on a route that leaves no trace, is dropped.
#[derive(Debug, Clone)]
pub struct Fault(pub String);

impl ApiError {
    /// The answer, with what may be logged beside it.
    pub fn answer(&self) -> Response {
        let code = self.code();
        let mut response = (status(code), Json(Refusal { error: code })).into_response();
        if matches!(code, Code::Busy | Code::TooMany | Code::TooSlow) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        }
        self.note_on(&mut response);
        response
    }

    /// Puts what may be logged beside an answer.
    pub fn note_on(&self, response: &mut Response) {
        let kind = match self {
            Self::Store(error) if !matches!(error, StoreError::Stale) => kind(error),
            Self::Internal(error) => error.to_string(),
            _ => return,
        };
        response.extensions_mut().insert(Fault(kind));
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.answer()
    }
}
