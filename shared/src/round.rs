//! The county's round and its codebook, as a phone needs them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A name in the three languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Name {
    /// Bokmål.
    pub nb: String,
    /// Nynorsk.
    pub nn: String,
    /// English.
    pub en: String,
}

impl Name {
    /// The name in a language (`nb`, `nn`, `en`); bokmål where the language is none of these.
    pub fn in_language(&self, language: &str) -> &str {
        match language {
            "nn" => &self.nn,
            "en" => &self.en,
            _ => &self.nb,
        }
    }
}

/// A topic of the codebook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Topic {
    /// Its id.
    pub id: Uuid,
    /// The topic that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Uuid>,
    /// What it is called.
    pub name: Name,
}

/// The round, as far as a phone needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoundBundle {
    /// Its id.
    pub id: Uuid,
    /// "høst 2026".
    pub name: String,
    /// P-256, uncompressed SEC1 (65 bytes), base64url without padding. Inputs are sealed to it.
    pub public_key: String,
    /// The codebook, in order.
    pub topics: Vec<Topic>,
}
