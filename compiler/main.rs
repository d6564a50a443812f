//! The program; everything is in the library's `cli`.

fn main() -> std::process::ExitCode {
    trueline::cli::run()
}
