//! The list of all that an import did, for a spreadsheet: one line for each entrance and door, in the same words as the
//! summary.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};

use super::ImportError;

/// What a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A row that was not imported.
    Refused,
    /// An entrance, or what it is called, changed.
    Changed,
    /// An entrance lies elsewhere: more than a metre away, or in another district.
    Moved,
    /// An entrance that had vanished is back.
    Back,
    /// An entrance is no longer listed.
    Vanished,
    /// A door is no longer listed.
    DoorVanished,
    /// A door that had vanished is back.
    DoorBack,
    /// A door without a number has one now.
    DoorNumbered,
    /// A wish for quiet was carried to what came after.
    Quiet,
    /// A wish for quiet could not be carried: what came after has no such door.
    QuietNowhere,
    /// A correction was kept against what is published.
    OursKept,
    /// A correction that the publisher has now too.
    CaughtUp,
    /// An entrance that was not known.
    Added,
    /// A door that was not known, in an entrance that was.
    DoorAdded,
    /// A unit in which nobody lives.
    LeftOut,
    /// An entrance that is as it was.
    Unchanged,
}

impl What {
    const fn words(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Changed => "changed",
            Self::Moved => "moved",
            Self::Back => "back",
            Self::Vanished => "vanished",
            Self::DoorVanished => "door vanished",
            Self::DoorBack => "door back",
            Self::DoorNumbered => "door numbered",
            Self::Quiet => "wish for quiet carried over",
            Self::QuietNowhere => "wish for quiet: no such door any more, please look",
            Self::OursKept => "ours kept",
            Self::CaughtUp => "published as ours now",
            Self::Added => "added",
            Self::DoorAdded => "door added",
            Self::LeftOut => "no dwelling, left out",
            Self::Unchanged => "unchanged",
        }
    }

    /// Whether it is what most lines are: such come last, so that nobody has to look for the others.
    const fn is_usual(self) -> bool {
        matches!(self, Self::Added | Self::DoorAdded | Self::LeftOut | Self::Unchanged)
    }
}

/// A line.
#[derive(Debug, Default)]
pub struct Line<'a> {
    /// The line of the published file.
    pub line: Option<u64>,
    /// The publisher's id.
    pub id: &'a str,
    /// What it is called.
    pub address: &'a str,
    /// What was so before; of a correction, what is published.
    pub was: &'a str,
    /// What is so now.
    pub is: &'a str,
}

/// A list that is being written. What is not finished is removed when it is dropped.
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
    first: Option<csv::Writer<File>>,
    usual: Option<csv::Writer<File>>,
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// How the name of a list begins that nobody gave one.
const LIST: &str = "import-report-";
const PARTIAL: &str = ".partial";
const USUAL: &str = ".partial-2";

impl ReportFile {
    /// Begins the list `path`. None is written over another.
    ///
    /// # Errors
    /// When there is such a file, or it cannot be made.
    pub fn create(path: &Path) -> Result<Self, ImportError> {
        let failed = |source| ImportError::Report { path: path.to_owned(), source };
        if path.exists() {
            return Err(failed(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of that name already")));
        }
        let writer = |ending: &str| {
            // It names doors where nobody may ring. Only whoever runs the server reads it.
            let file = File::options().read(true).write(true).create(true).truncate(true).mode(0o600).open(beside(path, ending))?;
            // Tells whoever tidies up that it is being written. A file system without locks has to do without.
            let _ = file.try_lock();
            io::Result::Ok(csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(file))
        };
        let mut report = Self { path: path.to_owned(), first: Some(writer(PARTIAL).map_err(failed)?), usual: None };
        report.usual = Some(writer(USUAL).map_err(failed)?);
        // The mark at its front tells a spreadsheet that it is UTF-8.
        report.record(false, &["\u{feff}what", "line in the file", "publisher's id", "address", "before, or as published", "now"])?;
        Ok(report)
    }

    /// Begins the list of the import `number` in `folder`, under a name that no file has.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create_in(folder: &Path, now_ms: i64, number: i64) -> Result<Self, ImportError> {
        remove_left(folder);
        let day = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let day = day.to_zoned(TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC)).date();
        let mut path = folder.join(format!("{LIST}{day}-{number}.csv"));
        let mut again = 2;
        while path.exists() {
            path = folder.join(format!("{LIST}{day}-{number}-{again}.csv"));
            again += 1;
        }
        Self::create(&path)
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, what: What, line: &Line<'_>) -> Result<(), ImportError> {
        let number = line.line.map(|line| line.to_string()).unwrap_or_default();
        let cells = [what.words(), &number, &safe(line.id), &safe(line.address), &safe(line.was), &safe(line.is)];
        self.record(what.is_usual(), &cells)
    }

    fn record(&mut self, usual: bool, cells: &[&str]) -> Result<(), ImportError> {
        let writer = if usual { &mut self.usual } else { &mut self.first };
        let written = writer.as_mut().map_or(Ok(()), |writer| writer.write_record(cells));
        written.map_err(|error| ImportError::Report { path: self.path.clone(), source: error.into() })
    }

    /// Ends the list. It has its name when [`Finished::put`] is called.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<Finished, ImportError> {
        if let Err(source) = self.join() {
            let _ = fs::remove_file(beside(&self.path, PARTIAL));
            return Err(ImportError::Report { path: self.path.clone(), source });
        }
        Ok(Finished { path: self.path.clone() })
    }

    fn join(&mut self) -> io::Result<()> {
        let (Some(first), Some(usual)) = (self.first.take(), self.usual.take()) else { return Ok(()) };
        let mut first = first.into_inner().map_err(|error| io::Error::other(error.to_string()));
        let mut usual = usual.into_inner().map_err(|error| io::Error::other(error.to_string()));
        let joined = match (&mut first, &mut usual) {
            (Ok(first), Ok(usual)) => usual.seek(SeekFrom::Start(0)).and_then(|_| io::copy(usual, first)).and_then(|_| first.flush()),
            _ => Ok(()),
        };
        let _ = fs::remove_file(beside(&self.path, USUAL));
        first.and(usual).and(joined)
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        if self.first.is_some() {
            self.first = None;
            let _ = fs::remove_file(beside(&self.path, PARTIAL));
        }
        if self.usual.is_some() {
            self.usual = None;
            let _ = fs::remove_file(beside(&self.path, USUAL));
        }
    }
}

/// Removes what imports left here that were killed while they wrote their lists. One that is being written is locked.
fn remove_left(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_part = name.starts_with(LIST) && (name.ends_with(PARTIAL) || name.ends_with(USUAL));
        if is_part && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A list that is whole and has not its name yet. Where it is not put it is removed: what it tells did not happen.
#[derive(Debug)]
pub struct Finished {
    path: PathBuf,
}

impl Finished {
    /// Gives it its name, and says where it lies then: where that fails, under the name that it had.
    pub fn put(mut self) -> PathBuf {
        let path = std::mem::take(&mut self.path);
        let partial = beside(&path, PARTIAL);
        match fs::rename(&partial, &path) {
            Ok(()) => path,
            Err(_) => partial,
        }
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_file(beside(&self.path, PARTIAL));
        }
    }
}

/// A cell that no spreadsheet takes for a formula.
fn safe(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for formula in ["=1+1", "+47", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(safe(formula), format!("'{formula}"));
        }
        assert_eq!(safe("Storgata 1"), "Storgata 1");
    }
}
