//! What must hold for any environment: tried on generated ones, always the same from run to run.
//!
//! The generator walks the declared settings of a stack and writes random values for some of them. What does not fit
//! together is mended by what the findings say: a line with a mistake goes, a required setting comes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use indexmap::IndexMap;
use rayon::prelude::*;
use trueline::{
    compile::Compiled,
    diag::{Diags, Severity, codes},
    expr::{self, Expr},
    fmt,
    ledger::{self, Cell},
    schema::{Given, Guard, Kind, Other, SettingId, Stack},
    source::{Source, SourceId},
    targets::{File, Leaf},
    value,
};

use super::{
    cli::Project,
    support::{Dice, compile, failed, library, own, told},
};

/// The stacks that environments are generated for, and how many of each.
const STACKS: &[(&str, u64)] = &[("aeterna", 24), ("shop", 16), ("somafractalmemory", 16)];

/// Paths of settings and their values.
type Start = [(&'static str, &'static str)];

/// What some environments of a stack begin with, so that not all are of the default mode. It is never mended away.
const STARTS: &[(&str, &[&Start])] = &[(
    "aeterna",
    &[
        &[],
        &[],
        &[
            ("app.mode", "\"hybrid\""),
            ("central.url", "\"https://central.example.com\""),
            ("central.credentials", "(secret)\"central/api-key\""),
            ("postgres", "\"external\""),
            ("postgres.host", "\"db.example.com\""),
            ("postgres.password", "(secret)\"database/password\""),
            ("app.replicas", "1"),
        ],
        &[
            ("app.mode", "\"remote\""),
            ("central.url", "\"https://central.example.com\""),
            ("central.credentials", "(secret)\"central/api-key\""),
            ("postgres", "\"external\""),
            ("postgres.host", "\"db.example.com\""),
            ("postgres.password", "(secret)\"database/password\""),
            ("vector", "\"qdrant\""),
            ("vector.source", "\"external\""),
            ("vector.host", "\"qdrant.example.com\""),
        ],
        &[("app.mode", "\"central\""), ("ingress.hosts", "\"central.example.com\""), ("ingress.tls", "#true")],
    ],
)];

/// How often an environment is mended before it counts as wrong.
const ROUNDS: usize = 60;

/// A node on the way to a setting: its name, and its key where it is an entry of a map of groups.
type Step = (String, Option<String>);

/// One thing that an environment says.
#[derive(Clone, Debug)]
struct Item {
    /// The nodes around it.
    above: Vec<Step>,
    said: Said,
    /// The setting that it is about.
    setting: SettingId,
}

#[derive(Clone, Debug)]
enum Said {
    /// A value or a list of values, as written: `replicas 3`.
    Value(String, Vec<String>),
    /// A choice or switch with its argument, which other items may stand in.
    Argument(String, String),
    /// A switch, or an entry of a map, that is mentioned.
    Mention,
    /// An item of a list of records, or a free tree; the whole node.
    Node(String),
}

impl Item {
    /// The item alone, nested in all its nodes.
    fn alone(&self) -> String {
        let said = match &self.said {
            Said::Value(name, values) => format!("{name} {}", values.join(" ")),
            Said::Argument(name, value) => format!("{name} {value}"),
            Said::Mention => String::new(),
            Said::Node(text) => text.clone(),
        };
        let mut above = self.above.iter().rev();
        let innermost = match (&self.said, above.clone().next()) {
            (Said::Mention, Some(step)) => {
                above.next();
                head(step)
            }
            _ => said,
        };
        above.fold(innermost, |inner, step| format!("{} {{ {inner} }}", head(step)))
    }
}

fn head((name, key): &Step) -> String {
    key.as_ref().map_or_else(|| name.clone(), |key| format!("{name} \"{key}\""))
}

/// An environment before it is text: one item on each line, from the second line on.
#[derive(Clone)]
struct Environment {
    stack: Arc<Stack>,
    items: Vec<Item>,
    /// How many of the first items stay whatever is found.
    fixed: usize,
}

impl Environment {
    fn text(&self) -> String {
        let lines: String = self.items.iter().map(|item| format!("{}\n", item.alone())).collect();
        format!("environment \"dev\" stack=\"{}\" {{\n{lines}}}\n", self.stack.name)
    }

    fn compile(&self) -> Compiled {
        compile("dev", &self.text())
    }
}

/// A random environment.
struct Generator {
    dice: Dice,
    stack: Arc<Stack>,
    items: Vec<Item>,
}

impl Generator {
    fn environment(stack: &str, seed: u64) -> Environment {
        let stack = library().stack(stack, &mut Diags::default()).expect("the stack loads");
        let mut generator = Generator { dice: Dice(seed), stack: stack.clone(), items: Vec::new() };
        let density = 2 + generator.dice.roll(6);
        let starts =
            STARTS.iter().find(|(name, _)| *name == stack.name.as_str()).map_or(&[][..], |(_, starts)| *starts);
        let start = if starts.is_empty() { &[][..] } else { starts[seed as usize % starts.len()] };
        start.iter().for_each(|(path, value)| generator.start(path, value));
        let fixed = generator.items.len();
        generator.group(SettingId::ROOT, &[], density);
        let paths: BTreeSet<SettingId> = generator.items[..fixed].iter().map(|item| item.setting).collect();
        let mut at = 0;
        generator.items.retain(|item| {
            at += 1;
            at <= fixed || !paths.contains(&item.setting)
        });
        Environment { stack, items: generator.items, fixed }
    }

    /// Says one thing that an environment begins with.
    fn start(&mut self, path: &str, value: &str) {
        let stack = self.stack.clone();
        let mut at = SettingId::ROOT;
        let mut above: Vec<Step> = path.split('.').map(|word| (word.to_owned(), None)).collect();
        for (word, _) in &above {
            at = *stack.setting(at).children.get(word.as_str()).expect("a setting of the stack");
        }
        let (name, _) = above.pop().expect("a path has words");
        let said = match stack.setting(at).kind {
            Kind::Choice(_) | Kind::Switch => Said::Argument(name, value.to_owned()),
            _ => Said::Value(name, vec![value.to_owned()]),
        };
        self.push(&above, said, at);
    }

    fn push(&mut self, above: &[Step], said: Said, setting: SettingId) {
        self.items.push(Item { above: above.to_vec(), said, setting });
    }

    /// Says something about one in `density` settings of a group.
    fn group(&mut self, group: SettingId, above: &[Step], density: usize) {
        let stack = self.stack.clone();
        for (name, id) in &stack.setting(group).children {
            let nested = !matches!(stack.setting(*id).kind, Kind::Scalar(_));
            if nested || self.dice.once_in(density) {
                self.setting(name, *id, above, density);
            }
        }
    }

    fn setting(&mut self, name: &str, id: SettingId, above: &[Step], density: usize) {
        let stack = self.stack.clone();
        let setting = stack.setting(id);
        if setting.declarations.iter().any(|declaration| declaration.derived) {
            return;
        }
        let inner: Vec<Step> = above.iter().cloned().chain([(name.to_owned(), None)]).collect();
        let named = |said| Said::Value(name.to_owned(), vec![said]);
        match &setting.kind {
            Kind::Group => self.group(id, &inner, density),
            Kind::Scalar(of) if of.as_str() == "tree" => {
                let number = self.dice.roll(100);
                self.push(above, Said::Node(format!("{name} {{ b {number}; a {{ c \"x\" }} }}")), id);
            }
            Kind::Scalar(_) => {
                let value = self.value(id);
                self.push(above, named(value), id);
            }
            Kind::Choice(words) => {
                if self.dice.once_in(2) {
                    let word = format!("\"{}\"", self.dice.pick(words));
                    self.push(above, Said::Argument(name.to_owned(), word), id);
                }
                self.group(id, &inner, density);
            }
            Kind::Switch => {
                match self.dice.roll(4) {
                    0 => self.push(above, Said::Argument(name.to_owned(), "#false".to_owned()), id),
                    1 => self.push(above, Said::Argument(name.to_owned(), "#true".to_owned()), id),
                    2 => self.push(&inner, Said::Mention, id),
                    _ => return,
                }
                self.group(id, &inner, density);
            }
            Kind::List(item) if matches!(stack.setting(*item).kind, Kind::Group) => {
                for _ in 0..self.dice.roll(3) {
                    let fields = self.fields(*item);
                    self.push(above, Said::Node(format!("{name}{fields}")), id);
                }
            }
            Kind::List(item) => {
                if self.dice.once_in(density) {
                    let values = (0..1 + self.dice.roll(3)).map(|_| self.value(*item)).collect();
                    self.push(above, Said::Value(name.to_owned(), values), id);
                }
            }
            Kind::Map(item) if matches!(stack.setting(*item).kind, Kind::Group) => {
                for number in 0..self.dice.roll(4) {
                    let entry = (name.to_owned(), Some(format!("{name}-{number}")));
                    let inner: Vec<Step> = above.iter().cloned().chain([entry]).collect();
                    self.push(&inner, Said::Mention, *item);
                    self.group(*item, &inner, density);
                }
            }
            Kind::Map(item) => {
                for number in 0..self.dice.roll(4) {
                    let value = self.value(*item);
                    self.push(&inner, Said::Value(format!("KEY_{number}"), vec![value]), id);
                }
            }
        }
    }

    /// The fields of a record in a list, as properties.
    fn fields(&mut self, record: SettingId) -> String {
        let stack = self.stack.clone();
        let mut fields = String::new();
        for (name, id) in &stack.setting(record).children {
            let setting = stack.setting(*id);
            let wanted = setting.declarations[0].required || self.dice.once_in(2);
            if matches!(setting.kind, Kind::Scalar(_)) && wanted {
                fields.push_str(&format!(" {name}={}", self.value(*id)));
            }
        }
        fields
    }

    /// A value that the type and the range of a scalar allow.
    fn value(&mut self, id: SettingId) -> String {
        let stack = self.stack.clone();
        let setting = stack.setting(id);
        let Kind::Scalar(of) = &setting.kind else { return "\"x\"".to_owned() };
        let declaration = &setting.declarations[self.dice.roll(setting.declarations.len())];
        let attributes = &declaration.attributes;
        let bound = |bound: &Option<value::Value>, otherwise| match bound {
            Some(value::Value::Int(bound)) => *bound as usize,
            _ => otherwise,
        };
        let number = self.dice.roll(60);
        match of.as_ref() {
            "enum" => format!("\"{}\"", self.dice.pick(&attributes.words)),
            "bool" => format!("#{}", number < 30),
            "port" => (2000 + self.dice.roll(4000)).to_string(),
            "int" | "percent" => {
                let least = bound(&attributes.min, 0);
                let most = bound(&attributes.max, least + 5);
                (least + self.dice.roll((most - least + 1).min(6))).to_string()
            }
            "ratio" | "number" => format!("0.{}", 1 + number),
            "memory" => format!("\"{}Mi\"", 256 * (1 + number)),
            "cpu" => format!("\"{}m\"", 50 * (1 + number)),
            "duration" => format!("\"{}s\"", 1 + number),
            "cron" => format!("\"{number} 3 * * *\""),
            "image" => format!("\"registry.example/team/app-{number}:1.{number}\""),
            "secret" => format!("(secret)\"secret-{}/{}\"", number % 3, ["key", "api-key", "pubsub-uri"][number % 3]),
            "url" => format!("\"{}://host-{number}.example/path\"", self.dice.pick(&["http", "https", "gs"])),
            "address" => format!("\"host-{number}.example:9092\""),
            "host" | "hostname" => format!("\"host-{number}.example\""),
            "path" => format!("\"/path/{number}\""),
            "key" => format!("\"env-group-{}\"", number % 3),
            "endpoint" => format!("\"{}-{}\"", self.dice.pick(&["service", "job", "postgres"]), number % 3),
            "env-value" => match number % 5 {
                0 => format!("(link)\"postgres-{}.url\"", number % 3),
                1 => format!("(link)\"service-{}.host\"", number % 3),
                2 => format!("(secret)\"secret-{}/key\"", number % 3),
                3 => number.to_string(),
                _ => format!("\"text {number} $HOME\""),
            },
            "string" => match number % 4 {
                0 => "\"no\"".to_owned(),
                1 => format!("\"${{X}} $(id) #{number}\""),
                _ => format!("\"text-{number}\""),
            },
            _ => match value::scalar(of) {
                Some(of) if of.base == value::Base::String => format!("\"word-{number}\""),
                Some(of) => of.example.to_owned(),
                None => "\"x\"".to_owned(),
            },
        }
    }
}

/// Takes away lines with mistakes and adds what is required, until nothing is wrong.
fn mended(mut environment: Environment, dice: &mut Dice) -> Environment {
    for _ in 0..ROUNDS {
        let compiled = environment.compile();
        if !failed(&compiled) {
            return environment;
        }
        let errors = compiled.findings.iter().filter(|finding| finding.code.severity == Severity::Error);
        let mut gone: BTreeSet<usize> = BTreeSet::new();
        let mut added: Vec<Item> = Vec::new();
        for finding in errors {
            let source = compiled.sources.get(SourceId(0)).expect("the environment is a text");
            let places = std::iter::once(finding.span).chain(finding.labels.iter().map(|label| label.span));
            let own = places.filter(|span| span.source == SourceId(0)).map(|span| source.line_column(span.start).0);
            let mendable = environment.fixed + 2..environment.items.len() + 2;
            let lines: Vec<usize> = own.filter(|line| mendable.contains(line)).collect();
            let wanting = finding.code == &codes::REQUIRED || lines.is_empty();
            if let Some(item) = wanting.then(|| wanted(&environment.stack, &finding.message, dice)).flatten() {
                added.push(item);
                continue;
            }
            match lines.as_slice() {
                [] if environment.items.len() > environment.fixed => {
                    gone.insert(environment.fixed + dice.roll(environment.items.len() - environment.fixed));
                }
                [] => {}
                lines => gone.extend([dice.pick(lines) - 2]),
            }
        }
        let mut at = 0;
        environment.items.retain(|_| {
            at += 1;
            !gone.contains(&(at - 1))
        });
        environment.items.extend(added);
    }
    environment
}

/// The item that gives a setting of a finding a value: one of those that its message has in backticks.
fn wanted(stack: &Arc<Stack>, message: &str, dice: &mut Dice) -> Option<Item> {
    let mut generator = Generator { dice: dice.clone(), stack: stack.clone(), items: Vec::new() };
    let paths: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let path = paths.get(dice.roll(paths.len().max(2)))?;
    let words: Vec<&str> = path.split('.').collect();
    let (name, nodes) = words.split_last()?;
    let mut at = SettingId::ROOT;
    let mut above: Vec<Step> = Vec::new();
    let mut nodes = nodes.iter();
    while let Some(word) = nodes.next() {
        at = *stack.setting(at).children.get(word)?;
        let key = match stack.setting(at).kind {
            Kind::Map(item) => {
                at = item;
                Some((*nodes.next()?).to_owned())
            }
            Kind::List(_) => return None,
            _ => None,
        };
        above.push(((*word).to_owned(), key));
    }
    let id = *stack.setting(at).children.get(name)?;
    match stack.setting(id).kind {
        Kind::List(item) => {
            let value = generator.value(item);
            generator.push(&above, Said::Value((*name).to_owned(), vec![value]), id);
        }
        _ => generator.setting(name, id, &above, 1),
    }
    generator.items.pop()
}

/// The generated environments that compile; nearly all of them do.
fn valid() -> &'static [Environment] {
    static VALID: OnceLock<Vec<Environment>> = OnceLock::new();
    VALID.get_or_init(generated)
}

fn generated() -> Vec<Environment> {
    let seeds: Vec<(&str, u64)> =
        STACKS.iter().flat_map(|(stack, count)| (0..*count).map(move |seed| (*stack, seed))).collect();
    let (all, broken): (Vec<Environment>, Vec<Environment>) = seeds
        .par_iter()
        .map(|(stack, seed)| mended(Generator::environment(stack, *seed), &mut Dice(*seed)))
        .partition(|environment| !failed(&environment.compile()));
    let why: String = broken.iter().map(|environment| told(&environment.compile())).collect();
    assert!(all.len() * 10 >= seeds.len() * 9, "{} of {} compile\n{why}", all.len(), seeds.len());
    all
}

/// All properties are tried on the same environments: generating them takes longer than trying.
#[test]
fn what_means_the_same_gives_the_same_bytes() {
    let environments = valid();
    let items: usize = environments.iter().map(|environment| environment.items.len()).sum();
    assert!(items > environments.len() * 8, "{items} items in {}", environments.len());
    environments.par_iter().enumerate().for_each(|(seed, environment)| {
        let mut dice = Dice(seed as u64);
        let first = environment.compile();
        same(&first, &environment.compile(), &environment.text(), "another compile");
        let mut shuffled = environment.clone();
        shuffle(&mut shuffled.items, &mut dice);
        same(&first, &shuffled.compile(), &shuffled.text(), "other order");
        for _ in 0..3 {
            let text = reformatted(&shuffled, &mut dice);
            let compiled = compile("dev", &text);
            same(&first, &compiled, &text, "other layout");
        }
        let text = laid_out(&reformatted(&shuffled, &mut dice));
        same(&first, &compile("dev", &text), &text, "laid out");
    });
}

/// The text as `trueline fmt` lays it out.
fn laid_out(text: &str) -> String {
    let source = Source { id: SourceId(0), name: "environments/dev.kdl".to_owned(), text: text.to_owned() };
    fmt::format(&source, &mut Diags::default())
}

fn same(first: &Compiled, second: &Compiled, written: &str, what: &str) {
    assert!(!failed(second), "{what}:\n{written}\n{}", told(second));
    let path = |files: &[File]| files.iter().map(|file| (file.path.clone(), file.bytes.clone())).collect::<Vec<_>>();
    let (first, second) = (path(&first.files), path(&second.files));
    let differs = first.iter().zip(&second).find(|(a, b)| a != b);
    let text = |file: &(String, Vec<u8>)| format!("{}:\n{}", file.0, String::from_utf8_lossy(&file.1));
    let shown = differs.map(|(a, b)| {
        let (a, b) = (text(a), text(b));
        similar::TextDiff::from_lines(&a, &b).unified_diff().to_string()
    });
    assert!(shown.is_none() && first.len() == second.len(), "{what}: {}\n{written}", shown.unwrap_or_default());
}

/// Another order; that of the items of one list of records means something and stays.
fn shuffle(items: &mut [Item], dice: &mut Dice) {
    let of_list = |item: &Item| matches!(item.said, Said::Node(_));
    let lists: Vec<Item> = items.iter().filter(|item| of_list(item)).cloned().collect();
    dice.shuffle(items);
    let mut lists = lists.into_iter();
    for item in items.iter_mut().filter(|item| of_list(item)) {
        *item = lists.next().expect("as many as before");
    }
}

/// What stands in a node of an environment.
#[derive(Default)]
struct Node {
    argument: Option<String>,
    children: IndexMap<Step, Node>,
    values: Vec<(String, Vec<String>)>,
    nodes: Vec<String>,
}

/// The same environment in another layout: nodes merged, properties as children and back, blanks, comments.
fn reformatted(environment: &Environment, dice: &mut Dice) -> String {
    let mut root = Node::default();
    for item in &environment.items {
        let mut above = item.above.clone();
        if let Said::Argument(name, _) = &item.said {
            above.push((name.clone(), None));
        }
        let node = above.into_iter().fold(&mut root, |node, step| node.children.entry(step).or_default());
        match &item.said {
            Said::Value(name, values) => node.values.push((name.clone(), values.clone())),
            Said::Argument(_, value) => node.argument = Some(value.clone()),
            Said::Mention => {}
            Said::Node(text) => node.nodes.push(text.clone()),
        }
    }
    let body = body(&root, true, dice);
    format!("// a comment\n/* and another */\nenvironment \"dev\" stack={:?} {{{body}}}", environment.stack.name)
}

fn body(node: &Node, top: bool, dice: &mut Dice) -> String {
    let mut parts: Vec<String> = node.nodes.clone();
    if !top || !node.values.is_empty() {
        parts.extend(node.values.iter().map(|(name, values)| format!("{name}{}{}", blank(dice), values.join(" "))));
    }
    for (step, child) in &node.children {
        parts.push(format!("{}{}", head(step), rest(child, dice)));
    }
    if dice.once_in(3) {
        parts.push("/- ignored { whole \"node\" }".to_owned());
    }
    let mut text = String::new();
    for part in parts {
        // A `;` ends a node, and there has to be one.
        let ends_a_node = !text.is_empty() && !text.ends_with('\n');
        text.push_str(match dice.roll(3) {
            0 if ends_a_node => dice.word(&[";", " ; "]),
            _ => dice.word(&["\n", "\n\n    ", "\n\t", " // note\n", "\r\n"]),
        });
        text.push_str(&part);
    }
    text.push_str(dice.word(&["\n", " ", "\n// end\n", " /* end */ "]));
    text
}

/// What follows the name of a node: argument, properties and children, in one of the ways that mean the same.
fn rest(node: &Node, dice: &mut Dice) -> String {
    let mut text = node.argument.as_ref().map_or_else(String::new, |argument| format!("{}{argument}", blank(dice)));
    let mut inner = Node { nodes: node.nodes.clone(), ..Node::default() };
    for (name, values) in &node.values {
        if values.len() == 1 && dice.once_in(2) {
            text.push_str(&format!("{}{name}={}", blank(dice), values[0]));
        } else {
            inner.values.push((name.clone(), values.clone()));
        }
    }
    if !(inner.nodes.is_empty() && inner.values.is_empty() && node.children.is_empty()) {
        let children = Node { children: IndexMap::new(), ..inner };
        let mut braces = body(&children, false, dice);
        for (step, child) in &node.children {
            braces.push_str(&format!("\n{}{}\n", head(step), rest(child, dice)));
        }
        text.push_str(&format!("{}{{{braces}}}", blank(dice)));
    }
    text
}

fn blank(dice: &mut Dice) -> &'static str {
    dice.word(&[" ", "  ", "\t", " /* here */ ", " \\\n  "])
}

/// Another value of one setting changes only what is computed from it: files of targets that use it, and in them lines
/// that name it, or a setting that follows from it.
#[test]
fn a_change_reaches_only_what_is_computed_from_it() {
    let environments = valid();
    let tables: BTreeMap<&str, Follows> = STACKS
        .iter()
        .map(|(name, _)| (*name, Follows::of(&library().stack(name, &mut Diags::default()).expect("it loads"))))
        .collect();
    let tried: usize = environments
        .par_iter()
        .enumerate()
        .map(|(seed, environment)| {
            let mut dice = Dice(seed as u64 + 1000);
            let first = environment.compile();
            let follows = &tables[environment.stack.name.as_str()];
            (0..environment.items.len().min(4)).filter(|_| changed(environment, &first, follows, &mut dice)).count()
        })
        .sum();
    assert!(tried > environments.len() * 2, "{tried} changes of {} environments", environments.len());
}

/// Gives one item another value; says whether the result compiled.
fn changed(environment: &Environment, first: &Compiled, follows: &Follows, dice: &mut Dice) -> bool {
    let mut other = environment.clone();
    let at = dice.roll(other.items.len());
    let id = other.items[at].setting;
    let mut generator = Generator { dice: dice.clone(), stack: environment.stack.clone(), items: Vec::new() };
    dice.roll(2);
    match &mut other.items[at].said {
        Said::Value(_, values) => {
            let setting = environment.stack.setting(id);
            let of = if let Kind::List(item) | Kind::Map(item) = setting.kind { item } else { id };
            values[0] = generator.value(of);
        }
        Said::Argument(_, value) if value.as_str() == "#true" => *value = "#false".to_owned(),
        Said::Argument(_, value) if value.as_str() == "#false" => *value = "#true".to_owned(),
        _ => return false,
    }
    let second = other.compile();
    if failed(&second) {
        return false;
    }
    let reached = &follows.from[&id];
    let path = |id: &SettingId| environment.stack.setting(*id).path.to_string();
    let shown = || format!("{} -> {}", environment.items[at].alone(), other.items[at].alone());
    for before in &first.files {
        let Some(after) = second.files.iter().find(|file| file.path == before.path) else { continue };
        let Some(target) = target_of(&before.path).filter(|_| own(before) != own(after)) else { continue };
        assert!(
            reached.iter().any(|id| follows.used.contains(&(*id, target))),
            "{}: {} changed, and the ledger knows no way there",
            shown(),
            before.path
        );
        fn leaves(file: &File) -> BTreeMap<Vec<String>, (String, Leaf<'_>)> {
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            let line = |leaf: Leaf<'_>| {
                file.line_of(leaf).and_then(|line| text.lines().nth(line - 1)).unwrap_or("").to_owned()
            };
            file.leaves.iter().map(|leaf| (leaf.path(), (line(leaf), leaf))).collect()
        }
        let (before_leaves, after_leaves) = (leaves(before), leaves(after));
        if before.format != after.format
            || before_leaves.len() != after_leaves.len()
            || before_leaves.keys().ne(after_leaves.keys())
        {
            // A condition decided; `used` above has judged it.
            continue;
        }
        for (at, (line, leaf)) in &before_leaves {
            let (other_line, other_leaf) = &after_leaves[at];
            if line.trim() == other_line.trim() {
                continue;
            }
            let mut origins = leaf.origins().iter().chain(other_leaf.origins()).map(|origin| origin.path.as_ref());
            let known =
                |origin: &str| origin.starts_with("endpoint.") || reached.iter().any(|id| matches(origin, &path(id)));
            assert!(
                origins.clone().any(known) || leaf.at() != other_leaf.at(),
                "{}: {} {at:?} changed from {line:?} to {other_line:?}, which comes from {:?}",
                shown(),
                before.path,
                origins.by_ref().collect::<Vec<_>>()
            );
        }
    }
    true
}

/// Whether an origin is a setting of this path, or a group around it; keys stand where the path has `*`.
fn matches(origin: &str, path: &str) -> bool {
    let mut words = path.split('.');
    origin.split('.').all(|word| words.next().is_some_and(|wanted| wanted == "*" || wanted == word || word == "*"))
}

/// The target that a file belongs to; none for those that hold everything.
fn target_of(path: &str) -> Option<&'static str> {
    let mut parts = path.split('/').skip(1);
    match parts.next()? {
        "helm" => Some("helm"),
        "compose" => Some("compose"),
        "runtime" => Some("toml"),
        "mcp" => Some("mcp"),
        "flux" => Some("flux"),
        _ => None,
    }
}

/// What follows from what in a stack, read from its expressions.
struct Follows {
    /// The settings that follow from a setting, itself among them.
    from: BTreeMap<SettingId, BTreeSet<SettingId>>,
    /// The targets that use a setting, as the ledger says.
    used: BTreeSet<(SettingId, &'static str)>,
}

impl Follows {
    fn of(stack: &Stack) -> Follows {
        let mut direct: BTreeMap<SettingId, BTreeSet<SettingId>> = BTreeMap::new();
        let mut add = |on: &[SettingId], id: SettingId| {
            for read in on {
                direct.entry(*read).or_default().insert(id);
            }
        };
        for index in 0..stack.settings.len() {
            let id = SettingId(index as u32);
            let setting = stack.setting(id);
            let mut exprs: Vec<&Expr> = Vec::new();
            for declaration in &setting.declarations {
                exprs.extend(&declaration.defaults);
                exprs.extend(declaration.available.iter().map(|index| &stack.conditions[*index as usize]));
            }
            for (preset, at) in &stack.preset_index[index] {
                let preset = &stack.presets[*preset as usize];
                exprs.extend(&preset.when);
                exprs.extend(match &preset.values[*at as usize].given {
                    Given::Expr(expr) => Some(expr),
                    _ => None,
                });
            }
            for expr in exprs {
                add(&read_by(stack, expr), id);
            }
            // What stands in a collection comes and goes with it, and is a part of it.
            if let Some(parent) = setting.parent.filter(|parent| *parent != SettingId::ROOT) {
                if !matches!(stack.setting(parent).kind, Kind::Group) {
                    add(&[parent], id);
                }
                add(&[id], parent);
            }
        }
        let from = (0..stack.settings.len() as u32).map(|index| (SettingId(index), closed(SettingId(index), &direct)));
        let table = ledger::table(stack);
        let mut used = BTreeSet::new();
        for row in &table.rows {
            for (column, cell) in table.columns.iter().zip(&row.cells) {
                let target = ["helm", "compose", "toml", "mcp", "flux"]
                    .into_iter()
                    .find(|target| column.split(':').next() == Some(target))
                    .expect("a column is a target");
                if matches!(cell, Cell::Used(_)) {
                    used.insert((row.setting, target));
                }
            }
        }
        Follows { from: from.collect(), used }
    }
}

fn closed(id: SettingId, direct: &BTreeMap<SettingId, BTreeSet<SettingId>>) -> BTreeSet<SettingId> {
    let mut all = BTreeSet::new();
    let mut todo = vec![id];
    while let Some(id) = todo.pop() {
        if all.insert(id) {
            todo.extend(direct.get(&id).into_iter().flatten());
        }
    }
    all
}

/// The settings that an expression reads, also through endpoints.
fn read_by(stack: &Stack, expr: &Expr) -> Vec<SettingId> {
    let mut read = Vec::new();
    for found in expr::references(expr) {
        if let Some(id) = stack.setting_at(found.place) {
            read.extend(stack.read_by(id));
            continue;
        }
        let Some(Other::Endpoint(_) | Other::EndpointHost(_) | Other::EndpointPort(..) | Other::EndpointField(..)) =
            stack.other_at(found.place)
        else {
            continue;
        };
        let conditions = |guards: &[Guard]| -> Vec<Expr> {
            guards
                .iter()
                .filter_map(|guard| if let Guard::When(when) = guard { Some(when.clone()) } else { None })
                .collect()
        };
        let mut exprs: Vec<Expr> = stack.workloads.iter().flat_map(|workload| conditions(&workload.guards)).collect();
        for endpoint in &stack.endpoints {
            exprs.extend(conditions(&endpoint.guards));
            let external = endpoint.node.external.iter();
            exprs.extend(
                external
                    .flat_map(|external| external.when.iter().chain([&external.host]).chain(&external.port))
                    .cloned(),
            );
        }
        for expr in exprs {
            read.extend(expr::references(&expr).filter_map(|found| stack.setting_at(found.place)));
        }
    }
    read
}

/// Whatever is written: findings or files, never a panic, and the same twice.
#[test]
fn nothing_that_is_written_panics() {
    let seeds: Vec<(&str, u64)> =
        STACKS.iter().flat_map(|(stack, count)| (0..*count).map(move |seed| (*stack, seed + 5000))).collect();
    seeds.par_iter().for_each(|(stack, seed)| {
        let mut dice = Dice(*seed);
        let environment = Generator::environment(stack, *seed);
        let first = environment.compile();
        let second = environment.compile();
        assert_eq!(first.findings, second.findings, "{}", environment.text());
        // Damage: characters that come, go and change.
        let mut text: Vec<char> = environment.text().chars().collect();
        for _ in 0..6 {
            let at = dice.roll(text.len());
            match dice.roll(3) {
                0 => drop(text.remove(at)),
                1 => text.insert(
                    at,
                    *dice.pick(&['"', '{', '}', '#', '=', '(', ')', '\\', '\n', ';', '-', '\u{feff}', 'é']),
                ),
                _ => text.swap(at, 0),
            }
        }
        let text: String = text.into_iter().collect();
        assert_eq!(compile("dev", &text).findings, compile("dev", &text).findings, "{text}");
    });
}

/// Neither the number of threads nor the locale reaches a byte; through the program itself.
#[test]
fn threads_and_locales_reach_no_byte() {
    let of_one = valid().iter().filter(|environment| environment.stack.name.as_str() == "aeterna");
    let files: Vec<(String, String)> = of_one
        .take(6)
        .enumerate()
        .map(|(number, environment)| {
            let text = environment.text().replace("\"dev\"", &format!("\"dev-{number}\""));
            (format!("environments/dev-{number}.kdl"), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let tree = |threads: &str, locale: &str| {
        let project = Project::new(&files);
        let ran = project.run_with(
            &["compile"],
            &[("RAYON_NUM_THREADS", threads), ("LC_ALL", locale), ("LANG", locale), ("TZ", "Asia/Tokyo")],
        );
        assert_eq!(ran.code, 0, "{ran:?}");
        project.tree("out")
    };
    let first = tree("1", "C");
    assert_eq!(first, tree("7", "tr_TR.UTF-8"));
    assert_eq!(first, tree("2", "de_DE.ISO-8859-1"));
}
