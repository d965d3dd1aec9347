//! What a demo holds, for the person who typed the command.

use std::fmt;

use dorbank_shared::officer::Officer;
use uuid::Uuid;

use super::{city::City, plan::Plan};

/// What a demo holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DemoReport {
    /// Districts.
    pub districts: usize,
    /// Local branches.
    pub branches: usize,
    /// Entrances.
    pub entrances: usize,
    /// Doors.
    pub units: usize,
    /// Lines on the map.
    pub lines: usize,
    /// Turfs.
    pub turfs: usize,
    /// Doors that lie in a turf.
    pub turf_doors: usize,
    /// Shifts: past, running and planned.
    pub shifts: usize,
    /// Visits that were counted.
    pub visits: usize,
    /// Of these, conversations.
    pub conversations: usize,
    /// Inputs that were handed in.
    pub inputs: usize,
    /// Entries that wait for somebody to look at them.
    pub quarantined: usize,
    /// Releases that were frozen.
    pub releases: usize,
    /// The shift that runs now.
    pub running: Option<Uuid>,
    /// Who can be signed in as.
    pub officers: Vec<Officer>,
}

impl DemoReport {
    pub(super) fn new(city: &City, plan: &Plan) -> Self {
        Self {
            districts: city.districts.len(),
            branches: plan.branches.len(),
            entrances: city.entrances.iter().map(Vec::len).sum(),
            units: city.entrances.iter().flatten().map(|entrance| entrance.units.len()).sum(),
            lines: city.lines.len(),
            turfs: plan.walks.len(),
            turf_doors: plan.entrances(city).map(|entrance| entrance.units.len()).sum(),
            shifts: plan.tours.len(),
            running: plan.running().map(|tour| tour.shift.id),
            ..Self::default()
        }
    }
}

impl fmt::Display for DemoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "A demo was made. Everyone and everything in it is made up, but for the names of the districts.")?;
        for (count, what) in [
            (self.districts, "districts"),
            (self.branches, "local branches"),
            (self.entrances, "entrances"),
            (self.units, "doors"),
            (self.lines, "lines on the map: streets, water, roads, railways"),
            (self.turfs, "turfs"),
            (self.turf_doors, "doors in them"),
            (self.shifts, "shifts: past, running and planned"),
            (self.visits, "visits"),
            (self.conversations, "of these conversations"),
            (self.inputs, "inputs handed in"),
            (self.quarantined, "entries to be looked at"),
            (self.releases, "releases"),
        ] {
            writeln!(f, "{count:>9}  {what}")?;
        }
        Ok(())
    }
}
