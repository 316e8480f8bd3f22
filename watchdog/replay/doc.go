// Package replay drives the machine through a past that is written down: what
// would the rules have said, whom would they have paged, and when. It runs the
// same watchdog.Machine as the service, in virtual time, and has no rules of its
// own. A Scenario's heartbeats come from a seeded generator, so that it always gives
// the same story; a Plan replays a History, which is recorded.
//
// Invariants:
//   - Heartbeats are read in order of arrival, and not kept: memory is bounded by the
//     number of clients and of incidents, however long the past is.
//   - In a scenario the machine is stepped at every arrival and at every instant at
//     which something is due, with everything known up to that instant: a deadline
//     fires exactly when it passes.
//   - In a history it is stepped at the end of each second in which something arrived
//     or is due, as the service's is about once a second. A deadline that a heartbeat
//     of the same second follows is met; what fires is stamped with its deadline.
//   - Every set of a Plan sees the same heartbeats at the same steps, so two of them
//     differ by their rules only.
package replay
