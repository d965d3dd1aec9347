//! Which district a point lies in.

use std::collections::HashMap;

use dorbank_shared::geo::LatLon;
use geo::{BoundingRect as _, Intersects as _, MultiPolygon, Point, Rect};
use geojson::{Geometry, GeometryValue, PolygonType};

use crate::store::{StoreError, Tx, district};

/// Finds the district of an address: by its basic statistical unit where a table says so, else by the outlines.
#[derive(Debug, Default)]
pub struct Locator {
    by_unit: HashMap<String, String>,
    outlines: Vec<(String, Rect, MultiPolygon)>,
}

impl Locator {
    /// From a table (`unit, district`) and outlines (`district, GeoJSON geometry`). An outline that cannot be read is left out.
    pub fn new(units: Vec<(String, String)>, boundaries: Vec<(String, String)>) -> Self {
        let outlines = boundaries
            .into_iter()
            .filter_map(|(number, text)| {
                let shape = read_outline(&text)?;
                Some((number, shape.bounding_rect()?, shape))
            })
            .collect();
        Self { by_unit: units.into_iter().collect(), outlines }
    }

    /// From what the database holds.
    pub async fn load(tx: &mut Tx) -> Result<Self, StoreError> {
        Ok(Self::new(district::grunnkretser(tx).await?, district::boundaries(tx).await?))
    }

    /// The number of the district, or nothing outside all of them. On a shared border the lower number wins.
    pub fn district(&self, grunnkrets: Option<&str>, at: LatLon) -> Option<&str> {
        if let Some(district) = grunnkrets.and_then(|unit| self.by_unit.get(unit)) {
            return Some(district);
        }
        let point = Point::new(at.lon, at.lat);
        self.outlines.iter().find(|(_, bounds, shape)| bounds.intersects(&point) && shape.intersects(&point)).map(|(number, ..)| number.as_str())
    }

    /// Whether it knows any district at all.
    pub fn is_empty(&self) -> bool {
        self.by_unit.is_empty() && self.outlines.is_empty()
    }
}

/// A stored outline.
pub fn read_outline(text: &str) -> Option<MultiPolygon> {
    let geometry: Geometry = serde_json::from_str(text).ok()?;
    as_shape(&geometry)
}

/// A polygon or several, as one shape.
pub fn as_shape(geometry: &Geometry) -> Option<MultiPolygon> {
    // The conversion takes for granted that each position has a longitude and a latitude.
    let whole = |polygon: &PolygonType| polygon.iter().flatten().all(|position| position.len() >= 2);
    let is_whole = match &geometry.value {
        GeometryValue::Polygon { coordinates } => whole(coordinates),
        GeometryValue::MultiPolygon { coordinates } => coordinates.iter().all(whole),
        _ => false,
    };
    if !is_whole {
        return None;
    }
    match &geometry.value {
        GeometryValue::Polygon { .. } => Some(MultiPolygon::new(vec![(&geometry.value).try_into().ok()?])),
        GeometryValue::MultiPolygon { .. } => (&geometry.value).try_into().ok(),
        _ => None,
    }
}

/// A shape as it is stored.
pub fn write_outline(shape: &MultiPolygon) -> String {
    Geometry::new(GeometryValue::from(shape)).to_string()
}
