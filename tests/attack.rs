//! Attackers as programs. One has copies of the database's files from several days and the server's log, and tries to
//! say which input was noted at which door; the other has all releases, and subtracts.
//!
//! The first must do no better than guessing within an area and a round, and succeed on builds that leak on purpose.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    rc::Rc,
    sync::Once,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_server::{
    coarsen,
    job::Actor,
    mix::{self, Taken},
    release, round,
    state::AppState,
    store::{self, release::CITY, release::OTHERS},
    sync::tickets,
};
use dorbank_shared::{
    input::{InputsRequest, SLOTS, Slot},
    release::{K, Shown},
    seal::SEALED_BYTES,
};
use dorbank_tests::{
    TestServer,
    field::{Field, HOUR_MS},
};
use sqlx::{Connection as _, Executor as _};
use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _};
use uuid::Uuid;

const DAY_MS: i64 = 24 * HOUR_MS;

/// A copy of the database's files, as a backup or a thief would have it.
struct Copy {
    files: Vec<(&'static str, Vec<u8>)>,
}

impl Copy {
    fn of(folder: &Path) -> Self {
        let files = ["dorbank.db", "dorbank.db-wal"].map(|name| (name, fs::read(folder.join(name)).unwrap_or_default()));
        Self { files: files.into() }
    }

    fn holds(&self, needle: &[u8]) -> bool {
        self.files.iter().any(|(_, bytes)| first(bytes, needle).is_some())
    }
}

/// Where `needle` first stands.
fn first(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, needle)
}

/// Spearman's rank correlation of two orders of the same things, given as places: 1 is the same order.
fn correlation(one: &[usize], other: &[usize]) -> f64 {
    let ranks = |places: &[usize]| {
        let mut sorted: Vec<usize> = (0..places.len()).collect();
        sorted.sort_by_key(|at| places[*at]);
        let mut ranks = vec![0.0; places.len()];
        for (rank, at) in sorted.into_iter().enumerate() {
            ranks[at] = rank as f64;
        }
        ranks
    };
    let (one, other) = (ranks(one), ranks(other));
    let mean = (one.len() as f64 - 1.0) / 2.0;
    let covariance: f64 = one.iter().zip(&other).map(|(a, b)| (a - mean) * (b - mean)).sum();
    let variance: f64 = one.iter().map(|a| (a - mean) * (a - mean)).sum();
    covariance / variance
}

/// What the attacker makes of copies: for each file in which all sentences stand, how well their order there follows
/// the order in which they were noted (which he knows of the visits), and how many he would place right by it.
fn attack(copies: &[Copy], noted: &[String]) -> Vec<(f64, usize)> {
    let mut out = vec![];
    for (_, bytes) in copies.iter().flat_map(|copy| &copy.files) {
        let places: Option<Vec<usize>> = noted.iter().map(|sentence| first(bytes, sentence.as_bytes())).collect();
        let Some(places) = places else { continue };
        let order: Vec<usize> = (0..noted.len()).collect();
        let mut sorted = order.clone();
        sorted.sort_by_key(|at| places[*at]);
        let ahead = sorted.iter().zip(&order).filter(|(a, b)| a == b).count();
        let back = sorted.iter().rev().zip(&order).filter(|(a, b)| a == b).count();
        out.push((correlation(&places, &order).abs(), ahead.max(back)));
    }
    out
}

/// By guessing, a correlation of `n` ranks is spread by 1 / sqrt(n - 1); four of these hardly ever happen. Of a random
/// order one place is right on average.
fn is_guessing((correlation, right): (f64, usize), n: usize) -> bool {
    correlation < 4.0 / ((n - 1) as f64).sqrt() && right <= 6
}

async fn run_mix(state: &AppState, field: &Field) -> BTreeMap<String, Taken> {
    let report = mix::run(&state.db, &state.config.keys_dir(), field.round.id, &Actor::schedule(), state.now_ms(), &mut state.fork_rng()).await;
    let report = report.expect("it mixes");
    assert!(report.rewritten);
    report.areas.into_iter().map(|(area, (taken, _))| (area, taken)).collect()
}

#[tokio::test]
async fn files_of_many_days_do_not_tell_which_input_was_noted_at_which_door() {
    let server = TestServer::start().await;
    let state = &server.state;
    let field = Field::make(state, 2, 3, 60).await;
    let mut said: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut visits: BTreeSet<Uuid> = BTreeSet::new();
    let mut before = vec![];
    for evening in 0..3 {
        for (area, talks) in [("01", 8), ("02", 10)] {
            for (visit, words) in field.evening(state, area, evening * 10, talks, |n| vec![n % 15]).await {
                visits.insert(visit);
                said.entry(area).or_default().push(words);
            }
        }
        before.push(Copy::of(server.folder.path()));
        server.clock.advance(DAY_MS);
    }
    // Before the mix nothing of what was said stands anywhere. What does stand in the order of its arrival is sealed.
    for copy in &before {
        assert!(said.values().flatten().all(|words| !copy.holds(words.as_bytes())));
        assert!(!copy.holds(b"setning"));
    }
    let sealed = store::mix_mark::take_spool(&mut state.db.begin().await.unwrap()).await.unwrap();
    assert!(before[2].holds(&sealed[0].sealed[..64]), "the search finds what is there");

    let taken = run_mix(state, &field).await;
    assert!(taken.values().all(|taken| *taken == Taken::Mixed));
    let mixed = Copy::of(server.folder.path());
    for envelope in &sealed {
        assert!(!mixed.holds(&envelope.sealed[..64]), "what was mixed is gone from the file and its log");
        assert!(!mixed.holds(envelope.id.as_bytes()), "and so is the key under which it waited");
    }
    for words in said.values() {
        let found = attack(std::slice::from_ref(&mixed), words);
        assert!(!found.is_empty(), "the sentences are in the file");
        assert!(found.iter().all(|score| is_guessing(*score, words.len())), "{found:?}");
    }

    // More evenings and a second mix: one file alone does not tell which of the two an input came with.
    let mut late: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for evening in 3..6 {
        for (area, talks) in [("01", 8), ("02", 10)] {
            let more = field.evening(state, area, evening * 10, talks, |n| vec![n % 15]).await;
            late.entry(area).or_default().extend(more.into_iter().map(|said| said.1));
        }
        server.clock.advance(DAY_MS);
    }
    assert!(run_mix(state, &field).await.values().all(|taken| *taken == Taken::Mixed));
    coarsen::run(&state.db, &Actor::schedule(), state.now_ms() + 4 * DAY_MS, &mut state.fork_rng()).await.unwrap();
    let last = Copy::of(server.folder.path());
    for (area, words) in &said {
        let all: Vec<String> = words.iter().chain(&late[area]).cloned().collect();
        let found = attack(std::slice::from_ref(&last), &all);
        assert!(found.iter().all(|score| is_guessing(*score, all.len())), "{found:?}");
    }
    // After 72 hours an entry's id, which is made of its millisecond, stands once: in its receipt, not beside its door.
    for visit in &visits {
        let times = last.files.iter().map(|(_, bytes)| times(bytes, visit.as_bytes())).sum::<usize>();
        assert!(times <= 2, "a row of the receipts and its index");
    }
    let doors: Vec<Uuid> = field.walks.iter().flat_map(|walk| walk.doors.iter().map(|door| door.1)).collect();
    let by_door = |order: &[Uuid]| -> Vec<usize> { order.iter().filter_map(|id| first(&last.files[0].1, id.as_bytes())).collect() };
    assert_eq!(by_door(&doors).len(), doors.len());
    server.stop().await;
}

fn times(bytes: &[u8], needle: &[u8]) -> usize {
    memchr::memmem::find_iter(bytes, needle).count()
}

/// A build that leaks on purpose: inputs are written as they come.
async fn leaky(folder: &Path, create: &str, id: impl Fn(u64) -> Uuid, noted: &[String]) -> Copy {
    let path = folder.join("dorbank.db");
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true).journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let mut db = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    db.execute(sqlx::AssertSqlSafe(create.to_owned())).await.unwrap();
    for (number, words) in (0..).zip(noted) {
        let row = sqlx::query("INSERT INTO input (id, words) VALUES (?, ?)").bind(id(number)).bind(words);
        row.execute(&mut db).await.unwrap();
    }
    Copy::of(folder)
}

#[tokio::test]
async fn the_same_attacker_succeeds_on_builds_that_leak() {
    let server = TestServer::start().await;
    let noted: Vec<String> = (0..72).map(|number| format!("setning 01 {} {number}", Uuid::from_u128(77))).map(|words| words + " .").collect();
    let v7 = |number: u64| uuid::Builder::from_unix_timestamp_millis(1_791_993_600_000 + number * 60_000, &[7; 10]).into_uuid();
    let v4 = |_| server.state.id_v4();
    let rowid = "CREATE TABLE input (id BLOB NOT NULL PRIMARY KEY, words TEXT NOT NULL)";
    let without = "CREATE TABLE input (id BLOB NOT NULL PRIMARY KEY, words TEXT NOT NULL) WITHOUT ROWID";
    let folder = tempfile::tempdir().unwrap();
    let in_order = |score: &(f64, usize)| score.0 > 0.95;
    let copies = [leaky(folder.path(), rowid, v7, &noted).await];
    assert!(attack(&copies, &noted).iter().any(|score| in_order(score) && score.1 == 72), "rows in the order of their arrival");
    let folder = tempfile::tempdir().unwrap();
    let copies = [leaky(folder.path(), without, v7, &noted).await];
    assert!(attack(&copies, &noted).iter().any(in_order), "ids that tell the time");
    let folder = tempfile::tempdir().unwrap();
    let copies = [leaky(folder.path(), without, v4, &noted).await];
    assert!(attack(&copies, &noted).iter().any(in_order), "random ids do not hide the order in the log");
    server.stop().await;
}

thread_local! {
    /// What is logged by this thread, where somebody listens.
    static HEARD: RefCell<Option<Rc<RefCell<Vec<u8>>>>> = const { RefCell::new(None) };
}

/// Listens to what the server logs on this thread, until it is dropped.
pub struct Log(Rc<RefCell<Vec<u8>>>);

impl Log {
    /// Begins. There is one subscriber for all tests: one of a test's own is not heard where another thread has met a line first.
    pub fn listen() -> Self {
        static ALL: Once = Once::new();
        ALL.call_once(|| {
            let ours = Targets::new().with_target("dorbank_server", tracing::Level::TRACE);
            let lines = tracing_subscriber::fmt::layer().with_writer(|| Heard);
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines.with_filter(ours))).unwrap();
        });
        let heard = Rc::default();
        HEARD.set(Some(Rc::clone(&heard)));
        Self(heard)
    }

    /// Forgets what was logged.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// What was logged.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        HEARD.set(None);
    }
}

struct Heard;

impl std::io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        HEARD.with_borrow(|heard| heard.iter().for_each(|heard| heard.borrow_mut().extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_does_not_say_that_an_input_came() {
    let log = Log::listen();
    let server = TestServer::start().await;
    let state = &server.state;
    let field = Field::make(state, 1, 3, 40).await;
    let phones = field.shift(state, &[0]).await;
    let drawn = tickets::draw(&state.db, &mut state.fork_rng(), phones[0].device, 1).await.unwrap().tickets;
    let seal = |words: &str| {
        let input = field.input(state, "01", &[0], Some(words));
        BASE64_URL_SAFE_NO_PAD.encode(field.seal(state, serde_json::to_string(&input).unwrap().as_bytes()))
    };
    let filler = || Slot {
        ticket: BASE64_URL_SAFE_NO_PAD.encode(state.random_bytes::<32>()),
        sealed: BASE64_URL_SAFE_NO_PAD.encode(state.random_bytes::<SEALED_BYTES>()),
    };
    let mut slots = vec![Slot { ticket: drawn[0].clone(), sealed: seal("bussen kommer aldri") }];
    slots.resize_with(SLOTS, filler);
    log.clear();
    assert_eq!(server.get("/sync/v1/hello").send().await.unwrap().status(), 200);
    let answer = server.post("/inputs/v1").json(&InputsRequest { proto: 1, slots: slots.clone() }).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().get("set-cookie").is_none());
    assert!(answer.text().await.unwrap().contains("held"));
    let ours = log.text();
    assert!(ours.contains("/sync/v1/hello"), "the log is heard: {ours}");
    assert!(!ours.contains("inputs"), "{ours}");
    for slot in &slots {
        assert!(!ours.contains(&slot.ticket) && !ours.contains(&slot.sealed[..40]));
    }
    server.stop().await;
}

/// All that releases show of a place and a topic (or the base), by release.
type Shelf = BTreeMap<(String, Option<Uuid>), Vec<Shown>>;

#[tokio::test]
async fn no_two_or_three_releases_tell_of_fewer_than_ten() {
    let server = TestServer::start().await;
    let state = &server.state;
    let weeks = 4;
    let field = Field::make(state, 4, 3, 22 * weeks).await;
    let mut truth: BTreeMap<(usize, String, Option<Uuid>), i64> = BTreeMap::new();
    for week in 0..weeks {
        for evening in 0..3 {
            for (number, area) in ["01", "02", "03"].into_iter().enumerate() {
                if number == 2 && week == 1 {
                    continue;
                }
                // A topic that hardly anybody names, one that nearly all do, and others between, changing by week.
                let topics = |n: usize| {
                    let n = n * 7 + evening * 3 + week * 5 + number;
                    let named =
                        [(0, n.is_multiple_of(11)), (1, !n.is_multiple_of(13)), (2, n % 3 == week % 3), (3, week == 2), (4, n.is_multiple_of(40))];
                    let topics: Vec<usize> = named.into_iter().filter(|(_, named)| *named).map(|(topic, _)| topic).collect();
                    if topics.is_empty() { vec![5] } else { topics }
                };
                field.evening(state, area, week * 21 + evening * 7, 7, topics).await;
            }
            server.clock.advance(DAY_MS);
        }
        server.clock.advance(4 * DAY_MS);
        let rng = &mut state.fork_rng();
        coarsen::run(&state.db, &Actor::schedule(), state.now_ms(), rng).await.unwrap();
        run_mix(state, &field).await;
        let counts = store::input::counts(&mut state.db.read().await.unwrap(), field.round.id).await.unwrap();
        for (area, counts) in counts {
            truth.insert((week, area.clone(), None), counts.base);
            truth.extend(counts.topics.into_iter().map(|(topic, count)| ((week, area.clone(), Some(topic)), count)));
        }
        if week + 1 < weeks {
            release::freeze(&state.db, field.round.id, &Actor::schedule(), state.now_ms(), rng).await.unwrap();
        } else {
            round::close(&state.db, field.round.id, &Actor::operator(), state.now_ms(), rng).await.unwrap();
        }
    }
    let mut tx = state.db.read().await.unwrap();
    let mut shelf: Shelf = BTreeMap::new();
    for cell in store::release::cells(&mut tx, field.round.id).await.unwrap() {
        let week = usize::try_from(cell.release - 1).unwrap();
        let count = truth.get(&(week, cell.area.clone(), cell.topic)).copied().unwrap_or(0);
        if cell.area != CITY && cell.area != OTHERS && cell.topic.is_some() && count < 10 {
            assert!(matches!(cell.shown, Shown::Under | Shown::Closed), "{count} looks like nought");
        }
        let shown = shelf.entry((cell.area, cell.topic)).or_default();
        assert!(shown.len() <= week);
        shown.resize(week, Shown::Closed);
        shown.push(cell.shown);
    }
    let exact = shelf.values().flatten().filter(|shown| matches!(shown, Shown::Exact(_))).count();
    assert!(exact > 25, "there is something to attack: {exact}");
    for ((area, topic), shown) in &shelf {
        subtract(&shelf, area, *topic, shown);
    }
    for cell in store::release::reach(&mut tx, field.round.id).await.unwrap() {
        for part in [cell.opened, cell.conversations].into_iter().flatten() {
            assert!(cell.doors.is_some_and(|doors| doors >= part + 10));
        }
        assert!([cell.doors, cell.opened, cell.conversations].into_iter().flatten().all(|figure| figure >= 10));
    }
    drop(tx);
    server.stop().await;
}

/// Subtracts a cell from itself at other releases, from its base at the same and later ones, and the growth of the one
/// from the growth of the other between releases in which it moved.
fn subtract(shelf: &Shelf, area: &str, topic: Option<Uuid>, shown: &[Shown]) {
    let figures: Vec<(usize, u64)> = shown.iter().enumerate().filter_map(|(week, shown)| Some((week, shown.figure()?))).collect();
    for (early, before) in &figures {
        assert!(*before >= K);
        for (_, after) in figures.iter().filter(|(late, _)| late > early) {
            assert!(after == before || *after >= before + K, "{area}: {before} then {after}");
        }
    }
    if topic.is_none() || area == OTHERS {
        return;
    }
    let bases = &shelf[&(area.to_owned(), None)];
    let base = |week: usize| bases.get(week).and_then(|shown| shown.figure()).unwrap_or(0);
    for (early, part) in &figures {
        for late in *early..bases.len() {
            assert!(base(late) >= part + K, "{area}: {part} of {}", base(late));
        }
    }
    if area != CITY {
        let mut moves = vec![(0, 0)];
        for (week, part) in figures {
            if moves.last().is_some_and(|last: &(u64, u64)| last.0 != part) {
                moves.push((part, base(week)));
            }
        }
        for (at, early) in moves.iter().enumerate() {
            for late in &moves[at + 1..] {
                assert!(late.1 - early.1 >= late.0 - early.0 + K, "{area}: {early:?} then {late:?}");
            }
        }
    }
}
