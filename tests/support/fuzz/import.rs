//! What must hold of each file that an operator imports.

use std::{fs, path::PathBuf};

use dorbank_server::import::{self, AddressOptions, DistrictOptions, ImportError, Pace, Product};

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

/// As [`addresses`]; and every district has a number and a name.
pub(super) async fn districts(yard: &mut Yard, input: &[u8]) {
    let path = file(yard, input);
    let before = yard.data_version().await;
    let state = yard.state.clone();
    match import::districts(&state.db, &path, &DistrictOptions::default(), START_MS).await {
        Ok(report) => {
            let wrong = yard.number("SELECT COUNT(*) FROM district WHERE number = '' OR name = '' OR LENGTH(number) > 12").await;
            assert_eq!(wrong, 0, "{report:?}");
        }
        Err(error) => refused(yard, before, &error).await,
    }
}

async fn refused(yard: &mut Yard, before: i64, error: &ImportError) {
    assert!(matches!(error, ImportError::WrongFile(_)), "not a wrong file but: {error}");
    assert_eq!(yard.data_version().await, before, "a refused file changed something");
}
