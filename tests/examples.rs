//! The examples of the documents that the two described systems come with, each written as an environment.
//!
//! In: the documents beside the repository, read and not copied; `tests/fixtures/examples/DOCUMENT/NAME.kdl`, the same
//! intent as an environment; `tests/fixtures/examples/DOCUMENT.kdl`, what became of the keys. Out: `docs/examples.md`.
//! Never: an example left out; a leaf of one that is neither carried by our outputs nor explained.
//! Invariant: an explanation that nothing needs fails, and so does one that is no longer true.
//!
//! `TRUELINE_BLESS=1 cargo test` writes the page.

mod documents;
mod page;
mod rows;

use std::{collections::BTreeMap, io::Write as _, path::PathBuf, sync::Arc};

use rayon::prelude::*;
use trueline::{
    compile::Compiled,
    diag::{Diags, Finding, Severity},
    read::{Data, Node, foreign, toml},
    schema::{KeyShape, Surface},
    value::{self, Attributes, Raw, Value},
};

use self::{
    documents::{Example, documents},
    rows::{Kind, Row, Rows, Said},
};
use super::support::{compile, failed, library, name_of, read, root, skipped, sorted, told};

/// The file in which an example's keys are looked for, unless a row says another.
const VALUES: &str = "helm/values.yaml";
const ABSENT: &str = "the documents are not beside the repository";

/// A value that stands at the end of a path.
#[derive(Clone, PartialEq, Debug)]
struct Leaf {
    /// The steps to it: keys, and numbers of items.
    steps: Vec<String>,
    /// Its text; nothing where it says nothing: an empty text, list or map, or null.
    text: Option<String>,
}

/// What became of a leaf.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fate {
    /// Carried by the same key.
    Same,
    /// Carried by another key.
    Moved,
    /// It says nothing, and nor do we.
    Empty,
    /// Said by the chart's own template, or by an operator.
    Fixed,
    /// Refused, or warned of.
    Refused,
    /// Not said, for a reason.
    Left,
}

/// How many leaves of an example had which fate, in the order of [`Fate`].
type Count = [usize; 6];

/// An example, what is said of its keys, and what was counted.
struct Judged {
    example: Example,
    rows: Rows,
    count: Count,
}

/// The leaves of a tree by the spelling of their paths: `hosts[0].host`.
fn leaves(node: &Node<'_>) -> BTreeMap<String, Leaf> {
    fn walk(node: &Node<'_>, path: &str, steps: &[String], all: &mut BTreeMap<String, Leaf>) {
        let mut below = |path: String, step: &str, node: &Node<'_>| {
            walk(node, &path, &[steps, &[step.to_owned()]].concat(), all);
        };
        let text = match &node.data {
            Data::Map(entries) if !entries.is_empty() => {
                let dot = if path.is_empty() { "" } else { "." };
                return entries.iter().for_each(|(key, node)| below(format!("{path}{dot}{key}"), key, node));
            }
            Data::List(items) if !items.is_empty() => {
                let items = items.iter().enumerate();
                return items.for_each(|(at, node)| below(format!("{path}[{at}]"), &at.to_string(), node));
            }
            Data::Null | Data::Map(_) | Data::List(_) => None,
            Data::Bool(bool) => Some(bool.to_string()),
            Data::Int(int) => Some(int.to_string()),
            Data::Float(float) => Some(float.to_string()),
            Data::String(text) => Some(text.to_string()).filter(|text| !text.is_empty()),
        };
        all.insert(path.to_owned(), Leaf { steps: steps.to_vec(), text });
    }
    let mut all = BTreeMap::new();
    walk(node, "", &[], &mut all);
    all
}

/// A file that was compiled, as leaves.
fn output(compiled: &Compiled, name: &str) -> Option<BTreeMap<String, Leaf>> {
    let file = compiled.files.iter().find(|file| file.path == name || file.path.ends_with(&format!("/{name}")))?;
    let text = std::str::from_utf8(&file.bytes).expect("outputs are text");
    Some(match name.ends_with(".toml") {
        true => leaves(&toml::parse(text).expect("it is TOML")),
        false => leaves(foreign::documents(text).expect("it is YAML").first().expect("one document")),
    })
}

fn typed(of: &str, text: &str) -> Option<Value> {
    value::parse(value::scalar(of)?, &Raw::String(text), &Attributes::default()).ok()
}

/// A part of a value, such as `duration.seconds`, as text.
fn part(of: &str, text: &str) -> Option<String> {
    let (of, name) = of.split_once('.')?;
    let part = (value::part(of, name)?.get)(&typed(of, text)?).ok()??;
    Some(value::spell(&part))
}

/// Whether two texts say the same: letter by letter, or as amounts of memory, processor or time.
fn same(one: &str, other: &str) -> bool {
    let normal = |of: &str| typed(of, one).is_some_and(|one| typed(of, other) == Some(one));
    one == other || ["memory", "cpu", "duration"].into_iter().any(normal)
}

/// Whether the chart reads a key, as far as its surface says.
fn is_read(surface: &Surface, steps: &[String]) -> bool {
    let found = steps.iter().try_fold(0, |number, step| surface.below(number, step));
    found.is_some_and(|number| !matches!(surface.key(number).shape, KeyShape::Dead(_)))
}

/// The rule that a finding comes from; the empty text where it comes from none.
fn rule(finding: &Finding) -> &str {
    let of = |text: &'_ str| text.starts_with("rule ") && text.contains(" of stack ");
    let label = finding.labels.iter().find(|label| of(&label.text));
    label.and_then(|label| label.text.split(' ').nth(1)).unwrap_or_default()
}

/// One example while it is looked at.
struct Judge<'a> {
    example: &'a Example,
    rows: &'a Rows,
    compiled: Compiled,
    surface: Arc<Surface>,
    outputs: BTreeMap<String, BTreeMap<String, Leaf>>,
    count: Count,
    wrong: Vec<String>,
}

impl<'a> Judge<'a> {
    fn new(example: &'a Example, rows: &'a Rows, text: &str) -> Judge<'a> {
        let compiled = compile(&example.name, text);
        let mut wrong = Vec::new();
        if failed(&compiled) {
            wrong.push(format!("the environment does not compile\n{}", told(&compiled)));
        }
        let mut files: Vec<&str> = rows.rows.iter().filter_map(Row::file).collect();
        files.push(VALUES);
        let outputs = files.into_iter().filter_map(|file| Some((file.to_owned(), output(&compiled, file)?))).collect();
        let surface = surface(&compiled);
        Judge { example, rows, compiled, surface, outputs, count: Count::default(), wrong }
    }

    fn say(&mut self, key: &str, what: &str) {
        self.wrong.push(format!("`{key}` {what}"));
    }

    fn ours(&self, file: &str, path: &str) -> Option<String> {
        self.outputs.get(file)?.get(path)?.text.clone()
    }

    /// Whether the values carry a leaf by the same key.
    fn carried(&self, path: &str, leaf: &Leaf) -> bool {
        let ours = self.ours(VALUES, path);
        matches!((&leaf.text, ours), (Some(theirs), Some(ours)) if same(theirs, &ours))
    }

    fn judge(mut self, text: &str) -> (Count, Vec<String>) {
        let mut used = vec![0; self.rows.rows.len()];
        for (path, leaf) in &self.example.leaves {
            let fate = match self.rows.of(path) {
                Some(at) => {
                    used[at] += 1;
                    self.row(&self.rows.rows[at], path, leaf)
                }
                None if self.carried(path, leaf) => Fate::Same,
                None if leaf.text.is_none() && self.ours(VALUES, path).is_none() => Fate::Empty,
                None => {
                    let ours = self.ours(VALUES, path);
                    self.say(path, &format!("says {:?}, we say {ours:?}, and no row explains it", leaf.text));
                    Fate::Left
                }
            };
            self.count[fate as usize] += 1;
        }
        for (row, used) in self.rows.rows.iter().zip(used) {
            if used == 0 && !row.key.is_empty() {
                self.say(&row.key, "has a row, and no leaf of the example needs it");
            }
            self.refused(row, text);
        }
        self.warned();
        (self.count, self.wrong)
    }

    /// A leaf that a row speaks of.
    fn row(&mut self, row: &Row, path: &str, leaf: &Leaf) -> Fate {
        let read = is_read(&self.surface, &leaf.steps);
        if self.carried(path, leaf) && !row.names_itself() {
            self.say(path, "is carried by the same key after all");
        }
        match &row.kind {
            Kind::Moved { to, file, unit, says } => {
                if read && row.because.is_empty() {
                    self.say(path, "is a key that the chart reads, and nothing says why ours is another");
                }
                let to = format!("{to}{}", path.strip_prefix(row.key.as_str()).unwrap_or_default());
                self.moved(path, leaf, (file, &to), unit, says.as_ref());
                Fate::Moved
            }
            Kind::Unread | Kind::Fixed => {
                if read {
                    self.say(path, "is said not to be a key of the chart, and the chart reads it");
                }
                if matches!(row.kind, Kind::Fixed) { Fate::Fixed } else { Fate::Left }
            }
            Kind::Left { says } => {
                let ours = self.ours(VALUES, path);
                if says.is_some() && *says != ours {
                    self.say(path, &format!("is {ours:?} in ours, not {says:?}"));
                }
                Fate::Left
            }
            Kind::Refused { .. } | Kind::Warned { .. } => Fate::Refused,
        }
    }

    fn moved(&mut self, path: &str, leaf: &Leaf, to: (&str, &str), unit: &str, says: Option<&Said>) {
        let (file, to) = to;
        let ours = self.ours(file, to);
        let wanted = match (says, &leaf.text) {
            (Some(said), text) => (text.as_ref() == Some(&said.is)).then(|| said.says.clone()),
            (None, Some(text)) if !unit.is_empty() => part(unit, text),
            (None, text) => text.clone(),
        };
        let holds = match (&ours, &wanted) {
            (Some(ours), Some(wanted)) => same(ours, wanted),
            (ours, wanted) => says.is_none() && leaf.text.is_none() && ours == wanted,
        };
        if !holds {
            self.say(path, &format!("should be {wanted:?} at `{to}` of {file}, which has {ours:?}"));
        }
    }

    /// That the environment is refused once it says what a row of this kind says, by one finding.
    fn refused(&mut self, row: &Row, text: &str) {
        let Kind::Refused { code, rule: wanted, saying, instead, nodes } = &row.kind else { return };
        let written = match instead.as_str() {
            "" => text.trim_end().strip_suffix('}').map(|text| format!("{text}\n{nodes}\n}}\n")),
            old => text.contains(old).then(|| text.replacen(old, nodes, 1)),
        };
        let Some(written) = written else { return self.say(&row.key, "is to be written where nothing stands") };
        let compiled = compile(&self.example.name, &written);
        let errors = compiled.findings.iter().filter(|finding| finding.code.severity == Severity::Error);
        let found: Vec<&Finding> = errors.collect();
        let exact = matches!(found.as_slice(), [one]
            if one.code.id == code && rule(one) == wanted && one.message.contains(saying.as_str()) && !saying.is_empty());
        if !exact {
            self.say(&row.key, &format!("is not refused by {code} {wanted} saying `{saying}`:\n{}", told(&compiled)));
        }
    }

    /// That the environment is warned of what the rows say, and of nothing else.
    fn warned(&mut self) {
        let warnings = self.compiled.findings.iter().filter(|finding| finding.code.severity == Severity::Warning);
        let mut found: Vec<&str> = warnings.map(rule).collect();
        let wanted = self.rows.rows.iter().filter_map(|row| match &row.kind {
            Kind::Warned { rule } => Some(rule.as_str()),
            _ => None,
        });
        let mut wanted: Vec<&str> = wanted.collect();
        found.sort_unstable();
        wanted.sort_unstable();
        if found != wanted {
            let all = told(&self.compiled);
            self.wrong.push(format!("the environment is warned by {found:?}, not by {wanted:?}\n{all}"));
        }
    }
}

/// The surface of the chart that an environment's values are for.
fn surface(compiled: &Compiled) -> Arc<Surface> {
    let settings = compiled.settings();
    let deployments = settings["deployments"].as_object();
    let deployment = deployments.and_then(|all| all.values().next());
    let stack = deployment.and_then(|deployment| deployment["stack"].as_str()).unwrap_or("aeterna");
    let chart = deployment.and_then(|deployment| deployment["settings"]["chart"].as_str()).unwrap_or_default();
    let stack = library().stack(stack, &mut Diags::default()).expect("the stack loads");
    let blocks = stack
        .helm
        .iter()
        .filter(|block| chart.is_empty() || block.releases.iter().any(|release| release.version.starts_with(chart)));
    let release = blocks.flat_map(|block| &block.releases).find(|release| release.file.as_str() == "values.yaml");
    stack.surface(release.expect("the chart has a release")).expect("the release has a surface")
}

/// Every example with its rows; what is wrong with them.
fn judged() -> Option<(Vec<Judged>, Vec<String>)> {
    let examples = documents()?;
    let mut wrong = Vec::new();
    let mut rows = rows::read_all(&mut wrong);
    let mut told = Vec::new();
    for example in examples {
        let id = example.id();
        let file = environment(&id);
        match rows.remove(&id).filter(|_| file.is_file()) {
            Some(rows) => told.push((example, rows, read(&file))),
            None => wrong.push(format!("{id}: an example without rows, or without an environment")),
        }
    }
    wrong.extend(rows.into_keys().map(|id| format!("{id}: rows without an example")));
    let judge = |(example, rows, text): (Example, Rows, String)| {
        let (count, found) = Judge::new(&example, &rows, &text).judge(&text);
        (Judged { example, rows, count }, found)
    };
    let (all, found): (Vec<Judged>, Vec<Vec<String>>) = told.into_par_iter().map(judge).unzip();
    for (judged, found) in all.iter().zip(found) {
        wrong.extend(found.into_iter().map(|line| format!("{}: {line}", judged.example.id())));
    }
    Some((all, wrong))
}

/// The environment that says what an example says.
fn environment(id: &str) -> PathBuf {
    root().join(format!("tests/fixtures/examples/{id}.kdl"))
}

#[test]
fn every_example_is_carried_or_refused_leaf_by_leaf() {
    let Some((all, wrong)) = judged() else {
        return skipped("examples::every_example_is_carried_or_refused_leaf_by_leaf", ABSENT);
    };
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut by_document: BTreeMap<&str, (usize, Count)> = BTreeMap::new();
    for judged in &all {
        let (examples, sum) = by_document.entry(&judged.example.document).or_default();
        *examples += 1;
        add(sum, judged.count);
    }
    for (document, (examples, count)) in by_document {
        let leaves: usize = count.iter().sum();
        let [same, moved, empty, fixed, refused, left] = count;
        let line = format!(
            "examples: {document}: {examples} examples, {leaves} values: {same} same key, {moved} other key, {empty} empty, \
             {fixed} fixed, {refused} refused, {left} left out"
        );
        writeln!(std::io::stderr(), "{line}").expect("standard error can be written");
    }
    page::expect(&all);
}

/// Adds the counts of an example.
fn add(sum: &mut Count, count: Count) {
    for (sum, count) in sum.iter_mut().zip(count) {
        *sum += count;
    }
}

#[test]
fn amounts_are_compared_and_texts_are_not() {
    for (one, other) in [("2000m", "2"), ("86400s", "1d"), ("1024Mi", "1Gi"), ("gzip", "gzip")] {
        assert!(same(one, other), "{one} {other}");
    }
    for (one, other) in [("2", "3"), ("60s", "61s"), ("1G", "1Gi"), ("a", "b"), ("true", "false")] {
        assert!(!same(one, other), "{one} {other}");
    }
    assert_eq!(part("duration.seconds", "1h").as_deref(), Some("3600"));
}

#[test]
fn every_environment_belongs_to_an_example() {
    let Some(examples) = documents() else {
        return skipped("examples::every_environment_belongs_to_an_example", ABSENT);
    };
    let wanted: Vec<PathBuf> = examples.iter().map(|example| environment(&example.id())).collect();
    for folder in sorted(&root().join("tests/fixtures/examples")).iter().filter(|path| path.is_dir()) {
        for file in sorted(folder) {
            assert!(wanted.contains(&file), "{} is of no example", name_of(&file));
        }
    }
}

/// A judge that found nothing would pass all of the above.
#[test]
fn what_is_not_carried_or_no_longer_true_is_found() {
    let node = foreign::documents("deploymentMode: local\nllm: {provider: openai}\ncache: {type: dragonfly}\n");
    let leaves = leaves(&node.expect("it is YAML")[0]);
    let example = Example { document: "d".to_owned(), name: "e".to_owned(), heading: ("E".to_owned(), 1), leaves };
    let row = |key: &str, kind| Row { key: key.to_owned(), kind, because: String::new() };
    let moved = |to: &str| {
        let (to, file) = (to.to_owned(), VALUES.to_owned());
        Kind::Moved { to, file, unit: String::new(), says: None }
    };
    let wrong = |rows: Vec<Row>| {
        let text = "environment \"e\" stack=\"aeterna\" {\n}\n";
        Judge::new(&example, &Rows { rows }, text).judge(text).1.join("\n")
    };
    let nothing = wrong(Vec::new());
    assert!(nothing.contains("`llm.provider` says Some(\"openai\"), we say Some(\"none\")"), "{nothing}");
    assert!(nothing.contains("`cache.type` says Some(\"dragonfly\"), we say None"), "{nothing}");
    assert!(!nothing.contains("deploymentMode"), "{nothing}");
    let left = || Kind::Left { says: None };
    let refused = Kind::Refused {
        code: "TL0601".to_owned(),
        rule: "R01".to_owned(),
        saying: "servers".to_owned(),
        instead: String::new(),
        nodes: "opal #true".to_owned(),
    };
    for (kind, key, said) in [
        (left(), "deploymentMode", "is carried by the same key after all"),
        (left(), "deploymentMod", "no leaf of the example needs it"),
        (Kind::Unread, "llm", "is said not to be a key of the chart"),
        (moved("llm.provider"), "llm.provider", "should be Some(\"openai\") at `llm.provider`"),
        (moved("llm.model"), "cache.type", "should be Some(\"dragonfly\") at `llm.model`"),
        (Kind::Left { says: Some("ollama".to_owned()) }, "llm.provider", "is Some(\"none\") in ours"),
        (refused, "", "is not refused by TL0601 R01"),
        (Kind::Warned { rule: "R44".to_owned() }, "", "is warned by [], not by [\"R44\"]"),
    ] {
        let found = wrong(vec![row(key, kind)]);
        assert!(found.contains(said), "{key}: {found}");
    }
}
