//! Counts as text, in the exposition format that Prometheus reads, version 0.0.4.

use std::collections::HashMap;
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
    /// How the numbers of several engines become one.
    pub combine: Combine,
}

/// How the numbers of several engines become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// They add up.
    Sum,
    /// The smallest counts.
    Least,
    /// The largest counts.
    Most,
}

impl Combine {
    fn of(self, one: u64, other: u64) -> u64 {
        match self {
            Self::Sum => one.saturating_add(other),
            Self::Least => one.min(other),
            Self::Most => one.max(other),
        }
    }
}

/// Numbers that are collected, to be written as a text.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    families: Vec<(MetricFamily, Vec<MetricSample>)>,
}

/// A number and its labels, as they are written.
#[derive(Clone, Debug)]
struct MetricSample {
    labels: String,
    value: u64,
}

impl Exposition {
    /// Begins a family, to which the samples that follow belong.
    pub fn family(&mut self, family: MetricFamily) {
        self.families.push((family, Vec::new()));
    }

    /// One number of the family. No two samples of a family have the same labels.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: u64) {
        let Some((_, samples)) = self.families.last_mut() else { return };
        let mut text = String::new();
        for (i, (label, of)) in labels.iter().enumerate() {
            text.push(if i == 0 { '{' } else { ',' });
            // Writing to a String cannot fail, here and below.
            let _ = write!(text, "{label}=\"");
            escape(of, &mut text);
            text.push('"');
        }
        if !labels.is_empty() {
            text.push('}');
        }
        samples.push(MetricSample { labels: text, value });
    }

    /// A family of one number without labels.
    pub fn single(&mut self, family: MetricFamily, value: u64) {
        self.family(family);
        self.sample(&[], value);
    }

    /// Adds the numbers of another engine: those with the same labels become one, as their family says.
    pub fn add(&mut self, other: &Self) {
        for (family, theirs) in &other.families {
            let at = self.families.iter().position(|(own, _)| own.name == family.name);
            let at = at.unwrap_or_else(|| {
                self.families.push((*family, Vec::new()));
                self.families.len() - 1
            });
            let Some((_, samples)) = self.families.get_mut(at) else { continue };
            let places: HashMap<&str, usize> =
                theirs.iter().zip(0..).map(|(theirs, at)| (theirs.labels.as_str(), at)).collect();
            let mut is_new = vec![true; theirs.len()];
            for own in samples.iter_mut() {
                if let Some(at) = places.get(own.labels.as_str()) {
                    own.value = family.combine.of(own.value, theirs[*at].value);
                    is_new[*at] = false;
                }
            }
            let new = theirs.iter().zip(is_new).filter(|(_, is_new)| *is_new);
            samples.extend(new.map(|(sample, _)| sample.clone()));
        }
    }

    /// The counters alone.
    #[must_use]
    pub fn counters(&self) -> Self {
        let counts = |(family, _): &&(MetricFamily, _)| family.kind == MetricKind::Counter;
        Self { families: self.families.iter().filter(counts).cloned().collect() }
    }

    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        let mut text = String::new();
        for (MetricFamily { name, kind, help, .. }, samples) in self.families {
            let kind = match kind {
                MetricKind::Counter => "counter",
                MetricKind::Gauge => "gauge",
            };
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for MetricSample { labels, value } in samples {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        }
        text
    }
}

fn escape(of: &str, text: &mut String) {
    for c in of.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn family(name: &'static str, kind: MetricKind, combine: Combine) -> MetricFamily {
        MetricFamily { name, kind, help: "What it is.", combine }
    }

    #[test]
    fn labels_are_escaped_and_a_family_is_announced_once() {
        let mut text = Exposition::default();
        text.family(family("a_total", MetricKind::Counter, Combine::Sum));
        text.sample(&[("one", "a\\b\"c\nd"), ("two", "é")], 1);
        text.sample(&[], u64::MAX);
        text.single(family("b", MetricKind::Gauge, Combine::Sum), 0);
        let expected = "# HELP a_total What it is.\n# TYPE a_total counter\n\
             a_total{one=\"a\\\\b\\\"c\\nd\",two=\"é\"} 1\n\
             a_total 18446744073709551615\n\
             # HELP b What it is.\n# TYPE b gauge\nb 0\n";
        assert_eq!(text.into_text(), expected);
    }

    #[test]
    fn what_has_the_same_labels_becomes_one_number_and_the_rest_is_added() {
        let numbers = |numbers: [u64; 3], other: &str| {
            let mut text = Exposition::default();
            let names = [("a_total", Combine::Sum), ("b", Combine::Least), ("c", Combine::Most)];
            for ((name, combine), number) in names.into_iter().zip(numbers) {
                let counts = name.ends_with("_total");
                let kind = if counts { MetricKind::Counter } else { MetricKind::Gauge };
                text.family(family(name, kind, combine));
                text.sample(&[("x", "both")], number);
                text.sample(&[("x", other)], number);
            }
            text
        };
        let mut sum = numbers([1, 2, 3], "here");
        sum.add(&numbers([10, 1, 30], "there"));
        sum.add(&Exposition::default());
        let counters = sum.counters().into_text();
        let samples = |text: &str| {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let expected = [("a_total", [11, 1, 10]), ("b", [1, 2, 1]), ("c", [30, 3, 30])];
        let lines = |name: &str, values: [u64; 3]| {
            let labels = ["both", "here", "there"].into_iter().zip(values);
            labels.map(|(x, value)| format!("{name}{{x=\"{x}\"}} {value}")).collect::<Vec<_>>()
        };
        let all: Vec<_> = expected.iter().flat_map(|(name, values)| lines(name, *values)).collect();
        assert_eq!(samples(&sum.into_text()), all);
        assert_eq!(samples(&counters), all[..3]);
    }
}
