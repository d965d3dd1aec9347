//! Correcting the register: what somebody who was there knows better than the publisher. An import keeps it.

use std::fmt;

use dorbank_shared::{
    geo::{LatLon, distance},
    landing::landing,
    place::{Unit, UnitLabel},
};
use uuid::Uuid;

use super::{
    ImportError, Locator,
    corrected::{read_place, write_place},
    decide::{SAME_PLACE_M, name},
    projection::{in_norway, round},
    stage,
};
use crate::{
    check::rules::is_impossible,
    store::{
        Db, StoreError, Tx,
        correction::{self, Candidate, Correction, Field},
        register::{self, Size},
        staged::{self, Door, Listing},
    },
};

/// What is to be corrected of an entrance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Correct {
    /// Where it stands.
    pub at: Option<LatLon>,
    /// What its street is called.
    pub street: Option<String>,
    /// Its house number; 0 where it has none.
    pub number: Option<i64>,
    /// The letter after it, or nothing.
    pub letter: Option<String>,
    /// Doors that are there, by official number.
    pub add_doors: Vec<String>,
    /// Doors that are not there; an empty one is the door without a number.
    pub remove_doors: Vec<String>,
}

/// What was corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected {
    /// What the entrance is called now.
    pub address: String,
    /// What is otherwise now, a line each.
    pub said: Vec<String>,
    /// Its municipality.
    pub municipality: String,
}

impl fmt::Display for Corrected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.address)?;
        for one in &self.said {
            writeln!(f, "  {one}")?;
        }
        let landing = landing(&self.municipality);
        writeln!(f, "An import keeps this and says when the publisher has it too. Doors of a floor are counted here {landing}.")
    }
}

/// Why nothing was corrected.
#[derive(Debug, thiserror::Error)]
pub enum CorrectError {
    /// No such entrance.
    #[error(
        "No entrance is called {0}. Write the address as it stands in the register (\"Storgata 28 B\"), or the publisher's id. Nothing was changed."
    )]
    NotFound(String),
    /// Several entrances are meant.
    #[error("Several entrances are called {text}. Nothing was changed. Give the id of the one that you mean:{}", listed(.found))]
    Several {
        /// What was asked for.
        text: String,
        /// Those that it may be.
        found: Vec<Candidate>,
    },
    /// Nothing to correct was given.
    #[error("There is nothing to correct. Say what is so: --at, --street, --number, --letter, --add-door or --remove-door.")]
    Nothing,
    /// A place outside Norway.
    #[error("{0} is not a place in Norway. Write latitude and longitude in degrees: --at 59.9139,10.7522. Nothing was changed.")]
    NotInNorway(String),
    /// A street without a name.
    #[error("A street has a name. Nothing was changed.")]
    NoStreet,
    /// Not a door's number.
    #[error("{0} is not a door's number: a letter (K, U, H or L) and four digits, as H0301. Nothing was changed.")]
    NotADoor(String),
    /// A door that no house has.
    #[error("No house has the door {0}: its floor or its place on it cannot be. Nothing was changed.")]
    Impossible(String),
    /// It is there already.
    #[error("The door {0} is there already. Nothing was changed.")]
    IsThere(String),
    /// It is not there.
    #[error("There is no door {0} there. Nothing was changed.")]
    IsNotThere(String),
    /// What goes wrong with an import too.
    #[error(transparent)]
    Import(#[from] ImportError),
}

fn listed(found: &[Candidate]) -> String {
    let lines: Vec<String> = found.iter().map(|one| format!("\n  {}  {}, {}", one.source_id, one.street, one.post)).collect();
    lines.concat()
}

impl From<StoreError> for CorrectError {
    fn from(error: StoreError) -> Self {
        Self::Import(error.into())
    }
}

/// The entrance that somebody means: by its address, the publisher's id or ours.
///
/// # Errors
/// `NotFound`, `Several`, or the store's own.
pub async fn find(db: &Db, text: &str) -> Result<Uuid, CorrectError> {
    let mut tx = db.read().await?;
    let text = text.trim();
    if let Ok(id) = Uuid::parse_str(text)
        && correction::publisher(&mut tx, id).await?.is_some()
    {
        return Ok(id);
    }
    if let [id] = correction::published_as(&mut tx, text).await?[..] {
        return Ok(id);
    }
    let (street, number, letter) = read_address(text);
    let street = street.to_lowercase();
    let mut found: Vec<Candidate> =
        correction::numbered(&mut tx, number, &letter).await?.into_iter().filter(|one| one.street.to_lowercase() == street).collect();
    if found.iter().any(|one| !one.vanished) {
        found.retain(|one| !one.vanished);
    }
    match &found[..] {
        [] => Err(CorrectError::NotFound(text.to_owned())),
        [one] => Ok(one.id),
        _ => Err(CorrectError::Several { text: text.to_owned(), found }),
    }
}

/// "Storgata 28 B" or "Storgata 28b": street, number and letter. Without a number it is all street.
fn read_address(text: &str) -> (&str, i64, String) {
    let (before, letter) = match text.char_indices().next_back() {
        Some((at, last)) if last.is_alphabetic() && text[..at].trim_end().ends_with(|c: char| c.is_ascii_digit()) => {
            (text[..at].trim_end(), last.to_uppercase().to_string())
        }
        _ => (text, String::new()),
    };
    let street = before.trim_end_matches(|c: char| c.is_ascii_digit());
    match before[street.len()..].parse() {
        Ok(number) if street.ends_with(char::is_whitespace) => (street.trim_end(), number, letter),
        _ => (text, 0, String::new()),
    }
}

/// Corrects an entrance. It is so at once for everybody, and an import keeps it.
///
/// # Errors
/// See [`CorrectError`]; after each everything is as it was.
pub async fn correct(db: &Db, entrance: Uuid, what: &Correct, now_ms: i64, ids: &mut impl FnMut() -> Uuid) -> Result<Corrected, CorrectError> {
    if *what == Correct::default() {
        return Err(CorrectError::Nothing);
    }
    let alone = stage::alone_and_tidy(db).await?;
    let done = written(db, entrance, what, now_ms, ids).await;
    stage::give_back(alone).await;
    done
}

async fn written(db: &Db, entrance: Uuid, what: &Correct, now_ms: i64, ids: &mut impl FnMut() -> Uuid) -> Result<Corrected, CorrectError> {
    let mut tx = db.begin().await?;
    // First, as whoever notes a wish does: else the two could wait for each other.
    register::hold(&mut tx).await?;
    let done = write(&mut tx, entrance, what, now_ms, ids).await?;
    tx.commit().await?;
    Ok(done)
}

async fn write(tx: &mut Tx, entrance: Uuid, what: &Correct, now_ms: i64, ids: &mut impl FnMut() -> Uuid) -> Result<Corrected, CorrectError> {
    let missing = || CorrectError::NotFound(entrance.to_string());
    let (origin, source_id) = correction::publisher(tx, entrance).await?.ok_or_else(missing)?;
    let known = staged::known_as(tx, &origin, &[&source_id]).await?.remove(&source_id).ok_or_else(missing)?;
    let earlier = correction::of_entrance(tx, entrance).await?;
    let mut listing = known.listing.clone();
    let mut said = Vec::new();
    for (field, ours) in fields(what)? {
        let before = earlier.iter().find(|one| one.field == field);
        let published = before.map_or_else(|| in_register(&known.listing, field), |one| one.published.clone());
        put_into(&mut listing, field, &ours);
        if is_same(field, &ours, &published) {
            correction::remove(tx, entrance, field, "").await?;
            said.push(format!("{}: {ours}, as it is published", field.name()));
        } else {
            said.push(format!("{}: {ours} (published: {published})", field.name()));
            let one = Correction { entrance, field, door: String::new(), ours, published };
            correction::put(tx, &one, now_ms).await?;
        }
    }
    if what.at.is_some() {
        let locator = Locator::load(tx).await?;
        let district = locator.district_of(listing.grunnkrets.as_deref(), listing.at, true);
        said.push(district.map_or_else(|| "in no district".to_owned(), |district| format!("in district {district}")));
        listing.district = district.map(str::to_owned);
    }
    if listing != known.listing {
        correction::set_entrance(tx, entrance, &listing, now_ms).await?;
    }
    let doors = staged::doors(tx, &[entrance]).await?.remove(&entrance).unwrap_or_default();
    for label in &what.add_doors {
        add_door(tx, entrance, &doors, &earlier, label, (now_ms, ids)).await?;
        said.push(format!("door {label} is there"));
    }
    for label in &what.remove_doors {
        remove_door(tx, entrance, &doors, &earlier, label, now_ms).await?;
        said.push(if label.is_empty() { "the door without a number is not there".to_owned() } else { format!("door {label} is not there") });
    }
    if !known.vanished {
        let count = |doors: &[Door]| -> i64 { doors.iter().filter(|door| !door.vanished).count().try_into().unwrap_or(i64::MAX) };
        let now = staged::doors(tx, &[entrance]).await?.remove(&entrance).unwrap_or_default();
        let size = register::size(tx).await?;
        register::set_size(tx, Size { doors: size.doors + count(&now) - count(&doors), ..size }).await?;
    }
    Ok(Corrected { address: name(&listing), said, municipality: listing.municipality })
}

/// What is corrected of the entrance itself, as it is kept.
fn fields(what: &Correct) -> Result<Vec<(Field, String)>, CorrectError> {
    let mut fields = Vec::new();
    if let Some(at) = what.at {
        if !in_norway(at) {
            return Err(CorrectError::NotInNorway(format!("{},{}", at.lat, at.lon)));
        }
        fields.push((Field::Place, write_place(round(at))));
    }
    if let Some(street) = &what.street {
        let street = street.trim();
        if street.is_empty() {
            return Err(CorrectError::NoStreet);
        }
        fields.push((Field::Street, street.to_owned()));
    }
    fields.extend(what.number.map(|number| (Field::Number, number.to_string())));
    fields.extend(what.letter.as_ref().map(|letter| (Field::Letter, letter.trim().to_uppercase())));
    Ok(fields)
}

fn in_register(listing: &Listing, field: Field) -> String {
    match field {
        Field::Place => write_place(listing.at),
        Field::Street => listing.street.clone(),
        Field::Number => listing.number.to_string(),
        Field::Letter => listing.letter.clone(),
        Field::DoorAdded | Field::DoorGone => String::new(),
    }
}

fn put_into(listing: &mut Listing, field: Field, ours: &str) {
    match field {
        Field::Place => listing.at = read_place(ours).unwrap_or(listing.at),
        Field::Street => ours.clone_into(&mut listing.street),
        Field::Number => listing.number = ours.parse().unwrap_or(listing.number),
        Field::Letter => ours.clone_into(&mut listing.letter),
        Field::DoorAdded | Field::DoorGone => {}
    }
}

fn is_same(field: Field, ours: &str, published: &str) -> bool {
    match (field, read_place(ours), read_place(published)) {
        (Field::Place, Some(ours), Some(published)) => distance(ours, published) <= SAME_PLACE_M,
        _ => ours == published,
    }
}

async fn add_door(
    tx: &mut Tx,
    entrance: Uuid,
    doors: &[Door],
    earlier: &[Correction],
    label: &str,
    (now_ms, ids): (i64, &mut impl FnMut() -> Uuid),
) -> Result<(), CorrectError> {
    if UnitLabel::parse(label).is_none() {
        return Err(CorrectError::NotADoor(label.to_owned()));
    }
    if is_impossible(label) {
        return Err(CorrectError::Impossible(label.to_owned()));
    }
    match doors.iter().find(|door| door.label == label) {
        Some(door) if !door.vanished => return Err(CorrectError::IsThere(label.to_owned())),
        Some(door) => correction::set_unit(tx, door.id, false).await?,
        None => match correction::add_unit(tx, entrance, &Unit::new(ids(), label)).await {
            Err(error) if error.is_unique_violation() => return Err(CorrectError::IsThere(label.to_owned())),
            added => added?,
        },
    }
    note(tx, (entrance, label), earlier, (Field::DoorAdded, Field::DoorGone), now_ms).await
}

async fn remove_door(tx: &mut Tx, entrance: Uuid, doors: &[Door], earlier: &[Correction], label: &str, now_ms: i64) -> Result<(), CorrectError> {
    let Some(door) = doors.iter().find(|door| door.label == label && !door.vanished) else {
        return Err(CorrectError::IsNotThere(label.to_owned()));
    };
    correction::set_unit(tx, door.id, true).await?;
    note(tx, (entrance, label), earlier, (Field::DoorGone, Field::DoorAdded), now_ms).await
}

/// Notes that a door is there, or is gone; where the opposite was noted before, both are forgotten.
async fn note(
    tx: &mut Tx,
    (entrance, label): (Uuid, &str),
    earlier: &[Correction],
    (field, opposite): (Field, Field),
    now_ms: i64,
) -> Result<(), CorrectError> {
    if earlier.iter().any(|one| one.field == opposite && one.door == label) {
        correction::remove(tx, entrance, opposite, label).await?;
        return Ok(());
    }
    let one = Correction { entrance, field, door: label.to_owned(), ours: String::new(), published: String::new() };
    correction::put(tx, &one, now_ms).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for (text, read) in [
            ("Storgata 28 B", ("Storgata", 28, "B")),
            ("Storgata 28b", ("Storgata", 28, "B")),
            ("Storgata 28", ("Storgata", 28, "")),
            ("17. mai gate 3", ("17. mai gate", 3, "")),
            ("Gate 7", ("Gate", 7, "")),
            ("Solbakken, 38/5", ("Solbakken, 38/5", 0, "")),
            ("Å", ("Å", 0, "")),
            ("", ("", 0, "")),
        ] {
            let (street, number, letter) = read_address(text);
            assert_eq!((street, number, letter.as_str()), read, "{text}");
        }
    }
}
