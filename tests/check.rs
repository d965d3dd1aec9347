//! `dorbank check`: a made-up city with one of each thing that can be wrong, on both databases; the demo; and real files.

use std::{collections::BTreeMap, fs, time::Instant};

use dorbank_server::{
    check::{self, Detail, Kind, Report},
    demo::{self, DemoOptions, Size},
    import::{AddressOptions, Credit, DistrictOptions, addresses, districts},
    store::{
        Db,
        district::{self, NewDistrict},
        entrance::{self, Registered},
    },
};
use dorbank_shared::{
    geo::{LatLon, Metres, Plane},
    place::Unit,
};
use dorbank_tests::{Engine, START_MS, database, write_site};
use tempfile::TempDir;
use uuid::Uuid;

use crate::process::Place;

const OSLO: LatLon = LatLon { lat: 59.91, lon: 10.77 };

fn at(x: f64, y: f64) -> LatLon {
    Plane::at(OSLO).unproject(Metres { x, y })
}

fn house(id: u128, street: &str, number: i64, district: Option<&str>, at: LatLon) -> Registered {
    Registered {
        id: Uuid::from_u128(id),
        origin: "kartverket".into(),
        source_id: id.to_string(),
        municipality: "9999".into(),
        street: street.into(),
        number,
        letter: String::new(),
        postcode: "0101".into(),
        post_town: "PRØVE".into(),
        grunnkrets: Some(if number % 2 == 0 { "99990101" } else { "99990102" }.into()),
        district: district.map(str::to_owned),
        at,
        vanished: false,
    }
}

fn square(west: f64, south: f64, size: f64) -> String {
    let corner = |x: f64, y: f64| {
        let at = at(x, y);
        format!("[{},{}]", at.lon, at.lat)
    };
    let ring = [corner(west, south), corner(west + size, south), corner(west + size, south + size), corner(west, south + size), corner(west, south)];
    format!("{{\"type\":\"Polygon\",\"coordinates\":[[{}]]}}", ring.join(","))
}

fn new_district(number: &str, name: &str, households: i64, boundary: Option<String>) -> NewDistrict {
    NewDistrict { number: number.into(), name: name.into(), area: number.into(), households, boundary }
}

/// A city of 23 entrances, with one of each thing.
async fn put_city(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    let all = [
        new_district("01", "Øst <&> Vest", 23, Some(square(-500.0, -500.0, 2_000.0))),
        new_district("02", "Tomvik", 0, Some(square(1_600.0, -500.0, 1_000.0))),
        new_district("03", "Fåmo", 100, None),
    ];
    district::put(&mut tx, &all).await.unwrap();
    let mut houses: Vec<Registered> =
        (1..=16u8).map(|n| house(u128::from(n), "Rognegata", i64::from(n), Some("01"), at(f64::from(n) * 20.0, 0.0))).collect();
    // Far from its street; one address twice; two at one point; in no district; without a door; one of the third district.
    houses.push(house(101, "Rognegata", 17, Some("01"), at(1_200.0, 0.0)));
    houses.push(house(102, "Rognegata", 3, Some("01"), at(61.0, 5.0)));
    houses.push(house(103, "Lindebakken", 1, Some("01"), at(400.0, 400.0)));
    houses.push(house(104, "Lindebakken", 2, Some("01"), at(400.0, 400.0)));
    houses.push(house(105, "Ytterveien", 1, None, at(-300.0, 900.0)));
    houses.push(house(106, "Stengt gate", 1, Some("01"), at(500.0, 600.0)));
    houses.push(house(107, "Smug", 1, Some("03"), at(500.0, 700.0)));
    houses.push(Registered { vanished: true, ..house(108, "Borte", 1, Some("01"), at(0.0, 50.0)) });
    entrance::put(&mut tx, &houses, 1).await.unwrap();
    let mut doors: Vec<(Uuid, Unit)> = Vec::new();
    for (index, house) in houses.iter().enumerate().filter(|(_, house)| house.source_id != "106") {
        doors.push((house.id, Unit::new(Uuid::from_u128(10_000 + index as u128), "")));
    }
    for (index, label) in ["H0101", "H4101", "H0001", "K0601", "H0161"].into_iter().enumerate() {
        doors.push((houses[0].id, Unit::new(Uuid::from_u128(20_000 + index as u128), label)));
    }
    // A door of what has vanished is not looked at.
    doors.push((houses[houses.len() - 1].id, Unit::new(Uuid::from_u128(30_000), "H9999")));
    entrance::put_units(&mut tx, &doors).await.unwrap();
    tx.commit().await.unwrap();
}

fn places(report: &Report, kind: Kind) -> Vec<String> {
    report.of_kind(kind).map(|finding| report.place(finding)).collect()
}

#[tokio::test]
async fn each_thing_is_found_where_it_is_and_nothing_else() {
    for engine in Engine::BOTH {
        let folder = TempDir::new().unwrap();
        let db = Db::open(&database(engine, folder.path()).await).await.unwrap();
        put_city(&db).await;
        let report = check::run(&db).await.unwrap();
        assert_eq!((report.city.houses.len(), report.doors(), report.city.vanished), (23, 27, 1));
        assert_eq!(places(&report, Kind::WithoutDistrict), ["Ytterveien 1"]);
        assert_eq!(places(&report, Kind::SameAddress), ["Rognegata 3"]);
        assert_eq!(places(&report, Kind::SamePlace), ["Lindebakken 1"]);
        assert_eq!(report.of_kind(Kind::SamePlace).flat_map(|finding| report.others(finding)).collect::<Vec<_>>(), ["Lindebakken 2"]);
        assert_eq!(places(&report, Kind::FarFromStreet), ["Rognegata 17"]);
        assert_eq!(places(&report, Kind::WithoutDoors), ["Stengt gate 1"]);
        assert_eq!(places(&report, Kind::EmptyDistrict), ["02 Tomvik"]);
        assert_eq!(places(&report, Kind::Households), ["03 Fåmo"]);
        let mut labels: Vec<_> = report.of_kind(Kind::ImpossibleDoor).map(|finding| finding.detail.clone()).collect();
        labels.sort_by_key(|detail| format!("{detail:?}"));
        assert_eq!(labels, ["H0001", "H0161", "H4101", "K0601"].map(|label| Detail::Label(label.into())));
        let counted: Vec<_> = report.districts.iter().map(|row| (row.number.as_str(), row.entrances, row.doors, row.households)).collect();
        assert_eq!(counted, [("01", 21, 25, 23), ("02", 0, 0, 0), ("03", 1, 1, 100), ("", 1, 1, 0)]);
        assert_eq!(report.units.iter().map(|row| row.entrances).sum::<u64>(), 23);
        assert_eq!(
            (report.units[1].number.as_str(), report.units[1].districts.as_slice()),
            ("99990102", ["01".to_owned(), "03".to_owned()].as_slice())
        );
    }
}

#[tokio::test]
async fn more_than_a_page_is_read_whole() {
    for engine in Engine::BOTH {
        let folder = TempDir::new().unwrap();
        let db = Db::open(&database(engine, folder.path()).await).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let houses: Vec<Registered> = (1..=5_003u32).map(|n| house(u128::from(n), "Rognegata", i64::from(n), None, at(f64::from(n), 0.0))).collect();
        entrance::put(&mut tx, &houses, 1).await.unwrap();
        let labels = ["", "H0101", "H0102"];
        let doors: Vec<(Uuid, Unit)> = houses
            .iter()
            .zip(0u128..)
            .flat_map(|(house, n)| (0u128..).zip(labels).map(move |(i, label)| (house.id, Unit::new(Uuid::from_u128(1_000_000 + n * 3 + i), label))))
            .collect();
        entrance::put_units(&mut tx, &doors).await.unwrap();
        tx.commit().await.unwrap();
        let report = check::run(&db).await.unwrap();
        assert_eq!((report.city.houses.len(), report.doors()), (5_003, 15_009));
        assert!(report.city.houses.iter().all(|house| house.doors == 3));
        // No district is known: one thing to say, not five thousand.
        assert_eq!(report.of_kind(Kind::WithoutDistrict).len(), 1);
        assert!(check::text(&report, false).contains("dorbank import districts"));
    }
}

#[tokio::test]
async fn the_report_reads_as_text_as_a_page_and_as_json() {
    let folder = TempDir::new().unwrap();
    let db = Db::open(&database(Engine::Sqlite, folder.path()).await).await.unwrap();
    let empty = check::run(&db).await.unwrap();
    assert!(check::text(&empty, false).contains("dorbank import addresses --municipality"));
    assert!(check::page(&empty, "nb", false).contains("</html>") && empty.findings.is_empty());
    put_city(&db).await;
    Credit::kartverket(Some(jiff::civil::date(2026, 7, 1))).write(&db).await.unwrap();
    let report = check::run(&db).await.unwrap();

    let text = check::text(&report, false);
    for line in [
        "23 entrances, 27 doors",
        "1 more have vanished",
        "       4  doors that cannot be",
        "  Rognegata 17 (district 01): 10",
        "  Lindebakken 1 (district 01), and there too: Lindebakken 2",
        "  03 Fåmo: 1 doors, 100 households",
        "© Kartverket (2026-07-01)",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }

    for language in ["nb", "nn", "en"] {
        let page = check::page(&report, language, false);
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains(&format!("<html lang=\"{language}\">")));
        // Nothing from anywhere else, nothing that runs, and no text that became markup.
        for never in ["<script", "http://", "https://", "src=", "url(", "@import", "<&>", "check.", "{"] {
            let outside_style = page.split("<style>").next().unwrap().to_owned() + page.split("</style>").nth(1).unwrap();
            assert!(!outside_style.contains(never), "{language}: {never}");
        }
        assert!(page.contains("Øst &lt;&amp;&gt; Vest") && page.contains("© Kartverket"));
        assert!(page.contains("role=\"img\" aria-labelledby=\"map-title map-text\""));
        assert_eq!(page.matches("class=\"area\"").count(), 2, "two have an outline");
        // Each finding with a place is a dot that says what it is.
        let placed = report.findings.iter().filter(|finding| finding.house.is_some()).count();
        assert_eq!(page.matches("h0\"><title>").count(), placed);
    }

    let json: serde_json::Value = serde_json::from_str(&check::json(&report).unwrap()).unwrap();
    assert_eq!((json["entrances"].as_u64(), json["doors"].as_u64(), json["vanished"].as_u64()), (Some(23), Some(27), Some(1)));
    let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
    for finding in json["findings"].as_array().unwrap() {
        *kinds.entry(finding["kind"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!((kinds["impossible_door"], kinds["far_from_street"], kinds.len()), (4, 1, 8));
    assert_eq!(json["credit"]["extracted"], "2026-07-01");
}

#[tokio::test]
async fn a_stray_coordinate_does_not_shrink_the_map() {
    let folder = TempDir::new().unwrap();
    let db = Db::open(&database(Engine::Sqlite, folder.path()).await).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let mut houses: Vec<Registered> =
        (1..=400u32).map(|n| house(u128::from(n), "Rognegata", i64::from(n), None, at(f64::from(n) * 2.0, 0.0))).collect();
    houses[7].at = LatLon { lat: 71.0, lon: 25.0 };
    entrance::put(&mut tx, &houses, 1).await.unwrap();
    tx.commit().await.unwrap();
    let report = check::run(&db).await.unwrap();
    assert_eq!(places(&report, Kind::FarFromStreet), ["Rognegata 8"]);
    let page = check::page(&report, "en", false);
    assert!(page.contains("findings lie beyond the map"), "{page}");
}

#[tokio::test]
async fn a_district_that_bends_had_its_number_in_another() {
    let folder = TempDir::new().unwrap();
    let db = Db::open(&database(Engine::Sqlite, folder.path()).await).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    // A square, and one around three of its sides.
    let corners =
        [(-30.0, -30.0), (30.0, -30.0), (30.0, 30.0), (10.0, 30.0), (10.0, -10.0), (-10.0, -10.0), (-10.0, 30.0), (-30.0, 30.0), (-30.0, -30.0)];
    let corners = corners.map(|(x, y)| at(x * 100.0, y * 100.0)).map(|at| format!("[{},{}]", at.lon, at.lat));
    let around = format!("{{\"type\":\"Polygon\",\"coordinates\":[[{}]]}}", corners.join(","));
    let all = [new_district("01", "Rundt", 0, Some(around)), new_district("02", "Midt", 0, Some(square(-1_000.0, -1_000.0, 2_000.0)))];
    district::put(&mut tx, &all).await.unwrap();
    tx.commit().await.unwrap();
    let page = check::page(&check::run(&db).await.unwrap(), "nb", false);
    let place = |number: &str| -> (i64, i64) {
        let text = page.split("<text ").find(|text| text.contains(&format!(">{number}</text>"))).unwrap();
        let value = |name: &str| text.split(name).nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        (value("x=\""), value("y=\""))
    };
    let (around, middle) = (place("01"), place("02"));
    // The inner one reaches a sixth of the map to each side.
    let apart = (around.0 - middle.0).abs().max((around.1 - middle.1).abs());
    assert!(apart > 100, "{around:?} {middle:?}");
}

#[tokio::test]
async fn the_demo_is_a_city_with_nothing_impossible() {
    for engine in Engine::BOTH {
        let folder = TempDir::new().unwrap();
        let db = Db::open(&database(engine, folder.path()).await).await.unwrap();
        demo::build(&db, 7, START_MS, &DemoOptions { size: Size::Small, keys_dir: folder.path().join("keys") }).await.unwrap();
        let report = check::run(&db).await.unwrap();
        let count = |kind| report.of_kind(kind).len();
        println!("{}", check::text(&report, false));
        assert_eq!((count(Kind::ImpossibleDoor), count(Kind::WithoutDoors), count(Kind::WithoutDistrict)), (0, 0, 0));
        assert!(report.doors() > 0 && check::page(&report, "nb", true).contains("</html>"));
    }
}

#[test]
fn the_command_writes_what_is_asked_for_and_ends_as_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write_site(&folder.path().join("site"));
    let place = Place::new(folder.path());
    assert!(place.refused(&["check"]).contains("there is no file"));
    place.done(&["officer", "list"]);
    assert!(place.done(&["check", "--strict"]).contains("Nothing is imported yet"));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let db = Db::open(&format!("sqlite:{}", place.database().display())).await.unwrap();
        put_city(&db).await;
        db.close().await;
    });
    let out = place.done(&["check", "--html", "city.html", "--json", "city.json", "--language", "nn"]);
    assert!(out.contains("Found:") && out.contains("city.html"), "{out}");
    assert!(fs::read_to_string(folder.path().join("city.html")).unwrap().contains("<html lang=\"nn\">"));
    assert!(fs::read_to_string(folder.path().join("city.json")).unwrap().contains("\"findings\""));
    // It may be somebody's notes, or the database itself.
    for name in ["city.html", "dorbank.db"] {
        let before = fs::read(folder.path().join(name)).unwrap();
        assert!(place.refused(&["check", "--html", name]).contains("there is a file of that name already"));
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), before, "{name} is as it was");
    }
    assert!(place.refused(&["check", "--html", "one", "--json", "one"]).contains("the same file"));
    assert!(place.refused(&["check", "--strict"]).contains("11 things were found"));
    assert!(place.refused(&["check", "--html", "nowhere/city.html"]).contains("nowhere/city.html cannot be written"));
    assert!(place.refused(&["check", "--language", "se"]).contains("possible values: nb, nn, en"));
}

#[tokio::test]
async fn a_whole_real_municipality_is_looked_at() {
    let Some(data) = std::env::var_os("DORBANK_REAL_DATA").map(std::path::PathBuf::from) else {
        println!("a_whole_real_municipality_is_looked_at: skipped, since DORBANK_REAL_DATA names no folder with published files");
        return;
    };
    for engine in Engine::BOTH {
        let folder = TempDir::new().unwrap();
        let db = Db::open(&database(engine, folder.path()).await).await.unwrap();
        addresses(&db, &data.join("kartverket_elverum_25833.csv"), &AddressOptions::default(), 1, &mut Uuid::new_v4).await.unwrap();
        let start = Instant::now();
        let report = check::run(&db).await.unwrap();
        println!("{engine:?}: {} entrances in {} ms", report.city.houses.len(), start.elapsed().as_millis());
        assert_eq!((report.city.houses.len(), report.of_kind(Kind::SameAddress).len(), report.of_kind(Kind::WithoutDistrict).len()), (10_871, 0, 1));
        // Counted in the file itself: 222 points with several addresses, and 114 addresses far from their street.
        assert_eq!(report.of_kind(Kind::SamePlace).len(), 222);
        let far = report.of_kind(Kind::FarFromStreet).len();
        assert!((110..=118).contains(&far), "{far}: degrees and metres need not agree to the last one");
        if let Some(to) = std::env::var_os("DORBANK_CHECK_PAGE") {
            fs::write(to, check::page(&report, "nb", false)).unwrap();
        }
        // Oslo's districts have none of these addresses.
        let options = DistrictOptions { grunnkretser: Some(data.join("oslo_grunnkrets_bydel.csv")), ..DistrictOptions::default() };
        districts(&db, &data.join("oslo_bydeler.geojson"), &options, 2).await.unwrap();
        let report = check::run(&db).await.unwrap();
        assert_eq!((report.of_kind(Kind::WithoutDistrict).len(), report.of_kind(Kind::EmptyDistrict).len()), (10_871, 17));
    }
}
