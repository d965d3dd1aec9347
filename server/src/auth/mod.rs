//! Who somebody is: phones by a credential, officers by a cookie, and how each comes by it.

pub mod codes;
pub mod credential;
pub mod demo;
pub mod join;
pub mod lead;
pub mod link;
pub mod officer;
pub mod session;

pub use credential::device;
pub use join::renew;
pub use session::officer;
