//! The lines that reports of imports are made of.

use std::fmt;

pub(super) fn heading(f: &mut fmt::Formatter<'_>, what: &str, dry_run: bool) -> fmt::Result {
    writeln!(f, "{what}: {}", if dry_run { "tried only; nothing was written" } else { "imported" })
}

pub(super) fn line(f: &mut fmt::Formatter<'_>, count: usize, what: &str) -> fmt::Result {
    writeln!(f, "{count:>9}  {what}")
}

/// A line that is only worth reading when it happened.
pub(super) fn some(f: &mut fmt::Formatter<'_>, count: usize, what: &str) -> fmt::Result {
    if count == 0 { Ok(()) } else { line(f, count, what) }
}

/// An area as a person thinks of it: square metres up to a hectare, then hectares, then square kilometres.
pub(super) fn area(square_metres: f64) -> String {
    match square_metres {
        m if m < 10_000.0 => format!("{m:.0} m²"),
        m if m < 1_000_000.0 => format!("{:.1} ha", m / 10_000.0),
        m => format!("{:.1} km²", m / 1_000_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_told_in_the_unit_that_fits() {
        assert_eq!([12.4, 9_999.0, 25_000.0, 3_140_000.0].map(area), ["12 m²", "9999 m²", "2.5 ha", "3.1 km²"]);
    }
}
