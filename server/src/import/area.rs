//! Districts from GeoJSON or TopoJSON, and what they change for the addresses that are already there.

pub(super) mod feature;
pub(super) mod outline;
pub(super) mod overlap;
pub(super) mod property;
mod read;
pub(super) mod repair;
mod topojson;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::{Path, PathBuf},
};

use dorbank_shared::district::{District, Group};
use uuid::Uuid;

use self::read::{Districts, Shape};
use super::{
    DistrictReport, ImportError, Locator, WrongFile, groups,
    grunnkrets::{self, Units},
    joins,
    locate::{read_outline, write_outline},
    refuse_demo,
    sniff::{DISTRICT_FILE, DISTRICT_HELP},
    stage,
};
use crate::store::{
    Db, Tx,
    correction::{self, Field},
    district::{self, NewDistrict},
    entrance,
};

/// How districts are imported.
#[derive(Debug, Clone, Default)]
pub struct DistrictOptions {
    /// The property that holds the number; guessed where absent.
    pub number_property: Option<String>,
    /// The property that holds the name; guessed where absent.
    pub name_property: Option<String>,
    /// The layer of a TopoJSON file that has several.
    pub layer: Option<String>,
    /// The coordinate system, where the file does not say it or says it wrongly.
    pub epsg: Option<u32>,
    /// `(number, other)`: the first is counted together with the other, or alone where both are the same.
    pub joins: Vec<(String, String)>,
    /// A table of all joins.
    pub joins_file: Option<PathBuf>,
    /// A table of the groups, in the place of those that there are.
    pub groups: Option<PathBuf>,
    /// A table of basic statistical units and their districts.
    pub grunnkretser: Option<PathBuf>,
    /// Leave out features that cannot be used, and their districts; else they refuse the file.
    pub skip_invalid: bool,
    /// Remove known districts that are neither in the file nor in the table.
    pub replace: bool,
    /// Report the same and write nothing.
    pub dry_run: bool,
}

/// What is read before the database is looked at.
#[derive(Debug)]
struct Files {
    units: Option<Units>,
    joins: Option<Vec<joins::Join>>,
    groups: Option<Vec<u8>>,
}

fn bytes(path: &Path) -> Result<Vec<u8>, ImportError> {
    std::fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })
}

/// Imports districts from `path`, and the table of basic statistical units where one is given, and then places every
/// entrance of the register anew. Districts that are not in the file stay as they are, unless they are to be replaced; so do
/// joins, groups and households that no file speaks of.
///
/// # Errors
/// See [`ImportError`]; after each everything is as it was.
pub async fn districts(db: &Db, path: &Path, options: &DistrictOptions, now_ms: i64) -> Result<DistrictReport, ImportError> {
    run(db, Some(path), options, now_ms).await
}

/// As [`districts`], from the table of basic statistical units alone: districts that are known keep their outlines, and new
/// ones have none.
///
/// # Errors
/// As there.
pub async fn districts_by_table(db: &Db, options: &DistrictOptions, now_ms: i64) -> Result<DistrictReport, ImportError> {
    run(db, None, options, now_ms).await
}

async fn run(db: &Db, path: Option<&Path>, options: &DistrictOptions, now_ms: i64) -> Result<DistrictReport, ImportError> {
    let mut tx = db.read().await?;
    refuse_demo(&mut tx).await?;
    let mut names: BTreeMap<String, String> = district::all(&mut tx).await?.into_iter().map(|d| (d.number, d.name)).collect();
    drop(tx);
    let files = Files {
        units: options.grunnkretser.as_deref().map(grunnkrets::read).transpose()?,
        joins: options.joins_file.as_deref().map(bytes).transpose()?.map(|table| joins::parse(&table)).transpose()?,
        groups: options.groups.as_deref().map(bytes).transpose()?,
    };
    names.extend(files.units.iter().flat_map(|units| units.names.clone()));
    // Outlines are worked out before anybody has to wait for the database.
    let found = match path {
        Some(path) => read::read(&bytes(path)?, options, &names)?,
        None => Districts::default(),
    };
    let alone = if options.dry_run { None } else { Some(stage::alone_and_tidy(db).await?) };
    let done = written(db, found, files, options, now_ms).await;
    if let Some(alone) = alone {
        stage::give_back(alone).await;
    }
    done
}

/// Works it out while everybody else may write, and then writes it in one transaction. Nobody else changes districts or where
/// entrances lie meanwhile.
async fn written(db: &Db, found: Districts, files: Files, options: &DistrictOptions, now_ms: i64) -> Result<DistrictReport, ImportError> {
    let mut tx = db.read().await?;
    refuse_demo(&mut tx).await?;
    let plan = plan(&mut tx, found, files, options).await?;
    drop(tx);
    if !options.dry_run {
        let mut tx = db.begin().await?;
        refuse_demo(&mut tx).await?;
        plan.write(&mut tx, now_ms).await?;
        tx.commit().await?;
    }
    Ok(plan.report)
}

/// What an import of districts comes to.
struct Plan {
    report: DistrictReport,
    /// The districts that there are.
    known: Vec<District>,
    /// Under which number each is counted then.
    areas: BTreeMap<String, String>,
    /// The districts that are new or changed.
    put: Vec<NewDistrict>,
    /// Units that are no longer listed, and those that get another district.
    dropped: Vec<String>,
    units: Vec<(String, String)>,
    /// Which entrances get which district.
    moves: BTreeMap<Option<String>, Vec<Uuid>>,
    /// All groups, where they do not stay as they are.
    groups: Option<Vec<Group>>,
}

impl Plan {
    /// Refuses what binds the districts that are to be removed or joined. It may have come since it was worked out.
    async fn refuse_if_bound(&self, tx: &mut Tx) -> Result<(), ImportError> {
        let in_use = district::in_use(tx, &self.report.removed).await?;
        if !in_use.is_empty() {
            return Err(ImportError::InUse(in_use.join(", ")));
        }
        joins::refuse_if_bound(tx, &self.known, &self.areas).await
    }

    async fn write(&self, tx: &mut Tx, now_ms: i64) -> Result<(), ImportError> {
        self.refuse_if_bound(tx).await?;
        district::put(tx, &self.put).await?;
        district::drop_grunnkretser(tx, &self.dropped).await?;
        district::put_grunnkretser(tx, &self.units).await?;
        for (number, ids) in &self.moves {
            entrance::assign(tx, ids, number.as_deref(), now_ms).await?;
        }
        if let Some(groups) = &self.groups {
            district::replace_groups(tx, groups).await?;
        }
        district::remove(tx, &self.report.removed).await?;
        Ok(())
    }
}

async fn plan(tx: &mut Tx, found: Districts, files: Files, options: &DistrictOptions) -> Result<Plan, ImportError> {
    let known = district::all(tx).await?;
    let mut outlines: BTreeMap<String, String> = district::boundaries(tx).await?.into_iter().collect();
    let mut units: BTreeMap<String, String> = district::grunnkretser(tx).await?.into_iter().collect();
    let before = outlines.clone();
    let mut names: BTreeMap<String, String> = known.iter().map(|d| (d.number.clone(), d.name.clone())).collect();
    let Districts { shapes, report } = found;
    let mut report = DistrictReport { dry_run: options.dry_run, ..report };
    for (number, Shape { name, outline }) in &shapes {
        outlines.insert(number.clone(), write_outline(outline));
        names.insert(number.clone(), name.clone());
    }
    let mut dropped = Vec::new();
    let mut written = Vec::new();
    // Districts that a table names, this one or, without one, the last.
    let in_table: BTreeSet<String> = files.units.as_ref().map_or_else(|| units.values().cloned().collect(), |t| t.units.values().cloned().collect());
    if let Some(table) = files.units {
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
        if !report.skipped.is_empty() {
            let found = format!(
                "features that cannot be used, so that it is not known which districts the file lacks:\n    {}",
                report.skipped.join("\n    ")
            );
            return Err(WrongFile::new(DISTRICT_FILE, found, "put them right, or import without --replace").into());
        }
        let named: BTreeSet<String> = shapes.keys().chain(in_table.iter()).cloned().collect();
        report.removed = names.keys().filter(|number| !named.contains(*number)).cloned().collect();
        for number in &report.removed {
            names.remove(number);
            outlines.remove(number);
        }
        units.retain(|_, district| !report.removed.contains(district));
    }
    let areas = joins::areas(&names, &known, &options.joins, files.joins.as_deref())?;
    let groups = new_groups(tx, files.groups.as_deref(), &names, &areas, &mut report).await?;
    let mut put = Vec::new();
    for (number, name) in &names {
        let area = &areas[number];
        if area != number {
            report.joined.push((number.clone(), area.clone()));
        }
        let outline = outlines.get(number);
        if outline.is_none() {
            report.without_outline.push(number.clone());
        }
        match known.iter().find(|d| d.number == *number) {
            None => report.added += 1,
            Some(old) if old.name == *name && old.area == *area && before.get(number) == outline => {
                report.unchanged += 1;
                continue;
            }
            Some(old) => {
                report.changed += 1;
                if old.area != *area && area == number {
                    report.unjoined.push(number.clone());
                }
            }
        }
        put.push(NewDistrict { number: number.clone(), name: name.clone(), area: area.clone(), households: 0, boundary: outline.cloned() });
    }
    report.overlaps = overlap::overlaps(&outlines.iter().filter_map(|(number, text)| Some((number.clone(), read_outline(text)?))).collect());
    report.grunnkretser = units.len();
    let moves = moves(tx, &Locator::new(units.into_iter().collect(), outlines.into_iter().collect()), &mut report).await?;
    let plan = Plan { report, known, areas, put, dropped, units: written, moves, groups };
    plan.refuse_if_bound(tx).await?;
    Ok(plan)
}

/// The groups to write: an operator's, or where there are none yet those that the program knows. None where all stay.
async fn new_groups(
    tx: &mut Tx,
    table: Option<&[u8]>,
    names: &BTreeMap<String, String>,
    areas: &BTreeMap<String, String>,
    report: &mut DistrictReport,
) -> Result<Option<Vec<Group>>, ImportError> {
    let known = district::groups(tx).await?;
    let groups = match table {
        Some(table) => Some(groups::told(table, names, areas)?),
        None if known.is_empty() => Some(groups::usual(names, areas)),
        None => None,
    };
    let kept = || {
        let left = |group: &Group| Group { districts: group.districts.iter().filter(|d| names.contains_key(*d)).cloned().collect(), ..group.clone() };
        known.iter().map(left).filter(|group| !group.districts.is_empty()).collect()
    };
    let all: Vec<Group> = groups.clone().unwrap_or_else(kept);
    // A group shows the sum of its areas, so what is counted together is in it together.
    for group in &all {
        if let Some(number) = group.districts.iter().find(|number| !group.districts.contains(&areas[*number])) {
            let found = format!("district {number} to be counted together with {}, which is not in the group {}", areas[number], group.name);
            return Err(WrongFile::new(DISTRICT_FILE, found, format!("{DISTRICT_HELP}; give the groups anew with --groups FILE")).into());
        }
    }
    report.groups = all.len();
    Ok(groups)
}

/// Which entrances get which district. One whose place was corrected lies where it was corrected to.
async fn moves(tx: &mut Tx, locator: &Locator, report: &mut DistrictReport) -> Result<BTreeMap<Option<String>, Vec<Uuid>>, ImportError> {
    let mut moves: BTreeMap<Option<String>, Vec<Uuid>> = BTreeMap::new();
    let corrections = correction::all(tx).await?.into_values().flatten();
    let corrected: HashSet<Uuid> = corrections.filter(|one| one.field == Field::Place).map(|one| one.entrance).collect();
    for place in entrance::places(tx).await? {
        let now = locator.district_of(place.grunnkrets.as_deref(), place.at, corrected.contains(&place.id));
        report.entrances_without += usize::from(now.is_none());
        if now != place.district.as_deref() {
            report.entrances_moved += 1;
            moves.entry(now.map(str::to_owned)).or_default().push(place.id);
        }
    }
    Ok(moves)
}
