//! What replicas tell each other.

use bytes::Bytes;

/// Something that another replica told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Results of cached reads are stale.
    Forget(Bytes),
    /// A circuit opened or closed.
    Circuit(Bytes),
    /// Others may have told something that did not arrive.
    Missed,
}

impl Notice {
    /// As it travels: who tells, what it is about, and what.
    #[cfg(any(test, feature = "redis"))]
    pub(crate) fn write(&self, instance: &str) -> Vec<u8> {
        let (topic, body): (u8, &[u8]) = match self {
            Self::Forget(body) => (b'f', body),
            Self::Circuit(body) => (b'c', body),
            Self::Missed => (b'm', &[]),
        };
        [instance.as_bytes(), &[topic], body].concat()
    }

    /// What another one wrote; nothing of one's own, nor of what is not understood.
    #[cfg(any(test, feature = "redis"))]
    pub(crate) fn read(bytes: &[u8], instance: &str) -> Option<Self> {
        let (from, told) = bytes.split_at_checked(instance.len())?;
        if from == instance.as_bytes() {
            return None;
        }
        let (topic, body) = told.split_first()?;
        let body = Bytes::copy_from_slice(body);
        match topic {
            b'f' => Some(Self::Forget(body)),
            b'c' => Some(Self::Circuit(body)),
            b'm' => Some(Self::Missed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_read_what_was_written_and_nobody_hears_himself() {
        for notice in [
            Notice::Forget("a".into()),
            Notice::Circuit(Bytes::new()),
            Notice::Missed,
        ] {
            let bytes = notice.write("one");
            assert_eq!(Notice::read(&bytes, "two"), Some(notice));
            assert_eq!(Notice::read(&bytes, "one"), None);
        }
        assert_eq!(Notice::read(b"oneXfuture", "two"), None);
        assert_eq!(Notice::read(b"on", "two"), None);
    }
}
