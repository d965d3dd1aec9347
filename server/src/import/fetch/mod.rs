//! A municipality's addresses from Geonorge: found in its published feed, downloaded, kept in a cache, checked.
//!
//! Nothing here touches the database. What comes back is a whole zip on the disk, which is imported as any other file.

mod cache;
mod checksum;
mod client;
mod download;
mod error;
mod feed;
mod patience;
mod place;
mod progress;

use std::{fmt, path::PathBuf, time::Duration};

use reqwest::Url;

use self::{
    cache::Cache,
    download::{Download, Kind},
    feed::{Choice, Offer},
    progress::size,
};
pub use self::{
    client::provide_tls,
    error::{FetchError, Trouble},
    feed::parse as read_feed,
    patience::{Moment, Patience, SystemPatience},
    place::Product,
    progress::{Bar, Lines, Progress},
};

/// Where Geonorge keeps the feeds of what it publishes.
pub const FEEDS: &str = "https://nedlasting.geonorge.no/geonorge/ATOM-feeds/";
/// The coordinate system that is taken where nobody asks for another: degrees, which need no turning.
pub const DEGREES: u32 = 4258;

/// What is fetched, from where, and how long anything may take.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// The folder of the feeds, with a slash at its end.
    pub feeds: Url,
    /// Where files are kept.
    pub cache: PathBuf,
    /// The municipality's number, or its name where only one has it.
    pub municipality: String,
    /// What is wanted; the flats where they are offered, else the addresses.
    pub product: Option<Product>,
    /// The coordinate system.
    pub epsg: u32,
    /// How long it may take to reach the server.
    pub connect: Duration,
    /// How long the server may say nothing.
    pub silence: Duration,
    /// How often a thing is tried that fails for a reason that may pass.
    pub tries: usize,
}

impl FetchOptions {
    /// What is usual for a municipality.
    pub fn new(feeds: Url, cache: PathBuf, municipality: String) -> Self {
        Self { feeds, cache, municipality, product: None, epsg: DEGREES, connect: Duration::from_secs(15), silence: Duration::from_mins(1), tries: 6 }
    }
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The zip, whole.
    pub path: PathBuf,
    /// What it holds.
    pub product: Product,
    /// The municipality's number.
    pub municipality: String,
    /// Its name, as the file writes it.
    pub name: String,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// Whether it was there already, and the server has no newer one.
    pub was_there: bool,
}

impl fmt::Display for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { product, municipality, name, .. } = self;
        let how = if self.was_there { "was there already, and is the newest" } else { "was fetched" };
        write!(f, "{municipality} {name}, \"{}\" ({}): {how}. It is kept as {}", product.title(), size(self.bytes), self.path.display())
    }
}

/// Fetches the newest published file of a municipality. It may be stopped at any time: what has come is kept, and the
/// next call goes on from there.
///
/// # Errors
/// See [`FetchError`].
pub async fn fetch(options: &FetchOptions, patience: &dyn Patience, progress: &dyn Progress) -> Result<Fetched, FetchError> {
    let cache = Cache::open(&options.cache)?;
    let client = client::make(options.connect)?;
    let fetcher = Fetcher { options, cache, download: Download { client, patience, progress, silence: options.silence, tries: options.tries } };
    fetcher.run().await
}

struct Fetcher<'a> {
    options: &'a FetchOptions,
    cache: Cache,
    download: Download<'a>,
}

impl Fetcher<'_> {
    async fn run(&self) -> Result<Fetched, FetchError> {
        let wanted = self.options.product.map_or(vec![Product::Flats, Product::Addresses], |product| vec![product]);
        let mut refused = None;
        for product in wanted {
            let offers = match self.offers(product).await {
                Ok(offers) => offers,
                Err(error) if self.is_no_product(&error, product) => {
                    self.download.progress.say("Geonorge offers no flats; its addresses are taken, each entrance with one door.");
                    continue;
                }
                Err(error) => return Err(error),
            };
            match feed::choose(&offers, &self.options.municipality, self.options.epsg) {
                Choice::One(offer) => {
                    if refused.is_some() {
                        self.download.progress.say("Geonorge offers no flats there; its addresses are taken, each entrance with one door.");
                    }
                    return self.take(&offers, offer, product).await;
                }
                other => {
                    let refusal = other.refusal(&self.options.municipality, self.options.epsg, product, &self.feed(product));
                    // What is offered, if otherwise than asked for, is no reason to take a city without its doors.
                    if !matches!(other, Choice::Unknown(_)) {
                        return Err(refusal);
                    }
                    refused = Some(refusal);
                }
            }
        }
        // There is at least one product, and each was returned or refused.
        Err(refused.unwrap_or_else(|| FetchError::new(Trouble::NotThere, "no product was asked for", self.options.feeds.as_str(), "ask for one")))
    }

    /// No such feed, so no such product; where nobody asked for it, the other one is the answer.
    fn is_no_product(&self, error: &FetchError, product: Product) -> bool {
        error.trouble == Trouble::NotThere && self.options.product.is_none() && product == Product::Flats
    }

    fn feed(&self, product: Product) -> Url {
        let mut feed = self.options.feeds.clone();
        feed.set_path(&format!("{}/{}_AtomFeedCSV.xml", feed.path().trim_end_matches('/'), product.code()));
        feed
    }

    /// What is offered of a product, by its feed; or, where that cannot be had, by what the cache knows.
    async fn offers(&self, product: Product) -> Result<Vec<Offer>, FetchError> {
        let url = self.feed(product);
        let copy = self.cache.feed(product);
        let Err(error) = self.download.get(&url, &copy, Kind::Feed(product), &[]).await else {
            return self.cached_offers(product, &url);
        };
        if !error.trouble.is_elsewhere() || self.is_no_product(&error, product) {
            return Err(error);
        }
        let known = self.cached_offers(product, &url).unwrap_or_default();
        if !known.is_empty() {
            self.download.progress.say(&format!("The feed cannot be had now ({}); the copy of an earlier run tells the address.", error.what));
            return Ok(known);
        }
        let named = self.cache.names(&[self.feed(Product::Flats), self.feed(Product::Addresses)]);
        match feed::by_pattern(&named, &self.options.municipality, product, self.options.epsg, &self.options.feeds) {
            Some(offer) => {
                let line = format!("The feed cannot be had now ({}); the file is looked for where such files lie.", error.what);
                self.download.progress.say(&line);
                Ok(vec![offer])
            }
            None => Err(error),
        }
    }

    fn cached_offers(&self, product: Product, url: &Url) -> Result<Vec<Offer>, FetchError> {
        let path = self.cache.feed(product);
        let bytes = std::fs::read(&path).map_err(|source| FetchError::cache(&path, &source))?;
        feed::parse(&bytes, product, url).map_err(|wrong| FetchError::wrong_file(wrong, url))
    }

    async fn take(&self, offers: &[Offer], offer: &Offer, product: Product) -> Result<Fetched, FetchError> {
        let path = self.cache.file(&offer.place);
        let was_there = self.download.get(&offer.url, &path, Kind::Zip, &offer.sums).await.map_err(|mut error| {
            if error.trouble == Trouble::NotThere {
                error.to_do = format!(
                    "try again in some hours: the municipality may have got another name or number, and the file with it. {}",
                    feed::near_words(offers, &offer.place.municipality)
                );
            }
            if error.trouble.is_elsewhere() && path.is_file() {
                let copy = path.display();
                error.to_do = format!("{}. The copy of an earlier run is {copy}: give it to `dorbank import addresses {copy}`", error.to_do);
            }
            error
        })?;
        self.cache.forget_others(&offer.place);
        let bytes = std::fs::metadata(&path).map_err(|source| FetchError::cache(&path, &source))?.len();
        Ok(Fetched { path, product, municipality: offer.place.municipality.clone(), name: offer.place.name.replace('_', " "), bytes, was_there })
    }
}
