//! The outbox: entries, the device's credential, sealed inputs and tickets. Its schema is frozen at version 1.
//!
//! Each record is a JSON text. `entry` is keyed by the device's counter, `sealed` by a random id (an ascending key would
//! tell in which order inputs were noted), `ticket` by the ticket, `meta` by name.

use std::cell::Cell;

pub use dorbank_shared::sync::outbox::{Answer, Identity, Offered, Page, Pool, Sealed, Shelved, Ticket};
use dorbank_shared::sync::{
    engine::Receipt,
    file::Unwritten,
    outbox::{self as rules, Appended, PutBack, Stored},
    replay::Kept,
};
use uuid::Uuid;

use super::handle::{Change, Durability, Found, Handle, Read, StoreError, all, one, put};
use crate::field::browser;

const ENTRY: &str = "entry";
const META: &str = "meta";
const SEALED: &str = "sealed";
const TICKET: &str = "ticket";

thread_local! {
    /// Who this page writes for and the counter that is next, as far as it knows; another tab may have changed both since.
    static NEXT: Cell<Option<(Uuid, u64)>> = const { Cell::new(None) };
    /// The mark of the storage that this page has read. Absent in storage from before it was kept.
    static MARK: Cell<Option<u64>> = const { Cell::new(None) };
    static OUTBOX: &'static Handle = Box::leak(Box::new(Handle::new("dorbank-outbox", &[ENTRY, META, SEALED, TICKET], Durability::Strict)));
}

fn outbox() -> &'static Handle {
    OUTBOX.with(|handle| *handle)
}

/// All that the app starts from.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Who we are.
    pub identity: Option<Identity>,
    /// Entries, by counter.
    pub entries: Vec<Kept>,
    /// How many more there are that this app cannot read.
    pub unreadable: usize,
    /// The highest counter ever given.
    pub max_issued: u64,
    /// The server's epoch.
    pub epoch: Option<String>,
    /// Inputs, counted.
    pub pool: Pool,
    /// Tickets left.
    pub tickets: Vec<Ticket>,
    /// Earlier identities with what was noted under them.
    pub shelf: Vec<Shelved>,
    /// When the shift ends, where that was ever known.
    pub ends_at: Option<i64>,
    /// A random number, another one each time that somebody is written into storage that knows nobody.
    pub mark: Option<u64>,
}

impl Contents {
    /// Whether this is what a page that has begun with other contents finds after storage was emptied.
    pub fn is_after_emptying(&self) -> bool {
        self.mark != MARK.get()
    }
}

/// Keys are numbers in JavaScript; a counter stays far below what they hold exactly.
fn number(seq: u64) -> f64 {
    seq as f64
}

fn add_entry(kept: &Kept) -> Result<Change, StoreError> {
    Ok(Change::Add(ENTRY, number(kept.envelope.device_seq).into(), serde_json::to_string(kept)?))
}

fn put_entry(kept: &Kept) -> Result<Change, StoreError> {
    put(ENTRY, number(kept.envelope.device_seq), kept)
}

fn tickets_in(found: &Found, at: usize) -> Vec<Ticket> {
    found.texts(at).iter().map(|(ticket, record)| (ticket.clone(), rules::round_of(record))).collect()
}

/// Reads everything.
pub async fn read() -> Result<Contents, StoreError> {
    let meta = |name: &str| one(META, name);
    let reads =
        [meta("identity"), meta("next_seq"), meta("epoch"), meta("pool"), all(ENTRY), all(TICKET), meta("shelf"), meta("ends_at"), meta("mark")];
    let found = outbox().read(&reads).await?;
    let next: u64 = found.one(1)?.unwrap_or(1);
    let entries: Vec<Kept> = found.all(4);
    Ok(Contents {
        unreadable: found.texts(4).len() - entries.len(),
        identity: found.one(0)?,
        max_issued: next - 1,
        epoch: found.one(2)?,
        pool: found.one(3)?.unwrap_or_default(),
        entries,
        tickets: tickets_in(&found, 5),
        shelf: found.one(6)?.unwrap_or_default(),
        ends_at: found.one(7)?,
        mark: found.one(8)?,
    })
}

/// How much on a shelf has no receipt.
pub fn unsent_on(shelf: &[Shelved]) -> usize {
    shelf.iter().map(|shelved| shelved.unsent().count()).sum()
}

/// Entries that are durable.
pub struct Written {
    /// Those that lie under the present identity. What an earlier identity noted, or what corrects that, lies on the shelf.
    pub entries: Vec<Kept>,
    /// The present identity, as storage has it.
    pub by: Option<Uuid>,
}

/// The page shows what was read: from now on it writes for this identity.
pub fn begin(contents: &Contents) {
    MARK.set(contents.mark);
    NEXT.set(contents.identity.as_ref().map(|identity| (identity.device, contents.max_issued + 1)));
}

/// Writes entries; their counters are given in the same transaction. They are durable when this returns something; where it
/// does not, [`append_again`] knows more.
pub async fn append(drafts: &[Unwritten]) -> Option<Written> {
    // Somebody waits for the tick, so neither the entries nor the counter are read first: where another tab has given it,
    // the addition fails. Where another identity was taken, whatever its counter, all is read.
    let (device, next) = NEXT.take()?;
    let mut written = Vec::new();
    let mut decide = |found: &mut Found| {
        written.clear();
        if found.one(1)? != MARK.get() || found.one::<Identity>(0)?.is_none_or(|now| now.device != device) {
            return Ok(Vec::new());
        }
        let done = rules::append(drafts, None, next, &[], &mut Vec::new());
        let changes = changes(&done, &[]);
        written = done.written;
        changes
    };
    if outbox().change_once(&[one(META, "identity"), one(META, "mark")], &mut decide).await.is_err() || written.is_empty() {
        return None;
    }
    NEXT.set(Some((device, next + drafts.len() as u64)));
    Some(Written { entries: written, by: Some(device) })
}

/// As [`append`], for drafts that may have been written already, and were noted by who the phone was then (`by`, with nothing
/// noted).
///
/// # Errors
/// Where storage fails, and where it was emptied or knows somebody else than `device`, or nobody: what the page has of it goes
/// back first.
pub async fn append_again(drafts: &[Unwritten], by: Option<&Shelved>, device: Option<Uuid>) -> Result<Written, StoreError> {
    let (mut written, mut next) = (Vec::new(), None);
    let mut decide = |found: &mut Found| {
        let now = found.one::<Identity>(3)?.filter(|now| Some(now.device) == device);
        let (Some(now), true) = (now, found.one(4)? == MARK.get()) else { return Err(StoreError::Emptied) };
        let mut shelf: Vec<Shelved> = found.one(2)?.unwrap_or_default();
        let earlier = by.filter(|by| !by.identity.joined_with(&now));
        let done = rules::append(drafts, earlier, found.one(0)?.unwrap_or(1), &found.all::<Kept>(1), &mut shelf);
        let changes = changes(&done, &shelf);
        next = Some((now.device, done.next));
        written = done.written;
        changes
    };
    outbox().change(&[one(META, "next_seq"), all(ENTRY), one(META, "shelf"), one(META, "identity"), one(META, "mark")], &mut decide).await?;
    NEXT.set(next);
    Ok(Written { entries: written, by: next.map(|(device, _)| device) })
}

fn changes(done: &Appended, shelf: &[Shelved]) -> Result<Vec<Change>, StoreError> {
    let mut changes = vec![put(META, "next_seq", &done.next)?];
    for kept in &done.added {
        changes.push(add_entry(kept)?);
    }
    if done.shelf_grew {
        changes.push(put(META, "shelf", &shelf)?);
    }
    Ok(changes)
}

/// Somebody emptied storage while the app was open: writes what the page has of it. Not its inputs, which the page does not
/// have. Where another page has done so, or has joined anew, what that one did not know of is added. True where storage was
/// emptied since the page read it.
pub async fn put_back(page: impl Fn() -> Option<Page>) -> Result<bool, StoreError> {
    let (mut was_emptied, mut mark, fresh) = (false, None, browser::dice());
    let mut decide = |found: &mut Found| {
        // Not before: what is ticked while this waits is the page's too.
        let Some(page) = page() else { return Ok(Vec::new()) };
        let (identity, ends_at, epoch) = (put(META, "identity", &page.ours.identity)?, page.ours.ended_at, page.epoch.clone());
        let now: Option<Identity> = found.one(0)?;
        let is_empty = now.is_none();
        mark = if is_empty { Some(fresh) } else { found.one(4)? };
        was_emptied = mark != MARK.get();
        let there = Stored { now, entries: found.all(1), next: found.one(2)?.unwrap_or(1), shelf: found.one(3)?.unwrap_or_default() };
        let PutBack { takes, added, next, shelf } = rules::put_back(page, there, was_emptied);
        let mut changes = Vec::new();
        if takes {
            // What only a newer app can read stays where it is.
            found.whole::<Kept>(1)?;
            let ends_at = ends_at.map_or(Ok(Change::Delete(META, "ends_at".into())), |ends_at| put(META, "ends_at", &ends_at))?;
            changes.extend([Change::Clear(ENTRY), put(META, "mark", mark.get_or_insert(fresh))?, identity, ends_at]);
        }
        // Receipts that are there already were given in the epoch that is.
        if let Some(epoch) = epoch.filter(|_| is_empty) {
            changes.push(put(META, "epoch", &epoch)?);
        }
        for kept in &added {
            changes.push(put_entry(kept)?);
        }
        if !changes.is_empty() {
            changes.push(put(META, "next_seq", &next)?);
        }
        if let Some(shelf) = &shelf {
            changes.push(put(META, "shelf", shelf)?);
        }
        Ok(changes)
    };
    outbox().change(&[one(META, "identity"), all(ENTRY), one(META, "next_seq"), one(META, "shelf"), one(META, "mark")], &mut decide).await?;
    MARK.set(mark);
    Ok(was_emptied)
}

/// Makes receipts durable that the server gave in `epoch`, and says of which entries.
pub async fn settle(receipts: &[Receipt], epoch: Option<&str>) -> Result<Vec<u64>, StoreError> {
    let mut reads: Vec<Read> = receipts.iter().map(|receipt| one(ENTRY, number(receipt.device_seq))).collect();
    reads.push(one(META, "epoch"));
    let mut settled = Vec::new();
    let mut decide = |found: &mut Found| {
        let mut entries = Vec::with_capacity(receipts.len());
        for at in 0..receipts.len() {
            entries.extend(found.one::<Kept>(at)?);
        }
        let (mut changes, stored) = (Vec::new(), found.one::<String>(receipts.len())?);
        settled.clear();
        for kept in rules::settle(receipts, epoch, stored.as_deref(), entries) {
            changes.push(put_entry(&kept)?);
            settled.push(kept.envelope.device_seq);
        }
        Ok(changes)
    };
    outbox().change(&reads, &mut decide).await?;
    Ok(settled)
}

/// Earlier identities with what was noted under them.
pub async fn shelf() -> Result<Vec<Shelved>, StoreError> {
    Ok(outbox().read(&[one(META, "shelf")]).await?.one(0)?.unwrap_or_default())
}

/// Makes receipts durable that the server gave in `epoch` for what was noted under an earlier identity. False where they no
/// longer hold.
pub async fn settle_shelved(device: Uuid, receipts: &[Receipt], epoch: Option<&str>) -> Result<bool, StoreError> {
    let mut holds = false;
    let mut decide = |found: &mut Found| {
        let mut shelf: Vec<Shelved> = found.one(0)?.unwrap_or_default();
        holds = rules::settle_shelved(device, receipts, epoch, found.one::<String>(1)?.as_deref(), &mut shelf);
        Ok(if holds { vec![put(META, "shelf", &shelf)?] } else { Vec::new() })
    };
    outbox().change(&[one(META, "shelf"), one(META, "epoch")], &mut decide).await?;
    Ok(holds)
}

/// Lets go of what is sent and older than any backup: see [`rules::let_go`]. True where there was something.
pub async fn let_go(server_time: i64, epoch: &str) -> Result<bool, StoreError> {
    let mut went = false;
    let mut decide = |found: &mut Found| {
        let mut shelf: Vec<Shelved> = found.one(0)?.unwrap_or_default();
        let size = |shelf: &[Shelved]| (shelf.len(), shelf.iter().map(|shelved| shelved.entries.len()).sum::<usize>());
        let before = size(&shelf);
        let stored = found.one::<String>(3)?;
        let holds_inputs = !found.texts(4).is_empty();
        let past = rules::let_go(&found.all::<Kept>(1), found.one(2)?, &mut shelf, holds_inputs, server_time, epoch, stored.as_deref());
        let mut changes: Vec<Change> = past.into_iter().map(|seq| Change::Delete(ENTRY, number(seq).into())).collect();
        if size(&shelf) != before {
            changes.push(put(META, "shelf", &shelf)?);
        }
        went = !changes.is_empty();
        Ok(changes)
    };
    outbox().change(&[one(META, "shelf"), all(ENTRY), one(META, "ends_at"), one(META, "epoch"), all(SEALED)], &mut decide).await?;
    Ok(went)
}

/// The server was restored: all entries that were sent, those of earlier identities and every sealed input still kept, will
/// be offered again.
pub async fn reopen(epoch: &str) -> Result<(), StoreError> {
    let hour = browser::this_hour();
    let mut decide = |found: &mut Found| {
        let mut pool = found.one(2)?.unwrap_or_default();
        let mut shelf: Vec<Shelved> = found.one(3)?.unwrap_or_default();
        let stored = found.one::<String>(4)?;
        let (entries, sealed) = rules::reopen(found.all(0), found.keyed(1), &mut shelf, &mut pool, epoch, stored.as_deref(), hour);
        let mut changes = vec![put(META, "epoch", &epoch)?, put(META, "pool", &pool)?, put(META, "shelf", &shelf)?];
        for kept in &entries {
            changes.push(put_entry(kept)?);
        }
        for (key, record) in sealed {
            changes.push(put(SEALED, key, &record)?);
        }
        Ok(changes)
    };
    outbox().change(&[all(ENTRY), all(SEALED), one(META, "pool"), one(META, "shelf"), one(META, "epoch")], &mut decide).await
}

/// Remembers when the shift of `device` ends. Another tab may have taken another identity since.
pub async fn keep_end(device: Option<Uuid>, ends_at: i64) -> Result<(), StoreError> {
    let mut decide = |found: &mut Found| {
        let still = found.one::<Identity>(0)?.map(|now| now.device) == device;
        Ok(if still { vec![put(META, "ends_at", &ends_at)?] } else { Vec::new() })
    };
    outbox().change(&[one(META, "identity")], &mut decide).await
}

/// Remembers where this phone stands. Another tab may have taken another identity since.
pub async fn keep_identity(identity: &Identity) -> Result<(), StoreError> {
    let mut decide = |found: &mut Found| {
        let still = found.one::<Identity>(0)?.is_some_and(|now| now.device == identity.device);
        Ok(if still { vec![put(META, "identity", identity)?] } else { Vec::new() })
    };
    outbox().change(&[one(META, "identity")], &mut decide).await
}

/// Takes another identity, with counters of its own. What was noted under the one before goes on the shelf; `ended_at` is
/// when its shift ends, where that is known. Sealed inputs belong to no identity and stay. An identity that was meant for
/// `only` is not taken where another tab has taken one meanwhile.
pub async fn join(identity: &Identity, ended_at: Option<i64>, only: Option<Uuid>) -> Result<(), StoreError> {
    NEXT.set(None);
    let mark = browser::dice();
    let mut decide = |found: &mut Found| {
        let (mut pool, mut shelf) = (found.one::<Pool>(0)?.unwrap_or_default(), found.one::<Vec<Shelved>>(1)?.unwrap_or_default());
        let (ended_at, holds_inputs) = (ended_at.or(found.one(4)?), !found.texts(5).is_empty());
        let now: Option<Identity> = found.one(2)?;
        let is_first = now.is_none();
        if !rules::join(now, only, ended_at, found.whole(3)?, holds_inputs, &mut shelf, &mut pool) {
            return Ok(Vec::new());
        }
        let mut changes = vec![
            Change::Clear(ENTRY),
            Change::Delete(META, "ends_at".into()),
            put(META, "shelf", &shelf)?,
            put(META, "next_seq", &1u64)?,
            put(META, "identity", identity)?,
            put(META, "pool", &pool)?,
        ];
        if is_first {
            changes.push(put(META, "mark", &mark)?);
        }
        Ok(changes)
    };
    let reads = [one(META, "pool"), one(META, "shelf"), one(META, "identity"), all(ENTRY), one(META, "ends_at"), all(SEALED)];
    outbox().change(&reads, &mut decide).await
}

/// Keeps an input that is sealed to a round's key, under a random key of its own. It is durable when this returns. A second
/// time under its key it takes the place of the first, as long as that was offered to nobody; nothing where it was.
pub async fn keep_sealed(key: Uuid, sealed: &str, round: Uuid) -> Result<Option<Pool>, StoreError> {
    let key = key.to_string();
    let hour = browser::this_hour();
    let mut kept = None;
    let mut decide = |found: &mut Found| {
        kept = None;
        let mut pool = found.one(1)?.unwrap_or_default();
        let record = Sealed { sealed: sealed.to_owned(), round: Some(round), ticket: None, held_on: None };
        let before = found.one::<Sealed>(0)?;
        let Some(record) = rules::keep_sealed(before.as_ref(), record, hour, &mut pool) else { return Ok(Vec::new()) };
        kept = Some(pool);
        Ok(vec![put(SEALED, key.as_str(), &record)?, put(META, "pool", &pool)?])
    };
    outbox().change(&[one(SEALED, key.as_str()), one(META, "pool")], &mut decide).await?;
    Ok(kept)
}

/// Takes back an input that was said to be unsaved: see [`rules::strike`]. Nothing where it was offered to somebody.
pub async fn strike(key: Uuid) -> Result<Option<Pool>, StoreError> {
    let key = key.to_string();
    let mut left = None;
    let mut decide = |found: &mut Found| {
        let mut pool = found.one(1)?.unwrap_or_default();
        let struck = rules::strike(found.one::<Sealed>(0)?.as_ref(), &mut pool);
        left = struck.then_some(pool);
        Ok(if struck { vec![Change::Delete(SEALED, key.as_str().into()), put(META, "pool", &pool)?] } else { Vec::new() })
    };
    outbox().change(&[one(SEALED, key.as_str()), one(META, "pool")], &mut decide).await?;
    Ok(left)
}

/// Inputs that are to be offered.
#[derive(Debug, Clone, Default)]
pub struct Ready {
    /// With their keys, in the order of these random keys; each has its ticket.
    pub inputs: Vec<(String, Sealed)>,
    /// The server's epoch, in which they are offered.
    pub epoch: Option<String>,
    /// The tickets that are left.
    pub tickets: Vec<Ticket>,
    /// Inputs, counted.
    pub pool: Pool,
}

/// Gives each waiting input without a ticket one, as far as they last, before anything is sent.
pub async fn assign_tickets() -> Result<Ready, StoreError> {
    let mut ready = Ready::default();
    let mut decide = |found: &mut Found| {
        let mut sealed = found.keyed::<Sealed>(0);
        ready.tickets = tickets_in(found, 1);
        ready.epoch = found.one(2)?;
        let before: Pool = found.one(3)?.unwrap_or_default();
        ready.pool = before;
        let got = rules::assign(&mut sealed, &mut ready.tickets, &mut ready.pool);
        ready.inputs = sealed.into_iter().filter(|(_, record)| record.held_on.is_none() && record.ticket.is_some()).collect();
        let mut changes = if ready.pool == before { Vec::new() } else { vec![put(META, "pool", &ready.pool)?] };
        for (key, record) in ready.inputs.iter().filter(|(key, _)| got.contains(key)) {
            changes.push(Change::Delete(TICKET, record.ticket.as_deref().unwrap_or_default().into()));
            changes.push(put(SEALED, key.as_str(), record)?);
        }
        Ok(changes)
    };
    outbox().change(&[all(SEALED), all(TICKET), one(META, "epoch"), one(META, "pool")], &mut decide).await?;
    Ok(ready)
}

/// Nobody gives tickets now: see [`rules::wait_anew`].
pub async fn wait_anew() -> Result<Pool, StoreError> {
    let hour = browser::this_hour();
    let mut pool = Pool::default();
    let mut decide = |found: &mut Found| {
        pool = found.one(0)?.unwrap_or_default();
        rules::wait_anew(&mut pool, hour);
        Ok(vec![put(META, "pool", &pool)?])
    };
    outbox().change(&[one(META, "pool")], &mut decide).await?;
    Ok(pool)
}

/// What the server said of inputs that were offered: see [`rules::answer`].
pub async fn answer_inputs(said: &Answer<String>) -> Result<Pool, StoreError> {
    let hour = browser::this_hour();
    let mut pool = Pool::default();
    let mut decide = |found: &mut Found| {
        pool = found.one(1)?.unwrap_or_default();
        let mut changes = Vec::new();
        let stored = found.one::<String>(2)?;
        for (key, kept) in rules::answer(found.keyed(0), said, stored.as_deref(), &mut pool, hour) {
            changes.push(match kept {
                Some(record) => put(SEALED, key, &record)?,
                None => Change::Delete(SEALED, key.into()),
            });
        }
        changes.push(put(META, "pool", &pool)?);
        Ok(changes)
    };
    outbox().change(&[all(SEALED), one(META, "pool"), one(META, "epoch")], &mut decide).await?;
    Ok(pool)
}

/// Keeps tickets.
pub async fn keep_tickets(tickets: &[Ticket]) -> Result<(), StoreError> {
    let mut decide = |_: &mut Found| {
        let mut changes = Vec::new();
        for (ticket, round) in tickets {
            changes.push(put(TICKET, ticket.as_str(), round)?);
        }
        Ok(changes)
    };
    outbox().change(&[], &mut decide).await
}

/// Writes something, reads it back and takes it away. Under a name of its own: somebody else may be trying at this moment.
pub async fn probe() -> Result<bool, StoreError> {
    let name = format!("probe-{}", Uuid::new_v4());
    outbox().change(&[], &mut |_| Ok(vec![put(META, name.as_str(), &1u8)?])).await?;
    let mut is_there = false;
    let mut decide = |found: &mut Found| {
        is_there = !found.texts(0).is_empty();
        Ok(vec![Change::Delete(META, name.as_str().into())])
    };
    outbox().change(&[one(META, name.as_str())], &mut decide).await?;
    Ok(is_there)
}
