//! What a published file is of, as its name tells it: `Basisdata_0301_Oslo_4258_MatrikkelenAdresse_CSV.zip`.

use std::fmt;

/// A product of Kartverket's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Product {
    /// One row for each address: an entrance.
    Addresses,
    /// One row for each dwelling: a door.
    Flats,
}

impl Product {
    /// Its name in addresses and file names.
    pub fn code(self) -> &'static str {
        match self {
            Self::Addresses => "MatrikkelenAdresse",
            Self::Flats => "MatrikkelenAdresseLeilighetsniva",
        }
    }

    /// Its name for people, as the catalogue has it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Addresses => "Matrikkelen - Adresse",
            Self::Flats => "Matrikkelen - Adresse Leilighetsnivå",
        }
    }

    /// As `--product` calls it.
    pub fn option(self) -> &'static str {
        match self {
            Self::Addresses => "addresses",
            Self::Flats => "flats",
        }
    }
}

/// What a file is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The municipality's number, four digits.
    pub municipality: String,
    /// Its name in the letters of file names: `Nore_og_Uvdal`, `Tromso`.
    pub name: String,
    /// The coordinate system.
    pub epsg: u32,
    /// The product.
    pub product: Product,
}

impl Place {
    /// Reads a file's name. Nothing where it is of another form, of the whole country or of a county.
    pub fn parse(file: &str) -> Option<Self> {
        let rest = file.strip_prefix("Basisdata_")?.strip_suffix("_CSV.zip")?;
        let (rest, code) = rest.rsplit_once('_')?;
        let product = [Product::Addresses, Product::Flats].into_iter().find(|product| product.code() == code)?;
        let (rest, epsg) = rest.rsplit_once('_')?;
        let (municipality, name) = rest.split_once('_')?;
        let is_number = municipality.len() == 4 && municipality.bytes().all(|b| b.is_ascii_digit()) && municipality != "0000";
        // It becomes a file's name here too.
        let is_name = !name.is_empty() && name.len() <= 80 && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        (is_number && is_name).then_some(())?;
        Some(Self { municipality: municipality.to_owned(), name: name.to_owned(), epsg: epsg.parse().ok()?, product })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { municipality, name, epsg, product } = self;
        write!(f, "Basisdata_{municipality}_{name}_{epsg}_{}_CSV.zip", product.code())
    }
}

/// A name as it is compared: small letters, without what file names and keyboards leave out.
pub fn folded(name: &str) -> String {
    let letters = name.to_lowercase().replace('æ', "e").replace('ø', "o").replace('å', "a");
    letters.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_name_tells_what_it_is_of() {
        let oslo = Place::parse("Basisdata_0301_Oslo_4258_MatrikkelenAdresse_CSV.zip").unwrap();
        assert_eq!((oslo.municipality.as_str(), oslo.name.as_str(), oslo.epsg, oslo.product), ("0301", "Oslo", 4258, Product::Addresses));
        let long = Place::parse("Basisdata_3338_Nore_og_Uvdal_25833_MatrikkelenAdresseLeilighetsniva_CSV.zip").unwrap();
        assert_eq!((long.name.as_str(), long.epsg, long.product), ("Nore_og_Uvdal", 25833, Product::Flats));
        for other in [
            "Basisdata_0000_Norge_4258_MatrikkelenAdresse_CSV.zip",
            "Basisdata_50_Trondelag_4258_MatrikkelenAdresse_CSV.zip",
            "Basisdata_0301_Oslo_4258_MatrikkelenAdresse_GML.zip",
            "Basisdata_0301_Oslo_4258_MatrikkelenBygning_CSV.zip",
            "Basisdata_0301__4258_MatrikkelenAdresse_CSV.zip",
            "Basisdata_0301_../../x_4258_MatrikkelenAdresse_CSV.zip",
            "Basisdata_0301_Oslo_MatrikkelenAdresse_CSV.zip",
            "",
        ] {
            assert_eq!(Place::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_is_found_however_it_is_typed() {
        for (typed, written) in [("Tromsø", "Tromso"), ("BÆRUM", "Berum"), ("Nore og Uvdal", "Nore_og_Uvdal"), ("ås", "As")] {
            assert_eq!(folded(typed), folded(written));
        }
    }

    proptest! {
        #[test]
        fn a_name_reads_back(number in 1u16..10_000, name in "[A-Za-z]{1,12}(_[A-Za-z]{1,9}){0,3}", epsg in 1u32..99_999, flats in any::<bool>()) {
            let product = if flats { Product::Flats } else { Product::Addresses };
            let place = Place { municipality: format!("{number:04}"), name, epsg, product };
            prop_assert_eq!(Place::parse(&place.to_string()), Some(place));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            if let Some(place) = Place::parse(&text) {
                prop_assert!(!place.to_string().contains(['/', '\\']));
            }
        }
    }
}
