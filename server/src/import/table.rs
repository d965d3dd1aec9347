//! Small tables that people make in a spreadsheet and save as CSV: columns by their usual names, in any order.

use super::{
    WrongFile,
    sniff::{self, Kind},
};

/// What a table is, for the words of a refusal.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    /// What is expected.
    pub expected: &'static str,
    /// How to come by it.
    pub help: &'static str,
}

impl About {
    /// A refusal of the file.
    pub fn wrong(&self, found: impl Into<String>) -> WrongFile {
        WrongFile::new(self.expected, found, self.help)
    }
}

/// A table that was read: its columns by name, its rows with their lines.
#[derive(Debug)]
pub(super) struct Table {
    about: About,
    header: Vec<String>,
    rows: Vec<(u64, csv::StringRecord)>,
}

/// The place of a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column(usize);

impl Table {
    /// Reads a table. Fields are divided by semicolons where the header has one, else by commas.
    ///
    /// # Errors
    /// When it is something else, has a row with more or fewer fields than the header, or no row at all.
    pub fn read(bytes: &[u8], about: About) -> Result<Self, WrongFile> {
        let delimiter = delimiter(bytes, about)?;
        // Told to end lines at LF alone, the reader counts them as an editor does; a CR is trimmed away.
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(csv::Trim::All)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(bytes);
        let header = reader.headers().map_err(|_| about.wrong("a header that cannot be read"))?;
        let header: Vec<String> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim_matches('"').trim().to_lowercase()).collect();
        let mut rows = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|error| {
                let line = error.position().map_or(0, csv::Position::line);
                about.wrong(format!("line {line}, which is not UTF-8"))
            })?;
            let line = row.position().map_or(0, csv::Position::line);
            // A spreadsheet keeps writing empty rows below the last one.
            if row.iter().all(str::is_empty) {
                continue;
            }
            if row.len() != header.len() {
                return Err(about.wrong(format!("line {line}, which has more or fewer fields than the header")));
            }
            rows.push((line, row));
        }
        if rows.is_empty() {
            return Err(about.wrong("a header and no row"));
        }
        Ok(Self { about, header, rows })
    }

    /// The column that has one of these names, the first name first.
    pub fn column(&self, names: &[&str]) -> Option<Column> {
        names.iter().find_map(|name| self.header.iter().position(|column| column == name)).map(Column)
    }

    /// As [`Table::column`], for one without which the table says nothing.
    pub fn need(&self, names: &[&str]) -> Result<Column, WrongFile> {
        self.column(names).ok_or_else(|| self.wrong(format!("the columns {}; none is called {}", self.header.join(", "), names.join(" or "))))
    }

    /// The rows, each with its line; the header is line 1.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, record)| Row { line: *line, record })
    }

    /// A refusal of the file.
    pub fn wrong(&self, found: impl Into<String>) -> WrongFile {
        self.about.wrong(found)
    }
}

/// A row of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// Its line in the file.
    pub line: u64,
    record: &'a csv::StringRecord,
}

impl<'a> Row<'a> {
    /// What stands in a column; empty where nothing does.
    pub fn get(&self, column: Column) -> &'a str {
        self.record.get(column.0).unwrap_or_default()
    }

    /// As [`Row::get`], of a column that the table may lack.
    pub fn find(&self, column: Option<Column>) -> Option<&'a str> {
        column.map(|column| self.get(column)).filter(|text| !text.is_empty())
    }
}

/// Refuses what is no table by its first bytes; else says what divides its fields.
fn delimiter(bytes: &[u8], about: About) -> Result<u8, WrongFile> {
    match sniff::kind(bytes) {
        Kind::Text(text) => Ok(if text.lines().next().unwrap_or_default().contains(';') { b';' } else { b',' }),
        Kind::Empty => Err(about.wrong("an empty file")),
        Kind::Utf16 => Err(about.wrong("text in UTF-16")),
        Kind::Zip => Err(about.wrong("a zip archive, as spreadsheets are")),
        Kind::Gzip | Kind::Binary => Err(about.wrong("a file that is not text")),
        Kind::Html => Err(about.wrong("a web page (HTML), most likely an error message or a sign-in page")),
        Kind::Xml | Kind::Json => Err(about.wrong("a file that is no table")),
        Kind::OtherText => Err(about.wrong("text in another encoding than UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About = About { expected: "a table", help: "save it" };

    fn read(text: &str) -> Result<Table, String> {
        Table::read(text.as_bytes(), ABOUT).map_err(|wrong| wrong.found)
    }

    #[test]
    fn columns_are_found_by_name_and_rows_keep_their_lines() {
        let table = read("\u{feff}Navn ; NR\r\nØst; 1\r\n;\r\n\"Vest; ytre\";2\r\n").unwrap();
        let (name, number) = (table.need(&["name", "navn"]).unwrap(), table.need(&["nr"]).unwrap());
        let rows: Vec<_> = table.rows().map(|row| (row.line, row.get(name), row.get(number))).collect();
        assert_eq!(rows, [(2, "Øst", "1"), (4, "Vest; ytre", "2")]);
        assert!(table.column(&["year"]).is_none());
        assert_eq!(table.need(&["year", "år"]).unwrap_err().found, "the columns navn, nr; none is called year or år");
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let cases = [
            ("", "an empty file"),
            ("PK\u{3}\u{4}", "a zip archive, as spreadsheets are"),
            ("{\"a\":1}", "a file that is no table"),
            ("a,b\n", "a header and no row"),
            ("a,b\n1,2\n1\n", "line 3, which has more or fewer fields than the header"),
        ];
        for (text, found) in cases {
            assert_eq!(read(text).unwrap_err(), found, "{text}");
        }
        assert_eq!(Table::read(b"a;b\n\xe5;1\n", ABOUT).unwrap_err().found, "line 2, which is not UTF-8");
    }
}
