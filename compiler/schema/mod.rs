//! What a stack says, checked: settings, presets, rules, workloads and projections.
//!
//! In: `Doc`s of stack files (`load`). Out: a [`Stack`], and findings.
//! Never: an environment, any stack by name.
//! Invariant: every expression in a [`Stack`] names existing places and fits its type, and the graph of
//! what depends on what has no cycle ([`Stack::order`] is one order of it).

pub mod assign;
mod attributes;
mod body;
mod build;
mod carried;
mod charts;
mod children;
mod collect;
mod declare;
mod defaults;
mod endpoint;
mod facts;
pub mod flux;
mod graph;
mod keys;
pub(crate) mod line;
pub mod load;
mod names;
mod never;
mod packed;
mod pending;
mod project;
pub mod questions;
mod rules;
mod said;
mod shape;
mod surface;
mod targets;
#[cfg(test)]
mod tests;
mod tree;
mod workload;

pub(crate) use build::{bad_value, type_of};
pub(crate) use graph::is_named;
pub(crate) use tree::format_of;

pub use children::Children;
pub use rules::Told;
pub use said::Said;
pub use surface::{Carry, ChartKey, Fixed, Found, KeyShape, Packed, Runs, Surface, Unsaid};
pub use targets::schemes;

use std::sync::Arc;

use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::{
    expr::{self, Expr, Place, Ref},
    pack::Lazy,
    plan::{self, Format, HealthKind, Role, Until},
    source::Span,
    value::{Ranged, Value},
};

/// Number of a setting in [`Stack::settings`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SettingId(pub u32);

impl SettingId {
    /// The group that holds everything.
    pub const ROOT: SettingId = SettingId(0);

    /// As an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// As a place in expressions.
    #[must_use]
    pub fn place(self) -> Place {
        Place(self.0)
    }
}

/// Places from this number on are no settings but rows of [`Stack::others`].
pub const FIRST_OTHER: u32 = 1 << 24;

/// A place that is no setting.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Other {
    /// The root `endpoint`.
    Endpoints,
    /// `endpoint.NAME`: host and first port.
    Endpoint(SmolStr),
    /// `endpoint.NAME.host`.
    EndpointHost(SmolStr),
    /// `endpoint.NAME.port`, or of a named port.
    EndpointPort(SmolStr, SmolStr),
    /// `endpoint.NAME.ports`.
    EndpointPorts(SmolStr),
    /// `endpoint.NAME.FIELD`.
    EndpointField(SmolStr, SmolStr),
    /// `self` in the fields of an endpoint.
    Provider,
    /// `self.host` there.
    ProviderHost,
    /// `self.port` there.
    ProviderPort,
    /// The root `self` of a record: leads to the record's setting.
    Record(SettingId),
    /// The root `workloads`.
    Workloads,
    /// `workloads.NAME`.
    Workload(SmolStr),
    /// A fact of `workloads.NAME`, by the words of its path.
    WorkloadFact(SmolStr, SmolStr),
    /// The workload that a loop over `workloads` is at; its key is the workload's name.
    EachWorkload,
    /// A fact of that workload, by the words of its path.
    EachWorkloadFact(SmolStr),
    /// `environment`: the name of the environment.
    Environment,
    /// `release`: the name of the deployment.
    Release,
}

/// A stack, as it was checked.
#[derive(Clone, PartialEq, Debug)]
pub struct Stack {
    /// Its name.
    pub name: SmolStr,
    /// Its version, as written.
    pub version: SmolStr,
    /// BLAKE3 of its parsed text: formatting and comments do not count.
    pub digest: SmolStr,
    /// The settings; number 0 is the group that holds the others.
    pub settings: Vec<Setting>,
    /// Places that are no settings.
    pub others: Vec<Other>,
    /// Conditions under which declarations exist, each once.
    pub conditions: Vec<Expr>,
    /// Presets, weakest first; those of extensions follow those of the stack.
    pub presets: Vec<Preset>,
    /// The stack's own overrides.
    pub overrides: Vec<Override>,
    /// Rules.
    pub rules: Vec<Rule>,
    /// Further providers and fields of endpoints.
    pub endpoints: Vec<Guarded<Endpoint>>,
    /// Workloads.
    pub workloads: Vec<Guarded<Workload>>,
    /// The `compose` node.
    pub compose: ComposeSettings,
    /// Configuration files.
    pub configs: Vec<Config>,
    /// MCP servers.
    pub mcp: Vec<Mcp>,
    /// Ways to say the system in Helm.
    pub helm: Vec<Helm>,
    /// Objects beside the releases, which Flux applies.
    pub flux: Vec<FluxObjects>,
    /// What the charts read.
    pub surfaces: Vec<Packed>,
    /// What `init` asks; no part of the digest, because no output depends on it.
    pub questions: Lazy<Vec<questions::Section>>,
    /// Presets and settings in an order in which everything stands after what it reads.
    pub order: Vec<Step>,
    /// For each setting, the assignments of presets to it: preset, index in it.
    pub preset_index: Vec<Vec<(u32, u32)>>,
}

/// One step of resolving.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// Decide whether this preset holds.
    Preset(u32),
    /// Give this setting its value, or a map or list its keys.
    Setting(SettingId),
}

/// A setting, a group, or a map or list of settings.
#[derive(Clone, PartialEq, Debug)]
pub struct Setting {
    /// Last word of its path; `*` for the item of a map or list.
    pub name: SmolStr,
    /// Its path, `app.image` or `service.*.port`.
    pub path: SmolStr,
    /// What holds it; none for the root.
    pub parent: Option<SettingId>,
    /// How many maps and lists are above it.
    pub depth: u32,
    /// Whether one of those is a list of records.
    pub below_list: bool,
    /// What it is.
    pub kind: Kind,
    /// What it holds, in declared order.
    pub children: Children<SettingId>,
    /// The record or scalar type it was declared with, such as `resources`.
    pub of: SmolStr,
    /// Its declarations: more than one where several variants of a choice declare the same name.
    pub declarations: Vec<Declaration>,
}

/// What a setting is.
#[derive(Clone, PartialEq, Debug)]
pub enum Kind {
    /// A group or record.
    Group,
    /// One value of the scalar type of this name; `enum` has its words in the attributes.
    Scalar(SmolStr),
    /// A list.
    List(SettingId),
    /// A map.
    Map(SettingId),
    /// One of several variants; its value is the variant's name.
    Choice(Arc<[SmolStr]>),
    /// Off or on; its value is a boolean.
    Switch,
}

/// One declaration of a setting.
#[derive(Clone, PartialEq, Debug)]
pub struct Declaration {
    /// Where it stands.
    pub span: Span,
    /// All must be true for the declaration to exist: indexes into [`Stack::conditions`], outermost first.
    pub available: Vec<u32>,
    /// The first that has a value is the weakest candidate.
    pub defaults: Vec<Expr>,
    /// Whether `defaults` is a value that nobody may write.
    pub derived: bool,
    /// Whether it must have a value while it exists.
    pub required: bool,
    /// Whether an environment's `override` may name it.
    pub overridable: bool,
    /// Range, words, schemes.
    pub attributes: Ranged,
    /// The map whose keys a `key` is one of.
    pub key_of: Option<Box<Ref>>,
    /// What is said of it, which decides no value.
    pub said: Lazy<Said>,
}

impl Declaration {
    /// A declaration of which nothing more is said.
    #[must_use]
    pub fn new(span: Span) -> Declaration {
        Declaration {
            span,
            available: Vec::new(),
            defaults: Vec::new(),
            derived: false,
            required: false,
            overridable: true,
            attributes: Ranged::default(),
            key_of: None,
            said: Lazy::default(),
        }
    }
}

/// What a change of a setting does to what runs, in the words of `change`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Change {
    /// Whatever the direction; empty if not said.
    pub any: SmolStr,
    /// If it becomes smaller.
    pub shrink: SmolStr,
    /// If it becomes larger.
    pub grow: SmolStr,
}

/// Targets that do not say a setting, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Absent {
    /// `helm`, `helm:0.8`, `compose`, `toml`, `mcp`, `flux` or `*`.
    pub targets: Vec<SmolStr>,
    /// The reason.
    pub because: SmolStr,
    /// Where it stands.
    pub span: Span,
}

/// Values that hold under a condition.
#[derive(Clone, PartialEq, Debug)]
pub struct Preset {
    /// The condition; none holds always.
    pub when: Option<Expr>,
    /// Where it stands.
    pub span: Span,
    /// The values.
    pub values: Vec<Assignment>,
}

/// Values that hold for some targets only.
#[derive(Clone, PartialEq, Debug)]
pub struct Override {
    /// The targets.
    pub targets: Vec<SmolStr>,
    /// The reason.
    pub because: SmolStr,
    /// Where it stands.
    pub span: Span,
    /// The values.
    pub values: Vec<Assignment>,
}

/// A value for a setting, as some layer gives it.
#[derive(Clone, PartialEq, Debug)]
pub struct Assignment {
    /// The setting.
    pub setting: SettingId,
    /// The keys of the maps and lists above it, outermost first; an item of a list has its index.
    pub keys: Vec<SmolStr>,
    /// What is given.
    pub given: Given,
    /// The place of the value, or of the node where there is none.
    pub span: Span,
    /// The place of the setting's name.
    pub name_span: Span,
}

/// What a layer gives a setting.
#[derive(Clone, PartialEq, Debug)]
pub enum Given {
    /// This value, in normal form.
    Value(Value),
    /// The value of this expression (stacks only).
    Expr(Expr),
    /// The items of a list, each a value or an expression.
    List(Vec<Given>),
    /// A part of a compound scalar.
    Part(SmolStr, Box<Given>),
    /// A map or list entry, or a choice or switch, that is written without a value.
    Here,
    /// No value.
    Null,
    /// A value that is wrong and was reported.
    Wrong,
}

/// A rule.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    /// Its id, unique in the stack.
    pub id: SmolStr,
    /// Where it stands.
    pub span: Span,
    /// The record it belongs to; its instances are checked one by one.
    pub record: Option<SettingId>,
    /// Whether only a warning.
    pub warning: bool,
    /// `base` or a target; empty for every view.
    pub view: SmolStr,
    /// A target that makes it needless where it is written; empty for none.
    pub without: SmolStr,
    /// When it applies; all must be true.
    pub when: Vec<Expr>,
    /// What must hold.
    pub require: Lazy<Vec<Expr>>,
    /// What to tell where it is broken.
    pub told: Lazy<Told>,
}

/// Something that exists under conditions and once per item of loops.
#[derive(Clone, PartialEq, Debug)]
pub struct Guarded<T> {
    /// The conditions and loops around it, outermost first.
    pub guards: Vec<Guard>,
    /// The thing.
    pub node: T,
}

/// A condition or a loop.
#[derive(Clone, PartialEq, Debug)]
pub enum Guard {
    /// `(when)"…"`.
    When(Expr),
    /// `(each)"x in …"`; loops are numbered by how many are around them.
    Each(Ref),
}

/// Further providers and fields of an endpoint.
#[derive(Clone, PartialEq, Debug)]
pub struct Endpoint {
    /// Its name; a constant unless it stands in a loop.
    pub name: Expr,
    /// Where it stands.
    pub span: Span,
    /// What stands in for a workload that we do not run.
    pub external: Option<External>,
    /// Further addresses; `self.host` and `self.port` are the provider's.
    pub fields: IndexMap<SmolStr, Expr>,
}

/// A provider that we do not run.
#[derive(Clone, PartialEq, Debug)]
pub struct External {
    /// When it is the provider.
    pub when: Option<Expr>,
    /// Its host.
    pub host: Expr,
    /// Its port.
    pub port: Option<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// A workload.
#[derive(Clone, PartialEq, Debug)]
pub struct Workload {
    /// Its name; a constant unless it stands in a loop.
    pub name: Expr,
    /// Where it stands.
    pub span: Span,
    /// What kind of program it is.
    pub role: Role,
    /// Whether it keeps data.
    pub stateful: bool,
    /// Its facts.
    pub facts: Lazy<Vec<Guarded<Fact>>>,
    /// Facts that replace others for some targets.
    pub overrides: Vec<FactOverride>,
}

/// Facts that replace those of the same kind and key, for some targets.
#[derive(Clone, PartialEq, Debug)]
pub struct FactOverride {
    /// The targets.
    pub targets: Vec<SmolStr>,
    /// The reason.
    pub because: SmolStr,
    /// Where it stands.
    pub span: Span,
    /// The facts.
    pub facts: Vec<Guarded<Fact>>,
}

/// One fact of a workload, and the line that says it.
#[derive(Clone, PartialEq, Debug)]
pub struct Fact {
    /// Where it stands.
    pub span: Span,
    /// What it says.
    pub kind: FactKind,
}

/// What a fact of a workload says.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "they are the fields of `plan::Workload`, as expressions")]
pub enum FactKind {
    Image {
        image: Expr,
        build: Option<Expr>,
        pull: Option<Expr>,
    },
    Replicas {
        count: Expr,
        max: Option<Expr>,
    },
    Command(Vec<Expr>),
    Args(Vec<Guarded<Expr>>),
    Schedule(Expr),
    Env {
        name: Expr,
        also: Vec<SmolStr>,
        file: bool,
        value: Expr,
    },
    EnvTree {
        name: Expr,
        format: Format,
        tree: Vec<TreeNode>,
    },
    Resources(ResourceExprs),
    Port {
        name: Expr,
        number: Expr,
        service: Option<Expr>,
        publish: Option<Expr>,
        protocol: SmolStr,
    },
    Needs {
        names: Vec<Expr>,
        until: Until,
    },
    Profile(Expr),
    Beside(Expr),
    Health(Box<HealthExprs>),
    Volume {
        name: Expr,
        at: Expr,
        of: Option<Expr>,
        size: Option<Expr>,
        class: Option<Expr>,
    },
    Tmpfs(Vec<Expr>),
    File {
        path: Expr,
        content: FileExpr,
    },
    Security {
        user: Option<Expr>,
        group: Option<Expr>,
        read_only_root: Option<Expr>,
        drop: Option<Expr>,
        escalation: Option<Expr>,
    },
    Route {
        hosts: Expr,
        path: Option<Expr>,
        port: SmolStr,
        tls: Option<Expr>,
    },
}

impl FactKind {
    /// Which kind of fact it says.
    #[must_use]
    pub fn kind(&self) -> plan::Kind {
        match self {
            FactKind::Image { .. } => plan::Kind::Image,
            FactKind::Replicas { .. } => plan::Kind::Replicas,
            FactKind::Command(_) => plan::Kind::Command,
            FactKind::Args(_) => plan::Kind::Args,
            FactKind::Schedule(_) => plan::Kind::Schedule,
            FactKind::Env { .. } | FactKind::EnvTree { .. } => plan::Kind::Env,
            FactKind::Resources(_) => plan::Kind::Resources,
            FactKind::Port { .. } => plan::Kind::Port,
            FactKind::Needs { .. } => plan::Kind::Needs,
            FactKind::Profile(_) => plan::Kind::Profile,
            FactKind::Beside(_) => plan::Kind::Beside,
            FactKind::Health(_) => plan::Kind::Health,
            FactKind::Volume { .. } => plan::Kind::Volume,
            FactKind::Tmpfs(_) => plan::Kind::Tmpfs,
            FactKind::File { .. } => plan::Kind::File,
            FactKind::Security { .. } => plan::Kind::Security,
            FactKind::Route { .. } => plan::Kind::Route,
        }
    }
}

/// The content of a mounted file.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "they are the cases of `plan::FileContent`")]
pub enum FileExpr {
    Text(Expr),
    Tree(FormatExpr, Vec<TreeNode>),
    Config(SmolStr),
}

/// A format that is fixed, or comes from a setting.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FormatExpr {
    Fixed(Format),
    Computed(Expr),
}

/// Limits and requests, as expressions.
#[derive(Clone, PartialEq, Debug, Default)]
#[allow(missing_docs, reason = "they are the fields of `plan::Resources`")]
pub struct ResourceExprs {
    pub request_cpu: Option<Expr>,
    pub request_memory: Option<Expr>,
    pub limit_cpu: Option<Expr>,
    pub limit_memory: Option<Expr>,
}

/// A health check, as expressions.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "they are the fields of `plan::Health`")]
pub struct HealthExprs {
    pub kind: HealthKind,
    pub probe: ProbeExpr,
    pub period: Option<Expr>,
    pub delay: Option<Expr>,
    pub timeout: Option<Expr>,
    pub failures: Option<Expr>,
    pub start: Option<Expr>,
}

/// How health is checked, as expressions.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "they are the cases of `plan::Probe`")]
pub enum ProbeExpr {
    Http { path: Expr, port: Expr },
    Tcp { port: Expr },
    Exec { argv: Vec<Expr> },
}

/// What the `compose` node says.
#[derive(Clone, PartialEq, Debug, Default)]
#[allow(missing_docs, reason = "they are the fields of `plan::Compose`")]
pub struct ComposeSettings {
    pub project: Option<Expr>,
    pub bind: Option<Expr>,
    pub restart: Option<Expr>,
}

/// Paths outside which a target says nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    /// The settings and groups in scope.
    pub settings: Vec<SettingId>,
    /// The reason why the rest is not.
    pub because: SmolStr,
    /// Where it stands.
    pub span: Span,
}

/// A configuration file.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "they are the fields of `plan::Config`")]
pub struct Config {
    pub name: SmolStr,
    pub file: SmolStr,
    pub format: Format,
    pub span: Span,
    pub when: Vec<Expr>,
    pub scope: Option<Scope>,
    pub tree: Lazy<Vec<TreeNode>>,
}

/// A set of MCP servers.
#[derive(Clone, PartialEq, Debug)]
pub struct Mcp {
    /// Where it stands.
    pub span: Span,
    /// When there are any.
    pub when: Vec<Expr>,
    /// The clients that get a file: a list of names; all where it is not said.
    pub clients: Option<Expr>,
    /// Paths outside which it says nothing.
    pub scope: Option<Scope>,
    /// The servers.
    pub servers: Vec<Guarded<Server>>,
}

/// Objects that Flux applies beside the releases.
#[derive(Clone, PartialEq, Debug)]
pub struct FluxObjects {
    /// Where they stand.
    pub span: Span,
    /// Paths outside which they say nothing.
    pub scope: Option<Scope>,
    /// The objects.
    pub objects: Vec<Guarded<FluxObject>>,
}

/// An object that Flux applies beside the releases.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "they are the fields of `plan::Object`")]
pub struct FluxObject {
    pub file: SmolStr,
    pub span: Span,
    pub tree: Lazy<Vec<TreeNode>>,
}

/// An MCP server.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "they are the fields of `plan::Server`")]
pub struct Server {
    pub name: Expr,
    pub span: Span,
    pub command: Vec<Expr>,
    pub url: Option<Expr>,
    pub headers: Vec<TreeNode>,
    pub environment: Vec<TreeNode>,
}

/// One way to say the system in Helm.
#[derive(Clone, PartialEq, Debug)]
pub struct Helm {
    /// Its name; its column in the ledger is `helm:NAME`, or `helm` where it is the only one.
    pub name: SmolStr,
    /// Where it stands.
    pub span: Span,
    /// When it is the active one.
    pub when: Vec<Expr>,
    /// What the cluster must have beforehand.
    pub requires: Vec<Guarded<Requirement>>,
    /// Secrets, by name, that the charts or an operator make in the cluster, so that nobody has to bring them.
    pub makes: Vec<Guarded<Expr>>,
    /// Its releases.
    pub releases: Vec<Release>,
}

/// Something that a cluster must have before a release is installed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requirement {
    /// In words.
    pub name: SmolStr,
    /// The custom resource definition that shows that it is there; may be empty.
    pub crd: SmolStr,
    /// Where it stands.
    pub span: Span,
}

/// One release.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "they are the fields of `plan::Release`")]
pub struct Release {
    pub name: SmolStr,
    pub span: Span,
    pub chart: SmolStr,
    pub version: SmolStr,
    /// The file that lists what the chart reads; empty if there is none.
    pub surface: SmolStr,
    pub file: SmolStr,
    /// Releases of the same block that have to be ready before.
    pub needs: Vec<SmolStr>,
    /// Where Flux finds the chart, unless an environment says otherwise.
    pub source: Option<ChartSource>,
    pub names: Vec<TreeNode>,
    pub values: Lazy<Vec<TreeNode>>,
}

/// The kind of source of a chart that lies in the project, in `out/charts`, and comes with the environment.
pub const PROJECT: &str = "project";

/// Where a chart lies, in the words that environments have for it too.
#[derive(Clone, PartialEq, Debug)]
pub struct ChartSource {
    /// Where it stands.
    pub span: Span,
    /// `oci`, `helm`, `git`, or [`PROJECT`].
    pub kind: SmolStr,
    /// `url`, `path`, `tag`, `commit` and `secret`, as far as they are written.
    pub words: IndexMap<SmolStr, SmolStr>,
}

/// A node of a tree.
#[derive(Clone, PartialEq, Debug)]
pub enum TreeNode {
    /// A key and its value.
    Key {
        /// The key.
        key: TreeKey,
        /// The value.
        value: TreeValue,
        /// Where it stands.
        span: Span,
    },
    /// An item of a list, `- value`.
    Item {
        /// The value.
        value: TreeValue,
        /// Where it stands.
        span: Span,
    },
    /// Nodes that exist under a condition.
    When(Expr, Vec<TreeNode>),
    /// Nodes that exist once per item.
    Each(Ref, Vec<TreeNode>),
}

/// A key of a tree.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum TreeKey {
    Fixed(SmolStr),
    Computed(Expr),
}

/// A value in a tree.
#[derive(Clone, PartialEq, Debug)]
pub enum TreeValue {
    /// One value; of a group it is a map.
    One(Expr),
    /// A list of values.
    Many(Vec<Expr>),
    /// A map, or a list where the nodes are items.
    Nodes {
        /// The nodes.
        nodes: Vec<TreeNode>,
        /// Whether it stays when nothing is in it: `(map)` and `(list)`.
        keep: Option<Keep>,
    },
    /// A tree that stands as text in another format.
    Embedded(Format, Vec<TreeNode>),
}

impl TreeValue {
    /// The text that a key of a map always has, if it is a constant.
    #[must_use]
    pub fn text_of(&self, key: &str) -> Option<&str> {
        let TreeValue::Nodes { nodes, .. } = self else { return None };
        nodes.iter().find_map(|node| match node {
            TreeNode::Key { key: TreeKey::Fixed(name), value: TreeValue::One(expr), .. } if name == key => {
                let expr::Kind::Literal(Value::String(text)) = &expr.kind else { return None };
                Some(text.as_str())
            }
            _ => None,
        })
    }
}

/// What an empty tree that stays is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Keep {
    Map,
    List,
}

/// The path of a setting with its keys filled in; keys that are not known stay `*`.
fn path_of(setting: &Setting, keys: &[SmolStr]) -> SmolStr {
    if setting.depth == 0 {
        return setting.path.clone();
    }
    let mut keys = keys.iter();
    let words = setting.path.split('.').map(|word| if word == "*" { keys.next().map_or("*", |key| key) } else { word });
    words.collect::<Vec<_>>().join(".").into()
}

impl Stack {
    /// The setting of this number.
    #[must_use]
    pub fn setting(&self, id: SettingId) -> &Setting {
        &self.settings[id.index()]
    }

    /// The setting that a place denotes, if it denotes one.
    #[must_use]
    pub fn setting_at(&self, place: Place) -> Option<SettingId> {
        (place.0 < FIRST_OTHER).then_some(SettingId(place.0))
    }

    /// What a place denotes, if it is no setting.
    #[must_use]
    pub fn other_at(&self, place: Place) -> Option<&Other> {
        place.0.checked_sub(FIRST_OTHER).and_then(|index| self.others.get(index as usize))
    }

    /// The path of a setting with its keys filled in: `service.web.port`.
    #[must_use]
    pub fn path_of(&self, id: SettingId, keys: &[SmolStr]) -> SmolStr {
        path_of(self.setting(id), keys)
    }

    /// Whether a setting is the item of a list.
    #[must_use]
    pub fn is_list_item(&self, id: SettingId) -> bool {
        let setting = self.setting(id);
        setting.name.as_str() == "*"
            && setting.parent.is_some_and(|parent| matches!(self.setting(parent).kind, Kind::List(_)))
    }

    /// The settings whose values a reference to `id` reads, in declared order: of a group, map or list all below
    /// it; of anything else it alone.
    #[must_use]
    pub fn read_by(&self, id: SettingId) -> Vec<SettingId> {
        let setting = self.setting(id);
        if !matches!(setting.kind, Kind::Group | Kind::List(_) | Kind::Map(_)) {
            return vec![id];
        }
        self.below(id)
    }

    /// The settings below `id`, and `id` itself, in declared order.
    #[must_use]
    pub fn below(&self, id: SettingId) -> Vec<SettingId> {
        let mut all = vec![id];
        let setting = self.setting(id);
        if let Kind::List(item) | Kind::Map(item) = setting.kind {
            all.extend(self.below(item));
        }
        for child in setting.children.values() {
            all.extend(self.below(*child));
        }
        all
    }
}

/// Whether a target has words for a fact or a field of one. What it cannot say it does not read either.
#[must_use]
pub fn says(target: &str, what: &str) -> bool {
    let (kind, field) = what.split_once('.').unwrap_or((what, ""));
    let Some(row) = plan::Kind::named(kind).map(plan::Kind::row) else { return true };
    let said = |field: &plan::FieldRow| if target == "compose" { field.compose } else { field.helm };
    row.field(field).map_or_else(|| row.fields.iter().any(said), said)
}

/// The expressions that say a fact of a workload to a target, for origins.
#[must_use]
pub fn fact_exprs<'s>(workload: &'s Workload, fact: &str, target: &str) -> Vec<&'s Expr> {
    let of = |facts: &'s [Guarded<Fact>]| -> Vec<&'s Expr> {
        facts
            .iter()
            .filter_map(|guarded| match (&guarded.node.kind, fact) {
                (FactKind::Image { image, .. }, "image") => Some(image),
                (FactKind::Replicas { count, .. }, "replicas") => Some(count),
                _ => None,
            })
            .collect()
    };
    let own = workload.overrides.iter().filter(|over| over.targets.iter().any(|name| name.as_str() == target));
    let own: Vec<&Expr> = own.flat_map(|over| of(&over.facts)).collect();
    if own.is_empty() { of(&workload.facts) } else { own }
}
