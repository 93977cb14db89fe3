//! A fresh sandbox for one call, with everything in it that the call needs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use business_tools_core::files::Files;
use business_tools_core::{Cx, Error, Reply, Spec};
use business_tools_sandbox::Recorded;
use business_tools_sandbox::examples::{Ends, Example, fill};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::Suite;
use crate::world::places;
use crate::{Person, World, WorldBuilder};

/// How long a step may take until its result is as wanted.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time of a call that is not meant to fail by it, however busy the machine is.
const UNHURRIED: Duration = Duration::from_mins(1);

/// The time of an attempt that is meant to fail by it.
const SHORT: &str = "1s";

/// A secret that is easily found.
pub(crate) const CANARY: &str = "CANARY7q3k9f2mCANARY8h4j5n6p";

/// A world in which the example of a tool can be called.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) spec: &'static Spec,
    pub(crate) args: Value,
}

/// Where the files of examples are, which callers may name.
fn folder() -> PathBuf {
    std::env::temp_dir().join("business-tools-examples")
}

impl Suite {
    /// How a world of this provider begins: patient, quiet, and retrying at once.
    pub(crate) fn builder(&self) -> WorldBuilder {
        let patient = json!({"timeouts": {"call": UNHURRIED.as_secs().to_string() + "s",
                                          "attempt": "20s"}});
        World::of((self.simulator)(), self.sandbox_config)
            .overrides(patient)
            .env(|mut env| {
                env.files = Files::of([folder()]);
                env
            })
            .client_of(&self.env)
            .quiet()
    }

    /// The same with little time for an attempt, where time-outs are waited for.
    pub(crate) fn impatient(&self) -> WorldBuilder {
        let attempt = json!({"timeouts": {"attempt": SHORT}});
        self.builder().overrides(attempt)
    }

    /// A world in which the tool's example can be called.
    pub(crate) async fn stage(&self, tool: &str) -> Result<Stage, String> {
        self.stage_in(tool, self.builder()).await
    }

    pub(crate) async fn stage_in(
        &self,
        tool: &str,
        builder: WorldBuilder,
    ) -> Result<Stage, String> {
        let world = builder.try_start_with(Arc::clone(&self.connect)).await;
        let world = world.map_err(|error| format!("the provider does not connect: {error:?}"))?;
        let example = self.examples.of(tool).ok_or("there is no example")?;
        let args = self.prepare(&world, example).await?;
        // What was prepared is of no interest.
        world.forget_requests();
        Ok(Stage {
            world,
            spec: self.spec(tool),
            args,
        })
    }

    /// Takes the steps of an example, and fills its arguments in.
    pub(crate) async fn prepare(&self, world: &World, example: &Example) -> Result<Value, String> {
        let mut known = self.known(world)?;
        if !example.steps.is_empty() {
            let backstage = world.backstage().map_err(|error| format!("{error:?}"))?;
            for step in &example.steps {
                let since = Instant::now();
                let mut n = 0;
                loop {
                    n += 1;
                    known.insert("n".into(), n.into());
                    let args = fill(&step.args, &known)?;
                    let Value::Object(args) = args else {
                        return Err(format!(
                            "the arguments of step `{}` are no object",
                            step.name
                        ));
                    };
                    let reply = backstage.call(step.tool, args, Cx::local()).await;
                    let reply = reply.map_err(|error| {
                        format!("step `{}` ({}) failed: {error:?}", step.name, step.tool)
                    })?;
                    let done = match &step.ends {
                        Ends::After(times) => n >= *times,
                        Ends::When(at, wanted) => reply.value.pointer(at) == Some(wanted),
                    };
                    known.insert(step.name.into(), reply.value);
                    if done {
                        break;
                    }
                    if since.elapsed() > PATIENCE {
                        return Err(format!(
                            "step `{}` ({}) did not end within {PATIENCE:?}: {}",
                            step.name, step.tool, known[step.name]
                        ));
                    }
                    if matches!(step.ends, Ends::When(..)) {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
        }
        let args = fill(&example.args, &known)?;
        if args.is_object() {
            Ok(args)
        } else {
            Err("the arguments are no object".into())
        }
    }

    /// What texts of examples may name before any step is taken.
    fn known(&self, world: &World) -> Result<Map<String, Value>, String> {
        let mut known = places(&world.sandbox.base_url(self.info.id));
        let mut files = Map::new();
        for (name, content) in &self.examples.files {
            let folder = folder();
            let path = folder.join(self.info.id).join(name);
            let place = |error: std::io::Error| format!("{}: {error}", path.display());
            if std::fs::read(&path).ok().as_deref() != Some(content) {
                std::fs::create_dir_all(folder.join(self.info.id)).map_err(place)?;
                // Checks run at the same time: nobody may see half a file.
                let own = path.with_extension(format!("{:?}", std::thread::current().id()));
                std::fs::write(&own, content).map_err(place)?;
                std::fs::rename(&own, &path).map_err(place)?;
            }
            files.insert((*name).to_owned(), path.display().to_string().into());
        }
        known.insert("file".into(), files.into());
        Ok(known)
    }
}

impl Stage {
    /// Calls the example with somebody who agrees to everything.
    pub(crate) async fn call(&self) -> Result<Reply, Error> {
        self.call_with(self.args.clone()).await
    }

    pub(crate) async fn call_with(&self, args: Value) -> Result<Reply, Error> {
        let cx = Cx::builder(business_tools_core::Principal::local())
            .asker(Person::who_says_yes())
            .build();
        self.world.call_in(self.spec.name, args, cx).await
    }

    /// How many requests like this one arrived.
    pub(crate) fn like(&self, wanted: &Recorded) -> usize {
        let all = self.world.requests();
        let like =
            |request: &&Recorded| request.method == wanted.method && request.path == wanted.path;
        all.iter().filter(like).count()
    }
}
