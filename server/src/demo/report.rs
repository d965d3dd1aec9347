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
    /// Turfs.
    pub turfs: usize,
    /// Shifts: past, running and planned.
    pub shifts: usize,
    /// Visits.
    pub visits: usize,
    /// Inputs that were handed in.
    pub inputs: usize,
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
            turfs: plan.walks.len(),
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
            (self.turfs, "turfs"),
            (self.shifts, "shifts: past, running and planned"),
            (self.visits, "visits"),
            (self.inputs, "inputs handed in"),
            (self.releases, "releases"),
        ] {
            writeln!(f, "{count:>9}  {what}")?;
        }
        Ok(())
    }
}
