//! Workloads of a stack into workloads of a plan.

use indexmap::IndexMap;
use smol_str::SmolStr;

use super::{Lowering, tree::constant};
use crate::{
    diag::codes,
    expr::{Evaluated, Expr, Kind as ExprKind},
    plan::{
        self, File, FileContent, Health, Leaf, Need, Port, Probe, Resources, Route, Security, Tree, Until, Variable,
        Volume, Workload,
    },
    schema::{self, Fact, FactKind, FileExpr, FormatExpr, Other, ProbeExpr},
    source::Span,
    value::{Piece, SecretRef, Value},
};

/// All workloads that run in this view, in the order of the stack.
pub(super) fn all(lowering: &mut Lowering<'_>) -> Vec<Workload> {
    let mut workloads = Vec::new();
    lowering.each_workload(&mut |lowering, node| workloads.extend(one(lowering, node)));
    workloads
}

/// What an override replaces: facts of the same kind and key.
#[derive(PartialEq, Eq, Clone)]
struct FactKey(plan::Kind, SmolStr);

fn key(lowering: &mut Lowering<'_>, fact: &FactKind) -> FactKey {
    let key = match fact {
        FactKind::Env { name, .. } | FactKind::EnvTree { name, .. } => lowering.name(name).unwrap_or_default(),
        FactKind::Port { name, .. } | FactKind::Volume { name, .. } => lowering.name(name).unwrap_or_default(),
        FactKind::Health(health) => format!("{:?}", health.kind).into(),
        FactKind::File { path, .. } => lowering.name(path).unwrap_or_default(),
        _ => "".into(),
    };
    FactKey(fact.kind(), key)
}

fn one(lowering: &mut Lowering<'_>, node: &schema::Workload) -> Option<Workload> {
    let name = lowering.name(&node.name)?;
    let target = lowering.target;
    let replacing: Vec<&schema::FactOverride> =
        node.overrides.iter().filter(|over| over.targets.iter().any(|name| name.as_str() == target)).collect();
    let mut replaced = Vec::new();
    for guarded in replacing.iter().flat_map(|over| &over.facts) {
        lowering.each(&guarded.guards, &mut |lowering| replaced.push(key(lowering, &guarded.node.kind)));
    }
    let at = lowering.entry_span(node.span);
    let no_image = constant(Value::string(""), node.span);
    let mut workload = Workload { stateful: node.stateful, ..Workload::new(name, at, node.role, no_image) };
    let mut has_image = false;
    // Conditions around a fact that the target cannot say are not read for it either.
    let unsaid = |fact: &Fact| matches!(fact.kind, FactKind::Route { .. }) && !schema::says(target, "route");
    for guarded in node.facts.iter().filter(|guarded| !unsaid(&guarded.node)) {
        lowering.each(&guarded.guards, &mut |lowering| {
            if !replaced.contains(&key(lowering, &guarded.node.kind)) {
                has_image |= add(lowering, &mut workload, &guarded.node);
            }
        });
    }
    for guarded in replacing.iter().flat_map(|over| &over.facts).filter(|guarded| !unsaid(&guarded.node)) {
        lowering.each(&guarded.guards, &mut |lowering| has_image |= add(lowering, &mut workload, &guarded.node));
    }
    if !has_image {
        if !lowering.diags.has_errors() {
            lowering.report(
                codes::MISSING_VALUE.at(node.span, format!("the workload `{}` has no image here", workload.name)),
            );
        }
        return None;
    }
    Some(workload)
}

/// What Compose cannot say is not even read for it: no reads, no origins, no ledger cell.
fn says(lowering: &Lowering<'_>, what: &str) -> bool {
    schema::says(lowering.target, what)
}

/// Adds a fact; says whether it was the image.
fn add(lowering: &mut Lowering<'_>, workload: &mut Workload, fact: &Fact) -> bool {
    match &fact.kind {
        FactKind::Image { image, build, pull } => {
            let build = build.as_ref().filter(|_| says(lowering, "image.build"));
            workload.build = lowering.maybe_leaf(build);
            workload.pull = lowering.maybe_leaf(pull.as_ref());
            let Some(leaf) = lowering.leaf(image) else { return false };
            workload.image = as_image(lowering, leaf);
            return true;
        }
        FactKind::Replicas { count, max } => {
            // what keeps data runs once in Compose, whatever is set
            let once = workload.stateful && lowering.target == "compose";
            workload.replicas = if once { Some(constant(Value::Int(1), fact.span)) } else { lowering.leaf(count) };
            if says(lowering, "replicas.max") {
                workload.max_replicas = lowering.maybe_leaf(max.as_ref());
            }
        }
        FactKind::Command(exprs) => workload.command = lowering.leaves(exprs),
        FactKind::Args(args) => {
            for guarded in args {
                let args = &mut workload.args;
                lowering.each(&guarded.guards, &mut |lowering| {
                    args.extend(lowering.leaves(std::slice::from_ref(&guarded.node)))
                });
            }
        }
        FactKind::Schedule(expr) => workload.schedule = lowering.leaf(expr),
        FactKind::Env { name, also, file, value } => variable(lowering, workload, name, also, *file, value),
        FactKind::EnvTree { name, format, tree } => {
            if let (Some(name), Some(tree)) = (lowering.name(name), lowering.tree(tree)) {
                let leaf = constant(Value::string(""), fact.span);
                workload.env.insert(name, Variable { leaf, file: false, tree: Some((*format, tree)) });
            }
        }
        FactKind::Resources(resources) => {
            workload.resources = Resources {
                request_cpu: lowering.maybe_leaf(resources.request_cpu.as_ref()),
                request_memory: lowering.maybe_leaf(resources.request_memory.as_ref()),
                limit_cpu: lowering.maybe_leaf(resources.limit_cpu.as_ref()),
                limit_memory: lowering.maybe_leaf(resources.limit_memory.as_ref()),
            };
        }
        FactKind::Port { name, number, service, publish, protocol } => {
            let service = service.as_ref().filter(|_| says(lowering, "port.service"));
            let service = lowering.maybe_leaf(service);
            lowering.origins(name);
            if let (Some(name), Some(number)) = (label(lowering, name), lowering.leaf(number)) {
                let publish = publish.as_ref().filter(|_| says(lowering, "port.publish"));
                let publish = lowering.maybe_leaf(publish);
                workload.ports.push(Port { name, number, service, publish, protocol: protocol.clone() });
            }
        }
        FactKind::Needs { names, until } => needs(lowering, workload, names, *until, fact.span),
        FactKind::Profile(expr) => {
            if says(lowering, "profile") {
                workload.profile = lowering.leaf(expr);
            }
        }
        FactKind::Beside(expr) => workload.beside = lowering.leaf(expr),
        FactKind::Health(health) => {
            workload.health.retain(|other| other.kind != health.kind);
            if lowering.target == "compose" && !matches!(health.probe, ProbeExpr::Exec { .. }) {
                // Only a command in the container can check health there; `check` asks for one.
                let probe = Probe::Tcp { port: "".into() };
                workload.health.push(Health {
                    kind: health.kind,
                    probe,
                    period: None,
                    delay: None,
                    timeout: None,
                    failures: None,
                    start: None,
                    at: fact.span,
                });
                return false;
            }
            workload.health.extend(self::health(lowering, health, fact.span));
        }
        FactKind::Volume { name, at, of, size, class } => {
            let says_size = says(lowering, "volume.size");
            lowering.origins(name);
            if let (Some(name), Some(at)) = (label(lowering, name), lowering.leaf(at)) {
                let size = lowering.maybe_leaf(size.as_ref().filter(|_| says_size));
                let class = lowering.maybe_leaf(class.as_ref().filter(|_| says_size));
                let of = lowering.maybe_leaf(of.as_ref());
                workload.volumes.push(Volume { name, at, of, size, class });
            }
        }
        FactKind::Tmpfs(paths) => workload.tmpfs.extend(lowering.leaves(paths)),
        FactKind::File { path, content } => {
            lowering.origins(path);
            if let (Some(path), Some(content)) = (lowering.name(path), content_of(lowering, content)) {
                workload.files.push(File { path, content, at: fact.span });
            }
        }
        FactKind::Security { user, group, read_only_root, drop, escalation } => {
            let found = Security {
                user: lowering.maybe_leaf(user.as_ref()),
                group: lowering.maybe_leaf(group.as_ref()),
                read_only_root: lowering.maybe_leaf(read_only_root.as_ref()),
                drop: lowering.maybe_leaf(drop.as_ref()),
                escalation: lowering.maybe_leaf(escalation.as_ref()),
            };
            let before = std::mem::take(&mut workload.security);
            workload.security = Security {
                user: found.user.or(before.user),
                group: found.group.or(before.group),
                read_only_root: found.read_only_root.or(before.read_only_root),
                drop: found.drop.or(before.drop),
                escalation: found.escalation.or(before.escalation),
            };
        }
        FactKind::Route { hosts, path, port, tls } => {
            if let Some(hosts) = lowering.leaf(hosts) {
                let (path, tls) = (lowering.maybe_leaf(path.as_ref()), lowering.maybe_leaf(tls.as_ref()));
                workload.routes.push(Route { hosts, path, port: port.clone(), tls });
            }
        }
    }
    false
}

/// The name of a port or a volume: a DNS label, for it becomes part of names in every target.
fn label(lowering: &mut Lowering<'_>, name: &Expr) -> Option<SmolStr> {
    let found = lowering.name(name)?;
    let bad = |of| crate::value::fit(of, Value::String(found.clone()), &crate::value::Attributes::default()).err();
    match crate::value::scalar("name").and_then(bad) {
        Some(bad) => {
            lowering.report(schema::bad_value(bad, name.span));
            None
        }
        None => Some(found),
    }
}

/// An image that a template spelled out, in normal form.
fn as_image(lowering: &mut Lowering<'_>, leaf: Leaf) -> Leaf {
    let Some(of) = crate::value::scalar("image") else { return leaf };
    match crate::value::fit(of, leaf.value.clone(), &crate::value::Attributes::default()) {
        Ok(value) => Leaf { value, ..leaf },
        Err(bad) => {
            lowering.report(schema::bad_value(bad, leaf.at));
            leaf
        }
    }
}

fn variable(
    lowering: &mut Lowering<'_>,
    workload: &mut Workload,
    name: &Expr,
    also: &[SmolStr],
    file: bool,
    value: &Expr,
) {
    lowering.origins(name);
    let Some(name) = lowering.name(name) else { return };
    let Some(leaf) = lowering.leaf(value) else { return };
    if file && !matches!(leaf.value, Value::Secret(_)) {
        let finding = codes::NOT_EXPRESSIBLE.at(value.span, format!("`(file){name}` wants a secret"));
        return lowering
            .report(finding.hint("only a secret is mounted as a file for a variable; use `file` for others"));
    }
    if let (true, Value::Secret(secret)) = (file, &leaf.value) {
        mount_secret(workload, secret, leaf.at);
    }
    for name in std::iter::once(&name).chain(also) {
        // A later line of the same name wins, and stands where it is written.
        workload.env.shift_remove(name);
        workload.env.insert(name.clone(), Variable { leaf: leaf.clone(), file, tree: None });
    }
}

fn mount_secret(workload: &mut Workload, secret: &SecretRef, at: Span) {
    let path: SmolStr = format!("/run/secrets/{}/{}", secret.name, secret.key).into();
    if !workload.files.iter().any(|file| file.path == path) {
        workload.files.push(File { path, content: FileContent::Secret(secret.clone()), at });
    }
}

fn needs(lowering: &mut Lowering<'_>, workload: &mut Workload, names: &[Expr], until: Until, at: Span) {
    for expr in names {
        let origins = lowering.origins(expr);
        let found = match lowering.reading().evaluate(expr) {
            Evaluated::Value(Value::List(items)) => items,
            Evaluated::Value(value) => vec![value],
            _ => Vec::new(),
        };
        for value in found {
            let name: SmolStr = crate::value::spell(&value).into();
            if lowering.endpoints.is_workload(&name) {
                if !workload.needs.iter().any(|need| need.workload == name) && name != workload.name {
                    let at =
                        if lowering.steps.is_empty() { at } else { origins.first().map_or(at, |origin| origin.span) };
                    workload.needs.push(Need { workload: name, until, at });
                }
            } else if !lowering.endpoints.is_known(&name) {
                let span = origins.first().map_or(at, |origin| origin.span);
                let near = crate::diag::nearest(&name, lowering.endpoints.names())
                    .map(|near| format!("did you mean `{near}`?"));
                lowering
                    .report(codes::UNKNOWN_LINK.at(span, format!("nothing here is called `{name}`")).maybe_hint(near));
            }
        }
    }
}

fn health(lowering: &mut Lowering<'_>, health: &schema::HealthExprs, at: Span) -> Option<Health> {
    let probe = match &health.probe {
        ProbeExpr::Http { path, port } => Probe::Http { path: lowering.leaf(path)?, port: lowering.word(port)? },
        ProbeExpr::Tcp { port } => Probe::Tcp { port: lowering.word(port)? },
        ProbeExpr::Exec { argv } => Probe::Exec { argv: lowering.leaves(argv) },
    };
    Some(Health {
        kind: health.kind,
        probe,
        period: lowering.maybe_leaf(health.period.as_ref()),
        delay: lowering.maybe_leaf(health.delay.as_ref()),
        timeout: lowering.maybe_leaf(health.timeout.as_ref()),
        failures: lowering.maybe_leaf(health.failures.as_ref()),
        start: lowering.maybe_leaf(health.start.as_ref()),
        at,
    })
}

fn content_of(lowering: &mut Lowering<'_>, content: &FileExpr) -> Option<FileContent> {
    match content {
        FileExpr::Text(expr) => lowering.leaf(expr).map(FileContent::Text),
        FileExpr::Config(name) => {
            // What the mounted file says reaches the program, too; it is the same for whichever workload mounts it.
            let stack = lowering.stack;
            if !lowering.noted.contains(name) {
                lowering.noted.push(name.clone());
                for config in stack.configs.iter().filter(|config| config.name == *name) {
                    lowering.mounted(config);
                }
            }
            Some(FileContent::Config(name.clone()))
        }
        FileExpr::Tree(format, nodes) => {
            let (format, origins) = match format {
                FormatExpr::Fixed(format) => (*format, Vec::new()),
                FormatExpr::Computed(expr) => {
                    let origins = lowering.origins(expr);
                    (lowering.name(expr).and_then(|word| schema::format_of(&word))?, origins)
                }
            };
            let mut tree = match nodes.as_slice() {
                // `content (ref)"…"`: a tree that a setting holds.
                [schema::TreeNode::Item { value: schema::TreeValue::One(expr), .. }] => {
                    lowering.leaf(expr).map(|leaf| free_tree(leaf.value, &leaf.origins, leaf.at))?
                }
                nodes => lowering.tree(nodes)?,
            };
            // How each value is written comes from the format, too.
            add_origins(&mut tree, &origins);
            Some(FileContent::Tree(format, tree))
        }
    }
}

fn add_origins(tree: &mut Tree, origins: &[crate::plan::Origin]) {
    match tree {
        Tree::Leaf(leaf) => leaf.origins.extend_from_slice(origins),
        Tree::Map(map) => map.values_mut().for_each(|inner| add_origins(inner, origins)),
        Tree::List(items) => items.iter_mut().for_each(|inner| add_origins(inner, origins)),
        Tree::Embedded(_, inner) => add_origins(inner, origins),
    }
}

/// A free value as a tree, every leaf with the origins of the whole.
fn free_tree(value: Value, origins: &[crate::plan::Origin], at: Span) -> Tree {
    match value {
        Value::Map(map) => {
            Tree::Map(map.into_iter().map(|(key, value)| (key, free_tree(value, origins, at))).collect())
        }
        Value::List(items) => Tree::List(items.into_iter().map(|value| free_tree(value, origins, at)).collect()),
        value => Tree::Leaf(Leaf { value, origins: origins.to_vec(), at }),
    }
}

impl Lowering<'_> {
    /// A name that is noted as read.
    fn word(&mut self, expr: &Expr) -> Option<SmolStr> {
        self.origins(expr);
        self.name(expr)
    }

    /// `(ref)"workloads"`, `(ref)"workloads.NAME"` and the item of a loop: facts as a tree of the documented shape (`docs/language.md`).
    pub(super) fn workloads_tree(&mut self, expr: &Expr) -> Option<Tree> {
        let ExprKind::Ref(found) = &expr.kind else { return None };
        let stack = self.stack;
        match stack.other_at(found.place)? {
            Other::Workloads => {
                let workloads = all(self);
                let trees = workloads.iter().map(|workload| (workload.name.clone(), self.workload_tree(workload)));
                let map = trees.collect::<IndexMap<_, _>>();
                (!map.is_empty()).then_some(Tree::Map(map))
            }
            Other::Workload(name) => self.named_workload_tree(name),
            Other::EachWorkload => {
                let keys = self.reading().keys(&found.keys)?;
                self.named_workload_tree(keys.first()?)
            }
            _ => None,
        }
    }

    fn named_workload_tree(&mut self, name: &str) -> Option<Tree> {
        let mut found = None;
        self.each_workload(&mut |lowering, node| {
            if found.is_none() && lowering.name(&node.name).is_some_and(|found| found.as_str() == name) {
                found = one(lowering, node);
            }
        });
        found.map(|workload| self.workload_tree(&workload))
    }

    fn workload_tree(&mut self, workload: &Workload) -> Tree {
        let mut fields = Fields::default();
        fields.leaf("role", Some(&text(&format!("{:?}", workload.role).to_lowercase(), workload.at)));
        fields.leaf("stateful", Some(&constant(Value::Bool(workload.stateful), workload.at)));
        fields.leaf("beside", workload.beside.as_ref());
        fields.leaf("image", Some(&workload.image));
        fields.leaf("pull", workload.pull.as_ref());
        fields.leaf("replicas", workload.replicas.as_ref());
        fields.leaf("max-replicas", workload.max_replicas.as_ref());
        fields.words("command", &workload.command);
        fields.words("args", &workload.args);
        fields.leaf("schedule", workload.schedule.as_ref());
        fields.tree("env", env_tree(workload));
        fields.tree("ports", ports_tree(workload));
        let needs: Vec<Tree> = workload.needs.iter().map(need_tree).collect();
        fields.tree("needs", (!needs.is_empty()).then_some(Tree::List(needs)));
        fields.tree("health", health_tree(workload));
        let mut volumes = Fields::default();
        for volume in &workload.volumes {
            let mut inner = Fields::default();
            inner.leaf("at", Some(&volume.at));
            inner.leaf("of", volume.of.as_ref());
            inner.leaf("size", volume.size.as_ref());
            inner.leaf("class", volume.class.as_ref());
            volumes.tree(&volume.name, inner.done());
        }
        fields.tree("volumes", volumes.done());
        fields.leaves("tmpfs", &workload.tmpfs);
        fields.tree("files", self.files_tree(workload));
        let routes: Vec<Tree> = workload.routes.iter().map(route_tree).collect();
        fields.tree("routes", (!routes.is_empty()).then_some(Tree::List(routes)));
        fields.tree("resources", resources_tree(&workload.resources));
        let mut security = Fields::default();
        security.leaf("user", workload.security.user.as_ref());
        security.leaf("group", workload.security.group.as_ref());
        security.leaf("read-only-root", workload.security.read_only_root.as_ref());
        security.leaf("drop", workload.security.drop.as_ref());
        security.leaf("escalation", workload.security.escalation.as_ref());
        fields.tree("security", security.done());
        fields.done().unwrap_or_else(|| Tree::Map(IndexMap::new()))
    }

    /// The tree of a configuration file that is mounted.
    fn mounted(&mut self, config: &schema::Config) -> Option<Tree> {
        let name = &config.name;
        if self.mounting.contains(name) {
            self.report(
                codes::MISPLACED
                    .at(config.span, format!("the configuration `{name}` prints a workload that mounts it"))
                    .hint("print single facts in it, such as `w.image`"),
            );
            return None;
        }
        self.mounting.push(name.clone());
        let tree = self.outside_loops(|lowering| lowering.tree(&config.tree));
        self.mounting.pop();
        tree
    }

    /// Files by path: `text`, or `secret` with `name` and `key`.
    fn files_tree(&mut self, workload: &Workload) -> Option<Tree> {
        let mut files = Fields::default();
        for file in &workload.files {
            let mut fields = Fields::default();
            match &file.content {
                FileContent::Text(leaf) => fields.leaf("text", Some(leaf)),
                FileContent::Tree(format, tree) => {
                    fields.tree("text", Some(Tree::Embedded(*format, Box::new(tree.clone()))));
                }
                FileContent::Secret(secret) => {
                    fields.leaf("secret", Some(&constant(secret_value(secret), file.at)));
                }
                FileContent::Config(name) => {
                    let stack = self.stack;
                    let config = stack.configs.iter().find(|config| config.name == *name);
                    let tree = config.and_then(|config| Some((config.format, self.mounted(config)?)));
                    fields.tree("text", tree.map(|(format, tree)| Tree::Embedded(format, Box::new(tree))));
                }
            }
            files.tree(&file.path, fields.done());
        }
        files.done()
    }
}

/// A map while it grows; what has no value is left out.
#[derive(Default)]
struct Fields(IndexMap<SmolStr, Tree>);

impl Fields {
    fn leaf(&mut self, name: &str, leaf: Option<&Leaf>) {
        if let Some(leaf) = leaf {
            self.0.insert(name.into(), Tree::Leaf(leaf.clone()));
        }
    }

    fn tree(&mut self, name: &str, tree: Option<Tree>) {
        if let Some(tree) = tree {
            self.0.insert(name.into(), tree);
        }
    }

    fn leaves(&mut self, name: &str, leaves: &[Leaf]) {
        if !leaves.is_empty() {
            self.0.insert(name.into(), Tree::List(leaves.iter().cloned().map(Tree::Leaf).collect()));
        }
    }

    /// Words of a command, which are text whatever their settings are.
    fn words(&mut self, name: &str, leaves: &[Leaf]) {
        let words: Vec<Leaf> = leaves.iter().map(as_text).collect();
        self.leaves(name, &words);
    }

    fn done(self) -> Option<Tree> {
        (!self.0.is_empty()).then_some(Tree::Map(self.0))
    }
}

fn text(word: &str, at: Span) -> Leaf {
    constant(Value::string(word), at)
}

/// A value that is printed as text, where a number, a yes or no, or a port alone would be printed as such.
fn as_text(leaf: &Leaf) -> Leaf {
    match &leaf.value {
        value @ (Value::Int(_) | Value::Bool(_) | Value::Float(_)) => {
            derived(leaf, Value::string(crate::value::spell(value)))
        }
        Value::Text(pieces) if matches!(pieces.as_slice(), [Piece::Link(_)]) => {
            let pieces = std::iter::once(Piece::Literal("".into())).chain(pieces.iter().cloned());
            derived(leaf, Value::Text(pieces.collect()))
        }
        _ => leaf.clone(),
    }
}

/// A part of a value, with the value's origins.
fn derived(leaf: &Leaf, value: Value) -> Leaf {
    Leaf { value, ..leaf.clone() }
}

fn route_tree(route: &Route) -> Tree {
    let mut fields = Fields::default();
    fields.leaf("hosts", Some(&route.hosts));
    fields.leaf("path", route.path.as_ref());
    fields.leaf("port", Some(&text(&route.port, route.hosts.at)));
    fields.leaf("tls", route.tls.as_ref());
    fields.done().unwrap_or_else(|| Tree::Map(IndexMap::new()))
}

fn need_tree(need: &Need) -> Tree {
    let mut fields = Fields::default();
    fields.leaf("workload", Some(&text(&need.workload, need.at)));
    fields.leaf("until", Some(&text(&format!("{:?}", need.until).to_lowercase(), need.at)));
    fields.done().unwrap_or_else(|| Tree::Map(IndexMap::new()))
}

/// Variables: `value`, or `secret` with `name` and `key`, or `parts` where a text has secrets in it.
fn env_tree(workload: &Workload) -> Option<Tree> {
    let mut env = Fields::default();
    for (name, variable) in &workload.env {
        let mut fields = Fields::default();
        match (&variable.leaf.value, &variable.tree) {
            (_, Some((format, tree))) => fields.tree("value", Some(Tree::Embedded(*format, Box::new(tree.clone())))),
            (Value::Secret(secret), None) => {
                fields.leaf("secret", Some(&derived(&variable.leaf, secret_value(secret))));
                fields.leaf("file", variable.file.then(|| constant(Value::Bool(true), variable.leaf.at)).as_ref());
            }
            (Value::Text(pieces), None) if pieces.iter().any(|piece| matches!(piece, Piece::Secret(_))) => {
                let mut parts: Vec<(SmolStr, Value)> = Vec::new();
                for group in pieces.chunk_by(|a, b| ![a, b].iter().any(|piece| matches!(piece, Piece::Secret(_)))) {
                    parts.push(match group {
                        [Piece::Secret(secret)] => ("secret".into(), secret_value(secret)),
                        group => ("value".into(), Value::text(group.iter().cloned())),
                    });
                }
                let leaf = |value| Tree::Leaf(derived(&variable.leaf, value));
                let parts =
                    parts.into_iter().map(|(name, value)| Tree::Map([(name, leaf(value))].into_iter().collect()));
                fields.tree("parts", Some(Tree::List(parts.collect())));
            }
            // A variable is text, whatever its setting is.
            _ => fields.leaf("value", Some(&as_text(&variable.leaf))),
        }
        env.tree(name, fields.done());
    }
    env.done()
}

fn secret_value(secret: &SecretRef) -> Value {
    let mut map = IndexMap::new();
    map.insert(SmolStr::from("name"), Value::String(secret.name.clone()));
    map.insert(SmolStr::from("key"), Value::String(secret.key.clone()));
    Value::Map(map.into())
}

fn ports_tree(workload: &Workload) -> Option<Tree> {
    let mut ports = Fields::default();
    for port in &workload.ports {
        let mut fields = Fields::default();
        fields.leaf("number", Some(&port.number));
        fields.leaf("service", port.service.as_ref());
        fields.leaf("protocol", Some(&text(&port.protocol, port.number.at)));
        ports.tree(&port.name, fields.done());
    }
    ports.done()
}

fn health_tree(workload: &Workload) -> Option<Tree> {
    let mut all = Fields::default();
    for health in &workload.health {
        let mut fields = Fields::default();
        match &health.probe {
            Probe::Http { path, port } => {
                let mut http = Fields::default();
                http.leaf("path", Some(path));
                http.leaf("port", Some(&text(port, health.at)));
                fields.tree("http", http.done());
            }
            Probe::Tcp { port } => {
                let mut tcp = Fields::default();
                tcp.leaf("port", Some(&text(port, health.at)));
                fields.tree("tcp", tcp.done());
            }
            Probe::Exec { argv } => fields.words("exec", argv),
        }
        fields.leaf("period", health.period.as_ref());
        fields.leaf("delay", health.delay.as_ref());
        fields.leaf("timeout", health.timeout.as_ref());
        fields.leaf("failures", health.failures.as_ref());
        fields.leaf("start", health.start.as_ref());
        all.tree(health.kind.word(), fields.done());
    }
    all.done()
}

fn resources_tree(resources: &Resources) -> Option<Tree> {
    let pair = |cpu: Option<&Leaf>, memory: Option<&Leaf>| {
        let mut fields = Fields::default();
        fields.leaf("cpu", cpu);
        fields.leaf("memory", memory);
        fields.done()
    };
    let mut fields = Fields::default();
    fields.tree("requests", pair(resources.request_cpu.as_ref(), resources.request_memory.as_ref()));
    fields.tree("limits", pair(resources.limit_cpu.as_ref(), resources.limit_memory.as_ref()));
    fields.done()
}
