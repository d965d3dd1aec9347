//! What must hold when all is quiet. Numbered as in `docs/sync.md`.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_server::{
    args,
    store::{Tx, device, scope},
    sync::{bundle, tickets::MOST_TICKETS},
};
use dorbank_shared::{
    sync::{
        base::Verdict,
        file::Unwritten,
        replay::{Kept, Visits, replay, visits},
        wire::{Admission, Envelope, KIND_VISIT, PullResponse, Reason},
    },
    visit::VisitV1,
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    fault::Kind,
    phone::{Phone, Tab},
    world::{At, World},
};

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Entries and inputs that were said to be saved and are nowhere.
    pub lost: u64,
    /// Those that are there twice.
    pub duplicated: u64,
    /// Every invariant that does not hold, in words.
    pub wrong: Vec<String>,
    /// How many entries and inputs were saved.
    pub saved: u64,
    /// Inputs that wait on a phone which was shut out.
    pub stranded: u64,
}

/// What the server has of all entries.
struct Held {
    /// Id and counter of each receipt, and its status.
    receipts: BTreeMap<(Uuid, i64), String>,
    /// Id and counter of each entry in quarantine, why, and whose it is.
    aside: BTreeMap<(Uuid, i64), (String, Uuid)>,
    /// Id and counter of each visit.
    visits: BTreeSet<(Uuid, i64)>,
    /// Id, counter and phone of entries that an organiser counted under ids of their own, since another entry has theirs, and
    /// how many there are: a copied phone gives a counter twice.
    renamed: BTreeMap<(Uuid, i64, Uuid), usize>,
    /// How many visits count at each door.
    standing: BTreeMap<Uuid, u64>,
}

impl Held {
    async fn read(tx: &mut Tx, standing: BTreeMap<Uuid, u64>, devices: &BTreeSet<Uuid>) -> Self {
        let ours = |row: &&dorbank_server::store::Row| row.get::<Option<Uuid>>(3).unwrap().is_some_and(|device| devices.contains(&device));
        let rows = |rows: Vec<dorbank_server::store::Row>| {
            let key = |row: &dorbank_server::store::Row| (row.get(0).unwrap(), row.get(1).unwrap());
            rows.iter().filter(ours).map(|row| (key(row), row.get(2).unwrap())).collect::<BTreeMap<_, String>>()
        };
        Self {
            receipts: rows(tx.all("SELECT id, device_seq, status, device FROM receipt", args![]).await.unwrap()),
            // What an organiser counted is a visit now, or under an id of its own where another entry has its id.
            aside: tx
                .all(
                    "SELECT id, device_seq, reason, device FROM quarantine WHERE COALESCE(settled_as, '') <> 'applied' OR reason = 'id_reuse'",
                    args![],
                )
                .await
                .unwrap()
                .iter()
                .filter(ours)
                .map(|row| ((row.get(0).unwrap(), row.get(1).unwrap()), (row.get(2).unwrap(), row.get(3).unwrap())))
                .collect(),
            visits: rows(tx.all("SELECT id, device_seq, outcome, device FROM visit", args![]).await.unwrap()).into_keys().collect(),
            renamed: tx
                .all("SELECT id, device_seq, device FROM quarantine WHERE settled_as = 'applied' AND reason = 'id_reuse'", args![])
                .await
                .unwrap()
                .iter()
                .map(|row| (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap()))
                .fold(BTreeMap::new(), |mut times, key| {
                    *times.entry(key).or_default() += 1;
                    times
                }),
            standing,
        }
    }

    /// What was answered for an entry.
    fn receipt(&self, entry: &Envelope) -> Option<&String> {
        self.receipts.get(&(entry.id, i64::try_from(entry.device_seq).unwrap()))
    }

    /// Whether the server did what an entry asks for.
    fn applied(&self, entry: &Envelope) -> bool {
        self.receipt(entry).is_some_and(|status| status != "quarantined")
    }

    /// Why an entry was set aside. What came in a file before storage gave it a counter has none there.
    fn aside(&self, (id, seq): (Uuid, i64)) -> Option<&(String, Uuid)> {
        self.aside.get(&(id, seq)).or_else(|| self.aside.get(&(id, 0)))
    }

    /// How often an entry counts or waits for somebody.
    fn times(&self, entry: &Envelope) -> u64 {
        let key = (entry.id, i64::try_from(entry.device_seq).unwrap());
        // What came in a file under the id of another stands aside under that id too.
        let applied = self.applied(entry);
        u64::from(applied) + u64::from(if applied { self.aside.contains_key(&key) } else { self.aside(key).is_some() })
    }
}

impl World {
    /// I5: whoever is shut out is given nothing and keeps nothing.
    pub(super) fn check_revoked(&mut self, at: At, answer: &PullResponse) {
        let cache = &self.phones[at.phone].tabs[at.tab].cache;
        let keeps = cache.bundle.is_some() || !cache.bases.is_empty() || answer.bundle.is_some() || !answer.turfs.is_empty();
        if answer.admission != Admission::Admitted && keeps {
            self.wrong.push(format!("I5: phone {} is shut out and still has doors", at.phone));
        }
    }

    /// All invariants.
    pub async fn check(&mut self) -> Verdicts {
        let mut verdicts = Verdicts { wrong: std::mem::take(&mut self.wrong), ..Verdicts::default() };
        let standing = self.server.standing().await;
        let mut tx = self.server.db.read().await.unwrap();
        let devices: BTreeSet<Uuid> = self.phones.iter().flat_map(Phone::devices).collect();
        let held = Held::read(&mut tx, standing, &devices).await;
        self.check_entries(&held, &mut verdicts);
        for index in 0..self.phones.len() {
            self.check_doors(&mut tx, index, &mut verdicts).await;
        }
        self.check_inputs(&mut tx, &mut verdicts).await;
        verdicts
    }

    /// I1: everything that was said to be saved is on the server. I2: once.
    fn check_entries(&self, held: &Held, verdicts: &mut Verdicts) {
        let mut known = BTreeSet::new();
        // A copied phone that uses an id twice may give both the same counter, and nothing but their bytes tells them apart.
        let mut alike: BTreeMap<(Uuid, u64), BTreeSet<&str>> = BTreeMap::new();
        for (_, _, entry) in self.noted() {
            alike.entry((entry.id, entry.device_seq)).or_default().insert(&entry.bytes);
        }
        for (index, phone) in self.phones.iter().enumerate() {
            let here: BTreeMap<Uuid, _> = phone.storage.all_entries().map(|kept| (kept.envelope.id, kept.status)).collect();
            for entry in &phone.saved {
                verdicts.saved += 1;
                let key = (entry.id, i64::try_from(entry.device_seq).unwrap());
                let (receipt, aside) = (held.receipts.get(&key), held.aside.get(&key));
                let counters = phone.storage.all_entries().filter(|kept| kept.envelope.is_but_for_its_counter(entry)).map(|kept| &kept.envelope);
                let counters: BTreeMap<u64, &Envelope> = counters.chain([entry]).map(|entry| (entry.device_seq, entry)).collect();
                match counters.values().map(|entry| held.times(entry)).sum() {
                    0 => {
                        verdicts.lost += 1;
                        verdicts.wrong.push(format!(
                            "I1: entry {} of phone {index} ({}) is lost (receipt {receipt:?}; on the phone {:?})",
                            entry.device_seq,
                            entry.kind,
                            here.get(&entry.id)
                        ));
                    }
                    1 => {}
                    2 if alike.get(&(entry.id, entry.device_seq)).is_some_and(|alike| alike.len() > 1) => {}
                    _ => {
                        verdicts.duplicated += 1;
                        verdicts.wrong.push(format!("I2: entry {} of phone {index} is there twice: {receipt:?} and {aside:?}", entry.device_seq));
                    }
                }
            }
            known.extend(here.into_keys());
            check_taps(index, phone, verdicts);
            self.check_proof(index, verdicts);
        }
        // A page that ended had some that storage never took; the file had them.
        let is_known = |id: &Uuid| known.contains(id) || self.filed.iter().any(|(_, entry)| entry.id == *id);
        let strangers: Vec<_> = held.receipts.keys().chain(held.aside.keys()).filter(|(id, _)| !is_known(id)).collect();
        if !strangers.is_empty() {
            verdicts.duplicated += strangers.len() as u64;
            verdicts.wrong.push(format!("I2: the server has what no phone has: {strangers:?}"));
        }
        self.check_standing(held, verdicts);
        // An id counts once, whatever counter it came under.
        let mut counted = BTreeSet::new();
        let again = held.visits.iter().filter(|(id, _)| !counted.insert(*id)).count();
        if again > 0 {
            verdicts.duplicated += again as u64;
            verdicts.wrong.push(format!("I2: {again} visits are there under two counters"));
        }
        for ((id, seq), (reason, device)) in &held.aside {
            if !self.may_be_kept((*id, *seq), *device, reason) {
                verdicts.wrong.push(format!("I1: entry {seq} of {device} is in quarantine without need: {reason}"));
            }
        }
    }

    /// I2: at each door as many visits count as were noted there and neither corrected nor taken back.
    fn check_standing(&self, held: &Held, verdicts: &mut Verdicts) {
        // What came in a file came before storage gave it a counter, or with the one that it has.
        let noted = self.noted().map(|(_, device, entry)| (device, entry)).chain(self.filed.iter().map(|(device, entry)| (*device, entry)));
        let all: Vec<(Uuid, &Envelope)> = noted.collect();
        let by_id: BTreeMap<Uuid, &Envelope> = all.iter().filter(|(_, entry)| held.applied(entry)).map(|(_, entry)| (entry.id, *entry)).collect();
        // Of two with one id the one that was answered for is meant.
        let answered = all.iter().filter(|(_, entry)| held.receipt(entry).is_some());
        let kept: BTreeMap<Uuid, &Envelope> = all.iter().chain(answered).map(|(_, entry)| (entry.id, *entry)).collect();
        let fine: BTreeSet<Uuid> = held.visits.iter().map(|(id, _)| *id).collect();
        let mut alike: BTreeMap<_, BTreeMap<&str, &Envelope>> = BTreeMap::new();
        for (device, entry) in &all {
            let key = (entry.id, i64::try_from(entry.device_seq).unwrap(), *device);
            if held.renamed.contains_key(&key) {
                alike.entry(key).or_default().insert(&entry.bytes, entry);
            }
        }
        // Where some of those that are alike were counted, nobody says which.
        let (mut renamed, mut maybe) = (Vec::new(), Vec::new());
        for (key, entries) in &alike {
            let all_were = held.renamed[key] >= entries.len();
            (if all_were { &mut renamed } else { &mut maybe }).extend(entries.values().copied());
        }
        let (mut gone, mut unsure) = (BTreeSet::new(), BTreeSet::new());
        for entry in by_id.values().chain(&renamed) {
            let mut next = entry.supersedes;
            // What was set aside takes the place of nothing; who corrects it corrects what it corrected.
            while let Some(base) = next.filter(|base| gone.insert(*base) && !by_id.contains_key(base)) {
                next = kept.get(&base).and_then(|base| base.supersedes);
                // Unless that was coarsened before, and could not be told from others any more.
                unsure.extend(next.filter(|base| by_id.contains_key(base) && !fine.contains(base)));
            }
        }
        // An organiser counts also what is a visit but for what it has no room for.
        let door_of = |entry: &Envelope| {
            let body: Value = serde_json::from_str(&entry.bytes).ok()?;
            body["unit"].as_str().or(body["entrance"].as_str())?.parse::<Uuid>().ok()
        };
        let mut due = self.stood.clone();
        let counted = by_id.values().filter(|entry| entry.kind == KIND_VISIT && !gone.contains(&entry.id)).chain(&renamed);
        for door in counted.filter_map(|entry| door_of(entry)) {
            *due.entry(door).or_default() += 1;
        }
        // What came in a file under an id that is used twice, and all by which it could be told from the other one is gone: where
        // it came first, that one was taken for it.
        let in_file = self.filed.iter().map(|(_, entry)| entry).filter(|entry| self.faults.times(Kind::Weeks) > 0 && entry.device_seq == 0);
        for entry in in_file.filter(|entry| held.receipt(entry).is_none() && held.aside((entry.id, 0)).is_none()) {
            let (here, there) = (door_of(entry), by_id.get(&entry.id).and_then(|other| door_of(other)));
            let (Some(here), Some(there)) = (here, there) else { continue };
            let counts = |door: Uuid| held.standing.get(&door).copied().unwrap_or_default().cmp(&due.get(&door).copied().unwrap_or_default());
            if (counts(here), counts(there)) == (Ordering::Greater, Ordering::Less) {
                *due.entry(here).or_default() += 1;
                *due.entry(there).or_default() -= 1;
            }
        }
        for door in due.keys().chain(held.standing.keys()).collect::<BTreeSet<_>>() {
            let (due, is) = (due.get(door).copied().unwrap_or_default(), held.standing.get(door).copied().unwrap_or_default());
            let at = |id: &&Uuid| by_id.get(id).and_then(|entry| door_of(entry)) == Some(*door);
            let more = unsure.iter().filter(at).count() + maybe.iter().filter(|entry| door_of(entry) == Some(*door)).count();
            if !(due..=due + more as u64).contains(&is) {
                *(if is > due { &mut verdicts.duplicated } else { &mut verdicts.lost }) += is.abs_diff(due);
                verdicts.wrong.push(format!("I2: at door {door} {is} visits count, where {due} were noted"));
            }
        }
    }

    /// Everything that was noted: on which phone, under which identity, and what.
    fn noted(&self) -> impl Iterator<Item = (usize, Uuid, &Envelope)> {
        self.phones.iter().enumerate().flat_map(|(index, phone)| phone.storage.all().map(move |(device, kept)| (index, device, &kept.envelope)))
    }

    /// The proof at the end of the shift, where counters are the phone's own.
    fn check_proof(&self, index: usize, verdicts: &mut Verdicts) {
        let phone = &self.phones[index];
        // Another one counts on where this one is its copy, or is called otherwise since.
        let alone = self.phones.iter().filter(|other| other.devices().any(|device| device == phone.storage.device)).count() == 1;
        if !alone || [Kind::IdReuse, Kind::SetBack, Kind::Emptied].iter().any(|kind| self.faults.times(*kind) > 0) {
            return;
        }
        for tab in phone.tabs.iter().filter(|tab| tab.open) {
            let (held, noted) = (tab.engine.held(), tab.engine.max_issued());
            if held != noted || tab.engine.waiting() != 0 {
                let who = if tab.device == phone.storage.device { "" } else { ", as who it was" };
                verdicts.wrong.push(format!("the proof: phone {index} noted {noted}, {held} are held, {} wait{who}", tab.engine.waiting()));
            }
        }
    }

    /// Whether an organiser took it from a file.
    fn filed(&self, id: Uuid, device: Uuid) -> bool {
        self.filed.iter().any(|(whose, entry)| entry.id == id && *whose == device)
    }

    /// Whether this very entry was given a reason to be kept in quarantine.
    fn may_be_kept(&self, (id, seq): (Uuid, i64), device: Uuid, reason: &str) -> bool {
        let had = |kind: Kind| self.faults.times(kind) > 0;
        let is_it = |entry: &Envelope| entry.id == id && (seq == 0 || i64::try_from(entry.device_seq).unwrap() == seq);
        let mine: Vec<(usize, &Envelope)> =
            self.noted().filter(|(_, by, entry)| *by == device && is_it(entry)).map(|(index, _, entry)| (index, entry)).collect();
        let visit = |entry: &Envelope| {
            serde_json::from_str::<VisitV1>(&entry.bytes).ok().filter(|visit| serde_json::to_string(visit).unwrap() == entry.bytes)
        };
        match Reason::parse(reason) {
            // For whom an organiser brought a file, that one waits with it.
            Some(Reason::NotAdmitted) if self.filed(id, device) && self.server.waited.contains(&device) => true,
            Some(Reason::NotAdmitted) => {
                self.phones.iter().any(|phone| phone.devices().any(|of| of == device) && phone.devices().any(|of| self.shut.contains(&of)))
            }
            Some(Reason::UnknownKind) => mine.iter().all(|(_, entry)| entry.kind == "poll" || entry.version == 9),
            Some(Reason::UnreadableBody) => mine.iter().all(|(_, entry)| visit(entry).is_none()),
            // One that took another identity after the backup is to the server another phone, whose entries nobody else can
            // correct. What a phone notes anew after it joined anew is sent by whom it corrects.
            // Nor has a server what it had before it was restored, and who brings a file is not asked to come again.
            Some(Reason::UnknownSuperseded) if had(Kind::Restored) && self.filed(id, device) => true,
            // What was coarsened is not told from others any more.
            Some(Reason::UnknownSuperseded | Reason::TooLate) if had(Kind::Weeks) => true,
            Some(Reason::UnknownSuperseded) => {
                had(Kind::Clone)
                    && had(Kind::Restored)
                    && mine.iter().any(|(index, entry)| {
                        self.noted().any(|(other, by, before)| other == *index && by != device && Some(before.id) == entry.supersedes)
                    })
            }
            // What a file has without a counter came perhaps another way, with one, or under the identity that was taken since.
            Some(Reason::IdReuse) if seq == 0 && self.filed(id, device) => true,
            Some(Reason::IdReuse) => {
                let has_its_id = |other: &Envelope, entry: &Envelope| other.id == entry.id && other.digest() != entry.digest();
                let has_its_counter = |other: &Envelope, entry: &Envelope| other.device_seq == entry.device_seq && other.id != entry.id;
                mine.iter().any(|(_, entry)| {
                    self.noted().any(|(_, by, other)| has_its_id(other, entry) || by == device && has_its_counter(other, entry))
                        // Storage never took that one; it came in a file.
                        || self.filed.iter().any(|(_, other)| other.id == entry.id && !other.is_same_entry(entry))
                })
            }
            // A backup that is older than the plan does not know what the plan held.
            Some(Reason::OutsideScope) => {
                had(Kind::Restored)
                    && mine.iter().all(|(_, entry)| visit(entry).is_some_and(|visit| self.server.moved.contains(&(visit.turf, visit.entrance))))
            }
            _ => false,
        }
    }

    /// I3: each open tab shows the doors that the server has. I4: and has received the last change of each.
    async fn check_doors(&self, tx: &mut Tx, index: usize, verdicts: &mut Verdicts) {
        let phone = &self.phones[index];
        let Some(scope) = scope::find(tx, phone.storage.device).await.unwrap() else {
            verdicts.wrong.push(format!("phone {index} is not known"));
            return;
        };
        for tab in phone.tabs.iter().filter(|tab| tab.open) {
            if scope.admission != Admission::Admitted {
                if tab.cache.bundle.is_some() || !tab.cache.bases.is_empty() {
                    verdicts.wrong.push(format!("I5: phone {index} is shut out and still has doors"));
                }
                continue;
            }
            let turfs = bundle::turfs(tx, &scope).await.unwrap();
            let truth = bundle::read(tx, &scope, &turfs).await.unwrap();
            if tab.cache.bundle.as_ref().map(|bundle| &bundle.tag) != Some(&truth.tag) {
                verdicts.wrong.push(format!("I3: phone {index} has an old register"));
            }
            if tab.cache.bases.keys().copied().collect::<BTreeSet<_>>() != turfs.iter().copied().collect() {
                verdicts.wrong.push(format!("I3: phone {index} has other turfs than its own"));
            }
            check_tab(tx, index, tab, verdicts).await;
            check_screen(tx, index, tab, verdicts).await;
        }
    }

    /// Inputs: each in the spool, or still on its phone where that is shut out.
    async fn check_inputs(&self, tx: &mut Tx, verdicts: &mut Verdicts) {
        let rows = tx.all("SELECT sealed FROM spool", args![]).await.unwrap();
        let spool = count(rows.iter().map(|row| row.get::<Vec<u8>>(0).unwrap()));
        let twice = spool.values().filter(|times| **times > 1).count() as u64;
        if twice > 0 {
            verdicts.duplicated += twice;
            verdicts.wrong.push(format!("I2: {twice} inputs are twice in the spool"));
        }
        let cloned = self.faults.times(Kind::Clone) + self.faults.times(Kind::SetBack) > 0;
        for (index, phone) in self.phones.iter().enumerate() {
            for sealed in &phone.struck {
                let stands = phone.storage.sealed.values().any(|record| record.sealed == **sealed);
                // A clone may have had a copy, and sent it.
                if !cloned && (stands || spool.contains_key(&BASE64_URL_SAFE_NO_PAD.decode(sealed.as_bytes()).unwrap())) {
                    verdicts.wrong.push(format!("I1: an input of phone {index} is there, though it was struck"));
                }
            }
            for sealed in &phone.said {
                verdicts.saved += 1;
                if spool.contains_key(&BASE64_URL_SAFE_NO_PAD.decode(sealed.as_bytes()).unwrap()) {
                    continue;
                }
                let record = phone.storage.sealed.values().find(|record| record.sealed == **sealed);
                if record.is_some_and(|record| record.held_on.is_none()) {
                    verdicts.stranded += 1;
                    let round = record.and_then(|record| record.round);
                    if may_draw(tx, phone, round).await {
                        verdicts.wrong.push(format!("I1: an input of phone {index} stays there, though it may draw tickets for it"));
                    }
                } else {
                    verdicts.lost += 1;
                    verdicts.wrong.push(format!("I1: an input of phone {index} is lost (on the phone: {:?})", record.map(|record| &record.held_on)));
                }
            }
        }
    }
}

/// Each tap of a page that is still open was saved, and what was said last of a door while storage had not taken what was said
/// before follows it.
fn check_taps(index: usize, phone: &Phone, verdicts: &mut Verdicts) {
    let saved = |draft: &Unwritten| phone.saved.iter().find(|entry| entry.id == draft.id && entry.bytes == draft.bytes);
    let is_open = |tab: usize, life: u32| phone.tabs.get(tab).is_some_and(|page| page.open && page.life == life);
    for (.., draft) in phone.tapped.iter().filter(|(tab, life, draft)| is_open(*tab, *life) && saved(draft).is_none()) {
        verdicts.lost += 1;
        verdicts.wrong.push(format!("I1: what was tapped on phone {index} was never saved: {draft:?}"));
    }
    for (before, then) in &phone.corrected {
        let Some(then) = saved(then) else { continue };
        let corrects = Some(before.id).filter(|_| before.kind == KIND_VISIT);
        if then.supersedes != corrects || corrects.is_some() && saved(before).is_none_or(|before| before.device_seq >= then.device_seq) {
            verdicts
                .wrong
                .push(format!("I2: what was said last at a door of phone {index} does not follow what was said before: {before:?}, {then:?}"));
        }
    }
}

/// Whether a phone may draw tickets of that round, as who it is or was. Who it is may ask for the code again when it has
/// drawn all; who it was may not.
async fn may_draw(tx: &mut Tx, phone: &Phone, round: Option<Uuid>) -> bool {
    let earlier = phone.storage.shelf.iter().map(|shelved| (shelved.identity.device, MOST_TICKETS));
    for (id, most) in std::iter::once((phone.storage.device, i64::MAX)).chain(earlier) {
        let (device, scope) = (device::find(tx, id).await.unwrap(), scope::find(tx, id).await.unwrap());
        if device.is_some_and(|device| device.admission == Admission::Admitted && device.tickets < most) && scope.map(|scope| scope.round) == round {
            return true;
        }
    }
    false
}

/// What the screen shows is what the server has: the base with this phone's own work laid over it.
async fn check_screen(tx: &mut Tx, index: usize, tab: &Tab, verdicts: &mut Verdicts) {
    let entries: Vec<Kept> = tab.entries.values().cloned().collect();
    let own = visits(&entries, Visits::new());
    let screen = replay(tab.cache.bases.values(), &entries, &own, &tab.shown);
    for turf in tab.cache.bases.keys() {
        for row in tx.all("SELECT door, state FROM door_state WHERE turf = $1", args![*turf]).await.unwrap() {
            let (door, state): (Uuid, String) = (row.get(0).unwrap(), row.get(1).unwrap());
            let shown = screen.get(&door).map_or("", |state| state.name());
            if shown != state {
                verdicts.wrong.push(format!("I3: the screen of phone {index} shows door {door} as {shown:?}, where it is {state:?}"));
            }
        }
    }
}

async fn check_tab(tx: &mut Tx, index: usize, tab: &Tab, verdicts: &mut Verdicts) {
    for (turf, verdict) in &tab.verdicts {
        if *verdict != Verdict::Equal {
            verdicts.wrong.push(format!("I3: phone {index}: count or sum of turf {turf} {verdict:?}"));
        }
    }
    for (turf, base) in tab.cache.bases.iter() {
        let rows = tx.all("SELECT door, state, seq FROM door_state WHERE turf = $1", args![*turf]).await.unwrap();
        let truth: BTreeMap<Uuid, (String, i64)> = rows.iter().map(|row| (row.get(0).unwrap(), (row.get(1).unwrap(), row.get(2).unwrap()))).collect();
        let name = |state: Option<dorbank_shared::visit::Outcome>| state.map_or("", dorbank_shared::visit::Outcome::name).to_owned();
        let seen: BTreeMap<Uuid, (String, i64)> = base.rows.iter().map(|(door, (state, seq))| (*door, (name(*state), *seq))).collect();
        if seen.keys().ne(truth.keys()) || seen.values().map(|(state, _)| state).ne(truth.values().map(|(state, _)| state)) {
            verdicts.wrong.push(format!("I3: phone {index} sees {} doors of turf {turf} in another state", differing(&seen, &truth)));
        } else if seen != truth {
            let missed: Vec<_> = truth.iter().filter(|(door, row)| seen[door] != **row).map(|(door, row)| (row.1, seen[door].1)).collect();
            let cursor = &base.cursor;
            verdicts.wrong.push(format!("I4: phone {index} missed {} changes of turf {turf} (has, and had): {missed:?} at {cursor:?}", missed.len()));
        }
    }
}

fn differing(seen: &BTreeMap<Uuid, (String, i64)>, truth: &BTreeMap<Uuid, (String, i64)>) -> usize {
    truth.iter().filter(|(door, row)| seen.get(door) != Some(row)).count() + seen.keys().filter(|door| !truth.contains_key(door)).count()
}

fn count<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeMap<T, u64> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}
