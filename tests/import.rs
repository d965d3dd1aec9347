//! Importing addresses and districts, on both databases: every quirk of a published file, and every wrong file.

use std::{collections::HashSet, fs, path::PathBuf};

use dorbank_server::{
    args,
    import::{AddressOptions, DistrictOptions, DistrictReport, ImportError, Reason, Report, addresses, districts, districts_by_table},
    store::{Db, district, entrance, stamp, visit},
};
use dorbank_tests::{Engine, database, write_site};
use tempfile::TempDir;
use uuid::Uuid;

/// The 46 columns in the published order.
const HEADER: &str = "lokalid;kommunenummer;kommunenavn;adressetype;adressetilleggsnavn;adressetilleggsnavnKilde;adressekode;adressenavn;nummer;\
    bokstav;gardsnummer;bruksnummer;festenummer;undernummer;adresseTekst;adresseTekstUtenAdressetilleggsnavn;EPSG-kode;Nord;Øst;postnummer;poststed;\
    grunnkretsnummer;grunnkretsnavn;soknenummer;soknenavn;organisasjonsnummer;tettstednummer;tettstednavn;valgkretsnummer;valgkretsnavn;\
    oppdateringsdato;datauttaksdato;adresseId;uuidAdresse;atkomstId;uuidAtkomst;atkomstNord;atkomstØst;sommeratkomstId;uuidSommeratkomst;\
    sommeratkomstNord;sommeratkomstØst;vinteratkomstId;uuidVinteratkomst;vinteratkomstNord;vinteratkomstØst";

/// A made-up row of the published form.
#[derive(Clone)]
struct Row {
    id: &'static str,
    kind: &'static str,
    street: &'static str,
    number: &'static str,
    letter: &'static str,
    text: &'static str,
    epsg: &'static str,
    north: &'static str,
    east: &'static str,
    grunnkrets: &'static str,
}

const HOUSE: Row = Row {
    id: "1001",
    kind: "vegadresse",
    street: "Rognegata",
    number: "7",
    letter: "",
    text: "Rognegata 7",
    epsg: "4258",
    north: "59.9100",
    east: "10.7700",
    grunnkrets: "99990101",
};

impl Row {
    fn line(&self) -> String {
        let Self { id, kind, street, number, letter, text, epsg, north, east, grunnkrets } = self;
        format!(
            "{id};9999;PRØVE;{kind};;;100;{street};{number};{letter};1;2;;;{text};{text};{epsg};{north};{east};0101;PRØVE;{grunnkrets};Krets;1;Sokn;1;;;1;\
             Valgkrets;01.01.2026 00:00:00;01.02.2026 00:00:00;{id};0;;;;;;;;;;;;"
        )
    }
}

fn file(rows: &[Row]) -> String {
    let lines: Vec<String> = std::iter::once(format!("\u{feff}{HEADER}")).chain(rows.iter().map(Row::line)).collect();
    lines.join("\r\n") + "\r\n"
}

/// A square district; corners are longitude first, as GeoJSON has them.
fn square(id: &str, name: &str, west: f64, south: f64) -> String {
    let (east, north) = (west + 0.1, south + 0.1);
    format!(
        "{{\"type\":\"Feature\",\"properties\":{{\"id\":{id},\"name\":\"{name}\"}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":\
         [[[{west},{south}],[{east},{south}],[{east},{north}],[{west},{north}],[{west},{south}]]]}}}}"
    )
}

fn collection(features: &[String]) -> String {
    format!("{{\"type\":\"FeatureCollection\",\"features\":[{}]}}", features.join(","))
}

struct Place {
    db: Db,
    dir: TempDir,
    ids: u128,
}

impl Place {
    async fn new(engine: Engine) -> Self {
        let dir = TempDir::new().unwrap();
        let db = Db::open(&database(engine, dir.path()).await).await.unwrap();
        Self { db, dir, ids: 0 }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    async fn addresses_with(&mut self, bytes: impl AsRef<[u8]>, options: AddressOptions) -> Result<Report, ImportError> {
        let path = self.write("addresses.csv", bytes);
        let ids = &mut self.ids;
        addresses(&self.db, &path, &options, 1_000, &mut || {
            *ids += 1;
            Uuid::from_u128(*ids)
        })
        .await
    }

    async fn addresses(&mut self, bytes: impl AsRef<[u8]>) -> Result<Report, ImportError> {
        self.addresses_with(bytes, AddressOptions::default()).await
    }

    async fn districts(&self, bytes: impl AsRef<[u8]>, options: &DistrictOptions) -> Result<DistrictReport, ImportError> {
        districts(&self.db, &self.write("districts.geojson", bytes), options, 2_000).await
    }

    async fn register(&self) -> Vec<entrance::Registered> {
        let mut tx = self.db.read().await.unwrap();
        let mut all = entrance::registered_in(&mut tx, "kartverket", &["9999".to_owned()]).await.unwrap();
        all.sort_by(|a, b| a.source_id.cmp(&b.source_id));
        all
    }
}

#[tokio::test]
async fn a_published_file_becomes_entrances_with_a_door_each() {
    for engine in Engine::BOTH {
        let mut place = Place::new(engine).await;
        let two = Row { id: "1002", number: "9", letter: "b", ..HOUSE };
        let report = place.addresses(file(&[HOUSE, two])).await.unwrap();
        assert_eq!((report.rows, report.added, report.without_district, report.no_districts), (2, 2, 2, true));
        let register = place.register().await;
        assert_eq!((register[1].number, register[1].letter.as_str(), register[1].postcode.as_str()), (9, "B", "0101"));
        let mut tx = place.db.read().await.unwrap();
        let found = entrance::find(&mut tx, register[0].id).await.unwrap().unwrap();
        assert_eq!(found.address(), "Rognegata 7");
        assert_eq!(found.units.iter().map(|unit| unit.label.as_str()).collect::<Vec<_>>(), [""]);
        assert!(report.to_string().contains("2  new entrances"), "{report}");
    }
}

#[tokio::test]
async fn importing_again_updates_and_never_renumbers() {
    for engine in Engine::BOTH {
        let mut place = Place::new(engine).await;
        let other = Row { id: "1002", number: "9", ..HOUSE };
        let third = Row { id: "1003", number: "11", ..HOUSE };
        place.addresses(file(&[HOUSE, other.clone(), third.clone()])).await.unwrap();
        let before = place.register().await;
        let again = place.addresses(file(&[third.clone(), HOUSE, other.clone()])).await.unwrap();
        assert_eq!((again.added, again.changed, again.unchanged, again.vanished), (0, 0, 3, 0));
        assert_eq!(place.register().await, before);

        // A renamed street, one address gone, one new.
        let renamed = Row { street: "Nye Rognegate", ..HOUSE };
        let fourth = Row { id: "1004", number: "13", ..HOUSE };
        let report = place.addresses(file(&[renamed, other.clone(), fourth])).await.unwrap();
        assert_eq!((report.added, report.changed, report.unchanged, report.vanished), (1, 1, 1, 1));
        let after = place.register().await;
        assert_eq!(after[..3].iter().map(|r| r.id).collect::<Vec<_>>(), before.iter().map(|r| r.id).collect::<Vec<_>>());
        assert_eq!((after[0].street.as_str(), after[2].vanished), ("Nye Rognegate", true));

        // What vanished comes back as the one it was.
        let back = place.addresses(file(&[HOUSE, other, third])).await.unwrap();
        assert_eq!((back.added, back.changed, back.unchanged, back.vanished), (0, 2, 1, 1));
        assert_eq!(place.register().await[2], before[2]);
        let mut tx = place.db.read().await.unwrap();
        let doors: i64 = tx.one("SELECT COUNT(*) FROM unit", args![]).await.unwrap().unwrap().get(0).unwrap();
        assert_eq!(doors, 4, "one for each entrance, none for a second import");
    }
}

#[tokio::test]
async fn a_wish_for_quiet_survives_an_import() {
    for engine in Engine::BOTH {
        let mut place = Place::new(engine).await;
        place.addresses(file(&[HOUSE])).await.unwrap();
        let id = place.register().await[0].id;
        let mut tx = place.db.begin().await.unwrap();
        visit::set_quiet(&mut tx, &HashSet::new(), &HashSet::from([id]), true).await.unwrap();
        tx.commit().await.unwrap();
        place.addresses(file(&[Row { number: "8", ..HOUSE }])).await.unwrap();
        let mut tx = place.db.read().await.unwrap();
        let found = entrance::find(&mut tx, id).await.unwrap().unwrap();
        assert_eq!((found.number, found.do_not_knock), (8, true));
    }
}

#[tokio::test]
async fn a_dry_run_reports_the_same_and_writes_nothing() {
    for engine in Engine::BOTH {
        let mut place = Place::new(engine).await;
        let rows = file(&[HOUSE, Row { id: "1002", number: "x", ..HOUSE }]);
        let dry = place.addresses_with(&rows, AddressOptions { dry_run: true, ..AddressOptions::default() }).await.unwrap();
        assert!(place.register().await.is_empty());
        let real = place.addresses(&rows).await.unwrap();
        assert_eq!(dry, Report { dry_run: true, ..real });

        let options = DistrictOptions { dry_run: true, ..DistrictOptions::default() };
        let outlines = collection(&[square("\"01\"", "Øst", 10.7, 59.9)]);
        let dry = place.districts(&outlines, &options).await.unwrap();
        assert_eq!((dry.added, dry.entrances_moved), (1, 1));
        assert!(district::all(&mut place.db.read().await.unwrap()).await.unwrap().is_empty());
        let real = place.districts(&outlines, &DistrictOptions::default()).await.unwrap();
        assert_eq!(dry, DistrictReport { dry_run: true, ..real });
    }
}

#[tokio::test]
async fn each_wrong_row_is_refused_alone_with_line_field_and_reason() {
    let mut place = Place::new(Engine::Sqlite).await;
    let cases = [
        (Row { id: "", ..HOUSE }, "lokalid", Reason::MissingId),
        (HOUSE, "lokalid", Reason::RepeatedId),
        (Row { id: "2", street: "", ..HOUSE }, "adressenavn", Reason::MissingStreet),
        (Row { id: "3", kind: "matrikkeladresse", street: "", text: "", ..HOUSE }, "adressenavn", Reason::MissingStreet),
        (Row { id: "4", number: "", ..HOUSE }, "nummer", Reason::BadNumber),
        (Row { id: "5", number: "sju", ..HOUSE }, "nummer", Reason::BadNumber),
        (Row { id: "6", number: "-7", ..HOUSE }, "nummer", Reason::BadNumber),
        (Row { id: "7", epsg: "", ..HOUSE }, "EPSG-kode", Reason::UnknownEpsg),
        (Row { id: "8", epsg: "3857", ..HOUSE }, "EPSG-kode", Reason::UnknownEpsg),
        (Row { id: "9", north: "", ..HOUSE }, "Nord", Reason::BadCoordinate),
        (Row { id: "10", north: "NaN", ..HOUSE }, "Nord", Reason::BadCoordinate),
        (Row { id: "11", east: "ti", ..HOUSE }, "Øst", Reason::BadCoordinate),
        (Row { id: "12", north: "10.77", east: "59.91", ..HOUSE }, "Nord", Reason::OutsideNorway),
        (Row { id: "13", epsg: "25833", ..HOUSE }, "Nord", Reason::OutsideNorway),
        (Row { id: "14", north: "1e300", ..HOUSE }, "Nord", Reason::OutsideNorway),
    ];
    let rows: Vec<Row> = std::iter::once(HOUSE).chain(cases.iter().map(|(row, ..)| row.clone())).collect();
    let mut bytes = file(&rows).into_bytes();
    bytes.extend_from_slice(b"9000;9999;for f\xe5 felt\r\n");
    bytes.extend_from_slice(b"9001;9999;for faa felt\r\n");
    bytes.extend_from_slice(Row { id: "15", ..HOUSE }.line().replacen("9999", "Prøve", 1).as_bytes());
    bytes.extend_from_slice(b"\r\n");
    let report = place.addresses(&bytes).await.unwrap();
    assert_eq!((report.rows, report.added), (rows.len() + 3, 1));
    let found: Vec<(u64, &str, Reason)> = report.refused.iter().map(|refused| (refused.line, refused.field, refused.reason)).collect();
    let mut expected: Vec<(u64, &str, Reason)> = (3..).zip(&cases).map(|(line, (_, field, reason))| (line, *field, *reason)).collect();
    let next = expected.len() as u64 + 3;
    expected.push((next, "the row", Reason::NotUtf8));
    expected.push((next + 1, "the row", Reason::FieldCount));
    expected.push((next + 2, "kommunenummer", Reason::BadMunicipality));
    assert_eq!(found, expected);
    let text = report.to_string();
    assert!(text.contains("line 3, lokalid: no id") && text.contains("18  rows refused"), "{text}");
}

#[tokio::test]
async fn a_row_that_became_unreadable_did_not_vanish() {
    let mut place = Place::new(Engine::Sqlite).await;
    let other = Row { id: "1002", ..HOUSE };
    place.addresses(file(&[HOUSE, other.clone()])).await.unwrap();
    let report = place.addresses(file(&[HOUSE, Row { north: "?", ..other }])).await.unwrap();
    assert_eq!((report.unchanged, report.vanished, report.refused.len()), (1, 0, 1));
    // One byte that is not UTF-8, in a field that says nothing of which address it is.
    let mut bytes = file(&[HOUSE, Row { id: "1002", street: "Rognegat\u{1}", ..HOUSE }]).into_bytes();
    bytes.iter_mut().filter(|byte| **byte == 1).for_each(|byte| *byte = 0xe6);
    let report = place.addresses(bytes).await.unwrap();
    assert_eq!((report.unchanged, report.vanished, report.refused.len()), (1, 0, 1), "{report}");
}

#[tokio::test]
async fn quirks_of_real_files_are_tolerated() {
    let mut place = Place::new(Engine::Sqlite).await;
    // Other column order, no BOM, no optional columns, Unix line ends, decimal commas, a prefix, zeros lost in a
    // spreadsheet, spaces, quotes.
    let text = "Øst;Nord;EPSG-kode;poststed;postnummer;adresseTekst;bokstav;nummer;adressenavn;kommunenummer;adresseId\n\
        10,77;59,91;EPSG:4326;OSLO;184;Rognegata 7; a ; 7 ;\"Rogne;gata\";301;77\n";
    let report = place.addresses(text).await.unwrap();
    assert_eq!((report.added, report.refused.len()), (1, 0), "{report}");
    let mut tx = place.db.read().await.unwrap();
    let register = entrance::registered_in(&mut tx, "kartverket", &["0301".to_owned()]).await.unwrap();
    assert_eq!(
        (register[0].street.as_str(), register[0].letter.as_str(), register[0].postcode.as_str(), register[0].at.lat),
        ("Rogne;gata", "A", "0184", 59.91)
    );
}

#[tokio::test]
async fn an_address_without_a_street_is_imported_under_its_text() {
    let mut place = Place::new(Engine::Sqlite).await;
    let parcel = Row { kind: "matrikkeladresse", street: "", number: "", text: "Solbakken, 38/5", ..HOUSE };
    place.addresses(file(&[parcel])).await.unwrap();
    let register = place.register().await;
    assert_eq!((register[0].street.as_str(), register[0].number), ("Solbakken, 38/5", 0));
}

#[tokio::test]
async fn every_published_coordinate_system_gives_the_same_place() {
    let mut place = Place::new(Engine::Sqlite).await;
    // The same point, 59.91 N 10.77 E, in the three zones, by the series of Krüger.
    let rows = [
        HOUSE,
        Row { id: "2", epsg: "4326", ..HOUSE },
        Row { id: "3", epsg: "25832", north: "6642711.242", east: "598986.701", ..HOUSE },
        Row { id: "4", epsg: "25833", north: "6648946.093", east: "263526.789", ..HOUSE },
        Row { id: "5", epsg: "25835", north: "6752995.117", east: "-401575.215", ..HOUSE },
    ];
    let report = place.addresses(file(&rows)).await.unwrap();
    assert_eq!(report.added, 5, "{report}");
    for found in place.register().await {
        assert!((found.at.lat - 59.91).abs() < 2e-7 && (found.at.lon - 10.77).abs() < 4e-7, "{found:?}");
    }
}

#[tokio::test]
async fn a_wrong_file_is_refused_whole_and_changes_nothing() {
    let mut place = Place::new(Engine::Sqlite).await;
    place.addresses(file(&[HOUSE])).await.unwrap();
    let before = place.register().await;
    let good = file(&[HOUSE]);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(good.trim_start_matches('\u{feff}').encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let bare_utf16: Vec<u8> = "lokalid;kommunenummer;adressenavn".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin1: Vec<u8> = good.chars().skip(1).map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let flats = HEADER.replace("undernummer;", "undernummer;bruksenhetsnummer;");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("an empty file", Vec::new()),
        ("an empty file", "\u{feff}\r\n ".into()),
        ("a header and no row", format!("{HEADER}\r\n").into()),
        ("none of which can be used", file(&[Row { number: "x", ..HOUSE }]).into()),
        ("without Nord, Øst", good.replace(";Nord;Øst;", ";Breidde;Lengde;").into()),
        ("divided by commas", good.replace(';', ",").into()),
        ("divided by tabs", good.replace(';', "\t").into()),
        ("UTF-16", utf16),
        ("UTF-16", bare_utf16),
        ("Latin-1", latin1),
        ("HTML", "<!DOCTYPE html><html><title>503 Service Unavailable</title></html>".into()),
        ("HTML", "\n\n<html lang=\"nb\"><body>Logg inn</body></html>".into()),
        ("XML", "<?xml version=\"1.0\"?><gml:FeatureCollection/>".into()),
        ("JSON", "{\"error\": \"not found\"}".into()),
        ("zip", b"PK\x03\x04\x14\x00\x00\x00".to_vec()),
        ("gzip", b"\x1f\x8b\x08\x00".to_vec()),
        ("not text", b"lokalid;kommunenummer\x00;adressenavn;nummer;bokstav".to_vec()),
        ("a header and no row", format!("{flats}\r\n").into()),
        ("without adresseId", good.replace("undernummer;", "undernummer;bruksenhetsnummer;").replace("adresseId;", "").into()),
        ("without lokalid", "helt;andre;kolonner;her\n1;2;3;4\n".into()),
    ];
    for (found, bytes) in cases {
        let error = place.addresses(&bytes).await.expect_err(found);
        assert!(matches!(error, ImportError::WrongFile(_)), "{found}: {error:?}");
        let text = error.to_string();
        assert!(text.contains(found) && text.contains("Expected:") && text.contains("To do:"), "{found}: {text}");
    }
    let missing = addresses(&place.db, &place.dir.path().join("nowhere.csv"), &AddressOptions::default(), 0, &mut Uuid::nil).await;
    assert!(matches!(missing, Err(ImportError::Read { .. })));
    assert_eq!(place.register().await, before);
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_refused_unless_it_is_meant() {
    let mut place = Place::new(Engine::Sqlite).await;
    let ids: Vec<String> = (0..400).map(|i| format!("5{i:04}")).collect();
    let rows: Vec<Row> = ids.iter().map(|id| Row { id: Box::leak(id.clone().into_boxed_str()), ..HOUSE }).collect();
    place.addresses(file(&rows)).await.unwrap();
    let error = place.addresses(file(&rows[..200])).await.expect_err("half of it is missing");
    assert!(error.to_string().contains("200 of the 400"), "{error}");
    assert!(place.register().await.iter().all(|r| !r.vanished));
    let meant = AddressOptions { accept_many_vanished: true, ..AddressOptions::default() };
    assert_eq!(place.addresses_with(file(&rows[..200]), meant).await.unwrap().vanished, 200);
}

#[tokio::test]
async fn half_of_a_small_municipality_vanished_unseen_beside_a_large_one() {
    let mut place = Place::new(Engine::Sqlite).await;
    let ids: Vec<&'static str> = (0..2_400).map(|i| &*Box::leak(format!("5{i:04}").into_boxed_str())).collect();
    let of = |ids: &[&'static str]| file(&ids.iter().map(|id| Row { id, ..HOUSE }).collect::<Vec<_>>());
    let rows = |small: &[&'static str]| of(small) + of(&ids[400..]).replace(";9999;", ";9998;").split_once("\r\n").unwrap().1;
    place.addresses(rows(&ids[..400])).await.unwrap();
    let error = place.addresses(rows(&ids[..200])).await.expect_err("half of one is missing");
    assert!(error.to_string().contains("200 of the 400 addresses that are known in 9999"), "{error}");
    assert_eq!(place.addresses(rows(&ids[..330])).await.unwrap().vanished, 70);
}

#[tokio::test]
async fn an_import_that_stops_in_the_middle_leaves_the_old_register() {
    let mut place = Place::new(Engine::Sqlite).await;
    place.addresses(file(&[HOUSE])).await.unwrap();
    let before = place.register().await;
    let mut tx = place.db.begin().await.unwrap();
    tx.execute("CREATE TRIGGER full BEFORE INSERT ON unit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END", args![]).await.unwrap();
    tx.commit().await.unwrap();
    let error = place.addresses(file(&[Row { number: "8", ..HOUSE }, Row { id: "1002", ..HOUSE }])).await.expect_err("the disk is full");
    assert!(matches!(error, ImportError::Store(_)) && error.to_string().contains("nothing was changed"), "{error}");
    assert_eq!(place.register().await, before);
}

#[tokio::test]
async fn another_municipality_does_not_make_the_first_vanish_and_a_merger_keeps_ids() {
    let mut place = Place::new(Engine::Sqlite).await;
    place.addresses(file(&[HOUSE])).await.unwrap();
    let id = place.register().await[0].id;
    let other = file(&[Row { id: "8001", ..HOUSE }]).replace(";9999;", ";9998;");
    assert_eq!(place.addresses(&other).await.unwrap().vanished, 0);
    // The municipality gets another number: the same addresses, the same ids.
    let merged = file(&[HOUSE, Row { id: "8001", ..HOUSE }]).replace(";9999;", ";9998;");
    let report = place.addresses(&merged).await.unwrap();
    assert_eq!((report.added, report.changed, report.unchanged), (0, 1, 1));
    let mut tx = place.db.read().await.unwrap();
    assert_eq!(entrance::registered_as(&mut tx, "kartverket", &["1001"]).await.unwrap()[0].id, id);
}

#[tokio::test]
async fn a_demo_takes_no_real_data() {
    for engine in Engine::BOTH {
        let mut place = Place::new(engine).await;
        let mut tx = place.db.begin().await.unwrap();
        stamp::set_demo(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(place.addresses(file(&[HOUSE])).await, Err(ImportError::Demo)));
        let outlines = collection(&[square("\"01\"", "Øst", 10.7, 59.9)]);
        assert!(matches!(place.districts(outlines, &DistrictOptions::default()).await, Err(ImportError::Demo)));
        assert!(place.register().await.is_empty());
    }
}

#[tokio::test]
async fn addresses_get_the_district_that_they_lie_in() {
    for engine in Engine::BOTH {
        let mut place = Place::new(engine).await;
        let outlines = collection(&[square("1", "Øst", 10.7, 59.9), square("\"02\"", "Vest", 10.6, 59.9)]);
        let report = place.districts(&outlines, &DistrictOptions::default()).await.unwrap();
        assert_eq!((report.added, report.changed, report.unchanged), (2, 0, 0));
        let rows = [
            HOUSE,
            Row { id: "1002", east: "10.65", ..HOUSE },
            Row { id: "1003", east: "10.70", ..HOUSE },
            Row { id: "1004", east: "11.70", ..HOUSE },
        ];
        let report = place.addresses(file(&rows)).await.unwrap();
        assert_eq!((report.without_district, report.no_districts), (1, false));
        let found: Vec<Option<String>> = place.register().await.into_iter().map(|r| r.district).collect();
        // On a shared border the lower number wins.
        assert_eq!(found, [Some("01".into()), Some("02".into()), Some("01".into()), None]);

        // The table of units goes before the outlines, and moves what is there already.
        let table = place.write("units.csv", "grunnkretsnummer,bydelnr,bydel\n99990101,03,Nord\n");
        let options = DistrictOptions { grunnkretser: Some(table), joins: vec![("03".into(), "02".into())], ..DistrictOptions::default() };
        let report = place.districts(&outlines, &options).await.unwrap();
        assert_eq!((report.added, report.unchanged, report.entrances_moved, report.grunnkretser), (1, 2, 4, 1));
        assert_eq!(
            (report.without_outline.as_slice(), report.joined.as_slice()),
            (["03".to_owned()].as_slice(), [("03".into(), "02".into())].as_slice())
        );
        let mut tx = place.db.read().await.unwrap();
        let north = district::find(&mut tx, "03").await.unwrap().unwrap();
        assert_eq!((north.name.as_str(), north.area.as_str()), ("Nord", "02"));
        assert_eq!(entrance::of_district(&mut tx, "03").await.unwrap().len(), 4);
        drop(tx);
        assert_eq!(place.addresses(file(&rows)).await.unwrap().unchanged, 4);

        // A newer table without the unit gives it back to the outlines.
        let table = place.write("units.csv", "\u{feff}bydelnr;grunnkretsnummer\r\n3;99990102\r\n");
        let options = DistrictOptions { grunnkretser: Some(table), ..options };
        assert_eq!(place.districts(&outlines, &options).await.unwrap().entrances_moved, 4);
        let renamed = collection(&[square("1", "Aust", 10.7, 59.9)]);
        let report = place.districts(&renamed, &options).await.unwrap();
        assert_eq!((report.added, report.changed, report.unchanged), (0, 1, 2));
        let mut tx = place.db.read().await.unwrap();
        assert_eq!(district::find(&mut tx, "01").await.unwrap().unwrap().version, 2);
    }
}

#[tokio::test]
async fn the_table_of_units_could_not_come_alone() {
    for engine in Engine::BOTH {
        let mut place = Place::new(engine).await;
        place.districts(collection(&[square("1", "Øst", 10.7, 59.9)]), &DistrictOptions::default()).await.unwrap();
        place.addresses(file(&[HOUSE, Row { id: "1002", grunnkrets: "99990102", ..HOUSE }])).await.unwrap();
        let table = place.write("units.csv", "grunnkretsnummer,bydelnr,bydel\n99990101,02,Nord\n");
        let options = DistrictOptions { grunnkretser: Some(table), ..DistrictOptions::default() };
        let tried = districts_by_table(&place.db, &DistrictOptions { dry_run: true, ..options.clone() }, 2_000).await.unwrap();
        let report = districts_by_table(&place.db, &options, 2_000).await.unwrap();
        assert_eq!(tried, DistrictReport { dry_run: true, ..report.clone() });
        assert_eq!((report.added, report.changed, report.unchanged, report.entrances_moved, report.grunnkretser), (1, 0, 1, 1, 1), "{report}");
        let found: Vec<Option<String>> = place.register().await.into_iter().map(|r| r.district).collect();
        assert_eq!(found, [Some("02".into()), Some("01".into())], "the outline that is known holds where the table says nothing");
        let mut tx = place.db.read().await.unwrap();
        assert_eq!(district::boundaries(&mut tx).await.unwrap().len(), 1);
    }
}

#[test]
fn a_command_without_a_file_of_districts_needs_the_table() {
    let folder = TempDir::new().unwrap();
    write_site(&folder.path().join("site"));
    let place = crate::process::Place::new(folder.path());
    fs::write(folder.path().join("units.csv"), "grunnkretsnummer,bydelnr,bydel\n99990101,02,Nord\n").unwrap();
    let said = place.done(&["import", "districts", "--grunnkretser", "units.csv"]);
    assert!(said.contains("Districts: imported") && said.contains("1  basic statistical units"), "{said}");
    assert!(place.refused(&["import", "districts"]).contains("required"));
}

#[tokio::test]
async fn sentrum_and_marka_are_counted_with_their_neighbours() {
    let place = Place::new(Engine::Sqlite).await;
    let districts =
        [("04", "St. Hanshaugen", 10.3), ("08", "Nordre Aker", 10.5), ("16", "Sentrum", 10.7), ("17", "Marka", 10.9), ("17", "Marka", 11.1)];
    let outlines: Vec<String> = districts.iter().map(|(n, name, west)| square(&format!("\"{n}\""), name, *west, 59.9)).collect();
    place.districts(collection(&outlines), &DistrictOptions::default()).await.unwrap();
    let mut tx = place.db.read().await.unwrap();
    let areas: Vec<(String, String)> = district::all(&mut tx).await.unwrap().into_iter().map(|d| (d.number, d.area)).collect();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(areas, [pair("04", "04"), pair("08", "08"), pair("16", "04"), pair("17", "08")]);
}

#[tokio::test]
async fn a_wrong_file_of_districts_is_refused_whole() {
    let place = Place::new(Engine::Sqlite).await;
    let good = square("\"01\"", "Øst", 10.7, 59.9);
    let one = |feature: String| collection(&[feature]);
    let cases: Vec<(&str, String)> = vec![
        ("an empty file", String::new()),
        ("HTML", "<!doctype html><html></html>".into()),
        ("not JSON", "lokalid;kommunenummer".into()),
        ("cut off", collection(std::slice::from_ref(&good))[..90].into()),
        ("not a FeatureCollection", good.clone()),
        ("without features", collection(&[])),
        ("feature 2: the number of an earlier feature", collection(&[good.clone(), square("\"01\"", "Vest", 10.5, 59.9)])),
        ("no property for the number; say which it is: --number NAME. There are: kode (01); name (Øst)", one(good.replace("\"id\"", "\"kode\""))),
        ("feature 1: no property for its name", one(good.replace("\"name\"", "\"tittel\""))),
        ("no property for the number", one(good.replace("\"01\"", "\"Gamle Oslo bydel\""))),
        ("feature 2: a number that is not one, \"bydel nr. 2\"", collection(&[good.clone(), square("\"bydel nr. 2\"", "Vest", 10.5, 59.9)])),
        ("feature 1: a geometry that is neither", one(good.replace("Polygon", "LineString").replace("[[[", "[[").replace("]]]", "]]"))),
        ("feature 1: latitude before longitude", one(square("1", "Øst", 59.9, 10.7))),
        ("feature 1: coordinates in metres", one(square("1", "Øst", 263_445.0, 6_649_249.0))),
        ("feature 1: a corner outside Norway", one(square("1", "Øst", 2.3, 48.8))),
        (
            "feature 1: an outline of fewer than three corners",
            one("{\"type\":\"Feature\",\"properties\":{\"id\":1,\"name\":\"x\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[10.7,59.9],[10.8,59.9]]]}}".into()),
        ),
        ("feature 1: no geometry", one("{\"type\":\"Feature\",\"properties\":{\"id\":1,\"name\":\"x\"},\"geometry\":null}".into())),
    ];
    for (found, bytes) in cases {
        let error = place.districts(&bytes, &DistrictOptions::default()).await.expect_err(found);
        assert!(matches!(error, ImportError::WrongFile(_)) && error.to_string().contains(found), "{found}: {error}");
    }
    let tables = [
        ("an empty file", ""),
        ("the columns a, b", "a,b\n1,2\n"),
        ("a header and no row", "grunnkretsnummer,bydelnr\n"),
        ("line 2, whose grunnkretsnummer", "grunnkretsnummer,bydelnr\n12,01\n"),
        ("line 2, whose bydelnr", "grunnkretsnummer,bydelnr\n99990101,Gamle Oslo\n"),
        ("line 3, which has more or fewer", "grunnkretsnummer,bydelnr\n99990101,01\n99990102\n"),
        ("line 3, which puts a unit", "grunnkretsnummer,bydelnr\n99990101,01\n99990101,02\n"),
    ];
    for (found, text) in tables {
        let options = DistrictOptions { grunnkretser: Some(place.write("units.csv", text)), ..DistrictOptions::default() };
        let error = place.districts(collection(std::slice::from_ref(&good)), &options).await.expect_err(found);
        assert!(error.to_string().contains(found), "{found}: {error}");
    }
    assert!(district::all(&mut place.db.read().await.unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_properties_of_a_file_can_be_told() {
    let place = Place::new(Engine::Sqlite).await;
    let feature = square("\"x1\"", "Øst", 10.7, 59.9).replace("\"id\"", "\"kode\"").replace("\"name\"", "\"tittel\"");
    let options = DistrictOptions { number_property: Some("kode".into()), name_property: Some("Tittel".into()), ..DistrictOptions::default() };
    place.districts(collection(&[feature]), &options).await.unwrap();
    let mut tx = place.db.read().await.unwrap();
    assert_eq!(district::find(&mut tx, "x1").await.unwrap().unwrap().name, "Øst");
}

#[tokio::test]
async fn a_file_that_was_cut_off_in_the_middle_of_a_line_is_not_taken() {
    let mut place = Place::new(Engine::Sqlite).await;
    let whole = file(&[HOUSE, Row { id: "1002", number: "9", ..HOUSE }]);
    for cut in [1, 3, 40, 200] {
        let refused = place.addresses(&whole[..whole.len() - cut]).await.unwrap_err().to_string();
        // Between CR and LF nothing is missing but the line's end; whoever cannot tell asks.
        assert!(refused.contains("cut off") && refused.contains("nothing was changed"), "{cut}: {refused}");
    }
    assert!(place.register().await.is_empty());
    assert_eq!(place.addresses(whole).await.unwrap().added, 2);
}

#[tokio::test]
async fn districts_that_are_replaced_go_unless_something_hangs_on_them() {
    for engine in Engine::BOTH {
        let mut place = Place::new(engine).await;
        place.addresses(file(&[HOUSE])).await.unwrap();
        let both = collection(&[square("1", "Nord", 10.7, 59.85), square("2", "Sør", 11.0, 59.85)]);
        let plain = DistrictOptions::default();
        assert_eq!(place.districts(&both, &plain).await.unwrap().added, 2);
        let other = collection(&[square("3", "Ny", 10.7, 59.85)]);
        let replace = DistrictOptions { replace: true, ..DistrictOptions::default() };
        let tried = place.districts(&other, &DistrictOptions { dry_run: true, ..replace.clone() }).await.unwrap();
        assert_eq!(tried.removed.len(), 2);
        assert_eq!(district::all(&mut place.db.read().await.unwrap()).await.unwrap().len(), 2);
        let mut tx = place.db.begin().await.unwrap();
        let known = district::all(&mut tx).await.unwrap();
        let branch =
            dorbank_shared::district::Branch { id: Uuid::from_u128(9), name: "Laget".into(), districts: vec![known[1].number.clone()], version: 1 };
        dorbank_server::store::branch::insert(&mut tx, &[branch]).await.unwrap();
        tx.commit().await.unwrap();
        let refused = place.districts(&other, &replace).await.unwrap_err().to_string();
        assert!(refused.contains(&known[1].number) && !refused.contains(&format!(" {},", known[0].number)), "{refused}");
        // With what hangs on it in the file, the other goes, and its entrances are placed anew.
        let kept = collection(&[square("2", "Sør", 11.0, 59.85), square("3", "Ny", 10.7, 59.85)]);
        let report = place.districts(&kept, &replace).await.unwrap();
        assert_eq!((report.removed.len(), report.added, report.entrances_moved), (1, 1, 1));
        let names: Vec<String> = district::all(&mut place.db.read().await.unwrap()).await.unwrap().into_iter().map(|d| d.name).collect();
        assert_eq!(names, ["Sør", "Ny"]);
    }
}
