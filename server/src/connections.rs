//! Connections: taken in up to a limit, each with a time by which it has said what it wants, and let go at a stop.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::IpAddr,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};

use crate::limits::Limits;

/// The head of a request is no longer, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// After a fault of the system (no more files can be opened) so long passes before the next try.
const PAUSE: Duration = Duration::from_millis(100);

/// How many connections each address has.
#[derive(Debug, Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection's place in the count of its address.
#[derive(Debug)]
struct Counted(Addresses, IpAddr);

impl Addresses {
    fn enter(&self, address: IpAddr, most: usize) -> Option<Counted> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Counted(self.clone(), address))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut all = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.1);
            }
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// Serves until `stop` comes, and then until every connection has finished what it had begun.
///
/// # Errors
/// When the listener is broken for good.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: impl Future<Output = ()> + Send) -> io::Result<()> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(MAX_HEAD_BYTES);
    let (places, addresses) = (Arc::new(Semaphore::new(limits.connections)), Addresses::default());
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let next = async {
            // Who finds no place waits in the system's queue.
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = &mut stop => break,
            next = next => next,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(kind = %error.kind(), "a connection could not be taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let address = peer.ip().to_canonical();
        let most = if is_private(address) && !limits.private_too { usize::MAX } else { limits.per_address };
        let Some(counted) = addresses.enter(address, most) else { continue };
        let (http, router, stopped) = (http.clone(), router.clone(), stopped.clone());
        tokio::spawn(async move {
            connection(&http, stream, router, stopped).await;
            drop((place, counted));
        });
    }
    drop((listener, stopped));
    stopping.send_replace(true);
    stopping.closed().await;
    Ok(())
}

async fn connection(http: &http1::Builder, stream: TcpStream, router: Router, mut stopped: watch::Receiver<bool>) {
    // Answers are written whole; waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    tokio::select! {
        // What ends a connection early (cut off, too slow, no HTTP) concerns its client alone.
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
