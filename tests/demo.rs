//! The demo, as it is built: nothing is empty, everything agrees with itself, and one seed makes one city.

use std::collections::{BTreeMap, HashSet};

use dorbank_server::{
    args,
    demo::{DemoError, DemoOptions, DemoReport, Size, build},
    import::{AddressOptions, ImportError, Locator, addresses},
    release,
    store::{Db, branch, campaign, device, district, entrance, line, officer, quarantine, round, shift, spool, stamp, status, turf},
    verify,
};
use dorbank_shared::{
    line::{Extent, Kind},
    principal::Role,
    sync::wire::Admission,
};
use dorbank_tests::{Engine, START_MS, database, write_site};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Column as _, Row as _, TypeInfo as _, ValueRef as _};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{import_published::is_counted, process::Place};

struct Demo {
    db: Db,
    dir: TempDir,
    report: DemoReport,
}

async fn demo(engine: Engine, seed: u64) -> Demo {
    sized(engine, seed, Size::Small).await
}

async fn sized(engine: Engine, seed: u64, size: Size) -> Demo {
    let dir = TempDir::new().unwrap();
    let db = Db::open(&database(engine, dir.path()).await).await.unwrap();
    let options = DemoOptions { size, keys_dir: dir.path().join("keys") };
    let report = build(&db, seed, START_MS, &options).await.unwrap();
    Demo { db, dir, report }
}

#[tokio::test]
async fn no_part_of_a_demo_is_empty_and_all_agrees() {
    for engine in Engine::BOTH {
        let demo = demo(engine, 1).await;
        println!("{}", demo.report);
        everything_is_there(&demo).await;
        a_shift_runs_and_others_were_and_will_be(&demo).await;
        the_committee_has_releases_to_read_and_some_areas_wait(&demo).await;
        every_entrance_lies_in_its_district(&demo).await;
        about_a_third_of_the_doors_opened(&demo).await;
        something_waits_to_be_looked_at(&demo).await;
        nothing_contradicts_itself(&demo).await;
        it_is_never_mixed_with_anything(&demo).await;
    }
}

async fn everything_is_there(Demo { db, report, .. }: &Demo) {
    let mut tx = db.read().await.unwrap();
    assert!(stamp::is_demo(&mut tx).await.unwrap() && stamp::is_whole(&mut tx).await.unwrap());
    is_counted(db).await;

    let districts = district::all(&mut tx).await.unwrap();
    let names: Vec<(&str, &str)> = districts.iter().map(|d| (d.number.as_str(), d.name.as_str())).collect();
    assert_eq!((names.len(), names[0], names[16]), (17, ("01", "Gamle Oslo"), ("17", "Marka")));
    let branches = branch::all(&mut tx).await.unwrap();
    assert_eq!(branches.len(), 16);
    assert_eq!(branches.iter().filter(|b| b.districts.is_empty()).map(|b| b.name.as_str()).collect::<Vec<_>>(), ["Studentlaget"]);
    assert_eq!(branches.iter().map(|b| b.districts.len()).sum::<usize>(), 17);

    let officers = officer::all(&mut tx).await.unwrap();
    assert_eq!(officers.iter().map(|o| o.role).collect::<HashSet<_>>().len(), Role::ALL.len());
    assert!(officers.iter().all(|o| o.email.ends_with("@demo.invalid") && o.role.needs_branch() == o.branch.is_some()));

    let rounds = round::all(&mut tx).await.unwrap();
    assert_eq!((rounds.len(), rounds[0].name.as_str()), (1, "høst 2026"));
    let topics = round::topics(&mut tx, rounds[0].id).await.unwrap();
    assert_eq!(topics.len(), 15);
    assert!(topics.iter().all(|t| ![&t.name.nb, &t.name.nn, &t.name.en].iter().any(|name| name.is_empty())));
    assert_eq!(campaign::all(&mut tx).await.unwrap().len(), 16);
    assert!(report.entrances > 500 && report.visits > 1_000 && report.inputs > 150, "{report}");
}

async fn a_shift_runs_and_others_were_and_will_be(Demo { db, report, .. }: &Demo) {
    let mut tx = db.read().await.unwrap();
    let running = shift::find(&mut tx, report.running.unwrap()).await.unwrap().unwrap();
    assert_eq!((running.starts_at, running.ends_at), (START_MS - 30 * 60_000, START_MS + 2 * 3_600_000));
    let turfs = turf::of_shift(&mut tx, running.id).await.unwrap();
    assert_eq!(turfs.len(), 5);
    for turf in &turfs {
        assert_eq!(turf.district, "01");
        let doors: usize = entrance::of_turf(&mut tx, turf.id).await.unwrap().iter().map(|e| e.units.len()).sum();
        assert!((30..=62).contains(&doors), "{doors} doors in {}", turf.name);
    }
    let phones = device::of_shift(&mut tx, running.id).await.unwrap();
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for phone in &phones {
        *states.entry(format!("{:?}", phone.admission)).or_default() += 1;
        assert_eq!(phone.admission == Admission::Admitted, phone.turf.is_some());
    }
    assert_eq!(states, BTreeMap::from([("Admitted".to_owned(), 3), ("Waiting".to_owned(), 1)]));
    assert_eq!(phones.iter().map(|phone| phone.sign.as_str()).collect::<HashSet<_>>().len(), 4);
    let shifts = shift::of_branch(&mut tx, None).await.unwrap();
    assert!(shifts.iter().any(|s| s.ends_at < START_MS) && shifts.iter().any(|s| s.starts_at > START_MS));
}

async fn the_committee_has_releases_to_read_and_some_areas_wait(Demo { db, report, .. }: &Demo) {
    let mut tx = db.read().await.unwrap();
    let round = round::all(&mut tx).await.unwrap().remove(0);
    assert_eq!(release::list(&mut tx, round.id).await.unwrap().len(), report.releases);
    assert_eq!(report.releases, 3);
    let latest = release::latest(&mut tx, round.id).await.unwrap().unwrap();
    let open: Vec<&str> = latest.areas.iter().filter(|area| area.open).map(|area| area.number.as_str()).collect();
    assert_eq!((open, latest.areas.len()), (vec!["01", "02", "05"], 15));
    // What was said at the doors of the shift that runs waits for the next mix.
    assert!(spool::count(&mut tx, round.id).await.unwrap() > 0);
    let fine: i64 = tx.one("SELECT COUNT(*) FROM visit WHERE coarse = $1", args![false]).await.unwrap().unwrap().get(0).unwrap();
    assert!(fine > 0 && fine < i64::try_from(report.visits).unwrap() / 4, "{fine} of {}", report.visits);
}

async fn every_entrance_lies_in_its_district(Demo { db, report, .. }: &Demo) {
    let mut tx = db.read().await.unwrap();
    let locator = Locator::load(&mut tx).await.unwrap();
    for place in entrance::places(&mut tx).await.unwrap() {
        assert_eq!(locator.district(None, place.at), place.district.as_deref());
    }
    let origin = line::origins(&mut tx).await.unwrap().remove(0);
    assert_eq!((origin.name.as_str(), usize::try_from(origin.lines).unwrap()), ("demo", report.lines));
    // In and around the first district: streets with the names that its entrances have.
    let near = Extent { south: 59_890_000, west: 10_740_000, north: 59_925_000, east: 10_800_000 };
    let lines = line::within(&mut tx, &near).await.unwrap();
    let named: HashSet<&str> = lines.iter().filter(|line| line.kind == Kind::Street).map(|line| line.name.as_str()).collect();
    let houses = entrance::of_district(&mut tx, "01").await.unwrap();
    assert!(named.len() > 5 && houses.iter().any(|house| named.contains(house.street.as_str())), "{named:?}");
    // Households in proportion: Frogner has more doors than Grorud, Grorud more than Marka.
    let mut doors = Vec::new();
    for number in ["05", "10", "17"] {
        doors.push(entrance::of_district(&mut tx, number).await.unwrap().iter().map(|e| e.units.len()).sum::<usize>());
    }
    assert!(doors[0] > 2 * doors[1] && doors[1] > doors[2] && doors[2] > 0, "{doors:?}");
}

async fn about_a_third_of_the_doors_opened(Demo { db, .. }: &Demo) {
    let mut tx = db.read().await.unwrap();
    let mut count = async |sql: &str| -> i64 { tx.one(sql, args![]).await.unwrap().unwrap().get(0).unwrap() };
    let knocked = count("SELECT COUNT(*) FROM door_state WHERE door <> entrance").await;
    let home = count("SELECT COUNT(*) FROM door_state WHERE door <> entrance AND state IN ('talked', 'declined', 'come_back', 'done')").await;
    let share = home as f64 / knocked as f64;
    assert!((0.27..0.42).contains(&share), "{share}");
    let quiet = count("SELECT COUNT(*) FROM door_state WHERE state = 'do_not_knock'").await;
    assert!(quiet > 0);
    assert_eq!(tx.one("SELECT COUNT(*) FROM unit WHERE do_not_knock = $1", args![true]).await.unwrap().unwrap().get::<i64>(0).unwrap(), quiet);
}

/// What the organiser finds under "Til avklaring" and on the page of the phones, put there by the code that takes a push.
async fn something_waits_to_be_looked_at(Demo { db, report, .. }: &Demo) {
    let mut tx = db.read().await.unwrap();
    let own = branch::of_district(&mut tx, "01").await.unwrap().remove(0);
    let counts = quarantine::by_reason(&mut tx).await.unwrap();
    assert!(counts.iter().all(|(_, branch, _)| *branch == own.id), "it is the branch whose organiser can be signed in as");
    let counts: BTreeMap<&str, i64> = counts.iter().map(|(reason, _, count)| (reason.name(), *count)).collect();
    assert_eq!(counts, BTreeMap::from([("not_admitted", 3), ("outside_scope", 2), ("unknown_kind", 1), ("unknown_superseded", 1)]));
    assert_eq!(report.quarantined, 7);
    let phones = status::phones(&mut tx, Some(own.id), START_MS - 30 * 24 * 3_600_000).await.unwrap();
    let open: Vec<(i64, i64)> = phones.iter().map(|phone| (phone.unsent, phone.lacking())).filter(|open| *open != (0, 0)).collect();
    assert_eq!(open, [(4, 1)], "one phone still has four visits, and one was lost on its way");
    let yesterday = phones.iter().find(|phone| phone.unsent == 4).unwrap();
    assert!((START_MS - 48 * 3_600_000..START_MS).contains(&yesterday.ends_at));
}

/// Visits have their receipts, doors say what their visits say, numbers lie below their counters.
async fn nothing_contradicts_itself(Demo { db, .. }: &Demo) {
    for check in verify::run(db, START_MS).await.unwrap() {
        assert!(check.wrong.is_empty(), "{check}");
    }
}

async fn it_is_never_mixed_with_anything(Demo { db, dir, .. }: &Demo) {
    let options = DemoOptions { size: Size::Small, keys_dir: dir.path().join("other") };
    assert!(matches!(build(db, 7, START_MS, &options).await, Err(DemoError::NotEmpty)));
    let file = dir.path().join("addresses.csv");
    std::fs::write(&file, "lokalid;").unwrap();
    let refused = addresses(db, &file, &AddressOptions::default(), START_MS, &mut Uuid::nil).await;
    assert!(matches!(refused, Err(ImportError::Demo)));
}

#[tokio::test]
async fn one_seed_makes_one_city() {
    let (one, same, other) = (demo(Engine::Sqlite, 5).await, demo(Engine::Sqlite, 5).await, demo(Engine::Sqlite, 6).await);
    assert_eq!(one.report, same.report);
    let (one, same, other) = (digests(&one).await, digests(&same).await, digests(&other).await);
    assert!(one.len() > 25, "{one:?}");
    assert_eq!(one, same);
    let alike: Vec<&String> = one.keys().filter(|table| one[*table] == other[*table]).collect();
    println!("the same from any seed: {alike:?}");
    assert!(!["district", "entrance", "unit", "visit", "input", "input_topic", "spool"].iter().any(|table| alike.iter().any(|one| one == table)));
}

/// SHA-256 over all rows of each table, in an order that does not depend on when they were written. Left out is what is
/// drawn when the database itself is made, not the demo: its epoch, and when its migrations ran.
async fn digests(demo: &Demo) -> BTreeMap<String, String> {
    let Db::Sqlite { readers, .. } = &demo.db else { panic!("on SQLite") };
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> '_sqlx_migrations'").fetch_all(readers).await.unwrap();
    let mut digests = BTreeMap::new();
    for table in tables {
        let rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}"))).fetch_all(readers).await.unwrap();
        let text = |row: &sqlx::sqlite::SqliteRow| {
            (0..row.columns().len()).fold(String::new(), |text, at| {
                let value = row.try_get_raw(at).unwrap();
                let shown = match value.type_info().name() {
                    _ if value.is_null() => "-".to_owned(),
                    "INTEGER" => row.get::<i64, _>(at).to_string(),
                    "REAL" => row.get::<f64, _>(at).to_bits().to_string(),
                    "TEXT" => row.get::<String, _>(at),
                    _ => format!("{:x?}", row.get::<Vec<u8>, _>(at)),
                };
                text + row.columns()[at].name() + "=" + &shown + "|"
            })
        };
        let mut rows: Vec<String> = rows.iter().map(text).filter(|row| !row.starts_with("key=epoch|")).collect();
        rows.sort();
        digests.insert(table, format!("{} rows, {:x?}", rows.len(), Sha256::digest(rows.join("\n"))));
    }
    digests
}

#[tokio::test]
async fn a_demo_is_not_made_where_something_is() {
    let real = TempDir::new().unwrap();
    let db = Db::open(&database(Engine::Sqlite, real.path()).await).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let known = district::NewDistrict { number: "01".into(), name: "Øst".into(), area: "01".into(), households: 0, boundary: None };
    district::put(&mut tx, &[known]).await.unwrap();
    tx.commit().await.unwrap();
    let options = DemoOptions { size: Size::Small, keys_dir: real.path().join("keys") };
    assert!(matches!(build(&db, 7, START_MS, &options).await, Err(DemoError::NotEmpty)));
    assert!(!stamp::is_demo(&mut db.read().await.unwrap()).await.unwrap());
}

#[test]
fn a_demo_that_was_half_made_was_served_as_a_whole() {
    let folder = TempDir::new().unwrap();
    write_site(&folder.path().join("site"));
    let place = Place::new(folder.path());
    place.done(&["officer", "list"]);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let db = Db::open(&place.config().database).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        stamp::set_demo(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        db.close().await;
    });
    for args in [&["demo", "--serve", "--size", "small"][..], &["demo", "--size", "small"]] {
        let said = place.refused(args);
        assert!(said.contains("half made") && said.contains("delete its folder"), "{said}");
    }
}

#[tokio::test]
#[ignore = "too long for every run; make soak runs it"]
async fn larger_demos_are_as_large_as_they_say() {
    for size in [Size::Default, Size::Large] {
        let start = std::time::Instant::now();
        let Demo { db, report, .. } = sized(Engine::Sqlite, 1, size).await;
        println!("{size:?}: {report}made in {} ms", start.elapsed().as_millis());
        // Where now is early in its week, the freeze of this Monday is the last.
        assert_eq!(report.releases, 8);
        if size == Size::Large {
            let about = |is: usize, wanted: usize| (is as f64 / wanted as f64 - 1.0).abs() < 0.1;
            assert!(about(report.units, 340_000) && about(report.turf_doors, 43_200), "{report}");
            assert!(about(report.conversations, 10_800) && about(report.inputs, 4_500), "{report}");
        } else {
            assert!(report.entrances > 3_000 && report.visits > 10_000, "{report}");
        }
        assert_eq!(report.quarantined, 9, "two of them because they came more than thirty days late");
        let mut tx = db.read().await.unwrap();
        let round = round::all(&mut tx).await.unwrap().remove(0);
        let latest = release::latest(&mut tx, round.id).await.unwrap().unwrap();
        for area in &latest.areas {
            let cells = area.cells.iter().map(|cell| cell.shown).collect::<Vec<_>>();
            println!("{} {}: {:?} {:?} {cells:?}", area.number, area.name, area.base, area.reach);
        }
        println!("city: {:?}", latest.city.base);
        let open = latest.areas.iter().filter(|area| area.open).count();
        assert!((8..=13).contains(&open), "{open} areas are open");
        drop(tx);
        for check in verify::run(&db, START_MS).await.unwrap() {
            assert!(check.wrong.is_empty(), "{check}");
        }
    }
}
