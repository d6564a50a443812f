//! The standard library: stacks compiled at build time, and a project's own.
//!
//! In: the embedded images; texts of a project. Out: stacks by name, each loaded once, when it is first asked for.
//! Never: the disk.
//! Invariant: a text's id does not depend on which stacks are used.

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;

use crate::{
    diag::{Diags, codes},
    image::{self, Image},
    ledger,
    schema::{Stack, load},
    source::{Source, SourceId, Sources, Span},
};

/// A stack of the shipped standard library.
struct Embedded {
    name: &'static str,
    image: &'static Image,
    texts: &'static [(&'static str, &'static str)],
}

static EMBEDDED: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/stdlib.rs"));

/// The stacks that environments may name.
#[derive(Debug)]
pub struct Stdlib {
    sources: Sources,
    stacks: IndexMap<String, Entry>,
}

/// A stack, loaded when it is first asked for.
#[derive(Debug)]
struct Entry {
    image: Option<&'static Image>,
    texts: Vec<SourceId>,
    extensions: Vec<SourceId>,
    loaded: OnceLock<(Option<Arc<Stack>>, Diags)>,
}

impl Stdlib {
    /// The shipped standard library alone.
    #[must_use]
    pub fn embedded() -> Stdlib {
        Stdlib::with_project(Vec::new(), Vec::new(), &mut Diags::default())
    }

    /// The shipped standard library with a project's own stacks (name, files as shown path and text) and extensions.
    ///
    /// A stack of the project replaces the shipped one of the same name.
    pub fn with_project(
        stacks: Vec<(String, Vec<(String, String)>)>,
        extensions: Vec<(String, String)>,
        diags: &mut Diags,
    ) -> Stdlib {
        let mut sources = Sources::default();
        let mut library = IndexMap::new();
        for embedded in EMBEDDED {
            let texts = embedded.texts.iter().map(|(name, text)| sources.embed(name, text)).collect();
            library.insert(embedded.name.to_owned(), Entry::new(Some(embedded.image), texts));
        }
        for (name, texts) in stacks {
            let texts: Vec<SourceId> = texts.into_iter().map(|(name, text)| sources.add(name, text)).collect();
            // The same text as the shipped one needs no loading.
            let shipped = library.get(&name);
            let same = shipped.is_some_and(|shipped: &Entry| same_texts(&sources, &shipped.texts, &texts));
            if !same {
                library.insert(name, Entry::new(None, texts));
            }
        }
        for (name, text) in extensions {
            let id = sources.add(name, text);
            let Some(source) = sources.get(id) else { continue };
            match load::extends(source).map(|name| (library.get_mut(&name), name)) {
                Some((Some(entry), _)) => {
                    entry.image = None;
                    entry.extensions.push(id);
                }
                Some((None, name)) => {
                    let span = Span::new(id, 0, 0);
                    diags.push(
                        codes::UNKNOWN_STACK.at(span, format!("this extends the stack `{name}`, which there is not")),
                    );
                }
                None => {
                    let span = Span::new(id, 0, 0);
                    diags.push(
                        codes::NO_STACK.at(span, "the file extends no stack").hint("write `extend \"STACK\" { … }`"),
                    );
                }
            }
        }
        library.sort_keys();
        Stdlib { sources, stacks: library }
    }

    /// All texts.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The texts that a project adds, in an order that does not change.
    pub fn own(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.sources.after(EMBEDDED.iter().map(|embedded| embedded.texts.len()).sum())
    }

    /// The names of the stacks, sorted.
    #[must_use]
    pub fn stacks(&self) -> Vec<&str> {
        self.stacks.keys().map(String::as_str).collect()
    }

    /// A stack by its name; none if it is not there or has errors, which are reported each time.
    pub fn stack(&self, name: &str, diags: &mut Diags) -> Option<Arc<Stack>> {
        let entry = self.stacks.get(name)?;
        let (stack, found) = entry.loaded.get_or_init(|| entry.load(name, &self.sources));
        diags.extend(found.clone());
        stack.clone()
    }
}

impl Entry {
    fn new(image: Option<&'static Image>, texts: Vec<SourceId>) -> Entry {
        Entry { image, texts, extensions: Vec::new(), loaded: OnceLock::new() }
    }

    fn load(&self, name: &str, sources: &Sources) -> (Option<Arc<Stack>>, Diags) {
        if let Some(image) = self.image {
            return (Some(Arc::new(image::decode(image))), Diags::default());
        }
        let texts =
            |ids: &[SourceId]| -> Vec<Arc<Source>> { ids.iter().filter_map(|id| sources.get(*id)).cloned().collect() };
        let mut diags = Diags::default();
        let stack = load::load(name, &texts(&self.texts), &texts(&self.extensions), &mut diags);
        if let Some(stack) = &stack {
            ledger::check(stack, &mut diags);
        }
        let failed = diags.has_errors();
        (stack.filter(|_| !failed).map(Arc::new), diags)
    }
}

fn same_texts(sources: &Sources, shipped: &[SourceId], own: &[SourceId]) -> bool {
    let last = |source: &Source| source.name.rsplit('/').next().unwrap_or_default().to_owned();
    let same = |(a, b): (&SourceId, &SourceId)| {
        let both = sources.get(*a).zip(sources.get(*b));
        both.is_some_and(|(a, b)| a.text == b.text && last(a) == last(b))
    };
    shipped.len() == own.len() && shipped.iter().zip(own).all(same)
}
