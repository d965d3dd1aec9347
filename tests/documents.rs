//! What documents say of the sources is so.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::simulator::fault::Kind;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between back-ticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The functions of a file that are tests, by name.
fn tests_of(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut marked = false;
    for line in source.lines().map(str::trim) {
        marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        if let Some((_, rest)) = line.split_once("fn ").filter(|(before, _)| matches!(*before, "" | "async " | "pub async " | "pub ")) {
            let name = rest.split(['(', '<']).next().unwrap().to_owned();
            if marked {
                found.insert(name);
            }
            marked = false;
        }
    }
    found
}

fn ends_in(path: &str, ending: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == ending)
}

/// What is wrong with the cell of a row that says which tests hold its answer.
fn wrong(cell: &str) -> Vec<String> {
    let (mut wrong, mut file, mut named) = (Vec::new(), None::<(String, String)>, 0);
    if cell == "none" {
        return wrong;
    }
    for name in quoted(cell) {
        if ends_in(name, "rs") || ends_in(name, "mjs") {
            let path = if name.contains('/') { name.to_owned() } else { format!("tests/{name}") };
            match fs::read_to_string(root().join(&path)) {
                Ok(source) => file = Some((path, source)),
                Err(error) => wrong.push(format!("{path}: {error}")),
            }
            continue;
        }
        let Some((path, source)) = &file else {
            wrong.push(format!("{name} stands after no file"));
            continue;
        };
        named += 1;
        let begins = name.strip_suffix('…');
        let is_there = if ends_in(path, "mjs") {
            source.lines().any(|line| line.trim_start().starts_with("test(") && line.contains(begins.unwrap_or(name)))
        } else {
            tests_of(source).iter().any(|test| begins.map_or(test == name, |begins| test.starts_with(begins)))
        };
        if !is_there {
            wrong.push(format!("{path} has no test {name}"));
        }
    }
    if named == 0 {
        wrong.push(format!("no test is named: {cell}"));
    }
    wrong
}

#[test]
fn a_threat_named_a_file_or_a_test_that_there_is_not() {
    let page = text("docs/threat-model.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---") && !line.starts_with("| Threat "))
        .map(|line| line.trim_matches(['|', ' ']).split(" | ").map(str::trim).collect())
        .collect();
    assert!(rows.len() > 40, "the tables are read");
    let mut all = Vec::new();
    for row in &rows {
        let [threat, answer, tests] = row[..] else { panic!("a row has three cells: {row:?}") };
        all.extend(wrong(tests).into_iter().map(|wrong| format!("{threat}: {wrong}")));
        // Where no test can hold it, it says that nothing in the program does.
        if tests == "none" && !answer.starts_with("No answer") {
            all.push(format!("{threat}: has an answer that no test holds"));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));

    // And the reader sees what is wrong.
    for cell in ["browser tests", "`nowhere.rs`: `a_test`", "`sync.rs`", "`a_test`", "`sync.rs`: `set`", "`sync.rs`: `no_such_test_…`"] {
        assert!(!wrong(cell).is_empty(), "{cell}");
    }
    assert!(wrong("`sync.rs`: `no_pull_skips_…`; `openapi.rs`: `the_committed_description_is_current`").is_empty());
}

#[test]
fn every_dependency_is_locked_with_its_checksum_and_built_as_locked() {
    let lock = text("Cargo.lock");
    let mut foreign = 0;
    for package in lock.split("[[package]]").skip(1).filter(|package| package.contains("\nsource = ")) {
        foreign += 1;
        assert!(package.contains("\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n"), "{package}");
        assert!(package.contains("\nchecksum = \""), "{package}");
    }
    assert!(foreign > 100, "{foreign} packages are not our own");
    for path in ["scripts/package-lock.json", "tests/e2e/package-lock.json"] {
        let lock: serde_json::Value = serde_json::from_str(&text(path)).unwrap();
        for (name, package) in lock["packages"].as_object().unwrap().iter().filter(|(name, _)| !name.is_empty()) {
            assert!(package["integrity"].as_str().is_some_and(|sum| sum.starts_with("sha512-")), "{path}: {name}");
        }
    }
    for script in fs::read_dir(root().join("scripts")).unwrap() {
        let path = script.unwrap().path();
        let Ok(source) = fs::read_to_string(&path) else { continue };
        // What takes our own packages; a tool is installed at a version.
        for line in source.lines().filter(|line| line.contains("cargo ") && line.contains(" -p ") && !line.trim_start().starts_with('#')) {
            assert!(line.contains("--locked"), "{}: {line}", path.display());
        }
    }
}

#[test]
fn the_page_of_what_was_tried_has_each_fault_of_the_simulated_phones() {
    let page = text("docs/reliability.md");
    let missing: Vec<String> = Kind::ALL
        .iter()
        .map(|kind| kind.words())
        .map(|(fault, tried)| format!("| {fault} | {tried} |"))
        .filter(|row| !page.contains(row.as_str()))
        .collect();
    assert!(missing.is_empty(), "`make soak` writes {missing:?} into docs/reliability.md");
}
