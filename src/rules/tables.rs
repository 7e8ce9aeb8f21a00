//! The tables that rules can name.

use std::ops::Range;
use std::sync::Arc;

use super::error::{LineFault, named};
use super::suggest::suggest;
use crate::table::{DataType, DefinitionError, DefinitionFault, Stored, Table, TableConfig};

/// The table of lines that are in no section.
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

    /// The table of a name that is written at `span`, or that of the section, `own`, where none is.
    pub(super) fn find(
        &self,
        name: Option<&str>,
        own: &str,
        span: &Range<usize>,
    ) -> Result<Arc<Table>, LineFault> {
        if let Some(table) = self.get(name.unwrap_or(own)) {
            return Ok(Arc::clone(table));
        }
        Err(match name {
            None => LineFault::new(
                span.clone(),
                "no table is named, and this section has none",
                "the name of a table, or a line `stick-table type ...` in this section",
            ),
            Some(name) => LineFault::new(
                span.clone(),
                format!("there is no table {}", named(name.as_bytes())),
                format!(
                    "a section {} with a line `stick-table type ...`",
                    named(format!("backend {name}").as_bytes())
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
    remembers_servers: bool,
    before: Option<&Tables>,
) -> Result<Arc<Table>, LineFault> {
    let mut config = TableConfig::parse(name, definition)
        .map_err(|why| not_defined(&why, start, definition.len()))?;
    if remembers_servers && !config.store.contains(&Stored::ServerId) {
        config.store.push(Stored::ServerId);
    }
    match before.and_then(|before| before.get(name)) {
        Some(table) if *table.config() == config => Ok(Arc::clone(table)),
        _ => Table::new(config)
            .map_err(|why| LineFault::new(start..start + definition.len(), why.to_string(), "")),
    }
}

/// The fault of a line that needs a datum which its table does not store.
pub(super) fn not_stored(table: &Table, data: DataType, span: Range<usize>) -> LineFault {
    let name = named(table.config().name.as_bytes());
    let data = match data {
        // Some counters have a name of their own; the others are those of an array.
        DataType::Gpc(index) if index < GPC_NAMED => format!("gpc{index}"),
        DataType::Gpc(index) => format!("gpc({})", index.saturating_add(1)),
        data => data.name().to_owned(),
    };
    let problem = format!("table {name} does not store {data}");
    LineFault::new(span, problem, "what its `store` lists")
}

/// How many counters have a name of their own: `gpc0` and `gpc1`.
const GPC_NAMED: u8 = 2;

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
        DefinitionFault::Unsupported(instead) => {
            let start = start + why.column - 1;
            let span = start..start + why.word.len();
            return LineFault::advising(span, format!("{word} is not supported"), *instead);
        }
        DefinitionFault::Table(why) => (why.to_string(), ""),
    };
    let start = start + why.column - 1;
    LineFault::new(start..start + why.word.len(), problem, expected)
}
