//! `dorbank`: the server and its tools.

use std::process::ExitCode;

fn main() -> ExitCode {
    dorbank_server::cli::main(std::env::args_os())
}
