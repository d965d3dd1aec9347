//! Which kind of file it is, told by its first bytes, and what of it are lines.

use std::{fs::File, io::Read as _, path::Path};

use dorbank_shared::line::{Form, Kind, Line};
use geojson::{Geometry, GeometryValue, Position};
use serde_json::{Map, Value};

use super::{
    FILE, HELP, LineOptions, OSM, OSM_CREDIT, kind,
    osm::{self, Elements},
    pbf,
    report::{LineReport, Tally},
    shape::{Clip, Raw},
    xml,
};
use crate::import::{
    ImportError, Projections, WrongFile,
    area::{
        feature::{self, Rings},
        outline, property,
    },
    sniff::{self, HEAD_BYTES},
};

/// Properties of OpenStreetMap that say what a line is.
const TAGS: [&str; 4] = ["highway", "railway", "waterway", "natural"];
/// Other properties that may.
const KINDS: [&str; 6] = ["kind", "type", "objtype", "typeveg", "vegtype", "kategori"];
/// Properties that say what it is called, the surest first.
const NAMES: [&str; 9] = ["name", "navn", "namn", "gatenavn", "gatenamn", "vegnavn", "veinavn", "adressenavn", "street"];

/// The lines of a file within `clip`, and what is to be said of them.
///
/// # Errors
/// When it is none of lines, or nobody says whose they are.
pub fn read(path: &Path, options: &LineOptions, clip: &Clip) -> Result<(Vec<Line>, LineReport), ImportError> {
    let unread = |source| ImportError::Read { path: path.to_owned(), source };
    let mut head = Vec::with_capacity(HEAD_BYTES);
    File::open(path).map_err(unread)?.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(unread)?;
    let mut tally = Tally::default();
    let (lines, is_osm) = match form(&head)? {
        Written::Pbf => (of_osm(&pbf::File(path.to_owned()), options, clip, &mut tally)?, true),
        Written::Xml => (of_osm(&xml::File(path.to_owned()), options, clip, &mut tally)?, true),
        Written::Json => of_geojson(&std::fs::read(path).map_err(unread)?, options, clip, &mut tally)?,
    };
    if lines.is_empty() {
        let reasons: Vec<String> = tally.refused.iter().map(|(reason, count)| format!("{reason} ({count})")).collect();
        let found = format!(
            "a file without a line near the districts: {} lie elsewhere, {} are of no kind{}",
            tally.outside,
            tally.without_kind,
            if reasons.is_empty() { String::new() } else { format!("; {}", reasons.join("; ")) }
        );
        return Err(WrongFile::new(FILE, found, HELP).into());
    }
    let (origin, credit) = whose(options, is_osm)?;
    let report = LineReport::of(&lines, tally, origin, credit);
    Ok((lines, report))
}

/// Who drew them, and how they want to be named.
fn whose(options: &LineOptions, is_osm: bool) -> Result<(String, String), WrongFile> {
    let text = |told: &Option<String>| told.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let origin = text(&options.origin).or_else(|| is_osm.then(|| OSM.to_owned()));
    let is_osm = origin.as_deref() == Some(OSM);
    let credit = text(&options.credit).or_else(|| is_osm.then(|| OSM_CREDIT.to_owned()));
    origin.zip(credit).ok_or_else(|| {
        let to_do = "say whose they are and what must stand beside them: --origin kartverket --credit \"© Kartverket\"";
        WrongFile::new("lines of OpenStreetMap, or with an origin and a credit", "lines that do not say who drew them", to_do)
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Pbf,
    Xml,
    Json,
}

fn form(head: &[u8]) -> Result<Written, WrongFile> {
    let wrong = |found: &str, to_do: &str| Err(WrongFile::new(FILE, found, to_do));
    // The length of the first header in four bytes, and then its type.
    if head.len() > 15 && head[4..].starts_with(b"\x0a\x09OSMHeader") {
        return Ok(Written::Pbf);
    }
    let osm_xml = || head.windows(4).take(2_000).any(|bytes| bytes == b"<osm");
    match sniff::kind(head) {
        sniff::Kind::Json => Ok(Written::Json),
        sniff::Kind::Xml if osm_xml() => Ok(Written::Xml),
        sniff::Kind::Empty => wrong("an empty file", "download it again: the transfer was cut off"),
        sniff::Kind::Zip => wrong("a zip archive (perhaps a shapefile)", "unpack it; a shapefile must be exported as GeoJSON first"),
        sniff::Kind::Gzip => wrong("a gzip archive", "unpack it and give the file inside"),
        _ if head.starts_with(b"BZh") => wrong("a bzip2 archive", "unpack it and give the .osm file inside, or take the .osm.pbf"),
        sniff::Kind::Html => wrong("a web page (HTML), most likely an error message or a sign-in page", HELP),
        sniff::Kind::Xml => wrong("XML that is not OpenStreetMap's (perhaps GML or KML)", HELP),
        sniff::Kind::Utf16 => wrong("text in UTF-16", "save it as UTF-8"),
        sniff::Kind::Binary => wrong("a file that is neither text nor an extract of OpenStreetMap", HELP),
        sniff::Kind::OtherText | sniff::Kind::Text(_) => wrong("text that is not JSON", HELP),
    }
}

fn of_osm<E: Elements<Error = String>>(file: &E, options: &LineOptions, clip: &Clip, tally: &mut Tally) -> Result<Vec<Line>, WrongFile> {
    if options.kind.is_some() || options.kind_property.is_some() || options.name_property.is_some() || options.epsg.is_some() {
        let to_do = "leave --kind, --kind-property, --name and --epsg out: an extract of OpenStreetMap says these itself";
        return Err(WrongFile::new(FILE, "an extract of OpenStreetMap, and told what it is to be read as", to_do));
    }
    osm::lines(file, clip, tally).map_err(|found| WrongFile::new(FILE, found, "download it again"))
}

/// The lines of GeoJSON, and whether they look like OpenStreetMap's.
fn of_geojson(bytes: &[u8], options: &LineOptions, clip: &Clip, tally: &mut Tally) -> Result<(Vec<Line>, bool), WrongFile> {
    let wrong = |found: &str| WrongFile::new(FILE, found, HELP);
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("text that is not UTF-8"))?;
    let mut json: Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| wrong("JSON that is not whole: it was most likely cut off"))?;
    let epsg = outline::epsg(&feature::system(&json), options.epsg)?;
    let Some(Value::Array(features)) = json.get_mut("features").map(Value::take) else {
        return Err(wrong("JSON that is no FeatureCollection of GeoJSON"));
    };
    let properties: Vec<Map<String, Value>> =
        features.iter().map(|feature| feature.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()).collect();
    let chosen = Chosen::find(&properties, options)?;
    tally.properties = Some((chosen.kind.told(), chosen.name.clone().unwrap_or_else(|| "none".to_owned())));
    let projections = Projections::default();
    let mut lines = Vec::new();
    for (mut feature, properties) in features.into_iter().zip(properties) {
        let Some(kind) = chosen.kind_of(&properties) else {
            tally.without_kind += 1;
            continue;
        };
        tally.read += 1;
        let geometry = feature.get_mut("geometry").map(Value::take).unwrap_or_default();
        let name = chosen.name.as_deref().and_then(|name| property::value(&properties, name)).unwrap_or_default();
        for shape in shapes(geometry) {
            let placed = shape.and_then(|(parts, form)| Ok((outline::in_degrees(&[parts], epsg, &projections)?, form)));
            match placed {
                Err(reason) => *tally.refused.entry(reason).or_default() += 1,
                Ok((parts, form)) => match clip.line(Raw { kind, name: name.clone(), parts: parts.into_iter().flatten().collect(), form }) {
                    Some(line) => lines.push(line),
                    None => tally.outside += 1,
                },
            }
        }
    }
    Ok((lines, matches!(chosen.kind, Said::Tags)))
}

/// What says what a line is.
#[derive(Debug)]
enum Said {
    /// The operator, of all.
    All(Kind),
    /// OpenStreetMap's tags.
    Tags,
    /// A property.
    Property(String),
}

impl Said {
    fn told(&self) -> String {
        match self {
            Self::All(kind) => format!("all are {}", kind.name()),
            Self::Tags => "OpenStreetMap's tags".to_owned(),
            Self::Property(property) => format!("property {property}"),
        }
    }
}

#[derive(Debug)]
struct Chosen {
    kind: Said,
    name: Option<String>,
}

impl Chosen {
    /// By what was told, else by the names of the properties that there are.
    fn find(all: &[Map<String, Value>], options: &LineOptions) -> Result<Self, WrongFile> {
        let refuse = |found: String, to_do: &str| Err(WrongFile::new(FILE, found, to_do));
        let has = |property: &str| all.iter().any(|properties| property::value(properties, property).is_some());
        for told in [&options.kind_property, &options.name_property].into_iter().flatten() {
            if !has(told) {
                return refuse(format!("no property {told}; there are: {}", names(all)), "name one that there is");
            }
        }
        let means = |property: &str| all.iter().any(|properties| property::value(properties, property).as_deref().and_then(kind::of_word).is_some());
        let kind = if let Some(kind) = options.kind {
            Said::All(kind)
        } else if let Some(property) = &options.kind_property {
            Said::Property(property.clone())
        } else if TAGS.iter().any(|tag| has(tag)) {
            Said::Tags
        } else if let Some(property) = KINDS.iter().find(|property| means(property)) {
            Said::Property((*property).to_owned())
        } else {
            let to_do = "say it: --kind street for all of them, or --kind-property NAME for a property whose values are street, path, water, motorway or railway";
            return refuse(format!("lines of which no property says what they are; there are: {}", names(all)), to_do);
        };
        let name = options.name_property.clone().or_else(|| NAMES.iter().find(|name| has(name)).map(|name| (*name).to_owned()));
        Ok(Self { kind, name })
    }

    fn kind_of(&self, properties: &Map<String, Value>) -> Option<Kind> {
        match &self.kind {
            Said::All(kind) => Some(*kind),
            Said::Tags => kind::of_tags(|key| properties.get(key).and_then(Value::as_str)),
            Said::Property(property) => property::value(properties, property).as_deref().and_then(kind::of_word),
        }
    }
}

fn names(all: &[Map<String, Value>]) -> String {
    let names: std::collections::BTreeSet<&str> = all.iter().take(1_000).flat_map(|properties| properties.keys().map(String::as_str)).collect();
    if names.is_empty() { "none".to_owned() } else { names.into_iter().take(20).collect::<Vec<_>>().join(", ") }
}

/// The lines or areas of a geometry: a feature of several areas is several.
fn shapes(geometry: Value) -> Vec<Result<(Rings, Form), String>> {
    if geometry.is_null() {
        return vec![Err("no geometry".to_owned())];
    }
    let Ok(geometry) = serde_json::from_value::<Geometry>(geometry) else { return vec![Err("a geometry that cannot be read".to_owned())] };
    let lines = |lines: &[Vec<Position>], form: Form| {
        let parts = lines.iter().map(|line| feature::corners(line)).collect::<Result<Rings, _>>();
        parts.map(|parts| (parts, form)).map_err(str::to_owned)
    };
    match &geometry.value {
        GeometryValue::LineString { coordinates } => vec![lines(std::slice::from_ref(coordinates), Form::Lines)],
        GeometryValue::MultiLineString { coordinates } => vec![lines(coordinates, Form::Lines)],
        GeometryValue::Polygon { coordinates } => vec![lines(coordinates, Form::Area)],
        GeometryValue::MultiPolygon { coordinates } => coordinates.iter().map(|rings| lines(rings, Form::Area)).collect(),
        _ => vec![Err("a geometry that is neither line nor polygon".to_owned())],
    }
}
