//! Pipelines and their stages.

use std::collections::BTreeMap;

use business_tools_sandbox::axum::extract::Path;
use business_tools_sandbox::json;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::Desk;
use super::kinds::Type;
use super::refusal::{Answer, Refusal};
use super::state::Account;

#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) stages: Vec<Stage>,
}

#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) id: String,
    pub(super) label: String,
    /// Won deals and solved tickets are closed, and so are lost ones.
    pub(super) closed: bool,
    /// Of deals, from 0 to 1.
    pub(super) probability: Option<&'static str>,
}

const SINCE: &str = "2025-11-03T09:00:00.000Z";

fn stage(id: &str, label: &str, closed: bool, probability: Option<&'static str>) -> Stage {
    Stage {
        id: id.to_owned(),
        label: label.to_owned(),
        closed,
        probability,
    }
}

/// The pipelines of a new account, by type.
pub(super) fn of_every_account() -> BTreeMap<&'static str, Vec<Pipeline>> {
    let pipeline = |id: &str, label: &str, stages| {
        vec![Pipeline {
            id: id.to_owned(),
            label: label.to_owned(),
            stages,
        }]
    };
    let deal = |id, label, probability: &'static str| {
        let closed = matches!(probability, "0.0" | "1.0");
        stage(id, label, closed, Some(probability))
    };
    let deals = vec![
        deal("appointmentscheduled", "Appointment Scheduled", "0.2"),
        deal("qualifiedtobuy", "Qualified To Buy", "0.4"),
        deal("presentationscheduled", "Presentation Scheduled", "0.6"),
        deal("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
        deal("contractsent", "Contract Sent", "0.9"),
        deal("closedwon", "Closed Won", "1.0"),
        deal("closedlost", "Closed Lost", "0.0"),
    ];
    let tickets = vec![
        stage("1", "New", false, None),
        stage("2", "Waiting on contact", false, None),
        stage("3", "Waiting on us", false, None),
        stage("4", "Closed", true, None),
    ];
    let leads = vec![
        stage("new-stage-id", "New", false, None),
        stage("attempting-stage-id", "Attempting", false, None),
        stage("connected-stage-id", "Connected", false, None),
        stage("qualified-stage-id", "Qualified", true, None),
        stage("unqualified-stage-id", "Disqualified", true, None),
    ];
    BTreeMap::from([
        ("0-3", pipeline("default", "Sales Pipeline", deals)),
        ("0-5", pipeline("0", "Support Pipeline", tickets)),
        (
            "0-136",
            pipeline("lead-pipeline-id", "Lead pipeline", leads),
        ),
    ])
}

impl Pipeline {
    fn show(&self, at: usize) -> Value {
        let stages: Vec<Value> = self
            .stages
            .iter()
            .enumerate()
            .map(|(at, stage)| stage.show(at))
            .collect();
        json!({
            "label": self.label, "displayOrder": at, "id": self.id, "stages": stages,
            "createdAt": SINCE, "updatedAt": SINCE, "archived": false,
        })
    }
}

impl Stage {
    fn show(&self, at: usize) -> Value {
        let mut metadata = json!({ "isClosed": self.closed.to_string() });
        match self.probability {
            Some(probability) => metadata["probability"] = probability.into(),
            None => metadata["ticketState"] = if self.closed { "CLOSED" } else { "OPEN" }.into(),
        }
        json!({
            "label": self.label, "displayOrder": at, "id": self.id, "metadata": metadata,
            "createdAt": SINCE, "updatedAt": SINCE, "archived": false,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        })
    }
}

impl Account {
    pub(super) fn pipelines_of(&self, kind: &Type) -> &[Pipeline] {
        self.pipelines.get(kind.id()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn stage(&self, kind: &Type, pipeline: &str, stage: &str) -> Option<&Stage> {
        let pipeline = self
            .pipelines_of(kind)
            .iter()
            .find(|known| known.id == pipeline)?;
        pipeline.stages.iter().find(|known| known.id == stage)
    }

    /// Whether there can be such a pipeline. HubSpot numbers those that a user makes: one with a number is
    /// there from now on.
    pub(super) fn has_pipeline(&mut self, kind: &Type, id: &str) -> bool {
        let Some(pipelines) = self.pipelines.get_mut(kind.id()) else {
            return false;
        };
        if pipelines.iter().any(|known| known.id == id) {
            return true;
        }
        if !is_number(id) {
            return false;
        }
        let mut made = pipelines[0].clone();
        id.clone_into(&mut made.id);
        made.label = format!("Pipeline {id}");
        pipelines.push(made);
        self.assumed
            .insert(format!("{} pipeline {id}", kind.singular()));
        true
    }

    /// The same for a stage of a pipeline.
    pub(super) fn has_stage(&mut self, kind: &Type, pipeline: &str, id: &str) -> bool {
        let Some(pipelines) = self.pipelines.get_mut(kind.id()) else {
            return false;
        };
        let Some(pipeline) = pipelines.iter_mut().find(|known| known.id == pipeline) else {
            return false;
        };
        if pipeline.stages.iter().any(|known| known.id == id) {
            return true;
        }
        // Stages that a user makes have long numbers: `7` is a slip of the pen.
        if !is_number(id) || id.len() < 4 {
            return false;
        }
        let probability = pipeline.stages[0].probability;
        pipeline
            .stages
            .push(stage(id, &format!("Stage {id}"), false, probability));
        self.assumed
            .insert(format!("{} stage {id}", kind.singular()));
        true
    }
}

fn is_number(id: &str) -> bool {
    (1..=12).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())
}

#[derive(Deserialize)]
pub(super) struct Named {
    object_type: String,
    #[serde(default)]
    pipeline: String,
}

pub(super) async fn list(desk: Desk, Path(Named { object_type, .. }): Path<Named>) -> Answer {
    let kind = desk.kind(&object_type)?;
    desk.with(|account| {
        let pipelines = account.pipelines_of(&kind).iter().enumerate();
        let shown: Vec<Value> = pipelines.map(|(at, pipeline)| pipeline.show(at)).collect();
        Ok(json::ok(&json!({ "results": shown })))
    })
}

pub(super) async fn fetch(desk: Desk, Path(named): Path<Named>) -> Answer {
    find(&desk, &named).map(|pipeline| json::ok(&pipeline))
}

pub(super) async fn stages(desk: Desk, Path(named): Path<Named>) -> Answer {
    let pipeline = find(&desk, &named)?;
    Ok(json::ok(&json!({ "results": pipeline["stages"] })))
}

fn find(desk: &Desk, named: &Named) -> Answer<Value> {
    let kind = desk.kind(&named.object_type)?;
    desk.with(|account| {
        let pipelines = account.pipelines_of(&kind).iter().enumerate();
        let mut found = pipelines.filter(|(_, pipeline)| pipeline.id == named.pipeline);
        let (at, pipeline) = found.next().ok_or_else(Refusal::no_object)?;
        Ok(pipeline.show(at))
    })
}
