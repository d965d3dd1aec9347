//! Who asks: nobody in particular, a phone with the rights of its shift, or an officer with a role and a scope.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sync::wire::Admission;

/// What an officer is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Aksjonsleder.
    Lead,
    /// Dørbankansvarlig.
    Organiser,
    /// A member of a programme committee.
    Committee,
    /// Gjennomleser.
    Reviewer,
    /// The county's own.
    County,
    /// The privacy officer.
    Privacy,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Lead, Self::Organiser, Self::Committee, Self::Reviewer, Self::County, Self::Privacy];

    /// The name in the store and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Organiser => "organiser",
            Self::Committee => "committee",
            Self::Reviewer => "reviewer",
            Self::County => "county",
            Self::Privacy => "privacy",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether the role means nothing without a branch.
    pub const fn needs_branch(self) -> bool {
        matches!(self, Self::Lead | Self::Organiser)
    }

    /// The page that an officer with this role begins at.
    pub const fn home(self) -> &'static str {
        match self {
            Self::Lead | Self::Organiser => "/plan",
            Self::Committee | Self::Reviewer | Self::Privacy | Self::County => "/programme",
        }
    }
}

/// A phone, and what it may do: its shift's capability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePrincipal {
    /// The device.
    pub id: Uuid,
    /// The shift that it joined.
    pub shift: Uuid,
    /// The shift's campaign.
    pub campaign: Uuid,
    /// The turf that the lead gave it.
    pub turf: Option<Uuid>,
    /// Where it stands.
    pub admission: Admission,
}

/// An officer, signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficerPrincipal {
    /// The officer.
    pub id: Uuid,
    /// What they are there for.
    pub role: Role,
    /// Their branch, where the role has one.
    pub branch: Option<Uuid>,
    /// The number of their district, where the role has one.
    pub district: Option<String>,
}

impl OfficerPrincipal {
    /// Whether something that belongs to `branches` is theirs: the county's is all.
    pub fn covers(&self, branches: &[Uuid]) -> bool {
        self.role == Role::County || self.branch.is_some_and(|own| branches.contains(&own))
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Nobody in particular.
    Anyone,
    /// A phone.
    Device(DevicePrincipal),
    /// An officer.
    Officer(OfficerPrincipal),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_reads_back_from_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{}\"", role.name()));
        }
        assert_eq!(Role::parse("king"), None);
    }

    #[test]
    fn only_the_county_covers_another_branch() {
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let officer = |role| OfficerPrincipal { id: Uuid::nil(), role, branch: Some(own), district: None };
        assert!(officer(Role::Lead).covers(&[other, own]));
        assert!(!officer(Role::Lead).covers(&[other]));
        assert!(officer(Role::County).covers(&[other]));
        assert!(!OfficerPrincipal { branch: None, ..officer(Role::Organiser) }.covers(&[own]));
    }
}
