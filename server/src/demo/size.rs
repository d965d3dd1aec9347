//! How big a demo is, and how much was done in it before now.

/// How big a demo is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Size {
    /// For tests and a quick look: a thirtieth of the city, three weeks; three areas pass the mix's gate.
    Small,
    /// A twelfth of the city, eight weeks; most areas pass the gate and some do not.
    #[default]
    Default,
    /// The whole city, a door for each household, with a round as large as a county branch's could be.
    Large,
}

/// How much was done before now, and how it went.
#[derive(Debug, Clone, Copy)]
pub struct Past {
    /// For how many weeks.
    pub weeks: i64,
    /// How many shifts each of the fifteen branches held.
    pub shifts: [i64; 15],
    /// How many pairs walked in a shift, at least and at most.
    pub pairs: (usize, usize),
    /// Of how many of a hundred shifts the turfs were walked a second time, where nobody had opened.
    pub again: u32,
    /// How many turfs are cut that no shift walks yet; absent where the whole city is cut.
    pub spare: Option<usize>,
    /// At how many of a thousand doors that are knocked at somebody talks.
    pub talks: u32,
    /// Of a hundred conversations so many are noted: not everybody says yes when asked.
    pub noted: f64,
}

impl Size {
    /// How many real households one made-up dwelling stands for.
    pub const fn scale(self) -> i64 {
        match self {
            Self::Small => 30,
            Self::Default => 12,
            Self::Large => 1,
        }
    }

    /// What was done before now.
    pub const fn past(self) -> Past {
        let some =
            Past { weeks: 3, shifts: [3, 3, 2, 0, 3, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0], pairs: (4, 4), again: 0, spare: None, talks: 200, noted: 0.72 };
        match self {
            Self::Small => some,
            Self::Default => Past { weeks: 8, shifts: [9, 8, 7, 6, 6, 2, 3, 5, 2, 1, 0, 5, 6, 4, 3], pairs: (4, 5), ..some },
            Self::Large => Past {
                weeks: 8,
                shifts: [14, 13, 12, 11, 11, 5, 6, 9, 4, 2, 1, 8, 9, 7, 6],
                pairs: (5, 8),
                again: 50,
                spare: Some(2),
                talks: 245,
                noted: 0.42,
            },
        }
    }
}
