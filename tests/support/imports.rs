//! Which file of a folder imports which.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{Place, Source};

/// A folder of `src` and its files. A child that is itself a folder counts as one of them, and the root
/// file of the folder as another.
pub(crate) struct Folder {
    /// Its path below `src`.
    pub(crate) path: String,
    /// The first line by which one file imports another, for each such pair.
    imports: BTreeMap<(String, String), String>,
}

/// The name of the root file of a folder here.
const ROOT: &str = "mod";

/// The folders of `src`.
pub(crate) fn folders(sources: &[Source]) -> Vec<Folder> {
    let parents: BTreeSet<&[String]> =
        sources.iter().filter_map(|source| Some(source.modules.split_last()?.1)).collect();
    let inner = parents.into_iter().filter(|modules| !modules.is_empty());
    inner.map(|modules| Folder::read(modules, sources)).collect()
}

impl Folder {
    fn read(modules: &[String], sources: &[Source]) -> Self {
        let inside: Vec<&Source> =
            sources.iter().filter(|source| source.modules.starts_with(modules)).collect();
        let file_of = |path: &[String]| path.get(modules.len()).cloned();
        let children: BTreeSet<String> =
            inside.iter().filter_map(|source| file_of(&source.modules)).collect();
        let child_in = |path: &[String]| {
            let below = path.strip_prefix(modules)?;
            below.first().filter(|name| children.contains(*name)).cloned()
        };

        // The items that the root file re-exports, and the file that each is from.
        let mut handed_on: BTreeMap<String, String> = BTreeMap::new();
        let root = inside.iter().find(|source| source.modules == modules);
        for named in root.map(|root| root.names()).unwrap_or_default() {
            // In the root file a path may begin with a child.
            let path = named.from_root.unwrap_or_else(|| [modules, &named.words].concat());
            if named.place != Place::Code
                && let Some(child) = child_in(&path)
                && path.len() > modules.len() + 1
                && let Some(name) = path.last()
            {
                handed_on.insert(name.clone(), child);
            }
        }

        let mut imports = BTreeMap::new();
        for source in inside {
            let from = file_of(&source.modules).unwrap_or_else(|| ROOT.to_owned());
            for named in source.names() {
                let path = match named.from_root {
                    Some(path) if path.starts_with(modules) => path,
                    None if from == ROOT => [modules, &named.words].concat(),
                    _ => continue,
                };
                let first = path.get(modules.len());
                let to = match (child_in(&path), first.and_then(|name| handed_on.get(name))) {
                    // A re-export is no import, nor is the declaration of a child.
                    (Some(_), _) if from == ROOT && named.place == Place::Reexport => continue,
                    (Some(_), _) if from == ROOT && path.len() == modules.len() + 1 => continue,
                    (Some(child), _) => child,
                    (None, Some(child)) => child.clone(),
                    (None, None) => ROOT.to_owned(),
                };
                if to != from {
                    let line = format!("{}.rs:{}", source.path, named.line);
                    imports.entry((from.clone(), to)).or_insert(line);
                }
            }
        }
        Self { path: modules.join("/"), imports }
    }

    /// The imports between files that import each other in circles, or lie between two circles.
    pub(crate) fn circles(&self) -> Vec<String> {
        let mut left: Vec<(&(String, String), &String)> = self.imports.iter().collect();
        loop {
            let before = left.len();
            let importers: BTreeSet<&String> = left.iter().map(|((from, _), _)| from).collect();
            let imported: BTreeSet<&String> = left.iter().map(|((_, to), _)| to).collect();
            left.retain(|((from, to), _)| importers.contains(to) && imported.contains(from));
            if left.len() == before {
                break;
            }
        }
        let line = |((from, to), line): (&(String, String), &String)| {
            format!("{}: {from} imports {to} (src/{line})", self.path)
        };
        left.into_iter().map(line).collect()
    }
}
