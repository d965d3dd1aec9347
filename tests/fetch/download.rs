//! A municipality's file from Geonorge, over a real socket: as it goes, and every way in which it does not.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use dorbank_server::import::fetch::{FetchError, FetchOptions, Fetched, Moment, Patience, Product, Progress, Trouble, fetch};
use tempfile::TempDir;
use tokio::sync::Notify;

use super::{
    geonorge::{Fault, Geonorge, feed, name, path},
    packed,
};

/// Nobody waits: pauses are noted and over at once, and silence has lasted when the server says that it is silent.
#[derive(Debug)]
struct Impatient {
    pauses: Mutex<Vec<Duration>>,
    silent: Arc<Notify>,
    chance: f64,
    /// So many milliseconds pass between two looks at the clock.
    tick: i64,
    looks: AtomicI64,
    /// Told at each look.
    looked: Arc<Notify>,
}

impl Impatient {
    fn new(silent: Arc<Notify>) -> Self {
        Self { pauses: Mutex::default(), silent, chance: 0.5, tick: 0, looks: AtomicI64::new(0), looked: Arc::default() }
    }
}

impl Patience for Impatient {
    fn pause(&self, length: Duration) -> Moment<'_> {
        self.pauses.lock().unwrap().push(length);
        Box::pin(std::future::ready(()))
    }

    fn silence(&self, _: Duration) -> Moment<'_> {
        Box::pin(self.silent.notified())
    }

    fn now_ms(&self) -> i64 {
        self.looked.notify_one();
        dorbank_tests::START_MS + self.tick * self.looks.fetch_add(1, Ordering::SeqCst)
    }

    fn chance(&self) -> f64 {
        self.chance
    }
}

/// Notes what it is told.
#[derive(Debug, Default)]
struct Noted {
    begun: Mutex<Vec<(String, Option<u64>, u64)>>,
    last: Mutex<u64>,
    said: Mutex<Vec<String>>,
    ended: AtomicBool,
}

impl Progress for Noted {
    fn begin(&self, name: &str, total: Option<u64>, from: u64) {
        self.begun.lock().unwrap().push((name.to_owned(), total, from));
        self.ended.store(false, Ordering::SeqCst);
    }

    fn at(&self, bytes: u64) {
        *self.last.lock().unwrap() = bytes;
    }

    fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    fn say(&self, line: &str) {
        self.said.lock().unwrap().push(line.to_owned());
    }
}

const ADDRESSES: &str = "MatrikkelenAdresse";
const FLATS: &str = "MatrikkelenAdresseLeilighetsniva";

struct Set {
    server: Geonorge,
    folder: TempDir,
    patience: Impatient,
    progress: Noted,
    zip: Vec<u8>,
}

/// Oslo's file, and what else a county has.
async fn set() -> Set {
    let server = Geonorge::start().await;
    let zip = packed::published(&name("0301", "Oslo", 4258, ADDRESSES), &packed::addresses("0301", 400));
    let small = || packed::published("x", &packed::addresses("0301", 3));
    server.publish(
        ADDRESSES,
        &[
            ("0000", "Norge", "Norge", 4258, small()),
            ("03", "Oslo", "Oslo", 4258, small()),
            ("0301", "Oslo", "Oslo", 25832, small()),
            ("0301", "Oslo", "Oslo", 4258, zip.clone()),
            ("3201", "Berum", "Bærum", 4258, small()),
            ("3203", "Asker", "Asker", 4258, small()),
        ],
    );
    let patience = Impatient::new(server.silent());
    Set { server, folder: TempDir::new().unwrap(), patience, progress: Noted::default(), zip }
}

impl Set {
    fn options(&self, municipality: &str) -> FetchOptions {
        let mut options = FetchOptions::new(self.server.feeds().parse().unwrap(), self.cache(), municipality.to_owned());
        options.product = Some(Product::Addresses);
        options
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    async fn fetch(&self, municipality: &str) -> Result<Fetched, FetchError> {
        fetch(&self.options(municipality), &self.patience, &self.progress).await
    }

    /// Fetches Oslo, which succeeds.
    async fn oslo(&self) -> Fetched {
        let fetched = self.fetch("0301").await.unwrap();
        assert_eq!(fs::read(&fetched.path).unwrap(), self.zip);
        assert!(self.progress.ended.load(Ordering::SeqCst), "no bar is left standing");
        fetched
    }

    /// Fetches Oslo, which fails, and leaves nothing that could be taken for the file.
    async fn refused(&self) -> FetchError {
        let error = self.fetch("0301").await.unwrap_err();
        assert!(!self.cache().join(oslo()).exists());
        assert!(self.progress.ended.load(Ordering::SeqCst));
        let words = error.to_string();
        assert!(words.contains("nothing was changed") && words.contains("What:") && words.contains("Where:") && words.contains("To do:"), "{words}");
        error
    }

    fn said(&self) -> String {
        self.progress.said.lock().unwrap().join("\n")
    }

    fn pauses(&self) -> Vec<f64> {
        self.patience.pauses.lock().unwrap().iter().map(Duration::as_secs_f64).collect()
    }
}

/// The name of Oslo's file.
fn oslo() -> String {
    name("0301", "Oslo", 4258, ADDRESSES)
}

#[tokio::test]
async fn a_municipality_is_found_in_the_feed_and_fetched() {
    let set = set().await;
    let fetched = set.oslo().await;
    assert_eq!(
        (fetched.municipality.as_str(), fetched.name.as_str(), fetched.product, fetched.was_there),
        ("0301", "Oslo", Product::Addresses, false)
    );
    assert_eq!((fetched.path, fetched.bytes), (set.cache().join(oslo()), set.zip.len() as u64));
    let asked = set.server.asked(&path(&oslo()));
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].agent.as_deref(), Some(concat!("dorbank/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(set.progress.begun.lock().unwrap().last(), Some(&(oslo(), Some(set.zip.len() as u64), 0)));
    assert_eq!(*set.progress.last.lock().unwrap(), set.zip.len() as u64);
    assert!(set.pauses().is_empty());

    // By its name too, and in another system.
    assert_eq!(set.fetch("bærum").await.unwrap().municipality, "3201");
    let other = FetchOptions { epsg: 25832, ..set.options("Oslo") };
    assert!(fetch(&other, &set.patience, &set.progress).await.unwrap().path.ends_with(name("0301", "Oslo", 25832, ADDRESSES)));
}

#[tokio::test]
async fn what_is_there_is_used_again_until_there_is_a_newer_one() {
    let set = set().await;
    set.oslo().await;
    assert!(set.oslo().await.was_there);
    let asked = set.server.asked(&path(&oslo()));
    assert_eq!((asked[0].if_none_match.as_deref(), asked[1].if_none_match.is_some()), (None, true));

    let newer = packed::published(&oslo(), &packed::addresses("0301", 500));
    set.server.put(&path(&oslo()), newer.clone());
    let fetched = set.fetch("0301").await.unwrap();
    assert_eq!((fetched.was_there, fs::read(&fetched.path).unwrap() == newer), (false, true));

    // A copy that the disk has damaged is not believed because the server has nothing newer.
    let mut damaged = newer.clone();
    damaged[newer.len() / 2] ^= 0xff;
    fs::write(&fetched.path, damaged).unwrap();
    let again = set.fetch("0301").await.unwrap();
    assert_eq!((again.was_there, fs::read(&again.path).unwrap() == newer), (false, true));
}

#[tokio::test]
async fn a_broken_connection_is_taken_up_where_it_broke() {
    let set = set().await;
    let (first, second) = (2_000, 1_500);
    set.server.fails(&path(&oslo()), &[Fault::CutAfter(first), Fault::CutAfter(second)]);
    set.oslo().await;
    let asked = set.server.asked(&path(&oslo()));
    let ranges: Vec<Option<String>> = asked.iter().map(|asked| asked.range.clone()).collect();
    assert_eq!(ranges, [None, Some(format!("bytes={first}-")), Some(format!("bytes={}-", first + second))]);
    assert!(asked[1].if_range.as_ref().is_some_and(|mark| mark.starts_with('"')), "{asked:?}");
    assert_eq!(set.pauses(), [0.5, 1.0], "twice as long each time, of which chance took half");
    assert!(set.said().contains("it breaks off") && set.said().contains("Trying again in 1 s"), "{}", set.said());
    assert!(!set.cache().join(format!("{}.part", oslo())).exists());
}

#[tokio::test]
async fn a_download_that_was_stopped_goes_on_the_next_day() {
    let set = set().await;
    set.server.fails(&path(&oslo()), &[Fault::SilentAfter(3_000)]);
    // Stopped, as Ctrl-C does, when the server has fallen silent.
    let silent = set.server.silent();
    let patient = Impatient::new(Arc::default());
    let options = set.options("0301");
    tokio::select! {
        _ = fetch(&options, &patient, &set.progress) => panic!("it cannot be done"),
        () = silent.notified() => {}
    }
    let part = set.cache().join(format!("{}.part", oslo()));
    let have = fs::metadata(&part).map_or(0, |about| about.len());
    assert!(!set.cache().join(oslo()).exists());
    set.oslo().await;
    let asked = set.server.asked(&path(&oslo()));
    // What had come by then is not asked for again.
    assert_eq!(asked[1].range, (have > 0).then(|| format!("bytes={have}-")));
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for() {
    let set = set().await;
    set.server.fails(&path(&oslo()), &[Fault::SilentAfter(1_000), Fault::SilentAfter(0)]);
    set.oslo().await;
    assert_eq!(set.pauses().len(), 2);
    assert!(set.said().contains("the server has said nothing for 60 s"), "{}", set.said());
}

#[tokio::test]
async fn a_server_that_dripped_was_waited_for_without_end() {
    let mut set = set().await;
    set.oslo().await;
    set.server.put(&path(&oslo()), set.zip.clone());
    set.server.fails(&path(&oslo()), &[Fault::Drip]);
    // A byte comes within each minute, so it is never silent.
    set.patience = Impatient { tick: 59_000, looked: set.server.more(), ..Impatient::new(Arc::default()) };
    set.oslo().await;
    assert_eq!(set.pauses().len(), 1);
    assert!(set.said().contains("sends next to nothing") && set.said().contains("bytes in 60 s"), "{}", set.said());
}

#[tokio::test]
async fn a_server_that_is_never_well_is_given_up_with_words() {
    let set = set().await;
    set.server.fails(&path(&oslo()), &[const { Fault::Status(503, None) }; 20]);
    let error = set.refused().await;
    assert_eq!(error.trouble, Trouble::Unwell);
    assert!(error.what.contains("503") && error.what.contains("6 tries in a row") && error.to_do.contains("try again later"), "{error}");
    assert_eq!(set.pauses(), [0.5, 1.0, 2.0, 4.0, 8.0]);
    assert_eq!(set.server.asked(&path(&oslo())).len(), 6);

    let fresh = set.folder.path().join("other");
    let nobody = FetchOptions { feeds: "http://127.0.0.1:9/feeds/".parse().unwrap(), cache: fresh, ..set.options("0301") };
    let error = fetch(&nobody, &set.patience, &set.progress).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::Unreachable);
    assert!(error.what.contains("cannot be reached") && error.place.starts_with("http://127.0.0.1:9/feeds/Matrikkelen"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_well_again_is_asked_again() {
    let set = set().await;
    set.server.fails(&path(&oslo()), &[Fault::Status(500, None), Fault::Status(502, None)]);
    set.server.fails(&feed(ADDRESSES), &[Fault::Status(500, None), Fault::CutAfter(100)]);
    set.oslo().await;
    assert_eq!(set.pauses().len(), 4);
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_waited_for_but_not_for_ever() {
    let set = set().await;
    let times = [Some("7"), Some("300"), Some("Wed, 14 Oct 2026 16:00:30 GMT"), None];
    set.server.fails(&path(&oslo()), &times.map(|after| Fault::Status(429, after)));
    set.oslo().await;
    // The last one asked for nothing, and the fourth pause is due: eight seconds, of which chance took half.
    assert_eq!(set.pauses(), [7.0, 300.0, 30.0, 4.0]);
    assert!(set.said().contains("it has too much to do"), "{}", set.said());

    // A day is not waited for, and a server that asked for it is not asked again before.
    let set = self::set().await;
    set.server.fails(&path(&oslo()), &[Fault::Status(503, Some("86400"))]);
    let error = set.refused().await;
    assert_eq!((error.trouble, set.pauses().len(), set.server.asked(&path(&oslo())).len()), (Trouble::Unwell, 0, 1));
    assert!(error.what.contains("503") && error.what.contains("until 2026-10-15 18:00") && error.to_do.contains("after 2026-10-15 18:00"), "{error}");
}

#[tokio::test]
async fn a_server_that_was_away_hid_the_copy_that_was_there() {
    let set = set().await;
    let copy = set.oslo().await.path;
    set.server.put(&path(&oslo()), set.zip.clone());
    set.server.fails(&path(&oslo()), &[const { Fault::Status(503, None) }; 20]);
    let error = set.fetch("0301").await.unwrap_err();
    assert_eq!(error.trouble, Trouble::Unwell);
    let copy = format!("The copy of an earlier run is {0}: give it to `dorbank import addresses {0}`", copy.display());
    assert!(error.to_do.contains(&copy), "{error}");
}

#[tokio::test]
async fn a_page_in_place_of_the_file_is_told_at_once() {
    let set = set().await;
    for fault in [Fault::Page, Fault::SignIn] {
        set.server.fails(&path(&oslo()), std::slice::from_ref(&fault));
        let error = set.refused().await;
        assert_eq!(error.trouble, Trouble::WrongFile, "{fault:?}");
        assert!(error.what.contains("a web page (HTML)") && error.to_do.contains("a sign-in"), "{error}");
        // It says where it was led to.
        assert_eq!(error.place.contains("/sign-in"), matches!(fault, Fault::SignIn), "{error}");
    }
    assert!(set.pauses().is_empty(), "it would be the same page again");
    for (status, trouble) in [(401, Trouble::Denied), (407, Trouble::Denied), (418, Trouble::Unexpected)] {
        set.server.fails(&path(&oslo()), &[Fault::Status(status, None)]);
        assert_eq!(set.refused().await.trouble, trouble);
    }
    // The same for the feed.
    set.server.fails(&feed(ADDRESSES), &[Fault::Page]);
    let fresh = FetchOptions { cache: set.folder.path().join("other"), ..set.options("0301") };
    let error = fetch(&fresh, &set.patience, &set.progress).await.unwrap_err();
    assert!(error.what.contains("a web page (HTML)") && error.what.contains("ATOM feed"), "{error}");
}

#[tokio::test]
async fn a_sum_that_is_promised_is_kept() {
    let set = set().await;
    for header in ["digest", "repr-digest", "content-md5"] {
        set.server.fails(&path(&oslo()), &[Fault::WrongSum(header)]);
        let error = set.refused().await;
        assert_eq!(error.trouble, Trouble::Checksum, "{header}");
        assert!(error.what.contains("the sums differ"), "{error}");
        assert!(!set.cache().join(format!("{}.part", oslo())).exists(), "it is not taken up again");
    }
    // The zip's own sum is always asked.
    set.server.put(&path(&oslo()), packed::summing_to_another(set.zip.clone()));
    let error = set.refused().await;
    assert!(error.trouble == Trouble::WrongFile && error.what.contains("CRC-32"), "{error}");
}

#[tokio::test]
async fn a_file_that_changes_between_two_parts_is_begun_again() {
    for fault in [None, Some(Fault::BlindRange), Some(Fault::NoRange)] {
        let set = set().await;
        let faults: Vec<Fault> = std::iter::once(Fault::CutAfter(2_000)).chain(fault.clone()).collect();
        set.server.fails(&path(&oslo()), &faults);
        // The first part is of this edition.
        let silent = Impatient::new(set.server.silent());
        let one_try = FetchOptions { tries: 1, ..set.options("0301") };
        assert_eq!(fetch(&one_try, &silent, &set.progress).await.unwrap_err().trouble, Trouble::Unreachable);
        assert_eq!(fs::metadata(set.cache().join(format!("{}.part", oslo()))).unwrap().len(), 2_000);
        let newer = packed::published(&oslo(), &packed::addresses("0301", 450));
        set.server.put(&path(&oslo()), newer.clone());
        let fetched = set.fetch("0301").await.unwrap();
        assert!(fs::read(fetched.path).unwrap() == newer, "{fault:?}");
        assert_eq!(set.server.asked(&path(&oslo()))[1].range.as_deref(), Some("bytes=2000-"));
    }
}

#[tokio::test]
async fn a_part_that_cannot_be_told_is_not_gone_on_with() {
    let set = set().await;
    set.server.fails(&path(&oslo()), &[Fault::NoMark, Fault::NoMark]);
    set.oslo().await;
    // Without a mark there is nothing to ask by; the file comes again, and is the same.
    set.oslo().await;
    // More is there than the server has.
    fs::remove_file(set.cache().join(oslo())).unwrap();
    set.server.fails(&path(&oslo()), &[Fault::CutAfter(2_000)]);
    let one_try = FetchOptions { tries: 1, ..set.options("0301") };
    fetch(&one_try, &set.patience, &set.progress).await.unwrap_err();
    fs::write(set.cache().join(format!("{}.part", oslo())), vec![b'x'; set.zip.len() + 9]).unwrap();
    set.oslo().await;
    assert!(set.said().contains("fetched from its beginning"), "{}", set.said());
}

#[tokio::test]
async fn a_number_that_nobody_has_is_answered_with_those_near_it() {
    let set = set().await;
    for (asked, near) in [("3024", "3201 Bærum"), ("0302", "0301 Oslo"), ("Askr", "3203 Asker"), ("0000", "0301 Oslo")] {
        let error = set.fetch(asked).await.unwrap_err();
        assert_eq!(error.trouble, Trouble::UnknownMunicipality, "{asked}");
        assert!(error.what.contains(asked) && error.to_do.starts_with("Near it are ") && error.to_do.contains(near), "{error}");
    }
    let other = FetchOptions { epsg: 25835, ..set.options("0301") };
    let error = fetch(&other, &set.patience, &set.progress).await.unwrap_err();
    assert_eq!((error.trouble, error.to_do.contains("--epsg 4258 or --epsg 25832")), (Trouble::NotOffered, true), "{error}");
}

#[tokio::test]
async fn a_file_that_the_feed_names_and_that_is_not_there_is_told_so() {
    let set = set().await;
    set.server.take_away(&path(&oslo()));
    let error = set.refused().await;
    assert_eq!(error.trouble, Trouble::NotThere);
    assert!(error.what.contains("404") && error.place.ends_with(&oslo()) && error.to_do.contains("3201 Bærum"), "{error}");
}

#[tokio::test]
async fn a_municipality_that_got_another_name_is_followed() {
    let set = set().await;
    set.oslo().await;
    set.server.take_away(&path(&oslo()));
    for ending in [".part", ".part.json"] {
        fs::write(set.cache().join(oslo() + ending), "half").unwrap();
    }
    let renamed = name("0301", "Oslo_Kristiania", 4258, ADDRESSES);
    set.server.publish(ADDRESSES, &[("0301", "Oslo_Kristiania", "Oslo-Kristiania", 4258, set.zip.clone())]);
    let fetched = set.fetch("0301").await.unwrap();
    assert_eq!((fetched.path, fetched.name.as_str()), (set.cache().join(renamed), "Oslo Kristiania"));
    for ending in ["", ".json", ".part", ".part.json"] {
        assert!(!set.cache().join(oslo() + ending).exists(), "the old one only takes room: {ending}");
    }
}

#[tokio::test]
async fn without_the_feed_what_is_known_from_before_helps() {
    let set = set().await;
    set.oslo().await;
    set.server.take_away(&feed(ADDRESSES));
    assert!(set.oslo().await.was_there);
    assert!(set.said().contains("the copy of an earlier run"), "{}", set.said());

    // Only the name is known: from a file that is kept.
    fs::remove_file(set.cache().join("MatrikkelenAdresse_AtomFeedCSV.xml")).unwrap();
    set.server.fails(&feed(ADDRESSES), &[const { Fault::Page }; 2]);
    let other = FetchOptions { epsg: 25832, ..set.options("0301") };
    assert_eq!(fetch(&other, &set.patience, &set.progress).await.unwrap().name, "Oslo");
    assert!(set.said().contains("looked for where such files lie"), "{}", set.said());
    let error = set.fetch("3201").await.unwrap_err();
    assert!(error.what.contains("a web page"), "of a name that nobody knows the feed's own trouble is told: {error}");
}

#[tokio::test]
async fn flats_are_taken_where_they_are_offered() {
    let set = set().await;
    let any = FetchOptions { product: None, ..set.options("0301") };
    // No such feed at all.
    let fetched = fetch(&any, &set.patience, &set.progress).await.unwrap();
    assert_eq!(fetched.product, Product::Addresses);
    assert!(set.said().contains("each entrance with one door"), "{}", set.said());
    // The feed, but not of this municipality.
    let flats = packed::published("x", &packed::addresses("0301", 5));
    set.server.publish(FLATS, &[("3201", "Berum", "Bærum", 4258, flats.clone())]);
    assert_eq!(fetch(&any, &set.patience, &set.progress).await.unwrap().product, Product::Addresses);
    let error = fetch(&FetchOptions { product: Some(Product::Flats), ..any.clone() }, &set.patience, &set.progress).await.unwrap_err();
    assert!(error.what.contains("Leilighetsnivå") && error.to_do.contains("--product addresses"), "{error}");
    // They are offered there, in another system: that was called none, and the city came without its doors.
    set.server.publish(FLATS, &[("0301", "Oslo", "Oslo", 25832, flats.clone())]);
    let error = fetch(&any, &set.patience, &set.progress).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::NotOffered);
    assert!(error.to_do.contains("--epsg 25832"), "{error}");
    set.server.publish(FLATS, &[("0301", "Oslo", "Oslo", 4258, flats)]);
    let fetched = fetch(&any, &set.patience, &set.progress).await.unwrap();
    assert_eq!((fetched.product, fetched.path), (Product::Flats, set.cache().join(name("0301", "Oslo", 4258, FLATS))));
    // What is only unwell now is not taken for what is not offered: a city would come in without its doors.
    set.server.fails(&feed(FLATS), &[const { Fault::Status(503, None) }; 20]);
    let fresh = FetchOptions { cache: set.folder.path().join("other"), ..any };
    assert_eq!(fetch(&fresh, &set.patience, &set.progress).await.unwrap_err().trouble, Trouble::Unwell);
}

#[tokio::test]
async fn a_cache_that_cannot_be_made_is_told_with_its_place() {
    let set = set().await;
    let file = FetchOptions { cache: set.folder.path().join("a-file"), ..set.options("0301") };
    fs::write(&file.cache, "").unwrap();
    let error = fetch(&file, &set.patience, &set.progress).await.unwrap_err();
    assert_eq!((error.trouble, error.place), (Trouble::Cache, file.cache.display().to_string()));
    assert!(error.to_do.contains("--data"), "{}", error.to_do);
}

#[tokio::test]
async fn two_at_once_do_not_write_one_file() {
    let set = set().await;
    set.server.fails(&path(&oslo()), &[Fault::SilentAfter(1_000)]);
    let options = set.options("0301");
    let patient = Impatient::new(Arc::default());
    let silent = set.server.silent();
    tokio::select! {
        _ = fetch(&options, &patient, &set.progress) => panic!("it cannot be done"),
        () = async {
            silent.notified().await;
            let error = set.fetch("0301").await.unwrap_err();
            assert_eq!((error.trouble, error.to_do.as_str()), (Trouble::Busy, "wait until it is done, or stop it"));
        } => {}
    }
    set.oslo().await;
}
