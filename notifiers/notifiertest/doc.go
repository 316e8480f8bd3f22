// Package notifiertest is what notifiers are tested with: Run, a conformance
// suite for every one of them; SlackServer and PagerDutyServer, which behave
// like the real ones towards a client that may be wrong; Fault, the ways in
// which a network lies; and Scenes, an incident in each phase of its life.
//
// It is for tests only, also for those of other packages and of the whole binary.
package notifiertest
