//! Files as they are published, where `DORBANK_REAL_DATA` names a folder that holds them. They are never part of the project.

use std::{collections::HashSet, path::PathBuf, time::Instant};

use dorbank_server::{
    import::{AddressOptions, DistrictOptions, Report, addresses, districts},
    store::{Db, district, entrance, visit},
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

/// The published file with changes to its rows: the fields of each, by their place in the header.
fn edited(text: &str, mut edit: impl FnMut(usize, &mut Vec<String>) -> bool) -> String {
    let mut lines = text.split_inclusive('\n');
    let mut out = lines.next().unwrap().to_owned();
    for (place, line) in lines.enumerate() {
        let mut fields: Vec<String> = line.trim_end().split(';').map(str::to_owned).collect();
        if edit(place, &mut fields) {
            out.push_str(&fields.join(";"));
            out.push_str("\r\n");
        }
    }
    out
}

#[tokio::test]
async fn a_municipality_that_changed_loses_nothing() {
    let [id, street, number, letter, east, other_id] = [0, 7, 8, 9, 18, 32];
    let Some(folder) = folder("a_municipality_that_changed_loses_nothing") else { return };
    let published = std::fs::read_to_string(folder.join("kartverket_elverum_25833.csv")).unwrap();
    for engine in Engine::BOTH {
        let dir = TempDir::new().unwrap();
        let db = Db::open(&database(engine, dir.path()).await).await.unwrap();
        let mut next = 0u128;
        let mut ids = || {
            next += 1;
            Uuid::from_u128(next)
        };
        let file = dir.path().join("file.csv");
        std::fs::write(&file, &published).unwrap();
        addresses(&db, &file, &AddressOptions::default(), 1, &mut ids).await.unwrap();
        let mut tx = db.read().await.unwrap();
        let before = entrance::registered_in(&mut tx, "kartverket", &["3420".to_owned()]).await.unwrap();
        drop(tx);

        // Twenty rows go, thirty move ten metres, a street is renamed, and a house becomes A and B.
        let mut split: Option<(String, String)> = None;
        let (mut moved, mut renamed) = (0, 0);
        let mut text = edited(&published, |place, fields| {
            if place < 20 {
                return false;
            }
            if place < 50 {
                let metres: f64 = fields[east].parse().unwrap();
                fields[east] = format!("{:.2}", metres + 10.0);
                moved += 1;
            } else if fields[street] == "Vestsivegen" {
                fields[street] = "Nye Vestsiveg".to_owned();
                renamed += 1;
            } else if place > 5_000 && split.is_none() && fields[letter].is_empty() && !fields[street].is_empty() {
                split = Some((fields[id].clone(), format!("{} {}", fields[street], fields[number])));
                (fields[id], fields[other_id], fields[letter]) = ("990000001".into(), "990000001".into(), "A".into());
            }
            true
        });
        let (split, _) = split.unwrap();
        let second = text.lines().find(|line| line.starts_with("990000001;")).unwrap().replace("990000001", "990000002").replacen(";A;", ";B;", 1);
        text.push_str(&second);
        text.push_str("\r\n");
        let old = before.iter().find(|one| one.source_id == split).unwrap();
        let mut tx = db.begin().await.unwrap();
        visit::set_quiet(&mut tx, &HashSet::new(), &HashSet::from([old.id]), true).await.unwrap();
        tx.commit().await.unwrap();

        std::fs::write(&file, &text).unwrap();
        let dry = AddressOptions { dry_run: true, ..AddressOptions::default() };
        let tried = addresses(&db, &file, &dry, 2, &mut ids).await.unwrap();
        let report = addresses(&db, &file, &AddressOptions::default(), 2, &mut ids).await.unwrap();
        assert_eq!(tried, Report { dry_run: true, ..report.clone() });
        println!("{engine:?}: {report}");
        assert_eq!((report.added, report.vanished, report.moved, report.refused.len()), (2, 21, moved, 0));
        assert_eq!((report.changed, report.unchanged), (moved + renamed, 10_871 - 21 - moved - renamed));
        assert!(renamed > 5 && report.carried >= 2, "{renamed} renamed");
        let mut tx = db.read().await.unwrap();
        let after = entrance::registered_in(&mut tx, "kartverket", &["3420".to_owned()]).await.unwrap();
        assert_eq!(after.len(), 10_873, "nothing is deleted");
        for one in &before {
            assert!(after.iter().any(|now| now.id == one.id && now.source_id == one.source_id), "{one:?}");
        }
        for heir in ["990000001", "990000002"] {
            let heir = after.iter().find(|one| one.source_id == heir).unwrap().id;
            assert!(entrance::find(&mut tx, heir).await.unwrap().unwrap().do_not_knock);
        }
        drop(tx);
        std::fs::write(&file, &published).unwrap();
        let back = addresses(&db, &file, &AddressOptions::default(), 3, &mut ids).await.unwrap();
        assert_eq!((back.added, back.vanished, back.back, back.changed), (0, 2, 21, 21 + moved + renamed));
    }
}

/// As an operator sees it: what is said, and that nothing is warned of.
#[test]
fn oslos_districts_come_in_without_a_warning() {
    let Some(folder) = folder("oslos_districts_come_in_without_a_warning") else { return };
    let dir = TempDir::new().unwrap();
    let place = crate::process::Place::new(dir.path());
    place.done(&["officer", "list"]);
    let file = |name: &str| folder.join(name).display().to_string();
    let (outlines, units) = (file("oslo_bydeler.geojson"), file("oslo_grunnkrets_bydel.csv"));
    for args in [&["import", "districts", &outlines, "--grunnkretser", &units][..], &["import", "households"]] {
        let output = place.command(args).output().unwrap();
        let (said, warned) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("{said}");
        assert!(output.status.success() && warned.is_empty(), "{warned}");
        assert!(!said.contains("WARN") && !said.contains("ERROR"), "{said}");
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
        let properties = report.properties.as_ref().unwrap();
        assert_eq!((properties.number.property.as_str(), properties.name.as_ref().unwrap().property.as_str()), ("id", "name"));
        // All turn the other way than GeoJSON has it since 2016. Rounded to four decimals, the skerries of four districts have
        // no area any more, and one crosses itself by less than a room.
        let said: Vec<(&str, usize)> = report.repaired.iter().filter(|(_, r)| r.flat > 0).map(|(number, r)| (number.as_str(), r.flat)).collect();
        assert_eq!(said, [("01", 48), ("05", 23), ("06", 12), ("14", 109)]);
        assert!(report.repaired.len() == 15 && report.repaired.values().all(|r| r.turned > 0 && r.closed == 0 && r.crossing < 50.0));
        assert!(report.skipped.is_empty() && report.overlaps.is_empty(), "{report}");
        assert_eq!((report.groups, report.joined.len()), (5, 2));
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
