//! `dorbank import`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use dorbank_server::{
    import::{
        AddressOptions, Credit, DistrictOptions, HouseholdOptions, ImportError, LineOptions, ListTo, Pace, Progress, addresses, districts,
        districts_by_table, extracted_on, households, lines,
    },
    state::AppState,
    store::{register, stamp},
};
use dorbank_shared::line::Kind;

use super::{fetch::Fetch, out::say};

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Addresses, from Kartverket's file of a municipality, with or without its dwellings: as it was downloaded (CSV or zip),
    /// or fetched here by the municipality's number.
    ///
    /// Both products are taken, in any order: "Matrikkelen - Adresse" has one row for each address, "Matrikkelen - Adresse
    /// Leilighetsnivå" one for each dwelling, and so every door. Importing again updates what changed and keeps every
    /// entrance, its doors, all that happened there and what was corrected here. The server may run meanwhile: everybody
    /// sees the old register until the new one is whole.
    Addresses {
        /// The file.
        #[arg(required_unless_present = "municipality")]
        file: Option<PathBuf>,
        #[command(flatten)]
        fetch: Fetch,
        /// Report the same and write nothing.
        #[arg(long)]
        dry_run: bool,
        /// Take a file in which many known addresses are missing; else it is refused as cut off.
        #[arg(long)]
        accept_many_vanished: bool,
        /// Where all that it does is listed, line by line (CSV). By default import-report-<date>-<number>.csv in the
        /// folder of --data; with --dry-run only where it is named.
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
    /// Districts with their outlines, from GeoJSON or TopoJSON. Every entrance is placed anew.
    ///
    /// With --grunnkretser a table says it, alone or beside the outlines.
    ///
    /// The report says which properties were taken for number and name, what was repaired, and where outlines overlap.
    Districts {
        /// The file.
        #[arg(required_unless_present = "grunnkretser")]
        file: Option<PathBuf>,
        /// A table (CSV) of grunnkretser and their districts; it goes before the outlines.
        #[arg(long)]
        grunnkretser: Option<PathBuf>,
        /// The property that holds the district's number. By default it is found by its usual names.
        #[arg(long)]
        number: Option<String>,
        /// The property that holds its name. By default it is found by its usual names.
        #[arg(long)]
        name: Option<String>,
        /// The layer with the districts, of a TopoJSON file that has several.
        #[arg(long)]
        layer: Option<String>,
        /// The coordinate system, where the file does not say it: 4326, 4258, 25832, 25833 or 25835.
        #[arg(long)]
        epsg: Option<u32>,
        /// Count a district together with another where too few people live: 16=04. Repeat it for more; 16=16 counts it
        /// alone. Refused where something was heard already.
        #[arg(long, value_parser = pair, value_name = "DISTRICT=WITH")]
        join: Vec<(String, String)>,
        /// A table (CSV: district, with) of all that are counted together. Without it joins stay as they are; of new
        /// districts those are joined of which the program knows it (Oslo: Sentrum and Marka).
        #[arg(long, value_name = "FILE")]
        joins: Option<PathBuf>,
        /// A table (CSV: group, district) of districts that are read together, in the place of the groups that there are.
        #[arg(long, value_name = "FILE")]
        groups: Option<PathBuf>,
        /// Leave out features that cannot be used, with their districts; else one such refuses the file.
        #[arg(long)]
        skip_invalid: bool,
        /// Remove districts that an earlier import brought and this file (or the table) does not have. Refused where
        /// anything hangs on one.
        #[arg(long)]
        replace: bool,
        /// Report the same and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// How many households live in each district, from a table (CSV: number, households, year). Shown beside who was reached.
    Households {
        /// The table. Without it the figures that the program knows, where the districts are Oslo's.
        file: Option<PathBuf>,
        /// Take the figures of Oslo that the program knows (2018), whatever the districts are called.
        #[arg(long, conflicts_with = "file")]
        default_oslo: bool,
        /// The year, where the table has none.
        #[arg(long)]
        year: Option<i64>,
        /// Who counted them, where the table does not say: "SSB, tabell 06070".
        #[arg(long)]
        source: Option<String>,
        /// Report the same and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Streets, paths, water, motorways and railways around the districts, from an extract of OpenStreetMap (.osm.pbf, .osm)
    /// or GeoJSON. They take the place of those of the same origin.
    Lines {
        /// The file.
        file: PathBuf,
        /// Who drew them, in a word. By default osm, where the file looks like it.
        #[arg(long)]
        origin: Option<String>,
        /// What must stand wherever they are drawn. By default OpenStreetMap's credit, for its lines.
        #[arg(long)]
        credit: Option<String>,
        /// All lines of the file are of this kind: street, path, water, motorway or railway.
        #[arg(long, value_parser = kind, conflicts_with = "kind_property")]
        kind: Option<Kind>,
        /// The property of GeoJSON that says of which kind a line is. By default it is found.
        #[arg(long)]
        kind_property: Option<String>,
        /// The property of GeoJSON that holds the name. By default it is found by its usual names.
        #[arg(long)]
        name: Option<String>,
        /// The coordinate system of GeoJSON, where the file does not say it: 4326, 4258, 25832, 25833 or 25835.
        #[arg(long)]
        epsg: Option<u32>,
        /// Report the same and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::parse(text).ok_or_else(|| format!("one of {}", Kind::ALL.map(Kind::name).join(", ")))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (district, with) = text.split_once('=').ok_or("write it as 16=04")?;
    Ok((district.to_owned(), with.to_owned()))
}

/// Brings addresses in. Ctrl-C stops it wherever it is: what was half written to the disk is removed.
async fn bring_or_stop(state: &AppState, file: Option<PathBuf>, fetch: Fetch, options: &AddressOptions) -> anyhow::Result<()> {
    let before = register::in_force(&mut state.db.read().await?).await?.number;
    let is_fetched = file.is_none();
    let stopped = tokio::select! {
        done = bring(state, file, fetch, options) => return done,
        stopped = tokio::signal::ctrl_c() => stopped,
    };
    stopped.context("the signal to stop cannot be heard")?;
    let now = register::in_force(&mut state.db.read().await?).await?.number;
    anyhow::ensure!(now == before, "stopped. The import is in force: everybody sees the new register. What was left to tidy up the next import does");
    anyhow::ensure!(!is_fetched, "stopped. The register is as it was; what has come is kept, and the same command goes on from there");
    anyhow::bail!("stopped. The register is as it was; what was prepared beside it the next import tidies up")
}

async fn bring(state: &AppState, file: Option<PathBuf>, fetch: Fetch, options: &AddressOptions) -> anyhow::Result<()> {
    // Before anything is fetched for nothing.
    if stamp::is_demo(&mut state.db.read().await?).await? {
        return Err(ImportError::Demo.into());
    }
    let file = match file {
        Some(file) => file,
        None => fetch.run(state).await?,
    };
    crate::cli::out::write(format_args!("{}", addresses(&state.db, &file, options, state.now_ms(), &mut state.ids_in_order()).await?));
    // From here on it is done, and what fails may not look as if it were not.
    let credit = Credit::kartverket(extracted_on(&file).unwrap_or_default());
    if !options.dry_run
        && let Err(error) = credit.write(&state.db).await
    {
        say!("\nThe addresses are imported, but the database did not take whom to credit ({error}). Import the same file again for that.");
    }
    say!("\n{credit}\nThe pages show this credit, which the licence asks for. Show it too wherever you use the data.");
    Ok(())
}

/// Does it.
pub async fn run(state: &AppState, verb: Import) -> anyhow::Result<()> {
    let now = state.now_ms();
    match verb {
        Import::Addresses { file, fetch, dry_run, accept_many_vanished, report } => {
            let list = report.map_or_else(|| ListTo::Folder(state.config.data.clone()), ListTo::File);
            let options = AddressOptions { dry_run, accept_many_vanished, list, progress: Progress::on_terminal(), pace: Pace::default() };
            bring_or_stop(state, file, fetch, &options).await?;
        }
        Import::Districts { file, grunnkretser, number, name, layer, epsg, join, joins, groups, skip_invalid, replace, dry_run } => {
            let options = DistrictOptions {
                number_property: number,
                name_property: name,
                layer,
                epsg,
                joins: join,
                joins_file: joins,
                groups,
                grunnkretser,
                skip_invalid,
                replace,
                dry_run,
            };
            let report = match file {
                Some(file) => districts(&state.db, &file, &options, now).await?,
                None => districts_by_table(&state.db, &options, now).await?,
            };
            crate::cli::out::write(format_args!("{report}"));
        }
        Import::Households { file, default_oslo, year, source, dry_run } => {
            let options = HouseholdOptions { file, default_oslo, year, source, dry_run };
            crate::cli::out::write(format_args!("{}", households(&state.db, &options).await?));
        }
        Import::Lines { file, origin, credit, kind, kind_property, name, epsg, dry_run } => {
            let options = LineOptions { origin, credit, kind, kind_property, name_property: name, epsg, dry_run };
            crate::cli::out::write(format_args!("{}", lines(&state.db, &file, &options, now).await?));
        }
    }
    Ok(())
}
