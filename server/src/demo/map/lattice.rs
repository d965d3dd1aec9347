//! A lattice of hexagons over the city's ground.
//!
//! At each corner three hexagons meet. So a border between two districts that runs along their edges never touches
//! itself, and where it forks exactly three areas meet: rings can be read off without a choice.

use dorbank_shared::geo::Metres;

/// A corner of the lattice, in whole steps: half a hexagon's width east, half an edge north.
pub type Corner = (i32, i32);

/// Hexagons that stand on a corner, row by row from the south-west.
#[derive(Debug, Clone)]
pub struct Lattice {
    /// The length of an edge, in metres.
    pub edge: f64,
    from: Metres,
    rows: usize,
    columns: usize,
}

/// The corners of a hexagon as steps from its middle, counter-clockwise.
const CORNERS: [(i32, i32); 6] = [(1, -1), (1, 1), (0, 2), (-1, 1), (-1, -1), (0, -2)];
/// The middle of the hexagon across each edge (from this corner to the next), as steps.
const BESIDE: [(i32, i32); 6] = [(2, 0), (1, 3), (-1, 3), (-2, 0), (-1, -3), (1, -3)];

impl Lattice {
    /// A lattice of hexagons of so many square metres that covers a box.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a city has some ten thousand hexagons")]
    pub fn over(from: Metres, to: Metres, square_m: f64) -> Self {
        let edge = (square_m / (1.5 * 3f64.sqrt())).sqrt();
        let rows = ((to.y - from.y) / (1.5 * edge)).ceil() as usize + 1;
        let columns = ((to.x - from.x) / (3f64.sqrt() * edge)).ceil() as usize + 1;
        Self { edge, from, rows, columns }
    }

    /// How many hexagons there are.
    pub const fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// The area of each, in square metres.
    pub fn square_m(&self) -> f64 {
        1.5 * 3f64.sqrt() * self.edge * self.edge
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a city has some hundred rows and columns")]
    const fn steps(&self, cell: usize) -> (i32, i32) {
        let (row, column) = ((cell / self.columns) as i32, (cell % self.columns) as i32);
        (2 * column + row % 2, 3 * row)
    }

    /// Where a corner lies.
    pub fn place(&self, corner: Corner) -> Metres {
        let (wide, high) = (3f64.sqrt() / 2.0 * self.edge, 0.5 * self.edge);
        Metres { x: self.from.x + f64::from(corner.0) * wide, y: self.from.y + f64::from(corner.1) * high }
    }

    /// The middle of a hexagon.
    pub fn middle(&self, cell: usize) -> Metres {
        self.place(self.steps(cell))
    }

    /// The corners of a hexagon, counter-clockwise.
    pub fn corners(&self, cell: usize) -> [Corner; 6] {
        let (x, y) = self.steps(cell);
        CORNERS.map(|(dx, dy)| (x + dx, y + dy))
    }

    /// The hexagon across each edge, in the order of [`Self::corners`]; none beyond the lattice.
    pub fn beside(&self, cell: usize) -> [Option<usize>; 6] {
        let (x, y) = self.steps(cell);
        BESIDE.map(|(dx, dy)| self.at_steps(x + dx, y + dy))
    }

    fn at_steps(&self, x: i32, y: i32) -> Option<usize> {
        let row = usize::try_from(y / 3).ok().filter(|row| y >= 0 && *row < self.rows)?;
        let column = usize::try_from((x - y / 3 % 2) / 2).ok().filter(|column| x >= y / 3 % 2 && *column < self.columns)?;
        Some(row * self.columns + column)
    }

    /// The hexagon that holds a place: the one whose middle is nearest.
    #[expect(clippy::cast_possible_truncation, reason = "a city has some hundred rows and columns")]
    pub fn holding(&self, at: Metres) -> Option<usize> {
        let (x, y) = ((at.x - self.from.x) / (3f64.sqrt() / 2.0 * self.edge), (at.y - self.from.y) / (0.5 * self.edge));
        let near = (y / 3.0).round() as i32;
        let cells = (near - 1..=near + 1).filter_map(|row| {
            let odd = row.rem_euclid(2);
            let column = ((x - f64::from(odd)) / 2.0).round() as i32;
            self.at_steps(2 * column + odd, 3 * row)
        });
        cells.min_by(|a, b| self.middle(*a).distance(at).total_cmp(&self.middle(*b).distance(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edge_has_one_hexagon_on_each_side() {
        let lattice = Lattice::over(Metres { x: -900.0, y: -500.0 }, Metres { x: 800.0, y: 900.0 }, 20_000.0);
        let mut between = 0;
        for cell in 0..lattice.len() {
            let corners = lattice.corners(cell);
            for (side, other) in lattice.beside(cell).into_iter().enumerate() {
                let Some(other) = other else { continue };
                let back = lattice.beside(other).iter().position(|back| *back == Some(cell)).unwrap();
                let theirs = lattice.corners(other);
                assert_eq!((corners[side], corners[(side + 1) % 6]), (theirs[(back + 1) % 6], theirs[back]));
                assert!((lattice.middle(cell).distance(lattice.middle(other)) - 3f64.sqrt() * lattice.edge).abs() < 1e-6);
                between += 1;
            }
            for corner in corners {
                assert!((lattice.place(corner).distance(lattice.middle(cell)) - lattice.edge).abs() < 1e-6);
            }
        }
        assert!(between > 4 * lattice.len());
        assert!((lattice.square_m() - 20_000.0).abs() < 1e-6);
    }

    #[test]
    fn a_place_is_held_by_the_hexagon_around_it() {
        let lattice = Lattice::over(Metres { x: 0.0, y: 0.0 }, Metres { x: 2_000.0, y: 2_000.0 }, 20_000.0);
        for cell in 0..lattice.len() {
            let middle = lattice.middle(cell);
            assert_eq!(lattice.holding(middle), Some(cell));
            for corner in lattice.corners(cell) {
                let corner = lattice.place(corner);
                let inside = Metres { x: middle.x + (corner.x - middle.x) * 0.95, y: middle.y + (corner.y - middle.y) * 0.95 };
                assert_eq!(lattice.holding(inside), Some(cell));
            }
        }
        assert_eq!(lattice.holding(Metres { x: -9_000.0, y: 0.0 }), None);
    }
}
