// Package sim proves the watchdog: tests only.
//
// From a seed it makes a small fleet of feeds with their rules, outages and
// mishaps, and lets it run for days to years in virtual time. The engine with its
// machine, the delivery and the store are those of production. What lies outside is
// replaced: Slack and PagerDuty by fakes with the semantics of the real ones, the
// disk by one that fails, is slow, and keeps only what was committed when the
// process is killed. Beside it runs an oracle, simple and slow, made from the text
// of the design and not from the machine's code; after every step what the watchdog
// says and what people were told is held against it.
//
//	driver   jumps from event to event, turns the engine, kills and restarts
//	fleet    what exists and what will happen, from a seed
//	oracle   what is true
//	world    what people see: alerts and channels
//	disk     what is durable
//	holds    silences, maintenances, and what people decide
//	ledger   what the queue deleted unread, and what is said of it
//
// A failure prints its seed, the rules, and the last events as a script. To run it
// again: go test ./watchdog/sim -run TestSeed$ -seed N
package sim
