//! The districts of a file: each with a number, a name and one sound outline.

use std::collections::BTreeMap;

use dorbank_shared::district::district_number;
use geo::MultiPolygon;

use super::{
    DistrictOptions,
    feature::{self, Feature, Rings},
    outline,
    property::{self, Properties},
    repair::{self, Repairs},
};
use crate::import::{
    DistrictReport, WrongFile,
    projection::Projections,
    sniff::{DISTRICT_FILE, DISTRICT_HELP},
};

/// How many features that cannot be used are written out.
const SHOWN: usize = 20;

/// A district of the file.
#[derive(Debug)]
pub struct Shape {
    /// What it is called.
    pub name: String,
    /// Where it lies.
    pub outline: MultiPolygon,
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Districts {
    /// Its districts, by number.
    pub shapes: BTreeMap<String, Shape>,
    /// What is to be said of the reading.
    pub report: DistrictReport,
}

/// A feature that can be used so far.
#[derive(Debug)]
struct Part {
    place: usize,
    name: Option<String>,
    polygons: Vec<Rings>,
}

/// A feature that cannot be used.
#[derive(Debug)]
struct Fault {
    place: usize,
    /// Its district, where it could be read.
    number: Option<String>,
    reason: String,
}

/// Reads the districts of a file. `names` are those of districts that are known already, for a file that has none.
///
/// # Errors
/// When the file is none of districts, or holds a feature that cannot be used and none is to be skipped.
pub fn read(bytes: &[u8], options: &DistrictOptions, names: &BTreeMap<String, String>) -> Result<Districts, WrongFile> {
    let collection = feature::read(bytes, options.layer.as_deref())?;
    let epsg = outline::epsg(&collection.system, options.epsg)?;
    let features = collection.features;
    let properties = property::find(&features, options.number_property.as_deref(), options.name_property.as_deref())
        .map_err(|found| WrongFile::new(DISTRICT_FILE, found, DISTRICT_HELP))?;
    let projections = Projections::default();
    let mut parts: BTreeMap<String, Vec<Part>> = BTreeMap::new();
    let mut faults: Vec<Fault> = Vec::new();
    for feature in &features {
        match part(feature, &properties, epsg, &projections) {
            Ok((number, part)) => parts.entry(number).or_default().push(part),
            Err(fault) => faults.push(fault),
        }
    }
    let mut report = DistrictReport { projected_from: (!matches!(epsg, 4258 | 4326)).then_some(epsg), ..DistrictReport::default() };
    let mut shapes = BTreeMap::new();
    for (number, parts) in parts {
        match shape(&number, &parts, names) {
            Err(fault) => faults.push(Fault { number: Some(number), ..fault }),
            Ok((shape, repairs)) => {
                if repairs.any() {
                    report.repaired.insert(number.clone(), repairs);
                }
                if parts.len() > 1 {
                    report.in_parts.push((number.clone(), shape.name.clone(), parts.len()));
                }
                shapes.insert(number, shape);
            }
        }
    }
    report.properties = Some(properties);
    faults.sort_by_key(|fault| fault.place);
    let said = told(&faults);
    if !faults.is_empty() && !options.skip_invalid {
        let shown = said.iter().take(SHOWN).fold(String::new(), |shown, line| shown + "\n    " + line);
        let more = if said.len() > SHOWN { format!("\n    and {} more", said.len() - SHOWN) } else { String::new() };
        let found = format!("{} of {} features that cannot be used:{shown}{more}", faults.len(), features.len());
        return Err(WrongFile::new(DISTRICT_FILE, found, format!("put them right ({DISTRICT_HELP}), or import the rest with --skip-invalid")));
    }
    // Half a district is worse than none.
    for fault in &faults {
        if let Some(number) = &fault.number {
            shapes.remove(number);
            report.repaired.remove(number);
            report.in_parts.retain(|(part, ..)| part != number);
        }
    }
    if shapes.is_empty() {
        return Err(WrongFile::new(DISTRICT_FILE, format!("no feature that can be used: {}", said.join("; ")), DISTRICT_HELP));
    }
    report.skipped = said;
    Ok(Districts { shapes, report })
}

/// What is wrong, features of one reason in one line.
fn told(faults: &[Fault]) -> Vec<String> {
    let mut by_reason: Vec<(&str, Vec<&Fault>)> = Vec::new();
    for fault in faults {
        match by_reason.iter_mut().find(|(reason, _)| *reason == fault.reason) {
            Some((_, all)) => all.push(fault),
            None => by_reason.push((&fault.reason, vec![fault])),
        }
    }
    let one = |(reason, all): (&str, Vec<&Fault>)| match all.as_slice() {
        [Fault { place, number: Some(number), .. }] => format!("feature {place}: {reason} (district {number})"),
        [Fault { place, .. }] => format!("feature {place}: {reason}"),
        all => {
            let places: Vec<String> = all.iter().map(|fault| fault.place.to_string()).collect();
            format!("features {}: {reason}", places.join(", "))
        }
    };
    by_reason.into_iter().map(one).collect()
}

fn part(feature: &Feature, properties: &Properties, epsg: u32, projections: &Projections) -> Result<(String, Part), Fault> {
    let place = feature.place;
    let fault = |number: Option<&String>, reason: String| Fault { place, number: number.cloned(), reason };
    let property = &properties.number.property;
    let text = property::value(&feature.properties, property).ok_or_else(|| fault(None, format!("nothing under {property}, where its number is")))?;
    let number = district_number(&text)
        .ok_or_else(|| fault(None, format!("a number that is not one, {text:?} (at most twelve letters, digits or hyphens)")))?;
    let name = properties.name.as_ref().and_then(|name| property::value(&feature.properties, &name.property));
    let polygons = feature.polygons.as_ref().map_err(|reason| fault(Some(&number), (*reason).to_owned()))?;
    let polygons = outline::in_degrees(polygons, epsg, projections).map_err(|reason| fault(Some(&number), reason))?;
    Ok((number, Part { place, name, polygons }))
}

/// The district that some features are.
fn shape(number: &str, parts: &[Part], names: &BTreeMap<String, String>) -> Result<(Shape, Repairs), Fault> {
    let fault = |part: &Part, reason: String| Fault { place: part.place, number: None, reason };
    let name = name(number, parts, names)?;
    // Each alone first, so that it is known which one is unsound.
    for part in parts.iter().filter(|_| parts.len() > 1) {
        repair::mend(&part.polygons).map_err(|unsound| fault(part, unsound.to_string()))?;
    }
    let all: Vec<Rings> = parts.iter().flat_map(|part| part.polygons.iter().cloned()).collect();
    let (outline, repairs) = repair::mend(&all).map_err(|unsound| fault(&parts[0], unsound.to_string()))?;
    Ok((Shape { name, outline }, repairs))
}

/// What a district is called that may come in parts: "Marka Nord" and "Marka Øst" are Marka.
fn name(number: &str, parts: &[Part], names: &BTreeMap<String, String>) -> Result<String, Fault> {
    let mut given = parts.iter().filter_map(|part| part.name.as_deref().map(|name| (part.place, name)));
    let Some((place, first)) = given.next() else {
        let missing =
            || Fault { place: parts[0].place, number: None, reason: "no property for its name, and no district of its number is known".to_owned() };
        return names.get(number).cloned().ok_or_else(missing);
    };
    let mut other = place;
    let mut common: Vec<&str> = first.split_whitespace().collect();
    for (place, name) in given.filter(|(_, name)| *name != first) {
        other = place;
        let same = common.iter().zip(name.split_whitespace()).take_while(|(a, b)| *a == b).count();
        common.truncate(same);
    }
    if other == place {
        return Ok(first.to_owned());
    }
    if let Some(known) = names.get(number) {
        return Ok(known.clone());
    }
    match common.as_slice() {
        [] | ["Bydel"] => Err(Fault { place: other, number: None, reason: "the number of an earlier feature that has another name".to_owned() }),
        common => Ok(common.join(" ")),
    }
}
