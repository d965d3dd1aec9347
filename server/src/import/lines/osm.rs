//! Lines from OpenStreetMap's nodes, ways and relations, whichever way they are written.
//!
//! A file is read twice: first where the nodes around the districts lie and which ways are the shores of lakes, then the
//! ways. So the whole country can be read on a laptop, and only the municipality is ever in memory.

use std::collections::HashSet;

use dorbank_shared::line::{Form, Kind, Line};
use geo::Coord;

use super::{
    kind,
    report::Tally,
    shape::{Clip, Raw},
};

/// Nodes so much farther off, in metres, are read too: a way reaches the edge by its next node.
const FARTHER: f64 = 3_000.0;

/// What a file is made of. Coordinates are in ten-millionths of a degree.
#[derive(Debug)]
pub enum Element<'a> {
    /// A node: id, north, east.
    Node(i64, i32, i32),
    /// A way: id, its nodes, its tags.
    Way(i64, &'a [i64], &'a [(&'a str, &'a str)]),
    /// A relation: the ways of it, its tags.
    Relation(&'a [i64], &'a [(&'a str, &'a str)]),
}

/// Reads a file from its beginning and shows every element.
pub trait Elements {
    /// Why a file could not be read.
    type Error;

    /// Shows every element, in the order of the file.
    fn each(&self, show: &mut dyn FnMut(Element)) -> Result<(), Self::Error>;
}

fn tag<'a>(tags: &[(&'a str, &'a str)], key: &str) -> Option<&'a str> {
    tags.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
}

/// The lines of a file within `clip`.
///
/// # Errors
/// As the file's reader says.
pub fn lines<E: Elements>(file: &E, clip: &Clip, tally: &mut Tally) -> Result<Vec<Line>, E::Error> {
    let around = clip.wider(FARTHER);
    let at = |lat: i32, lon: i32| Coord { x: f64::from(lon) / 1e7, y: f64::from(lat) / 1e7 };
    let mut nodes: Vec<(i64, i32, i32)> = Vec::new();
    let mut shores: HashSet<i64> = HashSet::new();
    file.each(&mut |element| match element {
        Element::Node(id, lat, lon) if around.holds(at(lat, lon)) => nodes.push((id, lat, lon)),
        // A lake with islands. Its ways have no tags of their own.
        Element::Relation(ways, tags) if kind::of_tags(|key| tag(tags, key)) == Some(Kind::Water) => shores.extend(ways),
        Element::Node(..) | Element::Way(..) | Element::Relation(..) => {}
    })?;
    nodes.sort_unstable_by_key(|(id, ..)| *id);
    let find = |id: &i64| nodes.binary_search_by_key(id, |(id, ..)| *id).ok().map(|index| at(nodes[index].1, nodes[index].2));
    let mut out = Vec::new();
    file.each(&mut |element| {
        let Element::Way(id, refs, tags) = element else { return };
        let Some(kind) = kind::of_tags(|key| tag(tags, key)).or_else(|| shores.contains(&id).then_some(Kind::Water)) else { return };
        tally.read += 1;
        let parts = runs(refs.iter().map(find));
        let is_whole = parts.iter().map(Vec::len).sum::<usize>() == refs.len();
        let is_ring = refs.len() > 3 && refs.first() == refs.last();
        // A closed shore of a lake with islands may be an island's: it stays a line.
        let is_lake =
            kind == Kind::Water && is_whole && is_ring && (tag(tags, "natural") == Some("water") || tag(tags, "waterway") == Some("riverbank"));
        let form = if is_lake { Form::Area } else { Form::Lines };
        match clip.line(Raw { kind, name: tag(tags, "name").unwrap_or_default().to_owned(), parts, form }) {
            Some(line) => out.push(line),
            None => tally.outside += 1,
        }
    })?;
    Ok(out)
}

/// The corners that are known, in unbroken runs.
fn runs(corners: impl Iterator<Item = Option<Coord>>) -> Vec<Vec<Coord>> {
    let mut out: Vec<Vec<Coord>> = vec![Vec::new()];
    for corner in corners {
        match (corner, out.last_mut()) {
            (Some(at), Some(run)) => run.push(at),
            (None, Some(run)) if !run.is_empty() => out.push(Vec::new()),
            _ => {}
        }
    }
    out.retain(|run| run.len() > 1);
    out
}

#[cfg(test)]
mod tests {
    use geo::Rect;

    use super::*;

    struct Listed;

    impl Elements for Listed {
        type Error = std::convert::Infallible;

        fn each(&self, show: &mut dyn FnMut(Element)) -> Result<(), Self::Error> {
            // A row of nodes from 10.0 eastwards, 0.01 apart; node 9 is far off.
            for i in 0..9 {
                show(Element::Node(i, 600_500_000 + i32::from(i % 2 == 1) * 10_000, 100_000_000 + i32::try_from(i).unwrap() * 100_000));
            }
            show(Element::Node(9, 700_000_000, 250_000_000));
            show(Element::Way(100, &[1, 2, 9, 3, 4, 77], &[("highway", "residential"), ("name", "Rognegata")]));
            show(Element::Way(101, &[1, 2, 3, 1], &[("natural", "water"), ("name", "Tjernet")]));
            show(Element::Way(102, &[4, 5, 6, 4], &[]));
            show(Element::Way(103, &[5, 6], &[("building", "yes")]));
            show(Element::Way(104, &[9, 9], &[("highway", "path")]));
            show(Element::Relation(&[102], &[("type", "multipolygon"), ("natural", "water")]));
            show(Element::Relation(&[103], &[("type", "route"), ("route", "bus")]));
            Ok(())
        }
    }

    #[test]
    fn ways_are_lines_lakes_are_areas_and_shores_of_relations_are_water() {
        let clip = Clip::around(Rect::new((10.0, 60.0), (10.1, 60.1)), 0.0);
        let mut tally = Tally::default();
        let lines = lines(&Listed, &clip, &mut tally).unwrap();
        let found: Vec<_> = lines.iter().map(|line| (line.kind, line.name.as_str(), line.geometry.form, line.geometry.parts.len())).collect();
        assert_eq!(
            found,
            [(Kind::Street, "Rognegata", Form::Lines, 2), (Kind::Water, "Tjernet", Form::Area, 1), (Kind::Water, "", Form::Lines, 1)],
            "where a node is far off the line is cut"
        );
        assert_eq!((tally.read, tally.outside), (4, 1));
    }
}
