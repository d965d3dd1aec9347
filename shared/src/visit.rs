//! What happened at a door, and the state that a door is in afterwards.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Hva skjedde? Never what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Ingen åpnet.
    NotHome,
    /// Samtale.
    Talked,
    /// Nei takk.
    Declined,
    /// Kom ikke inn (concerns the entrance).
    NoAccess,
    /// Porttelefon: slapp inn (concerns the entrance).
    IntercomLetIn,
    /// Porttelefon: nei takk.
    IntercomDeclined,
    /// Porttelefon: samtale.
    IntercomTalked,
    /// Kom tilbake.
    ComeBack,
    /// Ikke ring på her igjen.
    DoNotKnock,
    /// La igjen løpeseddel, and nothing else.
    LeafletOnly,
    /// What `talked`, `declined` and the intercom outcomes of a unit become 72 hours after the shift.
    Done,
}

impl Outcome {
    /// All that a volunteer can choose, in the order of the screen.
    pub const CHOICES: [Self; 10] = [
        Self::NotHome,
        Self::Talked,
        Self::Declined,
        Self::ComeBack,
        Self::DoNotKnock,
        Self::NoAccess,
        Self::IntercomLetIn,
        Self::IntercomDeclined,
        Self::IntercomTalked,
        Self::LeafletOnly,
    ];

    /// The name on the wire and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotHome => "not_home",
            Self::Talked => "talked",
            Self::Declined => "declined",
            Self::NoAccess => "no_access",
            Self::IntercomLetIn => "intercom_let_in",
            Self::IntercomDeclined => "intercom_declined",
            Self::IntercomTalked => "intercom_talked",
            Self::ComeBack => "come_back",
            Self::DoNotKnock => "do_not_knock",
            Self::LeafletOnly => "leaflet_only",
            Self::Done => "done",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::CHOICES.into_iter().chain([Self::Done]).find(|outcome| outcome.name() == name)
    }

    /// Whether somebody was spoken with: the conversations that the mix's gate and the releases count.
    pub const fn is_conversation(self) -> bool {
        matches!(self, Self::Talked | Self::IntercomTalked)
    }

    /// Whether the door itself was opened. Intercom answers are counted apart.
    pub const fn is_opened(self) -> bool {
        matches!(self, Self::Talked | Self::Declined | Self::ComeBack)
    }

    /// Whether it says something about one door, not about the way in.
    pub const fn is_knock(self) -> bool {
        !matches!(self, Self::NoAccess | Self::IntercomLetIn | Self::LeafletOnly)
    }

    /// What remains of it 72 hours after the shift. That somebody opened the way in says nothing of anybody unless a door is
    /// named, and is no knock: a conversation there on the same day is one of its own.
    pub const fn coarse(self, of_a_unit: bool) -> Self {
        match self {
            Self::IntercomLetIn if !of_a_unit => self,
            Self::Talked | Self::Declined | Self::IntercomDeclined | Self::IntercomTalked | Self::IntercomLetIn => Self::Done,
            other => other,
        }
    }
}

/// The body of an entry of kind `visit`, version 1. Unknown fields are refused: a visit has no room for text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VisitV1 {
    /// The campaign.
    pub campaign: Uuid,
    /// The turf that the volunteer walks.
    pub turf: Uuid,
    /// The entrance.
    pub entrance: Uuid,
    /// The door, or nothing where the whole entrance is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Uuid>,
    /// What happened.
    pub outcome: Outcome,
    /// Whether a leaflet was left as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaflet: bool,
    /// By the phone's clock, milliseconds since 1970, UTC. Orders nothing.
    pub occurred_at: i64,
}

impl VisitV1 {
    /// The door that this is about: the unit, or the entrance itself.
    pub fn door(&self) -> Uuid {
        self.unit.unwrap_or(self.entrance)
    }
}

/// The body of an entry of kind `withdrawal`, version 1: the entry named in `supersedes` never happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WithdrawalV1 {
    /// The campaign of the visit that is withdrawn.
    pub campaign: Uuid,
}

/// One visit as the fold sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The entry's id: version 7, so later entries of one phone sort later.
    pub id: Uuid,
    /// What happened.
    pub outcome: Outcome,
}

/// The state of a door from all its visits that still stand. Pure, and independent of their order.
///
/// A wish not to be knocked at wins over all. Else a door that somebody answered stays answered, whatever two phones
/// of a pair noted beside it; among equals the entry with the greatest id stands.
pub fn fold(visits: impl IntoIterator<Item = Seen>) -> Option<Outcome> {
    fn rank(outcome: Outcome) -> u8 {
        match outcome {
            Outcome::DoNotKnock => 4,
            Outcome::Talked | Outcome::Declined | Outcome::IntercomTalked | Outcome::IntercomDeclined | Outcome::Done => 3,
            Outcome::ComeBack => 2,
            Outcome::NotHome | Outcome::NoAccess | Outcome::IntercomLetIn => 1,
            Outcome::LeafletOnly => 0,
        }
    }
    visits.into_iter().max_by_key(|seen| (rank(seen.outcome), seen.id)).map(|seen| seen.outcome)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_outcome_reads_back_from_its_name() {
        for outcome in Outcome::CHOICES.into_iter().chain([Outcome::Done]) {
            assert_eq!(Outcome::parse(outcome.name()), Some(outcome));
            assert_eq!(serde_json::to_string(&outcome).unwrap(), format!("\"{}\"", outcome.name()));
        }
    }

    proptest! {
        #[test]
        fn the_state_of_a_door_does_not_depend_on_the_order_of_its_visits(picks in prop::collection::vec((0usize..10, any::<u128>()), 0..12), turn in 0usize..12) {
            let seen: Vec<Seen> = picks.iter().map(|(i, id)| Seen { id: Uuid::from_u128(*id), outcome: Outcome::CHOICES[*i] }).collect();
            let mut turned = seen.clone();
            if !turned.is_empty() {
                let by = turn % turned.len();
                turned.rotate_left(by);
            }
            prop_assert_eq!(fold(seen.clone()), fold(turned));
            if seen.iter().any(|s| s.outcome == Outcome::DoNotKnock) {
                prop_assert_eq!(fold(seen), Some(Outcome::DoNotKnock));
            }
        }
    }
}
