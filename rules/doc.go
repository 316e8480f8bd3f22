// Package rules turns rule files, which the CDP team edits in YAML, into an
// immutable Set: feeds, the rules that say when their series are stale, and the
// escalations that say who is told. A set is accepted whole or refused whole,
// and every error is found at once, at file:line:col, with what to write instead.
package rules
