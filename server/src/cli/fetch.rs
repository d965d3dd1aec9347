//! `dorbank import addresses --municipality NUMBER`: the file from Geonorge.

use std::{io::IsTerminal as _, path::PathBuf};

use clap::Args;
use dorbank_server::{
    import::fetch::{Bar, DEGREES, FEEDS, FetchOptions, Lines, Product, Progress, SystemPatience, fetch},
    state::AppState,
};
use reqwest::Url;

/// What is fetched.
#[derive(Debug, Args)]
pub struct Fetch {
    /// Fetch the newest file of this municipality from Geonorge: its number (0301), or its name.
    ///
    /// It is kept under --data, asked for again only when there is a newer one, and taken up where it broke off.
    #[arg(long, value_name = "NUMBER", conflicts_with = "file")]
    pub municipality: Option<String>,
    /// Which file: the flats, one row for each door, or the addresses, one for each entrance. By default the flats where
    /// they are offered.
    #[arg(long, requires = "municipality", conflicts_with = "file")]
    product: Option<Product>,
    /// With --municipality: the coordinate system of the file that is fetched (EPSG). By default 4258, degrees. A file that
    /// you give says its own.
    #[arg(long, requires = "municipality", conflicts_with = "file")]
    epsg: Option<u32>,
    /// The folder of the feeds, for a mirror or a test.
    #[arg(long, hide = true, env = "DORBANK_FEEDS", default_value = FEEDS)]
    feeds: Url,
}

impl Fetch {
    /// Brings the file here and says what it is. Where it is stopped what has come is kept.
    pub async fn run(self, state: &AppState) -> anyhow::Result<PathBuf> {
        let mut options = FetchOptions::new(folder(self.feeds), state.config.data.join("cache"), self.municipality.unwrap_or_default());
        options.product = self.product;
        options.epsg = self.epsg.unwrap_or(DEGREES);
        let progress: Box<dyn Progress> = if std::io::stderr().is_terminal() { Box::<Bar>::default() } else { Box::<Lines>::default() };
        let patience = SystemPatience::new(state.fork_rng());
        let _shown = Shown(&*progress);
        let fetched = fetch(&options, &patience, &*progress).await?;
        progress.say(&fetched.to_string());
        Ok(fetched.path)
    }
}

/// How far it is, taken away at the end, also where it is stopped in the middle.
struct Shown<'a>(&'a dyn Progress);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A folder's address ends in a slash; people forget it.
fn folder(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}
