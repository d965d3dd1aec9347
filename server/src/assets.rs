//! The built static files.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::Deserialize;

/// The built files of this build, by what its `manifest.json` says.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// Where they are.
    pub dir: PathBuf,
    /// The build's id.
    pub build: String,
    /// From a plain name (`field.js`) to the hashed address below the site (`assets/field.1f3a….js`).
    pub assets: BTreeMap<String, String>,
}

/// Why the built files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// `manifest.json` cannot be read.
    #[error("{0}: {1}")]
    File(String, io::Error),
    /// `manifest.json` is not what the build writes.
    #[error("{0}: {1}")]
    Manifest(String, serde_json::Error),
}

#[derive(Deserialize)]
struct Manifest {
    build: String,
    assets: BTreeMap<String, String>,
}

impl Site {
    /// Reads the manifest in `dir`. Where there is none, nothing was built, and there are no files to serve.
    ///
    /// # Errors
    /// When there is a manifest that cannot be read.
    pub fn open(dir: &Path) -> Result<Self, SiteError> {
        let path = dir.join("manifest.json");
        let name = || path.display().to_string();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { dir: dir.to_owned(), build: "none".to_owned(), assets: BTreeMap::new() });
            }
            Err(error) => return Err(SiteError::File(name(), error)),
        };
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| SiteError::Manifest(name(), error))?;
        Ok(Self { dir: dir.to_owned(), build: manifest.build, assets: manifest.assets })
    }

    /// The address of a file by its plain name, from the root: `/assets/field.1f3a….js`.
    pub fn asset(&self, name: &str) -> Option<String> {
        self.assets.get(name).map(|path| format!("/{path}"))
    }
}

/// Assets of earlier builds are kept so long: a phone whose shell is older asks for files that are no more, in days.
const KEEP_DAYS: u64 = 90;

/// Copies this build's assets to where those of earlier builds are, and drops what no build had for 90 days.
///
/// # Errors
/// When a file cannot be copied.
pub fn keep(site: &Site, kept: &Path, now: SystemTime) -> io::Result<()> {
    fs::create_dir_all(kept)?;
    let own = match fs::read_dir(site.dir.join("assets")) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    for entry in own {
        let target = kept.join(entry.file_name());
        // Copied aside first, so that nobody is ever served half a file.
        let aside = kept.join(format!(".{}.new", entry.file_name().to_string_lossy()));
        fs::copy(entry.path(), &aside)?;
        File::options().write(true).open(&aside)?.set_modified(now)?;
        fs::rename(&aside, &target)?;
    }
    for entry in fs::read_dir(kept)? {
        let entry = entry?;
        let age = now.duration_since(entry.metadata()?.modified()?).unwrap_or_default();
        if age > Duration::from_secs(KEEP_DAYS * 24 * 60 * 60) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assets_of_earlier_builds_stay_for_ninety_days() {
        let dir = std::env::temp_dir().join(format!("dorbank-assets-{}", std::process::id()));
        let (site, kept) = (Site { dir: dir.join("site"), ..Site::default() }, dir.join("kept"));
        let build = |name: &str| {
            let _ = fs::remove_dir_all(site.dir.join("assets"));
            fs::create_dir_all(site.dir.join("assets")).unwrap();
            fs::write(site.dir.join("assets").join(name), name).unwrap();
        };
        let names = || {
            let mut names: Vec<String> = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        let day = |n: u64| SystemTime::UNIX_EPOCH + Duration::from_secs((20_000 + n) * 24 * 60 * 60);
        build("field.1.js");
        keep(&site, &kept, day(0)).unwrap();
        build("field.2.js");
        keep(&site, &kept, day(60)).unwrap();
        assert_eq!(names(), ["field.1.js", "field.2.js"]);
        keep(&site, &kept, day(91)).unwrap();
        assert_eq!(names(), ["field.2.js"]);
        fs::remove_dir_all(dir).unwrap();
    }
}
