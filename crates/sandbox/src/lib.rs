//! The toolbox and the runner of the provider simulators: faults, recorder, loopback server.
