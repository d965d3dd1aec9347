//! A person with a role.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::principal::{OfficerPrincipal, Role};

/// An officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Officer {
    /// Their id.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// Their address, in lower case; one officer an address.
    pub email: String,
    /// What they are there for.
    pub role: Role,
    /// Their branch, where the role has one.
    pub branch: Option<Uuid>,
    /// The number of their district, where the role has one.
    pub district: Option<String>,
    /// Whether they may sign in.
    pub active: bool,
    /// Counted up with each change.
    pub version: i64,
}

impl Officer {
    /// Who they are to a route.
    pub fn principal(&self) -> OfficerPrincipal {
        OfficerPrincipal { id: self.id, role: self.role, branch: self.branch, district: self.district.clone() }
    }
}

/// An address as it is kept: trimmed, in lower case, with something on either side of one `@`. Nothing where it is none.
pub fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (name, host) = text.split_once('@')?;
    let fits = !name.is_empty() && host.contains('.') && !host.contains('@') && text.len() <= 254 && !text.contains(char::is_whitespace);
    fits.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_one_spelling() {
        assert_eq!(email(" Kari@Example.NO "), Some("kari@example.no".into()));
        for wrong in ["", "kari", "@example.no", "kari@no", "ka ri@example.no", "a@b@c.no"] {
            assert_eq!(email(wrong), None, "{wrong}");
        }
    }
}
