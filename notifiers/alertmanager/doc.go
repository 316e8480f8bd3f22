// Package alertmanager sends pages as alerts to one Alertmanager or to several
// that belong together, which route them on.
//
// Each page is an alert of its own, as in PagerDuty: Alertmanager tells its people
// of another alert, not of one that goes on. Its labels are what never changes
// about the incident, plus its severity: where that rises, the alert with the
// former one ends.
//
// An alert there ends by itself when nobody sends it again (endsAt): so a Keeper
// sends all that delivery was told is there, each minute, long before. What is
// lost on the way (a resolve that one of several missed, an attempt that arrives
// after its resolve) is over by itself within Lease.
//
// Models of Alertmanager's API are published with it, but bring a dozen packages
// for five fields; a test holds ours against a real Alertmanager instead.
package alertmanager
