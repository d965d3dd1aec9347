//! From a file's coordinates to degrees: which system they are in, and whether they can be Norwegian.

use dorbank_shared::geo::LatLon;
use geo::Coord;

use super::feature::{Rings, System};
use crate::import::{
    WrongFile,
    projection::{KNOWN, Projections, in_norway, round},
    sniff::{DISTRICT_FILE, DISTRICT_HELP},
};

/// Which of the known systems a file is in: the one that was told, else the one that it says, else WGS84.
///
/// # Errors
/// When it is one that is not known.
pub fn epsg(system: &System, told: Option<u32>) -> Result<u32, WrongFile> {
    let refuse = |found: String| {
        let to_do = format!("{DISTRICT_HELP}; known are EPSG:4326, 4258, 25832, 25833 and 25835");
        Err(WrongFile::new(DISTRICT_FILE, found, to_do))
    };
    match (told, system) {
        (Some(code), _) if !KNOWN.contains(&code) => refuse(format!("--epsg {code}, which is not known here")),
        (Some(code), _) => Ok(code),
        (None, System::Unsaid) => Ok(4326),
        (None, System::Epsg(code)) if KNOWN.contains(code) => Ok(*code),
        (None, System::Epsg(code)) => refuse(format!("a crs that says EPSG:{code}, which is not known here")),
        (None, System::Other(name)) => refuse(format!("a crs that says {name}, which is not known here")),
    }
}

/// The polygons in degrees, to seven decimals.
///
/// # Errors
/// What is wrong with the first corner that cannot be right.
pub fn in_degrees(polygons: &[Rings], epsg: u32, projections: &Projections) -> Result<Vec<Rings>, String> {
    let corner = |at: &Coord| place(*at, epsg, projections);
    polygons.iter().map(|rings| rings.iter().map(|ring| ring.iter().map(corner).collect()).collect()).collect()
}

fn place(at: Coord, epsg: u32, projections: &Projections) -> Result<Coord, String> {
    let is_degrees = matches!(epsg, 4258 | 4326);
    let could_be_degrees = at.x.abs() <= 180.0 && at.y.abs() <= 90.0;
    if is_degrees && !could_be_degrees {
        return Err(
            "coordinates in metres, not in degrees; if they are UTM and the file does not say which, say it: --epsg 25832, 25833 or 25835".to_owned()
        );
    }
    if !is_degrees && could_be_degrees {
        return Err(format!("coordinates in degrees, where EPSG:{epsg} has metres; if they are WGS84, say it: --epsg 4326"));
    }
    let found = projections.degrees(epsg, at.y, at.x).map(round);
    match found.filter(|found| in_norway(*found)) {
        Some(found) => Ok(Coord { x: found.lon, y: found.lat }),
        None if is_degrees && in_norway(LatLon { lat: at.x, lon: at.y }) => {
            Err("latitude before longitude; GeoJSON wants longitude first".to_owned())
        }
        None => Err("a corner outside Norway".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(x: f64, y: f64, epsg: u32) -> Result<(f64, f64), String> {
        in_degrees(&[vec![vec![Coord { x, y }]]], epsg, &Projections::default()).map(|polygons| (polygons[0][0][0].x, polygons[0][0][0].y))
    }

    #[test]
    fn a_system_is_told_said_or_wgs84() {
        assert_eq!(epsg(&System::Unsaid, None), Ok(4326));
        assert_eq!(epsg(&System::Epsg(25832), None), Ok(25832));
        assert_eq!(epsg(&System::Epsg(25832), Some(25833)), Ok(25833));
        assert_eq!(epsg(&System::Other("NGO 1948".into()), Some(4258)), Ok(4258));
        assert!(epsg(&System::Epsg(3857), None).unwrap_err().found.contains("EPSG:3857, which is not known"));
        assert!(epsg(&System::Other("NGO 1948".into()), None).unwrap_err().found.contains("NGO 1948"));
        assert!(epsg(&System::Unsaid, Some(27391)).unwrap_err().found.contains("--epsg 27391"));
    }

    #[test]
    fn coordinates_come_to_degrees_or_are_refused_with_what_they_are() {
        assert_eq!(placed(10.770_000_012, 59.91, 4326), Ok((10.77, 59.91)));
        let (lon, lat) = placed(598_986.701, 6_642_711.242, 25832).unwrap();
        assert!((lon - 10.77).abs() < 2e-7 && (lat - 59.91).abs() < 2e-7);
        for (x, y, code, refused) in [
            (59.91, 10.77, 4326, "latitude before longitude"),
            (2.35, 48.85, 4326, "a corner outside Norway"),
            (598_986.7, 6_642_711.2, 4326, "coordinates in metres"),
            (10.77, 59.91, 25833, "coordinates in degrees"),
            (598_986.7, 642_711.2, 25832, "a corner outside Norway"),
            (f64::INFINITY, 59.9, 4326, "coordinates in metres"),
            (f64::NAN, 59.9, 4326, "coordinates in metres"),
        ] {
            let found = placed(x, y, code).unwrap_err();
            assert!(found.starts_with(refused), "{x} {y} {code}: {found}");
        }
    }
}
