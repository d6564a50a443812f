//! `trueline init`: the questions of a stack, as flags, as variables or in a terminal, into an environment.
//!
//! In: answers. Out: `environments/NAME.kdl`, compiled; a few lines in `.gitignore` and `.gitattributes`.
//! Never: which stacks there are, or what they ask; a secret.
//! Invariant: nothing is written before all answers are there and the environment that they make compiles, so whoever
//! leaves early leaves nothing behind.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt::Write as _,
    fs, io,
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use serde_json::json;

use super::{
    Failure, Outcome, ask, compile,
    console::{Console, Format, Style},
    disk::{self, System},
    output::Folder,
    project::{self, Project, name_problem},
    report::{self, FindingsTo, Report},
};
use crate::{
    compile::{self as compiler, Compiled, Stdlib},
    diag::{Diags, nearest},
    history,
    init::{self, Interview, Problem, Refusal, Wanted},
    schema::Stack,
    sensitive::redacted,
    source::{Source, SourceId},
    targets::File,
    visible::visible_line,
};

#[derive(clap::Args, Debug)]
#[command(
    after_help = "With a stack, `trueline init STACK --help` lists its questions: each is a flag, and a variable \
                        TRUELINE_INIT_FLAG.\nA flag beats the variable. In a terminal, what is not said is asked."
)]
pub(super) struct Arguments {
    /// The stack, first
    #[arg(value_name = "STACK")]
    stack: Option<String>,
    /// The environment to write: a lower-case DNS label
    #[arg(value_name = "ENV")]
    name: Option<String>,
    /// Change an environment that is there: only what is answered, comments stay
    #[arg(long, conflicts_with_all = ["replace", "show"])]
    reconfigure: bool,
    /// Begin an environment anew; the old text stays as `ENV.kdl.bak`
    #[arg(long)]
    replace: bool,
    /// Print what an environment answers, and write nothing
    #[arg(long, conflicts_with = "replace")]
    show: bool,
    /// Ask nothing, also in a terminal
    #[arg(long)]
    non_interactive: bool,
    /// Let a change of this setting through, though it loses data or is said to be impossible
    #[arg(long, value_name = "PATH")]
    accept: Vec<String>,
    /// Answers by the ids of their questions.
    #[arg(skip)]
    answers: BTreeMap<String, String>,
}

/// The arguments of the process, where the questions of a stack are flags of `init`.
///
/// # Errors
/// They are none of the program's; or help or the version was asked for.
pub(super) fn parse(words: Vec<OsString>) -> Result<super::Arguments, clap::Error> {
    let mut command = super::Arguments::command();
    let stack = asked_stack(&words).and_then(|(root, name)| {
        let project = project::find(root.as_deref()).ok();
        let stdlib = project.and_then(|project| project.stdlib().ok()).map_or_else(Stdlib::embedded, |found| found.0);
        stdlib.stack(&name, &mut Diags::default())
    });
    if let Some(stack) = &stack {
        command = command.mut_subcommand("init", |init| with_questions(init, stack));
    }
    let matches = command.try_get_matches_from_mut(words)?;
    let mut arguments = super::Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    if let (super::Command::Init(own), Some(stack), Some(found)) =
        (&mut arguments.command, &stack, matches.subcommand_matches("init"))
    {
        own.answers = answers(found, stack);
    }
    Ok(arguments)
}

/// The stack that a command line with `init` names, and the folder of the project, if it says so.
fn asked_stack(words: &[OsString]) -> Option<(Option<PathBuf>, String)> {
    let mut root = None;
    let mut bare = Vec::new();
    let mut words = words.get(1..).unwrap_or_default().iter();
    while let Some(word) = words.next() {
        let text = word.to_str()?;
        match text.split_once('=') {
            Some(("--root", folder)) => root = Some(PathBuf::from(folder)),
            None if text == "--root" => root = words.next().map(PathBuf::from),
            None if ["--format", "--color"].contains(&text) => _ = words.next(),
            _ if text.starts_with('-') => {}
            _ => bare.push(text),
        }
        if bare.first().is_some_and(|first| *first != "init") {
            return None;
        }
        if let [_, stack] = bare.as_slice() {
            let stack = (*stack).to_owned();
            root = root.or_else(|| root_among(words.as_slice()));
            return Some((root, stack));
        }
    }
    None
}

/// `--root DIR` further on.
fn root_among(words: &[OsString]) -> Option<PathBuf> {
    let at = words.iter().position(|word| word.to_str().is_some_and(|word| word.starts_with("--root")))?;
    match words[at].to_str()?.split_once('=') {
        Some((_, folder)) => Some(PathBuf::from(folder)),
        None => words.get(at + 1).map(PathBuf::from),
    }
}

/// The command with a flag for every question, under the titles of their sections.
fn with_questions(mut command: clap::Command, stack: &Arc<Stack>) -> clap::Command {
    let stdlib = Stdlib::embedded();
    let interview = Interview::new(&stdlib, stack.clone(), "new");
    for section in &stack.questions {
        for question in &section.questions {
            let wanted = interview.wanted(question);
            // The parser of arguments keeps names for as long as the process lives.
            let id: &'static str = question.id.to_string().leak();
            let key: &'static str = argument_of(id).leak();
            let must = if question.required { "; required" } else { "" };
            let mut flag = clap::Arg::new(key)
                .long(id)
                .help(format!("{} [{wanted}{must}]", question.about))
                .help_heading(section.title.to_string().leak() as &'static str)
                .value_name(if matches!(wanted, Wanted::Words(_)) { "WORD" } else { "VALUE" });
            if wanted == Wanted::YesNo {
                flag = flag.value_name("yes|no").num_args(0..=1).default_missing_value("yes");
            }
            command = command.arg(flag);
        }
    }
    command
}

fn argument_of(id: &str) -> String {
    format!("answer:{id}")
}

fn answers(found: &ArgMatches, stack: &Stack) -> BTreeMap<String, String> {
    let said = |id: &str| found.try_get_one::<String>(&argument_of(id)).ok().flatten().cloned();
    init::all(stack).filter_map(|question| Some((question.id.to_string(), said(&question.id)?))).collect()
}

/// Answers that variables give.
fn ambient(stack: &Stack) -> BTreeMap<String, String> {
    let said = |id: &str| std::env::var(init::variable(id)).ok();
    init::all(stack).filter_map(|question| Some((question.id.to_string(), said(&question.id)?))).collect()
}

pub(super) fn run(console: &Console, root: Option<&Path>, arguments: &Arguments) -> Result<Outcome, Failure> {
    let project = project_or_here(root)?;
    if let Err(unread) = project.check_version() {
        return Ok(report::unread(console, unread));
    }
    let stdlib = match project.stdlib() {
        Ok((stdlib, _)) => stdlib,
        Err(unread) => return Ok(report::unread(console, unread)),
    };
    let asks = !arguments.non_interactive
        && !arguments.show
        && console.looks.format == Format::Human
        && [io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal()] == [true; 3];
    let stack = chosen_stack(&stdlib, arguments, asks)?;
    let name = chosen_name(arguments, asks)?;
    let old = existing(&project, &name, arguments)?;
    let start = Start { console, project: &project, stdlib: &stdlib, arguments, name: &name };
    let mut interview = match &old {
        Some(text) if !arguments.replace => Interview::of(&stdlib, stack, &name, text.clone())
            .map_err(|Refusal(why)| Failure::new(why, format!("look at `environments/{name}.kdl`")))?,
        _ => Interview::new(&stdlib, stack, &name),
    };
    if arguments.show {
        return Ok(start.show(&interview));
    }
    let ambient = ambient(interview.stack());
    if asks {
        ask::all(&mut interview, &arguments.answers, &ambient)?;
    } else {
        let problems = interview.answer_all(&arguments.answers, &ambient);
        if !problems.is_empty() {
            return Err(unanswered(&interview, &problems));
        }
    }
    start.write(&interview, old.as_deref())
}

/// The project, or the folder that becomes one.
fn project_or_here(root: Option<&Path>) -> Result<Project, Failure> {
    match (project::find(root), root) {
        (Ok(project), _) => Ok(project),
        (Err(_), Some(folder)) if folder.is_dir() => Ok(Project { root: folder.to_owned() }),
        (Err(failure), Some(_)) => Err(failure),
        (Err(_), None) => Ok(Project { root: PathBuf::from(".") }),
    }
}

fn chosen_stack(stdlib: &Stdlib, arguments: &Arguments, asks: bool) -> Result<Arc<Stack>, Failure> {
    let known = stdlib.stacks();
    let name = match &arguments.stack {
        Some(name) => name.clone(),
        None if asks => ask::word("Stack", &known)?,
        None => {
            return Err(Failure::new("no stack is named", format!("write `trueline init {} ENV`", known.join("|"))));
        }
    };
    if !known.contains(&name.as_str()) {
        let near = nearest(&name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let help = near.unwrap_or_else(|| format!("there is {}", known.join(", ")));
        return Err(Failure::new(format!("there is no stack `{}`", visible_line(&name)), help));
    }
    let stack = stdlib.stack(&name, &mut Diags::default());
    stack.ok_or_else(|| {
        Failure::new(format!("the stack `{name}` has mistakes"), format!("`trueline ledger {name}` shows them"))
    })
}

fn chosen_name(arguments: &Arguments, asks: bool) -> Result<String, Failure> {
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None if asks => ask::name("Name of the environment", name_problem)?,
        None => {
            let stack = arguments.stack.as_deref().unwrap_or("STACK");
            return Err(Failure::new("no environment is named", format!("write `trueline init {stack} dev`")));
        }
    };
    match name_problem(&name) {
        Some(problem) => {
            let message = format!("`{}` cannot be an environment: {problem}", visible_line(&name));
            Err(Failure::new(message, "use lower-case letters, digits and dashes, such as `prod-eu`"))
        }
        None => Ok(name),
    }
}

/// The text of the environment, where there is one and it may be touched.
fn existing(project: &Project, name: &str, arguments: &Arguments) -> Result<Option<String>, Failure> {
    let shown = format!("environments/{name}.kdl");
    let wanted = arguments.reconfigure || arguments.show;
    match fs::symlink_metadata(project.root.join(&shown)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !wanted => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let help = format!("leave the flag out to write `{shown}`");
            return Err(Failure::new(format!("there is no environment `{name}`"), help));
        }
        _ if !wanted && !arguments.replace => {
            let help = "`--reconfigure` changes what is answered, `--replace` begins anew, `--show` shows it";
            return Err(Failure::new(format!("`{shown}` is there already"), help));
        }
        _ => {}
    }
    let read = project::read_source(&project.root.join(&shown), &shown, SourceId(0));
    read.map(|source| Some(source.text)).map_err(|(findings, _)| {
        let message = findings.first().map_or_else(String::new, |finding| finding.message.clone());
        Failure::new(format!("`{shown}` cannot be read: {message}"), "make it a regular file that you may read")
    })
}

/// All that is wrong with the answers, in one message.
fn unanswered(interview: &Interview<'_>, problems: &[Problem]) -> Failure {
    let line = |problem: &Problem| match problem {
        Problem::Missing(id, wanted) => format!("\n  --{id}: missing; {wanted}"),
        Problem::NotAsked(id) => format!("\n  --{id}: does not apply to the other answers"),
        Problem::Refused(id, why) => format!("\n  --{id}: {}", visible_line(why)),
    };
    let lines: String = problems.iter().map(line).collect();
    let help = format!("`trueline init {} --help` lists all questions", interview.stack().name);
    Failure::new(format!("the answers are not complete:{lines}"), help)
}

/// One run, after it is known which environment is meant.
struct Start<'a> {
    console: &'a Console,
    project: &'a Project,
    stdlib: &'a Stdlib,
    arguments: &'a Arguments,
    name: &'a str,
}

impl Start<'_> {
    fn path(&self) -> String {
        format!("environments/{}.kdl", self.name)
    }

    /// What the questions are answered by now.
    fn show(&self, interview: &Interview<'_>) -> Outcome {
        let open = |question| interview.open(question).map(|open| (question, open));
        let rows: Vec<_> = init::all(interview.stack()).filter_map(open).collect();
        let shown = |value: &Option<String>| value.as_ref().map(|value| visible_line(&redacted(value)).into_owned());
        if self.console.looks.format == Format::Json {
            let one = |(question, open): &(&crate::schema::questions::Question, init::Open)| {
                let value = json!({ "value": shown(&open.value), "written": open.written });
                (question.id.to_string(), value)
            };
            let answers: serde_json::Map<String, serde_json::Value> = rows.iter().map(one).collect();
            self.console.answer(&format!("{:#}\n", json!({ "environment": self.name, "answers": answers })));
            return Outcome::Fine;
        }
        let width = rows.iter().map(|(question, _)| question.id.len()).max().unwrap_or(0);
        let mut text = String::new();
        for (question, open) in &rows {
            let value = shown(&open.value).unwrap_or_else(|| "no value".to_owned());
            let from = if open.written { "" } else { "  (default)" };
            _ = writeln!(text, "{:width$}  {value}{}", question.id, self.console.looks.paint(Style::Dim, from));
        }
        self.console.answer(&text);
        Outcome::Fine
    }

    /// Compiles what was answered, and only then writes.
    fn write(&self, interview: &Interview<'_>, old: Option<&str>) -> Result<Outcome, Failure> {
        let text = interview.text();
        let source = Arc::new(Source { id: SourceId(0), name: self.path(), text: text.clone() });
        let compiled = compiler::compile(source, self.stdlib);
        let mut report = Report::new(self.name);
        report.add(self.console.looks, &compiled.findings, &compiled.sources);
        let folder = Folder::new(&self.project.root, self.name);
        let mut lost = Diags::default();
        history::judge(&folder.settings(), &compiled, &self.arguments.accept, &mut lost);
        if compiled.files.is_empty() || lost.has_errors() {
            report.add(self.console.looks, &lost.sorted(), &compiled.sources);
            report.lines = report::line(self.console.looks, self.name, Style::Red, "nothing written");
            report.worsen(Outcome::No);
            return Ok(report::print(self.console, &[report], FindingsTo::Answer));
        }
        if old == Some(text.as_str()) {
            self.console.remark(&format!("{}: unchanged", self.path()));
        } else {
            if let Some(old) = old.filter(|_| self.arguments.replace) {
                self.put(&format!("{}.bak", self.path()), old)?;
            }
            self.put(&self.path(), &text)?;
            self.console.remark(&format!("{}: written", self.path()));
        }
        for (file, line, same) in GIT {
            self.add_line(file, line, same)?;
        }
        let outcome =
            compile::run(self.console, self.project, &compile::Arguments::of(self.name, &self.arguments.accept))?;
        if outcome == Outcome::Fine && self.console.looks.format == Format::Human {
            self.console.remark(&next_steps(interview, self.name, &compiled));
        }
        Ok(outcome)
    }

    fn put(&self, path: &str, text: &str) -> Result<(), Failure> {
        disk::replace(&System, &self.project.root, &self.project.root.join(path), text.as_bytes()).map_err(|error| {
            Failure::new(format!("`{path}` cannot be written: {error}"), "check that you may write to the folder")
        })
    }

    /// Adds a line to a file that git reads, unless one says the same or more.
    fn add_line(&self, file: &str, line: &str, same: &str) -> Result<(), Failure> {
        let old = match fs::read_to_string(self.project.root.join(file)) {
            Ok(old) => old,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            // Whatever it is, it is somebody's own.
            Err(_) => return Ok(()),
        };
        if old.lines().any(|line| line.trim_start_matches('/').starts_with(same)) {
            return Ok(());
        }
        let gap = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
        self.put(file, &format!("{old}{gap}{line}\n"))
    }
}

/// Lines that files of git need: the file, the line, and how a line begins that says it already.
const GIT: [(&str, &str, &str); 3] = [
    (".gitignore", "/.trueline/", ".trueline"),
    (".gitignore", "/secrets/", "secrets"),
    (".gitattributes", "/out/** text eol=lf linguist-generated", "out/"),
];

/// What to do now.
fn next_steps(interview: &Interview<'_>, name: &str, compiled: &Compiled) -> String {
    let mut text = String::from("next:\n");
    let secret = |question| {
        let asked = interview.wanted(question) == Wanted::Secret;
        interview.open(question).filter(|_| asked).and_then(|open| open.value)
    };
    let secrets: Vec<String> = init::all(interview.stack()).filter_map(secret).collect();
    if !secrets.is_empty() {
        _ = writeln!(text, "  store the secrets {}: only their names are written", secrets.join(", "));
    }
    for command in compiled.files.iter().filter_map(up) {
        _ = writeln!(text, "  trueline verify --local {name}\n  {command}");
    }
    for wanted in compiled.required() {
        _ = writeln!(text, "  the cluster must have: {}", visible_line(&wanted));
    }
    if compiled.files.iter().any(|file| file.path == "flux-kustomization.yaml") {
        _ = writeln!(text, "  flux: apply out/{name}/flux-kustomization.yaml, once all is committed");
    } else {
        for file in compiled.files.iter().filter(|file| file.path.ends_with("values.yaml")) {
            // A chart of ours lies beside the output; where others come from, a stack does not say.
            let install = compiled
                .charts
                .first()
                .map_or("helm:".to_owned(), |chart| format!("helm install {name} out/charts/{chart}"));
            _ = writeln!(text, "  {install} --values out/{name}/{}", file.path);
        }
    }
    let charts = if compiled.charts.is_empty() { "" } else { " out/charts" };
    _ = writeln!(text, "  git add environments/{name}.kdl out/{name}{charts} .gitignore .gitattributes");
    _ = write!(
        text,
        "  `trueline explain {name}` shows every setting; edit environments/{name}.kdl for what was not asked"
    );
    text
}

/// The command that a Compose file names in its first lines.
fn up(file: &File) -> Option<&str> {
    let text = file.path.ends_with("compose.yaml").then(|| std::str::from_utf8(&file.bytes).ok())??;
    let mut lines = text.lines().take_while(|line| line.starts_with('#'));
    lines.find_map(|line| line.strip_prefix("#   ").filter(|command| command.starts_with("docker ")))
}
