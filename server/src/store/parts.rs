//! One text for a statement that is prepared with one row and run with many.

/// What stands before and after the `VALUES (…)` of a statement, for `Tx::many`.
///
/// The statement is written whole, with one row, so that the test that prepares every statement can prepare it.
pub(super) fn around_values(sql: &'static str) -> (&'static str, &'static str) {
    let (head, rest) = sql.split_once("VALUES (").unwrap_or((sql, ""));
    (head, rest.split_once(')').map_or("", |(_, tail)| tail))
}

/// What stands before and after the list of a statement that ends in `IN ($n)`, for `Tx::all_in`.
pub(super) fn around_list(sql: &'static str) -> (&'static str, &'static str) {
    let (head, rest) = sql.split_once("IN (").unwrap_or((sql, ""));
    (&sql[..head.len() + "IN".len()], rest.split_once(')').map_or("", |(_, tail)| tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_cut_at_its_values_and_at_its_list() {
        assert_eq!(around_values("INSERT INTO a (b) VALUES ($1) RETURNING b"), ("INSERT INTO a (b) ", " RETURNING b"));
        assert_eq!(around_values("INSERT INTO a (b) VALUES ($1)"), ("INSERT INTO a (b) ", ""));
        assert_eq!(around_list("SELECT b FROM a WHERE c = $1 AND b IN ($2) ORDER BY b"), ("SELECT b FROM a WHERE c = $1 AND b IN", " ORDER BY b"));
    }
}
