//! A file of districts as a list of features, whichever way it is written.

use geo::Coord;
use geojson::{Geometry, GeometryValue, PolygonType, Position};
use serde_json::{Map, Value};

use super::topojson;
use crate::import::{
    WrongFile,
    sniff::{self, DISTRICT_FILE, DISTRICT_HELP},
};

/// A ring as it stands in the file: not checked, not closed. Longitude or east first; a height is left out.
pub type Ring = Vec<Coord>;
/// An outer ring and its holes.
pub type Rings = Vec<Ring>;

/// A feature of the file.
#[derive(Debug, Clone)]
pub struct Feature {
    /// Its place in the file, from 1.
    pub place: usize,
    /// What it says of itself.
    pub properties: Map<String, Value>,
    /// Its polygons, or what is wrong with them.
    pub polygons: Result<Vec<Rings>, &'static str>,
}

/// In which coordinate system a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum System {
    /// It says nothing: WGS84, as GeoJSON has it.
    Unsaid,
    /// An EPSG code; 4326 stands also for CRS84.
    Epsg(u32),
    /// It names something else.
    Other(String),
}

/// A file, read.
#[derive(Debug)]
pub struct Collection {
    /// Its features, in their order.
    pub features: Vec<Feature>,
    /// Its coordinate system.
    pub system: System,
}

/// Under this name stands a feature's id beside its properties, unless a property is called so.
pub const FEATURE_ID: &str = "(the feature's id)";

/// Reads GeoJSON or TopoJSON; of several layers in TopoJSON the one that was told.
///
/// # Errors
/// When it is neither, or holds no feature.
pub fn read(bytes: &[u8], layer: Option<&str>) -> Result<Collection, WrongFile> {
    sniff::districts(bytes)?;
    let wrong = |found: &str| WrongFile::new(DISTRICT_FILE, found, DISTRICT_HELP);
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("text that is not UTF-8"))?;
    let json: Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| wrong("JSON that is not whole: it was most likely cut off"))?;
    let system = system(&json);
    let features = match json.get("type").and_then(Value::as_str) {
        Some("Topology") => topojson::features(json, layer)?,
        Some("FeatureCollection") => geojson_features(json).ok_or_else(|| wrong("a FeatureCollection without a list of features"))?,
        Some("Feature" | "Polygon" | "MultiPolygon" | "GeometryCollection") => return Err(wrong("GeoJSON that is not a FeatureCollection")),
        _ => return Err(wrong("JSON that is neither GeoJSON nor TopoJSON")),
    };
    if features.is_empty() {
        return Err(wrong("a collection without features"));
    }
    Ok(Collection { features, system })
}

fn geojson_features(mut json: Value) -> Option<Vec<Feature>> {
    let Value::Array(features) = json.get_mut("features")?.take() else { return None };
    Some(features.into_iter().zip(1..).map(|(feature, place)| geojson_feature(feature, place)).collect())
}

fn geojson_feature(mut feature: Value, place: usize) -> Feature {
    let mut part = |name: &str| feature.get_mut(name).map(Value::take).unwrap_or_default();
    let (geometry, id, properties) = (part("geometry"), part("id"), part("properties"));
    let polygons = if geometry.is_null() {
        Err("no geometry")
    } else {
        serde_json::from_value::<Geometry>(geometry).map_err(|_| "a geometry that cannot be read").and_then(|geometry| polygons(&geometry.value))
    };
    Feature { place, properties: with_id(properties, id), polygons }
}

/// The properties, and the feature's own id among them.
pub fn with_id(properties: Value, id: Value) -> Map<String, Value> {
    let mut properties = match properties {
        Value::Object(properties) => properties,
        _ => Map::new(),
    };
    if !id.is_null() {
        properties.insert(FEATURE_ID.to_owned(), id);
    }
    properties
}

fn polygons(geometry: &GeometryValue) -> Result<Vec<Rings>, &'static str> {
    match geometry {
        GeometryValue::Polygon { coordinates } => Ok(vec![rings(coordinates)?]),
        GeometryValue::MultiPolygon { coordinates } => coordinates.iter().map(rings).collect(),
        _ => Err("a geometry that is neither Polygon nor MultiPolygon"),
    }
}

fn rings(polygon: &PolygonType) -> Result<Rings, &'static str> {
    polygon.iter().map(|ring| corners(ring)).collect()
}

/// The corners of a ring or a line.
///
/// # Errors
/// When one has not two coordinates.
pub fn corners(positions: &[Position]) -> Result<Vec<Coord>, &'static str> {
    let corner = |position: &Position| match position.as_slice() {
        [x, y, ..] => Ok(Coord { x: *x, y: *y }),
        _ => Err("a corner without two coordinates"),
    };
    positions.iter().map(corner).collect()
}

/// What a `crs` member says, as GeoJSON had it before 2016 and many programs still write it.
pub fn system(json: &Value) -> System {
    let Some(crs) = json.get("crs").filter(|crs| !crs.is_null()) else { return System::Unsaid };
    let name = crs.pointer("/properties/name").or_else(|| crs.pointer("/properties/href")).and_then(Value::as_str);
    let Some(name) = name else { return System::Other("a crs without a name".to_owned()) };
    if name.to_uppercase().contains("CRS84") {
        return System::Epsg(4326);
    }
    let code = name.to_uppercase().contains("EPSG").then(|| name.rsplit(|c: char| !c.is_ascii_digit()).next()).flatten();
    code.and_then(|code| code.parse().ok()).map_or_else(|| System::Other(name.to_owned()), System::Epsg)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_crs_is_read_in_each_of_its_spellings() {
        let named = |name: &str| system(&json!({"crs": {"type": "name", "properties": {"name": name}}}));
        assert_eq!(system(&json!({})), System::Unsaid);
        assert_eq!(system(&json!({ "crs": null })), System::Unsaid);
        for (name, code) in [
            ("urn:ogc:def:crs:OGC:1.3:CRS84", 4326),
            ("urn:ogc:def:crs:EPSG::25832", 25832),
            ("EPSG:25833", 25833),
            ("urn:ogc:def:crs:EPSG:9.0:4258", 4258),
            ("http://www.opengis.net/def/crs/EPSG/0/25835", 25835),
        ] {
            assert_eq!(named(name), System::Epsg(code), "{name}");
        }
        assert_eq!(named("NGO 1948"), System::Other("NGO 1948".into()));
        assert_eq!(named("EPSG:99999999999"), System::Other("EPSG:99999999999".into()));
    }

    #[test]
    fn a_height_is_left_out_and_a_broken_corner_is_a_broken_feature() {
        let text = json!({"type": "FeatureCollection", "features": [
            {"type": "Feature", "id": 7, "properties": {"a": 1}, "geometry": {"type": "Polygon", "coordinates": [[[10.0, 60.0, 12.5], [10.1, 60.0, 13.0], [10.1, 60.1, 9.0]]]}},
            {"type": "Feature", "properties": null, "geometry": {"type": "Polygon", "coordinates": [[[10.0], [10.1, 60.0]]]}},
            {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": "none"}},
            {"type": "Feature", "geometry": null},
            7,
        ]});
        let read = read(text.to_string().as_bytes(), None).unwrap();
        let polygons: Vec<_> = read.features.iter().map(|feature| feature.polygons.as_ref().map(|polygons| polygons[0][0].len())).collect();
        let (half, cannot) = (Err(&"a corner without two coordinates"), Err(&"a geometry that cannot be read"));
        assert_eq!(polygons, [Ok(3), half, cannot, Err(&"no geometry"), Err(&"no geometry")]);
        assert_eq!(read.features[0].properties, *json!({"a": 1, FEATURE_ID: 7}).as_object().unwrap());
    }
}
