//! How far a download has come, for the person who waits.

use std::{
    fmt,
    io::{self, Write as _},
    sync::Mutex,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Told how far it is.
pub trait Progress: fmt::Debug + Send + Sync {
    /// A file begins: its name, how many bytes it has, and how many are there already.
    fn begin(&self, name: &str, total: Option<u64>, from: u64);
    /// So many bytes are there.
    fn at(&self, bytes: u64);
    /// The file is there, or is given up.
    fn end(&self);
    /// Something that the person should know.
    fn say(&self, line: &str);
}

/// So many bytes, as people write it.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A bar, on a terminal.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Default for Bar {
    fn default() -> Self {
        Self(ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden()))
    }
}

impl Progress for Bar {
    fn begin(&self, name: &str, total: Option<u64>, from: u64) {
        let form = match total {
            Some(_) => "{msg} [{bar:30}] {decimal_bytes} of {decimal_total_bytes}, {eta} left",
            None => "{msg} {spinner} {decimal_bytes}",
        };
        self.0.reset();
        self.0.set_style(ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.0.set_message(name.to_owned());
        match total {
            Some(total) => self.0.set_length(total),
            None => self.0.unset_length(),
        }
        self.0.set_draw_target(ProgressDrawTarget::stderr());
        self.0.set_position(from);
        self.0.reset_eta();
    }

    fn at(&self, bytes: u64) {
        self.0.set_position(bytes);
    }

    fn end(&self) {
        self.0.finish_and_clear();
        self.0.set_draw_target(ProgressDrawTarget::hidden());
    }

    fn say(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }
}

/// A line at each tenth, where nobody looks at a terminal.
#[derive(Debug, Default)]
pub struct Lines(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    name: String,
    total: Option<u64>,
    /// The bytes at which the next line is due.
    next: u64,
}

/// How much comes between two lines where nobody knows how much there is in all.
const STEP: u64 = 5_000_000;

impl Progress for Lines {
    fn begin(&self, name: &str, total: Option<u64>, from: u64) {
        let of = total.map(|total| format!(", {}", size(total))).unwrap_or_default();
        let rest = if from > 0 { format!("; {} are there already", size(from)) } else { String::new() };
        self.say(&format!("{name}{of}{rest}"));
        if let Ok(mut told) = self.0.lock() {
            *told = Told { name: name.to_owned(), total, next: from + step(total) };
        }
    }

    fn at(&self, bytes: u64) {
        let Ok(mut told) = self.0.lock() else { return };
        if bytes < told.next || told.total.is_some_and(|total| bytes >= total) {
            return;
        }
        told.next = bytes + step(told.total);
        let of = told.total.map(|total| format!(" of {}", size(total))).unwrap_or_default();
        let line = format!("{}: {}{of}", told.name, size(bytes));
        drop(told);
        self.say(&line);
    }

    fn end(&self) {}

    fn say(&self, line: &str) {
        // Where nobody can be told, the work goes on.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

fn step(total: Option<u64>) -> u64 {
    total.map_or(STEP, |total| total.div_ceil(10).max(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!([0, 9_999, 10_000, 999_999, 6_143_210].map(size), ["0 bytes", "9999 bytes", "10 kB", "999 kB", "6.1 MB"]);
    }
}
