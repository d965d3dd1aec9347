//! Published coordinates to latitude and longitude.

use dorbank_shared::geo::LatLon;
use proj4rs::{Proj, transform::transform};

/// The coordinate systems in which Kartverket publishes addresses.
pub const KNOWN: [u32; 5] = [4258, 4326, 25832, 25833, 25835];

/// Ready to turn any of [`KNOWN`] into degrees.
#[derive(Debug)]
pub struct Projections {
    degrees: Option<Proj>,
    zones: Vec<(u32, Proj)>,
}

impl Default for Projections {
    fn default() -> Self {
        let zones = [(25832, 32), (25833, 33), (25835, 35)]
            .into_iter()
            .filter_map(|(code, zone)| Some((code, Proj::from_proj_string(&format!("+proj=utm +zone={zone} +ellps=GRS80 +units=m +no_defs")).ok()?)))
            .collect();
        Self { degrees: Proj::from_proj_string("+proj=longlat +ellps=GRS80 +no_defs").ok(), zones }
    }
}

impl Projections {
    /// The point `north`, `east` of the system `epsg`: degrees for 4258 and 4326, else metres. Nothing where the system
    /// is not one of [`KNOWN`] or the point has no place in it.
    pub fn degrees(&self, epsg: u32, north: f64, east: f64) -> Option<LatLon> {
        if matches!(epsg, 4258 | 4326) {
            return Some(LatLon { lat: north, lon: east });
        }
        let (_, zone) = self.zones.iter().find(|(code, _)| *code == epsg)?;
        let mut point = (east, north, 0.0);
        transform(zone, self.degrees.as_ref()?, &mut point).ok()?;
        // The crate speaks radians.
        let at = LatLon { lat: point.1.to_degrees(), lon: point.0.to_degrees() };
        (at.lat.is_finite() && at.lon.is_finite()).then_some(at)
    }
}

/// Seven decimals, a centimetre: what is stored, so that the same file always gives the same numbers.
pub fn round(at: LatLon) -> LatLon {
    let seven = |degrees: f64| (degrees * 1e7).round() / 1e7;
    LatLon { lat: seven(at.lat), lon: seven(at.lon) }
}

/// Whether a point can be Norwegian: the mainland and Svalbard, with some sea.
pub fn in_norway(at: LatLon) -> bool {
    (57.5..=81.5).contains(&at.lat) && (3.5..=34.0).contains(&at.lon)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Latitude and longitude to UTM by the series of Krüger to the fourth order, written out from the ellipsoid's two
    /// numbers alone: an independent way to the same result.
    fn utm(at: LatLon, zone: i32) -> (f64, f64) {
        let (a, f) = (6_378_137.0_f64, 1.0 / 298.257_222_101);
        let n = f / (2.0 - f);
        let radius = a / (1.0 + n) * (1.0 + n.powi(2) / 4.0 + n.powi(4) / 64.0);
        let alpha = [
            n / 2.0 - 2.0 / 3.0 * n.powi(2) + 5.0 / 16.0 * n.powi(3) + 41.0 / 180.0 * n.powi(4),
            13.0 / 48.0 * n.powi(2) - 3.0 / 5.0 * n.powi(3) + 557.0 / 1440.0 * n.powi(4),
            61.0 / 240.0 * n.powi(3) - 103.0 / 140.0 * n.powi(4),
            49561.0 / 161_280.0 * n.powi(4),
        ];
        let phi = at.lat.to_radians();
        let lambda = (at.lon - f64::from(zone * 6 - 183)).to_radians();
        let e = 2.0 * n.sqrt() / (1.0 + n);
        let t = (phi.sin().atanh() - e * (e * phi.sin()).atanh()).sinh();
        let xi = t.atan2(lambda.cos());
        let eta = (lambda.sin() / (1.0 + t * t).sqrt()).atanh();
        let (mut north, mut east) = (xi, eta);
        for (j, a) in (1..).zip(alpha) {
            let j = 2.0 * f64::from(j);
            north += a * (j * xi).sin() * (j * eta).cosh();
            east += a * (j * xi).cos() * (j * eta).sinh();
        }
        (0.9996 * radius * north, 500_000.0 + 0.9996 * radius * east)
    }

    proptest! {
        #[test]
        fn every_zone_agrees_with_the_series_to_a_centimetre(lat in 57.9f64..71.3, lon in 4.5f64..31.3) {
            let at = LatLon { lat, lon };
            for (epsg, zone) in [(25832, 32), (25833, 33), (25835, 35)] {
                let (north, east) = utm(at, zone);
                let back = Projections::default().degrees(epsg, north, east).unwrap();
                // Kartverket publishes all of Norway in zone 33, so also what lies far from the zone's middle must be right.
                prop_assert!(dorbank_shared::geo::distance(at, back) < 0.02, "zone {zone}: {at:?} {back:?}");
            }
        }
    }

    /// Points that PROJ publishes with its own tests (`gie`, `+proj=utm +ellps=GRS80 +zone=30`, good to 0.1 mm). A zone
    /// farther east is the same six degrees farther. They lie near the equator: Kartverket's own control points are not
    /// to be had without its services, so for Norway's latitudes the series above stands.
    #[test]
    fn published_points_come_out_to_a_millimetre() {
        let published = [
            (1_057_002.405_491_298, 110_955.141_175_949, 2.0, 1.0),
            (1_057_002.405_491_298, -110_955.141_175_949, 2.0, -1.0),
            (611_263.812_278_905, 110_547.105_696_804, -2.0, 1.0),
            (611_263.812_278_905, -110_547.105_696_804, -2.0, -1.0),
        ];
        for (epsg, zone) in [(25832, 32.0), (25833, 33.0), (25835, 35.0)] {
            for (east, north, lon, lat) in published {
                let at = Projections::default().degrees(epsg, north, east).unwrap();
                let expected = lon + 6.0 * (zone - 30.0);
                assert!((at.lat - lat).abs() < 1e-8 && (at.lon - expected).abs() < 1e-8, "{epsg}: {at:?}");
            }
        }
    }

    #[test]
    fn the_middle_of_a_zone_is_where_it_is_defined() {
        let projections = Projections::default();
        // On the central meridian (15 degrees east) the easting is 500 km and the northing 0.9996 of the meridian's arc,
        // which from the equator to 60 degrees is 6,654,072.819 m on this ellipsoid.
        let at = projections.degrees(25833, 6_651_411.190, 500_000.0).unwrap();
        assert!((at.lon - 15.0).abs() < 1e-9 && (at.lat - 60.0).abs() < 1e-7, "{at:?}");
        assert_eq!(projections.degrees(4258, 59.9, 10.7), Some(LatLon { lat: 59.9, lon: 10.7 }));
        assert_eq!(projections.degrees(4326, 59.9, 10.7), Some(LatLon { lat: 59.9, lon: 10.7 }));
        assert_eq!(projections.degrees(3857, 1.0, 1.0), None);
        assert_eq!(projections.degrees(25833, f64::INFINITY, 1.0), None);
    }

    #[test]
    fn norway_is_where_it_is() {
        for (lat, lon, inside) in [(59.91, 10.75, true), (71.1, 25.7, true), (78.2, 15.6, true), (55.7, 12.6, false), (10.75, 59.91, false)] {
            assert_eq!(in_norway(LatLon { lat, lon }), inside, "{lat} {lon}");
        }
    }
}
