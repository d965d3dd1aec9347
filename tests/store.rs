//! The store: two databases that are one, statements that prepare on both, and one story from import to inputs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use dorbank_server::store::{self, Db};
use dorbank_shared::{
    input::SlotStatus,
    seal::open,
    sync::{
        base::{Base, Verdict},
        wire::{Admission, Status},
    },
    visit::Outcome,
};
use dorbank_tests::{Engine, TestServer, World, database};
use sqlx::{AssertSqlSafe, Executor as _, SqlSafeStr as _};

use crate::{
    inputs::{draw, request, send, slot},
    phone::{Phone, houses},
};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// From an import to what waits for the mix, as it goes in the field.
#[tokio::test]
async fn a_campaign_from_its_register_to_its_inputs() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let world = World::make(state).await;
        let houses = houses(state, &world).await;
        let turf = world.turfs[0].id;

        // A volunteer joins, waits, is let in, and downloads.
        let mut phone = Phone::join(state, &world, Admission::Waiting, None).await;
        assert!(phone.pull(&server, &[], None).await.bundle.is_none());
        phone.stand(state, Admission::Admitted, Some(turf)).await;
        let pull = phone.pull(&server, &[(turf, None)], None).await;
        let bundle = pull.bundle.unwrap();
        assert_eq!((bundle.turfs.len(), bundle.turfs[0].entrances.len(), bundle.turfs[0].entrances[0].units.len()), (1, 3, 4));
        assert_eq!((bundle.round.id, bundle.purpose.as_str(), bundle.turfs[0].area.as_str()), (world.round.id, "listen", "01"));
        let mut base = Base::default();
        assert_eq!(base.apply(&pull.turfs[0]), Verdict::Equal);
        let tickets = draw(&server, &phone, 4).await;

        // Without a network doors are knocked at; then all goes at once, and once more, since the answer was lost.
        let mut entries: Vec<_> = (0..8).map(|i| phone.visit(state, &houses[i / 4], Some(i % 4), Outcome::CHOICES[i % 5])).collect();
        let undo = phone.withdraw(state, &entries[0]);
        entries.push(undo);
        let _lost = phone.push(&server, &entries).await;
        let answer = phone.push(&server, &entries).await;
        assert!(answer.results.iter().all(|result| result.status == Status::Duplicate));
        assert_eq!((answer.held, phone.seq, answer.missing.len()), (9, 9, 0));
        let cursor = pull.turfs[0].next.clone();
        let pull = phone.pull(&server, &[(turf, Some(&cursor))], Some(&bundle.tag)).await;
        assert_eq!(base.apply(&pull.turfs[0]), Verdict::Equal);
        assert_eq!(base.states().len(), 7);
        assert_eq!(pull.held, 9);

        // What was said goes its own way.
        let body = request(&server, tickets.iter().take(2).map(|ticket| slot(&server, &world, ticket, "Bussen går for sjelden")).collect());
        assert_eq!(send(&server, &body).await.slots.iter().filter(|status| **status == SlotStatus::Held).count(), 2);
        let spool = store::spool::of_round(&mut state.db.read().await.unwrap(), world.round.id).await.unwrap();
        assert!(spool.iter().all(|(_, sealed)| open(&World::ROUND_KEY, sealed).is_ok()));
        server.stop().await;
    }
}

#[tokio::test]
async fn a_transaction_that_is_not_committed_never_was_and_a_reader_sees_one_moment() {
    for engine in Engine::BOTH {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&database(engine, folder.path()).await).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        store::meta::set(&mut tx, "a", "1").await.unwrap();
        drop(tx);
        let mut reader = db.read().await.unwrap();
        assert_eq!(store::meta::find(&mut reader, "a").await.unwrap(), None);
        let mut tx = db.begin().await.unwrap();
        store::meta::set(&mut tx, "a", "2").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store::meta::find(&mut reader, "a").await.unwrap(), None, "still the moment of its first look");
        drop(reader);
        assert_eq!(store::meta::find(&mut db.read().await.unwrap(), "a").await.unwrap().as_deref(), Some("2"));
    }
}

/// The columns of each table, of a database that a server opened.
async fn columns(db: &Db) -> BTreeMap<String, BTreeSet<String>> {
    let sql = match db {
        Db::Sqlite { .. } => "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type IN ('table', 'view')",
        Db::Postgres(_) => "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'",
    };
    let mut out: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in db.read().await.unwrap().all(sql, Vec::new()).await.unwrap() {
        let (table, column): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
        if !table.starts_with("_sqlx") && !table.starts_with("sqlite_") {
            out.entry(table).or_default().insert(column);
        }
    }
    out
}

#[tokio::test]
async fn both_databases_have_the_same_migrations_tables_and_columns() {
    let names = |engine: &str| -> BTreeSet<String> {
        let dir = workspace().join("migrations").join(engine);
        fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Db::open(&database(Engine::Sqlite, folder.path()).await).await.unwrap();
    let postgres = Db::open(&database(Engine::Postgres, folder.path()).await).await.unwrap();
    assert_eq!(columns(&sqlite).await, columns(&postgres).await);
}

#[tokio::test]
async fn every_statement_prepares_on_both() {
    let folder = tempfile::tempdir().unwrap();
    let statements = store::all_statements();
    assert!(statements.len() > 100);
    for engine in Engine::BOTH {
        let db = Db::open(&database(engine, folder.path()).await).await.unwrap();
        let mut refused = Vec::new();
        for (file, name, sql) in &statements {
            let text = AssertSqlSafe((*sql).to_owned()).into_sql_str();
            let prepared = match &db {
                Db::Sqlite { readers, .. } => readers.prepare(text).await.map(|_| ()),
                Db::Postgres(pool) => pool.prepare(text).await.map(|_| ()),
            };
            if let Err(error) = prepared {
                refused.push(format!("{file}::{name} on {engine:?}: {error}"));
            }
        }
        assert!(refused.is_empty(), "{refused:#?}");
    }
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Whether a line holds a string that begins like a statement.
fn holds_sql(line: &str) -> bool {
    ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "WITH "].iter().any(|word| line.contains(&format!("\"{word}")))
}

#[test]
fn sql_stands_in_the_store_and_is_listed_there() {
    let src = workspace().join("server/src");
    let outside: Vec<_> = rust_files(&src)
        .into_iter()
        .filter(|path| !path.starts_with(src.join("store")))
        .filter(|path| fs::read_to_string(path).unwrap().lines().any(holds_sql))
        .collect();
    assert!(outside.is_empty(), "SQL outside the store: {outside:?}");
    let listed: BTreeSet<&str> = store::all_statements().into_iter().map(|(file, ..)| file).collect();
    for path in rust_files(&src.join("store")) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if text.contains("\nstatements! {") {
            assert!(listed.contains(name), "{name} is not in all_statements");
        } else if !matches!(name, "db" | "mod" | "parts") {
            assert!(!text.lines().any(holds_sql), "{name} has SQL that is not listed");
        }
    }
}
