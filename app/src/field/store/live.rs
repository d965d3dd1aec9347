//! Transactions that run, and the end of the page.
//!
//! WebKit keeps what an open transaction of a page has locked when that page is gone, until its process ends
//! (<https://bugs.webkit.org/show_bug.cgi?id=324094>): each later write on the same database then waits for ever, also in
//! other tabs. So a page that is left gives up what still runs. If it comes back, that is tried again; if it does not, it
//! was never reported as saved.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use gloo_timers::future::TimeoutFuture;
use indexed_db_futures::{internals::SystemRepr as _, transaction::Transaction};
use leptos::prelude::window_event_listener_untyped;
use web_sys::IdbTransaction;

thread_local! {
    static LIVE: RefCell<Vec<IdbTransaction>> = const { RefCell::new(Vec::new()) };
    static LEFT: Cell<bool> = const { Cell::new(false) };
}

/// A transaction that is given up when the page is left before this is dropped.
pub(super) struct Live(IdbTransaction);

impl Live {
    pub(super) fn new(transaction: &Transaction<'_>) -> Self {
        let inner: IdbTransaction = (**transaction.as_sys()).clone();
        LIVE.with_borrow_mut(|live| live.push(inner.clone()));
        Self(inner)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        LIVE.with_borrow_mut(|live| live.retain(|other| *other != self.0));
    }
}

/// Follows the page's end, and its return from the browser's memory.
pub fn listen() {
    std::mem::forget(window_event_listener_untyped("pagehide", |_| {
        LEFT.set(true);
        for transaction in LIVE.take() {
            // One that is being committed already cannot be given up, and need not be.
            let _ = transaction.abort();
        }
    }));
    std::mem::forget(window_event_listener_untyped("pageshow", |_| LEFT.set(false)));
}

/// Waits while the page is left: nothing may begin then.
pub(super) async fn while_left() {
    while LEFT.get() {
        TimeoutFuture::new(200).await;
    }
}

/// The result of `work`, unless it takes longer than that.
pub(super) async fn within<T>(ms: u32, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut end = pin!(TimeoutFuture::new(ms));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}
