//! The tool contract, the two planes of middleware and the registry of Business Tools.
