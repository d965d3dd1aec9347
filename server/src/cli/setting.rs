//! `dorbank setting`.

use clap::Subcommand;
use dorbank_server::{state::AppState, store};
use dorbank_shared::district::Noun;

use super::out::say;

/// What can be set.
#[derive(Debug, Subcommand)]
pub enum Setting {
    /// What a district is called on the screens: bydel, krets, tettsted or grend. Without a word: what it is called now.
    DistrictNoun {
        /// The word.
        #[arg(value_parser = noun)]
        noun: Option<Noun>,
    },
}

fn noun(text: &str) -> Result<Noun, String> {
    Noun::parse(text).ok_or_else(|| format!("one of {}", Noun::ALL.map(Noun::name).join(", ")))
}

/// Does it.
pub async fn run(state: &AppState, verb: Setting) -> anyhow::Result<()> {
    match verb {
        Setting::DistrictNoun { noun: Some(noun) } => {
            let mut tx = state.db.begin().await?;
            store::district::set_noun(&mut tx, noun).await?;
            tx.commit().await?;
            say!("A district is called {} from now on, also by a server that runs.", noun.name());
        }
        Setting::DistrictNoun { noun: None } => {
            let noun = store::district::noun(&mut state.db.read().await?).await?;
            say!("{}", noun.name());
        }
    }
    Ok(())
}
