//! One target (named by `DORBANK_FUZZ`) under libFuzzer. Its changes and ours to what is kept take turns.

#![no_main]

use std::{cell::RefCell, sync::LazyLock};

use dorbank_tests::fuzz::{Fuzzer, MAX_INPUT, Target, mutate};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use mutatis::Session;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("DORBANK_FUZZ").unwrap_or_default();
    Target::parse(&name).unwrap_or_else(|| panic!("DORBANK_FUZZ is one of {:?}", Target::ALL.map(Target::name)))
});

thread_local! {
    static FUZZER: RefCell<Fuzzer> = RefCell::new(Fuzzer::new(*TARGET));
}

fuzz_target!(|input: &[u8]| FUZZER.with_borrow_mut(|fuzzer| fuzzer.run(input)));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed.is_multiple_of(3) {
        return fuzzer_mutate(data, size, max_size);
    }
    let made = mutate(*TARGET, &mut Session::new().seed(seed.into()), &[data[..size].to_vec()]);
    let length = made.len().min(max_size).min(MAX_INPUT);
    data[..length].copy_from_slice(&made[..length]);
    length
});
