//! TopoJSON: polygons that share their borders. Each border is an arc, written once; a ring is a list of arcs, one that
//! runs the other way as its ones' complement (`-1` is arc 0 backwards). With a `transform` an arc's points are whole
//! numbers, each the difference from the one before, to be scaled and moved.
//!
//! Own code, since the one crate that reads it (`topojson` 0.5) wants a geojson of 2022 and panics at an arc that is not
//! there. The format is told at <https://github.com/topojson/topojson-specification>.

use geo::Coord;
use serde_json::{Map, Value};

use super::feature::{Feature, Ring, Rings, with_id};
use crate::import::{
    WrongFile,
    sniff::{DISTRICT_FILE, DISTRICT_HELP},
};

/// Nobody's districts have more corners. A small file could name a long arc a million times.
const MOST_CORNERS: usize = 5_000_000;

const NO_ARC: &str = "an arc that the file does not have";
const BROKEN: &str = "a geometry that cannot be read";
const TOO_MANY: &str = "more corners than any district has";

/// The features of a topology; of several layers the one that was told.
///
/// # Errors
/// When its arcs cannot be read, or it does not say which layer is meant.
pub fn features(mut json: Value, layer: Option<&str>) -> Result<Vec<Feature>, WrongFile> {
    let wrong = |found: String| WrongFile::new(DISTRICT_FILE, found, DISTRICT_HELP);
    let arcs = arcs(&json).ok_or_else(|| wrong("TopoJSON whose arcs or transform cannot be read".to_owned()))?;
    let Some(Value::Object(layers)) = json.get_mut("objects").map(Value::take) else {
        return Err(wrong("TopoJSON without objects".to_owned()));
    };
    let geometries = pick(layers, layer).map_err(|found| {
        let to_do = "name the layer with the districts: --layer NAME";
        WrongFile::new(DISTRICT_FILE, found, to_do)
    })?;
    let mut left = MOST_CORNERS;
    Ok(geometries.into_iter().zip(1..).map(|(geometry, place)| feature(geometry, place, &arcs, &mut left)).collect())
}

/// The geometries of the layer that was told, or of the only one that there is.
fn pick(mut layers: Map<String, Value>, told: Option<&str>) -> Result<Vec<Value>, String> {
    let names: Vec<String> = layers.keys().cloned().collect();
    let name = match (told, names.as_slice()) {
        (Some(told), _) if names.iter().any(|name| name == told) => told.to_owned(),
        (Some(told), _) => return Err(format!("TopoJSON without a layer {told}; it has {}", names.join(", "))),
        (None, [only]) => only.clone(),
        (None, []) => return Err("TopoJSON without a layer".to_owned()),
        (None, _) => return Err(format!("TopoJSON with several layers: {}", names.join(", "))),
    };
    let mut layer = layers.remove(&name).unwrap_or_default();
    match layer.get_mut("geometries").map(Value::take) {
        Some(Value::Array(geometries)) => Ok(geometries),
        _ => Ok(vec![layer]),
    }
}

/// All arcs, decoded.
fn arcs(json: &Value) -> Option<Vec<Ring>> {
    let pair = |value: &Value| Some(Coord { x: value.get(0)?.as_f64()?, y: value.get(1)?.as_f64()? });
    let transform = match json.get("transform") {
        None | Some(Value::Null) => None,
        Some(transform) => Some((transform.get("scale").and_then(pair)?, transform.get("translate").and_then(pair)?)),
    };
    let arc = |arc: &Value| {
        let mut at = Coord { x: 0.0, y: 0.0 };
        let point = |value: &Value| {
            let point = pair(value)?;
            let Some((scale, translate)) = transform else { return Some(point) };
            at = Coord { x: at.x + point.x, y: at.y + point.y };
            Some(Coord { x: at.x * scale.x + translate.x, y: at.y * scale.y + translate.y })
        };
        arc.as_array()?.iter().map(point).collect::<Option<Ring>>()
    };
    json.get("arcs")?.as_array()?.iter().map(arc).collect()
}

fn feature(mut geometry: Value, place: usize, arcs: &[Ring], left: &mut usize) -> Feature {
    let list = geometry.get("arcs").and_then(Value::as_array);
    let polygons = match (geometry.get("type").and_then(Value::as_str), list) {
        (Some("Polygon"), Some(rings)) => polygon(rings, arcs, left).map(|polygon| vec![polygon]),
        (Some("MultiPolygon"), Some(polygons)) => polygons.iter().map(|rings| polygon(rings.as_array().ok_or(BROKEN)?, arcs, left)).collect(),
        (Some("Polygon" | "MultiPolygon"), None) => Err(BROKEN),
        (None, _) => Err("no geometry"),
        _ => Err("a geometry that is neither Polygon nor MultiPolygon"),
    };
    let mut part = |name: &str| geometry.get_mut(name).map(Value::take).unwrap_or_default();
    Feature { place, properties: with_id(part("properties"), part("id")), polygons }
}

fn polygon(rings: &[Value], arcs: &[Ring], left: &mut usize) -> Result<Rings, &'static str> {
    rings.iter().map(|indices| ring(indices.as_array().ok_or(BROKEN)?, arcs, left)).collect()
}

/// The arcs of a ring, one after the other: where one ends the next begins, and that corner is taken once.
fn ring(indices: &[Value], arcs: &[Ring], left: &mut usize) -> Result<Ring, &'static str> {
    let mut out = Ring::new();
    for index in indices {
        let index = index.as_i64().ok_or(BROKEN)?;
        let (place, backwards) = if index < 0 { (!index, true) } else { (index, false) };
        let arc = usize::try_from(place).ok().and_then(|place| arcs.get(place)).ok_or(NO_ARC)?;
        *left = left.checked_sub(arc.len()).ok_or(TOO_MANY)?;
        // The corner that two arcs share stands in both.
        out.pop();
        if backwards {
            out.extend(arc.iter().rev());
        } else {
            out.extend(arc);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(json: Value) -> Vec<Feature> {
        features(json, None).unwrap()
    }

    fn corners(feature: &Feature) -> Vec<Vec<Vec<(f64, f64)>>> {
        let corners = |ring: &Ring| ring.iter().map(|at| (at.x, at.y)).collect();
        feature.polygons.as_ref().unwrap().iter().map(|rings| rings.iter().map(corners).collect()).collect()
    }

    /// Two squares beside each other, each border written once: the one in the middle runs up in the first and down in the second.
    #[test]
    fn arcs_are_joined_and_turned() {
        let topology = json!({
            "type": "Topology",
            "transform": {"scale": [0.5, 0.25], "translate": [10.0, 60.0]},
            "arcs": [[[2, 0], [0, 4]], [[2, 4], [-2, 0], [0, -4], [2, 0]], [[2, 4], [2, 0], [0, -4], [-2, 0]]],
            "objects": {"bydeler": {"type": "GeometryCollection", "geometries": [
                {"type": "Polygon", "arcs": [[0, 1]], "properties": {"BYDEL": "01"}, "id": 0},
                {"type": "MultiPolygon", "arcs": [[[-1, -3]]], "properties": {"BYDEL": "02"}},
            ]}},
        });
        let features = read(topology);
        assert_eq!(corners(&features[0]), [[[(11.0, 60.0), (11.0, 61.0), (10.0, 61.0), (10.0, 60.0), (11.0, 60.0)]]]);
        assert_eq!(corners(&features[1]), [[[(11.0, 61.0), (11.0, 60.0), (12.0, 60.0), (12.0, 61.0), (11.0, 61.0)]]]);
        assert_eq!(features[0].properties, *json!({"BYDEL": "01", "(the feature's id)": 0}).as_object().unwrap());
    }

    #[test]
    fn what_is_broken_is_broken_alone_and_said() {
        let with = |geometry: Value| {
            let topology = json!({"type": "Topology", "arcs": [[[10.0, 60.0, 5.0], [10.1, 60.0], [10.1, 60.1], [10.0, 60.0]]],
                "objects": {"a": {"type": "GeometryCollection", "geometries": [geometry]}}});
            read(topology)[0].polygons.clone().map(|polygons| polygons[0][0].len())
        };
        assert_eq!(with(json!({"type": "Polygon", "arcs": [[0]]})), Ok(4));
        assert_eq!(with(json!({"type": "Polygon", "arcs": [[1]]})), Err(NO_ARC));
        assert_eq!(with(json!({"type": "Polygon", "arcs": [[-2]]})), Err(NO_ARC));
        assert_eq!(with(json!({"type": "Polygon", "arcs": [[i64::MIN]]})), Err(NO_ARC));
        assert_eq!(with(json!({"type": "Polygon", "arcs": [["0"]]})), Err(BROKEN));
        assert_eq!(with(json!({"type": "Polygon", "arcs": [0]})), Err(BROKEN));
        assert_eq!(with(json!({"type": "Polygon"})), Err(BROKEN));
        assert_eq!(with(json!({"type": null})), Err("no geometry"));
        assert_eq!(with(json!({"type": "LineString", "arcs": [0]})), Err("a geometry that is neither Polygon nor MultiPolygon"));
    }

    #[test]
    fn a_small_file_does_not_become_a_large_one() {
        let arc: Vec<[i32; 2]> = (0..60_000).map(|i| [i, 0]).collect();
        let topology = json!({"type": "Topology", "arcs": [arc], "objects": {"a": {"type": "Polygon", "arcs": [vec![0; 100_000]]}}});
        assert_eq!(read(topology)[0].polygons, Err(TOO_MANY));
    }

    #[test]
    fn of_several_layers_one_is_told() {
        let topology = json!({"type": "Topology", "arcs": [], "objects": {"kommune": {"type": "Polygon", "arcs": []}, "bydeler": {"type": "GeometryCollection", "geometries": []}}});
        let refused = |json: Value, layer| features(json, layer).unwrap_err();
        assert!(refused(topology.clone(), None).found.contains("several layers: bydeler, kommune"));
        assert!(refused(topology.clone(), Some("krets")).to_string().contains("without a layer krets; it has bydeler, kommune"));
        assert_eq!(features(topology, Some("kommune")).unwrap().len(), 1);
        for broken in
            [json!({"objects": {}}), json!({"arcs": [[["x", 1]]], "objects": {}}), json!({"arcs": [], "transform": {"scale": [1]}, "objects": {}})]
        {
            assert!(refused(broken, None).found.contains("arcs or transform"));
        }
    }

    proptest! {
        /// A row of rectangles cut at whole numbers, written as an own encoder would: what comes out is what went in.
        #[test]
        fn what_an_encoder_writes_is_read(widths in prop::collection::vec(1i64..1000, 1..12), height in 1i64..1000, scale in 1u32..100, west in -100i64..100) {
            let edges: Vec<i64> = std::iter::once(0).chain(widths.iter().scan(0, |sum, width| { *sum += width; Some(*sum) })).collect();
            // Arc i is the border at edge i, upwards; then the tops, eastwards; then the bottoms, eastwards.
            let n = widths.len();
            let mut arcs: Vec<Value> = edges.iter().map(|x| json!([[x, 0], [0, height]])).collect();
            arcs.extend((0..n).map(|i| json!([[edges[i], height], [widths[i], 0]])));
            arcs.extend((0..n).map(|i| json!([[edges[i], 0], [widths[i], 0]])));
            let signed = |i: usize| i64::try_from(i).unwrap();
            let geometries: Vec<Value> = (0..n).map(|i| {
                let ring = [signed(2 * n + 1 + i), signed(i + 1), !signed(n + 1 + i), !signed(i)];
                json!({"type": "Polygon", "arcs": [ring], "properties": {"nr": i}})
            }).collect();
            let step = f64::from(scale) / 1000.0;
            let topology = json!({"type": "Topology", "transform": {"scale": [step, step], "translate": [west, 60]}, "arcs": arcs,
                "objects": {"a": {"type": "GeometryCollection", "geometries": geometries}}});
            for (i, feature) in read(topology).iter().enumerate() {
                let x = |edge: i64| edge as f64 * step + west as f64;
                let (left, right, top) = (x(edges[i]), x(edges[i + 1]), height as f64 * step + 60.0);
                prop_assert_eq!(corners(feature), vec![vec![vec![(left, 60.0), (right, 60.0), (right, top), (left, top), (left, 60.0)]]]);
            }
        }

        #[test]
        fn whatever_the_arcs_say_nothing_breaks(indices in prop::collection::vec(any::<i64>(), 0..8), lengths in prop::collection::vec(0usize..5, 0..6)) {
            let arcs: Vec<Vec<[i64; 2]>> = lengths.iter().map(|length| vec![[1, 2]; *length]).collect();
            let topology = json!({"type": "Topology", "transform": {"scale": [1, 1], "translate": [0, 0]}, "arcs": arcs, "objects": {"a": {"type": "Polygon", "arcs": [indices]}}});
            prop_assert_eq!(read(topology).len(), 1);
        }
    }
}
