//! One line of a published address file, of either product.

use dorbank_shared::{geo::LatLon, place::UnitLabel};

use super::{
    WrongFile,
    projection::{KNOWN, Projections, in_norway, round},
    sniff::ADDRESS_FILE,
};

/// Which of the publisher's products a file is. Its header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Product {
    /// "Matrikkelen - Adresse": one row for each address.
    #[default]
    Addresses,
    /// "Matrikkelen - Adresse Leilighetsnivå": one row for each dwelling, or one for an address without any.
    Dwellings,
}

/// An address as published.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    /// The publisher's id, the same in both products.
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
    /// The cadastral property within the municipality ("19/1/0"), or nothing.
    pub property: String,
    /// Where it stands.
    pub at: LatLon,
}

/// What a row of the flat-level product says of a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dwelling {
    /// A dwelling with its official number.
    Numbered(UnitLabel),
    /// A dwelling without a number, or an address for which no dwelling is listed: one door.
    Unnumbered,
    /// A holiday home, a shop, an office: nobody lives there.
    None,
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
    /// A dwelling's number that is none.
    BadDwelling,
    /// A door that an earlier row has.
    RepeatedDwelling,
    /// A kind of unit that is none of the five.
    UnknownKind,
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
            Self::BadDwelling => "not a dwelling's number, a letter (K, U, H or L) and four digits, as H0301",
            Self::RepeatedDwelling => "the same door as an earlier row",
            Self::UnknownKind => "not one of the kinds B, I, F, A and U",
        })
    }
}

/// A refusal: the column's name and the reason.
pub type Refusal = (&'static str, Reason);

/// The names under which the kind of a unit stands.
const KINDS: [&str; 3] = ["bruksenhetstype", "bruksenhetstypekode", "bruksenhetstypeKodeverdi"];

/// Where the columns stand in this file.
#[derive(Debug)]
pub struct Columns {
    /// How many the header has.
    pub count: usize,
    /// Which product the file is.
    pub product: Product,
    id: usize,
    id_name: &'static str,
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
    property: Option<[usize; 3]>,
    dwelling: Option<usize>,
    unit_kind: Option<usize>,
}

impl Columns {
    /// Finds the columns by their names; their order and other columns do not matter.
    pub fn find(header: &csv::StringRecord) -> Result<Self, WrongFile> {
        // Before a quoted first name the mark at the front of the file keeps its quotes from being read as such.
        let names: Vec<String> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().trim_matches('"').to_lowercase()).collect();
        let at = |name: &str| names.iter().position(|n| *n == name.to_lowercase());
        let mut missing = Vec::new();
        let mut need = |name: &'static str, found: Option<usize>| {
            found.unwrap_or_else(|| {
                missing.push(name);
                0
            })
        };
        let dwelling = at("bruksenhetsnummer");
        // Of dwellings `lokalid` is the dwelling's own id, and only `adresseId` the address's.
        let (id_name, id) = match dwelling {
            None => ("lokalid", at("lokalid").or_else(|| at("adresseId"))),
            Some(_) => ("adresseId", at("adresseId")),
        };
        let columns = Self {
            count: header.len(),
            product: if dwelling.is_some() { Product::Dwellings } else { Product::Addresses },
            id: need(id_name, id),
            id_name,
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
            property: match (at("gardsnummer"), at("bruksnummer"), at("festenummer")) {
                (Some(farm), Some(holding), Some(lease)) => Some([farm, holding, lease]),
                _ => None,
            },
            dwelling,
            unit_kind: KINDS.iter().find_map(|name| at(name)),
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

    /// The publisher's id of a row's address, if it has as many fields as that.
    pub fn source_id<'a>(&self, row: &'a csv::ByteRecord) -> Option<&'a str> {
        row.get(self.id).and_then(|id| std::str::from_utf8(id).ok()).map(str::trim).filter(|id| !id.is_empty())
    }

    /// What the column of the id is called in this file.
    pub const fn id_name(&self) -> &'static str {
        self.id_name
    }

    /// Whether the file says what kind of unit a dwelling is.
    pub const fn has_kinds(&self) -> bool {
        self.unit_kind.is_some()
    }

    /// Whether the file says in which basic statistical unit an address lies.
    pub const fn has_grunnkrets(&self) -> bool {
        self.grunnkrets.is_some()
    }

    /// Whether the file says on which property an address lies.
    pub const fn has_property(&self) -> bool {
        self.property.is_some()
    }

    /// Reads a row: its address and, of the flat-level product, its door.
    ///
    /// An address without a street's name (Matrikkeladresse) has no house number either; its text ("Solbakken, 38/5")
    /// stands for the street, so that its door can be found and knocked at.
    pub fn read(&self, row: &csv::StringRecord, projections: &Projections) -> Result<(Address, Option<Dwelling>), Refusal> {
        if row.len() != self.count {
            return Err(("the row", Reason::FieldCount));
        }
        let field = |index: usize| row.get(index).unwrap_or_default().trim();
        let source_id = field(self.id);
        if source_id.is_empty() {
            return Err((self.id_name, Reason::MissingId));
        }
        let municipality = digits(field(self.municipality), 4).ok_or(("kommunenummer", Reason::BadMunicipality))?;
        let dwelling = self.dwelling.map(|index| self.dwelling(field(index), &field)).transpose()?;
        let by_street = !field(self.street).is_empty();
        let parcel = self.kind.is_some_and(|kind| field(kind).eq_ignore_ascii_case("matrikkeladresse"));
        let text = self.dwelling.map_or(field(self.text), |index| without_dwelling(field(self.text), field(index)));
        if !by_street && (!parcel || text.is_empty()) {
            return Err(("adressenavn", Reason::MissingStreet));
        }
        let number = match field(self.number) {
            "" if !by_street => 0,
            text => text.parse::<u16>().map(i64::from).map_err(|_| ("nummer", Reason::BadNumber))?,
        };
        let at = self.place(&field, projections)?;
        let address = Address {
            source_id: source_id.to_owned(),
            municipality,
            street: if by_street { field(self.street) } else { text }.to_owned(),
            number,
            letter: field(self.letter).to_uppercase(),
            postcode: digits(field(self.postcode), 4).unwrap_or_default(),
            post_town: field(self.post_town).to_owned(),
            grunnkrets: self.grunnkrets.and_then(|index| digits(field(index), 8)),
            property: self.property.map(|columns| property(columns.map(field))).unwrap_or_default(),
            at,
        };
        Ok((address, dwelling))
    }

    /// The door of a row. A holiday home and what is no dwelling at all are left out, whatever their number.
    fn dwelling<'a>(&self, number: &str, field: &impl Fn(usize) -> &'a str) -> Result<Dwelling, Refusal> {
        match self.unit_kind.map_or("", field) {
            // Bolig, Ikke godkjent bolig, Unummerert.
            "" | "B" | "b" | "I" | "i" | "U" | "u" => {}
            // Fritidsbolig, Annet enn bolig.
            "F" | "f" | "A" | "a" => return Ok(Dwelling::None),
            _ => return Err(("bruksenhetstype", Reason::UnknownKind)),
        }
        if number.is_empty() {
            return Ok(Dwelling::Unnumbered);
        }
        UnitLabel::parse(&number.to_uppercase()).map(Dwelling::Numbered).ok_or(("bruksenhetsnummer", Reason::BadDwelling))
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

/// The text of an address without the dwelling's number at its end: "Solbakken, 38/5, H0101" in the flat-level product is
/// "Solbakken, 38/5" in the other.
fn without_dwelling<'a>(text: &'a str, number: &str) -> &'a str {
    let shorter = text.strip_suffix(number).filter(|_| !number.is_empty());
    shorter.and_then(|rest| rest.trim_end().strip_suffix(',')).map_or(text, str::trim_end)
}

/// A cadastral property: gårdsnummer, bruksnummer and festenummer, which is 0 or missing where there is none. A section is
/// a part of it.
fn property([farm, holding, lease]: [&str; 3]) -> String {
    let number = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u32>().ok() };
    match (number(farm), number(holding), number(lease)) {
        (Some(farm), Some(holding), Some(lease)) if farm > 0 => format!("{farm}/{holding}/{lease}"),
        _ => String::new(),
    }
}

/// A number of so many digits; a spreadsheet takes zeros from its front, and they are put back.
pub fn digits(text: &str, length: usize) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= length && text.len() + 1 >= length && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| format!("{text:0>length$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dwellings_number_is_taken_off_the_end_of_a_text() {
        for (text, number, left) in [
            ("Solbakken, 38/5, H0101", "H0101", "Solbakken, 38/5"),
            ("Solbakken, 38/5,H0101", "H0101", "Solbakken, 38/5"),
            ("Solbakken, 38/5", "H0101", "Solbakken, 38/5"),
            ("Solbakken, 38/5", "", "Solbakken, 38/5"),
            ("Gata H0101", "H0101", "Gata H0101"),
            ("H0101", "H0101", "H0101"),
        ] {
            assert_eq!(without_dwelling(text, number), left, "{text}");
        }
    }

    #[test]
    fn a_property_is_the_same_with_and_without_a_lease() {
        assert_eq!(property(["19", "1", ""]), "19/1/0");
        assert_eq!(property(["19", "1", "0"]), "19/1/0");
        assert_eq!(property(["19", "1", "3"]), "19/1/3");
        for none in [["", "", ""], ["0", "0", "0"], ["x", "1", ""], ["19", "1", "-"]] {
            assert_eq!(property(none), "");
        }
    }
}
