//! Telling a wrong file by its first bytes, before anything of it is believed.

use super::WrongFile;

/// How much of a file is looked at.
pub const HEAD_BYTES: usize = 64 * 1024;

/// What the address importer reads.
pub const ADDRESS_FILE: &str = "Kartverket's address file of a municipality (Matrikkelen - Adresse, or Leilighetsnivå) as CSV, in its zip or unpacked: UTF-8, fields divided by semicolons";
/// How to come by it.
const ADDRESS_HELP: &str = "download the product \"Matrikkelen - Adresse\" or \"Matrikkelen - Adresse Leilighetsnivå\", \
    format CSV, for the municipality from Geonorge, and give it as it was downloaded";

/// What the district importer reads.
pub const DISTRICT_FILE: &str = "GeoJSON (a FeatureCollection) or TopoJSON of polygons, each with a number and a name, in WGS84 (longitude first) \
    or with a crs that says EPSG:25832, 25833 or 25835";
/// How to come by it.
pub const DISTRICT_HELP: &str = "export the districts as GeoJSON, coordinate system EPSG:4326, from the map where they are drawn";

/// What the table of basic statistical units looks like.
pub const GRUNNKRETS_FILE: &str = "a CSV table with a header and the columns grunnkretsnummer and bydelnr (and, if it has one, bydel for the name)";
/// How to come by it.
pub const GRUNNKRETS_HELP: &str = "save the table as CSV in UTF-8, with commas or semicolons";

/// Refuses a file of addresses that is something else by its first bytes.
pub fn addresses(head: &[u8]) -> Result<(), WrongFile> {
    let wrong = |found: &str, to_do: &str| Err(WrongFile::new(ADDRESS_FILE, found, to_do));
    match kind(head) {
        Kind::Empty => wrong("an empty file", "download it again: the transfer was cut off"),
        // A zip is unpacked before it comes here.
        Kind::Zip => wrong("a zip archive inside another", "unpack it and give the .csv file inside"),
        Kind::Gzip => wrong("a gzip archive", "unpack it and give the .csv file inside"),
        Kind::Utf16 => wrong("text in UTF-16", "give the file as it was downloaded; if a spreadsheet saved it, save it as \"CSV UTF-8\""),
        Kind::Html => wrong("a web page (HTML), most likely an error message or a sign-in page", ADDRESS_HELP),
        Kind::Xml => wrong("XML (perhaps the same product as GML)", ADDRESS_HELP),
        Kind::Json => wrong("JSON", ADDRESS_HELP),
        Kind::Binary => wrong("a file that is not text", ADDRESS_HELP),
        Kind::OtherText => wrong("text in another encoding than UTF-8 (perhaps Latin-1)", "give the file as it was downloaded, or save it as UTF-8"),
        Kind::Text(text) => {
            let header = text.lines().next().unwrap_or_default();
            for (mark, name) in [(',', "commas"), ('\t', "tabs"), ('|', "bars")] {
                if !header.contains(';') && header.matches(mark).count() >= 3 {
                    return wrong(
                        &format!("a header whose fields are divided by {name}"),
                        "give the file as it was downloaded; if a spreadsheet saved it, choose semicolons",
                    );
                }
            }
            Ok(())
        }
    }
}

/// Refuses a file of districts that is something else by its first bytes.
pub fn districts(head: &[u8]) -> Result<(), WrongFile> {
    let wrong = |found: &str, to_do: &str| Err(WrongFile::new(DISTRICT_FILE, found, to_do));
    match kind(head) {
        Kind::Json => Ok(()),
        Kind::Empty => wrong("an empty file", "download it again: the transfer was cut off"),
        Kind::Zip => wrong("a zip archive (perhaps a shapefile)", "unpack it; a shapefile must be exported as GeoJSON first"),
        Kind::Gzip => wrong("a gzip archive", "unpack it and give the .geojson or .json file inside"),
        Kind::Utf16 => wrong("text in UTF-16", "save it as UTF-8"),
        Kind::Html => wrong("a web page (HTML), most likely an error message or a sign-in page", DISTRICT_HELP),
        Kind::Xml => wrong("XML (perhaps GML or KML)", DISTRICT_HELP),
        Kind::Binary => wrong("a file that is not text", DISTRICT_HELP),
        Kind::OtherText | Kind::Text(_) => wrong("text that is not JSON", DISTRICT_HELP),
    }
}

/// Whether something begins as XML that is no web page.
pub fn is_xml(head: &[u8]) -> bool {
    matches!(kind(head), Kind::Xml)
}

/// Whether something begins as a web page.
pub fn is_html(head: &[u8]) -> bool {
    matches!(kind(head), Kind::Html)
}

/// What a file that begins so is called, when it is not what it should be.
pub fn called(head: &[u8]) -> &'static str {
    match kind(head) {
        Kind::Empty => "an empty file",
        Kind::Zip => "a zip archive",
        Kind::Gzip => "a gzip archive",
        Kind::Utf16 => "text in UTF-16",
        Kind::Html => "a web page (HTML), most likely an error message or a sign-in page,",
        Kind::Xml => "XML",
        Kind::Json => "JSON",
        Kind::Binary => "a file that is not text",
        Kind::OtherText | Kind::Text(_) => "text",
    }
}

/// What a file is by its first bytes.
#[derive(Debug)]
pub(super) enum Kind<'a> {
    Empty,
    Zip,
    Gzip,
    Utf16,
    Html,
    Xml,
    Json,
    Binary,
    OtherText,
    Text(&'a str),
}

/// Looks.
pub(super) fn kind(head: &[u8]) -> Kind<'_> {
    if head.starts_with(b"PK\x03\x04") {
        return Kind::Zip;
    }
    if head.starts_with(b"\x1f\x8b") {
        return Kind::Gzip;
    }
    // A mark at the front, or every second byte empty: text in 16 bits.
    let zeros = head.split(|byte| *byte == 0).count() - 1;
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || (zeros > 0 && zeros * 3 > head.len()) {
        return Kind::Utf16;
    }
    if zeros > 0 {
        return Kind::Binary;
    }
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut where the look ends.
        // And a wrong byte after the first line is a wrong row, not a wrong file.
        Err(error) if error.error_len().is_none() || head[..error.valid_up_to()].contains(&b'\n') => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return Kind::OtherText,
    };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let start: String = text.chars().take(2_000).collect::<String>().to_lowercase();
    match start.chars().next() {
        None => Kind::Empty,
        Some('<') if start.contains("<html") || start.contains("<!doctype html") => Kind::Html,
        Some('<') => Kind::Xml,
        Some('{' | '[') => Kind::Json,
        Some(_) => Kind::Text(text),
    }
}
