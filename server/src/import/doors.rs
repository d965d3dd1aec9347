//! What an address file does to the doors of an entrance that the register knows.

use std::collections::HashSet;

use dorbank_shared::place::{Unit, UnitLabel};
use uuid::Uuid;

use super::{
    ImportError, corrected,
    decide::{Decider, Work, name},
    report_file::{Line, What},
    survey::Seen,
};
use crate::store::{
    correction::{Correction, Field},
    staged::{Door, Known, Writes},
};

impl Decider<'_> {
    /// The doors that a known entrance has, where the file lists its dwellings.
    pub(super) fn doors(
        &mut self,
        known: &Known,
        address: &str,
        seen: Seen,
        (doors, visited, corrections): (&[Door], &HashSet<Uuid>, &[Correction]),
        work: &mut Work<'_, impl FnMut() -> Uuid>,
    ) -> Result<(), ImportError> {
        let id = known.source_id.as_str();
        for against in corrected::of_doors(corrections, |label| self.lists_door(id, label), seen.unreadable) {
            self.against(&against, id, address)?;
        }
        let is_ours = |field: Field, label: &str| corrections.iter().any(|one| one.field == field && one.door == label);
        for door in doors.iter().filter(|door| !door.vanished && !door.label.is_empty()) {
            if !seen.unreadable && !self.lists_door(id, &door.label) && !is_ours(Field::DoorAdded, &door.label) {
                self.door_vanishes(door, id, address, &mut work.writes)?;
            }
        }
        let unnumbered = doors.iter().find(|door| door.label.is_empty());
        let standing = unnumbered.filter(|door| !door.vanished);
        if seen.doors == 0 {
            match (seen.unnumbered, unnumbered) {
                (true, Some(door)) if door.vanished && !is_ours(Field::DoorGone, "") => {
                    self.door_back(door.id, "", id, address, &mut work.writes)?;
                }
                (true, Some(_)) => self.report.doors.unchanged += usize::from(standing.is_some()),
                (true, None) => {
                    self.report.doors.added += 1;
                    self.say(What::DoorAdded, &Line { id, address, ..Line::default() })?;
                    work.add_door(known.id, "");
                }
                (false, _) => {
                    self.report.doors.none += 1;
                    if let Some(door) = standing.filter(|_| !seen.unreadable) {
                        self.door_vanishes(door, id, address, &mut work.writes)?;
                    }
                }
            }
            return Ok(());
        }
        let Some(door) = standing else { return Ok(()) };
        let happened = door.do_not_knock || visited.contains(&door.id);
        let has_first = doors.iter().any(|other| UnitLabel::parse(&other.label).is_some_and(|label| label.rank() == seen.first));
        let is_only_one = seen.doors == 1 && !seen.unreadable;
        if !has_first && (is_only_one || !happened) {
            // It is the one that the file tells of now, or as good as any: nobody has been there.
            self.becoming.insert(known.id, door.id);
            return Ok(());
        }
        if seen.unreadable {
            return Ok(());
        }
        if door.do_not_knock {
            let (was, is) = ("the door without a number", "each of its doors");
            self.report.carried += 1;
            self.say(What::Quiet, &Line { id, address, was, is, ..Line::default() })?;
        }
        if happened {
            self.left_unnumbered.push(door.id);
        }
        self.door_vanishes(door, id, address, &mut work.writes)
    }

    fn door_vanishes(&mut self, door: &Door, id: &str, address: &str, writes: &mut Writes) -> Result<(), ImportError> {
        self.report.doors.vanished += 1;
        self.say(What::DoorVanished, &Line { id, address, was: &door.label, ..Line::default() })?;
        writes.unit_changes.push((Unit::new(door.id, &door.label), true));
        Ok(())
    }

    fn door_back(&mut self, door: Uuid, label: &str, id: &str, address: &str, writes: &mut Writes) -> Result<(), ImportError> {
        self.report.doors.back += 1;
        self.say(What::DoorBack, &Line { id, address, is: label, ..Line::default() })?;
        writes.unit_changes.push((Unit::new(door, label), false));
        Ok(())
    }

    /// A numbered door of an entrance that the register knows.
    pub(super) fn door(
        &mut self,
        known: &Known,
        label: UnitLabel,
        doors: &[Door],
        seen: Seen,
        work: &mut Work<'_, impl FnMut() -> Uuid>,
    ) -> Result<(), ImportError> {
        let id = known.source_id.as_str();
        let text = label.to_string();
        let address = name(&known.listing);
        match doors.iter().find(|door| door.label == text) {
            Some(door) if !door.vanished => self.report.doors.unchanged += 1,
            Some(door) => {
                let corrections = self.corrections.get(&known.id).map(Vec::as_slice).unwrap_or_default();
                if !corrections.iter().any(|one| one.field == Field::DoorGone && one.door == text) {
                    self.door_back(door.id, &text, id, &address, &mut work.writes)?;
                }
            }
            None if label.rank() == seen.first && self.becoming.contains_key(&known.id) => {
                if let Some(door) = self.becoming.remove(&known.id) {
                    self.report.doors.numbered += 1;
                    self.say(What::DoorNumbered, &Line { id, address: &address, is: &text, ..Line::default() })?;
                    work.writes.unit_changes.push((Unit::new(door, &text), false));
                }
            }
            None => {
                self.report.doors.added += 1;
                self.say(What::DoorAdded, &Line { id, address: &address, is: &text, ..Line::default() })?;
                work.add_door(known.id, &text);
            }
        }
        Ok(())
    }
}
