// Package engine runs the machine: one goroutine owns it and makes turns, others
// send requests and read published pictures. Beside it a committer makes every
// change of an incident durable before it is delivered, or says that it could not.
//
//	Submit, Acknowledge, UseRules --> requests --> Turn --> Machine.Step
//	                                                |-- changes --> committer --> store, then delivery
//	                                                |-- blocks  --> committer --> store, where no page waits
//	                                                '-- Status  --> readers
package engine
