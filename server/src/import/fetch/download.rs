//! One file, from the server to the cache: resumed where it broke off, tried again when the trouble may pass, checked
//! before it is believed.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use jiff::{Timestamp, tz::TimeZone};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CONTENT_RANGE, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE, RETRY_AFTER},
};

use super::{
    super::{ImportError, Source, WrongFile, sniff, source},
    FetchError, Patience, Product, Progress, Trouble,
    cache::{self, Record},
    checksum::{self, Sum},
    client::innermost,
    feed,
};

/// The first pause between two tries; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest that a server may ask us to wait. Whoever asks for more is asked again by a person.
const LONGEST_ASKED: Duration = Duration::from_mins(5);
/// So many bytes come at least while a server may say nothing; else it is as good as silent.
const LEAST: u64 = 6 * 1024;
/// A try that brought so many bytes was no failure: pauses begin anew.
const WORTH: u64 = 256 * 1024;
/// By how many bytes a file is told.
const HEAD: usize = 512;
/// How often a file is begun again because it changed, before that is called trouble.
const MOST_RESTARTS: usize = 3;

/// What is fetched, and by what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The feed of a product.
    Feed(Product),
    /// A zip with addresses.
    Zip,
}

impl Kind {
    /// More bytes than this are something else.
    fn most(self) -> u64 {
        match self {
            Self::Feed(_) => 64 << 20,
            Self::Zip => 4 << 30,
        }
    }

    /// Refuses what begins as something else: a page that says sorry, or asks who is there.
    fn begins(self, head: &[u8]) -> Result<(), WrongFile> {
        let (expected, fits) = match self {
            Self::Feed(_) => ("Geonorge's list of files (an ATOM feed)", sniff::is_xml(head)),
            Self::Zip => ("the zip with the addresses", source::is_zip(head)),
        };
        if fits {
            return Ok(());
        }
        let found = sniff::called(head);
        let to_do = if sniff::is_html(head) {
            "open a page in a browser: a network may want a sign-in or a yes first. Then try again"
        } else {
            "try again later, or download the file by hand and give it to `dorbank import addresses FILE`"
        };
        Err(WrongFile::new(expected, found, to_do))
    }

    /// Reads a whole file through, to see whether it is whole.
    fn check(self, path: &Path, url: &Url) -> Result<(), ImportError> {
        match self {
            Self::Feed(product) => {
                let bytes = std::fs::read(path).map_err(|error| ImportError::read(path, error))?;
                feed::parse(&bytes, product, url)?;
            }
            Self::Zip => {
                let mut file = Source::open(path)?;
                std::io::copy(&mut file, &mut std::io::sink()).map_err(|error| ImportError::read(path, error))?;
            }
        }
        Ok(())
    }
}

/// How a try ended that was not the last.
enum Failed {
    /// The trouble may pass. With how long the server asks us to wait, and how many bytes came all the same.
    Passing { error: FetchError, after: Option<Duration>, brought: u64 },
    /// What is there is no part of what the server has now: begin again, at once.
    Changed,
    /// It will not get better.
    Final(FetchError),
}

impl From<FetchError> for Failed {
    fn from(error: FetchError) -> Self {
        Self::Final(error)
    }
}

/// What every download needs.
#[derive(Debug)]
pub struct Download<'a> {
    pub client: Client,
    pub patience: &'a dyn Patience,
    pub progress: &'a dyn Progress,
    /// How long the server may say nothing.
    pub silence: Duration,
    /// How often a try may fail in a row.
    pub tries: usize,
}

/// A file on its way.
struct Part<'a> {
    url: &'a Url,
    file: &'a Path,
    part: PathBuf,
    kind: Kind,
    /// The sums that the feed promises.
    sums: &'a [Sum],
}

impl Download<'_> {
    /// Brings what is at `url` to `file`, and says whether it was there already.
    pub async fn get(&self, url: &Url, file: &Path, kind: Kind, sums: &[Sum]) -> Result<bool, FetchError> {
        let part = Part { url, file, part: cache::part(file), kind, sums };
        let (mut pauses, mut failures, mut restarts) = (self.pauses(), 0, 0);
        loop {
            let failed = match self.attempt(&part).await {
                Ok(was_there) => return Ok(was_there),
                Err(failed) => failed,
            };
            match failed {
                Failed::Final(error) => {
                    // A full disk is the server's too.
                    if error.trouble == Trouble::Full {
                        cache::remove(&part.part);
                    }
                    return Err(error);
                }
                Failed::Changed => {
                    cache::remove(&part.part);
                    restarts += 1;
                    if restarts > MOST_RESTARTS {
                        let to_do = "try again in an hour: a new edition is most likely being put there";
                        return Err(FetchError::new(Trouble::Unexpected, "the file changes again and again while it comes", url.as_str(), to_do));
                    }
                    self.progress.say("The file has changed on the server meanwhile; it is fetched from its beginning.");
                }
                Failed::Passing { error, after, brought } => {
                    if brought >= WORTH {
                        (pauses, failures) = (self.pauses(), 0);
                    }
                    failures += 1;
                    if let Some(asked) = after.filter(|asked| *asked > LONGEST_ASKED) {
                        return Err(self.put_off(error, asked));
                    }
                    let Some(pause) = pauses.next() else {
                        let what = if failures > 1 { format!("{}; {failures} tries in a row failed", error.what) } else { error.what };
                        return Err(FetchError { what, ..error });
                    };
                    let pause = after.unwrap_or_else(|| pause.mul_f64(self.patience.chance()));
                    self.progress.say(&format!("{}: {}. Trying again in {} s.", host(url), error.what, pause.as_secs_f64().ceil()));
                    self.patience.pause(pause).await;
                }
            }
        }
    }

    /// The longest pauses, of which a part is waited by chance, so that many who were cut off do not come back at once.
    fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        let tries = self.tries.saturating_sub(1);
        ExponentialBuilder::new().with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE).with_max_times(tries).build()
    }

    async fn attempt(&self, part: &Part<'_>) -> Result<bool, Failed> {
        let (have, began) = part.there();
        let known = part.known();
        let mut request = self.client.get(part.url.clone());
        if let Some(validator) = began.as_ref().and_then(Record::validator) {
            request = request.header(RANGE, format!("bytes={have}-")).header(IF_RANGE, validator);
        } else if let Some(known) = &known {
            if let Some(etag) = &known.etag {
                request = request.header(IF_NONE_MATCH, etag);
            }
            if let Some(time) = &known.last_modified {
                request = request.header(IF_MODIFIED_SINCE, time);
            }
        }
        let sent = tokio::select! {
            sent = request.send() => sent.map_err(|error| part.broken(&error, 0))?,
            () = self.patience.silence(self.silence) => return Err(self.silent(part, 0)),
        };
        match sent.status() {
            StatusCode::NOT_MODIFIED if known.is_some() => {
                let (kind, file, url) = (part.kind, part.file.to_owned(), part.url.clone());
                if blocking(move || kind.check(&file, &url)).await.is_err() {
                    // It was whole once, and is not now.
                    cache::remove(part.file);
                    return Err(Failed::Changed);
                }
                Ok(true)
            }
            StatusCode::OK => {
                let sums = checksum::promised(sent.headers(), true);
                let record = Record::of(part.url, sent.headers(), sent.content_length(), sums);
                self.take(part, sent, record, 0).await?;
                Ok(false)
            }
            StatusCode::PARTIAL_CONTENT => {
                let Some(before) = began else { return Err(Failed::Changed) };
                let (start, total) = content_range(sent.headers()).unwrap_or((u64::MAX, None));
                let mut record = Record::of(part.url, sent.headers(), total.or(before.total), checksum::promised(sent.headers(), false));
                if start != have || !record.is_same(&before) {
                    return Err(Failed::Changed);
                }
                record.etag = record.etag.or(before.etag);
                record.last_modified = record.last_modified.or(before.last_modified);
                record.sums.extend(before.sums);
                self.take(part, sent, record, have).await?;
                Ok(false)
            }
            StatusCode::RANGE_NOT_SATISFIABLE if began.is_some() => Err(Failed::Changed),
            status => Err(self.refused(part, status, sent.headers())),
        }
    }

    /// Takes what an answer brings, from the byte `from` on, and puts the whole file in its place.
    async fn take(&self, part: &Part<'_>, mut answer: Response, record: Record, from: u64) -> Result<(), Failed> {
        let came_from = answer.url().clone();
        if record.total.is_some_and(|total| total > part.kind.most()) {
            return Err(part.too_long().into());
        }
        let mut head = Vec::new();
        let mut writing: Option<File> = None;
        if from > 0 {
            writing = Some(File::options().append(true).open(&part.part).map_err(|error| part.cannot(&error))?);
        }
        self.progress.begin(&part.name(), record.total, from);
        let mut have = from;
        // From when on, and from where, it is looked whether enough comes.
        let mut looked = (self.patience.now_ms(), have);
        let ended = loop {
            let chunk = tokio::select! {
                chunk = answer.chunk() => chunk,
                () = self.patience.silence(self.silence) => break Err(self.silent(part, have - from)),
            };
            let bytes = match &chunk {
                Ok(Some(bytes)) => &bytes[..],
                Ok(None) => break Ok(()),
                Err(error) => break Err(part.broken(error, have - from)),
            };
            if have + bytes.len() as u64 > part.kind.most() {
                break Err(part.too_long().into());
            }
            have += bytes.len() as u64;
            let now_ms = self.patience.now_ms();
            if now_ms - looked.0 >= i64::try_from(self.silence.as_millis()).unwrap_or(i64::MAX) {
                if have - looked.1 < LEAST {
                    break Err(self.slow(part, have - looked.1, have - from));
                }
                looked = (now_ms, have);
            }
            // Written at once and whole: what is on the disk is what will be asked on from. A local disk takes a few
            // kilobytes in less time than it takes to hand them to another thread.
            let written = if let Some(file) = &mut writing {
                file.write_all(bytes)
            } else {
                head.extend_from_slice(bytes);
                if head.len() < HEAD {
                    continue;
                }
                match part.begin(&head, &record, &came_from) {
                    Ok(begun) => begun.map(|file| writing = Some(file)),
                    Err(failed) => break Err(failed),
                }
            };
            if let Err(error) = written {
                break Err(part.cannot(&error).into());
            }
            self.progress.at(have);
        };
        self.progress.end();
        ended?;
        let file = match writing {
            Some(file) => file,
            None => part.begin(&head, &record, &came_from)?.map_err(|error| part.cannot(&error))?,
        };
        if record.total.is_some_and(|total| have < total) {
            return Err(Failed::Passing {
                error: part.trouble(Trouble::Unreachable, "it breaks off in the middle"),
                after: None,
                brought: have - from,
            });
        }
        file.sync_all().map_err(|error| part.cannot(&error))?;
        drop(file);
        part.finish(&record, &came_from, from > 0).await
    }

    fn silent(&self, part: &Part<'_>, brought: u64) -> Failed {
        let what = format!("the server has said nothing for {} s", self.silence.as_secs());
        Failed::Passing { error: part.trouble(Trouble::Unreachable, what), after: None, brought }
    }

    fn slow(&self, part: &Part<'_>, came: u64, brought: u64) -> Failed {
        let what = format!("the server sends next to nothing ({came} bytes in {} s)", self.silence.as_secs());
        Failed::Passing { error: part.trouble(Trouble::Unreachable, what), after: None, brought }
    }

    /// Nobody waits before a terminal for so long.
    fn put_off(&self, error: FetchError, asked: Duration) -> FetchError {
        let asked = i64::try_from(asked.as_millis()).unwrap_or(i64::MAX);
        let until = Timestamp::from_millisecond(self.patience.now_ms().saturating_add(asked)).unwrap_or(Timestamp::MAX);
        let until = until.to_zoned(TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC)).strftime("%Y-%m-%d %H:%M").to_string();
        let (what, to_do) = (format!("{}, and asks to be left alone until {until}", error.what), format!("after {until}, {}", error.to_do));
        FetchError { what, to_do, ..error }
    }

    /// What a status means that brings no file.
    fn refused(&self, part: &Part<'_>, status: StatusCode, headers: &HeaderMap) -> Failed {
        let after = retry_after(headers, self.patience.now_ms());
        let words = format!("the server answers {status}");
        match status.as_u16() {
            429 => Failed::Passing { error: part.trouble(Trouble::Unwell, format!("{words}: it has too much to do")), after, brought: 0 },
            408 | 425 | 500 | 502 | 503 | 504 => Failed::Passing { error: part.trouble(Trouble::Unwell, words), after, brought: 0 },
            404 | 410 => Failed::Final(part.trouble(Trouble::NotThere, format!("{words}: there is no such file"))),
            401 | 403 | 407 => Failed::Final(part.trouble(Trouble::Denied, format!("{words}: it, or a proxy before it, wants to know who asks"))),
            _ => Failed::Final(part.trouble(Trouble::Unexpected, words)),
        }
    }
}

impl Part<'_> {
    fn name(&self) -> String {
        self.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// How much of it is there from before, and what was said of it then. Nothing of which it cannot be told that it is
    /// still the same file.
    fn there(&self) -> (u64, Option<Record>) {
        let have = std::fs::metadata(&self.part).map_or(0, |about| about.len());
        let record = Record::beside(&self.part, self.url).filter(|record| have > 0 && record.validator().is_some());
        (have, record)
    }

    /// What is known of the whole file from before, if it is there.
    fn known(&self) -> Option<Record> {
        Record::beside(self.file, self.url).filter(|_| self.file.is_file())
    }

    /// Begins the file, when its first bytes are of the right kind.
    fn begin(&self, head: &[u8], record: &Record, came_from: &Url) -> Result<std::io::Result<File>, Failed> {
        self.kind.begins(head).map_err(|wrong| FetchError::wrong_file(wrong, came_from))?;
        cache::remove(&self.part);
        let begun = record.write(&self.part).and_then(|()| File::create(&self.part)).and_then(|mut file| file.write_all(head).map(|()| file));
        Ok(begun)
    }

    /// Checks all that was promised and puts the file in its place.
    async fn finish(&self, record: &Record, came_from: &Url, was_resumed: bool) -> Result<(), Failed> {
        let sums: Vec<Sum> = self.sums.iter().chain(&record.sums).cloned().collect();
        let (kind, path, url) = (self.kind, self.part.clone(), self.url.clone());
        let checked = blocking(move || {
            let keeps = checksum::keeps(&path, &sums).map_err(|error| ImportError::read(&path, error))?;
            if keeps { kind.check(&path, &url).map(|()| true) } else { Ok(false) }
        })
        .await;
        let wrong = match checked {
            Ok(true) => {
                let moved = std::fs::rename(&self.part, self.file).and_then(|()| record.write(self.file));
                cache::remove(&self.part);
                return moved.map_err(|error| self.cannot(&error).into());
            }
            Ok(false) => {
                let to_do = "try again; if it happens again, something between here and Geonorge changes what is sent";
                FetchError::new(Trouble::Checksum, "what came is not what the server says that it sent (the sums differ)", came_from.as_str(), to_do)
            }
            Err(ImportError::WrongFile(wrong)) => FetchError::wrong_file(wrong, came_from),
            Err(ImportError::Read { source, .. }) => return Err(self.cannot(&source).into()),
            Err(other) => FetchError::new(Trouble::Unexpected, other.to_string(), came_from.as_str(), "try again"),
        };
        cache::remove(&self.part);
        // Two halves of two editions are no file; one edition alone may be.
        if was_resumed { Err(Failed::Changed) } else { Err(wrong.into()) }
    }

    fn trouble(&self, trouble: Trouble, what: impl Into<String>) -> FetchError {
        let to_do = match trouble {
            Trouble::Denied => "look whether HTTPS_PROXY is right; or download the file in a browser, and give it to `dorbank import addresses FILE`",
            Trouble::NotThere => {
                "try again in some hours; or look in Geonorge's catalogue for the file, and give it to `dorbank import addresses FILE`"
            }
            _ => {
                "the same command goes on from where it stopped: try again later; or download the file in a browser, and give it to `dorbank import addresses FILE`"
            }
        };
        FetchError::new(trouble, what, self.url.as_str(), to_do)
    }

    fn cannot(&self, error: &std::io::Error) -> FetchError {
        FetchError::cache(&self.part, error)
    }

    fn too_long(&self) -> FetchError {
        self.trouble(Trouble::WrongFile, format!("what comes is longer than any such file ({} MB)", self.kind.most() >> 20))
    }

    /// What an error of the connection means.
    fn broken(&self, error: &reqwest::Error, brought: u64) -> Failed {
        let cause = innermost(error);
        if error.is_redirect() || error.is_builder() {
            return Failed::Final(self.trouble(Trouble::Unexpected, format!("the server is not followed: {cause}")));
        }
        let what = if error.is_connect() { format!("it cannot be reached ({cause})") } else { format!("it breaks off ({cause})") };
        Failed::Passing { error: self.trouble(Trouble::Unreachable, what), after: None, brought }
    }
}

/// Does what takes a while away from the network.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, ImportError> + Send + 'static) -> Result<T, ImportError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(ImportError::Stopped))
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("the server")
}

/// `bytes 100-199/200`: where a part begins, and how long the whole is.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let (range, total) = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.trim().parse().ok()?, total.trim().parse().ok()))
}

/// How long a server asks us to wait: in seconds, or until a time.
fn retry_after(headers: &HeaderMap, now_ms: i64) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let now = std::time::UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).ok()?);
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn header(name: reqwest::header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_server_asks_to_wait_in_seconds_or_until_a_time() {
        let after = |value: &str| retry_after(&header(RETRY_AFTER, value), 1_791_993_600_000).map(|wait| wait.as_secs());
        assert_eq!(after("120"), Some(120));
        assert_eq!(after("Wed, 14 Oct 2026 16:02:00 GMT"), Some(120));
        assert_eq!(after("Wed, 14 Oct 2026 15:00:00 GMT"), Some(0), "a time that is past");
        assert_eq!((after("soon"), after("-1")), (None, None));
    }

    #[test]
    fn a_part_says_where_it_begins() {
        let range = |value: &str| content_range(&header(CONTENT_RANGE, value));
        assert_eq!(range("bytes 100-199/200"), Some((100, Some(200))));
        assert_eq!(range("bytes 100-199/*"), Some((100, None)));
        assert_eq!((range("bytes */200"), range("items 1-2/3"), range("bytes")), (None, None, None));
    }
}
