//! What a page shows, as data. The server fills it, the browser gets it with the page, and the live page asks for it again.
//!
//! Times and dates are already words in the reader's language, so that the server and the browser cannot write them
//! differently. Counts of what was said come as [`Figure`]: a small one has no number that could be shown.

use dorbank_shared::{district::Noun, principal::Role, release::Shown, share::Share};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub mod clarify;
pub mod intake;
pub mod status;

/// A page: its frame and what stands in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// What is the same on every page.
    pub frame: Frame,
    /// What this page is about.
    pub body: Body,
}

/// What is the same on every page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// `nb`, `nn` or `en`.
    pub language: String,
    /// What a district is called.
    pub district: Noun,
    /// Whether the database is stamped demo.
    pub demo: bool,
    /// Who is signed in.
    pub person: Option<Person>,
    /// The address of this page, without its language.
    pub here: String,
    /// Whose data the addresses are, in words, as their licence asks; none where none were imported.
    pub credit: Option<String>,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their name.
    pub name: String,
    /// What they are there for.
    pub role: Role,
}

/// What a page is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// What this is.
    Front,
    /// What is stored about whom.
    Privacy,
    /// How to sign in.
    SignIn(SignIn),
    /// The button behind a link.
    SignInLink(SignInLink),
    /// The shifts.
    Plan(Plan),
    /// One shift, live.
    Shift(Box<ShiftPage>),
    /// What waits to be counted or discarded.
    Clarify(Box<clarify::Clarify>),
    /// One entry of that, to find its door.
    ClarifyOne(Box<clarify::ClarifyOne>),
    /// Whether everything has come in.
    Status(Box<status::Status>),
    /// A file from a phone.
    Intake(Box<intake::Intake>),
    /// What was heard.
    Programme(Box<Programme>),
    /// The county's lists.
    Admin(Box<Admin>),
    /// Something did not work.
    Trouble(Trouble),
}

/// How to sign in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// What led here: a link that was refused, a page that is not theirs.
    pub notice: Option<Notice>,
    /// On a database stamped demo: who one can be. Empty elsewhere.
    pub people: Vec<DemoPerson>,
}

/// What a page says first, because the last thing that the reader did was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// The link is used, run out, or another browser's.
    LinkRefused,
    /// Something else.
    Trouble(Trouble),
}

/// Somebody whom a visitor of a demo can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoPerson {
    /// The officer.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// What they are there for.
    pub role: Role,
    /// Their branch, where they have one.
    pub branch: Option<String>,
}

/// The button behind a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInLink {
    /// Whether the link can still be used.
    pub usable: bool,
}

/// The shifts that the reader may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Whose shifts they are; absent for the county, which sees all.
    pub branch: Option<String>,
    /// How much waits to be clarified; absent for those who do not do that.
    pub clarify: Option<i64>,
    /// Those of today, by time.
    pub today: Vec<ShiftRow>,
    /// Later ones, the next first.
    pub coming: Vec<ShiftRow>,
    /// Earlier ones, the last first.
    pub past: Vec<ShiftRow>,
}

/// A shift in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShiftRow {
    /// The shift.
    pub id: Uuid,
    /// The key of the word for its kind.
    pub kind: String,
    /// "tirsdag 24. november 2026".
    pub date: String,
    /// "17.00".
    pub from: String,
    /// "19.00".
    pub to: String,
    /// Where it meets.
    pub place: String,
    /// What its campaign is called.
    pub campaign: String,
    /// Whether it goes on now.
    pub now: bool,
    /// How many turfs it has.
    pub turfs: i64,
    /// How many phones were let in.
    pub phones: i64,
    /// How many phones wait.
    pub waiting: i64,
}

/// One shift, as its lead sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShiftPage {
    /// The shift.
    pub id: Uuid,
    /// Its version, which every change sends back.
    pub version: i64,
    /// Why the lead's last change was refused.
    pub notice: Option<Notice>,
    /// The key of the word for its kind.
    pub kind: String,
    /// "tirsdag 24. november 2026".
    pub date: String,
    /// "17.00".
    pub from: String,
    /// "19.00".
    pub to: String,
    /// Where it meets.
    pub place: String,
    /// What its campaign is called.
    pub campaign: String,
    /// The event in Zetkin.
    pub zetkin: Option<String>,
    /// Its code, while it is valid.
    pub code: Option<Code>,
    /// Its turfs, by number.
    pub turfs: Vec<TurfRow>,
    /// Phones that wait.
    pub waiting: Vec<PhoneRow>,
    /// Phones that take part.
    pub admitted: Vec<PhoneRow>,
    /// How it goes; absent once it is deleted who did what.
    pub board: Option<Board>,
}

/// The code of a shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// As it is typed, in groups.
    pub typed: String,
    /// Where it is typed.
    pub address: String,
    /// Valid from then.
    pub from: String,
    /// Valid until then.
    pub to: String,
    /// Typing is locked until then.
    pub locked_until: Option<String>,
}

/// A turf of the shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurfRow {
    /// The turf.
    pub id: Uuid,
    /// "Rode 4".
    pub number: i64,
    /// "Tøyengata øst".
    pub name: String,
    /// How many doors it has.
    pub doors: i64,
    /// How many of them somebody has been at.
    pub done: i64,
    /// The signs of the phones that walk it.
    pub signs: Vec<String>,
}

/// A phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneRow {
    /// The device.
    pub id: Uuid,
    /// Its two characters.
    pub sign: String,
    /// Its version, which every change sends back.
    pub version: i64,
    /// Its turf.
    pub turf: Option<Uuid>,
    /// How many entries it says it has not sent.
    pub unsent: i64,
    /// How many minutes ago it was last seen, in whole fives.
    pub seen_minutes: i64,
}

/// How the shift goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// "18.05".
    pub at: String,
    /// Doors knocked at.
    pub doors: i64,
    /// Doors that somebody opened.
    pub opened: Figure,
    /// Conversations.
    pub talked: Figure,
}

/// A count as it may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Figure {
    /// The area is not open yet.
    Closed,
    /// Fewer than ten, or none.
    Under,
    /// This many.
    Exact(u64),
    /// All but fewer than ten.
    NearlyAll,
    /// This many or more.
    AtLeast(u64),
    /// Not shown; whether because it is small or because its rest is, is not said.
    Hidden,
}

impl Figure {
    /// A count of our own, hidden below ten.
    pub const fn of(count: u64) -> Self {
        if count < dorbank_shared::release::K { Self::Under } else { Self::Exact(count) }
    }

    /// The number, where one may be shown.
    pub const fn number(self) -> Option<u64> {
        match self {
            Self::Exact(n) | Self::AtLeast(n) => Some(n),
            Self::Closed | Self::Under | Self::NearlyAll | Self::Hidden => None,
        }
    }
}

impl From<Shown> for Figure {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Closed => Self::Closed,
            Shown::Under => Self::Under,
            Shown::Exact(n) => Self::Exact(n),
            Shown::NearlyAll => Self::NearlyAll,
            Shown::AtLeast(n) => Self::AtLeast(n),
        }
    }
}

/// What was heard, at one release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Programme {
    /// What the round is called.
    pub round: Option<String>,
    /// The release that was asked for and that there is not.
    pub missing: Option<String>,
    /// The release that is shown.
    pub release: Option<ReleaseRow>,
    /// All releases of the round, the last first.
    pub releases: Vec<ReleaseRow>,
    /// Every area.
    pub areas: Vec<AreaRow>,
    /// The city.
    pub city: Option<AreaView>,
    /// The area that was chosen.
    pub chosen: Option<AreaView>,
}

/// A release in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRow {
    /// Its number in the round.
    pub number: i64,
    /// When it was frozen.
    pub date: String,
}

/// An area in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaRow {
    /// Its number.
    pub number: String,
    /// What it is called.
    pub name: String,
    /// How many inputs.
    pub base: Figure,
    /// Who was reached.
    pub reach: Reach,
}

/// An area, or the city, with its topics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AreaView {
    /// Its number; absent for the city.
    pub number: Option<String>,
    /// What it is called; absent for the city.
    pub name: Option<String>,
    /// How many inputs.
    pub base: Figure,
    /// Who was reached.
    pub reach: Reach,
    /// How many live there, where that is known of all of it.
    pub households: Option<HouseholdsView>,
    /// Its topics, the most heard first. Empty while it is closed.
    pub topics: Vec<TopicRow>,
}

/// How many households live somewhere, as others counted them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdsView {
    /// So many.
    pub households: u64,
    /// The year and who says so: "2018, Oslo kommune". Empty where nobody said.
    pub of: String,
}

/// Who was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Doors knocked at.
    pub doors: Figure,
    /// Doors that somebody opened.
    pub opened: Figure,
    /// Conversations.
    pub talked: Figure,
}

/// A topic in an area.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopicRow {
    /// What it is called, in the reader's language.
    pub name: String,
    /// How many raised it.
    pub figure: Figure,
    /// How large a part that is, where the base is large enough to say so.
    pub share: Option<Share>,
    /// At the close of a round: how many raised it in areas where it never had a figure, together.
    pub elsewhere: Option<u64>,
}

/// The county's lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admin {
    /// The rounds, the last first.
    pub rounds: Vec<RoundRow>,
    /// The campaigns, the last first.
    pub campaigns: Vec<CampaignRow>,
    /// How many districts, branches, entrances and doors there are.
    pub register: Register,
    /// The officers.
    pub officers: Vec<OfficerRow>,
    /// The jobs that the server runs by itself.
    pub jobs: Vec<JobRow>,
    /// The areas, and whether each is open.
    pub areas: Vec<(String, bool)>,
    /// The districts, by number.
    pub districts: Vec<DistrictRow>,
    /// Which are read together.
    pub groups: Vec<GroupRow>,
    /// Whose lines are on the map.
    pub lines: Vec<LinesRow>,
    /// Entries that could not be applied and wait for somebody.
    pub quarantined: i64,
}

/// A district in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistrictRow {
    /// Its number.
    pub number: String,
    /// What it is called.
    pub name: String,
    /// What the district is called that it is counted together with.
    pub with: Option<String>,
    /// How many households live there.
    pub households: Option<HouseholdsView>,
}

/// A group of districts in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    /// What it is called.
    pub name: String,
    /// Who groups them so.
    pub source: String,
    /// What its districts are called.
    pub districts: Vec<String>,
}

/// Lines of the map by who drew them, in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinesRow {
    /// What must stand wherever they are drawn.
    pub credit: String,
    /// How many there are.
    pub lines: u64,
    /// When they were imported.
    pub date: String,
}

/// How much was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// Districts.
    pub districts: i64,
    /// Branches.
    pub branches: i64,
    /// Entrances.
    pub entrances: i64,
    /// Doors.
    pub doors: i64,
}

/// A round in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundRow {
    /// What it is called.
    pub name: String,
    /// `draft`, `open` or `closed`.
    pub state: String,
    /// Its first day.
    pub from: String,
    /// Its last day.
    pub to: String,
}

/// A campaign in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignRow {
    /// What it is called.
    pub name: String,
    /// Its branch.
    pub branch: String,
    /// `listen` or `election`.
    pub purpose: String,
    /// Its first day.
    pub from: String,
    /// Its last day.
    pub to: String,
}

/// An officer in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficerRow {
    /// Their name.
    pub name: String,
    /// What they are there for.
    pub role: Role,
    /// Their branch.
    pub branch: Option<String>,
    /// Whether they may sign in.
    pub active: bool,
}

/// A job in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// `mix`, `release` or `coarsen`.
    pub name: String,
    /// When it last ran.
    pub last: Option<String>,
}

/// What did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// Nobody is signed in.
    SignIn,
    /// This is not theirs.
    Forbidden,
    /// There is no such page.
    NotFound,
    /// Somebody else changed it.
    Stale,
    /// The form could not be read.
    Refused,
    /// Try again later.
    Busy,
    /// The server failed.
    Failed,
}
