//! Hostile input, for a minute each: the kept corpus and changes to it. `tests/fuzz` runs the same, guided by coverage.
//!
//! `DORBANK_FUZZ_SECONDS=600 DORBANK_SEED=7 cargo test -p dorbank-tests -- fuzz --nocapture` runs it longer, from another seed.

use std::time::Duration;

use dorbank_tests::fuzz::{Target, campaign};

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn fuzz(target: Target) {
    let (seed, seconds) = (number("DORBANK_SEED", 1), number("DORBANK_FUZZ_SECONDS", 60));
    let runs = campaign(target, seed, Duration::from_secs(seconds));
    eprintln!("fuzz {}: {runs} inputs, seed {seed}", target.name());
}

#[test]
fn whatever_is_pushed_is_answered_and_kept() {
    fuzz(Target::Push);
}

#[test]
fn whatever_is_pulled_for_changes_nothing() {
    fuzz(Target::Pull);
}

#[test]
fn whatever_comes_as_inputs_takes_no_more_than_tickets() {
    fuzz(Target::Inputs);
}

#[test]
fn whatever_is_typed_lets_only_the_code_in() {
    fuzz(Target::Join);
}

#[test]
fn whatever_is_imported_as_addresses_is_taken_or_refused_row_by_row() {
    fuzz(Target::Addresses);
}

#[test]
fn whatever_is_imported_as_districts_is_taken_or_refused_whole() {
    fuzz(Target::Districts);
}

#[test]
fn whatever_is_imported_as_lines_is_shown_or_refused_whole() {
    fuzz(Target::Lines);
}

#[test]
fn whatever_is_imported_as_a_table_is_taken_or_refused_whole() {
    fuzz(Target::Tables);
}

#[test]
fn whatever_is_offered_in_a_feed_is_a_file_that_was_asked_for() {
    fuzz(Target::Feed);
}

#[test]
fn whatever_is_packed_is_read_whole_or_refused() {
    fuzz(Target::Zip);
}
