//! The tables that rules can name.

use std::ops::Range;
use std::sync::Arc;

use super::error::{LineFault, named};
use super::suggest::suggest;
use crate::table::{DefinitionError, DefinitionFault, Table, TableConfig};

/// The table that is used where none is named.
pub const DEFAULT_TABLE: &str = "default";

/// Tables, each found by the name in its configuration.
#[derive(Clone, Debug, Default)]
pub struct Tables(Vec<Arc<Table>>);

impl Tables {
    /// Adds a table and returns whether its name was free; if not, the table is not added.
    pub fn add(&mut self, table: Arc<Table>) -> bool {
        let is_free = self.get(&table.config().name).is_none();
        if is_free {
            self.0.push(table);
        }
        is_free
    }

    /// The table of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Table>> {
        self.iter().find(|table| table.config().name == name)
    }

    /// All of them, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.0.iter()
    }

    /// The table of a name that is written at `span`, or the default one where none is.
    pub(super) fn find(
        &self,
        name: Option<&str>,
        span: &Range<usize>,
    ) -> Result<Arc<Table>, LineFault> {
        if let Some(table) = self.get(name.unwrap_or(DEFAULT_TABLE)) {
            return Ok(Arc::clone(table));
        }
        Err(match name {
            None => LineFault::new(
                span.clone(),
                "no table is named, and there is no default one",
                "the name of a table, or a line `stick-table type ...` above",
            ),
            Some(name) => LineFault::new(
                span.clone(),
                format!("there is no table {}", named(name.as_bytes())),
                format!(
                    "a line {} above",
                    named(format!("stick-table {name} type ...").as_bytes())
                ),
            )
            .near(suggest(name, self.iter().map(|table| table.config().name.as_str()))),
        })
    }
}

/// The table of a definition that is written at `start` of a line: that of `before` which has the same
/// name and definition, or a new one.
pub(super) fn defined(
    name: &str,
    definition: &str,
    start: usize,
    before: Option<&Tables>,
) -> Result<Arc<Table>, LineFault> {
    let config = TableConfig::parse(name, definition)
        .map_err(|why| not_defined(&why, start, definition.len()))?;
    match before.and_then(|before| before.get(name)) {
        Some(table) if *table.config() == config => Ok(Arc::clone(table)),
        _ => Table::new(config)
            .map_err(|why| LineFault::new(start..start + definition.len(), why.to_string(), "")),
    }
}

fn not_defined(why: &DefinitionError, start: usize, len: usize) -> LineFault {
    let word = named(why.word.as_bytes());
    let (problem, expected) = match &why.fault {
        DefinitionFault::Expected(what) if why.column > len => {
            ("the line ends here".to_owned(), *what)
        }
        DefinitionFault::Expected(what) if why.word.is_empty() => {
            ("a word is missing here".to_owned(), *what)
        }
        DefinitionFault::Expected(what) => (format!("{word} does not belong here"), *what),
        DefinitionFault::Again => (format!("{word} was said before"), "each once"),
        DefinitionFault::Unsupported(instead) => (format!("{word} is not supported"), *instead),
        DefinitionFault::Table(why) => (why.to_string(), ""),
    };
    let start = start + why.column - 1;
    LineFault::new(start..start + why.word.len(), problem, expected)
}
