//! Mistakes in what a stack says of its workloads: the other side of what releases write.

use std::{collections::BTreeSet, sync::Arc};

use trueline::{
    expr::{Expr, Ref},
    facts::{self, Facts, Names},
    plan::{Deployment, FactPath, Kind, Plan},
    schema::{Fact, FactKind, Guard, ProbeExpr, Stack, Surface},
};

use super::{
    ALL, Committed, End, Mistake, compiled, each,
    exprs::{bare, changed, renamed, settings, type_of},
    made, stacks, users,
};

/// What became of every mistake.
pub(super) fn ends() -> Vec<(&'static str, String, End)> {
    let mut all = Vec::new();
    for stack in stacks() {
        let surfaces: Vec<Arc<Surface>> = stack.surfaces.iter().map(trueline::schema::Packed::surface).collect();
        let users = users(&stack);
        let explain = |committed: &Committed, plan: &Plan| one_sided(committed, plan, &surfaces);
        let end = |stack, mistake: &Mistake<'_, Stack>| compiled(stack, &users, false, mistake.judge(ALL), &explain);
        all.extend(each(&*stack, &made("workloads", mistakes(&stack)), end));
    }
    all
}

/// A fact: the workload, the override (or none), and the number among its facts.
type At = (usize, Option<usize>, usize);

fn fact_at<'s>(stack: &'s mut Stack, at: &At) -> &'s mut Fact {
    &mut facts_at(stack, at)[at.2].node
}

fn facts_at<'s>(stack: &'s mut Stack, at: &At) -> &'s mut Vec<trueline::schema::Guarded<Fact>> {
    let workload = &mut stack.workloads[at.0].node;
    match at.1 {
        Some(over) => &mut workload.overrides[over].facts,
        None => &mut workload.facts,
    }
}

/// An expression of a fact: where, and how deep in loops.
struct Site {
    at: At,
    slot: usize,
    /// What of the fact it is.
    field: &'static str,
    expr: Expr,
    of: String,
    loops: usize,
    what: String,
    names: Vec<String>,
    /// The workload.
    around: Vec<String>,
}

fn mistakes(stack: &Stack) -> Vec<Mistake<'_, Stack>> {
    let mut stack_copy = stack.clone();
    let (mut all, mut sites) = (Vec::new(), Vec::new());
    for at in all_facts(stack) {
        let workload = stack.workloads[at.0].node.name.clone();
        let name = match &workload.kind {
            trueline::expr::Kind::Literal(value) => trueline::value::spell(value),
            _ => "*".to_owned(),
        };
        let loops = facts_at(&mut stack_copy, &at)[at.2].guards.iter().filter(|guard| matches!(guard, Guard::Each(_)));
        let loops = loops.count();
        let over = if at.1.is_some() { " override" } else { "" };
        let fact = fact_at(&mut stack_copy, &at);
        let what = format!("{}/{name}{over} {}{}", stack.name, fact.kind.kind().row().name, key(&fact.kind));
        let kind = fact.kind.kind().row().name;
        // Of a workload that an environment names, any of that kind.
        let mut names = vec![format!("{name} {kind}{}", key(&fact.kind))];
        let mut around = vec![name.clone()];
        if name == "*" {
            // as the chart reads them, which takes workloads as they are
            names.push(format!("workloads.*.{kind}"));
            around.extend(known(stack));
        }
        for guard in &facts_at(&mut stack_copy, &at)[at.2].guards {
            let source = |over: &Ref| Expr { kind: trueline::expr::Kind::Ref(over.clone()), span: over.span };
            names.extend(match guard {
                Guard::When(condition) => settings(stack, condition),
                Guard::Each(over) => settings(stack, &source(over)),
            });
        }
        let fact = fact_at(&mut stack_copy, &at);
        if let FactKind::Env { name: variable, also, .. } = &fact.kind {
            let own = word(variable).into_iter().chain(also.iter().map(ToString::to_string));
            for own in own.collect::<Vec<_>>() {
                names.extend([format!("(file){own}"), format!("{name} env[{own}]"), own]);
            }
            names.extend(word(variable).map(|own| format!("{name} env[{}]", renamed(&own))));
        }
        let exprs = exprs(&mut fact.kind);
        for (_, expr) in &exprs {
            names.extend(settings(stack, expr));
        }
        for (slot, (field, expr)) in exprs.into_iter().enumerate() {
            let of = if field == "image" { "image".to_owned() } else { type_of(stack, expr) };
            let what = format!("{what} {field}{}", if slot == 0 { String::new() } else { format!(" {slot}") });
            sites.push(Site {
                at,
                slot,
                field,
                expr: expr.clone(),
                of,
                loops,
                what,
                names: names.clone(),
                around: around.clone(),
            });
        }
        let guards = facts_at(&mut stack_copy, &at)[at.2].guards.clone();
        for number in (0..guards.len()).filter(|number| matches!(guards[*number], Guard::When(_))) {
            let flip = move |stack: &mut Stack| {
                if let Guard::When(condition) = &mut facts_at(stack, &at)[at.2].guards[number] {
                    let not = trueline::expr::Kind::Not(Box::new(condition.clone()));
                    *condition = Expr { kind: not, span: condition.span };
                }
            };
            let what = format!("{what} when{}", if number == 0 { String::new() } else { format!(" {number}") });
            all.push(Mistake {
                how: "flip",
                what,
                names: names.clone(),
                around: around.clone(),
                make: Box::new(flip) as _,
            });
        }
        let delete = move |stack: &mut Stack| _ = facts_at(stack, &at).remove(at.2);
        all.push(Mistake {
            how: "delete",
            what: what.clone(),
            names: names.clone(),
            around: around.clone(),
            make: Box::new(delete) as _,
        });
        if rename(&mut fact_at(&mut stack_copy, &at).kind) {
            let make = move |stack: &mut Stack| _ = rename(&mut fact_at(stack, &at).kind);
            all.push(Mistake {
                how: "rename",
                what: what.clone(),
                names: names.clone(),
                around: around.clone(),
                make: Box::new(make),
            });
        }
        for field in 0..fields(&mut fact_at(&mut stack_copy, &at).kind).len() {
            let make = move |stack: &mut Stack| *fields(&mut fact_at(stack, &at).kind)[field] = None;
            let what = format!("{what} field {field}");
            all.push(Mistake {
                how: "delete",
                what,
                names: names.clone(),
                around: around.clone(),
                make: Box::new(make),
            });
        }
    }
    all.extend(of_exprs(stack, &sites));
    all.extend(exchanges(&sites));
    all.extend(other_checks(stack));
    all
}

/// Two values that change places though neither is the next of its type: fields of one fact, words of one command, what runs
/// and its arguments, secrets of one program.
fn exchanges<'s>(sites: &[Site]) -> Vec<Mistake<'s, Stack>> {
    let mut all: Vec<Mistake<'s, Stack>> = Vec::new();
    for (number, one) in sites.iter().enumerate() {
        for other in &sites[number + 1..] {
            let here = one.at.0 == other.at.0 && one.at.1 == other.at.1;
            let words = one.field == "word" && other.field == "word";
            let fits = match one.at == other.at {
                true if words => other.slot == one.slot + 1,
                true => one.of == other.of,
                false if words => one.slot == 0 && other.slot == 0 && one.of == other.of && one.of.starts_with("list "),
                false => one.of == "secret" && other.of == "secret",
            };
            if !here || !fits || one.loops != other.loops || bare(&one.expr) == bare(&other.expr) {
                continue;
            }
            let (at, slot, expr) = (one.at, one.slot, one.expr.clone());
            let (other_at, other_slot, there) = (other.at, other.slot, other.expr.clone());
            let make = move |stack: &mut Stack| {
                put(stack, &at, slot, &there);
                put(stack, &other_at, other_slot, &expr);
            };
            let names = one.names.iter().chain(&other.names).cloned().collect();
            let what = format!("{} with {}", one.what, other.what);
            all.push(Mistake { how: "exchange", what, names, around: one.around.clone(), make: Box::new(make) });
        }
    }
    all
}

/// Checks of another kind, each in the place of the other; and times that are given in minutes for seconds.
fn other_checks<'s>(stack: &Stack) -> Vec<Mistake<'s, Stack>> {
    let mut all: Vec<Mistake<'s, Stack>> = Vec::new();
    let mut copy = stack.clone();
    let facts = all_facts(stack);
    let health = |stack: &mut Stack, at: &At| match &mut fact_at(stack, at).kind {
        FactKind::Health(health) => Some((health.kind, health.clone())),
        _ => None,
    };
    for (number, at) in facts.iter().enumerate() {
        let Some((kind, check)) = health(&mut copy, at) else { continue };
        let name = expr_word(&stack.workloads[at.0].node.name);
        let around = vec![name.clone()];
        let word = format!("{kind:?}").to_lowercase();
        let names = vec![format!("{name} health"), format!("[{word}]")];
        for other in &facts[number + 1..] {
            let Some((other_kind, _)) =
                health(&mut copy, other).filter(|found| (at.0, at.1) == (other.0, other.1) && found.0 != kind)
            else {
                continue;
            };
            let (at, other) = (*at, *other);
            let make = move |stack: &mut Stack| {
                for (at, kind) in [(&at, other_kind), (&other, kind)] {
                    if let FactKind::Health(health) = &mut fact_at(stack, at).kind {
                        health.kind = kind;
                    }
                }
            };
            let what = format!("{}/{name} {word} with {}", stack.name, format!("{other_kind:?}").to_lowercase());
            all.push(Mistake {
                how: "exchange",
                what,
                names: names.clone(),
                around: around.clone(),
                make: Box::new(make),
            });
        }
        let times =
            [("period", &check.period), ("delay", &check.delay), ("timeout", &check.timeout), ("start", &check.start)];
        for (field, expr) in times {
            let Some(trueline::expr::Kind::Literal(trueline::value::Value::Duration(time))) =
                expr.as_ref().map(|expr| &expr.kind)
            else {
                continue;
            };
            let (at, time) = (*at, trueline::value::Value::Duration(time * 60));
            let make = move |stack: &mut Stack| {
                let FactKind::Health(health) = &mut fact_at(stack, &at).kind else { return };
                let field = match field {
                    "period" => &mut health.period,
                    "delay" => &mut health.delay,
                    "timeout" => &mut health.timeout,
                    _ => &mut health.start,
                };
                if let Some(expr) = field {
                    expr.kind = trueline::expr::Kind::Literal(time.clone());
                }
            };
            let what = format!("{}/{name} health[{word}] {field}", stack.name);
            all.push(Mistake {
                how: "minutes",
                what,
                names: names.clone(),
                around: around.clone(),
                make: Box::new(make),
            });
        }
    }
    all
}

fn expr_word(name: &Expr) -> String {
    word(name).unwrap_or_else(|| "*".to_owned())
}

/// The names that the workloads of a stack have in the environments.
fn known(stack: &Stack) -> BTreeSet<String> {
    let deployments = users(stack).into_iter().flat_map(|committed| &committed.plan.deployments);
    let compose = deployments.clone().flat_map(|deployment| &deployment.compose).flat_map(|all| &all.workloads);
    let all = compose.chain(deployments.flat_map(|deployment| &deployment.cluster));
    all.map(|workload| workload.name.to_string()).collect()
}

fn all_facts(stack: &Stack) -> Vec<At> {
    let mut all = Vec::new();
    for (number, workload) in stack.workloads.iter().enumerate() {
        all.extend((0..workload.node.facts.len()).map(|fact| (number, None, fact)));
        for (over, declared) in workload.node.overrides.iter().enumerate() {
            all.extend((0..declared.facts.len()).map(|fact| (number, Some(over), fact)));
        }
    }
    all
}

/// Another unit or constant for each expression, and the next of equal type in its place.
fn of_exprs<'s>(stack: &Stack, sites: &[Site]) -> Vec<Mistake<'s, Stack>> {
    let mut all: Vec<Mistake<'s, Stack>> = Vec::new();
    for (number, site) in sites.iter().enumerate() {
        let (at, slot) = (site.at, site.slot);
        if let Some(other) = changed(stack, &site.expr) {
            let make = move |stack: &mut Stack| put(stack, &at, slot, &other);
            all.push(Mistake {
                how: "change",
                what: site.what.clone(),
                names: site.names.clone(),
                around: site.around.clone(),
                make: Box::new(make),
            });
        }
        let own = bare(&site.expr);
        let (before, after) = sites.split_at(number);
        let fits = |other: &&Site| other.of == site.of && other.loops == site.loops && bare(&other.expr) != own;
        if let Some(other) = after.iter().chain(before).skip(1).find(fits) {
            let (here, there, there_at, there_slot) = (site.expr.clone(), other.expr.clone(), other.at, other.slot);
            let make = move |stack: &mut Stack| {
                put(stack, &at, slot, &there);
                put(stack, &there_at, there_slot, &here);
            };
            let names = site.names.iter().chain(&other.names).cloned().collect();
            let around = site.around.iter().chain(&other.around).cloned().collect();
            all.push(Mistake { how: "swap", what: site.what.clone(), names, around, make: Box::new(make) });
        }
    }
    all
}

fn put(stack: &mut Stack, at: &At, slot: usize, expr: &Expr) {
    *exprs(&mut fact_at(stack, at).kind).swap_remove(slot).1 = expr.clone();
}

/// The expressions of a fact; not the trees in it.
fn exprs(kind: &mut FactKind) -> Vec<(&'static str, &mut Expr)> {
    let mut all: Vec<(&'static str, &mut Expr)> = Vec::new();
    match kind {
        FactKind::Image { image, build, pull } => {
            all.push(("image", image));
            all.extend(build.iter_mut().map(|expr| ("build", expr)));
            all.extend(pull.iter_mut().map(|expr| ("pull", expr)));
        }
        FactKind::Replicas { count, max } => {
            all.push(("count", count));
            all.extend(max.iter_mut().map(|expr| ("max", expr)));
        }
        FactKind::Command(words) | FactKind::Tmpfs(words) => all.extend(words.iter_mut().map(|expr| ("word", expr))),
        FactKind::Args(words) => all.extend(words.iter_mut().map(|word| ("word", &mut word.node))),
        FactKind::Schedule(expr) | FactKind::Profile(expr) | FactKind::Beside(expr) => all.push(("value", expr)),
        FactKind::Env { value, .. } => all.push(("value", value)),
        FactKind::EnvTree { .. } | FactKind::Needs { .. } => {}
        FactKind::Resources(resources) => {
            let fields = [&mut resources.request_cpu, &mut resources.request_memory];
            all.extend(fields.into_iter().flatten().map(|expr| ("request", expr)));
            let fields = [&mut resources.limit_cpu, &mut resources.limit_memory];
            all.extend(fields.into_iter().flatten().map(|expr| ("limit", expr)));
        }
        FactKind::Port { number, service, publish, .. } => {
            all.push(("number", number));
            all.extend(service.iter_mut().map(|expr| ("service", expr)));
            all.extend(publish.iter_mut().map(|expr| ("publish", expr)));
        }
        FactKind::Health(health) => {
            match &mut health.probe {
                ProbeExpr::Http { path, .. } => all.push(("path", path)),
                ProbeExpr::Tcp { .. } => {}
                ProbeExpr::Exec { argv } => all.extend(argv.iter_mut().map(|expr| ("word", expr))),
            }
            let times = [&mut health.period, &mut health.delay, &mut health.timeout, &mut health.start];
            all.extend(times.into_iter().flatten().map(|expr| ("time", expr)));
            all.extend(health.failures.iter_mut().map(|expr| ("failures", expr)));
        }
        FactKind::Volume { at, of, size, class, .. } => {
            all.push(("at", at));
            all.extend(of.iter_mut().map(|expr| ("of", expr)));
            all.extend(size.iter_mut().map(|expr| ("size", expr)));
            all.extend(class.iter_mut().map(|expr| ("class", expr)));
        }
        FactKind::File { path, content } => {
            all.push(("path", path));
            if let trueline::schema::FileExpr::Text(text) = content {
                all.push(("text", text));
            }
        }
        FactKind::Security { user, group, read_only_root, drop, escalation } => {
            let fields = [("user", user), ("group", group), ("root", read_only_root), ("drop", drop)];
            all.extend(fields.into_iter().filter_map(|(name, expr)| Some((name, expr.as_mut()?))));
            all.extend(escalation.iter_mut().map(|expr| ("escalation", expr)));
        }
        FactKind::Route { hosts, path, tls, .. } => {
            all.push(("hosts", hosts));
            all.extend(path.iter_mut().map(|expr| ("path", expr)));
            all.extend(tls.iter_mut().map(|expr| ("tls", expr)));
        }
    }
    all
}

/// The fields of a fact that need not be there, and are.
fn fields(kind: &mut FactKind) -> Vec<&mut Option<Expr>> {
    let all: Vec<&mut Option<Expr>> = match kind {
        FactKind::Image { build, pull, .. } => vec![build, pull],
        FactKind::Replicas { max, .. } => vec![max],
        FactKind::Resources(resources) => vec![
            &mut resources.request_cpu,
            &mut resources.request_memory,
            &mut resources.limit_cpu,
            &mut resources.limit_memory,
        ],
        FactKind::Port { service, publish, .. } => vec![service, publish],
        FactKind::Health(health) => {
            vec![&mut health.period, &mut health.delay, &mut health.timeout, &mut health.failures, &mut health.start]
        }
        FactKind::Volume { of, size, class, .. } => vec![of, size, class],
        FactKind::Security { user, group, read_only_root, drop, escalation } => {
            vec![user, group, read_only_root, drop, escalation]
        }
        FactKind::Route { path, tls, .. } => vec![path, tls],
        _ => Vec::new(),
    };
    all.into_iter().filter(|field| field.is_some()).collect()
}

/// The key of a fact, in brackets; nothing where it has none, or one that an environment decides.
fn key(kind: &FactKind) -> String {
    let key = match kind {
        FactKind::Env { name, .. }
        | FactKind::EnvTree { name, .. }
        | FactKind::Port { name, .. }
        | FactKind::Volume { name, .. }
        | FactKind::File { path: name, .. } => word(name),
        FactKind::Needs { names, .. } => names.first().and_then(word),
        FactKind::Health(health) => Some(format!("{:?}", health.kind).to_lowercase()),
        _ => None,
    };
    key.map(|key| format!("[{key}]")).unwrap_or_default()
}

/// Gives a fact another name, if it has one.
fn rename(kind: &mut FactKind) -> bool {
    match kind {
        FactKind::Env { name, .. }
        | FactKind::EnvTree { name, .. }
        | FactKind::Port { name, .. }
        | FactKind::Volume { name, .. } => return rename_word(name),
        FactKind::Route { port, .. } => *port = renamed(port).into(),
        FactKind::Health(health) => match &mut health.probe {
            ProbeExpr::Http { port, .. } | ProbeExpr::Tcp { port } => return rename_word(port),
            ProbeExpr::Exec { .. } => return false,
        },
        _ => return false,
    }
    true
}

/// Gives a name that is written as such another one.
fn rename_word(name: &mut Expr) -> bool {
    match &mut name.kind {
        trueline::expr::Kind::Literal(trueline::value::Value::String(text)) => *text = renamed(text).into(),
        _ => return false,
    }
    true
}

/// Why a mistake may survive: the facts that it changes are said by one target alone, as the surface declares with a
/// reason or the table of facts has it. Empty where that is not so.
fn one_sided(committed: &Committed, plan: &Plan, surfaces: &[Arc<Surface>]) -> String {
    let mut reason = String::new();
    for (before, after) in committed.plan.deployments.iter().zip(&plan.deployments) {
        let (before_facts, after_facts) = (cluster(before), cluster(after));
        let paths = before_facts.keys().chain(after_facts.keys());
        for path in paths.filter(|path| !same(before_facts.get(path), after_facts.get(path))) {
            let known = |other: &FactPath| why(other, surfaces).is_some();
            let twin = |facts: &Facts| {
                twin(path, facts, &|twin| known(twin) || same(before_facts.get(twin), after_facts.get(twin)))
            };
            let why = why(path, surfaces).or_else(|| {
                (twin(&before_facts) || twin(&after_facts)).then(|| "the chart says it under another name".to_owned())
            });
            match why {
                Some(why) => reason = why,
                None => return String::new(),
            }
        }
        if reason.is_empty() && before_facts == after_facts {
            reason = "only Compose says it".to_owned();
        }
    }
    reason
}

/// Whether a variable has another name, which is all right.
fn twin(path: &FactPath, facts: &Facts, is_fine: &dyn Fn(&FactPath) -> bool) -> bool {
    let Some(fact) = facts.get(path).filter(|_| path.kind == Kind::Env) else { return false };
    let twin = |other: &FactPath, twin: &facts::Fact| {
        other != path && other.kind == Kind::Env && other.workload == path.workload && twin.place.at == fact.place.at
    };
    facts.iter().any(|(other, found)| twin(other, found) && is_fine(other))
}

/// The text of a name.
fn word(name: &Expr) -> Option<String> {
    match &name.kind {
        trueline::expr::Kind::Literal(trueline::value::Value::String(text)) => Some(text.to_string()),
        _ => None,
    }
}

pub(super) fn cluster(deployment: &Deployment) -> Facts {
    let names = deployment.helm.first().map(Names::of_release).expect("the committed environments have a release");
    facts::of_workloads(&deployment.cluster, &deployment.configs, &names)
}

pub(super) fn same(one: Option<&facts::Fact>, other: Option<&facts::Fact>) -> bool {
    let origins = |fact: &facts::Fact| fact.place.origins.iter().map(|origin| origin.path.clone()).collect::<Vec<_>>();
    match (one, other) {
        (Some(one), Some(other)) => one.value == other.value && origins(one) == origins(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

fn why(path: &FactPath, surfaces: &[Arc<Surface>]) -> Option<String> {
    if surfaces.iter().any(|surface| surface.keys.iter().any(|key| key.carries.iter().any(|one| one.fact.is_every()))) {
        return Some(
            "the chart takes workloads as they are, so there is one statement of it for both targets".to_owned(),
        );
    }
    let field = path.row()?;
    if !field.helm {
        return Some(format!("Kubernetes has no word for `{}`", path.kind.row().name));
    }
    let unsaid = surfaces.iter().flat_map(|surface| &surface.unsaid).find(|unsaid| unsaid.covers(path))?;
    Some(format!("the chart does not say it: {}", unsaid.because))
}
