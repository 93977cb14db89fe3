//! A person agrees before something is destroyed; a dry run shows what would be sent and sends nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{collections::HashMap, fmt};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::call::{Call, Origin, Reply};
use crate::cx::Answer;
use crate::error::{Error, Fate, Kind, Result};

/// How long an agreement holds.
const VALID: Duration = Duration::from_mins(5);

/// Seals short-lived tokens that fit one call of one caller and work once.
#[derive(Clone)]
pub struct Seal {
    key: Arc<[u8; 32]>,
    used: Arc<Mutex<HashMap<[u8; 12], jiff::Timestamp>>>,
}

impl Seal {
    /// A key of this process alone.
    pub fn random() -> Self {
        let mut key = [0; 32];
        key[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        key[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        Self::with_key(key)
    }

    /// A key that several processes share.
    pub fn with_key(key: [u8; 32]) -> Self {
        Self {
            key: Arc::new(key),
            used: Arc::default(),
        }
    }

    /// The key, for the transport's own sealed states.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    fn mac(&self, head: &[u8], bound: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key[..]).ok()?;
        mac.update(b"confirm\0");
        mac.update(head);
        mac.update(bound.as_bytes());
        Some(mac)
    }

    /// A token for the call that `bound` identifies.
    pub fn seal(&self, bound: &str) -> String {
        let now = jiff::Timestamp::now().as_second();
        self.seal_until(bound, now.saturating_add(VALID.as_secs().cast_signed()))
    }

    fn seal_until(&self, bound: &str, until: i64) -> String {
        let mut token = until.to_be_bytes().to_vec();
        token.extend(&uuid::Uuid::new_v4().as_bytes()[..12]);
        if let Some(mac) = self.mac(&token, bound) {
            token.extend(mac.finalize().into_bytes());
        }
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Whether a token fits, is young enough and was not used before. Using it uses it up.
    pub fn open(&self, token: &str, bound: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else {
            return false;
        };
        let Some((head, tag)) = bytes.split_at_checked(20) else {
            return false;
        };
        let (Ok(until), Ok(nonce)) = (
            <[u8; 8]>::try_from(&head[..8]),
            <[u8; 12]>::try_from(&head[8..]),
        ) else {
            return false;
        };
        if self
            .mac(head, bound)
            .is_none_or(|mac| mac.verify_slice(tag).is_err())
        {
            return false;
        }
        let now = jiff::Timestamp::now();
        if i64::from_be_bytes(until) < now.as_second() {
            return false;
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, at| now.as_second() - at.as_second() <= VALID.as_secs().cast_signed());
        used.insert(nonce, now).is_none()
    }
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
            if self.seal.open(token, &bound) {
                return next.run(call).await;
            }
            return Err(self
                .required(&question, &bound)
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
            Answer::CannotAsk => Err(self.required(&question, &bound)),
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
    fn required(&self, question: &str, bound: &str) -> Error {
        Error::new(
            Kind::ConfirmationRequired,
            format!("A person has to agree first: {question}"),
        )
        .detail("question", question)
        .detail("confirm_token", self.seal.seal(bound))
        .detail("expires_in_secs", VALID.as_secs())
        .hint("Ask the user; once they agree, repeat the same call with `confirm_token`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_dies_of_age() {
        let seal = Seal::random();
        let now = jiff::Timestamp::now().as_second();
        let old = seal.seal_until("this", now - 1);
        assert!(!seal.open(&old, "this"));
        let young = seal.seal_until("this", now + 300);
        assert!(seal.open(&young, "this"));
        assert!(!seal.open(&young, "this"), "it works once");
    }

    #[test]
    fn a_token_fits_what_it_was_sealed_for_and_one_key() {
        let key = Seal::with_key([7; 32]);
        let twin = Seal::with_key([7; 32]);
        assert!(twin.open(&key.seal("this"), "this"));
        assert!(!key.open(&key.seal("this"), "that"));
        assert!(!Seal::random().open(&key.seal("this"), "this"));
        assert!(!key.open("", "this") && !key.open("AAAA", "this"));
    }

    #[test]
    fn what_is_spent_is_remembered_only_while_it_could_be_used() {
        let seal = Seal::random();
        let long_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(301);
        for n in 0..12_u8 {
            seal.used.lock().unwrap().insert([n; 12], long_ago);
        }
        assert!(seal.open(&seal.seal("this"), "this"));
        assert_eq!(seal.used.lock().unwrap().len(), 1);
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", Seal::with_key([65; 32])), "Seal(***)");
    }
}
