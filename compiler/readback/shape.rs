//! What a Compose file of ours holds beside facts: keys that nothing here says are refused, and what every service says
//! alike has to be said.

use std::{borrow::Cow, fmt, sync::LazyLock};

use crate::{
    diag::{Diags, codes},
    plan::{Compose, Leaf, Role, Tree, Workload},
    read::{Data, Node},
    source::Span,
    targets::File,
    value::{self, Value},
};

/// The keys that we print, with `*` for names and items.
const KEYS: &[&str] = &[
    "name",
    "services",
    "services.*",
    "services.*.image",
    "services.*.build",
    "services.*.build.context",
    "services.*.pull_policy",
    "services.*.profiles",
    "services.*.profiles.*",
    "services.*.network_mode",
    "services.*.restart",
    "services.*.entrypoint",
    "services.*.entrypoint.*",
    "services.*.command",
    "services.*.command.*",
    "services.*.environment",
    "services.*.environment.*",
    "services.*.expose",
    "services.*.expose.*",
    "services.*.ports",
    "services.*.ports.*",
    "services.*.ports.*.name",
    "services.*.ports.*.target",
    "services.*.ports.*.published",
    "services.*.ports.*.host_ip",
    "services.*.ports.*.protocol",
    "services.*.depends_on",
    "services.*.depends_on.*",
    "services.*.depends_on.*.condition",
    "services.*.depends_on.*.required",
    "services.*.healthcheck",
    "services.*.healthcheck.test",
    "services.*.healthcheck.test.*",
    "services.*.healthcheck.interval",
    "services.*.healthcheck.timeout",
    "services.*.healthcheck.retries",
    "services.*.healthcheck.start_period",
    "services.*.volumes",
    "services.*.volumes.*",
    "services.*.volumes.*.type",
    "services.*.volumes.*.source",
    "services.*.volumes.*.target",
    "services.*.volumes.*.read_only",
    "services.*.volumes.*.bind",
    "services.*.volumes.*.bind.create_host_path",
    "services.*.tmpfs",
    "services.*.tmpfs.*",
    "services.*.secrets",
    "services.*.secrets.*",
    "services.*.secrets.*.source",
    "services.*.secrets.*.target",
    "services.*.labels",
    "services.*.labels.*",
    "services.*.user",
    "services.*.read_only",
    "services.*.cap_drop",
    "services.*.cap_drop.*",
    "services.*.security_opt",
    "services.*.security_opt.*",
    "services.*.deploy",
    "services.*.deploy.replicas",
    "services.*.deploy.resources",
    "services.*.deploy.resources.limits",
    "services.*.deploy.resources.limits.cpus",
    "services.*.deploy.resources.limits.memory",
    "services.*.deploy.resources.reservations",
    "services.*.deploy.resources.reservations.cpus",
    "services.*.deploy.resources.reservations.memory",
    "volumes",
    "volumes.*",
    "secrets",
    "secrets.*",
    "secrets.*.file",
];

/// A row of [`KEYS`]: the rows below it, by their last words. The first is that of the file.
#[derive(Default)]
struct Row {
    below: Vec<(&'static str, usize)>,
}

impl Row {
    /// The row of a key below this one: its own, else that of any name.
    fn of(&self, name: &str) -> Option<usize> {
        let row = |name: &str| self.below.iter().find(|(word, _)| *word == name).map(|(_, row)| *row);
        row(name).or_else(|| row("*"))
    }
}

/// What stands above a row of [`KEYS`] stands before it.
static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let mut rows = vec![Row::default()];
    for key in KEYS {
        let (mut at, number) = (0, rows.len());
        for word in key.split('.') {
            match rows[at].below.iter().find(|(known, _)| *known == word) {
                Some((_, row)) => at = *row,
                None => rows[at].below.push((word, number)),
            }
        }
        rows.push(Row::default());
    }
    rows
});

/// Where a key is printed.
struct Path<'p> {
    above: Option<&'p Path<'p>>,
    name: &'p str,
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(f, "{above}.")?;
        }
        f.write_str(self.name)
    }
}

/// Where the user keeps secrets, seen from the file.
const SECRETS: &str = "${TRUELINE_SECRETS:-../../../../secrets}/";

/// The only label of a service: the beginning of a digest over the paths and the digests of the files that it mounts.
const FILES: &str = "trueline.files";

/// Reports keys that are not ours and not the environment's, and what services do not say as all do. `content` is what
/// a file holds, by its path from the Compose file.
pub(super) fn check<'a>(
    tree: &Node<'_>,
    compose: &'a Compose,
    file: &'a File,
    content: &'a dyn Fn(&str) -> Option<&'a [u8]>,
    diags: &'a mut Diags,
) {
    let mut shape = Shape { compose, file, content, diags };
    shape.keys(tree, compose.raw.as_ref(), None, &ROWS[0]);
    if shape.is_ours(&["name"]) {
        shape.says(tree, "name", &compose.project);
    }
    for workload in &compose.workloads {
        let path = format!("services.{}", workload.name);
        if let Some(service) = tree.at(&["services", &workload.name]) {
            shape.service(service, workload, &path);
        }
    }
    for (name, secret) in tree.get("secrets").map_or(&[][..], Node::entries) {
        let kept = secret.get("file").and_then(Node::as_str).is_some_and(|path| path.starts_with(SECRETS));
        if shape.is_ours(&["secrets", name]) && !kept {
            let message =
                format!("`secrets.{name}.file` is not below `{SECRETS}` on line {} of `{}`", secret.line, file.path);
            shape.report(message, compose.project.at);
        }
    }
}

struct Shape<'a> {
    compose: &'a Compose,
    file: &'a File,
    content: &'a dyn Fn(&str) -> Option<&'a [u8]>,
    diags: &'a mut Diags,
}

impl Shape<'_> {
    fn report(&mut self, message: String, at: Span) {
        self.diags.push(codes::COMPOSE_DIFFERS.at(at, message));
    }

    /// Whether the environment's `raw` says nothing of a key.
    fn is_ours(&self, path: &[&str]) -> bool {
        let raw = self.compose.raw.as_ref();
        raw.and_then(|raw| path.iter().try_fold(raw, |tree, key| below(tree, key))).is_none()
    }

    /// The keys of a map and of what is in it, by the path that they are printed at and its row in [`KEYS`].
    fn keys(&mut self, node: &Node<'_>, raw: Option<&Tree>, above: Option<&Path<'_>>, row: &Row) {
        let entries: Vec<(Cow<'_, str>, &Node<'_>)> = match &node.data {
            Data::Map(entries) => entries.iter().map(|(name, node)| (Cow::Borrowed(&**name), node)).collect(),
            Data::List(items) => items.iter().enumerate().map(|(at, node)| (at.to_string().into(), node)).collect(),
            _ => Vec::new(),
        };
        for (name, below_it) in entries {
            let here = Path { above, name: &name };
            let raw = raw.and_then(|tree| below(tree, &name));
            match row.of(&name) {
                Some(row) => self.keys(below_it, raw, Some(&here), &ROWS[row]),
                None if raw.is_some() => {}
                None => {
                    let message =
                        format!("`{}` line {} says `{here}`, and nothing here does", self.file.path, below_it.line);
                    self.report(message, self.compose.project.at);
                }
            }
        }
    }

    fn service(&mut self, service: &Node<'_>, workload: &Workload, path: &str) {
        let ours = |shape: &Shape<'_>, key: &str| shape.is_ours(&["services", &workload.name, key]);
        let compose = self.compose;
        if ours(self, "restart") {
            let no = Leaf { value: Value::string("no"), origins: Vec::new(), at: workload.at };
            let wanted = if workload.role == Role::Service { &compose.restart } else { &no };
            self.says(service, &joined(path, "restart"), wanted);
        }
        for (key, check) in [("ports", Self::port as fn(&mut Self, &Node<'_>, &str)), ("volumes", Self::mount)] {
            let items = service.get(key).map_or(&[][..], Node::items);
            for (at, item) in items.iter().enumerate().filter(|_| ours(self, key)).collect::<Vec<_>>() {
                check(self, item, &format!("{path}.{key}.{at}"));
            }
        }
        if ours(self, "labels") && ours(self, "volumes") {
            self.labels(service, workload, path);
        }
        let first = service.at(&["healthcheck", "test"]).and_then(|test| test.items().first());
        if let Some(word) = first.filter(|word| word.as_str() != Some("CMD") && ours(self, "healthcheck")) {
            let message = format!("`{path}.healthcheck.test` begins with `CMD`, and line {} does not", word.line);
            self.report(message, workload.at);
        }
    }

    /// The label says which files are mounted, so that Compose starts a service anew when one of them changes.
    fn labels(&mut self, service: &Node<'_>, workload: &Workload, path: &str) {
        let mounts = service.get("volumes").map_or(&[][..], Node::items);
        let mut digest = blake3::Hasher::new();
        for mount in mounts.iter().filter(|mount| mount.get("type").and_then(Node::as_str) == Some("bind")) {
            let said =
                |key| mount.get(key).and_then(Node::as_str).map(|text| text.replace("$$", "$")).unwrap_or_default();
            let bytes = (self.content)(&said("source")).unwrap_or_default();
            digest.update(said("target").as_bytes()).update(blake3::hash(bytes).as_bytes());
        }
        let wanted = (digest.count() > 0).then(|| digest.finalize().to_hex()[..16].to_owned());
        let labels = service.get("labels").map_or(&[][..], Node::entries);
        let found: Vec<(&str, Option<&str>)> = labels.iter().map(|(name, label)| (&**name, label.as_str())).collect();
        if found != Vec::from_iter(wanted.as_deref().map(|wanted| (FILES, Some(wanted)))) {
            let wanted = wanted.map_or("is not there".to_owned(), |wanted| format!("says {FILES} `{wanted}`"));
            let message =
                format!("`{path}.labels` {wanted}, as the service mounts files, and `{}` differs", self.file.path);
            self.report(message, workload.at);
        }
    }

    /// A published port has a name and a protocol, and is bound to the project's address.
    fn port(&mut self, item: &Node<'_>, path: &str) {
        let compose = self.compose;
        self.says(item, &joined(path, "host_ip"), &compose.bind);
        for key in ["name", "protocol"] {
            self.has(item, key, path);
        }
    }

    /// A mount is a volume, or a file that is there and is only read.
    fn mount(&mut self, item: &Node<'_>, path: &str) {
        let said = |key: &[&str]| item.at(key).map(|node| &node.data);
        let kind = item.get("type").and_then(Node::as_str);
        let fine = match kind {
            Some("volume") => said(&["read_only"]).is_none() && said(&["bind"]).is_none(),
            Some("bind") => {
                said(&["read_only"]) == Some(&Data::Bool(true))
                    && said(&["bind", "create_host_path"]) == Some(&Data::Bool(false))
            }
            _ => false,
        };
        if !fine {
            let message = format!(
                "`{path}` is neither a volume nor a file that is there and is only read, on line {} of `{}`",
                item.line, self.file.path
            );
            self.report(message, self.compose.project.at);
        }
    }

    fn has(&mut self, item: &Node<'_>, key: &str, path: &str) {
        if item.get(key).is_none() {
            let message = format!("`{path}` has no `{key}` on line {} of `{}`", item.line, self.file.path);
            self.report(message, self.compose.project.at);
        }
    }

    /// The key at the end of a path says what a leaf of the plan does.
    fn says(&mut self, node: &Node<'_>, path: &str, leaf: &Leaf) {
        let key = path.rsplit('.').next().unwrap_or(path);
        let found = node.get(key).and_then(Node::as_str).map(|text| text.replace("$$", "$"));
        let text = value::spell(&leaf.value);
        if found.as_deref() == Some(text.as_str()) {
            return;
        }
        let says = found.map_or("nothing".to_owned(), |found| format!("`{found}`"));
        let from = super::from(&leaf.origins);
        self.report(format!("`{path}` is `{text}`{from}, and `{}` says {says}", self.file.path), leaf.at);
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// What `raw` says below a key.
fn below<'t>(tree: &'t Tree, key: &str) -> Option<&'t Tree> {
    match tree {
        Tree::Map(entries) => entries.get(key),
        // A list or another value replaces all of it.
        _ => Some(tree),
    }
}
