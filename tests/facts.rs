//! Facts of plans, Compose files and manifests: what is said alike is equal, and what is not is found.

use std::borrow::Cow;

use trueline::{
    compile::Compiled,
    diag::Diags,
    facts::{self, Facts, Names, Trouble},
    lower,
    plan::Plan,
    read::{Data, Node},
    targets,
};

use super::support::{compile, failed, name_of, read, root, sorted};

/// A tree of another reader as ours, without lines.
fn node(value: &serde_json::Value) -> Node<'static> {
    let data = match value {
        serde_json::Value::Null => Data::Null,
        serde_json::Value::Bool(yes) => Data::Bool(*yes),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Data::Int(whole),
            None => Data::Float(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => Data::String(Cow::Owned(text.clone())),
        serde_json::Value::Array(items) => Data::List(items.iter().map(node).collect()),
        serde_json::Value::Object(entries) => {
            Data::Map(entries.iter().map(|(key, value)| (Cow::Owned(key.clone()), node(value))).collect())
        }
    };
    Node { line: 1, data }
}

fn yaml(text: &str) -> Node<'static> {
    node(&serde_yaml::from_str::<serde_json::Value>(text).expect("YAML"))
}

/// The environments of the repository and those of golden cases that compile, with their plans.
fn plans() -> Vec<(String, Compiled, Plan)> {
    let mut files = sorted(&root().join("environments"));
    for case in sorted(&root().join("tests/golden")) {
        files.extend(sorted(&case).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "kdl")));
    }
    let mut plans = Vec::new();
    for file in files {
        let compiled = compile(name_of(&file).trim_end_matches(".kdl"), &read(&file));
        if let Some(env) = compiled.env.as_ref().filter(|_| !failed(&compiled)) {
            let plan = lower::lower(env, &mut Diags::default()).plan;
            plans.push((file.display().to_string(), compiled, plan));
        }
    }
    plans
}

/// The facts of each deployment's Compose file, and of its plan.
fn read_back(plan: &Plan) -> Vec<(Facts, Facts, Vec<Trouble>)> {
    let files = targets::emit_all(plan);
    let mut found = Vec::new();
    for deployment in &plan.deployments {
        let Some(compose) = deployment.compose.as_ref().filter(|compose| compose.raw.is_none()) else { continue };
        let names = Names::of_compose(compose, &deployment.helm);
        let planned = facts::of_workloads(&compose.workloads, &deployment.configs, &names);
        let path = format!("{}/compose/compose.yaml", deployment.name);
        let bytes = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.bytes.clone());
        let text = String::from_utf8(bytes(&path).expect("a Compose file")).expect("text");
        let beside = |named: &str| match named.strip_prefix("../") {
            Some(rest) => bytes(&format!("{}/{rest}", deployment.name)),
            None => bytes(&format!("{}/compose/{}", deployment.name, named.trim_start_matches("./"))),
        };
        let (printed, troubles) = facts::of_compose(&yaml(&text), Some(&names), &beside);
        found.push((planned, printed, troubles));
    }
    found
}

#[test]
fn our_own_compose_files_say_what_the_plan_says() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for (name, _, plan) in plans() {
        for (planned, printed, troubles) in read_back(&plan) {
            compared += planned.len();
            wrong.extend(troubles.iter().map(|trouble| format!("{name}: {trouble:?}")));
            for difference in facts::compare(&planned, &printed) {
                let (left, right) = (planned.get(&difference.path), printed.get(&difference.path));
                let told =
                    |fact: Option<&facts::Fact>| fact.map(|fact| format!("{:?} {:?}", fact.value, fact.delivery));
                wrong.push(format!("{name}: {}\n  {:?}\n  {:?}", difference.path, told(left), told(right)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 2000, "{compared}");
}
