//! `trueline completions`: a script that a shell reads.

use clap::CommandFactory;

use super::{Outcome, console::Console};

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "trueline", &mut script);
    console.answer(&String::from_utf8_lossy(&script));
    Outcome::Fine
}
