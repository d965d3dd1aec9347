//! Lines of the map, on both databases: from an extract of OpenStreetMap in either form, from GeoJSON, with every quirk.

use std::{fs, path::PathBuf};

use dorbank_server::{
    import::{DistrictOptions, ImportError, LineOptions, LineReport, districts, lines},
    store::{Db, line},
};
use dorbank_shared::line::{Extent, Form, Kind, Line};
use dorbank_tests::{Engine, database};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Place {
    db: Db,
    folder: TempDir,
}

impl Place {
    /// With one district, a tenth of a degree each way from 10.7 east, 59.9 north.
    async fn new(engine: Engine) -> Self {
        let folder = TempDir::new().unwrap();
        let place = Self { db: Db::open(&database(engine, folder.path()).await).await.unwrap(), folder };
        let ring = json!([[10.7, 59.9], [10.8, 59.9], [10.8, 60.0], [10.7, 60.0], [10.7, 59.9]]);
        let feature = json!({"type": "Feature", "properties": {"id": "01", "name": "Øst"}, "geometry": {"type": "Polygon", "coordinates": [ring]}});
        let file = place.write("districts.json", json!({"type": "FeatureCollection", "features": [feature]}).to_string());
        districts(&place.db, &file, &DistrictOptions::default(), 1).await.unwrap();
        place
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    async fn import(&self, bytes: impl AsRef<[u8]>, options: &LineOptions) -> Result<LineReport, ImportError> {
        lines(&self.db, &self.write("lines", bytes), options, 5_000).await
    }

    async fn within(&self, south: f64, west: f64, north: f64, east: f64) -> Vec<Line> {
        #[expect(clippy::cast_possible_truncation, reason = "millionths of a degree")]
        let micro = |degrees: f64| (degrees * 1e6).round() as i32;
        let extent = Extent { south: micro(south), west: micro(west), north: micro(north), east: micro(east) };
        line::within(&mut self.db.read().await.unwrap(), &extent).await.unwrap()
    }

    async fn all(&self) -> Vec<Line> {
        self.within(50.0, 0.0, 80.0, 40.0).await
    }

    async fn rows(&self) -> i64 {
        self.db.read().await.unwrap().one("SELECT COUNT(*) FROM line", vec![]).await.unwrap().unwrap().get(0).unwrap()
    }
}

fn usual() -> LineOptions {
    LineOptions::default()
}

fn told(lines: &[Line]) -> Vec<(Kind, &str, Form, usize)> {
    lines.iter().map(|line| (line.kind, line.name.as_str(), line.geometry.form, line.geometry.parts.len())).collect()
}

/// A made-up map: `(id, north, east)` in degrees, ways with tags, relations of ways.
struct Map {
    nodes: Vec<(i64, f64, f64)>,
    ways: Vec<(i64, Vec<i64>, Vec<(&'static str, &'static str)>)>,
    relations: Vec<(i64, Vec<i64>, Vec<(&'static str, &'static str)>)>,
}

/// A street with an apostrophe and an ampersand, a path, a lake, an island's shore, a metro line below and one above the
/// ground, a motorway that leaves the city, a building, and a street far away.
fn map() -> Map {
    Map {
        nodes: vec![
            (1, 59.95, 10.75),
            (2, 59.951, 10.76),
            (3, 59.952, 10.75),
            (4, 59.96, 10.75),
            (5, 59.96, 10.76),
            (6, 59.97, 10.76),
            (7, 59.95, 11.5),
            (8, 63.4, 10.4),
            (9, 63.5, 10.4),
            (-10, 59.91, 10.72),
            (11, 59.91, 10.73),
            (12, 59.95, 10.84),
        ],
        ways: vec![
            (100, vec![1, 2, 3], vec![("highway", "residential"), ("name", "Kari's gate & løkke")]),
            (101, vec![3, 4], vec![("highway", "path")]),
            (102, vec![4, 5, 6, 4], vec![("natural", "water"), ("name", "Tjernet")]),
            (103, vec![1, 4, 5, 1], vec![]),
            (104, vec![1, 5], vec![("railway", "subway"), ("tunnel", "yes")]),
            (105, vec![-10, 11], vec![("railway", "subway")]),
            (106, vec![2, 12, 7], vec![("highway", "motorway"), ("name", "E 6")]),
            (107, vec![1, 2, 3, 1], vec![("building", "yes")]),
            (108, vec![8, 9], vec![("highway", "residential"), ("name", "Nidarosgata")]),
        ],
        relations: vec![(200, vec![103], vec![("type", "multipolygon"), ("natural", "water")])],
    }
}

fn expected() -> [(Kind, &'static str, Form, usize); 6] {
    [
        (Kind::Street, "Kari's gate & løkke", Form::Lines, 1),
        (Kind::Path, "", Form::Lines, 1),
        (Kind::Water, "Tjernet", Form::Area, 1),
        (Kind::Water, "", Form::Lines, 1),
        (Kind::Railway, "", Form::Lines, 1),
        (Kind::Motorway, "E 6", Form::Lines, 1),
    ]
}

/// OpenStreetMap's binary form, as its description has it: blocks of protocol buffers, each behind its own length.
mod pbf {
    use std::io::Write as _;

    use super::Map;

    fn varint(out: &mut Vec<u8>, mut n: u64) {
        while n >= 0x80 {
            out.push(n.to_le_bytes()[0] | 0x80);
            n >>= 7;
        }
        out.push(n.to_le_bytes()[0]);
    }

    fn zigzag(n: i64) -> u64 {
        ((n << 1) ^ (n >> 63)).cast_unsigned()
    }

    fn number(out: &mut Vec<u8>, field: u64, n: u64) {
        varint(out, field << 3);
        varint(out, n);
    }

    fn bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
        varint(out, field << 3 | 2);
        varint(out, bytes.len() as u64);
        out.extend(bytes);
    }

    fn packed(out: &mut Vec<u8>, field: u64, numbers: impl Iterator<Item = u64>) {
        let mut inner = Vec::new();
        numbers.for_each(|n| varint(&mut inner, n));
        bytes(out, field, &inner);
    }

    fn deltas(numbers: impl Iterator<Item = i64>) -> impl Iterator<Item = u64> {
        let mut before = 0;
        numbers.map(move |n| zigzag(n - std::mem::replace(&mut before, n)))
    }

    fn block(out: &mut Vec<u8>, kind: &str, content: &[u8], is_packed: bool) {
        let mut blob = Vec::new();
        if is_packed {
            let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            deflate.write_all(content).unwrap();
            number(&mut blob, 2, content.len() as u64);
            bytes(&mut blob, 3, &deflate.finish().unwrap());
        } else {
            bytes(&mut blob, 1, content);
        }
        let mut header = Vec::new();
        bytes(&mut header, 1, kind.as_bytes());
        number(&mut header, 3, blob.len() as u64);
        out.extend(u32::try_from(header.len()).unwrap().to_be_bytes());
        out.extend(header);
        out.extend(blob);
    }

    /// A file of a map; `needs` is what a reader must understand.
    pub fn file(map: &Map, is_packed: bool, needs: &[&str]) -> Vec<u8> {
        let mut strings: Vec<&str> = vec![""];
        let mut texts = |text: &'static str| {
            let known = strings.iter().position(|known| *known == text);
            known.unwrap_or_else(|| {
                strings.push(text);
                strings.len() - 1
            }) as u64
        };
        #[expect(clippy::cast_possible_truncation, reason = "ten-millionths of a degree")]
        let tenths = |degrees: f64| (degrees * 1e7).round() as i64;
        let (mut dense, mut ways, mut relations) = (Vec::new(), Vec::new(), Vec::new());
        packed(&mut dense, 1, deltas(map.nodes.iter().map(|(id, ..)| *id)));
        packed(&mut dense, 8, deltas(map.nodes.iter().map(|(_, lat, _)| tenths(*lat))));
        packed(&mut dense, 9, deltas(map.nodes.iter().map(|(.., lon)| tenths(*lon))));
        for (list, field, members) in [(&map.ways, 3, 8), (&map.relations, 4, 9)] {
            for (id, refs, tags) in list {
                let mut one = Vec::new();
                number(&mut one, 1, id.cast_unsigned());
                packed(&mut one, 2, tags.iter().map(|(key, _)| texts(key)).collect::<Vec<_>>().into_iter());
                packed(&mut one, 3, tags.iter().map(|(_, value)| texts(value)).collect::<Vec<_>>().into_iter());
                if field == 4 {
                    packed(&mut one, 8, refs.iter().map(|_| 0));
                    packed(&mut one, 10, refs.iter().map(|_| 1));
                }
                packed(&mut one, members, deltas(refs.iter().copied()));
                bytes(if field == 3 { &mut ways } else { &mut relations }, field, &one);
            }
        }
        let (mut nodes, mut table) = (Vec::new(), Vec::new());
        bytes(&mut nodes, 2, &dense);
        for text in &strings {
            bytes(&mut table, 1, text.as_bytes());
        }
        let mut content = Vec::new();
        bytes(&mut content, 1, &table);
        for group in [nodes, ways, relations] {
            bytes(&mut content, 2, &group);
        }
        let mut header = Vec::new();
        for feature in needs {
            bytes(&mut header, 4, feature.as_bytes());
        }
        let mut out = Vec::new();
        block(&mut out, "OSMHeader", &header, is_packed);
        block(&mut out, "OSMData", &content, is_packed);
        out
    }
}

const NEEDS: [&str; 2] = ["OsmSchema-V0.6", "DenseNodes"];

/// The same map as editors write it.
fn xml(map: &Map) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('\'', "&apos;");
    let joined = |parts: Vec<String>| parts.concat();
    let tags = |tags: &[(&str, &str)]| joined(tags.iter().map(|(k, v)| format!("<tag k='{}' v='{}'/>", escape(k), escape(v))).collect());
    let nodes = map.nodes.iter().map(|(id, lat, lon)| format!("<node id='{id}' lat='{lat}' lon='{lon}' version='1'/>\n"));
    let ways = map.ways.iter().map(|(id, refs, of)| {
        let refs = joined(refs.iter().map(|id| format!("<nd ref='{id}'/>")).collect());
        format!("<way id='{id}' version='1'>{refs}{}</way>\n", tags(of))
    });
    let relations = map.relations.iter().map(|(id, refs, of)| {
        let refs =
            joined(refs.iter().map(|id| format!("<member type='way' ref='{id}' role='outer'/><member type='node' ref='1' role=''/>")).collect());
        format!("<relation id='{id}'>{refs}{}</relation>\n", tags(of))
    });
    let head =
        "<?xml version='1.0' encoding='UTF-8'?>\n<osm version='0.6' generator='JOSM'>\n<bounds minlat='59' minlon='10' maxlat='60' maxlon='11'/>\n";
    let all = nodes.chain(ways).chain(relations).collect();
    format!("{head}{}</osm>\n", joined(all))
}

#[tokio::test]
async fn an_extract_of_openstreetmap_becomes_lines_around_the_districts() {
    for engine in Engine::BOTH {
        let place = Place::new(engine).await;
        let report = place.import(pbf::file(&map(), false, &NEEDS), &usual()).await.unwrap();
        let found = place.all().await;
        assert_eq!(told(&found), expected());
        assert_eq!((report.origin.as_str(), report.credit.as_str()), ("osm", "© OpenStreetMap contributors, ODbL"));
        assert_eq!((report.tally.read, report.tally.outside, report.kinds[&Kind::Street]), (7, 1, (1, 1)));
        assert!(report.to_string().contains("1  street, 1 with a name") && report.to_string().contains("ODbL"), "{report}");
        let street: Vec<_> = found[0].geometry.parts[0].iter().map(|at| (at.lat, at.lon)).collect();
        assert_eq!(street, [(59_950_000, 10_750_000), (59_951_000, 10_760_000), (59_952_000, 10_750_000)]);
        // The motorway is cut a kilometre beyond the district, which is 0.0179 degrees there.
        let east = found[5].geometry.extent().unwrap().east;
        assert!((10_817_000..10_819_000).contains(&east), "{east}");

        let origins = line::origins(&mut place.db.read().await.unwrap()).await.unwrap();
        assert_eq!((origins.len(), origins[0].lines, origins[0].imported_at), (1, 6, 5_000));
        // Only what meets a box is given.
        assert_eq!(told(&place.within(59.9, 10.71, 59.92, 10.74).await), [expected()[4]]);
        assert!(place.within(59.0, 10.0, 59.1, 10.1).await.is_empty());

        // In the other forms it is the same.
        place.import(pbf::file(&map(), true, &NEEDS), &usual()).await.unwrap();
        assert_eq!(place.all().await, found);
        place.import(xml(&map()), &usual()).await.unwrap();
        assert_eq!(place.all().await, found);
        assert_eq!(place.rows().await, 6, "nothing of what was replaced is left");
    }
}

fn feature(properties: &Value, kind: &str, coordinates: &Value) -> Value {
    json!({"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}})
}

fn collection(features: &[Value]) -> String {
    json!({"type": "FeatureCollection", "features": features}).to_string()
}

fn street(properties: &Value) -> Value {
    feature(properties, "LineString", &json!([[10.75, 59.95, 12.0], [10.76, 59.951, 13.0]]))
}

#[tokio::test]
async fn geojson_of_openstreetmap_and_of_others_becomes_lines() {
    for engine in Engine::BOTH {
        let place = Place::new(engine).await;
        let lake = json!([
            [[10.75, 59.95], [10.76, 59.95], [10.76, 59.96], [10.75, 59.95]],
            [[10.755, 59.952], [10.757, 59.952], [10.757, 59.954], [10.755, 59.952]]
        ]);
        let osm = collection(&[
            street(&json!({"highway": "residential", "name": "Rognegata"})),
            feature(&json!({"natural": "water"}), "MultiPolygon", &json!([lake, [[[10.71, 59.91], [10.72, 59.91], [10.72, 59.92], [10.71, 59.91]]]])),
            feature(
                &json!({"waterway": "river", "name": "Elva"}),
                "MultiLineString",
                &json!([[[10.7, 59.9], [10.71, 59.91]], [[10.72, 59.92], [10.73, 59.93]]]),
            ),
            street(&json!({"building": "yes"})),
            feature(&json!({"highway": "path"}), "Point", &json!([10.75, 59.95])),
            json!({"type": "Feature", "properties": {"highway": "path"}, "geometry": null}),
        ]);
        let report = place.import(&osm, &usual()).await.unwrap();
        assert_eq!(
            told(&place.all().await),
            [
                (Kind::Street, "Rognegata", Form::Lines, 1),
                (Kind::Water, "", Form::Area, 2),
                (Kind::Water, "", Form::Area, 1),
                (Kind::Water, "Elva", Form::Lines, 2)
            ]
        );
        let said = report.to_string();
        for line in [
            "Kind: OpenStreetMap's tags; name: name",
            "1  of none of these kinds",
            "1  left out: a geometry that is neither line nor polygon",
            "1  left out: no geometry",
        ] {
            assert!(said.contains(line), "{line}: {said}");
        }

        // Others' lines stand beside them, with their own credit, and replace only their own.
        let own = LineOptions { origin: Some("kartverket".into()), credit: Some("© Kartverket".into()), ..usual() };
        let roads = collection(&[
            street(&json!({"typeVeg": "Gangveg", "adressenavn": "Stien"})),
            street(&json!({"typeVeg": "enkelBilveg", "adressenavn": "Vegen"})),
        ]);
        let report = place.import(&roads, &own).await.unwrap();
        assert_eq!(report.tally.properties, Some(("property typeveg".into(), "adressenavn".into())));
        let both = place.all().await;
        assert_eq!(told(&both)[..2], [(Kind::Path, "Stien", Form::Lines, 1), (Kind::Street, "Vegen", Form::Lines, 1)]);
        assert_eq!(both.len(), 6);
        let credits: Vec<String> =
            line::origins(&mut place.db.read().await.unwrap()).await.unwrap().into_iter().map(|origin| origin.credit).collect();
        assert_eq!(credits, ["© Kartverket", "© OpenStreetMap contributors, ODbL"]);

        // All of one kind, by names that are told.
        let plain = collection(&[street(&json!({"tittel": "Gata"}))]);
        place.import(&plain, &LineOptions { kind: Some(Kind::Street), name_property: Some("Tittel".into()), ..own.clone() }).await.unwrap();
        assert_eq!(told(&place.all().await)[..2], [(Kind::Street, "Gata", Form::Lines, 1), (Kind::Street, "Rognegata", Form::Lines, 1)]);
        let typed = collection(&[street(&json!({"slag": "Elv"}))]);
        place.import(&typed, &LineOptions { kind_property: Some("slag".into()), ..own }).await.unwrap();
        assert_eq!(place.all().await[0].kind, Kind::Water);
    }
}

#[tokio::test]
async fn a_wrong_file_of_lines_is_refused_and_changes_nothing() {
    let place = Place::new(Engine::Sqlite).await;
    place.import(xml(&map()), &usual()).await.unwrap();
    let (before, rows) = (place.all().await, place.rows().await);
    let good = pbf::file(&map(), true, &NEEDS);
    let text = xml(&map());
    let highway = collection(&[street(&json!({"highway": "residential"}))]);
    let far = collection(&[feature(&json!({"highway": "path"}), "LineString", &json!([[5.3, 60.4], [5.4, 60.4]]))]);
    let swapped = collection(&[feature(&json!({"highway": "path"}), "LineString", &json!([[59.95, 10.75], [59.96, 10.75]]))]);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("an empty file", vec![]),
        ("a gzip archive", b"\x1f\x8b\x08".to_vec()),
        ("a bzip2 archive", b"BZh91AY&SY\x00\x01\xff\xfe".to_vec()),
        ("a zip archive", b"PK\x03\x04".to_vec()),
        ("a web page", b"<!doctype html><html></html>".to_vec()),
        ("XML that is not OpenStreetMap's", b"<?xml version='1.0'?><gml:a/>".to_vec()),
        ("PBF) that is damaged or cut off", good[..good.len() - 30].to_vec()),
        ("XML) that is damaged or cut off", text.as_bytes()[..text.len() - 60].to_vec()),
        ("XML) that is damaged or cut off", b"<osm><node id='1' lat='x' lon='1'/></osm>".to_vec()),
        ("needs HistoricalInformation to be understood", pbf::file(&map(), false, &["OsmSchema-V0.6", "HistoricalInformation"])),
        ("JSON that is not whole", highway.as_bytes()[..highway.len() - 3].to_vec()),
        ("no FeatureCollection", b"{\"type\":\"Topology\"}".to_vec()),
        ("no property says what they are; there are: tittel", collection(&[street(&json!({"tittel": "x"}))]).into_bytes()),
        ("without a line near the districts: 1 lie elsewhere", far.into_bytes()),
        ("latitude before longitude", swapped.into_bytes()),
        ("text that is not JSON", b"gate;navn\n1;x\n".to_vec()),
    ];
    for (found, bytes) in cases {
        let refused = place.import(&bytes, &usual()).await.expect_err(found);
        assert!(matches!(refused, ImportError::WrongFile(_)) && refused.to_string().contains(found), "{found}: {refused}");
    }
    let unsaid = collection(&[street(&json!({"kind": "street"}))]);
    let refused = place.import(&unsaid, &usual()).await.unwrap_err().to_string();
    assert!(refused.contains("lines that do not say who drew them") && refused.contains("--credit"), "{refused}");
    let refused = place.import(&unsaid, &LineOptions { origin: Some("kommunen".into()), credit: Some(" ".into()), ..usual() }).await.unwrap_err();
    assert!(refused.to_string().contains("who drew them"), "{refused}");
    let refused = place.import(xml(&map()), &LineOptions { kind: Some(Kind::Path), ..usual() }).await.unwrap_err().to_string();
    assert!(refused.contains("leave --kind"), "{refused}");
    let refused = place.import(&highway, &LineOptions { name_property: Some("tittel".into()), ..usual() }).await.unwrap_err().to_string();
    assert!(refused.contains("no property tittel; there are: highway"), "{refused}");
    assert_eq!((place.all().await, place.rows().await), (before, rows));

    let tried = place.import(&highway, &LineOptions { dry_run: true, ..usual() }).await.unwrap();
    assert!(tried.to_string().starts_with("Lines: tried only"), "{tried}");
    assert_eq!(place.rows().await, rows);

    let empty = TempDir::new().unwrap();
    let db = Db::open(&database(Engine::Sqlite, empty.path()).await).await.unwrap();
    let refused = lines(&db, &place.write("lines", &highway), &usual(), 1).await.unwrap_err().to_string();
    assert!(refused.contains("import districts with outlines first"), "{refused}");
}

#[tokio::test]
async fn lines_in_metres_are_projected() {
    let place = Place::new(Engine::Sqlite).await;
    let mut file: Value = serde_json::from_str(&collection(&[feature(
        &json!({"highway": "residential"}),
        "LineString",
        &json!([[598_986.701, 6_642_711.242], [599_186.701, 6_642_711.242]]),
    )]))
    .unwrap();
    let refused = place.import(file.to_string(), &usual()).await.unwrap_err().to_string();
    assert!(refused.contains("coordinates in metres"), "{refused}");
    file["crs"] = json!({"type": "name", "properties": {"name": "EPSG:25832"}});
    place.import(file.to_string(), &usual()).await.unwrap();
    let first = place.all().await[0].geometry.parts[0][0];
    assert!((first.lat - 59_910_000).abs() < 2 && (first.lon - 10_770_000).abs() < 2, "{first:?}");
}

#[tokio::test]
async fn lines_are_shown_all_at_once_and_what_a_stopped_import_left_is_swept() {
    for engine in Engine::BOTH {
        let place = Place::new(engine).await;
        place.import(xml(&map()), &usual()).await.unwrap();
        let before = place.all().await;
        // An import that was stopped after its first part: nobody sees it.
        let mut tx = place.db.begin().await.unwrap();
        let stopped = line::begin(&mut tx, "osm", "x").await.unwrap();
        line::put(&mut tx, "osm", stopped, 0, &before[..2]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((place.all().await, place.rows().await), (before.clone(), 8));
        place.import(xml(&map()), &usual()).await.unwrap();
        assert_eq!((place.all().await, place.rows().await), (before.clone(), 6));
        // One that was overtaken is not shown any more.
        let mut tx = place.db.begin().await.unwrap();
        assert!(!line::show(&mut tx, "osm", stopped, "x", 2, 9).await.unwrap());
        tx.commit().await.unwrap();
        // Old editions go in parts.
        let mut tx = place.db.begin().await.unwrap();
        let next = line::begin(&mut tx, "osm", "x").await.unwrap();
        line::put(&mut tx, "osm", next, 0, &before[..1]).await.unwrap();
        assert!(line::show(&mut tx, "osm", next, "y", 1, 9).await.unwrap());
        assert!(line::sweep(&mut tx, "osm", next, 4).await.unwrap(), "two are left of six");
        assert!(!line::sweep(&mut tx, "osm", next, 4).await.unwrap());
        assert!(!line::sweep(&mut tx, "osm", next, 4).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!((place.rows().await, line::origins(&mut place.db.read().await.unwrap()).await.unwrap()[0].credit.as_str()), (1, "y"));
    }
}
