//! What must hold of each file that an operator imports.

use std::{collections::HashSet, fs, io::Read as _, path::PathBuf};

use dorbank_server::{
    import::{self, AddressOptions, DistrictOptions, HouseholdOptions, ImportError, LineOptions, Pace, Product, Source, fetch},
    store::{
        district::{self, NewDistrict},
        visit,
    },
};
use serde_json::Value;

use super::yard::Yard;
use crate::START_MS;

fn file(yard: &Yard, input: &[u8]) -> PathBuf {
    let path = yard.folder.path().join("import");
    fs::write(&path, input).expect("a file can be written");
    path
}

/// Every row is taken or refused with its line, also by a trial run, which says the same; a file that is refused as a whole
/// changes nothing.
pub(super) async fn addresses(yard: &mut Yard, input: &[u8]) {
    let path = file(yard, input);
    let state = yard.state.clone();
    // Somebody asks for quiet, at another door each time; whatever is imported, nobody's wish is taken away.
    let mut tx = state.db.begin().await.expect("the database answers");
    let door = tx.one("SELECT id FROM unit WHERE NOT vanished AND NOT do_not_knock ORDER BY id LIMIT 1", Vec::new()).await.expect("it reads");
    if let Some(door) = door {
        let door = door.get(0).expect("it is an id");
        visit::set_quiet(&mut tx, &HashSet::from([door]), &HashSet::new(), true).await.expect("it can be written");
    }
    tx.commit().await.expect("it can be written");
    let wishes = "SELECT (SELECT COUNT(*) FROM unit WHERE do_not_knock) + (SELECT COUNT(*) FROM entrance WHERE do_not_knock)";
    let wished = yard.number(wishes).await;
    let before = yard.data_version().await;
    // A few rows at once, so that what stands in several parts is met too.
    let pace = Pace { rows: 3, stop_after: None };
    let options = AddressOptions { accept_many_vanished: true, pace, ..AddressOptions::default() };
    let tried = import::addresses(&state.db, &path, &AddressOptions { dry_run: true, ..options.clone() }, START_MS, &mut || state.id_v7()).await;
    assert_eq!(yard.data_version().await, before, "a trial run wrote something");
    match import::addresses(&state.db, &path, &options, START_MS, &mut || state.id_v7()).await {
        Ok(report) => {
            let tried = tried.expect("what is imported was taken on trial too");
            assert_eq!(tried, import::Report { dry_run: true, ..report.clone() }, "the trial run said otherwise");
            let entrances = report.added + report.changed + report.unchanged;
            match report.product {
                Product::Addresses => assert_eq!(report.rows, entrances + report.refused.len(), "{report:?}"),
                Product::Dwellings => {
                    let doors = report.doors.added + report.doors.numbered + report.doors.unchanged + report.doors.back;
                    assert_eq!(report.rows, doors + report.left_out + report.unnumbered + report.refused.len(), "{report:?}");
                }
            }
            assert!(report.moved <= report.changed && report.back <= report.changed && report.vanished_in_turfs <= report.vanished);
            assert!(report.refused.iter().all(|refused| refused.line > 1));
            assert!(yard.number(wishes).await >= wished, "a wish was taken away: {report:?}");
            for (wrong, sql) in [
                ("an entrance has no door", "SELECT COUNT(*) FROM entrance WHERE NOT EXISTS (SELECT 1 FROM unit WHERE unit.entrance = entrance.id)"),
                (
                    "a number has another floor",
                    "SELECT COUNT(*) FROM unit WHERE label LIKE 'H____' AND floor <> CAST(SUBSTR(label, 2, 2) AS INTEGER)",
                ),
                ("something is left to be carried", "SELECT (SELECT COUNT(*) FROM entrance_change) + (SELECT COUNT(*) FROM unit_change)"),
                ("something is not in force", "SELECT COUNT(*) FROM entrance WHERE since > (SELECT in_force FROM register)"),
                (
                    "its size is another than it says",
                    "SELECT COUNT(*) FROM register WHERE entrances <> (SELECT COUNT(*) FROM entrance_in_force WHERE NOT vanished) OR doors <> \
                    (SELECT COUNT(*) FROM unit_in_force u JOIN entrance_in_force e ON e.id = u.entrance WHERE NOT u.vanished AND NOT e.vanished)",
                ),
                ("an import is not ended", "SELECT staging FROM register"),
                (
                    "an entrance whose doors have numbers has one without too",
                    "SELECT COUNT(*) FROM unit u WHERE u.label = '' AND NOT u.vanished AND NOT EXISTS (SELECT 1 FROM correction) \
                    AND EXISTS (SELECT 1 FROM unit o WHERE o.entrance = u.entrance AND o.label <> '' AND NOT o.vanished AND o.since = u.since)",
                ),
            ] {
                assert_eq!(yard.number(sql).await, 0, "{wrong}: {report:?}");
            }
            assert!(report.to_string().len() < 12_000);
        }
        Err(error) => refused(yard, before, &error).await,
    }
}

/// Every feature is taken, repaired or refused; a file that is refused as a whole changes nothing. Every district has a
/// number and a name, is counted under a district that there is, and its outline is one that everybody can read.
pub(super) async fn districts(yard: &mut Yard, input: &[u8]) {
    let path = file(yard, input);
    let before = yard.data_version().await;
    let state = yard.state.clone();
    // Every other input may have features left out.
    let options = DistrictOptions { skip_invalid: input.len().is_multiple_of(2), ..DistrictOptions::default() };
    match import::districts(&state.db, &path, &options, START_MS).await {
        Ok(report) => {
            let wrong = yard.number("SELECT COUNT(*) FROM district WHERE number = '' OR name = '' OR LENGTH(number) > 12").await;
            assert_eq!(wrong, 0, "{report:?}");
            let lost = yard
                .number("SELECT COUNT(*) FROM district d WHERE NOT EXISTS (SELECT 1 FROM district a WHERE a.number = d.area AND a.area = a.number)")
                .await;
            assert_eq!(lost, 0, "{report:?}");
            assert!(options.skip_invalid || report.skipped.is_empty());
            let mut tx = state.db.read().await.expect("the database answers");
            for (number, outline) in district::boundaries(&mut tx).await.expect("it reads") {
                sound(&number, &outline);
            }
        }
        Err(error) => refused(yard, before, &error).await,
    }
}

/// Where lines are kept.
const AROUND: &str = "{\"type\":\"Polygon\",\"coordinates\":[[[10.7,59.9],[10.8,59.9],[10.8,59.95],[10.7,59.95],[10.7,59.9]]]}";

/// Every line is shown, left out or refused; a file that is refused as a whole changes nothing. What is shown reads back and
/// lies around the district.
pub(super) async fn lines(yard: &mut Yard, input: &[u8]) {
    let path = file(yard, input);
    let state = yard.state.clone();
    let mut tx = state.db.begin().await.expect("the database answers");
    if district::boundaries(&mut tx).await.expect("it reads").is_empty() {
        let known = NewDistrict { number: "01".into(), name: "Øst".into(), area: "01".into(), households: 0, boundary: Some(AROUND.into()) };
        district::put(&mut tx, &[known]).await.expect("it can be written");
        tx.commit().await.expect("it can be written");
    } else {
        drop(tx);
    }
    let before = yard.data_version().await;
    // Every other input is all streets, if it is GeoJSON without a word of what its lines are.
    let kind = input.len().is_multiple_of(2).then_some(dorbank_shared::line::Kind::Street);
    let options = LineOptions { origin: Some("fuzz".into()), credit: Some("nobody".into()), kind, ..LineOptions::default() };
    let dry = LineOptions { dry_run: true, ..options.clone() };
    let tried = import::lines(&state.db, &path, &dry, START_MS).await;
    assert_eq!(yard.data_version().await, before, "a trial run wrote something");
    match import::lines(&state.db, &path, &options, START_MS).await {
        Ok(report) => {
            assert!(tried.is_ok() && report.to_string().len() < 12_000);
            for (wrong, sql) in [
                (
                    "a line that is not shown is left",
                    "SELECT COUNT(*) FROM line l JOIN line_origin o ON o.origin = l.origin WHERE l.edition <> o.edition",
                ),
                ("they are not as many as it says", "SELECT (SELECT lines FROM line_origin) <> (SELECT COUNT(*) FROM line)"),
                // A kilometre around the district, and what a segment needs to get there.
                (
                    "a line lies elsewhere",
                    "SELECT COUNT(*) FROM line WHERE south > north OR west > east OR south > 60000000 OR north < 59800000 OR west > 10900000 OR east < 10600000",
                ),
            ] {
                assert_eq!(yard.number(sql).await, 0, "{wrong}: {report}");
            }
        }
        Err(error) => {
            assert!(tried.is_err(), "only the trial run took it: {error}");
            refused(yard, before, &error).await;
        }
    }
}

/// As each of the tables that go with districts it is taken or refused whole, and one that is refused changes nothing.
pub(super) async fn tables(yard: &mut Yard, input: &[u8]) {
    let path = file(yard, input);
    let state = yard.state.clone();
    let usual = DistrictOptions::default;
    for options in [
        Some(DistrictOptions { grunnkretser: Some(path.clone()), ..usual() }),
        Some(DistrictOptions { joins_file: Some(path.clone()), ..usual() }),
        Some(DistrictOptions { groups: Some(path.clone()), ..usual() }),
        None,
    ] {
        let before = yard.data_version().await;
        let done = if let Some(options) = &options {
            import::districts_by_table(&state.db, options, START_MS).await.map(|report| report.to_string())
        } else {
            let options = HouseholdOptions { file: Some(path.clone()), ..HouseholdOptions::default() };
            import::households(&state.db, &options).await.map(|report| report.to_string())
        };
        match done {
            Ok(_) => {
                let wrong = "SELECT (SELECT COUNT(*) FROM household WHERE households < 0) + (SELECT COUNT(*) FROM district WHERE number = '' OR name = '') \
                    + (SELECT COUNT(*) FROM district d WHERE NOT EXISTS (SELECT 1 FROM district a WHERE a.number = d.area AND a.area = a.number))";
                assert_eq!(yard.number(wrong).await, 0, "{options:?}");
            }
            Err(ImportError::Bound(_)) => assert_eq!(yard.data_version().await, before),
            Err(error) => refused(yard, before, &error).await,
        }
    }
}

/// What a feed offers is a file of the product that was asked for, by a secure way, under a name that is no path.
pub(super) fn feed(input: &[u8]) {
    let url = fetch::FEEDS.parse().expect("it is an address");
    for product in [fetch::Product::Addresses, fetch::Product::Flats] {
        for offer in fetch::read_feed(input, product, &url).unwrap_or_default() {
            assert!(offer.place.product == product && offer.url.scheme() == "https", "{offer:?}");
            let name = offer.place.to_string();
            assert!(!name.contains(['/', '\\', '\0']) && name.len() < 200 && name.ends_with("_CSV.zip"), "{offer:?}");
        }
    }
}

/// What is packed comes out the same each time, is not made to fill the machine, and is imported as any other file; what is
/// damaged is refused whole.
pub(super) async fn zip(yard: &mut Yard, input: &[u8]) {
    let path = file(yard, input);
    let read = || {
        let mut out = Vec::new();
        Source::open(&path)?.read_to_end(&mut out).map_err(|error| ImportError::read(&path, error))?;
        Ok::<_, ImportError>(out)
    };
    match (read(), read()) {
        (Ok(once), Ok(again)) => assert!(once == again && once.len() <= (input.len() + 1) * 201, "{} of {}", once.len(), input.len()),
        (Err(ImportError::WrongFile(once)), Err(ImportError::WrongFile(again))) => assert_eq!(once, again),
        (once, again) => panic!("{once:?} and then {again:?}"),
    }
    addresses(yard, input).await;
}

/// Whether rings are closed, have three corners at least, none twice running, and lie in Norway.
fn sound(number: &str, outline: &str) {
    let outline: Value = serde_json::from_str(outline).expect("an outline is JSON");
    assert_eq!(outline["type"], "MultiPolygon", "{number}");
    let parts = outline["coordinates"].as_array().expect("it has parts");
    assert!(!parts.is_empty(), "{number}");
    for ring in parts.iter().flat_map(|part| part.as_array().expect("a part has rings")) {
        let ring = ring.as_array().expect("a ring has corners");
        assert!(ring.len() >= 4 && ring.first() == ring.last(), "{number}: {ring:?}");
        assert!(ring.windows(2).all(|pair| pair[0] != pair[1]), "{number}: {ring:?}");
        for corner in ring {
            let (lon, lat) = (corner[0].as_f64().expect("a number"), corner[1].as_f64().expect("a number"));
            assert!((57.0..82.0).contains(&lat) && (3.0..35.0).contains(&lon), "{number}: {corner}");
        }
    }
}

async fn refused(yard: &mut Yard, before: i64, error: &ImportError) {
    assert!(matches!(error, ImportError::WrongFile(_)), "not a wrong file but: {error}");
    assert_eq!(yard.data_version().await, before, "a refused file changed something");
}
