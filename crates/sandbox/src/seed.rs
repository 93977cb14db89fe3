//! What the simulators hold before anybody uses them.

use std::fmt;
use std::str::FromStr;

/// What a [`Sandbox`](crate::Sandbox) starts with, and goes back to on `POST /_sandbox/reset`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seed {
    /// Only what every account has.
    #[default]
    Empty,
    /// Besides, a small company at work in the account of the simulator's own configuration.
    Demo,
}

impl Seed {
    /// Every seed.
    pub const ALL: [Self; 2] = [Self::Empty, Self::Demo];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Demo => "demo",
        }
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Seed {
    type Err = UnknownSeed;

    fn from_str(name: &str) -> Result<Self, UnknownSeed> {
        let named = |seed: &Self| seed.as_str() == name;
        Self::ALL.into_iter().find(named).ok_or(UnknownSeed)
    }
}

/// No seed has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownSeed;

impl fmt::Display for UnknownSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is `empty` and `demo`")
    }
}

impl std::error::Error for UnknownSeed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_found_by_its_name() {
        for seed in Seed::ALL {
            assert_eq!(seed.to_string().parse(), Ok(seed));
        }
        assert_eq!("Demo".parse::<Seed>(), Err(UnknownSeed));
        assert_eq!(Seed::default(), Seed::Empty);
    }
}
