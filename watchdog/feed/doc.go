// Package feed has the words that everything else in feedwatch is said in: a
// series (one feed, one client), a heartbeat (an update was seen to arrive), an
// instant, a label set, and the report by which a source tells what arrived and
// up to when it can say what did not.
//
// It stands on the ground floor: it imports nothing of the module. Only its
// Parse functions build a Key or a Labels, so a value that exists has passed
// the limits stated beside them.
package feed
