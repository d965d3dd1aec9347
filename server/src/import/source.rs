//! A published file, as it was downloaded: a CSV, or a zip with one inside, read from front to back.

use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek as _, SeekFrom, Take},
    path::Path,
};

use flate2::{CrcReader, bufread::DeflateDecoder};
use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::{ImportError, WrongFile};

/// What a source can be.
const EXPECTED: &str = "a CSV file as published, or the zip with exactly one CSV inside";
/// What to do about one that is damaged.
const AGAIN: &str = "download the file again: it was cut off or changed on its way";
/// More bytes than this in one file are not an address file; all of Norway's is a quarter of it.
const MOST_BYTES: u64 = 4 << 30;
/// Text that packs better than so many to one is made to fill a machine. An address file packs six to one.
const MOST_PACKED: u64 = 200;
/// How much of the packed file is read at once.
const BUFFER: usize = 64 * 1024;
/// How many names of an archive are told.
const SHOWN: usize = 5;

/// A file that is read from front to back, unpacked on the way; nothing is written to the disk.
///
/// What is wrong with a zip before its first byte is told when it is opened. What is found wrong later (it ends early,
/// its sum is another) comes as an error of `read`, in place of the end: whoever has read to the end has all of it, as it
/// was packed. [`ImportError::read`] gives such an error back as the [`WrongFile`] that it is.
#[derive(Debug)]
pub struct Source {
    content: Content,
    bytes_total: Option<u64>,
}

#[derive(Debug)]
enum Content {
    Plain(io::Chain<Cursor<Vec<u8>>, File>),
    Packed(Box<Packed>),
}

impl Source {
    /// Opens a file. Whether it is a zip is told by its first bytes, not by its name.
    ///
    /// # Errors
    /// When it cannot be read, or is a zip without exactly one CSV that can be unpacked.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let failed = |error| ImportError::read(path, error);
        let mut file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        let mut head = Vec::new();
        file.by_ref().take(4).read_to_end(&mut head).map_err(failed)?;
        if is_zip(&head) {
            let packed = Packed::find(file).map_err(|error| match error {
                Refused::Wrong(wrong) => wrong.into(),
                Refused::Io(error) => failed(error),
            })?;
            return Ok(Self { bytes_total: Some(packed.size), content: Content::Packed(Box::new(packed)) });
        }
        // What comes through a pipe has no size, and its first bytes do not come twice.
        let bytes_total = about.is_file().then_some(about.len());
        Ok(Self { content: Content::Plain(Cursor::new(head).chain(file)), bytes_total })
    }

    /// How many bytes `read` will give in all, where that is known. Of a zip it is what the zip says; one that says too
    /// much or too little is found out at the end.
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.content {
            Content::Plain(file) => file.read(buffer),
            Content::Packed(packed) => packed.read(buffer),
        }
    }
}

/// Whether a file that begins so is a zip: with a file in it, with none, or in several parts.
pub fn is_zip(head: &[u8]) -> bool {
    [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"].iter().any(|mark| head.starts_with(*mark))
}

/// Why a zip is not taken.
enum Refused {
    Wrong(WrongFile),
    Io(io::Error),
}

impl From<WrongFile> for Refused {
    fn from(wrong: WrongFile) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<ZipError> for Refused {
    fn from(error: ZipError) -> Self {
        match error {
            // The file ends before it says it does.
            ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => Self::Io(error),
            _ => Self::Wrong(damaged("a zip archive that is damaged")),
        }
    }
}

fn damaged(found: &str) -> WrongFile {
    WrongFile::new(EXPECTED, found, AGAIN)
}

/// The one CSV of a zip. The archive's own reader borrows the archive; so only its directory is read by it, and the bytes
/// are unpacked from where it says that they begin.
#[derive(Debug)]
struct Packed {
    /// None when it has failed: what comes after a damage is not to be believed.
    bytes: Option<CrcReader<Unpacked>>,
    given: u64,
    size: u64,
    crc32: u32,
}

#[derive(Debug)]
enum Unpacked {
    Stored(Take<File>),
    Deflated(DeflateDecoder<BufReader<Take<File>>>),
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(file) => file.read(buffer),
            Self::Deflated(file) => file.read(buffer),
        }
    }
}

impl Packed {
    fn find(file: File) -> Result<Self, Refused> {
        let length = file.metadata().map_err(Refused::Io)?.len();
        let mut archive = ZipArchive::new(file)?;
        let index = only_csv(&archive)?;
        let entry = archive.by_index_raw(index)?;
        let (size, packed, crc32, method) = (entry.size(), entry.compressed_size(), entry.crc32(), entry.compression());
        let (encrypted, start) = (entry.encrypted(), entry.data_start());
        drop(entry);
        if encrypted {
            return Err(WrongFile::new(EXPECTED, "a zip archive with a password", "unpack it and give the .csv file inside").into());
        }
        // What a directory claims of bytes that are not there would let a few hold as much as many may.
        let start = start.filter(|start| start.saturating_add(packed) <= length).ok_or_else(|| damaged("a zip archive that is damaged"))?;
        if size > MOST_BYTES || size > packed.saturating_mul(MOST_PACKED) {
            let found = format!("a zip archive of {packed} bytes that claims to hold {size}: it is made to fill a machine");
            return Err(WrongFile::new(EXPECTED, found, "do not unpack it; download the file from Geonorge itself").into());
        }
        let mut file = archive.into_inner();
        file.seek(SeekFrom::Start(start)).map_err(Refused::Io)?;
        let file = file.take(packed);
        let bytes = match method {
            CompressionMethod::Stored => Unpacked::Stored(file),
            CompressionMethod::Deflated => Unpacked::Deflated(DeflateDecoder::new(BufReader::with_capacity(BUFFER, file))),
            other => {
                let found = format!("a zip archive that is packed in a rare way ({other})");
                return Err(WrongFile::new(EXPECTED, found, "unpack it and give the .csv file inside").into());
            }
        };
        Ok(Self { bytes: Some(CrcReader::new(bytes)), given: 0, size, crc32 })
    }

    /// The error that stands in the place of all that would follow.
    fn fail(&mut self, found: &str) -> io::Error {
        self.bytes = None;
        io::Error::new(io::ErrorKind::InvalidData, damaged(found))
    }
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let Some(bytes) = &mut self.bytes else { return Err(self.fail("a zip archive that is damaged")) };
        let count = match bytes.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            // The unpacker's words for bytes that are no longer what was packed.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
                return Err(self.fail("a zip archive that is damaged in the middle"));
            }
            Err(error) => return Err(error),
        };
        self.given += count as u64;
        let sum = bytes.crc().sum();
        if self.given > self.size {
            return Err(self.fail("a zip archive that holds more than it says"));
        }
        if count == 0 && (self.given < self.size || sum != self.crc32) {
            return Err(self.fail("a zip archive whose content is not what was packed (its size or its CRC-32 is another)"));
        }
        Ok(count)
    }
}

/// The place of the archive's only CSV, in whatever folder.
fn only_csv(archive: &ZipArchive<File>) -> Result<usize, Refused> {
    let mut found = Vec::new();
    let mut others = Vec::new();
    for index in 0..archive.len() {
        let Some(name) = archive.name_for_index(index).transpose()? else { continue };
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        // A folder; and what a Mac adds for itself to each file that it packs.
        if last.is_empty() || last.starts_with("._") || name.starts_with("__MACOSX/") {
            continue;
        }
        let is_csv = Path::new(last).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if is_csv { found.push((index, name.into_owned())) } else { others.push(name.into_owned()) }
    }
    match found.as_slice() {
        [(index, _)] => Ok(*index),
        [] if others.is_empty() => Err(WrongFile::new(EXPECTED, "a zip archive with nothing in it", AGAIN).into()),
        [] => {
            let held = format!("a zip archive without a CSV file; in it: {}", names(&others));
            Err(WrongFile::new(EXPECTED, held, "download the product in the format CSV").into())
        }
        several => {
            let names = names(&several.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>());
            let held = format!("a zip archive with {} CSV files: {names}", several.len());
            Err(WrongFile::new(EXPECTED, held, "unpack it, and give the one that is meant").into())
        }
    }
}

/// The first names, so that they can be shown: an archive may hold thousands, and signs that would steer a terminal.
fn names(all: &[String]) -> String {
    let shown: Vec<String> =
        all.iter().take(SHOWN).map(|name| name.chars().map(|c| if c.is_control() { '?' } else { c }).take(120).collect()).collect();
    let rest = all.len().saturating_sub(SHOWN);
    if rest == 0 { shown.join(", ") } else { format!("{} and {rest} more", shown.join(", ")) }
}
