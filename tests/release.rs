//! Releases from true inputs: what is shown, what never is, and who may look at what was said.

use dorbank_server::{
    job::Actor,
    mix,
    release::{self, ReleaseError, ReleaseView},
    round::{self, RoundError},
    state::AppState,
    store::{self, Db, round::RoundState},
};
use dorbank_shared::release::Shown;
use dorbank_tests::{
    Engine, TestServer,
    field::{Field, HOUR_MS},
};

const DAY_MS: i64 = 24 * HOUR_MS;

async fn mix_and_freeze(state: &AppState, field: &Field) -> ReleaseView {
    let rng = &mut state.fork_rng();
    mix::run(&state.db, &state.config.keys_dir(), field.round.id, &Actor::schedule(), state.now_ms(), rng).await.expect("it mixes");
    release::freeze(&state.db, field.round.id, &Actor::schedule(), state.now_ms(), rng).await.expect("it freezes");
    release::latest(&mut state.db.read().await.unwrap(), field.round.id).await.unwrap().expect("there is one")
}

#[tokio::test]
async fn what_was_heard_is_shown_per_area_beside_who_was_reached() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 2, 3, 40).await;
        let none = mix_and_freeze(state, &field).await;
        assert_eq!((none.number, none.city.base), (1, Shown::Closed));
        assert!(none.areas.iter().all(|area| !area.open && area.reach.doors.is_none()));
        for evening in 0..3 {
            // 72 inputs: 24 name topic 0, 9 name topic 1, all name topic 2, 63 name topic 3.
            field
                .evening(state, "01", evening * 8, 8, |n| {
                    let n = n + evening * 24;
                    [Some(2), (n % 3 == 0).then_some(0), (n % 8 == 0).then_some(1), (n % 8 != 0).then_some(3)].into_iter().flatten().collect()
                })
                .await;
        }
        field.evening(state, "02", 0, 4, |_| vec![5]).await;
        let view = mix_and_freeze(state, &field).await;
        assert_eq!(view.number, 2);
        let area = &view.areas[0];
        assert_eq!((area.number.as_str(), area.name.as_str(), area.open, area.base), ("01", "Bydel 01", true, Shown::Exact(72)));
        let shown: Vec<Shown> = field.topics[..5].iter().map(|topic| area.cells.iter().find(|cell| cell.topic == *topic).unwrap().shown).collect();
        assert_eq!(shown, vec![Shown::Exact(24), Shown::Under, Shown::NearlyAll, Shown::NearlyAll, Shown::Under]);
        assert_eq!((area.reach.doors, area.reach.conversations), (Some(72), None), "all doors talked, so only the doors are said");
        let other = &view.areas[1];
        assert!(!other.open && other.cells.iter().all(|cell| cell.shown == Shown::Closed));
        assert_eq!((other.base, other.reach.doors), (Shown::Closed, Some(12)));
        assert_eq!(view.city.base, Shown::AtLeast(72));
        assert_eq!(view.city.cells.iter().find(|cell| cell.topic == field.topics[0]).unwrap().shown, Shown::AtLeast(24));
        let same = mix_and_freeze(state, &field).await;
        assert_eq!((same.areas, same.city), (view.areas, view.city));
        assert_eq!(release::list(&mut state.db.read().await.unwrap(), field.round.id).await.unwrap().len(), 3);
        server.stop().await;
    }
}

#[tokio::test]
async fn the_weekly_freeze_runs_once_a_week_and_a_closed_round_no_more() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 3, 40).await;
        let due = async || release::freeze_due(&state.db, &Actor::schedule(), state.now_ms(), &mut state.fork_rng()).await.unwrap().len();
        assert_eq!(due().await, 1);
        server.clock.advance(4 * DAY_MS);
        assert_eq!(due().await, 0, "it is Sunday");
        server.clock.advance(DAY_MS);
        assert_eq!(due().await, 1);
        assert_eq!(due().await, 0);
        let rng = &mut state.fork_rng();
        round::close(&state.db, field.round.id, &Actor::operator(), state.now_ms(), rng).await.unwrap();
        assert_eq!(release::list(&mut state.db.read().await.unwrap(), field.round.id).await.unwrap().len(), 3, "the last at the close");
        server.clock.advance(7 * DAY_MS);
        assert_eq!(due().await, 0);
        let again = release::freeze(&state.db, field.round.id, &Actor::operator(), state.now_ms(), rng).await;
        assert!(matches!(again, Err(ReleaseError::NotOpen)));
        assert!(matches!(round::close(&state.db, field.round.id, &Actor::operator(), 0, rng).await, Err(RoundError::State(RoundState::Closed))));
        server.stop().await;
    }
}

#[tokio::test]
async fn releases_are_never_changed() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 3, 40).await;
        mix_and_freeze(state, &field).await;
        for sql in ["UPDATE release_cell SET band = 'under'", "DELETE FROM release_cell"] {
            let refused = match &state.db {
                Db::Sqlite { writer, .. } => sqlx::query(sql).execute(writer).await.is_err(),
                Db::Postgres(pool) => sqlx::query(sql).execute(pool).await.is_err(),
            };
            assert!(refused, "{sql}");
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn one_round_is_open_at_a_time_and_only_with_its_key() {
    let server = TestServer::start().await;
    let state = &server.state;
    let field = Field::make(state, 1, 1, 10).await;
    let (rng, keys, actor) = (&mut state.fork_rng(), state.config.keys_dir(), Actor::operator());
    let new = |opens: &str, closes: &str| round::NewRound {
        name: "vår 2027".into(),
        opens_on: opens.into(),
        closes_on: closes.into(),
        codebook: round::default_codebook().unwrap(),
    };
    assert!(matches!(round::make(&state.db, &keys, &new("2027-01-01", "2026-12-31"), &actor, 0, rng).await, Err(RoundError::Backwards { .. })));
    let (second, private) = round::make(&state.db, &keys, &new("2027-01-01", "2027-06-01"), &actor, state.now_ms(), rng).await.unwrap();
    assert!(matches!(round::open(&state.db, &keys, second, &actor, 0, rng).await, Err(RoundError::AnotherOpen(_))));
    round::close(&state.db, field.round.id, &actor, state.now_ms(), rng).await.unwrap();
    let path = round::key_path(&keys, second);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let row = store::round::find(&mut state.db.read().await.unwrap(), second).await.unwrap().unwrap();
    let paper = round::paper_copy(&private);
    assert!(round::restore_key(&keys, &row, &paper).is_err(), "a file that is there stays");
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(round::open(&state.db, &keys, second, &actor, 0, rng).await, Err(RoundError::Key(_))));
    assert!(round::restore_key(&keys, &row, &round::paper_copy(&[9; 32])).is_err());
    round::restore_key(&keys, &row, &paper.to_uppercase()).unwrap();
    round::open(&state.db, &keys, second, &actor, state.now_ms(), rng).await.unwrap();
    server.stop().await;
}

/// The tables of the input side.
const CLOSED: [&str; 3] = ["input", "input_topic", "spool"];

fn names_a_table(sql: &str) -> Option<&'static str> {
    let words: Vec<&str> = sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let follows = |word: &str| ["FROM", "JOIN", "INTO", "UPDATE", "TABLE", "TRUNCATE", "CLUSTER"].iter().any(|verb| verb.eq_ignore_ascii_case(word));
    CLOSED.into_iter().find(|table| words.windows(2).any(|pair| follows(pair[0]) && pair[1].eq_ignore_ascii_case(table)))
}

#[test]
fn no_query_outside_the_mix_the_freeze_and_the_spool_names_the_tables_of_what_was_said() {
    let allowed = ["input", "mix_mark", "spool"];
    for (file, name, sql) in store::all_statements() {
        if let Some(table) = names_a_table(sql) {
            assert!(allowed.contains(&file), "{file}::{name} names {table}");
        }
    }
    // And none that is hidden from the list: no other file of the server has such a text.
    let mut files = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../server/src"))];
    let mut seen = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            seen += 1;
            let in_store = path.parent().and_then(|parent| parent.file_name()).is_some_and(|parent| parent == "store");
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            if in_store && allowed.contains(&stem.as_str()) {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
            for literal in code.split('"').skip(1).step_by(2) {
                assert!(names_a_table(literal).is_none(), "{}: {literal}", path.display());
            }
        }
    }
    assert!(seen > 20, "the server's files are there");
}
