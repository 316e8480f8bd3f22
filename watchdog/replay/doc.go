// Package replay drives the machine through a past that is written down: what
// would the rules have said, whom would they have paged, and when. It runs the
// same watchdog.Machine as the service, in virtual time, and has no rules of its
// own; the heartbeats come from a seeded generator, so that a scenario always
// gives the same story.
//
// Invariants:
//   - Heartbeats are made one at a time, in order of arrival: memory is bounded by
//     the number of clients, however long the scenario is.
//   - The machine is stepped at every arrival and at every instant at which
//     something is due, with everything known up to that instant: a deadline fires
//     exactly when it passes.
package replay
