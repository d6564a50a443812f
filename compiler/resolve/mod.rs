//! Names and layers: an environment as written becomes an environment that is complete.
//!
//! In: a `Doc`, and the stacks it names. Out: an [`Env`], where every setting has a value or is known to have none.
//! Never: a target's layout, a file on disk, the clock.
//! Invariant: settings are computed in the stack's order, whatever order the author wrote them in.

mod allow;
mod flux;
mod raw;
mod secrets;
mod view;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::{
    diag::{Diags, Finding, codes, list_of, nearest},
    model::{Deployed, Env, Flux, Override, View},
    schema::{
        Assignment, Given, SettingId, Stack,
        assign::{Reader, reason},
    },
    source::{Source, Sources, Span},
    syntax::{Doc, Literal, Node},
};

/// The targets that an environment may name, and those that it may give other values. Flux has none of its own: it
/// takes those of Helm.
pub const TARGETS: &[&str] = &["helm", "compose", "toml", "mcp", "flux"];
const WITH_VALUES: &[&str] = TARGETS.split_last().expect("there are targets").1;

/// Finds a stack by its name; `None` if there is none or it has errors, which were reported.
pub type Stacks<'a> = &'a dyn Fn(&str, &mut Diags) -> Option<Arc<Stack>>;

/// What resolving reads.
pub struct Inputs<'a> {
    /// The environment's text.
    pub source: &'a Arc<Source>,
    /// All texts, for the words of conditions.
    pub sources: &'a Sources,
    /// The stacks.
    pub stacks: Stacks<'a>,
    /// Their names, for suggestions.
    pub stack_names: &'a [&'a str],
}

/// Completes an environment. `None` if there is no environment to complete.
pub fn resolve(doc: &Doc, inputs: &Inputs<'_>, diags: &mut Diags) -> Option<Env> {
    let node = environment_node(doc, inputs, diags)?;
    let name: SmolStr = environment_name(node, inputs.source, diags)?.into();
    let mut env = Env { name: name.clone(), deployments: Vec::new(), flux: Flux::default() };
    only(node, 1, &["stack"], diags);
    if let Some(entry) = node.property("stack") {
        let Literal::String(stack) = &entry.value else {
            diags.push(codes::NO_STACK.at(entry.span, "the name of a stack is a string"));
            return None;
        };
        let stack = find_stack(stack, entry.span, inputs, diags)?;
        let flux = Flux { span: node.name.span, ..Flux::default() };
        let deployment = Deployment { name: stack.name.clone(), node, env: &name, inputs, flux: &flux, alone: true };
        let deployed = deployment.resolve(stack, diags);
        env.flux = deployed.flux.clone();
        env.deployments.push(deployed);
        return Some(env);
    }
    if node.children.is_empty() {
        diags.push(codes::NO_STACK.at(node.span, "the environment names no stack").hint(format!(
            "write `environment \"{name}\" stack=\"{}\" {{ … }}`",
            inputs.stack_names.first().unwrap_or(&"NAME")
        )));
        return None;
    }
    if node.children.iter().all(|child| child.name.text != "deploy") {
        diags.push(no_stack(&node.children[0], &name));
        return None;
    }
    let (for_all, children): (Vec<&Node>, Vec<&Node>) =
        node.children.iter().partition(|child| child.name.text == flux::NODE);
    let nothing = Flux { span: node.name.span, ..Flux::default() };
    env.flux = flux::read(&for_all, nothing, true, inputs.source, diags);
    for child in children {
        if let Some(mut deployed) = deploy(child, &name, &env.flux, inputs, diags) {
            if env.deployments.is_empty() {
                secrets::refuse(for_all.iter().copied(), &mut deployed, diags);
            }
            if env.deployments.iter().any(|other| other.name == deployed.name) {
                diags.push(
                    codes::DEPLOYED_TWICE
                        .at(child.span, format!("two deployments are called `{}`", deployed.name))
                        .hint("give one another name: `deploy \"STACK\" as=\"NAME\"`"),
                );
                continue;
            }
            env.deployments.push(deployed);
        }
    }
    Some(env)
}

fn deploy(
    child: &Node,
    environment: &SmolStr,
    flux: &Flux,
    inputs: &Inputs<'_>,
    diags: &mut Diags,
) -> Option<Deployed> {
    if child.name.text != "deploy" {
        diags.push(no_stack(child, environment));
        return None;
    }
    only(child, 1, &["as"], diags);
    let entry = child.arguments().next();
    let Some((Literal::String(stack), span)) = entry.map(|entry| (&entry.value, entry.span)) else {
        diags.push(
            codes::NO_STACK.at(child.name.span, "`deploy` names no stack").hint("write `deploy \"STACK\" { … }`"),
        );
        return None;
    };
    let stack = find_stack(stack, span, inputs, diags)?;
    let name: SmolStr = match child.property("as").map(|entry| (&entry.value, entry.span)) {
        None => stack.name.clone(),
        Some((Literal::String(name), _)) if is_label(name) => name.as_str().into(),
        Some((_, span)) => {
            diags.push(codes::ENVIRONMENT_NAME.at(span, "a deployment's name is a lower-case DNS label"));
            return None;
        }
    };
    Some(Deployment { name, node: child, env: environment, inputs, flux, alone: false }.resolve(stack, diags))
}

fn no_stack(child: &Node, environment: &str) -> Finding {
    codes::NO_STACK.at(child.name.span, format!("`{}` stands outside a deployment", child.name.text)).hint(format!(
        "name the stack: `environment \"{environment}\" stack=\"NAME\" {{ … }}`, or write `deploy \"NAME\" {{ … }}`"
    ))
}

/// Refuses arguments beyond a number, and properties that a node does not know.
fn only(node: &Node, arguments: usize, properties: &[&str], diags: &mut Diags) {
    for (name, _) in node.properties() {
        if !properties.contains(&name.text.as_str()) {
            let near = nearest(&name.text, properties.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let inside = || format!("write it in the block of `{}`, as a node: `{} …`", node.name.text, name.text);
            let hint = near.or_else(|| (!node.children.is_empty()).then(inside));
            diags.push(
                codes::UNKNOWN_ATTRIBUTE
                    .at(name.span, format!("`{}` does not know `{}`", node.name.text, name.text))
                    .maybe_hint(hint),
            );
        }
    }
    if let Some(entry) = node.arguments().nth(arguments) {
        diags.push(
            codes::TOO_MANY_VALUES
                .at(entry.span, format!("`{}` takes one argument", node.name.text))
                .underline("one too many"),
        );
    }
}

fn find_stack(name: &str, span: crate::source::Span, inputs: &Inputs<'_>, diags: &mut Diags) -> Option<Arc<Stack>> {
    if !inputs.stack_names.contains(&name) {
        let near = nearest(name, inputs.stack_names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let known = format!("there is {}", list_of(inputs.stack_names));
        diags.push(codes::UNKNOWN_STACK.at(span, format!("there is no stack `{name}`")).hint(near.unwrap_or(known)));
        return None;
    }
    (inputs.stacks)(name, diags)
}

fn environment_node<'d>(doc: &'d Doc, inputs: &Inputs<'_>, diags: &mut Diags) -> Option<&'d Node> {
    let mut found = None;
    for node in &doc.nodes {
        if node.name.text != "environment" {
            let near = nearest(&node.name.text, ["environment"]).map(|near| format!("did you mean `{near}`?"));
            diags.push(
                codes::UNKNOWN_TOP_NODE
                    .at(node.name.span, format!("`{}` means nothing at the top of an environment", node.name.text))
                    .hint(
                        near.unwrap_or_else(|| "put it inside `environment \"NAME\" stack=\"STACK\" { … }`".to_owned()),
                    ),
            );
        } else if found.is_some() {
            diags.push(
                codes::SECOND_ENVIRONMENT
                    .at(node.span, "a file holds one environment")
                    .hint("move this one into a file of its own"),
            );
        } else {
            found = Some(node);
        }
    }
    if found.is_none() && doc.nodes.is_empty() && !diags.has_errors() {
        let span = crate::source::Span::new(inputs.source.id, 0, 0);
        let stem = stem(inputs.source);
        diags.push(
            codes::NO_ENVIRONMENT
                .at(span, "the file holds no environment")
                .hint(format!("write `environment \"{stem}\" stack=\"NAME\" {{ }}`")),
        );
    }
    found
}

/// The file's name without folder and ending.
#[must_use]
pub fn stem(source: &Source) -> &str {
    let file = source.name.rsplit('/').next().unwrap_or(&source.name);
    file.strip_suffix(".kdl").unwrap_or(file)
}

fn environment_name<'d>(node: &'d Node, source: &Source, diags: &mut Diags) -> Option<&'d str> {
    let stem = stem(source);
    let Some(entry) = node.arguments().next() else {
        diags.push(
            codes::ENVIRONMENT_NAME
                .at(node.name.span, "the environment has no name")
                .hint(format!("write `environment \"{stem}\" …`")),
        );
        return None;
    };
    let Literal::String(name) = &entry.value else {
        diags.push(
            codes::ENVIRONMENT_NAME
                .at(entry.span, "the environment's name is a string")
                .hint(format!("write `\"{stem}\"`")),
        );
        return None;
    };
    if name != stem {
        diags.push(
            codes::ENVIRONMENT_NAME
                .at(entry.span, format!("the environment is called `{name}`, its file `{stem}.kdl`"))
                .hint(format!("write `environment \"{stem}\"`, or rename the file")),
        );
        return None;
    }
    if !is_label(name) {
        diags.push(
            codes::ENVIRONMENT_NAME
                .at(entry.span, format!("`{name}` is no name for an environment"))
                .underline("lower-case letters, digits and dashes, at most 63"),
        );
        return None;
    }
    Some(name)
}

/// Whether a name is a lower-case DNS label, and so can be a folder everywhere.
#[must_use]
pub fn is_label(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// A deployment as written.
struct Deployment<'a> {
    name: SmolStr,
    node: &'a Node,
    env: &'a SmolStr,
    inputs: &'a Inputs<'a>,
    /// What is said of Flux for all deployments.
    flux: &'a Flux,
    /// Whether it is the environment's only one, in whose node that stands too.
    alone: bool,
}

impl Deployment<'_> {
    fn resolve(&self, stack: Arc<Stack>, diags: &mut Diags) -> Deployed {
        let mut deployed = Deployed {
            name: self.name.clone(),
            written: Vec::new(),
            overrides: Vec::new(),
            raw: Vec::new(),
            allows: Vec::new(),
            excused: BTreeSet::new(),
            targets: WITH_VALUES.iter().map(|target| (*target).into()).collect(),
            flux: self.flux.clone(),
            base: View::default(),
            views: IndexMap::new(),
            stack,
        };
        self.read(&mut deployed, diags);
        let view = |target: &str, diags: &mut Diags| {
            view::resolve(&deployed, target, self.env, self.node.name.span, self.inputs.sources, diags)
        };
        let mut found = Diags::default();
        let base = view("", &mut found);
        // What is missing everywhere is told once, wherever the views would look for it.
        let missing: BTreeSet<String> = found
            .clone()
            .sorted()
            .into_iter()
            .filter(|finding| finding.code == &codes::REQUIRED)
            .map(|finding| finding.message)
            .collect();
        diags.extend(found);
        let mut views = IndexMap::new();
        for target in WITH_VALUES {
            let names = |targets: &[SmolStr]| targets.iter().any(|name| name.as_str() == *target);
            let stack_says = deployed.stack.overrides.iter().any(|found| names(&found.targets));
            if stack_says || deployed.overrides.iter().any(|found| names(&found.targets)) {
                let mut found = Diags::default();
                views.insert(SmolStr::from(*target), view(target, &mut found));
                for finding in found.sorted() {
                    if finding.code != &codes::REQUIRED || !missing.contains(&finding.message) {
                        diags.push(finding);
                    }
                }
            }
        }
        deployed.base = base;
        deployed.views = views;
        refuse_equal_overrides(&deployed, diags);
        deployed
    }

    fn read(&self, deployed: &mut Deployed, diags: &mut Diags) {
        let mut settings = Vec::new();
        let (mut fluxes, mut chosen) = (Vec::new(), None);
        for child in &self.node.children {
            let is_setting = deployed.stack.setting(SettingId::ROOT).children.contains_key(child.name.text.as_str());
            match child.name.text.as_str() {
                "override" if !is_setting => {
                    deployed.overrides.extend(self.read_override(child, &deployed.stack, diags))
                }
                "raw" if !is_setting => deployed.raw.extend(raw::read(child, self.inputs.source, diags)),
                "allow" if !is_setting => {
                    allow::read(child, &mut deployed.allows, diags);
                }
                "targets" if !is_setting => {
                    only(child, usize::MAX, &[], diags);
                    deployed.targets = targets_of(child, TARGETS, diags);
                    chosen = Some(child.name.span);
                }
                flux::NODE if !is_setting => fluxes.push(child),
                _ => settings.push(child),
            }
        }
        self.read_flux(&fluxes, chosen, deployed, diags);
        deployed.written = self.assignments(settings, &deployed.stack, diags);
        secrets::refuse(&self.node.children, deployed, diags);
        refuse_repeated_overrides(deployed, diags);
    }

    /// Flux is a target where `targets` names it, or something is said of it.
    fn read_flux(&self, nodes: &[&Node], targets: Option<Span>, deployed: &mut Deployed, diags: &mut Diags) {
        deployed.flux = flux::read(nodes, deployed.flux.clone(), self.alone, self.inputs.source, diags);
        match (targets, nodes.first()) {
            (None, _) if deployed.flux.written => {
                deployed.targets.push(flux::NODE.into());
            }
            (Some(targets), Some(node)) if !deployed.writes(flux::NODE) => diags.push(
                codes::FLUX_TARGETS
                    .at(node.name.span, "`flux` has no effect: the target is not written")
                    .label(targets, "these are")
                    .hint("add `\"flux\"` to `targets`, or delete `flux`"),
            ),
            (Some(targets), _) if deployed.writes(flux::NODE) && !deployed.writes("helm") => diags.push(
                codes::FLUX_TARGETS
                    .at(targets, "Flux takes its values from the files of `helm`, which are not written")
                    .hint("add `\"helm\"` to `targets`"),
            ),
            _ => {}
        }
    }

    fn assignments<'n>(
        &self,
        nodes: impl IntoIterator<Item = &'n Node>,
        stack: &Stack,
        diags: &mut Diags,
    ) -> Vec<Assignment> {
        let sources = std::slice::from_ref(self.inputs.source);
        let mut reader = Reader::new(&stack.settings, sources, None);
        reader.nodes(nodes, SettingId::ROOT, &[]);
        diags.extend(reader.diags);
        for assignment in &reader.values {
            let setting = stack.setting(assignment.setting);
            if setting.declarations.iter().any(|declaration| declaration.derived) {
                diags.push(
                    codes::DERIVED
                        .at(assignment.name_span, format!("`{}` is derived and cannot be given a value", setting.path))
                        .label(setting.declarations[0].span, "declared here"),
                );
            }
        }
        reader.values
    }

    fn read_override(&self, node: &Node, stack: &Stack, diags: &mut Diags) -> Option<Override> {
        only(node, usize::MAX, &["because"], diags);
        let targets = targets_of(node, WITH_VALUES, diags);
        let because = because(node, diags);
        let values = self.assignments(&node.children, stack, diags);
        for assignment in &values {
            let setting = stack.setting(assignment.setting);
            if setting.declarations.iter().all(|declaration| !declaration.overridable) {
                diags.push(
                    codes::NOT_OVERRIDABLE
                        .at(assignment.name_span, format!("`{}` must be the same in every target", setting.path))
                        .label(setting.declarations[0].span, "declared with `override=#false`")
                        .hint("set it outside the `override`"),
                );
            }
        }
        let because = because?;
        if node.children.is_empty() {
            diags.push(codes::EMPTY_OVERRIDE.at(node.span, "the `override` changes nothing").hint("delete it"));
        }
        Some(Override { targets, because, span: node.name.span, values })
    }
}

/// The target that a word most likely means, by the tool that reads it too.
fn nearest_target<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let of_tool = match word {
        "docker" | "docker-compose" => "compose",
        "kubernetes" | "k8s" | "chart" => "helm",
        word => word,
    };
    known.iter().copied().find(|target| *target == of_tool).or_else(|| nearest(word, known.iter().copied()))
}

fn targets_of(node: &Node, known: &[&str], diags: &mut Diags) -> Vec<SmolStr> {
    let mut targets: Vec<SmolStr> = Vec::new();
    for entry in node.arguments() {
        match &entry.value {
            Literal::String(name) if known.contains(&name.as_str()) => {
                if !targets.iter().any(|target| target.as_str() == name) {
                    targets.push(name.as_str().into());
                }
            }
            other => {
                let word = if let Literal::String(name) = other { name.as_str() } else { "" };
                let near = nearest_target(word, known).map(|near| format!("did you mean `{near}`?"));
                let message = match TARGETS.contains(&word) {
                    true => format!("`{word}` has no values of its own: it takes those of `helm`"),
                    false => format!("`{word}` is no target"),
                };
                diags.push(
                    codes::UNKNOWN_TARGET
                        .at(entry.span, message)
                        .underline(format!("one of {}", known.join(", ")))
                        .maybe_hint(near),
                );
            }
        }
    }
    if targets.is_empty() && node.arguments().next().is_none() {
        diags.push(
            codes::NO_TARGET
                .at(node.name.span, format!("`{}` names no target", node.name.text))
                .hint(format!("write `{} \"compose\" …`", node.name.text)),
        );
    }
    targets
}

/// The reason that an `override`, `raw` or `allow` must give.
fn because(node: &Node, diags: &mut Diags) -> Option<SmolStr> {
    reason(node, node.property("because"), diags)
}

/// Of two overrides that give one setting to one target, the order would decide.
fn refuse_repeated_overrides(deployed: &Deployed, diags: &mut Diags) {
    let mut seen = BTreeMap::new();
    for (index, found) in deployed.overrides.iter().enumerate() {
        for assignment in found.values.iter().filter(|assignment| assignment.given != Given::Here) {
            for target in &found.targets {
                let place = (target, assignment.setting, &assignment.keys, part_of(&assignment.given));
                let (first, span) = *seen.entry(place).or_insert((index, assignment.name_span));
                if first == index {
                    continue; // within one override, reading has told
                }
                let path = deployed.stack.path_of(assignment.setting, &assignment.keys);
                diags.push(
                    codes::WRITTEN_TWICE
                        .at(assignment.name_span, format!("`{path}` is written twice for one target"))
                        .underline("again here")
                        .label(span, "first here")
                        .hint("delete one of the two"),
                );
            }
        }
    }
}

fn part_of(given: &Given) -> &str {
    if let Given::Part(part, _) = given { part } else { "" }
}

/// An override that changes nothing hides that two targets are the same.
fn refuse_equal_overrides(deployed: &Deployed, diags: &mut Diags) {
    for found in &deployed.overrides {
        let settings: BTreeSet<SettingId> = found.values.iter().map(|assignment| assignment.setting).collect();
        for assignment in &found.values {
            // `vector { … }` only leads to what is written inside.
            let leads = |id: &SettingId| *id != assignment.setting && settings.contains(id);
            if assignment.given == Given::Here && deployed.stack.below(assignment.setting).iter().any(leads) {
                continue;
            }
            let equal = found.targets.iter().all(|target| {
                let here = deployed.view(target).slot(assignment.setting, &assignment.keys);
                let base = deployed.base.slot(assignment.setting, &assignment.keys);
                matches!((here, base), (Some(here), Some(base)) if here.value == base.value)
            });
            if equal && !found.targets.is_empty() {
                let path = deployed.stack.path_of(assignment.setting, &assignment.keys);
                diags.push(
                    codes::EQUAL_OVERRIDE
                        .at(assignment.span, format!("`{path}` has this value in every target already"))
                        .hint("delete it from the `override`"),
                );
            }
        }
    }
}
