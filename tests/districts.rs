//! Districts as publishers and counties have them: TopoJSON, other coordinate systems, outlines that are not sound, what
//! is counted together, what is read together, and how many live there.

use std::{fs, path::PathBuf};

use dorbank_server::{
    import::{DistrictOptions, DistrictReport, HouseholdOptions, ImportError, Locator, districts, households},
    job::Actor,
    mix, release,
    state::AppState,
    store::{Db, district},
};
use dorbank_shared::{
    district::{District, Noun},
    geo::LatLon,
    principal::Role,
    words::{LANGUAGES, Words, key},
};
use dorbank_tests::{Engine, TestServer, World, database, field::Field};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Place {
    db: Db,
    folder: TempDir,
}

impl Place {
    async fn new(engine: Engine) -> Self {
        let folder = TempDir::new().unwrap();
        Self { db: Db::open(&database(engine, folder.path()).await).await.unwrap(), folder }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    async fn import(&self, json: &Value, options: &DistrictOptions) -> Result<DistrictReport, ImportError> {
        districts(&self.db, &self.write("districts.json", json.to_string()), options, 1_000).await
    }

    async fn all(&self) -> Vec<District> {
        district::all(&mut self.db.read().await.unwrap()).await.unwrap()
    }

    async fn outlines(&self) -> Vec<(String, Value)> {
        let outlines = district::boundaries(&mut self.db.read().await.unwrap()).await.unwrap();
        outlines.into_iter().map(|(number, text)| (number, serde_json::from_str(&text).unwrap())).collect()
    }

    async fn at(&self, lat: f64, lon: f64) -> Option<String> {
        let locator = Locator::load(&mut self.db.read().await.unwrap()).await.unwrap();
        locator.district(None, LatLon { lat, lon }).map(str::to_owned)
    }
}

fn usual() -> DistrictOptions {
    DistrictOptions::default()
}

fn polygon(corners: &[[f64; 2]]) -> Value {
    json!({"type": "Polygon", "coordinates": [corners]})
}

fn square(west: f64, south: f64) -> Value {
    polygon(&[[west, south], [west + 0.1, south], [west + 0.1, south + 0.1], [west, south + 0.1], [west, south]])
}

fn feature(properties: &Value, geometry: &Value) -> Value {
    json!({"type": "Feature", "properties": properties, "geometry": geometry})
}

fn numbered(number: &str, name: &str, geometry: &Value) -> Value {
    feature(&json!({"id": number, "name": name}), geometry)
}

fn collection(features: &[Value]) -> Value {
    json!({"type": "FeatureCollection", "features": features})
}

/// Squares in a row, a tenth of a degree each.
fn row(names: &[(&str, &str)]) -> Value {
    let one = |((number, name), index): (&(&str, &str), u32)| numbered(number, name, &square(10.3 + f64::from(index) * 0.1, 59.9));
    collection(&names.iter().zip(0..).map(one).collect::<Vec<_>>())
}

/// Two squares and, in two parts, what lies around them, as the statisticians' TopoJSON of Oslo has its properties.
fn topology() -> Value {
    let part = |arcs: Value, number: &str, name: &str, id: u8| {
        let properties = json!({"kommunenum": "0301", "BYDEL": number, "BYDELSNAVN": name, "Kombinert": format!("0301{number}")});
        json!({"type": "Polygon", "arcs": [arcs], "properties": properties, "id": id})
    };
    json!({
        "type": "Topology",
        "transform": {"scale": [0.01, 0.01], "translate": [10.7, 59.9]},
        // The border between both squares, the rest of the one, the rest of the other, and two squares apart.
        "arcs": [[[10, 0], [0, 10]], [[10, 10], [-10, 0], [0, -10], [10, 0]], [[10, 10], [10, 0], [0, -10], [-10, 0]],
            [[30, 0], [10, 0], [0, 10], [-10, 0], [0, -10]], [[50, 0], [10, 0], [0, 10], [-10, 0], [0, -10]]],
        "objects": {"Bydeler": {"type": "GeometryCollection", "geometries": [
            part(json!([3]), "17", "Marka Nord", 0), part(json!([4]), "17", "Marka Øst", 1),
            part(json!([0, 1]), "03", "Sagene", 2), part(json!([!0, !2]), "08", "Nordre Aker", 3),
        ]}},
    })
}

#[tokio::test]
async fn topojson_comes_in_as_geojson_does() {
    for engine in Engine::BOTH {
        let place = Place::new(engine).await;
        let report = place.import(&topology(), &usual()).await.unwrap();
        assert_eq!((report.added, report.in_parts.as_slice()), (3, [("17".to_owned(), "Marka".to_owned(), 2)].as_slice()));
        let text = report.to_string();
        for said in [
            "Number: property BYDEL (17, 03, 08)",
            "Name:   property BYDELSNAVN (Marka Nord, Marka Øst, Sagene)",
            "District 17 Marka came as 2 features and is one district.",
            "District 17 is counted together with 08",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
        let names: Vec<_> = place.all().await.into_iter().map(|d| (d.number, d.name, d.area)).collect();
        let row = |number: &str, name: &str, area: &str| (number.to_owned(), name.to_owned(), area.to_owned());
        assert_eq!(names, [row("03", "Sagene", "03"), row("08", "Nordre Aker", "08"), row("17", "Marka", "08")]);
        for (lon, number) in [(10.75, Some("03")), (10.85, Some("08")), (10.95, None), (11.05, Some("17")), (11.25, Some("17"))] {
            assert_eq!(place.at(59.95, lon).await.as_deref(), number, "{lon}");
        }
        // The same as GeoJSON changes nothing.
        let nested = |west: f64| square(west, 59.9);
        let marka = json!({"type": "MultiPolygon", "coordinates": [nested(11.0)["coordinates"], nested(11.2)["coordinates"]]});
        let same =
            collection(&[numbered("03", "Sagene", &nested(10.7)), numbered("08", "Nordre Aker", &nested(10.8)), numbered("17", "Marka", &marka)]);
        let again = place.import(&same, &usual()).await.unwrap();
        assert_eq!((again.unchanged, again.changed), (3, 0), "{again}");
    }
}

#[tokio::test]
async fn a_guess_that_is_not_the_only_one_refuses_the_file_with_its_properties() {
    let place = Place::new(Engine::Sqlite).await;
    let unit = |unit: &str, district: &str, name: &str, west: f64| {
        feature(
            &json!({"grunnkretsnummer": unit, "bydelsnr": district, "grunnkretsnavn": name, "bydelsnavn": format!("Bydel {district}")}),
            &square(west, 59.9),
        )
    };
    let units =
        collection(&[unit("03010101", "01", "Lodalen", 10.7), unit("03010102", "01", "Grønland", 10.8), unit("03010201", "02", "Sofienberg", 10.9)]);
    let refused = place.import(&units, &usual()).await.unwrap_err().to_string();
    for said in ["bydelsnr and grunnkretsnummer", "--number NAME", "grunnkretsnavn (Lodalen, Grønland, Sofienberg)", "nothing was changed"] {
        assert!(refused.contains(said), "{said}: {refused}");
    }
    assert!(place.all().await.is_empty());
    // Told, the units of a district become one outline.
    let told = DistrictOptions { number_property: Some("bydelsnr".into()), name_property: Some("bydelsnavn".into()), ..usual() };
    let report = place.import(&units, &told).await.unwrap();
    assert_eq!((report.added, report.repaired["01"].merged), (2, 1), "{report}");
    let (_, outline) = &place.outlines().await[0];
    assert_eq!(outline["coordinates"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn other_coordinate_systems_are_projected_or_refused() {
    for engine in Engine::BOTH {
        let place = Place::new(engine).await;
        // 59.91 north, 10.77 east, and a kilometre or so to each side, in zone 32.
        let utm = polygon(&[[598_986.701, 6_642_711.242], [599_986.701, 6_642_711.242], [599_986.701, 6_643_711.242], [598_986.701, 6_643_711.242]]);
        let mut file = collection(&[numbered("01", "Øst", &utm)]);
        let refused = place.import(&file, &usual()).await.unwrap_err().to_string();
        assert!(refused.contains("feature 1: coordinates in metres") && refused.contains("--epsg 25832, 25833 or 25835"), "{refused}");
        file["crs"] = json!({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27391"}});
        let refused = place.import(&file, &usual()).await.unwrap_err().to_string();
        assert!(refused.contains("EPSG:27391, which is not known here") && refused.contains("4326, 4258, 25832"), "{refused}");
        assert!(place.all().await.is_empty());

        file["crs"]["properties"]["name"] = json!("urn:ogc:def:crs:EPSG::25832");
        let report = place.import(&file, &usual()).await.unwrap();
        assert!(report.to_string().contains("EPSG:25832, turned into degrees"), "{report}");
        assert_eq!(place.at(59.9105, 10.771).await.as_deref(), Some("01"));
        assert_eq!(place.at(59.9095, 10.771).await, None);
        let (_, outline) = &place.outlines().await[0];
        let corner = &outline["coordinates"][0][0][0];
        let (lon, lat) = (corner[0].as_f64().unwrap(), corner[1].as_f64().unwrap());
        assert!((lon - 10.77).abs() < 1e-6 && (lat - 59.91).abs() < 1e-6, "{outline}");
        // What is told goes before what the file says.
        let told = DistrictOptions { epsg: Some(25833), ..usual() };
        let moved = place.import(&file, &told).await.unwrap();
        assert_eq!((moved.changed, place.at(59.9105, 10.771).await), (1, None));
    }
}

#[tokio::test]
async fn what_is_unsound_in_one_way_is_repaired_and_said_by_district() {
    let place = Place::new(Engine::Sqlite).await;
    let open = polygon(&[[10.3, 59.9], [10.4, 59.9], [10.4, 60.0], [10.3, 60.0]]);
    let repeated = polygon(&[[10.4, 59.9], [10.4, 59.9], [10.5, 59.9], [10.5, 60.0], [10.4, 60.0], [10.4, 59.9]]);
    let clockwise = polygon(&[[10.5, 59.9], [10.5, 60.0], [10.6, 60.0], [10.6, 59.9], [10.5, 59.9]]);
    let spike = polygon(&[[10.6, 59.9], [10.7, 59.9], [10.8, 59.95], [10.7, 59.9], [10.7, 60.0], [10.6, 60.0], [10.6, 59.9]]);
    let touching =
        polygon(&[[10.7, 59.9], [10.8, 59.9], [10.8, 59.95], [10.9, 59.95], [10.9, 60.0], [10.8, 60.0], [10.8, 59.95], [10.7, 59.95], [10.7, 59.9]]);
    let skerry = json!({"type": "MultiPolygon", "coordinates": [square(10.9, 59.9)["coordinates"], [[[10.95, 60.1], [10.95, 60.1], [10.95, 60.1], [10.95, 60.1]]]]});
    let shapes = [("01", open), ("02", repeated), ("03", clockwise), ("04", spike), ("05", touching), ("06", skerry), ("07", square(11.0, 59.9))];
    let file = collection(&shapes.iter().map(|(number, shape)| numbered(number, "N", shape)).collect::<Vec<_>>());
    let report = place.import(&file, &DistrictOptions { name_property: Some("name".into()), ..usual() }).await.unwrap();
    let said: Vec<(String, String)> = report.repaired.iter().map(|(number, repairs)| (number.clone(), repairs.to_string())).collect();
    let pair = |number: &str, said: &str| (number.to_owned(), said.to_owned());
    assert_eq!(
        said,
        [
            pair("01", "1 ring closed"),
            pair("02", "1 repeated corner left out"),
            pair("03", "1 ring turned round"),
            pair("04", "1 spike cut off"),
            pair("05", "1 part that touched itself taken apart there"),
            pair("06", "1 ring without area left out"),
        ]
    );
    assert!(report.to_string().contains("Repaired outlines:\n  01: 1 ring closed\n"), "{report}");
    assert!(report.overlaps.is_empty(), "{report}");
    assert_eq!(place.at(59.99, 10.85).await.as_deref(), Some("05"));
    for (number, outline) in place.outlines().await {
        assert!(!outline.to_string().contains("null"), "{number}");
    }
}

#[tokio::test]
async fn what_is_unsound_in_two_ways_is_refused_by_feature_and_may_be_left_out() {
    for engine in Engine::BOTH {
        let place = Place::new(engine).await;
        let bow = polygon(&[[10.7, 59.9], [10.8, 60.0], [10.8, 59.9], [10.7, 60.0], [10.7, 59.9]]);
        let pair = polygon(&[[10.7, 59.9], [10.8, 60.0]]);
        let good = square(10.3, 59.9);
        // Of a district in two parts one is broken.
        let file = collection(&[
            numbered("01", "Vest", &good),
            numbered("02", "Sløyfe", &bow),
            numbered("03", "Todelt", &square(10.4, 59.9)),
            numbered("03", "Todelt", &pair),
        ]);
        let refused = place.import(&file, &usual()).await.unwrap_err().to_string();
        for said in [
            "2 of 4 features that cannot be used",
            "feature 2: an outline that crosses itself near 59.95000 north, 10.75000 east, so that",
            "draw it anew there (district 02)",
            "feature 4: an outline of fewer than three corners (district 03)",
            "--skip-invalid",
            "nothing was changed",
        ] {
            assert!(refused.contains(said), "{said}: {refused}");
        }
        assert!(place.all().await.is_empty());

        // What is known of a district that is left out stays.
        place.import(&collection(&[numbered("02", "Sløyfe", &square(10.7, 59.9))]), &usual()).await.unwrap();
        let skip = DistrictOptions { skip_invalid: true, ..usual() };
        let report = place.import(&file, &skip).await.unwrap();
        assert_eq!((report.added, report.unchanged, report.skipped.len()), (1, 1, 2), "{report}");
        assert!(report.to_string().contains("Left out, and with each its whole district:\n  feature 2:"), "{report}");
        assert_eq!(place.at(59.95, 10.35).await.as_deref(), Some("01"));
        assert_eq!(place.at(59.95, 10.45).await, None, "not half of it");
        assert_eq!(place.at(59.95, 10.75).await.as_deref(), Some("02"));
        // What the file lacks cannot be told from what could not be read.
        let refused = place.import(&file, &DistrictOptions { replace: true, ..skip }).await.unwrap_err().to_string();
        assert!(refused.contains("which districts the file lacks") && refused.contains("without --replace"), "{refused}");
        let only = collection(&[numbered("02", "Sløyfe", &bow)]);
        let refused = place.import(&only, &DistrictOptions { skip_invalid: true, ..usual() }).await.unwrap_err().to_string();
        assert!(refused.contains("no feature that can be used: feature 1: an outline that crosses itself"), "{refused}");
    }
}

#[tokio::test]
async fn outlines_that_cover_the_same_ground_are_reported_with_the_area() {
    let place = Place::new(Engine::Sqlite).await;
    let file = collection(&[
        numbered("01", "Vest", &square(10.3, 59.9)),
        numbered("02", "Øst", &square(10.39, 59.9)),
        numbered("03", "Nord", &square(10.3, 60.0)),
    ]);
    let report = place.import(&file, &usual()).await.unwrap();
    assert_eq!(report.overlaps.iter().map(|o| (o.first.as_str(), o.second.as_str())).collect::<Vec<_>>(), [("01", "02")]);
    assert!(report.to_string().contains("  01 and 02: 6.2 km²"), "{report}");
    // Also with what was imported before.
    let report = place.import(&collection(&[numbered("04", "Ny", &square(10.3, 60.05))]), &usual()).await.unwrap();
    assert!(report.overlaps.iter().any(|o| (o.first.as_str(), o.second.as_str()) == ("03", "04")), "{report}");
}

async fn areas(db: &Db) -> Vec<(String, String)> {
    district::all(&mut db.read().await.unwrap()).await.unwrap().into_iter().map(|d| (d.number, d.area)).collect()
}

fn counted(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(number, area)| ((*number).to_owned(), (*area).to_owned())).collect()
}

fn joined(district: &str, with: &str) -> DistrictOptions {
    DistrictOptions { joins: vec![(district.to_owned(), with.to_owned())], ..usual() }
}

#[tokio::test]
async fn what_is_counted_together_stays_so_until_told() {
    for engine in Engine::BOTH {
        let place = Place::new(engine).await;
        let file = row(&[("01", "A"), ("02", "B"), ("03", "C")]);
        place.import(&file, &joined("2", "1")).await.unwrap();
        assert_eq!(areas(&place.db).await, counted(&[("01", "01"), ("02", "01"), ("03", "03")]));
        // The next import does not take it apart, though nobody says it again.
        let again = place.import(&file, &usual()).await.unwrap();
        assert_eq!((again.unchanged, again.joined.as_slice()), (3, counted(&[("02", "01")]).as_slice()));
        // A file speaks for all.
        let table = place.write("joins.csv", "district;with;name\n3;1;C\n");
        let report = place.import(&file, &DistrictOptions { joins_file: Some(table), ..usual() }).await.unwrap();
        assert_eq!((report.joined, report.unjoined), (counted(&[("03", "01")]), vec!["02".to_owned()]));
        let report = place.import(&file, &joined("3", "3")).await.unwrap();
        assert!(report.to_string().contains("District 03 is counted alone from now on."), "{report}");
        assert_eq!(areas(&place.db).await, counted(&[("01", "01"), ("02", "02"), ("03", "03")]));
        for (options, said) in [
            (joined("2", "9"), "--join 2=9, where there is no district 9"),
            (DistrictOptions { joins: counted(&[("01", "02"), ("02", "03")]), ..usual() }, "which is itself counted together with 03"),
            (DistrictOptions { joins_file: Some(place.write("j.csv", "district,with,with_name\n02,01,Z\n")), ..usual() }, "called otherwise"),
            (DistrictOptions { joins_file: Some(place.write("k.csv", "a,b\n1,2\n")), ..usual() }, "none is called district"),
        ] {
            let refused = place.import(&file, &options).await.unwrap_err().to_string();
            assert!(refused.contains(said) && refused.to_lowercase().contains("nothing was changed"), "{said}: {refused}");
        }
        assert_eq!(areas(&place.db).await, counted(&[("01", "01"), ("02", "02"), ("03", "03")]));
    }
}

async fn import(state: &AppState, server: &TestServer, json: &Value, options: &DistrictOptions) -> Result<DistrictReport, ImportError> {
    let path = server.folder.path().join("districts.json");
    fs::write(&path, json.to_string()).unwrap();
    districts(&state.db, &path, options, state.now_ms()).await
}

#[tokio::test]
async fn an_area_that_was_heard_is_never_put_together_or_taken_apart() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 3, 3, 40).await;
        let file = row(&[("01", "Bydel 01"), ("02", "Bydel 02"), ("03", "Bydel 03"), ("04", "Ny")]);
        let import = async |options: &DistrictOptions| import(state, &server, &file, options).await;
        let before = counted(&[("01", "01"), ("02", "02"), ("03", "03"), ("04", "03")]);
        let bound = async |options: &DistrictOptions, why: &str| {
            let refused = import(options).await.unwrap_err();
            let said = refused.to_string();
            assert!(matches!(refused, ImportError::Bound(_)) && said.contains(why) && said.contains("Nothing was changed"), "{why}: {said}");
            assert!(
                matches!(import(&DistrictOptions { dry_run: true, ..options.clone() }).await, Err(ImportError::Bound(_))),
                "tried, it says the same"
            );
        };

        // A new district, where nobody was yet, may be joined, also with one where somebody is.
        import(&joined("4", "3")).await.unwrap();
        assert_eq!(areas(&state.db).await, before);
        // Where turfs are walked in an open round, what was said may be on its way, sealed for the area that there was.
        bound(&joined("2", "1"), "District 02 is counted alone and was to be counted together with 01, but it has turfs in a round").await;
        assert_eq!(areas(&state.db).await, before);

        // Nothing was heard in 03 yet, and 04 has no turf: it may still be taken apart, and put together again.
        import(&joined("4", "4")).await.unwrap();
        import(&joined("4", "3")).await.unwrap();

        for evening in 0..3 {
            field.evening(state, "03", evening * 8, 8, |_| vec![0]).await;
        }
        let (rng, actor) = (&mut state.fork_rng(), Actor::operator());
        let report = mix::run(&state.db, &state.config.keys_dir(), field.round.id, &actor, state.now_ms(), rng).await.unwrap();
        assert_eq!(report.areas["03"].0, mix::Taken::Mixed);
        bound(
            &joined("4", "4"),
            "District 04 is counted together with 03 and was to be counted alone, but what was heard in area 03 was mixed already",
        )
        .await;
        release::freeze(&state.db, field.round.id, &actor, state.now_ms(), rng).await.unwrap();
        bound(&joined("4", "4"), "but a release has shown figures of area 03").await;
        bound(&joined("4", "1"), "a release has shown figures of area 03").await;
        let table = server.folder.path().join("joins.csv");
        fs::write(&table, "district,with\n01,02\n").unwrap();
        bound(&DistrictOptions { joins_file: Some(table), ..usual() }, "District 04 is counted together with 03 and was to be counted alone").await;
        // The district that it is counted with cannot go either.
        let without = row(&[("01", "Bydel 01"), ("02", "Bydel 02"), ("04", "Ny")]);
        let replaced = self::import(state, &server, &without, &DistrictOptions { replace: true, ..usual() }).await;
        assert!(matches!(replaced, Err(ImportError::InUse(_))), "{replaced:?}");
        // Imports that say nothing of it go on as ever.
        assert_eq!(import(&usual()).await.unwrap().unchanged, 4);
        assert_eq!(areas(&state.db).await, before);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_change_is_refused_while_the_spool_of_a_closed_round_waits() {
    let server = TestServer::start().await;
    let state = &server.state;
    let field = Field::make(state, 2, 1, 10).await;
    field.evening(state, "02", 0, 5, |_| vec![0]).await;
    dorbank_server::round::close(&state.db, field.round.id, &Actor::operator(), state.now_ms(), &mut state.fork_rng()).await.unwrap();
    let file = row(&[("01", "Bydel 01"), ("02", "Bydel 02")]);
    let shown = dorbank_server::store::release::shown_in(&mut state.db.read().await.unwrap()).await.unwrap();
    assert!(!shown.contains(&"02".to_owned()), "too little was heard to show anything: {shown:?}");
    let refused = import(state, &server, &file, &joined("2", "1")).await.unwrap_err();
    assert!(refused.to_string().contains("still be on its way"), "{refused}");
    server.stop().await;
}

#[tokio::test]
async fn groups_are_known_told_and_kept() {
    for engine in Engine::BOTH {
        let place = Place::new(engine).await;
        let file =
            row(&[("01", "Gamle Oslo"), ("02", "Grünerløkka"), ("03", "Sagene"), ("04", "St.Hanshaugen"), ("05", "Frogner"), ("16", "Sentrum")]);
        let groups = async || {
            let groups = district::groups(&mut place.db.read().await.unwrap()).await.unwrap();
            groups.into_iter().map(|group| format!("{}: {} ({})", group.name, group.districts.join(" "), group.source)).collect::<Vec<_>>()
        };
        let report = place.import(&file, &usual()).await.unwrap();
        assert_eq!(report.groups, 2);
        assert_eq!(groups().await, ["Indre øst: 01 02 03 (own grouping)", "Indre vest: 04 05 (own grouping)"]);
        let table = place.write("groups.csv", "group,district,source\nSentralt,16,fylket\nSentralt,04,\nSentralt,01,\nAlle,02,\nAlle,01,\n");
        place.import(&file, &DistrictOptions { groups: Some(table), ..usual() }).await.unwrap();
        let told = ["Sentralt: 01 04 16 (fylket)", "Alle: 01 02 ()"];
        assert_eq!(groups().await, told);
        // They stay when districts are imported again, and lose what goes.
        assert_eq!(place.import(&file, &usual()).await.unwrap().groups, 2);
        assert_eq!(groups().await, told);
        let apart = place.write("apart.csv", "group,district\nSentralt,16\n");
        let refused = place.import(&file, &DistrictOptions { groups: Some(apart), ..usual() }).await.unwrap_err().to_string();
        assert!(refused.contains("district 16 is in the group Sentralt and 04 is not, though both are counted together"), "{refused}");
        let refused = place.import(&file, &joined("01", "03")).await.unwrap_err().to_string();
        assert!(refused.contains("district 01 to be counted together with 03, which is not in the group Sentralt"), "{refused}");
        let fewer = row(&[("01", "Gamle Oslo"), ("03", "Sagene"), ("04", "St.Hanshaugen")]);
        let report = place.import(&fewer, &DistrictOptions { replace: true, ..usual() }).await.unwrap();
        assert_eq!((report.removed.len(), report.groups), (3, 2), "{report}");
        assert_eq!(groups().await, ["Sentralt: 01 04 (fylket)", "Alle: 01 ()"]);
    }
}

#[tokio::test]
async fn households_are_imported_summed_and_kept() {
    for engine in Engine::BOTH {
        let place = Place::new(engine).await;
        let file = row(&[("01", "Øst"), ("02", "Vest")]);
        let table = |text: &str| HouseholdOptions { file: Some(place.write("households.csv", text)), ..HouseholdOptions::default() };
        let refused = households(&place.db, &table("nr,husholdninger\n1,5\n")).await.unwrap_err().to_string();
        assert!(refused.contains("a database without a district"), "{refused}");
        place.import(&file, &usual()).await.unwrap();
        let refused = households(&place.db, &HouseholdOptions::default()).await.unwrap_err().to_string();
        assert!(refused.contains("the program knows no figures") && refused.contains("import households FILE"), "{refused}");

        let text = "Nr;Navn;Husholdninger;År;Kilde\n1;Øst;30 332;2024;SSB\n7;Nord;12;2024;SSB\n2;Vest;mange;2024;SSB\n";
        let tried = households(&place.db, &HouseholdOptions { dry_run: true, ..table(text) }).await.unwrap();
        assert_eq!(place.all().await[0].households, 0);
        let report = households(&place.db, &table(text)).await.unwrap();
        assert_eq!(dorbank_server::import::HouseholdReport { dry_run: false, ..tried }, report);
        assert_eq!((report.added, report.sum, report.without.as_slice()), (1, 30_332, ["02".to_owned()].as_slice()));
        let said = report.to_string();
        for line in [
            "30332  households in all, in 2024",
            "line 3: there is no district 7",
            "line 4: \"mange\" is no number of households",
            "without a figure: 02",
        ] {
            assert!(said.contains(line), "{line}: {said}");
        }
        // They stay when districts are imported again, and when a district goes and comes back.
        place.import(&file, &usual()).await.unwrap();
        place.import(&row(&[("02", "Vest")]), &DistrictOptions { replace: true, ..usual() }).await.unwrap();
        place.import(&file, &usual()).await.unwrap();
        let all = place.all().await;
        assert_eq!((all[0].households, all[1].households), (30_332, 0));
        let again = households(&place.db, &table("nr;antall\n1;30332\n2;5\n")).await.unwrap();
        assert_eq!((again.added, again.changed, again.unchanged), (1, 1, 0), "the year is gone, and that is a change");
        let refused = households(&place.db, &table("nr;antall\n9;5\n")).await.unwrap_err().to_string();
        assert!(refused.contains("no row that can be used; the first, line 2: there is no district 9"), "{refused}");

        // Oslo's own, by the names of its districts or when told.
        let oslo = Place::new(engine).await;
        oslo.import(&row(&[("01", "Gamle Oslo"), ("04", "St.Hanshaugen")]), &usual()).await.unwrap();
        let report = households(&oslo.db, &HouseholdOptions::default()).await.unwrap();
        assert_eq!((report.added, report.sum, report.years.iter().copied().collect::<Vec<_>>()), (2, 30_332 + 23_441, vec![2018]));
        assert_eq!(report.refused.len(), 15);
        let told = HouseholdOptions { default_oslo: true, ..HouseholdOptions::default() };
        assert_eq!(households(&place.db, &told).await.unwrap().changed, 2);
    }
}

#[tokio::test]
async fn the_office_shows_who_lives_where_what_is_read_together_and_says_what_a_district_is_called() {
    let server = TestServer::start().await;
    let state = &server.state;
    let field = Field::make(state, 2, 3, 30).await;
    let file = row(&[("01", "Sagene"), ("02", "Sandaker"), ("03", "Torshov")]);
    let groups = server.folder.path().join("groups.csv");
    fs::write(&groups, "group,district,source\nNordre,01,fylket\nNordre,02,\n").unwrap();
    import(state, &server, &file, &DistrictOptions { joins: counted(&[("03", "02")]), groups: Some(groups), ..usual() }).await.unwrap();
    let table = server.folder.path().join("households.csv");
    fs::write(&table, "nr,antall,år,kilde\n1,26265,2018,Oslo kommune\n2,1000,2024,SSB\n3,234,2024,SSB\n").unwrap();
    households(&state.db, &HouseholdOptions { file: Some(table), ..HouseholdOptions::default() }).await.unwrap();
    for evening in 0..3 {
        field.evening(state, "02", evening * 8, 8, |_| vec![0]).await;
    }
    let (rng, actor) = (&mut state.fork_rng(), Actor::operator());
    mix::run(&state.db, &state.config.keys_dir(), field.round.id, &actor, state.now_ms(), rng).await.unwrap();
    release::freeze(&state.db, field.round.id, &actor, state.now_ms(), rng).await.unwrap();

    let county = World::officer(state, Role::County, None).await.1;
    let page = async |path: &str| {
        let got = server.get(path).header("accept", "text/html").header("accept-language", "nb").header("cookie", &county).send().await.unwrap();
        crate::pages::read(&got.text().await.unwrap())
    };
    let programme = page("/programme?area=02").await;
    assert!(programme.contains("Her bor rundt 1 234 husholdninger (2024, SSB)."), "{programme}");
    assert!(page("/programme").await.contains("Her bor rundt 27 499 husholdninger (2018–2024, Oslo kommune, SSB)."));
    let admin = page("/admin").await;
    for said in [
        "Bydeler",
        "01 Sagene",
        "03 Torshov telles sammen med Sandaker",
        "26 265 2018, Oslo kommune",
        "Grupper av bydeler",
        "Nordre fylket Sagene, Sandaker",
    ] {
        assert!(admin.contains(said), "{said}: {admin}");
    }

    let mut tx = state.db.begin().await.unwrap();
    assert_eq!(district::noun(&mut tx).await.unwrap(), Noun::Bydel);
    district::set_noun(&mut tx, Noun::Krets).await.unwrap();
    tx.commit().await.unwrap();
    let admin = page("/admin").await;
    assert!(admin.contains("Grupper av kretser") && !admin.to_lowercase().contains("bydel"), "{admin}");
    assert!(page("/programme").await.contains("er ikke hele kretsen:"));
    for language in LANGUAGES {
        let front = page(&format!("/?lang={language}")).await;
        assert!(front.contains(Words::calling_a_district(language, Noun::Krets).get(key::FRONT_LEAD)), "{language}: {front}");
    }
    server.stop().await;
}

#[test]
fn what_a_district_is_called_is_set_on_the_command_line() {
    let folder = TempDir::new().unwrap();
    let place = crate::process::Place::new(folder.path());
    assert!(place.done(&["setting", "district-noun"]).contains("bydel"));
    assert!(place.done(&["setting", "district-noun", "grend"]).contains("A district is called grend from now on"));
    assert!(place.done(&["setting", "district-noun"]).contains("grend"));
    assert!(place.refused(&["setting", "district-noun", "kommune"]).contains("one of bydel, krets, tettsted, grend"));
    let refused = place.refused(&["import", "lines", "nowhere.osm.pbf", "--kind", "canal"]);
    assert!(refused.contains("one of street, path, water, motorway, railway"), "{refused}");
}
