//! What a program may do to its host is declared: every danger in a plan has an `allow`, and every `allow` a danger.
//!
//! Tables: [`SERVICE`] for what stands in a service of Compose, [`VALUE`] for what stands anywhere in values of Helm.

use std::collections::BTreeSet;

use crate::{
    diag::{Code, Diags, codes},
    model::{Deployed, Env, KINDS},
    plan::{Deployment, Leaf, Tree, Variable, Workload},
    sensitive,
    source::{SourceId, Span},
    value::{Piece, Value},
};

/// A danger that was found.
struct Danger {
    kind: &'static str,
    /// What `allow` names: a service, or the path of a key.
    subject: String,
    /// Where it stands in the output.
    path: String,
    span: Span,
}

/// What makes a key of a tree a danger.
struct Rule {
    /// The steps to it; lists on the way are gone through.
    path: &'static [&'static str],
    /// Whether this tree is one.
    holds: fn(&Tree) -> bool,
    kind: &'static str,
}

const fn rule(path: &'static [&'static str], holds: fn(&Tree) -> bool, kind: &'static str) -> Rule {
    Rule { path, holds, kind }
}

/// Below a service of Compose.
const SERVICE: &[Rule] = &[
    rule(&["privileged"], is_on, "privileged"),
    rule(&["build", "privileged"], is_on, "privileged"),
    rule(&["post_start", "privileged"], is_on, "privileged"),
    rule(&["pre_stop", "privileged"], is_on, "privileged"),
    rule(&["network_mode"], is_host, "host-network"),
    rule(&["networks"], names_host, "host-network"),
    rule(&["build", "network"], is_host, "host-network"),
    rule(&["pid"], is_host, "host-namespace"),
    rule(&["ipc"], is_host, "host-namespace"),
    rule(&["uts"], is_host, "host-namespace"),
    rule(&["userns_mode"], is_host, "host-namespace"),
    rule(&["cgroup"], is_host, "host-namespace"),
    rule(&["cap_add"], is_given, "capability"),
    rule(&["security_opt"], escalates, "escalation"),
    rule(&["security_opt"], is_unconfined, "unconfined"),
    rule(&["devices"], is_given, "host-device"),
    rule(&["device_cgroup_rules"], is_given, "host-device"),
    rule(&["volumes"], mounts_host, "host-mount"),
    rule(&["use_api_socket"], is_on, "host-mount"),
    rule(&["provider"], is_given, "host-program"),
    rule(&["extends"], is_given, "other-file"),
    rule(&["env_file"], is_given, "other-file"),
];

/// Below an entry of a top-level map of Compose.
const TOP: &[(&str, Rule)] = &[
    ("volumes", rule(&["driver_opts", "device"], is_outside_text, "host-mount")),
    ("configs", rule(&["file"], is_outside_text, "host-mount")),
    ("secrets", rule(&["file"], is_outside_text, "host-mount")),
    ("networks", rule(&["name"], is_host, "host-network")),
    ("networks", rule(&["driver"], is_host, "host-network")),
];

/// At the top of a Compose file.
const INCLUDE: Rule = rule(&["include"], is_given, "other-file");

/// Anywhere in values of Helm.
const VALUE: &[Rule] = &[
    rule(&["privileged"], is_on, "privileged"),
    rule(&["hostNetwork"], is_on, "host-network"),
    rule(&["hostPID"], is_on, "host-namespace"),
    rule(&["hostIPC"], is_on, "host-namespace"),
    rule(&["allowPrivilegeEscalation"], is_on, "escalation"),
    rule(&["hostPath"], is_given, "host-mount"),
    rule(&["capabilities", "add"], is_given, "capability"),
    rule(&["seccompProfile", "type"], is_unconfined, "unconfined"),
    rule(&["appArmorProfile", "type"], is_unconfined, "unconfined"),
    rule(&["procMount"], is_unconfined, "unconfined"),
];

/// Refuses dangers that are not declared, and declarations without a danger.
pub fn allowed(env: &Env, plan: &[Deployment], diags: &mut Diags) {
    for (deployed, deployment) in env.deployments.iter().zip(plan) {
        let mut used: BTreeSet<(&str, &str)> =
            deployed.excused.iter().map(|subject| ("secret-like", subject.as_ref())).collect();
        let mut dangers = Vec::new();
        if let Some(raw) = deployment.compose.as_ref().and_then(|compose| compose.raw.as_ref()) {
            in_compose(raw, &mut dangers);
        }
        for release in &deployment.helm {
            in_values(&release.values, &mut Vec::new(), &mut dangers);
        }
        for danger in &dangers {
            match declared(deployed, danger.kind, &danger.subject) {
                Some(subject) => _ = used.insert((danger.kind, subject)),
                None => refuse(danger, diags),
            }
        }
        for workload in deployment.compose.iter().flat_map(|compose| &compose.workloads) {
            plain_secrets(deployed, workload, &mut used, diags);
        }
        for allow in deployed.allows.iter().filter(|allow| !used.contains(&(allow.kind, allow.subject.as_ref()))) {
            diags.push(
                codes::UNUSED_ALLOW
                    .at(allow.span, format!("there is no `{}` at `{}` to allow", allow.kind, allow.subject))
                    .hint("delete it"),
            );
        }
    }
}

/// The subject of the `allow` for this, if there is one.
fn declared<'d>(deployed: &'d Deployed, kind: &str, subject: &str) -> Option<&'d str> {
    let found = deployed.allows.iter().find(|allow| allow.kind == kind && allow.subject.as_str() == subject);
    found.map(|allow| allow.subject.as_ref())
}

fn refuse(danger: &Danger, diags: &mut Diags) {
    let about = KINDS.iter().find(|(kind, _)| *kind == danger.kind).map_or("", |(_, about)| about);
    diags.push(
        code_of(danger.kind)
            .at(danger.span, format!("`{}`: {about}", danger.path))
            .underline(danger.kind)
            .hint(format!("delete it, or say that it is meant: {}", typed(danger.kind, &danger.subject))),
    );
}

fn typed(kind: &str, subject: &str) -> String {
    format!("`allow \"{kind}\" {subject:?} because=\"…\"`")
}

fn code_of(kind: &str) -> &'static Code {
    match kind {
        "capability" => &codes::CAPABILITY,
        "escalation" => &codes::ESCALATION,
        "host-device" => &codes::HOST_DEVICE,
        "host-mount" => &codes::HOST_MOUNT,
        "host-namespace" => &codes::HOST_NAMESPACE,
        "host-network" => &codes::HOST_NETWORK,
        "host-program" => &codes::HOST_PROGRAM,
        "other-file" => &codes::OTHER_FILE,
        "privileged" => &codes::PRIVILEGED,
        _ => &codes::UNCONFINED,
    }
}

fn in_compose(root: &Tree, dangers: &mut Vec<Danger>) {
    for (name, service) in get(root, "services").into_iter().flat_map(entries) {
        for (rule, tree) in found(SERVICE, service) {
            dangers.push(rule.danger(name, &format!("services.{name}"), tree));
        }
    }
    for (map, rule) in TOP {
        for (name, entry) in get(root, map).into_iter().flat_map(entries) {
            let tree = rule.found(entry);
            dangers.extend(tree.map(|tree| rule.danger(name, &format!("{map}.{name}"), tree)));
        }
    }
    dangers.extend(INCLUDE.found(root).map(|tree| INCLUDE.danger("include", "", tree)));
}

/// A step on the way to a key.
enum Step<'t> {
    Key(&'t str),
    Item(usize),
}

fn in_values<'t>(tree: &'t Tree, path: &mut Vec<Step<'t>>, dangers: &mut Vec<Danger>) {
    match tree {
        Tree::Map(map) => {
            // Most maps hold nothing of the kind.
            let concerned = map.keys().any(|key| VALUE.iter().any(|rule| *rule.path[0] == **key));
            for (rule, tree) in found(if concerned { VALUE } else { &[] }, tree) {
                let steps = path.iter().map(|step| match step {
                    Step::Key(key) => (*key).to_owned(),
                    Step::Item(at) => at.to_string(),
                });
                let place = steps.collect::<Vec<String>>().join(".");
                let mut danger = rule.danger("", &place, tree);
                danger.subject.clone_from(&danger.path);
                dangers.push(danger);
            }
            for (key, inner) in map {
                path.push(Step::Key(key));
                in_values(inner, path, dangers);
                path.pop();
            }
        }
        Tree::List(items) => {
            for (at, inner) in items.iter().enumerate() {
                path.push(Step::Item(at));
                in_values(inner, path, dangers);
                path.pop();
            }
        }
        Tree::Embedded(_, inner) => in_values(inner, path, dangers),
        Tree::Leaf(_) => {}
    }
}

/// The rules that hold for a tree, each with what it holds for.
fn found<'t>(rules: &'static [Rule], tree: &'t Tree) -> impl Iterator<Item = (&'static Rule, &'t Tree)> {
    rules.iter().filter_map(move |rule| Some((rule, rule.found(tree)?)))
}

impl Rule {
    /// What below a tree is the danger, if anything is.
    fn found<'t>(&self, tree: &'t Tree) -> Option<&'t Tree> {
        get(tree, self.path[0])?; // most trees hold nothing of the kind
        let mut found = Vec::new();
        below(tree, self.path, &mut found);
        found.into_iter().find(|tree| (self.holds)(tree))
    }

    fn danger(&self, subject: &str, place: &str, tree: &Tree) -> Danger {
        let place = Some(place).filter(|place| !place.is_empty());
        let steps: Vec<&str> = place.into_iter().chain(self.path.iter().copied()).collect();
        Danger { kind: self.kind, subject: subject.to_owned(), path: steps.join("."), span: span_of(tree) }
    }
}

/// What stands at a path; lists on the way are gone through.
fn below<'t>(tree: &'t Tree, path: &[&str], found: &mut Vec<&'t Tree>) {
    match (tree, path.split_first()) {
        (tree, None) => found.push(tree),
        (Tree::List(items), Some(_)) => items.iter().for_each(|item| below(item, path, found)),
        (tree, Some((first, rest))) => {
            if let Some(inner) = get(tree, first) {
                below(inner, rest, found);
            }
        }
    }
}

fn get<'t>(tree: &'t Tree, key: &str) -> Option<&'t Tree> {
    if let Tree::Map(map) = tree { map.get(key) } else { None }
}

fn entries(tree: &Tree) -> impl Iterator<Item = (&str, &Tree)> {
    let map = if let Tree::Map(map) = tree { Some(map) } else { None };
    map.into_iter().flatten().map(|(key, tree)| (key.as_ref(), tree))
}

/// The line of the environment that says it, or that of the stack.
fn span_of(tree: &Tree) -> Span {
    let mut found = None;
    crate::lower::each_leaf(tree, &mut |leaf| found = found.or_else(|| Some(said_at(leaf))));
    found.unwrap_or_default()
}

fn said_at(leaf: &Leaf) -> Span {
    let own = leaf.origins.iter().map(|origin| origin.span).find(|span| span.source == SourceId(0));
    own.unwrap_or(leaf.at)
}

/// The texts of a value and of everything in it.
fn texts(tree: &Tree) -> Vec<String> {
    let mut texts = Vec::new();
    crate::lower::each_leaf(tree, &mut |leaf| match &leaf.value {
        Value::List(items) => texts.extend(items.iter().map(crate::value::spell)),
        value => texts.push(crate::value::spell(value)),
    });
    texts
}

fn is_on(tree: &Tree) -> bool {
    texts(tree).iter().any(|text| ["true", "yes", "on", "y", "1"].contains(&text.to_lowercase().as_str()))
}

fn is_host(tree: &Tree) -> bool {
    texts(tree).iter().any(|text| text.trim() == "host")
}

/// Whether a list or a map of networks names that of the host.
fn names_host(tree: &Tree) -> bool {
    get(tree, "host").is_some() || is_host(tree)
}

fn is_given(tree: &Tree) -> bool {
    match tree {
        Tree::Map(map) => !map.is_empty(),
        Tree::List(items) => !items.is_empty(),
        Tree::Embedded(_, inner) => is_given(inner),
        Tree::Leaf(leaf) => match &leaf.value {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Map(map) => !map.is_empty(),
            _ => true,
        },
    }
}

fn is_unconfined(tree: &Tree) -> bool {
    texts(tree).iter().map(|text| text.to_lowercase()).any(|text| {
        text.ends_with("unconfined")
            || text == "unmasked"
            || ["label:disable", "label=disable"].contains(&text.as_str())
    })
}

fn escalates(tree: &Tree) -> bool {
    texts(tree).iter().any(|text| ["no-new-privileges:false", "no-new-privileges=false"].contains(&text.as_str()))
}

/// Whether a list of volumes of a service mounts something of the host, in short or long syntax.
fn mounts_host(tree: &Tree) -> bool {
    let Tree::List(items) = tree else { return texts(tree).iter().any(|text| is_outside(source_of(text))) };
    items.iter().any(|item| match item {
        Tree::Map(_) => {
            let says = |key: &str| get(item, key).and_then(|tree| texts(tree).into_iter().next()).unwrap_or_default();
            match says("type").as_str() {
                "npipe" => true,
                "volume" | "tmpfs" | "image" | "cluster" => says("source").contains('/') && is_outside(&says("source")),
                _ => is_outside(&says("source")),
            }
        }
        item => texts(item).iter().any(|text| is_outside(source_of(text))),
    })
}

/// The source of a mount in short syntax; nothing where it is a volume without a name.
fn source_of(text: &str) -> &str {
    let drive = text.as_bytes().get(1) == Some(&b':');
    match text.split_once(':') {
        Some(_) if drive => text,
        Some((source, _)) => source,
        None => "",
    }
}

fn is_outside_text(tree: &Tree) -> bool {
    texts(tree).iter().any(|text| is_outside(text))
}

/// Whether a path leads out of the project, seen from the folder of the Compose file, or to a socket.
fn is_outside(path: &str) -> bool {
    /// `out`, the environment, the deployment, `compose`.
    const DEPTH: i32 = 4;
    let path = path.replace('\\', "/");
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.ends_with(".sock") || path.starts_with(['/', '~', '$']) || drive {
        return true;
    }
    let mut depth = DEPTH;
    path.split('/').any(|step| {
        depth += match step {
            "" | "." => 0,
            ".." => -1,
            _ => 1,
        };
        depth < 0
    })
}

/// Variables of a workload that are named like secrets and hold plain text.
fn plain_secrets<'d>(
    deployed: &'d Deployed,
    workload: &Workload,
    used: &mut BTreeSet<(&'d str, &'d str)>,
    diags: &mut Diags,
) {
    for (name, variable) in workload.env.iter().filter(|(name, variable)| is_plain_secret(name, variable)) {
        let own = variable.leaf.origins.iter().find(|origin| origin.span.source == SourceId(0));
        let path = own.map_or_else(|| format!("{}.env.{name}", workload.name), |origin| origin.path.to_string());
        if let Some(subject) = declared(deployed, "secret-like", &path) {
            used.insert(("secret-like", subject));
            continue;
        }
        diags.push(
            codes::SECRET_VARIABLE
                .at(said_at(&variable.leaf), format!("`{name}` is the name of a secret and holds plain text"))
                .underline("plain text")
                .hint("declare the setting as `(secret)`, and give it as a reference `(secret)\"NAME/KEY\"`")
                .hint(format!("if it is none, say so: {}", typed("secret-like", &path))),
        );
    }
}

fn is_plain_secret(name: &str, variable: &Variable) -> bool {
    let is_plain = match &variable.leaf.value {
        _ if variable.tree.is_some() => false,
        Value::String(text) => !sensitive::is_no_secret(text),
        Value::Text(pieces) => pieces.iter().all(|piece| matches!(piece, Piece::Literal(_))),
        _ => false,
    };
    is_plain && sensitive::names_secret(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_kind_and_every_kind_a_code() {
        let rules = SERVICE.iter().chain(VALUE).chain(TOP.iter().map(|(_, rule)| rule)).chain([&INCLUDE]);
        let kinds: BTreeSet<&str> = rules.map(|rule| rule.kind).collect();
        let known: BTreeSet<&str> = KINDS.iter().map(|(kind, _)| *kind).filter(|kind| *kind != "secret-like").collect();
        assert_eq!(kinds, known);
        let codes: BTreeSet<&str> = known.iter().map(|kind| code_of(kind).id).collect();
        assert_eq!(codes.len(), known.len());
        assert!(KINDS.is_sorted());
    }

    #[test]
    fn paths_of_the_host_lead_out_of_the_project() {
        for path in ["/etc", "~/x", "../../../../..", "a/../../../../../../b", "C:\\x", "./docker.sock", "${HOME}/x"] {
            assert!(is_outside(path), "{path}");
        }
        for path in ["data", "./a", "../../../../config", "a/..", ""] {
            assert!(!is_outside(path), "{path}");
        }
        assert_eq!(
            [source_of("/a:/b:ro"), source_of("data:/b"), source_of("/b"), source_of("C:\\a:/b")],
            ["/a", "data", "", "C:\\a:/b"]
        );
    }
}
