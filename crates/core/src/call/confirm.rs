//! A person agrees before something is destroyed; a dry run shows what would be sent and sends nothing.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::call::{Call, Origin, Reply};
use crate::cx::Answer;
use crate::error::{Error, Fate, Kind, Result};
use crate::secret::seal::Keyring;
use crate::state::{Place, State, Trouble};

/// How long an agreement holds.
const VALID: Duration = Duration::from_mins(5);

/// What binds tokens to their use.
const USE: &str = "confirmation";

/// Seals short-lived tokens that fit one call of one caller and work once.
#[derive(Clone)]
pub struct Seal {
    keys: Keyring,
    spent: State,
}

impl Seal {
    /// For a process alone: nobody else can open its tokens, and they die with it.
    pub fn random() -> Self {
        Self::shared(Keyring::random(), State::memory())
    }

    /// For processes that have the same keys, and tell each other in `spent` what was used.
    pub fn shared(keys: Keyring, spent: State) -> Self {
        Self { keys, spent }
    }

    /// A token for the call that `bound` identifies.
    ///
    /// # Errors
    /// When the system has no random numbers to give.
    pub fn seal(&self, bound: &str) -> Result<String> {
        let now = jiff::Timestamp::now().as_second();
        self.seal_until(bound, now.saturating_add(VALID.as_secs().cast_signed()))
    }

    fn seal_until(&self, bound: &str, until: i64) -> Result<String> {
        let token = self.keys.seal(&aad(bound), &until.to_be_bytes())?;
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    /// Whether a token fits, is young enough and was not used before. Using it uses it up.
    ///
    /// # Errors
    /// When nobody can tell whether it was used before, because the store does not answer. It is not used up then.
    pub async fn open(&self, token: &str, bound: &str) -> Result<bool, Trouble> {
        let Some((token, until)) = self.read(token, bound) else {
            return Ok(false);
        };
        let left = until.saturating_sub(jiff::Timestamp::now().as_second());
        let Ok(left) = u64::try_from(left) else {
            return Ok(false);
        };
        // Remembered for a little longer than it could be used, so that no clock brings it back.
        let kept = Duration::from_secs(left) + VALID;
        let place = Place::common(USE);
        let name = URL_SAFE_NO_PAD.encode(token);
        let first = self.spent.values().lock(&place, &name, kept).await?;
        Ok(first.is_some())
    }

    fn read(&self, token: &str, bound: &str) -> Option<(Vec<u8>, i64)> {
        let token = URL_SAFE_NO_PAD.decode(token).ok()?;
        let until = self.keys.open(&aad(bound), &token).ok()?;
        let until = i64::from_be_bytes(until.try_into().ok()?);
        Some((token, until))
    }
}

fn aad(bound: &str) -> Vec<u8> {
    [USE, "\0", bound].concat().into_bytes()
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(***)")
    }
}

/// Asks before destructive calls, and handles dry runs.
#[derive(Debug, Clone)]
pub struct Confirm {
    seal: Seal,
    auto: bool,
}

impl Confirm {
    /// Seals its tokens with the key of `env`.
    pub fn new(env: &Env) -> Self {
        Self {
            seal: env.seal.clone(),
            auto: env.auto_confirm,
        }
    }
}

impl Around<Call, Reply> for Confirm {
    async fn around<S>(&self, mut call: Call, next: Next<S>) -> Result<Reply>
    where
        S: Inner<Call, Response = Reply>,
    {
        let args = serde_json::Value::Object(call.args.clone());
        let question = call.plugin.check(call.spec().name, &args)?;
        if call.options.dry_run {
            let cx = call.cx.clone().into_dry_run();
            call.cx = cx.clone();
            let outcome = next.run(call).await;
            let mut value = match (cx.take_preview(), outcome) {
                (Some(preview), _) => {
                    let mut value = json!({"dry_run": true, "request": preview.request});
                    if preview.look_up {
                        value["note"] = ONLY_LOOKS.into();
                    }
                    value
                }
                (None, Err(error)) => return Err(error),
                (None, Ok(_)) => json!({"dry_run": true, "request": null}),
            };
            value["confirmation"] = question.into();
            return Ok(Reply {
                value,
                origin: Origin::DryRun,
            });
        }
        let Some(question) = question.filter(|_| !self.auto) else {
            return next.run(call).await;
        };
        let subject = &call.cx.principal().subject;
        let bound = format!("{subject}\0{}", call.fingerprint());
        if let Some(token) = &call.options.confirm_token {
            if self.seal.open(token, &bound).await? {
                return next.run(call).await;
            }
            return Err(self
                .required(&question, &bound)?
                .with_message("The confirm_token is spent, too old, or of another call"));
        }
        let answer = tokio::select! {
            answer = call.cx.ask(&question, &bound) => answer,
            () = call.cx.cancel().cancelled() => {
                let gone = Error::new(Kind::Cancelled, "The caller gave up before the user answered");
                return Err(gone.fate(Fate::NotSent));
            }
        };
        match answer {
            Answer::Yes => next.run(call).await,
            Answer::No => Err(Error::new(
                Kind::ConfirmationDeclined,
                "The user said no; nothing was done",
            )
            .hint("Do not try again unless the user asks for it")),
            Answer::CannotAsk => Err(self.required(&question, &bound)?),
            Answer::Pending(state) => {
                Err(Error::new(Kind::ConfirmationRequired, question).detail(PENDING, state))
            }
        }
    }
}

const ONLY_LOOKS: &str =
    "This request only looks; the one that writes is made of its answer and is not shown";

/// The member of `details` that carries a transport's own pending question.
pub const PENDING: &str = "pending";

impl Confirm {
    fn required(&self, question: &str, bound: &str) -> Result<Error> {
        let token = self.seal.seal(bound)?;
        let error = Error::new(
            Kind::ConfirmationRequired,
            format!("A person has to agree first: {question}"),
        );
        Ok(error
            .detail("question", question)
            .detail("confirm_token", token)
            .detail("expires_in_secs", VALID.as_secs())
            .hint("Ask the user; once they agree, repeat the same call with `confirm_token`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::secret::key::MasterKey;

    async fn opens(seal: &Seal, token: &str, bound: &str) -> bool {
        seal.open(token, bound).await.unwrap()
    }

    #[tokio::test]
    async fn a_token_dies_of_age() {
        let seal = Seal::random();
        let now = jiff::Timestamp::now().as_second();
        let old = seal.seal_until("this", now - 1).unwrap();
        assert!(!opens(&seal, &old, "this").await);
        let young = seal.seal_until("this", now + 300).unwrap();
        assert!(opens(&seal, &young, "this").await);
        assert!(!opens(&seal, &young, "this").await, "it works once");
    }

    #[tokio::test]
    async fn a_token_fits_what_it_was_sealed_for_and_one_ring() {
        let seal = Seal::random();
        let token = seal.seal("this").unwrap();
        assert!(!opens(&seal, &token, "that").await);
        assert!(!opens(&Seal::random(), &token, "this").await);
        assert!(!opens(&seal, "", "this").await && !opens(&seal, "AAAA", "this").await);
        assert!(opens(&seal, &token, "this").await);
    }

    #[tokio::test]
    async fn what_one_replica_sealed_works_once_on_all_of_them() {
        let (key, state) = (MasterKey::generate().unwrap(), State::memory());
        let replicas = [(); 3].map(|()| Seal::shared(Keyring::new(&key, []), state.clone()));
        let token = replicas[0].seal("this").unwrap();
        assert!(opens(&replicas[1], &token, "this").await);
        for replica in &replicas {
            assert!(!opens(replica, &token, "this").await);
        }
    }

    #[tokio::test]
    async fn tokens_outlive_a_rotation_and_not_the_key_that_sealed_them() {
        let (old, new) = (
            MasterKey::generate().unwrap(),
            MasterKey::generate().unwrap(),
        );
        let ring = Keyring::new(&old, []);
        let seal = Seal::shared(ring.clone(), State::memory());
        let tokens = [(); 2].map(|()| seal.seal("this").unwrap());
        ring.replace(&Keyring::new(&new, [&old]));
        assert!(opens(&seal, &tokens[0], "this").await);
        let fresh = seal.seal("this").unwrap();
        ring.replace(&Keyring::new(&new, []));
        assert!(!opens(&seal, &tokens[1], "this").await);
        assert!(opens(&seal, &fresh, "this").await);
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", Seal::random()), "Seal(***)");
    }
}
