//! Which of the places that name a setting wins, flags included, as the binary has it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod binary;

use std::collections::BTreeSet;

use binary::{Folder, command_in};

/// The providers whose tools there are.
fn providers(folder: &Folder, env: &[(&str, &str)], flags: &[&str]) -> BTreeSet<String> {
    let args = [&["tools", "--sandbox"], flags].concat();
    let done = command_in(&folder.0, &args)
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{text}");
    let tool = |line: &str| line.split(['_', ' ']).next().map(str::to_owned);
    text.lines().filter_map(tool).collect()
}

#[test]
fn a_flag_is_stronger_than_every_file_and_variable() {
    const LAYERS: &[(&str, &str, &str)] = &[
        ("config.yaml", "toolsets: [mongo]\n", "mongo"),
        (
            ".env.staging",
            "BUSINESS_TOOLS_TOOLSETS=hubspot\n",
            "hubspot",
        ),
        (".env.local", "BUSINESS_TOOLS_TOOLSETS=openai\n", "openai"),
    ];
    for layers in 0..16_u32 {
        let says = |n: usize| layers & (1 << n) != 0;
        let files: Vec<_> = LAYERS
            .iter()
            .enumerate()
            .filter(|(n, _)| says(*n))
            .map(|(_, (name, text, _))| (*name, *text))
            .collect();
        let folder = Folder::new(&files);
        let mut env = vec![("ENVIRONMENT", "staging")];
        if says(3) {
            env.push(("BUSINESS_TOOLS_TOOLSETS", "twilio,mongo"));
        }
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let flagged: BTreeSet<_> = providers(&folder, &env, &["--toolsets", "twilio"]);
        assert_eq!(flagged, set(&["twilio"]), "layers {layers:04b}");
        let strongest = (0..4).rev().find(|n| says(*n));
        let want = match strongest {
            None => set(&["hubspot", "mongo", "openai", "twilio"]),
            Some(3) => set(&["mongo", "twilio"]),
            Some(n) => set(&[LAYERS[n].2]),
        };
        assert_eq!(providers(&folder, &env, &[]), want, "layers {layers:04b}");
    }
}

#[test]
fn the_flag_names_the_environment_whatever_else_does() {
    let folder = Folder::new(&[
        ("config.yaml", "environment: staging\n"),
        (".env.staging", "BUSINESS_TOOLS_TOOLSETS=hubspot\n"),
        (".env.development", "BUSINESS_TOOLS_TOOLSETS=twilio\n"),
        (".env.local", "ENVIRONMENT=test\n"),
        (".env.test", "BUSINESS_TOOLS_TOOLSETS=openai\n"),
    ]);
    let flag = ["--environment", "development"];
    for (env, flags, want) in [
        (&[][..], &[][..], "openai"),
        (&[("ENVIRONMENT", "staging")], &[], "hubspot"),
        (&[("ENVIRONMENT", "staging")], &flag, "twilio"),
        (&[], &flag, "twilio"),
    ] {
        let found = providers(&folder, env, flags);
        assert_eq!(
            found,
            BTreeSet::from([want.to_owned()]),
            "{env:?} {flags:?}"
        );
    }
}
