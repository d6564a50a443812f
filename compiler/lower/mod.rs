//! An environment and its projections become a plan: every leaf computed, with the settings it came from.
//!
//! In: `Env`. Out: [`Plan`], and findings: the last stage that may complain before bytes exist.
//! Never: YAML, TOML, JSON.
//! Invariant: a leaf exists in a plan only if it has a value; what has none has disappeared, with what held only it.

mod endpoints;
mod flux;
#[cfg(test)]
mod tests;
mod tree;
mod workload;

use std::{cell::RefCell, collections::BTreeSet};

use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::{
    diag::{Diags, Finding, codes, list_of},
    expr::{self, Evaluated, Expr},
    lookup::Reading,
    model::{Deployed, Env, Instances, Layer, Slot, View},
    plan::{self, Cluster, FileContent, Leaf, Origin, Plan, Tree},
    schema::{self, Guard, Helm, Kind, Other, SettingId, Stack, TreeNode, is_named},
    source::Span,
    value::{self, Piece, Value},
};

use endpoints::Endpoints;
pub use flux::release_name;
pub(crate) use tree::each_leaf;

/// A plan, and what was read to make it.
#[derive(Clone, Debug, Default)]
pub struct Lowered {
    /// The plan.
    pub plan: Plan,
    /// For each deployment, the settings that each target read.
    pub reads: Vec<IndexMap<&'static str, Instances>>,
    /// For each deployment, what its active Helm block wants of the cluster.
    pub requires: Vec<(SmolStr, SmolStr)>,
    /// All that the cluster must have beforehand, by name.
    pub cluster: Vec<Cluster>,
    /// For each deployment, the name of its active Helm block, if there is one.
    pub blocks: Vec<Option<SmolStr>>,
}

/// Makes the plan of an environment.
pub fn lower(env: &Env, diags: &mut Diags) -> Lowered {
    let mut lowered = Lowered { plan: Plan { environment: env.name.clone(), ..Plan::default() }, ..Lowered::default() };
    for deployed in &env.deployments {
        let mut deployment = plan::Deployment { name: deployed.name.clone(), ..plan::Deployment::default() };
        let (mut reads, mut objects, mut block) = (IndexMap::new(), Vec::new(), None);
        let mut makes = BTreeSet::new();
        for (target, lower) in TARGETS {
            // What Compose mounts has to be there, also where these files are not wanted for themselves.
            let mounted = *target == "toml" && mounted_configs(&deployment).next().is_some();
            if !deployed.writes(target) && !mounted {
                continue;
            }
            // Objects beside the releases take facts as Helm has them.
            let told = if *target == "flux" { "helm" } else { target };
            let mut lowering = Lowering::new(env, deployed, told, view_of(target));
            lower(&mut lowering, &mut deployment);
            lowered.requires.append(&mut lowering.requires);
            makes.append(&mut lowering.makes);
            objects.append(&mut lowering.objects);
            block = block.or(lowering.block);
            diags.extend(lowering.faults.into_inner());
            diags.extend(lowering.diags);
            reads.insert(*target, lowering.reads);
        }
        keep_mounted(&mut deployment, deployed.writes("toml"));
        if deployed.writes("flux") {
            let helm = reads.get("helm").cloned().unwrap_or_default();
            deployment.flux =
                flux::deployment(deployed, &deployment, &flux::Fetch { helm: &helm, makes: &makes }, objects, diags);
        }
        lowered.plan.deployments.push(deployment);
        lowered.reads.push(reads);
        lowered.blocks.push(block);
    }
    lowered.cluster = flux::wanted(&lowered.plan, &lowered.requires);
    flux::environment(env, &mut lowered.plan, &lowered.cluster, diags);
    lowered
}

/// The names of configuration files that services of Compose mount.
fn mounted_configs(deployment: &plan::Deployment) -> impl Iterator<Item = &SmolStr> {
    let workloads = deployment.compose.iter().flat_map(|compose| &compose.workloads);
    workloads.flat_map(|workload| &workload.files).filter_map(|file| match &file.content {
        FileContent::Config(name) => Some(name),
        _ => None,
    })
}

/// Drops mounts of files that do not exist here; and, unless all are wanted, files that nothing mounts.
fn keep_mounted(deployment: &mut plan::Deployment, all: bool) {
    if !all {
        let mounted: Vec<SmolStr> = mounted_configs(deployment).cloned().collect();
        deployment.configs.retain(|config| mounted.contains(&config.name));
    }
    let configs = &deployment.configs;
    let is_there = |file: &plan::File| match &file.content {
        FileContent::Config(name) => configs.iter().any(|config| config.name == *name),
        _ => true,
    };
    for workload in deployment.compose.iter_mut().flat_map(|compose| &mut compose.workloads) {
        workload.files.retain(is_there);
    }
}

type Lower = fn(&mut Lowering<'_>, &mut plan::Deployment);

/// How each target's part of a plan is made.
const TARGETS: &[(&str, Lower)] =
    &[("compose", compose), ("helm", helm), ("toml", configs), ("mcp", mcp), ("flux", flux)];

/// Whose view a target's values are in. Configuration files are read where Compose mounts them, and what Flux applies
/// stands in the cluster beside what Helm installs.
pub(crate) fn view_of(target: &str) -> &str {
    match target {
        "toml" => "compose",
        "flux" => "helm",
        target => target,
    }
}

/// How often the loops of one target of one deployment may go round.
const MAX_ROUNDS: usize = 1 << 18;

/// A loop that lowering is in.
#[derive(Clone)]
struct Step {
    /// What it goes over.
    over: Over,
    /// The keys above it.
    keys: Vec<SmolStr>,
    /// The key or index it is at.
    key: Value,
}

/// What a loop goes over.
#[derive(Clone)]
enum Over {
    /// A list or map of settings.
    Setting(SettingId),
    /// The workloads: where the name that it is at comes from.
    Workloads(Vec<Origin>),
}

/// One target's part of a plan, while it is being made.
pub(super) struct Lowering<'a> {
    stack: &'a Stack,
    deployed: &'a Deployed,
    view: &'a View,
    target: &'static str,
    environment: &'a SmolStr,
    steps: Vec<Step>,
    loop_keys: Vec<Value>,
    provider: Option<SmolStr>,
    endpoints: Endpoints,
    /// How often loops have gone round.
    rounds: usize,
    /// How many bytes the values take.
    bytes: usize,
    /// The configuration files being printed, so that one that prints itself ends.
    mounting: Vec<SmolStr>,
    /// The mounted configuration files of which it is noted what they read.
    noted: Vec<SmolStr>,
    reads: Instances,
    requires: Vec<(SmolStr, SmolStr)>,
    /// Secrets that come about in the cluster.
    makes: BTreeSet<SmolStr>,
    /// Objects beside the releases.
    objects: Vec<plan::Object>,
    /// The name of the Helm block that is active.
    block: Option<SmolStr>,
    faults: RefCell<Diags>,
    diags: Diags,
}

impl<'a> Lowering<'a> {
    fn new(env: &'a Env, deployed: &'a Deployed, target: &'static str, view: &str) -> Lowering<'a> {
        let mut lowering = Lowering {
            stack: &deployed.stack,
            deployed,
            view: deployed.view(view),
            target,
            environment: &env.name,
            steps: Vec::new(),
            loop_keys: Vec::new(),
            provider: None,
            endpoints: Endpoints::default(),
            rounds: 0,
            bytes: 0,
            mounting: Vec::new(),
            noted: Vec::new(),
            reads: Instances::default(),
            requires: Vec::new(),
            makes: BTreeSet::new(),
            objects: Vec::new(),
            block: None,
            faults: RefCell::default(),
            diags: Diags::default(),
        };
        lowering.endpoints = endpoints::find(&mut lowering);
        lowering
    }

    fn reading(&self) -> Reading<'_> {
        Reading {
            stack: self.stack,
            view: self.view,
            target: self.target,
            environment: self.environment,
            release: &self.deployed.name,
            own: &[],
            loops: &self.loop_keys,
            provider: self.provider.as_deref(),
            findings: Some(&self.faults),
        }
    }

    fn report(&mut self, finding: Finding) {
        self.diags.push(finding);
    }

    /// Whether a condition is true; what it reads counts as read.
    fn holds(&mut self, condition: &Expr) -> bool {
        self.origins(condition);
        self.reading().holds(condition).unwrap_or(false)
    }

    /// Does something once for each way through conditions and loops.
    fn each(&mut self, guards: &[Guard], act: &mut dyn FnMut(&mut Self)) {
        let Some((first, rest)) = guards.split_first() else { return act(self) };
        match first {
            Guard::When(condition) => {
                if self.holds(condition) {
                    self.each(rest, act);
                }
            }
            Guard::Each(source) => self.loop_over(source, &mut |lowering| lowering.each(rest, act)),
        }
    }

    /// Does something once for each item of a list or map.
    fn loop_over(&mut self, source: &expr::Ref, act: &mut dyn FnMut(&mut Self)) {
        let Some(collection) = self.stack.setting_at(source.place) else {
            return self.loop_over_workloads(source, act);
        };
        let (Some(keys), Some(items)) = (self.reading().keys(&source.keys), self.reading().loop_keys(source)) else {
            return;
        };
        self.reads.insert(collection, &keys);
        for key in items {
            if self.goes_round(source.span) {
                self.step(Step { over: Over::Setting(collection), keys: keys.clone(), key }, act);
            }
        }
    }

    /// Does something once for each workload that runs in this view, in the order of the stack.
    fn loop_over_workloads(&mut self, source: &expr::Ref, act: &mut dyn FnMut(&mut Self)) {
        if !matches!(self.stack.other_at(source.place), Some(Other::Workloads)) {
            return;
        }
        let mut found = Vec::new();
        self.each_workload(&mut |lowering, workload| {
            if let Some(name) = lowering.name(&workload.name) {
                found.push((name, lowering.origins(&workload.name)));
            }
        });
        for (name, origins) in found {
            if !self.goes_round(source.span) {
                return;
            }
            self.step(Step { over: Over::Workloads(origins), keys: Vec::new(), key: Value::String(name) }, act);
        }
    }

    /// Whether a loop may go round once more. Loops in loops multiply, and a few lines could stand for billions.
    fn goes_round(&mut self, span: Span) -> bool {
        self.rounds += 1;
        if self.rounds == MAX_ROUNDS + 1 {
            let message = format!("the loops of `{}` go round more than {MAX_ROUNDS} times", self.target);
            self.report(codes::TOO_LARGE.at(span, message).hint("loop over less, or put fewer loops into each other"));
        }
        self.rounds <= MAX_ROUNDS
    }

    fn step(&mut self, step: Step, act: &mut dyn FnMut(&mut Self)) {
        self.loop_keys.push(step.key.clone());
        self.steps.push(step);
        act(self);
        self.steps.pop();
        self.loop_keys.pop();
    }

    /// Does something once for each workload that runs in this view, in the loops that it stands in and no others.
    fn each_workload(&mut self, act: &mut dyn FnMut(&mut Self, &'a schema::Workload)) {
        let stack = self.stack;
        self.outside_loops(|lowering| {
            for guarded in &stack.workloads {
                lowering.each(&guarded.guards, &mut |lowering| act(lowering, &guarded.node));
            }
        });
    }

    /// Does something that stands at the top of the stack, whatever loops led to it.
    fn outside_loops<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let outer = (std::mem::take(&mut self.steps), std::mem::take(&mut self.loop_keys));
        let rounds = self.rounds;
        let done = act(self);
        (self.steps, self.loop_keys) = outer;
        self.rounds = rounds; // going through the workloads once more multiplies nothing
        done
    }

    /// A leaf, if the expression has a value.
    fn leaf(&mut self, expr: &Expr) -> Option<Leaf> {
        let mut origins = self.origins(expr);
        match self.reading().evaluate(expr) {
            Evaluated::Value(value) => {
                let value = self.linked(value, expr.span, &mut origins)?;
                self.fits(&value, expr.span).then_some(Leaf { value, origins, at: expr.span })
            }
            Evaluated::Missing | Evaluated::Unknown => None,
        }
    }

    fn maybe_leaf(&mut self, expr: Option<&Expr>) -> Option<Leaf> {
        expr.and_then(|expr| self.leaf(expr))
    }

    /// Whether there is room for one more value.
    fn fits(&mut self, value: &Value, span: Span) -> bool {
        let before = self.bytes;
        self.bytes += value::size(value);
        if before <= value::MAX_BYTES && self.bytes > value::MAX_BYTES {
            let message = format!("`{}` would hold more than {} MiB", self.target, value::MAX_BYTES >> 20);
            self.report(codes::TOO_LARGE.at(span, message).hint("loop over less, or repeat less text"));
        }
        self.bytes <= value::MAX_BYTES
    }

    /// A name: text without links or secrets.
    fn name(&mut self, expr: &Expr) -> Option<SmolStr> {
        let value = self.reading().evaluate(expr);
        if let Evaluated::Value(value) = &value
            && !self.fits(value, expr.span)
        {
            return None;
        }
        match value {
            Evaluated::Value(Value::String(name)) => Some(name),
            Evaluated::Value(Value::Int(number)) => Some(number.to_string().into()),
            Evaluated::Value(Value::Bool(value)) => Some(value.to_string().into()),
            _ => None,
        }
    }

    /// The settings that an expression names, and notes them as read.
    fn origins(&mut self, expr: &Expr) -> Vec<Origin> {
        let mut origins = Vec::new();
        for found in expr::references(expr) {
            self.origin(found, &mut origins);
        }
        if self.steps.is_empty() {
            return origins;
        }
        for key in expr::keys(expr) {
            if let expr::Key::Loop(index) = key
                && let Some(step) = self.steps.get(*index as usize).cloned()
            {
                self.step_origin(&step, &mut origins);
            }
        }
        origins
    }

    fn step_origin(&mut self, step: &Step, origins: &mut Vec<Origin>) {
        let collection = match &step.over {
            Over::Setting(collection) => *collection,
            Over::Workloads(of_name) => {
                let new: Vec<Origin> = of_name.iter().filter(|origin| !origins.contains(origin)).cloned().collect();
                return origins.extend(new);
            }
        };
        let (Kind::Map(item) | Kind::List(item)) = self.stack.setting(collection).kind else { return };
        let key: SmolStr = crate::value::spell(&step.key).into();
        let keys: Vec<SmolStr> = step.keys.iter().cloned().chain([key]).collect();
        self.setting_origin(item, &keys, origins);
    }

    fn setting_origin(&mut self, id: SettingId, keys: &[SmolStr], origins: &mut Vec<Origin>) {
        self.reads.insert(id, keys);
        // The item of a list of values has its place in the list.
        let parent = self.stack.setting(id).parent.filter(|parent| {
            matches!(self.stack.setting(*parent).kind, Kind::List(item) if item == id)
                && !matches!(self.stack.setting(id).kind, Kind::Group)
        });
        let (slot_id, slot_keys) = match parent {
            Some(parent) => (parent, &keys[..keys.len().saturating_sub(1)]),
            None => (id, keys),
        };
        let span = self
            .view
            .slot(slot_id, slot_keys)
            .map_or(self.stack.setting(slot_id).declarations[0].span, |slot| self.given_at(slot_id, slot));
        let origin = Origin { path: self.stack.path_of(id, keys), span };
        if origins.is_empty() {
            origins.reserve_exact(1); // most leaves have one, and a fresh list would make room for four
        }
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }

    /// The place that gave a value; of a derived setting the line of the environment that decided it, if one did.
    fn given_at(&self, id: SettingId, slot: &Slot) -> Span {
        let declaration = slot.declaration.map(|index| &self.stack.setting(id).declarations[index as usize]);
        let derived = declaration.into_iter().filter(|declaration| declaration.derived);
        let mut inputs = derived.flat_map(|declaration| &declaration.defaults).flat_map(expr::references);
        let written = inputs.find_map(|input| {
            let slot = self.view.slot(self.stack.setting_at(input.place)?, &self.reading().keys(&input.keys)?)?;
            matches!(slot.layer, Layer::Environment | Layer::EnvironmentOverride(_)).then_some(slot.span)
        });
        written.unwrap_or(slot.span)
    }

    fn origin(&mut self, found: &expr::Ref, origins: &mut Vec<Origin>) {
        if let Some(id) = self.stack.setting_at(found.place) {
            let Some(keys) = self.reading().keys(&found.keys) else { return };
            if matches!(self.stack.setting(id).kind, Kind::Group | Kind::Map(_)) {
                for below in self.stack.read_by(id) {
                    if self.stack.setting(below).depth == keys.len() as u32
                        && !matches!(self.stack.setting(below).kind, Kind::Group)
                    {
                        self.reads.insert(below, &keys);
                    }
                }
                let span = self.stack.setting(id).declarations[0].span;
                origins.push(Origin { path: self.stack.path_of(id, &keys), span });
                return;
            }
            return self.setting_origin(id, &keys, origins);
        }
        let stack = self.stack;
        match stack.other_at(found.place) {
            Some(Other::Endpoint(name) | Other::EndpointHost(name) | Other::EndpointPort(name, _)) => {
                self.endpoint_origin(name, origins);
            }
            Some(Other::EndpointField(name, field)) => {
                self.endpoint_origin(name, origins);
                for guarded in stack.endpoints.iter().filter(|endpoint| is_named(&endpoint.node.name, name)) {
                    if let Some(field) = guarded.node.fields.get(field) {
                        for found in expr::references(field) {
                            self.origin(found, origins);
                        }
                    }
                }
            }
            Some(part @ (Other::ProviderHost | Other::ProviderPort)) => {
                let host = *part == Other::ProviderHost;
                if let Some(read) = self.provider.as_ref().and_then(|name| self.endpoints.external_reads(name, host)) {
                    self.reads.add(read);
                }
            }
            Some(Other::WorkloadFact(name, fact)) => {
                for workload in stack.workloads.iter().filter(|workload| is_named(&workload.node.name, name)) {
                    for expr in schema::fact_exprs(&workload.node, fact, self.target) {
                        for found in expr::references(expr) {
                            self.origin(found, origins);
                        }
                    }
                }
            }
            Some(Other::EachWorkloadFact(fact)) => {
                let name = self.reading().keys(&found.keys).and_then(|keys| keys.into_iter().next());
                let target = self.target;
                self.each_workload(&mut |lowering, workload| {
                    if name.is_some() && lowering.name(&workload.name) == name {
                        for expr in schema::fact_exprs(workload, fact, target) {
                            for found in expr::references(expr) {
                                lowering.origin(found, origins);
                            }
                        }
                    }
                });
            }
            _ => {}
        }
    }

    fn endpoint_origin(&mut self, name: &SmolStr, origins: &mut Vec<Origin>) {
        let stack = self.stack;
        for guarded in stack.endpoints.iter().filter(|endpoint| is_named(&endpoint.node.name, name)) {
            let Some(external) = &guarded.node.external else { continue };
            let when = external.when.as_ref().is_none_or(|when| self.reading().holds(when) == Some(true));
            for expr in external.when.iter() {
                self.origins(expr);
            }
            if when {
                for expr in std::iter::once(&external.host).chain(&external.port) {
                    for found in expr::references(expr) {
                        self.origin(found, origins);
                    }
                }
                return;
            }
        }
        let at = stack
            .workloads
            .iter()
            .find(|workload| is_named(&workload.node.name, name))
            .map(|workload| workload.node.span);
        origins.push(Origin { path: format!("endpoint.{name}").into(), span: at.unwrap_or_default() });
    }

    /// Where the environment wrote the entry that the innermost loop is at; outside of loops, `otherwise`.
    fn entry_span(&self, otherwise: Span) -> Span {
        let Some(step) = self.steps.last() else { return otherwise };
        let Over::Setting(collection) = step.over else { return otherwise };
        let (Kind::Map(item) | Kind::List(item)) = self.stack.setting(collection).kind else { return otherwise };
        let key: SmolStr = crate::value::spell(&step.key).into();
        let here = |found: &&crate::schema::Assignment| {
            found.setting == item && found.keys.split_last() == Some((&key, step.keys.as_slice()))
        };
        self.deployed.written.iter().filter(here).map(|found| found.name_span).min().unwrap_or(otherwise)
    }

    /// Whether all of some conditions hold.
    fn all_hold(&mut self, conditions: &[Expr]) -> bool {
        // Each is asked, also behind one that does not hold, because asking notes what was read.
        let held: Vec<bool> = conditions.iter().map(|condition| self.holds(condition)).collect();
        !held.contains(&false)
    }
}

fn compose(lowering: &mut Lowering<'_>, deployment: &mut plan::Deployment) {
    let workloads = workload::all(lowering);
    if workloads.is_empty() {
        return;
    }
    let settings = lowering.stack.compose.clone();
    let constant = |text: String| Leaf { value: Value::string(text), origins: Vec::new(), at: Span::default() };
    let project = format!("{}-{}", lowering.deployed.name, lowering.environment);
    let raw = lowering.raw_project(&workloads);
    deployment.compose = Some(plan::Compose {
        project: lowering.maybe_leaf(settings.project.as_ref()).unwrap_or_else(|| constant(project)),
        bind: lowering.maybe_leaf(settings.bind.as_ref()).unwrap_or_else(|| constant("127.0.0.1".to_owned())),
        restart: lowering
            .maybe_leaf(settings.restart.as_ref())
            .unwrap_or_else(|| constant("unless-stopped".to_owned())),
        workloads,
        raw,
    });
}

fn helm(lowering: &mut Lowering<'_>, deployment: &mut plan::Deployment) {
    let stack = lowering.stack;
    let mut active: Vec<&Helm> = Vec::new();
    for block in &stack.helm {
        if lowering.all_hold(&block.when) {
            active.push(block);
        }
    }
    let [block] = active.as_slice() else {
        if let [_, second, ..] = active.as_slice() {
            let finding = codes::TWO_BLOCKS
                .at(second.span, "two `helm` blocks are active at once")
                .label(active[0].span, "the other one");
            lowering.report(finding.hint("give them conditions that exclude each other"));
        }
        return;
    };
    lowering.block = Some(block.name.clone());
    for required in &block.requires {
        let mut wanted = Vec::new();
        lowering.each(&required.guards, &mut |_| wanted.push((required.node.name.clone(), required.node.crd.clone())));
        lowering.requires.extend(wanted);
    }
    for made in &block.makes {
        let mut names = Vec::new();
        lowering.each(&made.guards, &mut |lowering| names.extend(lowering.leaf(&made.node)));
        lowering.makes.extend(names.iter().map(|leaf| SmolStr::from(value::spell(&leaf.value))));
    }
    for release in &block.releases {
        let names = match lowering.tree(&release.names) {
            Some(Tree::Map(names)) => names,
            _ => IndexMap::new(),
        };
        let names: IndexMap<SmolStr, Leaf> = names
            .into_iter()
            .filter_map(|(name, tree)| match tree {
                Tree::Leaf(leaf) => Some((name, leaf)),
                _ => None,
            })
            .collect();
        let mut values = lowering.tree(&release.values).unwrap_or_else(|| Tree::Map(IndexMap::new()));
        lowering.raw_values(release.name.as_ref(), &mut values);
        lowering.check_values(&values, &names);
        deployment.helm.push(plan::Release {
            name: release.name.clone(),
            chart: release.chart.clone(),
            version: release.version.clone(),
            file: release.file.clone(),
            names,
            ports: lowering.endpoints.service_ports(),
            values,
        });
    }
    deployment.cluster = unread(lowering, workload::all);
    for raw in lowering.deployed.raw.iter().filter(|raw| raw.target.as_str() == "helm" && !raw.release.is_empty()) {
        if !block.releases.iter().any(|release| release.name == raw.release) {
            let known: Vec<&str> = block.releases.iter().map(|release| release.name.as_ref()).collect();
            let finding = codes::UNKNOWN_RELEASE.at(raw.span, format!("there is no release `{}`", raw.release));
            lowering.diags.push(finding.hint(format!("there is {}", list_of(&known))));
        }
    }
}

/// Computes something to compare outputs with: what it reads has not reached an output by that.
fn unread<T>(lowering: &mut Lowering<'_>, act: impl FnOnce(&mut Lowering<'_>) -> T) -> T {
    let reads = lowering.reads.clone();
    let done = act(lowering);
    lowering.reads = reads;
    done
}

fn configs(lowering: &mut Lowering<'_>, deployment: &mut plan::Deployment) {
    let stack = lowering.stack;
    for config in &stack.configs {
        if !lowering.all_hold(&config.when) {
            continue;
        }
        let Some(tree) = lowering.tree(&config.tree) else { continue };
        lowering.refuse_secrets(&tree);
        deployment.configs.push(plan::Config {
            name: config.name.clone(),
            file: config.file.clone(),
            format: config.format,
            tree,
        });
    }
}

fn mcp(lowering: &mut Lowering<'_>, deployment: &mut plan::Deployment) {
    let stack = lowering.stack;
    let mut found = plan::Mcp::default();
    let mut asked = None;
    for mcp in &stack.mcp {
        if !lowering.all_hold(&mcp.when) {
            continue;
        }
        if let Some(Leaf { value: Value::List(clients), .. }) = lowering.maybe_leaf(mcp.clients.as_ref()) {
            let names = clients.iter().map(|client| SmolStr::from(crate::value::spell(client)));
            asked = Some(names.collect::<Vec<SmolStr>>());
        }
        for guarded in &mcp.servers {
            let servers = &mut found.servers;
            lowering.each(&guarded.guards, &mut |lowering| {
                if let Some(name) = lowering.name(&guarded.node.name) {
                    lowering.origins(&guarded.node.name);
                    let server = plan::Server {
                        command: lowering.leaves(&guarded.node.command),
                        url: lowering.maybe_leaf(guarded.node.url.as_ref()),
                        headers: lowering.leaf_map(&guarded.node.headers),
                        environment: lowering.leaf_map(&guarded.node.environment),
                    };
                    lowering.check_server(&server, guarded.node.span);
                    servers.insert(name, server);
                }
            });
        }
    }
    if !found.servers.is_empty() {
        found.clients = asked.unwrap_or_default();
        deployment.mcp = Some(found);
    }
}

fn flux(lowering: &mut Lowering<'_>, deployment: &mut plan::Deployment) {
    let stack = lowering.stack;
    for guarded in stack.flux.iter().flat_map(|flux| &flux.objects) {
        lowering.each(&guarded.guards, &mut |lowering| {
            let Some(tree) = lowering.tree(&guarded.node.tree) else { return };
            lowering.refuse_secrets(&tree);
            lowering.refuse_substitution(&tree);
            lowering.refuse_unnamed(&tree, &deployment.helm);
            lowering.objects.push(plan::Object { file: guarded.node.file.clone(), tree });
        });
    }
}

impl Lowering<'_> {
    /// What an object beside the releases links to is named by one of them.
    fn refuse_unnamed(&mut self, tree: &Tree, releases: &[plan::Release]) {
        let mut findings = Vec::new();
        each_leaf(tree, &mut |leaf| {
            for link in tree::links(&leaf.value) {
                if !releases.iter().any(|release| release.names.contains_key(&link.endpoint)) {
                    let message = format!("no release says what `{}` is called in the cluster", link.endpoint);
                    let finding = codes::NO_NAME.at(leaf.at, message);
                    findings.push(finding.hint(format!("add it to `names`: `{} \"…\"`", link.endpoint)));
                }
            }
        });
        findings.into_iter().for_each(|finding| self.report(finding));
    }

    /// Flux may be told to replace `${NAME}` in what it applies.
    fn refuse_substitution(&mut self, tree: &Tree) {
        let mut findings = Vec::new();
        each_leaf(tree, &mut |leaf| {
            let literal = |piece: &Piece| matches!(piece, Piece::Literal(text) if text.contains("${"));
            let replaced = match &leaf.value {
                Value::String(text) => text.contains("${"),
                Value::Text(pieces) => pieces.iter().any(literal),
                _ => false,
            };
            if replaced {
                let span = leaf.origins.first().map_or(leaf.at, |origin| origin.span);
                let finding = codes::SECOND_INTERPRETER.at(span, "Flux would replace a part of this text");
                findings.push(finding.underline("has `${` in it").hint("give the value without these characters"));
            }
        });
        findings.into_iter().for_each(|finding| self.report(finding));
    }

    /// Expressions as leaves; a list counts as its items.
    fn leaves(&mut self, exprs: &[Expr]) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        for expr in exprs {
            match self.leaf(expr) {
                Some(Leaf { value: Value::List(items), origins, at }) => {
                    leaves.extend(items.into_iter().map(|value| Leaf { value, origins: origins.clone(), at }));
                }
                Some(leaf) => leaves.push(leaf),
                None => {}
            }
        }
        leaves
    }

    fn leaf_map(&mut self, nodes: &[TreeNode]) -> IndexMap<SmolStr, Leaf> {
        let mut leaves = IndexMap::new();
        if let Some(Tree::Map(map)) = self.tree(nodes) {
            for (key, tree) in map {
                match tree {
                    Tree::Leaf(leaf) => {
                        leaves.insert(key, leaf);
                    }
                    Tree::Map(inner) => leaves.extend(inner.into_iter().filter_map(|(key, tree)| match tree {
                        Tree::Leaf(leaf) => Some((key, leaf)),
                        _ => None,
                    })),
                    _ => {}
                }
            }
        }
        leaves
    }

    /// A client would replace `{env:X}` and its like in plain text.
    fn check_server(&mut self, server: &plan::Server, at: Span) {
        let leaves =
            server.command.iter().chain(&server.url).chain(server.headers.values()).chain(server.environment.values());
        let mut findings = Vec::new();
        for leaf in leaves {
            let texts: Vec<&str> = match &leaf.value {
                Value::String(text) => vec![text],
                Value::Text(pieces) => pieces
                    .iter()
                    .filter_map(|piece| if let Piece::Literal(text) = piece { Some(text.as_ref()) } else { None })
                    .collect(),
                _ => Vec::new(),
            };
            if texts.iter().any(|text| crate::escape::forbidden_in_mcp(text)) {
                let span = leaf.origins.first().map_or(at, |origin| origin.span);
                findings.push(
                    codes::SECOND_INTERPRETER
                        .at(span, "an MCP client would replace a part of this text")
                        .underline("has `{env:`, `{file:` or `${` in it")
                        .hint("give the value as a `(secret)`, or without these characters"),
                );
            }
        }
        for finding in findings {
            self.report(finding);
        }
    }
}
