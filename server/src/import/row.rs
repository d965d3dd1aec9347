//! One line of the published address file.

use dorbank_shared::geo::LatLon;

use super::{
    WrongFile,
    projection::{KNOWN, Projections, in_norway, round},
    sniff::ADDRESS_FILE,
};

/// An address as published.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    /// The publisher's id.
    pub source_id: String,
    /// The municipality's number.
    pub municipality: String,
    /// The street's name; of an address without one its whole text.
    pub street: String,
    /// The house number; 0 where there is none.
    pub number: i64,
    /// The letter, or nothing.
    pub letter: String,
    /// Four digits, or nothing.
    pub postcode: String,
    /// Its name, or nothing.
    pub post_town: String,
    /// The basic statistical unit.
    pub grunnkrets: Option<String>,
    /// Where it stands.
    pub at: LatLon,
}

/// Why a row was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// More or fewer fields than the header has.
    FieldCount,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// No id.
    MissingId,
    /// An id that an earlier row has.
    RepeatedId,
    /// No municipality's number of four digits.
    BadMunicipality,
    /// Neither a street's name nor a text.
    MissingStreet,
    /// A house number that is none.
    BadNumber,
    /// A coordinate that is no number.
    BadCoordinate,
    /// A coordinate system that the importer does not know.
    UnknownEpsg,
    /// A place that is not in Norway.
    OutsideNorway,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::FieldCount => "not as many fields as the header has",
            Self::NotUtf8 => "text that is not UTF-8",
            Self::MissingId => "no id, so the address could not be found again",
            Self::RepeatedId => "the same id as an earlier row",
            Self::BadMunicipality => "not a municipality's number of four digits",
            Self::MissingStreet => "no street",
            Self::BadNumber => "not a house number",
            Self::BadCoordinate => "not a number",
            Self::UnknownEpsg => "not one of the coordinate systems 4258, 4326, 25832, 25833 and 25835",
            Self::OutsideNorway => "a place outside Norway; the coordinate system may be another than the row says",
        })
    }
}

/// A refusal: the column's name and the reason.
pub type Refusal = (&'static str, Reason);

/// Where the columns stand in this file.
#[derive(Debug)]
pub struct Columns {
    /// How many the header has.
    pub count: usize,
    id: usize,
    municipality: usize,
    kind: Option<usize>,
    street: usize,
    number: usize,
    letter: usize,
    text: usize,
    epsg: usize,
    north: usize,
    east: usize,
    postcode: usize,
    post_town: usize,
    grunnkrets: Option<usize>,
}

impl Columns {
    /// Finds the columns by their names; their order and other columns do not matter.
    pub fn find(header: &csv::StringRecord) -> Result<Self, WrongFile> {
        let names: Vec<String> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_lowercase()).collect();
        let at = |name: &str| names.iter().position(|n| *n == name.to_lowercase());
        if at("bruksenhetsnummer").is_some() {
            return Err(WrongFile::new(
                ADDRESS_FILE,
                "the product with one row for each dwelling (Leilighetsnivå)",
                "download the product \"Matrikkelen - Adresse\" without \"Leilighetsnivå\"",
            ));
        }
        let mut missing = Vec::new();
        let mut need = |name: &'static str, found: Option<usize>| {
            found.unwrap_or_else(|| {
                missing.push(name);
                0
            })
        };
        let columns = Self {
            count: header.len(),
            id: need("lokalid", at("lokalid").or_else(|| at("adresseId"))),
            municipality: need("kommunenummer", at("kommunenummer")),
            kind: at("adressetype"),
            street: need("adressenavn", at("adressenavn")),
            number: need("nummer", at("nummer")),
            letter: need("bokstav", at("bokstav")),
            text: need("adresseTekst", at("adresseTekst")),
            epsg: need("EPSG-kode", at("EPSG-kode")),
            north: need("Nord", at("Nord")),
            east: need("Øst", at("Øst")),
            postcode: need("postnummer", at("postnummer")),
            post_town: need("poststed", at("poststed")),
            grunnkrets: at("grunnkretsnummer"),
        };
        if missing.is_empty() {
            return Ok(columns);
        }
        Err(WrongFile::new(
            ADDRESS_FILE,
            format!("a header with {} columns, without {}", header.len(), missing.join(", ")),
            "give the file as it was downloaded, with its first line; the columns are found by these names",
        ))
    }

    /// The publisher's id of a row, if it has as many fields as that.
    pub fn source_id<'a>(&self, row: &'a csv::StringRecord) -> Option<&'a str> {
        row.get(self.id).map(str::trim).filter(|id| !id.is_empty())
    }

    /// Reads a row.
    ///
    /// An address without a street's name (Matrikkeladresse) has no house number either; its text ("Solbakken, 38/5")
    /// stands for the street, so that its door can be found and knocked at.
    pub fn read(&self, row: &csv::StringRecord, projections: &Projections) -> Result<Address, Refusal> {
        if row.len() != self.count {
            return Err(("the row", Reason::FieldCount));
        }
        let field = |index: usize| row.get(index).unwrap_or_default().trim();
        let source_id = field(self.id);
        if source_id.is_empty() {
            return Err(("lokalid", Reason::MissingId));
        }
        let municipality = digits(field(self.municipality), 4).ok_or(("kommunenummer", Reason::BadMunicipality))?;
        let by_street = !field(self.street).is_empty();
        let parcel = self.kind.is_some_and(|kind| field(kind).eq_ignore_ascii_case("matrikkeladresse"));
        if !by_street && (!parcel || field(self.text).is_empty()) {
            return Err(("adressenavn", Reason::MissingStreet));
        }
        let number = match field(self.number) {
            "" if !by_street => 0,
            text => text.parse::<u16>().map(i64::from).map_err(|_| ("nummer", Reason::BadNumber))?,
        };
        let at = self.place(&field, projections)?;
        Ok(Address {
            source_id: source_id.to_owned(),
            municipality,
            street: field(if by_street { self.street } else { self.text }).to_owned(),
            number,
            letter: field(self.letter).to_uppercase(),
            postcode: digits(field(self.postcode), 4).unwrap_or_default(),
            post_town: field(self.post_town).to_owned(),
            grunnkrets: self.grunnkrets.and_then(|index| digits(field(index), 8)),
            at,
        })
    }

    fn place<'a>(&self, field: &impl Fn(usize) -> &'a str, projections: &Projections) -> Result<LatLon, Refusal> {
        let epsg = field(self.epsg);
        let epsg = epsg.strip_prefix("EPSG:").unwrap_or(epsg);
        let epsg = epsg.parse().ok().filter(|code| KNOWN.contains(code)).ok_or(("EPSG-kode", Reason::UnknownEpsg))?;
        // A spreadsheet set to Norwegian writes a comma.
        let coordinate = |text: &str| text.replace(',', ".").parse::<f64>().ok().filter(|value| value.is_finite());
        let north = coordinate(field(self.north)).ok_or(("Nord", Reason::BadCoordinate))?;
        let east = coordinate(field(self.east)).ok_or(("Øst", Reason::BadCoordinate))?;
        projections.degrees(epsg, north, east).filter(|at| in_norway(*at)).map(round).ok_or(("Nord", Reason::OutsideNorway))
    }
}

/// A number of so many digits; a spreadsheet takes zeros from its front, and they are put back.
pub fn digits(text: &str, length: usize) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= length && text.len() + 1 >= length && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| format!("{text:0>length$}"))
}
