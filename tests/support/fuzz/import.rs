//! What must hold of each file that an operator imports.

use std::{fs, path::PathBuf};

use dorbank_server::import::{self, AddressOptions, DistrictOptions, ImportError};

use super::yard::Yard;
use crate::START_MS;

fn file(yard: &Yard, input: &[u8]) -> PathBuf {
    let path = yard.folder.path().join("import");
    fs::write(&path, input).expect("a file can be written");
    path
}

/// Every row is taken or refused with its line; a file that is refused as a whole changes nothing.
pub(super) async fn addresses(yard: &mut Yard, input: &[u8]) {
    let path = file(yard, input);
    let before = yard.data_version().await;
    let (state, options) = (yard.state.clone(), AddressOptions { dry_run: false, accept_many_vanished: true });
    match import::addresses(&state.db, &path, &options, START_MS, &mut || state.id_v7()).await {
        Ok(report) => {
            assert_eq!(report.rows, report.added + report.changed + report.unchanged + report.refused.len(), "{report:?}");
            assert!(report.refused.iter().all(|refused| refused.line > 1));
            let alone = yard.number("SELECT COUNT(*) FROM entrance WHERE NOT EXISTS (SELECT 1 FROM unit WHERE unit.entrance = entrance.id)").await;
            assert_eq!(alone, 0, "an entrance has no door");
            assert!(report.to_string().len() < 10_000);
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
