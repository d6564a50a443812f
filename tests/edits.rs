//! Environments with one setting changed: where a setting can be written, what else it can be, and what became of it.
//!
//! Used by the tests over all settings (`effects`) and over all rules (`rules`).

use std::{collections::BTreeSet, sync::Arc};

use smol_str::SmolStr;

use trueline::{
    compile::Compiled,
    diag::{Diags, codes},
    expr::{Evaluated, Expr},
    lookup::Reading,
    model::{Deployed, Slot, View},
    schema::{Assignment, Given, Kind, SettingId, Stack},
    source::{Source, SourceId},
    syntax::{self, Node},
    value::{self, Value, spell},
};

use super::{
    golden,
    support::{compile, environments, failed, library, name_of, read, root, sorted},
};

/// The stacks that are tried.
pub(crate) const STACKS: &[&str] = &["aeterna", "app", "somafractalmemory"];

/// An environment that compiles, to be changed.
pub(crate) struct Base {
    /// A committed environment's name, `golden/CASE`, or `effects/FILE`.
    pub(crate) name: String,
    pub(crate) text: String,
    environment: String,
    pub(crate) compiled: Compiled,
}

impl Base {
    fn new(name: String, environment: String, text: String) -> Option<Base> {
        let compiled = compile(&environment, &text);
        let complete = !failed(&compiled) && compiled.env.as_ref()?.deployments.len() == ends(&text).len();
        complete.then_some(Base { name, text, environment, compiled })
    }

    pub(crate) fn deployments(&self) -> &[Deployed] {
        self.compiled.env.as_ref().map_or(&[], |env| &env.deployments)
    }

    /// Compiles another text under the same name.
    pub(crate) fn compile(&self, text: &str) -> Compiled {
        compile(&self.environment, text)
    }
}

/// The committed environments, then the golden cases, then the variants that only these tests need.
pub(crate) fn bases() -> Vec<Base> {
    use rayon::prelude::*;
    let committed = environments().into_iter().map(|(name, text)| (name.clone(), name, text));
    let golden = golden::cases().into_iter().map(|case| (format!("golden/{}", case.name), case.environment, case.text));
    let variants = sorted(&root().join("tests/fixtures/effects")).into_iter().filter_map(|file| {
        let name = name_of(&file).strip_suffix(".kdl")?.to_owned();
        Some((format!("effects/{name}"), name, read(&file)))
    });
    let all: Vec<_> = committed.chain(golden).chain(variants).collect();
    all.into_par_iter().filter_map(|(name, environment, text)| Base::new(name, environment, text)).collect()
}

/// The loaded stacks.
pub(crate) fn stacks() -> Vec<Arc<Stack>> {
    STACKS.iter().map(|name| library().stack(name, &mut Diags::default()).expect("it loads")).collect()
}

/// The places before the closing braces of the deployments of an environment.
fn ends(text: &str) -> Vec<(usize, bool)> {
    let source = Source { id: SourceId(0), name: "environments/x.kdl".to_owned(), text: text.to_owned() };
    let doc = syntax::parse(&source, &mut Diags::default());
    let end = |node: &Node| (node.span.end as usize - usize::from(node.braces), node.braces);
    let Some(environment) = doc.nodes.first() else { return Vec::new() };
    let deploys: Vec<_> = environment.children.iter().filter(|node| node.name.text == "deploy").map(end).collect();
    if deploys.is_empty() { vec![end(environment)] } else { deploys }
}

/// The text with a setting of a deployment given a value, as KDL writes it; none where this module cannot write it.
pub(crate) fn edited(base: &Base, at: usize, id: SettingId, keys: &[SmolStr], value: &str) -> Option<String> {
    let deployed = &base.deployments()[at];
    let here = |found: &&Assignment| found.setting == id && found.keys == keys && found.given != Given::Here;
    let written: Vec<&Assignment> = deployed.written.iter().filter(here).collect();
    match written.as_slice() {
        [] => inserted(base, at, id, keys, value),
        [one] => replaced(&base.text, one, value),
        _ => None,
    }
}

/// Another value where one stands; a list gets a further item in front.
fn replaced(text: &str, written: &Assignment, value: &str) -> Option<String> {
    let (mut start, end) = (written.span.start as usize, written.span.end as usize);
    let name_end = written.name_span.end as usize;
    let property = text[name_end..].starts_with('=');
    match &written.given {
        Given::Part(..) => return None,
        Given::List(_) if !property && value != "#null" => {
            return Some(format!("{} {value}{}", &text[..name_end], &text[name_end..]));
        }
        Given::Value(Value::Map(_)) => {
            let close = text[..end].rfind('}')?;
            return Some(format!("{}; changed 1 {}", &text[..close], &text[close..]));
        }
        Given::List(items) if items.len() > 1 => return None,
        _ => {}
    }
    if text[..start].ends_with(')') {
        start = text[..start].rfind('(')?;
    }
    Some(format!("{}{value}{}", &text[..start], &text[end..]))
}

/// A node for what is not written yet, at the end of the deployment; in an item of a list of records, beside a sibling.
fn inserted(base: &Base, at: usize, id: SettingId, keys: &[SmolStr], value: &str) -> Option<String> {
    let deployed = &base.deployments()[at];
    let stack = &deployed.stack;
    let setting = stack.setting(id);
    let text = &base.text;
    if setting.below_list {
        let record = setting.parent?;
        let sibling = deployed.written.iter().find(|found| {
            found.keys == keys && stack.setting(found.setting).parent == Some(record) && found.given != Given::Here
        })?;
        let (start, end) = (sibling.name_span.start as usize, sibling.name_span.end as usize);
        let (equals, after) = if text[end..].starts_with('=') { ("=", "") } else { (" ", ";") };
        return Some(format!("{}{}{equals}{value}{after} {}", &text[..start], setting.name, &text[start..]));
    }
    let mut steps: Vec<String> = Vec::new();
    let mut keys = keys.iter();
    for word in ancestors(stack, id) {
        let step = stack.setting(word);
        if step.name.as_str() != "*" {
            steps.push(step.name.to_string());
        } else if matches!(step.kind, Kind::Group) {
            let entry = steps.pop()?;
            steps.push(format!("{entry} {:?}", keys.next()?.as_str()));
        } else {
            steps.push(format!("{:?}", keys.next()?.as_str()));
        }
    }
    let last = steps.pop()?;
    let node = if matches!(&setting.kind, Kind::Scalar(of) if of.as_str() == "tree") {
        format!("{last} {{ changed 1 }}")
    } else {
        format!("{last} {value}")
    };
    let node = steps.into_iter().rev().fold(node, |inner, step| format!("{step} {{ {inner} }}"));
    Some(continued(text, at, &node))
}

/// The text with more lines at the end of a deployment.
pub(crate) fn continued(text: &str, at: usize, lines: &str) -> String {
    let Some((end, braces)) = ends(text).get(at).copied() else { return text.to_owned() };
    let lines = if braces { format!("\n{lines}\n") } else { format!(" {{\n{lines}\n}}") };
    format!("{}{lines}{}", &text[..end], &text[end..])
}

/// The same with a value for every setting that the findings ask for, where what was changed needs others beside it.
pub(crate) fn completed(base: &Base, at: usize, mut text: String) -> String {
    for _ in 0..3 {
        let compiled = base.compile(&text);
        let wanting = compiled.findings.iter().filter(|finding| finding.code == &codes::REQUIRED);
        let paths: BTreeSet<&str> = wanting.filter_map(|finding| finding.message.split('`').nth(1)).collect();
        if paths.is_empty() {
            return text;
        }
        let stack = &base.deployments()[at].stack;
        let nodes: String = paths.into_iter().filter_map(|path| wanted(stack, path)).collect();
        text = continued(&text, at, &nodes);
    }
    text
}

/// A line that gives a setting, which stands in no list, its first candidate.
fn wanted(stack: &Stack, path: &str) -> Option<String> {
    let (mut at, mut steps): (SettingId, Vec<String>) = (SettingId::ROOT, Vec::new());
    for word in path.split('.') {
        match stack.setting(at).kind {
            Kind::Map(item) => {
                at = item;
                let entry = steps.pop()?;
                steps.push(format!("{entry} {word:?}"));
            }
            _ => {
                at = *stack.setting(at).children.get(word)?;
                steps.push(word.to_owned());
            }
        }
    }
    let value = candidates(stack, at, 0, None).into_iter().next()?;
    let last = format!("{} {value}", steps.pop()?);
    Some(steps.into_iter().rev().fold(last, |inner, step| format!("{step} {{ {inner} }}")) + "\n")
}

/// The settings from the top to one, itself last, without the root.
fn ancestors(stack: &Stack, id: SettingId) -> Vec<SettingId> {
    let mut all = Vec::new();
    let mut at = id;
    while at != SettingId::ROOT {
        all.push(at);
        at = stack.setting(at).parent.unwrap_or(SettingId::ROOT);
    }
    all.reverse();
    all
}

/// The keys under which a setting exists in a view. A map of values has one more, which nobody has written.
pub(crate) fn instances(stack: &Stack, view: &View, id: SettingId) -> Vec<Vec<SmolStr>> {
    let is_collection = |id: &SettingId| matches!(stack.setting(*id).kind, Kind::Map(_) | Kind::List(_));
    let collections = ancestors(stack, id).into_iter().filter(|above| *above != id).filter(is_collection);
    collections.fold(vec![Vec::new()], |all: Vec<Vec<SmolStr>>, collection| {
        let (Kind::Map(item) | Kind::List(item)) = stack.setting(collection).kind else { return all };
        let open = matches!(stack.setting(collection).kind, Kind::Map(_))
            && matches!(stack.setting(item).kind, Kind::Scalar(_));
        let inner = |keys: Vec<SmolStr>| {
            let exists = view.slot(collection, &keys).is_none_or(|slot| slot.declaration.is_some());
            let further = (open && exists).then(|| SmolStr::from("CHANGED"));
            let found = view.keys_of(collection, &keys).iter().cloned().chain(further);
            found.map(|key| keys.iter().cloned().chain([key]).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        all.into_iter().flat_map(inner).collect()
    })
}

/// What a setting could be instead, as KDL writes it; some of it may not fit.
pub(crate) fn candidates(stack: &Stack, id: SettingId, declaration: usize, now: Option<&Value>) -> Vec<String> {
    let setting = stack.setting(id);
    let of = match &setting.kind {
        Kind::Choice(words) => return words.iter().map(|word| format!("{word:?}")).collect(),
        Kind::Switch => return vec!["#true".to_owned(), "#false".to_owned()],
        Kind::List(item) => return candidates(stack, *item, 0, None),
        Kind::Scalar(of) => of.as_ref(),
        _ => return Vec::new(),
    };
    let attributes = &setting.declarations[declaration.min(setting.declarations.len() - 1)].attributes;
    let number = |bound: &Option<Value>| bound.as_ref().map(spell);
    let texts = |texts: &[&str]| texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>();
    let base = value::scalar(of).map(|row| row.base);
    let mut all = match (of, now) {
        ("enum", _) => attributes.words.iter().map(|word| format!("{word:?}")).collect(),
        ("bool", _) => vec!["#true".to_owned(), "#false".to_owned()],
        ("port", _) => vec!["7171".to_owned(), "7172".to_owned()],
        ("ratio" | "number", _) => ["0.3", "0.7"].map(str::to_owned).to_vec(),
        ("memory", Some(Value::Memory(bytes))) => {
            texts(&[&(bytes + bytes / 8).to_string(), "3Gi", "96Mi", &(bytes - bytes / 8).to_string()])
        }
        ("memory", _) => texts(&["3Gi", "96Mi", "40Gi"]),
        ("cpu", Some(Value::Cpu(now))) => texts(&[&format!("{}m", now + now / 8 + 1), "70m", "3"]),
        ("cpu", _) => texts(&["70m", "900m", "3"]),
        ("duration", Some(Value::Duration(now))) => {
            texts(&[&format!("{}s", now / 1000 + 1), "7s", "11m", "13h", "17d"])
        }
        ("duration", _) => texts(&["7s", "11m", "13h", "17d"]),
        ("cron", _) => texts(&["7 5 * * *"]),
        ("image", _) => texts(&["registry.example/team/changed:7.1"]),
        ("image-repository", _) => texts(&["registry.example/team/changed"]),
        ("secret", now) => {
            // A rule or a chart may fix the name or the key.
            let now = now.map(spell).unwrap_or_default();
            let halves =
                now.split_once('/').map(|(name, key)| [format!("changed-secret/{key}"), format!("{name}/changed-key")]);
            let all = ["changed-secret/changed-key".to_owned()].into_iter().chain(halves.into_iter().flatten());
            all.map(|reference| format!("(secret){reference:?}")).collect()
        }
        ("url", _) => {
            let schemes: Vec<&str> = match attributes.schemes.as_slice() {
                [] => vec!["https", "http"],
                schemes => schemes.iter().map(AsRef::as_ref).collect(),
            };
            let hosts = ["changed.example", "changed.example:7171"];
            hosts
                .iter()
                .flat_map(|host| schemes.iter().map(move |scheme| format!("\"{scheme}://{host}/path\"")))
                .collect()
        }
        ("address", _) => texts(&["changed.example:9092"]),
        ("host" | "hostname" | "subdomain", _) => texts(&["changed.example"]),
        ("path", _) => texts(&["/changed"]),
        ("semver", _) => texts(&["7.1.0"]),
        ("key" | "endpoint", _) => Vec::new(),
        ("env-value", _) => vec!["\"changed\"".to_owned(), "7".to_owned()],
        _ if base == Some(value::Base::Int) => match now {
            Some(Value::Int(now)) => vec![(now + 1).to_string(), (now - 1).to_string()],
            _ => ["3", "1", "70"].map(str::to_owned).to_vec(),
        },
        _ => vec!["\"changed\"".to_owned()],
    };
    if base == Some(value::Base::Int) || ["ratio", "number"].contains(&of) {
        all.extend(number(&attributes.min));
        all.extend(number(&attributes.max));
    } else if let (Some(min), Some(max)) = (&attributes.min, &attributes.max)
        && !matches!(min, Value::Int(_))
    {
        all.extend([format!("{:?}", spell(min)), format!("{:?}", spell(max))]);
    }
    if let Some(row) = value::scalar(of).filter(|_| !["bool", "enum", "secret"].contains(&of)) {
        all.push(row.example.to_owned());
    }
    let now = now.map(|now| if let Value::String(_) = now { format!("{:?}", spell(now)) } else { spell(now) });
    let mut seen = BTreeSet::new();
    all.retain(|value| Some(value.trim_start_matches('#')) != now.as_deref() && seen.insert(value.clone()));
    all
}

/// Evaluates where a setting or rule stands in a deployment.
pub(crate) fn holds(
    environment: &SmolStr,
    deployed: &Deployed,
    view: &View,
    own: &[SmolStr],
    condition: &Expr,
) -> Evaluated {
    let reading = Reading {
        stack: &deployed.stack,
        view,
        target: "",
        environment,
        release: &deployed.name,
        own,
        loops: &[],
        provider: None,
        findings: None,
    };
    reading.evaluate(condition)
}

/// Whether a condition is true in the base view.
pub(crate) fn holds_in_base(environment: &SmolStr, deployed: &Deployed, condition: &Expr) -> bool {
    holds(environment, deployed, &deployed.base, &[], condition) == Evaluated::Value(Value::Bool(true))
}

/// The settings that have another value, with the declaration that holds, in any view of two deployments.
pub(crate) fn changed(before: &Deployed, after: &Deployed) -> BTreeSet<(SettingId, u32)> {
    let names: BTreeSet<&str> = before.all_views().chain(after.all_views()).map(|(name, _)| name).collect();
    let mut all = BTreeSet::new();
    for name in names {
        let (before, after) = (before.view(name), after.view(name)); // of no target is the base view
        let mut compare = |id: SettingId, before: Option<&Slot>, after: Option<&Slot>| {
            if before.map(|slot| &slot.value) != after.map(|slot| &slot.value) {
                let declared = [after, before].into_iter().flatten().find_map(|slot| slot.declaration);
                all.insert((id, declared.unwrap_or(0)));
            }
        };
        for (index, (before, after)) in before.flat.iter().zip(&after.flat).enumerate() {
            compare(SettingId(index as u32), before.as_ref(), after.as_ref());
        }
        for place in before.deep.keys().chain(after.deep.keys()) {
            compare(place.0, before.deep.get(place), after.deep.get(place));
        }
    }
    all
}
