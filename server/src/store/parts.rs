//! One text for a statement that is prepared with one row and run with many, and where its arguments go.

use std::fmt::Write as _;

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

/// How a long statement says where its arguments go.
///
/// SQLite keeps the names of arguments in a list, `$7` and `?7` being names, and sqlx asks it for each: the time grows
/// with the square of their number, and with the 2,400 of a batch of visits it was two thirds of a push. A bare `?` has
/// no name. PostgreSQL only knows `$7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholders {
    /// `?`
    Bare,
    /// `$7`
    Numbered,
}

impl Placeholders {
    /// `head VALUES ($1, $2), ($3, $4) tail` for so many rows and columns.
    pub(super) fn values(self, head: &str, rows: usize, columns: usize, tail: &str) -> String {
        let mut out = format!("{head} VALUES ");
        for row in 0..rows {
            out.push_str(if row == 0 { "(" } else { ", (" });
            self.places(&mut out, row * columns, columns);
            out.push(')');
        }
        out + " " + tail
    }

    /// `head ($2, $3, $4) tail` for so many keys after so many arguments, which `head` names once each, in their order.
    pub(super) fn list(self, head: &str, first: usize, keys: usize, tail: &str) -> String {
        let mut out = match self {
            Self::Bare => (1..=first).fold(head.to_owned(), |head, number| head.replace(&format!("${number}"), "?")),
            Self::Numbered => head.to_owned(),
        };
        out.push_str(" (");
        self.places(&mut out, first, keys);
        out + ") " + tail
    }

    fn places(self, out: &mut String, before: usize, count: usize) {
        for place in 1..=count {
            out.push_str(if place == 1 { "" } else { ", " });
            match self {
                Self::Bare => out.push('?'),
                Self::Numbered => write!(out, "${}", before + place).expect("a String takes any text"),
            }
        }
    }
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

    #[test]
    fn values_number_their_arguments_row_by_row() {
        assert_eq!(
            Placeholders::Numbered.values("INSERT INTO a", 2, 3, "RETURNING b"),
            "INSERT INTO a VALUES ($1, $2, $3), ($4, $5, $6) RETURNING b"
        );
        assert_eq!(Placeholders::Bare.values("INSERT INTO a", 2, 3, ""), "INSERT INTO a VALUES (?, ?, ?), (?, ?, ?) ");
    }

    #[test]
    fn a_list_comes_after_the_arguments_of_its_head() {
        let head = "SELECT a FROM b WHERE c = $1 AND d = $2 AND e IN";
        assert_eq!(Placeholders::Numbered.list(head, 2, 3, "ORDER BY a"), "SELECT a FROM b WHERE c = $1 AND d = $2 AND e IN ($3, $4, $5) ORDER BY a");
        assert_eq!(Placeholders::Bare.list(head, 2, 3, "ORDER BY a"), "SELECT a FROM b WHERE c = ? AND d = ? AND e IN (?, ?, ?) ORDER BY a");
    }

    /// A bare `?` takes the next argument, so a statement with a list names each of its arguments once, in their order.
    #[test]
    fn lists_name_their_arguments_once_and_in_order() {
        for (file, name, sql) in crate::store::all_statements() {
            if !sql.contains(" IN ($") {
                continue;
            }
            let named: Vec<usize> =
                sql.split('$').skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()).collect();
            assert_eq!(named, (1..=named.len()).collect::<Vec<_>>(), "{file}::{name}");
        }
    }
}
