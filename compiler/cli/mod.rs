//! The command line: arguments, disk and terminal around the pure stages.
//!
//! In: the arguments of the process. Out: an exit code, answers on standard output, remarks on standard error.
//! Never: what a setting means; commands only call `compile`, `diff` and `lock`.
//! Invariant: the order of answers is that of the environments' names, whatever ran first.
#![allow(clippy::disallowed_methods, reason = "the command line is where the world begins")]

mod aside;
mod ask;
mod chart;
mod charts;
mod check;
mod claim;
mod compile;
mod completions;
mod console;
mod diff;
mod disk;
mod docs;
mod explain;
mod fmt;
mod helm;
mod init;
mod journal;
mod ledger;
mod leftovers;
mod local;
mod made;
mod output;
mod problems;
mod project;
mod rendered;
mod report;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use self::console::{Colour, Console, Format};

/// The arguments of `trueline`.
#[derive(Parser, Debug)]
#[command(
    name = "trueline",
    version,
    about = "Compiles one KDL file per environment into Helm values, Docker Compose, runtime TOML and MCP JSON",
    after_help = EXIT_CODES,
    disable_help_subcommand = true
)]
pub struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Args, Debug)]
struct Global {
    /// The project's folder, instead of the nearest one upwards with `trueline.kdl` or `environments/`
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Who reads the answer
    #[arg(long, global = true, value_enum, default_value = "human", value_name = "FORMAT")]
    format: Format,
    /// When to use colours; `auto` obeys NO_COLOR
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    color: Colour,
}

/// What to do; one variant and one file per command.
#[derive(Subcommand, Debug)]
enum Command {
    /// Answer the questions of a stack, and write the environment that the answers make
    Init(init::Arguments),
    /// Write what environments compile to into `out/`
    Compile(compile::Arguments),
    /// Say what is wrong with environments; write nothing
    Check(check::Arguments),
    /// Show how `out/` would change
    Diff(diff::Arguments),
    /// Lay out the texts of environments and stacks, comments and meaning unchanged
    Fmt(fmt::Arguments),
    /// Say whether `out/` is what a compile wrote, without the environments; or whether charts make of it what Compose does
    Verify(verify::Arguments),
    /// Say where a setting's value comes from and where it goes, or what a code means
    Explain(explain::Arguments),
    /// Print what each target does with each setting of a stack
    Ledger(ledger::Arguments),
    /// Print a page about a stack: its settings, where they go, its rules
    Docs(docs::Arguments),
    /// Say which keys a Helm chart reads, and check values against it
    Chart(chart::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}

const EXIT_CODES: &str = "\
Exit codes:
  0  fine
  1  the answer is no: an error in an environment, a difference, a stale output
  2  the question could not be asked: wrong usage, a file that cannot be read or written";

/// How a command ended; the worst one of all environments is the exit code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Outcome {
    /// 0
    Fine,
    /// 1: the answer is no.
    No,
    /// 2: the question could not be asked.
    NotAsked,
}

/// Why the question could not be asked.
#[derive(Debug)]
struct Failure {
    message: String,
    help: Option<String>,
}

impl Failure {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Failure {
        Failure { message: message.into(), help: Some(help.into()) }
    }
}

/// Runs the command that the process's arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match init::parse(std::env::args_os().collect()) {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Where the terminal is gone, nobody is left to tell.
            _ = error.print();
            return ExitCode::from(code);
        }
    };
    let console = Console::new(arguments.global.format, arguments.global.color);
    let mut outcome = match command(&console, &arguments) {
        Ok(outcome) => outcome,
        Err(failure) => {
            console.refuse(&failure.message, failure.help.as_deref());
            Outcome::NotAsked
        }
    };
    if console.lost() {
        console.refuse("the answer could not be written to standard output", None);
        outcome = Outcome::NotAsked;
    }
    ExitCode::from(outcome as u8)
}

fn command(console: &Console, arguments: &Arguments) -> Result<Outcome, Failure> {
    // These need no project.
    match &arguments.command {
        Command::Completions(arguments) => return Ok(completions::run(console, arguments)),
        Command::Chart(arguments) => return chart::run(console, arguments),
        Command::Init(own) => return init::run(console, arguments.global.root.as_deref(), own),
        Command::Explain(arguments) if arguments.is_code() => return explain::code(console, arguments),
        Command::Fmt(arguments) if arguments.names_paths() => return Ok(fmt::paths(console, arguments)),
        _ => {}
    }
    let project = project::find(arguments.global.root.as_deref())?;
    if let Err(unread) = project.check_version() {
        return Ok(report::unread(console, unread));
    }
    match &arguments.command {
        Command::Compile(arguments) => compile::run(console, &project, arguments),
        Command::Check(arguments) => check::run(console, &project, arguments),
        Command::Diff(arguments) => diff::run(console, &project, arguments),
        Command::Fmt(arguments) => Ok(fmt::run(console, &project, arguments)),
        Command::Verify(arguments) => verify::run(console, &project, arguments),
        Command::Ledger(arguments) => ledger::run(console, &project, arguments),
        Command::Docs(arguments) => docs::run(console, &project, arguments),
        Command::Explain(arguments) => explain::run(console, &project, arguments),
        Command::Chart(arguments) => chart::run(console, arguments),
        Command::Completions(arguments) => Ok(completions::run(console, arguments)),
        Command::Init(own) => init::run(console, arguments.global.root.as_deref(), own),
    }
}
