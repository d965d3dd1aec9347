//! OpenStreetMap's `.osm`, as editors and small downloads have it.

use std::{fs, io::BufReader, path::PathBuf};

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use super::osm::{Element, Elements};

/// A file.
#[derive(Debug)]
pub struct File(pub PathBuf);

/// An element that is open.
#[derive(Debug, Default)]
struct Open {
    id: i64,
    at: Option<(i32, i32)>,
    refs: Vec<i64>,
    tags: Vec<(String, String)>,
}

impl Elements for File {
    type Error = String;

    fn each(&self, show: &mut dyn FnMut(Element)) -> Result<(), String> {
        let damaged = || "an extract of OpenStreetMap (XML) that is damaged or cut off".to_owned();
        let file = fs::File::open(&self.0).map_err(|_| damaged())?;
        let mut reader = Reader::from_reader(BufReader::new(file));
        let (mut buffer, mut open, mut depth) = (Vec::new(), Open::default(), 0usize);
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).map_err(|_| damaged())? {
                Event::Start(start) => {
                    depth += 1;
                    begin(&start, &mut open).ok_or_else(damaged)?;
                }
                Event::Empty(start) => {
                    begin(&start, &mut open).ok_or_else(damaged)?;
                    end(start.name().as_ref(), &open, show);
                }
                Event::End(tag) => {
                    depth -= 1;
                    end(tag.name().as_ref(), &open, show);
                }
                // Where elements are open at the end, the rest is missing.
                Event::Eof if depth > 0 => return Err(damaged()),
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }
}

/// Takes in a start tag; nothing where it lacks what it must have.
fn begin(start: &BytesStart, open: &mut Open) -> Option<()> {
    let get = |name: &str| {
        let attribute = start.try_get_attribute(name).ok().flatten()?;
        attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
    };
    let number = |name: &str| get(name)?.parse::<i64>().ok();
    match start.name().as_ref() {
        "node" => *open = Open { id: number("id")?, at: Some((degrees(&get("lat")?)?, degrees(&get("lon")?)?)), ..Open::default() },
        "way" | "relation" => *open = Open { id: number("id")?, ..Open::default() },
        "nd" => open.refs.push(number("ref")?),
        "member" if get("type")? == "way" => open.refs.push(number("ref")?),
        "tag" => open.tags.push((get("k")?, get("v")?)),
        _ => {}
    }
    Some(())
}

fn end(name: &str, open: &Open, show: &mut dyn FnMut(Element)) {
    let tags = || open.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>();
    match (name, open.at) {
        ("node", Some((lat, lon))) => show(Element::Node(open.id, lat, lon)),
        ("way", _) => show(Element::Way(open.id, &open.refs, &tags())),
        ("relation", _) => show(Element::Relation(&open.refs, &tags())),
        _ => {}
    }
}

/// Degrees as ten-millionths.
fn degrees(text: &str) -> Option<i32> {
    let degrees: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "it fits")]
    (degrees.abs() <= 180.0).then(|| (degrees * 1e7).round() as i32)
}
