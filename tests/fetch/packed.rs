//! Files as Geonorge packs them, made up, and every way in which one can be wrong.

use std::{
    fmt::Write as _,
    io::{Cursor, Write as _},
};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// The columns that an address file needs, and the date of its extraction.
const HEADER: &str = "lokalid;kommunenummer;adressetype;adressenavn;nummer;bokstav;adresseTekst;EPSG-kode;Nord;Øst;postnummer;poststed;\
    grunnkretsnummer;datauttaksdato";

/// A made-up address file of a municipality: so many houses of one street, of which each stands apart.
pub fn addresses(municipality: &str, houses: usize) -> String {
    let mut out = format!("\u{feff}{HEADER}\r\n");
    for house in 1..=houses {
        let north = 59.91 + house as f64 * 1e-4;
        write!(
            out,
            "{municipality}{house:06};{municipality};vegadresse;Rognegata;{house};;Rognegata {house};4258;{north:.6};10.77;0101;PRØVE;\
             {municipality}0101;01.07.2026 09:03:43\r\n"
        )
        .unwrap();
    }
    out
}

/// A zip with these files, packed one way.
pub fn zip_by(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(method);
        if name.ends_with('/') {
            writer.add_directory(*name, options).unwrap();
            continue;
        }
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A zip with these files, as they are published.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip_by(files, CompressionMethod::Deflated)
}

/// A zip with one file in a folder of its own name, as Geonorge makes them.
pub fn published(name: &str, csv: &str) -> Vec<u8> {
    zip(&[(&format!("{}/matrikkelenAdresse.csv", name.trim_end_matches(".zip")), csv.as_bytes())])
}

/// Where the bytes `what` stand in `all`, the last time.
fn last(all: &[u8], what: &[u8]) -> usize {
    memchr::memmem::rfind(all, what).unwrap()
}

/// The same zip, whose directory says other things of its only file: with how many bytes it is packed, and how many it
/// holds; and by which bits it is marked.
pub fn claiming(mut zip: Vec<u8>, packed: Option<u32>, size: Option<u32>, flags: Option<u16>) -> Vec<u8> {
    // The central directory's header: its mark, then at 8 the flags, at 20 the packed size, at 24 the size.
    let at = last(&zip, b"PK\x01\x02");
    if let Some(packed) = packed {
        zip[at + 20..at + 24].copy_from_slice(&packed.to_le_bytes());
    }
    if let Some(size) = size {
        zip[at + 24..at + 28].copy_from_slice(&size.to_le_bytes());
    }
    if let Some(flags) = flags {
        zip[at + 8..at + 10].copy_from_slice(&flags.to_le_bytes());
    }
    zip
}

/// The same zip, whose directory names another sum.
pub fn summing_to_another(mut zip: Vec<u8>) -> Vec<u8> {
    let at = last(&zip, b"PK\x01\x02");
    zip[at + 16] ^= 1;
    zip
}

/// Where the packed bytes of the only file begin.
pub fn data_start(zip: &[u8]) -> usize {
    let length = |at: usize| usize::from(u16::from_le_bytes([zip[at], zip[at + 1]]));
    30 + length(26) + length(28)
}
