//! The mix: what it takes, what it leaves, and that it neither loses nor doubles.

use std::collections::BTreeSet;

use dorbank_server::{
    job::Actor,
    mix::{self, MixError, MixReport, Taken},
    state::AppState,
    store::{self, Db},
};
use dorbank_shared::visit::Outcome;
use dorbank_tests::{
    Engine, TestServer,
    field::{Field, HOUR_MS},
    postgres::waiting,
};
use sqlx::Row as _;

const DAY_MS: i64 = 24 * HOUR_MS;

async fn mix(state: &AppState, field: &Field) -> MixReport {
    mix::run(&state.db, &state.config.keys_dir(), field.round.id, &Actor::operator(), state.now_ms(), &mut state.fork_rng()).await.expect("it mixes")
}

/// The texts of the inputs, in the order of the table's own.
async fn texts(db: &Db) -> Vec<String> {
    const SQL: &str = "SELECT words FROM input WHERE words IS NOT NULL";
    match db {
        Db::Sqlite { writer, .. } => sqlx::query(SQL).fetch_all(writer).await.unwrap().iter().map(|row| row.get(0)).collect(),
        Db::Postgres(pool) => sqlx::query(SQL).fetch_all(pool).await.unwrap().iter().map(|row| row.get(0)).collect(),
    }
}

async fn spooled(db: &Db) -> Vec<store::spool::Envelope> {
    let mut tx = db.begin().await.unwrap();
    store::mix_mark::take_spool(&mut tx).await.unwrap()
}

#[tokio::test]
async fn an_area_is_taken_whole_once_all_four_thresholds_are_met() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 2, 3, 40).await;
        let mut said = vec![];
        for evening in 0..3 {
            said.extend(field.evening(state, "01", evening * 8, 8, |n| vec![n % 15]).await);
            let report = mix(state, &field).await;
            let want = if evening == 2 { Taken::Mixed } else { Taken::Waits };
            assert_eq!(report.areas["01"].0, want, "after evening {evening}");
            assert_eq!(report.areas["02"], (Taken::Waits, mix::Rounded::of(0)));
            assert!(report.rewritten);
            server.clock.advance(DAY_MS);
        }
        let want: BTreeSet<String> = said.into_iter().map(|said| said.1).collect();
        let got = texts(&state.db).await;
        assert_eq!(got.len(), want.len());
        assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), want);
        assert!(spooled(&state.db).await.is_empty());

        // Again nothing is taken until all thresholds are met anew: the same turfs count, new shifts and talks must come.
        let more = field.evening(state, "01", 24, 12, |_| vec![0]).await;
        assert_eq!(mix(state, &field).await.areas["01"].0, Taken::Waits);
        server.clock.advance(DAY_MS);
        for evening in 0..2 {
            field.evening(state, "01", 36 + evening * 2, 2, |_| vec![1]).await;
            server.clock.advance(DAY_MS);
        }
        let waiting = mix(state, &field).await;
        assert_eq!((waiting.areas["01"].0, waiting.areas["01"].1.tens()), (Taken::Waits, Some(40)), "{} and 48 conversations", more.len());
        server.stop().await;
    }
}

/// A database whose transactions look at it as of their first look: the mix looked, waited for an input that was being taken,
/// did not see it, and emptied the spool.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_that_came_while_a_mix_began_was_lost() {
    let server = TestServer::on(Engine::Postgres).await;
    let state = &server.state;
    let field = Field::make(state, 1, 3, 40).await;
    let Db::Postgres(pool) = &state.db else { unreachable!("it is PostgreSQL") };
    let name: String = sqlx::query("SELECT current_database()::TEXT").fetch_one(pool).await.unwrap().get(0);
    let sql = format!("ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(pool).await.unwrap();
    let new = Db::open(&state.config.database).await.unwrap();
    let mut tx = new.begin().await.unwrap();
    let envelope = store::spool::Envelope { id: state.id_v4(), round: field.round.id, sealed: vec![7; 64] };
    store::spool::insert(&mut tx, std::slice::from_ref(&envelope)).await.unwrap();
    let keys = state.config.keys_dir();
    let (actor, rng) = (Actor::operator(), &mut state.fork_rng());
    let mix = mix::run(&new, &keys, field.round.id, &actor, state.now_ms(), rng);
    let meanwhile = async {
        while waiting(&state.db).await == 0 {}
        tx.commit().await.unwrap();
    };
    let (report, ()) = tokio::join!(mix, meanwhile);
    report.unwrap();
    assert_eq!(spooled(&state.db).await, [envelope]);
    new.close().await;
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_stays_and_is_counted() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 3, 40).await;
        for evening in 0..3 {
            field.evening(state, "01", evening * 8, 8, |_| vec![0]).await;
        }
        let phones = field.shift(state, &[0]).await;
        let json = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut value = serde_json::to_value(field.input(state, "01", &[0], None)).unwrap();
            change(&mut value);
            field.seal(state, value.to_string().as_bytes())
        };
        let strange = vec![
            json(&|v| v["round"] = state.id_v7().to_string().into()),
            json(&|v| v["area"] = "99".into()),
            json(&|v| v["topics"] = field.topics[..6].iter().map(ToString::to_string).collect::<Vec<_>>().into()),
            json(&|v| v["topics"] = vec![state.id_v4().to_string()].into()),
            json(&|v| v["topics"] = vec![field.topics[0].to_string(); 2].into()),
            json(&|v| v["topics"] = Vec::<String>::new().into()),
            json(&|v| v["words"] = "a".repeat(601).into()),
            json(&|v| v["turf"] = "4".into()),
            field.seal(state, b"not JSON"),
            vec![7; dorbank_shared::seal::SEALED_BYTES],
            field.seal(state, b""),
        ];
        let count = strange.len();
        let before: BTreeSet<Vec<u8>> = strange.iter().cloned().collect();
        field.send_sealed(state, &phones[0], strange).await;
        let ids: BTreeSet<_> = spooled(&state.db).await.into_iter().map(|envelope| envelope.id).collect();
        let report = mix(state, &field).await;
        assert_eq!((report.areas["01"].0, report.unreadable.tens()), (Taken::Mixed, Some(10)));
        let left = spooled(&state.db).await;
        assert_eq!(left.len(), count, "none is dropped");
        assert_eq!(left.iter().map(|envelope| envelope.sealed.clone()).collect::<BTreeSet<_>>(), before);
        assert!(left.iter().all(|envelope| !ids.contains(&envelope.id)), "what stays has fresh ids");
        assert_eq!(texts(&state.db).await.len(), 72);
        server.stop().await;
    }
}

#[tokio::test]
async fn more_inputs_than_conversations_stop_an_area() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 3, 40).await;
        for evening in 0..3 {
            field.evening(state, "01", evening * 8, 8, |_| vec![0]).await;
        }
        let phones = field.shift(state, &[0]).await;
        field.send(state, &phones[0], &[field.input(state, "01", &[3], None)]).await;
        assert_eq!(mix(state, &field).await.areas["01"].0, Taken::Stopped);
        assert_eq!(spooled(&state.db).await.len(), 73);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_setting_raises_a_threshold_and_never_lowers_it() {
    let server = TestServer::start().await;
    let state = &server.state;
    let field = Field::make(state, 1, 3, 40).await;
    let set = async |key: &str, value: &str| {
        let mut tx = state.db.begin().await.unwrap();
        store::meta::set(&mut tx, key, value).await.unwrap();
        tx.commit().await.unwrap();
    };
    set("mix.envelopes", "3").await;
    set("mix.conversations", "1").await;
    field.evening(state, "01", 0, 8, |_| vec![0]).await;
    assert_eq!(mix(state, &field).await.areas["01"].0, Taken::Waits, "24 envelopes");
    for evening in 1..3 {
        field.evening(state, "01", evening * 8, 8, |_| vec![0]).await;
    }
    set("mix.turfs", "4").await;
    assert_eq!(mix(state, &field).await.areas["01"].0, Taken::Waits, "four turfs are wanted");
    set("mix.turfs", "no number").await;
    assert_eq!(mix(state, &field).await.areas["01"].0, Taken::Mixed);
    server.stop().await;
}

#[tokio::test]
async fn an_input_that_was_sealed_twice_is_one() {
    let server = TestServer::start().await;
    let state = &server.state;
    let field = Field::make(state, 1, 3, 40).await;
    for evening in 0..3 {
        field.evening(state, "01", evening * 8, 8, |_| vec![0]).await;
    }
    let mut phones = field.shift(state, &[0]).await;
    field.knock(state, &mut phones[0], 0, state.now_ms(), &[(30, Outcome::Talked)]).await;
    let input = field.input(state, "01", &[3], Some("to ganger"));
    field.send(state, &phones[0], &[input.clone(), input]).await;
    assert_eq!(mix(state, &field).await.areas["01"].0, Taken::Mixed);
    assert_eq!(texts(&state.db).await.iter().filter(|text| *text == "to ganger").count(), 1);
    assert!(spooled(&state.db).await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn without_the_private_key_or_a_round_nothing_is_taken() {
    let server = TestServer::start().await;
    let state = &server.state;
    let field = Field::make(state, 1, 3, 40).await;
    for evening in 0..3 {
        field.evening(state, "01", evening * 8, 8, |_| vec![0]).await;
    }
    let run = async |keys: &std::path::Path, round| mix::run(&state.db, keys, round, &Actor::operator(), state.now_ms(), &mut state.fork_rng()).await;
    let elsewhere = server.folder.path().join("elsewhere");
    assert!(matches!(run(&elsewhere, field.round.id).await, Err(MixError::Key(_))));
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(dorbank_server::round::key_path(&elsewhere, field.round.id), [9; 32]).unwrap();
    assert!(matches!(run(&elsewhere, field.round.id).await, Err(MixError::Key(_))), "another key");
    assert!(matches!(run(&state.config.keys_dir(), state.id_v7()).await, Err(MixError::NoRound)));
    assert_eq!(spooled(&state.db).await.len(), 72);
    server.stop().await;
}

#[tokio::test]
async fn files_that_could_not_be_rewritten_are_rewritten_by_the_next_call() {
    let server = TestServer::start().await;
    let state = &server.state;
    let field = Field::make(state, 1, 3, 40).await;
    for evening in 0..3 {
        field.evening(state, "01", evening * 8, 8, |_| vec![0]).await;
    }
    // A server that fell after the mix was committed and before the files were rewritten leaves just this note.
    let mut tx = state.db.begin().await.unwrap();
    store::mix_mark::rewrite_is_due(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let wal = server.folder.path().join("dorbank.db-wal");
    assert!(std::fs::metadata(&wal).unwrap().len() > 100_000);
    assert!(store::mix_mark::rewrite(&state.db).await.unwrap());
    assert!(std::fs::metadata(&wal).unwrap().len() < 20_000, "the log is emptied");
    let shrunk = std::fs::metadata(&wal).unwrap().modified().unwrap();
    assert!(store::mix_mark::rewrite(&state.db).await.unwrap());
    assert_eq!(std::fs::metadata(&wal).unwrap().modified().unwrap(), shrunk, "once is enough");
    server.stop().await;
}

#[tokio::test]
async fn the_audit_row_of_a_mix_holds_no_count() {
    let server = TestServer::start().await;
    let state = &server.state;
    let field = Field::make(state, 1, 3, 40).await;
    for evening in 0..3 {
        field.evening(state, "01", evening * 8, 8, |_| vec![0]).await;
    }
    mix(state, &field).await;
    mix(state, &field).await;
    let rows = store::audit::all(&mut state.db.read().await.unwrap()).await.unwrap();
    let mixes: Vec<_> = rows.iter().filter(|row| row.action == "mix").collect();
    assert_eq!(mixes.len(), 1, "a mix that took nothing leaves nothing");
    assert_eq!((mixes[0].subject.as_str(), mixes[0].subject_id.as_str()), ("round", field.round.id.to_string().as_str()));
    server.stop().await;
}

#[tokio::test]
async fn a_mix_that_falls_at_its_last_step_has_changed_nothing() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 3, 40).await;
        let mut said = BTreeSet::new();
        for evening in 0..3 {
            said.extend(field.evening(state, "01", evening * 8, 8, |_| vec![0]).await.into_iter().map(|said| said.1));
        }
        let before = spooled(&state.db).await;
        let execute = async |sql: &'static str| match &state.db {
            Db::Sqlite { writer, .. } => sqlx::query(sql).execute(writer).await.map(|_| ()).unwrap(),
            Db::Postgres(pool) => sqlx::query(sql).execute(pool).await.map(|_| ()).unwrap(),
        };
        // The audit row is the last thing that is written.
        execute("ALTER TABLE audit RENAME TO away").await;
        let keys = state.config.keys_dir();
        let fallen = mix::run(&state.db, &keys, field.round.id, &Actor::operator(), state.now_ms(), &mut state.fork_rng()).await;
        assert!(matches!(fallen, Err(MixError::Store(_))));
        assert_eq!(spooled(&state.db).await, before);
        assert!(texts(&state.db).await.is_empty());
        execute("ALTER TABLE away RENAME TO audit").await;
        assert_eq!(mix(state, &field).await.areas["01"].0, Taken::Mixed);
        let got = texts(&state.db).await;
        assert_eq!((got.len(), got.into_iter().collect::<BTreeSet<_>>()), (said.len(), said));
        server.stop().await;
    }
}
