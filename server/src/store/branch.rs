//! Local branches and the districts they cover.

use dorbank_shared::district::Branch;
use uuid::Uuid;

use super::{Row, StoreError, Tx, parts::around_values};
use crate::{args, statements};

statements! {
    ALL = "SELECT id, name, version FROM branch ORDER BY name";
    FIND = "SELECT id, name, version FROM branch WHERE id = $1";
    ALL_DISTRICTS = "SELECT branch, district FROM branch_district ORDER BY district";
    DISTRICTS = "SELECT district FROM branch_district WHERE branch = $1 ORDER BY district";
    OF_DISTRICT = "SELECT b.id, b.name, b.version FROM branch b JOIN branch_district d ON d.branch = b.id \
        WHERE d.district = $1 ORDER BY b.name";
    INSERT = "INSERT INTO branch (id, name) VALUES ($1, $2)";
    COVER = "INSERT INTO branch_district (branch, district) VALUES ($1, $2)";
}

fn branch(row: &Row) -> Result<Branch, StoreError> {
    Ok(Branch { id: row.get(0)?, name: row.get(1)?, districts: Vec::new(), version: row.get(2)? })
}

/// All branches, by name.
pub async fn all(tx: &mut Tx) -> Result<Vec<Branch>, StoreError> {
    let mut branches: Vec<Branch> = tx.all(ALL, args![]).await?.iter().map(branch).collect::<Result<_, _>>()?;
    for row in tx.all(ALL_DISTRICTS, args![]).await? {
        let id: Uuid = row.get(0)?;
        if let Some(branch) = branches.iter_mut().find(|branch| branch.id == id) {
            branch.districts.push(row.get(1)?);
        }
    }
    Ok(branches)
}

/// One branch.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Branch>, StoreError> {
    let Some(row) = tx.one(FIND, args![id]).await? else { return Ok(None) };
    let mut found = branch(&row)?;
    for row in tx.all(DISTRICTS, args![id]).await? {
        found.districts.push(row.get(0)?);
    }
    Ok(Some(found))
}

/// The branches that cover a district; their own lists of districts are left empty.
pub async fn of_district(tx: &mut Tx, number: &str) -> Result<Vec<Branch>, StoreError> {
    tx.all(OF_DISTRICT, args![number]).await?.iter().map(branch).collect()
}

/// Writes new branches with their districts.
pub async fn insert(tx: &mut Tx, branches: &[Branch]) -> Result<(), StoreError> {
    let (head, tail) = around_values(INSERT);
    tx.many(head, branches.iter().map(|b| args![b.id, b.name.as_str()]).collect(), tail).await?;
    let (head, tail) = around_values(COVER);
    let covered = branches.iter().flat_map(|b| b.districts.iter().map(|number| args![b.id, number.as_str()]));
    tx.many(head, covered.collect(), tail).await?;
    Ok(())
}
