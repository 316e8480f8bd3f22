// Package watchdog is the pure core: a Machine that owns the table of series and
// decides, from heartbeats, rules and the time it is given, which are stale,
// which incidents that makes, who is to be paged when, when data is lost and
// what was. It has no I/O, goroutine, clock, log or randomness: the same code
// serves the service, replay and the simulator. Its way through one call:
//
//	Step(now, inputs)
//	  heartbeats --> table (watermarks, block bounds) --> verdict changes
//	  verdict changes --> attribution --> incidents
//	  incidents --> ladder, loss clock, catch-up --> changed incidents, next due
package watchdog
