// Package deadman tells a watch outside, a dead-man's switch such as
// Healthchecks, that feedwatch is alive and well: a GET each minute, and none
// while it is not. What is gone cannot say so; what is outside notices that it
// does not hear.
package deadman
