//! What must hold: the stack's rules over settings, and checks over workloads that rules cannot say.
//!
//! In: `Env` ([`rules`]), `Plan` ([`plan`]). Out: findings.
//! Never: KDL, files.
//! Invariant: a finding that is the same in every view is told once.

mod allowed;
mod pods;
mod ports;
mod raw;
mod rules;
mod texts;
mod used;
mod workloads;

use crate::{diag::Diags, plan::Deployment};

pub use allowed::allowed;
pub use rules::{Read, rules};
pub use used::used;

/// A check over one deployment's plan.
pub struct Check {
    /// What it looks for, in one sentence.
    pub about: &'static str,
    /// Looks for it.
    pub check: fn(&Deployment, &mut Diags),
}

/// All checks over plans.
pub static CHECKS: &[Check] = &[
    Check { about: "two services publish one port of the host, or several copies want one", check: ports::host_ports },
    Check { about: "two programs of one pod want one port or one name of a port", check: pods::ports },
    Check { about: "a program runs beside one that there is not", check: pods::owners },
    Check { about: "a program runs beside several copies, or shares a volume that there is not", check: pods::shared },
    Check { about: "a check asks a port that is not declared", check: pods::declared },
    Check { about: "a workload waits for health that is never checked", check: workloads::waits_for_health },
    Check { about: "Compose can check health only by a command in the container", check: workloads::compose_health },
    Check { about: "the program of a command is a whole line of a shell", check: workloads::one_word },
    Check { about: "workloads wait for each other in a circle", check: workloads::circles },
    Check { about: "Compose has no jobs that run at certain times", check: workloads::cron },
    Check { about: "a service that `raw` adds says what Docker refuses late, or not at all", check: raw::services },
    Check { about: "a text names a program that the cluster calls otherwise", check: texts::addresses },
    Check { about: "a variable has a name that nothing can set", check: workloads::variable_names },
    Check { about: "two secrets would be told by one variable", check: workloads::secret_variables },
];

/// Runs all checks over a plan.
pub fn plan(deployments: &[Deployment], diags: &mut Diags) {
    for deployment in deployments {
        for row in CHECKS {
            (row.check)(deployment, diags);
        }
    }
    ports::between(deployments, diags);
}
