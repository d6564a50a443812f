//! What a chart renders against what a Compose file says, with the plan of both views between them.
//!
//! In: an environment, the text of a Compose file, that of values and of rendered manifests. Out: [`Comparison`].
//! Never: how manifests were rendered, the disk.
//! Invariant: a fact that Compose and Kubernetes both have words for is said alike by both files, or is declared to differ,
//! or is a [`Difference`]; what only one of them can say is what the settings say.

mod alike;
mod chart;
mod declared;
mod manifests;

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

pub use self::{chart::Chart, manifests::Spot};
use self::{
    declared::{Declarations, Reason},
    manifests::Manifests,
};
use crate::{
    diag::Diags,
    facts::{self, Class, Fact, Facts, Files, Names, Place, Said, Side, View},
    lower,
    model::{Deployed, Env},
    plan::{self, FactPath, Kind, Origin, Plan, Role},
    read::{self, foreign},
    source::Span,
};

/// A release that has to be rendered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Release {
    /// The chart.
    pub chart: SmolStr,
    /// Its version.
    pub version: SmolStr,
    /// What Helm calls the release.
    pub name: SmolStr,
    /// The file of its values, below `helm/`.
    pub file: SmolStr,
}

/// One deployment, as its charts are to be rendered.
#[derive(Clone, Debug)]
pub struct Rendering<'a> {
    /// Its name, which is its folder.
    pub name: SmolStr,
    /// The namespace that it is installed in.
    pub namespace: SmolStr,
    /// The releases, in the order of the plan's; none where Helm is not asked for.
    pub releases: Vec<Release>,
    deployed: &'a Deployed,
    deployment: plan::Deployment,
}

/// What was written and rendered of a deployment.
pub struct Texts<'a> {
    /// The Compose file, if the target is asked for.
    pub compose: Option<&'a str>,
    /// What gives the files that the Compose file names.
    pub files: Files<'a>,
    /// The values of the releases, by file below `helm/`.
    pub values: &'a BTreeMap<String, String>,
    /// What all releases render to.
    pub manifests: &'a str,
}

/// What a comparison found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Comparison {
    /// How many facts of Helm's view were compared.
    pub facts: usize,
    /// What is not said alike, in the order of facts.
    pub differences: Vec<Difference>,
    /// What is not said alike, and declared.
    pub declared: Vec<Declared>,
    /// What facts could not be made of, in the manifests: where, and why.
    pub troubles: Vec<(Spot, String)>,
}

/// A fact that Compose and a chart do not say alike.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// What kind of difference it is; the Compose file or the settings are the left side, the manifests the right one.
    pub class: Class,
    /// What it is about.
    pub path: FactPath,
    /// A sentence about it.
    pub message: String,
    /// The line of the Compose file, counted from 1, that says it or what is next to it.
    pub compose: Option<u32>,
    /// Where the manifests say it, or what is next to it.
    pub manifests: Option<Spot>,
    /// The settings behind it.
    pub origins: Vec<Origin>,
    /// The place of the setting, else of the stack's line.
    pub at: Span,
}

/// A fact that is declared to differ.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Declared {
    /// What it is about.
    pub path: FactPath,
    /// A sentence about it.
    pub message: String,
    /// `override`, `unsaid`, `raw`, or `no words` where Compose cannot say it.
    pub kind: &'static str,
    /// The setting of the override, or the chart.
    pub subject: String,
    /// The reason.
    pub because: String,
}

/// The plan of an environment that compiles.
#[must_use]
pub fn plan(env: &Env) -> Plan {
    lower::lower(env, &mut Diags::default()).plan
}

/// The deployments of an environment, with its plan.
#[must_use]
pub fn renderings(env: &Env, plan: Plan) -> Vec<Rendering<'_>> {
    let pairs = env.deployments.iter().zip(plan.deployments);
    pairs.map(|(deployed, deployment)| rendering(deployed, deployment)).collect()
}

fn rendering(deployed: &Deployed, deployment: plan::Deployment) -> Rendering<'_> {
    let count = deployment.helm.len();
    let release = |release: &plan::Release| Release {
        chart: release.chart.clone(),
        version: release.version.clone(),
        name: lower::release_name(deployed, &release.name, count),
        file: release.file.clone(),
    };
    let namespace = deployment.flux.as_ref().map_or_else(|| deployed.name.clone(), plan::Flux::namespace);
    let releases = deployment.helm.iter().map(release).collect();
    Rendering { name: deployed.name.clone(), namespace, releases, deployed, deployment }
}

impl Difference {
    /// One word for its class: `conflict`, `only-compose`, `only-manifests`, `unexpanded`, `mangled`, `undeclared-port`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.class {
            Class::OnlyLeft => "only-compose",
            Class::OnlyRight => "only-manifests",
            Class::Unexpanded => "unexpanded",
            Class::Mangled => "mangled",
            Class::UndeclaredPort => "undeclared-port",
            _ => "conflict",
        }
    }
}

impl Rendering<'_> {
    /// Compares what was written and rendered.
    ///
    /// # Errors
    /// A text cannot be read: which, and why.
    pub fn compare(&self, texts: &Texts<'_>) -> Result<Comparison, String> {
        let manifests = Manifests::read(texts.manifests)
            .map_err(|error| format!("the manifests cannot be read: line {}: {}", error.line, error.message))?;
        let sides = Sides::of(self, texts, &manifests)?;
        let mut comparison = Comparison { facts: sides.cluster.len(), ..Comparison::default() };
        for trouble in &sides.troubles {
            comparison.troubles.push((manifests.spot(trouble.line), trouble.message.clone()));
        }
        sides.find(&mut comparison);
        Ok(comparison)
    }
}

/// What everybody says of one deployment.
struct Sides<'a> {
    rendering: &'a Rendering<'a>,
    manifests: &'a Manifests,
    declarations: Declarations,
    /// Compose's view of the plan, in Compose's words, if the target is asked for.
    here: Option<Facts>,
    /// Helm's view in Compose's words.
    there: Facts,
    /// Helm's view in Kubernetes' words.
    cluster: Facts,
    /// The Compose file.
    compose: Facts,
    /// The manifests.
    rendered: Facts,
    troubles: Vec<facts::Trouble>,
    /// Lines of variables in the manifests that are no text.
    mistyped: BTreeSet<u32>,
    /// What each side says badly, whatever the other says.
    bad: BTreeMap<FactPath, facts::Difference>,
}

impl<'a> Sides<'a> {
    fn of(rendering: &'a Rendering<'a>, texts: &Texts<'_>, manifests: &'a Manifests) -> Result<Sides<'a>, String> {
        let deployment = &rendering.deployment;
        let names = all_names(&deployment.helm);
        let cluster = facts::of_workloads(&deployment.cluster, &deployment.configs, &names);
        let (rendered, troubles) = manifests.facts(deployment);
        let rendered = alike::in_words_of(&cluster, rendered);
        let (mut here, mut there, mut compose) = (None, Facts::new(), Facts::new());
        if let (Some(plan), Some(text)) = (&deployment.compose, texts.compose) {
            let names = Names::of_compose(plan, &deployment.helm);
            here = Some(facts::of_workloads(&plan.workloads, &deployment.configs, &names));
            there = facts::of_workloads(&deployment.cluster, &deployment.configs, &names);
            compose = compose_facts(text, &names, texts.files)?;
        }
        let bad = bad(&compose, &rendered);
        let declarations = Declarations::of(rendering.deployed, deployment, texts.values);
        let mistyped = manifests.mistyped();
        Ok(Sides {
            rendering,
            manifests,
            declarations,
            here,
            there,
            cluster,
            compose,
            rendered,
            troubles,
            mistyped,
            bad,
        })
    }

    fn find(&self, comparison: &mut Comparison) {
        let paths: BTreeSet<&FactPath> = self.cluster.keys().chain(self.rendered.keys()).collect();
        let mut alone = BTreeSet::new();
        for path in paths {
            if !self.cluster_says(path) {
                continue;
            }
            if self.is_alone(path) {
                // Of a workload that one side does not run nothing more is said.
                if alone.insert(path.workload.clone()) {
                    comparison.differences.push(self.runs_alone(path));
                }
                continue;
            }
            self.manifest(path, comparison);
        }
        self.compose(comparison);
        self.views(comparison);
        comparison.differences.sort_by(|one, other| (&one.path, &one.message).cmp(&(&other.path, &other.message)));
        comparison.declared.sort();
    }

    /// Whether a fact is one that manifests have to say.
    fn cluster_says(&self, path: &FactPath) -> bool {
        let row = path.row();
        row.is_some_and(|row| row.helm)
    }

    fn is_alone(&self, path: &FactPath) -> bool {
        !(runs(&self.cluster, &path.workload) && runs(&self.rendered, &path.workload))
    }

    /// A workload that the manifests alone run, or do not.
    fn runs_alone(&self, path: &FactPath) -> Difference {
        let path = FactPath { kind: Kind::Role, key: SmolStr::default(), field: "", ..path.clone() };
        let (wanted, found) = (self.cluster.get(&path), self.rendered.get(&path));
        let message = match wanted {
            Some(_) => format!("`{}` runs in {} only, and no manifest makes it", path.workload, self.left_name(&path)),
            None => format!("`{}` runs in the manifests only, and the settings know nothing of it", path.workload),
        };
        let class = if wanted.is_some() { Class::OnlyLeft } else { Class::OnlyRight };
        self.difference(class, path.clone(), message, wanted, found)
    }

    fn left_name(&self, path: &FactPath) -> &'static str {
        if self.compose.contains_key(path) { "Compose" } else { "the settings" }
    }

    /// One fact of the manifests against Helm's view.
    fn manifest(&self, path: &FactPath, comparison: &mut Comparison) {
        let (wanted, found) = (self.cluster.get(path), self.rendered.get(path));
        let agree = match (wanted, found) {
            (Some(wanted), Some(found)) => alike::agree(path, wanted, found),
            (Some(wanted), None) => alike::is_default(path, &wanted.value),
            _ => false,
        };
        let is_text = |fact: &Fact| path.kind != Kind::Env || !self.mistyped.contains(&fact.place.line);
        if agree && found.is_none_or(is_text) {
            return;
        }
        if let Some((chart, because)) = self.declarations.unsaid(path) {
            let message = format!("{} is not what chart `{chart}` states", facts_name(path));
            return comparison.declared.push(Declared {
                path: path.clone(),
                message,
                kind: "unsaid",
                subject: chart.to_owned(),
                because: because.to_owned(),
            });
        }
        let (class, message) = self.told(path, wanted, found);
        comparison.differences.push(self.difference(class, path.clone(), message, wanted, found));
    }

    /// The class and the sentence of what manifests do not say as Helm's view does.
    fn told(&self, path: &FactPath, wanted: Option<&Fact>, found: Option<&Fact>) -> (Class, String) {
        if let Some(bad) = self.bad.get(path).filter(|bad| bad.right.is_some()) {
            let instead = wanted.map(|fact| Said::of(path, fact)).and_then(|said| said.value);
            let instead = instead.map(|value| format!("; `{value}` is meant")).unwrap_or_default();
            return (bad.class, format!("{}{instead}", bad.message("Compose", "the manifests")));
        }
        if let Some(fact) = found.filter(|fact| path.kind == Kind::Env && self.mistyped.contains(&fact.place.line)) {
            let shown = Said::of(path, fact).value.map(|value| format!(" `{value}`")).unwrap_or_default();
            let what = format!("`env[{}]` of `{}`", path.key, path.workload);
            return (
                Class::Mangled,
                format!("{what} is{shown} in the manifests, not in quotes, and Kubernetes takes text alone"),
            );
        }
        let said = |fact: Option<&Fact>| fact.map(|fact| Said::of(path, fact));
        // Where an override makes Compose differ, the settings are what manifests are compared with.
        let left = match (self.compose.get(path), wanted) {
            (Some(compose), Some(wanted)) if same_text(path, compose, wanted) => "Compose",
            _ => "the settings",
        };
        sentence(path, (said(wanted), left), (said(found), "the manifests"))
    }

    /// The Compose file against Compose's view.
    fn compose(&self, comparison: &mut Comparison) {
        let Some(here) = &self.here else { return };
        let workloads: BTreeSet<&SmolStr> = here.keys().map(|path| &path.workload).collect();
        let known = |path: &FactPath| workloads.contains(&path.workload);
        let says = |path: &FactPath| path.row().is_some_and(|row| row.compose);
        let paths: BTreeSet<&FactPath> = here.keys().chain(self.compose.keys().filter(|path| known(path))).collect();
        for path in paths.into_iter().filter(|path| says(path)) {
            let (wanted, found) = (here.get(path), self.compose.get(path));
            let agree = match (wanted, found) {
                (Some(wanted), Some(found)) => facts::same(wanted, found),
                _ => false,
            };
            if agree {
                continue;
            }
            let said = |fact: Option<&Fact>| fact.map(|fact| Said::of(path, fact));
            let right = match (self.rendered.get(path), wanted) {
                (Some(rendered), Some(wanted)) if same_text(path, rendered, wanted) => "the manifests",
                _ => "the settings",
            };
            let (class, message) = sentence(path, (said(found), "Compose"), (said(wanted), right));
            let mut difference = self.difference(class, path.clone(), message, wanted, self.rendered.get(path));
            difference.compose = found.or_else(|| next_to(&self.compose, path)).map(|fact| fact.place.line);
            comparison.differences.push(difference);
        }
    }

    /// The two views against each other: what differs was declared, or there would have been no output.
    fn views(&self, comparison: &mut Comparison) {
        let Some(here) = &self.here else { return };
        // Workloads of which everything is said, and kinds of facts of a workload.
        let mut said: BTreeSet<(SmolStr, Option<Kind>)> = BTreeSet::new();
        for workload in self.rendering.deployment.cluster.iter().filter(|workload| workload.role == Role::Cron) {
            said.insert((workload.name.clone(), None));
            comparison.declared.push(no_words(&workload.name));
        }
        let asked = self.checked_in_another_way(here);
        for path in here.keys().chain(self.there.keys()).collect::<BTreeSet<_>>() {
            let (one, other) = (here.get(path), self.there.get(path));
            let both = path.row().is_some_and(|row| row.compose && row.helm);
            let of_kind = (path.workload.clone(), Some(path.kind));
            let known = said.contains(&(path.workload.clone(), None)) || said.contains(&of_kind);
            if !both || known || one.map(|fact| &fact.value) == other.map(|fact| &fact.value) {
                continue;
            }
            let single = !runs(here, &path.workload) || !runs(&self.there, &path.workload);
            if single {
                said.insert((path.workload.clone(), None));
            } else if path.kind == Kind::Health && one.is_some() != other.is_some() {
                // A command here and a request there: one check, of which nothing is to be said if both ask the same.
                said.insert(of_kind);
                if !asked.contains(&path.workload) {
                    continue;
                }
            }
            comparison.declared.push(self.overridden(path, one, other, single));
        }
    }

    /// The workloads that Compose and the cluster do not check alike, whatever the words.
    fn checked_in_another_way(&self, here: &Facts) -> BTreeSet<SmolStr> {
        let side = |facts, view| Side { facts, view };
        let found = facts::compare_sides(side(here, View::Compose), side(&self.cluster, View::Kubernetes));
        let of_health = found.into_iter().filter(|it| it.path.kind == Kind::Health && !it.minor);
        of_health.filter(|it| it.class != Class::UndeclaredPort).map(|it| it.path.workload).collect()
    }

    fn overridden(&self, path: &FactPath, one: Option<&Fact>, other: Option<&Fact>, single: bool) -> Declared {
        let said = |fact: Option<&Fact>| fact.map(|fact| Said::of(path, fact));
        let message = if single {
            format!("`{}` runs in {} only", path.workload, if one.is_some() { "Compose" } else { "the manifests" })
        } else {
            sentence(path, (said(one), "Compose"), (said(other), "the manifests")).1
        };
        let Reason { subject, because } = self.declarations.behind(path, &[one, other], single);
        Declared { path: path.clone(), message, kind: "override", subject, because }
    }

    /// A difference with its places and settings.
    fn difference(
        &self,
        class: Class,
        path: FactPath,
        message: String,
        wanted: Option<&Fact>,
        found: Option<&Fact>,
    ) -> Difference {
        let compose = self.compose.get(&path).or_else(|| next_to(&self.compose, &path)).map(|fact| fact.place.line);
        let found = found.or_else(|| next_to(&self.rendered, &path)).map(|fact| self.manifests.spot(fact.place.line));
        let beside = || next_to(&self.cluster, &path).or_else(|| next_to(self.here.as_ref()?, &path));
        let place: Option<&Place> = wanted.or_else(beside).map(|fact| &fact.place);
        let origins = wanted.map(|fact| fact.place.origins.clone()).unwrap_or_default();
        let best = |place: &Place| {
            place.origins.iter().map(|origin| origin.span).min_by_key(|span| span.source).unwrap_or(place.at)
        };
        let at = place.map(best).unwrap_or_default();
        Difference { class, path, message, compose, manifests: found, origins, at }
    }
}

/// What the releases of a deployment call things; of what several name the first has the word.
fn all_names(releases: &[plan::Release]) -> Names {
    let Some((first, others)) = releases.split_first() else { return Names::none(View::Kubernetes) };
    let mut all = first.clone();
    for other in others {
        for (endpoint, host) in &other.names {
            all.names.entry(endpoint.clone()).or_insert_with(|| host.clone());
        }
        for (port, number) in &other.ports {
            all.ports.entry(port.clone()).or_insert(*number);
        }
    }
    Names::of_release(&all)
}

/// The facts of a Compose file that may have been edited.
fn compose_facts(text: &str, names: &Names, files: Files<'_>) -> Result<Facts, String> {
    let unreadable = |line: u32, message: &str| format!("the Compose file cannot be read: line {line}: {message}");
    match read::yaml::parse(text) {
        Ok(tree) => Ok(facts::of_compose(&tree, Some(names), files).0),
        // Somebody may have written what we never print.
        Err(_) => {
            let documents = foreign::documents(text).map_err(|error| unreadable(error.line, &error.message))?;
            let tree = documents.first().ok_or_else(|| unreadable(1, "it is empty"))?;
            Ok(facts::of_compose(tree, Some(names), files).0)
        }
    }
}

/// What a side says badly, by what it is about.
fn bad(compose: &Facts, rendered: &Facts) -> BTreeMap<FactPath, facts::Difference> {
    let side = |facts, view| Side { facts, view };
    let found = facts::compare_sides(side(compose, View::Compose), side(rendered, View::Kubernetes));
    let is_bad =
        |it: &facts::Difference| matches!(it.class, Class::Unexpanded | Class::Mangled | Class::UndeclaredPort);
    found.into_iter().filter(is_bad).map(|it| (it.path.clone(), it)).collect()
}

/// A fact of the same workload that stands near to another: of the same kind, else that it runs.
fn next_to<'f>(facts: &'f Facts, path: &FactPath) -> Option<&'f Fact> {
    let of_workload = facts.iter().filter(|(other, _)| other.workload == path.workload);
    let rank = |other: &FactPath| {
        let kind = other.kind == path.kind;
        (!(kind && other.key == path.key), !kind, other.kind != Kind::Role)
    };
    of_workload.min_by_key(|(other, _)| rank(other)).map(|(_, fact)| fact)
}

/// Whether anything is said of a workload.
fn runs(facts: &Facts, workload: &SmolStr) -> bool {
    facts.of_workload(workload).next().is_some()
}

fn same_text(path: &FactPath, one: &Fact, other: &Fact) -> bool {
    Said::of(path, one).value == Said::of(path, other).value
}

fn facts_name(path: &FactPath) -> String {
    format!("`{path}`")
}

fn no_words(workload: &SmolStr) -> Declared {
    let path = FactPath { workload: workload.clone(), kind: Kind::Role, key: SmolStr::default(), field: "" };
    Declared {
        path,
        message: format!("`{workload}` runs in the manifests only"),
        kind: "no words",
        subject: "schedule".to_owned(),
        because: "Compose runs nothing by the clock".to_owned(),
    }
}

/// A sentence about two sides, of which one may say nothing.
fn sentence(path: &FactPath, left: (Option<Said>, &str), right: (Option<Said>, &str)) -> (Class, String) {
    let class = match (&left.0, &right.0) {
        (Some(_), Some(_)) => Class::Conflict,
        (Some(_), None) => Class::OnlyLeft,
        _ => Class::OnlyRight,
    };
    let value = |said: &Option<Said>| said.as_ref().and_then(|said| said.value.clone());
    let alike = class == Class::Conflict && value(&left.0).is_some() && value(&left.0) == value(&right.0);
    let difference =
        facts::Difference { class, path: path.clone(), also: Vec::new(), left: left.0, right: right.0, minor: false };
    let mut message = difference.message(left.1, right.1);
    if alike {
        message.push_str(", handed over in another way");
    }
    (class, message)
}
