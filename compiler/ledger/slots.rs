//! The places of a workload that have names, and what stands there: variables, flags, fields of facts.
//!
//! In: a `Workload` of a stack. Out: [`Slot`]s, and trees.
//! Never: names that an environment gives.
//! Invariant: a place is called as facts are, `api env[PORT]`, so that messages and facts agree.

use crate::{
    expr::{self, Expr},
    schema::{Fact, FactKind, FileExpr, Guarded, HealthExprs, ProbeExpr, ResourceExprs, Stack, TreeNode, Workload},
};

/// A place of a workload, by its name.
pub(super) struct Slot<'s> {
    /// As messages call it.
    pub called: String,
    /// The name whose end may say a unit.
    pub said: &'s str,
    /// Every name that it has.
    pub names: Vec<String>,
    /// Whether it is a variable.
    pub is_variable: bool,
    /// Whether only some targets are told it.
    pub is_override: bool,
    /// What stands there.
    pub expr: &'s Expr,
}

/// Flags of clients in one letter, and the word that they are short for.
const FLAGS: &[(&str, &str)] = &[("-U", "user"), ("-d", "database"), ("-h", "host"), ("-p", "port")];

/// The places of a workload, those of its overrides too.
pub(super) fn of<'s>(stack: &Stack, workload: &'s Workload) -> Vec<Slot<'s>> {
    let name = text_of(&workload.name).map_or_else(|| called(stack, &workload.name), str::to_owned);
    let mut list = List { workload: name, is_override: false, slots: Vec::new() };
    workload.facts.iter().for_each(|fact| list.fact(&fact.node));
    list.is_override = true;
    workload.overrides.iter().flat_map(|over| &over.facts).for_each(|fact| list.fact(&fact.node));
    list.slots
}

/// The trees in variables and files of a workload.
pub(super) fn trees(workload: &Workload) -> impl Iterator<Item = &[TreeNode]> {
    let all = workload.facts.iter().chain(workload.overrides.iter().flat_map(|over| &over.facts));
    all.filter_map(|fact: &Guarded<Fact>| match &fact.node.kind {
        FactKind::EnvTree { tree, .. } | FactKind::File { content: FileExpr::Tree(_, tree), .. } => {
            Some(tree.as_slice())
        }
        _ => None,
    })
}

/// A workload of a loop, by the map that it goes through.
fn called(stack: &Stack, name: &Expr) -> String {
    let id = expr::references(name).find_map(|found| stack.setting_at(found.place));
    id.map_or_else(|| "*".to_owned(), |id| stack.setting(id).path.to_string())
}

struct List<'s> {
    workload: String,
    is_override: bool,
    slots: Vec<Slot<'s>>,
}

impl<'s> List<'s> {
    fn push(&mut self, called: &str, said: &'s str, names: Vec<String>, is_variable: bool, expr: &'s Expr) {
        let called = format!("{} {called}", self.workload);
        self.slots.push(Slot { called, said, names, is_variable, is_override: self.is_override, expr });
    }

    fn field(&mut self, path: &str, expr: Option<&'s Expr>) {
        if let Some(expr) = expr {
            self.push(path, "", vec![path.to_owned()], false, expr);
        }
    }

    fn fact(&mut self, fact: &'s Fact) {
        match &fact.kind {
            FactKind::Env { name, also, value, .. } => {
                let Some(name) = text_of(name) else { return };
                let names: Vec<&'s str> = std::iter::once(name).chain(also.iter().map(AsRef::as_ref)).collect();
                let all = || names.iter().map(|name| (*name).to_owned()).collect();
                self.push(&format!("env[{name}]"), name, all(), true, value);
                for other in &names[1..] {
                    // its unit alone; the first place has all names
                    self.push(&format!("env[{other}]"), other, Vec::new(), false, value);
                }
            }
            FactKind::Command(words) => {
                if let [one] = words.as_slice() {
                    self.field("command", Some(one));
                }
                self.flags("command", words.iter().collect());
            }
            FactKind::Args(words) => {
                if let [one] = words.as_slice() {
                    self.field("args", Some(&one.node));
                }
                self.flags("args", words.iter().map(|word| &word.node).collect());
            }
            FactKind::Resources(found) => self.resources(found),
            FactKind::Health(health) => self.health(health),
            FactKind::Volume { size, class, .. } => {
                self.field("volume.size", size.as_ref());
                self.field("volume.class", class.as_ref());
            }
            FactKind::Security { user, group, read_only_root, drop, escalation } => {
                let fields = [
                    ("user", user),
                    ("group", group),
                    ("read-only-root", read_only_root),
                    ("drop", drop),
                    ("escalation", escalation),
                ];
                fields.into_iter().for_each(|(name, expr)| self.field(&format!("security.{name}"), expr.as_ref()));
            }
            _ => {}
        }
    }

    fn resources(&mut self, found: &'s ResourceExprs) {
        self.field("resources.requests.cpu", found.request_cpu.as_ref());
        self.field("resources.requests.memory", found.request_memory.as_ref());
        self.field("resources.limits.cpu", found.limit_cpu.as_ref());
        self.field("resources.limits.memory", found.limit_memory.as_ref());
    }

    fn health(&mut self, health: &'s HealthExprs) {
        let kind = health.kind.word();
        let fields = [
            ("period", &health.period),
            ("delay", &health.delay),
            ("timeout", &health.timeout),
            ("failures", &health.failures),
            ("start", &health.start),
        ];
        fields.into_iter().for_each(|(name, expr)| self.field(&format!("health[{kind}].{name}"), expr.as_ref()));
        match &health.probe {
            ProbeExpr::Http { path, .. } => self.field(&format!("health[{kind}].path"), Some(path)),
            ProbeExpr::Exec { argv } => self.flags(&format!("health[{kind}].exec"), argv.iter().collect()),
            ProbeExpr::Tcp { .. } => {}
        }
    }

    /// What stands behind flags: in the next word, or in the same one behind `=`.
    fn flags(&mut self, of: &str, words: Vec<&'s Expr>) {
        for (number, word) in words.iter().enumerate() {
            let before = number.checked_sub(1).and_then(|number| text_of(words[number]));
            let flag = before.filter(|text| text.starts_with('-') && !text.contains('='));
            match (flag, &word.kind) {
                (Some(flag), _) if text_of(word).is_none() => self.flag(of, flag, word),
                (_, expr::Kind::Text(pieces)) => match pieces.as_slice() {
                    [first, value] => {
                        if let Some(flag) = text_of(first).and_then(|text| text.strip_suffix('=')) {
                            self.flag(of, flag, value);
                        }
                        self.push(of, "", Vec::new(), false, word);
                    }
                    _ => self.push(of, "", Vec::new(), false, word),
                },
                _ => {}
            }
        }
    }

    fn flag(&mut self, of: &str, flag: &'s str, expr: &'s Expr) {
        let word = FLAGS.iter().find(|(short, _)| *short == flag).map_or(flag, |(_, word)| word);
        self.push(&format!("{of}[{flag}]"), word, vec![word.to_owned()], false, expr);
    }
}

/// The text of an expression that is constant.
fn text_of(expr: &Expr) -> Option<&str> {
    expr::constant_text(expr).map(AsRef::as_ref)
}
