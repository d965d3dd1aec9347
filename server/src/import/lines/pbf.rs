//! OpenStreetMap's `.osm.pbf`.

use std::path::PathBuf;

use osmpbf::{BlobDecode, BlobReader, Element as Pbf};

use super::osm::{Element, Elements};

/// What a reader of PBF must understand of a file, and this one does.
const UNDERSTOOD: [&str; 2] = ["OsmSchema-V0.6", "DenseNodes"];

/// A file.
#[derive(Debug)]
pub struct File(pub PathBuf);

impl Elements for File {
    type Error = String;

    fn each(&self, show: &mut dyn FnMut(Element)) -> Result<(), String> {
        let damaged = |_| "an extract of OpenStreetMap (PBF) that is damaged or cut off".to_owned();
        for blob in BlobReader::from_path(&self.0).map_err(damaged)? {
            match blob.map_err(damaged)?.decode().map_err(damaged)? {
                BlobDecode::OsmHeader(header) => {
                    if let Some(feature) = header.required_features().iter().find(|feature| !UNDERSTOOD.contains(&feature.as_str())) {
                        return Err(format!("an extract of OpenStreetMap (PBF) that needs {feature} to be understood"));
                    }
                }
                BlobDecode::OsmData(block) => block.for_each_element(|element| one(&element, show)),
                BlobDecode::Unknown(_) => {}
            }
        }
        Ok(())
    }
}

fn one(element: &Pbf, show: &mut dyn FnMut(Element)) {
    match element {
        Pbf::Node(node) => show(Element::Node(node.id(), node.decimicro_lat(), node.decimicro_lon())),
        Pbf::DenseNode(node) => show(Element::Node(node.id(), node.decimicro_lat(), node.decimicro_lon())),
        Pbf::Way(way) => show(Element::Way(way.id(), &way.refs().collect::<Vec<_>>(), &way.tags().collect::<Vec<_>>())),
        Pbf::Relation(relation) => {
            let is_way = |member: &osmpbf::RelMember| member.member_type == osmpbf::RelMemberType::Way;
            let ways: Vec<i64> = relation.members().filter(is_way).map(|member| member.member_id).collect();
            show(Element::Relation(&ways, &relation.tags().collect::<Vec<_>>()));
        }
    }
}
