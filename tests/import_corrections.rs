//! What a volunteer corrected is not overwritten silently.

use dorbank_server::import::{Correct, CorrectError, DistrictOptions, ImportError, correct, districts, find};
use dorbank_shared::geo::LatLon;
use dorbank_tests::Engine;
use uuid::Uuid;

use crate::{
    import_published::{Home, Town, addresses_of, dwellings_of},
    process::Place,
};

const OURS: LatLon = LatLon { lat: 59.92, lon: 10.78 };

async fn fix(town: &mut Town, address: &str, what: Correct) -> Result<String, CorrectError> {
    let entrance = find(&town.db, address).await?;
    town.now += 1;
    let done = correct(&town.db, entrance, &what, town.now, &mut Uuid::new_v4).await.map(|corrected| corrected.to_string());
    town.is_counted().await;
    done
}

#[tokio::test]
async fn ours_is_kept_and_both_are_told_until_the_publisher_has_it_too() {
    for engine in Engine::BOTH {
        let mut town = Town::new(engine).await;
        let home = Home::new(1, 28, "B", &["H0101", "H0102"]);
        let other = Home::new(2, 30, "", &["H0101"]);
        town.import(&dwellings_of(&[home.clone(), other.clone()])).await;
        let said = fix(
            &mut town,
            "rognegata 28b",
            Correct {
                at: Some(OURS),
                street: Some("Rognegaten".into()),
                number: Some(26),
                letter: Some("c".into()),
                add_doors: vec!["H0201".into()],
                remove_doors: vec!["H0102".into()],
            },
        )
        .await
        .unwrap();
        assert!(said.starts_with("Rognegaten 26C\n") && said.contains("street: Rognegaten (published: Rognegata)"), "{said}");
        assert_eq!(town.standing(1).await, ["H0101", "H0201"]);
        let ours = town.known(1).await;
        assert_eq!((ours.listing.at, ours.listing.street.as_str(), ours.listing.number, ours.listing.letter.as_str()), (OURS, "Rognegaten", 26, "C"));

        // Published as it was, and then otherwise still: ours is kept, and both are told.
        for text in [dwellings_of(&[home.clone(), other.clone()]), dwellings_of(&[Home { street: "Rognegt.".into(), ..home.clone() }, other.clone()])]
        {
            let report = town.import(&text).await;
            assert_eq!((report.unchanged, report.changed, report.ours_kept.len(), report.caught_up.len()), (2, 0, 6, 0), "{report}");
            assert_eq!((town.known(1).await, town.standing(1).await), (ours.clone(), vec!["H0101".into(), "H0201".into()]));
        }
        let report = town.import(&addresses_of(&[Home { street: "Rognegt.".into(), ..home.clone() }, other.clone()])).await;
        assert_eq!(report.ours_kept.len(), 4, "the address product says nothing of doors: {report}");
        let text = report.to_string();
        assert!(text.contains("ours was kept:") && text.contains("street Rognegaten (published: street Rognegt.)"), "{text}");

        // The publisher has it too.
        let mut same = Home { street: "Rognegaten".into(), number: 26, letter: "C".into(), lat: OURS.lat, lon: OURS.lon, ..home.clone() };
        same.units = vec![("H0101".into(), "B"), ("H0201".into(), "B")];
        let report = town.import(&dwellings_of(&[same.clone(), other.clone()])).await;
        assert_eq!((report.unchanged, report.ours_kept.len(), report.caught_up.len()), (2, 0, 6), "{report}");
        assert_eq!(town.count("SELECT COUNT(*) FROM correction").await, 0);
        // And from then on what is published holds.
        let report = town.import(&dwellings_of(&[home, other])).await;
        assert_eq!((report.changed, report.doors.added + report.doors.back, report.doors.vanished), (1, 1, 1));
        assert_eq!(town.known(1).await.listing.street, "Rognegata");
    }
}

#[tokio::test]
async fn what_is_taken_back_leaves_no_correction() {
    for engine in Engine::BOTH {
        let mut town = Town::new(engine).await;
        town.import(&dwellings_of(&[Home::new(1, 1, "", &["H0101"])])).await;
        let add = Correct { add_doors: vec!["H0201".into()], letter: Some("A".into()), ..Correct::default() };
        fix(&mut town, "1", add).await.unwrap();
        let back = Correct { remove_doors: vec!["H0201".into()], letter: Some(String::new()), ..Correct::default() };
        let said = fix(&mut town, "Rognegata 1 A", back).await.unwrap();
        assert!(said.contains("as it is published"), "{said}");
        assert_eq!(town.count("SELECT COUNT(*) FROM correction").await, 0);
        assert_eq!((town.standing(1).await, town.known(1).await.listing.letter.as_str()), (vec!["H0101".to_owned()], ""));
        // The door without a number can be said not to be there, and an import does not bring it back.
        town.import(&dwellings_of(&[Home::new(1, 1, "", &["H0101"]), Home::new(2, 3, "", &[])])).await;
        fix(&mut town, "Rognegata 3", Correct { remove_doors: vec![String::new()], ..Correct::default() }).await.unwrap();
        town.import(&dwellings_of(&[Home::new(1, 1, "", &["H0101"]), Home::new(2, 3, "", &[])])).await;
        assert!(town.standing(2).await.is_empty());
    }
}

#[tokio::test]
async fn a_corrected_place_lies_in_the_district_of_its_own() {
    let mut town = Town::new(Engine::Sqlite).await;
    let square = |number: &str, west: f64| {
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"id\":\"{number}\",\"name\":\"Krets {number}\"}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":\
             [[[{west},59.8],[{0},59.8],[{0},60.0],[{west},60.0],[{west},59.8]]]}}}}",
            west + 0.1
        )
    };
    let outlines = format!("{{\"type\":\"FeatureCollection\",\"features\":[{},{}]}}", square("01", 10.7), square("02", 10.8));
    let file = town.write("districts.geojson", outlines);
    let table = town.write("units.csv", "grunnkretsnummer,bydelnr\n99990101,01\n");
    let options = DistrictOptions { grunnkretser: Some(table), ..DistrictOptions::default() };
    districts(&town.db, &file, &options, 1).await.unwrap();
    town.import(&addresses_of(&[Home::new(1, 1, "", &[])])).await;
    assert_eq!(town.known(1).await.listing.district.as_deref(), Some("01"));
    let said = fix(&mut town, "1", Correct { at: Some(LatLon { lat: 59.91, lon: 10.85 }), ..Correct::default() }).await.unwrap();
    assert!(said.contains("in district 02"), "{said}");
    assert_eq!(town.import(&addresses_of(&[Home::new(1, 1, "", &[])])).await.unchanged, 1);
    assert_eq!(town.known(1).await.listing.district.as_deref(), Some("02"), "the published unit goes with the published place");
    // So it was with addresses, and districts that came again put it back.
    for options in [options, DistrictOptions::default()] {
        let report = districts(&town.db, &file, &options, 2).await.unwrap();
        assert_eq!((report.entrances_moved, town.known(1).await.listing.district.as_deref()), (0, Some("02")));
    }
}

#[tokio::test]
async fn what_cannot_be_corrected_is_said_and_changes_nothing() {
    let mut town = Town::new(Engine::Sqlite).await;
    let far = Home { street: "Rognegata".into(), ..Home::new(2, 1, "", &["H0101"]) };
    town.import(&dwellings_of(&[Home::new(1, 1, "", &["H0101"]), far])).await;
    let before = town.in_force().await;
    let with = |what: fn(&mut Correct)| {
        let mut correct = Correct::default();
        what(&mut correct);
        correct
    };
    let cases: [(&str, Correct, &str); 8] = [
        ("Rognegata 2", with(|c| c.number = Some(3)), "No entrance is called Rognegata 2"),
        ("Rognegata 1", with(|c| c.number = Some(3)), "Several entrances are called Rognegata 1"),
        ("1", Correct::default(), "nothing to correct"),
        ("1", with(|c| c.at = Some(LatLon { lat: 10.7, lon: 59.9 })), "10.7,59.9 is not a place in Norway"),
        ("1", with(|c| c.street = Some(" ".into())), "A street has a name"),
        ("1", with(|c| c.add_doors = vec!["H101".into()]), "H101 is not a door's number"),
        ("1", with(|c| c.add_doors = vec!["H0201".into(), "H0201".into()]), "H0201 is there already"),
        ("1", with(|c| (c.letter, c.remove_doors) = (Some("B".into()), vec!["H0201".into()])), "no door H0201"),
    ];
    for (address, what, expected) in cases {
        let said = fix(&mut town, address, what).await.unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!((town.in_force().await, town.count("SELECT COUNT(*) FROM correction").await), (before, 0));
    let running = dorbank_server::store::register::Alone::take(&town.db).await.unwrap().unwrap();
    let refused = fix(&mut town, "1", Correct { number: Some(3), ..Correct::default() }).await.unwrap_err();
    assert!(matches!(refused, CorrectError::Import(ImportError::Running)), "{refused}");
    running.end().await.unwrap();
    fix(&mut town, "1", Correct { number: Some(3), ..Correct::default() }).await.unwrap();
}

#[test]
fn it_is_corrected_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    dorbank_tests::write_site(&folder.path().join("site"));
    let place = Place::new(folder.path());
    std::fs::write(folder.path().join("file.csv"), dwellings_of(&[Home::new(1, 28, "B", &["H0101", "H0302"])])).unwrap();
    let said = place.done(&["import", "addresses", "file.csv"]);
    assert!(said.contains("1  new entrances") && said.contains("line by line"), "{said}");
    let lists = || {
        std::fs::read_dir(place.config().data)
            .unwrap()
            .filter(|file| file.as_ref().unwrap().file_name().to_str().unwrap().starts_with("import-report-"))
            .count()
    };
    assert_eq!(lists(), 1, "in the folder of the data");
    assert!(place.refused(&["correct", "Rognegata 28 B", "--add-door", "H9999"]).contains("No house has the door H9999"));
    let said = place.done(&["correct", "Rognegata 28 B", "--at", "59.91,10.76", "--add-door", "h0301", "--remove-door", "H0302"]);
    assert!(
        said.contains("door H0301 is there") && said.contains("door H0302 is not there") && said.contains("place: 59.9100000,10.7600000"),
        "{said}"
    );
    let said = place.done(&["import", "addresses", "file.csv", "--dry-run"]);
    assert!(said.contains("tried only") && said.contains("Corrected here and published otherwise") && lists() == 1, "{said}");
    let said = place.refused(&["correct", "Rognegata 29", "--letter", "A"]);
    assert!(said.starts_with("dorbank: No entrance is called Rognegata 29"), "{said}");
}
