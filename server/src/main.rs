//! `dorbank`: the server and its tools.

mod cli;

fn main() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(cli::run())
}
