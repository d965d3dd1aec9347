//! Kartverket's address files into the register.
//!
//! The file is read twice. The first reading finds whether it is whole and what it lists; nothing is written before that
//! is known. The second hands its rows over in parts; each is compared with the register in force and written beside it
//! in a transaction of its own. When all are written one short transaction puts the whole in force.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use dorbank_shared::landing::landing;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    ImportError, Locator, Product, Progress, Report, WrongFile,
    decide::{Before, Decider},
    refuse_demo,
    report_file::{Finished, Line, ReportFile, What},
    stage::{self, Pace, Steps},
    survey::{Key, SecondReading, Survey, Usable},
};
use crate::store::{
    Db, StoreError, Tx, correction,
    correction::Field,
    register::{self, Alone},
    staged::{self, Listed, Writes},
    stamp,
    succession::{self, Of},
};

/// Who publishes the addresses.
pub const ORIGIN: &str = "kartverket";
/// Fewer addresses than this may always vanish.
const FEW: usize = 100;
/// So many entrances of the register are looked through at once.
const LOOKED_THROUGH: i64 = 4_000;
/// So many groups of entrances and those that came after them are written in one transaction.
const PARTS_AT_ONCE: usize = 500;

/// Where the list of all that an import did is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ListTo {
    /// Nowhere.
    #[default]
    Nowhere,
    /// Into this file, also when it is only tried.
    File(PathBuf),
    /// Into a file of this folder, named by the day and the import's number.
    Folder(PathBuf),
}

/// How addresses are imported.
#[derive(Debug, Clone, Default)]
pub struct AddressOptions {
    /// Report the same and write nothing.
    pub dry_run: bool,
    /// Take a file in which more than a fifth of a municipality's known addresses are missing. Without it such a file
    /// is refused: it is most likely cut off.
    pub accept_many_vanished: bool,
    /// Where all that it did is listed.
    pub list: ListTo,
    /// Where it is shown how far it is.
    pub progress: Progress,
    /// How it goes about its work.
    pub pace: Pace,
}

/// Imports the addresses of `path`, of either product. An address that was imported before keeps its id, its doors and all
/// that happened there; one that is missing from the file is marked as vanished and kept. A new entrance gets the doors that
/// the file lists, and one where it lists none.
///
/// What is new is in force when this returns, all of it or, after an error, nothing. It may be stopped at any moment.
///
/// # Errors
/// See [`ImportError`]; after each the register is as it was.
pub async fn addresses(db: &Db, path: &Path, options: &AddressOptions, now_ms: i64, ids: &mut impl FnMut() -> Uuid) -> Result<Report, ImportError> {
    refuse_demo(&mut db.read().await?).await?;
    let alone = if options.dry_run { None } else { Some(stage::alone(db).await?) };
    let _shown = Shown(&options.progress);
    let mut import = Import { db, path, options, now_ms, alone, held: None };
    let done = import.run(ids).await;
    if let Some(alone) = import.alone.take() {
        stage::give_back(alone).await;
    }
    done
}

/// How far it is, taken away at the end, also where it is stopped in the middle.
struct Shown<'a>(&'a Progress);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Notes that an import begins to write, unless the database has become a demo since it was looked at; says whether it has.
async fn begin(tx: &mut Tx, number: i64) -> Result<bool, StoreError> {
    register::begin(tx, number).await?;
    let is_demo = stamp::is_demo(tx).await?;
    if is_demo {
        register::end(tx, number).await?;
    }
    Ok(is_demo)
}

struct Import<'a> {
    db: &'a Db,
    path: &'a Path,
    options: &'a AddressOptions,
    now_ms: i64,
    /// What keeps other imports away; none on a trial run.
    alone: Option<Alone>,
    /// A trial run sees one moment of the register, from its beginning to its end.
    held: Option<Tx>,
}

impl Import<'_> {
    async fn run(&mut self, ids: &mut impl FnMut() -> Uuid) -> Result<Report, ImportError> {
        let (path, progress) = (self.path.to_owned(), self.options.progress.clone());
        let mut survey = tokio::task::spawn_blocking(move || Survey::of(&path, &progress)).await.map_err(|_| ImportError::Stopped)??;
        let gone = self.gone(&survey).await?;
        let tx = self.read().await?;
        let locator = Locator::load(tx).await?;
        let corrections = correction::all(tx).await?;
        let mut steps = Steps::new(self.db, self.options.pace);
        let in_force =
            if self.options.dry_run { register::in_force(self.read().await?).await?.number } else { stage::tidy(&mut steps, self.db).await? };
        self.let_go();
        let number = in_force + 1;
        let list = self.list(number)?;
        let second = survey.plan(self.options.pace.rows);
        let report = Report {
            dry_run: self.options.dry_run,
            product: survey.product,
            rows: survey.rows,
            left_out: survey.left_out,
            without_kinds: survey.product == Product::Dwellings && !survey.has_kinds,
            unnumbered: survey.unnumbered - survey.doors_without_number(),
            no_districts: locator.is_empty(),
            refused: std::mem::take(&mut survey.refused),
            landings: survey.municipalities.iter().map(|municipality| (municipality.clone(), landing(municipality))).collect(),
            ..Report::default()
        };
        let decider = Decider::new(&mut survey, &locator, corrections, report, list);
        let written = self.stage(&mut steps, number, decider, (gone, second), ids).await;
        match written {
            Ok(staged) => self.put_in_force(&mut steps, number, staged).await,
            Err(error) => {
                self.give_up(&steps, &error).await;
                Err(error)
            }
        }
    }

    /// The list of all that is done, where one is wanted.
    fn list(&self, number: i64) -> Result<Option<ReportFile>, ImportError> {
        match &self.options.list {
            ListTo::File(path) => ReportFile::create(path).map(Some),
            ListTo::Folder(folder) if !self.options.dry_run => ReportFile::create_in(folder, self.now_ms, number).map(Some),
            ListTo::Nowhere | ListTo::Folder(_) => Ok(None),
        }
    }

    /// A transaction to read in.
    async fn read(&mut self) -> Result<&mut Tx, StoreError> {
        self.let_go();
        let tx = match self.held.take() {
            Some(tx) => tx,
            None => self.db.read().await?,
        };
        Ok(self.held.insert(tx))
    }

    /// Ends the transaction that is read in, but for a trial run's. While one is open SQLite's log can only grow.
    fn let_go(&mut self) {
        if !self.options.dry_run {
            self.held = None;
        }
    }

    /// The entrances that stand in the file's municipalities and that it does not list. None where the register is empty.
    async fn gone(&mut self, survey: &Survey) -> Result<Option<Vec<Listed>>, ImportError> {
        let (mut gone, mut any) = (Vec::new(), false);
        // Of each municipality: how many stood, and how many of them are not listed.
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let mut after = String::new();
        loop {
            let part = staged::listed(self.read().await?, ORIGIN, &after, LOOKED_THROUGH).await?;
            let Some(last) = part.last() else { break };
            any = true;
            after.clone_from(&last.source_id);
            for one in part.into_iter().filter(|one| !one.vanished) {
                let is_listed = survey.addresses.contains_key(&Key::of(&[&one.source_id]));
                if !survey.municipalities.contains(&one.municipality) {
                    continue;
                }
                let (standing, missing) = counts.entry(one.municipality.clone()).or_default();
                *standing += 1;
                if !is_listed {
                    *missing += 1;
                    gone.push(one);
                }
            }
        }
        let cut_off = counts.iter().find(|(_, (standing, missing))| *missing > FEW && missing * 5 > *standing);
        if let Some((municipality, (standing, missing))) = cut_off.filter(|_| !self.options.accept_many_vanished) {
            return Err(WrongFile::new(
                "a whole municipality's addresses",
                format!("a file in which {missing} of the {standing} addresses that are known in {municipality} are missing"),
                "download the file again, since it may have been cut off; if they are truly gone, import with --accept-many-vanished",
            )
            .into());
        }
        Ok(any.then_some(gone))
    }

    /// Writes all that is new and all that changes beside the register in force; or, on a trial, only decides it.
    async fn stage<'d>(
        &mut self,
        steps: &mut Steps<'_>,
        number: i64,
        mut decider: Decider<'d>,
        (gone, second): (Option<Vec<Listed>>, SecondReading),
        ids: &mut impl FnMut() -> Uuid,
    ) -> Result<Decider<'d>, ImportError> {
        if !self.options.dry_run {
            let is_demo = steps.one("begin", async |tx| begin(tx, number).await).await?;
            if is_demo {
                return Err(ImportError::Demo);
            }
        }
        for at in 0..decider.report.refused.len() {
            let refused = decider.report.refused[at];
            let is = format!("{}: {}", refused.field, refused.reason);
            decider.say(What::Refused, &Line { line: Some(refused.line), is: &is, ..Line::default() })?;
        }
        let is_empty = gone.is_none();
        for part in gone.unwrap_or_default().chunks(self.options.pace.rows) {
            let writes = self.vanish(&mut decider, part).await?;
            self.write(steps, number, writes).await?;
        }
        let (sender, mut parts) = mpsc::channel(2);
        let (path, progress) = (self.path.to_owned(), self.options.progress.clone());
        let reading = tokio::task::spawn_blocking(move || second.run(&path, &progress, &sender));
        while let Some(rows) = parts.recv().await {
            let before = if is_empty { self.own(&decider, &rows, number).await? } else { self.before(&decider, &rows, number).await? };
            let writes = decider.part(rows, &before, ids)?;
            self.write(steps, number, writes).await?;
        }
        reading.await.map_err(|_| ImportError::Stopped)??;
        self.succeed(steps, number, &mut decider).await?;
        Ok(decider)
    }

    async fn write(&mut self, steps: &mut Steps<'_>, number: i64, writes: Writes) -> Result<(), ImportError> {
        self.let_go();
        if self.options.dry_run || writes.is_empty() {
            return Ok(());
        }
        self.refuse_unless_alone().await?;
        steps.one("write", async |tx| staged::write(tx, number, ORIGIN, writes, self.now_ms).await).await
    }

    /// Who comes next may remove what is written here, or put its own in force under the same number.
    async fn refuse_unless_alone(&mut self) -> Result<(), ImportError> {
        match &mut self.alone {
            Some(alone) => alone.is_held().await.then_some(()).ok_or(ImportError::NotAlone),
            None => Ok(()),
        }
    }

    /// Some entrances that are no longer listed.
    async fn vanish(&mut self, decider: &mut Decider<'_>, gone: &[Listed]) -> Result<Writes, ImportError> {
        let source_ids: Vec<&str> = gone.iter().map(|one| one.source_id.as_str()).collect();
        let ids: Vec<Uuid> = gone.iter().map(|one| one.id).collect();
        let tx = self.read().await?;
        let mut known = staged::known_as(tx, ORIGIN, &source_ids).await?;
        let doors = staged::doors(tx, &ids).await?;
        decider.report.vanished_in_turfs += staged::in_turfs(tx, &ids).await?.len();
        let mut writes = Writes::default();
        for one in gone {
            let Some(known) = known.remove(&one.source_id) else { continue };
            decider.gone(known, doors.get(&one.id).map(Vec::as_slice).unwrap_or_default(), &mut writes)?;
        }
        Ok(writes)
    }

    /// What this import has itself written of addresses that an earlier part has met.
    async fn own(&mut self, decider: &Decider<'_>, rows: &[Usable], number: i64) -> Result<Before, ImportError> {
        let met: Vec<&str> = rows.iter().filter(|row| decider.met(row)).map(|row| row.address.source_id.as_str()).collect();
        if met.is_empty() || self.options.dry_run {
            return Ok(Before::default());
        }
        Ok(Before { own: staged::own(self.read().await?, number, ORIGIN, &met).await?, ..Before::default() })
    }

    /// What the register says of the addresses of a part.
    async fn before(&mut self, decider: &Decider<'_>, rows: &[Usable], number: i64) -> Result<Before, ImportError> {
        let mut source_ids: Vec<&str> = rows.iter().map(|row| row.address.source_id.as_str()).collect();
        source_ids.dedup();
        let mut before = self.own(decider, rows, number).await?;
        let tx = self.read().await?;
        before.known = staged::known_as(tx, ORIGIN, &source_ids).await?;
        if decider.product() == Product::Dwellings {
            let known: Vec<Uuid> = before.known.values().map(|known| known.id).collect();
            before.doors = staged::doors(tx, &known).await?;
            let unnumbered: Vec<Uuid> =
                before.doors.values().flatten().filter(|door| door.label.is_empty() && !door.vanished).map(|door| door.id).collect();
            before.visited = staged::visited(tx, &unnumbered).await?;
            let vanished: Vec<Uuid> = before.doors.values().flatten().filter(|door| door.vanished).map(|door| door.id).collect();
            before.followed = succession::followed(tx, &vanished).await?;
        }
        Ok(before)
    }

    /// What appeared where something vanished, and the wishes for quiet that it inherits.
    async fn succeed(&self, steps: &mut Steps<'_>, number: i64, decider: &mut Decider<'_>) -> Result<(), ImportError> {
        let doors = decider.door_parts()?;
        let carried = decider.heirs.carried(|source_id, label| decider.lists_door(source_id, label));
        for one in carried {
            let (what, holds) = match &one.holds {
                Some(holds) => (What::Quiet, holds.words()),
                None => (What::QuietNowhere, String::new()),
            };
            *(if one.holds.is_some() { &mut decider.report.carried } else { &mut decider.report.carried_nowhere }) += 1;
            decider.say(what, &Line { id: &one.source_id, address: &one.to, was: &one.from, is: &holds, ..Line::default() })?;
        }
        if self.options.dry_run {
            return Ok(());
        }
        for (of, parts) in [(Of::Entrances, decider.heirs.parts()), (Of::Doors, doors)] {
            for (some, first) in parts.chunks(PARTS_AT_ONCE).zip((0i64..).step_by(PARTS_AT_ONCE)) {
                steps.one("succession", async |tx| succession::put(tx, of, number, first, some).await).await?;
            }
        }
        Ok(())
    }

    /// Puts what was written in force, and carries what it changes into the register.
    async fn put_in_force(&mut self, steps: &mut Steps<'_>, number: i64, decider: Decider<'_>) -> Result<Report, ImportError> {
        let Decider { mut report, list, caught_up, .. } = decider;
        match self.swap(steps, number, (list, caught_up)).await {
            Ok(list) => report.list = list.map(Finished::put),
            Err(error) => {
                self.give_up(steps, &error).await;
                return Err(error);
            }
        }
        if !self.options.dry_run {
            stage::carry(steps, number).await.map_err(|error| match error {
                ImportError::Store(error) => ImportError::Carry(error),
                other => other,
            })?;
        }
        Ok(report)
    }

    /// The one transaction after which the new register is in force. Gives the list, whole, which has not its name yet.
    async fn swap(
        &mut self,
        steps: &mut Steps<'_>,
        number: i64,
        (list, caught_up): (Option<ReportFile>, Vec<(Uuid, Field, String)>),
    ) -> Result<Option<Finished>, ImportError> {
        let list = list.map(ReportFile::finish).transpose()?;
        if self.options.dry_run {
            return Ok(list);
        }
        self.options.progress.say("in force");
        // Nobody else changes the register meanwhile, so it is counted before the writer is held.
        let size = register::count(&mut self.db.read().await?, number).await?;
        let alone = &mut self.alone;
        let swapped = steps.one("put in force", async |tx| {
            // First, so that a phone's wish is either seen here or waits and sees the new register.
            register::put_in_force(tx, number, size).await?;
            if let Some(alone) = alone
                && !alone.is_held().await
            {
                return Err(StoreError::Stale);
            }
            succession::carry(tx, number).await?;
            for (entrance, field, door) in &caught_up {
                correction::remove(tx, *entrance, *field, door).await?;
            }
            Ok(())
        });
        swapped.await.map_err(|error| match error {
            // Somebody else began, or may have.
            ImportError::Store(StoreError::Stale) => ImportError::NotAlone,
            other => other,
        })?;
        Ok(list)
    }

    /// After an error: removes what was written beside the register, unless it is tried what happens when nobody does. Where
    /// that fails too the next import does it.
    async fn give_up(&self, steps: &Steps<'_>, error: &ImportError) {
        if self.options.dry_run || steps.is_killed() || matches!(error, ImportError::NotAlone) {
            return;
        }
        if let Err(error) = stage::tidy(&mut Steps::new(self.db, Pace::default()), self.db).await {
            tracing::warn!(%error, "what the import had written was not removed; the next import removes it");
        }
    }
}
