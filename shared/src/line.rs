//! Lines of the map: streets and paths, and what cuts a district in two (water, motorways, railways).
//!
//! A line is stored and sent as few bytes. Its geometry is, in this order:
//!
//! 1. one byte, the [`Form`]: 0 lines, 1 area;
//! 2. the number of parts, and for each part the number of its points and the points themselves.
//!
//! Numbers are LEB128: seven bits a byte, the lowest first, the eighth bit set where more follow. A point is two of them,
//! north and then east, each the difference from the point before in millionths of a degree, written as zigzag
//! (0, -1, 1, -2 … as 0, 1, 2, 3 …). The first point differs from (0, 0); a part goes on from the end of the one before.
//! Nothing follows the last point. A step of six metres takes two bytes.

use crate::geo::LatLon;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A street with or without a name.
    Street,
    /// A way that no car takes.
    Path,
    /// A river, a brook, a shore or a lake.
    Water,
    /// A road that nobody crosses on foot.
    Motorway,
    /// A railway, a metro line or a tramway.
    Railway,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Street, Self::Path, Self::Water, Self::Motorway, Self::Railway];

    /// Its name in the database and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Street => "street",
            Self::Path => "path",
            Self::Water => "water",
            Self::Motorway => "motorway",
            Self::Railway => "railway",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A point of a line, in millionths of a degree: eleven centimetres or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micro {
    /// Millionths of a degree north.
    pub lat: i32,
    /// Millionths of a degree east.
    pub lon: i32,
}

impl Micro {
    /// The nearest to a point of the ground; nothing where that is no point of the ground.
    pub fn near(at: LatLon) -> Option<Self> {
        let on_ground = at.lat.abs() <= 90.0 && at.lon.abs() <= 180.0;
        #[expect(clippy::cast_possible_truncation, reason = "180 million fits into 32 bits")]
        let millionths = |degrees: f64| (degrees * 1e6).round() as i32;
        on_ground.then(|| Self { lat: millionths(at.lat), lon: millionths(at.lon) })
    }

    /// As degrees.
    pub fn degrees(self) -> LatLon {
        LatLon { lat: f64::from(self.lat) / 1e6, lon: f64::from(self.lon) / 1e6 }
    }
}

/// A box along the meridians, in millionths of a degree, its edges within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Its southern edge.
    pub south: i32,
    /// Its western edge.
    pub west: i32,
    /// Its northern edge.
    pub north: i32,
    /// Its eastern edge.
    pub east: i32,
}

impl Extent {
    /// The smallest that holds some points; nothing where there is none.
    pub fn of(points: impl IntoIterator<Item = Micro>) -> Option<Self> {
        points.into_iter().fold(None, |extent: Option<Self>, at| {
            let Self { south, west, north, east } = extent.unwrap_or(Self { south: at.lat, west: at.lon, north: at.lat, east: at.lon });
            Some(Self { south: south.min(at.lat), west: west.min(at.lon), north: north.max(at.lat), east: east.max(at.lon) })
        })
    }

    /// Whether two boxes have a point in common.
    pub const fn meets(&self, other: &Self) -> bool {
        self.south <= other.north && other.south <= self.north && self.west <= other.east && other.west <= self.east
    }
}

/// How the parts of a geometry are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Each part is a line.
    Lines,
    /// The parts are closed rings; a point within an odd number of them lies in the area (a lake with islands).
    Area,
}

/// Where a line runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geometry {
    /// How the parts are read.
    pub form: Form,
    /// The parts, each a list of points in their order.
    pub parts: Vec<Vec<Micro>>,
}

/// A line of the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub kind: Kind,
    /// What it is called; empty where it has no name.
    pub name: String,
    /// Where it runs.
    pub geometry: Geometry,
}

/// Bytes that are no geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the geometry of a line")]
pub struct NotAGeometry;

impl Geometry {
    /// The box that holds all of it; nothing where it has no point.
    pub fn extent(&self) -> Option<Extent> {
        Extent::of(self.parts.iter().flatten().copied())
    }

    /// As few bytes; the module says in which form.
    pub fn encode(&self) -> Vec<u8> {
        let points: usize = self.parts.iter().map(Vec::len).sum();
        let mut out = Vec::with_capacity(8 + points * 4);
        out.push(match self.form {
            Form::Lines => 0,
            Form::Area => 1,
        });
        put(&mut out, self.parts.len() as u64);
        let mut before = Micro { lat: 0, lon: 0 };
        for part in &self.parts {
            put(&mut out, part.len() as u64);
            for at in part {
                put(&mut out, zigzag(i64::from(at.lat) - i64::from(before.lat)));
                put(&mut out, zigzag(i64::from(at.lon) - i64::from(before.lon)));
                before = *at;
            }
        }
        out
    }

    /// Reads what [`Geometry::encode`] wrote.
    ///
    /// # Errors
    /// When the bytes are anything else. Never more memory is taken than a few times their number.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotAGeometry> {
        let (first, mut rest) = bytes.split_first().ok_or(NotAGeometry)?;
        let form = match first {
            0 => Form::Lines,
            1 => Form::Area,
            _ => return Err(NotAGeometry),
        };
        let mut parts = Vec::new();
        let mut before = Micro { lat: 0, lon: 0 };
        // Each part takes a byte at least, and each point two: no count is believed beyond that.
        for _ in 0..count(&mut rest, 1)? {
            let points = count(&mut rest, 2)?;
            let mut part = Vec::with_capacity(points);
            for _ in 0..points {
                before = Micro { lat: step(&mut rest, before.lat)?, lon: step(&mut rest, before.lon)? };
                part.push(before);
            }
            parts.push(part);
        }
        if rest.is_empty() { Ok(Self { form, parts }) } else { Err(NotAGeometry) }
    }
}

const fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

const fn unzigzag(n: u64) -> i64 {
    (n >> 1).cast_signed() ^ -((n & 1).cast_signed())
}

fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n.to_le_bytes()[0] | 0x80);
        n >>= 7;
    }
    out.push(n.to_le_bytes()[0]);
}

fn take(rest: &mut &[u8]) -> Result<u64, NotAGeometry> {
    let mut n = 0u64;
    // The largest difference takes five bytes; what is longer was not written here.
    for shift in (0..35).step_by(7) {
        let (byte, tail) = rest.split_first().ok_or(NotAGeometry)?;
        *rest = tail;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(n);
        }
    }
    Err(NotAGeometry)
}

/// A number of things that take so many bytes each at least.
fn count(rest: &mut &[u8], bytes_each: usize) -> Result<usize, NotAGeometry> {
    let n = usize::try_from(take(rest)?).map_err(|_| NotAGeometry)?;
    if n <= rest.len() / bytes_each { Ok(n) } else { Err(NotAGeometry) }
}

fn step(rest: &mut &[u8], before: i32) -> Result<i32, NotAGeometry> {
    i32::try_from(i64::from(before) + unzigzag(take(rest)?)).map_err(|_| NotAGeometry)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points() -> impl Strategy<Value = Vec<Micro>> {
        prop::collection::vec((any::<i32>(), any::<i32>()).prop_map(|(lat, lon)| Micro { lat, lon }), 0..40)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(parts in prop::collection::vec(points(), 0..6), area in any::<bool>()) {
            let geometry = Geometry { form: if area { Form::Area } else { Form::Lines }, parts };
            prop_assert_eq!(Geometry::decode(&geometry.encode()), Ok(geometry));
        }

        #[test]
        fn whatever_bytes_are_read_nothing_breaks(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(geometry) = Geometry::decode(&bytes) {
                prop_assert!(geometry.parts.iter().map(Vec::len).sum::<usize>() * 2 <= bytes.len());
                prop_assert_eq!(Geometry::decode(&geometry.encode()), Ok(geometry));
            }
        }

        #[test]
        fn what_is_cut_off_is_refused(part in points(), at in any::<prop::sample::Index>()) {
            let bytes = Geometry { form: Form::Lines, parts: vec![part] }.encode();
            prop_assert_eq!(Geometry::decode(&bytes[..at.index(bytes.len())]), Err(NotAGeometry));
        }

        #[test]
        fn a_box_meets_what_it_holds(part in points(), other in points()) {
            let (a, b) = (Extent::of(part.iter().copied()), Extent::of(other.iter().copied()));
            if let Some((a, b)) = a.zip(b) {
                prop_assert_eq!(a.meets(&b), b.meets(&a));
                let both = Extent::of(part.iter().chain(&other).copied()).unwrap();
                prop_assert!(both.meets(&a) && both.meets(&b));
            }
        }

        #[test]
        fn a_point_is_kept_to_six_centimetres(lat in 57.5f64..81.5, lon in 3.5f64..34.0) {
            let at = LatLon { lat, lon };
            let kept = Micro::near(at).unwrap();
            prop_assert!(crate::geo::distance(at, kept.degrees()) < 0.07);
            prop_assert_eq!(Micro::near(kept.degrees()), Some(kept));
        }
    }

    /// The format, byte by byte: phones of other versions read it.
    #[test]
    fn the_bytes_are_those_of_the_format() {
        let at = |lat, lon| Micro { lat, lon };
        let line = Geometry { form: Form::Lines, parts: vec![vec![at(59_910_000, 10_750_000), at(59_910_063, 10_749_936)]] };
        assert_eq!(line.encode(), [0, 1, 2, 0xe0, 0x9d, 0x91, 0x39, 0xe0, 0xa0, 0xa0, 0x0a, 126, 127]);
        let lake = Geometry { form: Form::Area, parts: vec![vec![at(1, 1)], vec![at(0, 3)], vec![]] };
        assert_eq!(lake.encode(), [1, 3, 1, 2, 2, 1, 1, 4, 0]);
        assert_eq!(lake.extent(), Some(Extent { south: 0, west: 1, north: 1, east: 3 }));
        assert_eq!(Geometry { form: Form::Lines, parts: vec![] }.encode(), [0, 0]);
    }

    #[test]
    fn what_is_no_geometry_is_refused() {
        let long = [0xff; 12];
        let cases: [&[u8]; 7] = [&[], &[2, 0], &[0], &[0, 1, 3, 2, 2], &[0, 0, 7], &long, &[0, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]];
        for bytes in cases {
            assert_eq!(Geometry::decode(bytes), Err(NotAGeometry), "{bytes:?}");
        }
        assert_eq!(Micro::near(LatLon { lat: f64::NAN, lon: 10.0 }), None);
        assert_eq!(Micro::near(LatLon { lat: 10.0, lon: 181.0 }), None);
    }

    #[test]
    fn kinds_have_names() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.name()), Some(kind));
        }
        assert_eq!(Kind::parse("canal"), None);
    }
}
