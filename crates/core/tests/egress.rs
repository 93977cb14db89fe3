//! The attempt plane: retries, breaker, limits and time-outs, each seen from outside through the whole stack.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use business_tools_core::{
    Backoff, Cx, Error, Fate, Kind, Policy, Principal, Quota, Repeat, Trip, secs,
};
use common::{Answered, Ask, Step, World, down, ms, tenant, too_many, unreachable_host};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

type Egress = business_tools_core::Egress<Ask, Answered>;

const PATIENT: Policy = Policy {
    // Only the tests about the breaker want one.
    breaker: Trip {
        failures: u32::MAX,
        recovery: secs(60),
    },
    attempt_timeout: secs(10),
    deadline: secs(300),
    ..Policy::DEFAULT
};

fn world() -> Arc<World> {
    Arc::default()
}

fn within(time: Duration) -> Cx {
    Cx::builder(Principal::local())
        .deadline(Instant::now() + time)
        .build()
}

async fn read(egress: &Egress, cx: &Cx) -> Result<Answered, Error> {
    egress.send_as(cx, Repeat::Safe, Ask("read".into())).await
}

async fn write(egress: &Egress, cx: &Cx) -> Result<Answered, Error> {
    egress
        .send_as(cx, Repeat::IfUnprocessed, Ask("write".into()))
        .await
}

fn kind<T>(outcome: Result<T, Error>) -> Kind {
    match outcome {
        Ok(_) => panic!("it went well"),
        Err(error) => error.kind(),
    }
}

type Case = (&'static str, fn() -> Error, usize, Kind);

// Retry

#[tokio::test(start_paused = true)]
async fn waits_are_drawn_between_nothing_and_a_growing_bound() {
    let mut waits = Vec::new();
    for _ in 0..100 {
        let world = world();
        world.always(|| Step::Fail(down()));
        let egress = world.egress(Policy {
            retry: Backoff {
                attempts: 4,
                base: ms(200),
                multiplier: 2.0,
                max: ms(500),
            },
            ..PATIENT
        });
        let started = Instant::now();
        let error = read(&egress, &within(secs(60))).await.err().unwrap();
        waits.push(started.elapsed());
        assert_eq!(world.seen().len(), 4);
        assert_eq!(error.details()["attempts"], 4);
        assert!(!error.is_temporary());
    }
    let most = waits.iter().max().unwrap();
    // 200 + 400 + 500: the third bound is cut off. The clock counts whole milliseconds, rounded up.
    assert!(*most <= ms(1103), "{most:?}");
    let sum: Duration = waits.iter().sum();
    let mean = sum / 100;
    assert!(mean > ms(450) && mean < ms(650), "{mean:?}");
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_the_provider_asks_for_is_kept() {
    let world = world();
    world
        .then(Step::Fail(too_many(Some(secs(3)))))
        .then(Step::Fail(too_many(Some(secs(2)))));
    let egress = world.egress(PATIENT);
    let started = Instant::now();
    read(&egress, &within(secs(60))).await.unwrap();
    let took = started.elapsed();
    assert!(took >= secs(5) && took < ms(5020), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_told_and_not_waited() {
    let world = world();
    world.always(|| Step::Fail(too_many(Some(secs(30)))));
    let started = Instant::now();
    let error = read(&world.egress(PATIENT), &within(secs(10)))
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), Kind::RateLimited);
    assert_eq!(error.wait(), Some(secs(30)));
    assert!(error.is_retryable());
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_absurd_wait_holds_nobody_without_a_deadline() {
    let world = world();
    world.always(|| Step::Fail(too_many(Some(Duration::MAX))));
    let started = Instant::now();
    let error = read(&world.egress(PATIENT), &Cx::local())
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), Kind::RateLimited);
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_budget_keeps_retries_from_multiplying_an_outage() {
    let world = world();
    world.always(|| Step::Fail(down()));
    let egress = world.egress(PATIENT);
    for _ in 0..500 {
        let _ = read(&egress, &within(secs(60))).await;
    }
    // 20 saved up, and one earned by ten requests.
    let requests = world.seen().len();
    assert!((500 + 60..=500 + 20 + 50).contains(&requests), "{requests}");
}

#[tokio::test(start_paused = true)]
async fn a_write_goes_out_again_only_when_it_was_not_processed() {
    let cases: [Case; 6] = [
        ("no connection", unreachable_host, 3, Kind::Unavailable),
        ("429", || too_many(None), 3, Kind::RateLimited),
        ("lost", down, 1, Kind::OutcomeUnknown),
        (
            "broken",
            || Error::new(Kind::BadUpstreamResponse, "half"),
            1,
            Kind::OutcomeUnknown,
        ),
        (
            "500",
            || Error::new(Kind::UpstreamError, "oops"),
            1,
            Kind::UpstreamError,
        ),
        (
            "refused",
            || Error::new(Kind::InvalidRequest, "no"),
            1,
            Kind::InvalidRequest,
        ),
    ];
    for (name, error, attempts, want) in cases {
        let world = world();
        for _ in 0..5 {
            world.then(Step::Fail(error()));
        }
        let error = write(&world.egress(PATIENT), &within(secs(60)))
            .await
            .err()
            .unwrap();
        assert_eq!(error.kind(), want, "{name}");
        assert_eq!(world.seen().len(), attempts, "{name}");
        if want == Kind::OutcomeUnknown {
            assert!(!error.is_retryable() && error.wait().is_none());
            assert_eq!(error.code(), "ACME_OUTCOME_UNKNOWN");
            assert!(error.hint_text().unwrap().contains("before you try again"));
        }
        if want == Kind::UpstreamError {
            assert!(!error.is_retryable());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_never_answered_has_an_unknown_outcome() {
    let world = world();
    world.always(|| Step::Hang);
    let started = Instant::now();
    let error = write(&world.egress(PATIENT), &within(secs(60)))
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), Kind::OutcomeUnknown);
    assert_eq!(error.details()["cause"], "TIMEOUT");
    assert_eq!((world.seen().len(), started.elapsed()), (1, secs(10)));
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_wait_for_another_try() {
    let world = world();
    world.always(|| Step::Fail(too_many(Some(secs(20)))));
    let egress = world.egress(PATIENT);
    let token = CancellationToken::new();
    let cx = Cx::builder(Principal::local())
        .cancel(token.clone())
        .build();
    let started = Instant::now();
    let (outcome, ()) = tokio::join!(write(&egress, &cx), async {
        tokio::time::sleep(secs(1)).await;
        token.cancel();
    });
    let error = outcome.err().unwrap();
    assert_eq!(
        (error.kind(), error.what_became()),
        (Kind::Cancelled, Fate::Refused)
    );
    assert_eq!((world.seen().len(), started.elapsed()), (1, secs(1)));
}

// Time-out

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_tried_again() {
    let world = world();
    world.then(Step::Hang).then(Step::Give(json!(1)));
    let started = Instant::now();
    read(&world.egress(PATIENT), &within(secs(60)))
        .await
        .unwrap();
    assert!(started.elapsed() >= secs(10) && started.elapsed() < ms(10_300));
    assert_eq!(world.seen().len(), 2);
    assert_eq!(world.in_flight.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_with_the_call() {
    let world = world();
    world.always(|| Step::Hang);
    let started = Instant::now();
    let outcome = read(&world.egress(PATIENT), &within(secs(4))).await;
    assert_eq!(kind(outcome), Kind::Timeout);
    assert_eq!((world.seen().len(), started.elapsed()), (1, secs(4)));
}

// Breaker

const TRIPS: Policy = Policy {
    breaker: Trip {
        failures: 5,
        recovery: secs(60),
    },
    attempt_timeout: secs(10),
    ..Policy::DEFAULT
};

#[tokio::test(start_paused = true)]
async fn the_circuit_opens_during_the_second_call_and_ends_its_retrying() {
    let world = world();
    world.always(|| Step::Fail(down()));
    let egress = world.egress(TRIPS);
    assert_eq!(
        kind(read(&egress, &within(secs(60))).await),
        Kind::Unavailable
    );
    assert_eq!(world.seen().len(), 3);
    let error = read(&egress, &within(secs(60))).await.err().unwrap();
    assert_eq!(error.kind(), Kind::CircuitOpen);
    assert_eq!(world.seen().len(), 5);
    assert!(error.is_retryable() && error.wait().unwrap() > secs(58));
    // Nothing goes out, and nobody waits.
    let started = Instant::now();
    assert_eq!(
        kind(read(&egress, &within(secs(60))).await),
        Kind::CircuitOpen
    );
    assert_eq!((world.seen().len(), started.elapsed()), (5, Duration::ZERO));
}

async fn opened(world: &Arc<World>) -> Egress {
    let egress = world.egress(TRIPS);
    for _ in 0..5 {
        world.then(Step::Fail(down()));
    }
    let _ = read(&egress, &within(secs(60))).await;
    assert_eq!(
        kind(read(&egress, &within(secs(60))).await),
        Kind::CircuitOpen
    );
    egress
}

#[tokio::test(start_paused = true)]
async fn after_a_while_one_probe_goes_out_and_closes_the_circuit() {
    let world = world();
    let egress = opened(&world).await;
    tokio::time::sleep(secs(61)).await;
    world.then(Step::After(secs(1), Box::new(Step::Give(json!(1)))));
    let cx = within(secs(60));
    let all = join_all((0..10).map(|_| read(&egress, &cx))).await;
    assert_eq!(all.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(world.seen().len(), 6);
    let all = join_all((0..10).map(|_| read(&egress, &cx))).await;
    assert!(all.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_opens_the_circuit_again() {
    let world = world();
    let egress = opened(&world).await;
    tokio::time::sleep(secs(61)).await;
    world.then(Step::Fail(down()));
    assert_eq!(
        kind(read(&egress, &within(secs(60))).await),
        Kind::CircuitOpen
    );
    assert_eq!(world.seen().len(), 6);
    tokio::time::sleep(secs(30)).await;
    assert_eq!(
        kind(read(&egress, &within(secs(60))).await),
        Kind::CircuitOpen
    );
    tokio::time::sleep(secs(31)).await;
    assert!(read(&egress, &within(secs(60))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_makes_room_for_the_next() {
    let world = world();
    let egress = opened(&world).await;
    tokio::time::sleep(secs(61)).await;
    world.then(Step::Hang);
    let cx = within(secs(60));
    let dropped = tokio::time::timeout(secs(1), read(&egress, &cx)).await;
    assert!(dropped.is_err());
    assert!(read(&egress, &within(secs(60))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn only_the_probe_decides_what_becomes_of_an_open_circuit() {
    let world = world();
    let egress = world.egress(TRIPS);
    // Begins while the circuit is closed, and ends well when it has long been open.
    world.then(Step::After(secs(5), Box::new(Step::Give(json!("late")))));
    // Begins then too, and is dropped while a probe is under way.
    world.then(Step::Hang);
    for _ in 0..5 {
        world.then(Step::Fail(down()));
    }
    let cx = within(secs(100));
    let late = read(&egress, &cx);
    let hanging = async { tokio::time::timeout(ms(9500), read(&egress, &cx)).await };
    let failing = async {
        tokio::time::sleep(ms(1)).await;
        let _ = read(&egress, &cx).await;
        assert_eq!(kind(read(&egress, &cx).await), Kind::CircuitOpen);
        tokio::time::sleep(secs(6)).await;
        assert_eq!(
            kind(read(&egress, &cx).await),
            Kind::CircuitOpen,
            "the late answer closed it"
        );
    };
    let (late, hanging, ()) = tokio::join!(late, hanging, failing);
    assert!(late.is_ok() && hanging.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_failure_of_the_provider_does_not_count() {
    let world = world();
    let egress = world.egress(TRIPS);
    for _ in 0..20 {
        world.then(Step::Fail(Error::new(Kind::NotFound, "no such thing")));
    }
    for _ in 0..20 {
        assert_eq!(kind(read(&egress, &within(secs(60))).await), Kind::NotFound);
    }
    // It even proves health: four failures, a 404, four failures.
    let once = Policy {
        retry: Backoff {
            attempts: 1,
            ..TRIPS.retry
        },
        ..TRIPS
    };
    let world = World::default();
    let world = Arc::new(world);
    let egress = world.egress(once);
    for round in 0..9 {
        let error = if round == 4 {
            Error::new(Kind::NotFound, "no")
        } else {
            down()
        };
        world.then(Step::Fail(error));
        assert_ne!(
            kind(read(&egress, &within(secs(60))).await),
            Kind::CircuitOpen
        );
    }
    assert!(read(&egress, &within(secs(60))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn calls_with_hardly_any_time_do_not_open_the_circuit() {
    let world = world();
    world.always(|| Step::After(secs(1), Box::new(Step::Give(json!(1)))));
    let egress = world.egress(TRIPS);
    for _ in 0..10 {
        assert_eq!(kind(read(&egress, &within(ms(100))).await), Kind::Timeout);
    }
    assert!(read(&egress, &within(secs(60))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn one_tenants_trouble_is_not_anothers() {
    let world = world();
    let egress = opened(&world).await;
    let other = Cx::builder(tenant("other")).build();
    assert!(read(&egress, &other).await.is_ok());
    assert_eq!(
        kind(read(&egress, &within(secs(60))).await),
        Kind::CircuitOpen
    );
}

// Limit

/// When requests went out, in milliseconds since the start.
async fn times(egress: &Egress, calls: usize, deadline: Duration) -> Vec<Result<u64, Error>> {
    let started = Instant::now();
    let cx = within(deadline);
    join_all((0..calls).map(|_| async {
        read(egress, &cx).await?;
        Ok(u64::try_from(started.elapsed().as_millis()).unwrap())
    }))
    .await
}

#[tokio::test(start_paused = true)]
async fn no_window_ever_holds_more_than_its_quota() {
    const QUOTAS: &[Quota] = &[Quota::all(5, secs(1)), Quota::all(8, secs(10))];
    let world = world();
    let egress = world.egress(Policy {
        quotas: QUOTAS,
        ..PATIENT
    });
    let mut sent: Vec<u64> = times(&egress, 30, secs(120))
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    sent.sort_unstable();
    for quota in QUOTAS {
        let window = u64::try_from(quota.window.as_millis()).unwrap();
        let room = quota.requests as usize;
        for pair in sent.windows(room + 1) {
            assert!(pair[room] - pair[0] >= window, "{quota:?}: {sent:?}");
        }
    }
    // And no more waiting than that: eight in ten seconds, thirty in three windows and a bit.
    assert!(*sent.last().unwrap() <= 31_100, "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn the_operators_limit_comes_on_top() {
    let world = world();
    let egress = world.egress(Policy {
        requests_per_second: Some(2),
        ..PATIENT
    });
    let sent: Vec<u64> = times(&egress, 6, secs(60))
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(sent[5] >= 2000 && sent[5] < 2010, "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_in_flight_than_allowed() {
    let world = world();
    world.always(|| Step::After(secs(1), Box::new(Step::Give(json!(1)))));
    let egress = world.egress(Policy {
        in_flight: 3,
        ..PATIENT
    });
    let sent = times(&egress, 10, secs(60)).await;
    assert!(sent.iter().all(Result::is_ok));
    assert_eq!(
        world
            .most_in_flight
            .load(std::sync::atomic::Ordering::SeqCst),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_served_in_time_is_told_at_once_how_long_it_takes() {
    const QUOTAS: &[Quota] = &[Quota::all(2, secs(60))];
    let world = world();
    let egress = world.egress(Policy {
        quotas: QUOTAS,
        ..PATIENT
    });
    let started = Instant::now();
    let all = times(&egress, 5, secs(90)).await;
    // Two go at once, two after a minute; the fifth would take two minutes and is not kept.
    assert_eq!(all.iter().filter(|sent| sent.is_ok()).count(), 4);
    let error = all.into_iter().find_map(Result::err).unwrap();
    assert_eq!(error.kind(), Kind::RateLimited);
    assert_eq!(error.what_became(), Fate::NotSent);
    assert!(error.is_retryable() && !error.is_temporary());
    let wait = error.wait().unwrap();
    assert!(wait > secs(119) && wait <= secs(121), "{wait:?}");
    assert!(started.elapsed() < secs(62));
    let started = Instant::now();
    assert_eq!(
        kind(read(&egress, &within(secs(5))).await),
        Kind::RateLimited
    );
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_providers_words_about_its_limits_are_heeded() {
    let world = world();
    world.then(Step::Pause(secs(5)));
    let egress = world.egress(PATIENT);
    read(&egress, &within(secs(60))).await.unwrap();
    let started = Instant::now();
    read(&egress, &within(secs(60))).await.unwrap();
    assert_eq!(started.elapsed(), secs(5));
    // A 429 of one call keeps the others quiet too.
    let world = World::default();
    let world = Arc::new(world);
    world.then(Step::Fail(too_many(Some(secs(7)))));
    let egress = world.egress(Policy {
        retry: Backoff {
            attempts: 1,
            ..PATIENT.retry
        },
        ..PATIENT
    });
    assert_eq!(
        kind(read(&egress, &within(secs(60))).await),
        Kind::RateLimited
    );
    let started = Instant::now();
    read(&egress, &within(secs(60))).await.unwrap();
    assert_eq!(started.elapsed(), secs(7));
    // Another tenant's account knows nothing of it.
    world.then(Step::Fail(too_many(Some(secs(7)))));
    let _ = read(&egress, &within(secs(60))).await;
    let started = Instant::now();
    read(&egress, &Cx::builder(tenant("other")).build())
        .await
        .unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_absurd_silence_is_cut_to_an_hour() {
    let world = world();
    world.then(Step::Pause(Duration::MAX));
    let egress = world.egress(PATIENT);
    read(&egress, &within(secs(60))).await.unwrap();
    let error = read(&egress, &within(secs(60))).await.err().unwrap();
    assert!(error.wait().unwrap() <= Duration::from_hours(1));
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_takes_no_token_and_holds_up_nobody() {
    const QUOTAS: &[Quota] = &[Quota::all(1, secs(10))];
    let world = world();
    let egress = world.egress(Policy {
        quotas: QUOTAS,
        ..PATIENT
    });
    read(&egress, &within(secs(60))).await.unwrap();
    let token = CancellationToken::new();
    let cx = Cx::builder(Principal::local())
        .cancel(token.clone())
        .build();
    let cx2 = within(secs(60));
    let started = Instant::now();
    let (first, second, ()) = tokio::join!(read(&egress, &cx), read(&egress, &cx2), async {
        tokio::time::sleep(secs(1)).await;
        token.cancel();
    });
    let error = first.err().unwrap();
    assert_eq!(
        (error.kind(), error.what_became()),
        (Kind::Cancelled, Fate::NotSent)
    );
    second.unwrap();
    assert_eq!(started.elapsed(), secs(10));
    assert_eq!(world.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_transport_leaves_the_plane_usable() {
    use futures_util::FutureExt;
    let world = world();
    let egress = world.egress(Policy {
        in_flight: 1,
        ..TRIPS
    });
    for _ in 0..10 {
        world.then(Step::Panic);
        let cx = within(secs(60));
        let call = std::panic::AssertUnwindSafe(read(&egress, &cx)).catch_unwind();
        assert!(call.await.is_err());
    }
    assert!(read(&egress, &within(secs(60))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn thousands_of_waiting_requests_are_all_answered() {
    let world = world();
    let egress = world.egress(Policy {
        requests_per_second: Some(100),
        ..PATIENT
    });
    let all = times(&egress, 10_000, secs(30)).await;
    let served = all.iter().filter(|sent| sent.is_ok()).count();
    assert_eq!(served, 3000);
    assert!(
        all.iter()
            .filter_map(|sent| sent.as_ref().err())
            .all(|e| e.kind() == Kind::RateLimited)
    );
}
