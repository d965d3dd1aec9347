//! What a suite tried and what it lost: rows for `docs/reliability.md`, which `scripts/reliability.mjs` writes from them.
//!
//! Each suite writes `target/reliability/<suite>.json` when it is through, also when something was lost. The file is
//!
//! ```json
//! {"title": "Simulated phones", "about": "300 seeds, 4 phones each. Again with …", "rows": [
//!   {"fault": "The answer is lost after the commit", "tried": "in one of eight answers", "runs": 120, "times": 840, "lost": 0, "duplicated": 0}
//! ]}
//! ```
//!
//! or the list of rows alone. `runs`: in how many runs the fault was injected. `times`: how often in all; may be left out.
//! `lost` and `duplicated`: how many entries, in those runs. A fault that was never injected has `runs` 0 and fails the
//! writer: a row of zeros proves nothing. A suite in another language writes the same file.

use std::{env, fs, path::PathBuf};

use serde::Serialize;

/// One fault and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What went wrong.
    pub fault: String,
    /// How it was made to.
    pub tried: String,
    /// In how many runs.
    pub runs: u64,
    /// How often in all, where that is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Entries that were saved and are nowhere.
    pub lost: u64,
    /// Entries that are there more than once.
    pub duplicated: u64,
}

/// Writes a suite's rows. `suite` is the file's name and decides the order in the document.
///
/// # Panics
/// When the file cannot be written.
pub fn write(suite: &str, title: &str, about: &str, rows: &[Row]) {
    let folder = folder();
    fs::create_dir_all(&folder).expect("the folder can be made");
    let json = serde_json::json!({ "title": title, "about": about, "rows": rows });
    let text = serde_json::to_string_pretty(&json).expect("rows are JSON");
    fs::write(folder.join(format!("{suite}.json")), text).expect("the rows can be written");
}

fn folder() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    target.join("reliability")
}
