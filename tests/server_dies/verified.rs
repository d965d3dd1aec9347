//! What `verify` finds.

use dorbank_server::{store::Db, verify};
use dorbank_shared::{
    sync::wire::{Envelope, Have},
    visit::Outcome,
};
use dorbank_tests::field::Field;
use sqlx::Connection as _;

/// Each thing that `verify` looks at, broken on purpose.
const BROKEN: [(&str, &str); 8] = [
    ("DELETE FROM visit WHERE id IN (SELECT id FROM visit ORDER BY id LIMIT 1)", "has its visit"),
    ("DELETE FROM receipt WHERE id IN (SELECT id FROM visit ORDER BY id DESC LIMIT 1)", "has its receipt"),
    ("UPDATE door_state SET state = 'come_back' WHERE state = 'not_home'", "what its visits say"),
    ("UPDATE campaign_clock SET seq = 0", "campaign's counter"),
    ("UPDATE spool SET sealed = ticket_hash FROM ticket WHERE envelope_hash IS NOT NULL", "one size"),
    ("UPDATE ticket SET envelope_hash = NULL", "paid for"),
    ("DELETE FROM meta WHERE key = 'epoch'", "epoch"),
    ("DELETE FROM quarantine", "kept to be looked at"),
];

#[tokio::test]
async fn what_is_wrong_with_a_database_is_found_on_both() {
    for engine in dorbank_tests::Engine::BOTH {
        for (sql, found) in BROKEN {
            let server = dorbank_tests::TestServer::on(engine).await;
            let state = &server.state;
            let field = Field::make(state, 1, 1, 12).await;
            let mut phones = field.shift(state, &[0]).await;
            let doors: Vec<(usize, Outcome)> = (0..6).map(|door| (door, Outcome::NotHome)).collect();
            field.knock(state, &mut phones[0], 0, state.now_ms(), &doors).await;
            field.send(state, &phones[0], &[field.input(state, "01", &[0], None)]).await;
            let strange =
                Envelope { id: state.id_v7(), kind: "later".into(), version: 9, device_seq: 7, supersedes: None, captured_at: 0, bytes: "{}".into() };
            let batch = dorbank_server::sync::entry::Batch { have: Have::default(), epoch: None, entries: vec![strange.into()] };
            dorbank_server::sync::push::push(&state.db, state.now_ms(), phones[0].device, &batch).await.unwrap();
            let checks = verify::run(&state.db, state.now_ms()).await.unwrap();
            assert!(verify::is_whole(&checks) && checks.iter().all(|check| check.skipped.is_none()), "{engine:?}: {checks:#?}");
            let mut tx = state.db.begin().await.unwrap();
            tx.execute(sql, vec![]).await.unwrap();
            tx.commit().await.unwrap();
            let checks = verify::run(&state.db, state.now_ms()).await.unwrap();
            let wrong: Vec<&str> = checks.iter().filter(|check| !check.wrong.is_empty()).map(|check| check.what).collect();
            assert!(wrong.iter().any(|what| what.contains(found)), "{engine:?}: {sql}: {wrong:?}");
            server.stop().await;
        }
    }
}

/// A file that is no database in use, but a copy of one: SQLite keeps no log of such a one before it is opened.
#[tokio::test]
async fn a_copy_whose_first_change_was_interrupted_was_called_damaged() {
    let server = dorbank_tests::TestServer::start().await;
    let (copy, now) = (server.folder.path().join("copy.db"), server.state.now_ms());
    dorbank_server::backup::run(&server.state.config.database, &copy, now).await.unwrap();
    let address = |path: &std::path::Path| format!("sqlite:{}", path.display());
    let mut writer = sqlx::SqliteConnection::connect(&address(&copy)).await.unwrap();
    for sql in ["PRAGMA cache_size = 1", "BEGIN", "CREATE TABLE much (what BLOB)", "INSERT INTO much VALUES (zeroblob(500000))"] {
        sqlx::query(sql).execute(&mut writer).await.unwrap();
    }
    // As it lies there when the machine goes out.
    let left = server.folder.path().join("left.db");
    for ending in ["", "-journal"] {
        let beside = |path: &std::path::Path| format!("{}{ending}", path.display());
        std::fs::copy(beside(&copy), beside(&left)).unwrap();
    }
    let look = async |db: Db| {
        let checks = verify::run(&db, now).await.unwrap();
        db.close().await;
        checks
    };
    let checks = look(Db::inspect(&address(&left)).await.unwrap()).await;
    assert!(checks[0].wrong[0].contains("is undone when a server opens it"), "{:?}", checks[0]);
    Db::open(&address(&left)).await.unwrap().close().await;
    assert!(verify::is_whole(&look(Db::inspect(&address(&left)).await.unwrap()).await));
    server.stop().await;
}
