//! An import writes beside the register in force and puts it in force at once: whatever stops it, nobody sees a half.

use std::{
    collections::HashSet,
    fs::File,
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread::JoinHandle,
};

use dorbank_server::{
    import::{AddressOptions, DistrictOptions, ImportError, Pace, addresses, districts},
    store::{self, Db, entrance, overview, register, visit},
};
use dorbank_shared::{sync::wire::Admission, visit::Outcome};
use dorbank_tests::{Engine, TestServer, World, write_site};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    import_published::{Home, Town, addresses_of, dwellings_of},
    phone::{Phone, houses},
    process::Place,
};

/// A town, and what becomes of it: an entrance new, one changed, one gone, one split, doors come, gone and numbered.
fn before_and_after() -> (Vec<Home>, Vec<Home>) {
    let before = vec![
        Home::new(1, 1, "", &["H0101", "H0102"]),
        Home::new(2, 3, "", &[]),
        Home::new(3, 5, "", &["H0101", "H0201"]),
        Home::new(4, 7, "", &["H0101"]),
        Home::new(5, 9, "", &[]),
    ];
    let mut after = vec![
        Home::new(1, 1, "", &["H0101", "H0201"]),
        Home::new(2, 3, "", &["H0101", "H0201"]),
        Home::new(31, 5, "A", &["H0201"]),
        Home::new(32, 5, "B", &["H0201"]),
        Home::new(4, 7, "", &["H0101"]),
        Home::new(6, 11, "", &["H0101", "H0201", "H0301"]),
    ];
    "Nye Rognegate".clone_into(&mut after[4].street);
    (before, after)
}

/// The town as it is before, with a wish for quiet at a door that will go and at one that will be one of several.
async fn town(engine: Engine) -> Town {
    let mut town = Town::new(engine).await;
    town.import(&dwellings_of(&before_and_after().0)).await;
    let quiet = HashSet::from([town.doors(3).await[1].id, town.doors(2).await[0].id]);
    let mut tx = town.db.begin().await.unwrap();
    visit::set_quiet(&mut tx, &quiet, &HashSet::new(), true).await.unwrap();
    tx.commit().await.unwrap();
    town
}

fn stopped_after(steps: Option<usize>) -> AddressOptions {
    AddressOptions { accept_many_vanished: true, pace: Pace { rows: 2, stop_after: steps }, ..AddressOptions::default() }
}

async fn is_tidy(town: &Town) {
    let left = "SELECT (SELECT staging FROM register) + (SELECT COUNT(*) FROM entrance_change) + (SELECT COUNT(*) FROM unit_change) \
        + (SELECT COUNT(*) FROM entrance WHERE since > (SELECT in_force FROM register)) \
        + (SELECT COUNT(*) FROM unit WHERE since > (SELECT in_force FROM register)) \
        + (SELECT COUNT(*) FROM succession WHERE since > (SELECT in_force FROM register)) \
        + (SELECT COUNT(*) FROM door_succession WHERE since > (SELECT in_force FROM register))";
    assert_eq!(town.count(left).await, 0, "something is left");
}

#[tokio::test]
async fn a_stop_between_any_two_steps_leaves_the_old_register_or_the_new_one_whole() {
    let next = dwellings_of(&before_and_after().1);
    for engine in Engine::BOTH {
        let mut whole = town(engine).await;
        let old = whole.in_force().await;
        whole.import_with(&next, &stopped_after(None)).await.unwrap();
        let new = whole.in_force().await;
        is_tidy(&whole).await;
        whole.is_counted().await;
        assert!(old != new && whole.quiet(31).await == ["H0201"] && whole.quiet(2).await.len() == 3);

        let (mut steps, mut was_new) = (0, false);
        loop {
            let mut town = town(engine).await;
            let ids = town.ids;
            let Err(stopped) = town.import_with(&next, &stopped_after(Some(steps))).await else { break };
            assert!(matches!(stopped, ImportError::Stopped), "{stopped}");
            let now = town.in_force().await;
            assert!(now == old || now == new, "a half is in force after {steps} steps:\n{now}");
            assert!(now == new || !was_new, "the old one is in force again");
            town.is_counted().await;
            was_new = now == new;
            // The next import removes what was left, or carries it to its place; here it is the same file again.
            town.ids = ids;
            let report = town.import_with(&next, &stopped_after(None)).await.unwrap();
            assert_eq!((report.added > 0, town.in_force().await), (!was_new, new.clone()), "after {steps} steps");
            is_tidy(&town).await;
            town.is_counted().await;
            steps += 1;
        }
        assert!(was_new && steps > 9, "{steps} steps, some of them after it was in force");
    }
}

#[tokio::test]
async fn another_file_after_a_stop_finds_the_old_register() {
    for engine in Engine::BOTH {
        let mut stopped = town(engine).await;
        let old = stopped.in_force().await;
        stopped.import_with(&dwellings_of(&before_and_after().1), &stopped_after(Some(5))).await.unwrap_err();
        let tried =
            stopped.import_with(&dwellings_of(&before_and_after().0), &AddressOptions { dry_run: true, ..stopped_after(None) }).await.unwrap();
        assert_eq!((tried.unchanged, tried.changed, tried.added, tried.vanished), (5, 0, 0, 0), "a trial run sees what is in force");
        assert_ne!(stopped.count("SELECT staging FROM register").await, 0, "and removes nothing");
        let report = stopped.import(&dwellings_of(&before_and_after().0)).await;
        assert_eq!((report.unchanged, report.changed, report.added, report.vanished), (5, 0, 0, 0));
        assert_eq!(stopped.in_force().await, old);
        is_tidy(&stopped).await;
        // Districts too are given to a register of which nothing is left over.
        stopped.import_with(&dwellings_of(&before_and_after().1), &stopped_after(Some(5))).await.unwrap_err();
        let outline = "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"properties\":{\"id\":\"01\",\"name\":\"Øst\"},\"geometry\":\
            {\"type\":\"Polygon\",\"coordinates\":[[[10.7,59.8],[10.8,59.8],[10.8,60.0],[10.7,60.0],[10.7,59.8]]]}}]}";
        let file = stopped.write("districts.geojson", outline);
        let placed = districts(&stopped.db, &file, &DistrictOptions::default(), 1).await.unwrap();
        assert_eq!(placed.entrances_moved, 5);
        is_tidy(&stopped).await;
    }
}

#[tokio::test]
async fn an_import_that_fails_removes_what_it_wrote() {
    let mut town = town(Engine::Sqlite).await;
    let old = town.in_force().await;
    let mut tx = town.db.begin().await.unwrap();
    let full = "CREATE TRIGGER full BEFORE UPDATE OF in_force ON register BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    tx.execute(full, Vec::new()).await.unwrap();
    tx.commit().await.unwrap();
    let failed = town.import_with(&dwellings_of(&before_and_after().1), &stopped_after(None)).await.unwrap_err().to_string();
    assert!(failed.contains("nothing was changed"), "{failed}");
    assert_eq!(town.in_force().await, old);
    is_tidy(&town).await;
}

/// A file that is given out twice, as an import reads it; the second time it waits in the middle until it is let go on.
struct Slow {
    path: PathBuf,
    go_on: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Slow {
    /// The same text twice.
    fn new(folder: &Path, text: String) -> Self {
        Self::exchanged(folder, text.clone(), text)
    }

    /// A text, and another.
    fn exchanged(folder: &Path, first: String, second: String) -> Self {
        let path = folder.join("slow.csv");
        let pipes = ["first", "second"].map(|name| folder.join(name));
        for pipe in &pipes {
            assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        }
        let (go_on, wait) = mpsc::channel();
        symlink(&pipes[0], &path).unwrap();
        let name = path.clone();
        let thread = std::thread::spawn(move || {
            let open = |pipe: &Path| File::options().write(true).open(pipe).unwrap();
            let mut pipe = open(&pipes[0]);
            pipe.write_all(first.as_bytes()).unwrap();
            // Whoever opens the name after this pipe's end finds the other pipe.
            let next = name.with_extension("next");
            symlink(&pipes[1], &next).unwrap();
            std::fs::rename(next, &name).unwrap();
            drop(pipe);
            let mut pipe = open(&pipes[1]);
            let (before, after) = second.as_bytes().split_at(second.len() * 3 / 4);
            // Whoever was killed in the middle reads no further.
            let _ = pipe.write_all(before);
            let _ = wait.recv();
            let _ = pipe.write_all(after);
        });
        Self { path, go_on, thread }
    }

    fn finish(self) {
        let _ = self.go_on.send(());
        self.thread.join().unwrap();
    }
}

/// Waits until an import has written entrances that are not in force.
async fn staged(db: &Db) {
    let sql = "SELECT COUNT(*) FROM entrance WHERE since > (SELECT in_force FROM register)";
    loop {
        let count: i64 = db.read().await.unwrap().one(sql, Vec::new()).await.unwrap().unwrap().get(0).unwrap();
        if count > 300 {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Homes enough that most of their rows have been read when the reading waits.
fn many(count: u64, renamed: bool) -> Vec<Home> {
    (1..=count)
        .map(|id| {
            let mut home = Home::new(id, u16::try_from(id % 60_000).unwrap(), "", &[]);
            if renamed && id < 100 {
                "Nye Rognegate".clone_into(&mut home.street);
            }
            home
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn until_it_is_in_force_phones_and_pages_see_the_old_register_and_are_answered() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = server.state.clone();
        let world = World::make(&state).await;
        let houses = houses(&state, &world).await;
        let mut phone = Phone::join(&state, &world, Admission::Admitted, None).await;
        let read = async || {
            let mut tx = state.db.read().await.unwrap();
            let district = entrance::of_district(&mut tx, "01").await.unwrap();
            let counts = overview::register(&mut tx).await.unwrap();
            (district, counts, entrance::places(&mut tx).await.unwrap())
        };
        let before = (phone.pull(&server, &[], None).await.bundle.unwrap(), read().await);

        // The houses are published under the numbers 1 to 6, in another municipality; these rename and number them.
        let folder = TempDir::new().unwrap();
        let slow = Slow::new(folder.path(), addresses_of(&many(1_500, true)));
        let (db, path, ids) = (state.db.clone(), slow.path.clone(), state.clone());
        let options = AddressOptions { pace: Pace { rows: 50, stop_after: None }, ..AddressOptions::default() };
        let import = tokio::spawn(async move { addresses(&db, &path, &options, 5, &mut || ids.id_v7()).await });
        staged(&state.db).await;

        assert!(phone.pull(&server, &[], Some(&before.0.tag)).await.bundle.is_none(), "what phones pull is unchanged");
        assert!(read().await == before.1, "what pages show is unchanged");
        let staged: Uuid = {
            let sql = "SELECT id FROM unit WHERE since > (SELECT in_force FROM register) LIMIT 1";
            state.db.read().await.unwrap().one(sql, Vec::new()).await.unwrap().unwrap().get(0).unwrap()
        };
        let found = store::turf::entrances_of_units(&mut state.db.read().await.unwrap(), &HashSet::from([staged])).await.unwrap();
        assert!(found.is_empty(), "no push can be about a door that is not in force");
        // The writer is free while the import waits for its file, and the wish is not lost to the change of its entrance.
        let wish = phone.visit(&state, &houses[0], Some(0), Outcome::DoNotKnock);
        assert_eq!(phone.push(&server, std::slice::from_ref(&wish)).await.results.len(), 1);
        // A second one is refused at once, with words; a trial run is not.
        let file = folder.path().join("other.csv");
        std::fs::write(&file, addresses_of(&many(1_500, false))).unwrap();
        let refused = addresses(&state.db, &file, &AddressOptions::default(), 5, &mut Uuid::new_v4).await.unwrap_err();
        assert!(matches!(refused, ImportError::Running) && refused.to_string().contains("is running"), "{refused}");
        let dry = AddressOptions { dry_run: true, ..AddressOptions::default() };
        assert_eq!(addresses(&state.db, &file, &dry, 5, &mut Uuid::nil).await.unwrap().added, 1_494);
        let outline = folder.path().join("districts.geojson");
        let square = "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"properties\":{\"id\":\"01\",\"name\":\"Øst\"},\"geometry\":\
            {\"type\":\"Polygon\",\"coordinates\":[[[10.7,59.8],[10.8,59.8],[10.8,60.0],[10.7,60.0],[10.7,59.8]]]}}]}";
        std::fs::write(&outline, square).unwrap();
        assert!(matches!(districts(&state.db, &outline, &DistrictOptions::default(), 5).await, Err(ImportError::Running)));

        slow.finish();
        let report = import.await.unwrap().unwrap();
        assert_eq!((report.added, report.changed), (1_494, 6));
        let after = phone.pull(&server, &[], Some(&before.0.tag)).await.bundle.unwrap();
        let (old, new) = (&before.0.turfs[0].entrances[0], &after.turfs[0].entrances[0]);
        assert_eq!((new.id, new.street.as_str(), new.units.len()), (old.id, "Nye Rognegate", old.units.len()));
        assert!(new.units.iter().any(|unit| unit.id == houses[0].units[0] && unit.do_not_knock));
        assert_eq!(addresses(&state.db, &file, &dry, 5, &mut Uuid::nil).await.unwrap().changed, 99, "the lock is given up");
        server.stop().await;
    }
}

#[test]
fn an_import_that_is_killed_leaves_the_old_register_and_blocks_nobody() {
    let folder = TempDir::new().unwrap();
    write_site(&folder.path().join("site"));
    let place = Place::new(folder.path());
    let homes = many(200, false);
    std::fs::write(folder.path().join("file.csv"), addresses_of(&homes)).unwrap();
    place.done(&["import", "addresses", "file.csv"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let look = |sql: &'static str| -> i64 {
        runtime.block_on(async {
            let db = Db::inspect(&place.config().database).await.unwrap();
            let count = db.read().await.unwrap().one(sql, Vec::new()).await.unwrap().unwrap().get(0).unwrap();
            db.close().await;
            count
        })
    };
    let slow = Slow::new(folder.path(), addresses_of(&many(7_000, true)));
    let mut import = place.command(&["import", "addresses", "slow.csv"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    runtime.block_on(async {
        let db = Db::inspect(&place.config().database).await.unwrap();
        staged(&db).await;
        db.close().await;
    });
    let said = place.refused(&["import", "addresses", "file.csv"]);
    assert!(said.contains("Another import or correction of this database is running"), "{said}");
    import.kill().unwrap();
    import.wait().unwrap();
    slow.finish();
    assert_eq!(look("SELECT COUNT(*) FROM entrance_in_force WHERE street = 'Rognegata'"), 200);
    assert_eq!(look("SELECT COUNT(*) FROM entrance_in_force"), 200);
    assert!(look("SELECT COUNT(*) FROM entrance") > 200, "it was killed in the middle");

    std::fs::write(folder.path().join("next.csv"), addresses_of(&many(7_000, true))).unwrap();
    let said = place.done(&["import", "addresses", "next.csv"]);
    assert!(said.contains("6800  new entrances") && said.contains("99  changed"), "{said}");
    assert_eq!(look("SELECT COUNT(*) FROM entrance"), 7_000);
    assert_eq!(look("SELECT COUNT(*) FROM entrance_in_force WHERE street = 'Nye Rognegate'"), 99);
    assert_eq!(look("SELECT COUNT(*) FROM unit WHERE NOT EXISTS (SELECT 1 FROM entrance WHERE entrance.id = unit.entrance)"), 0);
    assert!(place.done(&["verify"]).contains("ok"));
}

#[test]
fn ctrl_c_during_an_import_left_a_list_or_was_not_heard() {
    let folder = TempDir::new().unwrap();
    write_site(&folder.path().join("site"));
    let place = Place::new(folder.path());
    std::fs::write(folder.path().join("file.csv"), addresses_of(&many(200, false))).unwrap();
    place.done(&["import", "addresses", "file.csv"]);
    let lists = |ending: &str| {
        let names = std::fs::read_dir(place.config().data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("import-report-") && name.contains(ending)).count()
    };
    assert_eq!((lists(".csv"), lists(".partial")), (1, 0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let in_the_middle = || {
        runtime.block_on(async {
            let db = Db::inspect(&place.config().database).await.unwrap();
            staged(&db).await;
            db.close().await;
        });
        assert!(lists(".partial") > 0);
    };
    for signal in ["-KILL", "-INT"] {
        let of = TempDir::new().unwrap();
        let slow = Slow::new(of.path(), addresses_of(&many(7_000, true)));
        let path = slow.path.to_str().unwrap().to_owned();
        let mut command = place.command(&["import", "addresses", &path]);
        let import = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        in_the_middle();
        assert!(Command::new("kill").args([signal, &import.id().to_string()]).status().unwrap().success());
        // What was killed leaves its list to the next one; what was asked to stop removes it.
        while signal == "-INT" && lists(".partial") > 0 {
            std::thread::yield_now();
        }
        slow.finish();
        let output = import.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(signal == "-KILL" || said.contains("stopped. The register is as it was"), "{said}");
        assert_eq!(lists(".partial") > 0, signal == "-KILL");
        let said = place.done(&["import", "addresses", "file.csv"]);
        assert!(said.contains("200  unchanged") && lists(".partial") == 0, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_noted_while_a_register_was_exchanged_reached_no_heir() {
    let mut town = Town::new(Engine::Postgres).await;
    town.import(&dwellings_of(&[Home::new(1, 50_001, "", &["H0101"]), Home::new(2, 50_003, "", &["H0101"])])).await;
    let old = town.doors(1).await[0].id;
    let mut homes = many(1_500, false);
    for home in &mut homes {
        home.id += 100;
    }
    homes.insert(0, Home::new(11, 50_001, "A", &["H0101"]));
    homes.push(Home::new(2, 50_003, "", &["H0101"]));
    let folder = TempDir::new().unwrap();
    let slow = Slow::new(folder.path(), dwellings_of(&homes));
    let (db, path) = (town.db.clone(), slow.path.clone());
    let options = AddressOptions { pace: Pace { rows: 50, stop_after: None }, ..AddressOptions::default() };
    let import = tokio::spawn(async move { addresses(&db, &path, &options, 5, &mut Uuid::new_v4).await });
    staged(&town.db).await;
    // It is noted, and not yet written for good, when the import wants to put its register in force.
    let mut tx = town.db.begin().await.unwrap();
    visit::set_quiet(&mut tx, &HashSet::from([old]), &HashSet::new(), true).await.unwrap();
    let _ = slow.go_on.send(());
    let waits =
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'UPDATE register%'";
    while town.count(waits).await == 0 {
        assert!(!import.is_finished(), "it was put in force beside the wish");
        tokio::task::yield_now().await;
    }
    tx.commit().await.unwrap();
    import.await.unwrap().unwrap();
    slow.finish();
    assert_eq!(town.quiet(11).await, ["H0101"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_whose_lock_was_lost_went_on_beside_another() {
    let mut town = town(Engine::Postgres).await;
    let old = town.in_force().await;
    let folder = TempDir::new().unwrap();
    let mut homes = before_and_after().0;
    homes.extend(many(1_500, false).into_iter().map(|home| Home { id: home.id + 100, ..home }));
    let slow = Slow::new(folder.path(), dwellings_of(&homes));
    let (db, path) = (town.db.clone(), slow.path.clone());
    let options = AddressOptions { pace: Pace { rows: 50, stop_after: None }, ..AddressOptions::default() };
    let import = tokio::spawn(async move { addresses(&db, &path, &options, 5, &mut Uuid::new_v4).await });
    staged(&town.db).await;
    let cut = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(town.count(cut).await, 1);
    slow.finish();
    let lost = import.await.unwrap().unwrap_err();
    assert!(matches!(lost, ImportError::NotAlone) && lost.to_string().contains("Nothing was changed"), "{lost}");
    assert_eq!(town.in_force().await, old);
    let report = town.import_with(&dwellings_of(&before_and_after().1), &stopped_after(None)).await.unwrap();
    assert_eq!(report.added, 3);
    is_tidy(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_became_a_demo_while_a_file_was_read_took_real_data() {
    for engine in Engine::BOTH {
        let town = Town::new(engine).await;
        let path = town.dir.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let (db, name) = (town.db.clone(), path.clone());
        let import = tokio::spawn(async move { addresses(&db, &name, &AddressOptions::default(), 5, &mut Uuid::new_v4).await });
        // It can be opened when the import reads it, and so has looked whether this is a demo.
        let mut pipe = tokio::task::spawn_blocking(move || File::options().write(true).open(path).unwrap()).await.unwrap();
        let mut tx = town.db.begin().await.unwrap();
        store::stamp::set_demo(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        pipe.write_all(addresses_of(&many(3, false)).as_bytes()).unwrap();
        drop(pipe);
        assert!(matches!(import.await.unwrap(), Err(ImportError::Demo)));
        assert_eq!(town.count("SELECT COUNT(*) + (SELECT staging FROM register) FROM entrance").await, 0);
    }
}

#[tokio::test]
async fn a_file_that_is_exchanged_while_it_is_read_is_not_imported() {
    let mut town = Town::new(Engine::Sqlite).await;
    let old = many(1_500, false);
    town.import(&addresses_of(&old[..500])).await;
    let before = town.in_force().await;
    // The second reading finds another file under the name: one row more, or one less.
    for second in [1_401, 1_399] {
        let folder = TempDir::new().unwrap();
        let slow = Slow::exchanged(folder.path(), addresses_of(&old[..1_400]), addresses_of(&old[..second]));
        let path = slow.path.clone();
        let _ = slow.go_on.send(());
        let options = AddressOptions { pace: Pace { rows: 50, stop_after: None }, ..AddressOptions::default() };
        let changed = addresses(&town.db, &path, &options, 1, &mut Uuid::new_v4).await.unwrap_err();
        assert!(matches!(changed, ImportError::Changed), "{changed}");
        slow.finish();
        assert_eq!(town.in_force().await, before);
        is_tidy(&town).await;
    }
}

#[tokio::test]
async fn one_at_a_time_holds_on_both_databases() {
    for engine in Engine::BOTH {
        let town = Town::new(engine).await;
        let first = register::Alone::take(&town.db).await.unwrap().unwrap();
        assert!(register::Alone::take(&town.db).await.unwrap().is_none());
        first.end().await.unwrap();
        let second = register::Alone::take(&town.db).await.unwrap().unwrap();
        drop(second);
        // PostgreSQL notices a closed connection a moment later.
        while register::Alone::take(&town.db).await.unwrap().is_none() {}
    }
}

/// What is read for a screen or a phone reads the register in force. These read the tables for another reason.
const READ_THE_TABLES: [(&str, &[&str]); 5] = [
    // What is not in force yet is removed, and counted before it is put in force.
    ("register", &["LATER_UNITS", "LATER_ENTRANCES", "COUNT"]),
    ("staged", &["OWN"]),
    // Only ids that the judge found in force come here; and a wish for quiet counts whatever became of its door.
    ("visit", &["QUIET_UNITS", "QUIET_ENTRANCES", "WISHES"]),
    // What a turf holds was in force when it was cut; a wish for quiet is never staged.
    ("overview", &["PROGRESS"]),
    // An index for what the view then decides; and whether a demo may be made, which no import may ever have touched.
    ("entrance", &["OF_DISTRICT", "COUNT"]),
];

#[test]
fn every_statement_that_reads_the_register_reads_the_one_in_force() {
    let reads = |sql: &str| ["FROM entrance ", "JOIN entrance ", "FROM unit ", "JOIN unit "].iter().any(|word| sql.contains(word));
    let wrong: Vec<_> = store::all_statements()
        .into_iter()
        .filter(|(_, _, sql)| reads(sql) && !sql.starts_with("DELETE"))
        .filter(|(file, name, _)| !READ_THE_TABLES.iter().any(|(of, names)| of == file && names.contains(name)))
        .map(|(file, name, _)| format!("{file}::{name}"))
        .collect();
    assert!(wrong.is_empty(), "these read rows that may not be in force: {wrong:?}");
}
