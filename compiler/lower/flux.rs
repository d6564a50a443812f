//! What Flux is told: of each deployment, and of all together.
//!
//! In: what an environment says of Flux, the releases that were lowered, the settings that they read.
//! Out: `plan::Flux` and `plan::Kustomization`, or findings: names that meet, dependencies that lead nowhere.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::{
    diag::{Diags, Finding, codes, nearest},
    expr::Evaluated,
    model::{Deployed, Env, Flux, Instances, Slot},
    plan::{
        self, ChartSource, Cluster, Decryption, ExternalSecret, Fetched, FluxRelease, Kustomization, Leaf, Named,
        Origin, Plan,
    },
    schema::{self, Kind, PROJECT, SettingId, schemes},
    source::Span,
    value::{self, Attributes, Piece, Raw, SecretRef, Value},
};

/// The longest name that Helm takes for a release.
const LONGEST_RELEASE: usize = 53;

/// Namespaces that are there without being made.
const THERE: &[&str] = &["default", "kube-system"];

/// Whether a text is a DNS label.
fn is_label(text: &str) -> bool {
    value::scalar("name").is_some_and(|of| value::parse(of, &Raw::String(text), &Attributes::default()).is_ok())
}

/// What decides which secrets are fetched.
pub(super) struct Fetch<'a> {
    /// What Helm's values read.
    pub helm: &'a Instances,
    /// Secrets that come about in the cluster, and are left to who makes them.
    pub makes: &'a BTreeSet<SmolStr>,
}

/// What Flux is told of one deployment, whose releases are in the plan already. Dependencies on others are left to
/// [`environment`].
pub(super) fn deployment(
    deployed: &Deployed,
    lowered: &plan::Deployment,
    fetch: &Fetch<'_>,
    objects: Vec<plan::Object>,
    diags: &mut Diags,
) -> Option<plan::Flux> {
    let said = &deployed.flux;
    if lowered.helm.is_empty() && !diags.has_errors() {
        let message = format!("`{}` has no release in this environment that Flux could install", deployed.stack.name);
        diags.push(codes::NO_CHART_SOURCE.at(said.span, message).hint("delete `flux`, or name other `targets`"));
    }
    let releases: Option<Vec<FluxRelease>> =
        lowered.helm.iter().map(|release| of_release(deployed, release, lowered, diags)).collect();
    let namespace = said.leaf("namespace").unwrap_or_else(|| Leaf {
        value: Value::String(deployed.name.clone()),
        origins: vec![Origin { path: "flux.namespace".into(), span: said.span }],
        at: said.span,
    });
    Some(plan::Flux {
        namespace,
        makes_namespace: true,
        interval: said.leaf("interval")?,
        timeout: said.leaf("timeout")?,
        retries: said.leaf("retries")?,
        drift: said.leaf("drift-detection")?,
        service_account: said.leaf("service-account"),
        kube_config: said.leaf("kube-config"),
        releases: releases?,
        secrets: if said.text("secrets").as_str() == "external-secrets" {
            fetched(deployed, fetch, diags)
        } else {
            Vec::new()
        },
        objects,
    })
}

fn of_release(
    deployed: &Deployed,
    release: &plan::Release,
    lowered: &plan::Deployment,
    diags: &mut Diags,
) -> Option<FluxRelease> {
    let declared = deployed.stack.release(release)?;
    let source = source(deployed, release, declared, diags);
    let name = release_name(deployed, &release.name, lowered.helm.len());
    if !is_label(&name) || name.len() > LONGEST_RELEASE {
        let message =
            format!("`{name}` is no name for a release: at most {LONGEST_RELEASE} letters, digits and dashes");
        diags.push(
            codes::FLUX_NAME
                .at(deployed.flux.span, message)
                .label(declared.span, "the release")
                .hint("give the deployment a shorter name: `deploy \"STACK\" as=\"NAME\"`"),
        );
        return None;
    }
    exact(release, declared.span, diags)?;
    let needs = declared
        .needs
        .iter()
        .map(|other| Named { namespace: "".into(), name: release_name(deployed, other, lowered.helm.len()) });
    Some(FluxRelease {
        release: release.name.clone(),
        name,
        chart: release.chart.clone(),
        version: release.version.clone(),
        file: release.file.clone(),
        depends_on: needs.collect(),
        source: source?,
    })
}

/// What Helm calls a release: the deployment's name; with the rest of the release's where a block has several.
#[must_use]
pub fn release_name(deployed: &Deployed, release: &str, count: usize) -> SmolStr {
    let stack = &deployed.stack.name;
    if count == 1 || release == stack.as_str() {
        return deployed.name.clone();
    }
    let rest = release.strip_prefix(stack.as_str()).and_then(|rest| rest.strip_prefix('-')).unwrap_or(release);
    format!("{}-{rest}", deployed.name).into()
}

/// What is installed must not depend on when: a range of versions is no version.
fn exact(release: &plan::Release, at: Span, diags: &mut Diags) -> Option<()> {
    let semver = value::scalar("semver")?;
    let version = release.version.strip_prefix('v').unwrap_or(&release.version);
    if value::parse(semver, &Raw::String(version), &Attributes::default()).is_ok() {
        return Some(());
    }
    let message = format!("`{}` is no exact version of chart `{}`", release.version, release.chart);
    diags.push(codes::NO_FLUX_PATH.at(at, message).hint("write one: `version=\"1.4.2\"`"));
    None
}

/// Where a chart lies: where the environment says, else where the stack does. Nothing within is the project itself.
fn source(
    deployed: &Deployed,
    release: &plan::Release,
    declared: &schema::Release,
    diags: &mut Diags,
) -> Option<Option<ChartSource>> {
    let said = &deployed.flux;
    let of_environment = said.text("source");
    if of_environment.is_empty() && declared.source.as_ref().is_some_and(|source| source.kind.as_str() == PROJECT) {
        return Some(None);
    }
    let word = |name: &'static str| -> Option<Leaf> {
        if !of_environment.is_empty() {
            return said.leaf(name);
        }
        let source = declared.source.as_ref()?;
        let text = source.words.get(name.rsplit('.').next()?)?;
        let value = match name {
            "source.url" => value::parse(value::scalar("url")?, &Raw::String(text), &Attributes::default()).ok()?,
            _ => Value::String(text.clone()),
        };
        Some(Leaf { value, origins: Vec::new(), at: source.span })
    };
    let kind = match &declared.source {
        _ if !of_environment.is_empty() => of_environment.clone(),
        Some(source) => source.kind.clone(),
        None => {
            let message = format!("nobody says where Flux finds chart `{}`", release.chart);
            diags.push(
                codes::NO_CHART_SOURCE
                    .at(said.span, message)
                    .label(declared.span, "the release")
                    .hint("write `flux { source \"oci\" url=\"oci://…\" }`, or `source` in the release of the stack"),
            );
            return None;
        }
    };
    let source = ChartSource {
        url: word("source.url")?,
        path: word("source.path"),
        tag: word("source.tag"),
        commit: word("source.commit"),
        secret: word("source.secret"),
        kind,
    };
    fits(&source, diags).then_some(Some(source))
}

/// Whether the texts of a source are what Flux takes.
fn fits(source: &ChartSource, diags: &mut Diags) -> bool {
    let mut wrong = Vec::new();
    let url = value::spell(&source.url.value);
    let schemes = schemes(&source.kind);
    if !schemes.iter().any(|scheme| url.starts_with(&format!("{scheme}://"))) {
        let wanted = schemes.iter().map(|scheme| format!("`{scheme}://`")).collect::<Vec<_>>().join(", ");
        let message = format!("the address of a `{}` source begins with {wanted}", source.kind);
        wrong.push(codes::BAD_SCHEME.at(source.url.at, message).underline("another scheme"));
    }
    if url.contains("${") {
        let finding = codes::SECOND_INTERPRETER.at(source.url.at, "Flux would replace a part of this text");
        wrong.push(finding.underline("has `${` in it"));
    }
    wrong.extend(source.path.iter().filter_map(|leaf| not_a_folder(leaf, "source.path")));
    for leaf in source.tag.iter().filter(|leaf| !is_plain(&value::spell(&leaf.value))) {
        let finding = codes::NO_FLUX_PATH.at(leaf.at, "this is no tag");
        wrong.push(finding.underline("letters, digits, `.`, `-`, `_`, `/` and `+`"));
    }
    for leaf in source.commit.iter().filter(|leaf| !is_commit(&value::spell(&leaf.value))) {
        wrong.push(codes::NO_FLUX_PATH.at(leaf.at, "a commit is 40 hexadecimal digits").underline("these are not"));
    }
    let right = wrong.is_empty();
    wrong.into_iter().for_each(|finding| diags.push(finding));
    right
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/+".contains(&byte))
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A folder of a repository: plain steps, none of which leads up.
fn folder(text: &str) -> Option<String> {
    let text = text.strip_prefix("./").unwrap_or(text).trim_end_matches('/');
    let plain = |step: &str| !step.is_empty() && step != "." && step != ".." && is_plain(step) && !step.contains('+');
    text.split('/').all(plain).then(|| text.to_owned())
}

fn not_a_folder(leaf: &Leaf, word: &str) -> Option<Finding> {
    let text = value::spell(&leaf.value);
    if folder(&text).is_some() {
        return None;
    }
    let finding = codes::NO_FLUX_PATH.at(leaf.at, format!("`flux.{word}` is a folder in the repository"));
    Some(finding.underline("letters, digits, `.`, `-` and `_` between slashes, no `..`"))
}

/// What the External Secrets operator fetches: everything that the values refer to, and what is asked for besides.
fn fetched(deployed: &Deployed, fetch: &Fetch<'_>, diags: &mut Diags) -> Vec<ExternalSecret> {
    let said = &deployed.flux;
    let (Some(store), Some(kind), Some(refresh)) =
        (said.leaf("secrets.store"), said.leaf("secrets.kind"), said.leaf("secrets.refresh-interval"))
    else {
        return Vec::new();
    };
    let prefix = said.text("secrets.prefix");
    if !prefix.is_empty() && !is_plain(&prefix) {
        let finding = codes::NO_FLUX_PATH.at(said.span_of("secrets.prefix"), "this cannot begin the name of an entry");
        diags.push(finding.underline("letters, digits, `.`, `-`, `_`, `/` and `+`"));
    }
    let mut all: BTreeMap<SmolStr, ExternalSecret> = BTreeMap::new();
    let made = |secret: &SecretRef| fetch.makes.contains(&secret.name);
    for (secret, leaf) in references(deployed, fetch.helm).into_iter().filter(|(secret, _)| !made(secret)) {
        let made = all.entry(secret.name.clone()).or_insert_with(|| ExternalSecret {
            name: secret.name.clone(),
            store: store.clone(),
            kind: kind.clone(),
            refresh: refresh.clone(),
            keys: Vec::new(),
        });
        let (entry, property) = match said.text("secrets.layout").as_ref() {
            "key" => (format!("{prefix}{}-{}", secret.name, secret.key), None),
            _ => (format!("{prefix}{}", secret.name), Some(secret.key.clone())),
        };
        made.keys.push(Fetched { key: leaf, entry: entry.into(), property });
    }
    all.into_values().collect()
}

/// Every secret that Helm's values refer to, with the settings that hold it; sorted.
fn references(deployed: &Deployed, reads: &Instances) -> BTreeMap<SecretRef, Leaf> {
    let mut found: BTreeMap<SecretRef, Leaf> = BTreeMap::new();
    let mut add = |value: &Value, path: SmolStr, span: Span| {
        let mut secrets = Vec::new();
        secrets_in(value, &mut secrets);
        for secret in secrets {
            let leaf = Leaf { value: Value::Secret(secret.clone()), origins: Vec::new(), at: span };
            let leaf = found.entry(secret).or_insert(leaf);
            let origin = Origin { path: path.clone(), span };
            if !leaf.origins.contains(&origin) {
                leaf.origins.push(origin);
            }
        }
    };
    for (id, keys) in reads.iter() {
        if let Some((path, Slot { value: Evaluated::Value(value), span, declaration: Some(_), .. })) =
            slot(deployed, id, keys)
        {
            add(value, path, *span);
        }
    }
    if let Some(leaf) = deployed.flux.leaf("secrets.also") {
        add(&leaf.value, "flux.secrets.also".into(), leaf.at);
    }
    found
}

/// What is known of a setting in Helm's view, of the item of a list what is known of the list.
fn slot<'d>(deployed: &'d Deployed, id: SettingId, keys: &[SmolStr]) -> Option<(SmolStr, &'d Slot)> {
    let view = deployed.view("helm");
    let parent = deployed.stack.setting(id).parent;
    let list = parent.filter(|parent| matches!(deployed.stack.setting(*parent).kind, Kind::List(item) if item == id));
    let (id, keys) = match list {
        Some(list) if view.slot(id, keys).is_none() => (list, &keys[..keys.len().saturating_sub(1)]),
        _ => (id, keys),
    };
    Some((deployed.stack.path_of(id, keys), view.slot(id, keys)?))
}

fn secrets_in(value: &Value, found: &mut Vec<SecretRef>) {
    match value {
        Value::Secret(secret) => found.push(secret.clone()),
        Value::Text(pieces) => found.extend(pieces.iter().filter_map(|piece| match piece {
            Piece::Secret(secret) => Some(secret.clone()),
            _ => None,
        })),
        Value::List(items) => items.iter().for_each(|item| secrets_in(item, found)),
        Value::Map(entries) => entries.values().for_each(|entry| secrets_in(entry, found)),
        _ => {}
    }
}

/// What holds for all deployments together: who makes a namespace, who waits for whom, names that meet, and how the
/// whole is applied.
pub(super) fn environment(env: &Env, plan: &mut Plan, requires: &[Cluster], diags: &mut Diags) {
    if plan.deployments.iter().all(|deployment| deployment.flux.is_none()) {
        return;
    }
    let said = &env.flux;
    depend(env, plan, diags);
    circles(env, plan, diags);
    one_of_each(env, plan, diags);
    other_clusters(env, plan, diags);
    of_project(env, plan, diags);
    let decryption = decryption(env, plan, diags);
    let Some(mut kustomization) = kustomization(env, plan, diags) else { return };
    for deployment in &mut plan.deployments {
        let makes = |flux: &plan::Flux| {
            *flux.namespace() != *kustomization.namespace && !THERE.contains(&flux.namespace().as_ref())
        };
        if let Some(flux) = deployment.flux.as_mut().filter(|flux| !makes(flux)) {
            flux.makes_namespace = false;
        }
    }
    kustomization.decryption = decryption;
    kustomization.requires = requires.to_vec();
    kustomization.depends_on = names(said, "kustomization.depends-on", diags);
    plan.kustomization = Some(kustomization);
}

/// What the cluster must have: what the stacks say, and the operator that fetches secrets.
pub(super) fn wanted(plan: &Plan, requires: &[(SmolStr, SmolStr)]) -> Vec<Cluster> {
    let stated = requires.iter().map(|(name, crd)| Cluster { name: name.clone(), crd: crd.clone() });
    let mut all: BTreeSet<Cluster> = stated.collect();
    if plan.deployments.iter().filter_map(|deployment| deployment.flux.as_ref()).any(|flux| !flux.secrets.is_empty()) {
        all.insert(Cluster {
            name: "External Secrets operator".into(),
            crd: "externalsecrets.external-secrets.io".into(),
        });
    }
    all.into_iter().collect()
}

fn kustomization(env: &Env, plan: &Plan, diags: &mut Diags) -> Option<Kustomization> {
    let said = &env.flux;
    let or = |path: &'static str, otherwise: String| -> SmolStr {
        match said.text(path) {
            text if text.is_empty() => otherwise.into(),
            text => text,
        }
    };
    if let Some(leaf) = said.leaf("kustomization.path") {
        not_a_folder(&leaf, "kustomization.path").into_iter().for_each(|finding| diags.push(finding));
    }
    let path = folder(&or("kustomization.path", format!("out/{}", env.name))).unwrap_or_default();
    let beside = path.rsplit_once('/').map_or_else(String::new, |(before, _)| format!("{before}/"));
    let source_kind = match said.text("kustomization.source").as_ref() {
        "oci" => "OCIRepository",
        "bucket" => "Bucket",
        _ => "GitRepository",
    };
    Some(Kustomization {
        name: or("kustomization.name", env.name.to_string()),
        namespace: said.text("kustomization.namespace"),
        interval: said.leaf("kustomization.interval")?,
        retry_interval: said.leaf("kustomization.retry-interval")?,
        timeout: said.leaf("kustomization.timeout").unwrap_or_else(|| one_after_another(said, plan)),
        path: format!("./{path}").into(),
        charts: format!("./{beside}charts").into(),
        prune: said.leaf("kustomization.prune")?,
        wait: said.leaf("kustomization.wait")?,
        depends_on: Vec::new(),
        service_account: said.leaf("kustomization.service-account"),
        source_kind: source_kind.into(),
        source: Named {
            namespace: said.text("kustomization.source.namespace"),
            name: said.text("kustomization.source.name"),
        },
        decryption: None,
        requires: Vec::new(),
    })
}

/// A chart that lies in the project comes with it, and out of an artifact Flux takes no chart beside other files.
fn of_project(env: &Env, plan: &Plan, diags: &mut Diags) {
    if env.flux.text("kustomization.source").as_str() != "oci" {
        return;
    }
    for (deployed, lowered) in env.deployments.iter().zip(&plan.deployments) {
        let releases = lowered.flux.iter().flat_map(|flux| &flux.releases);
        if let Some(release) = releases.into_iter().find(|release| release.source.is_none()) {
            let message =
                format!("chart `{}` lies in the project, and an `oci` artifact brings no charts", release.chart);
            diags.push(
                codes::NO_CHART_SOURCE
                    .at(env.flux.span_of("kustomization.source"), message)
                    .label(deployed.flux.span, "what is installed")
                    .hint(
                        "write `kustomization { source \"git\" … }`, or say where the chart lies: `flux { source … }`",
                    ),
            );
        }
    }
}

/// The time that all releases may take one after another.
fn one_after_another(said: &Flux, plan: &Plan) -> Leaf {
    let mut leaf = Leaf { value: Value::Duration(0), origins: Vec::new(), at: said.span };
    let mut sum: u64 = 0;
    for flux in plan.deployments.iter().filter_map(|deployment| deployment.flux.as_ref()) {
        if let Value::Duration(milliseconds) = flux.timeout.value {
            sum = sum.saturating_add(milliseconds.saturating_mul(flux.releases.len() as u64));
        }
        leaf.origins.extend(flux.timeout.origins.iter().cloned());
    }
    leaf.origins.dedup();
    leaf.value = Value::Duration(sum);
    leaf
}

/// The names of a list, `NAME` or `NAMESPACE/NAME`.
fn names(said: &Flux, path: &'static str, diags: &mut Diags) -> Vec<Named> {
    let Some(Value::List(items)) = said.leaf(path).map(|leaf| leaf.value) else { return Vec::new() };
    let mut found = Vec::new();
    for item in &items {
        let text = value::spell(item);
        let (namespace, name) = text.split_once('/').unwrap_or(("", &text));
        if is_label(name) && (is_label(namespace) || !text.contains('/')) {
            found.push(Named { namespace: namespace.into(), name: name.into() });
        } else {
            let message = format!("`flux.{path}` holds names, `NAME` or `NAMESPACE/NAME`");
            diags.push(codes::NO_FLUX_PATH.at(said.span_of(path), message));
        }
    }
    found
}

/// Resolves what deployments depend on into the releases that they wait for.
fn depend(env: &Env, plan: &mut Plan, diags: &mut Diags) {
    for (index, deployed) in env.deployments.iter().enumerate() {
        if plan.deployments[index].flux.is_none() {
            continue;
        }
        let mut waits: Vec<Named> = Vec::new();
        for wanted in names(&deployed.flux, "depends-on", diags) {
            if !wanted.namespace.is_empty() {
                waits.push(wanted);
                continue;
            }
            match releases_of(plan, &wanted.name) {
                _ if wanted.name == deployed.name && for_all(env, deployed) => {}
                _ if wanted.name == deployed.name => {
                    diags.push(unknown(deployed, &wanted.name, "it cannot wait for itself", plan));
                }
                Some(releases) => waits.extend(releases),
                None => diags.push(unknown(deployed, &wanted.name, "there is no such deployment for Flux", plan)),
            }
        }
        let flux = plan.deployments[index].flux.as_mut();
        for release in flux.into_iter().flat_map(|flux| &mut flux.releases) {
            release.depends_on.extend(waits.iter().cloned());
        }
    }
}

/// Whether a deployment depends on what all are said to depend on, and so may be among it.
fn for_all(env: &Env, deployed: &Deployed) -> bool {
    env.deployments.len() > 1 && deployed.flux.span_of("depends-on") == env.flux.span_of("depends-on")
}

fn releases_of(plan: &Plan, name: &str) -> Option<Vec<Named>> {
    let flux = plan.deployments.iter().find(|found| *found.name == *name)?.flux.as_ref()?;
    let named = |release: &FluxRelease| Named { namespace: flux.namespace(), name: release.name.clone() };
    Some(flux.releases.iter().map(named).collect())
}

fn unknown(deployed: &Deployed, name: &str, why: &str, plan: &Plan) -> Finding {
    let others = plan.deployments.iter().map(|found| found.name.as_ref());
    let near = nearest(name, others.filter(|other| *other != deployed.name.as_str()));
    codes::UNKNOWN_DEPENDENCY
        .at(deployed.flux.span_of("depends-on"), format!("`{}` depends on `{name}`: {why}", deployed.name))
        .hint(near.map_or_else(
            || {
                "name a deployment of this environment, or a release elsewhere: `depends-on \"NAMESPACE/NAME\"`"
                    .to_owned()
            },
            |near| format!("did you mean `{near}`?"),
        ))
}

/// Reports deployments that wait for each other.
fn circles(env: &Env, plan: &Plan, diags: &mut Diags) {
    let owner = |named: &Named| {
        plan.deployments.iter().position(|found| {
            found.flux.as_ref().is_some_and(|flux| {
                flux.namespace() == named.namespace && flux.releases.iter().any(|release| release.name == named.name)
            })
        })
    };
    let waits: Vec<BTreeSet<usize>> = plan
        .deployments
        .iter()
        .map(|found| {
            let releases = found.flux.iter().flat_map(|flux| &flux.releases);
            releases.flat_map(|release| &release.depends_on).filter_map(owner).collect()
        })
        .collect();
    for start in 0..waits.len() {
        let mut seen = BTreeSet::new();
        let mut todo: Vec<usize> = waits[start].iter().copied().collect();
        while let Some(next) = todo.pop() {
            if seen.insert(next) {
                todo.extend(waits[next].iter().copied());
            }
        }
        // The last one of a circle tells of it.
        if seen.contains(&start) && seen.iter().all(|other| *other <= start || !waits[*other].contains(&start)) {
            let deployed = &env.deployments[start];
            let message = format!("`{}` waits for what waits for it", deployed.name);
            let finding = codes::DEPENDENCY_CIRCLE.at(deployed.flux.span_of("depends-on"), message);
            diags.push(finding.hint("delete one `depends-on`"));
            return;
        }
    }
}

/// A namespace is made once, a secret fetched once, and no two releases of a namespace have one name.
fn one_of_each(env: &Env, plan: &mut Plan, diags: &mut Diags) {
    let mut namespaces: BTreeSet<SmolStr> = BTreeSet::new();
    let mut releases: BTreeMap<(SmolStr, SmolStr), usize> = BTreeMap::new();
    let mut secrets: BTreeMap<(SmolStr, SmolStr), (usize, ExternalSecret)> = BTreeMap::new();
    for (index, deployed) in env.deployments.iter().enumerate() {
        let Some(flux) = &mut plan.deployments[index].flux else { continue };
        flux.makes_namespace = namespaces.insert(flux.namespace());
        for release in &flux.releases {
            if let Some(first) = releases.insert((flux.namespace(), release.name.clone()), index) {
                let message = format!("two releases in `{}` are called `{}`", flux.namespace(), release.name);
                let finding = codes::FLUX_NAME.at(deployed.flux.span, message);
                let finding = finding.label(env.deployments[first].flux.span_of("namespace"), "the other one");
                diags.push(finding.hint("give one deployment another name, or another `namespace`"));
            }
        }
        for secret in std::mem::take(&mut flux.secrets) {
            let place = (flux.namespace(), secret.name.clone());
            match secrets.get_mut(&place) {
                None => _ = secrets.insert(place, (index, secret)),
                Some((_, first)) => join(first, secret, deployed, diags),
            }
        }
    }
    for (index, secret) in secrets.into_values() {
        if let Some(flux) = &mut plan.deployments[index].flux {
            flux.secrets.push(secret);
        }
    }
}

/// Adds the keys of a secret that two deployments of a namespace refer to.
fn join(first: &mut ExternalSecret, second: ExternalSecret, deployed: &Deployed, diags: &mut Diags) {
    let how =
        |secret: &ExternalSecret| (secret.store.value.clone(), secret.kind.value.clone(), secret.refresh.value.clone());
    let mut agree = how(first) == how(&second);
    for key in second.keys {
        match first.keys.iter_mut().find(|known| known.key.value == key.key.value) {
            Some(known) => {
                agree &= (&known.entry, &known.property) == (&key.entry, &key.property);
                known.key.origins.extend(key.key.origins);
            }
            None => first.keys.push(key),
        }
    }
    first.keys.sort_by_key(|key| value::spell(&key.key.value));
    if !agree {
        let message = format!("the secret `{}` would be fetched in two ways into one namespace", first.name);
        let finding = codes::FLUX_DISAGREES.at(deployed.flux.span_of("secrets"), message);
        diags.push(
            finding.label(first.store.at, "the other way").hint("write `secrets` once, in `flux` of the environment"),
        );
    }
}

/// What stands beside a release stands in Flux' own cluster, and so is of no use to a release in another.
fn other_clusters(env: &Env, plan: &Plan, diags: &mut Diags) {
    for (deployed, deployment) in env.deployments.iter().zip(&plan.deployments) {
        let Some(flux) = &deployment.flux else { continue };
        let (Some(_), false) = (&flux.kube_config, flux.secrets.is_empty() && flux.objects.is_empty()) else {
            continue;
        };
        let what = if flux.secrets.is_empty() { "objects of the stack" } else { "fetched secrets" };
        let message = format!("the release is installed into another cluster, and {what} would stay in this one");
        diags.push(
            codes::OTHER_CLUSTER
                .at(deployed.flux.span_of("kube-config"), message)
                .hint("run Flux in that cluster, or write `secrets \"existing\"` and bring them there yourself"),
        );
    }
}

/// How encrypted files are read; one key for all of them.
fn decryption(env: &Env, plan: &Plan, diags: &mut Diags) -> Option<Decryption> {
    let mut first: Option<(Decryption, Span)> = None;
    for (deployed, deployment) in env.deployments.iter().zip(&plan.deployments) {
        let said = &deployed.flux;
        if deployment.flux.is_none() || said.text("secrets").as_str() != "sops" {
            continue;
        }
        let at = said.span_of("secrets");
        let found = Decryption { secret: said.leaf("secrets.key")?, files: files(env, said, diags)? };
        match &first {
            Some((known, _)) if (&known.secret.value, &known.files) == (&found.secret.value, &found.files) => {}
            Some((_, before)) => diags.push(
                codes::FLUX_DISAGREES
                    .at(at, "one `Kustomization` applies all deployments, and has one key and one folder of files")
                    .label(*before, "said otherwise here")
                    .hint("write `secrets \"sops\"` once, in `flux` of the environment"),
            ),
            None => first = Some((found, at)),
        }
    }
    first.map(|(found, _)| found)
}

/// The folder with the encrypted files. Nothing that a person writes lies below `out/`.
fn files(env: &Env, said: &Flux, diags: &mut Diags) -> Option<SmolStr> {
    let text = match said.text("secrets.files") {
        text if text.is_empty() => format!("secrets/{}", env.name).into(),
        text => text,
    };
    let found = folder(&text);
    let is_out = found.as_deref().is_some_and(|path| path == "out" || path.starts_with("out/"));
    if found.is_none() || is_out {
        let why = if is_out { "everything below `out/` is written by trueline" } else { "no folder in the project" };
        let finding = codes::SECRETS_FOLDER.at(said.span_of("secrets.files"), "encrypted files cannot lie here");
        diags.push(finding.underline(why).hint(format!("write `files=\"secrets/{}\"`", env.name)));
        return None;
    }
    found.map(SmolStr::from)
}
