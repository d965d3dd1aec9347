//! A file as it was downloaded: the CSV, or the zip around it; and every zip that is not one to take.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use dorbank_server::{
    import::{AddressOptions, ImportError, Report, Source, WrongFile, addresses},
    store::{Db, entrance},
};
use dorbank_tests::{Engine, database};
use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;
use zip::CompressionMethod;

use super::packed;

fn write(folder: &Path, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join("file");
    fs::write(&path, bytes).unwrap();
    path
}

/// Reads a file to its end, as an import does.
fn read(path: &Path) -> Result<Vec<u8>, ImportError> {
    let mut source = Source::open(path)?;
    let mut all = Vec::new();
    source.read_to_end(&mut all).map_err(|error| ImportError::read(path, error))?;
    // Nothing comes after the end.
    assert_eq!(source.read(&mut [0; 8]).unwrap(), 0);
    Ok(all)
}

/// Why a file is refused.
fn wrong(bytes: impl AsRef<[u8]>) -> WrongFile {
    let folder = TempDir::new().unwrap();
    match read(&write(folder.path(), bytes)).expect_err("it is refused") {
        ImportError::WrongFile(wrong) => wrong,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_csv_and_a_zip_around_it_read_alike() {
    let folder = TempDir::new().unwrap();
    let csv = packed::addresses("0301", 500);
    let plain = write(folder.path(), &csv);
    assert_eq!(Source::open(&plain).unwrap().bytes_total(), Some(csv.len() as u64));
    assert_eq!(read(&plain).unwrap(), csv.as_bytes());
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        for name in ["a.csv", "Basisdata_0301_Oslo_4258/matrikkelenAdresse.csv", "a/b/c/FILE.CSV", "a\\b.csv", "blåbær/æøå.csv"] {
            let path = write(folder.path(), packed::zip_by(&[(name, csv.as_bytes())], method));
            assert_eq!(Source::open(&path).unwrap().bytes_total(), Some(csv.len() as u64), "{name}");
            assert_eq!(read(&path).unwrap(), csv.as_bytes(), "{name} {method:?}");
        }
    }
    // What else may lie beside it: folders, a note, and what a Mac adds when somebody packs the file again.
    let beside: [(&str, &[u8]); 5] = [
        ("map/", b""),
        ("map/file.csv", csv.as_bytes()),
        ("map/lesmeg.txt", b"Hei"),
        ("__MACOSX/map/._file.csv", b"mac"),
        ("map/._file.csv", b"mac"),
    ];
    assert_eq!(read(&write(folder.path(), packed::zip(&beside))).unwrap(), csv.as_bytes());
    // Nothing was written beside it either.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    // A file shorter than a zip's mark, and none.
    assert_eq!(read(&write(folder.path(), "PK")).unwrap(), b"PK");
    assert!(matches!(Source::open(&folder.path().join("nowhere.zip")), Err(ImportError::Read { .. })));
}

#[test]
fn a_zip_that_is_not_one_csv_is_refused_with_what_was_found() {
    let csv = packed::addresses("0301", 50);
    let one: (&str, &[u8]) = ("a/matrikkelenAdresse.csv", csv.as_bytes());
    let found = |files: &[(&str, &[u8])]| wrong(packed::zip(files)).found;
    assert_eq!(found(&[]), "a zip archive with nothing in it");
    assert_eq!(found(&[("a/", b"")]), "a zip archive with nothing in it");
    assert_eq!(found(&[("a/kart.gml", b"<gml/>"), ("a/lesmeg.txt", b"")]), "a zip archive without a CSV file; in it: a/kart.gml, a/lesmeg.txt");
    assert_eq!(found(&[one, ("b.csv", b"x")]), "a zip archive with 2 CSV files: a/matrikkelenAdresse.csv, b.csv");
    let many: Vec<String> = (0..40).map(|i| format!("{i}.csv")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    assert_eq!(found(&many), "a zip archive with 40 CSV files: 0.csv, 1.csv, 2.csv, 3.csv, 4.csv and 35 more");
    // A name cannot steer the terminal that it is shown on.
    let shown = found(&[("\u{1b}[2J\u{7}.txt", b"")]);
    assert!(shown.ends_with("?[2J?.txt"), "{shown:?}");

    let zip = packed::zip(&[one]);
    let refused = wrong(packed::claiming(zip.clone(), None, None, Some(1)));
    assert_eq!((refused.found.as_str(), refused.to_do.as_str()), ("a zip archive with a password", "unpack it and give the .csv file inside"));
    let mut rare = zip.clone();
    let at = memchr::memmem::rfind(&rare, b"PK\x01\x02").unwrap() + 10;
    rare[at..at + 2].copy_from_slice(&12u16.to_le_bytes());
    assert!(wrong(rare).found.contains("packed in a rare way"));
}

#[test]
fn a_zip_that_would_fill_the_machine_is_refused_before_it_is_unpacked() {
    let bytes = vec![b'a'; 3 << 20];
    let found = wrong(packed::zip(&[("a.csv", &bytes)])).found;
    assert!(found.contains("claims to hold 3145728") && found.contains("made to fill a machine"), "{found}");
    // A directory may claim anything: more than there is, and more than any address file has.
    let zip = packed::zip(&[("a.csv", packed::addresses("0301", 100).as_bytes())]);
    assert!(wrong(packed::claiming(zip.clone(), None, Some(u32::MAX - 1), None)).found.contains("made to fill a machine"));
    assert_eq!(wrong(packed::claiming(zip, Some(u32::MAX - 1), Some(u32::MAX - 1), None)).found, "a zip archive that is damaged");
}

#[test]
fn a_zip_that_holds_other_than_it_says_is_refused_at_its_end() {
    let csv = packed::addresses("0301", 100);
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        let zip = packed::zip_by(&[("a.csv", csv.as_bytes())], method);
        let length = u32::try_from(csv.len()).unwrap();
        assert!(wrong(packed::summing_to_another(zip.clone())).found.contains("CRC-32"), "{method:?}");
        assert!(wrong(packed::claiming(zip.clone(), None, Some(length + 1), None)).found.contains("CRC-32"), "{method:?}");
        assert!(wrong(packed::claiming(zip.clone(), None, Some(length - 1), None)).found.contains("more than it says"), "{method:?}");
        let refused = wrong(&zip[..zip.len() / 2]);
        assert_eq!((refused.found.as_str(), refused.to_do.contains("download the file again")), ("a zip archive that is damaged", true));
    }
}

#[test]
fn after_a_damage_no_byte_is_given_any_more() {
    let folder = TempDir::new().unwrap();
    let csv = packed::addresses("0301", 3_000);
    let mut zip = packed::zip(&[("a.csv", csv.as_bytes())]);
    let middle = packed::data_start(&zip) + zip.len() / 2;
    zip[middle..middle + 64].fill(0xff);
    let mut source = Source::open(&write(folder.path(), zip)).unwrap();
    let mut given = Vec::new();
    assert!(source.read_to_end(&mut given).is_err());
    assert!(given.len() < csv.len());
    for _ in 0..3 {
        assert!(source.read(&mut [0; 64]).is_err(), "an end would be taken for the file's");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_zip_with_any_byte_changed_gives_the_same_or_an_error(at in 0usize..1_000_000, to in any::<u8>(), cut in any::<bool>()) {
        let csv = packed::addresses("0301", 60);
        let mut zip = packed::zip(&[("Basisdata_0301_Oslo_4258/matrikkelenAdresse.csv", csv.as_bytes())]);
        let at = at % zip.len();
        if cut {
            zip.truncate(at);
        } else {
            zip[at] = to;
        }
        let folder = TempDir::new().unwrap();
        // A file that no longer begins as a zip is no zip; what is in it is for its reader to say.
        if zip.starts_with(b"PK") && zip.len() > 3 && (zip[2], zip[3]) == (3, 4) {
            match read(&write(folder.path(), &zip)) {
                Ok(all) => prop_assert_eq!(all, csv.as_bytes()),
                Err(ImportError::WrongFile(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

async fn import(db: &Db, path: &Path) -> Result<Report, ImportError> {
    addresses(db, path, &AddressOptions::default(), 1_000, &mut Uuid::new_v4).await
}

#[tokio::test]
async fn a_zip_is_imported_as_the_file_inside_and_a_damaged_one_changes_nothing() {
    for engine in Engine::BOTH {
        let folder = TempDir::new().unwrap();
        let db = Db::open(&database(engine, folder.path()).await).await.unwrap();
        let count = async || entrance::count(&mut db.read().await.unwrap()).await.unwrap();
        let zip = packed::published("Basisdata_0301_Oslo_4258_MatrikkelenAdresse_CSV.zip", &packed::addresses("0301", 300));

        // Damaged at its very end: every row has been read by then.
        let refused = import(&db, &write(folder.path(), packed::summing_to_another(zip.clone()))).await.expect_err("it is damaged");
        assert!(matches!(refused, ImportError::WrongFile(_)) && refused.to_string().contains("nothing was changed"), "{refused}");
        assert_eq!(count().await, 0);

        let path = write(folder.path(), &zip);
        let report = import(&db, &path).await.unwrap();
        assert_eq!((report.rows, report.added, report.refused.len()), (300, 300, 0));
        assert_eq!(count().await, 300);
        // The same unpacked is the same.
        let report = import(&db, &write(folder.path(), packed::addresses("0301", 300))).await.unwrap();
        assert_eq!((report.added, report.unchanged), (0, 300));

        let inner = packed::zip(&[("b.csv", &zip)]);
        let refused = import(&db, &write(folder.path(), inner)).await.expect_err("a zip in a zip").to_string();
        assert!(refused.contains("a zip archive inside another"), "{refused}");
    }
}
