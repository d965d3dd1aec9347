//! What an address file does to the doors of an entrance that the register knows.

use dorbank_shared::place::{Unit, UnitLabel};
use uuid::Uuid;

use super::{
    ImportError, corrected,
    decide::{Before, Decider, Work, name},
    report_file::{Line, What},
    survey::Seen,
};
use crate::store::{
    correction::{Correction, Field},
    staged::{Door, Known, Writes},
    succession::Part,
};

/// The doors of an entrance that are not listed any more, and those that came after them.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    source_id: String,
    address: String,
    old: Vec<Door>,
    /// One of the old has no number, so that any that is listed may be it.
    any: bool,
    new: Vec<Uuid>,
}

impl Decider<'_> {
    /// The doors that a known entrance has, where the file lists its dwellings.
    pub(super) fn doors(
        &mut self,
        known: &Known,
        address: &str,
        seen: Seen,
        (doors, before, corrections): (&[Door], &Before, &[Correction]),
        work: &mut Work<'_, impl FnMut() -> Uuid>,
    ) -> Result<(), ImportError> {
        let id = known.source_id.as_str();
        for against in corrected::of_doors(corrections, |label| self.lists_door(id, label), seen.unreadable) {
            self.against(&against, id, address)?;
        }
        let is_ours = |field: Field, label: &str| corrections.iter().any(|one| one.field == field && one.door == label);
        let mut leaving = Leaving { source_id: id.to_owned(), address: address.to_owned(), ..Leaving::default() };
        for door in doors.iter().filter(|door| !door.label.is_empty()) {
            if self.lists_door(id, &door.label) {
                continue;
            }
            // One that vanished earlier, and that nothing came after yet, waits for what comes.
            if door.vanished && !before.followed.contains(&door.id) {
                leaving.old.push(door.clone());
            } else if !door.vanished && !seen.unreadable && !is_ours(Field::DoorAdded, &door.label) {
                leaving.old.push(door.clone());
                self.door_vanishes(door, id, address, &mut work.writes)?;
            }
        }
        let unnumbered = doors.iter().find(|door| door.label.is_empty());
        let waits = unnumbered.filter(|door| door.vanished && !before.followed.contains(&door.id));
        let standing = unnumbered.filter(|door| !door.vanished);
        if seen.doors > 0 {
            leaving.old.extend(waits.cloned());
            if let Some(door) = standing {
                let happened = door.do_not_knock || before.visited.contains(&door.id);
                let has_first = doors.iter().any(|other| UnitLabel::parse(&other.label).is_some_and(|label| label.rank() == seen.first));
                let is_only_one = seen.doors == 1 && !seen.unreadable;
                if !has_first && (is_only_one || !happened) {
                    // It is the one that the file tells of now, or as good as any: nobody has been there.
                    self.becoming.insert(known.id, door.id);
                } else if !seen.unreadable {
                    leaving.old.push(door.clone());
                    self.door_vanishes(door, id, address, &mut work.writes)?;
                }
            }
        } else if !seen.unnumbered {
            self.report.doors.none += 1;
            leaving.old.extend(waits.cloned());
            if let Some(door) = standing.filter(|_| !seen.unreadable) {
                leaving.old.push(door.clone());
                self.door_vanishes(door, id, address, &mut work.writes)?;
            }
        }
        if !leaving.old.is_empty() {
            leaving.any = leaving.old.iter().any(|door| door.label.is_empty());
            self.leaving.insert(known.id, leaving);
        }
        if seen.doors == 0 && seen.unnumbered {
            match unnumbered {
                Some(door) if door.vanished && !is_ours(Field::DoorGone, "") => {
                    self.door_back(known.id, door, (id, address), &mut work.writes)?;
                }
                Some(_) => self.report.doors.unchanged += usize::from(standing.is_some()),
                None => {
                    self.report.doors.added += 1;
                    self.say(What::DoorAdded, &Line { id, address, ..Line::default() })?;
                    let door = work.add_door(known.id, "");
                    self.door_came(known.id, door, "");
                }
            }
        }
        Ok(())
    }

    /// A door that was not walked to until now. Whoever asked for quiet at one that is not listed any more may live there.
    fn door_came(&mut self, entrance: Uuid, door: Uuid, label: &str) {
        if let Some(leaving) = self.leaving.get_mut(&entrance) {
            leaving.new.push(door);
        }
        self.heirs.door_came(entrance, door, label);
    }

    fn door_vanishes(&mut self, door: &Door, id: &str, address: &str, writes: &mut Writes) -> Result<(), ImportError> {
        self.report.doors.vanished += 1;
        self.say(What::DoorVanished, &Line { id, address, was: &door.label, ..Line::default() })?;
        writes.unit_changes.push((Unit::new(door.id, &door.label), true));
        Ok(())
    }

    fn door_back(&mut self, entrance: Uuid, door: &Door, (id, address): (&str, &str), writes: &mut Writes) -> Result<(), ImportError> {
        self.report.doors.back += 1;
        self.say(What::DoorBack, &Line { id, address, is: &door.label, ..Line::default() })?;
        writes.unit_changes.push((Unit::new(door.id, &door.label), false));
        self.door_came(entrance, door.id, &door.label);
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
            Some(door) if !door.vanished => {
                self.report.doors.unchanged += 1;
                if let Some(leaving) = self.leaving.get_mut(&known.id).filter(|leaving| leaving.any) {
                    leaving.new.push(door.id);
                }
            }
            Some(door) => {
                let corrections = self.corrections.get(&known.id).map(Vec::as_slice).unwrap_or_default();
                if !corrections.iter().any(|one| one.field == Field::DoorGone && one.door == text) {
                    self.door_back(known.id, door, (id, &address), &mut work.writes)?;
                }
            }
            None if label.rank() == seen.first && self.becoming.contains_key(&known.id) => {
                if let Some(door) = self.becoming.remove(&known.id) {
                    self.report.doors.numbered += 1;
                    self.say(What::DoorNumbered, &Line { id, address: &address, is: &text, ..Line::default() })?;
                    work.writes.unit_changes.push((Unit::new(door, &text), false));
                    self.door_came(known.id, door, &text);
                }
            }
            None => {
                self.report.doors.added += 1;
                self.say(What::DoorAdded, &Line { id, address: &address, is: &text, ..Line::default() })?;
                let door = work.add_door(known.id, &text);
                self.door_came(known.id, door, &text);
            }
        }
        Ok(())
    }

    /// Where the wishes for quiet hold now that were noted at doors which are not listed any more; and which doors came after
    /// which, as it is written.
    ///
    /// # Errors
    /// When the list cannot be written.
    pub(super) fn door_parts(&mut self) -> Result<Vec<Part>, ImportError> {
        let mut all: Vec<(Uuid, Leaving)> = self.leaving.drain().collect();
        all.sort_by(|(_, a), (_, b)| a.source_id.cmp(&b.source_id));
        let mut parts = Vec::new();
        for (_, Leaving { source_id, address, old, any: _, new }) in all {
            for door in old.iter().filter(|door| door.do_not_knock) {
                let (was, each) = match door.label.as_str() {
                    "" => ("the door without a number".to_owned(), "each of its doors"),
                    label => (format!("door {label}"), "each of its new doors"),
                };
                let line = Line { id: &source_id, address: &address, was: &was, ..Line::default() };
                if !new.is_empty() {
                    self.report.carried += 1;
                    self.say(What::Quiet, &Line { is: each, ..line })?;
                } else if !door.vanished {
                    // One that vanished earlier was told of then.
                    self.report.carried_nowhere += 1;
                    self.say(What::QuietNowhere, &line)?;
                }
            }
            if !new.is_empty() {
                parts.push(Part { old: old.iter().map(|door| door.id).collect(), new });
            }
        }
        parts.extend(self.heirs.door_parts());
        Ok(parts)
    }
}
