//! Trees of a stack into trees of a plan.

use indexmap::IndexMap;
use smol_str::SmolStr;

use super::Lowering;
use crate::{
    diag::{Diags, Finding, codes},
    expr::{Expr, Kind as ExprKind},
    model::Raw,
    plan::{FileContent, Leaf, Origin, Tree, Workload},
    schema::{Keep, Kind, SettingId, TreeKey, TreeNode, TreeValue},
    source::Span,
    value::{Link, LinkPart, Map, Piece, Value},
};

/// A tree while its nodes come in.
#[derive(Default)]
struct Growing {
    map: IndexMap<SmolStr, Tree>,
    /// Where each key of the map is written.
    spans: Vec<Span>,
    items: Vec<Tree>,
    is_list: bool,
}

impl Lowering<'_> {
    /// The tree of some nodes; none where nothing in it has a value.
    pub(super) fn tree(&mut self, nodes: &[TreeNode]) -> Option<Tree> {
        let mut growing = Growing::default();
        self.grow(nodes, &mut growing);
        if growing.is_list {
            return (!growing.items.is_empty()).then_some(Tree::List(growing.items));
        }
        (!growing.map.is_empty()).then_some(Tree::Map(growing.map))
    }

    fn grow(&mut self, nodes: &[TreeNode], into: &mut Growing) {
        for node in nodes {
            match node {
                TreeNode::When(condition, nodes) => {
                    if self.holds(condition) {
                        self.grow(nodes, into);
                    }
                }
                TreeNode::Each(source, nodes) => self.loop_over(source, &mut |lowering| lowering.grow(nodes, into)),
                TreeNode::Item { value, span } => {
                    into.is_list = true;
                    into.items.extend(self.tree_value(value, *span));
                }
                TreeNode::Key { key, value, span } => {
                    let Some(key) = self.key(key) else { continue };
                    let Some(tree) = self.tree_value(value, *span) else { continue };
                    let (at, before) = into.map.insert_full(key.clone(), tree);
                    if before.is_none() {
                        into.spans.push(*span);
                        continue;
                    }
                    let first = std::mem::replace(&mut into.spans[at], *span);
                    if !self.endpoints.is_twice(&key) {
                        let finding = codes::KEY_TWICE
                            .at(*span, format!("the key `{key}` is written twice"))
                            .label(first, "first here");
                        self.report(finding);
                    }
                }
            }
        }
    }

    fn key(&mut self, key: &TreeKey) -> Option<SmolStr> {
        match key {
            TreeKey::Fixed(key) => Some(key.clone()),
            TreeKey::Computed(expr) => {
                self.origins(expr);
                self.name(expr)
            }
        }
    }

    fn tree_value(&mut self, value: &TreeValue, span: Span) -> Option<Tree> {
        match value {
            TreeValue::One(expr) => self.one(expr),
            TreeValue::Many(exprs) => {
                let leaves = self.leaves(exprs);
                (!leaves.is_empty()).then(|| Tree::List(leaves.into_iter().map(Tree::Leaf).collect()))
            }
            TreeValue::Nodes { nodes, keep } => self.tree(nodes).or(match keep {
                Some(Keep::Map) => {
                    Some(Tree::Leaf(Leaf { value: Value::Map(Map::default()), origins: Vec::new(), at: span }))
                }
                Some(Keep::List) => {
                    Some(Tree::Leaf(Leaf { value: Value::List(Vec::new()), origins: Vec::new(), at: span }))
                }
                None => None,
            }),
            TreeValue::Embedded(format, nodes) => self.tree(nodes).map(|tree| Tree::Embedded(*format, Box::new(tree))),
        }
    }

    /// One value; a group, map or list of records is a tree of its own.
    fn one(&mut self, expr: &Expr) -> Option<Tree> {
        if let ExprKind::Ref(found) = &expr.kind
            && let Some(id) = self.stack.setting_at(found.place)
        {
            let keys = self.reading().keys(&found.keys)?;
            let records = |kind: &Kind| match kind {
                Kind::Group | Kind::Map(_) => true,
                Kind::List(item) => matches!(self.stack.setting(*item).kind, Kind::Group),
                _ => false,
            };
            if records(&self.stack.setting(id).kind) {
                return self.setting_tree(id, &keys, expr.span);
            }
        }
        if let Some(tree) = self.workloads_tree(expr) {
            return Some(tree);
        }
        self.leaf(expr).map(Tree::Leaf)
    }

    fn setting_tree(&mut self, id: SettingId, keys: &[SmolStr], at: Span) -> Option<Tree> {
        let stack = self.stack;
        let setting = stack.setting(id);
        match &setting.kind {
            Kind::Group => {
                let mut map = IndexMap::new();
                for (name, child) in &setting.children {
                    if let Some(tree) = self.setting_tree(*child, keys, at) {
                        map.insert(name.clone(), tree);
                    }
                }
                (!map.is_empty()).then_some(Tree::Map(map))
            }
            Kind::Map(item) => {
                let mut map = IndexMap::new();
                for key in self.view.keys_of(id, keys).to_vec() {
                    let inner: Vec<SmolStr> = keys.iter().cloned().chain([key.clone()]).collect();
                    if let Some(tree) = self.setting_tree(*item, &inner, at) {
                        map.insert(key, tree);
                    }
                }
                self.reads.insert(id, keys);
                (!map.is_empty()).then_some(Tree::Map(map))
            }
            Kind::List(item) if matches!(stack.setting(*item).kind, Kind::Group) => {
                let mut items = Vec::new();
                for key in self.view.keys_of(id, keys).to_vec() {
                    let inner: Vec<SmolStr> = keys.iter().cloned().chain([key]).collect();
                    items.extend(self.setting_tree(*item, &inner, at));
                }
                (!items.is_empty()).then_some(Tree::List(items))
            }
            _ => {
                let mut origins = Vec::new();
                self.setting_origin(id, keys, &mut origins);
                match self.reading().setting(id, keys) {
                    crate::expr::Evaluated::Value(value) => {
                        let value = self.linked(value, at, &mut origins)?;
                        Some(Tree::Leaf(Leaf { value, origins, at }))
                    }
                    _ => None,
                }
            }
        }
    }

    /// Adds the environment's `raw "helm"` keys to the values of a release.
    pub(super) fn raw_values(&mut self, release: &str, values: &mut Tree) {
        let releases = self.stack.helm.iter().flat_map(|block| &block.releases);
        let mut names = releases.map(|release| release.name.as_ref());
        let first = names.clone().next().unwrap_or("");
        // The main release is called as the stack, wherever it stands.
        let main = names.find(|name| *name == self.stack.name.as_str()).unwrap_or(first);
        let of_release = |raw: &&Raw| {
            let wanted = if raw.release.is_empty() { main } else { raw.release.as_ref() };
            raw.target.as_str() == "helm" && wanted == release
        };
        if let Some(raw) = raw_tree(self.deployed.raw.iter().filter(of_release), &mut self.diags) {
            merge(values, &raw, "the stack", &mut Vec::new(), &mut self.diags);
        }
    }

    /// The environment's `raw "compose"` keys. Those that state a fact are refused: Helm would not hear of it.
    pub(super) fn raw_project(&mut self, workloads: &[Workload]) -> Option<Tree> {
        let of_compose = self.deployed.raw.iter().filter(|raw| raw.target.as_str() == "compose");
        let raw = raw_tree(of_compose, &mut self.diags)?;
        let mut facts = Facts(Vec::new());
        if let Tree::Map(root) = &raw {
            facts.project(root, workloads);
        }
        for (path, span) in facts.0 {
            self.report(conflict(&path, "the stack", span));
        }
        Some(raw)
    }

    /// Values hold no secrets, and every endpoint that they link to has a name in the cluster.
    pub(super) fn check_values(&mut self, values: &Tree, names: &IndexMap<SmolStr, Leaf>) {
        self.refuse_secrets(values);
        let mut findings: Vec<Finding> = Vec::new();
        each_leaf(values, &mut |leaf| {
            for link in links(&leaf.value) {
                if !names.contains_key(&link.endpoint) && !matches!(link.part, LinkPart::Port(_)) {
                    findings.push(
                        codes::NO_NAME
                            .at(
                                leaf.at,
                                format!("the release does not say what `{}` is called in the cluster", link.endpoint),
                            )
                            .hint(format!("add `names {{ {} \"…\" }}`: the host name of its Service", link.endpoint)),
                    );
                }
            }
        });
        findings.into_iter().for_each(|finding| self.report(finding));
    }

    /// A file that is committed holds no secret, not even as a reference that somebody would fill in.
    pub(super) fn refuse_secrets(&mut self, tree: &Tree) {
        let mut findings = Vec::new();
        each_leaf(tree, &mut |leaf| {
            let secret = match &leaf.value {
                Value::Secret(_) => true,
                Value::Text(pieces) => pieces.iter().any(|piece| matches!(piece, Piece::Secret(_))),
                _ => false,
            };
            if secret {
                findings.push(
                    codes::SECRET_IN_VALUES
                        .at(leaf.at, "a secret would be written into this file")
                        .hint("write its parts: `.name` and `.key`; the value itself belongs into `env` of a workload"),
                );
            }
        });
        findings.into_iter().for_each(|finding| self.report(finding));
    }
}

/// The `raw` keys of Compose that state a fact or replace what does: their paths and places.
struct Facts(Vec<(String, Span)>);

impl Facts {
    fn project(&mut self, root: &IndexMap<SmolStr, Tree>, workloads: &[Workload]) {
        if let Some(name) = root.get("name") {
            self.note("name".to_owned(), name);
        }
        let services = |name: &str| workloads.iter().any(|workload| workload.name.as_str() == name);
        self.entries(root, "services", &services, |facts, path, keys| facts.keys(path, keys, COMPOSE_FACTS));
        let volumes: Vec<String> = workloads.iter().flat_map(volume_names).collect();
        self.entries(root, "volumes", &|name| volumes.iter().any(|volume| volume == name), |_, _, _| {});
        let secrets: Vec<String> = workloads.iter().flat_map(secret_names).collect();
        let files =
            |facts: &mut Facts, path: &str, keys: &IndexMap<SmolStr, Tree>| facts.keys(path, keys, SECRET_FACTS);
        self.entries(root, "secrets", &|name| secrets.iter().any(|secret| secret == name), files);
    }

    /// Goes through those entries of a top-level map that the plan writes; what is no map would replace them.
    fn entries(
        &mut self,
        root: &IndexMap<SmolStr, Tree>,
        map: &str,
        is_planned: &dyn Fn(&str) -> bool,
        inside: impl Fn(&mut Facts, &str, &IndexMap<SmolStr, Tree>),
    ) {
        match root.get(map) {
            Some(Tree::Map(entries)) => {
                for (name, entry) in entries.iter().filter(|(name, _)| is_planned(name)) {
                    let path = format!("{map}.{name}");
                    match entry {
                        Tree::Map(keys) => inside(self, &path, keys),
                        other => self.note(path, other),
                    }
                }
            }
            Some(other) => self.note(map.to_owned(), other),
            None => {}
        }
    }

    /// Notes the keys that state facts; `deploy.replicas` is `replicas` below `deploy`.
    fn keys(&mut self, path: &str, keys: &IndexMap<SmolStr, Tree>, facts: &[&str]) {
        for (key, tree) in keys {
            if facts.contains(&key.as_ref()) {
                self.note(format!("{path}.{key}"), tree);
            }
            let within: Vec<&str> =
                facts.iter().filter_map(|fact| fact.strip_prefix(key.as_str())?.strip_prefix('.')).collect();
            match tree {
                Tree::Map(inner) => self.keys(&format!("{path}.{key}"), inner, &within),
                other if !within.is_empty() => self.note(format!("{path}.{key}"), other),
                _ => {}
            }
        }
    }

    fn note(&mut self, path: String, tree: &Tree) {
        self.0.push((path, first_leaf(tree).map_or(Span::default(), |leaf| leaf.at)));
    }
}

/// The top-level volumes of a workload, as Compose names them.
fn volume_names(workload: &Workload) -> impl Iterator<Item = String> {
    workload.volumes.iter().map(|volume| format!("{}-{}", workload.name, volume.name))
}

/// The top-level secrets of a workload, as Compose names them.
fn secret_names(workload: &Workload) -> impl Iterator<Item = String> {
    let of_files = workload.files.iter().filter_map(|file| match &file.content {
        FileContent::Secret(secret) => Some(secret),
        _ => None,
    });
    let of_variables = workload.env.values().filter_map(|variable| match &variable.leaf.value {
        Value::Secret(secret) if variable.file => Some(secret),
        _ => None,
    });
    of_files.chain(of_variables).map(|secret| format!("{}_{}", secret.name, secret.key))
}

/// Keys of a Compose service that state facts.
const COMPOSE_FACTS: &[&str] = &[
    "<<",
    "build",
    "cap_drop",
    "command",
    "configs",
    "cpu_count",
    "cpu_percent",
    "cpu_quota",
    "cpus",
    "depends_on",
    "deploy.mode",
    "deploy.replicas",
    "deploy.resources",
    "entrypoint",
    "env_file",
    "environment",
    "expose",
    "extends",
    "gpus",
    "healthcheck",
    "image",
    "links",
    "mem_limit",
    "mem_reservation",
    "ports",
    "profiles",
    "pull_policy",
    "read_only",
    "restart",
    "scale",
    "secrets",
    "security_opt",
    "tmpfs",
    "user",
    "volumes",
    "volumes_from",
];

/// Keys of a Compose secret that say where it comes from.
const SECRET_FACTS: &[&str] = &["content", "driver", "environment", "external", "file", "name"];

/// All `raw` keys as one tree, in the order of their names: that of the lines means nothing.
fn raw_tree<'r>(raws: impl Iterator<Item = &'r Raw>, diags: &mut Diags) -> Option<Tree> {
    let mut all: Option<Tree> = None;
    for raw in raws {
        match &mut all {
            None => all = Some(raw.tree.clone()),
            Some(all) => merge(all, &raw.tree, "another `raw`", &mut Vec::new(), diags),
        }
    }
    all.map(|mut tree| {
        sort(&mut tree);
        tree
    })
}

fn sort(tree: &mut Tree) {
    if let Tree::Map(map) = tree {
        map.sort_keys();
        map.values_mut().for_each(sort);
    }
}

fn merge(values: &mut Tree, raw: &Tree, writer: &str, path: &mut Vec<SmolStr>, diags: &mut Diags) {
    let (Tree::Map(values), Tree::Map(raw)) = (values, raw) else { return };
    for (key, added) in raw {
        path.push(key.clone());
        match (values.get_mut(key), added) {
            (None, added) => {
                values.insert(key.clone(), added.clone());
            }
            (Some(values @ Tree::Map(_)), added @ Tree::Map(_)) => merge(values, added, writer, path, diags),
            (Some(_), added) => {
                let span = first_leaf(added).map_or(Span::default(), |leaf| leaf.at);
                diags.push(conflict(&path.join("."), writer, span));
            }
        }
        path.pop();
    }
}

fn conflict(path: &str, writer: &str, span: Span) -> Finding {
    codes::RAW_CONFLICT
        .at(span, format!("{writer} writes `{path}` already"))
        .hint("set the setting it comes from, or use `override \"TARGET\" because=\"…\"`")
}

fn first_leaf(tree: &Tree) -> Option<&Leaf> {
    match tree {
        Tree::Leaf(leaf) => Some(leaf),
        Tree::Map(map) => map.values().find_map(first_leaf),
        Tree::List(items) => items.iter().find_map(first_leaf),
        Tree::Embedded(_, inner) => first_leaf(inner),
    }
}

/// Visits every leaf, in order.
pub(crate) fn each_leaf(tree: &Tree, act: &mut dyn FnMut(&Leaf)) {
    match tree {
        Tree::Leaf(leaf) => act(leaf),
        Tree::Map(map) => map.values().for_each(|inner| each_leaf(inner, act)),
        Tree::List(items) => items.iter().for_each(|inner| each_leaf(inner, act)),
        Tree::Embedded(_, inner) => each_leaf(inner, act),
    }
}

/// The links in a value.
pub(crate) fn links(value: &Value) -> Vec<&Link> {
    match value {
        Value::Text(pieces) => {
            pieces.iter().filter_map(|piece| if let Piece::Link(link) = piece { Some(link) } else { None }).collect()
        }
        Value::List(items) => items.iter().flat_map(links).collect(),
        _ => Vec::new(),
    }
}

/// A leaf of a constant.
pub(super) fn constant(value: Value, at: Span) -> Leaf {
    Leaf { value, origins: Vec::<Origin>::new(), at }
}
