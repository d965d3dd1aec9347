//! What must hold of each file that an operator imports.

use std::{fs, path::PathBuf};

use dorbank_server::{
    import::{self, AddressOptions, DistrictOptions, ImportError, Pace, Product},
    store::district,
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
    let before = yard.data_version().await;
    let state = yard.state.clone();
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
            for (wrong, sql) in [
                ("an entrance has no door", "SELECT COUNT(*) FROM entrance WHERE NOT EXISTS (SELECT 1 FROM unit WHERE unit.entrance = entrance.id)"),
                (
                    "a number has another floor",
                    "SELECT COUNT(*) FROM unit WHERE label LIKE 'H____' AND floor <> CAST(SUBSTR(label, 2, 2) AS INTEGER)",
                ),
                ("something is left to be carried", "SELECT (SELECT COUNT(*) FROM entrance_change) + (SELECT COUNT(*) FROM unit_change)"),
                ("something is not in force", "SELECT COUNT(*) FROM entrance WHERE since > (SELECT in_force FROM register)"),
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
