//! A published address file, row by row, from its first byte to its last.

use std::{
    io::{self, Chain, Cursor, Read},
    mem,
    path::{Path, PathBuf},
};

use super::{
    ImportError, Progress, Projections, Refused, Source, WrongFile,
    row::{Address, Columns, Dwelling, Reason},
    sniff::{self, ADDRESS_FILE, HEAD_BYTES},
};

/// After so many rows it is said how far the reading is.
const ROWS_PER_WORD: u64 = 4_096;

/// A row: what it says, or why it is refused and which address it would have been about.
#[derive(Debug)]
pub enum Row {
    /// It can be used.
    Usable {
        /// Its line; the header is line 1.
        line: u64,
        /// The address.
        address: Address,
        /// Its door, in the flat-level product.
        dwelling: Option<Dwelling>,
    },
    /// It cannot.
    Refused {
        /// Where and why.
        refused: Refused,
        /// The publisher's id, where it can be read.
        source_id: Option<String>,
    },
}

/// An open file.
#[derive(Debug)]
pub struct Rows {
    path: PathBuf,
    reader: csv::Reader<Counted<Chain<Cursor<Vec<u8>>, Source>>>,
    /// Where its columns stand.
    pub columns: Columns,
    projections: Projections,
    record: csv::ByteRecord,
    rows: u64,
    progress: Progress,
}

impl Rows {
    /// Opens a file and reads its header. `what` is said to whoever waits.
    ///
    /// # Errors
    /// When it cannot be read, or is something else by its first bytes or its header.
    pub fn open(path: &Path, progress: &Progress, what: &'static str) -> Result<Self, ImportError> {
        let mut source = Source::open(path)?;
        progress.begin(what, source.bytes_total());
        let mut head = Vec::with_capacity(HEAD_BYTES);
        source.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(|error| ImportError::read(path, error))?;
        sniff::addresses(&head)?;
        let bytes = Counted { from: Cursor::new(head).chain(source), bytes: 0, last: None };
        // Lines end in CR LF. Told to end them at LF alone, the reader counts them as an editor does; the CR is trimmed away.
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(b';')
            .flexible(true)
            .terminator(csv::Terminator::Any(b'\n'))
            .buffer_capacity(HEAD_BYTES)
            .from_reader(bytes);
        let columns = Columns::find(&reader.headers().map_err(|error| broken(path, error))?.clone())?;
        Ok(Self {
            path: path.to_owned(),
            reader,
            columns,
            projections: Projections::default(),
            record: csv::ByteRecord::new(),
            rows: 0,
            progress: progress.clone(),
        })
    }

    /// The next row; none at the end of a whole file.
    ///
    /// # Errors
    /// When the file cannot be read further, or was cut off.
    pub fn next(&mut self) -> Result<Option<Row>, ImportError> {
        if !self.reader.read_byte_record(&mut self.record).map_err(|error| broken(&self.path, error))? {
            self.refuse_cut_off()?;
            return Ok(None);
        }
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_PER_WORD) {
            self.progress.at(self.reader.get_ref().bytes);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let row = match csv::StringRecord::from_byte_record(mem::take(&mut self.record)) {
            Ok(row) => row,
            Err(error) => {
                self.record = error.into_byte_record();
                // Of which address it speaks can still be told, where that field can be read.
                let source_id = self.columns.source_id(&self.record).map(str::to_owned);
                return Ok(Some(Row::Refused { refused: Refused { line, field: "the row", reason: Reason::NotUtf8 }, source_id }));
            }
        };
        let read = match self.columns.read(&row, &self.projections) {
            Ok((address, dwelling)) => Row::Usable { line, address, dwelling },
            Err((field, reason)) => {
                Row::Refused { refused: Refused { line, field, reason }, source_id: self.columns.source_id(row.as_byte_record()).map(str::to_owned) }
            }
        };
        self.record = row.into_byte_record();
        Ok(Some(read))
    }

    /// As published, each line ends, the last one too. A file that does not was cut off, and nobody would miss what is not there.
    fn refuse_cut_off(&self) -> Result<(), WrongFile> {
        if self.reader.get_ref().last == Some(b'\n') {
            return Ok(());
        }
        Err(WrongFile::new(
            "a whole file, whose last line ends as the others do",
            "a file that ends in the middle of a line: it was most likely cut off",
            "download the file again; if an editor took away the last line's end and nothing else, put it back",
        ))
    }
}

fn broken(path: &Path, error: csv::Error) -> ImportError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ImportError::read(path, error),
        csv::ErrorKind::Utf8 { .. } => WrongFile::new(ADDRESS_FILE, "a header that is not UTF-8", "give the file as it was downloaded").into(),
        _ => WrongFile::new(ADDRESS_FILE, "a file that cannot be read as a table", "give the file as it was downloaded").into(),
    }
}

/// A stream that remembers how much of it was read, and its last byte.
#[derive(Debug)]
struct Counted<R> {
    from: R,
    bytes: u64,
    last: Option<u8>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.bytes += count as u64;
        self.last = buffer[..count].last().copied().or(self.last);
        Ok(count)
    }
}
