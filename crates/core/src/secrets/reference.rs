//! References: a text that says where a secret is.

use std::fmt;

use super::Wrong;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `env:NAME`: a variable, of the process or of an environment file.
    Env(String),
    /// `file:/path`: a file with the secret and nothing else.
    File(String),
    /// `enc:…`: here, encrypted.
    Enc(String),
    /// In a service that is asked over the network.
    Remote(Remote),
}

/// A secret in a service.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Remote {
    /// `vault:path#key`: a key of a secret in the KV store of version 2 of HashiCorp Vault.
    Vault {
        /// Where the store is mounted.
        mount: String,
        /// The path of the secret inside it.
        path: String,
        /// The key whose value is meant.
        key: String,
    },
    /// `aws-sm:name#key`: a member of a secret that is a JSON object, or a whole secret that is a text.
    SecretsManager {
        /// Its name or ARN.
        id: String,
        /// The member that is meant.
        key: Option<String>,
    },
    /// `op://vault/item/field`: a field of an item of 1Password.
    OnePassword {
        /// Name or id.
        vault: String,
        /// Title or id.
        item: String,
        /// Label or id.
        section: Option<String>,
        /// Label or id.
        field: String,
    },
}

/// The reference as it is written; an encrypted secret shows its key alone.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(file) => write!(f, "file:{file}"),
            Self::Enc(text) => {
                let key = text.split('.').nth(1).unwrap_or_default();
                write!(f, "enc:v1.{key}.…")
            }
            Self::Remote(remote) => remote.fmt(f),
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vault { mount, path, key } => {
                let slashes = if mount.contains('/') { "//" } else { "/" };
                write!(f, "vault:{mount}{slashes}{path}#{key}")
            }
            Self::SecretsManager { id, key: Some(key) } => write!(f, "aws-sm:{id}#{key}"),
            Self::SecretsManager { id, key: None } => write!(f, "aws-sm:{id}"),
            Self::OnePassword {
                vault,
                item,
                section,
                field,
            } => {
                write!(f, "op://{vault}/{item}/")?;
                if let Some(section) = section {
                    write!(f, "{section}/")?;
                }
                f.write_str(field)
            }
        }
    }
}

/// A service that keeps secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// HashiCorp Vault, and what speaks like it.
    Vault,
    /// AWS Secrets Manager.
    SecretsManager,
    /// 1Password Connect.
    OnePassword,
}

impl Service {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Vault, Self::SecretsManager, Self::OnePassword];

    /// As people write it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Vault => "Vault",
            Self::SecretsManager => "AWS Secrets Manager",
            Self::OnePassword => "1Password Connect",
        }
    }

    /// Its row on the health page.
    pub const fn row(self) -> &'static str {
        match self {
            Self::Vault => "secrets_vault",
            Self::SecretsManager => "secrets_aws_secrets_manager",
            Self::OnePassword => "secrets_1password",
        }
    }
}

impl Remote {
    /// The service that has it.
    pub const fn service(&self) -> Service {
        match self {
            Self::Vault { .. } => Service::Vault,
            Self::SecretsManager { .. } => Service::SecretsManager,
            Self::OnePassword { .. } => Service::OnePassword,
        }
    }

    /// What is fetched as a whole to find the secret in it.
    #[cfg(feature = "http")]
    pub(super) fn document(&self) -> (&str, &str) {
        match self {
            Self::Vault { mount, path, .. } => (mount, path),
            Self::SecretsManager { id, .. } => (id, ""),
            Self::OnePassword { vault, item, .. } => (vault, item),
        }
    }
}

/// Scheme and form of every reference.
const FORMS: &[(&str, &str)] = &[
    ("env:", "env:NAME"),
    ("file:", "file:/path"),
    (
        "enc:",
        "enc:v1.KEY.TEXT, as `business-tools-mcp secrets encrypt` prints it",
    ),
    (
        "vault:",
        "vault:MOUNT/PATH#KEY, such as vault:secret/twilio#auth_token",
    ),
    (
        "aws-sm:",
        "aws-sm:NAME#KEY, such as aws-sm:prod/twilio#auth_token",
    ),
    (
        "op://",
        "op://VAULT/ITEM/FIELD or op://VAULT/ITEM/SECTION/FIELD",
    ),
];

impl Reference {
    /// Reads a reference; `None` when the text is the secret itself.
    ///
    /// # Errors
    /// When it is meant as a reference and is none. The text is not quoted: it may be a secret after all.
    pub fn parse(text: &str) -> Result<Option<Self>, Wrong> {
        let Some((scheme, form)) = FORMS.iter().find(|(scheme, _)| text.starts_with(scheme)) else {
            return nearly(text).map_or(Ok(None), Err);
        };
        let rest = &text[scheme.len()..];
        let reference = match *scheme {
            "env:" => is_name(rest).then(|| Self::Env(rest.to_owned())),
            "file:" => {
                // `file:///path` is the same file.
                let path = rest.strip_prefix("//").unwrap_or(rest);
                (!path.is_empty()).then(|| Self::File(path.to_owned()))
            }
            "enc:" => crate::secret::seal::bytes_of(text)
                .is_ok()
                .then(|| Self::Enc(text.to_owned())),
            "vault:" => vault(rest).map(Self::Remote),
            "aws-sm:" => secrets_manager(rest).map(Self::Remote),
            _ => one_password(rest).map(Self::Remote),
        };
        reference.map(Some).ok_or_else(|| {
            Wrong::new(
                format!("is a `{scheme}` reference that cannot be read"),
                format!("write {form}"),
            )
        })
    }
}

/// A text that somebody must have meant as a reference.
fn nearly(text: &str) -> Option<Wrong> {
    let (scheme, _) = text.split_once(':')?;
    let known = match scheme
        .trim()
        .to_ascii_lowercase()
        .replace('_', "-")
        .as_str()
    {
        "env" => "env:",
        "file" => "file:",
        "enc" => "enc:",
        "vault" => "vault:",
        "aws-sm" | "awssm" => "aws-sm:",
        "op" => "op://",
        _ => return None,
    };
    let (_, form) = FORMS.iter().find(|(scheme, _)| *scheme == known)?;
    Some(Wrong::new(
        format!("looks like a `{known}` reference and is not written like one"),
        format!("write {form}; a secret that begins so is given by env: or file:"),
    ))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether every segment leads down, and none anywhere else.
fn is_path(text: &str) -> bool {
    text.split('/').all(is_segment)
}

fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.chars().any(char::is_control)
}

fn vault(rest: &str) -> Option<Remote> {
    let (place, key) = rest.rsplit_once('#')?;
    // The mount is the first segment, or all that stands before a double slash.
    let (mount, path) = place.split_once("//").or_else(|| place.split_once('/'))?;
    let good = is_path(mount) && is_path(path) && is_segment(key);
    good.then(|| Remote::Vault {
        mount: mount.to_owned(),
        path: path.to_owned(),
        key: key.to_owned(),
    })
}

fn secrets_manager(rest: &str) -> Option<Remote> {
    let (id, key) = match rest.split_once('#') {
        Some((id, key)) => (id, Some(key)),
        None => (rest, None),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-!:".contains(c);
    let good = !id.is_empty() && id.len() <= 2048 && id.chars().all(allowed);
    (good && key.is_none_or(is_segment)).then(|| Remote::SecretsManager {
        id: id.to_owned(),
        key: key.map(str::to_owned),
    })
}

fn one_password(rest: &str) -> Option<Remote> {
    let parts: Vec<&str> = rest.split('/').collect();
    // An attribute such as `?attribute=otp` asks for what changes every half minute.
    if rest.contains('?') || !parts.iter().all(|part| is_segment(part.trim())) {
        return None;
    }
    let (vault, item, section, field) = match parts.as_slice() {
        [vault, item, field] => (vault, item, None, field),
        [vault, item, section, field] => (vault, item, Some((*section).to_owned()), field),
        _ => return None,
    };
    Some(Remote::OnePassword {
        vault: (*vault).to_owned(),
        item: (*item).to_owned(),
        section,
        field: (*field).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(text: &str) -> Remote {
        match Reference::parse(text) {
            Ok(Some(Reference::Remote(remote))) => remote,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn each_form_is_read() {
        let parse = |text| Reference::parse(text).unwrap();
        assert_eq!(parse("env:NAME"), Some(Reference::Env("NAME".into())));
        assert_eq!(parse("file:x/y"), Some(Reference::File("x/y".into())));
        assert_eq!(parse("file:///x"), Some(Reference::File("/x".into())));
        let vault = |mount: &str, path: &str| Remote::Vault {
            mount: mount.into(),
            path: path.into(),
            key: "k".into(),
        };
        assert_eq!(remote("vault:secret/a/b#k"), vault("secret", "a/b"));
        assert_eq!(remote("vault:team/kv//a/b#k"), vault("team/kv", "a/b"));
        let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/x-AbCdEf";
        for (text, id, key) in [
            ("aws-sm:prod/x#k", "prod/x", Some("k")),
            ("aws-sm:prod/x", "prod/x", None),
            (&format!("aws-sm:{arn}#k"), arn, Some("k")),
        ] {
            let want = Remote::SecretsManager {
                id: id.into(),
                key: key.map(Into::into),
            };
            assert_eq!(remote(text), want);
        }
        let op = |section: Option<&str>| Remote::OnePassword {
            vault: "Ops Team".into(),
            item: "Twilio".into(),
            section: section.map(Into::into),
            field: "token".into(),
        };
        assert_eq!(remote("op://Ops Team/Twilio/token"), op(None));
        assert_eq!(remote("op://Ops Team/Twilio/API/token"), op(Some("API")));
        for text in [
            "env:A",
            "file:/x",
            "vault:a/b//c#d",
            "aws-sm:a#b",
            "aws-sm:a",
            "op://a/b/c/d",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_secret_itself_is_no_reference() {
        for text in [
            "",
            "AC123",
            "mongodb://u:p@h/x",
            "https://x",
            "vaulted:x",
            "a b:c",
        ] {
            assert_eq!(Reference::parse(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn what_is_meant_as_a_reference_is_told_its_form() {
        for (text, form) in [
            ("env:", "env:NAME"),
            ("env:a-b", "env:NAME"),
            ("ENV:CANARY", "env:NAME"),
            ("file:", "file:/path"),
            ("enc:CANARY", "secrets encrypt"),
            ("vault:CANARY", "vault:MOUNT/PATH#KEY"),
            ("vault:CANARY/x", "vault:MOUNT/PATH#KEY"),
            ("vault:CANARY#x", "vault:MOUNT/PATH#KEY"),
            ("vault:CANARY/x#", "vault:MOUNT/PATH#KEY"),
            ("vault://CANARY/x#y", "vault:MOUNT/PATH#KEY"),
            ("vault:/CANARY/x#y", "vault:MOUNT/PATH#KEY"),
            ("vault:a/../CANARY#y", "vault:MOUNT/PATH#KEY"),
            ("Vault:CANARY/x#y", "vault:MOUNT/PATH#KEY"),
            ("aws-sm:", "aws-sm:NAME#KEY"),
            ("aws-sm:CANARY#", "aws-sm:NAME#KEY"),
            ("aws-sm:CAN ARY#x", "aws-sm:NAME#KEY"),
            ("aws_sm:CANARY#x", "aws-sm:NAME#KEY"),
            ("op:CANARY/x/y", "op://VAULT/ITEM/FIELD"),
            ("op:/CANARY/x/y", "op://VAULT/ITEM/FIELD"),
            ("op://CANARY/x", "op://VAULT/ITEM/FIELD"),
            ("op://CANARY//y", "op://VAULT/ITEM/FIELD"),
            ("op://CANARY/x/y/z/w", "op://VAULT/ITEM/FIELD"),
            ("op://CANARY/x/y?attribute=otp", "op://VAULT/ITEM/FIELD"),
        ] {
            let wrong = Reference::parse(text).unwrap_err();
            assert!(wrong.remedy.contains(form), "{text}: {wrong:?}");
            assert!(
                !format!("{wrong:?}").contains("CANARY"),
                "{text}: {wrong:?}"
            );
        }
    }
}
