//! What a part of an address file does to the register: no I/O, so that a trial run says the same as an import.

use std::collections::{HashMap, HashSet};

use dorbank_shared::{
    geo::{LatLon, distance},
    place::{Unit, UnitLabel},
};
use uuid::Uuid;

use super::{
    ImportError, Locator, Product, Report,
    corrected::{self, Against},
    doors::Leaving,
    heirs::{Come, Gone, Heirs},
    report_file::{Line, ReportFile, What},
    row::{Address, Dwelling},
    survey::{Key, Seen, Survey, Usable},
};
use crate::store::{
    correction::{Correction, Field},
    staged::{Door, Known, Listing, Writes},
};

/// Up to so many metres an entrance stands where it stood: the same point in two coordinate systems differs by less.
pub const SAME_PLACE_M: f64 = 1.0;

/// What the register says of the addresses of a part.
#[derive(Debug, Default)]
pub struct Before {
    /// What is in force, by the publisher's id.
    pub known: HashMap<String, Known>,
    /// What this import has written in an earlier part, by the publisher's id.
    pub own: HashMap<String, Uuid>,
    /// The doors in force.
    pub doors: HashMap<Uuid, Vec<Door>>,
    /// The doors without a number at which somebody has been.
    pub visited: HashSet<Uuid>,
    /// The vanished doors that others came after already.
    pub followed: HashSet<Uuid>,
}

/// What is decided of a part: what is to be written, and where ids come from.
pub(super) struct Work<'w, I> {
    pub(super) writes: Writes,
    pub(super) ids: &'w mut I,
}

impl<I: FnMut() -> Uuid> Work<'_, I> {
    /// A new door. Gives its id.
    pub(super) fn add_door(&mut self, entrance: Uuid, label: &str) -> Uuid {
        let id = (self.ids)();
        self.writes.units.push((entrance, Unit::new(id, label), false));
        id
    }
}

/// Decides, part by part.
pub struct Decider<'a> {
    pub(super) survey: &'a mut Survey,
    locator: &'a Locator,
    pub(super) corrections: HashMap<Uuid, Vec<Correction>>,
    /// What it comes to.
    pub report: Report,
    /// Where it is listed.
    pub list: Option<ReportFile>,
    /// What appeared where something vanished.
    pub heirs: Heirs,
    /// The doors that are not listed any more, and those that came after them, by their entrance.
    pub(super) leaving: HashMap<Uuid, Leaving>,
    /// Corrections that the publisher has now too.
    pub caught_up: Vec<(Uuid, Field, String)>,
    /// Doors without a number that get the first number of their entrance when its row comes.
    pub(super) becoming: HashMap<Uuid, Uuid>,
}

/// What an entrance is called.
pub fn name(listing: &Listing) -> String {
    let Listing { street, number, letter, .. } = listing;
    let number = if *number == 0 { String::new() } else { number.to_string() };
    format!("{street} {number}{letter}").trim_end().to_owned()
}

impl<'a> Decider<'a> {
    /// Begins. `report` says already what the first reading found.
    pub fn new(
        survey: &'a mut Survey,
        locator: &'a Locator,
        corrections: HashMap<Uuid, Vec<Correction>>,
        report: Report,
        list: Option<ReportFile>,
    ) -> Self {
        let (heirs, leaving, caught_up, becoming) = (Heirs::default(), HashMap::new(), Vec::new(), HashMap::new());
        Self { survey, locator, corrections, report, list, heirs, leaving, caught_up, becoming }
    }

    /// Whether the file lists a numbered door.
    pub fn lists_door(&self, source_id: &str, label: &str) -> bool {
        UnitLabel::parse(label).is_some_and(|label| self.survey.doors.contains(&Key::of_door(source_id, label)))
    }

    /// Which product the file is.
    pub fn product(&self) -> Product {
        self.survey.product
    }

    /// Which of these addresses a part before has met.
    pub fn met(&self, row: &Usable) -> bool {
        self.survey.addresses.get(&row.key).is_some_and(|seen| seen.met)
    }

    /// Adds a line to the list, where there is one.
    pub fn say(&mut self, what: What, line: &Line<'_>) -> Result<(), ImportError> {
        self.list.as_mut().map_or(Ok(()), |list| list.write(what, line))
    }

    /// An entrance that the file no longer lists.
    pub fn gone(&mut self, known: Known, doors: &[Door], writes: &mut Writes) -> Result<(), ImportError> {
        let address = name(&known.listing);
        self.report.vanished += 1;
        self.say(What::Vanished, &Line { id: &known.source_id, address: &address, ..Line::default() })?;
        let (source_id, doors) = (known.source_id, doors.to_vec());
        self.heirs.gone(Gone { id: known.id, source_id, address, do_not_knock: known.do_not_knock, doors }, &known.listing);
        writes.entrance_changes.push((known.id, known.listing, true));
        Ok(())
    }

    /// What a part of the file does.
    ///
    /// # Errors
    /// When the list cannot be written, or the file is not what was read first.
    pub fn part(&mut self, rows: Vec<Usable>, before: &Before, ids: &mut impl FnMut() -> Uuid) -> Result<Writes, ImportError> {
        let mut work = Work { writes: Writes::default(), ids };
        let mut new: HashMap<Key, Uuid> = HashMap::new();
        for row in rows {
            let seen = self.survey.addresses.get_mut(&row.key).ok_or(ImportError::Changed)?;
            let first = !std::mem::replace(&mut seen.met, true);
            let (seen, dwelling) = (*seen, row.dwelling);
            if dwelling == Some(Dwelling::None) {
                let line = Line { line: Some(row.line), id: &row.address.source_id, ..Line::default() };
                self.say(What::LeftOut, &line)?;
            }
            if let Some(known) = before.known.get(&row.address.source_id) {
                let doors = before.doors.get(&known.id).map(Vec::as_slice).unwrap_or_default();
                if first {
                    self.known(&row, known, seen, (doors, before), &mut work)?;
                }
                if let Some(Dwelling::Numbered(label)) = dwelling {
                    self.door(known, label, doors, seen, &mut work)?;
                }
                continue;
            }
            let entrance = match (first, new.get(&row.key).or_else(|| before.own.get(&row.address.source_id))) {
                (true, _) => (work.ids)(),
                (false, Some(id)) => *id,
                // Only where nothing is written: an import finds what it wrote.
                (false, None) => Uuid::nil(),
            };
            new.insert(row.key, entrance);
            if first {
                self.added(row, entrance, seen, &mut work)?;
            }
            if let Some(Dwelling::Numbered(label)) = dwelling {
                self.report.doors.added += 1;
                work.add_door(entrance, &label.to_string());
            }
        }
        Ok(work.writes)
    }

    fn listing(&self, address: &Address, known: Option<&Listing>) -> Listing {
        // What a file has no column for is as it was.
        let grunnkrets = match known {
            Some(known) if !self.survey.has_grunnkrets => known.grunnkrets.clone(),
            _ => address.grunnkrets.clone(),
        };
        let property = match known {
            Some(known) if !self.survey.has_property => known.property.clone(),
            _ => address.property.clone(),
        };
        Listing {
            municipality: address.municipality.clone(),
            street: address.street.clone(),
            number: address.number,
            letter: address.letter.clone(),
            postcode: address.postcode.clone(),
            post_town: address.post_town.clone(),
            grunnkrets,
            district: None,
            at: known.map(|known| known.at).filter(|at| is_same_place(*at, address.at)).unwrap_or(address.at),
            property,
        }
    }

    /// An address that the register does not know.
    fn added(&mut self, row: Usable, id: Uuid, seen: Seen, work: &mut Work<'_, impl FnMut() -> Uuid>) -> Result<(), ImportError> {
        let mut listing = self.listing(&row.address, None);
        listing.district = self.locator.district(listing.grunnkrets.as_deref(), listing.at).map(str::to_owned);
        self.report.added += 1;
        self.report.without_district += usize::from(listing.district.is_none());
        let address = name(&listing);
        self.say(
            What::Added,
            &Line { line: Some(row.line), id: &row.address.source_id, address: &address, is: &described(&listing), ..Line::default() },
        )?;
        let unnumbered = match self.survey.product {
            Product::Addresses => Some(false),
            Product::Dwellings if seen.doors > 0 => None,
            // Where nobody lives a door is written that is not walked to, so that the other product adds none.
            Product::Dwellings => Some(!seen.unnumbered),
        };
        if let Some(vanished) = unnumbered {
            self.report.doors.added += usize::from(!vanished);
            self.report.doors.none += usize::from(vanished);
            work.writes.units.push((id, Unit::new((work.ids)(), ""), vanished));
        }
        let source_id = row.address.source_id;
        self.heirs.come(|| Come { id, source_id: source_id.clone(), address, seen }, &listing);
        work.writes.entrances.push((id, source_id, listing));
        Ok(())
    }

    /// An address that the register knows, where the file speaks of it for the first time.
    fn known(
        &mut self,
        row: &Usable,
        known: &Known,
        seen: Seen,
        (doors, before): (&[Door], &Before),
        work: &mut Work<'_, impl FnMut() -> Uuid>,
    ) -> Result<(), ImportError> {
        let mut listing = self.listing(&row.address, Some(&known.listing));
        let corrections = self.corrections.remove(&known.id).unwrap_or_default();
        let mut is_corrected = false;
        for against in corrected::of_entrance(&corrections, &row.address, &mut listing) {
            if against.correction.field == Field::Place {
                is_corrected = !against.caught_up;
            }
            self.against(&against, &row.address.source_id, &name(&known.listing))?;
        }
        let district = self.locator.district_of(listing.grunnkrets.as_deref(), listing.at, is_corrected);
        listing.district = district.map(str::to_owned);
        self.report.without_district += usize::from(listing.district.is_none());

        let old = &known.listing;
        let moved = listing.district != old.district || !is_same_place(listing.at, old.at);
        let same = Listing { property: old.property.clone(), ..listing.clone() } == *old && !known.vanished;
        let address = name(&listing);
        let (what, was, is) = if same {
            self.report.unchanged += 1;
            (What::Unchanged, String::new(), String::new())
        } else {
            self.report.changed += 1;
            self.report.moved += usize::from(moved);
            self.report.back += usize::from(known.vanished);
            let what = if known.vanished {
                What::Back
            } else if moved {
                What::Moved
            } else {
                What::Changed
            };
            let (was, is) = differences(old, &listing);
            (what, was, is)
        };
        self.say(what, &Line { line: Some(row.line), id: &row.address.source_id, address: &address, was: &was, is: &is })?;
        if known.vanished {
            let come = || Come { id: known.id, source_id: known.source_id.clone(), address: address.clone(), seen };
            self.heirs.come(come, &listing);
        } else if self.survey.product == Product::Dwellings {
            self.heirs.stands(known.id, (&known.source_id, &address), &listing);
        }
        if !same || listing.property != old.property {
            work.writes.entrance_changes.push((known.id, listing, false));
        }
        if self.survey.product == Product::Dwellings {
            self.doors(known, &address, seen, (doors, before, &corrections), work)?;
        }
        if !corrections.is_empty() {
            // Doors that come in later parts look for what was corrected of them.
            self.corrections.insert(known.id, corrections);
        }
        Ok(())
    }

    /// A correction, held against what is published now.
    pub(super) fn against(&mut self, against: &Against, id: &str, address: &str) -> Result<(), ImportError> {
        let Correction { entrance, field, door, .. } = &against.correction;
        let what = if against.caught_up { What::CaughtUp } else { What::OursKept };
        self.say(what, &Line { id, address, was: &against.theirs(), is: &against.ours(), ..Line::default() })?;
        let said = format!("{address}: {}", against.words());
        if against.caught_up {
            self.caught_up.push((*entrance, *field, door.clone()));
            self.report.caught_up.push(said);
        } else {
            self.report.ours_kept.push(said);
        }
        Ok(())
    }
}

fn is_same_place(a: LatLon, b: LatLon) -> bool {
    a == b || distance(a, b) <= SAME_PLACE_M
}

/// What a list says of a new entrance.
fn described(listing: &Listing) -> String {
    format!("{} {}; {}", listing.postcode, listing.post_town, place(listing)).trim_start().to_owned()
}

fn place(listing: &Listing) -> String {
    let district = listing.district.as_deref().map_or_else(|| "no district".to_owned(), |district| format!("district {district}"));
    format!("{:.7}, {:.7}; {district}", listing.at.lat, listing.at.lon)
}

/// What differs, before and now.
fn differences(old: &Listing, new: &Listing) -> (String, String) {
    let (mut was, mut is) = (Vec::new(), Vec::new());
    let mut pair = |a: String, b: String| {
        if a != b {
            was.push(a);
            is.push(b);
        }
    };
    pair(name(old), name(new));
    pair(format!("{} {}", old.postcode, old.post_town), format!("{} {}", new.postcode, new.post_town));
    pair(format!("municipality {}", old.municipality), format!("municipality {}", new.municipality));
    pair(place(old), place(new));
    let unit = |listing: &Listing| listing.grunnkrets.clone().unwrap_or_default();
    pair(format!("grunnkrets {}", unit(old)), format!("grunnkrets {}", unit(new)));
    (was.join("; "), is.join("; "))
}
