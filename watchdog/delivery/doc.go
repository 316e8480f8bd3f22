// Package delivery brings Slack, PagerDuty and the rest to what each incident is
// now: desired state, not messages. Nobody hands it things to send. It is given
// the newest picture of each incident, compares that with the receipts of what
// every destination is known to hold, and works off the difference:
//
//	Apply(incident) --> plan: incident - receipts = ops still to be done   (plan.go, pure)
//	                    destination: who is next, who waits, who is parked  (destination.go)
//	                    thread: who is told in one message with whom        (thread.go, gather.go)
//	                    attempt --> Notifier, once; what came of it         (outcome.go)
//	                    receipt --> plan again, and the journal             (journal.go)
//
// What holds at every moment, whatever fails and wherever the process is killed:
//
//   - At most one attempt is in flight per (destination, incident), so a resolve
//     never overtakes its trigger, and replies stay in order.
//   - A page that a destination accepted, or may have accepted, is resolved there
//     in the end; it is never triggered after its resolve.
//   - An op keeps its name over retries and restarts; one that may already have
//     arrived says so (Op.MaybeSent), so that doing it twice is harmless.
//   - A receipt is kept in memory until the journal has it; a failing journal
//     never makes anything be sent again while the process lives.
//   - Incidents that share a message are told in it once: who they are is journaled
//     before it is sent, and what comes of an attempt comes to all of them.
//   - A page is never given up: a destination that refuses us is probed for ever,
//     and another one tells it meanwhile; so it does where a destination refuses
//     the page itself, or is not configured.
package delivery
