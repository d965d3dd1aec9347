//! What appeared where something vanished: a house that was split, joined or numbered anew.
//!
//! An entrance comes after one that vanished when it lies on the same cadastral property, or has the same street and
//! number, with whatever letter; of one that stood already only the doors that came to it do. Where somebody asked not to be
//! rung at, nobody rings at what comes after either.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::survey::{Key, Seen};
use crate::store::{
    staged::{Door, Listing},
    succession::Part,
};

/// An entrance that is no longer listed.
#[derive(Debug)]
pub struct Gone {
    /// Ours.
    pub id: Uuid,
    /// The publisher's id.
    pub source_id: String,
    /// What it was called.
    pub address: String,
    /// Nobody rings anywhere there.
    pub do_not_knock: bool,
    /// Its doors, vanished ones too.
    pub doors: Vec<Door>,
}

impl Gone {
    /// The wishes for quiet there: of the whole entrance where no number is given, else of the door of that number.
    fn wishes(&self) -> impl Iterator<Item = (String, Option<&str>)> {
        let whole = self.do_not_knock.then(|| (self.address.clone(), None));
        let quiet = self.doors.iter().filter(|door| door.do_not_knock);
        whole.into_iter().chain(quiet.map(|door| (format!("{} {}", self.address, door.label).trim_end().to_owned(), Some(door.label.as_str()))))
    }
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

/// An entrance that stood already, and the doors that came to it: their ids, nil where nothing is written, and numbers.
#[derive(Debug)]
struct Joined {
    source_id: String,
    address: String,
    doors: Vec<(Uuid, String)>,
}

impl Joined {
    /// The doors that came after one of a number: the one of the same, each where one of the two has none, and where there
    /// is no such door all of them: the doors were numbered anew.
    fn after(&self, label: &str) -> (Holds, Vec<Uuid>) {
        let matches = |(_, other): &&(Uuid, String)| other == label || other.is_empty() || label.is_empty();
        let found: Vec<&(Uuid, String)> = self.doors.iter().filter(matches).collect();
        match found[..] {
            [(id, other)] => (Holds::Door(other.clone()), vec![*id]),
            [] => (Holds::NewDoors, self.doors.iter().map(|(id, _)| *id).collect()),
            _ => (Holds::NewDoors, found.iter().map(|(id, _)| *id).collect()),
        }
    }
}

/// A wish for quiet, on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Where it was noted: the address, and the door where it is one.
    pub from: String,
    /// The publisher's id of what comes after; of what is gone where nothing does.
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
    /// At each of several doors that are new in a house that stood already.
    NewDoors,
}

impl Holds {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Entrance => "the whole entrance".to_owned(),
            Self::Door(label) if label.is_empty() => "its door".to_owned(),
            Self::Door(label) => format!("door {label}"),
            Self::EachDoor => "each of its doors".to_owned(),
            Self::NewDoors => "each of its new doors".to_owned(),
        }
    }
}

#[derive(Debug, Default)]
struct Group {
    gone: Vec<usize>,
    come: Vec<usize>,
    joined: Vec<usize>,
}

/// Which entrances came after which.
#[derive(Debug, Default)]
pub struct Heirs {
    gone: Vec<Gone>,
    come: Vec<Come>,
    joined: Vec<Joined>,
    /// Where among the joined an entrance is.
    standing: HashMap<Uuid, usize>,
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

    /// Notes an entrance that stands as before, where one is gone with which it may have been joined.
    pub fn stands(&mut self, id: Uuid, (source_id, address): (&str, &str), listing: &Listing) {
        let mut any = false;
        for key in shared(listing) {
            if let Some(group) = self.groups.get_mut(&key) {
                group.joined.push(self.joined.len());
                any = true;
            }
        }
        if any {
            self.standing.insert(id, self.joined.len());
            self.joined.push(Joined { source_id: source_id.to_owned(), address: address.to_owned(), doors: Vec::new() });
        }
    }

    /// Notes a door that came to an entrance.
    pub fn door_came(&mut self, entrance: Uuid, door: Uuid, label: &str) {
        if let Some(at) = self.standing.get(&entrance) {
            self.joined[*at].doors.push((door, label.to_owned()));
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

    /// Those that are gone, each with those that got doors then, each pair once.
    fn pairs(&self) -> impl Iterator<Item = (&Gone, &Joined)> {
        let groups = self.groups.values();
        let pairs = groups.flat_map(|group| group.gone.iter().flat_map(|gone| group.joined.iter().map(|joined| (*gone, *joined))));
        let pairs: BTreeSet<(usize, usize)> = pairs.filter(|(_, joined)| !self.joined[*joined].doors.is_empty()).collect();
        pairs.into_iter().map(|(gone, joined)| (&self.gone[gone], &self.joined[joined]))
    }

    /// Which doors came to houses that stood already, and after which doors, as it is written.
    pub fn door_parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        for (gone, joined) in self.pairs() {
            let mut old: BTreeMap<Vec<Uuid>, Vec<Uuid>> = BTreeMap::new();
            for door in &gone.doors {
                let after = if gone.do_not_knock { joined.doors.iter().map(|(id, _)| *id).collect() } else { joined.after(&door.label).1 };
                old.entry(after).or_default().push(door.id);
            }
            parts.extend(old.into_iter().map(|(new, old)| Part { old, new }));
        }
        parts
    }

    /// Where the wishes for quiet hold now, each once. `listed` says whether an address has a numbered door.
    pub fn carried(&self, listed: impl Fn(&str, &str) -> bool) -> Vec<Carried> {
        let mut carried = Vec::new();
        let mut followed: BTreeSet<Uuid> = BTreeSet::new();
        for group in self.together() {
            for gone in group.gone.iter().map(|at| &self.gone[*at]) {
                followed.insert(gone.id);
                for come in group.come.iter().map(|at| &self.come[*at]) {
                    for (from, label) in gone.wishes() {
                        let holds = match label {
                            None => Some(Holds::Entrance),
                            Some("") if come.seen.doors > 0 => Some(Holds::EachDoor),
                            Some(_) if come.seen.doors == 0 => Some(Holds::Door(String::new())),
                            Some(label) if listed(&come.source_id, label) => Some(Holds::Door(label.to_owned())),
                            Some(_) => None,
                        };
                        carried.push(Carried { from, source_id: come.source_id.clone(), to: come.address.clone(), holds });
                    }
                }
            }
        }
        for (gone, joined) in self.pairs() {
            followed.insert(gone.id);
            for (from, label) in gone.wishes() {
                let holds = label.map_or(Holds::NewDoors, |label| joined.after(label).0);
                carried.push(Carried { from, source_id: joined.source_id.clone(), to: joined.address.clone(), holds: Some(holds) });
            }
        }
        for gone in self.gone.iter().filter(|gone| !followed.contains(&gone.id)) {
            let nowhere = |(from, _)| Carried { from, source_id: gone.source_id.clone(), to: gone.address.clone(), holds: None };
            carried.extend(gone.wishes().map(nowhere));
        }
        carried.sort_by(|a, b| (&a.from, &a.source_id).cmp(&(&b.from, &b.source_id)));
        // Two entrances may share both their property and their street and number.
        carried.dedup();
        carried
    }
}
