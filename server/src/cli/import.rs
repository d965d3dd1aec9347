//! `dorbank import`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use dorbank_server::{
    import::{AddressOptions, DistrictOptions, ListTo, Pace, Progress, addresses, districts},
    state::AppState,
};

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Addresses, from Kartverket's file of a municipality (CSV, as published), with or without its dwellings.
    ///
    /// Both products are taken, in any order: "Matrikkelen - Adresse" has one row for each address, "Matrikkelen - Adresse
    /// Leilighetsnivå" one for each dwelling, and so every door. Importing again updates what changed and keeps every
    /// entrance, its doors, all that happened there and what was corrected here. The server may run meanwhile: everybody
    /// sees the old register until the new one is whole.
    Addresses {
        /// The file.
        file: PathBuf,
        /// Report the same and write nothing.
        #[arg(long)]
        dry_run: bool,
        /// Take a file in which many known addresses are missing; else it is refused as cut off.
        #[arg(long)]
        accept_many_vanished: bool,
        /// Where all that it does is listed, line by line (CSV). By default import-report-<date>-<number>.csv beside the
        /// folder in --data; with --dry-run only where it is named.
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
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
        Import::Addresses { file, dry_run, accept_many_vanished, report } => {
            let beside = state.config.data.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let list = report.map_or_else(|| ListTo::Folder(beside.to_owned()), ListTo::File);
            let options = AddressOptions { dry_run, accept_many_vanished, list, progress: Progress::on_terminal(), pace: Pace::default() };
            crate::cli::out::write(format_args!("{}", addresses(&state.db, &file, &options, now, &mut || state.id_v7()).await?));
        }
        Import::Districts { file, grunnkretser, number, name, join, replace, dry_run } => {
            let options = DistrictOptions { number_property: number, name_property: name, joins: join, grunnkretser, replace, dry_run };
            crate::cli::out::write(format_args!("{}", districts(&state.db, &file, &options, now).await?));
        }
    }
    Ok(())
}
