//! `dorbank`: the server and its tools.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(cli::run())) {
        Ok(()) => ExitCode::SUCCESS,
        // For the person at the keyboard: what happened, without where in the program.
        Err(error) => {
            eprintln!("dorbank: {error:#}");
            ExitCode::FAILURE
        }
    }
}
