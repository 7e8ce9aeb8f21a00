//! Counts as text, in the exposition format that Prometheus reads, version 0.0.4.

use std::fmt::Write;

/// The `Content-Type` of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a number means over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It grows, and begins at 0 with the process.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// One name and what it stands for. All its samples stand together in a text.
#[derive(Clone, Copy, Debug)]
pub struct MetricFamily {
    /// The name: letters, digits and underscores.
    pub name: &'static str,
    /// What the number means over time.
    pub kind: MetricKind,
    /// A sentence for a person.
    pub help: &'static str,
}

/// A text that is being written.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
    name: &'static str,
}

impl Exposition {
    /// Begins a family, to which the samples that follow belong.
    pub fn family(&mut self, family: MetricFamily) {
        let MetricFamily { name, kind, help } = family;
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
        };
        self.name = name;
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One number of the family. No two samples of a family have the same labels.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: u64) {
        self.text.push_str(self.name);
        for (i, (label, of)) in labels.iter().enumerate() {
            self.text.push(if i == 0 { '{' } else { ',' });
            let _ = write!(self.text, "{label}=\"");
            self.escaped(of);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// A family of one number without labels.
    pub fn single(&mut self, family: MetricFamily, value: u64) {
        self.family(family);
        self.sample(&[], value);
    }

    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\\' => self.text.push_str("\\\\"),
                '"' => self.text.push_str("\\\""),
                '\n' => self.text.push_str("\\n"),
                c => self.text.push(c),
            }
        }
    }

    /// The finished text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_a_family_is_announced_once() {
        let mut text = Exposition::default();
        text.family(MetricFamily {
            name: "a_total",
            kind: MetricKind::Counter,
            help: "What it is.",
        });
        text.sample(&[("one", "a\\b\"c\nd"), ("two", "é")], 1);
        text.sample(&[], u64::MAX);
        text.single(MetricFamily { name: "b", kind: MetricKind::Gauge, help: "Another." }, 0);
        let expected = "# HELP a_total What it is.\n# TYPE a_total counter\n\
             a_total{one=\"a\\\\b\\\"c\\nd\",two=\"é\"} 1\n\
             a_total 18446744073709551615\n\
             # HELP b Another.\n# TYPE b gauge\nb 0\n";
        assert_eq!(text.into_text(), expected);
    }
}
