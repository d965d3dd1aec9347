//! `dorbank officer`.

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use dorbank_server::{
    auth::{
        link,
        officer::{self, NewOfficer},
    },
    state::AppState,
    store,
};
use dorbank_shared::{officer::email, principal::Role};

use super::out::say;

/// What can be done with officers.
#[derive(Debug, Subcommand)]
pub enum Officer {
    /// Add an officer and print a link to sign in with.
    ///
    /// The link is good for 15 minutes and one use, in the first browser that opens it. The first officer of a server
    /// comes to be this way.
    Add {
        /// Their name.
        #[arg(long)]
        name: String,
        /// Their address, by which you name them later.
        #[arg(long)]
        email: String,
        /// What they are there for.
        #[arg(long)]
        role: RoleName,
        /// The name of their local branch; a lead and an organiser have one.
        #[arg(long)]
        branch: Option<String>,
        /// The number of their district, for a member of a district's committee.
        #[arg(long)]
        district: Option<String>,
    },
    /// List the officers.
    List,
    /// Print a new link to sign in with, good for 15 minutes and one use.
    ///
    /// This server sends no mail: whoever runs it makes links and hands them over.
    Link {
        /// The officer's address.
        email: String,
    },
}

/// A role, as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleName {
    /// Leads shifts of a branch: admits phones.
    Lead,
    /// Plans a branch's campaigns.
    Organiser,
    /// Reads what was heard.
    Committee,
    /// Reads and codes what was said.
    Reviewer,
    /// The county: plans and reads everything, adds officers.
    County,
    /// Watches over privacy.
    Privacy,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Lead => Self::Lead,
            RoleName::Organiser => Self::Organiser,
            RoleName::Committee => Self::Committee,
            RoleName::Reviewer => Self::Reviewer,
            RoleName::County => Self::County,
            RoleName::Privacy => Self::Privacy,
        }
    }
}

/// Does it.
pub async fn run(state: &AppState, verb: Officer) -> anyhow::Result<()> {
    match verb {
        Officer::Add { name, email, role, branch, district } => {
            let branch = match branch {
                Some(name) => Some(branch_named(state, &name).await?),
                None => None,
            };
            let role = Role::from(role);
            anyhow::ensure!(!role.needs_branch() || branch.is_some(), "the role {} needs --branch", role.name());
            let added = officer::add(state, None, NewOfficer { name, email, role, branch, district }).await;
            let added = added.map_err(|error| anyhow::anyhow!("the officer was not added: {}", explain(error.code().name())))?;
            print_link(state, added.id).await
        }
        Officer::List => {
            let officers = store::officer::all(&mut state.db.read().await?).await?;
            if officers.is_empty() {
                say!("There is no officer yet. Add the first: dorbank officer add --name NAME --email ADDRESS --role county");
            }
            for officer in officers {
                let stopped = if officer.active { "" } else { "\tstopped" };
                say!("{}\t{}\t{}{stopped}", officer.email, officer.role.name(), officer.name);
            }
            Ok(())
        }
        Officer::Link { email: address } => {
            let address = email(&address).context("that is no address")?;
            let found = store::officer::by_email(&mut state.db.read().await?, &address).await?.context("no officer has this address")?;
            anyhow::ensure!(found.active, "this officer was stopped");
            print_link(state, found.id).await
        }
    }
}

fn explain(code: &str) -> &str {
    match code {
        "malformed" => "a name and an address like kari@example.no are needed",
        "not_found" => "there is no such district",
        "exists" => "there is one with this address already; see dorbank officer list",
        other => other,
    }
}

async fn print_link(state: &AppState, officer: uuid::Uuid) -> anyhow::Result<()> {
    let link = link::make(state, officer).await?;
    say!("Open this in the officer's browser within 15 minutes; it works once:\n{link}");
    if state.config.public_url == format!("http://{}", state.config.listen) {
        say!(
            "\nThis link leads to this machine. If people reach the server by another address, say so with --public-url https://HOST (or DORBANK_PUBLIC_URL)."
        );
    }
    Ok(())
}

async fn branch_named(state: &AppState, name: &str) -> anyhow::Result<uuid::Uuid> {
    let branches = store::branch::all(&mut state.db.read().await?).await?;
    let found = branches.iter().find(|branch| branch.name.eq_ignore_ascii_case(name.trim()));
    let known: Vec<&str> = branches.iter().map(|branch| branch.name.as_str()).collect();
    Ok(found.with_context(|| format!("there is no branch of that name; there are: {}", known.join(", ")))?.id)
}
