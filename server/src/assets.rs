//! The built static files.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
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
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self { dir: dir.to_owned(), build: "none".to_owned(), assets: BTreeMap::new() }),
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
