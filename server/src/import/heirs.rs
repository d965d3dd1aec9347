//! What appeared where something vanished: a house that was split, joined or numbered anew.
//!
//! An entrance comes after one that vanished when it lies on the same cadastral property, or has the same street and
//! number, with whatever letter. Where somebody asked not to be rung at, nobody rings at what comes after either.

use std::collections::HashMap;

use uuid::Uuid;

use super::survey::{Key, Seen};
use crate::store::{staged::Listing, succession::Part};

/// An entrance that is no longer listed.
#[derive(Debug)]
pub struct Gone {
    /// Ours.
    pub id: Uuid,
    /// What it was called.
    pub address: String,
    /// Nobody rings anywhere there.
    pub do_not_knock: bool,
    /// The doors where nobody rings, by number.
    pub quiet_doors: Vec<String>,
}

/// An entrance that was not listed before.
#[derive(Debug)]
pub struct Come {
    /// Ours; nil where nothing is written.
    pub id: Uuid,
    /// The publisher's id.
    pub source_id: String,
    /// What it is called.
    pub address: String,
    /// What the file lists of it.
    pub seen: Seen,
}

/// A wish for quiet, on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Where it was noted: the address, and the door where it is one.
    pub from: String,
    /// The publisher's id of what comes after.
    pub source_id: String,
    /// Its address.
    pub to: String,
    /// Where it holds now; none where there is no such door.
    pub holds: Option<Holds>,
}

/// Where a wish holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// At the whole entrance.
    Entrance,
    /// At the door of this number.
    Door(String),
    /// At each door: which of them it was cannot be told.
    EachDoor,
}

impl Holds {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Entrance => "the whole entrance".to_owned(),
            Self::Door(label) if label.is_empty() => "its door".to_owned(),
            Self::Door(label) => format!("door {label}"),
            Self::EachDoor => "each of its doors".to_owned(),
        }
    }
}

#[derive(Debug, Default)]
struct Group {
    gone: Vec<usize>,
    come: Vec<usize>,
}

/// Which entrances came after which.
#[derive(Debug, Default)]
pub struct Heirs {
    gone: Vec<Gone>,
    come: Vec<Come>,
    groups: HashMap<Key, Group>,
}

/// What an entrance shares with those that come after it.
fn shared(listing: &Listing) -> impl Iterator<Item = Key> + use<> {
    let number = listing.number.to_string();
    let property = (!listing.property.is_empty()).then(|| Key::of(&["property", &listing.municipality, &listing.property]));
    [property, Some(Key::of(&["street", &listing.municipality, &listing.street.to_lowercase(), &number]))].into_iter().flatten()
}

impl Heirs {
    /// Notes an entrance that is no longer listed.
    pub fn gone(&mut self, one: Gone, listing: &Listing) {
        for key in shared(listing) {
            self.groups.entry(key).or_default().gone.push(self.gone.len());
        }
        self.gone.push(one);
    }

    /// Notes an entrance that was not listed before. Only what comes after one that is gone is kept in mind.
    pub fn come(&mut self, one: impl FnOnce() -> Come, listing: &Listing) {
        let mut any = false;
        for key in shared(listing) {
            if let Some(group) = self.groups.get_mut(&key) {
                group.come.push(self.come.len());
                any = true;
            }
        }
        if any {
            self.come.push(one());
        }
    }

    fn together(&self) -> impl Iterator<Item = &Group> {
        self.groups.values().filter(|group| !group.come.is_empty())
    }

    /// Which entrances came after which, as it is written.
    pub fn parts(&self) -> Vec<Part> {
        let ids = |group: &Group| Part {
            old: group.gone.iter().map(|at| self.gone[*at].id).collect(),
            new: group.come.iter().map(|at| self.come[*at].id).collect(),
        };
        let mut parts: Vec<Part> = self.together().map(ids).collect();
        parts.sort_by(|a, b| a.old.cmp(&b.old));
        parts
    }

    /// Where the wishes for quiet hold now, each once. `listed` says whether an address has a numbered door.
    pub fn carried(&self, listed: impl Fn(&str, &str) -> bool) -> Vec<Carried> {
        let mut carried = Vec::new();
        for group in self.together() {
            for gone in group.gone.iter().map(|at| &self.gone[*at]) {
                for come in group.come.iter().map(|at| &self.come[*at]) {
                    let to = |from: String, holds| Carried { from, source_id: come.source_id.clone(), to: come.address.clone(), holds };
                    if gone.do_not_knock {
                        carried.push(to(gone.address.clone(), Some(Holds::Entrance)));
                    }
                    for label in &gone.quiet_doors {
                        let holds = match label.as_str() {
                            "" if come.seen.doors > 0 => Some(Holds::EachDoor),
                            _ if come.seen.doors == 0 => Some(Holds::Door(String::new())),
                            label if listed(&come.source_id, label) => Some(Holds::Door(label.to_owned())),
                            _ => None,
                        };
                        carried.push(to(format!("{} {label}", gone.address).trim_end().to_owned(), holds));
                    }
                }
            }
        }
        carried.sort_by(|a, b| (&a.from, &a.source_id).cmp(&(&b.from, &b.source_id)));
        // Two entrances may share both their property and their street and number.
        carried.dedup();
        carried
    }
}
