//! Files as they are published, where `DORBANK_REAL_DATA` names a folder that holds them. They are never part of the project.

use std::{path::PathBuf, time::Instant};

use dorbank_server::{
    import::{AddressOptions, DistrictOptions, addresses, districts},
    store::{Db, district, entrance},
};
use dorbank_tests::{Engine, database};
use tempfile::TempDir;
use uuid::Uuid;

fn folder(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("DORBANK_REAL_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("{test}: skipped, since DORBANK_REAL_DATA names no folder with published files");
    }
    folder
}

#[tokio::test]
async fn a_whole_municipality_comes_in_twice_and_is_the_same() {
    let Some(folder) = folder("a_whole_municipality_comes_in_twice_and_is_the_same") else { return };
    let file = folder.join("kartverket_elverum_25833.csv");
    for engine in Engine::BOTH {
        let dir = TempDir::new().unwrap();
        let db = Db::open(&database(engine, dir.path()).await).await.unwrap();
        let mut next = 0u128;
        let mut ids = || {
            next += 1;
            Uuid::from_u128(next)
        };
        let start = Instant::now();
        let first = addresses(&db, &file, &AddressOptions::default(), 1, &mut ids).await.unwrap();
        println!("{engine:?}: {} rows in {} ms", first.rows, start.elapsed().as_millis());
        assert_eq!((first.rows, first.added, first.refused.len(), first.without_district), (10_871, 10_871, 0, 10_871));
        let mut tx = db.read().await.unwrap();
        let mut before = entrance::registered_in(&mut tx, "kartverket", &["3420".to_owned()]).await.unwrap();
        drop(tx);
        before.sort_by_key(|r| r.id);
        assert!(before.iter().all(|r| (60.7..61.3).contains(&r.at.lat) && (11.3..12.2).contains(&r.at.lon)), "all of it lies around Elverum");
        let again = addresses(&db, &file, &AddressOptions::default(), 2, &mut ids).await.unwrap();
        assert_eq!((again.added, again.changed, again.unchanged, again.vanished), (0, 0, 10_871, 0));
        let mut tx = db.read().await.unwrap();
        let mut after = entrance::registered_in(&mut tx, "kartverket", &["3420".to_owned()]).await.unwrap();
        after.sort_by_key(|r| r.id);
        assert!(before == after, "importing again renumbers nothing and changes nothing");
        assert_eq!(entrance::find(&mut tx, after[0].id).await.unwrap().unwrap().units.len(), 1);
    }
}

#[tokio::test]
async fn oslos_districts_come_in_with_their_table() {
    let Some(folder) = folder("oslos_districts_come_in_with_their_table") else { return };
    for engine in Engine::BOTH {
        let dir = TempDir::new().unwrap();
        let db = Db::open(&database(engine, dir.path()).await).await.unwrap();
        let options = DistrictOptions { grunnkretser: Some(folder.join("oslo_grunnkrets_bydel.csv")), ..DistrictOptions::default() };
        let report = districts(&db, &folder.join("oslo_bydeler.geojson"), &options, 1).await.unwrap();
        println!("{report}");
        assert_eq!((report.added, report.grunnkretser), (17, 623));
        assert_eq!(report.without_outline, ["16", "17"]);
        let again = districts(&db, &folder.join("oslo_bydeler.geojson"), &options, 2).await.unwrap();
        assert_eq!((again.added, again.changed, again.unchanged), (0, 0, 17));
        let mut tx = db.read().await.unwrap();
        let all = district::all(&mut tx).await.unwrap();
        assert_eq!((all[0].number.as_str(), all[0].name.as_str()), ("01", "Gamle Oslo"));
        assert_eq!((all[15].name.as_str(), all[15].area.as_str(), all[16].area.as_str()), ("Sentrum", "04", "08"));
        let locator = dorbank_server::import::Locator::load(&mut tx).await.unwrap();
        // Tøyen torg lies in Gamle Oslo; the Storgata of the published example carries a unit of the table.
        assert_eq!(locator.district(None, dorbank_shared::geo::LatLon { lat: 59.9149, lon: 10.7713 }), Some("01"));
        assert_eq!(locator.district(Some("03010101"), dorbank_shared::geo::LatLon { lat: 59.9149, lon: 10.7713 }), Some("16"));
    }
}
