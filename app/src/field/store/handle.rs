//! One database: opened when needed, opened again when the browser's connection to it has died.

use std::{cell::RefCell, rc::Rc};

use indexed_db_futures::{
    Build as _,
    database::Database,
    transaction::{Transaction, TransactionDurability, TransactionMode, TransactionOptions},
};
use leptos::prelude::*;

use crate::field::phone::{StorageFault, phone};

/// Why storage did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The browser said so.
    #[error("the database failed: {0}")]
    Database(#[from] indexed_db_futures::error::Error),
    /// It could not be opened.
    #[error("the database does not open: {0}")]
    Open(#[from] indexed_db_futures::error::OpenDbError),
    /// What is there cannot be read.
    #[error("a record cannot be read: {0}")]
    Record(#[from] serde_json::Error),
}

/// A named database and its stores.
pub(super) struct Handle {
    name: &'static str,
    stores: &'static [&'static str],
    open: RefCell<Option<Rc<Database>>>,
}

impl Handle {
    pub(super) const fn new(name: &'static str, stores: &'static [&'static str]) -> Self {
        Self { name, stores, open: RefCell::new(None) }
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
                for store in stores {
                    database.create_object_store(store).build()?;
                }
                Ok(())
            })
            .await?;
        let database = Rc::new(database);
        self.open.replace(Some(database.clone()));
        self.close_when_asked(&database);
        Ok(database)
    }

    /// Another tab with a newer app must not wait for this one.
    fn close_when_asked(&'static self, database: &Rc<Database>) {
        let Ok(mut changes) = database.version_changes() else { return };
        wasm_bindgen_futures::spawn_local(async move {
            changes.recv().await;
            self.open.replace(None);
            changes.db().clone().close();
        });
    }

    /// Runs `work`; when it fails, drops the connection, opens another and runs it again. A browser that comes back from
    /// the background may hold a connection that fails for ever, and trying again on that one would lose the entry.
    pub(super) async fn run<T>(&'static self, work: impl AsyncFn(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut fault = None;
        for _ in 0..3 {
            match self.database().await {
                Ok(database) => match work(&database).await {
                    Ok(value) => return Ok(value),
                    Err(error) => fault = Some(error),
                },
                Err(error) => fault = Some(error),
            }
            self.open.replace(None);
        }
        Err(fault.expect("three tries without a value had three faults"))
    }
}

/// A transaction that is flushed to the disk before it is reported complete.
pub(super) fn strict<'a>(database: &'a Database, stores: &[&str]) -> Result<Transaction<'a>, StoreError> {
    begin(database, stores, TransactionDurability::Strict)
}

/// A transaction for what can be fetched again.
pub(super) fn relaxed<'a>(database: &'a Database, stores: &[&str]) -> Result<Transaction<'a>, StoreError> {
    begin(database, stores, TransactionDurability::Relaxed)
}

fn begin<'a>(database: &'a Database, stores: &[&str], durability: TransactionDurability) -> Result<Transaction<'a>, StoreError> {
    let names: Vec<String> = stores.iter().map(|name| (*name).to_owned()).collect();
    let options = TransactionOptions::new().with_durability(durability);
    Ok(database.transaction(names).with_mode(TransactionMode::Readwrite).with_options(options).build()?)
}

/// All records of a store, in the order of their keys.
pub(super) async fn all<T: serde::de::DeserializeOwned>(database: &Database, name: &str) -> Result<Vec<T>, StoreError> {
    use indexed_db_futures::query_source::QuerySource as _;
    let transaction = database.transaction(name.to_owned()).build()?;
    let texts = transaction.object_store(name)?.get_all::<String>().await?;
    texts.map(|text| Ok(serde_json::from_str(&text?)?)).collect()
}

/// All records of a store with their keys, which are texts.
pub(super) async fn all_with_keys<T: serde::de::DeserializeOwned>(database: &Database, name: &str) -> Result<Vec<(String, T)>, StoreError> {
    use indexed_db_futures::query_source::QuerySource as _;
    let transaction = database.transaction(name.to_owned()).build()?;
    let store = transaction.object_store(name)?;
    let keys = store.get_all_keys::<String>().await?.collect::<Result<Vec<_>, _>>()?;
    let texts = store.get_all::<String>().await?;
    keys.into_iter().zip(texts).map(|(key, text)| Ok((key, serde_json::from_str(&text?)?))).collect()
}
