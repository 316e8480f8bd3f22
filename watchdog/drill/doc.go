// Package drill tries whether pages get through, before one has to. A drill is an
// incident that is marked as one. It goes the way of every page, through delivery
// and the notifiers, and it has succeeded only once each message was read back from
// where it was sent and, where that is asked for, a person acknowledged it:
//
//	Start --> an incident, durable before anybody is told of it
//	walk  --> for each notifier: accepted? then read back          (walk.go)
//	          for a person: acknowledged in time?                  (people.go)
//	end   --> resolved, whatever came of it, and what came of it is told
//
// The machine knows nothing of drills: they count in no feed, no ladder runs, and
// nothing holds them. What was open when feedwatch died is resolved by the next.
package drill
