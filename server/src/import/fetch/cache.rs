//! What was fetched before, and what is known of it.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use reqwest::{
    Url,
    header::{ETAG, HeaderMap, LAST_MODIFIED},
};
use serde::{Deserialize, Serialize};

use super::{FetchError, Product, Trouble, checksum::Sum, feed, place::Place};

/// What a file is called by that is not whole.
const PART: &str = ".part";

/// The folder. It is held by one program at a time.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    _lock: File,
}

impl Cache {
    /// Opens it, and makes it where there is none.
    pub fn open(folder: &Path) -> Result<Self, FetchError> {
        let failed = |error: io::Error| FetchError::cache(folder, &error);
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = File::options().write(true).create(true).truncate(false).open(folder.join(".lock")).map_err(failed)?;
        // The system gives it up with the process, however that ends.
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FetchError::new(
                Trouble::Busy,
                "another `dorbank import` is fetching into the same folder",
                folder.display().to_string(),
                "wait until it is done, or stop it",
            )),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Where a file of addresses is kept.
    pub fn file(&self, place: &Place) -> PathBuf {
        self.folder.join(place.to_string())
    }

    /// Where the copy of a product's feed is kept.
    pub fn feed(&self, product: Product) -> PathBuf {
        self.folder.join(format!("{}_AtomFeedCSV.xml", product.code()))
    }

    /// What whole files are of, or files that are `ended` so.
    fn places(&self, ended: &str) -> Vec<Place> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| Place::parse(entry.file_name().to_str()?.strip_suffix(ended)?)).collect()
    }

    /// The names of municipalities by their numbers, as far as kept files and kept feeds tell.
    pub fn names(&self, feeds: &[Url; 2]) -> BTreeMap<String, String> {
        let mut names = BTreeMap::new();
        for (product, url) in [Product::Flats, Product::Addresses].into_iter().zip(feeds) {
            let offers = fs::read(self.feed(product)).ok().and_then(|bytes| feed::parse(&bytes, product, url).ok());
            names.extend(offers.into_iter().flatten().map(|offer| (offer.place.municipality, offer.place.name)));
        }
        names.extend(self.places("").into_iter().map(|place| (place.municipality, place.name)));
        names
    }

    /// Removes the files of the same municipality, product and coordinate system under another name, those too that never
    /// became whole: it was renamed.
    pub fn forget_others(&self, kept: &Place) {
        for place in self.places("").into_iter().chain(self.places(PART)) {
            if place.name != kept.name && (Place { name: kept.name.clone(), ..place.clone() }) == *kept {
                let file = self.file(&place);
                remove(&part(&file));
                remove(&file);
            }
        }
    }
}

/// What the server said of a file, kept beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// From where it came.
    pub url: String,
    /// The server's mark of this very content.
    pub etag: Option<String>,
    /// When it was changed last, as the server writes it.
    pub last_modified: Option<String>,
    /// How long it is.
    pub total: Option<u64>,
    /// The sums that were promised.
    pub sums: Vec<Sum>,
}

impl Record {
    /// From an answer.
    pub fn of(url: &Url, headers: &HeaderMap, total: Option<u64>, sums: Vec<Sum>) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self { url: url.to_string(), etag: text(ETAG), last_modified: text(LAST_MODIFIED), total, sums }
    }

    /// What stands beside `file`, if it is about this address.
    pub fn beside(file: &Path, url: &Url) -> Option<Self> {
        let record: Self = serde_json::from_slice(&fs::read(beside(file)).ok()?).ok()?;
        (record.url == url.as_str()).then_some(record)
    }

    /// Writes it beside `file`.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        fs::write(beside(file), serde_json::to_vec(self)?)
    }

    /// By what the server can tell that it is still the same file, byte for byte. A weak mark cannot say that.
    pub fn validator(&self) -> Option<&str> {
        self.etag.as_deref().filter(|etag| !etag.starts_with("W/")).or(self.last_modified.as_deref())
    }

    /// Whether an answer is about the same content, as far as both say.
    pub fn is_same(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
            a.zip(b).is_none_or(|(a, b)| a == b)
        }
        agree(self.etag.as_ref(), other.etag.as_ref())
            && agree(self.last_modified.as_ref(), other.last_modified.as_ref())
            && agree(self.total.as_ref(), other.total.as_ref())
    }
}

/// `file.zip` with an ending more.
fn ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Where a file's record stands.
fn beside(file: &Path) -> PathBuf {
    ending(file, ".json")
}

/// Where a file is while it is not whole.
pub fn part(file: &Path) -> PathBuf {
    ending(file, PART)
}

/// Removes a file and its record. What cannot be removed is found again by its record, or written over.
pub fn remove(file: &Path) {
    let _ = fs::remove_file(beside(file));
    let _ = fs::remove_file(file);
}
