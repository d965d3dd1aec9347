//! The report as one page that needs nothing else: no script, no file beside it, nothing from anywhere.

use std::fmt::Write as _;

use dorbank_shared::words::{Words, key};

use super::{
    Detail, Finding, Report,
    map::{self, Map},
    report::Kind,
    rules,
};

/// How many of a kind are written out unless all are asked for.
const SHOWN: usize = 200;

/// Text that is safe inside an element and inside quotes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The page, in one of the three languages.
pub fn page(report: &Report, language: &str, all: bool) -> String {
    let page = Page { report, words: Words::calling_a_district(language, report.city.noun), most: if all { usize::MAX } else { SHOWN } };
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = page.write(&mut out);
    out
}

struct Page<'a> {
    report: &'a Report,
    words: Words,
    most: usize,
}

/// Numbers apart by thousands, as everywhere.
fn number(n: u64) -> String {
    dorbank_app::office::text::number(n)
}

fn count(n: usize) -> String {
    number(n as u64)
}

impl Page<'_> {
    fn t(&self, key: &str) -> String {
        escape(self.words.get(key))
    }

    fn with(&self, key: &str, values: &[(&str, &str)]) -> String {
        escape(&self.words.with(key, values))
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let report = self.report;
        let title = self.t(key::CHECK_TITLE);
        write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n",
            self.words.language()
        )?;
        let (entrances, doors) = (count(report.city.houses.len()), number(report.doors()));
        writeln!(out, "<p>{}</p>", self.with(key::CHECK_ABOUT, &[("entrances", &entrances), ("doors", &doors)]))?;
        if report.city.vanished > 0 {
            writeln!(out, "<p class=\"soft\">{}</p>", self.with(key::CHECK_VANISHED, &[("n", &number(report.city.vanished))]))?;
        }
        self.summary(out)?;
        let map = map::draw(report, |finding| format!("{}: {}", self.words.get(finding.kind.words().0), self.line(finding)));
        if let Some(map) = &map {
            self.map(out, map)?;
        }
        for kind in Kind::ALL {
            self.kind(out, kind)?;
        }
        self.districts(out)?;
        self.units(out)?;
        writeln!(out, "</main>")?;
        if let Some(credit) = &report.credit {
            writeln!(out, "<footer><p>{}</p></footer>", escape(&credit.said(&self.words)))?;
        }
        out.write_str("</body>\n</html>\n")
    }

    fn summary(&self, out: &mut String) -> std::fmt::Result {
        if self.report.findings.is_empty() {
            return writeln!(out, "<p class=\"good\">{}</p>", self.t(key::CHECK_NOTHING));
        }
        writeln!(out, "<h2>{}</h2>\n<ul class=\"legend\">", self.t(key::CHECK_FOUND))?;
        for kind in Kind::ALL {
            let found = self.report.of_kind(kind).len();
            if found > 0 {
                let class = kind.class();
                writeln!(
                    out,
                    "<li><a href=\"#{class}-{}\"><span class=\"mark {class}\"></span>{} <b>{}</b></a></li>",
                    kind as u8,
                    self.t(kind.words().0),
                    count(found)
                )?;
            }
        }
        writeln!(out, "</ul>")
    }

    fn map(&self, out: &mut String, map: &Map) -> std::fmt::Result {
        writeln!(
            out,
            "<h2 id=\"map\">{0}</h2>\n<figure>\n<svg viewBox=\"{1}\" role=\"img\" aria-labelledby=\"map-title map-text\">\n\
             <title id=\"map-title\">{0}</title>\n<desc id=\"map-text\">{2}</desc>\n<g id=\"city\">{3}</g>\n<g class=\"labels\" aria-hidden=\"true\">{4}</g>\n</svg>\n\
             <figcaption>{2}</figcaption>\n</figure>",
            self.t(key::CHECK_MAP),
            map.whole.text(),
            self.t(key::CHECK_MAP_TEXT),
            map.drawing,
            map.labels
        )?;
        if map.beyond > 0 {
            writeln!(out, "<p class=\"soft\">{}</p>", self.with(key::CHECK_MAP_BEYOND, &[("n", &count(map.beyond))]))?;
        }
        let large = self.t(key::CHECK_MAP_LARGE);
        writeln!(
            out,
            "<details><summary>{large}</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{large}\">\
             <svg class=\"large\" viewBox=\"{}\" aria-hidden=\"true\"><use href=\"#city\"/></svg></div></details>",
            map.whole.text()
        )?;
        for row in &self.report.districts {
            let Some(view) = map.districts.get(&row.number) else { continue };
            let found =
                self.report.findings.iter().filter(|finding| finding.house.is_some() && finding.district.as_ref() == Some(&row.number)).count();
            if found > 0 {
                let name = escape(&self.report.city.district_name(&row.number));
                writeln!(
                    out,
                    "<details><summary>{name} <b>{}</b></summary><svg viewBox=\"{}\" role=\"img\" aria-label=\"{name}\"><use href=\"#city\"/></svg></details>",
                    count(found),
                    view.text()
                )?;
            }
        }
        Ok(())
    }

    fn kind(&self, out: &mut String, kind: Kind) -> std::fmt::Result {
        let found = self.report.of_kind(kind);
        let total = found.len();
        if total == 0 {
            return Ok(());
        }
        let (title, rule) = kind.words();
        writeln!(
            out,
            "<section>\n<h2 id=\"{0}-{1}\"><span class=\"mark {0}\"></span>{2} <b>{3}</b></h2>\n<p class=\"soft\">{4}</p>\n<ul>",
            kind.class(),
            kind as u8,
            self.t(title),
            count(total),
            self.t(rule)
        )?;
        for finding in found.take(self.most) {
            writeln!(out, "<li>{}</li>", escape(&self.line(finding)))?;
        }
        writeln!(out, "</ul>")?;
        if total > self.most {
            writeln!(out, "<p class=\"soft\">{}</p>", self.with(key::CHECK_MORE, &[("n", &count(total - self.most))]))?;
        }
        writeln!(out, "</section>")
    }

    /// A finding in words.
    fn line(&self, finding: &Finding) -> String {
        let mut place = self.report.place(finding);
        if place.is_empty() {
            place = self.words.with(key::CHECK_NO_DISTRICTS, &[("command", "dorbank import districts FILE")]);
        } else if let (Some(_), Some(district)) = (finding.house, &finding.district) {
            let _ = write!(place, " ({})", self.report.city.district_name(district));
        }
        match &finding.detail {
            Detail::None => place,
            Detail::Others(others) => {
                let (key, said) = if finding.kind == Kind::SameAddress {
                    (key::CHECK_TIMES, count(others.len() + 1))
                } else {
                    (key::CHECK_THERE_TOO, self.report.others(finding).join(", "))
                };
                self.words.with(key, &[("place", &place), ("what", &said)])
            }
            Detail::Label(label) => format!("{place}: {label}"),
            Detail::Far(metres, limit) => {
                let (metres, limit) = (format!("{metres:.0}"), format!("{limit:.0}"));
                self.words.with(key::CHECK_METRES, &[("place", &place), ("metres", &metres), ("limit", &limit)])
            }
            Detail::Doors(doors, households) => {
                let (doors, households) = (number(*doors), number(households.unsigned_abs()));
                self.words.with(key::CHECK_DOORS_OF, &[("place", &place), ("doors", &doors), ("households", &households)])
            }
        }
    }

    fn heads(&self, keys: &[&str]) -> String {
        keys.iter().fold(String::new(), |out, key| out + "<th scope=\"col\">" + &self.t(key) + "</th>")
    }

    fn districts(&self, out: &mut String) -> std::fmt::Result {
        let heads =
            self.heads(&[key::CHECK_DISTRICT, key::CHECK_ENTRANCES, key::CHECK_DOORS, key::CHECK_HOUSEHOLDS_COLUMN, key::CHECK_DOORS_PER_100]);
        let title = self.t(key::CHECK_BY_DISTRICT);
        writeln!(
            out,
            "<section>\n<h2>{title}</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\"><table><thead><tr>{heads}</tr></thead><tbody>"
        )?;
        for row in &self.report.districts {
            let name =
                if row.number.is_empty() { self.words.get(key::CHECK_IN_NONE).to_owned() } else { self.report.city.district_name(&row.number) };
            let households = u64::try_from(row.households).ok().filter(|n| *n > 0).map_or_else(|| "–".to_owned(), number);
            let share = rules::doors_per_100(row.doors, row.households).map_or_else(|| "–".to_owned(), number);
            writeln!(
                out,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{households}</td><td>{share}</td></tr>",
                escape(&name),
                number(row.entrances),
                number(row.doors)
            )?;
        }
        writeln!(out, "</tbody></table></div>\n</section>")
    }

    fn units(&self, out: &mut String) -> std::fmt::Result {
        let heads = self.heads(&[key::CHECK_UNIT, key::CHECK_DISTRICT, key::CHECK_ENTRANCES, key::CHECK_DOORS]);
        let title = self.t(key::CHECK_BY_UNIT);
        writeln!(
            out,
            "<section>\n<details><summary>{title} <b>{}</b></summary>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\">\
             <table><thead><tr>{heads}</tr></thead><tbody>",
            count(self.report.units.len())
        )?;
        for row in &self.report.units {
            let name = if row.number.is_empty() { "–" } else { &row.number };
            writeln!(
                out,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(name),
                escape(&row.districts.join(", ")),
                number(row.entrances),
                number(row.doors)
            )?;
        }
        writeln!(out, "</tbody></table></div></details>\n</section>")
    }
}

const STYLE: &str = include_str!("page.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(escape("<b a='1' c=\"2\">&</b>"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;&lt;/b&gt;");
    }
}
