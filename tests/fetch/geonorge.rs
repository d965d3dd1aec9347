//! A Geonorge of our own, on a real socket: it serves feeds and files as the real one does, and misbehaves when told to.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
    task::JoinHandle,
};

/// Where feeds lie.
pub const FEEDS: &str = "/geonorge/ATOM-feeds/";
/// What the feed says of every file, whatever it is.
const WRONG_TYPE: &str = "application/gml+xml;version=3.2.1";

/// How the server answers one request, instead of well.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status, with this `Retry-After`.
    Status(u16, Option<&'static str>),
    /// So many bytes, then the connection breaks.
    CutAfter(usize),
    /// A byte whenever [`Geonorge::more`] is told.
    Drip,
    /// So many bytes, then nothing more, for ever.
    SilentAfter(usize),
    /// A page instead of the file, with status 200.
    Page,
    /// Off to a page that asks who is there.
    SignIn,
    /// The file, with a header that promises another sum.
    WrongSum(&'static str),
    /// The part that was asked for, of the file that is there now, whatever was asked.
    BlindRange,
    /// All of it, although a part was asked for.
    NoRange,
    /// Without any mark by which a part could be told.
    NoMark,
}

/// A file that is served.
#[derive(Debug, Clone)]
struct Served {
    bytes: Vec<u8>,
    edition: u32,
}

/// What was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    pub path: String,
    pub range: Option<String>,
    pub if_range: Option<String>,
    pub if_none_match: Option<String>,
    pub agent: Option<String>,
}

#[derive(Debug, Default)]
struct Inner {
    files: Mutex<HashMap<String, Served>>,
    faults: Mutex<HashMap<String, VecDeque<Fault>>>,
    asked: Mutex<Vec<Asked>>,
    /// Told when it has fallen silent.
    silent: Arc<Notify>,
    /// Told when it may drip.
    more: Arc<Notify>,
}

/// The server.
#[derive(Debug)]
pub struct Geonorge {
    inner: Arc<Inner>,
    address: String,
    task: JoinHandle<()>,
}

impl Drop for Geonorge {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The address of a file of addresses, below the server's.
pub fn path(name: &str) -> String {
    let product = if name.contains("Leilighetsniva") { "MatrikkelenAdresseLeilighetsniva" } else { "MatrikkelenAdresse" };
    format!("/geonorge/Basisdata/{product}/CSV/{name}")
}

/// The name of a file.
pub fn name(municipality: &str, name: &str, epsg: u32, product: &str) -> String {
    format!("Basisdata_{municipality}_{name}_{epsg}_{product}_CSV.zip")
}

/// Where the feed of a product lies.
pub fn feed(product: &str) -> String {
    format!("{FEEDS}{product}_AtomFeedCSV.xml")
}

impl Geonorge {
    /// A server without files.
    pub async fn start() -> Self {
        let inner = Arc::new(Inner::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(inner.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { inner, address, task }
    }

    /// The folder of its feeds.
    pub fn feeds(&self) -> String {
        format!("{}{FEEDS}", self.address)
    }

    /// The whole address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Told when it has fallen silent.
    pub fn silent(&self) -> Arc<Notify> {
        self.inner.silent.clone()
    }

    /// To be told when it may drip.
    pub fn more(&self) -> Arc<Notify> {
        self.inner.more.clone()
    }

    /// Puts a file there, or a new edition of it.
    pub fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        let mut files = self.inner.files.lock().unwrap();
        let edition = files.get(path).map_or(1, |served| served.edition + 1);
        files.insert(path.to_owned(), Served { bytes: bytes.into(), edition });
    }

    /// Takes a file away.
    pub fn take_away(&self, path: &str) {
        self.inner.files.lock().unwrap().remove(path);
    }

    /// Puts files there and the feed of their product, as Geonorge writes it.
    pub fn publish(&self, product: &str, files: &[(&str, &str, &str, u32, Vec<u8>)]) {
        let mut entries = String::new();
        for (municipality, file_name, title, epsg, bytes) in files {
            let place = path(&name(municipality, file_name, *epsg, product));
            let url = self.url(&place);
            write!(
                entries,
                "<entry>\n  <author>\n   <name>Kartverket</name>\n  </author>\n  \
                 <category term=\"EPSG:{epsg}\" scheme=\"http://www.opengis.net/def/crs/\" label=\"EPSG/0/{epsg}\" />\n  \
                 <category term=\"Kommune\" label=\"{title}\" />\n  \
                 <content type=\"html\">Trykk på linken. &lt;br /&gt;  &lt;a href=\"{url}\"&gt;CSV-format&lt;\\a&gt;</content>\n  \
                 <id>{url}_2026-07-01T10:20:59</id>\n  \
                 <link rel=\"alternate\" href=\"{url}\" type=\"{WRONG_TYPE}\" title=\"Datasettet som GML-fil i EPSG:{epsg}\" />\n  \
                 <rights>Kartverket</rights>\n  <title>CSV-format,  {municipality}, {title}</title>\n  <updated>2026-07-01T10:20:59</updated>\n </entry>\n "
            )
            .unwrap();
            self.put(&place, bytes.clone());
        }
        let feed_text = format!(
            "<?xml version='1.0' encoding='utf-8'?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n <id>https://nedlasting.geonorge.no</id>\n \
             <link rel=\"self\" href=\"https://nedlasting.geonorge.no\" type=\"application/atom+xml\" />\n <title>Matrikkelen - Adresse</title>\n \
             <updated>2026-07-20T04:15Z</updated>\n {entries}</feed>"
        );
        self.put(&feed(product), feed_text);
    }

    /// What goes wrong with the next requests for a path, one after the other.
    pub fn fails(&self, path: &str, faults: &[Fault]) {
        self.inner.faults.lock().unwrap().insert(path.to_owned(), faults.iter().cloned().collect());
    }

    /// What was asked of a path.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.inner.asked.lock().unwrap().iter().filter(|asked| asked.path == path).cloned().collect()
    }
}

const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"nb\"><title>Logg inn</title><p>Du må godta vilkårene for å bruke nettet.</p></html>";

fn page() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PAGE).into_response()
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let text = |name: header::HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let asked = Asked {
        path: path.clone(),
        range: text(header::RANGE),
        if_range: text(header::IF_RANGE),
        if_none_match: text(header::IF_NONE_MATCH),
        agent: text(header::USER_AGENT),
    };
    inner.asked.lock().unwrap().push(asked.clone());
    let fault = inner.faults.lock().unwrap().get_mut(&path).and_then(VecDeque::pop_front);
    match &fault {
        Some(Fault::Status(status, after)) => {
            let mut answer = (StatusCode::from_u16(*status).unwrap(), "an error").into_response();
            if let Some(after) = after {
                answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(after));
            }
            return answer;
        }
        Some(Fault::Page) => return page(),
        Some(Fault::SignIn) => return (StatusCode::FOUND, [(header::LOCATION, "/sign-in?next=there")]).into_response(),
        _ if path == "/sign-in" => return page(),
        _ => {}
    }
    let Some(served) = inner.files.lock().unwrap().get(&path).cloned() else {
        return (StatusCode::NOT_FOUND, "<html>404 - File or directory not found.</html>").into_response();
    };
    send(&inner, served, &asked, fault.as_ref())
}

fn send(inner: &Inner, served: Served, asked: &Asked, fault: Option<&Fault>) -> Response {
    let Served { bytes, edition } = served;
    let etag = format!("\"{edition}-{}\"", bytes.len());
    if asked.if_none_match.as_ref() == Some(&etag) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let mut headers = HeaderMap::new();
    if !matches!(fault, Some(Fault::NoMark)) {
        headers.insert(header::ETAG, etag.parse().unwrap());
        headers.insert(header::LAST_MODIFIED, HeaderValue::from_static("Wed, 01 Jul 2026 08:21:00 GMT"));
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-zip-compressed"));
    if let Some(Fault::WrongSum(name)) = fault {
        let (name, value) = match *name {
            "digest" => ("digest", "SHA-256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            "repr-digest" => ("repr-digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"),
            _ => ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="),
        };
        headers.insert(name, HeaderValue::from_static(value));
    }
    let length = bytes.len();
    let start = asked.range.as_ref().and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let same = asked.if_range.as_ref().is_none_or(|mark| *mark == etag) || matches!(fault, Some(Fault::BlindRange));
    let start = start.filter(|_| same && !matches!(fault, Some(Fault::NoRange)));
    if start.is_some_and(|start| start >= length) {
        return (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, format!("bytes */{length}"))]).into_response();
    }
    let body = bytes[start.unwrap_or(0)..].to_vec();
    headers.insert(header::CONTENT_LENGTH, body.len().into());
    let status = match start {
        Some(start) => {
            headers.insert(header::CONTENT_RANGE, format!("bytes {start}-{}/{length}", length - 1).parse().unwrap());
            StatusCode::PARTIAL_CONTENT
        }
        None => StatusCode::OK,
    };
    let body = match fault {
        Some(Fault::CutAfter(sent)) => interrupted(body, *sent, None),
        Some(Fault::Drip) => dripping(body, inner.more.clone()),
        Some(Fault::SilentAfter(sent)) => interrupted(body, *sent, Some(inner.silent.clone())),
        _ => Body::from(body),
    };
    (status, headers, body).into_response()
}

/// A byte each time when it is told.
fn dripping(bytes: Vec<u8>, more: Arc<Notify>) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for byte in bytes {
            more.notified().await;
            if sender.send(Ok(Bytes::copy_from_slice(&[byte]))).await.is_err() {
                return;
            }
        }
    });
    Body::from_stream(Dripping(receiver))
}

struct Dripping(mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl futures_core::Stream for Dripping {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

/// So many bytes, and then a break; or nothing more, of which somebody is told.
fn interrupted(bytes: Vec<u8>, sent: usize, silent: Option<Arc<Notify>>) -> Body {
    Body::from_stream(Interrupted { first: Some(Bytes::from(bytes).slice(..sent)), silent, paused: false })
}

struct Interrupted {
    first: Option<Bytes>,
    silent: Option<Arc<Notify>>,
    paused: bool,
}

impl futures_core::Stream for Interrupted {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(bytes) = self.first.take() {
            return Poll::Ready(Some(Ok(bytes)));
        }
        if let Some(silent) = self.silent.take() {
            silent.notify_one();
            self.paused = true;
        } else if !self.paused {
            // What was given is sent while there is nothing else to do; only then it breaks.
            self.paused = true;
            context.waker().wake_by_ref();
        } else {
            return Poll::Ready(Some(Err(std::io::Error::other("the connection breaks"))));
        }
        Poll::Pending
    }
}
