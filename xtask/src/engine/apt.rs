//! What the machine's own package manager is set up to use.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{env, sh};

/// The archive that this machine installs Debian's packages from.
///
/// `BUSINESS_TOOLS_DEBIAN_ARCHIVE` names another one.
pub(crate) fn archive() -> Result<String> {
    if let Some(named) = env::text("BUSINESS_TOOLS_DEBIAN_ARCHIVE") {
        return Ok(named);
    }
    let targets = sh::output(&mut sh::program(
        "apt-get",
        [
            "indextargets",
            "--format",
            "$(SITE)|$(RELEASE)|$(COMPONENT)|$(LABEL)",
            "Created-By: Packages",
        ],
    ))?;
    pick(&targets).context(
        "apt is not set up with an archive of Debian; BUSINESS_TOOLS_DEBIAN_ARCHIVE can name one",
    )
}

/// The first archive with Debian's main component that is not the security one.
///
/// The label is only known once the lists have been fetched, so an empty one is fine.
fn pick(targets: &str) -> Option<String> {
    targets.lines().find_map(|line| {
        let [site, release, component, label] = line.split('|').collect::<Vec<_>>()[..] else {
            return None;
        };
        let debian = component == "main"
            && matches!(label, "Debian" | "")
            && !release.contains("security")
            && !release.contains("nodistro");
        debian.then(|| site.to_owned())
    })
}

/// Installs packages on the machine itself.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    if !sh::have("apt-get") {
        bail!(
            "{} must be installed, and apt-get is not here to do it",
            packages.join(", ")
        );
    }
    let mut update = apt();
    sh::run(update.args(["update"]))?;
    let mut install = apt();
    sh::run(
        install
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages),
    )
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("-q");
    command
}

#[cfg(test)]
mod tests {
    use super::pick;

    #[test]
    fn the_archive_is_the_one_with_the_main_component() {
        let targets = "http://a.example/security|bookworm-security|main|Debian-Security\n\
                       http://b.example/other|nodistro|main|\n\
                       http://c.example/debian|bookworm|contrib|Debian\n\
                       http://c.example/debian|bookworm|main|Debian\n";
        assert_eq!(pick(targets).as_deref(), Some("http://c.example/debian"));
        assert_eq!(pick(""), None);
    }
}
