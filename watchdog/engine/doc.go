// Package engine runs the machine: one goroutine at a time owns it and makes a turn, Run
// when something is due, a sender by the way; all read published pictures. Beside it a
// committer makes every change of an incident durable before it is delivered, or says
// that it could not.
//
//	Submit, Acknowledge, UseRules ----------------> Turn --> Machine.Step
//	                                                |-- changes --> committer --> store, then delivery
//	                                                |-- blocks  --> committer --> store, where no page waits
//	                                                '-- Status  --> readers
package engine
