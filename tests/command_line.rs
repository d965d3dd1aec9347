//! What a person at the keyboard is told.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use dorbank_tests::write_site;

use crate::process::Place;

fn place() -> (tempfile::TempDir, Place) {
    let folder = tempfile::tempdir().unwrap();
    write_site(&folder.path().join("site"));
    let place = Place::new(folder.path());
    (folder, place)
}

const ROUND: [&str; 8] = ["round", "make", "--name", "høst 2026", "--opens", "2026-09-01", "--closes", "2026-12-15"];

#[test]
fn a_reader_that_has_seen_enough_ends_a_command_without_a_word() {
    let (folder, place) = place();
    place.done(&["officer", "list"]);
    // The command waits for its codebook until nobody reads what it says any more.
    let book = folder.path().join("codebook.csv");
    assert!(Command::new("mkfifo").arg(&book).status().unwrap().success());
    let mut command = place.command(&[&ROUND[..], &["--codebook", "codebook.csv"]].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("running") {
        line.clear();
        out.read_line(&mut line).unwrap();
    }
    drop(out);
    std::fs::OpenOptions::new().write(true).open(&book).unwrap().write_all(b"nb,nn,en\nBuss,Buss,Bus\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(place.done(&["round", "list"]).contains("høst 2026"), "what it did is done");
}

#[test]
fn an_error_is_said_once_with_what_to_do() {
    let (folder, place) = place();
    let said = place.done(&["officer", "list"]);
    assert!(said.contains("dorbank officer add"), "{said}");
    let link = place.done(&["officer", "add", "--name", "Kari", "--email", "kari@example.no", "--role", "county"]);
    assert!(link.contains("http://127.0.0.1:8080/") && link.contains("--public-url"), "{link}");
    let link = place.done(&["officer", "link", "kari@example.no", "--public-url", "https://dorbank.example.no"]);
    assert!(link.contains("https://dorbank.example.no/") && !link.contains("--public-url"), "{link}");

    place.done(&ROUND);
    let cases: [(&[&str], &str); 5] = [
        (&ROUND, "already; give this one another name"),
        (
            &["round", "make", "--name", "x", "--opens", "1.9.2026", "--closes", "2026-12-15"],
            "1.9.2026 is not a date; write year, month and day, as 2026-09-01",
        ),
        (
            &["round", "make", "--name", "x", "--opens", "2026-12-15", "--closes", "2026-09-01"],
            "would end on 2026-09-01, before it begins on 2026-12-15",
        ),
        (
            &["round", "make", "--name", "x", "--opens", "2026-09-01", "--closes", "2026-12-15", "--codebook", "nowhere.csv"],
            "nowhere.csv: No such file",
        ),
        (&["verify", "nowhere.db"], "there is no file nowhere.db"),
    ];
    for (args, expected) in cases {
        let said = place.refused(args);
        assert!(said.starts_with("dorbank: ") && said.contains(expected), "{args:?}: {said}");
        assert_eq!(said.matches(expected).count(), 1, "{said}");
    }

    std::fs::write(folder.path().join("data/keys/server.key"), "short").unwrap();
    let said = place.refused(&["officer", "list"]);
    assert_eq!(said.matches("is not a key of 32 bytes").count(), 1, "{said}");
    std::fs::remove_file(folder.path().join("data/keys/server.key")).unwrap();
    let _ = std::fs::remove_file(folder.path().join("dorbank.db-wal"));
    std::fs::write(place.database(), "this is no database. ".repeat(500)).unwrap();
    let said = place.refused(&["officer", "list"]);
    assert_eq!(said.matches("not a database").count(), 1, "{said}");
    assert!(place.refused(&["verify"]).contains("are wrong. Nothing was changed."));
}

#[test]
fn a_demo_told_where_to_click_and_then_that_somebody_else_listens_there() {
    let (_folder, place) = place();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let output = place.command(&["demo", "--size", "small", "--serve", "--listen", &address]).output().unwrap();
    let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success() && failed.contains(&address) && failed.contains("DORBANK_LISTEN"), "{failed}");
    assert!(!said.contains("Sign in"), "{said}");
}

#[test]
fn the_database_was_readable_by_everybody_on_the_machine() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, place) = place();
    place.done(&["officer", "list"]);
    for name in ["dorbank.db", "dorbank.db-wal"] {
        if let Ok(file) = std::fs::metadata(folder.path().join(name)) {
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }
    assert!(folder.path().join("dorbank.db").exists());
}

#[test]
fn a_misspelt_database_was_made_without_a_word() {
    let (_folder, place) = place();
    for args in [&["mix"][..], &["release", "list"], &["correct", "Storgata 1", "--letter", "B"]] {
        let said = place.refused(args);
        assert!(said.contains("there is no file") && said.contains("--database"), "{args:?}: {said}");
        assert!(!place.database().exists(), "{args:?}");
    }
    let made = place.command(&["officer", "list"]).output().unwrap();
    assert!(String::from_utf8_lossy(&made.stderr).contains(&format!("Made a new database: {}", place.database().display())));
    let again = place.command(&["officer", "list"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&again.stderr), "");
}

#[test]
fn no_folder_is_made_by_mistake() {
    let (folder, place) = place();
    let typo = Place::new(folder.path().join("dta"));
    let said = place
        .command(&["officer", "list"])
        .env(
            "DORBANK_TEST_ARGUMENTS",
            format!(
                r#"["dorbank", "officer", "list", "--data", "{0}/data", "--site", "{0}/site", "--database", "sqlite:{1}"]"#,
                folder.path().display(),
                typo.database().display()
            ),
        )
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&said.stderr);
    assert!(said.contains("mkdir -p") && said.contains("--database"), "{said}");
    assert!(!folder.path().join("dta").exists());
}
