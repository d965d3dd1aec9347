//! Geonorge's ATOM feed of a product: which files there are.
//!
//! Only the links' addresses are read. What the feed says beside them is not to be relied on: it calls each CSV GML, and
//! its times are not as the standard asks.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use percent_encoding::percent_decode_str;
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use reqwest::Url;

use super::{
    super::WrongFile,
    FetchError, Product, Trouble,
    checksum::Sum,
    place::{Place, folded},
};

/// A file that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What it is of.
    pub place: Place,
    /// The municipality's name as it is written, where the feed says it.
    pub title: String,
    /// From where it can be had.
    pub url: Url,
    /// The sums that the feed promises of it. Geonorge's promises none.
    pub sums: Vec<Sum>,
}

/// How many numbers near a wrong one are told.
const NEAR: usize = 6;

/// The files of `product` that a feed offers of municipalities, in its order.
pub fn parse(bytes: &[u8], product: Product, feed: &Url) -> Result<Vec<Offer>, WrongFile> {
    let wrong = |found: &str| WrongFile::new("Geonorge's list of files (an ATOM feed)", found, "try again later, or download the file by hand");
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("text that is not UTF-8"))?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut offers = Vec::new();
    let (mut is_feed, mut title) = (false, None);
    loop {
        let element = match reader.read_event().map_err(|_| wrong("text that is not whole XML"))? {
            Event::Start(element) | Event::Empty(element) => element,
            Event::Eof => break,
            _ => continue,
        };
        match element.local_name().as_ref() {
            "feed" => is_feed = true,
            "entry" => title = None,
            "category" if attribute(&element, "term").is_some_and(|term| term == "Kommune") => title = attribute(&element, "label"),
            "link" => {
                let Some(url) = attribute(&element, "href").and_then(|href| feed.join(&href).ok()) else { continue };
                let Some(place) = file_name(&url).and_then(|name| Place::parse(&name)) else { continue };
                // A secure feed is not left for an open address.
                if place.product == product && (url.scheme() == "https" || url.scheme() == feed.scheme()) {
                    let sums = attribute(&element, "hash").map(|hash| Sum::in_feed(&hash)).unwrap_or_default();
                    let title = title.clone().unwrap_or_else(|| place.name.replace('_', " "));
                    offers.push(Offer { place, title, url, sums });
                }
            }
            _ => {}
        }
    }
    if is_feed { Ok(offers) } else { Err(wrong("XML of another kind")) }
}

fn attribute(element: &BytesStart, name: &str) -> Option<String> {
    let found = element.try_get_attribute(name).ok().flatten()?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(Cow::into_owned)
}

/// The last part of an address, with its escapes read.
fn file_name(url: &Url) -> Option<String> {
    percent_decode_str(url.path_segments()?.next_back()?).decode_utf8().ok().map(Cow::into_owned)
}

/// What a feed offers of what was asked for.
#[derive(Debug)]
pub enum Choice<'a> {
    /// This file.
    One(&'a Offer),
    /// Several municipalities have this name.
    Several(Vec<&'a Offer>),
    /// The municipality, but only in these coordinate systems.
    OtherSystems(&'a Offer, BTreeSet<u32>),
    /// No municipality of this number or name.
    Unknown(&'a [Offer]),
}

/// Finds the file of a municipality, by its number or by its name.
pub fn choose<'a>(offers: &'a [Offer], asked: &str, epsg: u32) -> Choice<'a> {
    let name = folded(asked);
    let is_asked = |offer: &&Offer| {
        offer.place.municipality == asked.trim() || (!name.is_empty() && (folded(&offer.title) == name || folded(&offer.place.name) == name))
    };
    let found: BTreeMap<&str, &Offer> = offers.iter().filter(is_asked).map(|offer| (offer.place.municipality.as_str(), offer)).collect();
    let mut found = found.into_iter();
    let Some((number, offer)) = found.next() else { return Choice::Unknown(offers) };
    if found.len() > 0 {
        return Choice::Several(std::iter::once(offer).chain(found.map(|(_, offer)| offer)).collect());
    }
    let of_it = || offers.iter().filter(|offer| offer.place.municipality == number);
    // A municipality that has just got another name may be offered under both: the last is the newer one.
    match of_it().rfind(|offer| offer.place.epsg == epsg) {
        Some(offer) => Choice::One(offer),
        None => Choice::OtherSystems(offer, of_it().map(|offer| offer.place.epsg).collect()),
    }
}

impl Choice<'_> {
    /// Why nothing can be taken.
    pub fn refusal(&self, asked: &str, epsg: u32, product: Product, feed: &Url) -> FetchError {
        let product_words = format!("\"{}\"", product.title());
        let new = |trouble, what: String, to_do: String| FetchError::new(trouble, what, feed.as_str(), to_do);
        match self {
            Self::One(offer) => new(Trouble::Unexpected, format!("{} is offered and was not taken", offer.place), "try again".to_owned()),
            Self::Several(offers) => {
                let numbers: Vec<String> = offers.iter().map(|offer| format!("{} {}", offer.place.municipality, offer.title)).collect();
                let what = format!("several municipalities are called {asked}: {}", numbers.join(", "));
                new(Trouble::UnknownMunicipality, what, "give the number: --municipality NUMBER".to_owned())
            }
            Self::OtherSystems(offer, systems) => {
                let systems: Vec<String> = systems.iter().map(u32::to_string).collect();
                let what = format!("{} {} is not offered in EPSG:{epsg} as {product_words}", offer.place.municipality, offer.title);
                new(Trouble::NotOffered, what, format!("take one of those that are: --epsg {}", systems.join(" or --epsg ")))
            }
            Self::Unknown(offers) => {
                let what = format!("no municipality with the number or name \"{asked}\" is offered as {product_words}");
                let others = "The other product may have it: --product addresses";
                let to_do = match product {
                    Product::Flats => format!("{} {others}", near_words(offers, asked)),
                    Product::Addresses => near_words(offers, asked),
                };
                new(Trouble::UnknownMunicipality, what, to_do)
            }
        }
    }
}

/// Which numbers there are near a wrong one, for whoever has a number from before a merger or a slip of the finger.
pub fn near_words(offers: &[Offer], asked: &str) -> String {
    let near = near(offers, asked);
    if near.is_empty() {
        return "Look the number up: it has four digits, as 0301 for Oslo.".to_owned();
    }
    let near: Vec<String> = near.into_iter().map(|(number, title)| format!("{number} {title}")).collect();
    // The reforms of 2018 (Trøndelag), 2020 (all of the country) and 2024 (what was split again).
    format!("Near it are {}. Many numbers changed when municipalities and counties merged and split (2018, 2020, 2024).", near.join(", "))
}

/// Municipalities with a number or a name near what was asked for, the nearest first.
fn near<'a>(offers: &'a [Offer], asked: &str) -> Vec<(&'a str, &'a str)> {
    let all: BTreeMap<&str, &str> = offers.iter().map(|offer| (offer.place.municipality.as_str(), offer.title.as_str())).collect();
    let name = folded(asked);
    let rank = |other: &str, title: &str| -> Option<u64> {
        if let Ok(number) = asked.trim().parse::<i64>() {
            return Some(other.parse::<i64>().ok()?.abs_diff(number));
        }
        // The longer the same beginning, the nearer; one letter alone says nothing.
        let alike = folded(title).chars().zip(name.chars()).take_while(|(a, b)| a == b).count() as u64;
        (alike >= 2).then(|| u64::MAX - alike)
    };
    let mut ranked: Vec<(u64, &str, &str)> = all.into_iter().filter_map(|(other, title)| Some((rank(other, title)?, other, title))).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(NEAR).map(|(_, number, title)| (number, title)).collect()
}

/// The file as it lies beside the feeds, by the pattern of such addresses, where the municipality's name is known.
pub fn by_pattern(names: &BTreeMap<String, String>, asked: &str, product: Product, epsg: u32, feeds: &Url) -> Option<Offer> {
    let (number, name) = names.iter().find(|(number, name)| *number == asked.trim() || folded(name) == folded(asked))?;
    let place = Place { municipality: number.clone(), name: name.clone(), epsg, product };
    let url = feeds.join(&format!("../Basisdata/{}/CSV/{place}", product.code())).ok()?;
    Some(Offer { title: name.replace('_', " "), place, url, sums: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed_url() -> Url {
        "https://nedlasting.geonorge.no/geonorge/ATOM-feeds/MatrikkelenAdresse_AtomFeedCSV.xml".parse().unwrap()
    }

    /// An entry of the form that Geonorge writes, wrong type and backslash included.
    fn entry(number: &str, file_name: &str, name: &str, epsg: u32) -> String {
        let file = format!(
            "https://nedlasting.geonorge.no/geonorge/Basisdata/MatrikkelenAdresse/CSV/Basisdata_{number}_{file_name}_{epsg}_MatrikkelenAdresse_CSV.zip"
        );
        format!(
            "<entry><author><name>Kartverket</name></author><category term=\"EPSG:{epsg}\" label=\"EPSG/0/{epsg}\"/>\
             <category term=\"Kommune\" label=\"{name}\"/>\
             <content type=\"html\">Trykk &lt;a href=\"{file}\"&gt;her&lt;\\a&gt;</content><id>{file}_2026-07-01T10:21:00</id>\
             <link rel=\"alternate\" href=\"{file}\" type=\"application/gml+xml;version=3.2.1\" title=\"Datasettet som GML-fil\" />\
             <title>CSV-format,  {number}, {name}</title><updated>2026-07-01T10:21:00</updated></entry>"
        )
    }

    fn feed(entries: &[String]) -> Vec<Offer> {
        let text = format!(
            "<?xml version='1.0' encoding='utf-8'?><feed xmlns=\"http://www.w3.org/2005/Atom\"><link rel=\"self\" href=\"https://nedlasting.geonorge.no\"/>\
             <updated>2026-07-20T04:15Z</updated>{}</feed>",
            entries.concat()
        );
        parse(text.as_bytes(), Product::Addresses, &feed_url()).unwrap()
    }

    #[test]
    fn what_is_offered_is_read_from_the_addresses() {
        let offers = feed(&[
            entry("0000", "Norge", "Norge", 4258),
            entry("5501", "Tromso", "Tromsø", 4258),
            entry("5501", "Tromso", "Tromsø", 25833),
            entry("50", "Trondelag", "Trøndelag", 4258),
        ]);
        assert_eq!(offers.len(), 2, "neither the country nor a county");
        assert_eq!((offers[0].title.as_str(), offers[0].place.name.as_str()), ("Tromsø", "Tromso"));
        for asked in ["5501", " 5501 ", "Tromsø", "tromso", "TROMSØ"] {
            assert!(matches!(choose(&offers, asked, 25833), Choice::One(offer) if offer.place.epsg == 25833), "{asked}");
        }
        let refusal = choose(&offers, "5501", 25835).refusal("5501", 25835, Product::Addresses, &feed_url());
        assert_eq!((refusal.trouble, refusal.to_do.as_str()), (Trouble::NotOffered, "take one of those that are: --epsg 4258 or --epsg 25833"));
    }

    #[test]
    fn a_wrong_number_is_told_what_is_near_it() {
        let offers = feed(&[
            entry("0301", "Oslo", "Oslo", 4258),
            entry("3201", "Berum", "Bærum", 4258),
            entry("3203", "Asker", "Asker", 4258),
            entry("3114", "Valer", "Våler", 4258),
            entry("3419", "Valer", "Våler", 4258),
        ]);
        let refusal = |asked: &str| choose(&offers, asked, 4258).refusal(asked, 4258, Product::Addresses, &feed_url());
        let merged = refusal("3024");
        assert_eq!(merged.trouble, Trouble::UnknownMunicipality);
        assert!(merged.to_do.starts_with("Near it are 3114 Våler, 3201 Bærum, 3203 Asker"), "{}", merged.to_do);
        assert!(refusal("Bærume").to_do.starts_with("Near it are 3201 Bærum."), "{}", refusal("Bærume").to_do);
        assert!(refusal("Våler").what.ends_with("are called Våler: 3114 Våler, 3419 Våler"), "{}", refusal("Våler").what);
        assert!(refusal("Xyz").to_do.contains("four digits"));
    }

    #[test]
    fn a_file_that_is_not_a_feed_is_refused() {
        let found = |text: &str| parse(text.as_bytes(), Product::Addresses, &feed_url()).unwrap_err().found;
        assert_eq!(found("<rss><channel/></rss>"), "XML of another kind");
        assert_eq!(found("<feed><entry></feed>"), "text that is not whole XML");
        assert_eq!(found("hei"), "XML of another kind");
    }

    #[test]
    fn no_feed_leads_elsewhere_than_its_form_allows() {
        let one = entry("0301", "Oslo", "Oslo", 4258);
        assert!(feed(&[one.replace("https://", "http://")]).is_empty(), "an open address");
        assert!(feed(&[one.replace("Basisdata_0301_Oslo", "..%2F..%2FBasisdata_0301_Oslo")]).is_empty());
        let relative = one.replace("href=\"https://nedlasting.geonorge.no/geonorge/", "href=\"../");
        assert_eq!(feed(&[relative])[0].url, feed(&[one])[0].url);
    }

    #[test]
    fn an_address_is_made_by_the_pattern_where_the_name_is_known() {
        let names = BTreeMap::from([("0301".to_owned(), "Oslo".to_owned())]);
        let feeds: Url = super::super::FEEDS.parse().unwrap();
        let offer = by_pattern(&names, "0301", Product::Flats, 4258, &feeds).unwrap();
        assert_eq!(
            offer.url.as_str(),
            "https://nedlasting.geonorge.no/geonorge/Basisdata/MatrikkelenAdresseLeilighetsniva/CSV/Basisdata_0301_Oslo_4258_MatrikkelenAdresseLeilighetsniva_CSV.zip"
        );
        assert_eq!(by_pattern(&names, "1103", Product::Flats, 4258, &feeds), None);
    }
}
