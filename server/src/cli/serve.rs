//! `dorbank serve`.

use anyhow::Context as _;
use dorbank_server::{config::Config, router, schedule, state::AppState};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// Listens, before anything is said of an address.
pub async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    TcpListener::bind(config.listen).await.with_context(|| {
        format!("cannot listen on {}. If another program does so, name another address in --listen or DORBANK_LISTEN", config.listen)
    })
}

/// Serves until SIGTERM or Ctrl-C.
pub async fn run(state: AppState, listener: TcpListener) -> anyhow::Result<()> {
    let config = state.config.clone();
    // Each phone is an open file. Where the system gives fewer, phones wait for their turn.
    let _ = rlimit::increase_nofile_limit(2 * config.limits.connections as u64);
    anyhow::ensure!(
        !state.site.assets.is_empty(),
        "there are no built screens in {}. Please run `make build`, or name their folder in --site",
        config.site.display()
    );
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("stopping: what has begun is finished first");
    };
    let jobs = tokio::spawn(schedule::run(state.clone(), schedule::JOBS));
    let listen = listener.local_addr()?;
    tracing::info!(%listen, public_url = config.public_url, build = state.site.build, "serving");
    router::serve(listener, state, stop).await?;
    jobs.abort();
    Ok(())
}
