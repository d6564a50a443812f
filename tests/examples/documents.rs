//! The documents, and what in them is an example: blocks in YAML, TOML or JSON, and in blocks of shell here documents
//! in YAML and values that `--set` gives.

use std::collections::BTreeMap;

use trueline::read::{Data, Node, foreign, toml};

use super::{Leaf, leaves};
use crate::support::{name_of, read, root, sorted};

/// One example.
pub(super) struct Example {
    /// The document's name, without its ending.
    pub(super) document: String,
    /// Its name there: the words of the heading above it, and a number if it is not the first there.
    pub(super) name: String,
    /// The heading above it, and what number it has below this.
    pub(super) heading: (String, usize),
    /// What it says.
    pub(super) leaves: BTreeMap<String, Leaf>,
}

impl Example {
    /// The name that it has among all examples, which is also where its environment lies.
    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.document, self.name)
    }
}

/// All examples; nothing where the documents are not there.
pub(super) fn documents() -> Option<Vec<Example>> {
    let files = sorted(&root().join("../shared/reference/seeds"));
    let examples: Vec<Example> = files.iter().flat_map(|file| of(&name_of(file), &read(file))).collect();
    (!examples.is_empty()).then_some(examples)
}

/// The examples of a document, in its order.
fn of(file: &str, text: &str) -> Vec<Example> {
    let document = file.trim_end_matches(".md");
    let (mut heading, mut fence, mut block) = (String::new(), None, String::new());
    let (mut all, mut numbers) = (Vec::new(), BTreeMap::new());
    for line in text.lines() {
        match &fence {
            None => {
                if let Some(language) = line.strip_prefix("```") {
                    fence = Some(language.trim().to_owned());
                    block.clear();
                } else if line.starts_with('#') {
                    heading = line.trim_start_matches('#').trim().to_owned();
                }
            }
            Some(language) if line.starts_with("```") => {
                for tree in trees(language, &block) {
                    let number = numbers.entry(heading.clone()).and_modify(|number| *number += 1).or_insert(1);
                    let name = name(&heading, *number);
                    let heading = (heading.clone(), *number);
                    all.push(Example { document: document.to_owned(), name, heading, leaves: tree });
                }
                fence = None;
            }
            Some(_) => block = block + line + "\n",
        }
    }
    assert!(fence.is_none(), "{file}: a block has no end");
    all
}

/// A DNS label of a heading's words, without the number that it begins with.
fn name(heading: &str, number: usize) -> String {
    let words = heading.trim_start_matches(|char: char| char.is_ascii_digit() || ". ".contains(char));
    let words: Vec<String> = words
        .split(|char: char| !char.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let ordinal = if number > 1 { format!("-{number}") } else { String::new() };
    format!("{}{ordinal}", words.join("-"))
}

/// The examples in a block.
fn trees(language: &str, block: &str) -> Vec<BTreeMap<String, Leaf>> {
    match language {
        "yaml" | "yml" | "json" => vec![yaml(block).unwrap_or_else(|why| panic!("{why}\n{block}"))],
        "toml" => vec![leaves(&toml::parse(block).unwrap_or_else(|why| panic!("{why:?}\n{block}")))],
        "bash" | "sh" | "shell" | "console" => {
            let here = here_documents(block).into_iter().filter(|text| text.starts_with("apiVersion:"));
            let here = here.map(|text| yaml(&text).unwrap_or_else(|why| panic!("{why}\n{text}")));
            here.chain(set_values(block)).collect()
        }
        _ => Vec::new(),
    }
}

/// The leaves of one or several documents; those of several begin with their number.
fn yaml(text: &str) -> Result<BTreeMap<String, Leaf>, String> {
    let mut documents = foreign::documents(text).map_err(|why| format!("{why:?}"))?;
    match documents.len() {
        1 => Ok(leaves(&documents.remove(0))),
        _ => Ok(leaves(&Node { line: 1, data: Data::List(documents) })),
    }
}

/// What stands between `<<WORD` and the line `WORD`.
fn here_documents(block: &str) -> Vec<String> {
    let mut lines = block.lines();
    let mut all = Vec::new();
    while let Some(line) = lines.next() {
        if let Some((_, word)) = line.split_once("<<") {
            let end = word.trim().trim_matches(['-', '\'', '"']);
            all.push(lines.by_ref().take_while(|line| line.trim() != end).map(|line| format!("{line}\n")).collect());
        }
    }
    all
}

/// What `--set KEY=VALUE` says in a block, as one example; none where it is not there.
fn set_values(block: &str) -> Option<BTreeMap<String, Leaf>> {
    let words: Vec<&str> = block.split_whitespace().collect();
    let pairs = words.windows(2).filter(|pair| pair[0] == "--set").filter_map(|pair| pair[1].split_once('='));
    let leaf = |value: &str, key: &str| Leaf {
        steps: key.split('.').map(str::to_owned).collect(),
        text: Some(value.to_owned()),
    };
    let all: BTreeMap<String, Leaf> = pairs.map(|(key, value)| (key.to_owned(), leaf(value, key))).collect();
    (!all.is_empty()).then_some(all)
}

#[test]
fn examples_are_found_by_heading_and_number() {
    let text = "# A\n```yaml\na: 1\n```\n## 2. B c!\n```\ndiagram <<\n```\n\
                ```bash\nhelm --set a.b=c \\\n--set d=1\nkubectl <<EOF\napiVersion: v1\nEOF\n```\n";
    let found = of("d.md", text);
    let names: Vec<&str> = found.iter().map(|example| example.name.as_str()).collect();
    assert_eq!(names, ["a", "b-c", "b-c-2"]);
    assert_eq!(found[1].leaves["apiVersion"].text.as_deref(), Some("v1"));
    assert_eq!(found[2].leaves["a.b"].text.as_deref(), Some("c"));
}
