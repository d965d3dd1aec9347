//! What a command says. A reader that has seen enough (`dorbank … | head -1`) ends the command, without a word.

use std::{
    fmt,
    io::{self, Write as _},
};

/// Writes to standard output.
pub fn write(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    match out.write_fmt(text).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            // Standard error may be on the same full disk; then there is nobody left to tell.
            let _ = writeln!(io::stderr(), "dorbank: what this command says cannot be written: {error}");
            std::process::exit(1);
        }
    }
}

/// Says a line on standard output.
macro_rules! say {
    () => { $crate::cli::out::write(format_args!("\n")) };
    ($($what:tt)*) => { $crate::cli::out::write(format_args!("{}\n", format_args!($($what)*))) };
}
pub(crate) use say;

/// Each thing that went wrong, from the outermost on, once: what an error repeats of its source is left out.
pub fn causes(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if !said.contains(cause.trim()) {
            if !said.is_empty() {
                said.push_str(": ");
            }
            said.push_str(&cause);
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_repeats_of_its_source_is_said_once() {
        let source = || io::Error::other("no such file");
        assert_eq!(causes(&anyhow::Error::from(source()).context("the key: no such file")), "the key: no such file");
        assert_eq!(causes(&anyhow::Error::from(source()).context("the key")), "the key: no such file");
    }
}
