//! One database: opened when needed, opened again when the browser's connection to it has died; read and changed in one
//! way, so that no record is ever written half.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

pub(super) use indexed_db_futures::transaction::TransactionDurability as Durability;
use indexed_db_futures::{
    BuildPrimitive as _,
    database::Database,
    error::{Error, OpenDbError},
    prelude::*,
    transaction::{Transaction, TransactionMode, TransactionOptions},
};
use leptos::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;

use super::live::{Live, while_left, within};
use crate::field::phone::{StorageFault, phone};

/// So long may storage take for one transaction, in milliseconds: an old phone is slow, and WebKit can fall silent for ever.
const PATIENCE_MS: u32 = 8_000;

thread_local! {
    static TAKEN: Cell<fn()> = const { Cell::new(|| ()) };
}

/// What is done when the browser takes a connection away: somebody empties storage, or a newer app opens it.
pub fn when_taken(what: fn()) {
    TAKEN.set(what);
}

/// Why storage did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The browser said so.
    #[error("the database failed: {0}")]
    Database(#[from] Error),
    /// It could not be opened.
    #[error("the database does not open: {0}")]
    Open(#[from] OpenDbError),
    /// What is there cannot be read.
    #[error("a record cannot be read: {0}")]
    Record(#[from] serde_json::Error),
    /// Some of what is there cannot be read.
    #[error("there is a record that this app cannot read")]
    Unreadable,
    /// Somebody emptied it while the app was open.
    #[error("the database was emptied")]
    Emptied,
    /// It says nothing. Trying again helps no more; ending the browser may.
    #[error("the database does not answer")]
    Silent,
}

impl StoreError {
    /// Says so where somebody looks who looks for faults.
    #[inline(never)]
    pub fn log(&self) {
        leptos::logging::error!("{self}");
    }

    /// What the person is told.
    pub fn fault(&self) -> StorageFault {
        match self {
            Self::Silent => StorageFault::Silent,
            Self::Open(error) if is_newer(error) => StorageFault::Newer,
            _ => StorageFault::Failed,
        }
    }
}

/// Whether the database has a later version than this app knows.
fn is_newer(error: &OpenDbError) -> bool {
    matches!(error, OpenDbError::Base(Error::DomException(exception)) if web_sys::DomException::from(exception.clone()).name() == "VersionError")
}

/// What is read of a store: one record by its key, or all.
pub(super) struct Read {
    store: &'static str,
    key: Option<JsValue>,
}

/// The record of that key.
pub(super) fn one(store: &'static str, key: impl Into<JsValue>) -> Read {
    Read { store, key: Some(key.into()) }
}

/// All records.
pub(super) fn all(store: &'static str) -> Read {
    Read { store, key: None }
}

/// What was read: a list of records for each [`Read`], in their order.
pub(super) struct Found(Vec<Vec<(String, String)>>);

impl Found {
    /// The record of the read at this place.
    pub(super) fn one<T: DeserializeOwned>(&self, at: usize) -> Result<Option<T>, StoreError> {
        Ok(self.0[at].first().map(|(_, text)| serde_json::from_str(text)).transpose()?)
    }

    /// The records of the read at this place, in the order of their keys. One that this app cannot read, as a newer app may
    /// have left it, is left out: it stays where it is, and stops no other.
    pub(super) fn all<T: DeserializeOwned>(&self, at: usize) -> Vec<T> {
        self.keyed(at).into_iter().map(|(_, record)| record).collect()
    }

    /// The same, each with its key where that is a text.
    pub(super) fn keyed<T: DeserializeOwned>(&self, at: usize) -> Vec<(String, T)> {
        let mut records = Vec::new();
        for (key, text) in &self.0[at] {
            if let Ok(record) = serde_json::from_str(text) {
                records.push((key.clone(), record));
            }
        }
        records
    }

    /// The same, where none may be left out.
    pub(super) fn whole<T: DeserializeOwned>(&self, at: usize) -> Result<Vec<T>, StoreError> {
        let records = self.all(at);
        if records.len() == self.0[at].len() { Ok(records) } else { Err(StoreError::Unreadable) }
    }

    /// The records of the read at this place as they are, each with its key where that is a text.
    pub(super) fn texts(&self, at: usize) -> &[(String, String)] {
        &self.0[at]
    }
}

/// What is done to a store.
#[derive(Clone)]
pub(super) enum Change {
    /// Writes a record that is not there yet; one that is there fails the transaction.
    Add(&'static str, JsValue, String),
    /// Writes a record, whether or not there was one.
    Put(&'static str, JsValue, String),
    /// Deletes a record, if there is one.
    Delete(&'static str, JsValue),
    /// Deletes all records.
    Clear(&'static str),
}

/// Writes a record.
pub(super) fn put<T: Serialize>(store: &'static str, key: impl Into<JsValue>, record: &T) -> Result<Change, StoreError> {
    Ok(Change::Put(store, key.into(), serde_json::to_string(record)?))
}

/// A named database and its stores.
pub(super) struct Handle {
    name: &'static str,
    stores: &'static [&'static str],
    durability: Durability,
    open: RefCell<Option<Rc<Database>>>,
}

impl Handle {
    /// Changes are reported as done when they are as durable as said here.
    pub(super) const fn new(name: &'static str, stores: &'static [&'static str], durability: Durability) -> Self {
        Self { name, stores, durability, open: RefCell::new(None) }
    }

    async fn database(&'static self) -> Result<Rc<Database>, StoreError> {
        if let Some(database) = self.open.borrow().clone() {
            return Ok(database);
        }
        let stores = self.stores;
        let database = Database::open(self.name)
            .with_version(1u8)
            .with_on_blocked(|_| {
                phone().storage.set(Some(StorageFault::Blocked));
                Ok(())
            })
            .with_on_upgrade_needed(move |_, database| {
                // A first attempt that the browser broke off may have left some.
                let there: Vec<String> = database.object_store_names().collect();
                for store in stores.iter().filter(|store| !there.iter().any(|name| name == *store)) {
                    database.create_object_store(store).build()?;
                }
                Ok(())
            })
            .await?;
        // Whoever blocked it has let go, and nobody else takes the notice away.
        if phone().storage.get_untracked() == Some(StorageFault::Blocked) {
            phone().storage.set(None);
        }
        let database = Rc::new(database);
        self.open.replace(Some(database.clone()));
        self.close_when_asked(&database);
        Ok(database)
    }

    /// Another tab with a newer app must not wait for this one. Nor does whoever empties storage: see [`when_taken`].
    fn close_when_asked(&'static self, database: &Rc<Database>) {
        let Ok(mut changes) = database.version_changes() else { return };
        wasm_bindgen_futures::spawn_local(async move {
            changes.recv().await;
            self.open.replace(None);
            changes.db().clone().close();
            TAKEN.get()();
        });
    }

    /// Reads, all at one moment.
    pub(super) async fn read(&'static self, reads: &[Read]) -> Result<Found, StoreError> {
        let mut result = Found(Vec::new());
        let mut keep = |found: &mut Found| {
            std::mem::swap(&mut result, found);
            Ok(Vec::new())
        };
        self.insist(TransactionMode::Readonly, reads, &mut keep).await?;
        Ok(result)
    }

    /// Reads, lets `decide` say what changes, and writes that, all in one transaction: durable when this returns.
    pub(super) async fn change(&'static self, reads: &[Read], decide: &mut Decide<'_>) -> Result<(), StoreError> {
        self.insist(TransactionMode::Readwrite, reads, decide).await
    }

    /// As [`Handle::change`], but tried once.
    pub(super) async fn change_once(&'static self, reads: &[Read], decide: &mut Decide<'_>) -> Result<(), StoreError> {
        self.attempt(TransactionMode::Readwrite, reads, decide).await
    }

    /// A browser that comes back from the background may hold a connection that fails for ever, and trying again on that
    /// one would lose the entry. So each try after a fault has a fresh connection.
    async fn insist(&'static self, mode: TransactionMode, reads: &[Read], decide: &mut Decide<'_>) -> Result<(), StoreError> {
        for _ in 0..2 {
            match self.attempt(mode, reads, decide).await {
                Err(StoreError::Database(_) | StoreError::Open(_)) => {}
                done => return done,
            }
        }
        self.attempt(mode, reads, decide).await
    }

    async fn attempt(&'static self, mode: TransactionMode, reads: &[Read], decide: &mut Decide<'_>) -> Result<(), StoreError> {
        while_left().await;
        let result = within(PATIENCE_MS, self.transact(mode, reads, decide)).await.unwrap_or(Err(StoreError::Silent));
        if result.is_err() {
            self.open.replace(None);
        }
        result
    }

    async fn transact(&'static self, mode: TransactionMode, reads: &[Read], decide: &mut Decide<'_>) -> Result<(), StoreError> {
        let database = self.database().await?;
        let names: Vec<String> = self.stores.iter().map(|name| (*name).to_owned()).collect();
        let options = TransactionOptions::new().with_durability(self.durability);
        let transaction = database.transaction(names).with_mode(mode).with_options(options).build()?;
        let _live = Live::new(&transaction);
        let mut found = look(&transaction, reads).await?;
        let changes = decide(&mut found)?;
        if !changes.is_empty() {
            for change in changes {
                make(&transaction, change)?;
            }
            // Firefox, once told to commit, commits what is left of a change that fails. What is asked for last is answered
            // last, and with a fault where a change took the transaction with it.
            look(&transaction, &[one(self.stores[0], "")]).await?;
        }
        Ok(transaction.commit().await?)
    }
}

/// Says what changes after what was found. It may be asked again, when a first attempt failed.
pub(super) type Decide<'a> = dyn FnMut(&mut Found) -> Result<Vec<Change>, StoreError> + 'a;

/// All reads are asked for before the first is waited for.
async fn look(transaction: &Transaction<'_>, reads: &[Read]) -> Result<Found, StoreError> {
    let mut asked = Vec::with_capacity(reads.len());
    for read in reads {
        let store = transaction.object_store(read.store)?;
        asked.push(match &read.key {
            Some(key) => (None, store.get_all::<JsValue>().with_query(key.clone()).primitive()?),
            None => (Some(store.get_all_keys::<JsValue>().primitive()?), store.get_all::<JsValue>().primitive()?),
        });
    }
    let mut found = Vec::with_capacity(reads.len());
    for (keys, texts) in asked {
        let mut names = match keys {
            Some(keys) => keys.await?.map(|key| Ok(key?.as_string().unwrap_or_default())).collect::<Result<Vec<_>, StoreError>>()?,
            None => Vec::new(),
        }
        .into_iter();
        let records = texts.await?.map(|text| Ok((names.next().unwrap_or_default(), text?.as_string().unwrap_or_default())));
        found.push(records.collect::<Result<_, StoreError>>()?);
    }
    Ok(Found(found))
}

/// Asks for a change. Nobody waits for its answer: one that fails before the transaction is told to commit takes all with it.
fn make(transaction: &Transaction<'_>, change: Change) -> Result<(), StoreError> {
    match change {
        Change::Add(store, key, text) => drop(transaction.object_store(store)?.add(JsValue::from(text)).with_key(key).primitive()?),
        Change::Put(store, key, text) => drop(transaction.object_store(store)?.put(JsValue::from(text)).with_key(key).primitive()?),
        Change::Delete(store, key) => drop(transaction.object_store(store)?.delete(key).primitive()?),
        Change::Clear(store) => drop(transaction.object_store(store)?.clear()?),
    }
    Ok(())
}
