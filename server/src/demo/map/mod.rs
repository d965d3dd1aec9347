//! The outlines of the demo's districts: made from their real centres and sizes, not drawn after the real ones.
//!
//! The districts tile the city's land without gap or overlap, and where two of them or the fjord meet, both sides have
//! the same corners.

mod land;
mod lattice;
mod near;
mod noise;
mod rings;
mod share;
#[cfg(test)]
mod tests;

use dorbank_shared::geo::{LatLon, Metres, Plane};
use geo::{Contains as _, MultiPolygon, Point};

pub use near::Near;
pub use noise::{Field, chance};
pub use share::Claim;

use self::{
    land::Drawn,
    lattice::Lattice,
    rings::Places,
    share::{Owner, share},
};

/// The middle of the demo's city.
pub const MIDDLE: LatLon = LatLon { lat: 59.93, lon: 10.78 };
/// The area of one hexagon, in square metres.
const HEXAGON: f64 = 24_000.0;

/// The plane on which the city lies.
pub fn plane() -> Plane {
    Plane::at(MIDDLE)
}

/// A city's land, shared among its districts.
#[derive(Debug)]
pub struct Tiling {
    lattice: Lattice,
    owners: Vec<Owner>,
    places: Places,
    /// The outline of each district, in the order of the claims.
    pub districts: Vec<MultiPolygon>,
    /// The city's part of the fjord.
    pub fjord: MultiPolygon,
}

impl Tiling {
    /// Shares the land of a city from a seed.
    pub fn build(seed: u64, claims: &[Claim]) -> Self {
        let drawn = Drawn::new(seed);
        let (from, to) = drawn.bounds();
        let lattice = Lattice::over(from, to, HEXAGON);
        let ground: Vec<_> = (0..lattice.len()).map(|cell| drawn.at(lattice.middle(cell))).collect();
        let owners = share(&lattice, &ground, claims, seed);
        let places = rings::places(&lattice, &owners, seed);
        let (districts, fjord) = (Vec::new(), MultiPolygon::new(Vec::new()));
        let mut tiling = Self { lattice, owners, places, districts, fjord };
        tiling.districts = (0..claims.len()).map(|district| tiling.shape(|owner| owner == Owner::District(district))).collect();
        tiling.fjord = tiling.shape(|owner| owner == Owner::Sea);
        tiling
    }

    /// The outline of all that belongs to some owners.
    fn shape(&self, is_in: impl Fn(Owner) -> bool) -> MultiPolygon {
        rings::shape(&self.lattice, &self.owners, &self.places, is_in)
    }

    /// The outline of all land.
    #[cfg(test)]
    pub fn land(&self) -> MultiPolygon {
        self.shape(|owner| matches!(owner, Owner::District(_)))
    }

    /// Whether a place lies in a district. Away from borders its hexagon tells.
    pub fn is_in(&self, at: Metres, district: usize) -> bool {
        let Some(cell) = self.lattice.holding(at) else { return false };
        let owner = self.owners[cell];
        if self.lattice.beside(cell).into_iter().all(|other| other.is_some_and(|other| self.owners[other] == owner)) {
            return owner == Owner::District(district);
        }
        let at = plane().unproject(at);
        self.districts[district].contains(&Point::new(at.lon, at.lat))
    }
}
