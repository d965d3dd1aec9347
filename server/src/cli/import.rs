//! `dorbank import`.

use std::path::PathBuf;

use clap::Subcommand;
use dorbank_server::{
    import::{AddressOptions, DistrictOptions, addresses, districts},
    state::AppState,
};

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Addresses, from Kartverket's file of a municipality (CSV, as published).
    ///
    /// Importing again updates what changed and keeps every entrance, its doors and all that happened there.
    Addresses {
        /// The file.
        file: PathBuf,
        /// Report the same and write nothing.
        #[arg(long)]
        dry_run: bool,
        /// Take a file in which many known addresses are missing; else it is refused as cut off.
        #[arg(long)]
        accept_many_vanished: bool,
    },
    /// Districts with their outlines, from GeoJSON. Every entrance is placed anew.
    Districts {
        /// The file.
        file: PathBuf,
        /// A table (CSV) of grunnkretser and their districts; it goes before the outlines.
        #[arg(long)]
        grunnkretser: Option<PathBuf>,
        /// The property that holds the district's number. By default it is found by its usual names.
        #[arg(long)]
        number: Option<String>,
        /// The property that holds its name. By default it is found by its usual names.
        #[arg(long)]
        name: Option<String>,
        /// Count a district together with another where too few people live: 16=04. Repeat it for more. By default
        /// Oslo's: 16=04 and 17=08.
        #[arg(long, value_parser = pair, value_name = "DISTRICT=WITH")]
        join: Vec<(String, String)>,
        /// Remove districts that an earlier import brought and this file (or the table) does not have. Refused where
        /// anything hangs on one.
        #[arg(long)]
        replace: bool,
        /// Report the same and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (district, with) = text.split_once('=').ok_or("write it as 16=04")?;
    Ok((district.to_owned(), with.to_owned()))
}

/// Does it.
pub async fn run(state: &AppState, verb: Import) -> anyhow::Result<()> {
    let now = state.now_ms();
    match verb {
        Import::Addresses { file, dry_run, accept_many_vanished } => {
            let options = AddressOptions { dry_run, accept_many_vanished };
            crate::cli::out::write(format_args!("{}", addresses(&state.db, &file, &options, now, &mut || state.id_v7()).await?));
        }
        Import::Districts { file, grunnkretser, number, name, join, replace, dry_run } => {
            let options = DistrictOptions { number_property: number, name_property: name, joins: join, grunnkretser, replace, dry_run };
            crate::cli::out::write(format_args!("{}", districts(&state.db, &file, &options, now).await?));
        }
    }
    Ok(())
}
