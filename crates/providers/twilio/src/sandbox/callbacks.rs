//! Status callbacks: what Twilio tells an application while its messages and calls move on.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use business_tools_sandbox::axum::http::Method;
use business_tools_sandbox::callback::Failed;
use business_tools_sandbox::{Callback, Form, Outbox, clock, ids};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use super::messages::{Refusal, is_web, refuse};
use super::state::{Account, Call, Message, STEP};
use super::{TOKEN, World};

/// Where an application wants to be told.
#[derive(Clone)]
pub(super) struct Target {
    /// As it was given, less the fragment that says how to connect.
    url: String,
    method: Method,
    /// How often a connection that failed is tried again.
    retries: u8,
}

impl Target {
    /// Reads `StatusCallback` and `StatusCallbackMethod`.
    pub(super) fn of(form: &Form, invalid: u32) -> Result<Option<Self>, Refusal> {
        let method = match form.given("StatusCallbackMethod") {
            None | Some("POST") => Method::POST,
            Some("GET") => Method::GET,
            Some(other) => {
                return refuse(21403, format!("StatusCallbackMethod is not valid: {other}"));
            }
        };
        match form.given("StatusCallback") {
            None => Ok(None),
            Some(url) if !is_web(url) => refuse(
                invalid,
                format!("The 'StatusCallback' URL {url} is not a valid URL."),
            ),
            Some(given) => {
                let (url, fragment) = given.split_once('#').unwrap_or((given, ""));
                let retries = Form::parse(fragment)
                    .get("rc")
                    .and_then(|count| count.parse().ok());
                Ok(Some(Self {
                    url: url.to_owned(),
                    method,
                    retries: retries.unwrap_or(1).min(5),
                }))
            }
        }
    }

    /// Signed with the account's own token, whatever the request was signed with that brought this about.
    async fn tell(&self, outbox: &Outbox, token: &str, form: &Form) {
        let retry_token = ids::hex32("");
        for _ in 0..=self.retries {
            let callback = self
                .request(token, form)
                .header("I-Twilio-Idempotency-Token", &retry_token)
                .header("User-Agent", "TwilioProxy/1.1");
            let outcome = outbox.send(callback).await;
            // What was heard, or answered with an error, is not told again.
            if !matches!(outcome, Err(Failed::Connect)) {
                return;
            }
        }
    }

    fn request(&self, token: &str, form: &Form) -> Callback {
        if self.method == Method::GET {
            let joint = if self.url.contains('?') { '&' } else { '?' };
            let url = format!("{}{joint}{}", self.url, form.encode());
            let signature = sign(token, &url, &Form::default());
            return Callback::new(Method::GET, &url).header("X-Twilio-Signature", &signature);
        }
        let signature = sign(token, &self.url, form);
        Callback::post(&self.url)
            .form(form)
            .header("X-Twilio-Signature", &signature)
    }
}

/// `X-Twilio-Signature`: the URL, then name and value of each parameter in the order of the names; a repeated
/// parameter has each of its values once and in order.
fn sign(token: &str, url: &str, form: &Form) -> String {
    let mut parameters: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in form.iter() {
        parameters.entry(name).or_default().insert(value);
    }
    let mut data = url.to_owned();
    for (name, values) in parameters {
        for value in values {
            data.push_str(name);
            data.push_str(value);
        }
    }
    // A key of any length is a key.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.as_bytes()) else {
        return String::new();
    };
    mac.update(data.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// What is new about a thing, and whether more will come.
struct News {
    forms: Vec<Form>,
    over: bool,
}

/// Tells of a message from now on.
pub(super) fn of_message(world: &World, outbox: &Outbox, account: &str, sid: &str) {
    follow(world, outbox, account, sid, |account, name, sid| {
        let message = account.messages.get_mut(sid)?;
        let target = message.callback.clone()?;
        let mut forms = Vec::new();
        for status in message.news() {
            // These two are what the answer to the request says.
            if !matches!(status, "accepted" | "scheduled") {
                forms.push(about_message(message, name, status));
            }
        }
        // A scheduled message waits for as long as it takes; cancelling it tells.
        let over = message.is_over();
        Some((target, News { forms, over }))
    });
}

/// Tells of a call from now on.
pub(super) fn of_call(world: &World, outbox: &Outbox, account: &str, sid: &str) {
    follow(world, outbox, account, sid, |account, name, sid| {
        let call = account.calls.get_mut(sid)?;
        let target = call.callback.clone()?;
        let mut forms = Vec::new();
        for state in call.news() {
            let events: &[(&str, &str)] = match state {
                "queued" => &[],
                "ringing" => &[("initiated", "initiated"), ("ringing", "ringing")],
                "in-progress" => &[("answered", state)],
                // Also when it was cancelled, or nobody answered.
                _ => &[("completed", state)],
            };
            for (event, status) in events {
                if call.events.contains(*event) {
                    forms.push(about_call(call, name, status));
                    call.sequence += 1;
                }
            }
        }
        let over = call.is_over();
        Some((target, News { forms, over }))
    });
}

fn follow(
    world: &World,
    outbox: &Outbox,
    account: &str,
    sid: &str,
    look: impl Fn(&mut Account, &str, &str) -> Option<(Target, News)> + Send + 'static,
) {
    let (world, to) = (World::clone(world), outbox.clone());
    let (name, sid) = (account.to_owned(), sid.to_owned());
    outbox.follow(async move {
        loop {
            let seen = world.with(&name, |account| {
                let token = account.auth_token.clone();
                Some((look(account, &name, &sid)?, token))
            });
            // It was deleted.
            let Some(((target, news), token)) = seen else {
                return;
            };
            for form in news.forms {
                target
                    .tell(&to, token.as_deref().unwrap_or(TOKEN), &form)
                    .await;
            }
            if news.over {
                return;
            }
            tokio::time::sleep(STEP / 4).await;
        }
    });
}

fn about_message(message: &Message, account: &str, status: &str) -> Form {
    let mut pairs = vec![
        ("SmsSid", message.sid.clone()),
        ("SmsStatus", status.to_owned()),
        ("MessageStatus", status.to_owned()),
        ("To", message.to.clone()),
    ];
    if let Some(service) = &message.service {
        pairs.push(("MessagingServiceSid", service.clone()));
    }
    pairs.push(("MessageSid", message.sid.clone()));
    pairs.push(("AccountSid", account.to_owned()));
    if let Some(from) = &message.from {
        pairs.push(("From", from.clone()));
    }
    pairs.push(("ApiVersion", "2010-04-01".to_owned()));
    if let Some((code, _)) = message.failure().filter(|_| status == message.status()) {
        pairs.push(("ErrorCode", code.to_string()));
    }
    pairs.into_iter().collect()
}

fn about_call(call: &Call, account: &str, status: &str) -> Form {
    let mut pairs = vec![
        ("AccountSid", account.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("CallbackSource", "call-progress-events".to_owned()),
        ("Called", call.to.clone()),
        ("Caller", call.from.clone()),
        ("CallSid", call.sid.clone()),
        ("CallStatus", status.to_owned()),
        ("Direction", "outbound-api".to_owned()),
        ("From", call.from.clone()),
        ("SequenceNumber", call.sequence.to_string()),
        ("Timestamp", clock::rfc2822(clock::now())),
        ("To", call.to.clone()),
    ];
    if status == "completed" {
        // Billed by the minute, begun or not.
        pairs.push(("CallDuration", "3".to_owned()));
        pairs.push(("Duration", "1".to_owned()));
        if call.record {
            let url = format!(
                "https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{}",
                call.recording
            );
            pairs.push(("RecordingSid", call.recording.clone()));
            pairs.push(("RecordingUrl", url));
            pairs.push(("RecordingDuration", "3".to_owned()));
        }
    }
    pairs.into_iter().collect()
}

/// The events that `StatusCallbackEvent` asks for, repeated or in one word list; the end alone when it asks for
/// none.
pub(super) fn events(form: &Form) -> BTreeSet<String> {
    let asked: BTreeSet<String> = form
        .all("StatusCallbackEvent")
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect();
    if asked.is_empty() {
        return BTreeSet::from(["completed".to_owned()]);
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_twilios_own_library_makes() {
        let form: Form = [
            ("Digits", "1234"),
            ("CallSid", "CA1234567890ABCDE"),
            ("To", "+18005551212"),
            ("Caller", "+14158675310"),
            ("From", "+14158675310"),
        ]
        .into_iter()
        .collect();
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(sign("12345", url, &form), "GvWf1cFY/Q7PnoempGyD5oXAezc=");
        let hash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
        let url = format!("https://mycompany.com/myapp.php?bodySHA256={hash}");
        let bare = sign("12345", &url, &Form::default());
        assert_eq!(bare, "y77kIzt2vzLz71DgmJGsen2scGs=");
    }

    #[test]
    fn a_repeated_parameter_is_signed_once_for_each_value() {
        let twice: Form = [("A", "b"), ("A", "a"), ("A", "b")].into_iter().collect();
        let once: Form = [("A", "a"), ("A", "b")].into_iter().collect();
        assert_eq!(sign("t", "http://x", &twice), sign("t", "http://x", &once));
    }

    #[test]
    fn a_fragment_says_how_to_connect_and_is_no_part_of_the_url() {
        let form = |url: &str| [("StatusCallback", url)].into_iter().collect::<Form>();
        let read = |url: &str| Target::of(&form(url), 1).unwrap().unwrap();
        let target = read("http://localhost/x?a=1#rc=3&rt=100");
        assert_eq!(
            (target.url.as_str(), target.retries),
            ("http://localhost/x?a=1", 3)
        );
        assert_eq!(read("http://localhost/").retries, 1);
        assert_eq!(read("http://localhost/#rc=99").retries, 5);
        assert!(Target::of(&form("hook"), 1).is_err());
    }
}
