//! Districts from GeoJSON, and what they change for the addresses that are already there.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use dorbank_shared::{district::district_number, geo::LatLon};
use geo::{CoordsIter as _, MultiPolygon, Validation as _};
use geojson::{Feature, GeoJson, JsonObject, JsonValue};
use uuid::Uuid;

use super::{
    DistrictReport, ImportError, Locator, WrongFile,
    grunnkrets::{self, Table},
    locate::{as_shape, write_outline},
    projection::in_norway,
    refuse_demo,
    sniff::{self, DISTRICT_FILE, DISTRICT_HELP},
    stage,
};
use crate::store::{
    Db, Tx,
    district::{self, NewDistrict},
    entrance,
};

/// The names under which published files keep a district's number, best first.
const NUMBER_PROPERTIES: [&str; 9] = ["id", "number", "nr", "nummer", "bydelnr", "bydelsnr", "bydelsnummer", "kretsnummer", "tettstednummer"];
/// The names under which they keep what it is called.
const NAME_PROPERTIES: [&str; 9] = ["name", "navn", "namn", "bydel", "bydelsnavn", "bydelnavn", "kretsnavn", "tettstednavn", "grendenavn"];

/// How districts are imported.
#[derive(Debug, Clone, Default)]
pub struct DistrictOptions {
    /// The property that holds the number; guessed where absent.
    pub number_property: Option<String>,
    /// The property that holds the name; guessed where absent.
    pub name_property: Option<String>,
    /// `(number, other)`: the first is counted together with the other, where both exist. None stands for Oslo's own.
    pub joins: Vec<(String, String)>,
    /// A table of basic statistical units and their districts.
    pub grunnkretser: Option<PathBuf>,
    /// Remove known districts that are neither in the file nor in the table.
    pub replace: bool,
    /// Report the same and write nothing.
    pub dry_run: bool,
}

/// Imports districts from `path`, and the table of basic statistical units where one is given, and then places every
/// entrance of the register anew. Districts that are not in the file stay as they are, unless they are to be replaced.
///
/// # Errors
/// See [`ImportError`]; after each everything is as it was.
pub async fn districts(db: &Db, path: &Path, options: &DistrictOptions, now_ms: i64) -> Result<DistrictReport, ImportError> {
    let mut tx = db.read().await?;
    refuse_demo(&mut tx).await?;
    drop(tx);
    let shapes = read(path, options)?;
    let table = options.grunnkretser.as_deref().map(grunnkrets::read).transpose()?;
    let alone = if options.dry_run { None } else { Some(stage::alone_and_tidy(db).await?) };
    let done = written(db, &shapes, table, options, now_ms).await;
    if let Some(alone) = alone {
        alone.end().await?;
    }
    done
}

async fn written(
    db: &Db,
    shapes: &BTreeMap<String, Shape>,
    table: Option<Table>,
    options: &DistrictOptions,
    now_ms: i64,
) -> Result<DistrictReport, ImportError> {
    let mut tx = if options.dry_run { db.read().await? } else { db.begin().await? };
    refuse_demo(&mut tx).await?;
    let report = apply(&mut tx, shapes, table, options, now_ms).await?;
    if !options.dry_run {
        tx.commit().await?;
    }
    Ok(report)
}

/// Oslo's two districts in which too few people live, and those that they are counted with unless told otherwise:
/// Sentrum with St. Hanshaugen, Marka with Nordre Aker. Other cities have districts of these numbers, but not so named.
const JOINED_IN_OSLO: [(&str, &str, &str); 2] = [("16", "Sentrum", "04"), ("17", "Marka", "08")];

fn joined_in_oslo(number: &str, names: &BTreeMap<String, String>) -> Option<&'static str> {
    let name = names.get(number)?.trim_start_matches("Bydel ");
    JOINED_IN_OSLO
        .iter()
        .find(|(from, called, to)| *from == number && called.eq_ignore_ascii_case(name) && names.contains_key(*to))
        .map(|(_, _, to)| *to)
}

/// A district of the file.
#[derive(Debug)]
struct Shape {
    name: String,
    outline: MultiPolygon,
}

async fn apply(
    tx: &mut Tx,
    shapes: &BTreeMap<String, Shape>,
    table: Option<Table>,
    options: &DistrictOptions,
    now_ms: i64,
) -> Result<DistrictReport, ImportError> {
    let known = district::all(tx).await?;
    let mut outlines: BTreeMap<String, String> = district::boundaries(tx).await?.into_iter().collect();
    let mut units: BTreeMap<String, String> = district::grunnkretser(tx).await?.into_iter().collect();
    let before = outlines.clone();
    let mut names: BTreeMap<String, String> = known.iter().map(|d| (d.number.clone(), d.name.clone())).collect();
    let mut report = DistrictReport { dry_run: options.dry_run, ..DistrictReport::default() };
    for (number, shape) in shapes {
        outlines.insert(number.clone(), write_outline(&shape.outline));
        names.insert(number.clone(), shape.name.clone());
        if !shape.outline.is_valid() {
            report.crossing.push(number.clone());
        }
    }
    let mut dropped = Vec::new();
    let mut written = Vec::new();
    // Districts that a table names, this one or, without one, the last.
    let in_table: BTreeSet<String> = table.as_ref().map_or_else(|| units.values().cloned().collect(), |t| t.units.values().cloned().collect());
    if let Some(table) = table {
        let whole: BTreeSet<&str> = table.units.keys().filter_map(|unit| unit.get(..4)).collect();
        // The table is whole for the municipalities it speaks of: what it no longer names is gone.
        dropped = units.keys().filter(|unit| unit.get(..4).is_some_and(|m| whole.contains(m)) && !table.units.contains_key(*unit)).cloned().collect();
        for unit in &dropped {
            units.remove(unit);
        }
        for number in table.units.values() {
            // A district that only the table knows, as Sentrum and Marka in Oslo's published outlines.
            names.entry(number.clone()).or_insert_with(|| table.names.get(number).unwrap_or(number).clone());
        }
        written = table.units.iter().filter(|(unit, number)| units.get(*unit) != Some(number)).map(|(u, n)| (u.clone(), n.clone())).collect();
        units.extend(table.units);
    }
    if options.replace {
        let named: BTreeSet<String> = shapes.keys().chain(in_table.iter()).cloned().collect();
        report.removed = names.keys().filter(|number| !named.contains(*number)).cloned().collect();
        let in_use = district::in_use(tx, &report.removed).await?;
        if !in_use.is_empty() {
            return Err(ImportError::InUse(in_use.join(", ")));
        }
        for number in &report.removed {
            names.remove(number);
            outlines.remove(number);
        }
        units.retain(|_, district| !report.removed.contains(district));
    }
    let mut put = Vec::new();
    for (number, name) in &names {
        let told = options.joins.iter().find(|(from, to)| from == number && names.contains_key(to)).map(|(_, to)| to.as_str());
        let usual = options.joins.is_empty().then(|| joined_in_oslo(number, &names)).flatten();
        let area = told.or(usual).unwrap_or(number);
        if area != number {
            report.joined.push((number.clone(), area.to_owned()));
        }
        let outline = outlines.get(number);
        if outline.is_none() {
            report.without_outline.push(number.clone());
        }
        let old = known.iter().find(|d| d.number == *number);
        match old {
            None => report.added += 1,
            Some(old) if old.name == *name && old.area == *area && before.get(number) == outline => {
                report.unchanged += 1;
                continue;
            }
            Some(_) => report.changed += 1,
        }
        let households = old.map_or(0, |old| old.households);
        put.push(NewDistrict { number: number.clone(), name: name.clone(), area: area.to_owned(), households, boundary: outline.cloned() });
    }
    report.grunnkretser = units.len();
    let moves = moves(tx, &Locator::new(units.into_iter().collect(), outlines.into_iter().collect()), &mut report).await?;
    if !options.dry_run {
        district::put(tx, &put).await?;
        district::drop_grunnkretser(tx, &dropped).await?;
        district::put_grunnkretser(tx, &written).await?;
        for (number, ids) in &moves {
            entrance::assign(tx, ids, number.as_deref(), now_ms).await?;
        }
        district::remove(tx, &report.removed).await?;
    }
    Ok(report)
}

/// Which entrances get which district.
async fn moves(tx: &mut Tx, locator: &Locator, report: &mut DistrictReport) -> Result<BTreeMap<Option<String>, Vec<Uuid>>, ImportError> {
    let mut moves: BTreeMap<Option<String>, Vec<Uuid>> = BTreeMap::new();
    for place in entrance::places(tx).await? {
        let now = locator.district(place.grunnkrets.as_deref(), place.at);
        report.entrances_without += usize::from(now.is_none());
        if now != place.district.as_deref() {
            report.entrances_moved += 1;
            moves.entry(now.map(str::to_owned)).or_default().push(place.id);
        }
    }
    Ok(moves)
}

fn read(path: &Path, options: &DistrictOptions) -> Result<BTreeMap<String, Shape>, ImportError> {
    let bytes = std::fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    sniff::districts(&bytes)?;
    let wrong = |found: String| WrongFile::new(DISTRICT_FILE, found, DISTRICT_HELP);
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("text that is not UTF-8".into()))?;
    let json: GeoJson = text.trim_start_matches('\u{feff}').parse().map_err(|_| wrong("JSON that is not GeoJSON, or cut off".into()))?;
    let GeoJson::FeatureCollection(collection) = json else {
        return Err(wrong("GeoJSON that is not a FeatureCollection".into()).into());
    };
    if collection.features.is_empty() {
        return Err(wrong("a collection without features".into()).into());
    }
    let mut shapes = BTreeMap::new();
    for (feature, place) in collection.features.iter().zip(1..) {
        let (number, shape) = shape(feature, options).map_err(|found| wrong(format!("feature {place}: {found}")))?;
        match shapes.entry(number) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(shape);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) if entry.get().name == shape.name => {
                // A district in parts (Marka lies on two sides of the city) may come as several features.
                entry.get_mut().outline.0.extend(shape.outline.0);
            }
            std::collections::btree_map::Entry::Occupied(_) => {
                return Err(wrong(format!("feature {place}: the number of an earlier feature that has another name")).into());
            }
        }
    }
    Ok(shapes)
}

/// One feature's number, name and outline, or what is wrong with it.
fn shape(feature: &Feature, options: &DistrictOptions) -> Result<(String, Shape), String> {
    let empty = JsonObject::new();
    let properties = feature.properties.as_ref().unwrap_or(&empty);
    let number = property(properties, options.number_property.as_deref(), &NUMBER_PROPERTIES).ok_or_else(|| lacks("number", properties))?;
    let number = district_number(&number).ok_or("a number that is not one (at most twelve letters, digits or hyphens)")?;
    let name = property(properties, options.name_property.as_deref(), &NAME_PROPERTIES).ok_or_else(|| lacks("name", properties))?;
    let geometry = feature.geometry.as_ref().ok_or("no geometry")?;
    let outline = as_shape(geometry).ok_or("a geometry that is neither Polygon nor MultiPolygon, or with broken coordinates")?;
    // As published: the conversion closes a ring that is open, so what is left is a ring too short to hold anything.
    if outline.0.is_empty() || outline.0.iter().any(|polygon| polygon.exterior().0.len() < 4) {
        return Err("an outline of fewer than three corners".into());
    }
    for corner in outline.coords_iter() {
        let at = LatLon { lat: corner.y, lon: corner.x };
        if corner.x.abs() > 180.0 || corner.y.abs() > 90.0 {
            return Err("coordinates in metres, not in degrees".into());
        }
        if !in_norway(at) {
            let swapped = in_norway(LatLon { lat: corner.x, lon: corner.y });
            return Err(if swapped { "latitude before longitude; GeoJSON wants longitude first" } else { "a corner outside Norway" }.into());
        }
    }
    Ok((number, Shape { name, outline }))
}

fn lacks(what: &str, properties: &JsonObject) -> String {
    let names: Vec<&str> = properties.keys().map(String::as_str).take(12).collect();
    format!("no property for its {what}; it has {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") })
}

fn property(properties: &JsonObject, told: Option<&str>, guesses: &[&str]) -> Option<String> {
    let find = |name: &str| properties.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let value = match told {
        Some(name) => find(name),
        None => guesses.iter().find_map(|name| find(name)),
    }?;
    match value {
        JsonValue::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        JsonValue::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_oslos_sentrum_and_marka_are_joined_unasked() {
        let names = |district: &str| BTreeMap::from([("04".to_owned(), "Vest".to_owned()), ("16".to_owned(), district.to_owned())]);
        assert_eq!(joined_in_oslo("16", &names("Bydel Sentrum")), Some("04"));
        assert_eq!(joined_in_oslo("16", &names("Havna")), None);
        assert_eq!(joined_in_oslo("16", &BTreeMap::from([("16".to_owned(), "Sentrum".to_owned())])), None, "nothing to join it with");
    }
}
