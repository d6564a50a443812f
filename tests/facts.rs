//! Facts of plans, Compose files and manifests: what is said alike is equal, and what is not is found.

use std::{collections::BTreeMap, fs, path::Path};

use trueline::{
    compile::Compiled,
    diag::Diags,
    facts::{self, Class, Facts, Names, Said, Trouble, View},
    lower,
    plan::{Kind, Plan},
    read::foreign,
    targets,
};

use super::support::{compile, failed, name_of, read, root, skipped, sorted};

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
        let (printed, troubles) =
            facts::of_compose(&trueline::read::yaml::parse(&text).expect("our own YAML"), Some(&names), &beside);
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

/// One case: what each side says, and what differs.
fn told(folder: &Path) -> String {
    let documents = |name: &str| foreign::documents(&read(&folder.join(name))).expect("YAML");
    let beside = |path: &str| fs::read(folder.join(path)).ok();
    let compose = documents("compose.yaml").remove(0);
    let (left, mut troubles) = facts::of_compose(&compose, None, &beside);
    let (right, others) = facts::of_manifests(&documents("manifests.yaml"), &BTreeMap::new());
    troubles.extend(others);
    let sides =
        (facts::Side { facts: &left, view: View::Compose }, facts::Side { facts: &right, view: View::Kubernetes });
    let mut text = String::new();
    for trouble in troubles {
        text.push_str(&format!("trouble: {} (line {})\n", trouble.message, trouble.line));
    }
    for difference in facts::compare_sides(sides.0, sides.1) {
        let minor = if difference.minor { ", minor" } else { "" };
        let message = difference.message("Compose", "the manifests");
        let line = |said: &Option<Said>, file: &str| said.as_ref().map(|said| format!("{file}:{}", said.place.line));
        let places = [line(&difference.left, "compose"), line(&difference.right, "manifests")];
        let places = places.into_iter().flatten().collect::<Vec<_>>().join(" ");
        text.push_str(&format!("{:?}{minor}: {message} ({places})\n", difference.class));
    }
    text
}

/// What is said alike is equal, and what is not is found, with its class.
#[test]
fn strangers_files_differ_where_they_mean_another_thing() {
    let bless = std::env::var_os("TRUELINE_BLESS").is_some();
    let cases = sorted(&root().join("tests/fixtures/facts"));
    let mut wrong = Vec::new();
    let mut equal = 0;
    for folder in &cases {
        let (told, file) = (told(folder), folder.join("expected.txt"));
        if name_of(folder).starts_with("same-") {
            equal += 1;
            wrong.extend(told.lines().filter(|line| !line.starts_with("NotExpressible")).map(str::to_owned));
        }
        if bless {
            fs::write(&file, &told).expect("the expectation is writable");
        } else if told != fs::read_to_string(&file).unwrap_or_default() {
            wrong.push(format!("{}:\n{told}", name_of(folder)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(equal * 2 <= cases.len(), "at least half of the cases are differences");
}

/// The Compose files of real projects are read without losing a service, an image, or a variable.
#[test]
fn real_compose_files_are_read() {
    let files = [
        "aeterna-docker-compose.yml",
        "somafractalmemory/docker-compose.yml",
        "somafractalmemory-1.0/docker-compose.yml",
    ];
    for name in files {
        let Ok(text) = fs::read_to_string(root().join("../shared/reference/data").join(name)) else {
            skipped("facts::real_compose_files_are_read", "the reference files are not here");
            return;
        };
        let documents = foreign::documents(&text).expect("YAML");
        let file = &documents[0];
        let (found, troubles) = facts::of_compose(file, None, &|_| None);
        let count = |kind: Kind| found.keys().filter(|path| path.kind == kind && path.field.is_empty()).count();
        let services = file.get("services").expect("services").entries();
        assert_eq!(count(Kind::Role), services.len(), "{name}");
        assert_eq!(
            count(Kind::Image),
            services.iter().filter(|(_, node)| node.get("image").is_some()).count(),
            "{name}"
        );
        let variables = services.iter().filter_map(|(_, node)| node.get("environment"));
        let variables: usize = variables.map(|node| node.entries().len() + node.items().len()).sum();
        assert_eq!(count(Kind::Env), variables, "{name}");
        assert!(count(Kind::Port) >= services.iter().filter(|(_, node)| node.get("ports").is_some()).count(), "{name}");
        let unknown: Vec<_> = troubles.iter().filter(|trouble| !trouble.message.contains("is not there")).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
        // A file compared with itself differs in nothing but what is open or floats.
        let side = facts::Side { facts: &found, view: View::Compose };
        let differences = facts::compare_sides(side, side);
        let drift = differences.iter().filter(|found| !matches!(found.class, Class::Floating | Class::UndeclaredPort));
        assert_eq!(
            drift.map(|found| found.message("here", "there")).collect::<Vec<_>>(),
            Vec::<String>::new(),
            "{name}"
        );
    }
}
