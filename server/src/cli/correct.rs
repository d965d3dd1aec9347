//! `dorbank correct`.

use clap::Args;
use dorbank_server::{
    import::{self, Correct as What},
    state::AppState,
};
use dorbank_shared::geo::LatLon;

/// What is so, where the publisher is wrong.
#[derive(Debug, Args)]
pub struct Correct {
    /// The address ("Storgata 28 B"), or the publisher's id where several are called so.
    entrance: String,
    /// Where it stands: latitude and longitude in degrees, as 59.9139,10.7522.
    #[arg(long, value_parser = place, value_name = "LAT,LON")]
    at: Option<LatLon>,
    /// What its street is called.
    #[arg(long)]
    street: Option<String>,
    /// Its house number; 0 where it has none.
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..=i64::from(u16::MAX)))]
    number: Option<i64>,
    /// The letter after the number; "" where there is none.
    #[arg(long)]
    letter: Option<String>,
    /// A door that is there, by its official number, as H0301. Repeat it for more.
    #[arg(long, value_name = "NUMBER")]
    add_door: Vec<String>,
    /// A door that is not there; "" is the door without a number. Repeat it for more.
    #[arg(long, value_name = "NUMBER")]
    remove_door: Vec<String>,
}

fn place(text: &str) -> Result<LatLon, String> {
    let read = text.split_once(',').and_then(|(lat, lon)| Some(LatLon { lat: lat.trim().parse().ok()?, lon: lon.trim().parse().ok()? }));
    read.ok_or_else(|| "write latitude and longitude in degrees with a comma between, as 59.9139,10.7522".to_owned())
}

/// Corrects it.
pub async fn run(state: &AppState, verb: Correct) -> anyhow::Result<()> {
    let upper = |doors: Vec<String>| doors.into_iter().map(|door| door.trim().to_uppercase()).collect();
    let entrance = import::find(&state.db, &verb.entrance).await?;
    let what = What {
        at: verb.at,
        street: verb.street,
        number: verb.number,
        letter: verb.letter,
        add_doors: upper(verb.add_door),
        remove_doors: upper(verb.remove_door),
    };
    let corrected = import::correct(&state.db, entrance, &what, state.now_ms(), &mut || state.id_v7()).await?;
    crate::cli::out::write(format_args!("{corrected}"));
    Ok(())
}
