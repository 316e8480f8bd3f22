// Package api is feedwatch over HTTP: heartbeats and pings in; the status of
// feeds and incidents, metrics and the embedded page out; acknowledgements and
// reloads from people who may.
//
// It holds no state of its own. What it shows is the immutable picture that the
// engine publishes, what it takes it hands over and answers only then. Every
// body, batch, page and header has a stated limit and a clear answer past it.
package api
