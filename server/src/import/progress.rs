//! How far an import is, for whoever waits at a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where it is shown. By default nowhere.
#[derive(Debug, Clone)]
pub struct Progress(ProgressBar);

impl Default for Progress {
    fn default() -> Self {
        Self(ProgressBar::hidden())
    }
}

impl Progress {
    /// On standard error, where that is a terminal.
    pub fn on_terminal() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg:9} {wide_bar} {bytes:>10} {eta:>4}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Begins a part that reads so many bytes, where that is known.
    pub(super) fn begin(&self, what: &'static str, bytes: Option<u64>) {
        self.0.reset();
        self.0.set_length(bytes.unwrap_or_default());
        self.0.set_message(what);
    }

    /// So many bytes of it are read.
    pub(super) fn at(&self, bytes: u64) {
        self.0.set_position(bytes);
    }

    /// Says what is done after the reading.
    pub(super) fn say(&self, what: &'static str) {
        self.0.set_message(what);
    }

    /// Takes it away.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
